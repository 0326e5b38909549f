//! Edge: the only socket that leaves the machine.
//!
//! Posts one batch at a time. When, and what an outcome means, is `retry`'s business; this only knows how. URLs,
//! headers and answers do not get into what it returns.

mod credentials;
mod grpc;
mod route;
mod tls;

use std::error::Error;
use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, RETRY_AFTER, TE, TRANSFER_ENCODING, USER_AGENT,
};
use hyper::http::uri::{PathAndQuery, Scheme};
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::Connect;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use tokio::sync::OnceCell;

use super::answer;
use super::retry::{AnswerBody, Outcome, UNAUTHENTICATED, Unreachable, http_date};
use crate::config::{Compression, Destination, Endpoint, Protocol, Tls};
use crate::otlp::{Batch, Signal};
use crate::redact::Redacted;
use credentials::Credentials;
use route::{ProxyRefused, Route};
use tls::TlsFault;

/// How long a TCP connection may take to be made, all addresses of a host together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request may take from the look-up of the name to the end of the answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The most that is read of an answer, in bytes. A longer one is no OTLP answer.
pub const MAX_ANSWER_BYTES: usize = 64 << 10;

/// The numbers of the batches, in headers, with commas between them.
const BATCH_ID: HeaderName = HeaderName::from_static("x-cc-observe-batch-id");

/// How often the endpoint may have had the batch, this time counted; left out where that is 1.
const ATTEMPT: HeaderName = HeaderName::from_static("x-cc-observe-attempt");

/// How the message of a gRPC request is compressed.
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// The most that is kept of a `Retry-After` header, in bytes. Both its forms are shorter.
const MAX_RETRY_AFTER_BYTES: usize = 64;

/// In which form a destination takes batches.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Form {
    pub protocol: Protocol,
    pub compression: Compression,
}

/// A request body. Made of redacted telemetry only: nothing else can be posted.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    body: Bytes,
    /// The numbers of the batches, and which attempt this is.
    number: Option<(String, u32)>,
}

impl Payload {
    /// Encodes a batch.
    pub(super) fn new(batch: &Redacted<Batch>, form: Form) -> io::Result<Self> {
        let encoded = match form.protocol {
            Protocol::HttpJson => batch.encode_json(),
            Protocol::HttpProtobuf | Protocol::Grpc => batch.encode(),
        };
        let body = match form.compression {
            Compression::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(encoded.get())?;
                encoder.finish()?
            }
            Compression::None => encoded.get().clone(),
        };
        if form.protocol == Protocol::Grpc {
            let framed = grpc::frame(form.compression == Compression::Gzip, &body);
            return framed
                .map(|frame| Self { body: frame.into(), number: None })
                .ok_or_else(|| io::ErrorKind::FileTooLarge.into());
        }
        Ok(Self { body: body.into(), number: None })
    }

    /// Says in headers which batches these are: what is said of log records and spans in their attributes cannot be said of
    /// metrics there.
    pub(super) fn numbered(self, batches: &[String], attempt: u32) -> Self {
        Self { number: Some((batches.join(","), attempt)), ..self }
    }
}

/// Posts to one endpoint over one connection, kept open between requests.
pub(super) struct Poster {
    endpoint: Endpoint,
    form: Form,
    tls_files: Tls,
    route: Route,
    /// None where a configured header is not one.
    headers: Option<HeaderMap>,
    credentials: Option<Credentials>,
    /// What the endpoint must not make us repeat.
    secrets: Vec<String>,
    plain: OnceLock<Client<Route, Full<Bytes>>>,
    /// Made when the first `https` URL is used: the trusted certificates are most of a relay's memory.
    tls: OnceCell<Client<HttpsConnector<Route>, Full<Bytes>>>,
    /// By how much the endpoint's clock was ahead of ours in its last answer, in seconds.
    ahead: Mutex<Option<i64>>,
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
        let transport = &destination.transport;
        let form = Form { protocol: transport.protocol, compression: transport.compression };
        Self {
            endpoint: destination.endpoint.clone(),
            form,
            tls_files: transport.tls.clone(),
            route: Route::new(&transport.proxies, form.protocol == Protocol::Grpc),
            headers: headers(destination, form),
            credentials: destination.auth.clone().map(Credentials::new),
            secrets: values.chain(paths).filter(|secret| !secret.is_empty()).collect(),
            plain: OnceLock::new(),
            tls: OnceCell::new(),
            ahead: Mutex::new(None),
        }
    }

    /// By how much the endpoint's clock was ahead of ours in its last answer, in seconds. None: it has not told its time.
    pub(super) fn clock_ahead(&self) -> Option<i64> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a connection was ever made.
    pub(super) fn has_connected(&self) -> bool {
        self.route.has_connected()
    }

    /// Host and port of an endpoint that is reached without a proxy.
    pub(super) fn direct_to(&self, signal: Signal) -> Option<(String, u16)> {
        let uri: Uri = self.endpoint.url(signal).expose().parse().ok()?;
        let usual = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        self.route.is_direct(&uri).then(|| (host, uri.port_u16().unwrap_or(usual)))
    }

    /// Posts one batch and reads the answer. Redirects are not followed. A credential that was fetched earlier and is not
    /// accepted is fetched again, once.
    pub(super) async fn post(&self, signal: Signal, payload: &Payload) -> Outcome {
        let Some(credentials) = &self.credentials else {
            let outcome = self.send(signal, payload, &HeaderMap::new()).await;
            return self.guard(outcome, &HeaderMap::new());
        };
        loop {
            let held = match credentials.get().await {
                Ok(held) => held,
                Err(why) => return Outcome::NoCredential(why),
            };
            let outcome = self.send(signal, payload, &held.headers).await;
            if is_unauthenticated(&outcome) {
                credentials.forget().await;
                if held.is_old {
                    continue;
                }
            }
            return self.guard(outcome, &held.headers);
        }
    }

    async fn send(&self, signal: Signal, payload: &Payload, credential: &HeaderMap) -> Outcome {
        let Some(request) = self.request(signal, payload, credential) else { return Outcome::Unsendable };
        let outcome = if request.uri().scheme() == Some(&Scheme::HTTPS) {
            match self.tls.get_or_try_init(|| self.tls_client()).await {
                Ok(client) => tokio::time::timeout(REQUEST_TIMEOUT, self.exchange(client, signal, request)).await,
                Err(TlsFault::Files) => return Outcome::TlsFiles,
                // The platform has no certificates to trust.
                Err(TlsFault::Platform) => return Outcome::Certificate,
            }
        } else {
            let client = self.plain.get_or_init(|| self.client(self.route.clone()));
            tokio::time::timeout(REQUEST_TIMEOUT, self.exchange(client, signal, request)).await
        };
        outcome.unwrap_or(Outcome::Unreachable(Unreachable::TimedOut))
    }

    fn request(&self, signal: Signal, payload: &Payload, credential: &HeaderMap) -> Option<Request<Full<Bytes>>> {
        let mut uri: Uri = self.endpoint.url(signal).expose().parse().ok()?;
        if self.form.protocol == Protocol::Grpc {
            let mut parts = uri.into_parts();
            parts.path_and_query = Some(PathAndQuery::from_static(grpc::path(signal)));
            uri = Uri::from_parts(parts).ok()?;
        }
        let mut headers = self.headers.clone()?;
        for (name, value) in credential {
            headers.insert(name.clone(), value.clone());
        }
        if let Some(authorization) = self.route.authorization(&uri) {
            headers.insert(PROXY_AUTHORIZATION, authorization);
        }
        if let Some((batches, attempt)) = &payload.number {
            headers.insert(BATCH_ID, HeaderValue::from_str(batches).ok()?);
            if *attempt > 1 {
                headers.insert(ATTEMPT, HeaderValue::from(*attempt));
            }
        }
        let mut request = Request::new(Full::new(payload.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Some(request)
    }

    fn client<C: Connect + Clone>(&self, connector: C) -> Client<C, Full<Bytes>> {
        // No pool timer: it would wake a relay at rest. A connection that went stale is noticed when it is used.
        Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(1)
            .http2_only(self.form.protocol == Protocol::Grpc)
            .build(connector)
    }

    async fn tls_client(&self) -> Result<Client<HttpsConnector<Route>, Full<Bytes>>, TlsFault> {
        let files = self.tls_files.clone();
        let config = tokio::task::spawn_blocking(move || tls::config(&files)).await;
        let config = config.unwrap_or(Err(TlsFault::Platform))?;
        let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_only();
        let connector = match self.form.protocol {
            Protocol::Grpc => builder.enable_http2().wrap_connector(self.route.clone()),
            Protocol::HttpProtobuf | Protocol::HttpJson => builder.enable_http1().wrap_connector(self.route.clone()),
        };
        Ok(self.client(connector))
    }

    async fn exchange<C>(
        &self,
        client: &Client<C, Full<Bytes>>,
        signal: Signal,
        request: Request<Full<Bytes>>,
    ) -> Outcome
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        let answer = client.request(request).await;
        if let Ok(response) = &answer {
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = ahead(response.headers(), SystemTime::now());
        }
        match answer {
            Ok(response) if self.form.protocol == Protocol::Grpc => read_grpc(signal, response).await,
            Ok(response) => read(signal, response).await,
            Err(error) => failure(&error),
        }
    }

    /// Drops the words of an endpoint that repeats a credential.
    fn guard(&self, outcome: Outcome, credential: &HeaderMap) -> Outcome {
        match outcome {
            Outcome::Answered { status, retry_after, body: AnswerBody::Otlp { rejected, message } } => {
                let fetched =
                    || credential.values().filter_map(|value| value.to_str().ok()).flat_map(str::split_whitespace);
                let message = message.filter(|text| {
                    !self.secrets.iter().map(String::as_str).chain(fetched()).any(|secret| text.contains(secret))
                });
                Outcome::Answered { status, retry_after, body: AnswerBody::Otlp { rejected, message } }
            }
            other => other,
        }
    }
}

/// By how much the clock of who answered is ahead, by its `Date` (RFC 9110, 6.6.1), in seconds.
fn ahead(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let date = http_date(headers.get(DATE)?.to_str().ok()?)?;
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Some(match date.duration_since(now) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    })
}

/// The credential that was sent is not accepted.
fn is_unauthenticated(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered { status: 401, .. } | Outcome::Grpc { code: UNAUTHENTICATED, .. })
}

/// Ours and the destination's headers. A name or value that HTTP does not allow makes it None.
fn headers(destination: &Destination, form: Form) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("cc-observe/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in &destination.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        insert(&mut headers, name, HeaderValue::from_str(value.expose()).ok()?);
    }
    let content_type = match form.protocol {
        Protocol::HttpProtobuf => "application/x-protobuf",
        Protocol::HttpJson => "application/json",
        Protocol::Grpc => "application/grpc",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let encoding = if form.protocol == Protocol::Grpc { GRPC_ENCODING } else { CONTENT_ENCODING };
    if form.compression == Compression::Gzip {
        headers.insert(encoding, HeaderValue::from_static("gzip"));
    }
    if form.protocol == Protocol::Grpc {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    Some(headers)
}

/// Adds a header of theirs. What says how our body is to be read is not theirs to say.
fn insert(headers: &mut HeaderMap, name: HeaderName, mut value: HeaderValue) {
    const OURS: [HeaderName; 7] =
        [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, TE, GRPC_ENCODING];
    if !OURS.contains(&name) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}

/// Reads the answer to a unary call. What has no gRPC status is none, whatever its HTTP status says.
async fn read_grpc(signal: Signal, response: Response<Incoming>) -> Outcome {
    let (parts, body) = response.into_parts();
    let status = parts.status.as_u16();
    let foreign = |status| Outcome::Answered { status, retry_after: None, body: AnswerBody::Foreign };
    let body = match Limited::new(body, MAX_ANSWER_BYTES).collect().await {
        Ok(body) => body,
        Err(error) if error.is::<LengthLimitError>() => return foreign(status),
        Err(_) => return Outcome::Unreachable(Unreachable::Reset),
    };
    let trailers = body.trailers().cloned().unwrap_or_default();
    if status != 200 {
        return foreign(status);
    }
    let Some(found) = grpc::status(&trailers).or_else(|| grpc::status(&parts.headers)) else { return foreign(status) };
    if found.code != 0 {
        let grpc::Status { code, retry_delay, too_large } = found;
        return Outcome::Grpc { code, retry_delay, too_large };
    }
    let body = body.to_bytes();
    let body = match grpc::unframe(&body) {
        Some(message) => answer::read(signal, Some("application/x-protobuf"), message),
        // It says that it took everything, and nothing else.
        None if body.is_empty() => AnswerBody::Empty,
        None => AnswerBody::Foreign,
    };
    Outcome::Answered { status, retry_after: None, body }
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
        if inner.is::<ProxyRefused>() {
            return Outcome::Unreachable(Unreachable::Proxy);
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
