//! What is wrong with a configuration file: everything at once, with lines and without values.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer, Error};

/// The most of a mistyped key that is repeated, in bytes, all of them ASCII.
const MAX_KEY_BYTES: usize = 64;

/// As many are told.
const MOST: usize = 50;

/// Something is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Mistake {
    /// Counted from 1.
    pub line: Option<usize>,
    /// Without any value.
    pub what: String,
}

/// Reads a text, and all that is wrong with it. What is wrong is left out of what is returned; `None` where too little is
/// left.
///
/// The parser and serde stop at the first mistake: what they complain of is taken out, and the rest read again.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> (Option<T>, Vec<Mistake>) {
    let (whole, errors) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<_> = errors.iter().take(MOST).map(|error| mistake(text, error)).collect();
    // What was made of text that is no TOML is a guess, and what is wrong with it says nothing.
    if !mistakes.is_empty() {
        return (None, mistakes);
    }
    let (mut rest, mut taken) = (whole, Vec::new());
    loop {
        let error = match T::deserialize(Deserializer::from(rest.clone())) {
            Ok(read) => return (Some(read), mistakes),
            Err(error) => error,
        };
        let mistake = mistake(text, &error);
        let place = error.span().and_then(|span| take_out(rest.get_mut(), &span));
        let missing = mistake.what.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        let follows = missing.zip(place.as_ref()).is_some_and(|(missing, table)| {
            taken.iter().any(|(parent, key): &(Vec<String>, String)| parent == table && key == missing)
        });
        if let Some(place) = &place {
            let (key, parent) = place.split_last().map_or((String::new(), &[][..]), |(key, rest)| (key.clone(), rest));
            let meant = mistake.what.split_once("did you mean `").map(|(_, meant)| meant.trim_end_matches("`?"));
            taken.push((parent.to_vec(), meant.map_or(key, str::to_owned)));
        }
        // What was there, and wrong, is not missing.
        if !follows {
            mistakes.push(mistake);
        }
        if place.is_none() || mistakes.len() >= MOST {
            return (None, mistakes);
        }
    }
}

/// Takes out the innermost entry whose key or value is what an error points to. Returns its place: keys from the top.
fn take_out(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<Vec<String>> {
    let mut found = None;
    for (key, value) in table.iter_mut() {
        if key.span() == *span {
            found = Some(key.get_ref().clone());
            break;
        }
        // Tables that are written in pieces have the span of their first header.
        if let Some(mut place) = below(value, span) {
            place.insert(0, key.get_ref().clone().into_owned());
            return Some(place);
        }
        if holds(&value.span(), span) {
            found = Some(key.get_ref().clone());
        }
    }
    let key = found?;
    table.remove(&*key).map(|_| vec![key.into_owned()])
}

fn below(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<Vec<String>> {
    match value.get_mut() {
        DeValue::Table(table) => take_out(table, span),
        DeValue::Array(array) => {
            for (at, value) in array.iter_mut().enumerate() {
                if let Some(mut place) = below(value, span) {
                    place.insert(0, at.to_string());
                    return Some(place);
                }
            }
            let at = array.iter().position(|value| holds(&value.span(), span))?;
            let kept = std::mem::replace(array, DeArray::new()).into_iter().enumerate();
            *array = kept.filter(|(place, _)| *place != at).map(|(_, value)| value).collect();
            Some(vec![at.to_string()])
        }
        _ => None,
    }
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn mistake(text: &str, error: &Error) -> Mistake {
    let line = error.span().map(|span| line_of(text, span.start));
    Mistake { line, what: with_suggestion(without_values(error.message())) }
}

/// The line of a place, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

/// Names the key that was meant, where one of those that there are is near.
fn with_suggestion(what: String) -> String {
    let near = || {
        let (key, expected) = what.strip_prefix("unknown field `")?.split_once("`, expected ")?;
        let known = expected.split('`').skip(1).step_by(2);
        let (distance, nearest) = known.map(|known| (strsim::osa_distance(key, known), known)).min()?;
        (distance <= 1 + key.len() / 4).then(|| format!("unknown key `{key}`; did you mean `{nearest}`?"))
    };
    near().unwrap_or(what)
}

/// The parser's message without any value: of what it repeats, only the name of a key stays.
///
/// Values stand in quotes and in backticks (``unknown variant `…` ``, ``integer `…` ``) and may hold such marks
/// themselves, so everything from the first mark to the last goes. What is expected instead are our own words.
pub(super) fn without_values(message: &str) -> String {
    const MARKS: [char; 2] = ['"', '`'];
    let (said, expected) = message
        .rsplit_once(", expected ")
        .map_or((message, String::new()), |(said, expected)| (said, format!(", expected {expected}")));
    let (Some(first), Some(last)) = (said.find(MARKS), said.rfind(MARKS)) else {
        return format!("{said}{expected}");
    };
    let (before, after) = (said.get(..first).unwrap_or_default(), said.get(last + 1..).unwrap_or_default());
    let names_a_key = ["unknown field ", "missing field ", "duplicate field "].contains(&before);
    // Only a bare key (TOML, "Keys"): what has to be quoted may be anything.
    let bare = |key: &&str| key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let key = said.get(first + 1..last).filter(bare).filter(|_| names_a_key);
    let quoted = key.map_or_else(|| "…".to_owned(), |key| format!("`{}`", key.get(..MAX_KEY_BYTES).unwrap_or(key)));
    format!("{before}{quoted}{after}{expected}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Shape {
        capture: Option<u8>,
        names: Vec<String>,
        tables: BTreeMap<String, Inner>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        must: u8,
        may: Option<u8>,
    }

    fn told(text: &str) -> Vec<String> {
        let mistakes = read::<Shape>(text).1;
        mistakes.into_iter().map(|it| format!("{}: {}", it.line.unwrap_or_default(), it.what)).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let text = "captrue = 1\nnames = ['a', 7, 'b', 8]\n[tables.one]\nmust = 1\nmya = 'FAKE'\n[tables.two]\nmay = 2\n\
                    [tables.three]\nmust = 'FAKE'\nzzzzz = 1\n[elsewhere]\nx = 1\n";
        let told = told(text);
        let want = [
            "1: unknown key `captrue`; did you mean `capture`?",
            "2: invalid type: integer …, expected a string",
            "2: invalid type: integer …, expected a string",
            "5: unknown key `mya`; did you mean `may`?",
            "6: missing field `must`",
            "9: invalid type: string …, expected u8",
            "10: unknown field `zzzzz`, expected `must` or `may`",
            "11: unknown field `elsewhere`, expected one of `capture`, `names`, `tables`",
        ];
        for want in want {
            assert!(told.iter().any(|told| told == want), "{want}: {told:#?}");
        }
        assert_eq!(told.len(), want.len(), "what was wrong is not missing as well: {told:#?}");
        assert!(told.iter().all(|told| !told.contains("FAKE")), "{told:#?}");
    }

    #[test]
    fn what_is_right_is_read() {
        let (read, mistakes) = read::<Shape>("x = 1\ncapture = 2\nnames = ['a', 1]\n[tables.one]\nmust = 1\n");
        assert_eq!((read.as_ref().map(|it| it.capture), mistakes.len()), (Some(Some(2)), 2));
        let read = read.unwrap();
        assert_eq!((&*read.names, read.tables["one"].must), (&["a".to_owned()][..], 1));
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        assert!(told("capture = 1\n= 2\n").iter().any(|told| told.starts_with("2: ")), "{:?}", told("= 2"));
        assert!(told("capture = [").len() <= 2);
    }

    #[test]
    fn no_text_is_read_for_ever() {
        let text = (0..2000).map(|n| format!("key{n} = {n}")).collect::<Vec<_>>().join("\n");
        assert_eq!(read::<Shape>(&text), (None, read::<Shape>(&text).1));
        assert_eq!(told(&text).len(), MOST);
    }
}
