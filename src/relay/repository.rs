//! Edge: which repository and branch the run is in, read from git's files: no git process is started.
//!
//! The files may belong to a hostile checkout: they are read bounded, and what they say is used only where it has the
//! form of a host, a path or a branch.

use std::path::{Path, PathBuf};

use crate::config::files::read_small;

/// The largest of git's files that is read, in bytes.
const MAX_GIT_FILE: u64 = 1 << 20;

/// How many directories up a repository is looked for.
const MAX_DEPTH: usize = 64;

/// What is known of a repository.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Repository {
    /// Of the remote `origin`: `https://HOST/OWNER/NAME`, whatever form it has there, without credentials.
    pub url: Option<String>,
    /// `OWNER`, which may have several parts.
    pub owner: Option<String>,
    /// `NAME`.
    pub name: Option<String>,
    /// What the host is known to run: `github`, `gitlab`, `bitbucket`.
    pub provider: Option<&'static str>,
    /// The branch that is checked out.
    pub branch: Option<String>,
}

/// Reads the repository around a directory.
pub fn read(directory: &Path) -> Option<Repository> {
    let (root, git) = directory.ancestors().take(MAX_DEPTH).find_map(|at| Some((at, git_directory(at)?)))?;
    let head = read_small(&git.join("HEAD"), MAX_GIT_FILE).ok()?;
    let common = match read_small(&git.join("commondir"), MAX_GIT_FILE) {
        Ok(relative) => git.join(relative.trim()),
        Err(_) => git,
    };
    let config = read_small(&common.join("config"), MAX_GIT_FILE).unwrap_or_default();
    let mut repository = origin(&config).map(|url| remote(&url)).unwrap_or_default();
    repository.branch = head.trim().strip_prefix("ref: refs/heads/").map(str::to_owned);
    if repository.name.is_none() {
        repository.name = root.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    }
    Some(repository)
}

/// The `.git` of a directory: a directory, or a file that names one (worktrees, submodules).
fn git_directory(at: &Path) -> Option<PathBuf> {
    let git = at.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let text = read_small(&git, MAX_GIT_FILE).ok()?;
    Some(at.join(text.trim().strip_prefix("gitdir:")?.trim()))
}

/// `url` of `[remote "origin"]` in a git configuration (git-config, "Configuration File").
fn origin(config: &str) -> Option<String> {
    let mut here = false;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            let section: String = line.split_whitespace().collect::<Vec<_>>().join(" ");
            here = section.eq_ignore_ascii_case("[remote \"origin\"]");
        } else if here
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("url")
        {
            return Some(value.trim().trim_matches('"').to_owned());
        }
    }
    None
}

/// Reads a remote's address: `https://user:secret@host/owner/name.git`, `ssh://git@host:22/…`, `git@host:owner/name`.
fn remote(url: &str) -> Repository {
    let (host, path) = match url.split_once("://") {
        Some(("https" | "http" | "ssh" | "git" | "git+ssh", rest)) => {
            let Some((authority, path)) = rest.split_once('/') else { return Repository::default() };
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            (host.split(':').next().unwrap_or(host), path)
        }
        Some(_) => return Repository::default(),
        None => match url.split_once(':') {
            Some((authority, path)) if !authority.contains('/') && authority.len() > 1 => {
                (authority.rsplit_once('@').map_or(authority, |(_, host)| host), path)
            }
            _ => return Repository::default(),
        },
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let Some((owner, name)) = path.rsplit_once('/') else { return Repository::default() };
    let host = host.to_ascii_lowercase();
    let provider =
        ["github", "gitlab", "bitbucket"].into_iter().find(|known| host.split('.').any(|part| part == *known));
    Repository {
        url: Some(format!("https://{host}/{path}")),
        owner: Some(owner.to_owned()),
        name: Some(name.to_owned()),
        provider,
        branch: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_remote_gives_the_same_address_without_credentials() {
        for url in [
            "https://github.com/acme/widgets.git",
            "https://x-access-token:FAKE@github.com/acme/widgets",
            "https://FAKE@github.com/acme/widgets.git/",
            "ssh://git@github.com:22/acme/widgets.git",
            "git@github.com:acme/widgets.git",
            "https://GitHub.com/acme/widgets?token=FAKE#x",
        ] {
            let repository = remote(url);
            assert_eq!(repository.url.as_deref(), Some("https://github.com/acme/widgets"), "{url}");
            assert_eq!(repository.owner.as_deref(), Some("acme"), "{url}");
            assert_eq!(repository.provider, Some("github"), "{url}");
        }
        assert_eq!(remote("/srv/git/x.git"), Repository::default());
        assert_eq!(remote("file:///srv/git/x.git"), Repository::default());
        assert_eq!(remote("ext::sh -c FAKE"), Repository::default());
    }

    #[test]
    fn the_remote_is_read_from_its_section_only() {
        let config = "[core]\n\turl = no\n[remote \"other\"]\n\turl = no\n[remote \"origin\"]\n\tfetch = x\n\tURL = https://h/a/b\n";
        assert_eq!(origin(config).as_deref(), Some("https://h/a/b"));
        assert_eq!(origin("[remote \"other\"]\nurl = x"), None);
    }

    #[test]
    fn branch_and_remote_are_found_from_below_and_from_a_worktree() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("widgets");
        let git = root.join(".git");
        std::fs::create_dir_all(git.join("worktrees/w")).unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(git.join("HEAD"), "ref: refs/heads/fix/login\n").unwrap();
        std::fs::write(git.join("config"), "[remote \"origin\"]\n url = git@gitlab.example.com:team/sub/widgets.git\n")
            .unwrap();
        let found = read(&root.join("a/b")).unwrap();
        assert_eq!(found.branch.as_deref(), Some("fix/login"));
        assert_eq!(found.owner.as_deref(), Some("team/sub"));

        let worktree = directory.path().join("w");
        std::fs::create_dir(&worktree).unwrap();
        std::fs::write(worktree.join(".git"), format!("gitdir: {}\n", git.join("worktrees/w").display())).unwrap();
        std::fs::write(git.join("worktrees/w/HEAD"), "ref: refs/heads/other\n").unwrap();
        std::fs::write(git.join("worktrees/w/commondir"), "../..\n").unwrap();
        let found = read(&worktree).unwrap();
        assert_eq!((found.branch.as_deref(), found.name.as_deref()), (Some("other"), Some("widgets")));
    }
}
