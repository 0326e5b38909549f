//! Where a value stands behind, before and around its name, and where it ends.

use super::*;

/// What stands for a password and for a token in these texts.
const P: &str = "Fake7!pass";
const T: &str = "qX7rT2vB9mZkD4wL8sGhJ6yN3pCf5RtW";

/// What is told of a text by each word of a name in it, in order and once.
fn found(text: &str) -> Vec<(&str, &'static str)> {
    let lower = text.to_lowercase();
    let mut told: Vec<(Range<usize>, &'static str)> = Vec::new();
    let mut on = 0;
    for start in 0..text.len() {
        let word = |word: &&str| {
            lower.is_char_boundary(start) && lower.get(start..).is_some_and(|rest| rest.starts_with(*word))
        };
        let Some(word) = WORDS.split('|').filter(word).max_by_key(|word| word.len()) else { continue };
        if start >= on && text.is_char_boundary(start + word.len()) {
            on = at(text, start..start + word.len(), &mut |span, rule, _| told.push((span, rule)));
        }
    }
    told.dedup();
    told.into_iter().map(|(span, rule)| (&text[span], rule)).collect()
}

/// `{P}` is a password, `{T}` a token; each row is found, by this rule, and nothing else.
fn each_is(rule: &str, templates: &[&str]) {
    for template in templates {
        let text = template.replace("{P}", P).replace("{T}", T);
        let secret = if template.contains("{P}") { P } else { T };
        assert_eq!(found(&text), [(secret, rule)], "{text}");
    }
}

fn each_stays(templates: &[&str]) {
    for template in templates {
        let text = template.replace("{P}", P).replace("{T}", T);
        assert_eq!(found(&text), [], "{text}");
    }
}

#[test]
fn a_value_stands_behind_its_name_and_an_operator() {
    each_is(
        "password",
        &[
            "password={P}",
            "password = {P}",
            "password: {P}",
            "PASSWORD={P}",
            "db.password={P}",
            "db.password.old={P}",
            "--password={P}",
            "password=\"{P}\"",
            "\"password\": \"{P}\"",
            "'password' => '{P}'",
            "\\\"password\\\": \\\"{P}\\\"",
            "%22password%22%3A%22{P}%22",
            "password%3D{P}%26x=y",
            "password := \"{P}\"",
            "password != \"{P}\"",
            "&quot;password&quot;:&quot;{P}&quot;",
            "\x1b[1mpassword\x1b[0m: {P}",
            "\\npassword={P}",
            "\\u0022password={P}",
            "\\x22password={P}",
            "%0apassword={P}",
            "tokens=x password[0]={P}",
            "password[\"x\"]=\"{P}\"",
            "contrase\u{f1}a: {P}",
            "PRAGMA key = '{P}'",
            "password\t{P}",
            "\"password\":\n  \"{P}\"",
            "password: u\"{P}\"",
            "password = r#\"{P}\"#",
            "password = b'{P}'",
            "password = $'{P}'",
            "password: &anchor {P}",
            "password: !!str {P}",
            "let password: &'static str = \"{P}\"",
            "const password: string = '{P}'",
            "x password={P};x",
        ],
    );
    each_stays(&[
        "password",
        "password=",
        "password:",
        "::password::{P}",
        "\"Password: \"",
        "password != confirmed2",
        "if password == confirmed2 {",
        "did:key:{T}",
        "--- PASS: {T}",
        "passwd_file={P}",
    ]);
}

#[test]
fn a_brace_of_its_own_goes_around_a_value() {
    for (text, value) in [
        ("Server=x;PWD={a7!b;c};x", "a7!b;c"),
        ("PWD={a7!b;c}", "a7!b;c"),
        ("\"PWD={a7!b;c}\"", "a7!b;c"),
        ("'PWD={a7!b;c}'", "a7!b;c"),
        ("PWD={a7!b;c} x", "a7!b;c"),
    ] {
        assert_eq!(found(text), [(value, "password")], "{text}");
    }
    assert_eq!(found("PWD={a7!b;c}x"), [("{a7!b;c}x", "password")]);
}

#[test]
fn a_name_that_is_too_long_says_nothing() {
    let long = |length: usize| format!("{}_password={P}", "x".repeat(length - "_password".len()));
    assert_eq!(found(&long(MAX_NAME)).len(), 1);
    assert_eq!(found(&long(MAX_NAME + 1)), []);
    assert_eq!(found(&format!(" {}", long(MAX_NAME))).len(), 1);
}

#[test]
fn a_value_without_quotes_ends_before_what_separates() {
    for (token, operator, end) in [
        ("abc", Operator::Equals, 3),
        ("abc\"d", Operator::Equals, 3),
        ("abc'd", Operator::Equals, 3),
        ("abc`d", Operator::Equals, 3),
        ("abc<d", Operator::Equals, 3),
        ("abc>d", Operator::Equals, 3),
        ("abc|d", Operator::Equals, 3),
        ("abc;d", Operator::Equals, 3),
        ("abc,d", Operator::Equals, 3),
        ("abc&d", Operator::Equals, 3),
        ("a(b)c)d", Operator::Equals, 5),
        ("a{b}c}d", Operator::Equals, 5),
        ("a[b]c]d", Operator::Equals, 5),
        ("a((b))c", Operator::Equals, 7),
        ("abc\\", Operator::Equals, 3),
        ("abc\\n", Operator::Equals, 3),
        ("abc\\r", Operator::Equals, 3),
        ("abc\\td", Operator::Equals, 3),
        ("abc\\\"", Operator::Equals, 3),
        ("abc\\'", Operator::Equals, 3),
        ("abc\\\\", Operator::Equals, 3),
        ("abc\\x", Operator::Equals, 5),
        ("abc%22", Operator::Percent, 3),
        ("abc%27", Operator::Percent, 3),
        ("abc%26", Operator::Percent, 3),
        ("abc%2c", Operator::Percent, 3),
        ("abc%7D", Operator::Percent, 3),
        ("abc%5d", Operator::Percent, 3),
        ("abc%3B", Operator::Percent, 3),
        ("abc%20", Operator::Percent, 3),
        ("abc%0a", Operator::Percent, 3),
        ("abc%2F", Operator::Percent, 6),
        ("abc%22", Operator::Equals, 6),
        ("abc#d", Operator::Percent, 3),
        ("#d", Operator::Percent, 2),
        ("abc#d", Operator::Equals, 5),
        ("abc\u{1b}[0m", Operator::Equals, 3),
        ("abc\u{2026}", Operator::Equals, 3),
        ("abc\u{ff0c}", Operator::Equals, 3),
        ("abc\u{3002}", Operator::Equals, 3),
        ("abc\u{ff1b}", Operator::Equals, 3),
        ("abc\u{300d}", Operator::Equals, 3),
        ("abc\u{e9}", Operator::Equals, 5),
        ("abc\u{3067}\u{3059}", Operator::Equals, 3),
        ("\u{3072}\u{307f}7abc\u{3067}\u{3059}", Operator::Equals, 10),
    ] {
        assert_eq!(bare_end(token, operator), end, "{token}");
    }
}

#[test]
fn a_line_of_its_own_belongs_to_its_value() {
    for (text, value) in [
        ("password=a7,b;c", "a7,b;c"),
        ("export password=a7|b&c", "a7|b&c"),
        ("password=a7,b;", "a7,b"),
        ("x password=a7bc,d", "a7bc"),
        ("?password=a7bc,d", "a7bc"),
        ("password=a7bc\"", "a7bc"),
        ("db.password=a7,b;c", "a7,b;c"),
    ] {
        assert_eq!(found(text), [(value, "password")], "{text}");
    }
    for (before, begins) in [
        ("", true),
        ("x\n", true),
        ("  ", true),
        ("export ", true),
        ("- ", true),
        ("# ", true),
        ("// ", true),
        ("ENV ", true),
        ("ARG ", true),
        ("set ", true),
        ("+", true),
        ("setenv ", true),
        ("declare -x ", true),
        ("let ", true),
        ("const ", true),
        ("var ", true),
        ("$", true),
        ("my ", true),
        ("spring.datasource.", true),
        ("x ", false),
        ("spring datasource.", false),
        ("abcdefghijklmnopqrstuvwxyz.", false),
    ] {
        let text = format!("{before}password=x");
        let name = Name { start: before.len(), end: before.len() + 8, phrase: before.len(), opened: None };
        assert_eq!(name_begins_line(&text, &name), begins, "{text}");
    }
}

#[test]
fn a_value_of_several_lines_is_taken_line_by_line() {
    assert_eq!(
        found("a:\n  password: |\n    Fake7!one\n\n    Fake7!two\n  user: Fake7!bob\n"),
        [("Fake7!one", "password"), ("Fake7!two", "password")]
    );
    assert_eq!(found("password: >-\n  Fake7!one\nx: Fake7!y"), [("Fake7!one", "password")]);
    assert_eq!(found("password: |2-\r\n  Fake7!one"), [("Fake7!one", "password")]);
    each_stays(&["password: |words\n  {P}", "password: |-+12\n  {P}"]);
}

#[test]
fn a_word_of_a_name_is_read_with_the_words_before_it() {
    for (text, phrase) in [
        ("API key", 0),
        ("Secret access key", 0),
        ("my Secret access key", 3),
        ("x  key", 3),
        ("a1 key", 3),
        ("key", 0),
        (" key", 1),
        ("\tkey", 1),
    ] {
        let start = text.len() - 3;
        assert_eq!(super::phrase(text.as_bytes(), start), phrase, "{text}");
    }
    let long = format!("{} key", "x".repeat(30));
    assert_eq!(super::phrase(long.as_bytes(), 31), 30 - 24);
    each_is("secret", &["API key: {T}", "your secret access key: {T}"]);
    each_is("password", &["enable secret {P}", "username bob secret {P}"]);
}

#[test]
fn a_letter_of_an_escape_is_none_of_a_name() {
    for (before, word, skipped) in [
        ("\\", "npass", 1),
        ("\\", "tpass", 1),
        ("\\", "rpass", 1),
        ("\\", "bpass", 1),
        ("\\", "fpass", 1),
        ("\\", "xpass", 0),
        ("\\", "u0022pass", 5),
        ("\\", "u002gpass", 0),
        ("\\", "x22pass", 3),
        ("\\", "x2gpass", 0),
        ("%", "22pass", 2),
        ("%", "2gpass", 0),
        ("[", "0mpass", 2),
        ("[", "mpass", 1),
        ("[", "31mpass", 3),
        ("[", "31pass", 0),
        ("[1;", "31mpass", 3),
        ("x[1;", "31mpass", 3),
        ("x[1;", "mpass", 0),
        ("x[1;", "31pass", 0),
        ("x", "npass", 0),
        ("", "npass", 0),
    ] {
        let text = format!("{before}{word}");
        let end = text.len() - "pass".len();
        let expected = if before == "[1;" { 0 } else { skipped };
        assert_eq!(behind_escape(text.as_bytes(), before.len(), end), before.len() + expected, "{text}");
    }
}

#[test]
fn a_value_stands_in_an_element() {
    each_is(
        "password",
        &[
            "<password>{P}</password>",
            "<ns:password>\n {P}\n</ns:password>",
            "<wsse:Password Type=\"x\">{P}</wsse:Password>",
            "<password type='x'>{P}</password>",
            "<password><![CDATA[{P}]]></password>",
            "&lt;password&gt;{P}&lt;/password&gt;",
            "<password>{P}",
            "<key>password</key>\n<string>{P}</string>",
            "<name>db.password</name><value>{P}</value>",
            "<entry key=\"db.password\">{P}</entry>",
            "<add key=\"Password\" value=\"{P}\"/>",
            "<input type=\"password\" value=\"{P}\">",
        ],
    );
    each_stays(&[
        "<password/> {P}",
        "<password x/>{P}",
        "<password x>{P}</password>",
        "<key>password</key><integer>{P}</integer>",
        "<other>password</other><string>{P}</string>",
        "<input type=\"token\" value=\"{T}\">",
        "<secret name=\"x\"/>",
    ]);
}

#[test]
fn a_value_stands_in_a_call() {
    each_is(
        "password",
        &[
            "setPassword(\"{P}\")",
            "password( '{P}' )",
            "define('PASSWORD', '{P}')",
            "('--password', '{P}')",
            "[\"--password\", \"{P}\"]",
        ],
    );
    each_stays(&["credentials('deploy-key-2')", "password(x, '{P}')", "f(x, \"password\"), \"{P}\""]);
    assert_eq!(found(&format!("NetworkCredential(\"bob\", \"{P}\")")), [(P, "secret")]);
}

#[test]
fn a_value_stands_beside_its_name_as_a_value() {
    each_is(
        "password",
        &[
            "{\"name\": \"password\", \"value\": \"{P}\"}",
            "{\"value\": \"{P}\", \"name\": \"password\"}",
            "{\"key\":\"db_password\",\"value\":{\"stringValue\":\"{P}\"}}",
            "- name: DB_PASSWORD\n  value: {P}",
            "- name: DB_PASSWORD\n  value: \"{P}\"",
            "ParameterKey=DbPassword,ParameterValue={P}",
            "{\"password\": {\"S\": \"{P}\"}}",
            "{\"password\": [\"{P}\"]}",
            "{\"password\": {\"value\": \"{P}\"}}",
            "variable \"db_password\" {\n  default = \"{P}\"\n}",
        ],
    );
    each_stays(&[
        "{\"name\": \"password\"}, {\"value\": \"{P}\"}",
        "{\"other\": \"password\", \"value\": \"{P}\"}",
        "{\"name\": \"password\", \"other\": \"{P}\"}",
        "{\"name\": \"password\", \"name\": \"x\", \"value\": \"{P}\"}",
        "{\"other\": \"{P}\", \"name\": \"password\"}",
        "- name: DB_PASSWORD\n- value: {P}",
    ]);
}

#[test]
fn a_value_stands_in_a_sentence() {
    each_is(
        "password",
        &[
            "the password is {P}",
            "the password is {P}.",
            "password: {P}, user: bob",
            "password {P}",
            "the password for bob is {P}",
            "the password (for tests) is {P}",
            "the password is \"{P}\"",
            "use {P} as the password",
            "use {P} as the password for the database",
            "set {P} as password.",
            "Password..... {P}",
            "**Password:** {P}",
            "| password | {P} |",
            "\u{5bc6}\u{7801}\u{662f}{P}",
        ],
    );
    each_stays(&[
        "pass through2 x",
        "use {P} as passwordless user",
        "password for one two three four five six seven eight nine is {P}",
        "-field=password {P}",
    ]);
}

#[test]
fn a_login_is_a_user_and_a_password() {
    for text in [
        "login with bob:{P}",
        "log in as bob/{P}",
        "creds: bob / {P}",
        "credentials are bob | {P}",
        "NEO4J_AUTH=bob/{P}",
        "login: bob@example.com:{P}",
        "redis> AUTH {P}",
        "AUTH {P}",
        "sign in with bob:{P}).",
    ] {
        let text = text.replace("{P}", P);
        assert_eq!(found(&text), [(P, "password")], "{text}");
    }
    each_stays(&[
        "login with bob:bobby",
        "login with https://{P}",
        "login with :{P}",
        "login with a/b/{P}",
        "creds / {P}",
        "x AUTH {P}",
        "login to it. bob:{P}",
        "login a b c d e f g h bob:{P}",
    ]);
}

#[test]
fn a_cookie_is_told_by_its_name_or_its_value() {
    for (text, told) in [
        (format!("Cookie: session={T}; theme=dark"), vec![(T, "cookie")]),
        ("Set-Cookie: sid=abcd1234; Path=/; Domain=example.com".to_owned(), vec![("abcd1234", "cookie")]),
        (format!("cookie: a={T}; b={T}x"), vec![(T, "cookie"), (&*format!("{T}x").leak(), "cookie")]),
        ("Cookie: sid=abcd123".to_owned(), vec![]),
        ("Cookie: theme=abcd1234".to_owned(), vec![]),
        (format!("Cookie: expires={T}; max-age={T}; samesite={T}; priority={T}; path={T}"), vec![]),
        ("Cookie: sid=$SESSION1; token=<token12>; sid={session}; sid=********".to_owned(), vec![]),
        ("Cookie: sid=[REDACTED:cookie]".to_owned(), vec![]),
        (format!("-H 'Cookie: session={T}' x={T}y"), vec![(T, "cookie")]),
        ("cookies are sid=abcd1234".to_owned(), vec![]),
    ] {
        assert_eq!(found(&text), told, "{text}");
    }
}

#[test]
fn an_authorization_is_its_credential() {
    each_is(
        "authorization",
        &[
            "Authorization: Bearer {T}",
            "\"Authorization\": \"Bearer {T}\"",
            "Authorization: Basic {T}",
            "Authorization: token {T}",
            "Authorization: v1 {T}",
            "authorization=Bearer%20{T}",
            "authorization=Bearer+{T}",
        ],
    );
    for text in [format!("Bearer {T}"), format!("bearer%20{T}"), format!("Bearer   {T}")] {
        assert_eq!(found(&text)[0], (T, "authorization"), "{text}");
    }
    each_stays(&[
        "Bearer token",
        "bearer of good news",
        "Authorization: Bearer $TOKEN",
        "bearer{T}x",
        "Basic usage2 of it",
    ]);
    assert_eq!(
        found("curl -H 'Authorization: Basic dXNlcjpmYWtlcGFzcw=='"),
        [("dXNlcjpmYWtlcGFzcw==", "authorization")]
    );
    assert_eq!(found("Basic dXNlcjpmYWtlcGFzcw=="), [("dXNlcjpmYWtlcGFzcw==", "authorization")]);
}

#[test]
fn a_secure_string_of_powershell_is_one() {
    each_is(
        "password",
        &[
            "ConvertTo-SecureString '{P}' -AsPlainText",
            "ConvertTo-SecureString -String \"{P}\"",
            "ConvertTo-SecureString   -String   \"{P}\"",
        ],
    );
    each_stays(&["ConvertTo-SecureString $password", "ConvertTo-SecureString \"$password\""]);
}

#[test]
fn a_named_value_is_judged_as_if_it_were_quoted() {
    assert_eq!(named("password", P), Some(("password", true)));
    assert_eq!(named("api_key", T), Some(("secret", false)));
    assert_eq!(named("key", T), Some(("key", false)));
    assert_eq!(named("hubspot_key", T), Some(("key", false)));
    assert_eq!(named("name", T), None);
    assert_eq!(named("password", "$PASSWORD"), None);
}

#[test]
fn a_window_never_cuts_a_character() {
    assert_eq!(window("abc", 1, 1), "b");
    assert_eq!(window("abc", 1, 9), "bc");
    assert_eq!(window("a\u{e9}b", 0, 2), "a");
    assert_eq!(window("abc", 4, 1), "");
    assert_eq!((floor("a\u{e9}", 2), floor("a\u{e9}", 9), floor("", 1)), (1, 3, 0));
}

#[test]
fn what_stands_around_a_name_says_what_it_means() {
    // `?auth=` of a URL is more than `auth=`, and no other weak name is.
    assert_eq!(found(&format!("https://x/?auth={}", "a7bcdefghijk")), [("a7bcdefghijk", "secret")]);
    assert_eq!(found("https://x/?key=a7bcdefghijk"), []);
    assert_eq!(found("x auth=a7bcdefghijk"), []);
    each_is(
        "password",
        &["PRAGMA KEY = '{P}'", "snmp-server community {P}", "SNMP community: {P}", "enable secret {P}"],
    );
    each_stays(&["community: {P}", "open secret {P}", "http://x/community {P}"]);
}

#[test]
fn an_inner_pair_has_its_own_turn() {
    each_is(
        "password",
        &["x token=password={P}", "x password=password={P}", "x token=db_password:{P}", "user[password]={P}"],
    );
    assert_eq!(found("x token=name={T}".replace("{T}", T).leak()).len(), 1);
    assert_eq!(found("x token=a7bcdefg=="), [("a7bcdefg==", "secret")]);
}

#[test]
fn dots_lead_to_a_value() {
    each_is("password", &["Password... {P}", "Password.... : {P}"]);
    each_stays(&["Password.. {P}", "Password. {P}"]);
}

#[test]
fn an_element_is_told_by_its_prefix() {
    for (text, is_one) in [
        ("<ns:password", true),
        ("<a:b:password", false),
        ("<password", true),
        ("< ns:password", false),
        ("ns:password", false),
        ("<x>ns:password", false),
        ("<abcdefghijklmnopqrstuv:password", true),
        ("<abcdefghijklmnopqrstuvw:password", false),
    ] {
        let start = text.len() - "password".len();
        let name = Name { start, end: text.len(), phrase: start, opened: None };
        assert_eq!(in_tag(text, &name), is_one, "{text}");
    }
    for (text, is_one) in [
        ("| password", true),
        ("| **`password", true),
        ("x | password", true),
        ("x password", false),
        ("|\npassword", false),
        ("| x password", false),
    ] {
        let start = text.len() - "password".len();
        let name = Name { start, end: text.len(), phrase: start, opened: None };
        assert_eq!(in_table(text, &name), is_one, "{text}");
    }
}

#[test]
fn a_block_is_no_longer_than_what_is_quoted() {
    let block = |lines: usize| format!("password: |\n{}  {P}\n", format!("  {}\n", "a ".repeat(60)).repeat(lines));
    assert_eq!(found(&block(100)), [(P, "password")]);
    assert_eq!(found(&block(140)), []);
}

#[test]
fn a_strong_name_is_not_weakened_by_the_words_before_it() {
    each_is("secret", &["your stop token: {T}", "the max token: {T}"]);
    each_is("password", &["<password>\n  <![CDATA[{P}]]></password>", "x <password>  {P}  </password>"]);
}
