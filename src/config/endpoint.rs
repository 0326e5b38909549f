//! Where a destination listens: a URL that cannot print the credential it may be.

use std::fmt;

use hyper::Uri;
use hyper::http::uri::Scheme;

use crate::otlp::Signal;
use crate::secrets::Secret;

/// The OTLP/HTTP address of a destination, `http` or `https`, with a host.
///
/// The path may be a credential (a Sumo Logic source URL is one), and so may the user information and the query:
/// `Display` and `Debug` print scheme, host and port only.
#[derive(Clone, Eq, PartialEq)]
pub struct Endpoint {
    base: Secret,
    shown: String,
    per_signal: [Option<Secret>; 3],
}

/// Why a text is no endpoint. Never contains the text: it may be a credential.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL at all.
    #[error("not a URL: expected https://HOST[:PORT][/PATH]")]
    NotAUrl,
    /// A scheme that OTLP over HTTP does not have.
    #[error("the scheme is neither http nor https")]
    Scheme,
    /// `https:///v1`.
    #[error("the URL has no host")]
    NoHost,
}

impl Endpoint {
    /// Reads a base URL; `/v1/logs` and its like are appended to it. Surrounding blanks and trailing slashes are
    /// ignored, as Claude Code's exporter does; without a scheme, `http` is meant.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim().trim_end_matches('/');
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let shown = shown(&text)?;
        Ok(Self { base: Secret::new(text), shown, per_signal: [None, None, None] })
    }

    /// Uses `url` as it is for one signal, as `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT` means it.
    pub fn with_signal(mut self, signal: Signal, url: &str) -> Result<Self, EndpointError> {
        let url = url.trim();
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        shown(&url)?;
        if let Some(slot) = self.per_signal.get_mut(signal as usize) {
            *slot = Some(Secret::new(url));
        }
        Ok(self)
    }

    /// The URL that a batch of this signal is posted to. To be given to the HTTP client and to nothing else.
    pub fn url(&self, signal: Signal) -> Secret {
        match self.per_signal.get(signal as usize) {
            Some(Some(own)) => own.clone(),
            _ => Secret::new(format!("{}{}", self.base.expose(), signal.path())),
        }
    }

    /// Eight hexadecimal digits that differ from those of another address, and tell nothing of it.
    pub fn fingerprint(&self) -> String {
        let mut hasher = crc32fast::Hasher::new();
        for url in std::iter::once(&self.base).chain(self.per_signal.iter().flatten()) {
            hasher.update(url.expose().as_bytes());
            hasher.update(&[0]);
        }
        format!("{:08x}", hasher.finalize())
    }

    /// The base URL, to be handed to the relay over its control socket.
    pub fn base(&self) -> &Secret {
        &self.base
    }

    /// The URL of one signal where it differs from the base, to be handed to the relay over its control socket.
    pub fn own_url(&self, signal: Signal) -> Option<&Secret> {
        self.per_signal.get(signal as usize)?.as_ref()
    }
}

fn shown(text: &str) -> Result<String, EndpointError> {
    let uri: Uri = text.parse().map_err(|_| EndpointError::NotAUrl)?;
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS => {
            let host = uri.host().filter(|host| !host.is_empty()).ok_or(EndpointError::NoHost)?;
            let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
            Ok(format!("{scheme}://{host}{port}"))
        }
        Some(_) => Err(EndpointError::Scheme),
        None => Err(EndpointError::NotAUrl),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_prints_neither_path_nor_user_nor_query() {
        let endpoint =
            Endpoint::parse("https://me:FAKEpw@collectors.example.com:8443/receiver/v1/otlp/FAKE?k=FAKE").unwrap();
        assert_eq!(endpoint.to_string(), "https://collectors.example.com:8443");
        assert_eq!(format!("{endpoint:?}"), "Endpoint(https://collectors.example.com:8443)");
    }

    #[test]
    fn a_signal_path_is_appended_once_and_an_own_url_is_used_as_written() {
        let endpoint = Endpoint::parse(" http://127.0.0.1:4318/otel/ ").unwrap();
        assert_eq!(endpoint.url(Signal::Logs).expose(), "http://127.0.0.1:4318/otel/v1/logs");
        let endpoint = endpoint.with_signal(Signal::Traces, "http://127.0.0.1:9/x").unwrap();
        assert_eq!(endpoint.url(Signal::Traces).expose(), "http://127.0.0.1:9/x");
        assert_eq!(endpoint.url(Signal::Metrics).expose(), "http://127.0.0.1:4318/otel/v1/metrics");
    }

    #[test]
    fn what_is_no_http_url_is_refused_without_repeating_it() {
        for (text, error) in [
            ("ftp://FAKEhost/", EndpointError::Scheme),
            ("https:///v1", EndpointError::NotAUrl),
            ("ht tp://FAKE", EndpointError::NotAUrl),
        ] {
            let got = Endpoint::parse(text).unwrap_err();
            assert_eq!(got, error, "{text}");
            assert!(!got.to_string().contains("FAKE"));
        }
    }
}
