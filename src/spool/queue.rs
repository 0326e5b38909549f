//! Edge: the batches of one run for one destination, first in first out, on disk or (where the disk fails) in memory.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use uuid::Uuid;

use super::bounds::{Durability, Usage};
use super::counts::{Count, PerSignal, Tally};
use super::format::{self, FormatError, Header, Spooled};
use super::held;
use super::place::{self, Claim, LOCK};
use super::state::{OnDisk, Place, Slot, State};
use super::sync::Syncer;
use super::{CORRUPT, PARKED, Spool, SpoolError};
use crate::otlp::Signal;
use crate::redact::Redacted;

/// The most that is kept in memory while the disk takes nothing, in bytes as they would be on disk, for one queue.
/// Beyond it the oldest are dropped, and counted.
pub const MEMORY_RING_BYTES: usize = 32 << 20;

/// How a batch leaves the queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// The endpoint has it.
    Delivered {
        /// Records that a stricter policy of today took out before it was sent.
        withheld: u64,
        /// Records that the endpoint threw away.
        rejected: u64,
    },
    /// To `parked/`.
    Parked,
    /// To `corrupt/`.
    Corrupt,
    /// Away.
    Dropped,
    /// Away, since there was too much or it was too old.
    Evicted,
}

impl Exit {
    /// What is lost when a batch of so many records leaves so.
    fn lost(self, records: u64) -> Count {
        match self {
            Self::Delivered { withheld, rejected } => Count::records(withheld.saturating_add(rejected).min(records)),
            Self::Parked => Count::default(),
            Self::Corrupt | Self::Dropped | Self::Evicted => Count::one(records),
        }
    }
}

/// Where a new batch went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kept {
    /// It survives us.
    OnDisk,
    /// It survives as long as we do.
    InMemory,
    /// It was larger than the memory that is left for it, or nothing of it was left; it is counted as dropped.
    Nowhere,
}

/// Why a batch cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Somebody removed it.
    #[error("the batch is gone")]
    Gone,
    /// It is not what was written.
    #[error("the spool file is damaged: {0}")]
    Corrupt(#[from] FormatError),
    /// The disk does not answer; the batch may be all right.
    #[error("could not read a spool file")]
    Io(#[from] io::Error),
}

/// A run's batches for one destination.
///
/// It is locked as long as it exists: no other relay takes it. All methods are quick, but those that write or read
/// wait for the disk: call them where waiting is allowed.
pub struct Queue {
    disk: OnceLock<Disk>,
    /// Where there could be one, while there is none.
    home: Mutex<Option<Home>>,
    /// What has a lower number was found on disk.
    found_below: u64,
    state: Mutex<State>,
    durability: Durability,
    /// Writes that were acknowledged from memory and have not ended.
    overdue: AtomicUsize,
    #[cfg(test)]
    pub(crate) gate: super::tests::Gate,
}

/// A batch on its way to the disk.
pub struct Write {
    signal: Signal,
    sequence: u64,
    records: u64,
    packed: Arc<Vec<u8>>,
    stage: Mutex<Stage>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// Nobody knows of it but who pushed it.
    Writing,
    /// It took too long, and counts as being in memory.
    Overdue,
    /// It is where it says.
    Ended,
}

/// Where a queue without a directory would have one.
struct Home {
    root: PathBuf,
    destination: String,
}

struct Disk {
    destination: Arc<OwnedFd>,
    directory: Arc<OwnedFd>,
    run: String,
    syncer: Syncer,
    claim: Claim,
}

impl Queue {
    /// A queue without a directory, for where none can be made: it delivers as long as the process lives.
    pub fn in_memory() -> Self {
        Self::new(None, State::new())
    }

    /// The same, until a directory can be made for this destination below a spool's root: looked for with each batch.
    pub fn in_memory_until_it_can_be_below(root: PathBuf, destination: &str) -> Self {
        let home = Home { root, destination: destination.to_owned() };
        Self { home: Mutex::new(Some(home)), ..Self::in_memory() }
    }

    fn new(disk: Option<Disk>, state: State) -> Self {
        Self {
            disk: disk.map(OnceLock::from).unwrap_or_default(),
            home: Mutex::new(None),
            found_below: state.next(),
            state: Mutex::new(state),
            durability: Durability::default(),
            overdue: AtomicUsize::new(0),
            #[cfg(test)]
            gate: super::tests::Gate::default(),
        }
    }

    /// The same, with what is promised of new batches.
    #[must_use]
    pub fn promising(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// Reads what is in a directory that we hold the lock of.
    pub(super) fn recover(destination: Arc<OwnedFd>, run: &str, claim: Claim) -> Result<Self, SpoolError> {
        let directory = Arc::clone(&claim.directory);
        let syncer = Syncer::new(Arc::clone(&directory));
        let disk = Disk { destination, directory, run: run.to_owned(), syncer, claim };
        let mut state = State::new();
        for name in place::names(&disk.directory)? {
            if name == LOCK {
                continue;
            }
            if name.ends_with(format::TEMPORARY) {
                // Never acknowledged: it has no name yet.
                disk.unlink(&name);
                continue;
            }
            let Some((signal, sequence)) = format::parse_name(&name) else {
                tracing::warn!("moved a stray file out of the spool");
                disk.set_aside(CORRUPT, &name);
                continue;
            };
            match disk.header(&name) {
                Ok((header, file)) if header.signal == signal => {
                    state.accept(signal, sequence, header.records, Place::Disk(file));
                }
                Ok(_) | Err(LoadError::Corrupt(_)) => {
                    tracing::warn!(batch = name, "moved a damaged file out of the spool");
                    let records = disk.claimed_records(&name);
                    if disk.write_lost(Count::one(records), false) {
                        state.written(signal, Count::one(records), false);
                    }
                    disk.set_aside(CORRUPT, &name);
                    state.found_corrupt(signal, sequence, records);
                }
                // It is tried again when its turn comes; until then its records are unknown.
                Err(LoadError::Io(_)) => {
                    let file = OnDisk { bytes: 0, since: SystemTime::now() };
                    state.accept(signal, sequence, 0, Place::Disk(file));
                }
                Err(LoadError::Gone) => {}
            }
        }
        Ok(Self::new(Some(disk), state))
    }

    /// The directory, if there is one by now.
    fn disk(&self) -> Option<&Disk> {
        if let Some(disk) = self.disk.get() {
            return Some(disk);
        }
        // Where somebody is looking, others need not wait for it.
        let mut home = self.home.try_lock().ok()?;
        let Home { root, destination } = home.as_ref()?;
        // What an earlier relay of the same run left has numbers of its own: not in its directory.
        let made = Spool::open(root).and_then(|spool| spool.queue(destination, &Uuid::now_v7().to_string())).ok()?;
        tracing::info!(destination, "the spool can be opened now");
        *home = None;
        made.disk.into_inner().map(|disk| self.disk.get_or_init(|| disk))
    }

    /// Writes a batch to disk. When it returns Ok, the batch survives a `kill -9`; within a second, a power failure.
    ///
    /// `policy` is a hash of the policy that redacted it.
    pub fn push(&self, signal: Signal, records: u64, policy: u64, body: &Redacted<Vec<u8>>) -> Result<(), SpoolError> {
        let write = self.begin(signal, records, policy, body)?;
        self.write(&write)
    }

    /// Writes a batch to disk or, where that fails, keeps it in memory; with why it failed.
    pub fn keep(
        &self,
        signal: Signal,
        records: u64,
        policy: u64,
        body: &Redacted<Vec<u8>>,
    ) -> (Kept, Option<SpoolError>) {
        match self.begin(signal, records, policy, body) {
            Ok(write) => self.finish(&write),
            Err(error) => (Kept::Nowhere, Some(error)),
        }
    }

    /// Packs a batch and gives it its place in the order. Does not touch the disk.
    pub fn begin(
        &self,
        signal: Signal,
        records: u64,
        policy: u64,
        body: &Redacted<Vec<u8>>,
    ) -> Result<Write, SpoolError> {
        let packed = Arc::new(pack(signal, records, policy, body)?);
        let sequence = self.lock().reserve();
        Ok(Write { signal, sequence, records, packed, stage: Mutex::new(Stage::Writing) })
    }

    /// Writes a batch that has begun; where that fails, or another write hangs, it is kept in memory, with the reason.
    pub fn finish(&self, write: &Write) -> (Kept, Option<SpoolError>) {
        match self.write(write) {
            Ok(()) => (Kept::OnDisk, None),
            Err(error) => (self.remember(write, Stage::Ended), Some(error)),
        }
    }

    /// The write takes too long: until it ends, the batch is kept in memory. None: it has just ended.
    pub fn give_up_waiting(&self, write: &Write) -> Option<Kept> {
        if *write.stage() == Stage::Ended {
            return None;
        }
        Some(self.remember(write, Stage::Overdue))
    }

    /// Keeps it in memory, if it is not there already.
    fn remember(&self, write: &Write, stage: Stage) -> Kept {
        let mut now = write.stage();
        let was = std::mem::replace(&mut *now, stage);
        let mut state = self.lock();
        match (was, stage) {
            (Stage::Writing, _) => {
                if stage == Stage::Overdue {
                    self.overdue.fetch_add(1, Ordering::SeqCst);
                }
                let place = Place::Memory(Arc::clone(&write.packed));
                let kept = state.accept(write.signal, write.sequence, write.records, place);
                if kept { Kept::InMemory } else { Kept::Nowhere }
            }
            // It failed in the end, and is in memory since, if it was not delivered meanwhile.
            (Stage::Overdue, Stage::Ended) => {
                self.overdue.fetch_sub(1, Ordering::SeqCst);
                Kept::InMemory
            }
            (Stage::Overdue | Stage::Ended, _) => Kept::InMemory,
        }
    }

    fn write(&self, write: &Write) -> Result<(), SpoolError> {
        let had_one = self.disk.get().is_some();
        let disk = self.disk().ok_or(SpoolError::NoDirectory)?;
        let own = usize::from(*write.stage() == Stage::Overdue);
        if self.overdue.load(Ordering::SeqCst) > own {
            // It would hang too, and with it a thread.
            return Err(SpoolError::Slow);
        }
        let name = format::file_name(write.signal, write.sequence);
        #[cfg(test)]
        self.gate.pass();
        if self.durability == Durability::Power {
            disk.syncer.anchor().map_err(not_synced)?;
        }
        place::write_as(&disk.directory, &name, &write.packed, self.durability)?;
        let was = std::mem::replace(&mut *write.stage(), Stage::Ended);
        let file = written(&write.packed);
        if was == Stage::Overdue {
            self.overdue.fetch_sub(1, Ordering::SeqCst);
            if !self.lock().moved_to_disk(write.signal, write.sequence, file) {
                // It was delivered from memory, or is being, or had to make room there.
                disk.unlink(&name);
            } else if self.durability == Durability::Process {
                disk.syncer.note(name);
            }
            // The disk answers again: what waits in memory is better off there. A write that still hangs would replace
            // with what is not synced what is.
            if self.overdue.load(Ordering::SeqCst) == 0 {
                self.spill();
            }
            return Ok(());
        }
        self.lock().accept(write.signal, write.sequence, write.records, Place::Disk(file));
        if self.durability == Durability::Process {
            disk.syncer.note(name);
        }
        if !had_one && self.overdue.load(Ordering::SeqCst) == 0 {
            self.spill();
        }
        Ok(())
    }

    /// Counts as accepted and dropped what cannot be part of any batch.
    pub fn lose(&self, signal: Signal, lost: Count) {
        self.lock().lose(signal, lost);
    }

    /// The number of the first batch that is new: another process left those before it, and may have sent them.
    pub fn found_below(&self) -> u64 {
        self.found_below
    }

    /// The oldest waiting batch of a signal, passing over `except`.
    pub fn first(&self, signal: Signal, except: Option<u64>) -> Option<u64> {
        self.lock().first(signal, except)
    }

    /// The waiting batches of a signal, oldest first, at most so many.
    pub fn oldest_of(&self, signal: Signal, most: usize) -> Vec<u64> {
        self.lock().oldest(signal, most)
    }

    /// How many batches wait.
    pub fn waiting(&self) -> usize {
        self.lock().waiting()
    }

    /// What became of everything that was ever in it.
    pub fn tally(&self) -> PerSignal<Tally> {
        self.lock().tally()
    }

    /// Reads a waiting batch, to be sent: until it leaves or is released, it is not dropped to make room.
    pub fn load(&self, signal: Signal, sequence: u64) -> Result<Spooled, LoadError> {
        let slot = self.lock().begin(signal, sequence).ok_or(LoadError::Gone)?;
        let spooled = match (&slot.place, self.disk.get()) {
            (Place::Memory(bytes), _) => format::unpack(bytes)?,
            (Place::Disk(_), Some(disk)) => disk.load(signal, sequence)?,
            (Place::Disk(_), None) => return Err(LoadError::Gone),
        };
        if spooled.header.signal != signal {
            return Err(FormatError::Header.into());
        }
        Ok(spooled)
    }

    /// A batch that was read is not sent after all.
    pub fn pass_over(&self, signal: Signal, sequence: u64) {
        self.lock().pass_over(signal, sequence);
    }

    /// What was being sent was not delivered and goes on waiting.
    pub fn release(&self) {
        self.lock().release();
    }

    /// Takes a batch out of the queue: removes its file, or moves it where it is kept.
    pub fn settle(&self, signal: Signal, sequence: u64, exit: Exit) {
        let Some(slot) = self.lock().slot(signal, sequence).cloned() else { return };
        let name = format::file_name(signal, sequence);
        // Before the file goes: killed in between, it is counted twice rather than never.
        self.write_lost(signal, exit.lost(slot.records), exit == Exit::Evicted);
        let in_memory = matches!(slot.place, Place::Memory(_));
        let exit = match (slot.place, self.disk.get(), exit) {
            (Place::Disk(_), Some(disk), Exit::Parked) => {
                disk.park(&name);
                exit
            }
            (Place::Disk(_), Some(disk), Exit::Corrupt) => {
                disk.set_aside(CORRUPT, &name);
                exit
            }
            (Place::Disk(_), Some(disk), Exit::Delivered { .. } | Exit::Dropped | Exit::Evicted) => {
                disk.unlink(&name);
                exit
            }
            (Place::Memory(bytes), Some(disk), Exit::Parked) if disk.write_parked(&name, &bytes).is_ok() => exit,
            (Place::Memory(_), _, Exit::Parked) => Exit::Dropped,
            (_, _, exit) => exit,
        };
        let left = self.lock().leave(signal, sequence, exit);
        if let (true, Some(Slot { place: Place::Disk(_), .. }), Some(disk)) = (in_memory, left, self.disk.get()) {
            // It was moved there meanwhile.
            disk.unlink(&name);
        }
    }

    /// Writes down at once what is lost, where there is a disk that takes it.
    fn write_lost(&self, signal: Signal, lost: Count, evicted: bool) {
        if let Some(disk) = self.disk.get().filter(|_| lost != Count::default())
            && disk.write_lost(lost, evicted)
        {
            self.lock().written(signal, lost, evicted);
        }
    }

    /// Puts two halves in the place of a batch, on disk if it was there. On an error the whole is still there.
    ///
    /// `Ok(false)`: there is no number left between this batch and the next.
    pub fn halve(
        &self,
        signal: Signal,
        sequence: u64,
        policy: u64,
        halves: [(u64, &Redacted<Vec<u8>>); 2],
    ) -> Result<bool, SpoolError> {
        if self.overdue.load(Ordering::SeqCst) > 0 {
            // It may be the whole that is still being written, and would stand where the first half is.
            return Err(SpoolError::Slow);
        }
        let (slot, middle) = {
            let state = self.lock();
            let Some(slot) = state.slot(signal, sequence).cloned() else { return Ok(true) };
            let Some(middle) = state.between(signal, sequence) else { return Ok(false) };
            (slot, middle)
        };
        let [(first_records, first), (second_records, second)] = halves;
        let first = pack(signal, first_records, policy, first)?;
        let second = pack(signal, second_records, policy, second)?;
        let (first, second) = match (slot.place, self.disk.get()) {
            (Place::Disk(_), Some(disk)) => {
                // The second half is there, also after a power failure, before the whole is replaced by the first: a
                // record can be sent twice but none is missing.
                let (first_name, second_name) =
                    (format::file_name(signal, sequence), format::file_name(signal, middle));
                place::write_as(&disk.directory, &second_name, &second, Durability::Power)?;
                if let Err(error) = place::replace(&disk.directory, &first_name, &first) {
                    disk.unlink(&second_name);
                    return Err(error);
                }
                disk.syncer.note(first_name);
                disk.syncer.note(second_name);
                (Place::Disk(written(&first)), Place::Disk(written(&second)))
            }
            _ => (Place::Memory(Arc::new(first)), Place::Memory(Arc::new(second))),
        };
        let first = Slot { records: first_records, place: first };
        let second = Slot { records: second_records, place: second };
        self.lock().halve(signal, sequence, first, (middle, second));
        Ok(true)
    }

    /// How much of it is on disk.
    pub fn usage(&self) -> Usage {
        self.lock().usage()
    }

    /// How much lies on disk for the destination, of this and of all other runs. None: it has no directory, or it
    /// cannot be listed.
    pub fn usage_of_all(&self) -> Option<Usage> {
        let disk = self.disk.get()?;
        let looked = super::usage(&disk.destination);
        looked.inspect_err(|error| tracing::warn!(%error, "how full the spool is cannot be told")).ok()
    }

    /// When the oldest batch on disk was written, of those that are not being sent.
    pub fn oldest(&self) -> Option<SystemTime> {
        self.lock().oldest_on_disk().map(|(.., file)| file.since)
    }

    /// Drops the oldest batch on disk that is not being sent, and tells how much room that makes. None: there is none.
    pub fn evict(&self) -> Option<Usage> {
        let disk = self.disk.get()?;
        let (signal, sequence, file) = {
            let mut state = self.lock();
            let oldest = state.oldest_on_disk()?;
            state.leave(oldest.0, oldest.1, Exit::Evicted);
            oldest
        };
        disk.unlink(&format::file_name(signal, sequence));
        Some(Usage::one(file.bytes))
    }

    /// Makes what is left survive us, as far as the disk lets it: syncs files, and writes what is only in memory.
    /// What stays in memory is dropped, and counted.
    pub fn secure(&self) {
        // A read that was broken off may still go on.
        self.lock().close();
        for (signal, sequence) in self.spill() {
            self.lock().leave(signal, sequence, Exit::Dropped);
        }
        if let Some(disk) = self.disk.get() {
            disk.syncer.now();
        }
    }

    /// Writes what is only in memory, as far as the disk lets it; what is left is told.
    fn spill(&self) -> Vec<(Signal, u64)> {
        let only_in_memory = self.lock().only_in_memory();
        let mut left = Vec::new();
        for (signal, sequence, bytes) in only_in_memory {
            let name = format::file_name(signal, sequence);
            let disk = self.disk();
            let Some(disk) = disk.filter(|disk| place::write(&disk.directory, &name, &bytes).is_ok()) else {
                left.push((signal, sequence));
                continue;
            };
            if self.lock().moved_to_disk(signal, sequence, written(&bytes)) {
                disk.syncer.note(name);
            } else {
                // Delivered meanwhile, or being delivered.
                disk.unlink(&name);
            }
        }
        left
    }

    /// Removes the directory if nothing waits in it; whether it did. What is pushed afterwards stays in memory.
    ///
    /// Otherwise it stays, and locked until the queue is dropped: then another relay may take it.
    pub fn remove(&self) -> bool {
        let Some(disk) = self.disk.get() else { return false };
        self.waiting() == 0 && disk.claim.remove(&disk.destination, &disk.run)
    }

    #[cfg(test)]
    pub(super) fn lock_for_test(&self) -> MutexGuard<'_, State> {
        self.lock()
    }

    #[cfg(test)]
    pub(super) fn syncer_for_test(&self) -> &Syncer {
        &self.disk.get().unwrap().syncer
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write {
    #[cfg(test)]
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let run = self.disk.get().map_or("in memory", |disk| &disk.run);
        f.debug_struct("Queue").field("run", &run).field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

impl Disk {
    fn header(&self, name: &str) -> Result<(Header, OnDisk), LoadError> {
        let (file, size) = place::open_file(&self.directory, name).map_err(load_error)?;
        let since = file.metadata().and_then(|metadata| metadata.modified()).map_err(load_error)?;
        let mut head = Vec::with_capacity(format::HEADER_BYTES);
        file.take(format::HEADER_BYTES as u64).read_to_end(&mut head).map_err(load_error)?;
        Ok((Header::read(&head, size)?, OnDisk { bytes: size, since }))
    }

    /// Whether it could be written down that so much was lost.
    fn write_lost(&self, lost: Count, evicted: bool) -> bool {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let evicted = if evicted { lost } else { Count::default() };
        held::add_lost(&self.destination, lost, evicted, &now).is_ok()
    }

    fn claimed_records(&self, name: &str) -> u64 {
        place::read(&self.directory, name, format::HEADER_BYTES).map_or(0, |head| format::claimed_records(&head))
    }

    fn load(&self, signal: Signal, sequence: u64) -> Result<Spooled, LoadError> {
        let name = format::file_name(signal, sequence);
        let bytes = place::read(&self.directory, &name, format::MAX_FILE_BYTES + 1).map_err(load_error)?;
        Ok(format::unpack(&bytes)?)
    }

    /// A file that cannot be removed is sent again by whoever reads the directory next: at least once.
    fn unlink(&self, name: &str) {
        if let Err(error) = place::unlink(&self.directory, name) {
            tracing::warn!(%error, "a delivered batch stays in the spool");
        }
    }

    /// Moves a file to a directory beside the runs, where it is kept. Where that fails it stays, and whoever reads the
    /// directory next tries again.
    fn set_aside(&self, kind: &str, name: &str) {
        let moved = place::subdirectory(&self.destination, kind)
            .and_then(|aside| place::rename(&self.directory, name, &aside, &self.kept_as(&aside, name)));
        if let Err(error) = moved {
            tracing::warn!(%error, kind, "could not set a batch aside");
        }
    }

    /// Moves a file to where it is kept, and promises no less of it: nobody syncs it afterwards.
    fn park(&self, name: &str) {
        let parked = self.parked(name).and_then(|(aside, kept)| {
            place::sync_file(&self.directory, name).map_err(not_synced)?;
            place::rename(&self.directory, name, &aside, &kept)?;
            sync_names(&aside)
        });
        if let Err(error) = parked {
            tracing::warn!(%error, "could not park a batch");
        }
    }

    fn write_parked(&self, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
        let (aside, kept) = self.parked(name)?;
        place::write_beside(&self.directory, &aside, &kept, bytes)?;
        sync_names(&aside)
    }

    /// The directory of what is parked, which survives a power failure, and what the file is called there.
    fn parked(&self, name: &str) -> Result<(OwnedFd, String), SpoolError> {
        let aside = place::subdirectory(&self.destination, PARKED)?;
        sync_names(&self.destination)?;
        let kept = self.kept_as(&aside, name);
        Ok((aside, kept))
    }

    /// What a file of ours is called where it is kept: halves can get a number that was another's before.
    fn kept_as(&self, aside: &OwnedFd, name: &str) -> String {
        place::free_name(aside, &format!("{}.{name}", self.run))
    }
}

/// A file that has just been written.
fn written(packed: &[u8]) -> OnDisk {
    OnDisk { bytes: packed.len() as u64, since: SystemTime::now() }
}

/// Syncs a directory. Some file systems do not know how: that keeps nobody from parking.
fn sync_names(directory: &OwnedFd) -> Result<(), SpoolError> {
    match place::sync_directory(directory) {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        synced => synced.map_err(not_synced),
    }
}

fn not_synced(source: io::Error) -> SpoolError {
    SpoolError::Io { doing: "sync the spool", source }
}

fn pack(signal: Signal, records: u64, policy: u64, body: &Redacted<Vec<u8>>) -> Result<Vec<u8>, SpoolError> {
    format::pack(signal, records, Uuid::new_v4(), policy, body)
        .map_err(|source| SpoolError::Io { doing: "compress a batch", source })
}

/// What opening or reading says about the batch: gone, not a file of ours, or a disk in trouble.
fn load_error(error: io::Error) -> LoadError {
    // A link, a directory or a device in the place of a file is somebody's doing.
    if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::IsADirectory)
        || error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32)
    {
        return LoadError::Corrupt(FormatError::Magic);
    }
    match error.kind() {
        io::ErrorKind::NotFound => LoadError::Gone,
        _ => LoadError::Io(error),
    }
}
