//! Edge: how the process was started, noted before Rust's runtime changes it.
//!
//! The runtime ignores SIGPIPE and opens `/dev/null` in place of a closed stdin, stdout or stderr, so a probe that
//! looks from `main` on cannot see what it was given.
#![expect(unsafe_code, reason = "the loader's list of constructors has no safe name")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// What the kernel said of this process before `main`.
#[derive(Default)]
pub(crate) struct Given {
    /// `/proc/self/status`: masks and dispositions of signals, the umask.
    pub(crate) status: String,
    /// `/proc/self/limits`.
    pub(crate) limits: String,
    /// Open descriptors and what they are.
    pub(crate) descriptors: BTreeMap<u32, PathBuf>,
    /// When, since 1970.
    pub(crate) at: Duration,
}

static GIVEN: OnceLock<Given> = OnceLock::new();

/// What was noted; empty where there is no `/proc`.
pub(crate) fn given() -> &'static Given {
    GIVEN.get_or_init(Given::default)
}

// SAFETY: the loader calls what it finds in this section, once, before `main`, with one thread; an `extern "C" fn()`
// is what it expects. The function neither panics nor uses what only the runtime sets up (arguments, thread names).
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
static NOTE: extern "C" fn() = note;

extern "C" fn note() {
    let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut descriptors = BTreeMap::new();
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        for entry in entries.flatten() {
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let (Some(number), Ok(target)) = (number, fs::read_link(entry.path())) {
                // The descriptor that reads this directory is ours.
                if !(target.starts_with("/proc") && target.ends_with("fd")) {
                    descriptors.insert(number, target);
                }
            }
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let _ = GIVEN.set(Given { status, limits, descriptors, at });
}
