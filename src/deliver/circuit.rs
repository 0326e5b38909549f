//! Which signals may be sent now, and which batch: one circuit for the endpoint, one lane for each signal. Pure.
//!
//! An endpoint that cannot be reached holds back everything. One that refuses (401, 404 …) holds back the signal it
//! refused: many backends take logs and have no path for spans.

use std::time::Instant;

use super::retry::Step;
use crate::otlp::Signal;
use crate::spool::PerSignal;

/// How often the same batch may be refused before another is tried in its place.
pub const REFUSALS_BEFORE_ANOTHER: u32 = 3;

/// A batch, by its queue and its number in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Key {
    pub queue: u64,
    pub sequence: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    until: Option<Instant>,
    refused: Option<(Key, u32)>,
}

/// What the endpoint lets us do.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    failures: u32,
    until: Option<Instant>,
    lanes: PerSignal<Lane>,
}

impl Circuit {
    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// When this signal may be sent: None is now.
    pub(super) fn closed_until(&self, signal: Signal, now: Instant) -> Option<Instant> {
        self.until.max(self.lanes.get(signal).until).filter(|until| *until > now)
    }

    /// The batch that was refused so often that another should be tried, if there is one.
    pub(super) fn pass_over(&self, signal: Signal) -> Option<Key> {
        self.lanes.get(signal).refused.filter(|(_, times)| *times >= REFUSALS_BEFORE_ANOTHER).map(|(key, _)| key)
    }

    /// Takes note of a step. The batch it returns is the one to be parked: it was refused, and another was not.
    pub(super) fn settle(&mut self, signal: Signal, key: Key, step: &Step, now: Instant) -> Option<Key> {
        let lane = self.lanes.get_mut(signal);
        match step {
            Step::Delivered { .. } => {
                let poisonous =
                    lane.refused.filter(|(other, times)| *other != key && *times >= REFUSALS_BEFORE_ANOTHER);
                *lane = Lane::default();
                (self.failures, self.until) = (0, None);
                poisonous.map(|(other, _)| other)
            }
            Step::Retry { after, .. } => {
                self.failures = self.failures.saturating_add(1);
                self.until = now.checked_add(*after);
                None
            }
            Step::Stop { probe, .. } => {
                lane.until = now.checked_add(*probe);
                lane.refused = match lane.refused {
                    Some((same, times)) if same == key => Some((same, times.saturating_add(1))),
                    // Another one was refused too: it is the endpoint, not the batch.
                    Some((_, times)) if times >= REFUSALS_BEFORE_ANOTHER => None,
                    _ => Some((key, 1)),
                };
                (self.failures, self.until) = (0, None);
                None
            }
            // The endpoint answered, and it is this batch that it does not like.
            Step::Halve | Step::Park(_) => {
                lane.until = None;
                (self.failures, self.until) = (0, None);
                None
            }
        }
    }

    /// Holds one signal back, for a reason of our own.
    pub(super) fn hold(&mut self, signal: Signal, until: Option<Instant>) {
        self.lanes.get_mut(signal).until = until;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::deliver::retry::Trouble;

    const MINUTE: Duration = Duration::from_secs(60);
    const DELIVERED: Step = Step::Delivered { rejected: 0, message: None };
    const STOP: Step = Step::Stop { probe: MINUTE, trouble: Trouble::Status(401) };
    const RETRY: Step = Step::Retry { after: MINUTE, trouble: Trouble::Status(503) };

    fn key(sequence: u64) -> Key {
        Key { queue: 0, sequence }
    }

    #[test]
    fn an_endpoint_in_trouble_holds_back_every_signal_until_the_back_off_ends() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        circuit.settle(Signal::Logs, key(1), &RETRY, now);
        circuit.settle(Signal::Logs, key(1), &RETRY, now);
        assert_eq!(circuit.failures(), 2);
        for signal in Signal::ALL {
            assert_eq!(circuit.closed_until(signal, now), Some(now + MINUTE));
            assert_eq!(circuit.closed_until(signal, now + MINUTE), None);
        }
        circuit.settle(Signal::Logs, key(1), &DELIVERED, now);
        assert_eq!((circuit.failures(), circuit.closed_until(Signal::Traces, now)), (0, None));
    }

    #[test]
    fn a_refusal_holds_back_its_own_signal_only() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        circuit.settle(Signal::Traces, key(1), &STOP, now);
        assert_eq!(circuit.closed_until(Signal::Traces, now), Some(now + MINUTE));
        assert_eq!(circuit.closed_until(Signal::Logs, now), None);
        circuit.settle(Signal::Logs, key(1), &DELIVERED, now);
        assert_eq!(circuit.closed_until(Signal::Traces, now), Some(now + MINUTE));
    }

    #[test]
    fn a_batch_refused_three_times_is_parked_only_when_another_passes() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        for times in 1..=3 {
            assert_eq!(circuit.pass_over(Signal::Logs), None, "{times}");
            assert_eq!(circuit.settle(Signal::Logs, key(1), &STOP, now), None);
        }
        assert_eq!(circuit.pass_over(Signal::Logs), Some(key(1)));
        assert_eq!(circuit.settle(Signal::Logs, key(2), &DELIVERED, now), Some(key(1)));
        assert_eq!(circuit.pass_over(Signal::Logs), None);
    }

    #[test]
    fn an_endpoint_that_refuses_another_batch_too_keeps_both() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        for _ in 0..3 {
            circuit.settle(Signal::Logs, key(1), &STOP, now);
        }
        assert_eq!(circuit.settle(Signal::Logs, key(2), &STOP, now), None);
        assert_eq!(circuit.pass_over(Signal::Logs), None);
        assert_eq!(circuit.settle(Signal::Logs, key(1), &DELIVERED, now), None);
    }

    #[test]
    fn a_refused_batch_that_passes_later_is_not_parked() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        for _ in 0..3 {
            circuit.settle(Signal::Logs, key(1), &STOP, now);
        }
        // There was no other.
        assert_eq!(circuit.settle(Signal::Logs, key(1), &DELIVERED, now), None);
        // Refused once only: another that passes says nothing.
        circuit.settle(Signal::Logs, key(3), &STOP, now);
        assert_eq!(circuit.settle(Signal::Logs, key(4), &DELIVERED, now), None);
    }
}
