//! The one rule for cost: `api_request` events once each, plus what only the metric saw.

use std::collections::BTreeMap;

use super::usage::{EventUsage, MetricUsage, Named, Usage, add};
use crate::event::{NanoUsd, Tokens};

/// A metric that is larger than the events by no more than this is the same: both are sums of rounded numbers.
pub const ROUNDING: NanoUsd = NanoUsd::from_micros(1);

/// What a run used, in all and by name. Each of the three lists adds up to `all`.
#[derive(Debug, Default)]
pub(super) struct Reconciled {
    pub(super) all: Usage,
    /// The part of `all` that no event accounts for.
    pub(super) not_itemised: Usage,
    pub(super) by_model: Named,
    pub(super) by_agent: Named,
    pub(super) by_query_source: Named,
}

/// Session by session, the larger of what the events and what the metric say.
///
/// An answer aborted with Esc is only in the metric, and so is everything when logs are switched off. The metric may lag
/// a minute behind or be lost with a killed process, so that it says less is no error. What it says more is put down to
/// those models and agents of which it says more.
pub(super) fn reconcile(
    events: &BTreeMap<Option<&str>, &EventUsage>,
    metrics: &BTreeMap<Option<String>, MetricUsage>,
) -> Reconciled {
    let mut reconciled = Reconciled::default();
    // Where only one of the two bears session ids, there is nothing to compare session by session.
    if metrics.contains_key(&None) != events.get(&None).is_some_and(|usage| usage.all.requests > 0) {
        let (mut all_events, mut all_metrics) = (EventUsage::default(), MetricUsage::default());
        for usage in events.values() {
            all_events.add(usage);
        }
        for usage in metrics.values() {
            all_metrics.add(usage);
        }
        reconciled.add(&all_events, &all_metrics);
        return reconciled;
    }
    let (no_events, no_metrics) = (EventUsage::default(), MetricUsage::default());
    for (id, usage) in events {
        reconciled.add(usage, metrics.get(&id.map(ToOwned::to_owned)).unwrap_or(&no_metrics));
    }
    for (_, usage) in metrics.iter().filter(|(id, _)| !events.contains_key(&id.as_deref())) {
        reconciled.add(&no_events, usage);
    }
    reconciled
}

impl Reconciled {
    fn add(&mut self, events: &EventUsage, metrics: &MetricUsage) {
        let more = Usage {
            cost: match metrics.all.cost.saturating_sub(events.all.cost) {
                more if more > ROUNDING => more,
                _ => NanoUsd::ZERO,
            },
            tokens: metrics.all.tokens.saturating_sub(events.all.tokens),
            requests: 0,
        };
        self.all += events.all;
        self.all += more;
        self.not_itemised += more;
        add(&mut self.by_model, &events.by_model);
        add(&mut self.by_agent, &events.by_agent);
        add(&mut self.by_query_source, &events.by_query_source);
        if more != Usage::default() {
            put_down(&mut self.by_model, more, &events.by_model, &metrics.by_model);
            put_down(&mut self.by_agent, more, &events.by_metric_agent, &metrics.by_agent);
            // The metric's words for query sources are not those of events: what is not itemised keeps its own.
            put_down(&mut self.by_query_source, more, &events.by_metric_source, &metrics.by_query_source);
        }
    }
}

/// Shares `more` out over the names of which the metric says more than the events do. All of it finds a name.
fn put_down(into: &mut Named, mut more: Usage, events: &Named, metrics: &Named) {
    for (name, metric) in metrics {
        let event = events.get(name).copied().unwrap_or_default();
        let cost = metric.cost.saturating_sub(event.cost).min(more.cost);
        let tokens: Tokens = metric.tokens.saturating_sub(event.tokens).min(more.tokens);
        if cost == NanoUsd::ZERO && tokens == Tokens::default() {
            continue;
        }
        more.cost = more.cost.saturating_sub(cost);
        more.tokens = more.tokens.saturating_sub(tokens);
        *into.entry(name.clone()).or_default() += Usage { cost, tokens, requests: 0 };
    }
}
