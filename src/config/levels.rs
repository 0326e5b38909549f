//! `[levels]` of a configuration file: where attributes stand.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::redact::Placement;

/// `[levels]`: `"event.attribute" = "…"`. Without quotes TOML makes tables of it, which mean the same.
#[derive(Default)]
pub(super) struct Table(BTreeMap<String, Placement>);

impl Table {
    /// By `attribute` or `event.attribute`.
    pub(super) fn into_placements(self) -> BTreeMap<String, Placement> {
        self.0
    }
}

impl JsonSchema for Table {
    fn schema_name() -> Cow<'static, str> {
        "Levels".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (leaf, below) = (generator.subschema_for::<Placement>(), generator.subschema_for::<Self>());
        json_schema!({ "type": "object", "additionalProperties": { "anyOf": [leaf, below] } })
    }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut flat = Self::default();
        for (key, node) in BTreeMap::<String, Node>::deserialize(from)? {
            match node {
                Node::Leaf(placement) => _ = flat.0.insert(key, placement),
                Node::Below(Self(below)) => {
                    flat.0.extend(below.into_iter().map(|(name, placement)| (format!("{key}.{name}"), placement)));
                }
            }
        }
        Ok(flat)
    }
}

enum Node {
    Leaf(Placement),
    Below(Table),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Node;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a level")
            }

            fn visit_str<E: serde::de::Error>(self, level: &str) -> Result<Node, E> {
                Placement::deserialize(serde::de::value::StrDeserializer::new(level)).map(Node::Leaf)
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, table: A) -> Result<Node, A::Error> {
                Table::deserialize(serde::de::value::MapAccessDeserializer::new(table)).map(Node::Below)
            }
        }
        from.deserialize_any(Either)
    }
}
