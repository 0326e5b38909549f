//! A user and a password beside each other, without a name for either: `bob:…@host`, `a1 LOGIN bob …`.

use std::ops::Range;

use super::context::{Tell, eat_spaces, floor, window};
use super::cursor::Cursor;
use super::names::{Hint, hint};
use super::value::{Written, judge};

/// What is searched for. Behind an `@` stands what hosts are called; the form of a mail address has no password.
pub(super) const ANCHORS: &[&str] = &[
    " LOGIN ",
    "UGFzc3dvcmQ6",
    ":2525 ",
    "\nPASS ",
    "[+] ",
    " p: ",
    " on >",
    " / ",
    "&p=",
    "createUser ",
    ":587 ",
    ":465 ",
    ":25 ",
    "@10.",
    "@127.",
    "@172.",
    "@192.",
    "@localhost",
    "@db",
    "@database",
    "@host",
    "@ftp",
    "@sftp",
    "@smtp",
    "@mail",
    "@imap",
    "@mysql",
    "@maria",
    "@postgres",
    "@pg",
    "@sql",
    "@oracle",
    "@redis",
    "@mongo",
    "@rabbit",
    "@mq",
    "@kafka",
    "@elastic",
    "@server",
    "@prod",
    "@stag",
    "@dev",
    "@api",
    "@git",
    "@proxy",
    "@registry",
    "@nexus",
    "@artifact",
    "@cache",
    "@cluster",
    "@node",
    "@vpn",
    "@nas",
    "@router",
    "@jump",
    "@bastion",
    "@app",
    "@web",
    "@internal",
    "@srv",
    "@vps",
    "@ec2-",
    "@ip-",
    "@example",
    "@myhost",
    "@jenkins",
    "@grafana",
    "@vault",
    "@warehouse",
    "@backup",
    "@files",
    "@test",
];

/// How long a user and a password are at most, in bytes.
const MAX_LOGIN: usize = 160;

/// Looks around an anchor that begins here.
pub(super) fn at(text: &str, start: usize, anchor: &str, tell: Tell<'_>) {
    let behind = start + anchor.len();
    match anchor {
        " LOGIN " => imap(text, start, behind, tell),
        "UGFzc3dvcmQ6" => smtp(text, behind, tell),
        "\nPASS " => pass(text, start, behind, tell),
        "[+] " => sprayed(text, behind, tell),
        " on >" => acl(text, start, behind, tell),
        "createUser " => snmp(text, behind, tell),
        "&p=" => query(text, start, behind, tell),
        " / " => slashed(text, start, behind, tell),
        " p: " => short(text, start, behind, tell),
        _ if anchor.starts_with('@') => before_host(text, start, tell),
        _ => postfix(text, start, behind, tell),
    }
}

/// A password that nothing calls one: letters, and digits or marks that no name has.
fn told(text: &str, span: Range<usize>, tell: Tell<'_>) {
    let Some(password) = text.get(span.clone()) else { return };
    // A version has no more than one letter, before it.
    let version = password.trim_start_matches(['v', 'V']).bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !version && judge(password, Hint::Password, Written::Words).is_some() {
        tell(span, "password", true);
    }
}

/// `bob:password@host`.
fn before_host(text: &str, at: usize, tell: Tell<'_>) {
    const NO_USERS: [&str; 17] = [
        "mailto",
        "xmpp",
        "sip",
        "sips",
        "acct",
        "email",
        "mail",
        "from",
        "to",
        "cc",
        "bcc",
        "contact",
        "author",
        "npm",
        "workspace",
        "git",
        "ssh",
    ];
    let Some(before) = text.get(floor(text, at.saturating_sub(MAX_LOGIN))..at) else { return };
    let begin = before.rfind(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | '<' | '=' | ','));
    let Some(login) =
        before.get(begin.map_or(0, |begin| begin + 1)..).map(|login| login.trim_start_matches(['[', '{']))
    else {
        return;
    };
    let slashed = login.split_once('/').filter(|(user, _)| is_user(user));
    let Some((user, password)) = slashed.or_else(|| login.split_once(':')) else { return };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-\\+".contains(&byte);
    if user.is_empty()
        || !user.bytes().all(plain)
        || !user.bytes().any(|byte| byte.is_ascii_alphabetic())
        || password.contains(['/', ':', '@', '>'])
        || NO_USERS.iter().any(|other| other.eq_ignore_ascii_case(user))
    {
        return;
    }
    told(text, at - password.len()..at, tell);
}

/// How many users a map has that is read.
const MAX_USERS: usize = 32;

/// `credentials = {"bob": "password", …}`, `"passwords": {"bob": "password"}`: a map from users to what they log in with.
pub(super) fn map(text: &str, name: Range<usize>, tell: Tell<'_>) {
    let called = text.get(name.clone()).unwrap_or_default();
    let named = ["credentials", "creds", "passwords", "logins"].iter().any(|word| {
        let from = called.len().checked_sub(word.len());
        from.and_then(|from| called.get(from..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
    });
    if !named {
        return;
    }
    let mut cursor = Cursor::new(text, name.end);
    cursor.eat_quote();
    cursor.eat_blanks();
    if cursor.eat_operator().is_none() {
        return;
    }
    cursor.eat_blanks();
    if !cursor.eat("{") {
        return;
    }
    for _ in 0..MAX_USERS {
        eat_spaces(&mut cursor);
        let Some(quote) = cursor.eat_quote() else { return };
        let user = cursor.closing(quote).end;
        // `{"AccessKeyId": …, "SecretAccessKey": …}`: the names of fields, which tell more.
        let called = cursor.rest().get(..user).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
        if user > MAX_LOGIN || hint(called).is_some() || called.ends_with("KeyId") {
            return;
        }
        cursor.skip(user);
        cursor.eat_quote();
        cursor.eat_blanks();
        if cursor.eat_operator().is_none() {
            return;
        }
        cursor.eat_blanks();
        let Some(quote) = cursor.eat_quote() else { return };
        let length = cursor.closing(quote).end;
        if length > MAX_LOGIN {
            return;
        }
        told(text, cursor.at()..cursor.at() + length, tell);
        cursor.skip(length);
        cursor.eat_quote();
        if !cursor.eat(",") {
            return;
        }
    }
}

/// `a001 LOGIN bob password` of IMAP, either of them in quotes or not.
fn imap(text: &str, start: usize, behind: usize, tell: Tell<'_>) {
    let before = text.get(floor(text, start.saturating_sub(12))..start).unwrap_or_default();
    let tag = before.rsplit([' ', '\n', '"', '\'']).next().unwrap_or_default();
    let digits = tag.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 || tag.len() > 8 || !tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') {
        return;
    }
    let mut cursor = Cursor::new(text, behind);
    for last in [false, true] {
        let quote = cursor.eat_quote();
        let rest = window(text, cursor.at(), MAX_LOGIN);
        let length = match quote {
            Some(quote) => cursor.closing(quote).end,
            None => rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\')).unwrap_or(rest.len()),
        };
        if last {
            let span = cursor.at()..cursor.at() + length;
            let value = text.get(span.clone()).unwrap_or_default();
            if judge(value, Hint::Password, Written::Tight).is_some() {
                tell(span, "password", true);
            }
            return;
        }
        cursor.skip(length);
        if quote.is_some() {
            cursor.eat_quote();
        }
        if !cursor.eat_blanks() {
            return;
        }
    }
}

/// The line behind `334 UGFzc3dvcmQ6`, which asks for a password in base64.
fn smtp(text: &str, behind: usize, tell: Tell<'_>) {
    let rest = window(text, behind, MAX_LOGIN);
    let Some(line) = rest.trim_start_matches(['\r', ' ']).strip_prefix('\n') else { return };
    let line = line.get(..line.find('\n').unwrap_or(line.len())).unwrap_or_default();
    // `C: …` and `> …` say who speaks.
    let value = line.trim().rsplit(' ').next().unwrap_or_default();
    if value.len() >= 8 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)) {
        let from = behind + rest.len() - rest.trim_start_matches(['\r', ' ']).len() + 1;
        let from = from + line.rfind(value).unwrap_or_default();
        tell(from..from + value.len(), "basic-auth", value.len() < 28);
    }
}

/// `USER bob`, and `PASS password` on the line behind: POP3 and FTP.
fn pass(text: &str, start: usize, behind: usize, tell: Tell<'_>) {
    let before = text.get(floor(text, start.saturating_sub(MAX_LOGIN))..start).unwrap_or_default();
    if !before.contains("USER ") && !before.contains("331 ") && !before.contains("NICK ") {
        return;
    }
    let rest = window(text, behind, MAX_LOGIN);
    let value = rest.get(..rest.find(char::is_whitespace).unwrap_or(rest.len())).unwrap_or_default();
    if judge(value, Hint::Password, Written::Tight).is_some() {
        tell(behind..behind + value.len(), "password", true);
    }
}

/// `[host]:587 bob:password` of Postfix, to the end of the line.
fn postfix(text: &str, start: usize, behind: usize, tell: Tell<'_>) {
    // A time has no letters.
    let before = text.get(floor(text, start.saturating_sub(64))..start).unwrap_or_default();
    let host = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).next().unwrap_or_default();
    let brackets = host.starts_with('[') && host.ends_with(']');
    let named = host.contains('.') && host.ends_with(|last: char| last.is_ascii_alphabetic());
    if !brackets && !named {
        return;
    }
    let rest = window(text, behind, MAX_LOGIN);
    let line = rest.get(..rest.find(['\n', '\r', '"', '\'', '\\']).unwrap_or(rest.len())).unwrap_or_default();
    let login = line.trim();
    let Some((user, password)) = login.split_once(':') else { return };
    if !user.is_empty() && !login.contains(' ') && !password.contains("//") {
        let from = behind + line.find(login).unwrap_or_default() + user.len() + 1;
        told(text, from..from + password.len(), tell);
    }
}

/// `[+] CORP\bob:password`: what tools that try passwords say.
fn sprayed(text: &str, behind: usize, tell: Tell<'_>) {
    let rest = window(text, behind, MAX_LOGIN);
    let line = rest.get(..rest.find(['\n', '\r']).unwrap_or(rest.len())).unwrap_or_default();
    let Some(slash) = line.find('\\') else { return };
    let login = line.get(slash..).unwrap_or_default();
    let Some(colon) = login.find(':') else { return };
    let password = login.get(colon + 1..).unwrap_or_default();
    let password = password.get(..password.find([' ', '\'', '"']).unwrap_or(password.len())).unwrap_or_default();
    if login.get(..colon).is_some_and(|user| !user.contains(' ')) {
        let from = behind + slash + colon + 1;
        told(text, from..from + password.len(), tell);
    }
}

/// `user default on >password` of Redis.
fn acl(text: &str, start: usize, behind: usize, tell: Tell<'_>) {
    let before = text.get(floor(text, start.saturating_sub(64))..start).unwrap_or_default();
    let Some((head, user)) = before.rsplit_once(' ') else { return };
    if user.is_empty() || !(head.ends_with("user") || head.ends_with("SETUSER") || head.ends_with("setuser")) {
        return;
    }
    let rest = window(text, behind, MAX_LOGIN);
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\')).unwrap_or(rest.len());
    if rest.get(..end).is_some_and(|value| judge(value, Hint::Password, Written::Tight).is_some()) {
        tell(behind..behind + end, "password", true);
    }
}

/// `createUser bob SHA password AES password` of SNMP.
fn snmp(text: &str, behind: usize, tell: Tell<'_>) {
    let rest = window(text, behind, MAX_LOGIN);
    let line = rest.get(..rest.find(['\n', '\r', '\\']).unwrap_or(rest.len())).unwrap_or_default();
    let mut at = 0;
    let mut named = false;
    for word in line.split(' ').take(8) {
        let plain = word.trim_matches(['"', '\'']);
        if named && judge(plain, Hint::Password, Written::Tight).is_some() {
            let from = behind + at + word.find(plain).unwrap_or_default();
            tell(from..from + plain.len(), "password", true);
        }
        named = plain == "MD5" || plain.starts_with("SHA") || plain == "DES" || plain.starts_with("AES");
        at += word.len() + 1;
    }
}

/// Who a password belongs to that nothing else tells from a name.
const USERS: [&str; 18] = [
    "root",
    "admin",
    "administrator",
    "demo",
    "test",
    "tester",
    "guest",
    "user",
    "system",
    "sys",
    "sa",
    "postgres",
    "mysql",
    "oracle",
    "scott",
    "superadmin",
    "superuser",
    "kubeadmin",
];

fn is_user(name: &str) -> bool {
    USERS.iter().any(|user| user.eq_ignore_ascii_case(name))
}

/// `test@example.com / password`, `admin / password`, and any user where it is said that they log in.
fn slashed(text: &str, start: usize, behind: usize, tell: Tell<'_>) {
    let before = text.get(floor(text, start.saturating_sub(64))..start).unwrap_or_default();
    let user =
        before.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(')).next().unwrap_or_default();
    let rest = window(text, behind, MAX_LOGIN);
    let quoted = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\');
    let value = rest.get(..rest.find(quoted).unwrap_or(rest.len())).unwrap_or_default();
    let value = value.trim_end_matches(['.', ',', ';', ')', ':']);
    let logs_in = || {
        let near = window(text, behind + value.len(), 32);
        ["log in", "login", "sign in", "account", "cred"]
            .iter()
            .any(|word| near.contains(word) || before.contains(word))
    };
    let mail = user.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let plain = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    // `admin / settings2`: a name.
    let word = value.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = value.len() - word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    if (mail || is_user(user) || plain && logs_in())
        && !numbered
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && !value.contains('/')
    {
        told(text, behind..behind + value.len(), tell);
    }
}

/// `?u=bob&p=password`, as InfluxDB takes them.
fn query(text: &str, start: usize, behind: usize, tell: Tell<'_>) {
    let before = text.get(floor(text, start.saturating_sub(64))..start).unwrap_or_default();
    let user = before.rsplit(['?', '&']).next().and_then(|pair| pair.strip_prefix("u=")).unwrap_or_default();
    let rest = window(text, behind, MAX_LOGIN);
    let ends = |c: char| c.is_whitespace() || matches!(c, '&' | '"' | '\'' | '`' | '\\' | '#');
    let value = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
    if !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        told(text, behind..behind + value.len(), tell);
    }
}

/// `u: bob p: password`.
fn short(text: &str, start: usize, behind: usize, tell: Tell<'_>) {
    let before = text.get(floor(text, start.saturating_sub(64))..start).unwrap_or_default();
    let Some((label, user)) = before.trim_end_matches([',', ';', '/', ' ']).rsplit_once(": ") else { return };
    let label = label.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    if user.contains(' ')
        || !["u", "user", "username", "login", "l"].iter().any(|word| word.eq_ignore_ascii_case(label))
    {
        return;
    }
    let rest = window(text, behind, MAX_LOGIN);
    let value = rest.get(..rest.find(char::is_whitespace).unwrap_or(rest.len())).unwrap_or_default();
    told(text, behind..behind + value.trim_end_matches(['.', ',', ';', ')', '"', '\'']).len(), tell);
}

#[cfg(test)]
mod tests {
    use super::super::Finder;

    #[test]
    fn a_password_beside_a_user_is_found() {
        let secret = ["Fake", "Passw0rd", "97"].concat();
        for text in [
            "ssh into deploy:{}@10.0.0.5",
            "connect to root:{}@db.internal:3306",
            "A1 LOGIN alice {}",
            "C: a001 LOGIN \"alice@example.com\" \"{}\"",
            "[smtp.example.com]:587 alice@example.com:{}",
            "relay.example.com:25 relayuser:{}",
            "u: admin p: {}",
            "[+] 10.0.0.5:445 CORP\\bob:{} (ok)",
            "USER bob\nPASS {}\n",
            "user default on >{} ~* +@all",
            "createUser bob SHA {}",
            "credentials = {\"admin\": \"{}\"}",
            "test@example.com / {}",
            "use bob / {} to log in",
            "http://example.com:8086/query?u=bob&p={}&q=x",
            "connect with root/{}@db",
            "{\"passwords\": {\"bob\": \"{}\"}}",
        ] {
            let text = text.replace("{}", &secret);
            let places: Vec<&str> =
                Finder::default().find(&text).iter().map(|found| &text[found.span.clone()]).collect();
            assert_eq!(places, [&secret], "{text}");
        }
        let text = ["334 UGFzc3dvcmQ6\n", "RmFrZVBhc3N3MHJkOTc=", "\n235 ok"].concat();
        assert_eq!(Finder::default().find(&text).len(), 1);
    }

    #[test]
    fn what_only_looks_like_a_login_stays() {
        for text in [
            "mailto:bob2024@example.com",
            "From:Alice99@mail.example.com",
            "12:34:25 request:abc123de",
            "image:v1.2.3@example",
            "- a1 LOGIN failed for alice",
            "PASS src/app2.test.ts\nPASS src/x9.test.ts",
            "workspace:app2024@dev",
            "git clone git@github.com:org/repo2.git",
            "map: 3 p: 12345678",
            "if a and b on >threshold2024",
            "createUser(name, SHA256)",
            "credentials = {\"type\": \"service_account\", \"role\": \"admin\"}",
            "use ubuntu / debian12 images",
            "TCP / IPv4x and UDP / IPv6x",
            "packages/core2024@test",
            "const passwords = { label: 'Passwords', count: 12 };",
        ] {
            assert_eq!(Finder::default().find(text), [], "{text}");
        }
    }

    /// What an anchor tells of a text.
    fn around<'t>(text: &'t str, anchor: &str) -> Vec<&'t str> {
        let mut told = Vec::new();
        super::at(text, text.find(anchor).unwrap(), anchor, &mut |span, _, _| told.push(&text[span]));
        told
    }

    #[test]
    fn a_login_is_told_from_what_only_has_its_form() {
        for (anchor, text, wanted) in [
            ("@10.", "bob:Hunter99x@10.0.0.1", Some("Hunter99x")),
            ("@10.", "x=bob:Hunter99x@10.0.0.1", Some("Hunter99x")),
            ("@10.", "[bob:Hunter99x@10.0.0.1]", Some("Hunter99x")),
            ("@10.", "a.b-c_d\\e+f:Hunter99x@10.0.0.1", Some("Hunter99x")),
            ("@10.", ":Hunter99x@10.0.0.1", None),
            ("@10.", "b%b:Hunter99x@10.0.0.1", None),
            ("@10.", "123:Hunter99x@10.0.0.1", None),
            ("@10.", "bob:Hunter/99x@10.0.0.1", None),
            ("@10.", "bob:Hunter:99x@10.0.0.1", None),
            ("@10.", "bob:Hunter>99x@10.0.0.1", None),
            ("@10.", "MailTo:Hunter99x@10.0.0.1", None),
            ("@10.", "Hunter99x@10.0.0.1", None),
            (" LOGIN ", "a1 LOGIN bob Hunter99x", Some("Hunter99x")),
            (" LOGIN ", "A.12345 LOGIN bob 'Hunter 99x'", Some("Hunter 99x")),
            (" LOGIN ", "\"a1 LOGIN bob Hunter99x\\r\"", Some("Hunter99x")),
            (" LOGIN ", "a1 LOGIN \"b b\" Hunter99x", Some("Hunter99x")),
            (" LOGIN ", "ab LOGIN bob Hunter99x", None),
            (" LOGIN ", "a12345678 LOGIN bob Hunter99x", None),
            (" LOGIN ", "a1234567 LOGIN bob Hunter99x", Some("Hunter99x")),
            (" LOGIN ", "a-1 LOGIN bob Hunter99x", None),
            (" LOGIN ", "a1 LOGIN bob", None),
            (" LOGIN ", "a1 LOGIN bob abc", None),
            ("UGFzc3dvcmQ6", "334 UGFzc3dvcmQ6\nSHVudGVyOTl4", Some("SHVudGVyOTl4")),
            ("UGFzc3dvcmQ6", "334 UGFzc3dvcmQ6 \r\nC: SHVudGVyOTl4\r\nx", Some("SHVudGVyOTl4")),
            ("UGFzc3dvcmQ6", "334 UGFzc3dvcmQ6\nSHVudGV", None),
            ("UGFzc3dvcmQ6", "334 UGFzc3dvcmQ6\nSHVudGV=", Some("SHVudGV=")),
            ("UGFzc3dvcmQ6", "334 UGFzc3dvcmQ6\nSHV-dGVyOTl4", None),
            ("UGFzc3dvcmQ6", "334 UGFzc3dvcmQ6 SHVudGVyOTl4", None),
            ("\nPASS ", "USER bob\nPASS Hunter99x\n", Some("Hunter99x")),
            ("\nPASS ", "331 ok\nPASS Hunter99x", Some("Hunter99x")),
            ("\nPASS ", "NICK bob\nPASS Hunter99x", Some("Hunter99x")),
            ("\nPASS ", "bob\nPASS Hunter99x", None),
            ("\nPASS ", "USER bob\nPASS abc", None),
            (":25 ", "[h]:25 bob:Hunter99x", Some("Hunter99x")),
            (":25 ", "h.example:25 bob:Hunter99x\nx", Some("Hunter99x")),
            (":25 ", "'h.example:25  bob:Hunter99x'", Some("Hunter99x")),
            (":25 ", "h:25 bob:Hunter99x", None),
            (":25 ", "[h:25 bob:Hunter99x", None),
            (":25 ", "h]:25 bob:Hunter99x", None),
            (":25 ", "h.1:25 bob:Hunter99x", None),
            (":25 ", "h.example:25 :Hunter99x", None),
            (":25 ", "h.example:25 bob:Hunter99x y", None),
            (":25 ", "h.example:25 http://Hunter99x", None),
            ("[+] ", "[+] CORP\\bob:Hunter99x (ok)", Some("Hunter99x")),
            ("[+] ", "[+] x CORP\\bob:Hunter99x'", Some("Hunter99x")),
            ("[+] ", "[+] CORP\\b b:Hunter99x", None),
            ("[+] ", "[+] CORP bob:Hunter99x", None),
            ("[+] ", "[+] CORP\\bob Hunter99x", None),
            (" on >", "user bob on >Hunter99x ~*", Some("Hunter99x")),
            (" on >", "ACL SETUSER bob on >Hunter99x\\n", Some("Hunter99x")),
            (" on >", "ACL setuser bob on >Hunter99x\"", Some("Hunter99x")),
            (" on >", "name bob on >Hunter99x", None),
            (" on >", "user  on >Hunter99x", None),
            (" on >", "user bob on >abc", None),
            ("createUser ", "createUser bob SHA Hunter99x\n", Some("Hunter99x")),
            ("createUser ", "createUser bob MD5 \"Hunter99x\"", Some("Hunter99x")),
            ("createUser ", "createUser bob DES Hunter99x", Some("Hunter99x")),
            ("createUser ", "createUser bob AES-256 Hunter99x", Some("Hunter99x")),
            ("createUser ", "createUser bob RSA Hunter99x", None),
            ("createUser ", "createUser bob Hunter99x", None),
            (" p: ", "u: bob p: Hunter99x.", Some("Hunter99x")),
            (" p: ", "x USER: bob, p: Hunter99x", Some("Hunter99x")),
            (" p: ", "login: bob / p: Hunter99x", Some("Hunter99x")),
            (" p: ", "l: bob; p: Hunter99x", Some("Hunter99x")),
            (" p: ", "username: bob p: Hunter99x)", Some("Hunter99x")),
            (" p: ", "name: bob p: Hunter99x", None),
            (" p: ", "u: bob bob p: Hunter99x", None),
        ] {
            assert_eq!(around(text, anchor), wanted.into_iter().collect::<Vec<_>>(), "{text}");
        }
        let both = "createUser bob SHA Hunter99x AES Winter88y";
        assert_eq!(around(both, "createUser "), ["Hunter99x", "Winter88y"]);
    }
}
