//! Sessions that go on when what was typed has ended: nobody else gets the port that they send to.

use std::net::TcpListener;

use cc_observe::launch::wrapper;
use serde_json::Value;

use crate::support::{Mode, OrgEndpoint, Sandbox, run, start, wait_until};

fn sandbox(endpoint: &OrgEndpoint) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    sandbox
}

/// The port that claude was told to send to.
fn port(sandbox: &Sandbox) -> u16 {
    let world = sandbox.world();
    let endpoint = world["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"].as_str().unwrap();
    endpoint.split(':').nth(2).and_then(|rest| rest.split('/').next()?.parse().ok()).unwrap()
}

/// How many requests to the model were told of.
fn requests(endpoint: &OrgEndpoint) -> usize {
    endpoint.records().iter().filter(|record| record.name == "claude_code.api_request").count()
}

#[test]
fn the_port_stays_ours_as_long_as_a_process_holds_it() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    sandbox.does(["background:../out/later"]);
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    let port = port(&sandbox);
    let first = {
        endpoint.wait_for_event("claude_code.api_request");
        requests(&endpoint)
    };
    let taken = TcpListener::bind(("127.0.0.1", port));
    assert_eq!(taken.err().map(|error| error.kind()), Some(std::io::ErrorKind::AddrInUse), "while somebody holds it");
    sandbox.write("out/later", "");
    sandbox.wait_until_idle();
    assert_eq!(requests(&endpoint), 2 * first, "what was sent in the background has arrived");
    let ended = endpoint.records().iter().filter(|record| record.name == "cc_observe.run_ended").count();
    assert_eq!(ended, 1, "one run");
    TcpListener::bind(("127.0.0.1", port)).unwrap();
}

#[test]
fn what_starts_or_shows_background_sessions_is_observed_and_keeps_its_arguments() {
    let endpoint = OrgEndpoint::start();
    let sandbox = sandbox(&endpoint);
    for arguments in [
        &["--bg", "do it"][..],
        &["--settings", r#"{"env":{"A":"b"}}"#, "--background", "do it"],
        &["agents"],
        &["attach", "x"],
        &["respawn", "x"],
        &["daemon", "run", "--origin", "transient"],
    ] {
        let plain = run(sandbox.plain(arguments));
        sandbox.forget();
        let ours = run(sandbox.observed(arguments));
        assert_eq!((ours.code(), ours.out(), ours.err()), (plain.code(), plain.out(), plain.err()), "{arguments:?}");
        let world = sandbox.world();
        assert_eq!(world["argv"].as_array().unwrap()[1..], *arguments, "a job would keep a `--settings` of ours");
        assert_eq!(world["environment"][wrapper::VARIABLE], *sandbox.state().join("process-wrapper").to_str().unwrap());
        assert!(port(&sandbox) > 0);
        sandbox.wait_until_idle();
        TcpListener::bind(("127.0.0.1", port(&sandbox))).unwrap();
    }
}

#[test]
fn the_summary_does_not_wait_for_who_goes_on() {
    let endpoint = OrgEndpoint::start_as(Mode::Ok);
    let mut sandbox = sandbox(&endpoint);
    sandbox.does(["background:../out/later"]);
    let mut command = sandbox.cc_observe([] as [&str; 0]);
    command.arg("--summary-file").arg(sandbox.at("out/summary.json")).args(["claude", "-p", "go"]);
    assert_eq!(run(command).code(), Some(0));
    let summary: Value = serde_json::from_slice(&std::fs::read(sandbox.at("out/summary.json")).unwrap()).unwrap();
    assert!(summary["session"]["cost"]["total_usd"].as_f64().is_some() || summary["received"].is_object(), "{summary}");
    assert!(!endpoint.records().iter().any(|record| record.name == "cc_observe.run_ended"), "it goes on");
    sandbox.write("out/later", "");
    sandbox.wait_until_idle();
    endpoint.wait_for_event("cc_observe.run_ended");
}

#[test]
fn in_ci_nobody_is_waited_for_longer_than_for_delivery() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    sandbox.set("CI", "1").does(["background:../out/later"]);
    let started = start(sandbox.observed(["-p", "go"]));
    assert_eq!(started.wait().code(), Some(0));
    wait_until("nothing of ours runs any more", || sandbox.our_processes().is_empty());
    endpoint.wait_for_event("cc_observe.run_ended");
    sandbox.write("out/later", "");
    sandbox.wait_until_idle();
}
