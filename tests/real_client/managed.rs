//! Settings of the organization beat everything, ours too.

use std::ffi::OsString;

use super::client::client;
use super::lab::{Lab, ORG, OTHER};
use super::{GO, SHORT};

#[test]
fn managed_settings_that_lead_past_us_are_told_of() {
    let Some(client) = client() else { return };
    let mut lab = Lab::new(client, SHORT);
    lab.set("CC_OBSERVE_ENDPOINT", ORG);
    let managed = format!(r#"{{"env":{{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT":"{OTHER}/v1/logs"}}}}"#);
    lab.file("etc/claude-code/managed-settings.json", managed);
    // Another /etc, in a mount namespace of its own: what can be copied of this one, and the settings.
    let script = "cp -R /etc/. ../etc 2>/dev/null; mount --bind ../etc /etc && exec \"$@\"";
    let mut command: Vec<OsString> = ["unshare", "-m", "sh", "-c", script, "sh"].map(OsString::from).to_vec();
    command.extend(lab.observed_command());
    command.extend(GO.map(OsString::from));
    let run = lab.run(command);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.other.is_empty(), "the logs went where the organization wants them");
    let notes = run.summary["notes"].as_array().unwrap();
    let bypassed = notes.iter().find(|note| note["kind"] == "bypassed").unwrap_or_else(|| panic!("{notes:?}"));
    assert_eq!(bypassed["by"], "/etc/claude-code/managed-settings.json");
}
