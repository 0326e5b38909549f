//! What arrives at the organization's endpoint, from claude's first event to the relay's last.

use std::collections::BTreeMap;

use cc_observe::otlp::{Signal, decode};
use serde_json::{Value, json};

use crate::support::{Capture, Mode, OrgEndpoint, Record, Sandbox, assert_no_needle, records, run, start, wait_until};

/// A sandbox whose claude plays a capture and whose telemetry goes to this endpoint.
fn observed(capture: &str, endpoint: &OrgEndpoint) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.plays(capture).set("CC_OBSERVE_ENDPOINT", endpoint.url()).set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
    sandbox
}

/// Runs it with a summary file, waits for the last record, and gives the summary.
#[track_caller]
fn summary(sandbox: &Sandbox) -> Value {
    let file = sandbox.at("out/summary.json");
    let _ = std::fs::remove_file(&file);
    let mut command = sandbox.cc_observe([] as [&str; 0]);
    command.arg("--summary-file").arg(&file).args(["claude", "-p", "go"]);
    let run = run(command);
    assert_eq!(run.err(), "", "nothing on a stderr that is a pipe");
    sandbox.wait_until_idle();
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn captured(name: &str) -> Vec<Record> {
    let capture = Capture::load(name);
    let batches = capture.requests.iter().map(|r| decode(r.signal, r.encoding(), &r.body).unwrap());
    batches.flat_map(|batch| records(&batch)).collect()
}

/// What every planted secret would be found in.
#[track_caller]
fn assert_clean(sandbox: &Sandbox, endpoint: &OrgEndpoint) {
    sandbox.assert_no_needle();
    for request in endpoint.requests() {
        assert_no_needle("a body", &request.body);
        assert_no_needle("a request", format!("{:?}", request.request.headers).as_bytes());
    }
}

#[test]
fn every_record_of_claude_arrives_but_for_what_the_level_drops() {
    for name in [
        "01-default",
        "02-tool-details",
        "05a-traces-tool-details",
        "06-http-json",
        "07-gzip",
        "09-interactive-decisions",
        "09d-interactive-aborts",
        "10a-mcp-skill-hooks-tool-details",
        "12-cumulative-1s",
        "14f-resource-and-metric-attributes",
        "16-traceparent-in-traces-off",
    ] {
        let endpoint = OrgEndpoint::start();
        let sandbox = observed(name, &endpoint);
        sandbox.write("home/.config/cc-observe/config.toml", "capture = \"metadata\"\n");
        let summary = summary(&sandbox);
        endpoint.wait_for_event("cc_observe.run_ended");
        let (ours, theirs): (Vec<_>, Vec<_>) =
            endpoint.records().into_iter().partition(|record| record.scope == "cc_observe");
        let plain = captured(name);
        for signal in Signal::ALL {
            let of = |all: &[Record]| all.iter().filter(|r| r.signal == signal).cloned().collect::<Vec<_>>();
            let (arrived, sent) = (of(&theirs), of(&plain));
            let key = |r: &Record| (r.name.clone(), r.time, r.value.clone(), r.trace_id.clone(), r.scope.clone());
            let keys = |all: &[Record]| all.iter().map(key).collect::<Vec<_>>();
            assert_eq!(keys(&arrived), keys(&sent), "{name}: {signal:?}");
            for (arrived, sent) in arrived.iter().zip(&sent) {
                for (attribute, value) in &arrived.attributes {
                    let added = attribute.starts_with("cc_observe.");
                    assert!(added || sent.attributes.get(attribute) == Some(value), "{name}: {attribute} is as it was");
                }
            }
            assert_eq!(summary["received"][signal.as_str()]["records"], sent.len(), "{name}: {signal:?}");
        }
        for kept in ["session.id", "event.name", "event.sequence", "model", "cost_usd", "tool_name", "decision"] {
            let count = |all: &[Record]| all.iter().filter(|r| r.attributes.contains_key(kept)).count();
            assert_eq!(count(&theirs), count(&plain), "{name}: {kept}");
        }
        let names: Vec<_> = ours.iter().map(|record| record.name.as_str()).collect();
        assert_eq!(names.first(), Some(&"cc_observe.run_started"), "{name}");
        assert_eq!(names.last(), Some(&"cc_observe.run_ended"), "{name}");
        assert!(names.len() <= 3 && names.iter().all(|name| name.starts_with("cc_observe.")), "{name}: {names:?}");
        assert_clean(&sandbox, &endpoint);
    }
}

#[test]
fn the_summarys_cost_is_claudes_own() {
    for name in [
        "01-default",
        "02-tool-details",
        "06-http-json",
        "07-gzip",
        "08-api-429-then-ok",
        "08c-api-500-exhausted",
        "08l-api-stream-cut",
        "09e-print-decisions-default-mode",
        "10a-mcp-skill-hooks-tool-details",
        "12-cumulative-1s",
        "12a-delta-1s",
        "14-metrics-only",
        "14a-logs-only",
        "18-models-opus-and-haiku",
        "18c-model-1m",
    ] {
        let endpoint = OrgEndpoint::start();
        let summary = summary(&observed(name, &endpoint));
        let (cost, claudes) = (summary["cost_usd"].as_f64().unwrap(), Capture::load(name).total_cost_usd.unwrap());
        assert!((cost - claudes).abs() < 1e-6, "{name}: {cost} and {claudes}");
    }
}

#[test]
fn everything_says_which_run_repository_and_job_it_belongs_to() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = observed("01-default", &endpoint);
    sandbox.write("work/.git/HEAD", "ref: refs/heads/fix/login\n");
    sandbox.write(
        "work/.git/config",
        "[remote \"origin\"]\n\turl = https://me:ghp_FAKE0123456789@git.example.com/acme/widgets.git\n",
    );
    sandbox.set("GITHUB_ACTIONS", "true").set("GITHUB_WORKFLOW", "build").set("GITHUB_RUN_ID", "77");
    let summary = summary(&sandbox);
    endpoint.wait_for_event("cc_observe.run_ended");
    for record in endpoint.records() {
        let resource = |name: &str| record.resource.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        assert_eq!(json!(resource("cc_observe.run_id")), summary["run_id"]);
        assert_eq!(resource("vcs.repository.url.full"), "https://git.example.com/acme/widgets");
        assert_eq!(resource("vcs.ref.head.name"), "fix/login");
        assert_eq!(resource("cicd.pipeline.name"), "build");
    }
    let decided = endpoint.events("claude_code.tool_decision");
    assert!(!decided.is_empty());
    for record in &decided {
        assert_ne!(record.text("cc_observe.decided_by"), "", "{record:?}");
    }
    let ended = endpoint.events("cc_observe.run_ended").remove(0);
    assert_eq!(json!(ended.number("exit_code")), json!(0.0));
    assert_eq!(ended.number("logs_received"), summary["received"]["logs"]["records"].as_f64());
    assert_clean(&sandbox, &endpoint);
}

/// The lines everybody starts with, as variables.
fn six_lines(endpoint: &OrgEndpoint) -> Vec<(&'static str, String)> {
    vec![
        ("CLAUDE_CODE_ENABLE_TELEMETRY", "1".into()),
        ("OTEL_METRICS_EXPORTER", "otlp".into()),
        ("OTEL_LOGS_EXPORTER", "otlp".into()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".into()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer FAKE-of-the-organization".into()),
    ]
}

#[track_caller]
fn assert_redacted_with_the_header(endpoint: &OrgEndpoint, sandbox: &Sandbox) {
    endpoint.wait_for_event("cc_observe.run_ended");
    assert!(!endpoint.events("claude_code.api_request").is_empty());
    for request in endpoint.requests() {
        assert_eq!(request.request.header("authorization"), Some("Bearer FAKE-of-the-organization"));
        assert_eq!(request.request.header("x-cc-observe-token"), None);
        assert_no_needle("a body", &request.body);
    }
    let world = sandbox.world();
    let environment = world["environment"].to_string();
    assert!(!environment.contains("FAKE-of-the-organization"), "not in claude's environment");
    assert!(!world["telemetry"].to_string().contains("FAKE-of-the-organization"), "nor in force");
    assert!(!world["argv"].to_string().contains("FAKE-of-the-organization"), "nor in its arguments");
}

#[test]
fn the_six_lines_that_everybody_starts_with_go_on_working_redacted() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("02-tool-details");
    for (name, value) in six_lines(&endpoint) {
        sandbox.set(name, value);
    }
    let run = run(sandbox.observed(["-p", "go"]));
    assert_eq!(run.code(), Some(0));
    sandbox.wait_until_idle();
    assert_redacted_with_the_header(&endpoint, &sandbox);
    sandbox.assert_no_needle();
}

#[test]
fn a_destination_of_the_user_settings_goes_on_working_redacted() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("02-tool-details");
    let env: BTreeMap<_, _> = six_lines(&endpoint).into_iter().collect();
    sandbox.write("home/.claude/settings.json", json!({ "env": env }).to_string());
    let run = run(sandbox.observed(["-p", "go"]));
    assert_eq!(run.code(), Some(0));
    sandbox.wait_until_idle();
    assert_redacted_with_the_header(&endpoint, &sandbox);
    std::fs::remove_file(sandbox.at("home/.claude/settings.json")).unwrap();
    sandbox.assert_no_needle();
}

#[test]
fn a_configured_destination_beats_the_one_of_the_user_settings() {
    let [own, org] = [OrgEndpoint::start(), OrgEndpoint::start()];
    let sandbox = observed("02-tool-details", &org);
    let env: BTreeMap<_, _> = six_lines(&own).into_iter().collect();
    sandbox.write("home/.claude/settings.json", json!({ "env": env }).to_string());
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.wait_until_idle();
    org.wait_for_event("cc_observe.run_ended");
    assert!(own.requests().is_empty(), "the person's own is not asked");
    assert!(!org.events("claude_code.api_request").is_empty());
    for request in org.requests() {
        assert_eq!(request.request.header("authorization"), None, "that token is not for this endpoint");
    }
}

#[test]
fn the_persons_settings_argument_is_merged_however_it_is_written() {
    let org = OrgEndpoint::start();
    let own = json!({ "model": "opus", "env": { "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "MINE": "1" } });
    let sandbox = observed("14a-logs-only", &org);
    let file = sandbox.write("work/own.json", own.to_string());
    let joined = format!("--settings={own}");
    for (n, arguments) in
        [vec!["--settings", file.to_str().unwrap()], vec!["--settings", &own.to_string()], vec![&*joined]]
            .into_iter()
            .enumerate()
    {
        sandbox.forget();
        let mut command = sandbox.observed(&arguments);
        command.args(["-p", "go"]);
        assert_eq!(run(command).code(), Some(0));
        let argv = sandbox.world()["argv"].as_array().unwrap().clone();
        assert_eq!(argv.len(), arguments.len() + 3, "one --settings, in its place: {argv:?}");
        wait_until("the endpoint has the run", || org.events("cc_observe.run_ended").len() == n + 1);
    }
    assert_eq!(org.events("claude_code.api_request").len() % 3, 0);
    assert!(!org.events("claude_code.api_request").is_empty());
}

#[test]
fn settings_with_a_comment_change_nothing_for_claude_and_the_arguments_stay_as_typed() {
    let org = OrgEndpoint::start();
    let sandbox = observed("14a-logs-only", &org);
    sandbox.write("work/own.json", "{\n  // mine\n  \"model\": \"opus\"\n}");
    let mut command = sandbox.cc_observe(["--summary", "line", "claude"]);
    command.args(["--settings", "own.json", "-p", "go"]);
    let run = run(command);
    assert_eq!(run.code(), Some(0));
    assert_eq!(sandbox.world()["argv"], json!(["claude", "--settings", "own.json", "-p", "go"]));
    // By the environment alone, it is observed all the same.
    org.wait_for_event("claude_code.api_request");
}

#[test]
fn identity_of_people_with_an_account_passes() {
    use crate::support::records::add_attributes;
    use std::io::Write;
    let endpoint = OrgEndpoint::start();
    let mut sandbox = observed("14a-logs-only", &endpoint);
    let capture = Capture::load("14a-logs-only");
    let mut batch = decode(Signal::Logs, capture.requests[0].encoding(), &capture.requests[0].body).unwrap();
    add_attributes(&mut batch, &crate::stand_ins::IDENTITY);
    let source = Capture::directory("14a-logs-only");
    for entry in std::fs::read_dir(&source).unwrap().flatten() {
        sandbox
            .write(&format!("capture/{}", entry.file_name().to_str().unwrap()), std::fs::read(entry.path()).unwrap());
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&cc_observe::otlp::encode(&batch)).unwrap();
    let description: Value = serde_json::from_slice(&std::fs::read(source.join("capture.json")).unwrap()).unwrap();
    let file = description["requests"][0]["file"].as_str().unwrap().to_owned();
    sandbox.write(&format!("capture/{file}"), gzip.finish().unwrap());
    let directory = sandbox.at("capture");
    sandbox.set("FAKE_CLAUDE_CAPTURE", directory);
    run(sandbox.observed(["-p", "go"]));
    endpoint.wait_for_event("claude_code.api_request");
    for record in endpoint.events("claude_code.api_request") {
        for (name, value) in crate::stand_ins::IDENTITY {
            assert_eq!(record.text(name), value);
        }
    }
}

#[test]
fn no_process_of_ours_shows_a_secret_while_it_runs() {
    let endpoint = OrgEndpoint::start_as(Mode::Hang);
    let mut sandbox = Sandbox::new();
    sandbox.plays("05a-traces-tool-details").set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
    sandbox.does(["send", "send", "touch:../out/ready", "wait-file:../out/go"]);
    sandbox.write(
        "home/.config/cc-observe/config.toml",
        format!(
            "capture = \"metadata\"\n[destinations.org]\nendpoint = \"{}/receiver/FAKE-in-the-url\"\nheaders = {{ x-key = \"FAKE-key\" }}\n",
            endpoint.url()
        ),
    );
    let started = start(sandbox.observed(["-p", "go"]));
    sandbox.wait_for_file("out/ready");
    wait_until("the relay delivers", || !endpoint.requests().is_empty());
    assert_eq!(endpoint.requests()[0].request.header("x-key"), Some("FAKE-key"));
    assert!(endpoint.requests()[0].request.path.starts_with("/receiver/FAKE-in-the-url/v1/"));
    std::fs::remove_file(sandbox.at("home/.config/cc-observe/config.toml")).unwrap();
    sandbox.assert_no_needle();
    sandbox.write("out/go", "");
    assert_eq!(started.wait().code(), Some(0));
    sandbox.assert_no_needle();
}
