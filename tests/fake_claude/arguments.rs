//! What was typed after `claude`, read as the real one reads it where that matters here.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What the arguments ask for.
#[derive(Debug, PartialEq)]
pub(crate) enum Asked {
    /// `--version`, `-v`
    Version,
    /// `--help`, `-h`
    Help,
    /// `mcp list`, `doctor`, `attach x` …: the words from the subcommand on.
    Subcommand(Vec<String>),
    /// `--settings` after a subcommand.
    UnknownOption(String),
    /// Anything else.
    Session(Session),
}

/// The options of a session that change what a stand-in does.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Session {
    /// `-p`
    pub(crate) print: bool,
    /// `--output-format json`
    pub(crate) json: bool,
    /// `--bg`
    pub(crate) background: bool,
    /// The last `--settings`; those before it do not count.
    pub(crate) settings: Option<OsString>,
    /// `--setting-sources`, where given.
    pub(crate) sources: Option<String>,
}

/// Subcommands that may follow options.
const SUBCOMMANDS: [&str; 9] =
    ["agents", "auth", "doctor", "install", "mcp", "plugin", "remote-control", "setup-token", "update"];
/// Subcommands only as the very first word: after an option they are a prompt, and paid for.
const FIRST_WORD_ONLY: [&str; 7] = ["attach", "daemon", "kill", "logs", "respawn", "rm", "stop"];
/// Options of a session that take the next argument.
const TAKES_VALUE: [&str; 16] = [
    "--add-dir",
    "--agents",
    "--allowedTools",
    "--append-system-prompt",
    "--disallowedTools",
    "--effort",
    "--input-format",
    "--mcp-config",
    "--model",
    "--output-format",
    "--permission-mode",
    "--session-id",
    "--setting-sources",
    "--settings",
    "--system-prompt",
    "--tools",
];

/// Reads the arguments, without the program's name.
pub(crate) fn read(arguments: &[OsString]) -> Asked {
    let mut session = Session::default();
    let mut rest = arguments.iter();
    let mut first = true;
    while let Some(argument) = rest.next() {
        let text = argument.to_str().unwrap_or_default();
        let (name, inline) = split(argument);
        if let Some(words) = subcommand(text, first, rest.as_slice()) {
            return words;
        }
        first = false;
        let name = name.to_str().unwrap_or_default();
        let value = match inline {
            Some(value) => Some(value),
            None if TAKES_VALUE.contains(&name) => rest.next().cloned(),
            None => None,
        };
        match name {
            "--" => break,
            "-v" | "--version" => return Asked::Version,
            "-h" | "--help" => return Asked::Help,
            "-p" | "--print" => session.print = true,
            "--bg" => session.background = true,
            "--output-format" => session.json = value.is_some_and(|format| format == "json"),
            "--settings" => session.settings = value,
            "--setting-sources" => session.sources = value.and_then(|value| value.into_string().ok()),
            _ => {}
        }
    }
    Asked::Session(session)
}

fn subcommand(word: &str, first: bool, rest: &[OsString]) -> Option<Asked> {
    if !(SUBCOMMANDS.contains(&word) || first && FIRST_WORD_ONLY.contains(&word)) {
        return None;
    }
    if rest.iter().any(|argument| split(argument).0 == "--settings") {
        return Some(Asked::UnknownOption("--settings".into()));
    }
    let rest = rest.iter().map(|argument| argument.to_string_lossy().into_owned());
    Some(Asked::Subcommand([word.to_owned()].into_iter().chain(rest).collect()))
}

/// `--name=value` in its parts.
fn split(argument: &OsStr) -> (&OsStr, Option<OsString>) {
    let bytes = argument.as_bytes();
    match bytes.iter().position(|byte| *byte == b'=') {
        Some(at) if bytes.starts_with(b"--") => {
            (OsStr::from_bytes(&bytes[..at]), Some(OsString::from_vec(bytes[at + 1..].to_vec())))
        }
        _ => (argument, None),
    }
}
