//! What a queue knows of its batches: where each is, and a tally that adds up after every step. Touches nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use super::bounds::Usage;
use super::counts::{Count, PerSignal, Tally};
use super::format::STRIDE;
use super::queue::{Exit, MEMORY_RING_BYTES};
use crate::otlp::Signal;

/// Where a waiting batch is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In its file.
    Disk(OnDisk),
    /// In memory, in the format of a file.
    Memory(Arc<Vec<u8>>),
}

/// A file.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnDisk {
    pub bytes: u64,
    /// When it was written.
    pub since: SystemTime,
}

/// A waiting batch.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub records: u64,
    pub place: Place,
}

/// The batches that wait, by signal and sequence.
#[derive(Debug)]
pub(super) struct State {
    slots: PerSignal<BTreeMap<u64, Slot>>,
    tally: PerSignal<Tally>,
    next: u64,
    /// Those of them that are only in memory, oldest first, and how large they are together.
    memory: BTreeSet<(u64, Signal)>,
    memory_bytes: usize,
    /// How much of it is on disk.
    usage: Usage,
    /// The batches that are being sent: they are not dropped to make room.
    busy: BTreeSet<(Signal, u64)>,
    /// Nothing is sent any more.
    closed: bool,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            slots: PerSignal::default(),
            tally: PerSignal::default(),
            next: STRIDE,
            memory: BTreeSet::new(),
            memory_bytes: 0,
            usage: Usage::default(),
            busy: BTreeSet::new(),
            closed: false,
        }
    }

    pub(super) fn tally(&self) -> PerSignal<Tally> {
        self.tally
    }

    /// What the sequence number for a new batch would be.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The sequence number for a new batch.
    pub(super) fn reserve(&mut self) -> u64 {
        let sequence = self.next;
        self.next = self.next.saturating_add(STRIDE);
        sequence
    }

    /// A batch is where it says. One from memory may push out the oldest; false if it is itself too large to keep.
    pub(super) fn accept(&mut self, signal: Signal, sequence: u64, records: u64, place: Place) -> bool {
        self.next = self.next.max((sequence / STRIDE).saturating_add(1).saturating_mul(STRIDE));
        self.tally.get_mut(signal).accepted += Count::one(records);
        self.insert(signal, sequence, records, place);
        self.make_room();
        self.slots.get(signal).contains_key(&sequence)
    }

    /// Of what is dropped, or about to be, so much is written down already.
    pub(super) fn written(&mut self, signal: Signal, lost: Count, evicted: bool) {
        let tally = self.tally.get_mut(signal);
        tally.written += lost;
        if evicted {
            tally.written_evicted += lost;
        }
    }

    /// Something was taken over that never gets a place: as many records, and a batch if there was nothing else in it.
    pub(super) fn lose(&mut self, signal: Signal, lost: Count) {
        let tally = self.tally.get_mut(signal);
        tally.accepted += lost;
        tally.dropped += lost;
    }

    /// A file that was found but cannot be read: accepted once, by somebody, and lost.
    pub(super) fn found_corrupt(&mut self, signal: Signal, sequence: u64, records: u64) {
        self.accept(signal, sequence, records, Place::Disk(OnDisk { bytes: 0, since: SystemTime::UNIX_EPOCH }));
        self.leave(signal, sequence, Exit::Corrupt);
    }

    /// The oldest batch of a signal, other than one to be passed over.
    pub(super) fn first(&self, signal: Signal, except: Option<u64>) -> Option<u64> {
        self.slots.get(signal).keys().find(|sequence| Some(**sequence) != except).copied()
    }

    /// The batches of a signal, oldest first, at most so many.
    pub(super) fn oldest(&self, signal: Signal, most: usize) -> Vec<u64> {
        self.slots.get(signal).keys().take(most).copied().collect()
    }

    /// How many batches wait.
    pub(super) fn waiting(&self) -> usize {
        Signal::ALL.into_iter().map(|signal| self.slots.get(signal).len()).sum()
    }

    /// The batch, marked as being sent.
    pub(super) fn begin(&mut self, signal: Signal, sequence: u64) -> Option<Slot> {
        let slot = self.slots.get(signal).get(&sequence)?.clone();
        if !self.closed {
            self.busy.insert((signal, sequence));
        }
        Some(slot)
    }

    /// This batch is not being sent.
    pub(super) fn pass_over(&mut self, signal: Signal, sequence: u64) {
        self.busy.remove(&(signal, sequence));
    }

    /// No batch is being sent.
    pub(super) fn release(&mut self) {
        self.busy.clear();
    }

    /// No batch is being sent, nor will one be.
    pub(super) fn close(&mut self) {
        self.busy.clear();
        self.closed = true;
    }

    pub(super) fn slot(&self, signal: Signal, sequence: u64) -> Option<&Slot> {
        self.slots.get(signal).get(&sequence)
    }

    /// The batch waits no more. None if it was not waiting.
    pub(super) fn leave(&mut self, signal: Signal, sequence: u64, exit: Exit) -> Option<Slot> {
        let slot = self.slots.get_mut(signal).remove(&sequence)?;
        self.busy.remove(&(signal, sequence));
        let count = Count::one(slot.records);
        let tally = self.tally.get_mut(signal);
        match &slot.place {
            Place::Disk(file) => {
                tally.spooled -= count;
                self.usage = self.usage.without(Usage::one(file.bytes));
            }
            Place::Memory(bytes) => {
                tally.in_memory -= count;
                self.memory_bytes = self.memory_bytes.saturating_sub(bytes.len());
                self.memory.remove(&(sequence, signal));
            }
        }
        match exit {
            Exit::Delivered { withheld, rejected } => {
                let withheld = withheld.min(slot.records);
                let rejected = rejected.min(slot.records - withheld);
                tally.delivered += Count { batches: 1, records: slot.records - withheld - rejected };
                tally.dropped += Count::records(withheld + rejected);
                tally.rejected += Count::records(rejected);
            }
            Exit::Parked => tally.parked += count,
            Exit::Dropped => tally.dropped += count,
            Exit::Evicted => {
                tally.dropped += count;
                tally.evicted += count;
            }
            Exit::Corrupt => {
                tally.dropped += count;
                tally.corrupt += count;
            }
        }
        Some(slot)
    }

    /// The number between this batch and the next of its signal, if there is one left.
    pub(super) fn between(&self, signal: Signal, sequence: u64) -> Option<u64> {
        let after = (sequence / STRIDE).saturating_add(1).saturating_mul(STRIDE);
        let next = self.slots.get(signal).range(sequence.saturating_add(1)..).next().map_or(after, |(next, _)| *next);
        let middle = sequence + (next.min(after).saturating_sub(sequence)) / 2;
        (middle > sequence).then_some(middle)
    }

    /// One batch becomes two. What redaction took out of them since is dropped, and counted.
    pub(super) fn halve(&mut self, signal: Signal, sequence: u64, first: Slot, second: (u64, Slot)) {
        let Some(whole) = self.leave(signal, sequence, Exit::Dropped) else { return };
        let (second_sequence, second) = second;
        let kept = first.records.saturating_add(second.records);
        let tally = self.tally.get_mut(signal);
        // `leave` counted the whole as dropped: only the difference is.
        tally.dropped -= Count::one(whole.records.min(kept));
        tally.accepted += Count { batches: 1, records: kept.saturating_sub(whole.records) };
        self.insert(signal, sequence, first.records, first.place);
        self.insert(signal, second_sequence, second.records, second.place);
    }

    /// How much is on disk.
    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    /// The oldest batch on disk, of any signal, that is not being sent.
    pub(super) fn oldest_on_disk(&self) -> Option<(Signal, u64, OnDisk)> {
        let oldest = |signal: Signal| {
            let slots = self.slots.get(signal).iter();
            let mut slots = slots.filter(move |(sequence, _)| !self.busy.contains(&(signal, **sequence)));
            slots.find_map(|(sequence, slot)| match &slot.place {
                Place::Disk(file) => Some((signal, *sequence, *file)),
                Place::Memory(_) => None,
            })
        };
        Signal::ALL.into_iter().filter_map(oldest).min_by_key(|(_, sequence, _)| *sequence)
    }

    /// The batches that are only in memory, oldest first.
    pub(super) fn only_in_memory(&self) -> Vec<(Signal, u64, Arc<Vec<u8>>)> {
        let found = self.memory.iter().filter_map(|(sequence, signal)| match &self.slot(*signal, *sequence)?.place {
            Place::Memory(bytes) => Some((*signal, *sequence, Arc::clone(bytes))),
            Place::Disk(_) => None,
        });
        found.collect()
    }

    /// A batch from memory is on disk now. False: it does not wait any more, or it is being sent from memory.
    pub(super) fn moved_to_disk(&mut self, signal: Signal, sequence: u64, file: OnDisk) -> bool {
        if self.busy.contains(&(signal, sequence)) {
            return false;
        }
        let Some(slot) = self.slots.get_mut(signal).get_mut(&sequence) else { return false };
        let Place::Memory(bytes) = std::mem::replace(&mut slot.place, Place::Disk(file)) else { return true };
        let count = Count::one(slot.records);
        self.usage = self.usage.and(Usage::one(file.bytes));
        self.memory_bytes = self.memory_bytes.saturating_sub(bytes.len());
        self.memory.remove(&(sequence, signal));
        let tally = self.tally.get_mut(signal);
        tally.in_memory -= count;
        tally.spooled += count;
        true
    }

    fn insert(&mut self, signal: Signal, sequence: u64, records: u64, place: Place) {
        let tally = self.tally.get_mut(signal);
        match &place {
            Place::Disk(file) => {
                tally.spooled += Count::one(records);
                self.usage = self.usage.and(Usage::one(file.bytes));
            }
            Place::Memory(bytes) => {
                tally.in_memory += Count::one(records);
                self.memory_bytes += bytes.len();
                self.memory.insert((sequence, signal));
            }
        }
        self.slots.get_mut(signal).insert(sequence, Slot { records, place });
    }

    /// Drops the oldest batches from memory until all of it fits; the newest itself where only the one that is
    /// being sent is left besides it.
    fn make_room(&mut self) {
        while self.memory_bytes > MEMORY_RING_BYTES {
            let idle = |(sequence, signal): &&(u64, Signal)| !self.busy.contains(&(*signal, *sequence));
            let Some((sequence, signal)) = self.memory.iter().find(idle).copied() else { return };
            self.leave(signal, sequence, Exit::Dropped);
        }
    }
}
