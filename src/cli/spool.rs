//! Edge: `cc-observe spool`: what waits to be delivered, and what to do about it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufRead as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Parser as _;
use tokio::time::Instant;

use super::args::{DropOptions, FlushOptions, SpoolCommand, SpoolOptions};
use super::{COULD_NOT, USAGE, complain, redact, show};
use crate::config::{Destination, managed, paths};
use crate::deliver::{Delivery, Idle};
use crate::launch::{self, Given};
use crate::otlp::Signal;
use crate::process::{self, Inherited};
use crate::redact::{Policy, Redactor};
use crate::report::{self, Disk, Dropped, Files, FlushLine, SpoolLine, Style};
use crate::spool::{ADOPTED_AT_ONCE, Exit, Held, Lying, Queue, Spool, SpoolError, look, room};

/// Something is left, and `--require` asked for nothing to be.
const LEFT: u8 = 1;

/// How often it is looked whether a relay has let go of its batches.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The options ask for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// The configuration cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// The spool cannot be used.
    #[error("the spool cannot be used: {0}")]
    Spool(#[from] SpoolError),
    /// The system refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// Does what `cc-observe spool …` says; the exit code.
pub(super) fn run(args: &[OsString], environment: &[(OsString, OsString)], inherited: &Inherited) -> u8 {
    inherited.make_usable();
    let name = OsString::from("cc-observe spool");
    let options = match SpoolOptions::try_parse_from(std::iter::once(&name).chain(args)) {
        Ok(options) => options,
        Err(error) => return show(&error),
    };
    let given = Given { variables: environment };
    let result = match options.command {
        None => status(given, options.json),
        Some(SpoolCommand::Status { json }) => status(given, json || options.json),
        Some(SpoolCommand::Flush(flush_options)) => flush(given, &flush_options),
        Some(SpoolCommand::Drop(drop_options)) => discard(given, &drop_options),
    };
    match result {
        Ok(code) => code,
        // Who has read enough does not read on: that is no failure.
        Err(Failure::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            complain(report::printable(&error.to_string(), 1000).as_str());
            match error {
                Failure::Usage(_) | Failure::Configuration(_) => USAGE,
                Failure::Spool(_) | Failure::Io { .. } => COULD_NOT,
            }
        }
    }
}

/// Where the spool is.
fn root() -> Result<PathBuf, Failure> {
    let state = paths::state_directory();
    Ok(state.map_err(|source| Failure::Io { doing: "no directory for state", source })?.join("spool"))
}

fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|source| Failure::Io { doing: "cannot write", source })
}

pub(super) fn style(given: Given<'_>) -> Style {
    let stdout = io::stdout();
    let terminal = process::is_terminal(stdout.as_fd());
    Style { colour: given.colours(terminal), width: usize::MAX, ..Style::PLAIN }
}

/// Whom today's configuration delivers to, and under which policy.
fn destinations(given: Given<'_>) -> Result<(Vec<Destination>, Policy), Failure> {
    launch::destinations_of_today(given).map_err(|error| Failure::Configuration(error.to_string()))
}

/// What lies in the spool, and the disk that it is on.
pub(super) fn lying(given: Given<'_>) -> Result<(Vec<SpoolLine>, Option<Disk>), Failure> {
    // A configuration that cannot be used does not keep anybody from looking.
    let configured = destinations(given).unwrap_or_else(|error| {
        complain(report::printable(&error.to_string(), 1000).as_str());
        (Vec::new(), Policy::default())
    });
    let names: BTreeSet<&str> = configured.0.iter().map(|destination| destination.spool.as_str()).collect();
    let now = SystemTime::now();
    let root = root()?;
    let lines = look(&root)?.iter().map(|held| line(held, names.contains(&*held.destination), now)).collect();
    let disk = room(&root).map(|room| Disk {
        available_bytes: room.available_bytes,
        read_only: room.read_only,
        full: room.is_none(),
    });
    Ok((lines, disk))
}

fn status(given: Given<'_>, json: bool) -> Result<u8, Failure> {
    let (lines, disk) = lying(given)?;
    write(&if json {
        report::spool_status_json(&lines, disk)
    } else {
        report::spool_status(&lines, disk, &style(given))
    })?;
    Ok(0)
}

fn line(held: &Held, configured: bool, now: SystemTime) -> SpoolLine {
    let files = |lying: Lying| Files {
        batches: lying.batches,
        records: lying.records,
        bytes: lying.bytes,
        // A clock that was set back makes no age.
        oldest_seconds: lying.oldest.map(|oldest| now.duration_since(oldest).unwrap_or_default().as_secs()),
    };
    let count = |runs: usize| u64::try_from(runs).unwrap_or(u64::MAX);
    SpoolLine {
        name: held.destination.clone(),
        configured,
        waiting: files(held.total()),
        runs: count(held.runs.iter().filter(|run| run.total().batches > 0).count()),
        in_use: count(held.runs.iter().filter(|run| run.in_use).count()),
        error: held.why.as_ref().map(|why| why.error.clone()),
        error_since: held.why.as_ref().and_then(|why| why.since.clone()),
        parked: files(held.parked),
        corrupt: files(held.corrupt),
        dropped: held.lost.as_ref().map(|lost| Dropped {
            batches: lost.count.batches,
            records: lost.count.records,
            evicted_batches: lost.evicted.batches,
            since: lost.since.clone(),
        }),
    }
}

fn flush(given: Given<'_>, options: &FlushOptions) -> Result<u8, Failure> {
    let (destinations, policy) = destinations(given)?;
    let redactor = redact::redactor(given).map_err(|error| Failure::Configuration(error.to_string()))?;
    let root = root()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Failure::Io { doing: "no runtime", source })?;
    let mut lines = Vec::new();
    if root.exists() {
        let spool = Spool::open(&root)?;
        lines = runtime.block_on(flush_all(&spool, &root, destinations, (Arc::new(redactor), &policy), options))?;
    }
    // What waits for a destination that is gone, and what came meanwhile, is left too.
    for held in look(&root)? {
        let left = held.total().batches;
        match lines.iter_mut().find(|line| line.name == held.destination) {
            Some(line) => line.left = left,
            None => lines.push(FlushLine {
                name: held.destination,
                left,
                error: Some("is no destination of today's configuration".to_owned()),
                ..FlushLine::default()
            }),
        }
    }
    write(&if options.json { report::spool_json(&lines) } else { report::spool_flush(&lines, &style(given)) })?;
    Ok(if options.require && lines.iter().any(|line| line.left > 0) { LEFT } else { 0 })
}

/// Delivers to all destinations at once, until nothing is left that could be delivered in time.
async fn flush_all(
    spool: &Spool,
    root: &std::path::Path,
    destinations: Vec<Destination>,
    (redactor, policy): (Arc<Redactor>, &Policy),
    options: &FlushOptions,
) -> Result<Vec<FlushLine>, Failure> {
    let deadline = Instant::now() + options.wait;
    let start = |destination: Destination| {
        let delivery =
            Delivery::start(&destination, Arc::clone(&redactor), policy, None, Queue::in_memory(), Vec::new());
        (destination, delivery)
    };
    let deliveries: Vec<_> = destinations.into_iter().map(start).collect();
    let progress = Progress::new();
    loop {
        let mut more = false;
        for (destination, delivery) in &deliveries {
            let adopted = spool.adopt(&destination.spool)?;
            more |= adopted.len() >= ADOPTED_AT_ONCE;
            delivery.adopt(adopted).await;
        }
        let mut held = true;
        for (_, delivery) in &deliveries {
            held &= wait(delivery, &deliveries, &progress, deadline).await != Idle::Late;
        }
        // What a relay is delivering is waited for: it may let go of it, or be done.
        let in_use = look(root)?.iter().any(|held| {
            deliveries.iter().any(|(destination, _)| destination.spool == held.destination)
                && held.runs.iter().any(|run| run.in_use && run.total().batches > 0 && !ours(&deliveries))
        });
        if !held || Instant::now() >= deadline || !(more || in_use) {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    progress.end();
    let mut lines = Vec::new();
    for (destination, delivery) in &deliveries {
        let counts = delivery.close().await;
        let total = counts.total();
        if let Err(error) = counts.write_down(spool, &destination.spool, jiff::Timestamp::now()) {
            complain(&format!("why batches wait, and how many were dropped, is not written down: {error}"));
        }
        lines.push(FlushLine {
            name: destination.spool.clone(),
            delivered: total.delivered.batches,
            parked: total.parked.batches,
            dropped: total.dropped.batches,
            left: total.waiting().batches,
            error: counts.last_error,
        });
    }
    Ok(lines)
}

/// Whether we hold what waits ourselves.
fn ours(deliveries: &[(Destination, Delivery)]) -> bool {
    deliveries.iter().any(|(_, delivery)| delivery.counts().total().waiting().batches > 0)
}

async fn wait(delivery: &Delivery, all: &[(Destination, Delivery)], progress: &Progress, deadline: Instant) -> Idle {
    loop {
        let soon = deadline.min(Instant::now() + LOOK_AGAIN);
        let idle = delivery.idle(deadline);
        tokio::select! {
            idle = idle => return idle,
            () = tokio::time::sleep_until(soon) => progress.show(all),
        }
        if Instant::now() >= deadline {
            return Idle::Late;
        }
    }
}

/// A line on the terminal that says how far it is.
struct Progress {
    terminal: bool,
}

impl Progress {
    fn new() -> Self {
        Self { terminal: process::is_terminal(io::stderr().as_fd()) }
    }

    fn show(&self, deliveries: &[(Destination, Delivery)]) {
        if self.terminal {
            let (mut done, mut all) = (0, 0);
            for (_, delivery) in deliveries {
                let total = delivery.counts().total();
                done += total.accepted.batches - total.waiting().batches.min(total.accepted.batches);
                all += total.accepted.batches;
            }
            let _ = write!(io::stderr(), "\r\x1b[Kdelivering: {done} of {all} batches");
        }
    }

    fn end(&self) {
        if self.terminal {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn discard(given: Given<'_>, options: &DropOptions) -> Result<u8, Failure> {
    if given.is_below_claude() {
        // A command that a model was talked into must not remove what tells of it.
        complain(
            "nothing was dropped: a session of Claude Code cannot drop what is told of it; use a terminal of your own",
        );
        return Ok(LEFT);
    }
    if !managed::allows_drop() {
        complain(&format!("nothing was dropped: your organization does not allow it (see {})", paths::MANAGED));
        return Ok(LEFT);
    }
    let root = root()?;
    let wanted = |held: &Held| options.destination.as_ref().is_none_or(|name| *name == held.destination);
    let all = look(&root)?;
    if let Some(name) = options.destination.as_ref().filter(|name| !all.iter().any(|held| held.destination == **name)) {
        let known: Vec<&str> = all.iter().map(|held| held.destination.as_str()).collect();
        let known =
            if known.is_empty() { "the spool is empty".to_owned() } else { format!("there is {}", known.join(", ")) };
        return Err(Failure::Usage(format!("nothing lies in the spool for {name}; {known}")));
    }
    let chosen: Vec<Held> = all.into_iter().filter(wanted).collect();
    let sum = |held: &Held| {
        let aside = if options.parked { held.parked.and(held.corrupt) } else { Lying::default() };
        let free = held.runs.iter().filter(|run| !run.in_use);
        free.fold(aside, |sum, run| sum.and(run.total()))
    };
    let total = chosen.iter().fold(Lying::default(), |total, held| total.and(sum(held)));
    let in_use = chosen.iter().flat_map(|held| &held.runs).filter(|run| run.in_use).count();
    if total.batches > 0 && !options.yes && !confirmed(total)? {
        complain("nothing was dropped");
        return Ok(LEFT);
    }
    let mut lines = Vec::new();
    for held in &chosen {
        let dropped = drop_of(&root, &held.destination, options.parked)?;
        let left =
            look(&root)?.iter().find(|now| now.destination == held.destination).map_or(0, |now| now.total().batches);
        lines.push(FlushLine { name: held.destination.clone(), dropped, left, ..FlushLine::default() });
    }
    write(&if options.json { report::spool_json(&lines) } else { report::spool_flush(&lines, &style(given)) })?;
    if in_use > 0 {
        complain(&format!("{in_use} of the runs {} being delivered, and kept", if in_use == 1 { "is" } else { "are" }));
    }
    Ok(0)
}

fn drop_of(root: &std::path::Path, destination: &str, aside: bool) -> Result<u64, Failure> {
    let spool = Spool::open(root)?;
    let mut dropped = if aside { spool.discard_aside(destination)? } else { 0 };
    loop {
        let queues = spool.adopt(destination)?;
        let more = queues.len() >= ADOPTED_AT_ONCE;
        for queue in queues {
            for signal in Signal::ALL {
                while let Some(sequence) = queue.first(signal, None) {
                    queue.settle(signal, sequence, Exit::Dropped);
                    dropped += 1;
                }
            }
            queue.remove();
        }
        if !more {
            break;
        }
    }
    spool.remember(destination, None)?;
    spool.forget_lost(destination)?;
    Ok(dropped)
}

/// Asks whoever sits at the terminal.
fn confirmed(total: Lying) -> Result<bool, Failure> {
    let (stdin, mut stderr) = (io::stdin(), io::stderr());
    if !process::is_terminal(stdin.as_fd()) || !process::is_terminal(stderr.as_fd()) {
        return Err(Failure::Usage(
            "what is dropped is never delivered: say --yes where nobody can be asked".to_owned(),
        ));
    }
    let asked = write!(
        stderr,
        "Drop {} with {}? They will never be delivered. [y/N] ",
        counted(total.batches, "batch", "batches"),
        counted(total.records, "record", "records")
    );
    let failed = |source| Failure::Io { doing: "cannot ask", source };
    asked.and_then(|()| stderr.flush()).map_err(failed)?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
