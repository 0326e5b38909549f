//! `cc-observe redact`, as people and programs use it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

use cc_observe::otlp::{self, Encoding};
use serde_json::Value;

use crate::support::{Capture, Run, Sandbox, run, start};

/// An own rule for tokens, one for key blocks, and a token that may stay.
const CONFIG: &str = r#"
[redaction]
allow = ["acme_example"]

[[redaction.rules]]
id = "acme-token"
pattern = 'acme_[0-9A-Za-z]{7,40}'
anchor = "acme_"
examples = ["acme_FAKE0000"]
what = "ACME token"

[[redaction.rules]]
id = "acme-block"
pattern = '(?s)-----BEGIN ACME BLOCK-----.*?-----END ACME BLOCK-----'
"#;

/// What the rule finds.
fn token() -> String {
    ["acme", "_FAKE0123456789abcdef"].concat()
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("home/.config/cc-observe/config.toml", CONFIG);
    sandbox
}

fn redact(sandbox: &Sandbox, options: &[&str], input: impl AsRef<[u8]>) -> Run {
    let file = sandbox.write("work/input", input);
    let mut command = sandbox.cc_observe(["redact"]);
    run_with(command.args(options).arg(file))
}

/// A text without the tags that the machine's key makes: eight hexadecimal digits behind the rule.
fn untagged(text: &str) -> String {
    let mut untagged = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("acme-token") {
        let (before, behind) = rest.split_at(at + "acme-token".len() + 1);
        untagged.push_str(before);
        rest = behind;
        if let Some((tag, behind)) = rest.split_at_checked(8)
            && tag.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            untagged.push_str("<tag>");
            rest = behind;
        }
    }
    untagged + rest
}

fn run_with(command: &mut Command) -> Run {
    run(std::mem::replace(command, Command::new("true")))
}

#[test]
fn a_marker_stands_in_the_place_of_each_secret_in_a_file_and_on_stdin() {
    let sandbox = sandbox();
    let text = format!("é curl -H 'x: {0}' {0}\nacme_example\r\nlast", token());
    let file = redact(&sandbox, &[], &text);
    let marker = "[REDACTED:acme-token:<tag>]";
    assert_eq!(untagged(&file.out()), format!("é curl -H 'x: {marker}' {marker}\nacme_example\r\nlast"));
    assert_eq!((file.code(), file.err().as_str()), (Some(0), ""));
    for dash in [None, Some("-")] {
        let mut filter = start({
            let mut command = sandbox.cc_observe(["redact"]);
            command.args(dash);
            command
        });
        filter.send(&text).close_stdin();
        assert_eq!(filter.wait().out(), file.out());
    }
}

#[test]
fn a_secret_that_crosses_a_read_boundary_is_found() {
    let sandbox = sandbox();
    let block = format!("-----BEGIN ACME BLOCK-----\n{}-----END ACME BLOCK-----\n", "FAKEFAKEFAKEFAKE\n".repeat(60));
    // Lengths that share no factor with any buffer's: secrets lie across every border that there is.
    let line = format!("{} {}\n{}x\n", "y".repeat(61), token(), block);
    let text = line.repeat(5 * (1 << 20) / line.len());
    let run = redact(&sandbox, &[], &text);
    assert_eq!(run.code(), Some(0));
    for left in ["FAKE", "acme_", "BEGIN", "END"] {
        assert!(!run.out().contains(left), "{left}");
    }
    assert_eq!(run.out().lines().count() * line.lines().count(), text.lines().count() * 3);
}

#[test]
fn what_came_is_passed_on_while_more_is_awaited() {
    let sandbox = sandbox();
    for (options, asked, answer) in [
        (&[][..], format!("a {}\n", token()), "a [REDACTED:acme-token:"),
        (
            &["--jsonl"],
            format!("{{\"id\":1,\"text\":\"{}\"}}\n", token()),
            "{\"id\":1,\"text\":\"[REDACTED:acme-token:",
        ),
        (&["--explain"], format!("a {}\n", token()), "PLACE  "),
    ] {
        let mut command = sandbox.cc_observe(["redact"]);
        let mut child = command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut lines = BufReader::new(stdout).lines();
        for _ in 0..3 {
            stdin.write_all(asked.as_bytes()).unwrap();
            let line = lines.next().unwrap().unwrap();
            assert!(line.starts_with(answer) || options == ["--explain"], "{line}");
        }
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn json_lines_are_answered_in_their_order_with_bytes_of_the_text() {
    let sandbox = sandbox();
    let secret = token();
    let lines = [
        format!(r#"{{"id": "a", "text": "é {secret} \u00e9 {secret}", "more": {{"x": [1]}}}}"#),
        String::new(),
        r#"{"text": "plain \"\\ \u0000 \ud83d\ude00", "id": {"n": 1.50}}"#.to_owned(),
    ];
    let run = redact(&sandbox, &["--jsonl"], lines.join("\n"));
    assert_eq!((run.code(), run.err().as_str()), (Some(0), ""));
    let answers: Vec<Value> = run.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let original = format!("é {secret} é {secret}");
    assert_eq!(answers[0]["id"], "a");
    for finding in answers[0]["findings"].as_array().unwrap() {
        let at = |key: &str| usize::try_from(finding[key].as_u64().unwrap()).unwrap();
        assert_eq!((&original[at("start")..at("end")], &finding["rule"]), (&*secret, &"acme-token".into()));
    }
    assert_eq!(answers[0]["findings"].as_array().unwrap().len(), 2);
    assert_eq!(
        run.out().lines().nth(1),
        Some("{\"id\":{\"n\": 1.50},\"text\":\"plain \\\"\\\\ \\u0000 😀\",\"findings\":[]}")
    );
}

#[test]
fn a_bad_line_is_told_by_its_number_and_what_stood_before_it_is_answered() {
    let sandbox = sandbox();
    let secret = token();
    for bad in [
        "{",
        "[]",
        r#"{"id":1}"#,
        r#"{"text":"x"}"#,
        r#"{"id":1,"text":7}"#,
        "acme_FAKE0000",
        "{\"id\":1,\"text\":\"\u{1}\"}",
    ] {
        let run = redact(&sandbox, &["--jsonl"], format!("{{\"id\":1,\"text\":\"{secret}\"}}\n\n{bad}\n"));
        assert_eq!(run.code(), Some(2), "{bad}");
        assert_eq!(run.out().lines().count(), 1, "{bad}");
        assert!(run.err().starts_with("cc-observe: line 3, column "), "{}", run.err());
        assert!(!run.err().contains("FAKE"));
    }
    let mut bytes = b"{\"id\":1,\"text\":\"".to_vec();
    bytes.extend(b"\xff\"}");
    assert_eq!(redact(&sandbox, &["--jsonl"], bytes).code(), Some(2));
}

#[test]
fn what_is_no_text_is_masked_by_the_line_and_counted() {
    let run = redact(&sandbox(), &["--check"], b"a\n\xffacme\nb\0a\0c\0\nc\n");
    assert_eq!(run.out(), "a\n[REDACTED:invalid-utf8]\n[REDACTED:invalid-utf8]\nc\n");
    assert_eq!(run.err(), "cc-observe: 2 lines were masked whole: not text in UTF-8\n");
    assert_eq!(run.code(), Some(1));
}

#[test]
fn findings_are_explained_without_the_secret() {
    let sandbox = sandbox();
    let text = format!("one\n  é {}\n{} {}\n", token(), token(), ["acme", "_short77"].concat());
    let run = redact(&sandbox, &["--explain"], &text);
    // How wide the columns are depends on all rules.
    let rows: Vec<String> = run.out().lines().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    insta::assert_snapshot!(untagged(&rows.join("\n")), @r"
    PLACE RULE TAG WHAT WHY
    2:5 acme-token <tag> ACME token your configuration
    3:1 acme-token <tag> ACME token your configuration
    3:27 acme-token - ACME token your configuration
    ");
    assert!(!run.out().contains("FAKE") && !run.out().contains("short77"));
    let run = redact(&sandbox, &["--explain", "--json"], &text);
    let found: Vec<Value> = run.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&found[0]["line"], &found[0]["column"], &found[0]["rule"]),
        (&2.into(), &5.into(), &"acme-token".into())
    );
    assert_eq!(found[2]["tag"], Value::Null);
    assert_eq!(redact(&sandbox, &["--explain"], "nothing").out(), "");
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let mut sandbox = sandbox();
    let text = token();
    assert!(!redact(&sandbox, &["--explain"], &text).out().contains('\u{1b}'));
    sandbox.set("CLICOLOR_FORCE", "1");
    assert!(redact(&sandbox, &["--explain"], &text).out().contains("\u{1b}[31macme-token"));
    sandbox.set("NO_COLOR", "1");
    assert!(!redact(&sandbox, &["--explain"], &text).out().contains('\u{1b}'));
}

#[test]
fn rules_are_listed_and_own_ones_among_them() {
    let sandbox = sandbox();
    let listed = run(sandbox.cc_observe(["redact", "--rules"]));
    let line = listed.out().lines().find(|line| line.starts_with("acme-token ")).unwrap().to_owned();
    assert_eq!(
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>(),
        ["acme-token", "ACME token", "your configuration"]
    );
    let json = run(sandbox.cc_observe(["redact", "--rules", "--json"]));
    let rules: Vec<Value> = serde_json::from_slice(&json.stdout).unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == "acme-block" && rule["what"] == "acme-block"));
    let ids: Vec<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted());
    assert_eq!(listed.out().lines().count(), ids.len() + 1);
}

#[test]
fn check_exits_with_one_if_something_was_found() {
    let sandbox = sandbox();
    let jsonl = |text: &str| format!("{{\"id\":1,\"text\":\"{text}\"}}\n");
    for (option, of) in
        [("--check", str::to_owned as fn(&str) -> String), ("--explain", str::to_owned), ("--jsonl", jsonl)]
    {
        assert_eq!(
            redact(&sandbox, &["--check", option][usize::from(option == "--check")..], of(&token())).code(),
            Some(1)
        );
        assert_eq!(
            redact(&sandbox, &["--check", option][usize::from(option == "--check")..], of("acme_example")).code(),
            Some(0)
        );
    }
    assert_eq!(redact(&sandbox, &[], token()).code(), Some(0));
}

#[test]
fn mistakes_exit_with_two() {
    let sandbox = sandbox();
    for arguments in [
        &["--no-such-option"][..],
        &["--jsonl", "--explain"],
        &["--rules", "input"],
        &["--json"],
        &["--jsonl", "--json"],
        &["--otlp", "profiles"],
        &["--level", "metadata"],
        &["--jsonl", "--level", "metadata"],
        &["/nonexistent"],
        &["/"],
        &["a", "b"],
    ] {
        let run = run(sandbox.cc_observe(["redact"].iter().chain(arguments)));
        assert_eq!((run.code(), run.out().as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!run.err().is_empty(), "{arguments:?}");
    }
    let run = run(sandbox.cc_observe(["--summary", "off", "redact"]));
    assert_eq!(run.code(), Some(2));
}

#[test]
fn a_reader_that_is_gone_is_no_failure() {
    let sandbox = sandbox();
    let file = sandbox.write("work/input", "0123456789\n".repeat(500_000));
    let mut child =
        sandbox.cc_observe(["redact"]).arg(file).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 11]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_disk_that_is_full_is_a_failure_of_ours() {
    let sandbox = sandbox();
    let file = sandbox.write("work/input", "x\n");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = sandbox.cc_observe(["redact"]).arg(file).stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(125));
}

#[test]
fn a_rule_that_cannot_be_used_ends_the_filter_and_is_named() {
    let sandbox = Sandbox::new();
    let config = sandbox.write(
        "home/.config/cc-observe/config.toml",
        format!("{CONFIG}\n[[redaction.rules]]\nid = \"b\"\npattern = \"(FAKE\"\n"),
    );
    let run = redact(&sandbox, &[], token());
    let line = CONFIG.lines().count() + 2;
    let want = format!(
        "cc-observe: {}:{line}: redaction rule b: the pattern is not a regular expression: unclosed group\n",
        config.display()
    );
    assert_eq!((run.code(), run.out().as_str(), run.err()), (Some(2), "", want));
}

#[test]
fn below_a_running_claude_no_project_can_choose_the_rules() {
    let mut sandbox = sandbox();
    let other = sandbox.write("work/other.toml", "");
    sandbox.set("CC_OBSERVE_CONFIG", other);
    assert_eq!(redact(&sandbox, &["--check"], token()).code(), Some(0));
    sandbox.set("CLAUDECODE", "1");
    let run = run(sandbox.cc_observe(["redact", "--rules"]));
    assert!(!run.out().contains("acme-token"), "the home is the one in the password database");
}

#[test]
fn otlp_bodies_come_out_in_the_encoding_they_came_in() {
    let sandbox = Sandbox::new();
    let records = |signal, encoding, body: &[u8]| otlp::decode(signal, encoding, body).unwrap().records();
    for (capture, encoding) in [("01-default", Encoding::Protobuf), ("06-http-json", Encoding::Json)] {
        for request in Capture::read(&Capture::directory(capture)).requests {
            let signal = request.signal;
            let run = redact(&sandbox, &["--otlp", signal.as_str()], &request.body);
            assert_eq!(run.code(), Some(0), "{}", run.err());
            assert_eq!(records(signal, encoding, &run.stdout), records(signal, encoding, &request.body));
        }
    }
    let run = redact(&sandbox, &["--otlp", "logs"], "neither FAKE");
    assert_eq!((run.code(), run.out().as_str()), (Some(2), ""));
    assert!(run.err().ends_with("body is not a valid logs request\n") && !run.err().contains("FAKE"));
}

#[test]
fn lines_beyond_every_buffer_come_back_in_their_order() {
    let sandbox = sandbox();
    let lines: Vec<String> = (0..9_000)
        .map(|id| format!("{{\"id\":{id},\"text\":\"git status && cargo test {}\"}}\n", "x".repeat(id % 97)))
        .collect();
    let run = redact(&sandbox, &["--jsonl"], lines.concat());
    assert_eq!(run.code(), Some(0));
    let answers = run.out().lines().map(|line| line.replace(",\"findings\":[]}", "}") + "\n").collect::<String>();
    assert!(answers == lines.concat());
}

#[test]
fn a_run_with_a_rule_that_cannot_be_used_captures_metadata_alone_and_says_so() {
    let mut sandbox = Sandbox::new();
    sandbox.plays("01-default");
    sandbox.write(
        "home/.config/cc-observe/config.toml",
        "[[redaction.rules]]\nid = \"b\"\npattern = \"(FAKE\"\n\n[[redaction.rules]]\nid = \"C\"\npattern = \"x\"\n",
    );
    let run = run(sandbox.cc_observe(["--summary", "full", "claude", "-p", "x"]));
    assert_eq!(run.code(), Some(0));
    let told = run.err().split_whitespace().collect::<Vec<_>>().join(" ");
    let want = "Your own redaction rules cannot be used (~/.config/cc-observe/config.toml:1: redaction rule b: the pattern is \
                not a regular expression: unclosed group) and 1 more; only metadata is captured.";
    assert!(told.contains(want), "{told}");
    let log = std::fs::read_to_string(sandbox.state().join("cc-observe.log")).unwrap();
    assert_eq!(log.matches("only metadata is captured: ").count(), 2, "{log}");
}
