//! What a destination that wants totals is given instead of increments.
//!
//! They are made when a batch is spooled: what is sent again is then the same, and what an earlier run left is right.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::prepare::Redaction;
use crate::config::{Destination, Temporality};
use crate::otlp::{Accumulator, Signal};
use crate::redact::Redacted;
use crate::spool::Count;

/// The totals of a destination's metrics, in the order in which its batches are spooled.
#[derive(Clone)]
pub(super) struct Totals(Option<Arc<Mutex<Sums>>>);

#[derive(Default)]
struct Sums {
    accumulator: Accumulator,
    /// Whether it was said that not everything is in them.
    is_told: bool,
}

/// The right to be the next batch; for as long as it is held, no other is added up.
pub(super) struct Turn(OwnedMutexGuard<Sums>);

/// A batch as it is spooled.
pub(super) struct AddedUp {
    /// Log records, data points or spans in it; None: nothing is left, and there is nothing to be spooled.
    pub batch: Option<(u64, Redacted<Vec<u8>>)>,
    /// What is not in it.
    pub lost: Count,
}

impl Totals {
    pub(super) fn new(destination: &Destination) -> Self {
        let wanted = destination.temporality == Temporality::Cumulative;
        Self(wanted.then(Arc::default))
    }

    /// Waits until it is this batch's turn. None for what is not added up.
    pub(super) async fn turn(&self, signal: Signal) -> Option<Turn> {
        let sums = self.0.as_ref().filter(|_| signal == Signal::Metrics)?;
        Some(Turn(Arc::clone(sums).lock_owned().await))
    }
}

impl Turn {
    /// Brings a batch of metrics to what the destination is given, since that decides what a series is, and adds it up.
    pub(super) fn add_up(&mut self, records: u64, body: &Redacted<Vec<u8>>, redaction: &Redaction) -> AddedUp {
        let Some(mut batch) = redaction.given(Signal::Metrics, body.get()) else {
            return AddedUp { batch: None, lost: Count { batches: 1, records } };
        };
        let lost = batch.add_up(&mut self.0.accumulator);
        if lost > 0 && !self.0.is_told {
            self.0.is_told = true;
            tracing::warn!(points = lost, "data points that cannot be added up, or of too many series, are dropped");
        }
        match batch.get().records() {
            0 => AddedUp { batch: None, lost: Count { batches: u64::from(lost > 0), records: lost } },
            records => AddedUp { batch: Some((records, batch.encode())), lost: Count { batches: 0, records: lost } },
        }
    }
}
