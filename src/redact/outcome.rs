//! What redaction gives back: the batch, what it kept back, and what it found.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::finder::RuleId;
use super::levels::Placement;
use super::marker::Tag;
use super::{CaptureLevel, Redacted};
use crate::otlp::{Batch, Signal};

/// The most names that are remembered of what a level keeps back.
const MAX_NAMES: usize = 256;

/// The most findings of one batch that are told one by one.
pub(super) const MAX_FINDINGS: usize = 4096;

/// What became of a batch.
#[derive(Debug)]
pub struct Outcome {
    /// Fit to leave the machine.
    pub batch: Redacted<Batch>,
    /// What is not in it any more.
    pub withheld: Withheld,
    /// The secrets that were masked in it, 4096 at most.
    pub findings: Vec<FoundIn>,
    /// How many more there were.
    pub findings_unlisted: u64,
}

/// A secret that was masked, and where it stood. It does not hold the secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundIn {
    /// What recognized it.
    pub rule: RuleId,
    /// None for what could be guessed.
    pub tag: Option<Tag>,
    /// What it came in.
    pub signal: Signal,
    /// The event, metric or span, without `claude_code.`; `resource` or `scope` for theirs; `?` for what cannot be told.
    pub event: Cow<'static, str>,
    /// The attribute, or `body`, `status.message` and the like; `?` for a key that itself cannot be told.
    pub attribute: Cow<'static, str>,
    /// `prompt.id` of the record.
    pub prompt_id: Option<String>,
    /// `tool_use_id` of the record.
    pub tool_use_id: Option<String>,
    /// `session.id` of the record.
    pub session_id: Option<String>,
}

/// What redaction kept back.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Withheld {
    /// Attributes, bodies and messages that the capture level does not give.
    pub attributes: u64,
    /// Log records, data points and spans of other scopes than Claude Code's, and data points of metrics without a name.
    pub records: u64,
    /// Attributes and metrics that a configuration drops.
    pub configured: u64,
    /// Values that could not be searched: too long, too deep, not text, or a fault of ours.
    pub unreadable: u64,
    /// What was seen that is not given at every level, kept or not.
    above: BTreeMap<(Cow<'static, str>, Cow<'static, str>), Placement>,
    /// How often something was seen whose name found no room there, or is not fit to be told.
    more: BTreeMap<Placement, u64>,
}

impl Withheld {
    /// Adds what was kept back of another batch.
    pub fn add(&mut self, other: Self) {
        self.attributes += other.attributes;
        self.records += other.records;
        self.configured += other.configured;
        self.unreadable += other.unreadable;
        for (placement, count) in other.more {
            *self.more.entry(placement).or_default() += count;
        }
        for (name, placement) in other.above {
            self.note(name, placement);
        }
    }

    /// The names, as `event.attribute`, of what was seen and is not given at a level, in their order.
    pub fn names(&self, level: CaptureLevel) -> Vec<String> {
        let above = self.above.iter().filter(|(_, placement)| !placement.is_given_at(level));
        above.map(|((event, attribute), _)| format!("{event}.{attribute}")).collect()
    }

    /// How often something was seen that is not given at a level and whose name is not told.
    pub fn unnamed(&self, level: CaptureLevel) -> u64 {
        self.more.iter().filter(|(placement, _)| !placement.is_given_at(level)).map(|(_, count)| count).sum()
    }

    /// Whether a name is remembered already.
    pub(super) fn knows(&self, event: &str, attribute: &str) -> bool {
        let above: &BTreeMap<(Cow<'_, str>, Cow<'_, str>), Placement> = &self.above;
        above.contains_key(&(Cow::Borrowed(event), Cow::Borrowed(attribute)))
    }

    /// Remembers a name.
    pub(super) fn note(&mut self, name: (Cow<'static, str>, Cow<'static, str>), placement: Placement) {
        if self.above.len() < MAX_NAMES || self.above.contains_key(&name) {
            let there = self.above.entry(name).or_insert(placement);
            *there = placement.max(*there);
        } else {
            self.note_unnamed(placement);
        }
    }

    /// Counts a name that is not told.
    pub(super) fn note_unnamed(&mut self, placement: Placement) {
        *self.more.entry(placement).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> (Cow<'static, str>, Cow<'static, str>) {
        (Cow::Borrowed("event"), Cow::Owned(format!("a{number:03}")))
    }

    #[test]
    fn what_was_kept_back_of_two_batches_is_added() {
        let mut one = Withheld { attributes: 2, records: 3, configured: 4, unreadable: 5, ..Withheld::default() };
        one.note(name(1), Placement::Content);
        one.note_unnamed(Placement::Drop);
        one.note_unnamed(Placement::Drop);
        let mut other = Withheld { attributes: 20, records: 30, configured: 40, unreadable: 50, ..Withheld::default() };
        other.note(name(2), Placement::Commands);
        for _ in 0..3 {
            other.note_unnamed(Placement::Drop);
        }
        other.note_unnamed(Placement::Content);
        one.add(other);
        assert_eq!((one.attributes, one.records, one.configured, one.unreadable), (22, 33, 44, 55));
        assert_eq!(one.names(CaptureLevel::Metadata), ["event.a001", "event.a002"]);
        assert_eq!(one.names(CaptureLevel::Commands), ["event.a001"]);
        assert_eq!(one.names(CaptureLevel::Content), [""; 0]);
        assert_eq!((one.unnamed(CaptureLevel::Commands), one.unnamed(CaptureLevel::Content)), (6, 5));
    }

    #[test]
    fn so_many_names_are_remembered_and_the_others_counted() {
        let mut withheld = Withheld::default();
        for number in 0..MAX_NAMES {
            withheld.note(name(number), Placement::Commands);
        }
        assert_eq!((withheld.names(CaptureLevel::Metadata).len(), withheld.unnamed(CaptureLevel::Metadata)), (256, 0));
        withheld.note(name(MAX_NAMES), Placement::Commands);
        assert_eq!((withheld.names(CaptureLevel::Metadata).len(), withheld.unnamed(CaptureLevel::Metadata)), (256, 1));
        assert!(
            withheld.knows("event", "a255") && !withheld.knows("event", "a256") && !withheld.knows("other", "a255")
        );
        // One that is known has room.
        withheld.note(name(0), Placement::Content);
        assert_eq!(
            (withheld.names(CaptureLevel::Commands), withheld.unnamed(CaptureLevel::Metadata)),
            (vec!["event.a000".to_owned()], 1)
        );
        // What was placed higher once stays there.
        withheld.note(name(0), Placement::Commands);
        assert_eq!(withheld.names(CaptureLevel::Commands).len(), 1);
    }
}
