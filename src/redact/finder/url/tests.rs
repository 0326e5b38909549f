//! Which part of a URL is a secret, and what stands in the place of one.

use super::*;

/// What is told of a text at its first border: the text and the rule, a `?` behind what can be guessed.
fn found(text: &str) -> Vec<String> {
    let border = BORDERS.into_iter().find(|border| text.contains(border)).unwrap();
    let mut told = Vec::new();
    at(text, text.find(border).unwrap(), border, &mut |span, rule, guessable| {
        told.push(format!("{rule} {}{}", &text[span], if guessable { "?" } else { "" }));
    });
    told
}

const TOKEN: &str = "qX7rT2vB9mZkD4wL8sGhJ6yN3pCf5RtW";

#[test]
fn a_password_stands_between_the_user_and_the_host() {
    for (url, told) in [
        ("postgres://app:hunter2@db.example.com/x", "url-password hunter2?"),
        ("postgres://:hunter2@db", "url-password hunter2?"),
        ("'redis://u:hunter2@[::1]:6379'", "url-password hunter2?"),
        ("https://u:p:hunter2@h", "url-password p:hunter2?"),
        ("https://u:hunt@er2@h/x", "url-password hunt@er2?"),
        ("https://u:hunter2@", "url-password hunter2?"),
        ("https://u:hunter2@$HOST/", "url-password hunter2?"),
        ("https://u:hunter2@{host}/", "url-password hunter2?"),
        ("https://u:hunter2@<host>/", "url-password hunter2?"),
        ("https://u:hunter2@*.x", "url-password hunter2?"),
        ("x:\\/\\/u:hunter2@h\\/x", "url-password hunter2?"),
        ("x%3A%2F%2Fu%3Ahunter2%40h%2Fx", "url-password hunter2?"),
        ("x%3a%2f%2fu%3ahunter2%40h%2fx", "url-password hunter2?"),
        ("x%3A%2F%2Fu:hunter2@h", "url-password hunter2?"),
        ("https://u:abc@h", "url-password abc?"),
    ] {
        assert_eq!(found(url), [told], "{url}");
    }
    let random = format!("https://u:{}@h", &TOKEN[..20]);
    assert_eq!(found(&random), [format!("url-password {}", &TOKEN[..20])]);
    let short = format!("https://u:{}@h", &TOKEN[..19]);
    assert_eq!(found(&short), [format!("url-password {}?", &TOKEN[..19])]);
}

#[test]
fn a_password_may_hold_what_ends_an_authority() {
    for (url, told) in [
        ("https://u:hun/ter2@h/x", "url-password hun/ter2?"),
        ("https://u:hun?ter2@h?x", "url-password hun?ter2?"),
        ("https://u:hun#ter2@h#x", "url-password hun#ter2?"),
        ("https://u:hun\\kter2@h/x", "url-password hun\\kter2?"),
    ] {
        assert_eq!(found(url), [told], "{url}");
    }
    for url in [
        "https://h:8080/x@y",
        "https://h:/x@y",
        "https://h/u:hunter2@y",
        "https://u:hun/ter 2@h",
        "https://u:hun/ter2=@h",
        "https://u:hun/ter2&@h",
        "https://u:hun/\"ter2@h",
        &format!("https://u:hun/{}@h", "x".repeat(63)),
    ] {
        assert_eq!(found(url), [""; 0], "{url}");
    }
    let near = format!("https://u:hun/{}7@h", "xy".repeat(30));
    assert_eq!(found(&near).len(), 1, "within {MAX_TAIL} bytes");
}

#[test]
fn an_authority_ends_before_what_cannot_stand_in_it() {
    for (url, authority) in [
        ("u:p/w@h/x", "u:p/w@h"),
        ("u:p?w@host?x", "u:p?w@host"),
        ("u:p#w@host", "u:p#w@host"),
        ("u:p/w@/x", "u:p/w@"),
        ("u:8080/w@h", "u:8080"),
        ("u/w@h", "u"),
    ] {
        assert_eq!(super::authority(url, false), authority, "{url}");
    }
    for url in [
        "https://h u:hunter2@x",
        "https://h\nu:hunter2@x",
        "https://h\"u:hunter2@x",
        "https://h`u:hunter2@x",
        "https://h'u:hunter2@x",
        "https://h|u:hunter2@x",
        "https://h\\nu:hunter2@x",
        "https://h\\\"u:hunter2@x",
        "https://h\\/u:hunter2@x",
        "https://u:hunter2 @x",
        "x%3A%2F%2Fh%2Fu:hunter2%40x",
        "x%3A%2F%2Fh%3Fu:hunter2%40x",
        "x%3A%2F%2Fh%22u:hunter2%40x",
        "x%3A%2F%2Fh%23u:hunter2%40x",
        "x%3A%2F%2Fh%20u:hunter2%40x",
        "x%3A%2F%2Fh%26u:hunter2%40x",
        "https://example.com/x",
    ] {
        assert_eq!(found(url), [""; 0], "{url}");
    }
    for (mark, rest) in
        [('"', "a@b"), ('`', "a@b"), ('<', "a@b"), ('\'', "a@b"), ('>', "a@b"), ('|', "a@b"), ('^', "a@b")]
    {
        let url = format!("https://u:hunter2@h{mark}{rest}");
        assert_eq!(found(&url), ["url-password hunter2?"], "{url}");
    }
    for mark in ['/', '?', '#'] {
        let url = format!("https://u:hunter2@h{mark}a@b");
        assert_eq!(found(&url), ["url-password hunter2?"], "{url}");
    }
    for no_host in ["https://u:hunter2@ x", "https://u:hunter2@,x", "https://u:hunter2@)x", "https://u:hunter2@=x"] {
        let told = found(no_host);
        assert_eq!(told.is_empty(), no_host != "https://u:hunter2@ x", "{no_host} {told:?}");
    }
}

#[test]
fn what_only_stands_for_a_password_is_none() {
    for password in [
        "",
        "password",
        "PASSWORD",
        "pass",
        "PASS",
        "pw",
        "secret",
        "token",
        "xxx",
        "...",
        "x-oauth-basic",
        "$PASSWORD",
        "${PW}",
        "{{pw}}",
        "<pw>",
        "%(pw)s",
        "{pw}",
        "***",
        "*",
        "xX*.",
        "Passwd",
        "YourPassword",
        "mypassword",
        "pwd",
        "[REDACTED]",
        "[REDACTED:password]",
        "[REDACTED:github-token:0123abcd]abc",
        "ab",
    ] {
        let url = format!("https://u:{password}@example.com");
        assert_eq!(found(&url), [""; 0], "{url}");
    }
    for password in ["abc", "xxy", "{pw7", "%pw7", "x*y!", "[REDACTED:github-token:0123abcd]abcd7"] {
        let url = format!("https://u:{password}@example.com");
        assert_eq!(found(&url).len(), 1, "{url}");
    }
}

#[test]
fn a_user_may_be_a_token() {
    for (url, told) in [
        (format!("https://{TOKEN}@h"), vec![format!("url-token {TOKEN}")]),
        (format!("https://{TOKEN}:@h"), vec![format!("url-token {TOKEN}")]),
        (format!("https://{TOKEN}:x-oauth-basic@h"), vec![format!("url-token {TOKEN}")]),
        (format!("https://{TOKEN}:hunter2@h"), vec!["url-password hunter2?".to_owned(), format!("url-token {TOKEN}")]),
        ("https://0a1b2c3d4e5f60718293@h".to_owned(), vec!["url-token 0a1b2c3d4e5f60718293".to_owned()]),
        (
            "https://6f9619ff-8b86-d011-b42d-00cf4fc964ff@h".to_owned(),
            vec!["url-token 6f9619ff-8b86-d011-b42d-00cf4fc964ff".to_owned()],
        ),
        ("https://git@h".to_owned(), vec![]),
        (format!("https://${TOKEN}@h"), vec![]),
        ("https://service-account-2024-08@h".to_owned(), vec![]),
        ("https://[REDACTED]@h".to_owned(), vec![]),
    ] {
        assert_eq!(found(&url), told, "{url}");
    }
}

#[test]
fn a_marker_in_the_place_of_a_user_stays() {
    let text = "https://[REDACTED:github-token:0123abcd]@example.com";
    assert_eq!(crate::redact::finder::Finder::default().find(text), []);
}

#[test]
fn oracle_writes_its_password_behind_a_slash() {
    let found = |text: &str| {
        let mut told = Vec::new();
        oracle(text, text.find(':').unwrap() + 1, &mut |span, rule, guessable| {
            assert!(guessable && rule == "url-password");
            told.push(text[span].to_owned());
        });
        told
    };
    assert_eq!(found("thin:app/hunter2@h:1521/x"), ["hunter2"]);
    assert_eq!(found("thin:app/hunt@er2@h"), ["hunt@er2"]);
    for none in [
        "thin:@h:1521",
        "thin:app@h",
        "thin:app/$PW@h",
        "thin:app /hunter2@h",
        "thin:app\"/hunter2@h",
        "thin:app'/hunter2@h",
        "thin:app`/hunter2@h",
        "thin:app</hunter2@h",
        "thin:app>/hunter2@h",
    ] {
        assert_eq!(found(none), [""; 0], "{none}");
    }
}
