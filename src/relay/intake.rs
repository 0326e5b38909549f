//! Edge: the loopback socket: OTLP over HTTP/1.1 from claude, and from nobody else.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};

use super::control::TOKEN_HEADER;
use super::pipeline::{Alive, Export, Pipeline};
use super::stranger::{Patience, Stranger};
use crate::otlp::{DecodeError, Encoding, MAX_BODY_BYTES, Signal};

/// How long a request's body may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(15);

/// How long, at the end, a connection may stay open that has not shown the token.
const STRANGER_LIMIT: Duration = Duration::from_millis(20);

/// How many connections there may be at once. Claude opens one.
const MAX_CONNECTIONS: usize = 64;

/// How many bodies are received at once. Each may be as large as [`MAX_BODY_BYTES`].
const MAX_BODIES: usize = 4;

/// The protobuf of `google.rpc.Status { code: 3 (INVALID_ARGUMENT) }`: what OTLP/HTTP answers with a 400.
const INVALID_ARGUMENT: &[u8] = &[0x08, 0x03];

/// Who may send, and where.
pub struct Door {
    /// `/r/<run id>`
    prefix: String,
    /// `127.0.0.1:<port>`
    host: String,
    token: String,
    pipeline: Arc<Pipeline>,
    bodies: Semaphore,
}

/// The open socket and its connections.
pub struct Intake {
    door: Arc<Door>,
    listener: TcpListener,
    /// The same socket, to be asked for what waits without waiting.
    same: StdListener,
    connections: JoinSet<()>,
    known: Vec<(Patience, AbortHandle)>,
    open: watch::Sender<usize>,
}

impl Intake {
    /// Takes over a listening socket. Needs a runtime.
    pub fn new(
        listener: StdListener,
        port: u16,
        run_id: &str,
        token: String,
        pipeline: Arc<Pipeline>,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let same = listener.try_clone()?;
        let door = Door {
            prefix: format!("/r/{run_id}"),
            host: format!("127.0.0.1:{port}"),
            token,
            pipeline,
            bodies: Semaphore::new(MAX_BODIES),
        };
        Ok(Self {
            door: Arc::new(door),
            listener: TcpListener::from_std(listener)?,
            same,
            connections: JoinSet::new(),
            known: Vec::new(),
            open: watch::Sender::new(0),
        })
    }

    /// Accepts connections, for ever. May be dropped at any point and called again.
    pub async fn serve(&mut self) -> Infallible {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => self.admit(stream),
                    // Out of descriptors: the connection waits in the backlog until one is free.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
                Some(_) = self.connections.join_next() => {}
            }
        }
    }

    /// How many connections are open.
    pub fn open(&self) -> watch::Receiver<usize> {
        self.open.subscribe()
    }

    /// Takes what has been sent but not been read yet, and goes on listening.
    pub async fn settle(&mut self, deadline: Instant) {
        self.admit_those_who_wait();
        let mut open = self.open.subscribe();
        let strangers = deadline.min(Instant::now() + STRANGER_LIMIT);
        let quiet = tokio::time::timeout_at(strangers, open.wait_for(|count| *count == 0)).await.is_ok();
        if !quiet && self.known.iter().any(|(patience, handle)| patience.is_trusted() && !handle.is_finished()) {
            let _ = tokio::time::timeout_at(deadline, open.wait_for(|count| *count == 0)).await;
        }
        let _ = tokio::time::timeout_at(deadline, self.door.pipeline.settled()).await;
    }

    fn admit_those_who_wait(&mut self) {
        while let Ok((stream, _)) = self.same.accept() {
            if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                self.admit(stream);
            }
        }
    }

    /// The same, and closes the socket. Connections whose other end is open still are closed at the deadline.
    pub async fn finish(mut self, deadline: Instant) {
        self.admit_those_who_wait();
        drop(self.listener);
        drop(self.same);
        let mut open = self.open.subscribe();
        // Claude's own connection ends with it. One that has not shown the token by now need not be waited for.
        let strangers = deadline.min(Instant::now() + STRANGER_LIMIT);
        if tokio::time::timeout_at(strangers, open.wait_for(|count| *count == 0)).await.is_err() {
            self.known.iter().filter(|(patience, _)| !patience.is_trusted()).for_each(|(_, handle)| handle.abort());
            let _ = tokio::time::timeout_at(deadline, open.wait_for(|count| *count == 0)).await;
        }
        self.connections.abort_all();
        let _ = tokio::time::timeout_at(deadline, self.door.pipeline.settled()).await;
    }

    fn admit(&mut self, stream: TcpStream) {
        self.known.retain(|(_, handle)| !handle.is_finished());
        if self.known.len() >= MAX_CONNECTIONS {
            // Whoever has not shown the token yet makes room; if all have, the newcomer is turned away.
            match self.known.iter().position(|(patience, _)| !patience.is_trusted()) {
                Some(index) => self.known.remove(index).1.abort(),
                None => return,
            }
        }
        // Small answers, one at a time: nothing to wait for.
        let _ = stream.set_nodelay(true);
        let patience = Patience::new();
        let connection = connection(stream, Arc::clone(&self.door), patience.clone());
        let open = Alive::count(&self.open);
        let handle = self.connections.spawn(async move {
            let _open = open;
            connection.await;
        });
        self.known.push((patience, handle));
    }
}

async fn connection(stream: TcpStream, door: Arc<Door>, patience: Patience) {
    let service = service_fn(|request| {
        let (door, patience) = (Arc::clone(&door), patience.clone());
        async move {
            patience.head_is_complete();
            let response = door.answer(request, &patience).await;
            patience.answered();
            Ok::<_, Infallible>(response)
        }
    });
    // hyper's own header timeout would close connections that merely pause: `Stranger` has one that does not.
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .half_close(true)
        .serve_connection(TokioIo::new(Stranger::new(stream, patience.clone())), service);
    // A connection that breaks is the other end's business; claude has its answer or asks again.
    let _ = served.await;
}

impl Door {
    async fn answer(&self, request: Request<Incoming>, patience: &Patience) -> Response<Full<Bytes>> {
        match self.admitted(&request) {
            Ok((signal, encoding, gzip)) => {
                patience.trust();
                match self.take(request, signal, encoding, gzip).await {
                    Ok(()) => success(encoding),
                    Err(status) => refusal(status, encoding),
                }
            }
            Err((status, signal)) => {
                if let Some(signal) = signal {
                    self.pipeline.refused(signal);
                }
                refusal(status, Encoding::Protobuf)
            }
        }
    }

    /// What the request is, or why it is not let in.
    fn admitted(&self, request: &Request<Incoming>) -> Result<(Signal, Encoding, bool), (StatusCode, Option<Signal>)> {
        let headers = request.headers();
        let signal = request
            .uri()
            .path()
            .strip_prefix(&self.prefix)
            .and_then(|path| Signal::ALL.into_iter().find(|signal| signal.path() == path));
        let refuse = |status| Err((status, signal));
        // A browser says where it comes from, and a name that was made to point here stands in `Host`.
        let from_a_page =
            headers.contains_key(ORIGIN) || headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"));
        if from_a_page || one(headers, HOST.as_str()) != Some(self.host.as_bytes()) {
            return refuse(StatusCode::FORBIDDEN);
        }
        let Some(signal) = signal else { return refuse(StatusCode::NOT_FOUND) };
        if request.method() != Method::POST {
            return refuse(StatusCode::METHOD_NOT_ALLOWED);
        }
        let token = one(headers, TOKEN_HEADER).unwrap_or_default();
        if !same(token, self.token.as_bytes()) {
            return refuse(StatusCode::UNAUTHORIZED);
        }
        let media = one(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        let media = media.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let encoding = if media.eq_ignore_ascii_case(b"application/x-protobuf") {
            Encoding::Protobuf
        } else if media.eq_ignore_ascii_case(b"application/json") {
            Encoding::Json
        } else {
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        };
        let gzip = match one(headers, CONTENT_ENCODING.as_str()) {
            None | Some(b"identity") => false,
            Some(b"gzip") => true,
            Some(_) => return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        };
        if request.body().size_hint().lower() > MAX_BODY_BYTES as u64 {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Ok((signal, encoding, gzip))
    }

    async fn take(
        &self,
        request: Request<Incoming>,
        signal: Signal,
        encoding: Encoding,
        gzip: bool,
    ) -> Result<(), StatusCode> {
        let _permit = self.bodies.acquire().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        let body = Limited::new(request.into_body(), MAX_BODY_BYTES).collect();
        let body = match timeout(BODY_LIMIT, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                self.pipeline.refused(signal);
                return Err(StatusCode::PAYLOAD_TOO_LARGE);
            }
            // The other end is gone: nothing was refused.
            Ok(Err(_)) => return Err(StatusCode::BAD_REQUEST),
            Err(_) => {
                self.pipeline.refused(signal);
                return Err(StatusCode::REQUEST_TIMEOUT);
            }
        };
        self.pipeline
            .accept(Export { signal, encoding, gzip, body: body.into(), received: Timestamp::now() })
            .await
            .map_err(|error| match error {
                DecodeError::TooLarge { .. } | DecodeError::TooManyItems => StatusCode::PAYLOAD_TOO_LARGE,
                DecodeError::Malformed(_) => StatusCode::BAD_REQUEST,
            })
    }
}

/// The value of a header that must not stand there twice.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes()),
        _ => None,
    }
}

/// Compares in a time that does not tell how much was right.
fn same(given: &[u8], token: &[u8]) -> bool {
    given.len() == token.len() && given.iter().zip(token).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// An empty `Export…ServiceResponse` of the same encoding.
fn success(encoding: Encoding) -> Response<Full<Bytes>> {
    let body: &'static [u8] = match encoding {
        Encoding::Protobuf => b"",
        Encoding::Json => b"{}",
    };
    respond(StatusCode::OK, encoding, body)
}

fn refusal(status: StatusCode, encoding: Encoding) -> Response<Full<Bytes>> {
    let body: &'static [u8] = match (status, encoding) {
        (StatusCode::BAD_REQUEST, Encoding::Protobuf) => INVALID_ARGUMENT,
        (StatusCode::BAD_REQUEST, Encoding::Json) => br#"{"code":3}"#,
        _ => b"",
    };
    respond(status, encoding, body)
}

fn respond(status: StatusCode, encoding: Encoding, body: &'static [u8]) -> Response<Full<Bytes>> {
    let media = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    let mut response = Response::new(Full::new(Bytes::from_static(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(media));
    response
}
