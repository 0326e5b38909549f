//! Edge: Claude Code's process wrapper: what it puts in front of the processes that it starts in the background.
//!
//! Claude Code starts its background daemon, and what that starts, through the words in [`VARIABLE`]. What the daemon was
//! given is what its sessions are given, whatever shell asks for one later; so this is where they are observed. A wrapper
//! that is gone makes `claude --bg` fail: what we name is a script in the state directory, which outlives us and starts
//! claude without us then.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};
use serde_json::{Map, Value};

use super::settings;
use crate::config::{files, paths};

/// The variable that holds the words: one path, or words as a shell has them between blanks, or a JSON array of strings.
pub const VARIABLE: &str = "CLAUDE_CODE_PROCESS_WRAPPER";

/// The setting of the same meaning, which the variable beats.
pub(super) const SETTING: &str = "processWrapper";

/// The word behind our own program that makes it the wrapper.
pub const WORD: &str = "process-wrapper";

/// The words around a wrapper of the person's own, which is started in front of claude as well.
const CHAIN: &str = "--chain";
const CHAIN_ENDS: &str = "--";

/// The name of the script in the state directory.
const SCRIPT: &str = "process-wrapper";

/// How Claude Code was asked to be started by it, read from our arguments.
#[derive(Debug, Eq, PartialEq)]
pub struct Called<'a> {
    /// The person's own wrapper.
    pub chained: &'a [OsString],
    /// Claude.
    pub program: &'a OsStr,
    /// Its arguments.
    pub args: &'a [OsString],
}

impl<'a> Called<'a> {
    /// `[--chain WORD… --] PROGRAM [ARG…]`
    pub fn read(words: &'a [OsString]) -> Option<Self> {
        let (chained, rest) = match words.split_first() {
            Some((first, rest)) if first == CHAIN => {
                let end = rest.iter().position(|word| word == CHAIN_ENDS)?;
                (rest.get(..end)?, rest.get(end + 1..)?)
            }
            _ => (&[][..], words),
        };
        let (program, args) = rest.split_first()?;
        Some(Self { chained, program, args })
    }
}

/// What a person, or the organization, has in the place where ours is to stand; the strongest first.
pub fn persons_own(environment: Option<&OsStr>, layers: [Option<&Map<String, Value>>; 2]) -> Option<String> {
    let [user, own] = layers;
    let in_settings =
        |name: &str| [own, user].into_iter().flatten().find_map(|layer| settings::variables(layer).remove(name));
    let text = in_settings(VARIABLE)
        .or_else(|| environment?.to_str().map(str::to_owned))
        .or_else(|| [own, user].into_iter().flatten().find_map(|layer| Some(layer.get(SETTING)?.as_str()?.to_owned())));
    text.filter(|text| !text.trim().is_empty())
}

/// What settings put in front of background processes: under which key, and what.
pub fn of_settings(settings: &Map<String, Value>) -> Option<(&'static str, String)> {
    let variable = settings::variables(settings).remove(VARIABLE).map(|text| (VARIABLE, text));
    let setting = || Some((SETTING, settings.get(SETTING)?.as_str()?.to_owned()));
    variable.or_else(setting).filter(|(_, text)| !text.trim().is_empty())
}

/// Whether it leads to us.
pub fn is_ours(text: &str) -> bool {
    let script = paths::lasting_state_directory().map(|state| state.join(SCRIPT));
    script.as_deref().and_then(Path::to_str).is_some_and(|script| text.contains(script))
}

/// The program that is started by it. `None`: it is no list of words.
pub fn first_word(text: &str) -> Option<String> {
    let text = text.trim();
    if text.starts_with('[') {
        let Ok(Value::Array(words)) = serde_json::from_str(text) else { return None };
        return words.first()?.as_str().map(str::to_owned);
    }
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').map(|(word, _)| word.to_owned()),
        None => text.split_whitespace().next().map(str::to_owned),
    }
}

/// The value of the variable for a claude that we start: our script, and behind it what the person has there. Writes the
/// script where it is missing. `None`: none can be written that will be there for as long as a daemon may live.
pub fn value(persons: Option<&str>) -> Option<String> {
    let script = paths::lasting_state_directory()?.join(SCRIPT);
    write(&script, &program()?)
        .inspect_err(|error| super::prepare::log(&format!("no process wrapper: {error}")))
        .ok()?;
    combine(script.to_str()?, persons)
}

fn combine(script: &str, persons: Option<&str>) -> Option<String> {
    let quoted = if script.contains(|c: char| c.is_whitespace() || "\"\\;|&$()`<>'".contains(c)) {
        if script.contains(['"', '\\']) {
            return None;
        }
        format!("\"{script}\"")
    } else {
        script.to_owned()
    };
    match persons.map(str::trim) {
        None => Some(quoted),
        // Started from a session that is observed already.
        Some(theirs) if theirs.contains(script) => Some(theirs.to_owned()),
        Some(theirs) if theirs.starts_with('[') => {
            let Ok(Value::Array(words)) = serde_json::from_str(theirs) else { return None };
            let ours = [script, CHAIN].map(|word| Value::String(word.to_owned()));
            let end = Value::String(CHAIN_ENDS.to_owned());
            Some(Value::Array(ours.into_iter().chain(words).chain([end]).collect()).to_string())
        }
        Some(theirs) => Some(format!("{quoted} {CHAIN} {theirs} {CHAIN_ENDS}")),
    }
}

/// A path to this program that an upgrade does not take away: the one on the search path if that leads here, else our own.
fn program() -> Option<PathBuf> {
    let ourselves = std::env::current_exe().ok()?;
    let identity = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let itself = identity(&ourselves)?;
    let search = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&search)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join("cc-observe"))
        .find(|candidate| identity(candidate) == Some(itself));
    Some(on_path.unwrap_or(ourselves))
}

/// The script, if the path of the program can stand in one.
fn script(program: &Path) -> Option<String> {
    let program = program.to_str().filter(|path| !path.contains(['\'', '\n', '\r']))?;
    Some(format!(
        "#!/bin/sh\n\
         # Written by cc-observe, and named to Claude Code in {VARIABLE}: Claude Code starts\n\
         # its background processes through it. Where cc-observe is gone, they are started without it, and send no\n\
         # telemetry to a port that was its own.\n\
         cc_observe='{program}'\n\
         if [ -x \"$cc_observe\" ]; then\n\
         \x20   exec \"$cc_observe\" {WORD} \"$@\"\n\
         fi\n\
         if [ \"$1\" = {CHAIN} ]; then\n\
         \x20   shift\n\
         \x20   words=$#\n\
         \x20   while [ \"$words\" -gt 0 ] && [ \"$1\" != {CHAIN_ENDS} ]; do\n\
         \x20       set -- \"$@\" \"$1\"\n\
         \x20       shift\n\
         \x20       words=$((words - 1))\n\
         \x20   done\n\
         \x20   shift\n\
         \x20   words=$((words - 1))\n\
         \x20   while [ \"$words\" -gt 0 ]; do\n\
         \x20       set -- \"$@\" \"$1\"\n\
         \x20       shift\n\
         \x20       words=$((words - 1))\n\
         \x20   done\n\
         fi\n\
         case ${{OTEL_EXPORTER_OTLP_LOGS_ENDPOINT-}} in\n\
         http://127.0.0.1:*/r/*/v1/logs)\n\
         \x20   export OTEL_LOGS_EXPORTER=none OTEL_METRICS_EXPORTER=none OTEL_TRACES_EXPORTER=none\n\
         \x20   ;;\n\
         esac\n\
         exec \"$@\"\n"
    ))
}

/// Writes the script if it is not there as it should be, and sees that it can be executed.
fn write(path: &Path, program: &Path) -> io::Result<()> {
    let text = script(program).ok_or(io::ErrorKind::InvalidInput)?;
    if files::read_small(path, 64 << 10).ok().as_deref() != Some(&*text) {
        let mut temporary = OsString::from(path);
        temporary.push(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o700)
            .open(&temporary)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&temporary, path));
        if let Err(error) = written {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
    }
    // A file system may be mounted so that nothing on it is executed.
    access(path, AccessFlags::X_OK).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_wrapper_of_the_persons_own_comes_behind_ours() {
        for (script, persons, value) in [
            ("/s/process-wrapper", None, Some("/s/process-wrapper")),
            ("/a b/w", None, Some("\"/a b/w\"")),
            ("/s/w", Some("/corp/launch"), Some("/s/w --chain /corp/launch --")),
            ("/s/w", Some(" \"/corp dir/launch\" -x "), Some("/s/w --chain \"/corp dir/launch\" -x --")),
            ("/s/w", Some(r#"["/corp","-x y"]"#), Some(r#"["/s/w","--chain","/corp","-x y","--"]"#)),
            ("/s/w", Some("[broken"), None),
            ("/s/w", Some("/s/w --chain /corp --"), Some("/s/w --chain /corp --")),
            ("/a\"b/w", None, None),
        ] {
            assert_eq!(combine(script, persons).as_deref(), value, "{script} {persons:?}");
        }
    }

    #[test]
    fn what_the_person_has_is_found_the_strongest_first() {
        let layer = |text: &str| settings::parse(text).unwrap();
        let user = layer(r#"{"env":{"CLAUDE_CODE_PROCESS_WRAPPER":"/user"},"processWrapper":"/setting"}"#);
        let own = layer(r#"{"env":{"CLAUDE_CODE_PROCESS_WRAPPER":"/own"}}"#);
        let setting = layer(r#"{"processWrapper":"/setting"}"#);
        let environment = Some(OsStr::new("/environment"));
        for (environment, layers, found) in [
            (environment, [Some(&user), Some(&own)], Some("/own")),
            (environment, [Some(&user), None], Some("/user")),
            (environment, [Some(&setting), None], Some("/environment")),
            (None, [Some(&setting), None], Some("/setting")),
            (Some(OsStr::new(" ")), [None, None], None),
            (None, [None, None], None),
        ] {
            assert_eq!(persons_own(environment, layers).as_deref(), found);
        }
    }

    #[test]
    fn how_it_was_called_is_read() {
        let called = |line| {
            let words = words(line);
            Called::read(&words)
                .map(|called| (called.chained.to_vec(), called.program.to_owned(), called.args.to_vec()))
        };
        assert_eq!(called("/c daemon run"), Some((vec![], "/c".into(), words("daemon run"))));
        assert_eq!(
            called("--chain /corp -x -- /c --bg-spare s"),
            Some((words("/corp -x"), "/c".into(), words("--bg-spare s")))
        );
        assert_eq!(called("--chain /corp /c"), None);
        assert_eq!(called("--chain /corp --"), None);
        assert_eq!(Called::read(&[]), None);
    }

    #[test]
    fn the_script_starts_us_and_where_we_are_gone_claude_without_telemetry() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("wrapper");
        let run = |program: &Path, words: &[&str], endpoint: &str| {
            write(&path, program).unwrap();
            let output = Command::new(&path)
                .args(words)
                .env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", endpoint)
                .env("OTEL_LOGS_EXPORTER", "otlp")
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
        };
        let ours = "http://127.0.0.1:1/r/x/v1/logs";
        assert_eq!(run(Path::new("/bin/echo"), &["a b", "c"], ours), "process-wrapper a b c\n");
        let gone = directory.path().join("gone");
        let tell = ["/bin/sh", "-c", "echo \"$OTEL_LOGS_EXPORTER $#\" \"$@\"", "sh", "a b", "*"];
        assert_eq!(run(&gone, &tell, ours), "none 2 a b *\n");
        assert_eq!(run(&gone, &tell, "https://otlp.example.com/v1/logs"), "otlp 2 a b *\n");
        let chained: Vec<&str> = ["--chain", "/usr/bin/env", "X=y z", "--"].into_iter().chain(tell).collect();
        assert_eq!(run(&gone, &chained, ours), "none 2 a b *\n");
        assert!(script(Path::new("/it's/cc-observe")).is_none());
    }
}
