//! Goes through the commands of a script.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::arguments::assignment;
use super::lexer::{self, Command, Redirection, Script, Word};
use super::naming::{is_front, is_installer, is_lead, is_printer, is_quiet, kind, says_command};
use super::programs::{Kind, What};
use super::wrappers;
use super::{ASSIGNED, Found};
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
    /// What is written out as the value of each variable; None: not yet looked.
    pub(super) variables: Option<Variables<'r, 't>>,
    /// How many variables were looked up.
    pub(super) asked_for: usize,
    /// Where the array ends that was read last.
    pub(super) array_end: usize,
}

/// Variables and their values, as far as they are written out.
pub(super) type Variables<'r, 't> = HashMap<&'r str, Vec<Part<'r, 't>>>;

/// How many values of variables are remembered, of one and of all.
const MAX_VALUES: (usize, usize) = (8, 256);
/// How many variables are looked up.
const MAX_LOOKUPS: usize = 256;

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
            self.array(words);
            self.assignments(words, &texts);
            return self.options(words, &texts, "");
        }
        let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
        let chain = self.chain(words, &texts);
        let head = chain.first().map(|(_, name)| &**name).unwrap_or_default();
        self.writes(command, head, before);
        self.decoded(words, head);
        match head {
            "printf" => self.format(words),
            "echo" => self.announced(words),
            "read" => self.read_in(command, before, &texts),
            "sed" | "gsed" | "perl" => self.replaced(words),
            "jq" | "gojq" | "jaq" => self.jq(words),
            _ => {}
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
        self.arguments(words.get(first..).unwrap_or_default(), texts.get(first..).unwrap_or_default());
        self.array(words);
        if let Some((at, name)) = chain.last()
            && !wrappers::is_known(name)
            && let from = if texts.get(*at).is_some_and(|text| text.starts_with('-')) { *at } else { at + 1 }
            && let (Some(words), Some(texts)) = (words.get(from..), texts.get(from..))
        {
            // `args=(-u bob -p X)`: options alone.
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
        self.addresses(words);
    }

    /// `https://bob:$PASSWORD@host`, where the variable is written out in the same text.
    fn addresses(&mut self, words: &'r [Word<'t>]) {
        for word in words.iter().filter(|word| !word.dynamic.is_empty() && word.text.contains("://")) {
            for range in word.dynamic.iter().take(16) {
                let before = word.text.get(..range.start).unwrap_or_default();
                let behind = word.text.get(range.end..).unwrap_or_default();
                if behind.starts_with('@') && before.ends_with(':') {
                    self.secret(&Part { word, range: range.clone() }, ASSIGNED, Kind::Password);
                }
            }
        }
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
        let mut at = fronts(texts, 0);
        let runs = |at: usize| {
            words.get(at).is_some_and(|word| {
                let name = self.name(word);
                lookup::is_known(&name) || word.text == name && (wrappers::is_known(&name) || is_printer(&name))
            })
        };
        if !runs(at) {
            // `Error: Command failed with exit code 1: NAME`
            let mut leads = texts.iter().take(LEAD).enumerate().skip(at).filter(|(_, text)| is_lead(text));
            let said = |lead: usize| texts.iter().take(lead).any(|text| says_command(text));
            let begun = leads.find(|(lead, _)| runs(fronts(texts, lead + 1)) || said(*lead));
            at = begun.map_or(at, |(lead, _)| fronts(texts, lead + 1));
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
        if let Some(span) =
            literal::secret(part.word, part.range.clone(), kind).and_then(|range| part.word.written(range))
        {
            self.found.push(Found::Secret { span, rule, guessable: kind == Kind::Password });
            return true;
        }
        let mut told = false;
        for value in self.values(part) {
            let range = literal::secret(value.word, value.range.clone(), kind);
            if let Some(span) = range.and_then(|range| value.word.written(range)) {
                self.found.push(Found::Secret { span, rule: ASSIGNED, guessable: kind == Kind::Password });
                told = true;
            }
        }
        told
    }

    /// What a part that is a variable and nothing else stands for, as far as it is written out in this text.
    pub(super) fn values(&mut self, part: &Part<'r, 't>) -> Vec<Part<'r, 't>> {
        if self.asked_for == MAX_LOOKUPS || !part.word.dynamic.contains(&part.range) {
            return Vec::new();
        }
        let Some(name) = part.word.text.get(part.range.clone()).and_then(|text| text.strip_prefix('$')) else {
            return Vec::new();
        };
        let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
        let name = name.strip_prefix("env:").unwrap_or(name);
        self.asked_for += 1;
        let script = self.script;
        let variables = self.variables.get_or_insert_with(|| variables(&script.pipelines));
        variables.get(name).cloned().unwrap_or_default()
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

    /// `echo "::add-mask::VALUE"` of a workflow, and a variable that a pipeline is told to keep secret.
    fn announced(&mut self, words: &'r [Word<'t>]) {
        for word in words.iter().skip(1) {
            let behind = ["::add-mask::", "issecret=true]"]
                .iter()
                .find_map(|mark| word.text.find(mark).map(|at| at + mark.len()));
            if let Some(behind) = behind {
                self.secret(&Part { word, range: behind..word.text.len() }, "secret-variable", Kind::Password);
            }
        }
    }

    /// `read -r PASSWORD <<< VALUE`.
    fn read_in(&mut self, command: &'r Command<'t>, before: &'r [Command<'t>], texts: &[&str]) {
        if let Some(kind) = texts.iter().skip(1).filter(|text| !text.starts_with('-')).find_map(|text| kind(text)) {
            self.fed(command, before, What::Whole, "secret-variable", kind);
        }
    }

    /// `jq --arg token VALUE`.
    fn jq(&mut self, words: &'r [Word<'t>]) {
        for at in 0..words.len() {
            if !words.get(at).is_some_and(|word| matches!(&*word.text, "--arg" | "--argjson")) {
                continue;
            }
            let kind = words.get(at + 1).and_then(|name| kind(&name.text));
            if let Some((kind, word)) = kind.zip(words.get(at + 2)) {
                self.secret(&Part { word, range: 0..word.text.len() }, "secret-variable", kind);
            }
        }
    }

    /// `sed s/__API_KEY__/VALUE/`.
    fn replaced(&mut self, words: &'r [Word<'t>]) {
        for word in words.iter().skip(1).filter(|word| word.text.len() < 1024) {
            let Some(rest) = word.text.strip_prefix('s') else { continue };
            let Some(border) = rest.chars().next().filter(|border| "/|#,@~!:%+".contains(*border)) else { continue };
            let mut parts = rest.split(border).skip(1);
            let (Some(pattern), Some(value), Some(_)) = (parts.next(), parts.next(), parts.next()) else { continue };
            let name = pattern.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
            // `s/password/passwordHash1/`: another name.
            let renamed = value.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
            if !plain || renamed || kind(name).is_none() || value.contains(['&', '\\']) {
                continue;
            }
            let start = 's'.len_utf8() + border.len_utf8() * 2 + pattern.len();
            // `s/password/userPassword2/`: another name.
            let renames = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && value.to_ascii_lowercase().contains(&name.to_ascii_lowercase());
            if !renames && (literal::is_chosen(value) || literal::is_random(value, 12)) {
                let part = Part { word, range: start..start + value.len() };
                self.secret(&part, "secret-variable", Kind::Password);
            }
        }
    }

    /// `printf 'NAME=%s' VALUE`, `printf -v NAME %s VALUE`.
    fn format(&mut self, words: &'r [Word<'t>]) {
        let mut words = words.iter().skip_while(|word| word.text != "printf").skip(1);
        let Some(mut format) = words.next() else { return };
        let mut variable = None;
        if format.text == "-v" {
            variable = words.next().and_then(|name| kind(&name.text));
            let Some(next) = words.next() else { return };
            format = next;
        }
        let mut pieces = format.text.split("%s");
        for value in words {
            let Some(before) = pieces.next() else { return };
            let line = before.rsplit("\\n").next().unwrap_or(before);
            let name =
                line.trim_end_matches(['"', '\'', ' ']).trim_end_matches("base64:").trim_end_matches(['"', '\'', ' ']);
            if before.is_empty()
                && let Some(kind) = variable
            {
                self.secret(&Part { word: value, range: 0..value.text.len() }, "secret-variable", kind);
            }
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

/// How many words from this one on stand in front of a command: where it begins.
fn fronts(texts: &[&str], from: usize) -> usize {
    from + texts.iter().skip(from).take_while(|text| is_front(text)).count()
}

/// The variables of a script whose values are written out: `NAME=value`, `for NAME in value`, `$name = value`.
fn variables<'r, 't>(pipelines: &'r [Vec<Command<'t>>]) -> Variables<'r, 't> {
    let mut variables = Variables::default();
    let mut count = 0;
    let mut keep = |name: &'r str, part: Part<'r, 't>| {
        let plain = !part.word.dynamic.iter().any(|inside| inside.end > part.range.start);
        if plain && !part.range.is_empty() && count < MAX_VALUES.1 {
            let values: &mut Vec<_> = variables.entry(name).or_default();
            if values.len() < MAX_VALUES.0 {
                count += 1;
                values.push(part);
            }
        }
    };
    for command in pipelines.iter().flatten() {
        // `Error: Command failed with exit code 1: NAME=value …`
        let begin = message(&command.words);
        let words = command.words.get(begin..).unwrap_or_default();
        match words {
            [first, name, is, values @ ..] if first.text == "for" && is.text == "in" => {
                for word in values {
                    keep(&name.text, Part { word, range: 0..word.text.len() });
                }
            }
            [name, is, word] if is.text == "=" && name.text.starts_with('$') => {
                keep(name.text.trim_start_matches('$'), Part { word, range: 0..word.text.len() });
            }
            _ => {
                for word in words.iter().take_while(|word| is_front(&word.text) || is_declaration(&word.text)) {
                    if let Some(name) = assignment(&word.text).and_then(|name| word.text.get(name)) {
                        let value = word.text.find('=').map_or(word.text.len(), |equals| equals + 1);
                        keep(name, Part { word, range: value..word.text.len() });
                    }
                }
            }
        }
    }
    variables
}

/// How many words of a message stand in front of a command that it says was run.
pub(super) fn message(words: &[Word<'_>]) -> usize {
    let mut said = false;
    for (at, word) in words.iter().enumerate().take(LEAD) {
        if said && is_lead(&word.text) {
            return at + 1;
        }
        said |= says_command(&word.text);
    }
    0
}

/// Whether a word declares the variables behind it.
fn is_declaration(text: &str) -> bool {
    matches!(text, "export" | "local" | "declare" | "readonly" | "typeset" | "-x" | "-r" | "-g")
}
