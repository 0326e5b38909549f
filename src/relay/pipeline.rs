//! Bytes in, acknowledgement out: decode, redact, enrich, count, and into the spool of every destination.

use std::borrow::Cow;
use std::io::Read as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::config::{Destination, Temporality};
use crate::deliver::{Delivery, REQUEST_BYTES};
use crate::event::{self, Event};
use crate::otlp::{self, Batch, DecodeError, Encoding, MAX_BODY_BYTES, Signal};
use crate::redact::{Enrichment, FoundIn, Outcome, Policy, Redacted, Redactor, Tally, Withheld};
use crate::report::Received;
use crate::session::Ledger;

/// The policy that batches are spooled under. It changes when what may pass changes.
pub const POLICY: u64 = 2;

/// What has been counted so far.
#[derive(Debug, Default)]
pub struct Counted {
    /// What happened.
    pub ledger: Ledger,
    /// What came in.
    pub received: Received,
    /// What was kept back.
    pub withheld: Withheld,
    /// What was masked.
    pub masked: Tally,
}

/// The way of a batch through the relay.
pub struct Pipeline {
    redactor: Arc<Redactor>,
    policy: Policy,
    enrichment: Enrichment,
    interactive: bool,
    counted: Mutex<Counted>,
    destinations: Vec<(Destination, Delivery)>,
    /// Requests that have been received whole and are not yet answered.
    under_way: watch::Sender<usize>,
}

/// One export request, as it came.
pub struct Export {
    /// By its path.
    pub signal: Signal,
    /// By its content type.
    pub encoding: Encoding,
    /// Whether it is packed.
    pub gzip: bool,
    /// As it came over the wire.
    pub body: Vec<u8>,
    /// When it had come whole.
    pub received: Timestamp,
}

struct Processed {
    bodies: Bodies,
    records: u64,
    events: Vec<Event>,
    withheld: Withheld,
    findings: Vec<FoundIn>,
}

/// A batch as it is spooled: at most [`REQUEST_BYTES`] each, with the records in it.
struct Bodies {
    pieces: Vec<(u64, Redacted<Vec<u8>>)>,
    /// For destinations that add it up: with the run as the instance.
    named: Option<Vec<(u64, Redacted<Vec<u8>>)>>,
}

impl Bodies {
    fn of(&self, destination: &Destination) -> &[(u64, Redacted<Vec<u8>>)] {
        self.named.as_ref().filter(|_| is_added_up(destination)).unwrap_or(&self.pieces)
    }
}

impl Pipeline {
    /// A pipeline into these destinations; none keeps everything here.
    ///
    /// The policy's level is the highest that any of them is given: that is what is spooled.
    pub fn new(
        redactor: Arc<Redactor>,
        policy: Policy,
        enrichment: Enrichment,
        interactive: bool,
        destinations: Vec<(Destination, Delivery)>,
    ) -> Self {
        let mut counted = Counted::default();
        counted.ledger.set_interactive(Some(interactive));
        counted.withheld = enrichment.withheld().clone();
        Self {
            redactor,
            policy,
            enrichment,
            interactive,
            counted: Mutex::new(counted),
            destinations,
            under_way: watch::Sender::new(0),
        }
    }

    /// Another relay of this run was there before.
    pub fn begin_late(&self) {
        self.counted().ledger.begin_late();
    }

    /// Takes a request's body. When this returns `Ok`, what may be delivered survives us.
    ///
    /// Whoever stops waiting does not stop the work: what came whole is kept, also of a client that was killed.
    pub async fn accept(self: &Arc<Self>, export: Export) -> Result<(), DecodeError> {
        let signal = export.signal;
        let this = Arc::clone(self);
        let counted = Alive::count(&self.under_way);
        let work = tokio::spawn(async move {
            let _counted = counted;
            this.take(export).await
        });
        // A panic in there is a body that cannot be redacted: dropped, counted, never forwarded.
        work.await.unwrap_or(Err(DecodeError::Malformed(signal)))
    }

    async fn take(self: &Arc<Self>, export: Export) -> Result<(), DecodeError> {
        let (signal, received_at) = (export.signal, export.received);
        let this = Arc::clone(self);
        let processed = tokio::task::spawn_blocking(move || this.process(&export)).await;
        let processed = processed.unwrap_or(Err(DecodeError::Malformed(signal)));
        let Processed { bodies, records, events, withheld, findings } = match processed {
            Ok(processed) => processed,
            Err(error) => {
                self.refused(signal);
                return Err(error);
            }
        };
        self.spool(signal, &bodies).await;
        if let Some(told) = Redacted::findings(&findings, received_at, &self.enrichment) {
            self.own(told).await;
        }
        let mut counted = self.counted();
        let received = counted.received.signal_mut(signal);
        received.requests += 1;
        received.records += records;
        counted.withheld.add(withheld);
        for found in &findings {
            counted.masked.add(found);
        }
        for event in events {
            counted.ledger.record(event);
        }
        Ok(())
    }

    fn process(&self, export: &Export) -> Result<Processed, DecodeError> {
        let body = if export.gzip { Cow::Owned(inflate(export)?) } else { Cow::Borrowed(export.body.as_slice()) };
        let batch = otlp::decode(export.signal, export.encoding, &body)?;
        let Outcome { mut batch, withheld, findings, .. } = self.redactor.batch(batch, &self.policy);
        batch.add_decided_by(|record| event::decided_by(record, Some(self.interactive)));
        let events = event::read(&batch);
        batch.enrich(&self.enrichment);
        let records = batch.get().records();
        let is_wanted = |destination: &Destination| export.signal == Signal::Metrics && is_added_up(destination);
        let named = self.destinations.iter().any(|(destination, _)| is_wanted(destination)).then(|| {
            let mut named = batch.clone();
            named.name_instance();
            named.pieces(REQUEST_BYTES)
        });
        Ok(Processed {
            bodies: Bodies { pieces: batch.pieces(REQUEST_BYTES), named },
            records,
            events,
            withheld,
            findings,
        })
    }

    /// Puts a record of our own into the spools.
    pub async fn own(&self, batch: Redacted<Batch>) {
        let bodies = Bodies { pieces: vec![(batch.get().records(), batch.encode())], named: None };
        self.spool(batch.get().signal(), &bodies).await;
    }

    /// Puts a record of our own into the spool of one destination.
    pub async fn own_for(&self, delivery: &Delivery, batch: Redacted<Batch>) {
        delivery.push(batch.get().signal(), batch.get().records(), POLICY, batch.encode()).await;
    }

    async fn spool(&self, signal: Signal, bodies: &Bodies) {
        let of = |added_up: bool| self.destinations.iter().filter(move |(to, _)| is_added_up(to) == added_up);
        // Those where a batch may have to wait for its turn come last.
        for (destination, delivery) in of(false).chain(of(true)) {
            let wanted = bodies.of(destination).iter().filter(|_| destination.signals.contains(&signal));
            for (records, body) in wanted.filter(|(records, _)| *records > 0) {
                delivery.push(signal, *records, POLICY, body.clone()).await;
            }
        }
    }

    /// Counts a request that was not taken.
    pub fn refused(&self, signal: Signal) {
        self.counted().received.signal_mut(signal).rejected_requests += 1;
    }

    /// What has been counted so far.
    pub fn counted(&self) -> MutexGuard<'_, Counted> {
        // Counts are whole after every statement: a panic elsewhere leaves nothing half done that matters.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the resource of everything is given.
    pub fn enrichment(&self) -> &Enrichment {
        &self.enrichment
    }

    /// What finds secrets.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Who receives what.
    pub fn destinations(&self) -> &[(Destination, Delivery)] {
        &self.destinations
    }

    /// Changes whenever there is something to count.
    pub fn work(&self) -> watch::Receiver<usize> {
        self.under_way.subscribe()
    }

    /// Waits until everything that came whole has been worked on.
    pub async fn settled(&self) {
        // The sender lives as long as this does, so the wait cannot fail.
        let _ = self.under_way.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// Counts something for as long as it lives.
pub(super) struct Alive(watch::Sender<usize>);

impl Alive {
    pub(super) fn count(counter: &watch::Sender<usize>) -> Self {
        counter.send_modify(|count| *count += 1);
        Self(counter.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

fn is_added_up(destination: &Destination) -> bool {
    destination.temporality == Temporality::Cumulative
}

/// Unpacks a body, and stops at the limit.
fn inflate(export: &Export) -> Result<Vec<u8>, DecodeError> {
    let mut inflated = Vec::new();
    let limit = MAX_BODY_BYTES as u64 + 1;
    let mut reader = MultiGzDecoder::new(export.body.as_slice()).take(limit);
    reader.read_to_end(&mut inflated).map_err(|_| DecodeError::Malformed(export.signal))?;
    if inflated.len() > MAX_BODY_BYTES {
        return Err(DecodeError::TooLarge { bytes: inflated.len() });
    }
    Ok(inflated)
}
