//! Edge: learns that claude is gone, without asking again and again.

use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// What a thread needs that only waits.
const STACK_BYTES: usize = 64 << 10;

/// Resolves when the process has ended. One that is not there has ended.
pub async fn ended(pid: i32) {
    one_ended(vec![pid]).await;
}

/// Resolves when one of these processes has ended; at once if there is none.
///
/// A thread of its own sleeps in the kernel until then; the end of this process does not wait for it.
pub async fn one_ended(pids: Vec<i32>) {
    if pids.is_empty() {
        return;
    }
    let (sender, receiver) = oneshot::channel();
    let watched = pids.clone();
    let waiting = thread::Builder::new().name("claude".to_owned()).stack_size(STACK_BYTES).spawn(move || {
        if !watch(&watched) {
            // No such way on this system: ask once a second.
            while watched.iter().all(|pid| is_there(*pid)) {
                thread::sleep(Duration::from_secs(1));
            }
        }
        // Nobody may be waiting any more.
        let _ = sender.send(());
    });
    match waiting {
        Ok(_) => drop(receiver.await),
        Err(_) => {
            while pids.iter().all(|pid| is_there(*pid)) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Waits by file descriptors of the processes; `false` if there is no such thing here.
#[cfg(target_os = "linux")]
fn watch(pids: &[i32]) -> bool {
    use std::os::fd::AsFd as _;

    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    let mut processes = Vec::new();
    for pid in pids {
        let Some(pid) = Pid::from_raw(*pid) else { return true };
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) => processes.push(process),
            Err(rustix::io::Errno::SRCH) => return true,
            Err(_) => return false,
        }
    }
    let mut watched: Vec<_> = processes.iter().map(|process| PollFd::new(process.as_fd(), PollFlags::POLLIN)).collect();
    loop {
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) => return true,
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

/// Waits in `kevent`. Not run so far: there was no such system to run it on.
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
fn watch(pids: &[i32]) -> bool {
    use nix::errno::Errno;
    use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};

    let Ok(queue) = Kqueue::new() else { return false };
    let flags = EvFlags::EV_ADD | EvFlags::EV_ONESHOT;
    let change = |process| KEvent::new(process, EventFilter::EVFILT_PROC, flags, FilterFlag::NOTE_EXIT, 0, 0);
    let changes: Vec<_> = pids.iter().filter_map(|pid| usize::try_from(*pid).ok()).map(change).collect();
    let mut events = [change(0)];
    loop {
        match queue.kevent(&changes, &mut events, None) {
            Ok(_) | Err(Errno::ESRCH) => return true,
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
fn watch(_pids: &[i32]) -> bool {
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
