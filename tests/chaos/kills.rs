//! The relay is killed, alone or with the launcher, wherever it happens to be.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use super::endpoint::Fault;
use super::trial::{Trial, lives};
use super::{Asked, Dice, Judged, for_all};
use crate::support::start;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Relay,
    Both,
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
    // The last two are sent at the end, whatever is asked.
    let sends = vec!["send"; usize::try_from(requests - 2).unwrap()].join("\n");
    trial.sandbox.set("FAKE_CLAUDE_DO", format!("touch:../out/ready\nwait-file:../out/go\n{sends}"));
    let session = start(trial.sandbox.observed(["-p", "go"]));
    trial.sandbox.wait_for_file("out/ready");
    let relay = trial.relay()?;
    let point = usize::try_from(dice.between(0, requests - 2)).unwrap();
    let then = Duration::from_micros(dice.between(0, 3000));
    trial.sandbox.write("out/go", "");
    let acknowledged = trial.sandbox.at("out/acknowledged");
    let deadline = Instant::now() + Duration::from_secs(20);
    while std::fs::read_to_string(&acknowledged).unwrap_or_default().lines().count() < point
        && Instant::now() < deadline
        && lives(session.pid())
    {
        std::thread::sleep(Duration::from_micros(100));
    }
    std::thread::sleep(then);
    let _ = kill(relay, Signal::SIGKILL);
    let mut violations = Vec::new();
    if who == Who::Both {
        session.signal(Signal::SIGKILL);
        session.wait();
    } else {
        let run = session.wait();
        violations = trial.ended(run);
    }
    trial.sandbox.wait_until_idle();
    trial.heal_and_flush();
    // Killed before the first was acknowledged: there is nothing to lose.
    violations.extend(trial.judge_of(point > 0));
    Some(violations)
}

fn killed(asked: &Asked) {
    let both = Asked { seeds: asked.kills.div_ceil(3), only: String::new(), ..*asked };
    let relay = Asked { seeds: asked.kills, only: String::new(), ..*asked };
    for_all("killed:", &[("the relay", Who::Relay)], &relay, trial);
    for_all("killed:", &[("relay and launcher", Who::Both)], &both, trial);
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
