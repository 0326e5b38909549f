//! What stands in front of a command that was shown, and is none of it: a prompt, a mark of a diff, the number of a line.

use super::naming::is_front;
use super::{lookup, wrappers};

/// How long a prompt that shows a directory may be, in bytes.
const MAX_PROMPT: usize = 160;

/// The length of what stands in front of the command that a line shows; `line` begins where its line does.
pub(super) fn length(line: &str) -> usize {
    let bytes = line.as_bytes();
    match bytes.first() {
        Some(b'0'..=b'9' | b' ' | b'\t') => number(line),
        Some(b'>') => quoted(line),
        Some(b'P') if bytes.starts_with(b"PS ") => match directory(line.get(3..).unwrap_or_default(), true) {
            0 => 0,
            length => 3 + length,
        },
        Some(b'A'..=b'Z') if bytes.get(1) == Some(&b':') => directory(line, false),
        Some(b'+' | b'-') => mark(line),
        _ => 0,
    }
}

/// `  12\u{2192}`, and what else stands in front of the command behind it.
fn number(line: &str) -> usize {
    let blanks = line.bytes().take(16).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let digits = line.bytes().skip(blanks).take(8).take_while(u8::is_ascii_digit).count();
    let behind = line.get(blanks + digits..).unwrap_or_default();
    match behind.strip_prefix('\u{2192}') {
        Some(rest) if digits > 0 => line.len() - rest.len(),
        _ if digits == 0 && behind.starts_with("> ") => blanks + quoted(behind),
        _ => 0,
    }
}

/// `> `, `>>> `: of a shell, of Python, of a quoted message. `>FILE` is none.
fn quoted(line: &str) -> usize {
    let marks = line.bytes().take(4).take_while(|byte| *byte == b'>').count();
    if marks < 4 && line.as_bytes().get(marks) == Some(&b' ') { marks + 1 } else { 0 }
}

/// `C:\Users\bob> ` and `/home/bob> ` of PowerShell and `cmd`.
fn directory(line: &str, power: bool) -> usize {
    let near = line.as_bytes().iter().take(MAX_PROMPT);
    let Some(end) = near.clone().position(|byte| matches!(byte, b'>' | b'\n' | b'"' | b'\'' | b'|' | b'<')) else {
        return 0;
    };
    let path = line.get(..end).unwrap_or_default();
    let begins = path.get(1..).is_some_and(|rest| rest.starts_with(":\\")) || power && path.starts_with(['/', '~']);
    let marks = near.skip(end).take_while(|byte| **byte == b'>').count();
    if line.as_bytes().get(end) == Some(&b'>') && begins { end + marks } else { 0 }
}

/// `+` and `-` of a diff, without a blank between them and the command.
fn mark(line: &str) -> usize {
    let rest = line.get(1..).unwrap_or_default();
    let word = rest.get(..rest.bytes().take(40).take_while(|byte| !byte.is_ascii_whitespace()).count());
    let word = word.unwrap_or_default();
    let runs = lookup::is_known(word) || wrappers::is_known(word) || is_front(word) && !word.is_empty();
    usize::from(runs || line.starts_with('+') && matches!(word, "export" | "echo" | "printf" | "read"))
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn what_stands_in_front_of_a_command_is_left_out() {
        for (line, front) in [
            ("mysql -uroot", ""),
            ("> curl -u bob", "> "),
            (">>> import os", ">>> "),
            (">file", ""),
            ("12\u{2192}mysql", "12\u{2192}"),
            ("   7\u{2192}  mysql", "   7\u{2192}"),
            ("  > curl", "  > "),
            ("12 curl", ""),
            ("PS C:\\Users\\bob> mysql", "PS C:\\Users\\bob>"),
            ("PS /home/bob> mysql", "PS /home/bob>"),
            ("C:\\app>mysql", "C:\\app>"),
            ("PS 1> mysql", ""),
            ("-mysql -uroot", "-"),
            ("+RUN mysql", "+"),
            ("-p secret", ""),
            ("--password x", ""),
            ("", ""),
        ] {
            assert_eq!(line.get(..length(line)), Some(front), "{line}");
        }
    }
}
