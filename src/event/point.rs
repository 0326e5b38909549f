//! Metric data points to events.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, NumberDataPoint, number_data_point};

use super::attributes::Attributes;
use super::kind::Kind;
use super::{Event, Moment, NanoUsd, is_ours, names};

/// One point of a counter.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Which counter.
    pub metric: Metric,
    /// How much: an increment or a running total, by `temporality`.
    pub value: Fixed,
    /// Whether points are to be added up or replace each other.
    pub temporality: Temporality,
    /// `start_time_unix_nano`, as it came: a running total that starts anew has another.
    pub start: u64,
    /// `time_unix_nano`, as it came.
    pub end: u64,
    /// Stands for the metric's name and all attributes of the point, in any order: the series it belongs to.
    pub series: u64,
    /// The model, without `[1m]`; costs and tokens have one.
    pub model: Option<String>,
    /// `main`, `subagent` or `auxiliary`; costs and tokens have one.
    pub query_source: Option<String>,
    /// The subagent.
    pub agent: Option<String>,
}

/// Which counter a point belongs to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Dollars.
    Cost,
    /// Tokens of one type; None for a type that this version does not know.
    Tokens(Option<TokenType>),
    /// Lines added (true) or removed.
    Lines {
        /// Rather than removed.
        added: bool,
    },
    /// Commits made.
    Commits,
    /// Pull requests opened.
    PullRequests,
    /// Seconds of activity, the person's (true) or the client's.
    ActiveTime {
        /// The person's.
        user: bool,
    },
    /// Starts of sessions; not the number of sessions.
    Sessions,
    /// Decisions on edits.
    EditDecisions {
        /// Rather than accepted.
        rejected: bool,
    },
    /// A metric that this version has no type for, by name.
    Other(String),
}

/// Which tokens a point of `claude_code.token.usage` counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenType {
    /// Sent and not from the cache.
    Input,
    /// Answered.
    Output,
    /// Read from the prompt cache.
    CacheRead,
    /// Written to the prompt cache.
    CacheCreation,
}

/// How the points of a series belong together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Temporality {
    /// Each point is an increment.
    Delta,
    /// Each point is the total since its start.
    Cumulative,
}

/// A number that is not negative, in whole billionths: sums do not depend on the order of adding. Saturates.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fixed(u128);

impl Fixed {
    /// Rounded half to even. What is negative or no number is zero.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such casts saturate, NaN becomes 0")]
    pub fn from_f64(value: f64) -> Self {
        Self((value * 1e9).round_ties_even() as u128)
    }

    /// The sum.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// As an amount of dollars.
    pub fn dollars(self) -> NanoUsd {
        NanoUsd::from_nanos(u64::try_from(self.0).unwrap_or(u64::MAX))
    }

    /// The nearest whole number.
    pub fn count(self) -> u64 {
        u64::try_from(self.0.saturating_add(500_000_000) / 1_000_000_000).unwrap_or(u64::MAX)
    }

    /// Thousandths, rounded down: milliseconds of a number of seconds.
    pub fn thousandths(self) -> u64 {
        u64::try_from(self.0 / 1_000_000).unwrap_or(u64::MAX)
    }
}

pub(super) fn read(request: &ExportMetricsServiceRequest) -> Vec<Event> {
    let mut events = Vec::new();
    let mut alike = HashMap::new();
    for resource in &request.resource_metrics {
        let of_resource = Attributes(resource.resource.as_ref().map_or(&[], |resource| &resource.attributes));
        let client_version = of_resource.string("service.version");
        for scope in resource.scope_metrics.iter().filter(|scope| !is_ours(scope.scope.as_ref())) {
            for metric in &scope.metrics {
                let (points, temporality) = match &metric.data {
                    Some(Data::Sum(sum)) => (&sum.data_points, sum.aggregation_temporality),
                    // Claude Code has no others; one that came would be the value of the moment.
                    Some(Data::Gauge(gauge)) => (&gauge.data_points, AggregationTemporality::Cumulative as i32),
                    _ => continue,
                };
                let temporality = if temporality == AggregationTemporality::Cumulative as i32 {
                    Temporality::Cumulative
                } else {
                    Temporality::Delta
                };
                for point in points {
                    let attributes = Attributes(&point.attributes);
                    let mut read = read_point(&metric.name, point, temporality);
                    // Where redaction withheld what told two series apart, their place in the request still does.
                    let nth: &mut u64 = alike.entry((read.series, read.start, read.end)).or_default();
                    read.series = read.series.wrapping_add(*nth);
                    *nth += 1;
                    events.push(Event {
                        time: Moment::from_unix_nanos(point.time_unix_nano),
                        session: attributes.string("session.id"),
                        prompt: None,
                        sequence: None,
                        client_version: client_version.clone(),
                        kind: Kind::Point(read),
                    });
                }
            }
        }
    }
    events
}

fn read_point(name: &str, point: &NumberDataPoint, temporality: Temporality) -> Point {
    let attributes = Attributes(&point.attributes);
    let kind = attributes.str("type");
    let metric = match name {
        names::COST => Metric::Cost,
        names::TOKENS => Metric::Tokens(match kind {
            Some("input") => Some(TokenType::Input),
            Some("output") => Some(TokenType::Output),
            Some("cacheRead") => Some(TokenType::CacheRead),
            Some("cacheCreation") => Some(TokenType::CacheCreation),
            _ => None,
        }),
        names::LINES_OF_CODE => Metric::Lines { added: kind == Some("added") },
        names::COMMITS => Metric::Commits,
        names::PULL_REQUESTS => Metric::PullRequests,
        names::ACTIVE_TIME => Metric::ActiveTime { user: kind == Some("user") },
        names::SESSIONS => Metric::Sessions,
        names::CODE_EDIT_DECISION => Metric::EditDecisions { rejected: attributes.str("decision") == Some("reject") },
        other => Metric::Other(other.to_owned()),
    };
    let value = match point.value {
        Some(number_data_point::Value::AsDouble(double)) => double,
        #[expect(clippy::cast_precision_loss, reason = "counters of a session are far below 2^53")]
        Some(number_data_point::Value::AsInt(int)) => int as f64,
        None => 0.0,
    };
    Point {
        metric,
        value: Fixed::from_f64(value),
        temporality,
        start: point.start_time_unix_nano,
        end: point.time_unix_nano,
        series: series(name, &point.attributes),
        // The metric says `claude-sonnet-4-5[1m]` where the event says `claude-sonnet-4-5` (BEHAVIOUR, section 11).
        model: attributes.str("model").map(|model| model.strip_suffix("[1m]").unwrap_or(model).to_owned()),
        query_source: attributes.string("query_source"),
        agent: attributes.string("agent.name"),
    }
}

/// The same for the same name and attributes, in whatever order they come.
fn series(name: &str, attributes: &[KeyValue]) -> u64 {
    let mut sorted: Vec<_> =
        attributes.iter().map(|attribute| (&attribute.key, format!("{:?}", attribute.value))).collect();
    sorted.sort();
    let mut hasher = DefaultHasher::new();
    (name, sorted).hash(&mut hasher);
    hasher.finish()
}
