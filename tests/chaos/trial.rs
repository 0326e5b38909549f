//! A session that something fails in, from its start to the last flush.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::endpoint::{ChaosEndpoint, Fault};
use super::oracle::{Evidence, dropped, judge, spooled};
use super::story::Story;
use super::{Dice, Judged};
use crate::support::{Run, Sandbox, run, wait_for};

const CONFIG: &str = "home/.config/cc-observe/config.toml";

/// What a trial is made of.
pub(super) struct Trial {
    pub sandbox: Sandbox,
    pub endpoint: ChaosEndpoint,
    pub story: Story,
    /// What the processes said.
    said: Vec<(String, Vec<u8>)>,
    config: String,
}

impl Trial {
    /// One that is ready to start. Form and compression are by the dice.
    pub(super) fn new(fault: Fault, times: usize, dice: &mut Dice, requests: u64) -> Self {
        let mut sandbox = Sandbox::new();
        let story = Story::write(&mut sandbox, dice, requests);
        let endpoint = ChaosEndpoint::start(fault, times);
        let mut url = endpoint.url();
        if let Fault::Proxy(_) = fault {
            // What is not on loopback goes through the proxy, which the endpoint plays as well.
            sandbox.set("http_proxy", endpoint.url());
            "http://otlp.example.com:4318".clone_into(&mut url);
        }
        let protocol = if dice.once_in(3) { "http/json" } else { "http/protobuf" };
        let compression = if dice.once_in(3) { "none" } else { "gzip" };
        let durability = if dice.once_in(4) { "power" } else { "process" };
        let mut config = format!(
            "[spool]\ndurability = \"{durability}\"\n[destinations.org]\nendpoint = \"{url}\"\n\
             protocol = \"{protocol}\"\ncompression = \"{compression}\"\n"
        );
        if let Some(authority) = endpoint.authority() {
            let file = sandbox.write("home/ca.pem", authority);
            config = format!("{config}tls.ca_file = \"{}\"\n", file.display());
        }
        let elsewhere = if let Fault::Elsewhere(other) = fault { config.replace(&url, other) } else { config.clone() };
        sandbox.write(CONFIG, elsewhere);
        Self { sandbox, endpoint, story, said: Vec::new(), config }
    }

    /// The relay of this run, once there is one. None: there will be none.
    pub(super) fn relay(&self) -> Option<Pid> {
        wait_for("there is a relay", || {
            let relay = self.sandbox.relays().pop().map(|process| process.pid);
            (relay.is_some() || self.was_unobserved()).then_some(relay)
        })
    }

    /// A machine that is too busy to prepare a run in time starts claude without us, and says so: that shows nothing.
    pub(super) fn was_unobserved(&self) -> bool {
        self.log().contains("not observed")
    }

    /// On a disk that is too slow batches are acknowledged from memory, and it is said: a `kill -9` may cost those.
    pub(super) fn was_slow(&self) -> bool {
        self.log().contains("acknowledged from memory")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.sandbox.state().join("cc-observe.log")).unwrap_or_default()
    }

    /// Notes what a process said. Whatever failed, claude ended as it does.
    pub(super) fn ended(&mut self, run: Run) -> Vec<String> {
        let plain = run.code() == Some(0);
        let violation = (!plain).then(|| format!("claude was disturbed: {:?}, {}", run.status, run.err()));
        self.said.extend([("stdout".to_owned(), run.stdout), ("stderr".to_owned(), run.stderr)]);
        violation.into_iter().collect()
    }

    /// Ends the relays with a signal, and waits until nothing runs any more.
    pub(super) fn end(&self, signal: Option<Signal>) {
        if signal == Some(Signal::SIGKILL) {
            self.sandbox.kill_relays();
        } else if let Some(signal) = signal {
            for process in self.sandbox.our_processes() {
                let _ = kill(process.pid, signal);
            }
        }
        self.sandbox.wait_until_idle();
    }

    /// The endpoint heals, and what is left is flushed.
    pub(super) fn heal_and_flush(&mut self) {
        self.endpoint.heal();
        self.sandbox.write(CONFIG, &self.config);
        for _ in 0..5 {
            let flush = run(self.sandbox.cc_observe(["spool", "flush", "--wait", "60s", "--require"]));
            let done = flush.code() == Some(0);
            self.said.extend([("flush".to_owned(), flush.stdout), ("flush".to_owned(), flush.stderr)]);
            if done {
                return;
            }
        }
    }

    fn spool(&self) -> PathBuf {
        self.sandbox.state().join("spool")
    }

    /// What is known at the end.
    pub(super) fn evidence(&mut self) -> Evidence {
        let status = run(self.sandbox.cc_observe(["spool", "status", "--json"]));
        let read: Value = serde_json::from_slice(&status.stdout).unwrap();
        let mut seen = std::mem::take(&mut self.said);
        seen.push(("spool status".to_owned(), status.stdout));
        seen.extend(self.endpoint.bodies().into_iter().map(|body| ("what the endpoint got".to_owned(), body)));
        Evidence {
            told: self.story.numbers(),
            acknowledged: self.story.acknowledged(&self.sandbox),
            ingested: self.endpoint.ingested(),
            kept: spooled(&self.spool()),
            counted: dropped(&read),
            seen,
            on_disk: crate::support::needle::needles_in(&self.sandbox.home()),
        }
    }

    /// What is wrong at the end, beside what was seen already. A machine so busy that nothing was acknowledged shows nothing.
    pub(super) fn judge(self, violations: Vec<String>) -> Judged {
        self.judge_of(violations, true)
    }

    /// The same; whether `some` record must have been acknowledged.
    pub(super) fn judge_of(mut self, mut violations: Vec<String>, some: bool) -> Judged {
        let evidence = self.evidence();
        violations.extend(judge(&evidence));
        if violations.is_empty() {
            return (!some || !evidence.acknowledged.is_empty()).then_some(violations);
        }
        violations.push(format!("the log says:\n{}", self.log()));
        Some(violations)
    }
}

/// Whether a process is still there.
pub(super) fn lives(pid: Pid) -> bool {
    kill(pid, None).is_ok()
}
