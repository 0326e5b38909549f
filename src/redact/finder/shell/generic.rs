//! What is secret whatever the program is: by the name of an option or a variable.

use std::ops::Range;

use super::Found;
use super::arguments::assignment;
use super::lexer::Word;
use super::literal;
use super::naming::{is_dash_led_secret, kind, option_hint, says_login, takes_glued_only, takes_secret};
use super::programs::Kind;
use super::reader::{Part, Reader};
use crate::redact::finder::names::Hint;
use crate::redact::finder::value::{is_cmdlet, looks_random};

/// Subcommands behind which a key stands.
const LOGIN_VERBS: [&str; 12] = [
    "login",
    "auth",
    "authenticate",
    "activate",
    "set-token",
    "add-token",
    "set-key",
    "register",
    "unlock",
    "authtoken",
    "unseal",
    "set-api-key",
];
/// Subcommands behind which a name and its value stand.
const SET_VERBS: [&str; 8] = ["set", "put", "add", "write", "store", "config", "create", "update"];
/// How many words around `--value` are asked what it is the value of.
const NEAR: usize = 32;
/// How long an array is at most, in bytes.
const MAX_ARRAY: usize = 4096;

impl<'r, 't> Reader<'r, 't> {
    /// `${NAME:-value}`.
    pub(super) fn default(&mut self, name: Range<usize>, value: Range<usize>) {
        let (Some(name), Some(text)) = (self.text.get(name), self.text.get(value.clone())) else { return };
        let trimmed = text.trim_matches(['"', '\'']);
        let Some(kind) = kind(name) else { return };
        if trimmed.contains(['$', '`']) || !literal::written_out(trimmed, kind) {
            return;
        }
        let from = value.start + text.find(trimmed).unwrap_or(0);
        self.found.push(Found::Secret {
            span: from..from + trimmed.len(),
            rule: "secret-default",
            guessable: kind == Kind::Password,
        });
    }

    /// `NAME=VALUE` wherever it stands, `NAME1=V,NAME2=V` too, and `$NAME = VALUE`.
    pub(super) fn assignments(&mut self, words: &'r [Word<'t>], texts: &[&str]) {
        for (at, word) in words.iter().enumerate() {
            let text = &*word.text;
            if let (Some(name), Some(&"=")) = (text.strip_prefix('$'), texts.get(at + 1)) {
                let name = name.strip_prefix("env:").unwrap_or(name);
                if let (Some(kind), Some(value)) = (kind(name), words.get(at + 2))
                    && !(value.quoted.is_none() && is_cmdlet(&value.text))
                {
                    self.secret(&Part { word: value, range: 0..value.text.len() }, "secret-variable", kind);
                }
                continue;
            }
            // What was quoted as a whole and has several words is a text of its own.
            let text_of_its_own = word.quoted == Some(0) && text.contains(char::is_whitespace);
            if text.starts_with('-') || !text.contains('=') || text_of_its_own {
                continue;
            }
            self.pairs(&Part { word, range: 0..text.len() }, "secret-variable");
        }
    }

    /// The values of `NAME=VALUE[,NAME=VALUE…]` whose name is that of a secret.
    pub(super) fn pairs(&mut self, part: &Part<'r, 't>, rule: &'static str) {
        let Some(text) = part.word.text.get(part.range.clone()) else { return };
        let mut from = 0;
        for _ in 0..64 {
            let Some(rest) = text.get(from..) else { return };
            let Some(name) = assignment(rest) else { return };
            let equals = rest.find('=').unwrap_or(name.end);
            let value = equals + 1;
            // Another pair begins behind a comma, `&`, `;` or a line's end, which may still be written as an escape.
            let behind = rest.get(value..).unwrap_or_default();
            let end = behind.match_indices([',', '&', ';', '\n', '\\']).take(64).find_map(|(at, separator)| {
                let length = match separator {
                    "\\" if behind.get(at + 1..)?.starts_with('n') => 2,
                    "\\" => return None,
                    _ => 1,
                };
                assignment(behind.get(at + length..)?).map(|_| (value + at, length))
            });
            let mut range =
                part.range.start + from + value..part.range.start + from + end.map_or(rest.len(), |(at, _)| at);
            let given = part.word.text.get(range.clone()).unwrap_or_default();
            if given.starts_with('[') && text.contains("=[") {
                // `SCRAM-SHA-512=[iterations=8192,password=x]`
                from += value + 1;
                continue;
            }
            let given = if text.contains("=[") { given.strip_suffix(']').unwrap_or(given) } else { given };
            range.end = range.start + given.len();
            let name = rest.get(name).unwrap_or_default();
            if let Some((at, kind)) = within(name, given) {
                let range = range.start + at..range.end;
                self.secret(&Part { word: part.word, range }, rule, kind);
            } else if let Some(kind) = kind(name)
                && !literal::is_setting(given)
                && !literal::is_path(given)
                && !literal::is_code(name, given)
            {
                self.secret(&Part { word: part.word, range }, rule, kind);
            }
            match end {
                Some((end, length)) => from += end + length,
                None => return,
            }
        }
    }

    /// Options of any program whose name is that of a secret.
    pub(super) fn options(&mut self, words: &'r [Word<'t>], texts: &[&str], head: &str) {
        for (at, word) in words.iter().enumerate() {
            let text = &*word.text;
            // `/password:x`, as programs of Windows have it.
            if let Some((name, value)) = text.strip_prefix('/').and_then(|rest| rest.split_once(':')) {
                let named = name.eq_ignore_ascii_case("p") || option_hint(name) == Some(Hint::Password);
                if named && name.len() <= 12 && value.len() >= 4 && !value.contains(['=', '/']) && !name.contains('.') {
                    let range = text.len() - value.len()..text.len();
                    self.secret(&Part { word, range }, "password-option", Kind::Password);
                }
                continue;
            }
            let Some(plain) = text.strip_prefix('-').map(|rest| rest.strip_prefix('-').unwrap_or(rest)) else {
                continue;
            };
            if plain.is_empty() {
                continue;
            }
            let dashes = text.len() - plain.len();
            // `-Dname=V`, `-Pname=V`, `--set a.name=V` glued.
            if dashes == 1
                && let Some(pair) = plain.strip_prefix(['D', 'P', 'J', 'e', 'E', 'v', 'X'])
                && assignment(pair).is_some()
            {
                self.pairs(&Part { word, range: 2..text.len() }, "secret-option");
            }
            if let [_] = plain.as_bytes()
                && let Some(word) = words.get(at + 1)
            {
                // What is that long and of all kinds of characters is a key, whatever it is called.
                if word.text.len() >= 32 && literal::is_mixed(&word.text) && looks_random(&word.text) {
                    self.secret(&Part { word, range: 0..word.text.len() }, "secret-option", Kind::Token);
                }
            }
            let name_end = plain.find(['=', ':']).unwrap_or(plain.len());
            let name = plain.get(..name_end).unwrap_or_default().trim_end_matches([',', ')', ']', '.']);
            if name.len() < 2
                || name.len() > 80
                || name.contains(|c: char| !c.is_ascii_alphanumeric() && !"-_./@".contains(c))
            {
                continue;
            }
            let glued = name_end < plain.len();
            // `--set-secrets=NAME=secret:latest` names them.
            let names_them = ["file", "path", "set-secrets", "update-secrets"].iter().any(|end| name.ends_with(end));
            if glued && !names_them {
                // A pair as the value: `--set=a.password=x`, `-backend-config=secret_key=x`.
                let value = dashes + name_end + 1..text.len();
                if text.get(value.clone()).and_then(assignment).is_some() {
                    self.pairs(&Part { word, range: value }, "secret-option");
                }
            }
            if matches!(name, "value" | "Value" | "secret-value")
                && let Some(kind) = value_of(texts, at)
            {
                let part = if glued {
                    Some(Part { word, range: dashes + name_end + 1..text.len() })
                } else {
                    words.get(at + 1).map(|word| Part { word, range: 0..word.text.len() })
                };
                if let Some(part) = part.filter(|part| glued || !part.word.text.starts_with("--")) {
                    self.secret(&part, "secret-option", kind);
                }
                continue;
            }
            // `--password-command 'echo X'`
            if ["command", "cmd"].iter().any(|end| name.ends_with(end)) {
                let part = if glued {
                    Some(Part { word, range: dashes + name_end + 1..text.len() })
                } else {
                    words.get(at + 1).map(|word| Part { word, range: 0..word.text.len() })
                };
                if let Some(part) = part
                    && let Some((from, kind)) = within(name, part.word.text.get(part.range.clone()).unwrap_or_default())
                {
                    let range = part.range.start + from..part.range.end;
                    self.secret(&Part { word: part.word, range }, "password-option", kind);
                }
                continue;
            }
            let Some(hint) = option_hint(name).filter(|_| name.len() > 2 && takes_secret(name, head)) else { continue };
            let mut part = if glued {
                let range = dashes + name_end + 1..text.len();
                Part { word, range }
            } else {
                let Some(next) = words.get(at + 1) else { continue };
                if texts
                    .get(at + 1)
                    .is_none_or(|next| next.starts_with('-') && next.len() > 1 && !is_dash_led_secret(next))
                {
                    continue;
                }
                Part { word: next, range: 0..next.text.len() }
            };
            let mut value = part.word.text.get(part.range.clone()).unwrap_or_default();
            if let Some(password) = value.strip_prefix("pass:") {
                part.range.start += "pass:".len();
                value = password;
            }
            if hint != Hint::Password
                && assignment(value).is_some_and(|name| value.len() > name.end + 1)
                && !value.ends_with('=')
            {
                self.pairs(&part, "secret-option");
                continue;
            }
            // `-storepass:env NAME`
            if plain.get(name_end..).is_some_and(|rest| rest.starts_with(':'))
                && (hint != Hint::Password || matches!(value, "env" | "file" | "stdin" | "fd"))
            {
                continue;
            }
            // `--creds user:password`
            if says_login(name)
                && let Some(colon) = literal::find(part.word, part.range.clone(), ':')
            {
                if !value.contains("://") {
                    let range = part.range.start + colon + 1..part.range.end;
                    self.secret(&Part { word: part.word, range }, "password-option", Kind::Password);
                }
                continue;
            }
            if literal::is_path(value) || literal::is_setting(value) || !glued && literal::is_prose(value) {
                continue;
            }
            let sure = glued || !takes_glued_only(head);
            let (rule, kind) = if hint == Hint::Password && sure {
                ("password-option", Kind::Password)
            } else if hint == Hint::Strong && glued && value.len() >= 16 {
                ("secret-option", Kind::Key)
            } else if hint >= Hint::Strong || value.len() >= 20 && literal::is_mixed(value) {
                ("secret-option", Kind::Token)
            } else {
                continue;
            };
            self.secret(&part, rule, kind);
        }
    }

    /// `set NAME VALUE` and `login VALUE` of any program.
    pub(super) fn arguments(&mut self, words: &'r [Word<'t>], texts: &[&str]) {
        for (at, verb) in texts.iter().enumerate().skip(1) {
            let Some(word) = words.get(at + 1) else { return };
            if LOGIN_VERBS.contains(verb) && literal::is_mixed(&word.text) && looks_random(&word.text) {
                self.secret(&Part { word, range: 0..word.text.len() }, "secret-argument", Kind::Token);
            }
            // `login bob@example.com PASSWORD`
            if *verb == "login"
                && word.text.contains('@')
                && let Some(word) = words.get(at + 2).filter(|word| literal::is_chosen(&word.text))
            {
                self.secret(&Part { word, range: 0..word.text.len() }, "secret-argument", Kind::Password);
            }
            if SET_VERBS.contains(verb)
                && let Some(kind) = named(&word.text)
                && let Some(value) = words.get(at + 2).filter(|value| !value.text.starts_with('-'))
                && (kind == Kind::Password && literal::is_chosen(&value.text) || literal::is_random(&value.text, 16))
            {
                self.secret(&Part { word: value, range: 0..value.text.len() }, "secret-argument", kind);
            }
        }
    }

    /// `name=(VALUE VALUE)`, `name=([key]=VALUE)`.
    pub(super) fn array(&mut self, words: &[Word<'t>]) {
        let Some(last) = words.last().filter(|word| word.text.ends_with('=')) else { return };
        // What stands in an array that is never closed is none.
        if last.span.end < self.array_end {
            return;
        }
        let Some(kind) = assignment(&last.text).and_then(|name| last.text.get(name)).and_then(kind) else { return };
        let text = self.text;
        let Some(list) = text.get(last.span.end..).and_then(|rest| rest.strip_prefix('(')) else { return };
        let list = super::super::context::window(list, 0, MAX_ARRAY);
        let Some(list) = list.split(')').next() else { return };
        self.array_end = last.span.end + list.len();
        let mut at = last.span.end + 1;
        for item in list.split([' ', '\n', '\t']) {
            let start = at;
            at += item.len() + 1;
            let value = item.split_once("]=").map_or(item, |(_, value)| value);
            let inside = value.trim_matches(['"', '\'']);
            let from = start + item.len() - value.len() + value.find(inside).unwrap_or(0);
            let fits = kind == Kind::Password || literal::is_chosen(inside) || literal::is_token(inside);
            if inside.len() >= 4
                && fits
                && !inside.contains(['$', '`', '"', '\''])
                && literal::written_out(inside, Kind::Password)
            {
                self.found.push(Found::Secret {
                    span: from..from + inside.len(),
                    rule: "secret-variable",
                    guessable: kind == Kind::Password,
                });
            }
        }
    }

    /// `-u NAME -p X` of a program that is not known, if X looks like what a person chooses.
    pub(super) fn with_user(&mut self, words: &'r [Word<'t>], texts: &[&str]) {
        let user = |text: &&str| {
            matches!(*text, "-u" | "-U" | "--user" | "--username" | "-user" | "-username" | "--login" | "-l")
                || text.starts_with("--user=")
                || text.starts_with("--username=")
        };
        if !texts.iter().any(user) {
            return;
        }
        for (option, word) in words.iter().zip(words.iter().skip(1)) {
            // `-u NAME:PASSWORD`
            if matches!(&*option.text, "-u" | "--user")
                && let Some(colon) = literal::find(word, 0..word.text.len(), ':')
                && word.text.get(colon + 1..).is_some_and(literal::is_chosen)
            {
                let range = colon + 1..word.text.len();
                self.secret(&Part { word, range }, "password-option", Kind::Password);
            }
            let random = word.quoted == Some(0) && word.text.len() >= 12 && looks_random(&word.text);
            if matches!(&*option.text, "-p" | "-P" | "-pw" | "-w") && (random || literal::is_chosen(&word.text)) {
                self.secret(&Part { word, range: 0..word.text.len() }, "password-option", Kind::Password);
            }
        }
    }
}

/// What of a value is secret because of a name that says otherwise: `PASSWORD_COMMAND='echo X'`, and Bundler's names of
/// hosts, `BUNDLE_GEMS__EXAMPLE__COM=user:X`. Where it begins.
fn within(name: &str, value: &str) -> Option<(usize, Kind)> {
    if name.starts_with("BUNDLE_") && name.contains("__") {
        let colon = value.find(':').filter(|_| !value.contains("//"));
        return Some(colon.map_or((0, Kind::Token), |colon| (colon + 1, Kind::Password)));
    }
    let lower = name.to_ascii_lowercase();
    let about = lower.strip_suffix("command").or_else(|| lower.strip_suffix("cmd"))?;
    let about = about.trim_end_matches(['_', '-']);
    let says = about.ends_with("pass") || option_hint(about) == Some(Hint::Password);
    let printed = ["echo ", "printf ", "echo -n ", "printf %s "].iter().filter(|print| value.starts_with(**print));
    let from = printed.map(|print| print.len()).max().filter(|_| says)?;
    Some((from, Kind::Password))
}

/// What the name of a secret among arguments says. None: it is none, or more than a name.
fn named(text: &str) -> Option<Kind> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./:\\".contains(&byte));
    let name = text.rsplit(['/', ':', '\\', '.']).next().unwrap_or(text);
    kind(name).filter(|_| plain && !text.starts_with('-') && !text.contains("//"))
}

/// What `--value` is given, if the command sets something whose name stands in front of it.
fn value_of(texts: &[&str], at: usize) -> Option<Kind> {
    let from = at.saturating_sub(NEAR);
    let before = texts.get(from..at)?;
    if texts.iter().skip(from).take(2 * NEAR).any(|text| *text == "SecureString") {
        return Some(Kind::Password);
    }
    let sets = |text: &&str| {
        matches!(
            text.to_ascii_lowercase().as_str(),
            "set"
                | "put"
                | "put-parameter"
                | "add"
                | "upsert"
                | "set-item"
                | "new-item"
                | "set-itemproperty"
                | "update"
        ) || [":set", ":create", ":add", ":update"].iter().any(|end| text.ends_with(end))
    };
    before.iter().any(sets).then(|| before.iter().skip(1).find_map(|text| named(text)))?
}
