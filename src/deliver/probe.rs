//! Edge: asks an endpoint whether it would take what we send, with requests that hold nothing.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::client::{Form, Payload, Poster};
use super::retry::{Attempt, Delays, Outcome, Step, Trouble, Unreachable, step};
use crate::config::Destination;
use crate::otlp::{Batch, Signal};
use crate::redact::{Policy, Redactor};

/// What is found out about an endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Probed {
    /// What it says to an empty request of each signal that it is sent: what is wrong, or nothing.
    pub answers: Vec<(Signal, Option<Trouble>)>,
    /// By how much its clock is ahead of ours, in seconds. None: it has not told its time.
    pub clock_ahead_s: Option<i64>,
    /// How far we came where it did not answer in time.
    pub stage: Stage,
}

/// How far the way to an endpoint could be gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// Its name was still being looked up.
    LookingUp,
    /// A connection, to it or to its proxy, was still being made.
    Connecting,
    /// There was a connection.
    Connected,
}

/// Asks an endpoint for each signal that it is sent, all of it within the limit.
pub async fn probe(destination: &Destination, redactor: &Redactor, limit: Duration) -> Probed {
    let poster = Poster::new(destination);
    let transport = &destination.transport;
    let form = Form { protocol: transport.protocol, compression: transport.compression };
    // The first, and of all there were none.
    let attempt = Attempt { failures: 0, records: 0, now: SystemTime::now(), random: 0.5 };
    let deadline = tokio::time::Instant::now() + limit;
    let direct = destination.signals.first().and_then(|signal| poster.direct_to(*signal));
    // Beside the client's own, which does not tell how far it is.
    let look_up = direct
        .filter(|(host, _)| host.parse::<IpAddr>().is_err())
        .map(|to| tokio::spawn(async move { tokio::net::lookup_host(to).await.map(drop) }));
    let mut answers = Vec::new();
    for signal in destination.signals.iter().copied() {
        let empty = redactor.batch(Batch::empty(signal), &Policy::default()).batch;
        let outcome = match Payload::new(&empty, form) {
            Ok(payload) => tokio::time::timeout_at(deadline, poster.post(signal, &payload)).await,
            Err(_) => Ok(Outcome::Unsendable),
        };
        let outcome = outcome.unwrap_or(Outcome::Unreachable(Unreachable::TimedOut));
        let trouble = match step(&outcome, &attempt, &Delays::DEFAULT) {
            Step::Retry { trouble, .. } | Step::Stop { trouble, .. } | Step::Park(trouble) => Some(trouble),
            Step::Delivered { .. } | Step::Halve => None,
        };
        // Who cannot be reached for one cannot for another: nobody waits for that again.
        let is_away = matches!(trouble, Some(Trouble::Unreachable(_)));
        answers.push((signal, trouble));
        if is_away {
            break;
        }
    }
    let stage = if poster.has_connected() {
        Stage::Connected
    } else if look_up.is_some_and(|look_up| !look_up.is_finished()) {
        Stage::LookingUp
    } else {
        Stage::Connecting
    };
    Probed { answers, clock_ahead_s: poster.clock_ahead(), stage }
}
