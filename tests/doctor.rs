//! `cc-observe doctor`: each verdict by a real fault, and its hint followed.

use std::fs;
use std::io::BufReader;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::process::Command;
use std::sync::Arc;

use nix::mount::{MsFlags, mount};
use nix::sys::socket::{Backlog, listen};
use nix::unistd::geteuid;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::support::http::{Request, answer};
use crate::support::sandbox::cc_observe;
use crate::support::{Mode, OrgEndpoint, Sandbox, on_a_machine_with, run};

const CONFIG: &str = "home/.config/cc-observe/config.toml";

/// What it found, as `about verdict: found | hint`, and its exit code.
#[track_caller]
fn doctor(sandbox: &Sandbox) -> (Vec<String>, Option<i32>) {
    let ended = run(sandbox.cc_observe(["doctor", "--json"]));
    let read: Value = serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let text = |check: &Value, key: &str| check[key].as_str().unwrap_or("-").to_owned();
    let lines = read["checks"].as_array().unwrap().iter().map(|check| {
        let [about, verdict, found, hint] = ["about", "verdict", "found", "hint"].map(|key| text(check, key));
        format!("{about} {verdict}: {found} | {hint}")
    });
    (lines.collect(), ended.code())
}

/// Fails unless there is one line that begins so and says this; an exit code of 1 goes with `failed` alone.
#[track_caller]
fn finds(sandbox: &Sandbox, begin: &str, words: &[&str]) {
    let (lines, code) = doctor(sandbox);
    let found = lines.iter().any(|line| line.starts_with(begin) && words.iter().all(|word| line.contains(word)));
    assert!(found, "{begin} {words:?} in {lines:#?}");
    assert_eq!(code, Some(i32::from(lines.iter().any(|line| line.contains(" failed: ")))), "{lines:#?}");
}

/// What stands in the hint of the line that begins so, between backticks, done in a shell; all of the hint where there are none.
#[track_caller]
fn follow(sandbox: &Sandbox, begin: &str) {
    let (lines, _) = doctor(sandbox);
    let line = lines.iter().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin} in {lines:#?}"));
    let (_, hint) = line.rsplit_once(" | ").unwrap();
    let command = hint.split('`').nth(1).unwrap_or(hint);
    let mut shell = sandbox.command("/bin/sh");
    shell.args(["-euc", command]);
    let followed = run(shell);
    assert_eq!(followed.code(), Some(0), "{command}: {}{}", followed.out(), followed.err());
}

/// Fails where anything is told that should be looked at.
#[track_caller]
fn nothing_to_do(sandbox: &Sandbox) {
    let (lines, code) = doctor(sandbox);
    let worth = |line: &&String| line.contains(" warning: ") || line.contains(" failed: ");
    assert_eq!((lines.iter().filter(worth).collect::<Vec<_>>(), code), (Vec::<&String>::new(), Some(0)));
}

/// A machine on which all is well.
fn sound() -> (Sandbox, OrgEndpoint) {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    claude_that_says(&sandbox, "2.1.330 (Claude Code)");
    symlink(cc_observe(), sandbox.bin().join("cc-observe")).unwrap();
    sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url());
    (sandbox, endpoint)
}

fn claude_that_says(sandbox: &Sandbox, version: &str) {
    let _ = fs::remove_file(sandbox.claude());
    executable(sandbox, "bin/claude", &format!("#!/bin/sh\necho '{version}'\n"));
}

fn executable(sandbox: &Sandbox, path: &str, text: &str) {
    let file = sandbox.write(path, text);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn where_all_is_well_that_is_said_and_an_endpoint_is_asked_with_nothing_in_it() {
    let (sandbox, endpoint) = sound();
    let (lines, code) = doctor(&sandbox);
    assert_eq!(code, Some(0), "{lines:#?}");
    assert!(lines.iter().all(|line| line.contains(" ok: ") || line.contains(" skipped: ")), "{lines:#?}");
    assert_eq!(endpoint.requests().len(), 3, "one for each signal");
    assert!(endpoint.batches().iter().all(|batch| batch.records() == 0));
    let text = run(sandbox.cc_observe(["doctor"]));
    assert_eq!((text.code(), text.err()), (Some(0), String::new()));
    assert!(text.out().lines().all(|line| line.starts_with("ok  ") || line.starts_with("-   ")), "{}", text.out());
}

#[test]
fn a_claude_that_is_missing_old_or_silent_is_told() {
    let (mut sandbox, _endpoint) = sound();
    finds(&sandbox, "claude ok", &["2.1.330"]);
    claude_that_says(&sandbox, "2.1.127 (Claude Code)");
    finds(&sandbox, "claude warning", &["2.1.127", "`claude update`", "2.1.128"]);
    let updates = "#!/bin/sh\n[ \"$1\" = update ] && echo 2.1.330 > \"$HOME/v\"; cat \"$HOME/v\"\n";
    sandbox.write("home/v", "2.1.127\n");
    executable(&sandbox, "bin/claude", updates);
    follow(&sandbox, "claude warning");
    nothing_to_do(&sandbox);
    claude_that_says(&sandbox, "hello");
    finds(&sandbox, "claude warning", &["does not tell its version"]);
    fs::set_permissions(sandbox.claude(), fs::Permissions::from_mode(0o644)).unwrap();
    finds(&sandbox, "claude failed", &["it is not executable"]);
    fs::remove_file(sandbox.claude()).unwrap();
    finds(&sandbox, "claude failed", &["no program of that name on PATH", "CC_OBSERVE_CLAUDE"]);
    let shim = sandbox.shim_claude();
    finds(&sandbox, "claude failed", &["leads back to cc-observe"]);
    fs::remove_dir_all(shim.parent().unwrap()).unwrap();
    executable(&sandbox, "home/claude", "#!/bin/sh\necho 2.1.330\n");
    let named = sandbox.at("home/claude");
    sandbox.set("CC_OBSERVE_CLAUDE", named);
    finds(&sandbox, "claude ok", &["2.1.330"]);
    finds(&sandbox, "shell skipped", &["`cc-observe claude`"]);
    sandbox.shim_claude();
    finds(&sandbox, "shell ok", &["claude on PATH is cc-observe"]);
}

#[test]
fn every_mistake_of_the_configuration_is_told_with_its_line() {
    let (sandbox, _endpoint) = sound();
    sandbox.write(CONFIG, "captur = \"commands\"\nsummary = \"FAKE\"\n");
    finds(&sandbox, "configuration failed", &["config.toml:1", "did you mean `capture`?", "mend that line"]);
    finds(&sandbox, "configuration failed", &["config.toml:2"]);
    sandbox.write(CONFIG, "[[redaction.rules]]\nid = \"acme\"\npattern = \"(\"\n");
    finds(&sandbox, "configuration failed", &["config.toml:1", "only metadata is captured"]);
    sandbox.write(CONFIG, "capture = \"commands\"\n");
    finds(&sandbox, "configuration ok", &["config.toml, sound"]);
}

#[test]
fn headers_that_others_may_read_are_told_and_the_hint_mends_it() {
    let (mut sandbox, endpoint) = sound();
    sandbox.unset("CC_OBSERVE_ENDPOINT");
    let config = format!("[destinations.org]\nendpoint = \"{}\"\nheaders = {{ x-token = \"FAKE\" }}\n", endpoint.url());
    let file = sandbox.write(CONFIG, config);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let hint = format!("chmod 600 {}", file.display());
    finds(&sandbox, "configuration warning", &["others may read it (644)", &hint]);
    let mut shell = sandbox.command("/bin/sh");
    shell.args(["-c", &hint]);
    assert_eq!(run(shell).code(), Some(0));
    let (lines, code) = doctor(&sandbox);
    assert_eq!(code, Some(0));
    assert!(!lines.iter().any(|line| line.contains(" warning: ")), "{lines:#?}");
}

#[test]
fn what_is_wrong_with_an_endpoint_is_told_with_what_to_do() {
    let (mut sandbox, endpoint) = sound();
    for (mode, begin, words) in [
        (Mode::Status { code: 401, first: None }, "destination failed", ["answers 401", "renew its credential"]),
        (Mode::Status { code: 404, first: None }, "destination failed", ["answers 404", "look at endpoint"]),
        (Mode::Status { code: 503, first: None }, "destination failed", ["answers 503", "waits on disk"]),
        (Mode::Status { code: 400, first: None }, "destination warning", ["answers 400", "not empty"]),
        (Mode::Status { code: 302, first: None }, "destination failed", ["redirects (302)", "login page"]),
        (Mode::Echo("<html>".to_owned()), "destination failed", ["not OTLP", "login page"]),
        (Mode::Close, "destination failed", ["without an answer", "look whether it runs"]),
        (Mode::Hang, "destination failed", ["does not answer in time", "look whether it runs"]),
        (Mode::Ok, "destination ok", ["takes logs, metrics, traces", "endpoint"]),
    ] {
        endpoint.set_mode(mode);
        finds(&sandbox, begin, &words);
    }
    sandbox.set("CC_OBSERVE_ENDPOINT", "http://127.0.0.1:1");
    finds(&sandbox, "destination failed", &["refuses connections", "look whether it runs"]);
    sandbox.unset("CC_OBSERVE_ENDPOINT");
    finds(&sandbox, "destination warning", &["none", "[destinations.org]"]);
    sandbox.write(
        CONFIG,
        format!(
            "[destinations.org]\nendpoint = \"{}\"\nauth = {{ token = \"env\", env = \"ORG_TOKEN\" }}\n",
            endpoint.url()
        ),
    );
    finds(&sandbox, "destination failed", &["has no credential", "look at auth in [destinations.org]"]);
    sandbox.set("ORG_TOKEN", "FAKE");
    finds(&sandbox, "destination ok", &["org takes logs, metrics, traces"]);
}

#[test]
fn what_waits_is_told_until_the_hint_was_followed() {
    let (mut sandbox, endpoint) = sound();
    finds(&sandbox, "spool ok", &["nothing waits"]);
    endpoint.set_mode(Mode::Status { code: 403, first: None });
    fs::remove_file(sandbox.claude()).unwrap();
    std::os::unix::fs::symlink(crate::support::sandbox::fake_claude(), sandbox.claude()).unwrap();
    sandbox.plays("14a-logs-only");
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.kill_relays();
    sandbox.wait_until_idle();
    run(sandbox.cc_observe(["spool", "flush", "--wait", "5s"]));
    finds(&sandbox, "spool warning", &[" for endpoint-", "`cc-observe spool flush`"]);
    endpoint.set_mode(Mode::Ok);
    assert_eq!(run(sandbox.cc_observe(["spool", "flush", "--require"])).code(), Some(0));
    finds(&sandbox, "spool ok", &["nothing waits"]);
}

#[test]
fn what_keeps_a_session_from_being_observed_is_told() {
    let (sandbox, _endpoint) = sound();
    sandbox.write(CONFIG, "[redaction]\nallow = [\"[A-Za-z0-9]+\"]\n");
    finds(&sandbox, "redaction failed", &["made-up secrets are not masked", "`allow`"]);
    fs::remove_file(sandbox.at(CONFIG)).unwrap();
    finds(&sandbox, "redaction ok", &["6 of 6"]);
    let script = sandbox.write("home/.local/state/cc-observe/process-wrapper", "#!/bin/sh\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o600)).unwrap();
    finds(&sandbox, "state failed", &["background sessions do not start", "chmod 700"]);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    finds(&sandbox, "state ok", &["can be written to"]);
    for name in ["home/.local", "run", "tmp"] {
        let _ = fs::remove_dir_all(sandbox.at(name));
        sandbox.write(name, "in the way");
    }
    finds(&sandbox, "state failed", &["no directory for state", "XDG_STATE_HOME"]);
}

#[test]
fn the_organizations_files_are_examined() {
    let managed = "required = true\n[destinations.org]\nendpoint = \"http://127.0.0.1:1\"\n";
    on_a_machine_with(&[("cc-observe/managed.toml", managed)], || {
        let (sandbox, _endpoint) = sound();
        finds(&sandbox, "configuration ok", &["managed by /etc/cc-observe/managed.toml; sessions must be observed"]);
        finds(&sandbox, "destination failed", &["org refuses connections"]);
        sandbox.write(CONFIG, "captur = 1\n");
        finds(&sandbox, "configuration failed", &["config.toml:1", "what it says does not count"]);
        fs::set_permissions("/etc/cc-observe/managed.toml", fs::Permissions::from_mode(0o666)).unwrap();
        finds(&sandbox, "configuration failed", &["is not trusted", "whoever manages it"]);
    });
    let settings = "{ \"env\": { \"OTEL_EXPORTER_OTLP_ENDPOINT\": \"http://127.0.0.1:1\" } }";
    on_a_machine_with(&[("claude-code/managed-settings.json", settings)], || {
        let (sandbox, _endpoint) = sound();
        finds(&sandbox, "settings failed", &["managed-settings.json", "take out `env.OTEL_EXPORTER_OTLP_ENDPOINT`"]);
        let wrapped = "{ \"env\": { \"CLAUDE_CODE_PROCESS_WRAPPER\": \"/corp/launch\" } }";
        fs::write("/etc/claude-code/managed-settings.json", wrapped).unwrap();
        finds(&sandbox, "settings ok", &[]);
        finds(&sandbox, "wrapper warning", &["managed-settings.json names a process wrapper", "are not observed"]);
        fs::remove_file("/etc/claude-code/managed-settings.json").unwrap();
        finds(&sandbox, "settings ok", &[]);
    });
}

#[test]
fn what_is_called_cc_observe_or_claude_is_told() {
    let (mut sandbox, _endpoint) = sound();
    finds(&sandbox, "program ok", &["/bin/cc-observe, 0."]);
    let path = std::env::join_paths([sandbox.bin(), sandbox.at("old"), "/usr/bin".into(), "/bin".into()]).unwrap();
    sandbox.set("PATH", &path);
    executable(&sandbox, "old/cc-observe", "#!/bin/sh\n");
    finds(&sandbox, "program warning", &["behind it on PATH: ", "/old/cc-observe"]);
    let (lines, _) = doctor(&sandbox);
    let hint = lines[0].rsplit_once(": ").unwrap().1.to_owned();
    assert!(hint.starts_with("rm "), "{hint}");
    let mut shell = sandbox.command("/bin/sh");
    assert_eq!(
        run({
            shell.args(["-c", &hint]);
            shell
        })
        .code(),
        Some(0)
    );
    nothing_to_do(&sandbox);
    executable(&sandbox, "old/cc-observe", "#!/bin/sh\n");
    let path = std::env::join_paths([sandbox.at("old"), sandbox.bin(), "/usr/bin".into(), "/bin".into()]).unwrap();
    sandbox.set("PATH", &path);
    finds(&sandbox, "program warning", &["what PATH calls cc-observe is", "/old/cc-observe", "take that one away"]);
    fs::remove_file(sandbox.at("old/cc-observe")).unwrap();
    finds(&sandbox, "program ok", &[]);
    fs::remove_file(sandbox.bin().join("cc-observe")).unwrap();
    finds(&sandbox, "program skipped", &["not on PATH"]);

    // An alias whose program is gone, until it is written anew.
    sandbox.set("SHELL", "/bin/bash");
    sandbox.write("home/.bashrc", "export A=1\nalias claude='/nowhere/cc-observe claude'\n");
    finds(
        &sandbox,
        "shell failed",
        &["/nowhere/cc-observe", "~/.bashrc".replace('~', sandbox.home().to_str().unwrap()).as_str()],
    );
    symlink(cc_observe(), sandbox.bin().join("cc-observe")).unwrap();
    follow(&sandbox, "shell failed");
    finds(&sandbox, "shell ok", &["claude is an alias of `", ".bashrc"]);
    nothing_to_do(&sandbox);
}

#[test]
fn claudes_settings_that_concern_us_are_told() {
    let (mut sandbox, _endpoint) = sound();
    let settings = "home/.claude/settings.json";
    sandbox.write(settings, "{ \"env\": {}, // mine\n}");
    finds(&sandbox, "settings warning", &["settings.json whole", "line 1", "neither comments"]);
    sandbox.write(settings, "[]");
    finds(&sandbox, "settings warning", &["it is not a JSON object"]);
    let besides =
        "{ \"env\": { \"OTEL_LOGS_EXPORTER\": \"otlp, console\", \"OTEL_LOG_RAW_API_BODIES\": \"file:/tmp/x\" } }";
    sandbox.write(settings, besides);
    let told =
        "besides, and unmasked, as you have set it: OTEL_LOGS_EXPORTER=console, OTEL_LOG_RAW_API_BODIES=file:/tmp/x";
    finds(&sandbox, "settings ok", &[told]);
    nothing_to_do(&sandbox);
    fs::remove_file(sandbox.at(settings)).unwrap();

    let remote =
        sandbox.write("home/.claude/remote-settings.json", "{ \"env\": { \"OTEL_EXPORTER_OTLP_ENDPOINT\": \"x\" } }");
    finds(&sandbox, "settings warning", &["a server or a gateway", "`env.OTEL_EXPORTER_OTLP_ENDPOINT`"]);
    fs::write(remote, "{ \"permissions\": {} }").unwrap();
    nothing_to_do(&sandbox);

    executable(&sandbox, "bin/launch", "#!/bin/sh\nexec \"$@\"\n");
    let wrapper = sandbox.bin().join("launch");
    sandbox.set("CLAUDE_CODE_PROCESS_WRAPPER", format!("\"{}\" -x", wrapper.display()));
    finds(&sandbox, "wrapper ok", &["/launch is started behind cc-observe's own"]);
    sandbox.set("CLAUDE_CODE_PROCESS_WRAPPER", "[broken");
    finds(&sandbox, "wrapper warning", &["no list of words", "not observed", "`unset CLAUDE_CODE_PROCESS_WRAPPER`"]);
    sandbox.set("CLAUDE_CODE_PROCESS_WRAPPER", "[\"/nowhere/launch\", \"-x\"]");
    finds(&sandbox, "wrapper failed", &["/nowhere/launch cannot be executed", "do not start"]);
    sandbox.unset("CLAUDE_CODE_PROCESS_WRAPPER");
    nothing_to_do(&sandbox);
    sandbox.write(settings, "{ \"processWrapper\": \"/nowhere/launch\" }");
    finds(&sandbox, "wrapper failed", &["take out processWrapper in ", "settings.json"]);
    sandbox.write(settings, "{}");
    nothing_to_do(&sandbox);
}

#[test]
fn files_that_are_not_the_persons_alone_are_told_and_the_hint_mends_it() {
    let (sandbox, _endpoint) = sound();
    nothing_to_do(&sandbox);
    let held = sandbox.write("home/.local/state/cc-observe/settings/a b.json", "{}");
    fs::set_permissions(held.parent().unwrap(), fs::Permissions::from_mode(0o700)).unwrap();
    for mode in [0o644, 0o620, 0o601] {
        fs::set_permissions(&held, fs::Permissions::from_mode(mode)).unwrap();
        finds(&sandbox, "permissions warning", &["others may read or write", "a b.json", "chmod -R go-rwx "]);
        follow(&sandbox, "permissions warning");
        nothing_to_do(&sandbox);
    }
    let token = sandbox.write("home/.config/cc-observe/credentials/org", "FAKE");
    fs::set_permissions(token, fs::Permissions::from_mode(0o604)).unwrap();
    finds(&sandbox, "permissions warning", &["credentials"]);
    follow(&sandbox, "permissions warning");
    nothing_to_do(&sandbox);
    let config = sandbox.write(CONFIG, "capture = \"metadata\"\n");
    fs::set_permissions(config, fs::Permissions::from_mode(0o664)).unwrap();
    finds(&sandbox, "configuration warning", &["others may write", "where telemetry goes"]);
    follow(&sandbox, "configuration warning");
    nothing_to_do(&sandbox);
    if !geteuid().is_root() {
        eprintln!("skipped: only root gives files away");
        return;
    }
    chown(&held, Some(65_534), None).unwrap();
    finds(&sandbox, "permissions failed", &["of another user", "a b.json"]);
    follow(&sandbox, "permissions failed");
    nothing_to_do(&sandbox);
}

#[test]
fn too_little_room_is_told_and_the_hint_mends_it() {
    let (sandbox, _endpoint) = sound();
    // More than any disk has.
    sandbox.write(CONFIG, "spool.max_bytes = 4611686018427387904\n");
    finds(&sandbox, "state warning", &[" MiB free where ", "make room there"]);
    follow(&sandbox, "state warning");
    nothing_to_do(&sandbox);
}

#[test]
fn a_spool_that_cannot_be_written_to_is_told() {
    on_a_machine_with(&[], || {
        let (sandbox, _endpoint) = sound();
        nothing_to_do(&sandbox);
        let spool = sandbox.at("home/.local/state/cc-observe/spool");
        fs::create_dir_all(&spool).unwrap();
        fs::set_permissions(&spool, fs::Permissions::from_mode(0o700)).unwrap();
        mount(Some("none"), &spool, Some("tmpfs"), MsFlags::MS_RDONLY, Some("mode=700")).unwrap();
        finds(&sandbox, "spool failed", &["full or read-only", "make room on its disk"]);
        nix::mount::umount(&spool).unwrap();
        nothing_to_do(&sandbox);
    });
}

#[test]
fn what_an_endpoint_did_not_take_is_told_until_the_hint_was_followed() {
    let (mut sandbox, endpoint) = sound();
    endpoint.set_mode(Mode::Status { code: 400, first: None });
    fs::remove_file(sandbox.claude()).unwrap();
    symlink(crate::support::sandbox::fake_claude(), sandbox.claude()).unwrap();
    sandbox.plays("14a-logs-only");
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.wait_until_idle();
    claude_that_says(&sandbox, "2.1.330");
    endpoint.set_mode(Mode::Ok);
    finds(&sandbox, "spool warning", &["set aside for endpoint-", "which it does not take"]);
    follow(&sandbox, "spool warning");
    nothing_to_do(&sandbox);
}

#[test]
fn what_was_lost_is_told_until_the_hint_was_followed() {
    let (mut sandbox, endpoint) = sound();
    endpoint.set_mode(Mode::Status { code: 503, first: None });
    fs::remove_file(sandbox.claude()).unwrap();
    symlink(crate::support::sandbox::fake_claude(), sandbox.claude()).unwrap();
    sandbox.plays("14a-logs-only");
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.kill_relays();
    sandbox.wait_until_idle();
    claude_that_says(&sandbox, "2.1.330");
    let mut find = sandbox.command("find");
    find.args(["home/.local/state/cc-observe/spool", "-size", "+512c", "-type", "f"]).current_dir(sandbox.at(""));
    let files = run(find).out();
    assert!(!files.is_empty());
    for file in files.lines() {
        let file = sandbox.at(file);
        let mut bytes = fs::read(&file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(file, bytes).unwrap();
    }
    endpoint.set_mode(Mode::Ok);
    run(sandbox.cc_observe(["spool", "flush"]));
    finds(&sandbox, "spool warning", &["dropped for endpoint-", "counts anew"]);
    follow(&sandbox, "spool warning: dropped");
    nothing_to_do(&sandbox);
}

#[test]
fn a_spool_that_cannot_be_read_is_told() {
    let (sandbox, _endpoint) = sound();
    nothing_to_do(&sandbox);
    let spool = sandbox.write("home/.local/state/cc-observe/spool", "in the way");
    fs::set_permissions(&spool, fs::Permissions::from_mode(0o600)).unwrap();
    finds(&sandbox, "spool failed", &["look at the directory `spool`"]);
    fs::remove_file(spool).unwrap();
    nothing_to_do(&sandbox);
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let (sandbox, endpoint) = sound();
    for (ahead, told) in [
        (0, None),
        (30, None),
        (-30, None),
        (100, Some("behind that of endpoint")),
        (3605, Some("60 min behind")),
        (-400_000, Some("4 days ahead of that of endpoint")),
    ] {
        endpoint.set_clock_ahead(ahead);
        match told {
            Some(told) => finds(&sandbox, "clock warning", &[told, "look which of both is wrong"]),
            None => nothing_to_do(&sandbox),
        }
    }
}

/// A name that is looked up in vain, one that nobody answers for, a connection that is not made, and one without answers.
#[test]
fn how_far_the_way_to_an_endpoint_can_be_gone_is_told() {
    on_a_machine_with(&[("resolv.conf", "nameserver 127.0.0.77\n"), ("nsswitch.conf", "hosts: files dns\n")], || {
        let (mut sandbox, endpoint) = sound();
        sandbox.set("CC_OBSERVE_ENDPOINT", "http://collector.example:4318");
        finds(&sandbox, "destination failed", &["look at the host's name in its endpoint"]);
        let silent = UdpSocket::bind("127.0.0.77:53").unwrap();
        finds(&sandbox, "destination failed", &["cannot be looked up in time", "its servers do not answer"]);
        drop(silent);
        let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
        fs::write("/etc/hosts", format!("{hosts}\n127.0.0.1 collector.example\n")).unwrap();
        let port = endpoint.url().rsplit_once(':').unwrap().1.to_owned();
        sandbox.set("CC_OBSERVE_ENDPOINT", format!("http://collector.example:{port}"));
        nothing_to_do(&sandbox);
    });
    let (mut sandbox, endpoint) = sound();
    let full = TcpListener::bind("127.0.0.1:0").unwrap();
    listen(&full, Backlog::new(0).unwrap()).unwrap();
    let address = full.local_addr().unwrap();
    let _waits = TcpStream::connect(address).unwrap();
    sandbox.set("CC_OBSERVE_ENDPOINT", format!("http://{address}"));
    finds(&sandbox, "destination failed", &["cannot be connected to in time", "a firewall"]);
    sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url());
    endpoint.set_mode(Mode::Hang);
    finds(&sandbox, "destination failed", &["can be connected to, and does not answer in time"]);
    endpoint.set_mode(Mode::Ok);
    // A proxy that is not there, until it is one.
    sandbox.set("CC_OBSERVE_ENDPOINT", "http://collector.example:4318").set("HTTP_PROXY", "http://127.0.0.1:1");
    finds(&sandbox, "destination failed", &["look at HTTPS_PROXY, HTTP_PROXY and NO_PROXY"]);
    sandbox.set("HTTP_PROXY", endpoint.url());
    nothing_to_do(&sandbox);
}

#[test]
fn a_destination_of_the_persons_own_that_cannot_be_used_is_told() {
    let (mut sandbox, endpoint) = sound();
    sandbox.unset("CC_OBSERVE_ENDPOINT").set("CLAUDE_CODE_ENABLE_TELEMETRY", "1");
    sandbox.set("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.url()).set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/xml");
    for signal in ["LOGS", "METRICS"] {
        sandbox.set(format!("OTEL_{signal}_EXPORTER"), "otlp");
    }
    finds(&sandbox, "destination failed", &["http/xml", "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"]);
    sandbox.set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    finds(&sandbox, "destination ok", &["environment takes logs, metrics"]);
    nothing_to_do(&sandbox);
    sandbox.set("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://elsewhere");
    finds(&sandbox, "destination failed", &["mend OTEL_EXPORTER_OTLP_ENDPOINT, or unset it"]);
}

/// A relay of another version, made by changing the version in a copy of the program.
#[test]
fn a_relay_of_another_version_is_told_until_it_is_gone() {
    let (mut sandbox, _endpoint) = sound();
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let mut program = fs::read(cc_observe()).unwrap();
    let places: Vec<usize> =
        program.windows(version.len()).enumerate().filter(|(_, text)| *text == version).map(|(at, _)| at).collect();
    for at in places {
        let last = at + version.len() - 1;
        program[last] = if program[last] == b'9' { b'8' } else { b'9' };
    }
    let old = sandbox.write("old/cc-observe.bin", program);
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    // In a process of its own: what other tests start meanwhile would keep a file open that is to be executed.
    let other = sandbox.at("old/cc-observe");
    assert!(Command::new("cp").args([&old, &other]).status().unwrap().success());
    fs::remove_file(sandbox.claude()).unwrap();
    symlink(crate::support::sandbox::fake_claude(), sandbox.claude()).unwrap();
    sandbox.plays("14a-logs-only").does(["touch:../out/ready", "wait-file:../out/go", "exit:0"]);
    let mut command = sandbox.command(&other);
    command.args(["claude", "-p", "go"]);
    let started = crate::support::start(command);
    sandbox.wait_for_file("out/ready");
    crate::support::wait_until("its relay answers", || {
        !doctor(&sandbox).0.iter().any(|line| line.contains("nothing runs"))
    });
    finds(&sandbox, "running warning", &["1 relay", "of another version than", "they go on as they are"]);
    sandbox.write("out/go", "");
    assert_eq!(started.wait().code(), Some(0));
    sandbox.wait_until_idle();
    claude_that_says(&sandbox, "2.1.330");
    nothing_to_do(&sandbox);
}

/// Serves TLS with a certificate of an authority that nobody knows, and takes everything. Its address, and the authority.
fn unknown_to_all() -> (String, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut reader = BufReader::new(StreamOwned::new(connection, stream));
            // Who does not trust it goes away.
            while let Ok(Some(_)) = Request::read(&mut reader) {
                answer(reader.get_mut(), 200, &[("content-type", "application/x-protobuf")], b"").unwrap();
            }
        }
    });
    (url, authority.pem())
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_and_the_hint_mends_it() {
    let (mut sandbox, _endpoint) = sound();
    let (url, authority) = unknown_to_all();
    sandbox.unset("CC_OBSERVE_ENDPOINT");
    let file = sandbox.write("home/ca.pem", authority);
    sandbox.write(CONFIG, format!("[destinations.org]\nendpoint = \"{url}\"\n"));
    let hint = "name its authority: tls = { ca_file = \"/path/ca.pem\" } in [destinations.org]";
    finds(&sandbox, "destination failed", &[hint]);
    let with = |ca: &str| format!("[destinations.org]\nendpoint = \"{url}\"\ntls = {{ ca_file = \"{ca}\" }}\n");
    sandbox.write(CONFIG, with("/nowhere/ca.pem"));
    finds(&sandbox, "destination failed", &["look at tls in [destinations.org]"]);
    sandbox.write(CONFIG, with(file.to_str().unwrap()));
    finds(&sandbox, "destination ok", &["org takes logs, metrics, traces"]);
    nothing_to_do(&sandbox);
}
