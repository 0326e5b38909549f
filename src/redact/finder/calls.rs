//! Secrets that are known by the place they have among the arguments of a call: `basic_auth("bob", "…")`.

use std::ops::Range;

use super::context::{Tell, floor, window};
use super::cursor::Cursor;
use super::names::{Hint, hint};
use super::value::{Written, judge};

/// Which argument is one.
#[derive(Clone, Copy, Debug)]
enum Which {
    /// The one of this number, from 0.
    Nth(usize),
    /// The last one that is a literal, of two and more.
    Last,
    /// Behind the colon of the one of this number.
    Login(usize),
    /// Between a slash and an `@` in the one of this number.
    Slash(usize),
    /// The one behind the name of a secret.
    Named,
    /// What is put into a field that is called a password's: by the first argument, or before the call.
    Field,
}

use Which::{Field, Last, Login, Named, Nth, Slash};

/// What is asked of the literal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    /// Nothing but a password stands there.
    Password,
    /// What people choose: the call may mean something else too.
    Chosen,
    /// A key.
    Key,
}

use Asked::{Chosen, Key, Password};

/// What stands before the arguments, which of them is secret, and what is asked of it. From the documentation of the
/// languages' libraries.
const CALLS: &[(&str, Which, Asked)] = &[
    ("basicauth(", Nth(1), Password),
    ("digestauth(", Nth(1), Password),
    ("auth = (", Nth(1), Password),
    ("ssh.connect(", Nth(3), Password),
    ("client.connect(", Nth(3), Password),
    ("paramiko.connect(", Nth(3), Password),
    ("aes.new(", Nth(0), Key),
    ("secretkeyspec(", Nth(0), Key),
    ("require('stripe')(", Nth(0), Key),
    ("connect(", Nth(2), Chosen),
    ("connect(", Nth(3), Chosen),
    ("credentials(", Nth(1), Chosen),
    ("ldap_bind(", Nth(2), Password),
    ("ftp_login(", Nth(2), Password),
    ("imap_open(", Nth(2), Password),
    ("ssh2_auth_password(", Nth(2), Password),
    ("openssl_encrypt(", Nth(2), Key),
    ("openssl_decrypt(", Nth(2), Key),
    ("pgp_sym_encrypt(", Nth(1), Chosen),
    ("pgp_sym_decrypt(", Nth(1), Chosen),
    ("aes_encrypt(", Nth(1), Chosen),
    ("aes_decrypt(", Nth(1), Chosen),
    (".login(", Nth(0), Key),
    ("basic_auth(", Nth(1), Password),
    ("basic_auth '", Nth(1), Password),
    ("basic_auth \"", Nth(1), Password),
    ("basicauthentication(", Nth(1), Password),
    ("auth=(", Nth(1), Password),
    ("'auth' => [", Nth(1), Password),
    ("passwordcredentials(", Nth(1), Password),
    ("passwordcredential(", Nth(1), Password),
    ("passwordauthentication(", Nth(1), Password),
    ("passwordauthenticationtoken(", Nth(1), Chosen),
    ("awscredentials(", Nth(1), Key),
    ("awsbasiccredentials.create(", Nth(1), Key),
    ("sessioncredentials(", Nth(1), Key),
    ("credentials.new(", Nth(1), Key),
    ("credentials::new(", Nth(1), Key),
    ("credentialsprovider(", Nth(1), Key),
    ("staticcredentials(", Nth(1), Key),
    ("credentials(", Nth(3), Password),
    (".login(", Nth(1), Chosen),
    (".auth(", Last, Chosen),
    (":auth(", Nth(0), Chosen),
    ("authenticate(", Last, Chosen),
    ("plainauth(", Nth(2), Password),
    ("newplainclient(", Nth(2), Password),
    ("andpassword(", Last, Chosen),
    ("changeuserpassword(", Nth(1), Password),
    ("create_user(", Nth(2), Chosen),
    ("create_superuser(", Nth(2), Password),
    ("hashpw(", Nth(0), Password),
    ("bcrypt(", Nth(0), Password),
    ("bcrypt.hash(", Nth(0), Password),
    ("bcrypt.hashsync(", Nth(0), Password),
    ("bcrypt.compare(", Nth(0), Chosen),
    ("bcrypt.comparesync(", Nth(0), Chosen),
    ("argon2.hash(", Nth(0), Password),
    ("hash::make(", Nth(0), Password),
    ("password_hash(", Nth(0), Password),
    ("password_verify(", Nth(0), Chosen),
    ("make_password(", Nth(0), Password),
    ("hash-password ", Nth(0), Chosen),
    (".fill(", Field, Chosen),
    (".type(", Field, Chosen),
    ("send_keys(", Field, Chosen),
    ("sendkeys(", Field, Chosen),
    ("mysqli(", Nth(2), Password),
    ("mysqli_connect(", Nth(2), Password),
    ("mysql_connect(", Nth(2), Password),
    ("mysql.connect(", Nth(2), Password),
    ("mysqldb.connect(", Nth(2), Password),
    ("mssql.connect(", Nth(2), Password),
    ("new pdo(", Nth(2), Password),
    ("pdo->__construct(", Nth(2), Password),
    ("dbi->connect(", Nth(2), Password),
    ("getconnection(", Nth(2), Password),
    ("oracle.connect(", Slash(0), Password),
    ("oracledb.connect(", Slash(0), Password),
    ("x509certificate2(", Nth(1), Password),
    ("keystore.load(", Nth(1), Password),
    ("hmac256(", Nth(0), Key),
    ("hmac384(", Nth(0), Key),
    ("hmac512(", Nth(0), Key),
    ("createhmac(", Nth(1), Key),
    ("hmac.new(", Nth(0), Key),
    ("hash_hmac(", Nth(2), Key),
    ("fernet(", Nth(0), Key),
    ("jwt.sign(", Nth(1), Key),
    ("jwt.encode(", Nth(1), Key),
    ("jwt.verify(", Nth(1), Key),
    ("jwt.decode(", Nth(1), Key),
    ("sql.open(", Login(1), Password),
    ("curlopt_userpwd, ", Login(0), Password),
    ("curlopt_proxyuserpwd, ", Login(0), Password),
    ("sp_addlinkedsrvlogin ", Last, Password),
    ("sp_addlogin ", Nth(1), Password),
    ("networkcredential]::new(", Nth(1), Password),
    ("pscredential]::new(", Nth(1), Password),
    ("secretstring::from(", Nth(0), Password),
    ("secretstring::new(", Nth(0), Password),
    ("secret::new(", Nth(0), Password),
    ("buildconfigfield(", Named, Key),
    ("buildconfigfield ", Named, Key),
    ("dart-define", Named, Key),
];

/// What is searched for.
pub(super) fn anchors() -> impl Iterator<Item = (usize, &'static str)> {
    CALLS.iter().enumerate().map(|(number, (anchor, ..))| (number, *anchor))
}

/// How many arguments are read.
const MAX_ARGUMENTS: usize = 8;
/// How far the arguments are read, in bytes.
const MAX_CALL: usize = 400;
/// How much before a call is asked what it is about, in bytes.
const MAX_BEFORE: usize = 120;

/// Looks at the call of this number, whose arguments begin at `from` or with the quote before it.
pub(super) fn at(text: &str, number: usize, from: usize, tell: Tell<'_>) {
    let Some((anchor, which, asked)) = CALLS.get(number) else { return };
    let start = if anchor.ends_with(['"', '\'']) { from - 1 } else { from };
    let arguments = arguments(text, start);
    let literal = |number: usize| arguments.get(number).cloned().flatten();
    let span = match which {
        Nth(number) => literal(*number),
        Last => arguments.iter().skip(1).flatten().next_back().cloned(),
        Login(number) => literal(*number).and_then(|span| {
            let login = text.get(span.clone())?;
            let colon =
                login.find(':').filter(|colon| !login.get(*colon..).is_some_and(|rest| rest.starts_with("://")))?;
            let end = login.rfind('@').filter(|end| *end > colon).unwrap_or(login.len());
            Some(span.start + colon + 1..span.start + end)
        }),
        Slash(number) => literal(*number).and_then(|span| {
            let (login, _) = text.get(span.clone())?.rsplit_once('@')?;
            let slash = login.find('/')?;
            Some(span.start + slash + 1..span.start + login.len())
        }),
        Named => arguments.iter().zip(arguments.iter().skip(1)).find_map(|(name, value)| {
            let says = hint(text.get(name.clone()?)?)?;
            value.clone().filter(|_| says >= Hint::Strong)
        }),
        Field => {
            let about = |span: Range<usize>| text.get(span).is_some_and(names_password);
            let line = floor(text, start.saturating_sub(MAX_BEFORE));
            match (literal(0), literal(1)) {
                (Some(field), Some(value)) => about(field).then_some(value),
                (Some(value), None) => about(line..start).then_some(value),
                _ => None,
            }
        }
    };
    let Some(span) = span else { return };
    let Some(value) = text.get(span.clone()) else { return };
    let (from, to) = (value.trim_start_matches(['\\', '"', '\'']), value.trim_end_matches(['\\', '"', '\'']));
    let span = span.end - from.len()..span.start + to.len();
    let Some(value) = text.get(span.clone()) else { return };
    let odd = |byte: u8| !byte.is_ascii_alphabetic() && !matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b' ');
    let (rule, secret) = match asked {
        Password => ("password", judge(value, Hint::Password, Written::Quoted)),
        // `handler2` is a name.
        Chosen
            if value.bytes().any(odd)
                && !value
                    .strip_suffix(|last: char| last.is_ascii_digit())
                    .is_some_and(|name| name.bytes().all(|b| b.is_ascii_lowercase())) =>
        {
            ("password", judge(value, Hint::Password, Written::Words))
        }
        Chosen => ("password", None),
        Key => ("secret", judge(value, Hint::Strong, Written::Call)),
    };
    if let Some(secret) = secret {
        tell(span, rule, secret.guessable);
    }
}

fn names_password(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let line = lower.rsplit('\n').next().unwrap_or(&lower);
    ["passw", "passwd", "passphrase", "secret", "token"].iter().any(|word| line.contains(word))
}

/// For each argument where its literal stands, without quotes. None: it has none, or one with a name.
fn arguments(text: &str, from: usize) -> Vec<Option<Range<usize>>> {
    let end = from + window(text, from, MAX_CALL).len();
    let mut found: Vec<Option<Range<usize>>> = vec![None];
    let (mut calls, mut groups) = (0_usize, 0_usize);
    // No quote is looked for the end of behind it.
    let mut cursor = Cursor::new(text.get(..end).unwrap_or(text), from);
    let mut named = false;
    while cursor.at() < end
        && let Some(byte) = cursor.peek()
    {
        match byte {
            b'"' | b'\'' | b'`' | b'\\' => {
                let Some(quote) = cursor.eat_quote() else {
                    cursor.skip(1);
                    continue;
                };
                let closing = cursor.closing(quote);
                let span = cursor.at()..cursor.at() + closing.end;
                if let Some(last) = found.last_mut()
                    && last.is_none()
                    && groups == 0
                    && !named
                {
                    *last = Some(span);
                }
                cursor.skip(closing.end);
                if cursor.eat_quote().is_none() {
                    return found;
                }
            }
            b'(' => {
                calls += 1;
                cursor.skip(1);
            }
            b'[' | b'{' => {
                groups += 1;
                cursor.skip(1);
            }
            b']' | b'}' => {
                let Some(less) = groups.checked_sub(1) else { return found };
                groups = less;
                cursor.skip(1);
            }
            b')' => {
                let Some(less) = calls.checked_sub(1) else { return found };
                calls = less;
                cursor.skip(1);
            }
            b';' | b'\n' if calls + groups == 0 && byte == b';' => return found,
            b',' if calls + groups == 0 => {
                if found.len() == MAX_ARGUMENTS {
                    return found;
                }
                found.push(None);
                named = false;
                cursor.skip(1);
            }
            _ => {
                named |= matches!(byte, b'=') && calls + groups == 0;
                cursor.skip(1);
            }
        }
    }
    found
}

/// `user:password@tcp(host:port)/name`, as Go's drivers have it. `at` is where the `@` stands.
pub(super) fn go_dsn(text: &str, at: usize, tell: Tell<'_>) {
    let before = text.get(floor(text, at.saturating_sub(256))..at).unwrap_or_default();
    let login = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '/' | '\\')).next();
    let Some((user, password)) = login.and_then(|login| login.split_once(':')) else { return };
    // `lookup: root:password@…`
    if !user.is_empty() && judge(password, Hint::Password, Written::Tight).is_some() {
        tell(at - password.len()..at, "url-password", true);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finder;

    #[test]
    fn an_argument_that_is_a_secret_is_found_by_its_place() {
        let secret = ["Fake", "Passw0rd", "97"].concat();
        let key = ["FAKE0123", "456789ab", "cdefABCD", "EFGHIJKL"].concat();
        for call in [
            "req.SetBasicAuth(\"bob\", \"{P}\")",
            "requests.get(u, auth=(\"bob\", \"{P}\"))",
            "builder.basic_auth(\"bob\", Some(\"{P}\"))",
            "http.basic_auth 'bob', '{P}'",
            "new UsernamePasswordCredentials(\"bob\", \"{P}\")",
            "new PasswordAuthentication(\"bob\", \"{P}\".toCharArray())",
            "smtp.login(\"bob@example.com\", \"{P}\")",
            "new mysqli(\"db\", \"bob\", \"{P}\", \"app\")",
            "new PDO('mysql:host=db;dbname=app', 'bob', '{P}')",
            "DriverManager.getConnection(url, \"bob\", \"{P}\")",
            "page.fill('#password', '{P}')",
            "cy.get('[name=password]').type('{P}')",
            "curl_setopt($ch, CURLOPT_USERPWD, \"bob:{P}\")",
            "SecretString::from(\"{P}\")",
            "db.auth(\"root\", \"{P}\")",
            "sql.Open(\"mysql\", \"root:{P}@tcp(db:3306)/app\")",
            "connect(\"db\", \"root\", \"{P}\")",
            "new Credentials(user, \"{P}\")",
            "new BasicAWSCredentials(\"id\", \"{K}\")",
            "jwt.sign(payload, '{K}', { expiresIn: '1h' })",
            "hmac.new(b'{K}', message, hashlib.sha256)",
            "AES.new(b'{K}', AES.MODE_CBC)",
            "new SecretKeySpec(\"{K}\".getBytes(), \"AES\")",
            "buildConfigField(\"String\", \"API_KEY\", \"\\\"{K}\\\"\")",
        ] {
            let text = call.replace("{P}", &secret).replace("{K}", &key);
            let places: Vec<&str> =
                Finder::default().find(&text).iter().map(|found| &text[found.span.clone()]).collect();
            assert_eq!(places, [if call.contains("{P}") { &secret } else { &key }], "{text}");
        }
    }

    #[test]
    fn an_argument_that_is_none_stays() {
        for call in [
            "req.SetBasicAuth(user, password)",
            "client.login(\"admin\", \"dashboard\")",
            "app.login('/login', 'handler2')",
            "client.login(\"admin\", \"xKwQpZrTbN\")",
            "client.login(\"admin\", \"xKwQ-pZr.TbN\")",
            "page.fill('#search', 'FakeQuery2026')",
            "jwt.verify(token, process.env.JWT_SECRET)",
            "signal.connect(\"clicked\", \"handler\", \"slot2\")",
            "passport.authenticate('local', { session: false })",
            "new mysqli($host, $user, $password, \"app\")",
            "DriverManager.getConnection(url, user, pw)",
            "hash_hmac('sha256', $data, $key)",
            "Fernet(key)",
            "buildConfigField(\"String\", \"BASE_URL\", \"\\\"https://example.com\\\"\")",
        ] {
            assert_eq!(Finder::default().find(call), [], "{call}");
        }
    }

    /// The literals of the arguments behind the first bracket; `-` for one without.
    fn literals(text: &str) -> String {
        let found = super::arguments(text, text.find('(').unwrap() + 1);
        let each = found.into_iter().map(|span| span.map_or("-", |span| &text[span]));
        each.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn arguments_are_told_apart_by_commas_that_stand_in_nothing() {
        for (text, arguments) in [
            ("f('a', \"b\", `c`)", "a|b|c"),
            ("f(x, 'b', 3)", "-|b|-"),
            ("f(g('a', 'b'), 'c')", "a|c"),
            ("f(['a', 'b'], 'c')", "-|c"),
            ("f({a: 'x', b: 'y'}, 'c')", "-|c"),
            ("f(n='a', 'b')", "-|b"),
            ("f(g(n='a'), 'b')", "a|b"),
            ("f('a' + 'b', 'c')", "a|c"),
            ("f(\\\"a\\\", \\\"b\\\")", "a|b"),
            ("f(\\x, 'b')", "-|b"),
            ("f('a'), 'b'", "a"),
            ("f('a']; 'b'", "a"),
            ("f('a'; 'b', 'c')", "a"),
            ("f('a',\n 'b')", "a|b"),
            ("f('a', 'b", "a|b"),
            ("f(1,2,3,4,5,6,7,'h','i')", "-|-|-|-|-|-|-|h"),
            ("f(", "-"),
        ] {
            assert_eq!(literals(text), arguments, "{text}");
        }
        let far = |gap: usize| format!("f({}, 'b')", "x".repeat(gap));
        assert_eq!(literals(&far(super::MAX_CALL - 5)), "-|b");
        assert_eq!(literals(&far(super::MAX_CALL)), "-");
    }

    #[test]
    fn a_user_and_a_password_stand_before_where_go_connects() {
        let secret = ["Fake", "Passw0rd", "97"].concat();
        for (text, is) in [
            ("bob:{P}@tcp(db:3306)/app", true),
            ("\"bob:{P}@unix(/run/x)\"", true),
            (":{P}@tcp(db)", false),
            ("bob:$PASSWORD@tcp(db)", false),
            ("bob {P}@tcp(db)", false),
        ] {
            let text = text.replace("{P}", &secret);
            let at = text.find("@tcp(").or(text.find("@unix(")).unwrap();
            let mut told = Vec::new();
            super::go_dsn(&text, at, &mut |span, _, _| told.push(text[span].to_owned()));
            assert_eq!(told == [secret.as_str()], is, "{text} {told:?}");
            assert!(is || told.is_empty(), "{text} {told:?}");
        }
    }
}
