//! One batch becomes two at a record border, for an endpoint that finds it too large; and small ones become one.

use std::mem;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

use super::{Batch, data_points};

impl Batch {
    /// The first and the second half of the records, in order, each below its resource, scope and metric.
    ///
    /// None for fewer than two records: there is nothing left to halve.
    pub fn halve(self) -> Option<(Self, Self)> {
        let mut first = usize::try_from(self.records() / 2).ok().filter(|half| *half > 0)?;
        let keep = &mut first;
        Some(match self {
            Self::Logs(request) => {
                let (left, right) = divide(request.resource_logs, keep, logs_of_resource, cut_resource_logs);
                (
                    Self::Logs(ExportLogsServiceRequest { resource_logs: left }),
                    Self::Logs(ExportLogsServiceRequest { resource_logs: right }),
                )
            }
            Self::Metrics(request) => {
                let (left, right) = divide(request.resource_metrics, keep, points_of_resource, cut_resource_metrics);
                (
                    Self::Metrics(ExportMetricsServiceRequest { resource_metrics: left }),
                    Self::Metrics(ExportMetricsServiceRequest { resource_metrics: right }),
                )
            }
            Self::Traces(request) => {
                let (left, right) = divide(request.resource_spans, keep, spans_of_resource, cut_resource_spans);
                (
                    Self::Traces(ExportTraceServiceRequest { resource_spans: left }),
                    Self::Traces(ExportTraceServiceRequest { resource_spans: right }),
                )
            }
        })
    }
}

impl Batch {
    /// Appends what another batch of the same signal holds; one of another signal is left out.
    ///
    /// Log records and spans that follow others of the same resource and scope are put to them.
    pub fn append(&mut self, other: Self) {
        match (self, other) {
            (Self::Logs(request), Self::Logs(other)) => {
                join(&mut request.resource_logs, other.resource_logs, |last, mut next| {
                    if last.resource != next.resource || last.schema_url != next.schema_url {
                        return Some(next);
                    }
                    join(&mut last.scope_logs, mem::take(&mut next.scope_logs), |last, mut next| {
                        if last.scope != next.scope || last.schema_url != next.schema_url {
                            return Some(next);
                        }
                        last.log_records.append(&mut next.log_records);
                        None
                    });
                    None
                });
            }
            (Self::Traces(request), Self::Traces(other)) => {
                join(&mut request.resource_spans, other.resource_spans, |last, mut next| {
                    if last.resource != next.resource || last.schema_url != next.schema_url {
                        return Some(next);
                    }
                    join(&mut last.scope_spans, mem::take(&mut next.scope_spans), |last, mut next| {
                        if last.scope != next.scope || last.schema_url != next.schema_url {
                            return Some(next);
                        }
                        last.spans.append(&mut next.spans);
                        None
                    });
                    None
                });
            }
            // Points of one metric stay apart: they are of different times.
            (Self::Metrics(request), Self::Metrics(other)) => request.resource_metrics.extend(other.resource_metrics),
            _ => {}
        }
    }
}

/// Appends items, but for those that the last one takes in.
fn join<T>(items: &mut Vec<T>, others: Vec<T>, absorb: impl Fn(&mut T, T) -> Option<T>) {
    for other in others {
        let left = match items.last_mut() {
            Some(last) => absorb(last, other),
            None => Some(other),
        };
        items.extend(left);
    }
}

/// Gives the first `keep` records to the left. The one item that holds the border is cut in two.
fn divide<T>(
    items: Vec<T>,
    keep: &mut usize,
    size: impl Fn(&T) -> usize,
    cut: impl Fn(T, &mut usize) -> (T, T),
) -> (Vec<T>, Vec<T>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for item in items {
        let records = size(&item);
        if *keep == 0 {
            right.push(item);
        } else if records <= *keep {
            *keep -= records;
            left.push(item);
        } else {
            let (head, tail) = cut(item, keep);
            left.push(head);
            right.push(tail);
        }
    }
    (left, right)
}

/// Cuts a list of records itself.
fn cut_records<T>(mut records: Vec<T>, keep: &mut usize) -> (Vec<T>, Vec<T>) {
    let tail = records.split_off((*keep).min(records.len()));
    *keep = 0;
    (records, tail)
}

fn logs_of_resource(resource: &ResourceLogs) -> usize {
    resource.scope_logs.iter().map(|scope| scope.log_records.len()).sum()
}

fn cut_resource_logs(mut resource: ResourceLogs, keep: &mut usize) -> (ResourceLogs, ResourceLogs) {
    let scopes = mem::take(&mut resource.scope_logs);
    let (left, right) = divide(
        scopes,
        keep,
        |scope| scope.log_records.len(),
        |mut scope, keep| {
            let (left, right) = cut_records(mem::take(&mut scope.log_records), keep);
            (ScopeLogs { log_records: left, ..scope.clone() }, ScopeLogs { log_records: right, ..scope })
        },
    );
    (ResourceLogs { scope_logs: left, ..resource.clone() }, ResourceLogs { scope_logs: right, ..resource })
}

fn spans_of_resource(resource: &ResourceSpans) -> usize {
    resource.scope_spans.iter().map(|scope| scope.spans.len()).sum()
}

fn cut_resource_spans(mut resource: ResourceSpans, keep: &mut usize) -> (ResourceSpans, ResourceSpans) {
    let scopes = mem::take(&mut resource.scope_spans);
    let (left, right) = divide(
        scopes,
        keep,
        |scope| scope.spans.len(),
        |mut scope, keep| {
            let (left, right) = cut_records(mem::take(&mut scope.spans), keep);
            (ScopeSpans { spans: left, ..scope.clone() }, ScopeSpans { spans: right, ..scope })
        },
    );
    (ResourceSpans { scope_spans: left, ..resource.clone() }, ResourceSpans { scope_spans: right, ..resource })
}

fn points_of_scope(scope: &ScopeMetrics) -> usize {
    scope.metrics.iter().map(|metric| data_points(metric.data.as_ref())).sum()
}

fn points_of_resource(resource: &ResourceMetrics) -> usize {
    resource.scope_metrics.iter().map(points_of_scope).sum()
}

fn cut_resource_metrics(mut resource: ResourceMetrics, keep: &mut usize) -> (ResourceMetrics, ResourceMetrics) {
    let scopes = mem::take(&mut resource.scope_metrics);
    let (left, right) = divide(scopes, keep, points_of_scope, |mut scope, keep| {
        let metrics = mem::take(&mut scope.metrics);
        let (left, right) = divide(metrics, keep, |metric| data_points(metric.data.as_ref()), cut_metric);
        (ScopeMetrics { metrics: left, ..scope.clone() }, ScopeMetrics { metrics: right, ..scope })
    });
    (ResourceMetrics { scope_metrics: left, ..resource.clone() }, ResourceMetrics { scope_metrics: right, ..resource })
}

fn cut_metric(mut metric: Metric, keep: &mut usize) -> (Metric, Metric) {
    macro_rules! cut {
        ($kind:ident, $data:expr) => {{
            let mut left = $data;
            let (head, tail) = cut_records(mem::take(&mut left.data_points), keep);
            let mut right = left.clone();
            left.data_points = head;
            right.data_points = tail;
            (Some(Data::$kind(left)), Some(Data::$kind(right)))
        }};
    }
    let (left, right) = match metric.data.take() {
        Some(Data::Sum(sum)) => cut!(Sum, sum),
        Some(Data::Gauge(gauge)) => cut!(Gauge, gauge),
        Some(Data::Histogram(histogram)) => cut!(Histogram, histogram),
        Some(Data::ExponentialHistogram(histogram)) => cut!(ExponentialHistogram, histogram),
        Some(Data::Summary(summary)) => cut!(Summary, summary),
        None => (None, None),
    };
    (Metric { data: left, ..metric.clone() }, Metric { data: right, ..metric })
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::logs::v1::LogRecord;
    use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, Sum};
    use opentelemetry_proto::tonic::trace::v1::Span;
    use proptest::prelude::*;

    use super::*;

    fn logs(shape: &[Vec<usize>]) -> Batch {
        let mut next = 0;
        let mut record = || {
            next += 1;
            LogRecord { time_unix_nano: next, ..Default::default() }
        };
        let resource_logs = shape
            .iter()
            .enumerate()
            .map(|(index, scopes)| ResourceLogs {
                schema_url: index.to_string(),
                scope_logs: scopes
                    .iter()
                    .map(|n| ScopeLogs { log_records: (0..*n).map(|_| record()).collect(), ..Default::default() })
                    .collect(),
                ..Default::default()
            })
            .collect();
        Batch::Logs(ExportLogsServiceRequest { resource_logs })
    }

    /// Each record's number with the resource it stands below.
    fn flat(batch: &Batch) -> Vec<(String, u64)> {
        let Batch::Logs(request) = batch else { unreachable!() };
        let mut all = Vec::new();
        for resource in &request.resource_logs {
            for record in resource.scope_logs.iter().flat_map(|scope| &scope.log_records) {
                all.push((resource.schema_url.clone(), record.time_unix_nano));
            }
        }
        all
    }

    proptest! {
        #[test]
        fn halves_hold_every_record_once_in_order(
            shape in proptest::collection::vec(proptest::collection::vec(0_usize..5, 0..4), 0..5),
        ) {
            let batch = logs(&shape);
            let (whole, records) = (flat(&batch), batch.records());
            match batch.halve() {
                None => prop_assert!(records < 2),
                Some((left, right)) => {
                    prop_assert_eq!(left.records(), records / 2);
                    prop_assert_eq!(right.records(), records - records / 2);
                    let mut both = flat(&left);
                    both.extend(flat(&right));
                    prop_assert_eq!(&both, &whole);
                    let mut joined = left;
                    joined.append(right);
                    prop_assert_eq!(flat(&joined), whole);
                }
            }
        }
    }

    #[test]
    fn a_metric_is_cut_between_its_data_points() {
        let point = |value| NumberDataPoint { time_unix_nano: value, ..Default::default() };
        let sum =
            Sum { data_points: vec![point(1), point(2), point(3)], aggregation_temporality: 1, is_monotonic: true };
        let metric = Metric { name: "cost".into(), data: Some(Data::Sum(sum)), ..Default::default() };
        let scope = ScopeMetrics { metrics: vec![metric], ..Default::default() };
        let batch = Batch::Metrics(ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics { scope_metrics: vec![scope], ..Default::default() }],
        });
        let (left, right) = batch.halve().unwrap();
        assert_eq!((left.records(), right.records()), (1, 2));
        let Batch::Metrics(right) = right else { unreachable!() };
        let metric = &right.resource_metrics[0].scope_metrics[0].metrics[0];
        assert_eq!(metric.name, "cost");
        assert!(matches!(&metric.data, Some(Data::Sum(sum)) if sum.is_monotonic && sum.aggregation_temporality == 1));
    }

    #[test]
    fn spans_are_halved_and_a_single_one_is_not() {
        let traces = |n: usize| {
            let scope = ScopeSpans { spans: vec![Span::default(); n], ..Default::default() };
            Batch::Traces(ExportTraceServiceRequest {
                resource_spans: vec![ResourceSpans { scope_spans: vec![scope], ..Default::default() }],
            })
        };
        let (left, right) = traces(5).halve().unwrap();
        assert_eq!((left.records(), right.records()), (2, 3));
        assert_eq!(traces(1).halve(), None);
        assert_eq!(traces(0).halve(), None);
    }
}
