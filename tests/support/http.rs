//! Edge: the server's side of HTTP/1.1, as much as the stand-ins need of it.

use std::io::{self, BufRead, BufReader, Read, Write};

/// One request, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `POST`, `GET` …
    pub(crate) method: String,
    /// As sent, with the query.
    pub(crate) path: String,
    /// As sent, in order.
    pub(crate) headers: Vec<(String, String)>,
    /// As sent, after `Transfer-Encoding` and before `Content-Encoding`.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The first header of this name, in whatever case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The next request of a connection; none once the client has closed it.
    pub(crate) fn read(from: &mut BufReader<impl Read + Write>) -> io::Result<Option<Self>> {
        let Some(first) = line(from)? else { return Ok(None) };
        let mut words = first.split(' ');
        let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        let mut request = Self { method, path, headers: Vec::new(), body: Vec::new() };
        loop {
            match line(from)? {
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(line) if line.is_empty() => break,
                Some(line) => {
                    let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
                    request.headers.push((name.to_owned(), value.trim().to_owned()));
                }
            }
        }
        if request.header("expect").is_some() {
            from.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        if request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            request.body = chunks(from)?;
        } else {
            let length =
                request.header("content-length").map_or(Ok(0), str::parse).map_err(|_| io::ErrorKind::InvalidData)?;
            request.body = vec![0; length];
            from.read_exact(&mut request.body)?;
        }
        Ok(Some(request))
    }
}

/// Writes an answer with `Content-Length`; the connection stays open.
pub(crate) fn answer(to: &mut impl Write, status: u16, headers: &[(&str, &str)], body: &[u8]) -> io::Result<()> {
    let mut bytes = format!("HTTP/1.1 {status} {}\r\n", reason(status)).into_bytes();
    for (name, value) in headers {
        write!(bytes, "{name}: {value}\r\n")?;
    }
    write!(bytes, "content-length: {}\r\n\r\n", body.len())?;
    bytes.extend(body);
    // In one piece: a peer without delayed acknowledgements off would wait for the second one.
    to.write_all(&bytes)?;
    to.flush()
}

/// What HTTP calls a status, where it is one of those that the stand-ins give.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

fn line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if from.take(64 << 10).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let line = String::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn chunks(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16);
        let size = size.map_err(|_| io::ErrorKind::InvalidData)?;
        let start = body.len();
        body.resize(start + size, 0);
        from.read_exact(&mut body[start..])?;
        line(from)?;
        if size == 0 {
            return Ok(body);
        }
    }
}
