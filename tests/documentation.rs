//! What the documents say is so: their commands run, their links lead somewhere, their tables are complete.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use cc_observe::config::Config;
use cc_observe::otlp::Signal;
use cc_observe::redact::Custom;

use crate::support::sandbox::cc_observe;
use crate::support::{OrgEndpoint, Sandbox, run, wait_until};

/// Documents whose commands are for anybody to type.
const FOR_USERS: [&str; 2] = ["README.md", "docs"];

/// In place of cargo: a build within a test would take minutes and prove little. It knows the forms that the documents
/// use, refuses any other, and runs what is already built where a form would run it.
const CARGO: &str = r#"#!/bin/sh
case "$*" in
"run --release -- "*) shift 3; exec cc-observe "$@" ;;
"install --path . --locked" | test | bench) ;;
*) echo "cargo $*: not a form that this test knows" >&2; exit 64 ;;
esac
"#;

#[test]
fn every_command_in_the_documents_runs() {
    let blocks = blocks(&FOR_USERS, "sh");
    assert!(!blocks.is_empty());
    for (file, block) in blocks {
        let mut sandbox = Sandbox::new();
        sandbox.plays("01-default");
        symlink(cc_observe(), sandbox.bin().join("cc-observe")).unwrap();
        let cargo = sandbox.write("bin/cargo", CARGO);
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        let mut shell = sandbox.command("/bin/sh");
        shell.args(["-euc", &block]);
        let run = run(shell);
        assert_eq!(run.code(), Some(0), "{file}:\n{block}\n{}", run.err());
        if block.contains("claude") {
            assert!(sandbox.claude_was_started(), "{file}:\n{block}");
        }
    }
}

#[test]
fn every_configuration_in_the_documents_is_one() {
    let blocks = blocks(&FOR_USERS, "toml");
    assert!(!blocks.is_empty());
    for (file, block) in blocks {
        let sandbox = Sandbox::new();
        sandbox.write("shown.toml", &block);
        let checked =
            |options: &[&str]| run(sandbox.cc_observe([&["config", "check"], options, &["../shown.toml"]].concat()));
        if block.contains("\n[defaults") {
            assert_eq!(checked(&["--managed"]).code(), Some(0), "{file}: {}\n{block}", checked(&["--managed"]).err());
            continue;
        }
        assert_eq!(checked(&[]).code(), Some(0), "{file}: {}\n{block}", checked(&[]).err());
        let config = Config::parse(Path::new("config.toml"), &block).unwrap();
        assert!(config != Config::default(), "{file}:\n{block}");
        assert!(Custom::new(config.redaction).is_ok(), "{file}:\n{block}");
    }
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_in_it() {
    for file in documents(&["."]) {
        let text = fs::read_to_string(&file).unwrap();
        for target in links(&text) {
            if target.starts_with("https://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let other = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            assert!(other.exists(), "{}: {target}", file.display());
            if !anchor.is_empty() {
                let headings = fs::read_to_string(&other).unwrap();
                let found = headings.lines().filter(|line| line.starts_with('#')).any(|line| slug(line) == anchor);
                assert!(found, "{}: {target}", file.display());
            }
        }
    }
}

#[test]
fn every_file_that_a_document_names_is_there() {
    for file in documents(&["."]) {
        for name in code_spans(&fs::read_to_string(&file).unwrap()) {
            let of_ours = ["src/", "tests/", "docs/", "benches/"].iter().any(|start| name.starts_with(start));
            assert!(!of_ours || root().join(&name).exists(), "{}: {name}", file.display());
        }
    }
}

#[test]
fn every_variable_of_ours_is_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let sources: String =
        files_below(&root().join("src"), "rs").iter().map(|f| fs::read_to_string(f).unwrap()).collect();
    let names: BTreeSet<&str> = sources
        .match_indices("CC_OBSERVE_")
        .map(|(at, _)| {
            let rest = &sources[at..];
            &rest[..rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len())]
        })
        // What unit tests tell the processes that they start, and the prefix itself.
        .filter(|name| *name != "CC_OBSERVE_" && !name.starts_with("CC_OBSERVE_TEST_"))
        .collect();
    assert!(names.len() >= 3);
    for name in names {
        assert!(readme.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn every_exit_code_is_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let told: Vec<i32> =
        readme.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |")?.0.parse().ok()).collect();
    let sandbox = Sandbox::new();
    let mut codes = BTreeSet::new();
    let mut code = |command| codes.insert(run(command).code().unwrap());
    code(sandbox.cc_observe(["--no-such-option"]));
    let not_text = sandbox.write("not-text", b"\xff");
    code(sandbox.cc_observe([OsStr::new("redact"), OsStr::new("--check"), not_text.as_os_str()]));
    code(sandbox.cc_observe(["/nonexistent/claude"]));
    code(sandbox.cc_observe([sandbox.write("not-executable", "")]));
    code(sandbox.cc_observe([cc_observe()]));
    assert_eq!(told, codes.into_iter().collect::<Vec<_>>());
}

#[test]
fn what_the_relay_adds_is_described() {
    let described: BTreeSet<String> =
        code_spans(&fs::read_to_string(root().join("docs/telemetry-added.md")).unwrap()).into_iter().collect();
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url()).set("GITHUB_ACTIONS", "true");
    sandbox.set("GITHUB_WORKFLOW", "build").set("GITHUB_JOB", "test").set("GITHUB_RUN_ID", "77");
    sandbox.write("work/.git/HEAD", "ref: refs/heads/fix/login\n");
    sandbox.write("work/.git/config", "[remote \"origin\"]\n\turl = git@github.com:acme/widgets.git\n");
    run(sandbox.cc_observe(["--summary", "off", "claude", "-p", "x"]));
    endpoint.wait_for_event("cc_observe.run_ended");
    wait_until("claude's records arrive", || endpoint.records().iter().any(|r| r.name == "claude_code.tool_decision"));
    let mut seen = BTreeSet::new();
    for record in endpoint.records().iter().filter(|record| record.signal == Signal::Logs) {
        let own = record.name.starts_with("cc_observe.");
        seen.extend(own.then(|| record.name.clone()));
        seen.extend(record.attributes.keys().filter(|key| own || key.starts_with("cc_observe.")).cloned());
        let ours = |key: &&String| ["cc_observe.", "vcs.", "cicd."].iter().any(|start| key.starts_with(start));
        seen.extend(record.resource.keys().filter(ours).cloned());
    }
    assert!(seen.contains("vcs.ref.head.name") && seen.contains("cicd.pipeline.name"), "{seen:?}");
    let missing: Vec<_> = seen.difference(&described).collect();
    assert!(missing.is_empty(), "docs/telemetry-added.md does not tell of {missing:?}");
}

#[test]
fn every_test_that_the_architecture_names_is_there() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, behind) = architecture.split_once("## Invariants").unwrap();
    let table: String = behind.lines().filter(|line| line.starts_with("| ")).collect();
    let files = [files_below(&root().join("src"), "rs"), files_below(&root().join("tests"), "rs")].concat();
    let sources: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let names = code_spans(&table);
    let names: Vec<&String> = names.iter().filter(|name| name.contains('_')).collect();
    assert!(names.len() > 20);
    for name in names {
        assert!(sources.contains(&format!("fn {name}(")), "{name}");
    }
}

#[test]
fn every_module_has_its_line_in_the_architecture() {
    let architecture = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for entry in fs::read_dir(root().join("src")).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        assert!(architecture.contains(&format!("\n| `{name}` |")), "{name}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Markdown files below these paths; of directories, those that lie in them directly.
fn documents(paths: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        let path = if *path == "." { root().to_owned() } else { root().join(path) };
        if path.is_file() {
            files.push(path);
            continue;
        }
        let entries = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        files.extend(entries.filter(|file| file.extension().is_some_and(|extension| extension == "md")));
        if path == root() {
            files.extend(documents(&["docs"]));
        }
    }
    files.sort();
    files
}

fn files_below(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files
}

/// The fenced blocks of a language, with the file that each stands in.
fn blocks(paths: &[&str], language: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    for file in documents(paths) {
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        let mut block: Option<String> = None;
        for line in fs::read_to_string(&file).unwrap().lines() {
            match &mut block {
                None if line == format!("```{language}") => block = Some(String::new()),
                None => {}
                Some(text) if line == "```" => {
                    blocks.push((name.clone(), std::mem::take(text)));
                    block = None;
                }
                Some(text) => {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        assert!(block.is_none(), "{name}: a block has no end");
    }
    blocks
}

/// `[text](target)`, outside of code.
fn links(text: &str) -> Vec<String> {
    let targets = text.match_indices("](").filter_map(|(at, _)| text[at + 2..].split_once(')'));
    targets.map(|(target, _)| target.to_owned()).collect()
}

/// What stands in backticks within a line.
fn code_spans(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with("```"));
    lines.flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// A heading's anchor, as repository hosts make it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}
