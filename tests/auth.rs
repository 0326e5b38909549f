//! `cc-observe auth`: a token lies in the keyring or in its file, and nowhere else but in the relay's memory.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Mode, OrgEndpoint, Run, Sandbox, Terminal, assert_no_needle, assert_no_needle_in, run, start, status_of, wait_until,
};

const HEADER: &str = "x-sumo-token";

/// A name for a destination of this process alone: the kernel's keys are those of the user.
fn name(of: &str) -> String {
    format!("{of}-{}", std::process::id())
}

/// Made up, of no known form, and never the same one.
fn token(of: &str) -> String {
    ["Tr0ub4dor", "FAKE", of, &std::process::id().to_string()].join("-")
}

/// One destination, whose token is in the keyring.
fn configured(name: &str, endpoint: &OrgEndpoint) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.plays("14a-logs-only");
    let auth = format!("auth = {{ header = \"{HEADER}\", token = \"keyring\" }}");
    configure(&sandbox, &format!("[destinations.{name}]\nendpoint = \"{}\"\n{auth}\n", endpoint.url()));
    sandbox
}

fn configure(sandbox: &Sandbox, text: &str) {
    sandbox.write("home/.config/cc-observe/config.toml", text);
}

fn command(sandbox: &Sandbox, words: &[&str]) -> Command {
    let mut command = sandbox.cc_observe(["auth"]);
    command.args(words);
    command
}

fn auth(sandbox: &Sandbox, words: &[&str]) -> Run {
    run(command(sandbox, words))
}

/// `auth set …`, with the token on stdin.
fn set(sandbox: &Sandbox, token: &str, words: &[&str]) -> Run {
    let mut command = command(sandbox, &["set"]);
    command.args(words);
    let mut started = start(command);
    started.send(token).close_stdin();
    started.wait()
}

/// What `auth status --json` says of the first destination, and its exit code.
fn status(sandbox: &Sandbox) -> (Value, Option<i32>) {
    let run = auth(sandbox, &["status", "--json"]);
    let all: Value = serde_json::from_slice(&run.stdout).unwrap_or_else(|_| panic!("{}", run.err()));
    (all["destinations"][0].clone(), run.code())
}

/// The keyring is found there. A busy machine may be late, and is asked again.
/// What `doctor` says of the token: `verdict: found | hint`.
fn credential(sandbox: &Sandbox) -> String {
    let doctor: Value = serde_json::from_str(&run(sandbox.cc_observe(["doctor", "--json"])).out()).unwrap();
    let checks = doctor["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["about"] == "credential").unwrap_or_else(|| panic!("{doctor}"));
    let text = |key: &str| check[key].as_str().unwrap_or("-").replace(sandbox.home().to_str().unwrap(), "~");
    format!("{}: {} | {}", text("verdict"), text("found"), text("hint"))
}

fn wait_for_place(sandbox: &Sandbox, place: &str) {
    wait_until(&format!("the token is found: {place}"), || status(sandbox).0["where"] == place);
}

/// The values of the header in what arrived.
fn tokens(endpoint: &OrgEndpoint) -> Vec<String> {
    let header = |received: &crate::support::Received| received.request.header(HEADER).map(str::to_owned);
    endpoint.requests().iter().filter_map(header).collect()
}

/// No process of this machine has it in its arguments or in its environment.
fn assert_in_no_process(token: &str) {
    let has = |bytes: &[u8]| bytes.windows(token.len()).any(|window| window == token.as_bytes());
    for process in fs::read_dir("/proc").unwrap().flatten() {
        for file in ["cmdline", "environ"] {
            let bytes = fs::read(process.path().join(file)).unwrap_or_default();
            assert!(!has(&bytes), "{file} of {}", process.path().display());
        }
    }
}

/// A bus with a GNOME Keyring on it that is unlocked. It belongs to no sandbox.
struct Keyring {
    directory: TempDir,
    children: Vec<Child>,
}

impl Keyring {
    /// None where there is no such thing here.
    fn start() -> Option<Self> {
        for program in ["dbus-daemon", "dbus-send", "gnome-keyring-daemon"] {
            let there = ["/usr/bin", "/bin", "/usr/local/bin"].iter().any(|bin| Path::new(bin).join(program).exists());
            if !there {
                let required = std::env::var_os("CC_OBSERVE_REQUIRE_REAL").is_some_and(|value| value == "1");
                assert!(!required, "CC_OBSERVE_REQUIRE_REAL=1, but there is no {program}");
                eprintln!("skipped: there is no {program}");
                return None;
            }
        }
        let directory = tempfile::Builder::new().prefix("cco").tempdir().unwrap();
        for below in ["run", "home"] {
            fs::create_dir(directory.path().join(below)).unwrap();
        }
        fs::set_permissions(directory.path().join("run"), fs::Permissions::from_mode(0o700)).unwrap();
        let mut keyring = Self { directory, children: Vec::new() };
        let mut bus = keyring.command("dbus-daemon");
        bus.args(["--session", "--nofork", "--nopidfile", "--address", &keyring.address()]);
        keyring.children.push(bus.stdin(Stdio::null()).spawn().unwrap());
        wait_until("there is a bus", || {
            keyring.send("org.freedesktop.DBus", "/", "org.freedesktop.DBus.GetId", &[]).is_some()
        });
        let mut daemon = keyring.command("gnome-keyring-daemon");
        daemon.args(["--foreground", "--unlock", "--components=secrets"]).stdin(Stdio::piped());
        let mut daemon = daemon.spawn().unwrap();
        std::io::Write::write_all(&mut daemon.stdin.take().unwrap(), b"made up").unwrap();
        keyring.children.push(daemon);
        wait_until("there is a keyring on the bus", || {
            let has = ["string:org.freedesktop.secrets"];
            let answer = keyring.send("org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", &has);
            answer.is_some_and(|answer| answer.contains("true"))
        });
        wait_until("it has a collection", || {
            let path = ["string:default"];
            let method = "org.freedesktop.Secret.Service.ReadAlias";
            let answer = keyring.send("org.freedesktop.secrets", "/org/freedesktop/secrets", method, &path);
            answer.is_some_and(|answer| answer.contains("/collection/"))
        });
        Some(keyring)
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.directory.path().join("bus").display())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let at = |below| self.directory.path().join(below);
        command.env_clear().env("PATH", "/usr/bin:/bin:/usr/local/bin").env("LANG", "C.UTF-8");
        command.env("HOME", at("home")).env("XDG_RUNTIME_DIR", at("run"));
        command.env("DBUS_SESSION_BUS_ADDRESS", self.address());
        command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Calls a method: what it answers, if it does.
    fn send(&self, to: &str, path: &str, method: &str, arguments: &[&str]) -> Option<String> {
        let mut send = self.command("dbus-send");
        send.args(["--session", "--print-reply", &format!("--dest={to}"), path, method]).args(arguments);
        let output = send.stdout(Stdio::piped()).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Locks it, as a desktop does.
    fn lock(&self) {
        let all = ["array:objpath:/org/freedesktop/secrets/collection/login"];
        let method = "org.freedesktop.Secret.Service.Lock";
        assert!(self.send("org.freedesktop.secrets", "/org/freedesktop/secrets", method, &all).is_some());
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A bus that takes every connection and never says anything; how many it took.
fn silent_bus(at: &Path) -> Arc<AtomicUsize> {
    let listener = UnixListener::bind(at).unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            counted.fetch_add(1, Ordering::SeqCst);
            held.push(stream);
        }
    });
    taken
}

#[test]
fn a_token_of_the_keyring_lets_us_in_and_is_nowhere_else() {
    let Some(keyring) = Keyring::start() else { return };
    let (name, token, endpoint) = (name("keyring"), token("in-the-keyring"), OrgEndpoint::start());
    let mut sandbox = configured(&name, &endpoint);
    sandbox.set("DBUS_SESSION_BUS_ADDRESS", keyring.address());
    let stored = set(&sandbox, &format!("{token}\n"), &[]);
    assert_eq!((stored.code(), stored.err()), (Some(0), String::new()));
    assert_eq!(stored.out(), format!("the token of {name} is stored in the Secret Service\n"));
    wait_for_place(&sandbox, "Secret Service");
    let (line, _) = status(&sandbox);
    assert_eq!((&line["header"], &line["kind"]), (&HEADER.into(), &"keyring".into()));
    assert!(line["since"].as_str().unwrap().starts_with("20"), "{line}");

    sandbox.does(["touch:../out/ready", "wait-file:../out/go"]);
    let started = start(sandbox.observed(["-p", "go"]));
    sandbox.wait_for_file("out/ready");
    wait_until("the relay delivers", || !endpoint.requests().is_empty());
    assert_eq!(sandbox.relays().len(), 1);
    assert_in_no_process(&token);
    for directory in ["home", "run", "tmp"] {
        assert_no_needle_in(&sandbox.at(directory));
    }
    assert_no_needle_in(&keyring.directory.path().join("home"));
    sandbox.write("out/go", "");
    let ran = started.wait();
    assert_eq!(ran.code(), Some(0));
    assert_no_needle("what the run says", &ran.stderr);
    sandbox.wait_until_idle();
    let sent = tokens(&endpoint);
    assert!(!sent.is_empty() && sent.iter().all(|sent| *sent == token), "{} requests", sent.len());

    let removed = auth(&sandbox, &["remove", &name]);
    assert_eq!(
        (removed.code(), removed.out()),
        (Some(0), format!("the token of {name} is removed from the Secret Service\n"))
    );
    let again = auth(&sandbox, &["remove", &name]);
    assert_eq!((again.code(), again.out()), (Some(0), format!("no token of {name} is stored\n")));
    wait_until("it is told that there is none", || {
        let (line, code) = status(&sandbox);
        assert_eq!(code, Some(1));
        line["error"] == "neither the keyring nor a token file has it: `cc-observe auth set` stores it"
    });
    sandbox.assert_no_needle();
}

#[test]
fn a_keyring_that_is_locked_stays_locked_and_the_file_counts() {
    let Some(keyring) = Keyring::start() else { return };
    let (name, endpoint) = (name("locked"), OrgEndpoint::start());
    let mut sandbox = configured(&name, &endpoint);
    sandbox.set("DBUS_SESSION_BUS_ADDRESS", keyring.address());
    assert_eq!(set(&sandbox, &token("in-the-keyring"), &[]).code(), Some(0));
    keyring.lock();
    wait_until("it is told that it is locked", || {
        status(&sandbox).0["error"].as_str().is_some_and(|error| error.starts_with("the keyring is locked"))
    });
    let refused = set(&sandbox, &token("another"), &[]);
    assert_eq!(refused.code(), Some(1));
    assert!(refused.err().contains(&format!("`cc-observe auth set {name} --file`")), "{}", refused.err());
    assert!(!sandbox.at("home/.config/cc-observe/credentials").exists(), "no file is written that nobody asked for");

    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    // It would go on trying.
    sandbox.kill_relays();
    sandbox.wait_until_idle();
    let tried = run(sandbox.cc_observe(["spool", "flush", "--wait", "2s", "--require"]));
    assert_eq!(tried.code(), Some(1));
    assert!(tried.out().contains("has no credential: the keyring"), "{}", tried.out());
    assert!(endpoint.requests().is_empty(), "nothing is sent without a token");

    let stored = set(&sandbox, &token("in-a-file"), &["--file"]);
    assert_eq!(stored.out(), format!("the token of {name} is stored in ~/.config/cc-observe/credentials/{name}\n"));
    assert!(stored.err().contains("the Secret Service is locked: if it holds an older one, that counts first"));
    let flushed = run(sandbox.cc_observe(["spool", "flush", "--require"]));
    assert_eq!(flushed.code(), Some(0), "{}{}", flushed.out(), flushed.err());
    assert!(tokens(&endpoint).iter().all(|sent| *sent == token("in-a-file")));
    assert!(!tokens(&endpoint).is_empty());

    let told = "since the keyring is locked | unlock it, if it holds a newer one";
    assert!(credential(&sandbox).ends_with(told), "{}", credential(&sandbox));

    let removed = auth(&sandbox, &["remove", &name]);
    assert_eq!(removed.code(), Some(1), "what is locked may still be there");
    assert!(removed.out().contains(&format!("is removed from ~/.config/cc-observe/credentials/{name}")));
    assert!(removed.err().contains("the Secret Service is locked: it may still hold a token"), "{}", removed.err());
}

#[test]
fn a_new_token_takes_the_place_of_the_one_elsewhere() {
    let Some(keyring) = Keyring::start() else { return };
    let name = name("moved");
    let mut sandbox = configured(&name, &OrgEndpoint::start());
    sandbox.set("DBUS_SESSION_BUS_ADDRESS", keyring.address());
    assert_eq!(set(&sandbox, &token("1"), &[]).code(), Some(0));
    let file = set(&sandbox, &token("2"), &[&name, "--file"]);
    assert!(file.out().ends_with("\nan older one is removed from the Secret Service\n"), "{}", file.out());
    assert!(status(&sandbox).0["where"].as_str().unwrap().ends_with(&name));
    let back = set(&sandbox, &token("3"), &[&name, "--keyring"]);
    assert!(back.out().ends_with("\nan older one is removed from its file\n"), "{}", back.out());
    wait_for_place(&sandbox, "Secret Service");
    sandbox.assert_no_needle();
}

/// A container often has not even the kernel's keys; elsewhere they are used.
#[test]
fn without_a_bus_the_kernel_keeps_it_or_nobody_does() {
    let (name, endpoint) = (name("kernel"), OrgEndpoint::start());
    let sandbox = configured(&name, &endpoint);
    let stored = set(&sandbox, &token("of-the-kernel"), &[]);
    if stored.code() == Some(0) {
        assert!(stored.out().starts_with(&format!("the token of {name} is stored in the kernel keyring, which")));
        wait_for_place(&sandbox, "kernel keyring");
        assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
        sandbox.wait_until_idle();
        assert!(!tokens(&endpoint).is_empty() && tokens(&endpoint).iter().all(|sent| *sent == token("of-the-kernel")));
        let removed = auth(&sandbox, &["remove", &name]);
        assert_eq!(removed.out(), format!("the token of {name} is removed from the kernel keyring\n"));
    } else {
        assert_eq!(stored.code(), Some(1));
        assert_eq!(stored.out(), "");
        assert_eq!(
            stored.err(),
            format!(
                "cc-observe: the keyring is not there; nothing is stored. `cc-observe auth set {name} --file` keeps it in \
                 ~/.config/cc-observe/credentials/{name}, which you alone can read\n"
            )
        );
    }
    let (line, code) = status(&sandbox);
    assert_eq!((code, &line["found"]), (Some(1), &false.into()), "{line}");
    sandbox.assert_no_needle();
}

#[test]
fn a_bus_that_never_answers_is_done_without() {
    let (name, endpoint) = (name("silent"), OrgEndpoint::start());
    let mut sandbox = configured(&name, &endpoint);
    assert_eq!(set(&sandbox, &token("in-a-file"), &["--file"]).code(), Some(0));
    let bus = silent_bus(&sandbox.at("out/bus"));
    let address = format!("unix:path={}", sandbox.at("out/bus").display());
    sandbox.set("DBUS_SESSION_BUS_ADDRESS", address);
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.wait_until_idle();
    assert!(bus.load(Ordering::SeqCst) > 0, "the bus was asked");
    assert!(!tokens(&endpoint).is_empty() && tokens(&endpoint).iter().all(|sent| *sent == token("in-a-file")));
    let (line, code) = status(&sandbox);
    assert_eq!((code, &line["in_time"]), (Some(0), &false.into()), "{line}");
    assert_eq!(line["without_keyring"], "the keyring does not answer in time");
    assert_eq!(
        credential(&sandbox),
        format!(
            "warning: {name}: the token of ~/.config/cc-observe/credentials/{name}, since the keyring does not answer in time | \
             look whether its service runs: each session waits for it at its beginning"
        )
    );
    sandbox.unset("DBUS_SESSION_BUS_ADDRESS");
    assert!(credential(&sandbox).starts_with("ok: "), "{}", credential(&sandbox));
}

#[test]
fn a_destination_with_another_source_touches_no_keyring() {
    let endpoint = OrgEndpoint::start();
    let mut sandbox = Sandbox::new();
    sandbox.plays("14a-logs-only").set("ORG_TOKEN", token("of-a-variable"));
    let bus = silent_bus(&sandbox.runtime().join("bus"));
    let auth = format!("auth = {{ header = \"{HEADER}\", token = \"env\", env = \"ORG_TOKEN\" }}");
    configure(&sandbox, &format!("[destinations.org]\nendpoint = \"{}\"\n{auth}\n", endpoint.url()));
    assert_eq!(run(sandbox.observed(["-p", "go"])).code(), Some(0));
    sandbox.wait_until_idle();
    assert!(!tokens(&endpoint).is_empty());
    let (line, code) = status(&sandbox);
    assert_eq!((code, &line["kind"], &line["where"]), (Some(0), &"env".into(), &"ORG_TOKEN".into()));
    assert_eq!(bus.load(Ordering::SeqCst), 0);
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let name = name("open");
    let sandbox = configured(&name, &OrgEndpoint::start());
    assert_eq!(set(&sandbox, &token("in-a-file"), &["--file"]).code(), Some(0));
    let file = sandbox.at("home/.config/cc-observe/credentials").join(&name);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let shown = auth(&sandbox, &["status"]);
    assert_eq!(shown.code(), Some(1));
    let want = "missing: the token file is not yours, or others can read it: it should have mode 0600";
    assert!(shown.out().contains(want), "{}", shown.out());
}

#[test]
fn what_is_no_token_or_no_destination_is_refused_and_not_repeated() {
    let name = name("strict");
    let sandbox = configured(&name, &OrgEndpoint::start());
    let long = format!("{}{}", token("long"), "x".repeat(16 << 10));
    for (typed, words, said) in [
        ("", &[][..], "this is no token: it is empty"),
        ("\n", &[], "this is no token: it is empty"),
        (&long, &[], "this is no token: it is longer than 16 KiB"),
        ("Tr0ub4dor-FAKE\nand more", &[], "this is no token: it holds characters that cannot stand in a header"),
        ("Tr0ub4dor-FAKE\u{7}", &[], "this is no token: it holds characters that cannot stand in a header"),
        ("x", &[&name, "Tr0ub4dor-FAKE"], "A token is never an argument"),
        ("x", &["--token=Tr0ub4dor-FAKE"], "A token is never an argument"),
        ("x", &["Tr0ub4dor-FAKE"], "there is no destination of this name; there is strict-"),
        ("x", &["--file", "--keyring"], "A token is never an argument"),
    ] {
        let refused = set(&sandbox, typed, words);
        assert_eq!((refused.code(), refused.out()), (Some(2), String::new()), "{words:?}");
        assert!(refused.err().contains(said), "{}", refused.err());
        assert_no_needle("what is said", &refused.stderr);
    }
    let removed = auth(&sandbox, &["remove", "../Tr0ub4dor-FAKE"]);
    assert_eq!(removed.code(), Some(2));
    assert_no_needle("what is said", &removed.stderr);
    configure(
        &sandbox,
        "[destinations.a]\nendpoint = \"http://127.0.0.1:1\"\n[destinations.b]\nendpoint = \"http://127.0.0.1:1\"\n",
    );
    let which = set(&sandbox, "x", &[]);
    assert_eq!((which.code(), which.err().as_str()), (Some(2), "cc-observe: which destination? There is a, b\n"));
    sandbox.assert_no_needle();
}

#[test]
fn what_the_configuration_lacks_is_told_and_the_configuration_is_left_alone() {
    let sandbox = Sandbox::new();
    let text = "[destinations.a]\nendpoint = \"http://127.0.0.1:1\"\n\n[destinations.b]\nendpoint = \"http://127.0.0.1:1\"\n\
                auth = { header = \"x-a\", token = \"env\", env = \"A\" }\n";
    configure(&sandbox, text);
    let stored = set(&sandbox, &token("a"), &["a", "--file"]);
    assert!(
        stored.out().ends_with(
            "the configuration has no `auth` for it. For this one to count, put below [destinations.a]:\n  \
             auth = { token = \"keyring\" }\n"
        ),
        "{}",
        stored.out()
    );
    let stored = set(&sandbox, &token("b"), &["b", "--file"]);
    assert!(stored.out().ends_with("\n  auth = { header = \"x-a\", token = \"keyring\" }\n"), "{}", stored.out());
    assert_eq!(fs::read_to_string(sandbox.at("home/.config/cc-observe/config.toml")).unwrap(), text);
    let shown = auth(&sandbox, &["status"]);
    assert_eq!(shown.code(), Some(1));
    assert_eq!(shown.out(), "a  -    none\nb  x-a  env   missing: A: the variable of its token is not set\n");
}

#[test]
fn below_a_running_claude_tokens_are_not_changed() {
    let mut sandbox = configured("org", &OrgEndpoint::start_as(Mode::Hang));
    assert_eq!(set(&sandbox, &token("mine"), &["--file"]).code(), Some(0));
    sandbox.set("CLAUDECODE", "1");
    for refused in [set(&sandbox, &token("theirs"), &["--file"]), auth(&sandbox, &["remove", "org"])] {
        assert_eq!((refused.code(), refused.out()), (Some(1), String::new()));
        let said = "cc-observe: tokens are not changed below a running Claude Code; do it in a terminal of your own\n";
        assert_eq!(refused.err(), said);
    }
    let file = fs::read_to_string(sandbox.at("home/.config/cc-observe/credentials/org")).unwrap();
    assert_eq!(file, format!("{}\n", token("mine")));
}

#[test]
fn a_token_that_is_typed_is_not_shown() {
    let sandbox = configured("org", &OrgEndpoint::start());
    let words = ["set", "--file"];
    let (mut terminal, mut child) = Terminal::start(&command(&sandbox, &words), "");
    terminal.wait_for("Token of org (it is not shown): ", 1);
    terminal.send(format!("wrong\u{15}{}x\u{7f}\r", token("typed")));
    assert_eq!(status_of(&mut child).code(), Some(0));
    let screen = terminal.wait_closed();
    assert_no_needle("the terminal", &screen);
    assert!(String::from_utf8_lossy(&screen).contains("is stored in"));
    let file = fs::read_to_string(sandbox.at("home/.config/cc-observe/credentials/org")).unwrap();
    assert_eq!(file, format!("{}\n", token("typed")));

    let (mut terminal, mut child) = Terminal::start(&command(&sandbox, &words), "");
    terminal.wait_for("(it is not shown): ", 1);
    terminal.send("Tr0ub4dor\u{3}");
    assert_eq!(status_of(&mut child).code(), Some(1));
    assert!(String::from_utf8_lossy(&terminal.wait_closed()).contains("nothing is stored"));
}
