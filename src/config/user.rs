//! Configuration files: their shape, what all of them say together, and what is wrong with them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::Deserializer;

use super::known_values::KnownSources;
use super::layers::{self, Layer, Source};
use super::mistakes::{self, Mistake};
use super::transport::{AuthTable, Compression, Protocol, Proxies, TlsTable, Transport};
use super::{Budget, Destination, Endpoint, EndpointError, Temporality, budget, levels, redaction, spool};
use crate::otlp::Signal;
use crate::redact::{CaptureLevel, Dropped, Identity, Levels, MIN_ATTRIBUTE_BYTES, OwnRules, Policy, Trust};
use crate::secrets::Secret;
use crate::spool::{Bounds, Durability};

/// The largest configuration file that is read, in bytes.
pub const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// What a configuration file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// In the order of their names.
    pub destinations: Vec<Destination>,
    /// `capture = "…"`, as written: the ceiling of everything.
    pub capture: Option<CaptureLevel>,
    /// What the sinks are given, at the level of the ceiling: `[levels]`, `[identity]`, `[drop]`.
    pub policy: Policy,
    /// `summary = "…"`, as written.
    pub summary: Option<Summary>,
    /// The claude to run, instead of the one on the search path.
    pub claude: Option<PathBuf>,
    /// `[spool]`: how much may wait for each destination.
    pub spool: Bounds,
    /// `[spool] durability`.
    pub durability: Durability,
    /// `[budget]`: from which costs on something is said.
    pub budget: Budget,
    /// `[redaction] known_values = […]`.
    pub known_values: KnownSources,
    /// `[redaction]`: rules that are not checked yet.
    pub redaction: OwnRules,
    /// Tells these texts from others; 0 where there is none. The same in every process of this binary.
    pub fingerprint: u64,
    /// What the organization has to say, where it has.
    pub governed: Option<Governed>,
}

/// What managed files say of the others.
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file")]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Governed {
    /// Their paths, in the order in which they count.
    pub files: Vec<String>,
    /// `required = true`: without observation, no session.
    pub required: bool,
    /// `allow_unobserved = true`: `--unobserved` may be asked for.
    pub allows_unobserved: bool,
    /// `allow_spool_drop`: what waits may be removed undelivered.
    pub allows_drop: bool,
    /// `[destinations]` are the organization's: nobody else's count.
    pub destinations: bool,
    /// `claude = "…"` is the organization's.
    pub claude: bool,
    /// What is left out of the person's own configuration, since it is wrong: it must not switch off the organization's.
    pub left_out: Option<ConfigError>,
    /// What is wrong with the organization's: then no more than metadata is captured, and nothing is delivered.
    pub broken: Option<ConfigError>,
}

/// `summary = "auto"`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Summary {
    /// As the situation says.
    #[default]
    Auto,
    /// The whole picture.
    Full,
    /// One line.
    Line,
    /// The JSON document.
    Json,
    /// Nothing.
    Off,
}

/// Why a configuration cannot be used. No value of the file is ever repeated: it may be a credential.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// It is there and cannot be read.
    #[error("cannot read {path}: {why}", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The system's word for it.
        why: String,
    },
    /// Not TOML, or not of this shape.
    #[error("{place}: {what}", place = place(path, *line))]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: Option<usize>,
        /// What is wrong, without any value.
        what: String,
    },
    /// An address of the environment that cannot be one.
    #[error("{origin}: {source}")]
    Endpoint {
        /// The variable.
        origin: String,
        /// What is wrong with it.
        source: EndpointError,
    },
    /// A file of the organization's that somebody else can have written.
    #[error(
        "{path} is not trusted: {part} must belong to root, and nobody else may write to it",
        path = path.display(), part = part.display()
    )]
    Untrusted {
        /// Which file.
        path: PathBuf,
        /// The file, or a directory above it.
        part: PathBuf,
    },
    /// More than one thing is wrong.
    #[error("{first} (and {count} more: see `cc-observe config check`)", count = others.len())]
    Several {
        /// What stands first.
        first: Box<Self>,
        /// The rest, in their order.
        others: Vec<Self>,
    },
}

impl ConfigError {
    /// All of them as one. `None`: nothing is wrong.
    fn of(mut all: Vec<Self>) -> Option<Self> {
        if all.len() < 2 {
            return all.pop();
        }
        let others = all.split_off(1);
        Some(Self::Several { first: Box::new(all.pop()?), others })
    }

    /// One after the other.
    pub fn each(&self) -> Vec<&Self> {
        match self {
            Self::Several { first, others } => std::iter::once(&**first).chain(others).collect(),
            one => vec![one],
        }
    }
}

fn place(path: &Path, line: Option<usize>) -> String {
    line.map_or_else(|| path.display().to_string(), |line| format!("{}:{line}", path.display()))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "cc-observe configuration", description = "What a configuration file of cc-observe says.")]
pub(super) struct File {
    /// The ceiling of everything: the most that any destination is given.
    #[schemars(extend("default" = CaptureLevel::default()))]
    capture: Option<CaptureLevel>,
    /// What is shown when claude has exited, where stderr is a terminal.
    #[schemars(extend("default" = Summary::default()))]
    summary: Option<Summary>,
    /// The claude to run, instead of the first on PATH.
    claude: Option<PathBuf>,
    /// What is masked, and what is not.
    #[serde(default)]
    redaction: redaction::Table,
    /// Where an attribute stands, by `attribute` or `event.attribute`. In a user's file it only makes it stricter.
    #[serde(default)]
    levels: levels::Table,
    /// What becomes of who it was.
    #[serde(default)]
    identity: Identity,
    /// What is not given at any level.
    #[serde(default)]
    drop: Dropped,
    /// How much may wait on disk for each destination.
    #[serde(default)]
    spool: spool::Table,
    /// What may be spent before it is said, in the summary, the status line and at the start.
    #[serde(default)]
    budget: budget::Table,
    /// Where it is delivered to, by name: a-z, 0-9, _ and -, at most 64 long.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Table>")]
    destinations: BTreeMap<String, Spanned<Table>>,
    /// In managed files only: without observation, no session.
    #[schemars(with = "Option<bool>", extend("default" = false))]
    required: Option<Spanned<bool>>,
    /// In managed files only: whether `--unobserved` may be asked for. Without managed files, it may.
    #[schemars(with = "Option<bool>", extend("default" = false))]
    allow_unobserved: Option<Spanned<bool>>,
    /// In managed files only: whether `spool drop` removes what waits, undelivered.
    #[schemars(with = "Option<bool>", extend("default" = true))]
    allow_spool_drop: Option<Spanned<bool>>,
    /// In managed files only: what counts for who says nothing.
    #[schemars(with = "Option<Box<File>>")]
    defaults: Option<Spanned<Box<File>>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Destination")]
struct Table {
    /// A base URL, http or https; `/v1/logs` and its like are appended.
    endpoint: String,
    /// Sent with every request, values literally.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    headers: BTreeMap<String, String>,
    /// In which form.
    #[serde(default)]
    protocol: Protocol,
    /// What it is given.
    #[schemars(extend("default" = Signal::ALL))]
    signals: Option<Vec<Signal>>,
    /// What lets us in, fetched when it is needed.
    auth: Option<AuthTable>,
    /// Whom to trust, and who we are.
    #[serde(default)]
    tls: TlsTable,
    /// Whether bodies are compressed.
    #[serde(default)]
    compression: Compression,
    /// The most it is given; the ceiling counts too.
    #[schemars(extend("default" = CaptureLevel::default()))]
    capture: Option<CaptureLevel>,
    /// The longest value that it takes, in bytes; longer ones are shortened when they are sent.
    #[serde(default, deserialize_with = "max_attribute_bytes")]
    #[schemars(range(min = MIN_ATTRIBUTE_BYTES))]
    max_attribute_bytes: Option<usize>,
    /// How it is given what is counted.
    #[serde(default)]
    temporality: Temporality,
}

fn max_attribute_bytes<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    let bytes = usize::deserialize(from)?;
    if bytes < MIN_ATTRIBUTE_BYTES {
        return Err(serde::de::Error::custom(format_args!("max_attribute_bytes is at least {MIN_ATTRIBUTE_BYTES}")));
    }
    Ok(Some(bytes))
}

impl File {
    /// Where the keys of [`super::keys::MANAGED_ONLY`] stand.
    fn managed_only(&self) -> [(&'static str, Option<usize>); 3] {
        let [drop, unobserved, required] = super::keys::MANAGED_ONLY;
        [(drop, &self.allow_spool_drop), (unobserved, &self.allow_unobserved), (required, &self.required)]
            .map(|(key, value)| (key, value.as_ref().map(|value| value.span().start)))
    }
}

impl Config {
    /// Reads the text of a user's configuration file.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        Self::of(&[Source { layer: Layer::User, name, text: text.to_owned() }])
    }

    /// What all layers say together.
    ///
    /// A mistake of the person's own is an error where nobody else has a say. Where the organization has, what is wrong
    /// is left out, and the rest counts. A mistake of the organization's closes everything.
    pub fn of(sources: &[Source]) -> Result<Self, ConfigError> {
        let is_managed = |source: &Source| source.layer == Layer::Managed;
        let wrong = |managed| {
            let sources = sources.iter().filter(move |source| is_managed(source) == managed);
            ConfigError::of(sources.flat_map(check).collect())
        };
        if let Some(error) = wrong(true) {
            return Ok(Self { fingerprint: fingerprint(sources), ..Self::closed(error) });
        }
        let is_governed = sources.iter().any(is_managed);
        let left_out = match wrong(false) {
            Some(error) if !is_governed => return Err(error),
            left_out => left_out,
        };
        let mut config = Self::merged(&sound(sources, left_out.is_some()))?;
        config.fingerprint = fingerprint(sources);
        if let Some(governed) = &mut config.governed {
            governed.left_out = left_out;
        }
        Ok(config)
    }

    /// What counts where the organization's files cannot be used.
    pub fn closed(why: ConfigError) -> Self {
        let level = CaptureLevel::Metadata;
        Self {
            capture: Some(level),
            policy: Policy { level, ..Policy::default() },
            governed: Some(Governed { destinations: true, broken: Some(why), ..Governed::default() }),
            ..Self::default()
        }
    }

    /// The same of sources in which nothing is wrong.
    fn merged(sources: &[Source]) -> Result<Self, ConfigError> {
        let layers::Merged { table, managed_levels, destinations_are_managed, claude_is_managed, places } =
            layers::merge(sources);
        let told = |error: &toml::de::Error| {
            let origin = error.span().and_then(|span| places.origin(span.start));
            let path = PathBuf::from(origin.as_ref().map_or("", |origin| &origin.name));
            let line = origin.and_then(|origin| origin.line);
            ConfigError::Invalid { path, line, what: mistakes::without_values(error.message()) }
        };
        let end = places.end();
        let file = File::deserialize(Deserializer::from(Spanned::new(0..end, table))).map_err(|error| told(&error))?;
        let managed_levels = managed_levels
            .map(|levels| levels::Table::deserialize(levels.into_deserializer()))
            .transpose()
            .map_err(|error| told(&error))?
            .unwrap_or_default();
        let ceiling = file.capture.unwrap_or_default();
        let (bounds, durability) = (file.spool.bounds(), file.spool.durability);
        let mut destinations = Vec::new();
        for (name, table) in file.destinations {
            let destination = table.into_inner().into_destination(&name, "", None)?;
            let capture = destination.capture.min(ceiling);
            destinations.push(Destination { capture, bounds, durability, ..destination });
        }
        let levels = Levels::default()
            .with(managed_levels.into_placements(), Trust::Managed)
            .with(file.levels.into_placements(), Trust::Person);
        let files = sources.iter().filter(|source| source.layer == Layer::Managed);
        let files: Vec<_> = files.map(|source| source.name.clone()).collect();
        Ok(Self {
            destinations,
            capture: file.capture,
            policy: Policy { level: ceiling, levels, identity: file.identity, drop: file.drop },
            summary: file.summary,
            claude: file.claude,
            spool: bounds,
            durability,
            budget: file.budget.into(),
            known_values: file.redaction.known_values(),
            redaction: file.redaction.into_rules(&places),
            fingerprint: 0,
            governed: (!files.is_empty()).then(|| Governed {
                files,
                required: file.required.is_some_and(Spanned::into_inner),
                allows_unobserved: file.allow_unobserved.is_some_and(Spanned::into_inner),
                allows_drop: file.allow_spool_drop.is_none_or(Spanned::into_inner),
                destinations: destinations_are_managed,
                claude: claude_is_managed,
                left_out: None,
                broken: None,
            }),
        })
    }
}

/// Those that count, where something is wrong with some.
pub(super) fn sound(sources: &[Source], some_are_wrong: bool) -> Vec<Source> {
    sources.iter().filter(|source| !some_are_wrong || check(source).is_empty()).cloned().collect()
}

/// All that is wrong with a text of a layer by itself.
pub fn check(source: &Source) -> Vec<ConfigError> {
    let Source { layer, name, text } = source;
    let path = PathBuf::from(name);
    let (file, wrong) = mistakes::read::<File>(text);
    let invalid = |line: Option<usize>, what: String| ConfigError::Invalid {
        path: path.clone(),
        line: line.filter(|_| *layer != Layer::Environment),
        what,
    };
    let mut wrong: Vec<_> = wrong.into_iter().map(|Mistake { line, what }| invalid(line, what)).collect();
    let Some(file) = file else { return wrong };
    let mut managed_only = |key: &str, at: Option<usize>| {
        if let Some(at) = at {
            wrong.push(invalid(Some(mistakes::line_of(text, at)), format!("`{key}` counts in managed files only")));
        }
    };
    let start = |span: std::ops::Range<usize>| span.start;
    let on_top = file.managed_only();
    let defaults = file.defaults.map(|defaults| (start(defaults.span()), *defaults.into_inner()));
    if *layer == Layer::Managed {
        for (key, at) in defaults.iter().flat_map(|(_, below)| below.managed_only()) {
            managed_only(&format!("defaults.{key}"), at);
        }
    } else {
        for (key, at) in on_top {
            managed_only(key, at);
        }
        managed_only("defaults", defaults.as_ref().map(|(at, _)| *at));
    }
    let below = defaults.map(|(_, below)| below.destinations).unwrap_or_default();
    let tables = below.into_iter().chain(file.destinations);
    wrong.extend(tables.filter_map(|(table, it)| {
        let line = (*layer != Layer::Environment).then(|| mistakes::line_of(text, it.span().start));
        it.into_inner().into_destination(&table, name, line).err()
    }));
    wrong
}

impl Table {
    /// What it says, at its own level and with bounds that are yet to be set.
    fn into_destination(self, name: &str, file: &str, line: Option<usize>) -> Result<Destination, ConfigError> {
        let wrong = |what: String| ConfigError::Invalid { path: file.into(), line, what };
        if !is_destination_name(name) {
            let rule = "a destination's name is made of a-z, 0-9, _ and -, and begins with a letter or digit";
            return Err(wrong(rule.to_owned()));
        }
        let endpoint = Endpoint::parse(&self.endpoint)
            .map_err(|source| wrong(format!("destinations.{name}.endpoint: {source}")))?;
        let wrong =
            |what: &str| ConfigError::Invalid { path: file.into(), line, what: format!("destinations.{name}: {what}") };
        let mut signals = self.signals.unwrap_or_else(|| Signal::ALL.to_vec());
        signals.sort_unstable();
        signals.dedup();
        if signals.is_empty() {
            return Err(wrong("signals is empty; leave it out for all, or the destination"));
        }
        let auth = self.auth.map(|auth| auth.into_auth(name)).transpose().map_err(wrong)?;
        let transport = Transport {
            protocol: self.protocol,
            compression: self.compression,
            tls: self.tls.into_tls().map_err(wrong)?,
            // Known when a run is prepared.
            proxies: Proxies::default(),
        };
        Ok(Destination {
            spool: name.to_owned(),
            auth,
            transport,
            signals,
            name: name.to_owned(),
            endpoint,
            headers: self.headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
            capture: self.capture.unwrap_or_default(),
            max_attribute_bytes: self.max_attribute_bytes,
            temporality: self.temporality,
            bounds: Bounds::DEFAULT,
            durability: Durability::default(),
        })
    }
}

fn fingerprint(sources: &[Source]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for source in sources {
        (source.layer, &source.text).hash(&mut hasher);
    }
    hasher.finish()
}

/// Whether a text can name a destination, and so a directory.
pub fn is_destination_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
        && !name.starts_with(['_', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Placement;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(Path::new("config.toml"), text)
    }

    #[test]
    fn a_destination_is_read_with_its_headers() {
        let config = parse("[destinations.org]\nendpoint = \"https://otlp.example.com/x\"\nheaders = { a = \"FAKE\" }");
        let [destination] = config.unwrap().destinations.try_into().unwrap();
        assert_eq!(destination.name, "org");
        assert_eq!(destination.headers, [("a".to_owned(), Secret::new("FAKE"))]);
        assert_eq!((destination.capture, destination.temporality), (CaptureLevel::Commands, Temporality::Delta));
    }

    #[test]
    fn a_destination_says_how_it_is_spoken_to() {
        let config = parse(
            "[destinations.org]\nendpoint = \"https://h\"\nprotocol = \"grpc\"\ncompression = \"none\"\n\
             signals = [\"traces\", \"logs\", \"logs\"]\nauth = { token = \"env\", env = \"ORG_TOKEN\" }\n\
             tls = { ca_file = \"/etc/ca.pem\" }\ntemporality = \"cumulative\"",
        );
        let [destination] = config.unwrap().destinations.try_into().unwrap();
        assert_eq!(destination.signals, [Signal::Logs, Signal::Traces]);
        assert_eq!(destination.temporality, Temporality::Cumulative);
        let Transport { protocol, compression, tls, .. } = destination.transport;
        assert_eq!((protocol, compression), (Protocol::Grpc, Compression::None));
        assert_eq!(tls.ca_file.as_deref(), Some(Path::new("/etc/ca.pem")));
        assert_eq!(destination.auth.unwrap().header, "Authorization");
    }

    #[test]
    fn content_leaves_only_where_both_the_ceiling_and_the_destination_say_so() {
        use CaptureLevel::{Commands, Content, Metadata};
        for (ceiling, own, want) in [
            ("", "", Commands),
            ("", "content", Commands),
            ("content", "", Commands),
            ("content", "content", Content),
            ("metadata", "content", Metadata),
            ("commands", "metadata", Metadata),
        ] {
            let key = |level: &str| if level.is_empty() { String::new() } else { format!("capture = \"{level}\"\n") };
            let text = format!("{}[destinations.org]\nendpoint = \"http://h\"\n{}", key(ceiling), key(own));
            assert_eq!(parse(&text).unwrap().destinations[0].capture, want, "{text}");
        }
    }

    #[test]
    fn levels_identity_and_dropped_names_are_a_policy() {
        let text = "capture = \"content\"\n[levels]\n\"tool_result.tool_input\" = \"content\"\n\
                    tool_result.vcs.ref.head.name = \"drop\"\n\
                    [identity]\nemail = \"hash\"\n[drop]\nmetrics = [\"session.count\"]\n";
        let policy = parse(text).unwrap().policy;
        assert_eq!(policy.level, CaptureLevel::Content);
        let table = [
            ("tool_result.tool_input".to_owned(), Placement::Content),
            ("tool_result.vcs.ref.head.name".to_owned(), Placement::Drop),
        ];
        assert_eq!(policy.levels, Levels::default().with(table.into(), Trust::Person));
        assert_eq!(policy.identity.email, crate::redact::Treatment::Hash);
        assert!(policy.drop.metrics.contains("session.count"));
    }

    #[test]
    fn the_sources_of_known_values_are_those_that_are_listed() {
        let sources = |text| parse(text).unwrap().known_values;
        let environment = KnownSources { environment: true, dotenv: false, files: false };
        assert_eq!(sources(""), environment);
        assert_eq!(sources("[redaction]"), environment);
        assert_eq!(sources("[redaction]\nknown_values = []"), KnownSources { environment: false, ..environment });
        let all = KnownSources { environment: true, dotenv: true, files: true };
        assert_eq!(sources("[redaction]\nknown_values = [\"files\", \".env\", \"environment\"]"), all);
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_without_any_value() {
        for (text, want) in [
            (
                "[destinations.org]\nendpiont = \"https://FAKE\"",
                "config.toml:2: unknown key `endpiont`; did you mean `endpoint`?",
            ),
            ("[destinations.org]\ncapture = \"metadata\"", "config.toml:1: missing field `endpoint`"),
            ("summary = \"FAKE\"", "config.toml:1: unknown variant …, expected one of `auto`, `full`"),
            ("summary = \"a`, expected `FAKE\"", "config.toml:1: unknown variant …, expected one of `auto`, `full`"),
            ("summary = \"\"\"\nFAKE\nFAKE`\"\"\"", "config.toml:1: unknown variant …, expected one of"),
            ("claude = 1234567890", "config.toml:1: invalid type: integer …, expected path string"),
            ("destinations = \"a \\\" FAKE\"", "config.toml:1: invalid type: string …, expected a map"),
            ("\"FAKE, expected `\" = 1", "config.toml:1: unknown field …, expected one of `capture`"),
            ("summary = 'full'\nsummary = 'FAKE'", "config.toml:2: duplicate key"),
            (
                "[redaction]\nknown_values = [\"FAKE\"]",
                "config.toml:2: unknown variant …, expected one of `environment`, `.env`, `files`",
            ),
            (
                "[redaction]\nknown_value = [\"FAKE\"]",
                "config.toml:2: unknown key `known_value`; did you mean `known_values`?",
            ),
            ("headers = FAKE", "config.toml:1: "),
            ("[levels]\n\"tool_result.tool_input\" = \"FAKE\"", "config.toml:2: unknown variant …, expected one of"),
            ("[levels]\na.b = 7", "config.toml:2: invalid type: integer …, expected a level"),
            ("[identity]\nemial = \"hash\"", "config.toml:2: unknown key `emial`; did you mean `email`?"),
            ("[drop]\nattribute = []", "config.toml:2: unknown key `attribute`; did you mean `attributes`?"),
            (
                "[destinations.org]\nendpoint = \"http://h\"\nmax_attribute_bytes = 8",
                "config.toml:3: max_attribute_bytes is at least 256",
            ),
            ("\n\ncapture = [", "config.toml:3: "),
            (
                "[destinations.org]\nendpoint = \"http://h\"\nprotocol = \"FAKE\"",
                "config.toml:3: unknown variant …, expected one of `http/protobuf`, `http/json`, `grpc`",
            ),
            (
                "[destinations.org]\nendpoint = \"http://h\"\ntemporality = \"FAKE\"",
                "config.toml:3: unknown variant …, expected `delta` or `cumulative`",
            ),
            (
                "[destinations.org]\nendpoint = \"http://h\"\nsignals = []",
                "config.toml:1: destinations.org: signals is empty",
            ),
            (
                "[destinations.org]\nendpoint = \"http://h\"\nauth = { token = \"file\", file = \"FAKE\" }",
                "config.toml:1: destinations.org: auth.file is an absolute path",
            ),
            (
                "[destinations.org]\nendpoint = \"http://h\"\ntls = { client_cert = \"/FAKE\" }",
                "config.toml:1: destinations.org: tls.client_cert and tls.client_key go together",
            ),
            ("[destinations.org]\nendpoint = \"ftp://FAKE\"", "config.toml:1: destinations.org.endpoint: the scheme"),
            ("[destinations.\"../x\"]\nendpoint = \"http://h\"", "config.toml:1: a destination's name"),
            ("[destinations.org]\nendpoint = 7\nheaders = { a = \"FAKE\" }", "config.toml:2: invalid type"),
            ("[destinations.org]\nendpoint = \"http://h\"\nheaders = \"FAKE\"", "config.toml:3: invalid type"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error}");
            for value in ["FAKE", "1234567890", "\n"] {
                assert!(!error.contains(value), "{error}");
            }
        }
    }

    #[test]
    fn own_rules_are_read_with_the_lines_where_they_stand() {
        let text = "[redaction]\nallow = [\n'a',\n'b']\n\n[[redaction.rules]]\nid = \"x\"\npattern = '\\d{9}'\n\
                    examples = ['123456789']\n\n# Two.\n[[redaction.rules]]\nid = \"y\"\npattern = \"(\"\nanchor = 'z'\nwhat = 'Y'";
        let OwnRules { rules, allow } = parse(text).unwrap().redaction;
        assert!(rules.iter().all(|rule| rule.file == "config.toml"));
        let [x, y] = rules.try_into().unwrap();
        assert_eq!((&*x.id, &*x.pattern, x.examples.len(), x.anchor, x.line), ("x", "\\d{9}", 1, None, Some(6)));
        assert_eq!((y.anchor.as_deref(), y.what.as_deref(), y.line), (Some("z"), Some("Y"), Some(12)));
        let allow: Vec<_> = allow.iter().map(|allow| (&*allow.pattern, allow.line)).collect();
        assert_eq!(allow, [("a", Some(3)), ("b", Some(4))]);
    }

    #[test]
    fn a_key_of_a_rule_that_is_none_is_an_error_of_the_file() {
        let error = parse("[[redaction.rules]]\nid = \"x\"\npatern = \"FAKE\"").unwrap_err().to_string();
        assert!(error.starts_with("config.toml:3: unknown key `patern`; did you mean `pattern`?"), "{error}");
        let error = parse("[[redaction.rules]]\nid = \"x\"\n").unwrap_err().to_string();
        assert!(error.starts_with("config.toml:1: missing field `pattern`"), "{error}");
    }

    #[test]
    fn a_mistyped_key_is_repeated_up_to_a_length() {
        let key = "k".repeat(1000);
        let error = parse(&format!("{key} = 1")).unwrap_err().to_string();
        assert!(error.contains(&format!("`{}`", "k".repeat(64))), "{error}");
    }
}
