//! Edge: the launcher: prepares a run, starts the relay and claude, waits, shows the summary.
//!
//! It has one thread and no runtime. Claude comes first: whatever goes wrong on our side, claude starts.

pub mod argv;
mod ending;
pub mod environment;
mod find;
mod prepare;
mod relay_process;
mod settings;
pub mod situation;
mod wait;

use std::ffi::OsString;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::errno::Errno;
use nix::unistd::Pid;

use self::argv::{Arguments, Kind};
use self::find::{FindError, HOPS, Hops};
use self::prepare::{Given, Prepared, SetupError};
use self::relay_process::Relay;
use self::situation::{Plan, Situation, SummaryOption, Way};
use crate::config::UserConfig;
use crate::config::user::Summary;
use crate::process::{self, Inherited, Program, Signals, SpawnError};
use crate::relay::control::{PROTOCOL, SentDestination, Start, ToRelay};

/// How long setting up may take before claude is started without it.
pub const SETUP_LIMIT: Duration = Duration::from_millis(150);

/// What the person typed before and behind `claude`.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// `--summary`.
    pub summary: SummaryOption,
    /// `--summary-file`.
    pub summary_file: Option<PathBuf>,
    /// `claude`, a path to it, or what a symlink of that name was called as.
    pub target: Target,
    /// Claude's arguments, untouched.
    pub args: Vec<OsString>,
    /// The environment, in its order.
    pub environment: Vec<(OsString, OsString)>,
}

/// Which claude is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// The one on the search path. The text is what claude is told that it was called as.
    Named(OsString),
    /// This one.
    Path(PathBuf),
}

/// Runs claude, observed. In exec mode this process becomes claude and nothing returns; otherwise the process ends as
/// claude ended. What is returned is an exit code for the cases in which claude could not be started.
pub fn run(invocation: &Invocation, inherited: &Inherited) -> u8 {
    let began = Instant::now();
    inherited.make_usable();
    let given = Given { variables: &invocation.environment };
    let config = prepare::read_config(given);
    let pid = Pid::this();
    let hops = Hops::read(given.get(HOPS), pid);
    let program = match find_claude(invocation, given, &config, &hops) {
        Ok(path) => path,
        Err(error) => return cannot_run(&error),
    };
    let arguments = Arguments::read(&invocation.args);
    let plan = situation(invocation, given, &arguments, &config, &hops).plan();
    let called_as = match &invocation.target {
        Target::Named(name) => name.clone(),
        Target::Path(path) => path.clone().into_os_string(),
    };
    let mut launch = Launch {
        invocation,
        inherited,
        plan,
        interactive: !matches!(arguments.kind, Kind::Session { print: true, .. })
            && process::is_terminal(std::io::stdout().as_fd()),
        program,
        called_as,
        hops,
        pid,
    };
    if !is_observed(&arguments, &launch.hops) {
        return launch.pass_through();
    }
    let prepared = prepare::prepare(given, &arguments, &invocation.args, config).and_then(|mut prepared| {
        if began.elapsed() > SETUP_LIMIT {
            return Err(SetupError::TooSlow);
        }
        let listener = prepared.listener.take().ok_or(SetupError::TooSlow)?;
        let relay = Relay::start(listener, &invocation.environment).map_err(SetupError::Relay)?;
        Ok((prepared, relay))
    });
    match prepared {
        Ok((prepared, relay)) => launch.observed(&prepared, relay),
        Err(error) => {
            let (args, environment) = prepare::without_telemetry(given, &arguments, &invocation.args);
            launch.unobserved(&error, &args, &environment)
        }
    }
}

/// Whether there is a session to observe, and nobody observes it already.
fn is_observed(arguments: &Arguments, hops: &Hops) -> bool {
    matches!(arguments.kind, Kind::Session { .. }) && !hops.is_nested()
}

fn find_claude(
    invocation: &Invocation,
    given: Given<'_>,
    config: &Result<UserConfig, crate::config::ConfigError>,
    hops: &Hops,
) -> Result<PathBuf, FindError> {
    match &invocation.target {
        Target::Path(path) => find::explicit(path),
        Target::Named(_) => {
            let configured = config.as_ref().ok().and_then(|config| config.claude.clone());
            let named = given.own("CC_OBSERVE_CLAUDE").map(PathBuf::from).or(configured);
            find::find(named.as_deref(), given.get("PATH"), hops)
        }
    }
}

fn situation(
    invocation: &Invocation,
    given: Given<'_>,
    arguments: &Arguments,
    config: &Result<UserConfig, crate::config::ConfigError>,
    hops: &Hops,
) -> Situation {
    let configured = config.as_ref().ok().and_then(|config| config.summary).map(|summary| match summary {
        Summary::Auto => SummaryOption::Auto,
        Summary::Full => SummaryOption::Full,
        Summary::Line => SummaryOption::Line,
        Summary::Json => SummaryOption::Json,
        Summary::Off => SummaryOption::Off,
    });
    let stderr_is_terminal = process::is_terminal(std::io::stderr().as_fd());
    let summary = match (invocation.summary, configured) {
        // A habit written down in a file speaks of terminals; only an option changes what a pipe gets.
        (SummaryOption::Auto, Some(configured)) if stderr_is_terminal => configured,
        (asked, _) => asked,
    };
    Situation {
        session: is_observed(arguments, hops),
        print: matches!(arguments.kind, Kind::Session { print: true, .. }),
        stderr_is_terminal,
        ci: given.get("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0"),
        first_process: Pid::this() == Pid::from_raw(1),
        summary,
        summary_file: invocation.summary_file.is_some(),
    }
}

/// One launch, decided.
struct Launch<'a> {
    invocation: &'a Invocation,
    inherited: &'a Inherited,
    plan: Plan,
    interactive: bool,
    program: PathBuf,
    called_as: OsString,
    hops: Hops,
    pid: Pid,
}

impl Launch<'_> {
    /// Becomes claude with everything as it was given, but for our own variables.
    fn pass_through(&mut self) -> u8 {
        let environment: Vec<_> =
            self.invocation.environment.iter().filter(|(name, _)| !environment::is_own(name)).cloned().collect();
        match self.claude(&self.invocation.args, &environment) {
            Ok(program) => self.could_not_exec(program.exec(self.inherited)),
            Err(errno) => self.could_not_exec(errno),
        }
    }

    /// Starts claude with the relay beside it.
    fn observed(&mut self, prepared: &Prepared, mut relay: Relay) -> u8 {
        let started = Timestamp::now();
        let start = self.start_message(prepared, started);
        let sent = relay.send(&ToRelay::Start(Box::new(start)));
        if sent.is_err() {
            // The port is closed by now, or closes when the relay finds no message: claude runs, unobserved.
            drop(relay);
            let error = SetupError::Relay(sent.err().unwrap_or_else(|| Errno::EPIPE.into()));
            return self.unobserved(&error, &prepared.args, &prepared.environment);
        }
        match self.start_claude(&prepared.args, &prepared.environment) {
            Ok((child, signals)) => {
                // If the relay is gone already, the end will tell.
                let _ = relay.send(&ToRelay::Child { pid: child.as_raw() });
                ending::observed(self, prepared, relay, child, started, &signals)
            }
            Err(errno) => self.could_not_exec(errno),
        }
    }

    /// Starts claude without telemetry, since setting up failed.
    fn unobserved(&mut self, error: &SetupError, args: &[OsString], environment: &[(OsString, OsString)]) -> u8 {
        ending::log(&format!("not observed: {error}"));
        let started = Timestamp::now();
        match self.start_claude(args, environment) {
            Ok((child, signals)) => ending::unobserved(self, &error.to_string(), child, started, &signals),
            Err(errno) => self.could_not_exec(errno),
        }
    }

    /// Starts claude as a child, or becomes it: if that is the way, or if this process cannot have children or see
    /// its signals (no descriptors, no processes left). Returns only with a child, or why claude cannot be run.
    fn start_claude(&self, args: &[OsString], environment: &[(OsString, OsString)]) -> Result<(Pid, Signals), Errno> {
        let program = self.claude(args, environment)?;
        if self.plan.way == Way::Exec {
            return Err(program.exec(self.inherited));
        }
        let Ok(signals) = Signals::new() else { return Err(program.exec(self.inherited)) };
        process::block_watched();
        match program.spawn(self.inherited) {
            Ok(child) => {
                signals.watch()?;
                Ok((child, signals))
            }
            Err(SpawnError::Exec(errno)) => Err(errno),
            Err(SpawnError::Fork(_)) => Err(program.exec(self.inherited)),
        }
    }

    fn claude(&self, args: &[OsString], environment: &[(OsString, OsString)]) -> Result<Program, Errno> {
        let mut argv = vec![self.called_as.clone()];
        argv.extend_from_slice(args);
        let program = Program::new(&self.program.clone().into_os_string(), &argv, environment);
        // A shim that leads back here does so in the process that became it.
        let hops = self.hops.with(&self.program);
        program.map(|program| program.with_pid_variable(HOPS, &hops)).map_err(|_| Errno::EINVAL)
    }

    fn start_message(&self, prepared: &Prepared, started: Timestamp) -> Start {
        Start {
            protocol: PROTOCOL,
            run_id: prepared.run_id.to_string(),
            token: prepared.token.clone(),
            port: prepared.port,
            launcher: self.pid.as_raw(),
            exec: self.plan.way == Way::Exec,
            started,
            directory: std::env::current_dir().ok(),
            interactive: self.interactive,
            state: prepared.state.clone(),
            settings: prepared.settings.clone(),
            ci: prepared.ci.clone(),
            destinations: prepared.destinations.iter().map(SentDestination::pack).collect(),
            notes: prepared.notes.clone(),
        }
    }

    /// Says why claude could not be executed; 126 or 127, as a shell would.
    fn could_not_exec(&self, errno: Errno) -> u8 {
        let path = self.program.display();
        complain(&format!("cannot run {path}: {}", errno.desc()));
        if errno == Errno::ENOENT { 127 } else { 126 }
    }
}

fn cannot_run(error: &FindError) -> u8 {
    complain(&format!("{error}; {}", error.hint()));
    error.exit_code()
}

/// One line on stderr. A stderr that nobody reads is no reason to fail.
fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "cc-observe: {line}");
}
