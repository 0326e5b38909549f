//! Token counts by type.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Tokens by type, as Claude Code counts them: the four do not overlap. Addition saturates.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(default)]
pub struct Tokens {
    /// Sent and not from the cache.
    pub input: u64,
    /// Answered.
    pub output: u64,
    /// Sent, and read from the prompt cache.
    pub cache_read: u64,
    /// Sent, and written to the prompt cache.
    pub cache_creation: u64,
}

impl Tokens {
    /// Everything that was sent, cached or not.
    pub fn sent(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_creation)
    }

    /// Everything, sent and answered.
    pub fn total(&self) -> u64 {
        self.sent().saturating_add(self.output)
    }

    /// By type, the larger of both.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cache_read: self.cache_read.max(other.cache_read),
            cache_creation: self.cache_creation.max(other.cache_creation),
        }
    }

    /// By type, what is left, or nothing.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_sub(other.input),
            output: self.output.saturating_sub(other.output),
            cache_read: self.cache_read.saturating_sub(other.cache_read),
            cache_creation: self.cache_creation.saturating_sub(other.cache_creation),
        }
    }

    /// By type, the smaller of both.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self {
            input: self.input.min(other.input),
            output: self.output.min(other.output),
            cache_read: self.cache_read.min(other.cache_read),
            cache_creation: self.cache_creation.min(other.cache_creation),
        }
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_creation = self.cache_creation.saturating_add(other.cache_creation);
    }
}
