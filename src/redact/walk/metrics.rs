//! Metrics, their data points, and what exemplars of theirs say.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint,
};

use super::{Walk, id, rows, short};
use crate::otlp::data_points;
use crate::redact::levels::table::{self, Rows};

impl Walk<'_> {
    pub(super) fn metrics(&mut self, request: ExportMetricsServiceRequest) -> ExportMetricsServiceRequest {
        let mut resource_metrics = Vec::new();
        for from in request.resource_metrics {
            let resource = self.resource(from.resource);
            let mut scope_metrics = Vec::new();
            for from in from.scope_metrics {
                let points = from.metrics.iter().map(|metric| data_points(metric.data.as_ref())).sum();
                let Some((scope, _)) = self.scope(from.scope, points) else { continue };
                let schema_url = self.schema(from.schema_url);
                let metrics = from.metrics.into_iter().filter_map(|metric| self.metric(metric)).collect();
                scope_metrics.push(ScopeMetrics { scope: Some(scope), metrics, schema_url });
            }
            if !scope_metrics.is_empty() {
                let schema_url = self.schema(from.schema_url);
                resource_metrics.push(ResourceMetrics { resource: Some(resource), scope_metrics, schema_url });
            }
        }
        ExportMetricsServiceRequest { resource_metrics }
    }

    fn metric(&mut self, from: Metric) -> Option<Metric> {
        let named = table::metric(&from.name);
        let event = short(named, from.name.clone());
        if self.policy.drop.metric(&from.name, &event) {
            self.withheld.configured += 1;
            return None;
        }
        self.event = event;
        let is_description = table::is_description(&from.name, &from.description);
        let name = self.word("name", from.name);
        if name.is_empty() {
            self.withheld.records += data_points(from.data.as_ref()) as u64;
            return None;
        }
        Some(Metric {
            name,
            description: if is_description { from.description } else { self.written("description", from.description) },
            unit: self.word("unit", from.unit),
            metadata: self.attributes(from.metadata, &[]),
            data: from.data.map(|data| self.metric_data(data, rows(named))),
        })
    }

    fn metric_data(&mut self, data: Data, lists: &[Rows]) -> Data {
        match data {
            Data::Sum(sum) => Data::Sum(Sum {
                data_points: self.numbers(sum.data_points, lists),
                aggregation_temporality: sum.aggregation_temporality,
                is_monotonic: sum.is_monotonic,
            }),
            Data::Gauge(gauge) => Data::Gauge(Gauge { data_points: self.numbers(gauge.data_points, lists) }),
            Data::Histogram(histogram) => Data::Histogram(Histogram {
                data_points: histogram.data_points.into_iter().map(|point| self.histogram(point, lists)).collect(),
                aggregation_temporality: histogram.aggregation_temporality,
            }),
            Data::ExponentialHistogram(histogram) => Data::ExponentialHistogram(ExponentialHistogram {
                data_points: histogram.data_points.into_iter().map(|point| self.exponential(point, lists)).collect(),
                aggregation_temporality: histogram.aggregation_temporality,
            }),
            Data::Summary(summary) => Data::Summary(Summary {
                data_points: summary.data_points.into_iter().map(|point| self.summary(point, lists)).collect(),
            }),
        }
    }

    fn numbers(&mut self, points: Vec<NumberDataPoint>, lists: &[Rows]) -> Vec<NumberDataPoint> {
        points
            .into_iter()
            .map(|point| NumberDataPoint {
                attributes: self.of_point(point.attributes, lists),
                start_time_unix_nano: point.start_time_unix_nano,
                time_unix_nano: point.time_unix_nano,
                exemplars: self.exemplars(point.exemplars, lists),
                flags: point.flags,
                value: point.value,
            })
            .collect()
    }

    fn histogram(&mut self, point: HistogramDataPoint, lists: &[Rows]) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: self.of_point(point.attributes, lists),
            exemplars: self.exemplars(point.exemplars, lists),
            ..point
        }
    }

    fn exponential(&mut self, point: ExponentialHistogramDataPoint, lists: &[Rows]) -> ExponentialHistogramDataPoint {
        ExponentialHistogramDataPoint {
            attributes: self.of_point(point.attributes, lists),
            exemplars: self.exemplars(point.exemplars, lists),
            ..point
        }
    }

    fn summary(&mut self, point: SummaryDataPoint, lists: &[Rows]) -> SummaryDataPoint {
        SummaryDataPoint { attributes: self.of_point(point.attributes, lists), ..point }
    }

    fn of_point(&mut self, from: Vec<KeyValue>, lists: &[Rows]) -> Vec<KeyValue> {
        let found_before = self.findings.len();
        let attributes = self.attributes(from, lists);
        self.identify(found_before, &attributes);
        attributes
    }

    fn exemplars(&mut self, from: Vec<Exemplar>, lists: &[Rows]) -> Vec<Exemplar> {
        let each = from.into_iter().map(|exemplar| Exemplar {
            filtered_attributes: self.attributes(exemplar.filtered_attributes, lists),
            time_unix_nano: exemplar.time_unix_nano,
            span_id: id(exemplar.span_id, 8),
            trace_id: id(exemplar.trace_id, 16),
            value: exemplar.value,
        });
        each.collect()
    }
}
