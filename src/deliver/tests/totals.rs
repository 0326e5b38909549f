//! A destination that wants totals gets them, in order, and the same each time.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum};

use super::*;
use crate::config::Temporality;
use crate::otlp::{Batch, Encoding, decode, encode};
use crate::redact::Redacted;

fn totals_for(url: &str) -> Destination {
    Destination { temporality: Temporality::Cumulative, ..destination(url) }
}

/// A batch of increments of one sum, given at `commands`, each with an attribute that only `content` gives.
fn increments(values: &[(&str, f64)]) -> Redacted<Vec<u8>> {
    let points = values.iter().map(|(other, value)| NumberDataPoint {
        attributes: vec![KeyValue {
            key: "not.in.the.table".to_owned(),
            value: Some(AnyValue { value: Some(Any::StringValue((*other).to_owned())) }),
            ..KeyValue::default()
        }],
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        value: Some(Value::AsDouble(*value)),
        ..NumberDataPoint::default()
    });
    let sum = Sum { data_points: points.collect(), aggregation_temporality: 1, is_monotonic: true };
    let metric = Metric { name: "claude_code.cost.usage".to_owned(), data: Some(Data::Sum(sum)), ..Metric::default() };
    let scope =
        InstrumentationScope { name: "com.anthropic.claude_code".to_owned(), ..InstrumentationScope::default() };
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics: vec![metric], ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    let bytes = encode(&Batch::Metrics(ExportMetricsServiceRequest { resource_metrics }));
    let policy = Policy::of(CaptureLevel::Content);
    Redactor::of_tests().again(Signal::Metrics, &bytes, &policy).unwrap().encode()
}

async fn push_increments(delivery: &Delivery, values: &[(&str, f64)]) -> Kept {
    delivery.push(Signal::Metrics, values.len() as u64, 7, increments(values)).await
}

/// Temporality, time and value of the points of a body.
fn points(body: &[u8]) -> Vec<(i32, u64, f64)> {
    let Batch::Metrics(request) = decode(Signal::Metrics, Encoding::Protobuf, body).unwrap() else { panic!() };
    let metrics = request.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics);
    let points = metrics.flat_map(|metric| {
        let Some(Data::Sum(sum)) = &metric.data else { panic!("no sum") };
        sum.data_points.iter().map(|point| (sum.aggregation_temporality, point.time_unix_nano, point.value))
    });
    let value = |value| if let Some(Value::AsDouble(value)) = value { value } else { panic!("no number") };
    points.map(|(temporality, time, number)| (temporality, time, value(number))).collect()
}

#[tokio::test]
async fn batches_that_come_at_once_are_added_up_and_spooled_in_one_order() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let delivery = Arc::new(start(&totals_for(&endpoint.url), fixture.queue("run-1"), Vec::new(), NOW));
    let pushes: Vec<_> = (0..40)
        .map(|_| {
            let delivery = Arc::clone(&delivery);
            tokio::spawn(async move { push_increments(&delivery, &[("a", 1.0)]).await })
        })
        .collect();
    for push in pushes {
        push.await.unwrap();
    }
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let received: Vec<_> = endpoint.received().iter().flat_map(|request| points(&request.body)).collect();
    assert_eq!(received.iter().map(|point| point.2).collect::<Vec<_>>(), (1..=40).map(f64::from).collect::<Vec<_>>());
    assert!(received.is_sorted_by(|a, b| a.1 < b.1) && received.iter().all(|point| point.0 == 2), "{received:?}");
}

#[tokio::test(start_paused = true)]
async fn until_a_batch_waits_to_be_sent_none_is_added_up_after_it() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let delivery = Arc::new(start(&totals_for(&endpoint.url), fixture.queue("run-1"), Vec::new(), NOW));
    delivery.gate(true);
    let pushing = Arc::clone(&delivery);
    let push = tokio::spawn(async move { push_increments(&pushing, &[("a", 1.0)]).await });
    tokio::task::yield_now().await;
    delivery.wait_until_held();
    let too_early = tokio::select! {
        biased;
        () = delivery.turn() => true,
        () = tokio::task::yield_now() => false,
    };
    delivery.gate(false);
    push.await.unwrap();
    assert!(!too_early);
    delivery.turn().await;
}

#[tokio::test]
async fn a_total_that_is_sent_again_or_by_a_later_run_is_the_same() {
    let fixture = fixture();
    let silent = EndpointStub::start([Reply::Status(503), Reply::Close, Reply::Status(503)]).await;
    let first = start(&totals_for(&silent.url), fixture.queue("run-1"), Vec::new(), NOW);
    push_increments(&first, &[("a", 1.0)]).await;
    assert_eq!(first.idle(never()).await, Idle::Empty);
    let bodies: Vec<_> = silent.received().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies.len(), 4);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    first.close().await;

    let away = EndpointStub::answering(|_| Reply::Status(503)).await;
    let second = start(&totals_for(&away.url), fixture.queue("run-2"), Vec::new(), LATER);
    for value in [1.0, 2.0] {
        push_increments(&second, &[("a", value)]).await;
    }
    second.close().await;
    drop(second);
    let endpoint = EndpointStub::start([]).await;
    let adopted = fixture.spool.adopt("org").unwrap();
    let third = start(&totals_for(&endpoint.url), fixture.queue("run-3"), adopted, NOW);
    assert_eq!(third.idle(never()).await, Idle::Empty);
    let values: Vec<_> = endpoint.received().iter().flat_map(|request| points(&request.body)).collect();
    assert_eq!(values.iter().map(|point| point.2).collect::<Vec<_>>(), [1.0, 3.0]);
}

#[tokio::test]
async fn points_that_a_level_makes_one_series_are_one_point() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let delivery = start(&totals_for(&endpoint.url), fixture.queue("run-1"), Vec::new(), NOW);
    push_increments(&delivery, &[("a", 1.0), ("b", 2.0)]).await;
    push_increments(&delivery, &[("c", 4.0)]).await;
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let values: Vec<_> = endpoint.received().iter().map(|request| points(&request.body)).collect();
    assert_eq!(
        values.iter().map(|points| points.iter().map(|point| point.2).collect()).collect::<Vec<Vec<_>>>(),
        [[3.0], [7.0]]
    );
    assert_eq!(delivery.close().await.own.metrics.delivered, Count { batches: 2, records: 2 });
}

#[tokio::test]
async fn what_cannot_be_added_up_is_counted_as_dropped() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let delivery = start(&totals_for(&endpoint.url), fixture.queue("run-1"), Vec::new(), NOW);
    push_increments(&delivery, &[("a", 1.0), ("a", f64::NAN)]).await;
    assert_eq!(push_increments(&delivery, &[("a", -1.0), ("b", f64::INFINITY)]).await, Kept::Nowhere);
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    let counts = delivery.close().await.own.metrics;
    assert!(counts.adds_up(), "{counts:?}");
    assert_eq!(counts.accepted, Count { batches: 2, records: 4 });
    assert_eq!(counts.delivered, Count { batches: 1, records: 1 });
    assert_eq!(counts.dropped, Count { batches: 1, records: 3 });
}

#[tokio::test]
async fn a_batch_that_waits_for_a_disk_holds_back_no_total_for_long() {
    let (fixture, endpoint) = (fixture(), EndpointStub::start([]).await);
    let delivery = start(&totals_for(&endpoint.url), fixture.queue("run-1"), Vec::new(), NOW);
    delivery.gate(true);
    for value in [1.0, 2.0] {
        assert_eq!(push_increments(&delivery, &[("a", value)]).await, Kept::InMemory);
    }
    assert_eq!(delivery.idle(never()).await, Idle::Empty);
    delivery.gate(false);
    let values: Vec<_> = endpoint.received().iter().flat_map(|request| points(&request.body)).collect();
    assert_eq!(values.iter().map(|point| point.2).collect::<Vec<_>>(), [1.0, 3.0]);
}
