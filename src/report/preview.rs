//! What leaves this machine, request by request: the records as people read them, and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::Style;
use super::json::safe;
use super::layout::{Ink, paint, piece, plain};
use super::printable::printable;
use super::words::many;
use crate::otlp::Signal;

/// A request, as a destination is given it.
#[derive(Clone, Debug, Serialize)]
pub struct PreviewLine {
    /// The destination's name.
    pub destination: String,
    /// What it is.
    pub signal: Signal,
    /// The numbers of the batches in it.
    pub batches: Vec<String>,
    /// Log records, data points or spans.
    pub records: u64,
    /// Secrets that a marker stands for in it.
    pub findings: Vec<Finding>,
    /// OTLP JSON. None: it is too long to be shown.
    pub request: Option<Value>,
}

/// Secrets of one kind in one place.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// The rule that recognized them.
    pub rule: String,
    /// `event.attribute`.
    pub place: String,
    /// How many markers.
    pub count: u64,
}

impl PreviewLine {
    /// Of a request in OTLP JSON.
    pub fn new(destination: String, signal: Signal, batches: Vec<String>, records: u64, request: Option<&str>) -> Self {
        let request: Option<Value> = request.and_then(|text| serde_json::from_str(text).ok());
        let mut found = BTreeMap::<(String, String), u64>::new();
        for entry in request.as_ref().map(entries).unwrap_or_default() {
            for (name, value) in &entry.values {
                for rule in markers(value) {
                    *found.entry((rule, format!("{}.{name}", entry.name))).or_default() += 1;
                }
            }
        }
        let findings = found.into_iter().map(|((rule, place), count)| Finding { rule, place, count }).collect();
        Self { destination, signal, batches, records, findings, request }
    }
}

/// The rules of the markers in a text: `[REDACTED:rule:tag]`, `[REDACTED:rule]`.
fn markers(text: &str) -> impl Iterator<Item = String> {
    text.split("[REDACTED:").skip(1).filter_map(|rest| {
        let (inside, _) = rest.split_once(']')?;
        Some(inside.split(':').next().unwrap_or(inside).to_owned())
    })
}

/// A record, point or span; or what all of them have in common.
struct Entry {
    /// Nanoseconds since 1970.
    time: Option<u64>,
    name: String,
    values: Vec<(String, String)>,
}

/// All that stands in a request, in its order.
fn entries(request: &Value) -> Vec<Entry> {
    let mut all = Vec::new();
    for (outer, scopes, records) in [
        ("resourceLogs", "scopeLogs", "logRecords"),
        ("resourceMetrics", "scopeMetrics", "metrics"),
        ("resourceSpans", "scopeSpans", "spans"),
    ] {
        for from in array(request, outer) {
            let resource = from.get("resource").map(attributes).unwrap_or_default();
            all.push(Entry { time: None, name: "resource".to_owned(), values: resource });
            for scope in array(from, scopes) {
                for record in array(scope, records) {
                    match records {
                        "logRecords" => all.push(log_record(record)),
                        "spans" => span(record, &mut all),
                        _ => metric(record, &mut all),
                    }
                }
            }
        }
    }
    all
}

fn array<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// OTLP JSON writes 64-bit integers as strings.
fn nanos(value: &Value, key: &str) -> Option<u64> {
    let value = value.get(key)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).filter(|nanos| *nanos > 0)
}

fn log_record(record: &Value) -> Entry {
    let mut values = attributes(record);
    let at = values.iter().position(|(name, _)| name == "event.name");
    let body = record.get("body").map(any);
    let of_ours = body.clone().filter(|body| body.starts_with("cc_observe."));
    let name = match (at.map(|at| values.remove(at).1), of_ours) {
        (_, Some(ours)) => ours,
        (Some(name), None) => name,
        (None, None) => body.clone().unwrap_or_default(),
    };
    if let Some(body) = body.filter(|body| !body.ends_with(&name)) {
        values.insert(0, ("body".to_owned(), body));
    }
    Entry { time: nanos(record, "timeUnixNano").or_else(|| nanos(record, "observedTimeUnixNano")), name, values }
}

fn span(record: &Value, all: &mut Vec<Entry>) {
    let name = text(record, "name").unwrap_or_default();
    let time = nanos(record, "startTimeUnixNano");
    let mut values = attributes(record);
    if let (Some(start), Some(end)) = (time, nanos(record, "endTimeUnixNano")) {
        values.insert(0, ("duration".to_owned(), format!("{} ms", end.saturating_sub(start) / 1_000_000)));
    }
    if let Some(message) = record.get("status").and_then(|status| text(status, "message")) {
        values.push(("status.message".to_owned(), message));
    }
    all.push(Entry { time, name, values });
    for event in array(record, "events") {
        let name = text(event, "name").unwrap_or_default();
        all.push(Entry { time: nanos(event, "timeUnixNano"), name, values: attributes(event) });
    }
}

fn metric(metric: &Value, all: &mut Vec<Entry>) {
    let name = text(metric, "name").unwrap_or_default();
    let kinds = ["sum", "gauge", "histogram", "exponentialHistogram", "summary"];
    for point in kinds.iter().filter_map(|kind| metric.get(*kind)).flat_map(|data| array(data, "dataPoints")) {
        let mut values = attributes(point);
        let value = ["asDouble", "asInt", "sum", "count"].iter().find_map(|key| point.get(*key));
        if let Some(value) = value {
            let unit = text(metric, "unit").unwrap_or_default();
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            values.insert(0, ("value".to_owned(), format!("{value} {unit}").trim().to_owned()));
        }
        all.push(Entry { time: nanos(point, "timeUnixNano"), name: name.clone(), values });
    }
}

fn attributes(of: &Value) -> Vec<(String, String)> {
    array(of, "attributes")
        .map(|it| (text(it, "key").unwrap_or_default(), it.get("value").map(any).unwrap_or_default()))
        .collect()
}

/// A value of OTLP, as text.
fn any(value: &Value) -> String {
    let Some((kind, inner)) = value.as_object().and_then(|object| object.iter().next()) else { return String::new() };
    match (kind.as_str(), inner) {
        ("arrayValue", inner) => array(inner, "values").map(any).collect::<Vec<_>>().join(", "),
        ("kvlistValue", inner) => {
            let pairs = array(inner, "values").map(|it| {
                format!("{}={}", text(it, "key").unwrap_or_default(), it.get("value").map(any).unwrap_or_default())
            });
            pairs.collect::<Vec<_>>().join(", ")
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

/// Columns that what belongs to a record is indented by.
const INDENT: usize = 4;

/// A request: a head, and a paragraph for each record with all that stands in it.
pub fn preview(line: &PreviewLine, style: &Style) -> String {
    let mut out = String::new();
    let batches = if line.batches.len() == 1 { "batch" } else { "batches" };
    let head = [
        plain(format!("to {}  ", line.destination)),
        plain(format!("{}, {}", line.signal.as_str(), many(line.records, "record"))),
        piece(Ink::Dim, format!("  {batches} {}", line.batches.join(", "))),
    ];
    let _ = writeln!(out, "{}", paint(style, &head));
    let Some(request) = &line.request else {
        out.push_str("  too long to be shown\n");
        return out;
    };
    for entry in entries(request) {
        let time = entry.time.map(|nanos| clock(nanos, style)).unwrap_or_default();
        let head =
            [piece(Ink::Dim, format!("  {time}{}", if time.is_empty() { "" } else { "  " })), plain(&entry.name)];
        let _ = writeln!(out, "{}", paint(style, &head));
        wrapped(&entry.values, style, &mut out);
    }
    for Finding { rule, place, count } in &line.findings {
        let words = format!("  taken out: {} of rule {rule} in {place}", many(*count, "secret"));
        let _ = writeln!(out, "{}", paint(style, &[piece(Ink::Held, words)]));
    }
    out
}

fn clock(nanos: u64, style: &Style) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanos))
        .map(|at| at.to_zoned(style.time_zone.clone()).strftime("%H:%M:%S%.3f").to_string())
        .unwrap_or_default()
}

/// `name=value`, as many on a line as fit; what is longer than a line goes on in the next, whole.
fn wrapped(values: &[(String, String)], style: &Style, out: &mut String) {
    let room = style.width.saturating_sub(INDENT).max(20);
    let indent = " ".repeat(INDENT);
    let mut line = String::new();
    let mut end = |line: &mut String| {
        if !line.is_empty() {
            let _ = writeln!(out, "{indent}{}", line.trim_end());
            line.clear();
        }
    };
    for (name, value) in values {
        let pair = printable(&format!("{name}={value}"), usize::MAX).to_string();
        let wide = pair.width();
        if !line.is_empty() && line.width() + 2 + wide > room {
            end(&mut line);
        }
        if wide <= room {
            if !line.is_empty() {
                line.push_str("  ");
            }
            line.push_str(&pair);
            continue;
        }
        for char in pair.chars() {
            if line.width() + unicode_width::UnicodeWidthChar::width(char).unwrap_or(0) > room {
                end(&mut line);
            }
            line.push(char);
        }
    }
    end(&mut line);
}

/// One request as an object on a line.
pub fn preview_json(line: &PreviewLine) -> String {
    safe(&serde_json::to_string(line).unwrap_or_default()) + "\n"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn line(request: &Value, signal: Signal) -> PreviewLine {
        let batch = "7f1e0000-0000-4000-8000-000000000001".to_owned();
        PreviewLine::new("org".to_owned(), signal, vec![batch], 1, Some(&request.to_string()))
    }

    fn attribute(key: &str, value: &str) -> Value {
        json!({ "key": key, "value": { "stringValue": value } })
    }

    fn logs(command: &str) -> Value {
        json!({ "resourceLogs": [{
            "resource": { "attributes": [attribute("service.name", "claude-code")] },
            "scopeLogs": [{ "logRecords": [{
                "timeUnixNano": "1768000000123000000",
                "body": { "stringValue": "claude_code.tool_result" },
                "attributes": [
                    attribute("event.name", "tool_result"),
                    attribute("tool_parameters", command),
                    { "key": "success", "value": { "boolValue": true } },
                    { "key": "duration_ms", "value": { "intValue": "17" } },
                ],
            }] }],
        }] })
    }

    #[test]
    fn a_request_is_shown_with_all_that_stands_in_it_and_what_was_taken_out() {
        let command =
            "curl -u deploy:[REDACTED:curl-user:0123abcd] https://example.com -H 'x: [REDACTED:token]' && echo done";
        let line = line(&logs(command), Signal::Logs);
        insta::assert_snapshot!(preview(&line, &Style::PLAIN), @r"
        to org  logs, 1 record  batch 7f1e0000-0000-4000-8000-000000000001
          resource
            service.name=claude-code
          23:06:40.123  tool_result
            tool_parameters=curl -u deploy:[REDACTED:curl-user:0123abcd] https://example
            .com -H 'x: [REDACTED:token]' && echo done  success=true  duration_ms=17
          taken out: 1 secret of rule curl-user in tool_result.tool_parameters
          taken out: 1 secret of rule token in tool_result.tool_parameters
        ");
        assert_eq!(line.findings.len(), 2);
    }

    #[test]
    fn points_and_spans_are_shown_with_value_and_duration() {
        let metrics = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{
            "name": "claude_code.cost.usage", "unit": "USD",
            "sum": { "dataPoints": [{ "timeUnixNano": "1768000000123000000", "asDouble": 0.25, "attributes": [attribute("model", "m")] }] },
        }] }] }] });
        insta::assert_snapshot!(preview(&line(&metrics, Signal::Metrics), &Style::PLAIN), @r"
        to org  metrics, 1 record  batch 7f1e0000-0000-4000-8000-000000000001
          resource
          23:06:40.123  claude_code.cost.usage
            value=0.25 USD  model=m
        ");
        let spans = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{
            "name": "claude_code.tool", "startTimeUnixNano": "1768000000000000000", "endTimeUnixNano": "1768000000250000000",
            "attributes": [attribute("tool_name", "Bash")], "status": { "message": "no" },
            "events": [{ "name": "tool.output", "timeUnixNano": "1768000000200000000", "attributes": [attribute("output", "x")] }],
        }] }] }] });
        insta::assert_snapshot!(preview(&line(&spans, Signal::Traces), &Style::PLAIN), @r"
        to org  traces, 1 record  batch 7f1e0000-0000-4000-8000-000000000001
          resource
          23:06:40.000  claude_code.tool
            duration=250 ms  tool_name=Bash  status.message=no
          23:06:40.200  tool.output
            output=x
        ");
    }

    proptest! {
        #[test]
        fn nothing_is_left_out_and_no_line_is_too_wide(command in "\\PC{0,300}", width in 40_usize..120) {
            let style = Style { width, ..Style::PLAIN };
            let shown = preview(&line(&logs(&command), Signal::Logs), &style);
            for line in shown.lines() {
                prop_assert!(line.width() <= width, "{line:?}");
            }
            let whole = |text: &str| text.chars().filter(|char| !char.is_whitespace()).collect::<String>();
            let clean = printable(&format!("tool_parameters={command}"), usize::MAX).to_string();
            prop_assert!(whole(&shown).contains(&whole(&clean)), "{shown}");
        }
    }
}
