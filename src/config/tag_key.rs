//! The key under which the same secret gets the same tag.

use crate::redact::TagKey;

/// The key of this machine.
pub fn machine_key() -> TagKey {
    TagKey::new(&[0; 32])
}
