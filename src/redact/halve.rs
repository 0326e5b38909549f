//! Halves of what is redacted are redacted.

use super::Redacted;
use crate::otlp::Batch;

impl Redacted<Batch> {
    /// Both halves by [`Batch::halve`], or None for fewer than two records.
    pub fn halve(self) -> Option<(Self, Self)> {
        self.0.halve().map(|(first, second)| (Self(first), Self(second)))
    }
}
