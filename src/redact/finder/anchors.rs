//! Where any of some thousand literals stands in a text: the only search that touches every byte.
//!
//! Most texts are clean, so this is what redaction costs. Three bytes of the text at a time are looked up in a table of
//! which three bytes any anchor begins with, and what may follow them (32 KiB, in the first-level cache); the anchors
//! themselves are compared only where the table says yes, eight bytes at once. No state is carried from byte to byte, so
//! the processor works on several at once.

use super::notation::{ends_in_escape, is_word};

/// 15 bits: five of each byte.
const TABLE: usize = 1 << 15;
/// How many places are looked at before anything is decided: a bit for each.
const STEP: usize = 64;
/// How much of an anchor is compared at once, in bytes.
const WORD: usize = 8;

/// A literal and what it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor<K> {
    /// ASCII or not; at least three bytes.
    pub literal: &'static str,
    /// Whether capitals count.
    pub exact: bool,
    /// Whether it begins a word: nowhere behind a letter, a digit or an underscore, unless that is one of an escape.
    pub apart: bool,
    pub kind: K,
}

/// An anchor, ready to be compared.
#[derive(Clone, Copy, Debug)]
struct Ready<K> {
    /// Its first bytes; letters in lower case where capitals do not count.
    head: u64,
    /// Which bits of the text do not matter there: those by which capitals differ.
    fold: u64,
    /// Which bytes of the text are compared: less than eight for a short anchor.
    mask: u64,
    /// What is behind the first bytes.
    rest: &'static [u8],
    length: usize,
    exact: bool,
    apart: bool,
    kind: K,
}

/// All anchors, ready to be searched for.
pub(super) struct Anchors<K> {
    /// For three bytes of this hash: by its lower three bits, which byte may stand behind them. 0: no anchor begins so.
    begins: Box<[u8]>,
    /// For each hash, where its anchors begin in `sorted`, and for one more.
    starts: Box<[u16]>,
    sorted: Vec<Ready<K>>,
}

fn hash(a: u8, b: u8, c: u8) -> usize {
    usize::from(a & 31) << 10 | usize::from(b & 31) << 5 | usize::from(c & 31)
}

/// Whether what begins here goes on from a word.
fn follows_word(text: &[u8], at: usize) -> bool {
    let head = text.get(..at).unwrap_or_default();
    head.last().is_some_and(|last| is_word(*last)) && !ends_in_escape(head)
}

impl<K: Copy> Ready<K> {
    fn new(anchor: Anchor<K>) -> Self {
        let bytes = anchor.literal.as_bytes();
        let (mut head, mut fold, mut mask) = ([0; WORD], [0; WORD], [0; WORD]);
        for (at, byte) in bytes.iter().enumerate().take(WORD) {
            let bit = if anchor.exact || !byte.is_ascii_alphabetic() { 0 } else { 0x20 };
            for (slot, value) in [(&mut head, byte | bit), (&mut fold, bit), (&mut mask, u8::MAX)] {
                if let Some(slot) = slot.get_mut(at) {
                    *slot = value;
                }
            }
        }
        Self {
            head: u64::from_le_bytes(head),
            fold: u64::from_le_bytes(fold),
            mask: u64::from_le_bytes(mask),
            rest: bytes.get(WORD..).unwrap_or_default(),
            length: bytes.len(),
            exact: anchor.exact,
            apart: anchor.apart,
            kind: anchor.kind,
        }
    }

    /// Whether it stands where the text goes on with this word, and with this behind the word.
    fn stands(&self, word: u64, text: &[u8], at: usize) -> bool {
        (word | self.fold) & self.mask == self.head
            && !(self.apart && follows_word(text, at))
            && text.get(at..at + self.length).is_some_and(|here| {
                let here = here.get(WORD..).unwrap_or_default();
                self.rest.is_empty()
                    || if self.exact { here == self.rest } else { here.eq_ignore_ascii_case(self.rest) }
            })
    }
}

impl<K: Copy> Anchors<K> {
    /// Anchors that are too short are left out; so is what stands behind the 65,535th.
    pub(super) fn new(anchors: impl IntoIterator<Item = Anchor<K>>) -> Self {
        let mut hashed: Vec<(usize, Anchor<K>)> = anchors
            .into_iter()
            .filter_map(|anchor| match anchor.literal.as_bytes() {
                [a, b, c, ..] => Some((hash(*a, *b, *c), anchor)),
                _ => None,
            })
            .take(usize::from(u16::MAX))
            .collect();
        hashed.sort_by_key(|(hash, anchor)| (*hash, std::cmp::Reverse(anchor.literal.len())));
        let mut begins = vec![0_u8; TABLE].into_boxed_slice();
        for (hash, anchor) in &hashed {
            if let Some(begins) = begins.get_mut(*hash) {
                *begins |= anchor.literal.as_bytes().get(3).map_or(u8::MAX, |next| 1 << (next & 7));
            }
        }
        let mut sorted = hashed.iter().peekable();
        let mut passed = 0_u16;
        let starts = (0..=TABLE).map(|hash| {
            while sorted.next_if(|(other, _)| *other < hash).is_some() {
                passed += 1;
            }
            passed
        });
        let starts = starts.collect();
        Self { begins, starts, sorted: hashed.into_iter().map(|(_, anchor)| Ready::new(anchor)).collect() }
    }

    /// Every anchor that stands in the text, from where to where, in the order of where they begin, the longest first.
    pub(super) fn find<'a>(&'a self, text: &'a [u8]) -> Hits<'a, K> {
        let begins = self.begins.first_chunk::<TABLE>();
        let here = [].iter();
        Hits { anchors: self, begins, text, next: 0, block: 0, places: 0, at: 0, word: 0, here }
    }

    /// The anchors that begin with three bytes of this hash.
    fn of(&self, hash: usize) -> std::slice::Iter<'_, Ready<K>> {
        let range = self.starts.get(hash).copied().zip(self.starts.get(hash + 1).copied());
        let range = range.and_then(|(from, to)| self.sorted.get(usize::from(from)..usize::from(to)));
        range.unwrap_or_default().iter()
    }
}

/// At which of the places of a block an anchor may begin.
#[expect(clippy::indexing_slicing, reason = "checked at compile time: arrays of fixed length")]
fn places(begins: &[u8; TABLE], window: &[u8; STEP + 3]) -> u64 {
    // By itself, so that the processor reckons eight at once.
    let mut hashes = [0_u16; STEP];
    for at in 0..STEP {
        let five = |byte: u8| u16::from(byte & 31);
        hashes[at] = five(window[at]) << 10 | five(window[at + 1]) << 5 | five(window[at + 2]);
    }
    let mut places = 0;
    for at in 0..STEP {
        let begins = begins[usize::from(hashes[at]) & (TABLE - 1)];
        places |= u64::from(begins >> (window[at + 3] & 7) & 1) << at;
    }
    places
}

/// The anchors in a text, one after the other.
pub(super) struct Hits<'a, K> {
    anchors: &'a Anchors<K>,
    begins: Option<&'a [u8; TABLE]>,
    text: &'a [u8],
    /// What has not been looked at begins here.
    next: usize,
    /// Where the block begins that was looked at last, and at which of its places an anchor may begin, as bits.
    block: usize,
    places: u64,
    /// The place that is being compared, the word there, and the anchors it is still to be compared with.
    at: usize,
    word: u64,
    here: std::slice::Iter<'a, Ready<K>>,
}

impl<K: Copy> Iterator for Hits<'_, K> {
    type Item = (K, usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            for anchor in self.here.by_ref() {
                if anchor.stands(self.word, self.text, self.at) {
                    return Some((anchor.kind, self.at, self.at + anchor.length));
                }
            }
            if self.places == 0 && !self.block() {
                return None;
            }
            self.at = self.block + self.places.trailing_zeros() as usize;
            self.places &= self.places - 1;
            self.compare();
        }
    }
}

impl<K: Copy> Hits<'_, K> {
    /// Leaves out what begins before this place.
    pub(super) fn go_on(&mut self, at: usize) {
        if at > self.at {
            self.here = [].iter();
        }
        match at.checked_sub(self.block) {
            Some(passed @ 0..STEP) => self.places &= u64::MAX << passed,
            Some(_) => self.places = 0,
            None => {}
        }
        self.next = self.next.max(at.min(self.text.len()));
    }

    /// Goes on to the next block in which an anchor may begin; whether there is one.
    fn block(&mut self) -> bool {
        let Some(begins) = self.begins else { return false };
        while let Some(window) = self.text.get(self.next..).and_then(|rest| rest.first_chunk::<{ STEP + 3 }>()) {
            self.block = self.next;
            self.places = places(begins, window);
            self.next += STEP;
            if self.places != 0 {
                return true;
            }
        }
        // The end, as if a zero stood behind it: three bytes are an anchor whatever follows them.
        let rest = self.text.get(self.next..).unwrap_or_default();
        let behind = rest.iter().skip(3).chain([&0]);
        let may = |(three, next): (&[u8], &u8)| match three {
            [a, b, c] => begins.get(hash(*a, *b, *c)).map_or(0, |begins| u64::from(begins >> (next & 7) & 1)),
            _ => 0,
        };
        let places = rest.windows(3).zip(behind).enumerate();
        self.places = places.fold(0, |places, (at, here)| places | may(here) << at);
        self.block = self.next;
        self.next = self.text.len();
        self.places != 0
    }

    /// Looks up with what the place is to be compared.
    fn compare(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let [a, b, c, ..] = rest else { return };
        self.here = self.anchors.of(hash(*a, *b, *c));
        self.word = rest.first_chunk::<WORD>().map_or_else(
            || rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
            |word| u64::from_le_bytes(*word),
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Anchor, Anchors};

    const LITERALS: [(&str, bool); 7] = [
        ("abc", true),
        ("abcd", true),
        ("bcd", false),
        ("KEY", false),
        ("://", true),
        ("ghp_", true),
        ("passé", false),
    ];

    proptest! {
        #[test]
        fn every_anchor_is_found_wherever_it_stands(text in "([a-eKkEeYy:/ghp_ é]|abcd|KEY|ghp_){0,80}") {
            let anchors = Anchors::new(LITERALS.iter().enumerate().map(|(kind, (literal, exact))| Anchor { literal, exact: *exact, apart: false, kind }));
            let mut found: Vec<_> = anchors.find(text.as_bytes()).collect();
            prop_assert!(found.is_sorted_by_key(|(_, from, to)| (*from, std::cmp::Reverse(*to))));
            found.sort_unstable();
            let mut expected = Vec::new();
            for (kind, (literal, exact)) in LITERALS.iter().enumerate() {
                for from in 0..text.len() {
                    let here = text.as_bytes().get(from..from + literal.len()).unwrap_or_default();
                    if if *exact { here == literal.as_bytes() } else { here.eq_ignore_ascii_case(literal.as_bytes()) } {
                        expected.push((kind, from, from + literal.len()));
                    }
                }
            }
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn what_begins_before_a_place_is_left_out(text in "([a-eKkEeYy:/ghp_ é]|abcd|KEY|ghp_){0,80}", far in 0..200_usize) {
            let anchors = Anchors::new(LITERALS.map(|(literal, exact)| Anchor { literal, exact, apart: false, kind: () }));
            let all: Vec<_> = anchors.find(text.as_bytes()).collect();
            let mut hits = anchors.find(text.as_bytes());
            if let Some(first) = hits.next() {
                let place = first.1 + 1 + far;
                hits.go_on(place);
                let expected: Vec<_> = all.into_iter().filter(|(_, from, _)| *from >= place).collect();
                prop_assert_eq!(hits.collect::<Vec<_>>(), expected);
            }
        }
    }
}
