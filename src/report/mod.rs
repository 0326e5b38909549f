//! Values to text, JSON and Markdown: returns it, never prints it.

mod doctor;
mod findings;
mod full;
mod json;
mod layout;
mod line;
mod markdown;
mod notes;
mod policy;
mod preview;
mod printable;
mod spool;
mod status;
mod summary;
mod words;

pub use doctor::{Check, Verdict, doctor, doctor_json, worst};
pub use findings::{Found, FoundTable, RuleLine, found_json, rules, rules_json};
pub use full::full;
pub use json::{json, safe as safe_json};
pub use line::line;
pub use markdown::markdown;
pub use notes::{Note, NothingReason, Period};
pub use policy::{Decided, DestinationTold, PolicyTold, SecretsTold, SpoolTold, policy, policy_json};
pub use preview::{Finding, PreviewLine, preview, preview_json};
pub use printable::{Printable, printable};
pub use spool::{Disk, Dropped, Files, FlushLine, SpoolLine, spool_flush, spool_json, spool_status, spool_status_json};
pub use status::{Running, running, status_json, statusline, statusline_of_none};
pub use summary::{Amount, Delivery, Exit, Masked, Received, ReceivedSignal, Redaction, RunSummary, SCHEMA_VERSION};
pub use words::many;

pub use crate::event::Moment;

use jiff::tz::TimeZone;

/// How a report is to look.
#[derive(Clone, Debug)]
pub struct Style {
    /// Whether colours may be used. They only repeat what the words say.
    pub colour: bool,
    /// Columns of the terminal; no line is wider.
    pub width: usize,
    /// What the times of day are given in.
    pub time_zone: TimeZone,
}

impl Style {
    /// Eighty columns without colour, times in UTC.
    pub const PLAIN: Self = Self { colour: false, width: 80, time_zone: TimeZone::UTC };
}

#[cfg(test)]
mod tests;
