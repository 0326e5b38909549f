//! What can go wrong before claude runs: it is not there, it is us, or we cannot work. Claude comes first.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use nix::unistd::geteuid;
use serde_json::json;

use crate::support::sandbox::{cc_observe, fake_claude};
use crate::support::{Mode, OrgEndpoint, Sandbox, Terminal, run, status_of};

/// A sandbox with nothing on PATH but its own directory, which is empty.
fn without_claude() -> Sandbox {
    let mut sandbox = Sandbox::new();
    fs::remove_file(sandbox.claude()).unwrap();
    let bin = sandbox.bin();
    sandbox.set("PATH", bin);
    sandbox
}

fn executable(sandbox: &Sandbox, path: &str, text: &str) {
    let file = sandbox.write(path, text);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Exit code and complaints, by way of exec and of wait.
#[track_caller]
fn fails_with(sandbox: &Sandbox, code: i32) {
    for before in [&["claude"][..], &["--summary", "line", "claude"]] {
        for arguments in [&["-p", "go"][..], &["--version"]] {
            let mut command = sandbox.cc_observe(before);
            command.args(arguments);
            let run = run(command);
            assert_eq!((run.code(), run.out()), (Some(code), String::new()), "{before:?} {arguments:?}: {}", run.err());
            assert!(run.err().starts_with("cc-observe: ") && run.err().lines().count() == 1, "{}", run.err());
        }
    }
    assert!(!sandbox.claude_was_started());
    sandbox.wait_until_idle();
}

#[test]
fn a_claude_that_is_not_executable_is_126() {
    let sandbox = without_claude();
    sandbox.write("bin/claude", "#!/bin/sh\nexit 0\n");
    fails_with(&sandbox, 126);
    fs::remove_file(sandbox.at("bin/claude")).unwrap();
    fs::create_dir(sandbox.at("bin/claude")).unwrap();
    fails_with(&sandbox, 126);
}

#[test]
fn a_claude_whose_interpreter_is_missing_is_126_or_127_as_in_a_shell() {
    let sandbox = without_claude();
    executable(&sandbox, "bin/claude", "#!/nonexistent/interpreter\n");
    fails_with(&sandbox, 127);
}

#[test]
fn a_claude_that_is_not_there_is_127() {
    let sandbox = without_claude();
    fails_with(&sandbox, 127);
    assert_eq!(run(sandbox.cc_observe(["/nonexistent/claude", "-p", "go"])).code(), Some(127));
}

#[test]
fn cc_observe_as_its_own_claude_is_125() {
    let mut sandbox = without_claude();
    symlink(cc_observe(), sandbox.claude()).unwrap();
    fails_with(&sandbox, 125);
    let path = cc_observe().to_str().unwrap();
    assert_eq!(run(sandbox.cc_observe([path, "-p", "go"])).code(), Some(125));
    sandbox.set("CC_OBSERVE_CLAUDE", cc_observe());
    fails_with(&sandbox, 125);
    // Called by that name, too.
    let mut command = sandbox.command(sandbox.claude());
    command.args(["-p", "go"]);
    assert_eq!(run(command).code(), Some(125));
}

#[test]
fn shims_that_lead_to_one_another_are_125_and_end() {
    let mut sandbox = without_claude();
    for directory in ["bin", "bin2"] {
        let script = format!("#!/bin/sh\nexec {} claude \"$@\"\n", cc_observe().display());
        executable(&sandbox, &format!("{directory}/claude"), &script);
    }
    let path = format!("{}:{}", sandbox.bin().display(), sandbox.at("bin2").display());
    sandbox.set("PATH", &path);
    fails_with(&sandbox, 125);
    // With the real one behind them it is found, and observed once.
    let endpoint = OrgEndpoint::start();
    let behind = sandbox.at("real");
    fs::create_dir(&behind).unwrap();
    symlink(fake_claude(), behind.join("claude")).unwrap();
    sandbox.set("PATH", format!("{path}:{}", behind.display())).plays("01-default");
    sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url());
    let run = run(sandbox.observed(["-p", "go"]));
    assert_eq!((run.code(), run.err()), (Some(0), String::new()));
    sandbox.wait_until_idle();
    assert_eq!(endpoint.events("cc_observe.run_ended").len(), 1);
    assert!(!endpoint.events("claude_code.api_request").is_empty());
}

#[test]
fn a_stale_shim_is_passed_over() {
    let mut sandbox = without_claude();
    executable(&sandbox, "bin/claude", "#!/bin/sh\n# cc-observe-shim\nexec /nonexistent/cc-observe claude \"$@\"\n");
    fails_with(&sandbox, 125);
    let behind = sandbox.at("real");
    fs::create_dir(&behind).unwrap();
    symlink(fake_claude(), behind.join("claude")).unwrap();
    let path = format!("{}:{}", sandbox.bin().display(), behind.display());
    sandbox.set("PATH", path);
    assert_eq!(run(sandbox.observed(["--version"])).out(), "2.1.330 (Claude Code)\n");
}

/// Gives everything of the sandbox to somebody who is not root, and the words that make a command theirs.
///
/// None where the programs cannot be reached by them.
fn somebody_else(sandbox: &Sandbox) -> Option<Vec<&'static str>> {
    if !geteuid().is_root() {
        return Some(Vec::new());
    }
    let prefix = vec!["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let root = sandbox.at("");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
    let given = Command::new("chown").args(["-R", "65534:65534"]).arg(&root).status();
    let mut probe = Command::new(prefix[0]);
    let reach = probe.args(&prefix[1..]).arg(fake_claude()).arg("--version").env_clear().output();
    let mut other = Command::new(prefix[0]);
    let fixtures = other
        .args(&prefix[1..])
        .arg("cat")
        .arg(crate::support::Capture::directory("01-default").join("capture.json"))
        .output();
    if given.is_ok_and(|status| status.success())
        && [reach, fixtures].into_iter().all(|output| output.is_ok_and(|output| output.status.success()))
    {
        return Some(prefix);
    }
    eprintln!("skipped: nobody but root can run what was built here");
    None
}

fn prefixed(sandbox: &Sandbox, prefix: &[&str], arguments: &[&str]) -> Command {
    let mut words: Vec<&OsStr> = prefix.iter().map(OsStr::new).collect();
    words.push(cc_observe().as_os_str());
    words.extend(arguments.iter().map(OsStr::new));
    let mut command = sandbox.command(words[0]);
    command.args(&words[1..]);
    command
}

#[test]
fn a_read_only_home_is_observed_from_the_runtime_or_temporary_directory() {
    for without_runtime in [false, true] {
        let endpoint = OrgEndpoint::start();
        let mut sandbox = Sandbox::new();
        sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
        if without_runtime {
            sandbox.unset("XDG_RUNTIME_DIR");
        }
        let Some(prefix) = somebody_else(&sandbox) else { return };
        fs::set_permissions(sandbox.home(), fs::Permissions::from_mode(0o555)).unwrap();
        let run = run(prefixed(&sandbox, &prefix, &["claude", "-p", "go"]));
        assert_eq!((run.code(), run.err()), (Some(0), String::new()));
        endpoint.wait_for_event("cc_observe.run_ended");
        assert!(!endpoint.events("claude_code.api_request").is_empty());
        assert_eq!(fs::read_dir(sandbox.home()).unwrap().count(), 0, "nothing is in the home");
        sandbox.wait_until_idle();
        fs::set_permissions(sandbox.home(), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn no_home_is_no_reason_not_to_observe() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url()).unset("HOME");
    if geteuid().is_root() {
        // Nobody's home is not there; without these, root's own would be written to.
        sandbox.unset("XDG_STATE_HOME").unset("XDG_CONFIG_HOME").unset("XDG_DATA_HOME");
    }
    let Some(prefix) = somebody_else(&sandbox) else { return };
    let run = run(prefixed(&sandbox, &prefix, &["claude", "-p", "go"]));
    assert_eq!((run.code(), run.err()), (Some(0), String::new()));
    endpoint.wait_for_event("cc_observe.run_ended");
    assert!(!endpoint.events("claude_code.api_request").is_empty());
    sandbox.wait_until_idle();
}

#[test]
fn with_sixteen_file_descriptors_and_fewer_claude_runs_as_without_us() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    let limited = |limit: u32, words: &[&OsStr]| {
        let mut shell = sandbox.command("/bin/sh");
        // What the tests themselves were given is closed, so that only the limit counts.
        let close = "exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-;";
        shell.args(["-c", &format!("{close} ulimit -n {limit} && exec \"$@\""), "sh"]).args(words);
        run(shell)
    };
    for limit in [16, 12, 10, 9, 8, 7, 6, 5] {
        let plain = limited(limit, &["claude", "-p", "go"].map(OsStr::new));
        for summary in ["auto", "off"] {
            let ours = ["--summary", summary, "claude", "-p", "go"].map(OsStr::new);
            let words: Vec<&OsStr> = [cc_observe().as_os_str()].into_iter().chain(ours).collect();
            let run = limited(limit, &words);
            assert_eq!((run.status, run.out()), (plain.status, plain.out()), "{limit}, {summary}: {}", run.err());
        }
        sandbox.wait_until_idle();
        if limit == 16 {
            assert!(!endpoint.events("claude_code.api_request").is_empty(), "and observed");
        }
    }
}

#[test]
fn argument_bytes_that_are_not_utf_8_are_passed_and_observed() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    let mut command = sandbox.observed(["-p"]);
    command.arg(OsStr::from_bytes(b"caf\xe9 \xff"));
    assert_eq!(run(command).code(), Some(0));
    let argv = sandbox.world()["argv"].as_array().unwrap().clone();
    assert_eq!(argv.last(), Some(&json!({ "bytes": b"caf\xe9 \xff" })));
    endpoint.wait_for_event("claude_code.api_request");
}

/// User settings that send everything, raw, to an endpoint.
fn raw_settings(sandbox: &Sandbox, endpoint: &OrgEndpoint) {
    let env = json!({
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint.url(),
    });
    sandbox.write("home/.claude/settings.json", json!({ "env": env }).to_string());
}

#[test]
fn a_broken_configuration_lets_claude_run_and_nothing_out() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("NO_COLOR", "1");
    raw_settings(&sandbox, &endpoint);
    let plain = run(sandbox.plain(["-p", "go"]));
    let raw = endpoint.requests().len();
    assert!(raw > 0, "without us it goes there");
    for broken in ["capture = [", "[destinations.org]\nendpiont = \"http://127.0.0.1:9\"", "\u{0}"] {
        sandbox.write("home/.config/cc-observe/config.toml", broken);
        let run = run(sandbox.observed(["-p", "go"]));
        assert_eq!((run.code(), &run.stdout, run.err()), (Some(0), &plain.stdout, String::new()));
        let world = sandbox.world();
        for signal in ["LOGS", "METRICS", "TRACES"] {
            let name = format!("OTEL_{signal}_EXPORTER");
            assert_eq!(world["environment"][&name], "none", "in the environment");
            assert_eq!(world["telemetry"][&name], "none", "and in force: by --settings");
        }
        let (terminal, mut child) = Terminal::start(&sandbox.observed(["-p", "go"]), ">/dev/null");
        let output = String::from_utf8(terminal.wait_closed()).unwrap();
        assert_eq!(status_of(&mut child).code(), Some(0));
        assert!(output.contains("not observed"), "{output}");
        assert_eq!(output.lines().count(), 1, "one line: {output}");
    }
    sandbox.wait_until_idle();
    assert_eq!(endpoint.requests().len(), raw, "nothing raw went out");
}

#[test]
fn files_that_never_end_or_never_begin_keep_nobody_waiting() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    let fifo = |path: &str| {
        let file = sandbox.write(path, "");
        fs::remove_file(&file).unwrap();
        nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        file
    };
    let config = fifo("home/.config/cc-observe/config.toml");
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0), "a pipe for a configuration");
    fs::remove_file(config).unwrap();
    let head = fifo("work/.git/HEAD");
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0), "a pipe for a branch");
    fs::remove_file(head).unwrap();
    endpoint.wait_for_event("claude_code.api_request");
    // What a shell makes of `<(…)` can be read once, and that is claude's.
    let mut shell = sandbox.command("bash");
    let script = r#""$0" claude --settings <(echo '{"env":{"MINE":"1","OTEL_MINE":"2"}}') -p go"#;
    shell.args(["-c", script]).arg(cc_observe());
    assert_eq!(run(shell).code(), Some(0));
    assert_eq!(sandbox.world()["telemetry"]["OTEL_MINE"], "2");
    sandbox.wait_until_idle();
}

#[test]
fn a_full_disk_lets_claude_run() {
    let possible = Command::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user cannot mount a small disk");
        return;
    }
    let endpoint = OrgEndpoint::start_as(Mode::Ok);
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default").set("CC_OBSERVE_ENDPOINT", endpoint.url());
    raw_settings(&sandbox, &endpoint);
    let plain = run(sandbox.plain(["-p", "go"]));
    let raw = endpoint.requests().len();
    for filled in ["", "dd if=/dev/zero of=\"$XDG_STATE_HOME/cc-observe/fill\" bs=4k 2>/dev/null;"] {
        let script = format!(
            "mkdir -p \"$XDG_STATE_HOME\"; mount -t tmpfs -o size=64k,mode=755 tmpfs \"$XDG_STATE_HOME\" && \
             mkdir -p \"$XDG_STATE_HOME/cc-observe\" && {{ {filled} :; }}; exec \"$@\""
        );
        let mut command = sandbox.command("unshare");
        command.args(["--mount", "/bin/sh", "-c", &script, "sh"]).arg(cc_observe()).args(["claude", "-p", "go"]);
        let run = run(command);
        assert_eq!((run.code(), &run.stdout), (Some(0), &plain.stdout), "{}", run.err());
        sandbox.wait_until_idle();
    }
    let redacted = endpoint.requests().into_iter().skip(raw);
    for request in redacted {
        assert!(!String::from_utf8_lossy(&request.body).contains("FAKE"));
    }
}
