//! Edge: starts the relay as a process of its own, and talks to it.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, umask};
use nix::unistd::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::prepare::Part;
use crate::process::{self, Inherited, Program, Signals};
use crate::relay::control::{self, Exit, ToLauncher, ToRelay};
use crate::report::RunSummary;

/// The variables that the relay keeps: where its files are, and how TLS finds its roots.
const KEPT: &[&str] = &[
    "HOME",
    "LOGNAME",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// How long a message to the relay may wait for room in the socket.
const WRITE_LIMIT: Duration = Duration::from_millis(100);

/// How much longer a process may take that could run if it had a processor.
const BUSY_LIMIT: Duration = Duration::from_secs(2);

/// How often that is looked at.
const BUSY_STEP: Duration = Duration::from_millis(10);

/// The launcher's end of the control socket.
#[derive(Debug)]
pub struct Relay {
    control: UnixStream,
    /// What has arrived and not been taken yet.
    received: Vec<u8>,
    pid: Pid,
}

/// Why there is no summary from the relay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoAnswer {
    /// It is gone.
    Gone,
    /// It did not answer in time.
    Late,
    /// The person, or somebody, sent a signal meanwhile.
    Interrupted,
}

impl Relay {
    /// Starts the process that prepares the run. It may wait for a disk; the launcher does not. `prepare` tells the
    /// launcher what it found out, part by part (`false`: the launcher does not listen any more); if it returns `true`,
    /// the process becomes the relay.
    ///
    /// It belongs to nobody: its own session, no terminal, no pipe of ours; as the relay, `/` as directory and a
    /// scrubbed environment. The socket is its alone afterwards: if it cannot run, the port closes. Without one, it does not
    /// become the relay.
    pub fn start(
        listener: Option<TcpListener>,
        variables: &[(OsString, OsString)],
        prepare: impl FnOnce(&mut dyn FnMut(Part) -> bool) -> bool,
    ) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let theirs = OwnedFd::from(theirs);
        let null = OwnedFd::from(OpenOptions::new().read(true).write(true).open("/dev/null")?);
        let listener = listener.map(OwnedFd::from);
        let environment: Vec<(OsString, OsString)> =
            variables.iter().filter(|(name, _)| KEPT.iter().any(|kept| OsStr::new(kept) == name)).cloned().collect();
        // Our own file even when it has been replaced meanwhile; elsewhere, the path it was started from.
        let path = if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { std::env::current_exe()? };
        let program = Program::new(path.as_os_str(), &["cc-observe".into(), "relay".into()], &environment)?;
        let pid = process::spawn_detached(|| {
            // A leader of nothing so far, so this cannot fail.
            let _ = nix::unistd::setsid();
            process::reset_signals();
            process::ignore_broken_pipes();
            process::dump_no_core();
            // From here on it holds neither the terminal nor a pipe, however long the disk takes.
            let placed = process::place(listener.as_ref().unwrap_or(&null), 0)
                .and_then(|()| process::place(&theirs, 1))
                .and_then(|()| process::place(&null, 2));
            if placed.is_err() {
                return;
            }
            process::close_from_three();
            let observed = prepare(&mut |part| tell(&part).is_ok());
            if observed {
                umask(Mode::from_bits_truncate(0o077));
                let _ = nix::unistd::chdir(c"/");
                program.exec(&Inherited::fresh());
            }
        })?;
        ours.set_write_timeout(Some(WRITE_LIMIT))?;
        Ok(Self { control: ours, received: Vec::new(), pid })
    }

    /// Waits for the next part of what was found out.
    ///
    /// The deadline is for what makes a process wait: a disk, a name server. One that merely has no processor, on a busy
    /// machine, is given more time: claude would not get one either.
    pub fn part(&mut self, deadline: Instant) -> Result<Part, NoAnswer> {
        let latest = deadline + BUSY_LIMIT;
        let mut deadline = deadline;
        loop {
            if let Some(part) = take_message(&mut self.received).map_err(|_| NoAnswer::Gone)? {
                return Ok(part);
            }
            let now = Instant::now();
            if now >= deadline {
                if now >= latest || !process::is_runnable(self.pid) {
                    return Err(NoAnswer::Late);
                }
                deadline = now + BUSY_STEP;
            }
            if ready(self.control.as_fd(), None, deadline.saturating_duration_since(now)) == Ready::Control {
                self.read_more()?;
            }
        }
    }

    fn read_more(&mut self) -> Result<(), NoAnswer> {
        let mut chunk = [0_u8; 16 << 10];
        match self.control.read(&mut chunk) {
            Ok(0) | Err(_) => Err(NoAnswer::Gone),
            Ok(count) => {
                self.received.extend_from_slice(chunk.get(..count).unwrap_or_default());
                Ok(())
            }
        }
    }

    /// Sends a message. A relay that is gone is found out when it is asked for the summary.
    pub fn send<T: Serialize>(&mut self, message: &T) -> io::Result<()> {
        let frame = Zeroizing::new(control::frame(message).map_err(io::Error::other)?);
        self.control.write_all(&frame)
    }

    /// Tells the relay how claude ended, and waits for the last summary. A signal ends the wait; what was said by then is
    /// the answer.
    pub fn summary(
        &mut self,
        exit: Exit,
        limit: Duration,
        signals: &Signals,
        on_second: impl FnOnce(),
    ) -> Result<RunSummary, NoAnswer> {
        let mut latest = None;
        let reason = match self.send(&ToRelay::Exited(exit)) {
            Ok(()) => self.wait_for_last(exit, limit, signals, on_second, &mut latest),
            Err(_) => Some(NoAnswer::Gone),
        };
        latest.ok_or_else(|| reason.unwrap_or(NoAnswer::Gone))
    }

    fn wait_for_last(
        &mut self,
        exit: Exit,
        limit: Duration,
        signals: &Signals,
        on_second: impl FnOnce(),
        latest: &mut Option<RunSummary>,
    ) -> Option<NoAnswer> {
        let mut on_second = Some(on_second);
        let deadline = Instant::now() + limit;
        let first_second = Instant::now() + Duration::from_secs(1);
        loop {
            match take_message(&mut self.received) {
                Ok(Some(ToLauncher::Summary { summary, last })) => {
                    *latest = Some(*summary);
                    if last {
                        return None;
                    }
                    continue;
                }
                // The one that was told may be the one that died.
                Ok(Some(ToLauncher::Restarted)) => {
                    if self.send(&ToRelay::Exited(exit)).is_err() {
                        return Some(NoAnswer::Gone);
                    }
                    continue;
                }
                Ok(None) => {}
                Err(_) => return Some(NoAnswer::Gone),
            }
            let now = Instant::now();
            if now >= deadline {
                return Some(NoAnswer::Late);
            }
            if now >= first_second
                && let Some(tell) = on_second.take()
            {
                tell();
            }
            let until = if on_second.is_some() { first_second.min(deadline) } else { deadline };
            match ready(self.control.as_fd(), Some(signals.as_fd()), until.saturating_duration_since(now)) {
                Ready::Control => {
                    if let Err(reason) = self.read_more() {
                        return Some(reason);
                    }
                }
                Ready::Signal => {
                    use nix::sys::signal::Signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
                    match signals.next() {
                        Ok(arrival) if !matches!(arrival.signal, SIGHUP | SIGINT | SIGQUIT | SIGTERM) => {}
                        _ => return Some(NoAnswer::Interrupted),
                    }
                }
                Ready::Nothing => {}
            }
        }
    }

    /// Sees to it that the relay is gone, which it is about to be; by force if it is not within the limit.
    pub fn see_it_end(mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // It leads its session and its group: its guard, itself, and what it has started.
                let _ = nix::sys::signal::killpg(self.pid, nix::sys::signal::Signal::SIGKILL);
                return;
            }
            if ready(self.control.as_fd(), None, left) == Ready::Control {
                match self.control.read(&mut [0_u8; 4096]) {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
        }
        self.wait_for_the_process(deadline);
    }

    /// The socket is closed a moment before the process is gone, and whoever looks then must find nothing.
    #[cfg(target_os = "linux")]
    fn wait_for_the_process(&self, deadline: Instant) {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        let process = Pid::from_raw(self.pid.as_raw()).map(|pid| pidfd_open(pid, PidfdFlags::empty()));
        if let Some(Ok(process)) = process {
            ready(process.as_fd(), None, deadline.saturating_duration_since(Instant::now()));
        }
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "the same name on every system")]
    fn wait_for_the_process(&self, _deadline: Instant) {}
}

#[derive(Eq, PartialEq)]
enum Ready {
    Control,
    Signal,
    Nothing,
}

fn ready(control: BorrowedFd<'_>, signals: Option<BorrowedFd<'_>>, limit: Duration) -> Ready {
    let mut descriptors = vec![PollFd::new(control, PollFlags::POLLIN)];
    descriptors.extend(signals.map(|signals| PollFd::new(signals, PollFlags::POLLIN)));
    let limit = PollTimeout::try_from(limit.as_millis().saturating_add(1)).unwrap_or(PollTimeout::MAX);
    if poll(&mut descriptors, limit).is_err() {
        return Ready::Nothing;
    }
    let mut readable = descriptors.iter().map(|descriptor| descriptor.any().unwrap_or(false));
    match (readable.next(), readable.next()) {
        (_, Some(true)) => Ready::Signal,
        (Some(true), _) => Ready::Control,
        _ => Ready::Nothing,
    }
}

/// Takes the first message out of what was received so far, once it is whole.
fn take_message<T: DeserializeOwned>(received: &mut Vec<u8>) -> Result<Option<T>, control::FrameError> {
    let Some((prefix, rest)) = received.split_first_chunk::<4>() else { return Ok(None) };
    let length = control::length(*prefix)?;
    let Some(body) = rest.get(..length) else { return Ok(None) };
    let message = control::message(body)?;
    received.drain(..4 + length);
    Ok(Some(message))
}

/// Tells the launcher, in the process that prepares: the control socket is descriptor 1 there.
fn tell(part: &Part) -> io::Result<()> {
    let frame = Zeroizing::new(control::frame(part).map_err(io::Error::other)?);
    UnixStream::from(process::another(1)?).write_all(&frame)
}
