//! Own rules find what they say, and a bad one is told and not used.

use proptest::prelude::*;

use super::*;
use crate::redact::{Redactor, TagKey};

fn rule(id: &str, pattern: &str) -> OwnRule {
    OwnRule { id: id.into(), pattern: pattern.into(), line: Some(7), ..OwnRule::default() }
}

fn of(rules: Vec<OwnRule>) -> Custom {
    Custom::new(OwnRules { rules, ..OwnRules::default() }).unwrap()
}

fn with_allow(rules: Vec<OwnRule>, allow: &str) -> Custom {
    let allow = vec![OwnAllow { pattern: allow.into(), ..OwnAllow::default() }];
    Custom::new(OwnRules { rules, allow }).unwrap()
}

fn refused(rule: OwnRule) -> String {
    let errors = Custom::new(OwnRules { rules: vec![rule], ..OwnRules::default() }).unwrap_err();
    let [error] = errors.try_into().unwrap();
    assert_eq!(error.line, Some(7));
    error.to_string()
}

fn refused_allow(pattern: &str) -> Why {
    let allow = vec![OwnAllow { pattern: pattern.into(), line: Some(3), ..OwnAllow::default() }];
    let [error] = Custom::new(OwnRules { allow, ..OwnRules::default() }).unwrap_err().try_into().unwrap();
    assert_eq!((error.line, error.rule), (Some(3), Which::Allow(1)));
    error.why
}

fn found<'t>(custom: &Custom, text: &'t str) -> Vec<(String, &'t str)> {
    let mut findings = Vec::new();
    custom.find(text, &mut findings);
    findings.into_iter().map(|finding| (finding.rule.to_string(), &text[finding.span])).collect()
}

fn masked(custom: Custom, text: &str) -> String {
    Redactor::new(TagKey::new(&[0; 32])).with(custom).text(text).0.into_owned()
}

#[test]
fn an_own_rule_finds_what_its_pattern_matches() {
    let custom = of(vec![rule("acme-token", "acme_[0-9a-f]{8}"), rule("badge", "B-\\d+")]);
    let text = "é acme_0123abcd, B-7 and acme_89abcdef.";
    assert_eq!(
        found(&custom, text),
        [
            ("acme-token".to_owned(), "acme_0123abcd"),
            ("acme-token".to_owned(), "acme_89abcdef"),
            ("badge".to_owned(), "B-7"),
        ]
    );
}

#[test]
fn a_group_named_secret_is_all_that_is_masked() {
    let custom = of(vec![rule("pin", "pin (?:is|=) (?<secret>\\d{4})|PIN\\d{4}")]);
    assert_eq!(masked(custom, "my pin is 1234, PIN9999"), "my pin is [REDACTED:pin], [REDACTED:pin]");
}

#[test]
fn a_short_value_gets_no_tag_and_a_long_one_gets_one() {
    let custom = || of(vec![rule("x", "x[0-9]+")]);
    assert_eq!(masked(custom(), "x01234567890123"), "[REDACTED:x]");
    let tagged = masked(custom(), "x0123456789012345");
    assert_eq!(tagged.len(), "[REDACTED:x:01234567]".len(), "{tagged}");
}

#[test]
fn rules_that_overlap_mask_all_that_either_found() {
    let custom = of(vec![rule("left", "abc"), rule("right", "bcd"), rule("inner", "c")]);
    assert_eq!(masked(custom, "xabcdx"), "x[REDACTED:left]x");
}

#[test]
fn a_rule_is_tried_only_where_its_anchor_stands() {
    let anchored = OwnRule { anchor: Some("acme".into()), ..rule("a", "[0-9]{4}") };
    let custom = of(vec![anchored]);
    assert_eq!(found(&custom, "1234"), []);
    assert_eq!(found(&custom, "acme 1234").len(), 1);
}

#[test]
fn what_is_allowed_wholly_stays_and_what_is_allowed_in_part_does_not() {
    let custom = || with_allow(vec![rule("acme", "acme_[a-z0-9]+")], "acme_example|acme_test[0-9]");
    let allows = |secret| custom().allows(secret, &RuleId::of("acme"));
    assert!(allows("acme_test7"));
    assert!(!allows("acme_test77") && !allows("xacme_test7") && !allows("acme_test7\n"));
    assert_eq!(masked(custom(), "acme_example acme_example2"), "acme_example [REDACTED:acme]");
}

#[test]
fn nothing_allows_a_private_key_or_a_value_that_is_known() {
    let custom = with_allow(Vec::new(), "x[0-9]");
    for (rule, allowed) in [("private-key", false), ("known-value", false), ("password", true)] {
        assert_eq!(custom.allows("x1", &RuleId::of(rule)), allowed, "{rule}");
    }
}

#[test]
fn a_bad_rule_is_named_with_the_reason() {
    let long = "x".repeat(MAX_PATTERN_BYTES + 1);
    let example = |text: &str| OwnRule { examples: vec!["acme_1".into(), text.into()], ..rule("a", "acme_[0-9]") };
    let anchor = |anchor: &str| OwnRule { anchor: Some(anchor.into()), ..example("acme_2") };
    insta::assert_snapshot!(
        [
            rule("", "x"),
            rule("Acme", "x"),
            rule("a.b", "x"),
            rule(&"x".repeat(65), "x"),
            rule("a", "(FAKE"),
            rule("a", "[z-a]"),
            rule("a", "(?=x)"),
            rule("a", "x*"),
            rule("a", "\\b"),
            rule("a", "(?m)^"),
            rule("a", &long),
            rule("a", "(\\w{1000}){1000}"),
            example("acme_x"),
            anchor(""),
            anchor("corp"),
        ]
        .map(refused)
        .join("\n"),
        @r"
    redaction rule number 1: an id is made of a-z, 0-9 and -, 64 at most
    redaction rule number 1: an id is made of a-z, 0-9 and -, 64 at most
    redaction rule number 1: an id is made of a-z, 0-9 and -, 64 at most
    redaction rule number 1: an id is made of a-z, 0-9 and -, 64 at most
    redaction rule a: the pattern is not a regular expression: unclosed group
    redaction rule a: the pattern is not a regular expression: invalid character class range, the start must be <= the end
    redaction rule a: the pattern is not a regular expression: look-around, including look-ahead and look-behind, is not supported
    redaction rule a: the pattern matches the empty string
    redaction rule a: the pattern matches the empty string
    redaction rule a: the pattern matches the empty string
    redaction rule a: the pattern is longer than 4096 bytes
    redaction rule a: the pattern is too large when compiled; repeat less, or write [0-9A-Za-z_] for \w
    redaction rule a: example 2 does not match
    redaction rule a: the anchor is empty
    redaction rule a: the anchor does not stand in example 1
    "
    );
}

#[test]
fn two_rules_of_one_id_are_refused_and_so_are_too_many() {
    let own = OwnRules { rules: vec![rule("a", "x"), rule("b", "y"), rule("a", "z")], ..OwnRules::default() };
    let [error] = Custom::new(own).unwrap_err().try_into().unwrap();
    assert_eq!((error.rule, error.why), (Which::Rule("a".into()), Why::Duplicate));

    let rules = (0..=MAX_OWN_RULES).map(|number| rule(&format!("r{number}"), "x")).collect();
    let errors = Custom::new(OwnRules { rules, ..OwnRules::default() }).unwrap_err();
    assert_eq!(errors[0].why, Why::TooMany);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let own = OwnRules {
        rules: [rule("a", "("), rule("b", "fine"), rule("C", "x")]
            .map(|rule| OwnRule { file: "config.toml".into(), ..rule })
            .into(),
        allow: vec![OwnAllow { pattern: "[".into(), file: "managed.toml".into(), line: Some(1) }],
    };
    let told = Custom::new(own).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>();
    insta::assert_snapshot!(told.join("\n"), @r"
    config.toml:7: redaction rule a: the pattern is not a regular expression: unclosed group
    config.toml:7: redaction rule number 3: an id is made of a-z, 0-9 and -, 64 at most
    managed.toml:1: redaction.allow, pattern 1: the pattern is not a regular expression: unclosed character class
    ");
}

#[test]
fn a_pattern_that_allows_anything_is_refused() {
    for pattern in [".+", "\\S+", "(?s).{1,}", "[^x]+|.*x.+"] {
        assert_eq!(refused_allow(pattern), Why::Anything, "{pattern}");
    }
    assert_eq!(refused_allow(".*"), Why::Empty);
    assert_eq!(refused_allow("a?"), Why::Empty);
    assert!(matches!(refused_allow("a)|(?:.+"), Why::Syntax(_)));
}

#[test]
fn an_error_repeats_nothing_of_the_pattern() {
    for pattern in ["(FAKE", "FAKE[", "(?P<FAKE>x)(?P<FAKE>y)", "FAKE{2,1}", "(?<FAKE!>x)", "\\p{FAKE}", "\\yFAKE"] {
        let error = refused(rule("a", pattern));
        assert!(!error.contains("FAKE") && !error.contains('\n'), "{error}");
    }
}

#[test]
fn what_stands_behind_too_many_matches_is_masked_whole() {
    let custom = of(vec![rule("a", "a")]);
    let text = "a ".repeat(MAX_MATCHES + 10);
    let mut findings = Vec::new();
    custom.find(&text, &mut findings);
    assert_eq!(findings.len(), MAX_MATCHES + 1);
    assert_eq!(findings.last().unwrap().span, 2 * MAX_MATCHES..text.len());
}

proptest! {
    /// Any text at all: spans lie in the text at its characters, in order and apart.
    #[test]
    fn findings_lie_within_the_text(text in "\\PC{0,40}", patterns in prop::collection::vec("[a-c.é]{1,3}|[^a]|(x|\\w)+", 1..4)) {
        let rules = patterns.iter().enumerate().map(|(n, pattern)| rule(&format!("r{n}"), pattern)).collect();
        let Ok(custom) = Custom::new(OwnRules { rules, ..OwnRules::default() }) else { return Ok(()) };
        let mut findings = Vec::new();
        custom.find(&text, &mut findings);
        let findings = crate::redact::finder::merge(&text, findings);
        let mut end = 0;
        for finding in findings {
            prop_assert!(finding.span.start >= end && !finding.span.is_empty());
            prop_assert!(text.get(finding.span.clone()).is_some());
            end = finding.span.end;
        }
    }
}
