//! Edge: what the spool changes on disk, told to the test of the same thread, which may refuse it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{Mode, fstat, fstatat};
use nix::unistd::UnlinkatFlags;

use super::model::Mark;

/// A directory or a file, whatever it is called.
pub(super) type Node = usize;

/// The directory that is watched, with all below it.
pub(super) const TOP: Node = 0;

/// One thing that happened, in order.
#[derive(Clone, Debug)]
pub(super) enum Step {
    MakeDirectory { parent: Node, name: String, node: Node },
    Create { directory: Node, name: String, node: Node },
    Write { node: Node, bytes: Vec<u8> },
    SyncFile { node: Node },
    Rename { from: Node, name: String, to: Node, new_name: String },
    Unlink { directory: Node, name: String },
    RemoveDirectory { parent: Node, name: String },
    SyncDirectory { node: Node },
    Mark(Mark),
}

/// What is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Refusal {
    Nothing,
    /// One change, after so many.
    Once(usize),
    /// All changes after so many: the process is dead, and does not know it.
    Death(usize),
    Dead,
}

struct Watch {
    steps: Vec<Step>,
    nodes: HashMap<(u64, u64), Node>,
    next: Node,
    refusal: Refusal,
    refused: bool,
}

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// Watches what this thread does below a directory, until [`end`].
pub(super) fn begin(top: &Path) {
    let top = File::open(top).unwrap();
    let nodes = HashMap::from([(identity(&top).unwrap(), TOP)]);
    let watch = Watch { steps: Vec::new(), nodes, next: TOP + 1, refusal: Refusal::Nothing, refused: false };
    WATCH.set(Some(watch));
}

/// What happened.
pub(super) fn end() -> Vec<Step> {
    WATCH.take().unwrap().steps
}

pub(super) fn mark(mark: Mark) {
    watching(|watch| watch.steps.push(Step::Mark(mark)));
}

pub(super) fn refuse(refusal: Refusal) {
    watching(|watch| watch.refusal = refusal);
}

/// What was to be refused once, and has not been, no longer is.
pub(super) fn spare() {
    watching(|watch| {
        if matches!(watch.refusal, Refusal::Once(_)) {
            watch.refusal = Refusal::Nothing;
        }
    });
}

pub(super) fn is_dead() -> bool {
    watching(|watch| watch.refusal == Refusal::Dead).unwrap()
}

/// Whether something was refused since this was last asked.
pub(super) fn was_refused() -> bool {
    watching(|watch| std::mem::take(&mut watch.refused)).unwrap()
}

fn watching<T>(look: impl FnOnce(&mut Watch) -> T) -> Option<T> {
    WATCH.with_borrow_mut(|watch| watch.as_mut().map(look))
}

fn identity(file: &impl AsFd) -> Option<(u64, u64)> {
    let stat = fstat(file).ok()?;
    #[expect(clippy::useless_conversion, reason = "they have other types on other systems")]
    Some((u64::try_from(stat.st_dev).ok()?, u64::try_from(stat.st_ino).ok()?))
}

impl Watch {
    fn node(&self, file: &impl AsFd) -> Option<Node> {
        self.nodes.get(&identity(file)?).copied()
    }

    fn new_node(&mut self, file: &impl AsFd) -> Option<Node> {
        let node = self.next;
        self.next += 1;
        // Numbers of inodes are used again.
        self.nodes.insert(identity(file)?, node);
        Some(node)
    }
}

/// Whether a change goes through; the half of it that does where it is the one that is refused.
fn ask(half: impl FnOnce(&mut Watch)) -> nix::Result<()> {
    let gone_through = watching(|watch| {
        let hit = match &mut watch.refusal {
            Refusal::Nothing => return true,
            Refusal::Dead => return false,
            Refusal::Once(0) | Refusal::Death(0) => true,
            Refusal::Once(after) | Refusal::Death(after) => {
                *after -= 1;
                false
            }
        };
        if hit {
            half(watch);
            watch.refused = true;
            let died = matches!(watch.refusal, Refusal::Death(_));
            watch.refusal = if died { Refusal::Dead } else { Refusal::Nothing };
        }
        !hit
    });
    if gone_through == Some(false) { Err(Errno::EIO) } else { Ok(()) }
}

fn tell(step: impl FnOnce(&mut Watch) -> Option<Step>) {
    watching(|watch| {
        let step = step(watch);
        watch.steps.extend(step);
    });
}

pub(in crate::spool) fn mkdirat(parent: &impl AsFd, name: &str, mode: Mode) -> nix::Result<()> {
    ask(|_| ())?;
    nix::sys::stat::mkdirat(parent, name, mode)?;
    tell(|watch| {
        let made = nix::fcntl::openat(parent, name, OFlag::O_RDONLY, Mode::empty()).ok()?;
        let parent = watch.node(parent)?;
        Some(Step::MakeDirectory { parent, name: name.to_owned(), node: watch.new_node(&made)? })
    });
    Ok(())
}

pub(in crate::spool) fn openat(directory: &impl AsFd, name: &str, flags: OFlag, mode: Mode) -> nix::Result<OwnedFd> {
    if !flags.contains(OFlag::O_CREAT) {
        return nix::fcntl::openat(directory, name, flags, mode);
    }
    ask(|_| ())?;
    let is_there = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok();
    let file = nix::fcntl::openat(directory, name, flags, mode)?;
    if !is_there {
        tell(|watch| {
            let directory = watch.node(directory)?;
            Some(Step::Create { directory, name: name.to_owned(), node: watch.new_node(&file)? })
        });
    }
    Ok(file)
}

pub(in crate::spool) fn write_all(file: &File, bytes: &[u8]) -> io::Result<()> {
    let write = |mut file: &File, bytes: &[u8]| file.write_all(bytes);
    let written = |watch: &Watch, bytes: &[u8]| {
        let node = watch.node(file)?;
        Some(Step::Write { node, bytes: bytes.to_owned() })
    };
    ask(|watch| {
        let (half, _) = bytes.split_at(bytes.len() / 2);
        write(file, half).unwrap();
        let step = written(watch, half);
        watch.steps.extend(step);
    })?;
    write(file, bytes)?;
    tell(|watch| written(watch, bytes));
    Ok(())
}

/// What is watched is not synced: that would only take time.
pub(in crate::spool) fn sync_data(file: &File) -> io::Result<()> {
    ask(|_| ())?;
    match watching(|watch| watch.node(file)) {
        Some(node) => tell(|_| Some(Step::SyncFile { node: node? })),
        None => file.sync_data()?,
    }
    Ok(())
}

pub(in crate::spool) fn fsync(directory: &impl AsFd) -> nix::Result<()> {
    ask(|_| ())?;
    match watching(|watch| watch.node(directory)) {
        Some(node) => tell(|_| Some(Step::SyncDirectory { node: node? })),
        None => nix::unistd::fsync(directory)?,
    }
    Ok(())
}

pub(in crate::spool) fn renameat(from: &impl AsFd, name: &str, to: &impl AsFd, new_name: &str) -> nix::Result<()> {
    ask(|_| ())?;
    nix::fcntl::renameat(from, name, to, new_name)?;
    tell(|watch| {
        let (from, to) = (watch.node(from)?, watch.node(to)?);
        Some(Step::Rename { from, name: name.to_owned(), to, new_name: new_name.to_owned() })
    });
    Ok(())
}

pub(in crate::spool) fn unlinkat(directory: &impl AsFd, name: &str, flag: UnlinkatFlags) -> nix::Result<()> {
    ask(|_| ())?;
    nix::unistd::unlinkat(directory, name, flag)?;
    let name = name.to_owned();
    tell(|watch| {
        let directory = watch.node(directory)?;
        Some(match flag {
            UnlinkatFlags::NoRemoveDir => Step::Unlink { directory, name },
            UnlinkatFlags::RemoveDir => Step::RemoveDirectory { parent: directory, name },
        })
    });
    Ok(())
}
