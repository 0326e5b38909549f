//! Lives of spools: what relays do, drawn from a seed, with what they were told.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::OnceLock;

use nix::sys::stat::Mode;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::model::{Id, Mark};
use super::watch::{self, Refusal, Step};
use crate::otlp::{Batch, Signal, encode};
use crate::redact::{Policy, Redacted, Redactor};
use crate::spool::state::Place;
use crate::spool::{Durability, Exit, Kept, Queue, Spool, Write};

/// The most batches of one life.
const MOST: usize = 128;

/// SplitMix64.
pub(super) struct Random(pub u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn signal(&mut self) -> Signal {
        Signal::ALL[self.below(3)]
    }
}

/// The body of a batch: no other has the same.
fn body(signal: Signal, id: Id) -> &'static Redacted<Vec<u8>> {
    &bodies().0[id][Signal::ALL.into_iter().position(|known| known == signal).unwrap()]
}

/// Which batch has this body.
pub(super) fn batch_of(signal: Signal, body: &[u8]) -> Option<Id> {
    bodies().1.get(body).filter(|(known, _)| *known == signal).map(|(_, id)| *id)
}

type Bodies = (Vec<[Redacted<Vec<u8>>; 3]>, HashMap<Vec<u8>, (Signal, Id)>);

fn bodies() -> &'static Bodies {
    static BODIES: OnceLock<Bodies> = OnceLock::new();
    BODIES.get_or_init(|| {
        let redactor = Redactor::of_tests();
        let make = |signal, id| redactor.again(signal, &request(signal, id), &Policy::default()).unwrap().encode();
        let all: Vec<_> = (0..MOST).map(|id| Signal::ALL.map(|signal| make(signal, id))).collect();
        let ids = all.iter().enumerate().flat_map(|(id, bodies)| {
            bodies.iter().zip(Signal::ALL).map(move |(body, signal)| (body.get().clone(), (signal, id)))
        });
        let ids: HashMap<_, _> = ids.collect();
        assert_eq!(ids.len(), 3 * MOST);
        (all, ids)
    })
}

fn request(signal: Signal, id: Id) -> Vec<u8> {
    let nanos = 1 + id as u64;
    let scope = Some(InstrumentationScope { name: "com.anthropic.claude_code.events".into(), ..Default::default() });
    encode(&match signal {
        Signal::Logs => {
            let log_records = vec![LogRecord { time_unix_nano: nanos, ..Default::default() }];
            let scope_logs = vec![ScopeLogs { scope, log_records, ..Default::default() }];
            let resource_logs = vec![ResourceLogs { scope_logs, ..Default::default() }];
            Batch::Logs(ExportLogsServiceRequest { resource_logs })
        }
        Signal::Metrics => {
            let data_points = vec![NumberDataPoint { time_unix_nano: nanos, ..Default::default() }];
            let data = Some(Data::Sum(Sum { data_points, ..Default::default() }));
            let metrics = vec![Metric { name: "claude_code.commit.count".into(), data, ..Default::default() }];
            let scope_metrics = vec![ScopeMetrics { scope, metrics, ..Default::default() }];
            let resource_metrics = vec![ResourceMetrics { scope_metrics, ..Default::default() }];
            Batch::Metrics(ExportMetricsServiceRequest { resource_metrics })
        }
        Signal::Traces => {
            let spans = vec![Span { start_time_unix_nano: nanos, ..Default::default() }];
            let scope_spans = vec![ScopeSpans { scope, spans, ..Default::default() }];
            let resource_spans = vec![ResourceSpans { scope_spans, ..Default::default() }];
            Batch::Traces(ExportTraceServiceRequest { resource_spans })
        }
    })
}

/// A queue, and what it has to sync.
struct Held {
    run: String,
    queue: Queue,
    power: bool,
    noted: Vec<Id>,
}

/// Relays that come and go, on one spool.
pub(super) struct Life {
    random: Random,
    /// What own queues promise; None: now this, now that.
    power: Option<bool>,
    /// Whether anything is refused, and anybody killed.
    trouble: bool,
    spool: Spool,
    /// The first is the own one.
    queues: Vec<Held>,
    /// What every file has in it.
    files: BTreeMap<(String, Signal, u64), Id>,
    acknowledged: Vec<bool>,
    /// A write that takes too long.
    late: Option<(Write, Id)>,
    runs: usize,
}

/// What happens in so many actions; `top` is an empty directory.
pub(super) fn live(top: &Path, seed: u64, actions: usize) -> Vec<Step> {
    let mut life = Life::begin(top, seed, None);
    life.trouble = !life.random.one_in(4);
    for _ in 0..actions {
        if life.acknowledged.len() + 4 > MOST {
            break;
        }
        life.act();
    }
    watch::end()
}

impl Life {
    pub(super) fn begin(top: &Path, seed: u64, power: Option<bool>) -> Self {
        watch::begin(top);
        let mut directory: OwnedFd = std::fs::File::open(top).unwrap().into();
        for name in ["state", "spool"] {
            watch::mkdirat(&directory, name, Mode::S_IRWXU).unwrap();
            directory = nix::fcntl::openat(&directory, name, nix::fcntl::OFlag::O_RDONLY, Mode::empty()).unwrap();
        }
        let mut life = Self {
            random: Random(seed),
            power,
            trouble: false,
            spool: Spool::open(&top.join("state/spool")).unwrap(),
            queues: Vec::new(),
            files: BTreeMap::new(),
            acknowledged: Vec::new(),
            late: None,
            runs: 0,
        };
        life.take_over();
        life
    }

    fn act(&mut self) {
        watch::was_refused();
        if self.trouble && self.random.one_in(10) {
            watch::refuse(Refusal::Once(self.random.below(6)));
        } else if self.trouble && self.random.one_in(16) {
            watch::refuse(Refusal::Death(self.random.below(8)));
        }
        match self.random.below(24) {
            0..=7 => {
                let signal = self.random.signal();
                self.push(signal);
            }
            8 | 9 => self.hang_or_end(),
            10..=14 => self.settle(),
            15 | 16 => self.halve(),
            17 => self.evict(),
            18 | 19 => {
                let at = self.random.below(self.queues.len());
                self.sync(at);
            }
            // With a write that hangs it is the end: the process does not wait for it.
            20 if self.late.is_some() => self.hand_over(),
            20 => self.secure(),
            21 | 22 => self.remove(),
            _ => self.hand_over(),
        }
        self.look();
        while watch::is_dead() {
            watch::refuse(Refusal::Nothing);
            if self.random.one_in(4) {
                watch::refuse(Refusal::Death(self.random.below(6)));
            }
            self.take_over();
        }
        // A death that has not come yet comes later.
        watch::spare();
    }

    fn new_batch(&mut self, signal: Signal, half_of: Option<Id>) -> Id {
        let id = self.acknowledged.len();
        self.acknowledged.push(false);
        watch::mark(Mark::Begun { signal, half_of });
        id
    }

    pub(super) fn push(&mut self, signal: Signal) {
        let (write, id) = self.begin_write(signal);
        let kept = self.queues[0].queue.finish(&write).0;
        self.kept(kept, id);
    }

    fn begin_write(&mut self, signal: Signal) -> (Write, Id) {
        let id = self.new_batch(signal, None);
        let own = &self.queues[0];
        let write = own.queue.begin(signal, 1, 7, body(signal, id)).unwrap();
        self.files.insert((own.run.clone(), signal, write.sequence()), id);
        (write, id)
    }

    fn kept(&mut self, kept: Kept, id: Id) {
        if kept == Kept::OnDisk && self.queues[0].power {
            self.acknowledge(0, id, true);
        }
        self.look();
    }

    fn acknowledge(&mut self, at: usize, id: Id, power: bool) {
        if watch::is_dead() || std::mem::replace(&mut self.acknowledged[id], true) {
            return;
        }
        watch::mark(Mark::Acknowledged { id, power });
        if !power {
            self.queues[at].noted.push(id);
        }
    }

    /// What is on disk by now, pushed or spilled, is acknowledged.
    fn look(&mut self) {
        for at in 0..self.queues.len() {
            let ids: Vec<Id> = self.on_disk(at);
            for id in ids {
                self.acknowledge(at, id, false);
            }
        }
    }

    fn on_disk(&self, at: usize) -> Vec<Id> {
        let held = &self.queues[at];
        let state = held.queue.lock_for_test();
        let files = self.files.iter().filter(|((run, signal, sequence), _)| {
            *run == held.run && state.slot(*signal, *sequence).is_some_and(|slot| matches!(slot.place, Place::Disk(_)))
        });
        files.map(|(_, id)| *id).collect()
    }

    /// A write takes too long, or one that did ends.
    fn hang_or_end(&mut self) {
        let Some((write, id)) = self.late.take() else {
            let signal = self.random.signal();
            let (write, id) = self.begin_write(signal);
            self.queues[0].queue.give_up_waiting(&write).unwrap();
            self.late = Some((write, id));
            return;
        };
        watch::mark(Mark::Late(id));
        let kept = self.queues[0].queue.finish(&write).0;
        if self.on_disk(0).contains(&id) {
            self.kept(kept, id);
        } else {
            // It has left meanwhile, or is on its way.
            mark_if_all_went_well(Mark::LateIsGone(id));
        }
    }

    /// A waiting batch, to be sent.
    fn load(&mut self) -> Option<(usize, Signal, u64, Id)> {
        let (at, signal) = (self.random.below(self.queues.len()), self.random.signal());
        let held = &self.queues[at];
        let first = held.queue.first(signal, None)?;
        let second = held.queue.first(signal, Some(first)).filter(|_| self.random.one_in(3));
        let sequence = second.unwrap_or(first);
        let spooled = held.queue.load(signal, sequence).unwrap();
        let id = batch_of(signal, &spooled.body).unwrap();
        assert_eq!(self.files.get(&(held.run.clone(), signal, sequence)), Some(&id));
        Some((at, signal, sequence, id))
    }

    fn settle(&mut self) {
        let Some((at, signal, sequence, id)) = self.load() else { return };
        let exit = match self.random.below(10) {
            // It is still on its way.
            0 => return,
            1 => {
                self.queues[at].queue.release();
                return;
            }
            2..=4 => Exit::Parked,
            5 => Exit::Dropped,
            6 => Exit::Corrupt,
            _ => Exit::Delivered { withheld: 0, rejected: 0 },
        };
        self.settle_as(at, signal, sequence, id, exit);
    }

    fn settle_as(&mut self, at: usize, signal: Signal, sequence: u64, id: Id, exit: Exit) {
        let parked = exit == Exit::Parked;
        watch::mark(if parked { Mark::Parking(id) } else { Mark::Leaving(id) });
        self.queues[at].queue.settle(signal, sequence, exit);
        mark_if_all_went_well(if parked { Mark::Parked(id) } else { Mark::Left(id) });
    }

    pub(super) fn settle_first(&mut self, signal: Signal, exit: Exit) {
        let sequence = self.queues[0].queue.first(signal, None).unwrap();
        let id = self.files[&(self.queues[0].run.clone(), signal, sequence)];
        self.settle_as(0, signal, sequence, id, exit);
    }

    fn halve(&mut self) {
        let Some((at, signal, sequence, whole)) = self.load() else { return };
        self.halve_one(at, signal, sequence, whole);
    }

    pub(super) fn halve_first(&mut self, signal: Signal) {
        let sequence = self.queues[0].queue.first(signal, None).unwrap();
        let id = self.files[&(self.queues[0].run.clone(), signal, sequence)];
        self.halve_one(0, signal, sequence, id);
    }

    fn halve_one(&mut self, at: usize, signal: Signal, sequence: u64, whole: Id) {
        let Some(middle) = self.queues[at].queue.lock_for_test().between(signal, sequence) else { return };
        let halves = [(); 2].map(|()| self.new_batch(signal, Some(whole)));
        let run = self.queues[at].run.clone();
        let before = self.files.insert((run.clone(), signal, middle), halves[1]);
        watch::mark(Mark::Halving { whole, halves });
        let halved = self.queues[at].queue.halve(signal, sequence, 7, halves.map(|id| (1, body(signal, id))));
        match halved {
            Ok(true) => {
                self.files.insert((run, signal, sequence), halves[0]);
                mark_if_all_went_well(Mark::Halved { whole });
            }
            // Whoever takes over looks what is there.
            _ if watch::is_dead() => {}
            _ => {
                self.files.remove(&(run.clone(), signal, middle));
                self.files.extend(before.map(|id| ((run, signal, middle), id)));
            }
        }
        self.queues[at].queue.release();
    }

    fn evict(&mut self) {
        let at = self.random.below(self.queues.len());
        let Some((signal, sequence, _)) = self.queues[at].queue.lock_for_test().oldest_on_disk() else { return };
        let id = self.files[&(self.queues[at].run.clone(), signal, sequence)];
        watch::mark(Mark::Leaving(id));
        self.queues[at].queue.evict().unwrap();
        mark_if_all_went_well(Mark::Left(id));
    }

    pub(super) fn sync(&mut self, at: usize) {
        let noted = std::mem::take(&mut self.queues[at].noted);
        self.queues[at].queue.syncer_for_test().now();
        mark_if_all_went_well(Mark::Synced(noted));
    }

    fn secure(&mut self) {
        for at in 0..self.queues.len() {
            self.queues[at].queue.secure();
            self.look();
            let noted = std::mem::take(&mut self.queues[at].noted);
            mark_if_all_went_well(Mark::Synced(noted));
        }
    }

    /// Removes what is empty; who removed its own directory begins a new run.
    fn remove(&mut self) {
        let at = self.random.below(self.queues.len());
        if !self.queues[at].queue.remove() || watch::is_dead() {
            return;
        }
        if at == 0 {
            self.take_over();
        } else {
            self.queues.remove(at);
        }
    }

    fn hand_over(&mut self) {
        if self.random.one_in(2) {
            self.secure();
        }
        self.take_over();
    }

    /// All relays end, and another begins: of the same run, or of a new one that takes over what is there.
    fn take_over(&mut self) {
        self.late = None;
        self.queues.clear();
        if self.runs == 0 || !self.random.one_in(4) {
            self.runs += 1;
        }
        let run = format!("run-{:03}", self.runs);
        let power = self.power.unwrap_or_else(|| self.random.one_in(2));
        let durability = if power { Durability::Power } else { Durability::Process };
        let own = self.spool.queue("org", &run).map(|queue| queue.promising(durability));
        let adopted = self.spool.adopt("org");
        if watch::is_dead() {
            return;
        }
        let Ok(own) = own else { return self.take_over() };
        self.take(run, own, power);
        for queue in adopted.unwrap_or_default() {
            let run = format!("{queue:?}").split('"').nth(1).unwrap().to_owned();
            self.take(run, queue, false);
        }
    }

    fn take(&mut self, run: String, queue: Queue, power: bool) {
        queue.syncer_for_test().by_hand();
        let of_run = self.files.keys().filter(|(known, ..)| *known == run);
        for (run, signal, sequence) in of_run.cloned().collect::<Vec<_>>() {
            let there = queue.load(signal, sequence).ok().and_then(|spooled| batch_of(signal, &spooled.body));
            match there {
                Some(id) => self.files.insert((run, signal, sequence), id),
                None => self.files.remove(&(run, signal, sequence)),
            };
        }
        queue.release();
        for ((known, ..), id) in &self.files {
            // It was on disk, whether or not its relay lived to say so.
            if *known == run && !std::mem::replace(&mut self.acknowledged[*id], true) {
                watch::mark(Mark::Acknowledged { id: *id, power: false });
            }
        }
        self.queues.push(Held { run, queue, power, noted: Vec::new() });
    }
}

fn mark_if_all_went_well(mark: Mark) {
    if !watch::is_dead() && !watch::was_refused() {
        watch::mark(mark);
    }
}
