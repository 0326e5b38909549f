//! What happened, as a document: everything here is part of the JSON that `docs/summary.md` describes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::usage::Named;
use crate::event::{Moment, NanoUsd, Tokens, both};

/// Everything that the events and metrics of a run say, added up.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct SessionTotals {
    /// The version of Claude Code, if any event came; the highest if there were several.
    #[serde(rename = "claude_version")]
    pub client_version: Option<String>,
    /// Claude Code's session ids in which something happened, in order of time.
    pub session_ids: Vec<String>,
    /// Prompts, slash commands among them. A finished background agent or command makes one too.
    pub prompts: u64,
    /// Prompts that were slash commands.
    pub slash_commands: u64,
    /// At list price: `api_request` events once each, plus `cost_not_itemised`.
    #[serde(flatten, with = "both")]
    pub cost: NanoUsd,
    /// The part of the cost that only the metric saw: aborted answers, or everything when logs are off.
    #[serde(rename = "cost_not_itemised_nano_usd")]
    pub cost_not_itemised: NanoUsd,
    /// Tokens by type.
    pub tokens: Tokens,
    /// The part of the tokens that only the metric saw.
    pub tokens_not_itemised: Tokens,
    /// Requests to the model that were answered: `api_request` events.
    pub requests: u64,
    /// By model, dearest first. Adds up to the whole.
    pub by_model: Vec<Share>,
    /// By agent, dearest first: `main`, a subagent's name, or what asked (`compact`, `web_search_tool`; `auxiliary` where
    /// only the metric saw it). Adds up to the whole.
    pub by_agent: Vec<Share>,
    /// By Claude Code's own `query_source`, dearest first; what is not itemised as the metric calls it (`main`,
    /// `subagent`, `auxiliary`). Adds up to the whole.
    pub by_query_source: Vec<Share>,
    /// By tool, those that ran most often first.
    pub tools: Vec<ToolTotals>,
    /// Who allowed and rejected calls.
    pub decisions: Decisions,
    /// What became of the code. Only metrics say so.
    pub code: Code,
    /// How long who was active. Only metrics say so.
    pub active: Active,
    /// What went wrong with the model.
    pub errors: Errors,
    /// How often the conversation was compacted.
    pub compactions: u64,
    /// Subagents that ended.
    pub subagents: u64,
    /// How often each skill was used.
    pub skills: BTreeMap<String, u64>,
    /// Log records that Claude Code numbered and that never came; at least so many.
    pub missing_events: u64,
    /// The time of the first event, by the client's clock.
    pub first_event: Option<Moment>,
    /// The time of the last event, by the client's clock.
    pub last_event: Option<Moment>,
    /// How much of what was read. Repeats are not counted.
    pub counted: Counted,
}

/// One name's share of the cost.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Share {
    /// The model, agent or query source.
    pub name: String,
    /// At list price.
    #[serde(flatten, with = "both")]
    pub cost: NanoUsd,
    /// Tokens by type.
    pub tokens: Tokens,
    /// Answered requests; 0 where only the metric saw them.
    pub requests: u64,
}

/// The calls to one tool.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct ToolTotals {
    /// Its name, as Claude Code reports it.
    pub tool: String,
    /// Calls that were decided on or ran.
    pub calls: u64,
    /// Calls that ran to an end. Those neither rejected nor run were cut short.
    pub ran: u64,
    /// Of those that ran, how many failed.
    pub failed: u64,
    /// Calls that were rejected.
    pub rejected: u64,
    /// How long they ran together.
    #[serde(rename = "duration_ms", with = "millis")]
    pub duration: Duration,
}

/// Decisions on calls to tools.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Decisions {
    /// All of them.
    pub all: Verdicts,
    /// By Claude Code's own word: `config`, `hook`, `user_temporary`, `user_permanent`, `user_reject`, …
    pub by_source: BTreeMap<String, Verdicts>,
    /// Explained: `click_once`, `click_always`, `rule`, `mode`, `hook`, `unknown`.
    pub by_decided_by: BTreeMap<String, Verdicts>,
}

/// How often something was allowed and rejected.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Verdicts {
    /// Allowed.
    pub accepted: u64,
    /// Rejected.
    pub rejected: u64,
}

/// What became of the code.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Code {
    /// Lines added.
    pub lines_added: u64,
    /// Lines removed.
    pub lines_removed: u64,
    /// Commits made.
    pub commits: u64,
    /// Pull requests opened.
    pub pull_requests: u64,
    /// Decisions on edits, from the metric. They are among `decisions` too.
    pub edits: Verdicts,
}

/// How long who was active.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Active {
    /// The person.
    #[serde(rename = "user_ms", with = "millis")]
    pub user: Duration,
    /// Claude Code.
    #[serde(rename = "client_ms", with = "millis")]
    pub client: Duration,
}

/// What went wrong with requests to the model.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Errors {
    /// Requests that Claude Code gave up on.
    pub api_errors: u64,
    /// Them by HTTP status; `none` where there was no answer.
    pub by_status: BTreeMap<String, u64>,
    /// Attempts after the first. Those that succeeded are known only with traces on.
    pub retries: u64,
    /// Requests given up after more than one attempt.
    pub retries_exhausted: u64,
    /// Answers that the model refused to give.
    pub refusals: u64,
}

/// How much of what was read.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Counted {
    /// Log records.
    pub events: u64,
    /// Data points.
    pub points: u64,
    /// Spans.
    pub spans: u64,
}

/// A list of shares, dearest first, then by name.
pub(super) fn shares(named: Named) -> Vec<Share> {
    let mut shares: Vec<_> = named
        .into_iter()
        .map(|(name, usage)| Share { name, cost: usage.cost, tokens: usage.tokens, requests: usage.requests })
        .collect();
    shares.sort_by(|a, b| b.cost.cmp(&a.cost).then_with(|| a.name.cmp(&b.name)));
    shares
}

/// A duration as a whole number of milliseconds, for `#[serde(with = "millis")]`.
pub mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes milliseconds, rounded down.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    /// Reads milliseconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
