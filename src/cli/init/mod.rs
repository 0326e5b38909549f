//! Edge: `cc-observe init`: from nothing to a first summary, and back again.

mod answers;
mod ask;
mod presets;
mod record;
pub(super) mod shell;
mod undo;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use toml_edit::{Array, InlineTable, Value};

use self::answers::{Wanted, capture, shell_wanted, wanted};
use self::presets::PRESETS;
use self::record::{Key, Record, Written};
use self::shell::Shell;
use super::args::LevelOption;
use super::config::draft::{Draft, backup};
use super::{COULD_NOT, USAGE, auth, complain, doctor, redact, show};
use crate::config::{Config, Endpoint, Temporality};
use crate::deliver;
use crate::launch::{self, Given};
use crate::otlp::Signal;
use crate::process::Inherited;
use crate::redact::{CaptureLevel, Redactor};
use crate::report;
use crate::secrets::Secret;
use crate::secrets::keyring::Store;

/// It is written, and does not work yet; or it was not to be written.
const NO: u8 = 1;

/// How long an endpoint may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Sets cc-observe up: where telemetry goes, how much of it, and whether `claude` alone is observed too. Shows what it
/// writes before it does, and keeps what was there.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe init",
    bin_name = "cc-observe init",
    after_help = "Presets: sumo, grafana, honeycomb, datadog, elastic, collector, otlp.\n\n\
        Exit codes: 0 done; 1 it is written and the endpoint does not take it yet, or nothing was to be written;\n\
        2 a mistake in the options or the configuration; 125 it cannot be written."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option that people type")]
struct InitOptions {
    /// Asks nothing: what is not said stays as it is.
    #[arg(long)]
    yes: bool,
    /// The backend: its address where all have the same, its header and its form.
    #[arg(long, value_name = "NAME", value_parser = PRESETS.map(|preset| preset.name))]
    preset: Option<String>,
    /// The OTLP endpoint, a base URL.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// What the destination is called.
    #[arg(long, value_name = "DESTINATION")]
    name: Option<String>,
    /// Reads its token from stdin. It is never an argument.
    #[arg(long)]
    token_stdin: bool,
    /// Takes over the OTLP endpoint that Claude Code has already.
    #[arg(long, conflicts_with_all = ["endpoint", "preset", "token_stdin"])]
    take_over: bool,
    /// How much leaves the machine.
    #[arg(long, value_enum, value_name = "LEVEL")]
    capture: Option<LevelOption>,
    /// Has `claude` observed when it is typed alone, by an alias.
    #[arg(long, value_name = "SHELL", value_parser = ["bash", "zsh", "fish", "none"])]
    shell: Option<String>,
    /// Does not ask the endpoint whether it takes what is sent.
    #[arg(long)]
    no_test: bool,
    /// Shows what would be written, and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Takes out all that it ever wrote.
    #[arg(long, conflicts_with_all = ["preset", "endpoint", "name", "token_stdin", "take_over", "capture", "shell", "no_test"])]
    remove: bool,
}

/// Why it cannot be done. No variant repeats a token.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The options or the configuration cannot be used.
    #[error("{0}")]
    Usage(String),
    /// The answer is no.
    #[error("{0}")]
    Refused(String),
    /// It cannot be written.
    #[error("{0}")]
    Cannot(String),
    /// Nobody can be asked or told.
    #[error("cannot ask: {0}")]
    Io(#[from] io::Error),
}

/// Does what `cc-observe init …` says; the exit code.
pub(super) fn run(args: &[OsString], environment: &[(OsString, OsString)], inherited: &Inherited) -> u8 {
    inherited.make_usable();
    let name = OsString::from("cc-observe init");
    let options = match InitOptions::try_parse_from(std::iter::once(&name).chain(args)) {
        Ok(options) => options,
        Err(error) => return show(&error),
    };
    let given = Given { variables: environment };
    let result = if options.remove { undo::remove(given, &options) } else { set_up(given, &options) };
    match result {
        Ok(code) => code,
        Err(error) => {
            complain(report::printable(&error.to_string(), 1000).as_str());
            match error {
                Failure::Usage(_) => USAGE,
                Failure::Refused(_) => NO,
                Failure::Cannot(_) | Failure::Io(_) => COULD_NOT,
            }
        }
    }
}

/// A line for whoever set it up.
fn say(line: &str) {
    let mut stdout = io::stdout();
    // Whoever does not read it has the exit code.
    let _ = writeln!(stdout, "{}", report::printable(line, 1000)).and_then(|()| stdout.flush());
}

fn set_up(given: Given<'_>, options: &InitOptions) -> Result<u8, Failure> {
    if given.is_below_claude() {
        let why = "below a running Claude Code nothing is set up: a project could do it; use a terminal of your own";
        return Err(Failure::Refused(why.to_owned()));
    }
    let asking = !options.yes && ask::somebody();
    if !asking && !options.yes && !options.dry_run {
        let what =
            "nobody can be asked here: say --yes, and --endpoint URL or --preset NAME. See cc-observe init --help";
        return Err(Failure::Usage(what.to_owned()));
    }
    let config = launch::read_config(given).map_err(|error| Failure::Usage(format!("mend this first: {error}")))?;
    for line in doctor::claude_found(given) {
        say(&line);
    }
    let wanted = wanted(given, options, &config, asking)?;
    let capture = capture(options, &config, wanted.is_some(), asking)?;
    let shell = shell_wanted(given, options, asking)?;
    let mut draft = Draft::open(given).map_err(Failure::Cannot)?;
    let keys = drafted(&mut draft, wanted.as_ref(), capture).map_err(Failure::Usage)?;
    let would_be = draft.config(given).map_err(Failure::Usage)?;
    for path in &keys {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(by) = draft.overruled(given, &path) {
            say(&format!("{}: {by} says otherwise, and counts", path.join(".")));
        }
    }
    let works = match &wanted {
        Some(wanted) if !options.no_test => tested(given, wanted, &would_be)?,
        _ => true,
    };
    let shell_change = shell.map(|shell| shell_change(given, shell)).transpose()?.flatten();
    if !draft.is_changed() && shell_change.is_none() && wanted.as_ref().is_none_or(|wanted| wanted.token.is_none()) {
        say("nothing is to be written: it is all there already");
        say("Next: cc-observe claude");
        return Ok(u8::from(!works));
    }
    tell_plan(given, &draft, wanted.as_ref(), capture, shell_change.as_ref());
    if options.endpoint.as_deref().is_some_and(|url| holds_credential(given, url)) {
        say(
            "The endpoint holds a credential, and your shell's history holds this line now: take it out there. `cc-observe init` asks for it instead",
        );
    }
    if options.dry_run {
        return Ok(u8::from(!works));
    }
    if asking && !ask::yes("Write it?", true)? {
        say("nothing was written");
        return Ok(NO);
    }
    write(given, &draft, &keys, wanted, shell_change)?;
    if works {
        say("Next: cc-observe claude");
    } else {
        say("It is written. Until the endpoint takes it, what is to be sent waits on this machine: cc-observe doctor");
    }
    Ok(u8::from(!works))
}

/// Whether a URL lets in whoever knows it.
fn holds_credential(given: Given<'_>, url: &str) -> bool {
    redact::redactor(given).is_ok_and(|redactor| redactor.text(url).0 != url)
}

/// A start-up file, and what it is to say.
struct ShellChange {
    path: PathBuf,
    before: String,
    existed: bool,
    after: String,
    line: String,
}

fn shell_change(given: Given<'_>, shell: Shell) -> Result<Option<ShellChange>, Failure> {
    let path = shell.file(given).ok_or_else(|| Failure::Cannot("there is no home directory".to_owned()))?;
    let cannot = |error: io::Error| Failure::Cannot(format!("cannot read {}: {error}", path.display()));
    let before = shell::read(&path).map_err(cannot)?;
    let line = shell.line(&program(given));
    let after = shell::with_block(&before, &line);
    if after == before {
        return Ok(None);
    }
    Ok(Some(ShellChange { existed: path.exists(), path, before, after, line }))
}

/// How this program is called: by its name, where the shell finds it.
fn program(given: Given<'_>) -> String {
    let name = "cc-observe";
    let Ok(this) = std::env::current_exe().and_then(|path| path.canonicalize()) else { return name.to_owned() };
    let on_path = given.get("PATH").is_some_and(|path| {
        let mut found = std::env::split_paths(path).map(|directory| directory.join(name)).filter(|file| file.is_file());
        found.next().and_then(|file| file.canonicalize().ok()) == Some(this.clone())
    });
    if on_path { name.to_owned() } else { this.display().to_string() }
}

/// Puts it into the draft; the keys and tables that are set.
fn drafted(
    draft: &mut Draft,
    wanted: Option<&Wanted>,
    capture: Option<CaptureLevel>,
) -> Result<Vec<Vec<String>>, String> {
    let mut keys = Vec::new();
    if let Some(level) = capture {
        draft.set(&["capture"], level.as_str())?;
        keys.push(vec!["capture".to_owned()]);
    }
    let Some(wanted) = wanted else { return Ok(keys) };
    let table = ["destinations", wanted.name.as_str()];
    draft.unset(&table)?;
    let [above, name] = table;
    let mut set = |key: &str, value: Value| draft.set(&[above, name, key], value);
    set("endpoint", wanted.url.as_str().into())?;
    if let Some((header, scheme)) = &wanted.auth {
        let mut auth = InlineTable::new();
        // As it is where nothing is said.
        if header != "Authorization" || scheme.as_deref() != Some("Bearer") {
            auth.insert("header", header.as_str().into());
            if let Some(scheme) = scheme {
                auth.insert("scheme", scheme.as_str().into());
            }
        }
        auth.insert("token", "keyring".into());
        set("auth", Value::InlineTable(auth))?;
    }
    if !wanted.headers.is_empty() {
        let pairs = wanted.headers.iter().map(|(name, value)| (name.as_str(), Value::from(value.expose())));
        set("headers", Value::InlineTable(pairs.collect()))?;
    }
    if wanted.signals.len() < Signal::ALL.len() {
        set("signals", Value::Array(wanted.signals.iter().map(|signal| signal.as_str()).collect::<Array>()))?;
    }
    if wanted.temporality == Temporality::Cumulative {
        set("temporality", "cumulative".into())?;
    }
    // Prompts leave only where both say so.
    if capture == Some(CaptureLevel::Content) {
        set("capture", "content".into())?;
    }
    keys.push(table.map(str::to_owned).to_vec());
    Ok(keys)
}

/// Asks the endpoint whether it takes what is sent.
fn tested(given: Given<'_>, wanted: &Wanted, would_be: &Config) -> Result<bool, Failure> {
    let Some(destination) = would_be.destinations.iter().find(|destination| destination.name == wanted.name) else {
        return Ok(true);
    };
    let mut destination = destination.clone();
    if let Some((header, scheme)) = &wanted.auth {
        let Some(token) = &wanted.token else {
            say(&format!("no token yet: `cc-observe auth set {}` asks for it", wanted.name));
            return Ok(false);
        };
        // Not stored yet.
        destination.auth = None;
        let value = scheme.as_ref().map_or_else(String::new, |scheme| format!("{scheme} "));
        destination.headers.push((header.clone(), Secret::new(value + token.expose())));
    }
    destination.transport.proxies =
        crate::config::Proxies::of_environment(|name| Some(given.get(name)?.to_str()?.to_owned()));
    let redactor: Redactor = redact::redactor(given).map_err(|error| Failure::Usage(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let probed = runtime.block_on(deliver::probe(&destination, &redactor, ANSWER_LIMIT));
    // What hangs in a look-up of a name is not waited for.
    runtime.shutdown_background();
    let (lines, works) = doctor::judged_lines(&destination, &probed);
    for line in &lines {
        say(line);
    }
    Ok(works)
}

fn tell_plan(
    given: Given<'_>,
    draft: &Draft,
    wanted: Option<&Wanted>,
    capture: Option<CaptureLevel>,
    shell: Option<&ShellChange>,
) {
    let file = |path: &std::path::Path| given.with_tilde(&path.display().to_string());
    say("This is to be written:");
    if draft.is_changed() {
        let note = if draft.exists() { "" } else { ", a new file" };
        say(&format!("  {}{note}", file(draft.path())));
        if let Some(level) = capture {
            say(&format!("    capture = \"{}\"", level.as_str()));
        }
        if let Some(wanted) = wanted {
            say(&format!("    [destinations.{}]", wanted.name));
            let shown = Endpoint::parse(&wanted.url).map(|endpoint| endpoint.to_string()).unwrap_or_default();
            let hidden = if shown.trim_end_matches('/') == wanted.url.trim_end_matches('/') {
                ""
            } else {
                "   # with a path, which is not shown"
            };
            say(&format!("    endpoint = \"{shown}\"{hidden}"));
            let table = draft.item(&["destinations", &wanted.name]).unwrap_or_default();
            let rest = table.lines().filter(|line| !line.starts_with("endpoint") && !line.starts_with("headers"));
            rest.filter(|line| !line.trim().is_empty()).for_each(|line| say(&format!("    {line}")));
            for (name, _) in &wanted.headers {
                say(&format!("    headers.{name} = (not shown)"));
            }
        }
    }
    if let Some(wanted) = wanted.filter(|wanted| wanted.token.is_some()) {
        say(&format!("  the token of {}, in the keyring, or in a file that you alone can read", wanted.name));
    }
    if let Some(shell) = shell {
        say(&format!("  {}", file(&shell.path)));
        say(&format!("    {}", shell.line));
    }
}

/// Writes all of it, and what undoes it.
fn write(
    given: Given<'_>,
    draft: &Draft,
    keys: &[Vec<String>],
    wanted: Option<Wanted>,
    shell: Option<ShellChange>,
) -> Result<(), Failure> {
    let before = Draft::open(given).map_err(Failure::Cannot)?;
    let mut now = Record::default();
    for key in keys {
        let path: Vec<&str> = key.iter().map(String::as_str).collect();
        let is = draft.item(&path).unwrap_or_default();
        now.keys.push(Key { path: key.clone(), was: before.item(&path), is });
    }
    let tilde = |path: &std::path::Path| given.with_tilde(&path.display().to_string());
    if draft.is_changed() {
        let copy = draft.write().map_err(Failure::Cannot)?;
        let kept = copy.as_deref().map_or_else(String::new, |copy| format!("; what was there: {}", tilde(copy)));
        say(&format!("{} is written{kept}", tilde(draft.path())));
        let copies = copy.into_iter().collect();
        now.config = Some(Written { path: draft.path().to_owned(), created: !draft.exists(), copies });
    }
    // What comes below may fail, and what is written must be undone all the same.
    remember(given, &now)?;
    if let Some(Wanted { name, token: Some(token), .. }) = wanted {
        now.tokens.push(name.clone());
        remember(given, &now)?;
        let store = auth::store(given, &name, token).map_err(Failure::Cannot)?;
        let place = match store {
            Store::File => tilde(&given.keyring_entry(&name).file.unwrap_or_default()),
            store => format!("the {store}"),
        };
        say(&format!("the token of {name} is stored in {place}"));
    }
    if let Some(shell) = shell {
        let cannot = |error: io::Error| Failure::Cannot(format!("cannot write {}: {error}", shell.path.display()));
        let copy = if shell.existed { Some(backup(&shell.path, &shell.before).map_err(cannot)?) } else { None };
        shell::write(&shell.path, &shell.after).map_err(cannot)?;
        let kept = copy.as_deref().map_or_else(String::new, |copy| format!("; what was there: {}", tilde(copy)));
        say(&format!("{} is written{kept}; it counts in shells that start from now on", tilde(&shell.path)));
        let copies = copy.into_iter().collect();
        now.shells.push(Written { path: shell.path, created: !shell.existed, copies });
        remember(given, &now)?;
    }
    Ok(())
}

fn remember(given: Given<'_>, now: &Record) -> Result<(), Failure> {
    let mut record = Record::read(given);
    record.add(now.clone());
    record
        .write(given)
        .map_err(|error| Failure::Cannot(format!("what was written cannot be remembered for `init --remove`: {error}")))
}
