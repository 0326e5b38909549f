//! Signals and job control: what a person does at a terminal, and what programs send.

use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::sandbox::cc_observe;
use crate::support::{OrgEndpoint, Sandbox, Terminal, status_of, wait_until};

/// The state letter of a process, as `/proc` has it: `T` is stopped.
fn state(pid: Pid) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn pid(child: &std::process::Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap())
}

/// The modes of a terminal.
fn modes(terminal: &Terminal) -> String {
    let output = Command::new("stty").args(["-F", terminal.name(), "-g"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// `cc-observe` by its name in a shell.
fn with_cc_observe_on_path(sandbox: &Sandbox) {
    std::os::unix::fs::symlink(cc_observe(), sandbox.bin().join("cc-observe")).unwrap();
}

/// The path of a shell, or a word that it is not there.
fn shell(name: &str) -> Option<String> {
    let found = ["/usr/bin", "/bin", "/usr/local/bin"].map(|directory| format!("{directory}/{name}"));
    let found = found.into_iter().find(|path| std::path::Path::new(path).exists());
    if found.is_none() {
        eprintln!("skipped: there is no {name} here");
    }
    found
}

/// Stops and continues claude in an interactive shell so many times, and sees how it ended.
fn stop_and_go(shell: &str, options: &[&str], times: usize) {
    let mut sandbox = Sandbox::new();
    with_cc_observe_on_path(&sandbox);
    let mut actions: Vec<String> = (1..=times).flat_map(|n| ["stop".to_owned(), format!("print:back-{n}.")]).collect();
    actions.push("exit:5".to_owned());
    sandbox.plays("01-default").set("FAKE_CLAUDE_DO", actions.join("\n")).set("PS1", "ready> ");
    let mut command = sandbox.command(shell);
    command.args(options);
    let (mut terminal, mut child) = Terminal::start(&command, "");
    terminal.wait_for("ready> ", 1);
    terminal.send("cc-observe claude\r");
    for n in 1..=times {
        // The prompt comes back each time: the shell has the terminal again.
        terminal.wait_for("ready> ", n + 1);
        terminal.send("fg\r");
        terminal.wait_for(&format!("back-{n}."), 1);
    }
    terminal.wait_for("list price", 1);
    terminal.wait_for("ready> ", times + 2);
    terminal.send("echo the\" status is \"$?.\r");
    terminal.wait_for("the status is 5.", 1);
    terminal.send("exit\r");
    terminal.wait_closed();
    status_of(&mut child);
    sandbox.wait_until_idle();
}

#[test]
fn ctrl_z_and_fg_work_twenty_times_in_bash() {
    if let Some(bash) = shell("bash") {
        stop_and_go(&bash, &["--norc", "--noprofile", "--noediting", "-i"], 20);
    }
}

#[test]
fn ctrl_z_and_fg_work_in_dash() {
    if let Some(dash) = shell("dash") {
        stop_and_go(&dash, &["-i"], 3);
    }
}

#[test]
fn ctrl_z_and_fg_work_in_zsh() {
    if let Some(zsh) = shell("zsh") {
        stop_and_go(&zsh, &["-f", "-i"], 3);
    }
}

#[test]
fn ctrl_c_reaches_claude_once_and_the_terminal_is_as_before() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").does(["touch:../out/ready", "wait-signal"]);
    let (mut terminal, mut child) = Terminal::start(&sandbox.observed(["-p", "go"]), "");
    let before = modes(&terminal);
    sandbox.wait_for_file("out/ready");
    terminal.send("\x03");
    terminal.wait_for("cc-observe", 1);
    let after = modes(&terminal);
    assert_eq!(status_of(&mut child).code(), Some(0), "what claude does on SIGINT");
    assert_eq!(sandbox.signals(), ["INT"]);
    // Empty where the terminal is gone by now.
    assert!(after.is_empty() || after == before);
}

#[test]
fn a_signal_sent_to_the_launcher_reaches_claude_once() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").does(["touch:../out/ready", "wait-signal"]);
    for (last, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGINT, 0)] {
        sandbox.forget();
        let (_terminal, mut child) = Terminal::start(&sandbox.observed(["-p", "go"]), "");
        sandbox.wait_for_file("out/ready");
        std::fs::remove_file(sandbox.at("out/ready")).unwrap();
        let mut expected = Vec::new();
        for signal in [Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGWINCH, Signal::SIGUSR1, last] {
            kill(pid(&child), signal).unwrap();
            expected.push(signal.as_str().trim_start_matches("SIG").to_owned());
            wait_until("claude has the signal", || sandbox.signals().len() >= expected.len());
        }
        assert_eq!(status_of(&mut child).code(), Some(code), "{last}");
        assert_eq!(sandbox.signals(), expected);
    }
}

#[test]
fn a_quit_signal_kills_both_the_same_way() {
    use std::os::unix::process::ExitStatusExt;
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").does(["touch:../out/ready", "wait-signal"]);
    let (_terminal, mut child) = Terminal::start(&sandbox.observed(["-p", "go"]), "");
    sandbox.wait_for_file("out/ready");
    kill(pid(&child), Signal::SIGQUIT).unwrap();
    assert_eq!(status_of(&mut child).signal(), Some(Signal::SIGQUIT as i32));
    sandbox.wait_until_idle();
}

#[test]
fn a_new_size_is_told_to_claude_once() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").does(["touch:../out/ready", "wait-signal"]);
    let (mut terminal, mut child) = Terminal::start(&sandbox.observed(["-p", "go"]), "");
    sandbox.wait_for_file("out/ready");
    // One change: `stty` would set rows and columns one by one.
    let sized = Command::new("stty").args(["-F", terminal.name(), "rows", "30"]).status().unwrap();
    assert!(sized.success());
    wait_until("claude has the signal", || !sandbox.signals().is_empty());
    terminal.send("\x03");
    status_of(&mut child);
    assert_eq!(sandbox.signals(), ["WINCH", "INT"]);
}

#[test]
fn a_launcher_that_is_stopped_and_continued_goes_on() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").does(["touch:../out/ready", "wait-file:../out/go", "exit:6"]);
    let (terminal, mut child) = Terminal::start(&sandbox.observed(["-p", "go"]), "");
    let launcher = pid(&child);
    sandbox.wait_for_file("out/ready");
    kill(launcher, Signal::SIGSTOP).unwrap();
    wait_until("the launcher is stopped", || state(launcher) == Some('T'));
    kill(launcher, Signal::SIGCONT).unwrap();
    wait_until("the launcher goes on", || state(launcher) != Some('T'));
    sandbox.write("out/go", "");
    terminal.wait_for("cc-observe", 1);
    assert_eq!(status_of(&mut child).code(), Some(6));
}

#[test]
fn a_claude_that_is_stopped_stops_the_launcher_and_goes_on_with_it() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").does(["touch:../out/ready", "wait-file:../out/go", "exit:6"]);
    let (_terminal, mut child) = Terminal::start(&sandbox.observed(["-p", "go"]), "");
    let launcher = pid(&child);
    sandbox.wait_for_file("out/ready");
    let claude = Pid::from_raw(sandbox.world()["pid"].as_i64().unwrap().try_into().unwrap());
    kill(claude, Signal::SIGSTOP).unwrap();
    wait_until("the launcher stops, so that a shell sees it", || state(launcher) == Some('T'));
    kill(launcher, Signal::SIGCONT).unwrap();
    wait_until("claude goes on", || state(claude) != Some('T'));
    sandbox.write("out/go", "");
    assert_eq!(status_of(&mut child).code(), Some(6));
}

#[test]
fn killing_the_group_leaves_no_orphan() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGHUP] {
        let endpoint = OrgEndpoint::start();
        let mut sandbox = Sandbox::new();
        sandbox.plays("01-default").does(["touch:../out/ready", "wait-signal"]);
        sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url());
        let (_terminal, mut child) = Terminal::start(&sandbox.observed(["-p", "go"]), "");
        sandbox.wait_for_file("out/ready");
        kill(Pid::from_raw(-pid(&child).as_raw()), signal).unwrap();
        status_of(&mut child);
        sandbox.wait_until_idle();
        endpoint.wait_for_event("cc_observe.run_ended");
    }
}

#[test]
fn a_terminal_that_is_closed_ends_everything_and_telemetry_arrives() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").does(["touch:../out/ready", "wait-signal"]);
    sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url());
    let (terminal, mut child) = Terminal::start(&sandbox.observed(["-p", "go"]), "");
    sandbox.wait_for_file("out/ready");
    terminal.hang_up();
    assert_eq!(status_of(&mut child).code(), Some(129));
    assert_eq!(sandbox.signals().iter().filter(|signal| *signal == "HUP").count(), 1, "{:?}", sandbox.signals());
    sandbox.wait_until_idle();
    endpoint.wait_for_event("claude_code.api_request");
}

#[test]
fn the_summary_appears_after_claudes_last_word_and_never_before() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("09-interactive-decisions");
    sandbox.does(["send", "send", "print:working", "touch:../out/ready", "wait-file:../out/go", "eprint:last word"]);
    let (terminal, mut child) = Terminal::start(&sandbox.observed([""; 0]), "");
    sandbox.wait_for_file("out/ready");
    terminal.wait_for("working", 1);
    assert_eq!(terminal.output(), b"working\r\n", "nothing of ours while claude runs");
    sandbox.write("out/go", "");
    let output = String::from_utf8(terminal.wait_closed()).unwrap();
    assert!(status_of(&mut child).success());
    let (before, after) = output.split_once("last word").unwrap();
    assert_eq!(before, "working\r\n");
    assert!(after.contains("cc-observe") && after.contains("list price"), "{after}");
}
