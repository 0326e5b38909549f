//! What is found of known values, and what is not.

use proptest::prelude::*;

use super::*;
use crate::redact::{Redactor, TagKey};

/// A made-up value with most of what has to be encoded.
const VALUE: &str = "FAKE's \"p$4\"\\/<é>&+~!x";

fn known(values: &[&str]) -> Known {
    Known::new(values.iter().map(|value| Zeroizing::new((*value).to_owned())))
}

fn found(known: &Known, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    known.find(text, &mut findings);
    findings.into_iter().map(|finding| text[finding.span].to_owned()).collect()
}

/// Base64 as everybody does it, by way of bits.
fn base64(bytes: &[u8], last: &str) -> String {
    let alphabet = format!("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789{last}");
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let sixes = bits.chunks(6).map(|six| (0..6).fold(0, |n, at| n << 1 | usize::from(*six.get(at).unwrap_or(&0))));
    sixes.map(|six| char::from(alphabet.as_bytes()[six])).collect()
}

#[test]
fn a_value_is_found_as_it_is_and_where_it_is() {
    let known = known(&["FAKE-v4lue"]);
    let mut findings = Vec::new();
    known.find("é FAKE-v4lue, xFAKE-v4luex fake-v4lue", &mut findings);
    let want = |span| Finding { span, rule: RuleId::of("known-value"), guessable: false };
    assert_eq!(findings, [want(3..13), want(16..26)]);
}

#[test]
fn a_value_is_found_in_every_encoding() {
    let known = known(&[VALUE]);
    for written in encode::all(VALUE) {
        let text = format!("a {} b", written.text.as_str());
        assert_eq!(found(&known, &text), [written.text.as_str()]);
    }
    // JSON in JSON, as serde_json writes it.
    let json = serde_json::to_string(&serde_json::json!({ "command": format!("x={VALUE}") })).unwrap();
    let twice = serde_json::to_string(&json).unwrap();
    for text in [json, twice] {
        let rest = text.replace(&found(&known, &text)[0], "");
        assert!(!rest.contains("p$4"), "{rest}");
    }
}

#[test]
fn a_value_inside_base64_is_found_at_every_offset_with_the_characters_at_its_edges() {
    for value in ["FAKE<<>>??~~", "FAKE<<>>??~~+", "FAKE<<>>??~~++", "hunter22"] {
        let known = known(&[value]);
        for last in ["+/", "-_"] {
            for before in 0..4 {
                for after in 0..4 {
                    let bytes = [&b"user"[..before], value.as_bytes(), &b"::::"[..after]].concat();
                    let encoded = base64(&bytes, last);
                    let found = found(&known, &format!("({encoded}==)"));
                    let (bits, length) = (before * 8, value.len() * 8);
                    let want = &encoded[bits / 6..(bits + length).div_ceil(6)];
                    assert_eq!(found, [want], "{value} {before} {after}");
                }
            }
        }
    }
}

#[test]
fn values_that_overlap_are_one_finding() {
    let known = known(&["FAKE4abcdefg", "defghijklm5n"]);
    assert_eq!(found(&known, "-FAKE4abcdefghijklm5n-"), ["FAKE4abcdefghijklm5n"]);
    assert_eq!(found(&known, "FAKE4abcdefgdefghijklm5n"), ["FAKE4abcdefg", "defghijklm5n"]);
}

#[test]
fn of_values_that_begin_alike_the_longest_counts() {
    let known = known(&["FAKE1234", "FAKE12345678", "FAKE123456789abc"]);
    for (text, want) in [
        ("FAKE1234567", "FAKE1234"),
        ("FAKE12345678", "FAKE12345678"),
        ("FAKE123456789abx", "FAKE12345678"),
        ("FAKE123456789abcd", "FAKE123456789abc"),
    ] {
        assert_eq!(found(&known, text), [want], "{text}");
    }
}

#[test]
fn what_is_left_of_a_value_where_a_text_was_cut_is_masked() {
    let known = known(&["FAKE-0123456789-abcdefghijklm"]);
    for (text, want) in [
        ("x FAKE-0123456789-abc", "FAKE-0123456789-abc"),
        ("x FAKE-0123456789-a…[128 chars]\"", "FAKE-0123456789-a"),
        ("x FAKE-0123456789\n\n[TRUNCATED - Content", "FAKE-0123456789"),
    ] {
        assert_eq!(found(&known, text), [want], "{text}");
    }
    for text in ["x FAKE-012345", "x FAKE-0123456789-abx", "FAKE-0123456789-abc is no end"] {
        assert_eq!(found(&known, text), [""; 0], "{text}");
    }
}

#[test]
fn a_value_can_be_told_from_how_it_is_written() {
    let known = known(&[VALUE, "FAKE-0123456789-abcdefghijklm"]);
    for written in encode::all(VALUE) {
        assert_eq!(known.value_in(&written.text), Some(VALUE));
    }
    assert_eq!(known.value_in("FAKE-0123456789-abc"), Some("FAKE-0123456789-abcdefghijklm"));
    assert_eq!(known.value_in("something else altogether"), None);
}

#[test]
fn without_values_nothing_is_found() {
    let known = known(&["", "dev", "localhost", "production", "/usr/bin/env", "https://h/x"]);
    assert!(known.is_empty());
    assert_eq!(found(&known, "dev localhost production /usr/bin/env https://h/x"), [""; 0]);
}

#[test]
fn what_is_too_much_is_left_out_and_counted() {
    let many = (0..300).map(|n| Zeroizing::new(format!("FAKE-v4lue-{n:03}")));
    let known = Known::new(many);
    assert_eq!((known.len(), known.left_out()), (MAX_VALUES, 44));
    assert_eq!(found(&known, "FAKE-v4lue-255 FAKE-v4lue-256"), ["FAKE-v4lue-255"]);
    let long = (0..20).map(|n| Zeroizing::new(format!("FAKE{n:02}{}", "x7Yz".repeat(2000))));
    let known = Known::new(long);
    assert_eq!((known.len(), known.left_out()), (8, 12));
    let longest = Known::new([Zeroizing::new(format!("FAKE{}", "x7Yz".repeat(3000)))]);
    assert_eq!((longest.len(), longest.left_out()), (0, 1));
}

#[test]
fn debug_output_tells_no_value() {
    assert_eq!(format!("{:?}", known(&["FAKE-v4lue"])), "Known(1 values)");
}

#[test]
fn a_hostile_text_takes_no_longer_than_its_length() {
    let period = "FAKE1".repeat(100);
    let values: Vec<String> = (0..60).map(|n| format!("{period}{n:02}")).collect();
    let known = Known::new(values.into_iter().map(Zeroizing::new));
    let text = "FAKE1".repeat(100_000);
    // Every fifth byte begins what differs from sixty values by its last bytes only.
    assert_eq!(found(&known, &text), [period.as_str()]);
}

proptest! {
    #[test]
    fn everything_a_plain_search_finds_is_found(
        values in prop::collection::vec("[ab1é]{8,14}", 1..6),
        text in "[ab1é]{0,200}",
    ) {
        let known = Known::new(values.iter().cloned().map(Zeroizing::new));
        let mut want = vec![false; text.len()];
        for value in &known.values {
            for at in 0..text.len() {
                if text.as_bytes()[at..].starts_with(value.as_bytes()) {
                    want[at..at + value.len()].fill(true);
                }
            }
        }
        let mut findings = Vec::new();
        known.find(&text, &mut findings);
        let mut got = vec![false; text.len()];
        let mut end = 0;
        for finding in findings {
            prop_assert!(finding.span.start >= end && text.get(finding.span.clone()).is_some());
            end = finding.span.end;
            got[finding.span].fill(true);
        }
        // At the end, what is cut may be masked too.
        let cut = got.len().saturating_sub(14 * 2);
        prop_assert_eq!(&got[..cut], &want[..cut]);
        prop_assert!(want.iter().zip(&got).all(|(want, got)| !want || *got));
    }

    #[test]
    fn whatever_a_value_is_it_is_found_in_every_encoding_and_a_marker_is_left_alone(value in "[ -~é\n]{10,40}") {
        prop_assume!(is_fit(&value) && parts::of(&value).iter().any(|part| **part == value));
        let redactor = Redactor::new(TagKey::new(&[7; 32])).known(known(&[&value]));
        for written in encode::all(&value) {
            let text = format!("(\u{3b1}{}\u{3b1})", written.text.as_str());
            let (redacted, masked) = redactor.text(&text);
            prop_assert!(!redacted.contains(written.text.as_str()), "{}", redacted);
            prop_assert!(masked.iter().any(|masked| masked.rule.as_str() == "known-value"));
            let (again, _) = redactor.text(&redacted);
            prop_assert_eq!(&again, &redacted);
        }
    }

    #[test]
    fn whatever_a_value_and_a_text_are_nothing_panics(value in any::<String>(), text in any::<String>()) {
        let known = Known::new([Zeroizing::new(format!("FAKE 7{value}"))]);
        let mut findings = Vec::new();
        known.find(&format!("{text}FAKE 7{value}{text}"), &mut findings);
        for finding in findings {
            prop_assert!(finding.span.start < finding.span.end);
        }
    }
}
