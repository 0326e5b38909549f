//! Who it was: kept, hashed or dropped, as attributes and as user names in paths.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::marker::{TagKey, is_pseudonym};

/// What becomes of a kind of name.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Treatment {
    /// Given as it is.
    #[default]
    Keep,
    /// A pseudonym stands for it, `h:` and 16 hexadecimal digits: always the same under the same key.
    Hash,
    /// Not given.
    Drop,
}

/// `[identity]`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// `user.email`.
    pub email: Treatment,
    /// `user.account_uuid`, `user.account_id`, and `user.id`, which is an id of the installation.
    pub account: Treatment,
    /// `organization.id`.
    pub organization: Treatment,
    /// `host.name`, `host.id`.
    pub host: Treatment,
    /// The names of users in paths: `/home/alice`, `/Users/alice`, `C:\Users\alice`.
    pub user: Treatment,
}

/// What stands for the name of a user that is dropped from a path.
const NOBODY: &str = "[user]";

/// The longest name of a user in a path, in bytes.
const MAX_NAME: usize = 128;

/// Directories beside those of people.
const SHARED: [&str; 6] = ["Public", "Shared", "Default", "All", "linuxbrew", "runner"];

impl Identity {
    /// What becomes of an attribute's value. None for an attribute that tells nobody's identity.
    pub(super) fn of(self, attribute: &str, value: &str) -> Option<Treatment> {
        Some(match attribute {
            "user.email" => self.email,
            "user.id" if value.contains('@') => self.account.max(self.email),
            "user.id" | "user.account_uuid" | "user.account_id" => self.account,
            "organization.id" => self.organization,
            "host.name" | "host.id" => self.host,
            _ => return None,
        })
    }

    /// A text without the names of users in its paths.
    pub(super) fn hide_users<'t>(self, text: &'t str, key: &TagKey) -> Cow<'t, str> {
        if self.user == Treatment::Keep {
            return Cow::Borrowed(text);
        }
        let mut places: Vec<(usize, &str)> = text.match_indices("home").chain(text.match_indices("Users")).collect();
        places.sort_unstable();
        let mut result = String::new();
        let mut copied = 0;
        for (at, word) in places {
            let Some(name) = name_in_path(text, at, word).filter(|name| name.start >= copied) else { continue };
            let (Some(before), Some(found)) = (text.get(copied..name.start), text.get(name.clone())) else { continue };
            result.push_str(before);
            match self.user {
                Treatment::Drop => result.push_str(NOBODY),
                Treatment::Hash | Treatment::Keep => result.push_str(&key.pseudonym(found)),
            }
            copied = name.end;
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        result.push_str(text.get(copied..).unwrap_or_default());
        Cow::Owned(result)
    }
}

/// Where the name of a user stands behind `home` or `Users` at this place, if that is a directory of people's homes.
fn name_in_path(text: &str, at: usize, word: &str) -> Option<std::ops::Range<usize>> {
    let (before, after) = (text.get(..at)?, text.get(at + word.len()..)?);
    let separator = before.chars().next_back()?;
    let root = before.trim_end_matches(separator);
    let separators = before.len() - root.len();
    let behind = match separator {
        // Of slashes, as many as there are: `//home` and `file:///home` are the same directory.
        '/' if is_root(root, word) => after.len() - after.strip_prefix('/')?.trim_start_matches('/').len(),
        // Of backslashes, as many as before: one more would be an escape of what follows.
        '\\' if is_root(root, word) && separators <= 16 => {
            let same = after.bytes().take(separators).all(|byte| byte == b'\\') && after.len() > separators;
            same.then_some(separators)?
        }
        // A path that was made the name of a directory: `~/.claude/projects/-home-alice-widgets`.
        '-' if separators == 1 && root.chars().next_back().is_none_or(|c| "/\\\"' ".contains(c)) => {
            after.strip_prefix('-').map(|_| 1)?
        }
        _ => return None,
    };
    let name = after.get(behind..)?;
    let start = at + word.len() + behind;
    let is_there_already = name.get(..18).is_some_and(is_pseudonym);
    let length = length_of_name(name, separator == '-');
    let shared = name.get(..length).is_none_or(|name| SHARED.contains(&name));
    (length > 0 && !is_there_already && !shared).then_some(start..start + length)
}

/// Whether `home` or `Users` behind this is the directory of people's homes.
fn is_root(before: &str, word: &str) -> bool {
    let Some(last) = before.chars().next_back() else { return true };
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~');
    if !is_part(last) {
        // Where a name stood, the path has begun before.
        return !before.ends_with(NOBODY);
    }
    if word == "home" {
        return ["/var", "/usr", "/export", "/private"].iter().any(|root| before.ends_with(root));
    }
    // A drive: `/c/Users`, `/mnt/c/Users`.
    let mut backwards = before.chars().rev().skip(1);
    last.is_ascii_alphabetic() && backwards.next().is_none_or(|c| matches!(c, '/' | '\\'))
}

/// How much of what a text begins with is a name, in bytes: letters, digits, `.`, `_` and `-`, and letters as `\u` and
/// four hexadecimal digits.
fn length_of_name(text: &str, encoded: bool) -> usize {
    let mut length = 0;
    while let Some(rest) = text.get(length..).filter(|_| length < MAX_NAME) {
        length += match rest.chars().next() {
            Some(c) if c.is_alphanumeric() || matches!(c, '.' | '_') || c == '-' && !encoded => c.len_utf8(),
            Some('\\') if is_unicode_escape(rest) => 6,
            _ => break,
        };
    }
    // The end of a sentence is no part of a name.
    text.get(..length).unwrap_or_default().trim_end_matches('.').len()
}

fn is_unicode_escape(text: &str) -> bool {
    text.strip_prefix("\\u")
        .and_then(|rest| rest.get(..4))
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn users_are_hidden_once_and_json_stays_json(
            text in r#"(/|\\|/home/|/Users/|C:\\Users\\|-home-|home|[a-zé."\\n$:-]){0,30}"#,
            user in prop_oneof![Just(Treatment::Hash), Just(Treatment::Drop)],
        ) {
            hidden(user, &text);
            let json = serde_json::Value::from(text).to_string();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&hidden(user, &json)).is_ok());
        }
    }

    fn hidden(user: Treatment, text: &str) -> String {
        let identity = Identity { user, ..Identity::default() };
        let hidden = identity.hide_users(text, &TagKey::new(b"key")).into_owned();
        assert_eq!(identity.hide_users(&hidden, &TagKey::new(b"key")), hidden, "once is enough");
        hidden
    }

    #[test]
    fn each_attribute_is_treated_as_what_it_tells() {
        let keep = Identity::default();
        let kinds: [(Identity, &[&str]); 4] = [
            (Identity { email: Treatment::Drop, ..keep }, &["user.email"]),
            (Identity { account: Treatment::Drop, ..keep }, &["user.id", "user.account_uuid", "user.account_id"]),
            (Identity { organization: Treatment::Drop, ..keep }, &["organization.id"]),
            (Identity { host: Treatment::Drop, ..keep }, &["host.name", "host.id"]),
        ];
        let all = kinds.map(|(_, attributes)| attributes).concat();
        for (identity, dropped) in kinds {
            for attribute in &all {
                let want = if dropped.contains(attribute) { Treatment::Drop } else { Treatment::Keep };
                assert_eq!(identity.of(attribute, "x"), Some(want), "{attribute} {identity:?}");
            }
            assert_eq!(identity.of("model", "x"), None, "tells nobody's identity");
        }
        let hashed = Identity { email: Treatment::Hash, ..keep };
        assert_eq!(hashed.of("user.id", "dev@example.com"), Some(Treatment::Hash), "an id that is an address");
    }

    #[test]
    fn a_user_is_nowhere_in_a_path() {
        for (text, want) in [
            ("cat /home/alice/notes", "cat /home/[user]/notes"),
            ("PATH=/home/alice:/Users/alice", "PATH=/home/[user]:/Users/[user]"),
            (r"C:\Users\alice\x", r"C:\Users\[user]\x"),
            (r#"{"file":"C:\\Users\\alice\\new"}"#, r#"{"file":"C:\\Users\\[user]\\new"}"#),
            ("C:/Users/a.b-c/x", "C:/Users/[user]/x"),
            ("/mnt/c/Users/alice", "/mnt/c/Users/[user]"),
            ("file:///home/alice", "file:///home/[user]"),
            ("/var/home/alice.", "/var/home/[user]."),
            (r#""/home/\u00e9ric/x\n""#, r#""/home/[user]/x\n""#),
            ("/c/Users/alice", "/c/Users/[user]"),
            ("c/Users/alice", "c/Users/[user]"),
            ("/usr/home/alice", "/usr/home/[user]"),
            ("/export/home/alice", "/export/home/[user]"),
            ("~/.claude/projects/-home-alice-widgets/x", "~/.claude/projects/-home-[user]-widgets/x"),
        ] {
            assert_eq!(hidden(Treatment::Drop, text), want);
        }
        let hash = hidden(Treatment::Hash, "/home/alice/x");
        assert!(is_pseudonym(hash.strip_prefix("/home/").unwrap().strip_suffix("/x").unwrap()), "{hash}");
    }

    #[test]
    fn what_is_no_home_stays() {
        for text in [
            "https://example.com/home/news",
            "/srv/www/home/page",
            "go home/alice",
            "/home/",
            "/home",
            "/Users/Shared/x",
            "at-home-work",
            "/home/$USER/x",
            "/7/Users/alice",
            "/cc/Users/alice",
            "x1/Users/alice",
            "/opt/home/alice",
            "/var/Users/alice",
            "Users",
        ] {
            assert_eq!(hidden(Treatment::Drop, text), text);
        }
        assert_eq!(hidden(Treatment::Keep, "/home/alice"), "/home/alice");
    }

    #[test]
    fn homes_are_where_systems_have_them() {
        for before in ["", "/", "\"", " ", "C:", "/c", "/mnt/d", "\\\\d", "d"] {
            assert!(is_root(before, "Users"), "{before}");
        }
        for before in ["/srv", "/cd", "x/cd", "/data1", "app-", "a.b", "x_", "~", "/1", NOBODY] {
            assert!(!is_root(before, "Users"), "{before}");
        }
        for before in ["", "/", "/var", "/usr", "/export", "/private", "x/var"] {
            assert!(is_root(before, "home"), "{before}");
        }
        for before in ["/c", "/srv", "/mnt/d", NOBODY] {
            assert!(!is_root(before, "home"), "{before}");
        }
    }
}
