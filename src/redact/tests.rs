//! What leaves, and what does not.

use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::*;
use crate::otlp::encode;

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
