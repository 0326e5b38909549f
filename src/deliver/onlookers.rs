//! Those who are shown what is sent, as it is sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::otlp::Signal;
use crate::redact::Redacted;

/// How many requests one who looks on may be behind.
const BEHIND: usize = 16;

/// How many may look on at once: each may hold as many requests.
const MOST: usize = 8;

/// A request, as a destination is given it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The destination's name.
    pub destination: String,
    /// What it is.
    pub signal: Signal,
    /// The numbers of the batches in it.
    pub batches: Vec<String>,
    /// How often the endpoint may have had it, this time counted.
    pub attempt: u32,
    /// Log records, data points or spans.
    pub records: u64,
    /// As OTLP JSON, whatever the destination speaks.
    pub request: Redacted<Vec<u8>>,
}

/// What one who looks on is shown; None is the end.
pub type Looking = mpsc::Receiver<Option<Arc<Shown>>>;

/// The other end.
type Showing = mpsc::Sender<Option<Arc<Shown>>>;

/// Who looks on, and whether anything is sent besides.
#[derive(Clone, Debug, Default)]
pub struct Onlookers {
    all: Arc<Mutex<Vec<Showing>>>,
    here: Arc<watch::Sender<bool>>,
    /// What is shown is not sent.
    pub instead: bool,
}

impl Onlookers {
    /// For a run whose telemetry is shown, and delivered to nobody.
    pub fn instead() -> Self {
        Self { instead: true, ..Self::default() }
    }

    /// Looks on from now on. None: there are enough who do.
    pub fn join(&self) -> Option<Looking> {
        let (sender, receiver) = mpsc::channel(BEHIND);
        let mut all = self.lock();
        all.retain(|onlooker| !onlooker.is_closed());
        if all.len() >= MOST {
            return None;
        }
        all.push(sender);
        self.here.send_replace(true);
        Some(receiver)
    }

    /// Whether anybody does.
    pub(super) fn are_there(&self) -> bool {
        *self.here.borrow()
    }

    /// Waits for the first.
    pub(super) async fn first(&self) {
        // The sender lives as long as this does, so the wait cannot fail.
        let _ = self.here.subscribe().wait_for(|here| *here).await;
    }

    /// Shows a request. Who is too far behind is not waited for, and looks on no more; but where nothing is sent besides,
    /// nothing presses.
    pub(super) async fn show(&self, shown: Shown) {
        let shown = Arc::new(shown);
        if self.instead {
            let all = self.lock().clone();
            for onlooker in &all {
                // One who has gone wants to see no more.
                let _ = onlooker.send(Some(Arc::clone(&shown))).await;
            }
            return;
        }
        let mut all = self.lock();
        all.retain(|onlooker| onlooker.try_send(Some(Arc::clone(&shown))).is_ok());
        self.here.send_replace(!all.is_empty());
    }

    /// Shows nothing any more, and waits until those who look on have let go.
    pub async fn close_and_wait(&self, limit: Duration) {
        let all = std::mem::take(&mut *self.lock());
        let read = async {
            for onlooker in &all {
                if onlooker.send(None).await.is_ok() {
                    onlooker.closed().await;
                }
            }
        };
        let _ = tokio::time::timeout(limit, read).await;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Showing>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{CaptureLevel, Policy, Redactor};

    fn shown(records: u64) -> Shown {
        let batch = Redactor::of_tests().again(Signal::Logs, &[], &Policy::of(CaptureLevel::Metadata)).unwrap();
        Shown {
            destination: "org".to_owned(),
            signal: Signal::Logs,
            batches: Vec::new(),
            attempt: 1,
            records,
            request: batch.encode_json(),
        }
    }

    #[tokio::test]
    async fn who_is_too_far_behind_is_not_waited_for() {
        let onlookers = Onlookers::default();
        assert!(!onlookers.are_there());
        onlookers.show(shown(0)).await;
        let (mut slow, mut quick) = (onlookers.join().unwrap(), onlookers.join().unwrap());
        for count in 1..=BEHIND as u64 + 1 {
            onlookers.show(shown(count)).await;
            assert_eq!(quick.recv().await.unwrap().unwrap().records, count);
        }
        let mut seen = Vec::new();
        while let Some(Some(shown)) = slow.recv().await {
            seen.push(shown.records);
        }
        assert_eq!(seen, (1..=BEHIND as u64).collect::<Vec<_>>(), "as many as there was room for, and then the end");
        assert!(onlookers.are_there());
        drop(quick);
        onlookers.show(shown(0)).await;
        assert!(!onlookers.are_there());
    }

    #[tokio::test]
    async fn a_crowd_is_not_let_in_and_who_has_gone_leaves_a_place() {
        let onlookers = Onlookers::default();
        let mut all: Vec<_> = (0..MOST).map(|_| onlookers.join().unwrap()).collect();
        assert!(onlookers.join().is_none());
        all.pop();
        assert!(onlookers.join().is_some());
    }

    #[tokio::test]
    async fn where_nothing_is_sent_everybody_is_waited_for() {
        let onlookers = Onlookers::instead();
        let mut slow = onlookers.join().unwrap();
        let showing = tokio::spawn({
            let onlookers = onlookers.clone();
            async move {
                for count in 0..2 * BEHIND as u64 {
                    onlookers.show(shown(count)).await;
                }
                onlookers.close_and_wait(Duration::from_secs(60)).await;
            }
        });
        let mut seen = 0;
        while let Some(Some(_)) = slow.recv().await {
            seen += 1;
        }
        drop(slow);
        showing.await.unwrap();
        assert_eq!(seen, 2 * BEHIND);
    }
}
