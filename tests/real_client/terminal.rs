//! A person at a terminal: tmux, bash, and the real client in it.

use super::client::{client, has};
use super::lab::{Lab, ORG, accepted};
use super::tmux::{Shell, Tmux};

/// Slow enough to be interrupted, and then quick.
const TALK: &str = r#"[
    {"text":"one two three four five six seven eight nine ten eleven twelve","slow":0.5},
    {"text":"Here I am again."}
]"#;

/// What claude shows when it waits for a prompt.
const READY: &str = "? for shortcuts";

fn command(lab: &Lab, arguments: &str) -> String {
    let words = lab.observed_command().into_iter().map(|word| word.into_string().unwrap());
    format!("{} {arguments}", words.collect::<Vec<_>>().join(" "))
}

#[test]
fn an_interactive_session_leaves_the_terminal_as_it_was_and_a_summary_on_it() {
    let Some(client) = client().filter(|_| has("tmux")) else { return };
    let mut lab = Lab::new(client, TALK);
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    let tmux = Tmux::start(&lab);
    tmux.enter("stty -a >../before; clear").wait_for_prompt();
    tmux.enter(&command(&lab, "--permission-mode default")).wait_for(READY);

    // Ctrl-C interrupts the answer, and not the session.
    tmux.enter("say hello").wait_for("● one").press("C-c").wait_for("Interrupted").wait_for(READY);

    // Ctrl-Z gives the terminal back to the shell, with claude's own word, and `fg` to claude.
    tmux.press("C-z").wait_for("Claude Code is suspended").wait_for("Stopped").wait_for_prompt();
    tmux.enter("stty -a >../stopped").wait_for_prompt();
    tmux.enter("fg").wait_for(READY).wait_for("Interrupted");

    // A new size reaches claude.
    let line = |columns| "─".repeat(columns);
    let is_wide = |screen: &str, columns| screen.lines().any(|it| it.trim_end() == line(columns));
    tmux.resize(100, 30).wait_until("a hundred columns", |screen| is_wide(screen, 100));
    tmux.resize(80, 24).wait_until("eighty columns", |screen| is_wide(screen, 80));

    tmux.enter("/clear").wait_until("a clear screen", |screen| !screen.contains("Interrupted")).wait_for(READY);
    tmux.enter("are you there").wait_for("Here I am again.").wait_for(READY);
    tmux.enter("/exit").wait_for_prompt();
    let screen = tmux.screen();
    tmux.enter("echo \"code=$?\"; stty -a >../after; jobs >../jobs; wc -l <../jobs")
        .wait_for("code=0")
        .wait_for_prompt();
    let finished = tmux.finish();

    let modes = |name: &str| std::fs::read_to_string(lab.at(name)).unwrap();
    assert_eq!(modes("stopped"), modes("before"), "while it is stopped");
    assert_eq!(modes("after"), modes("before"), "afterwards");
    assert_eq!(modes("jobs"), "", "nothing is left");

    // The full summary stands behind claude's last words and fits.
    let from = screen.find("cc-observe  ").unwrap_or_else(|| panic!("a summary:\n{screen}"));
    assert!(screen[..from].contains("claude --resume "), "claude's last words come first:\n{screen}");
    let summary = &screen[from..];
    for word in ["Cost ", "Tokens "] {
        assert!(summary.contains(word), "{word}:\n{summary}");
    }
    assert!(summary.lines().all(|line| line.chars().count() <= 80), "it fits:\n{summary}");

    assert_eq!(finished.summary["session_ids"].as_array().unwrap().len(), 2, "/clear begins a second session");
    assert_eq!((&finished.summary["exit"]["code"], &finished.summary["missing_events"]), (&0.into(), &0.into()));
    assert_eq!((&finished.summary["prompts"], &finished.summary["slash_commands"]), (&4.into(), &2.into()));
    assert!(!finished.org.is_empty());
}

#[test]
fn the_cost_of_an_answer_that_was_aborted_is_told_though_no_event_has_it() {
    let Some(client) = client().filter(|_| has("tmux")) else { return };
    let mut lab = Lab::new(client, TALK);
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    let tmux = Tmux::start(&lab);
    tmux.enter(&command(&lab, "--permission-mode default")).wait_for(READY);
    tmux.enter("say hello").wait_for("● one").press("Escape").wait_for("Interrupted").wait_for(READY);
    tmux.enter("are you there").wait_for("Here I am again.").wait_for(READY);
    tmux.enter("/exit").wait_for_prompt();
    tmux.wait_for("not itemised");
    let finished = tmux.finish();

    let all = accepted(&finished.org);
    let metric = all.iter().filter(|record| record.name == "claude_code.cost.usage").filter_map(|r| r.value.as_f64());
    let events =
        all.iter().filter(|record| record.name == "claude_code.api_request").filter_map(|r| r.number("cost_usd"));
    let (metric, events) = (nano(metric.sum()), nano(events.sum()));
    assert!(metric > events, "the metric has more than the events: {metric} {events}");
    assert_eq!(finished.summary["cost_nano_usd"], metric);
    assert_eq!(finished.summary["cost_not_itemised_nano_usd"], metric - events);
}

/// Stops and continues claude, plain, through us when we wait for it, and through us when we become it, and tells each
/// time what the shell and the terminal were left with.
fn job_control_in(shell: Shell) {
    let Some(client) = client().filter(|_| has("tmux") && has(shell.name())) else { return };
    let answers = (1..=9).map(|n| serde_json::json!({ "text": format!("This is answer {n}.") }));
    let mut lab = Lab::new(client, &answers.collect::<serde_json::Value>().to_string());
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    let tmux = Tmux::start_in(&lab, shell);
    let cc_observe = command(&lab, "--permission-mode default");
    let became = format!("{cc_observe} 2>../complaints");
    let mut seen = Vec::new();
    let mut answers = (1..=9).map(|n| format!("answer {n}."));
    let mut next = || answers.next().unwrap();
    for (way, command) in [("plain", "claude --permission-mode default"), ("wait", &cc_observe), ("exec", &became)] {
        tmux.enter("clear; stty -a >../before").wait_for_prompt();
        tmux.enter(command).wait_for(READY);
        tmux.enter("where are you").wait_for(&next()).wait_for(READY);
        tmux.press("C-z").wait_for("Claude Code is suspended").wait_for_prompt();
        tmux.enter("stty -a >../stopped").wait_for_prompt();
        // In the background it wants the terminal, and stops again; whoever asks gets it as it was.
        tmux.enter("bg; clear").wait_for_prompt();
        tmux.enter("fg").wait_for(READY);
        tmux.enter("and now").wait_for(&next()).wait_for(READY);
        tmux.press("C-z").wait_for("Claude Code is suspended").wait_for_prompt();
        tmux.enter("fg").wait_for(READY);
        tmux.enter("/exit").wait_for_prompt();
        let code = format!("the status is {}.", shell.status());
        tmux.enter(&format!("echo \"{code}\"; stty -a >../after; jobs >../jobs")).wait_for("the status is 0.");
        tmux.wait_for_prompt();
        // A job of the shell's that talks to nobody.
        tmux.enter(&format!("clear; {command} -p go >../said & wait; cat ../said")).wait_for(&next());
        tmux.wait_for_prompt();
        let text = |name: &str| std::fs::read_to_string(lab.at(name)).unwrap();
        assert_eq!(text("stopped"), text("before"), "{shell:?}, {way}: while it is stopped");
        assert_eq!(text("after"), text("before"), "{shell:?}, {way}: afterwards");
        seen.push((way, text("before"), text("jobs")));
    }
    for (way, modes, jobs) in &seen {
        assert_eq!((modes, jobs), (&seen[0].1, &seen[0].2), "{shell:?}: {way} is not as plain");
    }
    let finished = tmux.finish();
    let all = accepted(&finished.org);
    let count = |name: &str| all.iter().filter(|record| record.name == name).count();
    let told = (count("claude_code.api_request"), count("cc_observe.run_started"), count("cc_observe.run_ended"));
    assert_eq!(told, (6, 4, 4), "{shell:?}: what was observed arrived, and once");
}

#[test]
fn job_control_in_bash_is_as_with_plain_claude() {
    job_control_in(Shell::Bash);
}

#[test]
fn job_control_in_dash_is_as_with_plain_claude() {
    job_control_in(Shell::Dash);
}

#[test]
fn job_control_in_fish_is_as_with_plain_claude() {
    job_control_in(Shell::Fish);
}

#[test]
fn job_control_in_zsh_is_as_with_plain_claude() {
    job_control_in(Shell::Zsh);
}

/// Billionths of a dollar.
#[expect(clippy::cast_possible_truncation, reason = "a few cents")]
fn nano(dollars: f64) -> i64 {
    (dollars * 1e9).round() as i64
}

#[test]
fn a_question_that_a_person_answers_is_a_decision_of_that_person() {
    let Some(client) = client().filter(|_| has("tmux")) else { return };
    let mut lab = Lab::new(
        client,
        r#"[{"tools":[{"name":"Bash","input":{"command":"touch one","description":"First"}}]},
            {"tools":[{"name":"Bash","input":{"command":"touch two","description":"Second"}}]},
            {"text":"Here I am again."}]"#,
    );
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    let tmux = Tmux::start(&lab);
    tmux.enter(&command(&lab, "--permission-mode default")).wait_for(READY);
    let asks = |about: &'static str| move |screen: &str| screen.contains("want to proceed?") && screen.contains(about);
    tmux.enter("do it").answer("1", "the first question", asks(" touch one\n"));
    tmux.answer("Escape", "the second question", asks(" touch two\n")).wait_for(READY);
    tmux.enter("/exit").wait_for_prompt();
    let finished = tmux.finish();
    assert!(lab.at("work/one").exists() && !lab.at("work/two").exists());
    let by = &finished.summary["decisions"]["by_source"];
    assert_eq!((&by["user_temporary"]["accepted"], &by["user_reject"]["rejected"]), (&1.into(), &1.into()), "{by}");
    let kinds = accepted(&finished.org).iter().map(|record| record.text("cc_observe.decided_by")).collect::<Vec<_>>();
    assert_eq!(kinds.iter().filter(|kind| *kind == "click_once").count(), 2, "{kinds:?}");
}
