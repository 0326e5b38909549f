//! Events to what happened: cost, tokens, tools, prompts, decisions; in any order, and nothing twice.

mod decisions;
mod metrics;
mod reconcile;
mod sequence;
mod tools;
mod totals;
mod usage;

pub use reconcile::ROUNDING;
pub use totals::{Active, Code, Counted, Decisions, Errors, SessionTotals, Share, ToolTotals, Verdicts, millis};

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use crate::event::{Event, Kind, Moment};
use decisions::DecisionCounts;
use metrics::Metrics;
use sequence::Sequences;
use tools::Calls;
use usage::EventUsage;

/// How many events are remembered in order to know them again; later ones are counted without that, and are not looked
/// at for gaps. A session of this length would have cost tens of thousands of dollars.
pub const MAX_REMEMBERED: usize = 2_000_000;

/// Adds up the events of one run. The order in which they are recorded and how often each is does not matter.
#[derive(Debug, Default)]
pub struct Ledger {
    interactive: Option<bool>,
    seen: HashSet<u64>,
    sessions: BTreeMap<Option<String>, Session>,
    client_version: Option<String>,
    first: Option<Moment>,
    last: Option<Moment>,
    metrics: Metrics,
    calls: Calls,
    decisions: DecisionCounts,
    sequences: Sequences,
    simple: Simple,
}

/// What is known of one session id.
#[derive(Debug, Default)]
struct Session {
    first: Option<Moment>,
    /// Something happened in it. The start-up events of `--continue` bear an id in which nothing ever does.
    real: bool,
    /// A request of its main thread came from a terminal.
    seen_in_terminal: bool,
    /// Likewise from `-p` or the SDK; both mean that neither is certain.
    seen_in_print: bool,
    usage: EventUsage,
}

/// What only needs counting.
#[derive(Debug, Default)]
struct Simple {
    prompts: u64,
    slash_commands: u64,
    compactions: u64,
    subagents: u64,
    skills: BTreeMap<String, u64>,
    errors: Errors,
    retries_in_events: u64,
    retries_in_spans: u64,
    counted: Counted,
}

impl Ledger {
    /// Says whether the run is interactive, where the caller knows better than the events do.
    pub fn set_interactive(&mut self, interactive: Option<bool>) {
        self.interactive = interactive;
    }

    /// Somebody else has recorded the beginning of the run.
    pub fn begin_late(&mut self) {
        self.sequences.begin_late();
    }

    /// Takes one event into account, unless it is known already.
    pub fn record(&mut self, event: Event) {
        let remember = self.seen.len() < MAX_REMEMBERED;
        if remember && !self.seen.insert(identity(&event)) {
            return;
        }
        if let Some(time) = event.time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        self.client_version = self.client_version.take().max(event.client_version.clone());
        if let (true, Some(sequence)) = (remember, event.sequence) {
            self.sequences.record(event.session.as_deref(), event.time, sequence);
        }
        let session = self.sessions.entry(event.session.clone()).or_default();
        session.note(&event);
        let Simple { errors, counted, .. } = &mut self.simple;
        match event.kind {
            Kind::Point(point) => {
                counted.points += 1;
                self.metrics.record(event.session, point);
                return;
            }
            Kind::LlmRequestSpan(span) => {
                counted.spans += 1;
                self.simple.retries_in_spans = self.simple.retries_in_spans.saturating_add(span.attempts - 1);
                return;
            }
            Kind::Span { .. } => {
                counted.spans += 1;
                return;
            }
            Kind::ApiRequest(request) => session.usage.record(&request),
            Kind::ApiError(error) => {
                errors.api_errors += 1;
                let status = error.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
                *errors.by_status.entry(status).or_default() += 1;
                self.simple.retries_in_events = self.simple.retries_in_events.saturating_add(error.attempts - 1);
            }
            Kind::ApiRetriesExhausted { .. } => errors.retries_exhausted += 1,
            Kind::ApiRefusal => errors.refusals += 1,
            Kind::ToolDecision(decision) => {
                self.calls.decided(&decision);
                self.decisions.record(event.session, decision);
            }
            Kind::ToolResult(result) => self.calls.ended(&result),
            Kind::UserPrompt { command } => {
                self.simple.prompts += 1;
                self.simple.slash_commands += u64::from(command.is_some());
            }
            Kind::Compaction(_) => self.simple.compactions += 1,
            Kind::SubagentCompleted(_) => self.simple.subagents += 1,
            Kind::SkillActivated { name } => *self.simple.skills.entry(name).or_default() += 1,
            Kind::AssistantResponse | Kind::PermissionModeChanged { .. } | Kind::Other { .. } => {}
        }
        self.simple.counted.events += 1;
    }

    /// What happened so far.
    pub fn totals(&self) -> SessionTotals {
        let metrics = self.metrics.fold();
        let usage = self.sessions.iter().map(|(id, session)| (id.as_deref(), &session.usage)).collect();
        let reconciled = reconcile::reconcile(&usage, &metrics.usage);
        let simple = &self.simple;
        SessionTotals {
            client_version: self.client_version.clone(),
            session_ids: self.session_ids(),
            prompts: simple.prompts,
            slash_commands: simple.slash_commands,
            cost: reconciled.all.cost,
            cost_not_itemised: reconciled.not_itemised.cost,
            tokens: reconciled.all.tokens,
            tokens_not_itemised: reconciled.not_itemised.tokens,
            requests: reconciled.all.requests,
            by_model: totals::shares(reconciled.by_model),
            by_agent: totals::shares(reconciled.by_agent),
            by_query_source: totals::shares(reconciled.by_query_source),
            tools: self.calls.totals(),
            decisions: self.decisions.totals(|session| self.is_interactive(session)),
            code: metrics.code,
            active: metrics.active,
            errors: Errors {
                // Spans know every attempt, events only those of requests that were given up.
                retries: simple.retries_in_spans.max(simple.retries_in_events),
                ..simple.errors.clone()
            },
            compactions: simple.compactions,
            subagents: simple.subagents,
            skills: simple.skills.clone(),
            missing_events: self.sequences.missing(),
            first_event: self.first,
            last_event: self.last,
            counted: simple.counted,
        }
    }

    /// The ids in which something happened, by time; all of them if nothing did in any.
    fn session_ids(&self) -> Vec<String> {
        let any_real = self.sessions.values().any(|session| session.real);
        let mut ids: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.real || !any_real)
            .filter_map(|(id, session)| Some((session.first, id.clone()?)))
            .collect();
        ids.sort();
        ids.into_iter().map(|(_, id)| id).collect()
    }

    /// What the caller said, or what the session's own requests say, or those of the other sessions of the run.
    fn is_interactive(&self, session: Option<&str>) -> Option<bool> {
        let others = || {
            let mut all = self.sessions.values().filter_map(Session::is_interactive);
            let first = all.next()?;
            all.all(|other| other == first).then_some(first)
        };
        let own = || self.sessions.get(&session.map(ToOwned::to_owned)).and_then(Session::is_interactive);
        self.interactive.or_else(own).or_else(others)
    }
}

impl Session {
    fn is_interactive(&self) -> Option<bool> {
        (self.seen_in_terminal != self.seen_in_print).then_some(self.seen_in_terminal)
    }

    fn note(&mut self, event: &Event) {
        if let Some(time) = event.time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
        }
        match &event.kind {
            Kind::Point(point) => self.real |= point.model.is_some(),
            Kind::ApiRequest(request) => {
                self.real = true;
                self.seen_in_terminal |= request.interactive() == Some(true);
                self.seen_in_print |= request.interactive() == Some(false);
            }
            _ => self.real |= event.prompt.is_some(),
        }
    }
}

/// What makes an event that event: process and sequence where it has one, otherwise all it says.
///
/// A process has no id of its own in telemetry. Session, time and sequence together tell two processes apart.
fn identity(event: &Event) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&event.session, event.time, event.sequence, discriminant(&event.kind)).hash(&mut hasher);
    match (&event.kind, event.sequence) {
        (Kind::Point(point), _) => (point.series, point.start, point.end, point.value).hash(&mut hasher),
        (Kind::LlmRequestSpan(span), _) => span.id.hash(&mut hasher),
        (Kind::Span { id, .. }, _) => id.hash(&mut hasher),
        (Kind::ApiRequest(request), Some(_)) => request.request_id.hash(&mut hasher),
        (Kind::Other { name }, Some(_)) => name.hash(&mut hasher),
        (_, Some(_)) => {}
        (kind, None) => (format!("{kind:?}"), &event.prompt).hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
