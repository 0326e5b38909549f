//! What a person should know besides the numbers, each in one sentence.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::event::{Moment, NanoUsd};
use crate::otlp::Signal;

/// One thing a person should know.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Note {
    /// Claude Code ran and sent nothing.
    NothingArrived {
        /// The likely reason.
        reason: NothingReason,
    },
    /// Log records are missing among those that came.
    Gap {
        /// At least so many.
        missing: u64,
    },
    /// A destination does not accept what it is sent.
    Refused {
        /// Its name.
        destination: String,
        /// The HTTP status, if it answered.
        #[serde(default)]
        status: Option<u16>,
        /// What is kept on disk for it.
        #[serde(default)]
        batches: u64,
    },
    /// Delivery goes on after the summary.
    OnTheirWay {
        /// To this destination.
        destination: String,
        /// So many.
        batches: u64,
    },
    /// No destination is configured; nothing leaves the machine.
    LocalOnly,
    /// Telemetry, or a part of it, went elsewhere.
    Bypassed {
        /// What sent it there: a file, a variable.
        by: String,
    },
    /// The person's own `--settings` was passed on as it was, so ours were not.
    SettingsNotMerged {
        /// As words that follow "because".
        why: String,
    },
    /// The run was not observed at all.
    NotObserved {
        /// As words that follow "because".
        why: String,
    },
    /// The run was not to be observed, and was not.
    Unobserved,
    /// What would be sent was shown, and sent to nobody.
    Dry,
    /// The configured endpoint speaks a protocol that this version does not.
    EndpointNotSupported {
        /// Which.
        protocol: String,
        /// What is not sent to it. Empty where an earlier version wrote it: nothing was sent.
        #[serde(default)]
        signals: Vec<Signal>,
    },
    /// The endpoint in a variable is none.
    EndpointNotUsable {
        /// The variable's name.
        variable: String,
        /// What is wrong with its value, which is not repeated.
        why: String,
        /// What is not sent.
        #[serde(default)]
        signals: Vec<Signal>,
    },
    /// Rules of the person's own cannot be used, and so no more than metadata is captured.
    RulesNotUsable {
        /// Which, and why: a line each.
        #[serde(default)]
        errors: Vec<String>,
    },
    /// The organization's configuration cannot be used: no more than metadata is captured, and nothing is delivered.
    ManagedNotUsable {
        /// What is wrong, in words.
        why: String,
    },
    /// The person's own configuration is wrong; the organization's counts alone.
    ConfigLeftOut {
        /// What is wrong, in words.
        why: String,
    },
    /// More was spent than was to be, or as much. Nothing was stopped.
    BudgetPassed {
        /// In which time.
        period: Period,
        /// What was to be spent at most.
        #[serde(rename = "budget_nano_usd")]
        budget: NanoUsd,
        /// What was.
        #[serde(rename = "spent_nano_usd")]
        spent: NanoUsd,
    },
    /// The relay ended before its time: what it had not written yet is lost.
    RelayGone,
    /// The relay ended before its time, and another took its place: the numbers begin with that.
    RelayRestarted {
        /// When.
        #[serde(default)]
        at: Option<Moment>,
    },
    /// Traces were asked for and none came.
    TracesMissing,
    /// The summary was asked for too early: events may still be coming.
    Incomplete,
    /// Written by a later version.
    #[serde(other)]
    Unknown,
}

/// What a budget is for, on the local calendar.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// One session.
    Session,
    /// All sessions of a day.
    Day,
    /// All sessions of a month.
    Month,
    /// Written by a later version.
    #[serde(other)]
    Other,
}

impl Period {
    /// That it is passed, in a few words.
    fn over(self) -> &'static str {
        match self {
            Self::Session => "over session budget",
            Self::Day => "over day budget",
            Self::Month => "over month budget",
            Self::Other => "over budget",
        }
    }

    /// Whose budget it is.
    fn whose(self) -> &'static str {
        match self {
            Self::Session => "this session's",
            Self::Day => "today's",
            Self::Month => "this month's",
            Self::Other => "a",
        }
    }
}

/// Why nothing arrived.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NothingReason {
    /// Claude Code was gone within its first moments.
    EndedEarly,
    /// It was killed and could not send what it had.
    Killed,
    /// Managed settings have the last word and send telemetry elsewhere or nowhere.
    ManagedSettings,
    /// A `--settings` of the person's own took the place of ours.
    OwnSettings,
    /// An `otelHeadersHelper` failed, and then nothing is exported.
    HeadersHelper,
    /// Requests came, but without our token or not to be decoded.
    AllRejected,
    /// A background session or daemon that was started earlier sends elsewhere.
    Background,
    /// Nobody knows.
    #[serde(other)]
    Unknown,
}

impl NothingReason {
    /// As a sentence's second half.
    fn words(self) -> &'static str {
        match self {
            Self::EndedEarly => "it ended before it exported anything",
            Self::Killed => "it was killed before it exported anything",
            Self::ManagedSettings => "managed settings decide about telemetry on this machine",
            Self::OwnSettings => "its own --settings took the place of ours",
            Self::HeadersHelper => "an otelHeadersHelper failed, and then it exports nothing",
            Self::AllRejected => "everything it sent was refused, see the counts of rejected requests",
            Self::Background => "the session runs in a background process that was started earlier",
            Self::Unknown => "the reason is not known",
        }
    }
}

impl Note {
    /// Whether it says that we did not see what happened.
    pub fn is_about_not_seeing(&self) -> bool {
        matches!(
            self,
            Self::NothingArrived { .. }
                | Self::NotObserved { .. }
                | Self::Unobserved
                | Self::Bypassed { .. }
                | Self::RelayGone
                | Self::RelayRestarted { .. }
                | Self::Incomplete
        )
    }

    /// The note in a word or two for the summary in one line; None where its numbers or its sentence are there anyway.
    pub(super) fn word(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::EndpointNotSupported { signals, .. } | Self::EndpointNotUsable { signals, .. } => {
                return Some(if signals.is_empty() { "not sent".into() } else { listed(signals) + " not sent" });
            }
            Self::LocalOnly => "local only",
            Self::Bypassed { .. } => "bypassed",
            Self::SettingsNotMerged { .. } => "settings not merged",
            Self::RulesNotUsable { .. } => "own rules not usable",
            Self::ManagedNotUsable { .. } => "organization's configuration not usable",
            Self::ConfigLeftOut { .. } => "own configuration not usable",
            Self::BudgetPassed { period, .. } => return Some(Cow::Borrowed(period.over())),
            Self::RelayGone => "relay gone",
            Self::RelayRestarted { .. } => "relay restarted",
            Self::TracesMissing => "no traces",
            Self::Incomplete => "incomplete",
            Self::NotObserved { .. } => "not observed",
            Self::Unobserved => "unobserved, as asked",
            Self::Dry => "dry run",
            Self::NothingArrived { .. }
            | Self::Gap { .. }
            | Self::Refused { .. }
            | Self::OnTheirWay { .. }
            | Self::Unknown => return None,
        }))
    }

    /// The note as one plain sentence. What it quotes is not yet fit for a terminal.
    pub fn sentence(&self) -> String {
        match self {
            Self::NothingArrived { reason } => format!("Nothing arrived from Claude Code: {}.", reason.words()),
            Self::Gap { missing: 1 } => "1 event never arrived; the numbers may be too low.".to_owned(),
            Self::Gap { missing } => format!("{missing} events never arrived; the numbers may be too low."),
            Self::Refused { destination, status, batches } => {
                let status = status.map_or_else(String::new, |status| format!(" with status {status}"));
                format!("{destination} refuses what it is sent{status}; {} kept on disk.", batches_are(*batches))
            }
            Self::OnTheirWay { destination, batches } => {
                format!("{} still on the way to {destination}.", batches_are(*batches))
            }
            Self::LocalOnly => "No destination is configured; nothing leaves this machine.".to_owned(),
            Self::Bypassed { by } => format!("Telemetry went past cc-observe: {by} sends it elsewhere."),
            Self::SettingsNotMerged { why } => {
                format!("Your --settings was passed on alone, so a settings file can redirect telemetry: {why}.")
            }
            Self::NotObserved { why } => format!("This run was not observed: {why}."),
            Self::Unobserved => "Not observed, as you asked: only that there was a session is told.".to_owned(),
            Self::Dry => "A dry run: what would be sent was shown, and sent to nobody.".to_owned(),
            Self::EndpointNotSupported { protocol, signals } => {
                let what = what_was(signals);
                format!("The configured endpoint wants {protocol}, which this version cannot speak; {what}.")
            }
            Self::EndpointNotUsable { variable, why, signals } => {
                format!("{variable} cannot be used ({why}); {}.", what_was(signals))
            }
            Self::RulesNotUsable { errors } => {
                let first = errors.first().map_or_else(String::new, |first| format!(" ({first})"));
                let more = match errors.len() {
                    0 | 1 => String::new(),
                    count => format!(" and {} more", count - 1),
                };
                format!("Your own redaction rules cannot be used{first}{more}; only metadata is captured.")
            }
            Self::ManagedNotUsable { why } => format!(
                "Your organization's configuration cannot be used: {why}. No more than metadata is captured, and nothing is sent."
            ),
            Self::ConfigLeftOut { why } => {
                format!("Your own configuration is left out, and your organization's counts alone: {why}")
            }
            Self::BudgetPassed { period, budget, spent } => {
                let whose = period.whose();
                let (first, rest) = whose.split_at(1);
                format!("{}{rest} budget of {budget} is passed: {spent} so far, at list price.", first.to_uppercase())
            }
            Self::RelayGone => "The relay ended early; what it had not yet written to disk is lost.".to_owned(),
            Self::RelayRestarted { .. } => {
                "The relay ended early and was started again; what came before that is not in these numbers.".to_owned()
            }
            Self::TracesMissing => "Traces were asked for, but none arrived.".to_owned(),
            Self::Incomplete => "Events may still be arriving; the numbers may be too low.".to_owned(),
            Self::Unknown => "A later version of cc-observe has something to say here.".to_owned(),
        }
    }
}

fn batches_are(batches: u64) -> String {
    if batches == 1 { "1 batch is".to_owned() } else { format!("{batches} batches are") }
}

/// `logs, metrics and traces`.
fn listed(signals: &[Signal]) -> Cow<'static, str> {
    let mut text = String::new();
    for (index, signal) in signals.iter().enumerate() {
        text.push_str(match signals.len() - index {
            _ if index == 0 => "",
            1 => " and ",
            _ => ", ",
        });
        text.push_str(signal.as_str());
    }
    text.into()
}

fn what_was(signals: &[Signal]) -> String {
    if signals.is_empty() { "nothing was sent".to_owned() } else { format!("{} were not sent", listed(signals)) }
}
