//! Edge: what world the process was started into, as JSON.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::unistd;
use serde_json::{Value, json};

use crate::before_main::given;
use crate::settings::Settings;

/// Writes the probe's findings to `file`, all at once: whoever sees it sees all of it.
pub(crate) fn dump(file: &Path, settings: &Settings) -> io::Result<()> {
    let temporary = file.with_extension("part");
    fs::write(&temporary, serde_json::to_vec_pretty(&findings(settings))?)?;
    fs::rename(temporary, file)
}

fn findings(settings: &Settings) -> Value {
    let given = given();
    let environment: BTreeMap<_, _> =
        std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), lossless(&value))).collect();
    let status = |name: &str| {
        given
            .status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map_or("", str::trim)
            .to_owned()
    };
    let foreground = [io::stdin().as_fd(), io::stdout().as_fd(), io::stderr().as_fd()]
        .into_iter()
        .find(IsTerminal::is_terminal)
        .and_then(|terminal| unistd::tcgetpgrp(terminal).ok());
    json!({
        "argv": std::env::args_os().map(|argument| lossless(&argument)).collect::<Vec<_>>(),
        "environment": environment,
        "directory": std::env::current_dir().map(|directory| lossless(directory.as_os_str())).unwrap_or_default(),
        "executable": fs::read_link("/proc/self/exe").map(|file| lossless(file.as_os_str())).unwrap_or_default(),
        "umask": status("Umask"),
        "signals": {
            "blocked": status("SigBlk"),
            "ignored": status("SigIgn"),
            "caught": status("SigCgt"),
        },
        "no_new_privileges": status("NoNewPrivs"),
        "limits": given.limits.lines().skip(1).map(str::trim_end).collect::<Vec<_>>(),
        "descriptors": given.descriptors,
        "pid": unistd::getpid().as_raw(),
        "parent": unistd::getppid().as_raw(),
        "group": unistd::getpgrp().as_raw(),
        "session": unistd::getsid(None).map_or(-1, unistd::Pid::as_raw),
        "foreground_group": foreground.map(unistd::Pid::as_raw),
        "terminals": [io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal()],
        "telemetry": settings.telemetry(),
        "started_ns": u64::try_from(given.at.as_nanos()).unwrap_or(u64::MAX),
    })
}

/// A string where it is one, else `{"bytes": […]}`.
fn lossless(bytes: &OsStr) -> Value {
    bytes.to_str().map_or_else(|| json!({ "bytes": bytes.as_bytes() }), |text| json!(text))
}
