//! Applies the table of programs to a command's arguments.

use super::arguments::{self, Value, assignment};
use super::lexer::Word;
use super::literal;
use super::lookup::{Known, KnownRow};
use super::naming::{self, is_dash_led_secret, kind, takes_secret};
use super::programs::{Kind, Place, Program, Row, What};
use super::reader::{Part, Reader};
use crate::redact::finder::names::{self, Hint};
use crate::redact::finder::value::is_uuid;

impl<'r, 't> Reader<'r, 't> {
    /// The rows of a program. `certain`: the program stands where a command begins.
    pub(super) fn program(&mut self, known: &Known, words: &'r [Word<'t>], texts: &[&str], certain: bool) {
        let program = known.program;
        let positions = positions(&known.valued, texts);
        for KnownRow { row, sub, options, .. } in &known.rows {
            if matches!(row.place, Place::Input(_)) {
                continue;
            }
            let Some(from) = sub.behind(texts, &known.valued) else { continue };
            match row.place {
                Place::Option(_) => {
                    let mut at = from;
                    while let Some(text) = texts.get(at) {
                        if *text == "--" {
                            break;
                        }
                        let value = arguments::value(text, options, program.bundle);
                        at += 1;
                        match value {
                            None => {}
                            Some(Value::Here(start)) => {
                                let Some(word) = words.get(at - 1) else { break };
                                self.value(program, row, &Part { word, range: start..word.text.len() }, certain);
                            }
                            Some(Value::Next) => {
                                let Some(word) = words.get(at) else { break };
                                if !certain && literal::is_prose(&word.text) {
                                    continue;
                                }
                                if word.text.starts_with('-') && word.text.len() > 1 && !is_dash_led_secret(&word.text)
                                {
                                    continue;
                                }
                                self.value(program, row, &Part { word, range: 0..word.text.len() }, certain);
                                at += 1;
                            }
                        }
                    }
                }
                Place::Argument(number) => {
                    let nth = positions.iter().filter(|position| **position >= from).nth(number);
                    // `vault login -method=oidc role=dev`: a pair is no token.
                    let pair = |word: &&Word<'_>| {
                        row.kind == Kind::Token
                            && assignment(&word.text).is_some_and(|name| word.text.len() > name.end + 2)
                    };
                    if let Some(word) = nth.and_then(|position| words.get(*position)).filter(|word| !pair(word)) {
                        self.value(program, row, &Part { word, range: 0..word.text.len() }, certain);
                    }
                }
                Place::With(word, number) => {
                    let at = positions.iter().filter(|position| **position >= from).nth(number);
                    if let Some(word) = at.and_then(|at| words.get(*at)).filter(|_| texts.contains(&word)) {
                        self.value(program, row, &Part { word, range: 0..word.text.len() }, certain);
                    }
                }
                Place::Arguments(number) => {
                    for position in positions.iter().filter(|position| **position >= from).skip(number) {
                        if let Some(word) = words.get(*position) {
                            self.value(program, row, &Part { word, range: 0..word.text.len() }, certain);
                        }
                    }
                }
                Place::Last => {
                    if let Some(word) =
                        positions.iter().rfind(|position| **position >= from).and_then(|at| words.get(*at))
                    {
                        self.value(program, row, &Part { word, range: 0..word.text.len() }, certain);
                    }
                }
                Place::Behind(start, number) => {
                    let mut rest = texts.iter().enumerate().skip(from);
                    let Some((key, _)) = rest.find(|(_, text)| text.starts_with(start)) else { continue };
                    let behind = words.iter().skip(key + 1);
                    // `/user:bob` may stand between.
                    let mut behind = behind.filter(|word| !(word.text.starts_with('/') && word.text.contains(':')));
                    let word = behind.nth(number.saturating_sub(1));
                    if let Some(word) = word.filter(|word| !word.text.starts_with("--")) {
                        self.value(program, row, &Part { word, range: 0..word.text.len() }, certain);
                    }
                }
                Place::Named => {
                    let mut named = None;
                    for position in positions.iter().filter(|position| **position >= from) {
                        let (Some(word), Some(text)) = (words.get(*position), texts.get(*position)) else { continue };
                        match named.take() {
                            Some(kind) => {
                                let part = Part { word, range: 0..word.text.len() };
                                self.secret(&part, program.rule, kind);
                            }
                            None if !text.contains('=') => named = kind(text).filter(|_| takes_secret(text, "")),
                            None => {}
                        }
                    }
                }
                Place::Input(_) => {}
            }
        }
    }

    /// A value that a row speaks of.
    fn value(&mut self, program: &Program, row: &Row, part: &Part<'r, 't>, certain: bool) {
        let Some(text) = part.word.text.get(part.range.clone()) else { return };
        let option = matches!(row.place, Place::Option(_));
        let kind = if certain || option { row.kind } else { Kind::Token };
        let start = part.range.start;
        let from = |at: usize| Part { word: part.word, range: start + at..part.range.end };
        // In a sentence, where the program's name may be a word like any other, the value has to look like one.
        if !certain && program.word {
            let behind = match row.what {
                What::Whole if option => 0,
                What::After(separator) if option => {
                    literal::find(part.word, part.range.clone(), separator).map_or(0, |at| at + separator.len_utf8())
                }
                _ => return,
            };
            let value = text.get(behind..).unwrap_or_default();
            if !literal::is_chosen(value) && !literal::is_token(value) {
                return;
            }
        }
        // `$(echo X)`, `<(echo X)` as the value.
        if text.starts_with(['<', '$']) && self.produced(part.word, program.rule, kind) {
            return;
        }
        let values = self.values(part);
        if !values.is_empty() {
            for value in &values {
                self.value(program, row, value, certain);
            }
            return;
        }
        match row.what {
            What::Whole => {
                self.secret(part, program.rule, kind);
            }
            What::After(separator) => {
                let Some(at) = literal::find(part.word, part.range.clone(), separator) else { return };
                let behind = from(at + separator.len_utf8());
                if behind.range.is_empty() {
                    // Keys are given as the user of an empty password.
                    let key = Part { word: part.word, range: start..start + at };
                    self.secret(&key, program.rule, Kind::Token);
                } else if self.secret(&behind, program.rule, kind) && sumo_logic(text, at) {
                    // Who has it knows whose key it is, and half of what opens the door.
                    let id = Part { word: part.word, range: start..start + at };
                    self.secret(&id, "sumologic-access-id", Kind::Key);
                }
            }
            What::Prefixed(prefixes) => {
                let prefix = prefixes.split('|').find(|prefix| text.starts_with(*prefix));
                if let Some(prefix) = prefix {
                    self.secret(&from(prefix.len()), program.rule, kind);
                }
            }
            What::Login(separator) => {
                let Some(at) = literal::find(part.word, part.range.clone(), separator) else { return };
                // `bob@host:3306` has none.
                let host = separator == ':' && text.get(..at).is_some_and(|before| before.contains('@'));
                if host || text.contains("://") {
                    return;
                }
                let end = text.rfind('@').filter(|end| *end > at).unwrap_or(text.len());
                let password = Part { word: part.word, range: start + at + separator.len_utf8()..start + end };
                let slashes = separator == '/' && (at == 0 || !text.contains('@') && text.matches('/').count() > 1);
                if !slashes && !text.starts_with(['.', '~']) {
                    self.secret(&password, program.rule, kind);
                }
            }
            What::Line(..) | What::Chosen => {}
            What::Header => self.header(part, program.rule),
            What::Cookies => self.cookies(part),
            What::Pair => {
                let Some(name) = assignment(text) else { return };
                let value = from(text.find('=').map_or(name.end, |equals| equals + 1));
                let name = text.get(name).unwrap_or_default();
                if let Some(kind) = naming::pair_kind(name, kind) {
                    self.secret(&value, program.rule, kind);
                }
            }
        }
    }

    /// `Name: scheme value`.
    fn header(&mut self, part: &Part<'r, 't>, rule: &'static str) {
        let Some(text) = part.word.text.get(part.range.clone()) else { return };
        // `git -c http.extraHeader=…`
        let skipped = text.find('=').filter(|equals| {
            text.get(..*equals).is_some_and(|name| name.to_ascii_lowercase().ends_with("extraheader"))
        });
        let skipped = skipped.map_or(0, |equals| equals + 1);
        let Some(colon) = text.get(skipped..).and_then(|rest| rest.find(':')).map(|colon| skipped + colon) else {
            return;
        };
        let name = text.get(skipped..colon).unwrap_or_default().trim();
        let value = text.get(colon + 1..).unwrap_or_default();
        let indent = value.len() - value.trim_start().len();
        let value_at = part.range.start + colon + 1 + indent;
        let value = value.trim();
        let value_end = value_at + value.len();
        let lower = name.to_ascii_lowercase();
        if lower == "cookie" || lower == "set-cookie" {
            return self.cookies(&Part { word: part.word, range: value_at..value_end });
        }
        let authorization = lower.ends_with("authorization");
        if !authorization && kind(name).is_none() && !matches!(names::hint(name), Some(Hint::Weak | Hint::Likely)) {
            return;
        }
        let scheme = value.find(' ').filter(|_| authorization || value.len() < 200).map_or(0, |space| space + 1);
        let credential = value.get(scheme..).unwrap_or_default();
        let indent = credential.len() - credential.trim_start().len();
        // What is encoded there has a user in front, and its own row.
        let produced = credential.trim_start().starts_with("$(") && !credential.contains("base64");
        let kind = if authorization || is_uuid(credential) { Kind::Key } else { Kind::Token };
        if !(produced && self.produced(part.word, rule, kind)) {
            self.secret(&Part { word: part.word, range: value_at + scheme + indent..value_end }, rule, kind);
        }
    }

    /// `name=value; name=value`.
    fn cookies(&mut self, part: &Part<'r, 't>) {
        let Some(text) = part.word.text.get(part.range.clone()) else { return };
        let mut at = part.range.start;
        for cookie in text.split(';') {
            if let Some(equals) = cookie.find('=') {
                let value = Part { word: part.word, range: at + equals + 1..at + cookie.len() };
                let name = cookie.get(..equals).unwrap_or_default().trim().to_ascii_lowercase();
                let session = names::hint(&name).is_some()
                    || ["sess", "sid", "auth", "jwt", "remember", "csrf", "xsrf", "login", "user"]
                        .iter()
                        .any(|part| name.contains(part));
                if session || cookie.len() - equals > 24 {
                    let uuid = session && cookie.get(equals + 1..).is_some_and(is_uuid);
                    self.secret(&value, "cookie", if uuid { Kind::Key } else { Kind::Token });
                }
            }
            at += cookie.len() + 1;
        }
    }
}

/// Whether a login is an access id and an access key of Sumo Logic: 14 characters that begin with `su`, and 64.
fn sumo_logic(login: &str, colon: usize) -> bool {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (id, key) = (login.get(..colon), login.get(colon + 1..));
    id.is_some_and(|id| id.len() == 14 && id.starts_with("su") && plain(id))
        && key.is_some_and(|key| key.len() == 64 && plain(key))
}

/// The arguments that are neither options nor their values.
fn positions(valued: &[&str], texts: &[&str]) -> Vec<usize> {
    let mut positions = Vec::new();
    let (mut at, mut only) = (0, false);
    while let Some(text) = texts.get(at) {
        if !only && *text == "--" {
            only = true;
        } else if !only && text.len() > 1 && text.starts_with('-') && *text != "-" {
            if valued.contains(text) {
                at += 1;
            }
        } else {
            positions.push(at);
        }
        at += 1;
    }
    positions
}
