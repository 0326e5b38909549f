//! Builds a batch anew from what may pass. What is not named here does not exist in the result.

use std::collections::HashMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::metadata::{self, Allowed};
use super::shape::Shape;
use super::{Origin, Withheld};
use crate::otlp::Batch;

/// The scope under which this program's own records stand.
pub(super) const OWN_SCOPE: &str = "cc_observe";

/// The scopes of Claude Code: `com.anthropic.claude_code` and what stands behind a dot. `service.name` would not do: a
/// checkout can change it.
const CLIENT_SCOPE: &str = "com.anthropic.claude_code";

/// The most attributes of a resource that are looked at. A resource with more is none of Claude Code's: no attribute of
/// it or of its records passes.
pub(super) const MAX_RESOURCE_ATTRIBUTES: usize = 1024;

/// One pass over one batch.
pub(super) struct Walk {
    origin: Origin,
    withheld: Withheld,
    configured: Configured,
}

/// Resource attributes that somebody configured. The client copies them onto every record.
enum Configured {
    /// By key; None where a key stands there more than once, and so with any value.
    Known(HashMap<String, Option<KeyValue>>),
    /// More than [`MAX_RESOURCE_ATTRIBUTES`]: anything may be one of them.
    TooMany,
}

impl Configured {
    /// Those of a resource that are not in its own tables.
    fn of(attributes: &[KeyValue], own: &[Allowed]) -> Self {
        if attributes.len() > MAX_RESOURCE_ATTRIBUTES {
            return Self::TooMany;
        }
        let mut known = HashMap::new();
        for attribute in attributes {
            if !own.iter().any(|allowed| shape_of(allowed, &attribute.key).is_some()) {
                known
                    .entry(attribute.key.clone())
                    .and_modify(|once| *once = None)
                    .or_insert_with(|| Some(attribute.clone()));
            }
        }
        Self::Known(known)
    }

    /// Whether an attribute may be a copy of one of them.
    fn contains(&self, attribute: &KeyValue) -> bool {
        match self {
            Self::Known(known) => known
                .get(&attribute.key)
                .is_some_and(|once| once.as_ref().is_none_or(|configured| configured.value == attribute.value)),
            Self::TooMany => true,
        }
    }
}

/// Whose records a scope holds.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Owner {
    Client,
    Us,
}

impl Walk {
    pub(super) fn new(origin: Origin) -> Self {
        Self { origin, withheld: Withheld::default(), configured: Configured::Known(HashMap::new()) }
    }

    pub(super) fn batch(mut self, batch: Batch) -> (Batch, Withheld) {
        let batch = match batch {
            Batch::Logs(request) => Batch::Logs(self.logs(request)),
            Batch::Metrics(request) => Batch::Metrics(self.metrics(request)),
            Batch::Traces(request) => Batch::Traces(self.traces(request)),
        };
        (batch, self.withheld)
    }

    fn logs(&mut self, request: ExportLogsServiceRequest) -> ExportLogsServiceRequest {
        let mut resource_logs = Vec::new();
        for from in request.resource_logs {
            let resource = self.resource(from.resource);
            let mut scope_logs = Vec::new();
            for from in from.scope_logs {
                let Some((scope, owner)) = self.scope(from.scope, from.log_records.len()) else { continue };
                let log_records = from.log_records.into_iter().map(|record| self.log_record(record, owner)).collect();
                scope_logs.push(ScopeLogs { scope: Some(scope), log_records, schema_url: schema(from.schema_url) });
            }
            if !scope_logs.is_empty() {
                resource_logs.push(ResourceLogs {
                    resource: Some(resource),
                    scope_logs,
                    schema_url: schema(from.schema_url),
                });
            }
        }
        ExportLogsServiceRequest { resource_logs }
    }

    fn log_record(&mut self, from: LogRecord, owner: Owner) -> LogRecord {
        let prefix = match owner {
            Owner::Client => "claude_code.",
            Owner::Us => "cc_observe.",
        };
        let body = match from.body.and_then(|body| body.value) {
            Some(Value::StringValue(text))
                if text.strip_prefix(prefix).is_some_and(|name| Shape::Word.matches(name)) =>
            {
                Some(text)
            }
            Some(_) => {
                self.withheld.attributes += 1;
                None
            }
            None => None,
        };
        let name = body
            .as_deref()
            .and_then(|text| text.strip_prefix(prefix))
            .or_else(|| text_of(&from.attributes, "event.name"))
            .map(str::to_owned)
            .unwrap_or_default();
        let allowed = match owner {
            Owner::Client => metadata::event(&name),
            Owner::Us => metadata::own_event(&name),
        };
        LogRecord {
            time_unix_nano: from.time_unix_nano,
            observed_time_unix_nano: from.observed_time_unix_nano,
            severity_number: from.severity_number,
            severity_text: word(from.severity_text),
            body: body.map(|text| AnyValue { value: Some(Value::StringValue(text)) }),
            attributes: self.attributes(from.attributes, &[&[metadata::COMMON], allowed]),
            dropped_attributes_count: from.dropped_attributes_count,
            flags: from.flags,
            trace_id: id(from.trace_id, 16),
            span_id: id(from.span_id, 8),
            event_name: word(from.event_name),
        }
    }

    fn metrics(&mut self, request: ExportMetricsServiceRequest) -> ExportMetricsServiceRequest {
        let mut resource_metrics = Vec::new();
        for from in request.resource_metrics {
            let resource = self.resource(from.resource);
            let mut scope_metrics = Vec::new();
            for from in from.scope_metrics {
                let Some((scope, _)) = self.scope(from.scope, from.metrics.len()) else { continue };
                let metrics = from.metrics.into_iter().filter_map(|metric| self.metric(metric)).collect();
                scope_metrics.push(ScopeMetrics { scope: Some(scope), metrics, schema_url: schema(from.schema_url) });
            }
            if !scope_metrics.is_empty() {
                resource_metrics.push(ResourceMetrics {
                    resource: Some(resource),
                    scope_metrics,
                    schema_url: schema(from.schema_url),
                });
            }
        }
        ExportMetricsServiceRequest { resource_metrics }
    }

    fn metric(&mut self, from: Metric) -> Option<Metric> {
        if !Shape::Word.matches(&from.name) {
            self.withheld.records += 1;
            return None;
        }
        let allowed = metadata::metric(&from.name);
        let data = from.data.map(|data| self.metric_data(data, allowed));
        let description =
            if metadata::is_description(&from.name, &from.description) { from.description } else { String::new() };
        Some(Metric { name: from.name, description, unit: word(from.unit), data, ..Metric::default() })
    }

    fn metric_data(&mut self, data: Data, allowed: &[Allowed]) -> Data {
        match data {
            Data::Sum(sum) => Data::Sum(Sum {
                data_points: self.numbers(sum.data_points, allowed),
                aggregation_temporality: sum.aggregation_temporality,
                is_monotonic: sum.is_monotonic,
            }),
            Data::Gauge(gauge) => Data::Gauge(Gauge { data_points: self.numbers(gauge.data_points, allowed) }),
            Data::Histogram(histogram) => Data::Histogram(Histogram {
                data_points: histogram.data_points.into_iter().map(|point| self.histogram(point, allowed)).collect(),
                aggregation_temporality: histogram.aggregation_temporality,
            }),
            Data::ExponentialHistogram(histogram) => Data::ExponentialHistogram(ExponentialHistogram {
                data_points: histogram.data_points.into_iter().map(|point| self.exponential(point, allowed)).collect(),
                aggregation_temporality: histogram.aggregation_temporality,
            }),
            Data::Summary(summary) => Data::Summary(Summary {
                data_points: summary.data_points.into_iter().map(|point| self.summary(point, allowed)).collect(),
            }),
        }
    }

    fn numbers(&mut self, points: Vec<NumberDataPoint>, allowed: &[Allowed]) -> Vec<NumberDataPoint> {
        points
            .into_iter()
            .map(|point| NumberDataPoint {
                attributes: self.attributes(point.attributes, &[&[metadata::COMMON], allowed]),
                start_time_unix_nano: point.start_time_unix_nano,
                time_unix_nano: point.time_unix_nano,
                exemplars: Vec::new(),
                flags: point.flags,
                value: point.value,
            })
            .collect()
    }

    fn histogram(&mut self, point: HistogramDataPoint, allowed: &[Allowed]) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: self.attributes(point.attributes, &[&[metadata::COMMON], allowed]),
            exemplars: Vec::new(),
            ..point
        }
    }

    fn exponential(
        &mut self,
        point: ExponentialHistogramDataPoint,
        allowed: &[Allowed],
    ) -> ExponentialHistogramDataPoint {
        ExponentialHistogramDataPoint {
            attributes: self.attributes(point.attributes, &[&[metadata::COMMON], allowed]),
            exemplars: Vec::new(),
            ..point
        }
    }

    fn summary(&mut self, point: SummaryDataPoint, allowed: &[Allowed]) -> SummaryDataPoint {
        SummaryDataPoint { attributes: self.attributes(point.attributes, &[&[metadata::COMMON], allowed]), ..point }
    }

    fn traces(&mut self, request: ExportTraceServiceRequest) -> ExportTraceServiceRequest {
        let mut resource_spans = Vec::new();
        for from in request.resource_spans {
            let resource = self.resource(from.resource);
            let mut scope_spans = Vec::new();
            for from in from.scope_spans {
                let Some((scope, _)) = self.scope(from.scope, from.spans.len()) else { continue };
                let spans = from.spans.into_iter().map(|span| self.span(span)).collect();
                scope_spans.push(ScopeSpans { scope: Some(scope), spans, schema_url: schema(from.schema_url) });
            }
            if !scope_spans.is_empty() {
                resource_spans.push(ResourceSpans {
                    resource: Some(resource),
                    scope_spans,
                    schema_url: schema(from.schema_url),
                });
            }
        }
        ExportTraceServiceRequest { resource_spans }
    }

    fn span(&mut self, from: Span) -> Span {
        let allowed = metadata::span(&from.name);
        Span {
            trace_id: id(from.trace_id, 16),
            span_id: id(from.span_id, 8),
            trace_state: String::new(),
            parent_span_id: id(from.parent_span_id, 8),
            flags: from.flags,
            name: word(from.name),
            kind: from.kind,
            start_time_unix_nano: from.start_time_unix_nano,
            end_time_unix_nano: from.end_time_unix_nano,
            attributes: self.attributes(from.attributes, &[&[metadata::COMMON], allowed]),
            dropped_attributes_count: from.dropped_attributes_count,
            events: from.events.into_iter().map(|event| self.span_event(event)).collect(),
            dropped_events_count: from.dropped_events_count,
            links: from.links.into_iter().map(|link| self.span_link(link)).collect(),
            dropped_links_count: from.dropped_links_count,
            // The message of a status is free text: the API's error comes out there.
            status: from.status.map(|status| Status { code: status.code, message: String::new() }),
        }
    }

    fn span_event(&mut self, from: Event) -> Event {
        let allowed = metadata::span_event(&from.name);
        Event {
            time_unix_nano: from.time_unix_nano,
            name: word(from.name),
            attributes: self.attributes(from.attributes, &[allowed]),
            dropped_attributes_count: from.dropped_attributes_count,
        }
    }

    fn span_link(&mut self, from: Link) -> Link {
        self.withheld.attributes += from.attributes.len() as u64;
        Link {
            trace_id: id(from.trace_id, 16),
            span_id: id(from.span_id, 8),
            trace_state: String::new(),
            attributes: Vec::new(),
            dropped_attributes_count: from.dropped_attributes_count,
            flags: from.flags,
        }
    }

    fn resource(&mut self, from: Option<Resource>) -> Resource {
        let from = from.unwrap_or_default();
        let own: &[Allowed] = match self.origin {
            Origin::Client => &[metadata::RESOURCE],
            Origin::Spool => &[metadata::RESOURCE, metadata::OWN_RESOURCE],
        };
        self.configured = Configured::of(&from.attributes, own);
        Resource {
            attributes: self.attributes(from.attributes, &[own]),
            dropped_attributes_count: from.dropped_attributes_count,
            ..Resource::default()
        }
    }

    fn scope(&mut self, from: Option<InstrumentationScope>, records: usize) -> Option<(InstrumentationScope, Owner)> {
        let from = from.unwrap_or_default();
        let behind = from.name.strip_prefix(CLIENT_SCOPE);
        let owner = match behind {
            Some(rest) if rest.is_empty() || rest.starts_with('.') && Shape::Word.matches(rest) => Owner::Client,
            _ if from.name == OWN_SCOPE && self.origin == Origin::Spool => Owner::Us,
            _ => {
                self.withheld.records += records as u64;
                return None;
            }
        };
        self.withheld.attributes += from.attributes.len() as u64;
        let scope = InstrumentationScope {
            name: from.name,
            version: word(from.version),
            attributes: Vec::new(),
            dropped_attributes_count: from.dropped_attributes_count,
        };
        Some((scope, owner))
    }

    /// Keeps the attributes that a table allows and whose value has the shape; the first of each key.
    fn attributes(&mut self, from: Vec<KeyValue>, tables: &[&[Allowed]]) -> Vec<KeyValue> {
        let mut kept: Vec<KeyValue> = Vec::with_capacity(from.len());
        let own: &[Allowed] = match self.origin {
            Origin::Client => &[],
            Origin::Spool => &[metadata::OWN_RECORD],
        };
        for attribute in from {
            let shape = tables
                .iter()
                .copied()
                .chain([own])
                .flatten()
                .find_map(|allowed| shape_of(allowed, &attribute.key))
                .filter(|_| !self.configured.contains(&attribute))
                .filter(|_| !kept.iter().any(|other| other.key == attribute.key));
            match shape.and_then(|shape| shape.accept(attribute.value)) {
                Some(value) => {
                    kept.push(KeyValue { key: attribute.key, value: Some(value), ..KeyValue::default() });
                }
                None => self.withheld.attributes += 1,
            }
        }
        kept
    }
}

fn shape_of(allowed: Allowed, key: &str) -> Option<Shape> {
    allowed.iter().find(|(known, _)| *known == key).map(|(_, shape)| *shape)
}

fn text_of<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// The text if it is an enumeration value or technical name, else nothing.
fn word(text: String) -> String {
    if Shape::Word.matches(&text) { text } else { String::new() }
}

/// The id if it has the right number of bytes, else none.
fn id(bytes: Vec<u8>, length: usize) -> Vec<u8> {
    if bytes.len() == length { bytes } else { Vec::new() }
}

/// Schema URLs of the OpenTelemetry project pass.
fn schema(url: String) -> String {
    let version = url.strip_prefix("https://opentelemetry.io/schemas/");
    if version.is_some_and(|version| Shape::Word.matches(version)) { url } else { String::new() }
}
