//! Increments and totals: each destination is given what it takes.

use std::collections::BTreeMap;

use cc_observe::otlp::Batch;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use serde_json::Value;

use crate::support::{OrgEndpoint, Sandbox, records, run};

/// A point of a sum.
#[derive(Clone, Debug)]
struct Point {
    temporality: i32,
    start: u64,
    time: u64,
    value: f64,
    instance: Option<Value>,
}

const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

/// The points of each series, in the order in which they came: by resource, name and attributes.
fn series(endpoint: &OrgEndpoint) -> BTreeMap<String, Vec<Point>> {
    let mut all: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for batch in endpoint.batches() {
        let Batch::Metrics(request) = &batch else { continue };
        let metrics = request.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics);
        let points = metrics.flat_map(|metric| {
            let Some(Data::Sum(sum)) = &metric.data else { panic!("{} is no sum", metric.name) };
            sum.data_points.iter().map(|point| (sum.aggregation_temporality, point))
        });
        for ((temporality, point), record) in points.zip(records(&batch)) {
            let mut resource = record.resource;
            let instance = resource.remove("service.instance.id");
            let value = match point.value {
                Some(Number::AsDouble(value)) => value,
                Some(Number::AsInt(value)) => f64::from(i32::try_from(value).unwrap()),
                None => panic!("no value"),
            };
            let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
            let key = format!("{resource:?} {} {:?}", record.name, record.attributes);
            all.entry(key).or_default().push(Point { temporality, start, time, value, instance });
        }
    }
    all
}

#[test]
fn the_last_total_of_each_series_is_the_sum_of_its_increments() {
    let (increments, totals) = (OrgEndpoint::start(), OrgEndpoint::start());
    let mut sandbox = Sandbox::new();
    sandbox.plays("12a-delta-1s");
    sandbox.write(
        "home/.config/cc-observe/config.toml",
        format!(
            "[destinations.a]\nendpoint = \"{}\"\n[destinations.b]\nendpoint = \"{}\"\ntemporality = \"cumulative\"\n",
            increments.url(),
            totals.url()
        ),
    );
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.wait_until_idle();
    let (increments_of, totals_of) = (series(&increments), series(&totals));
    assert!(increments_of.values().any(|points| points.len() > 2), "{increments_of:?}");
    assert_eq!(increments_of.keys().collect::<Vec<_>>(), totals_of.keys().collect::<Vec<_>>());
    let run = &totals.events("cc_observe.run_ended")[0].resource["cc_observe.run_id"];
    for (name, increments) in increments_of {
        let totals = &totals_of[&name];
        assert!(
            increments.iter().all(|point| point.temporality == DELTA && point.instance.is_none()),
            "{increments:?}"
        );
        assert!(totals.iter().all(|point| point.temporality == CUMULATIVE), "{totals:?}");
        assert!(totals.iter().all(|point| point.start == increments[0].start), "{name} {totals:?}");
        assert!(totals.iter().all(|point| point.instance.as_ref() == Some(run)), "{name} {totals:?}");
        assert!(totals.is_sorted_by(|a, b| a.time < b.time && a.value <= b.value), "{name} {totals:?}");
        let sum: f64 = increments.iter().map(|point| point.value).sum();
        let last = totals.last().unwrap().value;
        assert!((sum - last).abs() <= sum.abs() * 1e-12, "{name}: {sum} {last}");
    }
}

#[test]
fn a_person_who_wanted_totals_gets_them_from_the_relay() {
    for (preference, want) in [("cumulative", CUMULATIVE), ("lowmemory", DELTA)] {
        let endpoint = OrgEndpoint::start();
        let mut sandbox = Sandbox::new();
        sandbox.plays("14-metrics-only").set("CLAUDE_CODE_ENABLE_TELEMETRY", "1");
        sandbox.set("OTEL_METRICS_EXPORTER", "otlp").set("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.url());
        sandbox.set("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference);
        assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
        sandbox.wait_until_idle();
        let asked = &sandbox.world()["telemetry"]["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"];
        assert_eq!(asked, "delta", "{preference}");
        let series = series(&endpoint);
        assert!(!series.is_empty() && series.values().flatten().all(|point| point.temporality == want), "{preference}");
    }
}
