//! The table of situations, row by row: how claude is launched, and what is shown at the end.

use std::process::Command;

use serde_json::Value;

use crate::support::sandbox::cc_observe;
use crate::support::{OrgEndpoint, Sandbox, Terminal, run, status_of, wait_until};

fn sandbox(endpoint: &OrgEndpoint) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url()).set("TZ", "UTC");
    sandbox
}

/// Everything on a terminal, with its exit code.
#[track_caller]
fn on_a_terminal(command: &Command, redirections: &str) -> (String, Option<i32>) {
    let (terminal, mut child) = Terminal::start(command, redirections);
    let output = terminal.wait_closed();
    (String::from_utf8(output).unwrap().replace("\r\n", "\n"), status_of(&mut child).code())
}

/// What is shown, with run ids and durations replaced by placeholders.
fn scrubbed(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let bare = word.trim_end();
        let time = bare.len() > 1
            && bare.ends_with(['s', 'm', 'h'])
            && bare[..bare.len() - 1].chars().all(|c| c.is_ascii_digit() || c == '.');
        if time { word.replace(bare, &"#".repeat(bare.len().min(2))) } else { word.to_owned() }
    });
    let text: String = words.collect();
    let Some(at) = text.find("run 0") else { return text };
    let (before, after) = text.split_at(at + 4);
    let id: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
    format!("{before}{}{}", "#".repeat(id.len()), &after[id.len()..])
}

/// Whether the summary's first line is in there, in full.
fn is_full(text: &str) -> bool {
    text.contains("at list price") && text.contains("\nTools")
}

/// Whether it is one line.
fn is_line(text: &str) -> bool {
    let line = text.lines().last().unwrap_or_default();
    line.starts_with("cc-observe $") && !text.contains("at list price")
}

#[test]
fn a_terminal_gets_the_full_summary() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    sandbox.set("NO_COLOR", "1");
    let (output, code) = on_a_terminal(&sandbox.observed(["do the work"]), ">/dev/null");
    assert_eq!(code, Some(0));
    assert!(output.lines().all(|line| line.chars().count() <= 80), "{output}");
    assert!(is_full(&output), "{output}");
    assert!(!output.contains('\x1b'));
    sandbox.wait_until_idle();
}

#[test]
fn a_terminal_with_p_gets_one_line() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    sandbox.set("NO_COLOR", "1");
    let (output, code) = on_a_terminal(&sandbox.observed(["-p", "do the work"]), ">/dev/null");
    assert_eq!(code, Some(0));
    assert!(is_line(&output), "{output}");
    assert_eq!(output.lines().count(), 1, "{output}");
    assert!(output.trim_end().chars().count() <= 80);
    sandbox.wait_until_idle();
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    let (output, _) = on_a_terminal(&sandbox.observed(["go on"]), ">/dev/null");
    assert!(output.contains("\x1b["), "{output}");
    sandbox.set("TERM", "dumb");
    let (output, _) = on_a_terminal(&sandbox.observed(["go on"]), ">/dev/null");
    assert!(!output.contains('\x1b'), "{output}");
    sandbox.wait_until_idle();
}

#[test]
fn a_pipe_gets_nothing_and_we_become_claude() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    let plain = run(sandbox.plain(["-p", "go"]));
    let claude = sandbox.claude().into_os_string().into_string().unwrap();
    // By name, as an IDE calls it, and by a symlink that a program calls.
    let shim = sandbox.shim_claude();
    let mut ways = vec![sandbox.observed(["-p", "go"]), sandbox.cc_observe([&*claude, "-p", "go"])];
    let mut linked = sandbox.command(&shim);
    linked.args(["-p", "go"]);
    ways.push(linked);
    for (n, command) in ways.into_iter().enumerate() {
        sandbox.forget();
        let run = run(command);
        assert_eq!((run.code(), &run.stdout, run.err()), (Some(0), &plain.stdout, String::new()));
        wait_until("the run's end arrives", || endpoint.events("cc_observe.run_ended").len() == n + 1);
        let argv0 = sandbox.world()["argv"][0].as_str().unwrap().to_owned();
        assert_eq!(argv0, ["claude", &claude, shim.to_str().unwrap()][n], "called as it was");
        sandbox.wait_until_idle();
    }
}

#[test]
fn ci_gets_a_line_and_markdown_and_nothing_is_left_running() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    let markdown = sandbox.write("out/step.md", "before\n");
    sandbox.set("CI", "true").set("GITHUB_STEP_SUMMARY", &markdown);
    let plain = run(sandbox.plain(["-p", "go"]));
    let run = run(sandbox.observed(["-p", "go"]));
    // No waiting from here on: the run is over when it is over.
    assert!(sandbox.our_processes().is_empty(), "nothing is left running");
    assert_eq!(endpoint.events("cc_observe.run_ended").len(), 1, "drained");
    assert_eq!((run.code(), &run.stdout), (Some(0), &plain.stdout));
    assert!(is_line(&run.err()) && run.err().lines().count() == 1, "{}", run.err());
    let markdown = std::fs::read_to_string(markdown).unwrap();
    assert!(
        markdown.starts_with("before\n") && markdown.contains("cc-observe") && markdown.contains('|'),
        "{markdown}"
    );
}

#[test]
fn the_first_process_of_a_container_drains_and_leaves_nothing() {
    let possible = Command::new("unshare").args(["--pid", "--fork", "true"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user cannot make a pid namespace");
        return;
    }
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    sandbox.does(["run:sleep 0 & true", "exit:7"]);
    let mut command = sandbox.command("unshare");
    command.args(["--pid", "--fork"]).arg(cc_observe()).args(["claude", "-p", "go"]);
    let run = run(command);
    assert_eq!(endpoint.events("cc_observe.run_ended").len(), 1, "drained before the end");
    assert_eq!(run.code(), Some(7));
    assert!(is_line(&run.err()), "{}", run.err());
    let mut command = sandbox.command("unshare");
    command.args(["--pid", "--fork"]).arg(cc_observe()).args(["claude", "--version"]);
    assert_eq!(crate::support::run(command).out(), "2.1.330 (Claude Code)\n");
}

#[test]
fn a_summary_is_shown_as_asked_whatever_the_situation() {
    let endpoint = OrgEndpoint::start();
    let sandbox = sandbox(&endpoint);
    let plain = run(sandbox.plain(["-p", "go"]));
    for how in ["full", "line", "json", "off"] {
        let run = run(sandbox.cc_observe(["--summary", how, "claude", "-p", "go"]));
        assert_eq!((run.code(), &run.stdout), (Some(0), &plain.stdout), "{how}");
        let text = run.err();
        match how {
            "full" => assert!(is_full(&text), "{text}"),
            "line" => assert!(is_line(&text), "{text}"),
            "json" => {
                let summary: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(summary["schema_version"], 1);
            }
            _ => assert_eq!(text, ""),
        }
    }
    sandbox.wait_until_idle();
}

#[test]
fn the_summary_file_is_written_also_when_nothing_is_shown() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    let file = sandbox.at("out/summary.json");
    let read = || -> Value { serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() };
    let command = |sandbox: &Sandbox, before: &[&str]| {
        let mut command = sandbox.cc_observe(before);
        command.arg("--summary-file").arg(&file).args(["claude", "-p", "go"]);
        command
    };
    let run_off = run(command(&sandbox, &["--summary", "off"]));
    assert_eq!((run_off.code(), run_off.err()), (Some(0), String::new()));
    assert!(read()["cost_usd"].as_f64().unwrap() > 0.9);
    // No request to the model: nothing shown, and the file all the same.
    sandbox.unset("FAKE_CLAUDE_CAPTURE").does(["exit:3"]);
    let silent = run(command(&sandbox, &["--summary", "full"]));
    assert_eq!((silent.code(), silent.err()), (Some(3), String::new()));
    assert_eq!(read()["cost_usd"], 0.0);
    assert_eq!(read()["exit"]["code"], 3);
    // A place that cannot be written to: one line, and claude's code.
    let mut command = sandbox.cc_observe(["--summary-file", "/nonexistent/x.json", "claude", "-p", "go"]);
    command.env("LANG", "C");
    let run = run(command);
    assert_eq!(run.code(), Some(3));
    assert_eq!(run.err().lines().count(), 1, "{}", run.err());
    sandbox.wait_until_idle();
}

#[test]
fn nothing_is_shown_when_the_model_was_not_asked() {
    let mut sandbox = Sandbox::new();
    sandbox.does(["print:hello"]);
    let (output, code) = on_a_terminal(&sandbox.observed([""; 0]), "");
    assert_eq!((&*output, code), ("hello\n", Some(0)));
    sandbox.wait_until_idle();
}

#[test]
fn a_subcommand_is_claudes_own_and_nothing_of_ours_happens() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = sandbox(&endpoint);
    sandbox.set("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=mine").set("CI", "true");
    for arguments in [
        &["mcp", "list"][..],
        &["logs", "x"],
        &["--version"],
        &["-v"],
        &["--help"],
        &["-p", "--help"],
        &["doctor"],
        &["plugin", "list"],
        &["mcp", "list", "--settings", "{}"],
        &["stop"],
        &["--model", "opus", "auth", "status"],
    ] {
        let plain = run(sandbox.plain(arguments));
        let mut theirs = sandbox.world();
        sandbox.forget();
        let ours = run(sandbox.observed(arguments));
        let mut world = sandbox.world();
        assert_eq!(ours.status, plain.status, "{arguments:?}");
        assert_eq!((ours.out(), ours.err()), (plain.out(), plain.err()), "{arguments:?}");
        let otel = |world: &mut Value| {
            let environment = world["environment"].as_object_mut().unwrap();
            environment.retain(|name, _| !name.starts_with("CC_OBSERVE_"));
            (environment.clone(), world["argv"].as_array().unwrap()[1..].to_vec())
        };
        assert_eq!(otel(&mut world), otel(&mut theirs), "{arguments:?}: OTEL environment and arguments untouched");
        sandbox.forget();
    }
    assert!(sandbox.our_processes().is_empty(), "no relay");
    assert!(!sandbox.state().exists(), "no state");
    assert!(endpoint.requests().is_empty());
}

#[test]
fn our_own_options_and_mistakes_are_ours() {
    let sandbox = Sandbox::new();
    let help = run(sandbox.cc_observe(["--help"]));
    assert_eq!((help.code(), help.err()), (Some(0), String::new()));
    assert!(help.out().contains("cc-observe [OPTIONS] claude [ARGS]"));
    for arguments in [&["--nonsense", "claude"][..], &["--summary", "huge", "claude"], &["nonsense"], &[], &["relay"]] {
        let run = run(sandbox.cc_observe(arguments));
        assert_eq!(run.code(), Some(2), "{arguments:?}");
        assert_eq!(run.out(), "", "{arguments:?}");
        assert!(!run.err().is_empty(), "{arguments:?}");
    }
    assert!(!sandbox.claude_was_started());
}

#[test]
fn the_full_summary_of_a_capture() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("09-interactive-decisions").set("NO_COLOR", "1").set("TZ", "UTC");
    let (output, _) = on_a_terminal(&sandbox.observed(["go on"]), ">/dev/null");
    insta::assert_snapshot!(scrubbed(&output), @r"
    cc-observe  ## (you 59s, claude 5s)   run ########
    Cost      $0.51 at list price   opus-5-5 $0.51
    Tokens    235k in (72% cached), 9.6k out, 30 requests
    Tools     12 ran: Bash 9 (1 failed), Write 3
    Decided   10 rule or mode, 2 hook, 5 you once
    Rejected  Bash 4, Write 1
    Code      +7 -0 lines
    Sent      nothing, local only
    ");
    sandbox.wait_until_idle();
}

#[test]
fn the_line_of_a_capture() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("09-interactive-decisions").set("NO_COLOR", "1").set("TZ", "UTC");
    let (output, _) = on_a_terminal(&sandbox.observed(["-p", "go on"]), ">/dev/null");
    insta::assert_snapshot!(scrubbed(&output), @"cc-observe $0.51 ## 12 tools 1 failed 5 rejected local only");
    sandbox.wait_until_idle();
}
