//! What people type: our own options, cut off before claude's arguments begin.
//!
//! The split is made by hand before clap sees anything. clap would take `--verbose` or a leading `--` that are meant for
//! claude.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;

use crate::launch::situation::SummaryOption;

/// Runs Claude Code, observed: its telemetry goes through a relay on this machine that takes out what must not leave,
/// delivers the rest to your OTLP endpoint, and tells at the end what the session cost and did.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe",
    version,
    override_usage = "cc-observe [OPTIONS] claude [ARGS]…\n       cc-observe [OPTIONS] /path/to/claude [ARGS]…\n       \
        cc-observe init [OPTIONS]\n       cc-observe redact [OPTIONS] [FILE]\n       cc-observe spool [status|flush|drop]\n       \
        cc-observe auth set|status|remove [DESTINATION]\n       \
        cc-observe config show|get|set|unset|edit|path|check|schema\n       \
        cc-observe doctor | status | statusline | policy\n       \
        cc-observe preview [--live | --dry -- claude …]\n       \
        cc-observe help [environment|COMMAND]",
    after_help = "Everything behind `claude` is claude's, untouched: `cc-observe claude --help` is claude's help.\n\n\
        Environment:\n  \
        CC_OBSERVE_ENDPOINT=URL  deliver to this OTLP/HTTP endpoint, instead of the configured ones\n  \
        CC_OBSERVE_CONFIG=FILE   read this configuration file\n  \
        CC_OBSERVE_CLAUDE=PATH   run this claude\n  \
        all of them: cc-observe help environment\n\n\
        Exit codes: claude's own, deaths by signal included; 125 cc-observe could not, 126 claude is not executable,\n\
        127 claude was not found; 2 a mistake in cc-observe's own options. `cc-observe help COMMAND` tells\n\
        those of a command."
)]
pub struct Options {
    /// What is shown on stderr when claude has exited.
    #[arg(long, value_enum, default_value = "auto", value_name = "HOW")]
    pub summary: SummaryOption,
    /// Writes the summary as JSON to a file, also when nothing is shown.
    #[arg(long, value_name = "PATH")]
    pub summary_file: Option<PathBuf>,
    /// Nothing of the session is observed; your destinations are told that there was one. For machines of your own, and
    /// where your organization allows it.
    #[arg(long)]
    pub unobserved: bool,
    /// A run of this id, whose telemetry is shown by `cc-observe preview` and sent to nobody.
    #[arg(long, hide = true, value_name = "RUN")]
    pub dry: Option<uuid::Uuid>,
    /// `claude`, or a path to it.
    #[arg(hide = true)]
    pub program: Option<OsString>,
}

/// Takes secrets out of text: FILE or stdin to stdout, a marker in the place of each.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe redact",
    bin_name = "cc-observe redact",
    after_help = "Own rules come from the configuration file, which CC_OBSERVE_CONFIG=FILE names.\n\n\
        Exit codes: 0 done; 1 something was found (with --check); 2 a mistake in the options or the configuration, or\n\
        input that cannot be read; 125 the output cannot be written."
)]
#[command(group = clap::ArgGroup::new("mode"))]
#[expect(clippy::struct_excessive_bools, reason = "each is an option that people type")]
pub struct RedactOptions {
    /// What is read; `-` or nothing is stdin.
    #[arg(value_name = "FILE", conflicts_with = "rules")]
    pub file: Option<PathBuf>,
    /// Reads lines {"id","text"} and writes lines {"id","text","findings":[{"rule","start","end"}]}, in the same order;
    /// `start` and `end` are bytes of the text that was read.
    #[arg(long, group = "mode")]
    pub jsonl: bool,
    /// Reads an OTLP export request, protobuf or JSON, and writes it in the same encoding.
    #[arg(long, value_enum, value_name = "SIGNAL", group = "mode")]
    pub otlp: Option<SignalOption>,
    /// Writes where each secret stands, what it is and why, instead of the text; never the secret.
    #[arg(long, group = "mode")]
    pub explain: bool,
    /// Lists the rules, your own among them.
    #[arg(long, group = "mode")]
    pub rules: bool,
    /// With --explain an object a line, with --rules an array.
    #[arg(long, conflicts_with_all = ["jsonl", "otlp"])]
    pub json: bool,
    /// What is let through of telemetry, with --otlp; commands by default.
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub level: Option<LevelOption>,
    /// Exits with 1 if something was found.
    #[arg(long)]
    pub check: bool,
}

/// Shows what waits to be delivered, delivers it, or drops it.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe spool",
    bin_name = "cc-observe spool",
    after_help = "Exit codes: 0 done; 1 something is left (flush --require), or nothing was dropped: the answer was no,\n\
        it was asked from within Claude Code, or the organization does not allow it;\n\
        2 a mistake in the options or the configuration; 125 the spool cannot be used."
)]
pub struct SpoolOptions {
    /// `status`, where none is given.
    #[command(subcommand)]
    pub command: Option<SpoolCommand>,
    /// An object instead of lines.
    #[arg(long)]
    pub json: bool,
}

/// What is to be done.
#[derive(Debug, clap::Subcommand)]
pub enum SpoolCommand {
    /// What waits, for whom, since when and why
    Status {
        /// An object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Delivers what waits, now
    Flush(FlushOptions),
    /// Removes what waits: it is never delivered
    Drop(DropOptions),
}

/// `cc-observe spool flush`.
#[derive(Debug, clap::Args)]
pub struct FlushOptions {
    /// How long it is tried, and how long a relay that still delivers is waited for.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub wait: Duration,
    /// Exits with 1 if something is left.
    #[arg(long)]
    pub require: bool,
    /// An object instead of lines.
    #[arg(long)]
    pub json: bool,
}

/// `cc-observe spool drop`.
#[derive(Debug, clap::Args)]
pub struct DropOptions {
    /// Only what waits for this one, by its name in `cc-observe spool status`.
    #[arg(long, value_name = "NAME")]
    pub destination: Option<String>,
    /// What was set aside too: batches that the endpoint did not take, and damaged ones.
    #[arg(long)]
    pub parked: bool,
    /// Does not ask.
    #[arg(long)]
    pub yes: bool,
    /// An object instead of lines.
    #[arg(long)]
    pub json: bool,
}

/// `30s`, `2m`, `1h 30m`; a day at most.
fn duration(text: &str) -> Result<Duration, String> {
    let duration: jiff::SignedDuration =
        text.parse().map_err(|_| "a duration is written as 30s, 2m or 1h".to_owned())?;
    match Duration::try_from(duration) {
        Ok(duration) if duration <= Duration::from_secs(86_400) => Ok(duration),
        _ => Err("it is between 0s and 24h".to_owned()),
    }
}

/// `--otlp`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum SignalOption {
    /// Events.
    Logs,
    /// Counters.
    Metrics,
    /// Spans.
    Traces,
}

/// `--level`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum LevelOption {
    /// Names, numbers and decisions.
    Metadata,
    /// Commands too.
    Commands,
    /// Prompts, answers and file contents too.
    Content,
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
const WITH_VALUE: [&str; 3] = ["--dry", "--summary", "--summary-file"];

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
        RedactOptions::command().debug_assert();
    }
}
