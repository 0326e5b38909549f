//! Secrets, and ways to plant them in a text: what the properties of the engine and the fuzz targets look for.
//!
//! Needs nothing but the standard library: the fuzz targets include this file as it is.

use std::fmt::Write;

/// A number from a number: each bit of it depends on each bit before (SplitMix64).
pub fn mixed(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ *seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

fn one<T: Copy>(of: &[T], seed: &mut u64) -> T {
    of[usize::try_from(mixed(seed) % of.len() as u64).unwrap()]
}

/// What a machine makes up: letters and digits, 20 to 43 of them, and no word among them.
pub fn token(mut seed: u64) -> String {
    let length = 20 + mixed(&mut seed) % 24;
    let letters = b"bcdfghjkmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ";
    let character = |at| if at % 3 == 1 { one(b"0123456789", &mut seed) } else { one(letters, &mut seed) };
    (0..length).map(character).map(char::from).collect()
}

/// What a person is told to make up: signs among letters and digits, 14 to 21 characters. It is to be quoted.
pub fn password(mut seed: u64) -> String {
    let length = 14 + mixed(&mut seed) % 8;
    let character = |at| match at % 4 {
        0 => one(b"bcdfghjkmnpqrstvwxz", &mut seed),
        1 => one(b"0123456789", &mut seed),
        2 => one(b"BCDFGHJKLMNPQRSTVWXZ", &mut seed),
        _ => one(b"!#%*+-.:=?@^_~", &mut seed),
    };
    (0..length).map(character).map(char::from).collect()
}

/// As URLs and forms write it.
pub fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            all.push(char::from(byte));
        } else {
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}

/// As a string of JSON.
pub fn json(text: &str) -> String {
    let mut all = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => all.extend(['\\', character]),
            '\n' => all.push_str("\\n"),
            _ if character.is_control() => {
                let _ = write!(all, "\\u{:04x}", u32::from(character));
            }
            _ => all.push(character),
        }
    }
    all + "\""
}

/// The input of a tool, the input of a tool inside it, and so on.
pub fn nested(text: &str, depth: usize) -> String {
    (0..depth).fold(text.to_owned(), |inner, _| format!(r#"{{"command":{},"description":"Try it"}}"#, json(&inner)))
}

/// A place for a secret: what it is, and the text with the secret in it.
pub type Way = (&'static str, fn(&str) -> String);

/// Where what a machine makes up stands as it is.
pub const BARE: &[Way] = &[
    ("an assignment", |s| format!("DB_PASSWORD={s}")),
    ("an exported variable", |s| format!("export API_TOKEN={s} && make deploy")),
    ("a variable of one command", |s| format!("CLIENT_SECRET={s} ./run.sh --all")),
    ("an option", |s| format!("mytool --password {s} --verbose")),
    ("an option with an equals sign", |s| format!("mytool --password={s} --verbose")),
    ("the user of curl", |s| format!("curl -s -u admin:{s} https://api.example.com/v1/widgets")),
    ("the user of a URL", |s| format!("git clone https://bot:{s}@git.example.com/acme/widgets.git")),
    ("the URL of a database", |s| format!("postgres://app:{s}@db.example.internal:5432/prod")),
    ("a header", |s| format!("curl -H 'X-Api-Key: {s}' https://api.example.com/v1/widgets")),
    ("a bearer", |s| format!("curl -H \"Authorization: Bearer {s}\" https://api.example.com/v1/widgets")),
    ("a header by itself", |s| format!("Authorization: Bearer {s}")),
    ("YAML", |s| format!("db:\n  user: app\n  password: {s}\n  port: 5432")),
    ("TOML", |s| format!("[registry]\ntoken = \"{s}\"\nindex = \"acme\"")),
    ("a heredoc", |s| format!("cat > .env <<EOF\nUSER=app\nDB_PASSWORD={s}\nEOF")),
    ("a quoted heredoc", |s| format!("psql <<'SQL'\nALTER USER app WITH PASSWORD '{s}';\nSQL")),
    ("bash -c", |s| format!("bash -c 'export API_TOKEN={s}; make deploy'")),
    ("an argument in bash -c", |s| format!("bash -c \"mysql -u root -p{s} shop\"")),
    ("ssh", |s| format!("ssh host.example.com 'sudo env PGPASSWORD={s} psql -h db'")),
    ("sudo env", |s| format!("sudo env PGPASSWORD={s} psql -h db")),
    ("a pipe", |s| format!("echo {s} | docker login -u bot --password-stdin registry.example.com")),
    ("sshpass", |s| format!("sshpass -p {s} ssh root@host.example.com uptime")),
    ("the query of a URL", |s| format!("curl 'https://api.example.com/x?access_token={s}&page=2'")),
    ("a cookie", |s| format!("curl -H 'Cookie: session={s}; theme=dark' https://example.com/")),
    ("a token's own form", |s| format!("true ghp_{}", [s, s].concat().get(..36).unwrap_or_default())),
];

/// Where what a person makes up is quoted or encoded.
pub const QUOTED: &[Way] = &[
    ("a quoted assignment", |s| format!("DB_PASSWORD='{s}' ./run.sh")),
    ("a quoted option", |s| format!("mytool --password '{s}' --verbose")),
    ("the quoted user of curl", |s| format!("curl -u 'admin:{s}' https://api.example.com/v1/widgets")),
    ("JSON", |s| format!("{{\"user\": \"app\", \"password\": {}}}", json(s))),
    ("a body of JSON", |s| {
        format!("curl -d '{{\"user\":\"app\",\"password\":{}}}' https://api.example.com/login", json(s))
    }),
    ("quoted YAML", |s| format!("db:\n  user: app\n  password: \"{s}\"\n  port: 5432")),
    ("a form", |s| format!("curl -d 'user=app&password={}' https://api.example.com/login", percent(s))),
    ("the encoded user of a URL", |s| format!("psql 'postgres://app:{}@db.example.com/prod'", percent(s))),
];

/// Lines that may stand around it.
const LINES: &[&str] = &[
    "",
    "ls -la src && cargo test --lib",
    "# see https://example.com/a?b=c",
    "git commit -m 'fix: the widget' && git push",
    "{\"a\": [1, 2.5e3, null], \"b\": \"\\u00e9\"}",
    "[REDACTED:github-token:0123abcd] [REDACTED:password]",
    "é 日本語 \u{1f389}\u{200d} \u{feff}",
    "for f in *.rs; do wc -l \"$f\"; done | sort -n",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "user: app",
    "token: $TOKEN",
    "}",
    "    - name: PORT",
];

/// A text with a secret in it.
pub struct Planted {
    pub way: &'static str,
    pub text: String,
    /// What must not be told: the secret as it is, and as it was encoded.
    pub values: [String; 2],
}

/// Plants a secret; everything depends on the seed.
pub fn planted(mut seed: u64, depth: usize) -> Planted {
    let seed = &mut seed;
    let at = usize::try_from(mixed(seed) % (BARE.len() + QUOTED.len()) as u64).unwrap();
    let ((way, write), secret) = match BARE.get(at) {
        Some(way) => (*way, token(mixed(seed))),
        None => (QUOTED[at - BARE.len()], password(mixed(seed))),
    };
    let mut text = String::new();
    for _ in 0..mixed(seed) % 3 {
        text = text + one(LINES, seed) + "\n";
    }
    text += &write(&secret);
    for _ in 0..mixed(seed) % 3 {
        text = text + "\n" + one(LINES, seed);
    }
    Planted { way, text: nested(&text, depth), values: [percent(&secret), secret] }
}

impl Planted {
    /// Half of the secret, eight bytes at least, if a text tells it.
    pub fn told(&self, text: &str) -> Option<String> {
        self.values
            .iter()
            .find_map(|value| {
                let length = value.len().div_ceil(2).max(8);
                (0..=value.len() - length).map(|at| &value[at..at + length]).find(|piece| text.contains(piece))
            })
            .map(str::to_owned)
    }
}
