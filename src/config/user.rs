//! The user's configuration file: its shape, and what is wrong with it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::known_values::KnownSources;
use super::mistakes::{self, Mistake};
use super::transport::{AuthTable, Compression, Protocol, Proxies, TlsTable, Transport};
use super::{Destination, Endpoint, EndpointError, Temporality, levels, redaction, spool};
use crate::otlp::Signal;
use crate::redact::{CaptureLevel, Dropped, Identity, Levels, MIN_ATTRIBUTE_BYTES, OwnRules, Policy, Trust};
use crate::secrets::Secret;
use crate::spool::{Bounds, Durability};

/// The largest configuration file that is read, in bytes.
pub const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// What a configuration file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserConfig {
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
    /// `[redaction] known_values = […]`.
    pub known_values: KnownSources,
    /// `[redaction]`: rules that are not checked yet.
    pub redaction: OwnRules,
    /// Tells the text of one file from that of another; 0 where there is none. The same in every process of this binary.
    pub fingerprint: u64,
}

/// `summary = "auto"`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Summary {
    /// As the situation says.
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
    /// A destination that cannot be one.
    #[error("{origin}: {source}")]
    Endpoint {
        /// Where it stands: a file and key, or a variable.
        origin: String,
        /// What is wrong with it.
        source: EndpointError,
    },
    /// A name that cannot be a directory's.
    #[error("{origin}: a destination's name is made of a-z, 0-9, _ and -, and begins with a letter or digit")]
    Name {
        /// Which file.
        origin: String,
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

fn place(path: &std::path::Path, line: Option<usize>) -> String {
    line.map_or_else(|| path.display().to_string(), |line| format!("{}:{line}", path.display()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    capture: Option<CaptureLevel>,
    summary: Option<Summary>,
    claude: Option<PathBuf>,
    #[serde(default)]
    redaction: redaction::Table,
    #[serde(default)]
    levels: levels::Table,
    #[serde(default)]
    identity: Identity,
    #[serde(default)]
    drop: Dropped,
    #[serde(default)]
    spool: spool::Table,
    #[serde(default)]
    destinations: BTreeMap<String, Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    endpoint: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    protocol: Protocol,
    signals: Option<Vec<Signal>>,
    auth: Option<AuthTable>,
    #[serde(default)]
    tls: TlsTable,
    #[serde(default)]
    compression: Compression,
    capture: Option<CaptureLevel>,
    #[serde(default, deserialize_with = "max_attribute_bytes")]
    max_attribute_bytes: Option<usize>,
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

impl UserConfig {
    /// Reads the text of a configuration file.
    pub fn parse(path: &std::path::Path, text: &str) -> Result<Self, ConfigError> {
        let (file, mistakes) = mistakes::read::<File>(text);
        let mut mistakes: Vec<_> = mistakes
            .into_iter()
            .map(|Mistake { line, what }| ConfigError::Invalid { path: path.to_owned(), line, what })
            .collect();
        let Some(file) = file else { return Err(ConfigError::of(mistakes).unwrap_or_else(|| unreadable(path))) };
        let ceiling = file.capture.unwrap_or_default();
        let (bounds, durability) = (file.spool.bounds(), file.spool.durability);
        let mut destinations = Vec::new();
        for (name, table) in file.destinations {
            match table.into_destination(path, name) {
                Ok(destination) => destinations.push(Destination {
                    capture: destination.capture.min(ceiling),
                    bounds,
                    durability,
                    ..destination
                }),
                Err(error) => mistakes.push(error),
            }
        }
        if let Some(error) = ConfigError::of(mistakes) {
            return Err(error);
        }
        let known_values = file.redaction.known_values();
        let redaction = file.redaction.into_rules(path, text);
        let policy = Policy {
            level: ceiling,
            levels: Levels::default().with(file.levels.into_placements(), Trust::Person),
            identity: file.identity,
            drop: file.drop,
        };
        Ok(Self {
            destinations,
            capture: file.capture,
            policy,
            summary: file.summary,
            claude: file.claude,
            spool: bounds,
            durability,
            known_values,
            redaction,
            fingerprint: fingerprint(text),
        })
    }
}

impl Table {
    /// What it says, at its own level and with bounds that are yet to be set.
    fn into_destination(self, path: &std::path::Path, name: String) -> Result<Destination, ConfigError> {
        if !is_destination_name(&name) {
            return Err(ConfigError::Name { origin: path.display().to_string() });
        }
        let endpoint = Endpoint::parse(&self.endpoint).map_err(|source| ConfigError::Endpoint {
            origin: format!("{}: destinations.{name}.endpoint", path.display()),
            source,
        })?;
        let wrong = |what: &str| ConfigError::Invalid {
            path: path.to_owned(),
            line: None,
            what: format!("destinations.{name}: {what}"),
        };
        let mut signals = self.signals.unwrap_or_else(|| Signal::ALL.to_vec());
        signals.sort_unstable();
        signals.dedup();
        if signals.is_empty() {
            return Err(wrong("signals is empty; leave it out for all, or the destination"));
        }
        let auth = self.auth.map(AuthTable::into_auth).transpose().map_err(wrong)?;
        let transport = Transport {
            protocol: self.protocol,
            compression: self.compression,
            tls: self.tls.into_tls().map_err(wrong)?,
            // Known when a run is prepared.
            proxies: Proxies::default(),
        };
        Ok(Destination {
            spool: name.clone(),
            auth,
            transport,
            signals,
            name,
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

fn unreadable(path: &std::path::Path) -> ConfigError {
    ConfigError::Unreadable { path: path.to_owned(), why: "it is no configuration".to_owned() }
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
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
    use std::path::Path;

    use super::*;
    use crate::redact::Placement;

    fn parse(text: &str) -> Result<UserConfig, ConfigError> {
        UserConfig::parse(Path::new("config.toml"), text)
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
                "config.toml: destinations.org: signals is empty",
            ),
            (
                "[destinations.org]\nendpoint = \"http://h\"\nauth = { token = \"file\", file = \"FAKE\" }",
                "config.toml: destinations.org: auth.file is an absolute path",
            ),
            (
                "[destinations.org]\nendpoint = \"http://h\"\ntls = { client_cert = \"/FAKE\" }",
                "config.toml: destinations.org: tls.client_cert and tls.client_key go together",
            ),
            ("[destinations.org]\nendpoint = \"ftp://FAKE\"", "config.toml: destinations.org.endpoint: the scheme"),
            ("[destinations.\"../x\"]\nendpoint = \"http://h\"", "config.toml: a destination's name"),
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
        let OwnRules { file, rules, allow } = parse(text).unwrap().redaction;
        assert_eq!(file, "config.toml");
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
