//! Edge: what of Claude Code's own settings bears on its telemetry, for who examines a machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};
use serde_json::{Map, Value};

use super::given::Given;
use super::prepare::{destinations, managed_settings, persons_variables, read_config, user_settings};
use super::{settings, wrapper};
use crate::config::files;
use crate::report::Note;

/// What is found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClaudeSettings {
    /// Managed settings files that take the telemetry past us.
    pub beyond: Vec<Taking>,
    /// What a server or a gateway manages, as Claude Code last had it from there, if it takes the telemetry past us.
    pub remote: Option<Taking>,
    /// The user's file that Claude Code ignores whole, and why.
    pub ignored: Option<(PathBuf, String)>,
    /// What the person exports besides, as `NAME=value`. It goes past us, unmasked.
    pub besides: Vec<String>,
    /// What the person has in front of background processes.
    pub wrapper: Option<Wrapping>,
}

/// A settings file, and the keys of it that say where telemetry goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Taking {
    /// The file.
    pub path: PathBuf,
    /// `otelHeadersHelper`, `env.OTEL_LOGS_EXPORTER`, …
    pub keys: Vec<String>,
}

/// A process wrapper that is not ours.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wrapping {
    /// The organization's, in this managed file: it is started in the place of ours.
    Managed(PathBuf),
    /// It is started behind ours.
    Kept {
        /// Its first word.
        program: String,
    },
    /// Its program is not there, or cannot be executed.
    Missing {
        /// Its first word.
        program: String,
        /// Where that is said.
        place: String,
    },
    /// It is no list of words.
    Unreadable {
        /// Where it is said.
        place: String,
    },
}

/// Reads what there is. Nothing is started.
pub fn examine(given: Given<'_>) -> ClaudeSettings {
    let mut found = ClaudeSettings::default();
    let mut managed_wrapper = None;
    for (path, settings) in managed_settings() {
        if wrapper::of_settings(&settings).is_some() {
            managed_wrapper = Some(Wrapping::Managed(path.clone()));
        }
        let keys = settings::telemetry_keys(&settings);
        if !keys.is_empty() {
            found.beyond.push(Taking { path, keys });
        }
    }
    let directory = given.claude_directory();
    found.remote = directory.as_deref().and_then(|directory| {
        let path = directory.join("remote-settings.json");
        let text = files::read_small(&path, settings::MAX_SETTINGS_BYTES).ok()?;
        let keys = settings::telemetry_keys(&remote(settings::parse(&text).ok()?));
        (!keys.is_empty()).then_some(Taking { path, keys })
    });
    let user = user_settings(given);
    if user.is_none() {
        found.ignored = directory.and_then(|directory| ignored(directory.join("settings.json")));
    }
    let person = persons_variables(given, [user.as_ref().map(|(_, user)| user), None]);
    for signal in ["LOGS", "METRICS", "TRACES"] {
        let name = format!("OTEL_{signal}_EXPORTER");
        let others = person.get(&name).map(String::as_str).unwrap_or_default().split(',').map(str::trim);
        let others: Vec<&str> = others.filter(|other| matches!(*other, "console" | "prometheus")).collect();
        if !others.is_empty() {
            found.besides.push(format!("{name}={}", others.join(",")));
        }
    }
    found.besides.extend(["OTEL_LOG_RAW_API_BODIES"].into_iter().filter_map(|name| {
        person.get(name).filter(|value| value.starts_with("file:")).map(|value| format!("{name}={value}"))
    }));
    found.wrapper = managed_wrapper.or_else(|| persons_wrapper(given, user.as_ref()));
    found
}

/// What is wrong with the person's own destination.
pub fn wrong_with_the_persons(given: Given<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Ok(config) = read_config(given) {
        let user = user_settings(given);
        let person = persons_variables(given, [user.as_ref().map(|(_, user)| user), None]);
        // What cannot be used is told by the notes, the rest is not wanted.
        let _ = destinations(given, config, &person, &mut notes);
    }
    notes.retain(|note| matches!(note, Note::EndpointNotSupported { .. } | Note::EndpointNotUsable { .. }));
    notes
}

/// What a server sent stands there as it is, or below a key.
fn remote(mut all: Map<String, Value>) -> Map<String, Value> {
    match all.remove("settings") {
        Some(Value::Object(inner)) => inner,
        _ => all,
    }
}

/// A file that is there and that Claude Code does not read, and why.
fn ignored(path: PathBuf) -> Option<(PathBuf, String)> {
    let why = match files::read_small(&path, settings::MAX_SETTINGS_BYTES) {
        Ok(text) => match serde_json::from_str::<Value>(&text) {
            Ok(value) if value.is_object() => return None,
            Ok(_) => "it is not a JSON object".to_owned(),
            Err(error) => format!("it is not strict JSON, at line {}, column {}", error.line(), error.column()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => error.to_string(),
    };
    Some((path, why))
}

fn persons_wrapper(given: Given<'_>, user: Option<&(PathBuf, Map<String, Value>)>) -> Option<Wrapping> {
    let in_settings = user.and_then(|(path, user)| {
        let (key, text) = wrapper::of_settings(user)?;
        Some((text, format!("{key} in {}", path.display())))
    });
    let in_environment = || Some((given.get(wrapper::VARIABLE)?.to_str()?.to_owned(), wrapper::VARIABLE.to_owned()));
    // A setting of the other name is weaker than the variable.
    let is_weak = in_settings.as_ref().is_some_and(|(_, place)| place.starts_with(wrapper::SETTING));
    let (text, place) = if is_weak { in_environment().or(in_settings) } else { in_settings.or_else(in_environment) }?;
    if text.trim().is_empty() || wrapper::is_ours(&text) {
        return None;
    }
    let Some(program) = wrapper::first_word(&text) else { return Some(Wrapping::Unreadable { place }) };
    let path = Path::new(&program);
    // What has no slash is looked for by Claude Code, where it is started.
    let is_there = !program.contains('/') || path.is_file() && access(path, AccessFlags::X_OK).is_ok();
    Some(if is_there { Wrapping::Kept { program } } else { Wrapping::Missing { program, place } })
}

/// Whether a path can be executed, or is a name that the search path leads from to what can.
pub fn is_program(program: &str, search: Option<&OsStr>) -> bool {
    let can = |path: &Path| path.is_file() && access(path, AccessFlags::X_OK).is_ok();
    if program.contains('/') {
        return can(Path::new(program));
    }
    search.is_some_and(|search| std::env::split_paths(search).any(|directory| can(&directory.join(program))))
}
