//! Batches, laid out flat: one value for each log record, data point and span.

use std::collections::BTreeMap;

use cc_observe::otlp::{Batch, Signal};
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde_json::{Value, json};

/// One log record, data point or span.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// Which of the three it is.
    pub(crate) signal: Signal,
    /// The body of a log record, the name of a metric or a span.
    pub(crate) name: String,
    /// Its own attributes.
    pub(crate) attributes: BTreeMap<String, Value>,
    /// Those of the resource it belongs to.
    pub(crate) resource: BTreeMap<String, Value>,
    /// The name of its scope.
    pub(crate) scope: String,
    /// When, in nanoseconds since 1970; of a span: its end.
    pub(crate) time: u64,
    /// The value of a data point, the sum of a histogram; null for others.
    pub(crate) value: Value,
    /// In hexadecimal; empty where there is none.
    pub(crate) trace_id: String,
    /// Names and attributes of a span's events.
    pub(crate) span_events: Vec<(String, BTreeMap<String, Value>)>,
}

impl Record {
    /// An attribute as text, whatever its type is; empty where there is none.
    pub(crate) fn text(&self, attribute: &str) -> String {
        self.attributes
            .get(attribute)
            .map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// An attribute as a number, where it is one or reads as one.
    pub(crate) fn number(&self, attribute: &str) -> Option<f64> {
        self.text(attribute).parse().ok()
    }
}

/// The attributes of a log record or span, without what differs in each delivery.
fn of_record(attributes: &[KeyValue]) -> BTreeMap<String, Value> {
    let mut attributes = self::attributes(attributes);
    attributes.retain(|key, _| !["cc_observe.batch_id", "cc_observe.attempt"].contains(&key.as_str()));
    attributes
}

/// Everything in a batch, in order.
pub(crate) fn records(batch: &Batch) -> Vec<Record> {
    let mut all = Vec::new();
    match batch {
        Batch::Logs(logs) => {
            for (resource, scope) in logs.resource_logs.iter().flat_map(|r| r.scope_logs.iter().map(move |s| (r, s))) {
                let blank = blank(Signal::Logs, resource.resource.as_ref(), scope.scope.as_ref());
                all.extend(scope.log_records.iter().map(|log| Record {
                    name: log.body.as_ref().map(value).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default(),
                    attributes: of_record(&log.attributes),
                    time: log.time_unix_nano,
                    trace_id: hex(&log.trace_id),
                    ..blank.clone()
                }));
            }
        }
        Batch::Metrics(metrics) => {
            let scopes = metrics.resource_metrics.iter().flat_map(|r| r.scope_metrics.iter().map(move |s| (r, s)));
            for (resource, scope) in scopes {
                let blank = blank(Signal::Metrics, resource.resource.as_ref(), scope.scope.as_ref());
                for metric in &scope.metrics {
                    all.extend(points(metric.data.as_ref()).into_iter().map(|(own, time, value)| Record {
                        name: metric.name.clone(),
                        attributes: attributes(own),
                        time,
                        value,
                        ..blank.clone()
                    }));
                }
            }
        }
        Batch::Traces(traces) => {
            let scopes = traces.resource_spans.iter().flat_map(|r| r.scope_spans.iter().map(move |s| (r, s)));
            for (resource, scope) in scopes {
                let blank = blank(Signal::Traces, resource.resource.as_ref(), scope.scope.as_ref());
                all.extend(scope.spans.iter().map(|span| Record {
                    name: span.name.clone(),
                    attributes: of_record(&span.attributes),
                    time: span.end_time_unix_nano,
                    trace_id: hex(&span.trace_id),
                    span_events: span.events.iter().map(|e| (e.name.clone(), attributes(&e.attributes))).collect(),
                    ..blank.clone()
                }));
            }
        }
    }
    all
}

/// Puts attributes on every log record and data point of a batch, as the client does for people with an account.
pub(crate) fn add_attributes(batch: &mut Batch, added: &[(&str, &str)]) {
    let added = || {
        added.iter().map(|(key, text)| KeyValue {
            key: (*key).into(),
            value: Some(string(text)),
            ..KeyValue::default()
        })
    };
    match batch {
        Batch::Logs(logs) => {
            let scopes = logs.resource_logs.iter_mut().flat_map(|r| &mut r.scope_logs);
            scopes.flat_map(|scope| &mut scope.log_records).for_each(|log| log.attributes.extend(added()));
        }
        Batch::Metrics(metrics) => {
            let scopes = metrics.resource_metrics.iter_mut().flat_map(|r| &mut r.scope_metrics);
            for metric in scopes.flat_map(|scope| &mut scope.metrics) {
                if let Some(metric::Data::Sum(sum)) = &mut metric.data {
                    sum.data_points.iter_mut().for_each(|point| point.attributes.extend(added()));
                }
            }
        }
        Batch::Traces(traces) => {
            let scopes = traces.resource_spans.iter_mut().flat_map(|r| &mut r.scope_spans);
            scopes.flat_map(|scope| &mut scope.spans).for_each(|span| span.attributes.extend(added()));
        }
    }
}

fn string(text: &str) -> AnyValue {
    AnyValue { value: Some(any_value::Value::StringValue(text.into())) }
}

fn blank(signal: Signal, resource: Option<&Resource>, scope: Option<&InstrumentationScope>) -> Record {
    Record {
        signal,
        name: String::new(),
        attributes: BTreeMap::new(),
        resource: resource.map(|resource| attributes(&resource.attributes)).unwrap_or_default(),
        scope: scope.map(|scope| scope.name.clone()).unwrap_or_default(),
        time: 0,
        value: Value::Null,
        trace_id: String::new(),
        span_events: Vec::new(),
    }
}

/// Attributes, time and value of each data point.
fn points(data: Option<&metric::Data>) -> Vec<(&[KeyValue], u64, Value)> {
    let numbers = match data {
        Some(metric::Data::Sum(sum)) => &sum.data_points,
        Some(metric::Data::Gauge(gauge)) => &gauge.data_points,
        Some(metric::Data::Histogram(histogram)) => {
            return histogram.data_points.iter().map(|p| (&p.attributes[..], p.time_unix_nano, json!(p.sum))).collect();
        }
        _ => return Vec::new(),
    };
    let number = |value: &Option<number_data_point::Value>| match value {
        Some(number_data_point::Value::AsDouble(number)) => json!(number),
        Some(number_data_point::Value::AsInt(number)) => json!(number),
        None => Value::Null,
    };
    numbers.iter().map(|point| (&point.attributes[..], point.time_unix_nano, number(&point.value))).collect()
}

fn attributes(list: &[KeyValue]) -> BTreeMap<String, Value> {
    list.iter().map(|pair| (pair.key.clone(), pair.value.as_ref().map_or(Value::Null, value))).collect()
}

fn value(any: &AnyValue) -> Value {
    match &any.value {
        Some(any_value::Value::StringValue(text)) => json!(text),
        Some(any_value::Value::BoolValue(truth)) => json!(truth),
        Some(any_value::Value::IntValue(number)) => json!(number),
        Some(any_value::Value::DoubleValue(number)) => json!(number),
        Some(any_value::Value::BytesValue(bytes)) => json!({ "bytes": bytes }),
        Some(any_value::Value::ArrayValue(array)) => array.values.iter().map(value).collect(),
        Some(any_value::Value::KvlistValue(list)) => json!(attributes(&list.values)),
        _ => Value::Null,
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
