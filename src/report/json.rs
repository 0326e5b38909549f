//! The document as JSON, fit for a file and a terminal.

use std::fmt::Write;

use super::printable::is_safe;
use super::summary::RunSummary;

/// The document, indented, with a line break at its end.
///
/// What a terminal might act on is written as `\u` escapes, which mean the same to whoever parses it.
pub fn json(summary: &RunSummary) -> String {
    // The document has only keys that are strings, and numbers that JSON has.
    let mut text = safe(&serde_json::to_string_pretty(summary).unwrap_or_default());
    text.push('\n');
    text
}

/// JSON with what a terminal might act on written as `\u` escapes: such characters stand only in strings.
pub fn safe(plain: &str) -> String {
    let mut escaped = String::with_capacity(plain.len());
    for character in plain.chars() {
        if character == '\n' || is_safe(character) {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}
