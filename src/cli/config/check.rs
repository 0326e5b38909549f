//! Edge: everything that is wrong with files and variables, also what is only found out later.

use std::fmt;

use serde::Serialize;
use serde_json::json;

use super::{CheckOptions, Failure, NO, put};
use crate::config::user::{MAX_CONFIG_BYTES, check as check_source};
use crate::config::{Config, ConfigError, Layer, Source, files, managed};
use crate::launch::{self, Given};
use crate::redact::{Custom, OwnRuleError};
use crate::report::{printable, safe_json};

/// Something is wrong.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(super) struct Mistake {
    /// A file, or a variable.
    file: String,
    /// Counted from 1.
    line: Option<usize>,
    /// Without any value.
    what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

impl Mistake {
    fn of(error: &ConfigError) -> Self {
        match error {
            ConfigError::Invalid { path, line, what } => {
                Self { file: path.display().to_string(), line: *line, what: what.clone() }
            }
            ConfigError::Unreadable { path, why } => {
                Self { file: path.display().to_string(), line: None, what: format!("cannot be read: {why}") }
            }
            ConfigError::Untrusted { path, part } => Self {
                file: path.display().to_string(),
                line: None,
                what: format!(
                    "is not trusted: {} must belong to root, and nobody else may write to it",
                    part.display()
                ),
            },
            ConfigError::Endpoint { origin, source } => {
                Self { file: origin.clone(), line: None, what: source.to_string() }
            }
            ConfigError::Several { first, .. } => Self::of(first),
        }
    }

    fn of_rule(error: OwnRuleError) -> Self {
        let (file, line) = (error.file.clone(), error.line);
        // It begins with its place otherwise.
        let what = OwnRuleError { file: String::new(), ..error }.to_string();
        Self { file, line, what }
    }
}

/// All that is wrong with these texts, each by itself and with the others.
pub(super) fn mistakes(sources: &[Source]) -> Vec<Mistake> {
    let rules = |sources: &[Source]| {
        let config = Config::of(sources).unwrap_or_default();
        Custom::new(config.redaction).err().unwrap_or_default().into_iter().map(Mistake::of_rule).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for source in sources {
        let wrong = check_source(source);
        all.extend(wrong.iter().map(Mistake::of));
        if wrong.is_empty() {
            all.extend(rules(std::slice::from_ref(source)));
        }
    }
    if all.is_empty() { rules(sources) } else { all }
}

pub(super) fn check(given: Given<'_>, options: &CheckOptions) -> Result<u8, Failure> {
    let (sources, mut wrong) = match &options.file {
        Some(file) => {
            let text = files::read_small(file, MAX_CONFIG_BYTES)
                .map_err(|source| Failure::Io { doing: format!("cannot read {}", file.display()), source })?;
            let layer = if options.managed { Layer::Managed } else { Layer::User };
            (vec![Source { layer, name: file.display().to_string(), text }], Vec::new())
        }
        None => everything(given),
    };
    wrong.extend(mistakes(&sources));
    let read: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let sound = wrong.is_empty();
    put(&if options.json {
        safe_json(&format!("{:#}\n", json!({ "sound": sound, "read": read, "mistakes": wrong })))
    } else if sound {
        let read =
            if read.is_empty() { "nothing is configured".to_owned() } else { format!("read {}", read.join(", ")) };
        format!("sound: {}\n", printable(&read, 4096).as_str())
    } else {
        let lines = wrong.iter().map(|it| printable(&it.to_string(), 1000).as_str().to_owned() + "\n");
        lines.collect()
    })?;
    Ok(if sound { 0 } else { NO })
}

/// What counts now, and what of it cannot be read.
fn everything(given: Given<'_>) -> (Vec<Source>, Vec<Mistake>) {
    let mut wrong = Vec::new();
    let mut sources = managed::read().unwrap_or_else(|error| {
        wrong.push(Mistake::of(&error));
        Vec::new()
    });
    let (own, unread) = launch::layers(given).own_sources();
    wrong.extend(unread.as_ref().map(Mistake::of));
    sources.extend(own);
    if let Some(url) = given.own("CC_OBSERVE_ENDPOINT")
        && let Err(source) = crate::config::Endpoint::parse(&url.to_string_lossy())
    {
        wrong.push(Mistake { file: "CC_OBSERVE_ENDPOINT".to_owned(), line: None, what: source.to_string() });
    }
    (sources, wrong)
}
