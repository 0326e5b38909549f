//! A model of a disk that may lose what was not synced: whenever the lights go out, what is promised is found again.
//!
//! The model is harder than any real file system: each name in a directory and each content that was not synced may be
//! as it was, or as it is, or as it was at any time between, whatever became of the others. Only a rename never takes
//! the old name without giving the new one, and a directory that is gone was empty.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;

use super::watch::{self, Node, Step, TOP};
use super::workload::{Life, Random, batch_of, live};
use crate::otlp::Signal;
use crate::spool::{CORRUPT, Exit, LoadError, PARKED, Queue, Spool, format};

/// A batch, by the order in which they were begun.
pub(super) type Id = usize;

/// What the relay knew of its batches.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    /// The next batch can be there from now on.
    Begun {
        signal: Signal,
        half_of: Option<Id>,
    },
    /// It is on disk, and survives us; with `power`, a power failure too.
    Acknowledged {
        id: Id,
        power: bool,
    },
    /// They were synced in the background.
    Synced(Vec<Id>),
    /// It is being removed: delivered, dropped, evicted or found damaged.
    Leaving(Id),
    Left(Id),
    Parking(Id),
    Parked(Id),
    /// A write ends that took too long: its file may be there for a moment, wherever the batch is by now.
    Late(Id),
    LateIsGone(Id),
    /// From now on these two can stand for the whole.
    Halving {
        whole: Id,
        halves: [Id; 2],
    },
    Halved {
        whole: Id,
    },
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Kill,
    PowerFailure,
}

#[derive(Hash)]
enum Tree {
    Directory(BTreeMap<String, Tree>),
    File(Vec<u8>),
}

impl Tree {
    fn put(&self, path: &Path) {
        match self {
            Self::Directory(entries) => {
                fs::create_dir(path).unwrap();
                for (name, entry) in entries {
                    entry.put(&path.join(name));
                }
            }
            Self::File(bytes) => fs::write(path, bytes).unwrap(),
        }
    }
}

enum Inode {
    Directory(BTreeMap<String, Name>),
    File { bytes: Vec<u8>, synced: bool },
}

/// What a name in a directory meant, one after the other.
struct Name {
    history: Vec<Meaning>,
    /// What it means at least.
    synced: usize,
}

#[derive(Default)]
struct Meaning {
    node: Option<Node>,
    /// It went by a rename: the name that came, and its place in the history.
    became: Option<(Node, String, usize)>,
    /// It was the name of this directory, which was empty.
    emptied: Option<Node>,
}

impl Name {
    fn means(&self) -> Option<Node> {
        self.history.last()?.node
    }
}

struct Disk(BTreeMap<Node, Inode>);

impl Disk {
    fn new() -> Self {
        Self(BTreeMap::from([(TOP, Inode::Directory(BTreeMap::new()))]))
    }

    fn names(&self, directory: Node) -> &BTreeMap<String, Name> {
        match &self.0[&directory] {
            Inode::Directory(names) => names,
            Inode::File { .. } => panic!("{directory} is a file"),
        }
    }

    fn name(&mut self, directory: Node, name: &str) -> &mut Name {
        let Some(Inode::Directory(names)) = self.0.get_mut(&directory) else { panic!("{directory} is no directory") };
        let unknown = || Name { history: vec![Meaning::default()], synced: 0 };
        names.entry(name.to_owned()).or_insert_with(unknown)
    }

    fn set(&mut self, directory: Node, name: &str, meaning: Meaning) -> usize {
        let name = self.name(directory, name);
        name.history.push(meaning);
        name.history.len() - 1
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::MakeDirectory { parent, name, node } => {
                self.0.insert(*node, Inode::Directory(BTreeMap::new()));
                self.set(*parent, name, Meaning { node: Some(*node), ..Meaning::default() });
            }
            Step::Create { directory, name, node } => {
                self.0.insert(*node, Inode::File { bytes: Vec::new(), synced: true });
                self.set(*directory, name, Meaning { node: Some(*node), ..Meaning::default() });
            }
            Step::Write { node, bytes: more } => {
                let Some(Inode::File { bytes, synced }) = self.0.get_mut(node) else { panic!("{node} is no file") };
                bytes.extend_from_slice(more);
                *synced = false;
            }
            Step::SyncFile { node } => {
                if let Some(Inode::File { synced, .. }) = self.0.get_mut(node) {
                    *synced = true;
                }
            }
            Step::Rename { from, name, to, new_name } => {
                let node = self.name(*from, name).means();
                let place = self.set(*to, new_name, Meaning { node, ..Meaning::default() });
                let became = Some((*to, new_name.clone(), place));
                self.set(*from, name, Meaning { became, ..Meaning::default() });
            }
            Step::Unlink { directory, name } => {
                self.set(*directory, name, Meaning::default());
            }
            Step::RemoveDirectory { parent, name } => {
                let emptied = self.name(*parent, name).means();
                self.set(*parent, name, Meaning { emptied, ..Meaning::default() });
            }
            Step::SyncDirectory { node } => {
                let Some(Inode::Directory(names)) = self.0.get_mut(node) else { panic!("{node} is no directory") };
                for name in names.values_mut() {
                    name.synced = name.history.len() - 1;
                }
            }
            Step::Mark(_) => {}
        }
    }

    /// What a process finds that comes after one that was killed.
    fn after_a_kill(&self) -> Tree {
        self.tree(TOP, &|_, name| name.history.len() - 1, &mut Vec::clone)
    }

    /// What is found when the power is back.
    fn after_a_power_failure(&self, luck: &mut Luck) -> Tree {
        let mut chosen = BTreeMap::new();
        for (directory, inode) in &self.0 {
            let Inode::Directory(names) = inode else { continue };
            for (name, known) in names {
                chosen.insert((*directory, name.as_str()), luck.place(known.synced, known.history.len() - 1));
            }
        }
        while let Some((key, place)) = self.broken_promise(&chosen) {
            chosen.insert(key, place);
        }
        let place = |directory, name: &str, _: &Name| chosen[&(directory, name)];
        self.tree_at(TOP, &place, &mut |bytes| luck.content(bytes))
    }

    /// What a file system does not do even then: the name that must be of a later time, and of which.
    fn broken_promise<'d>(&'d self, chosen: &BTreeMap<(Node, &'d str), usize>) -> Option<((Node, &'d str), usize)> {
        for ((directory, name), place) in chosen {
            for meaning in &self.names(*directory)[*name].history[..=*place] {
                if let Some((to, new_name, least)) = &meaning.became
                    && chosen[&(*to, new_name.as_str())] < *least
                {
                    return Some(((*to, new_name), *least));
                }
                for (name, known) in meaning.emptied.into_iter().flat_map(|emptied| self.names(emptied)) {
                    let key = (meaning.emptied?, name.as_str());
                    if chosen[&key] < known.history.len() - 1 {
                        return Some((key, known.history.len() - 1));
                    }
                }
            }
        }
        None
    }

    fn tree(
        &self,
        node: Node,
        place: &dyn Fn(&str, &Name) -> usize,
        content: &mut dyn FnMut(&Vec<u8>) -> Vec<u8>,
    ) -> Tree {
        self.tree_at(node, &|_, name, known| place(name, known), content)
    }

    fn tree_at(
        &self,
        node: Node,
        place: &dyn Fn(Node, &str, &Name) -> usize,
        unsynced: &mut dyn FnMut(&Vec<u8>) -> Vec<u8>,
    ) -> Tree {
        match &self.0[&node] {
            Inode::File { bytes, synced: true } => Tree::File(bytes.clone()),
            Inode::File { bytes, synced: false } => Tree::File(unsynced(bytes)),
            Inode::Directory(names) => {
                let there = names.iter().filter_map(|(name, known)| {
                    let meant = known.history[place(node, name, known)].node?;
                    Some((name.clone(), self.tree_at(meant, place, unsynced)))
                });
                Tree::Directory(there.collect())
            }
        }
    }
}

/// What becomes of what was not synced.
enum Luck {
    /// No name is kept, and no content.
    None,
    /// Every name is kept, and no content.
    Names,
    /// Some of both.
    Some(Random),
}

impl Luck {
    fn place(&mut self, least: usize, most: usize) -> usize {
        match self {
            Self::None => least,
            Self::Names => most,
            Self::Some(random) => least + random.below(most - least + 1),
        }
    }

    fn content(&mut self, bytes: &[u8]) -> Vec<u8> {
        let random = match self {
            Self::None | Self::Names => return Vec::new(),
            Self::Some(random) => random,
        };
        let (kept, _) = bytes.split_at(random.below(bytes.len() + 1));
        let mut found = kept.to_vec();
        match random.below(5) {
            0 => found.clear(),
            1 => found.resize(bytes.len(), 0),
            2 => found = vec![0; bytes.len()],
            3 => found = bytes.to_vec(),
            _ => {}
        }
        found
    }
}

/// What is known of a batch.
#[expect(clippy::struct_excessive_bools, reason = "each is told by a mark of its own")]
#[derive(Clone, Hash)]
struct Batch {
    signal: Signal,
    half_of: Option<Id>,
    halves: Vec<[Id; 2]>,
    acknowledged: bool,
    synced: bool,
    /// It need not be found any more.
    leaving: bool,
    /// It must not be found any more, at least not waiting.
    left: bool,
    parking: bool,
    parked: bool,
    late: bool,
}

/// What has been promised.
#[derive(Default, Hash)]
struct Book(Vec<Batch>);

impl Book {
    fn apply(&mut self, mark: &Mark) {
        match mark {
            Mark::Begun { signal, half_of } => self.0.push(Batch {
                signal: *signal,
                half_of: *half_of,
                halves: Vec::new(),
                acknowledged: false,
                synced: false,
                leaving: false,
                left: false,
                parking: false,
                parked: false,
                late: false,
            }),
            Mark::Acknowledged { id, power } => {
                self.0[*id].acknowledged = true;
                self.0[*id].synced |= power;
            }
            Mark::Synced(ids) => ids.iter().for_each(|id| self.0[*id].synced = true),
            Mark::Leaving(id) => self.0[*id].leaving = true,
            Mark::Left(id) => self.0[*id].left = true,
            Mark::Parking(id) => self.0[*id].parking = true,
            Mark::Parked(id) => (self.0[*id].parked, self.0[*id].left) = (true, true),
            Mark::Late(id) => self.0[*id].late = true,
            Mark::LateIsGone(id) => self.0[*id].late = false,
            Mark::Halving { whole, halves } => self.0[*whole].halves.push(*halves),
            Mark::Halved { whole } => self.0[*whole].left = true,
        }
    }

    /// The batch that was pushed.
    fn whole(&self, id: Id) -> Id {
        self.0[id].half_of.map_or(id, |whole| self.whole(whole))
    }

    /// Whether a batch is there, or what stands for it.
    fn is_kept(&self, id: Id, found: &Found) -> bool {
        let batch = &self.0[id];
        batch.leaving
            || found.waiting.contains(&id)
            || batch.parking && found.parked.contains(&id)
            || batch.halves.iter().any(|halves| halves.iter().all(|half| self.is_kept(*half, found)))
    }

    /// Whether what it is a half of is there.
    fn is_kept_in_its_whole(&self, id: Id, found: &Found) -> bool {
        self.0[id]
            .half_of
            .is_some_and(|whole| found.waiting.contains(&whole) || self.is_kept_in_its_whole(whole, found))
    }

    fn check(&self, end: End, found: &Found) -> Result<(), String> {
        let wrong = |id: Id, what: &str| Err(format!("batch {id} {what}"));
        let mut last = BTreeMap::new();
        let mut seen = HashSet::new();
        for id in &found.waiting {
            let Some(batch) = self.0.get(*id) else { return wrong(*id, "was never begun") };
            let whole = self.whole(*id);
            // What had left, and is back, may be anywhere.
            if !batch.leaving && last.insert(batch.signal, whole).is_some_and(|last| last > whole) {
                return wrong(*id, "is not in order");
            }
            if !seen.insert(*id) {
                return wrong(*id, "is there twice");
            }
            if end == End::Kill && batch.left && !batch.late {
                return wrong(*id, "came back");
            }
        }
        if end == End::Kill && found.damaged > 0 {
            return Err(format!("{} files are damaged", found.damaged));
        }
        for id in found.parked.iter().chain(&found.set_aside) {
            if self.0.get(*id).is_none() {
                return wrong(*id, "was never begun, and was kept");
            }
        }
        for (id, batch) in self.0.iter().enumerate() {
            let promised = batch.synced || end == End::Kill && batch.acknowledged;
            if promised && !self.is_kept(id, found) && !self.is_kept_in_its_whole(id, found) {
                return wrong(id, "is lost");
            }
            if end == End::Kill && batch.parked && !found.parked.contains(&id) {
                return wrong(id, "was parked and is lost");
            }
        }
        Ok(())
    }
}

/// What recovery makes of a tree.
#[derive(Debug, Default)]
struct Found {
    /// In the order in which it would be sent.
    waiting: Vec<Id>,
    parked: BTreeSet<Id>,
    /// In `corrupt/`, and nothing wrong with it.
    set_aside: BTreeSet<Id>,
    damaged: usize,
}

impl Found {
    fn recover(top: &Path, as_the_same_run: bool) -> Result<Self, String> {
        let root = top.join("state/spool");
        fs::create_dir_all(&root).unwrap();
        let spool = Spool::open(&root).map_err(|error| error.to_string())?;
        let mut found = Self::default();
        if as_the_same_run {
            let queue = spool.queue("org", "run-001").map_err(|error| error.to_string())?;
            found.drain(&queue)?;
        }
        loop {
            let adopted = spool.adopt("org").map_err(|error| error.to_string())?;
            if adopted.is_empty() {
                break;
            }
            adopted.iter().try_for_each(|queue| found.drain(queue))?;
        }
        for kind in [PARKED, CORRUPT] {
            let Ok(listing) = fs::read_dir(root.join("org").join(kind)) else { continue };
            for entry in listing {
                let bytes = fs::read(entry.unwrap().path()).unwrap();
                let Ok(spooled) = format::unpack(&bytes) else {
                    found.damaged += 1;
                    continue;
                };
                let id = batch_of(spooled.header.signal, &spooled.body).ok_or("nobody's batch was kept")?;
                let kept = if kind == PARKED { &mut found.parked } else { &mut found.set_aside };
                kept.insert(id);
            }
        }
        Ok(found)
    }

    fn drain(&mut self, queue: &Queue) -> Result<(), String> {
        for signal in Signal::ALL {
            while let Some(sequence) = queue.first(signal, None) {
                match queue.load(signal, sequence) {
                    Ok(spooled) => {
                        self.waiting.push(batch_of(signal, &spooled.body).ok_or("a batch is nobody's")?);
                        queue.settle(signal, sequence, Exit::Delivered { withheld: 0, rejected: 0 });
                    }
                    Err(LoadError::Corrupt(_)) => queue.settle(signal, sequence, Exit::Corrupt),
                    Err(error) => return Err(format!("a batch cannot be loaded: {error}")),
                }
            }
        }
        if queue.tally().total().adds_up() && queue.remove() { Ok(()) } else { Err("a directory stays".into()) }
    }
}

/// The first thing that is wrong, wherever it ends: after each step, killed and without power.
fn violation(steps: &[Step], seed: u64, tries: usize) -> Option<String> {
    let scratch = scratch();
    let (mut disk, mut book) = (Disk::new(), Book::default());
    let mut seen = HashSet::new();
    for (number, step) in steps.iter().enumerate() {
        disk.apply(step);
        if let Step::Mark(mark) = step {
            book.apply(mark);
        }
        let lucky = (0..tries).map(|at| Luck::Some(Random(seed ^ ((number * 64 + at) as u64) << 20)));
        let power = [Luck::None, Luck::Names].into_iter().chain(lucky);
        let power = power.map(|mut luck| (End::PowerFailure, disk.after_a_power_failure(&mut luck)));
        for (end, tree) in [(End::Kill, disk.after_a_kill())].into_iter().chain(power) {
            let mut hasher = DefaultHasher::new();
            (end as u8, &tree, &book).hash(&mut hasher);
            if !seen.insert(hasher.finish()) {
                continue;
            }
            let top = scratch.path().join("top");
            tree.put(&top);
            let found = Found::recover(&top, number % 2 == 0);
            let checked =
                found.and_then(|found| book.check(end, &found).map_err(|wrong| format!("{wrong}: {found:?}")));
            fs::remove_dir_all(&top).unwrap();
            if let Err(wrong) = checked {
                return Some(format!("seed {seed}, {end:?} after step {number}, {step:?}: {wrong}"));
            }
        }
    }
    None
}

/// In memory where the system has a place there: nothing of it is for long.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Lives of so many seeds, ended everywhere; each power failure is tried with so much luck.
fn check(seeds: std::ops::Range<u64>, actions: usize, tries: usize) {
    for seed in seeds {
        let steps = live(scratch().path(), seed, actions);
        if let Some(wrong) = violation(&steps, seed, tries) {
            for (number, step) in steps.iter().enumerate() {
                println!("{number}: {step:?}");
            }
            panic!("{wrong}");
        }
    }
}

#[test]
fn what_is_promised_is_found_wherever_a_kill_or_a_power_failure_comes() {
    check(0..16, 32, 1);
}

#[test]
#[ignore = "takes minutes: .ci/full runs it"]
fn what_is_promised_is_found_wherever_it_ends_with_many_seeds() {
    check(0..400, 60, 3);
}

/// Each signal once: halved, delivered and parked.
fn small_life(power: bool) -> Vec<Step> {
    let top = scratch();
    let mut life = Life::begin(top.path(), 0, Some(power));
    for signal in Signal::ALL {
        life.push(signal);
    }
    life.sync(0);
    life.halve_first(Signal::Logs);
    life.settle_first(Signal::Traces, Exit::Delivered { withheld: 0, rejected: 0 });
    life.settle_first(Signal::Metrics, Exit::Parked);
    life.sync(0);
    watch::end()
}

/// The first of such a step moved before the last of another kind that comes before it.
fn moved(steps: &[Step], what: fn(&Step) -> bool, before: fn(&Step) -> bool) -> Vec<Step> {
    let from = steps.iter().position(what).unwrap();
    let to = steps[..from].iter().rposition(before).unwrap();
    let mut steps = steps.to_vec();
    let step = steps.remove(from);
    steps.insert(to, step);
    steps
}

fn without(steps: &[Step], what: impl Fn(&Step) -> bool) -> Vec<Step> {
    steps.iter().filter(|step| !what(step)).cloned().collect()
}

/// The steps of a halving without what syncs.
fn halved_as_it_comes(steps: &[Step]) -> Vec<Step> {
    let at = |mark: fn(&Mark) -> bool| steps.iter().position(|step| matches!(step, Step::Mark(known) if mark(known)));
    let begin = at(|mark| matches!(mark, Mark::Halving { .. })).unwrap();
    let end = at(|mark| matches!(mark, Mark::Halved { .. })).unwrap();
    let halving = without(&steps[begin..end], is_sync);
    [&steps[..begin], &halving, &steps[end..]].concat()
}

fn is_sync(step: &Step) -> bool {
    matches!(step, Step::SyncFile { .. } | Step::SyncDirectory { .. })
}

#[test]
fn who_breaks_a_promise_is_found_out() {
    let acknowledged = |step: &Step| matches!(step, Step::Mark(Mark::Acknowledged { .. }));
    let synced = |step: &Step| matches!(step, Step::Mark(Mark::Synced(ids)) if !ids.is_empty());
    let left = |step: &Step| matches!(step, Step::Mark(Mark::Left(_)));
    let renamed = |step: &Step| matches!(step, Step::Rename { .. });
    let unlinked = |step: &Step| matches!(step, Step::Unlink { .. });
    let sync_file = |step: &Step| matches!(step, Step::SyncFile { .. });
    let sync_directory = |step: &Step| matches!(step, Step::SyncDirectory { .. });
    let [process, power] = [false, true].map(small_life);
    let made = |name: &str| {
        let made = power.iter().find_map(|step| match step {
            Step::MakeDirectory { name: known, node, .. } if known == name => Some(*node),
            _ => None,
        });
        made.unwrap()
    };
    let never_synced = |name: &str| {
        let directory = made(name);
        without(&power, move |step| matches!(step, Step::SyncDirectory { node } if *node == directory))
    };
    let mut bent = process.clone();
    if let Some(Step::Write { bytes, .. }) = bent.iter_mut().find(|step| matches!(step, Step::Write { .. })) {
        *bytes.last_mut().unwrap() ^= 1;
    }
    for (what, steps, wrong) in [
        ("as it is", process.clone(), None),
        ("as it is, with power", power.clone(), None),
        ("acknowledged before it has its name", moved(&process, acknowledged, renamed), Some("is lost")),
        ("removed after it counts as gone", moved(&process, left, unlinked), Some("came back")),
        ("other bytes than those that were pushed", bent, Some("damaged")),
        ("counted as synced before the directory is", moved(&process, synced, sync_directory), Some("is lost")),
        ("acknowledged before the directory is synced", moved(&power, acknowledged, sync_directory), Some("is lost")),
        ("content that is not synced", without(&power, sync_file), Some("is lost")),
        ("the run is not synced", never_synced("run-001"), Some("is lost")),
        ("the destination is not synced", never_synced("org"), Some("is lost")),
        ("the root is not synced", never_synced("spool"), Some("is lost")),
        ("what is above the root is not synced", never_synced("state"), Some("is lost")),
        ("halved without syncing", halved_as_it_comes(&process), Some("is lost")),
    ] {
        let found = violation(&steps, 0, 4);
        let as_expected = match (&found, wrong) {
            (None, None) => true,
            (Some(found), Some(wrong)) => found.contains(wrong),
            _ => false,
        };
        assert!(as_expected, "{what}: {found:?}");
    }
}
