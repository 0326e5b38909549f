//! What each rule is, for people: its name in a word or two, and where it comes from.

use std::borrow::Cow;

use super::finder::{self, RuleId};

/// What there is to say of a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleInfo {
    /// As it stands in markers, records and reports.
    pub id: RuleId,
    /// What it finds, in a word or two that follow a number: `AWS key`, `curl -u`.
    pub what: Cow<'static, str>,
    /// Why that is one: the page that documents the format, or the place where it stands.
    pub source: Cow<'static, str>,
}

impl RuleInfo {
    /// Whether it is of the configuration.
    pub fn is_own(&self) -> bool {
        self.source == OWN
    }
}

/// The source of rules of the configuration.
pub(super) const OWN: &str = "your configuration";

/// Rules that recognize a secret by what stands around it.
const CONTEXT: &[(&str, &str, &str)] = &[
    (
        "authorization",
        "authorization",
        "it stands behind the scheme of an HTTP header: `Bearer`, `Basic`, `Token` and the like",
    ),
    (
        "assigned-secret",
        "secret in a variable",
        "the value of a variable that the same text gives a program for a secret",
    ),
    ("basic-auth", "basic authentication", "base64 of user:password"),
    ("cookie", "cookie", "the value of a cookie that holds a session or looks random"),
    ("key", "key", "it looks random, and stands behind a name such as `key`, `auth` or `session`"),
    ("kubernetes-secret", "Kubernetes secret", "a value of a Kubernetes Secret"),
    ("password", "password", "it stands behind a name that means a password"),
    ("password-option", "password option", "the value of an option whose name means a password, of any program"),
    ("password-stdin", "password on standard input", "what a command that reads a password or token is fed with"),
    ("pgpass", ".pgpass password", "https://www.postgresql.org/docs/current/libpq-pgpass.html"),
    ("private-key", "private key", "https://www.rfc-editor.org/rfc/rfc7468"),
    ("secret", "secret", "it stands behind a name that means a token, key or secret"),
    (
        "secret-argument",
        "secret argument",
        "what stands behind `login`, or behind `set` and the name of a secret, of any program",
    ),
    ("secret-default", "default of a variable", "the default in `${NAME:-…}` of a variable whose name means a secret"),
    ("secret-file", "secret written to a file", "what is written to a file whose name means a secret"),
    (
        "secret-option",
        "secret option",
        "the value of an option whose name means a token, key or secret, of any program",
    ),
    ("secret-variable", "secret variable", "a variable whose name means a secret, set in a command"),
    ("url-password", "password in a URL", "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1"),
    ("url-token", "token in a URL", "it stands in the place of the user and looks random"),
    ("known-value", "known value", "a secret of this machine, wherever it stands: docs/configuration.md"),
];

/// A line that is not UTF-8, or of two bytes a character: nothing can be found in it, so it is masked whole.
pub const INVALID_UTF8: RuleId = RuleId::of("invalid-utf8");

/// A line that is too long to be held whole: it is masked whole.
pub const TOO_LONG: RuleId = RuleId::of("too-long");

/// What was not looked into.
const WHOLE: &[(RuleId, &str, &str)] = &[
    (INVALID_UTF8, "line that is not text", "not UTF-8: nothing could be found in it"),
    (TOO_LONG, "line that is too long", "longer than 16 MiB: it was not looked into"),
];

/// Every built-in rule, in the order of their ids.
pub fn rules() -> Vec<RuleInfo> {
    let of = |id: &'static str, what: Cow<'static, str>, source: Cow<'static, str>| RuleInfo {
        id: RuleId::of(id),
        what,
        source,
    };
    let mut rules: Vec<RuleInfo> =
        CONTEXT.iter().map(|(id, what, source)| of(id, Cow::Borrowed(what), Cow::Borrowed(source))).collect();
    rules.extend(WHOLE.iter().map(|(id, what, source)| RuleInfo {
        id: id.clone(),
        what: Cow::Borrowed(what),
        source: Cow::Borrowed(source),
    }));
    rules.extend(finder::formats().map(|(id, what, source)| {
        // A service's key is called after the service.
        let what = if id == what { Cow::Owned(id.replace('-', " ")) } else { Cow::Borrowed(what) };
        of(id, what, Cow::Borrowed(source))
    }));
    rules.extend(finder::programs().map(|(id, names)| {
        let names = names.split(' ').take(4).collect::<Vec<_>>().join(", ");
        of(id, Cow::Owned(id.replace('-', " ")), Cow::Owned(format!("an argument of a program: {names}")))
    }));
    // A format and a program may have one rule: the format tells more.
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    rules.dedup_by(|b, a| a.id == b.id);
    rules
}

/// Whether a rule of ours has this id.
pub(super) fn is_built_in(id: &str) -> bool {
    rules().iter().any(|rule| rule.id.as_str() == id)
}

#[cfg(test)]
mod documentation;
