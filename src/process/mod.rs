//! Edge: the process itself: what it was given, `fork`, `exec` and signal handlers. The only file with `unsafe`.
#![expect(unsafe_code, reason = "fork and signal handlers have no safe form; each block says why it is sound")]

use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int, c_void};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, IntoRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};
use nix::unistd::{ForkResult, Pid};

/// What the process was given, recorded before anything of ours changes it.
#[derive(Clone, Copy, Debug)]
pub struct Inherited {
    /// The mask of blocked signals.
    mask: SigSet,
    /// Whether `SIGCHLD` was ignored: then `wait` would lose the exit status.
    child_ignored: bool,
    /// Whether `SIGPIPE` was ignored: systemd's default for services.
    pipe_ignored: bool,
}

impl Inherited {
    /// What a process of our own is given: nothing blocked, nothing ignored.
    pub fn fresh() -> Self {
        Self { mask: SigSet::empty(), child_ignored: false, pipe_ignored: true }
    }

    /// To be called first. Closed descriptors among 0, 1 and 2 are held by `/dev/null` from here on, so that no file of
    /// ours lands there; claude finds them closed as they were.
    pub fn record() -> Self {
        for descriptor in 0..=2 {
            // SAFETY: F_GETFD reads a flag; on a closed descriptor it fails with EBADF.
            if unsafe { libc::fcntl(descriptor, libc::F_GETFD) } == -1 {
                // The lowest free descriptor is this one, since those below are open by now.
                if let Ok(null) =
                    OpenOptions::new().read(true).write(true).custom_flags(libc::O_CLOEXEC).open("/dev/null")
                {
                    let _ = null.into_raw_fd();
                }
            }
        }
        let mask = SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty());
        Self { mask, child_ignored: is_ignored(Signal::SIGCHLD), pipe_ignored: is_ignored(Signal::SIGPIPE) }
    }

    /// Makes `wait` work, and writing to a relay that is gone an error. Undone in the child, and before becoming claude.
    pub fn make_usable(&self) {
        if self.child_ignored {
            set_default(Signal::SIGCHLD);
        }
        if !self.pipe_ignored {
            set_ignored(Signal::SIGPIPE);
        }
    }

    /// Puts back what [`Self::make_usable`] and [`block_watched`] changed.
    fn restore(&self) {
        if self.child_ignored {
            set_ignored(Signal::SIGCHLD);
        }
        if !self.pipe_ignored {
            set_default(Signal::SIGPIPE);
        }
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.mask), None);
    }
}

/// The arguments of `main`.
///
/// # Safety
///
/// `argv` must be what the C runtime gave to `main`, with `argc`.
pub unsafe fn arguments(argc: c_int, argv: *const *const c_char) -> Vec<OsString> {
    (0..usize::try_from(argc).unwrap_or(0))
        .map(|index| {
            // SAFETY: the C standard guarantees argc pointers to nul-terminated strings that live as long as the process.
            let text = unsafe { CStr::from_ptr(*argv.add(index)) };
            OsString::from_vec(text.to_bytes().to_vec())
        })
        .collect()
}

/// Why a program is not running as a child.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SpawnError {
    /// This process cannot have a child now.
    Fork(Errno),
    /// The program cannot be executed.
    Exec(Errno),
}

/// A program with its arguments and environment, ready for `execve`.
#[derive(Debug)]
pub struct Program {
    path: CString,
    argv: Vec<CString>,
    envp: Vec<CString>,
    /// A variable whose value begins with the pid of the process that becomes the program: its name and the rest.
    with_pid: Option<(Vec<u8>, Vec<u8>)>,
    /// `/bin/sh PATH ARGS…`, for a script without `#!`, as `execvp` and every shell do it.
    shell_argv: Vec<CString>,
}

impl Program {
    /// Fails if a part holds a nul byte.
    pub fn new(path: &OsStr, argv: &[OsString], env: &[(OsString, OsString)]) -> io::Result<Self> {
        let c = |text: &[u8]| CString::new(text).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
        let path = c(path.as_bytes())?;
        let argv = argv.iter().map(|arg| c(arg.as_bytes())).collect::<io::Result<Vec<_>>>()?;
        let envp = env
            .iter()
            .map(|(name, value)| c(&[name.as_bytes(), b"=", value.as_bytes()].concat()))
            .collect::<io::Result<Vec<_>>>()?;
        let mut shell_argv = vec![c(b"/bin/sh")?, path.clone()];
        shell_argv.extend(argv.iter().skip(1).cloned());
        Ok(Self { path, argv, envp, with_pid: None, shell_argv })
    }

    /// Adds a variable whose value is the pid of the process that becomes the program, and `rest` behind it.
    #[must_use]
    pub fn with_pid_variable(mut self, name: &str, rest: &OsString) -> Self {
        self.with_pid = Some((name.as_bytes().to_vec(), rest.as_bytes().to_vec()));
        self
    }

    /// Becomes the program, with what was inherited; returns only why it could not.
    pub fn exec(&self, inherited: &Inherited) -> Errno {
        let mut envp = self.envp.clone();
        if let Some((name, rest)) = &self.with_pid {
            let variable = [name, &b"="[..], Pid::this().to_string().as_bytes(), rest].concat();
            envp.extend(CString::new(variable));
        }
        inherited.restore();
        match nix::unistd::execve::<CString, CString>(&self.path, &self.argv, &envp) {
            Err(Errno::ENOEXEC) => match nix::unistd::execve::<CString, CString>(c"/bin/sh", &self.shell_argv, &envp) {
                Err(_) => Errno::ENOEXEC,
                Ok(never) => match never {},
            },
            Err(errno) => errno,
            Ok(never) => match never {},
        }
    }

    /// Starts the program as a child. `in_child` runs between `fork` and `exec`.
    ///
    /// Returns its pid once it has been started, or why it could not be.
    pub fn spawn(&self, inherited: &Inherited) -> Result<Pid, SpawnError> {
        let (reader, writer) = pipe().map_err(SpawnError::Fork)?;
        match fork().map_err(SpawnError::Fork)? {
            ForkResult::Parent { child } => {
                drop(writer);
                let mut errno = [0_u8; 4];
                loop {
                    match nix::unistd::read(&reader, &mut errno) {
                        Ok(4) => {
                            let _ = nix::sys::wait::waitpid(child, None);
                            return Err(SpawnError::Exec(Errno::from_raw(i32::from_ne_bytes(errno))));
                        }
                        Err(Errno::EINTR) => {}
                        // Closed by exec: it runs.
                        _ => return Ok(child),
                    }
                }
            }
            ForkResult::Child => {
                let errno = self.exec(inherited);
                let _ = nix::unistd::write(&writer, &(errno as i32).to_ne_bytes());
                exit_now(127)
            }
        }
    }
}

/// Starts a process that is nobody's child: a grandchild whose parent is gone. In it, `become_it` runs; if that
/// returns, the process ends.
///
/// In the process that stays, the middle process has been waited for: no zombie is left, whatever this process
/// becomes. Returns the pid of the grandchild.
pub fn spawn_detached(become_it: impl FnOnce()) -> nix::Result<Pid> {
    let (reader, writer) = pipe()?;
    match fork()? {
        ForkResult::Parent { child } => {
            drop(writer);
            while nix::sys::wait::waitpid(child, None) == Err(Errno::EINTR) {}
            let mut pid = [0_u8; 4];
            match nix::unistd::read(&reader, &mut pid) {
                Ok(4) => Ok(Pid::from_raw(i32::from_ne_bytes(pid))),
                Ok(_) => Err(Errno::EAGAIN),
                Err(errno) => Err(errno),
            }
        }
        ForkResult::Child => match fork() {
            Ok(ForkResult::Parent { child }) => {
                let _ = nix::unistd::write(&writer, &child.as_raw().to_ne_bytes());
                exit_now(0)
            }
            Ok(ForkResult::Child) => {
                // A panic must not unwind into what this process was before the fork.
                let _ = std::panic::catch_unwind(AssertUnwindSafe(become_it));
                exit_now(1)
            }
            Err(_) => exit_now(1),
        },
    }
}

/// The exit code of a child of our own that panicked.
const PANICKED: u8 = 101;

/// Starts a child in which `become_it` runs, and gives the exit code.
pub fn spawn_child(become_it: impl FnOnce() -> u8) -> nix::Result<Pid> {
    match fork()? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            // A panic must not unwind into what this process was before the fork.
            let code = std::panic::catch_unwind(AssertUnwindSafe(become_it)).unwrap_or(PANICKED);
            exit_now(i32::from(code))
        }
    }
}

/// Lets go of the terminal, of pipes, and of everything else that was inherited: a process that waits for a disk must
/// not hold up whoever reads what claude wrote. For a detached process that does not come back.
pub fn let_go() -> io::Result<()> {
    let null = OwnedFd::from(OpenOptions::new().read(true).write(true).open("/dev/null")?);
    for descriptor in 0..=2 {
        place(&null, descriptor)?;
    }
    // A leader of nothing so far, so this cannot fail.
    let _ = nix::unistd::setsid();
    // It would be closed twice.
    let _ = null.into_raw_fd();
    close_from_three();
    Ok(())
}

/// Puts `from` at the place of descriptor `to`, open across `exec`.
pub fn place(from: &OwnedFd, to: RawFd) -> nix::Result<()> {
    if from.as_raw_fd() == to {
        // SAFETY: clearing the flags of a descriptor that is borrowed for the call.
        return Errno::result(unsafe { libc::fcntl(to, libc::F_SETFD, 0) }).map(drop);
    }
    // SAFETY: dup2 onto a standard descriptor; nothing in this process owns those as a Rust value.
    Errno::result(unsafe { libc::dup2(from.as_raw_fd(), to) }).map(drop)
}

/// One of the descriptors that were placed for us at 0 and 1. What 2 leads to takes its place, so that no file of ours
/// is ever opened there.
pub fn take(descriptor: RawFd) -> io::Result<OwnedFd> {
    let taken = another(descriptor)?;
    // SAFETY: nothing in this process owns the standard descriptors as a Rust value.
    Errno::result(unsafe { libc::dup2(2, descriptor) })?;
    Ok(taken)
}

/// Another descriptor for what one of the standard descriptors leads to.
pub fn another(descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: called for 0 and 1 where they have been placed; both are open, and stay so.
    unsafe { BorrowedFd::borrow_raw(descriptor) }.try_clone_to_owned()
}

/// No core dump from here on, of this process or those it becomes: credentials are in its memory.
pub fn dump_no_core() {
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
}

/// Keeps other processes of this user from reading our memory and environment, where the system can do that. Undone by
/// `exec`.
pub fn hide() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// Whether a process could run if it had a processor; `false` where the system does not tell (proc(5), field 3 of
/// `stat`).
pub fn is_runnable(pid: Pid) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name, in parentheses, may hold anything.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
}

/// Closes every descriptor from 3 on: what others left open in us, and what this process held before a fork and will
/// not use any more.
pub fn close_from_three() {
    let directory = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let open: Vec<RawFd> = std::fs::read_dir(directory)
        .map(|entries| entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
        .unwrap_or_default();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // SAFETY: Rust values that own such a descriptor are neither used nor dropped afterwards: the process becomes
        // another or ends by `_exit`. The one that listed the directory is closed by now, and closing it again fails.
        unsafe { libc::close(descriptor) };
    }
}

/// Ends the process at once: no destructors, no buffers.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit is async-signal-safe and does not return.
    unsafe { libc::_exit(code) }
}

/// Ends the process as a process dies of this signal, without a core dump. Real-time signals have no name in nix.
pub fn die_of(signal: i32) -> ! {
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
    // SAFETY: the default action installs no handler, the set lives on this stack, and the signal goes to this process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let mut only = std::mem::zeroed();
        libc::sigemptyset(&raw mut only);
        libc::sigaddset(&raw mut only, signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const only, std::ptr::null_mut());
        libc::kill(libc::getpid(), signal);
    }
    // The first process of a container does not die of its own signals.
    exit_now(128_i32.saturating_add(signal))
}

/// A signal that arrived.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// Which.
    pub signal: Signal,
    /// The process that sent it; `None` if the kernel did (a key, a resize, a closed terminal).
    pub sender: Option<Pid>,
}

static WRITE_END: AtomicI32 = AtomicI32::new(-1);

/// Signals that arrive, as records in a pipe.
#[derive(Debug)]
pub struct Signals {
    reader: OwnedFd,
    writer: OwnedFd,
}

/// Signals that the launcher sees while claude runs.
const WATCHED: [Signal; 10] = [
    Signal::SIGCHLD,
    Signal::SIGCONT,
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGTSTP,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
];

/// Holds the signals back that the launcher will watch, so that none is lost between `fork` and the handlers.
pub fn block_watched() {
    let mut set = SigSet::empty();
    for signal in WATCHED {
        set.add(signal);
    }
    let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), None);
}

impl Signals {
    /// Makes the pipe, before there is a child that would have to do without.
    pub fn new() -> nix::Result<Self> {
        let (reader, writer) = pipe()?;
        // A handler must never wait for the pipe to be emptied.
        nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK))?;
        Ok(Self { reader, writer })
    }

    /// Installs the handlers and lets the held-back signals in. To be called when the child runs: it got the
    /// dispositions that we were given.
    pub fn watch(&self) -> nix::Result<()> {
        WRITE_END.store(self.writer.as_raw_fd(), Ordering::Relaxed);
        let mut set = SigSet::empty();
        for signal in WATCHED {
            install(signal)?;
            set.add(signal);
        }
        sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&set), None)
    }

    /// Readable when a signal has arrived.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.reader)
    }

    /// The next signal; waits for it.
    ///
    /// Linux tells what the terminal sends from what processes send. Elsewhere both look the same: there, what the
    /// terminal would send is taken for its own while we are in the foreground.
    pub fn next(&self) -> nix::Result<Arrival> {
        let mut record = [0_u8; 9];
        loop {
            match nix::unistd::read(&self.reader, &mut record) {
                Ok(9) => {
                    let [from_process, signal, pid] = fields(record);
                    let Ok(signal) = Signal::try_from(signal) else { continue };
                    let from_process = from_process != 0 && !(cfg!(not(target_os = "linux")) && is_by_terminal(signal));
                    let sender = from_process.then(|| Pid::from_raw(pid));
                    return Ok(Arrival { signal, sender });
                }
                Ok(_) => return Err(Errno::EPIPE),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Stops this process by a signal, as claude was stopped, and returns when it is continued.
    pub fn stop_by(&self, signal: Signal) {
        if signal != Signal::SIGSTOP {
            set_default(signal);
        }
        let mut only = SigSet::empty();
        only.add(signal);
        let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&only), None);
        let _ = nix::sys::signal::raise(signal);
        if WATCHED.contains(&signal) {
            let _ = install(signal);
        }
    }
}

/// Whether a terminal may have sent this signal: it sends such, and we are in its foreground.
fn is_by_terminal(signal: Signal) -> bool {
    matches!(signal, Signal::SIGINT | Signal::SIGQUIT | Signal::SIGTSTP | Signal::SIGWINCH)
        && File::open("/dev/tty").is_ok_and(|terminal| nix::unistd::tcgetpgrp(&terminal) == Ok(nix::unistd::getpgrp()))
}

fn fields(record: [u8; 9]) -> [i32; 3] {
    let number = |at: usize| {
        let bytes = record.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, i32::from_ne_bytes)
    };
    [i32::from(record[0]), number(1), number(5)]
}

/// Writes a record of nine bytes: who sent it, which, and the sender's pid.
extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
    let saved = Errno::last_raw();
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo_t for the time of the call.
    let (code, pid) = unsafe { ((*info).si_code, (*info).si_pid()) };
    let mut record = [0_u8; 9];
    // SI_USER, SI_QUEUE and SI_TKILL are zero or negative; what the kernel sends by itself is positive.
    record[0] = u8::from(code <= 0);
    record[1..5].copy_from_slice(&signal.to_ne_bytes());
    record[5..9].copy_from_slice(&pid.to_ne_bytes());
    let descriptor = WRITE_END.load(Ordering::Relaxed);
    // SAFETY: write is async-signal-safe; the buffer lives on this stack. Nine bytes are written whole or not at all.
    unsafe { libc::write(descriptor, record.as_ptr().cast(), record.len()) };
    Errno::set_raw(saved);
}

fn install(signal: Signal) -> nix::Result<()> {
    let action = SigAction::new(SigHandler::SigAction(on_signal), SaFlags::SA_SIGINFO, SigSet::all());
    // SAFETY: the handler only reads its arguments and an atomic, writes to a pipe and restores errno.
    unsafe { sigaction(signal, &action) }.map(drop)
}

fn set_default(signal: Signal) {
    let action = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: the default action installs no handler.
    let _ = unsafe { sigaction(signal, &action) };
}

fn set_ignored(signal: Signal) {
    let action = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    // SAFETY: ignoring a signal installs no handler.
    let _ = unsafe { sigaction(signal, &action) };
}

/// Ctrl-C and Ctrl-\ are for those that were started here. Who is started later inherits it.
pub fn leave_the_terminal_to_children() {
    set_ignored(Signal::SIGINT);
    set_ignored(Signal::SIGQUIT);
}

/// Lets writes to a closed pipe fail instead of killing the process.
pub fn ignore_broken_pipes() {
    set_ignored(Signal::SIGPIPE);
}

/// Default dispositions and an empty mask, for a process of our own.
pub fn reset_signals() {
    for signal in Signal::iterator().filter(|signal| !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP)) {
        set_default(signal);
    }
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
}

fn is_ignored(signal: Signal) -> bool {
    // SAFETY: an all-zero sigaction is valid, and the call only reads the present disposition into it.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal as c_int, std::ptr::null(), &raw mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
    }
}

fn fork() -> nix::Result<ForkResult> {
    // SAFETY: the launcher and the guard have one thread and never start another, so the child finds no lock held by a
    // thread that it does not have.
    unsafe { nix::unistd::fork() }
}

/// A pipe that no other program inherits.
fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    #[cfg(target_os = "linux")]
    {
        nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)
    }
    #[cfg(not(target_os = "linux"))]
    {
        use nix::fcntl::{FcntlArg, FdFlag, fcntl};
        let (reader, writer) = nix::unistd::pipe()?;
        fcntl(&reader, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        fcntl(&writer, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        Ok((reader, writer))
    }
}

/// Whether a descriptor of ours is a terminal.
pub fn is_terminal(descriptor: BorrowedFd<'_>) -> bool {
    nix::unistd::isatty(descriptor).unwrap_or(false)
}
