//! What the relay has to say of a run: to the launcher, and to the organization as `cc_observe.run_ended`.

use std::time::Duration;

use jiff::Timestamp;

use super::control::{Exit, Start};
use super::pipeline::Pipeline;
use super::spending::Account;
use crate::deliver::DeliveryCounts;
use crate::event::Moment;
use crate::otlp::Signal;
use crate::redact::{CaptureLevel, OwnValue, RuleId, Tally};
use crate::report::{self, Amount, Masked, Note, NothingReason, Received, RunSummary};
use crate::spool::Count;

/// A claude that ran for longer should have sent something.
const SHOULD_HAVE_SENT: Duration = Duration::from_secs(10);

/// The document about the run, as it stands now.
pub(super) fn summary(
    pipeline: &Pipeline,
    start: &Start,
    spending: &Account,
    ended: Timestamp,
    exit: Option<Exit>,
) -> RunSummary {
    let counted = pipeline.counted();
    let session = counted.ledger.totals();
    let delivery: Vec<report::Delivery> = pipeline
        .destinations()
        .iter()
        .map(|(destination, delivery)| {
            delivered(&destination.name, &destination.endpoint.to_string(), &delivery.counts())
        })
        .collect();
    // What was shown was sent to nobody.
    let delivery = if start.dry { Vec::new() } else { delivery };
    let enrichment = pipeline.enrichment();
    let mut notes = start.notes.clone();
    let duration = between(start.started, ended);
    if let Some(reason) = nothing_arrived(&counted.received, duration, exit, &notes) {
        notes.push(Note::NothingArrived { reason });
    }
    if session.missing_events > 0 {
        notes.push(Note::Gap { missing: session.missing_events });
    }
    for delivery in delivery.iter().filter(|delivery| delivery.last_error.is_none() && delivery.waiting() > 0) {
        notes.push(Note::OnTheirWay { destination: delivery.destination.clone(), batches: delivery.waiting() });
    }
    // What was passed at the start is passed still, unless a day or month has begun since.
    notes.retain(|note| !matches!(note, Note::BudgetPassed { .. }));
    notes.extend(spending.passed(session.cost));
    let withheld = &counted.withheld;
    RunSummary {
        run_id: start.run_id.clone(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        policy_hash: enrichment.get("cc_observe.policy_hash").map(str::to_owned),
        started: moment(start.started),
        ended: moment(ended),
        duration,
        exit: exit.and_then(|exit| match exit {
            Exit { signal: Some(signal), .. } => Some(report::Exit::Signal(signal)),
            Exit { code: Some(code), .. } => Some(report::Exit::Code(code)),
            Exit { .. } => None,
        }),
        repository: enrichment
            .get("vcs.repository.url.full")
            .or_else(|| enrichment.get("vcs.repository.name"))
            .map(str::to_owned),
        branch: enrichment.get("vcs.ref.head.name").map(str::to_owned),
        session,
        received: counted.received,
        redaction: report::Redaction {
            attributes_withheld: withheld.attributes,
            records_dropped: withheld.records,
            by_reason: [
                ("capture_level", withheld.attributes),
                ("configured", withheld.configured),
                ("foreign_scope", withheld.records),
                ("unreadable", withheld.unreadable),
            ]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| (reason.to_owned(), count))
            .collect(),
            masked: masked(pipeline, &counted.masked),
        },
        delivery,
        notes,
        ..RunSummary::default()
    }
}

/// What was masked, by rule, the most first.
fn masked(pipeline: &Pipeline, tally: &Tally) -> Vec<Masked> {
    let rules = pipeline.redactor().rules();
    let what = |id: &RuleId| rules.iter().find(|rule| rule.id == *id).map_or(id.as_str(), |rule| &rule.what).to_owned();
    let mut masked: Vec<Masked> = tally
        .by_rule()
        .map(|(rule, count)| Masked {
            rule: rule.to_string(),
            what: what(rule),
            secrets: count.secrets,
            places: count.places,
        })
        .collect();
    masked.sort_by(|a, b| b.secrets.cmp(&a.secrets).then_with(|| a.rule.cmp(&b.rule)));
    masked
}

/// Why nothing arrived, if something should have.
fn nothing_arrived(
    received: &Received,
    duration: Duration,
    exit: Option<Exit>,
    notes: &[Note],
) -> Option<NothingReason> {
    let by_signal = received.by_signal();
    if by_signal.iter().any(|(_, signal)| signal.requests > 0) {
        return None;
    }
    if notes.contains(&Note::Unobserved) {
        return None;
    }
    let rejected = by_signal.iter().any(|(_, signal)| signal.rejected_requests > 0);
    if duration <= SHOULD_HAVE_SENT && !rejected {
        return None;
    }
    Some(if notes.iter().any(|note| matches!(note, Note::Bypassed { .. })) {
        NothingReason::ManagedSettings
    } else if rejected {
        NothingReason::AllRejected
    } else if notes.iter().any(|note| matches!(note, Note::SettingsNotMerged { .. })) {
        NothingReason::OwnSettings
    } else if exit.is_some_and(|exit| exit.signal.is_some()) {
        NothingReason::Killed
    } else {
        NothingReason::Unknown
    })
}

fn delivered(name: &str, endpoint: &str, counts: &DeliveryCounts) -> report::Delivery {
    let own = counts.own.total();
    let amount = |count: Count| Amount { batches: count.batches, records: count.records };
    report::Delivery {
        destination: name.to_owned(),
        endpoint: endpoint.to_owned(),
        delivered: amount(own.delivered),
        spooled: amount(own.spooled),
        in_memory: amount(own.in_memory),
        parked: amount(own.parked),
        dropped: amount(own.dropped),
        evicted: amount(own.evicted),
        last_error: counts.last_error.clone(),
        failing_since: counts.failing_since.and_then(|since| Timestamp::try_from(since).ok()).and_then(moment),
        parked_because: counts.parked_because.clone(),
        message: counts.message.clone(),
        disk_error: counts.disk_error.clone(),
    }
}

/// The values of `cc_observe.run_started`.
pub(super) fn run_started(start: &Start) -> Vec<(&'static str, OwnValue)> {
    if start.unobserved {
        return vec![UNOBSERVED];
    }
    vec![
        ("launch", OwnValue::Word(if start.exec { "exec" } else { "wait" })),
        ("interactive", OwnValue::Flag(start.interactive)),
        ("capture", OwnValue::Word(start.policy.level.as_str())),
    ]
}

/// All that is told of a run that was not to be observed.
const UNOBSERVED: (&str, OwnValue) = ("unobserved", OwnValue::Flag(true));

/// The values of `cc_observe.run_ended`.
pub(super) fn run_ended(
    pipeline: &Pipeline,
    start: &Start,
    ended: Timestamp,
    exit: Option<Exit>,
) -> Vec<(&'static str, OwnValue)> {
    if start.unobserved {
        return vec![UNOBSERVED];
    }
    let counted = pipeline.counted();
    let milliseconds = u64::try_from(between(start.started, ended).as_millis()).unwrap_or(u64::MAX);
    let mut values = vec![
        ("duration_ms", OwnValue::Count(milliseconds)),
        ("attributes_withheld", OwnValue::Count(counted.withheld.attributes)),
        ("records_dropped", OwnValue::Count(counted.withheld.records)),
        ("dropped_by_configuration", OwnValue::Count(counted.withheld.configured)),
        ("values_unreadable", OwnValue::Count(counted.withheld.unreadable)),
        ("secrets_masked", OwnValue::Count(counted.masked.total().secrets)),
        ("secrets_masked_places", OwnValue::Count(counted.masked.total().places)),
    ];
    for (signal, received) in counted.received.by_signal() {
        let key = match signal {
            Signal::Logs => "logs_received",
            Signal::Metrics => "metrics_received",
            Signal::Traces => "traces_received",
        };
        values.push((key, OwnValue::Count(received.records)));
    }
    let refused = counted.received.by_signal().iter().map(|(_, signal)| signal.rejected_requests).sum();
    values.push(("requests_refused", OwnValue::Count(refused)));
    values.push(("events_missing", OwnValue::Count(counted.ledger.totals().missing_events)));
    if start.notes.iter().any(|note| matches!(note, Note::RelayRestarted { .. })) {
        values.push(("relay_restarted", OwnValue::Flag(true)));
    }
    let mut total = crate::spool::Tally::default();
    for (_, delivery) in pipeline.destinations() {
        total += delivery.counts().own.total();
    }
    values.push(("batches_delivered", OwnValue::Count(total.delivered.batches)));
    values.push(("batches_queued", OwnValue::Count(total.waiting().batches)));
    values.push(("batches_dropped", OwnValue::Count(total.dropped.batches)));
    if let Some(exit) = exit {
        let count = |number: i32| OwnValue::Count(u64::try_from(number).unwrap_or(0));
        values.extend(exit.code.map(|code| ("exit_code", count(code))));
        values.extend(exit.signal.map(|signal| ("exit_signal", count(signal))));
    }
    values
}

/// The values of `cc_observe.withheld` for a sink of a level. None where nothing was kept back from it.
pub(super) fn withheld(pipeline: &Pipeline, level: CaptureLevel) -> Option<Vec<(&'static str, OwnValue)>> {
    let counted = pipeline.counted();
    let names = counted.withheld.names(level);
    let more = counted.withheld.unnamed(level);
    (!names.is_empty() || more > 0).then(|| {
        vec![
            ("capture", OwnValue::Word(level.as_str())),
            ("attributes", OwnValue::Names(names)),
            ("attributes_more", OwnValue::Count(more)),
        ]
    })
}

fn between(started: Timestamp, ended: Timestamp) -> Duration {
    // Negative when the clock was set back in between.
    Duration::try_from(ended.duration_since(started)).unwrap_or_default()
}

pub(super) fn moment(at: Timestamp) -> Option<Moment> {
    u64::try_from(at.as_nanosecond()).ok().and_then(Moment::from_unix_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Tally;

    #[test]
    fn what_is_in_memory_is_not_called_spooled() {
        let mut counts = DeliveryCounts {
            parked_because: Some("answers 400".to_owned()),
            message: Some("too old".to_owned()),
            disk_error: Some("could not write a spool file: no space".to_owned()),
            ..DeliveryCounts::default()
        };
        counts.own.logs = Tally {
            spooled: Count { batches: 1, records: 10 },
            in_memory: Count { batches: 2, records: 20 },
            ..Tally::default()
        };
        let shown = delivered("org", "https://otlp.example.com", &counts);
        assert_eq!((shown.spooled.records, shown.in_memory.records, shown.waiting()), (10, 20, 3));
        let words = (shown.parked_because, shown.message, shown.disk_error);
        assert_eq!(words, (counts.parked_because, counts.message, counts.disk_error));
    }
}
