//! Edge: several changes of the user's file at once: shown before they are written, and undone later.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::Failure;
use super::write::{Own, PRIVATE};
use crate::config::table::{self, Verdict};
use crate::config::{Config, ConfigError, edit as text_edit};
use crate::launch::Given;

/// The user's file, and what it is to say.
pub(in crate::cli) struct Draft {
    own: Own,
    text: String,
}

impl Draft {
    /// The file as it is.
    pub(in crate::cli) fn open(given: Given<'_>) -> Result<Self, String> {
        let own = Own::open(given).map_err(|failure| failure.to_string())?;
        let text = own.before().to_owned();
        Ok(Self { own, text })
    }

    /// Where it is, or would be.
    pub(in crate::cli) fn path(&self) -> &Path {
        self.own.path()
    }

    /// Whether it is there.
    pub(in crate::cli) fn exists(&self) -> bool {
        self.own.exists()
    }

    /// What it is to say.
    pub(in crate::cli) fn text(&self) -> &str {
        &self.text
    }

    /// Whether that is something else than it says.
    pub(in crate::cli) fn is_changed(&self) -> bool {
        self.text != self.own.before()
    }

    /// Sets a key.
    pub(in crate::cli) fn set(&mut self, path: &[&str], value: impl Into<Value>) -> Result<(), String> {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        self.text = text_edit::set(&self.text, &path, value.into()).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Takes a key or a table out, if it is there.
    pub(in crate::cli) fn unset(&mut self, path: &[&str]) -> Result<(), String> {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        if let Some(text) = text_edit::unset(&self.text, &path).map_err(|error| error.to_string())? {
            self.text = text;
        }
        Ok(())
    }

    /// A key or a table as TOML, by itself. `None`: it is not there.
    pub(in crate::cli) fn item(&self, path: &[&str]) -> Option<String> {
        let document: DocumentMut = self.text.parse().ok()?;
        let mut table: &dyn TableLike = document.as_table();
        let (last, above) = path.split_last()?;
        for name in above {
            table = table.get(name)?.as_table_like()?;
        }
        let item = table.get(last)?;
        // What is beside it stays there.
        let value = item.as_value().map(|value| value.clone().decorated("", "").to_string());
        Some(value.unwrap_or_else(|| item.to_string()).trim().to_owned())
    }

    /// Puts a table in the place of what is there, from its TOML.
    pub(in crate::cli) fn put(&mut self, path: &[&str], toml: &str) -> Result<(), String> {
        if let Ok(value) = toml.parse::<Value>() {
            return self.set(path, value);
        }
        self.unset(path)?;
        let [above @ .., last] = path else { return Err("no key".to_owned()) };
        let of: DocumentMut = toml.parse().map_err(|_| "what stood there before is no TOML".to_owned())?;
        let mut document: DocumentMut = self.text.parse().map_err(|_| "the file is no TOML".to_owned())?;
        let mut table = document.as_table_mut();
        for name in above {
            let below = table.entry(name).or_insert_with(|| {
                let mut made = toml_edit::Table::new();
                made.set_implicit(true);
                Item::Table(made)
            });
            table = below.as_table_mut().ok_or("something that is no table stands where the key belongs")?;
        }
        let mut item = of.as_table().clone();
        item.set_position(None);
        table.insert(last, Item::Table(item));
        self.text = document.to_string();
        Ok(())
    }

    /// What it says together with all that counts besides.
    pub(in crate::cli) fn config(&self, given: Given<'_>) -> Result<Config, String> {
        let wrong = super::check::mistakes(&[self.own.source(&self.text)]);
        if let Some(first) = wrong.first() {
            return Err(first.to_string());
        }
        let sources = self.own.sources(given, &self.text).map_err(|failure| failure.to_string())?;
        Config::of(&sources).map_err(|error: ConfigError| error.to_string())
    }

    /// Who says otherwise of a key, if anybody does.
    pub(in crate::cli) fn overruled(&self, given: Given<'_>, path: &[&str]) -> Option<String> {
        let sources = self.own.sources(given, &self.text).ok()?;
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        match table::verdict(&sources, &path) {
            Verdict::Locked(origin) | Verdict::Overridden(origin) => Some(origin.to_string()),
            Verdict::InForce | Verdict::Besides(_) => None,
        }
    }

    /// Writes it, and a copy of what was there before; where that is.
    pub(in crate::cli) fn write(&self) -> Result<Option<PathBuf>, String> {
        let backup = if self.own.exists() {
            Some(backup(self.own.real(), self.own.before()).map_err(|error| format!("no copy can be kept: {error}"))?)
        } else {
            None
        };
        self.own.replace(&self.text).map_err(|failure: Failure| failure.to_string())?;
        Ok(backup)
    }

    /// Writes it, without a copy.
    pub(in crate::cli) fn replace(&self) -> Result<(), String> {
        self.own.replace(&self.text).map_err(|failure: Failure| failure.to_string())
    }

    /// Removes the file, since it is to say nothing and was not there.
    pub(in crate::cli) fn remove(&self) -> io::Result<()> {
        fs::remove_file(self.own.real())
    }
}

/// Keeps a copy of a file beside it, under a name that nobody has.
pub(in crate::cli) fn backup(path: &Path, text: &str) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for number in 0..u32::MAX {
        let more = if number == 0 { String::new() } else { format!(".{number}") };
        let copy = path.with_file_name(format!("{name}.before-init{more}"));
        match OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&copy) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                return Ok(copy);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
