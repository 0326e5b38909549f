//! Edge: the port that claude sends to: got from the kernel, and got back when relay and guard were killed.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::time::Duration;

use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, SockaddrIn};

/// Connections that wait while nobody accepts them.
const BACKLOG: i32 = 64;

/// How long a listener on this machine may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_millis(250);

/// How long a port is waited for. Connections that were open when the process that had it was killed keep it from
/// everybody, us among them: for a minute on Linux, and for another while the other end does not close its own.
const WAIT: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(500);

/// A socket on a port that the kernel chose and that is then bound by its number: the port of such a socket stays ours
/// as long as somebody holds the descriptor, also while nobody listens; that of one bound to port 0 does not.
pub fn listen() -> io::Result<(TcpListener, u16)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..8 {
        let chosen = bind(0)?;
        let port = TcpListener::from(chosen).local_addr()?.port();
        // The first socket is closed by now; somebody else may have taken the port in between.
        match listen_on(port) {
            Ok(listener) => return Ok((listener, port)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The same on a port of ours of before.
pub fn listen_on(port: u16) -> io::Result<TcpListener> {
    let socket = bind(port)?;
    listen_by(&socket)?;
    Ok(TcpListener::from(socket))
}

/// A socket that has no port so far: the relay takes one that cannot be had yet.
pub fn unbound() -> io::Result<TcpListener> {
    new_socket().map(TcpListener::from)
}

/// Whether nobody listens there: then what keeps us from it is an old connection, or somebody who holds it for us.
pub fn is_silent(port: u16) -> bool {
    match TcpStream::connect_timeout(&address(port).into(), ANSWER_LIMIT) {
        // The kernel may let a connection out by the very port that it is to reach.
        Ok(stream) => stream.local_addr().ok() == stream.peer_addr().ok(),
        Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
    }
}

/// Binds and listens, on a socket that has no port.
fn try_to_take(socket: &impl AsFd, port: u16) -> io::Result<()> {
    bind_to(socket, port)?;
    listen_by(socket)
}

fn listen_by(socket: &impl AsFd) -> io::Result<()> {
    let backlog = Backlog::new(BACKLOG).map_err(io::Error::from)?;
    Ok(socket::listen(socket, backlog)?)
}

fn bind_to(socket: &impl AsFd, port: u16) -> io::Result<()> {
    // No SO_REUSEADDR: with it, others could bind the port whenever we do not listen.
    let address = SockaddrIn::from(address(port));
    Ok(socket::bind(socket.as_fd().as_raw_fd(), &address)?)
}

const fn address(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

fn bind(port: u16) -> io::Result<OwnedFd> {
    let socket = new_socket()?;
    bind_to(&socket, port)?;
    Ok(socket)
}

fn new_socket() -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    let socket = socket::socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    #[cfg(not(target_os = "linux"))]
    let socket = {
        use nix::fcntl::{FcntlArg, FdFlag, fcntl};
        let socket = socket::socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None)?;
        fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        socket
    };
    Ok(socket)
}

/// What has become of the port of a relay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Port {
    /// It is ours.
    Ours,
    /// It cannot be had, or nobody needs it any more.
    Gone,
}

/// Sees that the socket has its port. One without waits until it can have it, as long as it `is_needed`.
pub(super) async fn take(listener: &TcpListener, port: u16, is_needed: impl Fn() -> bool) -> Port {
    if listener.local_addr().is_ok_and(|address| address.port() == port) {
        return Port::Ours;
    }
    let deadline = tokio::time::Instant::now() + WAIT;
    loop {
        match try_to_take(listener, port) {
            Ok(()) => return Port::Ours,
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => return Port::Gone,
            Err(_) if !is_silent(port) || !is_needed() || tokio::time::Instant::now() >= deadline => return Port::Gone,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_port_that_is_held_and_not_listened_on_can_be_had_by_nobody() {
        let (listener, port) = listen().unwrap();
        assert!(!is_silent(port));
        assert_eq!(listen_on(port).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        let held = bind(port).unwrap();
        assert!(is_silent(port));
        // With SO_REUSEADDR.
        assert_eq!(TcpListener::bind(("127.0.0.1", port)).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(held);
        listen_on(port).unwrap();
    }

    #[tokio::test]
    async fn a_port_that_others_listen_on_is_given_up_and_one_that_is_free_is_taken() {
        let (theirs, port) = listen().unwrap();
        let ours = unbound().unwrap();
        assert_eq!(take(&theirs, port, || false).await, Port::Ours);
        assert_eq!(take(&ours, port, || true).await, Port::Gone);
        drop(theirs);
        assert_eq!(take(&ours, port, || true).await, Port::Ours);
        assert!(!is_silent(port));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(start_paused = true)]
    async fn an_old_connection_keeps_the_port_from_everybody_for_a_while() {
        let (listener, port) = listen().unwrap();
        let mut claude = TcpStream::connect(("127.0.0.1", port)).unwrap();
        drop((listener.accept().unwrap(), listener));
        assert_eq!(claude.read(&mut [0]).unwrap(), 0);
        drop(claude);
        assert_eq!(TcpListener::bind(("127.0.0.1", port)).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(is_silent(port));
        let ours = unbound().unwrap();
        assert_eq!(take(&ours, port, || false).await, Port::Gone, "nobody needs it");
        assert_eq!(take(&ours, port, || true).await, Port::Gone, "the clock of this test leaps over three minutes");
    }
}
