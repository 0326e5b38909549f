//! Deltas become running totals, series by series, for receivers that take nothing else.
//!
//! A series is what a receiver takes for one: resource, scope, name, unit and kind of a metric, and the attributes of the
//! point, in any order. Only increments change; gauges and what is cumulative already stay as they are.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, DataPointFlags, Exemplar, HistogramDataPoint, Metric, NumberDataPoint,
};
use ring::digest::{Context, SHA256};

use super::{Batch, data_points};

/// The most series that are added up. Points of more are left out.
pub const MAX_SERIES: usize = 10_000;

/// The most buckets of histograms, of all series together.
const MAX_BUCKETS: usize = 100_000;

/// What points of a series are apart at least: the resolution of receivers that take one point for each instant.
const MILLISECOND: u64 = 1_000_000;

const DELTA: i32 = AggregationTemporality::Delta as i32;
const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// The totals of a run so far.
#[derive(Debug)]
pub struct Accumulator {
    series: HashMap<Id, Series>,
    max_series: usize,
    /// Of all series together.
    buckets: usize,
}

/// What tells a series from others: a SHA-256, so that long attributes are not kept.
type Id = [u8; 32];

#[derive(Debug)]
struct Series {
    /// When its first increment began, in nanoseconds since 1970. Does not change any more once it was told.
    start: u64,
    /// The time of the last point that was told.
    told: Option<u64>,
    total: Total,
    /// What a batch being worked on brings.
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    time: u64,
    exemplars: Vec<Exemplar>,
}

#[derive(Clone, Debug, PartialEq)]
enum Total {
    Int(i64),
    /// Finite.
    Double(f64),
    Histogram(Histogram),
}

#[derive(Clone, Debug, PartialEq)]
struct Histogram {
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    bounds: Vec<f64>,
    counts: Vec<u64>,
}

/// What becomes of a point of a batch.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Added {
    /// It is the first of its series in this batch, and tells the total.
    First,
    /// It is in the total that the first of its series tells.
    Merged,
    /// It cannot be added.
    LeftOut,
}

impl Default for Accumulator {
    fn default() -> Self {
        Self::with_room(MAX_SERIES)
    }
}

impl Accumulator {
    fn with_room(max_series: usize) -> Self {
        Self { series: HashMap::new(), max_series, buckets: 0 }
    }

    /// Puts the total so far in the place of each increment; of a series that is there more than once, one point stays.
    ///
    /// Gives how many points were left out: of new series beyond [`MAX_SERIES`], without a finite value, falling although
    /// their sum only rises, histograms with other bounds than before, and exponential histograms.
    pub fn add_up(&mut self, batch: &mut Batch) -> u64 {
        let Batch::Metrics(request) = batch else { return 0 };
        let (mut firsts, mut left_out) = (Vec::new(), 0);
        for from in &mut request.resource_metrics {
            let resource = attributes(from.resource.iter().flat_map(|resource| &resource.attributes));
            for from in &mut from.scope_metrics {
                let scope = scope(&resource, from.scope.as_ref());
                for metric in &mut from.metrics {
                    left_out += self.take(&scope, metric, &mut firsts);
                }
            }
        }
        let mut firsts = firsts.into_iter();
        let scopes = request.resource_metrics.iter_mut().flat_map(|from| &mut from.scope_metrics);
        for data in scopes.flat_map(|scope| &mut scope.metrics).filter_map(|metric| metric.data.as_mut()) {
            self.tell(data, &mut firsts);
        }
        without_empty(request);
        left_out
    }

    /// Adds the increments of a metric to their series, and leaves of each series the first point in the batch.
    fn take(&mut self, scope: &Id, metric: &mut Metric, firsts: &mut Vec<Id>) -> u64 {
        let mut hash = Hash::default();
        hash.bytes(scope);
        hash.bytes(metric.name.as_bytes());
        hash.bytes(metric.unit.as_bytes());
        let mut left_out = 0;
        let mut keep = |added: Added, id: Id| {
            match added {
                Added::First => firsts.push(id),
                Added::LeftOut => left_out += 1,
                Added::Merged => {}
            }
            added == Added::First
        };
        match &mut metric.data {
            Some(Data::Sum(sum)) if sum.aggregation_temporality == DELTA => {
                let rises = sum.is_monotonic;
                hash.bytes(if rises { b"rising sum" } else { b"sum" });
                let name = hash.finish();
                sum.data_points.retain_mut(|point| {
                    let id = series(&name, &point.attributes);
                    let value = Total::of_number(point).filter(|value| !(rises && value.falls()));
                    let times = (point.start_time_unix_nano, point.time_unix_nano);
                    keep(self.add(id, times, value, &mut point.exemplars), id)
                });
            }
            Some(Data::Histogram(histogram)) if histogram.aggregation_temporality == DELTA => {
                hash.bytes(b"histogram");
                let name = hash.finish();
                histogram.data_points.retain_mut(|point| {
                    let id = series(&name, &point.attributes);
                    let times = (point.start_time_unix_nano, point.time_unix_nano);
                    keep(self.add(id, times, Total::of_histogram(point), &mut point.exemplars), id)
                });
            }
            // Buckets of different scales are not worth it: the client has none.
            Some(Data::ExponentialHistogram(histogram)) if histogram.aggregation_temporality == DELTA => {
                left_out += mem::take(&mut histogram.data_points).len() as u64;
            }
            _ => {}
        }
        left_out
    }

    fn add(&mut self, id: Id, (start, time): (u64, u64), value: Option<Total>, exemplars: &mut Vec<Exemplar>) -> Added {
        let Some(value) = value else { return Added::LeftOut };
        // Zero is "unknown", and nothing begins after its end.
        let start = if start == 0 { time } else { start.min(time) };
        let (room, known) = (self.series.len() < self.max_series, self.buckets);
        let series = match self.series.entry(id) {
            Entry::Occupied(there) => {
                let series = there.into_mut();
                if !series.total.add(value) {
                    return Added::LeftOut;
                }
                series
            }
            Entry::Vacant(free) => {
                let buckets = known + value.buckets();
                if !room || buckets > MAX_BUCKETS {
                    return Added::LeftOut;
                }
                self.buckets = buckets;
                free.insert(Series { start, told: None, total: value, pending: None })
            }
        };
        if let Some(pending) = &mut series.pending {
            pending.time = pending.time.max(time);
            if series.told.is_none() {
                series.start = series.start.min(start);
            }
            pending.exemplars.append(exemplars);
            Added::Merged
        } else {
            series.pending = Some(Pending { time, exemplars: mem::take(exemplars) });
            Added::First
        }
    }

    /// Gives the points that stayed the totals of their series, in the order in which they were taken.
    fn tell(&mut self, data: &mut Data, firsts: &mut impl Iterator<Item = Id>) {
        let mut next = || firsts.next().and_then(|id| self.series.get_mut(&id)).and_then(Series::tell);
        match data {
            Data::Sum(sum) if sum.aggregation_temporality == DELTA => {
                sum.aggregation_temporality = CUMULATIVE;
                for point in &mut sum.data_points {
                    if let Some((start, time, total, exemplars)) = next() {
                        (point.start_time_unix_nano, point.time_unix_nano) = (start, time);
                        (point.exemplars, point.value) = (exemplars, total.number());
                    }
                }
            }
            Data::Histogram(histogram) if histogram.aggregation_temporality == DELTA => {
                histogram.aggregation_temporality = CUMULATIVE;
                for point in &mut histogram.data_points {
                    if let Some((start, time, Total::Histogram(total), exemplars)) = next() {
                        (point.start_time_unix_nano, point.time_unix_nano) = (start, time);
                        (point.count, point.sum, point.min, point.max) = (total.count, total.sum, total.min, total.max);
                        (point.exemplars, point.bucket_counts) = (exemplars, total.counts);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Series {
    /// Start, time, total and exemplars of the point for this batch. A point that comes late is told after what was
    /// told before: the total at its own time is not known any more.
    fn tell(&mut self) -> Option<(u64, u64, Total, Vec<Exemplar>)> {
        let Pending { time, exemplars } = self.pending.take()?;
        let time = time.max(self.told.map_or(0, |told| told.saturating_add(MILLISECOND)));
        self.told = Some(time);
        Some((self.start, time, self.total.clone(), exemplars))
    }
}

impl Total {
    /// None where there is nothing that could be added.
    fn of_number(point: &NumberDataPoint) -> Option<Self> {
        if is_absent(point.flags) {
            return None;
        }
        match point.value? {
            Value::AsInt(value) => Some(Self::Int(value)),
            Value::AsDouble(value) => Some(Self::Double(value)).filter(|_| value.is_finite()),
        }
    }

    fn of_histogram(point: &HistogramDataPoint) -> Option<Self> {
        let (bounds, counts) = (&point.explicit_bounds, &point.bucket_counts);
        let fits = bounds.len() + 1 == counts.len() || bounds.is_empty() && counts.is_empty();
        let finite = [point.sum, point.min, point.max].into_iter().flatten().all(f64::is_finite);
        (fits && finite && !is_absent(point.flags)).then(|| {
            Self::Histogram(Histogram {
                count: point.count,
                sum: point.sum,
                min: point.min,
                max: point.max,
                bounds: bounds.clone(),
                counts: counts.clone(),
            })
        })
    }

    fn falls(&self) -> bool {
        match self {
            Self::Int(value) => *value < 0,
            Self::Double(value) => *value < 0.0,
            Self::Histogram(_) => false,
        }
    }

    fn buckets(&self) -> usize {
        match self {
            Self::Histogram(histogram) => histogram.counts.len(),
            Self::Int(_) | Self::Double(_) => 0,
        }
    }

    /// Adds an increment, up to the largest number there is. False where it cannot be added: all stays as it was.
    fn add(&mut self, other: Self) -> bool {
        match (&mut *self, other) {
            (Self::Int(total), Self::Int(value)) => *total = total.saturating_add(value),
            (Self::Int(total), Self::Double(value)) => *self = Self::Double(sum(double(*total), value)),
            (Self::Double(total), Self::Int(value)) => *total = sum(*total, double(value)),
            (Self::Double(total), Self::Double(value)) => *total = sum(*total, value),
            (Self::Histogram(total), Self::Histogram(value)) => return total.add(&value),
            (Self::Histogram(_), _) | (_, Self::Histogram(_)) => return false,
        }
        true
    }

    fn number(self) -> Option<Value> {
        match self {
            Self::Int(value) => Some(Value::AsInt(value)),
            Self::Double(value) => Some(Value::AsDouble(value)),
            Self::Histogram(_) => None,
        }
    }
}

impl Histogram {
    fn add(&mut self, other: &Self) -> bool {
        if self.bounds != other.bounds || self.counts.len() != other.counts.len() {
            return false;
        }
        let both = |a: Option<f64>, b: Option<f64>, of: fn(f64, f64) -> f64| Some(of(a?, b?));
        self.count = self.count.saturating_add(other.count);
        self.sum = both(self.sum, other.sum, sum);
        self.min = both(self.min, other.min, f64::min);
        self.max = both(self.max, other.max, f64::max);
        for (total, value) in self.counts.iter_mut().zip(&other.counts) {
            *total = total.saturating_add(*value);
        }
        true
    }
}

/// The sum of two finite numbers, finite.
fn sum(a: f64, b: f64) -> f64 {
    (a + b).clamp(f64::MIN, f64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a series with numbers of both types is one of doubles")]
fn double(value: i64) -> f64 {
    value as f64
}

fn is_absent(flags: u32) -> bool {
    flags & DataPointFlags::NoRecordedValueMask as u32 != 0
}

/// Takes out what holds no point any more.
fn without_empty(request: &mut ExportMetricsServiceRequest) {
    for from in &mut request.resource_metrics {
        for scope in &mut from.scope_metrics {
            scope.metrics.retain(|metric| data_points(metric.data.as_ref()) > 0);
        }
        from.scope_metrics.retain(|scope| !scope.metrics.is_empty());
    }
    request.resource_metrics.retain(|from| !from.scope_metrics.is_empty());
}

/// A digest of parts, each with its length before it.
struct Hash(Context);

impl Default for Hash {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Hash {
    fn bytes(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn finish(self) -> Id {
        let mut id = Id::default();
        id.copy_from_slice(self.0.finish().as_ref());
        id
    }
}

fn scope(resource: &Id, scope: Option<&InstrumentationScope>) -> Id {
    let mut hash = Hash::default();
    hash.bytes(resource);
    if let Some(scope) = scope {
        hash.bytes(scope.name.as_bytes());
        hash.bytes(scope.version.as_bytes());
        hash.bytes(&attributes(&scope.attributes));
    }
    hash.finish()
}

fn series(metric: &Id, point: &[KeyValue]) -> Id {
    let mut hash = Hash::default();
    hash.bytes(metric);
    hash.bytes(&attributes(point));
    hash.finish()
}

/// The same for the same attributes in any order.
fn attributes<'a>(list: impl IntoIterator<Item = &'a KeyValue>) -> Id {
    let each = list.into_iter().map(|attribute| {
        let mut hash = Hash::default();
        hash.bytes(attribute.key.as_bytes());
        hash.bytes(&value(attribute.value.as_ref()));
        hash.finish()
    });
    let mut each: Vec<Id> = each.collect();
    each.sort_unstable();
    let mut hash = Hash::default();
    for id in &each {
        hash.bytes(id);
    }
    hash.finish()
}

/// Nested as deep as the decoder lets values be.
fn value(any: Option<&AnyValue>) -> Id {
    let mut hash = Hash::default();
    match any.and_then(|any| any.value.as_ref()) {
        Some(Any::KvlistValue(map)) => {
            hash.bytes(b"map");
            hash.bytes(&attributes(&map.values));
        }
        Some(Any::ArrayValue(list)) => {
            hash.bytes(b"list");
            list.values.iter().for_each(|item| hash.bytes(&value(Some(item))));
        }
        _ => hash.bytes(&any.map(prost::Message::encode_to_vec).unwrap_or_default()),
    }
    hash.finish()
}

#[cfg(test)]
mod tests;
