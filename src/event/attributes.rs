//! Looking up attributes of any type as the type that is wanted.

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

/// The attributes of one record. The first of several with one name counts.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a>(pub(super) &'a [KeyValue]);

impl<'a> Attributes<'a> {
    fn value(self, name: &str) -> Option<&'a Value> {
        self.0.iter().find(|attribute| attribute.key == name)?.value.as_ref()?.value.as_ref()
    }

    /// A string that is not empty.
    pub(super) fn str(self, name: &str) -> Option<&'a str> {
        match self.value(name)? {
            Value::StringValue(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub(super) fn string(self, name: &str) -> Option<String> {
        self.str(name).map(ToOwned::to_owned)
    }

    /// A string, or the empty one.
    pub(super) fn text(self, name: &str) -> String {
        self.str(name).unwrap_or_default().to_owned()
    }

    /// A whole number that is not negative, from an int, a double or a string of either.
    pub(super) fn count(self, name: &str) -> Option<u64> {
        match self.value(name)? {
            Value::IntValue(int) => u64::try_from(*int).ok(),
            Value::DoubleValue(double) => whole(*double),
            Value::StringValue(text) => text.trim().parse().ok().or_else(|| whole(text.trim().parse().ok()?)),
            Value::BoolValue(bool) => Some(u64::from(*bool)),
            _ => None,
        }
    }

    /// A number from an int, a double or a string of either.
    pub(super) fn number(self, name: &str) -> Option<f64> {
        match self.value(name)? {
            #[expect(clippy::cast_precision_loss, reason = "amounts of money are far below 2^53")]
            Value::IntValue(int) => Some(*int as f64),
            Value::DoubleValue(double) => Some(*double),
            Value::StringValue(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// A truth value: a bool, `"true"`/`"false"`, or a number that is or is not 0.
    pub(super) fn flag(self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::BoolValue(bool) => Some(*bool),
            Value::IntValue(int) => Some(*int != 0),
            Value::StringValue(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::StringValue(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// A duration in whole milliseconds; zero when absent.
    pub(super) fn millis(self, name: &str) -> Duration {
        Duration::from_millis(self.count(name).unwrap_or(0))
    }
}

/// The nearest whole number, if it is one that `u64` holds.
fn whole(double: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    (double.is_finite() && (-0.5..1.8e19).contains(&double)).then(|| double.round() as u64)
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::AnyValue;

    use super::*;

    fn one(value: Value) -> Vec<KeyValue> {
        vec![KeyValue { key: "n".into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }]
    }

    #[test]
    fn numbers_are_read_from_every_type_they_arrive_as() {
        for value in [
            Value::IntValue(61),
            Value::DoubleValue(61.0),
            Value::StringValue("61".into()),
            Value::StringValue(" 61.2 ".into()),
        ] {
            assert_eq!(Attributes(&one(value)).count("n"), Some(61));
        }
        assert_eq!(Attributes(&one(Value::StringValue("0.5".into()))).number("n"), Some(0.5));
        assert_eq!(Attributes(&one(Value::StringValue("true".into()))).flag("n"), Some(true));
        assert_eq!(Attributes(&one(Value::BoolValue(false))).flag("n"), Some(false));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for value in [
            Value::IntValue(-1),
            Value::DoubleValue(f64::NAN),
            Value::DoubleValue(f64::INFINITY),
            Value::DoubleValue(-3.0),
            Value::DoubleValue(1e300),
            Value::StringValue("many".into()),
            Value::StringValue(String::new()),
            Value::BytesValue(vec![1]),
        ] {
            assert_eq!(Attributes(&one(value)).count("n"), None);
        }
        assert_eq!(Attributes(&one(Value::StringValue("NaN".into()))).number("n"), None);
        assert_eq!(Attributes(&[]).count("n"), None);
    }
}
