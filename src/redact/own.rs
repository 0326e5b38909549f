//! What this program adds itself: attributes of the resource, and records of its own scope.

use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::levels::Given;
use super::levels::table;
use super::walk::OWN_SCOPE;
use super::{Redacted, Withheld};
use crate::otlp::Batch;

/// The number of the batch that a record was delivered in.
const BATCH_ID: &str = "cc_observe.batch_id";

/// How often the batch may have been delivered.
const ATTEMPT: &str = "cc_observe.attempt";

/// Attributes that every resource of a run gets. What has not the shape of its key is left out: a branch can be
/// named after a token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Enrichment {
    attributes: Vec<KeyValue>,
    withheld: Withheld,
}

impl Enrichment {
    /// Takes `(key, value)` pairs; keys outside the table of own resource attributes are left out as well.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let mut enrichment = Self::default();
        for (key, value) in pairs {
            let row = table::OWN_RESOURCE.iter().find(|(known, _)| *known == key);
            if row.is_some_and(|(_, given)| matches!(given, Given::Metadata(shape) if shape.matches(&value))) {
                enrichment.attributes.push(attribute(key, Value::StringValue(value)));
            } else {
                enrichment.withheld.attributes += 1;
            }
        }
        enrichment
    }

    /// What was left out.
    pub fn withheld(&self) -> &Withheld {
        &self.withheld
    }

    /// The value of a key, if it passed.
    pub fn get(&self, key: &str) -> Option<&str> {
        match self.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => Some(text),
            _ => None,
        }
    }
}

/// A value of a record of our own: nothing that could hold what somebody wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OwnValue {
    /// A count, a size, a duration.
    Count(u64),
    /// A truth value.
    Flag(bool),
    /// One of our own words.
    Word(&'static str),
    /// Names of attributes.
    Names(Vec<String>),
}

impl Redacted<Batch> {
    /// Adds the run's attributes to every resource; a key that is there already is replaced.
    pub fn enrich(&mut self, enrichment: &Enrichment) {
        let resources: Vec<&mut Option<Resource>> = match &mut self.0 {
            Batch::Logs(request) => request.resource_logs.iter_mut().map(|from| &mut from.resource).collect(),
            Batch::Metrics(request) => request.resource_metrics.iter_mut().map(|from| &mut from.resource).collect(),
            Batch::Traces(request) => request.resource_spans.iter_mut().map(|from| &mut from.resource).collect(),
        };
        for resource in resources {
            let attributes = &mut resource.get_or_insert_default().attributes;
            attributes.retain(|there| !enrichment.attributes.iter().any(|ours| ours.key == there.key));
            attributes.extend(enrichment.attributes.iter().cloned());
        }
    }

    /// Names the run as the instance of the service on the resources of metrics: receivers like Prometheus tell the series
    /// of two runs by nothing else. A name that is there already is replaced.
    pub fn name_instance(&mut self) {
        let Batch::Metrics(request) = &mut self.0 else { return };
        for resource in request.resource_metrics.iter_mut().filter_map(|from| from.resource.as_mut()) {
            let run = resource.attributes.iter().find(|there| there.key == table::RUN_ID);
            let Some(value) = run.and_then(|run| run.value.clone()) else { continue };
            resource.attributes.retain(|there| there.key != table::INSTANCE);
            let key = table::INSTANCE.to_owned();
            resource.attributes.push(KeyValue { key, value: Some(value), ..KeyValue::default() });
        }
    }

    /// Adds `cc_observe.decided_by` to the log records that `decide` has a word for.
    pub fn add_decided_by(&mut self, decide: impl Fn(&LogRecord) -> Option<&'static str>) {
        let Batch::Logs(request) = &mut self.0 else { return };
        for record in request.resource_logs.iter_mut().flat_map(|r| &mut r.scope_logs).flat_map(|s| &mut s.log_records)
        {
            if let Some(word) = decide(record) {
                record.attributes.push(attribute("cc_observe.decided_by", Value::StringValue(word.to_owned())));
            }
        }
    }

    /// Adds `cc_observe.batch_id` to every log record and span, and `cc_observe.attempt` if it is above 1: by them an
    /// endpoint tells what it was sent twice. Metrics are left alone, each would be a stream of its own.
    pub fn number(&mut self, batch: &str, attempt: u32) {
        let add = |attributes: &mut Vec<KeyValue>| {
            attributes.retain(|there| ![BATCH_ID, ATTEMPT].contains(&there.key.as_str()));
            attributes.push(attribute(BATCH_ID, Value::StringValue(batch.to_owned())));
            if attempt > 1 {
                attributes.push(attribute(ATTEMPT, Value::IntValue(attempt.into())));
            }
        };
        match &mut self.0 {
            Batch::Logs(request) => {
                let scopes = request.resource_logs.iter_mut().flat_map(|from| &mut from.scope_logs);
                scopes.flat_map(|scope| &mut scope.log_records).for_each(|record| add(&mut record.attributes));
            }
            Batch::Traces(request) => {
                let scopes = request.resource_spans.iter_mut().flat_map(|from| &mut from.scope_spans);
                scopes.flat_map(|scope| &mut scope.spans).for_each(|span| add(&mut span.attributes));
            }
            Batch::Metrics(_) => {}
        }
    }

    /// A batch of one record of our own, `cc_observe.<name>`, at a time.
    pub fn own_record(
        name: &'static str,
        at: Timestamp,
        values: &[(&'static str, OwnValue)],
        enrichment: &Enrichment,
    ) -> Self {
        let nanos = u64::try_from(at.as_nanosecond()).unwrap_or(0);
        let mut attributes = vec![
            attribute("event.name", Value::StringValue(name.to_owned())),
            attribute("event.timestamp", Value::StringValue(format!("{at:.3}"))),
        ];
        attributes.extend(values.iter().map(|(key, value)| {
            let value = match value {
                OwnValue::Count(count) => Value::IntValue(i64::try_from(*count).unwrap_or(i64::MAX)),
                OwnValue::Flag(flag) => Value::BoolValue(*flag),
                OwnValue::Word(word) => Value::StringValue((*word).to_owned()),
                OwnValue::Names(names) => {
                    let values = names.iter().map(|name| Value::StringValue(name.clone()));
                    let values = values.map(|value| AnyValue { value: Some(value) }).collect();
                    Value::ArrayValue(ArrayValue { values })
                }
            };
            attribute(key, value)
        }));
        let record = LogRecord {
            time_unix_nano: nanos,
            observed_time_unix_nano: nanos,
            body: Some(AnyValue { value: Some(Value::StringValue(format!("{OWN_SCOPE}.{name}"))) }),
            attributes,
            ..LogRecord::default()
        };
        let scope = InstrumentationScope {
            name: OWN_SCOPE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let resource = Resource {
            attributes: vec![
                attribute("service.name", Value::StringValue("cc-observe".to_owned())),
                attribute("service.version", Value::StringValue(env!("CARGO_PKG_VERSION").to_owned())),
            ],
            ..Resource::default()
        };
        let mut batch = Self(Batch::Logs(ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(resource),
                scope_logs: vec![ScopeLogs { scope: Some(scope), log_records: vec![record], ..ScopeLogs::default() }],
                ..ResourceLogs::default()
            }],
        }));
        batch.enrich(enrichment);
        batch
    }
}

/// Whether every attribute a record of our own carries may pass: asked by a test of this module's users.
#[cfg(test)]
pub(super) fn allowed(name: &str, key: &str) -> bool {
    let lists = table::own_event(name).map_or(&[][..], |(_, lists)| lists).iter().chain([&table::COMMON]);
    lists.copied().flatten().any(|(known, _)| *known == key)
}

pub(super) fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
