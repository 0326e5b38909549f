//! What the formats promise: their examples, their notation, their sources.

use std::collections::BTreeSet;

use proptest::prelude::*;
use regex::Regex;

use super::*;
use crate::redact::finder::notation::Shape;

/// A form that says no more than a test needs.
const PLAIN: Rule = Rule {
    id: "test",
    what: "a test",
    source: "https://example.com/",
    forms: &[],
    edge: Edge::Word,
    check: Check::None,
    hits: &[],
    misses: &[],
};
const FAKE: Form = form("fake_", "[A-Za-z0-9]{20,}");
const TOKEN: &str = "fake_FAKE0123456789fake01";

fn matchers() -> Vec<Matcher> {
    all().map(|(rule, form)| Matcher::new(rule, form).unwrap()).collect()
}

/// What a rule masks in a text, at whatever place.
fn masked<'t>(matchers: &[Matcher], text: &'t str) -> Vec<(&'static str, &'t str)> {
    let mut found = Vec::new();
    for matcher in matchers {
        for (at, _) in text.match_indices(matcher.anchor()) {
            found.extend(matcher.at(text, at).map(|span| (matcher.rule().id, &text[span])));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// What one rule masks.
fn by(rule: &'static Rule, text: &str) -> Vec<String> {
    let matchers: Vec<_> = rule.forms.iter().map(|form| Matcher::new(rule, form).unwrap()).collect();
    masked(&matchers, text).into_iter().map(|(_, secret)| secret.to_owned()).collect()
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    FIELDS.iter().flat_map(|field| field.iter())
}

fn fake(edge: Edge, check: Check, text: &str) -> Option<&str> {
    let rule: &'static Rule = Box::leak(Box::new(Rule { edge, check, ..PLAIN }));
    let matcher = Matcher::new(rule, &FAKE).unwrap();
    matcher.at(text, text.find("fake_")?).map(|span| &text[span])
}

#[test]
fn every_rule_masks_its_examples_and_nothing_that_only_comes_near() {
    let mut wrong = Vec::new();
    for rule in rules() {
        for hit in rule.hits {
            let keeps = rule.forms.iter().any(|form| form.after.contains(r"\K"));
            let text = hit.concat();
            let secret = if keeps { hit.last().unwrap().to_string() } else { text.clone() };
            for text in [text.clone(), format!("curl -H 'X: {text}' https://example.com")] {
                if !by(rule, &text).contains(&secret) {
                    wrong.push(format!("{} does not mask {secret} in {text}: {:?}", rule.id, by(rule, &text)));
                }
            }
        }
        for miss in rule.misses {
            let found = by(rule, &miss.concat());
            if !found.is_empty() {
                wrong.push(format!("{} masks {found:?} in {}", rule.id, miss.concat()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_is_well_formed() {
    let mut ids = BTreeSet::new();
    for rule in rules() {
        let id = rule.id;
        assert!(ids.insert(id), "{id} stands twice");
        assert!(id.starts_with(|c: char| c.is_ascii_lowercase()), "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{id}");
        assert!(!rule.what.is_empty() && !rule.what.ends_with('.'), "{id} says what it is in a phrase");
        let host = rule.source.strip_prefix("https://").unwrap_or_default();
        assert!(host.split('/').next().is_some_and(|host| host.contains('.')), "{id} has no source");
        assert!(rule.hits.len() >= 2 && !rule.misses.is_empty(), "{id} has too few examples");
        assert!(!rule.forms.is_empty(), "{id} has no form");
        for hit in rule.hits {
            assert!(hit.len() >= 2, "{id} has an example in one piece");
        }
    }
}

#[test]
fn every_form_can_be_searched_in_linear_time() {
    for (rule, form) in all() {
        let what = format!("{}: {form:?}", rule.id);
        assert!(form.anchor.len() >= 3 && form.anchor.is_ascii() || form.anchor == POINT, "{what} has a short anchor");
        let (before, after) = (Shape::read(form.before).unwrap(), Shape::read(form.after).unwrap());
        assert!(before.longest().is_some_and(|longest| longest <= 512), "{what} looks back too far");
        assert!(after.is_open_only_at_its_end(), "{what} is open inside");
        assert!(!form.before.contains(r"\K"), "{what} keeps what stands before its anchor");
    }
}

#[test]
fn no_rule_takes_what_is_no_secret() {
    let matchers = matchers();
    for text in ORDINARY {
        assert_eq!(masked(&matchers, text), [], "in {text}");
    }
}

/// What stands in commands and files every day and looks random.
const ORDINARY: &[&str] = &[
    "git checkout 6f2d9c1e0b7a4835d1c2e3f4a5b6c7d8e9f01234",
    "index 4b825dc642cb..e69de29bb2d1 100644",
    "550e8400-e29b-41d4-a716-446655440000",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    r#""integrity": "sha512-z8dV2cF1sZ0bQm7yH3nR5tK9wX4pL6gJ8uA1eD2fG3hI4jK5lM6nO7pQ8rS9tU0vW1xY2zA3bC4dE5fG6hI7jQ==","#,
    "pip/__init__.py,sha256=fw_FAKE0fake1FAKE2fake3FAKE4fake5FAKE6fak,357",
    "\"integrity\": \"sha512-ASIAFAKE0123456789AB/AKIAFAKE0123456789AB==\"",
    "traceparent: 00-0fa4e1fa4e20fa4e1fa4e2d0fa4e1f6b-0fa4e1fa4e20fa4e-01",
    r#"{"id":"toolu_01Fake2Made3Up4Id5Of6Tool","request_id":"req_011FakeMade2Up3Id4Of5Req"}"#,
    "msg_01FakeMade2Up3Id4Of5Mess",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFAKE0123456789FAKE0123456789FAKE012345678 me@example.com",
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFAKE0123456789FAKE0123456789FAKE\n-----END PUBLIC KEY-----",
    "age1fake0qpzry9x8gf2tvdw0s3jn54khce6mua7lfake0qpzry9x8gf2tvdw0",
    "!function(e,t){\"object\"==typeof exports?module.exports=t():e.key-e.sk-e.re_}(this,(function(){return re_exports}))",
    "/nix/store/0c7c96gikmzv87i7lv3vq5s1cmfjd6zf-hello-2.12.1/bin/hello",
    "ghcr.io/owner/app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "task-force, disk-usage, risk-based, npm_config_cache, hf_home, re_export_all, key-value, pat_tern, pul-request, fm-u",
    "arn:aws:iam::123456789012:role/deploy s3://bucket/prefix/2024-01-02/part-00000-tid-1234567890123456789.parquet",
    "projects/my-project/locations/us-central1/clusters/gke-12345678 i-0123456789abcdef0 vpc-0a1b2c3d4e5f67890",
];

#[test]
fn a_neighbour_decides_by_the_edge() {
    for (before, any, word, apart) in [
        ("", true, true, true),
        (" ", true, true, true),
        ("=", true, true, true),
        ("é", true, true, true),
        ("x", true, false, false),
        ("_", true, false, false),
        ("0", true, false, false),
        ("-", true, true, false),
        ("/", true, true, false),
        (r"\n", true, true, true),
        (r"\\\\n", true, true, true),
        (r"\u003d", true, true, true),
        ("%3D", true, true, true),
        ("\u{1b}[0m", true, true, true),
        (r"\u001b[1;31m", true, true, true),
    ] {
        let text = format!("{before}{TOKEN}");
        for (edge, expected) in [(Edge::Any, any), (Edge::Word, word), (Edge::Apart, apart)] {
            assert_eq!(fake(edge, Check::None, &text), expected.then_some(TOKEN), "{edge:?} {text}");
        }
    }
}

#[test]
fn what_is_left_of_a_token_is_masked_where_the_text_was_cut() {
    for rest in ["", "…", "…(12 more)", "\n[TRUNCATED]", "[TRUNCATED - 512 of 900]", r"\n[TRUNCATED]", "...", "...\n"]
    {
        assert_eq!(fake(Edge::Word, Check::None, &format!("a fake_FAKE0{rest}")), Some("fake_FAKE0"), "{rest:?}");
    }
    for rest in [" ", ",", "... and so on", "\"", "\n\nmore"] {
        assert_eq!(fake(Edge::Word, Check::None, &format!("a fake_FAKE0{rest}")), None, "{rest:?}");
    }
    assert_eq!(fake(Edge::Word, Check::None, "a fake_FAK"), None, "too little of it");
}

#[test]
fn what_is_left_of_a_token_must_not_be_a_word_if_its_anchor_begins_words() {
    assert_eq!(fake(Edge::Word, Check::Digit, "npm run fake_config"), None);
    assert_eq!(fake(Edge::Word, Check::Digit, "npm run fake_k3fA"), Some("fake_k3fA"));
    assert_eq!(fake(Edge::Word, Check::Digit, "npm run fake_kVfA"), Some("fake_kVfA"));
}

#[test]
fn what_stands_for_a_token_is_none() {
    assert_eq!(fake(Edge::Word, Check::None, "fake_xxxxxxxxxxxxxxxxxxxxXXXX"), None);
    assert_eq!(fake(Edge::Word, Check::None, "fake_00000000000000000000"), None);
}

#[test]
fn a_check_asks_for_what_it_says() {
    let words = "fake_ExportsOfTheModuleThatIsLong";
    let counted = "fake_aaaaaaaaaaaaaaaaaaaaaaa1";
    for (check, plain) in [(Check::None, true), (Check::Digit, false), (Check::Mixed, false)] {
        assert_eq!(fake(Edge::Word, check, words).is_some(), plain, "{check:?}");
        assert!(fake(Edge::Word, check, TOKEN).is_some(), "{check:?}");
    }
    assert!(fake(Edge::Word, Check::Digit, counted).is_some());
    assert!(fake(Edge::Word, Check::Mixed, counted).is_none());
    assert!(names_an_algorithm("eyJhbGciOiJIUzI1NiJ9.e30.FAKE"));
    assert!(!names_an_algorithm("eyJhIjoxfQ.e30.FAKE"));
}

#[test]
fn a_token_longer_than_anything_is_masked_whole() {
    let text = format!("x {TOKEN}{} y", "Ab3".repeat(4000));
    assert_eq!(fake(Edge::Word, Check::Digit, &text).map(str::len), Some(TOKEN.len() + 12_000));
}

#[test]
fn what_is_counted_up_or_repeated_is_a_placeholder() {
    for (text, is_one) in [
        ("xxxxxxxx", true),
        ("XxXxxxxx", true),
        ("xxxx-xxx", true),
        ("xxxxxxx", false),
        ("xxxxxxxy", false),
        ("--------", false),
        ("", false),
    ] {
        assert_eq!(is_placeholder(text), is_one, "{text}");
    }
}

#[test]
fn a_digest_is_named_before_it() {
    let long = |length: usize| format!("sha512-{}", "a".repeat(length));
    for (head, follows) in [
        ("sha1-", true),
        ("sha256=", true),
        ("sha384:", true),
        ("sha512-", true),
        ("sha512-aB+/_9", true),
        ("sha512.", false),
        ("sha224-", false),
        ("sha512", false),
        ("-abc", false),
        ("", false),
        (&long(88), true),
        (&long(89), false),
    ] {
        assert_eq!(follows_digest_name(&format!("{head}X"), head.len()), follows, "{head}");
    }
}

#[test]
fn a_text_says_where_it_was_cut() {
    for (rest, cut) in [
        ("", true),
        ("\u{2026}x", true),
        ("[TRUNCATED", true),
        ("\n\r [TRUNCATED", true),
        (r"\r\n[TRUNCATED", true),
        ("...[TRUNCATED", true),
        ("...", true),
        ("... \n", true),
        ("..[TRUNCATED", false),
        ("....", false),
        ("x", false),
        ("x[TRUNCATED", false),
        ("\n", false),
    ] {
        assert_eq!(is_cut(rest), cut, "{rest:?}");
    }
}

#[test]
fn variety_and_information_are_counted_by_character() {
    for (text, bits_of_it) in
        [("", 0.0), ("aaaa", 0.0), ("abab", 1.0), ("abcd", 2.0), ("abcdefgh", 3.0), ("aab\u{e9}", 0.918)]
    {
        assert!((bits(text) - bits_of_it).abs() < 0.001, "{text} {}", bits(text));
    }
    // Six characters are more than 2.5 bits, five are less.
    assert!(has_variety("abcdef") && !has_variety("abcde") && !has_variety("aabbccddee"));
    assert!(!has_variety("abcde\u{e9}\u{ea}"));
}

#[test]
fn a_check_asks_of_a_piece_what_words_do_not_have() {
    let long = "a".repeat(CHECKED);
    for (check, text, may) in [
        (Check::None, "abcdefghijk", false),
        (Check::None, "abcdefghijkl", true),
        (Check::None, "ABC", true),
        (Check::None, "abc1", true),
        (Check::Digit, "abcdefghijkl", false),
        (Check::Digit, "ABC", false),
        (Check::Digit, "aBC", true),
        (Check::Digit, "abc1", true),
        (Check::Mixed, "ab", false),
        (Check::Mixed, "aB", true),
        (Check::Jwt, "aB1", false),
        (Check::Jwt, "aB1.c", true),
        (Check::Jwt, &long.replacen("aa", "aB", 1), true),
        (Check::Jwt, &long.replacen("aa", "B", 1), false),
    ] {
        assert_eq!(check.may(text), may, "{check:?} {text}");
    }
    for (check, text, holds) in [
        (Check::Mixed, "0123456789", false),
        (Check::Mixed, "abcdefghij", false),
        (Check::Mixed, "a123456789", true),
        (Check::Mixed, "a1a1a1a1a1", false),
        (Check::Mixed, "aaaaaaaaaaaaaaaaaaaaaaaaaaaabcdef1", false),
        (Check::Digit, "abc", false),
        (Check::Digit, "ab1", true),
        (Check::None, "", true),
    ] {
        assert_eq!(check.holds(text, &(0..text.len()), text), holds, "{check:?} {text}");
    }
}

#[test]
fn a_web_token_names_its_algorithm() {
    for (token, names) in [
        // {"alg":"x"}, {"enc":"x"}, {"typ":"x"}, {"kid":"x"}, {"abc":"x"}
        ("eyJhbGciOiJ4In0", true),
        ("eyJlbmMiOiJ4In0", true),
        ("eyJ0eXAiOiJ4In0", true),
        ("eyJraWQiOiJ4In0", true),
        ("eyJhYmMiOiJ4In0", false),
        // {"~~~???":1,"alg":2}, in both alphabets.
        ("eyJ-fn4_Pz8iOjEsImFsZyI6Mn0", true),
        ("eyJ+fn4/Pz8iOjEsImFsZyI6Mn0", true),
        ("eyJhYmMiOiJ4In0.eyJhbGciOiJ4In0", false),
        ("", false),
    ] {
        assert_eq!(names_an_algorithm(token), names, "{token}");
    }
}

#[test]
fn what_is_left_of_a_token_is_told_by_an_anchor_that_means_nothing_else() {
    let left = |anchor: &'static str, edge: Edge, text: &'static str| {
        let rule: &'static Rule = Box::leak(Box::new(Rule { edge, ..PLAIN }));
        let form: &'static Form = Box::leak(Box::new(form(anchor, "[A-Za-z0-9]{20,}")));
        Matcher::new(rule, form).unwrap().at(text, 0).map(|span| &text[span])
    };
    assert_eq!(left("abcdefgh", Edge::Word, "abcdefghK3fA"), Some("abcdefghK3fA"));
    assert_eq!(left("abcdefg", Edge::Word, "abcdefgK3fA"), None);
    assert_eq!(left("abc_", Edge::Word, "abc_K3fA"), Some("abc_K3fA"));
    assert_eq!(left("abc-", Edge::Word, "abc-K3fA"), Some("abc-K3fA"));
    assert_eq!(left("ab_", Edge::Word, "ab_K3fA"), None);
    assert_eq!(left("abcd", Edge::Any, "abcdK3fA"), Some("abcdK3fA"));
    assert_eq!(left("abcd", Edge::Apart, "abcdK3fA"), None);
    assert_eq!(left("abc_", Edge::Word, "abc_K3f"), None);
}

/// The same shape for the `regex` crate.
fn regex_of(shape: &str) -> String {
    let mut regex = String::new();
    let mut rest = shape;
    let (mut in_class, mut in_group) = (false, false);
    while let Some(first) = rest.chars().next() {
        let (part, behind) = rest.split_at(if first == '\\' { 2 } else { 1 });
        let quantified = behind.starts_with(['{', '?', '+', '*']);
        let literal = part.trim_start_matches('\\');
        match part {
            r"\K" => {}
            r"\b" => regex.push_str(r"(?-u:\b{end-half})"),
            _ if !in_class && !in_group && !quantified && "/:=&?@".contains(literal) && (part != "?") => {
                let byte = literal.as_bytes()[0];
                let (hex, html) = (hex_any_case(byte), if byte == b'&' { "&amp;|" } else { "" });
                let plain = regex::escape(literal);
                regex.extend([format!(
                    r"(?:{html}{plain}|\\{{1,8}}{plain}|%(?:25){{0,8}}{hex}|\\{{1,8}}(?:u00|x){hex})"
                )]);
            }
            _ => {
                in_class = first == '[' || in_class && first != ']';
                in_group = first == '(' || in_group && first != ')';
                // A quantifier of more than a thousand is more than the crate compiles by default.
                regex.push_str(part);
            }
        }
        rest = behind;
    }
    regex
}

fn hex_any_case(byte: u8) -> String {
    let digits: Vec<_> = format!("{byte:02x}").chars().map(|digit| [digit, digit.to_ascii_uppercase()]).collect();
    digits.iter().flat_map(|[lower, upper]| ['[', *lower, *upper, ']']).collect()
}

/// Where a shape ends, by both.
fn both(shape: &'static str, text: &str) -> (Option<usize>, Option<usize>) {
    let ours = Shape::read(shape).unwrap();
    let reach = ours.forward(text, 0);
    let ours = reach.whole.then(|| ours.to_the_end(text, reach.end));
    let regex = Regex::new(&format!("^(?-u:{})", regex_of(shape))).unwrap();
    (ours, regex.find(text).map(|found| found.end()))
}

#[test]
fn every_shape_matches_what_a_regex_of_the_same_shape_matches() {
    let mut number = 1_u64;
    let mut choose = |below: usize| {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(number >> 33).unwrap() % below.max(1)
    };
    let mut seen = BTreeSet::new();
    for (rule, form) in all() {
        if !seen.insert(form.after) {
            continue;
        }
        let shape = Shape::read(form.after).unwrap();
        for round in 0..6 {
            let mut text = shape.example(&mut choose);
            if round > 0 && !text.is_empty() {
                text.truncate(choose(text.len() + 1));
                text.push_str(["", "-", "z9Z", "=", "/x", "}"][choose(6)]);
            }
            let (ours, regex) = both(form.after, &text);
            assert_eq!(ours, regex, "{}: {} on {text}", rule.id, form.after);
        }
    }
}

#[test]
fn all_rules_are_ready_in_no_time() {
    let forms = all().count();
    assert_eq!(matchers().len(), forms);
    assert!(rules().count() <= forms && forms < 2000, "{forms} forms");
}

proptest! {
    #[test]
    fn no_text_makes_a_matcher_fail(text in "(fake_|[A-Za-z0-9]{0,12}|\\PC|…|\\n)*", at in 0..80_usize) {
        let matcher = Matcher::new(&PLAIN, &FAKE).unwrap();
        if let Some(span) = matcher.at(&text, at) {
            prop_assert!(text.get(span).is_some());
        }
    }
}
