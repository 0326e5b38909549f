//! Decisions on calls, counted by the client's words until it is known what they mean.

use std::collections::BTreeMap;

use super::totals::Decisions;
use crate::event::{DecidedBy, ToolDecision};

#[derive(Debug, Default)]
pub(super) struct DecisionCounts(BTreeMap<Words, u64>);

/// Everything that [`DecidedBy::of`] needs, but for the kind of session.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Words {
    session: Option<String>,
    tool: String,
    source: String,
    permission_mode: Option<String>,
    rejected: bool,
    written: Option<DecidedBy>,
}

impl DecisionCounts {
    pub(super) fn record(&mut self, session: Option<String>, decision: ToolDecision) {
        let words = Words {
            session,
            tool: decision.tool,
            source: decision.source,
            permission_mode: decision.permission_mode,
            rejected: decision.rejected,
            written: decision.decided_by,
        };
        *self.0.entry(words).or_default() += 1;
    }

    /// What the relay wrote on the record counts; the rest is derived from the kind of session.
    pub(super) fn totals(&self, interactive: impl Fn(Option<&str>) -> Option<bool>) -> Decisions {
        let mut totals = Decisions::default();
        for (words, times) in &self.0 {
            let Words { session, tool, source, permission_mode, rejected, written } = words;
            let decided_by = written.unwrap_or_else(|| {
                DecidedBy::of(*rejected, source, permission_mode.as_deref(), tool, interactive(session.as_deref()))
            });
            totals.all.count(*rejected, *times);
            totals.by_source.entry(source.clone()).or_default().count(*rejected, *times);
            totals.by_decided_by.entry(decided_by.as_str().to_owned()).or_default().count(*rejected, *times);
        }
        totals
    }
}
