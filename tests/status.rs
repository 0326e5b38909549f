//! `cc-observe status` and `cc-observe statusline`: what runs now.

use serde_json::Value;

use crate::support::{Mode, OrgEndpoint, Sandbox, run, start, wait_until};

fn status(sandbox: &Sandbox) -> Value {
    let ended = run(sandbox.cc_observe(["status", "--json"]));
    assert_eq!((ended.code(), ended.err()), (Some(0), String::new()));
    serde_json::from_slice(&ended.stdout).unwrap()
}

#[test]
fn where_nothing_runs_that_is_said() {
    let sandbox = Sandbox::new();
    let ended = run(sandbox.cc_observe(["status"]));
    assert_eq!((ended.code(), ended.err()), (Some(0), String::new()));
    assert_eq!(ended.out(), "nothing runs now\nnothing waits\n");
    assert_eq!(status(&sandbox)["runs"], Value::Array(Vec::new()));
    let mistake = run(sandbox.cc_observe(["status", "FAKE"]));
    assert_eq!(mistake.code(), Some(2));
}

#[test]
fn a_session_is_told_while_it_runs_with_what_it_cost_and_what_became_of_its_batches() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("09-interactive-decisions").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    let line = format!("{} statusline >../out/line </dev/null", env!("CARGO_BIN_EXE_cc-observe"));
    let actions = format!("send\nsend\nrun:{line}\ntouch:../out/sent\nwait-file:../out/go");
    sandbox.set("FAKE_CLAUDE_DO", actions);
    let session = start(sandbox.observed(["go"]));
    sandbox.wait_for_file("out/sent");
    wait_until("what was sent is delivered", || {
        status(&sandbox)["runs"][0]["summary"]["delivery"][0]["delivered"]["batches"].as_u64() > Some(1)
    });
    let runs = status(&sandbox)["runs"].clone();
    assert_eq!(runs.as_array().map(Vec::len), Some(1));
    let summary = &runs[0]["summary"];
    assert_eq!(summary["run_id"], runs[0]["run_id"]);
    let policy: Value = serde_json::from_str(&run(sandbox.cc_observe(["policy", "--json"])).out()).unwrap();
    let hash = summary["policy_hash"].as_str().unwrap().to_owned();
    assert_eq!(policy["hash"], hash.as_str());
    assert!(endpoint.records().iter().all(|record| record.resource["cc_observe.policy_hash"] == hash.as_str()));
    assert!(summary["received"]["logs"]["records"].as_u64() > Some(0), "{summary}");
    let text = run(sandbox.cc_observe(["status"])).out();
    assert!(text.starts_with("run ") && text.contains("endpoint  "), "{text}");
    assert!(text.contains(&format!("policy {}", &hash[..8])), "{text}");
    let line = std::fs::read_to_string(sandbox.at("out/line")).unwrap();
    assert!(line.starts_with('\u{1b}') || line.starts_with('$'), "{line}");
    assert!(line.contains(" tokens") && line.lines().count() == 1, "{line}");
    sandbox.write("out/go", "");
    session.wait();
    sandbox.wait_until_idle();
    assert_eq!(status(&sandbox)["runs"], Value::Array(Vec::new()));
    sandbox.assert_no_needle();
}

#[test]
fn what_cannot_be_delivered_is_told_with_the_reason() {
    let endpoint = OrgEndpoint::start_as(Mode::Status { code: 503, first: None });
    let mut sandbox = Sandbox::new();
    sandbox.plays("09-interactive-decisions").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    sandbox.set("FAKE_CLAUDE_DO", "send\nsend\ntouch:../out/sent\nwait-file:../out/go");
    let session = start(sandbox.observed(["go"]));
    sandbox.wait_for_file("out/sent");
    wait_until("it is told", || run(sandbox.cc_observe(["status"])).out().contains("waiting: it answers 503"));
    sandbox.write("out/go", "");
    endpoint.set_mode(Mode::Ok);
    session.wait();
}

#[test]
fn the_status_line_of_a_session_that_is_not_observed_says_so() {
    let mut sandbox = Sandbox::new();
    sandbox.set("NO_COLOR", "1");
    let ended = run(sandbox.cc_observe(["statusline"]));
    assert_eq!((ended.code(), ended.out().as_str(), ended.err().as_str()), (Some(0), "not observed\n", ""));
}
