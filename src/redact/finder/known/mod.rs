//! Known values: the exact values of this machine's own secrets, wherever and however encoded they appear.
//!
//! A search for some thousand texts at once that is linear, is built in a moment, and keeps the values in two places
//! that are wiped: an occurrence of any text begins with its first eight bytes, its *anchor*; of those, one run of four
//! bytes (a *gram*) begins at a multiple of five, so only those are looked up. Only where a gram of an anchor stands are
//! anchors looked for, and only where an anchor stands is the sorted list of texts.

mod bounds;
mod encode;
mod parts;

use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

use self::encode::{Shared, is_base64};
use super::{Finding, RuleId};

pub use self::bounds::{is_fit, is_fit_from_a_checkout};
pub use self::parts::{base64_decoded, header_secrets, of as secrets_in};

/// The rule.
pub(in crate::redact) const RULE: RuleId = RuleId::of("known-value");

/// The most values that are looked for.
pub const MAX_VALUES: usize = 256;

/// The most bytes that they have together, before they are encoded.
pub const MAX_BYTES: usize = 64 << 10;

/// The longest value, in bytes. What is longer is a file, and not written anywhere as a whole.
pub const MAX_VALUE_BYTES: usize = 8 << 10;

/// The length of an anchor, in bytes. No value is shorter.
const ANCHOR: usize = 8;

/// The length of a gram.
const GRAM: usize = 4;

/// How far apart grams are looked up so that none that lies in an anchor is missed.
const STRIDE: usize = ANCHOR - GRAM + 1;

/// The least of a value that is masked where the text has been cut, in bytes.
const MIN_CUT: usize = 12;

/// What Claude Code puts where it cut a text, as such and inside JSON.
const CUTS: [&str; 4] = ["…", "\\u2026", "\n\n[TRUNCATED", "\\n\\n[TRUNCATED"];

/// The values to be looked for, in all encodings.
///
/// They are wiped from memory when it is dropped. What cannot be wiped: what the allocator moved while a text grew, and
/// what stands elsewhere in the process, such as the environment or a buffer of the socket they came over.
#[derive(Default)]
pub struct Known {
    values: Vec<Zeroizing<String>>,
    /// All encodings of all values, one behind the other.
    bytes: Zeroizing<Vec<u8>>,
    /// In the order of their bytes, without doubles.
    patterns: Vec<Pattern>,
    /// The anchor of each, in the same order.
    heads: Zeroizing<Vec<u64>>,
    grams: Filter,
    anchors: Filter,
    left_out: usize,
}

/// One encoding of one value.
struct Pattern {
    /// Where in [`Known::bytes`].
    at: Range<usize>,
    /// The longest other pattern that this one begins with.
    shorter: Option<usize>,
    /// Which of the values.
    value: usize,
    shared: Shared,
}

impl Known {
    /// Takes values as they are found: of each, what is a secret in it and fit to be looked for. What is too much is left
    /// out and counted; the first ones count most.
    pub fn new(values: impl IntoIterator<Item = Zeroizing<String>>) -> Self {
        let mut known = Self::default();
        let mut room = MAX_BYTES;
        for part in values.into_iter().flat_map(|value| parts::of(&value)) {
            if !is_fit(&part) || known.values.contains(&part) {
                continue;
            }
            if known.values.len() == MAX_VALUES || part.len() > room.min(MAX_VALUE_BYTES) {
                known.left_out += 1;
                continue;
            }
            room -= part.len();
            known.values.push(part);
        }
        known.build();
        known
    }

    /// How many values are looked for.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many values there would be more.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    fn build(&mut self) {
        let values = self.values.iter().enumerate();
        let mut written: Vec<_> =
            values.flat_map(|(index, value)| encode::all(value).into_iter().map(move |way| (way, index))).collect();
        written.retain(|(way, _)| way.text.len() >= ANCHOR);
        written.sort_by(|(a, first), (b, second)| a.text.as_bytes().cmp(b.text.as_bytes()).then(first.cmp(second)));
        written.dedup_by(|(a, _), (b, _)| *a.text == *b.text);
        // In one go: what grows leaves copies behind.
        self.bytes.reserve_exact(written.iter().map(|(way, _)| way.text.len()).sum());
        self.heads.reserve_exact(written.len());
        self.grams = Filter::for_entries(written.len() * STRIDE);
        self.anchors = Filter::for_entries(written.len());
        // Those that the one before begins with, the longest last.
        let mut open: Vec<usize> = Vec::new();
        for (index, (way, value)) in written.iter().enumerate() {
            let text = way.text.as_bytes();
            while open.last().is_some_and(|last| !text.starts_with(self.pattern(*last))) {
                open.pop();
            }
            let at = self.bytes.len()..self.bytes.len() + text.len();
            self.bytes.extend_from_slice(text);
            self.patterns.push(Pattern { at, shorter: open.last().copied(), value: *value, shared: way.shared });
            open.push(index);
            if let Some(anchor) = text.first_chunk::<ANCHOR>() {
                self.heads.push(u64::from_be_bytes(*anchor));
                self.anchors.insert(u64::from_be_bytes(*anchor));
                for gram in anchor.windows(GRAM).filter_map(|gram| gram.first_chunk::<GRAM>()) {
                    self.grams.insert(u32::from_le_bytes(*gram).into());
                }
            }
        }
    }

    fn pattern(&self, index: usize) -> &[u8] {
        self.patterns.get(index).and_then(|pattern| self.bytes.get(pattern.at.clone())).unwrap_or_default()
    }

    /// Adds where values stand in a text, in their order, without overlaps.
    ///
    /// What overlaps is one finding: else the rest of the second value would stand there.
    pub fn find(&self, text: &str, out: &mut Vec<Finding>) {
        if self.is_empty() {
            return;
        }
        let mut last: Option<Range<usize>> = None;
        self.occurrences(text, |occurrence| {
            match &mut last {
                Some(last) if occurrence.span.start < last.end => last.end = last.end.max(occurrence.span.end),
                _ => out.extend(last.replace(occurrence.span).map(finding)),
            }
            true
        });
        out.extend(last.map(finding));
    }

    /// The value that stands in what was masked, however it is written there.
    pub(in crate::redact) fn value_in(&self, masked: &str) -> Option<&str> {
        let mut value = None;
        self.occurrences(masked, |occurrence| {
            value = self.values.get(occurrence.value);
            false
        });
        value.map(|value| value.as_str())
    }

    /// Calls for each occurrence, by where it begins, as long as it is told to go on.
    fn occurrences(&self, text: &str, mut tell: impl FnMut(Occurrence) -> bool) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(gram) = bytes.get(at..).and_then(<[u8]>::first_chunk::<GRAM>) {
            if self.grams.may_contain(u32::from_le_bytes(*gram).into()) {
                for start in at.saturating_sub(STRIDE - 1)..=at {
                    let Some(anchor) = bytes.get(start..).and_then(<[u8]>::first_chunk::<ANCHOR>) else { break };
                    let anchor = u64::from_be_bytes(*anchor);
                    if self.anchors.may_contain(anchor)
                        && let Some(occurrence) = self.occurrence(text, start, anchor)
                        && !tell(occurrence)
                    {
                        return;
                    }
                }
            }
            at += STRIDE;
        }
    }

    /// The longest pattern that stands here, behind this anchor.
    fn occurrence(&self, text: &str, start: usize, anchor: u64) -> Option<Occurrence> {
        let rest = text.as_bytes().get(start..)?;
        // Big-endian numbers have the order of their bytes.
        let first = self.heads.partition_point(|head| *head < anchor);
        let alike = self.heads.get(first..)?.partition_point(|head| *head == anchor);
        let alike = self.patterns.get(first..first + alike).filter(|alike| !alike.is_empty())?;
        let behind = alike.partition_point(|p| self.bytes.get(p.at.clone()).unwrap_or_default() <= rest);
        let behind = first + behind;
        // Whatever the rest begins with is the one before, or something that that one begins with.
        let before = behind.checked_sub(1);
        let common = before.map_or(0, |before| common(self.pattern(before), rest));
        let mut whole = before;
        while let Some(index) = whole
            && self.pattern(index).len() > common
        {
            whole = self.patterns.get(index)?.shorter;
        }
        let length = whole.map_or(0, |index| self.pattern(index).len());
        // A value of which only the beginning is left is a neighbour too.
        let after = common_with(self.patterns.get(behind).map(|_| self.pattern(behind)), rest);
        let (cut, of) = if after > common { (after, Some(behind)) } else { (common, before) };
        let is_cut = cut > length && cut >= MIN_CUT && text.get(start + cut..).is_some_and(ends_here);
        let index = if is_cut { of } else { whole }?;
        let pattern = self.patterns.get(index)?;
        let mut span = start..start + if is_cut { cut } else { length };
        let beside = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(|byte| is_base64(*byte));
        if pattern.shared.before && beside(span.start.checked_sub(1)) {
            span.start -= 1;
        }
        if pattern.shared.after && !is_cut && beside(Some(span.end)) {
            span.end += 1;
        }
        text.get(span.clone()).map(|_| Occurrence { span, value: pattern.value })
    }
}

/// It tells how many there are, and nothing of them.
impl fmt::Debug for Known {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Known({} values)", self.values.len())
    }
}

/// A value, written in some way, in a text.
struct Occurrence {
    span: Range<usize>,
    value: usize,
}

fn finding(span: Range<usize>) -> Finding {
    Finding { span, rule: RULE, guessable: false }
}

/// Whether a text ends here, or has been cut here.
fn ends_here(rest: &str) -> bool {
    rest.is_empty() || CUTS.iter().any(|cut| rest.starts_with(cut))
}

/// How many bytes two texts have in common at their beginning.
fn common(a: &[u8], b: &[u8]) -> usize {
    const STEP: usize = 32;
    let steps = a.chunks_exact(STEP).zip(b.chunks_exact(STEP)).take_while(|(a, b)| a == b).count() * STEP;
    let (a, b) = (a.get(steps..).unwrap_or_default(), b.get(steps..).unwrap_or_default());
    steps + a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn common_with(pattern: Option<&[u8]>, rest: &[u8]) -> usize {
    pattern.map_or(0, |pattern| common(pattern, rest))
}

/// A set of numbers that may say yes where it should say no, and never no where it should say yes.
#[derive(Default)]
struct Filter {
    /// A power of two of them.
    words: Zeroizing<Vec<u64>>,
    shift: u32,
}

impl Filter {
    /// Sparse for so many entries, and small enough to stay near the processor.
    fn for_entries(entries: usize) -> Self {
        let bits = (entries * 32).next_power_of_two().clamp(1 << 13, 1 << 18);
        Self { words: Zeroizing::new(vec![0; bits / 64]), shift: 64 - bits.trailing_zeros() }
    }

    /// Which word, and which bit of it: the highest bits of a multiplication (Knuth, TAOCP 3, 6.4).
    fn place(&self, number: u64) -> (usize, u64) {
        let bit = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift;
        (usize::try_from(bit / 64).unwrap_or_default(), 1 << (bit % 64))
    }

    fn insert(&mut self, number: u64) {
        let (word, bit) = self.place(number);
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    fn may_contain(&self, number: u64) -> bool {
        let (word, bit) = self.place(number);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }
}

#[cfg(test)]
mod tests;
