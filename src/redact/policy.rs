//! What a sink is given, beyond that it holds no secret: level, placed attributes, identity, dropped names.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::levels::Levels;

/// How much of an event a sink is given. The order is the order of openness.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureLevel {
    /// Names, ids, counts, sizes, durations, decisions and costs; nothing that a person or a model wrote.
    Metadata,
    /// Commands, tool input, paths, descriptions and error texts too.
    #[default]
    Commands,
    /// Prompts, answers and tool output too.
    Content,
}

impl CaptureLevel {
    /// The name in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Commands => "commands",
            Self::Content => "content",
        }
    }
}

/// What a sink is given.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Policy {
    /// How much.
    pub level: CaptureLevel,
    /// Attributes that are placed otherwise than the table has them.
    pub levels: Levels,
    /// What becomes of who it was.
    pub identity: Identity,
    /// What is not given at any level.
    pub drop: Dropped,
}

impl Policy {
    /// A level and nothing else.
    pub fn of(level: CaptureLevel) -> Self {
        Self { level, ..Self::default() }
    }

    /// The same for a sink of another level.
    #[must_use]
    pub fn at(&self, level: CaptureLevel) -> Self {
        Self { level, ..self.clone() }
    }
}

/// `[drop]`: names that are not given at any level.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dropped {
    /// `attribute` of everything, or `event.attribute`.
    pub attributes: BTreeSet<String>,
    /// Metrics, with or without `claude_code.`.
    pub metrics: BTreeSet<String>,
}

impl Dropped {
    pub(super) fn attribute(&self, event: &str, attribute: &str) -> bool {
        !self.attributes.is_empty()
            && (self.attributes.contains(attribute) || self.attributes.contains(&format!("{event}.{attribute}")))
    }

    /// `name` as the client has it, and as it is called in short.
    pub(super) fn metric(&self, name: &str, short: &str) -> bool {
        self.metrics.contains(name) || self.metrics.contains(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_the_names_of_configuration_files() {
        let names = [CaptureLevel::Metadata, CaptureLevel::Commands, CaptureLevel::Content].map(CaptureLevel::as_str);
        assert_eq!(names, ["metadata", "commands", "content"]);
    }
}
