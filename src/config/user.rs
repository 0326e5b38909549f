//! The user's configuration file: its shape, and what is wrong with it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Destination, Endpoint, EndpointError};
use crate::otlp::Signal;
use crate::redact::CaptureLevel;
use crate::secrets::Secret;

/// The largest configuration file that is read, in bytes.
pub const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// What a configuration file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserConfig {
    /// In the order of their names.
    pub destinations: Vec<Destination>,
    /// `summary = "…"`, as written.
    pub summary: Option<Summary>,
    /// The claude to run, instead of the one on the search path.
    pub claude: Option<PathBuf>,
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
    destinations: BTreeMap<String, Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    endpoint: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    capture: Option<CaptureLevel>,
}

impl UserConfig {
    /// Reads the text of a configuration file.
    pub fn parse(path: &std::path::Path, text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| ConfigError::Invalid {
            path: path.to_owned(),
            line: error.span().map(|span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1),
            what: without_values(error.message()),
        })?;
        let ceiling = file.capture.unwrap_or(CaptureLevel::Content);
        let mut destinations = Vec::new();
        for (name, table) in file.destinations {
            let origin = format!("{}: destinations.{name}", path.display());
            if !is_destination_name(&name) {
                return Err(ConfigError::Name { origin: path.display().to_string() });
            }
            let endpoint = Endpoint::parse(&table.endpoint)
                .map_err(|source| ConfigError::Endpoint { origin: format!("{origin}.endpoint"), source })?;
            destinations.push(Destination {
                spool: name.clone(),
                name,
                endpoint,
                headers: table.headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
                capture: table.capture.unwrap_or_default().min(ceiling),
                signals: Signal::ALL.to_vec(),
            });
        }
        Ok(Self { destinations, summary: file.summary, claude: file.claude })
    }
}

/// Whether a text can name a destination, and so a directory.
pub fn is_destination_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
        && !name.starts_with(['_', '-'])
}

/// The parser's message with every quoted value taken out. Names of keys stand in backticks and stay.
fn without_values(message: &str) -> String {
    let mut text = String::new();
    for (index, part) in message.split('"').enumerate() {
        text.push_str(if index % 2 == 0 { part } else { "\"…\"" });
    }
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<UserConfig, ConfigError> {
        UserConfig::parse(Path::new("config.toml"), text)
    }

    #[test]
    fn a_destination_is_read_with_its_headers() {
        let config = parse("[destinations.org]\nendpoint = \"https://otlp.example.com/x\"\nheaders = { a = \"FAKE\" }");
        let [destination] = config.unwrap().destinations.try_into().unwrap();
        assert_eq!(destination.name, "org");
        assert_eq!(destination.headers, [("a".to_owned(), Secret::new("FAKE"))]);
        assert_eq!(destination.capture, CaptureLevel::Metadata);
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_without_any_value() {
        for (text, want) in [
            ("[destinations.org]\nendpiont = \"https://FAKE\"", "config.toml:2: unknown field `endpiont`"),
            ("summary = \"FAKE\"", "config.toml:1: unknown variant"),
            ("\n\ncapture = [", "config.toml:3: "),
            ("[destinations.org]\nendpoint = \"ftp://FAKE\"", "config.toml: destinations.org.endpoint: the scheme"),
            ("[destinations.\"../x\"]\nendpoint = \"http://h\"", "config.toml: a destination's name"),
            ("[destinations.org]\nendpoint = 7\nheaders = { a = \"FAKE\" }", "config.toml:2: invalid type"),
            ("[destinations.org]\nendpoint = \"http://h\"\nheaders = \"FAKE\"", "config.toml:3: invalid type"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error}");
            assert!(!error.contains("FAKE") || error.contains("`FAKE`"), "{error}");
        }
    }
}
