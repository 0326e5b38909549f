//! Edge: learns that claude is gone, without asking again and again.

use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// What a thread needs that only waits.
const STACK_BYTES: usize = 64 << 10;

/// Resolves when the process has ended. One that is not there has ended.
///
/// A thread of its own sleeps in the kernel until then; the end of this process does not wait for it.
pub async fn ended(pid: i32) {
    let (sender, receiver) = oneshot::channel();
    let waiting = thread::Builder::new().name("claude".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        if !watch(pid) {
            // No such way on this system: ask once a second.
            while is_there(pid) {
                thread::sleep(Duration::from_secs(1));
            }
        }
        // Nobody may be waiting any more.
        let _ = sender.send(());
    });
    match waiting {
        Ok(_) => drop(receiver.await),
        Err(_) => {
            while is_there(pid) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Waits by a file descriptor of the process; `false` if there is no such thing here.
#[cfg(target_os = "linux")]
fn watch(pid: i32) -> bool {
    use std::os::fd::AsFd as _;

    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    let Some(pid) = Pid::from_raw(pid) else { return true };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => loop {
            match poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE) {
                Ok(_) => return true,
                Err(Errno::EINTR) => {}
                Err(_) => return false,
            }
        },
        Err(rustix::io::Errno::SRCH) => true,
        Err(_) => false,
    }
}

/// Waits in `kevent`. Not run so far: there was no such system to run it on.
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
fn watch(pid: i32) -> bool {
    use nix::errno::Errno;
    use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};

    let Ok(process) = usize::try_from(pid) else { return true };
    let Ok(queue) = Kqueue::new() else { return false };
    let flags = EvFlags::EV_ADD | EvFlags::EV_ONESHOT;
    let change = KEvent::new(process, EventFilter::EVFILT_PROC, flags, FilterFlag::NOTE_EXIT, 0, 0);
    let mut events = [change];
    loop {
        match queue.kevent(&[change], &mut events, None) {
            Ok(_) | Err(Errno::ESRCH) => return true,
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
fn watch(_pid: i32) -> bool {
    false
}

fn is_there(pid: i32) -> bool {
    // A process of another user is there, too.
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None) != Err(nix::errno::Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_was_never_there_has_ended() {
        ended(i32::MAX).await;
    }

    #[tokio::test]
    async fn the_end_of_a_process_is_seen() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let waiting = tokio::spawn(ended(pid));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(child.stdin.take());
        waiting.await.unwrap();
        child.wait().unwrap();
    }
}
