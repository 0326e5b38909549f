//! Our disk fails while the relay runs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::endpoint::Fault;
use super::trial::Trial;
use super::{Asked, Dice, Judged, for_all};
use crate::support::{run, start, wait_until};

/// What the disk does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum DiskFault {
    /// It has so little room.
    Small,
    /// It is filled by somebody else; and perhaps nobody takes what then waits in memory.
    Filled { hopeless: bool },
    /// System calls of the relay fail, with the words of `strace -e inject`.
    Calls(&'static str, &'static str),
    /// The same of those that read: what is on disk waits until they succeed.
    Reads(&'static str, &'static str),
    /// Batches that wait are changed, or cut.
    Damaged { cut: bool },
}

const FAULTS: &[(&str, DiskFault)] = &[
    ("no room", DiskFault::Small),
    ("full", DiskFault::Filled { hopeless: false }),
    ("full, and the endpoint away to the end", DiskFault::Filled { hopeless: true }),
    ("read-only", DiskFault::Calls("renameat,renameat2,rename,unlinkat,unlink,mkdirat", "error=EROFS")),
    ("rename: EIO", DiskFault::Calls("renameat,renameat2,rename", "error=EIO")),
    ("rename: ENOSPC now and then", DiskFault::Calls("renameat,renameat2,rename", "error=ENOSPC:when=2+3")),
    ("rename: slow", DiskFault::Calls("renameat,renameat2,rename", "delay_enter=250000:when=1+4")),
    ("fsync: EIO", DiskFault::Calls("fsync,fdatasync", "error=EIO")),
    ("unlink: EIO", DiskFault::Calls("unlinkat,unlink", "error=EIO")),
    ("open: EMFILE now and then", DiskFault::Reads("openat", "error=EMFILE:when=2+5")),
    ("stat: EIO now and then", DiskFault::Reads("newfstatat,fstat,statx", "error=EIO:when=3+4")),
    ("a byte changes", DiskFault::Damaged { cut: false }),
    ("a file is cut", DiskFault::Damaged { cut: true }),
];

/// Where we may mount, each trial sees a file system of its own.
fn trial(fault: DiskFault, dice: Dice) -> Judged {
    let own = std::thread::spawn(move || {
        let none: Option<&str> = None;
        let private = unshare(CloneFlags::CLONE_NEWNS)
            .and_then(|()| mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none));
        match private {
            Ok(()) => in_namespace(fault, dice),
            Err(errno) => {
                eprintln!("skipped: no mount namespace of our own ({errno})");
                Some(Vec::new())
            }
        }
    });
    own.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn in_namespace(fault: DiskFault, mut dice: Dice) -> Judged {
    let strace = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if matches!(fault, DiskFault::Calls(..) | DiskFault::Reads(..)) && !strace.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no strace, which makes system calls fail");
        return Some(Vec::new());
    }
    // What waits can be damaged only where something waits.
    let times = match fault {
        DiskFault::Damaged { .. } | DiskFault::Filled { hopeless: true } => usize::MAX / 2,
        _ => usize::try_from(dice.between(0, 2)).unwrap(),
    };
    let requests = dice.between(8, 20);
    let mut trial = Trial::new(Fault::Status(503, &[], ""), times, &mut dice, requests);
    let disk = Disk::mount(&trial.sandbox.state(), if fault == DiskFault::Small { dice.between(24, 96) } else { 4096 });
    let sends = vec!["send"; usize::try_from(requests - 2).unwrap()].join("\n");
    trial.sandbox.set("FAKE_CLAUDE_DO", format!("touch:../out/ready\nwait-file:../out/go\n{sends}"));
    let session = start(trial.sandbox.observed(["-p", "go"]));
    trial.sandbox.wait_for_file("out/ready");
    let relay = trial.relay()?;
    let mut tracer = None;
    match fault {
        DiskFault::Small | DiskFault::Damaged { .. } => {}
        DiskFault::Filled { .. } => {
            wait_until("its count has room", || disk.path.join("spool/org/dropped.json").exists());
            disk.fill();
        }
        DiskFault::Calls(calls, what) | DiskFault::Reads(calls, what) => {
            tracer = Some(Tracer::attach(relay, calls, what));
        }
    }
    trial.sandbox.write("out/go", "");
    let ended = session.wait();
    let mut violations = trial.ended(ended);
    if let DiskFault::Damaged { cut } = fault {
        trial.end(Some(Signal::SIGTERM));
        if damage(&disk.path.join("spool/org"), cut, &mut dice) == 0 {
            return None;
        }
    } else if let DiskFault::Filled { hopeless: true } = fault {
        trial.end(Some(Signal::SIGTERM));
        let status = run(trial.sandbox.cc_observe(["spool", "status"])).out();
        if !status.contains("the disk of the spool is full") || !status.contains("dropped since") {
            violations.push(format!("the status does not say it: {status}"));
        }
    } else if let DiskFault::Reads(..) = fault {
        drop(tracer.take());
        trial.end(Some(Signal::SIGTERM));
    } else {
        // Nothing but the relay's own end delivers what is only in its memory.
        trial.end(None);
    }
    drop(tracer);
    trial.heal_and_flush();
    let judged = trial.judge(violations);
    drop(disk);
    judged
}

/// A file system in memory in the place of the state directory.
struct Disk {
    path: PathBuf,
}

impl Disk {
    fn mount(path: &Path, kib: u64) -> Self {
        fs::create_dir_all(path).unwrap();
        let options = format!("size={kib}k,mode=0700");
        mount(Some("none"), path, Some("tmpfs"), MsFlags::empty(), Some(options.as_str())).unwrap();
        Self { path: path.to_owned() }
    }

    fn fill(&self) {
        // As much as fits.
        let mut rest = 4 << 20;
        let file = fs::File::create(self.path.join("filler")).unwrap();
        while rest > 0 {
            if std::os::unix::fs::FileExt::write_at(&file, &vec![0; rest], file.metadata().unwrap().len()).is_err() {
                rest /= 2;
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
}

/// Changes some of the files that wait; how many.
fn damage(directory: &Path, cut: bool, dice: &mut Dice) -> usize {
    let mut damaged = 0;
    for run in fs::read_dir(directory).into_iter().flatten().flatten() {
        for file in fs::read_dir(run.path()).into_iter().flatten().flatten() {
            let path = file.path();
            if path.extension().is_none_or(|extension| extension != "otlp") || dice.once_in(2) {
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            // Not where it says how many records it has: those it does not know it cannot count.
            let at = usize::try_from(dice.between(56, bytes.len() as u64 - 1)).unwrap();
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1 << dice.between(0, 7);
            }
            fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    damaged
}

/// Makes system calls of a process fail for as long as it lives.
struct Tracer(Child);

impl Tracer {
    fn attach(to: Pid, calls: &str, what: &str) -> Self {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-p", &to.to_string(), "-e", &format!("trace={calls}")]);
        strace.args(["-e", &format!("inject={calls}:{what}")]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = strace.spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.contains("attached"), "strace: {line}");
        // Read to its end, so that it never waits for us.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self(child)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn whatever_the_disk_does_nothing_is_lost_leaked_or_doubled() {
    for_all("disk:", FAULTS, &Asked::or(1, 0), trial);
}

#[test]
#[ignore = "takes minutes: .ci/full runs it"]
fn whatever_the_disk_does_nothing_is_lost_leaked_or_doubled_with_many_seeds() {
    for_all("disk:", FAULTS, &Asked::or(20, 0), trial);
}
