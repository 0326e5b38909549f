//! What stands where a secret stood.

use std::cell::LazyCell;
use std::ops::Range;

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
    for Finding { span, rule, guessable } in findings {
        let (Some(before), Some(secret)) = (text.get(copied..span.start), text.get(span.clone())) else { continue };
        let value = if *rule == known::RULE { known.value_in(secret) } else { None };
        let tag = (!guessable).then(|| key.tag(value.unwrap_or(secret)));
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
    memchr::memmem::find_iter(text.as_bytes(), BEGIN).filter_map(|at| Some(at..at + length(text.get(at..)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_bears_the_id_of_a_rule_and_a_tag_at_most() {
        let tag = TagKey::new(b"key").tag("secret");
        let mut tagged = String::new();
        write(&mut tagged, &RuleId::of("github-token"), Some(tag));
        assert_eq!(tagged, format!("[REDACTED:github-token:{tag}]"));
        assert_eq!(marker(&RuleId::of("password")), "[REDACTED:password]");
        assert_eq!(length(&tagged), Some(tagged.len()));
        assert_eq!(length("[REDACTED:password] and more"), Some("[REDACTED:password]".len()));
        let words = |length: usize| format!("[REDACTED:{}]", &"abcdefghi-".repeat(10)[..length]);
        assert_eq!(length(&words(MAX_RULE)), Some(words(MAX_RULE).len()));
        assert_eq!(length(&words(MAX_RULE + 1)), None);
        let longest = words(MAX_RULE).replace(']', ":0123abcd]");
        assert_eq!((length(&longest), longest.len()), (Some(longest.len()), MAX_LENGTH));
        for (text, is_one) in [
            ("[REDACTED:a1-b]", true),
            ("[REDACTED:a:0123abcd]", true),
            ("[REDACTED:a1bcdefghijklmn]", true),
            ("[REDACTED:a1bcdefghijklmno]", false),
            ("[REDACTED:abcdefghijklmnop]", true),
            ("[REDACTED:a1-abcdefghijklmnop]", true),
            ("[REDACTED:]", false),
            ("[REDACTED:A]", false),
            ("[REDACTED:a_b]", false),
            ("[REDACTED:a b]", false),
            ("[REDACTED:A1bcdefghijklmno]", false),
            ("[REDACTED:a:]", false),
            ("[REDACTED:a:0123abc]", false),
            ("[REDACTED:a:0123abcde]", false),
            ("[REDACTED:a:0123abcg]", false),
            ("[REDACTED:a:0123ABCD]", false),
            ("[REDACTED:a:0123abcd:0123abcd]", false),
            ("[REDACTED:a", false),
            ("REDACTED:a]", false),
            ("", false),
        ] {
            assert_eq!(length(text), is_one.then_some(text.len()), "{text}");
        }
    }

    #[test]
    fn a_pseudonym_is_16_hexadecimal_digits() {
        let key = TagKey::new(b"key");
        assert!(is_pseudonym(&key.pseudonym("alice")));
        assert_eq!(key.pseudonym("alice"), key.pseudonym("alice"));
        assert_ne!(key.pseudonym("alice"), key.pseudonym("bob"));
        for (text, is_one) in [
            ("h:0123456789abcdef", true),
            ("h:0123456789abcde", false),
            ("h:0123456789abcdef0", false),
            ("h:0123456789abcdeg", false),
            ("h:0123456789ABCDEF", false),
            ("0123456789abcdef", false),
        ] {
            assert_eq!(is_pseudonym(text), is_one, "{text}");
        }
    }

    #[test]
    fn what_only_begins_like_a_marker_is_text() {
        let text = "a[REDACTED:b]c[REDACTED:D]e[REDACTED:f:0123abcd]g[REDACTED:";
        assert_eq!(find(text), Some((1, 12)));
        assert_eq!(find(&text[2..]), Some((25, 21)));
        assert_eq!(find("[REDACTED:D]"), None);
        assert_eq!(without(text), "ac[REDACTED:D]eg[REDACTED:");
        assert_eq!(all(text), [1..13, 27..48]);
        assert_eq!((without("abc"), all("abc")), ("abc".to_owned(), Vec::new()));
    }

    /// The text with markers for the parts of it.
    fn replaced(text: &str, parts: &[(&str, bool)]) -> Replaced {
        let finding = |(part, guessable): &(&str, bool)| {
            let at = text.find(part).unwrap();
            Finding { span: at..at + part.len(), rule: RuleId::of("x"), guessable: *guessable }
        };
        replace(text, &parts.iter().map(finding).collect::<Vec<_>>(), &TagKey::new(b"key"), &Known::default())
    }

    #[test]
    fn a_marker_takes_the_place_of_each_finding() {
        let tag = TagKey::new(b"key").tag("two");
        let replaced = replaced("a one b two c", &[("one", true), ("two", false)]);
        assert_eq!(replaced.text, format!("a [REDACTED:x] b [REDACTED:x:{tag}] c"));
        let masked: Vec<_> = replaced.masked.iter().map(|masked| (masked.span.clone(), masked.tag)).collect();
        assert_eq!(masked, [(2..5, None), (8..11, Some(tag))]);
    }

    #[test]
    fn a_place_behind_a_marker_is_one_behind_what_it_stands_for() {
        // `a [REDACTED:x] b [REDACTED:x] c`
        let replaced = replaced("a one b two c", &[("one", true), ("two", true)]);
        for (offset, begin, end) in [
            (0, 0, 0),
            (2, 2, 2),
            (3, 2, 5),
            (13, 2, 5),
            (14, 5, 5),
            (15, 6, 6),
            (17, 8, 8),
            (18, 8, 11),
            (28, 8, 11),
            (29, 11, 11),
            (31, 13, 13),
        ] {
            assert_eq!((replaced.place(offset, false), replaced.place(offset, true)), (begin, end), "{offset}");
        }
        let finding = Finding { span: 15..31, rule: RuleId::of("y"), guessable: false };
        let back: Vec<_> = replaced.back(vec![finding.clone()]).collect();
        assert_eq!(back, [Finding { span: 6..13, ..finding }]);
    }

    #[test]
    fn a_marker_for_a_number_of_json_is_a_string() {
        for (text, wanted) in [
            ("{\"a\": 1234}", "{\"a\": \"[REDACTED:x]\"}"),
            ("{\"a\":\n\t\r 1234}", "{\"a\":\n\t\r \"[REDACTED:x]\"}"),
            ("{\"a\" : 1234}", "{\"a\" : \"[REDACTED:x]\"}"),
            ("{\\\"a\\\": 1234}", "{\\\"a\\\": \\\"[REDACTED:x]\\\"}"),
            ("{\\\\\\\"a\\\\\\\": 1234}", "{\\\\\\\"a\\\\\\\": \\\\\\\"[REDACTED:x]\\\\\\\"}"),
            ("a: 1234", "a: [REDACTED:x]"),
            ("[1234]", "[\"[REDACTED:x]\"]"),
            ("[5, 1234]", "[5, \"[REDACTED:x]\"]"),
            ("[\"a\", 1234, \"b\"]", "[\"a\", \"[REDACTED:x]\", \"b\"]"),
            ("[\"a, 1234, b\"]", "[\"a, [REDACTED:x], b\"]"),
            ("(5, 1234)", "(5, [REDACTED:x])"),
            ("x 1234", "x [REDACTED:x]"),
        ] {
            assert_eq!(replaced(text, &[("1234", true)]).text, wanted, "{text}");
        }
        for number in ["-1.5e+7", "1E5"] {
            let text = format!("{{\"a\": {number}}}");
            assert_eq!(replaced(&text, &[(number, true)]).text, "{\"a\": \"[REDACTED:x]\"}", "{number}");
        }
        for other in ["12x4", "1_000", "a"] {
            let text = format!("{{\"k\": {other}}}");
            assert_eq!(replaced(&text, &[(other, true)]).text, "{\"k\": [REDACTED:x]}", "{other}");
        }
    }
}
