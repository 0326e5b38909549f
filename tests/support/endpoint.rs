//! Edge: the organization's OTLP endpoint of a test.

use std::net::{SocketAddr, TcpListener};

use cc_observe::otlp::{Batch, Encoding, Signal, decode};

use super::records::{Record, records};
use super::sink::{Mode, Received, Sink};
use super::wait::wait_until;

/// A recording endpoint on a port of its own; gone when dropped.
pub(crate) struct OrgEndpoint {
    address: SocketAddr,
    sink: Sink,
}

impl OrgEndpoint {
    /// One that answers as a real collector does.
    pub(crate) fn start() -> Self {
        Self::start_as(Mode::Ok)
    }

    /// One that behaves as told.
    pub(crate) fn start_as(mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, sink: Sink::serve(listener, mode, |_, _| {}) }
    }

    /// Its address: `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Behaves differently from the next request on.
    pub(crate) fn set_mode(&self, mode: Mode) {
        self.sink.set_mode(mode);
    }

    /// Tells the time from now on, with a clock that is so many seconds ahead.
    pub(crate) fn set_clock_ahead(&self, seconds: i64) {
        self.sink.set_clock_ahead(seconds);
    }

    /// All requests so far, refused ones too.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.sink.received()
    }

    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.sink.connections()
    }

    /// What it accepted so far, decoded, in order of arrival. Fails on a body that is none.
    #[track_caller]
    pub(crate) fn batches(&self) -> Vec<Batch> {
        let accepted = self.requests().into_iter().filter(|received| received.status == Some(200));
        accepted.map(|received| batch(&received)).collect()
    }

    /// What it accepted so far, one by one, in order of arrival.
    #[track_caller]
    pub(crate) fn records(&self) -> Vec<Record> {
        self.batches().iter().flat_map(records).collect()
    }

    /// The log records that it accepted so far that bear this name, as `claude_code.api_request`.
    #[track_caller]
    pub(crate) fn events(&self, name: &str) -> Vec<Record> {
        self.records().into_iter().filter(|record| record.signal == Signal::Logs && record.name == name).collect()
    }

    /// Waits until it has accepted a log record of this name.
    #[track_caller]
    pub(crate) fn wait_for_event(&self, name: &str) {
        wait_until(&format!("the endpoint gets {name}"), || !self.events(name).is_empty());
    }
}

impl Drop for OrgEndpoint {
    fn drop(&mut self) {
        self.sink.close();
        // Wakes the listener's thread, so that the port is free again.
        let _ = std::net::TcpStream::connect(self.address);
    }
}

#[track_caller]
fn batch(received: &Received) -> Batch {
    let signal = Signal::ALL.into_iter().find(|signal| received.request.path.ends_with(signal.path()));
    let signal = signal.unwrap_or_else(|| panic!("no OTLP path: {}", received.request.path));
    let json = received.request.header("content-type").is_some_and(|value| value.contains("json"));
    decode(signal, if json { Encoding::Json } else { Encoding::Protobuf }, &received.body).unwrap()
}
