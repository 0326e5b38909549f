//! Edge: settings files that outlive their relay: removed, or made to name nobody's port.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::holders::{Jobs, jobs};

/// A file that is older than this and that nobody names was left by a relay that was killed. The processes of
/// another machine or container with the same home cannot be asked, hence so long.
const ABANDONED: Duration = Duration::from_secs(30 * 24 * 3600);

/// The largest file that may be one of ours, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Removes the settings files that lead to the port we are about to leave, and those that killed relays left beside them.
///
/// A file that a process or a background job names stays, where they can be asked: a session would not start again
/// without it. From now on it keeps claude from exporting, since anybody may bind the port next.
pub(super) fn clean(own: Option<&Path>, endpoint: &str, claude: Option<&Path>) {
    let Some(own) = own else { return };
    let lines = command_lines();
    let is_named = |path: &Path| {
        let needle = path.as_os_str().as_bytes();
        lines.iter().any(|line| mentions(line, needle)) || jobs(claude, path) == Jobs::Name
    };
    let Some(entries) = own.parent().and_then(|directory| fs::read_dir(directory).ok()) else { return };
    let now = SystemTime::now();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        if !found.is_file() {
            continue;
        }
        let age = found.modified().map(|at| now.duration_since(at));
        let text = if found.len() > MAX_BYTES { Vec::new() } else { fs::read(&path).unwrap_or_default() };
        if path == own || mentions(&text, endpoint.as_bytes()) {
            // It may be gone already; what cannot be silenced must not lead to a port that is anybody's.
            if !is_named(&path) || silence(&path, &text).is_err() {
                let _ = fs::remove_file(&path);
            }
        } else if matches!(age, Ok(Ok(age)) if age > ABANDONED) && !is_named(&path) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Writes a settings file anew, so that it keeps claude from exporting and holds no token.
fn silence(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut settings: Value = serde_json::from_slice(text)?;
    let Some(Value::Object(env)) = settings.get_mut("env") else { return Err(io::ErrorKind::InvalidData.into()) };
    env.retain(|name, _| !name.starts_with("OTEL_EXPORTER_OTLP_"));
    for name in ["OTEL_LOGS_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_TRACES_EXPORTER"] {
        env.insert(name.to_owned(), Value::String("none".to_owned()));
    }
    let mut temporary = OsString::from(path);
    temporary.push(".tmp");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| file.write_all(settings.to_string().as_bytes()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn mentions(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

/// The command lines of all processes, where the system shows them as files.
fn command_lines() -> Vec<Vec<u8>> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes.filter_map(|process| fs::read(process.ok()?.path().join("cmdline")).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    const ENDPOINT: &str = "127.0.0.1:4318/r/x";

    #[test]
    fn what_a_killed_relay_left_is_removed_and_what_is_new_stays() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, age: Duration| {
            let path = directory.path().join(name);
            File::create(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
            path
        };
        let own = file("own.json", Duration::ZERO);
        let new = file("new.json", Duration::from_secs(60));
        let old = file("old.json", ABANDONED * 2);
        clean(Some(&own), ENDPOINT, None);
        assert_eq!((own.exists(), new.exists(), old.exists()), (false, true, false));
    }

    #[test]
    fn a_file_that_a_job_names_stays_and_leads_nowhere() {
        let directory = tempfile::tempdir().unwrap();
        let claude = directory.path().join("claude");
        let settings = directory.path().join("settings");
        fs::create_dir_all(claude.join("jobs/a")).unwrap();
        fs::create_dir_all(&settings).unwrap();
        let write = |name: &str| {
            let path = settings.join(name);
            let env = serde_json::json!({
                "A": "1",
                "OTEL_LOGS_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": format!("http://{ENDPOINT}/v1/logs"),
                "OTEL_EXPORTER_OTLP_HEADERS": "x=FAKE",
            });
            fs::write(&path, serde_json::json!({"model": "opus", "env": env}).to_string()).unwrap();
            path
        };
        let (own, adopted, unnamed) = (write("own.json"), write("adopted.json"), write("unnamed.json"));
        let job = serde_json::json!({"respawnFlags": ["--settings", own, "--settings", adopted]});
        fs::write(claude.join("jobs/a/state.json"), job.to_string()).unwrap();
        clean(Some(&own), ENDPOINT, Some(&claude));
        assert!(!unnamed.exists());
        let none = "none";
        let silent = serde_json::json!({"model": "opus", "env": {
            "A": "1", "OTEL_LOGS_EXPORTER": none, "OTEL_METRICS_EXPORTER": none, "OTEL_TRACES_EXPORTER": none,
        }});
        for path in [own, adopted] {
            assert_eq!(serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap(), silent);
        }
    }
}
