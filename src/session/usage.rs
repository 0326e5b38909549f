//! Cost and tokens of requests, by who made them.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::event::{ApiRequest, NanoUsd, Tokens};

/// What requests cost together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    pub(super) cost: NanoUsd,
    pub(super) tokens: Tokens,
    pub(super) requests: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.cost += other.cost;
        self.tokens += other.tokens;
        self.requests = self.requests.saturating_add(other.requests);
    }
}

/// Usage by a name: a model, an agent, a query source.
pub(super) type Named = BTreeMap<String, Usage>;

/// Adds `more` to `named`, name by name.
pub(super) fn add(named: &mut Named, more: &Named) {
    for (name, usage) in more {
        *named.entry(name.clone()).or_default() += *usage;
    }
}

/// What the `api_request` events of one session say, cut in the ways that reports need.
#[derive(Clone, Debug, Default)]
pub(super) struct EventUsage {
    pub(super) all: Usage,
    pub(super) by_model: Named,
    /// By the label a report shows.
    pub(super) by_agent: Named,
    /// By what the metrics call it: the subagent's name, `main`, `subagent` or `auxiliary`.
    pub(super) by_metric_agent: Named,
    pub(super) by_query_source: Named,
    /// By what the metrics call it: `main`, `subagent` or `auxiliary`.
    pub(super) by_metric_source: Named,
}

impl EventUsage {
    pub(super) fn record(&mut self, request: &ApiRequest) {
        let usage = Usage { cost: request.cost, tokens: request.tokens, requests: 1 };
        self.all += usage;
        let put = |named: &mut Named, name: &str| *named.entry(name.to_owned()).or_default() += usage;
        put(&mut self.by_model, &request.model);
        put(&mut self.by_agent, request.agent_label());
        put(&mut self.by_metric_agent, request.agent.as_deref().unwrap_or(request.metric_source()));
        put(&mut self.by_query_source, request.query_source.as_deref().unwrap_or("unknown"));
        put(&mut self.by_metric_source, request.metric_source());
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.all += other.all;
        add(&mut self.by_model, &other.by_model);
        add(&mut self.by_agent, &other.by_agent);
        add(&mut self.by_metric_agent, &other.by_metric_agent);
        add(&mut self.by_query_source, &other.by_query_source);
        add(&mut self.by_metric_source, &other.by_metric_source);
    }
}

/// What the cost and token metrics of one session say.
#[derive(Clone, Debug, Default)]
pub(super) struct MetricUsage {
    pub(super) all: Usage,
    pub(super) by_model: Named,
    /// By the subagent's name, `main`, `subagent` or `auxiliary`.
    pub(super) by_agent: Named,
    /// By `main`, `subagent` or `auxiliary`.
    pub(super) by_query_source: Named,
}

impl MetricUsage {
    pub(super) fn add(&mut self, other: &Self) {
        self.all += other.all;
        add(&mut self.by_model, &other.by_model);
        add(&mut self.by_agent, &other.by_agent);
        add(&mut self.by_query_source, &other.by_query_source);
    }
}
