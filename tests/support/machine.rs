//! Edge: a machine of its own: files below `/etc` that nobody else sees.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

const NONE: Option<&str> = None;

/// Does something on a machine with these files below `/etc`, and no others of ours or of Claude Code's.
///
/// Only root may mount; elsewhere this says that it is skipped.
pub(crate) fn on_a_machine_with(files: &[(&str, &str)], what: impl FnOnce() + Send + 'static) {
    let files: Vec<_> = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let own = std::thread::spawn(move || {
        let private = unshare(CloneFlags::CLONE_NEWNS)
            .and_then(|()| mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE));
        if let Err(errno) = private {
            eprintln!("skipped: no mount namespace of our own ({errno})");
            return;
        }
        let etc = tempfile::Builder::new().prefix("cco").tempdir().unwrap();
        fs::set_permissions(etc.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let copied = Command::new("cp").args(["-a", "/etc/."]).arg(etc.path()).status().unwrap();
        assert!(copied.success(), "/etc can be copied");
        for theirs in ["cc-observe", "claude-code"] {
            let _ = fs::remove_dir_all(etc.path().join(theirs));
        }
        mount(Some(etc.path()), "/etc", NONE, MsFlags::MS_BIND, NONE).unwrap();
        for (name, text) in files {
            write_below_etc(&name, &text);
        }
        what();
    });
    own.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// Writes a file that everybody may read and root alone write.
fn write_below_etc(name: &str, text: &str) {
    let file = Path::new("/etc").join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
}
