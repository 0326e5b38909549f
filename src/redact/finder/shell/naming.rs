//! What names say: of options, variables, files and programs.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use super::arguments::assignment;
use super::literal;
use super::programs::Kind;
use crate::redact::finder::names::{self, Hint};

/// What the last word of a name is that is about a secret and is none.
const ABOUT: &str = "file path stdin command cmd env name id url uri length policy dir fd type ttl expiry expires prompt min max size \
    count version arn ref host user format mode only manager provider store helper source endpoint hash algorithm algo bits \
    strength field fields owner label keys wait lifetime timeout duration enabled required class tags cache location regex \
    pattern reset hasher hashers validators through thru";
/// What the first word of an option's name is that asks, counts or forbids.
const ASKS: &str = "no ask use with show list print reset generate existing max min require skip num public";
/// The last word of names that tell who or where.
const WHO: &str = "user username login email host hostname port url uri database db name region id role env mode level enabled \
    endpoint type version ttl policies account";
/// Short names of passwords.
const PASS: &str = "pass psw pwd pw userpass passwd storepass keypass pgpass dbpass \
    sshpass rootpass adminpass authpass ldappass smtppass ftppass redispass mysqlpass mailpass";
/// What names of files with a secret in hold.
const FILES: &str = "password passwd passphrase secret token credential apikey api_key api-key authkey auth_key private_key \
    privatekey _pass -pass master_key _pw -pw _pwd -pwd";
/// Ends of files with nothing but a secret in.
const PLAIN: &str = "txt key pw pass passwd password token secret psk auth";
/// Words in front of a command: keywords and prompts.
const FRONT: &str = "if then else elif do while until ! { } $ % + ++ * - & PS> RUN CMD";
/// Programs that only search for, edit or show what they are given.
const QUIET: &str = "grep egrep fgrep zgrep rg ag ack sed awk gawk man which whereis apropos ls find fd stat test [ [[ jq yq cut tr \
    sort uniq wc diff cat less head tail cp mv rm mkdir touch chmod chown cd";
/// Subcommands of git that are.
const QUIET_GIT: &str = "grep log commit add show checkout branch diff";
/// Programs that are given names of programs that they do not run.
const INSTALLERS: &str = "apt apt-get brew yum dnf apk pacman zypper port snap choco winget scoop nix-env nix pip pip3 pipx npm \
    cargo go gem type alias complete ps pgrep pkill killall systemctl service tldr help info";

/// Words that say that a value is a user and a password at once.
const LOGIN: &str = "creds cred credentials auth basicauth userpass login";

/// One of the lists.
#[derive(Clone, Copy, Debug)]
enum List {
    About,
    Asks,
    Who,
    Pass,
    Plain,
    Front,
    Quiet,
    QuietGit,
    Installers,
    Login,
}

/// In which of the lists each word is, as bits.
static IN_LISTS: LazyLock<Table<u16>> = LazyLock::new(|| {
    let mut table = Table::default();
    let lists = [
        (List::About, ABOUT),
        (List::Asks, ASKS),
        (List::Who, WHO),
        (List::Pass, PASS),
        (List::Plain, PLAIN),
        (List::Front, FRONT),
        (List::Quiet, QUIET),
        (List::QuietGit, QUIET_GIT),
        (List::Installers, INSTALLERS),
        (List::Login, LOGIN),
    ];
    for (number, list) in lists {
        for word in list.split_ascii_whitespace() {
            *table.entry(word).or_default() |= 1 << number as u8;
        }
    }
    table
});

/// A table of words.
pub(super) type Table<T> = HashMap<&'static str, T, BuildHasherDefault<Fnv>>;

/// FNV-1a: fast for short words. The tables are our own, so nobody can choose words that collide.
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Whether a word is one of a list.
fn among(list: List, word: &str) -> bool {
    IN_LISTS.get(word).is_some_and(|lists| lists >> list as u8 & 1 == 1)
}

/// Whether a word stands in front of a command: a keyword, a prompt, an assignment.
pub(super) fn is_front(text: &str) -> bool {
    text.len() <= 5 && among(List::Front, text) || assignment(text).is_some() && !text.starts_with('/')
}

/// Whether a word ends what stands in front of a command in a message or at a prompt: `Command failed:`, `bob@host:~$`, `1.`.
pub(super) fn is_lead(text: &str) -> bool {
    text.ends_with([':', '$', '#', '%'])
        || text.strip_suffix('.').is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether a word in front of a command says that one follows: `Command failed with exit code 1:`, `Running:`.
pub(super) fn says_command(text: &str) -> bool {
    let word = text.trim_matches(|c: char| !c.is_ascii_alphabetic());
    ["command", "failed", "running", "executing", "exec", "cmd", "script"]
        .iter()
        .any(|says| word.eq_ignore_ascii_case(says))
}

/// Whether a program prints its arguments.
pub(super) fn is_printer(name: &str) -> bool {
    matches!(name, "echo" | "printf" | "print" | "yes" | "Write-Output" | "write-output" | "Write-Host" | "write-host")
}

/// Whether a program only searches for, edits or shows what it is given.
pub(super) fn is_quiet(head: &str, arguments: &[&str]) -> bool {
    match head {
        "find" => !arguments.iter().any(|argument| argument.starts_with("-exec")),
        "git" => arguments.iter().find(|text| !text.starts_with('-')).is_some_and(|sub| among(List::QuietGit, sub)),
        _ => among(List::Quiet, head),
    }
}

/// Whether a program is given names of programs that it does not run.
pub(super) fn is_installer(head: &str) -> bool {
    among(List::Installers, head)
}

/// What the value behind a name is. None: no secret, or not surely.
pub(super) fn kind(name: &str) -> Option<Kind> {
    let last = name.rsplit(['.', '/', ':']).next().filter(|last| !last.is_empty()).unwrap_or(name);
    let last = last.trim_matches(['[', ']', '@', '+']);
    if last.len() > 100 {
        return None;
    }
    let hint = option_hint(last).filter(|hint| *hint >= Hint::Strong)?;
    // `adminPasswordKey` says under which key a password is to be found.
    let key = last.get(last.len().saturating_sub(3)..).is_some_and(|end| end.eq_ignore_ascii_case("key"));
    let kind = if hint == Hint::Password && !key { Kind::Password } else { Kind::Token };
    takes_secret(last, "").then_some(kind)
}

/// What the value of a pair among secrets is, where most are of this kind. None: it tells who or where.
pub(super) fn pair_kind(name: &str, most: Kind) -> Option<Kind> {
    match kind(name) {
        Some(Kind::Password) => Some(Kind::Password),
        Some(_) => Some(Kind::Key),
        None if name.ends_with("secret_id") => Some(Kind::Key),
        None if says_who(name) => None,
        None => Some(most),
    }
}

/// What the name of an option says.
pub(super) fn option_hint(name: &str) -> Option<Hint> {
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or(name);
    if last.len() <= 10 && among(List::Pass, &last.to_ascii_lowercase()) {
        return Some(Hint::Password);
    }
    names::hint(name)
}

/// Whether an option or variable of this name can take a secret itself, and not a file, a command or a yes.
pub(super) fn takes_secret(name: &str, program: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let mut words = lower.split(['-', '_', '.']);
    let first = words.next().unwrap_or_default();
    let last = words.next_back().unwrap_or_default();
    if among(List::About, last)
        || !last.is_empty() && among(List::Asks, first)
        || ["stdin", "file", "path", "env", "cmd"].iter().any(|end| lower.ends_with(end))
        || lower.starts_with("public")
        || lower.contains("existingsecret")
        || lower.contains("secretname")
    {
        return false;
    }
    // Names of secrets, not secrets.
    match program {
        "gcloud" => !matches!(
            &*lower,
            "secret" | "secrets" | "set-secrets" | "update-secrets" | "remove-secrets" | "key" | "keyring"
        ),
        "docker" | "podman" | "nerdctl" | "buildah" => !matches!(&*lower, "secret" | "secret-add" | "secret-rm"),
        "kubectl" | "pulumi" => lower != "secret",
        _ => true,
    }
}

/// Whether a name among secrets tells who or where, and not what only they know.
fn says_who(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.rsplit(['_', '-', '.']).next().is_some_and(|last| among(List::Who, last))
}

/// Whether a program takes its password with `=` or glued only: what stands behind `--password` is something else.
pub(super) fn takes_glued_only(program: &str) -> bool {
    program.starts_with("mysql") || program.starts_with("mariadb")
}

/// Whether an option of this name is given a user and a password at once.
pub(super) fn says_login(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.rsplit(['_', '-', '.']).next().is_some_and(|last| among(List::Login, last))
}

/// Whether a file of this name holds a secret, and how many fields stand in front of it.
pub(super) fn secret_file(path: &str) -> Option<usize> {
    let base = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let lower = base.to_ascii_lowercase();
    match lower.as_str() {
        ".pgpass" | "pgpass.conf" => return Some(4),
        ".htpasswd" | ".s3fs" | ".passwd-s3fs" => return Some(1),
        "id_rsa" | "id_ed25519" | "id_ecdsa" | "id_dsa" => return Some(0),
        _ => {}
    }
    let (name, end) = lower.rsplit_once('.').unwrap_or((&lower, ""));
    let hidden = lower.rfind('.') == Some(0);
    let plain = end.is_empty() || hidden || among(List::Plain, end);
    let name = if name.is_empty() { end } else { name };
    let named = FILES.split_ascii_whitespace().any(|word| name.contains(word))
        || !matches!(end, "txt" | "auth") && among(List::Plain, end)
        || matches!(name, "pass" | "pw" | "pwd" | "psk" | "key");
    (plain && named).then_some(0)
}

/// Whether a value that begins with `-` is one all the same: long and random.
pub(super) fn is_dash_led_secret(text: &str) -> bool {
    text.len() >= 16 && !text.starts_with("--") && !text.contains('=') && literal::is_random(text, 16)
}

#[cfg(test)]
mod tests;
