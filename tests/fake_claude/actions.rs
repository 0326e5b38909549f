//! Edge: what a test asks the stand-in to do, one action a line in `FAKE_CLAUDE_DO`.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use crate::signals::Signals;

/// One thing to do, in the order given, between the first requests and the last.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// `send`: the next captured request. With one of these, nothing but the last burst is sent unasked.
    Send,
    /// `exit:N`: end as a session ends, with this code.
    Exit(u8),
    /// `die:N`: leave at once, nothing flushed.
    Die(u8),
    /// `signal:NAME` or `signal:N`: be killed by it, nothing flushed.
    Signal(String),
    /// `stop`: what the client does on Ctrl-Z.
    Stop,
    /// `sleep:MILLISECONDS`
    Sleep(Duration),
    /// `wait-signal`: until INT, TERM or HUP.
    WaitSignal,
    /// `wait-file:PATH`: until there is such a file.
    WaitFile(PathBuf),
    /// `touch:PATH`: tells the test that it got here.
    Touch(PathBuf),
    /// `print:TEXT`, a line on stdout.
    Print(String),
    /// `eprint:TEXT`, a line on stderr.
    Eprint(String),
    /// `copy-stdin`: stdin to stdout, until its end.
    CopyStdin,
    /// `read-line`: one line of stdin, printed after `read: `.
    ReadLine,
    /// `background:PATH`: another session with our environment and no settings of ours goes on when we have ended. It waits
    /// for such a file before it sends anything.
    Background(PathBuf),
    /// `run:COMMAND`: as the client runs a Bash call.
    Run(String),
}

/// How the actions ended.
pub(crate) enum Ended {
    /// There are no more.
    Done,
    /// The session is to end with this code.
    With(u8),
    /// A signal asked for the end.
    BySignal,
}

/// Reads a script; a line that is none is a mistake of the test.
pub(crate) fn parse(script: &str) -> Vec<Action> {
    script.lines().map(str::trim_start).filter(|line| !line.is_empty()).map(parse_line).collect()
}

fn parse_line(line: &str) -> Action {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    match name {
        "send" => Action::Send,
        "exit" => Action::Exit(value.parse().expect("exit:N")),
        "die" => Action::Die(value.parse().expect("die:N")),
        "signal" => Action::Signal(value.to_owned()),
        "stop" => Action::Stop,
        "sleep" => Action::Sleep(Duration::from_millis(value.parse().expect("sleep:MILLISECONDS"))),
        "wait-signal" => Action::WaitSignal,
        "wait-file" => Action::WaitFile(value.into()),
        "touch" => Action::Touch(value.into()),
        "print" => Action::Print(value.to_owned()),
        "eprint" => Action::Eprint(value.to_owned()),
        "copy-stdin" => Action::CopyStdin,
        "read-line" => Action::ReadLine,
        "background" => Action::Background(value.into()),
        "run" => Action::Run(value.to_owned()),
        _ => panic!("FAKE_CLAUDE_DO: no action {line:?}"),
    }
}

/// Does them in order; `send` is called for each [`Action::Send`].
pub(crate) fn perform(
    actions: &[Action],
    signals: &mut Signals,
    session_id: &str,
    mut send: impl FnMut(&mut Signals),
) -> Ended {
    for action in actions {
        let go_on = match action {
            Action::Send => {
                send(signals);
                true
            }
            Action::Exit(code) => return Ended::With(*code),
            Action::Die(code) => std::process::exit(i32::from(*code)),
            Action::Signal(name) => die_by(name),
            Action::Stop => {
                kill(Pid::from_raw(0), Signal::SIGTSTP).unwrap();
                true
            }
            Action::Sleep(time) => signals.sleep_for(*time),
            Action::WaitSignal => signals.sleep(None),
            Action::WaitFile(file) => wait_file(file, signals),
            Action::Touch(file) => fs::write(file, "").map(|()| true).unwrap(),
            Action::Print(text) => say(io::stdout(), text),
            Action::Eprint(text) => say(io::stderr(), text),
            Action::CopyStdin => copy_stdin(signals),
            Action::ReadLine => read_line(),
            Action::Background(file) => background(file),
            Action::Run(command) => run(command, session_id),
        };
        if !go_on {
            return Ended::BySignal;
        }
    }
    Ended::Done
}

/// A line; whether somebody still reads it is not our business.
fn say(mut to: impl Write, text: &str) -> bool {
    let _ = writeln!(to, "{text}").and_then(|()| to.flush());
    true
}

/// Becomes a shell that kills itself: the runtime has changed SIGPIPE, and `exec` puts that right.
fn die_by(name: &str) -> bool {
    SigSet::all().thread_unblock().unwrap();
    panic!("{}", Command::new("/bin/sh").args(["-c", &format!("kill -{name} $$")]).exec());
}

fn wait_file(file: &Path, signals: &mut Signals) -> bool {
    while !file.exists() {
        if !signals.sleep_for(Duration::from_millis(2)) {
            return false;
        }
    }
    true
}

fn copy_stdin(signals: &mut Signals) -> bool {
    let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    let mut buffer = vec![0; 64 << 10];
    loop {
        while poll(&mut [PollFd::new(io::stdin().as_fd(), PollFlags::POLLIN)], PollTimeout::from(50_u8)).unwrap_or(0)
            == 0
        {
            if signals.asked().is_some() {
                return false;
            }
        }
        match stdin.read(&mut buffer) {
            Ok(0) | Err(_) => return true,
            Ok(n) if stdout.write_all(&buffer[..n]).and_then(|()| stdout.flush()).is_ok() => {}
            Ok(_) => return true,
        }
    }
}

fn read_line() -> bool {
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    say(io::stdout(), &format!("read: {}", line.trim_end()))
}

/// It is init's to wait for.
fn background(file: &Path) -> bool {
    let null = || std::process::Stdio::null();
    let session = Command::new(std::env::current_exe().unwrap())
        .args(["-p", "in the background"])
        .env("FAKE_CLAUDE_DO", format!("wait-file:{}", file.display()))
        .env_remove("FAKE_CLAUDE_DUMP")
        .process_group(0)
        .stdin(null())
        .stdout(null())
        .stderr(null())
        .spawn();
    drop(session.unwrap());
    true
}

/// A child of the session: no `OTEL_*`, all else kept, three names added.
fn run(command: &str, session_id: &str) -> bool {
    let mut child = Command::new("/bin/sh");
    child.args(["-c", command]);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTEL_")) {
        child.env_remove(name);
    }
    child.env("CLAUDECODE", "1").env("CLAUDE_PID", std::process::id().to_string());
    child.env("CLAUDE_CODE_SESSION_ID", session_id);
    let mask = SigSet::thread_get_mask().unwrap();
    SigSet::all().thread_unblock().unwrap();
    let spawned = child.spawn();
    mask.thread_set_mask().unwrap();
    spawned.unwrap().wait().unwrap();
    true
}

/// An exit code, as a process has it.
pub(crate) fn code(code: u8) -> ExitCode {
    ExitCode::from(code)
}
