//! The relay is killed, alone or with the launcher, wherever it happens to be; or all are stopped, as when a lid is closed.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::endpoint::Fault;
use super::trial::{Trial, lives};
use super::{Asked, Dice, Judged, for_all};
use crate::support::{Started, start, wait_until};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    /// The relay, which is started again.
    Relay,
    /// The relay and its guard: nobody is left.
    Guarded,
    /// The launcher, which waits for claude.
    Launcher,
    /// All of ours.
    All,
}

/// A session that has told so much of its story, and a random moment more. The relay, and the session itself.
fn until_some_point(trial: &mut Trial, dice: &mut Dice, requests: u64, wait: bool) -> Option<(Pid, Started, u64)> {
    // The last two are sent at the end, whatever is asked.
    let sends = vec!["send"; usize::try_from(requests - 2).unwrap()].join("\n");
    trial.sandbox.set("FAKE_CLAUDE_DO", format!("touch:../out/ready\nwait-file:../out/go\n{sends}"));
    // In pipes the launcher becomes claude, unless it has something to say afterwards.
    let options: &[&str] = if wait { &["--summary", "line", "claude", "-p", "go"] } else { &["claude", "-p", "go"] };
    let session = start(trial.sandbox.cc_observe(options));
    trial.sandbox.wait_for_file("out/ready");
    let relay = trial.relay()?;
    let point = dice.between(0, requests - 2);
    let then = Duration::from_micros(dice.between(0, 3000));
    trial.sandbox.write("out/go", "");
    let acknowledged = trial.sandbox.at("out/acknowledged");
    let deadline = Instant::now() + Duration::from_secs(20);
    while (std::fs::read_to_string(&acknowledged).unwrap_or_default().lines().count() as u64) < point
        && Instant::now() < deadline
        && lives(session.pid())
    {
        std::thread::sleep(Duration::from_micros(100));
    }
    std::thread::sleep(then);
    Some((relay, session, point))
}

fn trial(who: Who, mut dice: Dice) -> Judged {
    let fault = dice.pick(&[
        Fault::Status(503, &[], ""),
        Fault::EndsAfterBody { takes: true, reset: true },
        Fault::Stalls { takes: true },
        Fault::TooLarge(5),
    ]);
    let times = usize::try_from(dice.between(0, 4)).unwrap();
    let requests = dice.between(10, 40);
    let mut trial = Trial::new(fault, times, &mut dice, requests);
    let wait = who == Who::Launcher || dice.once_in(2);
    let (relay, session, point) = until_some_point(&mut trial, &mut dice, requests, wait)?;
    match who {
        Who::Relay => drop(kill(relay, Signal::SIGKILL)),
        Who::Guarded | Who::All => trial.sandbox.kill_relays(),
        Who::Launcher => {}
    }
    let mut violations = Vec::new();
    if matches!(who, Who::Launcher | Who::All) {
        session.signal(Signal::SIGKILL);
        session.wait();
    } else {
        let run = session.wait();
        violations = trial.ended(run);
    }
    if who == Who::Launcher {
        let ours = || trial.sandbox.our_processes().len();
        wait_until("claude has ended", || trial.sandbox.processes().len() == ours());
    }
    // Who was not killed, or took the place of who was, goes on for as long as the endpoint stalls.
    trial.endpoint.heal();
    trial.sandbox.wait_until_idle();
    if trial.was_slow() || trial.was_unobserved() {
        return None;
    }
    trial.heal_and_flush();
    // Claude has lost nobody that it talks to, and goes on to its end.
    if who == Who::Launcher && trial.story.acknowledged(&trial.sandbox) != trial.story.numbers() {
        violations.push("not all that claude said was acknowledged".into());
    }
    // Killed before the first was acknowledged: there is nothing to lose.
    trial.judge_of(violations, point > 0)
}

/// Everything of the run stands still for so long, while the endpoint is away; then all goes on.
fn asleep(time: Duration, mut dice: Dice) -> Judged {
    let mut trial = Trial::new(Fault::Status(503, &[], ""), usize::MAX / 2, &mut dice, 20);
    let (_, session, _) = until_some_point(&mut trial, &mut dice, 20, false)?;
    let all: Vec<Pid> = trial.sandbox.processes().into_iter().map(|process| process.pid).collect();
    let tell = |signal| {
        for pid in &all {
            // It may have ended.
            let _ = kill(*pid, signal);
        }
    };
    tell(Signal::SIGSTOP);
    let before = trial.endpoint.bodies().len();
    std::thread::sleep(time);
    tell(Signal::SIGCONT);
    let run = session.wait();
    let mut violations = trial.ended(run);
    let burst = trial.endpoint.bodies().len() - before;
    // Each request leaves two bodies here: as it came, and inflated.
    if burst > 2 * 4 {
        violations.push(format!("{} requests at once after the sleep", burst / 2));
    }
    trial.end(Some(Signal::SIGTERM));
    trial.heal_and_flush();
    trial.judge_of(violations, false)
}

fn killed(asked: &Asked) {
    let fewer = Asked { seeds: asked.kills.div_ceil(3), only: String::new(), ..*asked };
    let relay = Asked { seeds: asked.kills, only: String::new(), ..*asked };
    for_all("killed:", &[("the relay", Who::Relay), ("the launcher", Who::Launcher)], &relay, trial);
    for_all("killed:", &[("the relay and its guard", Who::Guarded), ("all of ours", Who::All)], &fewer, trial);
}

#[test]
fn a_machine_that_slept_loses_nothing_and_asks_once() {
    for_all("asleep:", &[("two seconds", Duration::from_secs(2))], &Asked::or(4, 0), asleep);
}

#[test]
#[ignore = "takes minutes: .ci/full runs it"]
fn a_machine_that_slept_for_a_minute_loses_nothing_and_asks_once() {
    for_all("asleep:", &[("a minute", Duration::from_secs(60))], &Asked::or(20, 0), asleep);
}

#[test]
fn wherever_the_relay_is_killed_nothing_acknowledged_is_lost() {
    killed(&Asked::or(0, 12));
}

#[test]
#[ignore = "takes minutes: .ci/full runs it"]
fn wherever_the_relay_is_killed_nothing_acknowledged_is_lost_at_many_points() {
    killed(&Asked::or(0, 300));
}
