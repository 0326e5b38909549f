//! Edge: prepares a run: reads what the person has, binds the port, writes the settings file.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, SockaddrIn};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::argv::{Arguments, Kind};
use super::environment::{self, NAMES, Run};
use super::settings::{self, MAX_SETTINGS_BYTES, SettingsError};
use crate::config::person::{Found, Unsupported, Unusable};
use crate::config::user::Summary;
use crate::config::{self, ConfigError, Destination, Endpoint, UserConfig, files, paths, person, user};
use crate::otlp::Signal;
use crate::redact::CaptureLevel;
use crate::relay::control::{SentDestination, SentPath};
use crate::report::Note;

/// How many connections may wait before the relay has begun to accept.
const BACKLOG: i32 = 64;

/// The name of the destination that `CC_OBSERVE_ENDPOINT` makes.
const ENDPOINT_DESTINATION: &str = "endpoint";

/// Variables that tell which job of which continuous integration this is.
const CI_VARIABLES: &[&str] = &[
    "CI",
    "GITHUB_ACTIONS",
    "GITHUB_WORKFLOW",
    "GITHUB_RUN_ID",
    "GITHUB_JOB",
    "GITHUB_REPOSITORY",
    "GITHUB_SERVER_URL",
    "GITLAB_CI",
    "CI_PIPELINE_ID",
    "CI_PIPELINE_NAME",
    "CI_PIPELINE_URL",
    "CI_JOB_NAME",
    "BUILDKITE",
    "BUILDKITE_PIPELINE_SLUG",
    "BUILDKITE_BUILD_ID",
    "BUILDKITE_BUILD_URL",
    "BUILDKITE_LABEL",
    "CIRCLECI",
    "CIRCLE_WORKFLOW_ID",
    "CIRCLE_JOB",
    "CIRCLE_BUILD_URL",
    "JENKINS_URL",
    "JOB_NAME",
    "BUILD_ID",
    "BUILD_URL",
];

/// Why a run cannot be observed. Claude runs all the same, without exporting.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No directory of our own can be made.
    #[error("no directory for state: {0}")]
    State(#[source] io::Error),
    /// The settings file cannot be written.
    #[error("cannot write the settings file: {0}")]
    Settings(#[source] io::Error),
}

/// What a run is known by, settled before anything else.
#[derive(Clone, Debug)]
pub struct Identity {
    /// UUIDv7.
    pub run_id: Uuid,
    /// What lets claude in.
    pub token: String,
    /// Where the relay listens.
    pub port: u16,
}

impl Identity {
    /// A new run behind this port.
    pub fn new(port: u16) -> Self {
        Self { run_id: Uuid::now_v7(), token: Uuid::new_v4().simple().to_string(), port }
    }

    /// What claude's exporter is to be told, given what the person has.
    pub fn assignments(&self, person: &BTreeMap<String, String>) -> Vec<(&'static str, Option<String>)> {
        let base = format!("http://127.0.0.1:{}/r/{}", self.port, self.run_id);
        environment::assignments(Run { base: &base, token: &self.token, person })
    }
}

/// What was found out in a process that may wait for a disk, for the launcher, which may not.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Preparation {
    /// `claude = "…"` of the configuration.
    pub claude: Option<SentPath>,
    /// `summary = "…"` of the configuration.
    pub summary: Option<Summary>,
    /// The person's own telemetry variables.
    pub person: BTreeMap<String, String>,
    /// What the run needs, or why it cannot be observed. `None`: nobody asked.
    pub run: Option<Result<Prepared, String>>,
}

/// What a run needs.
#[derive(Debug, Deserialize, Serialize)]
pub struct Prepared {
    /// Our state directory.
    pub state: SentPath,
    /// The settings file, if one was written.
    pub settings: Option<SentPath>,
    /// Who receives what.
    pub destinations: Vec<SentDestination>,
    /// What there is to say already.
    pub notes: Vec<Note>,
}

/// The environment as it was given, asked by name.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// In its order.
    pub variables: &'a [(OsString, OsString)],
}

impl Given<'_> {
    /// The last value of a name.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// Whether a name has a value that is not empty.
    pub fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.is_empty())
    }

    /// A variable of ours. Below a running Claude Code it counts for nothing: a project can set it there.
    pub fn own(&self, name: &str) -> Option<&OsStr> {
        if self.is_set("CLAUDECODE") { None } else { self.get(name).filter(|value| !value.is_empty()) }
    }
}

/// Reads the user's configuration file. One that is not there is an empty one, unless it was named.
fn read_config(given: Given<'_>) -> Result<UserConfig, ConfigError> {
    let named = given.own("CC_OBSERVE_CONFIG").map(PathBuf::from);
    let must_exist = named.is_some();
    let Some(path) = paths::config_file(named) else { return Ok(UserConfig::default()) };
    match files::read_small(&path, user::MAX_CONFIG_BYTES) {
        Ok(text) => UserConfig::parse(&path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => Ok(UserConfig::default()),
        Err(error) => Err(ConfigError::Unreadable { path, why: error.to_string() }),
    }
}

/// What the person's own layers say about telemetry.
/// What the environment alone says about telemetry.
pub fn persons_environment(given: Given<'_>) -> BTreeMap<String, String> {
    let names = NAMES.iter();
    names.filter_map(|(name, _)| Some(((*name).to_owned(), given.get(name)?.to_str()?.to_owned()))).collect()
}

fn persons_variables(
    given: Given<'_>,
    arguments: &Arguments,
    own: Option<&Map<String, Value>>,
) -> BTreeMap<String, String> {
    let mut person = persons_environment(given);
    let user = (!arguments.without_user_settings).then(|| user_settings(given)).flatten();
    for layer in [user.as_ref(), own].into_iter().flatten() {
        person.extend(
            settings::variables(layer).into_iter().filter(|(name, _)| NAMES.iter().any(|(known, _)| known == name)),
        );
    }
    person
}

/// `settings.json` in the user's Claude configuration directory, if it is there and strict JSON.
fn user_settings(given: Given<'_>) -> Option<Map<String, Value>> {
    let directory = match given.get("CLAUDE_CONFIG_DIR").filter(|value| !value.is_empty()) {
        Some(directory) => PathBuf::from(directory),
        None => directories::BaseDirs::new()?.home_dir().join(".claude"),
    };
    let text = files::read_small(&directory.join("settings.json"), MAX_SETTINGS_BYTES).ok()?;
    settings::parse(&text).ok()
}

/// Reads the `--settings` of the person: a file, or JSON on the command line.
///
/// Rules relative to the file are anchored, since they will stand in another.
fn persons_settings(value: &OsStr) -> Result<Map<String, Value>, SettingsError> {
    if value.as_bytes().trim_ascii_start().starts_with(b"{") {
        return settings::parse(value.to_str().ok_or(SettingsError::NotJson)?);
    }
    let path = Path::new(value);
    let text = files::read_small(path, MAX_SETTINGS_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => SettingsError::TooLarge,
        io::ErrorKind::InvalidData => SettingsError::NotJson,
        _ => SettingsError::Unreadable,
    })?;
    let mut own = settings::parse(&text)?;
    // Behind all links: what Claude Code resolves rules against.
    let directory = path.canonicalize().ok().and_then(|path| path.parent().map(Path::to_owned));
    if let Some(directory) = directory.as_deref().and_then(Path::to_str) {
        settings::anchor_rules(&mut own, directory);
    }
    Ok(own)
}

/// Who receives what: `CC_OBSERVE_ENDPOINT`, else the configuration, else what the person has already.
fn destinations(
    given: Given<'_>,
    config: UserConfig,
    person: &BTreeMap<String, String>,
    notes: &mut Vec<Note>,
) -> Result<Vec<Destination>, ConfigError> {
    if let Some(url) = given.own("CC_OBSERVE_ENDPOINT") {
        let endpoint = Endpoint::parse(&url.to_string_lossy())
            .map_err(|source| ConfigError::Endpoint { origin: "CC_OBSERVE_ENDPOINT".to_owned(), source })?;
        return Ok(vec![Destination {
            name: ENDPOINT_DESTINATION.to_owned(),
            endpoint,
            headers: Vec::new(),
            capture: CaptureLevel::Metadata,
            signals: Signal::ALL.to_vec(),
        }]);
    }
    if !config.destinations.is_empty() {
        return Ok(config.destinations);
    }
    let found = person::find(person);
    if found == Found::default() {
        notes.push(Note::LocalOnly);
    }
    notes.extend(
        found
            .unsupported
            .into_iter()
            .map(|Unsupported { protocol, signals }| Note::EndpointNotSupported { protocol, signals }),
    );
    notes.extend(found.unusable.into_iter().map(|Unusable { variable, why, signals }| Note::EndpointNotUsable {
        variable,
        why: why.to_string(),
        signals,
    }));
    Ok(found.destinations)
}

/// Where Claude Code reads the organization's settings, which beat ours.
const MANAGED: &str =
    if cfg!(target_os = "macos") { "/Library/Application Support/ClaudeCode" } else { "/etc/claude-code" };

/// The managed settings file that takes the telemetry past us, if there is one.
fn bypassed_by() -> Option<PathBuf> {
    let directory = Path::new(MANAGED);
    let mut candidates = vec![directory.join("managed-settings.json")];
    if let Ok(entries) = std::fs::read_dir(directory.join("managed-settings.d")) {
        let mut drop_ins: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        drop_ins.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        drop_ins.sort();
        candidates.append(&mut drop_ins);
    }
    candidates.into_iter().find(|path| {
        let text = files::read_small(path, MAX_SETTINGS_BYTES).unwrap_or_default();
        settings::parse(&text).is_ok_and(|managed| settings::takes_telemetry(&managed))
    })
}

/// What the configuration says of the launch itself.
pub fn configured(given: Given<'_>) -> Preparation {
    match read_config(given) {
        Ok(config) => Preparation {
            claude: config.claude.as_deref().map(SentPath::from),
            summary: config.summary,
            ..Preparation::default()
        },
        Err(_) => Preparation::default(),
    }
}

/// Prepares a run.
pub fn prepare(given: Given<'_>, arguments: &Arguments, identity: &Identity) -> Preparation {
    let mut notes = Vec::new();
    let own = arguments.settings.as_ref().map(|argument| persons_settings(&argument.value)).transpose();
    let own = own.unwrap_or_else(|why| {
        notes.push(Note::SettingsNotMerged { why: why.to_string() });
        None
    });
    let person = persons_variables(given, arguments, own.as_ref());
    let config = read_config(given);
    let (claude, summary) = match &config {
        Ok(config) => (config.claude.as_deref().map(SentPath::from), config.summary),
        Err(_) => (None, None),
    };
    let run = prepare_run(given, arguments, identity, own, &person, config, notes);
    if let Err(error) = &run {
        log(&format!("not observed: {error}"));
    }
    Preparation { claude, summary, person, run: Some(run.map_err(|error| error.to_string())) }
}

fn prepare_run(
    given: Given<'_>,
    arguments: &Arguments,
    identity: &Identity,
    own: Option<Map<String, Value>>,
    person: &BTreeMap<String, String>,
    config: Result<UserConfig, ConfigError>,
    mut notes: Vec<Note>,
) -> Result<Prepared, SetupError> {
    let destinations = destinations(given, config?, person, &mut notes)?;
    if let Some(path) = bypassed_by() {
        notes.push(Note::Bypassed { by: path.display().to_string() });
    }
    let state = paths::state_directory().map_err(SetupError::State)?;
    let inject = matches!(arguments.kind, Kind::Session { settings: true, .. })
        && (own.is_some() || arguments.settings.is_none());
    let mut file = None;
    if inject {
        match settings::merge(own.unwrap_or_default(), &identity.assignments(person)) {
            Ok(merged) => {
                file = Some(write_settings(&state, identity.run_id, &merged).map_err(SetupError::Settings)?);
            }
            Err(why) => notes.push(Note::SettingsNotMerged { why: why.to_string() }),
        }
    }
    Ok(Prepared {
        state: state.as_path().into(),
        settings: file.as_deref().map(SentPath::from),
        destinations: destinations.iter().map(SentDestination::pack).collect(),
        notes,
    })
}

/// One line in the log of the state directory, for those who look for what went wrong.
fn log(line: &str) {
    let file = paths::state_directory().and_then(|state| paths::open_log(&state));
    if let Ok(mut file) = file {
        // There is no other place to say that the log cannot be written.
        let _ = writeln!(file, "{}  WARN launcher: {line}", Timestamp::now());
    }
}

/// The job of a continuous integration that runs us, as its variables.
pub fn ci(given: Given<'_>) -> Vec<(String, String)> {
    let variables = CI_VARIABLES.iter();
    variables.filter_map(|name| Some(((*name).to_owned(), given.get(name)?.to_str()?.to_owned()))).collect()
}

/// A socket on a port that the kernel chose and that is then bound by its number: such a port stays ours as long as we
/// hold the descriptor, even when we stop listening.
pub fn listen() -> io::Result<(TcpListener, u16)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..8 {
        let chosen = bind(0)?;
        let port = TcpListener::from(chosen).local_addr()?.port();
        // The first socket is closed by now; somebody else may have taken the port in between.
        match bind(port) {
            Ok(socket) => {
                let backlog = Backlog::new(BACKLOG).map_err(io::Error::from)?;
                socket::listen(&socket, backlog)?;
                return Ok((TcpListener::from(socket), port));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn bind(port: u16) -> io::Result<std::os::fd::OwnedFd> {
    #[cfg(target_os = "linux")]
    let socket = socket::socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    #[cfg(not(target_os = "linux"))]
    let socket = {
        use nix::fcntl::{FcntlArg, FdFlag, fcntl};
        let socket = socket::socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None)?;
        fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        socket
    };
    // No SO_REUSEADDR: with it, others could bind the port whenever we do not listen.
    let address = SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
    socket::bind(std::os::fd::AsRawFd::as_raw_fd(&socket), &address)?;
    Ok(socket)
}

/// Writes the settings for one run, readable by this user alone.
fn write_settings(state: &Path, run_id: Uuid, merged: &Map<String, Value>) -> io::Result<PathBuf> {
    let text = serde_json::to_vec(merged)?;
    if text.len() as u64 > MAX_SETTINGS_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "merged with the person's own it is larger than 2 MiB",
        ));
    }
    let directory = state.join("settings");
    config::paths::private_directory(&directory)?;
    let path = directory.join(format!("{run_id}.json"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(&text)?;
    Ok(path)
}

/// The arguments and environment of a session that is not observed: no OTLP leaves it, not even raw.
///
/// The user's settings would beat the environment, so `--settings` says it too, on the command line: it holds no
/// secret. A settings file of the person is left as it is. Touches no disk.
pub fn without_telemetry(
    given: Given<'_>,
    arguments: &Arguments,
    args: &[OsString],
    person: &BTreeMap<String, String>,
) -> (Vec<OsString>, Vec<(OsString, OsString)>) {
    let inline = arguments.settings.as_ref().map(|argument| argument.value.as_os_str());
    let own = match inline {
        Some(value) if value.as_bytes().trim_ascii_start().starts_with(b"{") => persons_settings(value).ok(),
        Some(_) => None,
        None => Some(Map::new()),
    };
    let assignments = environment::exporters_without_otlp(person);
    let environment = environment::apply(given.variables.iter().cloned(), &assignments);
    let mergeable = matches!(arguments.kind, Kind::Session { settings: true, .. });
    let merged = own.filter(|_| mergeable).and_then(|own| settings::merge(own, &assignments).ok());
    let args = match merged {
        Some(merged) => arguments.with_settings(args, OsStr::new(&Value::Object(merged).to_string())),
        None => args.to_vec(),
    };
    (args, environment)
}
