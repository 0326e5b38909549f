//! What a command is fed with, if it takes a secret from its input, and what it writes into a file of secrets.

use std::ops::Range;

use super::Found;
use super::arguments::assignment;
use super::lexer::{Command, Redirection, Word};
use super::literal;
use super::lookup::{Known, KnownRow};
use super::naming::{is_front, option_hint, secret_file};
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
            let decodes = known.program.rule == "basic-auth"
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
    fn fed(&mut self, command: &'r Command<'t>, before: &'r [Command<'t>], what: What, rule: &'static str, kind: Kind) {
        for input in self.inputs(command, before) {
            match input {
                Input::Part(part) => {
                    let Some(text) = part.word.text.get(part.range.clone()) else { continue };
                    let from = match what {
                        What::After(separator) => match literal::find(part.word, part.range.clone(), separator) {
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
                    // `echo yes | …` answers a question.
                    if !literal::is_setting(text) {
                        self.secret(&Part { word: part.word, range }, rule, kind);
                    }
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
            for pipeline in script.pipelines.get(first.group.clone()).unwrap_or_default().iter().take(GROUP) {
                inputs.extend(pipeline.first().into_iter().flat_map(printed).map(Input::Part));
            }
            if first.words.first().is_some_and(|word| word.text == "cat") {
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
