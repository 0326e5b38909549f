//! `Redacted<Batch>` to typed events: the only place that knows the names of Claude Code's telemetry.
//!
//! Nothing here fails: what is absent, misspelt or of another type becomes `None`, zero or [`Kind::Other`], because a
//! new version of the client may say things differently and a session must still be summed up.

mod attributes;
#[cfg(test)]
pub(crate) mod captures;
mod decided;
mod kind;
mod log;
mod moment;
mod money;
mod names;
mod point;
mod span;
mod tokens;

pub use decided::{DecidedBy, decided_by};
pub use kind::{ApiError, ApiRequest, Compaction, Kind, SubagentCompleted, ToolDecision, ToolResult};
pub use moment::Moment;
pub use money::{NanoUsd, both};
pub use point::{Fixed, Metric, Point, Temporality, TokenType};
pub use span::LlmAttempts;
pub use tokens::Tokens;

use crate::otlp::Batch;
use crate::redact::Redacted;

/// One log record, metric data point or span of Claude Code, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happened, by the client's clock. None when the record has no time.
    pub time: Option<Moment>,
    /// Claude Code's `session.id`. None with `OTEL_METRICS_INCLUDE_SESSION_ID=false`, which takes it off events too.
    pub session: Option<String>,
    /// `prompt.id`: what belongs to one prompt. Only log records have it.
    pub prompt: Option<String>,
    /// `event.sequence`: counts the log records of one process from 0, without gaps. Only log records have it.
    pub sequence: Option<u64>,
    /// `service.version` of the resource: the version of Claude Code.
    pub client_version: Option<String>,
    /// What happened.
    pub kind: Kind,
}

/// Reads everything in a batch that Claude Code itself sent; records of our own scope are passed over.
pub fn read(batch: &Redacted<Batch>) -> Vec<Event> {
    match batch.get() {
        Batch::Logs(request) => log::read(request),
        Batch::Metrics(request) => point::read(request),
        Batch::Traces(request) => span::read(request),
    }
}

/// Whether records of this scope were added by the relay rather than sent by Claude Code.
fn is_ours(scope: Option<&opentelemetry_proto::tonic::common::v1::InstrumentationScope>) -> bool {
    scope.is_some_and(|scope| scope.name == names::OUR_SCOPE)
}

#[cfg(test)]
mod tests;
