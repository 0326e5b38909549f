//! Holds `docs/levels.md` to the table: what is told is what is given.

use std::fmt::Write as _;

use super::Given;
use super::table::{
    ATTRIBUTION, COMMON, EVENTS, METRICS, OWN_EVENTS, OWN_INSTANCE, OWN_RECORD, OWN_RESOURCE, RESOURCE, Rows,
    SPAN_EVENTS, SPANS,
};
use crate::redact::shape::Shape;

/// Behind this line of the document everything is made from the table.
const MARK: &str = "<!-- From here on made from the table: BLESS=1 cargo test --lib levels -->\n";

#[test]
fn the_document_tells_what_the_table_lets_pass() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/levels.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (words, told) = document.split_once(MARK).expect("the document has the mark");
    let table = tables();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, format!("{words}{MARK}{table}")).unwrap();
    } else {
        assert_eq!(told, table, "docs/levels.md is behind: BLESS=1 cargo test --lib levels");
    }
}

fn tables() -> String {
    let mut text = String::new();
    for (heading, list) in [
        ("On the resource", RESOURCE),
        ("On the resource, added by the relay", OWN_RESOURCE),
        ("On the resource of metrics that are added up", OWN_INSTANCE),
        ("On every event, data point and span", COMMON),
        ("On records, added by the relay", OWN_RECORD),
        ("What made a request", ATTRIBUTION),
    ] {
        write!(text, "\n## {heading}\n\nAt `metadata`: {}\n", forms(&[list])).unwrap();
    }
    for (heading, rows) in [
        ("Events", EVENTS),
        ("Events of the relay's own", OWN_EVENTS),
        ("Metrics", METRICS),
        ("Spans", SPANS),
        ("Events on spans", SPAN_EVENTS),
    ] {
        write!(text, "\n## {heading}\n\n| name | `metadata` | `commands` adds | `content` adds |\n|---|---|---|---|\n")
            .unwrap();
        for (name, lists) in rows {
            let made_by = lists.contains(&ATTRIBUTION).then_some("what made the request");
            let lists: Vec<Rows> = lists.iter().copied().filter(|list| *list != ATTRIBUTION).collect();
            let listed = Some(forms(&lists)).filter(|text| !text.is_empty());
            let all: Vec<&str> = listed.as_deref().into_iter().chain(made_by).collect();
            let (commands, content) = (names(&lists, Given::Commands), names(&lists, Given::Content));
            writeln!(text, "| `{name}` | {} | {commands} | {content} |", all.join("; ")).unwrap();
        }
    }
    text
}

/// What is given at `metadata`, with its form.
fn forms(lists: &[Rows]) -> String {
    let all = lists.iter().copied().flatten().filter_map(|(key, given)| match given {
        Given::Metadata(shape) => Some(format!("`{key}` {}", form(*shape))),
        Given::Commands | Given::Content => None,
    });
    joined(all.collect())
}

fn names(lists: &[Rows], wanted: Given) -> String {
    let all = lists.iter().copied().flatten().filter(|(_, given)| *given == wanted);
    joined(all.map(|(key, _)| format!("`{key}`")).collect())
}

fn joined(mut all: Vec<String>) -> String {
    all.sort();
    all.dedup();
    all.join(", ")
}

fn form(shape: Shape) -> &'static str {
    match shape {
        Shape::Count => "number",
        Shape::Flag => "flag",
        Shape::Word => "word",
        Shape::Words => "words",
        Shape::Name => "name",
        Shape::Time => "time",
        Shape::Uuid => "UUID",
        Shape::Conversation => "UUID or agent",
        Shape::Id(_) => "id",
        Shape::Hash(_) => "hash",
        Shape::Revision => "commit",
        Shape::Email => "e-mail",
        Shape::Person => "person",
        Shape::Url => "URL",
    }
}
