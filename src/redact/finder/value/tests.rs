//! What a value has to look like to be a secret, row by row.

use super::*;

/// What is decided of a value: none, one that can be guessed (`Some(true)`), one that cannot.
fn says(value: &str, name: Hint, written: Written) -> Option<bool> {
    judge(value, name, written).map(|secret| secret.guessable)
}

/// 32 characters that nobody would take for words.
const RANDOM: &str = "qX7rT2vB9mZkD4wL8sGhJ6yN3pCf5RtW";

#[test]
fn a_value_has_a_least_length_by_its_name_and_how_it_is_written() {
    use Hint::{Likely, Password, Strong, Weak};
    use Written::{Call, Credential, Loose, Quoted, Tight, Words};
    for (name, written, least, value) in [
        (Password, Quoted, 4, "x7!q"),
        (Password, Tight, 4, "x7!q"),
        (Password, Loose, 4, "x7!q"),
        (Password, Call, 4, "x7!q"),
        (Password, Words, 6, "x7!qZ3"),
        (Password, Credential, 6, "x7!qZ3"),
        (Strong, Credential, 6, "x7!qZ3"),
        (Weak, Credential, 6, "x7!qZ3"),
        (Strong, Quoted, 8, "x7!qZ3vK"),
        (Strong, Tight, 8, "x7!qZ3vK"),
        (Strong, Loose, 8, "x7!qZ3vK"),
        (Strong, Words, 16, &RANDOM[..16]),
        (Likely, Quoted, 16, &RANDOM[..16]),
    ] {
        assert_eq!(value.len(), least);
        assert!(judge(value, name, written).is_some(), "{value} {name:?} {written:?}");
        assert_eq!(judge(&value[..least - 1], name, written), None, "{value} {name:?} {written:?}");
    }
    // For a weak name sixteen are enough with two capitals.
    assert!(judge("qXTr27vb9mzkd4wl", Weak, Quoted).is_some());
    assert_eq!(judge("qxtr27vb9mzkd4wz", Weak, Quoted), None);
    assert_eq!(judge("x7!qZ3vKpQ9wB4m", Strong, Words), None);
    assert_eq!(judge("   x7!", Password, Quoted), None, "white space around a value is none of it");
}

#[test]
fn a_value_can_be_guessed_if_it_is_short_or_not_random() {
    use Hint::{Password, Strong};
    use Written::{Credential, Quoted, Tight};
    for (value, name, written, guessable) in [
        ("hunter2hunter2", Password, Quoted, true),
        (&RANDOM[..19], Password, Quoted, true),
        (&RANDOM[..20], Password, Quoted, false),
        (&RANDOM[..19], Strong, Tight, true),
        (&RANDOM[..20], Strong, Tight, false),
        (&RANDOM[..19], Strong, Credential, true),
        (&RANDOM[..20], Strong, Credential, false),
        ("correct7!horse!staple", Password, Quoted, true),
    ] {
        assert_eq!(says(value, name, written), Some(guessable), "{value} {written:?}");
    }
}

#[test]
fn what_stands_beside_a_marker_is_judged_by_itself() {
    let marker = "[REDACTED:github-token:0123abcd]";
    let of = |value: &str| judge(value, Hint::Password, Written::Quoted).is_some();
    assert!(!of(marker));
    assert!(!of(&format!("{marker}ab7")), "three letters are none");
    assert!(!of(&format!("{marker}ab7!")) && of("ab7!"));
    assert!(of(&format!("{marker}abc7!x")));
    assert!(of(&format!("{marker}   abc7!x  ")));
    assert!(!of(&format!("{marker}$PASSWORD")));
    assert!(of("[REDACTED:Fake7pass!"), "what only begins like a marker hides nothing");
}

#[test]
fn a_password_is_a_word_only_where_nothing_else_can_stand() {
    use Written::{Call, Loose, Quoted, Tight, Words};
    let rows = [
        // value, tight, quoted, loose
        ("zebra", true, true, false),
        ("zebr", false, false, false),
        ("zebras", true, true, true),
        ("ZEBRAS", true, false, false),
        ("Zebras", false, false, false),
        ("passwort", false, false, false),
    ];
    for (value, tight, quoted, loose) in rows {
        let of = |written| says(value, Hint::Password, written);
        assert_eq!(of(Tight), tight.then_some(true), "{value}=");
        assert_eq!(of(Quoted), quoted.then_some(true), "\"{value}\"");
        assert_eq!(of(Loose), loose.then_some(true), "{value}:");
        assert_eq!(of(Words), None, "{value} in a sentence");
        assert_eq!(of(Call), None, "{value} in a call");
    }
}

#[test]
fn a_password_is_not_what_forms_and_programs_say() {
    for value in [
        "Enter your password",
        "mot de passe oubli\u{e9}",
        "\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}",
        "verg\u{e4}ss",
        "verg\u{e4}ss det",
        "at least 8 chars!",
        "must have!",
        "1 2 3 4 ab!",
        "userPassword",
        "user_password",
        "user-password",
        "new_password",
        "12345",
        "4821",
    ] {
        assert_eq!(judge(value, Hint::Password, Written::Quoted), None, "{value}");
    }
    for value in
        ["482915", "two words7", "48!1", "4821a", "Passw0rd97", "user_passw0rd", "p\u{e4}ssw\u{f6}rt7", "a b c7d"]
    {
        assert_eq!(says(value, Hint::Password, Written::Quoted), Some(true), "{value}");
    }
}

#[test]
fn a_passphrase_is_four_words_without_a_capital_between_quotes() {
    let of = |value, written| says(value, Hint::Password, written);
    assert_eq!(of("otter copper falcon maple", Written::Quoted), Some(true));
    assert_eq!(of("otter copper 55 falcon maple", Written::Quoted), Some(true));
    for (value, written) in [
        ("otter copper falcon", Written::Quoted),
        ("otter copper falcon maple", Written::Loose),
        ("otter copper falcon maple", Written::Tight),
        ("Otter copper falcon maple", Written::Quoted),
        ("otter, copper, falcon, maple", Written::Quoted),
        ("otter copper falcon m\u{e4}ple", Written::Quoted),
        ("otter copper for maple", Written::Quoted),
        ("otter copper falcon donaudampfschifffahrtsgesellschaft", Written::Quoted),
    ] {
        assert_eq!(of(value, written), None, "{value} {written:?}");
    }
    assert!(
        of("otter copper falcon rindfleischetikettierungsueberwa", Written::Quoted).is_some(),
        "32 bytes are a word"
    );
}

#[test]
fn a_password_in_a_sentence_is_no_word_of_it() {
    for value in ["hunter22", "Fake9!", "aB3$xy", "qwerty12", "p4ssw0rd", "tr0ub4dor&3", "Zebra!"] {
        assert_eq!(says(value, Hint::Password, Written::Words), Some(true), "{value}");
    }
    for value in [
        "manager",
        "MANAGER",
        "manager-service",
        "hash22x",
        "sha256",
        "utf8x",
        "--force7!",
        "h\u{fc}nter22",
        "a/b.c:d-e_f",
        "hunter 22",
        "bcrypt2",
    ] {
        assert_eq!(judge(value, Hint::Password, Written::Words), None, "{value}");
    }
}

#[test]
fn a_token_is_more_than_words_and_numbers() {
    let quoted = |value| says(value, Hint::Strong, Written::Quoted);
    for value in [
        "abcd1234",
        "otte-!word",
        "0123456789abcdef",
        "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
        "1234567890123456",
        "qwrtzpsdfghjklxcvbnm",
        "xKwQpZrTbNmLkJhG",
        "ab12 cd34",
    ] {
        assert!(quoted(value).is_some(), "{value}");
    }
    for value in [
        "12345678",
        "123456789012345",
        "1234-5678-9012-34",
        "authentication",
        "authenticationsecurity",
        "db-credentials-prod",
        "refresh-token-2024",
        "two words",
        "ab1 cdef2",
        "a1 b2 c3 d4",
        "accessTokenProvider",
        "qwrtzpsdfghjklxcvbn",
        "AccessTokenLifetime",
    ] {
        assert_eq!(quoted(value), None, "{value}");
    }
}

#[test]
fn twelve_words_between_quotes_are_the_seed_of_a_wallet() {
    let twelve = "otter copper falcon maple river stone cloud ember frost grain hazel ivory";
    assert_eq!(says(twelve, Hint::Strong, Written::Quoted), Some(false));
    assert_eq!(judge(twelve, Hint::Strong, Written::Loose), None);
    assert_eq!(judge(&twelve[..twelve.len() - 6], Hint::Strong, Written::Quoted), None, "eleven");
    assert_eq!(judge(&twelve.replace("otter", "Otter"), Hint::Strong, Written::Quoted), None);
    assert_eq!(judge(&[twelve; 5].join(" "), Hint::Strong, Written::Quoted), None, "a text");
}

#[test]
fn a_token_in_a_sentence_is_random() {
    let of = |value| judge(value, Hint::Strong, Written::Words).is_some();
    assert!(of("qXkrTzvBwmZkDw27"));
    assert!(of("qXkrTzvBwmZkDwL2"), "one digit among letters");
    assert!(!of("qXkr-zvBwmZkDwL2"), "one digit among others");
    assert!(of("qXkr-zvBwmZkDw27"));
    assert!(!of("qXkrTzvBwmZkDwLs"), "no digit");
    assert!(!of("refresh-token-service-2"));
}

#[test]
fn a_key_is_random_and_neither_id_nor_digest() {
    let weak = |value| judge(value, Hint::Weak, Written::Quoted).is_some();
    let likely = |value| judge(value, Hint::Likely, Written::Quoted).is_some();
    let hex32 = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
    for (value, is_weak, is_likely) in [
        (RANDOM, true, true),
        (hex32, true, true),
        ("0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d", false, true),
        ("6f9619ff-8b86-d011-b42d-00cf4fc964ff", false, true),
        ("sha256:0a1b2c3d4e5f60718293a4b5c6d7e8f9", false, false),
        ("sha512-qX7rT2vB9mZkD4wL8sGhJ6yN3pCf5RtW==", false, false),
        ("cache-key-for-users-2024", false, false),
        ("qX7rT2vB9mZ kD4wL8sGhJ6yN3pC", false, false),
        // user:password
        ("dXNlcjpmYWtlcGFzcw==", true, true),
    ] {
        assert_eq!(weak(value), is_weak, "weak {value}");
        assert_eq!(likely(value), is_likely, "likely {value}");
        assert_eq!(judge(value, Hint::Likely, Written::Call), None, "{value}");
        assert_eq!(judge(value, Hint::Weak, Written::Call), None, "{value}");
    }
    let sentence = |value| judge(value, Hint::Weak, Written::Words).is_some();
    assert!(sentence(RANDOM));
    assert!(!sentence(&RANDOM[..31]));
    assert!(!sentence("qX7rT2vB9mZkD4wL8sGhJ6yN3pCf5Rt-"));
    assert!(!sentence(hex32));
    assert!(!sentence("qXArTKvBWmZkDTwLPsGhJCyNHpCfFR78"), "two digits");
    assert!(sentence("qXArTKvBWmZkDTwLPsGhJCyNHpCfF789"), "three digits");
}

#[test]
fn a_credential_of_a_header_is_anything_but_a_short_word() {
    let of = |value| says(value, Hint::Strong, Written::Credential);
    assert_eq!(of("abc123"), Some(true));
    assert_eq!(of("zebras"), None);
    assert_eq!(of("authentication"), None);
    assert_eq!(of("ab-cd-ef"), Some(true));
    assert_eq!(of("ab-cd-e"), None);
    assert_eq!(of(RANDOM), Some(false));
}

#[test]
fn a_reference_is_no_value() {
    for value in [
        "$TOKEN",
        "${TOKEN:-x!}",
        "$(pass show x!)",
        "$[x!]",
        "$env:TOKEN!",
        "$this->config[x]/@{a}.b",
        "$a.b:c-d>e[f]/g@h$i{j}",
        "%TOKEN%",
        "{{ token! }}",
        "<token!>",
        "!Ref Token!",
        "!a!",
        "{% token! %}",
        "{$token!",
        "{\"a\": 1",
        "{'a': 1",
        "{token}",
        "{config.token}",
        "{TOKEN:?x!}",
        "@{token!",
        "@(token!",
        "#{token!",
        "`token!",
        "() => x!",
        "[] = x!",
        "{} = x!",
        "HTTPS://x.example/!",
        "C:\\x!",
        "/home/x!",
        "~/x!",
        "./x!",
        "../x!",
        "https://x!",
        "arn:x!",
        "AAAAB3NzaC1x!",
        "AAAAC3NzaC1x!",
        "AAAAE2VjZHNhx!",
        "AAAAGx!",
        "AAAAIx!",
        "env:x!",
        "tag:x!",
        "urn:x!",
        "file:x!",
        "vault:x!",
        "op://x!",
        "ref+x!",
        ".*!",
        "[^!",
        ".+!",
        "\\S!",
        "\\w!",
        "([!",
        "(.!",
        "(?!",
    ] {
        assert!(is_reference(value), "{value}");
        assert_eq!(judge(value, Hint::Password, Written::Quoted), None, "{value}");
    }
    for value in [
        "$ecret!word",
        "$2y$10$abc!=",
        "%a b%",
        "%token",
        "{a!b}",
        "{abc",
        "!7abc",
        "@token",
        "#token",
        "(abc",
        "[abc",
        "Bc:x!",
        "Token1",
        "AAAAX",
        "envx",
        "opx",
        "\\d!",
        "plain7",
    ] {
        assert!(!is_reference(value), "{value}");
    }
}

#[test]
fn a_placeholder_is_no_value() {
    for value in [
        "",
        "aaaaaaaa",
        "\u{2022}\u{2022}\u{2022}\u{2022}",
        "***7!",
        "xxxx7!",
        "XXXX7!",
        "....7!",
        "\u{2026}7!",
        "x7!REDACTED]",
        "x7![REDACTED",
        "[FILTERED7!",
        "[MASKED7!",
        "[redacted7!",
        "[HIDDEN7!",
        "0ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz123456789",
        "x%d:%d!",
        "ab7!q...",
        "...ab7!q",
        "null",
        "(NULL)",
        "<changeme>",
        "---.",
        "YOUR_API_KEY",
        "your-token-here",
        "insert key",
        "fake_secret",
    ] {
        assert!(is_placeholder(value), "{value}");
    }
    let alphabets = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    assert!(is_placeholder(alphabets));
    assert!(is_placeholder(&format!("{alphabets}{}", "0".repeat(27))));
    for value in [
        "aaaaaaab",
        "**7!",
        "xxx7!",
        "[HIDE7!",
        "x%d:7!",
        "j1V%d5K:h1S%d2",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "YOURAPIKEY",
        "your_key_7",
        "zebra_otter",
    ] {
        assert!(!is_placeholder(value), "{value}");
    }
    assert!(!is_placeholder(&format!("{alphabets}{}", "0".repeat(28))));
    assert!(is_placeholder(&format!("{}...", "ab7!".repeat(9))));
    assert!(!is_placeholder(&format!("{}a...", "ab7!".repeat(9))), "40 bytes are a value that ends so");
    assert!(is_placeholder(&format!("your_{}", "a".repeat(59))));
    assert!(!is_placeholder(&format!("your_{}", "a".repeat(60))), "65 bytes are no words");
    assert!(!is_placeholder(&format!("n{}", "u".repeat(40))));
}

#[test]
fn a_word_of_a_list_is_found_in_any_case_and_only_as_a_whole() {
    let list = list!("alpha beta abcdefghijklmnopqrstuvwxyzabcdef");
    assert!(list.has("alpha") && list.has("BETA") && list.has("abcdefghijklmnopqrstuvwxyzABCDEF"));
    assert!(!list.has("alph") && !list.has("alphabeta") && !list.has("") && !list.has(&"a".repeat(33)));
}

#[test]
fn a_call_is_known_by_its_name_or_by_how_it_ends() {
    use Written::{Loose, Tight};
    for (value, written, is) in [
        ("a::b", Loose, true),
        ("a::b", Tight, false),
        ("f(x)", Loose, true),
        ("f(x)", Tight, false),
        ("f[x];", Loose, true),
        ("f(x)?", Loose, true),
        ("f(x)}", Loose, true),
        ("f(x),", Loose, true),
        ("f(x", Loose, false),
        ("fx)", Loose, false),
        ("config.get(x", Tight, true),
        ("other.get(x", Tight, false),
        ("config(x", Tight, false),
        ("(x", Tight, false),
        ("config.token;", Tight, true),
        ("config.token)", Tight, true),
        ("config.token:", Tight, true),
        ("config.token", Tight, true),
        ("config;", Tight, false),
        ("other.token;", Tight, false),
    ] {
        assert_eq!(is_call(value, written), is, "{value} {written:?}");
    }
}

#[test]
fn an_expression_is_no_value() {
    use Written::{Loose, Quoted, Tight};
    for (value, written, is) in [
        ("os.getenv(x", Tight, true),
        ("ENV[x", Tight, true),
        ("Option<x", Tight, true),
        ("p!w(x", Tight, false),
        ("(x", Tight, false),
        ("a=>b", Tight, true),
        ("a->b", Tight, true),
        ("a::b", Tight, true),
        ("a??b", Tight, true),
        ("a||b", Tight, true),
        ("a&&b", Tight, true),
        ("a&b", Tight, false),
        ("*mut", Loose, true),
        ("#display", Loose, true),
        ("&some_name", Loose, true),
        ("*mut", Tight, false),
        ("*Mut7", Loose, false),
        ("version=", Tight, true),
        ("version=", Quoted, false),
        ("aVersionOfThings=", Tight, false),
        ("ver!sion=", Tight, false),
        ("config.token7", Tight, true),
        ("other.token", Tight, true),
        ("other.thing7", Tight, false),
        ("other.thing7", Loose, false),
        ("other.thing", Loose, true),
        ("other.thing", Tight, false),
        ("other.thing;)!?", Loose, true),
        ("user_password", Tight, true),
        ("accessToken,", Tight, true),
        ("user_passw0rd", Tight, false),
        ("zebra", Loose, false),
        ("ByteStream", Loose, true),
        ("ByteStream", Tight, false),
        ("byteStream", Loose, false),
        ("ByteStrea", Loose, false),
        ("Byte_Stream", Loose, false),
        ("Stream", Loose, false),
    ] {
        assert_eq!(is_expression(value, written), is, "{value} {written:?}");
    }
    for end in ["String", "Type", "Provider", "Credentials", "Builder"] {
        assert!(has_suffix_of_type(&format!("Some{end}")), "{end}");
    }
    assert!(!has_suffix_of_type("Something"));
}

#[test]
fn dates_versions_addresses_hosts_and_files_are_plain_things() {
    let is = |value| is_plain_thing(value, Made::of(value));
    for value in [
        "bob@example.com",
        "db.example.com",
        "db.example.com:5432",
        "db-1.internal/app",
        "1.2.3",
        "2026-08-01",
        "2026-08-01T12:00:00Z",
        "10.0.0.1/8,+1_2",
        "server.key",
        "certs/server-1_a.pem",
        "1,2",
    ] {
        assert!(is(value), "{value}");
    }
    for value in [
        "bob7@example.com",
        "@example.com",
        "bob@example",
        "db.example.zzz",
        "db!x.com",
        "12345678",
        "....",
        "1234567+12345678",
        ".key",
        "ser!ver.key",
        "server.zzz",
        "1.2 a",
        "2026-08-01x",
    ] {
        assert!(!is(value), "{value}");
    }
    assert!(is("1234567+1234567"), "fifteen");
    assert!(is("1234567890:12345678"));
}

#[test]
fn a_host_ends_with_a_domain() {
    for value in ["a.com", "a-b.c.io", "a.dev:80", "a.de/x!", "A.COM"] {
        assert!(is_host(value), "{value}");
    }
    for value in ["com", "a.zzz", "a_b.com", "a!b.com", "a:80.com", ""] {
        assert!(!is_host(value), "{value}");
    }
}

#[test]
fn a_path_begins_like_one() {
    for value in ["~/x", "./x", "../x", "/home/qX7rT2vB9mZkD4wL8sGhJ6", "/srv/x", "/x/y", "c:\\x", "Z:\\"] {
        assert!(is_path(value), "{value}");
    }
    for value in ["~x", ".x", "x/y", "c:/x", "7:\\x", "/qX7rT2vB9mZkD4wL8sGhJ6", "/qX7r/T2vB9mZkD4wL8sGhJ6"] {
        assert!(!is_path(value), "{value}");
    }
}

#[test]
fn a_link_has_a_scheme() {
    for value in ["ab://", "https://x", "jdbc:postgresql://x", "svn+ssh://x", "a.b-c7://x"] {
        assert!(is_link(value), "{value}");
    }
    for value in ["a://x", "://x", "https:/x", "a!b://x", "abcdefghijklmnopqrstuvwxy://x"] {
        assert!(!is_link(value), "{value}");
    }
    assert!(is_link("abcdefghijklmnopqrstuvwx://x"), "24 bytes");
}

#[test]
fn identifiers_are_letters_digits_and_hyphens_and_may_have_dots_between_them() {
    for (value, identifier, dotted) in [
        ("token", true, true),
        ("a_b-c7", true, true),
        ("_x", true, true),
        ("-x", true, false),
        ("7x", false, false),
        ("", false, false),
        ("a b", false, false),
        ("a.b", false, true),
        ("a:b", false, true),
        ("a?.b!.c", false, true),
        ("a..b", false, true),
        ("a.$b", false, true),
        ("$a.b", false, true),
        ("&a.b", false, true),
        ("*a", false, true),
        ("!a", false, true),
        ("@a", false, true),
        ("+a", false, true),
        ("a.7b", false, false),
        ("a.b c", false, false),
        (".a", false, false),
        ("&", false, false),
    ] {
        assert_eq!(is_identifier(value), identifier, "{value}");
        assert_eq!(is_dotted(value), dotted, "{value}");
    }
}

#[test]
fn a_slug_is_mostly_words_and_short_numbers() {
    for value in [
        "db-credentials",
        "password-reset-2026-08",
        "a.b/c:d@e",
        "us-east-1",
        "ABC-DEF",
        "release_12345678",
        "kubernetes-service-x7",
    ] {
        assert!(is_slug(value), "{value}");
    }
    for value in [
        "db credentials",
        "db-cr\u{e9}dentials",
        "db+credentials",
        "xqzrtw-bvnmkl",
        "aBc-dEf",
        "release_123456789",
        "x7x-q9q",
    ] {
        assert!(!is_slug(value), "{value}");
    }
}

#[test]
fn words_are_cut_where_capitals_begin_and_counted_by_their_bytes() {
    for (value, bytes) in [
        ("", 0),
        ("password", 8),
        ("userPassword", 12),
        ("UserPassword", 12),
        ("user_password", 12),
        ("HTTPServer", 0),
        ("SERVER", 6),
        ("abc", 0),
        ("xkcd", 0),
        ("token7", 5),
        ("7token7", 5),
        ("aeiou", 5),
        ("strength", 0),
        ("aqqa", 0),
        ("t\u{e9}l\u{e9}phone", 5),
    ] {
        assert_eq!(wordy(value), bytes, "{value}");
    }
    for (value, mixed) in [("aB", true), ("ab", false), ("AB", false), ("7", false)] {
        assert_eq!(mixes_case(value), mixed, "{value}");
    }
    // Six bytes of ten, seven of ten.
    assert!(is_camel("token12345".get(..8).unwrap()) && !is_camel("token1234"));
    assert!(has_word("token77") && !has_word("token777"));
}

#[test]
fn a_piece_reads_if_it_has_vowels_and_no_pairs_that_words_do_not_have() {
    for (piece, is) in [
        ("word", true),
        ("wor", false),
        ("wor7", false),
        ("typing", true),
        ("bcdf", false),
        ("rstlnr", false),
        ("abcdfg", false),
        ("instr", true),
        ("constr", true),
        ("strings", false),
        ("astrst", false),
        ("jacquard", false),
        ("jackboots", true),
        ("jackbootsxq", false),
        ("authentication", true),
        ("ajqe", false),
        ("pajamasxqe", false),
    ] {
        assert_eq!(reads(piece.as_bytes()), is, "{piece}");
    }
}

#[test]
fn what_looks_random_is_long_mixed_and_no_words() {
    for value in [
        RANDOM,
        "qX7rT2vB9mZkD4wL",
        "0a1b2c3d4e5f60718293",
        "0A1B2C3D4E5F60718293",
        "qXwRtZvBnMzKdFwL",
        "12345678901234xK",
        "xkqz-rtwv-bnml-77",
    ] {
        assert!(looks_random(value), "{value}");
    }
    for value in [
        "qX7rT2vB9mZkD4w",
        "qX7rT2vB9mZ kD4wL8",
        "qX7rT2vB9mZ\u{e9}D4wL8",
        "qxwrtzvbnmzkdfwl",
        "qxwrtzvbnmzkdfwX",
        "123456789012345678",
        "12345678901234567x",
        "0a0a0a0a0a0a0a0a",
        "service-account-2024-08",
        "getElementsByClassName12",
    ] {
        assert!(!looks_random(value), "{value}");
    }
    assert_eq!(distinct("abcabc"), 3);
    assert_eq!(distinct(""), 0);
}

#[test]
fn hex_uuids_and_digests_are_told_by_their_form() {
    assert!(is_hex("0123456789abcdef", 16) && is_hex("0123456789ABCDEF", 16) && is_hex("12", 2));
    assert!(!is_hex("0123456789abcdef", 17) && !is_hex("0123456789abcdeF", 16) && !is_hex("0123456789abcdeg", 16));
    assert!(is_uuid("6f9619ff-8b86-d011-b42d-00cf4fc964ff"));
    for none in [
        "6f9619ff-8b86-d011-b42d-00cf4fc964f",
        "6f9619ff-8b86-d011-b42d-00cf4fc964ffa",
        "6f9619ff08b86-d011-b42d-00cf4fc964ff",
        "6f9619ff-8b8600d011-b42d-0cf4fc964ff",
        "6f9619ff-8b86-d01100b42d-0cf4fc964ff",
        "6f9619ff-8b86-d011-b42d000cf4fc964ff",
        "gf9619ff-8b86-d011-b42d-00cf4fc964ff",
    ] {
        assert!(!is_uuid(none), "{none}");
    }
    for name in ["sha1", "sha224", "sha256", "sha384", "sha512", "md5", "blake2", "blake3", "h1", "SHA256"] {
        for mark in [":", "-", "=", "$"] {
            assert!(is_digest(&format!("{name}{mark}x")), "{name}{mark}");
        }
        assert!(!is_digest(&format!("{name}.x")) && !is_digest(&format!("x{name}:x")));
    }
}

#[test]
fn base64_of_a_user_and_a_password_has_a_colon_and_no_control_character() {
    // bob:fake~pass?>, with `+`, `/` and what stands for them in URLs
    for value in ["dXNlcjpmYWtlcGFzcw==", "dXNlcjpmYWtlcGFzcw", "Ym9iOn5+Pz8/", "Ym9iOn5-Pz8_", "YTpi"] {
        assert!(is_base64_pair(value), "{value}");
    }
    for (value, what) in [
        ("dXNlcmZha2VwYXNz", "no colon"),
        ("dXNlcjpmYWtl!GFzcw==", "no base64"),
        ("YTpiAAAA", "a zero"),
        ("YTpiHw==", "the last control character"),
        ("YTpifw==", "delete"),
        ("", "nothing"),
    ] {
        assert!(!is_base64_pair(value), "{what}");
    }
    assert!(is_base64_pair("YTpiIA=="), "a space");
}

#[test]
fn only_the_beginning_of_a_long_value_is_judged() {
    let long = format!("{}{}", RANDOM.repeat(32), " prose behind it".repeat(8));
    assert_eq!(long.len() - 16 * 8, MAX_JUDGED);
    assert_eq!(says(&long, Hint::Strong, Written::Quoted), Some(false));
    assert_eq!(says(&long[1..], Hint::Strong, Written::Quoted), Some(true), "a space is seen");
}

#[test]
fn a_token_with_marks_is_no_identifier() {
    let of = |value| says(value, Hint::Strong, Written::Quoted);
    for value in ["abcd!efghi", "abcd1efghi", "xKwqPzRtbnMlkJhg"] {
        assert!(of(value).is_some(), "{value}");
    }
    for value in ["abcdwefghi", "abcd-efghi", "xKwqPzRtbnMlkJh", "ABCDEFGHIJKLMNOP"] {
        assert_eq!(of(value), None, "{value}");
    }
}

#[test]
fn what_looks_random_is_long_mixed_and_not_words() {
    for value in
        ["a1b2c3d4e5f60718", "qX7rT2vB9mZkD4wL", "xKwQpZrTbNmLkJhG", "11111111111111111122aa", "qwrtzpsdfghjkl12"]
    {
        assert!(looks_random(value), "{value}");
    }
    for value in [
        "qX7rT2vB9mZkD4w",
        "qX7rT2vB 9mZkD4wL",
        "qX7rT2vB\u{e9}9mZkD4wL",
        "qwrtzpsdfghjklx1",
        "qwrtzpsdfghjKLx1",
        "QWRTZPSDFGHJklX1",
        "1234567890123456",
        "12345678901234a6",
        "abababab12121212",
        "db-credentials-2024",
        "authentication77service",
    ] {
        assert!(!looks_random(value), "{value}");
    }
}

#[test]
fn base64_of_either_alphabet_may_be_a_pair() {
    // `user:~~~???` and `>>>:abc`, with marks for 62 and 63.
    for value in ["dXNlcjp+fn4/Pz8=", "dXNlcjp-fn4_Pz8", "Pj4+OmFiYw==", "QTpB", "ejp6", "YTE6YmI=", "YTo5OTk5"] {
        assert!(is_base64_pair(value), "{value}");
    }
    for value in ["Pj4+YWJj", "QUFB", "enp6", "QTpB!"] {
        assert!(!is_base64_pair(value), "{value}");
    }
}
