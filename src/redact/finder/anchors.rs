//! Where any of some thousand literals stands in a text: the only search that touches every byte.
//!
//! Most texts are clean, so this is what redaction costs. At every second place of the text, three bytes and a part of the
//! fourth are looked up in a table of what any anchor has there (32 KiB, in the first-level cache); the anchors themselves
//! are compared only where the table says yes, eight bytes at once. Since an anchor may begin at an even place or at an odd
//! one, two of its pieces are in the table, each chosen as one that hardly stands in anything else. No state is carried
//! from byte to byte, so the processor works on several at once.

use super::notation::{ends_in_escape, is_word};

/// 15 bits: five of each byte.
const TABLE: usize = 1 << 15;
/// 10 bits: what is known of a piece that begins one byte before its anchor.
const PAIRS: usize = 1 << 10;
/// How many places are looked at before anything is decided: a bit for each.
const PLACES: usize = 64;
/// How many bytes that is.
const STEP: usize = 2 * PLACES;
/// How many are looked at: the last place with the three bytes behind it.
const WINDOW: usize = STEP + 2;
/// How much of an anchor is compared at once, in bytes.
const WORD: usize = 8;
/// How far behind the beginning of an anchor its piece may begin, in bytes.
const MAX_OFFSET: usize = 12;

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

/// A piece of an anchor, ready to be compared.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// The first bytes; letters in lower case where capitals do not count.
    head: u64,
    /// Which bits of the text do not matter there: those by which capitals differ.
    fold: u64,
    /// Which bytes of the text are compared.
    mask: u64,
    /// Which anchor it is of.
    anchor: u16,
    /// How far behind the beginning of the anchor it begins, in bytes, and one more.
    offset: u8,
}

/// All anchors, ready to be searched for.
pub(super) struct Anchors<K> {
    all: Vec<Anchor<K>>,
    /// For three bytes of this hash: by its lower three bits, which byte may stand behind them. 0: no piece begins so.
    begins: Box<[u8]>,
    /// For each hash, where its pieces begin in `pieces`; then for each pair of bytes, those that begin one byte before
    /// them; then where all end.
    starts: Box<[u16]>,
    pieces: Vec<Piece>,
    /// Which four bytes any piece begins with, and which three those that have no more, as bits by their hash.
    fours: Bits,
    threes: Bits,
}

/// A set of hashes of 15 bits.
struct Bits(Box<[u64]>);

impl Bits {
    fn new() -> Self {
        Self(vec![0; TABLE / 64].into_boxed_slice())
    }

    /// Letters in either case, and what differs from others in the same bit, are the same.
    fn hash(bytes: u32) -> usize {
        ((bytes | 0x2020_2020).wrapping_mul(0x9e37_79b1) >> 17) as usize
    }

    fn set(&mut self, bytes: u32) {
        let hash = Self::hash(bytes);
        if let Some(bits) = self.0.get_mut(hash / 64) {
            *bits |= 1 << (hash % 64);
        }
    }

    fn has(&self, bytes: u32) -> bool {
        let hash = Self::hash(bytes);
        self.0.get(hash / 64).is_some_and(|bits| bits >> (hash % 64) & 1 == 1)
    }
}

fn hash(a: u8, b: u8, c: u8) -> usize {
    usize::from(a & 31) << 10 | pair(b, c)
}

fn pair(b: u8, c: u8) -> usize {
    usize::from(b & 31) << 5 | usize::from(c & 31)
}

/// How common a byte is behind another in the texts of programs and about them, from 0 to 3: two bits for each letter, in
/// the row of the letter before it; the first row and the first two bits are for all that is no letter. Counted in some
/// hundred source files and read-me files.
const COMMON: [u64; 27] = [
    0x001a_eff7_ff5f_bfff,
    0x0005_57f2_3b48_52a3,
    0x0008_0850_4204_0806,
    0x0000_0660_c28a_2c4a,
    0x0000_0550_8008_4d0b,
    0x0006_53f5_3a04_6b9b,
    0x0000_0510_9108_5807,
    0x0000_0450_5109_0803,
    0x0000_0610_8008_0c0a,
    0x0011_23d1_fa40_aaea,
    0x0000_0040_0000_0400,
    0x0000_0040_0004_0802,
    0x0008_0640_820c_2e0b,
    0x0000_0942_8508_4c1f,
    0x0004_17c1_9148_db8b,
    0x0000_9ab2_7e44_6293,
    0x0004_0aa2_8204_080a,
    0x0000_0400_0000_0001,
    0x0008_1aa0_e94c_9d4f,
    0x0004_1b92_850a_0c47,
    0x0008_4ab2_c50f_1d4f,
    0x0000_02e1_2a04_5566,
    0x0000_0000_0004_4c09,
    0x0000_4050_5009_040a,
    0x0000_0101_0000_0406,
    0x0000_0151_5100_0003,
    0x0000_0000_0000_0800,
];

impl Piece {
    /// The piece of an anchor that begins so many bytes, less one, behind its beginning.
    fn new(literal: &[u8], exact: bool, anchor: u16, offset: u8) -> Self {
        let (mut head, mut fold, mut mask) = ([0; WORD], [0; WORD], [0; WORD]);
        let slots = head.iter_mut().zip(&mut fold).zip(&mut mask);
        for (at, ((head, fold), mask)) in slots.enumerate() {
            let Some(byte) = (at + usize::from(offset)).checked_sub(1).and_then(|at| literal.get(at)) else { continue };
            let bit = if exact || !byte.is_ascii_alphabetic() { 0 } else { 0x20 };
            (*head, *fold, *mask) = (byte | bit, bit, u8::MAX);
        }
        let word = u64::from_le_bytes;
        Self { head: word(head), fold: word(fold), mask: word(mask), anchor, offset }
    }

    /// Whether it stands where the text goes on with this word.
    fn stands(&self, word: u64) -> bool {
        (word | self.fold) & self.mask == self.head
    }
}

/// Whether what begins here goes on from a word.
fn follows_word(text: &[u8], at: usize) -> bool {
    let head = text.get(..at).unwrap_or_default();
    head.last().is_some_and(|last| is_word(*last)) && !ends_in_escape(head)
}

/// How far behind the beginning of a literal, plus one, the piece begins that is looked for at places of this parity: the
/// one that hardly stands in anything else.
fn offset(literal: &[u8], odd: usize) -> u8 {
    // Three bytes alone are all there is of it.
    if literal.len() < 4 {
        return u8::from(odd == 0);
    }
    let row = |byte: u8| if byte.is_ascii_alphabetic() { usize::from(byte & 31) } else { 0 };
    let common = |pair: &[u8]| match pair {
        [a, b] => COMMON.get(row(*a)).map_or(0, |common| common >> (2 * row(*b)) & 3),
        _ => 0,
    };
    let pieces = (odd..=MAX_OFFSET.min(literal.len() - 3)).step_by(2).filter_map(|at| {
        let piece = literal.get(at..literal.len().min(at + 4))?;
        // What is not there could be anything.
        let missing = 4 * (4 - piece.len()) as u64;
        Some((piece.windows(2).map(common).sum::<u64>() + missing, at))
    });
    let best = pieces.min().map_or(odd, |(_, at)| at);
    u8::try_from(best + 1).unwrap_or(1)
}

impl<K: Copy> Anchors<K> {
    /// Anchors that are too short are left out.
    pub(super) fn new(anchors: impl IntoIterator<Item = Anchor<K>>) -> Self {
        let anchors: Vec<_> = anchors.into_iter().filter(|anchor| anchor.literal.len() > 2).collect();
        let mut begins = vec![0_u8; TABLE].into_boxed_slice();
        let (mut fours, mut threes) = (Bits::new(), Bits::new());
        let mut hashed = Vec::with_capacity(2 * anchors.len());
        for (number, anchor) in (0_u16..).zip(&anchors) {
            let literal = anchor.literal.as_bytes();
            for odd in 0..2 {
                let offset = offset(literal, odd);
                let piece = Piece::new(literal, anchor.exact, number, offset);
                let mut may = |hash: usize, next: Option<&u8>| {
                    if let Some(begins) = begins.get_mut(hash) {
                        *begins |= next.map_or(u8::MAX, |next| 1 << (next & 7));
                    }
                };
                match (offset.checked_sub(1), literal) {
                    (None, [b, c, next, ..]) => {
                        (0..32).for_each(|any| may(hash(any, *b, *c), Some(next)));
                        threes.set(u32::from_le_bytes([0, *b, *c, *next]));
                        hashed.push((TABLE + pair(*b, *c), piece));
                    }
                    (Some(from), _) => {
                        if let Some([a, b, c, rest @ ..]) = literal.get(usize::from(from)..) {
                            match rest.first() {
                                Some(d) => fours.set(u32::from_le_bytes([*a, *b, *c, *d])),
                                None => threes.set(u32::from_le_bytes([*a, *b, *c, 0])),
                            }
                            may(hash(*a, *b, *c), rest.first());
                            hashed.push((hash(*a, *b, *c), piece));
                        }
                    }
                    _ => {}
                }
            }
        }
        hashed.sort_by_key(|(hash, _)| *hash);
        let mut sorted = hashed.iter().peekable();
        let mut passed = 0_u16;
        let starts = (0..=TABLE + PAIRS).map(|hash| {
            while sorted.next_if(|(other, _)| *other < hash).is_some() {
                passed = passed.saturating_add(1);
            }
            passed
        });
        let starts = starts.collect();
        let pieces = hashed.into_iter().map(|(_, piece)| piece).collect();
        Self { all: anchors, begins, starts, pieces, fours, threes }
    }

    /// Every anchor that stands in the text, from where to where, in the order of where they begin, the longest first.
    pub(super) fn find<'a>(&'a self, text: &'a [u8]) -> Hits<'a, K> {
        let begins = self.begins.first_chunk::<TABLE>();
        Hits {
            anchors: self,
            begins,
            text,
            next: 0,
            found: Vec::new(),
            given: 0,
            settled: 0,
            least: 0,
            asked: (0, false),
        }
    }

    /// The pieces of this hash, or of this pair behind the table.
    fn of(&self, hash: usize) -> &[Piece] {
        let range = self.starts.get(hash).copied().zip(self.starts.get(hash + 1).copied());
        range.and_then(|(from, to)| self.pieces.get(usize::from(from)..usize::from(to))).unwrap_or_default()
    }
}

/// At which of the even places of a window a piece may begin.
#[expect(clippy::indexing_slicing, reason = "checked at compile time: arrays of fixed length")]
fn places(begins: &[u8; TABLE], window: &[u8; WINDOW]) -> u64 {
    let (pairs, _) = window.as_chunks::<2>();
    // By itself, so that the processor reckons eight at once.
    let mut hashes = [0_u16; PLACES];
    for at in 0..PLACES {
        let (here, behind) = (u16::from_le_bytes(pairs[at]), u16::from_le_bytes(pairs[at + 1]));
        hashes[at] = (here & 31) << 10 | here >> 3 & 31 << 5 | behind & 31;
    }
    let mut places = 0;
    for at in 0..PLACES {
        let begins = begins[usize::from(hashes[at]) & (TABLE - 1)];
        places |= u64::from(begins >> (window[2 * at + 3] & 7) & 1) << at;
    }
    places
}

/// The same of a text that ends sooner, as if zeros stood behind it.
fn places_at_end(begins: &[u8; TABLE], text: &[u8]) -> u64 {
    let byte = |at: usize| text.get(at).copied().unwrap_or_default();
    (0..text.len().div_ceil(2).min(PLACES)).fold(0, |places, place| {
        let at = 2 * place;
        let begins = begins.get(hash(byte(at), byte(at + 1), byte(at + 2))).copied().unwrap_or_default();
        places | u64::from(begins >> (byte(at + 3) & 7) & 1) << place
    })
}

/// The anchors in a text, one after the other.
pub(super) struct Hits<'a, K> {
    anchors: &'a Anchors<K>,
    begins: Option<&'a [u8; TABLE]>,
    text: &'a [u8],
    /// What has not been looked at begins here: an even place.
    next: usize,
    /// What was found and may still be to be told, in its order, and how many of them were told.
    found: Vec<(K, usize, usize)>,
    given: usize,
    /// What is found from now on begins here or behind it.
    settled: usize,
    /// What begins before this place is left out.
    least: usize,
    /// The place that was last asked whether a word goes on there, and the answer.
    asked: (usize, bool),
}

impl<K: Copy> Iterator for Hits<'_, K> {
    type Item = (K, usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(hit) = self.found.get(self.given)
                && hit.1 < self.settled
            {
                self.given += 1;
                if hit.1 >= self.least {
                    return Some(*hit);
                }
            } else if !self.look() {
                return None;
            }
        }
    }
}

impl<K: Copy> Hits<'_, K> {
    /// Leaves out what begins before this place.
    pub(super) fn go_on(&mut self, at: usize) {
        self.least = self.least.max(at);
        // A piece may begin one byte before its anchor.
        self.next = self.next.max(at.min(self.text.len()).saturating_sub(1) & !1);
    }

    /// Looks at the text up to where something was found, or to its end; whether there was anything left.
    fn look(&mut self) -> bool {
        let Some(begins) = self.begins else { return false };
        self.found.drain(..self.given);
        self.given = 0;
        let before = self.found.len();
        while self.found.len() == before {
            let Some(rest) = self.text.get(self.next..).filter(|rest| rest.len() > 1) else {
                let more = self.settled < usize::MAX;
                self.settled = usize::MAX;
                return more;
            };
            let from = self.next;
            let places = match rest.first_chunk::<WINDOW>() {
                Some(window) => places(begins, window),
                None => places_at_end(begins, rest),
            };
            self.next += STEP;
            self.settled = self.next.saturating_sub(MAX_OFFSET);
            self.compare(from, places);
        }
        self.found.sort_by_key(|(_, from, to)| (*from, std::cmp::Reverse(*to)));
        true
    }

    /// Compares what stands at these of the even places from one on.
    fn compare(&mut self, from: usize, mut places: u64) {
        while places != 0 {
            let at = from + 2 * places.trailing_zeros() as usize;
            places &= places - 1;
            let rest = self.text.get(at..).unwrap_or_default();
            let word = rest.first_chunk::<WORD>().map_or_else(
                || rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
                |word| u64::from_le_bytes(*word),
            );
            let [a, b, c, d, ..] = word.to_le_bytes();
            let anchors = self.anchors;
            let bytes = |bytes: [u8; 4]| u32::from_le_bytes(bytes);
            if anchors.fours.has(bytes([a, b, c, d])) || anchors.threes.has(bytes([a, b, c, 0])) {
                self.stand(at, word, anchors.of(hash(a, b, c)));
            }
            if anchors.threes.has(bytes([0, b, c, d])) {
                self.stand(at, word, anchors.of(TABLE + pair(b, c)));
            }
        }
    }

    /// Keeps the anchors that stand where one of these pieces does.
    fn stand(&mut self, at: usize, word: u64, pieces: &[Piece]) {
        for piece in pieces.iter().filter(|piece| piece.stands(word)) {
            let Some(anchor) = self.anchors.all.get(usize::from(piece.anchor)) else { continue };
            let Some(from) = (at + 1).checked_sub(usize::from(piece.offset)) else { continue };
            let literal = anchor.literal.as_bytes();
            // What a piece does not have of its anchor differs at once, nearly always.
            let begins = self.text.get(from).zip(literal.first()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
            if !begins {
                continue;
            }
            if anchor.apart {
                if self.asked.0 != from {
                    self.asked = (from, follows_word(self.text, from));
                }
                if self.asked.1 {
                    continue;
                }
            }
            let to = from + literal.len();
            let same = |here: &[u8]| if anchor.exact { here == literal } else { here.eq_ignore_ascii_case(literal) };
            if self.text.get(from..to).is_some_and(same) {
                self.found.push((anchor.kind, from, to));
            }
        }
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
                let expected: Vec<_> = all.into_iter().filter(|((), from, _)| *from >= place).collect();
                prop_assert_eq!(hits.collect::<Vec<_>>(), expected);
            }
        }
    }
}
