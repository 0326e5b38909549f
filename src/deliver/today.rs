//! Edge: the configuration files as they are today, for a relay that began with older ones.
//!
//! Looked at whenever something is to be sent, and at no other time. What the relay began with holds all the same: what
//! became looser is heeded by the next run.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::reading::Reading;
use crate::config::{Config, ConfigError, Destination, managed};
use crate::otlp::{DecodeError, Signal};
use crate::redact::{CaptureLevel, Custom, Policy, Redacted, Redactor};

/// The configuration that a relay began with, and what became of it.
pub struct Today {
    reading: Reading,
    /// [`Config::fingerprint`] of what the relay began with.
    began_with: u64,
    redactor: Arc<Redactor>,
    seen: Mutex<Seen>,
}

/// The file cannot be used: nothing can be sent by it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Unusable;

#[derive(Default)]
struct Seen {
    /// Of the files that were read last.
    stamps: Option<Vec<(PathBuf, Stamp)>>,
    /// What they say, where it is not what the relay began with.
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
    config: Config,
    /// With the rules of today.
    redactor: Redactor,
    /// Where a rule of today cannot be used, the least is given.
    ceiling: CaptureLevel,
}

impl Today {
    /// Watches them. The redactor is the one that the relay began with; its key makes the same tags.
    pub fn new(reading: Reading, began_with: u64, redactor: Arc<Redactor>) -> Self {
        Self { reading, began_with, redactor, seen: Mutex::default() }
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
        let Ok(stamps) = self.stamps() else { return Some(Err(Unusable)) };
        // Nothing is asked for any more; what the relay began with is.
        if stamps.is_empty() {
            *seen = Seen::default();
            return None;
        }
        if seen.stamps.as_ref() != Some(&stamps) {
            let (says, lasts) = self.read();
            match &says {
                Some(Ok(_)) => tracing::info!("the configuration has changed: it is heeded where it is stricter"),
                Some(Err(Unusable)) if !matches!(seen.says, Some(Err(Unusable))) => {
                    tracing::warn!("the configuration has changed and cannot be used: what is to be sent waits");
                }
                Some(Err(Unusable)) | None => {}
            }
            // What the system would not let us read may be read the next time, though it is the same file.
            *seen = Seen { stamps: lasts.then_some(stamps), says };
        }
        seen.says.clone()
    }

    /// Of those files that are there.
    fn stamps(&self) -> io::Result<Vec<(PathBuf, Stamp)>> {
        let mut stamps = Vec::new();
        for path in managed::files().into_iter().chain(self.reading.file.clone()) {
            match Stamp::of(&path) {
                Ok(stamp) => stamps.push((path, stamp)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(stamps)
    }

    /// What the files say now, and whether that holds as long as they are the same.
    fn read(&self) -> (Option<Result<Arc<Stricter>, Unusable>>, bool) {
        let was_read =
            |error: &ConfigError| !error.each().into_iter().any(|it| matches!(it, ConfigError::Unreadable { .. }));
        let mut config = match self.reading.read() {
            Ok(config) => config,
            Err(error) => return (Some(Err(Unusable)), was_read(&error)),
        };
        let governed = config.governed.as_ref();
        if let Some(broken) = governed.and_then(|governed| governed.broken.as_ref()) {
            return (Some(Err(Unusable)), was_read(broken));
        }
        // What is wrong with the person's own holds nothing back where the organization has its say.
        let lasts = governed.and_then(|governed| governed.left_out.as_ref()).is_none_or(was_read);
        if config.fingerprint == self.began_with {
            return (None, lasts);
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
        (Some(Ok(Arc::new(Stricter { config, redactor: self.redactor.ruled(custom), ceiling }))), lasts)
    }
}

impl std::fmt::Debug for Today {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Today").field("file", &self.reading.file).finish_non_exhaustive()
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
