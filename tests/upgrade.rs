//! The program is replaced, or taken away, while a session runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cc_observe::launch::wrapper;
use nix::sys::signal::{Signal, kill};
use nix::unistd::geteuid;

use crate::support::sandbox::cc_observe;
use crate::support::{OrgEndpoint, Sandbox, run, start, wait_for, wait_until};

/// What is installed.
fn install(sandbox: &Sandbox) -> PathBuf {
    let installed = sandbox.bin().join("cc-observe");
    let new = sandbox.bin().join("cc-observe.new");
    // In a process of its own: what other tests start meanwhile would keep a file open that is to be executed.
    assert!(Command::new("cp").arg(cc_observe()).arg(&new).status().unwrap().success());
    fs::rename(&new, &installed).unwrap();
    installed
}

/// Another file is in its place: the way package managers do it.
fn replace(sandbox: &Sandbox) {
    install(sandbox);
}

/// It is not there any more.
fn remove(sandbox: &Sandbox) {
    fs::remove_file(sandbox.bin().join("cc-observe")).unwrap();
}

fn sandbox(endpoint: &OrgEndpoint) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    sandbox.does(["touch:../out/ready", "wait-file:../out/go", "exit:3"]);
    sandbox
}

/// Names and times of what claude sent.
fn arrived(endpoint: &OrgEndpoint) -> BTreeSet<(String, u64)> {
    let claudes = endpoint.records().into_iter().filter(|record| record.scope != "cc_observe");
    claudes.map(|record| (record.name, record.time)).collect()
}

/// Runs a session during which something happens to the program and then to the relay, with a summary or without.
/// Returns what was told about it and what has arrived.
fn session(happens: Option<fn(&Sandbox)>, summary: &[&str]) -> (String, BTreeSet<(String, u64)>) {
    let endpoint = OrgEndpoint::start();
    let sandbox = sandbox(&endpoint);
    let mut command = sandbox.command(install(&sandbox));
    command.args(summary).arg("claude");
    let started = start(command);
    sandbox.wait_for_file("out/ready");
    if let Some(happens) = happens {
        happens(&sandbox);
        // Only root sees whose relay it is.
        if geteuid().is_root() {
            let relay = || sandbox.relays().pop().map(|process| process.pid);
            // It may still be on its way to its own name.
            let first = wait_for("there is a relay", relay);
            kill(first, Signal::SIGKILL).unwrap();
            wait_until("there is another relay", || relay().is_some_and(|pid| pid != first));
        }
    }
    sandbox.write("out/go", "");
    let run = started.wait();
    assert_eq!(run.code(), Some(3), "{}", run.err());
    sandbox.wait_until_idle();
    endpoint.wait_for_event("cc_observe.run_ended");
    sandbox.assert_no_needle();
    assert!(!run.err().contains("missing"), "nothing is lost: {}", run.err());
    (run.err(), arrived(&endpoint))
}

#[test]
fn a_session_goes_on_when_the_program_is_replaced_or_taken_away() {
    for summary in [&["--summary", "line"][..], &[]] {
        let (_, all) = session(None, summary);
        assert!(!all.is_empty());
        for happens in [replace, remove] {
            let (told, arrived) = session(Some(happens), summary);
            assert_eq!(arrived, all, "{summary:?}: {:?}", all.difference(&arrived).collect::<Vec<_>>());
            assert_eq!(told.contains("cc-observe $"), !summary.is_empty(), "{told}");
        }
    }
}

/// Starts a session and, when the program has been dealt with, what Claude Code would start through the wrapper; what that
/// one was told of the endpoint, and what the session was told.
fn through_the_wrapper(happens: fn(&Sandbox)) -> (Vec<String>, Vec<String>) {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    let mut command = sandbox.command(install(&sandbox));
    command.arg("claude");
    let started = start(command);
    sandbox.wait_for_file("out/ready");
    let told = |sandbox: &Sandbox| {
        let world = sandbox.world();
        let value = |name: &str| world["environment"][name].as_str().unwrap_or_default().to_owned();
        vec![value("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"), value("OTEL_LOGS_EXPORTER"), value(wrapper::VARIABLE)]
    };
    let session = told(&sandbox);
    let environment = sandbox.world()["environment"].as_object().unwrap().clone();
    happens(&sandbox);
    sandbox.forget();
    sandbox.unset("FAKE_CLAUDE_CAPTURE").set("FAKE_CLAUDE_DO", "exit:4");
    let mut wrapped = sandbox.command(Path::new(&session[2]));
    wrapped.arg(sandbox.claude()).args(["--session-id", "x", "--print", "go"]);
    for (name, value) in environment.iter().filter(|(name, _)| !name.starts_with("FAKE_")) {
        wrapped.env(name, value.as_str().unwrap());
    }
    let run = run(wrapped);
    assert_eq!((run.code(), run.out(), run.err()), (Some(4), String::new(), String::new()));
    let background = told(&sandbox);
    sandbox.write("out/go", "");
    assert_eq!(started.wait().code(), Some(3));
    sandbox.wait_until_idle();
    (session, background)
}

#[test]
fn what_the_new_program_starts_finds_the_relay_of_the_old_one() {
    let (session, background) = through_the_wrapper(replace);
    assert!(session[0].starts_with("http://127.0.0.1:"), "{session:?}");
    assert_eq!(background, session);
}

#[test]
fn without_the_program_what_is_started_in_the_background_is_claude_alone() {
    let (session, background) = through_the_wrapper(remove);
    assert_eq!((&*session[1], &*background[1]), ("otlp", "none"), "a port that is nobody's any more gets nothing");
}
