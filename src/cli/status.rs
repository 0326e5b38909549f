//! Edge: `cc-observe status` and `cc-observe statusline`: what runs now, and what became of its telemetry.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use clap::Parser;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{COULD_NOT, complain, print, show, spool};
use crate::config::paths;
use crate::launch::{self, Given};
use crate::process::{self, Inherited};
use crate::relay::socket;
use crate::report::{self, Running, Style};

/// How long the end of what Claude Code says to a status line is waited for.
const PATIENCE_MS: u16 = 50;

/// The most runs that are asked at once.
const AT_ONCE: usize = 32;

/// Shows what runs now, what it cost so far, and what waits to be delivered.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe status",
    bin_name = "cc-observe status",
    after_help = "Exit codes: 0 done; 2 a mistake in the options; 125 the state directory cannot be used."
)]
pub struct StatusOptions {
    /// An object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Prints one line about the session above: cost, tokens, and whether its telemetry is delivered. For `statusLine` of
/// Claude Code's settings.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe statusline",
    bin_name = "cc-observe statusline",
    after_help = "In ~/.claude/settings.json:\n  \
        { \"statusLine\": { \"type\": \"command\", \"command\": \"cc-observe statusline\" } }\n\n\
        Exit codes: 0 done, also where the session is not observed; 2 a mistake in the options."
)]
pub struct StatuslineOptions {}

/// Does what `cc-observe status …` says; the exit code.
pub(super) fn run(args: &[OsString], environment: &[(OsString, OsString)], inherited: &Inherited) -> u8 {
    inherited.make_usable();
    let name = OsString::from("cc-observe status");
    let options = match StatusOptions::try_parse_from(std::iter::once(&name).chain(args)) {
        Ok(options) => options,
        Err(error) => return show(&error),
    };
    let given = Given { variables: environment };
    let state = match paths::state_directory() {
        Ok(state) => state,
        Err(error) => {
            complain(&format!("no directory for state: {error}"));
            return COULD_NOT;
        }
    };
    let runs = runs(&state);
    let (lines, disk) = match spool::lying(given) {
        Ok(lying) => lying,
        Err(error) => {
            complain(report::printable(&error.to_string(), 1000).as_str());
            return COULD_NOT;
        }
    };
    let text = if options.json {
        report::status_json(&runs, &lines, disk)
    } else {
        let style = spool::style(given);
        let between = if runs.is_empty() { "" } else { "\n" };
        format!("{}{between}{}", report::running(&runs, &style), report::spool_status(&lines, disk, &style))
    };
    print(&text)
}

/// Does what `cc-observe statusline` says; the exit code.
pub(super) fn run_line(args: &[OsString], environment: &[(OsString, OsString)], inherited: &Inherited) -> u8 {
    inherited.make_usable();
    let name = OsString::from("cc-observe statusline");
    if let Err(error) = StatuslineOptions::try_parse_from(std::iter::once(&name).chain(args)) {
        return show(&error);
    }
    let given = Given { variables: environment };
    // Claude Code shows colours in a pipe.
    let style = Style { colour: given.colours(true), width: usize::MAX, ..Style::PLAIN };
    let line = match launch::summary_above(given) {
        Some(summary) => report::statusline(&summary, &style),
        None => report::statusline_of_none(&style),
    };
    let code = print(&format!("{line}\n"));
    drain();
    code
}

/// Those whose relay is there.
fn runs(state: &Path) -> Vec<Running> {
    let all = socket::runs(state);
    let mut running = Vec::new();
    for some in all.chunks(AT_ONCE) {
        let ask = |run_id: &String| {
            let summary = socket::summary(run_id, state);
            let is_there = summary.is_some() || socket::ask(run_id, state).is_some();
            is_there.then(|| Running { run_id: run_id.clone(), summary })
        };
        std::thread::scope(|scope| {
            let asked: Vec<_> = some.iter().map(|run_id| scope.spawn(move || ask(run_id))).collect();
            running.extend(asked.into_iter().filter_map(|asked| asked.join().ok().flatten()));
        });
    }
    running
}

/// The versions of the relays that are there.
pub(super) fn versions(state: &Path) -> Vec<String> {
    socket::runs(state).iter().filter_map(|run_id| Some(socket::ask(run_id, state)?.version)).collect()
}

/// Reads what Claude Code says about its session, so that it can say it; nothing of it is needed.
fn drain() {
    let stdin = io::stdin();
    if process::is_terminal(stdin.as_fd()) {
        return;
    }
    let mut buffer = [0; 4096];
    loop {
        let mut fds = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, PollTimeout::from(PATIENCE_MS)).unwrap_or(0) < 1 {
            return;
        }
        match stdin.lock().read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
