//! Files in the home in which programs keep credentials: where they are, and what in them is secret.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::absolute_paths;
use crate::redact::known::{base64_decoded, secrets_in};

/// The most credentials that are taken of one file.
const MAX_CREDENTIALS: usize = 64;

/// Whose credentials a file holds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum CredentialFile {
    /// AWS, "Configuration and credential file settings".
    Aws,
    /// curl, git and others: netrc(5).
    Netrc,
    /// npm, "npmrc".
    Npm,
    /// Python packaging, "The .pypirc file".
    Pypi,
    /// Docker, "docker login".
    Docker,
    /// git-credential-store(1).
    Git,
    /// GitHub's command line, "Environment".
    GitHub,
    /// Kubernetes, "Organizing cluster access using kubeconfig files".
    Kubernetes,
}

/// Where the files are looked for. `variable` gives what a variable of the person says.
pub fn places(home: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Vec<(CredentialFile, PathBuf)> {
    let named = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let or = |name: &str, below: &str| named(name).unwrap_or_else(|| home.join(below));
    let config = or("XDG_CONFIG_HOME", ".config");
    let mut places = vec![
        (CredentialFile::Aws, or("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")),
        (CredentialFile::Netrc, or("NETRC", ".netrc")),
        (CredentialFile::Npm, or("NPM_CONFIG_USERCONFIG", ".npmrc")),
        (CredentialFile::Pypi, home.join(".pypirc")),
        (CredentialFile::Docker, or("DOCKER_CONFIG", ".docker").join("config.json")),
        (CredentialFile::Git, home.join(".git-credentials")),
        (CredentialFile::Git, config.join("git/credentials")),
        (CredentialFile::GitHub, named("GH_CONFIG_DIR").unwrap_or_else(|| config.join("gh")).join("hosts.yml")),
    ];
    match variable("KUBECONFIG").filter(|list| !list.is_empty()) {
        Some(list) => places.extend(absolute_paths(&list).take(8).map(|path| (CredentialFile::Kubernetes, path))),
        None => places.push((CredentialFile::Kubernetes, home.join(".kube/config"))),
    }
    places
}

/// The secrets in a file.
pub(super) fn secrets(file: CredentialFile, text: &str) -> Vec<Zeroizing<String>> {
    let mut found = match file {
        CredentialFile::Aws => settings(text, '=', &["aws_secret_access_key", "aws_session_token"]),
        CredentialFile::Netrc => netrc(text),
        CredentialFile::Npm => npm(text),
        CredentialFile::Pypi => settings(text, '=', &["password"]),
        CredentialFile::Docker => docker(text),
        CredentialFile::Git => text.lines().filter(|line| line.contains("://")).flat_map(secrets_in).collect(),
        CredentialFile::GitHub => settings(text, ':', &["oauth_token"]),
        CredentialFile::Kubernetes => settings(
            text,
            ':',
            &["token", "password", "client-key-data", "id-token", "access-token", "refresh-token", "client-secret"],
        ),
    };
    found.truncate(MAX_CREDENTIALS);
    found
}

/// The values of these names, one to a line, as in INI and in the simple half of YAML and JSON.
fn settings(text: &str, separator: char, names: &[&str]) -> Vec<Zeroizing<String>> {
    const AROUND: [char; 4] = ['"', '\'', ',', ' '];
    let pairs = text.lines().filter_map(|line| line.split_once(separator));
    pairs
        .filter(|(name, _)| names.contains(&name.trim().trim_start_matches("- ").trim_matches(AROUND)))
        .map(|(_, value)| Zeroizing::new(value.trim().trim_matches(AROUND).to_owned()))
        .collect()
}

/// `machine HOST login USER password PASSWORD`, in lines as one likes; macros and comments are not looked at.
fn netrc(text: &str) -> Vec<Zeroizing<String>> {
    let mut found = Vec::new();
    let mut words =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_ascii_whitespace);
    while let Some(word) = words.next() {
        if matches!(word, "password" | "account") {
            found.extend(words.next().map(|value| Zeroizing::new(value.trim_matches('"').to_owned())));
        }
    }
    found
}

/// `//HOST/:_authToken=TOKEN`, `…_auth=BASE64`, `…_password=BASE64`.
fn npm(text: &str) -> Vec<Zeroizing<String>> {
    let mut found = Vec::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let name = name.trim().rsplit(':').next().unwrap_or_default();
        let value = value.trim().trim_matches(['"', '\'']);
        if matches!(name, "_authToken" | "_auth" | "_password") {
            found.push(Zeroizing::new(value.to_owned()));
            if name != "_authToken" {
                found.extend(decoded_password(value));
            }
        }
    }
    found
}

/// `auths.HOST`: `auth` is base64 of `USER:PASSWORD`.
fn docker(text: &str) -> Vec<Zeroizing<String>> {
    let mut found = Vec::new();
    let config: Value = serde_json::from_str(text).unwrap_or_default();
    let auths = config.get("auths").and_then(Value::as_object).into_iter().flat_map(|auths| auths.values());
    for auth in auths.take(MAX_CREDENTIALS) {
        for name in ["auth", "password", "identitytoken", "registrytoken"] {
            let Some(value) = auth.get(name).and_then(Value::as_str) else { continue };
            found.push(Zeroizing::new(value.to_owned()));
            if name == "auth" {
                found.extend(decoded_password(value));
            }
        }
    }
    found
}

/// What stands behind the user's name in base64, or all of it.
fn decoded_password(value: &str) -> Option<Zeroizing<String>> {
    let decoded = base64_decoded(value)?;
    let password = decoded.split_once(':').map_or(decoded.as_str(), |(_, password)| password);
    Some(Zeroizing::new(password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secrets_of_each_file_are_found() {
        for (file, text, want) in [
            (
                CredentialFile::Aws,
                "[default]\naws_access_key_id = FAKEID\naws_secret_access_key = FAKE1/+\naws_session_token=FAKE2==\n",
                vec!["FAKE1/+", "FAKE2=="],
            ),
            (
                CredentialFile::Netrc,
                "# password no\nmachine h login me password FAKE1\nmachine i\n  login me\n  password \"FAKE2\"\n",
                vec!["FAKE1", "FAKE2"],
            ),
            (
                CredentialFile::Npm,
                "registry=https://r/\n//r/:_authToken=FAKE1\n//s/:_auth=YXBwOkZBS0Uy\n//t/:_password=\"RkFLRTM=\"\n",
                vec!["FAKE1", "YXBwOkZBS0Uy", "FAKE2", "RkFLRTM=", "FAKE3"],
            ),
            (CredentialFile::Pypi, "[pypi]\nusername = __token__\npassword = pypi-FAKE1\n", vec!["pypi-FAKE1"]),
            (
                CredentialFile::Docker,
                r#"{"auths":{"r":{"auth":"YXBwOkZBS0Uy"},"s":{"identitytoken":"FAKE1"}},"credsStore":"pass"}"#,
                vec!["YXBwOkZBS0Uy", "FAKE2", "FAKE1"],
            ),
            (CredentialFile::Git, "https://me:FAKE1@h\nhttps://me:FAKE%402@i\n", vec!["FAKE1", "FAKE%402", "FAKE@2"]),
            (CredentialFile::GitHub, "github.com:\n    user: me\n    oauth_token: gho_FAKE1\n", vec!["gho_FAKE1"]),
            (
                CredentialFile::Kubernetes,
                "users:\n- name: me\n  user:\n    client-key-data: RkFLRQ==\n    token: \"FAKE1\"\n- password: FAKE2\n",
                vec!["RkFLRQ==", "FAKE1", "FAKE2"],
            ),
        ] {
            let found: Vec<String> = secrets(file, text).into_iter().map(|secret| secret.to_string()).collect();
            assert_eq!(found, want, "{file:?}");
            assert!(secrets(file, "{[\"nonsense").is_empty(), "{file:?}");
        }
    }

    #[test]
    fn a_variable_names_another_place() {
        let home = Path::new("/home/me");
        let at = |file, variable: &'static [(&str, &str)]| {
            let get = |name: &str| variable.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
            let places = places(home, get).into_iter().filter(|(other, _)| *other == file);
            places.map(|(_, path)| path.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(at(CredentialFile::Docker, &[]), ["/home/me/.docker/config.json"]);
        assert_eq!(at(CredentialFile::Docker, &[("DOCKER_CONFIG", "/d")]), ["/d/config.json"]);
        assert_eq!(at(CredentialFile::Docker, &[("DOCKER_CONFIG", "d")]), ["/home/me/.docker/config.json"]);
        assert_eq!(at(CredentialFile::GitHub, &[("XDG_CONFIG_HOME", "/c")]), ["/c/gh/hosts.yml"]);
        assert_eq!(at(CredentialFile::Kubernetes, &[("KUBECONFIG", "/a:b:/c")]), ["/a", "/c"]);
    }
}
