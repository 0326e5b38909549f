//! Text that was unquoted, and where each of its bytes comes from.
//!
//! A secret inside a JSON string inside a shell word is found in the text as it was meant, and masked in the text as
//! it stands: every unquoting keeps, for each byte, the bytes it was written as.

use std::borrow::Cow;
use std::ops::Range;

/// A text, and the place of each of its bytes in the text at the root.
#[derive(Debug)]
pub(super) struct View<'t> {
    text: Cow<'t, str>,
    places: Places,
}

#[derive(Debug)]
enum Places {
    /// Byte for byte, from this offset on.
    Same(usize),
    /// For each byte of the text, where in the root it is written: from, to.
    Each(Vec<(u32, u32)>),
}

impl<'t> View<'t> {
    /// The root itself.
    pub(super) fn whole(text: &'t str) -> Self {
        Self { text: Cow::Borrowed(text), places: Places::Same(0) }
    }

    /// The text to be searched.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where bytes of this text stand in the root.
    ///
    /// What was written as one escape is taken as a whole. An empty range has no place.
    pub(super) fn root(&self, span: Range<usize>) -> Option<Range<usize>> {
        if span.is_empty() || span.end > self.text.len() {
            return None;
        }
        match &self.places {
            Places::Same(offset) => Some(span.start + offset..span.end + offset),
            Places::Each(places) => {
                let from = places.get(span.start)?.0 as usize;
                let to = places.get(span.end - 1)?.1 as usize;
                (from < to).then_some(from..to)
            }
        }
    }

    /// A part of this text as it stands.
    pub(super) fn part(&self, span: Range<usize>) -> Option<View<'_>> {
        let text = Cow::Borrowed(self.text.get(span.clone())?);
        let places = match &self.places {
            Places::Same(offset) => Places::Same(offset + span.start),
            Places::Each(places) => Places::Each(places.get(span)?.to_vec()),
        };
        Some(View { text, places })
    }

    /// What a part of this text means: `unquoted` is the meaning, `written` says for each of its bytes which bytes of
    /// this text it was written as. None if they do not agree.
    pub(super) fn unquoted(&self, unquoted: String, mut written: Vec<(u32, u32)>) -> Option<View<'static>> {
        if unquoted.len() != written.len() {
            return None;
        }
        // In place: there is one for each byte.
        for place in &mut written {
            let root = self.root(place.0 as usize..place.1 as usize)?;
            *place = (u32::try_from(root.start).ok()?, u32::try_from(root.end).ok()?);
        }
        Some(View { text: Cow::Owned(unquoted), places: Places::Each(written) })
    }
}

#[cfg(test)]
mod tests;
