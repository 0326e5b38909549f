//! Edge: the launcher: prepares a run, starts the relay and claude, waits, shows the summary.
//!
//! It has one thread and no runtime. Claude comes first: whatever goes wrong on our side, claude starts.

pub mod argv;
mod ending;
pub mod environment;
mod find;
pub mod given;
mod prepare;
mod relay_process;
mod settings;
pub mod situation;
mod wait;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::errno::Errno;
use nix::unistd::Pid;

use self::argv::{Arguments, Kind};
use self::ending::Begun;
use self::find::{FindError, HOPS, Hops};
pub use self::given::Given;
use self::prepare::{Configured, Identity, Part, Preparation, Prepared};
pub use self::prepare::{destinations_of_today, read_config};
use self::relay_process::{NoAnswer, Relay};
use self::situation::{Plan, Situation, SummaryOption, Way};
use crate::config::user::Summary;
use crate::process::{self, Inherited, Program, Signals, SpawnError};
use crate::relay::control::{PROTOCOL, SentPath, Start, ToRelay};
use crate::report::Note;

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
    let deadline = Instant::now() + SETUP_LIMIT;
    inherited.make_usable();
    let given = Given { variables: &invocation.environment };
    // A shim that starts us without becoming us is our parent; below a running claude, a parent says nothing.
    let parent = (!given.is_below_claude()).then(Pid::parent);
    let hops = Hops::read(given.get(HOPS), Pid::this(), parent);
    let arguments = Arguments::read(&invocation.args);
    let observed = is_observed(&arguments, &hops);
    let SetUp { configured, person, run } = if observed {
        set_up(invocation, given, &arguments, deadline)
    } else {
        SetUp::of_nothing(prepare::configured(given))
    };
    let program = match find_claude(invocation, given, &configured, &hops) {
        Ok(path) => path,
        Err(error) => return cannot_run(&error),
    };
    let launch = Launch {
        invocation,
        inherited,
        plan: situation(invocation, given, &arguments, &configured, observed).plan(),
        interactive: !matches!(arguments.kind, Kind::Session { print: true, .. })
            && process::is_terminal(std::io::stdout().as_fd()),
        program,
        hops,
        pid: Pid::this(),
    };
    if !observed {
        return launch.pass_through();
    }
    match run {
        Ok(run) => launch.observed(run, &arguments, &person),
        Err(unobserved) => launch.unobserved(unobserved, &arguments, &person),
    }
}

/// What was found out before claude is started.
struct SetUp {
    configured: Configured,
    /// The person's own telemetry variables; of the environment alone if nobody told more in time.
    person: BTreeMap<String, String>,
    run: Result<Run, Unobserved>,
}

impl SetUp {
    /// For a launch that is not observed, only which claude is configured matters.
    fn of_nothing(configured: Configured) -> Self {
        Self { configured, person: BTreeMap::new(), run: Err(Unobserved { why: String::new(), muted: None }) }
    }
}

/// A run with its relay, which has not been told to begin.
struct Run {
    identity: Identity,
    prepared: Prepared,
    relay: Relay,
}

/// Why there is no run.
struct Unobserved {
    why: String,
    /// A settings file that keeps claude from exporting.
    muted: Option<SentPath>,
}

/// Has the run prepared, in a process that may take its time, and takes what it has found out by the deadline.
fn set_up(invocation: &Invocation, given: Given<'_>, arguments: &Arguments, deadline: Instant) -> SetUp {
    let mut configured = Configured::default();
    let (person, run) = match start_run(invocation, given, arguments, deadline, &mut configured) {
        Ok((identity, relay, preparation)) => {
            let Preparation { person, run, muted } = preparation;
            let run = run.map(|prepared| Run { identity, prepared, relay });
            (person, run.map_err(|why| Unobserved { why, muted }))
        }
        Err(why) => {
            // In a process of its own: the disk may be what did not answer. Without one, nobody could be told.
            let _ = process::spawn_detached(|| {
                if process::let_go().is_ok() {
                    prepare::log(&format!("not observed: {why}"));
                }
            });
            (prepare::persons_environment(given), Err(Unobserved { why, muted: None }))
        }
    };
    SetUp { configured, person, run }
}

fn start_run(
    invocation: &Invocation,
    given: Given<'_>,
    arguments: &Arguments,
    deadline: Instant,
    configured: &mut Configured,
) -> Result<(Identity, Relay, Preparation), String> {
    let (listener, port) = prepare::listen().map_err(|error| format!("cannot listen on 127.0.0.1: {error}"))?;
    let identity = Identity::new(port);
    let prepare = |tell: &mut dyn FnMut(Part) -> bool| prepare::prepare(given, arguments, &identity, tell);
    let mut relay = Relay::start(listener, &invocation.environment, prepare)
        .map_err(|error| format!("cannot start the relay: {error}"))?;
    loop {
        match relay.part(deadline) {
            Ok(Part::Configured(part)) => *configured = part,
            Ok(Part::Prepared(preparation)) => return Ok((identity, relay, *preparation)),
            Err(NoAnswer::Gone) => return Err("setting up failed".to_owned()),
            Err(NoAnswer::Late | NoAnswer::Interrupted) => {
                return Err(format!("setting up took longer than {} ms", SETUP_LIMIT.as_millis()));
            }
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
    configured: &Configured,
    hops: &Hops,
) -> Result<PathBuf, FindError> {
    match &invocation.target {
        Target::Path(path) => find::explicit(path, hops),
        Target::Named(_) => {
            let configured = configured.claude.clone().map(PathBuf::from);
            let named = given.own("CC_OBSERVE_CLAUDE").map(PathBuf::from).or(configured);
            find::find(named.as_deref(), given.get("PATH"), hops)
        }
    }
}

fn situation(
    invocation: &Invocation,
    given: Given<'_>,
    arguments: &Arguments,
    configured: &Configured,
    observed: bool,
) -> Situation {
    let configured = configured.summary.map(|summary| match summary {
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
        session: observed,
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
    hops: Hops,
    pid: Pid,
}

impl Launch<'_> {
    /// Becomes claude with everything as it was given, but for our own variables.
    fn pass_through(&self) -> u8 {
        let variables = self.invocation.environment.iter();
        let environment: Vec<_> = variables.filter(|(name, _)| !environment::is_own(name)).cloned().collect();
        match self.claude(&self.invocation.args, &environment) {
            Ok(program) => self.could_not_exec(program.exec(self.inherited)),
            Err(errno) => self.could_not_exec(errno),
        }
    }

    /// Starts claude with the relay beside it.
    fn observed(&self, run: Run, arguments: &Arguments, person: &BTreeMap<String, String>) -> u8 {
        let Run { identity, prepared, mut relay } = run;
        let args = match &prepared.settings {
            Some(file) => arguments.with_settings(&self.invocation.args, PathBuf::from(file.clone()).as_os_str()),
            None => self.invocation.args.clone(),
        };
        let credential = |name: &OsStr| prepared.credentials.iter().any(|credential| OsStr::new(credential) == name);
        let environment = environment::apply(
            self.invocation.environment.iter().filter(|(name, _)| !credential(name)).cloned(),
            &identity.assignments(person, prepared.asked),
        );
        let (started, notes) = (Timestamp::now(), prepared.notes.clone());
        let start = self.start_message(&identity, prepared, started);
        if let Err(error) = relay.send(&ToRelay::Start(Box::new(start))) {
            // The port is closed by now, or closes when the relay finds no message.
            let why = format!("cannot start the relay: {error}");
            return self.unobserved(Unobserved { why, muted: None }, arguments, person);
        }
        match self.start_claude(&args, &environment) {
            Ok((child, signals)) => {
                // If the relay is gone already, the end will tell.
                let _ = relay.send(&ToRelay::Child { pid: child.as_raw() });
                let begun = Begun { run_id: identity.run_id.to_string(), started, notes };
                ending::observed(self, begun, relay, child, &signals)
            }
            Err(errno) => self.could_not_exec(errno),
        }
    }

    /// Starts claude without telemetry, since setting up failed.
    fn unobserved(&self, unobserved: Unobserved, arguments: &Arguments, person: &BTreeMap<String, String>) -> u8 {
        let given = Given { variables: &self.invocation.environment };
        let Unobserved { why, muted } = unobserved;
        let (args, environment) = prepare::without_telemetry(given, arguments, &self.invocation.args, person, muted);
        let begun = Begun { run_id: String::new(), started: Timestamp::now(), notes: vec![Note::NotObserved { why }] };
        match self.start_claude(&args, &environment) {
            Ok((child, signals)) => ending::unobserved(self, begun, child, &signals),
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
        let name = match &self.invocation.target {
            Target::Named(name) => name.clone(),
            Target::Path(path) => path.clone().into_os_string(),
        };
        let argv: Vec<OsString> = std::iter::once(name).chain(args.iter().cloned()).collect();
        let program = Program::new(self.program.as_os_str(), &argv, environment);
        // A shim that leads back here does so in the process that became it.
        let hops = self.hops.with(&self.program);
        program.map(|program| program.with_pid_variable(HOPS, &hops)).map_err(|_| Errno::EINVAL)
    }

    fn start_message(&self, identity: &Identity, prepared: Prepared, started: Timestamp) -> Start {
        Start {
            protocol: PROTOCOL,
            run_id: identity.run_id.to_string(),
            token: identity.token.expose().to_owned(),
            port: identity.port,
            launcher: self.pid.as_raw(),
            exec: self.plan.way == Way::Exec,
            started,
            directory: std::env::current_dir().ok().as_deref().map(SentPath::from),
            interactive: self.interactive,
            state: prepared.state,
            settings: prepared.settings,
            ci: prepare::ci(Given { variables: &self.invocation.environment }),
            destinations: prepared.destinations,
            policy: prepared.policy,
            notes: prepared.notes,
            known: prepared.known,
            redaction: prepared.redaction,
            config: prepared.config,
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
