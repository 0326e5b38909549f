//! Bytes to batches and back: OTLP in protobuf and JSON, bounded before anything is allocated.

mod budget;
mod cumulative;
mod decode;
mod halve;

pub use cumulative::{Accumulator, MAX_SERIES};
pub use decode::{
    DecodeError, Encoding, MAX_BODY_BYTES, MAX_ITEMS, decode, decode_json, decode_protobuf, encode, encode_json,
};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The three kinds of telemetry that Claude Code exports.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Events, as OpenTelemetry log records.
    Logs = 0,
    /// Counters.
    Metrics = 1,
    /// Spans.
    Traces = 2,
}

impl Signal {
    /// All signals, in the order in which reports list them.
    pub const ALL: [Self; 3] = [Self::Logs, Self::Metrics, Self::Traces];

    /// `logs`, `metrics` or `traces`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Traces => "traces",
        }
    }

    /// The path that OTLP/HTTP posts this signal to (OTLP specification, "OTLP/HTTP Request").
    pub fn path(self) -> &'static str {
        match self {
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
            Self::Traces => "/v1/traces",
        }
    }
}

/// One export request of one signal, decoded.
#[derive(Clone, Debug, PartialEq)]
pub enum Batch {
    /// Log records.
    Logs(ExportLogsServiceRequest),
    /// Metrics with their data points.
    Metrics(ExportMetricsServiceRequest),
    /// Spans.
    Traces(ExportTraceServiceRequest),
}

impl Batch {
    /// One with nothing in it.
    pub fn empty(signal: Signal) -> Self {
        match signal {
            Signal::Logs => Self::Logs(ExportLogsServiceRequest::default()),
            Signal::Metrics => Self::Metrics(ExportMetricsServiceRequest::default()),
            Signal::Traces => Self::Traces(ExportTraceServiceRequest::default()),
        }
    }

    /// Which signal it carries.
    pub fn signal(&self) -> Signal {
        match self {
            Self::Logs(_) => Signal::Logs,
            Self::Metrics(_) => Signal::Metrics,
            Self::Traces(_) => Signal::Traces,
        }
    }

    /// Log records, data points or spans in it.
    pub fn records(&self) -> u64 {
        let count = match self {
            Self::Logs(request) => {
                request.resource_logs.iter().flat_map(|r| &r.scope_logs).map(|s| s.log_records.len()).sum::<usize>()
            }
            Self::Metrics(request) => request
                .resource_metrics
                .iter()
                .flat_map(|r| &r.scope_metrics)
                .flat_map(|s| &s.metrics)
                .map(|metric| data_points(metric.data.as_ref()))
                .sum(),
            Self::Traces(request) => {
                request.resource_spans.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum()
            }
        };
        count as u64
    }
}

/// Data points of a metric: the unit in which metrics are counted.
pub(crate) fn data_points(data: Option<&Data>) -> usize {
    match data {
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
        None => 0,
    }
}
