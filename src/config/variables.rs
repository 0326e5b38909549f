//! `CC_OBSERVE_…`: the registry of our variables; those that say what the file could say are a layer of configuration.

use super::keys;
use super::layers::{Layer, Source};

/// How the value of a variable is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// As it is.
    Text,
    /// A whole number.
    Number,
    /// A number, whole or not.
    Decimal,
    /// Words with commas between them; an empty one is an empty list.
    List,
}

/// A variable of ours.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The key of the file that it stands for.
    pub key: &'static str,
    /// How its value is written.
    pub form: Form,
}

const fn variable(name: &'static str, key: &'static str, form: Form) -> Variable {
    Variable { name, key, form }
}

/// All that stand for a key of the file.
pub const VARIABLES: [Variable; 17] = [
    variable("CC_OBSERVE_CAPTURE", "capture", Form::Text),
    variable("CC_OBSERVE_SUMMARY", "summary", Form::Text),
    variable("CC_OBSERVE_KNOWN_VALUES", "redaction.known_values", Form::List),
    variable("CC_OBSERVE_IDENTITY_EMAIL", "identity.email", Form::Text),
    variable("CC_OBSERVE_IDENTITY_ACCOUNT", "identity.account", Form::Text),
    variable("CC_OBSERVE_IDENTITY_ORGANIZATION", "identity.organization", Form::Text),
    variable("CC_OBSERVE_IDENTITY_HOST", "identity.host", Form::Text),
    variable("CC_OBSERVE_IDENTITY_USER", "identity.user", Form::Text),
    variable("CC_OBSERVE_DROP_ATTRIBUTES", "drop.attributes", Form::List),
    variable("CC_OBSERVE_DROP_METRICS", "drop.metrics", Form::List),
    variable("CC_OBSERVE_SPOOL_MAX_BYTES", "spool.max_bytes", Form::Number),
    variable("CC_OBSERVE_SPOOL_MAX_BATCHES", "spool.max_batches", Form::Number),
    variable("CC_OBSERVE_SPOOL_MAX_AGE", "spool.max_age", Form::Text),
    variable("CC_OBSERVE_SPOOL_DURABILITY", "spool.durability", Form::Text),
    variable("CC_OBSERVE_BUDGET_SESSION_USD", "budget.session_usd", Form::Decimal),
    variable("CC_OBSERVE_BUDGET_DAY_USD", "budget.day_usd", Form::Decimal),
    variable("CC_OBSERVE_BUDGET_MONTH_USD", "budget.month_usd", Form::Decimal),
];

/// A variable of ours that stands for no key.
#[derive(Clone, Copy, Debug)]
pub struct Other {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
}

/// All that stand for no key of the file.
pub const OTHERS: [Other; 4] = [
    Other {
        name: "CC_OBSERVE_ENDPOINT",
        what: "deliver to this URL, instead of the configured destinations; without headers",
    },
    Other { name: "CC_OBSERVE_CONFIG", what: "read this configuration file; it must exist" },
    Other { name: "CC_OBSERVE_CLAUDE", what: "run this claude" },
    Other { name: "CC_OBSERVE_HOPS", what: "set by cc-observe for itself; not to be set by you" },
];

/// A variable of ours, as it is told to people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Told {
    /// Its name.
    pub name: &'static str,
    /// The key of the file that it stands for.
    pub key: Option<&'static str>,
    /// What it does.
    pub what: String,
}

/// Every variable of ours.
pub fn all() -> Vec<Told> {
    let others = OTHERS.iter().map(|Other { name, what }| Told { name, key: None, what: (*what).to_owned() });
    let what = |key: &str| keys::find(key).map(|found| found.key.description.clone()).unwrap_or_default();
    let of_keys = VARIABLES.iter().map(|Variable { name, key, .. }| Told { name, key: Some(key), what: what(key) });
    others.chain(of_keys).collect()
}

/// The layer, of those that are set; `get` gives the value of one.
pub fn sources(get: impl Fn(&str) -> Option<String>) -> Vec<Source> {
    let said = VARIABLES.iter().filter_map(|variable| Some((variable, get(variable.name)?)));
    said.map(|(Variable { name, key, form }, value)| {
        let value = match form {
            Form::Text => quoted(&value),
            // What is no number is a mistake of type, and is told as one.
            Form::Number => value.trim().parse::<u64>().map_or_else(|_| quoted(&value), |number| number.to_string()),
            // As TOML writes it, which knows no `.5` and no `5.`.
            Form::Decimal => match value.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => format!("{number:?}"),
                _ => quoted(&value),
            },
            Form::List => {
                let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
                format!("[{}]", words.map(quoted).collect::<Vec<_>>().join(", "))
            }
        };
        Source { layer: Layer::Environment, name: (*name).to_owned(), text: format!("{key} = {value}\n") }
    })
    .collect()
}

/// As a string of TOML, which is one of JSON but for one character.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_variable_says_what_its_key_would() {
        let values = [
            ("CC_OBSERVE_CAPTURE", "metadata"),
            ("CC_OBSERVE_KNOWN_VALUES", " files, .env,"),
            ("CC_OBSERVE_SPOOL_MAX_BATCHES", " 500 "),
            ("CC_OBSERVE_DROP_METRICS", ""),
        ];
        let said =
            sources(|name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
        let texts: Vec<_> = said.iter().map(|source| source.text.trim()).collect();
        let want = [
            "capture = \"metadata\"",
            "redaction.known_values = [\"files\", \".env\"]",
            "drop.metrics = []",
            "spool.max_batches = 500",
        ];
        assert_eq!(texts, want);
        let config = Config::of(&said).unwrap();
        assert_eq!((config.capture, config.spool.files), (Some(crate::redact::CaptureLevel::Metadata), 500));
    }

    #[test]
    fn every_variable_of_the_registry_is_described() {
        for Told { name, key, what } in all() {
            assert!(!what.is_empty(), "{name}");
            assert!(key.is_none_or(|key| keys::find(key).is_ok()), "{name}");
        }
    }

    #[test]
    fn every_key_is_one_and_a_wrong_value_is_told_by_the_name_of_the_variable() {
        for Variable { name, key, .. } in VARIABLES {
            let said = sources(|asked| (asked == name).then(|| "FAKE \"\\\n\u{7f}\u{1}".to_owned()));
            match Config::of(&said) {
                // Any name may be dropped.
                Ok(_) => assert!(key.starts_with("drop."), "{name}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(error.starts_with(&format!("{name}: ")) && !error.contains("FAKE"), "{error}");
                    assert!(!error.contains("unknown key") && !error.contains("unknown field"), "{error}");
                }
            }
        }
    }
}
