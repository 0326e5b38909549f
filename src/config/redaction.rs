//! `[redaction]` of the user's configuration file: the person's own rules, with the lines where they stand.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::known_values::{KnownSource, KnownSources};
use crate::redact::{OwnAllow, OwnRule, OwnRules};

/// `[redaction]`, as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    known_values: Option<Vec<KnownSource>>,
    #[serde(default)]
    allow: Vec<Spanned<String>>,
    #[serde(default)]
    rules: Vec<Spanned<Rule>>,
}

/// One of `[[redaction.rules]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    pattern: String,
    anchor: Option<String>,
    #[serde(default)]
    examples: Vec<String>,
    what: Option<String>,
}

impl Table {
    /// Where known values are taken from.
    pub(super) fn known_values(&self) -> KnownSources {
        self.known_values.as_deref().map(KnownSources::from).unwrap_or_default()
    }

    /// The rules with the lines of `text`, the whole file. They are not checked here: a bad rule closes what is captured,
    /// and is no reason not to observe.
    pub(super) fn into_rules(self, path: &Path, text: &str) -> OwnRules {
        let line = |start: usize| Some(text.get(..start)?.matches('\n').count() + 1);
        OwnRules {
            file: path.display().to_string(),
            rules: self
                .rules
                .into_iter()
                .map(|rule| {
                    let line = line(rule.span().start);
                    let Rule { id, pattern, anchor, examples, what } = rule.into_inner();
                    OwnRule { id, pattern, anchor, examples, what, line }
                })
                .collect(),
            allow: self
                .allow
                .into_iter()
                .map(|pattern| OwnAllow { line: line(pattern.span().start), pattern: pattern.into_inner() })
                .collect(),
        }
    }
}
