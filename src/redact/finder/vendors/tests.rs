//! What the table of services promises, and what must not be taken for a key.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::redact::finder::token;

const HEX_32: &str = "0fa4e1fa4e20fa4e1fa4e2d0fa4e1f6b";
const HEX_40: &str = "0fa4e1fa4e20fa4e1fa4e2d0fa4e1f6b0fa4e1fa";
const MIXED_32: &str = "FAKE0fake1FAKE2fake3FAKE4fake5FA";

static ALL: LazyLock<Vendors> = LazyLock::new(|| Vendors::new().unwrap());

/// What is masked behind any name in a text.
fn masked(text: &str) -> Vec<(&'static str, &str)> {
    let lower = text.to_ascii_lowercase();
    let words = ALL.words();
    let found = words.flat_map(|word| lower.match_indices(word).map(|(at, word)| (at, word.len())).collect::<Vec<_>>());
    let mut found: Vec<_> =
        found.filter_map(|(at, length)| ALL.at(text, at, length)).map(|(span, id)| (id, &text[span])).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn every_service_is_well_formed() {
    let mut ids: BTreeSet<_> = token::all().map(|(rule, _)| rule.id).collect();
    for vendor in all() {
        let id = vendor.id;
        assert!(ids.insert(id), "{id} stands twice");
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{id}");
        assert!(vendor.source.starts_with("https://"), "{id} has no source");
        assert!(!vendor.words.is_empty(), "{id}");
        for word in vendor.words {
            assert!(word.len() >= 3 && *word == word.to_ascii_lowercase(), "{id}: {word}");
        }
        let shape = Shape::read(vendor.value).unwrap();
        assert!(shape.longest().is_some_and(|longest| longest <= 512), "{id} is open");
    }
    let words: Vec<_> = ALL.words().collect();
    assert_eq!(words.len(), words.iter().collect::<BTreeSet<_>>().len());
}

#[test]
fn the_key_of_every_service_is_masked_behind_each_of_its_names() {
    let mut number = 7_u64;
    let mut choose = |below: usize| {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(number >> 33).unwrap() % below.max(1)
    };
    let mut wrong = Vec::new();
    for vendor in all() {
        let shape = Shape::read(vendor.value).unwrap();
        for word in vendor.words {
            // What looks random without being so is none.
            let mut keys = (0..50).map(|_| shape.example(&mut choose)).filter(|key| !key.contains(['%', '\\']));
            let key = keys.find(|key| is_key(key, || true)).expect(word);
            let upper = word.to_ascii_uppercase();
            for text in [
                format!("export {upper}_API_KEY={key}"),
                format!("{{\"{word}Token\": \"{key}\"}}"),
                format!("{word} secret key: {key}\n"),
            ] {
                if !masked(&text).iter().any(|(_, secret)| *secret == key) {
                    wrong.push(format!("{} is not masked in {text}: {:?}", vendor.id, masked(&text)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_key_is_found_however_it_is_assigned() {
    for (before, behind) in [
        ("DATADOG_API_KEY=", ""),
        ("datadogApiKey: \"", "\","),
        ("\\\"datadog_api_key\\\": \\\"", "\\\""),
        ("datadogapikey=", ";"),
        ("myDatadogKey := '", "'"),
        ("datadog.api.key => ", " "),
        ("datadog key ", ""),
        ("the datadog api key is ", "."),
        ("set_datadog_key(\"", "\")"),
        ("datadog-api-key, ", ""),
        ("x\\nDATADOG_API_KEY=", "\\n"),
    ] {
        let text = format!("{before}{HEX_32}{behind}");
        assert_eq!(masked(&text), [("datadog-api-key", HEX_32)], "{text}");
    }
}

#[test]
fn what_ids_look_like_too_must_be_called_a_key() {
    for text in [
        format!("git checkout github {HEX_40}"),
        format!("GITHUB_SHA={HEX_40}"),
        format!("datadog build {HEX_32}"),
        format!("datadog: {HEX_32}"),
        format!("GITHUB_API_SHA={HEX_40}"),
        format!("datadog_api_key_id: {HEX_32}"),
        format!("github commit_hash={HEX_40}"),
        "heroku release 550e8400-e29b-41d4-a716-446655440000".to_owned(),
        format!("CIRCLE_SHA1={HEX_40}"),
        format!("sentry_trace_id: {HEX_32}{HEX_32}"),
        "monday surveymonkey_id 550e8400-e29b-41d4-a716-446655440000".to_owned(),
    ] {
        assert_eq!(masked(&text), [], "{text}");
    }
    assert_eq!(masked(&format!("mistral {MIXED_32}")), [("mistral-key", MIXED_32)]);
}

#[test]
fn what_is_called_a_key_of_a_service_may_have_any_form() {
    let key = "fake0123456789fake0123456789fake01234567";
    for before in ["datadogToken = \"", "DATADOG_SECRET: ", "datadog secret "] {
        assert_eq!(masked(&format!("{before}{key}")), [("datadog-api-key", key)], "{before}");
    }
    for text in [
        "datadog_token_id: fake0123456789fake0123456789fake01234567",
        "datadog_api: fake0123456789fake0123456789fake01234567",
        "datadog key: the-name-of-a-vault-in-europe-01",
        "DATADOG_TOKEN=SomeTokenOfSomebodyElseThatIsLong",
    ] {
        assert_eq!(masked(text), [], "{text}");
    }
}

#[test]
fn what_only_comes_near_is_no_key() {
    for text in [
        format!("datadog api key\n{HEX_32}"),
        format!("datadog api key\\n{HEX_32}"),
        format!("datadog_api_key={HEX_32}-0"),
        format!("datadog_api_key={HEX_32}.png"),
        format!("datadog_api_key={}", "0".repeat(32)),
        format!("datadog_api_key_of_somebody_else_who_is_not_here={HEX_32}"),
        format!("datadog key and then something else {HEX_32}"),
        format!("datadogs_key={HEX_32}"),
        format!("nodatadog_key={HEX_32}"),
        "https://raw.githubusercontent.com/o/r/key/0fa4e1fa4e20fa4e1fa4e2d0fa4e1f6b0fa4e1fa/f".to_owned(),
        "DATADOG_API_KEY=$DATADOG_API_KEY_OF_THE_TEAM_01".to_owned(),
    ] {
        assert_eq!(masked(&text), [], "{text}");
    }
}

#[test]
fn a_marker_is_neither_key_nor_token() {
    let matchers: Vec<_> = token::all().map(|(rule, form)| token::Matcher::new(rule, form).unwrap()).collect();
    let ids: BTreeSet<_> = matchers.iter().map(|matcher| matcher.rule().id).chain(all().iter().map(|v| v.id)).collect();
    for id in ids {
        let text = format!("export DATADOG_API_KEY=[REDACTED:{id}:0fa4e1f2] AWS_SECRET=\"[REDACTED:{id}]\"");
        assert_eq!(masked(&text), [], "{text}");
        for matcher in &matchers {
            for (at, _) in text.match_indices(matcher.anchor()) {
                assert_eq!(matcher.at(&text, at), None, "{}: {text}", matcher.rule().id);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_fail(text in "(datadog|_key|=|\\PC|[0-9a-f]{8}|\\n)*", at in 0..60_usize, length in 0..20_usize) {
        if let Some((span, _)) = ALL.at(&text, at, length) {
            prop_assert!(text.get(span).is_some());
        }
    }
}
