//! What real captures and broken input become.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use proptest::prelude::*;

use super::*;
use crate::otlp::Signal;
use crate::redact::{Policy, Redactor};

fn string(text: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text.into())) }
}

fn decision(attributes: &[(&str, &str)]) -> LogRecord {
    LogRecord {
        body: Some(string("claude_code.tool_decision")),
        attributes: attributes
            .iter()
            .map(|(key, value)| KeyValue { key: (*key).into(), value: Some(string(value)), ..KeyValue::default() })
            .collect(),
        ..LogRecord::default()
    }
}

/// The decisions of a capture, as `decision source mode tool: decided_by`, counted.
fn decisions(capture: &str, interactive: Option<bool>) -> String {
    let mut counted = BTreeMap::<String, u64>::new();
    for batch in captures::batches(capture) {
        let Batch::Logs(request) = batch.get() else { continue };
        for record in request.resource_logs.iter().flat_map(|r| &r.scope_logs).flat_map(|s| &s.log_records) {
            let Some(decided) = decided_by(record, interactive) else { continue };
            let words = ["decision", "source", "permission_mode", "tool_name"]
                .map(|name| attributes::Attributes(&record.attributes).text(name))
                .join(" ");
            *counted.entry(format!("{words}: {decided}")).or_default() += 1;
        }
    }
    counted.iter().map(|(words, count)| format!("{count} {words}")).collect::<Vec<_>>().join("\n")
}

#[test]
fn decisions_of_an_interactive_session_are_explained() {
    insta::assert_snapshot!(decisions("09-interactive-decisions", Some(true)), @r#"
    3 accept config acceptEdits Bash: rule
    1 accept config acceptEdits Write: mode
    1 accept config default Bash: rule
    1 accept hook acceptEdits Bash: hook
    1 accept user_permanent default Bash: click_always
    1 accept user_temporary acceptEdits Bash: click_once
    2 accept user_temporary default Bash: click_once
    2 accept user_temporary default Write: click_once
    1 reject config acceptEdits Bash: rule
    1 reject hook acceptEdits Bash: hook
    2 reject user_reject default Bash: click_once
    1 reject user_reject default Write: click_once
    "#);
}

#[test]
fn decisions_of_print_mode_are_never_a_person_s() {
    insta::assert_snapshot!(decisions("09e-print-decisions-default-mode", Some(false)), @r#"
    3 accept config default Bash: rule
    1 accept hook default Bash: hook
    2 accept user_permanent default Bash: rule
    4 reject config default Bash: rule
    1 reject config default Read: rule
    1 reject config default Write: rule
    1 reject hook default Bash: hook
    1 reject user_reject default Bash: rule
    "#);
}

#[test]
fn without_knowing_the_kind_of_session_a_permanent_yes_is_unknown() {
    assert_eq!(decided_by(&decision(&[("source", "user_permanent")]), None), Some("unknown"));
    assert_eq!(decided_by(&decision(&[("source", "user_temporary")]), None), Some("click_once"));
    assert_eq!(decided_by(&decision(&[("source", "something new")]), Some(true)), Some("unknown"));
    assert_eq!(decided_by(&decision(&[]), Some(true)), Some("unknown"));
}

#[test]
fn only_a_tool_decision_was_decided_by_somebody() {
    let record = LogRecord { body: Some(string("claude_code.tool_result")), ..LogRecord::default() };
    assert_eq!(decided_by(&record, Some(true)), None);
    assert_eq!(decided_by(&LogRecord::default(), None), None);
}

#[test]
fn a_session_is_read_event_by_event() {
    let mut counted = BTreeMap::<&str, u64>::new();
    for event in captures::events("05a-traces-tool-details") {
        let kind = match event.kind {
            Kind::ApiRequest(_) => "api_request",
            Kind::ToolDecision(_) => "tool_decision",
            Kind::ToolResult(_) => "tool_result",
            Kind::UserPrompt { .. } => "user_prompt",
            Kind::AssistantResponse => "assistant_response",
            Kind::SubagentCompleted(_) => "subagent_completed",
            Kind::Point(Point { metric: Metric::Other(_), .. }) => "unknown metric",
            Kind::Point(_) => "point",
            Kind::LlmRequestSpan(_) => "llm_request span",
            Kind::Span { .. } => "span",
            Kind::Other { .. } => "other",
            _ => "rest",
        };
        *counted.entry(kind).or_default() += 1;
    }
    insta::assert_snapshot!(format!("{counted:?}"), @r#"{"api_request": 53, "assistant_response": 4, "llm_request span": 53, "other": 5, "point": 24, "span": 160, "subagent_completed": 1, "tool_decision": 53, "tool_result": 53, "user_prompt": 1}"#);
}

#[test]
fn the_first_request_of_a_session_is_read_in_full() {
    let events = captures::events("01-default");
    let event = events.iter().find(|event| matches!(event.kind, Kind::ApiRequest(_))).unwrap();
    assert_eq!(event.sequence, Some(6));
    assert_eq!(event.client_version.as_deref(), Some("2.1.330"));
    assert_eq!(event.prompt.as_deref(), Some("ecb51d71-586b-4446-8f93-773e7a52b345"));
    let Kind::ApiRequest(request) = &event.kind else { unreachable!() };
    assert_eq!((request.agent_label(), request.interactive(), request.metric_source()), ("main", Some(false), "main"));
    insta::assert_snapshot!(format!("{:?} {} {:?}", request.tokens, request.cost.nanos(), request.model), @r#"Tokens { input: 1234, output: 321, cache_read: 5678, cache_creation: 910 } 17041600 "claude-opus-5-5""#);
}

#[test]
fn agents_are_named_from_what_asked() {
    let label = |source: Option<&str>, agent: Option<&str>| {
        let request =
            ApiRequest { query_source: source.map(Into::into), agent: agent.map(Into::into), ..ApiRequest::default() };
        format!("{} {}", request.agent_label(), request.metric_source())
    };
    assert_eq!(label(Some("repl_main_thread:outputStyle:x"), None), "main main");
    assert_eq!(label(Some("agent:builtin:Explore"), None), "Explore subagent");
    assert_eq!(label(Some("agent:custom"), Some("reviewer")), "reviewer subagent");
    assert_eq!(label(Some("compact"), None), "compact auxiliary");
    assert_eq!(label(None, None), "unknown main");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Real bodies with bytes changed: whatever still decodes is read without a panic.
    #[test]
    fn broken_batches_are_read_without_a_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        which in any::<prop::sample::Index>(),
    ) {
        let batches = captures::batches("12-cumulative-1s");
        let batch = which.get(&batches);
        let mut bytes = batch.encode().get().clone();
        for (place, byte) in changes {
            *place.get_mut(&mut bytes) = byte;
        }
        for signal in Signal::ALL {
            if let Ok(batch) = Redactor::of_tests().again(signal, &bytes, &Policy::default()) {
                read(&batch);
            }
        }
    }
}
