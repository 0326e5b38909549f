//! Counts what a body would become, over its raw bytes, before anything is allocated for it.

use super::{DecodeError, Signal};

/// The messages of the OTLP protocol that can repeat, by what they hold (opentelemetry-proto 1.x, field numbers).
///
/// Each kind of its own: bytes taken for a message that they are not would end the walk before prost's.
#[derive(Clone, Copy)]
enum Message {
    Request,
    Resource,
    ResourceRecords,
    ScopeRecords,
    Scope,
    LogRecord,
    Metric,
    /// A sum or a gauge; field 1 of any metric data is its points.
    Numbers,
    Histogram,
    Exponential,
    Summary,
    NumberPoint,
    HistogramPoint,
    ExponentialPoint,
    SummaryPoint,
    Buckets,
    Exemplar,
    EntityRef,
    Span,
    SpanEvent,
    SpanLink,
    KeyValue,
    AnyValue,
    ArrayValue,
    KeyValueList,
    /// A message without repeated messages inside.
    Leaf,
}

impl Message {
    /// What a length-delimited field of this message is, if it is a message.
    fn field(self, number: u64, signal: Signal) -> Option<Self> {
        Some(match (self, number) {
            (Self::Request, 1) => Self::ResourceRecords,
            (Self::ResourceRecords, 1) => Self::Resource,
            (Self::ResourceRecords, 2) => Self::ScopeRecords,
            (Self::Resource, 1) | (Self::Scope, 3) => Self::KeyValue,
            (Self::Resource, 3) => Self::EntityRef,
            (Self::ScopeRecords, 1) => Self::Scope,
            (Self::ScopeRecords, 2) => match signal {
                Signal::Logs => Self::LogRecord,
                Signal::Metrics => Self::Metric,
                Signal::Traces => Self::Span,
            },
            (Self::LogRecord, 5) | (Self::KeyValue, 2) | (Self::ArrayValue, 1) => Self::AnyValue,
            (Self::LogRecord, 6) | (Self::Span, 9) | (Self::KeyValueList, 1) => Self::KeyValue,
            (Self::Metric, 5 | 7) => Self::Numbers,
            (Self::Metric, 9) => Self::Histogram,
            (Self::Metric, 10) => Self::Exponential,
            (Self::Metric, 11) => Self::Summary,
            (Self::Metric, 12) => Self::KeyValue,
            (Self::Numbers, 1) => Self::NumberPoint,
            (Self::Histogram, 1) => Self::HistogramPoint,
            (Self::Exponential, 1) => Self::ExponentialPoint,
            (Self::Summary, 1) => Self::SummaryPoint,
            (Self::NumberPoint | Self::SummaryPoint, 7) | (Self::HistogramPoint, 9) | (Self::ExponentialPoint, 1) => {
                Self::KeyValue
            }
            (Self::NumberPoint, 5) | (Self::HistogramPoint, 8) | (Self::ExponentialPoint, 11) => Self::Exemplar,
            (Self::ExponentialPoint, 8 | 9) => Self::Buckets,
            (Self::SummaryPoint, 6) => Self::Leaf,
            (Self::Exemplar, 7) | (Self::SpanEvent, 3) | (Self::SpanLink, 4) => Self::KeyValue,
            (Self::Span, 11) => Self::SpanEvent,
            (Self::Span, 13) => Self::SpanLink,
            (Self::AnyValue, 5) => Self::ArrayValue,
            (Self::AnyValue, 6) => Self::KeyValueList,
            _ => return None,
        })
    }

    /// How many scalars a field may add to a list, if it holds `length` bytes (None: it is a single number).
    ///
    /// Keys of an entity are strings, 24 bytes each for two; bucket counts are varints, eight bytes each for one. The
    /// bounds and counts of a plain histogram take as much on the wire as decoded: the size of a body bounds them.
    fn scalars(self, number: u64, length: Option<usize>) -> usize {
        match (self, number) {
            (Self::EntityRef, 3 | 4) => 1,
            (Self::Buckets, 2) => length.unwrap_or(1),
            _ => 0,
        }
    }
}

/// How deep prost decodes before it gives up; deeper bodies are left to its error.
const MAX_DEPTH: usize = 100;

/// Walks the wire format (protobuf "Encoding" page) and fails when more than `max` messages and scalars of lists would
/// be decoded.
///
/// Groups, which OTLP does not have and prost passes over, are refused. Other broken bytes end the walk quietly: prost
/// says what is wrong with them.
pub(super) fn check_protobuf(signal: Signal, body: &[u8], max: usize) -> Result<(), DecodeError> {
    let mut left = max;
    let mut count = |items: usize| {
        left = left.checked_sub(items).ok_or(DecodeError::TooManyItems)?;
        Ok(())
    };
    // Each level: what is left of the message, and which message it is.
    let mut stack = vec![(body, Message::Request)];
    while let Some((mut rest, message)) = stack.pop() {
        while !rest.is_empty() {
            let Some((tag, after)) = varint(rest) else { return Ok(()) };
            rest = after;
            let number = tag >> 3;
            let skipped = match tag & 7 {
                0 => {
                    count(message.scalars(number, None))?;
                    varint(rest).map(|(_, after)| after)
                }
                1 => rest.get(8..),
                5 => rest.get(4..),
                2 => {
                    let Some((length, after)) = varint(rest) else { return Ok(()) };
                    let Ok(length) = usize::try_from(length) else { return Ok(()) };
                    let Some((inner, after)) = after.split_at_checked(length) else { return Ok(()) };
                    count(message.scalars(number, Some(length)))?;
                    if let Some(child) = message.field(number, signal) {
                        count(1)?;
                        if stack.len() < MAX_DEPTH {
                            // The child is walked first; its parent waits on the stack.
                            stack.push((after, message));
                            stack.push((inner, child));
                            break;
                        }
                    }
                    Some(after)
                }
                3 | 4 => return Err(DecodeError::Malformed(signal)),
                _ => None,
            };
            let Some(after) = skipped else { return Ok(()) };
            rest = after;
        }
    }
    Ok(())
}

/// Counts objects, arrays and commas outside strings: each value of a body has one of them before it.
pub(super) fn check_json(body: &[u8], max: usize) -> Result<(), DecodeError> {
    let (mut seen, mut in_string, mut escaped) = (0, false, false);
    for byte in body {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[' | b',') => {
                seen += 1;
                if seen > max {
                    return Err(DecodeError::TooManyItems);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A base-128 varint of at most ten bytes, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(index * 7).ok()?).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}
