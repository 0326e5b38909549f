//! Edge: finds the claude to run, and not ourselves.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, Pid, access};

/// The variable by which a launcher tells what it is about to become, for the case that this is a shim that leads back
/// here. It counts only in the process it was set for: `PID:PATH[:PATH…]`.
pub const HOPS: &str = "CC_OBSERVE_HOPS";

/// A script whose first bytes hold this word is a shim of ours.
pub const SHIM_MARK: &str = "cc-observe-shim";

/// How many shims may lead to one another before that is taken for a loop.
const MAX_HOPS: usize = 8;

/// Why there is nothing to run.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum FindError {
    /// Nowhere on the search path.
    #[error("cannot find claude: no program of that name on PATH")]
    NotFound,
    /// Found, and not to be executed.
    #[error("cannot run {path}: it is not executable", path = .0.display())]
    NotExecutable(PathBuf),
    /// An explicit path with nothing there.
    #[error("cannot find {path}", path = .0.display())]
    NothingThere(PathBuf),
    /// Only shims that lead back here.
    #[error("cannot find claude: what is on PATH under that name leads back to cc-observe")]
    OnlyShims,
}

/// A failure of our own, as other programs that run programs have it (`env`, `timeout`, `nohup`).
pub const COULD_NOT: u8 = 125;

impl FindError {
    /// The exit code that a shell would give, or 125 where the fault is ours.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound | Self::NothingThere(_) => 127,
            Self::NotExecutable(_) => 126,
            Self::OnlyShims => COULD_NOT,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotFound => "install Claude Code, or name its path in CC_OBSERVE_CLAUDE",
            Self::NotExecutable(_) => "make it executable, or name another in CC_OBSERVE_CLAUDE",
            Self::NothingThere(_) => "check the path",
            Self::OnlyShims => "name the path of the real claude in CC_OBSERVE_CLAUDE",
        }
    }
}

/// Shims that this very process went through before.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hops(Vec<PathBuf>);

impl Hops {
    /// Reads the variable. What it says of another process than this one, or the shim that started it, counts for
    /// nothing.
    pub fn read(value: Option<&OsStr>, pid: Pid, parent: Option<Pid>) -> Self {
        let Some(bytes) = value.map(OsStr::as_bytes) else { return Self::default() };
        let mut parts = bytes.split(|byte| *byte == b':');
        let first = parts.next().unwrap_or_default();
        let ours = [Some(pid), parent].into_iter().flatten().any(|pid| first == pid.to_string().as_bytes());
        if !ours {
            return Self::default();
        }
        Self(parts.take(MAX_HOPS + 1).map(|part| PathBuf::from(OsStr::from_bytes(part))).collect())
    }

    /// Whether an outer cc-observe already observes this process.
    pub fn is_nested(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether there have been so many that it must be a loop.
    fn check(&self) -> Result<(), FindError> {
        if self.0.len() > MAX_HOPS { Err(FindError::OnlyShims) } else { Ok(()) }
    }

    fn identities(&self) -> Vec<(u64, u64)> {
        self.0.iter().filter_map(|path| identity(path)).collect()
    }

    /// What stands behind the pid in the value for a process that becomes `path`.
    pub fn with(&self, path: &Path) -> OsString {
        let mut value = OsString::new();
        for hop in self.0.iter().map(PathBuf::as_path).chain([path]) {
            value.push(":");
            value.push(hop);
        }
        value
    }
}

/// The search path that `execvp` uses where there is none.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Finds claude: the path named (`CC_OBSERVE_CLAUDE`, the configuration), else the first on the search path that is
/// neither this program nor a shim that leads back to it.
pub fn find(named: Option<&Path>, search: Option<&OsStr>, hops: &Hops) -> Result<PathBuf, FindError> {
    if let Some(path) = named {
        return explicit(path, hops);
    }
    hops.check()?;
    let ourselves = ourselves();
    let skipped = hops.identities();
    let search = search.filter(|search| !search.is_empty()).unwrap_or(OsStr::new(DEFAULT_PATH));
    let (mut not_executable, mut shim) = (None, false);
    for directory in search.as_bytes().split(|byte| *byte == b':') {
        // An empty part means the current directory (POSIX, "Other Environment Variables").
        let directory = if directory.is_empty() { b"." } else { directory };
        let candidate = Path::new(OsStr::from_bytes(directory)).join("claude");
        let Some(found) = identity(&candidate) else { continue };
        if Some(found) == ourselves || skipped.contains(&found) {
            shim = true;
        } else if !is_file(&candidate) || access(&candidate, AccessFlags::X_OK).is_err() {
            not_executable.get_or_insert(candidate);
        } else if is_shim(&candidate) {
            shim = true;
        } else {
            return Ok(candidate);
        }
    }
    Err(match not_executable {
        Some(path) => FindError::NotExecutable(path),
        None if shim => FindError::OnlyShims,
        None => FindError::NotFound,
    })
}

/// Whether the first `claude` on the search path leads back here.
pub fn is_first_ours(search: Option<&OsStr>) -> bool {
    let search = search.unwrap_or(OsStr::new(DEFAULT_PATH));
    let mut candidates = std::env::split_paths(search).map(|directory| directory.join("claude"));
    let first = candidates.find(|candidate| is_file(candidate));
    first.is_some_and(|first| identity(&first) == ourselves() || is_shim(&first))
}

/// The files called `cc-observe` on the search path, each once: whether it is this program, and where it is.
pub fn copies(search: Option<&OsStr>) -> Vec<(bool, PathBuf)> {
    let ourselves = ourselves();
    let mut seen = Vec::new();
    let search = search.unwrap_or(OsStr::new(DEFAULT_PATH));
    let candidates = std::env::split_paths(search).map(|directory| directory.join("cc-observe"));
    let programs = candidates.filter(|path| is_file(path) && access(path, AccessFlags::X_OK).is_ok());
    let each = programs.filter_map(|path| {
        let found = identity(&path)?;
        let is_new = !seen.contains(&found);
        seen.push(found);
        is_new.then_some((Some(found) == ourselves, path))
    });
    each.collect()
}

/// A path that somebody named: taken as it is, unless it leads back here.
pub fn explicit(path: &Path, hops: &Hops) -> Result<PathBuf, FindError> {
    hops.check()?;
    let Some(found) = identity(path) else { return Err(FindError::NothingThere(path.to_owned())) };
    if Some(found) == ourselves() || hops.identities().contains(&found) {
        return Err(FindError::OnlyShims);
    }
    if !is_file(path) || access(path, AccessFlags::X_OK).is_err() {
        return Err(FindError::NotExecutable(path.to_owned()));
    }
    Ok(path.to_owned())
}

/// Device and inode of what a path leads to.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Device and inode of this program, also when its file has been replaced meanwhile.
fn ourselves() -> Option<(u64, u64)> {
    identity(Path::new("/proc/self/exe")).or_else(|| identity(&std::env::current_exe().ok()?))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file())
}

fn is_shim(path: &Path) -> bool {
    let mut head = [0_u8; 512];
    let length = File::open(path).and_then(|mut file| file.read(&mut head)).unwrap_or(0);
    let head = head.get(..length).unwrap_or_default();
    head.starts_with(b"#!") && head.windows(SHIM_MARK.len()).any(|window| window == SHIM_MARK.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_of_another_process_count_for_nothing() {
        let me = Pid::from_raw(10);
        let rest = Hops::default().with(Path::new("/a/claude"));
        assert_eq!(rest, ":/a/claude");
        let value = OsString::from("10:/a/claude");
        assert!(Hops::read(Some(&value), me, None).is_nested());
        assert!(!Hops::read(Some(&value), Pid::from_raw(11), None).is_nested());
        assert!(!Hops::read(Some(OsStr::new("10")), me, None).is_nested());
        assert!(Hops::read(Some(&value), Pid::from_raw(11), Some(me)).is_nested());
        assert!(!Hops::read(None, me, None).is_nested());
        let again = Hops::read(Some(&value), me, None).with(Path::new("/b/claude"));
        assert_eq!(again, ":/a/claude:/b/claude");
    }
}
