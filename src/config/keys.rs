//! The registry of keys: what a configuration file may say, taken from the schema, which is taken from the types.

use std::sync::LazyLock;

use serde_json::Value;

use super::schema::schema;

/// What counts in managed files only, `defaults` besides.
pub const MANAGED_ONLY: [&str; 3] = ["allow_spool_drop", "allow_unobserved", "required"];

/// What a key holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// A string.
    Text,
    /// A whole number.
    Number,
    /// A number, whole or not.
    Decimal,
    /// True or false.
    Flag,
    /// A list of strings.
    List,
    /// A list of tables.
    Tables,
}

/// A key of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// From the top; `*` stands for a name that the person gives.
    pub path: Vec<String>,
    /// What it holds.
    pub form: Form,
    /// What counts where nothing is said; `None`: nothing does, or what it is depends.
    pub default: Option<Value>,
    /// May be a credential, or lead to one: it is not shown.
    pub hidden: bool,
    /// Counts in managed files only.
    pub managed_only: bool,
    /// What it is for.
    pub description: String,
}

/// In the order in which they are declared.
pub fn keys() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
        let schema = schema();
        let mut walk = Walk { schema: &schema, path: Vec::new(), found: Vec::new() };
        walk.table(&schema, false, "");
        walk.found
    });
    &KEYS
}

struct Walk<'s> {
    schema: &'s Value,
    path: Vec<String>,
    found: Vec<Key>,
}

impl<'s> Walk<'s> {
    fn table(&mut self, table: &'s Value, hidden: bool, about: &str) {
        for (name, below) in table.get("properties").and_then(Value::as_object).into_iter().flatten() {
            // They are the same keys again.
            if self.path.is_empty() && name == "defaults" {
                continue;
            }
            self.below(name, below, hidden, None);
        }
        if let Some(below) = table.get("additionalProperties").filter(|below| below.is_object()) {
            self.below("*", below, hidden, Some(about));
        }
    }

    fn below(&mut self, name: &str, said: &'s Value, hidden: bool, about: Option<&str>) {
        self.path.push(name.to_owned());
        let meant = self.meant(said);
        let hidden = hidden || said.get("writeOnly").is_some_and(|it| it == true);
        if meant.get("properties").is_some() || meant.get("additionalProperties").is_some_and(Value::is_object) {
            let about = said.get("description").and_then(Value::as_str).unwrap_or_default();
            self.table(meant, hidden, about);
        } else {
            let kind = meant.get("type").and_then(Value::as_str);
            let items = meant.get("items").map(|items| self.meant(items));
            let form = match kind {
                Some("integer") => Form::Number,
                Some("number") => Form::Decimal,
                Some("boolean") => Form::Flag,
                Some("array") if items.is_some_and(|items| items.get("properties").is_some()) => Form::Tables,
                Some("array") => Form::List,
                _ => Form::Text,
            };
            let description = said.get("description").or_else(|| meant.get("description"));
            let description = about.or(description.and_then(Value::as_str)).unwrap_or_default();
            self.found.push(Key {
                path: self.path.clone(),
                form,
                default: said.get("default").cloned(),
                hidden,
                managed_only: MANAGED_ONLY.iter().any(|name| self.path == [*name]),
                description: description.replace('\n', " "),
            });
        }
        self.path.pop();
    }

    /// What a reference leads to; of a choice, the first.
    fn meant(&self, mut schema: &'s Value) -> &'s Value {
        loop {
            let pointer = schema.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix('#'));
            let next = pointer.and_then(|pointer| self.schema.pointer(pointer));
            let next = next.or_else(|| schema.get("allOf")?.get(0)).or_else(|| schema.get("anyOf")?.get(0));
            match next {
                Some(next) => schema = next,
                None => return schema,
            }
        }
    }
}

/// A key of the file, with the names that the person gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Of the registry.
    pub key: &'static Key,
    /// From the top. What stands behind `levels` is one name, dots included.
    pub path: Vec<String>,
}

/// Why a text names no key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// There is none of this name.
    #[error("unknown key `{typed}`{}", meant.as_ref().map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default())]
    Unknown {
        /// As it was typed.
        typed: String,
        /// The nearest there is, if one is near.
        meant: Option<String>,
    },
    /// It names a table.
    #[error("`{typed}` is a table: name one of its keys, such as `{example}`")]
    Table {
        /// As it was typed.
        typed: String,
        /// A key in it.
        example: String,
    },
}

/// The key that a path from the top leads to.
pub fn of(path: &[String]) -> Option<&'static Key> {
    keys().iter().find(|key| matches(&key.path, path))
}

fn matches(pattern: &[String], path: &[String]) -> bool {
    let same = |(pattern, name): (&String, &String)| pattern == "*" || pattern == name;
    let is_level = pattern.first().is_some_and(|top| top == "levels") && path.len() > pattern.len();
    (pattern.len() == path.len() || is_level) && pattern.iter().zip(path).all(same)
}

/// Reads the name of a key as TOML writes it, dots between its parts.
pub fn find(typed: &str) -> Result<Found, KeyError> {
    let path = parts(typed);
    if let Some(key) = of(&path) {
        return Ok(Found { key, path: joined(path) });
    }
    let within = keys().iter().find(|key| {
        let start = key.path.get(..path.len());
        !path.is_empty() && start.is_some_and(|start| matches(start, &path))
    });
    if let Some(key) = within {
        return Err(KeyError::Table { typed: typed.to_owned(), example: written(&concrete(&key.path, &path)) });
    }
    let near = keys().iter().map(|key| written(&concrete(&key.path, &path)));
    let near = near.map(|name| (strsim::osa_distance(typed, &name), name)).min();
    let meant = near.filter(|(distance, _)| *distance <= 1 + typed.len() / 4).map(|(_, name)| name);
    Err(KeyError::Unknown { typed: typed.to_owned(), meant })
}

/// Reads the name of a key or of a table in which keys can stand, such as `destinations.org`.
pub fn find_table(typed: &str) -> Option<Vec<String>> {
    let path = parts(typed);
    matches!(find(typed), Err(KeyError::Table { .. })).then_some(path)
}

fn parts(typed: &str) -> Vec<String> {
    toml_edit::Key::parse(typed)
        .map(|parts| parts.into_iter().map(|part| part.get().to_owned()).collect())
        .unwrap_or_default()
}

/// An attribute's name has dots in it.
fn joined(mut path: Vec<String>) -> Vec<String> {
    if path.first().is_some_and(|top| top == "levels") {
        let name = path.split_off(1).join(".");
        path.push(name);
    }
    path
}

/// With the names that were given in the place of `*`.
fn concrete(pattern: &[String], given: &[String]) -> Vec<String> {
    let name = |at: usize| given.get(at).cloned().unwrap_or_else(|| "NAME".to_owned());
    pattern.iter().enumerate().map(|(at, part)| if part == "*" { name(at) } else { part.clone() }).collect()
}

/// As TOML writes a path.
pub fn written(path: &[String]) -> String {
    let parts: Vec<_> = path.iter().map(|part| toml_edit::Key::new(part).display_repr().into_owned()).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::layers::{Layer, Source};

    fn names() -> Vec<String> {
        keys().iter().map(|key| key.path.join(".")).collect()
    }

    /// A value that a key takes.
    fn example(key: &Key) -> String {
        match (&key.default, &*key.path.join(".")) {
            (Some(default), _) if *default != Value::Array(Vec::new()) => default.to_string(),
            (_, "destinations.*.endpoint") => "\"http://127.0.0.1:9\"".to_owned(),
            (_, "destinations.*.max_attribute_bytes") => "4096".to_owned(),
            (_, "destinations.*.auth.token") => "\"env\"".to_owned(),
            (_, "levels.*") => "\"drop\"".to_owned(),
            (_, "redaction.rules") => "[{ id = \"a\", pattern = \"x{9}\" }]".to_owned(),
            _ => match key.form {
                Form::Text => "\"/a\"".to_owned(),
                Form::Decimal => "12.5".to_owned(),
                _ => "[\"a\"]".to_owned(),
            },
        }
    }

    fn is_known(text: &str, layer: Layer) -> Result<(), String> {
        let source = Source { layer, name: "f".to_owned(), text: text.to_owned() };
        match Config::of(&[source]) {
            Ok(config) => config.governed.and_then(|it| it.broken).map_or(Ok(()), |error| Err(error.to_string())),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn every_key_of_the_registry_is_one_of_the_file() {
        for key in keys() {
            let name = written(&concrete(&key.path, &[]));
            // In `destinations.NAME`, the name has small letters.
            let text = format!("{} = {}", name.replace("NAME", "name"), example(key));
            let layer = if key.managed_only { Layer::Managed } else { Layer::User };
            if let Err(error) = is_known(&text, layer) {
                assert!(!error.contains("unknown") && !error.contains("invalid type"), "{text}: {error}");
            }
            assert!(!key.description.is_empty(), "{name} is described");
        }
    }

    #[test]
    fn every_key_of_the_file_is_one_of_the_registry() {
        let expected = |text: &str| {
            let error = is_known(text, Layer::User).unwrap_err();
            let error = error.split(" (and ").next().unwrap();
            let expected = error.split_once(", expected ").map(|(_, expected)| expected.to_owned()).unwrap();
            expected.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
        };
        let names = names();
        let tables = [
            "",
            "redaction.",
            "identity.",
            "drop.",
            "spool.",
            "destinations.*.",
            "destinations.*.auth.",
            "destinations.*.tls.",
        ];
        for table in tables {
            let text = format!("{}xxxxxxxxxxxxxx = 1", table.replace('*', "name"));
            for key in expected(&text) {
                let name = format!("{table}{key}");
                let is_one = names.iter().any(|known| *known == name || known.starts_with(&format!("{name}.")));
                assert!(is_one || key == "defaults", "{name}: {names:?}");
            }
        }
    }

    #[test]
    fn the_defaults_that_are_told_are_those_that_count() {
        let with = keys().iter().filter(|key| !key.managed_only && !key.path.iter().any(|part| part == "*"));
        let text: Vec<_> =
            with.filter_map(|key| Some(format!("{} = {}\n", written(&key.path), key.default.as_ref()?))).collect();
        assert!(text.len() > 12, "{text:?}");
        let parse = |text: &str| Config::parse("f".as_ref(), text).unwrap();
        let (nothing, all) = (parse(""), parse(&text.concat()));
        assert_eq!((all.capture, all.summary), (Some(nothing.policy.level), Some(crate::config::user::Summary::Auto)));
        assert_eq!(all.policy, nothing.policy);
        assert_eq!(
            (all.spool, all.durability, all.known_values),
            (nothing.spool, nothing.durability, nothing.known_values)
        );
        assert_eq!(all.redaction, nothing.redaction);
        let of_destination = keys().iter().filter(|key| key.path.starts_with(&["destinations".to_owned()]));
        let text: String = of_destination
            .filter_map(|key| {
                Some(format!(
                    "{} = {}\n",
                    written(&concrete(&key.path, &[])).replace("NAME", "a"),
                    key.default.as_ref()?
                ))
            })
            .collect();
        let endpoint = "destinations.a.endpoint = 'http://h'\n";
        let (nothing, all) = (parse(endpoint), parse(&format!("{endpoint}{text}")));
        assert_eq!(nothing.destinations, all.destinations);
    }

    #[test]
    fn a_key_is_found_by_its_name_and_the_nearest_is_told() {
        let path = |typed| find(typed).map(|found| written(&found.path)).map_err(|error| error.to_string());
        for (typed, want) in [
            ("capture", Ok("capture")),
            ("destinations.org.headers.x-team", Ok("destinations.org.headers.x-team")),
            ("levels.tool_result.vcs.ref", Ok("levels.\"tool_result.vcs.ref\"")),
            ("levels.\"a.b\"", Ok("levels.\"a.b\"")),
            ("captrue", Err("unknown key `captrue`; did you mean `capture`?")),
            (
                "destinations.org.endpiont",
                Err("unknown key `destinations.org.endpiont`; did you mean `destinations.org.endpoint`?"),
            ),
            ("spool", Err("`spool` is a table: name one of its keys, such as `spool.max_bytes`")),
            (
                "destinations.org",
                Err("`destinations.org` is a table: name one of its keys, such as `destinations.org.endpoint`"),
            ),
            ("zzzzzzzzz", Err("unknown key `zzzzzzzzz`")),
            ("", Err("unknown key ``")),
            ("a..b", Err("unknown key `a..b`")),
        ] {
            assert_eq!(path(typed), want.map(str::to_owned).map_err(str::to_owned), "{typed}");
        }
    }

    #[test]
    fn what_may_be_a_credential_is_hidden() {
        let hidden: Vec<_> = keys().iter().filter(|key| key.hidden).map(|key| key.path.join(".")).collect();
        assert_eq!(
            hidden,
            [
                "destinations.*.headers.*",
                "destinations.*.auth.scheme",
                "destinations.*.auth.command",
                "destinations.*.auth.file",
                "destinations.*.auth.env"
            ]
        );
    }
}
