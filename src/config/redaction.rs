//! `[redaction]` of the user's configuration file: the person's own rules, with the lines where they stand.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::known_values::{KnownSource, KnownSources};
use super::layers::Places;
use crate::redact::{OwnAllow, OwnRule, OwnRules};

/// `[redaction]`, as it is written.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Redaction")]
pub(super) struct Table {
    /// Where this machine's own secrets are looked up, to be masked wherever they stand. `[]` is nowhere.
    #[schemars(extend("default" = KnownSources::default().listed()))]
    known_values: Option<Vec<KnownSource>>,
    /// Patterns of what is not masked although a rule finds it.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    allow: Vec<Spanned<String>>,
    /// Rules of your own.
    #[serde(default)]
    #[schemars(with = "Vec<Rule>")]
    rules: Vec<Spanned<Rule>>,
}

/// One of `[[redaction.rules]]`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// Its name: a-z, 0-9 and -, at most 64 long.
    id: String,
    /// A regular expression. A group named `secret` is what is masked; without one, the whole match.
    pattern: String,
    /// A text that stands in every match: where it does not stand, the pattern is not tried.
    anchor: Option<String>,
    /// Texts in which the pattern must be found.
    #[serde(default)]
    examples: Vec<String>,
    /// What it finds, in a word or two, for people.
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
