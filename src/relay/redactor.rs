//! Edge: builds the redactor of a run: the key of this machine, and the values that are known to be secret.

use std::path::PathBuf;
use std::time::Duration;

use super::control::{SentKnown, Start};
use crate::config::known_values::{disk, of_destination};
use crate::config::machine_key;
use crate::redact::{Known, Redactor, TagKey};

/// Builds it. A disk that does not answer within the limit costs the values that are on it, and the tags that are the same
/// from run to run.
pub(super) async fn build(start: &Start, known: SentKnown, limit: Duration) -> Redactor {
    let (key, known) = tokio::join!(key(start, limit), values(start, known, limit));
    Redactor::new(key).known(known)
}

async fn key(start: &Start, limit: Duration) -> TagKey {
    let state = PathBuf::from(start.state.clone());
    let reading = tokio::task::spawn_blocking(move || machine_key::read_or_make(&state));
    let read = tokio::time::timeout(limit, reading).await.ok().and_then(Result::ok);
    let (key, problem) = match read {
        Some((key, problem)) => (key, problem.map(|problem| problem.to_string())),
        None => (machine_key::of_this_run(), Some("the disk did not answer".to_owned())),
    };
    if let Some(problem) = problem {
        tracing::warn!(
            file = machine_key::FILE_NAME,
            problem,
            "the key of this machine is not used: tags are of this run alone"
        );
    }
    TagKey::new(key.as_slice())
}

/// What the destinations are sent comes first, then the environment, then files, then the checkout.
async fn values(start: &Start, known: SentKnown, limit: Duration) -> Known {
    let destinations = start.destinations.iter().filter_map(|sent| sent.clone().unpack().ok());
    let own: Vec<_> = destinations.flat_map(|destination| of_destination(&destination)).collect();
    let (environment, mut left_out, wanted) = known.unpack(start.directory.clone().map(PathBuf::from));
    let from_the_launcher = environment.clone();
    let gathering = tokio::task::spawn_blocking(move || disk::gather(&wanted, from_the_launcher));
    let gathered = tokio::time::timeout(limit, gathering).await.ok().and_then(Result::ok).unwrap_or_else(|| {
        tracing::warn!(
            "the files with known values were not read in time: secrets in them are found by their form only"
        );
        disk::Gathered { values: environment, ..disk::Gathered::default() }
    });
    if gathered.unreadable > 0 {
        tracing::warn!(files = gathered.unreadable, "files with known values cannot be read");
    }
    let known = Known::new(own.into_iter().chain(gathered.values));
    left_out += gathered.left_out + known.left_out();
    if left_out > 0 {
        tracing::warn!(values = left_out, "there are more known values than are looked for");
    }
    known
}
