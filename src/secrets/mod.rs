//! Values that must never be shown: a type without `Debug`, `Display` or `Serialize`.

pub mod keyring;
pub mod token;

use std::fmt;

use zeroize::Zeroizing;

pub use token::{Credential, Fetched, TokenError, TokenSource};

/// A credential: the value of a header, a token, a URL whose path is the password.
///
/// It has no `Display` and no `Serialize`; its `Debug` prints `Secret(…)`. Reading it is [`Secret::expose`], so one
/// search lists every place that does. Whoever exposes it must not write it to disk, a log or an error. It is wiped
/// from memory when it is dropped.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the value out of circulation.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(Secret(…))");
    }
}
