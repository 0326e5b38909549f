//! What a destination got, what it did not, and what is wrong with it.

use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::retry::Trouble;
use crate::otlp::Signal;
use crate::spool::{Count, PerSignal, Spool, SpoolError, Tally, Why};

/// The state of one destination. `accepted = delivered + spooled + in_memory + parked + dropped`, at every moment,
/// for each signal and for what is our own and what was adopted.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct DeliveryCounts {
    /// Of this run.
    pub own: PerSignal<Tally>,
    /// Of earlier runs whose relay is gone.
    pub adopted: PerSignal<Tally>,
    /// What is wrong now, to be said after the destination's name: "refuses connections". None: nothing.
    pub last_error: Option<String>,
    /// Since when.
    pub failing_since: Option<SystemTime>,
    /// Why the last parked batch was, to be said after the destination's name.
    pub parked_because: Option<String>,
    /// The endpoint's words for what it threw away or warns of, one bounded line of ASCII.
    pub message: Option<String>,
    /// Why the disk did not take a batch, the last time that it did not.
    pub disk_error: Option<String>,
}

impl DeliveryCounts {
    /// Why something waits, for whoever looks into the spool later. None: nothing does, or nothing is wrong.
    pub fn why(&self) -> Option<Why> {
        let error = self.last_error.clone().filter(|_| self.total().waiting().batches > 0)?;
        let since = self.failing_since.and_then(|since| Timestamp::try_from(since).ok());
        Some(Why { error, since: since.map(|since| since.to_string()) })
    }

    /// Leaves word of it for whoever looks into the spool later.
    pub fn write_down(&self, spool: &Spool, destination: &str, now: Timestamp) -> Result<(), SpoolError> {
        // Why something waits may find no room on a disk that is full; how much was dropped has room of its own.
        let remembered = spool.remember(destination, self.why().as_ref());
        let Tally { mut dropped, mut evicted, written, written_evicted, .. } = self.total();
        dropped -= written;
        evicted -= written_evicted;
        if dropped == Count::default() {
            return remembered;
        }
        let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        spool.add_lost(destination, dropped, evicted, &now).and(remembered)
    }

    /// All signals, our own and adopted.
    pub fn total(&self) -> Tally {
        let mut total = self.own.total();
        total += self.adopted.total();
        total
    }
}

/// What is known to be wrong: with the endpoint, or with what it says to one signal.
#[derive(Debug, Default)]
pub(super) struct Status {
    endpoint: Option<Trouble>,
    signals: PerSignal<Option<Trouble>>,
    since: Option<SystemTime>,
    pub parked: Option<Trouble>,
    pub message: Option<String>,
    pub disk_error: Option<String>,
}

impl Status {
    /// The endpoint takes this signal.
    pub(super) fn well(&mut self, signal: Signal) {
        self.endpoint = None;
        *self.signals.get_mut(signal) = None;
        if self.trouble().is_none() {
            self.since = None;
        }
    }

    /// The endpoint cannot be reached, whatever the signal.
    pub(super) fn unreachable(&mut self, trouble: Trouble, now: SystemTime) {
        self.endpoint = Some(trouble);
        self.since.get_or_insert(now);
    }

    /// The endpoint is there, but this signal is in trouble.
    pub(super) fn held(&mut self, signal: Signal, trouble: Trouble, now: SystemTime) {
        self.endpoint = None;
        *self.signals.get_mut(signal) = Some(trouble);
        self.since.get_or_insert(now);
    }

    fn trouble(&self) -> Option<Trouble> {
        self.endpoint.or_else(|| Signal::ALL.into_iter().find_map(|signal| *self.signals.get(signal)))
    }

    /// With the tallies, what others are told.
    pub(super) fn counts(&self, own: &PerSignal<Tally>, adopted: &PerSignal<Tally>) -> DeliveryCounts {
        DeliveryCounts {
            own: *own,
            adopted: *adopted,
            last_error: self.trouble().map(|trouble| trouble.to_string()),
            failing_since: self.since,
            parked_because: self.parked.map(|trouble| trouble.to_string()),
            message: self.message.clone(),
            disk_error: self.disk_error.clone(),
        }
    }
}
