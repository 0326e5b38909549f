//! Edge: `cc-observe preview`: exactly what leaves this machine, to each destination.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::Parser;
use jiff::tz::TimeZone;
use rustix::termios::tcgetwinsize;
use uuid::Uuid;

use super::{COULD_NOT, USAGE, complain, redact, show};
use crate::config::{Destination, paths};
use crate::deliver::as_given;
use crate::launch::{self, Given};
use crate::process::{self, Inherited};
use crate::relay::control::ShownRequest;
use crate::relay::socket::{self, Watching};
use crate::report::{self, PreviewLine, Style};
use crate::spool::{self, Peeked};

/// How often it is looked for runs that have begun.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How often a run that is being started is looked for.
const BEGIN: Duration = Duration::from_millis(10);

/// Lines are no narrower.
const MIN_WIDTH: usize = 40;

/// Shows exactly what leaves this machine: what waits, what is sent now, or what a session would send.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe preview",
    bin_name = "cc-observe preview",
    after_help = "Where nothing is said: the batches that wait on disk, as each destination will be given them.\n\n\
        Exit codes: 0 done, with --dry claude's own; 1 nothing is there to be shown;\n\
        2 a mistake in the options or the configuration; 125 it cannot be done."
)]
struct PreviewOptions {
    /// Shows what the sessions that run now send, as they send it, until the last of them has ended.
    #[arg(long, conflicts_with = "dry")]
    live: bool,
    /// Runs a session, and shows at its end what it would have sent. Nothing is delivered.
    #[arg(long)]
    dry: bool,
    /// Only what this one is given.
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// Only so many requests.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Writes it to a file.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// An object on a line for each request.
    #[arg(long)]
    json: bool,
    /// With --dry: `claude …`, or a path to it and its arguments.
    #[arg(last = true, value_name = "COMMAND", requires = "dry")]
    command: Vec<OsString>,
}

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The options ask for what cannot be, or the configuration cannot be used.
    #[error("{0}")]
    Usage(String),
    /// It cannot be done.
    #[error("{0}")]
    Cannot(String),
    /// The output cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// Does what `cc-observe preview …` says; the exit code.
pub(super) fn run(args: &[OsString], environment: &[(OsString, OsString)], inherited: &Inherited) -> u8 {
    inherited.make_usable();
    let name = OsString::from("cc-observe preview");
    let options = match PreviewOptions::try_parse_from(std::iter::once(&name).chain(args)) {
        Ok(options) => options,
        Err(error) => return show(&error),
    };
    let given = Given { variables: environment };
    let result = Shower::new(given, &options).and_then(|mut shower| {
        let code = if options.dry {
            dry(&options.command, &mut shower)
        } else if options.live {
            live(&mut shower)
        } else {
            waiting(given, &options, &mut shower)
        };
        shower.end()?;
        code
    });
    match result {
        Ok(code) => code,
        // Who has seen enough does not look on: that is no failure.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            complain(report::printable(&error.to_string(), 1000).as_str());
            if matches!(error, Failure::Usage(_)) { USAGE } else { COULD_NOT }
        }
    }
}

/// Shows requests, one after the other.
struct Shower {
    out: Box<dyn Write>,
    style: Style,
    json: bool,
    destination: Option<String>,
    left: usize,
    shown: u64,
}

impl Shower {
    fn new(given: Given<'_>, options: &PreviewOptions) -> Result<Self, Failure> {
        let stdout = io::stdout();
        let (out, terminal): (Box<dyn Write>, bool) = match &options.output {
            Some(path) => {
                // As the spool is: for nobody else to read.
                let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
                let file =
                    file.map_err(|error| Failure::Cannot(format!("cannot write {}: {error}", path.display())))?;
                (Box::new(io::BufWriter::new(file)), false)
            }
            None => (Box::new(io::stdout()), process::is_terminal(stdout.as_fd())),
        };
        let width = tcgetwinsize(stdout.as_fd()).map(|size| usize::from(size.ws_col)).ok();
        let width = width.filter(|width| terminal && *width > 0).map_or(usize::MAX, |width| width.max(MIN_WIDTH));
        Ok(Self {
            out,
            style: Style { colour: given.colours(terminal), width, time_zone: TimeZone::system() },
            json: options.json,
            destination: options.destination.clone(),
            left: options.limit.unwrap_or(usize::MAX),
            shown: 0,
        })
    }

    /// Whether more may be shown.
    fn put(&mut self, line: &PreviewLine) -> Result<bool, Failure> {
        if self.destination.as_ref().is_some_and(|wanted| *wanted != line.destination) {
            return Ok(true);
        }
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        self.shown += 1;
        let text = if self.json { report::preview_json(line) } else { report::preview(line, &self.style) };
        self.out.write_all(text.as_bytes())?;
        self.out.flush()?;
        Ok(self.left > 0)
    }

    fn put_sent(&mut self, sent: ShownRequest) -> Result<bool, Failure> {
        let ShownRequest { destination, signal, batches, records, request, .. } = sent;
        self.put(&PreviewLine::new(destination, signal, batches, records, request.as_deref()))
    }

    fn end(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}

/// What waits on disk, as it would be sent today.
fn waiting(given: Given<'_>, options: &PreviewOptions, shower: &mut Shower) -> Result<u8, Failure> {
    let (destinations, policy) =
        launch::destinations_of_today(given).map_err(|error| Failure::Usage(error.to_string()))?;
    if let Some(name) = &options.destination
        && !destinations.iter().any(|destination| destination.name == *name)
    {
        let known: Vec<_> = destinations.iter().map(|destination| destination.name.as_str()).collect();
        let known =
            if known.is_empty() { "there is none".to_owned() } else { format!("there is {}", known.join(", ")) };
        return Err(Failure::Usage(format!("no destination {name}; {known}")));
    }
    let redactor = Arc::new(redact::redactor(given).map_err(|error| Failure::Usage(error.to_string()))?);
    let root = state()?.join("spool");
    let mut result = Ok(());
    let mut damaged = 0_u64;
    for destination in &destinations {
        let each = &mut |peeked: Peeked| {
            let line = as_line(&peeked, destination, |spooled| as_given(spooled, destination, &redactor, &policy));
            let Some(line) = line else {
                damaged += 1;
                return ControlFlow::Continue(());
            };
            match shower.put(&line) {
                Ok(true) => return ControlFlow::Continue(()),
                Ok(false) => {}
                Err(error) => result = Err(error),
            }
            ControlFlow::Break(())
        };
        spool::peek(&root, &destination.spool, each).map_err(|error| Failure::Cannot(error.to_string()))?;
    }
    result?;
    tell_of_others(&root, &destinations)?;
    if damaged > 0 {
        complain(&format!("{} damaged, and will not be sent", are(damaged)));
    }
    if shower.shown == 0 {
        complain("nothing waits to be delivered; `--live` shows what is sent, `--dry -- claude` what would be");
        return Ok(1);
    }
    Ok(0)
}

fn are(batches: u64) -> String {
    format!("{} {}", report::many(batches, "batch"), if batches == 1 { "is" } else { "are" })
}

fn as_line(
    peeked: &Peeked,
    destination: &Destination,
    given: impl FnOnce(&spool::Spooled) -> Option<crate::redact::Redacted<crate::otlp::Batch>>,
) -> Option<PreviewLine> {
    let spooled = peeked.batch.as_ref().ok()?;
    let batch = given(spooled)?;
    let request = batch.encode_json();
    Some(PreviewLine::new(
        destination.name.clone(),
        spooled.header.signal,
        vec![spooled.header.batch.to_string()],
        batch.get().records(),
        std::str::from_utf8(request.get()).ok(),
    ))
}

/// What waits for those who are no destinations today goes to nobody.
fn tell_of_others(root: &Path, destinations: &[Destination]) -> Result<(), Failure> {
    let held = spool::look(root).map_err(|error| Failure::Cannot(error.to_string()))?;
    for held in held.iter().filter(|held| !destinations.iter().any(|it| it.spool == held.destination)) {
        let batches = held.total().batches;
        if batches > 0 {
            let wait = if batches == 1 { "waits" } else { "wait" };
            complain(&format!(
                "{} {wait} for {}, which is no destination of today's configuration, and will not be sent",
                report::many(batches, "batch"),
                held.destination
            ));
        }
    }
    Ok(())
}

fn state() -> Result<PathBuf, Failure> {
    paths::state_directory().map_err(|error| Failure::Cannot(format!("no directory for state: {error}")))
}

/// What the runs of now send, those too that begin meanwhile, until none is left.
fn live(shower: &mut Shower) -> Result<u8, Failure> {
    let state = state()?;
    let (sender, sent) = mpsc::channel::<Option<ShownRequest>>();
    let mut known: Vec<String> = Vec::new();
    let (mut watched, mut any) = (0_usize, false);
    loop {
        for run in socket::runs(&state) {
            if known.contains(&run) {
                continue;
            }
            let Some(watching) = socket::watch(&run, &state) else { continue };
            known.push(run);
            (watched, any) = (watched + 1, true);
            let sender = sender.clone();
            std::thread::spawn(move || {
                // Nobody wants to know any more: so it ends.
                let _ = watching.map(Some).chain(std::iter::once(None)).try_for_each(|sent| sender.send(sent));
            });
        }
        if !any {
            complain("no session runs now; `--dry -- claude` shows what one would send");
            return Ok(1);
        }
        match sent.recv_timeout(LOOK_AGAIN) {
            Ok(Some(request)) => {
                if !shower.put_sent(request)? {
                    return Ok(0);
                }
            }
            Ok(None) => watched -= 1,
            Err(_) if watched == 0 => return Ok(0),
            Err(_) => {}
        }
    }
}

/// Looks on at a run as soon as its relay is there, or has been when claude ended.
fn begun(run: &str, state: &Path, gone: &AtomicBool) -> Option<Watching> {
    loop {
        let was_gone = gone.load(Ordering::SeqCst);
        if let Some(watching) = socket::watch(run, state) {
            return Some(watching);
        }
        if was_gone {
            return None;
        }
        std::thread::sleep(BEGIN);
    }
}

/// Runs a session whose telemetry is delivered to nobody, and shows it.
fn dry(command: &[OsString], shower: &mut Shower) -> Result<u8, Failure> {
    // As people type it in front of claude.
    let command = command.strip_prefix(&[OsString::from("cc-observe")][..]).unwrap_or(command);
    if command.is_empty() {
        return Err(Failure::Usage("what is to be run? `cc-observe preview --dry -- claude …`".to_owned()));
    }
    let state = state()?;
    let program = std::env::current_exe().map_err(|error| Failure::Cannot(format!("cannot find myself: {error}")))?;
    let run = Uuid::now_v7();
    let child = Command::new(program)
        .arg("--dry")
        .arg(run.to_string())
        .args(["--summary", "off"])
        .args(command)
        .stdin(Stdio::inherit())
        .spawn();
    let mut child = child.map_err(|error| Failure::Cannot(format!("cannot run it: {error}")))?;
    // Not before: who is started would inherit it.
    process::leave_the_terminal_to_children();
    let (sender, sent) = mpsc::channel();
    let gone = Arc::new(AtomicBool::new(false));
    let watching = {
        let (run, state, gone) = (run.to_string(), state.clone(), Arc::clone(&gone));
        std::thread::spawn(move || {
            if let Some(mut watching) = begun(&run, &state, &gone) {
                // Nobody wants to know any more: so it ends.
                let _ = watching.try_for_each(|request| sender.send(request));
            }
        })
    };
    let status = child.wait();
    gone.store(true, Ordering::SeqCst);
    let status = status.map_err(|error| Failure::Cannot(format!("cannot wait for it: {error}")))?;
    let shown = sent.iter().map(|request| shower.put_sent(request)).find(|more| !matches!(more, Ok(true)));
    drop(sent);
    // A panic of it is told on stderr.
    let _ = watching.join();
    shown.transpose()?;
    Ok(status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .map_or(COULD_NOT, |code| u8::try_from(code).unwrap_or(COULD_NOT)))
}
