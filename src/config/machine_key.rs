//! Edge: the key of this machine, by which the same secret gets the same tag in every run.
//!
//! 32 random bytes in the state directory. Whoever has it can try out guesses at what was masked, so nobody else may read
//! it; a file that somebody else can read, or has put there, is not used.

use std::fs::{self, File, OpenOptions};
use std::hash::BuildHasher as _;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::libc::{O_CLOEXEC, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK};
use nix::unistd::geteuid;
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

/// Its name in the state directory.
pub const FILE_NAME: &str = "tag.key";

/// Its length, in bytes.
const LENGTH: usize = 32;

/// A key. It is wiped from memory when it is dropped.
pub type MachineKey = Zeroizing<[u8; LENGTH]>;

/// Why the key of this machine is not used. The run has one of its own then.
#[derive(Debug, thiserror::Error)]
pub enum KeyProblem {
    /// It is there and is something else: a link, a directory, a pipe.
    #[error("it is not a regular file")]
    NotAFile,
    /// Somebody else has put it there.
    #[error("it belongs to another user")]
    Owner,
    /// Others can read or change it.
    #[error("its mode is {0:03o} and should be 600")]
    Mode(u32),
    /// It was cut, or something else was written to it.
    #[error("it has {0} bytes and should have {LENGTH}")]
    Length(u64),
    /// It cannot be read, or not be made.
    #[error("{0}")]
    Unreachable(#[from] io::Error),
}

/// The key of this machine, made if there is none; one of this run alone, and why, if that cannot be had.
///
/// It waits for the disk.
pub fn read_or_make(state: &Path) -> (MachineKey, Option<KeyProblem>) {
    let path = state.join(FILE_NAME);
    let key = read(&path).and_then(|found| match found {
        Some(key) => Ok(key),
        None => make(state, &path),
    });
    match key {
        Ok(key) => (key, None),
        Err(problem) => (of_this_run(), Some(problem)),
    }
}

/// The key in a file. None: there is no such file.
fn read(path: &Path) -> Result<Option<MachineKey>, KeyProblem> {
    let flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    let mut file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) => return Err(KeyProblem::NotAFile),
        Err(error) => return Err(error.into()),
    };
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(KeyProblem::NotAFile);
    }
    if found.uid() != geteuid().as_raw() {
        return Err(KeyProblem::Owner);
    }
    if found.mode() & 0o077 != 0 {
        return Err(KeyProblem::Mode(found.mode() & 0o777));
    }
    if found.len() != LENGTH as u64 {
        return Err(KeyProblem::Length(found.len()));
    }
    let mut key = Zeroizing::new([0; LENGTH]);
    file.read_exact(key.as_mut_slice())?;
    Ok(Some(key))
}

/// Makes the key, unless somebody else is faster: then it is theirs.
fn make(state: &Path, path: &Path) -> Result<MachineKey, KeyProblem> {
    let key = of_this_run();
    let temporary = state.join(format!("{FILE_NAME}.{}", uuid::Uuid::new_v4().simple()));
    let written = write(&temporary, &key).and_then(|()| fs::hard_link(&temporary, path));
    // Where it cannot be removed it is a second name of the key, or a key that nobody uses.
    let _ = fs::remove_file(&temporary);
    match written {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path)?.ok_or_else(|| error.into()),
        // A file system without links: whoever reads while we write finds it too short.
        Err(_) => match write(path, &key) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(path)?.ok_or_else(|| error.into()),
            other => other.map(|()| key).map_err(KeyProblem::from),
        },
    }
}

fn write(path: &Path, key: &MachineKey) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key.as_slice())?;
    // The name must not survive a crash without the bytes.
    File::sync_all(&file)
}

/// A key that nobody has had and nobody will have: 32 random bytes.
pub fn of_this_run() -> MachineKey {
    let mut key = Zeroizing::new([0; LENGTH]);
    if SystemRandom::new().fill(key.as_mut_slice()).is_err() {
        // No system that we run on gets here. The standard library has seeded this when it could.
        for (index, eight) in key.chunks_mut(8).enumerate() {
            let number = std::collections::hash_map::RandomState::new().hash_one(index);
            eight.copy_from_slice(number.to_ne_bytes().get(..eight.len()).unwrap_or_default());
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_key_is_made_once_and_read_by_everybody_afterwards() {
        let state = tempfile::tempdir().unwrap();
        let (first, problem) = read_or_make(state.path());
        assert!(problem.is_none());
        assert_ne!(*first, [0; LENGTH]);
        assert_eq!(*read_or_make(state.path()).0, *first);
        let names: Vec<_> = fs::read_dir(state.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [FILE_NAME]);
        assert_eq!(mode(&state.path().join(FILE_NAME)), 0o600);
    }

    #[test]
    fn those_who_make_it_at_the_same_time_agree() {
        let state = tempfile::tempdir().unwrap();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| read_or_make(state.path()))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|(key, problem)| problem.is_none() && **key == *keys[0].0));
    }

    #[test]
    fn a_key_that_others_could_know_is_not_used_and_not_touched() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join(FILE_NAME);
        let problem = || {
            let (key, problem) = read_or_make(state.path());
            assert_ne!(*key, [7; LENGTH]);
            problem.unwrap().to_string()
        };
        fs::write(&path, [7; LENGTH]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(problem(), "its mode is 640 and should be 600");
        fs::write(&path, [7; 31]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(problem(), "it has 31 bytes and should have 32");
        assert_eq!(fs::read(&path).unwrap(), [7; 31]);
        fs::rename(&path, state.path().join("elsewhere")).unwrap();
        symlink("elsewhere", &path).unwrap();
        assert_eq!(problem(), "it is not a regular file");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(problem(), "it is not a regular file");
    }

    #[test]
    fn without_a_place_for_it_the_run_has_a_key_of_its_own() {
        let state = tempfile::tempdir().unwrap();
        let nowhere = state.path().join("nowhere");
        let ((a, problem), (b, _)) = (read_or_make(&nowhere), read_or_make(&nowhere));
        assert!(matches!(problem, Some(KeyProblem::Unreachable(_))));
        assert_ne!(*a, *b);
    }
}
