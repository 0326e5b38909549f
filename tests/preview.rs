//! What people are shown of what leaves their machine is what leaves it.

use std::collections::BTreeSet;
use std::path::Path;

use cc_observe::otlp::{Batch, encode_json};
use serde_json::{Value, json};

use crate::support::{OrgEndpoint, Sandbox, assert_no_needle, on_a_machine_with, run, start, wait_until};

const FILE: &str = "home/.config/cc-observe/config.toml";

/// An object for each line.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Every attribute of every record, as `name=value`, in requests of OTLP JSON, but for what is different each time.
fn stands_in(requests: &[Value]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for request in requests {
        walk(&request["request"], &mut found);
    }
    found
}

fn walk(value: &Value, found: &mut BTreeSet<String>) {
    if let (Some(key), Some(of)) = (value["key"].as_str(), value.get("value")) {
        let once = ["cc_observe.batch_id", "cc_observe.attempt", "cc_observe.run_id", "event.timestamp"];
        if !once.contains(&key) && !key.starts_with("batches_") && key != "duration_ms" && key != "launch" {
            found.insert(format!("{key}={of}"));
        }
    }
    match value {
        Value::Array(all) => all.iter().for_each(|value| walk(value, found)),
        Value::Object(all) => all.values().for_each(|value| walk(value, found)),
        _ => {}
    }
}

/// What the endpoint was given, in the same form.
fn given(endpoint: &OrgEndpoint) -> Vec<Value> {
    let of = |batch: &Batch| json!({ "request": serde_json::from_slice::<Value>(&encode_json(batch)).unwrap() });
    endpoint.batches().iter().map(of).collect()
}

fn preview<const N: usize>(sandbox: &Sandbox, arguments: [&str; N]) -> Vec<Value> {
    let shown = run(sandbox.cc_observe([&["preview", "--json"], &arguments[..]].concat()));
    assert_eq!(shown.code(), Some(0), "{}", shown.err());
    lines(&shown.out())
}

/// A closed endpoint at one level and one at another.
fn two_closed(sandbox: &Sandbox) {
    sandbox.write(
        FILE,
        "capture = \"content\"\n[destinations.all]\nendpoint = \"http://127.0.0.1:9\"\ncapture = \"content\"\n\
         [destinations.few]\nendpoint = \"http://127.0.0.1:9\"\ncapture = \"metadata\"\nsignals = [\"logs\"]\n",
    );
}

#[test]
fn what_waits_is_shown_as_each_destination_will_be_given_it() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("03-content");
    two_closed(&sandbox);
    let nothing = run(sandbox.cc_observe(["preview"]));
    assert_eq!(nothing.code(), Some(1));
    assert!(nothing.err().contains("nothing waits"), "{}", nothing.err());
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    wait_until("the run is on disk", || {
        preview(&sandbox, []).iter().any(|line| line.to_string().contains("cc_observe.run_ended"))
    });
    sandbox.kill_relays();
    let lying = || {
        let status = run(sandbox.cc_observe(["spool", "status", "--json"])).out();
        let status: Value = serde_json::from_str(&status).unwrap();
        let of = |destination: &Value| {
            [&destination["name"], &destination["waiting"]["bytes"], &destination["runs"]].map(Value::clone)
        };
        status["destinations"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let before = lying();
    let shown = preview(&sandbox, []);
    let of = |name: &str| shown.iter().filter(|line| line["destination"] == name).cloned().collect::<Vec<_>>();
    let (all, few) = (stands_in(&of("all")), stands_in(&of("few")));
    assert!(all.iter().any(|pair| pair.starts_with("prompt=")), "{all:?}");
    assert!(!few.iter().any(|pair| pair.starts_with("prompt=") || pair.starts_with("tool_input=")), "{few:?}");
    assert!(of("few").iter().all(|line| line["signal"] == "logs"));
    assert_no_needle("what is shown", format!("{shown:?}").as_bytes());
    let batches = |line: &Value| line["batches"].as_array().unwrap().len();
    assert!(shown.iter().all(|line| batches(line) == 1 && line["records"].as_u64().unwrap() > 0));
    assert_eq!(preview(&sandbox, ["--destination", "few"]), of("few"));
    assert_eq!(preview(&sandbox, ["--limit", "2"]).len(), 2);
    let plain = run(sandbox.cc_observe(["preview", "--destination", "few", "--limit", "1"])).out();
    assert!(plain.starts_with("to few  logs, ") && plain.contains("run_started"), "{plain}");
    let unknown = run(sandbox.cc_observe(["preview", "--destination", "nobody"]));
    assert_eq!(unknown.code(), Some(2));
    assert!(unknown.err().contains("there is all, few"), "{}", unknown.err());
    assert_eq!(lying(), before, "looking changes nothing");
    // What waits for one who is none today goes to nobody, and is not shown as if it did.
    sandbox.write(FILE, "[destinations.few]\nendpoint = \"http://127.0.0.1:9\"\n");
    let shown = run(sandbox.cc_observe(["preview"]));
    assert!(shown.err().contains("for all, which is no destination of today's"), "{}", shown.err());
}

#[test]
fn what_is_shown_to_wait_is_what_the_endpoint_is_given() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("03-content");
    two_closed(&sandbox);
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    wait_until("the run is on disk", || {
        let of = |name: &str| {
            let lines = preview(&sandbox, ["--destination", name]);
            lines.iter().any(|line| line.to_string().contains("cc_observe.run_ended"))
        };
        of("all") && of("few")
    });
    sandbox.kill_relays();
    let shown = preview(&sandbox, ["--destination", "all"]);
    let endpoint = OrgEndpoint::start();
    let text = std::fs::read_to_string(sandbox.at(FILE)).unwrap();
    let (all, _) = text.split_once("[destinations.few]").unwrap();
    sandbox.write(FILE, all.replace("http://127.0.0.1:9", &endpoint.url()));
    assert_eq!(run(sandbox.cc_observe(["spool", "flush"])).code(), Some(0));
    let given = given(&endpoint);
    assert!(!given.is_empty());
    assert_eq!(stands_in(&shown), stands_in(&given));
}

#[test]
fn what_a_run_sends_is_shown_while_it_goes_on() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    let none = run(sandbox.cc_observe(["preview", "--live"]));
    assert_eq!(none.code(), Some(1));
    assert!(none.err().contains("no session runs now"), "{}", none.err());
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    sandbox.does(["wait-file:../out/go"]);
    let claude = start(sandbox.observed(["-p", "go"]));
    endpoint.wait_for_event("cc_observe.run_started");
    let watching = start(sandbox.cc_observe(["preview", "--live", "--json", "--output", "../out/shown"]));
    sandbox.wait_for_file("out/shown");
    // A relay has been asked as soon as another one would be: it takes one after the other.
    wait_until("the relay answers", || run(sandbox.cc_observe(["status"])).out().contains("run "));
    sandbox.write("out/go", "");
    assert_eq!(claude.wait().code(), Some(0));
    let watched = watching.wait();
    assert_eq!(watched.code(), Some(0), "{}", watched.err());
    let shown = lines(&std::fs::read_to_string(sandbox.at("out/shown")).unwrap());
    let text = format!("{shown:?}");
    for name in ["claude_code.user_prompt", "claude_code.api_request", "cc_observe.run_ended"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert!(!text.contains("run_started"), "that was before");
    assert!(shown.iter().all(|line| line["destination"] == "endpoint"));
}

#[test]
fn a_dry_run_shows_what_would_be_sent_and_sends_nothing() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("03-content").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    let dry = run(sandbox.cc_observe([
        "preview",
        "--dry",
        "--json",
        "--output",
        "../out/shown",
        "--",
        "cc-observe",
        "claude",
        "-p",
        "go",
    ]));
    assert_eq!(dry.code(), Some(0), "{}", dry.err());
    sandbox.wait_until_idle();
    assert!(endpoint.requests().is_empty());
    assert!(!sandbox.state().join("spool").exists(), "nothing waits either");
    let shown = lines(&std::fs::read_to_string(sandbox.at("out/shown")).unwrap());
    // The same session again, delivered.
    assert_eq!(run(sandbox.cc_observe(["--summary", "off", "claude", "-p", "go"])).code(), Some(0));
    endpoint.wait_for_event("cc_observe.run_ended");
    sandbox.wait_until_idle();
    let given = given(&endpoint);
    assert_eq!(stands_in(&shown), stands_in(&given));
    assert_no_needle("what is shown", &std::fs::read(sandbox.at("out/shown")).unwrap());
    assert!(shown.iter().any(|line| !line["findings"].as_array().unwrap().is_empty()), "{shown:?}");
}

#[test]
fn a_dry_run_ends_as_claude_does_and_is_not_for_everybody() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    sandbox.does(["exit:7"]);
    let dry = run(sandbox.cc_observe(["preview", "--dry", "--", "claude", "-p", "go"]));
    assert_eq!(dry.code(), Some(7), "{}", dry.err());
    assert!(dry.out().contains("run_ended"), "{}", dry.out());
    assert_eq!(run(sandbox.cc_observe(["preview", "--dry"])).code(), Some(2));
    assert_eq!(run(sandbox.cc_observe(["preview", "--dry", "--", "/nonexistent/claude"])).code(), Some(127));
    sandbox.wait_until_idle();
    assert!(endpoint.requests().is_empty());
    sandbox.set("CLAUDECODE", "1");
    let refused = run(sandbox.cc_observe(["preview", "--dry", "--", "claude", "-p", "go"]));
    assert_eq!(refused.code(), Some(125));
    assert!(refused.err().contains("a dry run is not for what a running Claude Code starts"), "{}", refused.err());
    on_a_machine_with(&[("cc-observe/managed.toml", "capture = \"commands\"\n")], || {
        let mut sandbox = Sandbox::new();
        sandbox.plays("01-default");
        let refused = run(sandbox.cc_observe(["preview", "--dry", "--", "claude", "-p", "go"]));
        assert_eq!(refused.code(), Some(125));
        assert!(refused.err().contains("your organization does not allow a dry run"), "{}", refused.err());
        assert!(!sandbox.claude_was_started() && Path::new("/etc/cc-observe/managed.toml").exists());
    });
}
