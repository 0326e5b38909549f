//! Edge: who still holds the endpoint of this run: as long as anybody does, the port must stay ours.
//!
//! A session that is moved to the background, a daemon that captured our variables, a pane of tmux: whoever sends to this
//! port after we are gone sends it, unredacted, to whoever has bound it by then.

use std::path::{Path, PathBuf};

/// What a holder is known by.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    /// `127.0.0.1:<port>/r/<run id>`: in the environment.
    pub endpoint: String,
    /// The settings file of the run: on the command line, or among the flags of a background job.
    pub settings: Option<PathBuf>,
    /// Where Claude Code keeps its own files.
    pub claude: Option<PathBuf>,
}

/// How a background job stands to the settings file of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Jobs {
    /// None names it.
    None,
    /// At least one names it, and would be started with it.
    Name,
}

/// The most files of jobs that are looked into, and the most bytes of each.
const MOST_JOBS: usize = 10_000;
const MOST_BYTES: u64 = 4 << 20;

/// Whether any job of the background daemon names a settings file. Jobs live on when their processes have ended.
pub(super) fn jobs(claude: Option<&Path>, settings: &Path) -> Jobs {
    let entries = claude.and_then(|claude| std::fs::read_dir(claude.join("jobs")).ok());
    let jobs = entries.into_iter().flatten().take(MOST_JOBS).flatten();
    let names = jobs.map(|job| job.path().join("state.json")).any(|file| mentions_path(&read(&file), settings));
    if names { Jobs::Name } else { Jobs::None }
}

/// A file that is not there, or too large, says nothing.
fn read(path: &Path) -> Vec<u8> {
    use std::io::Read as _;
    let mut text = Vec::new();
    match std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut text)) {
        Ok(_) => text,
        Err(_) => Vec::new(),
    }
}

/// Whether a JSON text has this path as a string or in one.
fn mentions_path(json: &[u8], path: &Path) -> bool {
    let Some(quoted) = path.to_str().and_then(|path| serde_json::to_string(path).ok()) else { return false };
    mentions(json, quoted.trim_matches('"').as_bytes())
}

fn mentions(text: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && text.windows(needle.len()).any(|window| window == needle)
}

/// Processes of this user that hold the endpoint.
#[cfg(target_os = "linux")]
pub(super) fn find(marks: &Marks) -> Vec<i32> {
    let ours = [nix::unistd::Pid::this(), nix::unistd::getppid()].map(nix::unistd::Pid::as_raw);
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut holders: Vec<i32> = pids.filter(|pid| !ours.contains(pid) && holds(*pid, marks)).collect();
    for worker in workers(marks) {
        if !holders.contains(&worker) && is_claude(worker) {
            holders.push(worker);
        }
    }
    holders
}

/// What cannot be read is another user's, or gone.
#[cfg(target_os = "linux")]
fn holds(pid: i32, marks: &Marks) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let of = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let settings = marks.settings.as_deref().map(|path| path.as_os_str().as_bytes());
    mentions(&of("environ"), marks.endpoint.as_bytes())
        || settings.is_some_and(|settings| mentions(&of("cmdline"), settings))
}

/// The processes of background jobs that were given the settings file in a message: neither their environment nor their
/// command line shows it, the daemon's list does.
#[cfg(target_os = "linux")]
fn workers(marks: &Marks) -> Vec<i32> {
    let (Some(settings), Some(claude)) = (&marks.settings, &marks.claude) else { return Vec::new() };
    let roster = read(&claude.join("daemon/roster.json"));
    if !mentions_path(&roster, settings) {
        return Vec::new();
    }
    let Ok(roster) = serde_json::from_slice::<serde_json::Value>(&roster) else { return Vec::new() };
    let workers = roster.get("workers").and_then(serde_json::Value::as_object);
    workers
        .into_iter()
        .flat_map(|workers| workers.values())
        .filter(|worker| mentions_path(worker.to_string().as_bytes(), settings))
        .flat_map(|worker| ["pid", "replPid"].map(|name| worker.get(name).and_then(serde_json::Value::as_i64)))
        .filter_map(|pid| i32::try_from(pid?).ok())
        .collect()
}

/// The list outlives its processes, and their numbers may be others' by now.
#[cfg(target_os = "linux")]
fn is_claude(pid: i32) -> bool {
    mentions(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default(), b"--bg-")
}

/// Elsewhere nobody can be asked what another process was given: an open connection is all that tells. Not run so far.
#[cfg(not(target_os = "linux"))]
pub(super) fn find(_marks: &Marks) -> Vec<i32> {
    Vec::new()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;
    use std::process::{Child, Command, Stdio};

    use super::super::claude_process::one_ended;
    use super::*;

    fn marks(endpoint: &str) -> Marks {
        Marks { endpoint: endpoint.to_owned(), settings: None, claude: None }
    }

    /// A process that waits for the end of its input, called so.
    fn process(name: &str, variable: Option<&str>) -> (Child, i32) {
        let mut command = Command::new("sh");
        command.args(["-c", "read x", name]).stdin(Stdio::piped()).env_clear();
        if let Some(value) = variable {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", value);
        }
        let child = command.spawn().unwrap();
        let pid = child.id().try_into().unwrap();
        (child, pid)
    }

    fn end(mut child: Child) {
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[tokio::test]
    async fn who_holds_the_endpoint_is_found_and_its_end_is_seen() {
        let marks = marks("127.0.0.1:1/r/holders-test");
        let (other, _) = process("sh", Some("http://127.0.0.1:1/r/holders-tess"));
        let (first, first_pid) = process("sh", Some("http://127.0.0.1:1/r/holders-test"));
        let (second, second_pid) = process("sh", Some("http://127.0.0.1:1/r/holders-test/v1/logs"));
        let mut found = find(&marks);
        found.sort_unstable();
        let mut expected = [first_pid, second_pid];
        expected.sort_unstable();
        assert_eq!(found, expected);
        let ended = tokio::spawn(one_ended(found));
        tokio::task::yield_now().await;
        assert!(!ended.is_finished());
        end(second);
        ended.await.unwrap();
        assert_eq!(find(&marks), [first_pid]);
        end(first);
        end(other);
        assert_eq!(find(&marks), [0; 0]);
    }

    #[test]
    fn a_background_job_that_was_given_the_settings_file_is_found_in_the_daemons_list() {
        let claude = tempfile::tempdir().unwrap();
        let settings = claude.path().join("a \"file\".json");
        let ((job, job_pid), (stranger, stranger_pid)) = (process("--bg-spare", None), process("sh", None));
        let dispatch = serde_json::json!({"launch": {"flagArgs": ["--settings", settings.to_str().unwrap()]}});
        let roster = serde_json::json!({"workers": {
            "a": {"pid": job_pid, "replPid": 2_000_000_000, "dispatch": dispatch},
            "b": {"pid": stranger_pid, "dispatch": dispatch},
            "c": {"pid": job_pid, "dispatch": {}},
            "d": {"pid": "x", "dispatch": dispatch},
        }});
        fs::create_dir_all(claude.path().join("daemon")).unwrap();
        fs::write(claude.path().join("daemon/roster.json"), roster.to_string()).unwrap();
        let mut marks = Marks { claude: Some(claude.path().to_owned()), ..marks("127.0.0.1:1/r/nobody-has-this") };
        assert_eq!(find(&marks), [0; 0]);
        marks.settings = Some(settings);
        assert_eq!(find(&marks), [job_pid]);
        end(job);
        end(stranger);
        assert_eq!(find(&marks), [0; 0]);
    }

    #[test]
    fn a_job_that_names_a_settings_file_is_seen() {
        let claude = tempfile::tempdir().unwrap();
        let settings = Path::new("/state/settings/1.json");
        assert_eq!(jobs(Some(claude.path()), settings), Jobs::None);
        fs::create_dir_all(claude.path().join("jobs/a")).unwrap();
        let state = claude.path().join("jobs/a/state.json");
        fs::write(&state, r#"{"respawnFlags":["--settings","/state/settings/2.json"]}"#).unwrap();
        assert_eq!(jobs(Some(claude.path()), settings), Jobs::None);
        fs::write(&state, r#"{"respawnFlags":["--settings","/state/settings/1.json"]}"#).unwrap();
        assert_eq!(jobs(Some(claude.path()), settings), Jobs::Name);
        assert_eq!(jobs(None, settings), Jobs::None);
    }
}
