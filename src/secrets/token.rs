//! Edge: fetches what lets us in at a destination, when it is needed: a helper's answer, a file, a variable, a keyring.
//!
//! What was fetched is held in memory alone.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::Secret;
use super::keyring::Entry;

/// How long a source may take to give a token.
pub const TOKEN_LIMIT: Duration = Duration::from_secs(5);

/// How long a token is used before it is fetched again, where a helper does not say otherwise. It is that of Claude
/// Code's own `otelHeadersHelper`.
pub const TOKEN_LIFE: Duration = Duration::from_secs(29 * 60);

/// The most that a source may give, in bytes.
pub const MAX_TOKEN_BYTES: usize = 64 << 10;

/// Where a token comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TokenSource {
    /// What a program writes: the token, or a JSON object of headers.
    Command(Vec<String>),
    /// The content of a file of ours that nobody else can read.
    File(PathBuf),
    /// A variable of the person's environment.
    Env {
        /// Its name. Claude Code does not get it.
        name: String,
        /// What it was when the run began. None: it was not set.
        value: Option<Secret>,
    },
    /// The keyring, else a file of ours.
    Keyring(Entry),
}

/// What a source gave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fetched {
    /// What it is to be sent as.
    pub credential: Credential,
    /// How long it may be used.
    pub life: Duration,
}

/// What lets us in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Credential {
    /// For the configured header.
    Token(Secret),
    /// Headers of the helper's own.
    Headers(Vec<(String, Secret)>),
}

/// Why there is no token: completes "has no credential:". No value is ever repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// It could not be started, or ended with an error.
    #[error("the helper command fails")]
    Command,
    /// It took longer than [`TOKEN_LIMIT`].
    #[error("the helper command does not answer within 5 s")]
    Late,
    /// It wrote nothing that could be a token or an object of headers.
    #[error("the helper command gives no token and no JSON object of headers")]
    Answer,
    /// It cannot be read.
    #[error("the token file cannot be read")]
    File,
    /// It belongs to another user, or others can read it.
    #[error("the token file is not yours, or others can read it: it should have mode 0600")]
    FileIsOpen,
    /// It holds nothing that could be a token.
    #[error("the token file holds no token")]
    FileContent,
    /// The variable was not set.
    #[error("the variable of its token is not set")]
    Env,
    /// Neither keyring nor file.
    #[error("there is no keyring here, and no token file: `cc-observe auth set --file` writes one")]
    NoKeyring,
    /// Neither has it.
    #[error("neither the keyring nor a token file has it: `cc-observe auth set` stores it")]
    NotStored,
    /// Nobody is asked to unlock it.
    #[error("the keyring is locked, and there is no token file: unlock it, or `cc-observe auth set --file`")]
    KeyringLocked,
    /// It took longer than [`KEYRING_LIMIT`](super::keyring::KEYRING_LIMIT).
    #[error(
        "the keyring does not answer within 300 ms, and there is no token file: `cc-observe auth set --file` writes one"
    )]
    KeyringLate,
    /// It holds something else.
    #[error("what the keyring holds is no token, and there is no token file: `cc-observe auth set` stores it")]
    KeyringContent,
    /// It has an error.
    #[error("the keyring fails, and there is no token file: `cc-observe auth set --file` writes one")]
    KeyringFailed,
}

impl TokenSource {
    /// Fetches the token, or says why there is none, within [`TOKEN_LIMIT`].
    pub async fn fetch(&self) -> Result<Fetched, TokenError> {
        match self {
            Self::Command(command) => match tokio::time::timeout(TOKEN_LIMIT, run(command)).await {
                Ok(answer) => read_answer(&answer?).ok_or(TokenError::Answer),
                Err(_) => Err(TokenError::Late),
            },
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read_file(&path));
                match tokio::time::timeout(TOKEN_LIMIT, read).await {
                    Ok(Ok(token)) => token.map(fetched),
                    _ => Err(TokenError::File),
                }
            }
            Self::Keyring(entry) => entry.find().await.map(|found| fetched(found.token)),
            Self::Env { value, .. } => value.clone().map(fetched).ok_or(TokenError::Env),
        }
    }
}

fn fetched(token: Secret) -> Fetched {
    Fetched { credential: Credential::Token(token), life: TOKEN_LIFE }
}

/// A process group that is ended with all that it started, when it takes too long.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Gone already: nothing to end.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

async fn run(command: &[String]) -> Result<zeroize::Zeroizing<Vec<u8>>, TokenError> {
    let (program, arguments) = command.split_first().ok_or(TokenError::Command)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What it complains of may repeat what it was to give.
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|_| TokenError::Command)?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw);
    let mut group = Group(pid);
    let mut answer = zeroize::Zeroizing::new(Vec::new());
    let stdout = child.stdout.take().ok_or(TokenError::Command)?;
    let limit = MAX_TOKEN_BYTES as u64 + 1;
    stdout.take(limit).read_to_end(&mut answer).await.map_err(|_| TokenError::Command)?;
    if answer.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Answer);
    }
    let status = child.wait().await.map_err(|_| TokenError::Command)?;
    // It is gone, and its number may soon be another's.
    group.0 = None;
    if status.success() { Ok(answer) } else { Err(TokenError::Command) }
}

/// One line is the token. A JSON object is headers; `expires_in` in it, a number of seconds, is how long they are good for.
fn read_answer(answer: &[u8]) -> Option<Fetched> {
    let text = std::str::from_utf8(answer).ok()?.trim();
    if !text.starts_with('{') {
        return token(text).map(fetched);
    }
    let object: BTreeMap<String, Value> = serde_json::from_str(text).ok()?;
    let mut life = TOKEN_LIFE;
    let mut headers = Vec::new();
    for (name, value) in object {
        match value {
            Value::String(value) => headers.push((name, Secret::new(value))),
            Value::Number(seconds) if name == "expires_in" => {
                life = Duration::try_from_secs_f64(seconds.as_f64()?).ok()?.min(TOKEN_LIFE);
            }
            _ => return None,
        }
    }
    (!headers.is_empty()).then_some(Fetched { credential: Credential::Headers(headers), life })
}

/// A token is one line of visible characters.
pub(super) fn token(text: &str) -> Option<Secret> {
    let text = text.trim();
    let visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    visible.then(|| Secret::new(text))
}

pub(super) fn read_file(path: &Path) -> Result<Secret, TokenError> {
    let gone = |_: io::Error| TokenError::File;
    let file = std::fs::File::open(path).map_err(gone)?;
    let metadata = file.metadata().map_err(gone)?;
    if !metadata.is_file() {
        return Err(TokenError::File);
    }
    // A secret that a service mounts belongs to root.
    let ours = [nix::unistd::geteuid().as_raw(), 0].contains(&metadata.uid());
    if !ours || metadata.mode() & 0o077 != 0 {
        return Err(TokenError::FileIsOpen);
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    file.take(MAX_TOKEN_BYTES as u64).read_to_string(&mut text).map_err(|_| TokenError::FileContent)?;
    token(&text).ok_or(TokenError::FileContent)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn helper(script: &str) -> TokenSource {
        TokenSource::Command(["/bin/sh", "-c", script].map(str::to_owned).to_vec())
    }

    fn token_of(text: &str) -> Fetched {
        Fetched { credential: Credential::Token(Secret::new(text)), life: TOKEN_LIFE }
    }

    #[tokio::test]
    async fn a_helper_gives_a_token_or_headers() {
        assert_eq!(helper("echo FAKE-token").fetch().await, Ok(token_of("FAKE-token")));
        let json = r#"echo '{"Authorization":"Bearer FAKE","x-b":"2","expires_in":60}'"#;
        let headers =
            vec![("Authorization".to_owned(), Secret::new("Bearer FAKE")), ("x-b".to_owned(), Secret::new("2"))];
        let want = Fetched { credential: Credential::Headers(headers), life: Duration::from_secs(60) };
        assert_eq!(helper(json).fetch().await, Ok(want));
    }

    #[tokio::test]
    async fn a_helper_that_gives_none_is_told_by_what_it_did() {
        for (script, want) in [
            ("echo FAKE; exit 3", TokenError::Command),
            ("kill -9 $$", TokenError::Command),
            ("", TokenError::Answer),
            ("printf 'FAKE\\nFAKE\\n'", TokenError::Answer),
            ("echo '{\"a\":7}'", TokenError::Answer),
            ("echo '{}'", TokenError::Answer),
            ("echo '{'", TokenError::Answer),
            ("printf '\\377'", TokenError::Answer),
            ("yes FAKE", TokenError::Answer),
        ] {
            assert_eq!(helper(script).fetch().await, Err(want), "{script}");
        }
        assert_eq!(TokenSource::Command(vec!["/nowhere/FAKE".to_owned()]).fetch().await, Err(TokenError::Command));
        assert_eq!(TokenSource::Command(Vec::new()).fetch().await, Err(TokenError::Command));
    }

    #[tokio::test(start_paused = true)]
    async fn a_helper_that_hangs_is_ended_with_what_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let pid = directory.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait", pid.display());
        let fetching = tokio::spawn(async move { helper(&script).fetch().await });
        while !pid.exists() {
            tokio::task::yield_now().await;
        }
        tokio::time::advance(TOKEN_LIMIT).await;
        assert_eq!(fetching.await.unwrap(), Err(TokenError::Late));
        let grandchild = Pid::from_raw(std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap());
        let ended = || {
            let state = std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
            nix::sys::signal::kill(grandchild, None).is_err() || state.contains(") Z")
        };
        // It was killed; the system may take a moment to end it.
        let late = std::time::Instant::now() + Duration::from_secs(30);
        while !ended() {
            assert!(std::time::Instant::now() < late, "what the helper started still runs");
            std::thread::yield_now();
        }
    }

    #[tokio::test]
    async fn a_file_is_read_only_if_nobody_else_can() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let source = TokenSource::File(path.clone());
        assert_eq!(source.fetch().await, Err(TokenError::File));
        std::fs::write(&path, "FAKE-token\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(source.fetch().await, Err(TokenError::FileIsOpen));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(source.fetch().await, Ok(token_of("FAKE-token")));
        std::fs::write(&path, "\n").unwrap();
        assert_eq!(source.fetch().await, Err(TokenError::FileContent));
        assert_eq!(TokenSource::File(directory.path().to_owned()).fetch().await, Err(TokenError::File));
    }

    #[tokio::test]
    async fn a_variable_is_what_it_was_when_the_run_began() {
        let source = |value: Option<&str>| TokenSource::Env { name: "A".to_owned(), value: value.map(Secret::new) };
        assert_eq!(source(Some("FAKE")).fetch().await, Ok(token_of("FAKE")));
        assert_eq!(source(None).fetch().await, Err(TokenError::Env));
    }
}
