//! What somebody sees who has just installed it: from nothing to a first summary, in a window of tmux.

use std::fs;
use std::path::Path;

use regex::Regex;

use super::SHORT;
use super::client::{client, has};
use super::compare::{received, run_ids};
use super::lab::{Lab, ORG, accepted};
use super::tmux::Tmux;
use crate::support::sandbox::cc_observe;

const DOCUMENT: &str = "docs/first-run.md";

/// What claude's interface shows when it waits for the next prompt.
const READY: &str = "? for shortcuts";

/// The lines of a screen, without what stood there before the command and the prompt behind it.
fn lines(screen: &str) -> Vec<String> {
    let all: Vec<&str> = screen.trim_end().lines().map(str::trim_end).collect();
    let shown = all.iter().filter(|line| !line.starts_with("READY>")).copied();
    shown.map(str::to_owned).collect()
}

/// What is another each time.
fn scrubbed(lines: &[String], lab: &Lab) -> String {
    let home = lab.at("home").display().to_string();
    let mut text = lines.join("\n").replace(&home, "~");
    for (pattern, instead) in [
        (r"/\S*/claude,", "~/.local/bin/claude,"),
        (r"\b\d+(\.\d+)?s\b", "12s"),
        // There where the client took long enough to count the time at the keyboard.
        (r" \((you|claude) 12s(, (you|claude) 12s)?\)", ""),
        (r"\brun [0-9a-f]{8}\b", "run 0199a7b2"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, instead).into_owned();
    }
    text
}

#[test]
fn from_nothing_to_a_first_summary() {
    let Some(client) = client().filter(|_| has("tmux")) else { return };
    let lab = Lab::new(client, SHORT);
    let bin = lab.at("programs");
    fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(cc_observe(), bin.join("cc-observe")).unwrap();
    lab.file("home/.claude/settings.json", r#"{"permissions":{"allow":["Bash(echo:*)"]}}"#);
    let tmux = Tmux::start(&lab);
    tmux.resize(100, 50);
    tmux.enter(&format!("PATH={}:$PATH; clear", bin.display())).wait_for_prompt();

    let init = format!("cc-observe init --yes --endpoint {ORG} --capture metadata");
    tmux.enter(&init).wait_for("Next: cc-observe claude").wait_for_prompt();
    let set_up = scrubbed(&lines(&tmux.screen()), &lab);
    tmux.enter("clear; cc-observe claude --permission-mode default").wait_for(READY);
    tmux.enter("greet me").wait_for("Done.").wait_for(READY);
    tmux.enter("/exit").wait_for("Cost ").wait_for_prompt();
    let screen = lines(&tmux.screen());
    let at = screen.iter().position(|line| line.starts_with("cc-observe")).expect("a summary");
    let summary = scrubbed(&screen[at..], &lab);
    tmux.enter("clear; cc-observe spool status").wait_for_prompt();
    let waits = scrubbed(&lines(&tmux.screen()), &lab);
    let finished = tmux.finish();

    assert!(!received(&finished.org).is_empty());
    assert_eq!(run_ids(&finished.org).len(), 1);
    let all = accepted(&finished.org);
    assert!(all.iter().any(|record| record.name == "claude_code.api_request"));
    assert!(all.iter().all(|record| !record.attributes.contains_key("tool_parameters")), "metadata alone");
    let document = format!(
        "# The first run\n\n\
         What somebody sees who has installed cc-observe and has a Collector at {ORG}. These screens are made by a test\n\
         (`from_nothing_to_a_first_summary`), with Claude Code {version} and a stand-in for its model; times and paths are evened out.\n\n\
         ```text\n$ {init}\n{set_up}\n```\n\n\
         From now on, `cc-observe claude` in the place of `claude`. What happens in between is Claude Code as ever; when it has exited:\n\n\
         ```text\n$ cc-observe claude\n…\n{summary}\n```\n\n\
         All of it has arrived:\n\n\
         ```text\n$ cc-observe spool status\n{waits}\n```\n\n\
         `cc-observe init` without options asks for all of this. `cc-observe init --remove` takes it out again, `cc-observe doctor` says whether\n\
         everything works, and `cc-observe policy` what leaves the machine.\n",
        version = super::client::VERSION,
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &document).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(document, committed, "{DOCUMENT} is behind: BLESS=1 cargo test --test it first_run");
}
