//! `[budget]`: what was spent is told when it is more than was to be, and nothing is stopped.

use std::collections::BTreeMap;
use std::fs;

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use crate::support::{OrgEndpoint, Run, Sandbox, run, wait_until};

const FILE: &str = "home/.config/cc-observe/config.toml";
const SPENDING: &str = "spending.json";

fn sandbox(endpoint: &OrgEndpoint, budget: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    sandbox.write(FILE, format!("[budget]\n{budget}\n"));
    sandbox
}

fn observed(sandbox: &Sandbox, summary: &str) -> Run {
    let ended = run(sandbox.cc_observe(["--summary", summary, "claude", "-p", "go"]));
    assert_eq!(ended.code(), Some(0), "{}", ended.err());
    ended
}

/// What is written down, in billionths of a dollar, by day.
fn spent(sandbox: &Sandbox) -> BTreeMap<String, u64> {
    let text = fs::read_to_string(sandbox.state().join(SPENDING)).unwrap_or_else(|_| "{\"days\":{}}".to_owned());
    serde_json::from_value(serde_json::from_str::<Value>(&text).unwrap()["days"].take()).unwrap()
}

/// What one session costs, by its own summary.
fn cost(sandbox: &Sandbox) -> u64 {
    let summary: Value = serde_json::from_str(&observed(sandbox, "json").err()).unwrap();
    let cost = summary["cost_nano_usd"].as_u64().unwrap();
    assert!(cost > 0, "{summary}");
    sandbox.wait_until_idle();
    cost
}

/// The notes about budgets.
fn passed(summary: &Value) -> Vec<Value> {
    let notes = summary["notes"].as_array().into_iter().flatten();
    notes.filter(|note| note["kind"] == "budget_passed").cloned().collect()
}

/// So much was spent lately, whatever day it is here and now.
fn spend(sandbox: &Sandbox, nanos: u64) {
    let now = Timestamp::now();
    let days = [now - 24.hours(), now, now + 24.hours()];
    let days: BTreeMap<String, u64> = days.iter().map(|day| (day.strftime("%Y-%m-%d").to_string(), nanos)).collect();
    fs::write(sandbox.state().join(SPENDING), json!({ "days": days }).to_string()).unwrap();
}

#[test]
fn a_session_that_costs_more_than_it_was_to_says_so_and_goes_on() {
    let endpoint = OrgEndpoint::start();
    let sandbox = sandbox(&endpoint, "session_usd = 0.0001");
    let line = observed(&sandbox, "line").err();
    assert!(line.contains("over session budget"), "{line}");
    let full = observed(&sandbox, "full").err();
    assert!(full.contains("This session's budget of $0.0001 is passed: $0."), "{full}");
    let json: Value = serde_json::from_str(&observed(&sandbox, "json").err()).unwrap();
    let notes = passed(&json);
    assert_eq!(notes.len(), 1, "{json}");
    let note = &notes[0];
    assert_eq!(note["period"], "session");
    assert_eq!(note["budget_nano_usd"], 100_000);
    assert_eq!(note["spent_nano_usd"], json["cost_nano_usd"]);
    // By a variable, as everything else; and one that is not passed is not told of.
    sandbox.write(FILE, "");
    let mut command = sandbox.cc_observe(["--summary", "line", "claude", "-p", "go"]);
    command.env("CC_OBSERVE_BUDGET_SESSION_USD", "100");
    let ended = run(command);
    assert!(!ended.err().contains("budget"), "{}", ended.err());
    let mut command = sandbox.cc_observe(["--summary", "line", "claude", "-p", "go"]);
    command.env("CC_OBSERVE_BUDGET_SESSION_USD", ".0001");
    assert!(run(command).err().contains("over session budget"));
}

#[test]
fn what_all_sessions_cost_is_added_up_exactly() {
    let endpoint = OrgEndpoint::start();
    let sandbox = sandbox(&endpoint, "month_usd = 1000");
    let one = cost(&sandbox);
    assert_eq!(spent(&sandbox).values().sum::<u64>(), one);
    for _ in 0..3 {
        observed(&sandbox, "off");
    }
    // Without a summary, beside each other.
    let together: Vec<_> = (0..4).map(|_| crate::support::start(sandbox.observed(["-p", "go"]))).collect();
    for started in together {
        assert_eq!(started.wait().code(), Some(0));
    }
    sandbox.wait_until_idle();
    assert_eq!(spent(&sandbox).values().sum::<u64>(), 8 * one);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(sandbox.state().join(SPENDING)).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_was_passed_already_is_said_before_claude_starts() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint, "day_usd = 50\nmonth_usd = 500.5");
    let first = observed(&sandbox, "line").err();
    assert!(!first.contains("budget"), "{first}");
    sandbox.wait_until_idle();
    spend(&sandbox, 61_200_000_000);
    sandbox.does(["eprint:claude itself"]);
    let second = observed(&sandbox, "line").err();
    let (before, after) = second.split_once("claude itself").unwrap();
    assert_eq!(before, "cc-observe: Today's budget of $50.00 is passed: $61.20 so far, at list price.\n");
    assert!(after.contains("over day budget") && !after.contains("month"), "{after}");
    sandbox.wait_until_idle();
    // Two of the three days are in one month, at least.
    spend(&sandbox, 600_000_000_000);
    let third = observed(&sandbox, "full").err();
    assert!(third.contains("This month's budget of $500.50 is passed: $"), "{third}");
    // Who reads JSON, or nothing, is not told by other words.
    let json: Value =
        serde_json::from_str(observed(&sandbox, "json").err().trim_start_matches("claude itself")).unwrap();
    assert_eq!(passed(&json).len(), 2, "{json}");
    assert_eq!(observed(&sandbox, "off").err().trim(), "claude itself");
}

#[test]
fn the_status_line_says_so_while_the_session_goes_on() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint, "day_usd = 0.0001");
    sandbox.plays("09-interactive-decisions");
    let line = format!("{} statusline >../out/line </dev/null", env!("CARGO_BIN_EXE_cc-observe"));
    sandbox.set("FAKE_CLAUDE_DO", format!("send\nsend\nrun:{line}"));
    run(sandbox.observed(["go"]));
    let line = fs::read_to_string(sandbox.at("out/line")).unwrap();
    assert!(line.contains("over day budget"), "{line}");
}

#[test]
fn what_cannot_be_read_is_put_aside_and_the_session_goes_on() {
    let endpoint = OrgEndpoint::start();
    let sandbox = sandbox(&endpoint, "day_usd = 50");
    let one = cost(&sandbox);
    for broken in ["", "{\"days\":{\"soon\":1}}", "{\"days\":{\"2026-01-01\":-1}}"] {
        fs::write(sandbox.state().join(SPENDING), broken).unwrap();
        let told = observed(&sandbox, "line").err();
        assert!(told.contains("cc-observe $") && !told.contains("budget"), "{told}");
        sandbox.wait_until_idle();
        assert_eq!(spent(&sandbox).values().sum::<u64>(), one);
        assert_eq!(fs::read_to_string(sandbox.state().join("spending.json.unreadable")).unwrap(), broken);
    }
    // Something that is no file, where nothing can be written.
    fs::remove_file(sandbox.state().join(SPENDING)).unwrap();
    fs::create_dir_all(sandbox.state().join(SPENDING).join("full")).unwrap();
    assert!(observed(&sandbox, "line").err().contains("cc-observe $"));
    sandbox.wait_until_idle();
}

#[test]
fn a_relay_that_takes_the_place_of_another_adds_what_it_has_seen_itself() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint, "day_usd = 50");
    sandbox.plays("09-interactive-decisions");
    let one = cost(&sandbox);
    let before = spent(&sandbox).values().sum::<u64>();
    sandbox.does(["send", "touch:../out/ready", "wait-file:../out/go"]);
    let started = crate::support::start(sandbox.observed(["-p", "go"]));
    sandbox.wait_for_file("out/ready");
    wait_until("the relay delivers", || !endpoint.records().is_empty());
    if let Some(relay) = sandbox.relays().pop() {
        nix::sys::signal::kill(relay.pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        wait_until("there is another relay", || sandbox.relays().pop().is_some_and(|other| other.pid != relay.pid));
    }
    sandbox.write("out/go", "");
    assert_eq!(started.wait().code(), Some(0));
    sandbox.wait_until_idle();
    let after = spent(&sandbox).values().sum::<u64>() - before;
    assert!(after <= one, "nothing is counted twice: {after} of {one}");
}
