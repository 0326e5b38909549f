//! Edge: the Secret Service of a desktop (GNOME Keyring, KWallet, KeePassXC), by D-Bus.
//!
//! Items have the attributes `service` and `username`, as those of the crate `keyring`: `secret-tool lookup service
//! cc-observe username NAME` finds them. What is locked stays locked.

use std::collections::HashMap;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::{Duration, SystemTime};

use secret_service::{EncryptionType, Error, Item, SecretService};
use zbus::address::transport::{Transport, UnixSocket};
use zeroize::Zeroizing;

use super::{Bus, Held, KeyringError, SERVICE};
use crate::secrets::Secret;

pub(super) fn get(bus: &Bus, account: &str, limit: Duration) -> Result<Held, KeyringError> {
    within(limit, async {
        let service = open(bus).await?;
        let item = item(&service, account).await?;
        let secret = Zeroizing::new(item.get_secret().await.map_err(|error| of(&error))?);
        let since = item.get_modified().await.ok();
        Ok((secret, since.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))))
    })
}

pub(super) fn set(bus: &Bus, account: &str, token: &Secret, limit: Duration) -> Result<(), KeyringError> {
    within(limit, async {
        let service = open(bus).await?;
        let collection = service.get_default_collection().await.map_err(|error| match error {
            // A service that has nowhere to put it is none.
            Error::NoResult => KeyringError::Absent,
            error => of(&error),
        })?;
        if collection.is_locked().await.map_err(|error| of(&error))? {
            return Err(KeyringError::Locked);
        }
        let (label, secret) = (format!("cc-observe: {account}"), token.expose().as_bytes());
        let made = collection.create_item(&label, attributes(account), secret, true, "text/plain").await;
        made.map(|_| ()).map_err(|error| of(&error))
    })
}

pub(super) fn remove(bus: &Bus, account: &str, limit: Duration) -> Result<(), KeyringError> {
    within(limit, async {
        let service = open(bus).await?;
        let item = item(&service, account).await?;
        item.delete().await.map_err(|error| of(&error))
    })
}

/// A runtime of its own: the caller's thread is there for this alone, and what hangs is dropped with it.
fn within<T>(limit: Duration, work: impl Future<Output = Result<T, KeyringError>>) -> Result<T, KeyringError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|_| KeyringError::Failed)?;
    let result = runtime.block_on(async { tokio::time::timeout(limit, work).await });
    runtime.shutdown_background();
    result.unwrap_or(Err(KeyringError::Late))
}

async fn open(bus: &Bus) -> Result<SecretService<'static>, KeyringError> {
    let stream = connect(bus)?;
    let connection = zbus::connection::Builder::unix_stream(stream).build().await;
    let connection = connection.map_err(|_| KeyringError::Absent)?;
    // Encrypted, though nobody is on the way: so the token is in no buffer of a message.
    SecretService::connect_with_existing(EncryptionType::Dh, connection).await.map_err(|_| KeyringError::Absent)
}

/// The bus, if it is of this user or of root: to another's nothing is told.
fn connect(bus: &Bus) -> Result<tokio::net::UnixStream, KeyringError> {
    let address = match bus {
        Bus::Socket(path) => SocketAddr::from_pathname(path).ok(),
        Bus::Address(list) => list.split(';').find_map(socket),
    };
    let absent = |_| KeyringError::Absent;
    // A local socket answers at once or not at all, unless its queue is full: the limit of the caller holds then.
    let stream = UnixStream::connect_addr(&address.ok_or(KeyringError::Absent)?).map_err(absent)?;
    stream.set_nonblocking(true).map_err(absent)?;
    let stream = tokio::net::UnixStream::from_std(stream).map_err(absent)?;
    let owner = stream.peer_cred().map_err(absent)?.uid();
    if owner == nix::unistd::geteuid().as_raw() || owner == 0 { Ok(stream) } else { Err(KeyringError::Absent) }
}

/// A socket of this machine. Other addresses start programs or go over a network.
fn socket(address: &str) -> Option<SocketAddr> {
    let address: zbus::Address = address.parse().ok()?;
    let Transport::Unix(unix) = address.transport() else { return None };
    match unix.path() {
        UnixSocket::File(path) => SocketAddr::from_pathname(path).ok(),
        UnixSocket::Abstract(name) => SocketAddr::from_abstract_name(name.as_bytes()).ok(),
        _ => None,
    }
}

fn attributes(account: &str) -> HashMap<&str, &str> {
    HashMap::from([("service", SERVICE), ("username", account)])
}

/// The item, if it is there and not locked.
async fn item<'a>(service: &'a SecretService<'_>, account: &str) -> Result<Item<'a>, KeyringError> {
    let found = service.search_items(attributes(account)).await.map_err(|error| of(&error))?;
    if let Some(item) = found.unlocked.into_iter().next() {
        return Ok(item);
    }
    if !found.locked.is_empty() {
        return Err(KeyringError::Locked);
    }
    // Some services do not say what they have while they are locked.
    match service.get_default_collection().await {
        Ok(collection) if collection.is_locked().await.unwrap_or(false) => Err(KeyringError::Locked),
        _ => Err(KeyringError::Empty),
    }
}

fn of(error: &Error) -> KeyringError {
    match error {
        Error::Locked | Error::Prompt | Error::PromptDisconnected => KeyringError::Locked,
        Error::NoResult => KeyringError::Empty,
        Error::Unavailable => KeyringError::Absent,
        _ => KeyringError::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_of_this_machine_are_a_bus() {
        let path = |list: &str| list.split(';').find_map(socket)?.as_pathname().map(ToOwned::to_owned);
        assert_eq!(path("unix:path=/run/user/7/bus"), Some("/run/user/7/bus".into()));
        let second = "tcp:host=h,port=1;unix:path=/tmp/b,guid=00000000000000000000000000000001";
        assert_eq!(path(second), Some("/tmp/b".into()));
        for other in ["", "tcp:host=h,port=1", "unixexec:path=/bin/sh", "autolaunch:", "FAKE", "unix:path="] {
            assert!(path(other).is_none_or(|path| path.as_os_str().is_empty()), "{other}");
        }
        let name = socket("unix:abstract=x").unwrap();
        assert_eq!(name.as_abstract_name(), Some(&b"x"[..]));
    }
}
