//! The work scenario: a session with every kind of tool, secrets in its commands, a commit, a pull request, a subagent.

use std::collections::BTreeMap;

use cc_observe::otlp::Signal;
use serde_json::Value;

use super::client::client;
use super::compare::{assert_same, decisions, expected, is_claudes, received, scrubbed};
use super::lab::{EXPORT, Finished, Lab, ORG, accepted};
use crate::support::records::Record;
use crate::support::{assert_no_needle, assert_no_needle_in};

const WORK: &str = include_str!("scenarios/work.json");
const DO_THE_WORK: [&str; 5] = ["-p", "do the work", "--dangerously-skip-permissions", "--output-format", "json"];

fn json(run: &Finished) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr))
}

#[test]
fn plain_claude_and_cc_observe_claude_differ_in_nothing_that_anybody_sees() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, WORK);
    lab.set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
    lab.set_all(EXPORT);
    let plain = lab.plain(DO_THE_WORK);
    for (name, _) in EXPORT {
        lab.unset(name);
    }
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    let observed = lab.observed(DO_THE_WORK);

    assert_eq!((observed.code, scrubbed(&observed.stdout)), (plain.code, scrubbed(&plain.stdout)));
    assert_eq!((plain.code, observed.stderr.as_str()), (0, plain.stderr.as_str()));

    // Everything that plain claude exports, as far as the level lets it through.
    let (before, after) = (accepted(&plain.org), accepted(&observed.org));
    for signal in Signal::ALL {
        assert!(before.iter().any(|record| record.signal == signal), "plain claude exports {signal:?}");
    }
    assert_same(&expected(&plain.org), &received(&observed.org));
    assert_eq!(decisions(&before), decisions(&after));

    the_summary_says_what_claude_says(&observed, &before);
    assert_eq!(observed.summary["redaction"]["records_dropped"], 0);
    assert_eq!(observed.summary["missing_events"], 0);
    let claudes = after.into_iter().filter(is_claudes).collect::<Vec<_>>();
    let count = |signal| claudes.iter().filter(|record| record.signal == signal).count();
    assert_eq!(observed.summary["counted"]["events"], count(Signal::Logs));
    assert_eq!(observed.summary["counted"]["points"], count(Signal::Metrics));
    assert_eq!(observed.summary["counted"]["spans"], count(Signal::Traces));
}

fn the_summary_says_what_claude_says(observed: &Finished, plain: &[Record]) {
    let summary = &observed.summary;
    let claude = json(observed);
    let micros = |dollars: &Value| format!("{:.6}", dollars.as_f64().unwrap());
    assert_eq!(micros(&summary["cost_usd"]), micros(&claude["total_cost_usd"]));
    assert_eq!(summary["session_ids"], serde_json::json!([claude["session_id"]]));

    // By tool: calls from the decisions, runs and failures from the results.
    let mut tools: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    for event in plain.iter().filter(|record| record.signal == Signal::Logs) {
        let tool = tools.entry(event.text("tool_name"));
        match event.name.as_str() {
            "claude_code.tool_decision" => tool.or_default()[0] += 1,
            "claude_code.tool_result" => {
                let [_, ran, failed] = tool.or_default();
                *ran += 1;
                *failed += u64::from(event.text("success") != "true");
            }
            _ => {}
        }
    }
    let told = summary["tools"].as_array().unwrap().iter();
    let told = told.map(|tool| {
        (tool["tool"].as_str().unwrap().to_owned(), ["calls", "ran", "failed"].map(|key| tool[key].as_u64().unwrap()))
    });
    assert_eq!(told.collect::<BTreeMap<_, _>>(), tools);
    let accepted = decisions(plain).iter().filter(|line| line.contains(" accept ")).count();
    assert_eq!(summary["decisions"]["all"]["accepted"], accepted);
    assert_eq!(summary["decisions"]["all"]["rejected"], decisions(plain).len() - accepted);
}

/// The last thing the scenario does is to look around: at the arguments and environments of all processes, ours among
/// them, and at our state directory as it is in the middle of a run.
const LOOK_AROUND: &str = r#"{"tools":[{"name":"Bash","input":{"description":"Look around","command":"sleep 6; mkdir @OUT@/seen; cp -R $HOME/.local/state/cc-observe @OUT@/seen/state; for p in /proc/[0-9]*; do n=@OUT@/seen/${p##*/}; cp $p/cmdline $n.cmdline; case $(tr '\\0' ' ' <$p/cmdline) in 'cc-observe relay '*) cp $p/environ @OUT@/seen/relay.environ;; 'claude '*) cp $p/environ @OUT@/seen/claude.environ;; esac; done"}}]},"#;

/// The level at which nothing of it may be found: everything is given, and searched for secrets.
const SEARCHED: &str = "content";

#[test]
fn no_secret_of_the_session_or_of_the_person_leaves_claude() {
    let Some(client) = client() else { return };
    let scenario = WORK.replacen("{\n   \"text\": \"All done.\"", &format!("{LOOK_AROUND}{{\"text\":\"All done.\""), 1);
    let mut lab = Lab::new(client, &scenario);
    // The person had opened everything, and has a credential.
    for name in ["USER_PROMPTS", "TOOL_DETAILS", "TOOL_CONTENT", "ASSISTANT_RESPONSES", "RAW_API_BODIES"] {
        lab.set(format!("OTEL_LOG_{name}"), "1");
    }
    lab.set_all(EXPORT);
    lab.file("home/.config/cc-observe/config.toml", format!("capture = \"{SEARCHED}\"\n"));
    lab.set("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer FAKEorg0123456789");
    lab.set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
    let prompt = &format!("do the work with sk-ant-api03-{}", "FAKEprompt0000aB1cD2eF3gH4iJ5kL6mN7oP8qR".repeat(2));
    let observed = lab.observed(["-p", prompt, "--dangerously-skip-permissions", "--output-format", "json"]);
    assert_eq!(observed.code, 0, "{}", observed.stderr);
    assert!(!observed.org.is_empty(), "the person's own endpoint is our destination");
    for export in &observed.org {
        assert_no_needle("what the endpoint received", &export.body);
        assert_eq!(export.header("authorization"), Some("Bearer FAKEorg0123456789"));
        assert_eq!(export.header("x-cc-observe-token"), None);
    }
    assert_no_needle("the summary", observed.summary.to_string().as_bytes());
    assert_no_needle("stderr", observed.stderr.as_bytes());
    assert_no_needle_in(&lab.state());

    let seen = lab.at("seen");
    assert!(seen.join("state/settings").exists(), "it looked while the run went on");
    assert_no_needle_in(&seen.join("state"));
    let relay = std::fs::read(seen.join("relay.environ")).expect("the relay was seen");
    assert_no_needle("the relay's environment", &relay);
    let claude = std::fs::read(seen.join("claude.environ")).expect("claude was seen");
    assert_no_needle("claude's environment", &claude);
    // The first process is the lab, which was told everything.
    for entry in std::fs::read_dir(&seen)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_file() && entry.file_name() != "1.cmdline")
    {
        let bytes = std::fs::read(entry.path()).unwrap();
        // The prompt is the person's own argument, and claude's.
        let text = String::from_utf8_lossy(&bytes).replace(prompt, "");
        assert_no_needle("the arguments of a process", text.as_bytes());
    }
}
