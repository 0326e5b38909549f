//! What the person has in settings stays theirs, and telemetry comes through us all the same.

use std::path::Path;

use serde_json::json;

use super::client::client;
use super::compare::{assert_same, expected, received, scrubbed};
use super::lab::{EXPORT, Finished, Lab, ORG, OTHER};
use super::{GO, SHORT};

#[test]
fn a_users_settings_with_an_endpoint_and_a_token_do_not_lead_past_the_relay() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, SHORT);
    lab.set_all(EXPORT);
    let plain = lab.plain(GO);
    for (name, _) in EXPORT {
        lab.unset(name);
    }

    let mut env: serde_json::Map<String, serde_json::Value> =
        EXPORT.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    env.insert("OTEL_EXPORTER_OTLP_ENDPOINT".into(), json!(OTHER));
    env.insert("OTEL_EXPORTER_OTLP_HEADERS".into(), json!("Authorization=Bearer user-token"));
    lab.file("home/.claude/settings.json", json!({ "env": env }).to_string());

    // With nothing configured it is our destination, redacted and with its header.
    let adopted = lab.observed(GO);
    assert_eq!((adopted.code, adopted.org.len()), (0, 0), "{}", adopted.stderr);
    assert_same(&expected(&plain.org), &received(&adopted.other));
    assert_eq!(scrubbed(&adopted.stdout), scrubbed(&plain.stdout));
    for export in &adopted.other {
        assert_eq!(export.header("authorization"), Some("Bearer user-token"));
        assert!(export.header("user-agent").is_some_and(|agent| agent.starts_with("cc-observe")), "it came from us");
    }

    // Named another, that one is, and the token goes nowhere.
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    let named = lab.observed(GO);
    assert_eq!((named.code, named.other.len()), (0, 0), "{}", named.stderr);
    assert_same(&expected(&plain.org), &received(&named.org));
    assert!(named.org.iter().all(|export| export.header("authorization").is_none()));
}

/// Reads of the same file in three places: relative to a settings file, to the working directory, to the home.
const READS: &str = r#"[
    {"tools":[{"name":"Read","input":{"file_path":"@OUT@/rules/sub/a.txt"}}]},
    {"tools":[{"name":"Read","input":{"file_path":"@WORK@/sub/a.txt"}}]},
    {"tools":[{"name":"Read","input":{"file_path":"@OUT@/home/sub/a.txt"}}]},
    {"tools":[{"name":"Read","input":{"file_path":"@OUT@/linked/sub/a.txt"}}]},
    {"text":"Done."}
]"#;
const DENY: &str = r#"{"permissions":{"deny":["Read(/sub/**)"]}}"#;

fn reading(lab: &Lab) {
    for directory in ["rules", "work", "home", "linked"] {
        lab.file(&format!("{directory}/sub/a.txt"), "what is denied\n");
    }
    lab.file("rules/deny.json", DENY);
    lab.file("rules/commented.json", format!("{DENY} // but why?\n"));
}

/// Runs it plain and through us with this `--settings`; both must print and end the same. Ours, and how many reads
/// were denied.
#[track_caller]
fn same_as_plain(lab: &Lab, settings: &[&str]) -> (Finished, usize) {
    let arguments: Vec<&str> = GO.into_iter().chain(settings.iter().copied()).collect();
    let (plain, observed) = (lab.plain(&arguments), lab.observed(&arguments));
    assert_eq!((observed.code, scrubbed(&observed.stdout)), (plain.code, scrubbed(&plain.stdout)), "{settings:?}");
    assert_eq!(observed.stderr, plain.stderr, "{settings:?}");
    assert_eq!(observed.summary["missing_events"], 0);
    let told: serde_json::Value = serde_json::from_str(&observed.stdout).unwrap();
    let denied = told["permission_denials"].as_array().unwrap().len();
    (observed, denied)
}

#[test]
fn a_deny_rule_in_the_persons_own_settings_file_still_denies() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, READS);
    reading(&lab);
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    let file = lab.at("rules/deny.json");
    let file = file.to_str().unwrap();
    assert_eq!(same_as_plain(&lab, &["--settings", file]).1, 1, "the rule is about the file's own directory");
    let joined = format!("--settings={file}");
    assert_eq!(same_as_plain(&lab, &[&joined]).1, 1);
    assert_eq!(same_as_plain(&lab, &["--settings", "../rules/deny.json"]).1, 1);
}

#[test]
fn a_deny_rule_in_a_settings_file_behind_a_link_denies_what_it_denies_to_plain_claude() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, READS);
    reading(&lab);
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    std::os::unix::fs::symlink(Path::new("../rules/deny.json"), lab.seeded("linked/deny.json")).unwrap();
    assert_eq!(same_as_plain(&lab, &["--settings", lab.at("linked/deny.json").to_str().unwrap()]).1, 1);
}

#[test]
fn a_deny_rule_in_settings_on_the_command_line_denies_what_it_denies_to_plain_claude() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, READS);
    reading(&lab);
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    same_as_plain(&lab, &["--settings", DENY]);
    let of_the_directory = r#"{"permissions":{"deny":["Read(/sub/**)","Read(./sub/**)"]}}"#;
    assert_eq!(same_as_plain(&lab, &["--settings", of_the_directory]).1, 1);
    assert_eq!(same_as_plain(&lab, &[&format!("--settings={of_the_directory}")]).1, 1);
}

#[test]
fn a_settings_file_with_a_comment_counts_for_as_little_as_it_does_to_plain_claude() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, READS);
    reading(&lab);
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    let file = lab.at("rules/commented.json");
    let (observed, denied) = same_as_plain(&lab, &["--settings", file.to_str().unwrap()]);
    assert_eq!(denied, 0);
    let notes = observed.summary["notes"].to_string();
    assert!(notes.contains("settings_not_merged"), "{notes}");
    assert!(!received(&observed.org).is_empty(), "the environment is enough here");
}
