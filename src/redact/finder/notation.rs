//! The notation in which formats are written: a small part of regex syntax, matched in linear time from either end.
//!
//! | written | is |
//! |---|---|
//! | `a`, `\.` | that character |
//! | `[A-Za-z0-9_-]`, `\d`, `\w` | one ASCII character of a class |
//! | `{n}`, `{n,m}`, `{n,}`, `?`, `+`, `*` | how often what stands before it is repeated |
//! | `(a\|b\|c)`, `(a\|b)?` | one of these literals, the first that fits |
//! | `\b` | no letter, digit or underscore stands beyond this end |
//! | `\K` | what stands before it belongs to the format and not to the secret |
//!
//! Nothing is ever taken back: a repetition takes all it can. One of `/ : = & ? @` outside of a class stands for every
//! way in which it is written: `\/` and `\u003d` in JSON, `%3A` in URLs, `&amp;` in HTML.

use std::iter;
use std::ops::RangeInclusive;

/// How far a repetition without end is followed before anything is decided: deciding must not cost more than this for
/// each byte that is searched. [`Shape::to_the_end`] goes on from there.
const LOOK: usize = 32;
/// The end of a repetition that has none.
const OPEN: u16 = u16::MAX;
/// How often an escape may itself be escaped: JSON in JSON in JSON doubles backslashes each time.
const DEPTH: usize = 8;

/// A shape, ready to be matched.
#[derive(Clone, Debug)]
pub(super) struct Shape(Vec<Atom>);

#[derive(Clone, Copy, Debug)]
enum Atom {
    /// So many characters of a class, from the first number to the second, which may be [`OPEN`].
    Run(Set, u16, u16),
    /// One of the literals, with `|` between them; whether there need be none.
    OneOf(&'static str, bool),
    /// One of `/ : = & ? @`, however it is written.
    Separator(u8),
    Keep,
    Edge,
}

/// A set of ASCII characters: a bit for each, the lower 64 and the upper.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Set(u64, u64);

/// How far a shape came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Reach {
    /// Where what was matched ends.
    pub(super) end: usize,
    /// Where the secret begins, if the shape says so and came so far.
    pub(super) keep: Option<usize>,
    /// Whether this was all of it.
    pub(super) whole: bool,
}

/// What is wrong with a shape.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the shape {shape:?} is not in the notation, at byte {at}")]
pub(super) struct NotationError {
    shape: &'static str,
    at: usize,
}

impl Shape {
    /// Reads a shape.
    pub(super) fn read(shape: &'static str) -> Result<Self, NotationError> {
        let mut atoms = Vec::new();
        let mut rest = shape;
        while !rest.is_empty() {
            let wrong = NotationError { shape, at: shape.len() - rest.len() };
            let (atom, behind) = atom(rest).ok_or(wrong)?;
            atoms.push(atom);
            rest = behind;
        }
        Ok(Self(atoms))
    }

    /// Whether it matches only nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it says by `\K` that only a part is secret.
    pub(super) fn keeps(&self) -> bool {
        self.0.iter().any(|atom| matches!(atom, Atom::Keep))
    }

    /// Matches from here on. A last repetition without end is followed for a while only: see [`Shape::to_the_end`].
    pub(super) fn forward(&self, text: &str, from: usize) -> Reach {
        let bytes = text.as_bytes();
        let mut reach = Reach { end: from, keep: None, whole: false };
        for atom in &self.0 {
            let rest = bytes.get(reach.end..).unwrap_or_default();
            match *atom {
                Atom::Run(set, least, most) => {
                    let (least, most) = (usize::from(least), usize::from(most));
                    let most = if most == usize::from(OPEN) { least + LOOK } else { most };
                    let count = set.count(rest.iter(), most);
                    reach.end += count;
                    if count < least {
                        return reach;
                    }
                }
                Atom::OneOf(choices, optional) => {
                    match choices.split('|').find(|choice| rest.starts_with(choice.as_bytes())) {
                        Some(choice) => reach.end += choice.len(),
                        None if optional => {}
                        None => {
                            // A literal that the end of the text cuts through counts as far as it goes.
                            if choices.split('|').any(|choice| choice.as_bytes().starts_with(rest)) {
                                reach.end += rest.len();
                            }
                            return reach;
                        }
                    }
                }
                Atom::Separator(separator) => match separator_ahead(separator, rest) {
                    Some(length) => reach.end += length,
                    None => return reach,
                },
                Atom::Keep => reach.keep = Some(reach.end),
                Atom::Edge => {
                    if rest.first().is_some_and(|byte| is_word(*byte)) {
                        return reach;
                    }
                }
            }
        }
        Reach { whole: true, ..reach }
    }

    /// Follows a last repetition without end from where [`Shape::forward`] came to.
    pub(super) fn to_the_end(&self, text: &str, end: usize) -> usize {
        match self.0.last() {
            Some(Atom::Run(set, _, OPEN)) => {
                end + set.count(text.as_bytes().get(end..).unwrap_or_default().iter(), usize::MAX)
            }
            _ => end,
        }
    }

    /// Matches from its own end to its beginning, up to here: where it begins.
    pub(super) fn backward(&self, text: &str, to: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut at = to;
        for atom in self.0.iter().rev() {
            let rest = bytes.get(..at)?;
            match *atom {
                Atom::Run(set, least, most) => {
                    let count = set.count(rest.iter().rev(), usize::from(most));
                    if count < usize::from(least) {
                        return None;
                    }
                    at -= count;
                }
                Atom::OneOf(choices, optional) => {
                    match choices.split('|').find(|choice| rest.ends_with(choice.as_bytes())) {
                        Some(choice) => at -= choice.len(),
                        None if optional => {}
                        None => return None,
                    }
                }
                Atom::Separator(separator) => at -= separator_behind(separator, rest)?,
                Atom::Keep => {}
                Atom::Edge => {
                    if rest.last().is_some_and(|byte| is_word(*byte)) {
                        return None;
                    }
                }
            }
        }
        Some(at)
    }

    /// The most bytes it can match, a separator counted as one; None: without end.
    #[cfg(test)]
    pub(super) fn longest(&self) -> Option<usize> {
        self.0.iter().try_fold(0_usize, |sum, atom| {
            let most = match *atom {
                Atom::Run(_, _, OPEN) => return None,
                Atom::Run(_, _, most) => usize::from(most),
                Atom::OneOf(choices, _) => choices.split('|').map(str::len).max().unwrap_or_default(),
                Atom::Separator(_) => 1,
                Atom::Keep | Atom::Edge => 0,
            };
            Some(sum + most)
        })
    }

    /// Whether only its last part is without end.
    #[cfg(test)]
    pub(super) fn is_open_only_at_its_end(&self) -> bool {
        let inner = self.0.split_last().map_or(&[][..], |(_, inner)| inner);
        !inner.iter().any(|atom| matches!(atom, Atom::Run(_, _, OPEN)))
    }

    /// Something that it matches, of the choices that a source of numbers makes.
    #[cfg(test)]
    pub(super) fn example(&self, choose: &mut impl FnMut(usize) -> usize) -> String {
        let mut example = String::new();
        for atom in &self.0 {
            match *atom {
                Atom::Run(set, least, most) => {
                    let most = if most == OPEN { least + 20 } else { most };
                    let count = usize::from(least) + choose(usize::from(most - least) + 1);
                    let all: Vec<char> = (0..128_u8).filter(|byte| set.has(*byte)).map(char::from).collect();
                    example.extend((0..count).map(|_| all[choose(all.len())]));
                }
                Atom::OneOf(choices, optional) => {
                    let all: Vec<&str> = choices.split('|').collect();
                    if !optional || choose(2) == 0 {
                        example.push_str(all[choose(all.len())]);
                    }
                }
                Atom::Separator(byte) => match choose(4) {
                    0 => example.extend([format!("%{byte:02X}")]),
                    1 => example.extend([format!("\\u00{byte:02x}")]),
                    _ => example.push(char::from(byte)),
                },
                Atom::Keep | Atom::Edge => {}
            }
        }
        example
    }
}

impl Set {
    const DIGIT: Self = Self::of(b'0'..=b'9');
    const WORD: Self = Self::of(b'A'..=b'Z').and(Self::of(b'a'..=b'z')).and(Self::of(b'_'..=b'_')).and(Self::DIGIT);

    /// An empty range, or one that is not of ASCII, has nothing in it.
    const fn of(range: RangeInclusive<u8>) -> Self {
        let (from, to) = (*range.start(), *range.end());
        if from > to || to > 127 {
            return Self(0, 0);
        }
        let bits = (u128::MAX >> (127 - (to - from))) << from;
        #[expect(clippy::cast_possible_truncation, reason = "the halves are taken apart")]
        let halves = Self(bits as u64, (bits >> 64) as u64);
        halves
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0, self.1 | other.1)
    }

    fn has(self, byte: u8) -> bool {
        let half = if byte < 64 { self.0 } else { self.1 };
        byte < 128 && half >> (byte & 63) & 1 == 1
    }

    /// How many of these follow each other, at most so many.
    fn count<'b>(self, bytes: impl Iterator<Item = &'b u8>, most: usize) -> usize {
        bytes.take(most).take_while(|byte| self.has(**byte)).count()
    }
}

/// A letter, a digit or an underscore, of ASCII.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The first part of a shape, with its repetition, and what follows it.
fn atom(shape: &'static str) -> Option<(Atom, &'static str)> {
    if let Some(rest) = shape.strip_prefix(r"\K") {
        return Some((Atom::Keep, rest));
    }
    if let Some(rest) = shape.strip_prefix(r"\b") {
        return Some((Atom::Edge, rest));
    }
    if let Some(rest) = shape.strip_prefix('(') {
        let (choices, rest) = rest.split_once(')')?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"|_-/:=@".contains(&byte);
        if !choices.bytes().all(plain) {
            return None;
        }
        let optional = rest.strip_prefix('?');
        return Some((Atom::OneOf(choices, optional.is_some()), optional.unwrap_or(rest)));
    }
    let (set, single, rest) = if let Some(rest) = shape.strip_prefix('[') {
        let (set, rest) = class(rest)?;
        (set, None, rest)
    } else {
        let (set, single, rest) = character(shape)?;
        if single.is_some_and(|byte| !shape.starts_with('\\') && br".^$*+?{}|)]".contains(&byte)) {
            return None;
        }
        (set, single, rest)
    };
    let (repetition, rest) = repetition(rest)?;
    let atom = match (repetition, single) {
        (None, Some(byte)) if b"/:=&?@".contains(&byte) => Atom::Separator(byte),
        (repetition, _) => {
            let (least, most) = repetition.unwrap_or((1, 1));
            Atom::Run(set, least, most)
        }
    };
    Some((atom, rest))
}

/// One character, or one class with a name: what it stands for, and its byte if it is no class.
fn character(shape: &'static str) -> Option<(Set, Option<u8>, &'static str)> {
    let escaped = shape.strip_prefix('\\');
    let rest = escaped.unwrap_or(shape);
    let byte = *rest.as_bytes().first()?;
    let behind = rest.get(1..)?;
    match byte {
        b'd' if escaped.is_some() => Some((Set::DIGIT, None, behind)),
        b'w' if escaped.is_some() => Some((Set::WORD, None, behind)),
        _ if escaped.is_some() && byte.is_ascii_alphanumeric() => None,
        _ => Some((Set::of(byte..=byte), Some(byte), behind)),
    }
}

/// A class, from behind its opening bracket.
fn class(shape: &'static str) -> Option<(Set, &'static str)> {
    let mut set = Set::default();
    let mut rest = shape;
    loop {
        if let Some(behind) = rest.strip_prefix(']') {
            return (set != Set::default()).then_some((set, behind));
        }
        let (characters, single, behind) = character(rest)?;
        rest = behind;
        set = set.and(characters);
        if let (Some(from), Some(behind)) = (single, rest.strip_prefix('-').filter(|behind| !behind.starts_with(']'))) {
            let (_, to, behind) = character(behind)?;
            set = set.and(Set::of(from..=to?));
            rest = behind;
        }
    }
}

/// How often, and what follows. None inside: once.
fn repetition(shape: &'static str) -> Option<(Option<(u16, u16)>, &'static str)> {
    for (sign, bounds) in [('?', (0, 1)), ('+', (1, OPEN)), ('*', (0, OPEN))] {
        if let Some(rest) = shape.strip_prefix(sign) {
            return Some((Some(bounds), rest));
        }
    }
    let Some(rest) = shape.strip_prefix('{') else { return Some((None, shape)) };
    let (bounds, rest) = rest.split_once('}')?;
    let (least, most) = match bounds.split_once(',') {
        None => (bounds.parse().ok()?, bounds.parse().ok()?),
        Some((least, "")) => (least.parse().ok()?, OPEN),
        Some((least, most)) => (least.parse().ok()?, most.parse().ok()?),
    };
    (least <= most).then_some((Some((least, most)), rest))
}

/// The length of a separator at the beginning of this, in any of its writings.
fn separator_ahead(separator: u8, rest: &[u8]) -> Option<usize> {
    if separator == b'&' && rest.starts_with(b"&amp;") {
        return Some(5);
    }
    if rest.first() == Some(&separator) {
        return Some(1);
    }
    let (prefix, rest) = if let Some(mut rest) = rest.strip_prefix(b"%") {
        let mut length = 1;
        while let Some(behind) = rest.strip_prefix(b"25").filter(|_| length < 2 * DEPTH) {
            rest = behind;
            length += 2;
        }
        (length, rest)
    } else {
        let depth = rest.iter().take(DEPTH).take_while(|byte| **byte == b'\\').count();
        let rest = rest.get(depth..).filter(|_| depth > 0)?;
        if rest.first() == Some(&separator) {
            return Some(depth + 1);
        }
        let escape = if rest.starts_with(b"u00") { 3 } else { usize::from(rest.starts_with(b"x")) };
        (depth + escape, rest.get(escape..).filter(|_| escape > 0)?)
    };
    (hex(*rest.first_chunk()?)? == separator).then_some(prefix + 2)
}

/// The length of a separator at the end of this, in any of its writings.
fn separator_behind(separator: u8, rest: &[u8]) -> Option<usize> {
    let backslashes = |rest: &[u8]| rest.iter().rev().take(DEPTH).take_while(|byte| **byte == b'\\').count();
    if separator == b'&' && rest.ends_with(b"&amp;") {
        return Some(5);
    }
    if let Some(before) = rest.strip_suffix(&[separator]) {
        return Some(1 + backslashes(before));
    }
    let (mut before, code) = rest.split_last_chunk::<2>()?;
    if hex(*code)? != separator {
        return None;
    }
    for escape in [&b"u00"[..], b"x"] {
        if let Some(before) = before.strip_suffix(escape) {
            let depth = backslashes(before);
            return (depth > 0).then_some(2 + escape.len() + depth);
        }
    }
    let mut length = 2;
    while let Some(further) = before.strip_suffix(b"25").filter(|_| length < 2 * DEPTH) {
        before = further;
        length += 2;
    }
    before.ends_with(b"%").then_some(length + 1)
}

/// The byte that two hexadecimal digits stand for.
fn hex(digits: [u8; 2]) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let [high, low] = digits;
    Some(value(high)? << 4 | value(low)?)
}

/// Whether the character that ends here belongs to an escape: the `n` of a written `\n`, the `D` of `%3D`, the `m` of a
/// colour. What follows such a letter begins anew.
pub(super) fn ends_in_escape(head: &[u8]) -> bool {
    /// The longest escape that is known, up to its end: a colour with 16 bytes of parameters.
    const LONGEST: usize = 18;
    let Some((last, before)) = head.split_last() else { return false };
    // Where an escape would have to begin, and so nearly always none does.
    let byte = |back: usize| head.len().checked_sub(back).and_then(|at| head.get(at)).copied().unwrap_or_default();
    let may = match byte(2) {
        b'\\' | b';' | b'[' | b'%' => true,
        b'0'..=b'9' if last.is_ascii_alphabetic() => true,
        digit if digit.is_ascii_hexdigit() && last.is_ascii_hexdigit() => {
            matches!(byte(3), b'x' | b'%' | b'5' | b'\\') || byte(4) == b'\\' || byte(5) == b'u' || byte(9) == b'U'
        }
        _ => false,
    };
    if !may {
        return false;
    }
    // Every escape begins with one of these.
    let near = head.get(head.len().saturating_sub(LONGEST)..).unwrap_or_default();
    memchr::memchr3(b'\\', b'[', b'%', near).is_some() && ends_in_escape_near(head, *last, before)
}

fn ends_in_escape_near(head: &[u8], last: u8, before: &[u8]) -> bool {
    // \n, \t, \b, \e: a letter behind a backslash. How often the backslash is itself escaped does not matter.
    if before.ends_with(b"\\") && b"abefnrtv01234567".contains(&last) {
        return true;
    }
    // ESC [ 1 ; 31 m: whatever the escape character itself is written as, the bracket stands there.
    if last.is_ascii_alphabetic() {
        let parameters =
            before.iter().rev().take(16).take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
        if head.get(..before.len() - parameters).is_some_and(|head| head.ends_with(b"[")) {
            return true;
        }
    }
    if !last.is_ascii_hexdigit() {
        return false;
    }
    let digits = head.iter().rev().take(8).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let ends = |digits: usize, introducer: &[u8]| {
        head.get(..head.len() - digits).is_some_and(|head| head.ends_with(introducer))
    };
    // \012: octal digits behind a backslash.
    let octal = head.iter().rev().take(3).take_while(|byte| (b'0'..=b'7').contains(*byte)).count();
    iter::once((octal, &b"\\"[..])).any(|(digits, introducer)| digits > 1 && ends(digits, introducer))
        || digits >= 2 && (ends(2, b"\\x") || ends(2, b"%") || (1..=3).any(|depth| percent_of_percent(head, depth)))
        || digits >= 4 && ends(4, b"\\u")
        || digits >= 8 && ends(8, b"\\U")
}

/// `%253D`, `%25253D`: percent-encoded so many times more than once.
fn percent_of_percent(head: &[u8], depth: usize) -> bool {
    let Some((before, _)) = head.split_last_chunk::<2>() else { return false };
    let mut rest = before;
    for _ in 0..depth {
        let Some(further) = rest.strip_suffix(b"25") else { return false };
        rest = further;
    }
    rest.ends_with(b"%")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn forward(shape: &'static str, text: &str) -> Option<usize> {
        let shape = Shape::read(shape).unwrap();
        let reach = shape.forward(text, 0);
        reach.whole.then(|| shape.to_the_end(text, reach.end))
    }

    #[test]
    fn a_shape_matches_what_it_says() {
        for (shape, text, length) in [
            ("abc", "abcd", Some(3)),
            ("abc", "abd", None),
            (r"a\.b", "a.b", Some(3)),
            ("[a-c-]{2}", "a-c", Some(2)),
            ("[a-c]{2,}", &"abc".repeat(400), Some(1200)),
            (r"\d{2,4}", "12345", Some(4)),
            (r"\d{2,4}\b", "12345", None),
            (r"\d{2,4}\b", "1234-5", Some(4)),
            (r"x\d*y?", "x", Some(1)),
            ("(ab|a|c)?d", "cd", Some(2)),
            ("(ab|a|c)?d", "d", Some(1)),
            ("a(b|c)", "ad", None),
            ("a/b", r"a\/b", Some(4)),
            ("a/b", r"a\\\/b", Some(6)),
            ("a=b", "a%3Db", Some(5)),
            ("a=b", "a%253db", Some(7)),
            ("a=b", r"a\u003db", Some(8)),
            (r"\?a&b", "?a&amp;b", Some(8)),
            ("é", "é", None),
        ] {
            if Shape::read(shape).is_ok() {
                assert_eq!(forward(shape, text), length, "{shape} on {text}");
            } else {
                assert_eq!(length, None, "{shape}");
            }
        }
    }

    #[test]
    fn a_shape_is_matched_from_its_end_as_from_its_beginning() {
        for (shape, text, begin) in [
            ("abc", "xabc", Some(1)),
            (r"\d{2,4}:", "12345:", Some(1)),
            (r"\b\d{2,4}:", "12345:", None),
            (r"\b\d{2,4}:", "-2345:", Some(1)),
            ("(ab|c)?d", "xabd", Some(1)),
            ("a/b", r"xa\/b", Some(1)),
            ("a=b", "xa%3Db", Some(1)),
            ("a=b", "xa%253Db", Some(1)),
            ("a=b", r"xa\u003db", Some(1)),
        ] {
            assert_eq!(Shape::read(shape).unwrap().backward(text, text.len()), begin, "{shape} on {text}");
        }
    }

    #[test]
    fn what_stands_before_the_mark_is_no_secret() {
        let reach = Shape::read(r"/v1/\K[a-z]+").unwrap().forward("/v1/secret", 0);
        assert_eq!(reach, Reach { end: 10, keep: Some(4), whole: true });
    }

    #[test]
    fn what_is_not_in_the_notation_is_refused_with_its_place() {
        for (shape, at) in [
            ("ab.", 2),
            ("a{2", 0),
            ("a{3,2}", 0),
            ("[a", 0),
            ("[]", 0),
            ("(a", 0),
            ("a(b.)", 1),
            (r"\s", 0),
            ("a$", 1),
        ] {
            assert_eq!(Shape::read(shape).unwrap_err(), NotationError { shape, at });
        }
    }

    #[test]
    fn a_letter_of_an_escape_is_none_of_the_text() {
        for head in [
            r"\n",
            r"\\n",
            r"\\\\t",
            r"\u003d",
            r"\\u003D",
            r"\x3d",
            "%3D",
            "%3d",
            "%253D",
            "%25253d",
            "\u{1b}[0m",
            r"\x1b[31m",
            r"\e[1;31m",
            r"\033[K",
            r"\012",
            r"\0",
            r"\U0000003d",
        ] {
            assert!(ends_in_escape(head.as_bytes()), "{head}");
        }
        for head in ["", "n", "an", "3D", "x3d", "u003d", "253D", r"\q", "m", "0m", r"\u03d", "abcdef12"] {
            assert!(!ends_in_escape(head.as_bytes()), "{head}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail(text in ".{0,60}", from in 0..70_usize, shape in 0..5_usize) {
            let shape = [r"\b\d{2,}/?", "(ab|c)?[a-z]{3}", "a=b&c", r"\w+\b", r"[ -~]*\K@"][shape];
            let shape = Shape::read(shape).unwrap();
            let reach = shape.forward(&text, from);
            let _ = (shape.to_the_end(&text, reach.end), shape.backward(&text, from), ends_in_escape(text.as_bytes()));
        }
    }
}
