//! An OTLP export request in, the same request redacted out, in the encoding that it came in.

use std::io::{Read as _, Write};

use super::{Done, FilterError, Input, unreadable};
use crate::otlp::{self, DecodeError, Encoding, MAX_BODY_BYTES, Signal};
use crate::redact::{CaptureLevel, Outcome, Policy, Redactor};

/// Redacts one body.
pub(super) fn filter(
    redactor: &Redactor,
    signal: Signal,
    level: CaptureLevel,
    input: Input,
    output: &mut impl Write,
    done: &mut Done,
) -> Result<(), FilterError> {
    let (name, mut body) = (input.name.clone(), Vec::new());
    input.take(MAX_BODY_BYTES as u64 + 1).read_to_end(&mut body).map_err(unreadable(&name))?;
    let (batch, encoding) = decode(signal, &body).map_err(|error| FilterError::Input(format!("{name}: {error}")))?;
    let Outcome { batch, findings, findings_unlisted, .. } = redactor.batch(batch, &Policy::of(level));
    done.found += findings.len() as u64 + findings_unlisted;
    match encoding {
        Encoding::Protobuf => output.write_all(&otlp::encode(batch.get()))?,
        Encoding::Json => {
            output.write_all(&otlp::encode_json(batch.get()))?;
            output.write_all(b"\n")?;
        }
    }
    Ok(())
}

/// Protobuf or JSON, whichever it is.
///
/// A request in protobuf begins with the byte 0x0a, which JSON takes for a line break; and `{` may be the length behind
/// it. So what begins with 0x0a is JSON only if it is no protobuf.
fn decode(signal: Signal, body: &[u8]) -> Result<(otlp::Batch, Encoding), DecodeError> {
    let json = body.trim_ascii_start().starts_with(b"{");
    if !json || body.starts_with(b"\n") {
        match otlp::decode_protobuf(signal, body) {
            Err(DecodeError::Malformed(_)) if json => {}
            result => return Ok((result?, Encoding::Protobuf)),
        }
    }
    Ok((otlp::decode_json(signal, body)?, Encoding::Json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_told_from_the_body() {
        let json = br#"{"resourceLogs":[]}"#;
        let spaced = [b"\n  ", &json[..]].concat();
        // ResourceLogs of 0x7b bytes: its schema URL (3) is 121 bytes long. It begins as "\n{".
        let protobuf = [&b"\x0a\x7b\x1a\x79"[..], &[b'x'; 121]].concat();
        for (body, encoding) in [
            (&json[..], Encoding::Json),
            (&spaced, Encoding::Json),
            (&protobuf, Encoding::Protobuf),
            (&[], Encoding::Protobuf),
        ] {
            assert_eq!(decode(Signal::Logs, body).unwrap().1, encoding, "{body:?}");
        }
        assert!(decode(Signal::Logs, b"neither").is_err());
    }
}
