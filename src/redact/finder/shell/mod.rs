//! Secrets in commands: what a program takes as a password says no pattern, only the knowledge of the program.
//!
//! Pure: a text that may hold commands in, places of secrets out. What a quoted word, a here-document or an escaped string
//! means is handed back as a text of its own, to be searched by everything, this module included.

mod arguments;
mod lexer;
mod literal;
mod programs;
mod wrappers;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use arguments::{Value, assignment, behind};
use lexer::{Command, Redirection, Script, Word};
use programs::{Kind, PROGRAMS, Place, Program, Row, What};

use super::names::{self, Hint};

/// What was found in a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// Bytes of the given text, as written, that are a secret.
    Secret {
        /// Where it stands.
        span: Range<usize>,
        /// What recognized it.
        rule: &'static str,
        /// Whether somebody could find it by trying.
        guessable: bool,
    },
    /// A text inside that has to be searched on its own, unquoted.
    Nested {
        /// What it means.
        text: String,
        /// Where each of its bytes is written in the given text: from, to.
        written: Vec<(u32, u32)>,
    },
}

/// How many programs one command is searched for.
const CHAIN: usize = 12;
/// How many words behind a program that was found in the middle of a command are its arguments.
const WINDOW: usize = 60;

/// What a text must hold, one of them at least, to be worth reading. Lower case: to be searched for without regard to case.
pub(super) fn anchors() -> impl Iterator<Item = &'static str> {
    /// Options, assignments and syntax.
    const OTHERS: [&str; 31] = [
        "-stdin", "<<<", "<(", "bash -", "sh -c", "zsh -", "eval ", "--pass", "-pass", "-token", "-secret", "-key",
        "-auth", "-pwd", "-psw", "-cred", "--apikey", "-apikey", "$env:", "tee ", "> ", ">~", ">/", ">>", "$'",
        "su -c", "ssh ", "-bearer", "-sas", "-jwt", "-pin",
    ];
    let names = PROGRAMS.iter().flat_map(|program| program.names.split(' ')).filter(|name| name.len() > 3);
    OTHERS.into_iter().chain(SHORT.iter().copied()).chain(names)
}

/// Programs of three letters and less, with what makes them rare in other text.
const SHORT: &[&str] = &[
    "7z ",
    "7za ",
    "7zz ",
    "7zr ",
    "zip ",
    "rar ",
    "gpg ",
    "ab -",
    "xh ",
    "xhs ",
    "mc alias",
    "mc config",
    "mc admin",
    "cbq ",
    "chc ",
    "net u",
    "net rpc",
    "net ads",
    "nxc ",
    "cme ",
    "wg set",
    "wg pubkey",
    "aws ",
    "az ",
    "fly ",
    "vc ",
    "scw ",
    "exo ",
    "oci ",
    "pip ",
    "svn ",
    "gh auth",
    "gh secret",
    "git ",
    "npm ",
    "gem ",
    "hub ",
    "jf ",
    "wp ",
    "hf ",
    "llm ",
    "oc login",
    "bcp ",
    "bw unlock",
    "bw login",
    "op item",
    "exp ",
    "imp ",
    "dse ",
    "rke ",
    "k3s ",
    "ntl ",
    "snx ",
    "uv pub",
    "bao ",
    "p4 ",
    "hg ",
    "bk ",
    "sbt ",
    "set -",
    "setx",
    "su -c",
    "su - ",
];

/// Where what is secret-named begins in a program's name.
static BY_NAME: LazyLock<HashMap<&'static str, Vec<&'static Program>>> = LazyLock::new(|| {
    let mut by_name: HashMap<&'static str, Vec<&'static Program>> = HashMap::new();
    for program in PROGRAMS {
        for name in program.names.split(' ') {
            by_name.entry(name).or_default().push(program);
        }
    }
    by_name
});

/// Finds the secrets that only the knowledge of programs tells, and the texts inside that are to be searched on their own.
pub(super) fn read(text: &str, found: &mut Vec<Found>) {
    if u32::try_from(text.len()).is_err() {
        return;
    }
    let script = lexer::lex(text);
    let mut reader = Reader { text, script: &script, found };
    for pipeline in &script.pipelines {
        for (at, command) in pipeline.iter().enumerate() {
            reader.command(command, pipeline.get(..at).unwrap_or_default());
        }
    }
    for body in script.bodies.iter().flatten() {
        reader.nested_as_written(body.clone());
    }
    for (name, value) in &script.defaults {
        reader.default(name.clone(), value.clone());
    }
}

/// Finds in what was lexed.
struct Reader<'r, 't> {
    text: &'t str,
    script: &'r Script<'t>,
    found: &'r mut Vec<Found>,
}

/// A value: a word, and which part of it.
#[derive(Clone)]
struct Part<'r, 't> {
    word: &'r Word<'t>,
    range: Range<usize>,
}

/// What the input of a command is made of.
enum Input<'r, 't> {
    Part(Part<'r, 't>),
    /// The body of a here-document, as written.
    Body(Range<usize>),
}

impl<'r, 't> Reader<'r, 't> {
    fn command(&mut self, command: &'r Command<'t>, before: &'r [Command<'t>]) {
        for word in &command.words {
            self.nested(word);
        }
        for redirection in &command.redirections {
            match redirection {
                Redirection::From(word) | Redirection::To(word) | Redirection::HereString(word) => self.nested(word),
                Redirection::HereDocument(_) => {}
            }
        }
        let words = &command.words;
        let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
        let chain = self.chain(words, &texts);
        let head = chain.first().map(|(_, name)| name.as_str()).unwrap_or_default();
        self.writes(command, head, before);
        self.decoded(words, head);
        if is_quiet(head, texts.get(1..).unwrap_or_default()) {
            return;
        }
        self.assignments(words, &texts);
        self.options(words, &texts, head);
        let mut reads = false;
        for (index, (at, name)) in chain.iter().enumerate() {
            let end = chain.get(index + 1).map_or(words.len(), |(next, _)| *next);
            let Some(words) = words.get(at + 1..end) else { continue };
            let texts = texts.get(at + 1..end).unwrap_or_default();
            for program in BY_NAME.get(name.as_str()).into_iter().flatten() {
                reads |= self.program(program, words, texts, true);
                self.input(program, command, before, texts);
            }
        }
        let _ = reads;
        if !is_installer(head) {
            let mut count = 0;
            for (at, word) in words.iter().enumerate() {
                if chain.iter().any(|(known, _)| known == &at)
                    || texts.get(at).is_some_and(|text| text.starts_with('-'))
                {
                    continue;
                }
                let name = self.name(word);
                let Some(programs) = BY_NAME.get(name.as_str()) else { continue };
                count += 1;
                if count > CHAIN {
                    break;
                }
                let rest = texts.get(at + 1..).unwrap_or_default();
                let inner = wrappers::named(&name).find_map(|wrapper| wrapper.inner(rest)).unwrap_or(rest.len());
                let end = words.len().min(at + 1 + WINDOW.min(inner));
                let (Some(words), Some(texts)) = (words.get(at + 1..end), texts.get(at + 1..end)) else { continue };
                for program in programs.iter().filter(|program| !program.word) {
                    self.program(program, words, texts, false);
                }
            }
        }
        self.standard_input(command, before, &texts);
    }

    /// The program that a word names: without its path, in lower case, without `.exe`.
    fn name(&self, word: &Word<'t>) -> String {
        let raw = self.text.get(word.span.clone()).unwrap_or_default();
        let raw = raw.get(raw.len().saturating_sub(200)..).unwrap_or(raw);
        let raw = raw.trim_matches(['"', '\'', '`', '(', ')', '{', '}']);
        let base = raw.rsplit(['/', '\\']).next().unwrap_or(raw);
        let base = base.trim_end_matches([',', ':', '.']);
        // A script that is fetched to be run: `bash <(curl … https://codecov.io/bash) -t TOKEN`.
        let base = if raw.starts_with("<(") && raw.contains("codecov.io") { "codecov" } else { base };
        let mut name = base.to_ascii_lowercase();
        for end in [".exe", ".cmd", ".bat"] {
            if let Some(plain) = name.strip_suffix(end) {
                name.truncate(plain.len());
            }
        }
        if BY_NAME.contains_key(base) { base.to_owned() } else { name }
    }

    /// The programs that a command runs, from the outermost wrapper on: the index of each one's word, and its name.
    fn chain(&self, words: &[Word<'t>], texts: &[&str]) -> Vec<(usize, String)> {
        let mut chain = Vec::new();
        let mut at = texts.iter().take_while(|text| is_front(text)).count();
        while let Some(word) = words.get(at) {
            let name = self.name(word);
            let arguments = texts.get(at + 1..).unwrap_or_default();
            let inner = wrappers::named(&name).find_map(|wrapper| wrapper.inner(arguments));
            chain.push((at, name));
            match inner {
                Some(inner) if chain.len() < CHAIN => at += 1 + inner,
                _ => break,
            }
        }
        chain
    }

    /// Reports a secret value; whether there was one.
    fn secret(&mut self, part: &Part<'r, 't>, rule: &'static str, kind: Kind) -> bool {
        let Some(range) = literal::secret(part.word, part.range.clone(), kind) else { return false };
        let Some(span) = part.word.written(range) else { return false };
        self.found.push(Found::Secret { span, rule, guessable: kind == Kind::Password });
        true
    }

    /// A quoted or escaped word, as the text that it means.
    fn nested(&mut self, word: &Word<'t>) {
        let Some(quoted) = word.quoted.or(word.escaped.then_some(0)) else { return };
        if !word.escaped && !word.text.contains(|c: char| c.is_whitespace()) {
            return;
        }
        // Behind an option or a name, what was quoted is a text of its own.
        let before = word.text.get(..quoted).unwrap_or_default();
        let from = if before.starts_with('-') || before.ends_with(['=', '@']) { quoted } else { 0 };
        let Some(text) = word.text.get(from..) else { return };
        let written: Option<Vec<_>> = (from..word.text.len()).map(|index| word.place(index)).collect();
        if let Some(written) = written
            && !text.is_empty()
        {
            self.found.push(Found::Nested { text: text.to_owned(), written });
        }
    }

    /// A part that means what is written.
    fn nested_as_written(&mut self, range: Range<usize>) {
        let Some(text) = self.text.get(range.clone()).filter(|text| !text.trim().is_empty()) else { return };
        let written: Option<Vec<_>> =
            range.map(|at| Some((u32::try_from(at).ok()?, u32::try_from(at + 1).ok()?))).collect();
        if let Some(written) = written {
            self.found.push(Found::Nested { text: text.to_owned(), written });
        }
    }

    /// What `printf` and `echo -e` make of their escapes.
    fn decoded(&mut self, words: &[Word<'t>], head: &str) {
        if !matches!(head, "printf" | "echo") {
            return;
        }
        for word in words.iter().filter(|word| word.text.contains('\\')) {
            let mut text = String::with_capacity(word.text.len());
            let mut written = Vec::with_capacity(word.text.len());
            let mut at = 0;
            while let Some(rest) = word.text.get(at..)
                && let Some(character) = rest.chars().next()
            {
                let (character, length) = lexer::unescape(rest).unwrap_or((character, character.len_utf8()));
                let Some((from, to)) = word.place(at).zip(word.place(at + length - 1)).map(|(a, b)| (a.0, b.1)) else {
                    return;
                };
                text.push(character);
                written.resize(text.len(), (from, to));
                at += length;
            }
            self.found.push(Found::Nested { text, written });
        }
    }

    /// `${NAME:-value}`.
    fn default(&mut self, name: Range<usize>, value: Range<usize>) {
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
    fn assignments(&mut self, words: &'r [Word<'t>], texts: &[&str]) {
        for (at, word) in words.iter().enumerate() {
            let text = &*word.text;
            if let (Some(name), Some(&"=")) = (text.strip_prefix('$'), texts.get(at + 1)) {
                let name = name.strip_prefix("env:").unwrap_or(name);
                if let (Some(kind), Some(value)) = (kind(name), words.get(at + 2)) {
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
    fn pairs(&mut self, part: &Part<'r, 't>, rule: &'static str) {
        let Some(text) = part.word.text.get(part.range.clone()) else { return };
        let mut from = 0;
        for _ in 0..64 {
            let Some(rest) = text.get(from..) else { return };
            let Some(name) = assignment(rest) else { return };
            let equals = rest.find('=').unwrap_or(name.end);
            let value = equals + 1;
            // Another pair begins behind a comma.
            let end = rest
                .get(value..)
                .unwrap_or_default()
                .match_indices(',')
                .take(64)
                .find_map(|(comma, _)| assignment(rest.get(value + comma + 1..)?).map(|_| value + comma));
            let range = part.range.start + from + value..part.range.start + from + end.unwrap_or(rest.len());
            let set = part.word.text.get(range.clone()).is_some_and(literal::is_setting);
            if let Some(kind) = rest.get(name).and_then(kind)
                && !set
            {
                self.secret(&Part { word: part.word, range }, rule, kind);
            }
            match end {
                Some(end) => from += end + 1,
                None => return,
            }
        }
    }

    /// Options of any program whose name is that of a secret.
    fn options(&mut self, words: &'r [Word<'t>], texts: &[&str], head: &str) {
        for (at, word) in words.iter().enumerate() {
            let text = &*word.text;
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
            let name_end = plain.find(['=', ':']).unwrap_or(plain.len());
            let name = plain.get(..name_end).unwrap_or_default();
            if name.len() < 3 || !takes_secret(name, head) {
                continue;
            }
            let glued = name_end < plain.len();
            if glued {
                // A pair as the value: `--set=a.password=x`, `-backend-config=secret_key=x`.
                let value = dashes + name_end + 1..text.len();
                if text.get(value.clone()).and_then(assignment).is_some() {
                    self.pairs(&Part { word, range: value }, "secret-option");
                }
            }
            let Some(hint) = names::hint(name).or(is_pass(name).then_some(Hint::Password)) else { continue };
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
            if assignment(value).is_some_and(|name| value.len() > name.end + 1) && !value.ends_with('=') {
                self.pairs(&part, "secret-option");
                continue;
            }
            // `-storepass:env NAME`
            if plain.get(name_end..).is_some_and(|rest| rest.starts_with(':'))
                && (hint != Hint::Password || matches!(value, "env" | "file" | "stdin" | "fd"))
            {
                continue;
            }
            if literal::is_path(value) || literal::is_setting(value) || !glued && literal::is_prose(value) {
                continue;
            }
            match hint {
                Hint::Password => self.secret(&part, "password-option", Kind::Password),
                Hint::Strong if glued && value.len() >= 16 => self.secret(&part, "secret-option", Kind::Key),
                Hint::Strong => self.secret(&part, "secret-option", Kind::Token),
                Hint::Weak | Hint::Likely if value.len() >= 20 && literal::is_mixed(value) => {
                    self.secret(&part, "secret-option", Kind::Token)
                }
                Hint::Weak | Hint::Likely => false,
            };
        }
    }

    /// The rows of a program; whether something was found. `certain`: the program stands where a command begins.
    fn program(&mut self, program: &Program, words: &'r [Word<'t>], texts: &[&str], certain: bool) -> bool {
        let before = self.found.len();
        let positions = positions(program, texts);
        for row in program.rows {
            match row.place {
                Place::Option(options) => {
                    let Some(from) = behind_anywhere(texts, row.sub, program.valued) else { continue };
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
                    let Some(from) = behind(texts, row.sub, program.valued) else { continue };
                    let nth = positions.iter().filter(|position| **position >= from).nth(number);
                    if let Some(word) = nth.and_then(|position| words.get(*position)) {
                        self.value(program, row, &Part { word, range: 0..word.text.len() }, certain);
                    }
                }
                Place::Arguments(number) => {
                    let Some(from) = behind(texts, row.sub, program.valued) else { continue };
                    for position in positions.iter().filter(|position| **position >= from).skip(number) {
                        if let Some(word) = words.get(*position) {
                            self.value(program, row, &Part { word, range: 0..word.text.len() }, certain);
                        }
                    }
                }
                Place::Behind(start, number) => {
                    let Some(from) = behind(texts, row.sub, program.valued) else { continue };
                    let mut rest = texts.iter().enumerate().skip(from);
                    let Some((key, _)) = rest.find(|(_, text)| text.starts_with(start)) else { continue };
                    if let Some(word) = words.get(key + number) {
                        self.value(program, row, &Part { word, range: 0..word.text.len() }, certain);
                    }
                }
                Place::Named => {
                    let Some(from) = behind(texts, row.sub, program.valued) else { continue };
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
        self.found.len() > before
    }

    /// A value that a row speaks of.
    fn value(&mut self, program: &Program, row: &Row, part: &Part<'r, 't>, certain: bool) {
        let Some(text) = part.word.text.get(part.range.clone()) else { return };
        let option = matches!(row.place, Place::Option(_));
        let kind = if certain || option { row.kind } else { Kind::Token };
        let start = part.range.start;
        let from = |at: usize| Part { word: part.word, range: start + at..part.range.end };
        // `$(echo X)`, `<(echo X)` as the value.
        if part.word.text.starts_with(['<', '$']) && self.produced(part.word, program.rule, kind) {
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
                } else {
                    self.secret(&behind, program.rule, kind);
                }
            }
            What::Prefixed(prefixes) => {
                let prefix = prefixes.split('|').find(|prefix| text.starts_with(*prefix));
                if let Some(prefix) = prefix {
                    self.secret(&from(prefix.len()), program.rule, kind);
                }
            }
            What::Login(separator) => {
                let Some(at) = text.find(separator) else { return };
                if text.contains("://") {
                    return;
                }
                let end = text.rfind('@').filter(|end| *end > at).unwrap_or(text.len());
                let password = Part { word: part.word, range: start + at + separator.len_utf8()..start + end };
                let slashes = separator == '/' && (at == 0 || !text.contains('@') && text.matches('/').count() > 1);
                if !slashes && !text.starts_with(['.', '~']) {
                    self.secret(&password, program.rule, kind);
                }
            }
            What::Header => self.header(part, program.rule),
            What::Cookies => self.cookies(part),
            What::Pair => {
                let Some(name) = assignment(text) else { return };
                let value = from(text.find('=').map_or(name.end, |equals| equals + 1));
                let name = text.get(name).unwrap_or_default();
                let kind = match self::kind(name) {
                    Some(Kind::Password) => Kind::Password,
                    Some(_) => Kind::Key,
                    None if says_who(name) => return,
                    None => kind,
                };
                self.secret(&value, program.rule, kind);
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
        if !authorization && kind(name).is_none() && !matches!(names::hint(name), Some(Hint::Weak)) {
            return;
        }
        let scheme = value.find(' ').filter(|_| authorization || value.len() < 200).map_or(0, |space| space + 1);
        let credential = value.get(scheme..).unwrap_or_default();
        let indent = credential.len() - credential.trim_start().len();
        let kind = if authorization { Kind::Key } else { Kind::Token };
        self.secret(&Part { word: part.word, range: value_at + scheme + indent..value_end }, rule, kind);
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
                    self.secret(&value, "cookie", Kind::Token);
                }
            }
            at += cookie.len() + 1;
        }
    }

    /// What `echo` or `printf` inside a substitution prints; whether that was a secret.
    fn produced(&mut self, word: &'r Word<'t>, rule: &'static str, kind: Kind) -> bool {
        let script = self.script;
        let before = self.found.len();
        for pipeline in script.pipelines.get(word.inside.clone()).unwrap_or_default() {
            if let Some(command) = pipeline.first() {
                for part in printed(command) {
                    self.secret(&part, rule, kind);
                }
            }
        }
        self.found.len() > before
    }

    /// What a command reads, if a row of the program says that it is secret.
    fn input(&mut self, program: &Program, command: &'r Command<'t>, before: &'r [Command<'t>], texts: &[&str]) {
        for row in program.rows {
            let Place::Input(needed) = row.place else { continue };
            if behind(texts, row.sub, program.valued).is_none() {
                continue;
            }
            let there = needed.is_empty()
                || needed
                    .split('|')
                    .any(|word| texts.iter().any(|text| *text == word || word.len() > 2 && text.contains(word)));
            let decodes = program.rule == "basic-auth"
                && texts.iter().any(|text| matches!(*text, "-d" | "-D" | "--decode" | "-di"));
            if there && !decodes {
                self.fed(command, before, row.what, program.rule, row.kind);
            }
        }
    }

    /// What a command reads, if one of its options says that it is secret: `--password-stdin`, also in a quoted script.
    fn standard_input(&mut self, command: &'r Command<'t>, before: &'r [Command<'t>], texts: &[&str]) {
        let reads = texts.iter().any(|text| {
            text.contains("-stdin")
                && [
                    "--password-stdin",
                    "--passphrase-stdin",
                    "--token-stdin",
                    "--secret-stdin",
                    "--key-stdin",
                    "--pass-stdin",
                    "--api-key-stdin",
                    "--with-token",
                ]
                .iter()
                .any(|option| text.contains(option))
                || text.len() > 2 && text.contains(' ') && (text.contains("sudo -S") || text.contains("--with-token"))
        });
        if reads {
            self.fed(command, before, What::Whole, "password-stdin", Kind::Password);
        }
        // `--key <(echo X)`
        for (at, word) in command.words.iter().enumerate() {
            let Some(start) = word.text.find("<(").filter(|_| !word.inside.is_empty()) else { continue };
            let own = word.text.get(..start).unwrap_or_default();
            let name = if own.is_empty() { texts.get(at.wrapping_sub(1)).copied().unwrap_or_default() } else { own };
            let name = name.trim_start_matches('-').trim_end_matches(['=', '@']);
            let name = name.strip_suffix("-file").unwrap_or(name);
            if names::hint(name).is_some() || is_pass(name) {
                self.produced(word, "secret-file", Kind::Password);
            }
        }
    }

    /// Reports what a command is fed with.
    fn fed(&mut self, command: &'r Command<'t>, before: &'r [Command<'t>], what: What, rule: &'static str, kind: Kind) {
        for input in self.inputs(command, before) {
            match input {
                Input::Part(part) => {
                    let Some(text) = part.word.text.get(part.range.clone()) else { continue };
                    let from = match what {
                        What::After(separator) => match text.find(separator) {
                            Some(at) if !text.contains("://") => at + separator.len_utf8(),
                            _ => continue,
                        },
                        What::Pair => match assignment(text) {
                            Some(name) => name.end + 1,
                            None => continue,
                        },
                        _ => 0,
                    };
                    let range = part.range.start + from..part.range.end;
                    self.secret(&Part { word: part.word, range }, rule, kind);
                }
                Input::Body(range) => {
                    let Some(body) = self.text.get(range.clone()) else { continue };
                    let trimmed = body.trim();
                    let at = range.start + body.len() - body.trim_start().len();
                    let from = match what {
                        What::After(separator) => match trimmed.find(separator) {
                            Some(at) => at + separator.len_utf8(),
                            None => continue,
                        },
                        What::Pair => continue,
                        _ => 0,
                    };
                    let secret = trimmed.get(from..).unwrap_or_default();
                    if !secret.is_empty()
                        && !secret.contains([' ', '\n', '$', '`'])
                        && literal::written_out(secret, kind)
                    {
                        self.found.push(Found::Secret {
                            span: at + from..at + trimmed.len(),
                            rule,
                            guessable: kind == Kind::Password,
                        });
                    }
                }
            }
        }
    }

    /// What a command reads that was written out in front of it.
    fn inputs(&self, command: &'r Command<'t>, before: &'r [Command<'t>]) -> Vec<Input<'r, 't>> {
        let script = self.script;
        let mut inputs = Vec::new();
        let here = |command: &'r Command<'t>, inputs: &mut Vec<Input<'r, 't>>| {
            for redirection in &command.redirections {
                match redirection {
                    Redirection::HereString(word) => inputs.push(Input::Part(Part { word, range: 0..word.text.len() })),
                    Redirection::HereDocument(number) => {
                        inputs.extend(script.bodies.get(*number).cloned().flatten().map(Input::Body));
                    }
                    Redirection::From(word) => {
                        let pipelines = script.pipelines.get(word.inside.clone()).unwrap_or_default();
                        let first = pipelines.iter().filter_map(|pipeline| pipeline.first());
                        inputs.extend(first.flat_map(printed).map(Input::Part));
                    }
                    Redirection::To(_) => {}
                }
            }
        };
        here(command, &mut inputs);
        if inputs.is_empty()
            && let Some(first) = before.first()
        {
            inputs.extend(printed(first).into_iter().map(Input::Part));
            if first.words.first().is_some_and(|word| word.text == "cat") {
                here(first, &mut inputs);
            }
        }
        inputs
    }

    /// `echo X > FILE` where the file's name is that of a secret, and the same with `tee` and `cat`.
    fn writes(&mut self, command: &'r Command<'t>, head: &str, before: &'r [Command<'t>]) {
        let mut target = command.redirections.iter().rev().find_map(|redirection| match redirection {
            Redirection::To(word) => Some(&*word.text),
            _ => None,
        });
        let tee = command.words.iter().take(4).position(|word| word.text == "tee");
        if let Some(tee) = tee {
            target = command.words.iter().skip(tee + 1).map(|word| &*word.text).find(|text| !text.starts_with('-'));
        }
        let Some(field) = target.and_then(secret_file) else { return };
        let inputs = match head {
            "echo" | "printf" | "print" => printed(command).into_iter().map(Input::Part).collect(),
            "cat" | "tee" | "sudo" => self.inputs(command, before),
            _ => return,
        };
        for input in inputs {
            let (text, at) = match &input {
                Input::Part(part) => (part.word.text.get(part.range.clone()).unwrap_or_default(), 0),
                Input::Body(range) => {
                    let body = self.text.get(range.clone()).unwrap_or_default();
                    (body.trim(), range.start + body.len() - body.trim_start().len())
                }
            };
            // What stands there in front: `host:port:database:user:` in .pgpass.
            let from = match field {
                0 => 0,
                fields => match text.match_indices(':').nth(fields - 1) {
                    Some((colon, _)) => colon + 1,
                    None => continue,
                },
            };
            let secret = text.get(from..).unwrap_or_default();
            if secret.contains(char::is_whitespace)
                || field == 0
                    && (assignment(secret).is_some_and(|name| secret.len() > name.end + 1 && !secret.ends_with('='))
                        || secret.contains("://"))
            {
                continue;
            }
            match input {
                Input::Part(part) => {
                    let range = part.range.start + from..part.range.end;
                    self.secret(&Part { word: part.word, range }, "secret-file", Kind::Password);
                }
                Input::Body(_) => {
                    if literal::written_out(secret, Kind::Password) && !secret.contains(['$', '`']) {
                        self.found.push(Found::Secret {
                            span: at + from..at + text.len(),
                            rule: "secret-file",
                            guessable: true,
                        });
                    }
                }
            }
        }
    }
}

/// Whether a word stands in front of a command: a keyword, a prompt, an assignment.
fn is_front(text: &str) -> bool {
    matches!(
        text,
        "if" | "then"
            | "else"
            | "elif"
            | "do"
            | "while"
            | "until"
            | "!"
            | "{"
            | "}"
            | "$"
            | "%"
            | "+"
            | "++"
            | "*"
            | "-"
            | "&"
            | "PS>"
    ) || assignment(text).is_some() && !text.starts_with('/')
}

/// What `echo`, `printf` and the like print, as far as it is written out.
fn printed<'r, 't>(command: &'r Command<'t>) -> Vec<Part<'r, 't>> {
    let mut words = command.words.iter().skip_while(|word| is_front(&word.text));
    let Some(head) = words.next() else { return Vec::new() };
    let format = match &*head.text {
        "printf" => true,
        "echo" | "print" | "yes" | "Write-Output" | "write-output" | "Write-Host" => false,
        _ => return Vec::new(),
    };
    let arguments: Vec<&Word<'t>> = words
        .skip_while(|word| matches!(&*word.text, "-n" | "-e" | "-E" | "-ne" | "-en" | "--" | "-r" | "-NoNewline"))
        .collect();
    let from =
        usize::from(format && arguments.len() > 1 && arguments.first().is_some_and(|first| first.text.contains('%')));
    let mut parts = Vec::new();
    for word in arguments.into_iter().skip(from) {
        // Lines, also where they are still written `\n`.
        let mut start = 0;
        for (end, length) in word
            .text
            .match_indices("\\n")
            .map(|(at, found)| (at, found.len()))
            .chain(word.text.match_indices('\n').map(|(at, found)| (at, found.len())))
            .chain([(word.text.len(), 0)])
        {
            if start < end {
                parts.push(Part { word, range: start..end });
            }
            start = start.max(end + length);
        }
    }
    parts
}

/// Whether a file of this name holds a secret, and how many fields stand in front of it.
fn secret_file(path: &str) -> Option<usize> {
    let base = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let lower = base.to_ascii_lowercase();
    match lower.as_str() {
        ".pgpass" | "pgpass.conf" => return Some(4),
        ".htpasswd" | ".s3fs" | ".passwd-s3fs" => return Some(1),
        "id_rsa" | "id_ed25519" | "id_ecdsa" | "id_dsa" => return Some(0),
        _ => {}
    }
    let (name, end) = lower.rsplit_once('.').unwrap_or((&lower, ""));
    let name = if name.is_empty() { end } else { name };
    let plain = matches!(
        end,
        "" | "txt" | "key" | "pw" | "pass" | "pass1" | "passwd" | "password" | "token" | "secret" | "psk" | "auth"
    ) || lower.rfind('.') == Some(0);
    let named = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "credential",
        "apikey",
        "api_key",
        "api-key",
        "authkey",
        "auth_key",
        "private_key",
        "privatekey",
        "_pass",
        "-pass",
        "master_key",
    ]
    .iter()
    .any(|word| name.contains(word))
        || matches!(end, "key" | "pass" | "pw" | "psk" | "token" | "secret" | "passwd" | "password")
        || matches!(name, "pass" | "pw" | "pwd" | "psk" | "key");
    (plain && named).then_some(0)
}

/// The arguments that are neither options nor their values.
fn positions(program: &Program, texts: &[&str]) -> Vec<usize> {
    let mut positions = Vec::new();
    let (mut at, mut only) = (0, false);
    while let Some(text) = texts.get(at) {
        if !only && *text == "--" {
            only = true;
        } else if !only && text.len() > 1 && text.starts_with('-') && *text != "-" {
            if program.valued.split(' ').any(|option| option == *text) {
                at += 1;
            }
        } else {
            positions.push(at);
        }
        at += 1;
    }
    positions
}

/// Where options of a subcommand may stand: anywhere, once the subcommand is there.
fn behind_anywhere(texts: &[&str], sub: &str, valued: &str) -> Option<usize> {
    behind(texts, sub, valued)
}

/// What the value behind a name is. None: no secret, or not surely.
fn kind(name: &str) -> Option<Kind> {
    let last = name.rsplit(['.', '/', ':']).next().filter(|last| !last.is_empty()).unwrap_or(name);
    let last = last.trim_matches(['[', ']', '@', '+']);
    if last.len() > 100 || !takes_secret(last, "") {
        return None;
    }
    match names::hint(last) {
        Some(Hint::Password) => Some(Kind::Password),
        Some(Hint::Strong) => Some(Kind::Token),
        Some(Hint::Weak | Hint::Likely) | None => is_pass(last).then_some(Kind::Password),
    }
}

/// Whether an option or variable of this name can take a secret itself, and not a file, a command or a yes.
fn takes_secret(name: &str, program: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let ends = [
        "file",
        "path",
        "stdin",
        "command",
        "cmd",
        "env",
        "name",
        "id",
        "url",
        "uri",
        "length",
        "policy",
        "dir",
        "fd",
        "type",
        "ttl",
        "expiry",
        "expires",
        "prompt",
        "min",
        "max",
        "size",
        "count",
        "version",
        "arn",
        "ref",
        "host",
        "user",
        "format",
        "mode",
        "only",
        "manager",
        "provider",
        "store",
        "helper",
        "source",
        "endpoint",
        "hash",
        "algorithm",
        "algo",
        "bits",
        "strength",
        "field",
        "owner",
        "label",
        "keys",
        "wait",
        "lifetime",
        "timeout",
        "duration",
        "enabled",
        "required",
        "class",
        "tags",
        "cache",
        "location",
        "regex",
        "pattern",
        "reset",
        "hasher",
        "hashers",
        "field",
        "fields",
        "validators",
    ];
    if ends.iter().any(|end| {
        lower
            .strip_suffix(end)
            .is_some_and(|rest| rest.ends_with(['-', '_', '.']) || matches!(*end, "stdin" | "file" | "path" | "env"))
    }) {
        return false;
    }
    if [
        "no-",
        "ask-",
        "use-",
        "with-",
        "show-",
        "list-",
        "print-",
        "reset-",
        "generate-",
        "existing",
        "max-",
        "min-",
        "require-",
        "skip-",
        "num-",
    ]
    .iter()
    .any(|start| lower.starts_with(start))
        || lower.contains("existingsecret")
        || lower.starts_with("public")
        || lower.contains("secretname")
    {
        return false;
    }
    // Names of secrets, not secrets.
    match program {
        "gcloud" => !matches!(
            &*lower,
            "secret" | "secrets" | "set-secrets" | "update-secrets" | "remove-secrets" | "key" | "keyring"
        ),
        "docker" | "podman" | "nerdctl" | "buildah" => !matches!(&*lower, "secret" | "secret-add" | "secret-rm"),
        "kubectl" => lower != "secret",
        // It takes a value with `=` only.
        _ if program.starts_with("mysql") || program.starts_with("mariadb") => lower != "password",
        _ => true,
    }
}

/// Whether a name among secrets tells who or where, and not what only they know.
fn says_who(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let last = lower.rsplit(['_', '-', '.']).next().unwrap_or(&lower);
    matches!(
        last,
        "user"
            | "username"
            | "login"
            | "email"
            | "host"
            | "hostname"
            | "port"
            | "url"
            | "uri"
            | "database"
            | "db"
            | "name"
            | "region"
            | "id"
            | "role"
            | "env"
            | "mode"
            | "level"
            | "enabled"
            | "endpoint"
            | "type"
            | "version"
            | "ttl"
            | "policies"
            | "account"
    )
}

/// Whether a name says password and names it short.
fn is_pass(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "pass"
            | "psw"
            | "pwd"
            | "pw"
            | "userpass"
            | "user_pass"
            | "user-pass"
            | "passwd"
            | "storepass"
            | "keypass"
            | "pgpass"
            | "dbpass"
            | "db_pass"
            | "db-pass"
            | "mysql_pwd"
    )
}

/// Whether a value that begins with `-` is one all the same: long and random.
fn is_dash_led_secret(text: &str) -> bool {
    text.len() >= 16 && !text.starts_with("--") && !text.contains('=') && literal::is_random(text, 16)
}

/// Whether a program only searches for, edits or shows what it is given.
fn is_quiet(head: &str, texts: &[&str]) -> bool {
    matches!(
        head,
        "grep"
            | "egrep"
            | "fgrep"
            | "zgrep"
            | "rg"
            | "ag"
            | "ack"
            | "sed"
            | "awk"
            | "gawk"
            | "man"
            | "which"
            | "whereis"
            | "apropos"
            | "ls"
            | "find"
            | "fd"
            | "stat"
            | "test"
            | "["
            | "[["
            | "jq"
            | "yq"
            | "cut"
            | "tr"
            | "sort"
            | "uniq"
            | "wc"
            | "diff"
            | "cat"
            | "less"
            | "head"
            | "tail"
            | "cp"
            | "mv"
            | "rm"
            | "mkdir"
            | "touch"
            | "chmod"
            | "chown"
            | "cd"
    ) && !(head == "find" && texts.iter().any(|text| text.starts_with("-exec")))
        || head == "git"
            && texts.iter().find(|text| !text.starts_with('-')).is_some_and(|sub| {
                matches!(*sub, "grep" | "log" | "commit" | "add" | "show" | "checkout" | "branch" | "diff")
            })
}

/// Whether a program is given names of programs that it does not run.
fn is_installer(head: &str) -> bool {
    matches!(
        head,
        "apt"
            | "apt-get"
            | "brew"
            | "yum"
            | "dnf"
            | "apk"
            | "pacman"
            | "zypper"
            | "port"
            | "snap"
            | "choco"
            | "winget"
            | "scoop"
            | "nix-env"
            | "nix"
            | "pip"
            | "pip3"
            | "pipx"
            | "npm"
            | "cargo"
            | "go"
            | "gem"
            | "type"
            | "alias"
            | "complete"
            | "ps"
            | "pgrep"
            | "pkill"
            | "killall"
            | "systemctl"
            | "service"
            | "tldr"
            | "help"
            | "info"
    )
}

#[cfg(test)]
mod tests;
