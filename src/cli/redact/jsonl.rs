//! JSON Lines in, JSON Lines out, in the same order.

use std::borrow::Cow;
use std::io::{Read as _, Write};
use std::time::Duration;

use memchr::memchr_iter;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Done, FilterError, Input, Source as _, unreadable};
use crate::redact::{Masked, Redactor};

/// How much is read at once, in bytes.
const READ: usize = 256 << 10;

/// The longest line, in bytes.
const MAX_LINE: usize = 64 << 20;

/// A line as it is read. Other members are ignored.
#[derive(Deserialize)]
struct Asked<'a> {
    /// Anything; given back as it is written.
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// A line as it is written.
#[derive(Serialize)]
struct Answer<'a> {
    id: &'a RawValue,
    text: &'a str,
    #[serde(serialize_with = "findings")]
    findings: &'a [Masked],
}

/// A finding: bytes of the text as it was read.
#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    start: usize,
    end: usize,
}

fn findings<S: Serializer>(masked: &[Masked], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(masked.iter().map(|masked| Finding {
        rule: masked.rule.as_str(),
        start: masked.span.start,
        end: masked.span.end,
    }))
}

/// Redacts line by line. What was answered is passed on whenever nothing more is waiting to be read.
pub(super) fn filter(
    redactor: &Redactor,
    mut input: Input,
    output: &mut impl Write,
    done: &mut Done,
) -> Result<(), FilterError> {
    let name = input.name.clone();
    let mut held = Vec::new();
    let mut number = 0;
    loop {
        if !input.ready(Duration::ZERO) {
            output.flush()?;
        }
        let before = held.len();
        held.resize(before + READ, 0);
        let count = input.read(held.get_mut(before..).unwrap_or_default()).map_err(unreadable(&name))?;
        held.truncate(before + count);
        let mut start = 0;
        for end in memchr_iter(b'\n', held.get(before..).unwrap_or_default()) {
            number += 1;
            line(redactor, held.get(start..before + end).unwrap_or_default(), number, output, done)?;
            start = before + end + 1;
        }
        held.drain(..start);
        if count == 0 {
            return line(redactor, &held, number + 1, output, done);
        }
        if held.len() > MAX_LINE {
            return Err(FilterError::Input(format!("line {}: longer than {MAX_LINE} bytes", number + 1)));
        }
    }
}

fn line(
    redactor: &Redactor,
    line: &[u8],
    number: u64,
    output: &mut impl Write,
    done: &mut Done,
) -> Result<(), FilterError> {
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    // The parser's words may repeat what stands there.
    let Asked { id, text } = serde_json::from_slice(line).map_err(|error| {
        let column = error.column();
        FilterError::Input(format!("line {number}, column {column}: not an object with \"id\" and a string \"text\""))
    })?;
    let (text, masked) = redactor.text(&text);
    done.found += masked.len() as u64;
    let answer = Answer { id, text: &text, findings: &masked };
    serde_json::to_writer(&mut *output, &answer).map_err(std::io::Error::from)?;
    output.write_all(b"\n")?;
    Ok(())
}
