//! The stand-ins themselves: what they prove about the program is worth what they are.

use std::time::{Duration, Instant};

use cc_observe::otlp::{Signal, decode};
use nix::sys::signal::Signal as Kill;

use crate::support::records::add_attributes;
use crate::support::{Capture, Mode, OrgEndpoint, Record, Sandbox, Terminal, records, run, start};

/// A sandbox whose `claude` exports `capture` to `endpoint`, without us.
fn exporting(capture: &str, endpoint: &OrgEndpoint) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.plays(capture).set("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.url());
    sandbox.set("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer abc").set("CLAUDE_CODE_ENABLE_TELEMETRY", "1");
    sandbox.set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
    for signal in ["LOGS", "METRICS", "TRACES"] {
        sandbox.set(format!("OTEL_{signal}_EXPORTER"), "otlp");
    }
    sandbox
}

/// Everything that a capture holds.
fn captured(name: &str) -> Vec<Record> {
    let capture = Capture::load(name);
    let batches = capture.requests.iter().map(|r| decode(r.signal, r.encoding(), &r.body).unwrap());
    batches.flat_map(|batch| records(&batch)).collect()
}

const CAPTURES: [&str; 26] = [
    "01-default",
    "02-tool-details",
    "05a-traces-tool-details",
    "06-http-json",
    "07-gzip",
    "08-api-429-then-ok",
    "08c-api-500-exhausted",
    "08l-api-stream-cut",
    "09-interactive-decisions",
    "09b-interactive-slash-commands",
    "09d-interactive-aborts",
    "09e-print-decisions-default-mode",
    "10a-mcp-skill-hooks-tool-details",
    "11-sessions-1-new",
    "11-sessions-2-continue",
    "12-cumulative-1s",
    "12a-delta-1s",
    "14-metrics-only",
    "14a-logs-only",
    "14f-resource-and-metric-attributes",
    "15-sigint-during-tool",
    "15-sigterm-during-tool",
    "16-traceparent-in-traces-off",
    "18-models-opus-and-haiku",
    "18c-model-1m",
    "20-background-sessions",
];

#[test]
fn every_capture_can_be_read_and_says_what_it_cost() {
    for name in CAPTURES {
        let all = captured(name);
        assert!(!all.is_empty(), "{name}");
        let Some(total) = Capture::load(name).total_cost_usd else { continue };
        let events = all.iter().filter(|r| r.signal == Signal::Logs && r.name == "claude_code.api_request");
        let costs: Vec<f64> = events.filter_map(|r| r.number("cost_usd")).collect();
        // `--continue` counts the earlier run too.
        if !costs.is_empty() && name != "11-sessions-2-continue" {
            assert!((costs.iter().sum::<f64>() - total).abs() < 1e-9, "{name}");
        }
    }
}

#[test]
fn a_replay_arrives_as_it_was_captured() {
    for name in ["01-default", "06-http-json", "09-interactive-decisions"] {
        let endpoint = OrgEndpoint::start();
        let sandbox = exporting(name, &endpoint);
        let run = run(sandbox.plain(["-p", "go"]));
        let capture = Capture::load(name);
        assert_eq!((run.code(), run.stdout), (Some(i32::from(capture.exit_code)), capture.stdout), "{name}");
        assert_eq!(endpoint.records(), captured(name), "{name}");
        assert_eq!(endpoint.connections(), 1, "{name}: one connection for all signals");
        let first = &endpoint.requests()[0].request;
        let headers: Vec<&str> = first.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(headers, ["Authorization", "Content-Type", "User-Agent", "Host", "Content-Length", "Connection"]);
    }
}

#[test]
fn settings_on_the_command_line_beat_those_of_the_user_and_they_the_environment() {
    let [wrong, right] = [OrgEndpoint::start(), OrgEndpoint::start()];
    let sandbox = exporting("14a-logs-only", &wrong);
    let to = |endpoint: &OrgEndpoint| format!(r#"{{"env":{{"OTEL_EXPORTER_OTLP_ENDPOINT":"{}"}}}}"#, endpoint.url());
    sandbox.write("home/.claude/settings.json", to(&right));
    run(sandbox.plain(["-p", "go"]));
    assert_eq!((wrong.requests().len(), right.requests().len()), (0, 1));
    run(sandbox.plain(["-p", "go", "--settings", &to(&right), &format!("--settings={}", to(&wrong))]));
    assert_eq!((wrong.requests().len(), right.requests().len()), (1, 1), "the last --settings replaces the first");
    sandbox.write("home/.claude/settings.json", format!("{} // a comment", to(&right)));
    run(sandbox.plain(["-p", "go"]));
    assert_eq!((wrong.requests().len(), right.requests().len()), (2, 1), "a file with a comment counts for nothing");
}

#[test]
fn a_checkout_sets_the_headers_helper_but_not_the_endpoint() {
    let [own, other] = [OrgEndpoint::start(), OrgEndpoint::start()];
    let sandbox = exporting("14a-logs-only", &own);
    let settings = format!(
        r#"{{"otelHeadersHelper":"echo '{{\"x-from\":\"helper\"}}'","env":{{"OTEL_EXPORTER_OTLP_ENDPOINT":"{}"}}}}"#,
        other.url()
    );
    sandbox.write("work/.claude/settings.json", settings);
    run(sandbox.plain(["-p", "go"]));
    run(sandbox.plain(["-p", "go", "--settings", r#"{"otelHeadersHelper":""}"#]));
    let requests = own.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (requests[0].request.header("x-from"), requests[0].request.header("authorization")),
        (Some("helper"), None)
    );
    assert_eq!(requests[1].request.header("authorization"), Some("Bearer abc"));
    assert!(other.requests().is_empty());
}

#[test]
fn a_refused_batch_is_forgotten_and_a_busy_endpoint_asked_again() {
    let endpoint = OrgEndpoint::start_as(Mode::Status { code: 500, first: Some(1) });
    let sandbox = exporting("01-default", &endpoint);
    run(sandbox.plain(["-p", "go"]));
    assert_eq!(endpoint.requests().iter().map(|r| r.status).collect::<Vec<_>>(), [Some(500), Some(200)]);
    endpoint.set_mode(Mode::Status { code: 503, first: Some(1) });
    run(sandbox.plain(["-p", "go"]));
    let statuses: Vec<_> = endpoint.requests()[2..].iter().map(|r| r.status).collect();
    assert_eq!(statuses, [Some(503), Some(200), Some(200)]);
}

#[test]
fn a_hanging_endpoint_costs_two_seconds_and_no_word() {
    let endpoint = OrgEndpoint::start_as(Mode::Hang);
    let sandbox = exporting("01-default", &endpoint);
    let start = Instant::now();
    let run = run(sandbox.plain(["-p", "go"]));
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!((run.code(), run.err(), endpoint.requests().len()), (Some(0), String::new(), 1));
}

#[test]
fn signals_end_it_as_they_end_the_real_one() {
    for (signal, code) in [(Kill::SIGINT, 0), (Kill::SIGTERM, 143), (Kill::SIGHUP, 129)] {
        let endpoint = OrgEndpoint::start();
        let mut sandbox = exporting("01-default", &endpoint);
        sandbox.does(["touch:../out/ready", "wait-signal"]);
        let started = start(sandbox.plain(["-p", "go"]));
        sandbox.wait_for_file("out/ready");
        started.signal(signal);
        assert_eq!(started.wait().code(), Some(code));
        assert_eq!(sandbox.signals(), [signal.as_str().trim_start_matches("SIG")]);
        assert_eq!(endpoint.requests().len(), 2, "flushed");
    }
    for signal in ["QUIT", "KILL", "SEGV", "PIPE"] {
        let mut sandbox = Sandbox::new();
        sandbox.does([&format!("signal:{signal}")]);
        let run = run(sandbox.plain(["-p", "go"]));
        assert_eq!(run.killed_by().map(Kill::as_str), Some(&*format!("SIG{signal}")));
    }
}

#[test]
fn subcommands_export_nothing_and_refuse_settings_behind_them() {
    let endpoint = OrgEndpoint::start();
    let sandbox = exporting("01-default", &endpoint);
    let claude = |arguments: &[&str]| run(sandbox.plain(arguments));
    assert_eq!(claude(&["--version"]).out(), "2.1.330 (Claude Code)\n");
    assert_eq!(claude(&["mcp", "list"]).code(), Some(0));
    assert_eq!(claude(&["--settings", "{}", "doctor"]).code(), Some(0));
    let refused = claude(&["mcp", "list", "--settings", "{}"]);
    assert_eq!((refused.code(), &*refused.err()), (Some(1), "error: unknown option '--settings'\n"));
    assert_eq!(claude(&["attach", "x"]).code(), Some(1));
    let missing = claude(&["--settings", "/nonexistent/settings.json", "-p", "x"]);
    assert_eq!(
        (missing.code(), &*missing.err()),
        (Some(1), "Error: Settings file not found: /nonexistent/settings.json\n")
    );
    assert!(endpoint.requests().is_empty());
    claude(&["--settings", "{}", "attach", "x"]);
    assert!(!endpoint.requests().is_empty(), "behind --settings, attach is a paid prompt");
}

#[test]
fn the_probe_sees_what_the_runtime_would_hide() {
    let sandbox = Sandbox::new();
    let script = r#"trap "" PIPE HUP; umask 027; exec "$0" -p x <&- 5</dev/null"#;
    let mut shell = sandbox.command("/bin/sh");
    shell.args(["-c", script]).arg(sandbox.claude());
    shell.env("FAKE_CLAUDE_DO", "exit:7");
    assert_eq!(run(shell).code(), Some(7));
    let world = sandbox.world();
    let ignored = u64::from_str_radix(world["signals"]["ignored"].as_str().unwrap(), 16).unwrap();
    assert_eq!(ignored & (1 << 12 | 1), 1 << 12 | 1, "SIGPIPE (13) and SIGHUP (1) are ignored");
    assert_eq!(world["umask"], "0027");
    assert_eq!(world["descriptors"].get("0"), None, "stdin is closed, not /dev/null");
    assert_eq!(world["descriptors"]["5"], "/dev/null");
}

#[test]
fn a_terminal_shows_what_is_written_and_takes_what_is_typed() {
    let mut sandbox = Sandbox::new();
    sandbox.does(["print:hello", "read-line", "stop", "exit:4"]);
    let (mut terminal, mut child) = Terminal::start(&sandbox.plain([""; 0]), "2>/dev/null");
    terminal.wait_for("hello", 1);
    terminal.send("keys\r");
    terminal.wait_for("read: keys", 1);
    assert_eq!(child.wait().unwrap().code(), Some(4), "an orphaned group does not stop");
    terminal.wait_closed();
    let world = sandbox.world();
    assert_eq!(world["terminals"], serde_json::json!([true, true, false]));
    assert_eq!(world["foreground_group"], world["group"]);
}

#[test]
fn what_only_people_with_an_account_send_can_be_added() {
    let capture = Capture::load("14a-logs-only");
    let mut batch = decode(Signal::Logs, capture.requests[0].encoding(), &capture.requests[0].body).unwrap();
    add_attributes(&mut batch, &IDENTITY);
    assert!(records(&batch).iter().all(|record| record.text("user.email") == "dev@example.com"));
}

/// Identity attributes of a person with an account, all made up.
pub(crate) const IDENTITY: [(&str, &str); 4] = [
    ("user.email", "dev@example.com"),
    ("user.account_uuid", "11111111-2222-4333-8444-555555555555"),
    ("user.account_id", "user_01ExampleExampleExample"),
    ("organization.id", "66666666-7777-4888-9999-000000000000"),
];
