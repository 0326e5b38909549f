//! Edge: signals, taken one by one in a thread of their own.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};

/// Where every signal taken is noted, one name a line.
pub(crate) const RECORD: &str = "FAKE_CLAUDE_SIGNALS";

/// Those that the client handles and ends by, and some more to be counted.
const TAKEN: [Signal; 7] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
    Signal::SIGCONT,
];

/// The signals that end the process.
pub(crate) struct Signals {
    ending: Receiver<Signal>,
    asked: Option<Signal>,
}

impl Signals {
    /// Takes signals from here on; to be called before there is another thread.
    pub(crate) fn take() -> Self {
        let set: SigSet = TAKEN.into_iter().collect();
        set.thread_block().expect("signals can be blocked");
        let (sender, ending) = mpsc::channel();
        let record = std::env::var_os(RECORD);
        std::thread::spawn(move || {
            let mut record = record.map(|file| OpenOptions::new().create(true).append(true).open(file).unwrap());
            while let Ok(signal) = set.wait() {
                if let Some(file) = &mut record {
                    writeln!(file, "{}", signal.as_str().trim_start_matches("SIG")).unwrap();
                }
                if [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].contains(&signal) && sender.send(signal).is_err() {
                    return;
                }
            }
        });
        Self { ending, asked: None }
    }

    /// The signal that asked to end, if one did.
    pub(crate) fn asked(&mut self) -> Option<Signal> {
        if self.asked.is_none() {
            match self.ending.try_recv() {
                Ok(signal) => self.asked = Some(signal),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
            }
        }
        self.asked
    }

    /// Sleeps until `until` or for ever; false when a signal asked to end before that.
    pub(crate) fn sleep(&mut self, until: Option<Instant>) -> bool {
        if self.asked.is_some() {
            return false;
        }
        let received = match until {
            Some(until) => self.ending.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => self.ending.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        self.asked = received.ok();
        self.asked.is_none()
    }

    /// Sleeps for this long.
    pub(crate) fn sleep_for(&mut self, time: Duration) -> bool {
        self.sleep(Some(Instant::now() + time))
    }
}
