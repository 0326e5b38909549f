//! Sessions in the background: `--bg`, the daemon behind it, `/background`, a job that is started again.
//!
//! All the time somebody tries to take the ports that claude was told to send to (`--squat` of the lab).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use cc_observe::otlp::Signal;

use super::client::{client, has};
use super::lab::{Finished, Lab, ORG, OTHER, accepted};
use super::tmux::Tmux;
use crate::support::assert_no_needle;

/// In each session a command with a secret in it, and an answer.
const WITH_SECRETS: &str = r#"[
    {"tools":[{"name":"Bash","input":{"command":"echo curl -u me:FAKE1hunter2 one","description":"First"}}]}, {"text":"Done one."},
    {"tools":[{"name":"Bash","input":{"command":"echo mysql -pFAKE2hunter2 two","description":"Second"}}]}, {"text":"Done two."},
    {"tools":[{"name":"Bash","input":{"command":"echo run --password FAKE3hunter2 three","description":"Third"}}]}, {"text":"Done three."},
    {"tools":[{"name":"Bash","input":{"command":"echo curl -u me:FAKE4hunter2 four","description":"Fourth"}}]}, {"text":"Done four."},
    {"tools":[{"name":"Bash","input":{"command":"echo curl -u me:FAKE5hunter2 five","description":"Fifth"}}]}, {"text":"Done five."}
]"#;

/// What claude shows when it waits for a prompt.
const READY: &str = "? for shortcuts";

/// For scripts of the lab: `observed ARGS…` is claude through us, `claude` is without us.
const FUNCTIONS: &str = r#"
export OTEL_LOGS_EXPORT_INTERVAL=500 OTEL_METRIC_EXPORT_INTERVAL=500
# Until so many sessions wait for their next prompt.
idle() {
    local tries
    for tries in {1..200}; do
        [[ $(claude agents --json | grep -c '"status": "idle"') -ge $1 ]] && return
        sleep 0.1
    done
    echo "never idle: $1" >&2
}
# Until so many requests to the model were told of.
arrived() {
    local tries
    for tries in {1..200}; do
        [[ $(cat ../org/*.logs.bin 2>/dev/null | grep -ao claude_code.api_request | wc -l) -ge $1 ]] && return
        sleep 0.1
    done
    echo "never arrived: $1" >&2
}
jobs_of_claude() {
    find "$HOME/.claude/jobs" -mindepth 1 -maxdepth 1 -type d -printf '%f\n'
}
# Where the processes of claude send to, each once.
told() {
    local process
    for process in /proc/[0-9]*; do
        if [[ $(tr '\0' ' ' <"$process/cmdline") =~ claude\ --(bg-spare|session-id) ]]; then
            tr '\0' '\n' <"$process/environ" | grep ^OTEL_EXPORTER_OTLP_LOGS_ENDPOINT= || echo nowhere
        fi
    done 2>/dev/null | sort -u
}
end() {
    local job
    for job in $(jobs_of_claude); do
        claude stop "$job" >/dev/null
    done
    claude daemon stop --any >/dev/null 2>&1
}
"#;

fn lab(client: &'static super::client::Client) -> Lab {
    let mut lab = Lab::new(client, WITH_SECRETS);
    lab.has_been_used();
    lab.file("home/.claude/settings.json", r#"{"permissions":{"allow":["Bash"]}}"#);
    // Not by a variable: what is started again in the background finds the files alone.
    lab.file("home/.config/cc-observe/config.toml", format!("[destinations.org]\nendpoint = \"{ORG}\"\n"));
    lab.options(["--squat", "--no-time-wait"]);
    lab
}

/// Runs a script with [`FUNCTIONS`].
#[track_caller]
fn script(lab: &Lab, text: &str) -> Finished {
    let observed = lab.observed_command().into_iter().filter(|word| word != "--summary-file");
    let observed: Vec<_> = observed.filter(|word| !word.to_str().unwrap().ends_with("summary.json")).collect();
    let observed = observed.join(&OsString::from(" ")).into_string().unwrap();
    let text = format!("observed() {{ {observed} \"$@\"; }}\n{FUNCTIONS}\n{text}");
    let file = lab.file("script", text);
    lab.run(["bash".into(), file.into_os_string()])
}

/// What all of it comes to: nothing reached who took our port, though the port was taken, and no secret left.
#[track_caller]
fn assert_nothing_escaped(lab: &Lab, finished: &Finished) {
    for export in finished.org.iter().chain(&finished.other) {
        assert_no_needle("what the endpoint received", &export.body);
    }
    let left = |directory: &str| {
        let entries = std::fs::read_dir(lab.state().join(directory)).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    assert_eq!(finished.stolen.len(), 0, "nothing reaches who takes the port after us");
    let log = || std::fs::read_to_string(lab.state().join("cc-observe.log")).unwrap_or_default();
    assert!(!finished.taken.is_empty(), "somebody takes the port after us: {:?} {:?}", left("run"), log());
    assert!(left("run").is_empty(), "{:?}", left("run"));
    for settings in left("settings") {
        // A job may name it, and be started again.
        let text = std::fs::read_to_string(settings).unwrap();
        assert!(!text.contains("127.0.0.1"), "{text}");
    }
}

/// How many requests to the model each session has told of.
fn requests(finished: &Finished) -> BTreeMap<String, usize> {
    let mut requests = BTreeMap::new();
    for record in accepted(&finished.org).iter().filter(|record| record.name == "claude_code.api_request") {
        *requests.entry(record.text("session.id")).or_default() += 1;
    }
    requests
}

fn runs(finished: &Finished) -> BTreeSet<String> {
    let of_claude = |name: &str| name.starts_with("claude_code.");
    let all = accepted(&finished.org);
    let run = |record: &crate::support::Record| record.resource["cc_observe.run_id"].as_str().map(str::to_owned);
    all.iter().filter(|record| of_claude(&record.name)).filter_map(run).collect()
}

#[test]
fn sessions_of_one_daemon_are_observed_by_one_relay_whatever_shell_asks_for_them() {
    let Some(client) = client() else { return };
    let lab = lab(client);
    let finished = script(
        &lab,
        // One after the other: what the model says is the same for all.
        r#"observed --bg "first"; arrived 2; idle 1
           observed --bg "second"; arrived 4; idle 2
           claude --bg "third"; idle 3; arrived 6
           told >../told
           end"#,
    );
    assert_eq!((finished.code, finished.stderr.as_str()), (0, "Starting background service…\n"));
    assert_eq!(finished.stdout.matches("backgrounded").count(), 3, "{}", finished.stdout);
    assert_nothing_escaped(&lab, &finished);
    let told = std::fs::read_to_string(lab.at("told")).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    let requests = requests(&finished);
    assert_eq!(requests.len(), 3, "three sessions: {requests:?}");
    assert!(requests.values().all(|requests| *requests >= 2), "{requests:?}");
    assert_eq!(runs(&finished).len(), 1, "one run");
}

#[test]
fn what_a_daemon_left_behind_and_what_follows_it_is_observed_or_says_nothing() {
    let Some(client) = client() else { return };
    let lab = lab(client);
    let finished = script(
        &lab,
        r#"observed --bg "first"; idle 1; arrived 2
           first=$(jobs_of_claude)
           claude stop "$first"; claude respawn "$first"; idle 1
           told >../respawned
           kill -9 $(pgrep -f "daemon run")
           # A daemon that nobody observes, and then one that takes its place.
           claude --bg "second"; idle 2
           observed --bg "third"; idle 3; arrived 4
           claude stop "$first"; claude respawn "$first"; idle 3
           end"#,
    );
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.stdout.matches("backgrounded").count(), 3, "{}", finished.stdout);
    assert_eq!(finished.stdout.matches("restarted").count(), 2, "{}", finished.stdout);
    assert_nothing_escaped(&lab, &finished);
    let respawned = std::fs::read_to_string(lab.at("respawned")).unwrap();
    assert_eq!(respawned.lines().count(), 1, "{respawned}");
    assert!(respawned.contains("/r/"), "{respawned}");
    // What was asked for without us, of a daemon without us, is nobody's.
    assert_eq!(requests(&finished).len(), 2, "{:?}", requests(&finished));
    assert_eq!(runs(&finished).len(), 2);
    assert_eq!(finished.taken.len(), 2, "the port of each");
}

#[test]
fn when_relay_and_guard_are_gone_the_next_process_of_the_daemon_brings_the_relay_back() {
    let Some(client) = client() else { return };
    let mut lab = lab(client);
    // Nobody is faster than the next process.
    lab.options(["--no-time-wait"]);
    let finished = script(
        &lab,
        r#"observed --bg "first"; idle 1; arrived 2
           kill -9 $(pgrep -f "^cc-observe relay")
           claude --bg "second"; idle 2
           pgrep -f "^cc-observe relay" | wc -l
           claude --bg "third"; idle 3; arrived 4
           told >../told
           end"#,
    );
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stdout.contains("\n2\n"), "a relay and its guard: {}", finished.stdout);
    assert_brought_back(&lab, &finished);
}

#[test]
#[ignore = "takes a minute: .ci/full runs it"]
fn when_old_connections_keep_the_port_from_everybody_the_relay_comes_back_after_them() {
    let Some(client) = client() else { return };
    let mut lab = lab(client);
    lab.options([]);
    let finished = script(
        &lab,
        r#"observed --bg "first"; idle 1; arrived 2
           kill -9 $(pgrep -f "^cc-observe relay")
           claude --bg "second"; idle 2
           told >../told
           until ss -ltnH | grep -q ":$(sed 's,.*0.1:,,; s,/.*,,' ../told) "; do sleep 1; done
           claude --bg "third"; idle 3; arrived 4
           end"#,
    );
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_brought_back(&lab, &finished);
}

#[track_caller]
fn assert_brought_back(lab: &Lab, finished: &Finished) {
    for export in &finished.org {
        assert_no_needle("what the endpoint received", &export.body);
    }
    let told = std::fs::read_to_string(lab.at("told")).unwrap();
    assert_eq!(told.lines().count(), 1, "on the same port: {told}");
    assert_eq!(runs(finished).len(), 1, "the same run");
    // The first, the last, and of the one in between what it said late enough.
    assert!(requests(finished).len() >= 2, "{:?}", requests(finished));
}

#[test]
fn when_somebody_has_taken_the_port_of_relay_and_guard_who_is_started_next_is_told_another() {
    let Some(client) = client() else { return };
    let lab = lab(client);
    let finished = script(
        &lab,
        r#"observed --bg "first"; idle 1; arrived 2
           kill -9 $(pgrep -f "^cc-observe relay")
           until [[ -s ../taken ]]; do sleep 0.1; done
           claude --bg "second"; idle 2
           until [[ $(pgrep -fc "^cc-observe relay") == 2 ]]; do sleep 0.1; done; echo 2
           told
           end"#,
    );
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stdout.contains("\n2\n"), "a relay and its guard: {}", finished.stdout);
    assert_eq!(finished.stdout.matches("OTEL_EXPORTER").count(), 2, "two endpoints: {}", finished.stdout);
    assert_eq!(finished.taken.len(), 2);
    // Who was told the old one keeps it; nothing of the new run goes there.
    let old = &runs(&finished).into_iter().next().unwrap();
    assert!(finished.stolen.iter().all(|export| export.about["path"].as_str().unwrap().contains(old)));
}

#[test]
fn a_session_that_is_moved_to_the_background_goes_on_in_the_same_run() {
    let Some(client) = client().filter(|_| has("tmux")) else { return };
    let mut lab = lab(client);
    lab.set("OTEL_LOGS_EXPORT_INTERVAL", "500");
    let functions = lab.file("functions", FUNCTIONS);
    let tmux = Tmux::start(&lab);
    tmux.enter(&format!(". {}; clear", functions.display())).wait_for_prompt();
    let command = lab.observed_command().join(&OsString::from(" ")).into_string().unwrap();
    tmux.enter(&format!("{command} --permission-mode default"))
        .wait_for(READY)
        .enter("first")
        .wait_for("Done one.")
        .wait_for(READY);
    tmux.enter("/background go on").wait_for("backgrounded").wait_for("Cost ").wait_for_prompt();
    tmux.enter("clear; arrived 4; idle 1; echo is-idle")
        .wait_until("an idle job", |screen| screen.starts_with("is-idle"));
    tmux.enter("clear; job=$(jobs_of_claude); claude stop $job; claude respawn $job").wait_for("restarted");
    tmux.enter("clear; idle 1; claude attach $job").wait_for(READY);
    tmux.enter("third").wait_for("Done three.").wait_for(READY).press("C-z").wait_for_prompt();
    tmux.enter("clear; end; echo has-ended")
        .wait_until("the end of all jobs", |screen| screen.starts_with("has-ended"));
    let finished = tmux.finish();
    assert_nothing_escaped(&lab, &finished);
    assert_eq!(runs(&finished).len(), 1, "one run");
    let requests = requests(&finished);
    assert_eq!(requests.len(), 2, "the session, and its fork: {requests:?}");
    let all = accepted(&finished.org);
    let ended: Vec<_> = all.iter().filter(|record| record.name == "cc_observe.run_ended").collect();
    assert_eq!(ended.len(), 1, "one end, after all of it");
    let of_claude = all.iter().filter(|record| record.signal == Signal::Logs && record.scope != "cc_observe");
    assert_eq!(ended[0].number("logs_received"), Some(f64::from(u32::try_from(of_claude.count()).unwrap())));
}

#[test]
fn a_claude_that_claude_starts_is_a_part_of_its_run() {
    let Some(client) = client() else { return };
    let nested = r#"[{"tools":[{"name":"Bash","input":{"command":"@OUT@/nested","description":"Ask another"}}]},{"text":"Inner."},{"text":"Outer."}]"#;
    let mut lab = Lab::new(client, nested);
    lab.set("CC_OBSERVE_ENDPOINT", ORG).options(["--squat", "--no-time-wait"]);
    lab.file(
        "nested",
        // What a project says in the environment of its commands counts for nothing.
        format!(
            "#!/bin/sh\nexport CC_OBSERVE_ENDPOINT={OTHER} OTEL_EXPORTER_OTLP_ENDPOINT={OTHER}\n\
             exec {} --summary line claude -p inner\n",
            crate::support::sandbox::cc_observe().display()
        ),
    );
    std::fs::set_permissions(lab.seeded("nested"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let finished = lab.observed(super::GO);
    assert_eq!((finished.code, finished.stderr.as_str()), (0, ""));
    assert!(finished.stdout.contains("Outer."), "{}", finished.stdout);
    assert_nothing_escaped(&lab, &finished);
    assert_eq!(runs(&finished).len(), 1, "one run");
    assert_eq!(requests(&finished).len(), 2, "two sessions: {:?}", requests(&finished));
    assert_eq!(finished.summary["session_ids"].as_array().map(Vec::len), Some(2));
    assert_eq!(finished.summary["requests"], 3);
    assert_eq!(finished.other.len(), 0);
    assert_eq!(finished.taken.len(), 1, "one relay");
}

#[test]
fn a_session_that_moves_into_a_window_of_tmux_is_observed_there() {
    let Some(client) = client().filter(|_| has("tmux")) else { return };
    let lab = lab(client);
    let tmux = Tmux::start(&lab);
    let commit = "git -c user.name=me -c user.email=me@example.com commit -q --allow-empty -m first";
    tmux.enter(&format!("git init -q; {commit}; clear")).wait_for_prompt();
    let command = lab.observed_command().join(&OsString::from(" ")).into_string().unwrap();
    // The launcher ends, and claude goes on in a process of the server of tmux, which nobody told anything.
    tmux.enter(&format!("{command} --permission-mode default --worktree aside --tmux")).wait_for("tmux session: ");
    tmux.wait_for(READY).enter("first").wait_for("Done one.").wait_for(READY);
    tmux.enter("/exit").wait_for_prompt();
    let finished = tmux.finish();
    assert_nothing_escaped(&lab, &finished);
    assert_eq!((runs(&finished).len(), requests(&finished).len()), (1, 1));
}
