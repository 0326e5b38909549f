//! Edge: prepares a run: reads what the person has, binds the port, writes the settings file.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::argv::{Arguments, Kind};
use super::environment::{self, Asked, NAMES, Run};
use super::given::Given;
use super::settings::{self, MAX_SETTINGS_BYTES, SettingsError};
use super::wrapper;
use crate::config::known_values::{self, KnownSources};
use crate::config::person::{Found, Unsupported, Unusable};
use crate::config::reading::Reading;
use crate::config::user::Summary;
use crate::config::variables;
use crate::config::{self, Auth, Budget, Config, ConfigError, Destination, Endpoint, Proxies, files, paths, person};
use crate::event::NanoUsd;
use crate::otlp::Signal;
use crate::redact::{CaptureLevel, OwnRules, Policy};
use crate::relay::control::{SentDestination, SentKnown, SentPath};
use crate::relay::spending;
use crate::report::Note;
use crate::secrets::{Secret, TokenSource};

/// The name of the destination that `CC_OBSERVE_ENDPOINT` makes.
pub const ENDPOINT_DESTINATION: &str = "endpoint";

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
#[derive(Clone)]
pub struct Identity {
    /// UUIDv7.
    pub run_id: Uuid,
    /// What lets claude in.
    pub token: Secret,
    /// Where the relay listens.
    pub port: u16,
}

impl Identity {
    /// A new run behind this port.
    pub fn new(port: u16) -> Self {
        Self { run_id: Uuid::now_v7(), token: Secret::new(Uuid::new_v4().simple().to_string()), port }
    }

    /// What claude's exporter is to be told, given what the person has.
    pub fn assignments(&self, person: &BTreeMap<String, String>, asked: Asked) -> Vec<(&'static str, Option<String>)> {
        let base = format!("http://127.0.0.1:{}/r/{}", self.port, self.run_id);
        environment::assignments(Run { base: &base, token: self.token.expose(), person, asked })
    }
}

/// What is found out in a process that may wait for a disk, for the launcher, which may not.
#[derive(Deserialize, Serialize)]
pub enum Part {
    /// First, and soon.
    Configured(Configured),
    /// Then the run, where there is one.
    Prepared(Box<Preparation>),
    /// Or, for a part of another run, its settings file.
    Joined(Option<SentPath>),
}

/// What the configuration says of the launch itself.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Configured {
    /// `claude = "…"`.
    pub claude: Option<SentPath>,
    /// The organization says so.
    pub claude_is_final: bool,
    /// `summary = "…"`.
    pub summary: Option<Summary>,
}

impl From<&Config> for Configured {
    fn from(config: &Config) -> Self {
        Self {
            claude: config.claude.as_deref().map(SentPath::from),
            claude_is_final: config.governed.as_ref().is_some_and(|governed| governed.claude),
            summary: config.summary,
        }
    }
}

/// A run, or why there is none.
#[derive(Deserialize, Serialize)]
pub struct Preparation {
    /// The person's own telemetry variables.
    pub person: BTreeMap<String, String>,
    /// What the run needs, or why it cannot be observed.
    pub run: Result<Prepared, String>,
    /// Where there is none: a settings file that keeps claude from exporting, and holds the person's own.
    pub muted: Option<SentPath>,
}

/// What a run needs.
#[derive(Deserialize, Serialize)]
pub struct Prepared {
    /// Our state directory.
    pub state: SentPath,
    /// The settings file, if one was written.
    pub settings: Option<SentPath>,
    /// What Claude Code is to put in front of its background processes.
    pub wrapper: Option<String>,
    /// Who receives what.
    pub destinations: Vec<SentDestination>,
    /// Variables that hold what lets us in at a destination. Claude does not get them.
    pub credentials: Vec<String>,
    /// What may be spent before it is said.
    pub budget: Budget,
    /// What the relay keeps: at the highest level that any of them is given.
    pub policy: Policy,
    /// What claude is to be asked for.
    pub asked: Asked,
    /// `--unobserved`: it is asked for nothing.
    pub unobserved: bool,
    /// What there is to say already.
    pub notes: Vec<Note>,
    /// This machine's own secrets.
    pub known: SentKnown,
    /// The person's own rules, unchecked.
    pub redaction: OwnRules,
    /// Where the configuration is, and the fingerprint of what was read from it.
    pub config: (Reading, u64),
}

impl Prepared {
    /// What claude is told, by name.
    pub fn assignments(
        &self,
        identity: &Identity,
        person: &BTreeMap<String, String>,
    ) -> Vec<(&'static str, Option<String>)> {
        if self.unobserved {
            return environment::exporters_without_otlp(person);
        }
        let mut assignments = identity.assignments(person, self.asked);
        assignments.extend(self.wrapper.iter().map(|value| (wrapper::VARIABLE, Some(value.clone()))));
        assignments
    }
}

/// Where the user's configuration file is, or would be.
fn config_file(given: Given<'_>) -> Option<PathBuf> {
    given.own("CC_OBSERVE_CONFIG").map(PathBuf::from).or_else(|| given.config_file())
}

/// Where the layers of configuration are.
pub fn layers(given: Given<'_>) -> Reading {
    Reading {
        file: config_file(given).and_then(|file| std::path::absolute(file).ok()),
        must_exist: given.own("CC_OBSERVE_CONFIG").is_some(),
        variables: variables::sources(|name| Some(given.own(name)?.to_string_lossy().into_owned())),
    }
}

/// What all of them say together.
pub fn read_config(given: Given<'_>) -> Result<Config, ConfigError> {
    layers(given).read()
}

/// What the environment alone says about telemetry.
pub fn persons_environment(given: Given<'_>) -> BTreeMap<String, String> {
    let names = NAMES.iter();
    names.filter_map(|(name, _)| Some(((*name).to_owned(), given.get(name)?.to_str()?.to_owned()))).collect()
}

/// What the person's own layers say about telemetry: the environment, overlaid by settings, the strongest last.
pub(super) fn persons_variables(
    given: Given<'_>,
    layers: [Option<&Map<String, Value>>; 2],
) -> BTreeMap<String, String> {
    let mut person = persons_environment(given);
    for layer in layers.into_iter().flatten() {
        let variables = settings::variables(layer).into_iter();
        person.extend(variables.filter(|(name, _)| NAMES.iter().any(|(known, _)| known == name)));
    }
    person
}

/// `settings.json` in the user's Claude configuration directory, if it is there and strict JSON.
pub(super) fn user_settings(given: Given<'_>) -> Option<(PathBuf, Map<String, Value>)> {
    let path = given.claude_directory()?.join("settings.json");
    let text = files::read_small(&path, MAX_SETTINGS_BYTES).ok()?;
    Some((path, settings::parse(&text).ok()?))
}

/// Reads the `--settings` of the person: a file, or JSON on the command line.
///
/// Rules relative to the file are anchored, since they will stand in another.
fn persons_settings(value: &OsStr) -> Result<Map<String, Value>, SettingsError> {
    if is_inline(value) {
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
    settings::anchor_rules(&mut own, directory.as_deref().and_then(Path::to_str))?;
    Ok(own)
}

/// Who receives what, and whether it is what the person has already; with the ways there and what lets us in, as far
/// as the environment holds them.
pub(super) fn destinations(
    given: Given<'_>,
    config: Config,
    person: &BTreeMap<String, String>,
    notes: &mut Vec<Note>,
) -> Result<(Vec<Destination>, bool), ConfigError> {
    let (mut destinations, theirs) = named_destinations(given, config, person, notes)?;
    let variable = |name: &str| Some(given.get(name)?.to_str()?.to_owned());
    let mut proxies = Proxies::of_environment(variable);
    if given.is_below_claude() {
        // A project can have set it, and what is not encrypted it would read.
        proxies.http = None;
    }
    for destination in &mut destinations {
        destination.transport.proxies = proxies.clone();
        match destination.auth.as_mut().map(|auth| &mut auth.token) {
            Some(TokenSource::Env { name, value }) => {
                *value = variable(name).filter(|value| !value.is_empty()).map(Secret::new);
            }
            Some(TokenSource::Keyring(entry)) => *entry = given.keyring_entry(&entry.account),
            _ => {}
        }
    }
    Ok((destinations, theirs))
}

/// `CC_OBSERVE_ENDPOINT`, else the configuration, else what the person has already. Whether it is the
/// latter is told as well.
fn named_destinations(
    given: Given<'_>,
    config: Config,
    person: &BTreeMap<String, String>,
    notes: &mut Vec<Note>,
) -> Result<(Vec<Destination>, bool), ConfigError> {
    let governed = config.governed.as_ref();
    if let Some(broken) = governed.and_then(|governed| governed.broken.as_ref()) {
        notes.push(Note::ManagedNotUsable { why: broken.to_string() });
        return Ok((Vec::new(), false));
    }
    if let Some(left_out) = governed.and_then(|governed| governed.left_out.as_ref()) {
        notes.push(Note::ConfigLeftOut { why: given.with_tilde(&left_out.to_string()) });
    }
    let is_free = !governed.is_some_and(|governed| governed.destinations);
    if let Some(url) = given.own("CC_OBSERVE_ENDPOINT").filter(|_| is_free) {
        let endpoint = Endpoint::parse(&url.to_string_lossy())
            .map_err(|source| ConfigError::Endpoint { origin: "CC_OBSERVE_ENDPOINT".to_owned(), source })?;
        let destination = Destination {
            name: ENDPOINT_DESTINATION.to_owned(),
            spool: format!("{ENDPOINT_DESTINATION}-{}", endpoint.fingerprint()),
            endpoint,
            headers: Vec::new(),
            capture: config.policy.level.min(CaptureLevel::default()),
            auth: None,
            transport: crate::config::Transport::default(),
            max_attribute_bytes: None,
            temporality: crate::config::Temporality::default(),
            bounds: config.spool,
            durability: config.durability,
            signals: Signal::ALL.to_vec(),
        };
        return Ok((vec![destination], false));
    }
    if !config.destinations.is_empty() {
        return Ok((config.destinations, false));
    }
    let mut found = person::find(person);
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
    // What they switched on themselves counts, unless they have also written a ceiling.
    for destination in &mut found.destinations {
        destination.capture = config.capture.map_or(destination.capture, |ceiling| ceiling.min(destination.capture));
        destination.bounds = config.spool;
        destination.durability = config.durability;
    }
    Ok((found.destinations, true))
}

/// Whom a run that began now would deliver to, and under which policy; what claude is given on its command line left out.
pub fn destinations_of_today(given: Given<'_>) -> Result<(Vec<Destination>, Policy), ConfigError> {
    let config = read_config(given)?;
    let user = user_settings(given);
    let person = persons_variables(given, [user.as_ref().map(|(_, user)| user), None]);
    let policy = config.policy.clone();
    let (destinations, _) = destinations(given, config, &person, &mut Vec::new())?;
    let highest = destinations.iter().map(|destination| destination.capture).max();
    let policy = policy.at(highest.unwrap_or(policy.level.min(CaptureLevel::default())));
    Ok((destinations, policy))
}

/// Where Claude Code reads the organization's settings, which beat ours.
const MANAGED: &str =
    if cfg!(target_os = "macos") { "/Library/Application Support/ClaudeCode" } else { "/etc/claude-code" };

/// The organization's settings of Claude Code, in the order of its reading. What is no JSON counts for nothing there either.
pub(super) fn managed_settings() -> Vec<(PathBuf, Map<String, Value>)> {
    let directory = Path::new(MANAGED);
    let mut candidates = vec![directory.join("managed-settings.json")];
    if let Ok(entries) = std::fs::read_dir(directory.join("managed-settings.d")) {
        let mut drop_ins: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        drop_ins.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        drop_ins.sort();
        candidates.append(&mut drop_ins);
    }
    let read = |path: PathBuf| {
        let text = files::read_small(&path, MAX_SETTINGS_BYTES).ok()?;
        Some((path, settings::parse(&text).ok()?))
    };
    candidates.into_iter().filter_map(read).collect()
}

/// The managed settings file that takes the telemetry past us, if there is one.
fn bypassed_by() -> Option<PathBuf> {
    managed_settings().into_iter().find(|(_, managed)| settings::takes_telemetry(managed)).map(|(path, _)| path)
}

/// What the configuration says of the launch itself. What is wrong with it is told where it counts.
pub fn configured(given: Given<'_>) -> Configured {
    read_config(given).map(|config| Configured::from(&config)).unwrap_or_default()
}

/// What the launch is to be.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Of claude.
    pub arguments: &'a Arguments,
    /// `--unobserved`
    pub unobserved: bool,
    /// What it starts in the background is observed too.
    pub wrapper: bool,
}

/// Prepares a run, and tells it. Whether there is one that somebody waits for.
pub fn prepare(
    given: Given<'_>,
    Wanted { arguments, unobserved, wrapper }: Wanted<'_>,
    identity: &Identity,
    tell: &mut dyn FnMut(Part) -> bool,
) -> bool {
    let config = read_config(given);
    // Who does not listen any more does not listen to the rest either.
    tell(Part::Configured(config.as_ref().map(Configured::from).unwrap_or_default()));
    let mut notes = Vec::new();
    let own = arguments.settings.as_ref().map(|argument| persons_settings(&argument.value)).transpose();
    let own = own.unwrap_or_else(|why| {
        notes.push(Note::SettingsNotMerged { why: why.to_string() });
        None
    });
    let user = (!arguments.without_user_settings).then(|| user_settings(given)).flatten();
    let layers = [user.as_ref().map(|(_, user)| user), own.as_ref()];
    let person = persons_variables(given, layers);
    let sources = config.as_ref().map(|config| config.known_values).unwrap_or_default();
    // Where nothing comes, there is nothing to compare with them.
    let known = if unobserved { SentKnown::default() } else { known(given, layers, sources) };
    let persons = wrapper::persons_own(given.get(wrapper::VARIABLE), layers);
    let wrapper = wrapper::value(persons.as_deref()).filter(|_| wrapper);
    let injectable = matches!(arguments.kind, Kind::Session { settings: true, .. });
    let ours = (injectable && (own.is_some() || arguments.settings.is_none())).then(|| own.unwrap_or_default());
    if ours.is_none()
        && let Some((path, user)) = &user
        && settings::takes_telemetry(user)
    {
        // The environment is all that speaks for us, and a settings file beats it.
        notes.push(Note::Bypassed { by: path.display().to_string() });
    }
    if unobserved {
        notes.push(Note::Unobserved);
    }
    let told = Told { ours: ours.clone(), wrapper, unobserved };
    let run = prepare_run(given, told, identity, &person, config, notes);
    let run = run.map(|run| Prepared { known, ..run });
    let mut muted = None;
    if let Err(error) = &run {
        log(&format!("not observed: {error}"));
        muted = ours.and_then(|ours| mute(ours, identity, &person));
    }
    let observed = run.is_ok();
    let run = run.map_err(|error| given.with_tilde(&error.to_string()));
    tell(Part::Prepared(Box::new(Preparation { person, run, muted }))) && observed
}

/// Prepares a part of another run: its settings file, where one can be, with the person's own `--settings` in it.
pub fn join(
    arguments: &Arguments,
    assignments: &[(&'static str, Option<String>)],
    tell: &mut dyn FnMut(Part) -> bool,
) -> bool {
    let injectable = matches!(arguments.kind, Kind::Session { settings: true, .. });
    let own = match arguments.settings.as_ref().map(|argument| persons_settings(&argument.value)) {
        Some(own) => own.ok(),
        None => Some(Map::new()),
    };
    let file = own.filter(|_| injectable).and_then(|own| {
        let merged = settings::merge(own, assignments).ok()?;
        let state = paths::state_directory().ok()?;
        write_settings(&state, Uuid::now_v7(), &merged).ok()
    });
    tell(Part::Joined(file.as_deref().map(SentPath::from)));
    false
}

/// Lets the settings files lead to a relay again that were silenced when theirs was gone: jobs of the background daemon
/// name them.
pub fn adopt_settings(state: &Path, assignments: &[(&'static str, Option<String>)]) {
    let entries = std::fs::read_dir(state.join("settings")).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let Some(settings) =
            files::read_small(&path, MAX_SETTINGS_BYTES).ok().and_then(|text| settings::parse(&text).ok())
        else {
            continue;
        };
        if !settings::is_silent(&settings) {
            continue;
        }
        if let Ok(merged) = settings::merge(settings, assignments)
            && let Err(error) = replace_settings(&path, &merged)
        {
            log(&format!("a settings file stays silent: {error}"));
        }
    }
}

/// Writes a settings file that keeps claude from exporting, if any directory takes one.
fn mute(own: Map<String, Value>, identity: &Identity, person: &BTreeMap<String, String>) -> Option<SentPath> {
    let merged = settings::merge(own, &environment::exporters_without_otlp(person)).ok()?;
    let state = paths::state_directory().ok()?;
    write_settings(&state, identity.run_id, &merged).ok().as_deref().map(SentPath::from)
}

/// What claude is told besides its variables.
struct Told {
    /// The person's own settings, where ours can be added to them.
    ours: Option<Map<String, Value>>,
    /// What it is to put in front of its background processes.
    wrapper: Option<String>,
    /// `--unobserved`
    unobserved: bool,
}

fn prepare_run(
    given: Given<'_>,
    Told { ours, wrapper, unobserved }: Told,
    identity: &Identity,
    person: &BTreeMap<String, String>,
    config: Result<Config, ConfigError>,
    mut notes: Vec<Note>,
) -> Result<Prepared, SetupError> {
    let mut config = config?;
    let fingerprint = config.fingerprint;
    let mut redaction = std::mem::take(&mut config.redaction);
    for file in redaction.files_mut() {
        *file = given.with_tilde(file);
    }
    let (policy, budget) = (config.policy.clone(), config.budget);
    let (destinations, theirs) = destinations(given, config, person, &mut notes)?;
    let highest = destinations.iter().map(|destination| destination.capture).max();
    let policy = policy.at(highest.unwrap_or(policy.level.min(CaptureLevel::default())));
    let policy = if unobserved { policy.at(CaptureLevel::Metadata) } else { policy };
    let asked = Asked { level: policy.level, as_the_person: theirs && highest.is_some() };
    if let Some(path) = bypassed_by() {
        notes.push(Note::Bypassed { by: path.display().to_string() });
    }
    let state = paths::state_directory().map_err(SetupError::State)?;
    if budget.day.is_some() || budget.month.is_some() {
        match spending::read(&state, spending::today()) {
            Ok(spent) => notes.extend(spending::passed(&budget, NanoUsd::ZERO, spent)),
            Err(error) => log(&format!("what was spent so far cannot be read: {error}")),
        }
    }
    let mut prepared = Prepared {
        state: state.as_path().into(),
        settings: None,
        wrapper,
        credentials: destinations.iter().filter_map(|destination| variable_of(destination.auth.as_ref())).collect(),
        destinations: destinations.iter().map(SentDestination::pack).collect(),
        policy,
        asked,
        budget,
        unobserved,
        notes,
        known: SentKnown::default(),
        redaction,
        config: (layers(given), fingerprint),
    };
    if let Some(ours) = ours {
        match settings::merge(ours, &prepared.assignments(identity, person)) {
            Ok(merged) => {
                let file = write_settings(&state, identity.run_id, &merged).map_err(SetupError::Settings)?;
                prepared.settings = Some(file.as_path().into());
            }
            Err(why) => prepared.notes.push(Note::SettingsNotMerged { why: why.to_string() }),
        }
    }
    Ok(prepared)
}

/// The variable that holds what lets us in.
fn variable_of(auth: Option<&Auth>) -> Option<String> {
    match &auth?.token {
        TokenSource::Env { name, .. } => Some(name.clone()),
        TokenSource::Command(_) | TokenSource::File(_) | TokenSource::Keyring(_) => None,
    }
}

/// This machine's own secrets: the values of the environment, which costs no disk, and where the relay finds others. The
/// settings of the person count as the environment: claude adds their variables to its own.
fn known(given: Given<'_>, layers: [Option<&Map<String, Value>>; 2], sources: KnownSources) -> SentKnown {
    let settings: Vec<_> = layers.into_iter().flatten().flat_map(settings::variables).collect();
    let environment = given.variables.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
    let public = known_values::public(environment.clone());
    let mut values = Vec::new();
    if sources.environment {
        values = known_values::of_environment(environment, &public, !given.is_below_claude());
        let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        values.extend(known_values::of_environment(settings, &public, true));
    }
    let home = given.home().filter(|_| sources.files);
    let variable = |name: &str| given.own(name).map(OsStr::to_owned);
    let wanted = known_values::Wanted {
        dotenv: None,
        files: home.map(|home| known_values::places(&home, variable)).unwrap_or_default(),
        search_path: given.get("PATH").map(OsStr::to_owned),
        public,
    };
    SentKnown::pack(values, sources.dotenv, wanted)
}

/// One line in the log of the state directory, for those who look for what went wrong.
pub fn log(line: &str) {
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

/// Writes a settings file in the place of one that is there.
fn replace_settings(path: &Path, merged: &Map<String, Value>) -> io::Result<()> {
    let mut temporary = OsString::from(path);
    temporary.push(format!(".{}.tmp", Uuid::new_v4().simple()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(&serde_json::to_vec(merged)?))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// The arguments and environment of a session that is not observed: no OTLP leaves it, not even raw.
///
/// The user's settings would beat the environment, so `--settings` says it too: in a file if one could be written, else on
/// the command line, where it holds no secret. A settings file of the person that could not be read is left as it is.
/// Touches no disk.
pub fn without_telemetry(
    given: Given<'_>,
    arguments: &Arguments,
    args: &[OsString],
    person: &BTreeMap<String, String>,
    muted: Option<SentPath>,
) -> (Vec<OsString>, Vec<(OsString, OsString)>) {
    let assignments = environment::exporters_without_otlp(person);
    let environment = environment::apply(given.variables.iter().cloned(), &assignments);
    if let Some(file) = muted {
        return (arguments.with_settings(args, PathBuf::from(file).as_os_str()), environment);
    }
    let own = match arguments.settings.as_ref().map(|argument| argument.value.as_os_str()) {
        Some(value) if is_inline(value) => value.to_str().and_then(|text| settings::parse(text).ok()),
        Some(_) => None,
        None => Some(Map::new()),
    };
    let injectable = matches!(arguments.kind, Kind::Session { settings: true, .. });
    let merged = own.filter(|_| injectable).and_then(|own| settings::merge(own, &assignments).ok());
    let args = match merged {
        Some(merged) => arguments.with_settings(args, OsStr::new(&Value::Object(merged).to_string())),
        None => args.to_vec(),
    };
    (args, environment)
}

/// Whether a `--settings` is JSON itself, and no path.
fn is_inline(value: &OsStr) -> bool {
    value.as_bytes().trim_ascii_start().starts_with(b"{")
}
