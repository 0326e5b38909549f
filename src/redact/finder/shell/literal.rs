//! Tells a value that was written out from one that only stands for it: a variable, a file, a placeholder.

use std::ops::Range;

use super::lexer::Word;
use super::naming::option_hint;
use super::programs::Kind;
use crate::redact::marker;

/// The part of a word's value that is literally secret. None: nothing of it is.
pub(super) fn secret(word: &Word<'_>, value: Range<usize>, kind: Kind) -> Option<Range<usize>> {
    let value = without_quotes(word, until_cut(word, value));
    // What was cut is not judged by how it looks.
    let kind = if word.open && kind == Kind::Token { Kind::Key } else { kind };
    let text = word.text.get(value.clone())?;
    let inside: Vec<_> =
        word.dynamic.iter().filter(|part| part.start < value.end && value.start < part.end).cloned().collect();
    let variable: usize = inside.iter().map(Range::len).sum();
    let plain = inside.iter().all(|part| is_accident(word.text.get(part.clone()).unwrap_or_default()));
    if inside.is_empty() || plain && text.len() - variable >= 6 && kinds(text).0 > 0 {
        return written_out(text, kind).then_some(value);
    }
    // Partly variable: what is written out counts only if it is long enough to be more than a separator.
    let mut from = value.start;
    let mut longest = 0..0;
    for part in inside.iter().cloned().chain(std::iter::once(value.end..value.end)) {
        let until = part.start.clamp(from, value.end);
        if until - from > longest.len() {
            longest = from..until;
        }
        from = part.end.clamp(from, value.end);
    }
    is_random(word.text.get(longest.clone())?, 12).then_some(longest)
}

/// A value without what stands behind the line, if its quote is never closed.
fn until_cut(word: &Word<'_>, value: Range<usize>) -> Range<usize> {
    match word.text.get(value.clone()).and_then(|text| text.find('\n')) {
        Some(length) if word.open => value.start..value.start + length,
        _ => value,
    }
}

/// A value without quotes around it that the shell left: `-v pw="'x'"`.
fn without_quotes(word: &Word<'_>, value: Range<usize>) -> Range<usize> {
    let text = word.text.get(value.clone()).unwrap_or_default();
    let quoted = text.len() > 2 && ['"', '\''].iter().any(|quote| text.starts_with(*quote) && text.ends_with(*quote));
    if quoted { value.start + 1..value.end - 1 } else { value }
}

/// Whether a variable is more likely part of a password that should have been quoted: `$$`, `$1`, `$!`.
fn is_accident(variable: &str) -> bool {
    variable.len() == 2
        && variable.starts_with('$')
        && !variable.ends_with(|c: char| c.is_ascii_alphabetic() || c == '@')
}

/// Where in a part of a word a character stands that is in no substitution and no marker, counted from the part's start.
pub(super) fn find(word: &Word<'_>, part: Range<usize>, character: char) -> Option<usize> {
    let text = word.text.get(part.clone())?;
    let in_marker = |at: usize| {
        let before = text.get(..at).unwrap_or_default();
        before.rfind(marker::BEGIN).is_some_and(|begin| !before.get(begin..).unwrap_or_default().contains(']'))
            || text.get(..at + 1).is_some_and(|text| text.ends_with(marker::BEGIN))
    };
    text.match_indices(character)
        .map(|(at, _)| at)
        .take(16)
        .find(|at| !word.dynamic.iter().any(|inside| inside.contains(&(part.start + at))) && !in_marker(*at))
}

/// Whether a literal value can be a secret of this kind.
pub(super) fn written_out(text: &str, kind: Kind) -> bool {
    !stands_for(text)
        && match kind {
            Kind::Password => true,
            Kind::Key => text.len() >= 6,
            Kind::Token => is_token(text),
        }
}

/// Whether a value is not the secret itself: a variable, a file, a template, a mask, a word like `YOUR_TOKEN`.
pub(super) fn stands_for(text: &str) -> bool {
    let text = text.trim();
    let Some(first) = text.chars().next() else { return true };
    if matches!(text, "-" | "public") || text.ends_with(":latest") || text.starts_with(marker::BEGIN) {
        return true;
    }
    let inner = |open: &str, close: &str| text.starts_with(open) && text.ends_with(close);
    if inner("<", ">") || inner("{{", "}}") || inner("${", "}") || inner("%", "%") && text.len() > 2 || inner("$(", ")")
    {
        return true;
    }
    if inner("{", "}") && !text.contains(['"', ' ', ','])
        || inner("[", "]") && is_identifier(text.trim_matches(['[', ']']))
    {
        return true;
    }
    if text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("$env:")) {
        return true;
    }
    if let Some(name) = text.strip_prefix('$')
        && !name.is_empty()
        && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
    {
        return true;
    }
    if [
        "env:",
        "file:",
        "fileb:",
        "fd:",
        "op://",
        "vault:",
        "ref+",
        "secretref:",
        "prompt:",
        "stdin:",
        "awskms:",
        "gcpkms:",
        "@env:",
        "@keychain:",
    ]
    .iter()
    .any(|start| text.starts_with(start))
    {
        return true;
    }
    if first == '@' && text.get(1..).is_some_and(is_path) {
        return true;
    }
    // An option of Windows: `/delete`, `/persistent:yes`.
    if let Some(option) = text.strip_prefix('/')
        && option.len() < 20
        && option.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b':')
    {
        return true;
    }
    // A mask: `***`, `xxxxxxxx`, `......`.
    if text.chars().all(|character| character == first)
        && matches!(first, '*' | 'x' | 'X' | '.' | '•' | '-' | '_' | '…' | '?' | '#')
    {
        return true;
    }
    is_named_placeholder(text)
}

fn is_identifier(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' '))
}

/// `YOUR_API_KEY`, `your-password-here`, `PASSWORD`, `my_token`, `changeme-token`: words about secrets, and nothing else.
fn is_named_placeholder(text: &str) -> bool {
    const WORDS: [&str; 52] = [
        "your",
        "my",
        "the",
        "some",
        "a",
        "an",
        "new",
        "old",
        "real",
        "actual",
        "insert",
        "replace",
        "with",
        "here",
        "example",
        "sample",
        "placeholder",
        "dummy",
        "redacted",
        "masked",
        "hidden",
        "password",
        "passwd",
        "pass",
        "pwd",
        "passphrase",
        "secret",
        "token",
        "key",
        "api",
        "apikey",
        "access",
        "auth",
        "client",
        "private",
        "user",
        "username",
        "db",
        "database",
        "root",
        "admin",
        "value",
        "string",
        "credential",
        "credentials",
        "bearer",
        "pat",
        "name",
        "yourpassword",
        "yourtoken",
        "and",
        "to",
    ];
    let mut named = false;
    let mut words = 0;
    for word in text.split(['_', '-', ' ', '.']) {
        if word.is_empty() {
            continue;
        }
        words += 1;
        let lower = word.to_ascii_lowercase();
        if words > 8 || !WORDS.contains(&lower.as_str()) {
            return false;
        }
        named |= matches!(
            lower.as_str(),
            "your"
                | "my"
                | "here"
                | "insert"
                | "replace"
                | "placeholder"
                | "redacted"
                | "masked"
                | "hidden"
                | "yourpassword"
                | "yourtoken"
        );
    }
    let capitals = !text.bytes().any(|byte| byte.is_ascii_lowercase());
    named || capitals && words > 0
}

/// Whether a value names a file or directory.
pub(super) fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.contains(['+', '='])
        && !text.split(['/', '.']).any(|part| part.len() >= 24 && is_mixed(part))
        || text.starts_with("./")
        || text.starts_with("../")
        || text.starts_with("~/")
        || text.starts_with("fileb://")
        || text.starts_with("file://")
        || text.rsplit_once('.').is_some_and(|(name, end)| {
            !name.is_empty()
                && [
                    "txt", "json", "yml", "yaml", "toml", "key", "pem", "env", "crt", "cer", "p12", "pfx", "jks",
                    "gpg", "asc", "conf", "cfg", "ini", "xml", "sh", "py", "js", "ts", "rs", "go", "sql", "zip", "gz",
                    "tgz", "log", "md", "lua", "db",
                ]
                .contains(&end)
        })
}

/// Whether a value is one of the words that options are set to.
pub(super) fn is_setting(text: &str) -> bool {
    text.len() == 1
        || matches!(
            text.to_ascii_lowercase().as_str(),
            "true"
                | "false"
                | "yes"
                | "no"
                | "on"
                | "off"
                | "none"
                | "null"
                | "nil"
                | "auto"
                | "ask"
                | "prompt"
                | "optional"
                | "required"
                | "enabled"
                | "disabled"
                | "default"
                | "read"
                | "write"
                | "0"
                | "1"
                | "stdin"
                | "keyring"
                | "basic"
                | "bearer"
                | "oauth"
                | "oauth2"
                | "oidc"
                | "any"
                | "all"
                | "login"
        )
}

/// Whether what is assigned to a name is an expression of a program: `password=None,`, `token=self.token)`, `password=password`.
pub(super) fn is_code(name: &str, text: &str) -> bool {
    let core = text.trim_end_matches([',', ')', ';', '}', ']', ':']);
    let closed = core.len() < text.len();
    core.eq_ignore_ascii_case(name)
        || text.contains("()")
        || text.starts_with('%') && core.len() == 2
        || core.rsplit_once('.').is_some_and(|(root, last)| is_identifier(root) && option_hint(last).is_some())
        || core.strip_prefix("self.").or(core.strip_prefix("this.")).is_some_and(is_identifier)
        || closed
            && (is_setting(core)
                || core.contains(['(', '['])
                || core.ends_with(&format!(".{name}"))
                || is_identifier(core) && core.contains('_') && !core.contains(|c: char| c.is_ascii_digit()))
}

/// Whether a word behind an option goes on with a sentence about it: `the --password option`.
pub(super) fn is_prose(text: &str) -> bool {
    matches!(
        text.trim_end_matches([',', '.', ':', ';', ')']).to_ascii_lowercase().as_str(),
        "option"
            | "options"
            | "flag"
            | "flags"
            | "argument"
            | "arguments"
            | "parameter"
            | "param"
            | "and"
            | "or"
            | "to"
            | "is"
            | "are"
            | "for"
            | "with"
            | "in"
            | "on"
            | "of"
            | "the"
            | "a"
            | "instead"
            | "support"
            | "value"
            | "as"
            | "from"
            | "if"
            | "when"
            | "which"
            | "that"
            | "it"
            | "was"
            | "not"
            | "by"
            | "via"
            | "must"
            | "should"
            | "can"
            | "will"
            | "switch"
            | "handling"
            | "does"
            | "here"
            | "because"
            | "but"
            | "then"
            | "so"
    )
}

/// Whether a value has digits and letters of both cases, and nothing that tokens do not have.
pub(super) fn is_mixed(text: &str) -> bool {
    let (digits, lower, upper) = kinds(text);
    digits > 1 && lower > 1 && upper > 1 && is_random(text, 16) && text.matches('/').count() < 3
}

/// Whether a value looks like a token: long, or of more than one kind of character.
pub(super) fn is_token(text: &str) -> bool {
    // `FlyV1 fm2_…`: a scheme in front.
    if let Some((scheme, token)) = text.split_once(' ')
        && !token.is_empty()
    {
        return scheme.len() <= 12 && !token.contains(' ') && token.len() >= 20 && is_token(token);
    }
    let (digits, lower, upper) = kinds(text);
    text.len() >= 8
        && !text.contains(char::is_whitespace)
        && !is_path(text)
        && !text.starts_with("http://")
        && !text.starts_with("https://")
        && (digits > 0 && digits < text.len() && lower + upper > 0 && !is_dashed_words(text)
            || digits == text.len() && text.len() >= 10
            || lower > 0 && upper > 0 && text.len() >= 12 && !text.contains(['.', '/'])
            || text.len() >= 32 && !text.contains(['.', '/', '-', ' ', ',', '=']))
}

/// Whether a word looks like a password that a person chose: letters with digits or signs, and no name, path or port.
pub(super) fn is_chosen(text: &str) -> bool {
    let (digits, lower, upper) = kinds(text);
    let signs = text
        .bytes()
        .filter(|byte| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'?' | b'+' | b'~'))
        .count();
    let counted = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered =
        digits <= 2 && counted.len() + digits == text.len() && counted.bytes().all(|b| b.is_ascii_lowercase());
    (6..=128).contains(&text.len())
        && lower + upper > 1
        && digits + signs > 0
        && !numbered
        && !text.starts_with('-')
        && !text.contains(['/', ':', '=', '\\', ' ', ','])
        && !is_path(text)
        && !is_dashed_words(text)
        && !stands_for(text)
}

/// Whether a word can hardly be anything but a password: of small letters, capitals and digits or signs.
pub(super) fn is_password(text: &str) -> bool {
    let (digits, lower, upper) = kinds(text);
    // `toolu_01A09q…`: ids of messages, calls and requests.
    let id = text.split_once('_').is_some_and(|(kind, id)| {
        matches!(kind, "toolu" | "srvtoolu" | "req" | "msg")
            && id.len() >= 16
            && id.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    text.len() >= 8 && lower > 0 && upper > 0 && digits > 0 && !id && is_chosen(text)
}

/// Whether a value looks random and is at least so long: digits, and letters of both cases or many of one.
pub(super) fn is_random(text: &str, least: usize) -> bool {
    let (digits, lower, upper) = kinds(text);
    text.len() >= least
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'~'))
        && digits > 1
        && lower + upper > 2
        && !is_path(text)
        && !is_dashed_words(text)
}

/// Whether it is a name of words and numbers: `my-bucket-2`, `v1.2.3`, `prod/db-password`.
fn is_dashed_words(text: &str) -> bool {
    text.contains(['-', '_', '.', '/'])
        && text.split(['-', '_', '.', '/', ':']).all(|part| {
            let (digits, lower, upper) = kinds(part);
            let letters = lower + upper;
            (digits == 0
                || letters == 0 && digits <= 4
                || letters <= 8
                    && part.len() <= 8
                    && part
                        .trim_end_matches(|c: char| c.is_ascii_digit())
                        .bytes()
                        .all(|byte| byte.is_ascii_alphabetic()))
                && (lower == 0 || upper == 0 || part.bytes().skip(1).all(|byte| !byte.is_ascii_uppercase()))
        })
}

/// How many digits, lower-case and upper-case letters.
fn kinds(text: &str) -> (usize, usize, usize) {
    text.bytes().fold((0, 0, 0), |(digits, lower, upper), byte| {
        (
            digits + usize::from(byte.is_ascii_digit()),
            lower + usize::from(byte.is_ascii_lowercase()),
            upper + usize::from(byte.is_ascii_uppercase()),
        )
    })
}

#[cfg(test)]
mod tests;
