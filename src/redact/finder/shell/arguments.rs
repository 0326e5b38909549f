//! Arguments of a program: subcommands, options with their values, positions.

use std::ops::Range;

/// An option as a row names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Value {
    /// In the same word, from this byte on.
    Here(usize),
    /// The next word.
    Next,
}

/// Where the arguments behind a subcommand begin: `sub` lists alternatives, each of one or more words.
///
/// Between the words of a subcommand there may be options, and what may be their values.
pub(super) fn behind(arguments: &[&str], sub: &str, valued: &str) -> Option<usize> {
    if sub.is_empty() {
        return Some(0);
    }
    sub.split('|').find_map(|path| {
        let mut path = path.split(' ');
        let mut wanted = path.next()?;
        let mut after_option = false;
        for (at, argument) in arguments.iter().enumerate().take(64) {
            if argument.eq_ignore_ascii_case(wanted) {
                let Some(next) = path.next() else { return Some(at + 1) };
                wanted = next;
                after_option = false;
            } else if argument.len() > 1 && argument.starts_with('-') {
                after_option = !argument.contains('=');
            } else if after_option || valued.split(' ').any(|option| at > 0 && arguments.get(at - 1) == Some(&option)) {
                after_option = false;
            } else {
                return None;
            }
        }
        None
    })
}

/// Whether a word gives the value of one of these options, and where it is.
///
/// The notation is that of `Place::Option`. `bundle` lists short options that may stand in front in the same word.
pub(super) fn value(word: &str, options: &str, bundle: &str) -> Option<Value> {
    if !word.starts_with(['-', '/']) {
        return None;
    }
    let exact = |option: &str| word == option.trim_end_matches(['_', ':']) && !option.ends_with(['+', '=']);
    if options.split(' ').any(exact) {
        return Some(Value::Next);
    }
    options.split(' ').find_map(|option| {
        let (name, how) = match option.as_bytes().last() {
            Some(b'_' | b'+' | b'=' | b':') => option.split_at(option.len() - 1),
            _ => (option, ""),
        };
        let rest = match word.get(..name.len()) {
            Some(start) if start == name || name.starts_with('/') && start.eq_ignore_ascii_case(name) => {
                word.get(name.len()..)?
            }
            _ if name.len() == 2 && how.is_empty() => return bundled(word, name, bundle),
            _ => return None,
        };
        let short = name.len() == 2 && !name.starts_with('/');
        match (how, rest.as_bytes().first()) {
            (_, None) | ("_", _) => None,
            ("=", Some(b'=')) | (":", Some(b':')) => Some(Value::Here(name.len() + 1)),
            ("=" | ":", _) => None,
            ("+", _) => Some(Value::Here(name.len())),
            (_, Some(b'=')) => Some(Value::Here(name.len() + 1)),
            (_, Some(_)) if short && !word.starts_with("--") => Some(Value::Here(name.len())),
            _ => None,
        }
    })
}

/// `-sku V` and `-skuV`, where `s` and `k` take no value.
fn bundled(word: &str, name: &str, bundle: &str) -> Option<Value> {
    let letter = name.chars().nth(1)?;
    let letters = word.strip_prefix('-').filter(|letters| !letters.starts_with('-'))?;
    let at = letters.find(letter)?;
    if bundle.is_empty() || !letters.get(..at)?.chars().all(|other| bundle.contains(other)) {
        return None;
    }
    let value = 1 + at + letter.len_utf8();
    Some(if value < word.len() { Value::Here(value) } else { Value::Next })
}

/// The name in front of a `=` that assigns, as in `NAME=V`, `a.b.name=V`, `//host/:_name=V`.
pub(super) fn assignment(word: &str) -> Option<Range<usize>> {
    let end = word.bytes().take(200).position(|byte| byte == b'=')?;
    let name = word.get(..end)?;
    let name = name.strip_suffix(['+', ':', '?']).unwrap_or(name);
    let fits = name.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '_' | '/'))
        && name.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'[' | b']' | b'/' | b':' | b'@')
        });
    (fits && !name.is_empty()).then_some(0..name.len())
}
