//! Edge: an OTLP endpoint that keeps what it gets and behaves as badly as it is told.

use std::io::{self, BufReader, Read};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use flate2::read::MultiGzDecoder;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};

use super::http::{Request, answer};

/// How the endpoint behaves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mode {
    /// 200 with an empty body, as a real collector answers.
    Ok,
    /// This status for the first so many requests (none: for all), and 200 after them.
    Status {
        /// The status.
        code: u16,
        /// For how many requests.
        first: Option<usize>,
    },
    /// Reads the request and never answers.
    Hang,
    /// Accepts and never reads.
    Deaf,
    /// Reads the request and closes the connection.
    Close,
    /// Answers so much later.
    Slow(Duration),
    /// 200 with a body of that text, as a proxy's login page.
    Echo(String),
}

/// Not the name of a mode.
#[derive(Debug)]
pub(crate) struct NoSuchMode;

impl FromStr for Mode {
    type Err = NoSuchMode;

    /// `ok`, `503`, `503:2`, `hang`, `deaf`, `close`, `slow:1.5`, `echo:TEXT`
    fn from_str(text: &str) -> Result<Self, NoSuchMode> {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        Ok(match name {
            "ok" => Self::Ok,
            "hang" => Self::Hang,
            "deaf" => Self::Deaf,
            "close" => Self::Close,
            "slow" => Self::Slow(Duration::from_secs_f64(value.parse().map_err(|_| NoSuchMode)?)),
            "echo" => Self::Echo(value.to_owned()),
            code => Self::Status {
                code: code.parse().map_err(|_| NoSuchMode)?,
                first: if value.is_empty() { None } else { Some(value.parse().map_err(|_| NoSuchMode)?) },
            },
        })
    }
}

/// One request that the endpoint got, whatever it answered.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// As it was read.
    pub(crate) request: Request,
    /// The body, inflated.
    pub(crate) body: Vec<u8>,
    /// When it had been read.
    pub(crate) at: SystemTime,
    /// Which connection it came by, counted from 0.
    pub(crate) connection: usize,
    /// What was answered; none where nothing was.
    pub(crate) status: Option<u16>,
}

/// What it got so far, and how it is to behave from now on.
#[derive(Clone)]
pub(crate) struct Sink {
    state: Arc<Mutex<State>>,
}

type Keep = Box<dyn FnMut(usize, &Received) + Send>;

struct State {
    mode: Mode,
    /// How many requests came since the mode was set.
    in_mode: usize,
    connections: usize,
    received: Vec<Received>,
    /// Called with each request and its number before it is answered.
    keep: Keep,
    open: Vec<TcpStream>,
    closed: bool,
    /// By how much its clock is ahead, in seconds. None: it does not tell the time.
    ahead: Option<i64>,
}

impl Sink {
    /// Serves connections in threads of their own until [`Sink::close`].
    pub(crate) fn serve(
        listener: TcpListener,
        mode: Mode,
        keep: impl FnMut(usize, &Received) + Send + 'static,
    ) -> Self {
        let state = State {
            mode,
            in_mode: 0,
            connections: 0,
            received: Vec::new(),
            keep: Box::new(keep),
            open: Vec::new(),
            closed: false,
            ahead: None,
        };
        let sink = Self { state: Arc::new(Mutex::new(state)) };
        let serving = sink.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                let connection = {
                    let mut state = serving.state.lock().unwrap();
                    if state.closed {
                        return;
                    }
                    state.open.extend(stream.try_clone());
                    state.connections += 1;
                    state.connections - 1
                };
                let serving = serving.clone();
                std::thread::spawn(move || serving.converse(&stream, connection));
            }
        });
        sink
    }

    /// Behaves differently from the next request on.
    pub(crate) fn set_mode(&self, mode: Mode) {
        let mut state = self.state.lock().unwrap();
        (state.mode, state.in_mode) = (mode, 0);
    }

    /// Tells the time in each answer, with a clock that is so many seconds ahead.
    pub(crate) fn set_clock_ahead(&self, seconds: i64) {
        self.state.lock().unwrap().ahead = Some(seconds);
    }

    /// Everything it got so far, in order of arrival.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// Ends every conversation; the listener's thread ends with the next connection.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock().unwrap();
        state.closed = true;
        for stream in state.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn converse(&self, stream: &TcpStream, connection: usize) -> Option<()> {
        let mode = || self.state.lock().unwrap().mode.clone();
        while mode() == Mode::Deaf {
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        while let Some(request) = Request::read(&mut reader).ok()? {
            let body = inflated(&request).ok()?;
            let content_type = request.header("content-type").unwrap_or_default().to_owned();
            let mode = {
                let mut state = self.state.lock().unwrap();
                let mode = state.mode.clone();
                let status = status(&mode, &request, state.in_mode);
                state.in_mode += 1;
                let received = Received { request, body, at: SystemTime::now(), connection, status };
                let number = state.received.len();
                (state.keep)(number, &received);
                state.received.push(received);
                status.map(|status| (mode, status))
            };
            let Some((mode, status)) = mode else {
                return match self.state.lock().unwrap().mode {
                    Mode::Close => stream.shutdown(Shutdown::Both).ok(),
                    // Held open until the client or the test has enough.
                    _ => Some(()),
                };
            };
            if let Mode::Slow(time) = mode {
                std::thread::sleep(time);
            }
            let text = if let Mode::Echo(text) = mode { text } else { String::new() };
            let mut headers = vec![("content-type", content_type.as_str())];
            if status == 429 {
                headers.push(("retry-after", "1"));
            }
            let ahead = self.state.lock().unwrap().ahead;
            let date = ahead.map(|seconds| {
                let time = Timestamp::now() + SignedDuration::from_secs(seconds);
                DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap()
            });
            if let Some(date) = &date {
                headers.push(("date", date));
            }
            answer(&mut &*stream, status, &headers, text.as_bytes()).ok()?;
        }
        Some(())
    }
}

/// What is answered to the request that is number `nth` in this mode.
fn status(mode: &Mode, request: &Request, nth: usize) -> Option<u16> {
    match mode {
        Mode::Hang | Mode::Deaf | Mode::Close => None,
        _ if request.method != "POST" => Some(404),
        Mode::Status { code, first } if first.is_none_or(|first| nth < first) => Some(*code),
        Mode::Ok | Mode::Status { .. } | Mode::Slow(_) | Mode::Echo(_) => Some(200),
    }
}

fn inflated(request: &Request) -> io::Result<Vec<u8>> {
    if request.header("content-encoding") != Some("gzip") {
        return Ok(request.body.clone());
    }
    let mut body = Vec::new();
    MultiGzDecoder::new(&request.body[..]).read_to_end(&mut body)?;
    Ok(body)
}
