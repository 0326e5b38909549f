//! Edge: a place to run things in that knows nothing of this machine and leaves nothing on it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver};
use std::time::SystemTime;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpgid};
use serde_json::Value;
use tempfile::TempDir;

use super::Capture;
use super::needle::{assert_no_needle, assert_no_needle_in};
use super::wait::{SOON, wait_for, wait_until};

/// A home, a working directory, a PATH with a `claude` on it, an environment; all its own.
///
/// What was started in it and still runs when it is dropped is killed.
pub(crate) struct Sandbox {
    root: TempDir,
    environment: BTreeMap<OsString, OsString>,
}

impl Sandbox {
    /// An empty one; its `claude` is the stand-in, with nothing to play.
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("cco").tempdir().unwrap();
        let mut sandbox = Self { root, environment: BTreeMap::new() };
        for directory in ["home", "work", "bin", "run", "out", "tmp"] {
            fs::create_dir(sandbox.root.path().join(directory)).unwrap();
        }
        symlink(fake_claude(), sandbox.claude()).unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", sandbox.bin().display());
        sandbox.set("PATH", path).set("LANG", "C.UTF-8").set("TERM", "xterm-256color").set("SHELL", "/bin/sh");
        let (home, state) = (sandbox.home(), sandbox.state_home());
        sandbox.set("HOME", &home).set("XDG_STATE_HOME", state);
        for (name, below) in [("CONFIG", ".config"), ("DATA", ".local/share"), ("CACHE", ".cache")] {
            sandbox.set(format!("XDG_{name}_HOME"), home.join(below));
        }
        let (run, tmp, world) = (sandbox.runtime(), sandbox.at("tmp"), sandbox.world_file());
        sandbox.set("XDG_RUNTIME_DIR", run).set("TMPDIR", tmp).set("FAKE_CLAUDE_DUMP", world);
        let signals = sandbox.signals_file();
        sandbox.set("FAKE_CLAUDE_SIGNALS", signals);
        sandbox
    }

    /// Sets a variable of everything that is started from here on.
    pub(crate) fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Unsets it.
    pub(crate) fn unset(&mut self, name: &str) -> &mut Self {
        self.environment.remove(OsStr::new(name));
        self
    }

    /// The stand-in plays this capture.
    pub(crate) fn plays(&mut self, capture: &str) -> &mut Self {
        self.set("FAKE_CLAUDE_CAPTURE", Capture::directory(capture))
    }

    /// The stand-in does these actions, see `tests/fake_claude/actions.rs`.
    pub(crate) fn does<const N: usize>(&mut self, actions: [&str; N]) -> &mut Self {
        self.set("FAKE_CLAUDE_DO", actions.join("\n"))
    }

    /// A path below the root.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// `$HOME`; configuration, state, data and caches are below it.
    pub(crate) fn home(&self) -> PathBuf {
        self.at("home")
    }

    /// The working directory.
    pub(crate) fn work(&self) -> PathBuf {
        self.at("work")
    }

    /// The first directory on PATH.
    pub(crate) fn bin(&self) -> PathBuf {
        self.at("bin")
    }

    /// The stand-in, by the name it is found under.
    pub(crate) fn claude(&self) -> PathBuf {
        self.at("bin/claude")
    }

    /// `$XDG_RUNTIME_DIR`
    pub(crate) fn runtime(&self) -> PathBuf {
        self.at("run")
    }

    /// `$XDG_STATE_HOME/cc-observe`
    pub(crate) fn state(&self) -> PathBuf {
        self.state_home().join("cc-observe")
    }

    fn state_home(&self) -> PathBuf {
        self.at("home/.local/state")
    }

    fn world_file(&self) -> PathBuf {
        self.at("out/world.json")
    }

    fn signals_file(&self) -> PathBuf {
        self.at("out/signals")
    }

    /// Writes a file below the root, directories included.
    pub(crate) fn write(&self, path: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let file = self.at(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, contents).unwrap();
        file
    }

    /// A command in this sandbox: its directory, its environment and no other.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.work()).env_clear().envs(&self.environment);
        command
    }

    /// `claude ARGS…`, without us.
    pub(crate) fn plain<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = self.command(self.claude());
        command.args(arguments);
        command
    }

    /// `cc-observe ARGS…`
    pub(crate) fn cc_observe<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = self.command(cc_observe());
        command.args(arguments);
        command
    }

    /// `cc-observe claude ARGS…`
    pub(crate) fn observed<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = self.cc_observe(["claude"]);
        command.args(arguments);
        command
    }

    /// Puts a `claude` that is a symlink to `cc-observe` before the other one on PATH.
    pub(crate) fn shim_claude(&mut self) -> PathBuf {
        let directory = self.at("shim");
        fs::create_dir(&directory).unwrap();
        symlink(cc_observe(), directory.join("claude")).unwrap();
        let path = self.environment[OsStr::new("PATH")].clone();
        let mut before = directory.clone().into_os_string();
        before.push(":");
        before.push(path);
        self.set("PATH", before);
        directory.join("claude")
    }

    /// What the stand-in wrote down about how it was started, once it has.
    #[track_caller]
    pub(crate) fn world(&self) -> Value {
        let text = wait_for("claude starts", || fs::read(self.world_file()).ok());
        serde_json::from_slice(&text).unwrap()
    }

    /// Whether a stand-in was started at all.
    pub(crate) fn claude_was_started(&self) -> bool {
        self.world_file().exists()
    }

    /// Forgets the world and the signals of the last run.
    pub(crate) fn forget(&self) {
        let _ = fs::remove_file(self.world_file());
        let _ = fs::remove_file(self.signals_file());
    }

    /// The signals that reached the stand-in so far, as `TERM`, in order.
    pub(crate) fn signals(&self) -> Vec<String> {
        fs::read_to_string(self.signals_file()).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Waits until there is a file of this name below the root, as `touch:` of the stand-in makes it.
    #[track_caller]
    pub(crate) fn wait_for_file(&self, path: &str) {
        wait_until(&format!("there is {path}"), || self.at(path).exists());
    }

    /// Processes of this sandbox that run now: those with its home, and ours that have something of it open.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let root = self.root.path().as_os_str().as_encoded_bytes();
        let mentions = |bytes: &[u8]| bytes.windows(root.len()).any(|window| window == root);
        all_processes()
            .into_iter()
            .filter(|process| {
                let of = Path::new("/proc").join(process.pid.to_string());
                let link = |name: &Path| fs::read_link(name).is_ok_and(|l| mentions(l.as_os_str().as_encoded_bytes()));
                let open = || fs::read_dir(of.join("fd")).into_iter().flatten().flatten().any(|fd| link(&fd.path()));
                let ours = is_ours(process) || process.executable.as_deref() == Some(fake_claude());
                mentions(&process.environment)
                    || ours && (mentions(&process.arguments) || link(&of.join("cwd")) || open())
            })
            .collect()
    }

    /// Those of [`Self::processes`] that are `cc-observe`.
    pub(crate) fn our_processes(&self) -> Vec<Process> {
        self.processes().into_iter().filter(is_ours).collect()
    }

    /// The relays that run now below their guards.
    pub(crate) fn relays(&self) -> Vec<Process> {
        let mut relays = self.relays_and_guards();
        let all: Vec<_> = relays.iter().map(|process| process.pid).collect();
        relays.retain(|process| all.contains(&process.parent));
        relays
    }

    fn relays_and_guards(&self) -> Vec<Process> {
        let mut all = self.our_processes();
        all.retain(|process| process.arguments.split(|byte| *byte == 0).any(|word| word == b"relay"));
        all
    }

    /// Kills the relays and their guards at once: nobody is left to start another.
    pub(crate) fn kill_relays(&self) {
        for process in self.relays_and_guards() {
            // It may have ended.
            let _ = getpgid(Some(process.pid)).and_then(|group| killpg(group, Signal::SIGKILL));
        }
    }

    /// Waits until nothing of this sandbox runs any more.
    #[track_caller]
    pub(crate) fn wait_until_idle(&self) {
        wait_until("everything of the sandbox has ended", || self.processes().is_empty());
    }

    /// Fails when a planted secret is anywhere below home or the runtime directory, or in the arguments or the
    /// environment of a process of ours.
    #[track_caller]
    pub(crate) fn assert_no_needle(&self) {
        assert_no_needle_in(&self.home());
        assert_no_needle_in(&self.runtime());
        assert_no_needle_in(&self.at("tmp"));
        for process in self.our_processes() {
            assert_no_needle("the arguments of our process", &process.arguments);
            assert_no_needle("the environment of our process", &process.environment);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.kill_relays();
        for process in self.processes() {
            let _ = kill(process.pid, Signal::SIGKILL);
        }
    }
}

/// A process as `/proc` shows it.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: Pid,
    /// Its parent's number.
    pub(crate) parent: Pid,
    /// Its executable, where that may be seen.
    pub(crate) executable: Option<PathBuf>,
    /// Its arguments, each ended by a zero.
    pub(crate) arguments: Vec<u8>,
    /// Its environment when it was started, each variable ended by a zero.
    pub(crate) environment: Vec<u8>,
}

/// Whether it is `cc-observe`, or a copy, be its file there or not.
fn is_ours(process: &Process) -> bool {
    let name = process.executable.as_ref().and_then(|file| file.file_name()?.to_str());
    name.is_some_and(|name| name.trim_end_matches(" (deleted)") == "cc-observe")
}

fn all_processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = entries.filter_map(|entry| Some((entry.path(), entry.file_name().to_str()?.parse().ok()?)));
    numbered
        .map(|(of, pid)| Process {
            pid: Pid::from_raw(pid),
            parent: parent(&of),
            executable: fs::read_link(of.join("exe")).ok(),
            arguments: fs::read(of.join("cmdline")).unwrap_or_default(),
            environment: fs::read(of.join("environ")).unwrap_or_default(),
        })
        .filter(|process| process.executable.is_some())
        .collect()
}

/// The fourth field of `stat`, behind the name in parentheses, which may hold anything.
fn parent(of: &Path) -> Pid {
    let stat = fs::read_to_string(of.join("stat")).unwrap_or_default();
    let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
    Pid::from_raw(parent.unwrap_or(0))
}

/// How a process ended; fails the test when it does not.
#[track_caller]
pub(crate) fn status_of(child: &mut Child) -> ExitStatus {
    let status = wait_within(child);
    if status.is_none() {
        let _ = child.kill();
    }
    status.expect("the process ends")
}

fn wait_within(child: &mut Child) -> Option<ExitStatus> {
    let deadline = std::time::Instant::now() + SOON;
    while std::time::Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    None
}

/// Runs a command to its end, with nothing on stdin.
#[track_caller]
pub(crate) fn run(command: Command) -> Run {
    let mut started = start(command);
    started.close_stdin();
    started.wait()
}

/// Starts a command with pipes for its standard streams.
#[track_caller]
pub(crate) fn start(mut command: Command) -> Started {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (stdout, stderr) = (read_all(child.stdout.take().unwrap()), read_all(child.stderr.take().unwrap()));
    Started { stdin: child.stdin.take(), child, stdout, stderr }
}

/// Something that runs with pipes for its standard streams.
pub(crate) struct Started {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

impl Started {
    /// Its process id.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    /// Writes to its stdin. One that has ended without reading it takes nothing: what it said and how it ended is what counts.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        match self.stdin.as_mut().unwrap().write_all(bytes.as_ref()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            written => written.unwrap(),
        }
        self
    }

    /// The end of its stdin.
    pub(crate) fn close_stdin(&mut self) -> &mut Self {
        self.stdin = None;
        self
    }

    /// Sends a signal to it, and to it alone.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits for its end; fails when it does not end, or when somebody holds its pipes after it.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Run {
        let status = wait_for("the command ends", || self.child.try_wait().unwrap());
        let rest = |from: &Receiver<Vec<u8>>, what| {
            from.recv_timeout(SOON).unwrap_or_else(|_| panic!("{what} is held open after the command's end"))
        };
        Run { status, stdout: rest(&self.stdout, "stdout"), stderr: rest(&self.stderr, "stderr") }
    }
}

/// How something ended, and what it said.
#[derive(Debug)]
pub(crate) struct Run {
    /// Its wait status.
    pub(crate) status: ExitStatus,
    /// All of its stdout.
    pub(crate) stdout: Vec<u8>,
    /// All of its stderr.
    pub(crate) stderr: Vec<u8>,
}

impl Run {
    /// Its exit code; none when a signal killed it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that killed it.
    pub(crate) fn killed_by(&self) -> Option<Signal> {
        self.status.signal().map(|number| Signal::try_from(number).unwrap())
    }

    /// Its stdout as text.
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Its stderr as text.
    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = from.read_to_end(&mut all);
        let _ = sender.send(all);
    });
    receiver
}

/// The binary under test.
pub(crate) fn cc_observe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_cc-observe"))
}

/// The stand-in for `claude`.
pub(crate) fn fake_claude() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| example("fake-claude", &["tests/fake_claude", "tests/support"]))
}

/// The lab, for the real client.
pub(crate) fn lab() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| example("lab", &["tests/lab", "tests/support"]))
}

/// An example of this package. `cargo test` builds it, `cargo test --test it` does not: then it is built here.
fn example(name: &str, sources: &[&str]) -> PathBuf {
    let directory = cc_observe().parent().unwrap();
    let binary = directory.join("examples").join(name);
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let changed = |file: &Path| fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    let newest = sources.iter().flat_map(|source| fs::read_dir(package.join(source)).unwrap());
    let newest: Option<SystemTime> = newest.filter_map(|entry| changed(&entry.unwrap().path())).max();
    if changed(&binary) < newest {
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(package).args(["build", "--quiet", "--example", name]);
        if directory.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the example {name} can be built");
    }
    binary
}
