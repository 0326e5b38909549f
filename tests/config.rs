//! `cc-observe config` and `cc-observe help environment`: what is in force is shown, changed and checked.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::Value;

use crate::support::{Run, Sandbox, Terminal, on_a_machine_with, run, status_of};

const FILE: &str = "home/.config/cc-observe/config.toml";

fn config(sandbox: &Sandbox, words: &[&str]) -> Run {
    let mut command = sandbox.cc_observe(["config"]);
    command.args(words);
    run(command)
}

fn done(sandbox: &Sandbox, words: &[&str]) -> String {
    let run = config(sandbox, words);
    assert_eq!((run.code(), run.err()), (Some(0), String::new()), "{words:?}");
    run.out()
}

fn json(run: &Run) -> Value {
    serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("no JSON: {}{}", run.out(), run.err()))
}

fn file(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.at(FILE)).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// What looks like a credential, and is none.
fn credential() -> String {
    ["FAKE", "q7Zp0xKd9uW3", "Lm5Rt8Yb2Nc6"].concat()
}

/// A row of `config show`, its columns parted.
fn row(shown: &str, key: &str) -> Vec<String> {
    let line = shown.lines().find(|line| line.split("  ").next() == Some(key));
    let line = line.unwrap_or_else(|| panic!("no {key} in\n{shown}"));
    line.split("  ").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_key_is_shown_with_its_value_and_where_it_came_from() {
    let mut sandbox = Sandbox::new();
    let nothing = done(&sandbox, &["show"]);
    assert_eq!(row(&nothing, "capture"), ["capture", "\"commands\"", "built in"]);
    assert_eq!(row(&nothing, "claude"), ["claude", "-", "built in"]);
    assert_eq!(row(&nothing, "spool.max_bytes"), ["spool.max_bytes", "268435456", "built in"]);
    assert_eq!(row(&nothing, "redaction.known_values")[1], "[\"environment\"]");
    assert!(!sandbox.at("home/.config").exists(), "looking makes nothing");

    let secret = credential();
    let path = sandbox.write(
        FILE,
        format!(
            "summary = \"line\"\n\n[destinations.org]\nendpoint = \"https://me:{secret}@otlp.example.com/{secret}\"\n\
             headers = {{ x-token = \"{secret}\" }}\nauth = {{ token = \"env\", env = \"{secret}\" }}\n"
        ),
    );
    sandbox.set("CC_OBSERVE_SPOOL_MAX_AGE", "2h");
    let shown = done(&sandbox, &["show"]);
    assert_eq!(row(&shown, "summary"), ["summary", "\"line\"", &format!("{}:1", path.display())]);
    assert_eq!(row(&shown, "spool.max_age"), ["spool.max_age", "\"2h\"", "CC_OBSERVE_SPOOL_MAX_AGE"]);
    assert_eq!(row(&shown, "destinations.org.endpoint")[1], "\"https://otlp.example.com\"");
    assert_eq!(row(&shown, "destinations.org.headers.x-token")[1], "(not shown)");
    assert_eq!(row(&shown, "destinations.org.auth.token")[1], "\"env\"");
    assert_eq!(row(&shown, "destinations.org.protocol")[1..], ["\"http/protobuf\"", "built in"]);
    let object = config(&sandbox, &["show", "--json"]);
    assert!(!shown.contains(&secret) && !object.out().contains(&secret));
    let keys = json(&object)["keys"].as_array().unwrap().clone();
    let of = |key: &str| keys.iter().find(|row| row["key"] == key).unwrap();
    assert_eq!((&of("summary")["layer"], &of("summary")["from"][0]["line"]), (&"user".into(), &1.into()));
    assert_eq!((&of("capture")["layer"], &of("capture")["from"]), (&"built_in".into(), &Value::Array(Vec::new())));
    assert_eq!(of("destinations.org.headers.x-token")["hidden"], true);

    // Columns stand one below the other.
    let at = |line: &str, what: &str| line.find(what).map(|at| line[..at].chars().count());
    let columns: Vec<_> = shown.lines().filter_map(|line| at(line, "built in")).collect();
    assert!(columns.len() > 10 && columns.windows(2).all(|pair| pair[0] == pair[1]), "{shown}");
}

#[test]
fn who_is_delivered_to_without_a_file_is_shown_too() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CC_OBSERVE_ENDPOINT", format!("http://127.0.0.1:9/{}", credential())).set("CC_OBSERVE_CLAUDE", "/x/y");
    sandbox.write(FILE, "[destinations.org]\nendpoint = \"http://127.0.0.1:8\"\n");
    let shown = done(&sandbox, &["show"]);
    let want = ["destinations.endpoint.endpoint", "\"http://127.0.0.1:9\"", "CC_OBSERVE_ENDPOINT"];
    assert_eq!(row(&shown, "destinations.endpoint.endpoint"), want);
    assert_eq!(row(&shown, "claude")[1..], ["\"/x/y\"", "CC_OBSERVE_CLAUDE"]);
    assert!(!shown.contains("destinations.org"), "{shown}");
}

#[test]
fn a_value_is_told_alone() {
    let sandbox = Sandbox::new();
    sandbox.write(
        FILE,
        format!("claude = '/a b'\n[destinations.org]\nendpoint = 'http://h'\nheaders = {{ x = '{}' }}\n", credential()),
    );
    assert_eq!(done(&sandbox, &["get", "claude"]), "/a b\n");
    assert_eq!(done(&sandbox, &["get", "capture"]), "commands\n");
    assert_eq!(done(&sandbox, &["get", "drop.metrics"]), "[]\n");
    assert_eq!(json(&config(&sandbox, &["get", "claude", "--json"]))["value"], "/a b");
    let none = config(&sandbox, &["get", "destinations.org.max_attribute_bytes"]);
    assert_eq!((none.code(), none.out()), (Some(1), String::new()));
    let hidden = config(&sandbox, &["get", "destinations.org.headers.x"]);
    assert_eq!((hidden.code(), hidden.out()), (Some(1), String::new()));
    assert!(!hidden.err().contains("FAKE"), "{}", hidden.err());
    for (key, want) in [
        ("captrue", "unknown key `captrue`; did you mean `capture`?"),
        ("destinations.org.endpiont", "did you mean `destinations.org.endpoint`?"),
        ("spool", "`spool` is a table: name one of its keys, such as `spool.max_bytes`"),
    ] {
        let unknown = config(&sandbox, &["get", key]);
        assert_eq!(unknown.code(), Some(2));
        assert!(unknown.err().contains(want), "{}", unknown.err());
    }
}

#[test]
fn a_file_is_made_private_and_changed_with_everything_else_kept() {
    let sandbox = Sandbox::new();
    done(&sandbox, &["set", "capture", "metadata"]);
    assert_eq!(file(&sandbox), "capture = \"metadata\"\n");
    assert_eq!((mode(&sandbox.at(FILE)), mode(sandbox.at(FILE).parent().unwrap())), (0o600, 0o700));

    let before = "# Mine.\ncapture = 'commands' # for now\n\n[spool]\n# A day.\nmax_age = '24h'\n";
    let path = sandbox.write(FILE, before);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    done(&sandbox, &["set", "capture", "metadata"]);
    done(&sandbox, &["set", "destinations.org.endpoint", "http://127.0.0.1:9"]);
    done(&sandbox, &["set", "spool.max_batches", "500"]);
    let want = "# Mine.\ncapture = \"metadata\" # for now\n\n[spool]\n# A day.\nmax_age = '24h'\nmax_batches = 500\n";
    assert!(file(&sandbox).starts_with(want), "{}", file(&sandbox));
    assert_eq!(mode(&path), 0o640, "as it was");
    assert_eq!(done(&sandbox, &["get", "destinations.org.endpoint"]), "http://127.0.0.1:9\n");
    done(&sandbox, &["unset", "destinations.org"]);
    done(&sandbox, &["unset", "spool.max_batches"]);
    done(&sandbox, &["set", "capture", "commands"]);
    assert_eq!(file(&sandbox).replace('"', "'").trim(), before.trim());
    let missing = config(&sandbox, &["unset", "summary"]);
    assert_eq!(missing.code(), Some(1));
    assert!(missing.err().contains("`summary` is not set in "), "{}", missing.err());
    let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing is left beside it");
}

#[test]
fn a_mistake_writes_nothing() {
    let sandbox = Sandbox::new();
    for (words, code, want) in [
        (&["set", "capture", "all"][..], 2, "unknown variant …, expected one of `metadata`"),
        (&["set", "captrue", "content"], 2, "did you mean `capture`?"),
        (&["set", "spool.max_bytes", "many"], 2, "the value is not a whole number"),
        (&["set", "spool.max_bytes", "7"], 2, "max_bytes is at least 1048576"),
        (&["set", "destinations.org.protocol", "grpc"], 2, "missing field `endpoint`"),
        (&["set", "redaction.rules", "[{ id = \"x\", pattern = \"(\" }]"], 2, "redaction rule x: "),
        (&["set", "required", "true"], 2, "`required` counts in managed files only"),
        (&["set", "defaults.capture", "content"], 2, "unknown key"),
        (&["set", "spool", "1"], 2, "is a table"),
        (&["unset", "summary"], 1, "is not set"),
        (&["nonsense"], 2, "unrecognized subcommand"),
    ] {
        let run = config(&sandbox, words);
        assert_eq!(run.code(), Some(code), "{words:?}: {}", run.err());
        assert!(run.err().contains(want), "{words:?}: {}", run.err());
        assert!(!sandbox.at("home/.config").exists(), "{words:?}");
    }
    sandbox.write(FILE, "[destinations.org]\nendpoint = 'http://h'\ncapture = 'metadata'\n");
    let before = file(&sandbox);
    assert_eq!(config(&sandbox, &["unset", "destinations.org.endpoint"]).code(), Some(2));
    sandbox.write(FILE, "= 1\n");
    assert_eq!(config(&sandbox, &["set", "capture", "metadata"]).code(), Some(2));
    assert_eq!(file(&sandbox), "= 1\n");
    sandbox.write(FILE, before);
}

#[test]
fn a_link_is_written_through() {
    let sandbox = Sandbox::new();
    let real = sandbox.write("home/dotfiles/observe.toml", "summary = 'line'\n");
    fs::create_dir_all(sandbox.at(FILE).parent().unwrap()).unwrap();
    symlink("../../dotfiles/observe.toml", sandbox.at(FILE)).unwrap();
    done(&sandbox, &["set", "capture", "metadata"]);
    assert!(fs::symlink_metadata(sandbox.at(FILE)).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("capture = \"metadata\""));
    fs::remove_file(&real).unwrap();
    done(&sandbox, &["set", "capture", "content"]);
    assert_eq!(fs::read_to_string(&real).unwrap(), "capture = \"content\"\n");
}

#[test]
fn what_a_variable_says_instead_and_what_looks_like_a_credential_is_told() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CC_OBSERVE_CAPTURE", "metadata");
    let overridden = config(&sandbox, &["set", "capture", "content"]);
    assert_eq!(overridden.code(), Some(0));
    assert!(overridden.err().contains("CC_OBSERVE_CAPTURE is set, and counts instead"), "{}", overridden.err());
    assert_eq!(file(&sandbox), "capture = \"content\"\n");
    let secret = credential();
    let url = format!("https://collectors.example.com/receiver/v1/otlp/{secret}");
    for (key, value) in
        [("destinations.org.endpoint", &*url), ("destinations.org.headers.Authorization", &*format!("Bearer {secret}"))]
    {
        let told = config(&sandbox, &["set", key, value]);
        assert_eq!(told.code(), Some(0), "{}", told.err());
        assert!(told.err().contains("looks like a credential"), "{key}: {}", told.err());
        assert!(!told.err().contains(&secret));
        assert!(file(&sandbox).contains(&secret), "it is done all the same");
    }
    let plain = config(&sandbox, &["set", "destinations.org.headers.x-team", "platform"]);
    assert_eq!((plain.code(), plain.err()), (Some(0), String::new()));
    let lower = config(&sandbox, &["set", "destinations.org.capture", "content"]);
    assert!(lower.err().contains("is the ceiling: metadata counts"), "{}", lower.err());
}

/// An editor that does this with the file it is given.
fn editor(sandbox: &mut Sandbox, script: &str) {
    let path = sandbox.write("bin/editor", format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.set("EDITOR", "editor --wait");
}

#[test]
fn the_file_is_edited_on_a_copy_and_taken_over_once_it_is_sound() {
    let mut sandbox = Sandbox::new();
    editor(&mut sandbox, "test \"$1\" = --wait && printf 'capture = \"metadata\"\\n' >> \"$2\"");
    done(&sandbox, &["edit"]);
    assert_eq!((file(&sandbox), mode(&sandbox.at(FILE))), ("capture = \"metadata\"\n".to_owned(), 0o600));

    editor(&mut sandbox, "printf 'captrue = 1\\nsumary = 2\\n' > \"$2\"");
    let wrong = config(&sandbox, &["edit"]);
    assert_eq!(wrong.code(), Some(2));
    for want in ["config.toml:1: unknown key `captrue`", "config.toml:2: unknown key `sumary`", "what you wrote is in "]
    {
        assert!(wrong.err().contains(want), "{want}: {}", wrong.err());
    }
    assert_eq!(file(&sandbox), "capture = \"metadata\"\n");

    editor(&mut sandbox, "echo 'summary = \"off\"' > \"$2\"; exit 3");
    let ended = config(&sandbox, &["edit"]);
    assert_eq!(ended.code(), Some(1));
    assert!(ended.err().contains("the editor ended with 3"), "{}", ended.err());
    assert_eq!(file(&sandbox), "capture = \"metadata\"\n");

    editor(&mut sandbox, "true");
    assert!(config(&sandbox, &["edit"]).err().contains("nothing was changed"));
    sandbox.set("VISUAL", "/nonexistent/editor");
    assert_eq!(config(&sandbox, &["edit"]).code(), Some(125));
}

#[test]
fn on_a_terminal_it_is_asked_whether_to_edit_again() {
    let mut sandbox = Sandbox::new();
    editor(
        &mut sandbox,
        "if grep -q captrue \"$2\"; then echo 'capture = \"content\"' > \"$2\"; else echo 'captrue = 1' > \"$2\"; fi",
    );
    let (mut terminal, mut child) = Terminal::start(&sandbox.cc_observe(["config", "edit"]), "");
    terminal.wait_for("Edit again? [Y/n]", 1);
    terminal.send("y\n");
    assert_eq!(status_of(&mut child).code(), Some(0));
    assert_eq!(file(&sandbox), "capture = \"content\"\n");
    let left: Vec<_> = fs::read_dir(sandbox.at(FILE).parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn everything_that_is_wrong_is_told_with_its_place() {
    let mut sandbox = Sandbox::new();
    assert_eq!(done(&sandbox, &["check"]), "sound: nothing is configured\n");
    let path = sandbox.write(FILE, "capture = 'metadata'\n");
    assert_eq!(done(&sandbox, &["check"]), format!("sound: read {}\n", path.display()));
    let wrong = sandbox.write(
        "work/wrong.toml",
        "captrue = 1\n[destinations.org]\nendpoint = 'ftp://FAKE'\n[spool]\nmax_age = 'FAKE'\nrequired = true\n",
    );
    let told = config(&sandbox, &["check", "wrong.toml"]);
    let want = [
        "wrong.toml:1: unknown key `captrue`; did you mean `capture`?",
        "wrong.toml:2: destinations.org.endpoint: the scheme is neither http nor https",
        "wrong.toml:5: max_age is a time such as 168h or 90m",
        "wrong.toml:6: unknown field `required`",
    ];
    assert_eq!(told.code(), Some(1));
    for want in want {
        assert!(told.out().lines().any(|line| line.starts_with(want)), "{want}:\n{}", told.out());
    }
    assert!(told.out().lines().count() == want.len() && !told.out().contains("FAKE"), "{}", told.out());
    let object = json(&config(&sandbox, &["check", "wrong.toml", "--json"]));
    assert_eq!((&object["sound"], object["mistakes"].as_array().unwrap().len()), (&false.into(), want.len()));
    assert!(object["mistakes"].as_array().unwrap().iter().any(|mistake| mistake["line"] == 5));

    fs::write(
        &wrong,
        "[[redaction.rules]]\nid = 'x'\npattern = '('\n\n[[redaction.rules]]\nid = 'y'\npattern = 'a*'\n",
    )
    .unwrap();
    let rules = config(&sandbox, &["check", "wrong.toml"]);
    assert_eq!(rules.code(), Some(1));
    assert!(rules.out().contains("wrong.toml:1: redaction rule x: "), "{}", rules.out());
    assert!(rules.out().contains("wrong.toml:5: redaction rule y: "), "{}", rules.out());

    fs::write(&wrong, "required = true\n[defaults]\nsummary = 'line'\n").unwrap();
    assert_eq!(config(&sandbox, &["check", "wrong.toml"]).code(), Some(1));
    assert_eq!(done(&sandbox, &["check", "--managed", "wrong.toml"]), "sound: read wrong.toml\n");
    assert_eq!(config(&sandbox, &["check", "missing.toml"]).code(), Some(125));
    sandbox.set("CC_OBSERVE_CAPTURE", "all");
    let variable = config(&sandbox, &["check"]);
    assert!(
        variable.code() == Some(1) && variable.out().starts_with("CC_OBSERVE_CAPTURE: unknown variant"),
        "{}",
        variable.out()
    );
    // What is wrong keeps nobody from seeing so.
    let shown = config(&sandbox, &["show"]);
    assert_eq!((shown.code(), shown.out()), (Some(2), String::new()));
}

#[test]
fn where_the_file_is_is_told() {
    let mut sandbox = Sandbox::new();
    let path = sandbox.at(FILE);
    assert_eq!(done(&sandbox, &["path"]), format!("{}\n", path.display()));
    let all = done(&sandbox, &["path", "--all"]);
    assert!(all.lines().last().unwrap().ends_with("user     not there"), "{all}");
    assert!(all.contains("/etc/cc-observe/managed.toml"), "{all}");
    let mine = sandbox.write("home/mine.toml", "");
    sandbox.set("CC_OBSERVE_CONFIG", &mine);
    let object = json(&config(&sandbox, &["path", "--json"]));
    assert_eq!(
        (&object["files"][0]["path"], &object["files"][0]["exists"]),
        (&mine.to_str().unwrap().into(), &true.into())
    );
}

#[test]
fn below_claude_code_is_shown_and_not_changed() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CLAUDECODE", "1").set("EDITOR", "touch");
    for words in [&["set", "capture", "content"][..], &["unset", "capture"], &["edit"]] {
        let refused = config(&sandbox, words);
        assert_eq!(refused.code(), Some(1), "{words:?}");
        assert!(refused.err().contains("below a running Claude Code"), "{}", refused.err());
        assert_eq!(refused.err().lines().count(), 1);
    }
    assert!(!sandbox.at("home/.config").exists());
    // The person's home is that of the password database there, and what it holds is not ours to know.
    assert_eq!(config(&sandbox, &["path"]).code(), Some(0));
    assert!([Some(0), Some(2)].contains(&config(&sandbox, &["show"]).code()));
    let variables = run(sandbox.cc_observe(["help", "environment"]));
    assert!(variables.out().contains("They count for nothing here"), "{}", variables.out());
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/config.schema.json");
    let made = done(&Sandbox::new(), &["schema"]);
    if std::env::var_os("CC_OBSERVE_TEST_WRITE_SCHEMA").is_some() {
        fs::write(&committed, &made).unwrap();
    }
    let is = fs::read_to_string(&committed).unwrap_or_default();
    assert!(is == made, "run this test with CC_OBSERVE_TEST_WRITE_SCHEMA=1, and look at what changed");
    let schema: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(schema["properties"]["spool"]["type"].as_str().or(Some("object")), Some("object"));
    assert!(!made.contains("null"), "TOML has none");
}

#[test]
fn every_variable_is_told_and_whether_it_is_set_but_not_its_value() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CC_OBSERVE_ENDPOINT", format!("http://127.0.0.1:9/{}", credential()));
    let told = run(sandbox.cc_observe(["help", "environment"])).out();
    let line = |name: &str| told.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
    assert!(line("CC_OBSERVE_ENDPOINT").contains("  set  deliver to this URL"), "{told}");
    assert!(line("CC_OBSERVE_CAPTURE").contains("  -    capture: "), "{told}");
    assert!(!told.contains("FAKE"));
    let object = json(&run(sandbox.cc_observe(["help", "environment", "--json"])));
    assert_eq!(object["variables"].as_array().unwrap().len(), cc_observe::config::variables::all().len());
    for words in
        [&["help"][..], &["help", "spool", "drop"], &["help", "config", "set"], &["help", "redact"], &["help", "help"]]
    {
        let run = run(sandbox.cc_observe(words));
        assert_eq!((run.code(), run.err()), (Some(0), String::new()), "{words:?}");
        assert!(run.out().contains("Usage: cc-observe"), "{words:?}: {}", run.out());
    }
    assert_eq!(run(sandbox.cc_observe(["help"])).out(), run(sandbox.cc_observe(["--help"])).out());
    let none = run(sandbox.cc_observe(["help", "nonsense"]));
    assert!(none.code() == Some(2) && none.err().contains("no help on nonsense"), "{}", none.err());
}

#[test]
fn what_the_organization_locks_is_shown_and_cannot_be_set() {
    let managed = "capture = \"commands\"\nsummary = \"line\"\n[drop]\nmetrics = [\"a\"]\n[defaults.spool]\nmax_age = \"9h\"\n\
                   [[redaction.rules]]\nid = \"org\"\npattern = \"org_[0-9]{9}\"\n[destinations.org]\nendpoint = \"http://127.0.0.1:9\"\n";
    on_a_machine_with(&[("cc-observe/managed.toml", managed)], || {
        let sandbox = Sandbox::new();
        let shown = done(&sandbox, &["show"]);
        let is = |key: &str| row(&shown, key)[1..].join(" | ");
        assert_eq!(is("capture"), "\"commands\" | /etc/cc-observe/managed.toml:1 | locked");
        assert_eq!(is("spool.max_age"), "\"9h\" | /etc/cc-observe/managed.toml:6 [defaults] ".trim());
        assert_eq!(is("redaction.rules"), "[\"org\"] | /etc/cc-observe/managed.toml:7 | locked");
        for (key, value, line) in [
            ("capture", "content", 1),
            ("summary", "off", 2),
            ("drop.metrics", "[\"b\"]", 4),
            ("destinations.mine.endpoint", "http://127.0.0.1:8", 11),
            ("destinations.org.endpoint", "http://127.0.0.1:8", 11),
        ] {
            let refused = config(&sandbox, &["set", key, value]);
            assert_eq!(refused.code(), Some(1), "{key}: {}", refused.err());
            let place = format!("`{key}` is locked by your organization in /etc/cc-observe/managed.toml:{line},");
            assert!(refused.err().contains(&place), "{}", refused.err());
            assert!(!sandbox.at(FILE).exists(), "{key}: nothing is written");
        }
        done(&sandbox, &["set", "capture", "metadata"]);
        done(&sandbox, &["set", "spool.max_age", "3h"]);
        done(&sandbox, &["set", "drop.metrics", "[\"a\", \"b\"]"]);
        let stricter = done(&sandbox, &["show"]);
        let capture = row(&stricter, "capture");
        assert_eq!(
            capture[1..],
            ["\"metadata\"", &format!("{}:1", sandbox.at(FILE).display()), "bound by /etc/cc-observe/managed.toml:1"]
        );
        let besides = config(&sandbox, &["set", "redaction.rules", "[{ id = \"mine\", pattern = \"m[0-9]{9}\" }]"]);
        assert_eq!(besides.code(), Some(0), "{}", besides.err());
        assert!(besides.err().contains("counts as well"), "{}", besides.err());
        let all = done(&sandbox, &["path", "--all"]);
        assert!(
            all.starts_with("/etc/cc-observe/managed.toml") && all.lines().next().unwrap().ends_with("managed  there"),
            "{all}"
        );
        // A mistake of the person's is left out, and told.
        sandbox.write(FILE, "captrue = 1\n");
        let left_out = config(&sandbox, &["show"]);
        assert_eq!(left_out.code(), Some(0));
        assert!(left_out.err().contains("left out, since it is wrong: "), "{}", left_out.err());
        fs::set_permissions("/etc/cc-observe/managed.toml", fs::Permissions::from_mode(0o666)).unwrap();
        let untrusted = config(&sandbox, &["check"]);
        assert_eq!(untrusted.code(), Some(1));
        assert!(untrusted.out().contains("managed.toml: is not trusted: "), "{}", untrusted.out());
        assert!(untrusted.out().contains("unknown key `captrue`"), "all at once: {}", untrusted.out());
        assert_eq!(config(&sandbox, &["show"]).code(), Some(2));
    });
}
