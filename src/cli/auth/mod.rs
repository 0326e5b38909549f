//! Edge: `cc-observe auth`: the tokens that let us in at destinations, stored, looked for and removed; never shown.

mod prompt;
mod status;

use std::ffi::OsString;
use std::io::{self, Write as _};

use clap::Parser as _;

use self::prompt::Unread;
use super::{COULD_NOT, USAGE, complain, show};
use crate::config::user::is_destination_name;
use crate::config::{Auth, ConfigError, Destination};
use crate::launch::{self, Given};
use crate::process::Inherited;
use crate::report;
use crate::secrets::keyring::{Entry, FileError, KeyringError, Store};
use crate::secrets::{Secret, TokenSource};

/// The negative answer.
const NO: u8 = 1;

/// Stores the token of a destination in the keyring, shows where tokens are found, removes them.
#[derive(Debug, clap::Parser)]
#[command(
    name = "cc-observe auth",
    bin_name = "cc-observe auth",
    after_help = "A token is never an argument: `set` asks for it, or reads it from stdin.\n\n\
        Exit codes: 0 done; 1 a token is missing (status), no keyring takes it (set), a keyring that is locked may still\n\
        have it (remove), or not below a running Claude Code (set, remove); 2 a mistake in the options, the configuration or\n\
        the token; 125 could not."
)]
struct AuthOptions {
    /// What is to be done.
    #[command(subcommand)]
    command: AuthCommand,
}

/// What is to be done.
#[derive(Debug, clap::Subcommand)]
enum AuthCommand {
    /// Stores a token, asked for or read from stdin
    Set(SetOptions),
    /// Where the token of each destination is found, never what it is
    Status {
        /// An object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Removes the token of a destination from keyring and file
    Remove {
        /// Its name.
        #[arg(value_name = "DESTINATION")]
        destination: String,
    },
}

/// `cc-observe auth set`.
#[derive(Debug, clap::Args)]
struct SetOptions {
    /// Its name; where there is one alone, that one.
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
    /// In the keyring, as by default.
    #[arg(long, conflicts_with = "file")]
    keyring: bool,
    /// In a file that you alone can read, instead.
    #[arg(long)]
    file: bool,
}

/// Why it cannot be done. No variant repeats what was typed: it may be a token.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// A project could have a token of its own stored, or yours removed.
    #[error("tokens are not changed below a running Claude Code; do it in a terminal of your own")]
    BelowClaude,
    /// The options ask for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// The configuration cannot be used.
    #[error("{0}")]
    Configuration(#[from] ConfigError),
    /// There is no token to be stored.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// No keyring takes it.
    #[error("the keyring {why}; nothing is stored. {next}")]
    Keyring {
        /// What it says.
        why: KeyringError,
        /// What to do.
        next: String,
    },
    /// Its file cannot be written or removed.
    #[error("the token {0}")]
    File(#[from] FileError),
    /// The system refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::BelowClaude | Self::Keyring { .. } => NO,
            Self::Usage(_) | Self::Configuration(_) | Self::Unread(Unread::Empty | Unread::Long | Unread::Strange) => {
                USAGE
            }
            Self::Unread(Unread::Cancelled) => NO,
            Self::Unread(Unread::Io(_)) | Self::File(_) | Self::Io { .. } => COULD_NOT,
        }
    }
}

/// Does what `cc-observe auth …` says; the exit code.
pub(super) fn run(args: &[OsString], environment: &[(OsString, OsString)], inherited: &Inherited) -> u8 {
    inherited.make_usable();
    let name = OsString::from("cc-observe auth");
    let options = match AuthOptions::try_parse_from(std::iter::once(&name).chain(args)) {
        Ok(options) => options,
        Err(error) if !error.use_stderr() => return show(&error),
        // What clap says repeats what was typed, and that may be a token.
        Err(_) => {
            complain(
                "these are no arguments of `auth`: `auth set [DESTINATION] [--keyring|--file]`, `auth status [--json]`, \
                 `auth remove DESTINATION`. A token is never an argument: `auth set` asks for it, or reads it from stdin. \
                 See cc-observe auth --help",
            );
            return USAGE;
        }
    };
    let given = Given { variables: environment };
    let result = match options.command {
        AuthCommand::Set(options) => set(given, &options),
        AuthCommand::Status { json } => status::status(given, json),
        AuthCommand::Remove { destination } => remove(given, &destination),
    };
    match result {
        Ok(code) => code,
        // Who has read enough does not read on: that is no failure.
        Err(Failure::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            say(&error.to_string());
            error.code()
        }
    }
}

/// A sentence for whoever sits there.
fn say(sentence: &str) {
    complain(report::printable(sentence, 1000).as_str());
}

fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|source| Failure::Io { doing: "cannot write", source })
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|source| Failure::Io { doing: "no runtime", source })
}

/// The destination that is meant.
fn chosen<'a>(destinations: &'a [Destination], name: Option<&str>) -> Result<&'a Destination, Failure> {
    let known = || destinations.iter().map(|destination| destination.name.as_str()).collect::<Vec<_>>().join(", ");
    match (name, destinations) {
        (_, []) => Err(Failure::Usage("no destination is configured; see docs/configuration.md".to_owned())),
        (None, [only]) => Ok(only),
        (None, _) => Err(Failure::Usage(format!("which destination? There is {}", known()))),
        (Some(name), _) => destinations
            .iter()
            .find(|destination| destination.name == name)
            .ok_or_else(|| Failure::Usage(format!("there is no destination of this name; there is {}", known()))),
    }
}

fn set(given: Given<'_>, options: &SetOptions) -> Result<u8, Failure> {
    if given.is_below_claude() {
        return Err(Failure::BelowClaude);
    }
    let (destinations, _) = launch::destinations_of_today(given)?;
    let destination = chosen(&destinations, options.destination.as_deref())?;
    let name = destination.name.as_str();
    let token = prompt::read_token(name)?;
    let entry = given.keyring_entry(name);
    let runtime = runtime()?;
    let file = || given.with_tilde(&entry.file.clone().unwrap_or_default().display().to_string());
    let (store, place) = if options.file {
        entry.write_file(&token)?;
        (Store::File, file())
    } else {
        match runtime.block_on(entry.set(token)) {
            Ok(Store::Kernel) => {
                let lasts =
                    "which the machine forgets when it restarts, or three days after its last use; --file keeps it";
                (Store::Kernel, format!("the kernel keyring, {lasts}"))
            }
            Ok(store) => (store, format!("the {store}")),
            Err(why) => {
                let unlock = if why == KeyringError::Locked { "Unlock it, or: " } else { "" };
                let next = format!(
                    "{unlock}`cc-observe auth set {name} --file` keeps it in {}, which you alone can read",
                    file()
                );
                return Err(Failure::Keyring { why, next });
            }
        }
    };
    write(&format!("the token of {name} is stored in {place}\n"))?;
    tidy(&runtime, &entry, store)?;
    if let Some(line) = line_for(name, destination.auth.as_ref()) {
        write(&line)?;
    }
    Ok(0)
}

/// An older token elsewhere would count first, or lie there for nothing.
fn tidy(runtime: &tokio::runtime::Runtime, entry: &Entry, stored: Store) -> Result<(), Failure> {
    for (store, result) in runtime.block_on(entry.remove(Some(stored))) {
        match result {
            Ok(()) => write(&format!("an older one is removed from the {store}\n"))?,
            Err(KeyringError::Empty) => {}
            Err(why) => say(&format!("the {store} {why}: if it holds an older one, that counts first")),
        }
    }
    if stored != Store::File && entry.remove_file()? {
        write("an older one is removed from its file\n")?;
    }
    Ok(())
}

/// What the configuration lacks, if it lacks anything.
fn line_for(name: &str, auth: Option<&Auth>) -> Option<String> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let fields = match auth {
        Some(Auth { token: TokenSource::Keyring(_), .. }) => return None,
        Some(Auth { header, scheme, .. }) => {
            let scheme = scheme.as_ref().map_or_else(String::new, |scheme| format!("scheme = {}, ", quoted(scheme)));
            format!("header = {}, {scheme}", quoted(header))
        }
        None => String::new(),
    };
    let why = if auth.is_some() { "another source" } else { "no `auth`" };
    Some(format!(
        "the configuration has {why} for it. For this one to count, put below [destinations.{name}]:\n  \
         auth = {{ {fields}token = \"keyring\" }}\n"
    ))
}

fn remove(given: Given<'_>, name: &str) -> Result<u8, Failure> {
    if given.is_below_claude() {
        return Err(Failure::BelowClaude);
    }
    if !is_destination_name(name) {
        return Err(Failure::Usage("that is no name of a destination".to_owned()));
    }
    let entry = given.keyring_entry(name);
    let (mut removed, mut sure) = (false, true);
    for (store, result) in runtime()?.block_on(entry.remove(None)) {
        match result {
            Ok(()) => {
                removed = true;
                write(&format!("the token of {name} is removed from the {store}\n"))?;
            }
            Err(KeyringError::Empty) => {}
            Err(why) => {
                sure = false;
                say(&format!("the {store} {why}: it may still hold a token of {name}"));
            }
        }
    }
    if entry.remove_file()? {
        removed = true;
        let file = given.with_tilde(&entry.file.unwrap_or_default().display().to_string());
        write(&format!("the token of {name} is removed from {file}\n"))?;
    }
    if !removed && sure {
        write(&format!("no token of {name} is stored\n"))?;
    }
    Ok(if sure { 0 } else { NO })
}

/// The token of a destination, from whoever sits at the terminal or writes into our stdin. The error says why not, in words.
pub(super) fn read_token(name: &str) -> Result<Secret, String> {
    prompt::read_token(name).map_err(|why| why.to_string())
}

/// The same, where there may be none.
pub(super) fn read_token_or_none(name: &str) -> Result<Option<Secret>, String> {
    match prompt::read_token(name) {
        Ok(token) => Ok(Some(token)),
        Err(Unread::Empty) => Ok(None),
        Err(why) => Err(why.to_string()),
    }
}

/// Stores a token where it lasts: in a keyring that keeps it, else in its file. Older ones elsewhere go.
pub(super) fn store(given: Given<'_>, name: &str, token: Secret) -> Result<Store, String> {
    let entry = given.keyring_entry(name);
    let runtime = runtime().map_err(|error| error.to_string())?;
    let copy = Secret::new(token.expose());
    let store = match runtime.block_on(entry.set(token)) {
        Ok(store) if store != Store::Kernel => store,
        Ok(_) | Err(_) => {
            entry.write_file(&copy).map_err(|error| format!("the token {error}"))?;
            Store::File
        }
    };
    // One that cannot be removed is told of by `auth status`.
    let _ = runtime.block_on(entry.remove(Some(store)));
    if store != Store::File {
        let _ = entry.remove_file();
    }
    Ok(store)
}

/// Removes a token from everywhere. Whether that is sure.
pub(super) fn forget(given: Given<'_>, name: &str) -> Result<bool, String> {
    remove(given, name).map(|code| code == 0).map_err(|error| error.to_string())
}

/// Checks what is to be stored. One newline at its end is not part of it.
fn checked(text: &str) -> Result<Secret, Unread> {
    let token = text.strip_suffix('\n').unwrap_or(text);
    let token = token.strip_suffix('\r').unwrap_or(token);
    if token.trim().is_empty() {
        return Err(Unread::Empty);
    }
    if token.len() > prompt::MAX_BYTES {
        return Err(Unread::Long);
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err(Unread::Strange);
    }
    Ok(Secret::new(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        use clap::CommandFactory as _;
        AuthOptions::command().debug_assert();
    }

    #[test]
    fn a_token_is_one_line_of_visible_characters() {
        for (text, want) in [("FAKE", "FAKE"), ("FAKE\n", "FAKE"), ("FAKE a=b\r\n", "FAKE a=b")] {
            assert_eq!(checked(text).unwrap().expose(), want);
        }
        let long = "x".repeat(prompt::MAX_BYTES);
        assert!(checked(&long).is_ok());
        for (text, want) in [
            ("", "it is empty"),
            ("\n", "it is empty"),
            (" \n", "it is empty"),
            (&format!("{long}x"), "it is longer than 16 KiB"),
            ("FAKE\n\n", "it holds characters that cannot stand in a header"),
            ("FA\u{1b}KE", "it holds characters that cannot stand in a header"),
            ("FÄKE", "it holds characters that cannot stand in a header"),
        ] {
            assert!(checked(text).unwrap_err().to_string().ends_with(want), "{text:?}");
        }
    }

    #[test]
    fn what_the_configuration_lacks_is_told_as_the_line_to_write() {
        let auth = |token| Auth { header: "x-a".to_owned(), scheme: Some("S".to_owned()), token };
        let line = line_for("org", Some(&auth(TokenSource::File("/a".into())))).unwrap();
        assert!(line.ends_with("\n  auth = { header = \"x-a\", scheme = \"S\", token = \"keyring\" }\n"), "{line}");
        assert!(line_for("org", None).unwrap().ends_with("\n  auth = { token = \"keyring\" }\n"));
        let keyring = TokenSource::Keyring(Entry { account: "org".to_owned(), bus: None, file: None });
        assert_eq!(line_for("org", Some(&auth(keyring))), None);
    }
}
