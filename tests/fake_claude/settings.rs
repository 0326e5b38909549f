//! Edge: which configuration wins, over environment and settings files, as in the real client.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use cc_observe::otlp::Signal;
use serde_json::Value;

use crate::arguments::Session;

/// Where tests put what would be `/etc/claude-code/managed-settings.json`.
pub(crate) const MANAGED: &str = "FAKE_CLAUDE_MANAGED";

/// What is in force: names and values, the strongest layer laid over the others.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    names: BTreeMap<String, String>,
    helper: Option<String>,
}

impl Settings {
    /// Process environment < user < project < local < the last `--settings` < managed.
    ///
    /// The error is what the client says before it exits with 1.
    pub(crate) fn in_force(session: &Session) -> Result<Self, String> {
        let mut settings = Self { names: environment(), helper: None };
        let from =
            |source: &str| session.sources.as_ref().is_none_or(|list| list.split(',').any(|s| s.trim() == source));
        if from("user") {
            settings.lay(read(&user_file()), |_| true);
        }
        for (source, file) in [("project", ".claude/settings.json"), ("local", ".claude/settings.local.json")] {
            if from(source) {
                settings.lay(read(Path::new(file)), a_checkout_may_set);
            }
        }
        if let Some(given) = &session.settings {
            settings.lay(given_settings(given)?, |_| true);
        }
        if let Some(managed) = std::env::var_os(MANAGED) {
            settings.lay(read(Path::new(&managed)), |_| true);
        }
        Ok(settings)
    }

    fn lay(&mut self, file: Option<Value>, may_set: fn(&str) -> bool) {
        let Some(file) = file else { return };
        // One key of a wrong type, and the whole file counts for nothing.
        let env = match file.get("env") {
            None => BTreeMap::new(),
            Some(Value::Object(map)) => map.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
            Some(_) => return,
        };
        match file.get("otelHeadersHelper") {
            None => {}
            Some(Value::String(command)) => self.helper = Some(command.clone()),
            Some(_) => return,
        }
        self.names.extend(env.into_iter().filter(|(name, _)| may_set(name)));
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.names.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| ["1", "true", "yes", "on"].contains(&value.to_lowercase().as_str()))
    }

    /// Whether this signal is exported over OTLP/HTTP at all.
    pub(crate) fn exports(&self, signal: Signal) -> bool {
        let of_signal = self.get(&format!("OTEL_EXPORTER_OTLP_{}_PROTOCOL", upper(signal)));
        let protocol = of_signal.or(self.get("OTEL_EXPORTER_OTLP_PROTOCOL")).unwrap_or("http/protobuf");
        let beta = ["CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "ENABLE_ENHANCED_TELEMETRY_BETA"];
        self.is_on("CLAUDE_CODE_ENABLE_TELEMETRY")
            && ["http/protobuf", "http/json"].contains(&protocol)
            && self
                .get(&format!("OTEL_{}_EXPORTER", upper(signal)))
                .is_some_and(|list| list.split(',').any(|e| e.trim() == "otlp"))
            && (signal != Signal::Traces || beta.iter().any(|name| self.is_on(name)))
    }

    /// The URL that this signal is posted to.
    pub(crate) fn url(&self, signal: Signal) -> String {
        if let Some(own) = self.get(&format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", upper(signal))) {
            return own.to_owned();
        }
        let base = self.get("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap_or("http://localhost:4318");
        format!("{}{}", base.trim_end_matches('/'), signal.path())
    }

    /// The configured headers of this signal, general ones over its own, values as written.
    pub(crate) fn headers(&self, signal: Signal) -> Vec<(String, String)> {
        let own = self.get(&format!("OTEL_EXPORTER_OTLP_{}_HEADERS", upper(signal)));
        let mut headers: Vec<(String, String)> = Vec::new();
        for list in [own, self.get("OTEL_EXPORTER_OTLP_HEADERS")].into_iter().flatten() {
            for (name, value) in list.split(',').filter_map(|pair| pair.split_once('=')) {
                let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
                headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
                headers.push((name, value));
            }
        }
        headers
    }

    /// The command that prints the headers, which then come from nowhere else.
    pub(crate) fn headers_helper(&self) -> Option<&str> {
        self.helper.as_deref().filter(|command| !command.is_empty())
    }

    /// Whether bodies are sent compressed.
    pub(crate) fn gzip(&self) -> bool {
        self.get("OTEL_EXPORTER_OTLP_COMPRESSION") == Some("gzip")
    }

    /// A number of milliseconds.
    pub(crate) fn millis(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// Everything about telemetry that is in force, for the probe.
    pub(crate) fn telemetry(&self) -> BTreeMap<&str, &str> {
        let about = |name: &str| {
            ["OTEL_", "CLAUDE_CODE_OTEL_", "BETA_TRACING", "ENABLE_BETA", "TRACE"].iter().any(|p| name.starts_with(p))
                || name.contains("TELEMETRY")
        };
        let names = self.names.iter().filter(|(name, _)| about(name)).map(|(name, value)| (&**name, &**value));
        names.chain(self.headers_helper().map(|command| ("otelHeadersHelper", command))).collect()
    }
}

/// `LOGS`, `METRICS`, `TRACES`, as names of variables have it.
fn upper(signal: Signal) -> String {
    signal.as_str().to_uppercase()
}

fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn user_file() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".claude");
    std::env::var_os("CLAUDE_CONFIG_DIR").map_or_else(home, PathBuf::from).join("settings.json")
}

/// Inline JSON or a file; a file that is not there ends the client.
fn given_settings(given: &OsString) -> Result<Option<Value>, String> {
    let inline = given.to_str().map(str::trim).filter(|text| text.starts_with('{') && text.ends_with('}'));
    if let Some(value) = inline.and_then(|text| serde_json::from_str(text).ok()) {
        return Ok(Some(value));
    }
    let file = std::path::absolute(given).unwrap_or_else(|_| given.into());
    if fs::metadata(&file).is_err() {
        return Err(format!("Error: Settings file not found: {}", file.display()));
    }
    Ok(read(&file))
}

/// Strict JSON or nothing: a comment or a trailing comma, and the client ignores the file without a word.
fn read(file: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// What files of the project being worked on can bend, trusted or not.
fn a_checkout_may_set(name: &str) -> bool {
    let names = ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME"];
    let kinds = ["_INTERVAL", "_TEMPORALITY_PREFERENCE", "_LIMIT", "_MAX_QUEUE_SIZE"];
    names.contains(&name)
        || name.starts_with("OTEL_METRICS_INCLUDE_")
        || name.starts_with("OTEL_") && kinds.iter().any(|kind| name.ends_with(kind))
        || !name.starts_with("OTEL_") && !name.contains("TELEMETRY") && !name.contains("TRACING")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
