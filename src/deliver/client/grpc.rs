//! Unary gRPC: one message in a frame, and a status behind the answer.
//!
//! Shapes: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>; details: `google/rpc/status.proto` and
//! `google/rpc/error_details.proto`.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hyper::header::HeaderMap;
use prost::Message;

use crate::otlp::Signal;

/// Base64 with or without its padding: senders do both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The type of the detail that says when to come again.
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// Where a signal is exported to.
pub(super) fn path(signal: Signal) -> &'static str {
    match signal {
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    }
}

/// A message with what stands before it: whether it is compressed, and its length.
pub(super) fn frame(compressed: bool, message: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(message.len()).ok()?;
    let mut frame = Vec::with_capacity(message.len() + 5);
    frame.push(u8::from(compressed));
    frame.extend(length.to_be_bytes());
    frame.extend(message);
    Some(frame)
}

/// The message of an answer. None: it is none, or it is compressed, which we did not offer.
pub(super) fn unframe(body: &[u8]) -> Option<&[u8]> {
    let (&[compressed, a, b, c, d], message) = body.split_first_chunk::<5>()?;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
    (compressed == 0 && message.len() == length).then_some(message)
}

/// What an answer says at its end, or at its beginning where there is nothing else in it.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Status {
    pub code: u32,
    /// When to come again.
    pub retry_delay: Option<Duration>,
    /// The message is about the size of what was sent. It has a code of its own nowhere: grpc-go and gRPC for C++ answer
    /// `RESOURCE_EXHAUSTED`, tonic `OUT_OF_RANGE`.
    pub too_large: bool,
}

/// The status in trailers. None: no gRPC.
pub(super) fn status(trailers: &HeaderMap) -> Option<Status> {
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok());
    let code = text("grpc-status")?.trim().parse().ok()?;
    let message = text("grpc-message").unwrap_or_default().to_ascii_lowercase();
    // Percent-encoded, blanks may be.
    let message = message.replace("%20", " ");
    let too_large =
        ["larger than max", "exceeds maximum size", "too large"].iter().any(|words| message.contains(words));
    let retry_delay = text("grpc-status-details-bin").and_then(retry_delay);
    Some(Status { code, retry_delay, too_large })
}

#[derive(Clone, Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<ProtoDuration>,
}

#[derive(Clone, Copy, Message)]
struct ProtoDuration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

fn retry_delay(details: &str) -> Option<Duration> {
    let bytes = BASE64.decode(details.trim()).ok()?;
    let status = RpcStatus::decode(bytes.as_slice()).ok()?;
    let info = status.details.iter().find(|detail| detail.type_url == RETRY_INFO)?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    let delay = Duration::new(u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?.min(999_999_999));
    (!delay.is_zero()).then_some(delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trailers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn details(seconds: i64, nanos: i32, type_url: &str) -> String {
        let info = RetryInfo { retry_delay: Some(ProtoDuration { seconds, nanos }) };
        let detail = Any { type_url: type_url.to_owned(), value: info.encode_to_vec() };
        BASE64.encode(RpcStatus { details: vec![detail] }.encode_to_vec())
    }

    #[test]
    fn a_message_is_framed_and_found_again() {
        let frame = frame(false, b"abc").unwrap();
        assert_eq!(frame, b"\0\0\0\0\x03abc");
        assert_eq!(unframe(&frame), Some(&b"abc"[..]));
        assert_eq!(unframe(b"\0\0\0\0\0"), Some(&b""[..]));
        for other in [&b""[..], b"\0\0\0\0", b"\x01\0\0\0\x01a", b"\0\0\0\0\x02a", b"\0\xff\xff\xff\xff"] {
            assert_eq!(unframe(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_status_says_when_to_come_again() {
        assert_eq!(status(&trailers(&[])), None);
        assert_eq!(status(&trailers(&[("grpc-status", "x")])), None);
        let ok = Status { code: 0, retry_delay: None, too_large: false };
        assert_eq!(status(&trailers(&[("grpc-status", "0")])), Some(ok));
        let unpadded = details(90, 5, RETRY_INFO).trim_end_matches('=').to_owned();
        for (text, want) in [
            (details(90, 5, RETRY_INFO), Some(Duration::new(90, 5))),
            (unpadded, Some(Duration::new(90, 5))),
            (details(-1, 0, RETRY_INFO), None),
            (details(0, 0, RETRY_INFO), None),
            (details(90, 0, "type.googleapis.com/google.rpc.Help"), None),
            ("%%%".to_owned(), None),
        ] {
            let status = status(&trailers(&[("grpc-status", "14"), ("grpc-status-details-bin", &text)])).unwrap();
            assert_eq!((status.code, status.retry_delay), (14, want), "{text}");
        }
    }

    #[test]
    fn a_message_about_the_size_is_understood_from_every_library() {
        for (message, want) in [
            ("grpc: received message larger than max (5 vs. 4)", true),
            ("gRPC message exceeds maximum size 4194304: 5", true),
            ("Error,%20decoded%20message%20length%20too%20large: found 5 bytes", true),
            ("quota exceeded", false),
        ] {
            let status = status(&trailers(&[("grpc-status", "8"), ("grpc-message", message)])).unwrap();
            assert_eq!(status.too_large, want, "{message}");
        }
    }
}
