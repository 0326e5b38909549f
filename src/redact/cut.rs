//! Values that are too long for a destination: shortened, with a mark that says so.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::{Redacted, marker};
use crate::otlp::Batch;

/// The least that a value may be cut to, in bytes: the mark has to find room in it, and something before it.
pub const MIN_ATTRIBUTE_BYTES: usize = 256;

/// How deep arrays and maps are looked into. Redaction has left nothing below.
const MAX_DEPTH: usize = super::walk::MAX_DEPTH;

impl Redacted<Batch> {
    /// Shortens every text of attributes and bodies that is longer than so many bytes, the mark included. A limit below
    /// [`MIN_ATTRIBUTE_BYTES`] counts as that.
    pub fn shorten(&mut self, max_bytes: usize) {
        let max_bytes = max_bytes.max(MIN_ATTRIBUTE_BYTES);
        match &mut self.0 {
            Batch::Logs(request) => {
                for from in &mut request.resource_logs {
                    each(from.resource.iter_mut().flat_map(|resource| &mut resource.attributes), max_bytes);
                    for record in from.scope_logs.iter_mut().flat_map(|scope| &mut scope.log_records) {
                        each(&mut record.attributes, max_bytes);
                        value(record.body.as_mut(), max_bytes, 0);
                    }
                }
            }
            Batch::Metrics(request) => {
                for from in &mut request.resource_metrics {
                    each(from.resource.iter_mut().flat_map(|resource| &mut resource.attributes), max_bytes);
                    for metric in from.scope_metrics.iter_mut().flat_map(|scope| &mut scope.metrics) {
                        if let Some(data) = &mut metric.data {
                            points(data, max_bytes);
                        }
                    }
                }
            }
            Batch::Traces(request) => {
                for from in &mut request.resource_spans {
                    each(from.resource.iter_mut().flat_map(|resource| &mut resource.attributes), max_bytes);
                    for span in from.scope_spans.iter_mut().flat_map(|scope| &mut scope.spans) {
                        each(&mut span.attributes, max_bytes);
                        each(span.events.iter_mut().flat_map(|event| &mut event.attributes), max_bytes);
                        each(span.links.iter_mut().flat_map(|link| &mut link.attributes), max_bytes);
                        if let Some(status) = &mut span.status {
                            text(&mut status.message, max_bytes);
                        }
                    }
                }
            }
        }
    }
}

fn points(data: &mut Data, max_bytes: usize) {
    match data {
        Data::Sum(sum) => each(sum.data_points.iter_mut().flat_map(|point| &mut point.attributes), max_bytes),
        Data::Gauge(gauge) => each(gauge.data_points.iter_mut().flat_map(|point| &mut point.attributes), max_bytes),
        Data::Histogram(histogram) => {
            each(histogram.data_points.iter_mut().flat_map(|point| &mut point.attributes), max_bytes);
        }
        Data::ExponentialHistogram(histogram) => {
            each(histogram.data_points.iter_mut().flat_map(|point| &mut point.attributes), max_bytes);
        }
        Data::Summary(summary) => {
            each(summary.data_points.iter_mut().flat_map(|point| &mut point.attributes), max_bytes);
        }
    }
}

fn each<'a>(attributes: impl IntoIterator<Item = &'a mut KeyValue>, max_bytes: usize) {
    for attribute in attributes {
        value(attribute.value.as_mut(), max_bytes, 0);
    }
}

fn value(any: Option<&mut AnyValue>, max_bytes: usize, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match any.and_then(|any| any.value.as_mut()) {
        Some(Value::StringValue(string)) => text(string, max_bytes),
        Some(Value::ArrayValue(array)) => {
            array.values.iter_mut().for_each(|item| value(Some(item), max_bytes, depth + 1));
        }
        Some(Value::KvlistValue(map)) => {
            map.values.iter_mut().for_each(|item| value(item.value.as_mut(), max_bytes, depth + 1));
        }
        Some(Value::BytesValue(bytes)) => match String::from_utf8(std::mem::take(bytes)) {
            Ok(mut string) => {
                text(&mut string, max_bytes);
                *bytes = string.into_bytes();
            }
            // Redaction has left none of these.
            Err(error) => {
                *bytes = error.into_bytes();
                bytes.truncate(max_bytes);
            }
        },
        Some(Value::BoolValue(_) | Value::IntValue(_) | Value::DoubleValue(_) | Value::StringValueStrindex(_))
        | None => {}
    }
}

/// Shortens a text to so many bytes at most, the mark included.
fn text(text: &mut String, max_bytes: usize) {
    if text.len() <= max_bytes {
        return;
    }
    let what = if looks_like_json(text) { "JSON " } else { "" };
    let mark = format!("…[{what}cut by cc-observe, {} bytes]", text.len());
    let place = place(text, max_bytes.saturating_sub(mark.len()));
    text.truncate(place);
    text.push_str(&mark);
}

fn looks_like_json(text: &str) -> bool {
    let text = text.trim();
    matches!((text.bytes().next(), text.bytes().next_back()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')))
}

/// The longest escape: two `\u` and their digits, for a character that UTF-16 writes as two.
const LONGEST_ESCAPE: usize = 12;

/// The last place up to a limit that is within no character, no escape and no marker.
fn place(text: &str, limit: usize) -> usize {
    let place = border(text, limit);
    if let Some(begin) = open_marker(text, place) {
        return begin;
    }
    let before = text.get(..place).unwrap_or_default();
    let near = before.len().saturating_sub(LONGEST_ESCAPE);
    // An escape begins at a backslash that is not itself escaped: one of an odd run.
    let backslash = before.bytes().enumerate().rev().take_while(|(at, _)| *at >= near).find(|(_, byte)| *byte == b'\\');
    if let Some((last, _)) = backslash {
        let run = before.get(..=last).unwrap_or_default().bytes().rev().take_while(|byte| *byte == b'\\').count();
        if run % 2 == 1 && last + escape_length(text.get(last..).unwrap_or_default()) > place {
            return first_of_pair(before, last);
        }
        if run % 2 == 1 && last + 6 == place && is_high_surrogate(before.get(last..).unwrap_or_default()) {
            return last;
        }
    }
    // `%2F`.
    let percent = before.bytes().enumerate().rev().take(2).find(|(_, byte)| *byte == b'%');
    percent.map_or(place, |(at, _)| at)
}

/// The border of a character at or before a place.
fn border(text: &str, place: usize) -> usize {
    let mut place = place.min(text.len());
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    place
}

/// Where the marker begins that a place is in the middle of.
fn open_marker(text: &str, place: usize) -> Option<usize> {
    let near = border(text, place.saturating_sub(marker::MAX_LENGTH));
    let end = border(text, place + marker::MAX_LENGTH);
    let window = text.get(near..end)?;
    window
        .match_indices(marker::BEGIN)
        .map(|(at, _)| (near + at, marker::length(window.get(at..).unwrap_or_default())))
        .find_map(|(begin, length)| (begin < place && begin + length? > place).then_some(begin))
}

/// How many bytes an escape has that begins here.
fn escape_length(text: &str) -> usize {
    if text.get(1..2) == Some("u") { 6 } else { 2 }
}

/// Where a pair of surrogates begins, the second of which begins at `second`; else `second`.
fn first_of_pair(before: &str, second: usize) -> usize {
    let first = second.saturating_sub(6);
    if before.get(first..second).is_some_and(is_high_surrogate) { first } else { second }
}

fn is_high_surrogate(escape: &str) -> bool {
    let digits = escape.strip_prefix("\\u").and_then(|digits| u16::from_str_radix(digits.get(..4)?, 16).ok());
    digits.is_some_and(|unit| (0xd800..0xdc00).contains(&unit))
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_cut_to_its_limit_and_once(
            string in r#"([a-zé€😀 ]|\\\\|\\u[0-9a-f]{4}|\[REDACTED:[a-z-]{1,9}(:[0-9a-f]{8})?\]|%[0-9A-F]{2}|["\n]){0,400}"#,
            max_bytes in MIN_ATTRIBUTE_BYTES..600,
        ) {
            let cut = shortened(&string, max_bytes);
            prop_assert!(cut.len() <= max_bytes);
            prop_assert_eq!(cut == string, string.len() <= max_bytes);
            prop_assert_eq!(shortened(&cut, max_bytes), cut);
        }
    }

    fn shortened(string: &str, max_bytes: usize) -> String {
        let mut string = string.to_owned();
        text(&mut string, max_bytes);
        string
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark_that_tells_how_long_it_was() {
        let cut = shortened(&"x".repeat(1000), 300);
        assert!(cut.ends_with("xx…[cut by cc-observe, 1000 bytes]"), "{cut}");
        assert_eq!(cut.len(), 300);
        assert_eq!(shortened(&"x".repeat(300), 300), "x".repeat(300));
        let json = format!("{{\"a\":\"{}\"}}", "x".repeat(1000));
        assert!(shortened(&json, 300).ends_with("…[JSON cut by cc-observe, 1008 bytes]"));
        assert_eq!(shortened(&cut, 300), cut, "once is enough");
    }

    #[test]
    fn the_marker_around_a_place_is_known_whatever_stands_before_and_behind_it() {
        let marker = "[REDACTED:github-token:0123abcd]";
        for character in ["x", "é", "🔑"] {
            for padding in [0, 1, 2, 3, 40, 41, 42, 43] {
                let around = character.repeat(padding);
                let text = format!("{around}{marker}{around}");
                let from = around.len();
                for place in (0..=text.len()).filter(|place| text.is_char_boundary(*place)) {
                    let inside = place > from && place < from + marker.len();
                    assert_eq!(open_marker(&text, place), inside.then_some(from), "{character} {padding} {place}");
                }
            }
        }
    }

    #[test]
    fn no_cut_is_within_a_marker_an_escape_or_a_character() {
        let parts = ["é", "[REDACTED:github-token:0123abcd]", r"\n", r"\\", r"\u00e9", r"\ud83d\ude00", "%2F", r#"\""#];
        for part in parts {
            for padding in 0..part.len() + 40 {
                let string = format!("{}{}", "x".repeat(padding), part.repeat(300));
                let cut = shortened(&string, 256);
                assert!(cut.len() <= 256);
                let (kept, _) = cut.split_once('…').unwrap();
                let rest = &kept[padding..];
                assert_eq!(rest.len() % part.len(), 0, "{part} {rest}");
            }
        }
        let long = format!("{}{}", "\\".repeat(100_000), "x".repeat(1000));
        assert!(shortened(&long, 65_536).len() <= 65_536);
    }

    #[test]
    fn a_text_is_cut_as_deep_as_redaction_leaves_any() {
        let nested = |depth: usize| {
            let mut any = AnyValue { value: Some(Value::StringValue("x".repeat(300))) };
            for level in 0..depth {
                let value = if level % 2 == 0 {
                    Value::ArrayValue(ArrayValue { values: vec![any] })
                } else {
                    let member = KeyValue { key: "a".to_owned(), value: Some(any), ..KeyValue::default() };
                    Value::KvlistValue(KeyValueList { values: vec![member] })
                };
                any = AnyValue { value: Some(value) };
            }
            any
        };
        for (depth, cut) in [(0, true), (1, true), (2, true), (MAX_DEPTH, true), (MAX_DEPTH + 1, false)] {
            let mut any = nested(depth);
            value(Some(&mut any), 256, 0);
            assert_eq!(format!("{any:?}").contains("cut by cc-observe"), cut, "{depth}");
        }
    }

    #[test]
    fn bytes_are_cut_like_the_text_that_they_are() {
        let cut = |bytes: Vec<u8>| {
            let mut any = AnyValue { value: Some(Value::BytesValue(bytes)) };
            value(Some(&mut any), 256, 0);
            let Some(Value::BytesValue(bytes)) = any.value else { panic!("bytes stay bytes") };
            bytes
        };
        assert_eq!(cut(b"abc".to_vec()), b"abc");
        assert!(cut(b"x".repeat(300)).ends_with("…[cut by cc-observe, 300 bytes]".as_bytes()));
        assert_eq!(cut(b"\xff".repeat(300)), b"\xff".repeat(256));
    }

    #[test]
    fn the_place_of_a_cut_is_the_last_that_is_within_nothing() {
        let marker = "[REDACTED:github-token:0123abcd]";
        for (text, limit, at) in [
            ("abcdef", 3, 3),
            ("abc", 9, 3),
            ("ab\u{e9}d", 3, 2),
            (r"ab\nd", 3, 2),
            (r"ab\nd", 4, 4),
            (r"ab\\nd", 3, 2),
            (r"ab\\nd", 4, 4),
            (r"ab\\nd", 5, 5),
            (r"ab\u00e9d", 3, 2),
            (r"ab\u00e9d", 7, 2),
            (r"ab\u00e9d", 8, 8),
            (r"ab\ud83d\ude00c", 8, 2),
            (r"ab\ud83d\ude00c", 9, 2),
            (r"ab\ud83d\ude00c", 13, 2),
            (r"ab\ud83d\ude00c", 14, 14),
            (r"ab\u0041\u0042c", 13, 8),
            ("ab%2Fd", 3, 2),
            ("ab%2Fd", 4, 2),
            ("ab%2Fd", 5, 5),
            (&format!("ab{marker}c"), 3, 2),
            (&format!("ab{marker}c"), 2 + marker.len() - 1, 2),
            (&format!("ab{marker}c"), 2 + marker.len(), 2 + marker.len()),
            (&format!("ab{marker}c"), 2, 2),
            ("ab[REDACTED:no marker", 12, 12),
            // Where it is looked for a marker no character is cut.
            (&format!("ab{marker}{}", "é".repeat(100)), 5, 2),
            (&format!("ab{marker}x{}", "é".repeat(100)), 5, 2),
            (&format!("{}{marker}", "é".repeat(100)), 205, 200),
            (&format!("{}x{marker}", "é".repeat(100)), 206, 201),
            (&format!("{}x{marker}", "é".repeat(100)), 207, 201),
        ] {
            assert_eq!(place(text, limit), at, "{text} {limit}");
        }
    }

    #[test]
    fn what_begins_and_ends_like_json_is_called_so() {
        for (text, json) in
            [(" {} ", true), ("[1]\n", true), ("{]", false), ("[}", false), ("{", false), ("", false), ("a}", false)]
        {
            assert_eq!(looks_like_json(text), json, "{text}");
        }
    }
}
