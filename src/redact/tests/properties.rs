//! What holds of every text: the same seeds each time, so that a failure is one of the change that is tested.

use proptest::test_runner::{Config, RngSeed};

use super::planting::{BARE, Planted, QUOTED, nested, planted, token};
use super::*;

fn cases(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(0x0cc0_b5e7), failure_persistence: None, ..Config::default() }
}

/// A text of pieces that are hard to read together.
fn mixture() -> impl Strategy<Value = String> {
    let seed = || any::<u64>();
    let piece = prop_oneof![
        4 => (seed(), 0..4_usize).prop_map(|(seed, depth)| planted(seed, depth).text),
        2 => any::<String>(),
        1 => seed().prop_map(|seed| format!("[REDACTED:github-token:{:08x}]", seed >> 32)),
        1 => (seed(), 0..60_usize).prop_map(|(seed, end)| {
            let text = planted(seed, 2).text;
            text.chars().take(text.chars().count() * end / 60).collect()
        }),
        1 => prop::sample::select(vec![
            "[REDACTED:", "[REDACTED:password", "\\", "\\\\\"", "\"", "'", "`", "$(", "<<EOF\n", "${X:-", "{\"a\":\"", "\u{1b}[0m",
            "password=", "--token ", "-----BEGIN RSA PRIVATE KEY-----\n", "https://", "@", "%22", "\u{feff}", "\0", "Bearer ", "curl -u ",
        ])
        .prop_map(str::to_owned),
        1 => seed().prop_map(token),
    ];
    let glue = prop::sample::select(vec!["", " ", "\n", ";", "\t", ":", "=", "\"", " | "]);
    prop::collection::vec((piece, glue), 0..6)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, glue)| [piece, glue.to_owned()]).collect())
}

/// A value of JSON with secrets among its texts.
fn document() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        2 => mixture().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<Option<bool>>().prop_map(Value::from),
        1 => any::<u64>().prop_map(|seed| Value::from(token(seed))),
    ];
    let key =
        prop::sample::select(vec!["command", "password", "api_key", "name", "value", "", "token", "data", "kind"]);
    leaf.prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..4)
                .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

/// What must hold of any text that was redacted.
fn check(text: &str) -> Result<(), TestCaseError> {
    let redactor = Redactor::of_tests();
    let (once, masked) = redactor.text(text);
    let mut at = 0;
    let mut told = String::new();
    for Masked { span, rule, tag } in &masked {
        prop_assert!(at <= span.start && span.start < span.end, "{masked:?} are in their order and apart");
        prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?}");
        told += &text[at..span.start];
        let mut marker = String::new();
        marker::write(&mut marker, rule, *tag);
        prop_assert!(!marker.contains(['"', '\'', '\\']) && !marker.contains(char::is_control), "{marker}");
        // A number of JSON becomes a string.
        let number = text[span.clone()].bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let behind = once.get(told.len()..).unwrap_or_default();
        let quote = behind.split('[').next().unwrap_or_default();
        let quote = if number && quote.ends_with('"') { quote } else { "" };
        told.extend([quote, &marker, quote]);
        at = span.end;
    }
    told += &text[at..];
    prop_assert_eq!(&told, &once, "what was not masked stays");
    let (twice, _) = redactor.text(&once);
    prop_assert_eq!(&once, &twice, "once is enough");
    if text.trim_start().starts_with(['{', '[', '"']) && serde_json::from_str::<serde_json::Value>(text).is_ok() {
        prop_assert!(serde_json::from_str::<serde_json::Value>(&once).is_ok(), "no JSON any more: {}", once);
    }
    Ok(())
}

/// What is told of a secret that was planted, where, and in what.
fn leak(planted: &Planted) -> Option<(&'static str, String, String)> {
    let redactor = Redactor::of_tests();
    let (told, _) = redactor.text(&planted.text);
    Some((planted.way, planted.told(&told)?, planted.text.clone()))
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_is_redacted_is_changed_only_where_something_was_found_and_only_once(text in mixture()) {
        check(&text)?;
    }

    #[test]
    fn any_text_is_redacted_without_a_panic(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        check(&text)?;
        check(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn json_stays_json(value in document(), depth in 0..3_usize) {
        check(&nested(&value.to_string(), depth))?;
        check(&serde_json::to_string_pretty(&value).unwrap())?;
    }

    #[test]
    fn no_planted_secret_is_told(seed in any::<u64>(), depth in 0..4_usize) {
        prop_assert_eq!(leak(&planted(seed, depth)), None);
    }

    #[test]
    fn a_batch_with_secrets_anywhere_keeps_its_shape(
        values in prop::collection::vec((any::<u64>(), 0..3_usize, mixture()), 1..4),
        level in prop::sample::select(&LEVELS[..]),
    ) {
        let ids = || vec![text("prompt.id", "57f101bd-7ec1-429a-80dc-2b2b68d0038a"), text("request_id", "req_011C9d5fedcc9fd74da6a76b")];
        let planted: Vec<_> = values.iter().map(|(seed, depth, _)| planted(*seed, *depth)).collect();
        let records = values.iter().zip(&planted).map(|((.., mixture), planted)| {
            [ids(), vec![text("tool_input", &planted.text), text("error", mixture), text("response", &planted.text)]].concat()
        });
        let resource = vec![text("service.name", "claude-code"), text("deployment.token", &planted[0].values[1])];
        let batch = logs(EVENTS, resource, records.collect());
        let outcome = at(level, batch.clone());
        prop_assert_eq!(skeleton(outcome.batch.get()), skeleton(&batch));
        let sent = Redactor::of_tests().again(Signal::Logs, &encode(outcome.batch.get()), &Policy::of(level)).unwrap();
        prop_assert!(sent == outcome.batch, "once is enough");
        let told = format!("{:?}", outcome.batch);
        for planted in planted {
            prop_assert_eq!(planted.told(&told), None, "{}", planted.way);
        }
    }
}

#[test]
fn a_secret_in_each_place_is_masked_at_each_depth_of_json() {
    let mut leaks = Vec::new();
    for depth in 0..4 {
        for (seed, (way, write)) in (0_u64..).zip(BARE.iter().chain(QUOTED)) {
            let secret = if BARE.iter().any(|(bare, _)| bare == way) { token(seed) } else { planting::password(seed) };
            let text = nested(&write(&secret), depth);
            leaks.extend(leak(&Planted { way, text, values: [planting::percent(&secret), secret] }));
        }
    }
    assert_eq!(leaks, []);
}

#[test]
fn a_number_in_json_makes_room_for_a_string() {
    let redactor = Redactor::of_tests();
    for (text, told) in [
        (r#"{"password": 48291377}"#, r#"{"password": "[REDACTED:password]"}"#),
        (r#"[{"password": 48291377}, "x"]"#, r#"[{"password": "[REDACTED:password]"}, "x"]"#),
        (r#"{"password":[48291377],"token":{"a":48291377}}"#, r#"{"password":[48291377],"token":{"a":48291377}}"#),
        (r#"{"a":{"password":-4829.1e3},"b":[1]}"#, r#"{"a":{"password":"[REDACTED:password]"},"b":[1]}"#),
        (r#"{"command":"{\"password\":48291377}"}"#, r#"{"command":"{\"password\":\"[REDACTED:password]\"}"}"#),
        ("PASSWORD=48291377", "PASSWORD=[REDACTED:password]"),
        ("password: 48291377", "password: [REDACTED:password]"),
    ] {
        assert_eq!(redactor.text(text).0, told);
    }
}

#[test]
fn what_only_begins_like_a_marker_hides_nothing_and_ends() {
    let redactor = Redactor::of_tests();
    for begin in ["[REDACTED:", "[REDACTED:[REDACTED:", "[REDACTED:password][REDACTED:"] {
        let text = format!("password={begin}{}", "FAKEhunter2Horse");
        assert!(!redactor.text(&text).0.contains("FAKE"), "{text}");
    }
    for text in ["password=[REDACTED:".to_owned(), format!("password={}", "[REDACTED:".repeat(10_000))] {
        check(&text).unwrap();
    }
}

#[test]
fn a_number_that_an_own_rule_finds_in_a_list_makes_room_for_a_string() {
    let rule = OwnRule { id: "badge".into(), pattern: "4829[0-9]{8}".into(), ..OwnRule::default() };
    let custom = Custom::new(OwnRules { rules: vec![rule], ..OwnRules::default() }).unwrap();
    let redactor = Redactor::of_tests().with(custom);
    for (text, told) in [
        ("[1, 482913770512]", r#"[1, "<badge>"]"#),
        (r#"["a",482913770512,"b"]"#, r#"["a","<badge>","b"]"#),
        (r#"["a,482913770512","b"]"#, r#"["a,<badge>","b"]"#),
        ("a = [482913770512]", "a = [<badge>]"),
    ] {
        let (redacted, masked) = redactor.text(text);
        let mut marker = String::new();
        marker::write(&mut marker, &masked[0].rule, masked[0].tag);
        assert_eq!(redacted.replace(&marker, "<badge>"), told);
    }
}
