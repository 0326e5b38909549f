//! Where any of some thousand literals stands in a text: the only search that touches every byte.
//!
//! Most texts are clean, so this is what redaction costs. Three bytes of the text at a time are looked up in a table of
//! which three bytes any anchor begins with (32 KiB, in the first-level cache); the anchors themselves are compared only
//! where the table says yes. No state is carried from byte to byte, so the processor works on several at once.

/// 15 bits: five of each byte.
const TABLE: usize = 1 << 15;

/// A literal and what it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor<K> {
    /// ASCII or not; at least three bytes.
    pub literal: &'static str,
    /// Whether capitals count.
    pub exact: bool,
    pub kind: K,
}

/// All anchors, ready to be searched for.
pub(super) struct Anchors<K> {
    /// Not 0 where an anchor begins with three bytes of this hash.
    begins: Box<[u8]>,
    /// For each hash, where its anchors begin in `sorted`.
    first: Box<[u16]>,
    sorted: Vec<(u16, Anchor<K>)>,
}

fn hash(a: u8, b: u8, c: u8) -> usize {
    usize::from(a & 31) << 10 | usize::from(b & 31) << 5 | usize::from(c & 31)
}

impl<K: Copy> Anchors<K> {
    /// Anchors that are too short are left out; so is what stands behind the 65,535th.
    pub(super) fn new(anchors: impl IntoIterator<Item = Anchor<K>>) -> Self {
        let mut sorted: Vec<(u16, Anchor<K>)> = anchors
            .into_iter()
            .filter_map(|anchor| match anchor.literal.as_bytes() {
                [a, b, c, ..] => Some((u16::try_from(hash(*a, *b, *c)).ok()?, anchor)),
                _ => None,
            })
            .take(usize::from(u16::MAX))
            .collect();
        sorted.sort_by_key(|(hash, anchor)| (*hash, std::cmp::Reverse(anchor.literal.len())));
        let mut begins = vec![0_u8; TABLE].into_boxed_slice();
        let mut first = vec![u16::MAX; TABLE].into_boxed_slice();
        for (at, (hash, _)) in sorted.iter().enumerate().rev() {
            if let (Some(begins), Some(first)) = (begins.get_mut(usize::from(*hash)), first.get_mut(usize::from(*hash)))
            {
                *begins = 1;
                *first = u16::try_from(at).unwrap_or(u16::MAX);
            }
        }
        Self { begins, first, sorted }
    }

    /// Calls `found` with every anchor that stands in the text, in the order of where they begin, the longest first.
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(K, usize, usize)) {
        const STEP: usize = 16;
        let Some(begins) = self.begins.first_chunk::<TABLE>() else { return };
        let mut at = 0;
        while let Some(window) = text.get(at..).and_then(|rest| rest.first_chunk::<{ STEP + 2 }>()) {
            let mut any = 0;
            for offset in 0..STEP {
                #[expect(clippy::indexing_slicing, reason = "checked at compile time: arrays of fixed length")]
                let here = begins[hash(window[offset], window[offset + 1], window[offset + 2]) & (TABLE - 1)];
                any |= here;
            }
            if any != 0 {
                for offset in 0..STEP {
                    self.at(text, at + offset, &mut found);
                }
            }
            at += STEP;
        }
        for at in at..text.len() {
            self.at(text, at, &mut found);
        }
    }

    fn at(&self, text: &[u8], at: usize, found: &mut impl FnMut(K, usize, usize)) {
        let Some([a, b, c, ..]) = text.get(at..) else { return };
        let hash = hash(*a, *b, *c);
        let Some(first) = self.first.get(hash).filter(|first| **first != u16::MAX) else { return };
        let rest = text.get(at..).unwrap_or_default();
        for (other, anchor) in self.sorted.get(usize::from(*first)..).unwrap_or_default() {
            if usize::from(*other) != hash {
                break;
            }
            let literal = anchor.literal.as_bytes();
            let here = rest.get(..literal.len()).unwrap_or_default();
            if here == literal || !anchor.exact && here.eq_ignore_ascii_case(literal) {
                found(anchor.kind, at, at + literal.len());
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
            let anchors = Anchors::new(LITERALS.iter().enumerate().map(|(kind, (literal, exact))| Anchor { literal, exact: *exact, kind }));
            let mut found = Vec::new();
            anchors.find(text.as_bytes(), |kind, from, to| found.push((kind, from, to)));
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
    }
}
