//! What a name says about the value behind it.

/// How sure a name makes us that its value is a secret.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Hint {
    /// `key`, `auth`, `session`: a secret if the value looks random.
    Weak,
    /// `api_key`, `token`, `client_secret`: a secret unless the value is obviously something else.
    Strong,
    /// `password`: the same, and the value may be a word that a person made up.
    Password,
}

/// What a name says: of a variable, a JSON key, an option, a header, a query parameter. None: nothing.
pub(super) fn hint(name: &str) -> Option<Hint> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect();
    if ["password", "passwd", "pwd", "passphrase"].iter().any(|word| plain.contains(word)) {
        Some(Hint::Password)
    } else if ["secret", "token", "apikey", "accesskey", "privatekey", "credential"].iter().any(|w| plain.contains(w)) {
        Some(Hint::Strong)
    } else if ["key", "auth", "session"].iter().any(|word| plain.contains(word)) {
        Some(Hint::Weak)
    } else {
        None
    }
}
