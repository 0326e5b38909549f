//! Goes through the commands of a script.

use std::borrow::Cow;
use std::ops::Range;

use super::Found;
use super::lexer::{self, Command, Redirection, Script, Word};
use super::naming::{is_front, is_installer, is_lead, is_quiet, kind};
use super::programs::Kind;
use super::wrappers;
use super::{literal, lookup};

/// How many programs one command is searched for.
const CHAIN: usize = 12;
/// How many words behind a program that was found in the middle of a command are its arguments.
const WINDOW: usize = 60;

/// How many words of a message may stand in front of a command.
const LEAD: usize = 16;

/// Finds in what was lexed.
pub(super) struct Reader<'r, 't> {
    pub(super) text: &'t str,
    pub(super) script: &'r Script<'t>,
    /// Where anchors stand, in their order. None: not known.
    pub(super) places: Option<&'r [usize]>,
    pub(super) found: &'r mut Vec<Found>,
    /// Whether the text waits for a password somewhere; None: not yet looked.
    pub(super) asked: Option<bool>,
}

/// A value: a word, and which part of it.
#[derive(Clone, Debug)]
pub(super) struct Part<'r, 't> {
    pub(super) word: &'r Word<'t>,
    pub(super) range: Range<usize>,
}

impl<'r, 't> Reader<'r, 't> {
    /// Reads everything.
    pub(super) fn script(&mut self) {
        let script = self.script;
        for (pipeline, span) in script.pipelines.iter().zip(&script.spans) {
            if !self.is_worth_reading(pipeline, span) {
                continue;
            }
            for (at, command) in pipeline.iter().enumerate() {
                self.command(command, pipeline.get(..at).unwrap_or_default());
            }
        }
        for body in script.bodies.iter().flatten() {
            self.nested_as_written(body.clone());
        }
        for (name, value) in &script.defaults {
            self.default(name.clone(), value.clone());
        }
    }

    /// Whether there is an anchor in a pipeline, or may be one when its escapes are taken out.
    fn is_worth_reading(&self, pipeline: &[Command<'_>], span: &Range<usize>) -> bool {
        let Some(places) = self.places else { return true };
        let next = places.partition_point(|place| *place < span.start);
        places.get(next).is_some_and(|place| *place < span.end)
            || pipeline.iter().flat_map(|command| &command.words).any(|word| word.escaped)
    }

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
        let words = command.words.as_slice();
        if let [word] = words
            && command.redirections.is_empty()
            && before.is_empty()
            && word.inside.is_empty()
        {
            let texts = [&*word.text];
            self.assignments(words, &texts);
            return self.options(words, &texts, "");
        }
        let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
        let chain = self.chain(words, &texts);
        let head = chain.first().map(|(_, name)| &**name).unwrap_or_default();
        self.writes(command, head, before);
        self.decoded(words, head);
        if head == "printf" {
            self.format(words);
        }
        if head == "send" {
            self.sent(words);
        }
        let first = chain.first().map_or(0, |(at, _)| *at);
        if is_quiet(head, texts.get(first + 1..).unwrap_or_default()) {
            // What is assigned in front of it, and nothing else.
            return self.assignments(words.get(..first).unwrap_or_default(), &texts);
        }
        self.assignments(words, &texts);
        self.options(words, &texts, head);
        if let Some((at, name)) = chain.last()
            && !wrappers::is_known(name)
            && let (Some(words), Some(texts)) = (words.get(at + 1..), texts.get(at + 1..))
        {
            self.with_user(words, texts);
        }
        for (index, (at, name)) in chain.iter().enumerate() {
            let end = chain.get(index + 1).map_or(words.len(), |(next, _)| *next);
            let (Some(words), Some(texts)) = (words.get(at + 1..end), texts.get(at + 1..end)) else { continue };
            for program in lookup::named(name) {
                self.program(program, words, texts, true);
                self.input(program, command, before, texts);
            }
        }
        if !is_installer(head) {
            self.in_the_middle(words, &texts, &chain);
        }
        self.standard_input(command, before, &texts);
    }

    /// Programs in the middle of a command: behind a wrapper that is not known, or in a sentence.
    fn in_the_middle(&mut self, words: &'r [Word<'t>], texts: &[&str], chain: &[(usize, Cow<'t, str>)]) {
        let mut count = 0;
        for (at, word) in words.iter().enumerate() {
            if word.text.starts_with('-') || chain.iter().any(|(known, _)| *known == at) {
                continue;
            }
            let name = self.name(word);
            if !lookup::is_known(&name) {
                continue;
            }
            count += 1;
            if count > CHAIN {
                return;
            }
            let rest = texts.get(at + 1..).unwrap_or_default();
            let rest = rest.get(..WINDOW.min(rest.len())).unwrap_or_default();
            let inner = wrappers::inner(&name, rest).unwrap_or(rest.len());
            let (Some(words), Some(texts)) = (words.get(at + 1..at + 1 + inner), rest.get(..inner)) else { continue };
            for program in lookup::named(&name) {
                self.program(program, words, texts, false);
            }
        }
    }

    /// The program that a word names: without its path, in lower case, without `.exe`.
    fn name(&self, word: &Word<'t>) -> Cow<'t, str> {
        let raw = self.text.get(word.span.clone()).unwrap_or_default();
        if raw.starts_with("<(") && raw.contains("codecov.io") {
            // A script that is fetched to be run: `bash <(curl … https://codecov.io/bash) -t TOKEN`.
            return Cow::Borrowed("codecov");
        }
        let raw = raw.get(raw.len().saturating_sub(200)..).unwrap_or(raw);
        let raw = raw.trim_matches(['"', '\'', '`', '(', ')', '{', '}']);
        let slash = memchr::memrchr2(b'/', b'\\', raw.as_bytes());
        let base = slash.and_then(|at| raw.get(at + 1..)).unwrap_or(raw).trim_end_matches([',', '.']);
        if lookup::is_known(base) {
            return Cow::Borrowed(base);
        }
        let end = base.len().saturating_sub(4);
        let plain = match base.get(end..) {
            Some(dotted) if [".exe", ".cmd", ".bat"].iter().any(|known| dotted.eq_ignore_ascii_case(known)) => {
                base.get(..end).unwrap_or(base)
            }
            _ => base,
        };
        if plain.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(plain.to_ascii_lowercase())
        } else {
            Cow::Borrowed(plain)
        }
    }

    /// The programs that a command runs, from the outermost wrapper on: the index of each one's word, and its name.
    fn chain(&self, words: &[Word<'t>], texts: &[&str]) -> Vec<(usize, Cow<'t, str>)> {
        let mut chain = Vec::new();
        let mut at = texts.iter().take_while(|text| is_front(text)).count();
        let runs = |at: usize| words.get(at).is_some_and(|word| lookup::is_known(&self.name(word)));
        if !runs(at) {
            // `Error: Command failed with exit code 1: NAME`
            let mut leads = texts.iter().take(LEAD).enumerate().skip(at).filter(|(_, text)| is_lead(text));
            at = leads.find(|(lead, _)| runs(lead + 1)).map_or(at, |(lead, _)| lead + 1);
        }
        while let Some(word) = words.get(at) {
            let name = self.name(word);
            let inner = wrappers::inner(&name, texts.get(at + 1..).unwrap_or_default());
            chain.push((at, name));
            match inner {
                Some(inner) if chain.len() < CHAIN => at += 1 + inner,
                _ => break,
            }
        }
        chain
    }

    /// Reports a secret value; whether there was one.
    pub(super) fn secret(&mut self, part: &Part<'r, 't>, rule: &'static str, kind: Kind) -> bool {
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
        if let Some(written) = word.places(from)
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

    /// `send "x\\r"` of expect, in a script that waits for a password.
    fn sent(&mut self, words: &'r [Word<'t>]) {
        let text = self.text;
        let asked = *self.asked.get_or_insert_with(|| text.contains("assword") || text.contains("assphrase"));
        let Some(word) = words.iter().skip(1).find(|word| !word.text.starts_with('-')).filter(|_| asked) else {
            return;
        };
        let end = ["\\r", "\\n", "\r", "\n"].iter().find_map(|end| word.text.strip_suffix(end)).map(str::len);
        if let Some(end) = end {
            self.secret(&Part { word, range: 0..end }, "expect-password", Kind::Password);
        }
    }

    /// `printf 'NAME=%s' VALUE`.
    fn format(&mut self, words: &'r [Word<'t>]) {
        let mut words = words.iter().skip_while(|word| word.text != "printf").skip(1);
        let Some(format) = words.next() else { return };
        let mut pieces = format.text.split("%s");
        for value in words {
            let Some(before) = pieces.next() else { return };
            let line = before.rsplit("\\n").next().unwrap_or(before);
            let name =
                line.trim_end_matches(['"', '\'', ' ']).trim_end_matches("base64:").trim_end_matches(['"', '\'', ' ']);
            let Some(name) = name.strip_suffix(['=', ':']) else { continue };
            let name =
                name.trim_end_matches(['"', '\'', ' ']).rsplit([' ', '"', '\'', ',', '{']).next().unwrap_or(name);
            if let Some(kind) = kind(name) {
                self.secret(&Part { word: value, range: 0..value.text.len() }, "secret-variable", kind);
            }
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
}
