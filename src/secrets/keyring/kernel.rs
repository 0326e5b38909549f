//! Edge: keys that the kernel keeps for this user: in memory, until the machine is restarted.

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use linux_keyutils_keyring_store::Store;
use zeroize::Zeroizing;

use super::{Held, KeyringError, SERVICE};
use crate::secrets::Secret;

pub(super) fn get(account: &str) -> Result<Held, KeyringError> {
    Ok((Zeroizing::new(entry(account)?.get_secret().map_err(|error| of(&error))?), None))
}

pub(super) fn set(account: &str, token: &Secret) -> Result<(), KeyringError> {
    let set = entry(account)?.set_secret(token.expose().as_bytes());
    set.map_err(|error| of(&error))
}

pub(super) fn remove(account: &str) -> Result<(), KeyringError> {
    entry(account)?.delete_credential().map_err(|error| of(&error))
}

fn entry(account: &str) -> Result<Entry, KeyringError> {
    // Containers often forbid the system call.
    let built = Store::new().and_then(|store| store.build(SERVICE, account, None));
    built.map_err(|_| KeyringError::Absent)
}

fn of(error: &Error) -> KeyringError {
    match error {
        Error::NoEntry => KeyringError::Empty,
        Error::NoStorageAccess(_) | Error::PlatformFailure(_) => KeyringError::Absent,
        _ => KeyringError::Failed,
    }
}
