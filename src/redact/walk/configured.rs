//! Resource attributes that somebody configured: `OTEL_RESOURCE_ATTRIBUTES`. The client copies them onto every record.

use std::collections::HashMap;

use opentelemetry_proto::tonic::common::v1::KeyValue;

use crate::redact::levels::table::Rows;

/// The most attributes of a resource that are looked at. A resource with more is none of Claude Code's: no attribute of
/// it or of its records passes.
pub(in crate::redact) const MAX_RESOURCE_ATTRIBUTES: usize = 1024;

/// Those of one resource.
pub(super) enum Configured {
    /// By key; None where a key stands there more than once, and so with any value.
    Known(HashMap<String, Option<KeyValue>>),
    /// More than [`MAX_RESOURCE_ATTRIBUTES`]: anything may be one of them.
    TooMany,
}

/// Whether an attribute is one of them.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum IsConfigured {
    No,
    /// It is one, or the copy of one.
    Yes,
    /// It may be one whose value is not known.
    Perhaps,
}

impl Default for Configured {
    fn default() -> Self {
        Self::Known(HashMap::new())
    }
}

impl Configured {
    /// Those of a resource that are not in its own tables.
    pub(super) fn of(attributes: &[KeyValue], own: &[Rows]) -> Self {
        if attributes.len() > MAX_RESOURCE_ATTRIBUTES {
            return Self::TooMany;
        }
        let mut known = HashMap::new();
        for attribute in attributes {
            if !own.iter().copied().flatten().any(|(key, _)| *key == attribute.key) {
                known
                    .entry(attribute.key.clone())
                    .and_modify(|once| *once = None)
                    .or_insert_with(|| Some(attribute.clone()));
            }
        }
        Self::Known(known)
    }

    /// Whether an attribute is one of them, or its copy.
    pub(super) fn holds(&self, attribute: &KeyValue) -> IsConfigured {
        match self {
            Self::TooMany => IsConfigured::Perhaps,
            Self::Known(known) => match known.get(&attribute.key) {
                Some(Some(once)) if once.value == attribute.value => IsConfigured::Yes,
                Some(None) => IsConfigured::Perhaps,
                Some(Some(_)) | None => IsConfigured::No,
            },
        }
    }
}
