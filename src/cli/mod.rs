//! Edge: what people type, and which part of the program does it.

mod args;
mod auth;
mod config;
mod doctor;
mod help;
mod init;
mod policy;
mod preview;
mod redact;
mod spool;
mod status;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Parser as _;

use self::args::Options;
pub use crate::launch::COULD_NOT;
use crate::launch::situation::SummaryOption;
use crate::launch::{self, Invocation, Target, wrapper};
use crate::process::Inherited;
use crate::relay;

/// A mistake on the command line.
const USAGE: u8 = 2;

/// Does what the arguments behind its name say, in this environment; the exit code.
type Command = fn(&[OsString], &[(OsString, OsString)], &Inherited) -> u8;

/// What can stand in the place of `claude`.
const COMMANDS: [(&str, Command); 11] = [
    ("auth", auth::run),
    ("config", config::run),
    ("doctor", doctor::run),
    ("help", help::run),
    ("init", init::run),
    ("policy", policy::run),
    ("preview", preview::run),
    ("redact", redact::run),
    ("spool", spool::run),
    ("status", status::run),
    ("statusline", status::run_line),
];

/// The word by which the launcher starts the relay.
const RELAY: &str = "relay";

/// Does what the arguments say; the exit code.
pub fn run(args: &[OsString], inherited: &Inherited) -> u8 {
    let environment = || std::env::vars_os().collect();
    if args::is_called_claude(args.first()) {
        return launch::run(
            &Invocation {
                summary: SummaryOption::Auto,
                summary_file: None,
                unobserved: false,
                dry: None,
                target: Target::Named(args.first().cloned().unwrap_or_default()),
                args: args.get(1..).unwrap_or_default().to_vec(),
                environment: environment(),
                wrapping: None,
            },
            inherited,
        );
    }
    let split = args::split(args);
    let options = match Options::try_parse_from(split.ours) {
        Ok(options) => options,
        Err(error) => return show(&error),
    };
    if let Some((name, command)) = split.word.and_then(|word| COMMANDS.iter().find(|(name, _)| word == *name)) {
        if split.ours.len() > 1 {
            complain(&format!("options of `{name}` stand behind it. See cc-observe {name} --help"));
            return USAGE;
        }
        return command(split.theirs, &environment(), inherited);
    }
    let target = match split.word {
        Some(word) if word == "claude" => Target::Named(word.to_owned()),
        Some(word) if is_path(word) => Target::Path(PathBuf::from(word)),
        Some(word) if word == RELAY && split.ours.len() == 1 => return relay::run(),
        Some(word) if word == wrapper::WORD && split.ours.len() == 1 => {
            let Some(called) = wrapper::Called::read(split.theirs) else {
                complain("`process-wrapper` is called by Claude Code, with what it starts in the background");
                return USAGE;
            };
            return launch::wrap(&called, environment(), inherited);
        }
        Some(word) => {
            let word = word.to_string_lossy();
            complain(&format!(
                "no command {}; what is run is `cc-observe claude …`, or a path to claude. See cc-observe --help",
                crate::report::printable(&word, 40)
            ));
            return USAGE;
        }
        None => {
            complain("what is to be run? `cc-observe claude …`. See cc-observe --help");
            return USAGE;
        }
    };
    launch::run(
        &Invocation {
            summary: options.summary,
            summary_file: options.summary_file,
            unobserved: options.unobserved,
            dry: options.dry,
            target,
            args: split.theirs.to_vec(),
            environment: environment(),
            wrapping: None,
        },
        inherited,
    )
}

/// A word with a slash in it, as in every shell.
fn is_path(word: &OsStr) -> bool {
    Path::new(word).components().count() > 1 || Path::new(word).is_absolute()
}

/// Help and version go to stdout, mistakes to stderr. A reader that is gone is no failure.
fn show(error: &clap::Error) -> u8 {
    let text = error.render();
    if error.use_stderr() {
        let _ = write!(io::stderr(), "{text}");
        USAGE
    } else {
        let mut stdout = io::stdout();
        let _ = write!(stdout, "{text}").and_then(|()| stdout.flush());
        0
    }
}

/// Writes what was asked for; the exit code. Who has read enough does not read on: that is no failure.
fn print(text: &str) -> u8 {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("cannot write: {error}"));
            COULD_NOT
        }
        _ => 0,
    }
}

fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "cc-observe: {line}");
}
