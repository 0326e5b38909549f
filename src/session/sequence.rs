//! Gaps: log records that a process numbered and that never came.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Moment;

/// The `event.sequence` numbers that came, by session.
///
/// A process numbers its log records from 0 without gaps (BEHAVIOUR, section 9), but nothing in telemetry names the
/// process. One process may hold several sessions (`/clear`, `--continue`), and a session may be in several processes.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    by_session: BTreeMap<Option<String>, Vec<(Option<Moment>, u64)>>,
    began_late: bool,
}

impl Sequences {
    pub(super) fn record(&mut self, session: Option<&str>, time: Option<Moment>, sequence: u64) {
        let session = session.map(ToOwned::to_owned);
        self.by_session.entry(session).or_default().push((time, sequence));
    }

    /// Somebody else had the first numbers: what is missing before the first that comes says nothing.
    pub(super) fn begin_late(&mut self) {
        self.began_late = true;
    }

    /// How many numbers are missing below the highest of each process; at least so many records were lost.
    ///
    /// Within a session a number that comes again begins another process. A run of numbers that does not begin at 0
    /// goes on from the process that had come closest to it; where two processes both lost their records, that can
    /// hide a gap but never makes one up.
    pub(super) fn missing(&self) -> u64 {
        let mut stretches: Vec<BTreeSet<u64>> = self.by_session.values().flat_map(|numbers| split(numbers)).collect();
        stretches.sort();
        let mut processes: Vec<BTreeSet<u64>> = Vec::new();
        for stretch in stretches {
            let Some(first) = stretch.first().copied() else { continue };
            let before = |process: &BTreeSet<u64>| process.range(..first).next_back().copied();
            let owner = processes
                .iter_mut()
                .filter(|process| first > 0 && process.is_disjoint(&stretch))
                .max_by_key(|process| before(process));
            match owner {
                Some(process) => process.extend(stretch),
                None => processes.push(stretch),
            }
        }
        let before = |process: &BTreeSet<u64>| process.first().filter(|_| self.began_late).copied().unwrap_or(0);
        processes.iter().map(|process| missing_in(process).saturating_sub(before(process))).fold(0, u64::saturating_add)
    }
}

/// The numbers of one session, process by process.
fn split(numbers: &[(Option<Moment>, u64)]) -> Vec<BTreeSet<u64>> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    let mut processes = Vec::new();
    let mut current = BTreeSet::new();
    for (_, number) in numbers {
        if !current.insert(number) {
            processes.push(std::mem::replace(&mut current, BTreeSet::from([number])));
        }
    }
    processes.push(current);
    processes
}

fn missing_in(process: &BTreeSet<u64>) -> u64 {
    let came = u64::try_from(process.len()).unwrap_or(u64::MAX);
    process.last().map_or(0, |last| last.saturating_add(1).saturating_sub(came))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sessions with their numbers; the place in the list is the time.
    fn missing(events: &[(&str, u64)]) -> u64 {
        let mut sequences = Sequences::default();
        for (time, (session, number)) in (1_u64..).zip(events) {
            sequences.record(Some(session), Moment::from_unix_nanos(time * 1_000_000), *number);
        }
        sequences.missing()
    }

    #[test]
    fn numbers_without_a_gap_miss_nothing() {
        assert_eq!(missing(&[]), 0);
        assert_eq!(missing(&[("a", 0), ("a", 1), ("a", 2)]), 0);
    }

    #[test]
    fn a_hole_and_a_lost_beginning_are_counted() {
        assert_eq!(missing(&[("a", 0), ("a", 3), ("a", 5)]), 3);
        assert_eq!(missing(&[("a", 4), ("a", 5)]), 4);
    }

    #[test]
    fn a_session_that_goes_on_counting_is_the_same_process() {
        assert_eq!(missing(&[("a", 0), ("a", 1), ("b", 2), ("b", 3)]), 0);
        assert_eq!(missing(&[("a", 0), ("a", 1), ("b", 4)]), 2);
        assert_eq!(missing(&[("a", 0), ("b", 1), ("a", 2), ("b", 3)]), 0);
    }

    #[test]
    fn processes_of_one_run_are_told_apart() {
        assert_eq!(missing(&[("a", 0), ("b", 0), ("a", 1), ("b", 1), ("b", 2)]), 0);
        assert_eq!(missing(&[("a", 0), ("a", 1), ("a", 0), ("a", 1), ("a", 2)]), 0);
        assert_eq!(missing(&[("a", 0), ("a", 1), ("a", 2), ("b", 1), ("b", 2)]), 1);
    }

    #[test]
    fn who_begins_in_the_middle_misses_only_what_was_lost_since() {
        let mut sequences = Sequences::default();
        sequences.begin_late();
        for number in [4, 5, 8] {
            sequences.record(Some("a"), Moment::from_unix_nanos(number), number);
        }
        assert_eq!(sequences.missing(), 2);
        let mut alone = Sequences::default();
        alone.begin_late();
        alone.record(None, None, u64::MAX);
        assert_eq!(alone.missing(), 0);
        sequences.record(Some("b"), None, u64::MAX);
        assert_eq!(sequences.missing(), u64::MAX - 1 - 3 - 4, "they are of one process");
    }

    #[test]
    fn an_absurd_number_does_not_overflow() {
        assert_eq!(missing(&[("a", u64::MAX)]), u64::MAX - 1);
        assert_eq!(missing(&[("a", u64::MAX), ("b", u64::MAX)]), u64::MAX);
    }
}
