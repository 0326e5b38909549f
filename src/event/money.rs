//! Money, in whole billionths of a dollar.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// An amount of money in billionths of a US dollar. Addition saturates.
///
/// Claude Code reports costs as floating-point dollars; they enter here, once, rounded half to even. It is what Claude
/// Code computes at list price, not what anybody is billed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct NanoUsd(u64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many billionths of a dollar.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// So many millionths of a dollar.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1000))
    }

    /// From dollars, rounded half to even. What is negative or no number is nothing; what is too much saturates.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such casts saturate, NaN becomes 0")]
    pub fn from_dollars(dollars: f64) -> Self {
        Self((dollars * 1e9).round_ties_even() as u64)
    }

    /// In billionths of a dollar.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// In dollars, as near as a double comes: exact to the last digit below a million dollars.
    #[expect(clippy::cast_precision_loss, reason = "said above")]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// What is left, or nothing.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for NanoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// Cents; below ten cents, hundredths of a cent, so that a short session does not cost `$0.00`.
impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const TEN_CENTS: u64 = 100_000_000;
        let text = match self.0 {
            0 => "$0.00".to_owned(),
            1..100_000 => "<$0.0001".to_owned(),
            nanos if nanos < TEN_CENTS - 50_000 => {
                format!("$0.{:04}", rounded(nanos, 100_000))
            }
            nanos => {
                let cents = rounded(nanos, 10_000_000);
                format!("${}.{:02}", cents / 100, cents % 100)
            }
        };
        f.pad(&text)
    }
}

/// `nanos` in units of `unit`, rounded half up.
const fn rounded(nanos: u64, unit: u64) -> u64 {
    nanos / unit + (nanos % unit >= unit / 2) as u64
}

/// Serializes an amount as two fields of the structure it stands in: `cost_usd` to read, `cost_nano_usd` to add up.
///
/// For `#[serde(flatten, with = "both")]`. Only `cost_nano_usd` is read back.
pub mod both {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::NanoUsd;

    #[derive(Serialize)]
    struct Written {
        cost_usd: f64,
        cost_nano_usd: NanoUsd,
    }

    #[derive(Deserialize)]
    struct Read {
        #[serde(default)]
        cost_nano_usd: NanoUsd,
    }

    /// Writes both fields.
    pub fn serialize<S: Serializer>(cost: &NanoUsd, serializer: S) -> Result<S::Ok, S::Error> {
        Written { cost_usd: cost.dollars(), cost_nano_usd: *cost }.serialize(serializer)
    }

    /// Reads the whole number.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NanoUsd, D::Error> {
        Read::deserialize(deserializer).map(|read| read.cost_nano_usd)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dollars_are_rounded_half_to_even_once() {
        assert_eq!(NanoUsd::from_dollars(0.017_041_600_000_000_004).nanos(), 17_041_600);
        assert_eq!(NanoUsd::from_dollars(0.000_454_43).nanos(), 454_430);
        assert_eq!(NanoUsd::from_dollars(0.000_000_000_5).nanos(), 0);
        assert_eq!(NanoUsd::from_dollars(0.000_000_001_5).nanos(), 2);
        assert_eq!(NanoUsd::from_dollars(0.000_000_002_5).nanos(), 2);
    }

    #[test]
    fn what_is_no_amount_is_nothing_and_too_much_saturates() {
        for odd in [f64::NAN, -1.0, f64::NEG_INFINITY, -0.0] {
            assert_eq!(NanoUsd::from_dollars(odd), NanoUsd::ZERO);
        }
        assert_eq!(NanoUsd::from_dollars(1e300) + NanoUsd::from_nanos(1), NanoUsd::from_nanos(u64::MAX));
    }

    #[test]
    fn amounts_are_shown_in_cents_and_small_ones_in_more() {
        let shown = [0, 1, 99_999, 454_430, 17_041_600, 99_949_999, 99_950_000, 903_204_800, 4_305_000_000, u64::MAX]
            .map(|nanos| NanoUsd(nanos).to_string());
        insta::assert_snapshot!(shown.join(" "), @"$0.00 <$0.0001 <$0.0001 $0.0005 $0.0170 $0.0999 $0.10 $0.90 $4.31 $18446744073.71");
    }

    proptest! {
        #[test]
        fn nanos_survive_the_way_through_dollars(nanos in 0..1_000_000_000_000_000_u64) {
            prop_assert_eq!(NanoUsd::from_dollars(NanoUsd(nanos).dollars()).nanos(), nanos);
        }
    }
}
