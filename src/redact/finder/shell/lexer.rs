//! Reads shell text into pipelines, each word with its meaning and the place where each of its bytes is written.
//!
//! What is given need not be a script: prose with a command in it, an error message, a command that was cut. So nothing
//! is an error here. A quote that nothing closes is an ordinary character where it stands as in `don't`, and runs to the
//! end otherwise. Nothing is read twice, so time is linear in the length.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::prompt;

/// How deep `$(…)`, `<(…)` and backticks are followed; deeper ones are ordinary text.
const DEPTH: u8 = 8;
/// How far away the end of `${…}` may be, in bytes.
const EXPANSION: usize = 1024;
/// How far away the end of `$((…))` may be, in bytes.
const ARITHMETIC: usize = 128;

/// A word as the shell means it.
#[derive(Debug)]
pub(super) struct Word<'t> {
    /// Without quotes and escapes. What the shell would put in its place stands as written, and in `dynamic`.
    pub(super) text: Cow<'t, str>,
    /// The whole word as written.
    pub(super) span: Range<usize>,
    /// Where each byte of `text` is written; None: byte for byte from the start of the span.
    places: Option<Vec<(u32, u32)>>,
    /// Parts of `text` that are variables and other substitutions.
    pub(super) dynamic: Vec<Range<usize>>,
    /// Where in `text` the first quoted part begins.
    pub(super) quoted: Option<usize>,
    /// Whether an escape was taken out.
    pub(super) escaped: bool,
    /// Whether a quote in it is never closed: the text was probably cut here.
    pub(super) open: bool,
    /// The pipelines inside its substitutions.
    pub(super) inside: Range<usize>,
}

impl Word<'_> {
    /// Where a part of `text` is written. None for what is empty or no part of it.
    pub(super) fn written(&self, part: Range<usize>) -> Option<Range<usize>> {
        if part.is_empty() || part.end > self.text.len() {
            return None;
        }
        match &self.places {
            None => Some(self.span.start + part.start..self.span.start + part.end),
            Some(places) => {
                let (from, to) = (places.get(part.start)?.0, places.get(part.end - 1)?.1);
                (from < to).then_some(from as usize..to as usize)
            }
        }
    }

    /// Whether it means what is written, and is neither an option nor an assignment.
    fn is_plain(&self) -> bool {
        self.places.is_none() && self.inside.is_empty() && !self.text.starts_with('-') && !self.text.contains('=')
    }

    /// Where each byte from `from` on is written.
    pub(super) fn places(&self, from: usize) -> Option<Vec<(u32, u32)>> {
        match &self.places {
            None => (from..self.text.len()).map(|index| self.place(index)).collect(),
            Some(places) => places.get(from..).map(<[_]>::to_vec),
        }
    }

    /// Where the one byte at `index` is written.
    pub(super) fn place(&self, index: usize) -> Option<(u32, u32)> {
        match &self.places {
            None => {
                let from = u32::try_from(self.span.start + index).ok()?;
                Some((from, from.checked_add(1)?))
            }
            Some(places) => places.get(index).copied(),
        }
    }
}

/// Where a command's input comes from or its output goes.
#[derive(Debug)]
pub(super) enum Redirection<'t> {
    /// `< FILE`.
    From(Word<'t>),
    /// `> FILE`, `>> FILE`.
    To(Word<'t>),
    /// `<<< WORD`.
    HereString(Word<'t>),
    /// `<< EOF`: the number of its body.
    HereDocument(usize),
}

/// A simple command: keywords and assignments in front are among its words.
#[derive(Debug, Default)]
pub(super) struct Command<'t> {
    pub(super) words: Vec<Word<'t>>,
    pub(super) redirections: Vec<Redirection<'t>>,
    /// The pipelines of `( … )` or `{ … }`, if it is one whose output goes on through a pipe.
    pub(super) group: Range<usize>,
}

impl Command<'_> {
    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.redirections.is_empty() && self.group.is_empty()
    }
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Script<'t> {
    /// Commands joined by `|`, inner ones before those they stand in.
    pub(super) pipelines: Vec<Vec<Command<'t>>>,
    /// Where each of them stands.
    pub(super) spans: Vec<Range<usize>>,
    /// Bodies of here-documents, as written. None: never found.
    pub(super) bodies: Vec<Option<Range<usize>>>,
    /// `${NAME:-value}`: the name and the value, as written.
    pub(super) defaults: Vec<(Range<usize>, Range<usize>)>,
    /// Whether there was a here-document without an end. One text is cut once: a second one is none.
    cut: bool,
}

/// Reads a text. Lines in which there is none of these places may be left out, if nothing of them reaches others.
pub(super) fn lex<'t>(text: &'t str, places: Option<&[usize]>) -> Script<'t> {
    let mut script = Script::default();
    let mut lexer = Lexer::new(text, 0..text.len(), 0, &mut script);
    lexer.places = places;
    lexer.commands(false);
    script
}

/// Where the next of some character is, remembered so that the search for it is linear as a whole.
#[derive(Default)]
struct Next(Option<usize>);

impl Next {
    /// The first place of it from `at` on and before `end`.
    fn from(&mut self, text: &str, at: usize, end: usize, character: char) -> Option<usize> {
        if self.0.is_none_or(|place| place < at) {
            let place = text.get(at..end).and_then(|rest| rest.find(character)).map_or(end, |found| at + found);
            self.0 = Some(place);
        }
        self.0.filter(|place| *place < end)
    }
}

struct Lexer<'t, 's> {
    text: &'t str,
    /// Where something has to be read that is still to come. None: everywhere.
    places: Option<&'s [usize]>,
    at: usize,
    end: usize,
    depth: u8,
    /// Whether this is the rest of a line behind `#`.
    comment: bool,
    script: &'s mut Script<'t>,
    /// Here-documents that begin behind the next newline: delimiter, number.
    pending: Vec<(String, usize)>,
    /// Where each line begins, by what it says; built when a here-document is met.
    lines: Option<HashMap<&'t str, Vec<usize>>>,
    single: Next,
    double: Next,
    back: Next,
    brace: Next,
}

/// A word while it is read.
struct Building<'t> {
    text: &'t str,
    start: usize,
    owned: Option<(String, Vec<(u32, u32)>)>,
    dynamic: Vec<Range<usize>>,
    quoted: Option<usize>,
    escaped: bool,
    open: bool,
    inside: Range<usize>,
}

impl<'t> Building<'t> {
    fn new(text: &'t str, start: usize) -> Self {
        Self { text, start, owned: None, dynamic: Vec::new(), quoted: None, escaped: false, open: false, inside: 0..0 }
    }

    /// The length of its meaning, when it was read up to `at`.
    fn len(&self, at: usize) -> usize {
        self.owned.as_ref().map_or(at - self.start, |(text, _)| text.len())
    }

    /// From here on the meaning differs from what is written.
    fn own(&mut self, at: usize) -> &mut (String, Vec<(u32, u32)>) {
        let (text, start) = (self.text, self.start);
        self.owned.get_or_insert_with(|| {
            let raw = text.get(start..at).unwrap_or_default();
            let mut owned = (String::with_capacity(raw.len() + 32), Vec::with_capacity(raw.len() + 32));
            same(&mut owned, raw, start);
            owned
        })
    }

    /// Bytes that mean themselves.
    fn raw(&mut self, range: Range<usize>) {
        if let Some(owned) = &mut self.owned {
            same(owned, self.text.get(range.clone()).unwrap_or_default(), range.start);
        }
    }

    /// Bytes that the shell replaces.
    fn substituted(&mut self, range: Range<usize>) {
        let from = self.len(range.start);
        self.raw(range.clone());
        let to = self.len(range.end);
        self.dynamic.push(from..to);
    }

    /// A character that was written otherwise.
    fn character(&mut self, character: char, written: Range<usize>) {
        self.escaped = true;
        let (text, places) = self.own(written.start);
        let before = text.len();
        text.push(character);
        let place = (offset(written.start), offset(written.end));
        places.resize(places.len() + text.len() - before, place);
    }

    fn finish(self, at: usize) -> Word<'t> {
        let (text, places) = match self.owned {
            Some((text, places)) => (Cow::Owned(text), Some(places)),
            None => (Cow::Borrowed(self.text.get(self.start..at).unwrap_or_default()), None),
        };
        Word {
            text,
            span: self.start..at,
            places,
            dynamic: self.dynamic,
            quoted: self.quoted,
            escaped: self.escaped,
            open: self.open,
            inside: self.inside,
        }
    }
}

/// Appends a text that stands at `start` byte for byte.
fn same((text, places): &mut (String, Vec<(u32, u32)>), raw: &str, start: usize) {
    text.push_str(raw);
    places.extend((start..start + raw.len()).map(|at| (offset(at), offset(at + 1))));
}

/// An offset as it is kept; texts of 4 GiB are refused before.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Whether a byte may end a run of ordinary characters outside quotes.
fn is_special(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b'\r'
            | b'\n'
            | b';'
            | b'&'
            | b'|'
            | b'<'
            | b'>'
            | b'('
            | b')'
            | b'\''
            | b'"'
            | b'\\'
            | b'$'
            | b'`'
            | 0x1b
    )
}

/// Whether a byte may begin something that counts behind the end of its line: a quote, a group, a variable.
fn reaches(byte: u8) -> bool {
    matches!(byte, b'=' | b'\'' | b'"' | b'`' | b'\\' | b'$' | b'(' | b')' | b'{' | b'}' | b'<' | b'|')
}

impl<'t, 's> Lexer<'t, 's> {
    fn new(text: &'t str, part: Range<usize>, depth: u8, script: &'s mut Script<'t>) -> Self {
        Self {
            text,
            places: None,
            at: part.start,
            end: part.end,
            depth,
            comment: false,
            script,
            pending: Vec::new(),
            lines: None,
            single: Next::default(),
            double: Next::default(),
            back: Next::default(),
            brace: Next::default(),
        }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        let at = self.at + ahead;
        if at < self.end { self.text.as_bytes().get(at).copied() } else { None }
    }

    /// The text from here on.
    fn rest(&self) -> &'t str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    /// The length of a backslash and newline that stand here; 0 if none does.
    fn continuation(&self) -> usize {
        match (self.byte(0), self.byte(1), self.byte(2)) {
            (Some(b'\\'), Some(b'\n'), _) => 2,
            (Some(b'\\'), Some(b'\r'), Some(b'\n')) => 3,
            _ => 0,
        }
    }

    /// The length of a colour that is switched on or off here; 0 if none is.
    fn colour(&self) -> usize {
        let rest = self.rest().as_bytes();
        let Some(rest) = rest.strip_prefix(b"\x1b[") else { return 0 };
        let digits = rest.iter().take(24).take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
        if rest.get(digits).is_some_and(u8::is_ascii_alphabetic) { digits + 3 } else { 0 }
    }

    /// Whether a line begins here.
    fn begins_line(&self) -> bool {
        self.at == 0 || self.text.as_bytes().get(self.at - 1) == Some(&b'\n')
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.byte(0) {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.continuation() > 0 => self.at += self.continuation(),
                // `^` at the end of a line of Windows.
                Some(b'^') if matches!((self.byte(1), self.byte(2)), (Some(b'\n'), _) | (Some(b'\r'), Some(b'\n'))) => {
                    self.at += if self.byte(1) == Some(b'\n') { 2 } else { 3 };
                }
                Some(0x1b) if self.colour() > 0 => self.at += self.colour(),
                _ => return,
            }
        }
    }

    /// Skips lines in which nothing has to be read, and which hold nothing that reaches over their end.
    fn skip_lines(&mut self) {
        let Some(places) = self.places.filter(|_| self.begins_line() && self.pending.is_empty()) else { return };
        let passed = places.iter().take_while(|place| **place < self.at).count();
        let places = places.get(passed..).unwrap_or_default();
        self.places = Some(places);
        let until = places.first().copied().unwrap_or(self.end).min(self.end);
        let bytes = self.text.as_bytes().get(self.at..until).unwrap_or_default();
        // Up to the last line of those before the place that has to be read.
        let plain = bytes.iter().position(|byte| reaches(*byte)).unwrap_or(bytes.len());
        let plain = bytes.get(..plain).unwrap_or_default();
        if let Some(line) = memchr::memrchr(b'\n', plain) {
            self.at += line + 1;
        }
    }

    /// Reads commands up to the end, or behind the `)` that closes the substitution they stand in.
    fn commands(&mut self, closes: bool) {
        let mut pipeline = Vec::new();
        let mut command = Command::default();
        // Where the groups begin that are open, `(` and `{`.
        let (mut parentheses, mut braces) = (Vec::new(), Vec::new());
        let mut cases = 0_usize;
        let mut begun = self.at;
        loop {
            let begins = pipeline.is_empty() && command.is_empty();
            if begins && parentheses.is_empty() && braces.is_empty() {
                self.skip_lines();
            }
            if begins && self.begins_line() {
                self.at += prompt::length(self.rest());
            }
            self.skip_blanks();
            if begins {
                begun = self.at;
            }
            let Some(byte) = self.byte(0) else { break };
            match byte {
                b'\n' => {
                    self.at += 1;
                    self.end_pipeline(begun, &mut pipeline, &mut command);
                    self.take_bodies();
                }
                b'|' if self.byte(1) != Some(b'|') => {
                    self.at += if self.byte(1) == Some(b'&') { 2 } else { 1 };
                    if !command.is_empty() {
                        pipeline.push(std::mem::take(&mut command));
                    }
                    // A line may go on behind `|`.
                    self.skip_blanks();
                    while self.pending.is_empty() && self.byte(0) == Some(b'\n') {
                        self.at += 1;
                        self.skip_blanks();
                    }
                }
                b'&' if self.byte(1) == Some(b'>') => {
                    self.at += 1;
                    self.redirection(&mut command);
                }
                b';' | b'&' | b'|' => {
                    self.at += 1;
                    self.end_pipeline(begun, &mut pipeline, &mut command);
                }
                b'(' => {
                    self.at += 1;
                    self.end_pipeline(begun, &mut pipeline, &mut command);
                    parentheses.push(self.script.pipelines.len());
                }
                b')' => {
                    self.at += 1;
                    if closes && parentheses.is_empty() && cases == 0 {
                        break;
                    }
                    self.end_pipeline(begun, &mut pipeline, &mut command);
                    if let Some(start) = parentheses.pop() {
                        self.group(start, &mut command);
                    }
                }
                b'#' => {
                    // A comment may hold a command too, but its quotes end with the line.
                    self.end_pipeline(begun, &mut pipeline, &mut command);
                    self.at += 1;
                    if !closes && !self.comment {
                        let line = self.rest().find('\n').map_or(self.end, |length| self.at + length);
                        let mut comment = Lexer::new(self.text, self.at..line, self.depth, self.script);
                        comment.comment = true;
                        comment.commands(false);
                        self.at = line;
                    }
                }
                b'<' | b'>' if self.byte(1) != Some(b'(') => self.redirection(&mut command),
                _ => {
                    let word = self.word();
                    let number = word.quoted.is_none()
                        && matches!(self.byte(0), Some(b'<' | b'>'))
                        && word.text.len() <= 2
                        && word.text.bytes().all(|byte| byte.is_ascii_digit());
                    if command.words.is_empty() {
                        match &*word.text {
                            "case" => cases += 1,
                            "esac" => cases = cases.saturating_sub(1),
                            "{" => braces.push(self.script.pipelines.len()),
                            "}" => {
                                if let Some(start) = braces.pop() {
                                    self.group(start, &mut command);
                                }
                            }
                            _ => {}
                        }
                    }
                    if !number {
                        command.words.push(word);
                    }
                }
            }
        }
        self.end_pipeline(begun, &mut pipeline, &mut command);
    }

    /// A group ends here: if its output goes on through a pipe, it is a command of that pipeline.
    fn group(&mut self, start: usize, command: &mut Command<'t>) {
        self.skip_blanks();
        if self.byte(0) == Some(b'|') && self.byte(1) != Some(b'|') {
            command.group = start..self.script.pipelines.len();
        }
    }

    fn end_pipeline(&mut self, begun: usize, pipeline: &mut Vec<Command<'t>>, command: &mut Command<'t>) {
        // One plain word says nothing, and there may be very many.
        if let [word] = command.words.as_slice()
            && word.is_plain()
            && pipeline.is_empty()
            && command.redirections.is_empty()
            && command.group.is_empty()
        {
            command.words.clear();
            return;
        }
        if !command.is_empty() {
            pipeline.push(std::mem::take(command));
        }
        if !pipeline.is_empty() {
            self.script.pipelines.push(std::mem::take(pipeline));
            self.script.spans.push(begun..self.at);
        }
    }

    /// Reads `<`, `>` and what follows them.
    fn redirection(&mut self, command: &mut Command<'t>) {
        let operator = self.rest().bytes().take(3).take_while(|byte| matches!(byte, b'<' | b'>')).count();
        let operator = self.text.get(self.at..self.at + operator).unwrap_or("<");
        let (operator, input) = if operator.starts_with("<<<") {
            ("<<<", true)
        } else if operator.starts_with("<<") {
            ("<<", true)
        } else if operator.starts_with("<>") {
            ("<>", true)
        } else if operator.starts_with(">>") {
            (">>", false)
        } else {
            (operator.get(..1).unwrap_or("<"), operator.starts_with('<'))
        };
        self.at += operator.len();
        match (operator, self.byte(0)) {
            ("<<", Some(b'-')) | (">", Some(b'|')) => self.at += 1,
            ("<" | ">", Some(b'&')) => {
                self.at += 1;
                while self.byte(0).is_some_and(|byte| byte.is_ascii_digit() || byte == b'-') {
                    self.at += 1;
                }
                return;
            }
            _ => {}
        }
        self.skip_blanks();
        match self.byte(0) {
            None | Some(b'\n' | b';' | b'&' | b'|' | b')' | b'(') => return,
            Some(b'<' | b'>') if self.byte(1) != Some(b'(') => return,
            _ => {}
        }
        let word = self.word();
        command.redirections.push(match operator {
            "<<<" => Redirection::HereString(word),
            "<<" => {
                let number = self.script.bodies.len();
                self.script.bodies.push(None);
                self.pending.push((word.text.into_owned(), number));
                Redirection::HereDocument(number)
            }
            _ if input => Redirection::From(word),
            _ => Redirection::To(word),
        });
    }

    /// The bodies of the here-documents that were announced on the line before.
    fn take_bodies(&mut self) {
        for (at, (delimiter, number)) in std::mem::take(&mut self.pending).into_iter().enumerate() {
            if at > 0 && self.byte(0) == Some(b'\n') {
                self.at += 1;
            }
            let (text, end) = (self.text, self.end);
            let lines = self.lines.get_or_insert_with(|| lines(text, end));
            let starts = lines.get(&*delimiter).map_or(&[][..], Vec::as_slice);
            let found = starts.get(starts.partition_point(|start| *start < self.at)).copied();
            let body = match found {
                Some(line) => {
                    let from = std::mem::replace(&mut self.at, line);
                    self.at += self.rest().find(&delimiter).map_or(0, |indent| indent + delimiter.len());
                    Some(from..line)
                }
                // Cut before its end, or never a here-document: what follows is read like anything else.
                None if !self.script.cut && delimiter.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') => {
                    self.script.cut = true;
                    Some(self.at..end)
                }
                None => None,
            };
            if let Some(slot) = self.script.bodies.get_mut(number) {
                *slot = body;
            }
        }
    }

    fn word(&mut self) -> Word<'t> {
        let mut word = Building::new(self.text, self.at);
        loop {
            let run = self.rest().bytes().position(is_special).unwrap_or(self.end - self.at);
            word.raw(self.at..self.at + run);
            self.at += run;
            match self.byte(0) {
                Some(b'\'') => self.single_quote(&mut word),
                Some(b'"') => self.double_quote(&mut word),
                Some(b'\\') => self.backslash(&mut word),
                Some(b'$') => self.dollar(&mut word, false),
                Some(b'`') => self.backtick(&mut word),
                Some(0x1b) if self.colour() == 0 => self.ordinary(&mut word, 1),
                Some(b'<' | b'>') if self.byte(1) == Some(b'(') && self.depth < DEPTH => {
                    self.substitution(&mut word, 2);
                }
                Some(b'<' | b'>') if self.byte(1) == Some(b'(') => {
                    word.raw(self.at..self.at + 2);
                    self.at += 2;
                }
                _ => break,
            }
        }
        word.finish(self.at)
    }

    /// Whether a quote here stands as in `don't` or `5"`: in a word that is neither an option nor an assignment.
    fn is_mark(&self, word: &Building<'t>) -> bool {
        let before = self.text.get(word.start..self.at).unwrap_or_default();
        before.ends_with(|last: char| last.is_alphanumeric())
            && !before.starts_with(['-', '/'])
            && !before.contains(['=', ':', '\'', '"'])
    }

    /// Whether the apostrophe here is one of `don't`, `it's`, `we've`.
    fn is_contraction(&self, word: &Building<'t>) -> bool {
        let before = self.text.get(word.start..self.at).unwrap_or_default();
        if before.is_empty() || !before.chars().all(char::is_alphabetic) {
            return false;
        }
        let after = self.rest().get(1..).unwrap_or_default();
        ["s", "t", "d", "m", "re", "ll", "ve"].iter().any(|end| {
            after
                .strip_prefix(end)
                .is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '\''))
        })
    }

    fn ordinary(&mut self, word: &mut Building<'t>, length: usize) {
        word.raw(self.at..self.at + length);
        self.at += length;
    }

    fn single_quote(&mut self, word: &mut Building<'t>) {
        let close = self.single.from(self.text, self.at + 1, self.end, '\'');
        if self.is_contraction(word) || close.is_none() && self.is_mark(word) {
            return self.ordinary(word, 1);
        }
        word.own(self.at);
        word.quoted = word.quoted.or(Some(word.len(self.at)));
        word.open |= close.is_none();
        let close = close.unwrap_or(self.end);
        word.raw(self.at + 1..close);
        self.at = self.end.min(close + 1);
    }

    fn double_quote(&mut self, word: &mut Building<'t>) {
        if self.double.from(self.text, self.at + 1, self.end, '"').is_none() && self.is_mark(word) {
            return self.ordinary(word, 1);
        }
        word.own(self.at);
        word.quoted = word.quoted.or(Some(word.len(self.at)));
        self.at += 1;
        loop {
            let run = self
                .rest()
                .bytes()
                .position(|byte| matches!(byte, b'"' | b'\\' | b'$' | b'`'))
                .unwrap_or(self.end - self.at);
            word.raw(self.at..self.at + run);
            self.at += run;
            match self.byte(0) {
                None => {
                    word.open = true;
                    return;
                }
                Some(b'"') => {
                    self.at += 1;
                    return;
                }
                Some(b'$') => self.dollar(word, true),
                Some(b'`') => self.backtick(word),
                _ => match self.byte(1) {
                    _ if self.continuation() > 0 => self.at += self.continuation(),
                    Some(escaped @ (b'"' | b'\\' | b'$' | b'`')) => {
                        word.character(char::from(escaped), self.at..self.at + 2);
                        self.at += 2;
                    }
                    _ => self.ordinary(word, 1),
                },
            }
        }
    }

    /// `$'…'`, from the `$` on.
    fn ansi_quote(&mut self, word: &mut Building<'t>) {
        word.own(self.at);
        word.quoted = word.quoted.or(Some(word.len(self.at)));
        self.at += 2;
        loop {
            let run = self.rest().bytes().position(|b| matches!(b, b'\'' | b'\\')).unwrap_or(self.end - self.at);
            self.ordinary(word, run);
            match self.byte(0) {
                None => {
                    word.open = true;
                    return;
                }
                Some(b'\'') => {
                    self.at += 1;
                    return;
                }
                _ => {
                    if let Some((character, length)) = unescape(self.rest()) {
                        word.character(character, self.at..self.at + length);
                        self.at += length;
                    } else {
                        self.ordinary(word, 1);
                    }
                }
            }
        }
    }

    fn backslash(&mut self, word: &mut Building<'t>) {
        let skip = self.continuation();
        if skip > 0 {
            word.own(self.at);
            self.at += skip;
            return;
        }
        match self.rest().chars().nth(1) {
            Some(escaped) => {
                let length = 1 + escaped.len_utf8();
                word.character(escaped, self.at..self.at + length);
                self.at += length;
            }
            None => self.ordinary(word, 1),
        }
    }

    /// What begins with `$`, in quotes or not.
    fn dollar(&mut self, word: &mut Building<'t>, quoted: bool) {
        let length = match self.byte(1) {
            Some(b'\'') if !quoted => {
                return self.ansi_quote(word);
            }
            Some(b'"') if !quoted => {
                word.own(self.at);
                self.at += 1;
                return self.double_quote(word);
            }
            Some(b'(') if self.byte(2) == Some(b'(') && self.near("))").is_some() => self.near("))").unwrap_or(2),
            Some(b'(') if self.depth < DEPTH => return self.substitution(word, 2),
            Some(b'{') => self.braces().unwrap_or(1),
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-') => 2,
            Some(b'_' | b'a'..=b'z' | b'A'..=b'Z') => {
                let name = |text: &str| {
                    text.bytes().position(|byte| byte != b'_' && !byte.is_ascii_alphanumeric()).unwrap_or(text.len())
                };
                let rest = self.rest();
                let length = 1 + name(rest.get(1..).unwrap_or_default());
                match rest.get(..5) {
                    Some(scope) if scope.eq_ignore_ascii_case("$env:") => 5 + name(rest.get(5..).unwrap_or_default()),
                    _ => length,
                }
            }
            _ => 1,
        };
        if length > 1 {
            word.substituted(self.at..self.at + length);
            self.at += length;
        } else {
            self.ordinary(word, 1);
        }
    }

    /// The length of what stands here up to and with the first `end`, if it is near and on this line.
    fn near(&self, end: &str) -> Option<usize> {
        let rest = self.rest().as_bytes();
        let near = rest.get(..ARITHMETIC.min(rest.len())).unwrap_or(rest).split(|byte| *byte == b'\n').next()?;
        near.windows(end.len()).position(|window| window == end.as_bytes()).map(|place| place + end.len())
    }

    /// The length of the `${…}` that stands here. A literal default in it is remembered.
    fn braces(&mut self) -> Option<usize> {
        let close = self.brace.from(self.text, self.at, self.end, '}').filter(|close| *close < self.at + EXPANSION)?;
        let inside = self.text.get(self.at + 2..close)?;
        let nested = inside.matches("${").count();
        let mut close = close;
        for _ in 0..nested {
            let next = self.text.get(close + 1..self.end).and_then(|rest| rest.get(..rest.len().min(EXPANSION)));
            match next.and_then(|rest| rest.find('}')) {
                Some(further) => close += 1 + further,
                None => break,
            }
        }
        if nested == 0 {
            let name = inside.find(|next: char| next != '_' && !next.is_ascii_alphanumeric()).unwrap_or(inside.len());
            let behind = inside.get(name..).unwrap_or_default();
            let operator = [":-", ":=", "-", "="].iter().find(|operator| behind.starts_with(**operator));
            if let Some(operator) = operator {
                let (name, value) = (self.at + 2..self.at + 2 + name, self.at + 2 + name + operator.len()..close);
                self.script.defaults.push((name, value));
            }
        }
        Some(close + 1 - self.at)
    }

    /// `$(…)`, `<(…)`, `>(…)`: `opening` bytes, and commands up to the parenthesis that closes it.
    fn substitution(&mut self, word: &mut Building<'t>, opening: usize) {
        let (start, first) = (self.at, self.script.pipelines.len());
        self.at += opening;
        self.depth += 1;
        let pending = std::mem::take(&mut self.pending);
        self.commands(true);
        self.pending.splice(0..0, pending);
        self.depth -= 1;
        let inside = first..self.script.pipelines.len();
        word.inside = if word.inside.is_empty() { inside } else { word.inside.start..inside.end };
        word.substituted(start..self.at);
    }

    /// `` `…` ``: a command, in scripts as in Markdown.
    fn backtick(&mut self, word: &mut Building<'t>) {
        let mut close = self.back.from(self.text, self.at + 1, self.end, '`');
        while let Some(place) = close
            && self.text.as_bytes().get(place - 1) == Some(&b'\\')
        {
            close = self.back.from(self.text, place + 1, self.end, '`');
        }
        let Some(close) = close else { return self.ordinary(word, 1) };
        let first = self.script.pipelines.len();
        if self.depth < DEPTH {
            Lexer::new(self.text, self.at + 1..close, self.depth + 1, self.script).commands(false);
        }
        word.inside = first..self.script.pipelines.len();
        word.substituted(self.at..close + 1);
        self.at = close + 1;
    }
}

/// Where lines begin, by what they say. Blanks around it, and what may close a quote or a parenthesis, do not count.
fn lines(text: &str, end: usize) -> HashMap<&str, Vec<usize>> {
    let mut lines: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut start = 0;
    for line in text.get(..end).unwrap_or_default().split_inclusive('\n') {
        let says = line.trim().trim_end_matches([')', '"', '\'', '`', ';', '}']);
        if !says.is_empty() && says.len() <= 80 {
            lines.entry(says).or_default().push(start);
        }
        start += line.len();
    }
    lines
}

/// What the escape at the start of a text means in `$'…'`, `printf` and `echo -e`, and its length. None: itself.
pub(super) fn unescape(text: &str) -> Option<(char, usize)> {
    let mut characters = text.chars();
    if characters.next() != Some('\\') {
        return None;
    }
    let escaped = characters.next()?;
    let number = |from: usize, most: usize, radix: u32| {
        let digits = text.get(from..)?.chars().take(most).take_while(|digit| digit.is_digit(radix)).count();
        let value = u32::from_str_radix(text.get(from..from + digits)?, radix).ok()?;
        Some((char::from_u32(value)?, from + digits))
    };
    match escaped {
        'n' => Some(('\n', 2)),
        't' => Some(('\t', 2)),
        'r' => Some(('\r', 2)),
        'a' => Some(('\u{7}', 2)),
        'b' => Some(('\u{8}', 2)),
        'e' | 'E' => Some(('\u{1b}', 2)),
        'f' => Some(('\u{c}', 2)),
        'v' => Some(('\u{b}', 2)),
        '\\' | '\'' | '"' | '?' => Some((escaped, 2)),
        'x' => number(2, 2, 16),
        'u' => number(2, 4, 16),
        'U' => number(2, 8, 16),
        '0'..='7' => number(1, 3, 8),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
