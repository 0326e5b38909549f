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

    #[test]
    fn what_was_kept_back_of_two_batches_is_added() {
        let one = || {
            let mut one = Withheld { attributes: 2, records: 3, configured: 5, unreadable: 7, ..Withheld::default() };
            one.note((Cow::Borrowed("tool_result"), Cow::Borrowed("error")), Placement::Commands);
            one.note_unnamed(Placement::Content);
            one.note_unnamed(Placement::Content);
            one
        };
        let mut sum = one();
        sum.add(one());
        assert_eq!((sum.attributes, sum.records, sum.configured, sum.unreadable), (4, 6, 10, 14));
        assert_eq!(sum.names(CaptureLevel::Metadata), ["tool_result.error"]);
        assert_eq!(sum.names(CaptureLevel::Commands), [""; 0]);
        assert_eq!((sum.unnamed(CaptureLevel::Metadata), sum.unnamed(CaptureLevel::Content)), (4, 0));
        assert!(sum.knows("tool_result", "error") && !sum.knows("tool_result", "prompt"));
    }
}
