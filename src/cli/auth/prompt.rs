//! Edge: reads a token: without echo from a terminal, else from stdin.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::checked;
use crate::process;
use crate::secrets::Secret;

/// The longest token, in bytes.
pub(super) const MAX_BYTES: usize = 16 << 10;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    /// Nothing was typed or piped.
    #[error("this is no token: it is empty")]
    Empty,
    /// More than [`MAX_BYTES`].
    #[error("this is no token: it is longer than 16 KiB")]
    Long,
    /// A header takes no such character.
    #[error("this is no token: it holds characters that cannot stand in a header")]
    Strange,
    /// Ctrl-C.
    #[error("nothing is stored")]
    Cancelled,
    /// The system refused.
    #[error("the token cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// The token of a destination, from whoever sits at the terminal or writes into our stdin.
pub(super) fn read_token(destination: &str) -> Result<Secret, Unread> {
    let stdin = io::stdin();
    let text = if process::is_terminal(stdin.as_fd()) {
        let _quiet = Quiet::new()?;
        let mut stderr = io::stderr();
        write!(stderr, "Token of {destination} (it is not shown): ").and_then(|()| stderr.flush())?;
        let typed = typed();
        // The one that was typed was not shown.
        let _ = writeln!(stderr);
        typed?
    } else {
        let mut bytes = Zeroizing::new(Vec::new());
        // A newline at its end is not part of it, and one byte more is too much.
        stdin.lock().take(MAX_BYTES as u64 + 3).read_to_end(&mut bytes)?;
        bytes
    };
    checked(std::str::from_utf8(&text).map_err(|_| Unread::Strange)?)
}

/// One line, key by key.
fn typed() -> Result<Zeroizing<Vec<u8>>, Unread> {
    let mut line = Zeroizing::new(Vec::new());
    let mut stdin = io::stdin().lock();
    let mut key = [0];
    loop {
        match stdin.read(&mut key)? {
            0 => return Ok(line),
            _ => match key {
                [b'\r' | b'\n'] => return Ok(line),
                // Ctrl-D, Ctrl-C, Ctrl-\, Ctrl-U, and what takes the last one back.
                [0x04] => return Ok(line),
                [0x03 | 0x1c] => return Err(Unread::Cancelled),
                [0x15] => line.clear(),
                [0x08 | 0x7f] => {
                    line.pop();
                }
                [byte] => line.push(byte),
            },
        }
        if line.len() > MAX_BYTES {
            return Err(Unread::Long);
        }
    }
}

/// A terminal that shows no keys and sends no signals for them: one would end us before it is as it was.
struct Quiet(Termios);

impl Quiet {
    fn new() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(&stdin)?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG);
        tcsetattr(&stdin, SetArg::TCSAFLUSH, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // The rest of what was pasted is no command of the shell.
        let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &self.0);
    }
}
