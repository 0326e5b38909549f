//! Batch to `Redacted<Batch>`: the only place where telemetry becomes fit to leave the machine.

mod borders;
mod custom;
mod finder;
mod halve;
mod marker;
mod metadata;
mod outcome;
mod own;
mod rules;
mod shape;
mod tally;
mod told;
mod walk;

pub use borders::Borders;
pub use custom::{Custom, OwnAllow, OwnRule, OwnRuleError, OwnRules};
pub use finder::{Finding, RuleId, is_secret_name};
pub use marker::{Masked, Tag, TagKey, marker};
pub use outcome::FoundIn;
pub use own::{Enrichment, OwnValue};
pub use rules::{INVALID_UTF8, RuleInfo, TOO_LONG, rules};
pub use tally::{Count, Tally};
pub use told::MAX_TOLD;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::otlp::{Batch, DecodeError, Signal, decode_protobuf};

/// How much of an event a sink is given. The order is the order of openness.
///
/// Until secrets are detected in text, every level is given what `metadata` is given: no setting lets more out.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureLevel {
    /// Names, ids, counts, sizes, durations, decisions and costs; nothing that a person or a model wrote.
    #[default]
    Metadata,
    /// Commands too.
    Commands,
    /// Prompts, answers and file contents too.
    Content,
}

impl CaptureLevel {
    /// The name in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Commands => "commands",
            Self::Content => "content",
        }
    }
}

/// Something that went through redaction. Only this module can make one.
#[derive(Clone, Debug, PartialEq)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// What is inside, to be read, encoded or sent.
    pub fn get(&self) -> &T {
        &self.0
    }
}

impl Redacted<Batch> {
    /// The batch as protobuf.
    pub fn encode(&self) -> Redacted<Vec<u8>> {
        Redacted(crate::otlp::encode(&self.0))
    }
}

/// Where a batch comes from, and so what may stand in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Origin {
    /// The loopback socket: the client, or somebody who says so.
    Client,
    /// Our own spool: records and attributes of our own stay.
    Spool,
}

/// Finds secrets in texts and masks them. Built once, shared by everything that redacts.
pub struct Redactor {
    finder: finder::Finder,
    key: TagKey,
}

impl Redactor {
    /// All built-in rules, with the key for tags.
    pub fn new(key: TagKey) -> Self {
        Self { finder: finder::Finder::default(), key }
    }

    /// With the person's own rules beside ours.
    #[must_use]
    pub fn with(mut self, custom: Custom) -> Self {
        self.finder = self.finder.with(custom);
        self
    }

    /// What there is to say of every rule, ours and the person's own, in the order of their ids.
    pub fn rules(&self) -> Vec<RuleInfo> {
        let mut all = rules();
        all.extend(self.finder.custom().rules());
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// The text with a marker in the place of each secret, and what was masked, in its order.
    pub fn text<'t>(&self, text: &'t str) -> (Cow<'t, str>, Vec<Masked>) {
        let findings = self.finder.find(text);
        if findings.is_empty() {
            return (Cow::Borrowed(text), Vec::new());
        }
        let (text, masked) = marker::replace(text, findings, &self.key);
        (Cow::Owned(text), masked)
    }
}

/// What redaction kept back.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Withheld {
    /// Attributes that are not open at the capture level, or whose value has not the form it should have.
    pub attributes: u64,
    /// Log records, metrics and spans of other scopes than Claude Code's.
    pub records: u64,
}

/// Redacts what came in over the loopback socket.
///
/// The level is `metadata` whatever the destinations would be given: commands and content stay closed until secrets
/// in them are found.
pub fn redact(batch: Batch) -> (Redacted<Batch>, Withheld) {
    let (batch, withheld) = walk::Walk::new(Origin::Client).batch(batch);
    (Redacted(batch), withheld)
}

/// Redacts what a spool holds once more, by the policy of the moment it is sent.
///
/// The bytes are trusted no more than those of the client, but for one thing: records and attributes that this
/// program added itself stay.
pub fn again(signal: Signal, spooled: &[u8], level: CaptureLevel) -> Result<Redacted<Batch>, DecodeError> {
    let batch = decode_protobuf(signal, spooled)?;
    let (batch, _) = match level {
        CaptureLevel::Metadata | CaptureLevel::Commands | CaptureLevel::Content => {
            walk::Walk::new(Origin::Spool).batch(batch)
        }
    };
    Ok(Redacted(batch))
}

#[cfg(test)]
mod tests;
