//! Layers of configuration, merged into one, and where each value came from.
//!
//! Lowest first: what is built in, `[defaults]` of the managed files, the user's file, variables, and everything else in the
//! managed files. What those say is final, but where values have an order the stricter of both counts; so does what is
//! listed to be masked or dropped by either. A destination is taken as a whole: parts of one and of another would send
//! the credential of one to the address of the other.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::mistakes;

/// Whose word it is; the later ones are the stronger.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// `[defaults]` of a managed file: the organization's, for who says nothing.
    Defaults,
    /// The user's file.
    User,
    /// A variable.
    Environment,
    /// A managed file: the organization's last word.
    Managed,
}

/// A text of a layer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Source {
    /// Whose it is; `[defaults]` are a part of a managed one.
    pub layer: Layer,
    /// What people call it: a path, or the name of a variable.
    pub name: String,
    /// TOML.
    pub text: String,
}

/// Where a value came from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Origin {
    /// Whose it is.
    pub layer: Layer,
    /// A path, or the name of a variable.
    pub name: String,
    /// Counted from 1; None for a variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Tells where a place in merged layers came from. Each source has a range of numbers of its own.
#[derive(Debug)]
pub(super) struct Places<'s> {
    starts: Vec<(usize, Layer, &'s Source)>,
    end: usize,
}

impl<'s> Places<'s> {
    fn parse(&mut self, layer: Layer, source: &'s Source) -> DeTable<'s> {
        let base = self.end;
        self.starts.push((base, layer, source));
        // One more, so that the end of one is not the start of the next.
        self.end += source.text.len() + 1;
        DeTable::parse(&source.text).map(|table| shifted(table.into_inner(), base)).unwrap_or_default()
    }

    /// Behind the last of them.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// Of the start of a span.
    pub(super) fn origin(&self, at: usize) -> Option<Origin> {
        let (start, layer, source) = self.starts.iter().rev().find(|(start, ..)| *start <= at)?;
        let line = (*layer != Layer::Environment).then(|| mistakes::line_of(&source.text, at - start));
        Some(Origin { layer: *layer, name: source.name.clone(), line })
    }
}

/// What all sources say together.
#[derive(Debug)]
pub(super) struct Merged<'s> {
    /// Of everything but what stands in the two below.
    pub table: DeTable<'s>,
    /// `[levels]` of the managed files: they may loosen, others may not.
    pub managed_levels: Option<Spanned<DeValue<'s>>>,
    /// Whether the organization says where everything goes.
    pub destinations_are_managed: bool,
    /// Whether the organization says which claude is run.
    pub claude_is_managed: bool,
    /// Where it all came from.
    pub places: Places<'s>,
}

/// Merges sources that are TOML; one that is not counts for nothing.
pub(super) fn merge(sources: &[Source]) -> Merged<'_> {
    let mut places = Places { starts: Vec::new(), end: 0 };
    let (mut lower, mut managed) = (DeTable::new(), DeTable::new());
    for source in sources.iter().filter(|source| source.layer == Layer::Managed) {
        let mut table = places.parse(Layer::Managed, source);
        table.remove("defaults");
        join(&mut managed, table);
        if let Some(DeValue::Table(defaults)) =
            places.parse(Layer::Defaults, source).remove("defaults").map(Spanned::into_inner)
        {
            join(&mut lower, defaults);
        }
    }
    let mut others: Vec<_> = sources.iter().filter(|source| source.layer != Layer::Managed).collect();
    others.sort_by_key(|source| source.layer);
    for source in others {
        let table = places.parse(source.layer, source);
        lay_over(&mut lower, table, &mut Vec::new());
    }
    let managed_levels = managed.remove("levels");
    let destinations_are_managed =
        managed.get("destinations").and_then(|it| it.get_ref().as_table()).is_some_and(|table| !table.is_empty());
    let claude_is_managed = managed.contains_key("claude");
    bind(&mut lower, managed, &mut Vec::new());
    Merged { table: lower, managed_levels, destinations_are_managed, claude_is_managed, places }
}

/// The same with all spans further on.
fn shifted(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    table.into_iter().map(|(key, value)| (moved(key, by), shifted_value(value, by))).collect()
}

fn shifted_value(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = value.span();
    let inner = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(shifted(table, by)),
        DeValue::Array(array) => {
            DeValue::Array(array.into_iter().map(|value| shifted_value(value, by)).collect::<DeArray<'_>>())
        }
        other => other,
    };
    Spanned::new(further(&span, by), inner)
}

fn moved(key: Spanned<DeString<'_>>, by: usize) -> Spanned<DeString<'_>> {
    let span = further(&key.span(), by);
    Spanned::new(span, key.into_inner())
}

fn further(span: &Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

/// Puts one file of the organization's over another: key by key, also within a destination.
fn join<'i>(lower: &mut DeTable<'i>, upper: DeTable<'i>) {
    for (key, value) in upper {
        match (lower.get_mut(&**key.get_ref()).map(Spanned::get_mut), parts(value)) {
            (Some(DeValue::Table(below)), (_, DeValue::Table(above))) => join(below, above),
            (Some(DeValue::Array(below)), (_, DeValue::Array(above))) if key.get_ref() == "rules" => add(below, above),
            (_, (span, value)) => put(lower, key, Spanned::new(span, value)),
        }
    }
}

/// Puts a stronger layer over a weaker one.
fn lay_over<'i>(lower: &mut DeTable<'i>, upper: DeTable<'i>, path: &mut Vec<String>) {
    for (key, value) in upper {
        path.push(key.get_ref().to_string());
        let rule = Rule::of(path);
        match (lower.get_mut(&**key.get_ref()).map(Spanned::get_mut), parts(value)) {
            (Some(DeValue::Table(below)), (_, DeValue::Table(above))) if rule != Rule::Unit => {
                lay_over(below, above, path);
            }
            (Some(DeValue::Array(below)), (_, DeValue::Array(above))) if rule == Rule::All => add(below, above),
            (_, (span, value)) => put(lower, key, Spanned::new(span, value)),
        }
        path.pop();
    }
}

/// Lets the organization have the last word.
fn bind<'i>(lower: &mut DeTable<'i>, managed: DeTable<'i>, path: &mut Vec<String>) {
    for (key, value) in managed {
        path.push(key.get_ref().to_string());
        let rule = Rule::of(path);
        match (rule, lower.get_mut(&**key.get_ref()).map(Spanned::get_mut), parts(value)) {
            (Rule::Destinations, Some(_), (_, DeValue::Table(above))) if above.is_empty() => {}
            (Rule::Stricter(order), Some(DeValue::String(below)), (_, DeValue::String(above)))
                if rank(order, below) > rank(order, &above) => {}
            (Rule::Least, Some(below), (_, above)) if number(below) <= number(&above) => {}
            (Rule::Either | Rule::All, Some(DeValue::Array(below)), (_, DeValue::Array(above))) => {
                let own = std::mem::replace(below, above);
                add(below, own);
            }
            (Rule::Both, Some(DeValue::Array(below)), (_, DeValue::Array(above))) => {
                let own = std::mem::replace(below, DeArray::new());
                for value in above {
                    if own.iter().any(|own| own.get_ref().as_str() == value.get_ref().as_str()) {
                        below.push(value);
                    }
                }
            }
            (Rule::Last, Some(DeValue::Table(below)), (_, DeValue::Table(above))) => bind(below, above, path),
            (_, _, (span, value)) => put(lower, key, Spanned::new(span, value)),
        }
        path.pop();
    }
}

fn parts(value: Spanned<DeValue<'_>>) -> (Range<usize>, DeValue<'_>) {
    (value.span(), value.into_inner())
}

/// With its own key, whose span is its origin too.
fn put<'i>(table: &mut DeTable<'i>, key: Spanned<DeString<'i>>, value: Spanned<DeValue<'i>>) {
    table.remove(&**key.get_ref());
    table.insert(key, value);
}

/// Adds what is not there already.
fn add<'i>(to: &mut DeArray<'i>, more: DeArray<'i>) {
    for value in more {
        let text = value.get_ref().as_str();
        if text.is_none() || to.iter().all(|known| known.get_ref().as_str() != text) {
            to.push(value);
        }
    }
}

/// How strict a word is; what is no word of the order is not strict at all.
fn rank(order: &[&str], word: &str) -> Option<usize> {
    order.iter().position(|known| *known == word)
}

/// A number as a double; what is none is the largest.
fn number(value: &DeValue<'_>) -> f64 {
    let number = match value {
        DeValue::Integer(number) => i128::from_str_radix(&number.as_str().replace('_', ""), number.radix())
            .ok()
            .and_then(|number| u32::try_from(number).ok())
            .map(f64::from),
        DeValue::Float(number) => number.as_str().replace('_', "").parse().ok(),
        _ => None,
    };
    number.unwrap_or(f64::INFINITY)
}

/// What becomes of a key that more than one layer has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rule {
    /// The strongest layer counts; in a table, for each of its keys.
    Last,
    /// A whole: nothing of another layer's is mixed into it.
    Unit,
    /// `[destinations]`: the organization's alone, where it has any.
    Destinations,
    /// The organization's, unless another is stricter. From the loosest on.
    Stricter(&'static [&'static str]),
    /// A number: the organization's, unless another is less.
    Least,
    /// A list of which each layer's replaces the weaker one's, but nothing of the organization's goes.
    Either,
    /// A list of which everything counts.
    All,
    /// A list of which that counts which the organization has too.
    Both,
}

impl Rule {
    pub(super) fn of(path: &[String]) -> Self {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match &*path {
            ["capture"] => Self::Stricter(&["content", "commands", "metadata"]),
            ["budget", _] => Self::Least,
            ["identity", _] => Self::Stricter(&["keep", "hash", "drop"]),
            ["destinations"] => Self::Destinations,
            ["destinations", _] => Self::Unit,
            ["redaction", "rules"] => Self::All,
            ["redaction", "known_values"] | ["drop", _] => Self::Either,
            ["redaction", "allow"] => Self::Both,
            _ => Self::Last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(layer: Layer, text: &str) -> Source {
        Source { layer, name: format!("{layer:?}").to_lowercase(), text: text.to_owned() }
    }

    /// `key = value @origin`, one after the other.
    fn merged(sources: &[(Layer, &str)]) -> Vec<String> {
        let sources: Vec<_> = sources.iter().map(|(layer, text)| source(*layer, text)).collect();
        let merged = merge(&sources);
        let mut all = Vec::new();
        tell(&merged.table, "", &merged.places, &mut all);
        all.sort();
        all
    }

    fn tell(table: &DeTable<'_>, path: &str, places: &Places<'_>, all: &mut Vec<String>) {
        for (key, value) in table {
            let path = format!("{path}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(table) => tell(table, &format!("{path}."), places, all),
                DeValue::Array(array) => {
                    for value in array {
                        let origin = places.origin(value.span().start).unwrap();
                        let value = value.get_ref().as_str().unwrap_or("{}").to_owned();
                        all.push(format!("{path} = {value} @{origin}"));
                    }
                }
                value => {
                    let number = value
                        .as_integer()
                        .map(toml::de::DeInteger::as_str)
                        .or(value.as_float().map(toml::de::DeFloat::as_str));
                    let text = value.as_str().or(number).map_or_else(|| format!("{value:?}"), str::to_owned);
                    all.push(format!("{path} = {text} @{}", places.origin(key.span().start).unwrap()));
                }
            }
        }
    }

    use Layer::{Environment, Managed, User};

    #[test]
    fn the_later_layer_counts_and_tells_its_line() {
        let layers = [
            (Managed, "[defaults]\ncapture = 'metadata'\nsummary = 'line'\nclaude = '/m'\n"),
            (Environment, "capture = 'content'"),
            (User, "\nsummary = 'off'\ncapture = 'commands'"),
        ];
        let want = ["capture = content @environment", "claude = /m @managed:4", "summary = off @user:2"];
        assert_eq!(merged(&layers), want);
    }

    #[test]
    fn what_the_organization_says_is_final_and_may_be_made_stricter() {
        for (organizations, own, want) in [
            ("capture = 'commands'", "capture = 'content'", "capture = commands @managed:1"),
            ("budget.day_usd = 50", "budget.day_usd = 1_000", "budget.day_usd = 50 @managed:1"),
            ("budget.day_usd = 50", "budget.day_usd = 49.5", "budget.day_usd = 49.5 @user:1"),
            ("budget.day_usd = 5e1", "budget.day_usd = 0x31", "budget.day_usd = 31 @user:1"),
            ("budget.day_usd = 50", "budget.day_usd = 'FAKE'", "budget.day_usd = 50 @managed:1"),
            ("capture = 'commands'", "capture = 'metadata'", "capture = metadata @user:1"),
            ("capture = 'commands'", "", "capture = commands @managed:1"),
            ("capture = 'commands'", "capture = 'commands'", "capture = commands @managed:1"),
            ("summary = 'line'", "summary = 'off'", "summary = line @managed:1"),
            ("identity.email = 'hash'", "identity.email = 'keep'", "identity.email = hash @managed:1"),
            ("identity.email = 'hash'", "identity.email = 'drop'", "identity.email = drop @user:1"),
            ("spool.max_age = '2h'", "spool.max_age = '9h'", "spool.max_age = 2h @managed:1"),
        ] {
            assert_eq!(merged(&[(User, own), (Managed, organizations)]), [want], "{organizations} {own}");
        }
    }

    #[test]
    fn what_is_masked_or_dropped_by_either_is_and_what_may_stay_needs_both() {
        let own = "redaction = { known_values = ['files'], allow = ['a', 'b'], rules = [{}] }\ndrop.metrics = ['x']";
        let organizations = "redaction = { known_values = ['environment', 'files'], allow = ['b', 'c'], rules = [{}] }\n\
                             drop.metrics = ['y']";
        let want = [
            "drop.metrics = x @user:2",
            "drop.metrics = y @managed:2",
            "redaction.allow = b @managed:1",
            "redaction.known_values = environment @managed:1",
            "redaction.known_values = files @managed:1",
            "redaction.rules = {} @managed:1",
            "redaction.rules = {} @user:1",
        ];
        assert_eq!(merged(&[(User, own), (Managed, organizations)]), want);
        assert!(merged(&[(User, "redaction.allow = ['a']"), (Managed, "redaction.allow = []")]).is_empty());
    }

    #[test]
    fn a_destination_is_taken_as_a_whole() {
        let defaults = "[defaults.destinations.org]\nendpoint = 'https://a'\nheaders = { token = 'FAKE' }";
        let own = "[destinations.org]\nendpoint = 'https://b'\n[destinations.mine]\nendpoint = 'https://c'";
        let want = ["destinations.mine.endpoint = https://c @user:4", "destinations.org.endpoint = https://b @user:2"];
        assert_eq!(merged(&[(Managed, defaults), (User, own)]), want);
        let organizations = "[destinations.org]\nendpoint = 'https://a'\n";
        assert_eq!(
            merged(&[(User, own), (Environment, own), (Managed, organizations)]),
            ["destinations.org.endpoint = https://a @managed:2"]
        );
    }

    #[test]
    fn files_of_the_organization_are_joined_key_by_key() {
        let first = "[destinations.org]\nendpoint = 'https://a'\nprotocol = 'grpc'\n[[redaction.rules]]\nid = 'x'";
        let second = "[destinations.org]\nprotocol = 'http/json'\n[[redaction.rules]]\nid = 'y'";
        let want = [
            "destinations.org.endpoint = https://a @managed:2",
            "destinations.org.protocol = http/json @managed:2",
            "redaction.rules = {} @managed:3",
            "redaction.rules = {} @managed:4",
        ];
        assert_eq!(merged(&[(Managed, first), (Managed, second)]), want);
    }

    #[test]
    fn levels_of_the_organization_stand_apart() {
        let sources = [source(User, "levels.a = 'drop'"), source(Managed, "levels.b = 'metadata'\ndestinations = {}")];
        let merged = merge(&sources);
        let keys =
            |value: &DeValue<'_>| value.as_table().unwrap().keys().map(|key| key.get_ref().to_string()).collect();
        let keys: [Vec<String>; 2] =
            [keys(merged.table["levels"].get_ref()), keys(merged.managed_levels.as_ref().unwrap().get_ref())];
        assert_eq!(keys, [["a"], ["b"]]);
        assert!(!merged.destinations_are_managed);
    }
}
