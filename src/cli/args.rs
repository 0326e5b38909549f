//! What people type: our own options, cut off before claude's arguments begin.
//!
//! The split is made by hand before clap sees anything. clap would take `--verbose` or a leading `--` that are meant for
//! claude.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::launch::situation::SummaryOption;

/// Runs Claude Code, observed: its telemetry goes through a relay on this machine that takes out what must not leave,
/// delivers the rest to your OTLP endpoint, and tells at the end what the session cost and did.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe",
    version,
    override_usage = "cc-observe [OPTIONS] claude [ARGS]…\n       cc-observe [OPTIONS] /path/to/claude [ARGS]…",
    after_help = "Everything behind `claude` is claude's, untouched: `cc-observe claude --help` is claude's help.\n\n\
        Environment:\n  \
        CC_OBSERVE_ENDPOINT=URL  deliver to this OTLP/HTTP endpoint, instead of the configured ones\n  \
        CC_OBSERVE_CONFIG=FILE   read this configuration file\n  \
        CC_OBSERVE_CLAUDE=PATH   run this claude\n\n\
        Exit codes: claude's own, deaths by signal included; 125 cc-observe could not, 126 claude is not executable,\n\
        127 claude was not found; 2 a mistake in cc-observe's own options."
)]
pub struct Options {
    /// What is shown on stderr when claude has exited.
    #[arg(long, value_enum, default_value = "auto", value_name = "HOW")]
    pub summary: SummaryOption,
    /// Writes the summary as JSON to a file, also when nothing is shown.
    #[arg(long, value_name = "PATH")]
    pub summary_file: Option<PathBuf>,
    /// `claude`, or a path to it.
    #[arg(hide = true)]
    pub program: Option<OsString>,
}

/// An argument list, cut where claude's own begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Split<'a> {
    /// Our own name and options.
    pub ours: &'a [OsString],
    /// `claude`, a path, or whatever the first word is.
    pub word: Option<&'a OsStr>,
    /// What stands behind it.
    pub theirs: &'a [OsString],
}

/// Our options that take a value as the next argument.
const WITH_VALUE: [&str; 2] = ["--summary", "--summary-file"];

/// Cuts at the first argument that is neither an option of ours nor the value of one.
pub fn split(args: &[OsString]) -> Split<'_> {
    let mut at = 1;
    while let Some(arg) = args.get(at) {
        if !arg.as_bytes().starts_with(b"-") {
            break;
        }
        at += if WITH_VALUE.iter().any(|option| OsStr::new(option) == arg) { 2 } else { 1 };
    }
    let at = at.min(args.len());
    let (ours, rest) = args.split_at(at);
    let (word, theirs) = match rest.split_first() {
        Some((word, theirs)) => (Some(word.as_os_str()), theirs),
        None => (None, rest),
    };
    Split { ours, word, theirs }
}

/// Whether this program was called by the name `claude`, through a link.
pub fn is_called_claude(name: Option<&OsString>) -> bool {
    name.is_some_and(|name| Path::new(name).file_name() == Some(OsStr::new("claude")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_split_is_made_at_the_first_word_that_is_not_ours() {
        for (line, ours, word, theirs) in [
            ("cc-observe claude -v --json", "cc-observe", Some("claude"), "-v --json"),
            ("cc-observe claude --", "cc-observe", Some("claude"), "--"),
            (
                "cc-observe --summary line claude --summary x",
                "cc-observe --summary line",
                Some("claude"),
                "--summary x",
            ),
            ("cc-observe --summary=line /a/claude -p", "cc-observe --summary=line", Some("/a/claude"), "-p"),
            ("cc-observe --summary-file claude claude", "cc-observe --summary-file claude", Some("claude"), ""),
            ("cc-observe --help", "cc-observe --help", None, ""),
            ("cc-observe --summary", "cc-observe --summary", None, ""),
        ] {
            let args = args(line);
            let split = split(&args);
            let join = |args: &[OsString]| args.join(OsStr::new(" ")).into_string().unwrap();
            assert_eq!((join(split.ours).as_str(), split.word), (ours, word.map(OsStr::new)), "{line}");
            assert_eq!(join(split.theirs), theirs, "{line}");
        }
    }

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Options::command().debug_assert();
    }
}
