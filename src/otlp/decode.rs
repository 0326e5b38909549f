//! One request body becomes one batch, or a reason why not.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::{Batch, Signal, budget};

/// The largest body that is decoded, before and after inflation, in bytes.
///
/// By Claude Code's own limits (512 records of 60 KB) one request can reach 31 MB.
pub const MAX_BODY_BYTES: usize = 64 << 20;

/// The most messages that one body may hold, nested ones included, and small numbers and strings in lists.
///
/// Sixteen megabytes of empty `ResourceLogs` would decode to eight million messages and 833 MB; a real request of
/// the largest size seen holds under 200,000.
pub const MAX_ITEMS: usize = 1_000_000;

/// How a body is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encoding {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

/// Why a body is no batch. What it held is not repeated.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecodeError {
    /// More than [`MAX_BODY_BYTES`].
    #[error("body of {bytes} bytes is larger than {MAX_BODY_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// More than [`MAX_ITEMS`].
    #[error("body holds more than {MAX_ITEMS} items")]
    TooManyItems,
    /// Not the protobuf or JSON of this signal's request.
    #[error("body is not a valid {signal} request", signal = .0.as_str())]
    Malformed(Signal),
}

/// Decodes one request body of either encoding.
pub fn decode(signal: Signal, encoding: Encoding, body: &[u8]) -> Result<Batch, DecodeError> {
    match encoding {
        Encoding::Protobuf => decode_protobuf(signal, body),
        Encoding::Json => decode_json(signal, body),
    }
}

/// Decodes protobuf. Fields unknown to this version are dropped: what cannot be read cannot be redacted.
pub fn decode_protobuf(signal: Signal, body: &[u8]) -> Result<Batch, DecodeError> {
    check_size(body)?;
    budget::check_protobuf(signal, body, MAX_ITEMS)?;
    let malformed = |_| DecodeError::Malformed(signal);
    Ok(match signal {
        Signal::Logs => Batch::Logs(ExportLogsServiceRequest::decode(body).map_err(malformed)?),
        Signal::Metrics => Batch::Metrics(ExportMetricsServiceRequest::decode(body).map_err(malformed)?),
        Signal::Traces => Batch::Traces(ExportTraceServiceRequest::decode(body).map_err(malformed)?),
    })
}

/// Decodes OTLP JSON. Enumerations by name and `"NaN"` are not understood and make the body malformed.
pub fn decode_json(signal: Signal, body: &[u8]) -> Result<Batch, DecodeError> {
    check_size(body)?;
    budget::check_json(body, MAX_ITEMS)?;
    let malformed = |_| DecodeError::Malformed(signal);
    Ok(match signal {
        Signal::Logs => Batch::Logs(serde_json::from_slice(body).map_err(malformed)?),
        Signal::Metrics => Batch::Metrics(serde_json::from_slice(body).map_err(malformed)?),
        Signal::Traces => Batch::Traces(serde_json::from_slice(body).map_err(malformed)?),
    })
}

/// Encodes a batch as protobuf.
pub fn encode(batch: &Batch) -> Vec<u8> {
    match batch {
        Batch::Logs(request) => request.encode_to_vec(),
        Batch::Metrics(request) => request.encode_to_vec(),
        Batch::Traces(request) => request.encode_to_vec(),
    }
}

/// Encodes a batch as OTLP JSON.
pub fn encode_json(batch: &Batch) -> Vec<u8> {
    let encoded = match batch {
        Batch::Logs(request) => serde_json::to_vec(request),
        Batch::Metrics(request) => serde_json::to_vec(request),
        Batch::Traces(request) => serde_json::to_vec(request),
    };
    // The messages have only keys that are strings, so this cannot fail.
    encoded.unwrap_or_default()
}

fn check_size(body: &[u8]) -> Result<(), DecodeError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(DecodeError::TooLarge { bytes: body.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_empty_messages_is_refused_before_it_is_decoded() {
        let flood = [0x0a, 0x00].repeat(MAX_ITEMS + 1);
        for signal in Signal::ALL {
            assert_eq!(decode_protobuf(signal, &flood), Err(DecodeError::TooManyItems));
        }
        let json = format!("{{\"resourceLogs\":[{}{{}}]}}", "{},".repeat(MAX_ITEMS));
        assert_eq!(decode_json(Signal::Logs, json.as_bytes()), Err(DecodeError::TooManyItems));
    }

    /// A field of wire type 2, around what is in it.
    fn around(number: u8, inner: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2];
        prost::encoding::encode_varint(inner.len() as u64, &mut field);
        field.extend(inner);
        field
    }

    #[test]
    fn a_group_does_not_hide_what_follows_it() {
        // Field 99: a group begins, and ends.
        let group = [0x9b, 0x06, 0x9c, 0x06];
        let flood = [&group[..], &[0x0a, 0x00].repeat(MAX_ITEMS + 1)].concat();
        for signal in Signal::ALL {
            assert_eq!(decode_protobuf(signal, &flood), Err(DecodeError::Malformed(signal)));
            assert_eq!(decode_protobuf(signal, &around(1, &group)), Err(DecodeError::Malformed(signal)));
        }
    }

    #[test]
    fn a_flood_of_strings_and_numbers_in_lists_is_refused_before_it_is_decoded() {
        // The keys of an entity of a resource.
        for keys in [0x1a, 0x22] {
            let entity = around(1, &around(1, &around(3, &[keys, 0x00].repeat(MAX_ITEMS))));
            for signal in Signal::ALL {
                assert_eq!(decode_protobuf(signal, &entity), Err(DecodeError::TooManyItems));
            }
        }
        // The bucket counts of an exponential histogram, packed and one by one.
        for counts in [around(2, &vec![0; MAX_ITEMS]), [0x10, 0x00].repeat(MAX_ITEMS)] {
            for buckets in [8, 9] {
                let point = around(10, &around(1, &around(buckets, &counts)));
                let request = around(1, &around(2, &around(2, &point)));
                assert_eq!(decode_protobuf(Signal::Metrics, &request), Err(DecodeError::TooManyItems));
            }
        }
    }

    #[test]
    fn numbers_that_look_like_no_message_do_not_hide_what_follows_them() {
        // Bounds (7) and counts (6) of a histogram, and counts of an exponential one (8, then 2).
        let numbers = [0xff; 80];
        for (data, point) in
            [(9, around(7, &numbers)), (9, around(6, &numbers)), (10, around(8, &around(2, &[0x80, 0x01, 0x7f])))]
        {
            let metric = around(1, &around(2, &around(2, &around(data, &around(1, &point)))));
            assert!(decode_protobuf(Signal::Metrics, &metric).is_ok(), "{data} {point:?}");
            let flood = [metric, [0x0a, 0x00].repeat(MAX_ITEMS)].concat();
            assert_eq!(decode_protobuf(Signal::Metrics, &flood), Err(DecodeError::TooManyItems));
        }
    }

    #[test]
    fn garbage_is_malformed_and_never_a_panic() {
        for body in
            [&b"\xff\xff\xff\xff"[..], b"\x0a\x05\x01", b"{", b"[1]", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
        {
            for signal in Signal::ALL {
                assert_eq!(decode(signal, Encoding::Protobuf, body), Err(DecodeError::Malformed(signal)));
                assert_eq!(decode(signal, Encoding::Json, body), Err(DecodeError::Malformed(signal)));
            }
        }
    }

    #[test]
    fn a_cost_in_json_is_read_to_its_last_bit() {
        let cost = 1.386_000_000_000_000_1_f64;
        let point = format!(r#"{{"timeUnixNano":"1","asDouble":{cost}}}"#);
        let metric = format!(r#"{{"name":"m","sum":{{"dataPoints":[{point}]}}}}"#);
        let body = format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{metric}]}}]}}]}}"#);
        let batch = decode(Signal::Metrics, Encoding::Json, body.as_bytes()).unwrap();
        assert!(encode(&batch).windows(8).any(|eight| eight == cost.to_le_bytes()));
    }

    #[test]
    fn nesting_without_end_is_malformed() {
        // AnyValue { array_value (5) { values (1) { … } } }, ten thousand deep, inside body (5) of a log record.
        let mut inner = Vec::new();
        for depth in 0..10_000 {
            inner = around(if depth % 2 == 0 { 5 } else { 1 }, &inner);
        }
        for number in [5, 2, 2, 1] {
            inner = around(number, &inner);
        }
        assert_eq!(decode_protobuf(Signal::Logs, &inner), Err(DecodeError::Malformed(Signal::Logs)));
    }
}
