//! Edge: what is wanted: from the options, else from whoever sits at the terminal.

use std::io::{self, Write as _};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::presets::{Auth, NAME, PRESETS, Preset};
use super::shell::{self, Shell};
use super::{Failure, InitOptions, ask, say};
use crate::cli::args::LevelOption;
use crate::cli::{auth, complain};
use crate::config::user::is_destination_name;
use crate::config::{Config, Destination, Endpoint, Temporality, person};
use crate::launch::{self, Given};
use crate::otlp::Signal;
use crate::redact::CaptureLevel;
use crate::secrets::Secret;

/// Where telemetry is to go.
pub(super) struct Wanted {
    pub name: String,
    pub url: String,
    /// The header, and the word before the token.
    pub auth: Option<(String, Option<String>)>,
    pub token: Option<Secret>,
    pub signals: Vec<Signal>,
    pub temporality: Temporality,
    /// As the person has them already.
    pub headers: Vec<(String, Secret)>,
}

/// Where telemetry is to go; None: as it is now.
pub(super) fn wanted(
    given: Given<'_>,
    options: &InitOptions,
    config: &Config,
    asking: bool,
) -> Result<Option<Wanted>, Failure> {
    let said = options.endpoint.is_some() || options.preset.is_some() || options.take_over;
    if let Some(governed) = config.governed.as_ref().filter(|governed| governed.destinations) {
        let says = format!("your organization says where telemetry goes ({})", governed.files.join(", "));
        if said {
            return Err(Failure::Refused(format!("{says}: nothing was written")));
        }
        say(&says);
        return Ok(None);
    }
    let persons = persons(given, config)?;
    if options.take_over {
        let none = "there is no OTLP endpoint of Claude Code's to take over, or it has one for each signal";
        let taken = persons.as_ref().and_then(|it| taken_over(it, options));
        return taken.map(Some).ok_or_else(|| Failure::Refused(none.to_owned()));
    }
    if !said && !asking {
        tell_what_there_is(config, persons.as_ref());
        return Ok(None);
    }
    if !said && asking {
        tell_what_there_is(config, persons.as_ref());
        if let Some(persons) = &persons
            && let Some(taken) = taken_over(persons, options)
            && ask::yes("Take it over into cc-observe's own configuration?", false)?
        {
            return Ok(Some(taken));
        }
    }
    let (preset, url) = address(options, asking)?;
    let Some(url) = url else { return Ok(None) };
    Endpoint::parse(&url).map_err(|error| Failure::Usage(format!("the endpoint: {error}")))?;
    let name = options.name.clone().unwrap_or_else(|| preset.destination().to_owned());
    if !is_destination_name(&name) {
        return Err(Failure::Usage("a destination's name is made of a-z, 0-9, _ and -".to_owned()));
    }
    let token = token(options, preset, &name, asking)?;
    let auth = match preset.auth {
        Auth::None => token.as_ref().map(|_| ("Authorization", Some("Bearer"))),
        Auth::Basic { .. } => Some(("Authorization", Some("Basic"))),
        Auth::Token { header, scheme, optional, .. } => (token.is_some() || !optional).then_some((header, scheme)),
    };
    Ok(Some(Wanted {
        name,
        url,
        auth: auth.map(|(header, scheme)| (header.to_owned(), scheme.map(str::to_owned))),
        token,
        signals: preset.signals.to_vec(),
        temporality: preset.temporality,
        headers: Vec::new(),
    }))
}

/// The endpoint that Claude Code has without us.
fn persons(given: Given<'_>, config: &Config) -> Result<Option<Destination>, Failure> {
    if !config.destinations.is_empty() || given.own("CC_OBSERVE_ENDPOINT").is_some() {
        return Ok(None);
    }
    let (found, _) = launch::destinations_of_today(given).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(found.into_iter().find(|destination| destination.name.starts_with(person::PERSON)))
}

fn tell_what_there_is(config: &Config, persons: Option<&Destination>) {
    for destination in &config.destinations {
        say(&format!("telemetry goes to {}, {}", destination.name, destination.endpoint));
    }
    if let Some(persons) = persons {
        say(&format!(
            "Claude Code has an OTLP endpoint already, {}: it is used as it is, with secrets taken out",
            persons.endpoint
        ));
    } else if config.destinations.is_empty() {
        say("telemetry goes nowhere yet: sessions end with a summary, and nothing leaves this machine");
    }
}

/// What the person has, as a destination of its own. None: it has an address for each signal.
fn taken_over(persons: &Destination, options: &InitOptions) -> Option<Wanted> {
    if persons.name != person::PERSON || Signal::ALL.iter().any(|signal| persons.endpoint.own_url(*signal).is_some()) {
        return None;
    }
    Some(Wanted {
        name: options.name.clone().unwrap_or_else(|| NAME.to_owned()),
        url: persons.endpoint.base().expose().to_owned(),
        auth: None,
        token: None,
        signals: persons.signals.clone(),
        temporality: persons.temporality,
        headers: persons.headers.clone(),
    })
}

/// The backend and its address.
fn address(options: &InitOptions, asking: bool) -> Result<(&'static Preset, Option<String>), Failure> {
    let preset = options.preset.as_deref().and_then(Preset::of);
    if let Some(url) = &options.endpoint {
        return Ok((preset.unwrap_or_else(|| Preset::by_address(url)), Some(url.clone())));
    }
    if let Some(preset) = preset.filter(|_| !asking) {
        let url = preset.endpoint.ok_or_else(|| {
            Failure::Usage(format!("everybody has another endpoint there: --endpoint URL, such as {}", preset.example))
        })?;
        return Ok((preset, Some(url.to_owned())));
    }
    let preset = match preset {
        Some(preset) => preset,
        None => match choice()? {
            Choice::Preset(preset) => preset,
            Choice::Url(url) => return Ok((Preset::by_address(&url), Some(url))),
            Choice::Nowhere => return Ok((Preset::any(), None)),
        },
    };
    loop {
        let usual = preset.endpoint.map_or_else(|| format!("such as {}", preset.example), |url| format!("[{url}]"));
        match (ask::line(&format!("Endpoint of {}, {usual}:", preset.called))?.as_deref(), preset.endpoint) {
            (None, _) => return Ok((preset, None)),
            (Some(""), Some(url)) => return Ok((preset, Some(url.to_owned()))),
            (Some(""), None) => {}
            (Some(url), _) => match Endpoint::parse(url) {
                Ok(_) => return Ok((preset, Some(url.to_owned()))),
                Err(error) => complain(&error.to_string()),
            },
        }
    }
}

enum Choice {
    Preset(&'static Preset),
    Url(String),
    Nowhere,
}

fn choice() -> Result<Choice, Failure> {
    let mut stderr = io::stderr();
    writeln!(stderr, "Where is telemetry to go?")?;
    for preset in &PRESETS {
        writeln!(stderr, "  {:<10} {}", preset.name, preset.called)?;
    }
    loop {
        let Some(answer) = ask::line("One of these, a URL, or Enter to leave it as it is:")? else {
            return Ok(Choice::Nowhere);
        };
        if answer.is_empty() {
            return Ok(Choice::Nowhere);
        }
        if let Some(preset) = Preset::of(&answer) {
            return Ok(Choice::Preset(preset));
        }
        match Endpoint::parse(&answer) {
            Ok(_) if answer.contains("://") => return Ok(Choice::Url(answer)),
            _ => complain("that is none of them, and no URL"),
        }
    }
}

/// The token, from stdin or whoever sits there.
fn token(options: &InitOptions, preset: &Preset, name: &str, asking: bool) -> Result<Option<Secret>, Failure> {
    let called = match preset.auth {
        Auth::None => None,
        Auth::Token { called, .. } | Auth::Basic { called } => Some(called),
    };
    let read = if options.token_stdin {
        Some(auth::read_token(name).map_err(Failure::Usage)?)
    } else if asking && let Some(called) = called {
        say(&format!("What it asks for is the {called} (see {}); Enter for none", preset.source));
        auth::read_token_or_none(name).map_err(Failure::Usage)?
    } else {
        None
    };
    Ok(read.map(|token| match preset.auth {
        Auth::Basic { .. } if token.expose().contains(':') => Secret::new(BASE64_STANDARD.encode(token.expose())),
        _ => token,
    }))
}

/// The level that is to be written; None: it stays as it is.
pub(super) fn capture(
    options: &InitOptions,
    config: &Config,
    goes_somewhere: bool,
    asking: bool,
) -> Result<Option<CaptureLevel>, Failure> {
    if let Some(level) = options.capture {
        return Ok(Some(match level {
            LevelOption::Metadata => CaptureLevel::Metadata,
            LevelOption::Commands => CaptureLevel::Commands,
            LevelOption::Content => CaptureLevel::Content,
        }));
    }
    if !asking || !goes_somewhere {
        return Ok(None);
    }
    let now = config.capture.unwrap_or_default();
    let mut stderr = io::stderr();
    writeln!(stderr, "How much leaves this machine?")?;
    writeln!(stderr, "  metadata   names, numbers, decisions and costs")?;
    writeln!(stderr, "  commands   commands, paths and error texts too, secrets taken out")?;
    writeln!(stderr, "  content    prompts, answers and tool output too, secrets taken out")?;
    loop {
        let level = match ask::line(&format!("One of these [{}]:", now.as_str()))?.as_deref() {
            None | Some("") => return Ok(None),
            Some("metadata") => CaptureLevel::Metadata,
            Some("commands") => CaptureLevel::Commands,
            Some("content") => CaptureLevel::Content,
            Some(_) => {
                complain("that is none of them");
                continue;
            }
        };
        return Ok((level != now).then_some(level));
    }
}

pub(super) fn shell_wanted(given: Given<'_>, options: &InitOptions, asking: bool) -> Result<Option<Shell>, Failure> {
    match options.shell.as_deref() {
        Some("bash") => return Ok(Some(Shell::Bash)),
        Some("zsh") => return Ok(Some(Shell::Zsh)),
        Some("fish") => return Ok(Some(Shell::Fish)),
        Some(_) => return Ok(None),
        None => {}
    }
    let Some(shell) = Shell::of(given).filter(|_| asking) else { return Ok(None) };
    let Some(file) = shell.file(given) else { return Ok(None) };
    if launch::is_claude_ours(given) || shell::is_ours(&shell::read(&file).unwrap_or_default()) {
        return Ok(None);
    }
    let file = given.with_tilde(&file.display().to_string());
    Ok(ask::yes(&format!("Observe `claude` typed alone too, by an alias in {file}?"), false)?.then_some(shell))
}
