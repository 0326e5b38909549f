//! Edge: the client's exporter: one request at a time over one kept connection, silent whatever happens.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::Command;
use std::time::{Duration, Instant};

use cc_observe::otlp::Signal;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::settings::Settings;
use crate::signals::Signals;

const USER_AGENT: &str = "OTel-OTLP-Exporter-JavaScript/0.208.0";
/// How often one batch is tried.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// All that is left may take this long once the client ends.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// Sends what the client would send.
pub(crate) struct Exporter<'a> {
    settings: &'a Settings,
    /// What the headers helper printed; none without a helper.
    helper: Option<Vec<(String, String)>>,
    broken: bool,
    connections: HashMap<String, TcpStream>,
    ends: Option<Instant>,
}

impl<'a> Exporter<'a> {
    /// Runs the headers helper, if there is one and something to export.
    pub(crate) fn new(settings: &'a Settings) -> Self {
        let exports = Signal::ALL.iter().any(|signal| settings.exports(*signal));
        let ran = settings.headers_helper().filter(|_| exports).map(run_helper);
        let broken = matches!(ran, Some(None));
        if broken {
            eprintln!("otelHeadersHelper did not return a valid value");
        }
        Self { settings, helper: ran.flatten(), broken, connections: HashMap::new(), ends: None }
    }

    /// From now on all that is left has two seconds.
    pub(crate) fn shut_down(&mut self) {
        let asked = self.settings.millis("CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS").map(Duration::from_millis);
        self.ends.get_or_insert(Instant::now() + asked.unwrap_or(SHUTDOWN).min(SHUTDOWN));
    }

    /// Sends one batch, tries again where the client would, forgets it otherwise; whether it was acknowledged.
    pub(crate) fn send(&mut self, signal: Signal, content_type: &str, body: &[u8], signals: &mut Signals) -> bool {
        if self.broken || !self.settings.exports(signal) {
            return false;
        }
        let Some(target) = Target::parse(&self.settings.url(signal)) else { return false };
        let timeout = Duration::from_millis(self.settings.millis("OTEL_EXPORTER_OTLP_TIMEOUT").unwrap_or(10_000));
        let mut deadline = Instant::now() + timeout;
        let request = self.request(signal, &target, content_type, body);
        let mut pause = FIRST_PAUSE;
        for _ in 0..ATTEMPTS {
            if signals.asked().is_some() {
                self.shut_down();
            }
            deadline = self.ends.map_or(deadline, |ends| deadline.min(ends));
            let Ok(answer) = self.exchange(&target, &request, &mut deadline, signals) else {
                self.connections.remove(&target.authority);
                return false;
            };
            if ![429, 502, 503, 504].contains(&answer.status) {
                return answer.status == 200;
            }
            let wait = answer.retry_after.unwrap_or(pause);
            pause = pause.mul_f64(1.5);
            if Instant::now() + wait >= deadline {
                // The client waits for its end all the same.
                signals.sleep(Some(deadline));
                return false;
            }
            signals.sleep_for(wait);
        }
        false
    }

    fn request(&self, signal: Signal, target: &Target, content_type: &str, body: &[u8]) -> Vec<u8> {
        let mut head = format!("POST {} HTTP/1.1\r\n", target.path);
        let mut header = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
        for (name, value) in self.helper.clone().unwrap_or_else(|| self.settings.headers(signal)) {
            header(&name, &value);
        }
        header("Content-Type", content_type);
        header("User-Agent", USER_AGENT);
        header("Host", &target.authority);
        let mut body = body.to_vec();
        if self.settings.gzip() {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&body).expect("memory takes it");
            body = encoder.finish().expect("memory takes it");
            header("Content-Encoding", "gzip");
        }
        header("Content-Length", &body.len().to_string());
        header("Connection", "keep-alive");
        head.push_str("\r\n");
        [head.into_bytes(), body].concat()
    }

    fn exchange(
        &mut self,
        target: &Target,
        request: &[u8],
        deadline: &mut Instant,
        signals: &mut Signals,
    ) -> io::Result<Answer> {
        if self.connections.get(&target.authority).is_some_and(is_closed) {
            self.connections.remove(&target.authority);
        }
        if !self.connections.contains_key(&target.authority) {
            self.connections.insert(target.authority.clone(), target.connect(*deadline)?);
        }
        let stream = self.connections.get_mut(&target.authority).expect("it was just put there");
        stream.set_write_timeout(Some(left(*deadline)?))?;
        stream.write_all(request)?;
        let mut received = Vec::new();
        loop {
            if let Some((answer, keep)) = Answer::parse(&received, false)? {
                if !keep {
                    self.connections.remove(&target.authority);
                }
                return Ok(answer);
            }
            // A signal while a request hangs leaves it what is left of the two seconds.
            if signals.asked().is_some() {
                self.ends.get_or_insert(Instant::now() + SHUTDOWN);
                *deadline = (*deadline).min(self.ends.expect("it was just set"));
            }
            stream.set_read_timeout(Some(left(*deadline)?.min(Duration::from_millis(50))))?;
            let mut buffer = [0; 16 << 10];
            match stream.read(&mut buffer) {
                Ok(0) => {
                    let (answer, _) = Answer::parse(&received, true)?.ok_or(io::ErrorKind::UnexpectedEof)?;
                    self.connections.remove(&target.authority);
                    return Ok(answer);
                }
                Ok(n) => received.extend(&buffer[..n]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

struct Target {
    /// `HOST[:PORT]`, as in the `Host` header.
    authority: String,
    path: String,
}

impl Target {
    /// `http` only; a query is dropped, as in the client.
    fn parse(url: &str) -> Option<Self> {
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some(_) => return None,
            None => url,
        };
        let rest = rest.split(['?', '#']).next()?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Some(Self { authority: authority.to_owned(), path: if path.is_empty() { "/" } else { path }.to_owned() })
    }

    fn connect(&self, deadline: Instant) -> io::Result<TcpStream> {
        let with_port = if self.authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
            self.authority.clone()
        } else {
            format!("{}:80", self.authority)
        };
        let mut error = io::ErrorKind::NotFound.into();
        for address in with_port.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, left(deadline)?) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(refused) => error = refused,
            }
        }
        Err(error)
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
}

impl Answer {
    /// The whole answer and whether the connection may be used again; none while more is to come.
    fn parse(received: &[u8], at_end: bool) -> io::Result<Option<(Self, bool)>> {
        let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
        let head = String::from_utf8_lossy(&received[..end]);
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let fields: Vec<(String, &str)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim()))
            .collect();
        let field = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
        let body = &received[end + 4..];
        let complete = match (field("content-length").and_then(|n| n.parse::<usize>().ok()), field("transfer-encoding"))
        {
            (_, Some(_)) => body.ends_with(b"0\r\n\r\n"),
            (Some(length), None) => body.len() >= length,
            (None, None) => at_end || status == 204,
        };
        if !complete {
            return Ok(None);
        }
        let retry_after = field("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let keep = field("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close"));
        Ok(Some((Self { status, retry_after }, keep)))
    }
}

/// What is left until then; an error when nothing is.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// Whether the other side closed a kept connection meanwhile.
fn is_closed(stream: &TcpStream) -> bool {
    let closed = stream.set_nonblocking(true).is_err()
        || !matches!(stream.peek(&mut [0]), Err(e) if e.kind() == io::ErrorKind::WouldBlock);
    stream.set_nonblocking(false).is_err() || closed
}

fn run_helper(command: &str) -> Option<Vec<(String, String)>> {
    let output =
        Command::new("/bin/sh").args(["-c", command]).output().ok().filter(|output| output.status.success())?;
    let headers: HashMap<String, String> = serde_json::from_slice(&output.stdout).ok()?;
    Some(headers.into_iter().collect())
}
