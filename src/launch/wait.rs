//! Edge: waits for claude, as a parent that nobody notices.

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};
use rustix::process::{WaitId, WaitIdOptions, WaitOptions, WaitStatus, wait, waitid, waitpid};

use crate::process::{Arrival, Signals};

/// How claude ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal; a number, since real-time signals have no names.
    Killed(i32),
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
///
/// When a terminal is closed, the kernel tells the leader of the session and nobody else: a shell, mostly, but us where
/// a window, a container or ssh was told to run cc-observe.
fn react(arrival: Arrival, child: Pid, leads_session: bool) -> Reaction {
    match (arrival.signal, arrival.sender) {
        // Being continued is a matter of the stop before it, and told to the child there.
        (Signal::SIGCHLD | Signal::SIGCONT, _) => Reaction::LookAtChild,
        (_, Some(sender)) if sender == child => Reaction::Nothing,
        (signal, Some(_)) => Reaction::Forward(signal),
        (Signal::SIGHUP, None) if leads_session => Reaction::Forward(Signal::SIGHUP),
        (_, None) => Reaction::Nothing,
    }
}

/// Waits until the child has ended. When it stops, this process stops by the same signal; when this process is
/// continued, so is the child.
pub fn wait_for(child: Pid, signals: &Signals, first_process: bool) -> Ended {
    let leads_session = getsid(None) == Ok(Pid::this());
    loop {
        if let Some(ended) = look(child, signals, first_process) {
            return ended;
        }
        match signals.next() {
            Ok(arrival) => match react(arrival, child, leads_session) {
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
        let options = WaitOptions::NOHANG | WaitOptions::UNTRACED;
        // The first process of a container inherits orphans, and nobody else would reap them.
        let found = if first_process { wait(options) } else { waitpid(rustix_pid(child), options) };
        match found {
            Ok(Some((pid, status))) if pid.as_raw_pid() == child.as_raw() => {
                if let Some(ended) = ended(status) {
                    return Some(ended);
                }
                if let Some(signal) = status.stopping_signal() {
                    // Only these four stop a process, and all have names.
                    signals.stop_by(Signal::try_from(signal).unwrap_or(Signal::SIGSTOP));
                    // A shell continues the whole group: a second SIGCONT, late, would undo the child's next stop.
                    if !has_moved_on(child) {
                        let _ = kill(child, Signal::SIGCONT);
                    }
                }
            }
            Ok(None) => return None,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Some(Ended::Exited(0)),
        }
    }
}

/// Whether the child has been continued since the stop that was seen, be it that it has stopped anew. Nothing is taken
/// from what there is to wait for.
fn has_moved_on(child: Pid) -> bool {
    let Some(pid) = rustix_pid(child) else { return false };
    let options = WaitIdOptions::CONTINUED | WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(pid), options).is_ok_and(|status| status.is_some())
}

fn block(child: Pid) -> Ended {
    loop {
        match waitpid(rustix_pid(child), WaitOptions::empty()) {
            Ok(Some((_, status))) => {
                if let Some(ended) = ended(status) {
                    return ended;
                }
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Ended::Exited(0),
        }
    }
}

fn ended(status: WaitStatus) -> Option<Ended> {
    let exited = status.exit_status().map(Ended::Exited);
    exited.or_else(|| status.terminating_signal().map(Ended::Killed))
}

fn rustix_pid(pid: Pid) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(pid.as_raw())
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
            (Signal::SIGCONT, Some(other), Reaction::LookAtChild),
            (Signal::SIGUSR1, Some(other), Reaction::Forward(Signal::SIGUSR1)),
        ] {
            assert_eq!(react(Arrival { signal, sender }, child, false), reaction, "{signal:?} {sender:?}");
        }
        let hang_up = Arrival { signal: Signal::SIGHUP, sender: None };
        assert_eq!(react(hang_up, child, true), Reaction::Forward(Signal::SIGHUP), "claude has it from nobody else");
    }
}
