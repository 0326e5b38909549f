//! Edge: asks an endpoint whether it would take what we send, with requests that hold nothing.

use std::time::{Duration, SystemTime};

use super::client::{Form, Payload, Poster};
use super::retry::{Attempt, Delays, Outcome, Step, Trouble, Unreachable, step};
use crate::config::Destination;
use crate::otlp::{Batch, Signal};
use crate::redact::{Policy, Redactor};

/// What an endpoint says to an empty request, for each signal that it is sent: what is wrong, or nothing. All of it
/// within the limit.
pub async fn probe(destination: &Destination, redactor: &Redactor, limit: Duration) -> Vec<(Signal, Option<Trouble>)> {
    let poster = Poster::new(destination);
    let transport = &destination.transport;
    let form = Form { protocol: transport.protocol, compression: transport.compression };
    // The first, and of all there were none.
    let attempt = Attempt { failures: 0, records: 0, now: SystemTime::now(), random: 0.5 };
    let deadline = tokio::time::Instant::now() + limit;
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
    answers
}
