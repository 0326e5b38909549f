//! `[budget]`: what a session, a day and a month may cost before it is said. Nothing is ever stopped.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::event::NanoUsd;

/// More is no budget, but a slip of the hand.
const MOST_USD: f64 = 1e9;

/// What may be spent before a person is told, at list price.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Budget {
    /// By one session.
    pub session: Option<NanoUsd>,
    /// By all sessions of this person on this machine, on one day of the local calendar.
    pub day: Option<NanoUsd>,
    /// The same, in one month.
    pub month: Option<NanoUsd>,
}

/// The table as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Budget")]
pub(super) struct Table {
    /// US dollars at list price; when a session has cost as much, it is said. Nothing is stopped.
    #[serde(default, rename = "session_usd", deserialize_with = "dollars")]
    #[schemars(with = "Option<f64>", extend("exclusiveMinimum" = 0, "maximum" = MOST_USD))]
    session: Option<NanoUsd>,
    /// The same for all sessions of this machine's user on one day of the local calendar.
    #[serde(default, rename = "day_usd", deserialize_with = "dollars")]
    #[schemars(with = "Option<f64>", extend("exclusiveMinimum" = 0, "maximum" = MOST_USD))]
    day: Option<NanoUsd>,
    /// The same in one month.
    #[serde(default, rename = "month_usd", deserialize_with = "dollars")]
    #[schemars(with = "Option<f64>", extend("exclusiveMinimum" = 0, "maximum" = MOST_USD))]
    month: Option<NanoUsd>,
}

impl From<Table> for Budget {
    fn from(Table { session, day, month }: Table) -> Self {
        Self { session, day, month }
    }
}

fn dollars<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NanoUsd>, D::Error> {
    let dollars = f64::deserialize(from)?;
    let amount = NanoUsd::from_dollars(dollars);
    if amount == NanoUsd::ZERO || !dollars.is_finite() || dollars > MOST_USD {
        return Err(serde::de::Error::custom("a budget is a number of US dollars above 0, such as 5 or 12.5"));
    }
    Ok(Some(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(text: &str) -> Result<Budget, String> {
        toml::from_str::<Table>(text).map(Budget::from).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn dollars_are_whole_or_not() {
        assert_eq!(budget(""), Ok(Budget::default()));
        let usd = |dollars| Some(NanoUsd::from_dollars(dollars));
        let want = Budget { session: usd(5.0), day: usd(12.5), month: usd(0.01) };
        assert_eq!(budget("session_usd = 5\nday_usd = 12.50\nmonth_usd = 1e-2"), Ok(want));
    }

    #[test]
    fn what_is_no_amount_is_a_mistake() {
        let wrong = "a budget is a number of US dollars above 0, such as 5 or 12.5";
        for value in ["0", "-3", "0.0000000001", "nan", "inf", "-inf", "2e9", "9223372036854775807"] {
            assert_eq!(budget(&format!("day_usd = {value}")), Err(wrong.to_owned()), "{value}");
        }
        assert_eq!(budget("day_usd = '$5'"), Err("invalid type: string \"$5\", expected f64".to_owned()));
        let unknown = "unknown field `week_usd`, expected one of `session_usd`, `day_usd`, `month_usd`";
        assert_eq!(budget("week_usd = 5"), Err(unknown.to_owned()));
    }
}
