//! Edge: the relay's life: from the launcher's first message to the last batch.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::control::{self, Exit, Start, ToLauncher, ToRelay};
use super::intake::Intake;
use super::pipeline::Pipeline;
use super::{account, claude_process, facts, repository};
use crate::config::Destination;
use crate::deliver::Delivery;
use crate::redact::{OwnValue, Redacted};
use crate::spool::{Queue, Spool};

/// How long after claude's end its connections may still be open.
const QUIET_LIMIT: Duration = Duration::from_millis(250);

/// How long delivery goes on after claude's end when nobody waits for it.
const LINGER: Duration = Duration::from_secs(60);

/// What can happen to the relay.
enum Happening {
    /// Claude runs under this pid.
    Child(i32),
    /// Claude is gone, says the launcher.
    Exited(Exit),
    /// The launcher has closed the control socket: it has become claude, or is gone.
    ControlClosed,
    /// The process of claude has ended.
    ClaudeEnded,
    /// Somebody wants us to end.
    Terminate,
}

/// How the run ended, as far as it is known.
enum Ending {
    /// The launcher told, and wants to know what happened.
    Told(Exit),
    /// Claude is gone, and nobody asks.
    Seen,
    /// We are to go, whatever claude does.
    Terminated,
}

/// Runs until claude is gone and what it left is delivered or safe.
pub(super) async fn live(
    start: Start,
    listener: std::net::TcpListener,
    control: std::os::unix::net::UnixStream,
) -> std::io::Result<()> {
    let (reader, writer) = UnixStream::from_std(control)?.into_split();
    let directory = start.directory.clone();
    let repository = match directory {
        Some(directory) => tokio::task::spawn_blocking(move || repository::read(&directory)).await.unwrap_or_default(),
        None => None,
    };
    let enrichment = facts::enrichment(&start.run_id, repository.as_ref(), &start.ci);
    let destinations = open_destinations(&start).await;
    let pipeline = Arc::new(Pipeline::new(enrichment, start.interactive, destinations));
    let mut intake = Intake::new(listener, start.port, &start.run_id, start.token.clone(), Arc::clone(&pipeline))?;
    let started = [
        ("launch", OwnValue::Word(if start.exec { "exec" } else { "wait" })),
        ("interactive", OwnValue::Flag(start.interactive)),
        ("capture", OwnValue::Word("metadata")),
    ];
    pipeline.own(Redacted::own_record("run_started", start.started, &started, pipeline.enrichment())).await;

    let ending = wait_for_the_end(&start, reader, &mut intake).await;
    let ended = Timestamp::now();
    intake.finish(Instant::now() + QUIET_LIMIT).await;
    let exit = match &ending {
        Ending::Told(exit) => Some(*exit),
        Ending::Seen | Ending::Terminated => None,
    };
    let last = account::run_ended(&pipeline, &start, ended, exit);
    pipeline.own(Redacted::own_record("run_ended", ended, &last, pipeline.enrichment())).await;
    let (limit, asked) = match ending {
        Ending::Told(Exit { drain: Some(drain), .. }) => {
            deliver_until(&pipeline, Instant::now() + drain).await;
            (Duration::ZERO, true)
        }
        Ending::Told(_) => (LINGER, true),
        Ending::Seen => (LINGER, false),
        Ending::Terminated => (Duration::ZERO, false),
    };
    if asked {
        tell(writer, account::summary(&pipeline, &start, ended, exit)).await;
    } else {
        drop(writer);
    }
    remove_settings(start.settings.as_deref()).await;
    deliver_until(&pipeline, Instant::now() + limit).await;
    for (_, delivery) in pipeline.destinations() {
        delivery.close().await;
    }
    Ok(())
}

/// Opens the spools, with what earlier runs left there. A spool that cannot be opened is one in memory.
async fn open_destinations(start: &Start) -> Vec<(Destination, Delivery)> {
    let root = start.state.join("spool");
    let run_id = start.run_id.clone();
    let wanted: Vec<Destination> = start.destinations.iter().filter_map(|sent| sent.clone().unpack().ok()).collect();
    let opened = tokio::task::spawn_blocking(move || {
        let spool = Spool::open(&root).inspect_err(|error| tracing::warn!(%error, "the spool cannot be opened")).ok();
        let queues = |destination: &Destination| {
            let own = spool.as_ref().and_then(|spool| {
                spool
                    .queue(&destination.name, &run_id)
                    .inspect_err(|error| tracing::warn!(%error, "batches are kept in memory"))
                    .ok()
            });
            let adopted = spool.as_ref().and_then(|spool| spool.adopt(&destination.name).ok());
            (own.unwrap_or_else(Queue::in_memory), adopted.unwrap_or_default())
        };
        wanted
            .into_iter()
            .map(|destination| {
                let (own, adopted) = queues(&destination);
                (destination, own, adopted)
            })
            .collect::<Vec<_>>()
    });
    let opened = opened.await.unwrap_or_default();
    opened
        .into_iter()
        .map(|(destination, own, adopted)| {
            let delivery = Delivery::start(&destination, own, adopted);
            (destination, delivery)
        })
        .collect()
}

/// Serves until the run is over.
async fn wait_for_the_end(start: &Start, reader: OwnedReadHalf, intake: &mut Intake) -> Ending {
    let (sender, mut happenings) = mpsc::channel(8);
    tokio::spawn(listen_to_launcher(reader, sender.clone()));
    tokio::spawn(listen_for_terminate(sender.clone()));
    let watch = |pid: i32| {
        let sender = sender.clone();
        tokio::spawn(async move {
            claude_process::ended(pid).await;
            let _ = sender.send(Happening::ClaudeEnded).await;
        })
    };
    let (mut child_known, mut launcher_there, mut gone) = (start.exec, true, false);
    if start.exec {
        watch(start.launcher);
    }
    loop {
        let happening = tokio::select! {
            never = intake.serve() => match never {},
            happening = happenings.recv() => happening.unwrap_or(Happening::Terminate),
        };
        match happening {
            Happening::Child(pid) => {
                child_known = true;
                watch(pid);
            }
            Happening::Exited(exit) => return Ending::Told(exit),
            Happening::Terminate => return Ending::Terminated,
            Happening::ControlClosed => {
                launcher_there = false;
                if gone {
                    return Ending::Seen;
                }
                // A launcher that could not stay the parent has become claude.
                if !child_known {
                    child_known = true;
                    watch(start.launcher);
                }
            }
            // The launcher, if it is there, has the last word: it knows how claude ended.
            Happening::ClaudeEnded if launcher_there && !start.exec => gone = true,
            Happening::ClaudeEnded => return Ending::Seen,
        }
    }
}

async fn listen_to_launcher(mut reader: OwnedReadHalf, sender: mpsc::Sender<Happening>) {
    loop {
        let happening = match receive(&mut reader).await {
            Some(ToRelay::Child { pid }) => Happening::Child(pid),
            Some(ToRelay::Exited(exit)) => Happening::Exited(exit),
            Some(ToRelay::Start(_)) | None => Happening::ControlClosed,
        };
        let closed = matches!(happening, Happening::ControlClosed);
        if sender.send(happening).await.is_err() || closed {
            return;
        }
    }
}

async fn receive(reader: &mut OwnedReadHalf) -> Option<ToRelay> {
    let mut prefix = [0; 4];
    reader.read_exact(&mut prefix).await.ok()?;
    let mut body = vec![0; control::length(prefix).ok()?];
    reader.read_exact(&mut body).await.ok()?;
    control::message(&body).ok()
}

async fn listen_for_terminate(sender: mpsc::Sender<Happening>) {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    if terminate.recv().await.is_some() {
        let _ = sender.send(Happening::Terminate).await;
    }
}

/// Delivers until nothing is left that could be delivered now, or the deadline is there.
async fn deliver_until(pipeline: &Pipeline, deadline: Instant) {
    for (_, delivery) in pipeline.destinations() {
        delivery.idle(deadline).await;
    }
}

async fn tell(mut writer: OwnedWriteHalf, summary: crate::report::RunSummary) {
    if let Ok(frame) = control::frame(&ToLauncher::Summary(Box::new(summary))) {
        // A launcher that is gone does not read it.
        let _ = writer.write_all(&frame).await;
    }
}

/// Removes the run's settings file, unless a process still names it: a background session that was started from this
/// one would not start again without it.
async fn remove_settings(path: Option<&Path>) {
    let Some(path) = path.map(PathBuf::from) else { return };
    let _ = tokio::task::spawn_blocking(move || {
        if !is_named_by_a_process(&path) {
            let _ = std::fs::remove_file(&path);
        }
    })
    .await;
}

/// Whether the command line of a process holds the path. Elsewhere than on Linux that cannot be told cheaply, and the
/// file, which opens nothing any more, is removed.
fn is_named_by_a_process(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let needle = path.as_os_str().as_bytes();
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    processes.filter_map(Result::ok).any(|process| {
        std::fs::read(process.path().join("cmdline"))
            .is_ok_and(|line| line.windows(needle.len()).any(|window| window == needle))
    })
}
