//! Edge: what lies in the spool, looked at without taking any of it.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bounds::Room;
use super::counts::{Count, PerSignal};
use super::format::{self, Header};
use super::place::{self, Claim};
use super::{CORRUPT, PARKED, Spool, SpoolError, check_name};
use crate::otlp::Signal;

/// The file in a destination's directory that tells why something waits there.
const WHY: &str = "why.json";

/// The file there that tells how much was dropped.
const LOST: &str = "dropped.json";

/// How often the directory is asked for while another relay writes that file.
const ATTEMPTS: u32 = 100;

/// How long each of them is at least, in bytes.
const RESERVED_BYTES: usize = 512;

/// The most of either that is read, in bytes.
const MAX_WHY_BYTES: usize = 4096;

/// What lies there for one destination.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Held {
    /// The name of its directory.
    pub destination: String,
    /// The runs whose batches wait, the oldest first.
    pub runs: Vec<HeldRun>,
    /// What the endpoint will not take.
    pub parked: Lying,
    /// What is not what was written.
    pub corrupt: Lying,
    /// Why something waits, as the last relay that gave up had it.
    pub why: Option<Why>,
    /// What was dropped, since somebody last dropped all.
    pub lost: Option<Lost>,
}

/// What waits of one run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeldRun {
    /// Its id.
    pub run: String,
    /// Whether a relay holds it and delivers it.
    pub in_use: bool,
    /// What waits.
    pub waiting: PerSignal<Lying>,
}

/// Files of one kind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Lying {
    /// How many.
    pub batches: u64,
    /// Log records, data points or spans in them; those of a file that cannot be read are not known.
    pub records: u64,
    /// On disk.
    pub bytes: u64,
    /// When the oldest was written.
    pub oldest: Option<SystemTime>,
}

impl Lying {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            batches: self.batches + other.batches,
            records: self.records + other.records,
            bytes: self.bytes + other.bytes,
            oldest: self.oldest.into_iter().chain(other.oldest).min(),
        }
    }
}

impl HeldRun {
    /// Of all signals.
    pub fn total(&self) -> Lying {
        Signal::ALL.into_iter().fold(Lying::default(), |sum, signal| sum.and(*self.waiting.get(signal)))
    }
}

impl Held {
    /// What waits, of all runs and signals.
    pub fn total(&self) -> Lying {
        self.runs.iter().fold(Lying::default(), |sum, run| sum.and(run.total()))
    }
}

/// Why something waits.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Why {
    /// What is wrong, to be said after the destination's name: "refuses connections".
    pub error: String,
    /// Since when, as RFC 3339. None: not known.
    pub since: Option<String>,
}

/// What was dropped for a destination, by all relays that have ended.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Lost {
    /// Batches and parts of them.
    #[serde(flatten)]
    pub count: Count,
    /// Those of them that had to make room, or were too old.
    pub evicted: Count,
    /// When the first was counted, as RFC 3339.
    pub since: Option<String>,
}

/// What lies in a spool, by destination. A spool that was never made holds nothing; it is not made by this.
pub fn look(root: &Path) -> Result<Vec<Held>, SpoolError> {
    let root = match place::existing_root(root) {
        Ok(root) => root,
        Err(error) if error.is_gone() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut all = Vec::new();
    for destination in place::names(&root)? {
        if check_name(&destination).is_err() || !place::is_directory(&root, &destination) {
            continue;
        }
        match destination_in(&root, &destination) {
            Ok(held) => all.push(held),
            // Emptied and removed since it was listed.
            Err(error) if error.is_gone() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

fn destination_in(root: &OwnedFd, destination: &str) -> Result<Held, SpoolError> {
    let directory = place::existing(root, destination)?;
    let mut runs = Vec::new();
    for run in place::names(&directory)? {
        if check_name(&run).is_err() || !place::is_directory(&directory, &run) {
            continue;
        }
        let waiting = match place::existing(&directory, &run) {
            Ok(opened) => (run_in(&opened)?, Claim::is_held(&opened)),
            Err(error) if error.is_gone() => continue,
            Err(error) => return Err(error),
        };
        let held = HeldRun { run, in_use: waiting.1, waiting: waiting.0 };
        if held.total().batches > 0 || held.in_use {
            runs.push(held);
        }
    }
    Ok(Held {
        destination: destination.to_owned(),
        runs,
        parked: aside(&directory, PARKED)?,
        corrupt: aside(&directory, CORRUPT)?,
        why: told(&directory, WHY),
        lost: told(&directory, LOST).filter(|lost: &Lost| lost.count != Count::default()),
    })
}

fn run_in(directory: &OwnedFd) -> Result<PerSignal<Lying>, SpoolError> {
    let mut waiting = PerSignal::<Lying>::default();
    for name in place::names(directory)? {
        if let Some((signal, _)) = format::parse_name(&name)
            && let Some(file) = file(directory, &name)
        {
            let sum = waiting.get_mut(signal);
            *sum = sum.and(file);
        }
    }
    Ok(waiting)
}

fn aside(directory: &OwnedFd, kind: &str) -> Result<Lying, SpoolError> {
    let opened = match place::existing(directory, kind) {
        Ok(opened) => opened,
        Err(error) if error.is_gone() => return Ok(Lying::default()),
        Err(error) => return Err(error),
    };
    let names = place::names(&opened)?;
    Ok(names.iter().filter_map(|name| file(&opened, name)).fold(Lying::default(), Lying::and))
}

/// A file, if it is still there.
fn file(directory: &OwnedFd, name: &str) -> Option<Lying> {
    let (file, bytes) = place::open_file(directory, name).ok()?;
    let oldest = file.metadata().ok().and_then(|metadata| metadata.modified().ok());
    let mut head = Vec::with_capacity(format::HEADER_BYTES);
    let read = file.take(format::HEADER_BYTES as u64).read_to_end(&mut head);
    let header = read.ok().and_then(|_| Header::read(&head, bytes).ok());
    Some(Lying { batches: 1, records: header.map_or(0, |header| header.records), bytes, oldest })
}

/// What a small file says, if it is there and is one of ours.
fn told<T: DeserializeOwned>(directory: &OwnedFd, name: &str) -> Option<T> {
    let bytes = place::read(directory, name, MAX_WHY_BYTES).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Writes a small file anew; where there is no room for another, over the one that is there.
fn tell<T: Serialize>(directory: &OwnedFd, name: &str, what: &T) -> Result<(), SpoolError> {
    let mut text = serde_json::to_vec(what).unwrap_or_default();
    // Of one length, so that it fits where it was.
    text.resize(text.len().max(RESERVED_BYTES), b' ');
    // A temporary file that somebody left would stand in the way.
    let _ = place::unlink(directory, &format!("{name}{}", format::TEMPORARY));
    place::write(directory, name, &text).or_else(|error| place::overwrite(directory, name, &text).map_err(|_| error))
}

/// How much room there is for a spool that was made.
pub fn room(root: &Path) -> Option<Room> {
    place::existing_root(root).ok().and_then(|root| place::room(&root).ok())
}

/// Removes a small file.
fn forget(directory: &OwnedFd, name: &str) -> Result<(), SpoolError> {
    match place::unlink(directory, name) {
        Err(error) if !error.is_gone() => Err(error),
        _ => Ok(()),
    }
}

/// Adds to what was dropped for the destination of this directory.
pub(super) fn add_lost(destination: &OwnedFd, count: Count, evicted: Count, now: &str) -> Result<(), SpoolError> {
    let _turn = place::turn(destination, ".", ATTEMPTS)?;
    let mut lost: Lost = told(destination, LOST).unwrap_or_default();
    lost.count += count;
    lost.evicted += evicted;
    if lost.count != Count::default() {
        lost.since.get_or_insert_with(|| now.to_owned());
    }
    tell(destination, LOST, &lost)
}

impl Spool {
    /// Remembers why something waits for a destination, for whoever looks; None: nothing does any more.
    pub fn remember(&self, destination: &str, why: Option<&Why>) -> Result<(), SpoolError> {
        check_name(destination)?;
        if !place::is_directory(&self.root, destination) {
            return Ok(());
        }
        let directory = place::existing(&self.root, destination)?;
        match why {
            Some(why) => tell(&directory, WHY, why),
            None => forget(&directory, WHY),
        }
    }

    /// Adds to what was dropped for a destination. Relays do so one after the other.
    pub fn add_lost(&self, destination: &str, count: Count, evicted: Count, now: &str) -> Result<(), SpoolError> {
        check_name(destination)?;
        add_lost(&place::subdirectory(&self.root, destination)?, count, evicted, now)
    }

    /// Makes sure that what is dropped for a destination can be counted on a disk that is full by then.
    pub fn reserve(&self, destination: &str) -> Result<(), SpoolError> {
        check_name(destination)?;
        let directory = place::subdirectory(&self.root, destination)?;
        if place::open_file(&directory, LOST).is_ok() {
            return Ok(());
        }
        add_lost(&directory, Count::default(), Count::default(), "")
    }

    /// Begins to count anew what is dropped for a destination.
    pub fn forget_lost(&self, destination: &str) -> Result<(), SpoolError> {
        check_name(destination)?;
        if !place::is_directory(&self.root, destination) {
            return Ok(());
        }
        forget(&place::existing(&self.root, destination)?, LOST)
    }

    /// Removes what was set aside for a destination, parked and corrupt; how many files.
    pub fn discard_aside(&self, destination: &str) -> Result<u64, SpoolError> {
        check_name(destination)?;
        let mut removed = 0;
        if !place::is_directory(&self.root, destination) {
            return Ok(removed);
        }
        let directory = place::existing(&self.root, destination)?;
        for kind in [PARKED, CORRUPT] {
            let opened = match place::existing(&directory, kind) {
                Ok(opened) => opened,
                Err(error) if error.is_gone() => continue,
                Err(error) => return Err(error),
            };
            for name in place::names(&opened)? {
                place::unlink(&opened, &name)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
