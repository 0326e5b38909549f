//! Edge: the destinations: whether each is there, lets us in, takes what it is sent, and knows what time it is.

use std::time::Duration;

use super::super::redact;
use super::{check, hinted};
use crate::config::{Destination, person};
use crate::deliver::{self, Probed, Stage, Trouble, Unreachable};
use crate::launch::{self, Given, examine};
use crate::redact::Redactor;
use crate::report::{Check, Note, Verdict};
use crate::secrets::TokenSource;
use crate::secrets::keyring::{KeyringError, Store};

/// How long an endpoint has for its answer.
const ANSWER_LIMIT: Duration = Duration::from_millis(2300);

/// By how much two clocks may differ, in seconds: more shows in what a backend makes of the last minutes.
const MOST_SKEW_S: u64 = 60;

/// What an endpoint says, in words; and whether it takes what it is sent.
pub(in crate::cli) fn judged_lines(destination: &Destination, probed: &Probed) -> (Vec<String>, bool) {
    let checks = judged(destination, probed);
    let works = checks.iter().all(|check| check.verdict != Verdict::Failed);
    let line = |check: Check| check.hint.map_or_else(|| check.found.clone(), |hint| format!("{}: {hint}", check.found));
    (checks.into_iter().map(line).collect(), works)
}

/// Whether each endpoint is there, lets us in, and takes what it is sent.
pub(super) fn destinations(given: Given<'_>) -> Vec<Check> {
    const ABOUT: &str = "destination";
    let Ok((all, _)) = launch::destinations_of_today(given) else {
        return vec![check(ABOUT, Verdict::Skipped, "cannot be tried with this configuration")];
    };
    let wrong: Vec<Check> = examine::wrong_with_the_persons(given)
        .iter()
        .map(|note| {
            let hint = match note {
                Note::EndpointNotSupported { .. } => "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf".to_owned(),
                Note::EndpointNotUsable { variable, .. } => format!("mend {variable}, or unset it"),
                _ => String::new(),
            };
            hinted(ABOUT, Verdict::Failed, note.sentence(), hint)
        })
        .collect();
    if all.is_empty() && !wrong.is_empty() {
        return wrong;
    }
    if all.is_empty() {
        let hint = "name one: CC_OBSERVE_ENDPOINT=https://… or [destinations.org] in the configuration file";
        return vec![hinted(ABOUT, Verdict::Warning, "none: sessions end with a summary and go nowhere", hint)];
    }
    let Ok(redactor) = redact::redactor(given) else { return Vec::new() };
    std::thread::scope(|scope| {
        let asked: Vec<_> = all.iter().map(|destination| scope.spawn(|| asked(destination, &redactor))).collect();
        wrong.into_iter().chain(asked.into_iter().filter_map(|asked| asked.join().ok()).flatten()).collect()
    })
}

fn asked(destination: &Destination, redactor: &Redactor) -> Vec<Check> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![check("destination", Verdict::Failed, format!("cannot be tried: {error}"))],
    };
    let (probed, credential) = runtime
        .block_on(async { tokio::join!(deliver::probe(destination, redactor, ANSWER_LIMIT), credential(destination)) });
    // What hangs in a look-up of a name is not waited for.
    runtime.shutdown_background();
    judged(destination, &probed).into_iter().chain(credential).collect()
}

/// Where the token of a keyring was found, and why not in the keyring. That there is none is told of the endpoint.
async fn credential(destination: &Destination) -> Option<Check> {
    const ABOUT: &str = "credential";
    let TokenSource::Keyring(entry) = &destination.auth.as_ref()?.token else { return None };
    let name = &destination.name;
    let found = entry.find().await.ok()?;
    let place = match (found.store, &entry.file) {
        (Store::File, Some(file)) => file.display().to_string(),
        (store, _) => store.to_string(),
    };
    let Some(error) = found.without_keyring else {
        return Some(check(ABOUT, Verdict::Ok, format!("{name}: the token of {place}")));
    };
    let told = format!("{name}: the token of {place}, since the keyring {error}");
    let hint = match error {
        KeyringError::Absent | KeyringError::Empty => return Some(check(ABOUT, Verdict::Ok, told)),
        KeyringError::Locked => "unlock it, if it holds a newer one".to_owned(),
        KeyringError::Content => format!("`cc-observe auth set {name}` stores it anew"),
        KeyringError::Late | KeyringError::Failed => {
            "look whether its service runs: each session waits for it at its beginning".to_owned()
        }
    };
    Some(hinted(ABOUT, Verdict::Warning, told, hint))
}

/// Whether the endpoint's time is ours.
fn clock(name: &str, probed: &Probed) -> Option<Check> {
    let ahead = probed.clock_ahead_s?;
    let by = ahead.unsigned_abs();
    let which = if ahead > 0 { "behind" } else { "ahead of" };
    (by > MOST_SKEW_S).then(|| {
        let found = format!("this machine's is {} {which} that of {name}", lasting(by));
        let hint = format!("look which of both is wrong; `{SET_CLOCK}` keeps this one right");
        hinted("clock", Verdict::Warning, found, hint)
    })
}

/// What lets the system keep its time.
const SET_CLOCK: &str = if cfg!(target_os = "macos") {
    "sudo systemsetup -setusingnetworktime on"
} else {
    "sudo timedatectl set-ntp true"
};

/// `90 s`, `5 min`, `3 h`, `2 days`
fn lasting(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn judged(destination: &Destination, probed: &Probed) -> Vec<Check> {
    const ABOUT: &str = "destination";
    let Destination { name, endpoint, .. } = destination;
    let answers = &probed.answers;
    let taken: Vec<&str> =
        answers.iter().filter(|(_, trouble)| trouble.is_none()).map(|(signal, _)| signal.as_str()).collect();
    let mut checks = Vec::new();
    if !taken.is_empty() {
        checks.push(check(ABOUT, Verdict::Ok, format!("{name} takes {} ({endpoint})", taken.join(", "))));
    }
    let mut troubles: Vec<(Trouble, Vec<&str>)> = Vec::new();
    for (signal, trouble) in answers.iter().filter_map(|(signal, trouble)| Some((signal, (*trouble)?))) {
        match troubles.iter_mut().find(|(known, _)| *known == trouble) {
            Some((_, signals)) => signals.push(signal.as_str()),
            None => troubles.push((trouble, vec![signal.as_str()])),
        }
    }
    for (trouble, signals) in troubles {
        let all = matches!(trouble, Trouble::Unreachable(_)) || signals.len() == destination.signals.len();
        let of = if all { String::new() } else { format!(", to {}", signals.join(", ")) };
        // Some endpoints take only what holds something.
        let verdict = match trouble {
            Trouble::Status(400 | 413 | 415 | 422) | Trouble::Refused => Verdict::Warning,
            _ => Verdict::Failed,
        };
        let (what, hint) = match late(trouble, probed.stage) {
            Some((what, hint)) => (what.to_owned(), hint.to_owned()),
            None => (trouble.to_string(), hint(trouble, &said_in(name))),
        };
        checks.push(hinted(ABOUT, verdict, format!("{name} {what}{of} ({endpoint})"), hint));
    }
    checks.extend(clock(name, probed));
    checks
}

/// Where the person says what a destination is.
fn said_in(name: &str) -> String {
    match name {
        launch::ENDPOINT_DESTINATION => "CC_OBSERVE_ENDPOINT".to_owned(),
        _ if name.starts_with(person::PERSON) => "the OTEL_EXPORTER_OTLP_… variables".to_owned(),
        _ => format!("[destinations.{name}]"),
    }
}

/// What was waited for in vain, and what to do about that.
fn late(trouble: Trouble, stage: Stage) -> Option<(&'static str, &'static str)> {
    if trouble != Trouble::Unreachable(Unreachable::TimedOut) {
        return None;
    }
    Some(match stage {
        Stage::LookingUp => {
            ("cannot be looked up in time", "look at this machine's DNS: its servers do not answer. A VPN that is off?")
        }
        Stage::Connecting => (
            "cannot be connected to in time",
            "a firewall that lets nothing through, or a VPN that is off? Look also at its host and port",
        ),
        Stage::Connected => (
            "can be connected to, and does not answer in time",
            "look whether it runs, whether its host and port are those of OTLP, and https or http right",
        ),
    })
}

/// What to do about an endpoint.
fn hint(trouble: Trouble, place: &str) -> String {
    match trouble {
        Trouble::Unreachable(Unreachable::Name) => {
            "look at the host's name in its endpoint, and at this machine's DNS".to_owned()
        }
        Trouble::Unreachable(Unreachable::Proxy) | Trouble::Status(407) => {
            "look at HTTPS_PROXY, HTTP_PROXY and NO_PROXY".to_owned()
        }
        Trouble::Unreachable(_) => "look whether it runs, and whether a firewall or a VPN stands between".to_owned(),
        Trouble::Certificate => {
            format!("name its authority: tls = {{ ca_file = \"/path/ca.pem\" }} in {place}")
        }
        Trouble::TlsFiles => format!("look at tls in {place}: each file is PEM and can be read"),
        Trouble::NoCredential(_) => format!("look at auth in {place}"),
        Trouble::Status(401 | 403) => format!("renew its credential: headers or auth in {place}"),
        Trouble::Status(404) => {
            format!("look at endpoint in {place}: /v1/logs and so on are appended; or leave that signal out")
        }
        Trouble::Foreign | Trouble::Status(300..=399) => {
            "is that an OTLP endpoint? Open it in a browser: a login page may stand between".to_owned()
        }
        Trouble::Unsendable => format!("look at the endpoint and the headers in {place}"),
        Trouble::Status(400 | 413 | 415 | 422) | Trouble::Refused => {
            "it may take what is not empty all the same; `cc-observe spool status` says after a session".to_owned()
        }
        Trouble::Status(_) | Trouble::Grpc(_) => {
            "it may be busy: try again; what is sent meanwhile waits on disk".to_owned()
        }
        Trouble::Configuration | Trouble::Disk => "`cc-observe spool status` says more".to_owned(),
    }
}
