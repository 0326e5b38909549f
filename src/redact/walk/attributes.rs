//! Attributes and their values: level, then `[drop]`, then identity, then secrets.

use std::borrow::Cow;
use std::collections::HashSet;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

use super::configured::IsConfigured;
use super::{MAX_DEPTH, Origin, RESOURCE, SCOPE, Walk};
use crate::redact::identity::Treatment;
use crate::redact::levels::table::{self, Rows};
use crate::redact::levels::{Given, Placement};
use crate::redact::marker::is_pseudonym;

/// More attributes than any record of the client has.
const MANY: usize = 128;

/// What is to be done with a value that is given.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Search {
    /// It looks like something that is no secret.
    Not,
    /// It is text.
    Text,
}

impl Walk<'_> {
    /// Keeps the attributes that the level gives, the first of each key, without their secrets.
    pub(super) fn attributes(&mut self, from: Vec<KeyValue>, lists: &[Rows]) -> Vec<KeyValue> {
        let mut kept: Vec<KeyValue> = Vec::with_capacity(from.len());
        // Looking through a short list is faster; a long one is nothing that the client sends.
        let mut keys: Option<HashSet<String>> = (from.len() > MANY).then(HashSet::new);
        for attribute in from {
            let is_there = match &mut keys {
                Some(keys) => keys.contains(&attribute.key),
                None => kept.iter().any(|other| other.key == attribute.key),
            };
            if is_there {
                self.withheld.attributes += 1;
            } else if let Some(attribute) = self.attribute(attribute, lists) {
                if let Some(keys) = &mut keys {
                    keys.insert(attribute.key.clone());
                }
                kept.push(attribute);
            }
        }
        kept
    }

    fn attribute(&mut self, attribute: KeyValue, lists: &[Rows]) -> Option<KeyValue> {
        let configured = self.configured.holds(&attribute);
        let KeyValue { key, value, .. } = attribute;
        let Some(value) = value.and_then(|any| any.value).filter(|_| configured != IsConfigured::Perhaps) else {
            self.withheld.attributes += 1;
            return None;
        };
        let row = self.row(&key, lists);
        let (placement, search) = match (configured, row) {
            (IsConfigured::No, Some((_, given))) => placement(*given, &key, &value),
            // A name of the resource's on a record: the copy of one that the resource itself did not take.
            (IsConfigured::No, None) if table::RESOURCE.iter().any(|(known, _)| *known == key) => {
                (Placement::Commands, Search::Text)
            }
            (IsConfigured::No, None) => (Placement::Content, Search::Text),
            (IsConfigured::Yes | IsConfigured::Perhaps, _) => (Placement::Commands, Search::Text),
        };
        let name = row.map_or_else(|| Cow::Owned(key.clone()), |(known, _)| Cow::Borrowed(*known));
        if !self.admit(name, placement) {
            return None;
        }
        let value = self.without_identity(&key, value)?;
        let (listed, unlisted) = (self.findings.len(), self.unlisted);
        let value = match search {
            Search::Not => plain(value),
            Search::Text => self.value(&key, value, 0)?,
        };
        if configured == IsConfigured::Yes && self.event != RESOURCE {
            // The copy of what stands on the resource, on every record: it is told once.
            self.findings.truncate(listed);
            self.unlisted = unlisted;
        }
        // A key of the table holds no secret; any other may be one.
        let key = if row.is_some() { key } else { self.text("", key)? };
        Some(KeyValue { key, value: Some(any(value)), ..KeyValue::default() })
    }

    /// The row of an attribute, in its event's lists or those of all events.
    fn row(&self, key: &str, lists: &[Rows]) -> Option<&'static (&'static str, Given)> {
        let common: &[Rows] = match (&*self.event, self.origin) {
            (RESOURCE | SCOPE, _) => &[],
            (_, Origin::Client) => &[table::COMMON],
            (_, Origin::Spool) => &[table::COMMON, table::OWN_RECORD],
        };
        common.iter().chain(lists).copied().flatten().find(|(known, _)| *known == key)
    }

    /// Whether something is given, by level and `[drop]`. What is not is counted, and named as far as it can be.
    pub(super) fn admit(&mut self, name: Cow<'static, str>, table: Placement) -> bool {
        let event = &*self.event;
        let placement = self.policy.levels.place(event, &name, table);
        if placement == Placement::Drop || self.policy.drop.attribute(event, &name) {
            self.withheld.configured += 1;
            return false;
        }
        let given = placement.is_given_at(self.policy.level);
        if placement > Placement::Metadata && !self.withheld.knows(event, &name) {
            self.note(name, placement);
        }
        if !given {
            self.withheld.attributes += 1;
        }
        given
    }

    /// Remembers a name that is not given at every level, unless it could be anything.
    fn note(&mut self, name: Cow<'static, str>, placement: Placement) {
        let event = self.event.clone();
        // Both in one word: that is what it is told as.
        let whole = event.len() + 1 + name.len();
        if whole <= crate::redact::shape::MAX_WORD && self.is_harmless(&event) && self.is_harmless(&name) {
            self.withheld.note((event, name), placement);
        } else {
            self.withheld.note_unnamed(placement);
        }
    }

    /// The value, or what stands for it, of an attribute that tells who it was.
    fn without_identity(&mut self, key: &str, value: Value) -> Option<Value> {
        let Value::StringValue(text) = &value else { return Some(value) };
        match self.policy.identity.of(key, text) {
            Some(Treatment::Hash) if !is_pseudonym(text) => Some(Value::StringValue(self.redactor.key.pseudonym(text))),
            Some(Treatment::Drop) => {
                self.withheld.configured += 1;
                None
            }
            Some(Treatment::Hash | Treatment::Keep) | None => Some(value),
        }
    }

    /// A value with the secrets in its texts masked, whatever its type. What could not be searched is not in it.
    pub(super) fn value(&mut self, key: &str, value: Value, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            self.withheld.unreadable += 1;
            return None;
        }
        match value {
            Value::StringValue(text) => self.text(key, text).map(Value::StringValue),
            Value::BytesValue(bytes) => {
                if let Ok(text) = String::from_utf8(bytes) {
                    self.text(key, text).map(|text| Value::BytesValue(text.into_bytes()))
                } else {
                    self.withheld.unreadable += 1;
                    None
                }
            }
            Value::ArrayValue(array) => {
                let items = array.values.into_iter().filter_map(|item| item.value);
                let values = items.filter_map(|item| self.value(key, item, depth + 1)).map(any).collect();
                Some(Value::ArrayValue(ArrayValue { values }))
            }
            Value::KvlistValue(map) => {
                let mut values = Vec::with_capacity(map.values.len());
                for KeyValue { key, value, .. } in map.values {
                    let value = value.and_then(|any| any.value).and_then(|value| self.value(&key, value, depth + 1));
                    if let (Some(value), Some(key)) = (value, self.text("", key)) {
                        values.push(KeyValue { key, value: Some(any(value)), ..KeyValue::default() });
                    }
                }
                Some(Value::KvlistValue(KeyValueList { values }))
            }
            Value::BoolValue(_) | Value::IntValue(_) | Value::DoubleValue(_) => Some(value),
            // A reference into a table that these signals do not have.
            Value::StringValueStrindex(_) => None,
        }
    }
}

/// Where a value stands by its row, and whether it is to be searched.
fn placement(given: Given, key: &str, value: &Value) -> (Placement, Search) {
    match given {
        Given::Metadata(shape) if shape.fits(value) => match value {
            Value::StringValue(text) if shape.is_free(text) => (Placement::Metadata, Search::Text),
            _ => (Placement::Metadata, Search::Not),
        },
        Given::Metadata(_) if stands_for_a_name(key, value) => (Placement::Metadata, Search::Not),
        Given::Metadata(_) | Given::Commands => (Placement::Commands, Search::Text),
        Given::Content => (Placement::Content, Search::Text),
    }
}

/// Whether this is the pseudonym of somebody, which has no longer the form of the name.
fn stands_for_a_name(key: &str, value: &Value) -> bool {
    let all = crate::redact::Identity::default();
    matches!(value, Value::StringValue(text) if is_pseudonym(text) && all.of(key, text).is_some())
}

/// The same value without whatever else its message may carry.
fn plain(value: Value) -> Value {
    match value {
        Value::ArrayValue(array) => Value::ArrayValue(ArrayValue {
            values: array.values.into_iter().filter_map(|item| item.value).map(any).collect(),
        }),
        other => other,
    }
}

pub(super) fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}
