//! What cc-observe costs: starting, ending, acknowledging, resting, under load, with a backlog, and on disk; beside plain
//! claude, in one run.
//!
//! `cargo bench` prints each figure with its target (release profile, a stand-in for claude, an endpoint on loopback).
//! `cargo bench -- start exit` prints some of them; there are `start`, `exit`, `acknowledge`, `rest`,
//! `many`, `respawn`, `load`, `flush`, `backlog` and `size`.
//!
//! Runs with and without us alternate, so that whatever else the machine does is in both. Nothing is asserted: a
//! figure says something only together with the machine it was taken on.
#![allow(
    clippy::cast_precision_loss,
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
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use serde_json::Value;
use support::http::{Request, answer};
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
const QUIET: Duration = Duration::from_secs(15);
/// How long the relay is watched at rest.
const REST: Duration = Duration::from_secs(60);
/// How many sessions are at rest together.
const MANY: usize = 100;
/// How often a relay is killed: in so many runs, so often each.
const KILLS: (usize, usize) = (25, 4);

/// How long the relay is under load, from how many connections, and how many requests come each second.
const LOAD: (Duration, usize, u64) = (Duration::from_secs(60), 4, 1000);
/// The log batch of about 5 KB.
const OF_5_KB: (&str, usize) = ("15-sigint-during-tool", 0);
/// How many batches wait to be flushed.
const WAITING: usize = 10_000;
/// How much waits before a start, in bytes and in runs.
const BACKLOG: (u64, usize) = (256 << 20, 64);
/// How often a start is measured beside a backlog.
const STARTS_BESIDE: usize = 40;

fn main() {
    if !cfg!(target_os = "linux") {
        println!("this measures on Linux only");
        return;
    }
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("cc-observe beside plain claude; times in milliseconds");
    // On a busy machine the figures are the machine's: ratios and medians hold longest.
    println!("load average {}\n", fs::read_to_string("/proc/loadavg").unwrap().trim());
    let parts: [(&str, fn()); 10] = [
        ("start", starts),
        ("exit", ends),
        ("acknowledge", acknowledgements),
        ("rest", rest),
        ("many", many),
        ("respawn", respawn),
        ("load", load),
        ("flush", flush),
        ("backlog", backlog),
        ("size", size),
    ];
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
        ("a session, launcher becomes it", &[], &["-p", "x"], "added p50 ≤ 5, p99 ≤ 30"),
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

    /// Sends, and whether there is an answer at all.
    fn is_answered(&mut self) -> bool {
        let mut line = String::new();
        let sent = self.stream.get_mut().write_all(&self.request);
        sent.is_ok() && self.stream.read_line(&mut line).is_ok() && line.starts_with("HTTP/1.1 200 ")
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
    let [guard, relay] = of_run(&before);
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
    let kilobytes = |pid: u32, file: &str, name: &str| {
        field(&fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap(), name).unwrap_or(0)
    };
    println!("{:<36}{:>8}   ≤ 15 MB", "resident", megabytes(kilobytes(relay, "status", "VmRSS") * 1024));
    println!(
        "{:<36}{:>8}",
        "  of it not of the program's file",
        megabytes(kilobytes(relay, "status", "RssAnon") * 1024)
    );
    let shares = [relay, guard].map(|pid| kilobytes(pid, "smaps_rollup", "Pss")).iter().sum::<u64>();
    println!("{:<36}{:>8}", "  and of its guard, shared pages once", megabytes(shares * 1024));
    println!(
        "{:<36}{:>8}",
        "plain claude (the stand-in)",
        megabytes(kilobytes(held.child.id(), "status", "VmRSS") * 1024)
    );
    // What strace sees is what woke them: a process that sleeps calls nothing.
    let trace = sandbox_file("calls");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(&trace).args(["-p", &relay.to_string(), "-p", &guard.to_string()]);
    let mut strace = strace.stderr(Stdio::null()).spawn().ok();
    std::thread::sleep(Duration::from_secs(1));
    let switches = switches(relay) + self::switches(guard);
    std::thread::sleep(REST);
    let woken = self::switches(relay) + self::switches(guard);
    let woken = woken.saturating_sub(switches);
    match &mut strace {
        Some(strace) => {
            kill(nix::unistd::Pid::from_raw(i32::try_from(strace.id()).unwrap()), Signal::SIGINT).unwrap();
            strace.wait().unwrap();
            let calls = fs::read_to_string(&trace).unwrap();
            let _ = fs::remove_file(&trace);
            // The call that they are in is seen from its middle, and again when strace lets go.
            let calls = calls.lines().filter(|line| !line.contains("resuming") && !line.contains("detached"));
            let calls = calls.filter(|line| !line.trim_end().ends_with("<unfinished ...>")).count();
            println!("{:<36}{calls:>8}   0", format!("calls in {} s, by strace", REST.as_secs()));
        }
        None => println!("there is no strace to count calls"),
    }
    println!("{:<36}{woken:>8}   0", format!("context switches in {} s", REST.as_secs()));
    println!();
    held.let_go();
    held.child.wait().unwrap();
}

/// A file for the time of the measurement.
fn sandbox_file(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("cc-observe-bench-{}-{name}", std::process::id()))
}

/// What many sessions hold together that do nothing.
fn many() {
    println!("{:<36}{:>9}   target", format!("{MANY} sessions at rest"), "");
    let endpoint = OrgEndpoint::start();
    let before = relays();
    let mut sandbox = Sandbox::new();
    let go = format!("wait-file:{}", sandbox.at("out/go").display());
    sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url()).does([go.as_str()]);
    let children: Vec<Child> = (0..MANY)
        .map(|_| {
            sandbox.forget();
            let mut command = sandbox.cc_observe(["--summary", "off", "claude", "-p", "x"]);
            silent(&mut command);
            let child = command.spawn().unwrap();
            sandbox.world();
            child
        })
        .collect();
    std::thread::sleep(QUIET);
    let ours: Vec<u32> = relays().difference(&before).copied().collect();
    let sum = |file: &str, name: &str| {
        let texts = ours.iter().filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/{file}")).ok());
        megabytes(texts.filter_map(|text| field(&text, name)).sum::<u64>() * 1024)
    };
    println!("{:<36}{:>8}", "relays and guards", ours.len());
    println!("{:<36}{:>8}   ≤ 1,000 MB", "resident, shared pages once", sum("smaps_rollup", "Pss"));
    println!("{:<36}{:>8}", "  of it theirs alone", sum("smaps_rollup", "Private_Dirty"));
    println!("{:<36}{:>8}", "resident, shared pages each time", sum("status", "VmRSS"));
    println!();
    fs::write(sandbox.at("out/go"), "").unwrap();
    for mut child in children {
        child.wait().unwrap();
    }
    sandbox.wait_until_idle();
}

/// From the death of a relay to the first answer of the next on the same port.
fn respawn() {
    heading("Respawn: the relay's death to an answer");
    let body = {
        let (name, at) = TYPICAL;
        Capture::load(name).requests[at].body.clone()
    };
    let endpoint = OrgEndpoint::start();
    let mut samples = Samples::default();
    for _ in 0..KILLS.0 {
        let before = relays();
        let mut sandbox = Sandbox::new();
        sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url());
        let mut held = Held::start(&mut sandbox, |sandbox| sandbox.cc_observe(["claude", "-p", "x"]));
        let variable = |name: &str| held.world["environment"][name].as_str().unwrap().to_owned();
        let headers = variable("OTEL_EXPORTER_OTLP_HEADERS");
        let (header, token) = headers.split_once('=').unwrap();
        let (url, header) = (variable("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"), format!("{header}: {token}\r\n"));
        Connection::open(&url, &header, &body).exchange();
        for _ in 0..KILLS.1 {
            let [_, relay] = of_run(&before);
            let from = Instant::now();
            kill(nix::unistd::Pid::from_raw(i32::try_from(relay).unwrap()), Signal::SIGKILL).unwrap();
            // A connection that the dead one had accepted is reset.
            while !Connection::open(&url, &header, &body).is_answered() {}
            samples.add(from.elapsed());
        }
        held.let_go();
        held.child.wait().unwrap();
        sandbox.wait_until_idle();
    }
    row(&format!("{} kills", KILLS.0 * KILLS.1), &samples, None, "p99 ≤ 200");
    println!();
}

/// What an endpoint got that keeps nothing of it.
#[derive(Default)]
struct Counted {
    requests: usize,
    /// By their numbers.
    batches: usize,
    /// Before they were packed.
    bytes: usize,
}

/// An endpoint that answers with a status and counts what it takes.
struct Counter {
    url: String,
    counted: Arc<Mutex<Counted>>,
    status: Arc<AtomicU16>,
}

impl Counter {
    fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (counted, status) = (Arc::<Mutex<Counted>>::default(), Arc::new(AtomicU16::new(status)));
        let (count, answers) = (Arc::clone(&counted), Arc::clone(&status));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (count, answers) = (Arc::clone(&count), Arc::clone(&answers));
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while let Ok(Some(request)) = Request::read(&mut reader) {
                        let status = answers.load(Ordering::SeqCst);
                        if status == 200 {
                            // The last four bytes of gzip are the length of what is in it.
                            let length = request.body.last_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                            let mut count = count.lock().unwrap();
                            count.requests += 1;
                            count.batches += request.header("x-cc-observe-batch-id").unwrap().split(',').count();
                            count.bytes += length as usize;
                        }
                        if answer(reader.get_mut(), status, &[], b"").is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, counted, status }
    }
}

/// Sends requests to a relay from several connections, so many a second; what each took to be acknowledged.
fn send(held: &Held<'_>, body: &[u8], requests: usize, connections: usize, each_second: Option<u64>) -> Samples {
    let variable = |name: &str| held.world["environment"][name].as_str().unwrap().to_owned();
    let (url, headers) = (variable("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"), variable("OTEL_EXPORTER_OTLP_HEADERS"));
    let (header, token) = headers.split_once('=').unwrap();
    let mut all = Samples::default();
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..connections)
            .map(|_| {
                let mut connection = Connection::open(&url, &format!("{header}: {token}\r\n"), body);
                scope.spawn(move || {
                    let (begun, mut samples) = (Instant::now(), Samples::default());
                    for number in 0..requests / connections {
                        if let Some(each_second) = each_second {
                            let due = number as f64 * connections as f64 / each_second as f64;
                            std::thread::sleep(Duration::from_secs_f64(due).saturating_sub(begun.elapsed()));
                        }
                        samples.add(connection.exchange());
                    }
                    samples
                })
            })
            .collect();
        for sender in senders {
            all.0.extend(sender.join().unwrap().0);
        }
    });
    all
}

fn of_5_kb() -> Vec<u8> {
    let (name, at) = OF_5_KB;
    Capture::load(name).requests[at].body.clone()
}

/// Requests of 5 KB, so many a second, for a minute.
fn load() {
    let (time, connections, each_second) = LOAD;
    let body = of_5_kb();
    println!("Load: {each_second} requests/s of {} bytes for {} s", body.len(), time.as_secs());
    let endpoint = Counter::start(200);
    let before = relays();
    let mut sandbox = Sandbox::new();
    sandbox.set("CC_OBSERVE_ENDPOINT", &endpoint.url);
    let mut held = Held::start(&mut sandbox, |sandbox| sandbox.cc_observe(["--summary", "off", "claude", "-p", "x"]));
    let [_, relay] = of_run(&before);
    let (used, begun) = (processor_time(relay), Instant::now());
    let requests = usize::try_from(time.as_secs() * each_second).unwrap();
    let samples = send(&held, &body, requests, connections, Some(each_second));
    let (took, used) = (begun.elapsed(), processor_time(relay).saturating_sub(used));
    let status = fs::read_to_string(format!("/proc/{relay}/status")).unwrap();
    let peak = megabytes(field(&status, "VmHWM").unwrap_or(0) * 1024);
    held.let_go();
    held.child.wait().unwrap();
    // Until it has delivered what it has.
    while relays().contains(&relay) {
        std::thread::sleep(PAUSE);
    }
    let delivered = endpoint.counted.lock().unwrap();
    let row = |what: &str, value: String, target: &str| println!("{what:<36}{value:>12}   {target}");
    row("acknowledged", format!("{}", samples.0.len()), &format!("{requests}"));
    row("  a second", format!("{:.0}", samples.0.len() as f64 / took.as_secs_f64()), "1000");
    row("  p50, p99 in ms", format!("{:.2} {:.2}", samples.percentile(50), samples.percentile(99)), "p99 ≤ 5");
    // Our own records of the start and the end of the run, and of what was masked, are batches too.
    row("batches that arrived", format!("{}", delivered.batches), "as many, and ours");
    row("  in requests", format!("{}", delivered.requests), "");
    row("processor", format!("{:.2}", used.as_secs_f64() / took.as_secs_f64()), "< 1 core");
    row("resident at most", peak, "≤ 64 MB");
    println!();
}

/// What a process has used of a processor.
fn processor_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    // USER_HZ is 100 wherever Linux runs.
    Duration::from_millis(ticks * 10)
}

/// A sandbox with so many batches in the spool of an endpoint that takes nothing.
fn with_waiting(endpoint: &Counter, body: &[u8], batches: usize) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("CC_OBSERVE_ENDPOINT", &endpoint.url);
    let mut held = Held::start(&mut sandbox, |sandbox| sandbox.cc_observe(["--summary", "off", "claude", "-p", "x"]));
    send(&held, body, batches, 4, None);
    held.let_go();
    held.child.wait().unwrap();
    end_all(&sandbox, Signal::SIGTERM);
    sandbox
}

fn end_all(sandbox: &Sandbox, signal: Signal) {
    for process in sandbox.our_processes() {
        let _ = kill(process.pid, signal);
    }
    sandbox.wait_until_idle();
}

/// What waits is delivered by `spool flush`.
fn flush() {
    let body = of_5_kb();
    let endpoint = Counter::start(503);
    let sandbox = with_waiting(&endpoint, &body, WAITING);
    endpoint.status.store(200, Ordering::SeqCst);
    let mut flush = sandbox.cc_observe(["spool", "flush", "--wait", "10m", "--require"]);
    silent(&mut flush);
    let begun = Instant::now();
    assert!(flush.status().unwrap().success());
    let took = begun.elapsed();
    let taken = endpoint.counted.lock().unwrap();
    let rate = taken.bytes as f64 / took.as_secs_f64() / 1e6;
    println!("Flush of {} batches, {}, in {} requests", taken.batches, megabytes(taken.bytes as u64), taken.requests);
    println!("{:<36}{rate:>7.1} MB/s   ≥ 20", "  before they are packed");
    println!();
}

/// A start beside as much as may wait, and one with nothing.
fn backlog() {
    heading("Start beside a backlog of 256 MiB");
    let endpoint = Counter::start(503);
    let full = with_waiting(&endpoint, &of_5_kb(), 4);
    let mut empty = Sandbox::new();
    empty.set("CC_OBSERVE_ENDPOINT", &endpoint.url);
    let destinations = fs::read_dir(full.state().join("spool")).unwrap();
    let destination = destinations.flatten().map(|entry| entry.path()).find(|path| path.is_dir()).unwrap();
    let run =
        fs::read_dir(&destination).unwrap().flatten().map(|entry| entry.path()).find(|path| path.is_dir()).unwrap();
    let mut batches: Vec<_> = fs::read_dir(&run).unwrap().flatten().map(|entry| entry.path()).collect();
    batches.retain(|path| path.extension().is_some_and(|extension| extension == "otlp"));
    let largest = batches.iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let batch = fs::read(largest).unwrap();
    let files = usize::try_from(BACKLOG.0 / batch.len() as u64).unwrap().min(199_000);
    for number in 0..BACKLOG.1 {
        let copy = destination.join(format!("019ab700-0000-7000-8000-{number:012}"));
        fs::create_dir(&copy).unwrap();
        fs::write(copy.join("lock"), "").unwrap();
        for sequence in 1..=files / BACKLOG.1 {
            fs::write(copy.join(format!("{:020}.logs.otlp", sequence << 20)), &batch).unwrap();
        }
    }
    let (mut beside, mut alone) = (Samples::default(), Samples::default());
    for turn in 0..STARTS_BESIDE + 3 {
        for (sandbox, samples) in [(&full, &mut beside), (&empty, &mut alone)] {
            let sample = start_until_killed(sandbox);
            if turn >= 3 {
                samples.add(sample);
            }
        }
    }
    row(
        &format!("{files} batches, {}", megabytes((files * batch.len()) as u64)),
        &beside,
        Some(&alone),
        "ratio 1 (plain: nothing waits)",
    );
    println!();
}

fn start_until_killed(sandbox: &Sandbox) -> Duration {
    sandbox.forget();
    let mut command = sandbox.cc_observe(["--summary", "off", "claude", "-p", "x"]);
    silent(&mut command);
    let before = SystemTime::now();
    command.status().unwrap();
    let started = Duration::from_nanos(sandbox.world()["started_ns"].as_u64().unwrap());
    end_all(sandbox, Signal::SIGKILL);
    started.saturating_sub(before.duration_since(SystemTime::UNIX_EPOCH).unwrap())
}

/// The pids of all relays. Their command lines may be read, though not their executables.
/// The guard and the relay of the run that has begun since.
fn of_run(before: &BTreeSet<u32>) -> [u32; 2] {
    wait_for("the relay runs", || {
        let ours: Vec<u32> = relays().difference(before).copied().collect();
        let parent = |pid: u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            field(&status, "PPid").and_then(|parent| u32::try_from(parent).ok())
        };
        ours.iter().find_map(|relay| Some([parent(*relay).filter(|parent| ours.contains(parent))?, *relay]))
    })
}

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
    println!("{:<36}{:>8}   ≤ 16 MB", "Binary", megabytes(bytes));
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}
