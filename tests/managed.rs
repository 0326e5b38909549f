//! What the organization says in managed files, and what people try to get around it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{OrgEndpoint, Sandbox, assert_no_needle, on_a_machine_with, run, wait_until};

/// The organization's destination, and its level.
fn organization(endpoint: &OrgEndpoint) -> String {
    format!(
        "capture = \"metadata\"\n[identity]\nemail = \"hash\"\n[redaction]\nallow = []\n\
         [destinations.org]\nendpoint = \"{}\"\n",
        endpoint.url()
    )
}

/// A way around: what a person does before, and how they start claude. `{}` is where they want it all to go.
type Way = (&'static str, fn(&mut Sandbox, &str) -> Command);

fn plainly(sandbox: &Sandbox) -> Command {
    sandbox.observed(["-p", "go"])
}

const FILE: &str = "home/.config/cc-observe/config.toml";

/// A configuration that says the opposite of the organization's.
fn loose(elsewhere: &str) -> String {
    format!(
        "capture = \"content\"\n[identity]\nemail = \"keep\"\n[redaction]\nallow = [\".*\"]\nknown_values = []\n\
         [levels]\n\"user_prompt.prompt\" = \"metadata\"\n\
         [destinations.org]\nendpoint = \"{elsewhere}\"\ncapture = \"content\"\n\
         [destinations.mine]\nendpoint = \"{elsewhere}\"\ncapture = \"content\"\n"
    )
}

fn exporters(elsewhere: &str) -> Value {
    json!({
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": elsewhere,
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": format!("{elsewhere}/v1/logs"),
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_LOG_USER_PROMPTS": "1",
        "OTEL_LOG_TOOL_DETAILS": "1",
    })
}

/// With the variables of an object.
fn with(mut command: Command, variables: &Value) -> Command {
    for (name, value) in variables.as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    command
}

const WAYS: [Way; 26] = [
    ("a file that says the opposite", |sandbox, elsewhere| {
        sandbox.write(FILE, loose(elsewhere));
        plainly(sandbox)
    }),
    ("a variable that names a file that says the opposite", |sandbox, elsewhere| {
        let file = sandbox.write("home/mine.toml", loose(elsewhere));
        sandbox.set("CC_OBSERVE_CONFIG", file);
        plainly(sandbox)
    }),
    ("a variable that names no file", |sandbox, _| {
        sandbox.set("CC_OBSERVE_CONFIG", "/nonexistent");
        plainly(sandbox)
    }),
    ("a file that is no TOML", |sandbox, elsewhere| {
        sandbox.write(FILE, format!("[destinations.org\nendpoint = \"{elsewhere}\""));
        plainly(sandbox)
    }),
    ("a file that cannot be read", |sandbox, _| {
        fs::create_dir_all(sandbox.at(FILE)).unwrap();
        plainly(sandbox)
    }),
    ("a file whose rule cannot be used", |sandbox, elsewhere| {
        let rule = "[[redaction.rules]]\nid = \"x\"\npattern = \"(\"\n";
        sandbox.write(FILE, format!("{}{rule}", loose(elsewhere)));
        plainly(sandbox)
    }),
    ("a destination of the organization's name alone", |sandbox, elsewhere| {
        sandbox.write(FILE, format!("[destinations.org]\nendpoint = \"{elsewhere}\"\nsignals = [\"traces\"]\n"));
        plainly(sandbox)
    }),
    ("keys of managed files in their own", |sandbox, elsewhere| {
        sandbox.write(FILE, format!("required = false\n[defaults]\ncapture = \"content\"\n{}", loose(elsewhere)));
        plainly(sandbox)
    }),
    ("a link from their configuration to the organization's, which is not theirs", |sandbox, _| {
        fs::create_dir_all(sandbox.at("home/.config")).unwrap();
        symlink("/etc/cc-observe", sandbox.at("home/.config/cc-observe")).unwrap();
        plainly(sandbox)
    }),
    ("an address in a variable", |sandbox, elsewhere| {
        sandbox.set("CC_OBSERVE_ENDPOINT", elsewhere);
        plainly(sandbox)
    }),
    ("an address in a variable that is none", |sandbox, _| {
        sandbox.set("CC_OBSERVE_ENDPOINT", "nowhere");
        plainly(sandbox)
    }),
    ("a level in a variable", |sandbox, _| {
        sandbox.set("CC_OBSERVE_CAPTURE", "content").set("CC_OBSERVE_IDENTITY_EMAIL", "keep");
        sandbox.set("CC_OBSERVE_KNOWN_VALUES", "");
        plainly(sandbox)
    }),
    ("a level in a variable that is none", |sandbox, _| {
        sandbox.set("CC_OBSERVE_CAPTURE", "all").set("CC_OBSERVE_SPOOL_MAX_BYTES", "none");
        plainly(sandbox)
    }),
    ("options", |sandbox, _| sandbox.cc_observe(["--summary", "off", "claude", "-p", "go"])),
    ("settings on the command line", |sandbox, elsewhere| {
        let settings = json!({ "env": exporters(elsewhere), "otelHeadersHelper": "touch ../out/helped" });
        sandbox.observed(["--settings", &settings.to_string(), "-p", "go"])
    }),
    ("settings in a file", |sandbox, elsewhere| {
        let settings = sandbox.write("work/own.json", json!({ "env": exporters(elsewhere) }).to_string());
        sandbox.observed(["--settings", settings.to_str().unwrap(), "-p", "go"])
    }),
    ("settings twice", |sandbox, elsewhere| {
        let settings = json!({ "env": exporters(elsewhere) }).to_string();
        sandbox.observed(["--settings", &settings, "--settings", &settings, "-p", "go"])
    }),
    ("settings of the user", |sandbox, elsewhere| {
        sandbox.write("home/.claude/settings.json", json!({ "env": exporters(elsewhere) }).to_string());
        plainly(sandbox)
    }),
    ("settings of the project", |sandbox, elsewhere| {
        let settings = json!({ "env": exporters(elsewhere) }).to_string();
        sandbox.write("work/.claude/settings.json", &settings);
        sandbox.write("work/.claude/settings.local.json", settings);
        plainly(sandbox)
    }),
    ("exporters in the environment", |sandbox, elsewhere| with(plainly(sandbox), &exporters(elsewhere))),
    ("telemetry switched off in the environment", |sandbox, _| {
        let off = json!({
            "CLAUDE_CODE_ENABLE_TELEMETRY": "0", "OTEL_LOGS_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none",
            "OTEL_SDK_DISABLED": "true",
        });
        with(plainly(sandbox), &off)
    }),
    ("a home elsewhere", |sandbox, elsewhere| {
        sandbox.write("other/.config/cc-observe/config.toml", loose(elsewhere));
        let other = sandbox.at("other");
        sandbox.set("HOME", other);
        for name in ["CONFIG", "DATA", "CACHE", "STATE"] {
            sandbox.unset(&format!("XDG_{name}_HOME"));
        }
        plainly(sandbox)
    }),
    ("directories elsewhere", |sandbox, elsewhere| {
        sandbox.write("other/cc-observe/config.toml", loose(elsewhere));
        sandbox.write("other/cc-observe/managed.toml", loose(elsewhere));
        let other = sandbox.at("other");
        sandbox.set("XDG_CONFIG_HOME", &other).set("XDG_CONFIG_DIRS", &other).set("XDG_RUNTIME_DIR", other);
        plainly(sandbox)
    }),
    ("another name for the program", |sandbox, elsewhere| {
        sandbox.set("CC_OBSERVE_ENDPOINT", elsewhere);
        fs::copy(env!("CARGO_BIN_EXE_cc-observe"), sandbox.at("bin/mine")).unwrap();
        let mut command = sandbox.command(sandbox.at("bin/mine"));
        command.args(["claude", "-p", "go"]);
        command
    }),
    ("a link that is called claude", |sandbox, elsewhere| {
        sandbox.set("CC_OBSERVE_ENDPOINT", elsewhere).set("CC_OBSERVE_CAPTURE", "content");
        let shim = sandbox.shim_claude();
        let mut command = sandbox.command(shim);
        command.args(["-p", "go"]);
        command
    }),
    ("below something that looks like Claude Code", |sandbox, elsewhere| {
        sandbox.set("CLAUDECODE", "1").set("CC_OBSERVE_ENDPOINT", elsewhere).set("CC_OBSERVE_CAPTURE", "content");
        with(plainly(sandbox), &exporters(elsewhere))
    }),
];

#[test]
fn where_the_organization_says_where_to_and_how_much_nobody_gets_around_it() {
    let [organizations, elsewhere] = [OrgEndpoint::start(), OrgEndpoint::start()];
    on_a_machine_with(&[("cc-observe/managed.toml", &organization(&organizations))], move || {
        for (n, (what, try_it)) in WAYS.iter().enumerate() {
            let mut sandbox = Sandbox::new();
            sandbox.plays("03-content");
            let ended = run(try_it(&mut sandbox, &elsewhere.url()));
            assert_eq!(ended.code(), Some(0), "{what}: {ended:?}");
            sandbox.wait_until_idle();
            wait_until(&format!("{what}: the organization has the run"), || {
                organizations.events("cc_observe.run_ended").len() == n + 1
            });
            assert!(elsewhere.requests().is_empty(), "{what}: nothing goes elsewhere");
            assert!(!sandbox.at("out/helped").exists(), "{what}: nothing of a helper runs");
            sandbox.assert_no_needle();
        }
        let prompts = organizations.events("claude_code.user_prompt");
        let requests = organizations.events("claude_code.api_request").len();
        let runs = WAYS.len();
        assert_eq!((prompts.len() % runs, requests % runs), (0, 0), "every run sent the same");
        assert!(!prompts.is_empty() && requests > 0);
        assert!(organizations.events("cc_observe.run_started").iter().all(|run| run.text("capture") == "metadata"));
        for record in organizations.records() {
            for closed in ["prompt", "tool_input", "tool_parameters", "response", "full_command"] {
                assert!(!record.attributes.contains_key(closed), "{}: {closed}", record.name);
            }
        }
        for request in organizations.requests() {
            assert_no_needle("what the endpoint got", &request.body);
        }
    });
}

#[test]
fn a_session_that_must_be_observed_and_cannot_be_is_not_started() {
    let endpoint = OrgEndpoint::start();
    let required = format!("required = true\n{}", organization(&endpoint));
    on_a_machine_with(&[("cc-observe/managed.d/10-required.toml", &required)], move || {
        let mut sandbox = Sandbox::new();
        sandbox.plays("14a-logs-only");
        assert_eq!(run(plainly(&sandbox)).code(), Some(0));
        sandbox.wait_until_idle();
        endpoint.wait_for_event("cc_observe.run_ended");
        sandbox.forget();
        // What starts no session is nobody's concern.
        assert_eq!(run(sandbox.observed(["--version"])).code(), Some(0));
        sandbox.wait_until_idle();
        sandbox.forget();
        // What cannot be merged could say anything.
        let refused = run(sandbox.observed(["--settings", "// mine\n{}", "-p", "go"]));
        assert_eq!(refused.code(), Some(125), "{refused:?}");
        assert!(!sandbox.claude_was_started() && refused.err().contains("`--settings`"), "{}", refused.err());
        sandbox.wait_until_idle();
        for name in ["home/.local", "run", "tmp"] {
            let path = sandbox.at(name);
            let _ = fs::remove_dir_all(&path);
            fs::write(path, "in the way").unwrap();
        }
        let ended = run(plainly(&sandbox));
        assert_eq!(ended.code(), Some(125), "{ended:?}");
        assert!(!sandbox.claude_was_started());
        assert!(ended.err().contains("your organization requires"), "{}", ended.err());
        assert_eq!(ended.err().lines().count(), 1, "{}", ended.err());
    });
}

#[test]
fn a_file_that_somebody_else_could_have_written_closes_everything_and_says_so() {
    let endpoint = OrgEndpoint::start();
    on_a_machine_with(&[("cc-observe/managed.toml", &organization(&endpoint))], move || {
        fs::set_permissions("/etc/cc-observe/managed.toml", fs::Permissions::from_mode(0o666)).unwrap();
        let mut sandbox = Sandbox::new();
        sandbox.plays("14a-logs-only").set("CC_OBSERVE_ENDPOINT", endpoint.url());
        let ended = run(sandbox.cc_observe(["--summary", "full", "claude", "-p", "go"]));
        assert_eq!(ended.code(), Some(0));
        sandbox.wait_until_idle();
        assert!(endpoint.requests().is_empty());
        assert!(ended.err().contains("managed.toml is not trusted"), "{}", ended.err());
    });
}

#[test]
fn the_claude_that_the_organization_names_is_run_unless_a_path_is_typed() {
    on_a_machine_with(&[("cc-observe/managed.toml", "claude = \"/bin/echo\"\n")], || {
        let mut sandbox = Sandbox::new();
        sandbox.set("CC_OBSERVE_CLAUDE", "/bin/false");
        let mut echo = Command::new("/bin/echo");
        echo.arg("--version");
        assert_eq!(run(sandbox.cc_observe(["claude", "--version"])).out(), run(echo).out());
        assert_eq!(run(sandbox.cc_observe(["/bin/false", "--version"])).code(), Some(1));
    });
}
