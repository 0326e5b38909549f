//! Edge: the control socket of a relay: by it others of this user learn that the relay of a run is there.
//!
//! It stands in the runtime directory under the run's id. A port can be taken by anybody once its relay is gone; this
//! cannot: the directory is this user's alone.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;

use super::control::{self, Answer, PROTOCOL, Question, ShownRequest};
use crate::config::paths;
use crate::deliver::{Looking, Onlookers};
use crate::report::RunSummary;

/// How long either side may take for its sentence.
const LIMIT: Duration = Duration::from_millis(250);

/// The longest question, in bytes.
const MAX_BYTES: usize = 4096;

/// The longest answer, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// The most sockets of dead relays that are looked for at once.
const MOST: usize = 256;

/// Tells what a run cost and did so far, from when on there is something to tell.
pub(super) type Told = Arc<OnceLock<Box<dyn Fn() -> RunSummary + Send + Sync>>>;

/// The socket that is listened on, and where it stands.
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Begins to listen. `None`: nobody can ask us, which is no reason not to work.
    pub(super) fn bind(run_id: &str, state: &Path) -> Option<Self> {
        let path = paths::runtime_directory(state).ok()?.join(name(run_id));
        let listener = UnixListener::bind(&path).or_else(|error| {
            if error.kind() != io::ErrorKind::AddrInUse || UnixStream::connect(&path).is_ok() {
                return Err(error);
            }
            // An earlier relay of this run, killed with its guard, left it.
            std::fs::remove_file(&path)?;
            UnixListener::bind(&path)
        });
        let listener = listener.and_then(|listener| listener.set_nonblocking(true).map(|()| listener)).ok()?;
        Some(Self { listener, path })
    }

    /// Where it stands.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Answers whoever of this user asks, for ever.
    pub(super) async fn answer(self, answer: Answer, told: Told, onlookers: Onlookers) -> io::Result<()> {
        let listener = tokio::net::UnixListener::from_std(self.listener)?;
        let who = control::frame(&answer).map_err(io::Error::other)?;
        loop {
            let Ok((mut stream, _)) = listener.accept().await else {
                tokio::time::sleep(LIMIT).await;
                continue;
            };
            if stream.peer_cred().map(|peer| peer.uid()).ok() != Some(nix::unistd::geteuid().as_raw()) {
                continue;
            }
            // One after the other: each has its limit.
            let wants = tokio::time::timeout(LIMIT, async {
                let mut prefix = [0; 4];
                stream.read_exact(&mut prefix).await?;
                let length = control::length(prefix).map_err(io::Error::other)?.min(MAX_BYTES);
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await?;
                match control::message(&body).map_err(io::Error::other)? {
                    Question::Who { .. } => stream.write_all(&who).await.map(|()| false),
                    Question::Summary { .. } => {
                        let summary = told.get().map(|told| told()).ok_or(io::ErrorKind::NotConnected)?;
                        stream.write_all(&control::frame(&summary).map_err(io::Error::other)?).await.map(|()| false)
                    }
                    Question::Watch { .. } => Ok(true),
                }
            })
            .await;
            if matches!(wants, Ok(Ok(true)))
                && let Some(sent) = onlookers.join()
            {
                tokio::spawn(show(stream, sent));
            }
        }
    }
}

/// Shows what is sent, until there is no more or nobody reads it.
async fn show(mut stream: tokio::net::UnixStream, mut sent: Looking) -> io::Result<()> {
    while let Some(Some(shown)) = sent.recv().await {
        let mut request = ShownRequest::from(&*shown);
        let frame = control::frame(&request).or_else(|_| {
            request.request = None;
            control::frame(&request)
        });
        stream.write_all(&frame.map_err(io::Error::other)?).await?;
    }
    stream.shutdown().await
}

/// Removes a socket, and those beside it of relays that were killed.
pub(super) fn remove(path: &Path) {
    // It may be gone already.
    let _ = std::fs::remove_file(path);
    let entries = path.parent().and_then(|directory| std::fs::read_dir(directory).ok());
    for entry in entries.into_iter().flatten().take(MOST).flatten() {
        let is_socket = entry.file_type().is_ok_and(|kind| kind.is_socket());
        let refuses = || UnixStream::connect(entry.path()).is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
        if is_socket && refuses() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn name(run_id: &str) -> String {
    format!("{run_id}.sock")
}

/// Asks the relay of a run who it is. `None`: there is none, or it is of a version that we do not understand.
pub fn ask(run_id: &str, state: &Path) -> Option<Answer> {
    let answer: Answer = asked(run_id, state, &Question::Who { protocol: PROTOCOL })?;
    (answer.run_id == run_id).then_some(answer)
}

/// Asks the relay of a run what it cost and did so far. `None`: as above, or it has not begun.
pub fn summary(run_id: &str, state: &Path) -> Option<RunSummary> {
    let summary: RunSummary = asked(run_id, state, &Question::Summary { protocol: PROTOCOL })?;
    (summary.run_id == run_id).then_some(summary)
}

/// What a relay sends, from now on to its end.
pub struct Watching(UnixStream);

/// Asks the relay of a run to be shown what it sends. `None`: there is none that would.
pub fn watch(run_id: &str, state: &Path) -> Option<Watching> {
    let path = paths::runtime_directory(state).ok()?.join(name(run_id));
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_write_timeout(Some(LIMIT)).ok()?;
    stream.write_all(&control::frame(&Question::Watch { protocol: PROTOCOL }).ok()?).ok()?;
    Some(Watching(stream))
}

impl Iterator for Watching {
    type Item = ShownRequest;

    fn next(&mut self) -> Option<ShownRequest> {
        let mut prefix = [0; 4];
        self.0.read_exact(&mut prefix).ok()?;
        let mut body = vec![0; control::length(prefix).ok()?];
        self.0.read_exact(&mut body).ok()?;
        control::message(&body).ok()
    }
}

fn asked<A: DeserializeOwned>(run_id: &str, state: &Path, question: &Question) -> Option<A> {
    let path = paths::runtime_directory(state).ok()?.join(name(run_id));
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(LIMIT)).and_then(|()| stream.set_write_timeout(Some(LIMIT))).ok()?;
    stream.write_all(&control::frame(question).ok()?).ok()?;
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix).ok()?;
    let mut body = vec![0; control::length(prefix).ok()?.min(MAX_ANSWER_BYTES)];
    stream.read_exact(&mut body).ok()?;
    control::message(&body).ok()
}

/// The runs that have a socket, the oldest first; the relay of each may be gone.
pub fn runs(state: &Path) -> Vec<String> {
    let entries = paths::runtime_directory(state).and_then(std::fs::read_dir);
    let names = entries.into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut runs: Vec<String> = names
        .filter_map(|name| Some(name.strip_suffix(".sock")?.to_owned()))
        .filter(|run| Uuid::try_parse(run).is_ok())
        .collect();
    runs.sort();
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_relay_is_found_by_its_run_and_a_dead_one_is_not() {
        let state = tempfile::tempdir().unwrap();
        let run = "0199a7b2-0000-7000-8000-000000000001";
        let answer = Answer { protocol: PROTOCOL, version: "1".to_owned(), run_id: run.to_owned(), port: 7 };
        assert_eq!(ask(run, state.path()), None);
        let socket = Socket::bind(run, state.path()).unwrap();
        assert!(Socket::bind(run, state.path()).is_none(), "there is one");
        let path = socket.path().to_owned();
        let answering = tokio::spawn(socket.answer(answer.clone(), Told::default(), Onlookers::default()));
        let asking = |run: &str| {
            let (run, state) = (run.to_owned(), state.path().to_owned());
            tokio::task::spawn_blocking(move || ask(&run, &state))
        };
        assert_eq!(asking(run).await.unwrap(), Some(answer));
        assert_eq!(asking("0199a7b2-0000-7000-8000-000000000002").await.unwrap(), None);
        // One that says nothing, and one that says nonsense, keep nobody from being answered.
        let (_silent, mut loud) = (UnixStream::connect(&path).unwrap(), UnixStream::connect(&path).unwrap());
        loud.write_all(&[0xff; 64]).unwrap();
        let second = asking(run).await.unwrap();
        assert!(second.is_some() || asking(run).await.unwrap().is_some());
        answering.abort();
        let _ = answering.await;
        assert_eq!(ask(run, state.path()), None);
        assert!(path.exists(), "as a kill leaves it");
        let again = Socket::bind(run, state.path()).unwrap();
        let other = Socket::bind("0199a7b2-0000-7000-8000-000000000003", state.path()).unwrap();
        let dead = other.path().to_owned();
        drop(other);
        remove(again.path());
        assert!(!path.exists() && !dead.exists());
    }
}
