//! Edge: changes of the user's file: written beside it and renamed, once the result is sound.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, BufRead as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::check::mistakes;
use super::{Failure, tell, tell_all};
use crate::config::table::{self, Table, Verdict};
use crate::config::user::{MAX_CONFIG_BYTES, check as check_source};
use crate::config::{Config, Endpoint, Layer, Source, edit as text_edit, files, keys, known_values, managed};
use crate::launch::{self, Given};
use crate::process;

/// The mode of a file that we make: it may hold credentials.
pub(super) const PRIVATE: u32 = 0o600;

/// The code of a shell that did not find a command.
const NOT_FOUND: i32 = 127;

/// The user's file.
pub(super) struct Own {
    /// As it is named.
    path: PathBuf,
    /// Behind all links.
    real: PathBuf,
    /// What it says; `None`: it is not there.
    text: Option<String>,
}

impl Own {
    /// Opens it, where it may be changed.
    pub(super) fn open(given: Given<'_>) -> Result<Self, Failure> {
        if given.is_below_claude() {
            return Err(Failure::Refused(
                "below a running Claude Code the configuration is not changed: a project could do it; use a terminal of \
                 your own"
                    .to_owned(),
            ));
        }
        let no_home = || io_failure("there is no place for a configuration file", io::ErrorKind::NotFound.into());
        let path = launch::layers(given).file.ok_or_else(no_home)?;
        let text = match files::read_small(&path, MAX_CONFIG_BYTES) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io_failure(&format!("cannot read {}", path.display()), error)),
        };
        let real = behind_links(&path).map_err(|error| io_failure("cannot follow the links to the file", error))?;
        Ok(Self { path, real, text })
    }

    /// As it is named.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Behind all links.
    pub(super) fn real(&self) -> &Path {
        &self.real
    }

    /// Whether it is there.
    pub(super) fn exists(&self) -> bool {
        self.text.is_some()
    }

    /// What it says.
    pub(super) fn before(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// As it would be with this text, with all that counts besides.
    pub(super) fn sources(&self, given: Given<'_>, text: &str) -> Result<Vec<Source>, Failure> {
        let mut sources = managed::read()?;
        sources.push(self.source(text));
        // A variable that is wrong is no reason not to write a file.
        sources.extend(launch::layers(given).variables.into_iter().filter(|source| check_source(source).is_empty()));
        Ok(sources)
    }

    /// A text in its place.
    pub(super) fn source(&self, text: &str) -> Source {
        Source { layer: Layer::User, name: self.path.display().to_string(), text: text.to_owned() }
    }

    /// Puts a text in the place of what was read.
    pub(super) fn replace(&self, text: &str) -> Result<(), Failure> {
        let doing = |error| io_failure(&format!("cannot write {}", self.path.display()), error);
        let directory = self.real.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(doing)?;
        let now = match files::read_small(&self.real, MAX_CONFIG_BYTES) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(doing(error)),
        };
        if now != self.text {
            return Err(Failure::Refused(
                "the file was changed meanwhile, and nothing was written: try again".to_owned(),
            ));
        }
        let mode = fs::metadata(&self.real).map_or(PRIVATE, |found| found.permissions().mode() & 0o777);
        let beside = self.beside("new");
        let written = write_new(&beside, text).and_then(|()| {
            fs::set_permissions(&beside, fs::Permissions::from_mode(mode))?;
            fs::rename(&beside, &self.real)?;
            fs::File::open(directory)?.sync_all()
        });
        written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            doing(error)
        })
    }

    /// A file of ours in the same directory.
    fn beside(&self, what: &str) -> PathBuf {
        let name = format!(".cc-observe-{}-{what}.toml", std::process::id());
        self.real.with_file_name(name)
    }
}

fn io_failure(doing: &str, source: io::Error) -> Failure {
    Failure::Io { doing: doing.to_owned(), source }
}

/// Where a path leads, also when nothing is there yet.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    match fs::read_link(path) {
        Ok(target) => Ok(path.parent().unwrap_or(Path::new("/")).join(target)),
        Err(_) => Ok(path.to_owned()),
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

pub(super) fn set(given: Given<'_>, key: &str, typed: &str) -> Result<u8, Failure> {
    let own = Own::open(given)?;
    let found = keys::find(key)?;
    let name = keys::written(&found.path);
    if found.key.managed_only {
        return Err(Failure::Usage(format!("`{name}` counts in managed files only")));
    }
    let value = text_edit::value(found.key.form, typed)?;
    let asked = value.as_str().map(str::to_owned);
    let text = text_edit::set(own.before(), &found.path, value)?;
    check(&own, &text)?;
    let sources = own.sources(given, &text)?;
    let table = Table::of(&sources)?;
    match table::verdict(&sources, &found.path) {
        Verdict::Locked(origin) => {
            return Err(Failure::Refused(format!(
                "`{name}` is locked by your organization in {origin}, which would count all the same: nothing was written"
            )));
        }
        Verdict::Overridden(origin) => tell(&format!("{origin} is set, and counts instead")),
        Verdict::Besides(origin) => tell(&format!("what {origin} lists counts as well")),
        Verdict::InForce => {}
    }
    let is_of_destination = found.path.first().is_some_and(|top| top == "destinations");
    let variable = if is_of_destination { "CC_OBSERVE_ENDPOINT" } else { "CC_OBSERVE_CLAUDE" };
    if (is_of_destination || found.path == ["claude"]) && given.own(variable).is_some() {
        tell(&format!("{variable} is set, and counts instead"));
    }
    if is_of_destination
        && found.path.last().is_some_and(|last| last == "capture")
        && let Some(counts) = table.row(&found.path).and_then(|row| row.value.as_ref()?.as_str())
        && Some(counts) != asked.as_deref()
    {
        tell(&format!("`capture` at the top is the ceiling: {counts} counts"));
    }
    if is_credential(&own.source(&text), &found.path) {
        tell(
            &"this looks like a credential: it is in the history of your shell now. With `auth = { token = \"file\", … }` \
             it need not stand in the file",
        );
    }
    own.replace(&text)?;
    Ok(0)
}

/// Whether what was set lets somebody in.
fn is_credential(source: &Source, path: &[String]) -> bool {
    let [_, name, key, ..] = path else { return false };
    let config = Config::of(std::slice::from_ref(source)).unwrap_or_default();
    let Some(mut destination) = config.destinations.into_iter().find(|it| it.name == *name) else { return false };
    destination.auth = None;
    match key.as_str() {
        "endpoint" => destination.headers.clear(),
        "headers" => {
            destination.headers.retain(|(header, _)| path.last().is_some_and(|last| last == header));
            if let Ok(nowhere) = Endpoint::parse("http://localhost") {
                destination.endpoint = nowhere;
            }
        }
        _ => return false,
    }
    !known_values::of_destination(&destination).is_empty()
}

pub(super) fn unset(given: Given<'_>, key: &str) -> Result<u8, Failure> {
    let own = Own::open(given)?;
    let path = match keys::find_table(key) {
        Some(table) => table,
        None => keys::find(key)?.path,
    };
    let Some(text) = text_edit::unset(own.before(), &path)? else {
        let file = own.path.display();
        return Err(Failure::Refused(format!("`{}` is not set in {file}", keys::written(&path))));
    };
    check(&own, &text)?;
    own.replace(&text)?;
    Ok(0)
}

/// Tells everything that is wrong with what is to be written.
fn check(own: &Own, text: &str) -> Result<(), Failure> {
    if text.len() as u64 > MAX_CONFIG_BYTES {
        return Err(Failure::Unsound("the file would be larger than it may be: nothing was written"));
    }
    let wrong = mistakes(&[own.source(text)]);
    if wrong.is_empty() {
        return Ok(());
    }
    tell_all(wrong.iter());
    Err(Failure::Unsound("nothing was written"))
}

pub(super) fn edit(given: Given<'_>) -> Result<u8, Failure> {
    let own = Own::open(given)?;
    let copy = own.beside("edit");
    let directory = copy.parent().unwrap_or(Path::new("/"));
    let doing = |error| io_failure("cannot make a copy to edit", error);
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(doing)?;
    write_new(&copy, own.before()).map_err(doing)?;
    let result = edit_copy(given, &own, &copy);
    // What somebody has written and cannot be used yet is not thrown away.
    if matches!(result, Err(Failure::Unsound(_))) {
        tell(&format!("what you wrote is in {}", copy.display()));
    } else {
        let _ = fs::remove_file(&copy);
    }
    result
}

fn edit_copy(given: Given<'_>, own: &Own, copy: &Path) -> Result<u8, Failure> {
    loop {
        open_editor(given, copy)?;
        let text = files::read_small(copy, MAX_CONFIG_BYTES)
            .map_err(|error| io_failure(&format!("cannot read {}", copy.display()), error))?;
        if text == own.before() {
            tell(&"nothing was changed");
            return Ok(0);
        }
        match check(own, &text) {
            Ok(()) => {
                own.replace(&text)?;
                return Ok(0);
            }
            Err(unsound) if !again()? => return Err(unsound),
            Err(_) => {}
        }
    }
}

/// As others do it, the name of an editor may come with options: a shell takes it apart.
fn open_editor(given: Given<'_>, file: &Path) -> Result<(), Failure> {
    let named = ["VISUAL", "EDITOR"].into_iter().find_map(|name| given.get(name).filter(|value| !value.is_empty()));
    let editor = named.unwrap_or(OsStr::new("vi"));
    let mut script = editor.to_owned();
    script.push(" \"$@\"");
    let status = Command::new("/bin/sh").arg("-c").arg(script).arg(editor).arg(file).status();
    let status = status.map_err(|error| io_failure("cannot start the editor", error))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(NOT_FOUND) => Err(io_failure(
            "cannot start the editor; name another in VISUAL or EDITOR",
            io::Error::new(io::ErrorKind::NotFound, "it was not found"),
        )),
        Some(code) => Err(Failure::Refused(format!("the editor ended with {code}: nothing was changed"))),
        None => Err(Failure::Refused("the editor was killed: nothing was changed".to_owned())),
    }
}

/// Asks whoever sits at the terminal; nobody else.
fn again() -> Result<bool, Failure> {
    let (stdin, mut stderr) = (io::stdin(), io::stderr());
    if !process::is_terminal(stdin.as_fd()) || !process::is_terminal(stderr.as_fd()) {
        return Ok(false);
    }
    let failed = |source| io_failure("cannot ask", source);
    write!(stderr, "Edit again? [Y/n] ").and_then(|()| stderr.flush()).map_err(failed)?;
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer).map_err(failed)?;
    Ok(read > 0 && matches!(answer.trim(), "" | "y" | "Y" | "yes"))
}
