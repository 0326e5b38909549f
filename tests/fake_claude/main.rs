//! A stand-in for `claude`: behaves as the real one (2.1.330) was seen to, and exports a capture of it.
//!
//! `FAKE_CLAUDE_CAPTURE=DIR` is the capture to play, `FAKE_CLAUDE_SPEED=N` so many times faster (0, the default:
//! without waiting), `FAKE_CLAUDE_FRESH=1` with ids of its own. It is a probe too: `FAKE_CLAUDE_DUMP=FILE` writes down
//! what world it was started into, `FAKE_CLAUDE_SIGNALS=FILE` each signal that reached it, `FAKE_CLAUDE_ACKNOWLEDGED=FILE`
//! each request that was acknowledged, and `FAKE_CLAUDE_DO` is a script of things to do, see [`actions`].
//!
//! What a replay cannot show: fresh timestamps, and the default reaction to SIGTERM that the real one has in its
//! first quarter of a second.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test tool: it prints as the real one does, and a mistake in a test ends it"
)]

mod actions;
mod arguments;
mod before_main;
#[path = "../support/capture.rs"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod capture;
mod export;
mod fresh;
mod probe;
mod settings;
mod signals;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use cc_observe::otlp::{self, Batch, Encoding, Signal};
use nix::sys::signal;

use actions::{Action, Ended};
use arguments::{Asked, Session};
use capture::{Capture, CapturedRequest};
use export::Exporter;
use fresh::Fresh;
use settings::Settings;
use signals::Signals;

const VERSION: &str = "2.1.330 (Claude Code)";
/// Set in the process that goes on after `--bg` has returned.
const DAEMON: &str = "FAKE_CLAUDE_DAEMON";
/// Where it is written down which requests of the capture were acknowledged, by file name, one a line.
const ACKNOWLEDGED: &str = "FAKE_CLAUDE_ACKNOWLEDGED";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let mut signals = Signals::take();
    let asked = arguments::read(&arguments);
    let session = match &asked {
        Asked::Session(session) => session,
        _ => &Session::default(),
    };
    let settings = match Settings::in_force(session) {
        Ok(settings) => settings,
        Err(message) => {
            eprintln!("{message}");
            return actions::code(1);
        }
    };
    if let Some(file) = std::env::var_os("FAKE_CLAUDE_DUMP") {
        probe::dump(file.as_ref(), &settings).expect("the probe can write its file");
    }
    match &asked {
        Asked::Version => println!("{VERSION}"),
        Asked::Help => println!("Usage: claude [options] [command] [prompt]"),
        Asked::Subcommand(words) => return subcommand(words),
        Asked::UnknownOption(option) => {
            eprintln!("error: unknown option '{option}'");
            return actions::code(1);
        }
        Asked::Session(session) if session.background && std::env::var_os(DAEMON).is_none() => {
            leave_a_daemon(&arguments);
        }
        Asked::Session(session) => return run(session, &settings, &mut signals),
    }
    ExitCode::SUCCESS
}

/// A session from its first request to its exit code.
fn run(session: &Session, settings: &Settings, signals: &mut Signals) -> ExitCode {
    let mut exporter = Exporter::new(settings);
    let mut fresh = (variable("FAKE_CLAUDE_FRESH").as_deref() == Some("1")).then(Fresh::default);
    let trace = variable("TRACEPARENT").filter(|_| session.print).and_then(|parent| Trace::parse(&parent));
    let mut capture = std::env::var_os("FAKE_CLAUDE_CAPTURE").map(|directory| Capture::read(directory.as_ref()));
    for request in capture.iter_mut().flat_map(|capture| &mut capture.requests) {
        if let Some(trace) = &trace {
            trace.stamp(request);
        }
        if let Some(fresh) = &mut fresh {
            fresh.swap(&mut request.body);
        }
    }
    let mut stdout = capture.as_ref().map(|capture| capture.stdout.clone()).unwrap_or_default();
    if let Some(fresh) = &mut fresh {
        fresh.swap(&mut stdout);
    }

    let requests = capture.as_ref().map(|capture| &capture.requests[..]).unwrap_or_default();
    let (last, mut early): (Vec<_>, Vec<_>) = requests.iter().partition(|request| request.is_final);
    let clock = Clock::start();
    let script = actions::parse(&variable("FAKE_CLAUDE_DO").unwrap_or_default());
    if !script.contains(&Action::Send) {
        for request in early.drain(..) {
            if !clock.wait(request.at(), signals) {
                break;
            }
            send(&mut exporter, request, signals);
        }
    }
    let mut queue = early.into_iter();
    let ended = actions::perform(&script, signals, &session_id(&stdout), |signals| {
        let request = queue.next().expect("as many `send` as there are early requests");
        send(&mut exporter, request, signals);
    });
    let on_time = last.first().is_none_or(|request| clock.wait(request.at(), signals));

    let signal = signals.asked();
    let code = match (signal, ended) {
        (Some(signal::Signal::SIGINT), _) => 0,
        (Some(signal), _) => 128 + u8::try_from(signal as i32).expect("signals are small"),
        (None, Ended::With(code)) => code,
        (None, Ended::Done | Ended::BySignal) => capture.as_ref().map_or(0, |capture| capture.exit_code),
    };
    if on_time && signal.is_none() {
        print(&stdout);
    } else if session.print && signal == Some(signal::Signal::SIGINT) {
        print(if session.json {
            br#"{"type":"result","subtype":"error_during_execution","is_error":true}"#
        } else {
            b"Execution error"
        });
    }
    exporter.shut_down();
    for request in &last {
        send(&mut exporter, request, signals);
    }
    if let (Some(capture), true) = (&capture, on_time) {
        clock.wait(Duration::from_millis(capture.wall_ms), signals);
    }
    actions::code(code)
}

fn send(exporter: &mut Exporter<'_>, request: &CapturedRequest, signals: &mut Signals) {
    let acknowledged = exporter.send(request.signal, &request.content_type, &request.body, signals);
    if let (true, Some(file)) = (acknowledged, std::env::var_os(ACKNOWLEDGED)) {
        let file = OpenOptions::new().append(true).create(true).open(file);
        file.and_then(|mut file| writeln!(file, "{}", request.file)).expect("the record can be written");
    }
}

/// When things are due, `FAKE_CLAUDE_SPEED` times faster than they were.
struct Clock {
    start: Instant,
    speed: f64,
}

impl Clock {
    fn start() -> Self {
        let speed = variable("FAKE_CLAUDE_SPEED").map_or(0.0, |speed| speed.parse().expect("FAKE_CLAUDE_SPEED=N"));
        Self { start: Instant::now(), speed }
    }

    /// False when a signal asked to end meanwhile.
    fn wait(&self, at: Duration, signals: &mut Signals) -> bool {
        let after = if self.speed > 0.0 { at.div_f64(self.speed) } else { Duration::ZERO };
        signals.sleep(Some(self.start + after))
    }
}

/// What an inherited TRACEPARENT puts on every log record of a session with `-p`.
struct Trace {
    trace: Vec<u8>,
    span: Vec<u8>,
}

impl Trace {
    fn parse(parent: &str) -> Option<Self> {
        let mut parts = parent.split('-').skip(1);
        let (trace, span) = (unhex(parts.next()?)?, unhex(parts.next()?)?);
        (trace.len() == 16 && span.len() == 8).then_some(Self { trace, span })
    }

    fn stamp(&self, request: &mut CapturedRequest) {
        if request.signal != Signal::Logs || request.encoding() != Encoding::Protobuf {
            return;
        }
        let Ok(Batch::Logs(mut logs)) = otlp::decode_protobuf(request.signal, &request.body) else { return };
        let scopes = logs.resource_logs.iter_mut().flat_map(|resource| &mut resource.scope_logs);
        for record in scopes.flat_map(|scope| &mut scope.log_records) {
            record.trace_id.clone_from(&self.trace);
            record.span_id.clone_from(&self.span);
            record.flags = 1;
        }
        request.body = otlp::encode(&Batch::Logs(logs));
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// Answers a subcommand; none of them exports anything.
fn subcommand(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["mcp", "list", ..] => println!("No MCP servers configured. Use `claude mcp add` to add a server."),
        ["plugin", "list", ..] => println!("No plugins installed. Use `claude plugin install` to install a plugin."),
        ["auth", "status", ..] => println!("{{\n  \"loggedIn\": true\n}}"),
        ["attach" | "logs" | "stop" | "kill" | "respawn" | "rm", id, ..] => {
            eprintln!("No session matching '{id}'. Run 'claude agents' to list running sessions.");
            return actions::code(1);
        }
        [name @ ("attach" | "logs" | "stop" | "kill" | "respawn" | "rm")] => {
            eprintln!("Usage: claude {name} <id|name>");
            return actions::code(1);
        }
        [name, ..] => println!("Claude Code {name}"),
        [] => {}
    }
    ExitCode::SUCCESS
}

/// `--bg`: the session exports from a process that outlives this one.
fn leave_a_daemon(arguments: &[OsString]) {
    let itself = std::env::current_exe().expect("it runs");
    let null = || Stdio::null();
    let daemon = Command::new(itself)
        .args(arguments)
        .env(DAEMON, "1")
        .env_remove("FAKE_CLAUDE_DUMP")
        .process_group(0)
        .stdin(null())
        .stdout(null())
        .stderr(null())
        .spawn();
    // It is init's to wait for.
    drop(daemon.expect("the daemon starts"));
    println!("backgrounded · 1");
}

fn print(bytes: &[u8]) {
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
}

/// The id that the result object names, or a made-up one.
fn session_id(stdout: &[u8]) -> String {
    serde_json::from_slice::<serde_json::Value>(stdout)
        .ok()
        .and_then(|result| Some(result.get("session_id")?.as_str()?.to_owned()))
        .unwrap_or_else(|| "00000000-0000-4000-8000-000000000000".into())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
