//! The launch matrix: claude started directly, through us when we become it, and through us when we wait for it, in
//! situations that dice put together; what can be seen of it must be the same.
//!
//! `CC_OBSERVE_MATRIX='seeds=100 first=7'` runs others.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::signal::Signal;

use crate::chaos::Dice;
use crate::differential::{Case, Seen, Way, env_sets_signals, is_ignored, normal};
use crate::support::{Mode, OrgEndpoint, Sandbox, start};

/// How many situations are tried at once.
const AT_ONCE: usize = 3;

/// What claude does, and what is done to it.
#[derive(Clone, Debug)]
enum Story {
    /// It prints, and ends with this code.
    Exits(u8),
    /// A signal of its own kills it.
    Dies(&'static str),
    /// It gives back what it reads: so many bytes.
    Copies(usize),
    /// The process that was started gets this signal; claude notes it, and ends as it does then.
    Told(Signal),
    /// It is stopped and continued first.
    Stopped(u8),
}

/// A situation.
#[derive(Clone, Debug)]
struct Situation {
    before: &'static str,
    prefix: &'static str,
    redirections: &'static str,
    arguments: &'static [&'static str],
    story: Story,
    terminal: bool,
    /// How the organization's endpoint behaves, and whether there is one.
    endpoint: Option<Mode>,
}

const BEFORE: [&str; 8] = [
    "",
    "",
    "umask 077",
    "umask 000",
    "ulimit -n 64",
    "ulimit -c 0; ulimit -f 200000; ulimit -s 4096",
    "mkdir -p deep/er; cd deep/er",
    "trap '' HUP PIPE",
];
const PREFIXES: [&str; 8] = [
    "",
    "",
    "nohup",
    "setsid -w",
    "nice -n 3",
    "env --ignore-signal=CHLD,PIPE",
    "env --block-signal=USR1,USR2,CHLD",
    "env --default-signal",
];
const REDIRECTIONS: [&str; 8] =
    ["", "", "2>&1", "2>/dev/null", "7</dev/null 9>/dev/null", "7<&0 8>&1", ">/dev/null", "2>&-"];
const ARGUMENTS: [&[&str]; 8] = [
    &["-p", "go"],
    &["-p", ""],
    &["-p", "--model", "opus", "go on\nand on"],
    &["-p", "--", "--settings"],
    &["go"],
    &[],
    &["-p", "--settings", "{\"env\":{\"MATRIX\":\"1\"}}", "go"],
    &["-p", "--output-format", "json", "go"],
];

impl Situation {
    fn new(dice: &mut Dice) -> Self {
        let story = match dice.between(0, 9) {
            0..=2 => Story::Exits(u8::try_from(dice.between(0, 255)).unwrap()),
            3 | 4 => {
                Story::Dies(dice.pick(&["HUP", "INT", "QUIT", "KILL", "TERM", "SEGV", "ABRT", "PIPE", "USR1", "64"]))
            }
            5 | 6 => Story::Copies(usize::try_from(dice.between(0, 3 << 20)).unwrap()),
            7 | 8 => Story::Told(dice.pick(&[Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM])),
            _ => Story::Stopped(u8::try_from(dice.between(0, 255)).unwrap()),
        };
        let mut situation = Self {
            before: dice.pick(&BEFORE),
            prefix: dice.pick(&PREFIXES),
            redirections: dice.pick(&REDIRECTIONS),
            arguments: dice.pick(&ARGUMENTS),
            story,
            terminal: dice.once_in(4),
            endpoint: match dice.between(0, 3) {
                0 => Some(Mode::Ok),
                1 => Some(Mode::Hang),
                2 => Some(Mode::Status { code: 503, first: None }),
                _ => None,
            },
        };
        let plain_signals = matches!(situation.story, Story::Told(_) | Story::Dies(_) | Story::Stopped(_));
        // What is ignored or blocked is not delivered to claude either; what has no child of the shell's cannot be told.
        if plain_signals || situation.prefix.starts_with("env") && !env_sets_signals() {
            situation.prefix = "";
            situation.before = situation.before.trim_start_matches("trap '' HUP PIPE");
        }
        if matches!(situation.story, Story::Dies(_)) {
            situation.before = "ulimit -c 0";
        }
        // These need their own pipes.
        situation.terminal &= !matches!(situation.story, Story::Copies(_) | Story::Told(_) | Story::Stopped(_));
        // The leader of a session makes another in a child.
        if situation.terminal && situation.prefix == "setsid -w" {
            situation.prefix = "";
        }
        // On a terminal its arguments are compared as they are.
        if situation.terminal && situation.arguments.contains(&"--settings") {
            situation.arguments = &["-p", "go"];
        }
        situation
    }

    fn actions(&self, sandbox: &Sandbox) -> String {
        let (ready, go) = (sandbox.at("out/ready").display().to_string(), sandbox.at("out/go").display().to_string());
        match &self.story {
            Story::Exits(code) => format!("print:a word\neprint:another\nexit:{code}"),
            Story::Dies(signal) => format!("print:a word\nsignal:{signal}"),
            Story::Copies(_) => "copy-stdin\nexit:3".to_owned(),
            Story::Told(_) => format!("touch:{ready}\nwait-signal"),
            Story::Stopped(code) => format!("touch:{ready}\nwait-file:{go}\nprint:on\nexit:{code}"),
        }
    }

    /// What can be seen of it, and which signals claude noted.
    fn seen(&self, sandbox: &Sandbox, way: Way, input: &[u8]) -> (Seen, Vec<String>) {
        let arguments = self.arguments.iter().map(Into::into).collect();
        let case = Case { before: self.before, prefix: self.prefix, redirections: self.redirections, arguments };
        if self.terminal {
            return (case.on_a_terminal(sandbox, way), sandbox.signals());
        }
        sandbox.forget();
        for file in ["out/ready", "out/go"] {
            let _ = std::fs::remove_file(sandbox.at(file));
        }
        let mut started = start(case.command(sandbox, way));
        let launcher = started.pid();
        match self.story {
            Story::Copies(_) => {
                // A claude that is gone reads nothing.
                started.send(input);
            }
            Story::Told(signal) => {
                sandbox.wait_for_file("out/ready");
                started.signal(signal);
            }
            Story::Stopped(_) => {
                sandbox.wait_for_file("out/ready");
                started.signal(Signal::SIGSTOP);
                sandbox.write("out/go", "");
                started.signal(Signal::SIGCONT);
            }
            Story::Exits(_) | Story::Dies(_) => {}
        }
        started.close_stdin();
        let run = started.wait();
        let world = sandbox.claude_was_started().then(|| {
            let mut world = sandbox.world();
            // In the place of the person's own settings stand ours, which have them in them.
            for (word, given) in world["argv"].as_array_mut().unwrap().iter_mut().skip(1).zip(self.arguments) {
                if word.as_str().is_some_and(|word| word.contains("/cc-observe/settings/")) && given.starts_with('{') {
                    *word = (*given).into();
                }
            }
            normal(&world, launcher.as_raw(), way)
        });
        let seen = Seen {
            status: (run.status.code(), run.status.signal()),
            written: run.stdout,
            complaints: run.stderr,
            world,
        };
        let mut signals = sandbox.signals();
        // Nobody sees SIGSTOP: who waits for claude is stopped alone, and claude need not be continued.
        signals.retain(|signal| signal != "CONT");
        (seen, signals)
    }

    /// What differs from plain claude, if anything does.
    fn differences(&self) -> Vec<String> {
        let endpoint = self.endpoint.clone().map(OrgEndpoint::start_as);
        let mut sandbox = Sandbox::new();
        let actions = self.actions(&sandbox);
        sandbox.plays("01-default").set("FAKE_CLAUDE_DO", actions);
        if let Some(endpoint) = &endpoint {
            sandbox.set("CC_OBSERVE_ENDPOINT", endpoint.url());
        }
        let length = if let Story::Copies(bytes) = self.story { bytes } else { 0 };
        let mut content = Dice::new("content", length as u64);
        let input: Vec<u8> = (0..length).map(|_| content.next().to_le_bytes()[0]).collect();
        let plain = self.seen(&sandbox, Way::Plain, &input);
        let mut differences = Vec::new();
        let ways = if self.terminal { &[Way::Wait][..] } else { &[Way::Exec, Way::Wait] };
        for way in ways {
            let ours = self.seen(&sandbox, *way, &input);
            if ours != plain {
                differences.push(format!("{way:?}: {}", difference(&ours, &plain)));
            }
        }
        differences
    }
}

fn difference(ours: &(Seen, Vec<String>), plain: &(Seen, Vec<String>)) -> String {
    let ((ours, our_signals), (plain, plain_signals)) = (ours, plain);
    let bytes = |bytes: &[u8]| format!("{} bytes: {:.300?}", bytes.len(), String::from_utf8_lossy(bytes));
    let mut all = vec![
        ("status", format!("{:?}", ours.status), format!("{:?}", plain.status)),
        ("stdout", bytes(&ours.written), bytes(&plain.written)),
        ("stderr", bytes(&ours.complaints), bytes(&plain.complaints)),
        ("signals", format!("{our_signals:?}"), format!("{plain_signals:?}")),
    ];
    let fields = |seen: &Seen| seen.world.as_ref().and_then(|world| world.as_object().cloned()).unwrap_or_default();
    let (our_fields, plain_fields) = (fields(ours), fields(plain));
    for (name, value) in &plain_fields {
        all.push((name, our_fields.get(name).map(ToString::to_string).unwrap_or_default(), value.to_string()));
    }
    let different = all.iter().filter(|(_, ours, plain)| ours != plain);
    different.map(|(name, ours, plain)| format!("{name} is {ours}, plain {plain}")).collect::<Vec<_>>().join("; ")
}

/// Tries so many situations where the environment says nothing else.
fn compare(seeds: u64) {
    if is_ignored("HUP") || is_ignored("INT") {
        eprintln!("skipped: signals are ignored here (nohup does that), and so by all that is started from here");
        return;
    }
    let (mut first, mut seeds) = (1, seeds);
    for word in std::env::var("CC_OBSERVE_MATRIX").unwrap_or_default().split_whitespace() {
        match word.split_once('=').and_then(|(name, value)| Some((name, value.parse().ok()?))) {
            Some(("seeds", number)) => seeds = number,
            Some(("first", number)) => first = number,
            _ => panic!("CC_OBSERVE_MATRIX: no {word:?}; there are seeds=N and first=N"),
        }
    }
    let (next, all) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + seeds {
                        return;
                    }
                    let situation = Situation::new(&mut Dice::new("matrix", seed));
                    let differences = std::panic::catch_unwind(|| situation.differences())
                        .unwrap_or_else(|_| vec!["it did not come to its end (see above)".to_owned()]);
                    let mut all = all.lock().unwrap();
                    all.extend(differences.iter().map(|one| format!("seed {seed}: {situation:?}\n    {one}")));
                }
            });
        }
    });
    let all = all.into_inner().unwrap();
    assert!(all.is_empty(), "{} differences:\n{}", all.len(), all.join("\n"));
    eprintln!("matrix: {seeds} situations, directly, as claude and as its parent: no difference");
}

#[test]
fn claude_is_started_the_same_in_situations_put_together_by_dice() {
    compare(40);
}

#[test]
#[ignore = "takes minutes: .ci/full runs it"]
fn claude_is_started_the_same_in_many_situations_put_together_by_dice() {
    compare(1500);
}
