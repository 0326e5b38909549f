//! Edge: removes settings files that nobody reads any more.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A file that is older than this and that no process names was left by a relay that was killed. The processes of
/// another machine or container with the same home cannot be asked, hence so long.
const ABANDONED: Duration = Duration::from_secs(30 * 24 * 3600);

/// Removes the settings file of a run that has ended, and those that killed relays left beside it.
///
/// A file that a process names stays, where processes can be asked: a background session that was started from this run
/// would not start again without it.
pub(super) fn clean(own: Option<&Path>) {
    let Some(own) = own else { return };
    let named = command_lines();
    let is_named = |path: &Path| {
        let needle = path.as_os_str().as_bytes();
        named.iter().any(|line| line.windows(needle.len()).any(|window| window == needle))
    };
    if !is_named(own) {
        // It may be gone already.
        let _ = fs::remove_file(own);
    }
    let Some(entries) = own.parent().and_then(|directory| fs::read_dir(directory).ok()) else { return };
    let now = SystemTime::now();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let age = fs::symlink_metadata(&path).and_then(|found| found.modified()).map(|at| now.duration_since(at));
        if matches!(age, Ok(Ok(age)) if age > ABANDONED) && !is_named(&path) {
            let _ = fs::remove_file(&path);
        }
    }
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
        clean(Some(&own));
        assert_eq!((own.exists(), new.exists(), old.exists()), (false, true, false));
    }
}
