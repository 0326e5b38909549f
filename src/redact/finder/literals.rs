//! Literals that stand farther from their name than behind an operator: in a call, behind an alternative, in a list.

use std::ops::Range;

use super::context::{Tell, eat_spaces, eat_string_prefix, floor, rule, window};
use super::cursor::{Cursor, Quote};
use super::names::Hint;
use super::value::{Written, judge};

/// How far behind the name the literal may stand, in bytes.
const MAX_REACH: usize = 240;
/// How many literals of a list or a line are looked at.
const MAX_LITERALS: usize = 16;

/// Calls that give their only argument, in whatever type.
const WRAPPERS: [&str; 30] = [
    "from",
    "new",
    "string",
    "str",
    "some",
    "unwrap_or",
    "or",
    "orelse",
    "unwraporelse",
    "unwrapor",
    "withdefault",
    "getorelse",
    "secretstr",
    "secretstring",
    "securestring",
    "secret",
    "sensitive",
    "of",
    "bytes",
    "strdup",
    "valueof",
    "pointer",
    "ptr",
    "frombase64string",
    "decode",
    "b64decode",
    "atob",
    "text",
    "tobytes",
    "protectedstring",
];

/// Calls whose second argument is what there is if nothing else is found.
const LOOKUPS: [&str; 16] = [
    "env",
    "getenv",
    "get",
    "fetch",
    "getproperty",
    "config",
    "setdefault",
    "getordefault",
    "default",
    "coalesce",
    "nvl",
    "ifnull",
    "optional",
    "lookup",
    "getstring",
    "envor",
];

/// What a test says that something is.
const EXPECTED: [&str; 12] = [
    ".tobe(",
    ".toequal(",
    ".tostrictequal(",
    ".to.equal(",
    ".to.eql(",
    ".to.be.equal(",
    ".isequalto(",
    ".equals(",
    ".to eq ",
    ".to eq(",
    ".shouldbe(",
    ".should.equal(",
];

/// Looks at what follows a name.
pub(super) fn at(text: &str, name: Range<usize>, says: Hint, tell: Tell<'_>) {
    if says < Hint::Strong {
        return;
    }
    let mut cursor = Cursor::new(text, name.end);
    let literal = |cursor: &mut Cursor<'_>, tell: Tell<'_>| {
        eat_string_prefix(cursor);
        let Some((span, _)) = quoted(cursor) else { return false };
        let Some(value) = text.get(span.clone()) else { return false };
        if let Some(secret) = judge(value, says, Written::Quoted) {
            tell(span, rule(says), secret.guessable);
        }
        true
    };
    let closed = cursor.eat_quote().is_some();
    cursor.eat_blanks();
    match cursor.peek() {
        Some(b'<') if !closed && (cursor.eat("<- ") || cursor.eat("<<- ")) => {
            cursor.eat_blanks();
            literal(&mut cursor, tell);
        }
        // `std::string password{"…"}`, `apiKey { "…" }`
        Some(b'{') if !closed => {
            cursor.skip(1);
            eat_spaces(&mut cursor);
            if cursor.eat("get;") {
                let rest = window(text, cursor.at(), 48);
                let Some(end) = rest.find('}') else { return };
                cursor.skip(end + 1);
                cursor.eat_blanks();
                if cursor.eat("=") {
                    cursor.eat_blanks();
                    literal(&mut cursor, tell);
                }
                return;
            }
            literal(&mut cursor, tell);
        }
        // `{password, "…"}`, `{:password, <<"…">>}`
        Some(b',') if before(text, name.start).is_some_and(|byte| matches!(byte, b'{' | b':')) => {
            let colon = before(text, name.start) == Some(b':');
            if colon && before(text, name.start - 1) != Some(b'{') {
                return;
            }
            cursor.skip(1);
            eat_spaces(&mut cursor);
            cursor.eat("<<");
            literal(&mut cursor, tell);
        }
        Some(b'b') if cursor.eat("by lazy {") => {
            cursor.eat_blanks();
            literal(&mut cursor, tell);
        }
        Some(b')') => expected(text, cursor, says, tell),
        Some(b'(') if before(text, name.start).is_some_and(|byte| matches!(byte, b'.' | b' ' | b't')) => {
            asserted(text, &name, cursor, says, tell);
        }
        Some(b'=' | b':' | b'|' | b'?') => {
            let Some(operator) = cursor.eat_operator().or_else(|| alternative(&cursor)) else { return };
            let _ = operator;
            assigned(text, cursor, says, tell);
        }
        _ => {
            // `process.env.PASSWORD || '…'`, `os.getenv('PASSWORD') or '…'`
            if cursor.rest().starts_with(b"||") || cursor.rest().starts_with(b"or ") {
                assigned(text, cursor, says, tell);
            }
        }
    }
}

fn alternative(cursor: &Cursor<'_>) -> Option<super::cursor::Operator> {
    (cursor.rest().starts_with(b"||") || cursor.rest().starts_with(b"??")).then_some(super::cursor::Operator::Loose)
}

fn before(text: &str, at: usize) -> Option<u8> {
    at.checked_sub(1).and_then(|at| text.as_bytes().get(at)).copied()
}

/// The literal that a quote at the cursor opens, and the cursor behind it. None: there is none, or it is not closed.
fn quoted(cursor: &mut Cursor<'_>) -> Option<(Range<usize>, Quote)> {
    let quote = cursor.eat_quote()?;
    let closing = cursor.closing(quote);
    let span = cursor.at()..cursor.at() + closing.end;
    if !closing.closed {
        return None;
    }
    cursor.skip(closing.end);
    cursor.eat_quote()?;
    Some((span, quote))
}

/// What is assigned: a list of literals, or an expression that has one in the end.
fn assigned(text: &str, mut cursor: Cursor<'_>, says: Hint, tell: Tell<'_>) {
    cursor.eat_blanks();
    if let Some(open @ (b'[' | b'(')) = cursor.peek() {
        cursor.skip(1);
        return list(text, cursor, open, says, tell);
    }
    // `key:` and lines `- value`.
    if matches!(cursor.peek(), Some(b'\n' | b'\r')) {
        return items(text, cursor, says, tell);
    }
    let from = cursor.at();
    if let Some((_, _)) = quoted(&mut cursor) {
        // `"old" -> "new"`
        cursor.eat_blanks();
        if cursor.eat("->") || cursor.eat("=>") {
            cursor.eat_blanks();
            if let Some((span, _)) = quoted(&mut cursor)
                && let Some(value) = text.get(span.clone())
                && let Some(secret) = judge(value, says, Written::Quoted)
            {
                tell(span, rule(says), secret.guessable);
            }
        }
        return;
    }
    let line = window(text, from, MAX_REACH);
    let line = line.get(..memchr::memchr2(b'\n', b'\r', line.as_bytes()).unwrap_or(line.len())).unwrap_or_default();
    let mut last = None;
    for _ in 0..MAX_LITERALS {
        let rest = text.get(cursor.at()..from + line.len()).unwrap_or_default();
        let Some(open) = memchr::memchr3(b'"', b'\'', b'`', rest.as_bytes()) else { break };
        if rest.get(..open).is_some_and(|head| head.as_bytes().contains(&b';')) {
            break;
        }
        let head = text.get(from..cursor.at() + open).unwrap_or_default();
        let head = head.trim_end_matches('\\');
        let head = prefix(head);
        let gives = gives(head.trim_end());
        cursor.skip(open);
        let Some((span, _)) = quoted(&mut cursor) else { break };
        if gives {
            last = Some(span);
        }
    }
    if let Some(span) = last
        && let Some(value) = text.get(span.clone())
        && let Some(secret) = judge(value, says, Written::Call)
    {
        tell(span, rule(says), secret.guessable);
    }
}

/// What stands before a literal without the letter of its kind: `b"…"`, `@"…"`.
fn prefix(head: &str) -> &str {
    match head.as_bytes() {
        [.., b'(' | b' ' | b',', b'b' | b'r' | b'u' | b'f' | b'@'] => head.get(..head.len() - 1).unwrap_or(head),
        _ => head,
    }
}

/// Whether what stands before a literal makes it the value: `String::from(`, `env('NAME', `, `x || `.
fn gives(head: &str) -> bool {
    if head.ends_with("||") || head.ends_with("??") || head.ends_with("?:") || head.ends_with(" or") || head == "or" {
        return true;
    }
    let callee = |head: &str| {
        let word = head.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default();
        word.to_ascii_lowercase()
    };
    if let Some(call) = head.strip_suffix('(') {
        let call = callee(call);
        return WRAPPERS.contains(&call.as_str());
    }
    let Some(call) = head.strip_suffix(',').and_then(|head| head.rsplit_once('(')) else { return false };
    !call.1.contains(',') && LOOKUPS.contains(&callee(call.0).as_str())
}

/// Literals with commas between them, up to the end of the list.
fn list(text: &str, mut cursor: Cursor<'_>, open: u8, says: Hint, tell: Tell<'_>) {
    let mut spans = Vec::new();
    for _ in 0..MAX_LITERALS {
        eat_spaces(&mut cursor);
        eat_string_prefix(&mut cursor);
        let Some((span, _)) = quoted(&mut cursor) else { break };
        spans.push(span);
        eat_spaces(&mut cursor);
        if !cursor.eat(",") {
            break;
        }
    }
    eat_spaces(&mut cursor);
    let close = if open == b'[' { b']' } else { b')' };
    if cursor.peek() != Some(close) {
        return;
    }
    for span in spans {
        let value = text.get(span.clone()).unwrap_or_default();
        if let Some(secret) = judge(value, says, Written::Words) {
            tell(span, rule(says), secret.guessable);
        }
    }
}

/// Lines `- value` below a name.
fn items(text: &str, cursor: Cursor<'_>, says: Hint, tell: Tell<'_>) {
    let mut at = cursor.at();
    for line in window(text, at, 2048).split_inclusive('\n').take(MAX_LITERALS + 1) {
        let content = line.trim();
        if let Some(value) = content.strip_prefix("- ") {
            let value = value.trim().trim_matches(['"', '\'']);
            let written = if says == Hint::Password { Written::Words } else { Written::Call };
            if !value.contains([' ', ':'])
                && let Some(secret) = judge(value, says, written)
            {
                let from = at + line.find(value).unwrap_or_default();
                tell(from..from + value.len(), rule(says), secret.guessable);
            }
        } else if !content.is_empty() {
            return;
        }
        at += line.len();
    }
}

/// `expect(password).toBe('…')`, `env::var("PASSWORD").unwrap_or("…")`.
fn expected(text: &str, mut cursor: Cursor<'_>, says: Hint, tell: Tell<'_>) {
    cursor.skip(1);
    let line = window(text, cursor.at(), MAX_REACH);
    if line.starts_with('.')
        && let Some(open) = line.find(['"', '\'', '\n']).filter(|open| *open < 40)
        && line.get(..open).is_some_and(gives)
    {
        cursor.skip(open);
        if let Some((span, _)) = quoted(&mut cursor)
            && let Some(value) = text.get(span.clone())
            && let Some(secret) = judge(value, says, Written::Call)
        {
            tell(span, rule(says), secret.guessable);
        }
        return;
    }
    if cursor.rest().starts_with(b" ||") || cursor.rest().starts_with(b" ??") || cursor.rest().starts_with(b" or ") {
        return assigned(text, cursor, says, tell);
    }
    if !EXPECTED.iter().any(|word| cursor.eat(word)) {
        return;
    }
    if let Some((span, _)) = quoted(&mut cursor)
        && let Some(value) = text.get(span.clone())
        && let Some(secret) = judge(value, says, if says == Hint::Password { Written::Words } else { Written::Call })
    {
        tell(span, rule(says), secret.guessable);
    }
}

/// `assertEquals("…", user.getPassword())`.
fn asserted(text: &str, name: &Range<usize>, cursor: Cursor<'_>, says: Hint, tell: Tell<'_>) {
    if !cursor.rest().starts_with(b"())") {
        return;
    }
    let head = text.get(floor(text, name.start.saturating_sub(160))..name.start).unwrap_or_default();
    let line = head.rsplit('\n').next().unwrap_or_default();
    let Some(assert) = line.to_ascii_lowercase().rfind("assert") else { return };
    let Some(open) = line.get(assert..).and_then(|rest| rest.find('(')) else { return };
    let mut cursor = Cursor::new(text, name.start - line.len() + assert + open + 1);
    if let Some((span, _)) = quoted(&mut cursor)
        && span.end < name.start
        && let Some(value) = text.get(span.clone())
        && let Some(secret) = judge(value, says, if says == Hint::Password { Written::Words } else { Written::Call })
    {
        tell(span, rule(says), secret.guessable);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finder;

    #[test]
    fn a_literal_that_stands_farther_away_is_found() {
        let secret = ["Fake", "Passw0rd", "97"].concat();
        let token = ["FAKE0qX7", "rT2vB9mZ", "kD4wL8sG", "hJ6yN3pC"].concat();
        for text in [
            "let password = String::from(\"{P}\");",
            "std::string password{\"{P}\"};",
            "val apiKey by lazy { \"{T}\" }",
            "public string ApiKey { get; set; } = \"{T}\";",
            "password <- \"{P}\"",
            "{password, \"{P}\"}",
            "{password, <<\"{P}\">>}",
            "{:password, \"{P}\"}",
            "process.env.DB_PASSWORD || b'{P}'",
            "process.env.DB_PASSWORD || @\"{P}\"",
            "process.env.DB_PASSWORD || '{P}'",
            "process.env.API_KEY ?? \"{T}\"",
            "password = os.getenv('DB_PASSWORD') or '{P}'",
            "'password' => env('DB_PASS', '{P}'),",
            "default_password = [\"{P}\"]",
            "passwords:\n  - {P}\n",
            "secrets:\n  - {T}\n",
            "Password.text = \"{P}\"",
            "expect(password).toBe('{P}')",
            "assertEquals(\"{P}\", user.getPassword());",
            "env::var(\"TOKEN\").unwrap_or(\"{T}\".into())",
            "os.environ.get('API_KEY') or '{T}'",
        ] {
            let text = text.replace("{P}", &secret).replace("{T}", &token);
            let places: Vec<&str> =
                Finder::default().find(&text).iter().map(|found| &text[found.span.clone()]).collect();
            assert_eq!(places, [if text.contains(&token) { &token } else { &secret }], "{text}");
        }
    }

    #[test]
    fn a_literal_that_is_something_else_stays() {
        for text in [
            "password = config.get(\"db.password\")",
            "token = lexer.next(\"identifier2\")",
            "x:password, \"FakePassw0rd97\"",
            "password, \"FakePassw0rd97\"",
            "process.env.DB_PASSWORD || xb'FakePassw0rd97'",
            "token_variants = ['+i6t-not-inline', '+i6t-inline']",
            "expect(token).toBe(undefined)",
            "expect(password).toBe('required')",
            "assertEquals(\"Bob2\", user.getName());",
            "secrets:\n  - db-password\n  - api-key-2\n",
            "password = getpass.getpass(\"Password 2: \")",
            "tokens: [\"a\", \"b1\"]",
        ] {
            assert_eq!(Finder::default().find(text), [], "{text}");
        }
    }
}
