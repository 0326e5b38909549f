//! Names and their values: `password=…`, `"apiKey": "…"`, `Authorization: Bearer …`, `the password is …`.
//!
//! Found from a word of a name (`pass`, `token`, `key`), read outwards: the whole name to both sides, then what stands
//! between it and the value, then the value. Everything is bounded, so that no text makes it slow.

use std::ops::Range;

use super::cursor::{Cursor, OneOf, Operator, Quote};
use super::literals;
use super::logins;
use super::names::{Hint, MAX_NAME, hint};
use super::prose;
use super::value::{self, List, Written, is_hex, judge, list, looks_random};

/// The words that are searched for, with `|` between them; letters in either case. Where none stands, nothing here has
/// to be asked.
pub(super) const WORDS: &str = "pass|pwd|psw|secret|token|key|auth|cred|cookie|sess|bearer|jwt|dsn|salt|psk|mnemonic|signature|seed|\
    kennwort|senha|contrase|wachtwoord|has\u{142}o|u0142o|u015fifre|haslo|heslo|l\u{f6}senord|\u{15f}ifre|jelsz\u{f3}|parola|\
    adgangskode|mot de passe|u5bc6|u30d1|u043f|ube44|_pw|-pw|pw=|pw:|pw |rootpw|keymaterial|login: |login is |login with |log in with |login as |log in using |log in as |sign in with |sign in as |zugangsdaten: |pragma key|_pat|-pat|pat |pat=|pat:|basic |_sid|-sid|sid=|_sas|sas=|webhook|\
    pepper|clave|lozinka|zaporka|salasana|kata sandi|community|tkn=|m\u{1ead}t kh\u{1ea9}u|u1ead|\
    \u{643}\u{644}\u{645}\u{629} \u{627}\u{644}\u{645}\u{631}\u{648}\u{631}|\u{643}\u{644}\u{645}\u{629} \u{627}\u{644}\u{633}\u{631}|u0643|\u{5e1}\u{5d9}\u{5e1}\u{5de}\u{5d4}|\u{5e1}\u{5d9}\u{5e1}\u{5de}\u{5d0}|u05e1|\
    \u{e23}\u{e2b}\u{e31}\u{e2a}\u{e1c}\u{e48}\u{e32}\u{e19}|u0e23|\u{3ba}\u{3c9}\u{3b4}\u{3b9}\u{3ba}\u{3cc}\u{3c2}|\u{39a}\u{3c9}\u{3b4}\u{3b9}\u{3ba}\u{3cc}\u{3c2}|u03ba|\
    \u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}|\u{41f}\u{410}\u{420}\u{41e}\u{41b}\u{42c}|u041f|\u{53e3}\u{4ee4}|device_code|samlresponse|assertion=|client_assertion|\
    nthash|lmhash|ntlm|wif:|wif=| phrase|wallet|recovery code|backup code|\
    securestring|totp|pin=|\u{5bc6}\u{7801}|\u{5bc6}\u{78bc}|\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}|\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}|\u{be44}\u{bc00}\u{bc88}\u{d638}";

/// `is` in languages that write it without a space.
static IS: OneOf = OneOf::new(&[
    "\u{662f}", "\u{306f}", "\u{4e3a}", "\u{70ba}", "\u{b294}", "\u{c740}", "\u{c774}", "\u{b97c}", "\u{3092}",
]);

/// How far behind a name a value may begin, in bytes.
const MAX_GAP: usize = 300;
/// The longest value without quotes, in bytes.
const MAX_VALUE: usize = 16 * 1024;
/// How much of a value is read before it is known that it may be a secret, in bytes.
const MAX_SHOWN: usize = 384;

/// What is told of a secret: bytes of the text, rule, and whether it could be guessed.
pub(super) type Tell<'a> = &'a mut dyn FnMut(Range<usize>, &'static str, bool);

/// Looks around a word of a name. Gives where the search may go on: behind what was read.
pub(super) fn at(text: &str, mut word: Range<usize>, tell: Tell<'_>) -> usize {
    let mut on = 0;
    let mut heard = |span: Range<usize>, rule: &'static str, guessable: bool| {
        on = on.max(span.end);
        tell(span, rule, guessable);
    };
    let read = around(text, &mut word, &mut heard);
    on.max(read)
}

fn around(text: &str, word: &mut Range<usize>, tell: Tell<'_>) -> usize {
    // `pw=`: the name alone.
    while word.end > word.start + 1
        && text.as_bytes().get(word.end - 1).is_some_and(|byte| byte.is_ascii() && !is_name(*byte))
    {
        word.end -= 1;
    }
    let name = Name::around(text, word.clone());
    let Some(name) = name else { return word.end };
    let on = name.end.max(word.end);
    if let Some(means) = name.header(text) {
        match means {
            Header::Cookie => return cookies(text, &name, tell).max(on),
            Header::Scheme => {
                credential(text, word.end, tell);
                // `Bearer token: …`: the other word has its own turn.
                let behind = text.get(on..).and_then(|behind| behind.strip_prefix(' ')).unwrap_or_default();
                let length = behind.bytes().take(24).take_while(|byte| is_name(*byte)).count();
                if behind.get(..length).is_some_and(|word| SCHEMES.has(word)) {
                    return on;
                }
            }
            Header::SecureString => secure_string(text, &name, tell),
        }
    }
    if name.is_its_value(text) || name.is_empty(text) {
        return on;
    }
    if name.opened.is_some() && name.text(text) == "SecureString" {
        secure_parameter(text, &name, tell);
    }
    if name.says_login(text) {
        login(text, &name, tell);
    }
    if prose::phrase(text, name.start..name.end, tell) {
        return on;
    }
    if text.as_bytes().get(name.end - 1..).is_some_and(|rest| matches!(rest, [b's', b':', b'\n' | b'\r', ..])) {
        listed(text, &name, tell);
    }
    let Some(says) = name.hint(text) else { return on };
    if says == Hint::Password {
        prose::changed(text, name.end, tell);
    }
    literals::at(text, name.start..name.end, says, tell);
    if text.as_bytes().get(name.end - 1).is_some_and(|last| matches!(last, b's' | b'S')) {
        logins::map(text, name.start..name.end, tell);
    }
    let Some(place) = Place::behind(text, &name, says) else {
        pair(text, &name, says, tell);
        if says >= Hint::Strong
            && let Some(before) = Place::before(text, &name)
        {
            before.tell(text, says, tell);
        }
        return on;
    };
    // `pass through2`: it is a verb too.
    if place.written == Written::Words && name.text(text).eq_ignore_ascii_case("pass") {
        let value = text.get(place.span.clone()).unwrap_or_default();
        let any = |class: fn(u8) -> bool| value.bytes().any(class);
        let odd = any(|byte| !byte.is_ascii_alphanumeric() && !b"-_./=()".contains(&byte));
        let mixed = any(|byte| byte.is_ascii_digit()) && any(|byte| byte.is_ascii_uppercase());
        let said = text
            .get(name.end..place.span.start)
            .is_some_and(|between| matches!(between.trim(), "is" | "was" | "ist" | "="));
        if !odd && !mixed && !said {
            return on;
        }
    }
    // `PASS: test_login2`, of who runs tests.
    if name.text(text) == "PASS"
        && text.get(place.span.clone()).is_some_and(|value| value.starts_with("test") || value.starts_with("Test"))
    {
        return on;
    }
    if place.written == Written::Words && (is_asked_for(text, &name, &place) || ends_path(text, &name)) {
        return on;
    }
    place.tell(text, says, tell);
    if place.written == Written::Words
        && says >= Hint::Strong
        && let Some(before) = Place::before(text, &name)
    {
        before.tell(text, says, tell);
    }
    if name.opened.is_some() {
        pair(text, &name, says, tell);
    }
    on
}

/// How many items of a list are read.
const MAX_LISTED: usize = 16;

/// `tokens:` and lines behind it that each begin with `- ` and are one value.
fn listed(text: &str, name: &Name, tell: Tell<'_>) {
    let Some(says) = text.get(name.start..name.end - 1).and_then(hint).filter(|says| *says >= Hint::Strong) else {
        return;
    };
    let mut cursor = Cursor::new(text, name.end);
    cursor.eat(":");
    for _ in 0..MAX_LISTED {
        let rest = window(text, cursor.at(), MAX_SHOWN);
        let Some(line) = rest.trim_start_matches([' ', '\r']).strip_prefix('\n') else { return };
        let Some(item) = line.trim_start_matches([' ', '\t']).strip_prefix("- ") else { return };
        let item = item.get(..item.find(['\n', '\r']).unwrap_or(item.len())).unwrap_or_default();
        let start = cursor.at() + rest.find(item).unwrap_or_default();
        let plain = item.trim_matches([' ', '"', '\'']);
        if let Some(secret) = judge(plain, says, Written::Words) {
            let from = start + item.find(plain).unwrap_or_default();
            tell(from..from + plain.len(), rule(says), secret.guessable);
        }
        cursor = Cursor::new(text, start + item.len());
    }
}

/// Whether a name is the last part of an absolute path: `/run/secrets/pw IMAGE`.
fn ends_path(text: &str, name: &Name) -> bool {
    name.start.checked_sub(1).and_then(|at| text.as_bytes().get(at)) == Some(&b'/') && name.text(text).contains('/')
}

/// Whether a UUID says which secret is meant: `get password ID`.
fn is_asked_for(text: &str, name: &Name, place: &Place) -> bool {
    let before = text.get(floor(text, name.start.saturating_sub(16))..name.start).unwrap_or_default();
    let verb = before.trim_end().rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    matches!(verb, "get" | "show" | "list" | "read" | "delete" | "remove" | "edit" | "restore" | "share" | "revoke")
        && place.span.start == name.end + 1
        && text.get(place.span.clone()).is_some_and(value::is_uuid)
}

/// A name in a text.
#[derive(Debug)]
struct Name {
    start: usize,
    end: usize,
    /// Where the words that belong to it begin: `API` of `API key`.
    phrase: usize,
    /// The quote that stands directly before it.
    opened: Option<u8>,
}

enum Header {
    Cookie,
    Scheme,
    SecureString,
}

impl Name {
    fn around(text: &str, word: Range<usize>) -> Option<Self> {
        let bytes = text.as_bytes();
        let before = bytes.get(..word.start)?;
        let longest = before.len().saturating_sub(MAX_NAME);
        let mut start = word.start
            - before
                .iter()
                .rev()
                .take_while(|byte| is_name(**byte) || matches!(byte, b'.' | b'/'))
                .take(MAX_NAME)
                .count();
        if start == longest && longest > 0 {
            return None;
        }
        start = behind_escape(bytes, start, word.start);
        let behind = bytes.get(word.end..)?;
        let mut end = word.end + behind.iter().take_while(|byte| is_name(**byte)).take(MAX_NAME).count();
        // `db.password.old`, but not the point at the end of a sentence.
        while bytes.get(end) == Some(&b'.')
            && bytes.get(end + 1).is_some_and(|next| is_name(*next))
            && end - start < MAX_NAME
        {
            end += 1 + bytes.get(end + 1..)?.iter().take_while(|byte| is_name(**byte)).take(MAX_NAME).count();
        }
        // `contrase\u{f1}a`
        if bytes.get(end..).is_some_and(|rest| rest.starts_with("\u{f1}a".as_bytes())) {
            end += "\u{f1}a".len();
        }
        // `-` before an option's name, `.` before a member's.
        while start < word.start && matches!(bytes.get(start), Some(b'-' | b'.' | b'/')) {
            start += 1;
        }
        let quote = start.checked_sub(1).and_then(|at| bytes.get(at)).copied();
        let opened = quote.filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
        let phrase = phrase(bytes, start);
        (end - start <= MAX_NAME).then_some(Self { start, end, phrase, opened })
    }

    fn text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether nothing but itself stands behind it: `password=password`, `"token":"token"`.
    fn is_its_value(&self, text: &str) -> bool {
        let behind = text.as_bytes().get(self.end..).unwrap_or_default();
        let (quote, behind) = match (self.opened, behind) {
            (Some(quote @ (b'"' | b'\'')), [closing, b':' | b'=', opening, behind @ ..])
                if *closing == quote && *opening == quote =>
            {
                (Some(quote), behind)
            }
            (None, [b'=', behind @ ..]) => (None, behind),
            _ => return false,
        };
        let Some(next) = behind.strip_prefix(self.text(text).as_bytes()) else { return false };
        match quote {
            Some(quote) => next.first() == Some(&quote),
            None => matches!(next.first(), Some(b'=' | b',' | b')' | b' ' | b'\n' | b'&')),
        }
    }

    /// Whether an empty string stands behind it: `"password":""`.
    fn is_empty(&self, text: &str) -> bool {
        let behind = text.as_bytes().get(self.end..).unwrap_or_default();
        matches!(behind, [closing, b':', open, close, next, ..]
            if self.opened == Some(*closing) && open == closing && close == closing && next != closing)
    }

    fn hint(&self, text: &str) -> Option<Hint> {
        let before = text.get(..self.start).unwrap_or_default();
        // `did:key:z…`, `--- PASS: Test…`
        if before.ends_with("did:") || before.ends_with("--- ") || before.ends_with(':') && in_resource_name(before) {
            return None;
        }
        let own = hint(self.text(text));
        // `?auth=X` of a URL
        if own == Some(Hint::Weak) && self.text(text) == "auth" && is_query(text, self) {
            return Some(Hint::Strong);
        }
        // The key of an encrypted database.
        if self.text(text).eq_ignore_ascii_case("pragma key") {
            return Some(Hint::Password);
        }
        // Of SNMP, and of people elsewhere.
        if self.text(text).eq_ignore_ascii_case("community")
            && text
                .get(floor(text, self.start.saturating_sub(256))..self.start)
                .is_some_and(|before| before.contains("snmp") || before.contains("SNMP"))
        {
            return Some(Hint::Password);
        }
        // `enable secret X`, `username bob secret X` of switches and routers.
        if own == Some(Hint::Strong)
            && self.text(text) == "secret"
            && text
                .get(self.phrase..self.start)
                .is_some_and(|phrase| phrase == "enable " || phrase.starts_with("username "))
        {
            return Some(Hint::Password);
        }
        if own < Some(Hint::Strong) && self.phrase < self.start {
            let phrase = text.get(self.phrase..self.end).unwrap_or_default();
            // `Invalid API key`: what is said of the key does not make it another thing.
            let shorter = phrase.split_once(' ').map_or("", |(_, rest)| rest);
            // That of a network is chosen by people.
            let of = |last: &str| last.rsplit_once(' ').map_or(last, |(_, last)| last).to_ascii_lowercase();
            let network = |(of_what, key): (&str, &str)| {
                key.eq_ignore_ascii_case("key")
                    && matches!(&*of(of_what), "wifi" | "wi-fi" | "wlan" | "wpa" | "wep" | "hotspot")
            };
            if own.is_some() && phrase.rsplit_once(' ').is_some_and(network) {
                return Some(Hint::Password);
            }
            return if own.is_none() { None } else { hint(phrase).max(hint(shorter)) };
        }
        own
    }

    /// Whether a user and a password may stand behind it: `creds`, `NEO4J_AUTH`, `login with`.
    fn says_login(&self, text: &str) -> bool {
        // Most names end with no two letters with which the words do.
        const ENDS: [&[u8; 2]; 9] = [b"th", b"ed", b"ds", b"ls", b"al", b"in", b"ss", b"wd", b"en"];
        const LAST: [&str; 10] = [
            "auth",
            "basicauth",
            "cred",
            "creds",
            "credential",
            "credentials",
            "login",
            "userpass",
            "userpwd",
            "zugangsdaten",
        ];
        let name = self.text(text);
        let ends = || {
            let last = last_part(name, |byte| matches!(byte, b'_' | b'-' | b'.'));
            LAST.iter().any(|word| last.eq_ignore_ascii_case(word))
        };
        let begins = |begin: &&str| name.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin));
        match name.as_bytes() {
            [.., before, last] if ends_as(&ENDS, *before, *last) && ends() => true,
            [b'l' | b's' | b'L' | b'S', ..] => ["log in ", "login ", "sign in "].iter().any(begins),
            _ => false,
        }
    }

    fn header(&self, text: &str) -> Option<Header> {
        let name = self.text(text);
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match name.as_bytes().last()?.to_ascii_lowercase() {
            b'e' | b's' => {
                let last = last_part(name, |byte| matches!(byte, b'.' | b'/' | b'_'));
                let cookie = ["cookie", "set-cookie", "cookies"].iter().any(|other| last.eq_ignore_ascii_case(other));
                cookie.then_some(Header::Cookie)
            }
            b'r' => is("bearer").then_some(Header::Scheme),
            b'c' => is("basic").then_some(Header::Scheme),
            b'g' => is("ConvertTo-SecureString").then_some(Header::SecureString),
            _ => None,
        }
    }
}

/// Whether a text ends in the name of a resource: `arn:aws:secretsmanager:…:`.
fn in_resource_name(before: &str) -> bool {
    let near = before.get(floor(before, before.len().saturating_sub(128))..).unwrap_or_default();
    last_part(near, |byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'=')).starts_with("arn:")
}

/// Whether two bytes, in either case, are one of these pairs.
pub(super) fn ends_as(ends: &[&[u8; 2]], before: u8, last: u8) -> bool {
    ends.contains(&&[before.to_ascii_lowercase(), last.to_ascii_lowercase()])
}

/// What stands behind the last of some bytes.
fn last_part(name: &str, separates: fn(u8) -> bool) -> &str {
    let before = name.bytes().rposition(separates);
    before.map_or(name, |at| name.get(at + 1..).unwrap_or_default())
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// A letter that belongs to an escape is none of the name: `\npassword`, `\u0022token`, `%22token`, `\x1b[0mtoken`.
pub(super) fn behind_escape(bytes: &[u8], start: usize, word: usize) -> usize {
    let before = bytes.get(..start).unwrap_or_default();
    let here = bytes.get(start..word).unwrap_or_default();
    let skip = match (before.last(), here) {
        (Some(b'\\'), [b'n' | b't' | b'r' | b'b' | b'f', ..]) => 1,
        (Some(b'\\'), [b'u', a, b, c, d, ..]) if [a, b, c, d].iter().all(|byte| byte.is_ascii_hexdigit()) => 5,
        (Some(b'\\'), [b'x', a, b, ..]) if [a, b].iter().all(|byte| byte.is_ascii_hexdigit()) => 3,
        (Some(b'%'), [a, b, ..]) if [a, b].iter().all(|byte| byte.is_ascii_hexdigit()) => 2,
        (Some(b'['), colour) => {
            let digits = colour.iter().take(12).take_while(|byte| byte.is_ascii_digit()).count();
            if colour.get(digits) == Some(&b'm') { digits + 1 } else { 0 }
        }
        (Some(b';'), colour) if before.len() > 3 => {
            let digits = colour.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
            if digits > 0 && colour.get(digits) == Some(&b'm') { digits + 1 } else { 0 }
        }
        _ => 0,
    };
    start + skip
}

/// Where up to two words before a name begin, each behind one space: `Secret access` key.
fn phrase(bytes: &[u8], start: usize) -> usize {
    let mut phrase = start;
    for _ in 0..2 {
        let Some(space) = phrase.checked_sub(1) else { break };
        if bytes.get(space) != Some(&b' ') {
            break;
        }
        let letters = bytes
            .get(..space)
            .unwrap_or_default()
            .iter()
            .rev()
            .take(24)
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        // `token for session`: two things.
        let joins = matches!(
            bytes.get(space - letters..space),
            Some(b"for" | b"of" | b"in" | b"with" | b"to" | b"and" | b"or" | b"by" | b"on" | b"at" | b"from" | b"per")
        );
        if letters == 0 || joins {
            break;
        }
        phrase = space - letters;
    }
    phrase
}

/// A value and how it stands behind its name.
struct Place {
    span: Range<usize>,
    written: Written,
    /// A value of several lines: taken whole.
    block: bool,
}

impl Place {
    fn behind(text: &str, name: &Name, says: Hint) -> Option<Self> {
        let mut cursor = Cursor::new(text, name.end);
        cursor.eat_colours();
        // `tokens[0]`, `secret[]`
        if cursor.peek() == Some(b'[') {
            let inside = cursor.rest().iter().take(24).position(|byte| *byte == b']');
            cursor.skip(inside? + 1);
        }
        let opener = name.start.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        // `user[password]=value` of a form.
        if opener == Some(&b'[') && (cursor.rest().starts_with(b"]=") || cursor.rest().starts_with(b"] =>")) {
            cursor.skip(1);
        }
        // `<password>value</password>`
        if cursor.peek() == Some(b'>') && matches!(opener, Some(b'<' | b':')) {
            cursor.skip(1);
            return Self::element(text, cursor);
        }
        // `<wsse:Password Type="…">value</…>`
        if cursor.peek() == Some(b' ') && (opener == Some(&b'<') || opener == Some(&b':') && in_tag(text, name)) {
            let end = cursor.rest().iter().take(256).position(|byte| matches!(byte, b'>' | b'<' | b'\n'))?;
            let tag = cursor.rest().get(..end).unwrap_or_default();
            if cursor.rest().get(end) == Some(&b'>') && tag.contains(&b'=') && tag.last() != Some(&b'/') {
                cursor.skip(end + 1);
                return Self::element(text, cursor);
            }
        }
        // `&lt;password&gt;value&lt;/password&gt;`
        if cursor.peek() == Some(b'&')
            && text.get(..name.start).is_some_and(|before| before.ends_with("&lt;"))
            && cursor.eat("&gt;")
        {
            let rest = window(text, cursor.at(), 4096);
            let end = rest.find("&lt;")?;
            return Some(Self { span: cursor.at()..cursor.at() + end, written: Written::Tight, block: false });
        }
        // `secret("value")`, `password.assign("value"`
        if cursor.peek() == Some(b'(') {
            cursor.skip(1);
            eat_spaces(&mut cursor);
            eat_string_prefix(&mut cursor);
            let quote = cursor.eat_quote()?;
            let first = Self::quoted(cursor, quote, Written::Call)?;
            // `credentials('deploy-key-2')` of Jenkins names them.
            if name.text(text).ends_with("redentials")
                && text.get(first.span.clone()).is_none_or(|id| !looks_random(id))
            {
                return None;
            }
            // `NetworkCredential("user", "password")`
            let mut ahead = Cursor::new(text, first.span.end);
            if ahead.eat_quote().is_some() && ahead.eat(",") {
                eat_spaces(&mut ahead);
                if let Some(quote) = ahead.eat_quote()
                    && name.text(text).to_ascii_lowercase().ends_with("credential")
                {
                    return Self::quoted(ahead, quote, Written::Credential);
                }
            }
            return Some(first);
        }
        // `reg add KEY /v DefaultPassword /t REG_SZ /d value`
        if cursor.peek() == Some(b' ') && matches!(cursor.rest(), [b' ', b'/', b't' | b'd' | b'T' | b'D', b' ', ..]) {
            return Self::registry(text, cursor);
        }
        // `the token's value`
        if cursor.rest().starts_with(b"'s ") && opener != Some(&b'\'') {
            cursor.skip(2);
            cursor.eat_blanks();
            return Self::words(text, cursor, says);
        }
        // `**Password:** value`, `**Password**: value`
        let marked = matches!(opener, Some(b'*'));
        if marked {
            cursor.eat_marks();
        }
        let (mut closed, mut indexed) = (false, false);
        for _ in 0..4 {
            if cursor.eat_quote().is_some() {
                closed = true;
            } else if closed && matches!(cursor.peek(), Some(b']' | b')' | b'}')) {
                indexed = cursor.peek() == Some(b']');
                cursor.skip(1);
            } else {
                break;
            }
        }
        cursor.eat_colours();
        let mut blanks = cursor.eat_blanks();
        cursor.eat_colours();
        if blanks {
            prose::eat_aside(&mut cursor);
        }
        // `Password.....: value`
        let dots = cursor.rest().iter().take(64).take_while(|byte| **byte == b'.').count();
        if dots > 2 {
            cursor.skip(dots);
            blanks |= cursor.eat_blanks();
        }
        // `| password | value |`
        if cursor.peek() == Some(b'|') && blanks && in_table(text, name) {
            cursor.skip(1);
            cursor.eat_blanks();
            cursor.eat_quote();
            return Self::words(text, cursor, says);
        }
        // `password | value`: a record of a database over several lines.
        if cursor.peek() == Some(b'|') && blanks && !closed && name_begins_line(text, name) {
            let mut ahead = cursor;
            ahead.skip(1);
            if ahead.eat_blanks() {
                let rest = ahead
                    .rest()
                    .iter()
                    .take(256)
                    .position(|byte| byte.is_ascii_whitespace() || b"|\"'\\".contains(byte));
                let end = rest.unwrap_or(ahead.rest().len().min(256));
                if ahead.rest().get(end).is_none_or(|byte| b"\n\r\"'\\".contains(byte)) {
                    return Some(Self { span: ahead.at()..ahead.at() + end, written: Written::Words, block: false });
                }
            }
        }
        let operator = match cursor.eat_operator() {
            Some(operator) => Some(operator),
            None if closed && cursor.peek() == Some(b',') && in_call(text, name) => {
                // `define('NAME', 'value')`
                cursor.skip(1);
                eat_spaces(&mut cursor);
                eat_string_prefix(&mut cursor);
                let quote = cursor.eat_quote()?;
                return Self::quoted(cursor, quote, Written::Call);
            }
            None => None,
        };
        let Some(operator) = operator else {
            // `'["db"]["password"] "value"'` of sops.
            if indexed && blanks && opener.is_some_and(|byte| matches!(byte, b'"' | b'\'')) {
                let quote = cursor.eat_quote()?;
                return Self::quoted(cursor, quote, Written::Quoted);
            }
            // `-field=password NAME`: it is itself a value. `<secret name="…">`: an element.
            if matches!(opener, Some(b'=' | b'<')) {
                return None;
            }
            blanks |= IS.eat(&mut cursor) && {
                cursor.eat_blanks();
                true
            };
            return if blanks && (!closed || opener == Some(&b'`')) { Self::words(text, cursor, says) } else { None };
        };
        cursor.eat_colours();
        if marked {
            cursor.eat_marks();
        }
        let mut spaced = cursor.eat_blanks();
        cursor.eat_colours();
        // `NAME=\`, and the value in the next line: of a shell, a Makefile, Java's properties.
        if operator == Operator::Equals && matches!(cursor.rest(), [b'\\', b'\n', ..] | [b'\\', b'\r', b'\n', ..]) {
            cursor.skip(if cursor.rest().get(1) == Some(&b'\n') { 2 } else { 3 });
            spaced |= cursor.eat_blanks();
        }
        if operator == Operator::Colon && spaced {
            eat_yaml_tags(&mut cursor);
        }
        if matches!(cursor.peek(), Some(b'{' | b'['))
            && let Some(place) = Self::inside(text, cursor, closed)
        {
            return Some(place);
        }
        if operator == Operator::Colon && matches!(cursor.peek(), Some(b'|' | b'>')) {
            return Self::block(text, name, cursor);
        }
        // JSON that was written over several lines.
        if closed && matches!(cursor.peek(), Some(b'\n' | b'\r')) {
            let lines = cursor.rest().iter().take(64).take_while(|byte| byte.is_ascii_whitespace()).count();
            cursor.skip(lines);
        }
        // `string(9) "value"`, as PHP shows it.
        if closed && cursor.eat("string(") {
            let digits = cursor.rest().iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
            cursor.skip(digits);
            cursor.eat(") ");
        }
        eat_string_prefix(&mut cursor);
        let ahead = cursor;
        // `const token: string = "value"`
        if operator == Operator::Colon && typed(&mut cursor) {
            let quote = cursor.eat_quote()?;
            return Self::quoted(cursor, quote, Written::Quoted);
        }
        let written = if spaced || blanks || operator == Operator::Loose { Written::Loose } else { Written::Tight };
        if let Some(quote) = cursor.eat_quote() {
            // `"Password: "`: the quote that opened before the name is closed here.
            let deep = text.as_bytes().get(..name.start.saturating_sub(1)).unwrap_or_default().iter().rev().take(128);
            let deep = deep.take_while(|byte| **byte == b'\\').count();
            let closes = !closed
                && matches!((name.opened, quote), (Some(opened), Quote::Char { quote, backslashes }) if opened == quote && deep >= backslashes);
            if closes {
                return None;
            }
            return Self::quoted(cursor, quote, Written::Quoted);
        }
        // A list of JSON, and an object: their marks are no part of any value.
        if closed && operator == Operator::Colon && matches!(ahead.peek(), Some(b'[' | b'{')) {
            return None;
        }
        // What a value is shows in its beginning: the rest is read only of one that may be a secret.
        let place = Self::bare(text, name, ahead, operator, written, MAX_SHOWN)?;
        let begins = text.get(place.span.clone()).unwrap_or_default();
        if place.span.len() + 8 >= MAX_SHOWN && judge(begins, says, place.written).is_some() {
            return Self::bare(text, name, ahead, operator, written, MAX_VALUE);
        }
        Some(place)
    }

    fn quoted(mut cursor: Cursor<'_>, quote: Quote, written: Written) -> Option<Self> {
        // `"""value"""`
        if let Quote::Char { quote, backslashes: 0 } = quote
            && matches!(cursor.rest(), [a, b, c, ..] if *a == quote && *b == quote && *c != quote && !c.is_ascii_whitespace())
        {
            cursor.skip(2);
        }
        let closing = cursor.closing(quote);
        let start = cursor.at();
        // Not closed, and not because the text was cut: an apostrophe.
        if !closing.closed && cursor.rest().len() != closing.end {
            return None;
        }
        let written = if closing.closed { written } else { Written::Tight };
        Some(Self { span: start..start + closing.end, written, block: false })
    }

    /// What is written to a value of Windows's registry.
    fn registry(text: &str, mut cursor: Cursor<'_>) -> Option<Self> {
        if cursor.eat(" /t ") {
            let kind = cursor.rest().iter().take(24).take_while(|byte| is_name(**byte)).count();
            cursor.skip(kind);
        }
        if !cursor.eat(" /d ") {
            return None;
        }
        if let Some(quote) = cursor.eat_quote() {
            return Self::quoted(cursor, quote, Written::Tight);
        }
        let rest = window(text, cursor.at(), MAX_VALUE);
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\' | '`')).unwrap_or(rest.len());
        Some(Self { span: cursor.at()..cursor.at() + end, written: Written::Tight, block: false })
    }

    fn element(text: &str, cursor: Cursor<'_>) -> Option<Self> {
        let rest = cursor.rest();
        let window = rest.get(..4096.min(rest.len()))?;
        let end = window
            .iter()
            .position(|byte| *byte == b'<')
            .or_else(|| (window.len() == rest.len()).then_some(rest.len()))?;
        let inside = text.get(cursor.at()..cursor.at() + end)?;
        // Not closed, and the line ends: no element, but `<password>` in a text.
        if end == rest.len() && inside.starts_with(['\n', '\r']) {
            return None;
        }
        let mut start = cursor.at() + (inside.len() - inside.trim_start().len());
        let mut length = inside.trim().len();
        if length == 0
            && let Some(data) = text.get(cursor.at() + end..)
            && let Some(data) = data.strip_prefix("<![CDATA[")
        {
            start = cursor.at() + end + "<![CDATA[".len();
            length = super::context::window(data, 0, 4096).find("]]>")?;
        }
        let value = text.get(start..start + length)?;
        let written = if value.contains(' ') { Written::Quoted } else { Written::Tight };
        Some(Self { span: start..start + length, written, block: false })
    }

    /// `["value"]`, `{"value": "…"}`, and an object that has a value among what describes it.
    fn inside(text: &str, mut cursor: Cursor<'_>, closed: bool) -> Option<Self> {
        let open = cursor.peek()?;
        cursor.skip(1);
        eat_spaces(&mut cursor);
        if open == b'[' {
            if !closed {
                return None;
            }
            let quote = cursor.eat_quote()?;
            return Self::quoted(cursor, quote, Written::Quoted);
        }
        let quote = cursor.eat_quote()?;
        // `{"S": "…"}` of DynamoDB.
        let mut ahead = cursor;
        if ahead.eat("S") && ahead.eat_quote().is_some() && ahead.eat_operator().is_some() {
            ahead.eat_blanks();
            let quote = ahead.eat_quote()?;
            return Self::quoted(ahead, quote, Written::Quoted);
        }
        let _ = quote;
        value_within(text, cursor.at())
    }

    /// `password: >-` and lines that are indented deeper than the name's.
    fn block(text: &str, name: &Name, cursor: Cursor<'_>) -> Option<Self> {
        let rest = text.get(cursor.at()..)?;
        let (head, body) = rest.split_once('\n')?;
        if head.len() > 4 || !head.bytes().all(|byte| matches!(byte, b'|' | b'>' | b'-' | b'+' | b'\r' | b'0'..=b'9')) {
            return None;
        }
        let line = text.get(..name.start)?.rfind('\n').map_or(0, |at| at + 1);
        let indent = text.get(line..name.start)?.bytes().take_while(|byte| *byte == b' ').count();
        let start = cursor.at() + head.len() + 1;
        let mut end = start;
        for line in body.split_inclusive('\n').take(256) {
            let depth = line.bytes().take_while(|byte| *byte == b' ').count();
            if depth <= indent && !line.trim().is_empty() {
                break;
            }
            end += line.len();
        }
        let value = text.get(start..end)?;
        let from = start + (value.len() - value.trim_start().len());
        Some(Self { span: from..from + value.trim().len(), written: Written::Loose, block: true })
    }

    /// A value without quotes.
    fn bare(
        text: &str,
        name: &Name,
        cursor: Cursor<'_>,
        operator: Operator,
        written: Written,
        length: usize,
    ) -> Option<Self> {
        let start = cursor.at();
        let rest = window(text, start, length);
        // `password=password=…`: the inner name has its own turn.
        let word = rest.bytes().take(64).take_while(|byte| is_name(*byte)).count();
        if matches!(rest.as_bytes().get(word), Some(b'=' | b':'))
            && rest.as_bytes().get(word + 1).is_some_and(|next| *next != b'=')
            && rest.get(..word).is_some_and(|word| word == name.text(text) || hint(word).is_some())
        {
            return None;
        }
        // `user[password]=user[password]=…`
        if rest.as_bytes().get(word) == Some(&b'[') && window(rest, word, 64).contains("]=") {
            return None;
        }
        let line = rest.get(..memchr::memchr2(b'\n', b'\r', rest.as_bytes()).unwrap_or(rest.len()))?;
        let begins_line = name_begins_line(text, name) && !is_query(text, name);
        // Where a value cannot be the rest of its line, it ends before what separates.
        let near = if begins_line {
            line
        } else {
            let separator = |byte: &u8| b" \t\"'`<>|;,&".contains(byte);
            line.get(..line.as_bytes().iter().position(separator).unwrap_or(line.len()))?
        };
        let token = near.get(..near.find([' ', '\t', '\u{a0}', '\u{3000}']).unwrap_or(near.len()))?;
        // `passwords=(one two)`: an array of a shell.
        let word = |list: &str| list.bytes().all(|byte| byte.is_ascii_lowercase());
        if operator == Operator::Equals && token.strip_prefix('(').is_some_and(word) && line.contains(')') {
            return None;
        }
        // `credentials:{accessKeyId:…`: the name inside has its own turn.
        if let Some(inner) = token.strip_prefix('{')
            && operator == Operator::Colon
            && inner.split_once(':').is_some_and(|(inner, _)| !inner.is_empty() && inner.bytes().all(is_name))
        {
            return None;
        }
        // A brace of its own: `PWD={…};`
        if token.starts_with('{')
            && operator == Operator::Equals
            && let Some(end) = line.find('}')
            && line.get(end + 1..).is_none_or(|behind| behind.is_empty() || behind.starts_with([';', '"', '\'', ' ']))
        {
            return Some(Self { span: start + 1..start + end, written: Written::Quoted, block: false });
        }
        let whole_line = begins_line && line.get(token.len()..)?.trim().is_empty() && operator != Operator::Percent;
        let end = if whole_line {
            let plain = token.trim_end_matches([',', ';', '\u{2026}']);
            // `{"a": b}` on one line, `name=value"`: the brackets and quotes are not the value's.
            let end = bare_end(plain, operator);
            if plain.get(end..).is_some_and(|tail| tail.starts_with(['"', '\'', '`', '<', '>', '\\']) || end == 0) {
                end
            } else {
                plain.len()
            }
        } else {
            bare_end(token, operator)
        };
        let value = token.get(..end)?;
        // `password != confirmed2`: what is compared without quotes is a name.
        if operator == Operator::Loose
            && value.trim_end_matches([':', ')', ';', '{']).bytes().all(is_name)
            && text
                .get(name.end..start)
                .is_some_and(|between| between.trim_end().ends_with("==") || between.contains("!="))
        {
            return None;
        }
        let written = if written == Written::Loose && operator == Operator::Equals && is_setting(text, name) {
            Written::Tight
        } else {
            written
        };
        // `password = (known after apply)`: the parenthesis closes words behind.
        if written == Written::Loose && value.starts_with('(') && !value.contains(')') {
            return None;
        }
        // `password = index_info`: what is assigned without quotes is a name.
        if written == Written::Loose
            && operator == Operator::Equals
            && value.contains('_')
            && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            return None;
        }
        // `password: some words`: prose goes on.
        let prose = written == Written::Loose
            && end == token.len()
            && line.get(token.len()..).is_some_and(|tail| tail.trim_start().starts_with(|c: char| c.is_alphanumeric()));
        let written = if prose { Written::Words } else { written };
        Some(Self { span: start..start + value.len(), written, block: false })
    }

    /// `password hunter2`, `the password is hunter2`, `password to hunter2`.
    fn words(text: &str, mut cursor: Cursor<'_>, says: Hint) -> Option<Self> {
        // `var token string = "value"`
        let mut ahead = cursor;
        if typed(&mut ahead) {
            let quote = ahead.eat_quote()?;
            return Self::quoted(ahead, quote, Written::Quoted);
        }
        // `secret_id     value`: a column of names and one of values.
        let column = text.as_bytes().get(..cursor.at()).is_some_and(|before| before.ends_with(b"  "));
        // `PASSWORD elastic = value`
        let user = cursor.rest().iter().take(32).take_while(|byte| is_name(**byte)).count();
        if text.get(..cursor.at()).is_some_and(|before| before.ends_with("PASSWORD "))
            && cursor.rest().get(user..).is_some_and(|rest| rest.starts_with(b" = "))
        {
            cursor.skip(user + 3);
            return Self::word(text, cursor);
        }
        let begin = cursor;
        eat_fillers(&mut cursor);
        let plain = Self::word(text, cursor);
        let judged = plain
            .as_ref()
            .and_then(|place| text.get(place.span.clone()))
            .and_then(|value| judge(value, says, Written::Words));
        if judged.is_some() {
            return plain;
        }
        if column
            && says < Hint::Password
            && let Some(place) = &plain
            && text.get(place.span.clone()).is_some_and(|value| looks_random(value) || value::is_uuid(value))
            && text.as_bytes().get(place.span.end).is_none_or(|byte| b"\n\r\"'\\".contains(byte))
        {
            return plain.map(|place| Self { written: Written::Tight, ..place });
        }
        Self::described(text, begin).or_else(|| Self::described(text, cursor)).or(plain)
    }

    /// The word or the quoted text that begins here.
    fn word(text: &str, mut cursor: Cursor<'_>) -> Option<Self> {
        let ahead = cursor;
        if let Some(quote) = cursor.eat_quote() {
            let place = Self::quoted(cursor, quote, Written::Words)?;
            let value = text.get(place.span.clone())?;
            return (value.len() <= 256).then_some(place);
        }
        let rest = window(text, ahead.at(), 1024);
        let token = rest.get(..rest.find(|character: char| character.is_whitespace()).unwrap_or(rest.len()))?;
        let end = bare_end(token, Operator::Colon);
        let value = token.get(..end)?.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        Some(Self { span: ahead.at()..ahead.at() + value.len(), written: Written::Words, block: false })
    }

    /// `password for the database: value`, `token (for tests) is value`.
    fn described(text: &str, mut cursor: Cursor<'_>) -> Option<Self> {
        static BEGIN: OneOf = OneOf::new(&[
            "di ",
            "del ",
            "della ",
            "des ",
            "du ",
            "da ",
            "van ",
            "dla ",
            "\u{43e}\u{442} ",
            "for ",
            "of ",
            "to ",
            "is generated ",
            "in ",
            "on ",
            "from ",
            "f\u{fc}r ",
            "para ",
            "pour ",
            "per ",
            "(",
            "provided",
            "you ",
            "and ",
            "at ",
            "by ",
            "has ",
            "was ",
            "von ",
            "de ",
            "do ",
            "created",
            "generated",
            "set ",
        ]);
        const END: [&str; 12] = [
            ": ",
            " is ",
            " = ",
            " ist ",
            " est ",
            " es ",
            ":\n",
            ") is ",
            " \u{e9} ",
            " \u{e8} ",
            " \u{2014} ",
            " \u{2013} ",
        ];
        if !BEGIN.eat(&mut cursor) {
            return None;
        }
        let rest = window(text, cursor.at(), 128);
        // What stands in parentheses may be code.
        let mut open = false;
        let end = rest.find(|c: char| {
            open = c == '(' || open && c != ')';
            !open && matches!(c, '"' | '`' | '<' | '>' | '{' | '}' | ';' | ',')
        });
        let rest = rest.get(..end.unwrap_or(rest.len()).max(1))?;
        let (at, length) = END.iter().filter_map(|end| rest.find(end).map(|at| (at, end.len()))).min()?;
        if rest.get(..at)?.split_ascii_whitespace().count() > 8 {
            return None;
        }
        cursor.skip(at + length);
        eat_spaces(&mut cursor);
        if let Some(quote) = cursor.eat_quote() {
            return Self::quoted(cursor, quote, Written::Words);
        }
        let rest = window(text, cursor.at(), 1024);
        let token = rest.get(..rest.find(char::is_whitespace).unwrap_or(rest.len()))?;
        let value = token.get(..bare_end(token, Operator::Colon))?.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        (value.len() >= 6).then_some(Self {
            span: cursor.at()..cursor.at() + value.len(),
            written: Written::Words,
            block: false,
        })
    }

    /// `use VALUE as the password`.
    fn before(text: &str, name: &Name) -> Option<Self> {
        let behind = text.get(name.end..)?;
        let ends = match behind.as_bytes() {
            [] | [b'.' | b',' | b'!' | b';' | b'\n' | b'"' | b')' | b'\\', ..] => true,
            [b' ', b'f' | b't' | b'i' | b'o' | b'w' | b'a', ..] => {
                let goes_on = |word: &&str| behind.starts_with(*word);
                [" for ", " to ", " in ", " on ", " when ", " and ", " with "].iter().any(goes_on)
            }
            _ => false,
        };
        if !ends {
            return None;
        }
        let head = text.get(floor(text, name.phrase.saturating_sub(160))..name.end)?;
        let near = floor(head, head.len().saturating_sub(39));
        let at = [" as ", " is the ", " for the "].iter().filter_map(|word| head.get(near..)?.rfind(word)).max();
        let at = near + at?;
        let first = head.get(..at)?;
        let token = first.rsplit([' ', '\n', '\t', '"', '\'', '`', '(']).find(|token| !token.is_empty())?;
        let from = first.rfind(token)?;
        let start = name.end - head.len() + from;
        Some(Self { span: start..start + token.len(), written: Written::Words, block: false })
    }

    fn tell(&self, text: &str, says: Hint, tell: Tell<'_>) {
        let Some(value) = text.get(self.span.clone()) else { return };
        if value.is_empty() || self.span.len() > super::cursor::MAX_QUOTED {
            return;
        }
        if self.block {
            for (offset, line) in lines(value) {
                if let Some(secret) = judge(line, says, Written::Quoted) {
                    tell(trimmed(line, self.span.start + offset), rule(says), secret.guessable);
                }
            }
            return;
        }
        // `Authorization: Bearer value`
        if let Some(credential) = scheme(text, self) {
            let Some(value) = text.get(credential.clone()) else { return };
            if let Some(secret) = judge(value, Hint::Strong, Written::Credential) {
                tell(credential, "authorization", secret.guessable);
            }
            return;
        }
        if let Some(secret) = judge(value, says, self.written) {
            tell(trimmed(value, self.span.start), rule(says), secret.guessable);
        }
    }
}

pub(super) fn rule(says: Hint) -> &'static str {
    match says {
        Hint::Password => "password",
        Hint::Strong => "secret",
        Hint::Weak | Hint::Likely => "key",
    }
}

fn trimmed(value: &str, start: usize) -> Range<usize> {
    let from = start + (value.len() - value.trim_start().len());
    from..from + value.trim().len()
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    text.split_inclusive('\n').map(move |line| {
        let at = offset;
        offset += line.len();
        (at, line)
    })
}

/// Where a value without quotes ends, in bytes of the word.
fn bare_end(token: &str, operator: Operator) -> usize {
    let bytes = token.as_bytes();
    let mut open = 0_usize;
    for (at, character) in token.char_indices() {
        let next = bytes.get(at + 1).copied();
        match character {
            '"' | '\'' | '`' | '<' | '>' | '|' | ';' => return at,
            ',' | '&' => return at,
            '(' | '{' | '[' => open += 1,
            ')' | '}' | ']' if open == 0 => return at,
            ')' | '}' | ']' => open -= 1,
            '\\' if matches!(next, None | Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\' | b'`')) => return at,
            '%' if operator == Operator::Percent
                && token.get(at + 1..at + 3).is_some_and(|code| {
                    ["22", "27", "26", "2C", "7D", "5D", "3B", "20", "0A"]
                        .iter()
                        .any(|end| end.eq_ignore_ascii_case(code))
                }) =>
            {
                return at;
            }
            // Scripts without spaces: the sentence goes on.
            '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
                if bytes.get(..at).is_some_and(|before| before.last().is_some_and(u8::is_ascii)) =>
            {
                return at;
            }
            // What is drawn, or not even that: no part of a password.
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}' => {
                return at;
            }
            '\u{1b}' | '\u{2026}' | '\u{ff0c}' | '\u{3002}' | '\u{ff1b}' | '\u{300d}' => return at,
            '#' if at > 0 && operator == Operator::Percent => return at,
            _ => {}
        }
    }
    token.len()
}

/// Whether nothing but white space and words like `export` stands before a name on its line.
fn name_begins_line(text: &str, name: &Name) -> bool {
    let before =
        text.get(name.start.saturating_sub(64)..name.start).or_else(|| text.get(..name.start)).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    // `    12\u{2192}name`: a file with the numbers of its lines.
    let line = match line.split_once('\u{2192}') {
        Some((number, line)) if number.trim().bytes().all(|byte| byte.is_ascii_digit()) => line,
        _ => line,
    };
    let line = line.trim();
    matches!(
        line,
        "" | "export"
            | "-"
            | "#"
            | "//"
            | "ENV"
            | "ARG"
            | "set"
            | "+"
            | "setenv"
            | "*"
            | "--"
            | "declare -x"
            | "let"
            | "const"
            | "var"
            | "$"
            | ">"
            | "<"
            | "my"
    ) || line.len() <= 24 && line.ends_with('.') && line.bytes().all(|byte| is_name(byte) || byte == b'.')
}

/// `?name=` and `&name=`.
fn is_query(text: &str, name: &Name) -> bool {
    matches!(name.start.checked_sub(1).and_then(|at| text.as_bytes().get(at)), Some(b'?' | b'&'))
}

/// `NAME = value` in a file of settings: the name in capitals, or in a section.
fn is_setting(text: &str, name: &Name) -> bool {
    name.text(text).bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A type and an operator before a quoted value: `string = `, `&'static str = `.
fn typed(cursor: &mut Cursor<'_>) -> bool {
    let mut ahead = *cursor;
    let letters = ahead
        .rest()
        .iter()
        .take(32)
        .take_while(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'&' | b'*' | b'?' | b':' | b'.' | b'_' | b'\'' | b'[' | b']' | b'<' | b'>' | b'|')
        })
        .count();
    if letters < 3 {
        return false;
    }
    ahead.skip(letters);
    ahead.eat_blanks();
    // `&'static str`
    if ahead.eat("str") {
        ahead.eat_blanks();
    }
    if !matches!(ahead.eat_operator(), Some(Operator::Equals | Operator::Loose)) {
        return false;
    }
    ahead.eat_blanks();
    eat_string_prefix(&mut ahead);
    let mut quote = ahead;
    if quote.eat_quote().is_none() {
        return false;
    }
    *cursor = ahead;
    true
}

/// Whether the string that is a name is the first argument of a call, or an option in a list.
fn in_call(text: &str, name: &Name) -> bool {
    let before = text.get(floor(text, name.start.saturating_sub(16))..name.start).unwrap_or_default();
    let option = before.ends_with('-');
    let opener = before.trim_end_matches(['-', '"', '\'', '`', '\\', ' ', '\n', 'u', 'b', 'r', '@', '$', 'N', 'L']);
    opener.ends_with('(') || option && opener.ends_with(['[', ',']) || opener.ends_with("[[")
}

pub(super) fn eat_spaces(cursor: &mut Cursor<'_>) {
    let spaces = cursor.rest().iter().take(64).take_while(|byte| byte.is_ascii_whitespace()).count();
    cursor.skip(spaces);
}

/// `u"`, `b'`, `@"`, `$'`, `r#"`, `N'`, `L"`.
pub(super) fn eat_string_prefix(cursor: &mut Cursor<'_>) {
    match cursor.rest() {
        [b'u' | b'b' | b'r' | b'f' | b'@' | b'$' | b'N' | b'L' | b'U', b'"' | b'\'', ..] => cursor.skip(1),
        [b'b', b'r', b'"' | b'\'', ..] | [b'r', b'#', b'"', ..] => cursor.skip(2),
        _ => {}
    }
}

/// Words before a credential in a header's value.
static SCHEMES: List = list!(
    "basic bearer token apikey api-key ssws splunk bot key digest negotiate ntlm hawk geniekey oauth jwt sharedkey
    sharedaccesssignature snowflake zoho-oauthtoken user-token macaroon discharge pat jenkins elastic x-api-key privatetoken client-token
    datadog honeycomb aws sso-key workspace access-token personal-token v1 vapid"
);

/// `Bearer value`: where the credential stands.
fn scheme(text: &str, place: &Place) -> Option<Range<usize>> {
    let rest = text.get(place.span.start..)?;
    let word = rest.bytes().take(24).take_while(|byte| is_name(*byte)).count();
    let scheme = rest.get(..word)?;
    if word < 2 || !matches!(rest.as_bytes().get(word), Some(b' ' | b'+')) && !rest.get(word..)?.starts_with("%20") {
        return None;
    }
    let known = SCHEMES.has(scheme);
    let behind = rest.get(word..)?;
    let gap = if behind.starts_with("%20") {
        3
    } else {
        behind.bytes().take(8).take_while(|byte| matches!(byte, b' ' | b'+')).count()
    };
    let mut start = place.span.start + word + gap;
    // `Token token=value`
    if let Some(value) = text.get(start..).and_then(|value| value.strip_prefix("token=")) {
        start += "token=".len() + usize::from(value.starts_with('"'));
    }
    let quoted = matches!(place.written, Written::Quoted | Written::Call);
    let end = if quoted {
        place.span.end
    } else {
        let rest = window(text, start, MAX_VALUE);
        let near = rest.as_bytes().iter().position(|byte| byte.is_ascii_whitespace() || b"\"'`<>|;,&".contains(byte));
        let rest = rest.get(..near.unwrap_or(rest.len()))?;
        let token = rest.get(..rest.find(char::is_whitespace).unwrap_or(rest.len()))?;
        start + bare_end(token, Operator::Colon)
    };
    if end <= start {
        return None;
    }
    let value = text.get(start..end)?;
    // A scheme that is not known is a word, and what stands behind it no other name with its value. `+` is a space only
    // behind one that is known: it stands in base64 too.
    let capital = scheme.starts_with(|first: char| first.is_ascii_uppercase());
    let word = (place.written != Written::Words || capital)
        && !behind.starts_with('+')
        && !value.starts_with('-')
        && !scheme.starts_with('-')
        && scheme.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let assigned =
        value.split_once('=').is_some_and(|(name, value)| !value.trim_matches('=').is_empty() && hint(name).is_some());
    (known || word && !assigned && !value.contains(' ') && looks_random(value)).then_some(start..end)
}

/// `Bearer value` and `Basic value` wherever they stand.
fn credential(text: &str, behind: usize, tell: Tell<'_>) {
    let rest = window(text, behind, MAX_VALUE);
    let gap = if rest.starts_with("%20") { 3 } else { rest.bytes().take(8).take_while(|byte| *byte == b' ').count() };
    let Some(rest) = rest.get(gap..) else { return };
    if gap == 0 && !rest.is_empty() {
        return;
    }
    let token = rest.get(..rest.find(char::is_whitespace).unwrap_or(rest.len())).unwrap_or_default();
    let value = token.get(..bare_end(token, Operator::Colon)).unwrap_or_default();
    let start = behind + gap;
    let is_basic = || value.len() >= 8 && value::is_base64_pair(value);
    if is_hex(value, 16) || value::is_uuid(value) || looks_random(value) && !value::is_slug(value) || is_basic() {
        tell(start..start + value.len(), "authorization", value.len() < 20);
    }
}

/// `creds are bob / password`, `login with bob:password`, `NEO4J_AUTH=bob/password`, and `AUTH password` of Redis.
fn login(text: &str, name: &Name, tell: Tell<'_>) {
    let mut cursor = Cursor::new(text, name.end);
    let word = name.text(text);
    cursor.eat_quote();
    cursor.eat_blanks();
    let assigned = cursor.eat_operator().is_some();
    cursor.eat_blanks();
    cursor.eat_quote();
    let line = window(text, cursor.at(), 160);
    let line = line.get(..line.find(['\n', '\r', '"', '\'', '`', '\\']).unwrap_or(line.len())).unwrap_or_default();
    let told = |from: usize, password: &str, tell: Tell<'_>| {
        let password = password.trim_end_matches(['.', ',', ';', ')', '!', '?']);
        let letters = password.bytes().any(|byte| byte.is_ascii_alphabetic());
        let others = password
            .bytes()
            .any(|byte| byte.is_ascii_digit() || matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'&'));
        if letters && others && !password.contains("://") && judge(password, Hint::Password, Written::Words).is_some() {
            tell(from..from + password.len(), "password", true);
        }
    };
    if word == "AUTH" && !assigned {
        let before = text.get(..name.start).unwrap_or_default();
        let token = line.split(' ').next().unwrap_or_default();
        // Ways to log in to a mail server.
        if ["CRAM-", "SCRAM-", "DIGEST-", "XOAUTH"].iter().any(|begin| token.starts_with(begin)) {
            return;
        }
        if before.ends_with(['>', '"', '\'', '\n']) || before.ends_with("> ") || before.is_empty() {
            told(cursor.at(), token, tell);
        }
        return;
    }
    let mut words = 0;
    let mut at = 0;
    let mut before = "";
    while words < 8 && at < line.len() {
        let rest = line.get(at..).unwrap_or_default();
        let gap = rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        let token = rest.get(..rest.find(' ').unwrap_or(rest.len())).unwrap_or_default();
        let from = cursor.at() + at + gap;
        if matches!(token, "/" | "|") && !before.is_empty() {
            let behind = rest.get(token.len()..).unwrap_or_default();
            let password = behind.trim_start().split(' ').next().unwrap_or_default();
            told(from + token.len() + behind.len() - behind.trim_start().len(), password, tell);
            return;
        }
        if let Some((user, password)) = token.split_once(['/', ':'])
            && !user.is_empty()
            && !password.is_empty()
            && !password.contains(['/', ':'])
            && user.bytes().all(|byte| is_name(byte) || matches!(byte, b'.' | b'@'))
        {
            told(from + user.len() + 1, password, tell);
            return;
        }
        // `log in as bob with password`
        if words == 1 && matches!(token, "with" | "using") && assigned_to_person(word) {
            let behind = rest.get(token.len()..).unwrap_or_default().trim_start();
            let start = from + rest.len() - behind.len();
            told(start, behind.split(' ').next().unwrap_or_default(), tell);
            return;
        }
        if token.ends_with(['.', ';', ',', '{', '(', '=']) {
            return;
        }
        before = token;
        words += 1;
        at += gap + token.len();
    }
}

/// `log in as`, `sign in as`: a person is told to.
fn assigned_to_person(name: &str) -> bool {
    name.get(name.len().saturating_sub(3)..).is_some_and(|end| end.eq_ignore_ascii_case(" as"))
}

/// `"Type": "SecureString", "Value": "…"` of AWS's parameters.
fn secure_parameter(text: &str, name: &Name, tell: Tell<'_>) {
    if let Some(place) = value_within(text, name.end) {
        Place { written: Written::Tight, ..place }.tell(text, Hint::Password, tell);
    }
}

/// PowerShell's `ConvertTo-SecureString [-String] "value"`.
fn secure_string(text: &str, name: &Name, tell: Tell<'_>) {
    let mut cursor = Cursor::new(text, name.end);
    cursor.eat_blanks();
    if cursor.eat("-String") {
        cursor.eat_blanks();
    }
    let Some(quote) = cursor.eat_quote() else { return };
    let span = cursor.at()..cursor.at() + cursor.closing(quote).end;
    if text.get(span.clone()).is_some_and(|value| judge(value, Hint::Password, Written::Tight).is_some()) {
        tell(span, "password", true);
    }
}

/// The values of cookies that hold somebody's session.
fn cookies(text: &str, name: &Name, tell: Tell<'_>) -> usize {
    let mut cursor = Cursor::new(text, name.end);
    cursor.eat_quote();
    cursor.eat_blanks();
    if cursor.eat_operator().is_none() && cursor.peek() != Some(b' ') {
        return name.end;
    }
    cursor.eat_blanks();
    let quote = cursor.eat_quote();
    let rest = window(text, cursor.at(), MAX_VALUE);
    let end = match quote {
        Some(quote) => cursor.closing(quote).end.min(rest.len()),
        None => rest.find(['\n', '\r', '"', '\'', '`', '\\']).unwrap_or(rest.len()),
    };
    let jar = rest.get(..end).unwrap_or_default();
    let mut offset = cursor.at();
    for part in jar.split_inclusive(';') {
        let pair = part.trim_end_matches(';');
        if let Some((key, value)) = pair.split_once('=') {
            let key = key.trim();
            let attribute = ["path", "domain", "expires", "max-age", "samesite", "priority"]
                .iter()
                .any(|word| key.eq_ignore_ascii_case(word));
            let start = offset + (pair.len() - value.len());
            let secret = hint(key).is_some() && value.trim().len() >= 8 || looks_random(value.trim());
            let placeholder = value.trim().starts_with(['$', '<', '{', '*']) || value.contains("[REDACTED");
            if !attribute && secret && !placeholder {
                tell(trimmed(value, start), "cookie", value.trim().len() < 20);
            }
        }
        offset += part.len();
    }
    cursor.at() + jar.len()
}

/// What a name is called that is itself a value.
const LABELS: [&str; 13] = [
    "name",
    "key",
    "field",
    "header",
    "variable",
    "env",
    "property",
    "id",
    "parameter",
    "label",
    "\"k",
    "title",
    "type",
];

/// What stands before a name that is itself a value, and between it and what belongs to it.
const PAIRS: [(&str, &str); 5] = [
    ("ParameterKey=", ",ParameterValue="),
    ("name=", ",value="),
    ("Name=", ",Value="),
    ("key=", ",value="),
    ("Key=", ",Value="),
];

/// `{"name": "API_TOKEN", "value": "…"}`, in either order, and `<add key="…Password" value="…"/>`.
fn pair(text: &str, name: &Name, says: Hint, tell: Tell<'_>) {
    let bytes = text.as_bytes();
    // `"path": "/data/password", "value": "…"` of a JSON patch.
    if let Some(label) = text.get(floor(text, name.start.saturating_sub(24))..name.start)
        && let Some(label) = label.strip_suffix(['/', '"']).map(|label| label.trim_end_matches('/'))
        && label.trim_end_matches(['"', '\'', '\\', ' ', ':']).ends_with("path")
        && label.ends_with(['"', '\''])
        && let Some(place) = value_within(text, name.end)
    {
        return place.tell(text, says, tell);
    }
    if !matches!(
        name.start.checked_sub(1).and_then(|at| bytes.get(at)),
        Some(b'"' | b'\'' | b'\n' | b'>' | b' ' | b'=')
    ) {
        return;
    }
    // `ParameterKey=DbPassword,ParameterValue=…` of CloudFormation, and its like.
    let before = text.get(..name.start).unwrap_or_default();
    if let Some((_, behind)) = PAIRS.iter().find(|(begin, _)| before.ends_with(begin))
        && text.get(name.end..).is_some_and(|rest| rest.starts_with(behind))
    {
        let mut cursor = Cursor::new(text, name.end);
        if cursor.eat(behind)
            && let Some((span, written)) = string_before_cursor(text, &cursor)
        {
            Place { span, written, block: false }.tell(text, says, tell);
        }
        return;
    }
    let bare = matches!(bytes.get(name.start.saturating_sub(1)), Some(b' ' | b'='));
    if bare && !text.get(..name.start).is_some_and(|before| before.ends_with(": ")) {
        return;
    }
    // The name is itself a value: `"name": "…"`, `key="…"`.
    let label_from = floor(text, name.start.saturating_sub(64));
    let Some(label) = text.get(label_from..name.start) else { return };
    // `<key>password</key><string>value</string>`, `<name>db.password</name><value>…</value>`
    if let Some(tag) = label.strip_suffix('>') {
        if let Some(place) = next_element(text, name, tag) {
            place.tell(text, says, tell);
        }
        return;
    }
    let marks = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\' | b' ' | b':' | b'=' | b'\n' | b'\t');
    let end = label.as_bytes().iter().rposition(|byte| !marks(byte)).map_or(0, |last| last + 1);
    // Most words end with none of the letters with which these do.
    let label = label.get(..end).unwrap_or(label);
    if !label.ends_with(['e', 'y', 'd', 'r', 'v', 'l', 'k', 'E', 'Y', 'D', 'R', 'V', 'L', 'K']) {
        return;
    }
    let Some(word) = LABELS.iter().find(|word| {
        label.len() >= word.len()
            && label.get(label.len() - word.len()..).is_some_and(|end| end.eq_ignore_ascii_case(word))
    }) else {
        return;
    };
    // `<input type="password" … value="…">`
    if *word == "type" && !name.text(text).eq_ignore_ascii_case("password") {
        return;
    }
    // Behind it.
    let mut cursor = Cursor::new(text, name.end);
    if cursor.eat_quote().is_some() || bare && matches!(cursor.peek(), Some(b'\n' | b'\r')) {
        // `name="db.password">value<`, and with an element of its own for the value.
        let tag = text.get(label_from..name.start).is_some_and(|before| before.rfind('<') > before.rfind('>'));
        let rest = cursor.rest();
        let ends = rest.iter().take(64).position(|byte| matches!(byte, b'>' | b'<' | b'\n')).filter(|_| tag);
        if let Some(end) = ends
            && rest.get(end) == Some(&b'>')
            && end.checked_sub(1).and_then(|last| rest.get(last)) != Some(&b'/')
            && !rest.get(..end).is_some_and(|tag| tag.windows(5).any(|word| word.eq_ignore_ascii_case(b"value")))
        {
            cursor.skip(end + 1);
            eat_spaces(&mut cursor);
            if cursor.peek() == Some(b'<') {
                let tag = cursor.rest().iter().take(24).position(|byte| *byte == b'>').unwrap_or_default();
                cursor.skip(tag + 1);
            }
            if let Some(place) = Place::element(text, cursor) {
                place.tell(text, says, tell);
            }
            return;
        }
        if let Some(place) = value_within(text, cursor.at())
            && let Some(value) = text.get(place.span.clone())
            && let Some(secret) = judge(value, says, place.written)
        {
            tell(place.span, rule(says), secret.guessable);
            return;
        }
    }
    if bare {
        return;
    }
    // Before it: `"value": "…", "name": `.
    let Some(before) = text.get(floor(text, name.start.saturating_sub(MAX_GAP))..label_from + label.len() - word.len())
    else {
        return;
    };
    let offset = name.start.saturating_sub(MAX_GAP);
    let offset = floor(text, offset);
    let marks = ['"', '\'', '\\', ' ', ',', '\n', '\t', ';'];
    let trimmed_before = before.trim_end_matches(marks);
    // `SET value = '…' WHERE name = '…'`
    let condition = trimmed_before.strip_suffix("WHERE").or_else(|| trimmed_before.strip_suffix("where"));
    let trimmed_before = condition.map_or(trimmed_before, |before| before.trim_end_matches(marks));
    let end = offset + trimmed_before.len();
    let Some(open) = trimmed_before.rfind(['"', '\'']) else { return };
    let label =
        trimmed_before.get(..open).unwrap_or_default().trim_end_matches(['\\', ' ', ':', '=', '"', '\'', '\n', '\t']);
    if label.len() >= 5 && label.get(label.len() - 5..).is_some_and(|end| end.eq_ignore_ascii_case("value")) {
        let span = offset + open + 1..end;
        if let Some(value) = text.get(span.clone())
            && let Some(secret) = judge(value, says, Written::Quoted)
        {
            tell(span, rule(says), secret.guessable);
        }
    }
}

fn skip_marks(cursor: &mut Cursor<'_>) {
    let marks = cursor
        .rest()
        .iter()
        .take(64)
        .take_while(|byte| {
            byte.is_ascii_whitespace() || matches!(byte, b',' | b'"' | b'\'' | b'\\' | b'{' | b':' | b'=' | b';')
        })
        .count();
    cursor.skip(marks);
}

/// How far from a name what is called its value may stand, in bytes.
const MAX_WITHIN: usize = 300;

/// What a value is called where its name stands beside it.
const VALUES: [&str; 5] = ["stringValue", "string_value", "value", "default", "content"];

/// What is called a value in the object, the block or the element that goes on here: `…, "value": "…"`, `default = "…"`.
fn value_within(text: &str, from: usize) -> Option<Place> {
    let rest = window(text, from, MAX_WITHIN);
    // Not in the next one.
    let end = [
        rest.find(['}', '>', ')']),
        rest.find("\n-"),
        rest.find("- name"),
        rest.find("\"name\""),
        rest.find("\"key\""),
    ];
    let rest = rest.get(..end.into_iter().flatten().min().unwrap_or(rest.len()))?;
    let bytes = rest.as_bytes();
    let mut at = 0;
    loop {
        let offset = bytes.get(at..)?.iter().position(|byte| matches!(byte, b'v' | b'V' | b's' | b'd' | b'c'))?;
        let here = at + offset;
        at = here + 1;
        if here > 0 && bytes.get(here - 1).is_some_and(|before| is_name(*before) || *before == b'.') {
            continue;
        }
        let mut cursor = Cursor::new(text, from + here);
        let called = VALUES.iter().any(|word| cursor.eat(word));
        if !called && (bytes.get(here + 1) != Some(&b'"') || !cursor.eat("v")) {
            continue;
        }
        if cursor.peek().is_some_and(is_name) {
            continue;
        }
        cursor.eat_quote();
        cursor.eat_blanks();
        if cursor.eat_operator().is_none() {
            continue;
        }
        // `"value": {"stringValue": "…"}`
        for _ in 0..2 {
            skip_marks(&mut cursor);
            if !VALUES.iter().any(|word| cursor.eat(word)) {
                break;
            }
        }
        let (span, written) = string_before_cursor(text, &cursor)?;
        return Some(Place { span, written, block: false });
    }
}

/// `</key><string>value</string>` behind a name in an element of this tag.
fn next_element(text: &str, name: &Name, tag: &str) -> Option<Place> {
    let tag = tag.rsplit('<').next()?;
    if !["key", "name", "property", "id", "param-name", "env-entry-name"]
        .iter()
        .any(|other| tag.eq_ignore_ascii_case(other))
    {
        return None;
    }
    let mut cursor = Cursor::new(text, name.end);
    if !cursor.eat("</") || !cursor.eat(tag) || !cursor.eat(">") {
        return None;
    }
    eat_spaces(&mut cursor);
    if !["<string>", "<value>", "<data>", "<param-value>", "<env-entry-value>"]
        .iter()
        .any(|opening| cursor.eat(opening))
    {
        return None;
    }
    Place::element(text, cursor)
}

/// Words between a name and its value: `is`, in any language that says it so.
fn eat_fillers(cursor: &mut Cursor<'_>) {
    static FILLERS: OneOf = OneOf::new(&[
        "este ",
        "\u{e4}r ",
        "er ",
        "on ",
        "je ",
        "l\u{e0} ",
        "adalah ",
        "set to: ",
        "is: ",
        "ist: ",
        "lautet: ",
        "es: ",
        "is ",
        "was ",
        "are ",
        "to ",
        "with ",
        "should be ",
        "= ",
        "set to ",
        "now ",
        "of ",
        "ist ",
        "lautet ",
        "es ",
        "est ",
        "e' ",
        "\u{e8} ",
        "\u{e9} ",
        "jest ",
        "- ",
        "\u{2013} ",
        "\u{2014} ",
        "0 ",
        "5 ",
        "7 ",
        "8 ",
        "9 ",
        "\u{662f}",
        "\u{306f}",
        "\u{ff1a}",
    ]);
    let mut next = 0;
    while let Some(filler) = FILLERS.eat_from(next, cursor) {
        cursor.eat_blanks();
        next = filler + 1;
    }
    cursor.eat_blanks();
}

/// `!!str`, `&anchor`: what may stand before a value in YAML.
fn eat_yaml_tags(cursor: &mut Cursor<'_>) {
    if cursor.eat("!unsafe ") {
        return;
    }
    for _ in 0..2 {
        let rest = cursor.rest();
        if !matches!(rest, [b'!', b'!', ..] | [b'&', b'a'..=b'z' | b'A'..=b'Z', ..]) {
            return;
        }
        let length = rest.iter().skip(2).take(32).take_while(|byte| is_name(**byte)).count() + 2;
        if rest.get(length) != Some(&b' ') || rest.get(length + 1) == Some(&b'=') {
            return;
        }
        cursor.skip(length);
        cursor.eat_blanks();
    }
}

/// Whether a name is a cell of a table: `| password |`.
fn in_table(text: &str, name: &Name) -> bool {
    let before = text.get(floor(text, name.start.saturating_sub(48))..name.start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.trim_end_matches([' ', '`', '*']).ends_with('|')
}

/// Whether a name with a prefix is that of an element: `<ns:password`.
fn in_tag(text: &str, name: &Name) -> bool {
    let before = text.get(floor(text, name.start.saturating_sub(24))..name.start).unwrap_or_default();
    before
        .rfind('<')
        .is_some_and(|at| before.get(at + 1..).is_some_and(|ns| ns.trim_end_matches(':').bytes().all(is_name)))
}

/// The string that the marks before a cursor opened.
fn string_before_cursor(text: &str, cursor: &Cursor<'_>) -> Option<(Range<usize>, Written)> {
    let bytes = text.as_bytes();
    let quote = bytes.get(cursor.at().checked_sub(1)?).copied()?;
    if !matches!(quote, b'"' | b'\'') {
        let rest = window(text, cursor.at(), MAX_VALUE);
        // No value goes on behind a comma: the next pair stands there.
        let token = rest.get(..rest.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(rest.len()))?;
        return Some((cursor.at()..cursor.at() + bare_end(token, Operator::Colon), Written::Loose));
    }
    let backslashes = bytes.get(..cursor.at() - 1)?.iter().rev().take(64).take_while(|byte| **byte == b'\\').count();
    let closing = cursor.closing(Quote::Char { quote, backslashes });
    Some((cursor.at()..cursor.at() + closing.end, Written::Quoted))
}

/// At most so many bytes of the text from an offset on.
pub(super) fn window(text: &str, from: usize, length: usize) -> &str {
    text.get(from..floor(text, from.saturating_add(length))).unwrap_or_default()
}

/// The character border at or before an offset.
pub(super) fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Whether the value of something with a name is a secret: by which rule, and whether it could be guessed.
pub(super) fn named(name: &str, value: &str) -> Option<(&'static str, bool)> {
    let says = hint(name)?;
    judge(value, says, Written::Quoted).map(|secret| (rule(says), secret.guessable))
}

#[cfg(test)]
mod tests;
