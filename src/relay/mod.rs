//! Edge: the relay process: receives from claude on loopback, redacts, counts, spools and delivers.
//!
//! Started by the launcher with the listening socket as descriptor 0 and the control socket as 1. It belongs to no
//! terminal and no session, and outlives the launcher only as long as claude runs or something is to be delivered.

mod account;
mod claude_process;
pub mod control;
mod facts;
mod guard;
mod holders;
mod intake;
mod lifecycle;
mod pipeline;
pub mod port;
mod redactor;
mod repository;
mod settings_files;
pub mod socket;
pub mod spending;
mod stranger;

use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{SockaddrIn, getsockname};
use zeroize::Zeroizing;

use self::control::{PROTOCOL, Start, ToRelay};
use self::guard::{Held, Life};
use self::socket::Socket;
use crate::config::paths;
use crate::process;

/// How long the launcher may take to say what is to be done.
const START_LIMIT: Duration = Duration::from_secs(5);

/// More descriptors than these are of no use to us.
const DESCRIPTORS: u64 = 1024;

/// How many threads may wait for a disk or a name server at once. One that does not answer must not hold up the rest.
const WAITING_THREADS: usize = 16;

/// Becomes the relay. The exit code is for those who look at processes; nobody waits for it.
pub fn run() -> u8 {
    if getsockname::<SockaddrIn>(0).is_err() {
        let _ = writeln!(io::stderr(), "cc-observe: `relay` is started by cc-observe itself");
        return 2;
    }
    process::ignore_broken_pipes();
    process::close_from_three();
    keep_to_ourselves();
    match held() {
        // CoreFoundation, which verifies certificates there, refuses to work in a process that was forked.
        Ok(held) if cfg!(target_os = "macos") => serve(held, Life::default()),
        Ok(held) => guard::over(held, serve),
        Err(_) => 1,
    }
}

/// What the launcher gave us.
fn held() -> io::Result<Held> {
    let listener = TcpListener::from(process::take(0)?);
    let mut control = UnixStream::from(process::take(1)?);
    let start = receive_start(&mut control)?;
    control.set_nonblocking(true)?;
    let socket = Socket::bind(&start.run_id, &PathBuf::from(start.state.clone()));
    Ok(Held { listener, control, socket, start })
}

/// No core dump, and no look into our memory by others: the organization's credentials are in it.
fn keep_to_ourselves() {
    process::dump_no_core();
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(DESCRIPTORS.max(soft)), hard);
    }
    process::hide();
}

fn serve(held: Held, life: Life) -> u8 {
    if let Ok(file) = paths::open_log(&PathBuf::from(held.start.state.clone())) {
        let filter = tracing_subscriber::filter::LevelFilter::INFO;
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_max_level(filter).with_writer(std::sync::Mutex::new(file));
        // Only a second subscriber is an error.
        let _ = tracing::subscriber::set_global_default(subscriber.finish());
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(WAITING_THREADS).build();
    let Ok(runtime) = runtime else { return 1 };
    let result = runtime.block_on(lifecycle::live(held, life));
    // What still waits for a disk that does not answer is given up.
    runtime.shutdown_timeout(Duration::from_secs(1));
    u8::from(result.is_err())
}

fn receive_start(control: &mut UnixStream) -> io::Result<Start> {
    control.set_read_timeout(Some(START_LIMIT))?;
    let mut prefix = [0; 4];
    control.read_exact(&mut prefix)?;
    // Credentials and known values are in it.
    let mut body = Zeroizing::new(vec![0; control::length(prefix).map_err(io::Error::other)?]);
    control.read_exact(&mut body)?;
    match control::message(&body).map_err(io::Error::other)? {
        ToRelay::Start(start) if start.protocol == PROTOCOL => Ok(*start),
        _ => Err(io::Error::other("the launcher is of another version")),
    }
}
