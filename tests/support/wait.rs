//! Edge: waiting for something to be true, by looking often, instead of sleeping for luck.

use std::time::{Duration, Instant};

/// How long anything may take that is expected to happen soon, on a slow and busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Returns once `condition` holds; fails the test, saying `what`, when it does not within [`SOON`].
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Returns what `look` finds; fails the test, saying `what`, when it finds nothing within [`SOON`].
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_within(SOON, what, look)
}

/// The same, for what may take longer.
#[track_caller]
pub(crate) fn wait_within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
