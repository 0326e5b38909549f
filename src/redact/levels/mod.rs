//! From which capture level on something is given: the table, and what a configuration places otherwise.

pub(super) mod table;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CaptureLevel;
use super::shape::Shape;

/// What it takes for an attribute to be given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Given {
    /// Given at every level if its value has this form. If it has not, it may be anything that somebody wrote: then it
    /// is text, given from `commands` on.
    Metadata(Shape),
    /// Text, from `commands` on.
    Commands,
    /// Text, at `content` only.
    Content,
}

/// Where a configuration places an attribute: `[levels]`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// Given at every level.
    Metadata,
    /// Given from `commands` on.
    Commands,
    /// Given at `content` only.
    Content,
    /// Never given.
    Drop,
}

impl From<CaptureLevel> for Placement {
    fn from(level: CaptureLevel) -> Self {
        match level {
            CaptureLevel::Metadata => Self::Metadata,
            CaptureLevel::Commands => Self::Commands,
            CaptureLevel::Content => Self::Content,
        }
    }
}

impl Placement {
    /// Whether something placed here is given at a level.
    pub(super) fn is_given_at(self, level: CaptureLevel) -> bool {
        self <= Self::from(level)
    }
}

/// Whose configuration it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trust {
    /// The organization's: places as it likes.
    Managed,
    /// The person's own: only makes it stricter. What would loosen has no effect.
    Person,
}

/// The `[levels]` of all configurations: by `attribute` or `event.attribute`, the latter being the stronger.
///
/// An event is named without `claude_code.`, and so is a metric or span; a resource's attributes stand below
/// `resource`, a scope's below `scope`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Levels {
    managed: BTreeMap<String, Placement>,
    person: BTreeMap<String, Placement>,
}

impl Levels {
    /// Adds what a configuration says.
    #[must_use]
    pub fn with(mut self, table: BTreeMap<String, Placement>, trust: Trust) -> Self {
        match trust {
            Trust::Managed => self.managed.extend(table),
            Trust::Person => self.person.extend(table),
        }
        self
    }

    /// Where an attribute of an event stands, given where the table has it.
    pub(super) fn place(&self, event: &str, attribute: &str, table: Placement) -> Placement {
        let placed = find(&self.managed, event, attribute).unwrap_or(table);
        find(&self.person, event, attribute).map_or(placed, |person| person.max(placed))
    }
}

fn find(table: &BTreeMap<String, Placement>, event: &str, attribute: &str) -> Option<Placement> {
    if table.is_empty() {
        return None;
    }
    table.get(&format!("{event}.{attribute}")).or_else(|| table.get(attribute)).copied()
}

/// Whether the table itself places an attribute at `content`, named as `event.attribute`.
#[cfg(test)]
pub(super) fn is_content(name: &str) -> bool {
    let tables = [table::EVENTS, table::SPANS, table::SPAN_EVENTS, table::METRICS];
    let mut events = tables.into_iter().flatten();
    events.any(|(event, lists)| {
        let event = event.strip_prefix("claude_code.").unwrap_or(event);
        let attribute = name.strip_prefix(event).and_then(|rest| rest.strip_prefix('.'));
        lists.iter().copied().flatten().any(|(key, given)| Some(*key) == attribute && *given == Given::Content)
    })
}

#[cfg(test)]
mod documentation;

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(trust: Trust, table: &[(&str, Placement)]) -> Levels {
        Levels::default().with(table.iter().map(|(key, level)| ((*key).to_owned(), *level)).collect(), trust)
    }

    #[test]
    fn a_description_is_that_of_its_own_metric_word_for_word() {
        let (metric, text) = ("claude_code.commit.count", "Number of git commits created");
        assert!(table::is_description(metric, text));
        assert!(!table::is_description("claude_code.pull_request.count", text));
        assert!(!table::is_description(metric, "Number of git commits created by alice"));
    }

    #[test]
    fn the_organization_places_as_it_likes_and_a_person_only_makes_it_stricter() {
        use Placement::{Commands, Content, Drop, Metadata};
        let table = [("loose", Metadata), ("tool_result.strict", Drop), ("strict", Content)];
        let (managed, person) = (levels(Trust::Managed, &table), levels(Trust::Person, &table));
        assert_eq!(managed.place("tool_result", "loose", Content), Metadata);
        assert_eq!(person.place("tool_result", "loose", Content), Content);
        for levels in [&managed, &person] {
            assert_eq!(levels.place("tool_result", "strict", Commands), Drop);
            assert_eq!(levels.place("tool_decision", "strict", Commands), Content);
            assert_eq!(levels.place("tool_decision", "other", Commands), Commands);
        }
        let both = managed.with([("loose".to_owned(), Commands)].into(), Trust::Person);
        assert_eq!(both.place("x", "loose", Content), Commands);
    }

    #[test]
    fn every_attribute_of_the_catalogue_has_a_row() {
        let catalogue = include_str!("../../../tests/fixtures/catalogue.tsv");
        assert!(catalogue.lines().count() > 350);
        let unplaced: Vec<&str> = catalogue.lines().filter(|line| !is_placed(line)).collect();
        assert_eq!(unplaced, [""; 0]);
    }

    #[test]
    fn every_name_of_the_table_can_be_told() {
        for (event, lists) in [table::EVENTS, table::SPANS, table::SPAN_EVENTS, table::METRICS].into_iter().flatten() {
            for (attribute, _) in lists.iter().copied().flatten().chain(table::COMMON) {
                let name = format!("{}.{attribute}", event.strip_prefix("claude_code.").unwrap_or(event));
                assert!(Shape::Word.matches(&name), "{name}");
            }
        }
    }

    fn is_placed(line: &str) -> bool {
        let mut columns = line.split('\t');
        let (kind, name) = (columns.next().unwrap(), columns.next().unwrap());
        let attribute = columns.next().unwrap();
        let named = match kind {
            "resource" => Some(("", &[table::RESOURCE][..])),
            "event" if name == "*" => Some(("", &[][..])),
            "event" => table::event(name),
            "metric" => table::metric(name),
            "span" => table::span(name),
            "span event" => table::span_event(name),
            _ => None,
        };
        let lists = named.into_iter().flat_map(|(_, lists)| lists).chain([&table::COMMON]);
        lists.copied().flatten().any(|(key, _)| *key == attribute)
    }

    #[test]
    fn a_description_is_that_of_its_metric() {
        assert!(table::is_description("claude_code.active_time.total", "Total active time in seconds"));
        assert!(!table::is_description("claude_code.active_time.total", "Number of git commits created"));
        assert!(!table::is_description("claude_code.commit.count", "Total active time in seconds"));
        assert!(!table::is_description("claude_code.commit.count", ""));
    }
}
