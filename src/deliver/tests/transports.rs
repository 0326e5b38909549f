//! The forms and ways of delivery: JSON, gRPC, TLS, proxies, credentials that are fetched.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use flate2::read::GzDecoder;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::super::client::{Form, Payload, Poster};
use super::super::retry::{AnswerBody, Outcome, Unreachable};
use super::destination;
use crate::config::transport::ClientCertificate;
use crate::config::{Auth, Compression, Destination, Endpoint, Protocol, Proxies, Tls, Transport};
use crate::otlp::{Batch, Signal, decode_json, decode_protobuf};
use crate::redact::{Policy, Redacted, Redactor};
use crate::secrets::{Secret, TokenError, TokenSource};
use crate::spool::tests::redacted;

/// What the other end says.
#[derive(Clone, Default)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static [u8],
    trailers: Vec<(&'static str, &'static str)>,
}

impl Answer {
    fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// What a gRPC server answers.
    fn grpc(trailers: Vec<(&'static str, &'static str)>, body: &'static [u8]) -> Self {
        Self { status: 200, headers: vec![("content-type", "application/grpc")], body, trailers }
    }
}

/// What it saw.
#[derive(Clone, Debug)]
struct Seen {
    uri: String,
    version: hyper::Version,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// An endpoint of HTTP/1.1 and HTTP/2 that answers as it is told, then with 200.
struct Peer {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Peer {
    async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::with(None, answers).await
    }

    async fn with(tls: Option<ServerConfig>, answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let saw = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, saw, answers) = (acceptor.clone(), Arc::clone(&saw), Arc::clone(&answers));
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, saw, answers).await;
                            }
                        }
                        None => serve(stream, saw, answers).await,
                    }
                });
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn url(&self) -> String {
        format!("http://{}/FAKEpath", self.address)
    }
}

async fn serve<S>(stream: S, seen: Arc<Mutex<Vec<Seen>>>, answers: Arc<Mutex<VecDeque<Answer>>>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (seen, answers) = (Arc::clone(&seen), Arc::clone(&answers));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            let (uri, version, headers) = (parts.uri.to_string(), parts.version, parts.headers);
            seen.lock().unwrap().push(Seen { uri, version, headers, body });
            let answer = answers.lock().unwrap().pop_front().unwrap_or_else(|| Answer::status(200));
            let map = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
                pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
            };
            let trailers = Some(map(&answer.trailers)).filter(|trailers| !trailers.is_empty());
            let body = Full::new(Bytes::from_static(answer.body)).with_trailers(async move { trailers.map(Ok) });
            let mut response = Response::new(body);
            *response.status_mut() = answer.status.try_into().unwrap();
            *response.headers_mut() = map(&answer.headers);
            Ok::<_, Infallible>(response)
        }
    });
    // A client that hangs up is no matter of ours.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

fn to(url: &str, transport: Transport) -> Destination {
    Destination { transport, ..destination(url) }
}

fn batch(records: u64) -> Redacted<Batch> {
    let bytes = redacted(Signal::Logs, records);
    Redactor::of_tests().again(Signal::Logs, bytes.get(), &Policy::default()).unwrap()
}

async fn post(destination: &Destination) -> Outcome {
    post_by(&Poster::new(destination), destination).await
}

async fn post_by(poster: &Poster, destination: &Destination) -> Outcome {
    let transport = &destination.transport;
    let form = Form { protocol: transport.protocol, compression: transport.compression };
    poster.post(Signal::Logs, &Payload::new(&batch(3), form).unwrap()).await
}

fn delivered() -> Outcome {
    Outcome::Answered { status: 200, retry_after: None, body: AnswerBody::Empty }
}

fn inflated(body: &[u8]) -> Vec<u8> {
    let mut inflated = Vec::new();
    GzDecoder::new(body).read_to_end(&mut inflated).unwrap();
    inflated
}

fn grpc() -> Transport {
    Transport { protocol: Protocol::Grpc, ..Transport::default() }
}

#[tokio::test]
async fn each_record_bears_the_number_of_its_batch() {
    let peer = Peer::start([Answer::status(503)]).await;
    let transport = Transport { compression: Compression::None, ..Transport::default() };
    let fixture = crate::spool::tests::fixture();
    let queue = fixture.spool.queue("org", "run-1").unwrap();
    crate::spool::tests::push(&queue, 2);
    let delivery = super::start(&to(&peer.url(), transport), queue, Vec::new(), super::NOW);
    assert_eq!(delivery.idle(super::never()).await, super::Idle::Empty);
    let batch_id = peer.seen()[0].headers["x-cc-observe-batch-id"].to_str().unwrap().to_owned();
    let string = |value: &str| Some(Value::StringValue(value.to_owned()));
    for (seen, attempt) in peer.seen().iter().zip([None, Some(Value::IntValue(2))]) {
        let Ok(Batch::Logs(request)) = decode_protobuf(Signal::Logs, &seen.body) else { panic!("no logs") };
        let records = request.resource_logs.iter().flat_map(|from| &from.scope_logs).flat_map(|from| &from.log_records);
        let records: Vec<_> = records.collect();
        assert_eq!(records.len(), 2);
        for record in records {
            let get = |key: &str| {
                let there = record.attributes.iter().find(|attribute| attribute.key == key)?;
                there.value.as_ref()?.value.clone()
            };
            assert_eq!((get("cc_observe.batch_id"), get("cc_observe.attempt")), (string(&batch_id), attempt.clone()));
        }
    }
}

#[tokio::test]
async fn json_says_the_same_as_protobuf() {
    for compression in [Compression::Gzip, Compression::None] {
        let peer = Peer::start([]).await;
        let transport = Transport { protocol: Protocol::HttpJson, compression, ..Transport::default() };
        assert_eq!(post(&to(&peer.url(), transport)).await, delivered());
        let [seen] = peer.seen().try_into().unwrap();
        assert_eq!((seen.uri.as_str(), seen.version), ("/FAKEpath/v1/logs", hyper::Version::HTTP_11));
        assert_eq!(seen.headers["content-type"], "application/json");
        assert_eq!(seen.headers.contains_key("content-encoding"), compression == Compression::Gzip);
        let body = if compression == Compression::Gzip { inflated(&seen.body) } else { seen.body };
        assert_eq!(decode_json(Signal::Logs, &body).unwrap(), *batch(3).get());
    }
}

#[tokio::test]
async fn grpc_is_a_message_in_a_frame_over_http_2() {
    for (compression, packed) in [(Compression::Gzip, 1), (Compression::None, 0)] {
        // An empty message, and OK behind it.
        let peer = Peer::start([Answer::grpc(vec![("grpc-status", "0")], b"\0\0\0\0\0")]).await;
        assert_eq!(post(&to(&peer.url(), Transport { compression, ..grpc() })).await, delivered());
        let [seen] = peer.seen().try_into().unwrap();
        assert_eq!(seen.version, hyper::Version::HTTP_2);
        let path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
        assert_eq!(seen.uri, format!("http://{}{path}", peer.address));
        assert_eq!(
            (&seen.headers["content-type"], &seen.headers["te"]),
            (&"application/grpc".parse().unwrap(), &"trailers".parse().unwrap())
        );
        assert_eq!(seen.headers["x-sumo-token"], "FAKE%20token");
        assert_eq!(seen.headers.contains_key("grpc-encoding"), packed == 1);
        let (head, message) = seen.body.split_at(5);
        assert_eq!(
            (head[0], u32::from_be_bytes(head[1..].try_into().unwrap())),
            (packed, u32::try_from(message.len()).unwrap())
        );
        let message = if packed == 1 { inflated(message) } else { message.to_vec() };
        assert_eq!(decode_protobuf(Signal::Logs, &message).unwrap(), *batch(3).get());
    }
}

#[tokio::test]
async fn what_a_grpc_endpoint_says_is_understood() {
    let foreign = |status| Outcome::Answered { status, retry_after: None, body: AnswerBody::Foreign };
    let failed = |code, too_large| Outcome::Grpc { code, retry_delay: None, too_large };
    let partial = AnswerBody::Otlp { rejected: 3, message: Some("hi".to_owned()) };
    for (answer, want) in [
        (Answer::grpc(vec![("grpc-status", "14")], b""), failed(14, false)),
        (
            Answer::grpc(vec![("grpc-status", "8"), ("grpc-message", "grpc: received message larger than max")], b""),
            failed(8, true),
        ),
        // No trailers: the status stands in the head.
        (Answer { headers: vec![("grpc-status", "16")], ..Answer::status(200) }, failed(16, false)),
        (
            Answer::grpc(vec![("grpc-status", "0")], b"\0\0\0\0\x08\x0a\x06\x08\x03\x12\x02hi"),
            Outcome::Answered { status: 200, retry_after: None, body: partial },
        ),
        (Answer::grpc(vec![("grpc-status", "0")], b"\x01\0\0\0\0"), foreign(200)),
        // A proxy's page, and a proxy that cannot reach anybody.
        (Answer { headers: vec![("content-type", "text/html")], body: b"<html>", ..Answer::status(200) }, foreign(200)),
        (Answer::status(503), foreign(503)),
    ] {
        let peer = Peer::start([answer]).await;
        assert_eq!(post(&to(&peer.url(), grpc())).await, want);
    }
    // One that speaks HTTP/1.1 only.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    assert!(matches!(post(&to(&url, grpc())).await, Outcome::Unreachable(_)));
}

/// An authority of our own and what it certifies, in files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, directory }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// A certificate for a host, and its key.
    fn certify(&self, host: &str, expired: bool) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        if expired {
            (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A server with such a certificate; it may want to see one of ours.
    fn server(&self, host: &str, expired: bool, wants_client: bool) -> ServerConfig {
        let (certificate, key) = self.certify(host, expired);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.unwrap();
        let builder = if wants_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }

    fn trusted(&self) -> Tls {
        Tls { ca_file: Some(self.file("ca.pem")), client: None }
    }
}

async fn post_over_tls(config: ServerConfig, tls: Tls, protocol: Protocol) -> (Outcome, Vec<Seen>) {
    let answer = match protocol {
        Protocol::Grpc => Answer::grpc(vec![("grpc-status", "0")], b"\0\0\0\0\0"),
        Protocol::HttpProtobuf | Protocol::HttpJson => Answer::status(200),
    };
    let peer = Peer::with(Some(config), [answer]).await;
    let url = format!("https://localhost:{}", peer.address.port());
    let outcome = post(&to(&url, Transport { protocol, tls, ..Transport::default() })).await;
    (outcome, peer.seen())
}

#[tokio::test]
async fn only_who_is_trusted_is_given_anything() {
    let (authority, other) = (Authority::new(), Authority::new());
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let (outcome, seen) =
            post_over_tls(authority.server("localhost", false, false), authority.trusted(), protocol).await;
        assert_eq!(outcome, delivered());
        assert_eq!(seen[0].version == hyper::Version::HTTP_2, protocol == Protocol::Grpc);
        for (server, tls) in [
            (authority.server("localhost", true, false), authority.trusted()),
            (authority.server("elsewhere.example.com", false, false), authority.trusted()),
            (other.server("localhost", false, false), authority.trusted()),
            (authority.server("localhost", false, false), Tls::default()),
        ] {
            let (outcome, seen) = post_over_tls(server, tls, protocol).await;
            assert!(seen.is_empty());
            assert_eq!(outcome, Outcome::Certificate);
        }
    }
}

#[tokio::test]
async fn who_wants_a_certificate_of_ours_gets_the_one_that_is_configured() {
    let authority = Authority::new();
    let (certificate, key) = authority.certify("me", false);
    std::fs::write(authority.file("me.pem"), certificate.pem()).unwrap();
    std::fs::write(authority.file("me.key"), key.serialize_pem()).unwrap();
    let client = Some(ClientCertificate { cert: authority.file("me.pem"), key: authority.file("me.key") });
    let tls = Tls { client, ..authority.trusted() };
    let http = Protocol::HttpProtobuf;
    assert_eq!(post_over_tls(authority.server("localhost", false, true), tls, http).await.0, delivered());
    let (outcome, seen) = post_over_tls(authority.server("localhost", false, true), authority.trusted(), http).await;
    assert!(matches!(outcome, Outcome::Unreachable(_)) && seen.is_empty(), "{outcome:?}");
}

#[tokio::test]
async fn a_certificate_file_that_appears_later_is_used_then() {
    let authority = Authority::new();
    let late = authority.file("late.pem");
    let peer = Peer::with(Some(authority.server("localhost", false, false)), []).await;
    let tls = Tls { ca_file: Some(late.clone()), client: None };
    let destination =
        to(&format!("https://localhost:{}", peer.address.port()), Transport { tls, ..Transport::default() });
    let poster = Poster::new(&destination);
    assert_eq!(post_by(&poster, &destination).await, Outcome::TlsFiles);
    std::fs::copy(authority.file("ca.pem"), &late).unwrap();
    assert_eq!(post_by(&poster, &destination).await, delivered());
}

/// A proxy that opens tunnels to one address, whatever is asked for, or refuses with a status. It tells what it was
/// asked.
async fn tunnel_proxy(to: std::net::SocketAddr, refusal: Option<&'static str>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tell = Arc::clone(&tell);
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                while stream.read_line(&mut line).await.is_ok_and(|read| read > 2) {
                    tell.lock().unwrap().push(std::mem::take(&mut line).trim().to_owned());
                }
                if let Some(refusal) = refusal {
                    let _ =
                        stream.write_all(format!("HTTP/1.1 {refusal}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
                    return;
                }
                let mut there = TcpStream::connect(to).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut there).await;
            });
        }
    });
    (address, asked)
}

fn proxies(http: Option<String>, https: Option<String>) -> Proxies {
    let secret = |url: Option<String>| url.map(|url| Secret::new(format!("http://me:FAKEpw@{url}")));
    Proxies { http: secret(http), https: secret(https), no: String::new() }
}

#[tokio::test]
async fn a_tunnel_hides_what_goes_through_it_and_is_opened_with_its_credentials() {
    let authority = Authority::new();
    let host = "otlp.example.invalid";
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        let answer = match protocol {
            Protocol::Grpc => Answer::grpc(vec![("grpc-status", "0")], b"\0\0\0\0\0"),
            _ => Answer::status(200),
        };
        let peer = Peer::with(Some(authority.server(host, false, false)), [answer]).await;
        let (proxy, asked) = tunnel_proxy(peer.address, None).await;
        let (tls, proxies) = (authority.trusted(), proxies(None, Some(proxy)));
        let transport = Transport { protocol, tls, proxies, ..Transport::default() };
        assert_eq!(post(&to(&format!("https://{host}:8443/FAKEpath"), transport)).await, delivered());
        assert!(!peer.seen()[0].headers.contains_key("proxy-authorization"));
        let asked = asked.lock().unwrap().clone();
        assert_eq!(asked[0], format!("CONNECT {host}:8443 HTTP/1.1"));
        assert!(asked.iter().any(|line| line == "Proxy-Authorization: Basic bWU6RkFLRXB3"), "{asked:?}");
        assert!(!asked.join("").contains("x-sumo-token"));
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_not_there_is_told_as_such() {
    let nobody = "127.0.0.1:1".parse().unwrap();
    let (refusing, _) = tunnel_proxy(nobody, Some("407 Proxy Authentication Required")).await;
    for proxy in [refusing, "127.0.0.1:1".to_owned()] {
        let transport = Transport { proxies: proxies(None, Some(proxy)), ..Transport::default() };
        let outcome = post(&to("https://otlp.example.invalid", transport)).await;
        assert_eq!(outcome, Outcome::Unreachable(Unreachable::Proxy));
    }
    let strange = Proxies { https: Some(Secret::new("socks5://127.0.0.1:1")), ..Proxies::default() };
    let transport = Transport { proxies: strange, ..Transport::default() };
    let outcome = post(&to("https://otlp.example.invalid", transport)).await;
    assert_eq!(outcome, Outcome::Unreachable(Unreachable::Proxy));
}

#[tokio::test]
async fn what_is_not_encrypted_is_forwarded_and_what_is_here_goes_past_the_proxy() {
    let proxy = Peer::start([]).await;
    let transport = Transport { proxies: proxies(Some(proxy.address.to_string()), None), ..Transport::default() };
    assert_eq!(post(&to("http://otlp.example.invalid:4318/x", transport.clone())).await, delivered());
    let [seen] = proxy.seen().try_into().unwrap();
    assert_eq!(seen.uri, "http://otlp.example.invalid:4318/x/v1/logs");
    assert_eq!(seen.headers["proxy-authorization"], "Basic bWU6RkFLRXB3");
    let here = Peer::start([]).await;
    assert_eq!(post(&to(&here.url(), transport)).await, delivered());
    assert_eq!((proxy.seen().len(), here.seen().len()), (1, 1));
    assert!(!here.seen()[0].headers.contains_key("proxy-authorization"));
}

/// A helper that counts: its first token is `FAKE1`, its second `FAKE2`.
fn counting(directory: &Path) -> Auth {
    let script = "echo x >> \"$0\"; echo FAKE$(wc -l < \"$0\" | tr -d ' ')";
    let calls = directory.join("calls").to_str().unwrap().to_owned();
    let command = ["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned(), calls].to_vec();
    Auth { header: "Authorization".to_owned(), scheme: Some("Bearer".to_owned()), token: TokenSource::Command(command) }
}

#[tokio::test]
async fn a_credential_that_is_not_accepted_any_more_is_fetched_again_once() {
    let unauthenticated = Answer::grpc(vec![("grpc-status", "16")], b"");
    let ok = Answer::grpc(vec![("grpc-status", "0")], b"\0\0\0\0\0");
    for (transport, good, bad) in
        [(Transport::default(), Answer::status(200), Answer::status(401)), (grpc(), ok, unauthenticated)]
    {
        let directory = tempfile::tempdir().unwrap();
        let answers = [good.clone(), bad.clone(), good, bad.clone(), bad.clone(), bad];
        let peer = Peer::start(answers).await;
        let destination = Destination { auth: Some(counting(directory.path())), ..to(&peer.url(), transport) };
        let poster = Poster::new(&destination);
        let mut fine = Vec::new();
        for _ in 0..4 {
            fine.push(post_by(&poster, &destination).await == delivered());
        }
        // The third is refused with the old and with a new one; the fourth fetches, and leaves it at that.
        assert_eq!(fine, [true, true, false, false]);
        let seen = peer.seen();
        let tokens: Vec<_> = seen.iter().map(|seen| seen.headers["authorization"].to_str().unwrap()).collect();
        let want = ["Bearer FAKE1", "Bearer FAKE1", "Bearer FAKE2", "Bearer FAKE2", "Bearer FAKE3", "Bearer FAKE4"];
        assert_eq!(tokens, want);
    }
}

#[tokio::test]
async fn without_a_credential_nothing_is_sent() {
    let peer = Peer::start([]).await;
    let token = TokenSource::Env { name: "ORG_TOKEN".to_owned(), value: None };
    let auth = Some(Auth { header: "x-a".to_owned(), scheme: None, token });
    let destination = Destination { auth, ..destination(&peer.url()) };
    assert_eq!(post(&destination).await, Outcome::NoCredential(TokenError::Env));
    assert!(peer.seen().is_empty());
}

#[tokio::test]
async fn words_that_repeat_a_fetched_credential_are_not_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let body = br#"{"partialSuccess":{"errorMessage":"what is FAKE1 ?"}}"#;
    let answer = Answer { headers: vec![("content-type", "application/json")], body, ..Answer::status(200) };
    let peer = Peer::start([answer]).await;
    let destination = Destination { auth: Some(counting(directory.path())), ..destination(&peer.url()) };
    let body = AnswerBody::Otlp { rejected: 0, message: None };
    assert_eq!(post(&destination).await, Outcome::Answered { status: 200, retry_after: None, body });
}

#[test]
fn an_endpoint_cannot_print_its_path() {
    let destination = destination("https://h.example.com/FAKEpath");
    assert!(!format!("{destination:?}").contains("FAKE"));
    assert_eq!(Endpoint::parse("https://h.example.com/FAKEpath").unwrap().to_string(), "https://h.example.com");
}
