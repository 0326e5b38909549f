//! Edge: makes new files survive a power failure, in the background.
//!
//! A thread exists only while there is something to sync: a relay at rest has none, and wakes up for nothing.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::place;

/// How long new files are gathered before they are synced together. With the sync itself this stays within a second
/// on a disk that is not stalled; what is delivered meanwhile needs no sync at all.
const GATHER: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Pending {
    names: Vec<String>,
    running: bool,
    hurry: bool,
}

struct Shared {
    directory: Arc<OwnedFd>,
    pending: Mutex<Pending>,
    wake: Condvar,
}

/// Syncs the files of one directory, and the directory.
pub(super) struct Syncer(Arc<Shared>);

impl Syncer {
    pub(super) fn new(directory: Arc<OwnedFd>) -> Self {
        Self(Arc::new(Shared { directory, pending: Mutex::default(), wake: Condvar::new() }))
    }

    /// A file is new. Returns at once.
    pub(super) fn note(&self, name: String) {
        let mut pending = self.0.lock();
        pending.names.push(name);
        if pending.running {
            return;
        }
        pending.running = true;
        drop(pending);
        let shared = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name("spool-sync".into()).stack_size(64 << 10);
        if thread.spawn(move || shared.run()).is_err() {
            self.0.lock().running = false;
            self.now();
        }
    }

    /// Syncs what is left before it returns.
    pub(super) fn now(&self) {
        let names = std::mem::take(&mut self.0.lock().names);
        self.0.sync(&names);
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.0.lock().hurry = true;
        self.0.wake.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        loop {
            let waited = self.wake.wait_timeout_while(self.lock(), GATHER, |pending| !pending.hurry);
            let (mut pending, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let names = std::mem::take(&mut pending.names);
            if names.is_empty() {
                pending.running = false;
                return;
            }
            drop(pending);
            self.sync(&names);
        }
    }

    fn sync(&self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        let synced = names
            .iter()
            .try_for_each(|name| place::sync_file(&self.directory, name))
            .and_then(|()| nix::unistd::fsync(self.directory.as_fd()).map_err(io::Error::from));
        if let Err(error) = synced {
            tracing::warn!(%error, files = names.len(), "could not sync the spool; it would not survive a power failure");
        }
    }
}
