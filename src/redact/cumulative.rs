//! Totals of what is redacted are redacted: they hold no text that was not there.

use super::Redacted;
use crate::otlp::{Accumulator, Batch};

impl Redacted<Batch> {
    /// Puts totals in the place of increments, by [`Accumulator::add_up`]; how many points were left out.
    pub fn add_up(&mut self, accumulator: &mut Accumulator) -> u64 {
        accumulator.add_up(&mut self.0)
    }
}
