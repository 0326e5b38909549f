//! What the person asked claude for, read from its arguments without changing them.
//!
//! Options and subcommands are those that `claude --help` of 2.1.330 lists, and the unlisted ones that the
//! documentation and the issues of wrappers name.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// What claude will do with its arguments.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It starts a session in this process: observe it.
    Session {
        /// `-p`: no terminal interface, no questions.
        print: bool,
        /// Whether `--settings` may be put in front. Not where the first word could be a subcommand that this
        /// version does not know: `claude --settings F attach x` is a prompt, and a paid one.
        settings: bool,
    },
    /// It has sessions started in the background, or may, by a daemon that it then starts: observe what comes of that.
    Background,
    /// It does something else, or starts a session elsewhere: leave it alone.
    Other,
}

/// One `--settings` among the arguments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingsArgument {
    /// Where the value stands.
    index: usize,
    /// `--settings=VALUE` rather than two arguments.
    joined: bool,
    /// A path or inline JSON.
    pub value: OsString,
}

/// The arguments, understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Arguments {
    /// What claude will do.
    pub kind: Kind,
    /// The last `--settings`: the one that claude uses.
    pub settings: Option<SettingsArgument>,
    /// Whether `--setting-sources` leaves out the user's own settings file.
    pub without_user_settings: bool,
}

/// Words that are subcommands, or that the launcher of claude takes for one before it reads options.
const SUBCOMMANDS: &[&str] = &[
    "agents",
    "attach",
    "auth",
    "auto-mode",
    "daemon",
    "doctor",
    "gateway",
    "help",
    "import",
    "install",
    "kill",
    "logs",
    "mcp",
    "migrate-installer",
    "plugin",
    "plugins",
    "project",
    "purge",
    "rc",
    "remote-control",
    "respawn",
    "rm",
    "self-hosted-runner",
    "setup-token",
    "stop",
    "ultrareview",
    "update",
    "upgrade",
];

/// Options with one value, which may begin with a dash.
const ONE_VALUE: &[&str] = &[
    "--agent",
    "--agents",
    "--append-system-prompt",
    "--append-system-prompt-file",
    "--autocompact",
    "--debug-file",
    "--effort",
    "--environment",
    "--fallback-model",
    "--input-format",
    "--json-schema",
    "--max-budget-usd",
    "--max-thinking-tokens",
    "--max-turns",
    "--model",
    "--name",
    "--output-format",
    "--permission-mode",
    "--permission-prompt-tool",
    "--permission-prompts",
    "--plugin-dir",
    "--plugin-url",
    "--remote-control-session-name-prefix",
    "--resume-session-at",
    "--session-id",
    "--setting-sources",
    "--settings",
    "--system-prompt",
    "--system-prompt-file",
    "--system-prompt-snapshot",
];

/// Options with any number of values, up to the next argument that begins with a dash.
const MANY_VALUES: &[&str] = &[
    "--add-dir",
    "--allowed-tools",
    "--allowedTools",
    "--betas",
    "--disallowed-tools",
    "--disallowedTools",
    "--file",
    "--mcp-config",
    "--tools",
];

/// Options with a value that may be left out, and that then does not begin with a dash.
const MAYBE_A_VALUE: &[&str] = &[
    "--cloud",
    "--debug",
    "--from-pr",
    "--prompt-suggestions",
    "--remote-control",
    "--resume",
    "--teleport",
    "--worktree",
];

/// Options without a value.
const NO_VALUE: &[&str] = &[
    "--allow-dangerously-skip-permissions",
    "--ax-screen-reader",
    "--bare",
    "--brief",
    "--chrome",
    "--continue",
    "--dangerously-skip-permissions",
    "--disable-slash-commands",
    "--exclude-dynamic-system-prompt-sections",
    "--fork-session",
    "--forward-subagent-text",
    "--ide",
    "--include-hook-events",
    "--include-partial-messages",
    "--init",
    "--init-only",
    "--maintenance",
    "--no-chrome",
    "--no-session-persistence",
    "--print",
    "--replay-user-messages",
    "--restricted",
    "--safe-mode",
    "--strict-mcp-config",
    "--tmux",
    "--verbose",
];

/// Options after which no session starts here.
const ELSEWHERE: &[&str] = &["--desktop", "--help", "--version"];

/// Options after which one starts in the background.
const IN_BACKGROUND: &[&str] = &["--background", "--bg"];

/// Subcommands that start the background daemon where there is none.
const STARTS_DAEMON: &[&str] = &["agents", "attach", "respawn"];

/// What the daemon itself is started with, behind `daemon`.
const DAEMON: &[&str] = &["restart", "run", "start"];

/// The short options of claude, by what they stand for.
const SHORT: &[(u8, &str)] = &[
    (b'c', "--continue"),
    (b'd', "--debug"),
    (b'h', "--help"),
    (b'n', "--name"),
    (b'p', "--print"),
    (b'r', "--resume"),
    (b'v', "--version"),
    (b'w', "--worktree"),
];

enum Arity {
    None,
    One,
    Many,
    Maybe,
    Elsewhere,
    Background,
    Unknown,
}

fn arity(option: &str) -> Arity {
    if ONE_VALUE.contains(&option) {
        Arity::One
    } else if MANY_VALUES.contains(&option) {
        Arity::Many
    } else if MAYBE_A_VALUE.contains(&option) {
        Arity::Maybe
    } else if NO_VALUE.contains(&option) {
        Arity::None
    } else if ELSEWHERE.contains(&option) {
        Arity::Elsewhere
    } else if IN_BACKGROUND.contains(&option) {
        Arity::Background
    } else {
        Arity::Unknown
    }
}

impl Arguments {
    /// Reads the arguments as claude's own parser would.
    pub fn read(args: &[OsString]) -> Self {
        let mut reading = Reading { args, at: 0, print: false, elsewhere: None, settings: None, no_user: false };
        let first_operand = reading.options();
        let kind = match (args.first(), first_operand) {
            (Some(first), _) if is_option(first) && !is_known(first) => {
                Kind::Session { print: reading.print, settings: false }
            }
            (_, Some(operand)) if starts_daemon(operand, args) => Kind::Background,
            (_, Some(operand)) if is_subcommand(operand) => Kind::Other,
            (Some(first), _) if is_bare_word(first) => Kind::Session { print: reading.print, settings: false },
            _ => Kind::Session { print: reading.print, settings: true },
        };
        // An option that nobody knows in the first place may be a mode of its own (`--bg-spare` is one).
        let kind = match args.first() {
            Some(first) if first.as_bytes().starts_with(b"--bg-") => Kind::Other,
            _ => reading.elsewhere.unwrap_or(kind),
        };
        Self { kind, settings: reading.settings, without_user_settings: reading.no_user }
    }

    /// The arguments with `--settings FILE` in place of the person's own, or in front if they gave none.
    pub fn with_settings(&self, args: &[OsString], file: &OsStr) -> Vec<OsString> {
        let mut args = args.to_vec();
        match &self.settings {
            Some(own) => {
                if let Some(slot) = args.get_mut(own.index) {
                    *slot = if own.joined {
                        let mut joined = OsString::from("--settings=");
                        joined.push(file);
                        joined
                    } else {
                        file.to_owned()
                    };
                }
            }
            None => {
                args.splice(0..0, [OsString::from("--settings"), file.to_owned()]);
            }
        }
        args
    }
}

struct Reading<'a> {
    args: &'a [OsString],
    at: usize,
    print: bool,
    /// Where a session starts, if not here.
    elsewhere: Option<Kind>,
    settings: Option<SettingsArgument>,
    no_user: bool,
}

impl<'a> Reading<'a> {
    /// Walks over all options and gives back the first argument that is neither an option nor the value of one.
    fn options(&mut self) -> Option<&'a OsStr> {
        let mut first_operand = None;
        while let Some(arg) = self.args.get(self.at) {
            self.at += 1;
            let bytes = arg.as_bytes();
            if bytes == b"--" {
                break;
            } else if bytes.starts_with(b"--") {
                self.long(arg);
            } else if bytes.len() > 1 && bytes.starts_with(b"-") {
                self.cluster(bytes.get(1..).unwrap_or_default());
            } else if first_operand.is_none() {
                first_operand = Some(arg.as_os_str());
                // What stands behind a subcommand is the subcommand's.
                if is_subcommand(arg) {
                    break;
                }
            }
        }
        first_operand
    }

    fn long(&mut self, arg: &OsStr) {
        let Some(text) = arg.to_str() else { return };
        if let Some((name, value)) = text.split_once('=') {
            if name == "--settings" {
                self.settings =
                    Some(SettingsArgument { index: self.at - 1, joined: true, value: OsString::from(value) });
            } else if name == "--setting-sources" {
                self.sources(value);
            }
            return;
        }
        match arity(text) {
            Arity::One => {
                let index = self.at;
                let value = self.args.get(index);
                self.at += 1;
                match (text, value) {
                    ("--settings", Some(value)) => {
                        self.settings = Some(SettingsArgument { index, joined: false, value: value.clone() });
                    }
                    ("--setting-sources", Some(value)) => self.sources(&value.to_string_lossy()),
                    _ => {}
                }
            }
            Arity::Many => {
                while self.next_is_a_value() {
                    self.at += 1;
                }
            }
            Arity::Maybe => self.at += usize::from(self.next_is_a_value()),
            Arity::None => self.print |= text == "--print",
            Arity::Elsewhere => self.elsewhere = Some(Kind::Other),
            Arity::Background => self.elsewhere = self.elsewhere.or(Some(Kind::Background)),
            Arity::Unknown => {}
        }
    }

    /// `-pc`, `-n NAME`, `-nNAME`.
    fn cluster(&mut self, letters: &[u8]) {
        for (index, letter) in letters.iter().enumerate() {
            let Some((_, long)) = SHORT.iter().find(|(short, _)| short == letter) else { return };
            let last = index + 1 == letters.len();
            match arity(long) {
                Arity::One => {
                    self.at += usize::from(last);
                    return;
                }
                Arity::Maybe => {
                    self.at += usize::from(last && self.next_is_a_value());
                    return;
                }
                Arity::Elsewhere => self.elsewhere = Some(Kind::Other),
                _ => self.print |= *long == "--print",
            }
        }
    }

    fn next_is_a_value(&self) -> bool {
        self.args.get(self.at).is_some_and(|next| !next.as_bytes().starts_with(b"-"))
    }

    fn sources(&mut self, list: &str) {
        self.no_user = !list.split(',').any(|source| source.trim() == "user");
    }
}

fn is_option(arg: &OsStr) -> bool {
    arg.as_bytes().starts_with(b"-") && arg.len() > 1
}

/// Whether an option is one of claude's, in any of its forms.
fn is_known(arg: &OsStr) -> bool {
    let Some(text) = arg.to_str() else { return false };
    if text == "--" {
        return true;
    }
    match text.strip_prefix("--") {
        Some(_) => !matches!(arity(text.split_once('=').map_or(text, |(name, _)| name)), Arity::Unknown),
        None => text.as_bytes().get(1).is_some_and(|letter| SHORT.iter().any(|(short, _)| short == letter)),
    }
}

fn is_subcommand(arg: &OsStr) -> bool {
    arg.to_str().is_some_and(|word| SUBCOMMANDS.contains(&word))
}

/// Whether a subcommand starts the daemon, or is it.
fn starts_daemon(operand: &OsStr, args: &[OsString]) -> bool {
    let is_one_of = |word: &OsStr, list: &[&str]| list.iter().any(|known| word == *known);
    let behind = args.iter().skip_while(|arg| *arg != operand).nth(1);
    is_one_of(operand, STARTS_DAEMON) || operand == "daemon" && behind.is_some_and(|word| is_one_of(word, DAEMON))
}

/// A word that could be a subcommand of a version to come.
fn is_bare_word(arg: &OsStr) -> bool {
    !arg.is_empty()
        && arg.as_bytes().iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'-')
        && !arg.as_bytes().starts_with(b"-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<OsString> {
        line.split('|').filter(|word| !word.is_empty()).map(OsString::from).collect()
    }

    #[test]
    fn what_starts_a_session_is_told_from_what_does_not() {
        let session = |print| Kind::Session { print, settings: true };
        let bare = |print| Kind::Session { print, settings: false };
        for (line, kind) in [
            ("", session(false)),
            ("-p|do the work", session(true)),
            ("do the work", session(false)),
            ("-p|hello", session(true)),
            ("hello", bare(false)),
            ("config", bare(false)),
            ("--continue", session(false)),
            ("-pc", session(true)),
            ("-n|mcp|-p", session(true)),
            ("--model|opus", session(false)),
            ("--resume|mcp", session(false)),
            ("--append-system-prompt|--version", session(false)),
            ("--add-dir|a|mcp", session(false)),
            ("--", session(false)),
            ("--|mcp", session(false)),
            ("--verbose|--", session(false)),
            ("--new-option|x", bare(false)),
            ("mcp|list", Kind::Other),
            ("mcp|list|--settings|x", Kind::Other),
            ("--model|opus|mcp|list", Kind::Other),
            ("attach|x", Kind::Background),
            ("--version", Kind::Other),
            ("-v", Kind::Other),
            ("-p|--help", Kind::Other),
            ("--bg|do it", Kind::Background),
            ("--background", Kind::Background),
            ("--bg-spare", Kind::Other),
            ("--bg-pty-host|x", Kind::Other),
            ("agents", Kind::Background),
            ("daemon|run", Kind::Background),
            ("daemon|run|--origin|transient", Kind::Background),
            ("daemon|status", Kind::Other),
            ("daemon", Kind::Other),
            ("--model|opus|--bg|x", Kind::Background),
            ("--bg|--help", Kind::Other),
            ("logs|x", Kind::Other),
        ] {
            assert_eq!(Arguments::read(&args(line)).kind, kind, "{line}");
        }
    }

    #[test]
    fn the_last_settings_argument_is_the_one_replaced() {
        for (line, want) in [
            ("", "--settings|/s.json"),
            ("-p|x", "--settings|/s.json|-p|x"),
            ("--settings|a.json|-p|x", "--settings|/s.json|-p|x"),
            ("--settings|a|-p|--settings=b", "--settings|a|-p|--settings=/s.json"),
            ("--settings=a|--settings|b|x y", "--settings=a|--settings|/s.json|x y"),
            ("--append-system-prompt|--settings|x y", "--settings|/s.json|--append-system-prompt|--settings|x y"),
            ("-p|--|--settings", "--settings|/s.json|-p|--|--settings"),
        ] {
            let before = args(line);
            let after = Arguments::read(&before).with_settings(&before, OsStr::new("/s.json"));
            assert_eq!(after, args(want), "{line}");
        }
    }

    #[test]
    fn setting_sources_can_leave_the_user_out() {
        assert!(Arguments::read(&args("--setting-sources|project,local")).without_user_settings);
        assert!(Arguments::read(&args("--setting-sources=")).without_user_settings);
        assert!(!Arguments::read(&args("--setting-sources|user,project")).without_user_settings);
    }
}
