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

/// The number of this run's own queue; those of earlier runs count from zero.
pub(super) const OWN: u64 = u64::MAX;

/// A batch, by its queue and its number in it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Key {
    pub queue: u64,
    pub sequence: u64,
}

impl Key {
    /// Whether an earlier run left it: it may well be why that run delivered no more.
    pub(super) fn is_earlier(self) -> bool {
        self.queue != OWN
    }
}

/// Whom a refusal holds back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Held {
    /// One batch of an earlier run: another may pass.
    One(Key),
    /// All that earlier runs left: ours may pass.
    Earlier,
    /// Everything.
    All,
}

impl Held {
    /// What another refusal makes of what was held back since the last success.
    fn and(before: Option<Self>, refused: Key) -> Self {
        match before {
            _ if !refused.is_earlier() => Self::All,
            None => Self::One(refused),
            Some(Self::One(other)) if other != refused => Self::Earlier,
            Some(held) => held,
        }
    }
}

/// A batch that was refused, and that may be poisonous.
#[derive(Clone, Copy, Debug)]
struct Refused {
    key: Key,
    times: u32,
    /// Since then another was taken.
    another_passed: bool,
}

impl Refused {
    fn often(&self) -> bool {
        self.times >= REFUSALS_BEFORE_ANOTHER
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    /// For whom, and until when.
    closed: Option<(Held, Instant)>,
    /// Whom refusals held back since the last success.
    held: Option<Held>,
    refused: Option<Refused>,
}

/// What may be sent of a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Open {
    /// The oldest batch.
    Any,
    /// The oldest but this; this only if there is no other.
    Rather(Key),
    /// One of ours, else the oldest but this. This not before then.
    Another(Key, Instant),
    /// One of ours; others not before then.
    Own(Instant),
    /// Nothing before then.
    Nothing(Instant),
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

    /// What may be sent of this signal now.
    pub(super) fn open(&self, signal: Signal, now: Instant) -> Open {
        if let Some(until) = self.until.filter(|until| *until > now) {
            return Open::Nothing(until);
        }
        let lane = self.lanes.get(signal);
        match lane.closed.filter(|(_, until)| *until > now) {
            Some((Held::One(key), until)) => Open::Another(key, until),
            Some((Held::Earlier, until)) => Open::Own(until),
            Some((Held::All, until)) => Open::Nothing(until),
            None => lane.refused.filter(Refused::often).map_or(Open::Any, |refused| Open::Rather(refused.key)),
        }
    }

    /// Whether nothing was refused or failed since the last success: then many may be sent as one.
    pub(super) fn is_well(&self, signal: Signal) -> bool {
        let lane = self.lanes.get(signal);
        self.failures == 0 && lane.refused.is_none() && lane.held.is_none()
    }

    /// Takes note of a step. The batch it returns is the one to be parked: it was refused, and another was not.
    ///
    /// One of our own is that after [`REFUSALS_BEFORE_ANOTHER`] refusals. One of an earlier run was refused before: when
    /// another passes it is tried once more, at once, because an endpoint in trouble may have recovered in between.
    pub(super) fn settle(&mut self, signal: Signal, key: Key, step: &Step, now: Instant) -> Option<Key> {
        let lane = self.lanes.get_mut(signal);
        if let Step::Retry { after, .. } = step {
            self.failures = self.failures.saturating_add(1);
            self.until = now.checked_add(*after);
            return None;
        }
        (self.failures, self.until) = (0, None);
        match step {
            Step::Delivered { .. } => {
                let suspect = lane.refused.filter(|refused| refused.key != key);
                *lane = Lane::default();
                match suspect {
                    Some(refused) if refused.often() => return Some(refused.key),
                    Some(refused) if refused.key.is_earlier() => {
                        lane.refused = Some(Refused { another_passed: true, ..refused });
                    }
                    _ => {}
                }
            }
            Step::Stop { .. } if lane.refused.is_some_and(|refused| refused.key == key && refused.another_passed) => {
                *lane = Lane::default();
                return Some(key);
            }
            Step::Stop { probe, .. } => {
                let held = Held::and(lane.held, key);
                lane.held = Some(held);
                lane.closed = now.checked_add(*probe).map(|until| (held, until));
                lane.refused = match lane.refused {
                    Some(same) if same.key == key => Some(Refused { times: same.times.saturating_add(1), ..same }),
                    // Another one was refused too: it is the endpoint, not the batch.
                    Some(other) if other.often() || other.key.is_earlier() && !key.is_earlier() => None,
                    // One of ours has not been tried yet.
                    Some(other) if other.key.is_earlier() && !other.another_passed => Some(other),
                    _ => Some(Refused { key, times: 1, another_passed: false }),
                };
            }
            // The endpoint answered, and it is this batch that it does not like.
            Step::Halve | Step::Park(_) | Step::Retry { .. } => {}
        }
        None
    }

    /// Holds one signal back, for a reason of our own.
    pub(super) fn hold(&mut self, signal: Signal, until: Option<Instant>) {
        self.lanes.get_mut(signal).closed = until.map(|until| (Held::All, until));
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
        Key { queue: OWN, sequence }
    }

    fn earlier(queue: u64) -> Key {
        Key { queue, sequence: 0 }
    }

    #[test]
    fn an_endpoint_in_trouble_holds_back_every_signal_until_the_back_off_ends() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        circuit.settle(Signal::Logs, key(1), &RETRY, now);
        circuit.settle(Signal::Logs, key(1), &RETRY, now);
        assert_eq!(circuit.failures(), 2);
        for signal in Signal::ALL {
            assert_eq!(circuit.open(signal, now), Open::Nothing(now + MINUTE));
            assert_eq!(circuit.open(signal, now + MINUTE), Open::Any);
        }
        circuit.settle(Signal::Logs, key(1), &DELIVERED, now);
        assert_eq!((circuit.failures(), circuit.open(Signal::Traces, now)), (0, Open::Any));
    }

    #[test]
    fn a_refusal_holds_back_its_own_signal_only() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        circuit.settle(Signal::Traces, key(1), &STOP, now);
        assert_eq!(circuit.open(Signal::Traces, now), Open::Nothing(now + MINUTE));
        assert_eq!(circuit.open(Signal::Logs, now), Open::Any);
        circuit.settle(Signal::Logs, key(1), &DELIVERED, now);
        assert_eq!(circuit.open(Signal::Traces, now), Open::Nothing(now + MINUTE));
    }

    #[test]
    fn a_batch_refused_three_times_is_parked_only_when_another_passes() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        for times in 1..=3 {
            assert_eq!(circuit.open(Signal::Logs, now + MINUTE), Open::Any, "{times}");
            assert_eq!(circuit.settle(Signal::Logs, key(1), &STOP, now), None);
        }
        assert_eq!(circuit.open(Signal::Logs, now + MINUTE), Open::Rather(key(1)));
        assert_eq!(circuit.settle(Signal::Logs, key(2), &DELIVERED, now), Some(key(1)));
        assert_eq!(circuit.open(Signal::Logs, now), Open::Any);
    }

    #[test]
    fn an_endpoint_that_refuses_another_batch_too_keeps_both() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        for _ in 0..3 {
            circuit.settle(Signal::Logs, key(1), &STOP, now);
        }
        assert_eq!(circuit.settle(Signal::Logs, key(2), &STOP, now), None);
        assert_eq!(circuit.open(Signal::Logs, now + MINUTE), Open::Any);
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

    #[test]
    fn a_batch_of_an_earlier_run_is_parked_when_it_is_refused_before_and_after_another_passes() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        assert_eq!(circuit.settle(Signal::Logs, earlier(0), &STOP, now), None);
        assert_eq!(circuit.open(Signal::Logs, now), Open::Another(earlier(0), now + MINUTE));
        assert_eq!(circuit.settle(Signal::Logs, key(1), &DELIVERED, now), None);
        assert_eq!(circuit.open(Signal::Logs, now), Open::Any);
        assert_eq!(circuit.settle(Signal::Logs, earlier(0), &STOP, now), Some(earlier(0)));
        assert_eq!(circuit.open(Signal::Logs, now), Open::Any);
    }

    #[test]
    fn an_endpoint_that_recovers_takes_the_batch_of_an_earlier_run_after_all() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        circuit.settle(Signal::Logs, earlier(0), &STOP, now);
        circuit.settle(Signal::Logs, key(1), &DELIVERED, now);
        for step in [DELIVERED, STOP, DELIVERED] {
            assert_eq!(circuit.settle(Signal::Logs, earlier(0), &step, now), None);
        }
    }

    #[test]
    fn two_poisonous_batches_of_earlier_runs_do_not_hold_back_ours() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        for queue in [0, 1] {
            assert_eq!(circuit.settle(Signal::Logs, earlier(queue), &STOP, now), None);
        }
        assert_eq!(circuit.open(Signal::Logs, now), Open::Own(now + MINUTE));
        assert_eq!(circuit.settle(Signal::Logs, key(1), &DELIVERED, now), None);
        assert_eq!(circuit.settle(Signal::Logs, earlier(0), &STOP, now), Some(earlier(0)));
        assert_eq!(circuit.settle(Signal::Logs, earlier(1), &STOP, now), None);
        assert_eq!(circuit.open(Signal::Logs, now), Open::Another(earlier(1), now + MINUTE));
    }

    #[test]
    fn an_endpoint_that_refuses_ours_too_is_left_alone_and_tried_with_one_batch_from_then_on() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        circuit.settle(Signal::Logs, earlier(0), &STOP, now);
        for key in [key(1), earlier(0), earlier(0)] {
            assert_eq!(circuit.settle(Signal::Logs, key, &STOP, now), None);
            assert_eq!(circuit.open(Signal::Logs, now), Open::Nothing(now + MINUTE), "{key:?}");
        }
    }
}
