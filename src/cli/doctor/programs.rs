//! Edge: the programs: claude, `cc-observe` itself, and whether what is typed as `claude` leads through it.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::super::init::shell::{self, Shell};
use super::{check, hinted, quoted};
use crate::launch::{self, Given, examine};
use crate::report::{Check, Verdict};

/// How long claude has to tell its version.
const VERSION_LIMIT: Duration = Duration::from_secs(2);

/// The oldest Claude Code whose telemetry says what is needed (its change log).
const OLDEST: [u64; 3] = [2, 1, 128];

/// Which claude would be run, and whether it is new enough.
pub(super) fn claude(given: Given<'_>) -> Vec<Check> {
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
pub(in crate::cli) fn claude_found(given: Given<'_>) -> Vec<String> {
    let found = claude(given).into_iter().filter(|check| check.about == "claude");
    let hint = |hint: Option<String>| hint.map_or_else(String::new, |hint| format!("; {hint}"));
    found.map(|check| format!("Claude Code: {}{}", given.with_tilde(&check.found), hint(check.hint))).collect()
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

/// Whether this is what is run as `cc-observe`.
pub(super) fn program(given: Given<'_>) -> Vec<Check> {
    const ABOUT: &str = "program";
    let version = env!("CARGO_PKG_VERSION");
    let this = std::env::current_exe().map_or_else(|_| "this".to_owned(), |path| path.display().to_string());
    let copies = launch::copies(given);
    let listed = |copies: &[(bool, std::path::PathBuf)]| {
        copies.iter().map(|(_, path)| path.display().to_string()).collect::<Vec<_>>().join(", ")
    };
    vec![match copies.as_slice() {
        [] => check(ABOUT, Verdict::Skipped, format!("{this}, {version}: not on PATH")),
        [(true, path)] => check(ABOUT, Verdict::Ok, format!("{}, {version}", path.display())),
        [(true, path), others @ ..] => hinted(
            ABOUT,
            Verdict::Warning,
            format!("{}, {version}; behind it on PATH: {}", path.display(), listed(others)),
            format!("take away what is not wanted: rm {}", rm(others)),
        ),
        [(false, first), ..] => hinted(
            ABOUT,
            Verdict::Warning,
            format!("{this}, {version}; but what PATH calls cc-observe is {}", first.display()),
            "take that one away, or put the directory of this one before it in PATH",
        ),
    }]
}

/// Paths behind `rm`.
fn rm(copies: &[(bool, std::path::PathBuf)]) -> String {
    copies.iter().map(|(_, path)| quoted(path)).collect::<Vec<_>>().join(" ")
}

/// Whether `claude` alone goes through us.
fn called(given: Given<'_>) -> Check {
    const ABOUT: &str = "shell";
    if launch::is_claude_ours(given) {
        return check(ABOUT, Verdict::Ok, "claude on PATH is cc-observe");
    }
    let plain = || {
        let found = "claude on PATH is claude itself: observed is what is typed as `cc-observe claude`";
        check(ABOUT, Verdict::Skipped, found)
    };
    let Some((shell, file)) = Shell::of(given).and_then(|shell| Some((shell, shell.file(given)?))) else {
        return plain();
    };
    let Some(program) = shell::read(&file).ok().and_then(|text| shell::aliased(&text)) else { return plain() };
    let file = file.display();
    if examine::is_program(&program, given.get("PATH")) {
        return check(ABOUT, Verdict::Ok, format!("claude is an alias of `{program} claude` in {file}"));
    }
    let hint = format!("`cc-observe init --yes --shell {}` writes it anew", shell.name());
    hinted(ABOUT, Verdict::Failed, format!("claude is an alias of {program} in {file}, which is not there"), hint)
}
