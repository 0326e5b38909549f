//! Edge: the configuration file as it is today, for a relay that began with an older one.
//!
//! Looked at whenever something is to be sent, and at no other time. What the relay began with holds all the same: a file
//! that became looser is heeded by the next run.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{Destination, UserConfig, files, user};
use crate::otlp::{DecodeError, Signal};
use crate::redact::{CaptureLevel, Custom, Policy, Redacted, Redactor};

/// The configuration file that a relay began with, and what became of it.
pub struct Today {
    file: PathBuf,
    /// [`UserConfig::fingerprint`] of what the relay began with.
    began_with: u64,
    redactor: Arc<Redactor>,
    seen: Mutex<Seen>,
}

/// The file cannot be used: nothing can be sent by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Unusable;

#[derive(Default)]
struct Seen {
    /// Of the file that was read last.
    stamp: Option<Stamp>,
    /// What it says, where it is not what the relay began with.
    says: Option<Result<Arc<Stricter>, Unusable>>,
}

/// Tells one state of a file from another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    file: (u64, u64),
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What holds beside what the relay began with.
struct Stricter {
    config: UserConfig,
    /// With the rules of today.
    redactor: Redactor,
    /// Where a rule of today cannot be used, the least is given.
    ceiling: CaptureLevel,
}

impl Today {
    /// Watches a file. The redactor is the one that the relay began with; its key makes the same tags.
    pub fn new(file: PathBuf, began_with: u64, redactor: Arc<Redactor>) -> Self {
        Self { file, began_with, redactor, seen: Mutex::default() }
    }

    /// What a destination is given by the file of today, where that is another one.
    pub(super) fn policy(&self, name: &str, given: &Policy) -> Result<Option<StricterPolicy>, Unusable> {
        let Some(says) = self.look() else { return Ok(None) };
        let stricter = says?;
        let config = &stricter.config;
        let named = config.destinations.iter().find(|destination| destination.name == name);
        let level = named.map_or(config.capture.unwrap_or(given.level), |destination| destination.capture);
        Ok(Some(StricterPolicy {
            policy: config.policy.at(level.min(given.level).min(stricter.ceiling)),
            max_attribute_bytes: named.and_then(|destination: &Destination| destination.max_attribute_bytes),
            stricter,
        }))
    }

    fn look(&self) -> Option<Result<Arc<Stricter>, Unusable>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = match Stamp::of(&self.file) {
            Ok(stamp) => stamp,
            // Nothing is asked for any more; what the relay began with is.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                *seen = Seen::default();
                return None;
            }
            Err(_) => return Some(Err(Unusable)),
        };
        if seen.stamp != Some(stamp) {
            let says = self.read();
            match &says {
                Some(Ok(_)) => tracing::info!("the configuration has changed: it is heeded where it is stricter"),
                Some(Err(Unusable)) => {
                    tracing::warn!("the configuration has changed and cannot be used: what is to be sent waits");
                }
                None => {}
            }
            *seen = Seen { stamp: Some(stamp), says };
        }
        seen.says.clone()
    }

    fn read(&self) -> Option<Result<Arc<Stricter>, Unusable>> {
        let text = files::read_small(&self.file, user::MAX_CONFIG_BYTES);
        let config = text.ok().and_then(|text| UserConfig::parse(&self.file, &text).ok());
        let Some(mut config) = config else { return Some(Err(Unusable)) };
        if config.fingerprint == self.began_with {
            return None;
        }
        let (custom, ceiling) = match Custom::new(std::mem::take(&mut config.redaction)) {
            Ok(custom) => (custom, CaptureLevel::Content),
            Err(errors) => {
                for error in errors {
                    tracing::warn!("only metadata is sent: {error}");
                }
                (Custom::default(), CaptureLevel::Metadata)
            }
        };
        Some(Ok(Arc::new(Stricter { config, redactor: self.redactor.ruled(custom), ceiling })))
    }
}

impl std::fmt::Debug for Today {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Today").field("file", &self.file).finish_non_exhaustive()
    }
}

/// What holds for one destination beside what the relay began with.
pub(super) struct StricterPolicy {
    policy: Policy,
    pub max_attribute_bytes: Option<usize>,
    stricter: Arc<Stricter>,
}

impl StricterPolicy {
    #[cfg(test)]
    pub(super) fn level(&self) -> CaptureLevel {
        self.policy.level
    }

    /// What is left of a batch that went through redaction already.
    pub(super) fn again(
        &self,
        signal: Signal,
        batch: &Redacted<crate::otlp::Batch>,
    ) -> Result<Redacted<crate::otlp::Batch>, DecodeError> {
        self.stricter.redactor.again(signal, batch.encode().get(), &self.policy)
    }
}

impl Stamp {
    fn of(path: &std::path::Path) -> io::Result<Self> {
        let of = fs::metadata(path)?;
        Ok(Self {
            file: (of.dev(), of.ino()),
            bytes: of.size(),
            modified: (of.mtime(), of.mtime_nsec()),
            changed: (of.ctime(), of.ctime_nsec()),
        })
    }
}
