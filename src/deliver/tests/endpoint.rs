//! An OTLP endpoint on loopback that answers as it is told.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex};

use flate2::read::GzDecoder;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::otlp::{Signal, decode_protobuf};

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Status(u16),
    With(u16, &'static str, &'static str, &'static [u8]),
    /// The connection ends before the answer.
    Close,
    /// The answer promises more than it holds.
    Broken,
    /// No answer at all.
    Silence,
}

#[derive(Clone, Debug)]
pub(super) struct Received {
    pub path: String,
    pub headers: hyper::HeaderMap,
    pub records: u64,
    /// Unpacked.
    pub body: Vec<u8>,
}

#[derive(Clone)]
pub(super) struct EndpointStub {
    pub url: String,
    received: Arc<watch::Sender<Vec<Received>>>,
}

impl EndpointStub {
    /// Answers with the replies in turn, then with 200 and nothing.
    pub(super) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = Mutex::new(replies.into_iter().collect::<VecDeque<_>>());
        Self::answering(move |_| replies.lock().unwrap().pop_front().unwrap_or(Reply::Status(200))).await
    }

    pub(super) async fn answering(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/FAKEpath", listener.local_addr().unwrap());
        let received = Arc::new(watch::Sender::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&received), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let broken = Arc::new(Mutex::new(false));
                    let breaks = Arc::clone(&broken);
                    let service = service_fn(move |request: Request<Incoming>| {
                        let (seen, answer, broken) = (Arc::clone(&seen), Arc::clone(&answer), Arc::clone(&broken));
                        async move {
                            let received = read(request).await;
                            let reply = answer(&received);
                            seen.send_modify(|all| all.push(received));
                            respond(reply, &broken).await
                        }
                    });
                    let (read_half, write_half) = stream.split();
                    let io = TokioIo::new(tokio::io::join(read_half, write_half));
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
                    if *breaks.lock().unwrap() {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n\x0a").await;
                    }
                });
            }
        });
        Self { url, received }
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.received.borrow().clone()
    }

    pub(super) fn records(&self) -> Vec<u64> {
        self.received().iter().map(|request| request.records).collect()
    }

    pub(super) async fn wait_for(&self, requests: usize) {
        self.received.subscribe().wait_for(|all| all.len() >= requests).await.unwrap();
    }
}

async fn read(request: Request<Incoming>) -> Received {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut inflated = Vec::new();
    GzDecoder::new(&body[..]).read_to_end(&mut inflated).unwrap();
    let path = parts.uri.path().to_owned();
    let signal = Signal::ALL.into_iter().find(|signal| path.ends_with(signal.path())).unwrap();
    let records = decode_protobuf(signal, &inflated).unwrap().records();
    Received { path, headers: parts.headers, records, body: inflated }
}

async fn respond(reply: Reply, broken: &Mutex<bool>) -> Result<Response<Full<Bytes>>, Hangup> {
    let mut response = Response::new(Full::default());
    match reply {
        Reply::Status(status) => *response.status_mut() = status.try_into().unwrap(),
        Reply::With(status, header, value, body) => {
            *response.status_mut() = status.try_into().unwrap();
            response.headers_mut().insert(header, value.try_into().unwrap());
            *response.body_mut() = Full::new(Bytes::from_static(body));
        }
        Reply::Close => return Err(Hangup),
        Reply::Broken => {
            *broken.lock().unwrap() = true;
            return Err(Hangup);
        }
        Reply::Silence => std::future::pending().await,
    }
    Ok(response)
}

/// Makes the server end the connection.
#[derive(Debug, thiserror::Error)]
#[error("hang up")]
struct Hangup;
