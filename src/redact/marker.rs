//! What stands where a secret stood.

use std::ops::Range;

use ring::hmac;

use super::finder::known::{self, Known};
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
    pub span: Range<usize>,
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

/// A text with markers where secrets stood.
pub(super) struct Replaced {
    pub text: String,
    pub masked: Vec<Masked>,
    /// Where each marker stands in the text, in the order of `masked`.
    markers: Vec<Range<usize>>,
}

/// Puts markers in the place of findings, which are in their order and do not overlap.
///
/// The tag of a known value is that of the value itself, however it is written: else it could not be followed.
pub(super) fn replace(text: &str, findings: &[Finding], key: &TagKey, known: &Known) -> Replaced {
    let mut result = String::with_capacity(text.len());
    let mut masked = Vec::with_capacity(findings.len());
    let mut markers = Vec::with_capacity(findings.len());
    let mut copied = 0;
    for Finding { span, rule, guessable } in findings {
        let (Some(before), Some(secret)) = (text.get(copied..span.start), text.get(span.clone())) else { continue };
        let value = if *rule == known::RULE { known.value_in(secret) } else { None };
        let tag = (!guessable).then(|| key.tag(value.unwrap_or(secret)));
        result.push_str(before);
        let from = result.len();
        write(&mut result, rule, tag);
        markers.push(from..result.len());
        copied = span.end;
        masked.push(Masked { span: span.clone(), rule: rule.clone(), tag });
    }
    result.push_str(text.get(copied..).unwrap_or_default());
    Replaced { text: result, masked, markers }
}

impl Replaced {
    /// Findings in this text as findings in the text before.
    pub(super) fn back(&self, findings: Vec<Finding>) -> impl Iterator<Item = Finding> + '_ {
        findings.into_iter().map(|finding| {
            let span = self.place(finding.span.start, false)..self.place(finding.span.end, true);
            Finding { span, ..finding }
        })
    }

    /// An offset of this text in the text before; inside a marker, the begin or end of what it stands for.
    fn place(&self, offset: usize, end: bool) -> usize {
        let at = self.markers.partition_point(|marker| marker.start < offset);
        let Some((marker, masked)) =
            at.checked_sub(1).and_then(|at| Some((self.markers.get(at)?, self.masked.get(at)?)))
        else {
            return offset;
        };
        if offset >= marker.end {
            offset - marker.end + masked.span.end
        } else if end {
            masked.span.end
        } else {
            masked.span.start
        }
    }
}

/// How long the marker is that begins here, in bytes; None if there is none.
pub(super) fn length(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(BEGIN)?;
    let end = rest.bytes().take(80).position(|byte| byte == b']')?;
    let inside = rest.get(..end)?;
    let (rule, tag) = inside.split_once(':').map_or((inside, None), |(rule, tag)| (rule, Some(tag)));
    let well = !rule.is_empty()
        && rule.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && tag.is_none_or(|tag| {
            tag.len() == 8 && tag.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
        });
    well.then_some(BEGIN.len() + end + 1)
}

/// The text without the markers in it.
pub(super) fn without(text: &str) -> String {
    let mut rest = text;
    let mut result = String::with_capacity(text.len());
    while let Some(at) = rest.find(BEGIN) {
        let here = rest.get(at..).unwrap_or_default();
        let skip = length(here).unwrap_or(0);
        // What only begins like a marker is text.
        let step = if skip == 0 { BEGIN.len() } else { skip };
        result.push_str(rest.get(..at).unwrap_or_default());
        if skip == 0 {
            result.push_str(BEGIN);
        }
        rest = here.get(step..).unwrap_or_default();
    }
    result.push_str(rest);
    result
}

/// Where the markers stand in a text.
pub(super) fn all(text: &str) -> Vec<Range<usize>> {
    memchr::memmem::find_iter(text.as_bytes(), BEGIN).filter_map(|at| Some(at..at + length(text.get(at..)?)?)).collect()
}
