//! What stands where a secret stood.

use std::cell::LazyCell;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use ring::hmac;

use super::finder::known::{self, Known};
use super::finder::{Finding, RuleId, strings};

/// How every marker begins.
pub(super) const BEGIN: &str = "[REDACTED:";

/// How every pseudonym begins.
const PSEUDONYM: &str = "h:";

/// Whether a text is a pseudonym already.
pub(super) fn is_pseudonym(text: &str) -> bool {
    text.strip_prefix(PSEUDONYM).is_some_and(|rest| {
        rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

/// The key of this machine, or the organization's: the same secret gets the same tag under the same key.
#[derive(Clone)]
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

    /// What stands for a name that is hashed: `h:` and 16 hexadecimal digits. It says nothing about tags.
    pub(super) fn pseudonym(&self, name: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"identity\0");
        context.update(name.as_bytes());
        let sum = context.sign();
        let number = sum.as_ref().first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first));
        format!("{PSEUDONYM}{number:016x}")
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

/// The marker of what could be guessed, or was not looked into.
pub fn marker(rule: &RuleId) -> String {
    let mut marker = String::new();
    write(&mut marker, rule, None);
    marker
}

/// The longest id of a rule that a marker may bear.
const MAX_RULE: usize = 64;

/// The longest marker, in bytes.
pub(super) const MAX_LENGTH: usize = BEGIN.len() + MAX_RULE + 10;

/// Where the first whole marker of a text begins, and how long it is, in bytes.
///
/// What only begins like one is none: behind a forged beginning anything could stand.
pub(super) fn find(text: &str) -> Option<(usize, usize)> {
    text.match_indices(BEGIN).find_map(|(at, _)| Some((at, length(text.get(at..)?)?)))
}

/// How long the marker is that a text begins with.
pub(super) fn length(text: &str) -> Option<usize> {
    let inner = text.strip_prefix(BEGIN)?;
    let inner = inner.get(..inner.bytes().take(MAX_RULE + 10).position(|byte| byte == b']')?)?;
    let (rule, tag) = inner.split_once(':').map_or((inner, None), |(rule, tag)| (rule, Some(tag)));
    let is_rule = (1..=MAX_RULE).contains(&rule.len())
        && rule.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        // An id is made of words; a token in its place would make the whole a way out.
        && rule.split('-').all(|word| word.len() < 16 || word.bytes().all(|byte| byte.is_ascii_lowercase()));
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_tag = tag.is_none_or(|tag| tag.len() == 8 && tag.bytes().all(is_hex));
    (is_rule && is_tag).then_some(BEGIN.len() + inner.len() + 1)
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
    let strings = LazyCell::new(|| strings(text));
    let mut copied = 0;
    // The same secret often stands there more than once.
    let mut last: Option<(&str, Tag)> = None;
    let mut tag_of = |secret| match last {
        Some((same, tag)) if same == secret => tag,
        _ => last.insert((secret, key.tag(secret))).1,
    };
    for Finding { span, rule, guessable } in findings {
        let (Some(before), Some(secret)) = (text.get(copied..span.start), text.get(span.clone())) else { continue };
        let value = if *rule == known::RULE { known.value_in(secret) } else { None };
        let tag = (!guessable).then(|| tag_of(value.unwrap_or(secret)));
        result.push_str(before);
        let from = result.len();
        let quote = quote(text, span, || strings.as_deref());
        result.push_str(quote);
        write(&mut result, rule, tag);
        result.push_str(quote);
        markers.push(from..result.len());
        copied = span.end;
        masked.push(Masked { span: span.clone(), rule: rule.clone(), tag });
    }
    result.push_str(text.get(copied..).unwrap_or_default());
    Replaced { text: result, masked, markers }
}

/// What has to stand around a marker that takes the place of a number in JSON: a quote, as deep as those of its name.
///
/// `strings` are those of the text, if it is JSON.
fn quote<'t, 's>(text: &'t str, span: &Range<usize>, strings: impl FnOnce() -> Option<&'s [Range<usize>]>) -> &'t str {
    const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];
    let is_number = text.get(span.clone()).is_some_and(|value| {
        value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'))
    });
    let Some(before) = text.get(..span.start).filter(|_| is_number) else { return "" };
    let before = before.trim_end_matches(BLANKS);
    if let Some(name) = before.strip_suffix(':') {
        let name = name.trim_end_matches(BLANKS);
        let backslashes = name.bytes().rev().skip(1).take_while(|byte| *byte == b'\\').count();
        return if name.ends_with('"') { name.get(name.len() - 1 - backslashes..).unwrap_or_default() } else { "" };
    }
    // In a list there is no name to tell how deep: only a list in no string is seen to.
    let in_list = before.ends_with(['[', ','])
        && strings().is_some_and(|strings| {
            let at = strings.partition_point(|string| string.end < span.start);
            strings.get(at).is_none_or(|string| span.start < string.start)
        });
    if in_list { "\"" } else { "" }
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
    // Prepared once, since nearly every text is asked.
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEGIN));
    FINDER.find_iter(text.as_bytes()).filter_map(|at| Some(at..at + length(text.get(at..)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(span: Range<usize>, rule: &'static str) -> Finding {
        Finding { span, rule: RuleId::of(rule), guessable: true }
    }

    #[test]
    fn a_marker_is_known_by_all_of_its_form() {
        let longest = "a".repeat(MAX_RULE);
        let whole = [
            "[REDACTED:a]".to_owned(),
            "[REDACTED:curl-user]".to_owned(),
            "[REDACTED:curl-user:0123abcf]".to_owned(),
            "[REDACTED:fifteen-15characters1]".to_owned(),
            format!("[REDACTED:{longest}]"),
            format!("[REDACTED:{longest}:0123abcd]"),
        ];
        for marker in &whole {
            assert_eq!(length(marker), Some(marker.len()), "{marker}");
            assert_eq!(length(&format!("{marker} and more]")), Some(marker.len()), "{marker}");
        }
        assert_eq!(whole.last().map(String::len), Some(MAX_LENGTH));
        let others = [
            "REDACTED:curl-user]".to_owned(),
            "[REDACTED:]".to_owned(),
            "[REDACTED::0123abcd]".to_owned(),
            "[REDACTED:curl-user".to_owned(),
            "[REDACTED:Curl-user]".to_owned(),
            "[REDACTED:curl_user]".to_owned(),
            "[REDACTED:curl user]".to_owned(),
            "[REDACTED:curl-user:]".to_owned(),
            "[REDACTED:curl-user:0123abc]".to_owned(),
            "[REDACTED:curl-user:0123abcd0]".to_owned(),
            "[REDACTED:curl-user:0123abcg]".to_owned(),
            "[REDACTED:curl-user:0123ABCD]".to_owned(),
            // A token in the place of a rule.
            "[REDACTED:sixteen16letters]".to_owned(),
            format!("[REDACTED:{longest}a]"),
            format!("[REDACTED:{longest}a:0123abcd]"),
        ];
        for other in &others {
            assert_eq!(length(other), None, "{other}");
        }
    }

    #[test]
    fn the_first_whole_marker_is_found_behind_forged_ones() {
        let text = "[REDACTED: no [REDACTED:a] [REDACTED:b]";
        assert_eq!(find(text), Some((14, 12)));
        assert_eq!(find("[REDACTED: no"), None);
        assert_eq!(all(text), [14..26, 27..39]);
        assert_eq!(without(text), "[REDACTED: no  ");
        assert_eq!(without("a[REDACTED:b]c"), "ac");
    }

    #[test]
    fn a_marker_says_its_rule() {
        assert_eq!(marker(&RuleId::of("curl-user")), "[REDACTED:curl-user]");
    }

    #[test]
    fn places_of_a_masked_text_are_places_of_the_text_before() {
        let key = TagKey::new(&[7; 32]);
        // Two secrets of four bytes: `abXXXXcdYYYYef`.
        let replaced = replace("abXXXXcdYYYYef", &[found(2..6, "a"), found(8..12, "b")], &key, &Known::default());
        assert_eq!(replaced.text, "ab[REDACTED:a]cd[REDACTED:b]ef");
        let places = |end| (0..=30).map(|at| replaced.place(at, end)).collect::<Vec<_>>();
        let outside = |at: usize| match at {
            0..=2 => at,
            14..=16 => at - 8,
            _ => at - 16,
        };
        for (at, (begin, end)) in places(false).into_iter().zip(places(true)).enumerate() {
            match at {
                3..=13 => assert_eq!((begin, end), (2, 6), "{at}"),
                17..=27 => assert_eq!((begin, end), (8, 12), "{at}"),
                _ => assert_eq!((begin, end), (outside(at), outside(at)), "{at}"),
            }
        }
        let back: Vec<_> = replaced.back(vec![found(4..15, "c"), found(14..16, "d")]).map(|found| found.span).collect();
        assert_eq!(back, [2..7, 6..8]);
    }
}
