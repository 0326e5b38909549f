//! Edge: the launcher: prepares a run, starts the relay and claude, waits, shows the summary.
//!
//! It has one thread and no runtime. Claude comes first: whatever goes wrong on our side, claude starts.

pub mod argv;
mod ending;
pub mod environment;
pub mod examine;
mod find;
pub mod given;
mod ours;
mod prepare;
mod relay_process;
mod settings;
pub mod situation;
mod wait;
pub mod wrapper;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::errno::Errno;
use nix::unistd::Pid;
use uuid::Uuid;

use self::argv::{Arguments, Kind};
use self::ending::Begun;
pub use self::find::COULD_NOT;
pub use self::find::FindError;
use self::find::{HOPS, Hops};
pub use self::given::Given;
use self::ours::Ours;
use self::prepare::{Configured, Identity, Part, Preparation, Prepared, Wanted};
pub use self::prepare::{ENDPOINT_DESTINATION, destinations_of_today, layers, read_config};
use self::relay_process::{NoAnswer, Relay};
use self::situation::{Plan, Shown, Situation, SummaryOption, Way};
use crate::config::user::Summary;
use crate::config::{managed, paths};
use crate::process::{self, Inherited, Program, Signals, SpawnError};
use crate::relay::control::{PROTOCOL, SentPath, Start, ToRelay};
use crate::relay::{port, socket};
use crate::report::{Note, RunSummary};

/// How long setting up may take before claude is started without it.
pub const SETUP_LIMIT: Duration = Duration::from_millis(150);

/// The same where the organization requires observation, and claude is not started without it.
const REQUIRED_LIMIT: Duration = Duration::from_secs(10);

/// What the person typed before and behind `claude`.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// `--summary`.
    pub summary: SummaryOption,
    /// `--summary-file`.
    pub summary_file: Option<PathBuf>,
    /// `--unobserved`
    pub unobserved: bool,
    /// The run of this id is shown to who asks its relay, and delivered to nobody.
    pub dry: Option<Uuid>,
    /// `claude`, a path to it, or what a symlink of that name was called as.
    pub target: Target,
    /// Claude's arguments, untouched.
    pub args: Vec<OsString>,
    /// The environment, in its order.
    pub environment: Vec<(OsString, OsString)>,
    /// Called by Claude Code in front of a process of its own: then this is said by nobody, and these words are started
    /// in front of claude.
    pub wrapping: Option<Vec<OsString>>,
}

/// Which claude is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// The one on the search path. The text is what claude is told that it was called as.
    Named(OsString),
    /// This one.
    Path(PathBuf),
}

/// Starts a process that Claude Code starts in the background, called as its process wrapper. Nothing is printed.
///
/// One that was told by a relay of ours where to send starts as it is: what it says, and what it starts says, arrives. If
/// that relay is gone, it is started again on its port, or another one for those that pass on what they are given.
pub fn wrap(called: &wrapper::Called<'_>, environment: Vec<(OsString, OsString)>, inherited: &Inherited) -> u8 {
    let told = Ours::of(&environment);
    let mut invocation = Invocation {
        summary: SummaryOption::Off,
        summary_file: None,
        unobserved: false,
        dry: None,
        target: Target::Path(PathBuf::from(called.program)),
        args: called.args.to_vec(),
        environment,
        wrapping: Some(called.chained.to_vec()),
    };
    let passes_on = Arguments::read(called.args).kind == Kind::Background;
    let Some(told) = told else { return launch(&invocation, inherited, Observing::Anew) };
    let state = paths::state_directory();
    if state.as_deref().is_ok_and(|state| told.answers(state)) {
        if let (Ok(state), true) = (state, passes_on) {
            prepare::adopt_settings(&state, &told.assignments());
        }
        return launch(&invocation, inherited, Observing::AsItIs);
    }
    let again = port::listen_on(told.identity.port).or_else(|error| {
        // Old connections keep it from everybody: the relay takes it as soon as it can be had.
        if port::is_silent(told.identity.port) { port::unbound() } else { Err(error) }
    });
    if let Ok(listener) = again {
        return launch(&invocation, inherited, Observing::Again(listener, told.identity));
    }
    // Somebody else has the port by now.
    invocation.environment.retain(|(name, _)| !environment::is_telemetry(name));
    launch(&invocation, inherited, Observing::Anew)
}

/// Runs claude, observed. In exec mode this process becomes claude and nothing returns; otherwise the process ends as
/// claude ended. What is returned is an exit code for the cases in which claude could not be started.
pub fn run(invocation: &Invocation, inherited: &Inherited) -> u8 {
    launch(invocation, inherited, Observing::Anew)
}

/// Who observes.
enum Observing {
    /// A relay that is yet to be started; below a claude that is observed, the one of that claude.
    Anew,
    /// A relay that was there before is started again, on its port; claude has been told.
    Again(TcpListener, Identity),
    /// A relay that is there; claude has been told.
    AsItIs,
}

fn launch(invocation: &Invocation, inherited: &Inherited, observing: Observing) -> u8 {
    let started = Instant::now();
    inherited.make_usable();
    let given = Given { variables: &invocation.environment };
    // A shim that starts us without becoming us is our parent; below a running claude, a parent says nothing, and in front
    // of its background processes neither.
    let parent = (!given.is_below_claude() && invocation.wrapping.is_none()).then(Pid::parent);
    let hops = Hops::read(given.get(HOPS), Pid::this(), parent);
    let arguments = Arguments::read(&invocation.args);
    let is_observed = invocation.wrapping.is_some() || is_observed(&arguments, &hops);
    let anew = matches!(observing, Observing::Anew) && is_observed;
    let above = anew.then(|| above(given)).flatten();
    if anew
        && (invocation.unobserved || invocation.dry.is_some())
        && let Some(why) = not_unobserved(given, &arguments, invocation)
    {
        complain(&format!("Claude Code was not started: {why}"));
        return COULD_NOT;
    }
    let required = anew && above.is_none() && managed::require_observation();
    let deadline = started + if required { REQUIRED_LIMIT } else { SETUP_LIMIT };
    let set_up = match observing {
        Observing::Again(listener, identity) => {
            let variables: Vec<_> =
                invocation.environment.iter().filter(|(name, _)| !environment::is_telemetry(name)).cloned().collect();
            let wanted = Wanted { arguments: &arguments, unobserved: false, wrapper: true };
            Some(set_up(Given { variables: &variables }, wanted, deadline, Ok((listener, identity))))
        }
        Observing::Anew if anew && above.is_none() => {
            let identity =
                |port| Identity { run_id: invocation.dry.unwrap_or_else(Uuid::now_v7), ..Identity::new(port) };
            let listening = port::listen().map(|(listener, port)| (listener, identity(port)));
            let wanted = Wanted {
                arguments: &arguments,
                unobserved: invocation.unobserved,
                wrapper: !invocation.unobserved && invocation.dry.is_none(),
            };
            Some(set_up(given, wanted, deadline, listening))
        }
        Observing::Anew | Observing::AsItIs => None,
    };
    let SetUp { configured, person, run } = set_up.unwrap_or_else(|| SetUp::of_nothing(prepare::configured(given)));
    let program = match find_claude(invocation, given, &configured, &hops) {
        Ok(path) => path,
        Err(error) => return cannot_run(&error),
    };
    let run = run.and_then(|run| if required { run.whole() } else { Ok(run) });
    let mut plan = situation(invocation, given, &arguments, &configured, anew).plan();
    if above.is_some() {
        plan = Plan::EXEC;
    }
    let launch = Launch {
        invocation,
        inherited,
        plan,
        interactive: !matches!(arguments.kind, Kind::Session { print: true, .. })
            && process::is_terminal(std::io::stdout().as_fd()),
        program,
        hops,
        pid: Pid::this(),
    };
    match (above, run) {
        (Some(above), _) => launch.joined(&above, &arguments, deadline),
        (None, Ok(run)) if anew => launch.observed(run, &arguments, &person),
        (None, Err(unobserved)) if required => Launch::refused(&unobserved),
        (None, Err(unobserved)) if anew => launch.unobserved(unobserved, &arguments, &person),
        (None, Ok(run)) => launch.observed_again(run),
        (None, Err(_)) => launch.pass_through(),
    }
}

/// Why `--unobserved` cannot be had, if it cannot.
fn not_unobserved(given: Given<'_>, arguments: &Arguments, invocation: &Invocation) -> Option<String> {
    let what = if invocation.unobserved { "`--unobserved`" } else { "a dry run" };
    if given.is_below_claude() {
        return Some(format!("{what} is not for what a running Claude Code starts"));
    }
    if arguments.kind == Kind::Background {
        let why = "background sessions are started by a daemon that may be observed already";
        return Some(format!("{what} cannot be had here: {why}"));
    }
    let allowed = managed::allows_unobserved();
    (!allowed).then(|| {
        format!(
            "your organization does not allow {what} (`allow_unobserved` in {}). Without it, the session is observed",
            paths::MANAGED
        )
    })
}

/// What a claude above us was told, if a project could have started us there and its relay answers: then we are a part of
/// its run.
fn above(given: Given<'_>) -> Option<Ours> {
    let above = given.is_below_claude().then(Ours::above).flatten()?;
    above.answers(&paths::state_directory().ok()?).then_some(above)
}

/// What the run of the claude above us cost and did so far. `None`: there is none, or its relay does not say.
pub fn summary_above(given: Given<'_>) -> Option<RunSummary> {
    let ours = Ours::above().or_else(|| Ours::of(given.variables))?;
    socket::summary(&ours.identity.run_id.to_string(), &paths::state_directory().ok()?)
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

impl Run {
    /// The same, unless `--settings` of the person's own could lead past it.
    fn whole(self) -> Result<Self, Unobserved> {
        let not_merged = self.prepared.notes.iter().find_map(|note| match note {
            Note::SettingsNotMerged { why } => Some(format!("the settings of `--settings` cannot be merged: {why}")),
            _ => None,
        });
        match not_merged {
            Some(why) => Err(Unobserved { why, muted: self.prepared.settings }),
            None => Ok(self),
        }
    }
}

/// Why there is no run.
struct Unobserved {
    why: String,
    /// A settings file that keeps claude from exporting.
    muted: Option<SentPath>,
}

/// Has the run prepared, in a process that may take its time, and takes what it has found out by the deadline.
fn set_up(
    given: Given<'_>,
    wanted: Wanted<'_>,
    deadline: Instant,
    listening: io::Result<(TcpListener, Identity)>,
) -> SetUp {
    let mut configured = Configured::default();
    let (person, run) = match start_run(given, wanted, deadline, listening, &mut configured) {
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
    given: Given<'_>,
    wanted: Wanted<'_>,
    deadline: Instant,
    listening: io::Result<(TcpListener, Identity)>,
    configured: &mut Configured,
) -> Result<(Identity, Relay, Preparation), String> {
    let limit = if deadline > Instant::now() + SETUP_LIMIT { REQUIRED_LIMIT } else { SETUP_LIMIT };
    let (listener, identity) = listening.map_err(|error| format!("cannot listen on 127.0.0.1: {error}"))?;
    let prepare = |tell: &mut dyn FnMut(Part) -> bool| prepare::prepare(given, wanted, &identity, tell);
    let mut relay = Relay::start(Some(listener), given.variables, prepare)
        .map_err(|error| format!("cannot start the relay: {error}"))?;
    loop {
        match relay.part(deadline) {
            Ok(Part::Configured(part)) => *configured = part,
            Ok(Part::Prepared(preparation)) => return Ok((identity, relay, *preparation)),
            Ok(Part::Joined(_)) | Err(NoAnswer::Gone) => return Err("setting up failed".to_owned()),
            Err(NoAnswer::Late | NoAnswer::Interrupted) => {
                return Err(format!("setting up took longer than {} ms", limit.as_millis()));
            }
        }
    }
}

/// Whether there is a session to observe, and nobody observes it already.
fn is_observed(arguments: &Arguments, hops: &Hops) -> bool {
    matches!(arguments.kind, Kind::Session { .. } | Kind::Background) && !hops.is_nested()
}

fn find_claude(
    invocation: &Invocation,
    given: Given<'_>,
    configured: &Configured,
    hops: &Hops,
) -> Result<PathBuf, FindError> {
    match &invocation.target {
        Target::Path(path) => find::explicit(path, hops),
        Target::Named(_) => find::find(named_claude(given, configured).as_deref(), given.get("PATH"), hops),
    }
}

/// The claude that is named by the organization, a variable or the file.
fn named_claude(given: Given<'_>, configured: &Configured) -> Option<PathBuf> {
    let variable = given.own("CC_OBSERVE_CLAUDE").filter(|_| !configured.claude_is_final);
    variable.map(PathBuf::from).or_else(|| configured.claude.clone().map(PathBuf::from))
}

/// The claude that `cc-observe claude` would run.
pub fn claude(given: Given<'_>) -> Result<PathBuf, FindError> {
    let named = named_claude(given, &prepare::configured(given));
    find::find(named.as_deref(), given.get("PATH"), &Hops::default())
}

/// The files called `cc-observe` on the search path, each once: whether it is this program, and where it is.
pub fn copies(given: Given<'_>) -> Vec<(bool, PathBuf)> {
    find::copies(given.get("PATH"))
}

/// Whether the first `claude` on the search path is this program.
pub fn is_claude_ours(given: Given<'_>) -> bool {
    find::is_first_ours(given.get("PATH"))
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
        session: observed && arguments.kind != Kind::Background && invocation.wrapping.is_none(),
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
            &prepared.assignments(&identity, person),
        );
        let (started, notes) = (Timestamp::now(), prepared.notes.clone());
        let start = self.start_message(&identity, prepared, started, false);
        if let Err(error) = relay.send(&ToRelay::Start(Box::new(start))) {
            // The port is closed by now, or closes when the relay finds no message.
            let why = format!("cannot start the relay: {error}");
            return self.unobserved(Unobserved { why, muted: None }, arguments, person);
        }
        self.tell_of_budgets(&notes);
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

    /// What was spent is said before more is: where a summary will be shown too.
    fn tell_of_budgets(&self, notes: &[Note]) {
        if matches!(self.plan.shown, Shown::Full | Shown::Line) {
            let passed = notes.iter().filter(|note| matches!(note, Note::BudgetPassed { .. }));
            passed.for_each(|note| complain(&note.sentence()));
        }
    }

    /// Becomes claude, told as a claude above us was: it is observed by the relay of that one.
    fn joined(&self, above: &Ours, arguments: &Arguments, deadline: Instant) -> u8 {
        let assignments = above.assignments();
        let environment = environment::apply(self.invocation.environment.iter().cloned(), &assignments);
        let prepare = |tell: &mut dyn FnMut(Part) -> bool| prepare::join(arguments, &assignments, tell);
        let settings = Relay::start(None, &self.invocation.environment, prepare)
            .ok()
            .and_then(|mut preparing| preparing.part(deadline).ok());
        let args = match settings {
            Some(Part::Joined(Some(file))) => {
                arguments.with_settings(&self.invocation.args, PathBuf::from(file).as_os_str())
            }
            _ => self.invocation.args.clone(),
        };
        match self.claude(&args, &environment) {
            Ok(program) => self.could_not_exec(program.exec(self.inherited)),
            Err(errno) => self.could_not_exec(errno),
        }
    }

    /// Becomes claude with everything as it was given, and lets the relay begin that takes the place of another.
    fn observed_again(&self, run: Run) -> u8 {
        let Run { identity, prepared, mut relay } = run;
        let start = self.start_message(&identity, prepared, Timestamp::now(), true);
        // Without it, the port stays closed: claude is refused, and says nothing to anybody.
        let _ = relay.send(&ToRelay::Start(Box::new(start)));
        self.pass_through()
    }

    /// Does not start claude: the organization wants none that is not observed.
    fn refused(Unobserved { why, muted }: &Unobserved) -> u8 {
        // Nobody will read it.
        let _ = muted.as_ref().map(|file| std::fs::remove_file(PathBuf::from(file.clone())));
        complain(&format!(
            "Claude Code was not started: your organization requires that it is observed, and it cannot be: {why}. \
             What was tried is in cc-observe.log of the state directory; ask whoever manages {}",
            paths::MANAGED
        ));
        COULD_NOT
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
        let front = self.invocation.wrapping.as_deref().unwrap_or_default();
        let argv: Vec<OsString> = front.iter().cloned().chain([name]).chain(args.iter().cloned()).collect();
        let path = front.first().map_or(self.program.as_os_str(), OsString::as_os_str);
        let program = Program::new(path, &argv, environment);
        // A shim that leads back here does so in the process that became it.
        let hops = self.hops.with(&self.program);
        program.map(|program| program.with_pid_variable(HOPS, &hops)).map_err(|_| Errno::EINVAL)
    }

    fn start_message(&self, identity: &Identity, prepared: Prepared, started: Timestamp, again: bool) -> Start {
        let given = Given { variables: &self.invocation.environment };
        Start {
            protocol: PROTOCOL,
            run_id: identity.run_id.to_string(),
            token: identity.token.expose().to_owned(),
            port: identity.port,
            launcher: self.pid.as_raw(),
            exec: self.plan.way == Way::Exec,
            started,
            again,
            // A daemon has its own, which says nothing of where its sessions work.
            directory: if self.invocation.wrapping.is_some() || again || prepared.unobserved {
                None
            } else {
                std::env::current_dir().ok().as_deref().map(SentPath::from)
            },
            interactive: self.interactive,
            state: prepared.state,
            settings: prepared.settings,
            claude: given.claude_directory().as_deref().map(SentPath::from),
            ci: if prepared.unobserved { Vec::new() } else { prepare::ci(given) },
            destinations: prepared.destinations,
            budget: prepared.budget,
            policy: prepared.policy,
            notes: prepared.notes.into_iter().chain(self.invocation.dry.map(|_| Note::Dry)).collect(),
            dry: self.invocation.dry.is_some(),
            unobserved: prepared.unobserved,
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
