//! The spool on a real directory: acknowledged means recovered, whatever else lies around.

mod model;
pub(super) mod watch;
mod workload;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use proptest::prelude::*;

use super::*;
use crate::otlp::{Batch, Signal, encode};
use crate::redact::{Policy, Redacted, Redactor};

/// Where a test holds up writes: a disk that does not answer.
#[derive(Default)]
pub(crate) struct Gate {
    closed: Mutex<bool>,
    moved: Condvar,
    held: AtomicUsize,
}

impl Gate {
    pub(crate) fn set(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
        self.moved.notify_all();
    }

    /// Waits until a write stands before it.
    pub(crate) fn wait_until_held(&self) {
        while self.held.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
    }

    pub(super) fn pass(&self) {
        self.held.fetch_add(1, Ordering::SeqCst);
        let open = self.moved.wait_while(self.closed.lock().unwrap(), |closed| *closed).unwrap();
        drop(open);
        self.held.fetch_sub(1, Ordering::SeqCst);
    }
}

/// So many log records, redacted; or an empty request of another signal.
pub(crate) fn redacted(signal: Signal, records: u64) -> Redacted<Vec<u8>> {
    let bytes = match signal {
        Signal::Logs => {
            let log_records = (1..=records).map(|n| LogRecord { time_unix_nano: n, ..Default::default() }).collect();
            let scope =
                Some(InstrumentationScope { name: "com.anthropic.claude_code.events".into(), ..Default::default() });
            let scope_logs = vec![ScopeLogs { scope, log_records, ..Default::default() }];
            encode(&Batch::Logs(ExportLogsServiceRequest {
                resource_logs: vec![ResourceLogs { scope_logs, ..Default::default() }],
            }))
        }
        Signal::Metrics | Signal::Traces => Vec::new(),
    };
    Redactor::of_tests().again(signal, &bytes, &Policy::default()).unwrap().encode()
}

/// A spool in a directory that goes when this does.
pub(crate) struct Fixture {
    _temporary: tempfile::TempDir,
    pub root: PathBuf,
    pub spool: Spool,
}

pub(crate) fn fixture() -> Fixture {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path().join("state/spool");
    let spool = Spool::open(&root).unwrap();
    Fixture { _temporary: temporary, root, spool }
}

/// Pushes so many log records as one batch.
pub(crate) fn push(queue: &Queue, records: u64) {
    queue.push(Signal::Logs, records, 7, &redacted(Signal::Logs, records)).unwrap();
}

/// The records of the waiting log batches, in order, each taken out.
fn drain(queue: &Queue) -> Vec<u64> {
    let mut all = Vec::new();
    while let Some(sequence) = queue.first(Signal::Logs, None) {
        let spooled = queue.load(Signal::Logs, sequence).unwrap();
        assert_eq!(spooled.body, *redacted(Signal::Logs, spooled.header.records).get());
        all.push(spooled.header.records);
        queue.settle(Signal::Logs, sequence, Exit::Delivered { withheld: 0, rejected: 0 });
    }
    all
}

fn files(directory: &Path) -> Vec<String> {
    let Ok(listing) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<_> = listing.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_pushed_is_recovered_by_another_in_order() {
    let Fixture { root, spool, _temporary } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    for records in 1..=12 {
        push(&queue, records);
    }
    drop(queue);
    let mut adopted = spool.adopt("org").unwrap();
    let queue = adopted.pop().unwrap();
    assert!(adopted.is_empty());
    assert_eq!(queue.tally().logs.accepted, Count { batches: 12, records: 78 });
    assert_eq!(drain(&queue), (1..=12).collect::<Vec<_>>());
    assert!(queue.tally().logs.adds_up());
    assert!(queue.remove());
    assert_eq!(files(&root.join("org")), [""; 0]);
}

#[test]
fn a_relay_of_the_same_run_goes_on_after_what_is_there() {
    let Fixture { spool, _temporary, .. } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    push(&queue, 1);
    drop(queue);
    let queue = spool.queue("org", "run-1").unwrap();
    push(&queue, 2);
    assert_eq!(drain(&queue), [1, 2]);
}

#[test]
fn the_queue_of_a_living_owner_is_not_adopted() {
    let Fixture { spool, _temporary, .. } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    push(&queue, 1);
    assert!(spool.adopt("org").unwrap().is_empty());
    assert!(matches!(spool.queue("org", "run-1"), Err(SpoolError::Locked { .. })));
    drop(queue);
    assert_eq!(spool.adopt("org").unwrap().len(), 1);
    assert!(spool.adopt("nobody").unwrap().is_empty());
}

#[test]
fn files_and_directories_are_closed_to_others() {
    let Fixture { root, spool, _temporary } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    push(&queue, 1);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let run = root.join("org/run-1");
    assert_eq!([mode(&root), mode(&root.join("org")), mode(&run)], [0o700; 3]);
    for name in files(&run) {
        assert_eq!(mode(&run.join(name)), 0o600);
    }
    // Opened by others meanwhile: closed again by whoever comes next.
    drop(queue);
    fs::set_permissions(&run, fs::Permissions::from_mode(0o777)).unwrap();
    let _adopted = spool.adopt("org").unwrap();
    assert_eq!(mode(&run), 0o700);
}

#[test]
fn a_link_in_the_place_of_a_directory_is_refused() {
    let Fixture { root, spool, _temporary } = fixture();
    let elsewhere = root.parent().unwrap().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, root.join("org")).unwrap();
    assert!(matches!(spool.queue("org", "run-1"), Err(SpoolError::NotADirectory { .. })));
    fs::remove_file(root.join("org")).unwrap();
    fs::create_dir(root.join("org")).unwrap();
    symlink(&elsewhere, root.join("org/run-1")).unwrap();
    assert!(matches!(spool.queue("org", "run-1"), Err(SpoolError::NotADirectory { .. })));
    assert!(spool.adopt("org").unwrap().is_empty());
    let link = root.parent().unwrap().join("link");
    symlink(&root, &link).unwrap();
    assert!(matches!(Spool::open(&link), Err(SpoolError::NotADirectory { .. })));
    assert_eq!(files(&elsewhere), [""; 0]);
}

#[test]
fn names_that_could_lead_elsewhere_are_refused() {
    let Fixture { spool, _temporary, .. } = fixture();
    for name in ["", ".", "..", "a/b", "/etc", "parked", "corrupt", "a\0", &"x".repeat(65)] {
        assert!(matches!(spool.queue(name, "run-1"), Err(SpoolError::Name)), "{name:?}");
        assert!(matches!(spool.queue("org", name), Err(SpoolError::Name)), "{name:?}");
    }
}

#[test]
fn bad_files_are_set_aside_and_counted_and_the_rest_is_recovered() {
    let Fixture { root, spool, _temporary } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    for records in 1..=6 {
        push(&queue, records);
    }
    drop(queue);
    let run = root.join("org/run-1");
    let names: Vec<_> = files(&run).into_iter().filter(|name| name != "lock").collect();
    let bytes = fs::read(run.join(&names[0])).unwrap();
    fs::write(run.join(&names[0]), &bytes[..bytes.len() - 1]).unwrap();
    fs::write(run.join(&names[1]), b"").unwrap();
    fs::write(run.join(&names[2]), b"PK\x03\x04").unwrap();
    let mut newer = fs::read(run.join(&names[3])).unwrap();
    newer[9] = 9;
    fs::write(run.join(&names[3]), newer).unwrap();
    // Damage in the body is noticed only when it is read.
    let mut bent = fs::read(run.join(&names[4])).unwrap();
    *bent.last_mut().unwrap() ^= 1;
    fs::write(run.join(&names[4]), bent).unwrap();
    fs::write(run.join("00000000000099999999.logs.otlp.tmp"), b"half").unwrap();
    fs::write(run.join("notes.txt"), b"stray").unwrap();
    symlink("/etc/passwd", run.join("00000000000088888888.logs.otlp")).unwrap();

    let queue = spool.adopt("org").unwrap().pop().unwrap();
    let bad = queue.first(Signal::Logs, None).unwrap();
    assert!(matches!(queue.load(Signal::Logs, bad), Err(LoadError::Corrupt(FormatError::Checksum))));
    queue.settle(Signal::Logs, bad, Exit::Corrupt);
    assert_eq!(drain(&queue), [6]);
    let tally = queue.tally().logs;
    assert!(tally.adds_up());
    assert_eq!((tally.accepted.batches, tally.corrupt.batches, tally.delivered.batches), (7, 6, 1));
    assert_eq!(files(&run), ["lock"]);
    assert_eq!(files(&root.join("org/corrupt")).len(), 7);
    assert!(queue.remove());
}

#[test]
fn a_disk_that_takes_nothing_leaves_the_batch_in_memory() {
    let Fixture { root, spool, _temporary } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    push(&queue, 1);
    // Root may write everywhere: a directory that was taken away refuses even root.
    fs::remove_dir_all(root.join("org/run-1")).unwrap();
    let body = redacted(Signal::Logs, 2);
    assert!(matches!(queue.push(Signal::Logs, 2, 7, &body), Err(SpoolError::Io { .. })));
    assert!(matches!(queue.keep(Signal::Logs, 2, 7, &body), (Kept::InMemory, Some(SpoolError::Io { .. }))));
    let gone = queue.first(Signal::Logs, None).unwrap();
    assert!(matches!(queue.load(Signal::Logs, gone), Err(LoadError::Gone)));
    queue.settle(Signal::Logs, gone, Exit::Dropped);
    assert_eq!(queue.tally().logs.in_memory, Count { batches: 1, records: 2 });
    assert_eq!(drain(&queue), [2]);
    assert!(queue.tally().logs.adds_up());
    assert!(!queue.remove());
}

#[test]
fn a_queue_without_a_directory_takes_one_as_soon_as_there_can_be_one() {
    let Fixture { root, _temporary, .. } = fixture();
    fs::write(root.join("in the way"), b"").unwrap();
    let below = root.join("in the way");
    for spills_at_the_end in [false, true] {
        let keep = |queue: &Queue, records| queue.keep(Signal::Logs, records, 7, &redacted(Signal::Logs, records)).0;
        let queue = Queue::in_memory_until_it_can_be_below(below.clone(), "org");
        assert_eq!(keep(&queue, 1), Kept::InMemory);
        fs::remove_file(&below).unwrap();
        if spills_at_the_end {
            queue.secure();
        } else {
            assert_eq!(keep(&queue, 2), Kept::OnDisk);
        }
        let tally = queue.tally().logs;
        assert_eq!((tally.in_memory, tally.spooled.batches), (Count::default(), 2 - u64::from(spills_at_the_end)));
        drop(queue);
        let found = Spool::open(&below).unwrap().adopt("org").unwrap();
        assert_eq!(found.iter().map(Queue::waiting).sum::<usize>(), 2 - usize::from(spills_at_the_end));
        drop(found);
        fs::remove_dir_all(&below).unwrap();
        fs::write(&below, b"").unwrap();
    }
}

#[test]
fn a_spool_below_a_file_cannot_be_opened() {
    let Fixture { root, _temporary, .. } = fixture();
    fs::write(root.join("file"), b"").unwrap();
    assert!(matches!(Spool::open(&root.join("file/spool")), Err(SpoolError::Io { .. })));
}

#[test]
fn memory_is_bounded_and_the_oldest_goes_first() {
    let mut state = super::state::State::new();
    let big = |megabytes: usize| super::state::Place::Memory(Arc::new(vec![0; megabytes << 20]));
    for records in 1..=4 {
        let sequence = state.reserve();
        assert!(state.accept(Signal::Logs, sequence, records, big(10)));
    }
    let tally = state.tally().logs;
    assert_eq!((tally.in_memory.records, tally.dropped.records), (2 + 3 + 4, 1));
    // The batch that is being sent stays.
    let oldest = state.first(Signal::Logs, None).unwrap();
    state.begin(Signal::Logs, oldest).unwrap();
    let sequence = state.reserve();
    assert!(state.accept(Signal::Traces, sequence, 5, big(10)));
    assert_eq!(state.first(Signal::Logs, None), Some(oldest));
    // What is larger than everything does not stay.
    let sequence = state.reserve();
    assert!(!state.accept(Signal::Logs, sequence, 100, big(33)));
    assert!(state.tally().logs.adds_up() && state.tally().traces.adds_up());
}

#[test]
fn the_oldest_on_disk_makes_room_whatever_its_signal_and_not_what_is_being_sent() {
    let Fixture { root, spool, _temporary } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    push(&queue, 1);
    queue.push(Signal::Metrics, 0, 7, &redacted(Signal::Metrics, 0)).unwrap();
    push(&queue, 3);
    let size = |name: &str| fs::metadata(root.join("org/run-1").join(name)).unwrap().len();
    let sizes = [("logs", 1), ("metrics", 2), ("logs", 3)]
        .map(|(signal, at)| size(&format!("{:020}.{signal}.otlp", at * STRIDE)));
    let all = Usage { bytes: sizes.iter().sum(), files: 3 };
    assert_eq!((queue.usage(), queue.usage_of_all()), (all, Some(all)));
    // The first is on its way.
    queue.load(Signal::Logs, STRIDE).unwrap();
    assert_eq!(queue.evict(), Some(Usage { bytes: sizes[1], files: 1 }));
    assert_eq!(queue.evict(), Some(Usage { bytes: sizes[2], files: 1 }));
    assert_eq!(queue.evict(), None);
    queue.release();
    let left = Usage { bytes: sizes[0], files: 1 };
    assert_eq!((queue.usage(), queue.usage_of_all()), (left, Some(left)));
    let tally = queue.tally();
    assert_eq!(
        (tally.logs.evicted, tally.metrics.evicted),
        (Count { batches: 1, records: 3 }, Count { batches: 1, records: 0 })
    );
    assert_eq!(tally.total().dropped, tally.total().evicted);
    assert!(tally.logs.adds_up() && tally.metrics.adds_up());
    drop(queue);
    // Recovered, it is counted as it was.
    let [queue] = spool.adopt("org").unwrap().try_into().unwrap();
    assert_eq!(queue.usage(), left);
    assert_eq!(drain(&queue), [1]);
    assert_eq!(queue.usage(), Usage::default());
}

#[test]
fn what_others_hold_is_seen_and_not_taken() {
    let Fixture { spool, _temporary, .. } = fixture();
    let [ours, theirs] = ["run-1", "run-2"].map(|run| spool.queue("org", run).unwrap());
    push(&ours, 1);
    push(&theirs, 2);
    assert_eq!(ours.usage_of_all().unwrap().files, 2);
    assert_eq!(ours.usage().files, 1);
    assert!(ours.evict().is_some() && ours.evict().is_none());
    assert_eq!(drain(&theirs), [2]);
    assert!(Queue::in_memory().usage_of_all().is_none());
}

#[test]
fn the_halves_of_a_batch_are_as_large_as_their_files() {
    let Fixture { spool, _temporary, .. } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    push(&queue, 9);
    let halves = [(4, &redacted(Signal::Logs, 4)), (5, &redacted(Signal::Logs, 5))];
    assert!(queue.halve(Signal::Logs, STRIDE, 7, halves).unwrap());
    assert_eq!(Some(queue.usage()), queue.usage_of_all());
    assert_eq!(queue.usage().files, 2);
}

#[test]
fn losses_are_added_up_until_somebody_drops_all() {
    let Fixture { root, spool, _temporary } = fixture();
    let lost = || look(&root).unwrap().into_iter().next().and_then(|held| held.lost);
    let count = |batches, records| Count { batches, records };
    spool.add_lost("org", count(3, 30), count(2, 20), "2026-11-20T08:00:00Z").unwrap();
    assert!(spool.adopt("org").unwrap().is_empty(), "it is no run");
    let threads = [1, 2, 3, 4].map(|_| {
        let spool = spool.clone();
        std::thread::spawn(move || spool.add_lost("org", count(1, 5), count(1, 5), "2026-11-21T08:00:00Z"))
    });
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    let since = Some("2026-11-20T08:00:00Z".to_owned());
    assert_eq!(lost(), Some(Lost { count: count(7, 50), evicted: count(6, 40), since }));
    spool.forget_lost("org").unwrap();
    spool.forget_lost("nobody").unwrap();
    assert_eq!(lost(), None);
    // What is not of ours says nothing, and stands in nobody's way.
    fs::write(root.join("org/dropped.json"), "{").unwrap();
    assert_eq!(lost(), None);
    spool.add_lost("org", count(1, 1), count(0, 0), "x").unwrap();
    assert_eq!(lost().unwrap().count, count(1, 1));
}

#[test]
fn what_is_only_in_memory_is_written_when_the_disk_comes_back() {
    let Fixture { root, spool, _temporary } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    let run = root.join("org/run-1");
    // The next file's temporary name is taken: this write fails, later ones do not.
    let blocker = run.join(format!("{STRIDE:020}.logs.otlp.tmp"));
    fs::create_dir(&blocker).unwrap();
    let (kept, _) = queue.keep(Signal::Logs, 2, 7, &redacted(Signal::Logs, 2));
    assert_eq!(kept, Kept::InMemory);
    fs::remove_dir(&blocker).unwrap();
    queue.secure();
    assert_eq!(queue.tally().logs.spooled, Count { batches: 1, records: 2 });
    drop(queue);
    assert_eq!(drain(&spool.adopt("org").unwrap()[0]), [2]);
}

#[test]
fn parked_batches_are_kept_beside_the_runs() {
    let Fixture { root, spool, _temporary } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    push(&queue, 3);
    let memory = Queue::in_memory();
    let (kept, error) = memory.keep(Signal::Logs, 1, 7, &redacted(Signal::Logs, 1));
    assert!(kept == Kept::InMemory && matches!(error, Some(SpoolError::NoDirectory)));
    for queue in [&queue, &memory] {
        queue.settle(Signal::Logs, queue.first(Signal::Logs, None).unwrap(), Exit::Parked);
        assert!(queue.tally().logs.adds_up());
    }
    assert_eq!(queue.tally().logs.parked, Count { batches: 1, records: 3 });
    assert_eq!(memory.tally().logs.dropped, Count { batches: 1, records: 1 });
    assert!(queue.remove());
    assert_eq!(files(&root.join("org")), ["parked"]);
    assert_eq!(files(&root.join("org/parked")), [format!("run-1.{STRIDE:020}.logs.otlp")]);
    assert!(spool.adopt("org").unwrap().is_empty());
}

#[test]
fn halves_stand_where_the_whole_stood() {
    let Fixture { spool, _temporary, .. } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    for records in [1, 7, 2] {
        push(&queue, records);
    }
    let whole = 2 * STRIDE;
    let (three, four) = (redacted(Signal::Logs, 3), redacted(Signal::Logs, 4));
    assert!(queue.halve(Signal::Logs, whole, 7, [(3, &three), (4, &four)]).unwrap());
    let tally = queue.tally().logs;
    assert!(tally.adds_up());
    assert_eq!(tally.accepted, Count { batches: 4, records: 10 });
    let one = redacted(Signal::Logs, 1);
    // What redaction took out meanwhile is counted as dropped.
    assert!(queue.halve(Signal::Logs, whole, 7, [(1, &one), (1, &one)]).unwrap());
    assert!(queue.tally().logs.adds_up());
    assert_eq!(queue.tally().logs.dropped, Count { batches: 0, records: 1 });
    drop(queue);
    assert_eq!(drain(&spool.adopt("org").unwrap()[0]), [1, 1, 1, 4, 2]);
}

#[test]
fn what_is_parked_is_not_replaced_by_what_has_its_number_later() {
    let Fixture { root, spool, _temporary } = fixture();
    let queue = spool.queue("org", "run-1").unwrap();
    push(&queue, 8);
    let half = redacted(Signal::Logs, 4);
    for parked in 1..=3 {
        assert!(queue.halve(Signal::Logs, STRIDE, 7, [(4, &half), (4, &half)]).unwrap());
        queue.settle(Signal::Logs, queue.first(Signal::Logs, Some(STRIDE)).unwrap(), Exit::Parked);
        assert_eq!(files(&root.join("org/parked")).len(), parked);
    }
}

#[test]
fn a_batch_that_is_still_being_written_is_not_halved() {
    let fixture = fixture();
    let queue = fixture.spool.queue("org", "run-1").unwrap();
    let write = begin(&queue, 8);
    queue.give_up_waiting(&write).unwrap();
    let half = redacted(Signal::Logs, 4);
    let halve = || queue.halve(Signal::Logs, STRIDE, 7, [(4, &half), (4, &half)]);
    assert!(matches!(halve(), Err(SpoolError::Slow)));
    assert_eq!(queue.finish(&write).0, Kept::OnDisk);
    assert!(halve().unwrap());
    assert_eq!(batches_on_disk(&fixture, "run-1"), 2);
}

#[test]
fn a_directory_that_was_made_but_not_yet_locked_survives_those_who_tidy_up() {
    let Fixture { spool, _temporary, .. } = fixture();
    let tidy = spool.clone();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = std::thread::spawn(move || {
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            for queue in tidy.adopt("org").unwrap() {
                assert_eq!(drain(&queue), [1]);
                queue.remove();
            }
        }
    });
    for run in 0..300 {
        let queue = spool.queue("org", &format!("run-{run}")).unwrap();
        push(&queue, 1);
        assert_eq!(queue.waiting(), 1);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    thread.join().unwrap();
    for queue in spool.adopt("org").unwrap() {
        assert_eq!(drain(&queue), [1]);
    }
}

/// Where the writer that is killed has its spool.
const KILLED_ROOT: &str = "CC_OBSERVE_TEST_SPOOL";

#[test]
#[ignore = "it is the process that the next test kills"]
fn pushes_until_it_is_killed() {
    let Some(root) = std::env::var_os(KILLED_ROOT) else { return };
    let queue = Spool::open(Path::new(&root)).unwrap().queue("org", "run-1").unwrap();
    for records in 1.. {
        push(&queue, records);
        println!("acknowledged {records}");
    }
}

#[test]
fn what_was_acknowledged_survives_kill_nine() {
    for acknowledged in [1_u64, 2, 30, 101] {
        let Fixture { root, spool, _temporary } = fixture();
        let mut writer = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "spool::tests::pushes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(KILLED_ROOT, &root)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut last = 0;
        for line in BufReader::new(writer.stdout.take().unwrap()).lines() {
            if let Some((_, number)) = line.unwrap().split_once("acknowledged ") {
                last = number.parse().unwrap();
            }
            if last == acknowledged {
                // SIGKILL; what it acknowledged until it was dead is still read.
                writer.kill().unwrap();
            }
        }
        writer.wait().unwrap();
        assert!(last >= acknowledged);
        let recovered = drain(&spool.adopt("org").unwrap()[0]);
        assert!(recovered.len() as u64 >= last, "{last}");
        assert_eq!(recovered, (1..=recovered.len() as u64).collect::<Vec<_>>());
        assert_eq!(files(&root.join("org/corrupt")), [""; 0]);
    }
}

#[derive(Clone, Debug)]
enum Op {
    Push(u64),
    Hold(u64),
    Exit(Exit),
    Halve,
    Secure,
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let exit = prop_oneof![
        (0_u64..4, 0_u64..4).prop_map(|(withheld, rejected)| Exit::Delivered { withheld, rejected }),
        Just(Exit::Parked),
        Just(Exit::Corrupt),
        Just(Exit::Dropped),
    ];
    prop_oneof![
        3 => (0_u64..9).prop_map(Op::Push),
        2 => (0_u64..9).prop_map(Op::Hold),
        3 => exit.prop_map(Op::Exit),
        2 => Just(Op::Halve),
        1 => Just(Op::Secure),
        1 => Just(Op::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn accepted_is_delivered_spooled_in_memory_parked_and_dropped(ops in proptest::collection::vec(op(), 0..30)) {
        let Fixture { root, spool, _temporary } = fixture();
        let mut queue = spool.queue("org", "run-1").unwrap();
        for op in ops {
            match op {
                Op::Push(records) => push(&queue, records),
                Op::Hold(records) => {
                    let next = queue.lock_for_test().reserve() + STRIDE;
                    let blocker = root.join(format!("org/run-1/{next:020}.logs.otlp.tmp"));
                    fs::create_dir(&blocker).unwrap();
                    let (kept, _) = queue.keep(Signal::Logs, records, 7, &redacted(Signal::Logs, records));
                    prop_assert_eq!(kept, Kept::InMemory);
                    fs::remove_dir(&blocker).unwrap();
                }
                Op::Exit(exit) => {
                    if let Some(sequence) = queue.first(Signal::Logs, None) {
                        queue.settle(Signal::Logs, sequence, exit);
                    }
                }
                Op::Halve => {
                    if let Some(sequence) = queue.first(Signal::Logs, None) {
                        let records = queue.load(Signal::Logs, sequence).unwrap().header.records;
                        let (first, second) = (records / 2, records - records / 2);
                        let halves = [first, second].map(|records| redacted(Signal::Logs, records));
                        queue.halve(Signal::Logs, sequence, 7, [(first, &halves[0]), (second, &halves[1])]).unwrap();
                    }
                }
                Op::Secure => {
                    queue.secure();
                    prop_assert_eq!(queue.tally().logs.in_memory, Count::default());
                }
                Op::Reopen => {
                    queue.secure();
                    let left = queue.tally().logs.spooled;
                    drop(queue);
                    queue = spool.queue("org", "run-1").unwrap();
                    prop_assert_eq!(queue.tally().logs.accepted, left);
                }
            }
            prop_assert!(queue.tally().logs.adds_up(), "{:?}", queue.tally().logs);
        }
    }
}

/// The files of batches in a run's directory.
fn batches_on_disk(fixture: &Fixture, run: &str) -> usize {
    let names = files(&fixture.root.join("org").join(run));
    names.iter().filter(|name| format::parse_name(name).is_some()).count()
}

fn begin(queue: &Queue, records: u64) -> Write {
    queue.begin(Signal::Logs, records, 7, &redacted(Signal::Logs, records)).unwrap()
}

#[test]
fn what_the_disk_takes_too_long_for_is_in_memory_until_it_is_on_disk() {
    let fixture = fixture();
    let queue = fixture.spool.queue("org", "run-1").unwrap();
    queue.gate.set(true);
    let write = begin(&queue, 3);
    std::thread::scope(|scope| {
        let finished = scope.spawn(|| queue.finish(&write));
        queue.gate.wait_until_held();
        assert_eq!(queue.give_up_waiting(&write), Some(Kept::InMemory));
        assert_eq!(queue.give_up_waiting(&write), Some(Kept::InMemory));
        assert_eq!(queue.tally().logs.in_memory, Count { batches: 1, records: 3 });
        // While it hangs no other write is tried.
        let (kept, error) = queue.finish(&begin(&queue, 4));
        assert!(kept == Kept::InMemory && matches!(error, Some(SpoolError::Slow)), "{kept:?} {error:?}");
        assert_eq!((queue.waiting(), batches_on_disk(&fixture, "run-1")), (2, 0));
        queue.gate.set(false);
        assert_eq!(finished.join().unwrap().0, Kept::OnDisk);
        assert_eq!(queue.give_up_waiting(&write), None);
    });
    // What waited in memory meanwhile followed.
    assert_eq!(queue.tally().logs.spooled, Count { batches: 2, records: 7 });
    assert_eq!((queue.tally().logs.in_memory, batches_on_disk(&fixture, "run-1")), (Count::default(), 2));
    assert_eq!(queue.finish(&begin(&queue, 5)).0, Kept::OnDisk);
    assert!(queue.tally().logs.adds_up());
}

#[test]
fn what_was_delivered_from_memory_is_not_left_on_disk_by_the_write_that_hung() {
    for settled in [true, false] {
        let fixture = fixture();
        let queue = fixture.spool.queue("org", "run-1").unwrap();
        queue.gate.set(true);
        let write = begin(&queue, 3);
        std::thread::scope(|scope| {
            let finished = scope.spawn(|| queue.finish(&write));
            queue.gate.wait_until_held();
            assert_eq!(queue.give_up_waiting(&write), Some(Kept::InMemory));
            let sequence = queue.first(Signal::Logs, None).unwrap();
            // It is on its way when the disk answers, or it has arrived.
            assert_eq!(queue.load(Signal::Logs, sequence).unwrap().header.records, 3);
            let settle = || queue.settle(Signal::Logs, sequence, Exit::Delivered { withheld: 0, rejected: 0 });
            if settled {
                settle();
            }
            queue.gate.set(false);
            finished.join().unwrap();
            if !settled {
                settle();
            }
        });
        assert_eq!(queue.tally().logs.delivered, Count { batches: 1, records: 3 });
        assert_eq!((queue.waiting(), batches_on_disk(&fixture, "run-1")), (0, 0));
        assert!(queue.tally().logs.adds_up());
    }
}

#[test]
fn what_a_power_failure_must_not_take_is_synced_before_it_counts() {
    let fixture = fixture();
    let queue = fixture.spool.queue("org", "run-1").unwrap().promising(Durability::Power);
    push(&queue, 3);
    assert_eq!((queue.tally().logs.spooled.batches, batches_on_disk(&fixture, "run-1")), (1, 1));
    // Nothing is left to be synced later.
    drop(queue);
    let [again] = fixture.spool.adopt("org").unwrap().try_into().unwrap();
    assert_eq!(again.tally().logs.spooled, Count { batches: 1, records: 3 });
}
