//! Secrets as people write them down, whatever around, and what only looks like one.

use super::*;

/// What is masked in a text.
fn found(text: &str) -> Vec<String> {
    Finder::default().find(text).iter().map(|found| text[found.span.clone()].to_owned()).collect()
}

/// `{P}` is a password that a person made up, `{T}` a token.
fn each_is_found(templates: &[&str]) {
    let password = ["Fake", "Passw0rd", "97"].concat();
    let token = ["FAKE0qX7", "rT2vB9mZ", "kD4wL8sG", "hJ6yN3pC"].concat();
    for template in templates {
        let text = template.replace("{P}", &password).replace("{T}", &token);
        let secret = if template.contains("{P}") { &password } else { &token };
        assert_eq!(found(&text), [secret.as_str()], "{text}");
    }
}

fn each_stays(texts: &[&str]) {
    for text in texts {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}

#[test]
fn a_value_is_found_in_markup_and_tables() {
    each_is_found(&[
        "**Password:** {P}",
        "**Password**: `{P}`",
        "| Password | `{P}` |",
        "Password.........: {P}",
        "<wsse:Password Type=\"x\">{P}</wsse:Password>",
        "<password><![CDATA[{P}]]></password>",
        "&lt;password&gt;{P}&lt;/password&gt;",
        "<entry key=\"db.password\">{P}</entry>",
        "<property name=\"password\"><value>{P}</value></property>",
        "<key>APIToken</key><string>{T}</string>",
        "<input type=\"password\" name=\"pw\" value=\"{P}\">",
        "\u{201c}password\u{201d}: \u{201c}{P}\u{201d}",
    ]);
    each_stays(&[
        "| password | string | yes | The user's password |",
        "**Password:** minimum 12 characters",
        "<label for=\"password\">Password</label>",
        "<secret name=\"db-secret2\"/>",
        "<input type=\"password\" name=\"password\" placeholder=\"Your password\">",
        "<property name=\"passwordEncoder\" ref=\"bcryptPasswordEncoder\"/>",
    ]);
}

#[test]
fn a_value_is_found_inside_what_describes_it() {
    each_is_found(&[
        "{\"password\": [\"{P}\"]}",
        "{\"password\":{\"S\":\"{P}\"}}",
        "\"db_password\": {\n  \"sensitive\": true,\n  \"type\": \"string\",\n  \"value\": \"{P}\"\n}",
        "variable \"db_password\" {\n  type    = string\n  default = \"{P}\"\n}",
        "{\"id\":\"x\",\"label\":\"password\",\"value\":\"{P}\"}",
        "- name: API_TOKEN\n  value: {T}",
        "PASSWORD: Final[str] = \"{P}\"",
        "password = \"\"\"{P}\"\"\"",
        "password: !!str {P}",
    ]);
    each_stays(&[
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef: {name: db}\n- name: STAGE\n  value: production1",
        "\"password\": {\"type\": \"string\", \"minLength\": 8}",
        "\"password\": [\"This field may not be blank.\"]",
        "variable \"db_password\" {\n  sensitive = true\n}\nvariable \"stage\" {\n  default = \"production2\"\n}",
    ]);
}

#[test]
fn a_value_is_found_in_a_sentence_of_any_language() {
    each_is_found(&[
        "the token for staging: {T}",
        "password (for test env) is {P}",
        "Please use the following password to proceed: {P}",
        "use {P} as the password",
        "Password - {P}",
        "Das Passwort lautet: {P}",
        "la contrase\u{f1}a es {P}",
        "le mot de passe est {P}",
        "has\u{142}o: {P}",
        "\u{5bc6}\u{7801}\u{662f} {P}",
        "credentials for staging: admin / {P}",
        "default creds admin/{P}",
        "redis> AUTH {P}",
        "username admin secret {P}",
    ]);
    each_stays(&[
        "use Argon2id as the password hasher",
        "password for user bob: (not shown)",
        "Enter passphrase for key '/home/bob/.ssh/id_ed25519':",
        "--- PASS: TestTokenRefresh2 (0.01s)",
        "Pass allow_yanked=False so that it is not suggested",
        "login with admin / viewer roles",
        "\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}\u{306f}8\u{6587}\u{5b57}\u{4ee5}\u{4e0a}",
        "vault kv get -field=password kv/prod2/db",
        "vault login -method=oidc role=dev2",
        "did:key:z6MkFAKE0qX7rT2vB9mZkD4wL8sGhJ6yN3pC",
    ]);
}

#[test]
fn an_expression_is_no_value_however_random_its_names_look() {
    each_stays(&[
        "let key = CFString::wrap_under_get_rule(kSecPaddingKey);",
        "params.key_usages = EE_KEY_USAGES.to_vec();",
        "fn f(password: *mut u8, token: ::windows::core::PCWSTR) {}",
        "if password != confirm_password2 {",
        "warn!(\"unexpected token: {event:?}\");",
        "environment { API_KEY = credentials('api-key-prod2') }",
        "pub log_passwd: __u32,",
        "(identified by `start` and `end1`)",
    ]);
}

#[test]
fn what_looks_random_is_told_from_words_by_its_pairs_of_letters() {
    for random in
        ["A7cixu2IBgdLpdoiwHukQtUccejr094Q", "fake0bgdlpdoiw1hukqtccejrqxz2vbw", "FAKE3QJXW4ZKVB5GTPD6HCMFRL7WNSYX"]
    {
        assert!(value::looks_random(random), "{random}");
    }
    for words in [
        "AuthenticationTokenRefreshInterval2024",
        "kubernetes_service_account_42_name7",
        "getElementsByClassNameOrIdentifier12",
    ] {
        assert!(!value::looks_random(words), "{words}");
    }
}

#[test]
fn a_passphrase_is_no_sentence() {
    each_stays(&["\"password\": \"must be at least 8 characters\"", "password = \"please enter it in the form\""]);
    assert_eq!(found("\"passphrase\": \"otter copper 55 falcon maple\""), ["otter copper 55 falcon maple"]);
}

#[test]
fn a_command_behind_a_failure_is_one() {
    each_is_found(&[
        "Error: Command failed with exit code 92: http -a bob:{P} https://example.com",
        "Error: Command failed with exit code 1: security unlock-keychain -p {P}",
        "Exit code 1: net user bob {P}",
        "RUN echo \"root:{P}\" | chpasswd",
        "echo {P} | p4 login",
        "db.example.com:5433:app:bob:{P}",
    ]);
    each_stays(&["kubectl describe secret default-token-x2k9p"]);
}

#[test]
fn a_password_is_found_in_any_language() {
    each_is_found(&[
        "mein Passwort ist {P}",
        "La clave es {P}",
        "mot de passe du serveur : {P}",
        "\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}\u{306f}{P}\u{3067}\u{3059}",
        "\u{5bc6}\u{7801}\u{662f}{P}\u{ff0c}\u{8c22}\u{8c22}",
        "\u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c} \u{2014} {P}",
        "\u{be44}\u{bc00}\u{bc88}\u{d638}\u{b294} {P} \u{c785}\u{b2c8}\u{b2e4}",
        "m\u{1ead}t kh\u{1ea9}u l\u{e0} {P}",
        "kata sandi: {P}",
        "lozinka: {P}",
        "password di root: {P}",
        "the password's {P}",
        "minha senha do banco \u{e9} {P}",
        "password (temporary): {P}",
        "password [bob]: {P}",
    ]);
    each_stays(&[
        "La clave es importante",
        "\u{5bc6}\u{7801}\u{662f}\u{5fc5}\u{586b}\u{9879}",
        "lozinka: obavezno polje",
    ]);
}

#[test]
fn what_was_changed_is_found_before_and_after() {
    let (old, new) = (["Old", "Passw0rd", "97"].concat(), ["New", "Passw0rd", "98"].concat());
    for text in ["changed the password from {O} to {N}.", "  ~ password = \"{O}\" -> \"{N}\""] {
        let text = text.replace("{O}", &old).replace("{N}", &new);
        assert_eq!(found(&text), [old.as_str(), new.as_str()], "{text}");
    }
    each_is_found(&["Password reset to {P} for bob", "Reset the password for bob to {P}", "password changed to {P}."]);
    each_stays(&["reads the password from stdin to check it", "password = \"\" -> \"(sensitive value)\""]);
}

#[test]
fn a_phrase_of_words_is_found_behind_a_name_that_means_words() {
    let phrase = "correct horse battery staple";
    let wallet = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    for text in ["the passphrase is {}", "my passphrase: \"{}\"", "passphrase: {}\nnext"] {
        assert_eq!(found(&text.replace("{}", phrase)), [phrase], "{text}");
    }
    for text in ["seed phrase: {}", "My wallet seed is {}", "MNEMONIC={}", "mnemonic: \"{}\"", "recovery phrase:\n{}"] {
        assert_eq!(found(&text.replace("{}", wallet)), [wallet], "{text}");
    }
    each_stays(&[
        "the passphrase is used to encrypt the key",
        "Passphrase: never stored anywhere",
        "seed: one two three",
        "the seed is chosen by the runner when none was given on the command line of the tests here",
        "mnemonic: the name of an instruction",
    ]);
}

#[test]
fn a_code_of_one_time_is_found() {
    for (text, codes) in [
        ("your verification code is {}", &["314159"][..]),
        ("PIN: {}", &["4711"]),
        ("2FA code: {}.", &["271828"]),
        ("Recovery codes:\n- {}", &["8f3k-29dk-1m4x", "7xq2-mm39-pl0a"]),
        ("backup code {}", &[]),
    ] {
        let text = text.replace("{}", &codes.join("\n- "));
        assert_eq!(found(&text), codes, "{text}");
    }
    each_stays(&[
        "pin: 13",
        "the pin is connected to 5 volts",
        "GPIO pin: 2024-01-01",
        "spin: 123456",
        "the verification code checks 1234 signatures",
    ]);
}

#[test]
fn a_secret_in_base64_is_found_whole_whatever_stands_in_it() {
    let secret = ["PKWOT+", "XI1weHKaI", "xpS3FY0bxD4BdUfd", "KJPfaxjIAM1X6ffi89ESvULwRB9s"].concat();
    for text in ["ENV['SECRET'] = '{}'", "api_key: \"{}\"", "TOKEN={}"] {
        assert_eq!(found(&text.replace("{}", &secret)), [secret.as_str()], "{text}");
    }
}

#[test]
fn what_names_something_with_a_digest_stays() {
    each_stays(&[
        "cache key: node-modules-v2-8f14e45fceea167a5a36dedd4bea2543",
        "Cache restored from key: Linux-npm-8f14e45fceea167a5a36dedd4bea2543aabbccdd",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db2-AbCdEf",
    ]);
}

#[test]
fn what_is_percent_encoded_with_plus_signs_is_read() {
    each_is_found(&["q=password+%3D+%27{P}%27", "q=%22api_key%22%3A+%22{T}%22", "body=token+%3D+{T}&x=1"]);
}

#[test]
fn a_login_of_sumo_logic_has_no_open_half() {
    let id = ["su", "FAKEabcd", "EfgH"].concat();
    let key = "FakeFakeFakeFak9".repeat(4);
    for text in [
        format!("curl -u {id}:{key} https://x"),
        format!("export SUMO_ACCESS_ID={id}"),
        format!("helm install x y --set sumologic.accessId={id}"),
    ] {
        let found = Finder::default().find(&text);
        assert!(found.iter().any(|found| text[found.span.clone()] == id), "{text}");
    }
}

#[test]
fn what_a_variable_is_used_for_makes_it_secret_in_each_string_of_the_text() {
    let secret = ["Fake", "Passw0rd", "97"].concat();
    let text = format!(r#"{{"bash_command":"x={secret};","full_command":"x={secret}; curl -u bob:$x https://y"}}"#);
    assert_eq!(Finder::default().find(&text).len(), 2);
    let text = text.replace("curl -u bob:$x", "cat $x");
    assert_eq!(Finder::default().find(&text), []);
}

#[test]
fn a_patch_of_a_secret_is_one() {
    let secret = ["RmFrZUZh", "a2VGYWtl", "UGFzc3c5", "Nw=="].concat();
    let text = format!(r#"[{{"op":"replace","path":"/data/password","value":"{secret}"}}]"#);
    assert_eq!(Finder::default().find(&text).len(), 1);
    assert_eq!(Finder::default().find(r#"[{"op":"replace","path":"/spec/replicas","value":3}]"#), []);
}

#[test]
fn what_is_long_and_random_is_a_key_behind_any_option_of_one_letter() {
    let key = ["q8ZrT2vLx0", "Kd7WmB4sNy", "E1hJcG6fPa", "U3oRiV9tXe"].concat();
    for command in ["tool -t {}", "tool login {}", "tool auth {}"] {
        let text = command.replace("{}", &key);
        assert_eq!(Finder::default().find(&text).len(), 1, "{text}");
    }
    for text in ["tool -t TestTheTokenRefreshHandlesExpiry2024AndRotation", "tool login bob", "tool auth status"] {
        assert_eq!(Finder::default().find(text), [], "{text}");
    }
}

#[test]
fn a_quote_in_quotes_does_not_hide_a_password() {
    for text in [r#"export DB_PASSWORD='it'"'"'s-Fake-97'"#, r"export DB_PASSWORD='it'\''s-Fake-97'"] {
        let found = Finder::default().find(text);
        assert!(matches!(&found[..], [one] if one.span == (20..text.len() - 1)), "{text}");
    }
}

#[test]
fn an_option_a_command_or_the_id_of_what_is_asked_for_is_no_secret() {
    each_stays(&[
        "oc login --token=$TOKEN --server=https://api.example.com:6443",
        "$password = Read-Host",
        "creds=(~/.aws/credentials ~/.netrc)",
        "bw get password 8c7f2a10-9f0d-4f0c-9f5e-aef100b5c1d2",
        "gpg --keyserver hkps://keys.openpgp.org --recv-keys 0x4AEE18F83AFDEB23C4E0B3F5A1A2B3C4D5E6F708",
    ]);
    each_is_found(&["the token is {T}", "$password = '{P}'"]);
}

#[test]
fn a_variable_of_a_line_is_used_on_the_next() {
    let secret = ["Fake", "Passw0rd", "97"].concat();
    let text = format!("k={secret}\ncurl -H \"X-Api-Key: ${{k}}\" https://x.example");
    let found = Finder::default().find(&text);
    assert!(matches!(&found[..], [one] if text[one.span.clone()] == secret), "{found:?}");
}

#[test]
fn what_stands_in_front_of_a_command_that_was_shown_does_not_hide_it() {
    each_is_found(&[
        "-mysql -uroot -p{P} app",
        "+ mysql -uroot -p{P} app",
        "   12\u{2192}mysql -uroot -p{P} app",
        "> curl -u bob:{P} https://example.com",
        "\u{1b}[1mmysql -uroot -p{P}\u{1b}[0m",
        "PS C:\\app> mysql -uroot -p{P} app",
        "az sql server create ^\r\n  -u bob ^\r\n  -p {P}",
        "args=(-u bob -p '{P}')\nrun \"${args[@]}\"",
        "jq --arg token {T} '.auth = $token' a.json",
        "npm login <<EOF\nbob\n{P}\nbob@example.com\nEOF",
    ]);
    each_stays(&[
        "- mysql -u root -p app",
        "> src/auth/token2.ts",
        "jq --arg key id2 '.[$key]' a.json",
        "args=(-u root -p 3306)",
        "sed -i 's/password/userPassword2/' a.ts",
        "printf 'EHLO x\\r\\nAUTH LOGIN\\r\\n' | nc mail.example.com 25",
    ]);
}

#[test]
fn a_variable_that_a_secret_is_given_as_is_one() {
    each_is_found(&[
        "P={P}; export PGPASSWORD=$P",
        "P={P}; psql \"postgresql://app:$P@db/app\"",
        "{\"command\": \"P={P}; export PGPASSWORD=$P\"}",
    ]);
    each_stays(&["P=app-4; psql -p $P", "KEY=id; echo \"primary key=$KEY\""]);
}

#[test]
fn a_list_or_a_map_of_secrets_is_read() {
    each_is_found(&[
        "tokens:\n  - {T}",
        "passwords:\n  - {P}\n",
        "[\"password\"]=>\n  string(15) \"{P}\"",
        "[password] => {P}",
        "sops --set '[\"db\"][\"password\"] \"{P}\"' a.yaml",
        "UPDATE settings SET value = '{T}' WHERE name = 'api_key'",
        "PASSWORD elastic = {P}",
        "db_password: !unsafe '{P}'",
        "set `REDIS_PASSWORD` to `{P}`",
        "the admin login is admin:{P}",
    ]);
    each_stays(&[
        "tokens:\n  - access\n  - refresh2",
        "secrets:\n  - db-password-2\n",
        "UPDATE settings SET value = 'dark' WHERE name = 'theme'",
        "[password] => \n[user] => bob2",
    ]);
}

#[test]
fn a_path_a_file_or_another_name_is_no_password() {
    each_stays(&[
        "docker run -e POSTGRES_PASSWORD_FILE=/run/secrets/pw postgres:16",
        "mysql -uroot -p -e 'select user, password from users'",
        "if password == confirmation:",
        "index_url_user_password = index_info",
        "password = (known after apply)",
        "use the password from 1Password",
        "vault kv put secret/app password=@pw.txt",
        "gcloud run deploy a --set-secrets DB_PASSWORD=db-password:latest",
        "warning: invalid token for session 0fa4e1fa-4e20-4a4e-8fa4-e20fa4e1fa4e",
        "--- PASS: TestPassword2 (0.01s)",
        "PASS: test_token_refresh2",
        "key: npm-0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e20fa4e1f",
        "admin / settings2",
        "api key of project 0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e rotated",
    ]);
}
