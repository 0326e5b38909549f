//! What a name says about the value behind it.
//!
//! A name is read word by word: `SPRING_DATASOURCE_PASSWORD`, `clientSecret`, `X-Api-Key`, `db.password`. A word makes it
//! a secret's name (`password`), another takes that back: `password_file` names a file, `max_tokens` a number.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

/// How sure a name makes us that its value is a secret.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Hint {
    /// `key`, `auth`, `session`: a secret if the value looks random.
    Weak,
    /// `hubspot_key`, a key of something: the same, and ids and digests look random too.
    Likely,
    /// `api_key`, `token`, `client_secret`: a secret unless the value is obviously something else.
    Strong,
    /// `password`: the same, and the value may be a word that a person made up.
    Password,
}

/// The longest name that is read, in bytes. Longer ones say nothing.
pub(super) const MAX_NAME: usize = 160;
/// The most words of a name that are read.
const MAX_WORDS: usize = 24;

/// Words for what a person makes up.
const PASSWORDS: &str = "
    password passwords passwd passwort passphrase passcode pwd pass psw psswd pswd passw kennwort contrasena
    senha wachtwoord motdepasse passe haslo heslo losenord sifre parola adgangskode jelszo salasana
    pw rootpw bindpw dbpw userpw adminpw keypw storepw olcrootpw rootpass remotepass bindpass
    clave mdp lozinka zaporka sandi passord parool rocommunity rwcommunity
    storepass keypass userpass requirepass masterauth ap userpwd unlockcode psk presharedkey keymaterial";

/// Words for what a machine makes up.
const SECRETS: &str = "
    secret secrets token apikey apikeys apitoken credential credentials creds cred bearer jwt authorization
    authtoken accesstoken accesskey secretkey privatekey privkey signingkey encryptionkey masterkey sharedkey
    authkey appkey licensekey mnemonic seedphrase sas apisecret appsecret clientsecret
    accountkey sharedaccesskey sharedsecret hmackey cryptokey sshkey deploykey servicekey storagekey dsn
    sastoken idtoken refreshtoken sessiontoken csrftoken xsrftoken otpauth totp keyfob serviceaccountkey
    authcode pepper nthash lmhash ntlm ntlmhash wif tkn";

/// Words that make a `key` behind them a secret.
const KINDS_OF_KEY: &str = "
    api access secret private priv signing sign encryption encrypt decryption crypto cipher aes hmac master
    shared preshared app application license licence account auth storage subscription host service admin
    integration write read ingest ingestion insert deploy client consumer jwt session cookie webhook server rsa
    ssh tls ssl unseal recovery setup enrollment join registration publish push record sdk function functions
    personal partner merchant primary secondary user developer dev live sandbox prod production staging
    restricted root system bot site project team org workspace env environment device connection hash token
    security fernet nacl wallet eth node agent database db rest event stream management content delivery io rpc
    oauth sts query search browser global origin ca feed geocoding maps vapid upload webhooks inbound";

/// Words that say little by themselves.
const WEAK: &str = "
    key keys auth session sessionid sid cookie signature sig salt seed pin otp login passkey authentication
    nonce webhook verification sessid phpsessid jsessionid connectsid";

/// Words that make a `code` behind them a secret.
const KINDS_OF_CODE: [&[u8]; 8] =
    [b"auth", b"authorization", b"device", b"recovery", b"backup", b"pairing", b"unlock", b"bypass"];

/// Words that make a `salt` behind them one of a whole application, which is kept as secret as a key.
const KINDS_OF_SALT: [&[u8]; 9] =
    [b"hash", b"hashid", b"hashids", b"password", b"session", b"secret", b"token", b"cookie", b"app"];

/// Words behind a secret's word that name something else than the secret.
const OF: &str = "
    file files filename path paths dir directory folder url urls uri endpoint endpoints ttl length len size
    count counts counter total number num name names id ids identifier type types kind class policy policies arn
    expires expired expiry expiration expire exp lifetime age duration seconds secs ms minutes hours days
    timeout interval min max hashed hasher hashing hashes strength meter field fields input label placeholder
    prompt help title description text message msg error errors reset changed change required require enabled
    enable disabled disable provider providers service services manager store version versions issuer audience
    scope scopes format algorithm alg method methods mode header headers prefix suffix env var vars variable
    command cmd script ref refs reference column columns index usage limit limits budget rate bucket buckets
    refresh rotation rotate rotator generator generate validator validation valid invalid verified verify
    checker check regex pattern schema spec model module helper handler factory util utils test tests page form
    dialog view component table list lists map maps info status state date time timestamp created updated modified at
    on email username owner user users source target location region account group role roles permissions event
    events log logs metric metrics tokenizer sha sha1 sha256 sha512 md5 checksum digest fingerprint thumbprint
    hash metadata lookup cache queue worker server client api sock socket only less free protected protection
    encoding charset alphabet chars bytes bits position offset start end stdin agent manifest scanner scanning
    detector leak leaks mount mounts volume accessor keeper engine backend plugin config configuration settings
    management options lifecycle encode decode range flow guide docs doc example examples sample template yml yaml json toml txt md rs py js ts
    go java sh env1 html css tsx mgmt";

/// Words before a secret's word that make it something else.
const NOT: &str = "
    max min num existing forgot forgotten reset change changed
    confirm enter invalid wrong missing expired show hide without require requires ask uses enable disable allow
    to checksum hash hashed encrypted sealed generate delete remove rotate
    revoke validate verify parse describe tokens";

/// Words before a key's or token's word that make it something else; a password behind them is one.
const NOT_OF_KEYS: &str = "
    total input output prompt completion cached cache thinking reasoning public pub page next
    continuation cursor stop eos bos pad unk special mask sep cls foreign sort partition s3 translation map dict
    idempotency dedup deduplication css js design syntax lexer parser bpe candidates remaining
    arrow hot short shortcut i18n locale routing issue request
    hotkey row composite unique natural range index lookup message ordering bucket query reference item
    entity record2 commit msg language";

/// What a word of a name may say. A word can say several of these.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
struct Says {
    /// By itself.
    hint: Option<Hint>,
    /// That a `key` behind it is a secret.
    kind_of_key: bool,
    /// Behind a secret's word: that something else is named.
    of: bool,
    /// Before a secret's word: that it is none.
    not: bool,
    /// Before a key's word: that it is none.
    not_of_key: bool,
}

static WORDS: LazyLock<HashMap<&'static [u8], Says, FixedState>> = LazyLock::new(|| {
    let mut words: HashMap<&'static [u8], Says, FixedState> = HashMap::default();
    let mut add = |list: &'static str, say: &dyn Fn(&mut Says)| {
        for word in list.split_ascii_whitespace() {
            say(words.entry(word.as_bytes()).or_default());
        }
    };
    add(WEAK, &|says| says.hint = Some(Hint::Weak));
    add(SECRETS, &|says| says.hint = Some(Hint::Strong));
    add(PASSWORDS, &|says| says.hint = Some(Hint::Password));
    add(KINDS_OF_KEY, &|says| says.kind_of_key = true);
    add(OF, &|says| says.of = true);
    add(NOT, &|says| says.not = true);
    add(NOT_OF_KEYS, &|says| says.not_of_key = true);
    words
});

fn says(word: &[u8]) -> Says {
    WORDS.get(word).copied().unwrap_or_default()
}

/// What a name says: of a variable, a JSON key, an option, a header, a query parameter. None: nothing.
pub(super) fn hint(name: &str) -> Option<Hint> {
    if name.is_empty() || name.len() > MAX_NAME {
        return None;
    }
    if !name.is_ascii() {
        // Password in Chinese, Japanese, Russian and Korean, and where the Latin alphabet has more letters.
        return [
            "m\u{1ead}t kh\u{1ea9}u",
            "\u{643}\u{644}\u{645}\u{629} \u{627}\u{644}",
            "\u{5e1}\u{5d9}\u{5e1}\u{5de}",
            "\u{e23}\u{e2b}\u{e31}\u{e2a}\u{e1c}\u{e48}\u{e32}\u{e19}",
            "\u{3ba}\u{3c9}\u{3b4}\u{3b9}\u{3ba}\u{3cc}\u{3c2}",
            "\u{39a}\u{3c9}\u{3b4}\u{3b9}\u{3ba}\u{3cc}\u{3c2}",
            "\u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}",
            "\u{41f}\u{410}\u{420}\u{41e}\u{41b}\u{42c}",
            "\u{53e3}\u{4ee4}",
            "contrase\u{f1}a",
            "has\u{142}o",
            "l\u{f6}senord",
            "\u{15f}ifre",
            "jelsz\u{f3}",
            "\u{5bc6}\u{7801}",
            "\u{5bc6}\u{78bc}",
            "\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}",
            "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}",
            "\u{be44}\u{bc00}\u{bc88}\u{d638}",
        ]
        .iter()
        .any(|word| name.contains(word))
        .then_some(Hint::Password);
    }
    if name.len() <= MAX_WORD && name.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word_hint(name.as_bytes(), None);
    }
    // `password.text = "…"`: what a field shows.
    let name = name.strip_suffix(".text").or_else(|| name.strip_suffix(".Text")).unwrap_or(name);
    let words = Words::of(name);
    if let Some(before) = words.count.checked_sub(2)
        && words.get(before + 1) == b"salt"
        && KINDS_OF_SALT.contains(&words.get(before))
    {
        return Some(Hint::Strong);
    }
    let mut best = None;
    for at in 0..words.count {
        let before = at.checked_sub(1).map(|at| words.get(at));
        let found = word_hint(words.get(at), before);
        if found > best && !taken_back(&words, at, found) {
            best = found;
        }
    }
    // The second half of AppRole's credentials.
    let end = name.len().checked_sub("secret_id".len());
    if best.is_none() && end.and_then(|end| name.get(end..)).is_some_and(|end| end.eq_ignore_ascii_case("secret_id")) {
        return Some(Hint::Likely);
    }
    // Names that say it in a way of their own: JFrog's and Coinbase's headers, Redis's variable.
    if best < Some(Hint::Strong) {
        let ends = |other: &str| {
            let end = name.len().checked_sub(other.len());
            end.and_then(|end| name.get(end..)).is_some_and(|end| end.eq_ignore_ascii_case(other))
        };
        match name.as_bytes().last() {
            Some(b'i' | b'I') if ends("art-api") => return Some(Hint::Strong),
            Some(b'n' | b'N') if ends("access-sign") => return Some(Hint::Strong),
            Some(b'h' | b'H') if ends("rediscli_auth") || ends("redis_auth") => return Some(Hint::Password),
            _ => {}
        }
    }
    best
}

/// What a word of a secret's name may end with, run together with others.
const ENDS: [&str; 8] = ["secret", "token", "apikey", "privatekey", "accesskey", "secretkey", "authkey", "credentials"];

fn word_hint(word: &[u8], before: Option<&[u8]>) -> Option<Hint> {
    if matches!(word, b"key" | b"keys") {
        return Some(match before {
            Some(b"wpa" | b"wpa2" | b"wifi" | b"wlan") => Hint::Password,
            Some(before) if says(before).kind_of_key => Hint::Strong,
            Some(before) if before.len() > 2 => Hint::Likely,
            _ => Hint::Weak,
        });
    }
    if word == b"code" && before.is_some_and(|before| KINDS_OF_CODE.contains(&before)) {
        return Some(Hint::Likely);
    }
    if word == b"community" && before.is_some_and(|before| matches!(before, b"snmp" | b"ro" | b"rw")) {
        return Some(Hint::Password);
    }
    if matches!(word, b"samlresponse" | b"assertion") {
        return Some(Hint::Likely);
    }
    // A personal access token, or a pattern.
    if word == b"pat" {
        return Some(Hint::Likely);
    }
    let known = says(word);
    if known.hint.is_some() {
        return known.hint;
    }
    // Run together: `dbpassword`, `myapikey`, `authtoken`; not `tokenizer`, `secretary`, `compass`.
    if ["password", "passwd", "passphrase", "passwort"].iter().any(|end| word.ends_with(end.as_bytes())) {
        return Some(Hint::Password);
    }
    if ENDS.iter().any(|end| word.ends_with(end.as_bytes())) {
        return Some(Hint::Strong);
    }
    let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let letters = word.get(..word.len() - digits).unwrap_or_default();
    if digits > 0 && !letters.is_empty() { word_hint(letters, before) } else { None }
}

/// Whether other words of the name say that it names no secret.
fn taken_back(words: &Words, at: usize, found: Option<Hint>) -> bool {
    let mut behind = (at + 1..words.count).map(|at| words.get(at));
    let mut before = (0..at).map(|at| words.get(at));
    // `token_secret`: judged by the word that stands last.
    behind.any(|word| says(word).of || word_hint(word, None) >= Some(Hint::Strong))
        || before.any(|word| {
            let says = says(word);
            // Of `X-Parse-Master-Key` it is the service.
            says.not && !(word == b"parse" && words.get(0) == b"x")
                || says.not_of_key && found != Some(Hint::Password) && words.get(at) != b"secret"
        })
}

/// The longest word that is told from others, in bytes.
const MAX_WORD: usize = 32;

/// The words of a name, in lower case: at `_ - . : /` and white space, and where lower case turns into upper.
struct Words {
    /// All of the name.
    lower: [u8; MAX_NAME],
    /// Where each word stands: from, to.
    spans: [(u8, u8); MAX_WORDS],
    count: usize,
}

impl Words {
    /// Those of an ASCII name of at most [`MAX_NAME`] bytes.
    fn of(name: &str) -> Self {
        let mut words = Self { lower: [0; MAX_NAME], spans: [(0, 0); MAX_WORDS], count: 0 };
        let bytes = name.as_bytes();
        let mut open = false;
        let mut previous = 0_u8;
        for ((at, byte), lower) in (0_u8..).zip(bytes.iter().copied()).zip(&mut words.lower) {
            *lower = byte.to_ascii_lowercase();
            if !byte.is_ascii_alphanumeric() {
                open = false;
                previous = byte;
                continue;
            }
            // `clientSecret`, `AWSSecretKey`: a capital begins a word where a small letter stands before or behind it.
            let capital = byte.is_ascii_uppercase()
                && (previous.is_ascii_lowercase()
                    || previous.is_ascii_uppercase()
                        && bytes.get(usize::from(at) + 1).is_some_and(u8::is_ascii_lowercase));
            if !open || capital {
                if words.count == MAX_WORDS {
                    break;
                }
                words.count += 1;
                open = true;
                if let Some(span) = words.spans.get_mut(words.count - 1) {
                    span.0 = at;
                }
            }
            if let Some(span) = words.spans.get_mut(words.count - 1) {
                span.1 = at + 1;
            }
            previous = byte;
        }
        words
    }

    fn get(&self, at: usize) -> &[u8] {
        let (from, to) = self.spans.get(at).map_or((0, 0), |(from, to)| (usize::from(*from), usize::from(*to)));
        self.lower.get(from..to.min(from + MAX_WORD)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Hint, hint};

    #[test]
    fn names_say_what_they_say() {
        for (name, says) in [
            ("password", Some(Hint::Password)),
            ("DB_PASSWORD", Some(Hint::Password)),
            ("spring.datasource.password", Some(Hint::Password)),
            ("adminPassword", Some(Hint::Password)),
            ("dbpassword", Some(Hint::Password)),
            ("FromEmailPassword", Some(Hint::Password)),
            ("PGPASSWORD", Some(Hint::Password)),
            ("SNOWSQL_PWD", Some(Hint::Password)),
            ("X-Api-Key", Some(Hint::Strong)),
            ("OPENAI_API_KEY", Some(Hint::Strong)),
            ("AwsSecretKey", Some(Hint::Strong)),
            ("SECRET_KEY_BASE", Some(Hint::Strong)),
            ("SECRET_0", Some(Hint::Strong)),
            ("CARGO_REGISTRY_TOKEN", Some(Hint::Strong)),
            ("token1", Some(Hint::Strong)),
            ("STRIPE_WEBHOOK_SECRET", Some(Hint::Strong)),
            ("_authToken", Some(Hint::Strong)),
            ("authtoken", Some(Hint::Strong)),
            ("AWS_SECRET_ACCESS_KEY", Some(Hint::Strong)),
            ("HASH_SALT", Some(Hint::Strong)),
            ("PASSWORD_PEPPER", Some(Hint::Strong)),
            ("snmp_community", Some(Hint::Password)),
            ("device_code", Some(Hint::Likely)),
            ("status_code", None),
            ("communityUrl", None),
            ("Password.text", Some(Hint::Password)),
            ("aws_access_key_id", None),
            ("RAILS_MASTER_KEY", Some(Hint::Strong)),
            ("key", Some(Hint::Weak)),
            ("_auth", Some(Hint::Weak)),
            ("max_tokens", None),
            ("password_file", None),
            ("TOKEN_TTL_SECONDS", None),
            ("PASSWORD_MIN_LENGTH", None),
            ("PublicKeyToken", None),
            ("existingSecret", None),
            ("checksum/secret", None),
            ("tokenizer", None),
            ("secretary", None),
            ("KEYBOARD_LAYOUT", None),
            ("compass", None),
            ("X-JFrog-Art-Api", Some(Hint::Strong)),
            ("art-apis", None),
            ("CB-ACCESS-SIGN", Some(Hint::Strong)),
            ("access-signs", None),
            ("REDISCLI_AUTH", Some(Hint::Password)),
            ("secret_id", Some(Hint::Likely)),
            ("SECRET_ID", Some(Hint::Likely)),
            ("secret_ids", None),
            ("X-Parse-Master-Key", Some(Hint::Strong)),
            ("ro_community", Some(Hint::Password)),
            ("rw_community", Some(Hint::Password)),
            ("my_community", None),
            ("samlresponse", Some(Hint::Likely)),
            ("assertion", Some(Hint::Likely)),
            ("pat", Some(Hint::Likely)),
            ("mypasswort", Some(Hint::Password)),
            ("mypassphrase", Some(Hint::Password)),
            ("mypasswd", Some(Hint::Password)),
            ("myprivatekey", Some(Hint::Strong)),
            ("mycredentials", Some(Hint::Strong)),
            ("password2", Some(Hint::Password)),
            ("ab_key", Some(Hint::Weak)),
            ("abc_key", Some(Hint::Likely)),
            ("bypass", None),
            ("stop_token", None),
            ("token_count", None),
            ("secretsmanager", None),
            ("SSH_AUTH_SOCK", None),
            ("X-Auth-Email", None),
            ("", None),
        ] {
            assert_eq!(hint(name), says, "{name}");
        }
    }
}
