//! Batch to `Redacted<Batch>`: the only place where telemetry becomes fit to leave the machine.

mod borders;
mod cumulative;
mod custom;
mod cut;
mod finder;
mod halve;
mod identity;
mod labels;
mod levels;
mod marker;
mod outcome;
mod own;
mod policy;
mod rules;
mod shape;
mod tally;
mod told;
mod walk;

pub use borders::Borders;
pub use custom::{Custom, OwnAllow, OwnRule, OwnRuleError, OwnRules};
pub use cut::MIN_ATTRIBUTE_BYTES;
pub use finder::known::{self, Known};
pub use finder::{Finding, RuleId, is_secret_name};
pub use identity::{Identity, Treatment};
pub use levels::{Levels, Placement, Trust};
pub use marker::{Masked, Tag, TagKey, marker};
pub use outcome::{FoundIn, Outcome, Withheld};
pub use own::{Enrichment, OwnValue};
pub use policy::{CaptureLevel, Dropped, Policy};
pub use rules::{INVALID_UTF8, RuleInfo, TOO_LONG, rules};
pub use tally::{Count, Tally};
pub use told::MAX_TOLD;

use std::borrow::Cow;

use self::walk::Walk;
use crate::otlp::{Batch, DecodeError, Signal, decode_protobuf};

/// How often a text is searched again after something was masked in it.
const MAX_ROUNDS: usize = 4;

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

    /// As OTLP JSON.
    pub fn encode_json(&self) -> Redacted<Vec<u8>> {
        Redacted(crate::otlp::encode_json(&self.0))
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

    /// The same, and these values wherever they stand.
    #[must_use]
    pub fn known(self, known: Known) -> Self {
        Self { finder: self.finder.with_known(known), ..self }
    }

    /// With the person's own rules beside ours.
    #[must_use]
    pub fn with(mut self, custom: Custom) -> Self {
        self.finder = self.finder.with(custom);
        self
    }

    /// Another with the same key, our rules and these, and without the known values.
    #[must_use]
    pub fn ruled(&self, custom: Custom) -> Self {
        Self { finder: finder::Finder::default().with(custom), key: self.key.clone() }
    }

    /// What there is to say of every rule, ours and the person's own, in the order of their ids.
    pub fn rules(&self) -> Vec<RuleInfo> {
        let mut all = rules();
        all.extend(self.finder.custom().rules());
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// The text with a marker in the place of each secret, and what was masked, in its order.
    ///
    /// What comes out is searched again, until nothing more is found: the result is the same when it is redacted again.
    pub fn text<'t>(&self, text: &'t str) -> (Cow<'t, str>, Vec<Masked>) {
        self.mask(text, self.finder.find(text))
    }

    /// The same of a text that is known by a name: what stands behind `password` is one.
    pub fn value<'t>(&self, key: &str, text: &'t str) -> (Cow<'t, str>, Vec<Masked>) {
        self.mask(text, self.finder.find_named(key, text))
    }

    fn mask<'t>(&self, text: &'t str, mut findings: Vec<Finding>) -> (Cow<'t, str>, Vec<Masked>) {
        if findings.is_empty() {
            return (Cow::Borrowed(text), Vec::new());
        }
        let mut result = marker::replace(text, &findings, &self.key, self.finder.known());
        for _ in 0..MAX_ROUNDS {
            let more = self.finder.find(&result.text);
            if more.is_empty() {
                break;
            }
            findings = finder::merge(text, findings.into_iter().chain(result.back(more)).collect());
            result = marker::replace(text, &findings, &self.key, self.finder.known());
        }
        (Cow::Owned(result.text), result.masked)
    }

    /// Redacts what came in over the loopback socket, for a sink of this policy.
    pub fn batch(&self, batch: Batch, policy: &Policy) -> Outcome {
        Walk::new(self, policy, Origin::Client, batch.signal()).batch(batch)
    }

    /// Redacts what a spool holds once more, by the rules and the policy of the moment it is sent.
    ///
    /// The bytes are trusted no more than those of the client, but for one thing: records and attributes that this
    /// program added itself stay.
    pub fn again(&self, signal: Signal, spooled: &[u8], policy: &Policy) -> Result<Redacted<Batch>, DecodeError> {
        let batch = decode_protobuf(signal, spooled)?;
        Ok(Walk::new(self, policy, Origin::Spool, signal).batch(batch).batch)
    }
}

#[cfg(test)]
impl Redactor {
    /// One with a key that every test has.
    pub(crate) fn of_tests() -> Self {
        Self::new(TagKey::new(b"a key for tests"))
    }
}

#[cfg(test)]
mod tests;
