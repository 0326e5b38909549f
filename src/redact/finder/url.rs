//! URLs with a user and password in them.

use super::context::{Tell, floor, window};
use super::names::Hint;
use super::value::{Written, is_hex, is_slug, is_uuid, judge, looks_random};

/// What stands between scheme and authority, as it is and encoded. The first is what is searched for.
pub(super) const BORDERS: [&str; 5] = ["://", ":\\/\\/", "%3A%2F%2F", "%3a%2f%2f", ":pserver:"];

/// The longest authority that is read, in bytes.
const MAX_AUTHORITY: usize = 2048;
/// How far behind a `/`, `?` or `#` the `@` of a password that holds them unencoded may stand, in bytes.
const MAX_TAIL: usize = 64;

/// Looks behind a border that begins here.
pub(super) fn at(text: &str, start: usize, border: &str, tell: Tell<'_>) {
    let from = start + border.len();
    let encoded = border.starts_with('%');
    let Some(rest) = text.get(from..floor(text, from.saturating_add(MAX_AUTHORITY))) else { return };
    let authority = authority(rest, encoded);
    let Some((userinfo, host)) = split_last(authority, encoded) else {
        return cut(text, from, authority, tell);
    };
    // `a@b` in a query's text and the like has no host behind.
    if !host.starts_with(|character: char| {
        character.is_alphanumeric()
            || matches!(character, '[' | ':' | '$' | '{' | '<' | '/' | '%' | '*' | '.' | '_' | '-' | '\u{2026}')
    }) && !host.is_empty()
    {
        return;
    }
    let colon = if encoded { find_either(userinfo, ["%3A", "%3a"]) } else { None };
    let colon = colon.or_else(|| userinfo.find(':').map(|at| (at, 1)));
    if let Some((at, length)) = colon {
        let password = userinfo.get(at + length..).unwrap_or_default();
        if is_literal(password) && password != "x-oauth-basic" {
            let span = from + at + length..from + userinfo.len();
            let random = looks_random(password) && password.len() >= 20;
            tell(span, "url-password", !random);
        }
        let user = userinfo.get(..at).unwrap_or_default();
        // `https://TOKEN:x-oauth-basic@host`, `https://TOKEN:@host`
        if is_token(user) {
            tell(from..from + at, "url-token", false);
        }
    } else if is_token(userinfo) {
        tell(from..from + userinfo.len(), "url-token", false);
    } else if takes_password(text.get(..start).unwrap_or_default()) && is_literal(userinfo) {
        tell(from..from + userinfo.len(), "url-password", true);
    }
}

/// Whether a scheme ends here of which the URLs have a password and no user: of proxies.
fn takes_password(before: &str) -> bool {
    ["trojan", "trojan-go", "hysteria2", "hy2", "anytls"].iter().any(|scheme| {
        let head = before.strip_suffix(scheme);
        head.is_some_and(|head| !head.ends_with(|last: char| last.is_ascii_alphanumeric() || "+-.".contains(last)))
    })
}

/// `postgres://bob:passw`, where the text was cut: what stands behind the colon is no port.
fn cut(text: &str, from: usize, authority: &str, tell: Tell<'_>) {
    let rest = text.get(from + authority.len()..).unwrap_or_default();
    let marks = ["\u{2026}", "[TRUNCATED", "...[TRUNCATED"];
    let mixed = |password: &str| {
        let any = |class: fn(&u8) -> bool| password.as_bytes().iter().any(class);
        any(u8::is_ascii_digit) && any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase)
    };
    // A string may end where the text was cut, too; then it has to look like a password.
    let closed = rest.starts_with(['"', '\'']) || rest.starts_with("\\\"");
    let closed = closed && authority.split_once(':').is_some_and(|(_, end)| end.len() >= 8 && mixed(end));
    let ends = closed || rest.is_empty() || marks.iter().any(|mark| rest.trim_start().starts_with(mark));
    let authority = authority.trim_end_matches(['.', '\u{2026}']);
    let authority = authority.strip_suffix("...[TRUNCATED]").unwrap_or(authority);
    let Some((user, password)) = authority.split_once(':') else { return };
    let plain = user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if ends
        && plain
        && !user.is_empty()
        && password.len() >= 3
        && !password.bytes().all(|byte| byte.is_ascii_digit())
        && is_literal(password)
    {
        let start = from + user.len() + 1;
        tell(start..start + password.len(), "url-password", true);
    }
}

/// Oracle's way: `jdbc:oracle:thin:user/password@host`. `start` is behind the prefix.
pub(super) fn oracle(text: &str, start: usize, tell: Tell<'_>) {
    let Some(rest) = text.get(start..floor(text, start.saturating_add(MAX_AUTHORITY))) else { return };
    let word = rest
        .get(
            ..rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')).unwrap_or(rest.len()),
        )
        .unwrap_or_default();
    let Some((before, _)) = word.rsplit_once('@') else { return };
    let Some((user, password)) = before.split_once('/') else { return };
    if is_literal(password) {
        let from = start + user.len() + 1;
        tell(from..from + password.len(), "url-password", true);
    }
}

/// What stands before the path.
fn authority(rest: &str, encoded: bool) -> &str {
    let bytes = rest.as_bytes();
    let mut last_at = None;
    let mut ended = None;
    for (at, character) in rest.char_indices() {
        match character {
            '@' => last_at = Some(at),
            '%' if encoded => {
                let code = rest.get(at..at + 3).unwrap_or_default();
                if code == "%40" {
                    last_at = Some(at);
                } else if ["%2F", "%2f", "%3F", "%3f", "%22", "%23", "%20", "%26"].contains(&code) {
                    ended = Some(at);
                    break;
                }
            }
            '"' | '`' | '<' | '\'' | '>' | '|' | '^' if last_at.is_some() => {
                ended = Some(at);
                break;
            }
            // `<password>` and `${PASSWORD:-x}` are no ends.
            '"' | '`' | '\'' | '|' => {
                ended = Some(at);
                break;
            }
            '\\' if matches!(bytes.get(at + 1), Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\' | b'/')) => {
                ended = Some(at);
                break;
            }
            '/' | '?' | '#' if last_at.is_some() => {
                ended = Some(at);
                break;
            }
            // A password may hold them unencoded: only if an `@` and a host follow at once.
            '/' | '?' | '#' => {
                let tail = window(rest, at, MAX_TAIL);
                // Nearly always there is none.
                let behind = memchr::memchr(b'@', tail.as_bytes());
                let separates =
                    |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '\\' | '&' | '=');
                let colon = || {
                    rest.get(..at)
                        .and_then(|before| before.split_once(':'))
                        .is_some_and(|(_, port)| !port.is_empty() && !port.bytes().all(|byte| byte.is_ascii_digit()))
                };
                let behind = behind
                    .filter(|behind| colon() && !tail.get(..*behind).is_some_and(|tail| tail.contains(separates)));
                let Some(behind) = behind else {
                    ended = Some(at);
                    break;
                };
                let end = tail.find(separates).unwrap_or(tail.len());
                let tail = tail.get(..end).unwrap_or_default();
                let host = tail.get(behind + 1..).unwrap_or_default();
                let length = host.find(['/', '?', '#']).unwrap_or(host.len());
                return rest.get(..at + behind + 1 + length).unwrap_or_default();
            }
            _ if character.is_whitespace() || character.is_control() => {
                ended = Some(at);
                break;
            }
            _ => {}
        }
    }
    rest.get(..ended.unwrap_or(rest.len())).unwrap_or_default()
}

fn split_last(authority: &str, encoded: bool) -> Option<(&str, &str)> {
    if encoded && let Some(at) = authority.rfind("%40") {
        return Some((authority.get(..at)?, authority.get(at + 3..)?));
    }
    authority.rsplit_once('@')
}

fn find_either(text: &str, needles: [&str; 2]) -> Option<(usize, usize)> {
    needles.iter().filter_map(|needle| text.find(needle).map(|at| (at, needle.len()))).min()
}

/// Whether a password is one, and not a variable or a placeholder.
fn is_literal(password: &str) -> bool {
    if password.is_empty()
        || marker_only(password)
        || matches!(password, "password" | "PASSWORD" | "pass" | "PASS" | "pw" | "secret" | "token" | "xxx" | "...")
    {
        return false;
    }
    if password.starts_with('$')
        || password.starts_with("{{")
        || password.starts_with('<')
        || password.starts_with("%(")
        || password.starts_with('{') && password.ends_with('}')
    {
        return false;
    }
    if placeholder(password) {
        return false;
    }
    judge(password, Hint::Password, Written::Tight).is_some()
        || password.len() >= 3 && password.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !is_label(password)
}

/// `***`, `...`, `xxxx`.
fn placeholder(password: &str) -> bool {
    let first = password.as_bytes().first();
    let one_mark = password.bytes().all(|byte| Some(&byte) == first && !byte.is_ascii_alphanumeric());
    one_mark || password.len() >= 3 && password.bytes().all(|byte| matches!(byte, b'x' | b'X' | b'*' | b'.'))
}

/// `password` in the place of one.
fn is_label(password: &str) -> bool {
    ["password", "pass", "passwd", "secret", "token", "pwd", "yourpassword", "mypassword"]
        .iter()
        .any(|label| password.eq_ignore_ascii_case(label))
}

/// Whether a user's name is in truth a token.
fn is_token(user: &str) -> bool {
    (is_hex(user, 20) || is_uuid(user) || looks_random(user))
        && !is_slug(user)
        && !user.contains("[REDACTED:")
        && !user.starts_with('$')
}

/// Whether nothing but markers stands there.
fn marker_only(text: &str) -> bool {
    text.contains("[REDACTED")
        && crate::redact::marker::without(text).bytes().filter(u8::is_ascii_alphanumeric).count() < 4
        || text == "[REDACTED]"
}

#[cfg(test)]
mod tests;
