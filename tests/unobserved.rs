//! A session that is not to be observed: nothing of it is told but that it was, and only where that may be.

use serde_json::json;

use crate::support::{OrgEndpoint, Sandbox, assert_no_needle, on_a_machine_with, run};

/// A claude that would tell everything, of a person who exports to somebody else already.
fn sandbox(endpoint: &OrgEndpoint, elsewhere: &OrgEndpoint) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.plays("03-content").set("CC_OBSERVE_ENDPOINT", endpoint.url()).set("CC_OBSERVE_CAPTURE", "content");
    let own = json!({ "model": "opus", "env": {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1", "OTEL_LOGS_EXPORTER": "otlp,console", "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": elsewhere.url(),
        "OTEL_LOG_USER_PROMPTS": "1",
    }});
    sandbox.write("home/.claude/settings.json", own.to_string());
    sandbox.write("work/.git/HEAD", "ref: refs/heads/fix/login\n");
    sandbox.write("work/.git/config", "[remote \"origin\"]\n\turl = git@github.com:acme/widgets.git\n");
    sandbox.set("GITHUB_ACTIONS", "true").set("GITHUB_WORKFLOW", "build");
    sandbox
}

#[test]
fn nothing_is_told_of_an_unobserved_session_but_that_it_was() {
    let [endpoint, elsewhere] = [OrgEndpoint::start(), OrgEndpoint::start()];
    let sandbox = sandbox(&endpoint, &elsewhere);
    let ended = run(sandbox.cc_observe(["--unobserved", "--summary", "full", "claude", "-p", "go"]));
    assert_eq!(ended.code(), Some(0));
    assert!(ended.err().contains("Not observed, as you asked"), "{}", ended.err());
    sandbox.wait_until_idle();
    assert!(elsewhere.requests().is_empty());
    let records = endpoint.records();
    let names: Vec<_> = records.iter().map(|record| record.name.as_str()).collect();
    assert_eq!(names, ["cc_observe.run_started", "cc_observe.run_ended"]);
    for record in &records {
        let attributes: Vec<_> = record.attributes.keys().map(String::as_str).collect();
        assert_eq!(attributes, ["event.name", "event.timestamp", "unobserved"]);
        let resource: Vec<_> = record.resource.keys().map(String::as_str).collect();
        assert_eq!(resource, ["cc_observe.run_id", "cc_observe.version", "service.name", "service.version"]);
    }
    for request in endpoint.requests() {
        assert_no_needle("what the endpoint got", &request.body);
    }
    sandbox.assert_no_needle();
    let left: Vec<_> = std::fs::read_dir(sandbox.state().join("settings")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn claude_is_told_to_send_nothing_and_keeps_what_else_the_person_said() {
    let [endpoint, elsewhere] = [OrgEndpoint::start(), OrgEndpoint::start()];
    let sandbox = sandbox(&endpoint, &elsewhere);
    let mut command = sandbox.cc_observe(["--unobserved", "claude"]);
    command.args(["--settings", &json!({ "permissions": { "deny": ["Bash(rm:*)"] } }).to_string(), "-p", "go"]);
    assert_eq!(run(command).code(), Some(0));
    let world = sandbox.world().to_string();
    for ours in ["/v1/logs", "CLAUDE_CODE_PROCESS_WRAPPER", "x-cc-observe-token", "CC_OBSERVE_ENDPOINT"] {
        assert!(!world.contains(ours), "{ours}: {world}");
    }
    let environment = &sandbox.world()["environment"];
    assert_eq!(environment["OTEL_METRICS_EXPORTER"], json!("none"), "{environment}");
    assert_eq!(environment["OTEL_LOGS_EXPORTER"], json!("console"), "{environment}");
    sandbox.wait_until_idle();
}

#[test]
fn a_session_of_claude_starts_none_that_is_not_observed_and_neither_does_its_daemon() {
    let [endpoint, elsewhere] = [OrgEndpoint::start(), OrgEndpoint::start()];
    let mut sandbox = sandbox(&endpoint, &elsewhere);
    let refused = run(sandbox.cc_observe(["--unobserved", "claude", "--bg", "go"]));
    assert_eq!(refused.code(), Some(125));
    assert!(refused.err().contains("a daemon that may be observed already"), "{}", refused.err());
    sandbox.set("CLAUDECODE", "1");
    let refused = run(sandbox.cc_observe(["--unobserved", "claude", "-p", "go"]));
    assert_eq!(refused.code(), Some(125));
    assert!(refused.err().contains("not for what a running Claude Code starts"), "{}", refused.err());
    assert!(!sandbox.claude_was_started());
    // What is no session is nobody's concern.
    assert_eq!(run(sandbox.cc_observe(["--unobserved", "claude", "--version"])).code(), Some(0));
}

#[test]
fn where_there_is_an_organization_it_says_whether_a_session_may_be_unobserved() {
    let endpoint = OrgEndpoint::start();
    let said = format!("required = true\n[destinations.org]\nendpoint = \"{}\"\n", endpoint.url());
    let first = said.clone();
    on_a_machine_with(&[("cc-observe/managed.toml", &first)], move || {
        let mut sandbox = Sandbox::new();
        sandbox.plays("01-default");
        let command = ["--unobserved", "--summary", "line", "claude", "-p", "go"];
        let refused = run(sandbox.cc_observe(command));
        assert_eq!(refused.code(), Some(125));
        assert!(refused.err().contains("your organization does not allow `--unobserved`"), "{}", refused.err());
        assert!(!sandbox.claude_was_started());
        std::fs::write("/etc/cc-observe/managed.toml", format!("allow_unobserved = true\n{said}")).unwrap();
        let ended = run(sandbox.cc_observe(command));
        assert_eq!(ended.code(), Some(0), "{}", ended.err());
        assert!(ended.err().contains("Not observed, as you asked"), "{}", ended.err());
        sandbox.wait_until_idle();
        let names: Vec<_> = endpoint.records().iter().map(|record| record.name.clone()).collect();
        assert_eq!(names, ["cc_observe.run_started", "cc_observe.run_ended"]);
        // What cannot be used allows nothing.
        std::fs::write("/etc/cc-observe/managed.toml", format!("allow_unobserved = true\nx = 1\n{said}")).unwrap();
        assert_eq!(run(sandbox.cc_observe(command)).code(), Some(125));
    });
}

#[test]
fn where_the_organization_does_not_allow_it_nothing_is_dropped() {
    on_a_machine_with(&[("cc-observe/managed.toml", "allow_spool_drop = false\n")], || {
        let mut sandbox = Sandbox::new();
        sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", "http://127.0.0.1:9");
        assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
        sandbox.kill_relays();
        let waiting = || run(sandbox.cc_observe(["spool", "status", "--json"])).out();
        let before = waiting();
        let refused = run(sandbox.cc_observe(["spool", "drop", "--yes", "--parked"]));
        assert_eq!(refused.code(), Some(1));
        assert!(refused.err().contains("your organization does not allow it"), "{}", refused.err());
        assert!(before.contains("\"batches\""), "{before}");
        let batches =
            |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["destinations"][0]["waiting"].clone();
        assert_eq!(batches(&waiting()), batches(&before));
        assert_ne!(batches(&before)["batches"], 0);
    });
}
