//! Edge: the guard: the parent of the relay, which starts it again on the same port if it dies.
//!
//! It holds what a relay needs: the listening socket, so that connections wait while there is no relay; the control
//! socket, so that the launcher notices nothing; and what the launcher said. It has one thread, and sleeps.

use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getppid};

use super::control::Start;
use super::socket::Socket;
use crate::process::{self, Signals};

/// How often a relay is started again within [`WITHIN`]. What kills it each time would kill it for ever.
const RESTARTS: usize = 5;

/// The time that [`RESTARTS`] counts for.
const WITHIN: Duration = Duration::from_secs(60);

/// By it the relay tells the guard that the start of the run is in the spool.
const BEGUN: Signal = Signal::SIGUSR2;

/// By it the relay tells the guard that the port is closed, and that there is nothing to start again.
const OVER: Signal = Signal::SIGUSR1;

/// What a relay knows of its own life.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Life {
    guard: Option<Pid>,
    /// Whether another relay of this run was there before.
    pub restarted: bool,
    /// Whether that one has told the start of the run.
    pub begun: bool,
}

impl Life {
    /// Tells the guard that whoever comes after us need not tell the start of the run.
    pub(super) fn has_begun(self) {
        self.tell(BEGUN);
    }

    /// Tells the guard to let go of the port, and of us.
    pub(super) fn is_over(self) {
        self.tell(OVER);
    }

    fn tell(self, signal: Signal) {
        // Without it, its pid may be another's by now.
        if let Some(guard) = self.guard.filter(|guard| *guard == getppid()) {
            let _ = kill(guard, signal);
        }
    }
}

/// What a relay is made of.
pub(super) struct Held {
    pub listener: TcpListener,
    pub control: UnixStream,
    /// By which others find the run's relay.
    pub socket: Option<Socket>,
    pub start: Start,
}

/// Runs `serve` in a child, and again if that dies, until it ends by itself. Where there can be no child, it is run here.
/// Returns the exit code.
pub(super) fn over(held: Held, serve: impl Fn(Held, Life) -> u8) -> u8 {
    let again = held.start.again;
    let mut life = Life { guard: Some(Pid::this()), restarted: again, begun: again };
    let Ok(signals) = Signals::new() else { return serve(held, Life { guard: None, ..life }) };
    let (mut held, mut signals, mut deaths) = (Some(held), Some(signals), Vec::new());
    loop {
        process::block_watched();
        // The child has a copy of all that is held, and takes it out of that.
        let relay = process::spawn_child(|| {
            drop(signals.take());
            process::reset_signals();
            process::ignore_broken_pipes();
            held.take().map_or(1, |held| serve(held, life))
        });
        let Ok(relay) = relay else {
            process::reset_signals();
            process::ignore_broken_pipes();
            return held.map_or(1, |held| serve(held, Life { guard: None, ..life }));
        };
        let Some(signals) = signals.as_ref().filter(|signals| signals.watch().is_ok()) else { return 1 };
        let code = wait_for(relay, signals, |told| match told {
            BEGUN => life.begun = true,
            _ => held = None,
        });
        match code {
            Some(0) => return 0,
            _ if held.is_some() && may_restart(&mut deaths, Instant::now()) => life.restarted = true,
            code => return code.unwrap_or(1),
        }
    }
}

/// Waits for the end of the relay; its exit code, if it had one. What asks it to end is passed on, and nothing is to be
/// started again then. `told` is called for what it tells.
fn wait_for(relay: Pid, signals: &Signals, mut told: impl FnMut(Signal)) -> Option<u8> {
    loop {
        let arrival = signals.next().ok()?;
        match (arrival.signal, arrival.sender) {
            (BEGUN | OVER, Some(sender)) if sender == relay => told(arrival.signal),
            (Signal::SIGTERM, _) => {
                told(OVER);
                let _ = kill(relay, Signal::SIGTERM);
            }
            (Signal::SIGCHLD, _) => match waitpid(relay, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(_, code)) => return u8::try_from(code).ok(),
                Ok(WaitStatus::Signaled(..)) | Err(_) => return None,
                Ok(_) => {}
            },
            _ => {}
        }
    }
}

/// Notes a death, and whether there have not been too many lately.
fn may_restart(deaths: &mut Vec<Instant>, now: Instant) -> bool {
    deaths.retain(|death| now.duration_since(*death) < WITHIN);
    deaths.push(now);
    deaths.len() <= RESTARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dies_again_and_again_is_left_alone() {
        let (mut deaths, start) = (Vec::new(), Instant::now());
        for second in 0..5 {
            assert!(may_restart(&mut deaths, start + Duration::from_secs(second)));
        }
        assert!(!may_restart(&mut deaths, start + Duration::from_secs(5)), "the sixth within a minute");
        assert!(may_restart(&mut deaths, start + WITHIN + Duration::from_secs(5)), "the first ones are forgotten");
    }
}
