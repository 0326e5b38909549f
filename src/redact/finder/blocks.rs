//! Secrets by their place in a larger thing: Kubernetes secrets, tables with a header, `.pgpass` lines.

use super::context::{Tell, floor, rule, window};
use super::names::{Hint, hint};
use super::value::{Written, judge};

/// What is searched for.
pub(super) const ANCHORS: &[&str] = &[
    "kind: Secret",
    "kind: \"Secret\"",
    "\"kind\":\"Secret\"",
    "\"kind\": \"Secret\"",
    "kind: 'Secret'",
    "VALUES",
    "values (",
    ":5432:",
    ":5433:",
    ":6432:",
    ":*:",
    "IDENTIFIED BY",
    "WITH PASSWORD",
    "_password BY",
    "snmp-server community",
    "isakmp key",
    "form-data; name=",
    "random_password",
    "ciphertextblob",
    "kty",
    " : EAP",
    " : XAUTH",
];

/// The longest block that is read, in bytes.
const MAX_BLOCK: usize = 64 * 1024;
/// What the kind of an object is called in JSON.
const KIND: &str = "\"kind\"";

/// Looks around an anchor. Gives how far anchors of documents need not be looked around again.
pub(super) fn at(text: &str, start: usize, anchor: &str, tell: Tell<'_>) -> usize {
    if anchor.starts_with("form-data") {
        form(text, start + anchor.len(), tell);
    } else if anchor == "kty" {
        web_key(text, start, tell);
    } else if matches!(anchor, "random_password" | "ciphertextblob") {
        random(text, start, tell);
    } else if anchor.ends_with("BY")
        || anchor.ends_with("PASSWORD")
        || anchor.starts_with("snmp")
        || anchor.starts_with("isakmp")
        || anchor.starts_with(" : ")
    {
        identified(text, start + anchor.len(), tell);
    } else if anchor.starts_with(':') {
        pgpass(text, start, anchor.len(), tell);
    } else if anchor.eq_ignore_ascii_case("values") || anchor.starts_with("values") {
        insert(text, start, anchor.len().min(6), tell);
    } else if anchor.contains("\":") {
        secret_json(text, start, anchor.len(), tell);
    } else {
        return secret_yaml(text, start, tell);
    }
    0
}

/// Whether an anchor is looked around for the document that it stands in.
pub(super) fn is_document(anchor: &str) -> bool {
    anchor.starts_with("kind")
}

/// `data:` and `stringData:` of a Kubernetes secret: every value below is one, whatever it is called.
fn secret_yaml(text: &str, start: usize, tell: Tell<'_>) -> usize {
    let near = floor(text, start.saturating_sub(MAX_BLOCK));
    let from = text.get(near..start).and_then(|before| before.rfind("\n---")).map_or(near, |at| near + at + 4);
    let to = floor(text, start.saturating_add(MAX_BLOCK));
    let to = text.get(start..to).and_then(|rest| rest.find("\n---")).map_or(to, |at| start + at);
    // Where a document says this often, each byte is read a few times and not each time.
    let done = to.min(start.saturating_add(MAX_BLOCK / 4));
    let Some(document) = text.get(from..to) else { return done };
    let mut inside: Option<usize> = None;
    let mut offset = from;
    let mut annotations: Option<usize> = None;
    for line in document.split_inclusive('\n') {
        let indent = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let content = line.trim();
        if inside.is_some_and(|block| indent <= block) && !content.is_empty() {
            inside = None;
        }
        if annotations.is_some_and(|block| indent <= block) && !content.is_empty() {
            annotations = None;
        }
        if content == "annotations:" || content == "labels:" || content == "metadata:" {
            annotations = Some(indent);
        }
        if inside.is_some() && annotations.is_none() && !content.starts_with('#') {
            if let Some((key, value)) = line.split_once(':') {
                let value_at = offset + key.len() + 1;
                let plain = value.trim().trim_matches(['"', '\'']);
                if !plain.is_empty()
                    && !matches!(plain, "|" | ">" | "|-" | ">-" | "|+")
                    && !plain.starts_with("{{")
                    && !plain.starts_with('$')
                    && !plain.starts_with('<')
                    && !plain.contains("[REDACTED")
                    && plain.len() >= 4
                    && hint(key.trim().trim_matches(['"', '\''])).is_some_and(|_| true)
                    || looks_encoded(plain)
                {
                    let at = value_at + value.find(plain).unwrap_or_default();
                    tell(at..at + plain.len(), "kubernetes-secret", plain.len() < 20);
                }
            } else if looks_encoded(content) {
                let at = offset + line.find(content).unwrap_or_default();
                tell(at..at + content.len(), "kubernetes-secret", content.len() < 20);
            }
        }
        if matches!(content, "data:" | "stringData:") {
            inside = Some(indent);
        }
        offset += line.len();
    }
    done
}

/// `Content-Disposition: form-data; name="password"`, headers, an empty line, and the value on the next.
fn form(text: &str, behind: usize, tell: Tell<'_>) {
    let rest = window(text, behind, 4096);
    // Lines end as they do, or as they are written in a string.
    let line = ["\r\n", "\n", "\\r\\n", "\\n"].into_iter().filter_map(|end| Some((rest.find(end)?, end))).min();
    let Some((head, end)) = line else { return };
    let name = rest.get(..head).unwrap_or_default().split(';').next().unwrap_or_default();
    let Some(says) = hint(name.trim_matches(|c: char| matches!(c, '"' | '\'' | '\\' | ' '))) else { return };
    let mut at = head;
    for _ in 0..8 {
        let Some(next) = rest.get(at..).and_then(|rest| rest.strip_prefix(end)) else { return };
        at = rest.len() - next.len();
        let length = next.find(end).unwrap_or(next.len());
        let Some(header) = next.get(..length) else { return };
        if !header.is_empty() {
            at += length;
            continue;
        }
        let value = next.get(end.len()..).unwrap_or_default();
        let value = value.get(..value.find(end).unwrap_or(value.len())).unwrap_or_default();
        let from = behind + at + end.len() + value.len() - value.trim_start().len();
        let value = value.trim_start().trim_end_matches(['"', '\'', '\\', ' ']);
        if let Some(secret) = judge(value, says, Written::Tight) {
            tell(from..from + value.len(), rule(says), secret.guessable);
        }
        return;
    }
}

/// The private members of a JSON web key, whose type stands here (RFC 7518, section 6).
fn web_key(text: &str, at: usize, tell: Tell<'_>) {
    const PRIVATE: [&str; 7] = ["d", "k", "p", "q", "dp", "dq", "qi"];
    let from = floor(text, at.saturating_sub(4096));
    let Some(before) = text.get(from..at) else { return };
    let from = before.rfind('{').map_or(from, |open| from + open);
    let object = window(text, from, 8192);
    // Neither in the next one.
    let end = object.bytes().skip(1).position(|byte| matches!(byte, b'{' | b'}')).map_or(object.len(), |end| end + 1);
    let object = object.get(..end).unwrap_or_default();
    let mut strings = super::json::strings(object).peekable();
    while let Some(key) = strings.next() {
        if !object.get(key.start..key.end).is_some_and(|key| PRIVATE.contains(&key)) {
            continue;
        }
        let Some(value) = strings.peek() else { return };
        let assigned = object.get(key.end..value.start).is_some_and(|between| between.contains(':'));
        if assigned && value.end >= value.start + 16 {
            tell(from + value.start..from + value.end, "private-key", false);
        }
    }
}

/// The result of Terraform's `random_password`, as its state has it, and a data key of AWS beside its encrypted form.
fn random(text: &str, at: usize, tell: Tell<'_>) {
    let (from, to) = (floor(text, at.saturating_sub(1024)), floor(text, at.saturating_add(2048)));
    let Some(near) = text.get(from..to) else { return };
    for label in ["\"result\":", "\"bcrypt_hash\":", "\"Plaintext\":"] {
        let Some(found) = near.find(label) else { continue };
        let mut cursor = super::cursor::Cursor::new(text, from + found + label.len());
        cursor.eat_blanks();
        let Some(quote) = cursor.eat_quote() else { continue };
        let end = cursor.at() + cursor.closing(quote).end;
        tell(cursor.at()..end, "password", false);
    }
}

fn looks_encoded(value: &str) -> bool {
    value.len() >= 8
        && value.len().is_multiple_of(4)
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
        && !value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// The same as JSON.
fn secret_json(text: &str, start: usize, length: usize, tell: Tell<'_>) {
    for label in members(text.as_bytes(), start, length) {
        let rest = window(text, label, MAX_BLOCK);
        let Some(inside) = rest.trim_start().strip_prefix(':').and_then(|rest| rest.trim_start().strip_prefix('{'))
        else {
            continue;
        };
        let offset = label + rest.len() - inside.len();
        let close = inside.find('}').into_iter().chain(inside.find(KIND)).min();
        let inside = inside.get(..close.unwrap_or(inside.len())).unwrap_or_default();
        for (count, literal) in super::json::strings(inside).enumerate() {
            let Some(value) = inside.get(literal.start..literal.end) else { continue };
            if count % 2 == 1 && value.len() >= 4 && !value.contains("[REDACTED") && !value.starts_with(['$', '<']) {
                tell(offset + literal.start..offset + literal.end, "kubernetes-secret", value.len() < 20);
            }
        }
    }
}

/// Where the labels end of what the object holds that a `kind` stands in: before it, and behind it.
///
/// An object has one `kind`, and nesting is bounded: a byte is read a few times, however often this is asked.
fn members(bytes: &[u8], start: usize, length: usize) -> Vec<usize> {
    const MAX_NESTED: usize = 8;
    let mut found = Vec::new();
    let mut look = |places: &mut dyn Iterator<Item = usize>, opens: u8, closes: u8| {
        let mut depth = 0;
        for at in places {
            let Some(byte) = bytes.get(at).copied() else { return };
            if byte == opens && depth < MAX_NESTED {
                depth += 1;
            } else if byte == opens || byte == closes && depth == 0 {
                return;
            } else if byte == closes {
                depth -= 1;
            } else if byte == b'"' && depth == 0 {
                let here = bytes.get(..=at).unwrap_or_default();
                if here.ends_with(KIND.as_bytes()) {
                    return;
                }
                if here.ends_with(b"\"data\"") || here.ends_with(b"\"stringData\"") {
                    found.push(at + 1);
                }
            }
        }
    };
    look(&mut (start.saturating_sub(MAX_BLOCK)..start).rev(), b'}', b'{');
    look(&mut (start + length..start.saturating_add(MAX_BLOCK)), b'{', b'}');
    found
}

/// `INSERT INTO t (a, token) VALUES (1, '…')`: the value in the place of the column.
fn insert(text: &str, start: usize, length: usize, tell: Tell<'_>) {
    let Some(before) = text.get(floor(text, start.saturating_sub(2048))..start) else { return };
    let before = before.trim_end();
    let Some(columns) = before.strip_suffix(')').and_then(|list| list.rfind('(').and_then(|at| list.get(at + 1..)))
    else {
        return;
    };
    let hints: Vec<Option<Hint>> = columns
        .split(',')
        .take(64)
        .map(|column| hint(column.trim().trim_matches(['"', '`', '\'', '[', ']'])))
        .collect();
    if hints.iter().all(|hint| *hint < Some(Hint::Strong)) {
        return;
    }
    let mut at = start + length;
    let stop = floor(text, start.saturating_add(MAX_BLOCK));
    for _ in 0..256 {
        let Some(rest) = text.get(at..stop) else { return };
        let Some(open) = rest.find('(').filter(|open| {
            rest.get(..*open).is_some_and(|gap| gap.trim_matches(|c: char| c.is_whitespace() || c == ',').is_empty())
        }) else {
            return;
        };
        at += open + 1;
        let mut column = 0;
        let mut item = at;
        let mut quote: Option<u8> = None;
        let Some(row) = text.get(at..stop) else { return };
        let mut closed = false;
        for (offset, byte) in row.bytes().enumerate() {
            match (quote, byte) {
                (Some(open), byte) if byte == open => quote = None,
                (None, b'\'' | b'"') => quote = Some(byte),
                (None, b',' | b')') => {
                    value(text, item..at + offset, hints.get(column).copied().flatten(), tell);
                    item = at + offset + 1;
                    column += 1;
                    if byte == b')' {
                        at += offset + 1;
                        closed = true;
                        break;
                    }
                }
                _ => {}
            }
        }
        if !closed {
            value(text, item..stop, hints.get(column).copied().flatten(), tell);
            return;
        }
    }
}

fn value(text: &str, span: std::ops::Range<usize>, says: Option<Hint>, tell: Tell<'_>) {
    let (Some(says), Some(written)) = (says.filter(|says| *says >= Hint::Strong), text.get(span.clone())) else {
        return;
    };
    let plain = written.trim().trim_start_matches(['N', 'E']).trim_matches(['\'', '"', '\\']);
    if let Some(secret) = judge(plain, says, Written::Quoted) {
        let at = span.start + written.find(plain).unwrap_or_default();
        tell(at..at + plain.len(), if says == Hint::Password { "password" } else { "secret" }, secret.guessable);
    }
}

/// `host:5432:database:user:password`, the line of a `.pgpass`.
fn pgpass(text: &str, start: usize, length: usize, tell: Tell<'_>) {
    let Some(before) = text.get(floor(text, start.saturating_sub(256))..start) else { return };
    let host = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\')).next().unwrap_or_default();
    if host.is_empty() || host.contains(['/', '@', '=', ':', '(', '[']) {
        return;
    }
    let from = start + length;
    let Some(rest) = text.get(from..floor(text, from + 1024)) else { return };
    let line = rest
        .get(..rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\')).unwrap_or(rest.len()))
        .unwrap_or_default();
    let mut parts = line.splitn(3, ':');
    if let (Some(database), Some(user), Some(password)) = (parts.next(), parts.next(), parts.next())
        && !database.is_empty()
        && !user.is_empty()
        && password.len() >= 3
        && !password.starts_with(['$', '<', '*'])
        && !password.contains("[REDACTED")
    {
        let at = from + database.len() + user.len() + 2;
        tell(at..at + password.len(), "pgpass", true);
    }
}

/// A header line with the names of columns and lines of values below: CSV, with commas, semicolons or tabs.
///
/// Called at the word that names a column.
pub(super) fn column(text: &str, word: usize, tell: Tell<'_>) {
    let Some(before) = text.get(floor(text, word.saturating_sub(1024))..word) else { return };
    // A line ends as it does in a file, or as it is written in a string: `printf 'a,secret\n1,…\n'`.
    let quoted = before.rfind(['\n', '"', '\'']);
    let line_from = word - before.len() + quoted.map_or(0, |at| at + 1);
    let Some(rest) = text.get(line_from..floor(text, line_from.saturating_add(MAX_BLOCK))) else { return };
    let (real, written) = (memchr::memchr(b'\n', rest.as_bytes()), memchr::memmem::find(rest.as_bytes(), b"\\n"));
    let newline = match (real, written) {
        (Some(real), Some(written)) if written < real => "\\n",
        (None, Some(_)) => "\\n",
        (Some(_), _) => "\n",
        (None, None) => return,
    };
    let Some((header, body)) = rest.split_once(newline) else { return };
    let Some(separator) = [',', ';', '\t'].into_iter().find(|separator| header.contains(*separator)) else { return };
    // `printf 'User name,Secret access key\n…`: what opens the string is none of the first name.
    let names: Vec<&str> = header.split(separator).map(|name| name.trim().trim_matches(['"', '\''])).collect();
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'_' | b'-' | b'.' | b'#') || byte > 127;
    let named = |name: &&str| {
        name.len() <= 64 && !name.starts_with('-') && name.bytes().all(plain) && name.split(' ').count() <= 4
    };
    if names.len() > 64 || !names.iter().all(named) || names.iter().filter(|name| !name.is_empty()).count() < 2 {
        return;
    }
    let hints: Vec<Option<Hint>> = names.iter().map(|name| hint(name)).collect();
    let mut offset = line_from + header.len() + newline.len();
    for line in body.split_inclusive(newline).take(64) {
        let cells: Vec<&str> = line.split(separator).collect();
        if cells.len() != names.len() {
            return;
        }
        let mut at = offset;
        for (cell, says) in cells.iter().zip(&hints) {
            if let Some(says) = says.filter(|says| *says >= Hint::Strong) {
                let plain = cell.trim();
                let plain = plain
                    .get(..plain.find(['"', '\'', '\\']).filter(|at| *at > 0).unwrap_or(plain.len()))
                    .unwrap_or_default()
                    .trim_matches(['"', '\'']);
                if !plain.contains(' ')
                    && let Some(secret) = judge(plain, says, Written::Quoted)
                {
                    let from = at + cell.find(plain).unwrap_or_default();
                    tell(
                        from..from + plain.len(),
                        if says == Hint::Password { "password" } else { "secret" },
                        secret.guessable,
                    );
                }
            }
            at += cell.len() + separator.len_utf8();
        }
        offset += line.len();
    }
}

/// `IDENTIFIED BY '…'`, `IDENTIFIED WITH plugin BY '…'`, `WITH PASSWORD '…'`.
fn identified(text: &str, behind: usize, tell: Tell<'_>) {
    let mut cursor = super::cursor::Cursor::new(text, behind);
    cursor.eat_blanks();
    if cursor.eat("PASSWORD") || cursor.eat("VALUES") {
        cursor.eat_blanks();
    }
    if cursor.peek() == Some(b'`') {
        return;
    }
    let quote = cursor.eat_quote();
    let rest = text.get(cursor.at()..floor(text, cursor.at() + 1024)).unwrap_or_default();
    let end = match quote {
        Some(quote) => cursor.closing(quote).end,
        None => rest.find(|c: char| c.is_whitespace() || matches!(c, ';' | '"' | '\'' | ')')).unwrap_or(rest.len()),
    };
    let Some(value) = text.get(cursor.at()..cursor.at() + end) else { return };
    if judge(value, Hint::Password, if quote.is_some() { Written::Tight } else { Written::Words }).is_some() {
        tell(cursor.at()..cursor.at() + end, "password", true);
    }
}

#[cfg(test)]
mod tests;
