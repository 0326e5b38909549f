//! Edge: makes new files survive a power failure, in the background.
//!
//! A thread exists only while there is something to sync: a relay at rest has none, and wakes up for nothing.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
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
    syncing: bool,
    hurry: bool,
}

struct Shared {
    directory: Arc<OwnedFd>,
    pending: Mutex<Pending>,
    wake: Condvar,
    /// Whether the directory itself would be found again.
    anchored: AtomicBool,
}

/// Syncs the files of one directory, and the directory.
pub(super) struct Syncer(Arc<Shared>);

impl Syncer {
    pub(super) fn new(directory: Arc<OwnedFd>) -> Self {
        Self(Arc::new(Shared {
            directory,
            pending: Mutex::default(),
            wake: Condvar::new(),
            anchored: AtomicBool::new(false),
        }))
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
        let waited = self.0.wake.wait_while(self.0.lock(), |pending| pending.syncing);
        let names = std::mem::take(&mut waited.unwrap_or_else(PoisonError::into_inner).names);
        self.0.sync(&names);
    }

    /// Makes the directory itself survive, and those above it; the first time, that is.
    pub(super) fn anchor(&self) -> io::Result<()> {
        self.0.anchor()
    }

    /// No thread is begun: what is noted waits for [`Self::now`].
    #[cfg(test)]
    pub(super) fn by_hand(&self) {
        self.0.lock().running = true;
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.0.lock().hurry = true;
        self.0.wake.notify_all();
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
            pending.syncing = true;
            drop(pending);
            self.sync(&names);
            self.lock().syncing = false;
            self.wake.notify_all();
        }
    }

    fn anchor(&self) -> io::Result<()> {
        if !self.anchored.load(Ordering::Acquire) {
            place::sync_above(&self.directory)?;
            self.anchored.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn sync(&self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        // One that cannot be synced keeps no other from it.
        let files = names.iter().map(|name| place::sync_file(&self.directory, name)).fold(Ok(()), Result::and);
        let directory = place::sync_directory(&self.directory).and_then(|()| self.anchor());
        if let Err(error) = files.and(directory) {
            tracing::warn!(%error, files = names.len(), "could not sync the spool; it would not survive a power failure");
        }
    }
}
