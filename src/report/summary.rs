//! The document about one run: what the relay sends the launcher and `--summary-file` writes; see `docs/summary.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::notes::Note;
use crate::event::{Moment, NanoUsd};
use crate::otlp::Signal;
use crate::session::{SessionTotals, millis};

/// The version of the document. Within a version fields and kinds of notes are only ever added.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything there is to say about one run.
///
/// Read leniently: what is absent has its default, what is unknown is ignored, so that a launcher and a relay of
/// different versions understand each other.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct RunSummary {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// The run's id, a UUIDv7.
    pub run_id: String,
    /// The version of cc-observe.
    pub tool_version: String,
    /// Of the policy that the run began with: which machine has which. None: nothing was to be told.
    pub policy_hash: Option<String>,
    /// When the run began.
    pub started: Option<Moment>,
    /// When Claude Code exited. None while it runs.
    pub ended: Option<Moment>,
    /// From start to exit.
    #[serde(rename = "duration_ms", with = "millis")]
    pub duration: Duration,
    /// How Claude Code ended. None while it runs, or where it is not our child.
    pub exit: Option<Exit>,
    /// The repository's address without credentials, or its directory's name.
    pub repository: Option<String>,
    /// The branch that was checked out at the start.
    pub branch: Option<String>,
    /// What happened: the fields of [`SessionTotals`], on the same level as these.
    #[serde(flatten)]
    pub session: SessionTotals,
    /// What Claude Code sent.
    pub received: Received,
    /// What was taken out before anything was kept or sent.
    pub redaction: Redaction,
    /// What became of it, by destination.
    pub delivery: Vec<Delivery>,
    /// What a person should know besides the numbers.
    pub notes: Vec<Note>,
}

impl Default for RunSummary {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            run_id: String::new(),
            tool_version: String::new(),
            policy_hash: None,
            started: None,
            ended: None,
            duration: Duration::ZERO,
            exit: None,
            repository: None,
            branch: None,
            session: SessionTotals::default(),
            received: Received::default(),
            redaction: Redaction::default(),
            delivery: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl RunSummary {
    /// Whether anything was asked of the model, with or without success.
    pub fn asked_the_model(&self) -> bool {
        let session = &self.session;
        session.requests > 0
            || session.errors.api_errors > 0
            || session.errors.refusals > 0
            || session.cost > NanoUsd::ZERO
            || session.tokens.total() > 0
    }

    /// Whether there is nothing to show a person: the model was not asked, and nothing hindered us from seeing it.
    pub fn is_silent(&self) -> bool {
        !self.asked_the_model() && !self.notes.iter().any(Note::is_about_not_seeing)
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// What Claude Code sent, by signal.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Received {
    /// Events.
    pub logs: ReceivedSignal,
    /// Counters.
    pub metrics: ReceivedSignal,
    /// Spans.
    pub traces: ReceivedSignal,
}

impl Received {
    /// The counts of one signal, to be added to.
    pub fn signal_mut(&mut self, signal: Signal) -> &mut ReceivedSignal {
        match signal {
            Signal::Logs => &mut self.logs,
            Signal::Metrics => &mut self.metrics,
            Signal::Traces => &mut self.traces,
        }
    }

    /// The counts with their signals.
    pub fn by_signal(&self) -> [(Signal, ReceivedSignal); 3] {
        [(Signal::Logs, self.logs), (Signal::Metrics, self.metrics), (Signal::Traces, self.traces)]
    }
}

/// What Claude Code sent of one signal.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct ReceivedSignal {
    /// Requests that were accepted.
    pub requests: u64,
    /// Log records, data points or spans in them.
    pub records: u64,
    /// Requests that were refused: without the token, too large, or not to be decoded.
    pub rejected_requests: u64,
}

/// What was taken out before anything was kept or sent.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Redaction {
    /// Attributes that the capture level holds back.
    pub attributes_withheld: u64,
    /// Records that could not be redacted and were dropped whole.
    pub records_dropped: u64,
    /// Both, by reason.
    pub by_reason: BTreeMap<String, u64>,
    /// Secrets that a marker stands for now, by rule, the most first.
    pub masked: Vec<Masked>,
}

impl Redaction {
    /// All secrets that were masked; at least so many.
    pub fn secrets(&self) -> u64 {
        self.masked.iter().fold(0, |sum: u64, masked| sum.saturating_add(masked.secrets))
    }
}

/// Secrets of one kind that were masked.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Masked {
    /// The id of the rule that recognized them.
    pub rule: String,
    /// What they are, in a word or two.
    pub what: String,
    /// Different ones; at least so many.
    pub secrets: u64,
    /// Places where they stood: one command comes out in several attributes and events.
    pub places: u64,
}

/// What became of a run's telemetry at one destination.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Delivery {
    /// The destination's name.
    pub destination: String,
    /// Where it is, without anything secret.
    pub endpoint: String,
    /// Accepted by the destination.
    pub delivered: Amount,
    /// On disk, to be sent.
    pub spooled: Amount,
    /// In memory, to be sent, because the disk did not take it: lost when the relay ends before it is delivered.
    pub in_memory: Amount,
    /// On disk, refused in a way that repeating does not mend.
    pub parked: Amount,
    /// Given up and counted.
    pub dropped: Amount,
    /// Those of `dropped` that had to make room, or were too old: more waits than the configuration allows.
    pub evicted: Amount,
    /// Why the last attempt failed, as words that follow the destination's name: `refuses connections`. None since the
    /// last success.
    pub last_error: Option<String>,
    /// Since when every attempt failed.
    pub failing_since: Option<Moment>,
    /// Why the last parked batch was, as words that follow the destination's name: `answers 400`.
    pub parked_because: Option<String>,
    /// The destination's own words for what it threw away or warns of.
    pub message: Option<String>,
    /// Why the disk did not take a batch, the last time that it did not: `could not write a spool file: …`.
    pub disk_error: Option<String>,
}

impl Delivery {
    /// Everything that was to be delivered.
    pub fn batches(&self) -> u64 {
        [self.delivered, self.spooled, self.in_memory, self.parked, self.dropped]
            .iter()
            .fold(0, |sum: u64, amount| sum.saturating_add(amount.batches))
    }

    /// What is to be sent, on disk or in memory.
    pub fn waiting(&self) -> u64 {
        self.spooled.batches.saturating_add(self.in_memory.batches)
    }
}

/// An amount of telemetry.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Amount {
    /// Requests of one signal each.
    pub batches: u64,
    /// Log records, data points or spans in them.
    pub records: u64,
}
