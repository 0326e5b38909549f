//! A key behind a word in capitals that calls it one, behind the name of whatever service: `acme KEY 0fa4…`,
//! `acmeSECRET-0fa4…`.

use super::context::{Tell, floor, window};
use super::names::hint;
use super::token::bits;
use super::value::{is_slug, is_uuid};

/// What is searched for: the words, and what stands between them and a value.
pub(super) const ANCHORS: &[&str] = &[
    "KEY ", "KEY-", "KEY.", "KEY:", "KEY=", "SECRET ", "SECRET-", "SECRET.", "SECRET:", "TOKEN ", "TOKEN-", "TOKEN.",
    "TOKEN:", "ACCESS ", "ACCESS-", "ACCESS:", "ACCESS=", "PRIVATE ", "PRIVATE-", "PRIVATE:", "PRIVATE=",
];

/// How long such a key is, in bytes.
const LEAST: usize = 20;
const MOST: usize = 160;
/// Shannon entropy that it has at least, in bits for each byte.
const KEY_BITS: f64 = 2.9;

/// Looks at what stands around a word in capitals.
pub(super) fn at(text: &str, start: usize, anchor: &str, tell: Tell<'_>) {
    // The name of the service is written otherwise: `acme`, `acmeX`.
    let before = text.get(floor(text, start.saturating_sub(40))..start).unwrap_or_default();
    let named = before.trim_end_matches([' ', '_', '-', '.', ':', '=']);
    let service = named.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    if service.len() < 3 || !service.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit()) {
        return;
    }
    let word = anchor.get(..anchor.len() - 1).unwrap_or_default();
    if hint(service).is_none()
        && hint(&[service, "_", word].concat()).is_none()
        && !matches!(word, "ACCESS" | "PRIVATE")
    {
        return;
    }
    let from = start + anchor.len();
    let rest = window(text, from, MOST + 8);
    let value = rest.trim_start_matches([' ', '"', '\'', ':', '=']);
    let from = from + rest.len() - value.len();
    let length = value.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte)).count();
    let (Some(value), Some(behind)) = (value.get(..length), value.get(length..)) else { return };
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let ends =
        behind.starts_with(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | '.' | ',' | ';' | ')' | '`'));
    if (LEAST..=MOST).contains(&length)
        && (behind.is_empty() || ends)
        && digits >= 2
        && letters >= 2
        && !is_uuid(value)
        && !is_slug(value)
        && bits(value) > KEY_BITS
    {
        tell(from..from + length, "secret", false);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finder;

    #[test]
    fn a_key_behind_a_word_in_capitals_is_found() {
        let key = ["0fa4e1fa", "4e20fa4e", "1fa4e2d0", "fa4e1f6b"].concat();
        for before in ["acme KEY ", "acmeSECRET-", "acme.TOKEN:", "acme PRIVATE: \""] {
            let text = [before, &key, "\n"].concat();
            let places: Vec<&str> =
                Finder::default().find(&text).iter().map(|found| &text[found.span.clone()]).collect();
            assert_eq!(places, [&key], "{text}");
        }
    }

    #[test]
    fn what_is_no_key_there_stays() {
        for text in [
            "CACHE KEY 0fa4e1fa4e20fa4e1fa4e2d0fa4e1f6b",
            "cache KEY 0fa4e1fa4e20fa4e1fa4e2d0fa4e1f6b",
            "row KEY 0fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4",
            "create PRIMARY KEY orders_2024_pkey_of_the_table_01",
            "the PRIVATE implementation_detail_number_42_of_it",
        ] {
            assert_eq!(Finder::default().find(text), [], "{text}");
        }
    }
}
