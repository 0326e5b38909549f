//! Edge: takes a batch from the spool and makes it what may be sent today.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::circuit::Key;
use super::client::{Form, Payload};
use crate::config::Destination;
use crate::otlp::{Batch, Signal};
use crate::redact::{Policy, Redacted, Redactor};
use crate::spool::{Exit, Header, LoadError, Queue};

/// What a destination is given.
#[derive(Clone)]
pub(super) struct Redaction {
    redactor: Arc<Redactor>,
    policy: Arc<Policy>,
    /// See [`Destination::max_attribute_bytes`].
    max_attribute_bytes: Option<usize>,
    form: Form,
}

impl Redaction {
    pub(super) fn new(redactor: Arc<Redactor>, policy: &Policy, destination: &Destination) -> Self {
        let policy = Arc::new(policy.at(destination.capture));
        let transport = &destination.transport;
        Self {
            redactor,
            policy,
            max_attribute_bytes: destination.max_attribute_bytes,
            form: Form { protocol: transport.protocol, compression: transport.compression },
        }
    }
}

impl Redaction {
    /// A batch as the destination is given it. None: it cannot be decoded.
    pub(super) fn given(&self, signal: Signal, body: &[u8]) -> Option<Redacted<Batch>> {
        let mut batch = self.redactor.again(signal, body, &self.policy).ok()?;
        self.shorten(&mut batch);
        Some(batch)
    }

    fn shorten(&self, batch: &mut Redacted<Batch>) {
        if let Some(max_bytes) = self.max_attribute_bytes {
            batch.shorten(max_bytes);
        }
    }
}

/// A batch to be sent.
#[derive(Clone)]
pub(super) struct Item {
    pub queue: Arc<Queue>,
    pub signal: Signal,
    pub key: Key,
}

impl Item {
    /// Does what waits for the disk, away from the runtime. None after a panic.
    pub(super) async fn blocking<T: Send + 'static>(&self, act: impl FnOnce(&Self) -> T + Send + 'static) -> Option<T> {
        let item = self.clone();
        spawn_blocking(move || act(&item)).await.ok()
    }

    pub(super) async fn settle(&self, exit: Exit) {
        self.blocking(move |item| item.queue.settle(item.signal, item.key.sequence, exit)).await;
    }
}

/// Ready to be posted.
pub(super) struct Prepared {
    pub payload: Payload,
    pub records: u64,
    /// Records that were accepted and that today's policy takes out.
    pub withheld: u64,
}

/// Why there is nothing to be posted.
pub(super) enum Unready {
    /// It will never be sent, and is counted so.
    Settled,
    /// Perhaps later.
    Disk,
}

/// Reads a batch and redacts it by the policy of today. What cannot be decoded does not leave.
///
/// `attempt` counts how often the endpoint may have had it before, and this time.
pub(super) fn prepare(item: &Item, redaction: &Redaction, attempt: u32) -> Result<Prepared, Unready> {
    let (mut batch, header) = read(item, redaction)?;
    let accepted = header.records;
    let records = batch.get().records();
    if records == 0 && accepted > 0 {
        // Today's policy leaves nothing of it.
        item.queue.settle(item.signal, item.key.sequence, Exit::Dropped);
        return Err(Unready::Settled);
    }
    redaction.shorten(&mut batch);
    let id = header.batch.to_string();
    batch.number(&id, attempt);
    let payload = Payload::new(&batch, redaction.form).map_err(|_| Unready::Disk)?.numbered(id, attempt);
    Ok(Prepared { payload, records, withheld: accepted.saturating_sub(records) })
}

/// The batch, redacted again, and what was known of it when it was accepted.
fn read(item: &Item, redaction: &Redaction) -> Result<(Redacted<Batch>, Header), Unready> {
    let lost = |exit| {
        item.queue.settle(item.signal, item.key.sequence, exit);
        Unready::Settled
    };
    let spooled = item.queue.load(item.signal, item.key.sequence).map_err(|error| match error {
        LoadError::Gone => lost(Exit::Dropped),
        LoadError::Corrupt(_) => lost(Exit::Corrupt),
        LoadError::Io(_) => Unready::Disk,
    })?;
    let again = redaction.redactor.again(item.signal, &spooled.body, &redaction.policy);
    let batch = again.map_err(|_| lost(Exit::Corrupt))?;
    Ok((batch, spooled.header))
}

/// Puts two halves in the place of a batch. `Ok(false)`: it cannot be halved any more.
pub(super) fn halve(item: &Item, redaction: &Redaction) -> Result<bool, ()> {
    let (batch, header) = match read(item, redaction) {
        Ok(read) => read,
        Err(Unready::Settled) => return Ok(true),
        Err(Unready::Disk) => return Err(()),
    };
    let Some((first, second)) = batch.halve() else { return Ok(false) };
    let halves = [(first.get().records(), &first.encode()), (second.get().records(), &second.encode())];
    item.queue.halve(item.signal, item.key.sequence, header.policy, halves).map_err(|_| ())
}
