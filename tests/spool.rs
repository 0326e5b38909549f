//! `cc-observe spool`: what waits is shown, delivered and dropped.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{Mode, OrgEndpoint, Run, Sandbox, Terminal, run, status_of};

/// A run whose endpoint refuses it, and that is over: its batches wait, and no relay holds them.
fn refused() -> (OrgEndpoint, Sandbox) {
    let endpoint = OrgEndpoint::start_as(Mode::Status { code: 401, first: None });
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    // Nothing is left running there.
    sandbox.set("CI", "true");
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.wait_until_idle();
    (endpoint, sandbox)
}

fn spool(sandbox: &Sandbox, words: &[&str]) -> Run {
    let mut command = sandbox.cc_observe(["spool"]);
    command.args(words);
    run(command)
}

fn text(run: &Run) -> String {
    String::from_utf8(run.stdout.clone()).unwrap()
}

fn json(run: &Run) -> Value {
    serde_json::from_slice(&run.stdout).unwrap()
}

/// What waits for the only destination there is.
fn waiting(sandbox: &Sandbox) -> Value {
    let status = spool(sandbox, &["status", "--json"]);
    assert_eq!(status.code(), Some(0), "{}", status.err());
    json(&status)["destinations"][0].clone()
}

#[test]
fn where_nothing_waits_that_is_said_and_nothing_is_made() {
    let sandbox = Sandbox::new();
    for words in [&["status"][..], &[], &["flush", "--require"], &["drop"]] {
        let run = spool(&sandbox, words);
        assert_eq!((run.code(), run.err()), (Some(0), String::new()), "{words:?}");
        assert!(text(&run).starts_with("nothing wait"), "{words:?}: {}", text(&run));
    }
    assert!(!sandbox.state().join("spool").exists());
}

#[test]
fn what_waits_is_shown_with_its_reason_and_is_delivered_once_the_endpoint_takes_it() {
    let (endpoint, sandbox) = refused();
    let before = waiting(&sandbox);
    let batches = before["waiting"]["batches"].as_u64().unwrap();
    assert!(batches > 0 && before["waiting"]["records"].as_u64().unwrap() >= batches, "{before}");
    assert!(
        before["waiting"]["bytes"].as_u64().unwrap() > 0 && before["waiting"]["oldest_seconds"].is_u64(),
        "{before}"
    );
    assert_eq!((&before["configured"], &before["runs"], &before["in_use"]), (&true.into(), &1.into(), &0.into()));
    assert_eq!(before["error"], "answers 401: its credentials are not accepted");
    let shown = text(&spool(&sandbox, &[]));
    assert!(shown.contains("it answers 401: its credentials are not accepted, since 20"), "{shown}");
    assert!(shown.contains(&format!("{batches} batch")), "{shown}");

    let still = spool(&sandbox, &["flush", "--wait", "0s", "--require", "--json"]);
    assert_eq!(still.code(), Some(1), "{}", text(&still));
    assert_eq!(json(&still)["destinations"][0]["left"], batches);
    assert_eq!(waiting(&sandbox)["waiting"]["batches"], batches, "nothing is lost by trying");

    endpoint.set_mode(Mode::Ok);
    let flushed = spool(&sandbox, &["flush", "--require"]);
    assert_eq!((flushed.code(), flushed.err()), (Some(0), String::new()));
    assert!(text(&flushed).ends_with(&format!("  {batches} delivered\n")), "{}", text(&flushed));
    endpoint.wait_for_event("cc_observe.run_ended");
    assert_eq!(text(&spool(&sandbox, &["status"])), "nothing waits\n");
    assert_eq!(text(&spool(&sandbox, &["flush"])), "nothing waited\n");
}

#[test]
fn what_waits_for_a_destination_that_is_gone_is_kept_and_told() {
    let (_endpoint, mut sandbox) = refused();
    let other = OrgEndpoint::start();
    sandbox.set("CC_OBSERVE_ENDPOINT", other.url());
    assert_eq!(waiting(&sandbox)["configured"], false);
    let shown = text(&spool(&sandbox, &["status"]));
    assert!(shown.contains("no destination of this name is configured"), "{shown}");
    let flushed = spool(&sandbox, &["flush", "--require"]);
    assert_eq!(flushed.code(), Some(1));
    assert!(text(&flushed).contains("left: it is no destination of today's configuration"), "{}", text(&flushed));
    assert!(other.requests().is_empty(), "what waits for one never goes to another");
}

#[test]
fn nothing_is_dropped_that_nobody_asked_to_drop() {
    let (_endpoint, sandbox) = refused();
    let batches = waiting(&sandbox)["waiting"]["batches"].as_u64().unwrap();
    let unasked = spool(&sandbox, &["drop"]);
    assert_eq!(unasked.code(), Some(2));
    assert!(unasked.err().contains("--yes"), "{}", unasked.err());
    let misspelt = spool(&sandbox, &["drop", "--destination", "endpiont", "--yes"]);
    assert_eq!(misspelt.code(), Some(2));
    assert!(
        misspelt.err().contains("nothing lies in the spool for endpiont; there is endpoint-"),
        "{}",
        misspelt.err()
    );

    let (mut terminal, mut child) = Terminal::start(&sandbox.cc_observe(["spool", "drop"]), "");
    terminal.wait_for("[y/N]", 1);
    terminal.send("n\r");
    assert_eq!(status_of(&mut child).code(), Some(1));
    assert_eq!(waiting(&sandbox)["waiting"]["batches"], batches);

    let (mut terminal, mut child) = Terminal::start(&sandbox.cc_observe(["spool", "drop"]), "");
    terminal.wait_for("[y/N]", 1);
    terminal.send("y\r");
    terminal.wait_for(&format!("{batches} dropped"), 1);
    assert_eq!(status_of(&mut child).code(), Some(0));
    assert_eq!(text(&spool(&sandbox, &["status"])), "nothing waits\n");
}

#[test]
fn where_more_waits_than_may_the_oldest_goes_and_is_counted() {
    let (endpoint, sandbox) = refused();
    let destination = fs::read_dir(sandbox.state().join("spool")).unwrap().next().unwrap().unwrap().path();
    // An outage long ago: the first batch of logs, again and again.
    let run =
        fs::read_dir(&destination).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let first = fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().path());
    let first = first.filter(|path| path.to_string_lossy().ends_with(".logs.otlp")).min().unwrap();
    let earlier = destination.join("0-earlier");
    fs::create_dir(&earlier).unwrap();
    for number in 1..=120_u64 {
        fs::copy(&first, earlier.join(format!("{:020}.logs.otlp", number << 20))).unwrap();
    }
    let batches = |status: &Value| status["waiting"]["batches"].as_u64().unwrap();
    let before = batches(&waiting(&sandbox));
    assert!(before > 120);

    let config = sandbox.at("home/.config/cc-observe/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "[spool]\nmax_batches = 100\n").unwrap();
    let flushed = spool(&sandbox, &["flush", "--wait", "0s", "--json"]);
    let after = waiting(&sandbox);
    assert_eq!((batches(&after), json(&flushed)["destinations"][0]["left"].as_u64()), (100, Some(100)));
    let dropped = &after["dropped"];
    assert_eq!(
        (dropped["batches"].as_u64(), dropped["evicted_batches"].as_u64()),
        (Some(before - 100), Some(before - 100))
    );
    let shown = text(&spool(&sandbox, &["status"]));
    assert!(shown.contains(&format!("{} batches dropped since 20", before - 100)), "{shown}");
    assert!(shown.trim_end().ends_with("Z, to make room"), "{shown}");
    // The oldest went, but for those that may just have been on their way.
    let left = fs::read_dir(&earlier).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = left.filter(|name| name != "lock").collect();
    let (older, newer) = (1..=120_u64).partition::<Vec<_>, _>(|number| *number <= 60);
    let is_left = |number: &&u64| left.contains(&format!("{:020}.logs.otlp", **number << 20));
    assert_eq!(newer.iter().filter(is_left).count(), newer.len());
    assert_eq!(older.iter().filter(is_left).count(), left.len() - newer.len());
    assert!(left.len() < 100, "those of the other run are younger");

    endpoint.set_mode(Mode::Ok);
    assert_eq!(spool(&sandbox, &["flush", "--require"]).code(), Some(0));
    assert!(text(&spool(&sandbox, &["status"])).contains("dropped since"), "what was lost stays told");
    assert_eq!(spool(&sandbox, &["drop", "--yes"]).code(), Some(0));
    assert_eq!(text(&spool(&sandbox, &["status"])), "nothing waits\n");
}

#[test]
fn what_a_relay_delivers_is_not_dropped() {
    let endpoint = OrgEndpoint::start_as(Mode::Status { code: 401, first: None });
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    sandbox.does(["touch:../out/ready", "wait-file:../out/go"]);
    let (_terminal, mut child) = Terminal::start(&sandbox.observed(["-p", "go"]), "");
    sandbox.wait_for_file("out/ready");
    crate::support::wait_until("the run is there", || waiting(&sandbox)["in_use"] == 1);
    let dropped = spool(&sandbox, &["drop", "--yes"]);
    assert_eq!(dropped.code(), Some(0));
    assert!(dropped.err().contains("1 of the runs is being delivered, and kept"), "{}", dropped.err());
    endpoint.set_mode(Mode::Ok);
    sandbox.write("out/go", "");
    assert_eq!(status_of(&mut child).code(), Some(0));
}

#[test]
fn mistakes_are_told_and_change_nothing() {
    let (_endpoint, mut sandbox) = refused();
    for (words, told) in [
        (&["flsuh"][..], "unrecognized subcommand"),
        (&["flush", "--wait", "soon"], "a duration is written as 30s, 2m or 1h"),
        (&["flush", "--wait=-3s"], "between 0s and 24h"),
        (&["flush", "--wait", "25h"], "between 0s and 24h"),
    ] {
        let run = spool(&sandbox, words);
        assert_eq!(run.code(), Some(2), "{words:?}");
        assert!(run.err().contains(told), "{words:?}: {}", run.err());
    }
    sandbox.set("CC_OBSERVE_ENDPOINT", "not a url");
    let flushed = spool(&sandbox, &["flush"]);
    assert_eq!(flushed.code(), Some(2));
    assert!(flushed.err().contains("CC_OBSERVE_ENDPOINT"), "{}", flushed.err());
    // Whoever looks is told all the same.
    let status = spool(&sandbox, &["status"]);
    assert_eq!(status.code(), Some(0));
    assert!(text(&status).contains("batch") && status.err().contains("CC_OBSERVE_ENDPOINT"));
}

#[test]
fn the_reader_of_a_pipe_may_go_away() {
    let (_endpoint, sandbox) = refused();
    let mut shell = Command::new("sh");
    let program = sandbox.cc_observe([] as [&str; 0]);
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.arg("-c").arg("\"$0\" spool status | true").arg(program.get_program());
    let run = run(shell);
    assert_eq!((run.code(), run.err()), (Some(0), String::new()));
}
