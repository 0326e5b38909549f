//! How a destination is spoken to: protocol, compression, TLS, proxy, and what lets us in.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secrets::keyring::Entry;
use crate::secrets::{Secret, TokenSource};

/// The three forms of OTLP.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Protocol {
    /// Binary protobuf over HTTP/1.1.
    #[default]
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    /// JSON over HTTP/1.1.
    #[serde(rename = "http/json")]
    HttpJson,
    /// Unary gRPC over HTTP/2; without TLS, with prior knowledge.
    #[serde(rename = "grpc")]
    Grpc,
}

impl Protocol {
    /// As it is written in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "http/protobuf" => Some(Self::HttpProtobuf),
            "http/json" => Some(Self::HttpJson),
            "grpc" => Some(Self::Grpc),
            _ => None,
        }
    }
}

/// Whether bodies are compressed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// By gzip.
    #[default]
    Gzip,
    /// Not at all.
    None,
}

/// Certificates beyond those of the platform. PEM files, by absolute path; they are read when they are needed.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tls {
    /// Authorities that are trusted besides the platform's.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate with its chain, and its key.
    pub client: Option<ClientCertificate>,
}

/// What we show to an endpoint that wants to know who we are.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ClientCertificate {
    /// The certificate and its chain.
    pub cert: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: PathBuf,
}

/// The proxies of the person's environment. Their addresses may hold credentials.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Proxies {
    /// For `http` endpoints.
    pub http: Option<Secret>,
    /// For `https` endpoints.
    pub https: Option<Secret>,
    /// Who is reached without: `NO_PROXY`.
    pub no: String,
}

impl Proxies {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in small letters or large; small ones count, as
    /// for curl.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| {
            let value = variable(&name.to_ascii_lowercase()).or_else(|| variable(name))?;
            Some(value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let of = |name: &str| get(name).or_else(|| get("ALL_PROXY")).map(Secret::new);
        Self { http: of("HTTP_PROXY"), https: of("HTTPS_PROXY"), no: get("NO_PROXY").unwrap_or_default() }
    }
}

/// How a destination is spoken to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Transport {
    /// In which form.
    pub protocol: Protocol,
    /// Whether compressed.
    pub compression: Compression,
    /// Whom to trust, and who we are.
    pub tls: Tls,
    /// On which way.
    pub proxies: Proxies,
}

/// What lets us in, fetched when it is needed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Auth {
    /// The header that bears it.
    pub header: String,
    /// What stands before it, with a blank between: `Bearer`.
    pub scheme: Option<String>,
    /// Where it comes from.
    pub token: TokenSource,
}

/// `auth = { … }`, as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Auth")]
pub(super) struct AuthTable {
    /// The header that bears the token; `Authorization`, where nothing is said.
    header: Option<String>,
    /// What stands before the token, with a blank between; `Bearer`, where no header is named.
    #[schemars(extend("writeOnly" = true))]
    scheme: Option<String>,
    /// Where the token comes from.
    token: Kind,
    /// The absolute path of a helper, and its arguments.
    #[schemars(extend("writeOnly" = true))]
    command: Option<Vec<String>>,
    /// The absolute path of a file that nobody else can read.
    #[schemars(extend("writeOnly" = true))]
    file: Option<PathBuf>,
    /// The name of a variable of the launch.
    #[schemars(extend("writeOnly" = true))]
    env: Option<String>,
}

#[derive(Clone, Copy, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "TokenSource")]
enum Kind {
    /// What a helper writes.
    Command,
    /// The one line of a file.
    File,
    /// A variable of the launch.
    Env,
    Keyring,
}

impl AuthTable {
    /// Checks it. The error is a sentence of ours, without any value. `name` is the destination's, and the account of its
    /// entry in a keyring.
    pub(super) fn into_auth(self, name: &str) -> Result<Auth, &'static str> {
        let Self { header, scheme, token, command, file, env } = self;
        let token = match (token, command, file, env) {
            (Kind::Command, Some(command), None, None) => match command.first() {
                Some(program) if program.starts_with('/') => TokenSource::Command(command),
                Some(_) => return Err("auth.command begins with the absolute path of a program"),
                None => return Err("auth.command is empty"),
            },
            (Kind::File, None, Some(file), None) if file.is_absolute() => TokenSource::File(file),
            (Kind::File, None, Some(_), None) => return Err("auth.file is an absolute path"),
            (Kind::Env, None, None, Some(name)) if is_variable(&name) => TokenSource::Env { name, value: None },
            (Kind::Env, None, None, Some(_)) => return Err("auth.env is the name of a variable"),
            // Where the bus and the file are is known when a run is prepared.
            (Kind::Keyring, None, None, None) => {
                TokenSource::Keyring(Entry { account: name.to_owned(), bus: None, file: None })
            }
            (Kind::Keyring, ..) => {
                return Err("token = \"keyring\" goes alone: `cc-observe auth set` stores the token");
            }
            (Kind::Command, ..) => return Err("token = \"command\" goes with command = [\"/path/to/helper\", …]"),
            (Kind::File, ..) => return Err("token = \"file\" goes with file = \"/path/to/token\""),
            (Kind::Env, ..) => return Err("token = \"env\" goes with env = \"NAME\""),
        };
        // RFC 6750 is what nearly everybody means by this header.
        let scheme = match &header {
            None => scheme.or_else(|| Some("Bearer".to_owned())),
            Some(_) => scheme,
        };
        let header = header.unwrap_or_else(|| "Authorization".to_owned());
        if header.is_empty() || !header.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        {
            return Err("auth.header is the name of a header");
        }
        Ok(Auth { header, scheme: scheme.filter(|scheme| !scheme.is_empty()), token })
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `tls = { … }`, as it is written.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Tls")]
pub(super) struct TlsTable {
    /// Authorities (PEM, absolute path) that are trusted besides those of the system.
    ca_file: Option<PathBuf>,
    /// Our own certificate with its chain (PEM, absolute path).
    client_cert: Option<PathBuf>,
    /// The key of the certificate (PEM, absolute path, not encrypted).
    client_key: Option<PathBuf>,
}

impl TlsTable {
    /// Checks it. The relay has another directory than the person, so paths are absolute.
    pub(super) fn into_tls(self) -> Result<Tls, &'static str> {
        let paths = [&self.ca_file, &self.client_cert, &self.client_key];
        if paths.into_iter().flatten().any(|path| !path.is_absolute()) {
            return Err("paths in tls are absolute");
        }
        let client = match (self.client_cert, self.client_key) {
            (Some(cert), Some(key)) => Some(ClientCertificate { cert, key }),
            (None, None) => None,
            _ => return Err("tls.client_cert and tls.client_key go together"),
        };
        Ok(Tls { ca_file: self.ca_file, client })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(text: &str) -> Result<Auth, String> {
        toml::from_str::<AuthTable>(text)
            .map_err(|error| error.message().to_owned())?
            .into_auth("org")
            .map_err(str::to_owned)
    }

    #[test]
    fn a_token_has_one_source_and_a_bearer_is_meant_where_no_header_is_named() {
        let env = |name: &str| TokenSource::Env { name: name.to_owned(), value: None };
        let bearer = auth("token = 'env'\nenv = 'ORG_TOKEN'").unwrap();
        assert_eq!(bearer.header, "Authorization");
        assert_eq!((bearer.scheme.as_deref(), bearer.token), (Some("Bearer"), env("ORG_TOKEN")));
        let sumo = auth("token = 'file'\nfile = '/run/token'\nheader = 'x-sumo-token'").unwrap();
        assert_eq!((sumo.header.as_str(), sumo.scheme), ("x-sumo-token", None));
        assert_eq!(sumo.token, TokenSource::File("/run/token".into()));
        let helper = auth("token = 'command'\ncommand = ['/bin/helper', 'x']\nheader = 'A'\nscheme = 'S'").unwrap();
        assert_eq!(helper.token, TokenSource::Command(vec!["/bin/helper".to_owned(), "x".to_owned()]));
        assert_eq!(helper.scheme.as_deref(), Some("S"));
        let keyring = auth("token = 'keyring'").unwrap();
        assert_eq!(keyring.token, TokenSource::Keyring(Entry { account: "org".to_owned(), bus: None, file: None }));
    }

    #[test]
    fn what_is_no_source_of_a_token_is_told_without_repeating_it() {
        for (text, want) in [
            ("token = 'env'", "token = \"env\" goes with env = \"NAME\""),
            ("token = 'env'\nenv = 'FAKE TOKEN'", "auth.env is the name of a variable"),
            ("token = 'file'\nfile = 'FAKE'", "auth.file is an absolute path"),
            ("token = 'command'\ncommand = []", "auth.command is empty"),
            ("token = 'command'\ncommand = ['FAKE']", "auth.command begins with the absolute path of a program"),
            ("token = 'file'\nenv = 'FAKE'", "token = \"file\" goes with file = \"/path/to/token\""),
            ("token = 'env'\nenv = 'A'\nheader = 'FAKE: x'", "auth.header is the name of a header"),
            (
                "token = 'keyring'\nfile = '/FAKE'",
                "token = \"keyring\" goes alone: `cc-observe auth set` stores the token",
            ),
            ("env = 'A'", "missing field `token`"),
        ] {
            assert_eq!(auth(text), Err(want.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_certificate_goes_with_its_key() {
        let tls = |text: &str| toml::from_str::<TlsTable>(text).unwrap().into_tls();
        assert_eq!(tls(""), Ok(Tls::default()));
        assert_eq!(tls("client_cert = '/c.pem'"), Err("tls.client_cert and tls.client_key go together"));
        assert_eq!(tls("ca_file = 'ca.pem'"), Err("paths in tls are absolute"));
        let client = Some(ClientCertificate { cert: "/c".into(), key: "/k".into() });
        assert_eq!(tls("client_cert = '/c'\nclient_key = '/k'"), Ok(Tls { ca_file: None, client }));
    }

    #[test]
    fn proxies_are_those_of_curl() {
        let proxies = |pairs: &[(&str, &str)]| {
            Proxies::of_environment(|name| {
                pairs.iter().find(|(there, _)| *there == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let secret = |text: &str| Some(Secret::new(text));
        let both = proxies(&[("HTTPS_PROXY", "http://a"), ("https_proxy", "http://b"), ("NO_PROXY", "x")]);
        assert_eq!(both, Proxies { http: None, https: secret("http://b"), no: "x".to_owned() });
        let all = proxies(&[("ALL_PROXY", "http://a"), ("http_proxy", " ")]);
        assert_eq!(all, Proxies { http: secret("http://a"), https: secret("http://a"), no: String::new() });
    }
}
