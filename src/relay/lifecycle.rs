//! Edge: the relay's life: from the launcher's first message to the last batch.

use std::path::PathBuf;
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
use super::{account, claude_process, facts, repository, settings_files};
use crate::config::Destination;
use crate::deliver::{Delivery, Idle};
use crate::redact::{OwnValue, Redacted};
use crate::spool::{ADOPTED_AT_ONCE, Queue, Spool};

/// How long after claude's end its connections may still be open.
const QUIET_LIMIT: Duration = Duration::from_millis(250);

/// How long delivery goes on after claude's end when nobody waits for it.
const LINGER: Duration = Duration::from_secs(60);

/// How long the first of many abandoned runs may take to be delivered before the rest is left to a later relay.
const ADOPTION_PAUSE: Duration = Duration::from_secs(3600);

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
    let (reader, mut writer) = UnixStream::from_std(control)?.into_split();
    let directory = start.directory.clone().map(PathBuf::from);
    let repository = match directory {
        Some(directory) => tokio::task::spawn_blocking(move || repository::read(&directory)).await.unwrap_or_default(),
        None => None,
    };
    let enrichment = facts::enrichment(&start.run_id, repository.as_ref(), &start.ci);
    let root = PathBuf::from(start.state.clone()).join("spool");
    let spool = if start.destinations.is_empty() {
        None
    } else {
        Spool::open(&root).inspect_err(|error| tracing::warn!(%error, "the spool cannot be opened")).ok()
    };
    let destinations = open_destinations(&start, spool.as_ref()).await;
    let pipeline = Arc::new(Pipeline::new(enrichment, start.interactive, destinations));
    let mut intake = Intake::new(listener, start.port, &start.run_id, start.token.clone(), Arc::clone(&pipeline))?;
    let started = [
        ("launch", OwnValue::Word(if start.exec { "exec" } else { "wait" })),
        ("interactive", OwnValue::Flag(start.interactive)),
        ("capture", OwnValue::Word("metadata")),
    ];
    pipeline.own(Redacted::own_record("run_started", start.started, &started, pipeline.enrichment())).await;

    if let Some(spool) = spool {
        tokio::spawn(adopt(Arc::clone(&pipeline), spool));
    }

    let ending = wait_for_the_end(&start, reader, &mut intake).await;
    let ended = Timestamp::now();
    intake.finish(Instant::now() + QUIET_LIMIT).await;
    let exit = match &ending {
        Ending::Told(exit) => Some(*exit),
        Ending::Seen | Ending::Terminated => None,
    };
    // Before our own last record is queued: it would always be on its way.
    let at_exit = account::summary(&pipeline, &start, ended, exit);
    let last = account::run_ended(&pipeline, &start, ended, exit);
    let last = Redacted::own_record("run_ended", ended, &last, pipeline.enrichment());
    let settings = start.settings.clone().map(PathBuf::from);
    let cleaning = tokio::task::spawn_blocking(move || settings_files::clean(settings.as_deref()));
    match ending {
        Ending::Told(Exit { drain: Some(drain), .. }) => {
            pipeline.own(last).await;
            deliver_until(&pipeline, Instant::now() + drain).await;
            tell(&mut writer, account::summary(&pipeline, &start, ended, exit)).await;
        }
        Ending::Told(_) => {
            tell(&mut writer, at_exit).await;
            pipeline.own(last).await;
            deliver_until(&pipeline, Instant::now() + LINGER).await;
        }
        Ending::Seen => {
            pipeline.own(last).await;
            deliver_until(&pipeline, Instant::now() + LINGER).await;
        }
        Ending::Terminated => pipeline.own(last).await,
    }
    // A panic in there leaves a file behind that opens nothing.
    let _ = cleaning.await;
    for (_, delivery) in pipeline.destinations() {
        delivery.close().await;
    }
    // Not before: a launcher that leaves nothing running takes it for our end.
    drop(writer);
    Ok(())
}

/// Opens the spools. One that cannot be opened is one in memory.
async fn open_destinations(start: &Start, spool: Option<&Spool>) -> Vec<(Destination, Delivery)> {
    let wanted: Vec<Destination> = start.destinations.iter().filter_map(|sent| sent.clone().unpack().ok()).collect();
    let (spool, run_id) = (spool.cloned(), start.run_id.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let queue = |destination: &Destination| {
            let queue = spool.as_ref()?.queue(&destination.name, &run_id);
            queue.inspect_err(|error| tracing::warn!(%error, "batches are kept in memory")).ok()
        };
        let open = |destination: Destination| {
            let queue = queue(&destination).unwrap_or_else(Queue::in_memory);
            (destination, queue)
        };
        wanted.into_iter().map(open).collect::<Vec<_>>()
    });
    let opened = opened.await.unwrap_or_default();
    opened
        .into_iter()
        .map(|(destination, own)| {
            let delivery = Delivery::start(&destination, own, Vec::new());
            (destination, delivery)
        })
        .collect()
}

/// Takes over what earlier runs left, behind what this run needs: a backlog of years must not keep claude waiting.
async fn adopt(pipeline: Arc<Pipeline>, spool: Spool) {
    for (destination, delivery) in pipeline.destinations() {
        loop {
            let (spool, name) = (spool.clone(), destination.name.clone());
            let found = tokio::task::spawn_blocking(move || spool.adopt(&name)).await;
            let Ok(Ok(queues)) = found else { break };
            let more = queues.len() >= ADOPTED_AT_ONCE;
            delivery.adopt(queues);
            if !more || delivery.idle(Instant::now() + ADOPTION_PAUSE).await != Idle::Empty {
                break;
            }
        }
    }
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

async fn tell(writer: &mut OwnedWriteHalf, summary: crate::report::RunSummary) {
    if let Ok(frame) = control::frame(&ToLauncher::Summary(Box::new(summary))) {
        // A launcher that is gone does not read it.
        let _ = writer.write_all(&frame).await;
    }
}
