//! Metric points to totals: increments add up, running totals replace each other.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::totals::{Active, Code, Verdicts};
use super::usage::{MetricUsage, Usage};
use crate::event::{Fixed, Metric, Point, Temporality, TokenType, Tokens};

/// All points recorded so far.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    deltas: BTreeMap<Place, Fixed>,
    /// By series and start time: the newest running total. A series that starts anew is another one.
    cumulative: HashMap<(u64, u64), Running>,
}

#[derive(Debug)]
struct Running {
    end: u64,
    value: Fixed,
    place: Place,
}

/// Where a value goes.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Place {
    session: Option<String>,
    what: What,
    model: Option<String>,
    agent: Option<String>,
    query_source: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum What {
    Cost,
    Input,
    Output,
    CacheRead,
    CacheCreation,
    LinesAdded,
    LinesRemoved,
    Commits,
    PullRequests,
    ActiveUser,
    ActiveClient,
    EditsAccepted,
    EditsRejected,
}

impl What {
    fn of(metric: &Metric) -> Option<Self> {
        Some(match metric {
            Metric::Cost => Self::Cost,
            Metric::Tokens(Some(TokenType::Input)) => Self::Input,
            Metric::Tokens(Some(TokenType::Output)) => Self::Output,
            Metric::Tokens(Some(TokenType::CacheRead)) => Self::CacheRead,
            Metric::Tokens(Some(TokenType::CacheCreation)) => Self::CacheCreation,
            Metric::Lines { added: true } => Self::LinesAdded,
            Metric::Lines { added: false } => Self::LinesRemoved,
            Metric::Commits => Self::Commits,
            Metric::PullRequests => Self::PullRequests,
            Metric::ActiveTime { user: true } => Self::ActiveUser,
            Metric::ActiveTime { user: false } => Self::ActiveClient,
            Metric::EditDecisions { rejected: false } => Self::EditsAccepted,
            Metric::EditDecisions { rejected: true } => Self::EditsRejected,
            Metric::Tokens(None) | Metric::Sessions | Metric::Other(_) => return None,
        })
    }
}

/// What all points say together.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) usage: BTreeMap<Option<String>, MetricUsage>,
    pub(super) code: Code,
    pub(super) active: Active,
}

impl Metrics {
    pub(super) fn record(&mut self, session: Option<String>, point: Point) {
        let Some(what) = What::of(&point.metric) else { return };
        let place = Place { session, what, model: point.model, agent: point.agent, query_source: point.query_source };
        match point.temporality {
            Temporality::Delta => {
                let sum = self.deltas.entry(place).or_default();
                *sum = sum.saturating_add(point.value);
            }
            Temporality::Cumulative => {
                let new = Running { end: point.end, value: point.value, place };
                let running = self.cumulative.entry((point.series, point.start)).or_insert_with(|| Running {
                    end: 0,
                    value: Fixed::default(),
                    place: new.place.clone(),
                });
                if (new.end, new.value) > (running.end, running.value) {
                    *running = new;
                }
            }
        }
    }

    pub(super) fn fold(&self) -> Folded {
        let mut sums = self.deltas.clone();
        for running in self.cumulative.values() {
            let sum = sums.entry(running.place.clone()).or_default();
            *sum = sum.saturating_add(running.value);
        }
        let mut folded = Folded::default();
        let Folded { code, active, .. } = &mut folded;
        for (place, value) in &sums {
            let target = match place.what {
                What::LinesAdded => &mut code.lines_added,
                What::LinesRemoved => &mut code.lines_removed,
                What::Commits => &mut code.commits,
                What::PullRequests => &mut code.pull_requests,
                What::EditsAccepted => &mut code.edits.accepted,
                What::EditsRejected => &mut code.edits.rejected,
                What::ActiveUser => {
                    active.user = active.user.saturating_add(Duration::from_millis(value.thousandths()));
                    continue;
                }
                What::ActiveClient => {
                    active.client = active.client.saturating_add(Duration::from_millis(value.thousandths()));
                    continue;
                }
                _ => continue,
            };
            *target = target.saturating_add(value.count());
        }
        for (place, value) in &sums {
            let Some(usage) = used(place.what, *value) else { continue };
            let session = folded.usage.entry(place.session.clone()).or_default();
            let source = place.query_source.as_deref().unwrap_or("unknown");
            session.all += usage;
            for (named, name) in [
                (&mut session.by_model, place.model.as_deref().unwrap_or("unknown")),
                (&mut session.by_agent, place.agent.as_deref().unwrap_or(source)),
                (&mut session.by_query_source, source),
            ] {
                *named.entry(name.to_owned()).or_default() += usage;
            }
        }
        folded
    }
}

fn used(what: What, value: Fixed) -> Option<Usage> {
    let tokens = |tokens| Usage { tokens, ..Usage::default() };
    let none = Tokens::default();
    Some(match what {
        What::Cost => Usage { cost: value.dollars(), ..Usage::default() },
        What::Input => tokens(Tokens { input: value.count(), ..none }),
        What::Output => tokens(Tokens { output: value.count(), ..none }),
        What::CacheRead => tokens(Tokens { cache_read: value.count(), ..none }),
        What::CacheCreation => tokens(Tokens { cache_creation: value.count(), ..none }),
        _ => return None,
    })
}

impl Verdicts {
    /// Counts one decision.
    pub(super) fn count(&mut self, rejected: bool, times: u64) {
        let verdict = if rejected { &mut self.rejected } else { &mut self.accepted };
        *verdict = verdict.saturating_add(times);
    }
}
