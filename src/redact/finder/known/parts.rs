//! What of a value is the secret: the password of a URL, the token of a header, the lines of a key.

use serde_json::Value;
use zeroize::Zeroizing;

use super::bounds::looks_random;
use crate::redact::finder::is_secret_name;

/// The most lines of one value that are looked for.
const MAX_LINES: usize = 128;

/// The shortest line of a value of several, in bytes.
const MIN_LINE: usize = 16;

/// How deep JSON in a value is looked into.
const MAX_DEPTH: usize = 8;

/// What of a value is a secret: mostly all of it. Whether it is fit to be looked for is not asked here.
pub fn of(value: &str) -> Vec<Zeroizing<String>> {
    let value = value.trim();
    let mut parts = Vec::new();
    if let Some((scheme, rest)) = value.split_once("://")
        && !scheme.contains(char::is_whitespace)
    {
        url(rest, &mut parts);
        return parts;
    }
    if value.starts_with('{')
        && let Ok(json) = serde_json::from_str(value)
    {
        of_json(json, false, MAX_DEPTH, &mut parts);
        return parts;
    }
    pairs(value, &mut parts);
    if !parts.is_empty() {
        return parts;
    }
    if value.contains('\n') {
        // A key is seldom written as a whole, and often cut.
        let lines = value.lines().map(str::trim).filter(|line| line.len() >= MIN_LINE && !line.starts_with("--"));
        parts.extend(lines.take(MAX_LINES).map(part));
    }
    if let Some((_, password)) = value.split_once(':').filter(|(user, _)| !user.contains(char::is_whitespace)) {
        parts.extend(looks_random(password).then(|| part(password)));
    }
    parts.push(part(value));
    parts
}

/// What of a header's value is a secret, as it goes over the wire: `Bearer TOKEN`, `Basic BASE64`, or all of it. Nothing
/// where neither the name nor the value speaks of one.
pub fn header_secrets(name: &str, value: &str) -> Vec<Zeroizing<String>> {
    let value = value.trim();
    let lower = name.to_ascii_lowercase();
    let named = is_secret_name(name) || ["auth", "key", "cookie", "signature"].iter().any(|word| lower.contains(word));
    if !named && !looks_random(value) {
        return Vec::new();
    }
    let token = match value.split_once(' ') {
        // RFC 9110, 11.4: a scheme, and what it is for.
        Some((scheme, token)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => {
            token.trim()
        }
        _ => value,
    };
    let mut parts = vec![part(token)];
    if let Some(decoded) = base64_decoded(token)
        && let Some((_, password)) = decoded.split_once(':')
    {
        parts.push(part(password));
    }
    if token.contains('%') {
        parts.push(percent_decoded(token));
    }
    parts
}

fn part(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

/// The password of `USER:PASSWORD@HOST/PATH?QUERY`, and whatever looks random beside it.
fn url(rest: &str, parts: &mut Vec<Zeroizing<String>>) {
    let mut secret = |text: &str| {
        parts.push(part(text));
        if text.contains('%') {
            parts.push(percent_decoded(text));
        }
    };
    // A password may hold a slash, or an `@`, whatever the standard says.
    let host = rest.find(['?', '#']).and_then(|end| rest.get(..end)).unwrap_or(rest);
    let after = match host.rsplit_once('@') {
        Some((user_info, after)) => {
            match user_info.split_once(':') {
                Some((user, password)) => {
                    secret(password);
                    if looks_random(user) {
                        secret(user);
                    }
                }
                // A token in the place of the user, as code hosts allow.
                None if looks_random(user_info) => secret(user_info),
                None => {}
            }
            after
        }
        None => host,
    };
    for segment in after.split('/').skip(1).filter(|segment| looks_random(segment)) {
        secret(segment);
    }
    let (_, query) = rest.split_once('?').unwrap_or_default();
    for (name, value) in query.split(['&', '#', ';']).filter_map(|pair| pair.split_once('=')) {
        if is_secret_name(name) || looks_random(value) {
            secret(value);
        }
    }
}

/// `Key=Value;…` of a connection string: the values of secret names.
fn pairs(value: &str, parts: &mut Vec<Zeroizing<String>>) {
    let pairs = value.split([';', '\n']).filter_map(|pair| pair.split_once('='));
    let known = ["accountkey", "sharedaccesskey", "sharedaccesssignature"];
    for (name, value) in pairs {
        let name = name.trim();
        let plain = name.to_ascii_lowercase();
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _-.".contains(&byte));
        if is_name && (is_secret_name(name) || known.contains(&plain.as_str())) {
            parts.push(part(value.trim().trim_matches(['"', '\''])));
        }
    }
}

/// The strings under secret names, and of keys.
fn of_json(value: Value, named: bool, depth: usize, parts: &mut Vec<Zeroizing<String>>) {
    match value {
        Value::String(text) if named => {
            let text = Zeroizing::new(text);
            if text.contains('\n') && !text.starts_with('{') {
                parts.extend(of(&text));
            } else {
                parts.push(text);
            }
        }
        Value::Object(members) if depth > 0 => {
            for (name, value) in members {
                let named = is_secret_name(&name) || name.ends_with("_key") || name == "auth";
                of_json(value, named, depth - 1, parts);
            }
        }
        Value::Array(items) if depth > 0 => {
            for item in items {
                of_json(item, named, depth - 1, parts);
            }
        }
        _ => {}
    }
}

/// The text with its percent signs resolved, as far as that is text.
fn percent_decoded(text: &str) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    part(std::str::from_utf8(&bytes).unwrap_or_default())
}

/// What a text in base64 (RFC 4648, either alphabet) says, if it is text.
pub fn base64_decoded(text: &str) -> Option<Zeroizing<String>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or_default());
        }
    }
    std::str::from_utf8(&bytes).ok().map(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(parts: Vec<Zeroizing<String>>) -> Vec<String> {
        parts.into_iter().map(|part| part.to_string()).collect()
    }

    #[test]
    fn of_a_url_the_password_is_the_secret() {
        for (value, want) in [
            ("postgres://app:FAKE-p4ss@db.example.com:5432/app", vec!["FAKE-p4ss"]),
            ("jdbc:postgresql://db/app?user=app&password=FAKE-p4ss", vec!["FAKE-p4ss"]),
            ("https://app:FAKE%2Fp4ss@h/x", vec!["FAKE%2Fp4ss", "FAKE/p4ss"]),
            ("https://app:FAKE@p4/ss@h/x", vec!["FAKE@p4/ss"]),
            ("https://FAKEa1b2c3d4e5f6g7h8@h/x.git", vec!["FAKEa1b2c3d4e5f6g7h8"]),
            ("https://h/services/T0/FAKEa1b2c3d4e5f6g7h8", vec!["FAKEa1b2c3d4e5f6g7h8"]),
            ("https://me@h/some/where?page=2", vec![]),
        ] {
            assert_eq!(texts(of(value)), want, "{value}");
        }
    }

    #[test]
    fn of_a_header_the_token_is_the_secret() {
        assert_eq!(texts(header_secrets("Authorization", "Bearer FAKE-token")), ["FAKE-token"]);
        // "app:FAKE-p4ss"
        let basic = texts(header_secrets("authorization", "Basic YXBwOkZBS0UtcDRzcw=="));
        assert_eq!(basic, ["YXBwOkZBS0UtcDRzcw==", "FAKE-p4ss"]);
        assert_eq!(texts(header_secrets("X-Api-Key", "FAKE1")), ["FAKE1"]);
        assert_eq!(texts(header_secrets("x-other", "FAKEa1b2c3d4e5f6g7h8")), ["FAKEa1b2c3d4e5f6g7h8"]);
        assert_eq!(texts(header_secrets("x-team", "platform-engineering")), [""; 0]);
    }

    #[test]
    fn of_a_document_the_values_of_secret_names_are_the_secrets() {
        let json =
            r#"{"type":"service_account","private_key":"-----BEGIN\nFAKEFAKEFAKEFAKEFAKE\n","a":[{"token":"FAKE2"}]}"#;
        let parts = texts(of(json));
        assert!(parts.contains(&"FAKEFAKEFAKEFAKEFAKE".to_owned()) && parts.contains(&"FAKE2".to_owned()), "{parts:?}");
        assert!(!parts.iter().any(|part| part.contains("service_account")));
        assert_eq!(texts(of(r#"{"password":"FAKE;pwd=1x","user":"x"}"#)), ["FAKE;pwd=1x"], "whatever is in it");
        let document = "{\n\"a\": \"FAKE\"}";
        assert_eq!(texts(of(&serde_json::json!({ "secret": document }).to_string())), [document], "in a document");
        assert_eq!(texts(of("Server=h;User Id=sa;Password=\"FAKE 1\";Encrypt=true")), ["FAKE 1"]);
        assert_eq!(texts(of("AccountName=x;AccountKey=FAKEab==;EndpointSuffix=h")), ["FAKEab=="]);
    }

    #[test]
    fn of_most_values_all_is_the_secret() {
        for value in ["FAKE-abc", "FAKE=abc==", "FAKE: abc", "{FAKE"] {
            assert_eq!(texts(of(value)), [value]);
        }
        assert_eq!(texts(of("app:FAKEa1b2c3d4e5f6g7h8")), ["FAKEa1b2c3d4e5f6g7h8", "app:FAKEa1b2c3d4e5f6g7h8"]);
    }
}
