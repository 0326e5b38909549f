//! What each destination is given: by level, by name, by who it was, by length.

use std::collections::BTreeSet;

use cc_observe::otlp::{Signal, decode};
use serde_json::Value;

use crate::support::{Capture, Mode, OrgEndpoint, Record, Sandbox, assert_no_needle, records, run, start};

/// A sandbox whose claude plays a capture, with this configuration.
fn configured(capture: &str, config: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.plays(capture).set("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "1");
    sandbox.write("home/.config/cc-observe/config.toml", config);
    sandbox
}

fn destination(name: &str, endpoint: &OrgEndpoint, capture: &str) -> String {
    format!("[destinations.{name}]\nendpoint = \"{}\"\ncapture = \"{capture}\"\n", endpoint.url())
}

/// Runs it to its end and until everything has been delivered.
#[track_caller]
fn finish(sandbox: &Sandbox, endpoints: &[&OrgEndpoint]) {
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.wait_until_idle();
    for endpoint in endpoints {
        endpoint.wait_for_event("cc_observe.run_ended");
    }
}

fn captured(name: &str) -> Vec<Record> {
    let capture = Capture::load(name);
    let batches = capture.requests.iter().map(|r| decode(r.signal, r.encoding(), &r.body).unwrap());
    batches.flat_map(|batch| records(&batch)).collect()
}

/// Claude's own records of a signal.
fn theirs(all: &[Record], signal: Signal) -> Vec<Record> {
    all.iter().filter(|record| record.signal == signal && record.scope != "cc_observe").cloned().collect()
}

/// The attributes of all records, as `name.attribute`, without `claude_code.`, and those of events on spans.
fn attributes(all: &[Record]) -> BTreeSet<String> {
    let short = |name: &str| name.trim_start_matches("claude_code.").to_owned();
    let named = |name: &str, keys: Vec<&String>| {
        keys.into_iter().map(|key| format!("{}.{key}", short(name))).collect::<Vec<_>>()
    };
    let own = all.iter().flat_map(|record| named(&record.name, record.attributes.keys().collect()));
    let events = all.iter().flat_map(|record| &record.span_events);
    let events = events.flat_map(|(name, attributes)| named(name, attributes.keys().collect()));
    own.chain(events).collect()
}

const COMMANDS: [&str; 6] = [
    "tool_decision.tool_parameters",
    "tool_result.tool_input",
    "tool_result.error",
    "tool.full_command",
    "tool.output.bash_command",
    "tool_result.vcs.ref.head.name",
];
const CONTENT: [&str; 6] = [
    "user_prompt.prompt",
    "user_prompt.prompt_text",
    "assistant_response.response",
    "interaction.user_prompt",
    "tool.output.output",
    "tool.output.content",
];

#[test]
fn every_record_arrives_at_each_level_with_what_the_level_gives() {
    for name in
        ["03-content", "05a-traces-tool-details", "05b-traces-tool-content-only", "10a-mcp-skill-hooks-tool-details"]
    {
        let sent = captured(name);
        let sent_attributes = attributes(&sent);
        for (level, withheld) in [("metadata", &[&COMMANDS, &CONTENT][..]), ("commands", &[&CONTENT]), ("content", &[])]
        {
            let endpoint = OrgEndpoint::start();
            let config = format!("capture = \"content\"\n{}", destination("org", &endpoint, level));
            let sandbox = configured(name, &config);
            finish(&sandbox, &[&endpoint]);
            let arrived = endpoint.records();
            for signal in Signal::ALL {
                let key = |r: &Record| (r.name.clone(), r.time, r.value.clone(), r.trace_id.clone(), r.scope.clone());
                let keys = |all: Vec<Record>| all.iter().map(key).collect::<Vec<_>>();
                assert_eq!(keys(theirs(&arrived, signal)), keys(theirs(&sent, signal)), "{name} {level} {signal:?}");
                for (arrived, sent) in theirs(&arrived, signal).iter().zip(theirs(&sent, signal)) {
                    for (attribute, value) in &arrived.attributes {
                        let added = attribute.starts_with("cc_observe.") || value.to_string().contains("[REDACTED:");
                        assert!(added || sent.attributes.get(attribute) == Some(value), "{name} {level}: {attribute}");
                    }
                }
            }
            let names = attributes(&arrived);
            let kept_back: BTreeSet<&str> = withheld.iter().flat_map(|list| list.iter().copied()).collect();
            for attribute in COMMANDS.into_iter().chain(CONTENT) {
                let want = sent_attributes.contains(attribute) && !kept_back.contains(attribute);
                assert_eq!(names.contains(attribute), want, "{name} {level}: {attribute}");
            }
            // What was kept back is what is told to be.
            let told: BTreeSet<String> = endpoint
                .events("cc_observe.withheld")
                .iter()
                .flat_map(|record| {
                    assert_eq!(record.text("capture"), level);
                    record.attributes["attributes"].as_array().unwrap().clone()
                })
                .map(|name| name.as_str().unwrap().to_owned())
                .collect();
            let not_given: BTreeSet<String> = sent_attributes.difference(&names).cloned().collect();
            let missing: Vec<_> = not_given.difference(&told).collect();
            assert!(missing.is_empty(), "{name} {level}: {missing:?}");
            assert_eq!(endpoint.events("cc_observe.run_started")[0].text("capture"), level);
            sandbox.assert_no_needle();
            endpoint.requests().iter().for_each(|request| assert_no_needle("a body", &request.body));
        }
    }
}

#[test]
fn what_runs_is_counted_by_its_name_at_every_level() {
    let (metadata, commands) = (OrgEndpoint::start(), OrgEndpoint::start());
    let config = [destination("a", &metadata, "metadata"), destination("b", &commands, "commands")].concat();
    for capture in ["02-tool-details", "10a-mcp-skill-hooks-tool-details"] {
        finish(&configured(capture, &config), &[&metadata, &commands]);
    }
    let labels = |endpoint: &OrgEndpoint| -> Vec<(String, String)> {
        let records = ["claude_code.tool_decision", "claude_code.tool_result"].map(|name| endpoint.events(name));
        let attributes = records.into_iter().flatten().flat_map(|record| record.attributes);
        let ours = attributes.filter(|(key, _)| key.starts_with("cc_observe.") && key != "cc_observe.decided_by");
        let mut labels: Vec<_> = ours.map(|(key, value)| (key, value.as_str().unwrap().to_owned())).collect();
        labels.sort();
        labels
    };
    let told = labels(&metadata);
    assert_eq!(told, labels(&commands));
    for want in [
        ("cc_observe.program", "gh"),
        ("cc_observe.program", "sshpass"),
        ("cc_observe.mcp_server", "widget-db"),
        ("cc_observe.mcp_tool", "lookup"),
        ("cc_observe.skill", "deploy"),
        ("cc_observe.subagent_type", "general-purpose"),
    ] {
        assert!(told.contains(&(want.0.to_owned(), want.1.to_owned())), "{want:?} {told:?}");
    }
    assert!(!commands.events("cc_observe.withheld").is_empty(), "prompts are content");
    let told: Vec<_> = metadata.events("cc_observe.withheld");
    assert!(told.iter().any(|record| record.attributes["attributes"].to_string().contains("tool_result.tool_input")));
}

#[test]
fn claude_is_asked_for_what_the_highest_level_needs_and_no_more() {
    let endpoint = OrgEndpoint::start();
    for (ceiling, own, details, content) in
        [("content", "content", "1", "1"), ("content", "commands", "1", "0"), ("metadata", "content", "1", "0")]
    {
        let config = format!("capture = \"{ceiling}\"\n{}", destination("org", &endpoint, own));
        let mut sandbox = configured("14a-logs-only", &config);
        sandbox.set("OTEL_LOG_RAW_API_BODIES", "1");
        assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
        sandbox.wait_until_idle();
        let asked = sandbox.world()["telemetry"].clone();
        assert_eq!(asked["OTEL_LOG_TOOL_DETAILS"], details, "{ceiling} {own}");
        for name in ["USER_PROMPTS", "ASSISTANT_RESPONSES", "TOOL_CONTENT", "RAW_API_BODIES"] {
            assert_eq!(asked[format!("OTEL_LOG_{name}")], content, "{ceiling} {own} {name}");
        }
    }
}

#[test]
fn a_persons_own_destination_is_given_what_they_had_switched_on() {
    for (ceiling, flags, prompts, commands) in [
        ("", &["OTEL_LOG_USER_PROMPTS"][..], true, false),
        ("", &["OTEL_LOG_TOOL_DETAILS"], false, true),
        ("", &[], false, false),
        ("commands", &["OTEL_LOG_USER_PROMPTS", "OTEL_LOG_TOOL_DETAILS"], false, true),
    ] {
        let endpoint = OrgEndpoint::start();
        let mut sandbox = Sandbox::new();
        sandbox.plays("03-content").set("CLAUDE_CODE_ENABLE_TELEMETRY", "1");
        sandbox.set("OTEL_LOGS_EXPORTER", "otlp").set("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.url());
        for flag in flags {
            sandbox.set(*flag, "1");
        }
        if !ceiling.is_empty() {
            sandbox.write("home/.config/cc-observe/config.toml", format!("capture = \"{ceiling}\""));
        }
        finish(&sandbox, &[&endpoint]);
        let on = |switched: bool| if switched { "1" } else { "0" };
        let asked = sandbox.world()["telemetry"].clone();
        assert_eq!(
            (&asked["OTEL_LOG_USER_PROMPTS"], &asked["OTEL_LOG_TOOL_DETAILS"]),
            (&on(prompts).into(), &on(commands).into())
        );
        assert_eq!(asked["OTEL_LOG_TOOL_CONTENT"], "0");
        let names = attributes(&endpoint.records());
        assert_eq!(names.contains("user_prompt.prompt"), prompts, "{flags:?}");
        if !prompts {
            assert_eq!(names.contains("tool_result.tool_input"), commands, "{flags:?}");
        }
    }
}

#[test]
fn people_are_hashed_names_are_dropped_and_long_values_are_cut() {
    let endpoint = OrgEndpoint::start();
    let config = format!(
        "{}max_attribute_bytes = 256\n[identity]\nuser = \"hash\"\naccount = \"drop\"\n\
         [drop]\nattributes = [\"terminal.type\"]\nmetrics = [\"session.count\"]\n\
         [levels]\n\"tool_decision.tool_parameters\" = \"content\"\n\"user_prompt.prompt\" = \"metadata\"\n",
        destination("org", &endpoint, "commands")
    );
    let sandbox = configured("02-tool-details", &config);
    finish(&sandbox, &[&endpoint]);
    let (arrived, sent) = (endpoint.records(), captured("02-tool-details"));
    let names = attributes(&arrived);
    for attribute in
        ["tool_result.terminal.type", "tool_result.user.id", "tool_decision.tool_parameters", "user_prompt.prompt"]
    {
        assert!(!names.contains(attribute), "{attribute}");
    }
    let metrics = |all: &[Record]| theirs(all, Signal::Metrics).len();
    let dropped = sent.iter().filter(|record| record.name == "claude_code.session.count").count();
    assert_eq!(metrics(&arrived), metrics(&sent) - dropped);
    let text = |all: &[Record], attribute: &str| {
        let events = all.iter().filter(|record| record.name == "claude_code.tool_result");
        events.map(|record| record.text(attribute)).filter(|text| !text.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(text(&arrived, "tool_parameters").len(), text(&sent, "tool_parameters").len());
    for parameters in text(&arrived, "tool_parameters") {
        let cut = parameters.contains("…[JSON cut by cc-observe, ") && parameters.len() <= 256;
        assert!(cut || serde_json::from_str::<Value>(&parameters).is_ok(), "{parameters}");
    }
    assert!(
        text(&arrived, "tool_parameters").iter().any(|parameters| parameters.contains("…[JSON cut by cc-observe, "))
    );
    let inputs = text(&arrived, "tool_input");
    assert!(inputs.iter().all(|input| !input.contains("/home/dev/")), "{inputs:?}");
    assert!(inputs.iter().any(|input| input.contains("/home/h:")), "{inputs:?}");
}

#[test]
fn what_was_spooled_at_a_higher_level_is_sent_at_todays() {
    let endpoint = OrgEndpoint::start_as(Mode::Status { code: 503, first: None });
    let config = |level: &str| format!("capture = \"{level}\"\n{}", destination("org", &endpoint, level));
    let sandbox = configured("03-content", &config("content"));
    assert_eq!(run(sandbox.cc_observe(["claude", "-p", "go"])).code(), Some(0));
    for relay in sandbox.our_processes() {
        let _ = nix::sys::signal::kill(relay.pid, nix::sys::signal::Signal::SIGTERM);
    }
    sandbox.wait_until_idle();
    endpoint.set_mode(Mode::Ok);
    sandbox.write("home/.config/cc-observe/config.toml", config("metadata"));
    finish(&sandbox, &[&endpoint]);
    crate::support::wait_until("both runs arrive", || endpoint.events("cc_observe.run_started").len() == 2);
    let names = attributes(&endpoint.records());
    for attribute in ["user_prompt.prompt", "tool_result.tool_input", "assistant_response.response"] {
        assert!(!names.contains(attribute), "{attribute}");
    }
    assert!(names.contains("tool_result.cc_observe.program"));
}

#[test]
fn a_policy_that_becomes_stricter_while_a_relay_runs_is_heeded_for_what_waits() {
    let endpoint = OrgEndpoint::start_as(Mode::Status { code: 503, first: None });
    let org = destination("org", &endpoint, "content");
    let mut sandbox = configured("03-content", &format!("capture = \"content\"\n{org}"));
    sandbox.does(["wait-file:../out/go"]);
    let started = start(sandbox.observed(["-p", "go"]));
    crate::support::wait_until("something is on its way", || !endpoint.requests().is_empty());
    let own = "[drop]\nattributes = [\"tool_result.cc_observe.program\"]\n\
               [[redaction.rules]]\nid = \"name\"\npattern = \"claude-[a-z0-9-]+\"\n";
    sandbox.write("home/.config/cc-observe/config.toml", format!("capture = \"metadata\"\n{own}{org}"));
    endpoint.set_mode(Mode::Ok);
    sandbox.write("out/go", "");
    assert_eq!(started.wait().code(), Some(0));
    sandbox.wait_until_idle();
    endpoint.wait_for_event("cc_observe.run_ended");
    let names = attributes(&endpoint.records());
    for attribute in [
        "user_prompt.prompt",
        "tool_result.tool_input",
        "assistant_response.response",
        "tool_result.cc_observe.program",
    ] {
        assert!(!names.contains(attribute), "{attribute}");
    }
    assert!(names.contains("tool_result.success"));
    let requests = endpoint.events("claude_code.api_request");
    let models: BTreeSet<_> = requests.iter().map(|request| request.attributes["model"].as_str().unwrap()).collect();
    assert!(!models.is_empty() && models.iter().all(|model| !model.contains("claude-")), "{models:?}");
}
