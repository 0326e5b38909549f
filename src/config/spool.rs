//! `[spool]`: how much may wait for a destination.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::spool::{Bounds, Durability};

/// The least that may wait, in bytes: a few batches of the largest size.
const MIN_BYTES: u64 = 1 << 20;
/// The least that may wait, in batches.
const MIN_BATCHES: u64 = 100;
/// The least age at which something is dropped.
const MIN_AGE: Duration = Duration::from_secs(3600);

/// The table as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Spool")]
pub(super) struct Table {
    /// Bytes for each destination, compressed, all runs together. Beyond it the oldest is dropped and counted.
    #[serde(default, rename = "max_bytes", deserialize_with = "max_bytes")]
    #[schemars(range(min = MIN_BYTES), extend("default" = Bounds::DEFAULT.bytes))]
    bytes: Option<u64>,
    /// Batches for each destination, all runs together. Beyond it the oldest is dropped and counted.
    #[serde(default, rename = "max_batches", deserialize_with = "max_batches")]
    #[schemars(range(min = MIN_BATCHES), extend("default" = Bounds::DEFAULT.files))]
    batches: Option<u64>,
    /// A time such as `168h` or `90m`, at least `1h`. What is older is dropped and counted when it could not be delivered
    /// once more.
    #[serde(default, rename = "max_age", deserialize_with = "max_age")]
    #[schemars(with = "Option<String>", extend("default" = written(Bounds::DEFAULT.age)))]
    age: Option<Duration>,
    /// What is promised of what was acknowledged.
    #[serde(default)]
    pub(super) durability: Durability,
}

impl Table {
    /// With the defaults where nothing is said.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            bytes: self.bytes.unwrap_or(Bounds::DEFAULT.bytes),
            files: self.batches.unwrap_or(Bounds::DEFAULT.files),
            age: self.age.unwrap_or(Bounds::DEFAULT.age),
        }
    }
}

/// As `max_age` is written.
fn written(age: Duration) -> String {
    match age.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds => format!("{seconds}s"),
    }
}

fn max_bytes<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    at_least(u64::deserialize(from)?, MIN_BYTES, "max_bytes is at least 1048576, a mebibyte")
}

fn max_batches<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    at_least(u64::deserialize(from)?, MIN_BATCHES, "max_batches is at least 100")
}

fn max_age<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    let age = text.parse::<jiff::SignedDuration>().ok().and_then(|age| Duration::try_from(age).ok());
    let Some(age) = age else {
        return Err(serde::de::Error::custom("max_age is a time such as 168h or 90m"));
    };
    at_least(age, MIN_AGE, "max_age is at least 1h")
}

fn at_least<T: Copy + PartialOrd, E: serde::de::Error>(value: T, least: T, otherwise: &str) -> Result<Option<T>, E> {
    if value < least { Err(E::custom(otherwise)) } else { Ok(Some(value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(text: &str) -> Result<Bounds, String> {
        toml::from_str::<Table>(text).map(|table| table.bounds()).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn what_is_not_said_is_as_always() {
        assert_eq!(bounds(""), Ok(Bounds::DEFAULT));
        let age = Duration::from_secs(259_200);
        assert_eq!(bounds("max_age = \"72h\""), Ok(Bounds { age, ..Bounds::DEFAULT }));
        let written = Bounds { bytes: 1 << 20, files: 100, age: Duration::from_secs(3600) };
        assert_eq!(bounds("max_bytes = 1048576\nmax_batches = 100\nmax_age = '60m'"), Ok(written));
    }

    #[test]
    fn what_would_lose_nearly_everything_is_a_mistake() {
        for (text, want) in [
            ("max_bytes = 1048575", "max_bytes is at least 1048576, a mebibyte"),
            ("max_batches = 99", "max_batches is at least 100"),
            ("max_age = '59m'", "max_age is at least 1h"),
            ("max_age = '-2h'", "max_age is a time such as 168h or 90m"),
            ("max_age = 'soon'", "max_age is a time such as 168h or 90m"),
            ("durability = 'FAKE'", "unknown variant `FAKE`, expected `process` or `power`"),
            ("max_bytes = '256 MiB'", "invalid type: string \"256 MiB\", expected u64"),
            (
                "max_files = 7",
                "unknown field `max_files`, expected one of `max_bytes`, `max_batches`, `max_age`, `durability`",
            ),
        ] {
            assert_eq!(bounds(text), Err(want.to_owned()), "{text}");
        }
    }
}
