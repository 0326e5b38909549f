//! What leaves, and what does not.

use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event as SpanEvent, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use proptest::prelude::*;

use super::*;
use crate::otlp::encode;

mod around;
mod planted;
mod planting;
mod properties;

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) }),
        ..KeyValue::default()
    }
}

fn logs(scope: &str, resource: Vec<KeyValue>, records: Vec<Vec<KeyValue>>) -> Batch {
    let log_records = records
        .into_iter()
        .map(|attributes| LogRecord {
            body: Some(AnyValue { value: Some(Value::StringValue("claude_code.api_error".to_owned())) }),
            attributes,
            ..LogRecord::default()
        })
        .collect();
    Batch::Logs(ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource { attributes: resource, ..Resource::default() }),
            scope_logs: vec![ScopeLogs {
                scope: Some(InstrumentationScope { name: scope.to_owned(), ..InstrumentationScope::default() }),
                log_records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    })
}

fn keys(batch: &Redacted<Batch>) -> Vec<String> {
    let Batch::Logs(request) = batch.get() else { panic!("logs") };
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    record.attributes.iter().map(|attribute| attribute.key.clone()).collect()
}

/// At the most careful level.
fn redact(batch: Batch) -> (Redacted<Batch>, Withheld) {
    let outcome = at(CaptureLevel::Metadata, batch);
    (outcome.batch, outcome.withheld)
}

fn at(level: CaptureLevel, batch: Batch) -> Outcome {
    Redactor::of_tests().batch(batch, &Policy::of(level))
}

fn again(signal: Signal, spooled: &[u8]) -> Result<Redacted<Batch>, DecodeError> {
    Redactor::of_tests().again(signal, spooled, &Policy::of(CaptureLevel::Metadata))
}

const EVENTS: &str = "com.anthropic.claude_code.events";

#[test]
fn what_only_begins_like_a_marker_hides_nothing_and_ends_the_search() {
    let redactor = Redactor::of_tests();
    for text in
        ["password=[REDACTED:Kx8vq2Lm9Zt4", "api_key: \"[REDACTED:Kx8vq2Lm9Zt4uR7w\"", "token=[REDACTED:[REDACTED:x"]
    {
        let (masked, _) = redactor.text(text);
        assert!(!masked.contains("Kx8vq2Lm9Zt4"), "{masked}");
        assert_eq!(redactor.text(&masked).0, masked);
    }
}

#[test]
fn the_identity_of_a_person_with_an_account_passes() {
    let identity = vec![
        text("user.email", "dev@example.com"),
        text("user.account_uuid", "57f101bd-7ec1-429a-80dc-2b2b68d0038a"),
        text("user.account_id", "user_01FakeFakeFakeFake"),
        text("organization.id", "11111111-2222-4333-8444-555555555555"),
    ];
    let (batch, withheld) = redact(logs(EVENTS, vec![], vec![identity]));
    assert_eq!(keys(&batch), ["user.email", "user.account_uuid", "user.account_id", "organization.id"]);
    assert_eq!(withheld, Withheld::default());
}

#[test]
fn an_attribute_that_nobody_opened_is_closed() {
    let (batch, withheld) =
        redact(logs(EVENTS, vec![], vec![vec![text("model", "claude-opus-5-5"), text("novel", "1")]]));
    assert_eq!(keys(&batch), ["model"]);
    assert_eq!(withheld.attributes, 1);
}

#[test]
fn a_secret_under_the_name_of_an_id_is_withheld() {
    let secret = format!("ghp_{}", "FAKE0000aB1cD2eF3gH4iJ5kL6mN7oP8qR");
    for key in ["request_id", "model", "query_source", "session.id", "user.id", "agent.name", "effort"] {
        let (batch, withheld) = redact(logs(EVENTS, vec![], vec![vec![text(key, &secret)]]));
        assert!(keys(&batch).is_empty(), "{key}");
        assert_eq!(withheld.attributes, 1, "{key}");
    }
}

#[test]
fn a_configured_resource_attribute_passes_neither_on_the_resource_nor_as_its_copy_on_a_record() {
    let configured = vec![text("service.name", "claude-code"), text("agent.name", "FAKEhunter2")];
    let (batch, withheld) = redact(logs(EVENTS, configured, vec![vec![text("agent.name", "FAKEhunter2")]]));
    assert!(keys(&batch).is_empty());
    assert!(!String::from_utf8_lossy(&encode(batch.get())).contains("FAKE"));
    assert_eq!(withheld.attributes, 2);
}

#[test]
fn a_key_that_a_resource_holds_twice_passes_with_no_value() {
    let resource = vec![text("agent.name", "Explore"), text("agent.name", "main")];
    for value in ["Explore", "main"] {
        let (batch, withheld) = redact(logs(EVENTS, resource.clone(), vec![vec![text("agent.name", value)]]));
        assert!(keys(&batch).is_empty());
        assert_eq!(withheld.attributes, 3);
    }
    let (batch, _) = redact(logs(EVENTS, vec![text("agent.name", "Explore")], vec![vec![text("agent.name", "main")]]));
    assert_eq!(keys(&batch), ["agent.name"]);
}

#[test]
fn a_resource_with_too_many_attributes_closes_all_of_them_and_its_records() {
    let resource = |count: usize| {
        let mut attributes = vec![text("service.name", "claude-code")];
        attributes.extend((1..count).map(|index| text(&format!("key{index}"), "x")));
        attributes
    };
    let record = || vec![vec![text("model", "claude-opus-5-5")]];
    let (batch, withheld) = redact(logs(EVENTS, resource(walk::MAX_RESOURCE_ATTRIBUTES), record()));
    assert_eq!(keys(&batch), ["model"]);
    assert_eq!(withheld.attributes, walk::MAX_RESOURCE_ATTRIBUTES as u64 - 1);

    let (batch, withheld) = redact(logs(EVENTS, resource(walk::MAX_RESOURCE_ATTRIBUTES + 1), record()));
    assert!(keys(&batch).is_empty());
    assert!(!String::from_utf8_lossy(&encode(batch.get())).contains("claude-code"));
    assert_eq!(withheld.attributes, walk::MAX_RESOURCE_ATTRIBUTES as u64 + 2);
}

#[test]
fn records_of_other_scopes_are_dropped_and_counted() {
    for scope in ["", "evil", "com.anthropic.claude_codex", "cc_observe"] {
        let (batch, withheld) = redact(logs(scope, vec![], vec![vec![], vec![]]));
        assert_eq!(batch.get().records(), 0, "{scope}");
        assert_eq!(withheld.records, 2, "{scope}");
    }
}

#[test]
fn metrics_that_are_dropped_are_counted_by_their_data_points() {
    let sum = Sum { data_points: vec![NumberDataPoint::default(); 3], ..Sum::default() };
    let metric = |name: &str| Metric { name: name.to_owned(), data: Some(Data::Sum(sum.clone())), ..Metric::default() };
    for (scope, dropped) in [(EVENTS, 3), ("evil", 6)] {
        let scope = InstrumentationScope { name: scope.to_owned(), ..InstrumentationScope::default() };
        let metrics = vec![metric("no] name"), metric("claude_code.commit.count")];
        let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }];
        let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
        let batch = Batch::Metrics(ExportMetricsServiceRequest { resource_metrics });
        let outcome = at(CaptureLevel::Metadata, batch);
        assert_eq!((outcome.withheld.records, outcome.batch.get().records()), (dropped, 6 - dropped));
    }
}

#[test]
fn what_this_program_adds_survives_its_own_spool_and_cannot_be_forged_from_outside() {
    let enrichment = Enrichment::new([
        ("cc_observe.run_id", "57f101bd-7ec1-429a-80dc-2b2b68d0038a".to_owned()),
        ("vcs.ref.head.name", "fix/login".to_owned()),
        ("vcs.ref.base.name", "not in the table".to_owned()),
    ]);
    assert_eq!(enrichment.withheld().attributes, 1);
    let (mut batch, _) = redact(logs(EVENTS, vec![], vec![vec![text("model", "claude-opus-5-5")]]));
    batch.enrich(&enrichment);
    batch.add_decided_by(|_| Some("rule"));
    let spooled = encode(batch.get());
    let read = again(Signal::Logs, &spooled).unwrap();
    assert_eq!(read, batch);

    let (forged, withheld) = redact(batch.get().clone());
    assert_eq!(keys(&forged), ["model"]);
    assert_eq!(withheld.attributes, 3);
}

#[test]
fn the_run_is_the_instance_of_metrics_and_no_other_name_passes_for_it() {
    let run = "57f101bd-7ec1-429a-80dc-2b2b68d0038a";
    let batch = |resource: Vec<KeyValue>| {
        let scope = InstrumentationScope { name: "com.anthropic.claude_code".to_owned(), ..Default::default() };
        let scope_metrics = vec![ScopeMetrics { scope: Some(scope), ..ScopeMetrics::default() }];
        let resource = Some(Resource { attributes: resource, ..Resource::default() });
        let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
        Batch::Metrics(ExportMetricsServiceRequest { resource_metrics })
    };
    let instances = |batch: &Redacted<Batch>| -> Vec<KeyValue> {
        let Batch::Metrics(request) = batch.get() else { panic!("metrics") };
        let attributes = request.resource_metrics[0].resource.clone().unwrap().attributes;
        attributes.into_iter().filter(|attribute| attribute.key == "service.instance.id").collect()
    };
    let other = text("service.instance.id", "11111111-2222-4333-8444-555555555555");
    let mut named = at(CaptureLevel::Commands, batch(vec![other.clone()])).batch;
    named.name_instance();
    assert_eq!(instances(&named), [other], "without a run");
    named.enrich(&Enrichment::new([("cc_observe.run_id", run.to_owned())]));
    let spooled = encode(named.get());
    assert_eq!(instances(&again(Signal::Metrics, &spooled).unwrap()), [], "somebody configured it");
    named.name_instance();
    let spooled = encode(named.get());
    assert_eq!(instances(&again(Signal::Metrics, &spooled).unwrap()), [text("service.instance.id", run)]);
}

#[test]
fn a_branch_named_after_a_token_is_not_told() {
    let branch = format!("feature/ghp_{}", "FAKE0000aB1cD2eF3gH4iJ5kL6mN7oP8qR");
    let enrichment = Enrichment::new([("vcs.ref.head.name", branch)]);
    assert_eq!(enrichment.get("vcs.ref.head.name"), None);
}

#[test]
fn an_own_record_survives_its_spool_whole() {
    let values = [("logs_received", OwnValue::Count(3)), ("exit_code", OwnValue::Count(0))];
    let record = Redacted::own_record("run_ended", Timestamp::UNIX_EPOCH, &values, &Enrichment::default());
    assert!(values.iter().all(|(key, _)| own::allowed("run_ended", key)));
    assert_eq!(again(Signal::Logs, &encode(record.get())).unwrap(), record);
}

#[test]
fn a_body_that_is_not_the_name_of_an_event_is_dropped() {
    let Batch::Logs(mut request) = logs(EVENTS, vec![], vec![vec![]]) else { panic!("logs") };
    request.resource_logs[0].scope_logs[0].log_records[0].body =
        Some(AnyValue { value: Some(Value::StringValue("curl -u admin:FAKEhunter2".to_owned())) });
    let (batch, withheld) = redact(Batch::Logs(request));
    assert!(!String::from_utf8_lossy(&encode(batch.get())).contains("FAKE"));
    assert_eq!(withheld.attributes, 1);
}

/// A record of this event in the place of `api_error`.
fn event(name: &str, attributes: Vec<KeyValue>) -> Batch {
    let Batch::Logs(mut request) = logs(EVENTS, vec![], vec![attributes]) else { panic!("logs") };
    let body = Value::StringValue(format!("claude_code.{name}"));
    request.resource_logs[0].scope_logs[0].log_records[0].body = Some(AnyValue { value: Some(body) });
    Batch::Logs(request)
}

fn value_of(batch: &Redacted<Batch>, key: &str) -> Option<Value> {
    let Batch::Logs(request) = batch.get() else { panic!("logs") };
    let record = &request.resource_logs[0].scope_logs[0].log_records[0];
    record.attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value
}

fn text_of(batch: &Redacted<Batch>, key: &str) -> Option<String> {
    match value_of(batch, key)? {
        Value::StringValue(text) => Some(text),
        other => panic!("{other:?}"),
    }
}

const LEVELS: [CaptureLevel; 3] = [CaptureLevel::Metadata, CaptureLevel::Commands, CaptureLevel::Content];

/// The levels, of all, at which an attribute of an event is given.
fn given_at(name: &str, attribute: &KeyValue) -> Vec<CaptureLevel> {
    let is_given = |level: &CaptureLevel| {
        let outcome = at(*level, event(name, vec![attribute.clone()]));
        let given = keys(&outcome.batch) == [attribute.key.clone()];
        assert_eq!(outcome.withheld.attributes, u64::from(!given), "{name} {attribute:?}");
        given
    };
    LEVELS.into_iter().filter(is_given).collect()
}

#[test]
fn each_level_gives_what_the_one_before_gives_and_more() {
    for (name, attribute, from) in [
        ("tool_result", text("duration_ms", "19"), CaptureLevel::Metadata),
        ("tool_result", text("tool_input", "{\"command\":\"ls\"}"), CaptureLevel::Commands),
        ("tool_result", text("error", "no such file"), CaptureLevel::Commands),
        ("tool_result", text("vcs.ref.head.name", "fix/login"), CaptureLevel::Commands),
        ("tool_decision", text("tool_parameters", "[]"), CaptureLevel::Commands),
        ("api_error", text("error", "slow down"), CaptureLevel::Commands),
        ("hook_registered", text("hook_matcher", "Bash"), CaptureLevel::Commands),
        ("user_prompt", text("prompt", "hello"), CaptureLevel::Content),
        ("assistant_response", text("response", "hello"), CaptureLevel::Content),
        ("api_request_body", text("body", "{}"), CaptureLevel::Content),
        ("system_prompt", text("system_prompt", "Be brief."), CaptureLevel::Content),
        // What nobody has placed, of events that are known and of one that is not.
        ("tool_result", text("novel", "1"), CaptureLevel::Content),
        ("novel", text("tool_input", "{}"), CaptureLevel::Content),
    ] {
        let want: Vec<_> = LEVELS.into_iter().filter(|level| *level >= from).collect();
        assert_eq!(given_at(name, &attribute), want, "{name} {attribute:?}");
    }
}

#[test]
fn what_has_not_its_form_is_text() {
    let path = text("skill.name", "~/skills/deploy?x=1");
    assert_eq!(given_at("skill_activated", &path), [CaptureLevel::Commands, CaptureLevel::Content]);
    let masked = text("model", "[REDACTED:github-token:0123abcd]");
    assert_eq!(given_at("api_error", &masked), LEVELS, "a marker is not harmed");
}

#[test]
fn what_was_kept_back_is_named_for_each_level() {
    let attributes = vec![
        text("prompt", "hello"),
        text("command_name", "cost"),
        text("novel", "x"),
        text(&format!("ghp_{}", "FAKE0000aB1cD2eF3gH4iJ5kL6mN7oP8qR"), "x"),
    ];
    let mut withheld = at(CaptureLevel::Metadata, event("user_prompt", attributes)).withheld;
    withheld.add(at(CaptureLevel::Content, event("tool_result", vec![text("tool_input", "{}")])).withheld);
    assert_eq!(withheld.attributes, 3);
    assert_eq!(
        withheld.names(CaptureLevel::Metadata),
        ["tool_result.tool_input", "user_prompt.novel", "user_prompt.prompt"]
    );
    assert_eq!(withheld.names(CaptureLevel::Commands), ["user_prompt.novel", "user_prompt.prompt"]);
    assert_eq!(withheld.names(CaptureLevel::Content), [""; 0]);
    assert_eq!(withheld.unnamed(CaptureLevel::Commands), 1, "a name that could be anything is not told");
}

#[test]
fn the_names_that_come_with_a_command_are_told_at_every_level() {
    let bash = r#"{"bash_command":"TOKEN=x","full_command":"TOKEN=x /usr/bin/curl -s h","description":"d"}"#;
    let mcp = r#"{"mcp_server_name":"widget-db","mcp_tool_name":"lookup"}"#;
    let broken = format!(r#"{{"skill_name":"ghp_{}"}}"#, "FAKE0000aB1cD2eF3gH4iJ5kL6mN7oP8qR");
    for level in LEVELS {
        let label = |json: &str, key: &str| {
            text_of(&at(level, event("tool_decision", vec![text("tool_parameters", json)])).batch, key)
        };
        assert_eq!(label(bash, "cc_observe.program").as_deref(), Some("curl"));
        assert_eq!(label(mcp, "cc_observe.mcp_server").as_deref(), Some("widget-db"));
        assert_eq!(label(mcp, "cc_observe.mcp_tool").as_deref(), Some("lookup"));
        assert_eq!(label(&broken, "cc_observe.skill"), None);
        assert_eq!(label(bash, "tool_parameters").is_some(), level >= CaptureLevel::Commands);
    }
    // They survive our own spool, where the command they came from does not.
    let outcome = at(CaptureLevel::Commands, event("tool_result", vec![text("tool_parameters", bash)]));
    let sent = again(Signal::Logs, &encode(outcome.batch.get())).unwrap();
    assert_eq!(keys(&sent), ["cc_observe.program"]);
}

#[test]
fn what_somebody_configured_is_text_of_the_level_commands() {
    let configured = || vec![text("team", "platform"), text("agent.name", "Explore"), text("agent.name", "main")];
    for level in LEVELS {
        let record = vec![text("team", "platform"), text("agent.name", "main"), text("model", "claude-opus-5-5")];
        let outcome = at(level, logs(EVENTS, configured(), vec![record]));
        let Batch::Logs(request) = outcome.batch.get() else { panic!("logs") };
        let resource = request.resource_logs[0].resource.as_ref().unwrap();
        let on_resource: Vec<&str> = resource.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        let own: &[&str] = if level == CaptureLevel::Metadata { &[] } else { &["team"] };
        assert_eq!(on_resource, own, "what is there twice is given at no level");
        assert_eq!(keys(&outcome.batch), [own, &["model"]].concat());
    }
}

#[test]
fn values_of_every_type_are_given_or_counted() {
    let nested = |depth| {
        (0..depth).fold(Value::IntValue(1), |inner, _| {
            Value::ArrayValue(ArrayValue { values: vec![AnyValue { value: Some(inner) }] })
        })
    };
    let map = Value::KvlistValue(KeyValueList { values: vec![text("k", "v")] });
    for (value, unreadable) in [
        (Value::BytesValue(b"text".to_vec()), 0),
        (Value::BytesValue(vec![0xff]), 1),
        (Value::DoubleValue(f64::NAN), 0),
        (map, 0),
        (nested(walk::MAX_DEPTH), 0),
        (nested(walk::MAX_DEPTH + 2), 1),
        (Value::StringValue("x".repeat(walk::MAX_TEXT_BYTES)), 0),
        (Value::StringValue("x".repeat(walk::MAX_TEXT_BYTES + 1)), 1),
    ] {
        let attribute = KeyValue { value: Some(AnyValue { value: Some(value.clone()) }), ..text("novel", "") };
        let outcome = at(CaptureLevel::Content, event("tool_result", vec![attribute, text("error", "x")]));
        assert_eq!(outcome.withheld.unreadable, unreadable);
        assert_eq!(text_of(&outcome.batch, "error").as_deref(), Some("x"), "the record goes on");
        if unreadable == 0 && !matches!(value, Value::DoubleValue(_)) {
            assert_eq!(value_of(&outcome.batch, "novel"), Some(value));
        }
    }
}

#[test]
fn text_outside_of_attributes_has_its_level_too() {
    let Batch::Logs(mut request) = logs(EVENTS, vec![], vec![vec![]]) else { panic!("logs") };
    let record = &mut request.resource_logs[0].scope_logs[0].log_records[0];
    record.body = Some(AnyValue { value: Some(Value::StringValue("what was said".to_owned())) });
    record.severity_text = "rather bad".to_owned();
    let span = Span {
        name: "claude_code.llm_request".to_owned(),
        trace_state: "congo=t61rcWkgMzE".to_owned(),
        status: Some(Status { code: 2, message: "slow down".to_owned() }),
        links: vec![Link { attributes: vec![text("novel", "x")], ..Link::default() }],
        events: vec![SpanEvent {
            name: "tool.output".to_owned(),
            attributes: vec![text("bash_command", "ls"), text("output", "a b")],
            ..SpanEvent::default()
        }],
        ..Span::default()
    };
    let scope = InstrumentationScope { name: EVENTS.to_owned(), ..InstrumentationScope::default() };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    let traces = Batch::Traces(ExportTraceServiceRequest { resource_spans });
    for level in LEVELS {
        let (commands, content) = (level >= CaptureLevel::Commands, level >= CaptureLevel::Content);
        let given = |batch: &Batch| {
            let bytes = encode(at(level, batch.clone()).batch.get());
            move |text: &str| String::from_utf8_lossy(&bytes).contains(text)
        };
        let of_logs = given(&Batch::Logs(request.clone()));
        assert_eq!((of_logs("what was said"), of_logs("rather bad")), (content, commands), "{level:?}");
        let of_traces = given(&traces);
        for text in ["congo=t61rcWkgMzE", "slow down", "bash_command"] {
            assert_eq!(of_traces(text), commands, "{level:?} {text}");
        }
        for text in ["novel", "a b"] {
            assert_eq!(of_traces(text), content, "{level:?} {text}");
        }
    }
}

#[test]
fn exemplars_stay_with_their_ids_and_without_what_the_level_does_not_give() {
    let exemplar = Exemplar {
        filtered_attributes: vec![text("model", "claude-opus-5-5"), text("novel", "x")],
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        ..Exemplar::default()
    };
    let point = NumberDataPoint { exemplars: vec![exemplar], ..NumberDataPoint::default() };
    let sum = Sum { data_points: vec![point], ..Sum::default() };
    let metric = |name: &str| Metric { name: name.to_owned(), data: Some(Data::Sum(sum.clone())), ..Metric::default() };
    let scope = InstrumentationScope { name: EVENTS.to_owned(), ..InstrumentationScope::default() };
    let metrics = vec![metric("claude_code.token.usage"), metric("claude_code.commit.count")];
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    let batch = Batch::Metrics(ExportMetricsServiceRequest { resource_metrics });
    let mut policy = Policy::of(CaptureLevel::Metadata);
    policy.drop.metrics.insert("commit.count".to_owned());
    let outcome = Redactor::of_tests().batch(batch, &policy);
    assert_eq!((outcome.withheld.attributes, outcome.withheld.configured), (1, 1));
    let Batch::Metrics(request) = outcome.batch.get() else { panic!("metrics") };
    let [metric] = &request.resource_metrics[0].scope_metrics[0].metrics[..] else { panic!("one is dropped by name") };
    let Some(Data::Sum(sum)) = &metric.data else { panic!("a sum") };
    let exemplar = &sum.data_points[0].exemplars[0];
    assert_eq!((&exemplar.trace_id, &exemplar.span_id), (&vec![1; 16], &vec![2; 8]));
    assert_eq!(exemplar.filtered_attributes, [text("model", "claude-opus-5-5")]);
}

#[test]
fn long_values_are_cut_wherever_they_stand() {
    let long = || "x".repeat(2000);
    let nested = |value| KeyValue { value: Some(AnyValue { value: Some(value) }), ..text("novel", "") };
    let string = || AnyValue { value: Some(Value::StringValue(long())) };
    let record = vec![
        text("error", &long()),
        nested(Value::BytesValue(long().into_bytes())),
        KeyValue {
            key: "other".to_owned(),
            ..nested(Value::ArrayValue(ArrayValue {
                values: vec![AnyValue {
                    value: Some(Value::KvlistValue(KeyValueList { values: vec![text("k", &long())] })),
                }],
            }))
        },
    ];
    let Batch::Logs(mut request) = event("tool_result", record) else { panic!("logs") };
    let logs = &mut request.resource_logs[0];
    logs.resource = Some(Resource { attributes: vec![text("team", &long())], ..Resource::default() });
    let mut spoken = logs.scope_logs[0].log_records[0].clone();
    (spoken.body, spoken.attributes) = (Some(string()), vec![]);
    logs.scope_logs[0].log_records.push(spoken);
    let point = NumberDataPoint { attributes: vec![text("novel", &long())], ..NumberDataPoint::default() };
    let data = Some(Data::Sum(Sum { data_points: vec![point], ..Sum::default() }));
    let metrics = vec![Metric { name: "claude_code.commit.count".to_owned(), data, ..Metric::default() }];
    let scope = || Some(InstrumentationScope { name: EVENTS.to_owned(), ..InstrumentationScope::default() });
    let scope_metrics = vec![ScopeMetrics { scope: scope(), metrics, ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    let span = Span {
        attributes: vec![text("novel", &long())],
        status: Some(Status { code: 2, message: long() }),
        links: vec![Link { attributes: vec![text("novel", &long())], ..Link::default() }],
        events: vec![SpanEvent { attributes: vec![text("novel", &long())], ..SpanEvent::default() }],
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { scope: scope(), spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    for (batch, values) in [
        (Batch::Logs(request), 5),
        (Batch::Metrics(ExportMetricsServiceRequest { resource_metrics }), 1),
        (Batch::Traces(ExportTraceServiceRequest { resource_spans }), 4),
    ] {
        let mut redacted = at(CaptureLevel::Content, batch).batch;
        redacted.shorten(300);
        let told = String::from_utf8_lossy(&encode(redacted.get())).into_owned();
        assert_eq!(told.matches("…[cut by cc-observe, 2000 bytes]").count(), values, "{told}");
        assert!(!told.contains(&"x".repeat(300)));
    }
}

#[test]
fn a_person_is_hashed_once_and_passes_so_at_every_level() {
    let identity =
        Identity { email: Treatment::Hash, account: Treatment::Drop, user: Treatment::Hash, ..Identity::default() };
    let policy = Policy { identity, ..Policy::of(CaptureLevel::Commands) };
    let record = vec![
        text("user.email", "dev@example.com"),
        text("user.id", "550c2c56861557021be059354d6b5b341d6f306a7180652bd39818cd7a0b9503"),
        text("organization.id", "11111111-2222-4333-8444-555555555555"),
        text("error", "no /home/alice/x"),
    ];
    let redactor = Redactor::of_tests();
    let outcome = redactor.batch(event("tool_result", record), &policy);
    assert_eq!(keys(&outcome.batch), ["user.email", "organization.id", "error"]);
    assert_eq!(outcome.withheld.configured, 1);
    let email = text_of(&outcome.batch, "user.email").unwrap();
    assert!(marker::is_pseudonym(&email), "{email}");
    assert!(text_of(&outcome.batch, "error").unwrap().starts_with("no /home/h:"));
    let bytes = encode(outcome.batch.get());
    assert_eq!(redactor.again(Signal::Logs, &bytes, &policy).unwrap(), outcome.batch);
    let at_metadata = redactor.again(Signal::Logs, &bytes, &policy.at(CaptureLevel::Metadata)).unwrap();
    assert_eq!(text_of(&at_metadata, "user.email"), Some(email));
}

#[test]
fn dropped_and_placed_names_are_not_given() {
    let mut policy = Policy::of(CaptureLevel::Content);
    policy.drop.attributes.extend([
        "model".to_owned(),
        "tool_result.error".to_owned(),
        "cc_observe.program".to_owned(),
    ]);
    policy.levels = Levels::default().with([("novel".to_owned(), Placement::Drop)].into(), Trust::Person);
    let record = || vec![text("model", "m"), text("error", "x"), text("novel", "x"), text("tool_name", "Bash")];
    let redactor = Redactor::of_tests();
    let result = redactor.batch(event("tool_result", record()), &policy);
    assert_eq!((keys(&result.batch), result.withheld.configured), (vec!["tool_name".to_owned()], 3));
    let error = redactor.batch(event("api_error", record()), &policy);
    assert_eq!(keys(&error.batch), ["error", "tool_name"]);
    let parameters = text("tool_parameters", r#"{"full_command":"ls"}"#);
    assert_eq!(keys(&redactor.batch(event("tool_result", vec![parameters]), &policy).batch), ["tool_parameters"]);
}

#[test]
fn a_key_that_is_there_twice_is_given_once_among_few_and_among_many() {
    for count in [2, 1000] {
        let mut record: Vec<KeyValue> = (0..count).map(|index| text(&format!("key{index}"), "x")).collect();
        record.push(text("key0", "y"));
        let outcome = at(CaptureLevel::Content, event("novel", record));
        assert_eq!(keys(&outcome.batch).len(), count);
        assert_eq!((text_of(&outcome.batch, "key0").as_deref(), outcome.withheld.attributes), (Some("x"), 1));
    }
}

proptest! {
    #[test]
    fn a_broken_batch_is_redacted_without_a_panic_and_the_same_a_second_time(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        which in any::<prop::sample::Index>(),
        level in prop::sample::select(&LEVELS[..]),
    ) {
        static BODIES: std::sync::LazyLock<Vec<(Signal, Vec<u8>)>> = std::sync::LazyLock::new(|| {
            ["05b-traces-tool-content-only", "12-cumulative-1s"].iter().flat_map(|name| crate::event::captures::bodies(name)).collect()
        });
        let (signal, mut bytes) = which.get(&BODIES).clone();
        for (place, byte) in changes {
            *place.get_mut(&mut bytes) = byte;
        }
        let Ok(batch) = decode_protobuf(signal, &bytes) else { return Ok(()) };
        let identity = Identity { user: Treatment::Hash, account: Treatment::Hash, ..Identity::default() };
        let policy = Policy { identity, ..Policy::of(level) };
        let redactor = Redactor::of_tests();
        let mut once = redactor.batch(batch, &policy).batch;
        let again = redactor.again(signal, &encode(once.get()), &policy).unwrap();
        prop_assert!(encode(again.get()) == encode(once.get()));
        once.shorten(MIN_ATTRIBUTE_BYTES);
    }
}

#[test]
fn a_finding_tells_where_it_stood_and_to_what_it_belongs() {
    let prompt = "57f101bd-7ec1-429a-80dc-2b2b68d0038a";
    let secret = format!("curl -H 'Authorization: Bearer ghp_{}'", "FAKE0000aB1cD2eF3gH4iJ5kL6mN7oP8qR");
    let record = vec![text("error", &secret), text("prompt.id", prompt), text("tool_use_id", "toolu_0166ecc6")];
    let outcome = at(CaptureLevel::Commands, event("tool_result", record));
    assert!(!text_of(&outcome.batch, "error").unwrap().contains("FAKE"));
    let [found] = &outcome.findings[..] else { panic!("{:?}", outcome.findings) };
    assert_eq!((&*found.event, &*found.attribute), ("tool_result", "error"));
    assert_eq!((found.prompt_id.as_deref(), found.tool_use_id.as_deref()), (Some(prompt), Some("toolu_0166ecc6")));
    assert_eq!(found.session_id, None);

    let configured = || vec![text("deployment.token", &secret)];
    let outcome = at(CaptureLevel::Commands, logs(EVENTS, configured(), vec![configured(), configured()]));
    let [found] = &outcome.findings[..] else { panic!("its copies are none: {:?}", outcome.findings) };
    assert_eq!((&*found.event, &*found.attribute), ("resource", "deployment.token"));

    let novel = text(&format!("ghp_{}", "FAKE1111aB1cD2eF3gH4iJ5kL6mN7oP8qR"), &secret);
    let outcome = at(CaptureLevel::Content, event("novel", vec![novel]));
    assert!(!format!("{:?}", outcome.findings).contains("FAKE"), "a key may be a secret too");
    assert!(!String::from_utf8_lossy(&encode(outcome.batch.get())).contains("FAKE"));
}

/// The captures that are kept.
fn captures() -> Vec<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/captures");
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let kept = entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap());
    kept.collect()
}

/// What must be the same at every level: ids, times, names and values, of each record.
fn skeleton(batch: &Batch) -> Vec<String> {
    let mut bones = Vec::new();
    let ids = |attributes: &[KeyValue]| {
        let is_id = |key: &str| ["_id", ".id", "uuid"].iter().any(|end| key.ends_with(end));
        let ids = attributes.iter().filter(|attribute| is_id(&attribute.key));
        format!("{:?}", ids.map(|id| (&id.key, &id.value)).collect::<Vec<_>>())
    };
    match batch {
        Batch::Logs(request) => {
            for record in request.resource_logs.iter().flat_map(|r| &r.scope_logs).flat_map(|s| &s.log_records) {
                let [body, ids] = [format!("{:?}", record.body), ids(&record.attributes)];
                bones
                    .push(format!("{} {body} {:?} {:?} {ids}", record.time_unix_nano, record.trace_id, record.span_id));
            }
        }
        Batch::Metrics(request) => {
            for metric in request.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics) {
                let Some(Data::Sum(sum)) = &metric.data else { panic!("all are sums") };
                bones.push(format!("{} {} {}", metric.name, metric.unit, metric.description));
                bones.extend(
                    sum.data_points
                        .iter()
                        .map(|point| format!("{} {:?} {}", point.time_unix_nano, point.value, ids(&point.attributes))),
                );
            }
        }
        Batch::Traces(request) => {
            for span in request.resource_spans.iter().flat_map(|r| &r.scope_spans).flat_map(|s| &s.spans) {
                let own = (&span.name, &span.trace_id, &span.span_id, &span.parent_span_id, ids(&span.attributes));
                bones.push(format!("{own:?} {} {}", span.start_time_unix_nano, span.end_time_unix_nano));
                bones.extend(span.events.iter().map(|event| format!("{} {}", event.name, event.time_unix_nano)));
            }
        }
    }
    bones
}

#[test]
fn every_capture_keeps_its_records_and_ids_at_each_level() {
    let redactor = Redactor::of_tests();
    for name in captures() {
        for (signal, body) in crate::event::captures::bodies(&name) {
            let plain = decode_protobuf(signal, &body).unwrap();
            for level in LEVELS {
                let policy = Policy::of(level);
                let outcome = redactor.batch(plain.clone(), &policy);
                let (after, before) = (skeleton(outcome.batch.get()), skeleton(&plain));
                assert_eq!(after.len(), before.len(), "{name} {level:?}");
                for (after, before) in after.iter().zip(&before) {
                    assert_eq!(after, before, "{name} {level:?}");
                }
                assert_eq!((outcome.withheld.records, outcome.withheld.unreadable), (0, 0), "{name}");
                let spooled = encode(outcome.batch.get());
                let sent = redactor.again(signal, &spooled, &policy).unwrap();
                assert!(sent == outcome.batch, "{name}: once is enough");
                for lower in LEVELS.into_iter().filter(|lower| *lower < level) {
                    let at_once = redactor.batch(plain.clone(), &Policy::of(lower)).batch;
                    let from_spool = redactor.again(signal, &spooled, &Policy::of(lower)).unwrap();
                    assert!(from_spool == at_once, "{name}: {lower:?} by way of {level:?}");
                }
            }
        }
    }
}

#[test]
fn no_capture_has_an_attribute_that_nobody_has_placed() {
    let mut withheld = Withheld::default();
    for name in captures() {
        for (signal, body) in crate::event::captures::bodies(&name) {
            withheld.add(at(CaptureLevel::Commands, decode_protobuf(signal, &body).unwrap()).withheld);
        }
    }
    assert_eq!(withheld.unnamed(CaptureLevel::Commands), 0);
    let names = withheld.names(CaptureLevel::Commands);
    assert!(names.contains(&"user_prompt.prompt".to_owned()), "{names:?}");
    let unplaced: Vec<_> = names.iter().filter(|name| !levels::is_content(name)).collect();
    assert_eq!(unplaced, [""; 0], "see CONTRIBUTING.md, \"Opening an attribute\"");
}
