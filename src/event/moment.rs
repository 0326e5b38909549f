//! A point in time, written as people and programs read it.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time. Written as RFC 3339 in UTC with milliseconds, such as `2026-11-22T17:32:14.792Z`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Moment(Timestamp);

impl Moment {
    /// From what OTLP calls `time_unix_nano`. None for 0, which OTLP uses for "unknown".
    pub fn from_unix_nanos(nanos: u64) -> Option<Self> {
        if nanos == 0 { None } else { Timestamp::from_nanosecond(i128::from(nanos)).ok().map(Self) }
    }

    /// The timestamp itself.
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl From<Timestamp> for Moment {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_with_milliseconds() {
        let moment = Moment::from_unix_nanos(1_795_366_944_397_999_000);
        let json = serde_json::to_string(&moment).unwrap();
        insta::assert_snapshot!(json, @r#""2026-11-22T17:02:24.397Z""#);
        let back: Option<Moment> = serde_json::from_str(&json).unwrap();
        assert_eq!(back, Moment::from_unix_nanos(1_795_366_944_397_000_000));
        assert_eq!(Moment::from_unix_nanos(0), None);
        assert!(Moment::from_unix_nanos(u64::MAX).is_some());
    }
}
