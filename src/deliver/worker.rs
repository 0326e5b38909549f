//! Edge: one task per destination, which sends what waits and sleeps when nothing does.
//!
//! It wakes up when something is pushed and when a back-off ends, and at no other time.

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, oneshot, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use super::age::{Began, is_too_old};
use super::circuit::{Circuit, Key, OWN, Open};
use super::client::Poster;
use super::counts::{DeliveryCounts, Status};
use super::onlookers::Onlookers;
use super::prepare::{Item, Member, Prepared, Redaction, Unready, halve, prepare};
use super::retry::{Attempt, Delays, Outcome, Step, Trouble, step};
use super::today::Today;
use super::totals::{AddedUp, Totals};
use crate::config::Destination;
use crate::otlp::Signal;
use crate::redact::{Policy, Redacted, Redactor};
use crate::spool::{Bounds, Durability, Exit, Kept, PerSignal, Queue, SpoolError, Tally, Usage};

/// How a wait for idleness ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Idle {
    /// Nothing waits any more.
    Empty,
    /// Something waits, and nothing will be tried before the deadline.
    Held,
    /// The deadline came first.
    Late,
}

/// How long a write may take before its batch is acknowledged from memory: a home on a network, a disk that stalls.
const SLOW_DISK: Duration = Duration::from_millis(if cfg!(test) { 1000 } else { 100 });

/// The same where it is synced before, which takes longer on any disk. Claude has two seconds.
const SLOW_SYNC: Duration = Duration::from_secs(1);

/// How long a disk that stalls is waited for at the end.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// A destination being delivered to. Dropped, it stops where it is; what waits on disk stays there.
pub struct Delivery {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    redaction: Redaction,
    totals: Totals,
    signals: Vec<Signal>,
    delays: Delays,
    /// The most batches that are sent as one.
    most_together: usize,
    bounds: Bounds,
    /// How much of our own was on disk when it was last looked at how much there is of all.
    looked: Mutex<Usage>,
    own: Arc<Queue>,
    adopted: Mutex<Adopted>,
    status: Mutex<Status>,
    /// Counts what gives the task something to do; with `wake` it is how the task learns of it.
    changes: AtomicU64,
    wake: Notify,
    phase: watch::Sender<Phase>,
    /// Writes that have begun and not ended.
    writing: watch::Sender<usize>,
    began: Began,
    /// How long a write may take.
    slow_disk: Duration,
    /// Something was acknowledged from memory because the disk took too long.
    was_slow: AtomicBool,
    closing: watch::Sender<bool>,
}

#[derive(Default)]
struct Adopted {
    queues: Vec<(u64, Arc<Queue>)>,
    next: u64,
    /// Of queues that were emptied.
    finished: PerSignal<Tally>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Busy,
    /// Until then (None: until something is pushed), having seen so many changes.
    Waiting {
        until: Option<std::time::Instant>,
        seen: u64,
    },
}

enum Next {
    /// One batch at least, of one signal, oldest first.
    Send(Vec<Item>),
    Wait(Option<std::time::Instant>),
}

impl Delivery {
    /// Starts delivering, oldest first: what was adopted, then our own. Needs a tokio runtime.
    ///
    /// What is sent is redacted by this policy, at the destination's own level, and by what `today` says where that is
    /// stricter.
    pub fn start(
        destination: &Destination,
        redactor: Arc<Redactor>,
        policy: &Policy,
        today: Option<Arc<Today>>,
        own: Queue,
        adopted: Vec<Queue>,
    ) -> Self {
        Self::start_before(destination, redactor, policy, today, own, adopted, Onlookers::default())
    }

    /// The same before those who look on.
    pub fn start_before(
        destination: &Destination,
        redactor: Arc<Redactor>,
        policy: &Policy,
        today: Option<Arc<Today>>,
        own: Queue,
        adopted: Vec<Queue>,
        onlookers: Onlookers,
    ) -> Self {
        let redaction = Redaction::new(redactor, policy, destination, today).before(onlookers);
        Self::start_with(destination, redaction, own, adopted, Delays::DEFAULT, MOST_TOGETHER)
    }

    pub(super) fn start_with(
        destination: &Destination,
        redaction: Redaction,
        own: Queue,
        adopted: Vec<Queue>,
        delays: Delays,
        most_together: usize,
    ) -> Self {
        let shared = Arc::new(Shared {
            redaction,
            totals: Totals::new(destination),
            signals: destination.signals.clone(),
            delays,
            most_together,
            bounds: destination.bounds,
            looked: Mutex::default(),
            own: Arc::new(own.promising(destination.durability)),
            adopted: Mutex::default(),
            status: Mutex::default(),
            changes: AtomicU64::new(0),
            wake: Notify::new(),
            phase: watch::Sender::new(Phase::Busy),
            writing: watch::Sender::new(0),
            began: Began { wall: SystemTime::now(), steady: std::time::Instant::now() },
            slow_disk: match destination.durability {
                Durability::Process => SLOW_DISK,
                Durability::Power => SLOW_SYNC,
            },
            was_slow: AtomicBool::new(false),
            closing: watch::Sender::new(false),
        });
        shared.adopt(adopted);
        let task = tokio::spawn(run(Arc::clone(&shared), Poster::new(destination)));
        Self { shared, task: Mutex::new(Some(task)) }
    }

    /// Writes a batch to the spool (or to memory, if the disk will not have it) and wakes the task up.
    ///
    /// Once it answers [`Kept::OnDisk`], the batch survives us. Dropping the future does not take the batch back.
    pub async fn push(&self, signal: Signal, records: u64, policy: u64, body: Redacted<Vec<u8>>) -> Kept {
        let shared = Arc::clone(&self.shared);
        let (tell, told) = oneshot::channel();
        let turn = shared.totals.turn(signal).await;
        shared.writing.send_modify(|writes| *writes += 1);
        let mut writing = spawn_blocking(move || {
            let _ended = Ended(Arc::clone(&shared));
            let mut turn = turn;
            let added = turn.as_mut().map(|turn| turn.add_up(records, &body, &shared.redaction));
            let (records, body) = match added {
                Some(AddedUp { batch, lost }) => {
                    shared.own.lose(signal, lost);
                    let Some(batch) = batch else { return Kept::Nowhere };
                    batch
                }
                None => (records, body),
            };
            let (kept, error) = match shared.own.begin(signal, records, policy, &body) {
                Ok(write) => {
                    let write = Arc::new(write);
                    // Who pushed may have gone; the batch is written all the same.
                    let _ = tell.send((Arc::clone(&write), turn));
                    shared.own.finish(&write)
                }
                Err(error) => (Kept::Nowhere, Some(error)),
            };
            if let Some(error) = error {
                lock(&shared.status).disk_error = Some(sentence(&error));
            }
            if kept == Kept::OnDisk && shared.bounds.are_neared(*lock(&shared.looked), shared.own.usage()) {
                shared.make_room();
            }
            shared.changed();
            kept
        });
        // Packing is not the disk's time.
        // And until the batch waits to be sent, none that was added up after it is pushed.
        if let Ok((write, _turn)) = told.await {
            match tokio::time::timeout(self.shared.slow_disk, &mut writing).await {
                Ok(kept) => return kept.unwrap_or(Kept::Nowhere),
                Err(_) => {
                    if let Some(kept) = self.shared.own.give_up_waiting(&write) {
                        if !self.shared.was_slow.swap(true, Ordering::SeqCst) {
                            tracing::warn!("the disk does not answer in time: batches are acknowledged from memory");
                        }
                        lock(&self.shared.status).disk_error = Some(SpoolError::Slow.to_string());
                        self.shared.changed();
                        return kept;
                    }
                }
            }
        }
        writing.await.unwrap_or(Kept::Nowhere)
    }

    /// Takes over more of what earlier runs left. The oldest of it goes where more waits than may.
    pub async fn adopt(&self, queues: Vec<Queue>) {
        let some = !queues.is_empty();
        self.shared.adopt(queues);
        if some {
            let shared = Arc::clone(&self.shared);
            // A panic leaves more on disk than should be.
            let _ = spawn_blocking(move || shared.make_room()).await;
        }
    }

    /// What became of everything so far.
    pub fn counts(&self) -> DeliveryCounts {
        self.shared.counts()
    }

    /// Waits until nothing waits any more, or nothing will be tried before the deadline, or the deadline is there.
    /// A push that has not answered yet is not waited for.
    pub async fn idle(&self, deadline: Instant) -> Idle {
        let mut phase = self.shared.phase.subscribe();
        loop {
            if self.shared.waiting() == 0 {
                return Idle::Empty;
            }
            let current = *phase.borrow_and_update();
            if let Phase::Waiting { until, seen } = current
                && seen == self.shared.changes.load(Ordering::SeqCst)
                && until.is_none_or(|until| until > deadline.into_std())
            {
                return Idle::Held;
            }
            tokio::select! {
                changed = phase.changed() => if changed.is_err() { return Idle::Held },
                () = tokio::time::sleep_until(deadline) => return Idle::Late,
            }
        }
    }

    /// Holds up the disk of our own queue, or lets it go on.
    #[cfg(test)]
    pub(super) fn gate(&self, closed: bool) {
        self.shared.own.gate.set(closed);
    }

    /// Waits until a write stands before that disk. Holds up the thread.
    #[cfg(test)]
    pub(super) fn wait_until_held(&self) {
        self.shared.own.gate.wait_until_held();
    }

    /// Waits until metrics could be added up.
    #[cfg(test)]
    pub(super) async fn turn(&self) {
        self.shared.totals.turn(Signal::Metrics).await;
    }

    /// Stops, breaking off a request that is on its way; makes what waits survive us, and tells the final counts.
    ///
    /// What is pushed afterwards is spooled for another relay.
    pub async fn close(&self) -> DeliveryCounts {
        self.shared.closing.send_replace(true);
        let task = lock(&self.task).take();
        if let Some(task) = task {
            // An error is a panic of the task: what waits is on disk all the same.
            let _ = task.await;
        }
        // What a slow disk is still writing would be in its way, and is better off written.
        let mut writing = self.shared.writing.subscribe();
        let _ = tokio::time::timeout(LAST_WRITES, writing.wait_for(|writes| *writes == 0)).await;
        let shared = Arc::clone(&self.shared);
        // An error is a panic, likewise.
        let _ = spawn_blocking(move || {
            shared.own.secure();
            shared.own.remove();
            for (_, queue) in &lock(&shared.adopted).queues {
                queue.secure();
            }
            for queue in shared.finish(|_| true) {
                queue.remove();
            }
        })
        .await;
        self.shared.counts()
    }
}

/// A write has ended when this is dropped.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.writing.send_modify(|writes| *writes -= 1);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.abort();
        }
    }
}

impl Shared {
    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.wake.notify_one();
    }

    fn adopt(&self, queues: Vec<Queue>) {
        let mut adopted = lock(&self.adopted);
        for queue in queues {
            let number = adopted.next;
            adopted.next += 1;
            adopted.queues.push((number, Arc::new(queue)));
        }
        drop(adopted);
        self.changed();
    }

    /// All queues, in the order in which they are sent.
    fn queues(&self) -> Vec<(u64, Arc<Queue>)> {
        let mut queues = lock(&self.adopted).queues.clone();
        queues.push((OWN, Arc::clone(&self.own)));
        queues
    }

    /// Drops the oldest of what we hold while more waits on disk than may, whoever holds it. Waits for the disk.
    fn make_room(&self) {
        let queues = self.queues();
        let Some(mut usage) = queues.iter().find_map(|(_, queue)| queue.usage_of_all()) else { return };
        let before = usage;
        for (_, queue) in &queues {
            while self.bounds.are_exceeded_by(usage)
                && let Some(freed) = queue.evict()
            {
                usage = usage.without(freed);
            }
        }
        *lock(&self.looked) = self.own.usage();
        if usage != before {
            let batches = before.files - usage.files;
            tracing::warn!(batches, bytes = before.bytes - usage.bytes, "more waited than may: the oldest was dropped");
            self.changed();
        }
    }

    /// Drops what is too old to be kept, now that it could not be delivered once more. Nothing is dropped for its age
    /// unasked: after a week in a drawer, a laptop delivers.
    async fn expire(self: &Arc<Self>, now: SystemTime) {
        let age = self.bounds.age;
        let too_old = move |queue: &Queue| queue.oldest().is_some_and(|oldest| is_too_old(oldest, now, age));
        if !self.began.is_steady(now, std::time::Instant::now())
            || !self.queues().iter().any(|(_, queue)| too_old(queue))
        {
            return;
        }
        let shared = Arc::clone(self);
        // A panic leaves more on disk than should be.
        let _ = spawn_blocking(move || {
            let mut batches = 0_u64;
            for (_, queue) in shared.queues() {
                while too_old(&queue) && queue.evict().is_some() {
                    batches += 1;
                }
            }
            tracing::warn!(batches, "what waited for too long was dropped");
        })
        .await;
    }

    fn waiting(&self) -> usize {
        self.queues().iter().map(|(_, queue)| queue.waiting()).sum()
    }

    fn counts(&self) -> DeliveryCounts {
        let adopted = lock(&self.adopted);
        let mut tally = adopted.finished;
        for (_, queue) in &adopted.queues {
            tally += queue.tally();
        }
        lock(&self.status).counts(&self.own.tally(), &tally)
    }

    /// Lets go of the adopted queues that are empty, directories included.
    async fn retire(self: &Arc<Self>) {
        let has_empty = lock(&self.adopted).queues.iter().any(|(_, queue)| queue.waiting() == 0);
        if has_empty {
            let shared = Arc::clone(self);
            // A panic leaves an empty directory behind, nothing more.
            let _ = spawn_blocking(move || {
                for queue in shared.finish(|queue| queue.waiting() == 0) {
                    queue.remove();
                }
            })
            .await;
        }
    }

    /// Takes adopted queues off the list. Their tallies stay.
    fn finish(&self, which: impl Fn(&Queue) -> bool) -> Vec<Arc<Queue>> {
        let mut adopted = lock(&self.adopted);
        let Adopted { queues, finished, .. } = &mut *adopted;
        let taken: Vec<_> = queues.extract_if(.., |(_, queue)| which(queue)).map(|(_, queue)| queue).collect();
        for queue in &taken {
            *finished += queue.tally();
        }
        taken
    }

    /// What to do now. Signals take turns, beginning after the `last` one.
    fn next(&self, memory: &Memory, last: Signal, now: std::time::Instant) -> Next {
        let circuit = &memory.circuit;
        let queues = self.queues();
        let own = [(OWN, Arc::clone(&self.own))];
        let mut wake: Option<std::time::Instant> = None;
        let turns =
            Signal::ALL.into_iter().cycle().skip_while(|signal| *signal != last).skip(1).take(Signal::ALL.len());
        for signal in turns {
            let any = || oldest(&queues, signal, None);
            let but = |key| oldest(&queues, signal, Some(key));
            let ours = || oldest(&own, signal, None);
            let (item, until) = match circuit.open(signal, now) {
                Open::Any => (any(), None),
                Open::Rather(key) => (but(key).or_else(any), None),
                Open::Another(key, until) => (ours().or_else(|| but(key)), Some(until)),
                Open::Own(until) => (ours(), Some(until)),
                Open::Nothing(until) => (None, Some(until)),
            };
            if let Some(item) = item {
                return Next::Send(memory.together(&queues, item, self.most_together));
            }
            if let Some(until) = until.filter(|_| any().is_some()) {
                wake = Some(wake.map_or(until, |wake| wake.min(until)));
            }
        }
        Next::Wait(wake)
    }

    /// Sends one batch, or several as one, once, and does what the outcome asks for.
    async fn attempt(self: &Arc<Self>, memory: &mut Memory, poster: &Poster, group: Vec<Item>) {
        let Some(item) = group.first().cloned() else { return };
        if !self.signals.contains(&item.signal) {
            // An earlier run wanted it sent; today's configuration does not.
            return item.settle(Exit::Dropped).await;
        }
        let redaction = self.redaction.clone();
        let onlookers = &self.redaction.onlookers;
        if onlookers.instead {
            onlookers.first().await;
        }
        let (attempt, most) = (memory.attempts.of(item.key), memory.most_bytes(item.signal, &redaction));
        let prepared = spawn_blocking(move || prepare(&group, &redaction, attempt, most)).await;
        let Prepared { payload, members, records, bytes, shown } = match prepared {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(Unready::Settled)) => return,
            Ok(Err(Unready::Configuration)) => {
                return self.hold(&mut memory.circuit, &item, Trouble::Configuration);
            }
            Ok(Err(Unready::Disk)) | Err(_) => return self.hold(&mut memory.circuit, &item, Trouble::Disk),
        };
        // What was first may not have been readable.
        let Some(item) = members.first().map(|member| member.item.clone()) else { return };
        if let Some(shown) = shown {
            onlookers.show(shown).await;
        }
        let outcome = if onlookers.instead { Outcome::TAKEN } else { poster.post(item.signal, &payload).await };
        for member in &members {
            memory.attempts.note(member.item.key, &outcome);
        }
        let (now, random) = (SystemTime::now(), random());
        let attempt = Attempt { failures: memory.circuit.failures(), records, now, random };
        let step = step(&outcome, &attempt, &self.delays);
        tracing::debug!(
            signal = item.signal.as_str(),
            batches = members.len(),
            records,
            bytes,
            ?step,
            "sent what waited"
        );
        if members.len() > 1 && memory.refused_together(item.signal, &step, members.len(), bytes) {
            release(&members);
            return;
        }
        let Memory { circuit, attempts, alone, .. } = memory;
        let poisonous = circuit.settle(item.signal, item.key, &step, std_now());
        match step {
            Step::Delivered { rejected, message } => {
                *alone.get_mut(item.signal) = alone.get(item.signal).saturating_sub(1);
                let mut rejected = rejected;
                for Member { item, records, withheld } in members {
                    attempts.forget(item.key);
                    let of_it = rejected.min(records);
                    rejected -= of_it;
                    item.settle(Exit::Delivered { withheld, rejected: of_it }).await;
                }
                let mut status = lock(&self.status);
                status.well(item.signal);
                status.message = message.or(status.message.take());
            }
            Step::Retry { trouble, .. } => {
                lock(&self.status).unreachable(trouble, now);
                release(&members);
                self.expire(now).await;
            }
            Step::Stop { .. } if poisonous == Some(item.key) => {
                item.settle(Exit::Parked).await;
                self.parked(item.signal, Trouble::Refused);
            }
            Step::Stop { trouble, .. } => {
                lock(&self.status).held(item.signal, trouble, now);
                release(&members);
                self.expire(now).await;
            }
            Step::Park(trouble) => {
                *alone.get_mut(item.signal) = alone.get(item.signal).saturating_sub(1);
                attempts.forget(item.key);
                item.settle(Exit::Parked).await;
                self.parked(item.signal, trouble);
            }
            Step::Halve => {
                lock(&self.status).well(item.signal);
                let redaction = self.redaction.clone();
                match item.blocking(move |item| halve(item, &redaction)).await {
                    Some(Ok(true)) => {
                        if let Some(sequence) = item.queue.first(item.signal, Some(item.key.sequence)) {
                            attempts.inherit(item.key, Key { sequence, ..item.key });
                        }
                        item.queue.release();
                    }
                    Some(Ok(false)) => {
                        item.settle(Exit::Parked).await;
                        self.parked(item.signal, Trouble::Status(413));
                    }
                    Some(Err(())) | None => self.hold(circuit, &item, Trouble::Disk),
                }
            }
        }
        if let Some(key) = poisonous {
            attempts.forget(key);
        }
        if let Some(key) = poisonous.filter(|key| *key != item.key)
            && let Some((_, queue)) = self.queues().into_iter().find(|(number, _)| *number == key.queue)
        {
            // What was refused again and again, while another passes.
            let item = Item { queue, signal: item.signal, key };
            item.settle(Exit::Parked).await;
            lock(&self.status).parked = Some(Trouble::Refused);
        }
    }

    /// The endpoint answered: it is well, but for this batch.
    fn parked(&self, signal: Signal, trouble: Trouble) {
        let mut status = lock(&self.status);
        status.well(signal);
        status.parked = Some(trouble);
    }

    /// It is we who are in trouble: the signal waits, and the batch stays what it is.
    fn hold(&self, circuit: &mut Circuit, item: &Item, trouble: Trouble) {
        item.queue.release();
        let wait = self.delays.back_off(REREAD, random());
        circuit.hold(item.signal, std_now().checked_add(wait));
        lock(&self.status).held(item.signal, trouble, SystemTime::now());
    }
}

/// What the task remembers from one attempt to the next.
#[derive(Default)]
struct Memory {
    circuit: Circuit,
    attempts: Attempts,
    /// So many batches are sent one by one: they were refused together, and one of them may be why.
    alone: PerSignal<usize>,
    /// More than that in one request was too much for the endpoint.
    too_large: PerSignal<Option<usize>>,
}

impl Memory {
    /// The batches that may be sent as one with the first of all: those that wait behind it, of as many attempts.
    fn together(&self, queues: &[(u64, Arc<Queue>)], first: Item, most: usize) -> Vec<Item> {
        let signal = first.signal;
        if *self.alone.get(signal) > 0 || !self.circuit.is_well(signal) {
            return vec![first];
        }
        let attempts = self.attempts.of(first.key);
        let all = queues.iter().flat_map(|(number, queue)| {
            let sequences = queue.oldest_of(signal, most).into_iter();
            sequences.map(move |sequence| (Key { queue: *number, sequence }, queue))
        });
        let all = all.skip_while(|(key, _)| *key != first.key);
        let same = all.take_while(|(key, _)| self.attempts.of(*key) == attempts).take(most);
        let items = same.map(|(key, queue)| Item { queue: Arc::clone(queue), signal, key }).collect::<Vec<_>>();
        if items.is_empty() { vec![first] } else { items }
    }

    /// How large a request of several batches may be.
    fn most_bytes(&self, signal: Signal, redaction: &Redaction) -> usize {
        let most = redaction.most_bytes();
        self.too_large.get(signal).map_or(most, |too_large| (too_large / 2).min(most))
    }

    /// Takes note of what became of several batches. Whether they may be taken one by one, or fewer at once: then nothing
    /// is known of any of them yet.
    fn refused_together(&mut self, signal: Signal, step: &Step, batches: usize, bytes: usize) -> bool {
        match step {
            Step::Delivered { .. } | Step::Retry { .. } => return false,
            Step::Halve => *self.too_large.get_mut(signal) = Some(bytes),
            Step::Stop { .. } | Step::Park(_) => *self.alone.get_mut(signal) = batches,
        }
        // What refuses everything is not asked twice.
        !matches!(step, Step::Stop { .. })
    }
}

fn release(members: &[Member]) {
    for member in members {
        member.item.queue.release();
    }
}

/// How often the endpoint may have had a batch without saying so. Only of those that were tried and still wait: a few.
#[derive(Default)]
struct Attempts {
    unsaid: HashMap<Key, u32>,
    /// Those of our own run before this one were left by another relay of it.
    found_below: u64,
}

impl Attempts {
    /// The number of the next attempt. Of what an earlier run left nobody knows whether it was on its way.
    fn of(&self, key: Key) -> u32 {
        let earlier = key.is_earlier() || key.sequence < self.found_below;
        1 + u32::from(earlier) + self.unsaid.get(&key).copied().unwrap_or(0)
    }

    fn note(&mut self, key: Key, outcome: &Outcome) {
        if outcome.may_have_been_taken() {
            *self.unsaid.entry(key).or_default() += 1;
        }
    }

    /// The second half may have been there with the whole.
    fn inherit(&mut self, whole: Key, half: Key) {
        if let Some(attempts) = self.unsaid.get(&whole).copied() {
            self.unsaid.insert(half, attempts);
        }
    }

    /// The batch waits no more.
    fn forget(&mut self, key: Key) {
        self.unsaid.remove(&key);
    }
}

/// The most batches that are sent as one: their numbers stand in a header.
const MOST_TOGETHER: usize = 100;

/// A disk that fails is asked again as late as an endpoint after this many failures.
const REREAD: u32 = 5;

async fn run(shared: Arc<Shared>, poster: Poster) {
    let mut memory = Memory::default();
    let own = shared.queues().into_iter().find(|(number, _)| *number == OWN);
    memory.attempts.found_below = own.map_or(0, |(_, queue)| queue.found_below());
    let mut closing = shared.closing.subscribe();
    let mut last = Signal::Traces;
    loop {
        let seen = shared.changes.load(Ordering::SeqCst);
        shared.retire().await;
        match shared.next(&memory, last, std_now()) {
            Next::Send(group) => {
                last = group.first().map_or(last, |item| item.signal);
                shared.phase.send_replace(Phase::Busy);
                tokio::select! {
                    biased;
                    _ = closing.wait_for(|closing| *closing) => return,
                    () = shared.attempt(&mut memory, &poster, group) => {}
                }
            }
            Next::Wait(until) => {
                shared.phase.send_replace(Phase::Waiting { until, seen });
                let sleep = async {
                    match until {
                        Some(until) => tokio::time::sleep_until(until.into()).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    _ = closing.wait_for(|closing| *closing) => return,
                    () = shared.wake.notified() => {}
                    () = sleep => {}
                }
            }
        }
    }
}

/// The oldest batch of a signal, passing over one.
fn oldest(queues: &[(u64, Arc<Queue>)], signal: Signal, except: Option<Key>) -> Option<Item> {
    queues.iter().find_map(|(number, queue)| {
        let except = except.filter(|key| key.queue == *number).map(|key| key.sequence);
        let sequence = queue.first(signal, except)?;
        Some(Item { queue: Arc::clone(queue), signal, key: Key { queue: *number, sequence } })
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The runtime's clock, which tests can hold.
fn std_now() -> std::time::Instant {
    Instant::now().into_std()
}

/// From 0 to 1: the first 32 bits of a version 4 UUID are random.
fn random() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}

fn sentence(error: &SpoolError) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
