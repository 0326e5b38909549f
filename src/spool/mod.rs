//! Redacted batches on disk that a destination has not accepted yet: the directory is the queue.
//!
//! ```text
//! <root>/<destination>/<run id>/lock                                held by the relay that owns the run
//! <root>/<destination>/<run id>/00000000000001048576.logs.otlp      one batch
//! <root>/<destination>/parked/<run id>.<batch>                      kept: the endpoint takes others, but not this
//! <root>/<destination>/corrupt/<run id>.<batch>                     kept: not what was written
//! ```
//!
//! Only `Redacted` bytes go in. What comes out is trusted no more than the network. `docs/spool.md` tells the format.

mod bounds;
pub mod counts;
mod format;
mod held;
mod peek;
mod place;
mod queue;
mod state;
mod sync;

#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

pub use bounds::{Bounds, Durability, Room, Usage};
pub use counts::{Count, PerSignal, Tally};
pub use format::{FormatError, HEADER_BYTES, Header, MAGIC, MAX_FILE_BYTES, STRIDE, Spooled, VERSION};
pub use held::{Held, HeldRun, Lost, Lying, Why, look, room};
pub use peek::{Peeked, peek};
pub use queue::{Exit, Kept, LoadError, MEMORY_RING_BYTES, Queue, Write};

use place::Claim;

/// The directory, below a destination's, of batches that the endpoint will not take.
pub const PARKED: &str = "parked";

/// The directory, below a destination's, of files that are not what was written.
pub const CORRUPT: &str = "corrupt";

/// The most abandoned directories that are taken over at once: each holds two descriptors.
pub const ADOPTED_AT_ONCE: usize = 64;

/// Why the spool cannot be used. Names are those of directories below the spool's root; nothing of a batch.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The system refused.
    #[error("could not {doing}")]
    Io {
        /// What was tried: completes "could not".
        doing: &'static str,
        /// How it refused.
        source: io::Error,
    },
    /// A link or a file stands where a directory should.
    #[error("{name} in the spool is not a directory")]
    NotADirectory {
        /// Which.
        name: String,
    },
    /// A directory belongs to another user.
    #[error("{name} in the spool belongs to another user")]
    NotOurs {
        /// Which.
        name: String,
    },
    /// A destination or run id that is no plain name.
    #[error("not a name for a spool directory")]
    Name,
    /// Another relay holds the lock of this run.
    #[error("run {run} is held by another relay")]
    Locked {
        /// Its id.
        run: String,
    },
    /// A write that began earlier has not ended yet.
    #[error("the disk does not answer in time")]
    Slow,
    /// The queue has no directory: it lives in memory.
    #[error("the spool has no directory")]
    NoDirectory,
}

impl SpoolError {
    /// Whether what was to be opened is not there.
    fn is_gone(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// The spool's root.
#[derive(Clone, Debug)]
pub struct Spool {
    root: Arc<OwnedFd>,
}

impl Spool {
    /// Opens the root, making it where missing. It is ours, 0700 and no link, or this fails.
    pub fn open(root: &Path) -> Result<Self, SpoolError> {
        Ok(Self { root: Arc::new(place::root(root)?) })
    }

    /// The queue of a run for a destination, made where missing; what an earlier relay of the same run left is in it.
    pub fn queue(&self, destination: &str, run: &str) -> Result<Queue, SpoolError> {
        check_name(destination)?;
        check_name(run)?;
        let directory = Arc::new(place::subdirectory(&self.root, destination)?);
        let claim = Claim::make(&directory, run)?;
        Queue::recover(directory, run, claim)
    }

    /// Takes over what runs left behind whose relay is gone: oldest run first (run ids sort by time), at most
    /// [`ADOPTED_AT_ONCE`]. Empty directories are removed. A directory in trouble is passed over, with a warning.
    pub fn adopt(&self, destination: &str) -> Result<Vec<Queue>, SpoolError> {
        check_name(destination)?;
        if !place::is_directory(&self.root, destination) {
            return Ok(Vec::new());
        }
        let directory = Arc::new(place::existing(&self.root, destination)?);
        let mut adopted = Vec::new();
        for run in place::names(&directory)? {
            if check_name(&run).is_err() || !place::is_directory(&directory, &run) {
                continue;
            }
            let claimed = Claim::adopt(&directory, &run);
            let recovered = claimed
                .and_then(|claim| claim.map(|claim| Queue::recover(Arc::clone(&directory), &run, claim)).transpose());
            match recovered {
                Ok(Some(queue)) if queue.tally().total() == Tally::default() => {
                    queue.remove();
                }
                Ok(Some(queue)) => adopted.push(queue),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, run, "passed over a spool directory"),
            }
            if adopted.len() == ADOPTED_AT_ONCE {
                break;
            }
        }
        Ok(adopted)
    }
}

/// How much waits in a destination's directory, whoever holds it.
fn usage(destination: &OwnedFd) -> Result<Usage, SpoolError> {
    let mut usage = Usage::default();
    for run in place::names(destination)? {
        if check_name(&run).is_err() || !place::is_directory(destination, &run) {
            continue;
        }
        match place::existing(destination, &run).and_then(|run| place::sizes(&run)) {
            Ok(sizes) => usage = sizes.into_iter().map(Usage::one).fold(usage, Usage::and),
            // Emptied and removed since it was listed.
            Err(error) if error.is_gone() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(usage)
}

/// A plain name of at most 64 letters, digits, `-` and `_`, and none that we use ourselves.
fn check_name(name: &str) -> Result<(), SpoolError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) || [PARKED, CORRUPT].contains(&name) {
        return Err(SpoolError::Name);
    }
    Ok(())
}
