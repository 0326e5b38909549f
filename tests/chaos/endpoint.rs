//! Edge: an endpoint that misbehaves in one way for so many requests, and takes everything afterwards.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cc_observe::otlp::{Encoding, Signal, decode};
use flate2::read::MultiGzDecoder;
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::oracle::Ingested;
use super::story::numbers;
use crate::support::http::{Request, answer};

/// How the endpoint, or what is before it, misbehaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// Answers with a status, headers and a body, and takes nothing.
    Status(u16, &'static [(&'static str, &'static str)], &'static str),
    /// 413 for more than so many records.
    TooLarge(usize),
    /// Takes all but the first record, and says so.
    Partial,
    /// Ends the connection as soon as there is one: with a reset, or in order.
    EndsAtOnce { reset: bool },
    /// Says that it will say nothing, and reads on.
    HalfClosed,
    /// Never reads.
    Deaf,
    /// Resets the connection in the middle of the request.
    ResetInBody,
    /// Ends the connection behind the request, having taken it or not: with a reset, or in order.
    EndsAfterBody { takes: bool, reset: bool },
    /// Takes it; the answer ends in its head, or in its body.
    CutAnswer { head: bool },
    /// Never answers, having taken it or not.
    Stalls { takes: bool },
    /// Takes it, and answers byte by byte.
    Trickles,
    /// Takes it, and answers with ten megabytes.
    Huge,
    /// Takes it, and answers with a head of a megabyte.
    HugeHead,
    /// Answers with these bytes, and takes nothing.
    Says(&'static [u8]),
    /// Answers before it has read the body, and takes nothing.
    Early,
    /// Takes it, says so, and ends the connection without a word about that.
    EndsAfterAnswer,
    /// TLS that cannot be trusted, or none.
    Tls(Tls),
    /// The name has no address; nobody listens. The configuration heals.
    Elsewhere(&'static str),
    /// A proxy before the endpoint answers so.
    Proxy(u16),
}

/// What is wrong with TLS.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tls {
    Expired,
    WrongHost,
    UnknownAuthority,
    Plain,
    EndsInHandshake,
}

impl Fault {
    /// Whether a connection is all that it takes.
    fn is_of_connections(self) -> bool {
        matches!(self, Self::EndsAtOnce { .. } | Self::HalfClosed | Self::Deaf | Self::Tls(_))
    }
}

/// It, on a port of its own; gone when dropped.
pub(super) struct ChaosEndpoint {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    tls: Option<Certificates>,
}

#[derive(Default)]
struct State {
    /// For how many more connections or requests.
    fault: Option<(Fault, usize)>,
    ingested: Vec<Ingested>,
    /// Every body that came whole, as it was sent and inflated.
    bodies: Vec<Vec<u8>>,
    closed: bool,
}

struct Certificates {
    /// PEM of the authority that is to be trusted.
    authority: String,
    good: Arc<ServerConfig>,
    bad: Arc<ServerConfig>,
}

impl ChaosEndpoint {
    /// Misbehaves for the first so many; with TLS where the fault has to do with it.
    pub(super) fn start(fault: Fault, times: usize) -> Self {
        let tls = if let Fault::Tls(what) = fault { Some(Certificates::new(what)) } else { None };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { fault: Some((fault, times)), ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), tls });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                if serving.state().closed {
                    return;
                }
                std::thread::spawn(move || serving.converse(stream));
            }
        });
        Self { address, shared }
    }

    pub(super) fn url(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// PEM of whom to trust.
    pub(super) fn authority(&self) -> Option<&str> {
        self.shared.tls.as_ref().map(|tls| tls.authority.as_str())
    }

    /// From now on it takes everything.
    pub(super) fn heal(&self) {
        self.shared.state().fault = None;
    }

    pub(super) fn ingested(&self) -> Vec<Ingested> {
        self.shared.state().ingested.clone()
    }

    pub(super) fn bodies(&self) -> Vec<Vec<u8>> {
        self.shared.state().bodies.clone()
    }
}

impl Drop for ChaosEndpoint {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        // Wakes the listener's thread, so that the port is free again.
        let _ = TcpStream::connect(self.address);
    }
}

/// Both directions of a connection.
trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The fault, if it is of this kind and its times are not over.
    fn take(&self, of_connections: bool) -> Option<Fault> {
        let mut state = self.state();
        let (fault, times) = state.fault.as_mut()?;
        let fault = *fault;
        if fault.is_of_connections() != of_connections || *times == 0 {
            return None;
        }
        *times -= 1;
        Some(fault)
    }

    /// Until the fault is over, or the test.
    fn wait_until_healed(&self) {
        for _ in 0..6000 {
            let state = self.state();
            if state.closed || state.fault.is_none() {
                return;
            }
            drop(state);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn converse(&self, tcp: TcpStream) -> Option<()> {
        let fault = self.take(true);
        match fault {
            Some(Fault::EndsAtOnce { reset }) => return end(&tcp, reset),
            Some(Fault::HalfClosed) => {
                tcp.shutdown(Shutdown::Write).ok()?;
                return io::copy(&mut &tcp, &mut io::sink()).ok().map(|_| ());
            }
            Some(Fault::Deaf) => {
                self.wait_until_healed();
                return None;
            }
            Some(Fault::Tls(Tls::Plain)) => {
                return answer(&mut &tcp, 400, &[], b"this is not TLS").ok();
            }
            Some(Fault::Tls(Tls::EndsInHandshake)) => {
                let _ = (&tcp).read(&mut [0; 16]);
                return Some(());
            }
            _ => {}
        }
        let control = tcp.try_clone().ok()?;
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(tcp),
            Some(tls) => {
                let config = if fault.is_some() { &tls.bad } else { &tls.good };
                Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(config)).ok()?, tcp))
            }
        };
        let mut reader = BufReader::new(stream);
        loop {
            if reader.fill_buf().ok()?.is_empty() {
                return None;
            }
            let fault = self.take(false);
            match fault {
                Some(Fault::ResetInBody) => {
                    reader.read_exact(&mut [0; 100]).ok()?;
                    return end(&control, true);
                }
                Some(Fault::Early) => {
                    reader
                        .get_mut()
                        .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
                        .ok()?;
                    return end(&control, false);
                }
                _ => {}
            }
            let request = Request::read(&mut reader).ok()??;
            self.respond(&request, fault, reader.get_mut(), &control)?;
        }
    }

    /// None: the connection is over.
    fn respond(&self, request: &Request, fault: Option<Fault>, to: &mut dyn Stream, control: &TcpStream) -> Option<()> {
        let mut to = to;
        let body = self.read(request);
        let content_type = request.header("content-type").unwrap_or_default().to_owned();
        let ok = [("content-type", content_type.as_str())];
        match fault {
            None => {
                self.ingest(request, &body, 0);
                answer(&mut to, 200, &ok, b"").ok()
            }
            Some(Fault::Status(status, headers, text)) => answer(&mut to, status, headers, text.as_bytes()).ok(),
            Some(Fault::Proxy(status)) => answer(&mut to, status, &[("proxy-authenticate", "Basic")], b"").ok(),
            Some(Fault::TooLarge(most)) => {
                let fits = records(request, &body) <= most;
                // It goes on being so.
                if let Some((_, times)) = &mut self.state().fault {
                    *times += 1;
                }
                if fits {
                    self.ingest(request, &body, 0);
                }
                answer(&mut to, if fits { 200 } else { 413 }, &ok, b"").ok()
            }
            Some(Fault::Partial) => {
                self.ingest(request, &body, 1);
                if content_type.contains("json") {
                    let text = r#"{"partialSuccess":{"rejectedLogRecords":"1","rejectedDataPoints":"1","rejectedSpans":"1","errorMessage":"too old"}}"#;
                    answer(&mut to, 200, &ok, text.as_bytes()).ok()
                } else {
                    answer(&mut to, 200, &ok, b"\x0a\x0c\x08\x01\x12\x08\x1b[31mold").ok()
                }
            }
            Some(Fault::EndsAfterBody { takes, reset }) => {
                if takes {
                    self.ingest(request, &body, 0);
                }
                end(control, reset)
            }
            Some(Fault::CutAnswer { head }) => {
                self.ingest(request, &body, 0);
                let cut: &[u8] = if head {
                    b"HTTP/1.1 200 OK\r\ncontent-le"
                } else {
                    b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n\x0a"
                };
                to.write_all(cut).ok()?;
                end(control, false)
            }
            Some(Fault::Stalls { takes }) => {
                if takes {
                    self.ingest(request, &body, 0);
                }
                self.wait_until_healed();
                None
            }
            Some(Fault::Trickles) => {
                self.ingest(request, &body, 0);
                for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" {
                    to.write_all(&[*byte]).ok()?;
                    to.flush().ok()?;
                    std::thread::sleep(Duration::from_millis(3));
                }
                Some(())
            }
            Some(Fault::Huge) => {
                self.ingest(request, &body, 0);
                answer(&mut to, 200, &ok, &vec![b'x'; 10 << 20]).ok()
            }
            Some(Fault::HugeHead) => {
                self.ingest(request, &body, 0);
                answer(&mut to, 200, &[("x-much", &"x".repeat(1 << 20))], b"").ok()
            }
            Some(Fault::Says(bytes)) => {
                to.write_all(bytes).ok()?;
                end(control, false)
            }
            Some(Fault::EndsAfterAnswer) => {
                self.ingest(request, &body, 0);
                answer(&mut to, 200, &ok, b"").ok()?;
                end(control, false)
            }
            Some(other) => unreachable!("{other:?} is none of requests"),
        }
    }

    /// The body, inflated; both are kept.
    fn read(&self, request: &Request) -> Vec<u8> {
        let mut body = Vec::new();
        if request.header("content-encoding") == Some("gzip") {
            MultiGzDecoder::new(&request.body[..]).read_to_end(&mut body).unwrap();
        } else {
            body.clone_from(&request.body);
        }
        let mut state = self.state();
        state.bodies.push(request.body.clone());
        state.bodies.push(body.clone());
        body
    }

    /// Takes all but the first so many records.
    fn ingest(&self, request: &Request, body: &[u8], but: usize) {
        let attempt = request.header("x-cc-observe-attempt").map_or(1, |attempt| attempt.parse().unwrap());
        let numbers = decoded(request, body).into_iter().skip(but).collect();
        self.state().ingested.push(Ingested { numbers, attempt });
    }
}

fn decoded(request: &Request, body: &[u8]) -> Vec<super::story::Number> {
    let signal = Signal::ALL.into_iter().find(|signal| request.path.ends_with(signal.path()));
    let signal = signal.unwrap_or_else(|| panic!("no OTLP path: {}", request.path));
    let json = request.header("content-type").is_some_and(|value| value.contains("json"));
    numbers(&decode(signal, if json { Encoding::Json } else { Encoding::Protobuf }, body).unwrap())
}

fn records(request: &Request, body: &[u8]) -> usize {
    decoded(request, body).len()
}

/// Ends a connection, with a reset or in order.
fn end(stream: &TcpStream, reset: bool) -> Option<()> {
    if reset {
        setsockopt(stream, sockopt::Linger, &libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
    } else {
        let _ = stream.shutdown(Shutdown::Both);
    }
    None
}

impl Certificates {
    fn new(what: Tls) -> Self {
        let issuer = || {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        };
        let (trusted, stranger) = (issuer(), issuer());
        let config = |what: Option<Tls>| {
            let name = if what == Some(Tls::WrongHost) { "other.example.com" } else { "127.0.0.1" };
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            if what == Some(Tls::Expired) {
                params.not_before = date_time_ymd(2020, 1, 1);
                params.not_after = date_time_ymd(2021, 1, 1);
            }
            let key = KeyPair::generate().unwrap();
            let issuer = if what == Some(Tls::UnknownAuthority) { &stranger } else { &trusted };
            let certificate = params.signed_by(&key, issuer).unwrap();
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
            let built = builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
            Arc::new(built)
        };
        Self { authority: trusted.pem(), good: config(None), bad: config(Some(what)) }
    }
}
