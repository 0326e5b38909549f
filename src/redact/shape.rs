//! What a value may look like to pass without being searched for secrets.
//!
//! A value is exempt by what it looks like, never by its name alone: `OTEL_RESOURCE_ATTRIBUTES` fills in whatever key
//! a record lacks, so `request_id=<a token>` happens.

use std::borrow::Cow;

use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use uuid::Uuid;

use super::marker;

/// The longest name that passes, in characters.
const MAX_NAME: usize = 128;
/// The longest enumeration value that passes, in characters.
pub(super) const MAX_WORD: usize = 64;
/// The longest word or name with the markers in it, in bytes.
const MAX_MARKED: usize = 1024;
/// Letters and digits mixed in one unbroken run of this length are taken for a token.
const TOKEN_RUN: usize = 16;

/// A form of value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// A number: integer, finite double, or decimal text (versions of Claude Code differ).
    Count,
    /// A truth value, as such or as text.
    Flag,
    /// An enumeration value or technical name: letters, digits and `_ . : -`.
    Word,
    /// A list of [`Shape::Word`]s.
    Words,
    /// A name that somebody chose: tool, agent, model, skill, server, branch.
    Name,
    /// RFC 3339.
    Time,
    /// A UUID in hyphenated form.
    Uuid,
    /// A session's UUID, or the id of an agent: `a` and hexadecimal digits.
    Conversation,
    /// A prefix of this list and up to 64 letters, digits and underscores; or a UUID.
    Id(&'static [&'static str]),
    /// Lower-case hexadecimal digits, from 16 to 64, behind an optional prefix.
    Hash(&'static str),
    /// A commit, perhaps shortened: from 7 to 64 lower-case hexadecimal digits.
    Revision,
    /// An e-mail address.
    Email,
    /// Whoever the client says is using it: random id, UUID, e-mail address or name.
    Person,
    /// `https://HOST/PATH` of a repository or pipeline: no user, no query, no fragment.
    Url,
}

impl Shape {
    /// Whether a value has this shape.
    pub(super) fn fits(self, value: &Value) -> bool {
        match (value, self) {
            (Value::IntValue(_), Self::Count) | (Value::BoolValue(_), Self::Flag) => true,
            (Value::DoubleValue(number), Self::Count) => number.is_finite(),
            (Value::StringValue(text), _) => self.matches(text),
            (Value::ArrayValue(array), Self::Words) => array.values.iter().all(|item| match &item.value {
                Some(Value::StringValue(text)) => Self::Word.matches(text),
                _ => false,
            }),
            _ => false,
        }
    }

    /// Whether a value of this shape may be something that a person wrote or chose, and so hold a secret all the same.
    pub(super) fn is_free(self, text: &str) -> bool {
        match self {
            Self::Name | Self::Url => true,
            Self::Person => ![Self::Hash(""), Self::Uuid].iter().any(|shape| shape.matches(text)),
            Self::Count
            | Self::Flag
            | Self::Word
            | Self::Words
            | Self::Time
            | Self::Uuid
            | Self::Conversation
            | Self::Id(_)
            | Self::Hash(_)
            | Self::Revision
            | Self::Email => false,
        }
    }

    /// Whether a text has this shape.
    pub(super) fn matches(self, text: &str) -> bool {
        match self {
            Self::Count => {
                text.len() <= 24
                    && text
                        .bytes()
                        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'))
                    && text.parse::<f64>().is_ok_and(f64::is_finite)
            }
            Self::Flag => matches!(text, "true" | "false"),
            Self::Word => {
                let marked = text.len();
                let text = without_markers(text);
                marked <= MAX_MARKED
                    && text.len() <= MAX_WORD
                    && text
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-'))
                    && !looks_like_a_token(&text)
            }
            Self::Name => {
                let marked = text.len();
                let text = without_markers(text);
                marked <= MAX_MARKED
                    && text.chars().count() <= MAX_NAME
                    && text.chars().all(|c| c.is_alphanumeric() || " _.:-/@+()[]#,&*".contains(c))
                    && !looks_like_a_token(&text)
                    && !has_user_information(&text)
            }
            Self::Time => text.len() <= 40 && text.parse::<Timestamp>().is_ok(),
            Self::Uuid => text.len() == 36 && Uuid::try_parse(text).is_ok(),
            Self::Conversation => [Self::Uuid, Self::Hash("a")].iter().any(|shape| shape.matches(text)),
            Self::Id(prefixes) => {
                Self::Uuid.matches(text)
                    || prefixes.iter().filter_map(|prefix| text.strip_prefix(prefix)).any(|rest| {
                        (1..=64).contains(&rest.len())
                            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                    })
            }
            Self::Hash(prefix) => {
                text.strip_prefix(prefix).is_some_and(|rest| (12..=64).contains(&rest.len()) && is_lower_hex(rest))
            }
            Self::Revision => (7..=64).contains(&text.len()) && is_lower_hex(text),
            Self::Email => {
                text.len() <= 254
                    && text.split_once('@').is_some_and(|(local, domain)| {
                        !local.is_empty()
                            && domain.contains('.')
                            && local.chars().all(|c| c.is_alphanumeric() || "._+-'".contains(c))
                            && domain.chars().all(|c| c.is_alphanumeric() || ".-".contains(c))
                    })
            }
            Self::Person => {
                [Self::Hash(""), Self::Uuid, Self::Email, Self::Name].iter().any(|shape| shape.matches(text))
            }
            Self::Url => text.len() <= 512 && is_plain_url(text),
            Self::Words => false,
        }
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A text without the markers in it: what stands in the place of a secret does not change the shape of the rest.
fn without_markers(text: &str) -> Cow<'_, str> {
    let mut result = Cow::Borrowed("");
    let mut rest = text;
    let mut any = false;
    while let Some((before, length)) = marker::find(rest) {
        any = true;
        result += rest.get(..before).unwrap_or_default();
        rest = rest.get(before + length..).unwrap_or_default();
    }
    if any { result + rest } else { Cow::Borrowed(text) }
}

/// Letters and digits mixed, in one run too long for a word somebody chose.
fn looks_like_a_token(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        run.len() >= TOKEN_RUN
            && run.bytes().any(|byte| byte.is_ascii_digit())
            && run.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}

/// `user:password@host`, in whatever scheme.
fn has_user_information(text: &str) -> bool {
    text.contains("://") || text.split_once('@').is_some_and(|(before, _)| before.contains(':'))
}

fn is_plain_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    matches!(scheme, "https" | "http" | "ssh" | "git")
        && !rest.contains(['@', '?', '#'])
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/:%+".contains(&byte))
        && !looks_like_a_token(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up token of the given prefix, put together here so that no file holds a whole one.
    fn token(prefix: &str) -> String {
        format!("{prefix}FAKE{}", "0000aB1cD2eF3gH4iJ5kL6mN7oP8qR")
    }

    #[test]
    fn values_of_the_real_client_have_their_shapes() {
        for (shape, text) in [
            (Shape::Count, "17"),
            (Shape::Count, "0.0170416"),
            (Shape::Word, "PreToolUse:Bash"),
            (Shape::Word, "xterm-256color"),
            (Shape::Word, "agent:builtin:general-purpose"),
            (Shape::Name, "claude-sonnet-4-5[1m]"),
            (Shape::Name, "claude-opus-4@20250514"),
            (Shape::Name, "us.anthropic.claude-sonnet-4-20250514-v1:0"),
            (Shape::Name, "Plain text"),
            (Shape::Name, "feature/login-form"),
            (Shape::Time, "2026-11-22T17:32:14.792Z"),
            (Shape::Uuid, "57f101bd-7ec1-429a-80dc-2b2b68d0038a"),
            (Shape::Id(&["req_"]), "req_011C969a83031cef4f7a83f0"),
            (Shape::Hash("sp_"), "sp_6dc389ee4363"),
            (Shape::Hash("a"), "ab95678eb05b3f686"),
            (Shape::Email, "dev@example.com"),
            (Shape::Person, "550c2c56861557021be059354d6b5b341d6f306a7180652bd39818cd7a0b9503"),
            (Shape::Url, "https://github.com/acme/widgets"),
        ] {
            assert!(shape.matches(text), "{shape:?} {text}");
        }
    }

    #[test]
    fn a_secret_has_no_shape_whatever_it_is_called() {
        let secrets = [
            token("ghp_"),
            token("sk-ant-api03-"),
            "postgres://app:FAKEurlpw@db.example.internal/prod".to_owned(),
            "admin:FAKEhunter2@host".to_owned(),
            "correct horse = battery".to_owned(),
            "Bearer FAKE.opaque'".to_owned(),
            "https://github.com/acme/widgets?token=FAKE".to_owned(),
            "https://FAKE:x@github.com/acme/widgets".to_owned(),
            "-----BEGIN PRIVATE KEY-----\nFAKE".to_owned(),
        ];
        for secret in &secrets {
            for shape in [
                Shape::Count,
                Shape::Flag,
                Shape::Word,
                Shape::Name,
                Shape::Time,
                Shape::Uuid,
                Shape::Id(&["req_", "toolu_", "msg_", "user_"]),
                Shape::Hash(""),
                Shape::Person,
                Shape::Url,
            ] {
                assert!(!shape.matches(secret), "{shape:?} {secret}");
            }
        }
    }

    #[test]
    fn a_marker_changes_no_shape() {
        for text in
            ["[REDACTED:github-token:0123abcd]", "a-[REDACTED:password]-b", "x[REDACTED:a:00000000][REDACTED:b]"]
        {
            assert!(Shape::Word.matches(text) && Shape::Name.matches(text), "{text}");
        }
        let secret = token("ghp_");
        for text in
            [format!("[REDACTED:{secret}]"), format!("[REDACTED:a:{secret}]"), "[REDACTED:hunter two".to_owned()]
        {
            assert!(!Shape::Word.matches(&text), "{text}");
        }
        assert!(!Shape::Uuid.matches("[REDACTED:a]57f101bd-7ec1-429a-80dc-2b2b68d0038a"));
    }

    #[test]
    fn numbers_that_are_none_do_not_count() {
        for text in ["", "NaN", "inf", "1e999", "0x10", "1_000", "12 "] {
            assert!(!Shape::Count.matches(text), "{text}");
        }
        assert!(!Shape::Count.fits(&Value::DoubleValue(f64::NAN)));
    }
}
