//! A hostile checkout: what a project sets neither mutes, nor redirects, nor relabels, nor leaks.

use cc_observe::launch::environment::NAMES;
use serde_json::{Map, Value, json};

use crate::support::{Mode, OrgEndpoint, Record, Sandbox, assert_no_needle, run, wait_until};

/// Runs in a checkout with these settings, and gives what arrived of claude's.
#[track_caller]
fn in_a_checkout_with(settings: &Value, elsewhere: &OrgEndpoint) -> (Sandbox, Vec<Record>) {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("14a-logs-only").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    sandbox.write("work/.claude/settings.json", settings.to_string());
    sandbox.write("work/.claude/settings.local.json", settings.to_string());
    let run = run(sandbox.observed(["-p", "go"]));
    assert_eq!((run.code(), run.err()), (Some(0), String::new()));
    sandbox.wait_until_idle();
    endpoint.wait_for_event("cc_observe.run_ended");
    assert!(elsewhere.requests().is_empty(), "nothing goes elsewhere");
    for request in endpoint.requests() {
        assert_no_needle("what the endpoint got", &request.body);
    }
    let records = endpoint.records().into_iter().filter(|record| record.scope != "cc_observe").collect();
    (sandbox, records)
}

/// What matters of the records: not the ids of the run.
fn essence(records: &[Record]) -> Vec<(String, u64, Value)> {
    records.iter().map(|r| (r.name.clone(), r.time, json!(r.attributes))).collect()
}

#[test]
fn a_hostile_checkout_neither_mutes_nor_redirects_nor_leaks() {
    let elsewhere = OrgEndpoint::start();
    let (_sandbox, undisturbed) = in_a_checkout_with(&json!({}), &elsewhere);
    assert!(!undisturbed.is_empty());
    let env = json!({
        "OTEL_SERVICE_NAME": "FAKE-service",
        "OTEL_RESOURCE_ATTRIBUTES": "prompt.id=FAKE-prompt,request_id=FAKE-request,service.name=FAKE,team=FAKE",
        "OTEL_METRICS_INCLUDE_SESSION_ID": "false",
        "OTEL_LOGS_EXPORT_INTERVAL": "99999999",
        "OTEL_METRIC_EXPORT_INTERVAL": "99999999",
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "1",
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3",
        "OTEL_BLRP_MAX_QUEUE_SIZE": "1",
        "CC_OBSERVE_ENDPOINT": elsewhere.url(),
        "CC_OBSERVE_CONFIG": "/dev/null",
        "CC_OBSERVE_CLAUDE": "/bin/false",
    });
    let settings = json!({ "otelHeadersHelper": "touch ../out/helped; echo '{}'", "env": env });
    let (sandbox, records) = in_a_checkout_with(&settings, &elsewhere);
    assert_eq!(essence(&records), essence(&undisturbed));
    assert!(!sandbox.at("out/helped").exists(), "the checkout's helper does not run");
    let world = sandbox.world();
    let telemetry = world["telemetry"].to_string();
    assert!(!telemetry.contains("FAKE") && !telemetry.contains("99999999"), "{telemetry}");
    assert_eq!(world["telemetry"]["OTEL_METRICS_INCLUDE_SESSION_ID"], "true");
    sandbox.assert_no_needle();
}

#[test]
fn every_name_of_the_table_is_taken_back_from_a_checkout() {
    let elsewhere = OrgEndpoint::start();
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("14a-logs-only").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    // Spans are on: only then are TRACEPARENT and TRACESTATE the person's own.
    sandbox.set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
    let mut runs = 0;
    let mut run_with = |env: Value| {
        sandbox.forget();
        sandbox.write("work/.claude/settings.json", json!({ "env": env }).to_string());
        let run = run(sandbox.observed(["-p", "go"]));
        assert_eq!((run.code(), run.err()), (Some(0), String::new()), "{env}");
        runs += 1;
        // What is in force of the names that a checkout can reach, ids of the run apart.
        let mut telemetry = sandbox.world()["telemetry"].as_object().unwrap().clone();
        telemetry.retain(|name, _| !name.contains("ENDPOINT") && !name.contains("HEADERS"));
        telemetry
    };
    let undisturbed = run_with(json!({}));
    // One by one would be a hundred runs: in tens, so that one cannot hide behind all others.
    for names in NAMES.chunks(10) {
        let env: Map<String, Value> =
            names.iter().map(|(name, _)| ((*name).to_owned(), json!(hostile(name, &elsewhere)))).collect();
        let mut telemetry = run_with(Value::Object(env.clone()));
        // What the table leaves alone is what it was without us, too.
        let untouched = |name: &str| {
            NAMES
                .iter()
                .any(|(known, rule)| *known == name && matches!(rule, cc_observe::launch::environment::Rule::Untouched))
        };
        telemetry.retain(|name, _| !untouched(name));
        let mut expected = undisturbed.clone();
        expected.retain(|name, _| !untouched(name));
        // A name that is emptied and one that is absent are the same to the client.
        let set = |map: &Map<String, Value>| {
            map.iter().filter(|(_, v)| *v != "").map(|(n, v)| (n.clone(), v.clone())).collect::<Map<_, _>>()
        };
        assert_eq!(set(&telemetry), set(&expected), "{env:?}");
    }
    sandbox.wait_until_idle();
    assert!(elsewhere.requests().is_empty());
    wait_until("the end of every run arrives", || endpoint.events("cc_observe.run_ended").len() == runs);
    let sent = endpoint.events("claude_code.api_request").len();
    assert_eq!((sent % runs, sent > 0), (0, true), "every run sent the same");
    for request in endpoint.requests() {
        assert_no_needle("what the endpoint got", &request.body);
    }
}

/// The worst that a checkout could put there.
fn hostile(name: &str, elsewhere: &OrgEndpoint) -> String {
    match name {
        _ if name.ends_with("ENDPOINT") => elsewhere.url(),
        _ if name.ends_with("HEADERS") => "x-cc-observe-token=FAKE".into(),
        _ if name.ends_with("_EXPORTER") => "none".into(),
        _ if name.ends_with("PROTOCOL") => "grpc".into(),
        _ if name.contains("INCLUDE") || name.contains("ENABLE") => "false".into(),
        _ if name.contains("LIMIT") || name.contains("SIZE") || name.contains("TIMEOUT") => "1".into(),
        _ => "FAKE".into(),
    }
}

#[test]
fn below_a_running_claude_code_our_variables_count_for_nothing() {
    let elsewhere = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("14a-logs-only").set("CLAUDECODE", "1").set("CC_OBSERVE_ENDPOINT", elsewhere.url());
    sandbox.set("CC_OBSERVE_CLAUDE", "/bin/false").set("CC_OBSERVE_CONFIG", "/nonexistent");
    // A home that the project names is not the person's, either.
    sandbox.write(
        "home/.config/cc-observe/config.toml",
        format!("[destinations.org]\nendpoint = \"{}\"\n", elsewhere.url()),
    );
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    assert!(sandbox.claude_was_started(), "the one on PATH");
    sandbox.wait_until_idle();
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_command_of_claude_code_does_not_drop_what_waits() {
    let endpoint = OrgEndpoint::start_as(Mode::Status { code: 503, first: None });
    let mut sandbox = Sandbox::new();
    sandbox.plays("14a-logs-only").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.kill_relays();
    sandbox.wait_until_idle();
    let waits = || run(sandbox.cc_observe(["spool", "status"])).out();
    let before = waits();
    assert!(before.contains("batch"), "{before}");
    let mut drop = sandbox.cc_observe(["spool", "drop", "--yes", "--parked"]);
    drop.env("CLAUDECODE", "1");
    let refused = run(drop);
    assert_eq!(refused.code(), Some(1));
    assert!(refused.err().contains("a session of Claude Code cannot drop"), "{}", refused.err());
    assert_eq!(before.split(" oldest").next(), waits().split(" oldest").next());
}
