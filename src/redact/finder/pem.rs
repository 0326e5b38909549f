//! Private keys: PEM and PGP blocks, SSH2 and PuTTY files, and PEM that was encoded once more.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::context::floor;

/// What is searched for.
pub(super) const ANCHORS: [&str; 5] =
    ["---- BEGIN ", "-----BEGIN", "Private-Lines:", "LS0tLS1CRUdJTi", "LS0tLSBCRUdJTi"];

/// The longest block that is looked for the end of, in bytes.
const MAX_BLOCK: usize = 256 * 1024;

/// The block that an anchor begins, if it is a private key. A block without an end goes on to the end of what can
/// belong to it: the text was cut.
pub(super) fn at(text: &str, start: usize, anchor: &str) -> Option<Range<usize>> {
    let rest = text.get(start..floor(text, start.saturating_add(MAX_BLOCK)))?;
    match anchor {
        "Private-Lines:" => {
            let head = anchor.len();
            let end = rest.find("Private-MAC").unwrap_or_else(|| head + body(rest.get(head..).unwrap_or_default()));
            Some(start + head..start + end)
        }
        "LS0tLS1CRUdJTi" | "LS0tLSBCRUdJTi" => {
            // `PRIVATE`, in the three ways that base64 can write it: near the beginning, and only then is the end looked for.
            let near = rest.bytes().take(120).take_while(|byte| is_base64(*byte)).count();
            let head = rest.get(..near)?;
            if !["UFJJVkFURS", "BSSVZBVE", "QUklWQVRF"].iter().any(|part| head.contains(part)) {
                return None;
            }
            Some(start..start + rest.bytes().take_while(|byte| is_base64(*byte)).count())
        }
        _ => {
            let label_from = anchor.len();
            let label_window = rest.get(label_from..floor(rest, label_from + 64))?;
            // A header that was cut in itself.
            let is_label = |byte: &u8| byte.is_ascii_alphanumeric() || b" -_.".contains(byte);
            let label_window = label_window.get(..label_window.bytes().take_while(is_label).count())?;
            let dashes = find(label_window, "---");
            let label = label_window.get(..dashes.unwrap_or(label_window.len()))?;
            find(label, "PRIVATE")?;
            let head = label_from + label.len();
            let behind = rest.get(head..)?;
            // A header of another block comes first: this one was cut.
            let next = BEGIN.find_iter(behind.as_bytes()).find(|at| {
                let before = behind.as_bytes().get(..*at).unwrap_or_default();
                before.ends_with(b"-") || before.ends_with(b"- ")
            });
            let until = behind.get(..next.unwrap_or(behind.len()))?;
            let end = find(until, "-END ").or_else(|| find(until, "- END "));
            let end = match end.filter(|end| !goes_over_borders(until.get(..*end).unwrap_or_default())) {
                Some(at) => {
                    let tail = behind.get(at..)?;
                    let tail = tail.get(5..)?;
                    let tail = tail.get(..tail.bytes().take_while(is_label).count())?;
                    let label = find(tail, "--").map(|dashes| at + 5 + dashes);
                    let stop = label.unwrap_or(at + 5);
                    stop + behind.get(stop..)?.bytes().take(5).take_while(|byte| *byte == b'-').count()
                }
                // The hyphens before another header are that one's.
                None if next.is_some() => body(until.trim_end_matches(['-', ' '])),
                None => body(until),
            };
            Some(start..start + head + end)
        }
    }
}

/// Prepared once, since every key needs it.
static BEGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("BEGIN "));

fn find(text: &str, piece: &str) -> Option<usize> {
    memchr::memmem::find(text.as_bytes(), piece.as_bytes())
}

/// How many characters the lines of a key have at least, but for the last.
const LINE: usize = 40;

/// How far a key's body goes on: base64, white space, escapes, and the lines `Proc-Type: …` before it.
///
/// It may stand in several strings, a line in each, but goes over no border of JSON: behind the string in which it
/// began there are names with their values, and numbers and words outside of strings.
fn body(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut last = 0;
    let mut outside = false;
    while let Some(byte) = bytes.get(at).copied() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| is_base64(**byte) || **byte == b'-').count();
        if length > 0 {
            if outside && length < LINE || is_name(rest.get(length..).unwrap_or_default()) {
                break;
            }
            at += length;
            last = at;
            continue;
        }
        match byte {
            b'"' => {
                outside = !outside;
                at += 1;
            }
            b' ' | b'\n' | b'\r' | b'\t' | b'\\' | b'\'' | b'+' | b',' | b':' | b'(' | b')' | b'.' | b'*' | b'#'
            | b'>' | b';' | b'|' => at += 1,
            _ => break,
        }
        // Prose has begun: a gap of its own.
        if at - last > 24 {
            break;
        }
    }
    last
}

/// Whether there is more in a text than the inside of strings and what separates the lines of a list: names, other lists.
fn goes_over_borders(text: &str) -> bool {
    let bytes = text.as_bytes();
    let quotes = memchr::memchr_iter(b'"', bytes);
    let ends = quotes.clone().step_by(2);
    let begins = quotes.skip(1).step_by(2).chain([bytes.len()]);
    ends.zip(begins).any(|(end, begin)| {
        let between = bytes.get(end + 1..begin).unwrap_or_default();
        between.iter().any(|byte| b"[]{}:".contains(byte))
    })
}

/// Whether a string ends here that is a name of JSON, however deep.
fn is_name(behind: &[u8]) -> bool {
    let quote = behind.iter().take(128).take_while(|byte| **byte == b'\\').count();
    let blanks = behind.iter().skip(quote + 1).take_while(|byte| byte.is_ascii_whitespace()).count();
    behind.get(quote) == Some(&b'"') && behind.get(quote + 1 + blanks) == Some(&b':')
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_')
}

#[cfg(test)]
mod tests;
