//! From nothing to what people want, and back.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::json;

use crate::support::terminal::Terminal;
use crate::support::{OrgEndpoint, Run, Sandbox, on_a_machine_with, run};

const FILE: &str = "home/.config/cc-observe/config.toml";

fn init<const N: usize>(sandbox: &Sandbox, options: [&str; N]) -> Run {
    run(sandbox.cc_observe([&["init"], &options[..]].concat()))
}

fn file(sandbox: &Sandbox, path: &str) -> String {
    fs::read_to_string(sandbox.at(path)).unwrap_or_default()
}

#[test]
fn one_line_sets_it_up_and_the_next_one_is_observed() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default");
    let set_up = init(&sandbox, ["--yes", "--endpoint", &endpoint.url(), "--capture", "metadata"]);
    assert_eq!((set_up.code(), set_up.err().as_str()), (Some(0), ""), "{}", set_up.out());
    for told in ["Claude Code: ", "org takes logs, metrics, traces", "a new file", "Next: cc-observe claude"] {
        assert!(set_up.out().contains(told), "{told}: {}", set_up.out());
    }
    assert_eq!(
        file(&sandbox, FILE),
        format!("capture = \"metadata\"\n\n[destinations.org]\nendpoint = \"{}\"\n", endpoint.url())
    );
    let mode = |path: &str| fs::metadata(sandbox.at(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(FILE), mode("home/.config/cc-observe/init.json")), (0o600, 0o600));
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    endpoint.wait_for_event("cc_observe.run_ended");
    // Said again, it is there.
    let again = init(&sandbox, ["--yes", "--endpoint", &endpoint.url(), "--capture", "metadata"]);
    assert_eq!(again.code(), Some(0));
    assert!(again.out().contains("it is all there already"), "{}", again.out());
    assert_eq!(run(sandbox.cc_observe(["doctor"])).code(), Some(0));
    sandbox.wait_until_idle();
}

#[test]
fn an_endpoint_that_lets_in_who_knows_it_is_not_for_the_history_of_a_shell() {
    let endpoint = OrgEndpoint::start();
    let told = "your shell's history holds this line now";
    for (url, is_told) in [
        (endpoint.url(), false),
        (format!("{}/otlp", endpoint.url()), false),
        (endpoint.url().replace("//", "//me:Tr0ub4dorFAKE@"), true),
    ] {
        let sandbox = Sandbox::new();
        let set_up = init(&sandbox, ["--yes", "--endpoint", &url]);
        assert_eq!(set_up.out().contains(told), is_told, "{url}: {}", set_up.out());
        assert!(!set_up.out().contains("Tr0ub4dorFAKE"), "{}", set_up.out());
    }
}

#[test]
fn what_was_there_is_kept_and_comes_back() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    symlink(crate::support::sandbox::cc_observe(), sandbox.bin().join("cc-observe")).unwrap();
    let before = "# mine\ncapture = \"content\" # for now\n\n[destinations.other]\nendpoint = \"http://127.0.0.1:9\"\n\n\
                  [destinations.org]\nendpoint = \"http://127.0.0.1:8\"\nheaders = { token = \"FAKE-0123\" }\n";
    sandbox.write(FILE, before);
    fs::set_permissions(sandbox.at(FILE), fs::Permissions::from_mode(0o640)).unwrap();
    let bashrc = "export A=1\n";
    sandbox.write("home/.bashrc", bashrc);
    let options = ["--yes", "--endpoint", &endpoint.url(), "--capture", "metadata", "--shell", "bash"];
    let set_up = init(&sandbox, options);
    assert_eq!(set_up.code(), Some(0), "{}{}", set_up.out(), set_up.err());
    let written = file(&sandbox, FILE);
    assert!(written.starts_with("# mine\ncapture = \"metadata\" # for now\n\n[destinations.other]\n"), "{written}");
    assert!(written.contains(&endpoint.url()) && !written.contains("FAKE-0123"), "{written}");
    assert_eq!(file(&sandbox, &format!("{FILE}.before-init")), before);
    assert!(file(&sandbox, "home/.bashrc").contains("alias claude='cc-observe claude'"));
    // A second time, with something else: what was there before the first time is what counts.
    assert_eq!(init(&sandbox, ["--yes", "--endpoint", &endpoint.url(), "--capture", "commands"]).code(), Some(0));
    // The alias works in the shell that has it.
    sandbox.plays("01-default");
    let mut shell = sandbox.command("/bin/bash");
    shell.args(["-ic", "claude -p go"]);
    assert_eq!(run(shell).code(), Some(0));
    endpoint.wait_for_event("cc_observe.run_ended");
    // It goes on trying the other destination.
    sandbox.kill_relays();

    let shown = init(&sandbox, ["--remove", "--dry-run"]);
    assert!(
        shown.out().contains("destinations.org") && shown.out().contains(".bashrc"),
        "{}{}",
        shown.out(),
        shown.err()
    );
    assert_eq!(init(&sandbox, ["--remove"]).code(), Some(2), "nobody can be asked");
    assert_eq!(init(&sandbox, ["--remove", "--yes"]).code(), Some(0));
    let after = file(&sandbox, FILE);
    assert!(after.starts_with("# mine\ncapture = \"content\" # for now\n"), "{after}");
    let table = |text: &str| text.parse::<toml_edit::DocumentMut>().unwrap()["destinations"]["org"].to_string();
    assert_eq!(table(&after).trim(), table(before).trim());
    assert_eq!(file(&sandbox, "home/.bashrc"), bashrc);
    assert!(!sandbox.at("home/.config/cc-observe/init.json").exists());
    assert!(init(&sandbox, ["--remove", "--yes"]).out().contains("nothing that `cc-observe init` wrote"));
}

#[test]
fn what_it_made_is_gone_and_what_was_changed_since_stays() {
    let endpoint = OrgEndpoint::start();
    let sandbox = Sandbox::new();
    let options = ["--yes", "--endpoint", &endpoint.url(), "--shell", "fish"];
    assert_eq!(init(&sandbox, options).code(), Some(0));
    let fish = "home/.config/fish/conf.d/cc-observe.fish";
    assert!(file(&sandbox, fish).contains("alias claude"));
    assert_eq!(init(&sandbox, ["--remove", "--yes"]).code(), Some(0));
    for gone in [FILE, fish, "home/.config/cc-observe/init.json"] {
        assert!(!sandbox.at(gone).exists(), "{gone}");
    }
    assert_eq!(init(&sandbox, options).code(), Some(0));
    assert_eq!(run(sandbox.cc_observe(["config", "set", "destinations.org.capture", "metadata"])).code(), Some(0));
    let removed = init(&sandbox, ["--remove", "--yes"]);
    assert!(removed.out().contains("destinations.org was changed since, and stays"), "{}", removed.out());
    assert!(file(&sandbox, FILE).contains("[destinations.org]") && !sandbox.at(fish).exists());
}

#[test]
fn a_preset_knows_header_and_form_and_the_token_is_no_argument() {
    let endpoint = OrgEndpoint::start();
    for (preset, lines, header) in [
        (
            "grafana",
            "auth = { header = \"Authorization\", scheme = \"Basic\", token = \"keyring\" }\ntemporality = \"cumulative\"\n",
            ("authorization", "Basic MTIzOkZBS0Utc2VjcmV0"),
        ),
        (
            "honeycomb",
            "auth = { header = \"x-honeycomb-team\", token = \"keyring\" }\n",
            ("x-honeycomb-team", "123:FAKE-secret"),
        ),
        (
            "datadog",
            "auth = { header = \"dd-api-key\", token = \"keyring\" }\nsignals = [\"logs\", \"metrics\"]\n",
            ("dd-api-key", "123:FAKE-secret"),
        ),
        (
            "elastic",
            "auth = { header = \"Authorization\", scheme = \"ApiKey\", token = \"keyring\" }\n",
            ("authorization", "ApiKey 123:FAKE-secret"),
        ),
        ("sumo", "auth = { header = \"x-sumo-token\", token = \"keyring\" }\n", ("x-sumo-token", "123:FAKE-secret")),
        ("otlp", "auth = { token = \"keyring\" }\n", ("authorization", "Bearer 123:FAKE-secret")),
    ] {
        let before = endpoint.requests().len();
        let mut sandbox = Sandbox::new();
        let mut command = crate::support::start(sandbox.cc_observe([
            "init",
            "--yes",
            "--preset",
            preset,
            "--endpoint",
            &endpoint.url(),
            "--token-stdin",
        ]));
        command.send("123:FAKE-secret\n").close_stdin();
        let ended = command.wait();
        assert_eq!(ended.code(), Some(0), "{preset}: {}{}", ended.out(), ended.err());
        let name = if preset == "otlp" { "org" } else { preset };
        assert_eq!(
            file(&sandbox, FILE),
            format!("[destinations.{name}]\nendpoint = \"{}\"\n{lines}", endpoint.url()),
            "{preset}"
        );
        assert!(
            !ended.out().contains("FAKE-secret")
                && !file(&sandbox, "home/.config/cc-observe/init.json").contains("FAKE")
        );
        let asked = &endpoint.requests()[before..];
        assert!(
            !asked.is_empty() && asked.iter().all(|request| request.request.header(header.0) == Some(header.1)),
            "{preset}"
        );
        // And the relay finds it.
        sandbox.plays("01-default");
        assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
        sandbox.wait_until_idle();
        let all = endpoint.requests();
        assert!(
            all.len() > before + asked.len()
                && all[before..].iter().all(|it| it.request.header(header.0) == Some(header.1))
        );
        assert_eq!(init(&sandbox, ["--remove", "--yes"]).code(), Some(0));
        assert!(!sandbox.at(&format!("home/.config/cc-observe/credentials/{name}")).exists());
    }
}

#[test]
fn an_endpoint_that_does_not_take_it_is_said_and_written_all_the_same() {
    let sandbox = Sandbox::new();
    let away = init(&sandbox, ["--yes", "--endpoint", "http://127.0.0.1:9"]);
    assert_eq!(away.code(), Some(1));
    assert!(
        away.out().contains("org refuses connections") && away.out().contains("waits on this machine"),
        "{}",
        away.out()
    );
    assert!(file(&sandbox, FILE).contains("127.0.0.1:9"));
    let no_token = init(&sandbox, ["--yes", "--preset", "honeycomb", "--endpoint", "http://127.0.0.1:9"]);
    assert_eq!(no_token.code(), Some(1));
    assert!(no_token.out().contains("`cc-observe auth set honeycomb`"), "{}", no_token.out());
    for (options, what) in [
        (&["--yes", "--endpoint", "gopher://x"][..], "the endpoint: "),
        (&["--yes", "--preset", "elastic"], "--endpoint URL, such as"),
        (&["--endpoint", "http://127.0.0.1:9"], "say --yes"),
        (&["--yes", "--endpoint", "http://127.0.0.1:9", "--name", "Org!"], "a destination's name"),
    ] {
        let refused = run(sandbox.cc_observe([&["init"], options].concat()));
        assert_eq!(refused.code(), Some(2), "{options:?}");
        assert!(refused.err().contains(what), "{options:?}: {}", refused.err());
    }
    sandbox.write(FILE, "captur = 7\n");
    let wrong = init(&sandbox, ["--yes", "--endpoint", "http://127.0.0.1:9"]);
    assert_eq!(wrong.code(), Some(2));
    assert!(wrong.err().contains("mend this first"), "{}", wrong.err());
    assert_eq!(file(&sandbox, FILE), "captur = 7\n");
}

#[test]
fn what_claude_has_already_is_used_and_can_be_taken_over() {
    let endpoint = OrgEndpoint::start();
    let sandbox = Sandbox::new();
    let settings = json!({ "env": {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1", "OTEL_LOGS_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint.url(), "OTEL_EXPORTER_OTLP_HEADERS": "x-key=FAKE-0123",
    }});
    sandbox.write("home/.claude/settings.json", settings.to_string());
    let as_it_is = init(&sandbox, ["--yes"]);
    assert_eq!(as_it_is.code(), Some(0));
    assert!(as_it_is.out().contains("an OTLP endpoint already") && !sandbox.at(FILE).exists(), "{}", as_it_is.out());
    let taken = init(&sandbox, ["--yes", "--take-over"]);
    assert_eq!(taken.code(), Some(0), "{}{}", taken.out(), taken.err());
    assert!(!taken.out().contains("FAKE-0123"), "{}", taken.out());
    assert_eq!(
        file(&sandbox, FILE),
        format!(
            "[destinations.org]\nendpoint = \"{}\"\nheaders = {{ x-key = \"FAKE-0123\" }}\nsignals = [\"logs\", \"metrics\"]\n",
            endpoint.url()
        )
    );
    assert_eq!(init(&Sandbox::new(), ["--yes", "--take-over"]).code(), Some(1));
}

#[test]
fn who_sits_at_a_terminal_is_asked_and_can_say_no() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.set("SHELL", "/bin/zsh");
    let answers = |last: &str| {
        let (mut terminal, mut child) = Terminal::start(&sandbox.cc_observe(["init"]), "");
        terminal.wait_for("leave it as it is:", 1);
        terminal.send("nonsense\n");
        terminal.wait_for("that is none of them", 1);
        terminal.send(format!("{}\n", endpoint.url()));
        terminal.wait_for("it is not shown", 1);
        terminal.send("FAKE-typed\n");
        terminal.wait_for("[commands]:", 1);
        terminal.send("metadata\n");
        terminal.wait_for("~/.zshrc? [y/N]", 1);
        terminal.send("y\n");
        terminal.wait_for("Write it? [Y/n]", 1);
        terminal.send(last);
        let shown = String::from_utf8(terminal.wait_closed()).unwrap();
        (child.wait().unwrap().code(), shown)
    };
    let (code, shown) = answers("n\n");
    assert_eq!(code, Some(1), "{shown}");
    assert!(!sandbox.at(FILE).exists() && !sandbox.at("home/.zshrc").exists(), "{shown}");
    let (code, shown) = answers("\n");
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("FAKE-typed"), "{shown}");
    assert!(file(&sandbox, FILE).contains("capture = \"metadata\""));
    assert!(file(&sandbox, "home/.zshrc").contains("claude'"));
    assert_eq!(file(&sandbox, "home/.config/cc-observe/credentials/org").trim(), "FAKE-typed");
}

#[test]
fn the_organizations_destination_is_not_for_init_to_change_and_neither_is_it_below_claude() {
    let said = "[destinations.org]\nendpoint = \"http://127.0.0.1:9\"\n";
    on_a_machine_with(&[("cc-observe/managed.toml", said)], || {
        let sandbox = Sandbox::new();
        let refused = init(&sandbox, ["--yes", "--endpoint", "http://127.0.0.1:8"]);
        assert_eq!(refused.code(), Some(1));
        assert!(refused.err().contains("your organization says where telemetry goes"), "{}", refused.err());
        assert!(!sandbox.at(FILE).exists());
        let rest = init(&sandbox, ["--yes", "--shell", "zsh"]);
        assert_eq!(rest.code(), Some(0), "{}", rest.err());
        assert!(sandbox.at("home/.zshrc").exists());
    });
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDECODE", "1");
    for options in [&["init", "--yes", "--endpoint", "http://127.0.0.1:9"][..], &["init", "--remove", "--yes"]] {
        let refused = run(sandbox.cc_observe(options));
        assert_eq!(refused.code(), Some(1));
        assert!(refused.err().contains("below a running Claude Code"), "{}", refused.err());
    }
    assert!(!sandbox.at(FILE).exists());
}
