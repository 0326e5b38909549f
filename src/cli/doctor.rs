//! Edge: `cc-observe doctor`: whether it works on this machine, and what to do where it does not.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Parser;

use super::{COULD_NOT, redact, show, spool, status};
use crate::config::{Config, ConfigError, Destination, paths, person};
use crate::deliver::{self, Trouble};
use crate::launch::{self, Given};
use crate::otlp::Signal;
use crate::process::{self, Inherited};
use crate::redact::{Custom, Redactor};
use crate::report::{self, Check, Style, Verdict, many};

/// Something does not work.
const FAILED: u8 = 1;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_millis(2800);

/// How long an endpoint has for its answer.
const ANSWER_LIMIT: Duration = Duration::from_millis(2300);

/// How long claude has to tell its version.
const VERSION_LIMIT: Duration = Duration::from_secs(2);

/// The oldest Claude Code whose telemetry says what is needed (its change log).
const OLDEST: [u64; 3] = [2, 1, 128];

/// Looks whether everything works here, and says what to do where it does not.
#[derive(Debug, Parser)]
#[command(
    name = "cc-observe doctor",
    bin_name = "cc-observe doctor",
    after_help = "Each endpoint is sent an empty request for each signal. Nothing is changed.\n\n\
        Exit codes: 0 everything works, warnings apart; 1 something does not; 2 a mistake in the options;\n\
        125 the output cannot be written."
)]
pub struct DoctorOptions {
    /// An object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Does what `cc-observe doctor …` says; the exit code.
pub(super) fn run(args: &[OsString], environment: &[(OsString, OsString)], inherited: &Inherited) -> u8 {
    inherited.make_usable();
    let name = OsString::from("cc-observe doctor");
    let options = match DoctorOptions::try_parse_from(std::iter::once(&name).chain(args)) {
        Ok(options) => options,
        Err(error) => return show(&error),
    };
    let checks = all(environment);
    let given = Given { variables: environment };
    let stdout = io::stdout();
    let terminal = process::is_terminal(stdout.as_fd());
    let style = Style { colour: given.colours(terminal), width: usize::MAX, ..Style::PLAIN };
    let text = if options.json {
        report::doctor_json(&checks, env!("CARGO_PKG_VERSION"))
    } else {
        given.with_tilde(&report::doctor(&checks, &style))
    };
    let mut stdout = stdout.lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => COULD_NOT,
        _ if report::worst(&checks) == Verdict::Failed => FAILED,
        _ => 0,
    }
}

fn check(about: &'static str, verdict: Verdict, found: impl Into<String>) -> Check {
    Check { about, verdict, found: found.into(), hint: None }
}

fn hinted(about: &'static str, verdict: Verdict, found: impl Into<String>, hint: impl Into<String>) -> Check {
    Check { hint: Some(hint.into()), ..check(about, verdict, found) }
}

/// A part of the examination, done beside the others.
type Part = fn(Given<'_>) -> Vec<Check>;

/// In the order in which they are told.
const PARTS: [(&str, Part); 8] = [
    ("claude", claude),
    ("settings", settings),
    ("configuration", configuration),
    ("redaction", redaction),
    ("state", state),
    ("spool", waiting),
    ("running", running),
    ("destination", destinations),
];

/// All parts at once. One that does not end in time has failed: nobody waits for a disk that does not answer.
fn all(environment: &[(OsString, OsString)]) -> Vec<Check> {
    let deadline = Instant::now() + LIMIT;
    let (sender, receiver) = mpsc::channel();
    for (at, (_, part)) in PARTS.iter().enumerate() {
        let (sender, environment) = (sender.clone(), environment.to_vec());
        std::thread::spawn(move || {
            // Who has given up waiting does not hear it.
            let _ = sender.send((at, part(Given { variables: &environment })));
        });
    }
    drop(sender);
    let mut found: Vec<Option<Vec<Check>>> = PARTS.iter().map(|_| None).collect();
    while let Ok((at, checks)) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        if let Some(place) = found.get_mut(at) {
            *place = Some(checks);
        }
    }
    let late = |about: &'static str| {
        let found = format!("was not found out within {:.1} s", LIMIT.as_secs_f64());
        vec![hinted(about, Verdict::Failed, found, "a disk or a network that does not answer? Try again")]
    };
    PARTS.iter().zip(found).flat_map(|((about, _), found)| found.unwrap_or_else(|| late(about))).collect()
}

/// Which claude would be run, and whether it is new enough.
fn claude(given: Given<'_>) -> Vec<Check> {
    let path = match launch::claude(given) {
        Ok(path) => path,
        Err(error) => return vec![hinted("claude", Verdict::Failed, error.to_string(), error.hint())],
    };
    let shown = path.display();
    let found = match version_of(&path) {
        None => {
            let hint = format!("run `{shown} --version` and see what it says");
            hinted("claude", Verdict::Warning, format!("{shown} does not tell its version"), hint)
        }
        Some((version, text)) if version < OLDEST => {
            let [major, minor, patch] = OLDEST;
            let hint = format!("`claude update`: telemetry is complete from {major}.{minor}.{patch} on");
            hinted("claude", Verdict::Warning, format!("{shown}, {text}"), hint)
        }
        Some((_, text)) => check("claude", Verdict::Ok, format!("{shown}, {text}")),
    };
    vec![found, called(given)]
}

/// The same in words, for who sets it up.
pub(super) fn claude_found(given: Given<'_>) -> Vec<String> {
    let found = claude(given).into_iter().filter(|check| check.about == "claude");
    let hint = |hint: Option<String>| hint.map_or_else(String::new, |hint| format!("; {hint}"));
    found.map(|check| format!("Claude Code: {}{}", given.with_tilde(&check.found), hint(check.hint))).collect()
}

/// What an endpoint says, in words; and whether it takes what it is sent.
pub(super) fn judged_lines(destination: &Destination, answers: &[(Signal, Option<Trouble>)]) -> (Vec<String>, bool) {
    let checks = judged(destination, answers);
    let works = checks.iter().all(|check| check.verdict != Verdict::Failed);
    let line = |check: Check| check.hint.map_or_else(|| check.found.clone(), |hint| format!("{}: {hint}", check.found));
    (checks.into_iter().map(line).collect(), works)
}

/// What `claude --version` says, as numbers and as it is: `2.1.330 (Claude Code)`.
fn version_of(path: &Path) -> Option<([u64; 3], String)> {
    let mut child = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = io::Read::read_to_string(&mut io::Read::take(&mut stdout, 4096), &mut text);
        let _ = sender.send(read.ok().map(|_| text));
    });
    let text = receiver.recv_timeout(VERSION_LIMIT).ok().flatten();
    // It has said what we want to know, or has had its time.
    let _ = child.kill();
    let _ = child.wait();
    let text = text?.split_whitespace().next()?.to_owned();
    let mut numbers = text.split('.').map(|number| number.parse().ok());
    let version = [numbers.next()??, numbers.next()??, numbers.next()??];
    Some((version, text))
}

/// Whether `claude` alone goes through us.
fn called(given: Given<'_>) -> Check {
    if launch::is_claude_ours(given) {
        return check("shell", Verdict::Ok, "claude on PATH is cc-observe");
    }
    check(
        "shell",
        Verdict::Skipped,
        "claude on PATH is claude itself: observed is what is typed as `cc-observe claude`",
    )
}

/// Settings of Claude Code that lead past us.
fn settings(_: Given<'_>) -> Vec<Check> {
    vec![match launch::bypassed_by() {
        Some(path) => hinted(
            "settings",
            Verdict::Failed,
            format!("{} says where telemetry goes, and beats cc-observe", path.display()),
            "whoever manages it: take out its OTEL_ variables and `otelHeadersHelper`",
        ),
        None => check("settings", Verdict::Ok, "no managed settings of Claude Code lead past cc-observe"),
    }]
}

/// What is wrong with the configuration, and who decides.
fn configuration(given: Given<'_>) -> Vec<Check> {
    const ABOUT: &str = "configuration";
    const OWN: &str = "mend that line; until then sessions are not observed";
    const LEFT_OUT: &str = "mend that line; until then what it says does not count";
    const MANAGED: &str = "whoever manages it: mend it; until then nothing is delivered";
    const RULE: &str = "mend the rule (`cc-observe redact --rules` tries it); until then only metadata is captured";
    let layers = launch::layers(given);
    let wrong = |error: &ConfigError, hint: &str| -> Vec<Check> {
        error.each().into_iter().map(|error| hinted(ABOUT, Verdict::Failed, error.to_string(), hint)).collect()
    };
    let config = match layers.read() {
        Ok(config) => config,
        Err(error) => return wrong(&error, OWN),
    };
    let mut checks = Vec::new();
    if let Some(governed) = &config.governed {
        if let Some(broken) = &governed.broken {
            return wrong(broken, MANAGED);
        }
        let required = if governed.required { "; sessions must be observed" } else { "" };
        checks.push(check(ABOUT, Verdict::Ok, format!("managed by {}{required}", governed.files.join(", "))));
        if let Some(left_out) = &governed.left_out {
            checks.extend(wrong(left_out, LEFT_OUT));
        }
    }
    match layers.file.as_deref().filter(|file| file.exists()) {
        Some(file) => {
            checks.push(check(ABOUT, Verdict::Ok, format!("{}, sound", file.display())));
            checks.extend(readable_by_others(file, &config));
        }
        None => checks.push(check(ABOUT, Verdict::Ok, "no file of your own: what is built in counts")),
    }
    if let Err(errors) = Custom::new(config.redaction) {
        checks.extend(errors.iter().map(|error| hinted(ABOUT, Verdict::Failed, error.to_string(), RULE)));
    }
    checks
}

/// A file with credentials in it is its owner's alone.
fn readable_by_others(file: &Path, config: &Config) -> Option<Check> {
    let holds_some = config.destinations.iter().any(|destination| !destination.headers.is_empty());
    let mode = fs::metadata(file).ok()?.permissions().mode();
    (holds_some && mode & 0o077 != 0).then(|| {
        let found = format!("{} holds headers, and others may read it ({:03o})", file.display(), mode & 0o777);
        hinted("configuration", Verdict::Warning, found, format!("chmod 600 {}", file.display()))
    })
}

/// Secrets, all made up, in the forms that others let pass. `*` is where the secret stands.
const CANARIES: [&str; 6] = [
    "curl -u deploy:* https://example.com",
    "mysql -p* shop",
    "tool --password * --verbose",
    "{\\\"command\\\":\\\"export API_TOKEN=*\\\"}",
    "git clone https://me:*@example.com/a.git",
    "Authorization: Bearer *",
];

/// Whether made-up secrets are found with the rules of today.
fn redaction(given: Given<'_>) -> Vec<Check> {
    // What is wrong is told of the configuration.
    let Ok(redactor) = redact::redactor(given) else {
        return vec![check("redaction", Verdict::Skipped, "cannot be tried with this configuration")];
    };
    let secret = ["Xk29", "vQz7", "Lm41", "Wp83"].concat();
    let missed = CANARIES.iter().filter(|text| redactor.text(&text.replace('*', &secret)).0.contains(&secret)).count();
    let of = CANARIES.len();
    vec![if missed == 0 {
        check("redaction", Verdict::Ok, format!("{of} of {of} made-up secrets are masked"))
    } else {
        hinted(
            "redaction",
            Verdict::Failed,
            format!("{missed} of {of} made-up secrets are not masked"),
            "look at `allow` in [redaction]: it lets too much through",
        )
    }]
}

/// Whether there is a place for what must survive.
fn state(_: Given<'_>) -> Vec<Check> {
    let directory = match paths::state_directory() {
        Ok(directory) => directory,
        Err(error) => {
            let hint = "make a directory that is yours and can be written to, and name it in XDG_STATE_HOME";
            return vec![hinted("state", Verdict::Failed, format!("no directory for state: {error}"), hint)];
        }
    };
    let mut checks = vec![check("state", Verdict::Ok, format!("{} can be written to", directory.display()))];
    let script = directory.join("process-wrapper");
    if let Ok(found) = fs::metadata(&script)
        && found.permissions().mode() & 0o100 == 0
    {
        checks.push(hinted(
            "state",
            Verdict::Failed,
            format!("{} cannot be executed: background sessions do not start", script.display()),
            format!("chmod 700 {}", script.display()),
        ));
    }
    checks
}

/// What waits, and whether there is room for more.
fn waiting(given: Given<'_>) -> Vec<Check> {
    let (lines, disk) = match spool::lying(given) {
        Ok(lying) => lying,
        Err(error) => {
            let hint = "look at the directory `spool` of the state directory";
            return vec![hinted("spool", Verdict::Failed, error.to_string(), hint)];
        }
    };
    let mut checks = Vec::new();
    if disk.is_some_and(|disk| disk.full) {
        let hint = "make room on its disk: what cannot be delivered is kept in memory alone until then";
        checks.push(hinted("spool", Verdict::Failed, "its disk is full or read-only", hint));
    }
    for line in &lines {
        let name = &line.name;
        if let Some(error) = line.error.as_ref().filter(|_| line.waiting.batches > 0) {
            let found = format!("{} for {name}: it {error}", wait(line.waiting.batches));
            checks.push(hinted("spool", Verdict::Warning, found, "`cc-observe spool flush` tries again now"));
        }
        if line.parked.batches > 0 {
            let found = format!("set aside for {name}: {}, which it does not take", many(line.parked.batches, "batch"));
            checks.push(hinted("spool", Verdict::Warning, found, "`cc-observe spool drop --parked` removes them"));
        }
        if let Some(dropped) = &line.dropped {
            let found = format!("dropped for {name}: {}", many(dropped.records, "record"));
            checks.push(hinted("spool", Verdict::Warning, found, "`cc-observe spool status` says since when"));
        }
    }
    if checks.is_empty() {
        let all: u64 = lines.iter().map(|line| line.waiting.batches).fold(0, u64::saturating_add);
        checks.push(check("spool", Verdict::Ok, wait(all)));
    }
    checks
}

fn wait(batches: u64) -> String {
    match batches {
        0 => "nothing waits".to_owned(),
        1 => "1 batch waits".to_owned(),
        _ => format!("{batches} batches wait"),
    }
}

/// What runs now, and whether it is of this version.
fn running(_: Given<'_>) -> Vec<Check> {
    let Ok(state) = paths::state_directory() else { return Vec::new() };
    let versions = status::versions(&state);
    let ours = env!("CARGO_PKG_VERSION");
    let others = versions.iter().filter(|version| *version != ours).count();
    let found = match versions.len() {
        0 => "nothing runs now".to_owned(),
        all => many(u64::try_from(all).unwrap_or(u64::MAX), "relay"),
    };
    vec![if others == 0 {
        check("running", Verdict::Ok, found)
    } else {
        let hint = "they go on as they are; sessions that begin now have this version";
        hinted("running", Verdict::Warning, format!("{found}, {others} of another version than {ours}"), hint)
    }]
}

/// Whether each endpoint is there, lets us in, and takes what it is sent.
fn destinations(given: Given<'_>) -> Vec<Check> {
    const ABOUT: &str = "destination";
    let Ok((all, _)) = launch::destinations_of_today(given) else {
        return vec![check(ABOUT, Verdict::Skipped, "cannot be tried with this configuration")];
    };
    if all.is_empty() {
        let hint = "name one: CC_OBSERVE_ENDPOINT=https://… or [destinations.org] in the configuration file";
        return vec![hinted(ABOUT, Verdict::Warning, "none: sessions end with a summary and go nowhere", hint)];
    }
    let Ok(redactor) = redact::redactor(given) else { return Vec::new() };
    std::thread::scope(|scope| {
        let asked: Vec<_> = all.iter().map(|destination| scope.spawn(|| asked(destination, &redactor))).collect();
        asked.into_iter().filter_map(|asked| asked.join().ok()).flatten().collect()
    })
}

fn asked(destination: &Destination, redactor: &Redactor) -> Vec<Check> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![check("destination", Verdict::Failed, format!("cannot be tried: {error}"))],
    };
    let answers = runtime.block_on(deliver::probe(destination, redactor, ANSWER_LIMIT));
    // What hangs in a look-up of a name is not waited for.
    runtime.shutdown_background();
    judged(destination, &answers)
}

fn judged(destination: &Destination, answers: &[(Signal, Option<Trouble>)]) -> Vec<Check> {
    const ABOUT: &str = "destination";
    let Destination { name, endpoint, .. } = destination;
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
        checks.push(hinted(
            ABOUT,
            verdict,
            format!("{name} {trouble}{of} ({endpoint})"),
            hint(trouble, &said_in(name)),
        ));
    }
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

/// What to do about an endpoint.
fn hint(trouble: Trouble, place: &str) -> String {
    use crate::deliver::Unreachable;
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
