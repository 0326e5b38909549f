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
/// How many places are looked at before anything is decided: a bit for each.
const PLACES: usize = 64;
/// How many bytes that is.
const STEP: usize = 2 * PLACES;
/// How many are looked at: the last place with the three bytes behind it.
const WINDOW: usize = STEP + 2;
/// How many bytes of a text are looked at together where less is left.
const STEP_AT_END: usize = 32;
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

/// A piece of an anchor, ready to be compared, with the byte before it.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// The bytes from one before it on; letters in lower case where capitals do not count.
    head: u64,
    /// Which bits of the text do not matter there: those by which capitals differ.
    fold: u64,
    /// Which bytes of the text are compared.
    mask: u64,
    /// Which anchor it is of.
    anchor: u16,
    /// How far behind the beginning of the anchor it begins, in bytes, and one more.
    offset: u8,
    /// The first byte of the anchor, in lower case.
    first: u8,
}

/// All anchors, ready to be searched for.
pub(super) struct Anchors<K> {
    all: Vec<Anchor<K>>,
    /// For three bytes of this hash: by its lower three bits, which byte may stand behind them. 0: no piece begins so.
    begins: Box<[u8]>,
    /// Which bytes stand where a piece does, as bits by their hash.
    known: Box<[u64]>,
    /// For each list of hashes, where its pieces begin in `pieces`; then where all end.
    starts: Box<[u16]>,
    pieces: Vec<Piece>,
}

/// Which bytes are looked at together, of the eight from one before a place on: as many as a piece there may have of its
/// anchor, together with the byte before it, without it, and without the first of the piece.
const LOOKS: [u64; 5] = [0xffff_ffff_ffff, 0xffff_ffff, 0xffff_ffff_ff00, 0xffff_ff00, 0xff_ffff_0000];
/// How many bits their hash has: one for each is kept by itself, so that most is decided by what fits into a cache.
const HASH: u32 = 18;
/// How many of these name the list that a piece is in.
const LIST: u32 = 13;

/// The hash of these bytes. Letters in either case, and what differs from others in the same bit, are the same.
fn look_at(word: u64, look: u64) -> usize {
    (((word | 0x2020_2020_2020_2020) & look).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - HASH)) as usize
}

fn hash(a: u8, b: u8, c: u8) -> usize {
    usize::from(a & 31) << 10 | pair(b, c)
}

fn pair(b: u8, c: u8) -> usize {
    usize::from(b & 31) << 5 | usize::from(c & 31)
}

/// Texts of programs and about them, where it is counted what is common.
const SAMPLES: [&str; 2] = [include_str!("../../../README.md"), include_str!("mod.rs")];

/// The table that says where a piece may begin, while it is filled: three bytes by their hash, and three bits of a fourth.
struct Filling {
    begins: Box<[u8]>,
    /// How often what is there stands in other texts.
    counts: Box<[u8]>,
}

impl Filling {
    fn new() -> Self {
        let mut counts = vec![0_u8; 8 * TABLE].into_boxed_slice();
        for places in SAMPLES.iter().flat_map(|sample| sample.as_bytes().windows(4)) {
            if let [a, b, c, d] = places
                && let Some(count) = counts.get_mut(hash(*a, *b, *c) << 3 | usize::from(d & 7))
            {
                *count = count.saturating_add(1);
            }
        }
        Self { begins: vec![0; TABLE].into_boxed_slice(), counts }
    }

    /// Where a piece of this literal is in the table that begins so many bytes, less one, behind its beginning.
    fn slots(literal: &[u8], offset: usize) -> impl Iterator<Item = usize> {
        let byte = |at: usize| (at + offset).checked_sub(1).and_then(|at| literal.get(at)).copied();
        let [a, b, c, d] = [byte(0), byte(1), byte(2), byte(3)];
        let pair = pair(b.unwrap_or_default(), c.unwrap_or_default()) << 3;
        // What is not of the literal could be anything.
        let any = |byte: Option<u8>, values: u8| {
            byte.map_or(0..values, |byte| byte & (values - 1)..(byte & (values - 1)) + 1)
        };
        any(a, 32).flat_map(move |a| any(d, 8).map(move |d| usize::from(a) << 13 | pair | usize::from(d)))
    }

    fn is_set(&self, slot: usize) -> bool {
        self.begins.get(slot >> 3).is_some_and(|begins| begins >> (slot & 7) & 1 == 1)
    }

    /// Adds the piece for places of this parity, the one that hardly stands in anything else, and says where it begins.
    fn add(&mut self, literal: &[u8], odd: usize) -> u8 {
        let offsets = (0..=MAX_OFFSET.min(literal.len() - 3) + 1).filter(|offset| offset % 2 != odd);
        let cost = |slot: usize| {
            let count = u32::from(self.counts.get(slot).copied().unwrap_or_default());
            // Where other pieces begin it is looked at anyway, but has to be told from them.
            if self.is_set(slot) { 2 * count } else { 16 * count + 1 }
        };
        let cost = |offset: &usize| Self::slots(literal, *offset).map(cost).sum::<u32>();
        let best = offsets.min_by_key(cost).unwrap_or(odd + 1);
        for slot in Self::slots(literal, best) {
            if let Some(begins) = self.begins.get_mut(slot >> 3) {
                *begins |= 1 << (slot & 7);
            }
        }
        u8::try_from(best).unwrap_or_default()
    }
}

impl Piece {
    /// The piece of an anchor that begins so many bytes, less one, behind its beginning.
    fn new(literal: &[u8], exact: bool, anchor: u16, offset: u8) -> Self {
        let (mut head, mut fold, mut mask) = ([0; WORD], [0; WORD], [0; WORD]);
        let slots = head.iter_mut().zip(&mut fold).zip(&mut mask);
        for (at, ((head, fold), mask)) in slots.enumerate() {
            let Some(byte) = (at + usize::from(offset)).checked_sub(2).and_then(|at| literal.get(at)) else { continue };
            let bit = if exact || !byte.is_ascii_alphabetic() { 0 } else { 0x20 };
            (*head, *fold, *mask) = (byte | bit, bit, u8::MAX);
        }
        let word = u64::from_le_bytes;
        Self {
            head: word(head),
            fold: word(fold),
            mask: word(mask),
            anchor,
            offset,
            first: literal.first().map_or(0, u8::to_ascii_lowercase),
        }
    }

    /// Which of its bytes, and of the one before it, are looked at together.
    fn look(self) -> u64 {
        let fits = |look: &&u64| **look & !self.mask == 0;
        let [six, four, five, three, behind] = &LOOKS;
        [six, five, four, three].into_iter().find(fits).copied().unwrap_or(*behind)
    }

    /// Whether it stands where these bytes of the text begin one before it.
    fn stands(&self, word: u64) -> bool {
        (word | self.fold) & self.mask == self.head
    }
}

/// Whether what begins here goes on from a word.
fn follows_word(text: &[u8], at: usize) -> bool {
    let head = text.get(..at).unwrap_or_default();
    head.last().is_some_and(|last| is_word(*last)) && !ends_in_escape(head)
}

impl<K: Copy> Anchors<K> {
    /// Anchors that are too short are left out.
    pub(super) fn new(anchors: impl IntoIterator<Item = Anchor<K>>) -> Self {
        let anchors: Vec<_> = anchors.into_iter().filter(|anchor| anchor.literal.len() > 2).collect();
        let mut filling = Filling::new();
        let mut known = vec![0_u64; 1 << HASH >> 6].into_boxed_slice();
        let mut hashed = Vec::with_capacity(2 * anchors.len());
        // First those that leave no choice.
        let mut order: Vec<_> = (0_u16..).zip(&anchors).collect();
        order.sort_by_key(|(_, anchor)| anchor.literal.len());
        for (number, anchor) in order {
            let literal = anchor.literal.as_bytes();
            for odd in 0..2 {
                let offset = filling.add(literal, odd);
                let piece = Piece::new(literal, anchor.exact, number, offset);
                let hash = look_at(piece.head, piece.look());
                if let Some(known) = known.get_mut(hash / 64) {
                    *known |= 1 << (hash % 64);
                }
                hashed.push((hash >> (HASH - LIST), piece));
            }
        }
        hashed.sort_by_key(|(list, _)| *list);
        let mut sorted = hashed.iter().peekable();
        let mut passed = 0_u16;
        let starts = (0..=1 << LIST).map(|list| {
            while sorted.next_if(|(other, _)| *other < list).is_some() {
                passed = passed.saturating_add(1);
            }
            passed
        });
        let starts = starts.collect();
        let pieces = hashed.into_iter().map(|(_, piece)| piece).collect();
        Self { all: anchors, begins: filling.begins, known, starts, pieces }
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

    /// Whether a piece may stand where these bytes begin one before it. Decided for all looks at once, since nearly always
    /// there is none.
    fn may_stand(&self, word: u64) -> bool {
        LOOKS.iter().fold(0, |any, look| any | self.knows(look_at(word, *look))) & 1 != 0
    }

    /// Whether any piece has this hash, in the last bit.
    fn knows(&self, hash: usize) -> u64 {
        self.known.get(hash / 64).map_or(0, |known| known >> (hash % 64))
    }

    fn list(&self, list: usize) -> &[Piece] {
        let range = self.starts.get(list).copied().zip(self.starts.get(list + 1).copied());
        range.and_then(|(from, to)| self.pieces.get(usize::from(from)..usize::from(to))).unwrap_or_default()
    }
}

/// For each byte, the bit that stands for it in `Anchors::begins`.
#[expect(clippy::indexing_slicing, reason = "checked at compile time: an array of fixed length")]
const NEXT: [u8; 256] = {
    let mut bits = [0; 256];
    let mut byte = 0;
    while byte < bits.len() {
        bits[byte] = 1 << (byte & 7);
        byte += 1;
    }
    bits
};

/// At which of the even places of a window a piece may begin: a bit for each. The window is longer by two bytes.
#[expect(clippy::indexing_slicing, reason = "checked at compile time: arrays of fixed length")]
fn places<const PLACES: usize, const WINDOW: usize>(begins: &[u8; TABLE], window: &[u8; WINDOW]) -> u64 {
    const { assert!(WINDOW == 2 * PLACES + 2 && PLACES.is_multiple_of(8) && PLACES <= 64) };
    let (pairs, _) = window.as_chunks::<2>();
    // By itself, so that the processor reckons eight at once.
    let mut hashes = [0_u16; PLACES];
    for at in 0..PLACES {
        let (here, behind) = (u16::from_le_bytes(pairs[at]), u16::from_le_bytes(pairs[at + 1]));
        hashes[at] = (here & 31) << 10 | here >> 3 & 31 << 5 | behind & 31;
    }
    let mut may = [0_u8; PLACES];
    for at in 0..PLACES {
        may[at] = begins[usize::from(hashes[at]) & (TABLE - 1)] & NEXT[usize::from(window[2 * at + 3])];
    }
    for may in &mut may {
        *may = u8::from(*may != 0);
    }
    // The product has the last bits of its eight bytes side by side in its first byte.
    let (eights, _) = may.as_chunks::<8>();
    let bits = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    eights.iter().rev().fold(0, |places, eight| places << 8 | bits(eight))
}

/// The same of the first 16 places of a text that ends soon, as if zeros stood behind it.
fn places_at_end(begins: &[u8; TABLE], text: &[u8]) -> u64 {
    let mut window = [0; STEP_AT_END + 2];
    window.iter_mut().zip(text).for_each(|(slot, byte)| *slot = *byte);
    places::<{ STEP_AT_END / 2 }, _>(begins, &window)
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
                Some(window) => places::<PLACES, WINDOW>(begins, window),
                None => places_at_end(begins, rest),
            };
            self.next += if rest.len() < WINDOW { STEP_AT_END } else { STEP };
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
            let word = self.word(at);
            if self.anchors.may_stand(word) {
                self.stand(at, word);
            }
        }
    }

    /// The eight bytes from one before this place on; zeros where the text is not.
    fn word(&self, at: usize) -> u64 {
        let before = at.checked_sub(1).and_then(|from| self.text.get(from..));
        if let Some(word) = before.and_then(|rest| rest.first_chunk()) {
            return u64::from_le_bytes(*word);
        }
        let rest = self.text.get(at..).unwrap_or_default().iter().take(WORD - 1);
        let before = before.and_then(|rest| rest.first()).copied().unwrap_or_default();
        rest.rev().fold(0, |word, byte| word << 8 | u64::from(*byte)) << 8 | u64::from(before)
    }

    /// Keeps the anchors of which a piece stands at this place.
    fn stand(&mut self, at: usize, word: u64) {
        let anchors = self.anchors;
        let hashes = LOOKS.map(|look| look_at(word, look));
        let hashes = hashes.iter().filter(|hash| anchors.knows(**hash) & 1 == 1);
        for piece in hashes.flat_map(|hash| anchors.list(*hash >> (HASH - LIST))).filter(|piece| piece.stands(word)) {
            let Some(from) = (at + 1).checked_sub(usize::from(piece.offset)) else { continue };
            // What a piece does not have of its anchor differs at once, nearly always.
            if self.text.get(from).is_none_or(|first| first.to_ascii_lowercase() != piece.first) {
                continue;
            }
            let Some(anchor) = self.anchors.all.get(usize::from(piece.anchor)) else { continue };
            let literal = anchor.literal.as_bytes();
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
