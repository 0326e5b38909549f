//! The strings of JSON, unquoted: in a document, in a piece of one, in one that was cut.

/// A string of a document, and where its inside stands.
#[derive(Debug, Eq, PartialEq)]
pub(in crate::redact) struct Literal {
    /// Bytes between the quotes, as written.
    pub start: usize,
    pub end: usize,
    /// Whether there is any escape in it.
    pub escaped: bool,
}

/// Whether a text may be JSON: an object, an array or a string.
pub(in crate::redact) fn may_be(text: &str) -> bool {
    matches!(text.trim_start().as_bytes(), [b'{' | b'[' | b'"', ..])
}

/// The strings in a text that is read as JSON, as far as it is. What is no string is skipped.
pub(in crate::redact) fn strings(text: &str) -> impl Iterator<Item = Literal> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let open = at + memchr::memchr(b'"', bytes.get(at..)?)?;
        let start = open + 1;
        let mut end = start;
        let mut escaped = false;
        loop {
            match memchr::memchr2(b'"', b'\\', bytes.get(end..)?) {
                Some(offset) if bytes.get(end + offset) == Some(&b'\\') => {
                    escaped = true;
                    end = (end + offset + 2).min(bytes.len());
                }
                Some(offset) => {
                    end += offset;
                    at = end + 1;
                    break;
                }
                // Cut.
                None => {
                    end = bytes.len();
                    at = end;
                    break;
                }
            }
        }
        (start <= end).then_some(Literal { start, end, escaped })
    })
}

/// The strings of JSON that stands in lines of another text: JSON Lines, logs, configuration files.
///
/// A line is read as JSON from the first `{"` or `["` on, or from a quote that it begins with.
pub(super) fn in_lines(text: &str) -> Vec<Literal> {
    let mut literals = Vec::new();
    let bytes = text.as_bytes();
    let mut from = 0;
    // Only where a quote stands is a line looked for.
    while let Some(quote) = memchr::memchr(b'"', bytes.get(from..).unwrap_or_default()) {
        let before = bytes.get(from..from + quote).unwrap_or_default();
        let offset = from + memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let rest = text.get(offset..).unwrap_or_default();
        let line = rest.get(..memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |end| end + 1)).unwrap_or(rest);
        let begin = line.len() - line.trim_start().len();
        let opens = |quote: usize| {
            let opener = quote.checked_sub(1)?;
            matches!(line.as_bytes().get(opener), Some(b'{' | b'[')).then_some(opener)
        };
        let island = if line.get(begin..).is_some_and(|rest| rest.starts_with('"')) {
            Some(begin)
        } else {
            memchr::memchr_iter(b'"', line.as_bytes()).find_map(opens)
        };
        if let Some(island) = island {
            let inside = strings(line.get(island..).unwrap_or_default());
            literals.extend(inside.map(|literal| Literal {
                start: literal.start + offset + island,
                end: literal.end + offset + island,
                ..literal
            }));
        }
        from = offset + line.len();
    }
    literals
}

/// What an escaped string means, and for each byte of it which bytes of `text` it was written as.
pub(super) fn unescape(text: &str, literal: &Literal) -> Option<(String, Vec<(u32, u32)>)> {
    let inside = text.get(literal.start..literal.end)?;
    let bytes = inside.as_bytes();
    let mut meaning = String::with_capacity(inside.len());
    let mut written = Vec::with_capacity(inside.len());
    let mut at = 0;
    while at < bytes.len() {
        let from = at;
        let character = if let (Some(b'\\'), Some(escape)) = (bytes.get(at), bytes.get(at + 1)) {
            at += 2;
            match escape {
                b'n' => '\n',
                b't' => '\t',
                b'r' => '\r',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'"' => '"',
                b'\\' => '\\',
                b'/' => '/',
                b'u' => match hex(bytes, at) {
                    Some(first) => {
                        at += 4;
                        surrogate(bytes, &mut at, first)
                    }
                    None => 'u',
                },
                // No escape of JSON: a backslash, and the character is read again.
                _ => {
                    at -= 1;
                    '\\'
                }
            }
        } else {
            // A run of what means itself; a backslash at the end is one of that.
            let rest = inside.get(at..)?;
            let run = memchr::memchr(b'\\', rest.as_bytes()).map_or(rest.len(), |run| run.max(1));
            let run = rest.get(..run)?;
            let begin = u32::try_from(literal.start + at).ok()?;
            let end = u32::try_from(literal.start + at + run.len()).ok()?;
            if run.is_ascii() {
                written.extend((begin..end).map(|at| (at, at + 1)));
            } else {
                let mut from = begin;
                for character in run.chars() {
                    let to = from + u32::try_from(character.len_utf8()).ok()?;
                    written.resize(written.len() + character.len_utf8(), (from, to));
                    from = to;
                }
            }
            meaning.push_str(run);
            at += run.len();
            continue;
        };
        meaning.push(character);
        let place = (u32::try_from(literal.start + from).ok()?, u32::try_from(literal.start + at).ok()?);
        written.resize(meaning.len(), place);
    }
    Some((meaning, written))
}

fn hex(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = std::str::from_utf8(bytes.get(at..at + 4)?).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

fn surrogate(bytes: &[u8], at: &mut usize, first: u32) -> char {
    if (0xd800..0xdc00).contains(&first)
        && bytes.get(*at..*at + 2) == Some(b"\\u")
        && let Some(second) = hex(bytes, *at + 2)
        && (0xdc00..0xe000).contains(&second)
    {
        *at += 6;
        return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)).unwrap_or('\u{fffd}');
    }
    char::from_u32(first).unwrap_or('\u{fffd}')
}

#[cfg(test)]
mod tests;
