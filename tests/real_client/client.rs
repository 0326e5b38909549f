//! Edge: the real client, installed from npm into a cache of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The version that everything here was measured with.
pub(super) const VERSION: &str = "2.1.330";

/// The real client, and how to give it a network of its own.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The binary.
    pub(crate) claude: PathBuf,
    /// `unshare` and its options; a command follows.
    pub(crate) unshare: Vec<&'static str>,
}

/// The client, or a word on why there is none here.
#[track_caller]
pub(crate) fn client() -> Option<&'static Client> {
    static CLIENT: OnceLock<Result<Client, String>> = OnceLock::new();
    match CLIENT.get_or_init(find) {
        Ok(client) => Some(client),
        Err(why) => {
            skip(why);
            None
        }
    }
}

/// A program that some of the tests need, such as tmux.
#[track_caller]
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", "command -v \"$1\"", "sh", program]).stdout(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        skip(&format!("there is no {program}"));
    }
    found
}

/// Says it where a test that passes is heard, too.
#[track_caller]
fn skip(why: &str) {
    let required = std::env::var_os("CC_OBSERVE_REQUIRE_REAL").is_some_and(|value| value == "1");
    assert!(!required, "CC_OBSERVE_REQUIRE_REAL=1, but {why}");
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

fn find() -> Result<Client, String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("these tests run on Linux on x86-64 only".into());
    }
    let unshare = namespaces()?;
    Ok(Client { claude: installed()?, unshare })
}

/// A network, and processes that end with the first of them. Who is not root is root of a namespace first.
fn namespaces() -> Result<Vec<&'static str>, String> {
    let plain = ["unshare", "-n", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let mapped = ["unshare", "--map-root-user", "-n", "--pid", "--fork", "--kill-child", "--mount-proc"];
    for command in [plain.to_vec(), mapped.to_vec()] {
        let link = ["ip", "link", "set", "lo", "up"];
        let tried = Command::new(command[0]).args(&command[1..]).args(link).stderr(Stdio::null()).status();
        if tried.is_ok_and(|status| status.success()) {
            return Ok(command);
        }
    }
    Err("a network namespace cannot be made here (`unshare -n`, `ip link`)".into())
}

fn installed() -> Result<PathBuf, String> {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|cache| !cache.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let prefix = cache.ok_or("there is no HOME to install the client below")?.join("cc-observe-lab");
    let package = prefix.join("node_modules/@anthropic-ai/claude-code-linux-x64");
    if !is_installed(&package) {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(&prefix);
        npm.arg(format!("@anthropic-ai/claude-code@{VERSION}"));
        let output = npm.stdin(Stdio::null()).output().map_err(|error| format!("npm cannot be run: {error}"))?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("npm cannot install the client: {}", errors.lines().next().unwrap_or_default()));
        }
    }
    if is_installed(&package) {
        Ok(package.join("claude"))
    } else {
        Err(format!("npm has installed no client {VERSION} for this machine"))
    }
}

fn is_installed(package: &Path) -> bool {
    let about = std::fs::read(package.join("package.json")).unwrap_or_default();
    let about: serde_json::Value = serde_json::from_slice(&about).unwrap_or_default();
    about["version"] == VERSION && package.join("claude").is_file()
}
