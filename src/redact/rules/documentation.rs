//! Holds `docs/redaction.md` to the rules: what is told is what is found.

use std::fmt::Write as _;

use super::rules;

/// Behind this line of the document everything is made from the rules.
const MARK: &str = "<!-- From here on made from the rules: BLESS=1 cargo test --lib rules -->\n";

#[test]
fn the_document_tells_what_is_found() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/redaction.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (words, told) = document.split_once(MARK).expect("the document has the mark");
    let mut table = String::from("\n| rule | what | why |\n|---|---|---|\n");
    for rule in rules() {
        writeln!(table, "| `{}` | {} | {} |", rule.id, cell(&rule.what), cell(&rule.source)).unwrap();
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, format!("{words}{MARK}{table}")).unwrap();
    } else {
        assert_eq!(told, table, "docs/redaction.md is behind: BLESS=1 cargo test --lib rules");
    }
}

#[test]
fn every_rule_has_an_id_of_its_own_and_a_short_name() {
    let rules = rules();
    for pair in rules.windows(2) {
        assert!(pair[0].id < pair[1].id, "{}", pair[1].id);
    }
    for rule in rules {
        let id = rule.id.as_str();
        assert!((1..=64).contains(&id.len()), "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{id}");
        for text in [&rule.what, &rule.source] {
            assert!(!text.is_empty() && !text.contains(['\n', '<']) && text.trim() == *text, "{id}: {text}");
        }
    }
}

/// Text as a cell of a table; addresses become links.
fn cell(text: &str) -> String {
    let words = text
        .split(' ')
        .map(|word| if word.starts_with("https://") { format!("<{word}>") } else { word.replace('|', "\\|") });
    words.collect::<Vec<_>>().join(" ")
}
