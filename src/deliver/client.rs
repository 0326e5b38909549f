//! Edge: the only socket that leaves the machine.
//!
//! Posts one batch at a time. When, and what an outcome means, is `retry`'s business; this only knows how. URLs,
//! headers and answers do not get into what it returns.

use std::error::Error;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    TRANSFER_ENCODING, USER_AGENT,
};
use hyper::http::uri::Scheme;
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;

use super::answer;
use super::retry::{AnswerBody, Outcome, Unreachable};
use crate::config::{Destination, Endpoint};
use crate::otlp::Signal;
use crate::redact::Redacted;

/// How long a TCP connection may take to be made, all addresses of a host together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request may take from the look-up of the name to the end of the answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The most that is read of an answer, in bytes. A longer one is no OTLP answer.
pub const MAX_ANSWER_BYTES: usize = 64 << 10;

/// The most that is kept of a `Retry-After` header, in bytes. Both its forms are shorter.
const MAX_RETRY_AFTER_BYTES: usize = 64;

/// A compressed request body. Made of redacted bytes only: nothing else can be posted.
#[derive(Clone, Debug)]
pub(super) struct Payload(Bytes);

impl Payload {
    /// Compresses an encoded request.
    pub(super) fn new(body: &Redacted<Vec<u8>>) -> io::Result<Self> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body.get())?;
        Ok(Self(encoder.finish()?.into()))
    }
}

/// Posts to one endpoint over one connection, kept open between requests.
pub(super) struct Poster {
    endpoint: Endpoint,
    /// None where a configured header is not one.
    headers: Option<HeaderMap>,
    /// What the endpoint must not make us repeat.
    secrets: Vec<String>,
    plain: OnceLock<Client<HttpConnector, Full<Bytes>>>,
    /// Made when the first `https` URL is used: the trusted certificates are most of a relay's memory.
    tls: OnceLock<Option<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>>,
}

impl Poster {
    pub(super) fn new(destination: &Destination) -> Self {
        let values = destination.headers.iter().map(|(_, value)| value.expose().to_owned());
        let base = destination.endpoint.base().clone();
        let urls = Signal::ALL.into_iter().filter_map(|signal| destination.endpoint.own_url(signal).cloned());
        let paths = std::iter::once(base).chain(urls).filter_map(|url| {
            let (_, rest) = url.expose().split_once("://")?;
            let (_, path) = rest.split_once('/')?;
            Some(path.to_owned())
        });
        Self {
            endpoint: destination.endpoint.clone(),
            headers: headers(destination),
            secrets: values.chain(paths).filter(|secret| !secret.is_empty()).collect(),
            plain: OnceLock::new(),
            tls: OnceLock::new(),
        }
    }

    /// Posts one batch and reads the answer. Redirects are not followed.
    pub(super) async fn post(&self, signal: Signal, payload: &Payload) -> Outcome {
        let Some(request) = self.request(signal, payload) else { return Outcome::Unsendable };
        let outcome = if request.uri().scheme() == Some(&Scheme::HTTPS) {
            match self.tls.get_or_init(tls_client) {
                Some(client) => tokio::time::timeout(REQUEST_TIMEOUT, exchange(client, signal, request)).await,
                // The platform has no certificates to trust.
                None => return Outcome::Certificate,
            }
        } else {
            let client = self.plain.get_or_init(|| client(connector()));
            tokio::time::timeout(REQUEST_TIMEOUT, exchange(client, signal, request)).await
        };
        self.guard(outcome.unwrap_or(Outcome::Unreachable(Unreachable::TimedOut)))
    }

    fn request(&self, signal: Signal, payload: &Payload) -> Option<Request<Full<Bytes>>> {
        let uri: Uri = self.endpoint.url(signal).expose().parse().ok()?;
        let mut request = Request::new(Full::new(payload.0.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone()?;
        Some(request)
    }

    /// Drops the words of an endpoint that repeats a credential.
    fn guard(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Answered { status, retry_after, body: AnswerBody::Otlp { rejected, message } } => {
                let message = message.filter(|text| !self.secrets.iter().any(|secret| text.contains(secret.as_str())));
                Outcome::Answered { status, retry_after, body: AnswerBody::Otlp { rejected, message } }
            }
            other => other,
        }
    }
}

/// Ours and the destination's headers. A name or value that HTTP does not allow makes it None.
fn headers(destination: &Destination) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("cc-observe/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in &destination.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(value.expose()).ok()?;
        value.set_sensitive(true);
        // What says how our body is to be read is not theirs to say.
        if ![CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(&name) {
            headers.insert(name, value);
        }
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Some(headers)
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector
}

fn client<C: Connect + Clone>(connector: C) -> Client<C, Full<Bytes>> {
    // No pool timer: it would wake a relay at rest. A connection that went stale is noticed when it is used.
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(1).build(connector)
}

fn tls_client() -> Option<Client<HttpsConnector<HttpConnector>, Full<Bytes>>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = HttpsConnectorBuilder::new().with_provider_and_platform_verifier(provider).ok()?;
    Some(client(builder.https_only().enable_http1().wrap_connector(connector())))
}

async fn exchange<C>(client: &Client<C, Full<Bytes>>, signal: Signal, request: Request<Full<Bytes>>) -> Outcome
where
    C: Connect + Clone + Send + Sync + 'static,
{
    match client.request(request).await {
        Ok(response) => read(signal, response).await,
        Err(error) => failure(&error),
    }
}

async fn read(signal: Signal, response: Response<Incoming>) -> Outcome {
    let (parts, body) = response.into_parts();
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let status = parts.status.as_u16();
    let retry_after =
        text(RETRY_AFTER).filter(|text| text.len() <= MAX_RETRY_AFTER_BYTES).map(std::borrow::ToOwned::to_owned);
    // Read for an error too: a connection whose answer was read to its end is used again.
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    let body = match body {
        Ok(body) if parts.status.is_success() => answer::read(signal, text(CONTENT_TYPE), &body.to_bytes()),
        Err(error) if parts.status.is_success() && !error.is::<LengthLimitError>() => {
            // It said yes, but was it done saying so? Sent again rather than lost.
            return Outcome::Unreachable(Unreachable::Reset);
        }
        Ok(_) | Err(_) => AnswerBody::Foreign,
    };
    Outcome::Answered { status, retry_after, body }
}

/// Sorts an error by its causes' types. Its text is not looked at: it may hold the URL.
fn failure(error: &legacy::Error) -> Outcome {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut found = None;
    while let Some(inner) = cause {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return match tls {
                rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => Outcome::Certificate,
                _ => Outcome::Unreachable(Unreachable::Tls),
            };
        }
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            found = Some(match io.kind() {
                io::ErrorKind::ConnectionRefused => Unreachable::Refused,
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof => Unreachable::Reset,
                io::ErrorKind::TimedOut => Unreachable::TimedOut,
                // A name that cannot be looked up is the one error here that the system gives no number for.
                _ if error.is_connect() && io.raw_os_error().is_none() && io.get_ref().is_none_or(not_tls) => {
                    Unreachable::Name
                }
                _ => Unreachable::Network,
            });
            // `source` of an io::Error skips the error it wraps.
            cause = io.get_ref().map(|wrapped| wrapped as &(dyn Error + 'static));
            continue;
        }
        if let Some(http) = inner.downcast_ref::<hyper::Error>() {
            if http.is_incomplete_message() || http.is_canceled() {
                found = Some(Unreachable::Reset);
            } else if http.is_parse() {
                found = Some(Unreachable::Network);
            }
        }
        cause = inner.source();
    }
    Outcome::Unreachable(found.unwrap_or(Unreachable::Network))
}

fn not_tls(wrapped: &(dyn Error + Send + Sync + 'static)) -> bool {
    !wrapped.is::<rustls::Error>()
}
