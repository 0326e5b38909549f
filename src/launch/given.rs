//! Edge: the environment as it was given, and what of it counts: below a running Claude Code a project can have set it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::config::paths;
use crate::secrets::keyring::{Bus, Entry};

/// The environment as it was given, asked by name.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// In its order.
    pub variables: &'a [(OsString, OsString)],
}

impl Given<'_> {
    /// The last value of a name.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// Whether a name has a value that is not empty.
    pub fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.is_empty())
    }

    /// Whether a Claude Code runs above us: then a project can have set any variable.
    pub fn is_below_claude(&self) -> bool {
        self.is_set("CLAUDECODE")
    }

    /// A variable of ours. Below a running Claude Code it counts for nothing.
    pub fn own(&self, name: &str) -> Option<&OsStr> {
        if self.is_below_claude() { None } else { self.get(name).filter(|value| !value.is_empty()) }
    }

    /// An absolute directory that a variable names. Below a running Claude Code it counts for nothing.
    pub fn directory(&self, name: &str) -> Option<PathBuf> {
        self.own(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// The person's home; below a running Claude Code the one in the password database.
    pub fn home(&self) -> Option<PathBuf> {
        if self.is_below_claude() {
            return nix::unistd::User::from_uid(nix::unistd::getuid()).ok()?.map(|user| user.dir);
        }
        directories::BaseDirs::new().map(|directories| directories.home_dir().to_owned())
    }

    /// Where Claude Code keeps its own files.
    pub fn claude_directory(&self) -> Option<PathBuf> {
        self.directory("CLAUDE_CONFIG_DIR").or_else(|| Some(self.home()?.join(".claude")))
    }

    /// Whether colours may be used, on a terminal or elsewhere (<https://no-color.org>, <https://bixense.com/clicolors>).
    pub fn colours(&self, terminal: bool) -> bool {
        let forced = self.get("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
        let dumb = self.get("TERM").is_none_or(|term| term == "dumb");
        !self.is_set("NO_COLOR") && (forced || terminal && !dumb)
    }

    /// A sentence with the person's home written as they would: on one line of a terminal, the end of it counts.
    pub fn with_tilde(&self, sentence: &str) -> String {
        match self.home().as_deref().and_then(Path::to_str) {
            Some(home) if home.len() > 1 => sentence.replace(&format!("{home}/"), "~/"),
            _ => sentence.to_owned(),
        }
    }

    /// Where the token of a destination is kept. Nothing of it is looked at.
    pub fn keyring_entry(&self, destination: &str) -> Entry {
        Entry { account: destination.to_owned(), bus: self.bus(), file: self.credential_file(destination) }
    }

    /// The bus of this user's session. Below a running Claude Code it is where the system puts it: what a project names
    /// would be told what to give.
    fn bus(&self) -> Option<Bus> {
        if cfg!(target_os = "macos") {
            return None;
        }
        let address = self.own("DBUS_SESSION_BUS_ADDRESS").and_then(OsStr::to_str);
        let runtime = || {
            let system = || PathBuf::from(format!("/run/user/{}", nix::unistd::geteuid()));
            self.directory("XDG_RUNTIME_DIR").unwrap_or_else(system)
        };
        Some(address.map_or_else(|| Bus::Socket(runtime().join("bus")), |address| Bus::Address(address.to_owned())))
    }

    /// The file that stands in for the keyring: beside the user's configuration, where that is by default.
    fn credential_file(&self, destination: &str) -> Option<PathBuf> {
        let config = self.config_file()?;
        Some(config.parent()?.join("credentials").join(destination))
    }

    /// The user's configuration file, unless another is named.
    pub fn config_file(&self) -> Option<PathBuf> {
        if self.is_below_claude() {
            return paths::config_file_in(&self.home()?);
        }
        paths::config_file()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bus(variables: &[(&str, &str)]) -> Option<Bus> {
        let variables: Vec<_> = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Given { variables: &variables }.keyring_entry("org").bus
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_bus_is_the_persons_and_below_claude_the_systems() {
        let system = Some(Bus::Socket(format!("/run/user/{}/bus", nix::unistd::geteuid()).into()));
        let address = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/tmp/x");
        let runtime = ("XDG_RUNTIME_DIR", "/tmp/run");
        assert_eq!(bus(&[]), system);
        assert_eq!(bus(&[runtime]), Some(Bus::Socket("/tmp/run/bus".into())));
        assert_eq!(bus(&[("XDG_RUNTIME_DIR", "run")]), system);
        assert_eq!(bus(&[runtime, address]), Some(Bus::Address("unix:path=/tmp/x".to_owned())));
        assert_eq!(bus(&[runtime, address, ("CLAUDECODE", "1")]), system);
    }
}
