//! Edge: how long a connection may take to say what it wants: a socket with patience that runs out.
//!
//! A connection that has not shown the token has five seconds in all. One that has may pause between requests as long
//! as it likes (the exporter keeps its connection for hours), but a request once begun has five seconds for its head.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long the head of a request may take to arrive.
const HEAD_LIMIT: Duration = Duration::from_secs(5);

/// What is known of a connection; shared with whoever answers its requests.
#[derive(Clone)]
pub(super) struct Patience(Arc<Mutex<State>>);

struct State {
    trusted: bool,
    /// When the head that is being read must be complete; `None` between requests and while one is answered.
    deadline: Option<Instant>,
    /// Whether a request is being received or answered.
    in_request: bool,
}

impl Patience {
    pub(super) fn new() -> Self {
        let state = State { trusted: false, deadline: Some(Instant::now() + HEAD_LIMIT), in_request: false };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token was right.
    pub(super) fn trust(&self) {
        self.state().trusted = true;
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.state().trusted
    }

    /// The head has arrived; the body has a limit of its own.
    pub(super) fn head_is_complete(&self) {
        let mut state = self.state();
        state.in_request = true;
        if state.trusted {
            state.deadline = None;
        }
    }

    /// The answer is made; a pause may follow.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.in_request = false;
        if state.trusted {
            state.deadline = None;
        }
    }

    /// Bytes have arrived.
    fn received(&self) {
        let mut state = self.state();
        if state.trusted && !state.in_request && state.deadline.is_none() {
            state.deadline = Some(Instant::now() + HEAD_LIMIT);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let state = self.state();
        // While a request is answered, the time is ours.
        if state.in_request && state.trusted { None } else { state.deadline }
    }
}

/// A socket that fails when its patience has run out.
pub(super) struct Stranger {
    stream: TcpStream,
    patience: Patience,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Stranger {
    pub(super) fn new(stream: TcpStream, patience: Patience) -> Self {
        Self { stream, patience, timer: None }
    }

    /// Whether the time is up; if not, the task wakes when it is.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let Some(deadline) = self.patience.deadline() else {
            self.timer = None;
            return false;
        };
        let timer = match &mut self.timer {
            Some((set, timer)) if *set == deadline => timer,
            timer => &mut timer.insert((deadline, Box::pin(sleep_until(deadline)))).1,
        };
        timer.as_mut().poll(context).is_ready()
    }
}

impl AsyncRead for Stranger {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                if buffer.filled().len() > before {
                    this.patience.received();
                }
                if this.is_late(context) {
                    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
                } else {
                    Poll::Ready(Ok(()))
                }
            }
            Poll::Pending if this.is_late(context) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            other => other,
        }
    }
}

impl AsyncWrite for Stranger {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
