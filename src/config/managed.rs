//! Edge: the organization's configuration files, and whether nobody else can have written them.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::layers::{Layer, Source};
use super::user::{ConfigError, Governed, MAX_CONFIG_BYTES};
use super::{Config, files, paths};

/// The most files that are read.
const MOST: usize = 64;

/// Reads `managed.toml` and then `managed.d/*.toml` in the order of their names. Empty where there is none.
pub fn read() -> Result<Vec<Source>, ConfigError> {
    read_in(paths::MANAGED.as_ref(), 0)
}

/// The same below a directory, of which each part and each file must be this user's and nobody else may write to it.
fn read_in(directory: &Path, owner: u32) -> Result<Vec<Source>, ConfigError> {
    let mut sources = Vec::new();
    for path in candidates(directory)? {
        let text = match files::read_small(&path, MAX_CONFIG_BYTES) {
            Ok(text) => text,
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(unreadable(&path, &error)),
        };
        // Behind all links: some systems link all of /etc.
        let real = path.canonicalize().map_err(|error| unreadable(&path, &error))?;
        if let Some(untrusted) = real.ancestors().find(|part| !is_trusted(part, owner)) {
            return Err(ConfigError::Untrusted { path, part: untrusted.to_owned() });
        }
        sources.push(Source { layer: Layer::Managed, name: path.display().to_string(), text });
    }
    Ok(sources)
}

/// The files that count if they are there, in their order.
fn candidates(directory: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let mut found = vec![directory.join("managed.toml")];
    let drop_ins = directory.join("managed.d");
    match fs::read_dir(&drop_ins) {
        Ok(entries) => {
            let entries = entries.flatten().map(|entry| entry.path());
            let mut entries: Vec<_> =
                entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect();
            entries.sort();
            found.append(&mut entries);
        }
        Err(error) if is_absent(&error) => {}
        Err(error) => return Err(unreadable(&drop_ins, &error)),
    }
    if found.len() > MOST {
        return Err(unreadable(&drop_ins, &io::Error::other(format!("more than {MOST} files"))));
    }
    Ok(found)
}

/// The files that count if they are there; where they cannot be listed, none.
pub fn files() -> Vec<PathBuf> {
    candidates(paths::MANAGED.as_ref()).unwrap_or_default()
}

fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    ConfigError::Unreadable { path: path.to_owned(), why: error.to_string() }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether only root, or the owner that is asked for, can have put it there.
fn is_trusted(part: &Path, owner: u32) -> bool {
    fs::symlink_metadata(part).is_ok_and(|found| {
        // In a directory with the sticky bit nobody can replace what is another's.
        let shared = found.mode() & 0o022 != 0 && !(found.is_dir() && found.mode() & 0o1000 != 0);
        (found.uid() == 0 || found.uid() == owner) && !shared
    })
}

/// Whether the organization wants no session that is not observed. Files that cannot be used require nothing.
pub fn require_observation() -> bool {
    governed().is_some_and(|governed| governed.required)
}

/// Whether a session may be asked for that is not observed: where the organization says so, or says nothing at all. Files
/// that cannot be used allow nothing.
pub fn allows_unobserved() -> bool {
    governed().is_none_or(|governed| governed.allows_unobserved)
}

/// Whether what waits to be delivered may be removed. Files that cannot be used allow nothing.
pub fn allows_drop() -> bool {
    governed().is_none_or(|governed| governed.allows_drop)
}

/// What the organization says of the others. `None`: nothing.
fn governed() -> Option<Governed> {
    // In nearly all places there are none.
    if matches!(fs::symlink_metadata(paths::MANAGED), Err(error) if is_absent(&error)) {
        return None;
    }
    match read().and_then(|sources| Config::of(&sources)) {
        Ok(config) => config.governed,
        Err(_) => Some(Governed::default()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use nix::unistd::geteuid;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let sources = read_in(directory, geteuid().as_raw()).unwrap();
        sources.into_iter().map(|source| source.text).collect()
    }

    fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    #[test]
    fn files_are_read_in_the_order_of_their_names_and_none_is_none() {
        let root = tempfile::tempdir().unwrap();
        assert!(names(root.path()).is_empty() && names(&root.path().join("missing")).is_empty());
        for name in ["managed.d/20-b.toml", "managed.toml", "managed.d/10-a.toml", "managed.d/readme.md"] {
            write(root.path(), name, name);
        }
        assert_eq!(names(root.path()), ["managed.toml", "managed.d/10-a.toml", "managed.d/20-b.toml"]);
    }

    #[test]
    fn what_others_may_write_is_not_trusted() {
        let root = tempfile::tempdir().unwrap();
        let file = write(root.path(), "etc/managed.toml", "");
        let etc = root.path().join("etc");
        let judged = |owner| read_in(&etc, owner).map(|found| found.len());
        assert_eq!(judged(geteuid().as_raw()), Ok(1));
        for (path, mode) in [(&file, 0o664), (&file, 0o646), (&etc, 0o775), (&etc, 0o757)] {
            let before = fs::metadata(path).unwrap().permissions();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            let error = judged(geteuid().as_raw()).unwrap_err();
            assert!(matches!(&error, ConfigError::Untrusted { part, .. } if part == path), "{error}");
            fs::set_permissions(path, before).unwrap();
        }
        if !geteuid().is_root() {
            assert!(judged(0).is_err(), "another user's");
        }
    }

    #[test]
    fn a_link_is_judged_by_what_it_points_to() {
        let root = tempfile::tempdir().unwrap();
        let real = write(root.path(), "real/managed.toml", "");
        symlink(root.path().join("real"), root.path().join("etc")).unwrap();
        let etc = root.path().join("etc");
        assert_eq!(names(&etc).len(), 1);
        fs::set_permissions(&real, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(read_in(&etc, geteuid().as_raw()).is_err());
    }
}
