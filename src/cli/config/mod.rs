//! Edge: `cc-observe config`: what is in force and why, and changes of the user's file.

mod check;
pub(super) mod draft;
mod show;
mod write;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Parser;

use super::{COULD_NOT, USAGE, complain, show as show_clap};
use crate::config::edit::EditError;
use crate::config::keys::KeyError;
use crate::config::table::Table;
use crate::config::{ConfigError, Source};
use crate::launch::Given;
use crate::process::Inherited;
use crate::report;

/// The negative answer.
const NO: u8 = 1;

/// Shows what is configured and where it came from, changes it, and checks it.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe config",
    bin_name = "cc-observe config",
    subcommand_required = true,
    after_help = "Exit codes: 0 done; 1 the key has no value (get, unset), it is locked or may not be changed here (set, unset,\n\
        edit), the editor ended with an error (edit), something is wrong (check); 2 a mistake in the options or the\n\
        configuration; 125 a file cannot be read or written."
)]
struct ConfigOptions {
    /// What is to be done.
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigCommand {
    /// Every key with its value and where that came from
    Show {
        /// An object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// The value of a key
    Get {
        /// Such as `capture`, `destinations.org.protocol`.
        key: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Sets a key in your file; everything else in it stays as it is
    Set {
        /// Such as `capture`, `destinations.org.protocol`.
        key: String,
        /// As TOML writes it; a text needs no quotes.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Takes a key, or the table of a destination, out of your file
    Unset {
        /// Such as `capture`, `destinations.org`.
        key: String,
    },
    /// Opens your file in $VISUAL, $EDITOR or vi, and takes it over once it is sound
    Edit,
    /// Where your file is, or would be
    Path {
        /// All files that count, and whether they are there.
        #[arg(long)]
        all: bool,
        /// An object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Tells everything that is wrong
    Check(CheckOptions),
    /// The JSON Schema of the file, for editors
    Schema,
}

#[derive(Debug, clap::Args)]
struct CheckOptions {
    /// A file that is to be checked by itself; without one, everything that counts now.
    file: Option<PathBuf>,
    /// FILE is one of the organization's.
    #[arg(long, requires = "file")]
    managed: bool,
    /// An object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// A key that there is not.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// The text cannot be changed so.
    #[error("{0}")]
    Edit(#[from] EditError),
    /// The options ask for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// The configuration cannot be used.
    #[error("{0}")]
    Configuration(ConfigError),
    /// What was asked for would not be sound. All of it was told.
    #[error("{0}")]
    Unsound(&'static str),
    /// The answer is no.
    #[error("{0}")]
    Refused(String),
    /// The system refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// What the system says.
        source: io::Error,
    },
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Configuration(error)
    }
}

/// What is in force; or what is wrong, in words.
pub(super) fn in_force(given: Given<'_>) -> Result<(Vec<Source>, Table), String> {
    show::in_force(given).map_err(|failure| failure.to_string())
}

/// Does what `cc-observe config …` says; the exit code.
pub(super) fn run(args: &[OsString], environment: &[(OsString, OsString)], inherited: &Inherited) -> u8 {
    inherited.make_usable();
    let name = OsString::from("cc-observe config");
    let options = match ConfigOptions::try_parse_from(std::iter::once(&name).chain(args)) {
        Ok(options) => options,
        Err(error) => return show_clap(&error),
    };
    let given = Given { variables: environment };
    let result = match options.command {
        ConfigCommand::Show { json } => show::show(given, json),
        ConfigCommand::Get { key, json } => show::get(given, &key, json),
        ConfigCommand::Set { key, value } => write::set(given, &key, &value),
        ConfigCommand::Unset { key } => write::unset(given, &key),
        ConfigCommand::Edit => write::edit(given),
        ConfigCommand::Path { all, json } => show::path(given, all, json),
        ConfigCommand::Check(check_options) => check::check(given, &check_options),
        ConfigCommand::Schema => put(&format!("{:#}\n", crate::config::schema::schema())).map(|()| 0),
    };
    match result {
        Ok(code) => code,
        // Who has read enough does not read on: that is no failure.
        Err(Failure::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(Failure::Configuration(error)) => {
            tell_all(error.each().iter());
            USAGE
        }
        Err(error) => {
            tell(&error);
            match error {
                Failure::Key(_) | Failure::Edit(_) | Failure::Usage(_) => USAGE,
                Failure::Unsound(_) | Failure::Configuration(_) => USAGE,
                Failure::Refused(_) => NO,
                Failure::Io { .. } => COULD_NOT,
            }
        }
    }
}

/// A sentence on stderr, whatever stands in it.
fn tell(what: &impl ToString) {
    complain(report::printable(&what.to_string(), 1000).as_str());
}

fn tell_all(all: impl Iterator<Item = impl ToString>) {
    all.for_each(|it| tell(&it));
}

fn put(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|source| Failure::Io { doing: "cannot write".to_owned(), source })
}
