//! What becomes of increments, and of everything else.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram as HistogramData, ResourceMetrics,
    ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use super::*;

const SECOND: u64 = 1_000_000_000;

fn pair((key, text): &(&str, &str)) -> KeyValue {
    let value = Some(AnyValue { value: Some(Any::StringValue((*text).to_owned())) });
    KeyValue { key: (*key).to_owned(), value, ..KeyValue::default() }
}

fn point(attributes: &[(&str, &str)], seconds: (u64, u64), value: Value) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes.iter().map(pair).collect(),
        start_time_unix_nano: seconds.0 * SECOND,
        time_unix_nano: seconds.1 * SECOND,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn sum_of(temporality: i32, data_points: Vec<NumberDataPoint>) -> Data {
    Data::Sum(Sum { data_points, aggregation_temporality: temporality, is_monotonic: true })
}

fn metric(name: &str, unit: &str, data: Data) -> Metric {
    Metric { name: name.to_owned(), unit: unit.to_owned(), data: Some(data), ..Metric::default() }
}

fn resource(attributes: &[(&str, &str)], metrics: Vec<Metric>) -> ResourceMetrics {
    ResourceMetrics {
        resource: Some(Resource { attributes: attributes.iter().map(pair).collect(), ..Resource::default() }),
        scope_metrics: vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }],
        ..ResourceMetrics::default()
    }
}

fn batch(resource_metrics: Vec<ResourceMetrics>) -> Batch {
    Batch::Metrics(ExportMetricsServiceRequest { resource_metrics })
}

/// A batch of one metric.
fn one(data: Data) -> Batch {
    batch(vec![resource(&[("service.name", "x")], vec![metric("m", "1", data)])])
}

fn deltas(points: Vec<NumberDataPoint>) -> Batch {
    one(sum_of(DELTA, points))
}

/// All sums of a batch: temporality, and start, time and value of each point.
fn sums(batch: &Batch) -> Vec<(i32, u64, u64, Value)> {
    let Batch::Metrics(request) = batch else { panic!() };
    let metrics = request.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics);
    let points = metrics.flat_map(|metric| match &metric.data {
        Some(Data::Sum(sum)) => {
            sum.data_points.iter().map(|point| (sum.aggregation_temporality, point)).collect::<Vec<_>>()
        }
        _ => panic!("no sum"),
    });
    points.map(|(t, p)| (t, p.start_time_unix_nano, p.time_unix_nano, p.value.unwrap())).collect()
}

/// Adds up one batch after another; what is told, in seconds, and how many were left out.
#[track_caller]
fn told(accumulator: &mut Accumulator, mut batch: Batch) -> (Vec<(u64, u64, Value)>, u64) {
    let left_out = accumulator.add_up(&mut batch);
    let points = sums(&batch).into_iter().map(|(temporality, start, time, value)| {
        assert_eq!(temporality, CUMULATIVE);
        (start / SECOND, time / SECOND, value)
    });
    (points.collect(), left_out)
}

use Value::{AsDouble, AsInt};

#[test]
fn increments_become_totals_that_begin_with_the_first_of_them() {
    let mut accumulator = Accumulator::default();
    let a = [("type", "a")];
    for (start, time, delta, want) in [
        (10, 20, AsInt(3), AsInt(3)),
        (20, 30, AsInt(4), AsInt(7)),
        (30, 40, AsInt(0), AsInt(7)),
        (40, 50, AsDouble(0.5), AsDouble(7.5)),
        (50, 60, AsInt(1), AsDouble(8.5)),
    ] {
        let got = told(&mut accumulator, deltas(vec![point(&a, (start, time), delta)]));
        assert_eq!(got, (vec![(10, time, want)], 0));
    }
    // Another series begins for itself.
    let other = told(&mut accumulator, deltas(vec![point(&[("type", "b")], (50, 60), AsInt(9))]));
    assert_eq!(other, (vec![(50, 60, AsInt(9))], 0));
}

#[test]
fn a_series_is_what_a_receiver_takes_for_one() {
    let here = [("service.name", "x"), ("run", "1")];
    let (ab, ba) = ([("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")]);
    let first =
        || batch(vec![resource(&here, vec![metric("m", "1", sum_of(DELTA, vec![point(&ab, (1, 2), AsInt(1))]))])]);
    let with = |on: &[(&str, &str)], name: &str, unit: &str, attributes: &[(&str, &str)]| {
        batch(vec![resource(on, vec![metric(name, unit, sum_of(DELTA, vec![point(attributes, (2, 3), AsInt(1))]))])])
    };
    let scoped = |name: &str| {
        let mut batch = with(&here, "m", "1", &ab);
        let Batch::Metrics(request) = &mut batch else { panic!() };
        let scope = InstrumentationScope { name: name.to_owned(), ..InstrumentationScope::default() };
        request.resource_metrics[0].scope_metrics[0].scope = Some(scope);
        batch
    };
    let falling = || {
        let sum = Sum {
            data_points: vec![point(&ab, (2, 3), AsInt(1))],
            aggregation_temporality: DELTA,
            is_monotonic: false,
        };
        batch(vec![resource(&here, vec![metric("m", "1", Data::Sum(sum))])])
    };
    for (second, same) in [
        (with(&here, "m", "1", &ab), true),
        (with(&[here[1], here[0]], "m", "1", &ba), true),
        (with(&[here[0], ("run", "2")], "m", "1", &ab), false),
        (with(&here, "n", "1", &ab), false),
        (with(&here, "m", "2", &ab), false),
        (with(&here, "m", "1", &[("a", "1"), ("b", "3")]), false),
        (with(&here, "m", "1", &[("a", "1")]), false),
        // Keys and values are told apart.
        (with(&here, "m", "1", &[("a", "1"), ("b2", "")]), false),
        (scoped("s"), false),
        (falling(), false),
    ] {
        let mut accumulator = Accumulator::default();
        told(&mut accumulator, first());
        let what = format!("{second:?}");
        assert_eq!(told(&mut accumulator, second).0[0].2, AsInt(if same { 2 } else { 1 }), "{what}");
    }
}

#[test]
fn points_of_one_series_in_one_batch_become_one_point_wherever_they_stand() {
    let mut accumulator = Accumulator::default();
    let a = [("type", "a")];
    let sum = |points| metric("m", "1", sum_of(DELTA, points));
    let split = batch(vec![
        resource(&[], vec![sum(vec![point(&a, (1, 2), AsInt(1)), point(&[], (1, 2), AsInt(10))])]),
        resource(&[], vec![sum(vec![point(&a, (2, 4), AsInt(2)), point(&a, (2, 3), AsInt(4))])]),
    ]);
    assert_eq!(told(&mut accumulator, split.clone()), (vec![(1, 4, AsInt(7)), (1, 2, AsInt(10))], 0));
    let mut batch = split;
    accumulator.add_up(&mut batch);
    assert_eq!(batch.records(), 2);
    let Batch::Metrics(request) = batch else { panic!() };
    assert_eq!(request.resource_metrics.len(), 1, "what holds nothing any more is gone");
}

#[test]
fn exemplars_stay_with_their_series() {
    let exemplar = |nanos| Exemplar { time_unix_nano: nanos, ..Exemplar::default() };
    let with = |nanos| NumberDataPoint { exemplars: vec![exemplar(nanos)], ..point(&[], (1, 2), AsInt(1)) };
    let mut accumulator = Accumulator::default();
    for nanos in [1, 3] {
        let mut batch = deltas(vec![with(nanos), with(nanos + 1)]);
        accumulator.add_up(&mut batch);
        let Batch::Metrics(request) = &batch else { panic!() };
        let Some(Data::Sum(sum)) = &request.resource_metrics[0].scope_metrics[0].metrics[0].data else { panic!() };
        assert_eq!(sum.data_points[0].exemplars, [exemplar(nanos), exemplar(nanos + 1)]);
    }
}

#[test]
fn what_comes_late_counts_and_is_told_after_what_was_told() {
    let mut accumulator = Accumulator::default();
    let mut times = Vec::new();
    for (start, time) in [(30, 40), (10, 20), (40, 40), (50, 60)] {
        let mut batch = deltas(vec![point(&[], (start, time), AsInt(1))]);
        accumulator.add_up(&mut batch);
        let (_, start, time, value) = sums(&batch)[0];
        assert_eq!(start, 30 * SECOND);
        times.push((time, value));
    }
    let forty = 40 * SECOND;
    assert_eq!(
        times,
        [
            (forty, AsInt(1)),
            (forty + MILLISECOND, AsInt(2)),
            (forty + 2 * MILLISECOND, AsInt(3)),
            (60 * SECOND, AsInt(4))
        ]
    );
}

#[test]
fn a_series_of_unknown_start_begins_with_its_first_point() {
    for (start, want) in [(0, 5), (9, 5), (4, 4)] {
        let got = told(&mut Accumulator::default(), deltas(vec![point(&[], (start, 5), AsInt(1))]));
        assert_eq!(got.0, [(want, 5, AsInt(1))]);
    }
}

#[test]
fn totals_stop_at_the_largest_number_there_is() {
    for (first, second, want) in
        [(AsInt(i64::MAX - 1), AsInt(5), AsInt(i64::MAX)), (AsDouble(f64::MAX), AsDouble(f64::MAX), AsDouble(f64::MAX))]
    {
        let mut accumulator = Accumulator::default();
        told(&mut accumulator, deltas(vec![point(&[], (1, 2), first)]));
        assert_eq!(told(&mut accumulator, deltas(vec![point(&[], (2, 3), second)])).0[0].2, want);
    }
}

#[test]
fn a_sum_that_is_not_monotonic_may_fall() {
    let mut accumulator = Accumulator::default();
    for (delta, want) in [(AsInt(5), AsInt(5)), (AsInt(-7), AsInt(-2)), (AsDouble(-0.5), AsDouble(-2.5))] {
        let data_points = vec![point(&[], (1, 2), delta)];
        let sum = Sum { data_points, aggregation_temporality: DELTA, is_monotonic: false };
        assert_eq!(told(&mut accumulator, one(Data::Sum(sum))).0[0].2, want);
    }
}

#[test]
fn what_is_no_increment_is_left_out_and_counted_and_spoils_nothing() {
    let absent = NumberDataPoint { flags: 1, ..point(&[], (2, 3), AsInt(1)) };
    let nothing = NumberDataPoint { value: None, ..point(&[], (2, 3), AsInt(1)) };
    let mut accumulator = Accumulator::default();
    told(&mut accumulator, deltas(vec![point(&[], (1, 2), AsDouble(1.5))]));
    for bad in [
        point(&[], (2, 3), AsDouble(f64::NAN)),
        point(&[], (2, 3), AsDouble(f64::INFINITY)),
        point(&[], (2, 3), AsDouble(f64::NEG_INFINITY)),
        point(&[], (2, 3), AsInt(-1)),
        point(&[], (2, 3), AsDouble(-0.1)),
        absent,
        nothing,
    ] {
        let mut batch = deltas(vec![bad.clone()]);
        assert_eq!((accumulator.add_up(&mut batch), batch.records()), (1, 0), "{bad:?}");
        assert_eq!(batch, self::batch(Vec::new()));
    }
    let good = deltas(vec![point(&[], (2, 3), AsDouble(f64::NAN)), point(&[], (3, 4), AsDouble(1.0))]);
    assert_eq!(told(&mut accumulator, good), (vec![(1, 4, AsDouble(2.5))], 1));
}

#[test]
fn beyond_the_bound_new_series_are_left_out_and_known_ones_go_on() {
    let mut accumulator = Accumulator::with_room(2);
    let of = |name: &str, value| point(&[("n", name)], (1, 2), AsInt(value));
    let first = told(&mut accumulator, deltas(vec![of("a", 1), of("b", 1), of("c", 1), of("c", 1)]));
    assert_eq!(first, (vec![(1, 2, AsInt(1)), (1, 2, AsInt(1))], 2));
    assert_eq!(told(&mut accumulator, deltas(vec![of("c", 1), of("b", 1)])), (vec![(1, 2, AsInt(2))], 1));
    assert_eq!(accumulator.series.len(), 2);
}

fn histogram(bounds: &[f64], counts: &[u64], sum: f64, temporality: i32) -> Batch {
    one(Data::Histogram(HistogramData {
        data_points: vec![HistogramDataPoint {
            start_time_unix_nano: SECOND,
            time_unix_nano: 2 * SECOND,
            count: counts.iter().sum(),
            sum: Some(sum),
            min: Some(sum),
            max: Some(sum),
            bucket_counts: counts.to_vec(),
            explicit_bounds: bounds.to_vec(),
            ..HistogramDataPoint::default()
        }],
        aggregation_temporality: temporality,
    }))
}

fn histogram_point(batch: &Batch) -> (i32, HistogramDataPoint) {
    let Batch::Metrics(request) = batch else { panic!() };
    let Some(Data::Histogram(found)) = &request.resource_metrics[0].scope_metrics[0].metrics[0].data else { panic!() };
    (found.aggregation_temporality, found.data_points[0].clone())
}

#[test]
fn histograms_are_added_bucket_by_bucket() {
    let mut accumulator = Accumulator::default();
    let (mut first, mut second) = (histogram(&[1.0], &[2, 3], 4.0, DELTA), histogram(&[1.0], &[1, 0], 0.5, DELTA));
    assert_eq!((accumulator.add_up(&mut first), accumulator.add_up(&mut second)), (0, 0));
    let (temporality, point) = histogram_point(&second);
    assert_eq!((temporality, point.count, point.bucket_counts), (CUMULATIVE, 6, vec![3, 3]));
    assert_eq!((point.sum, point.min, point.max), (Some(4.5), Some(0.5), Some(4.0)));
    assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (SECOND, 2 * SECOND + MILLISECOND));
    for mut bad in [
        histogram(&[2.0], &[1, 1], 1.0, DELTA),
        histogram(&[1.0], &[1, 1, 1], 1.0, DELTA),
        histogram(&[1.0], &[1, 1], f64::NAN, DELTA),
        histogram(&[], &[1], 1.0, DELTA),
    ] {
        assert_eq!(accumulator.add_up(&mut bad), 1);
    }
    let many = vec![0; MAX_BUCKETS];
    let bounds: Vec<f64> = (1..u32::try_from(MAX_BUCKETS).unwrap()).map(f64::from).collect();
    let mut large = histogram(&bounds, &many, 0.0, DELTA);
    let Batch::Metrics(request) = &mut large else { panic!() };
    request.resource_metrics[0].scope_metrics[0].metrics[0].name = "large".to_owned();
    assert_eq!(accumulator.add_up(&mut large), 1);
}

#[test]
fn exponential_histograms_of_increments_are_left_out() {
    let data_points = vec![ExponentialHistogramDataPoint::default(); 2];
    let data = |temporality| {
        let data_points = data_points.clone();
        one(Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality: temporality }))
    };
    let mut accumulator = Accumulator::default();
    let mut delta = data(DELTA);
    assert_eq!((accumulator.add_up(&mut delta), delta.records()), (2, 0));
    let mut cumulative = data(CUMULATIVE);
    assert_eq!((accumulator.add_up(&mut cumulative), cumulative), (0, data(CUMULATIVE)));
}

#[test]
fn what_is_no_delta_stays_as_it_is() {
    let twice = || vec![point(&[], (1, 2), AsInt(3)), point(&[], (1, 2), AsDouble(f64::NAN))];
    let unchanged = [
        one(sum_of(CUMULATIVE, vec![point(&[], (1, 2), AsInt(3)), point(&[], (1, 2), AsInt(3))])),
        one(sum_of(AggregationTemporality::Unspecified as i32, vec![point(&[], (1, 2), AsInt(3))])),
        one(histogram_data(CUMULATIVE)),
        Batch::Logs(ExportLogsServiceRequest::default()),
        Batch::Traces(ExportTraceServiceRequest::default()),
    ];
    for before in unchanged {
        let mut after = before.clone();
        assert_eq!((Accumulator::default().add_up(&mut after), after), (0, before));
    }
    let mut gauge = one(Data::Gauge(Gauge { data_points: twice() }));
    assert_eq!(Accumulator::default().add_up(&mut gauge), 0);
    assert_eq!(gauge.records(), 2);
}

fn histogram_data(temporality: i32) -> Data {
    let Batch::Metrics(request) = histogram(&[1.0], &[1, 2], 1.0, temporality) else { panic!() };
    request.resource_metrics[0].scope_metrics[0].metrics[0].data.clone().unwrap()
}

#[test]
fn values_of_attributes_are_told_apart_to_their_depth() {
    let any = |value| AnyValue { value: Some(value) };
    let entry = |key: &str, value| KeyValue { key: key.to_owned(), value: Some(any(value)), ..KeyValue::default() };
    let map = |values: Vec<KeyValue>| Any::KvlistValue(KeyValueList { values });
    let list = |values: Vec<Any>| {
        let values = values.into_iter().map(any).collect();
        Any::ArrayValue(ArrayValue { values })
    };
    let id = |item: Any| value(Some(&any(item)));
    let (one, two) = (|| entry("a", Any::IntValue(1)), || entry("b", Any::IntValue(2)));
    assert_eq!(id(map(vec![one(), two()])), id(map(vec![two(), one()])));
    assert_ne!(id(list(vec![Any::IntValue(1), Any::IntValue(2)])), id(list(vec![Any::IntValue(2), Any::IntValue(1)])));
    let different = [
        Any::StringValue("1".to_owned()),
        Any::IntValue(1),
        Any::DoubleValue(1.0),
        Any::BoolValue(true),
        list(vec![Any::IntValue(1)]),
        list(vec![list(vec![Any::IntValue(1)])]),
        map(vec![one()]),
        map(vec![entry("a", Any::IntValue(2))]),
    ];
    let ids: std::collections::BTreeSet<Id> = different.iter().cloned().map(id).collect();
    assert_eq!(ids.len(), different.len());
}

proptest! {
    #![proptest_config(Config { cases: 256, rng_seed: RngSeed::Fixed(0x0cc0_b5e7), failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_last_total_is_the_sum_of_all_increments_and_time_only_rises(
        batches in prop::collection::vec(prop::collection::vec((0..4_u8, 2..50_u64, 0..1_000_i64, any::<bool>()), 1..8), 1..12),
    ) {
        let mut accumulator = Accumulator::default();
        let mut added: BTreeMap<u8, (u64, i64)> = BTreeMap::new();
        let mut last: BTreeMap<u8, (u64, u64, i64)> = BTreeMap::new();
        for points in batches {
            let named = |series: u8| vec![pair(&("n", ["a", "b", "c", "d"][usize::from(series)])), pair(&("z", "z"))];
            let data = points.iter().map(|(series, time, value, swapped)| {
                let mut attributes = named(*series);
                if *swapped {
                    attributes.reverse();
                }
                NumberDataPoint { attributes, ..point(&[], (time - 1, *time), AsInt(*value)) }
            });
            let mut batch = deltas(data.collect());
            prop_assert_eq!(accumulator.add_up(&mut batch), 0);
            for (series, time, value, _) in points {
                let (start, total) = added.entry(series).or_insert((u64::MAX, 0));
                *total += value;
                if !last.contains_key(&series) {
                    *start = (*start).min((time - 1) * SECOND);
                }
            }
            let Batch::Metrics(request) = batch else { panic!() };
            let Some(Data::Sum(sum)) = &request.resource_metrics[0].scope_metrics[0].metrics[0].data else { panic!() };
            let mut seen = Vec::new();
            for point in &sum.data_points {
                let series = (0..4).find(|series| {
                    let mut attributes = point.attributes.clone();
                    attributes.sort_by(|a, b| a.key.cmp(&b.key));
                    attributes == named(*series)
                }).unwrap();
                prop_assert!(!seen.contains(&series), "one point for each series");
                seen.push(series);
                let Some(AsInt(total)) = point.value else { panic!() };
                let now = (point.start_time_unix_nano, point.time_unix_nano, total);
                if let Some(before) = last.insert(series, now) {
                    prop_assert_eq!(before.0, now.0);
                    prop_assert!(now.1 >= before.1 + MILLISECOND && now.2 >= before.2);
                }
            }
        }
        for (series, (start, total)) in added {
            let (told_start, _, told_total) = last[&series];
            prop_assert_eq!((told_start, told_total), (start, total));
        }
    }
}
