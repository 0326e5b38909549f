//! Edge: the end of a run: waits for claude, asks the relay what happened, shows it, and ends as claude ended.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nix::unistd::Pid;
use rustix::termios::{OutputModes, tcgetattr, tcgetwinsize};
use uuid::Uuid;

use super::given::Given;
use super::relay_process::{NoAnswer, Relay};
use super::situation::Shown;
use super::wait::{Ended, wait_for};
use super::{Launch, complain};
use crate::process::{self, Signals};
use crate::relay::control::Exit;
use crate::report::{self, Moment, Note, RunSummary, Style};

/// How long the relay may take to answer, beside what it is told to wait for delivery.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// How long a relay that has nothing left to do may take to end.
const END_LIMIT: Duration = Duration::from_millis(500);

/// Terminals narrower than this are treated as this narrow.
const MIN_WIDTH: usize = 40;

/// What is wider is hard to read.
const MAX_WIDTH: usize = 100;

/// A run that has begun, as far as the launcher knows it.
pub(super) struct Begun {
    /// Empty if the run is not observed.
    pub run_id: String,
    /// When claude was started.
    pub started: Timestamp,
    /// What there is to say already.
    pub notes: Vec<Note>,
}

/// Waits for claude, shows what happened and ends as claude ended.
pub(super) fn observed(launch: &Launch<'_>, mut begun: Begun, mut relay: Relay, child: Pid, signals: &Signals) -> ! {
    // The credentials that came with our environment are in it still.
    process::hide();
    let ended = wait_for(child, signals, launch.pid == Pid::from_raw(1));
    let (code, signal) = match ended {
        Ended::Exited(code) => (Some(code), None),
        Ended::Killed(signal) => (None, Some(signal)),
    };
    let drain = launch.plan.drain;
    let limit = ANSWER_LIMIT + drain.unwrap_or_default();
    let waiting = || {
        if let Some(drain) = drain
            && launch.plan.shown != Shown::Nothing
        {
            complain(&format!("waiting up to {} s for the telemetry to be delivered", drain.as_secs()));
        }
    };
    let summary = relay.summary(Exit { code, signal, drain }, limit, signals, waiting);
    let summary = summary.unwrap_or_else(|reason| {
        begun.notes.push(match reason {
            NoAnswer::Gone => Note::RelayGone,
            NoAnswer::Late | NoAnswer::Interrupted => Note::Incomplete,
        });
        without_relay(begun, ended)
    });
    tell(launch, &summary);
    if drain.is_some() {
        relay.see_it_end(END_LIMIT);
    }
    end_as(ended)
}

/// Waits for a claude that is not observed, says so on a terminal and ends as it ended.
pub(super) fn unobserved(launch: &Launch<'_>, begun: Begun, child: Pid, signals: &Signals) -> ! {
    // The credentials that came with our environment are in it still.
    process::hide();
    let ended = wait_for(child, signals, launch.pid == Pid::from_raw(1));
    tell(launch, &without_relay(begun, ended));
    end_as(ended)
}

fn end_as(ended: Ended) -> ! {
    match ended {
        Ended::Exited(code) => process::exit_now(code),
        Ended::Killed(signal) => process::die_of(signal),
    }
}

/// What is known without a relay: when, and how it ended.
fn without_relay(begun: Begun, ended: Ended) -> RunSummary {
    let Begun { run_id, started, notes } = begun;
    let now = Timestamp::now();
    let moment = |at: Timestamp| u64::try_from(at.as_nanosecond()).ok().and_then(Moment::from_unix_nanos);
    RunSummary {
        run_id,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        started: moment(started),
        ended: moment(now),
        duration: Duration::try_from(now.duration_since(started)).unwrap_or_default(),
        exit: Some(match ended {
            Ended::Exited(code) => report::Exit::Code(code),
            Ended::Killed(signal) => report::Exit::Signal(signal),
        }),
        notes,
        ..RunSummary::default()
    }
}

/// Shows the summary, and writes it where it is asked for. Whatever goes wrong in here, claude's status is what counts.
fn tell(launch: &Launch<'_>, summary: &RunSummary) {
    // The panic itself has been told on stderr.
    let _ = std::panic::catch_unwind(AssertUnwindSafe(|| show_and_write(launch, summary)));
}

fn show_and_write(launch: &Launch<'_>, summary: &RunSummary) {
    let given = Given { variables: &launch.invocation.environment };
    if !summary.is_silent() {
        let style = style(given, summary);
        let text = match launch.plan.shown {
            Shown::Full => report::full(summary, &style),
            Shown::Line => report::line(summary, &style),
            Shown::Json => report::json(summary),
            Shown::Nothing => String::new(),
        };
        show(&text);
    }
    if let Some(path) = &launch.invocation.summary_file
        && let Err(error) = write_summary(path, &report::json(summary))
    {
        complain(&format!("cannot write the summary to {}: {error}", report::printable(&path.to_string_lossy(), 200)));
    }
    if launch.plan.markdown
        && let Some(path) = given.get("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())
        && !summary.is_silent()
        && let Err(error) = append(&PathBuf::from(path), &report::markdown(summary))
    {
        complain(&format!("cannot write to $GITHUB_STEP_SUMMARY: {error}"));
    }
}

fn show(text: &str) {
    if text.is_empty() {
        return;
    }
    let stderr = io::stderr();
    let mut text = text.to_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    // A claude that was killed leaves the terminal raw: lines need their own carriage return then.
    if tcgetattr(stderr.as_fd()).is_ok_and(|modes| !modes.output_modes.contains(OutputModes::OPOST)) {
        text = text.replace('\n', "\r\n");
    }
    let _ = stderr.lock().write_all(text.as_bytes());
}

fn style(given: Given<'_>, summary: &RunSummary) -> Style {
    let stderr = io::stderr();
    let terminal = process::is_terminal(stderr.as_fd());
    let width = tcgetwinsize(stderr.as_fd()).map(|size| usize::from(size.ws_col)).ok().filter(|width| *width > 0);
    Style {
        colour: given.colours(terminal),
        width: width.unwrap_or(Style::PLAIN.width).clamp(MIN_WIDTH, MAX_WIDTH),
        // Only "since 14:02" needs it, and reading it costs more than all the rest of the summary.
        time_zone: if summary.delivery.iter().any(|delivery| delivery.failing_since.is_some()) {
            TimeZone::system()
        } else {
            TimeZone::UTC
        },
    }
}

/// Writes the whole file or nothing; what is no regular file is written to as it is.
fn write_summary(path: &Path, json: &str) -> io::Result<()> {
    let text = format!("{}\n", json.trim_end());
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
    }
    let mut temporary = OsString::from(path);
    temporary.push(format!(".{}.tmp", Uuid::new_v4().simple()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}
