//! Edge: takes a batch from the spool and makes it what may be sent today.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::circuit::Key;
use super::client::{Form, Payload};
use super::onlookers::{Onlookers, Shown};
use super::today::{StricterPolicy, Today};
use crate::config::{Destination, Protocol};
use crate::otlp::{Batch, Signal};
use crate::redact::{Policy, Redacted, Redactor};
use crate::spool::{Exit, Header, LoadError, Queue, Spooled};

/// What a destination is given.
#[derive(Clone)]
pub(super) struct Redaction {
    redactor: Arc<Redactor>,
    policy: Arc<Policy>,
    /// See [`Destination::max_attribute_bytes`].
    max_attribute_bytes: Option<usize>,
    form: Form,
    /// The destination's name.
    name: String,
    today: Option<Arc<Today>>,
    pub(super) onlookers: Onlookers,
}

impl Redaction {
    pub(super) fn new(
        redactor: Arc<Redactor>,
        policy: &Policy,
        destination: &Destination,
        today: Option<Arc<Today>>,
    ) -> Self {
        let policy = Arc::new(policy.at(destination.capture));
        let transport = &destination.transport;
        Self {
            redactor,
            policy,
            max_attribute_bytes: destination.max_attribute_bytes,
            form: Form { protocol: transport.protocol, compression: transport.compression },
            name: destination.name.clone(),
            today,
            onlookers: Onlookers::default(),
        }
    }

    /// The same before those who look on.
    pub(super) fn before(self, onlookers: Onlookers) -> Self {
        Self { onlookers, ..self }
    }
}

/// A batch that waits, as a destination of today is given it, with its number. None: it cannot be decoded, and would not be
/// sent.
pub fn as_given(
    spooled: &Spooled,
    destination: &Destination,
    redactor: &Arc<Redactor>,
    policy: &Policy,
) -> Option<Redacted<Batch>> {
    let redaction = Redaction::new(Arc::clone(redactor), policy, destination, None);
    let mut batch = redaction.given(spooled.header.signal, &spooled.body)?;
    batch.number(&spooled.header.batch.to_string(), 1);
    Some(batch)
}

/// Near what backends ask for: Sumo Logic wants 100 KB to 1 MB in a request, before it is packed.
pub const REQUEST_BYTES: usize = 1_000_000;

impl Redaction {
    /// What holds since today beside what the relay began with.
    fn today(&self) -> Result<Option<StricterPolicy>, Unready> {
        let Some(today) = &self.today else { return Ok(None) };
        today.policy(&self.name, &self.policy).map_err(|_| Unready::Configuration)
    }

    /// How much of protobuf makes a request of [`REQUEST_BYTES`].
    pub(super) fn most_bytes(&self) -> usize {
        match self.form.protocol {
            Protocol::HttpProtobuf | Protocol::Grpc => REQUEST_BYTES,
            // About twice as long.
            Protocol::HttpJson => REQUEST_BYTES / 2,
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
    /// What is in it, oldest first.
    pub members: Vec<Member>,
    pub records: u64,
    /// As protobuf, before it is packed.
    pub bytes: usize,
    /// The same for those who look on, where anybody does.
    pub shown: Option<Shown>,
}

/// A batch of those that are posted as one.
pub(super) struct Member {
    pub item: Item,
    pub records: u64,
    /// Records that were accepted and that today's policy takes out.
    pub withheld: u64,
}

/// Why there is nothing to be posted.
pub(super) enum Unready {
    /// It will never be sent, and is counted so.
    Settled,
    /// Perhaps later, when the disk gives it.
    Disk,
    /// Perhaps later, when it is known again what may be sent.
    Configuration,
}

/// Reads batches and redacts them by the policy of today, as many of the first as fit in `most_bytes`, one at least. What
/// cannot be decoded does not leave.
///
/// `attempt` counts how often the endpoint may have had them before, and this time.
pub(super) fn prepare(
    items: &[Item],
    redaction: &Redaction,
    attempt: u32,
    most_bytes: usize,
) -> Result<Prepared, Unready> {
    let mut whole: Option<Redacted<Batch>> = None;
    let (mut members, mut ids, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
    for item in items {
        let Ready { mut batch, header, bytes: more } = match ready(item, redaction) {
            Ok(ready) => ready,
            Err(Unready::Settled) => continue,
            // What there is goes; the disk may answer better by then.
            Err(Unready::Disk | Unready::Configuration) if whole.is_some() => break,
            Err(later) => return Err(later),
        };
        if whole.is_some() && bytes.saturating_add(more) > most_bytes {
            item.queue.pass_over(item.signal, item.key.sequence);
            break;
        }
        bytes = bytes.saturating_add(more);
        let (accepted, records) = (header.records, batch.get().records());
        let id = header.batch.to_string();
        batch.number(&id, attempt);
        ids.push(id);
        members.push(Member { item: item.clone(), records, withheld: accepted.saturating_sub(records) });
        match &mut whole {
            Some(whole) => whole.append(batch),
            None => whole = Some(batch),
        }
    }
    let whole = whole.ok_or(Unready::Settled)?;
    let records = whole.get().records();
    let payload = Payload::new(&whole, redaction.form).map_err(|_| Unready::Disk)?.numbered(&ids, attempt);
    let shown = redaction.onlookers.are_there().then(|| Shown {
        destination: redaction.name.clone(),
        signal: whole.get().signal(),
        batches: ids,
        attempt,
        records,
        request: whole.encode_json(),
    });
    Ok(Prepared { payload, members, records, bytes, shown })
}

/// A batch as it may be sent.
struct Ready {
    batch: Redacted<Batch>,
    header: Header,
    bytes: usize,
}

fn ready(item: &Item, redaction: &Redaction) -> Result<Ready, Unready> {
    let today = redaction.today()?;
    let (mut batch, header, bytes) = read(item, redaction, today.as_ref())?;
    if batch.get().records() == 0 && header.records > 0 {
        // Today's policy leaves nothing of it.
        item.queue.settle(item.signal, item.key.sequence, Exit::Dropped);
        return Err(Unready::Settled);
    }
    redaction.shorten(&mut batch);
    if let Some(max_bytes) = today.and_then(|today| today.max_attribute_bytes) {
        batch.shorten(max_bytes);
    }
    Ok(Ready { batch, header, bytes })
}

/// The batch, redacted again, what was known of it when it was accepted, and how large it was.
fn read(
    item: &Item,
    redaction: &Redaction,
    today: Option<&StricterPolicy>,
) -> Result<(Redacted<Batch>, Header, usize), Unready> {
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
    let again = match today {
        Some(today) => again.and_then(|batch| today.again(item.signal, &batch)),
        None => again,
    };
    let batch = again.map_err(|_| lost(Exit::Corrupt))?;
    Ok((batch, spooled.header, spooled.body.len()))
}

/// Puts two halves in the place of a batch. `Ok(false)`: it cannot be halved any more.
pub(super) fn halve(item: &Item, redaction: &Redaction) -> Result<bool, ()> {
    let today = redaction.today().map_err(|_| ())?;
    let (batch, header, _) = match read(item, redaction, today.as_ref()) {
        Ok(read) => read,
        Err(Unready::Settled) => return Ok(true),
        Err(Unready::Disk | Unready::Configuration) => return Err(()),
    };
    let Some((first, second)) = batch.halve() else { return Ok(false) };
    let halves = [(first.get().records(), &first.encode()), (second.get().records(), &second.encode())];
    item.queue.halve(item.signal, item.key.sequence, header.policy, halves).map_err(|_| ())
}
