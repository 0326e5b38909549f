//! Edge: asks whoever sits at the terminal. Nobody is asked anywhere else.

use std::io::{self, BufRead as _, Write as _};
use std::os::fd::AsFd as _;

use crate::process;

/// Whether somebody can be asked.
pub(super) fn somebody() -> bool {
    process::is_terminal(io::stdin().as_fd()) && process::is_terminal(io::stderr().as_fd())
}

/// A line, without blanks around it. None: nobody says anything any more.
pub(super) fn line(question: &str) -> io::Result<Option<String>> {
    let mut stderr = io::stderr();
    write!(stderr, "{question} ").and_then(|()| stderr.flush())?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer)?;
    if read == 0 {
        // The next thing to be said begins a line.
        let _ = writeln!(stderr);
    }
    Ok((read > 0).then(|| answer.trim().to_owned()))
}

/// Yes or no; what an empty line means stands first.
pub(super) fn yes(question: &str, usual: bool) -> io::Result<bool> {
    let choice = if usual { "[Y/n]" } else { "[y/N]" };
    loop {
        match line(&format!("{question} {choice}"))?.as_deref() {
            None => return Ok(false),
            Some("") => return Ok(usual),
            Some("y" | "Y" | "yes" | "Yes") => return Ok(true),
            Some("n" | "N" | "no" | "No") => return Ok(false),
            Some(_) => {
                let _ = writeln!(io::stderr(), "y or n");
            }
        }
    }
}
