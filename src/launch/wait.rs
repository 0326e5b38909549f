//! Edge: waits for claude, as a parent that nobody notices.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::process::{Arrival, Signals};

/// How claude ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Killed(Signal),
}

/// What a signal makes the launcher do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reaction {
    /// Look what became of the child.
    LookAtChild,
    /// Pass it on to the child.
    Forward(Signal),
    /// The child got it by itself, or sent it.
    Nothing,
}

/// Decides what to do about a signal.
///
/// What the terminal sends reaches the whole foreground process group, so claude has it already. What a process sends
/// to us alone is passed on, once. What claude sends to its process group (it stops itself so on Ctrl-Z) is its own.
fn react(arrival: Arrival, child: Pid) -> Reaction {
    match (arrival.signal, arrival.sender) {
        (Signal::SIGCHLD, _) => Reaction::LookAtChild,
        (_, Some(sender)) if sender == child => Reaction::Nothing,
        (signal, Some(_)) => Reaction::Forward(signal),
        // A shell that continues a job does so by a process; the kernel continues only what was orphaned.
        (Signal::SIGCONT, None) => Reaction::Forward(Signal::SIGCONT),
        (_, None) => Reaction::Nothing,
    }
}

/// Waits until the child has ended. When it stops, this process stops by the same signal; when this process is
/// continued, so is the child.
pub fn wait_for(child: Pid, signals: &Signals, first_process: bool) -> Ended {
    loop {
        if let Some(ended) = look(child, signals, first_process) {
            return ended;
        }
        match signals.next() {
            Ok(arrival) => match react(arrival, child) {
                Reaction::LookAtChild | Reaction::Nothing => {}
                Reaction::Forward(signal) => {
                    let _ = kill(child, signal);
                }
            },
            // No signals any more: nothing is left but to block.
            Err(_) => return block(child),
        }
    }
}

/// What has become of the child since the last look.
fn look(child: Pid, signals: &Signals, first_process: bool) -> Option<Ended> {
    loop {
        // The first process of a container inherits orphans, and nobody else would reap them.
        let which = if first_process { None } else { Some(child) };
        match waitpid(which, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => return Some(Ended::Exited(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => return Some(Ended::Killed(signal)),
            Ok(WaitStatus::Stopped(pid, signal)) if pid == child => {
                signals.stop_by(signal);
                let _ = kill(child, Signal::SIGCONT);
            }
            Ok(WaitStatus::StillAlive) => return None,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Some(Ended::Exited(0)),
        }
    }
}

fn block(child: Pid) -> Ended {
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, code)) => return Ended::Exited(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ended::Killed(signal),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return Ended::Exited(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_reactions() {
        let (child, other) = (Pid::from_raw(7), Pid::from_raw(8));
        for (signal, sender, reaction) in [
            (Signal::SIGCHLD, Some(child), Reaction::LookAtChild),
            (Signal::SIGCHLD, None, Reaction::LookAtChild),
            (Signal::SIGINT, None, Reaction::Nothing),
            (Signal::SIGWINCH, None, Reaction::Nothing),
            (Signal::SIGHUP, None, Reaction::Nothing),
            (Signal::SIGTSTP, Some(child), Reaction::Nothing),
            (Signal::SIGTERM, Some(other), Reaction::Forward(Signal::SIGTERM)),
            (Signal::SIGINT, Some(other), Reaction::Forward(Signal::SIGINT)),
            (Signal::SIGCONT, Some(other), Reaction::Forward(Signal::SIGCONT)),
            (Signal::SIGUSR1, Some(other), Reaction::Forward(Signal::SIGUSR1)),
        ] {
            assert_eq!(react(Arrival { signal, sender }, child), reaction, "{signal:?} {sender:?}");
        }
    }
}
