//! `[redaction]` of the user's configuration file: the person's own rules, with the lines where they stand.

use serde::Deserialize;
use toml::Spanned;

use super::known_values::{KnownSource, KnownSources};
use super::layers::Places;
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

    /// The rules with the files and lines where they stand. They are not checked here: a bad rule closes what is captured,
    /// and is no reason not to observe.
    pub(super) fn into_rules(self, places: &Places<'_>) -> OwnRules {
        let place = |at: usize| {
            let origin = places.origin(at);
            let line = origin.as_ref().and_then(|origin| origin.line);
            (origin.map_or_else(String::new, |origin| origin.name), line)
        };
        OwnRules {
            rules: self
                .rules
                .into_iter()
                .map(|rule| {
                    let (file, line) = place(rule.span().start);
                    let Rule { id, pattern, anchor, examples, what } = rule.into_inner();
                    OwnRule { id, pattern, anchor, examples, what, file, line }
                })
                .collect(),
            allow: self
                .allow
                .into_iter()
                .map(|pattern| {
                    let (file, line) = place(pattern.span().start);
                    OwnAllow { pattern: pattern.into_inner(), file, line }
                })
                .collect(),
        }
    }
}
