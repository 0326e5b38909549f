//! New ids for old ones, of the same length, so that bytes with lengths in them stay valid.

use std::collections::HashMap;

use uuid::Uuid;

const LENGTH: usize = 36;

/// Which id became which; the same one becomes the same everywhere.
#[derive(Default)]
pub(crate) struct Fresh(HashMap<Vec<u8>, String>);

impl Fresh {
    /// Replaces every random UUID in `bytes`.
    pub(crate) fn swap(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while let Some(candidate) = bytes.get_mut(at..at + LENGTH) {
            if is_random_uuid(candidate) {
                let new = self.0.entry(candidate.to_vec()).or_insert_with(|| Uuid::new_v4().to_string());
                candidate.copy_from_slice(new.as_bytes());
                at += LENGTH;
            } else {
                at += 1;
            }
        }
    }
}

fn is_random_uuid(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        14 => *byte == b'4',
        19 => b"89ab".contains(byte),
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    })
}
