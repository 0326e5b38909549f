//! `kill -9` of the launcher, of the relay, of both, while claude is at work.

use std::collections::BTreeSet;
use std::ffi::OsString;

use cc_observe::otlp::Signal;

use super::client::client;
use super::compare::{assert_same, essence_of_run, expected, is_claudes, received, run_ids, scrubbed};
use super::lab::{EXPORT, Export, Finished, Lab, ORG, accepted};
use super::{GO, SHORT};
use crate::support::Record;

/// A tool that does what the file says that lies there.
const ACT: &str =
    r#"[{"tools":[{"name":"Bash","input":{"command":"sh @OUT@/act.sh","description":"Act"}}]},{"text":"Done."}]"#;

/// In the namespace of the lab there is one relay, and its guard. Claude's parent is the launcher.
const RELAY: &str =
    "for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline) in 'cc-observe relay '*) echo ${p##*/};; esac; done";
/// A guard that is stopped starts no other while they are killed one after the other.
fn kill_at_once(victims: &str) -> String {
    format!("set -- {victims}; kill -STOP $@; kill -9 $@")
}

const LAUNCHER: &str = "awk '/^PPid/ {print $2}' /proc/$CLAUDE_PID/status";

fn at_work(lab: &mut Lab) -> Finished {
    lab.file("act.sh", "sleep 0.2");
    lab.set_all(EXPORT);
    let plain = lab.plain(GO);
    for (name, _) in EXPORT {
        lab.unset(name);
    }
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    plain
}

#[test]
fn claude_finishes_and_everything_is_delivered_when_the_launcher_is_killed() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, ACT);
    let plain = at_work(&mut lab);
    lab.file("act.sh", format!("kill -9 $({LAUNCHER}); sleep 0.2"));
    let observed = lab.observed(GO);
    assert_eq!(observed.code, 128 + 9, "the launcher was killed");
    assert_eq!(scrubbed(&observed.stdout), scrubbed(&plain.stdout));
    assert_same(&expected(&plain.org), &received(&observed.org));
    let settings = std::fs::read_dir(lab.state().join("settings")).unwrap().count();
    assert_eq!(settings, 0, "the relay has tidied up");
}

#[test]
fn claude_finishes_and_the_summary_says_what_it_does_not_know_when_the_relay_is_killed() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, ACT);
    let plain = at_work(&mut lab);
    lab.file("act.sh", format!("{}; sleep 0.2", kill_at_once(&format!("$({RELAY})"))));
    let observed = lab.observed(GO);
    assert_eq!((observed.code, scrubbed(&observed.stdout)), (plain.code, scrubbed(&plain.stdout)));
    assert_eq!(observed.stderr, plain.stderr);
    let notes = observed.summary["notes"].to_string();
    assert!(notes.contains("relay_gone"), "{}", observed.summary);
}

#[test]
fn what_was_acknowledged_is_delivered_by_the_next_run_when_launcher_and_relay_are_killed() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, ACT);
    let plain = at_work(&mut lab);
    // Longer than the five seconds after which claude exports what it has.
    let acknowledged = "until ls $HOME/.local/state/cc-observe/spool/endpoint-*/*/*logs* >$HOME/spooled 2>/dev/null && [ $(wc -l <$HOME/spooled) -ge 2 ]; do sleep 0.1; done";
    lab.file("act.sh", format!("{acknowledged}; {}; sleep 0.2", kill_at_once(&format!("$({LAUNCHER}) $({RELAY})"))));
    lab.options(["--sink", "refused"]);
    let killed = lab.observed(GO);
    assert_eq!(killed.code, 128 + 9, "the launcher was killed");
    assert_eq!(scrubbed(&killed.stdout), scrubbed(&plain.stdout));

    lab.plays(SHORT);
    lab.options(["--keep-home"]);
    let next = lab.observed(GO);
    let runs = run_ids(&next.org);
    assert_eq!(runs.len(), 2, "{}", next.stderr);
    // The ids are in order of time.
    let delivered = essence_of_run(&next.org, &runs[0]);
    for name in ["user_prompt", "api_request", "tool_decision"] {
        let has =
            |lines: &[String]| lines.iter().filter(|line| line.contains(&format!("\"claude_code.{name}\""))).count();
        assert!(has(&delivered) > 0 && has(&delivered) <= has(&expected(&plain.org)), "{name}: {delivered:#?}");
    }
}

#[test]
fn a_signal_to_the_launcher_does_to_claude_what_it_does_to_plain_claude() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, ACT);
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    for signal in ["TERM", "HUP", "INT", "KILL"] {
        lab.file("act.sh", format!("kill -{signal} $CLAUDE_PID; sleep 3"));
        let plain = lab.plain(GO);
        // Nobody can pass on what kills at once.
        if signal != "KILL" {
            lab.file("act.sh", format!("kill -{signal} $({LAUNCHER}); sleep 3"));
        }
        let observed = lab.observed(GO);
        assert_eq!((observed.code, &observed.stderr), (plain.code, &plain.stderr), "{signal}");
        // After SIGINT plain claude prints its result or nothing at all, as it happens.
        if signal != "INT" {
            assert_eq!(scrubbed(&observed.stdout), scrubbed(&plain.stdout), "{signal}");
        }
        let exit = match plain.code {
            137 => serde_json::json!({ "signal": 9 }),
            code => serde_json::json!({ "code": code }),
        };
        assert_eq!(observed.summary["exit"], exit, "{signal}");
        // What is killed flushes nothing; the others tell of the request and of the decision.
        let flushed = observed.summary["requests"] == 1 && observed.summary["decisions"]["all"]["accepted"] == 1;
        assert_eq!(flushed, signal != "KILL", "{signal}: {}", observed.summary);
    }
}

/// Kills the launcher, the relay or both so many milliseconds after the start, while claude exports ten times a second.
/// Of what claude numbered, everything up to some number must have been delivered in the end.
#[test]
#[ignore = "takes minutes: .ci/full runs it"]
fn whenever_we_are_killed_nothing_that_was_acknowledged_is_lost() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, ACT);
    lab.set("OTEL_LOGS_EXPORT_INTERVAL", "100");
    let plain = at_work(&mut lab);
    let whole = numbers(&plain.org).len();
    let mut shortest = whole;
    for round in 0..60_u32 {
        // From before claude can have started to after its end, in steps that meet every victim everywhere.
        let milliseconds = round * 7919 % 1800;
        let (launcher, relay) = ("$$", format!("$({RELAY})"));
        let victims = [launcher.to_owned(), relay.clone(), format!("{launcher} {relay}")][round as usize % 3].clone();
        let sink = ["refused", "ok"][round as usize / 3 % 2];
        let what = format!("round {round}: {victims} after {milliseconds} ms, the endpoint is {sink}");
        let killer =
            format!("(sleep {}; kill -9 {victims}) 2>/dev/null & exec \"$@\"", f64::from(milliseconds) / 1000.0);
        let mut command: Vec<OsString> = ["bash", "-c", &killer, "sh"].map(OsString::from).to_vec();
        command.extend(lab.observed_command());
        command.extend(GO.map(OsString::from));
        // A relay that is left alone goes on for up to a minute when nobody takes what it has.
        lab.options(["--sink", sink, "--settle", "3"]);
        let killed = lab.run(command);
        // A launcher that dies first takes nobody with it, but before claude has begun there is nobody.
        if !killed.stdout.is_empty() {
            assert_eq!(scrubbed(&killed.stdout), scrubbed(&plain.stdout), "{what}");
        }
        lab.options(["--keep-home"]);
        let next = lab.observed(GO);
        let run = run_ids(&killed.org).into_iter().chain(run_ids(&next.org)).min().unwrap_or_default();
        if next.summary["run_id"] == run.as_str() {
            continue;
        }
        let of_run = |exports: &[Export]| {
            let mut all = accepted(exports);
            all.retain(|record| is_claudes(record) && record.resource["cc_observe.run_id"] == run.as_str());
            sequence(&all)
        };
        let delivered: BTreeSet<u64> = of_run(&killed.org).union(&of_run(&next.org)).copied().collect();
        assert!(delivered.iter().copied().eq(0..delivered.len() as u64), "{what}: a gap in {delivered:?}");
        assert!(delivered.len() <= whole, "{what}");
        shortest = shortest.min(delivered.len());
        // Who kills the launcher alone loses nothing.
        if victims == launcher && !killed.stdout.is_empty() {
            assert_eq!(delivered.len(), whole, "{what}");
        }
    }
    assert!(shortest < whole, "some of them were killed in the middle");
}

fn numbers(exports: &[Export]) -> BTreeSet<u64> {
    sequence(&accepted(exports))
}

/// The numbers that claude gave to its events.
fn sequence(all: &[Record]) -> BTreeSet<u64> {
    all.iter()
        .filter(|record| record.signal == Signal::Logs)
        .filter_map(|r| r.text("event.sequence").parse().ok())
        .collect()
}
