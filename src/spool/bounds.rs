//! How much may wait for a destination. Touches nothing.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a batch that is acknowledged survives.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// The end of any process at once, a power failure within a second.
    #[default]
    Process,
    /// A power failure at once: file and directory are synced before the acknowledgement.
    Power,
}

/// How much may wait on disk for a destination, all runs together. Beyond it the oldest goes, and is counted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Bounds {
    /// In files, as they are on disk.
    pub bytes: u64,
    /// Batches.
    pub files: u64,
    /// What is older goes when it could not be delivered once more.
    pub age: Duration,
}

impl Bounds {
    /// 256 MiB, 200,000 batches, 7 days.
    pub const DEFAULT: Self = Self { bytes: 256 << 20, files: 200_000, age: Duration::from_secs(604_800) };

    /// Into how many parts the bounds are divided: when so much is new, it is looked at how much there is.
    const PARTS: u64 = 64;

    /// Whether there is more.
    pub(crate) fn are_exceeded_by(&self, usage: Usage) -> bool {
        usage.bytes > self.bytes || usage.files > self.files
    }

    /// Whether so much has come that it should be looked at again.
    pub(crate) fn are_neared(&self, before: Usage, now: Usage) -> bool {
        now.bytes.saturating_sub(before.bytes) > self.bytes / Self::PARTS
            || now.files.saturating_sub(before.files) > self.files / Self::PARTS
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What the file system of the spool has left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Room {
    /// For us.
    pub available_bytes: u64,
    /// Nothing can be written at all.
    pub read_only: bool,
}

impl Room {
    /// Less than that is none: a batch, and what is written beside it.
    const LEAST: u64 = 256 << 10;

    /// Whether batches wait in memory for lack of it.
    pub fn is_none(self) -> bool {
        self.read_only || self.available_bytes < Self::LEAST
    }
}

/// What lies on disk.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// In files.
    pub bytes: u64,
    /// Batches.
    pub files: u64,
}

impl Usage {
    /// One file.
    pub(super) fn one(bytes: u64) -> Self {
        Self { bytes, files: 1 }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_add(other.bytes), files: self.files.saturating_add(other.files) }
    }

    /// What is left of it.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_sub(other.bytes), files: self.files.saturating_sub(other.files) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_bound_is_one() {
        let bounds = Bounds { bytes: 100, files: 10, age: Duration::ZERO };
        let usage = |bytes, files| Usage { bytes, files };
        assert!(!bounds.are_exceeded_by(usage(100, 10)));
        assert!(bounds.are_exceeded_by(usage(101, 1)));
        assert!(bounds.are_exceeded_by(usage(1, 11)));
    }

    #[test]
    fn it_is_looked_at_again_when_a_part_is_new() {
        let bounds = Bounds { bytes: 6400, files: 640, age: Duration::ZERO };
        let usage = |bytes, files| Usage { bytes, files };
        let before = usage(1000, 5);
        assert!(!bounds.are_neared(before, usage(1100, 15)));
        assert!(bounds.are_neared(before, usage(1101, 5)));
        assert!(bounds.are_neared(before, usage(1000, 16)));
        assert!(!bounds.are_neared(before, usage(0, 0)), "less than before");
    }
}
