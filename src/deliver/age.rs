//! Whether what waits is too old to be kept, on a clock that somebody may change. Pure.

use std::time::{Duration, Instant, SystemTime};

/// No batch is older than this program: 2025-01-01. A clock that says so was wrong when the batch was written.
const EARLIEST: Duration = Duration::from_secs(1_735_689_600);

/// By how much the clock may differ from what has passed since a relay began: more, and it was changed, or the machine
/// has slept.
const TOLERANCE: Duration = Duration::from_secs(3600);

/// When a relay began, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Began {
    pub wall: SystemTime,
    pub steady: Instant,
}

impl Began {
    /// Whether the clock on the wall went as the other did.
    pub(super) fn is_steady(self, wall: SystemTime, steady: Instant) -> bool {
        let passed = steady.saturating_duration_since(self.steady);
        wall.duration_since(self.wall).is_ok_and(|by_the_wall| by_the_wall.abs_diff(passed) <= TOLERANCE)
    }
}

/// Whether a batch has waited for longer than it may.
pub(super) fn is_too_old(written: SystemTime, now: SystemTime, bound: Duration) -> bool {
    let plausible = written.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since >= EARLIEST);
    plausible && now.duration_since(written).is_ok_and(|waited| waited > bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const WEEK: Duration = Duration::from_secs(604_800);

    fn noon() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000)
    }

    #[test]
    fn a_clock_that_was_changed_makes_nothing_old() {
        let began = Began { wall: noon(), steady: Instant::now() };
        for (wall, passed, steady) in [
            (noon(), Duration::ZERO, true),
            (noon() + 20 * HOUR, 20 * HOUR, true),
            (noon() + 20 * HOUR, 19 * HOUR, true),
            (noon() + 10 * WEEK, HOUR, false),
            (noon() + HOUR, 10 * WEEK, false),
            (noon() - HOUR, HOUR, false),
            (SystemTime::UNIX_EPOCH, HOUR, false),
        ] {
            assert_eq!(began.is_steady(wall, began.steady + passed), steady, "{wall:?} after {passed:?}");
        }
    }

    #[test]
    fn what_was_written_in_the_future_or_before_this_program_is_not_old() {
        for (written, old) in [
            (noon() - WEEK - HOUR, true),
            (noon() - WEEK, false),
            (noon() + HOUR, false),
            (noon() + 1000 * WEEK, false),
            (SystemTime::UNIX_EPOCH, false),
            (SystemTime::UNIX_EPOCH - HOUR, false),
            (SystemTime::UNIX_EPOCH + EARLIEST, true),
        ] {
            assert_eq!(is_too_old(written, noon(), WEEK), old, "{written:?}");
        }
    }
}
