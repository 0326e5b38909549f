//! Calls to tools: one per `tool_use_id`, from its decision and its result.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::totals::ToolTotals;
use crate::event::{ToolDecision, ToolResult};

#[derive(Debug, Default)]
pub(super) struct Calls {
    by_id: HashMap<String, Call>,
    /// Calls whose event names no id, each a call of its own.
    nameless: Vec<Call>,
}

/// What is known of one call. Merging two is the same in either order.
#[derive(Debug, Default)]
struct Call {
    tool: String,
    ran: bool,
    failed: bool,
    rejected: bool,
    duration: Duration,
}

impl Calls {
    pub(super) fn decided(&mut self, decision: &ToolDecision) {
        let call = Call { tool: decision.tool.clone(), rejected: decision.rejected, ..Call::default() };
        self.record(decision.tool_use_id.as_ref(), call);
    }

    pub(super) fn ended(&mut self, result: &ToolResult) {
        let call = Call {
            tool: result.tool.clone(),
            ran: true,
            failed: !result.success,
            duration: result.duration,
            ..Call::default()
        };
        self.record(result.tool_use_id.as_ref(), call);
    }

    fn record(&mut self, id: Option<&String>, new: Call) {
        let Some(id) = id else { return self.nameless.push(new) };
        let call = self.by_id.entry(id.clone()).or_default();
        if new.tool > call.tool {
            call.tool = new.tool;
        }
        call.ran |= new.ran;
        call.failed |= new.failed;
        call.rejected |= new.rejected;
        call.duration = call.duration.max(new.duration);
    }

    /// By tool, those that ran most often first.
    pub(super) fn totals(&self) -> Vec<ToolTotals> {
        let mut by_tool = BTreeMap::<&str, ToolTotals>::new();
        for call in self.by_id.values().chain(&self.nameless) {
            let tool = by_tool.entry(&call.tool).or_default();
            tool.calls += 1;
            tool.ran += u64::from(call.ran);
            tool.failed += u64::from(call.failed);
            // A call that ran after all was not rejected in the end.
            tool.rejected += u64::from(call.rejected && !call.ran);
            tool.duration = tool.duration.saturating_add(call.duration);
        }
        let mut tools: Vec<_> =
            by_tool.into_iter().map(|(name, totals)| ToolTotals { tool: name.to_owned(), ..totals }).collect();
        tools.sort_by(|a, b| (b.ran, b.calls).cmp(&(a.ran, a.calls)).then_with(|| a.tool.cmp(&b.tool)));
        tools
    }
}
