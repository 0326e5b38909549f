//! The messages between launcher and relay, and how they are framed on the control socket.
//!
//! A frame is a length (four bytes, big endian) and that many bytes of JSON. Both ends are the same binary of the same
//! file; [`PROTOCOL`] is checked all the same, since a later version may find an older relay.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::known_values::{CredentialFile, Wanted};
use crate::config::reading::Reading;
use crate::config::{
    Auth, Budget, Compression, Destination, Endpoint, EndpointError, Protocol, Proxies, Temporality, Tls, Transport,
};
use crate::deliver::Shown;
use crate::otlp::Signal;
use crate::redact::{CaptureLevel, OwnRules, Policy};
use crate::report::{Note, RunSummary};
use crate::secrets::keyring::{Bus, Entry};
use crate::secrets::{Secret, TokenSource};

/// The header in which claude shows the token.
pub const TOKEN_HEADER: &str = "x-cc-observe-token";

/// The version of these messages.
pub const PROTOCOL: u32 = 2;

/// The longest frame that is read, in bytes.
pub const MAX_FRAME: usize = 8 << 20;

/// From the launcher.
#[derive(Deserialize, Serialize)]
pub enum ToRelay {
    /// The first message: everything the relay needs to know.
    Start(Box<Start>),
    /// Claude runs under this pid. In exec mode there is no such message: claude has the launcher's pid.
    Child {
        /// Its pid.
        pid: i32,
    },
    /// Claude is gone: answer with the summary.
    Exited(Exit),
}

/// From the relay.
#[derive(Deserialize, Serialize)]
pub enum ToLauncher {
    /// The answer to `Exited`: what is known so far, and once more when all has been done.
    Summary {
        /// What happened.
        summary: Box<RunSummary>,
        /// Whether there will be no other.
        last: bool,
    },
    /// The relay died, and this is another: what it was told after `Start` it does not know.
    Restarted,
}

/// What anybody of this user may ask a relay, by its control socket.
#[derive(Deserialize, Serialize)]
pub enum Question {
    /// Who it is.
    Who {
        /// [`PROTOCOL`] of the one who asks.
        protocol: u32,
    },
    /// What its run cost and did so far, and what became of it: a [`RunSummary`].
    Summary {
        /// [`PROTOCOL`] of the one who asks.
        protocol: u32,
    },
    /// To be shown what it sends, from now on to its end: [`ShownRequest`]s.
    Watch {
        /// [`PROTOCOL`] of the one who asks.
        protocol: u32,
    },
}

/// A request, as a destination is given it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ShownRequest {
    /// The destination's name.
    pub destination: String,
    /// What it is.
    pub signal: Signal,
    /// The numbers of the batches in it.
    pub batches: Vec<String>,
    /// How often the endpoint may have had it, this time counted.
    pub attempt: u32,
    /// Log records, data points or spans.
    pub records: u64,
    /// OTLP JSON. `None`: it is too long for a message.
    pub request: Option<String>,
}

impl From<&Shown> for ShownRequest {
    fn from(shown: &Shown) -> Self {
        Self {
            destination: shown.destination.clone(),
            signal: shown.signal,
            batches: shown.batches.clone(),
            attempt: shown.attempt,
            records: shown.records,
            request: String::from_utf8(shown.request.get().clone()).ok(),
        }
    }
}

/// Who a relay is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Answer {
    /// [`PROTOCOL`] of the relay.
    pub protocol: u32,
    /// The version of the program.
    pub version: String,
    /// The run that it serves.
    pub run_id: String,
    /// Where it listens.
    pub port: u16,
}

/// How claude ended, and what is to happen then.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Exit {
    /// Its exit code, if it exited.
    pub code: Option<i32>,
    /// The signal that killed it, if one did.
    pub signal: Option<i32>,
    /// Deliver for so long before answering, and end then, whatever is left.
    pub drain: Option<Duration>,
}

/// A run, as the launcher prepared it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all of them occur together")]
#[derive(Deserialize, Serialize)]
pub struct Start {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// UUIDv7 in hyphenated form.
    pub run_id: String,
    /// What claude sends in the header [`TOKEN_HEADER`].
    pub token: String,
    /// The port of the listening socket, for the `Host` check.
    pub port: u16,
    /// The launcher's pid: claude's, in exec mode.
    pub launcher: i32,
    /// Whether claude takes the launcher's place.
    pub exec: bool,
    /// Whether a relay of this run was there before.
    pub again: bool,
    /// When the run began, RFC 3339.
    pub started: jiff::Timestamp,
    /// Where claude runs.
    pub directory: Option<SentPath>,
    /// No `-p`, and a terminal to talk to.
    pub interactive: bool,
    /// Where state is kept.
    pub state: SentPath,
    /// The settings file of this run, removed when no process names it any more.
    pub settings: Option<SentPath>,
    /// Where Claude Code keeps its own files.
    pub claude: Option<SentPath>,
    /// Variables of the continuous integration that runs us.
    pub ci: Vec<(String, String)>,
    /// Who receives what.
    pub destinations: Vec<SentDestination>,
    /// What may be spent before it is said.
    pub budget: Budget,
    /// What is kept and spooled: at the highest level that any of them is given.
    pub policy: Policy,
    /// What the launcher already knows to say.
    pub notes: Vec<Note>,
    /// What would be sent is shown to who asks for it, and sent to nobody.
    pub dry: bool,
    /// `--unobserved`: claude sends nothing, and of the run no more is told than that there was one.
    pub unobserved: bool,
    /// This machine's own secrets.
    pub known: SentKnown,
    /// The person's own rules, unchecked.
    pub redaction: OwnRules,
    /// Where the configuration is, and the fingerprint of what was read from it.
    pub config: (Reading, u64),
}

/// A path on its way to another process: bytes, since a path need not be text.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SentPath(Vec<u8>);

impl From<&Path> for SentPath {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }
}

impl From<SentPath> for PathBuf {
    fn from(sent: SentPath) -> Self {
        OsString::from_vec(sent.0).into()
    }
}

/// What the relay is told of this machine's own secrets: the values of the environment, and where it finds others.
///
/// The values are exposed for the control socket alone, and wiped where they have been.
#[derive(Default, Deserialize, Serialize)]
pub struct SentKnown {
    values: Vec<Zeroizing<String>>,
    left_out: usize,
    /// Whether `.env` files of the working tree are to be read.
    dotenv: bool,
    files: Vec<(CredentialFile, SentPath)>,
    /// `PATH`
    search_path: Option<SentPath>,
    public: Vec<String>,
}

impl SentKnown {
    /// The most bytes of values that are sent: a frame has a limit, and the environment has none that matters here.
    const MAX_BYTES: usize = 128 << 10;

    /// Packs what the launcher knows. `dotenv`: whether such files are to be read; the relay knows where.
    pub fn pack(values: Vec<Zeroizing<String>>, dotenv: bool, wanted: Wanted) -> Self {
        let all = values.len();
        let mut room = Self::MAX_BYTES;
        let sent: Vec<_> = values
            .into_iter()
            .filter(|value| match room.checked_sub(value.len()) {
                Some(rest) => {
                    room = rest;
                    true
                }
                None => false,
            })
            .collect();
        let Wanted { files, search_path, public, dotenv: _ } = wanted;
        Self {
            left_out: all - sent.len(),
            values: sent,
            dotenv,
            files: files.into_iter().map(|(file, path)| (file, path.as_path().into())).collect(),
            search_path: search_path.as_deref().map(|list| Path::new(list).into()),
            public,
        }
    }

    /// Unpacks it in the relay: the values, how many there would be more, and what is to be read. `directory` is where
    /// claude runs.
    pub fn unpack(self, directory: Option<PathBuf>) -> (Vec<Zeroizing<String>>, usize, Wanted) {
        let wanted = Wanted {
            dotenv: directory.filter(|_| self.dotenv),
            files: self.files.into_iter().map(|(file, path)| (file, path.into())).collect(),
            search_path: self.search_path.map(|list| PathBuf::from(list).into_os_string()),
            public: self.public,
        };
        (self.values, self.left_out, wanted)
    }
}

/// A destination on its way to the relay. Its secrets are exposed for the control socket alone.
#[derive(Clone, Deserialize, Serialize)]
pub struct SentDestination {
    name: String,
    spool: String,
    base: String,
    own: Vec<(Signal, String)>,
    headers: Vec<(String, String)>,
    auth: Option<SentAuth>,
    protocol: Protocol,
    compression: Compression,
    tls: Tls,
    proxies: [Option<String>; 2],
    no_proxy: String,
    capture: CaptureLevel,
    max_attribute_bytes: Option<usize>,
    temporality: Temporality,
    bounds: crate::spool::Bounds,
    durability: crate::spool::Durability,
    signals: Vec<Signal>,
}

#[derive(Clone, Deserialize, Serialize)]
struct SentAuth {
    header: String,
    scheme: Option<String>,
    token: SentSource,
}

#[derive(Clone, Deserialize, Serialize)]
enum SentSource {
    Command(Vec<String>),
    File(SentPath),
    Env(String, Option<String>),
    Keyring { account: String, bus: Option<SentBus>, file: Option<SentPath> },
}

#[derive(Clone, Deserialize, Serialize)]
enum SentBus {
    Address(String),
    Socket(SentPath),
}

impl SentAuth {
    fn pack(auth: &Auth) -> Self {
        let token = match &auth.token {
            TokenSource::Command(command) => SentSource::Command(command.clone()),
            TokenSource::File(path) => SentSource::File(path.as_path().into()),
            TokenSource::Env { name, value } => {
                SentSource::Env(name.clone(), value.as_ref().map(|value| value.expose().to_owned()))
            }
            TokenSource::Keyring(Entry { account, bus, file }) => SentSource::Keyring {
                account: account.clone(),
                bus: bus.as_ref().map(|bus| match bus {
                    Bus::Address(address) => SentBus::Address(address.clone()),
                    Bus::Socket(path) => SentBus::Socket(path.as_path().into()),
                }),
                file: file.as_deref().map(SentPath::from),
            },
        };
        Self { header: auth.header.clone(), scheme: auth.scheme.clone(), token }
    }

    fn unpack(self) -> Auth {
        let token = match self.token {
            SentSource::Command(command) => TokenSource::Command(command),
            SentSource::File(path) => TokenSource::File(path.into()),
            SentSource::Env(name, value) => TokenSource::Env { name, value: value.map(Secret::new) },
            SentSource::Keyring { account, bus, file } => TokenSource::Keyring(Entry {
                account,
                bus: bus.map(|bus| match bus {
                    SentBus::Address(address) => Bus::Address(address),
                    SentBus::Socket(path) => Bus::Socket(path.into()),
                }),
                file: file.map(PathBuf::from),
            }),
        };
        Auth { header: self.header, scheme: self.scheme, token }
    }
}

impl std::fmt::Debug for SentDestination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentDestination").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SentDestination {
    /// Packs a destination.
    pub fn pack(destination: &Destination) -> Self {
        let endpoint = &destination.endpoint;
        Self {
            name: destination.name.clone(),
            spool: destination.spool.clone(),
            base: endpoint.base().expose().to_owned(),
            own: Signal::ALL
                .into_iter()
                .filter_map(|signal| Some((signal, endpoint.own_url(signal)?.expose().to_owned())))
                .collect(),
            headers: destination.headers.iter().map(|(n, v)| (n.clone(), v.expose().to_owned())).collect(),
            auth: destination.auth.as_ref().map(SentAuth::pack),
            protocol: destination.transport.protocol,
            compression: destination.transport.compression,
            tls: destination.transport.tls.clone(),
            proxies: {
                let Proxies { http, https, no: _ } = &destination.transport.proxies;
                [http, https].map(|proxy| proxy.as_ref().map(|proxy| proxy.expose().to_owned()))
            },
            no_proxy: destination.transport.proxies.no.clone(),
            capture: destination.capture,
            max_attribute_bytes: destination.max_attribute_bytes,
            temporality: destination.temporality,
            bounds: destination.bounds,
            durability: destination.durability,
            signals: destination.signals.clone(),
        }
    }

    /// Gives it metadata and no more, whatever it was to be given.
    pub fn close(&mut self) {
        self.capture = CaptureLevel::Metadata;
    }

    /// Unpacks it in the relay.
    pub fn unpack(self) -> Result<Destination, EndpointError> {
        let mut endpoint = Endpoint::parse(&self.base)?;
        for (signal, url) in &self.own {
            endpoint = endpoint.with_signal(*signal, url)?;
        }
        let [http, https] = self.proxies.map(|proxy| proxy.map(Secret::new));
        let proxies = Proxies { http, https, no: self.no_proxy };
        Ok(Destination {
            auth: self.auth.map(SentAuth::unpack),
            transport: Transport { protocol: self.protocol, compression: self.compression, tls: self.tls, proxies },
            name: self.name,
            spool: self.spool,
            endpoint,
            headers: self.headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
            capture: self.capture,
            max_attribute_bytes: self.max_attribute_bytes,
            temporality: self.temporality,
            bounds: self.bounds,
            durability: self.durability,
            signals: self.signals,
        })
    }
}

/// Why a frame is no message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME`].
    #[error("frame of {0} bytes")]
    TooLong(usize),
    /// Not JSON of this type: the other end is of another version.
    #[error("not a message of this version")]
    NotAMessage,
}

/// A message with its length in front.
pub fn frame<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let body = serde_json::to_vec(message).map_err(|_| FrameError::NotAMessage)?;
    let length = u32::try_from(body.len()).map_err(|_| FrameError::TooLong(body.len()))?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(body);
    Ok(frame)
}

/// How many bytes follow a length.
pub fn length(prefix: [u8; 4]) -> Result<usize, FrameError> {
    let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    if length > MAX_FRAME { Err(FrameError::TooLong(length)) } else { Ok(length) }
}

/// The message in a frame's body.
pub fn message<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, FrameError> {
    serde_json::from_slice(body).map_err(|_| FrameError::NotAMessage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_arrives_as_it_was_packed() {
        let endpoint =
            Endpoint::parse("https://h/FAKE").unwrap().with_signal(Signal::Logs, "https://h/FAKE/l").unwrap();
        let destination = Destination {
            name: "org".to_owned(),
            spool: "org".to_owned(),
            endpoint,
            headers: vec![("a".to_owned(), Secret::new("FAKE"))],
            capture: CaptureLevel::Commands,
            auth: Some(Auth {
                header: "x-a".to_owned(),
                scheme: Some("Bearer".to_owned()),
                token: TokenSource::Env { name: "A".to_owned(), value: Some(Secret::new("FAKE")) },
            }),
            transport: Transport {
                protocol: Protocol::Grpc,
                compression: Compression::None,
                tls: Tls { ca_file: Some("/ca".into()), client: None },
                proxies: Proxies { http: None, https: Some(Secret::new("http://FAKE@p")), no: "h".to_owned() },
            },
            max_attribute_bytes: Some(65_536),
            temporality: Temporality::Cumulative,
            bounds: crate::spool::Bounds { bytes: 1 << 20, files: 100, age: std::time::Duration::from_secs(3600) },
            durability: crate::spool::Durability::Power,
            signals: vec![Signal::Logs],
        };
        let packed = SentDestination::pack(&destination);
        assert!(!format!("{packed:?}").contains("FAKE"));
        let bytes = frame(&packed).unwrap();
        let received: SentDestination = message(&bytes[4..]).unwrap();
        let mut closed = received.clone();
        assert_eq!(received.unpack().unwrap(), destination);
        closed.close();
        assert_eq!(closed.unpack().unwrap().capture, CaptureLevel::Metadata);
    }

    #[test]
    fn the_entry_of_a_keyring_arrives_as_it_was_packed() {
        for bus in [None, Some(Bus::Address("unix:path=/b".to_owned())), Some(Bus::Socket("/run/b".into()))] {
            let entry = Entry { account: "org".to_owned(), bus, file: Some("/c/org".into()) };
            let auth = Auth { header: "x-a".to_owned(), scheme: None, token: TokenSource::Keyring(entry) };
            let received: SentAuth = message(&frame(&SentAuth::pack(&auth)).unwrap()[4..]).unwrap();
            assert_eq!(received.unpack(), auth);
        }
    }

    #[test]
    fn known_values_arrive_as_they_were_packed() {
        let value = |text: &str| Zeroizing::new(text.to_owned());
        let wanted = Wanted {
            dotenv: None,
            files: vec![(CredentialFile::Npm, "/home/me/.npmrc".into())],
            search_path: Some("/usr/bin:/bin".into()),
            public: vec!["me".to_owned()],
        };
        let long = value(&"x".repeat(SentKnown::MAX_BYTES));
        let packed = SentKnown::pack(vec![value("FAKE1"), long, value("FAKE2")], true, wanted.clone());
        let received: SentKnown = message(&frame(&packed).unwrap()[4..]).unwrap();
        let (values, left_out, unpacked) = received.unpack(Some("/work".into()));
        assert_eq!((values, left_out), (vec![value("FAKE1"), value("FAKE2")], 1));
        assert_eq!(unpacked, Wanted { dotenv: Some("/work".into()), ..wanted });
    }

    #[test]
    fn a_path_that_is_no_text_arrives_as_it_is() {
        let path = PathBuf::from(OsString::from_vec(vec![b'/', 0xff, b'x']));
        let bytes = frame(&SentPath::from(path.as_path())).unwrap();
        let received: SentPath = message(&bytes[4..]).unwrap();
        assert_eq!(PathBuf::from(received), path);
    }

    #[test]
    fn a_frame_too_long_is_refused() {
        assert!(matches!(length([0xff; 4]), Err(FrameError::TooLong(_))));
        assert_eq!(length([0, 0, 1, 0]).unwrap(), 256);
    }
}
