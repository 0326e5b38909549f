//! Token formats: what a rule says about one, and whether a token stands around an anchor.
//!
//! The formats themselves are in `rules`, one file for each field.

use std::ops::Range;

use super::notation::{NotationError, Reach, Shape, ends_in_escape, is_word};
use super::rules::FIELDS;

/// A kind of token that is known by its form alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Lower-case letters, digits and hyphens, unique.
    pub(super) id: &'static str,
    /// What it is, in one phrase.
    pub(super) what: &'static str,
    /// Where its vendor says so.
    pub(super) source: &'static str,
    /// The forms it has.
    pub(super) forms: &'static [Form],
    /// What may stand directly before it.
    pub(super) edge: Edge,
    /// What the form alone does not say.
    pub(super) check: Check,
    /// Examples, made up, each in parts that are to be joined: nothing that searches this file for secrets shall cry. All
    /// of an example is masked, or its last part where the form says by `\K` what stays readable.
    #[cfg_attr(not(test), expect(dead_code, reason = "proved by the tests"))]
    pub(super) hits: &'static [&'static [&'static str]],
    /// Texts that come near and hold no secret.
    #[cfg_attr(not(test), expect(dead_code, reason = "proved by the tests"))]
    pub(super) misses: &'static [&'static [&'static str]],
}

/// One form of a token: an anchor, and the shapes around it in the notation of `notation`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// What stands before the anchor; matched from right to left.
    pub(super) before: &'static str,
    /// A literal of at least three bytes that a search finds, or [`POINT`].
    pub(super) anchor: &'static str,
    /// What follows it.
    pub(super) after: &'static str,
}

/// The anchor of what is in three parts between points and has no other: [`pointed`] finds it.
pub(super) const POINT: &str = ".";
/// How far the second point is behind the first, in bytes.
const POINTS: usize = 7;

/// Where a point stands with another so far behind it that six characters are between them.
pub(super) fn pointed(text: &str) -> impl Iterator<Item = usize> {
    /// How many places are looked at together: most have none.
    const PLACES: usize = 256;
    let points = |at: usize| {
        let here = text.as_bytes().get(at..).unwrap_or_default();
        let behind = here.get(POINTS..).unwrap_or_default();
        here.iter().zip(behind).take(PLACES).map(|pair| pair == (&b'.', &b'.'))
    };
    let some = (0..text.len().saturating_sub(POINTS))
        .step_by(PLACES)
        .filter(move |at| points(*at).fold(false, |any, two| any | two));
    some.flat_map(move |from| points(from).zip(from..).filter_map(|(two, at)| two.then_some(at)))
}

/// A form that begins with its anchor.
pub(super) const fn form(anchor: &'static str, after: &'static str) -> Form {
    Form { before: "", anchor, after }
}

/// A form that has its anchor inside.
pub(super) const fn inner(before: &'static str, anchor: &'static str, after: &'static str) -> Form {
    Form { before, anchor, after }
}

/// What may stand directly before a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Edge {
    /// Anything: the anchor is like nothing else.
    Any,
    /// No letter, digit or underscore, unless it belongs to an escape.
    Word,
    /// No hyphen, point, slash or plus sign either: the token looks like a part of names, paths or base64.
    Apart,
}

/// What must be true of the characters around the anchor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Check {
    /// Nothing: no word begins like this.
    None,
    /// At least one digit: no phrase of words.
    Digit,
    /// Letters and digits, and more than [`MIXED_BITS`] of information in each character.
    Mixed,
    /// The first part is the header of a JSON web token: base64url of a JSON object that names an algorithm.
    Jwt,
}

/// Shannon entropy above which characters look random, in bits for each. 32 random hexadecimal digits have about 3.6, a
/// placeholder that was counted up or repeated less than 2.
const MIXED_BITS: f64 = 2.5;
/// How much of a token its check looks at, in bytes. Deciding must not cost more.
const CHECKED: usize = 64;
/// Of how much of a token at least must be there if the text was cut.
const TAIL: usize = 4;
/// From this length on a tail need not look random if nothing else begins as its token does.
const LONG_TAIL: usize = 12;

/// Every rule, with each of its forms.
pub(super) fn all() -> impl Iterator<Item = (&'static Rule, &'static Form)> {
    FIELDS.iter().flat_map(|field| field.iter()).flat_map(|rule| rule.forms.iter().map(move |form| (rule, form)))
}

/// Verifies one form of a token at its anchor.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    rule: &'static Rule,
    before: Shape,
    anchor: &'static str,
    after: Shape,
}

impl Matcher {
    /// Makes the shapes of a form ready to be matched.
    pub(super) fn new(rule: &'static Rule, form: &'static Form) -> Result<Self, NotationError> {
        Ok(Self { rule, before: Shape::read(form.before)?, anchor: form.anchor, after: Shape::read(form.after)? })
    }

    /// The kind of token.
    pub(super) fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// What to search for.
    pub(super) fn anchor(&self) -> &'static str {
        self.anchor
    }

    /// Whether its anchor stands nowhere behind a word.
    pub(super) fn begins_word(&self) -> bool {
        self.before.is_empty() && self.rule.edge != Edge::Any
    }

    /// What is to be masked, if the anchor that begins at this byte is one of a token.
    pub(super) fn at(&self, text: &str, anchor: usize) -> Option<Range<usize>> {
        let behind = anchor + text.get(anchor..)?.strip_prefix(self.anchor).map(|_| self.anchor.len())?;
        // First what costs least and refuses most.
        if self.before.is_empty() && !self.rule.edge.allows(text, anchor) {
            return None;
        }
        let begin = self.before.backward(text, anchor)?;
        if !self.before.is_empty() && !self.rule.edge.allows(text, begin) {
            return None;
        }
        let reach = self.after.forward(text, behind);
        let span =
            if reach.whole { reach.keep.unwrap_or(begin)..reach.end } else { self.tail(text, begin, behind, reach)? };
        // What varies: all of it if characters stand on both sides of the anchor.
        let varies = if self.before.is_empty() { reach.keep.unwrap_or(behind) } else { span.start }..reach.end;
        let varies = text.get(varies)?;
        let varies = varies.get(..CHECKED).unwrap_or(varies);
        let holds = if reach.whole { self.rule.check.holds(text, &span, varies) } else { self.rule.check.may(varies) };
        if is_placeholder(varies) || !holds {
            return None;
        }
        if follows_digest_name(text, begin) {
            return None;
        }
        let end = if reach.whole { self.after.to_the_end(text, span.end) } else { span.end };
        Some(span.start..end)
    }

    /// What is left of a token that a text was cut in.
    ///
    /// The client shortens strings, and a piece of a secret is a secret; but the anchor has to be one that hardly stands
    /// for anything else.
    fn tail(&self, text: &str, begin: usize, behind: usize, reach: Reach) -> Option<Range<usize>> {
        let specific = self.anchor.len() >= 8
            || self.anchor.len() >= 4 && (self.rule.edge == Edge::Any || self.anchor.contains(['_', '-']));
        let from = reach.keep.unwrap_or(behind);
        let masked = if self.after.keeps() { reach.keep? } else { begin };
        (specific && reach.end.checked_sub(from)? >= TAIL && is_cut(text.get(reach.end..)?))
            .then_some(masked..reach.end)
    }
}

impl Edge {
    /// Whether a token may begin here.
    fn allows(self, text: &str, begin: usize) -> bool {
        let head = text.as_bytes().get(..begin).unwrap_or_default();
        let Some(last) = head.last() else { return true };
        match self {
            Self::Any => true,
            Self::Word => !is_word(*last) || ends_in_escape(head),
            Self::Apart => !(is_word(*last) || b"-./+".contains(last)) || ends_in_escape(head),
        }
    }
}

impl Check {
    /// Whether it holds for a whole token.
    fn holds(self, text: &str, span: &Range<usize>, varies: &str) -> bool {
        let digit = || varies.bytes().any(|byte| byte.is_ascii_digit());
        match self {
            Self::None => true,
            Self::Digit => digit(),
            Self::Mixed => {
                digit()
                    && varies.bytes().any(|byte| byte.is_ascii_alphabetic())
                    && has_variety(varies)
                    && bits(varies) > MIXED_BITS
            }
            Self::Jwt => text.get(span.clone()).is_some_and(names_an_algorithm),
        }
    }

    /// Whether it may hold for a token of which only the beginning is there: words begin alike, and are all lower-case.
    fn may(self, varies: &str) -> bool {
        let any = |class: fn(&u8) -> bool| varies.as_bytes().iter().any(class);
        // Nothing is secret in the header alone.
        if self == Self::Jwt && varies.len() < CHECKED && !varies.contains('.') {
            return false;
        }
        let cases = any(u8::is_ascii_uppercase) && (any(u8::is_ascii_lowercase) || self == Self::None);
        cases || any(u8::is_ascii_digit) || self == Self::None && varies.len() >= LONG_TAIL
    }
}

/// Whether somebody put this where a token belongs: `xxxxxxxxxxxx`, `000000000000`.
fn is_placeholder(varies: &str) -> bool {
    let mut characters = varies.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
    let Some(first) = characters.next() else { return false };
    varies.len() >= 8 && characters.all(|byte| byte == first)
}

/// Whether this is in a digest that says what it is: `sha512-…`, `sha256=…`.
fn follows_digest_name(text: &str, begin: usize) -> bool {
    let head = text.as_bytes().get(..begin).unwrap_or_default();
    let base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/_".contains(byte);
    // A digest of 64 bytes has 88 characters.
    let inside = head.iter().rev().take(88).take_while(base64).count();
    let Some((b'-' | b'=' | b':', name)) = head.get(..head.len() - inside).and_then(<[u8]>::split_last) else {
        return false;
    };
    [&b"sha1"[..], b"sha256", b"sha384", b"sha512"].iter().any(|digest| name.ends_with(digest))
}

/// Whether a text ends here, or says that more of it stood here.
fn is_cut(rest: &str) -> bool {
    let mut behind = rest;
    loop {
        let further = behind.trim_start_matches(['\n', '\r', ' ']);
        let further = further.strip_prefix("...[").map_or(further, |_| further.trim_start_matches('.'));
        let further = further.strip_prefix(r"\n").or_else(|| further.strip_prefix(r"\r")).unwrap_or(further);
        if further.len() == behind.len() {
            break;
        }
        behind = further;
    }
    rest.is_empty() || rest.starts_with('…') || behind.starts_with("[TRUNCATED") || rest.trim_end() == "..."
}

/// Whether so many characters differ that they can have [`MIXED_BITS`] of information: what refuses most costs least.
fn has_variety(text: &str) -> bool {
    let seen = text.bytes().filter(u8::is_ascii).fold(0_u128, |seen, byte| seen | 1 << byte);
    f64::from(seen.count_ones()).log2() > MIXED_BITS
}

/// Shannon entropy of the ASCII characters of a text, in bits for each.
pub(super) fn bits(text: &str) -> f64 {
    let mut counts = [0_u16; 128];
    let mut all = 0_u16;
    for byte in text.bytes().take(usize::from(u16::MAX)) {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
            all += 1;
        }
    }
    let all = f64::from(all);
    counts
        .into_iter()
        .filter(|count| *count > 0)
        .map(|count| f64::from(count) / all)
        .map(|share| -share * share.log2())
        .sum()
}

/// Whether a text begins with base64url of a JSON object that has a member which every JSON web token has.
fn names_an_algorithm(token: &str) -> bool {
    let mut header = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in token.bytes().take(1024) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => break,
        };
        bits = bits << 6 & 0xfff | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            header.push((bits >> held & 0xff).to_le_bytes()[0]);
        }
    }
    [&br#""alg""#[..], br#""enc""#, br#""typ""#, br#""kid""#]
        .iter()
        .any(|name| header.windows(name.len()).any(|window| window == *name))
}

#[cfg(test)]
mod tests;
