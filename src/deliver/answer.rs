//! What an endpoint's answer says, taken from bytes that may be anything.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::Value;

use super::retry::AnswerBody;
use crate::otlp::Signal;

/// The most that is kept of a message that an endpoint sends, in characters.
pub const MAX_MESSAGE_CHARS: usize = 200;

/// Reads the body of a successful answer.
///
/// Some endpoints answer JSON to protobuf, or name no type: what decodes is taken. What calls itself text is not.
pub(super) fn read(signal: Signal, content_type: Option<&str>, body: &[u8]) -> AnswerBody {
    if body.is_empty() {
        return AnswerBody::Empty;
    }
    let kind = content_type.unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let read = match kind.as_str() {
        "application/json" => json(signal, body),
        text if text.starts_with("text/") => None,
        _ => protobuf(signal, body).or_else(|| json(signal, body)),
    };
    match read {
        Some((rejected, message)) => {
            let message = printable(&message);
            AnswerBody::Otlp {
                rejected: u64::try_from(rejected).unwrap_or(0),
                message: (!message.is_empty()).then_some(message),
            }
        }
        None => AnswerBody::Foreign,
    }
}

fn protobuf(signal: Signal, body: &[u8]) -> Option<(i64, String)> {
    let partial = match signal {
        Signal::Logs => ExportLogsServiceResponse::decode(body)
            .ok()?
            .partial_success
            .map(|partial| (partial.rejected_log_records, partial.error_message)),
        Signal::Metrics => ExportMetricsServiceResponse::decode(body)
            .ok()?
            .partial_success
            .map(|partial| (partial.rejected_data_points, partial.error_message)),
        Signal::Traces => ExportTraceServiceResponse::decode(body)
            .ok()?
            .partial_success
            .map(|partial| (partial.rejected_spans, partial.error_message)),
    };
    Some(partial.unwrap_or_default())
}

/// `{}` or `{"partialSuccess": {…}}`; 64-bit integers are strings in OTLP JSON, but not everywhere.
fn json(signal: Signal, body: &[u8]) -> Option<(i64, String)> {
    let Ok(Value::Object(answer)) = serde_json::from_slice(body) else { return None };
    if answer.keys().any(|key| key != "partialSuccess") {
        return None;
    }
    let Some(partial) = answer.get("partialSuccess") else { return Some((0, String::new())) };
    let key = match signal {
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
        Signal::Traces => "rejectedSpans",
    };
    let rejected = match partial.get(key) {
        Some(Value::Number(number)) => number.as_i64().unwrap_or(0),
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        _ => 0,
    };
    let message = partial.get("errorMessage").and_then(Value::as_str).unwrap_or("").to_owned();
    Some((rejected, message))
}

/// One bounded line of visible ASCII: what is not becomes `?`, blanks are one space.
///
/// Strict, because an endpoint's words may end on a terminal.
fn printable(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }).take(MAX_MESSAGE_CHARS));
        if line.len() > MAX_MESSAGE_CHARS {
            line.truncate(MAX_MESSAGE_CHARS);
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn otlp(rejected: u64, message: Option<&str>) -> AnswerBody {
        AnswerBody::Otlp { rejected, message: message.map(str::to_owned) }
    }

    #[test]
    fn what_is_empty_or_otlp_is_told_from_anything_else() {
        let protobuf = Some("application/x-protobuf");
        let json = Some("application/json; charset=utf-8");
        for (content_type, body, want) in [
            (None, &b""[..], AnswerBody::Empty),
            (Some("text/html"), b"", AnswerBody::Empty),
            (protobuf, b"\x0a\x00", otlp(0, None)),
            (protobuf, b"\x0a\x06\x08\x03\x12\x02hi", otlp(3, Some("hi"))),
            (None, b"\x0a\x06\x08\x03\x12\x02hi", otlp(3, Some("hi"))),
            (json, b"{}", otlp(0, None)),
            (protobuf, b"{}", otlp(0, None)),
            (json, br#"{"partialSuccess":{}}"#, otlp(0, None)),
            (json, br#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"old"}}"#, otlp(2, Some("old"))),
            (json, br#"{"partialSuccess":{"rejectedLogRecords":2}}"#, otlp(2, None)),
            (json, br#"{"partialSuccess":{"rejectedLogRecords":-2}}"#, otlp(0, None)),
            (json, br#"{"error":"login"}"#, AnswerBody::Foreign),
            (json, b"[]", AnswerBody::Foreign),
            (Some("text/html"), b"<!doctype html><title>Sign in</title>", AnswerBody::Foreign),
            (protobuf, b"<html>", AnswerBody::Foreign),
            (None, b"OK", AnswerBody::Foreign),
            (Some("text/plain"), b"\x0a\x00", AnswerBody::Foreign),
        ] {
            assert_eq!(read(Signal::Logs, content_type, body), want, "{content_type:?} {body:?}");
        }
    }

    #[test]
    fn an_endpoint_cannot_write_on_a_terminal() {
        assert_eq!(printable(" a\x1b[31mred\x07\n\tb\u{202e}c\u{9b}2J é "), "a?[31mred? b?c?2J ?");
        assert_eq!(printable(&"x ".repeat(1000)).len(), MAX_MESSAGE_CHARS);
        assert_eq!(printable(&"é".repeat(1000)).len(), MAX_MESSAGE_CHARS);
    }
}
