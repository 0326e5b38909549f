//! This machine's own secrets: masked wherever they stand, and nowhere but in the relay's memory.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use cc_observe::otlp::{Signal, decode, encode};
use cc_observe::redact::{Known, Redactor, TagKey};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::support::records::add_attributes;
use crate::support::{
    Capture, Mode, OrgEndpoint, Sandbox, assert_no_needle, assert_no_needle_in, run, start, wait_until,
};

/// Made up, of no known form, and with characters that are encoded in other ways than letters are.
const PASSWORD: &str = "FAKE/horse 4 'battery'+staple";

/// Ways to write it that a telemetry attribute could hold, all of which the needle of the tests is found in.
fn written(value: &str) -> Vec<(&'static str, String)> {
    let base64 = |text: &str| {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits: Vec<u8> = text.bytes().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
        let sixes = bits.chunks(6).map(|six| (0..6).fold(0, |n, at| n << 1 | six.get(at).unwrap_or(&0)));
        sixes.map(|six| char::from(ALPHABET[usize::from(six)])).collect::<String>()
    };
    let hex: Vec<String> = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    // As a form is sent: nothing but letters and digits is left as it is.
    let form = [("+", "%2B"), ("/", "%2F"), ("'", "%27"), (" ", "+")];
    let form = form.iter().fold(value.to_owned(), |text, (from, to)| text.replace(from, to));
    let command = format!("deploy --to='x' --with '{}'", value.replace('\'', "'\\''"));
    vec![
        ("error", format!("not {value}!")),
        ("full_command", command.clone()),
        ("tool_parameters", json!({ "bash_command": "deploy", "full_command": command }).to_string()),
        ("tool_input", json!({ "json": json!({ "command": command }).to_string() }).to_string()),
        ("description", format!("https://h/?p={form}")),
        ("response", format!("{} {}", base64(&format!("u:{value}")), base64(value))),
        ("output", hex.concat()),
    ]
}

/// A sandbox whose claude sends these attributes with each of its log records.
fn sends(attributes: &[(&str, &str)]) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let source = Capture::directory("14a-logs-only");
    for entry in fs::read_dir(&source).unwrap().flatten() {
        sandbox.write(&format!("capture/{}", entry.file_name().to_str().unwrap()), fs::read(entry.path()).unwrap());
    }
    let capture = Capture::load("14a-logs-only");
    let mut batch = decode(Signal::Logs, capture.requests[0].encoding(), &capture.requests[0].body).unwrap();
    add_attributes(&mut batch, attributes);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&encode(&batch)).unwrap();
    let description: Value = serde_json::from_slice(&fs::read(source.join("capture.json")).unwrap()).unwrap();
    let file = description["requests"][0]["file"].as_str().unwrap().to_owned();
    sandbox.write(&format!("capture/{file}"), gzip.finish().unwrap());
    let directory = sandbox.at("capture");
    sandbox.set("FAKE_CLAUDE_CAPTURE", directory);
    sandbox
}

fn configure(sandbox: &Sandbox, endpoint: &OrgEndpoint, redaction: &str) {
    let config = format!(
        "capture = \"content\"\n{redaction}\n[destinations.org]\nendpoint = \"{}\"\ncapture = \"content\"\n\
         headers = {{ Authorization = \"Bearer FAKE-of-the-0rganization\" }}\n",
        endpoint.url()
    );
    sandbox.write("home/.config/cc-observe/config.toml", config);
}

/// Neither what arrived nor what is kept holds a planted secret; what arrived of it bears a marker.
#[track_caller]
fn assert_masked(sandbox: &Sandbox, endpoint: &OrgEndpoint, planted: &[(&str, String)]) {
    assert_no_needle_in(&sandbox.state());
    assert_no_needle_in(&sandbox.runtime());
    for request in endpoint.requests() {
        assert_no_needle("a body", &request.body);
    }
    for record in endpoint.events("claude_code.api_request") {
        for (attribute, _) in planted {
            let text = record.text(attribute);
            assert!(text.is_empty() || text.contains("[REDACTED:"), "{attribute}: {text}");
        }
    }
}

#[test]
fn the_value_of_a_secret_variable_reaches_neither_endpoint_nor_state_directory() {
    let mut planted = written(PASSWORD);
    planted.push(("prompt", "Tr0ub4dor-FAKE-in-settings".to_owned()));
    let attributes: Vec<_> = planted.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let mut sandbox = sends(&attributes);
    let endpoint = OrgEndpoint::start();
    configure(&sandbox, &endpoint, "");
    sandbox.set("DEPLOY_PASSWORD", PASSWORD);
    // Claude Code adds these to its environment.
    let settings = json!({ "env": { "DEPLOY_TOKEN": "Tr0ub4dor-FAKE-in-settings" } });
    sandbox.write("home/.claude/settings.json", settings.to_string());
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.wait_until_idle();
    endpoint.wait_for_event("claude_code.api_request");
    assert_masked(&sandbox, &endpoint, &planted);
}

#[test]
fn every_source_that_is_switched_on_is_read() {
    let planted = [
        ("error", "Tr0ub4dor-FAKE-in-dotenv".to_owned()),
        ("response", "Tr0ub4dor-FAKE-in-netrc".to_owned()),
        ("description", "FAKE-of-the-0rganization".to_owned()),
    ];
    let attributes: Vec<_> = planted.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let sandbox = sends(&attributes);
    let endpoint = OrgEndpoint::start();
    configure(&sandbox, &endpoint, "[redaction]\nknown_values = [\".env\", \"files\"]");
    sandbox.write("work/.env", "DEPLOY_PASSWORD='Tr0ub4dor-FAKE-in-dotenv'\n");
    sandbox.write("home/.netrc", "machine h login me password Tr0ub4dor-FAKE-in-netrc\n");
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.wait_until_idle();
    endpoint.wait_for_event("claude_code.api_request");
    assert_masked(&sandbox, &endpoint, &planted);
}

#[test]
fn known_values_are_in_no_argument_no_environment_and_no_file_of_the_relay() {
    let endpoint = OrgEndpoint::start_as(Mode::Hang);
    let mut sandbox = Sandbox::new();
    sandbox.plays("14a-logs-only").set("DEPLOY_PASSWORD", PASSWORD).set("CC_OBSERVE_ENDPOINT", endpoint.url());
    sandbox.does(["touch:../out/ready", "wait-file:../out/go"]);
    let started = start(sandbox.observed(["-p", "go"]));
    sandbox.wait_for_file("out/ready");
    wait_until("the relay delivers", || !endpoint.requests().is_empty());
    let relays = sandbox.relays();
    assert_eq!(relays.len(), 1);
    for relay in relays {
        assert_no_needle("the arguments of the relay", &relay.arguments);
        assert_no_needle("the environment of the relay", &relay.environment);
    }
    for directory in ["home", "run", "tmp"] {
        assert_no_needle_in(&sandbox.at(directory));
    }
    sandbox.write("out/go", "");
    assert_eq!(started.wait().code(), Some(0));
    sandbox.assert_no_needle();
}

#[test]
fn the_key_of_this_machine_is_made_once_and_nobody_else_can_read_it() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("14a-logs-only");
    let key = sandbox.state().join("tag.key");
    let read = || {
        assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
        sandbox.wait_until_idle();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::metadata(sandbox.state()).unwrap().permissions().mode() & 0o7777, 0o700);
        fs::read(&key).unwrap()
    };
    let first = read();
    assert_eq!((first.len(), read()), (32, first.clone()));
    assert!(!sandbox.state().join("cc-observe.log").exists() || !log(&sandbox).contains("WARN"), "{}", log(&sandbox));

    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.wait_until_idle();
    assert!(log(&sandbox).contains("its mode is 644 and should be 600"), "{}", log(&sandbox));
}

fn log(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.state().join("cc-observe.log")).unwrap_or_default()
}

#[test]
fn a_source_that_is_none_is_a_mistake_that_is_told() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("14a-logs-only");
    sandbox.write("home/.config/cc-observe/config.toml", "[redaction]\nknown_values = [\"dotenv\"]\n");
    let run = run(sandbox.cc_observe(["--summary", "full", "claude", "-p", "go"]));
    assert_eq!(run.code(), Some(0));
    let told = "config.toml:2: unknown variant …, expected one of `environment`, `.env`, `files`";
    let said = run.err().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(told), "{said}");
}

#[test]
fn a_text_tells_the_same_tag_for_a_known_value_however_it_is_written() {
    let known = Known::new([Zeroizing::new(PASSWORD.to_owned())]);
    let redactor = Redactor::new(TagKey::new(&[7; 32])).known(known);
    let mut tags = Vec::new();
    for (attribute, text) in written(PASSWORD) {
        let (redacted, masked) = redactor.text(&text);
        assert_no_needle(attribute, redacted.as_bytes());
        assert!(!redacted.contains("battery") && !redacted.contains("staple"), "{attribute}: {redacted}");
        tags.extend(masked.into_iter().map(|masked| masked.tag.unwrap()));
    }
    assert_eq!(tags.len(), 8);
    tags.dedup();
    assert_eq!(tags.len(), 1);
}
