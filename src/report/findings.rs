//! What was found in a text, and the list of rules, as tables and as JSON.

use serde::Serialize;

use super::Style;
use super::json::safe;
use super::layout::{Ink, Piece, paint, piece, plain};
use super::printable::printable;

/// A rule, as it is listed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RuleLine<'a> {
    /// As it stands in markers and records.
    pub id: &'a str,
    /// What it finds.
    pub what: &'a str,
    /// Why that is one.
    pub source: &'a str,
}

/// A finding, as it is explained. Nothing of the secret is in it but its tag.
#[derive(Clone, Debug, Serialize)]
pub struct Found<'a> {
    /// Where it begins, from 1.
    pub line: u64,
    /// In characters, from 1.
    pub column: u64,
    /// By which rule.
    pub rule: &'a str,
    /// None for what could be guessed.
    pub tag: Option<String>,
    /// What it is.
    pub what: &'a str,
    /// Why.
    pub source: &'a str,
}

/// Columns of `LINE:COLUMN`.
const PLACE: usize = 12;

/// Columns of a tag, at least those of its head.
const TAG: usize = 8;

/// Spaces between columns.
const GAP: usize = 2;

/// The list of rules, aligned.
pub fn rules(rules: &[RuleLine<'_>], style: &Style) -> String {
    let table = FoundTable::new(rules);
    let head = RuleLine { id: "RULE", what: "WHAT", source: "WHY" };
    let row = |rule: &RuleLine<'_>, ink| {
        let mut pieces = column(ink, rule.id, table.rule);
        pieces.extend(column(ink, rule.what, table.what));
        pieces.push(piece(Ink::Dim, rule.source));
        paint(style, &pieces) + "\n"
    };
    std::iter::once(row(&head, Ink::Dim)).chain(rules.iter().map(|rule| row(rule, Ink::Plain))).collect()
}

/// The list of rules as a JSON array.
pub fn rules_json(rules: &[RuleLine<'_>]) -> String {
    safe(&serde_json::to_string_pretty(rules).unwrap_or_default()) + "\n"
}

/// A finding as a JSON object on a line.
pub fn found_json(found: &Found<'_>) -> String {
    safe(&serde_json::to_string(found).unwrap_or_default()) + "\n"
}

/// The widest column of a table. What is longer pushes its line alone.
const WIDEST: usize = 32;

/// A table of findings that come one by one: its columns are as wide as the widest rule there is, up to 32.
#[derive(Clone, Copy, Debug)]
pub struct FoundTable {
    rule: usize,
    what: usize,
}

impl FoundTable {
    /// For findings of these rules.
    pub fn new(rules: &[RuleLine<'_>]) -> Self {
        let widest =
            |of: fn(&RuleLine<'_>) -> usize| rules.iter().map(of).max().unwrap_or(0).clamp("RULE".len(), WIDEST);
        Self { rule: widest(|rule| width(rule.id)), what: widest(|rule| width(rule.what)) }
    }

    /// The line above the first finding.
    pub fn head(&self, style: &Style) -> String {
        self.line(style, ["PLACE", "RULE", "TAG", "WHAT", "WHY"], [Ink::Dim; 5])
    }

    /// A finding.
    pub fn row(&self, found: &Found<'_>, style: &Style) -> String {
        let place = format!("{}:{}", found.line, found.column);
        let tag = found.tag.as_deref().unwrap_or("-");
        let inks = [Ink::Plain, Ink::Bad, Ink::Dim, Ink::Plain, Ink::Dim];
        self.line(style, [&place, found.rule, tag, found.what, found.source], inks)
    }

    fn line(&self, style: &Style, cells: [&str; 5], inks: [Ink; 5]) -> String {
        let widths = [PLACE, self.rule, TAG, self.what, 0];
        let cells = cells.into_iter().zip(inks).zip(widths);
        let pieces: Vec<Piece> = cells.flat_map(|((text, ink), width)| column(ink, text, width)).collect();
        paint(style, &pieces) + "\n"
    }
}

fn width(text: &str) -> usize {
    printable(text, usize::MAX).width()
}

/// Text in a column of this width, with the gap behind it.
fn column(ink: Ink, text: &str, wide: usize) -> Vec<Piece> {
    let padding = (wide + GAP).saturating_sub(width(text)).max(GAP);
    vec![piece(ink, text), plain(" ".repeat(padding))]
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [RuleLine<'_>; 2] = [
        RuleLine { id: "fake-token", what: "日本 token", source: "https://example.com/tokens" },
        RuleLine { id: "x", what: "\u{1b}[31mx", source: "your\nconfiguration" },
    ];

    fn found<'a>(line: u64, tag: Option<&str>) -> Found<'a> {
        let RuleLine { id, what, source } = RULES[0];
        Found { line, column: 7, rule: id, tag: tag.map(str::to_owned), what, source }
    }

    fn wide() -> Style {
        Style { width: usize::MAX, ..Style::PLAIN }
    }

    #[test]
    fn rules_are_listed_in_columns() {
        insta::assert_snapshot!(rules(&RULES, &wide()), @r#"
        RULE        WHAT        WHY
        fake-token  日本 token  https://example.com/tokens
        x           [31mx       your configuration
        "#);
        insta::assert_snapshot!(rules_json(&RULES), @r#"
        [
          {
            "id": "fake-token",
            "what": "日本 token",
            "source": "https://example.com/tokens"
          },
          {
            "id": "x",
            "what": "\u001b[31mx",
            "source": "your\nconfiguration"
          }
        ]
        "#);
    }

    #[test]
    fn findings_stand_in_the_same_columns_whenever_they_come() {
        let table = FoundTable::new(&RULES);
        let rows = [found(1, Some("0123abcd")), found(12_345_678, None), found(u64::MAX, None)];
        let text: String = rows.iter().map(|found| table.row(found, &wide())).collect();
        insta::assert_snapshot!(table.head(&wide()) + &text, @r#"
        PLACE         RULE        TAG       WHAT        WHY
        1:7           fake-token  0123abcd  日本 token  https://example.com/tokens
        12345678:7    fake-token  -         日本 token  https://example.com/tokens
        18446744073709551615:7  fake-token  -         日本 token  https://example.com/tokens
        "#);
        insta::assert_snapshot!(found_json(&rows[1]), @r#"
        {"line":12345678,"column":7,"rule":"fake-token","tag":null,"what":"日本 token","source":"https://example.com/tokens"}
        "#);
    }

    #[test]
    fn colours_are_for_terminals() {
        let style = Style { colour: true, ..wide() };
        let row = FoundTable::new(&RULES).row(&found(1, None), &style);
        insta::assert_snapshot!(row.replace('\u{1b}', "ESC"), @"1:7           ESC[31mfake-tokenESC[0m  ESC[2m-ESC[0m         日本 token  ESC[2mhttps://example.com/tokensESC[0m");
    }
}
