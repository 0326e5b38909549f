//! The ways in which a value can be written: escaped, quoted, percent-encoded, in base64, in hexadecimal.

use zeroize::Zeroizing;

/// How many characters at the edges of an encoded value hold bits of what stands beside it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Shared {
    pub(super) before: bool,
    pub(super) after: bool,
}

/// One way in which a value is written.
pub(super) struct Written {
    pub(super) text: Zeroizing<String>,
    pub(super) shared: Shared,
}

impl From<Zeroizing<String>> for Written {
    fn from(text: Zeroizing<String>) -> Self {
        Self { text, shared: Shared::default() }
    }
}

/// Every way in which a value may be written. Most are the same for most values; doubles are left in.
pub(super) fn all(value: &str) -> Vec<Written> {
    let mut texts = vec![copy(value)];
    if !value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        quoted(value, &mut texts);
        percent(value, &mut texts);
    }
    texts.push(hex(value, b"0123456789abcdef"));
    texts.push(hex(value, b"0123456789ABCDEF"));
    let mut all: Vec<Written> = texts.into_iter().map(Written::from).collect();
    for offset in 0..3 {
        all.push(base64(value, offset, *b"+/"));
        all.push(base64(value, offset, *b"-_"));
    }
    all
}

fn copy(value: &str) -> Zeroizing<String> {
    Zeroizing::new(value.to_owned())
}

/// For shells, for JSON, and for JSON with shell words in it, once and twice.
fn quoted(value: &str, texts: &mut Vec<Zeroizing<String>>) {
    let mut words = vec![
        // 'it'\''s' and 'it'"'"'s' (POSIX, 2.2.2); 'it''s' is for PowerShell, SQL and YAML.
        Zeroizing::new(value.replace('\'', "'\\''")),
        Zeroizing::new(value.replace('\'', "'\"'\"'")),
        Zeroizing::new(value.replace('\'', "''")),
        // "…": POSIX, 2.2.3; an interactive shell wants a word on `!` too.
        escape(value, |c| matches!(c, '"' | '\\' | '$' | '`')),
        escape(value, |c| matches!(c, '"' | '\\' | '$' | '`' | '!')),
        // Nothing but backslashes; what bash and zsh escape differs by some characters that need not be.
        escape(value, |c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_@%+=:,./-".contains(c)),
        escape(value, |c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"_@%+:,./-".contains(c)),
        escape(value, |c| " \t\"'\\$`&|;<>()*?[]{}#!~".contains(c)),
        // $'…'
        control(&escape(value, |c| matches!(c, '\'' | '\\'))),
    ];
    words.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    words.dedup();
    texts.extend([json(value, Ascii::Yes, |_| false), json(value, Ascii::No, |c| matches!(c, '<' | '>' | '&'))]);
    texts.push(Zeroizing::new(json(value, Ascii::No, |_| false).replace('/', "\\/")));
    for word in words.iter().map(|word| word.as_str()).chain([value]) {
        let once = json(word, Ascii::No, |_| false);
        texts.push(json(&once, Ascii::No, |_| false));
        texts.push(once);
    }
    texts.append(&mut words);
}

/// A backslash before every character that asks for one.
fn escape(value: &str, asks: impl Fn(char) -> bool) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(value.len() * 2));
    for character in value.chars() {
        if asks(character) {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// Line ends, tabs and escapes as letters.
fn control(value: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(value.len() * 2));
    for character in value.chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{1b}' => text.push_str("\\e"),
            other => text.push(other),
        }
    }
    text
}

/// Whether a writer of JSON keeps to ASCII, as Python's does.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Ascii {
    Yes,
    No,
}

/// The inside of a JSON string (RFC 8259, section 7); some writers escape more than they must, as Go's does `<>&`.
fn json(value: &str, ascii: Ascii, asks: impl Fn(char) -> bool) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(value.len() * 6));
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            other if other < ' ' || asks(other) || (ascii == Ascii::Yes && !other.is_ascii()) => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    text.push_str("\\u");
                    for shift in [12, 8, 4, 0] {
                        text.push(digit(b"0123456789abcdef", usize::from(*unit >> shift)));
                    }
                }
            }
            other => text.push(other),
        }
    }
    text
}

/// Percent-encoded as the usual libraries do it: they agree on letters and digits, and on little else.
fn percent(value: &str, texts: &mut Vec<Zeroizing<String>>) {
    const KEPT: [&str; 6] = [
        // RFC 3986, 2.3.
        "-_.~",
        // ECMAScript: encodeURIComponent and encodeURI.
        "-_.~!*'()",
        "-_.~!*'();/?:@&=+$,#",
        // Python: quote.
        "-_.~/",
        // What need not be encoded between `@` and the scheme (RFC 3986, 3.2.1), and in a query.
        "-_.~!$&'()*+,;=",
        "-_.~!$'()*,;:@/?",
    ];
    for kept in KEPT {
        texts.push(percent_but(value, kept, b"0123456789ABCDEF"));
        texts.push(percent_but(value, kept, b"0123456789abcdef"));
    }
    // Forms (URL Standard, "application/x-www-form-urlencoded"), where a blank is a plus sign.
    for digits in [b"0123456789ABCDEF", b"0123456789abcdef"] {
        for kept in ["-_.*", "-_.~"] {
            texts.push(Zeroizing::new(percent_but(value, kept, digits).replace("%20", "+")));
        }
    }
}

fn percent_but(value: &str, kept: &str, digits: &[u8; 16]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(value.len() * 3));
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push(digit(digits, usize::from(byte >> 4)));
            text.push(digit(digits, usize::from(byte)));
        }
    }
    text
}

fn hex(value: &str, digits: &[u8; 16]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(value.len() * 2));
    for byte in value.bytes() {
        text.push(digit(digits, usize::from(byte >> 4)));
        text.push(digit(digits, usize::from(byte)));
    }
    text
}

/// The digit for the lowest four bits.
fn digit(digits: &[u8; 16], value: usize) -> char {
    digits.get(value & 15).copied().map_or('0', char::from)
}

/// The characters of base64 (RFC 4648, 4 and 5) that depend on the value alone when `offset` bytes, counted modulo
/// three, stand before it. `last` are the characters for 62 and 63.
fn base64(value: &str, offset: usize, last: [u8; 2]) -> Written {
    let bytes = value.as_bytes();
    let bits = bytes.len() * 8;
    // Six bits to a character: the first one begins with bits of what stands before, unless there is nothing.
    let skipped = (6 - offset * 8 % 6) % 6;
    let characters = (bits - skipped) / 6;
    let mut text = Zeroizing::new(String::with_capacity(characters));
    for bit in (0..characters).map(|index| skipped + index * 6) {
        let byte = |at: usize| bytes.get(at).copied().map_or(0, usize::from);
        let two = byte(bit / 8) << 8 | byte(bit / 8 + 1);
        text.push(base64_digit(two >> (10 - bit % 8) & 63, last));
    }
    Written { text, shared: Shared { before: skipped > 0, after: !(bits - skipped).is_multiple_of(6) } }
}

fn base64_digit(value: usize, [plus, slash]: [u8; 2]) -> char {
    let value = u8::try_from(value).unwrap_or_default();
    char::from(match value {
        0..26 => b'A' + value,
        26..52 => b'a' + (value - 26),
        52..62 => b'0' + (value - 52),
        62 => plus,
        _ => slash,
    })
}

/// Whether a character can be one of base64, in either alphabet.
pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(value: &str) -> Vec<String> {
        all(value).into_iter().map(|written| written.text.to_string()).collect()
    }

    #[test]
    fn every_usual_way_to_write_a_value_is_there() {
        let texts = texts("it's \"p$w\"\\/<é>&+");
        for written in [
            r#"it's "p$w"\/<é>&+"#,
            r#"it'\''s "p$w"\/<é>&+"#,
            r#"it'"'"'s "p$w"\/<é>&+"#,
            r#"it''s "p$w"\/<é>&+"#,
            r#"it's \"p\$w\"\\/<é>&+"#,
            r#"it\'s\ \"p\$w\"\\/\<é\>\&+"#,
            r#"it\'s "p$w"\\/<é>&+"#,
            r#"it's \"p$w\"\\/<é>&+"#,
            r#"it's \\\"p$w\\\"\\\\/<é>&+"#,
            r#"it's \"p$w\"\\/<\u00e9>&+"#,
            r#"it's \"p$w\"\\/\u003cé\u003e\u0026+"#,
            r#"it's \"p$w\"\\\/<é>&+"#,
            r#"it'\\''s \"p$w\"\\/<é>&+"#,
            r#"it'\\\\''s \\\"p$w\\\"\\\\/<é>&+"#,
            "it%27s%20%22p%24w%22%5C%2F%3C%C3%A9%3E%26%2B",
            "it%27s%20%22p%24w%22%5c%2f%3c%c3%a9%3e%26%2b",
            "it's%20%22p%24w%22%5C%2F%3C%C3%A9%3E%26%2B",
            "it%27s%20%22p%24w%22%5C/%3C%C3%A9%3E%26%2B",
            "it%27s+%22p%24w%22%5C%2F%3C%C3%A9%3E%26%2B",
            "6974277320227024 77225c2f3cc3a93e262b".replace(' ', "").as_str(),
            "6974277320227024 77225C2F3CC3A93E262B".replace(' ', "").as_str(),
        ] {
            assert!(texts.iter().any(|text| text == written), "{written}");
        }
    }

    #[test]
    fn what_is_certain_in_base64_is_what_remains_at_each_offset() {
        let written = |offset, last| {
            let written = base64("<<FAKE??>>", offset, last);
            (written.text.to_string(), written.shared.before, written.shared.after)
        };
        // "<<FAKE??>>" is PDxGQUtFPz8+Pg==; behind x: eDw8RkFLRT8/Pj4=; behind xx: eHg8PEZBS0U/Pz4+.
        assert_eq!(written(0, *b"+/"), ("PDxGQUtFPz8+P".to_owned(), false, true));
        assert_eq!(written(1, *b"+/"), ("w8RkFLRT8/Pj".to_owned(), true, true));
        assert_eq!(written(2, *b"+/"), ("8PEZBS0U/Pz4+".to_owned(), true, false));
        assert_eq!(written(2, *b"-_").0, "8PEZBS0U_Pz4-");
    }

    #[test]
    fn a_value_of_letters_and_digits_has_few_ways() {
        let mut texts = texts("FAKEabcdef0123456789");
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 6);
    }
}
