//! What cc-observe costs: starting, ending, acknowledging, resting, and on disk; beside plain claude, in one run.
//!
//! `cargo bench` prints each figure with its target (release profile, a stand-in for claude, an endpoint on loopback).
//! `cargo bench -- start exit` prints some of them; there are `start`, `exit`, `acknowledge`, `rest` and `size`.
//!
//! Runs with and without us alternate, so that whatever else the machine does is in both. Nothing is asserted: a
//! figure says something only together with the machine it was taken on.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring tool: it prints, and what should not happen ends it"
)]

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the tests, which use more of it")]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use support::sandbox::cc_observe;
use support::wait::wait_for;
use support::{Capture, Mode, OrgEndpoint, Sandbox};

/// How often each way to start is measured.
const STARTS: usize = 200;
/// How often each end is measured.
const ENDS: usize = 100;
/// How many batches are acknowledged.
const BATCHES: usize = 500;
/// The log batch that is typical of five seconds of work: the second of this capture.
const TYPICAL: (&str, usize) = ("02-tool-details", 1);
/// Between batches, so that each finds the relay as it would five seconds later: with nothing to do.
const PAUSE: Duration = Duration::from_millis(10);
/// After this long without work the relay's disk threads have ended.
const QUIET: Duration = Duration::from_secs(11);
/// How long the relay is watched at rest.
const REST: Duration = Duration::from_secs(5);

fn main() {
    if !cfg!(target_os = "linux") {
        println!("this measures on Linux only");
        return;
    }
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("cc-observe beside plain claude; times in milliseconds");
    // On a busy machine the figures are the machine's: ratios and medians hold longest.
    println!("load average {}\n", fs::read_to_string("/proc/loadavg").unwrap().trim());
    let parts: [(&str, fn()); 5] =
        [("start", starts), ("exit", ends), ("acknowledge", acknowledgements), ("rest", rest), ("size", size)];
    for (name, measure) in parts {
        if asked.is_empty() || asked.iter().any(|part| part == name) {
            measure();
        }
    }
}

/// Samples, to be asked for percentiles.
#[derive(Default)]
struct Samples(Vec<Duration>);

impl Samples {
    fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// The smallest sample that so many percent are not larger than, in milliseconds.
    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(at).copied().unwrap_or_default().as_secs_f64() * 1000.0
    }
}

fn heading(what: &str) {
    println!("{what:<36}{:>8}{:>8}{:>11}{:>8}   target", "p50", "p99", "plain p50", "ratio");
}

/// A row, with what plain claude took, if there is such a thing.
fn row(what: &str, ours: &Samples, plain: Option<&Samples>, target: &str) {
    let (median, late) = (ours.percentile(50), ours.percentile(99));
    let (plain, ratio) = plain.map_or_else(Default::default, |plain| {
        let plain = plain.percentile(50);
        (format!("{plain:.2}"), format!("{:.2}", median / plain))
    });
    println!("{what:<36}{median:>8.2}{late:>8.2}{plain:>11}{ratio:>8}   {target}");
}

/// From before a process of ours is made to the first instruction of claude, less what that takes without us.
fn starts() {
    heading("Start: our fork to claude's main");
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url());
    for (what, options, arguments, target) in [
        ("a session, launcher waits", &["--summary", "off"][..], &["-p", "x"][..], "added p50 ≤ 8, p99 ≤ 30"),
        ("a session, launcher becomes it", &[], &["-p", "x"], "added p50 ≤ 8, p99 ≤ 30"),
        ("--version", &[], &["--version"], "added p50 ≤ 5"),
    ] {
        let (mut ours, mut plain) = (Samples::default(), Samples::default());
        let observed = options.iter().chain(&["claude"]).chain(arguments);
        for turn in 0..STARTS + 5 {
            let (direct, through) = (
                start_of(&sandbox, sandbox.plain(arguments)),
                start_of(&sandbox, sandbox.cc_observe(observed.clone())),
            );
            // The first ones warm the caches.
            if turn >= 5 {
                plain.add(direct);
                ours.add(through);
            }
        }
        row(what, &ours, Some(&plain), "");
        let added = |percent| ours.percentile(percent) - plain.percentile(percent);
        println!("{:<36}{:>8.2}{:>8.2}{:>19}   {target}", "  added", added(50), added(99), "");
    }
    println!();
}

fn start_of(sandbox: &Sandbox, mut command: Command) -> Duration {
    sandbox.forget();
    silent(&mut command);
    let before = SystemTime::now();
    let mut child = command.spawn().unwrap();
    child.wait().unwrap();
    let started = Duration::from_nanos(sandbox.world()["started_ns"].as_u64().unwrap());
    // The relay of this run is not to be in the way of the next.
    sandbox.wait_until_idle();
    started.saturating_sub(before.duration_since(SystemTime::UNIX_EPOCH).unwrap())
}

fn silent(command: &mut Command) {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
}

/// From the end of claude to the end of the launcher, which has asked the relay and told the person meanwhile.
fn ends() {
    heading("Exit: claude's end to ours");
    let refused = {
        // A port that was free, and that nobody listens on.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let mut plain = Samples::default();
    for (what, mode, target) in [
        ("endpoint up", Some(Mode::Ok), "p50 ≤ 10, p99 ≤ 50"),
        ("endpoint refuses connections", None, "p99 ≤ 50"),
        ("endpoint hangs", Some(Mode::Hang), "p99 ≤ 50"),
        ("endpoint answers 503", Some(Mode::Status { code: 503, first: None }), "p99 ≤ 50"),
        ("endpoint takes a second", Some(Mode::Slow(Duration::from_secs(1))), "p99 ≤ 50"),
    ] {
        let endpoint = mode.map(OrgEndpoint::start_as);
        let url = endpoint.as_ref().map_or_else(|| refused.clone(), OrgEndpoint::url);
        let mut ours = Samples::default();
        for _ in 0..ENDS {
            // What is spooled for a bad endpoint is not what the next run is to be slow or fast by.
            let mut sandbox = Sandbox::new();
            sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", &url);
            plain.add(end_of(&mut sandbox, |sandbox| sandbox.plain(["-p", "x"])));
            let options = ["--summary", "line", "claude", "-p", "x"];
            ours.add(end_of(&mut sandbox, |sandbox| sandbox.cc_observe(options)));
        }
        row(what, &ours, None, target);
    }
    row("plain claude", &plain, None, "");
    println!();
}

fn end_of(sandbox: &mut Sandbox, command: impl Fn(&Sandbox) -> Command) -> Duration {
    let mut held = Held::start(sandbox, command);
    let claude = Watched::open(i32::try_from(held.world["pid"].as_i64().unwrap()).unwrap());
    held.let_go();
    claude.wait();
    let ended = Instant::now();
    held.child.wait().unwrap();
    ended.elapsed()
}

/// A process that somebody else is the parent of.
#[cfg(target_os = "linux")]
struct Watched(std::os::fd::OwnedFd);

#[cfg(target_os = "linux")]
impl Watched {
    fn open(pid: i32) -> Self {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        Self(pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap())
    }

    /// Returns when it has ended.
    fn wait(&self) {
        use std::os::fd::AsFd as _;

        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
    }
}

#[cfg(not(target_os = "linux"))]
struct Watched;

#[cfg(not(target_os = "linux"))]
impl Watched {
    fn open(_pid: i32) -> Self {
        panic!("this measures on Linux only")
    }

    fn wait(&self) {
        let Self = self;
    }
}

/// A session that does nothing until it is let go.
struct Held<'a> {
    sandbox: &'a Sandbox,
    child: Child,
    /// What claude found when it started.
    world: Value,
}

impl<'a> Held<'a> {
    fn start(sandbox: &'a mut Sandbox, command: impl Fn(&Sandbox) -> Command) -> Self {
        let go = format!("wait-file:{}", sandbox.at("out/go").display());
        sandbox.does([go.as_str()]);
        let _ = fs::remove_file(sandbox.at("out/go"));
        sandbox.forget();
        let mut command = command(sandbox);
        silent(&mut command);
        let child = command.spawn().unwrap();
        Self { world: sandbox.world(), sandbox, child }
    }

    fn let_go(&self) {
        fs::write(self.sandbox.at("out/go"), "").unwrap();
    }
}

/// From the first byte of a request to the last of the answer, over one connection, as the exporter has it.
fn acknowledgements() {
    heading("Acknowledging (plain: the endpoint)");
    let (name, at) = TYPICAL;
    let body = Capture::load(name).requests[at].body.clone();
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url());
    let mut held = Held::start(&mut sandbox, |sandbox| sandbox.cc_observe(["--summary", "off", "claude", "-p", "x"]));
    let variable = |name: &str| held.world["environment"][name].as_str().unwrap().to_owned();
    let (relay, headers) = (variable("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"), variable("OTEL_EXPORTER_OTLP_HEADERS"));
    let (header, token) = headers.split_once('=').unwrap();
    let mut to_relay = Connection::open(&relay, &format!("{header}: {token}\r\n"), &body);
    let mut to_endpoint = Connection::open(&format!("{}/v1/logs", endpoint.url()), "", &body);
    let (mut ours, mut plain) = (Samples::default(), Samples::default());
    for _ in 0..BATCHES {
        plain.add(to_endpoint.exchange());
        std::thread::sleep(PAUSE);
        ours.add(to_relay.exchange());
        std::thread::sleep(PAUSE);
    }
    row(&format!("logs, {} bytes, then on disk", body.len()), &ours, Some(&plain), "p99 ≤ 5");
    println!();
    held.let_go();
    held.child.wait().unwrap();
}

struct Connection {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
}

impl Connection {
    fn open(url: &str, header: &str, body: &[u8]) -> Self {
        let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let stream = TcpStream::connect(authority).unwrap();
        stream.set_nodelay(true).unwrap();
        let length = body.len();
        let mut request = format!(
            "POST /{path} HTTP/1.1\r\nHost: {authority}\r\n{header}Content-Type: application/x-protobuf\r\n\
             Content-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        Self { stream: BufReader::new(stream), request }
    }

    fn exchange(&mut self) -> Duration {
        let before = Instant::now();
        self.stream.get_mut().write_all(&self.request).unwrap();
        let mut length = 0;
        for number in 0.. {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            assert!(number > 0 || line.starts_with("HTTP/1.1 200 "), "{line}");
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        self.stream.read_exact(&mut vec![0; length]).unwrap();
        before.elapsed()
    }
}

/// What the relay holds and does while claude does nothing.
fn rest() {
    println!("{:<36}{:>9}   target", "Relay at rest", "");
    let body = {
        let (name, at) = TYPICAL;
        Capture::load(name).requests[at].body.clone()
    };
    let endpoint = OrgEndpoint::start();
    let before = relays();
    let mut sandbox = Sandbox::new();
    sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url());
    let mut held = Held::start(&mut sandbox, |sandbox| sandbox.cc_observe(["--summary", "off", "claude", "-p", "x"]));
    let relay = wait_for("the relay runs", || relays().difference(&before).next().copied());
    let variable = |name: &str| held.world["environment"][name].as_str().unwrap().to_owned();
    let headers = variable("OTEL_EXPORTER_OTLP_HEADERS");
    let (header, token) = headers.split_once('=').unwrap();
    let url = variable("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT");
    let mut connection = Connection::open(&url, &format!("{header}: {token}\r\n"), &body);
    for _ in 0..20 {
        connection.exchange();
        std::thread::sleep(PAUSE);
    }
    std::thread::sleep(QUIET);
    let status = fs::read_to_string(format!("/proc/{relay}/status")).unwrap();
    let kilobytes = |name: &str| field(&status, name).unwrap_or(0);
    println!("{:<36}{:>8}   ≤ 15 MB", "resident", megabytes(kilobytes("VmRSS") * 1024));
    println!("{:<36}{:>8}", "  of it not of the program's file", megabytes(kilobytes("RssAnon") * 1024));
    let switches = switches(relay);
    std::thread::sleep(REST);
    let woken = self::switches(relay) - switches;
    println!("{:<36}{woken:>8}   0", format!("context switches in {} s", REST.as_secs()));
    println!();
    held.let_go();
    held.child.wait().unwrap();
}

/// The pids of all relays. Their command lines may be read, though not their executables.
fn relays() -> BTreeSet<u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == b"cc-observe\0relay\0"))
        .collect()
}

fn field(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.split_whitespace().next()?.parse().ok())
}

/// How often the threads of a process gave up or lost the processor.
fn switches(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let statuses = tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
    statuses
        .map(|status| {
            field(&status, "voluntary_ctxt_switches").unwrap_or(0)
                + field(&status, "nonvoluntary_ctxt_switches").unwrap_or(0)
        })
        .sum()
}

fn size() {
    let bytes = fs::metadata(Path::new(cc_observe())).unwrap().len();
    println!("{:<36}{:>8}   ≤ 12 MB", "Binary", megabytes(bytes));
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}
