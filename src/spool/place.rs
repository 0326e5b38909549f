//! Edge: directories and files of the spool, opened so that nobody else can have put them there.
//!
//! Everything below the root is reached by descriptor, never by path: a directory that is swapped for a link while
//! we run leads nowhere.

use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;
use std::sync::Arc;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, Flock, FlockArg, OFlag, open};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, geteuid};

use super::SpoolError;
use super::bounds::{Durability, Room};

/// What changes the disk; tests watch it.
#[cfg(test)]
use super::tests::watch::{fsync, mkdirat, openat, renameat, sync_data, unlinkat, write_all};
#[cfg(not(test))]
use nix::{
    fcntl::{openat, renameat},
    sys::stat::mkdirat,
    unistd::{fsync, unlinkat},
};

const DIRECTORY: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// How often a run's directory is made anew when somebody who tidies up removes it under our hands.
const ATTEMPTS: u32 = 200;

/// The name of the lock file in a run's directory.
pub(super) const LOCK: &str = "lock";

/// Opens the root, making it and what is above it (0700) where missing.
pub(super) fn root(path: &Path) -> Result<OwnedFd, SpoolError> {
    let doing = "make the spool directory";
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| SpoolError::Io { doing, source })?;
    let directory = open(path, DIRECTORY, Mode::empty()).map_err(|errno| not_a_directory(errno, "spool"))?;
    ours(directory, "spool")
}

/// Opens the root, if it is there.
pub(super) fn existing_root(path: &Path) -> Result<OwnedFd, SpoolError> {
    let directory = open(path, DIRECTORY, Mode::empty()).map_err(|errno| not_a_directory(errno, "spool"))?;
    ours(directory, "spool")
}

/// Opens a directory below another, making it (0700) where missing.
pub(super) fn subdirectory(parent: &impl AsFd, name: &str) -> Result<OwnedFd, SpoolError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match mkdirat(parent, name, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(failed("make a spool directory", errno)),
        }
        match existing(parent, name) {
            // Somebody who tidies up took it for an abandoned one.
            Err(error) if error.is_gone() && attempts < ATTEMPTS => {}
            opened => return opened,
        }
    }
}

/// Opens a directory below another that must be there.
pub(super) fn existing(parent: &impl AsFd, name: &str) -> Result<OwnedFd, SpoolError> {
    let directory = openat(parent, name, DIRECTORY, Mode::empty()).map_err(|errno| not_a_directory(errno, name))?;
    ours(directory, name)
}

/// Refuses what another user owns; closes what others could enter.
fn ours(directory: OwnedFd, name: &str) -> Result<OwnedFd, SpoolError> {
    let stat = fstat(&directory).map_err(|errno| failed("look at a spool directory", errno))?;
    if stat.st_uid != geteuid().as_raw() {
        return Err(SpoolError::NotOurs { name: name.to_owned() });
    }
    if stat.st_mode & 0o777 != 0o700 {
        fchmod(&directory, Mode::S_IRWXU).map_err(|errno| failed("close a spool directory to others", errno))?;
    }
    Ok(directory)
}

/// The names in a directory, sorted.
pub(super) fn names(directory: &impl AsFd) -> Result<Vec<String>, SpoolError> {
    let doing = "list a spool directory";
    let mut listing = Dir::openat(directory, ".", DIRECTORY, Mode::empty()).map_err(|errno| failed(doing, errno))?;
    let mut names = Vec::new();
    for entry in listing.iter() {
        let entry = entry.map_err(|errno| failed(doing, errno))?;
        // A name that is not UTF-8 is none of ours, and stays where it is.
        if let Ok(name) = entry.file_name().to_str()
            && name != "."
            && name != ".."
        {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// How large the batches in a directory are, in bytes. What is gone since it was listed is left out.
pub(super) fn sizes(directory: &impl AsFd) -> Result<Vec<u64>, SpoolError> {
    let names = names(directory)?;
    let batches = names.iter().filter(|name| super::format::parse_name(name).is_some());
    let size = |name: &String| {
        let stat = fstatat(directory, name.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
        u64::try_from(stat.st_size).ok()
    };
    Ok(batches.filter_map(size).collect())
}

/// Writes a new file under a temporary name, then gives it its name: from then on it is there, whole.
pub(super) fn write(directory: &impl AsFd, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
    put(directory, &temporary(name), bytes, false, (directory, name))
}

/// The same in the place of another file. Whatever happens, a power failure too, one of the two is there, whole.
pub(super) fn replace(directory: &impl AsFd, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
    put(directory, &temporary(name), bytes, true, (directory, name))
}

/// The same in another directory than that of the temporary name: there, nobody would remove what is not finished.
pub(super) fn write_beside(
    directory: &impl AsFd,
    aside: &impl AsFd,
    name: &str,
    bytes: &[u8],
) -> Result<(), SpoolError> {
    put(directory, &temporary(name), bytes, true, (aside, name))
}

/// Writes a new file, and what is promised of it holds when this returns. On an error there is no such file.
pub(super) fn write_as(
    directory: &impl AsFd,
    name: &str,
    bytes: &[u8],
    durability: Durability,
) -> Result<(), SpoolError> {
    if durability == Durability::Process {
        return write(directory, name, bytes);
    }
    replace(directory, name, bytes)?;
    fsync(directory).map_err(|errno| failed("sync the spool", errno)).inspect_err(|_| {
        // It is kept elsewhere, and must not be there twice.
        let _ = unlink(directory, name);
    })
}

fn temporary(name: &str) -> String {
    format!("{name}{}", super::format::TEMPORARY)
}

fn put(
    directory: &impl AsFd,
    temporary: &str,
    bytes: &[u8],
    sync: bool,
    (to, name): (&impl AsFd, &str),
) -> Result<(), SpoolError> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = openat(directory, temporary, flags, Mode::S_IRUSR | Mode::S_IWUSR)
        .map_err(|errno| failed("make a spool file", errno))?;
    let file = File::from(file);
    let fill = || {
        write_all(&file, bytes).map_err(|source| SpoolError::Io { doing: "write a spool file", source })?;
        if sync {
            sync_data(&file).map_err(|source| SpoolError::Io { doing: "sync a spool file", source })?;
        }
        rename(directory, temporary, to, name)
    };
    fill().inspect_err(|_| {
        // Best effort: what stays is removed by whoever reads the directory next.
        let _ = unlink(directory, temporary);
    })
}

/// Writes over the beginning of a file that is there, and takes no room for it. Killed meanwhile, it holds a mixture.
pub(super) fn overwrite(directory: &impl AsFd, name: &str, bytes: &[u8]) -> io::Result<()> {
    let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = File::from(openat(directory, name, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() != bytes.len() as u64 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    file.write_all_at(bytes, 0)
}

/// How much room there is on the file system of a directory.
pub(super) fn room(directory: &impl AsFd) -> io::Result<Room> {
    let of = rustix::fs::fstatvfs(directory)?;
    Ok(Room {
        available_bytes: of.f_bavail.saturating_mul(of.f_frsize),
        read_only: of.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
}

/// Opens a regular file for reading, and tells its size. Never follows a link and never waits for a pipe.
pub(super) fn open_file(directory: &impl AsFd, name: &str) -> io::Result<(File, u64)> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = File::from(openat(directory, name, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((file, metadata.len()))
}

/// Reads a regular file of at most `most` bytes; a longer one is cut there.
pub(super) fn read(directory: &impl AsFd, name: &str, most: usize) -> io::Result<Vec<u8>> {
    let (file, size) = open_file(directory, name)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(most).min(most));
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Moves a name to another directory, over what may be there.
pub(super) fn rename(from: &impl AsFd, name: &str, to: &impl AsFd, new_name: &str) -> Result<(), SpoolError> {
    renameat(from, name, to, new_name).map_err(|errno| failed("rename a spool file", errno))
}

/// The name itself or, where it is taken, the same with the first number that is not.
pub(super) fn free_name(directory: &impl AsFd, name: &str) -> String {
    let is_taken = |name: &str| fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok();
    let mut free = name.to_owned();
    let mut number = 1;
    while is_taken(&free) {
        number += 1;
        free = format!("{name}.{number}");
    }
    free
}

/// Removes a file.
pub(super) fn unlink(directory: &impl AsFd, name: &str) -> Result<(), SpoolError> {
    unlinkat(directory, name, UnlinkatFlags::NoRemoveDir).map_err(|errno| failed("remove a spool file", errno))
}

/// Waits until the content of a file is on the disk. A file that is gone needs no more syncing.
pub(super) fn sync_file(directory: &impl AsFd, name: &str) -> io::Result<()> {
    match open_file(directory, name) {
        Ok((file, _)) => sync_data(&file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Waits until the names in a directory are on the disk.
pub(super) fn sync_directory(directory: &impl AsFd) -> io::Result<()> {
    Ok(fsync(directory)?)
}

/// Waits until the names of a directory and of all that lead to it are on the disk: of those on this file system, up
/// to the first in a directory that is not ours. We may have made any of them.
pub(super) fn sync_above(directory: &impl AsFd) -> io::Result<()> {
    let mut below = fstat(directory)?;
    let mut parent = openat(directory, "..", DIRECTORY, Mode::empty())?;
    loop {
        let stat = fstat(&parent)?;
        if stat.st_dev != below.st_dev || stat.st_ino == below.st_ino {
            return Ok(());
        }
        fsync(&parent)?;
        if stat.st_uid != geteuid().as_raw() {
            return Ok(());
        }
        below = stat;
        parent = match openat(&parent, "..", DIRECTORY, Mode::empty()) {
            Ok(above) => above,
            // Not ours, then, and none that we made.
            Err(Errno::EACCES) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        };
    }
}

#[cfg(not(test))]
fn write_all(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    io::Write::write_all(&mut file, bytes)
}

#[cfg(not(test))]
fn sync_data(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// A run's directory and the lock that makes it ours.
pub(super) struct Claim {
    pub directory: Arc<OwnedFd>,
    /// Held as long as the claim lives.
    _lock: Flock<File>,
}

impl Claim {
    /// Makes the directory of a run where missing, and takes its lock.
    ///
    /// Between making and locking, somebody who tidies up may take the empty directory for an abandoned one; then we
    /// hold the lock of a file that is no longer in the directory, notice, and begin again.
    pub(super) fn make(destination: &impl AsFd, run: &str) -> Result<Self, SpoolError> {
        for _ in 0..ATTEMPTS {
            match Self::take(subdirectory(destination, run)?)? {
                Some(claim) => return Ok(claim),
                None => std::thread::sleep(std::time::Duration::from_millis(1)),
            }
        }
        Err(SpoolError::Locked { run: run.to_owned() })
    }

    /// Takes the lock of a run's directory, if its owner is gone and the directory is still there.
    pub(super) fn adopt(destination: &impl AsFd, run: &str) -> Result<Option<Self>, SpoolError> {
        match existing(destination, run) {
            Ok(directory) => Self::take(directory),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn take(directory: OwnedFd) -> Result<Option<Self>, SpoolError> {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = match openat(&directory, LOCK, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(file) => File::from(file),
            // The directory was removed since it was opened.
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(failed("open the lock of a spool directory", errno)),
        };
        let lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
            Err((_, errno)) => return Err(failed("lock a spool directory", errno)),
        };
        let held = fstat(&*lock).map_err(|errno| failed("look at a lock", errno))?;
        match fstatat(&directory, LOCK, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(named) if (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino) => {
                Ok(Some(Self { directory: Arc::new(directory), _lock: lock }))
            }
            Ok(_) | Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(failed("look at a lock", errno)),
        }
    }

    /// Whether a relay holds the lock of a run's directory. To ask, it is shared for a moment, which keeps nobody from
    /// making a run; who would take the run over at that very moment leaves it to the next.
    pub(super) fn is_held(directory: &impl AsFd) -> bool {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let Ok(file) = openat(directory, LOCK, flags, Mode::empty()) else { return false };
        matches!(Flock::lock(File::from(file), FlockArg::LockSharedNonblock), Err((_, Errno::EWOULDBLOCK)))
    }

    /// Removes the directory if nothing but the lock is in it; whether it did.
    pub(super) fn remove(&self, destination: &impl AsFd, run: &str) -> bool {
        let empty = names(&self.directory).is_ok_and(|names| names.iter().all(|name| name == LOCK));
        empty && unlink(&self.directory, LOCK).is_ok() && unlinkat(destination, run, UnlinkatFlags::RemoveDir).is_ok()
    }
}

/// Waits for a turn at a directory's small files: the lock of the directory itself. Held as long as this lives.
pub(super) fn turn(parent: &impl AsFd, name: &str, attempts: u32) -> Result<Flock<OwnedFd>, SpoolError> {
    let mut directory = existing(parent, name)?;
    for _ in 1..attempts {
        match Flock::lock(directory, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((unlocked, Errno::EWOULDBLOCK)) => directory = unlocked,
            Err((_, errno)) => return Err(failed("lock a spool directory", errno)),
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Flock::lock(directory, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, errno)| failed("lock a spool directory", errno))
}

/// Whether a name below a directory is a directory itself, and no link to one.
pub(super) fn is_directory(parent: &impl AsFd, name: &str) -> bool {
    fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFDIR)
}

fn failed(doing: &'static str, errno: Errno) -> SpoolError {
    SpoolError::Io { doing, source: errno.into() }
}

fn not_a_directory(errno: Errno, name: &str) -> SpoolError {
    match errno {
        Errno::ELOOP | Errno::ENOTDIR => SpoolError::NotADirectory { name: name.to_owned() },
        errno => failed("open a spool directory", errno),
    }
}
