//! `cc-observe doctor`: each verdict by a real fault, and its hint followed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::{Mode, OrgEndpoint, Sandbox, on_a_machine_with, run};

const CONFIG: &str = "home/.config/cc-observe/config.toml";

/// What it found, as `about verdict: found | hint`, and its exit code.
#[track_caller]
fn doctor(sandbox: &Sandbox) -> (Vec<String>, Option<i32>) {
    let ended = run(sandbox.cc_observe(["doctor", "--json"]));
    let read: Value = serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let text = |check: &Value, key: &str| check[key].as_str().unwrap_or("-").to_owned();
    let lines = read["checks"].as_array().unwrap().iter().map(|check| {
        let [about, verdict, found, hint] = ["about", "verdict", "found", "hint"].map(|key| text(check, key));
        format!("{about} {verdict}: {found} | {hint}")
    });
    (lines.collect(), ended.code())
}

/// Fails unless there is one line that begins so and says this; an exit code of 1 goes with `failed` alone.
#[track_caller]
fn finds(sandbox: &Sandbox, begin: &str, words: &[&str]) {
    let (lines, code) = doctor(sandbox);
    let found = lines.iter().any(|line| line.starts_with(begin) && words.iter().all(|word| line.contains(word)));
    assert!(found, "{begin} {words:?} in {lines:#?}");
    assert_eq!(code, Some(i32::from(lines.iter().any(|line| line.contains(" failed: ")))), "{lines:#?}");
}

/// A machine on which all is well.
fn sound() -> (Sandbox, OrgEndpoint) {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    claude_that_says(&sandbox, "2.1.330 (Claude Code)");
    sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url());
    (sandbox, endpoint)
}

fn claude_that_says(sandbox: &Sandbox, version: &str) {
    let _ = fs::remove_file(sandbox.claude());
    executable(sandbox, "bin/claude", &format!("#!/bin/sh\necho '{version}'\n"));
}

fn executable(sandbox: &Sandbox, path: &str, text: &str) {
    let file = sandbox.write(path, text);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn where_all_is_well_that_is_said_and_an_endpoint_is_asked_with_nothing_in_it() {
    let (sandbox, endpoint) = sound();
    let (lines, code) = doctor(&sandbox);
    assert_eq!(code, Some(0), "{lines:#?}");
    assert!(lines.iter().all(|line| line.contains(" ok: ") || line.contains(" skipped: ")), "{lines:#?}");
    assert_eq!(endpoint.requests().len(), 3, "one for each signal");
    assert!(endpoint.batches().iter().all(|batch| batch.records() == 0));
    let text = run(sandbox.cc_observe(["doctor"]));
    assert_eq!((text.code(), text.err()), (Some(0), String::new()));
    assert!(text.out().lines().all(|line| line.starts_with("ok  ") || line.starts_with("-   ")), "{}", text.out());
}

#[test]
fn a_claude_that_is_missing_old_or_silent_is_told() {
    let (mut sandbox, _endpoint) = sound();
    finds(&sandbox, "claude ok", &["2.1.330"]);
    claude_that_says(&sandbox, "2.1.127 (Claude Code)");
    finds(&sandbox, "claude warning", &["2.1.127", "`claude update`", "2.1.128"]);
    claude_that_says(&sandbox, "hello");
    finds(&sandbox, "claude warning", &["does not tell its version"]);
    fs::set_permissions(sandbox.claude(), fs::Permissions::from_mode(0o644)).unwrap();
    finds(&sandbox, "claude failed", &["it is not executable"]);
    fs::remove_file(sandbox.claude()).unwrap();
    finds(&sandbox, "claude failed", &["no program of that name on PATH", "CC_OBSERVE_CLAUDE"]);
    executable(&sandbox, "home/claude", "#!/bin/sh\necho 2.1.330\n");
    let named = sandbox.at("home/claude");
    sandbox.set("CC_OBSERVE_CLAUDE", named);
    finds(&sandbox, "claude ok", &["2.1.330"]);
    finds(&sandbox, "shell skipped", &["`cc-observe claude`"]);
    sandbox.shim_claude();
    finds(&sandbox, "shell ok", &["claude on PATH is cc-observe"]);
}

#[test]
fn every_mistake_of_the_configuration_is_told_with_its_line() {
    let (sandbox, _endpoint) = sound();
    sandbox.write(CONFIG, "captur = \"commands\"\nsummary = \"FAKE\"\n");
    finds(&sandbox, "configuration failed", &["config.toml:1", "did you mean `capture`?", "mend that line"]);
    finds(&sandbox, "configuration failed", &["config.toml:2"]);
    sandbox.write(CONFIG, "[[redaction.rules]]\nid = \"acme\"\npattern = \"(\"\n");
    finds(&sandbox, "configuration failed", &["config.toml:1", "only metadata is captured"]);
    sandbox.write(CONFIG, "capture = \"commands\"\n");
    finds(&sandbox, "configuration ok", &["config.toml, sound"]);
}

#[test]
fn headers_that_others_may_read_are_told_and_the_hint_mends_it() {
    let (mut sandbox, endpoint) = sound();
    sandbox.unset("CC_OBSERVE_ENDPOINT");
    let config = format!("[destinations.org]\nendpoint = \"{}\"\nheaders = {{ x-token = \"FAKE\" }}\n", endpoint.url());
    let file = sandbox.write(CONFIG, config);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let hint = format!("chmod 600 {}", file.display());
    finds(&sandbox, "configuration warning", &["others may read it (644)", &hint]);
    let mut shell = sandbox.command("/bin/sh");
    shell.args(["-c", &hint]);
    assert_eq!(run(shell).code(), Some(0));
    let (lines, code) = doctor(&sandbox);
    assert_eq!(code, Some(0));
    assert!(!lines.iter().any(|line| line.contains(" warning: ")), "{lines:#?}");
}

#[test]
fn what_is_wrong_with_an_endpoint_is_told_with_what_to_do() {
    let (mut sandbox, endpoint) = sound();
    for (mode, begin, words) in [
        (Mode::Status { code: 401, first: None }, "destination failed", ["answers 401", "renew its credential"]),
        (Mode::Status { code: 404, first: None }, "destination failed", ["answers 404", "look at endpoint"]),
        (Mode::Status { code: 503, first: None }, "destination failed", ["answers 503", "waits on disk"]),
        (Mode::Status { code: 400, first: None }, "destination warning", ["answers 400", "not empty"]),
        (Mode::Status { code: 302, first: None }, "destination failed", ["redirects (302)", "login page"]),
        (Mode::Echo("<html>".to_owned()), "destination failed", ["not OTLP", "login page"]),
        (Mode::Close, "destination failed", ["without an answer", "look whether it runs"]),
        (Mode::Hang, "destination failed", ["does not answer in time", "look whether it runs"]),
        (Mode::Ok, "destination ok", ["takes logs, metrics, traces", "endpoint"]),
    ] {
        endpoint.set_mode(mode);
        finds(&sandbox, begin, &words);
    }
    sandbox.set("CC_OBSERVE_ENDPOINT", "http://127.0.0.1:1");
    finds(&sandbox, "destination failed", &["refuses connections", "look whether it runs"]);
    sandbox.unset("CC_OBSERVE_ENDPOINT");
    finds(&sandbox, "destination warning", &["none", "[destinations.org]"]);
    sandbox.write(
        CONFIG,
        format!(
            "[destinations.org]\nendpoint = \"{}\"\nauth = {{ token = \"env\", env = \"ORG_TOKEN\" }}\n",
            endpoint.url()
        ),
    );
    finds(&sandbox, "destination failed", &["has no credential", "look at auth in [destinations.org]"]);
    sandbox.set("ORG_TOKEN", "FAKE");
    finds(&sandbox, "destination ok", &["org takes logs, metrics, traces"]);
}

#[test]
fn what_waits_is_told_until_the_hint_was_followed() {
    let (mut sandbox, endpoint) = sound();
    finds(&sandbox, "spool ok", &["nothing waits"]);
    endpoint.set_mode(Mode::Status { code: 403, first: None });
    fs::remove_file(sandbox.claude()).unwrap();
    std::os::unix::fs::symlink(crate::support::sandbox::fake_claude(), sandbox.claude()).unwrap();
    sandbox.plays("14a-logs-only");
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.kill_relays();
    sandbox.wait_until_idle();
    run(sandbox.cc_observe(["spool", "flush", "--wait", "5s"]));
    finds(&sandbox, "spool warning", &[" for endpoint-", "`cc-observe spool flush`"]);
    endpoint.set_mode(Mode::Ok);
    assert_eq!(run(sandbox.cc_observe(["spool", "flush", "--require"])).code(), Some(0));
    finds(&sandbox, "spool ok", &["nothing waits"]);
}

#[test]
fn what_keeps_a_session_from_being_observed_is_told() {
    let (sandbox, _endpoint) = sound();
    sandbox.write(CONFIG, "[redaction]\nallow = [\"[A-Za-z0-9]+\"]\n");
    finds(&sandbox, "redaction failed", &["made-up secrets are not masked", "`allow`"]);
    fs::remove_file(sandbox.at(CONFIG)).unwrap();
    finds(&sandbox, "redaction ok", &["6 of 6"]);
    let script = sandbox.write("home/.local/state/cc-observe/process-wrapper", "#!/bin/sh\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o600)).unwrap();
    finds(&sandbox, "state failed", &["background sessions do not start", "chmod 700"]);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    finds(&sandbox, "state ok", &["can be written to"]);
    for name in ["home/.local", "run", "tmp"] {
        let _ = fs::remove_dir_all(sandbox.at(name));
        sandbox.write(name, "in the way");
    }
    finds(&sandbox, "state failed", &["no directory for state", "XDG_STATE_HOME"]);
}

#[test]
fn the_organizations_files_are_examined() {
    let managed = "required = true\n[destinations.org]\nendpoint = \"http://127.0.0.1:1\"\n";
    on_a_machine_with(&[("cc-observe/managed.toml", managed)], || {
        let (sandbox, _endpoint) = sound();
        finds(&sandbox, "configuration ok", &["managed by /etc/cc-observe/managed.toml; sessions must be observed"]);
        finds(&sandbox, "destination failed", &["org refuses connections"]);
        sandbox.write(CONFIG, "captur = 1\n");
        finds(&sandbox, "configuration failed", &["config.toml:1", "what it says does not count"]);
        fs::set_permissions("/etc/cc-observe/managed.toml", fs::Permissions::from_mode(0o666)).unwrap();
        finds(&sandbox, "configuration failed", &["is not trusted", "whoever manages it"]);
    });
    let settings = "{ \"env\": { \"OTEL_EXPORTER_OTLP_ENDPOINT\": \"http://127.0.0.1:1\" } }";
    on_a_machine_with(&[("claude-code/managed-settings.json", settings)], || {
        let (sandbox, _endpoint) = sound();
        finds(&sandbox, "settings failed", &["managed-settings.json", "`otelHeadersHelper`"]);
        fs::remove_file("/etc/claude-code/managed-settings.json").unwrap();
        finds(&sandbox, "settings ok", &[]);
    });
}
