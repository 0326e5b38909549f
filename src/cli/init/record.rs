//! Edge: what `init` wrote, so that it can be undone: `init.json` beside the configuration file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::files;
use crate::launch::Given;

/// The largest file of ours, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// All that was written.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(super) struct Record {
    /// Of this form.
    pub version: u32,
    /// The configuration file.
    pub config: Option<Written>,
    /// Its keys and tables.
    pub keys: Vec<Key>,
    /// Destinations whose token was stored.
    pub tokens: Vec<String>,
    /// Start-up files of shells.
    pub shells: Vec<Written>,
}

/// A file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Written {
    /// Where.
    pub path: PathBuf,
    /// It was not there before.
    pub created: bool,
    /// Copies of what was there.
    #[serde(default)]
    pub copies: Vec<PathBuf>,
}

/// A key or a table of the configuration file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Key {
    /// From the top.
    pub path: Vec<String>,
    /// As TOML, what stood there before `init` was first used. None: nothing did.
    pub was: Option<String>,
    /// As TOML, what `init` wrote.
    pub is: String,
}

const VERSION: u32 = 1;

impl Record {
    /// Where it is.
    pub(super) fn path(given: Given<'_>) -> Option<PathBuf> {
        Some(given.config_file()?.with_file_name("init.json"))
    }

    /// What was written earlier; nothing, where that cannot be known.
    pub(super) fn read(given: Given<'_>) -> Self {
        let text = Self::path(given).and_then(|path| files::read_small(&path, MAX_BYTES).ok());
        let record: Option<Self> = text.and_then(|text| serde_json::from_str(&text).ok());
        record.filter(|record| record.version == VERSION).unwrap_or_default()
    }

    /// Whether nothing was.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.tokens.is_empty() && self.shells.is_empty()
    }

    /// Adds what was written now. What was there before the first time stays what there was.
    pub(super) fn add(&mut self, now: Self) {
        self.version = VERSION;
        for key in now.keys {
            match self.keys.iter_mut().find(|known| known.path == key.path) {
                Some(known) => known.is = key.is,
                None => self.keys.push(key),
            }
        }
        for name in now.tokens {
            if !self.tokens.contains(&name) {
                self.tokens.push(name);
            }
        }
        let mut files: Vec<Written> = self.config.take().into_iter().chain(now.config).collect();
        let last = files.pop();
        self.config = match files.pop() {
            Some(first) => Some(last.into_iter().fold(first, Written::and)),
            None => last,
        };
        for written in now.shells {
            match self.shells.iter().position(|known| known.path == written.path) {
                Some(at) => {
                    let known = self.shells.remove(at);
                    self.shells.insert(at, known.and(written));
                }
                None => self.shells.push(written),
            }
        }
    }

    /// Writes it, readable by this user alone: what was there before may be a credential.
    pub(super) fn write(&self, given: Given<'_>) -> io::Result<()> {
        let path = Self::path(given).ok_or(io::ErrorKind::NotFound)?;
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let text = serde_json::to_string_pretty(self)? + "\n";
        // Nobody else can have it open: it is replaced whole.
        let _ = fs::remove_file(&path);
        private(&path, &text)
    }

    /// Forgets it.
    pub(super) fn remove(given: Given<'_>) {
        if let Some(path) = Self::path(given) {
            let _ = fs::remove_file(path);
        }
    }
}

impl Written {
    /// The same file, written again.
    fn and(mut self, later: Self) -> Self {
        self.copies.extend(later.copies);
        Self { path: later.path, ..self }
    }
}

fn private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_before_the_first_time_stays_what_there_was() {
        let key = |was: Option<&str>, is: &str| Key {
            path: vec!["capture".to_owned()],
            was: was.map(str::to_owned),
            is: is.to_owned(),
        };
        let file = |created, copy: &str| Written { path: "/x".into(), created, copies: vec![copy.into()] };
        let mut record = Record::default();
        assert!(record.is_empty());
        let once = |key, file: Written| Record {
            keys: vec![key],
            tokens: vec!["org".to_owned()],
            config: Some(file.clone()),
            shells: vec![file],
            ..Record::default()
        };
        record.add(once(key(None, "1"), file(true, "/a")));
        record.add(once(key(Some("1"), "2"), file(false, "/b")));
        assert_eq!(record.keys, [key(None, "2")]);
        assert_eq!(record.tokens, ["org"]);
        let both = Written { path: "/x".into(), created: true, copies: vec!["/a".into(), "/b".into()] };
        assert_eq!((record.config, record.shells), (Some(both.clone()), vec![both]));
    }
}
