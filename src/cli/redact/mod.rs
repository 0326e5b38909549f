//! Edge: `cc-observe redact`: a filter that takes secrets out of text, JSON Lines and OTLP bodies.

mod chunks;
mod explain;
mod jsonl;
mod otlp;
mod text;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::Duration;

use clap::Parser as _;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use self::explain::Columns;
use super::args::{LevelOption, RedactOptions, SignalOption};
use super::{COULD_NOT, USAGE, complain, show};
use crate::config::{known_values, machine_key, paths};
use crate::launch::{self, Given};
use crate::otlp::Signal;
use crate::process::{self, Inherited};
use crate::redact::{CaptureLevel, Custom, Known, Redactor, TagKey};
use crate::report::{self, Style};

/// Something was found, and `--check` asked for it.
const FOUND: u8 = 1;

/// How much output is gathered before it is written, in bytes.
const OUTPUT: usize = 256 << 10;

/// What is read, and whether there is more without waiting for somebody.
trait Source: Read {
    /// Whether a read would return at once, within this time.
    fn ready(&self, within: Duration) -> bool;
}

/// Why the filter ended before its input did.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilterError {
    /// The options ask for what cannot be.
    #[error("{0}")]
    Usage(&'static str),
    /// The configuration cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// The input cannot be read.
    #[error("cannot read {name}: {source}")]
    Unreadable {
        /// `stdin`, or the file as it was named.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// The input is not what it should be. What it is, is not repeated.
    #[error("{0}")]
    Input(String),
    /// The output cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    /// Findings, and lines that were masked whole.
    found: u64,
    /// Lines that were masked whole, since they are not text.
    invalid: u64,
    /// Lines that were masked whole, since they are too long.
    too_long: u64,
}

/// Does what `cc-observe redact …` says; the exit code.
pub(super) fn run(args: &[OsString], environment: &[(OsString, OsString)], inherited: &Inherited) -> u8 {
    inherited.make_usable();
    let name = OsString::from("cc-observe redact");
    let options = match RedactOptions::try_parse_from(std::iter::once(&name).chain(args)) {
        Ok(options) => options,
        Err(error) => return show(&error),
    };
    let mut done = Done::default();
    let result = filter(&options, Given { variables: environment }, &mut done);
    for (count, what) in [(done.invalid, "not text in UTF-8"), (done.too_long, "too long")] {
        match count {
            0 => {}
            1 => complain(&format!("1 line was masked whole: {what}")),
            _ => complain(&format!("{count} lines were masked whole: {what}")),
        }
    }
    match result {
        // Who has read enough does not read on: that is no failure.
        Err(FilterError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Ok(()) => {}
        Err(error) => {
            complain(report::printable(&error.to_string(), 1000).as_str());
            return if matches!(error, FilterError::Output(_)) { COULD_NOT } else { USAGE };
        }
    }
    if options.check && done.found > 0 { FOUND } else { 0 }
}

fn filter(options: &RedactOptions, given: Given<'_>, done: &mut Done) -> Result<(), FilterError> {
    let level = options.level.map(|level| match level {
        LevelOption::Metadata => CaptureLevel::Metadata,
        LevelOption::Commands => CaptureLevel::Commands,
        LevelOption::Content => CaptureLevel::Content,
    });
    if options.json && !options.explain && !options.rules {
        return Err(FilterError::Usage("--json goes with --explain or --rules"));
    }
    if options.otlp.is_none() && level == Some(CaptureLevel::Metadata) {
        return Err(FilterError::Usage(
            "at the level metadata nothing is left of a text: it is for telemetry, with --otlp",
        ));
    }
    let redactor = redactor(given)?;
    let stdout = io::stdout();
    let terminal = process::is_terminal(stdout.as_fd());
    let style = Style { colour: given.colours(terminal), width: usize::MAX, ..Style::PLAIN };
    let mut output = BufWriter::with_capacity(OUTPUT, stdout.lock());
    if options.rules {
        output.write_all(explain::rules(&redactor.rules(), &style, options.json).as_bytes())?;
        output.flush()?;
        return Ok(());
    }
    let input = Input::open(options.file.as_deref())?;
    let result = if let Some(signal) = options.otlp {
        let signal = match signal {
            SignalOption::Logs => Signal::Logs,
            SignalOption::Metrics => Signal::Metrics,
            SignalOption::Traces => Signal::Traces,
        };
        otlp::filter(&redactor, signal, level.unwrap_or(CaptureLevel::Commands), input, &mut output, done)
    } else if options.jsonl {
        jsonl::filter(&redactor, input, &mut output, done)
    } else if options.explain {
        let columns = Columns::new(redactor.rules(), style, options.json);
        text::explain(&redactor, &columns, input, &mut output, done)
    } else {
        text::filter(&redactor, input, &mut output, done)
    };
    // What was made of the lines before a bad one is worth having.
    output.flush()?;
    result
}

/// The engine with the person's own rules. A rule that cannot be used ends it: its author meant to mask something.
pub(super) fn redactor(given: Given<'_>) -> Result<Redactor, FilterError> {
    let config = launch::read_config(given).map_err(|error| FilterError::Configuration(error.to_string()))?;
    let custom = Custom::new(config.redaction).map_err(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        FilterError::Configuration(errors.join("; "))
    })?;
    // Who filters by hand is told of a key that cannot be used; the tags are of this call alone then.
    let key = match paths::state_directory() {
        Ok(state) => {
            let (key, problem) = machine_key::read_or_make(&state);
            if let Some(problem) = problem {
                complain(&format!("tags are of this call alone: {problem}"));
            }
            key
        }
        Err(_) => machine_key::of_this_run(),
    };
    let mut redactor = Redactor::new(TagKey::new(key.as_slice())).with(custom);
    if config.known_values.environment {
        let variables = given
            .variables
            .iter()
            .filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
            .collect::<Vec<_>>();
        let public = known_values::public(variables.iter().copied());
        let values = known_values::of_environment(variables, &public, !given.is_below_claude());
        redactor = redactor.known(Known::new(values));
    }
    Ok(redactor)
}

/// A file, or stdin.
struct Input {
    file: File,
    name: String,
    /// Whether it has an end that is already there: then nobody waits for it.
    regular: bool,
}

impl Input {
    fn open(path: Option<&Path>) -> Result<Self, FilterError> {
        let path = path.filter(|path| *path != Path::new("-"));
        let name = path.map_or_else(|| "stdin".to_owned(), |path| path.display().to_string());
        let opened = match path {
            Some(path) => File::open(path),
            // Not through `Stdin`, whose buffer would hide what is waiting.
            None => io::stdin().as_fd().try_clone_to_owned().map(File::from),
        };
        let opened = opened.and_then(|file| Ok((file.metadata()?.is_file(), file)));
        match opened {
            Ok((regular, file)) => Ok(Self { file, name, regular }),
            Err(source) => Err(FilterError::Unreadable { name, source }),
        }
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

impl Source for Input {
    fn ready(&self, within: Duration) -> bool {
        if self.regular {
            return true;
        }
        let timeout = PollTimeout::try_from(within).unwrap_or(PollTimeout::ZERO);
        let mut files = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        // An error is for the read to tell.
        poll(&mut files, timeout).map_or(true, |ready| ready > 0)
    }
}

/// What the system says of the input, as an error of ours.
fn unreadable(name: &str) -> impl Fn(io::Error) -> FilterError {
    move |source| FilterError::Unreadable { name: name.to_owned(), source }
}
