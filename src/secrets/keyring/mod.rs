//! Edge: the keyring of the system, which holds the token of a destination, and the file that stands in for it.
//!
//! Nothing of it is touched before a token is wanted. What is asked is asked on a thread of its own, within a limit, and
//! nobody is ever asked to unlock anything.

#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "macos")]
mod keychain;
#[cfg(target_os = "linux")]
mod secret_service;

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::Secret;
use super::token::{TokenError, read_file, token};

/// The service of every entry of ours; its account is the name of the destination.
pub const SERVICE: &str = "cc-observe";

/// How long a keyring may take to give a token.
pub const KEYRING_LIMIT: Duration = Duration::from_millis(300);

/// How long it may take where a person waits for it.
pub const PERSON_LIMIT: Duration = Duration::from_secs(5);

/// Where the bus of this user's session is, on which a Secret Service answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Bus {
    /// As `DBUS_SESSION_BUS_ADDRESS` says it. Sockets of this machine alone count.
    Address(String),
    /// Its socket.
    Socket(PathBuf),
}

/// The entry of a destination.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its account: the name of the destination.
    pub account: String,
    /// Where a Secret Service is asked. None where there is none, as on macOS.
    pub bus: Option<Bus>,
    /// The file that counts where no keyring has it. None where there is no home.
    pub file: Option<PathBuf>,
}

/// Where a token lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Store {
    /// What a desktop offers on its bus.
    SecretService,
    /// Keys that the kernel keeps for this user, until the machine is restarted.
    Kernel,
    /// That of macOS.
    Keychain,
    /// A file of ours.
    File,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretService => "Secret Service",
            Self::Kernel => "kernel keyring",
            Self::Keychain => "Keychain",
            Self::File => "file",
        })
    }
}

/// A token, and where it was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// The token itself.
    pub token: Secret,
    /// Where it was.
    pub store: Store,
    /// Since when it is there, where that is known.
    pub since: Option<SystemTime>,
    /// Why the keyring did not give it, where the file did.
    pub without_keyring: Option<KeyringError>,
}

/// Why a keyring does not give, take or remove: completes "the keyring …".
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyringError {
    /// None can be used here.
    #[error("is not there")]
    Absent,
    /// It has no such entry.
    #[error("has no such entry")]
    Empty,
    /// A person would have to unlock it.
    #[error("is locked")]
    Locked,
    /// It took longer than its limit.
    #[error("does not answer in time")]
    Late,
    /// What it gave is no token.
    #[error("holds something that is no token")]
    Content,
    /// It answers with an error.
    #[error("fails")]
    Failed,
}

/// Why a token could not be written into its file: completes "the token …".
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no home.
    #[error("has no file: there is no home")]
    Nowhere,
    /// The system refused.
    #[error("cannot be written: {0}")]
    Io(#[from] io::Error),
}

impl Entry {
    /// The token: from the keyring, else from the file. The keyring has [`KEYRING_LIMIT`].
    pub async fn find(&self) -> Result<Found, TokenError> {
        let keyring = self.find_in_keyring(KEYRING_LIMIT).await;
        let error = match keyring {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        match self.find_in_file().await {
            // It is not there: what is told is why the keyring had to be done without.
            Err(TokenError::File) => Err(match error {
                KeyringError::Absent => TokenError::NoKeyring,
                KeyringError::Empty => TokenError::NotStored,
                KeyringError::Locked => TokenError::KeyringLocked,
                KeyringError::Late => TokenError::KeyringLate,
                KeyringError::Content => TokenError::KeyringContent,
                KeyringError::Failed => TokenError::KeyringFailed,
            }),
            found => found.map(|found| Found { without_keyring: Some(error), ..found }),
        }
    }

    /// The token from the keyring alone: from the first of its stores that has it. Where none has it, what is told is what
    /// the most important one says.
    pub async fn find_in_keyring(&self, limit: Duration) -> Result<Found, KeyringError> {
        let entry = self.clone();
        apart(limit, move |limit| entry.first(limit)).await.unwrap_or(Err(KeyringError::Late))
    }

    /// The token from its file alone.
    pub async fn find_in_file(&self) -> Result<Found, TokenError> {
        let path = self.file.clone().ok_or(TokenError::File)?;
        let read = apart(super::token::TOKEN_LIMIT, move |_| {
            let token = read_file(&path)?;
            let since = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
            Ok(Found { token, store: Store::File, since, without_keyring: None })
        });
        read.await.unwrap_or(Err(TokenError::File))
    }

    /// Puts a token into the first keyring that takes one. One that is locked is not passed over: it would count again
    /// once it is unlocked.
    pub async fn set(&self, token: Secret) -> Result<Store, KeyringError> {
        let entry = self.clone();
        let set = apart(PERSON_LIMIT, move |limit| {
            let mut last = Err(KeyringError::Absent);
            for keyring in entry.keyrings() {
                last = keyring.set(&entry.account, &token, limit).map(|()| keyring.store());
                if !matches!(last, Err(KeyringError::Absent)) {
                    break;
                }
            }
            last
        });
        set.await.unwrap_or(Err(KeyringError::Late))
    }

    /// Removes the token from every keyring but that one: what became of it in each that is there.
    pub async fn remove(&self, except: Option<Store>) -> Vec<(Store, Result<(), KeyringError>)> {
        let mut removed = Vec::new();
        for keyring in self.keyrings() {
            let (store, account) = (keyring.store(), self.account.clone());
            if except == Some(store) {
                continue;
            }
            let result = apart(PERSON_LIMIT, move |limit| keyring.remove(&account, limit)).await;
            match result.unwrap_or(Err(KeyringError::Late)) {
                Err(KeyringError::Absent) => {}
                result => removed.push((store, result)),
            }
        }
        removed
    }

    /// Writes the token into its file: mode 0600, in a directory of ours, at once or not at all.
    pub fn write_file(&self, token: &Secret) -> Result<&Path, FileError> {
        let path = self.file.as_deref().ok_or(FileError::Nowhere)?;
        let directory = path.parent().ok_or(FileError::Nowhere)?;
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let new = directory.join(format!(".{}.{}", self.account, std::process::id()));
        // What a process of this number left behind would keep its mode.
        let _ = fs::remove_file(&new);
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).and_then(|mut file| {
            file.write_all(token.expose().as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&new, path)
        });
        if let Err(error) = written {
            // It may not even have been made.
            let _ = fs::remove_file(&new);
            return Err(error.into());
        }
        Ok(path)
    }

    /// Removes the file; whether it was there.
    pub fn remove_file(&self) -> Result<bool, FileError> {
        let Some(path) = &self.file else { return Ok(false) };
        match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn first(&self, limit: Duration) -> Result<Found, KeyringError> {
        let mut told = KeyringError::Absent;
        for keyring in self.keyrings() {
            match keyring.get(&self.account, limit) {
                Ok((bytes, since)) => {
                    let token = std::str::from_utf8(&bytes).ok().and_then(token).ok_or(KeyringError::Content)?;
                    return Ok(Found { token, store: keyring.store(), since, without_keyring: None });
                }
                // Of one that is not there nothing is told where another is.
                Err(error) if told == KeyringError::Absent => told = error,
                Err(_) => {}
            }
        }
        Err(told)
    }

    /// Those of this system, the most important one first.
    fn keyrings(&self) -> Vec<Keyring> {
        #[cfg(target_os = "linux")]
        let all = self.bus.clone().map(Keyring::SecretService).into_iter().chain([Keyring::Kernel]).collect();
        #[cfg(target_os = "macos")]
        let all = vec![Keyring::Keychain];
        #[cfg(not(any(target_os = "linux", target_os = "macos")))]
        let all = Vec::new();
        all
    }
}

/// A keyring of this system.
enum Keyring {
    #[cfg(target_os = "linux")]
    SecretService(Bus),
    #[cfg(target_os = "linux")]
    Kernel,
    #[cfg(target_os = "macos")]
    Keychain,
}

/// What a keyring holds, and since when.
type Held = (Zeroizing<Vec<u8>>, Option<SystemTime>);

impl Keyring {
    fn store(&self) -> Store {
        match self {
            #[cfg(target_os = "linux")]
            Self::SecretService(_) => Store::SecretService,
            #[cfg(target_os = "linux")]
            Self::Kernel => Store::Kernel,
            #[cfg(target_os = "macos")]
            Self::Keychain => Store::Keychain,
        }
    }

    fn get(&self, account: &str, limit: Duration) -> Result<Held, KeyringError> {
        match self {
            #[cfg(target_os = "linux")]
            Self::SecretService(bus) => secret_service::get(bus, account, limit),
            #[cfg(target_os = "linux")]
            Self::Kernel => kernel::get(account),
            #[cfg(target_os = "macos")]
            Self::Keychain => keychain::get(account),
        }
    }

    fn set(&self, account: &str, token: &Secret, limit: Duration) -> Result<(), KeyringError> {
        match self {
            #[cfg(target_os = "linux")]
            Self::SecretService(bus) => secret_service::set(bus, account, token, limit),
            #[cfg(target_os = "linux")]
            Self::Kernel => kernel::set(account, token),
            #[cfg(target_os = "macos")]
            Self::Keychain => keychain::set(account, token),
        }
    }

    fn remove(&self, account: &str, limit: Duration) -> Result<(), KeyringError> {
        match self {
            #[cfg(target_os = "linux")]
            Self::SecretService(bus) => secret_service::remove(bus, account, limit),
            #[cfg(target_os = "linux")]
            Self::Kernel => kernel::remove(account),
            #[cfg(target_os = "macos")]
            Self::Keychain => keychain::remove(account),
        }
    }
}

/// Does it on a thread of its own, since a keyring may block. `None`: it is not done within the limit; then the thread is
/// left to itself. The work is told a limit that is a little shorter, so that it can end by itself and try another way.
async fn apart<T: Send + 'static>(limit: Duration, work: impl FnOnce(Duration) -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let started = std::thread::Builder::new().name("keyring".to_owned()).spawn(move || {
        // Nobody may wait for it any more.
        let _ = sender.send(work(limit.mul_f64(0.9)));
    });
    started.ok()?;
    tokio::time::timeout(limit, receiver).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn entry(directory: &Path) -> Entry {
        let nobody = Bus::Socket(directory.join("no-bus"));
        // A name of this process alone: the kernel's keys are those of the user.
        let account = format!("test-{}", std::process::id());
        Entry { account, bus: Some(nobody), file: Some(directory.join("credentials/org")) }
    }

    #[tokio::test]
    async fn where_no_keyring_has_it_the_file_counts_if_nobody_else_can_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let entry = entry(directory.path());
        let nothing = entry.find().await.unwrap_err();
        assert!(matches!(nothing, TokenError::NotStored | TokenError::NoKeyring), "{nothing:?}");
        let path = entry.write_file(&Secret::new("FAKE-1")).unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o7777, 0o700);
        let found = entry.find().await.unwrap();
        assert_eq!((found.token.expose(), found.store, found.since.is_some()), ("FAKE-1", Store::File, true));
        entry.write_file(&Secret::new("FAKE-2")).unwrap();
        assert_eq!(entry.find().await.unwrap().token.expose(), "FAKE-2");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(entry.find().await, Err(TokenError::FileIsOpen));
        assert!(entry.remove_file().unwrap());
        assert!(!entry.remove_file().unwrap());
    }

    #[tokio::test]
    async fn a_keyring_that_hangs_is_waited_for_no_longer_than_its_limit() {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let hanging = apart(Duration::from_millis(1), move |_| receiver.recv().is_err());
        assert_eq!(hanging.await, None);
        drop(sender);
    }
}
