//! Secrets by their place, and their neighbours that stay.

use super::*;

/// What is told of a text by everything that looks around its first anchor; a `?` behind what can be guessed.
fn found(text: &str) -> Vec<String> {
    let lower = text.to_ascii_lowercase();
    let place = |anchor: &&&str| lower.find(&anchor.to_ascii_lowercase());
    let anchor = ANCHORS.iter().filter(|anchor| place(anchor).is_some()).min_by_key(place).unwrap();
    let mut told = Vec::new();
    at(text, place(&anchor).unwrap(), anchor, &mut |span, rule, guessable| {
        told.push(format!("{rule} {}{}", &text[span], if guessable { "?" } else { "" }));
    });
    told
}

#[test]
fn every_value_of_a_kubernetes_secret_is_one() {
    let text = "\
kind: Pod
data:
  token: bm90IGEgc2VjcmV0Cg==
---
apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations:
    key: bm90IGEgc2VjcmV0Cg==
stringData:
  # password: aHVudGVyMg==
  password: hunter2
  api-key: \"FAKE0qX7rT2vB9mZkD4wL8sG\"
  url: {{ .Values.url }}
  token: $TOKEN
  secret: <secret>
  pin: abc
  empty:
  auth: |
    QUJDREVGR0hJSktMTU5PUA==
data:
  tls.crt: aHVudGVyMg==
  name: app
type: Opaque
other: aHVudGVyMg==
---
kind: Pod
data:
  token: bm90IGEgc2VjcmV0Cg==
";
    assert_eq!(
        found(text),
        [
            "kubernetes-secret hunter2?",
            "kubernetes-secret FAKE0qX7rT2vB9mZkD4wL8sG",
            "kubernetes-secret QUJDREVGR0hJSktMTU5PUA==",
            "kubernetes-secret aHVudGVyMg==?",
        ]
        .map(str::to_owned)
    );
    assert_eq!(found("data:\n  password: [REDACTED:password]\nkind: Secret\n"), [""; 0]);
}

#[test]
fn what_is_said_about_the_values_of_a_kubernetes_secret_stays() {
    let text = "\
kind: Secret
data:
  password: hunter2
  annotations:
    token: bm90IGEgc2VjcmV0Cg==

    secret: not7one
  pin: tr0ub4dor
  metadata:
    key: bm90IGEgc2VjcmV0Cg==
";
    assert_eq!(found(text), ["kubernetes-secret hunter2?", "kubernetes-secret tr0ub4dor?"]);
}

#[test]
fn what_is_encoded_has_the_length_and_the_letters_of_base64() {
    for value in ["aHVudGVy", "aHVudGVyMg==", "ABCDEFGH", "ab+/EFGH"] {
        assert!(looks_encoded(value), "{value}");
    }
    for value in ["aHVu", "aHVudGVyM", "abcdefgh", "abcd1234", "aHVu-GVy", ""] {
        assert!(!looks_encoded(value), "{value}");
    }
}

#[test]
fn every_value_of_a_kubernetes_secret_in_json_is_one() {
    let text = r#"{"kind":"Secret","metadata":{"name":"db-7x"},"data":{"a":"aHVudGVyMg==","b":"abc","c":"$X7abc","d":"<x7abc>","e":"[REDACTED:x]","f":"FAKE0qX7rT2vB9mZkD4wL8sG"},"stringData":{"g":"hunter2"}}"#;
    assert_eq!(
        found(text),
        ["kubernetes-secret aHVudGVyMg==?", "kubernetes-secret FAKE0qX7rT2vB9mZkD4wL8sG", "kubernetes-secret hunter2?"]
    );
    assert_eq!(found(r#"{"data": {"a": "hunter2x"}, "kind": "Secret"}"#), ["kubernetes-secret hunter2x?"]);
    assert_eq!(
        found(r#"{"kind":"Secret","metadata":{"x":[{"kind":"y"}]},"data":{"a":"hunter2x"}}"#),
        ["kubernetes-secret hunter2x?"]
    );
    assert_eq!(
        found(r#"{"kind":"Secret","data":{"a":"hunter2x","b":"tr0ub4"#),
        ["kubernetes-secret hunter2x?", "kubernetes-secret tr0ub4?"],
        "cut"
    );
    assert_eq!(found(r#"[{"kind":"Secret"},{"data":{"a":"hunter2x"},"kind":"ConfigMap"}]"#), [""; 0], "of a neighbour");
    assert_eq!(found(r#"[{"data":{"a":"hunter2x"}},{"kind":"Secret"}]"#), [""; 0], "of a neighbour");
    assert_eq!(found(r#"{"data": "x", "b": {"a": "hunter2x"}, "kind": "Secret"}"#), [""; 0], "not an object");
}

#[test]
fn every_secret_of_a_list_is_read() {
    let secrets = |text: &str| -> Vec<String> {
        crate::redact::finder::Finder::default()
            .find(text)
            .iter()
            .map(|found| text[found.span.clone()].to_owned())
            .collect()
    };
    let json =
        r#"{"items":[{"data":{"a":"aHVudGVyMg=="},"kind":"Secret"},{"data":{"b":"dHIwdWI0ZG9y"},"kind":"Secret"}]}"#;
    assert_eq!(secrets(json), ["aHVudGVyMg==", "dHIwdWI0ZG9y"]);
    let json =
        r#"{"items":[{"kind":"Secret","data":{"a":"aHVudGVyMg=="}},{"kind":"Secret","data":{"b":"dHIwdWI0ZG9y"}}]}"#;
    assert_eq!(secrets(json), ["aHVudGVyMg==", "dHIwdWI0ZG9y"]);
    let yaml = "kind: Secret\ndata:\n  a: aHVudGVyMg==\n---\nkind: Secret\ndata:\n  b: dHIwdWI0ZG9y\n";
    assert_eq!(secrets(yaml), ["aHVudGVyMg==", "dHIwdWI0ZG9y"]);
    // A list of them in one document, longer than what is read around one.
    let item =
        |value: &str| format!("- apiVersion: v1\n  data:\n    a: {value}\n  kind: Secret\n  x: {}\n", "y ".repeat(500));
    let yaml = format!("items:\n{}{}{}", item("aHVudGVyMg=="), item("-").repeat(90), item("dHIwdWI0ZG9y"));
    assert_eq!(secrets(&yaml), ["aHVudGVyMg==", "dHIwdWI0ZG9y"]);
}

#[test]
fn a_document_that_says_its_kind_often_is_read_a_few_times() {
    let kind = "kind: Secret\n";
    let text = kind.repeat(20_000);
    let (mut on, mut read) = (0, 0);
    for start in (0..text.len()).step_by(kind.len()) {
        if start >= on {
            on = at(&text, start, "kind: Secret", &mut |_, _, _| ());
            read += 1;
        }
    }
    assert!(read <= text.len() / (MAX_BLOCK / 4) + 1, "{read}");
}

#[test]
fn the_members_of_an_object_are_its_own() {
    let kind = "\"kind\":\"Secret\"";
    let members = |text: &str| super::members(text.as_bytes(), text.rfind(kind).unwrap(), kind.len()).len();
    for (text, own) in [
        ("{\"data\":{},K}", 1),
        ("{K,\"data\":{}}", 1),
        ("{\"data\":{},K,\"stringData\":{}}", 2),
        ("{\"data\":{}},{K}", 0),
        ("{K},{\"data\":{}}", 0),
        ("{K,\"x\":{\"data\":{}}}", 0),
        ("{K,\"x\":{\"kind\":1},\"data\":{}}", 1),
        ("K K,\"data\":", 1),
        ("\"data\": K K", 0),
    ] {
        assert_eq!(members(&text.replace('K', kind)), own, "{text}");
    }
    let deep = |depth: usize| format!("{{{kind},\"x\":{}{},\"data\":", "{".repeat(depth), "}".repeat(depth));
    assert_eq!((members(&deep(8)), members(&deep(9))), (1, 0), "as deep as is read");
}

#[test]
fn a_row_is_read_by_the_names_of_its_columns() {
    for (text, told) in [
        ("INSERT INTO u (name, password) VALUES ('bob', 'hunter2x');", &["password hunter2x?"][..]),
        (
            "insert into u (password, name) values ('hunter2x', 'bob'), (N'tr0ub4dor', 'eve')",
            &["password hunter2x?", "password tr0ub4dor?"],
        ),
        (
            "INSERT INTO u (\"id\", [token]) VALUES\n(1, \"FAKE0qX7rT2vB9mZkD4wL8sG\")",
            &["secret FAKE0qX7rT2vB9mZkD4wL8sG"],
        ),
        ("INSERT INTO u (a, password) VALUES ('x, (y)', 'hunter2x')", &["password hunter2x?"]),
        ("INSERT INTO u (password) VALUES ('hunter2x", &["password hunter2x?"]),
        ("INSERT INTO u (name, `key`) VALUES ('bob', 'hunter2x')", &[]),
        ("INSERT INTO u (password) VALUES (NULL), (1) ON x ('hunter2x')", &[]),
        ("INSERT INTO u SELECT VALUES ('hunter2x')", &[]),
        ("INSERT INTO u (password) VALUES x ('hunter2x')", &[]),
    ] {
        assert_eq!(found(text), told, "{text}");
    }
}

#[test]
fn a_line_of_pgpass_ends_with_its_password() {
    for line in [
        "db.example.com:5432:app:bob:hunter2",
        "db:5433:*:bob:hunter2",
        "db:6432:app:bob:hunter2",
        "db:*:app:bob:hunter2",
        "'db:5432:app:bob:hunter2'",
        "echo \"db:5432:app:bob:hunter2\"",
        "x\\ndb:5432:app:bob:hunter2\\n",
    ] {
        assert_eq!(found(line), ["pgpass hunter2?"], "{line}");
    }
    assert_eq!(found("db:5432:app:bob:hun:ter2"), ["pgpass hun:ter2?"]);
    for line in [
        ":5432:app:bob:hunter2",
        "//db:5432:app:bob:hunter2",
        "u@db:5432:app:bob:hunter2",
        "a=db:5432:app:bob:hunter2",
        "a:db:5432:app:bob:hunter2",
        "(db:5432:app:bob:hunter2",
        "[db:5432:app:bob:hunter2",
        "db:5432::bob:hunter2",
        "db:5432:app::hunter2",
        "db:5432:app:hunter2",
        "db:5432:app:bob:hu",
        "db:5432:app:bob:$PW7",
        "db:5432:app:bob:<pw>",
        "db:5432:app:bob:***",
        "db:5432:app:bob:[REDACTED:pgpass]",
    ] {
        assert_eq!(found(line), [""; 0], "{line}");
    }
}

#[test]
fn a_column_is_read_by_its_header() {
    let found = |text: &str| {
        let mut told = Vec::new();
        let word =
            ["secret", "Secret", "password", "token"].into_iter().filter_map(|word| text.find(word)).min().unwrap();
        column(text, word, &mut |span, rule, guessable| {
            told.push(format!("{rule} {}{}", &text[span], if guessable { "?" } else { "" }));
        });
        told
    };
    for (text, told) in [
        ("user,password\nbob,hunter2x\neve,tr0ub4dor\n", &["password hunter2x?", "password tr0ub4dor?"][..]),
        ("user;password\nbob;hunter2x", &["password hunter2x?"]),
        ("password\tuser\nhunter2x\tbob", &["password hunter2x?"]),
        ("x\nuser,password\nbob,\"hunter2x\"\n", &["password hunter2x?"]),
        (
            "printf 'User name,Secret access key\\nbob,FAKE0qX7rT2vB9mZkD4wL8sG\\n'",
            &["secret FAKE0qX7rT2vB9mZkD4wL8sG"],
        ),
        ("user,password\nbob,hunter2x\nprose\neve,tr0ub4dor", &["password hunter2x?"]),
        ("user,password", &[]),
        ("user password\nbob hunter2x", &[]),
        (",password\n,hunter2x", &[]),
        ("--user,password\nbob,hunter2x", &[]),
        ("a(b),password\nbob,hunter2x", &[]),
        ("one two three four five,password\nbob,hunter2x", &[]),
        ("user,password\nbob,two words7\n", &[]),
        ("user,password,x\nbob,hunter2x\n", &[]),
    ] {
        assert_eq!(found(text), told, "{text}");
    }
    let wide = format!("{}password\n{}hunter2x", "a,".repeat(63), "1,".repeat(63));
    assert_eq!(found(&wide), ["password hunter2x?"], "64 columns");
    let wider = format!("{}password\n{}hunter2x", "a,".repeat(64), "1,".repeat(64));
    assert_eq!(found(&wider), [""; 0]);
}

#[test]
fn what_a_user_is_identified_by_is_a_password() {
    for (text, told) in [
        ("CREATE USER bob IDENTIFIED BY 'hunter2';", "password hunter2?"),
        ("IDENTIFIED BY PASSWORD 'hunter2'", "password hunter2?"),
        ("IDENTIFIED BY VALUES 'hunter2'", "password hunter2?"),
        ("IDENTIFIED BY \"hunter2\"", "password hunter2?"),
        ("IDENTIFIED BY hunter22;", "password hunter22?"),
        ("IDENTIFIED BY hunter22)", "password hunter22?"),
        ("IDENTIFIED WITH caching_sha2_password BY 'hunter2'", "password hunter2?"),
        ("CREATE ROLE bob WITH PASSWORD 'hunter2'", "password hunter2?"),
        ("snmp-server community hunter22 RO", "password hunter22?"),
        ("crypto isakmp key hunter22 address 10.0.0.1", "password hunter22?"),
        ("bob : EAP \"hunter2\"", "password hunter2?"),
        ("bob : XAUTH \"hunter2\"", "password hunter2?"),
    ] {
        assert_eq!(found(text), [told], "{text}");
    }
    for text in ["IDENTIFIED BY `start7x`", "IDENTIFIED BY words in a sentence", "IDENTIFIED BY '$PASSWORD'"] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}

#[test]
fn a_secret_is_found_by_its_place_in_a_larger_thing() {
    let secret = ["Fake", "Passw0rd", "97"].concat();
    let key = ["FAKE0qX7", "rT2vB9mZ", "kD4wL8sG", "hJ6yN3pC"].concat();
    for text in [
        "Content-Disposition: form-data; name=\"password\"\r\n\r\n{P}\r\n--x--",
        "form-data; name=\"api_key\"\nContent-Type: text/plain\n\n{K}\n--x",
        "'form-data; name=\"password\"\\r\\n\\r\\n{P}\\r\\n--x'",
        "{\"kty\":\"oct\",\"k\":\"{K}\"}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"{K}\"}]}",
        "{\"d\": \"{K}\", \"kty\": \"EC\", \"crv\": \"P-256\", \"x\": \"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
        "{\"type\":\"random_password\",\"instances\":[{\"attributes\":{\"result\":\"{P}\"}}]}",
        "{\"CiphertextBlob\": \"AQID\", \"Plaintext\": \"{K}\"}",
        "{\"Name\":\"/prod/db\",\"Type\":\"SecureString\",\"Value\":\"{P}\"}",
        "-[ RECORD 1 ]---\nid | 1\npassword | {P}\n",
        "role_id      staging\nsecret_id    {K}\n",
    ] {
        let text = text.replace("{P}", &secret).replace("{K}", &key);
        let places: Vec<&str> = crate::redact::finder::Finder::default()
            .find(&text)
            .iter()
            .map(|found| &text[found.span.clone()])
            .collect();
        assert_eq!(places, [if text.contains(&key) { &key } else { &secret }], "{text}");
    }
}

#[test]
fn what_is_no_secret_there_stays() {
    for text in [
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhunter2024x\r\n--x--",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
        "{\"Name\":\"/prod/stage\",\"Type\":\"String\",\"Value\":\"production2\"}",
        "cat password | sha256sum",
        "token    | description of it",
    ] {
        assert_eq!(crate::redact::finder::Finder::default().find(text), [], "{text}");
    }
}

#[test]
fn a_row_is_told_by_the_names_of_its_columns() {
    for (text, told) in [
        ("INSERT INTO t (a, password) VALUES (1, 'Hunter99x')", vec!["Hunter99x"]),
        ("INSERT INTO t (`a`, `password`) VALUES (1, 'Hunter99x'), (2, 'Winter88y')", vec!["Hunter99x", "Winter88y"]),
        ("INSERT INTO t ([a], \"password\") VALUES ('x,y)', 'Hunter99x');", vec!["Hunter99x"]),
        ("INSERT INTO t (a, key) VALUES (1, 'Hunter99x')", vec![]),
        ("INSERT INTO t (a, key) VALUES (1, 'qX7rT2vB9mZkD4wL8sGhJ6yN3pCf5RtW')", vec![]),
        ("INSERT INTO t (token) VALUES ('qX7rT2vB9mZkD4wL')", vec!["qX7rT2vB9mZkD4wL"]),
        ("INSERT INTO t (a, b) VALUES (1, 'Hunter99x')", vec![]),
        ("INSERT INTO t (key, password) VALUES ('Summer77z', 'Hunter99x')", vec!["Hunter99x"]),
        ("INSERT INTO t (password, a) VALUES ('Hunter99x', 1) x (2, 'Winter88y')", vec!["Hunter99x"]),
    ] {
        let told: Vec<_> = told.into_iter().map(str::to_owned).collect();
        let found: Vec<_> = found(text)
            .iter()
            .map(|found| found.rsplit(' ').next().unwrap().trim_end_matches('?').to_owned())
            .collect();
        assert_eq!(found, told, "{text}");
    }
}

#[test]
fn a_column_is_told_by_its_name() {
    let below = |text: &str| {
        let mut told = Vec::new();
        column(text, text.find("password").unwrap(), &mut |span, _, _| told.push(text[span].to_owned()));
        told
    };
    for (text, told) in [
        ("a,password\n1,Hunter99x\n2,Winter88y\n", vec!["Hunter99x", "Winter88y"]),
        ("a;password\n1;\"Hunter99x\"\n", vec!["Hunter99x"]),
        ("a\tpassword\n1\tHunter99x\n", vec!["Hunter99x"]),
        ("printf 'a,password\\n1,Hunter99x\\n'\n", vec!["Hunter99x"]),
        ("'a,password\\n1,Hunter99x\\n'", vec!["Hunter99x"]),
        ("a,password\nx\\n1,Hunter99x\n", vec!["Hunter99x"]),
        ("x\na,password\n1, Hunter99x\n", vec!["Hunter99x"]),
        ("a,password\n1,Hunter99x,3\n2,Winter88y\n", vec![]),
        ("a,password\n1,Hunter99x y\n", vec![]),
        ("password\nHunter99x\n", vec![]),
        (",password\n1,Hunter99x\n", vec![]),
        ("-a,password\n1,Hunter99x\n", vec![]),
        ("a=,password\n1,Hunter99x\n", vec![]),
        ("a b c d,password\n1,Hunter99x\n", vec!["Hunter99x"]),
        ("a b c d e,password\n1,Hunter99x\n", vec![]),
        ("a,password", vec![]),
    ] {
        assert_eq!(below(text), told, "{text}");
    }
    let lines = |count: usize| format!("a,password\n{}1,Hunter99x\n", "1,x\n".repeat(count));
    assert_eq!(below(&lines(63)), ["Hunter99x"]);
    assert_eq!(below(&lines(64)), [""; 0]);
    let columns = |count: usize| format!("{}password\n{}Hunter99x\n", "a,".repeat(count), "1,".repeat(count));
    assert_eq!(below(&columns(63)), ["Hunter99x"]);
    assert_eq!(below(&columns(64)), [""; 0]);
    let name = |length: usize| format!("{},password\n1,Hunter99x\n", "a".repeat(length));
    assert_eq!(below(&name(64)), ["Hunter99x"]);
    assert_eq!(below(&name(65)), [""; 0]);
}
