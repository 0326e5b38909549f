//! One record of our own for each secret that was masked, so that somebody can be alerted.

use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::own::attribute;
use super::shape::Shape;
use super::{Enrichment, FoundIn, OwnValue, Redacted};
use crate::otlp::Batch;

/// The most findings of one batch that get a record each. The others are counted in one record more.
pub const MAX_TOLD: usize = 256;

impl Redacted<Batch> {
    /// `cc_observe.finding` for each of the findings of one batch, and `cc_observe.findings_left_out` if there are more
    /// than [`MAX_TOLD`]. None where nothing was found.
    pub fn findings(found: &[FoundIn], at: Timestamp, enrichment: &Enrichment) -> Option<Self> {
        let (told, left_out) = found.split_at(found.len().min(MAX_TOLD));
        if told.is_empty() {
            return None;
        }
        let mut batch = Self::own_record("finding", at, &[], enrichment);
        let records = batch.records_mut()?;
        let frame = records.pop()?;
        records.extend(told.iter().map(|found| {
            let mut record = frame.clone();
            record.attributes.extend(values(found));
            record
        }));
        if !left_out.is_empty() {
            let count = [("count", OwnValue::Count(left_out.len() as u64))];
            let mut more = Self::own_record("findings_left_out", at, &count, enrichment);
            records.append(more.records_mut()?);
        }
        Some(batch)
    }

    /// The records of a batch of our own.
    fn records_mut(&mut self) -> Option<&mut Vec<LogRecord>> {
        let Batch::Logs(request) = &mut self.0 else { return None };
        Some(&mut request.resource_logs.first_mut()?.scope_logs.first_mut()?.log_records)
    }
}

/// The attributes of one finding.
fn values(found: &FoundIn) -> impl Iterator<Item = KeyValue> {
    let tag = found.tag.map(|tag| tag.to_string());
    [
        ("rule", Some(named(found.rule.as_str()))),
        ("tag", tag.as_deref()),
        ("signal", Some(found.signal.as_str())),
        ("event", Some(named(&found.event))),
        ("attribute", Some(named(&found.attribute))),
        ("prompt.id", found.prompt_id.as_deref().filter(|id| Shape::Uuid.matches(id))),
        ("tool_use_id", found.tool_use_id.as_deref().filter(|id| super::levels::table::TOOL_USE.matches(id))),
        ("session.id", found.session_id.as_deref().filter(|id| Shape::Uuid.matches(id))),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some(attribute(key, Value::StringValue(value?.to_owned()))))
    .collect::<Vec<_>>()
    .into_iter()
}

/// A name, if it can be one: keys of attributes come from outside.
fn named(name: &str) -> &str {
    if Shape::Word.matches(name) { name } else { "other" }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::otlp::{Signal, encode};
    use crate::redact::{CaptureLevel, Policy, Redactor, RuleId, TagKey, own};

    fn found(attribute: &'static str) -> FoundIn {
        FoundIn {
            rule: RuleId::of("curl-user"),
            tag: Some(TagKey::new(b"a key for tests").tag("FAKE")),
            signal: Signal::Logs,
            event: Cow::Borrowed("tool_result"),
            attribute: Cow::Borrowed(attribute),
            prompt_id: Some("57f101bd-7ec1-429a-80dc-2b2b68d0038a".to_owned()),
            tool_use_id: Some("toolu_01FakeFakeFakeFake".to_owned()),
            session_id: Some("11111111-2222-4333-8444-555555555555".to_owned()),
        }
    }

    fn records(found: &[FoundIn]) -> Vec<LogRecord> {
        let batch = Redacted::findings(found, Timestamp::UNIX_EPOCH, &Enrichment::default()).unwrap();
        let read = Redactor::of_tests()
            .again(Signal::Logs, &encode(batch.get()), &Policy::of(CaptureLevel::Metadata))
            .unwrap();
        assert_eq!(read, batch, "a record of our own survives its spool whole");
        let Batch::Logs(mut request) = batch.get().clone() else { panic!("logs") };
        request.resource_logs.remove(0).scope_logs.remove(0).log_records
    }

    fn shown(record: &LogRecord) -> String {
        let pairs = record.attributes.iter().map(|attribute| {
            let value = match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
                Some(Value::StringValue(text)) => text.clone(),
                Some(Value::IntValue(number)) => number.to_string(),
                other => panic!("{other:?}"),
            };
            assert!(own::allowed("finding", &attribute.key) || own::allowed("findings_left_out", &attribute.key));
            format!("{}={value}", attribute.key)
        });
        pairs.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_finding_is_a_record_that_says_where_and_not_what() {
        let [record] = records(&[found("tool_input")]).try_into().unwrap();
        insta::assert_snapshot!(shown(&record), @"event.name=finding event.timestamp=1970-01-01T00:00:00.000Z rule=curl-user tag=071dfec1 signal=logs event=tool_result attribute=tool_input prompt.id=57f101bd-7ec1-429a-80dc-2b2b68d0038a tool_use_id=toolu_01FakeFakeFakeFake session.id=11111111-2222-4333-8444-555555555555");
    }

    #[test]
    fn what_is_not_known_or_cannot_be_told_is_left_out() {
        let bare = FoundIn {
            tag: None,
            prompt_id: None,
            tool_use_id: Some("curl -u admin:FAKE".to_owned()),
            session_id: Some("FAKE".to_owned()),
            attribute: Cow::Owned("a key with FAKE".to_owned()),
            ..found("")
        };
        let [record] = records(&[bare]).try_into().unwrap();
        insta::assert_snapshot!(shown(&record), @"event.name=finding event.timestamp=1970-01-01T00:00:00.000Z rule=curl-user signal=logs event=tool_result attribute=other");
    }

    #[test]
    fn what_is_too_much_is_counted() {
        assert_eq!(Redacted::findings(&[], Timestamp::UNIX_EPOCH, &Enrichment::default()), None);
        let records = records(&vec![found("tool_input"); MAX_TOLD + 7]);
        assert_eq!(records.len(), MAX_TOLD + 1);
        insta::assert_snapshot!(shown(records.last().unwrap()), @"event.name=findings_left_out event.timestamp=1970-01-01T00:00:00.000Z count=7");
    }
}
