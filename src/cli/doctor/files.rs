//! Edge: our own files: whether there is a place for them, whether they are their owner's alone, and room for more.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use super::{check, hinted, quoted};
use crate::config::paths;
use crate::launch::{self, Given};
use crate::report::{Check, Verdict, many};

/// The most files that are looked at.
const MOST: usize = 50_000;

/// Whether there is a place for what must survive.
pub(super) fn state(given: Given<'_>) -> Vec<Check> {
    let directory = match paths::state_directory() {
        Ok(directory) => directory,
        Err(error) => {
            let hint = "make a directory that is yours and can be written to, and name it in XDG_STATE_HOME";
            return vec![hinted("state", Verdict::Failed, format!("no directory for state: {error}"), hint)];
        }
    };
    let mut checks = vec![check("state", Verdict::Ok, format!("{} can be written to", directory.display()))];
    let script = directory.join("process-wrapper");
    if let Ok(found) = fs::metadata(&script)
        && found.permissions().mode() & 0o100 == 0
    {
        checks.push(hinted(
            "state",
            Verdict::Failed,
            format!("{} cannot be executed: background sessions do not start", script.display()),
            format!("chmod 700 {}", script.display()),
        ));
    }
    checks.extend(room(given, &directory));
    checks
}

/// Whether the disk takes as much as the spool may become.
fn room(given: Given<'_>, state: &Path) -> Option<Check> {
    const MIB: u64 = 1 << 20;
    let of = rustix::fs::statvfs(state).ok()?;
    let free = of.f_bavail.saturating_mul(of.f_frsize);
    let wanted = launch::read_config(given).ok()?.spool.bytes;
    (free < wanted).then(|| {
        let found =
            format!("{} MiB free where {} lies: the spool may take {}", free / MIB, state.display(), wanted / MIB);
        let fits = (free / 2 / MIB).max(1) * MIB;
        let hint =
            format!("make room there, or `cc-observe config set spool.max_bytes {fits}` and lose the oldest earlier");
        hinted("state", Verdict::Warning, found, hint)
    })
}

/// What was found wrong with the files below a directory.
#[derive(Default)]
struct Wrong {
    looked_at: usize,
    /// Others may read or write them.
    open: Vec<PathBuf>,
    /// They belong to somebody else.
    foreign: Vec<PathBuf>,
}

/// Whether what we keep is the person's alone.
pub(super) fn permissions(given: Given<'_>) -> Vec<Check> {
    const ABOUT: &str = "permissions";
    let Ok(state) = paths::state_directory() else {
        return vec![check(ABOUT, Verdict::Skipped, "there is no directory for state")];
    };
    let mut checks = Vec::new();
    let mut all = 0;
    let mut roots = vec![state.clone()];
    roots.extend(paths::runtime_directory(&state).ok().filter(|sockets| !sockets.starts_with(&state)));
    if let Some(directory) = launch::layers(given).file.as_deref().and_then(Path::parent) {
        roots.extend(ours_beside_the_configuration(directory));
    }
    for root in roots {
        let mut wrong = Wrong::default();
        look(&root, &mut wrong);
        all += wrong.looked_at;
        if let Some(first) = wrong.foreign.first() {
            let found = format!("{} of another user", which(first, wrong.foreign.len()));
            let user = geteuid();
            let sudo = if user.is_root() { "" } else { "sudo " };
            let hint = format!("{sudo}chown -R {user} {}", quoted(&root));
            checks.push(hinted(ABOUT, Verdict::Failed, found, hint));
        }
        if let Some(first) = wrong.open.first() {
            let found = format!("others may read or write {}", which(first, wrong.open.len()));
            checks.push(hinted(ABOUT, Verdict::Warning, found, format!("chmod -R go-rwx {}", quoted(&root))));
        }
    }
    if checks.is_empty() {
        let found = format!("{}, all yours alone", many(u64::try_from(all).unwrap_or(u64::MAX), "file"));
        checks.push(check(ABOUT, Verdict::Ok, found));
    }
    checks
}

/// What we wrote there besides the configuration itself, which is judged by what it holds.
fn ours_beside_the_configuration(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let is_ours = |name: &str| name == "credentials" || name == "init.json" || name.starts_with("config.toml.");
    entries.filter(|entry| entry.file_name().to_str().is_some_and(is_ours)).map(|entry| entry.path()).collect()
}

/// Looks at a file, and at all below a directory. Nothing is followed.
fn look(root: &Path, wrong: &mut Wrong) {
    let me = geteuid().as_raw();
    let mut waiting = vec![root.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        wrong.looked_at += 1;
        if wrong.looked_at > MOST {
            return;
        }
        let kind = found.file_type();
        if found.uid() != me {
            wrong.foreign.push(path.clone());
        } else if !kind.is_symlink() && !kind.is_socket() && found.permissions().mode() & 0o077 != 0 {
            // The way to a socket leads through its directory.
            wrong.open.push(path.clone());
        }
        if kind.is_dir() {
            waiting.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
}

/// `~/x`, or `~/x and 3 more`.
fn which(first: &Path, all: usize) -> String {
    match all {
        0 | 1 => first.display().to_string(),
        _ => format!("{} and {} more", first.display(), all - 1),
    }
}
