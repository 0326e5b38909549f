//! Edge: the relay's life: from the launcher's first message to the last batch.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::control::{self, Answer, Exit, SentDestination, Start, ToLauncher, ToRelay};
use super::guard::{Held, Life};
use super::holders::{self, Jobs, Marks};
use super::intake::Intake;
use super::pipeline::Pipeline;
use super::port::{self, Port};
use super::repository::Repository;
use super::socket::Told;
use super::spending::Account;
use super::{account, claude_process, facts, redactor, repository, settings_files, socket};
use crate::config::{Destination, policy_hash};
use crate::deliver::{Delivery, DeliveryCounts, Idle, Onlookers, Today};
use crate::otlp::Signal;
use crate::redact::{CaptureLevel, Custom, Redacted, Redactor};
use crate::report::Note;
use crate::spool::{ADOPTED_AT_ONCE, Queue, Spool};

/// How long after claude's end its connections may still be open.
const QUIET_LIMIT: Duration = Duration::from_millis(250);

/// How long the disk may take before we go on without it, at the start.
const DISK_LIMIT: Duration = Duration::from_millis(500);

/// How long a claude of unknown pid may be without a connection before it is taken for gone.
const ORPHAN_LIMIT: Duration = Duration::from_secs(10);

/// How long delivery goes on after claude's end when nobody waits for it.
const LINGER: Duration = Duration::from_secs(60);

/// How long the first of many abandoned runs may take to be delivered before the rest is left to a later relay.
const ADOPTION_PAUSE: Duration = Duration::from_secs(3600);

/// How long those who look on may take for what they have not read yet.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// How often, and after which pause, it is looked again whether a job that names our settings file has got a process.
const JOB_LOOKS: u32 = 10;
const JOB_PAUSE: Duration = Duration::from_millis(500);

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
pub(super) async fn live(held: Held, life: Life) -> std::io::Result<()> {
    let Held { listener, control, socket, mut start } = held;
    let (reader, writer) = UnixStream::from_std(control)?.into_split();
    let mut launcher = Some(writer);
    if life.restarted {
        tracing::warn!("the relay died, and was started again");
        start.notes.push(Note::RelayRestarted { at: account::moment(Timestamp::now()) });
        tell(&mut launcher, &ToLauncher::Restarted).await;
    }
    let (sender, mut happenings) = mpsc::channel(8);
    tokio::spawn(listen_to_launcher(reader, sender.clone()));
    tokio::spawn(listen_for_terminate(sender.clone()));

    let told = Told::default();
    let onlookers = if start.dry { Onlookers::instead() } else { Onlookers::default() };
    let socket = socket.map(|socket| {
        let path = socket.path().to_owned();
        (path, tokio::spawn(socket.answer(who(&start), Arc::clone(&told), onlookers.clone())))
    });
    let marks = marks(&start);
    if port::take(&listener, start.port, || !holders::find(&marks).is_empty()).await == Port::Gone {
        tracing::warn!("the port of this run could not be had again");
        drop(listener);
        life.is_over();
        if let Some((path, answering)) = socket {
            answering.abort();
            socket::remove(&path);
        }
        return Ok(());
    }

    let known = std::mem::take(&mut start.known);
    let (repository, redactor) = tokio::join!(repository_of(&start), redactor::build(&start, known, DISK_LIMIT));
    let hash = (!start.unobserved).then(|| hash_of(&start));
    let enrichment = facts::enrichment(&start.run_id, hash.as_deref(), repository.as_ref(), &start.ci);
    let redactor = Arc::new(redactor.with(own_rules(&mut start)));
    let (spool, destinations) = open_destinations(&start, &redactor, &onlookers).await;
    let policy = start.policy.clone();
    let pipeline = Arc::new(Pipeline::new(redactor, policy, enrichment, start.interactive, destinations));
    if life.restarted {
        pipeline.begin_late();
    }
    let start = Arc::new(start);
    let spending = Account::new(PathBuf::from(start.state.clone()), start.budget);
    let (of, to_tell, spent) = (Arc::clone(&pipeline), Arc::clone(&start), Arc::clone(&spending));
    // Nobody else sets it.
    let _ = told.set(Box::new(move || account::summary(&of, &to_tell, &spent, Timestamp::now(), None)));
    let mut intake = Intake::new(listener, start.port, &start.run_id, start.token.clone(), Arc::clone(&pipeline))?;
    if !life.begun {
        let started = account::run_started(&start);
        pipeline.own(Redacted::own_record("run_started", start.started, &started, pipeline.enrichment())).await;
        life.has_begun();
    }
    if !start.unobserved {
        tokio::spawn(Arc::clone(&spending).keep(Arc::clone(&pipeline)));
    }
    if let Some(spool) = spool.clone() {
        tokio::spawn(adopt(Arc::clone(&pipeline), spool));
    }

    let ending = wait_for_the_end(&start, &sender, &mut happenings, &mut intake).await;
    let claude_ended = Timestamp::now();
    intake.settle(Instant::now() + QUIET_LIMIT).await;
    let exit = match &ending {
        Ending::Told(exit) => Some(*exit),
        Ending::Seen | Ending::Terminated => None,
    };
    let drain = exit.and_then(|exit| exit.drain);
    launcher = launcher.filter(|_| matches!(ending, Ending::Told(_)));
    if launcher.is_some() && spending.is_shared() {
        spending.settle(&pipeline).await;
    }
    let summary = |last| {
        let summary = account::summary(&pipeline, &start, &spending, claude_ended, exit);
        ToLauncher::Summary { summary: Box::new(summary), last }
    };
    // Before our own last record is queued: it would always be on its way.
    tell(&mut launcher, &summary(drain.is_none())).await;
    // Whoever goes on behind a dry run would be shown to nobody.
    let drain = drain.or(start.dry.then_some(Duration::ZERO));
    let (mut ended, mut terminated_early) = (claude_ended, matches!(ending, Ending::Terminated));
    if !terminated_early {
        let lingered = linger(&marks, &mut intake, &mut happenings, drain.map(|drain| Instant::now() + drain)).await;
        if lingered != Lingered::NoTime {
            ended = Timestamp::now();
        }
        terminated_early = lingered == Lingered::Terminated;
    }
    let socket = socket.map(|(path, answering)| {
        answering.abort();
        path
    });
    intake.finish(Instant::now() + QUIET_LIMIT).await;
    life.is_over();
    if !start.unobserved {
        spending.settle(&pipeline).await;
    }
    for (destination, delivery) in pipeline.destinations() {
        if let Some(values) = account::withheld(&pipeline, destination.capture)
            && destination.signals.contains(&Signal::Logs)
        {
            let record = Redacted::own_record("withheld", ended, &values, pipeline.enrichment());
            pipeline.own_for(delivery, record).await;
        }
    }
    let last = account::run_ended(&pipeline, &start, ended, exit);
    pipeline.own(Redacted::own_record("run_ended", ended, &last, pipeline.enrichment())).await;
    let cleaning = tokio::task::spawn_blocking(move || {
        if let Some(path) = socket {
            socket::remove(&path);
        }
        settings_files::clean(marks.settings.as_deref(), &marks.endpoint, marks.claude.as_deref());
    });
    if !terminated_early {
        tokio::select! {
            () = deliver_until(&pipeline, Instant::now() + drain.filter(|_| !start.dry).unwrap_or(LINGER)) => {}
            () = terminated(&mut happenings) => {}
        }
    }
    if drain.is_some() {
        tell(&mut launcher, &summary(true)).await;
    }
    // A panic in there leaves a file behind that opens nothing.
    let _ = cleaning.await;
    close(&pipeline, spool).await;
    onlookers.close_and_wait(LAST_LOOK).await;
    // Not before: a launcher that leaves nothing running takes it for our end.
    drop(launcher);
    Ok(())
}

/// The repository around claude's directory. A directory that does not answer is none.
async fn repository_of(start: &Start) -> Option<Repository> {
    let directory = start.directory.clone().map(PathBuf::from)?;
    let read = tokio::task::spawn_blocking(move || repository::read(&directory));
    tokio::time::timeout(DISK_LIMIT, read).await.ok()?.ok()?
}

/// Of the policy that the run begins with.
fn hash_of(start: &Start) -> String {
    let destinations: Vec<_> = start.destinations.iter().filter_map(|sent| sent.clone().unpack().ok()).collect();
    policy_hash(&start.policy, &start.redaction, &destinations)
}

/// The person's own rules. If one of them cannot be used, there are none, and what it was to keep in is kept in with all
/// else.
fn own_rules(start: &mut Start) -> Custom {
    let errors = match Custom::new(std::mem::take(&mut start.redaction)) {
        Ok(custom) => return custom,
        Err(errors) => errors,
    };
    start.destinations.iter_mut().for_each(SentDestination::close);
    start.policy = start.policy.at(CaptureLevel::Metadata);
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for error in &errors {
        tracing::warn!("only metadata is captured: {error}");
    }
    start.notes.push(Note::RulesNotUsable { errors });
    Custom::default()
}

/// Opens the spools. One that cannot be opened, or not in time, is one in memory.
async fn open_destinations(
    start: &Start,
    redactor: &Arc<Redactor>,
    onlookers: &Onlookers,
) -> (Option<Spool>, Vec<(Destination, Delivery)>) {
    let sent = start.destinations.iter().cloned();
    let wanted: Vec<Destination> = sent.filter_map(|sent| sent.unpack().ok()).collect();
    if wanted.is_empty() {
        return (None, Vec::new());
    }
    let (reading, began_with) = start.config.clone();
    let today = Some(Arc::new(Today::new(reading, began_with, Arc::clone(redactor))));
    let deliver = |destination: Destination, queue: Queue| {
        let (redactor, onlookers) = (Arc::clone(redactor), onlookers.clone());
        let delivery =
            Delivery::start_before(&destination, redactor, &start.policy, today.clone(), queue, Vec::new(), onlookers);
        (destination, delivery)
    };
    if start.dry {
        // Nothing of it is ever to be sent.
        return (None, wanted.into_iter().map(|destination| deliver(destination, Queue::in_memory())).collect());
    }
    let root = PathBuf::from(start.state.clone()).join("spool");
    let (run_id, names) = (start.run_id.clone(), wanted.iter().map(|destination| destination.spool.clone()));
    let names: Vec<String> = names.collect();
    let below = root.clone();
    let opening = tokio::task::spawn_blocking(move || {
        let spool =
            Spool::open(&below).inspect_err(|error| tracing::warn!(%error, "the spool cannot be opened")).ok()?;
        let queue = |name: &String| {
            let queue = spool.queue(name, &run_id);
            if let Err(error) = spool.reserve(name) {
                tracing::warn!(%error, "what is dropped cannot be counted on disk");
            }
            queue.inspect_err(|error| tracing::warn!(%error, "batches are kept in memory")).ok()
        };
        let queues = names.iter().map(queue).collect::<Vec<_>>();
        Some((spool, queues))
    });
    let opened = tokio::time::timeout(DISK_LIMIT, opening).await.ok().and_then(|opened| opened.ok().flatten());
    let (spool, queues) = match opened {
        Some((spool, queues)) => (Some(spool), queues),
        None => (None, Vec::new()),
    };
    let mut queues = queues.into_iter();
    let deliver = |destination: Destination| {
        let none = || Queue::in_memory_until_it_can_be_below(root.clone(), &destination.spool);
        let queue = queues.next().flatten().unwrap_or_else(none);
        deliver(destination, queue)
    };
    (spool, wanted.into_iter().map(deliver).collect())
}

/// Takes over what earlier runs left, behind what this run needs: a backlog of years must not keep claude waiting.
async fn adopt(pipeline: Arc<Pipeline>, spool: Spool) {
    for (destination, delivery) in pipeline.destinations() {
        loop {
            let (spool, name) = (spool.clone(), destination.spool.clone());
            let found = tokio::task::spawn_blocking(move || spool.adopt(&name)).await;
            let Ok(Ok(queues)) = found else { break };
            let more = queues.len() >= ADOPTED_AT_ONCE;
            delivery.adopt(queues).await;
            if !more || delivery.idle(Instant::now() + ADOPTION_PAUSE).await != Idle::Empty {
                break;
            }
        }
    }
}

/// Serves until the run is over.
async fn wait_for_the_end(
    start: &Start,
    sender: &mpsc::Sender<Happening>,
    happenings: &mut mpsc::Receiver<Happening>,
    intake: &mut Intake,
) -> Ending {
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
                if !child_known {
                    // A launcher that could not stay the parent has become claude; one that was killed may have left
                    // a claude whose pid we never learned.
                    child_known = true;
                    let (launcher, open, sender) = (start.launcher, intake.open(), sender.clone());
                    tokio::spawn(async move {
                        claude_process::ended(launcher).await;
                        quiet(open).await;
                        let _ = sender.send(Happening::ClaudeEnded).await;
                    });
                }
            }
            // The launcher, if it is there, has the last word: it knows how claude ended.
            Happening::ClaudeEnded if launcher_there && !start.exec => gone = true,
            Happening::ClaudeEnded => return Ending::Seen,
        }
    }
}

/// Who we are, for whoever asks.
fn who(start: &Start) -> Answer {
    Answer {
        protocol: control::PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        run_id: start.run_id.clone(),
        port: start.port,
    }
}

/// What whoever holds our endpoint is known by.
fn marks(start: &Start) -> Marks {
    Marks {
        endpoint: format!("127.0.0.1:{}/r/{}", start.port, start.run_id),
        settings: start.settings.clone().map(PathBuf::from),
        claude: start.claude.clone().map(PathBuf::from),
    }
}

/// How the time behind claude's end was spent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lingered {
    /// Nobody held our endpoint.
    NoTime,
    /// Until nobody held it any more.
    Whole,
    /// We were to end.
    Terminated,
}

/// Serves on as long as somebody may still send here: a process that holds the endpoint, or a connection that is open. No
/// longer than `until`.
async fn linger(
    marks: &Marks,
    intake: &mut Intake,
    happenings: &mut mpsc::Receiver<Happening>,
    until: Option<Instant>,
) -> Lingered {
    let (mut lingered, mut patience) = (Lingered::NoTime, JOB_LOOKS);
    loop {
        let looked = marks.clone();
        let found = tokio::task::spawn_blocking(move || {
            let named = |settings: &PathBuf| holders::jobs(looked.claude.as_deref(), settings) == Jobs::Name;
            (holders::find(&looked), looked.settings.as_ref().is_some_and(named))
        });
        let mut open = intake.open();
        let somebody = async {
            let (holders, job) = found.await.unwrap_or_default();
            if !holders.is_empty() {
                claude_process::one_ended(holders).await;
            } else if *open.borrow_and_update() > 0 {
                let _ = open.wait_for(|count| *count == 0).await;
            } else if job && patience > 0 {
                patience -= 1;
                tokio::time::sleep(JOB_PAUSE).await;
            } else {
                return false;
            }
            true
        };
        let limit = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            never = intake.serve() => match never {},
            somebody = somebody => {
                if !somebody {
                    return lingered;
                }
                lingered = Lingered::Whole;
            }
            () = limit => return lingered,
            () = terminated(happenings) => return Lingered::Terminated,
        }
    }
}

/// Waits until no connection has been open for some time.
async fn quiet(mut open: watch::Receiver<usize>) {
    loop {
        // The intake outlives this wait or ends the process with it.
        if open.wait_for(|count| *count == 0).await.is_err() {
            return;
        }
        let opened = open.wait_for(|count| *count > 0);
        if tokio::time::timeout(ORPHAN_LIMIT, opened).await.is_err() {
            return;
        }
    }
}

/// Waits until somebody wants us to end.
async fn terminated(happenings: &mut mpsc::Receiver<Happening>) {
    while let Some(happening) = happenings.recv().await {
        if matches!(happening, Happening::Terminate) {
            return;
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

/// Tells the launcher, if it wants to know.
async fn tell(launcher: &mut Option<OwnedWriteHalf>, message: &ToLauncher) {
    if let Some(writer) = launcher
        && let Ok(frame) = control::frame(message)
        && writer.write_all(&frame).await.is_err()
    {
        // It is gone, and does not read it.
        *launcher = None;
    }
}

/// Leaves word of why something waits. That it cannot be left is no reason to stay.
async fn remember(spool: Spool, destination: &str, counts: &DeliveryCounts) {
    let (destination, counts) = (destination.to_owned(), counts.clone());
    let written = tokio::task::spawn_blocking(move || counts.write_down(&spool, &destination, Timestamp::now()));
    if let Ok(Err(error)) = written.await {
        tracing::warn!(%error, "why batches wait, and how many were dropped, is not written down");
    }
}

/// Secures what is left, and remembers why it is. What is lost by that is told in the log: nobody else listens any more.
async fn close(pipeline: &Pipeline, spool: Option<Spool>) {
    for (destination, delivery) in pipeline.destinations() {
        let before = delivery.counts().total().dropped;
        let counts = delivery.close().await;
        let lost = counts.total().dropped.batches.saturating_sub(before.batches);
        if lost > 0 {
            let error = counts.disk_error.as_deref().unwrap_or("no disk took them");
            tracing::warn!(destination = destination.name, batches = lost, error, "batches in memory were lost");
        }
        if let Some(error) = &counts.last_error {
            let waiting = counts.total().waiting().batches;
            tracing::warn!(destination = destination.name, waiting, error = error.as_str(), "left for the next run");
        }
        if let Some(spool) = spool.clone() {
            remember(spool, &destination.spool, &counts).await;
        }
    }
}
