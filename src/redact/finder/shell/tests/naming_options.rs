//! What options, variables and arguments of any program say by their names, condition by condition.

use super::reading::{check, hides, shows};
use super::*;

#[test]
fn a_default_of_a_secrets_variable_is_one() {
    hides(&[
        "echo ${DB_PASSWORD:-{P}}",
        "echo ${DB_PASSWORD:-'{P}'}",
        "echo ${DB_PASSWORD:-\"{P}\"}",
        "echo ${API_TOKEN:={T}}",
    ]);
    shows(&[
        "echo ${NAME:-{P}}",
        "echo ${DB_PASSWORD:-$OTHER}",
        "echo ${DB_PASSWORD:-`{P}`}",
        "echo ${DB_PASSWORD:-YOUR_PASSWORD}",
        "echo ${API_TOKEN:-word}",
    ]);
    let guessable = |text: &str| {
        let mut found = Vec::new();
        read(text, None, &mut found);
        matches!(found.as_slice(), [Found::Secret { rule: "secret-default", guessable: true, .. }])
    };
    assert!(guessable(&format!("echo ${{DB_PASSWORD:-{PASSWORD}}}")));
    assert!(!guessable(&format!("echo ${{API_TOKEN:-{TOKEN}}}")));
}

#[test]
fn what_is_assigned_to_a_secrets_name_is_one() {
    hides(&[
        "$password = {P}",
        "$env:DB_PASSWORD = '{P}'",
        "x DB_PASSWORD={P} y",
        "x 'DB_PASSWORD={P}'",
        "x DB_'PASSWORD'={P}",
        "x SCRAM=[iterations=8192,password={P}]",
        "x a=1,password={P},b=2",
        "x 'a=1&password={P}&b=2'",
        "x 'a=1;password={P};b=2'",
        "x 'a=1\npassword={P}\nb=2'",
        "x 'a=1\\npassword={P}\\nb=2'",
        "x PASSWORD_COMMAND='echo {P}'",
        "x PASS_CMD='printf {P}'",
        "x PASSWORD_COMMAND='echo -n {P}'",
        "x PASSWORD_COMMAND='printf %s {P}'",
        "x BUNDLE_GEMS__EXAMPLE__COM=user:{P}",
        "x BUNDLE_GEMS__EXAMPLE__COM={T}",
    ]);
    check(&[
        // What is no pair behind a separator belongs to the value.
        ("x 'password={P},b'", "x 'password=#'"),
        ("x 'password={P}\\tb=2'", "x 'password=#'"),
        ("x $password = Get-Credential", "x $password = Get-Credential"),
        ("x $password = 'Get-Credential'", "x $password = '#'"),
    ]);
    shows(&[
        "$password {P}",
        "$name = {P}",
        "$env:NAME = {P}",
        "x NAME={P}",
        "x password=on",
        "x password=/run/{P}",
        "x password=self.password",
        "x NAME_COMMAND='echo {P}'",
        "x PASSWORD_COMMAND='cat {P}'",
        "x BUNDLE_GEMS_EXAMPLE_COM={T}",
        "x BUNDLE_GEMS__EXAMPLE__COM=//user:{P}",
    ]);
    let pairs = |count: usize| format!("x {}password={{P}}", "a=1,".repeat(count));
    hides(&[&pairs(63)]);
    shows(&[&pairs(64)]);
}

#[test]
fn an_option_of_windows_names_a_password() {
    hides(&["x /p:{P}", "x /P:{P}", "x /password:{P}", "x /pass:{P}", "x /pwd:{P}"]);
    check(&[("x /p:Hun7", "x /p:#"), ("x /p:Hun", "x /p:Hun"), ("x /p:a=b7", "x /p:a=b7"), ("x /p:a/b7", "x /p:a/b7")]);
    shows(&["x /q:{P}", "x p:{P}", "x /token:{P}", "x /a.password:{P}", "x /long-password:{P}"]);
    check(&[("x /new-password:{P}", "x /new-password:#")]);
}

#[test]
fn an_option_of_any_program_names_a_secret() {
    hides(&[
        "x --password {P}",
        "x -password {P}",
        "x --password={P}",
        "x --password:{P}",
        "x --password pass:{P}",
        "x -Ddb.password={P}",
        "x -PdbPassword={P}",
        "x -JdbPassword={P}",
        "x -edb_password={P}",
        "x -Edb_password={P}",
        "x -vdb_password={P}",
        "x -Xdb_password={P}",
        "x -k {R}",
        "x --set=a.password={P}",
        "x -backend-config=secret_key={T}",
        "x --token {T}",
        "x --token={T}",
        "x --password-command 'echo {P}'",
        "x --password-cmd='echo {P}'",
        "x --creds bob:{P}",
        "x --credentials=bob:{P}",
        "x put --name /db/password --value {P}",
        "x set --name /db/password --value={P}",
        "x set --name /db/password --secret-value {P}",
        "x Set-Item DB_PASSWORD -Value {P}",
        "x key:set --name db-token --value {T}",
        "x --type SecureString --value {P}",
    ]);
    check(&[
        ("x --password -a1b2C3d4E5f6g7H8", "x --password #"),
        ("x --password -", "x --password -"),
        ("x --password -x", "x --password -x"),
        ("x --password option", "x --password option"),
        ("x --password=option", "x --password=#"),
        ("x --set-secrets=A=password:latest", "x --set-secrets=A=password:latest"),
        ("x --creds https://bob:{P}", "x --creds https://bob:{P}"),
        ("x --storepass:env {P}", "x --storepass:env {P}"),
        ("x --password:env {P}", "x --password:env {P}"),
        ("x --password, {P}", "x --password, #"),
    ]);
    shows(&[
        "x --name {P}",
        "x --name={P}",
        "x ---",
        "x --p {P}",
        "x --pass!word {P}",
        "x --token word",
        "x --password-file {P}",
        "x --set-path=a.password={P}",
        "x --name-command 'echo {P}'",
        "x --password-command 'cat {P}'",
        "x --password true",
        "x --password /run/{P}",
        "x --password --other",
        "x get --name /db/password --value {P}",
        "x set --name /db/name --value {P}",
        "x set --name /db/password --value --{P}",
        "x -k word",
        "x --password",
    ]);
}

#[test]
fn an_argument_behind_a_verb_is_a_secret() {
    hides(&[
        "foo login {R}",
        "foo auth {R}",
        "foo x unseal {R}",
        "foo login bob@example.com {P}",
        "foo set db_password {P}",
        "foo put /a/db-password {P}",
        "foo config set a.password {P}",
        "foo write token {T}",
    ]);
    shows(&[
        "login {R}",
        "foo logins {R}",
        "foo login {P}",
        "foo login bob {P}",
        "foo login bob@example.com word",
        "foo get db_password {P}",
        "foo set name {P}",
        "foo set db_password -{P}",
        "foo set db_password word",
        "foo set db_pass!word {P}",
        "foo set a//password {P}",
        "foo set token {P}",
        "foo set token AuthenticationProvider",
    ]);
}

#[test]
fn an_array_of_secrets_is_masked() {
    hides(&[
        "passwords=({P} {P})",
        "passwords=('{P}' \"{P}\")",
        "passwords=({P}\n\t{P})",
        "export passwords=({P})",
        "passwords=([a]={P} [b]='{P}')",
        "api_token=({R} {R})",
        "x passwords=({P}); passwords=({P})",
    ]);
    check(&[
        ("passwords=(abcd abc)", "passwords=(# abc)"),
        ("passwords=($A {P} `b` YOUR_KEY)", "passwords=($A # `b` YOUR_KEY)"),
        ("passwords=({P}) {P}", "passwords=(#) {P}"),
        ("api_token=(word {R})", "api_token=(word #)"),
    ]);
    shows(&["names=({P})", "passwords (Fake)", "passwords= ({P})"]);
}

#[test]
fn a_password_stands_beside_a_user() {
    for user in [
        "-u bob",
        "-U bob",
        "--user bob",
        "--username bob",
        "-user bob",
        "-username bob",
        "--login bob",
        "-l bob",
        "--user=bob",
        "--username=bob",
    ] {
        for option in ["-p", "-P", "-pw", "-w"] {
            hides(&[&format!("foo {user} {option} {{P}}"), &format!("foo {option} {{P}} {user}")]);
        }
        shows(&[&format!("foo {user} -x {{P}}"), &format!("foo {user} -p word")]);
    }
    hides(&["foo -u bob:{P}", "foo --user bob:{P}"]);
    shows(&["foo -p {P}", "foo -U bob:{P}", "foo -u bob:word", "foo -u bob {P}", "sudo -u bob -p {P}"]);
}

#[test]
fn a_cookie_is_told_by_its_name_or_its_length() {
    check(&[
        ("curl -b 'theme=dark; session={T}; a=b' x", "curl -b 'theme=dark; session=#; a=b' x"),
        ("curl -b 'a=b; sid={T}; csrf={T}' x", "curl -b 'a=b; sid=#; csrf=#' x"),
        ("curl -b 'a={T}; b={T}' x", "curl -b 'a=#; b=#' x"),
        ("curl -b theme=abcdefgh1 x", "curl -b theme=abcdefgh1 x"),
        ("curl -b theme=abcdefghijklmnopqrstuvw1 x", "curl -b theme=# x"),
        ("curl -b theme=abcdefghijklmnopqrstuv1 x", "curl -b theme=abcdefghijklmnopqrstuv1 x"),
        ("curl -b 'x; session={T}' x", "curl -b 'x; session=#' x"),
        ("curl -H 'Cookie: a=b; login={T}' x", "curl -H 'Cookie: a=b; login=#' x"),
        ("curl -b sid=6f9619ff-8b86-d011-b42d-00cf4fc964ff x", "curl -b sid=# x"),
    ]);
}

#[test]
fn a_header_is_told_by_its_name() {
    hides(&[
        "curl -H 'Authorization: Bearer {T}' x",
        "curl -H 'Proxy-Authorization:   Basic {T} ' x",
        "curl -H 'X-Api-Key: {T}' x",
        "curl -H 'X-Api-Key:{T}' x",
        "curl -H 'X-Token: Bearer {T}' x",
        "curl -H 'X-Auth: {T}' x",
        "git -c http.extraheader='Authorization: Basic {T}' clone x",
        "curl -H \"Authorization: Bearer $(echo {T})\" x",
    ]);
    check(&[("curl -H 'X-Api-Key: 6f9619ff-8b86-d011-b42d-00cf4fc964ff' x", "curl -H 'X-Api-Key: #' x")]);
    // What is that long is taken whole, unless it is sure that a scheme stands before it.
    let token = |length: usize| TOKEN.repeat(8)[..length - "Bearer ".len()].to_owned();
    for (name, length, masked) in
        [("X-Token", 199, "Bearer #"), ("X-Token", 200, "#"), ("Authorization", 200, "Bearer #")]
    {
        let (text, wanted) =
            (format!("curl -H '{name}: Bearer {}' x", token(length)), format!("curl -H '{name}: {masked}' x"));
        check(&[(&text, &wanted)]);
    }
    shows(&["curl -H 'X-Name: {T}' x", "curl -H 'X-Api-Key' x", "curl -H 'X-Api-Key: word' x"]);
}

#[test]
fn a_login_of_a_database_ends_at_its_host() {
    hides(&[
        "sqlplus scott/{P}",
        "sqlplus scott/{P}@orcl",
        "sqlplus scott/{P}@//db:1521/XE",
        "mysqldump -u root -p{P} app",
        "curl -u bob:{P} x",
    ]);
    check(&[("curl -u {T}: x", "curl -u #: x"), ("smbclient //a/b -U bob%{P}", "smbclient //a/b -U bob%#")]);
    shows(&["sqlplus /{P}@orcl", "sqlplus a/b/{P}", "sqlplus ./a/{P}", "sqlplus ~/a{P}", "sqlplus https://a/{P}@b"]);
}

#[test]
fn a_program_whose_name_is_a_word_is_given_what_looks_chosen() {
    hides(&["foo net -U bob%{P}", "foo zip -P {P} a.zip", "net -U bob%{P}"]);
    check(&[("net -U bob%word", "net -U bob%#")]);
    shows(&["foo net -U bob%word", "foo net user bob {P}"]);
}
