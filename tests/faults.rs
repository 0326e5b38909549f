//! Something breaks: the endpoint, the relay, the launcher. Claude does not notice, and nothing is lost silently.

use std::collections::BTreeSet;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde_json::Value;

use crate::support::{Mode, OrgEndpoint, Record, Run, Sandbox, Terminal, run, start, status_of, wait_for, wait_until};

fn sandbox(endpoint: &OrgEndpoint) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    sandbox
}

/// Runs with a summary file, and gives it.
fn with_summary(sandbox: &Sandbox) -> (Run, Value) {
    let file = sandbox.at("out/summary.json");
    let mut command = sandbox.cc_observe([] as [&str; 0]);
    command.arg("--summary-file").arg(&file).args(["claude", "-p", "go"]);
    let run = run(command);
    (run, serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
}

/// The relay of this sandbox. Only root sees whose it is: nobody else may look into it.
fn relay(sandbox: &Sandbox) -> Option<Pid> {
    if !geteuid().is_root() {
        eprintln!("skipped: only root can tell which relay belongs to which run");
        return None;
    }
    Some(wait_for("there is a relay", || sandbox.relays().pop().map(|process| process.pid)))
}

/// Names and times of what claude sent.
fn claudes(records: &[Record]) -> BTreeSet<(String, u64, String)> {
    let claudes = records.iter().filter(|record| record.scope != "cc_observe");
    claudes.map(|r| (r.name.clone(), r.time, format!("{:?}{}", r.attributes, r.value))).collect()
}

/// What claude sends, without any fault.
fn everything() -> BTreeSet<(String, u64, String)> {
    let endpoint = OrgEndpoint::start();
    let sandbox = sandbox(&endpoint);
    run(sandbox.observed(["-p", "go"]));
    sandbox.wait_until_idle();
    endpoint.wait_for_event("cc_observe.run_ended");
    claudes(&endpoint.records())
}

/// Batches in the spool.
fn spooled(sandbox: &Sandbox) -> usize {
    fn count(directory: &Path) -> usize {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries
            .map(|entry| match entry.file_type() {
                Ok(kind) if kind.is_dir() => count(&entry.path()),
                _ => usize::from(entry.path().extension().is_some_and(|extension| extension == "otlp")),
            })
            .sum()
    }
    count(&sandbox.state().join("spool"))
}

/// Ends what lingers, as the end of a session or of the machine would.
fn end_relays(sandbox: &Sandbox) {
    for process in sandbox.our_processes() {
        let _ = kill(process.pid, Signal::SIGKILL);
    }
    sandbox.wait_until_idle();
}

#[test]
fn whatever_the_endpoint_does_claude_is_not_disturbed_and_nothing_is_lost() {
    let all = everything();
    let login = "<html>log in</html>".to_owned();
    for mode in [
        Mode::Status { code: 503, first: None },
        Mode::Status { code: 401, first: None },
        Mode::Status { code: 500, first: None },
        Mode::Hang,
        Mode::Deaf,
        Mode::Close,
        Mode::Echo(login),
    ] {
        let endpoint = OrgEndpoint::start_as(mode.clone());
        let sandbox = sandbox(&endpoint);
        let plain = run(sandbox.plain(["-p", "go"]));
        let (run, summary) = with_summary(&sandbox);
        // The run is over while the endpoint is as bad as ever.
        assert_eq!((run.code(), &run.stdout, run.err()), (Some(0), &plain.stdout, String::new()), "{mode:?}");
        let delivery = &summary["delivery"][0];
        let batches = |what: &str| delivery[what]["batches"].as_u64().unwrap();
        assert_eq!(batches("dropped") + batches("delivered") + batches("parked"), 0, "{mode:?}: {delivery}");
        assert!(batches("spooled") > 0, "{mode:?}: {delivery}");
        assert!(spooled(&sandbox) > 0, "{mode:?}: on disk");
        if !geteuid().is_root() {
            eprintln!("skipped: only root can end a relay that still delivers, to see what the next run does");
            return;
        }
        // The next run finds what this one left.
        end_relays(&sandbox);
        endpoint.set_mode(Mode::Ok);
        let mut command = sandbox.observed(["-p", "go"]);
        command.env_remove("FAKE_CLAUDE_CAPTURE");
        assert_eq!(crate::support::run(command).code(), Some(0));
        wait_until(&format!("{mode:?}: everything arrives"), || all.is_subset(&claudes(&endpoint.records())));
        sandbox.wait_until_idle();
    }
}

#[test]
fn an_endpoint_that_is_not_there_keeps_nobody_waiting() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    let gone = endpoint.url();
    drop(endpoint);
    sandbox.set("CC_OBSERVE_ENDPOINT", gone);
    let (run, summary) = with_summary(&sandbox);
    assert_eq!((run.code(), run.err()), (Some(0), String::new()));
    assert!(summary["delivery"][0]["spooled"]["batches"].as_u64().unwrap() > 0);
    end_relays(&sandbox);
}

#[test]
fn in_ci_a_hanging_endpoint_is_waited_for_and_then_left() {
    let endpoint = OrgEndpoint::start_as(Mode::Hang);
    let mut sandbox = sandbox(&endpoint);
    sandbox.set("CI", "true");
    let run = run(sandbox.observed(["-p", "go"]));
    assert!(sandbox.our_processes().is_empty(), "nothing is left running");
    assert_eq!(run.code(), Some(0));
    assert!(spooled(&sandbox) > 0, "kept for the next run");
}

#[test]
fn a_busy_endpoint_is_asked_again() {
    let endpoint = OrgEndpoint::start_as(Mode::Status { code: 503, first: Some(1) });
    let sandbox = sandbox(&endpoint);
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    endpoint.wait_for_event("cc_observe.run_ended");
    sandbox.wait_until_idle();
    let again: Vec<_> = endpoint.requests().iter().map(|request| request.body.clone()).collect();
    assert!(again.len() > 1);
    assert_eq!(spooled(&sandbox), 0);
}

#[test]
fn a_killed_launcher_takes_nothing_with_it() {
    let all = everything();
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    sandbox.does(["touch:../out/ready", "wait-file:../out/go", "touch:../out/done"]);
    let (_terminal, mut child) = Terminal::start(&sandbox.observed(["-p", "go"]), ">/dev/null");
    sandbox.wait_for_file("out/ready");
    child.kill().unwrap();
    status_of(&mut child);
    // The kernel tells the foreground group of a session that lost its leader; claude ends by SIGHUP, and exports.
    wait_until("claude ends", || sandbox.signals().iter().any(|signal| signal == "HUP"));
    sandbox.wait_until_idle();
    wait_until("everything arrives", || claudes(&endpoint.records()) == all);
    endpoint.wait_for_event("cc_observe.run_ended");
}

/// Starts claude in wait mode on pipes and waits until it runs.
fn waiting(sandbox: &mut Sandbox) -> crate::support::Started {
    sandbox.does(["touch:../out/ready", "wait-file:../out/go", "touch:../out/done"]);
    let started = start(sandbox.cc_observe(["--summary", "line", "claude", "-p", "go"]));
    sandbox.wait_for_file("out/ready");
    started
}

#[test]
fn claude_goes_on_when_the_launcher_is_killed_and_its_last_export_arrives() {
    let all = everything();
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    let started = waiting(&mut sandbox);
    started.signal(Signal::SIGKILL);
    sandbox.write("out/go", "");
    sandbox.wait_for_file("out/done");
    assert_eq!(started.wait().killed_by(), Some(Signal::SIGKILL));
    sandbox.wait_until_idle();
    wait_until("everything arrives", || claudes(&endpoint.records()) == all);
    endpoint.wait_for_event("cc_observe.run_ended");
}

#[test]
fn claude_does_not_notice_that_the_relay_is_killed() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    let plain = run(sandbox.plain(["-p", "go"]));
    let started = waiting(&mut sandbox);
    let Some(_) = relay(&sandbox) else { return };
    sandbox.kill_relays();
    sandbox.write("out/go", "");
    let run = started.wait();
    assert_eq!((run.code(), run.stdout.clone()), (Some(0), plain.stdout));
    assert_eq!(run.err().lines().count(), 1, "a word about it: {}", run.err());
    sandbox.wait_until_idle();
}

#[test]
fn a_relay_that_is_killed_is_started_again_on_its_port_and_goes_on() {
    let all = everything();
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    let started = waiting(&mut sandbox);
    let Some(first) = relay(&sandbox) else { return };
    kill(first, Signal::SIGKILL).unwrap();
    let second = wait_for("there is another relay", || relay(&sandbox).filter(|pid| *pid != first));
    sandbox.write("out/go", "");
    let run = started.wait();
    assert_eq!(run.code(), Some(0));
    assert!(run.err().contains("relay restarted"), "{}", run.err());
    sandbox.wait_until_idle();
    endpoint.wait_for_event("cc_observe.run_ended");
    let arrived = claudes(&endpoint.records());
    assert_eq!(arrived, all, "{:?}", all.difference(&arrived).collect::<Vec<_>>());
    let count = |name: &str| endpoint.records().iter().filter(|record| record.name == name).count();
    assert_eq!((count("cc_observe.run_started"), count("cc_observe.run_ended")), (1, 1));
    assert_eq!(endpoint.events("cc_observe.run_ended")[0].attributes["relay_restarted"], true);
    assert_ne!(first, second);
}

#[test]
fn a_relay_that_is_killed_in_exec_mode_is_started_again_and_knows_when_claude_ends() {
    let all = everything();
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    sandbox.does(["touch:../out/ready", "wait-file:../out/go", "touch:../out/done"]);
    let started = start(sandbox.observed(["-p", "go"]));
    sandbox.wait_for_file("out/ready");
    for _ in 0..2 {
        let Some(first) = relay(&sandbox) else { return };
        kill(first, Signal::SIGKILL).unwrap();
        wait_until("there is another relay", || relay(&sandbox).is_some_and(|pid| pid != first));
    }
    sandbox.write("out/go", "");
    assert_eq!(started.wait().code(), Some(0));
    sandbox.wait_until_idle();
    endpoint.wait_for_event("cc_observe.run_ended");
    assert_eq!(claudes(&endpoint.records()), all);
}

#[test]
fn a_relay_whose_guard_is_killed_goes_on() {
    let all = everything();
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    let started = waiting(&mut sandbox);
    let Some(_) = relay(&sandbox) else { return };
    kill(sandbox.relays()[0].parent, Signal::SIGKILL).unwrap();
    sandbox.write("out/go", "");
    assert_eq!(started.wait().code(), Some(0));
    sandbox.wait_until_idle();
    assert_eq!(claudes(&endpoint.records()), all);
}

#[test]
fn what_was_spooled_when_all_of_ours_were_killed_arrives_with_the_next_run() {
    let endpoint = OrgEndpoint::start_as(Mode::Hang);
    let mut sandbox = Sandbox::new();
    sandbox.plays("09-interactive-decisions").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    sandbox.does(["send", "send", "send", "touch:../out/ready", "wait-file:../out/go", "touch:../out/done"]);
    let started = start(sandbox.cc_observe(["--summary", "line", "claude"]));
    sandbox.wait_for_file("out/ready");
    let Some(_) = relay(&sandbox) else { return };
    sandbox.kill_relays();
    started.signal(Signal::SIGKILL);
    sandbox.write("out/go", "");
    sandbox.wait_for_file("out/done");
    started.wait();
    sandbox.wait_until_idle();
    endpoint.set_mode(Mode::Ok);
    sandbox.unset("FAKE_CLAUDE_CAPTURE").set("FAKE_CLAUDE_DO", "");
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.wait_until_idle();
    // All three batches had been acknowledged.
    let capture = crate::support::Capture::load("09-interactive-decisions");
    let sent: BTreeSet<_> = capture.requests[..3]
        .iter()
        .flat_map(|r| crate::support::records(&cc_observe::otlp::decode(r.signal, r.encoding(), &r.body).unwrap()))
        .map(|record| (record.name, record.time))
        .collect();
    let arrived: BTreeSet<_> = endpoint.records().into_iter().map(|record| (record.name, record.time)).collect();
    assert!(sent.is_subset(&arrived), "{:?}", sent.difference(&arrived).collect::<Vec<_>>());
    assert_eq!(spooled(&sandbox), 0);
}

#[test]
fn a_relay_that_still_delivers_ends_when_it_is_asked_to() {
    let endpoint = OrgEndpoint::start_as(Mode::Hang);
    let sandbox = sandbox(&endpoint);
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    let Some(relay) = relay(&sandbox) else { return };
    wait_until("the relay asks an endpoint that hangs", || !endpoint.requests().is_empty());
    kill(relay, Signal::SIGTERM).unwrap();
    sandbox.wait_until_idle();
    assert!(spooled(&sandbox) > 0, "what it held is kept");
}
