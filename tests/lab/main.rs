//! Runs a command beside loopback stand-ins, with a clean environment, a throw-away home and made-up keys.
//!
//! ```text
//! unshare -n --pid --fork --kill-child --mount-proc lab [OPTIONS] OUT SCENARIO.json COMMAND…
//!   --claude PATH   the client that is `claude` on the command's PATH; default: $CLAUDE_BIN
//!   --env K=V       one more variable for the command (repeatable)
//!   --sink MODE     how the OTLP endpoint behaves: ok, 503, 503:2, hang, deaf, close, slow:1.5, echo:TEXT, or refused:
//!                   nothing listens
//!   --seed DIR      what is in there is copied into OUT before the command runs: `home/.claude/settings.json`, say
//!   --stdin FILE    what the command reads; default: nothing
//!   --inherit       the command gets our own standard streams instead of files: a terminal, say
//!   --squat         take every port that a process was told to send telemetry to, as soon as it can be had
//!   --no-time-wait  a port can be had again as soon as its connections are closed, and not a minute later
//!   --bodies        keep every model request in OUT/api.bodies.jsonl
//!   --keep-home     go on with the home directory of the last time
//!   --limit S       the command is ended after that many seconds (default 120) and counts as exit code 124
//!   --settle S      how long the endpoints go on after the command has ended, as long as anything still runs that it
//!                   left behind (default 0.5)
//! ```
//!
//! `OUT/org/` is what the OTLP endpoint at `http://127.0.0.1:4318` got: `NNN.<signal>.bin|json` the body, inflated,
//! `NNN.<signal>.gz` the body as sent where that was compressed, `NNN.<signal>.headers` what else is known of it.
//! `OUT/other/` is the same for `http://127.0.0.1:4319`, an endpoint where nothing should arrive, `OUT/stolen/` for the
//! ports that `--squat` has taken, which `OUT/taken` lists.
//! `OUT/api.log` has a line per model request; `OUT/stdout`, `OUT/stderr`, `OUT/rc` are the command's; `OUT/work` is its
//! working directory, `OUT/home` its home, `OUT/tmp` its `TMPDIR`. In a scenario `@WORK@` stands for the working
//! directory and `@+@` for nothing, so that no made-up token stands in a file in one piece.
//!
//! It refuses to run where anything but loopback can be reached. As the first process of its namespace it reaps.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test tool: what should not happen ends it"
)]

mod messages_api;
#[path = "../support"]
#[allow(dead_code, reason = "shared with the tests, which use more of it")]
mod support {
    pub(crate) mod http;
    pub(crate) mod sink;
}

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use serde_json::json;

use messages_api::{MessagesApi, Scenario};
use support::sink::{Mode, Received, Sink};

const API_PORT: u16 = 8801;
const ORG_PORT: u16 = 4318;
const OTHER_PORT: u16 = 4319;
/// As `timeout` has it.
const TIMED_OUT: u8 = 124;
/// Between the polite and the other way to end a command.
const GRACE: Duration = Duration::from_secs(5);

/// Just enough of the GitHub CLI for `gh pr create`.
const GH: &str = r#"#!/bin/sh
case "$1 $2" in
    "pr create") echo "https://github.com/acme/widgets/pull/17" ;;
    *) echo "gh stand-in: $*" ;;
esac
"#;

/// What was typed.
struct Options {
    out: PathBuf,
    scenario: PathBuf,
    command: Vec<OsString>,
    claude: PathBuf,
    environment: Vec<(String, String)>,
    /// None: nothing listens.
    sink: Option<Mode>,
    seed: Option<PathBuf>,
    stdin: PathBuf,
    inherit: bool,
    ports: Ports,
    bodies: bool,
    keep_home: bool,
    limit: Duration,
    settle: Duration,
}

/// What becomes of the ports that somebody was told to send telemetry to.
#[derive(Default)]
struct Ports {
    squat: bool,
    no_time_wait: bool,
}

fn main() -> ExitCode {
    match options(std::env::args_os().skip(1)) {
        Ok(options) => run(&options),
        Err(message) => {
            eprintln!("lab: {message}");
            ExitCode::from(2)
        }
    }
}

fn options(mut arguments: impl Iterator<Item = OsString>) -> Result<Options, String> {
    let mut options = Options {
        out: PathBuf::new(),
        scenario: PathBuf::new(),
        command: Vec::new(),
        claude: std::env::var_os("CLAUDE_BIN").unwrap_or_default().into(),
        environment: Vec::new(),
        sink: Some(Mode::Ok),
        seed: None,
        stdin: "/dev/null".into(),
        inherit: false,
        ports: Ports::default(),
        bodies: false,
        keep_home: false,
        limit: Duration::from_secs(120),
        settle: Duration::from_millis(500),
    };
    loop {
        let argument = arguments.next().ok_or("OUT SCENARIO.json COMMAND… expected")?;
        let mut value = || arguments.next().and_then(|value| value.into_string().ok()).ok_or("a value is missing");
        let seconds =
            |text: String| text.parse().map(Duration::from_secs_f64).map_err(|_| "a number of seconds expected");
        match argument.to_str() {
            Some("--claude") => options.claude = value()?.into(),
            Some("--env") => {
                let pair = value()?;
                let (name, value) = pair.split_once('=').ok_or("--env K=V expected")?;
                options.environment.push((name.to_owned(), value.to_owned()));
            }
            Some("--sink") => {
                options.sink = match value()?.as_str() {
                    "refused" => None,
                    mode => Some(mode.parse().map_err(|_| "no such mode of the endpoint")?),
                };
            }
            Some("--seed") => options.seed = Some(value()?.into()),
            Some("--stdin") => options.stdin = value()?.into(),
            Some("--squat") => options.ports.squat = true,
            Some("--no-time-wait") => options.ports.no_time_wait = true,
            Some("--inherit") => options.inherit = true,
            Some("--bodies") => options.bodies = true,
            Some("--keep-home") => options.keep_home = true,
            Some("--limit") => options.limit = seconds(value()?)?,
            Some("--settle") => options.settle = seconds(value()?)?,
            Some(option) if option.starts_with("--") => return Err(format!("no option {option}")),
            _ => {
                options.out = argument.into();
                break;
            }
        }
    }
    options.scenario = arguments.next().ok_or("a scenario is missing")?.into();
    options.command = arguments.collect();
    if options.command.is_empty() {
        return Err("a command is missing".into());
    }
    if !options.claude.exists() {
        return Err(format!("no client at `{}`: name one with --claude or CLAUDE_BIN", options.claude.display()));
    }
    Ok(options)
}

fn run(options: &Options) -> ExitCode {
    if let Some(interface) = way_out() {
        eprintln!("lab: {interface} leads out of this machine; run it in `unshare -n`");
        return ExitCode::from(2);
    }
    if !Command::new("ip").args(["link", "set", "lo", "up"]).status().is_ok_and(|status| status.success()) {
        eprintln!("lab: cannot bring up the loopback interface");
        return ExitCode::from(2);
    }
    let out = prepare(options);
    let scenario = fs::read_to_string(&options.scenario).unwrap();
    let scenario = scenario.replace("@WORK@", out.join("work").to_str().unwrap()).replace("@+@", "");
    let scenario = Scenario::parse(&scenario).unwrap_or_else(|error| panic!("{}: {error}", options.scenario.display()));
    MessagesApi::serve(listen(API_PORT), scenario, &out, options.bodies);
    let record = |name: &str| {
        let directory = out.join(name);
        move |number: usize, received: &Received| keep(&directory, number, received)
    };
    if let Some(mode) = &options.sink {
        Sink::serve(listen(ORG_PORT), mode.clone(), record("org"));
    }
    Sink::serve(listen(OTHER_PORT), Mode::Ok, record("other"));

    if options.ports.no_time_wait {
        fs::write("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0").unwrap();
    }
    let squatter = options.ports.squat.then(|| Squatter::start(&out));

    let code = supervise(&mut command(options, &out), options.limit);
    let until = Instant::now() + options.settle;
    let is_quiet = || is_alone() && squatter.as_ref().is_none_or(Squatter::has_all);
    while Instant::now() < until && !is_quiet() {
        reap();
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::write(out.join("rc"), format!("{code}\n")).unwrap();
    ExitCode::from(code)
}

/// An interface by which something other than this machine can be reached.
fn way_out() -> Option<String> {
    let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
    let interface = |line: &str| line.split_whitespace().next().map(str::to_owned);
    routes.lines().skip(1).filter_map(interface).find(|interface| interface != "lo")
}

/// Empties OUT but for what is to be kept, and makes what the command needs.
fn prepare(options: &Options) -> PathBuf {
    fs::create_dir_all(&options.out).unwrap();
    let out = options.out.canonicalize().unwrap();
    for directory in ["home", "work", "org", "other", "stolen", "path", "tmp"] {
        let path = out.join(directory);
        if !(options.keep_home && directory == "home") {
            let _ = fs::remove_dir_all(&path);
        }
        fs::create_dir_all(&path).unwrap();
    }
    if let Some(seed) = &options.seed {
        let copied = Command::new("cp").arg("-R").arg(seed.join(".")).arg(&out).status();
        assert!(copied.is_ok_and(|status| status.success()), "{} can be copied", seed.display());
    }
    for file in ["taken", "api.log", "api.bodies.jsonl", "stdout", "stderr", "rc"] {
        let _ = fs::remove_file(out.join(file));
    }
    symlink(options.claude.canonicalize().unwrap(), out.join("path/claude")).unwrap();
    fs::write(out.join("path/gh"), GH).unwrap();
    fs::set_permissions(out.join("path/gh"), fs::Permissions::from_mode(0o755)).unwrap();
    out
}

/// Takes the ports of others.
struct Squatter {
    wanted: Arc<Mutex<BTreeMap<u16, bool>>>,
}

impl Squatter {
    fn start(out: &Path) -> Self {
        let wanted: Arc<Mutex<BTreeMap<u16, bool>>> = Arc::default();
        let squatter = Self { wanted: Arc::clone(&wanted) };
        let (stolen, list) = (out.join("stolen"), out.join("taken"));
        std::thread::spawn(move || {
            loop {
                let mut ports = wanted.lock().unwrap();
                for port in ports_of_others() {
                    ports.entry(port).or_insert(false);
                }
                for (port, taken) in ports.iter_mut().filter(|(_, taken)| !**taken) {
                    // With SO_REUSEADDR, as anybody can have it.
                    let Ok(listener) = TcpListener::bind(("127.0.0.1", *port)) else { continue };
                    let (directory, base) = (stolen.clone(), usize::from(*port) * 1000);
                    Sink::serve(listener, Mode::Ok, move |number, received: &Received| {
                        keep(&directory, base + number, received);
                    });
                    *taken = true;
                    let mut list = File::options().append(true).create(true).open(&list).unwrap();
                    writeln!(list, "{port}").unwrap();
                }
                drop(ports);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        squatter
    }

    fn has_all(&self) -> bool {
        self.wanted.lock().unwrap().values().all(|taken| *taken)
    }
}

/// The ports of this machine in the environments of all processes, but for the endpoints of the lab.
fn ports_of_others() -> Vec<u16> {
    const NAME: &[u8] = b"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://127.0.0.1:";
    let environments = fs::read_dir("/proc").into_iter().flatten().flatten();
    let environments = environments.filter_map(|process| fs::read(process.path().join("environ")).ok());
    let port = |variable: &[u8]| {
        let rest = std::str::from_utf8(variable.strip_prefix(NAME)?).ok()?;
        rest.split('/').next()?.parse().ok().filter(|port| ![ORG_PORT, OTHER_PORT].contains(port))
    };
    environments.flat_map(|all| all.split(|byte| *byte == 0).filter_map(port).collect::<Vec<_>>()).collect()
}

fn listen(port: u16) -> TcpListener {
    TcpListener::bind(("127.0.0.1", port)).unwrap_or_else(|error| panic!("port {port}: {error}"))
}

fn command(options: &Options, out: &Path) -> Command {
    let mut command = Command::new(&options.command[0]);
    command.args(&options.command[1..]).current_dir(out.join("work")).env_clear();
    command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", out.join("path").display()));
    command.env("HOME", out.join("home"));
    // The client refuses a directory in the common one that somebody else has made.
    command.env("TMPDIR", out.join("tmp"));
    command.env("ANTHROPIC_BASE_URL", format!("http://127.0.0.1:{API_PORT}"));
    command.envs([
        ("TERM", "xterm-256color"),
        ("LANG", "C.UTF-8"),
        ("SHELL", "/bin/bash"),
        // The client does not let root skip permissions elsewhere.
        ("IS_SANDBOX", "1"),
        ("ANTHROPIC_API_KEY", "sk-ant-fake-lab-key"),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("DISABLE_AUTOUPDATER", "1"),
    ]);
    command.envs(options.environment.iter().map(|(name, value)| (name, value)));
    if !options.inherit {
        let create = |name: &str| Stdio::from(File::create(out.join(name)).unwrap());
        command.stdin(File::open(&options.stdin).unwrap()).stdout(create("stdout")).stderr(create("stderr"));
    }
    command
}

/// Runs the command to its end or to its limit; its exit code as a shell has it.
#[expect(clippy::zombie_processes, reason = "waited for below, with everything else that becomes ours")]
fn supervise(command: &mut Command, limit: Duration) -> u8 {
    let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    let start = Instant::now();
    let mut asked = false;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(of, code)) if of == pid => {
                return if asked { TIMED_OUT } else { u8::try_from(code).unwrap() };
            }
            Ok(WaitStatus::Signaled(of, signal, _)) if of == pid => {
                return if asked { TIMED_OUT } else { 128 + u8::try_from(signal as i32).unwrap() };
            }
            Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_millis(2)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => panic!("waitpid: {error}"),
        }
        if start.elapsed() > limit && !asked {
            asked = true;
            let _ = kill(pid, Signal::SIGTERM);
        }
        if start.elapsed() > limit + GRACE {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}

/// Waits for whatever became ours when its parent ended.
fn reap() {
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        if status == WaitStatus::StillAlive {
            return;
        }
    }
}

/// Whether no other process is left, as the first one of a namespace can tell.
fn is_alone() -> bool {
    let is_pid = |name: OsString| name.to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().filter(|entry| is_pid(entry.file_name()));
    std::process::id() == 1 && processes.count() == 1
}

/// Writes one export to the endpoint's directory.
fn keep(org: &Path, number: usize, received: &Received) {
    let request = &received.request;
    let signal = request.path.rsplit('/').next().unwrap_or_default().replace('?', "_");
    let json = request.header("content-type").is_some_and(|value| value.contains("json"));
    let file = |extension: &str| org.join(format!("{number:03}.{signal}.{extension}"));
    fs::write(file(if json { "json" } else { "bin" }), &received.body).unwrap();
    if request.header("content-encoding").is_some() {
        fs::write(file("gz"), &request.body).unwrap();
    }
    let about = json!({
        "path": request.path,
        "headers": request.headers,
        "status": received.status,
        "time": received.at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        "connection": received.connection,
        "wire_bytes": request.body.len(),
        "body_bytes": received.body.len(),
    });
    fs::write(file("headers"), serde_json::to_vec_pretty(&about).unwrap()).unwrap();
}
