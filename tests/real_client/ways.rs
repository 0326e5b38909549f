//! The ways to be called, and the situations that change what the launcher does.

use std::ffi::OsString;
use std::path::Path;

use super::client::client;
use super::compare::{assert_same, expected, received, scrubbed};
use super::lab::{EXPORT, Finished, Lab, ORG, accepted};
use super::{GO, SHORT};
use crate::support::sandbox::cc_observe;

/// A place for what plain claude did, and for the same through us.
fn prepared(client: &'static super::client::Client, scenario: &str) -> (Lab, Finished) {
    let mut lab = Lab::new(client, scenario);
    lab.set_all(EXPORT);
    let plain = lab.plain(GO);
    for (name, _) in EXPORT {
        lab.unset(name);
    }
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    (lab, plain)
}

/// Words and [`GO`].
fn command(words: &[&str]) -> Vec<OsString> {
    words.iter().copied().chain(GO).map(OsString::from).collect()
}

#[track_caller]
fn assert_as_plain(plain: &Finished, observed: &Finished) {
    assert_eq!(
        (observed.code, scrubbed(&observed.stdout)),
        (plain.code, scrubbed(&plain.stdout)),
        "{}",
        observed.stderr
    );
    assert_same(&expected(&plain.org), &received(&observed.org));
}

#[test]
fn a_program_that_calls_us_gets_claude_itself_and_telemetry_arrives() {
    let Some(client) = client() else { return };
    // The tool tells who claude is, and what children it has that nobody waited for.
    let who = r#"[{"tools":[{"name":"Bash","input":{"command":"cat /proc/$CLAUDE_PID/cmdline | tr '\\0' ' ' >@OUT@/who; grep PPid /proc/$CLAUDE_PID/status >@OUT@/parent; grep -l 'State:.Z' /proc/[0-9]*/status >@OUT@/zombies; true","description":"Look"}}]},{"text":"Done."}]"#;
    let (lab, plain) = prepared(client, who);
    let tidy = || std::fs::read_to_string(lab.at("zombies")).unwrap();
    let parent = std::fs::read_to_string(lab.at("parent")).unwrap();
    assert_eq!(parent.trim(), "PPid:\t1", "plain claude is the lab's child");
    let observed = lab.run(command(&[cc_observe().to_str().unwrap(), "claude"]));
    assert_as_plain(&plain, &observed);
    assert_eq!(observed.stderr, plain.stderr, "no summary for a program");
    assert_eq!(std::fs::read_to_string(lab.at("parent")).unwrap(), parent, "and so is ours: nobody stands between");
    assert!(std::fs::read_to_string(lab.at("who")).unwrap().starts_with("claude --settings "));
    assert_eq!(tidy(), "", "no zombie");
}

#[test]
fn a_link_named_claude_and_a_path_to_claude_are_as_good_as_the_word() {
    let Some(client) = client() else { return };
    let (lab, plain) = prepared(client, SHORT);
    lab.file("shim/README", "");
    std::os::unix::fs::symlink(cc_observe(), lab.seeded("shim/claude")).unwrap();
    let link = lab.at("shim/claude");
    assert_as_plain(&plain, &lab.run(command(&[link.to_str().unwrap()])));
    // The first on PATH, as people have it.
    let first = "PATH=../shim:$PATH; PATH=$(cd ../shim && pwd):$PATH exec claude \"$@\"";
    assert_as_plain(&plain, &lab.run(command(&["sh", "-c", first, "sh"])));
    let path: &Path = &lab.at("path/claude");
    assert_as_plain(&plain, &lab.run(command(&[cc_observe().to_str().unwrap(), path.to_str().unwrap()])));
}

#[test]
fn in_ci_everything_is_delivered_and_nothing_runs_any_more_when_we_end() {
    let Some(client) = client() else { return };
    let (mut lab, plain) = prepared(client, SHORT);
    let us = cc_observe().to_str().unwrap();
    let first_process = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", us, "claude"];
    for (ci, words) in [(true, &[us, "claude"][..]), (false, &first_process)] {
        if ci {
            let file = lab.at("step.md");
            lab.set("CI", "true").set("GITHUB_STEP_SUMMARY", file);
        } else {
            lab.unset("CI").unset("GITHUB_STEP_SUMMARY");
        }
        lab.options(["--settle", "0"]);
        let observed = lab.run(command(words));
        assert_as_plain(&plain, &observed);
        let names: Vec<String> = accepted(&observed.org).into_iter().map(|record| record.name).collect();
        assert!(names.iter().any(|name| name == "cc_observe.run_ended"), "{words:?}: {names:?}");
        let lines: Vec<&str> = observed.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{words:?}: {lines:?}");
        assert!(lines[0].contains("$0.03"), "{words:?}: {lines:?}");
        assert_eq!(lab.waiting(), 0, "{words:?}: nothing waits");
        if ci {
            assert!(std::fs::read_to_string(lab.at("step.md")).unwrap().contains("$0.03"));
        }
    }
}

#[test]
fn a_session_that_is_continued_costs_what_it_added() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, SHORT);
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    let total = |run: &Finished| {
        let told: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        told["total_cost_usd"].as_f64().unwrap()
    };
    let first = lab.observed(GO);
    lab.options(["--keep-home"]);
    let second = lab.observed(GO.iter().chain(&["--continue"]));
    let micros = |dollars: f64| format!("{dollars:.6}");
    assert_eq!(micros(first.summary["cost_usd"].as_f64().unwrap()), micros(total(&first)));
    assert_eq!(micros(second.summary["cost_usd"].as_f64().unwrap()), micros(total(&second) - total(&first)));
    assert_eq!(first.summary["session_ids"], second.summary["session_ids"], "it is the same session");
}
