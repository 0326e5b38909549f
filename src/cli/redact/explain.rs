//! What was found, where, and why, for people and for programs.

use crate::redact::{RuleId, RuleInfo, Tag};
use crate::report::{self, Found, FoundTable, RuleLine, Style};

/// A place in the input as people count it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    /// From 1.
    line: u64,
    /// Characters of the line before it, and one.
    column: u64,
}

impl Default for Position {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

impl Position {
    /// Goes on behind a text.
    pub(super) fn pass(&mut self, text: &str) {
        let mut lines = text.split('\n');
        let first = lines.next().unwrap_or_default();
        self.column += first.chars().count() as u64;
        if let Some(last) = lines.next_back() {
            self.line += 1 + lines.count() as u64;
            self.column = 1 + last.chars().count() as u64;
        }
    }
}

/// How findings are written.
pub(super) struct Columns {
    rules: Vec<RuleInfo>,
    table: FoundTable,
    style: Style,
    json: bool,
}

impl Columns {
    /// A table, or with `json` an object a line.
    pub(super) fn new(rules: Vec<RuleInfo>, style: Style, json: bool) -> Self {
        let table = FoundTable::new(&lines(&rules));
        Self { rules, table, style, json }
    }

    /// What stands above the first finding.
    pub(super) fn head(&self) -> String {
        if self.json { String::new() } else { self.table.head(&self.style) }
    }

    /// A finding. Nothing of the secret is in it but its tag.
    pub(super) fn row(&self, position: Position, rule: &RuleId, tag: Option<Tag>) -> String {
        let info = self.rules.iter().find(|info| info.id == *rule);
        let found = Found {
            line: position.line,
            column: position.column,
            rule: rule.as_str(),
            tag: tag.map(|tag| tag.to_string()),
            what: info.map_or(rule.as_str(), |info| &info.what),
            source: info.map_or("", |info| &info.source),
        };
        if self.json { report::found_json(&found) } else { self.table.row(&found, &self.style) }
    }
}

/// The list of rules.
pub(super) fn rules(rules: &[RuleInfo], style: &Style, json: bool) -> String {
    let rules = lines(rules);
    if json { report::rules_json(&rules) } else { report::rules(&rules, style) }
}

fn lines(rules: &[RuleInfo]) -> Vec<RuleLine<'_>> {
    rules.iter().map(|rule| RuleLine { id: rule.id.as_str(), what: &rule.what, source: &rule.source }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let mut position = Position::default();
        for (text, line, column) in [("", 1, 1), ("é日", 1, 3), ("a\nbc", 2, 3), ("\n\n\n", 5, 1), ("x\ry", 5, 4)] {
            position.pass(text);
            assert_eq!((position.line, position.column), (line, column), "{text:?}");
        }
    }
}
