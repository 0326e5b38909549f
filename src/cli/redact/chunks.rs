//! Text in pieces that are whole: each ends where no secret goes on.

use std::io;
use std::time::Duration;

use memchr::{memchr, memchr_iter, memrchr};

use super::Source;
use crate::redact::{Borders, INVALID_UTF8, RuleId, TOO_LONG, marker};

/// A piece of this size is enough, in bytes.
pub(super) const ENOUGH: usize = 1 << 20;

/// The most that is held while no end of a piece is found, in bytes. A line that is longer is masked whole.
pub(super) const MOST: usize = 16 << 20;

/// How much is read at once, in bytes.
const READ: usize = 64 << 10;

/// How long nothing may come before what is there is passed on.
const IDLE: Duration = Duration::from_millis(50);

/// A piece of text.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Chunk {
    /// Whole lines, but for the last one of the input.
    pub(super) text: String,
    /// Where lines stood that were masked whole, with the rule: bytes of the text.
    pub(super) masked: Vec<(usize, RuleId)>,
}

/// Reads pieces from a source.
pub(super) struct Chunks<S> {
    source: S,
    borders: Borders,
    /// What was read and is not yet passed on.
    held: Vec<u8>,
    /// Up to here lines have been looked at.
    seen: usize,
    /// Up to here it may be passed on.
    whole: usize,
    /// Where the markers of lines stand that were too long.
    too_long: Vec<usize>,
    /// Whether the rest of a line that is too long is still to come.
    skipping: bool,
    ended: bool,
}

impl<S: Source> Chunks<S> {
    pub(super) fn new(source: S) -> Self {
        Self {
            source,
            borders: Borders::default(),
            held: Vec::new(),
            seen: 0,
            whole: 0,
            too_long: Vec::new(),
            skipping: false,
            ended: false,
        }
    }

    /// The next piece, or None at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Chunk>> {
        loop {
            if self.ended {
                let rest = self.held.len();
                return Ok((rest > 0).then(|| self.take(rest)));
            }
            if self.whole > 0 && (self.held.len() >= ENOUGH || !self.source.ready(IDLE)) {
                return Ok(Some(self.take(self.whole)));
            }
            if self.held.len() >= MOST {
                if self.seen > 0 {
                    return Ok(Some(self.take(self.seen)));
                }
                self.skip();
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let before = self.held.len();
        self.held.resize(before + READ, 0);
        let count = self.source.read(self.held.get_mut(before..).unwrap_or_default());
        self.held.truncate(before + *count.as_ref().unwrap_or(&0));
        if count? == 0 {
            self.ended = true;
            return Ok(());
        }
        if self.skipping {
            match memchr(b'\n', self.held.get(before..).unwrap_or_default()) {
                Some(end) => {
                    self.held.drain(before..before + end);
                    self.skipping = false;
                }
                None => self.held.truncate(before),
            }
        }
        self.look();
        Ok(())
    }

    /// Looks at the lines that are whole by now.
    fn look(&mut self) {
        let new = self.held.get(self.seen..).unwrap_or_default();
        let Some(last) = memrchr(b'\n', new) else { return };
        let start = self.seen;
        let lines = new.get(..=last).unwrap_or_default().split_inclusive(|byte| *byte == b'\n');
        for line in lines {
            self.seen += line.len();
            if self.borders.after(line) {
                self.whole = self.seen;
            }
        }
        debug_assert_eq!(self.seen, start + last + 1);
    }

    /// Gives up a line that is too long: a marker stands for it.
    fn skip(&mut self) {
        self.held = marker(&TOO_LONG).into_bytes();
        self.too_long = vec![0];
        self.skipping = true;
    }

    fn take(&mut self, end: usize) -> Chunk {
        let rest = self.held.split_off(end.min(self.held.len()));
        let taken = std::mem::replace(&mut self.held, rest);
        let later = self.too_long.split_off(self.too_long.partition_point(|at| *at < end));
        let too_long = std::mem::replace(&mut self.too_long, later.into_iter().map(|at| at - end).collect());
        self.seen = self.seen.saturating_sub(end);
        self.whole = self.whole.saturating_sub(end);
        chunk(taken, &too_long)
    }
}

/// The bytes as text, a marker in place of each line that is none.
fn chunk(bytes: Vec<u8>, too_long: &[usize]) -> Chunk {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) if too_long.is_empty() && memchr(0, text.as_bytes()).is_none() => {
            return Chunk { text, masked: Vec::new() };
        }
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let mut chunk = Chunk { text: String::with_capacity(bytes.len()), masked: Vec::new() };
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok(text) if !is_wide(content) => {
                if too_long.contains(&at) {
                    chunk.masked.push((chunk.text.len(), TOO_LONG));
                }
                chunk.text.push_str(text);
            }
            _ => {
                chunk.masked.push((chunk.text.len(), INVALID_UTF8));
                chunk.text.push_str(&marker(&INVALID_UTF8));
                if content.len() < line.len() {
                    chunk.text.push('\n');
                }
            }
        }
        at += line.len();
    }
    chunk
}

/// Whether a line looks like text of two bytes a character: nothing would be found in it.
fn is_wide(line: &[u8]) -> bool {
    let zeros = memchr_iter(0, line).count();
    zeros > 0 && zeros * 4 >= line.len()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Gives what it was given, a piece for each read, and is not ready where there is an empty one.
    struct Pieces(VecDeque<Vec<u8>>);

    impl io::Read for Pieces {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            while self.0.front().is_some_and(Vec::is_empty) {
                self.0.pop_front();
            }
            let Some(mut piece) = self.0.pop_front() else { return Ok(0) };
            let rest = piece.split_off(piece.len().min(into.len()));
            into[..piece.len()].copy_from_slice(&piece);
            if !rest.is_empty() {
                self.0.push_front(rest);
            }
            Ok(piece.len())
        }
    }

    impl Source for Pieces {
        fn ready(&self, _within: Duration) -> bool {
            !self.0.front().is_some_and(Vec::is_empty)
        }
    }

    fn chunks<T: AsRef<[u8]>>(pieces: impl IntoIterator<Item = T>) -> Vec<Chunk> {
        let mut chunks = Chunks::new(Pieces(pieces.into_iter().map(|piece| piece.as_ref().to_vec()).collect()));
        std::iter::from_fn(|| chunks.next().unwrap()).collect()
    }

    fn texts<T: AsRef<[u8]>>(pieces: impl IntoIterator<Item = T>) -> Vec<String> {
        chunks(pieces).into_iter().map(|chunk| chunk.text).collect()
    }

    #[test]
    fn what_is_small_is_one_piece_however_it_comes() {
        assert_eq!(texts(["a\nb", "c", "\nd"]), ["a\nbc\nd"]);
        assert_eq!(texts([""; 0]), [""; 0]);
    }

    #[test]
    fn whole_lines_are_passed_on_when_nothing_comes() {
        assert_eq!(texts(["a\nb", "", "c\n", "", "d"]), ["a\n", "bc\n", "d"]);
    }

    #[test]
    fn what_goes_on_is_waited_for() {
        let block = ["-----BEGIN FAKE KEY-----\n", "", "FAKE\n", "", "-----END FAKE KEY-----\n", "", "x"];
        assert_eq!(texts(block), ["-----BEGIN FAKE KEY-----\nFAKE\n-----END FAKE KEY-----\n", "x"]);
    }

    #[test]
    fn a_long_text_comes_in_pieces_and_loses_nothing() {
        let line = "0123456789 é\n";
        let text = line.repeat(3 * ENOUGH / line.len());
        let pieces = texts(text.as_bytes().chunks(50_000));
        assert!(pieces.len() >= 3);
        assert!(pieces.iter().all(|piece| piece.len() < ENOUGH + READ && piece.ends_with(line)));
        assert!(pieces.concat() == text);
    }

    #[test]
    fn a_line_that_is_no_text_is_a_marker() {
        let [chunk] = chunks([&b"a\n\xff\xfe b\r\nc\0d ok ok\ne\0\0\n\xff"[..]]).try_into().unwrap();
        let marker = "[REDACTED:invalid-utf8]";
        assert_eq!(chunk.text, format!("a\n{marker}\nc\0d ok ok\n{marker}\n{marker}"));
        let lines: Vec<_> = chunk.masked.iter().map(|(at, _)| chunk.text[..*at].matches('\n').count()).collect();
        assert_eq!(lines, [1, 3, 4]);
    }

    #[test]
    fn a_line_that_is_too_long_is_a_marker_and_the_next_one_is_not() {
        let long = "x".repeat(MOST + READ + 7);
        let read = chunks([format!("a\n{long}\nb\n{long}")]);
        let text: String = read.iter().map(|chunk| &*chunk.text).collect();
        assert_eq!(text, "a\n[REDACTED:too-long]\nb\n[REDACTED:too-long]");
        assert_eq!(read.iter().flat_map(|chunk| &chunk.masked).count(), 2);
    }

    #[test]
    fn what_never_ends_is_cut_at_a_line() {
        // Each here-document begins the next one.
        let line = format!("<<A <<B {}\n", "x".repeat(1000));
        let pieces = texts([line.repeat(2 * MOST / line.len())]);
        assert!(pieces.iter().all(|piece| piece.len() <= MOST && piece.ends_with('\n')));
    }
}
