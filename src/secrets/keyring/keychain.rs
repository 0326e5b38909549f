//! Edge: the keychain of macOS. Nobody is asked to unlock it or to allow the access.

use apple_native_keyring_store::keychain::Store;
use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use security_framework::os::macos::keychain::SecKeychain;
use zeroize::Zeroizing;

use super::{Held, KeyringError, SERVICE};
use crate::secrets::Secret;

pub(super) fn get(account: &str) -> Result<Held, KeyringError> {
    unasked(account, |entry| Ok((Zeroizing::new(entry.get_secret()?), None)))
}

pub(super) fn set(account: &str, token: &Secret) -> Result<(), KeyringError> {
    unasked(account, |entry| entry.set_secret(token.expose().as_bytes()))
}

pub(super) fn remove(account: &str) -> Result<(), KeyringError> {
    unasked(account, Entry::delete_credential)
}

fn unasked<T>(account: &str, act: impl FnOnce(&Entry) -> Result<T, Error>) -> Result<T, KeyringError> {
    let _silent = SecKeychain::disable_user_interaction().map_err(|_| KeyringError::Failed)?;
    let entry = Store::new().and_then(|store| store.build(SERVICE, account, None));
    act(&entry.map_err(|_| KeyringError::Absent)?).map_err(|error| match error {
        Error::NoEntry => KeyringError::Empty,
        // It would have to ask.
        Error::NoStorageAccess(_) | Error::PlatformFailure(_) => KeyringError::Locked,
        _ => KeyringError::Failed,
    })
}
