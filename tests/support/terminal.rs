//! Edge: a pseudo-terminal with a process in it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
#[cfg(target_os = "linux")]
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, Winsize};

/// The near end of a pseudo-terminal; what is written to the far end is collected.
pub(crate) struct Terminal {
    near: File,
    screen: Arc<(Mutex<Screen>, Condvar)>,
    /// Where it is in `/dev`.
    name: String,
}

#[derive(Default)]
struct Screen {
    bytes: Vec<u8>,
    ended: bool,
    /// The near end is to be closed.
    hung_up: bool,
}

impl Terminal {
    /// Starts a command as the leader of a new session on a terminal of 80 by 24.
    ///
    /// Its standard streams are the terminal, but for `redirections` as a shell has them: `</dev/null >FILE`. Of the
    /// environment it gets only what is set on the command.
    pub(crate) fn start(command: &Command, redirections: &str) -> (Self, Child) {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = open(size).unwrap();
        let name = nix::unistd::ttyname(&pty.slave).unwrap().to_string_lossy().into_owned();
        let child = in_new_session(command, &pty.slave, redirections);
        drop(pty.slave);
        let near = File::from(pty.master);
        let screen = Arc::<(Mutex<Screen>, Condvar)>::default();
        let (mut from, shared) = (near.try_clone().unwrap(), screen.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 16 << 10];
            loop {
                let readable = poll(&mut [PollFd::new(from.as_fd(), PollFlags::POLLIN)], PollTimeout::from(20_u8));
                if shared.0.lock().unwrap().hung_up {
                    break;
                }
                if readable == Ok(0) {
                    continue;
                }
                // EIO is how Linux says that nobody holds the far end any more.
                let Ok(n @ 1..) = from.read(&mut buffer) else { break };
                shared.0.lock().unwrap().bytes.extend(&buffer[..n]);
                shared.1.notify_all();
            }
            drop(from);
            shared.0.lock().unwrap().ended = true;
            shared.1.notify_all();
        });
        (Self { near, screen, name }, child)
    }

    /// Types.
    pub(crate) fn send(&mut self, keys: impl AsRef<[u8]>) {
        self.near.write_all(keys.as_ref()).unwrap();
    }

    /// What was written so far, control characters and all.
    pub(crate) fn output(&self) -> Vec<u8> {
        self.screen.0.lock().unwrap().bytes.clone()
    }

    /// Where it is in `/dev`: `stty -F` shows and changes it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until `text` was written, `times` in all.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str, times: usize) {
        let seen = |screen: &mut Screen| String::from_utf8_lossy(&screen.bytes).matches(text).count() < times;
        self.wait_while(&format!("{times} × {text:?}"), |screen| seen(screen) && !screen.ended);
        assert!(
            !seen(&mut self.screen.0.lock().unwrap()),
            "the terminal closed before {text:?}: {}",
            String::from_utf8_lossy(&self.output())
        );
    }

    /// Waits until nobody holds the far end any more, and gives all that was written.
    #[track_caller]
    pub(crate) fn wait_closed(&self) -> Vec<u8> {
        self.wait_while("the terminal closes", |screen| !screen.ended);
        self.output()
    }

    /// Closes the near end, as a window is closed: the kernel sends SIGHUP to the foreground group.
    pub(crate) fn hang_up(self) {
        self.screen.0.lock().unwrap().hung_up = true;
        self.wait_closed();
    }

    #[track_caller]
    fn wait_while(&self, what: &str, waiting: impl FnMut(&mut Screen) -> bool) {
        let (lock, changed) = &*self.screen;
        let guard = lock.lock().unwrap();
        let (screen, result) = changed.wait_timeout_while(guard, super::wait::SOON, waiting).unwrap();
        let text = String::from_utf8_lossy(&screen.bytes).into_owned();
        drop(screen);
        assert!(!result.timed_out(), "waited in vain: {what}; on the terminal:\n{text}");
    }
}

/// `openpty`, but what other threads start meanwhile does not inherit it.
#[cfg(target_os = "linux")]
fn open(size: Winsize) -> nix::Result<OpenptyResult> {
    use nix::fcntl::OFlag;
    use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
    let near = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
    grantpt(&near)?;
    unlockpt(&near)?;
    let far =
        std::fs::OpenOptions::new().read(true).write(true).custom_flags(nix::libc::O_NOCTTY).open(ptsname_r(&near)?);
    let far = OwnedFd::from(far.map_err(|_| nix::errno::Errno::last())?);
    let size = rustix::termios::Winsize { ws_row: size.ws_row, ws_col: size.ws_col, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&far, size).map_err(|e| nix::errno::Errno::from_raw(e.raw_os_error()))?;
    Ok(OpenptyResult { master: OwnedFd::from(near), slave: far })
}

#[cfg(not(target_os = "linux"))]
fn open(size: Winsize) -> nix::Result<OpenptyResult> {
    nix::pty::openpty(Some(&size), None)
}

/// `setsid --ctty` makes it the leader of a session whose terminal is its stdin, and becomes it: the process id stays.
fn in_new_session(command: &Command, far: &OwnedFd, redirections: &str) -> Child {
    let mut leader = Command::new("/usr/bin/setsid");
    leader.arg("--ctty");
    if !redirections.is_empty() {
        leader.args(["/bin/sh", "-c", &format!("exec \"$@\" {redirections}"), "sh"]);
    }
    leader.arg(command.get_program()).args(command.get_args()).env_clear();
    leader.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        leader.current_dir(directory);
    }
    let far = || Stdio::from(far.try_clone().unwrap());
    leader.stdin(far()).stdout(far()).stderr(far()).spawn().unwrap()
}
