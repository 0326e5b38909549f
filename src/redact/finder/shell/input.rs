//! What a command is fed with, if it takes a secret from its input, and what it writes into a file of secrets.

use std::ops::Range;

use super::Found;
use super::arguments::assignment;
use super::lexer::{Command, Redirection, Word};
use super::literal;
use super::lookup::{Known, KnownRow};
use super::naming::{is_front, is_lead, is_printer, option_hint, pair_kind, secret_file};
use super::programs::{Kind, Place, What};
use super::reader::{Part, Reader};

/// What the input of a command is made of.
enum Input<'r, 't> {
    Part(Part<'r, 't>),
    /// The body of a here-document, as written.
    Body(Range<usize>),
}

/// How many commands of a group are looked at for what they print.
const GROUP: usize = 16;
/// How many lines of a here-document are looked at.
const LINES: usize = 256;
/// How many words may stand in front of the program that prints.
const LEAD: usize = 16;

impl<'r, 't> Reader<'r, 't> {
    /// What `echo` or `printf` inside a substitution prints; whether that was a secret.
    pub(super) fn produced(&mut self, word: &'r Word<'t>, rule: &'static str, kind: Kind) -> bool {
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
    pub(super) fn input(&mut self, known: &Known, command: &'r Command<'t>, before: &'r [Command<'t>], texts: &[&str]) {
        for KnownRow { row, sub, needed, .. } in &known.rows {
            if !matches!(row.place, Place::Input(_)) || sub.behind(texts, &known.valued).is_none() {
                continue;
            }
            let there = |word: &&str| texts.iter().any(|text| text == word || word.len() > 2 && text.contains(word));
            let decodes = known.program.names.starts_with("base64")
                && texts.iter().any(|text| matches!(*text, "-d" | "-D" | "--decode" | "-di"));
            if (needed.is_empty() || needed.iter().any(there)) && !decodes {
                self.fed(command, before, row.what, known.program.rule, row.kind);
            }
        }
    }

    /// What a command reads, if one of its options says that it is secret: `--password-stdin`, also in a quoted script.
    pub(super) fn standard_input(&mut self, command: &'r Command<'t>, before: &'r [Command<'t>], texts: &[&str]) {
        let with_hyphen = |text: &&&str| text.len() > 5 && memchr::memchr(b'-', text.as_bytes()).is_some();
        let reads = texts.iter().filter(with_hyphen).any(|text| {
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
        } else if texts.iter().any(|text| asks_for_secret(text)) {
            // A program that is not known, and what looks chosen or random.
            for input in self.inputs(command, before) {
                if let Input::Part(part) = input
                    && let Some(text) = part.word.text.get(part.range.clone())
                    && (literal::is_chosen(text) || literal::is_random(text, 16))
                {
                    self.secret(&part, "password-stdin", Kind::Password);
                }
            }
        }
        // `--key <(echo X)`
        for (at, word) in command.words.iter().enumerate() {
            if word.inside.is_empty() {
                continue;
            }
            let Some(start) = word.text.find("<(") else { continue };
            let own = word.text.get(..start).unwrap_or_default();
            let name = if own.is_empty() { texts.get(at.wrapping_sub(1)).copied().unwrap_or_default() } else { own };
            let name = name.trim_start_matches('-').trim_end_matches(['=', '@']);
            let name = name.strip_suffix("-file").unwrap_or(name);
            if option_hint(name).is_some() {
                self.produced(word, "secret-file", Kind::Password);
            }
        }
    }

    /// Reports what a command is fed with.
    pub(super) fn fed(
        &mut self,
        command: &'r Command<'t>,
        before: &'r [Command<'t>],
        what: What,
        rule: &'static str,
        kind: Kind,
    ) {
        for input in self.inputs(command, before) {
            match input {
                Input::Part(part) => {
                    let Some(text) = part.word.text.get(part.range.clone()) else { continue };
                    let told = match what {
                        What::After(separator) => literal::find(part.word, part.range.clone(), separator)
                            .filter(|_| !text.contains("://"))
                            .map(|at| at + separator.len_utf8()..text.len()),
                        _ => told(text, what),
                    };
                    let Some(kind) = kind_of(text, what, kind) else { continue };
                    // `echo yes | …` answers a question.
                    if let Some(told) = told.filter(|_| !literal::is_setting(text)) {
                        let range = part.range.start + told.start..part.range.start + told.end;
                        self.secret(&Part { word: part.word, range }, rule, kind);
                    }
                }
                Input::Body(range) => {
                    let text = self.text;
                    let Some(body) = text.get(range.clone()) else { continue };
                    let lines = body.split_inclusive('\n').scan(range.start, |next, line| {
                        let start = *next + line.len() - line.trim_start().len();
                        *next += line.len();
                        Some((start, line.trim()))
                    });
                    let lines = lines.filter(|(_, line)| !line.is_empty()).take(LINES);
                    // Of several lines the first is the secret, if the others say it again or are told apart from it.
                    let first = lines.clone().next().map_or("", |(_, line)| line);
                    let one = lines.clone().all(|(_, line)| line == first) || rule == "password-manager";
                    let by_line = matches!(what, What::After(_) | What::Pair | What::Chosen | What::Line(..));
                    for (start, line) in lines {
                        if !by_line && (!one || line != first) {
                            break;
                        }
                        let Some((told, kind)) = told(line, what).zip(kind_of(line, what, kind)) else { continue };
                        let secret = line.get(told.clone()).unwrap_or_default();
                        if !secret.is_empty() && !secret.contains([' ', '$', '`']) && literal::written_out(secret, kind)
                        {
                            self.found.push(Found::Secret {
                                span: start + told.start..start + told.end,
                                rule,
                                guessable: kind == Kind::Password,
                            });
                        }
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
            for pipeline in script.pipelines.get(first.group.clone()).unwrap_or_default().iter().take(GROUP) {
                inputs.extend(pipeline.first().into_iter().flat_map(printed).map(Input::Part));
            }
            if first.words.iter().take(LEAD).any(|word| word.text == "cat") {
                here(first, &mut inputs);
            }
        }
        inputs
    }

    /// `echo X > FILE` where the file's name is that of a secret, and the same with `tee` and `cat`.
    pub(super) fn writes(&mut self, command: &'r Command<'t>, head: &str, before: &'r [Command<'t>]) {
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

/// Whether a word says that its program asks for a secret: `login`, `--password`, `functions:secrets:set`.
fn asks_for_secret(text: &str) -> bool {
    matches!(text, "login" | "signin" | "unlock" | "passwd" | "auth" | "-W")
        || text.len() < 24
            && text.contains("passw")
            && !text.starts_with('-')
            && !text.contains(['=', '/', '.', ' ', ':'])
        || text.len() < 40
            && !text.contains(['=', '/', '.', ' '])
            && (text.ends_with("password")
                || text.ends_with(":set") && text.contains("secret")
                || text.ends_with("-token"))
}

/// What the secret in a line is that a program reads. None: it is none.
fn kind_of(line: &str, what: What, most: Kind) -> Option<Kind> {
    match what {
        What::Pair => pair_kind(line.get(assignment(line)?)?, most),
        _ => Some(most),
    }
}

/// The mechanisms of SASL (RFC 4422, registered at IANA) that `AUTH` is followed by where no password is.
const MECHANISMS: [&str; 10] = [
    "LOGIN",
    "PLAIN",
    "CRAM-MD5",
    "DIGEST-MD5",
    "NTLM",
    "GSSAPI",
    "XOAUTH2",
    "OAUTHBEARER",
    "EXTERNAL",
    "SCRAM-SHA-256",
];

/// Which part of a line that a program reads is secret.
pub(super) fn told(line: &str, what: What) -> Option<Range<usize>> {
    let from = match what {
        What::After(separator) => line.find(separator)? + separator.len_utf8(),
        What::Pair => {
            let name = assignment(line)?;
            let value = line.get(name.end + 1..)?;
            let quoted = value.len() > 2 && ['"', '\''].iter().any(|q| value.starts_with(*q) && value.ends_with(*q));
            return Some(name.end + 1 + usize::from(quoted)..line.len() - usize::from(quoted));
        }
        What::Chosen
            if !(literal::is_password(line) || is_signed(line) || line.len() >= 32 && literal::is_mixed(line)) =>
        {
            return None;
        }
        What::Line(start, separator) => {
            let begins = line.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
            let plain = line.trim_end_matches([' ', ';', '"', '\'']);
            let rest = plain.get(start.len()..).filter(|_| begins)?;
            let last = start.len() + rest.rfind([' ', '"', '\'']).map_or(0, |space| space + 1);
            let word = plain.get(last..)?;
            let word = word.trim_end_matches("\\r").trim_end_matches("\\n");
            if start == "auth " && is_mechanism(word) {
                return None;
            }
            // `user NAME` without a password.
            if separator == ' ' && last == start.len() && start.trim_end().ends_with("user") {
                return None;
            }
            // `AUTH LOGIN`: of mail, what follows is asked for.
            let mechanism = word.trim_end_matches(['\r', '\n']).trim_end_matches(r"\n").trim_end_matches(r"\r");
            if last == start.len() && start.starts_with("auth") && MECHANISMS.contains(&mechanism) {
                return None;
            }
            let behind = if separator == ' ' { 0 } else { word.find(separator)? + separator.len_utf8() };
            let end = if separator == '/' { word.rfind('@').filter(|end| *end > behind)? } else { word.len() };
            return Some(last + behind..last + end);
        }
        _ => 0,
    };
    Some(from..line.len())
}

/// Whether a line is a word with digits and a sign that no name has.
fn is_signed(line: &str) -> bool {
    let sign = |byte: u8| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*');
    let digit = line.bytes().any(|byte| byte.is_ascii_digit());
    line.len() >= 8 && digit && line.bytes().any(sign) && !line.contains('.') && literal::is_chosen(line)
}

/// Ways to log in to a mail server, which stand where others have a password: `AUTH LOGIN`.
fn is_mechanism(word: &str) -> bool {
    ["login", "plain", "ntlm", "gssapi", "external", "xoauth2", "oauthbearer", "tls", "ssl"]
        .iter()
        .any(|name| word.eq_ignore_ascii_case(name))
        || ["cram-", "digest-", "scram-"]
            .iter()
            .any(|begin| word.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin)))
}

/// The program of a command that prints its arguments, and those: behind what stands in front of a command.
fn printer<'c, 't>(command: &'c Command<'t>) -> Option<(&'c str, &'c [Word<'t>])> {
    let words = command.words.as_slice();
    let in_front = |word: &&Word<'_>| {
        is_front(&word.text) || matches!(&*word.text, "sudo" | "command" | "builtin" | "exec" | "time")
    };
    let base = |at: usize| {
        let text = &*words.get(at)?.text;
        Some(text.rsplit('/').next().unwrap_or(text).trim_start_matches('@')).filter(|name| is_printer(name))
    };
    let begin = words.iter().take_while(in_front).count();
    let leads = words.iter().take(LEAD).enumerate().filter(|(_, word)| is_lead(&word.text));
    let leads = leads.map(|(lead, _)| lead + 1 + words.iter().skip(lead + 1).take_while(in_front).count());
    let at = std::iter::once(begin).chain(leads).find(|at| base(*at).is_some())?;
    Some((base(at)?, words.get(at + 1..)?))
}

/// What `echo`, `printf` and the like print, as far as it is written out.
fn printed<'r, 't>(command: &'r Command<'t>) -> Vec<Part<'r, 't>> {
    // PowerShell's `'X' | …`.
    if let [word] = command.words.as_slice()
        && word.quoted == Some(0)
        && !word.text.contains(char::is_whitespace)
    {
        return vec![Part { word, range: 0..word.text.len() }];
    }
    let Some((head, words)) = printer(command) else { return Vec::new() };
    let format = head == "printf";
    let words = words.iter();
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
