//! Edge: `cc-observe doctor`: whether it works on this machine, and what to do where it does not.

mod endpoints;
mod files;
mod programs;
mod settings;

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::json;

pub(super) use self::endpoints::judged_lines;
pub(super) use self::programs::claude_found;
use super::{COULD_NOT, redact, show, spool, status};
use crate::config::{Config, ConfigError, paths};
use crate::launch::{self, Given};
use crate::otlp::{self, Encoding, Signal};
use crate::process::{self, Inherited};
use crate::redact::{CaptureLevel, Custom, Policy, Redactor};
use crate::report::{self, Check, Style, Verdict, many};

/// Something does not work.
const FAILED: u8 = 1;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_millis(2800);

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

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+~".contains(&byte);
    if text.bytes().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// A part of the examination, done beside the others.
type Part = fn(Given<'_>) -> Vec<Check>;

/// In the order in which they are told.
const PARTS: [(&str, Part); 10] = [
    ("program", programs::program),
    ("claude", programs::claude),
    ("settings", settings::settings),
    ("configuration", configuration),
    ("redaction", redaction),
    ("state", files::state),
    ("permissions", files::permissions),
    ("spool", waiting),
    ("running", running),
    ("destination", endpoints::destinations),
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
            checks.extend(open_to_others(file, &config));
        }
        None => checks.push(check(ABOUT, Verdict::Ok, "no file of your own: what is built in counts")),
    }
    if let Err(errors) = Custom::new(config.redaction) {
        checks.extend(errors.iter().map(|error| hinted(ABOUT, Verdict::Failed, error.to_string(), RULE)));
    }
    checks
}

/// A file with credentials in it is its owner's alone, and nobody else says where telemetry goes.
fn open_to_others(file: &Path, config: &Config) -> Option<Check> {
    let holds_some = config.destinations.iter().any(|destination| !destination.headers.is_empty());
    let mode = fs::metadata(file).ok()?.permissions().mode();
    let shown = file.display();
    let found = if mode & 0o022 != 0 {
        format!("others may write {shown} ({:03o}): they may say where telemetry goes", mode & 0o777)
    } else if holds_some && mode & 0o077 != 0 {
        format!("{shown} holds headers, and others may read it ({:03o})", mode & 0o777)
    } else {
        return None;
    };
    Some(hinted("configuration", Verdict::Warning, found, format!("chmod 600 {}", quoted(file))))
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

/// Whether a command that Claude Code tells leaves this machine with its secret: by all that a request goes through, at the
/// level that lets most through.
fn lets_through(redactor: &Redactor, command: &str, secret: &str) -> bool {
    let attribute = |key: &str, value: String| json!({ "key": key, "value": { "stringValue": value } });
    let parameters = json!({ "bash_command": command, "full_command": command }).to_string();
    let record = json!({
        "body": { "stringValue": "claude_code.tool_result" },
        "attributes": [
            attribute("event.name", "tool_result".to_owned()),
            attribute("tool_name", "Bash".to_owned()),
            attribute("tool_parameters", parameters),
            attribute("error", command.to_owned()),
        ],
    });
    let scope = json!({ "scope": { "name": "com.anthropic.claude_code.events" }, "logRecords": [record] });
    let request = json!({ "resourceLogs": [{ "scopeLogs": [scope] }] }).to_string();
    let Ok(batch) = otlp::decode(Signal::Logs, Encoding::Json, request.as_bytes()) else { return true };
    let policy = Policy::default().at(CaptureLevel::Content);
    let sent = otlp::encode(redactor.batch(batch, &policy).batch.get());
    sent.windows(secret.len()).any(|window| window == secret.as_bytes())
}

/// Whether made-up secrets are found with the rules of today.
fn redaction(given: Given<'_>) -> Vec<Check> {
    // What is wrong is told of the configuration.
    let Ok(redactor) = redact::redactor(given) else {
        return vec![check("redaction", Verdict::Skipped, "cannot be tried with this configuration")];
    };
    let secret = ["Xk29", "vQz7", "Lm41", "Wp83"].concat();
    let missed = CANARIES.iter().filter(|text| lets_through(&redactor, &text.replace('*', &secret), &secret)).count();
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
            let hint = format!(
                "once nothing else waits for it, `cc-observe spool drop --destination {name} --parked --yes` removes them"
            );
            checks.push(hinted("spool", Verdict::Warning, found, hint));
        }
        if let Some(dropped) = &line.dropped {
            let found = format!("dropped for {name}: {}", many(dropped.records, "record"));
            let hint = format!(
                "once nothing waits for it, `cc-observe spool drop --destination {name} --yes` counts anew; `cc-observe spool status` says since when"
            );
            checks.push(hinted("spool", Verdict::Warning, found, hint));
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
