//! What became of the batches: counters that always add up.

use std::ops::{AddAssign, SubAssign};

use serde::{Deserialize, Serialize};

use crate::otlp::Signal;

/// One value for each signal.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct PerSignal<T> {
    /// Of log records.
    pub logs: T,
    /// Of metrics.
    pub metrics: T,
    /// Of spans.
    pub traces: T,
}

impl<T> PerSignal<T> {
    /// The value of one signal.
    pub fn get(&self, signal: Signal) -> &T {
        match signal {
            Signal::Logs => &self.logs,
            Signal::Metrics => &self.metrics,
            Signal::Traces => &self.traces,
        }
    }

    /// The value of one signal, to be changed.
    pub fn get_mut(&mut self, signal: Signal) -> &mut T {
        match signal {
            Signal::Logs => &mut self.logs,
            Signal::Metrics => &mut self.metrics,
            Signal::Traces => &mut self.traces,
        }
    }
}

impl PerSignal<Tally> {
    /// All signals together.
    pub fn total(&self) -> Tally {
        let mut total = self.logs;
        total += self.metrics;
        total += self.traces;
        total
    }
}

impl AddAssign for PerSignal<Tally> {
    fn add_assign(&mut self, other: Self) {
        self.logs += other.logs;
        self.metrics += other.metrics;
        self.traces += other.traces;
    }
}

/// Batches, and the log records, data points or spans in them.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Count {
    /// Requests. A batch that was halved counts as two from then on.
    pub batches: u64,
    /// Log records, data points or spans.
    pub records: u64,
}

impl Count {
    /// One batch of so many records.
    pub(super) fn one(records: u64) -> Self {
        Self { batches: 1, records }
    }

    /// Records without a batch of their own.
    pub(super) fn records(records: u64) -> Self {
        Self { batches: 0, records }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.batches += other.batches;
        self.records += other.records;
    }
}

impl SubAssign for Count {
    fn sub_assign(&mut self, other: Self) {
        self.batches = self.batches.saturating_sub(other.batches);
        self.records = self.records.saturating_sub(other.records);
    }
}

/// Where everything that was accepted is now: `accepted = delivered + spooled + in_memory + parked + dropped`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tally {
    /// Taken over, from the relay or from an earlier run's directory.
    pub accepted: Count,
    /// The endpoint has it.
    pub delivered: Count,
    /// Waits on disk.
    pub spooled: Count,
    /// Waits in memory, because the disk would not take it.
    pub in_memory: Count,
    /// Kept in `parked/`: the endpoint takes others, but not this.
    pub parked: Count,
    /// Lost, and said so.
    pub dropped: Count,
    /// Those of `dropped` whose file was moved to `corrupt/`.
    pub corrupt: Count,
    /// Those of `dropped` that had to make room, or were too old.
    #[serde(default)]
    pub evicted: Count,
    /// Those of `dropped` that the endpoint itself threw away ("partial success").
    pub rejected: Count,
    /// Those of `dropped` that were written down for the destination when they were lost.
    #[serde(default)]
    pub written: Count,
    /// Those of `evicted`, likewise.
    #[serde(default)]
    pub written_evicted: Count,
}

impl Tally {
    /// Whether nothing is unaccounted for.
    pub fn adds_up(&self) -> bool {
        let mut sum = self.delivered;
        sum += self.spooled;
        sum += self.in_memory;
        sum += self.parked;
        sum += self.dropped;
        sum == self.accepted
    }

    /// What still waits, on disk or in memory.
    pub fn waiting(&self) -> Count {
        let mut sum = self.spooled;
        sum += self.in_memory;
        sum
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.spooled += other.spooled;
        self.in_memory += other.in_memory;
        self.parked += other.parked;
        self.dropped += other.dropped;
        self.corrupt += other.corrupt;
        self.evicted += other.evicted;
        self.rejected += other.rejected;
        self.written += other.written;
        self.written_evicted += other.written_evicted;
    }
}
