//! Claude Code is started as without us: each case is run directly and through cc-observe, and the two are compared.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use cc_observe::launch::environment::{NAMES, is_own};
use cc_observe::launch::wrapper;
use serde_json::{Value, json};

use crate::support::sandbox::cc_observe;
use crate::support::{Sandbox, Terminal, run, start, status_of, wait_until};

/// The ways to start claude that must not differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// Without us.
    Plain,
    /// Through us, and we become it.
    Exec,
    /// Through us, and we stay its parent.
    Wait,
}

/// One way to be started.
#[derive(Clone, Default)]
pub(crate) struct Case<'a> {
    /// Shell commands before the start.
    pub(crate) before: &'a str,
    /// A program in front: `env --ignore-signal=…`.
    pub(crate) prefix: &'a str,
    /// As a shell has them.
    pub(crate) redirections: &'a str,
    pub(crate) arguments: Vec<OsString>,
}

/// What can be seen of a run.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    /// Exit code and signal. That a core was dumped is not compared: we never dump one.
    pub(crate) status: (Option<i32>, Option<i32>),
    pub(crate) written: Vec<u8>,
    pub(crate) complaints: Vec<u8>,
    pub(crate) world: Option<Value>,
}

impl Case<'_> {
    pub(crate) fn command(&self, sandbox: &Sandbox, way: Way) -> Command {
        let script = format!("{}\nexec {} \"$@\" {}", self.before, self.prefix, self.redirections);
        let mut shell = sandbox.command("/bin/sh");
        shell.args(["-c", &script, "sh"]);
        match way {
            Way::Plain => shell.arg("claude"),
            Way::Exec => shell.arg(cc_observe()).arg("claude"),
            Way::Wait => shell.arg(cc_observe()).args(["--summary", "off", "claude"]),
        };
        shell.args(&self.arguments);
        shell
    }

    fn in_pipes(&self, sandbox: &Sandbox, way: Way) -> Seen {
        sandbox.forget();
        let started = start(self.command(sandbox, way));
        let launcher = started.pid().as_raw();
        let run = started.wait();
        let world = sandbox.claude_was_started().then(|| normal(&sandbox.world(), launcher, way));
        Seen { status: (run.status.code(), run.status.signal()), written: run.stdout, complaints: run.stderr, world }
    }

    pub(crate) fn on_a_terminal(&self, sandbox: &Sandbox, way: Way) -> Seen {
        sandbox.forget();
        let (terminal, mut child) = Terminal::start(&self.command(sandbox, way), "");
        let launcher = i32::try_from(child.id()).unwrap();
        let written = terminal.wait_closed();
        let status = status_of(&mut child);
        let world = sandbox.claude_was_started().then(|| normal(&sandbox.world(), launcher, way));
        Seen { status: (status.code(), status.signal()), written, complaints: Vec::new(), world }
    }

    /// Runs it in every way and compares.
    #[track_caller]
    fn is_the_same(&self, sandbox: &Sandbox, what: &str) -> Seen {
        let plain = self.in_pipes(sandbox, Way::Plain);
        for way in [Way::Exec, Way::Wait] {
            assert_same(&self.in_pipes(sandbox, way), &plain, &format!("{what}, in pipes, {way:?}"));
        }
        let terminal = self.on_a_terminal(sandbox, Way::Plain);
        assert_same(&self.on_a_terminal(sandbox, Way::Wait), &terminal, &format!("{what}, on a terminal"));
        plain
    }
}

#[track_caller]
fn assert_same(observed: &Seen, plain: &Seen, what: &str) {
    let fields = |seen: &Seen| seen.world.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    let (ours, theirs) = (fields(observed), fields(plain));
    for (name, value) in &theirs {
        assert_eq!(ours.get(name), Some(value), "{what}: {name}");
    }
    assert_eq!(observed, plain, "{what}");
}

/// What the probe found, without what must differ: process ids, our `--settings`, telemetry, what
/// is to be put in front of background processes.
pub(crate) fn normal(world: &Value, launcher: i32, way: Way) -> Value {
    let number = |name: &str| world[name].as_i64().unwrap_or(-1);
    let names = || NAMES.iter().map(|(name, _)| *name).chain([wrapper::VARIABLE]);
    let ours = |name: &str| is_own(OsStr::new(name)) || names().any(|known| known == name);
    let environment: BTreeMap<_, _> =
        world["environment"].as_object().unwrap().iter().filter(|(name, _)| !ours(name)).collect();
    let mut argv = world["argv"].as_array().unwrap().clone();
    if way != Way::Plain && argv.get(1) == Some(&json!("--settings")) {
        argv.drain(1..3);
    }
    if way == Way::Wait {
        assert_eq!(number("parent"), i64::from(launcher), "our child");
    } else {
        assert_eq!(number("pid"), i64::from(launcher), "{way:?}: the same process");
    }
    let descriptors: BTreeMap<_, _> = world["descriptors"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(n, target)| (n, kind(target.as_str().unwrap())))
        .collect();
    let relative = |name: &str| number(name) == i64::from(launcher);
    json!({
        "argv": argv,
        "environment": environment,
        "directory": world["directory"],
        "executable": world["executable"],
        "umask": world["umask"],
        "signals": world["signals"],
        "no_new_privileges": world["no_new_privileges"],
        "limits": world["limits"],
        "descriptors": descriptors,
        "terminals": world["terminals"],
        "the launcher leads its group": relative("group"),
        "the launcher leads its session": relative("session"),
        "in the foreground": world["foreground_group"] == world["group"],
    })
}

/// `pipe:[123]` and `/dev/pts/4` have other numbers each time.
fn kind(target: &str) -> String {
    target.trim_end_matches(|c: char| c.is_ascii_digit() || c == ']').to_owned()
}

fn case(before: &'static str, prefix: &'static str, redirections: &'static str) -> Case<'static> {
    Case { before, prefix, redirections, arguments: vec!["-p".into(), "do the work".into()] }
}

/// Whether `/usr/bin/env` can set signals (coreutils 8.31).
pub(crate) fn env_sets_signals() -> bool {
    let known = Command::new("env").args(["--ignore-signal=CHLD", "true"]).output().is_ok_and(|o| o.status.success());
    if !known {
        eprintln!("skipped: `env` of this system knows no --ignore-signal");
    }
    known
}

#[test]
fn claude_finds_the_same_world() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").does(["print:hello", "eprint:a word", "exit:7"]);
    let seen = case("", "", "").is_the_same(&sandbox, "nothing special");
    assert_eq!(seen.status, (Some(7), None));
    for (before, redirections) in [
        ("umask 027", ""),
        ("ulimit -n 64; ulimit -c 0; ulimit -f 100000", ""),
        ("trap '' HUP INT QUIT", ""),
        ("trap '' PIPE", ""),
        ("", "7</dev/null 9>/dev/null"),
        ("", "7<&0 8>&1"),
        ("mkdir -p gone; cd gone; rmdir ../gone", ""),
        ("mkdir -p deep/er; cd deep/er", ""),
    ] {
        case(before, "", redirections).is_the_same(&sandbox, &format!("{before} {redirections}"));
    }
}

#[test]
fn closed_and_redirected_standard_streams_stay_so() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").does(["print:hello", "exit:0"]);
    for redirections in [
        "<&-",
        ">&-",
        "2>&-",
        "<&- >&-",
        ">&- 2>&-",
        "<&- >&- 2>&-",
        "</dev/null",
        ">/dev/null",
        "2>/dev/null",
        "2>&1",
        "<&- 5</dev/null",
    ] {
        case("", "", redirections).is_the_same(&sandbox, redirections);
    }
}

#[test]
fn ignored_and_blocked_signals_are_inherited() {
    if !env_sets_signals() {
        return;
    }
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").does(["exit:3"]);
    for prefix in [
        "env --ignore-signal=CHLD",
        "env --ignore-signal=PIPE,HUP",
        "env --default-signal=PIPE",
        "env --ignore-signal=TSTP,TTIN,TTOU,CONT",
        "env --block-signal=USR1,CHLD",
        "env --block-signal",
        "env --ignore-signal",
        "nohup",
    ] {
        // `nohup` changes where output goes, the same each time.
        let seen = case("", prefix, "").is_the_same(&sandbox, prefix);
        assert_eq!(seen.status, (Some(3), None), "{prefix}");
    }
}

#[test]
fn arguments_and_environment_pass_as_they_are() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("LARGE", "x".repeat(120 << 10)).set("EMPTY", "");
    sandbox.set(OsStr::from_bytes(b"BYTES"), OsStr::from_bytes(b"\xff\xfe=\n"));
    let bytes = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    for arguments in [
        vec![bytes(b"-p"), bytes(b"")],
        vec![bytes(b"-p"), bytes(b"caf\xe9 \xff\n\t")],
        vec![bytes(b"")],
        vec![bytes(b"-p"), bytes(b"--"), bytes(b"--settings"), bytes(b"--summary")],
        vec![bytes(b"--append-system-prompt"), bytes(b"\xff"), bytes(b"-p"), bytes(b"x"), bytes(b"-")],
        vec![bytes(b"-p"), bytes(&b"a".repeat(100 << 10))],
        vec![bytes(b"--summary"), bytes(b"off"), bytes(b"--help-me")],
    ] {
        let case = Case { arguments, ..Case::default() };
        case.is_the_same(&sandbox, &format!("{:.200?}", case.arguments));
    }
}

#[test]
fn every_exit_code_comes_through() {
    for code in [0, 1, 2, 3, 42, 64, 77, 99, 124, 125, 126, 127, 128, 129, 130, 131, 137, 141, 143, 192, 254, 255] {
        let mut sandbox = Sandbox::new();
        sandbox.does([&format!("exit:{code}")]);
        let case = case("", "", "");
        for way in [Way::Exec, Way::Wait] {
            assert_eq!(case.in_pipes(&sandbox, way).status, (Some(code), None), "{way:?}");
        }
        assert_eq!(case.on_a_terminal(&sandbox, Way::Wait).status, (Some(code), None));
    }
}

/// Whether the tests themselves were started with this signal ignored (proc(5), `SigIgn`).
pub(crate) fn is_ignored(name: &str) -> bool {
    let Ok(signal) = format!("SIG{name}").parse::<nix::sys::signal::Signal>() else { return false };
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << (signal as i32 - 1)) != 0
}

#[test]
fn death_by_every_signal_leaves_the_same_wait_status() {
    let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "XCPU", "XFSZ", "VTALRM", "PROF", "SYS",
    ];
    // Real-time signals have no names that all shells know.
    for signal in names.map(str::to_owned).into_iter().chain(["34".to_owned(), "64".to_owned()]) {
        if is_ignored(&signal) {
            eprintln!("skipped: {signal} is ignored here (nohup does that), and so by all that is started from here");
            continue;
        }
        let mut sandbox = Sandbox::new();
        sandbox.does([&format!("signal:{signal}")]);
        let case = Case { before: "ulimit -c 0", ..case("", "", "") };
        let plain = case.in_pipes(&sandbox, Way::Plain);
        assert_eq!(plain.status.0, None, "{signal} kills");
        for way in [Way::Exec, Way::Wait] {
            assert_eq!(case.in_pipes(&sandbox, way).status, plain.status, "{signal}, {way:?}");
        }
        assert_eq!(case.on_a_terminal(&sandbox, Way::Wait).status, plain.status, "{signal}");
    }
}

#[test]
fn nine_megabytes_go_through_byte_by_byte() {
    let mut sandbox = Sandbox::new();
    sandbox.does(["copy-stdin"]);
    let bytes: Vec<u8> = (0..9_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for way in [Way::Exec, Way::Wait] {
        let mut started = start(case("", "", "").command(&sandbox, way));
        started.send(&bytes).close_stdin();
        let run = started.wait();
        assert!(run.stdout == bytes, "{way:?}: {} of {} bytes", run.stdout.len(), bytes.len());
        assert_eq!((run.code(), run.err()), (Some(0), String::new()));
    }
}

/// The piece of a stream that stands at this number: a megabyte like no other.
fn piece(number: u64) -> Vec<u8> {
    let mut bytes = vec![0x5a; 1 << 20];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[(1 << 20) - 8..].copy_from_slice(&number.to_be_bytes());
    bytes
}

#[test]
#[ignore = "moves ten gigabytes: .ci/full runs it"]
fn gigabytes_go_through_byte_by_byte() {
    /// More than 32 bits can count.
    const PIECES: u64 = 5 << 10;
    let mut sandbox = Sandbox::new();
    sandbox.does(["copy-stdin", "exit:3"]);
    for way in [Way::Exec, Way::Wait] {
        let mut command = case("", "", "").command(&sandbox, way);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let writer = std::thread::spawn(move || (0..PIECES).try_for_each(|number| to.write_all(&piece(number))));
        for number in 0..PIECES {
            let mut got = vec![0; 1 << 20];
            from.read_exact(&mut got).unwrap();
            assert!(got == piece(number), "{way:?}: megabyte {number}");
        }
        writer.join().unwrap().unwrap();
        assert_eq!((from.read(&mut [0]).unwrap(), child.wait().unwrap().code()), (0, Some(3)), "{way:?}");
    }
}

#[test]
fn a_pipe_ends_with_claude_though_the_relay_lives_on() {
    let endpoint = crate::support::OrgEndpoint::start_as(crate::support::Mode::Hang);
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    for way in [Way::Exec, Way::Wait] {
        // `run` fails when a pipe is held open after the end.
        let run = run(case("", "", "").command(&sandbox, way));
        assert_eq!(run.code(), Some(0), "{way:?}");
        wait_until("the relay asks an endpoint that hangs", || !endpoint.requests().is_empty());
    }
}

#[test]
fn who_becomes_claude_has_no_child_and_leaves_no_zombie() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").does(["touch:../out/ready", "wait-file:../out/go"]);
    let started = start(case("", "", "").command(&sandbox, Way::Exec));
    sandbox.wait_for_file("out/ready");
    let pid = started.pid();
    assert_eq!(sandbox.world()["pid"], pid.as_raw());
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    assert_eq!(children.trim(), "", "no child, no zombie");
    sandbox.write("out/go", "");
    assert_eq!(started.wait().code(), Some(0));
}

#[test]
fn a_claude_that_is_a_script_without_a_first_line_runs_as_a_shell_runs_it() {
    let sandbox = Sandbox::new();
    std::fs::remove_file(sandbox.claude()).unwrap();
    let script = sandbox.write("bin/claude", "echo \"$#: $1\"; exit 9\n");
    std::fs::set_permissions(script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for way in [Way::Plain, Way::Exec, Way::Wait] {
        let case = Case { arguments: vec!["--version".into()], ..Case::default() };
        let seen = case.in_pipes(&sandbox, way);
        assert_eq!((seen.status, seen.written), ((Some(9), None), b"1: --version\n".to_vec()), "{way:?}");
    }
}
