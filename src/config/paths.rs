//! Edge: where things of ours are kept, and that nobody else can get at them.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use nix::unistd::geteuid;

/// Where the organization's configuration files are.
pub const MANAGED: &str =
    if cfg!(target_os = "macos") { "/Library/Application Support/cc-observe" } else { "/etc/cc-observe" };

/// The user's configuration file. `None` if there is no home.
pub fn config_file() -> Option<PathBuf> {
    let project = || Some(ProjectDirs::from("", "", "cc-observe")?.config_dir().to_owned());
    Some(xdg("XDG_CONFIG_HOME").or_else(project)?.join("config.toml"))
}

/// The same in a given home, whatever the environment says.
pub fn config_file_in(home: &Path) -> Option<PathBuf> {
    let project = ProjectDirs::from("", "", "cc-observe")?;
    let below = if cfg!(target_os = "macos") {
        Path::new("Library/Application Support").join(project.project_path())
    } else {
        Path::new(".config").join(project.project_path())
    };
    Some(home.join(below).join("config.toml"))
}

/// The state directory, made if need be: 0700, owned by us, no symlink.
///
/// A home that cannot be written to is no reason not to observe: then it is one below the runtime directory, or below
/// the temporary directory.
pub fn state_directory() -> io::Result<PathBuf> {
    let state = own_state_directory();
    let temporary = std::env::temp_dir().join(format!("cc-observe-{}", geteuid()));
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for candidate in state.into_iter().chain(xdg("XDG_RUNTIME_DIR")).chain([temporary]) {
        match private_directory(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The state directory if it is one that nobody tidies up: neither the runtime directory nor a temporary one.
pub fn lasting_state_directory() -> Option<PathBuf> {
    own_state_directory().filter(|state| private_directory(state).is_ok())
}

fn own_state_directory() -> Option<PathBuf> {
    xdg("XDG_STATE_HOME").or_else(|| {
        let project = ProjectDirs::from("", "", "cc-observe")?;
        Some(project.state_dir().unwrap_or_else(|| project.data_local_dir()).to_owned())
    })
}

/// The longest path of a directory of sockets, in bytes: with the name of one, 41, it has room in `sun_path`, which has 104
/// on macOS and 108 on Linux.
const MAX_SOCKET_DIRECTORY_BYTES: usize = 60;

/// The directory of control sockets, made if need be: 0700, owned by us, no symlink. Below the runtime directory, else the
/// state directory, else the temporary directory: the first whose name is short enough.
pub fn runtime_directory(state: &Path) -> io::Result<PathBuf> {
    let temporary = std::env::temp_dir().join(format!("cc-observe-{}", geteuid()));
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for candidate in xdg("XDG_RUNTIME_DIR").into_iter().chain([state.join("run"), temporary]) {
        if candidate.as_os_str().len() > MAX_SOCKET_DIRECTORY_BYTES {
            continue;
        }
        match private_directory(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Makes a directory and those above it, and checks that it is ours alone.
pub fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() || found.uid() != geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "not a directory of this user"));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    nix::unistd::access(path, nix::unistd::AccessFlags::W_OK | nix::unistd::AccessFlags::X_OK)?;
    Ok(())
}

/// `$NAME/cc-observe`, if it is an absolute path (XDG Base Directory Specification: others are invalid).
fn xdg(name: &str) -> Option<PathBuf> {
    let base = PathBuf::from(std::env::var_os(name)?);
    base.is_absolute().then(|| base.join("cc-observe"))
}

/// The largest log that is added to, in bytes; a larger one begins anew.
const MAX_LOG_BYTES: u64 = 1 << 20;

/// Opens the log in the state directory, to be appended to.
pub fn open_log(state: &Path) -> io::Result<fs::File> {
    use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = state.join("cc-observe.log");
    let file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(O_NOFOLLOW | O_NONBLOCK)
        .open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if found.len() > MAX_LOG_BYTES {
        file.set_len(0)?;
    }
    Ok(file)
}
