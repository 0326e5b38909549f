//! What is in force: every key with its value, and where each came from.

use std::collections::BTreeMap;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Form, Key};
use super::layers::{self, Layer, Origin, Places, Rule, Source};
use super::user::{self, Config, ConfigError};
use super::{Endpoint, keys::written};
use crate::redact::{CaptureLevel, Placement};

/// What stands in the place of a value that may be a credential.
pub const HIDDEN: &str = "(not shown)";

/// A key with what counts for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// From the top.
    pub path: Vec<String>,
    /// What counts, without anything that may be a credential. `None`: nothing is said, and there is no default.
    pub value: Option<Value>,
    /// There is a value, and it is not shown.
    pub hidden: bool,
    /// Where it came from, of a list all of them; none: it is built in.
    pub origins: Vec<Origin>,
    /// What the organization says of it, whose word is final, or stricter.
    pub managed: Option<Origin>,
}

impl Row {
    /// As TOML writes its name.
    pub fn name(&self) -> String {
        written(&self.path)
    }

    /// The strongest of the layers that it came from; `None`: it is built in.
    pub fn layer(&self) -> Option<Layer> {
        self.origins.iter().map(|origin| origin.layer).max()
    }
}

/// All keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// In the order of the registry, those of a destination together.
    pub rows: Vec<Row>,
    /// What is left out of the person's own configuration, since it is wrong.
    pub left_out: Option<ConfigError>,
    /// Whether the organization says where everything goes.
    pub destinations_are_managed: bool,
}

impl Table {
    /// What all sources say together. The error is that of the person's where nobody else has a say, or the organization's.
    pub fn of(sources: &[Source]) -> Result<Self, ConfigError> {
        let governed = Config::of(sources)?.governed.unwrap_or_default();
        if let Some(broken) = governed.broken {
            return Err(broken);
        }
        let sound = user::sound(sources, governed.left_out.is_some());
        let managed = managed(&sound);
        let leaves = leaves(&sound);
        let ceiling = leaves.get(&["capture".to_owned()][..]);
        let mut rows: Vec<Row> = leaves
            .iter()
            .map(|(path, leaf)| {
                let (mut value, mut origins) = (leaf.shown.clone(), leaf.origins.clone());
                // Of a destination's level and the ceiling the lower counts.
                if is_level_of_destination(path) {
                    let own = level(leaf.value.as_ref());
                    if level(ceiling.and_then(|it| it.value.as_ref())) < own {
                        (value, origins) = ceiling.map(|it| (it.shown.clone(), it.origins.clone())).unwrap_or_default();
                        value = value.or_else(|| Some(CaptureLevel::default().as_str().into()));
                    }
                }
                Row { path: path.clone(), value, hidden: leaf.hidden, origins, managed: managed.get(path).cloned() }
            })
            .collect();
        rows.extend(built_in(&leaves));
        for row in &mut rows {
            // A level below the ceiling needs nobody to say so.
            if is_level_of_destination(&row.path) && row.origins.is_empty() {
                let low = ceiling.filter(|it| level(it.value.as_ref()) < CaptureLevel::default());
                if let Some(low) = low {
                    (row.value, row.origins) = (low.shown.clone(), low.origins.clone());
                }
            }
        }
        rows.sort_by_cached_key(|row| place(&row.path));
        Ok(Self { rows, left_out: governed.left_out, destinations_are_managed: governed.destinations })
    }

    /// The row of a key.
    pub fn row(&self, path: &[String]) -> Option<&Row> {
        self.rows.iter().find(|row| row.path == path)
    }
}

/// Whether what a person's file says of a key counts, or who says otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is in force.
    InForce,
    /// It is in force, and what the organization lists as well.
    Besides(Origin),
    /// The organization says otherwise.
    Locked(Origin),
    /// A variable says otherwise.
    Overridden(Origin),
}

/// What becomes of what the user's file says of a key. The sources are sound.
pub fn verdict(sources: &[Source], path: &[String]) -> Verdict {
    let of = |wanted: &dyn Fn(Layer) -> bool| {
        let sources: Vec<_> = sources.iter().filter(|source| wanted(source.layer)).cloned().collect();
        leaves(&sources).remove(path)
    };
    let asked = of(&|layer| layer == Layer::User).map(|leaf| leaf.value);
    let governed = of(&|layer| layer != Layer::Environment);
    let is_all = Rule::of(path) == Rule::All;
    let all = |leaf: Option<&Leaf>| match (leaf.and_then(|leaf| leaf.value.as_ref()), asked.as_ref()) {
        (Some(Value::Array(got)), Some(Some(Value::Array(asked)))) => {
            asked.iter().all(|asked| got.contains(asked)) && (is_all || got.len() == asked.len())
        }
        (got, asked) => got == asked.and_then(Option::as_ref),
    };
    let managed = managed(sources);
    if !all(governed.as_ref()) {
        let origin = managed.get(path).cloned().or_else(|| {
            // Its destinations are the only ones.
            let top = path.first();
            managed.iter().find(|(other, _)| other.first() == top).map(|(_, origin)| origin.clone())
        });
        if let Some(origin) = origin {
            return Verdict::Locked(origin);
        }
    }
    if let Some(overriding) = of(&|_| true).filter(|leaf| !all(Some(leaf))) {
        let origin = overriding.origins.into_iter().find(|origin| origin.layer == Layer::Environment);
        if let Some(origin) = origin {
            return Verdict::Overridden(origin);
        }
    }
    match managed.get(path) {
        Some(origin) if is_all => Verdict::Besides(origin.clone()),
        _ => Verdict::InForce,
    }
}

/// What is said of a key.
#[derive(Clone)]
struct Leaf {
    /// As it is: may be a credential.
    value: Option<Value>,
    shown: Option<Value>,
    hidden: bool,
    origins: Vec<Origin>,
}

/// Everything that is said, by path.
fn leaves(sources: &[Source]) -> BTreeMap<Vec<String>, Leaf> {
    let merged = layers::merge(sources);
    let mut walk = Walk { places: &merged.places, path: Vec::new(), found: BTreeMap::new() };
    walk.table(&merged.table);
    if let Some(DeValue::Table(levels)) = merged.managed_levels.as_ref().map(Spanned::get_ref) {
        let own = std::mem::take(&mut walk.found);
        walk.path.push("levels".to_owned());
        walk.table(levels);
        let mut found = std::mem::replace(&mut walk.found, own);
        // Who places an attribute more strictly than the organization does is heard.
        found.retain(|path, leaf| walk.found.get(path).is_none_or(|own| placement(own) <= placement(leaf)));
        walk.found.extend(found);
    }
    walk.found
}

/// What the organization says, by path: where.
fn managed(sources: &[Source]) -> BTreeMap<Vec<String>, Origin> {
    let of_organization: Vec<_> = sources.iter().filter(|source| source.layer == Layer::Managed).cloned().collect();
    let said = leaves(&of_organization).into_iter().filter_map(|(path, leaf)| {
        let origin = leaf.origins.into_iter().find(|origin| origin.layer == Layer::Managed)?;
        Some((path, origin))
    });
    said.collect()
}

struct Walk<'p, 's> {
    places: &'p Places<'s>,
    path: Vec<String>,
    found: BTreeMap<Vec<String>, Leaf>,
}

impl Walk<'_, '_> {
    fn table(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            self.path.push(name.get_ref().to_string());
            match (value.get_ref(), keys::of(&self.path)) {
                (DeValue::Table(below), _) => self.table(below),
                (_, Some(key)) => self.leaf(key, value),
                _ => {}
            }
            self.path.pop();
        }
    }

    fn leaf(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) {
        let mut origins: Vec<Origin> = Vec::new();
        let elements = value.get_ref().as_array().filter(|array| !array.is_empty());
        let spans = elements.map_or_else(|| vec![value.span()], |all| all.iter().map(Spanned::span).collect());
        for origin in spans.into_iter().filter_map(|span| self.places.origin(span.start)) {
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        let as_it_is = json(value.get_ref());
        let path = match &*self.path {
            [top, rest @ ..] if top == "levels" => vec![top.clone(), rest.join(".")],
            all => all.to_vec(),
        };
        let shown = match (key.form, path.last().map(String::as_str)) {
            _ if key.hidden => None,
            (Form::Tables, _) => Some(ids(&as_it_is)),
            (_, Some("endpoint")) => {
                as_it_is.as_str().and_then(|url| Some(Endpoint::parse(url).ok()?.to_string().into()))
            }
            _ => Some(as_it_is.clone()),
        };
        self.found.insert(path, Leaf { value: Some(as_it_is), shown, hidden: key.hidden, origins });
    }
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(&**text),
        DeValue::Integer(number) => {
            let (digits, radix) = (number.as_str().replace('_', ""), number.radix());
            i128::from_str_radix(&digits, radix).ok().and_then(|number| u64::try_from(number).ok()).into()
        }
        DeValue::Boolean(is) => Value::from(*is),
        DeValue::Array(all) => all.iter().map(|value| json(value.get_ref())).collect(),
        DeValue::Table(all) => {
            Value::Object(all.iter().map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref()))).collect())
        }
        DeValue::Float(number) => number.as_str().replace('_', "").parse::<f64>().ok().into(),
        DeValue::Datetime(_) => Value::Null,
    }
}

/// The ids of rules. A pattern may itself be what it is to find.
fn ids(rules: &Value) -> Value {
    let id = |rule: &Value| rule.get("id").cloned().unwrap_or_default();
    rules.as_array().into_iter().flatten().map(id).collect()
}

fn is_level_of_destination(path: &[String]) -> bool {
    matches!(path, [top, _, last] if top == "destinations" && last == "capture")
}

/// What is not said is as always.
fn level(value: Option<&Value>) -> CaptureLevel {
    value.and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
}

fn placement(leaf: &Leaf) -> Option<Placement> {
    serde_json::from_value(leaf.value.clone()?).ok()
}

/// The keys of which nothing is said.
fn built_in(said: &BTreeMap<Vec<String>, Leaf>) -> Vec<Row> {
    let mut names: Vec<&String> = said
        .keys()
        .filter(|path| path.first().is_some_and(|top| top == "destinations"))
        .filter_map(|path| path.get(1))
        .collect();
    names.dedup();
    let mut paths = Vec::new();
    for key in keys::keys().iter().filter(|key| !key.managed_only) {
        let names_asked = key.path.iter().filter(|part| *part == "*").count();
        let is_of_destination = key.path.first().is_some_and(|top| top == "destinations");
        match names_asked {
            0 => paths.push((key, key.path.clone())),
            // Of what a destination can have besides, only what is said.
            1 if is_of_destination && key.default.is_some() => paths.extend(names.iter().map(|name| {
                let part = |part: &String| if part == "*" { (*name).clone() } else { part.clone() };
                (key, key.path.iter().map(part).collect())
            })),
            _ => {}
        }
    }
    let missing = paths.into_iter().filter(|(_, path)| !said.contains_key(path));
    missing
        .map(|(key, path)| Row { path, value: key.default.clone(), hidden: false, origins: Vec::new(), managed: None })
        .collect()
}

/// Where a row stands: by the table, the destination, and the key.
fn place(path: &[String]) -> (Option<usize>, String, Option<usize>, String) {
    let all = keys::keys();
    let top = all.iter().position(|key| key.path.first() == path.first());
    let own = keys::of(path).and_then(|key| all.iter().position(|other| std::ptr::eq(other, key)));
    let name = match path {
        [top, name, ..] if top == "destinations" => name.clone(),
        _ => String::new(),
    };
    (top, name, own, written(path))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redact::{Policy, Treatment};

    fn source(layer: Layer, text: &str) -> Source {
        Source { layer, name: format!("{layer:?}").to_lowercase(), text: text.to_owned() }
    }

    fn told(sources: &[(Layer, &str)]) -> Vec<String> {
        let sources: Vec<_> = sources.iter().map(|(layer, text)| source(*layer, text)).collect();
        let table = Table::of(&sources).unwrap();
        let said = table.rows.iter().filter(|row| !row.origins.is_empty());
        said.map(|row| {
            let value = row.value.as_ref().map_or_else(|| HIDDEN.to_owned(), ToString::to_string);
            let origins: Vec<_> = row.origins.iter().map(ToString::to_string).collect();
            let locked = row.managed.as_ref().map(|origin| format!(" [{origin}]")).unwrap_or_default();
            format!("{} = {value} @{}{locked}", row.name(), origins.join(" "))
        })
        .collect()
    }

    use Layer::{Environment, Managed, User};

    #[test]
    fn every_value_tells_where_it_came_from_and_what_is_locked() {
        let managed = "capture = 'commands'\nredaction.known_values = ['environment']\n[defaults]\nsummary = 'line'\n\
                       [levels]\n'a.b' = 'content'\n";
        let own = "capture = 'metadata'\nredaction.known_values = ['files']\n[levels]\na.b = 'drop'\nc = 'drop'\n\
                   [identity]\nemail = 'hash'\n";
        assert_eq!(
            told(&[(Managed, managed), (User, own), (Environment, "identity.email = 'drop'")]),
            [
                "capture = \"metadata\" @user:1 [managed:1]",
                "summary = \"line\" @managed:4",
                "redaction.known_values = [\"environment\",\"files\"] @managed:2 user:2 [managed:2]",
                "levels.\"a.b\" = \"drop\" @user:4 [managed:6]",
                "levels.c = \"drop\" @user:5",
                "identity.email = \"drop\" @environment",
            ]
        );
        assert_eq!(
            told(&[(Managed, "levels.a = 'content'"), (User, "levels.a = 'metadata'")]),
            ["levels.a = \"content\" @managed:1 [managed:1]"]
        );
    }

    #[test]
    fn of_a_destinations_level_and_the_ceiling_the_lower_is_told() {
        let own =
            "[destinations.a]\nendpoint = 'http://h'\ncapture = 'content'\n[destinations.b]\nendpoint = 'http://h'\n";
        let level = |ceiling: &str, name: &str| {
            let table = Table::of(&[source(User, &format!("{ceiling}\n{own}"))]).unwrap();
            let row = table.rows.into_iter().find(|row| row.name() == format!("destinations.{name}.capture")).unwrap();
            (row.value.unwrap().as_str().unwrap().to_owned(), row.origins.first().and_then(|origin| origin.line))
        };
        let is = |value: &str, line| (value.to_owned(), line);
        assert_eq!((level("", "a"), level("", "b")), (is("commands", None), is("commands", None)));
        let low = "capture = 'metadata'";
        assert_eq!((level(low, "a"), level(low, "b")), (is("metadata", Some(1)), is("metadata", Some(1))));
        let high = "capture = 'content'";
        assert_eq!((level(high, "a"), level(high, "b")), (is("content", Some(4)), is("commands", None)));
    }

    #[test]
    fn no_credential_is_in_a_row() {
        let own = "[destinations.a]\nendpoint = 'https://u:FAKE@h/FAKE?x=FAKE'\nheaders = { x = 'FAKE' }\n\
                   auth = { token = 'command', command = ['/FAKE', 'FAKE'], scheme = 'FAKE' }\n\
                   [[redaction.rules]]\nid = 'r'\npattern = 'FAKE'\nexamples = ['FAKE']\n";
        let table = Table::of(&[source(User, own)]).unwrap();
        assert!(!format!("{table:?}").contains("FAKE"), "{table:#?}");
        let value = |name: &str| table.rows.iter().find(|row| row.name() == name).unwrap().value.clone();
        assert_eq!(value("destinations.a.endpoint"), Some("https://h".into()));
        assert_eq!(value("destinations.a.auth.token"), Some("command".into()));
        assert_eq!(value("redaction.rules"), Some(serde_json::json!(["r"])));
    }

    #[test]
    fn what_is_asked_for_is_judged_by_what_counts() {
        use Verdict::{Besides, InForce, Locked, Overridden};
        let managed = |line| Origin { layer: Managed, name: "managed".to_owned(), line: Some(line) };
        let variable = Origin { layer: Environment, name: "environment".to_owned(), line: None };
        let destination = "[destinations.a]\nendpoint = 'http://h'";
        for (organization, own, environment, key, want) in [
            ("", "capture = 'content'", "", "capture", InForce),
            ("capture = 'commands'", "capture = 'content'", "", "capture", Locked(managed(1))),
            ("capture = 'commands'", "capture = 'metadata'", "", "capture", InForce),
            ("capture = 'commands'", "capture = 'commands'", "", "capture", InForce),
            ("[defaults]\ncapture = 'metadata'", "capture = 'content'", "", "capture", InForce),
            ("", "capture = 'content'", "capture = 'metadata'", "capture", Overridden(variable.clone())),
            ("spool.max_age = '2h'", "spool.max_age = '3h'", "", "spool.max_age", Locked(managed(1))),
            ("drop.metrics = ['a']", "drop.metrics = ['b']", "", "drop.metrics", Locked(managed(1))),
            ("drop.metrics = ['a']", "drop.metrics = ['a', 'b']", "", "drop.metrics", InForce),
            ("redaction.allow = []", "redaction.allow = ['b9']", "", "redaction.allow", Locked(managed(1))),
            (
                "redaction.rules = [{ id = 'o', pattern = 'o{9}' }]",
                "redaction.rules = [{ id = 'm', pattern = 'm{9}' }]",
                "",
                "redaction.rules",
                Besides(managed(1)),
            ),
            ("levels.a = 'content'", "levels.a = 'metadata'", "", "levels.a", Locked(managed(1))),
            (
                "[destinations.org]\nendpoint = 'http://o'",
                destination,
                "",
                "destinations.a.endpoint",
                Locked(managed(2)),
            ),
            ("capture = 'metadata'", destination, "", "destinations.a.endpoint", InForce),
        ] {
            let sources = [(Managed, organization), (User, own), (Environment, environment)];
            let sources: Vec<_> = sources.iter().map(|(layer, text)| source(*layer, text)).collect();
            let path = keys::find(key).unwrap().path;
            assert_eq!(verdict(&sources, &path), want, "{organization} {own}");
        }
    }

    /// A text of a layer: some keys, each with one of its values.
    fn text(managed: bool) -> impl Strategy<Value = String> {
        const KEYS: [(&str, &[&str]); 15] = [
            ("capture", &["'metadata'", "'commands'", "'content'"]),
            ("summary", &["'off'", "'line'"]),
            ("claude", &["'/a'", "'/b'"]),
            ("spool.max_age", &["'2h'", "'3h'"]),
            ("spool.durability", &["'power'", "'process'"]),
            ("identity.email", &["'keep'", "'hash'", "'drop'"]),
            ("identity.user", &["'keep'", "'hash'", "'drop'"]),
            ("drop.metrics", &["[]", "['a']", "['a', 'b']"]),
            ("redaction.known_values", &["[]", "['files']", "['environment', '.env']"]),
            ("redaction.allow", &["[]", "['a9']", "['a9', 'b9']"]),
            ("redaction.rules", &["[]", "[{ id = 'x', pattern = 'x{9}' }]", "[{ id = 'y', pattern = 'y{9}' }]"]),
            ("levels.'a.b'", &["'metadata'", "'content'", "'drop'"]),
            ("destinations.a", &["{ endpoint = 'http://a' }", "{ endpoint = 'http://b', capture = 'content' }"]),
            (
                "destinations.b",
                &["{ endpoint = 'http://c' }", "{ endpoint = 7 }", "{ endpoint = 'http://c', signals = ['logs'] }"],
            ),
            ("captrue", &["'content'"]),
        ];
        let values = KEYS.map(|(key, values)| {
            // Only a person makes mistakes here: an organization's close everything.
            let sound = move |value: &&str| !managed || key != "captrue" && *value != "{ endpoint = 7 }";
            let values: Vec<_> = values.iter().copied().filter(sound).collect();
            let line = (0..=values.len() * 2)
                .prop_map(move |at| values.get(at.checked_sub(1)?).map(|value| format!("{key} = {value}\n")));
            line.boxed()
        });
        values.to_vec().prop_map(|lines| lines.into_iter().flatten().collect())
    }

    fn environment() -> impl Strategy<Value = Vec<Source>> {
        let values = ["", "metadata", "content", "keep", "hash", "files", "9999", "2h", "power"];
        let set = proptest::collection::vec(proptest::option::of(proptest::sample::select(values.to_vec())), 14);
        set.prop_map(|set| {
            let all = super::super::variables::VARIABLES.iter().zip(set);
            let set: BTreeMap<_, _> = all.filter_map(|(variable, value)| Some((variable.name, value?))).collect();
            super::super::variables::sources(|name| set.get(name).map(|value| (*value).to_owned()))
        })
    }

    proptest! {
        #[test]
        fn nobody_changes_loosens_or_removes_what_the_organization_says(
            organization in text(true), own in text(false), variables in environment()
        ) {
            let managed = source(Managed, &organization);
            let mut sources = vec![managed.clone(), source(User, &own)];
            sources.extend(variables);
            let theirs = Config::of(&[managed]).unwrap();
            let all = Config::of(&sources).unwrap();
            let says = |key: &str| organization.lines().any(|line| line.starts_with(&format!("{key} = ")));
            if says("capture") {
                prop_assert!(all.capture <= theirs.capture && all.capture.is_some());
                prop_assert!(all.destinations.iter().all(|it| Some(it.capture) <= theirs.capture));
            }
            prop_assert!(!says("summary") || all.summary == theirs.summary);
            prop_assert!(!says("claude") || all.claude == theirs.claude);
            prop_assert!(!says("spool.max_age") || all.spool.age == theirs.spool.age);
            prop_assert!(!says("spool.durability") || all.durability == theirs.durability);
            let stricter = |of: fn(&Policy) -> Treatment| of(&all.policy) >= of(&theirs.policy);
            prop_assert!(!says("identity.email") || stricter(|policy| policy.identity.email));
            prop_assert!(!says("identity.user") || stricter(|policy| policy.identity.user));
            prop_assert!(all.policy.drop.metrics.is_superset(&theirs.policy.drop.metrics));
            if says("redaction.known_values") {
                let (all, theirs) = (all.known_values.listed(), theirs.known_values.listed());
                prop_assert!(theirs.iter().all(|source| all.contains(source)));
            }
            for rule in &theirs.redaction.rules {
                prop_assert!(all.redaction.rules.contains(rule), "a rule is gone");
            }
            if says("redaction.allow") {
                let is_theirs = |pattern| theirs.redaction.allow.iter().any(|their| their.pattern == pattern);
                prop_assert!(all.redaction.allow.iter().all(|allow| is_theirs(allow.pattern.clone())));
            }
            if says("destinations.a") || says("destinations.b") {
                let names = |config: &Config| {
                    let all = config.destinations.iter();
                    all.map(|it| (it.name.clone(), it.endpoint.clone(), it.signals.clone())).collect::<Vec<_>>()
                };
                prop_assert_eq!(names(&all), names(&theirs));
            }
            // What is shown agrees.
            let table = Table::of(&sources).unwrap();
            for (path, origin) in super::managed(&sources) {
                let row = table.row(&path);
                prop_assert_eq!(row.and_then(|row| row.managed.as_ref()), Some(&origin), "{:?}", path);
                let kept = |value: &&Value| {
                    let leaf = leaves(&[source(Managed, &organization)]).remove(&path);
                    leaf.and_then(|leaf| leaf.shown).as_ref() == Some(*value)
                };
                let is_lowered = is_level_of_destination(&path) || path.first().is_some_and(|top| top == "levels");
                if Rule::of(&path) == Rule::Last && !is_lowered {
                    prop_assert!(row.and_then(|row| row.value.as_ref()).as_ref().is_some_and(kept), "{:?}", path);
                }
            }
            let capture = table.row(&["capture".to_owned()]).and_then(|row| row.value.clone());
            prop_assert_eq!(level(capture.as_ref()), all.capture.unwrap_or_default());
        }
    }
}
