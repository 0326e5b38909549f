//! What stands where a secret stood.

use ring::hmac;

use super::finder::{Finding, RuleId};

/// How every marker begins.
pub(super) const BEGIN: &str = "[REDACTED:";

/// The key of this machine, or the organization's: the same secret gets the same tag under the same key.
pub struct TagKey(hmac::Key);

impl TagKey {
    /// A key of any bytes; 32 random ones are right.
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The first 32 bits of the HMAC-SHA-256 of a secret, as 8 hexadecimal digits.
    pub(super) fn tag(&self, secret: &str) -> Tag {
        let sum = hmac::sign(&self.0, secret.as_bytes());
        Tag(sum.as_ref().first_chunk::<4>().map_or(0, |first| u32::from_be_bytes(*first)))
    }
}

/// Follows a secret through events without telling it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Tag(u32);

impl std::fmt::Display for Tag {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:08x}", self.0)
    }
}

/// A secret that was masked. It does not hold the secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Masked {
    /// Where it stood, in bytes of the text before.
    pub span: std::ops::Range<usize>,
    /// What recognized it.
    pub rule: RuleId,
    /// None for what could be guessed.
    pub tag: Option<Tag>,
}

/// Writes a marker: `[REDACTED:<rule>:<8 hex>]`, or `[REDACTED:<rule>]` for what could be guessed.
///
/// No quote, backslash or control character is in it: valid JSON stays valid.
pub(super) fn write(into: &mut String, rule: &RuleId, tag: Option<Tag>) {
    into.push_str(BEGIN);
    into.push_str(rule.as_str());
    if let Some(tag) = tag {
        into.push(':');
        into.push_str(&tag.to_string());
    }
    into.push(']');
}

/// The marker of what could be guessed, or was not looked into.
pub fn marker(rule: &RuleId) -> String {
    let mut marker = String::new();
    write(&mut marker, rule, None);
    marker
}

/// The text with markers where secrets stood.
pub(super) fn replace(text: &str, findings: Vec<Finding>, key: &TagKey) -> (String, Vec<Masked>) {
    let mut result = String::with_capacity(text.len());
    let mut masked = Vec::with_capacity(findings.len());
    let mut copied = 0;
    for Finding { span, rule, guessable } in findings {
        let (Some(before), Some(secret)) = (text.get(copied..span.start), text.get(span.clone())) else { continue };
        let tag = (!guessable).then(|| key.tag(secret));
        result.push_str(before);
        write(&mut result, &rule, tag);
        copied = span.end;
        masked.push(Masked { span, rule, tag });
    }
    result.push_str(text.get(copied..).unwrap_or_default());
    (result, masked)
}
