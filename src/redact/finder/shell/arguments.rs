//! Arguments of a program: subcommands, options with their values, positions.

use std::ops::Range;

/// Where the value of an option is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Value {
    /// In the same word, from this byte on.
    Here(usize),
    /// The next word.
    Next,
}

/// The words of a subcommand; alternatives of one or more words. None at all: any.
#[derive(Debug)]
pub(super) struct Subcommand(Vec<Vec<&'static str>>);

impl Subcommand {
    /// `login|registry login`; empty for any.
    pub(super) fn new(alternatives: &'static str) -> Self {
        let words = |path: &'static str| path.split(' ').collect();
        Self(if alternatives.is_empty() { Vec::new() } else { alternatives.split('|').map(words).collect() })
    }

    /// Where the arguments behind it begin. None: the subcommand is another one.
    ///
    /// Between its words there may be options, and what may be their values. `valued` lists options that take a value.
    pub(super) fn behind(&self, arguments: &[&str], valued: &[&str]) -> Option<usize> {
        if self.0.is_empty() { Some(0) } else { self.0.iter().find_map(|path| behind(path, arguments, valued)) }
    }
}

fn behind(path: &[&str], arguments: &[&str], valued: &[&str]) -> Option<usize> {
    let mut path = path.iter();
    let mut wanted = path.next()?;
    let mut may_be_value = false;
    let mut before = "";
    for (at, argument) in arguments.iter().enumerate().take(64) {
        if argument.eq_ignore_ascii_case(wanted) {
            let Some(next) = path.next() else { return Some(at + 1) };
            wanted = next;
            may_be_value = false;
        } else if argument.len() > 1 && argument.starts_with('-') {
            may_be_value = !argument.contains('=');
        } else if may_be_value || valued.contains(&before) {
            may_be_value = false;
        } else {
            return None;
        }
        before = argument;
    }
    None
}

/// An option in the notation of `Place::Option`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    name: &'static str,
    /// `_`, `+`, `=`, `:` or nothing.
    how: Option<u8>,
}

impl Spec {
    pub(super) fn new(option: &'static str) -> Self {
        match option.as_bytes().last() {
            Some(how @ (b'_' | b'+' | b'=' | b':')) => {
                Self { name: option.get(..option.len() - 1).unwrap_or(option), how: Some(*how) }
            }
            _ => Self { name: option, how: None },
        }
    }

    /// Where the value is if the word is this option; a word with nothing but the option in it is not looked at here.
    fn glued(self, word: &str, bundle: &str) -> Option<Value> {
        let Self { name, how } = self;
        let windows = name.starts_with('/');
        let short = name.len() == 2 && !windows;
        let start = word.get(..name.len());
        if start != Some(name) && !(windows && start.is_some_and(|start| start.eq_ignore_ascii_case(name))) {
            return if short && how.is_none() { bundled(word, name, bundle) } else { None };
        }
        let next = *word.as_bytes().get(name.len())?;
        match how {
            Some(b'_') => None,
            Some(b'+') => Some(Value::Here(name.len())),
            Some(how) => (next == how).then_some(Value::Here(name.len() + 1)),
            None if next == b'=' => Some(Value::Here(name.len() + 1)),
            None if short && !word.starts_with("--") => Some(Value::Here(name.len())),
            None => None,
        }
    }
}

/// Whether a word gives the value of one of these options, and where it is.
///
/// `bundle` lists short options that may stand in front in the same word.
pub(super) fn value(word: &str, options: &[Spec], bundle: &str) -> Option<Value> {
    if !word.starts_with(['-', '/']) {
        return None;
    }
    if options.iter().any(|option| option.name == word && !matches!(option.how, Some(b'+' | b'='))) {
        return Some(Value::Next);
    }
    options.iter().find_map(|option| option.glued(word, bundle))
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
