//! Keys that have no form of their own, and are known by the name of their service before them.
//!
//! 32 hexadecimal digits are a key behind `DATADOG_API_KEY=`, and a digest nearly everywhere else. The services and the
//! forms of their keys are in `table`.

mod table;

use std::cmp::Ordering;
use std::ops::{Range, RangeInclusive};

use super::notation::{NotationError, Shape, ends_in_escape, is_word};
use super::token::bits;

/// A service, and what its keys look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vendor {
    /// Of the rule: lower-case letters, digits and hyphens, unique, and none of a rule in `rules`.
    pub(super) id: &'static str,
    /// How the service is called in names of variables and in text. Lower-case.
    pub(super) words: &'static [&'static str],
    /// The form of the key, in the notation of `notation`. It ends where the key ends.
    pub(super) value: &'static str,
    /// The service's documentation.
    pub(super) source: &'static str,
}

/// Every service.
pub(super) fn all() -> &'static [Vendor] {
    table::VENDORS
}

/// How far behind the name its key may stand, in bytes.
const REACH: usize = 40;
/// Shannon entropy that a key has at least, in bits for each byte.
const KEY_BITS: f64 = 2.5;
/// What is between a name and a value besides words.
const GLUE: &[u8] = b" \t\"'`=:,([{<>|\\";
/// Words by which a value is called a secret.
const KEY_WORDS: [&str; 22] = [
    "access",
    "key",
    "keys",
    "token",
    "tokens",
    "secret",
    "secrets",
    "pat",
    "auth",
    "authorization",
    "password",
    "passwd",
    "pass",
    "credential",
    "credentials",
    "private",
    "api",
    "sid",
    "dsn",
    "license",
    "licence",
    "bearer",
];
/// The same, where they are written as one with what specifies them.
const KEY_ENDINGS: [&str; 14] = [
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "sharedkey",
    "licensekey",
    "signingkey",
    "writekey",
    "authkey",
    "apitoken",
    "authtoken",
    "accesstoken",
    "clientsecret",
    "apisecret",
];
/// Key words that say too little to make a key of a value whose form is not known.
const VAGUE: [&str; 8] = ["access", "api", "auth", "authorization", "sid", "dsn", "private", "bearer"];
/// Words that, as the last before a value, say that it is no secret: `GITHUB_API_SHA`, `DATADOG_API_KEY_ID`.
const OPEN_WORDS: [&str; 14] = [
    "sha",
    "commit",
    "ref",
    "rev",
    "revision",
    "id",
    "uuid",
    "digest",
    "checksum",
    "md",
    "version",
    "url",
    "fingerprint",
    "etag",
];
/// How long such a key is.
const ANY_KEY: RangeInclusive<usize> = 20..=200;
/// Shannon entropy that such a key has at least, in bits for each byte: that of random hexadecimal digits, barely.
const ANY_KEY_BITS: f64 = 3.2;
/// Words that may stand between a name and its key without making it more or less of one.
const FILLERS: [&str; 18] = [
    "is",
    "my",
    "the",
    "a",
    "for",
    "client",
    "app",
    "application",
    "access",
    "rest",
    "prod",
    "live",
    "test",
    "user",
    "value",
    "basic",
    "set",
    "to",
];
/// What a name is continued with where nothing separates the words: `zenrowsapikey`.
const CONTINUATIONS: [&str; 9] = ["key", "token", "secret", "api", "auth", "pass", "client", "access", "private"];

/// All services, ready to be used. Built once.
#[derive(Debug)]
pub(super) struct Vendors {
    /// In the order of `all`.
    values: Vec<Shape>,
    /// Each word with its service, sorted.
    words: Vec<(&'static str, usize)>,
}

impl Vendors {
    /// Makes the shapes ready to be matched.
    pub(super) fn new() -> Result<Self, NotationError> {
        let values = all().iter().map(|vendor| Shape::read(vendor.value)).collect::<Result<_, _>>()?;
        let vendors = all().iter().enumerate();
        let mut words: Vec<_> =
            vendors.flat_map(|(at, vendor)| vendor.words.iter().map(move |word| (*word, at))).collect();
        words.sort_unstable();
        Ok(Self { values, words })
    }

    /// What to search for, in any case, each once.
    pub(super) fn words(&self) -> impl Iterator<Item = &'static str> {
        let before = [""].into_iter().chain(self.words.iter().map(|(word, _)| *word));
        self.words
            .iter()
            .map(|(word, _)| *word)
            .zip(before)
            .filter(|(word, before)| word != before)
            .map(|(word, _)| word)
    }

    /// The key that belongs to the name at this place, and its rule.
    pub(super) fn at(&self, text: &str, word_at: usize, word_len: usize) -> Option<(Range<usize>, &'static str)> {
        let word_end = word_at.checked_add(word_len)?;
        let word = text.get(word_at..word_end)?;
        if !stands_alone(text, word_at, word_end) {
            return None;
        }
        let first = self.words.partition_point(|(known, _)| ignoring_case(known, word) == Ordering::Less);
        let vendors = self.words.get(first..)?.iter();
        let mut vendors = vendors.take_while(|(known, _)| ignoring_case(known, word) == Ordering::Equal).peekable();
        vendors.peek()?;
        let places = places(text, word_end);
        let own = vendors.clone().find_map(|(_, vendor)| {
            let (value, vendor) = (self.values.get(*vendor)?, all().get(*vendor)?);
            let end_of = |place: usize| {
                let reach = value.forward(text, place);
                let end = value.to_the_end(text, reach.end);
                (reach.whole && ends_there(text, end)).then_some(end)
            };
            let (place, end) = places.iter().flatten().find_map(|place| Some((*place, end_of(*place)?)))?;
            let (called, value) = (text.get(word_at..place)?, text.get(place..end)?);
            let id = vendor.id.ends_with("-id") && is_called_an_id(called);
            (id || is_key(value, || is_called_a_key(called))).then_some((place..end, vendor.id))
        });
        own.or_else(|| {
            let id = vendors.find_map(|(_, vendor)| all().get(*vendor))?.id;
            let key = places.iter().flatten().find_map(|place| any_key(text, word_at, *place))?;
            Some((key, id))
        })
    }
}

/// A key of a form that is not known: a service, a word that means a key and nothing else, and behind it what looks random.
fn any_key(text: &str, word_at: usize, place: usize) -> Option<Range<usize>> {
    let last = words_of(text.get(word_at..place)?).filter(|word| !word.is_empty()).last()?;
    if !is_key_word(last) || VAGUE.iter().any(|vague| vague.eq_ignore_ascii_case(last)) {
        return None;
    }
    let bytes = text.as_bytes().get(place..)?;
    let length = bytes.iter().take(ANY_KEY.end() + 1).take_while(|byte| is_word(**byte) || **byte == b'-').count();
    let value = text.get(place..place + length)?;
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let key = ANY_KEY.contains(&length)
        && ends_there(text, place + length)
        && is_key(value, || plain && bits(value) > ANY_KEY_BITS)
        && !value.contains("--");
    key.then_some(place..place + length)
}

/// Whether a name is a word of its own here, or a part of an identifier.
fn stands_alone(text: &str, from: usize, to: usize) -> bool {
    let (Some(head), Some(word), Some(rest)) = (text.get(..from), text.get(from..to), text.get(to..)) else {
        return false;
    };
    let (head, word) = (head.as_bytes(), word.as_bytes());
    let begins = head.last().is_none_or(|before| {
        !before.is_ascii_alphabetic()
            || before.is_ascii_lowercase() && word.first().is_some_and(u8::is_ascii_uppercase)
            || ends_in_escape(head)
    });
    let ends = rest.as_bytes().first().is_none_or(|behind| {
        !behind.is_ascii_alphabetic()
            || behind.is_ascii_uppercase() && word.last().is_some_and(u8::is_ascii_lowercase)
            || CONTINUATIONS
                .iter()
                .any(|word| rest.get(..word.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(word)))
    });
    begins && ends
}

/// Where a value may begin behind a name that ends here: behind the rest of the identifier and what assigns or quotes,
/// and behind a few words.
fn places(text: &str, word_end: usize) -> [Option<usize>; 4] {
    let bytes = text.as_bytes();
    let rest = |at: usize| bytes.get(at..).unwrap_or_default().iter();
    let identifier = |byte: &&u8| is_word(**byte) || b".-".contains(byte);
    let mut at = word_end + rest(word_end).take(REACH).take_while(identifier).count();
    let mut places = [None; 4];
    // `vendor-secret-value`, `vendorKEY-value`: the value goes on where the name does.
    let name = text.get(word_end..at).unwrap_or_default();
    let inside = name.bytes().take_while(|byte| byte.is_ascii_alphabetic() || b"_.-".contains(byte)).count();
    let called = name.get(..inside).unwrap_or_default();
    let part = called.strip_suffix(['-', '.', '_']).unwrap_or_default();
    let begins = part.len() + 1;
    if words_of(part).last().is_some_and(is_key_word)
        && let Some(first) = places.first_mut()
    {
        *first = Some(word_end + begins);
    }
    for place in places.iter_mut().skip(usize::from(name.len() > begins && !part.is_empty())) {
        let glue = rest(at).take(REACH).take_while(|byte| GLUE.contains(byte)).count();
        at += glue;
        // A backslash before a letter is an escape: a line or a column ends there.
        let escape = at > 0 && bytes.get(at - 1) == Some(&b'\\') && rest(at).next().is_some_and(|b| b"nrt".contains(b));
        if glue == 0 || at > word_end + REACH || escape {
            break;
        }
        *place = Some(at);
        let length = rest(at).take(REACH).take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'_').count();
        let word = text.get(at..at + length).unwrap_or_default();
        if !(FILLERS.iter().any(|filler| filler.eq_ignore_ascii_case(word)) || words_of(word).any(is_key_word)) {
            break;
        }
        at += length;
    }
    places
}

/// Whether what ends here is not the beginning of something longer.
fn ends_there(text: &str, end: usize) -> bool {
    let rest = text.as_bytes().get(end..).unwrap_or_default();
    match rest {
        [b'.', after, ..] => !is_word(*after),
        [b'-' | b'/' | b'+' | b'=', ..] => false,
        [next, ..] => !is_word(*next),
        [] => true,
    }
}

/// Whether a value of the right form is a key: what ids look like too has to be called one.
fn is_key(value: &str, called: impl Fn() -> bool) -> bool {
    let count = |class: fn(&u8) -> bool| value.as_bytes().iter().filter(|byte| class(byte)).count();
    let (upper, lower, digits) =
        (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase), count(u8::is_ascii_digit));
    let random = digits > 0 && upper + lower > 0 && bits(value) > KEY_BITS;
    let like_nothing_else = upper > 1 && lower > 1 && digits > 1 && !value.contains('/');
    random && (like_nothing_else || called())
}

/// The words of a text: between what is no letter, and at the humps of a name in camel case.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphabetic()).flat_map(|mut rest| {
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let pairs = rest.as_bytes().windows(2);
            let hump = pairs.enumerate().find(|(_, pair)| matches!(pair, [b'a'..=b'z', b'A'..=b'Z']));
            let (word, behind) = rest.split_at_checked(hump.map_or(rest.len(), |(at, _)| at + 1))?;
            rest = behind;
            Some(word)
        })
    })
}

/// Whether a value is called a secret by what stands before it.
fn is_called_a_key(text: &str) -> bool {
    let last = words_of(text).last().unwrap_or_default();
    words_of(text).any(is_key_word) && !OPEN_WORDS.iter().any(|open| open.eq_ignore_ascii_case(last))
}

/// Whether a value is called the id of a key by what stands before it: `ACCESS_ID`, `accessId`, `accessid`.
fn is_called_an_id(text: &str) -> bool {
    let ends = |ending: &str| {
        let text = text.trim_end_matches(|character: char| !character.is_ascii_alphanumeric());
        text.get(text.len().saturating_sub(ending.len())..).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    ["accessid", "access_id", "access-id", "access id"].iter().any(|ending| ends(ending))
}

/// Whether a value is called a secret by this word.
fn is_key_word(word: &str) -> bool {
    let ends = |ending: &&str| {
        let at = word.len().checked_sub(ending.len());
        at.and_then(|at| word.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    KEY_WORDS.iter().any(|key| key.eq_ignore_ascii_case(word)) || KEY_ENDINGS.iter().any(ends)
}

/// The order of a lower-case word and one of any case.
fn ignoring_case(known: &str, word: &str) -> Ordering {
    known.bytes().cmp(word.bytes().map(|byte| byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests;
