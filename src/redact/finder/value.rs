//! Whether a value is a secret, given what its name says and how it was written down.
//!
//! Most values behind a secret's name are none: variables, placeholders, types, function calls, file names, prose.

use std::collections::HashSet;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use super::names::{Hint, hint};
use crate::redact::marker;

/// A command of PowerShell, which are all verb and noun: `Read-Host`, `Get-AzKeyVaultSecret`.
pub(super) fn is_cmdlet(value: &str) -> bool {
    const VERBS: [&str; 12] = [
        "Get",
        "Read",
        "New",
        "ConvertTo",
        "ConvertFrom",
        "Import",
        "Invoke",
        "Select",
        "Find",
        "Resolve",
        "Request",
        "Test",
    ];
    value.split_once('-').is_some_and(|(verb, noun)| {
        VERBS.contains(&verb)
            && noun.starts_with(|first: char| first.is_ascii_uppercase())
            && noun.bytes().all(|byte| byte.is_ascii_alphabetic())
    })
}

/// How a value was written down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Written {
    /// `"value"` behind an operator: a literal.
    Quoted,
    /// `NAME=value`, without space: a literal in a shell, a query or a properties file.
    Tight,
    /// `name: value`, `name = value`: a literal in YAML or TOML, an expression in a program.
    Loose,
    /// `name value`, `the password is value`.
    Words,
    /// `name("value")`.
    Call,
    /// An argument that can be nothing but the secret: `Authorization: Bearer value`.
    Credential,
}

/// The longest placeholder or type name that is looked for, in bytes.
const MAX_WORD: usize = 32;
/// How much of a value is looked at, in bytes.
const MAX_JUDGED: usize = 1024;

/// Words in lower case, to be looked up in any case.
pub(super) struct List(pub(super) LazyLock<HashSet<&'static [u8], FixedState>>);

impl List {
    pub(super) fn has(&self, word: &str) -> bool {
        let mut lower = [0_u8; MAX_WORD];
        let Some(lower) = lower.get_mut(..word.len()) else { return false };
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        self.0.contains(&*lower)
    }
}

macro_rules! list {
    ($words:expr) => {
        $crate::redact::finder::value::List(std::sync::LazyLock::new(|| {
            $words.split_ascii_whitespace().map(str::as_bytes).collect()
        }))
    };
}
pub(super) use list;

/// Values that stand for no secret, in lower case.
static NOTHING: List = list!(
    "
    true false null none nil undefined void yes no on off auto default string str text char bytes byte int integer number float double
    bool boolean any object array list map dict uuid date required optional sensitive hidden empty unset missing redacted filtered masked
    removed omitted secret password passwd token changeme changeit placeholder example dummy todo fixme tbd xxx foo bar baz
    basic bearer digest oauth oauth2 jwt plain plaintext md5 sha1 sha256 sha512 bcrypt argon2 argon2id scrypt pbkdf2 aes rsa
    username user email the a an is was are to for of and or not set get has must should will can may be been in on at by with from as
    if then else when while this that it its your my our their his her all some new old same incorrect invalid wrong valid expired
    correct rotated leaked stored hashed encrypted validated refreshed generated created updated deleted revoked issued changed reset
    field value input output key keys name type prompt error failed passed ok success readonly environment env vault keychain keyring file stdin
    interactive disabled enabled unknown n/a na tls ssl ldap saml oidc kerberos peer trust ident scram-sha-256 system user-provided here
    1password latest utf-8 utf8 base64 hex ascii latin1 str.encode mut const __u32 __u64 u32 u64 usize uint8 uint16 uint32 uint64 static void char
    option some result self vec box arc rc secretstring securestring std::string system.string const let var public private static final
    "
);

/// Roots of expressions: `process.env.X`, `config.token`.
static ROOTS: List = list!(
    "
    self this req request res response args argv arg config cfg conf env process os props params param opts options ctx context data user
    form settings setting var local secrets secret module each values body event state input inputs steps github needs matrix vars runner
    inputs parameters variables credentials creds account client session app server db database model payload headers query input api auth
    e t n r i o a s d p u c cls obj item row json util utils helper helpers crypto django flask rails system java javax org com net io kotlin window
    document import meta std string object typeof z yup joi t schema sequelize"
);

/// What says that words stand for something.
static TELLTALE: List =
    list!("your yours example placeholder insert replace dummy changeme todo redacted here xxx xxxx goes sample fake");
/// Where absolute paths begin.
static DIRECTORIES: List =
    list!("home etc usr var run tmp opt root src app users mnt dev data srv proc lib bin secrets workspace");
/// Endings of file names.
static FILES: List = list!(
    "txt json yml yaml toml pem key crt cer p12 pfx jks env conf cfg ini xml rs py js ts go java rb php sh md lock tpl log csv sql kdbx
    gpg asc html tsx jsx"
);
/// Endings of host names.
static DOMAINS: List = list!(
    "com org net io dev local internal svc cluster example test localdomain de uk eu us co app ai cloud lan corp"
);

/// Why a value is a secret: whether somebody could find it by trying.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Secret {
    pub guessable: bool,
}

/// What kinds of characters a value is made of.
#[derive(Clone, Copy, Debug, Default)]
struct Made {
    length: usize,
    lower: usize,
    upper: usize,
    digits: usize,
    spaces: usize,
    others: usize,
    wide: usize,
}

impl Made {
    fn of(value: &str) -> Self {
        let mut made = Self { length: value.len(), ..Self::default() };
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' => made.lower += 1,
                b'A'..=b'Z' => made.upper += 1,
                b'0'..=b'9' => made.digits += 1,
                b' ' | b'\t' | b'\n' | b'\r' => made.spaces += 1,
                128.. => made.wide += 1,
                _ => made.others += 1,
            }
        }
        made
    }

    fn letters(self) -> usize {
        self.lower + self.upper
    }

    /// One word as it stands in a dictionary or a sentence.
    fn is_word(self) -> bool {
        self.letters() == self.length && (self.upper == 0 || self.lower == 0 || self.upper == 1)
    }
}

/// Decides. `value` is what stands between the quotes, or up to the end of an unquoted value.
pub(super) fn judge(value: &str, name: Hint, written: Written) -> Option<Secret> {
    let value = value.trim();
    if value.len() < least(name, written) {
        return None;
    }
    if value.contains(marker::BEGIN) {
        // What stands beside markers is judged by itself: a marker hides nothing that was not masked, and what only
        // begins like one hides nothing either.
        let rest = marker::without(value).replace(marker::BEGIN, "");
        let letters = rest.bytes().filter(u8::is_ascii_alphanumeric).count();
        return if letters < 4 { None } else { judge_plain(rest.trim(), name, written) };
    }
    judge_plain(value, name, written)
}

/// How long a secret is at least, in bytes.
fn least(name: Hint, written: Written) -> usize {
    match (name, written) {
        (_, Written::Credential) => 6,
        (Hint::Password, Written::Words) => 6,
        (Hint::Password, _) => 4,
        (Hint::Strong | Hint::Weak | Hint::Likely, Written::Words) => 16,
        (Hint::Strong, _) => 8,
        (Hint::Weak | Hint::Likely, _) => 16,
    }
}

fn judge_plain(value: &str, name: Hint, written: Written) -> Option<Secret> {
    // What a value is shows in its beginning.
    let value = super::context::window(value, 0, MAX_JUDGED);
    let made = Made::of(value);
    // Behind a name alone, a word is one of a sentence.
    let prose = written == Written::Words && made.is_word();
    if prose || made.length < least(name, written) || is_reference(value) || is_placeholder(value) {
        return None;
    }
    let random = looks_random(value);
    // An expression stands without quotes.
    if matches!(written, Written::Tight | Written::Loose | Written::Words)
        && (!random || is_call(value, written))
        && is_expression(value, written)
    {
        return None;
    }
    if !random && is_plain_thing(value, made) {
        return None;
    }
    let guessable = !random || made.length < 20;
    let yes = Some(Secret { guessable });
    match (name, written) {
        (_, Written::Credential) => {
            (random || made.digits > 0 || !made.is_word() && made.length >= 8).then_some(Secret { guessable })
        }
        (Hint::Password, Written::Words) => {
            let odd = value
                .bytes()
                .any(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'_' | b'.' | b'/' | b':'));
            if made.is_word()
                || made.spaces > 0
                || made.wide > 0
                || made.digits == 0 && !odd && !mixes_case(value)
                || value.starts_with('-')
                || is_duration(value)
            {
                return None;
            }
            // `password_hash2`, `sha256`: a name.
            if made.length < 8 && made.others == 0 && !alternates(value) {
                None
            } else {
                not_a_name(made).then_some(Secret { guessable })
            }
        }
        (Hint::Password, _) => {
            // Four words and more without a capital.
            if is_passphrase(value, made, written) {
                return Some(Secret { guessable: true });
            }
            // Labels of a form, in any language.
            let label = made.wide > 0 && made.letters() + made.wide == made.length;
            if label || made.spaces > 0 && (made.digits == 0 || made.spaces > 2) {
                return None;
            }
            if made.is_word() {
                // `"password": "Passwort"`, `password: Password`: labels.
                let label = made.upper == 1 && made.lower > 0;
                let word = hint(value).is_some() || label;
                return match written {
                    Written::Tight => !word && made.length >= 5,
                    Written::Quoted => !word && made.length >= 5 && made.lower > 0,
                    Written::Loose => !word && made.length >= 6 && made.lower > 0,
                    _ => false,
                }
                .then_some(Secret { guessable: true });
            }
            if made.digits == 0 && made.others == 0 && hint(value).is_some() {
                return None;
            }
            if made.digits + made.others == made.length && made.length < 6 && made.others == 0 {
                return None;
            }
            if made.digits == 0 && hint(value).is_some() && is_identifier(value) {
                return None;
            }
            yes
        }
        (Hint::Strong, Written::Words) => (random
            && made.spaces == 0
            && !value.starts_with('-')
            && made.letters() >= 2
            && (made.digits >= 2 || made.digits == 1 && made.others == 0))
            .then_some(Secret { guessable }),
        (Hint::Strong, _) => {
            // Twelve words of a wallet's seed.
            if made.spaces >= 11
                && made.lower + made.spaces == made.length
                && made.length < 300
                && written == Written::Quoted
            {
                return Some(Secret { guessable: false });
            }
            if made.spaces > 0 && !(made.digits >= 4 && made.spaces == 1) {
                return None;
            }
            if random || is_hex(value, 16) || is_uuid(value) {
                return yes;
            }
            if made.digits + made.others == made.length {
                return (made.length >= 16 && made.others == 0 && written == Written::Quoted)
                    .then_some(Secret { guessable });
            }
            if made.is_word() {
                return (made.length >= 20 && !has_word(value)).then_some(Secret { guessable });
            }
            if is_grouped(value) {
                return yes;
            }
            if is_slug(value) {
                return None;
            }
            let odd = made.others > 0 && !is_identifier(value);
            ((made.digits > 0 && made.letters() > 0)
                || odd
                || mixes_case(value) && made.length >= 16 && !is_camel(value))
            .then_some(Secret { guessable })
        }
        // `the new key is …`: long, of letters in both cases and digits, and nothing else.
        (Hint::Weak | Hint::Likely, Written::Words) => (random
            && made.length >= 32
            && made.others + made.spaces == 0
            && made.digits > 2
            && made.upper > 3
            && made.lower > 3)
            .then_some(Secret { guessable }),
        (Hint::Weak | Hint::Likely, Written::Call) => None,
        (Hint::Weak | Hint::Likely, _) if names_with_digest(value) => None,
        (Hint::Likely, _) => (made.spaces == 0
            && !is_digest(value)
            && (random && !is_slug(value) || is_hex(value, 16) || is_uuid(value)))
        .then_some(Secret { guessable }),
        (Hint::Weak, _) => {
            if is_base64_pair(value) && value.len() >= 12 {
                return yes;
            }
            if made.spaces > 0 || is_uuid(value) || is_hex(value, 1) && made.length != 32 || is_digest(value) {
                return None;
            }
            (random && made.digits >= 2 && made.letters() >= 4 && (made.length >= 20 || made.upper > 1))
                .then_some(Secret { guessable })
        }
    }
}

/// `ABCDE-12345-FGHIJ-67890`: groups of one length, as licence keys are written.
fn is_grouped(value: &str) -> bool {
    let groups = || value.split('-');
    let length = groups().next().unwrap_or_default().len();
    let made = Made::of(value);
    (4..=8).contains(&length)
        && groups().count() >= 4
        && groups().all(|group| group.len() == length)
        && value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
        && made.digits >= 2
        && made.upper >= 4
}

/// Four words and more without a capital, none of them one that sentences are made of.
fn is_passphrase(value: &str, made: Made, written: Written) -> bool {
    let word = |word: &str| {
        word.len() <= MAX_WORD
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            // What a status says, and the best known passphrase begins with.
            && (word == "correct" || !NOTHING.has(word))
    };
    written == Written::Quoted
        && made.spaces >= 3
        && made.upper + made.wide + made.others == 0
        && value.split_ascii_whitespace().all(word)
}

/// A variable, a template, a command, a path: it names a secret at most.
fn is_reference(value: &str) -> bool {
    let bytes = value.as_bytes();
    match bytes {
        [b'$', next, ..] => {
            // `$2y$10$…` is a hash, `$ecret!` a password: a variable is all name, or in brackets.
            let rest = value.get(1..).unwrap_or_default();
            matches!(next, b'{' | b'(' | b'[')
                || rest.starts_with("env:")
                || rest.bytes().all(|byte| {
                    byte.is_ascii_alphanumeric()
                        || matches!(
                            byte,
                            b'_' | b'.' | b':' | b'-' | b'>' | b'[' | b']' | b'/' | b'@' | b'$' | b'{' | b'}'
                        )
                })
        }
        // `%(NAME)s` of Python's formats and configuration files.
        [b'%', b'(', .., b')', b's' | b'd'] => true,
        [b'%', .., b'%'] => value.get(1..value.len() - 1).is_some_and(is_identifier),
        [b'{', b'{', ..] | [b'<', ..] | [b'!', b'A'..=b'Z' | b'a'..=b'z', ..] => true,
        [b'{', b'%' | b'$' | b'"' | b'\'', ..] => true,
        [b'{', .., b'}'] => value.get(1..value.len() - 1).is_some_and(|name| is_dotted(name) || name.contains(":?")),
        [b'@', b'{' | b'(', ..] => true,
        [b'#', b'{', ..] => true,
        [b'`', ..] => true,
        [b'(', b')', ..] | [b'[', b']', ..] | [b'{', b'}', ..] => true,
        // Nothing of what follows begins with a capital.
        [b'B'..=b'Z', next, ..] if *next != b':' => is_link(value),
        _ => {
            is_path(value)
                || is_link(value)
                || value.starts_with("arn:")
                // Public keys of SSH.
                || ["AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNh", "AAAAG", "AAAAI"].iter().any(|key| value.starts_with(key))
                || value.starts_with("env:")
                || value.starts_with("tag:")
                || value.starts_with("urn:")
                || value.starts_with("file:")
                || value.starts_with("vault:")
                || value.starts_with("op://")
                || value.starts_with("ref+")
                || value.starts_with(".*")
                || value.starts_with("[^")
                || value.starts_with(".+")
                || value.starts_with("\\S")
                || value.starts_with("\\w")
                || value.starts_with("([")
                || value.starts_with("(.")
                || value.starts_with("(?")
        }
    }
}

/// `…`, `***`, `xxxx`, `<token>`, `YOUR_API_KEY`, a marker of somebody.
fn is_placeholder(value: &str) -> bool {
    let Some(first) = value.chars().next() else { return true };
    if value.chars().all(|character| character == first) {
        return true;
    }
    if value.starts_with("***")
        || value.starts_with("xxxx")
        || value.starts_with("XXXX")
        || value.starts_with("....")
        || value.starts_with('…')
    {
        return true;
    }
    if value.as_bytes().contains(&b']') && value.contains("REDACTED]")
        || value.as_bytes().contains(&b'[') && value.contains("[REDACTED")
        || value.starts_with("[FILTERED")
        || value.starts_with("[MASKED")
        || value.starts_with("[redacted")
        || value.starts_with("[HIDDEN")
        // What ASP.NET is told instead of a key.
        || value.starts_with("AutoGenerate")
    {
        return true;
    }
    // The alphabet of an encoding, a format.
    let letters = ["ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"];
    if (2 * 26..80).contains(&value.len()) && letters.iter().all(|letters| value.contains(letters))
        || value.as_bytes().contains(&b'%') && is_format(value)
    {
        return true;
    }
    if value.len() < 40 && (value.ends_with("...") || value.starts_with("...")) {
        // Long enough to be told from an example: the text was cut here.
        let shown = value.trim_matches('.');
        return shown.len() < 16 || shown.starts_with("eyJ") || !looks_random(shown);
    }
    let plain = value.trim_matches(|character: char| !character.is_ascii_alphanumeric());
    if plain.len() <= MAX_WORD && (NOTHING.has(plain) || plain.is_empty()) {
        return true;
    }
    // YOUR_API_KEY, your-token-here, my_secret, <insert>, example-key: words only.
    if value.len() <= 64 && !value.bytes().any(|byte| byte.is_ascii_digit()) {
        let mut words =
            value.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        if words.clone().count() > 1 && words.any(|word| TELLTALE.has(word)) {
            return true;
        }
    }
    false
}

/// `%d:%d`: places for numbers. Between letters and digits, `%d` is part of a password.
fn is_format(value: &str) -> bool {
    value.split("%d").skip(1).filter(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric())).count() > 1
}

/// `name(…)`, `a::b`, `request.key`: an expression however random its names look.
fn is_call(value: &str, written: Written) -> bool {
    let open = value.find(['(', '[']).unwrap_or(value.len());
    let root = value.split(['.', '(']).next().unwrap_or_default();
    written == Written::Loose
        && (value.contains("::") || open < value.len() && value.ends_with([')', ';', '?', '}', ',']))
        || open > 0 && root.len() < open && ROOTS.has(root)
        || root.len() < value.len() && ROOTS.has(root) && value.ends_with([')', ';', ':'])
}

/// Something of a programming language and not a literal.
fn is_expression(value: &str, written: Written) -> bool {
    let bytes = value.as_bytes();
    if is_cmdlet(value) {
        return true;
    }
    // A call or an index: `os.getenv(`, `ENV[`, `Option<`.
    if let Some(at) = bytes.iter().position(|byte| matches!(byte, b'(' | b'[' | b'<'))
        && value.get(..at).is_some_and(is_dotted)
    {
        return true;
    }
    if bytes.windows(2).any(|pair| matches!(pair, b"=>" | b"->" | b"::" | b"??" | b"||" | b"&&")) {
        return true;
    }
    // `*mut`, `#display`, `scmVersion=`
    if written == Written::Loose
        && matches!(bytes, [b'*' | b'#' | b'&', rest @ ..] if rest.iter().all(|b| b.is_ascii_lowercase() || *b == b'_'))
        || value
            .strip_suffix('=')
            .is_some_and(|name| is_identifier(name) && name.len() < 16 && written != Written::Quoted)
    {
        return true;
    }
    let plain = value.trim_end_matches([';', ',', ')', '}', ']', '!', '?']);
    let made = Made::of(plain);
    if plain.contains('.') && is_dotted(plain) {
        let mut parts = plain.split('.');
        let root = parts.next().unwrap_or_default();
        // `s.…`: a token of Vault's first format.
        if root.len() == 1 && parts.clone().count() == 1 && looks_random(parts.next().unwrap_or_default()) {
            return false;
        }
        let last = plain.rsplit('.').next().unwrap_or_default();
        if ROOTS.has(root) || hint(last).is_some() || made.digits == 0 && written != Written::Tight {
            return true;
        }
    }
    // `password = user_password`, `token: accessToken`
    if is_identifier(plain) && made.digits == 0 && hint(plain).is_some() {
        return true;
    }
    // `password: String`, `token: TokenStream`
    written == Written::Loose
        && is_identifier(plain)
        && made.digits == 0
        && made.others == 0
        && is_camel(plain)
        && plain.starts_with(|c: char| c.is_ascii_uppercase())
        && made.upper >= 2
        && has_suffix_of_type(plain)
}

fn has_suffix_of_type(value: &str) -> bool {
    [
        "String",
        "Str",
        "Type",
        "Token",
        "Key",
        "Password",
        "Secret",
        "Provider",
        "Field",
        "Input",
        "Config",
        "Options",
        "Schema",
        "Request",
        "Response",
        "Option",
        "Builder",
        "Stream",
        "Credentials",
    ]
    .iter()
    .any(|end| value.ends_with(end))
}

/// A date, a version, an address, a host, a mail address, a file: what stands behind many names.
fn is_plain_thing(value: &str, made: Made) -> bool {
    if made.spaces == 0 && made.others > 0 {
        // user@host.tld
        if let Some((user, host)) = value.split_once('@')
            && made.digits == 0
            && !user.is_empty()
            && is_host(host)
        {
            return true;
        }
        if is_host(value) {
            return true;
        }
        if value.bytes().all(|byte| {
            byte.is_ascii_digit() || matches!(byte, b'.' | b':' | b'-' | b'T' | b'Z' | b'+' | b'/' | b',' | b'_')
        }) && made.digits >= 1
        {
            return made.length < 16 || value.contains([':', '-', '.']);
        }
    }
    // A file's name, also `@FILE` that its text is read from.
    let value = value.strip_prefix('@').unwrap_or(value);
    value.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && FILES.has(extension)
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/'))
    })
}

fn is_host(value: &str) -> bool {
    let host = value.split([':', '/']).next().unwrap_or_default();
    let Some((_, last)) = host.rsplit_once('.') else { return false };
    DOMAINS.has(last) && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

/// `/run/secrets/x`, `./x`, `~/x`, `C:\x`.
fn is_path(value: &str) -> bool {
    // `creds=(~/.netrc …)`: the first of a list.
    let value = value.strip_prefix('(').unwrap_or(value);
    let rest = if let Some(rest) = value.strip_prefix("~/") {
        rest
    } else if let Some(rest) = value.strip_prefix("./").or_else(|| value.strip_prefix("../")) {
        rest
    } else if let Some(rest) = value.strip_prefix('/') {
        rest
    } else {
        return matches!(value.as_bytes(), [b'A'..=b'Z' | b'a'..=b'z', b':', b'\\', ..]);
    };
    value.starts_with("~/")
        || value.starts_with("./")
        || value.starts_with("../")
        || rest.split_once('/').is_some_and(|(first, _)| DIRECTORIES.has(first))
        || !looks_random(rest)
}

/// A URL. What it may hold of secrets is found by what knows URLs.
fn is_link(value: &str) -> bool {
    value.split_once("://").is_some_and(|(scheme, _)| {
        (2..=24).contains(&scheme.len())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b':'))
    })
}

fn is_identifier(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with(|character: char| character.is_ascii_digit())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Identifiers with dots between them.
fn is_dotted(value: &str) -> bool {
    let value = value.trim_start_matches(['&', '*', '!', '@', '+']);
    !value.is_empty()
        && value.split(['.', ':']).all(|part| {
            let part = part.trim_end_matches(['?', '!']);
            part.is_empty() || (is_identifier(part) || part.starts_with('$'))
        })
        && value.starts_with(|character: char| character.is_ascii_alphabetic() || matches!(character, '_' | '$'))
}

fn is_camel(value: &str) -> bool {
    wordy(value) * 10 >= value.len() * 6
}

fn mixes_case(value: &str) -> bool {
    let made = Made::of(value);
    made.lower > 0 && made.upper > 0
}

/// Names in lower case with digits behind: `sha256`, `bucket2`, `utf8`.
fn not_a_name(made: Made) -> bool {
    made.upper > 0 || made.others > 0 || made.length >= 8 && made.digits >= 1
}

/// `L3tM3In`: digits stand in more than one place of a short word, among letters of both cases.
fn alternates(value: &str) -> bool {
    let runs = value.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
    mixes_case(value) && runs.filter(|run| run.first().is_some_and(u8::is_ascii_digit)).count() > 1
}

/// Words with hyphens, dots and numbers between them: `db-credentials`, `password-reset-2026-08`.
pub(super) fn is_slug(value: &str) -> bool {
    if !value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b'@'))
    {
        return false;
    }
    let (mut plain, mut all) = (0, 0);
    for part in value.split(|character: char| !character.is_ascii_alphanumeric()) {
        let made = Made::of(part);
        all += made.length;
        if made.letters() == made.length && (made.length < 4 && (made.upper == 0 || made.lower == 0) || has_word(part))
            || made.digits == made.length && made.length <= 8
        {
            plain += made.length;
        }
    }
    plain * 10 >= all * 7
}

/// How many of the bytes stand in pieces that read like words.
fn wordy(value: &str) -> usize {
    let bytes = value.as_bytes();
    let mut sum = 0;
    let mut start = 0;
    for at in 0..=bytes.len() {
        let here = bytes.get(at).copied().unwrap_or_default();
        let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or_default();
        let goes_on = here.is_ascii_lowercase() && before.is_ascii_alphabetic()
            || here.is_ascii_uppercase() && before.is_ascii_uppercase();
        if at == 0 || goes_on {
            continue;
        }
        let piece = bytes.get(start..at).unwrap_or_default();
        if reads(piece) {
            sum += piece.len();
        }
        start = at;
    }
    sum
}

/// For each letter, which ones hardly ever follow it in the words that programs are made of: of each ten thousand pairs of
/// letters in the identifiers of some thousand source files, less than one is such a pair.
const RARE: [u32; 26] = [
    0x0001_4200,
    0x02e1_04a0,
    0x02c1_0242,
    0x0281_0480,
    0x0000_0000,
    0x02e1_1682,
    0x02e1_060a,
    0x02e1_86e4,
    0x0140_0380,
    0x03eb_beee,
    0x02a1_16a6,
    0x02c1_0280,
    0x03a1_02c0,
    0x0201_0000,
    0x0201_0000,
    0x02a1_2200,
    0x03ef_ffff,
    0x0281_0280,
    0x0280_0202,
    0x0001_0200,
    0x0371_0280,
    0x03fb_aeea,
    0x03f9_166e,
    0x0373_2e6a,
    0x03b1_06a8,
    0x03ff_beee,
];

/// Whether letters could be a word: some vowels, no long run of consonants, hardly a pair of letters that words do not have.
fn reads(piece: &[u8]) -> bool {
    if piece.len() < 4 || !piece.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let (mut vowels, mut run, mut longest) = (0, 0, 0);
    let (mut rare, mut before) = (0, None);
    for byte in piece {
        let letter = usize::from(byte.to_ascii_lowercase().wrapping_sub(b'a'));
        rare += before.and_then(|before: usize| RARE.get(before)).map_or(0, |row| row >> letter & 1);
        before = Some(letter);
        if matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y') {
            vowels += 1;
            run = 0;
        } else {
            run += 1;
            longest = longest.max(run);
        }
    }
    vowels * 6 >= piece.len() && longest <= 4 && rare <= u32::from(piece.len() > 8)
}

fn has_word(value: &str) -> bool {
    wordy(value) * 10 >= value.len() * 7
}

/// Whether a value was made by a machine: 16 characters and more, and mostly not words.
pub(super) fn looks_random(value: &str) -> bool {
    let made = Made::of(value);
    if made.length < 16 || made.spaces > 0 || made.wide > 0 {
        return false;
    }
    if is_hex(value, 20) && made.digits > 1 && made.letters() > 1 {
        return true;
    }
    if made.digits < 2 && !(made.upper >= 3 && made.lower >= 3) {
        return false;
    }
    if made.letters() < 2 || is_slug(value) || distinct(value) < 8 {
        return false;
    }
    wordy(value) * 2 <= value.len()
}

fn distinct(value: &str) -> u32 {
    let mut seen = 0_u128;
    for byte in value.bytes() {
        seen |= 1_u128 << (byte & 127);
    }
    seen.count_ones()
}

/// Hexadecimal digits of one case, at least so many.
pub(super) fn is_hex(value: &str, least: usize) -> bool {
    value.len() >= least
        && (value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
            || value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'A'..=b'F')))
}

/// `8-4-4-4-12` hexadecimal digits.
pub(super) fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `sha256:…`, `sha512-…`, `md5:…`: what a digest is written as.
fn is_digest(value: &str) -> bool {
    ["sha1", "sha224", "sha256", "sha384", "sha512", "md5", "blake2", "blake3", "h1"].iter().any(|name| {
        value.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            && matches!(value.as_bytes().get(name.len()), Some(b':' | b'-' | b'=' | b'$'))
    })
}

/// `(0.01s)`: how long a test took.
fn is_duration(value: &str) -> bool {
    let inside = value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or_default();
    inside.strip_suffix('s').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// `node-modules-v2-8f14e45f…`: words, and a digest of what they name.
fn names_with_digest(value: &str) -> bool {
    value.rsplit_once(['-', '_', ':', '/']).is_some_and(|(name, digest)| {
        let slug = name.contains(['-', '_', '/']) && is_slug(name);
        // `npm-…`: one word only before a whole digest.
        let word = matches!(digest.len(), 40 | 64)
            && name.len() > 2
            && name.bytes().all(|byte| byte.is_ascii_lowercase())
            && hint(name).is_none();
        is_hex(digest, 16) && (slug || word)
    })
}

/// Whether base64 stands for `user:password`.
pub(super) fn is_base64_pair(value: &str) -> bool {
    let plain = value.trim_end_matches('=');
    if !plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')) {
        return false;
    }
    let mut bits = 0_u32;
    let mut held = 0;
    let mut colon = false;
    for byte in plain.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            _ => 63,
        };
        bits = (bits << 6 | u32::from(six)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            let decoded = (bits >> held & 0xff) as u8;
            colon |= decoded == b':';
            if decoded < 0x20 || decoded == 0x7f {
                return false;
            }
        }
    }
    colon
}

#[cfg(test)]
mod tests;
