//! Which option or position of which program carries a secret. Facts from the programs' manuals, one row each.

/// What a program is given that is secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    /// Its names, without path and `.exe`.
    pub(super) names: &'static str,
    /// The rule that findings are told under.
    pub(super) rule: &'static str,
    /// Short options without a value, which may stand in one word in front of one that has one: `curl -sku X`.
    pub(super) bundle: &'static str,
    /// Options without interest that take the next word, so that it is not a position.
    pub(super) valued: &'static str,
    /// Whether its name is a common word too: then it counts only where a command begins.
    pub(super) word: bool,
    pub(super) rows: &'static [Row],
}

/// One place where a program takes a secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The subcommands it belongs to, as `login|registry login`. Empty: all.
    pub(super) sub: &'static str,
    pub(super) place: Place,
    pub(super) what: What,
    pub(super) kind: Kind,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// The value of one of these options. `-x` may be glued (`-xV`) or take the next word, a longer one takes the next word
    /// or stands with `=`; with `_` at its end it takes the next word only, with `+` it is glued only, with `=` it stands
    /// with `=` only, with `:` it stands with `:` (or the next word).
    Option(&'static str),
    /// The argument of this number behind the subcommand, from 0.
    Argument(usize),
    /// All arguments from this number on.
    Arguments(usize),
    /// The last argument.
    Last,
    /// The argument of this number behind the one that begins with this text, from 1.
    Behind(&'static str, usize),
    /// The argument of this number, if this word is there too.
    With(&'static str, usize),
    /// The argument behind one whose text is a secret's name.
    Named,
    /// Standard input, if this word is there (empty: always).
    Input(&'static str),
}

/// Which part of a value is secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum What {
    /// All of it.
    Whole,
    /// What stands behind the first of this character.
    After(char),
    /// What stands behind one of these prefixes, separated by `|`; nothing without it.
    Prefixed(&'static str),
    /// What stands between the first of this character and the last `@`.
    Login(char),
    /// The value of a header, without name and scheme.
    Header,
    /// The values of cookies.
    Cookies,
    /// The value of `NAME=VALUE`, whatever the name.
    Pair,
    /// Each line, if it looks like what a person chose for a password or like a key.
    Chosen,
    /// The last word of each line of the input that begins with this text, or what of it stands behind this character
    /// (for `/`: up to the last `@`).
    Line(&'static str, char),
}

/// What people put there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// What a person may have chosen.
    Password,
    /// Long and random. What does not look like it is something else.
    Token,
    /// Long and random, and nothing else can stand there.
    Key,
}

use Kind::{Key, Password, Token};
use Place::{Argument, Arguments, Behind, Input, Last, Named, Option as Opt, With};
use What::{After, Chosen, Cookies, Header, Line, Login, Pair, Prefixed, Whole};

const fn row(sub: &'static str, place: Place, what: What, kind: Kind) -> Row {
    Row { sub, place, what, kind }
}
/// A password as the value of options.
const fn pass(options: &'static str) -> Row {
    row("", Opt(options), Whole, Password)
}
/// A token as the value of options.
const fn token(options: &'static str) -> Row {
    row("", Opt(options), Whole, Token)
}
/// A key as the value of options.
const fn key(options: &'static str) -> Row {
    row("", Opt(options), Whole, Key)
}
/// `user:password` as the value of options.
const fn user(options: &'static str) -> Row {
    row("", Opt(options), After(':'), Password)
}
/// Headers as the value of options.
const fn header(options: &'static str) -> Row {
    row("", Opt(options), Header, Key)
}

const fn program(names: &'static str, rule: &'static str, rows: &'static [Row]) -> Program {
    Program { names, rule, bundle: "", valued: "", word: false, rows }
}

impl Program {
    const fn bundle(self, bundle: &'static str) -> Self {
        Self { bundle, ..self }
    }
    const fn valued(self, valued: &'static str) -> Self {
        Self { valued, ..self }
    }
    const fn word(self) -> Self {
        Self { word: true, ..self }
    }
}

/// Options that many programs for databases share.
const MYSQL: &str = "-p+ --password= --password1= --password2= --password3=";

/// The programs.
pub(super) const PROGRAMS: &[Program] = &[
    // Transfer
    program(
        "curl curlie tiny-curl",
        "curl-user",
        &[
            user("-u --user -U --proxy-user --cert -E --proxy-cert"),
            row("", Opt("--pass --proxy-pass --key-pass --tlspassword --proxy-tlspassword"), Whole, Password),
            key("--oauth2-bearer"),
            row("", Opt("-b --cookie"), Cookies, Token),
            row("", Opt("--variable"), Pair, Token),
            header("-H --header --proxy-header --expand-header"),
            row("", Input("-K|--config"), Line("user ", ':'), Password),
            row("", Input("-K|--config"), Line("user=", ':'), Password),
            row("", Input("-K|--config"), Line("-u ", ':'), Password),
        ],
    )
    .bundle("afgiGIjJklLMnNOpqRsSvV0123456#Z"),
    program(
        "wget wget2",
        "wget-password",
        &[pass("--password --http-password --ftp-password --proxy-password"), header("--header")],
    ),
    program("http https xh xhs httpie", "httpie-auth", &[row("-A bearer|--auth-type bearer|-A=bearer|--auth-type=bearer", Opt("-a --auth"), Whole, Key), row("", Opt("-a --auth"), After(':'), Password)])
        .bundle("jfvhbFdcSoqI")
        .word(),
    program("yt-dlp youtube-dl", "yt-dlp-password", &[pass("-p --password -2 --twofactor --video-password --ap-password")]),
    program("testsaslauthd", "sasl-password", &[pass("-p")]),
    program("hadoop", "hadoop-credential", &[row("credential create", Opt("-value"), Whole, Password)]),
    program("lego", "acme-key", &[key("--hmac")]),
    program("hurl", "hurl-variable", &[user("-u --user")]),
    program(
        "aria2c",
        "aria2-password",
        &[pass("--http-passwd --ftp-passwd --all-proxy-passwd --http-proxy-passwd --https-proxy-passwd --rpc-secret --rpc-passwd"), header("--header")],
    ),
    program(
        "grpcurl evans websocat wscat ghz hey wrk wrk2 oha ab k6 bombardier vegeta httpx ffuf gobuster nuclei katana feroxbuster wfuzz sqlmap",
        "request-header",
        &[header("-H --header -header --headers -reflect-header -rpc-header")],
    ),
    program("ab", "basic-auth", &[user("-A_ -P_"), row("", Opt("-C_"), Cookies, Token)]),
    program("hey oha bombardier", "basic-auth", &[user("-a_")]),
    program("wfuzz", "basic-auth", &[user("--basic --ntlm --digest")]).word(),
    program("gobuster", "basic-auth", &[pass("-P_ --password")]),
    program("siege", "request-header", &[header("-H --header")]).word(),
    program("lftp", "lftp-user", &[row("", Opt("-u --user"), After(','), Password)]),
    program("open", "lftp-user", &[row("", Opt("-u --user"), After(','), Password)]).word(),
    program("ftp tnftp lftp sftp pftp", "ftp-password", &[
        row("", Input(""), Line("user ", ' '), Password),
        row("", Input(""), Line("quote pass ", ' '), Password),
        row("", Input(""), Line("pass ", ' '), Password),
        row("", Input(""), Line("open -u ", ','), Password),
    ]),
    program("nc ncat netcat telnet", "redis-password", &[
        row("", Input(""), Line("auth ", ' '), Password),
        row("", Input(""), Line("pass ", ' '), Password),
    ]),
    program("ncftp ncftpget ncftpput ncftpls", "ftp-password", &[pass("-p")]),
    program("rclone", "rclone-secret", &[row("obscure", Argument(0), Whole, Password), row("config create|config update|config password", Named, Whole, Password), row("config create|config update", Behind("key", 1), Whole, Token)]),
    program("s3cmd s4cmd", "s3-secret-key", &[key("--secret_key --access_token")]),
    program("mc mcli", "minio-secret-key", &[row("alias set|alias s|config host add", Argument(3), Whole, Password), row("admin user add", Argument(2), Whole, Password)]).word(),
    // Databases
    program(
        "mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mysqlslap mysqlbinlog mysqlpump mysqlsh mariadb mariadb-dump mariadb-admin mariadb-import mariadb-show mariadb-check mariadb-slap mariadb-binlog mariadb-backup mariabackup xtrabackup innobackupex mycli mytop mydumper myloader pt-online-schema-change pt-table-checksum gh-ost",
        "mysql-password",
        &[pass(MYSQL)],
    ),
    program("mysqlsh", "mysql-password", &[row("", Opt("--uri"), Login(':'), Password), row("", Argument(0), Login(':'), Password)]),
    program("mysqladmin mariadb-admin", "mysql-password", &[row("password", Argument(0), Whole, Password)])
        .valued("-u -h -P -S --user --host --port --socket"),
    program("mydumper myloader gh-ost mycli", "mysql-password", &[pass("-p_ --password -password")]),
    program("redis-cli valkey-cli keydb-cli iredis", "redis-password", &[
        pass("-a_ --pass"),
        row("auth", Last, Whole, Password),
        row("hello", Behind("AUTH", 2), Whole, Password),
        row("migrate", Behind("AUTH", 1), Whole, Password),
        row("", Input("--askpass"), Whole, Password),
        row("config set requirepass|config set masterauth", Argument(0), Whole, Password),
        row("acl setuser", Arguments(1), Prefixed(">"), Password),
    ])
    .valued("-h -p -n -u -s --user"),
    program("redis-benchmark valkey-benchmark", "redis-password", &[pass("-a_")]),
    program("zkcli zkcli.sh zookeeper-shell zookeeper-shell.sh", "zookeeper-password", &[
        row("", Behind("digest", 1), After(':'), Password),
        row("", Input(""), Line("addauth digest ", ':'), Password),
    ]),
    program("redis-server valkey-server", "redis-password", &[pass("--requirepass --masterauth")]),
    program(
        "mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop mongofiles",
        "mongodb-password",
        &[pass("-p --password --sslPEMKeyPassword --tlsCertificateKeyFilePassword --awsSecretAccessKey")],
    ),
    program("sqlplus sqlcl sqlldr expdp impdp exp imp rman", "oracle-password", &[
        row("", Arguments(0), Login('/'), Password),
        row("target|catalog|auxiliary", Arguments(0), Login('/'), Password),
        row("", Input(""), Line("connect ", '/'), Password),
        row("", Input(""), Line("conn ", '/'), Password),
    ])
    .word(),
    program("sqlcmd bcp isql tsql osql go-sqlcmd mssql-cli fisql sqsh sqlpackage", "sqlserver-password", &[pass("-P /p: /TargetPassword: /SourcePassword:")]),
    program("isql", "odbc-password", &[row("", Argument(2), Whole, Password)]).valued("-d -x -l -m").word(),
    program("clickhouse-client clickhouse-benchmark clickhouse-local", "clickhouse-password", &[pass("--password")]),
    program("snowsql snow", "snowflake-password", &[pass("--private-key-passphrase --password"), token("--token --mfa-passcode")]).word(),
    program("influx", "influxdb-password", &[pass("-p_ -password --password"), token("-t_ --token -token")]).word(),
    program("cqlsh dse dsetool", "cassandra-password", &[pass("-p --password")]),
    // Their `-p` is a port.
    program("nodetool sstableloader", "cassandra-password", &[pass("-pw_ --password")]),
    program("cypher-shell neo4j-shell", "neo4j-password", &[pass("-p --password")]),
    program("neo4j-admin", "neo4j-password", &[row("set-initial-password|dbms set-initial-password", Argument(0), Whole, Password)]),
    program("etcdctl", "etcd-user", &[user("--user"), pass("--password"), row("user add", Argument(0), After(':'), Password)]),
    program("rabbitmqctl", "rabbitmq-password", &[
        row("add_user|change_password|authenticate_user", Argument(1), Whole, Password),
    ])
    .valued("-n --node --vhost -p"),
    program("rabbitmqadmin", "rabbitmq-password", &[pass("-p --password")]),
    program("couchbase-cli cbq cbbackupmgr cbimport cbexport", "couchbase-password", &[pass("-p --password --cluster-password --bucket-password")]),
    program("beeline", "hive-password", &[pass("-p_")]),
    program("vsql nzsql", "database-password", &[pass("-w_ -pw_")]),
    program("db2", "db2-password", &[row("", Behind("using", 1), Whole, Password)]),
    program("cockroach usql dbmate", "database-password", &[pass("--password")]),
    program("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop ldapurl", "ldap-password", &[pass("-w")])
        .bundle("xLZvncMP"),
    program("ldappasswd", "ldap-password", &[pass("-w -s -a")]).bundle("xLZvncM"),
    program("slappasswd", "ldap-password", &[pass("-s")]),
    program("bteq fastload mload", "teradata-password", &[row("", Arguments(0), After(','), Password)]).word(),
    // Windows networks, remote shells and desktops
    program("smbclient rpcclient smbget smbcacls smbcquotas winexe wbinfo ntlm_auth pth-winexe pth-wmic", "smb-password", &[
        row("", Opt("-U --user"), After('%'), Password),
        pass("--password"),
    ])
    .bundle("NLkdgE"),
    program("smbclient", "smb-password", &[row("", Argument(1), Whole, Password)])
        .valued("-U -A --authentication-file -c -p -I -W -m -n -O -t -b -D -d -s -l --user --command --port --ip-address --workgroup")
        .word(),
    program("smbmap smbpasswd", "smb-password", &[pass("-p -w")]),
    program("evil-winrm", "winrm-password", &[pass("-p --password"), key("-H --hash")]),
    program("crackmapexec cme nxc netexec", "winrm-password", &[pass("-p --password"), key("-H --hash")]),
    program(
        "impacket-secretsdump impacket-psexec impacket-wmiexec impacket-smbexec impacket-atexec impacket-dcomexec impacket-GetNPUsers impacket-GetUserSPNs impacket-mssqlclient impacket-smbclient impacket-getTGT impacket-getST impacket-lookupsid impacket-reg impacket-services secretsdump.py psexec.py wmiexec.py smbexec.py atexec.py dcomexec.py GetNPUsers.py GetUserSPNs.py mssqlclient.py smbclient.py getTGT.py getST.py lookupsid.py",
        "impacket-password",
        &[row("", Argument(0), Login(':'), Password), key("-hashes -aesKey")],
    )
    .valued("-hashes -dc-ip -target-ip -port -request-user -outputfile -usersfile -k -aesKey"),
    program("bloodhound-python ldapdomaindump certipy certipy-ad kerbrute windapsearch", "winrm-password", &[pass("-p --password")]),
    program("kerbrute", "winrm-password", &[row("passwordspray", Argument(1), Whole, Password)]).valued("-d --domain --dc -t --threads -o --output --delay"),
    program("caprover", "cloud-password", &[pass("-p --caproverPassword --password"), key("-t_ --appToken")]).word(),
    program("hydra medusa", "login-password", &[pass("-p_")]),
    program("xfreerdp xfreerdp3 wlfreerdp sdl-freerdp freerdp", "rdp-password", &[pass("/p: /gp: /password: /pwd: -p_ --password")]),
    program("rdesktop remmina", "rdp-password", &[pass("-p_")]),
    program("cmdkey runas net1 net.exe schtasks psexec psexec64 tasklist taskkill", "windows-password", &[pass("/pass: /p: /password: /rp: -p_ /p_ /rp_")]).word(),
    program("runas", "windows-password", &[row("", Input(""), Whole, Password)]),
    program("convertto-securestring", "powershell-secret", &[row("", Input(""), Whole, Password)]),
    program("net", "windows-password", &[row("", Opt("-U --user"), After('%'), Password), row("user", Argument(1), Whole, Password), row("use", Behind("\\", 1), Whole, Password), row("use", Behind("http", 1), Whole, Password), row("rpc password", Argument(1), Whole, Password)]).valued("-U -S -I -w -W").word(),
    program("sshpass", "sshpass", &[pass("-p")]).bundle("v"),
    program("plink pscp psftp putty kitty", "putty-password", &[pass("-pw_")]),
    program("vncdo vncdotool x11vnc", "vnc-password", &[pass("-passwd_ -p_ --password")]),
    program("vncpasswd", "vnc-password", &[row("", Input("-f"), Whole, Password)]),
    program("ipmitool", "ipmi-password", &[pass("-P"), key("-k_ -y_"), row("user set password", Argument(1), Whole, Password)]).valued("-I -H -U -P -L -p -C -o"),
    program("ipmi-chassis ipmipower bmc-config racadm", "ipmi-password", &[pass("-p_ --password"), key("-k_")]),
    program(
        "snmpget snmpset snmpwalk snmpgetnext snmpbulkwalk snmpbulkget snmptable snmptrap snmpinform snmpdf snmpstatus snmptranslate snmpdelta snmpusm snmpvacm snmpnetstat",
        "snmp-password",
        &[pass("-A -X -c -3m_ -3M_")],
    ),
    program("kinit", "kerberos-password", &[row("", Input(""), Whole, Password), row("", Opt("--password="), Whole, Password)]),
    program("kadmin kadmin.local ktutil", "kerberos-password", &[pass("-w_ -pw_")]),
    // Archives and disks
    program("zip unzip funzip zipcloak zipinfo", "zip-password", &[pass("-P --password")]).bundle("abcdDeEfFghjJklLmnopqrRsSTuvVwxXyzZ0123456789"),
    program("7z 7za 7zz 7zr 7zzs p7zip", "7z-password", &[pass("-p+")]),
    program("rar unrar", "rar-password", &[pass("-p+ -hp+")]),
    program("bsdtar", "archive-password", &[pass("--passphrase")]),
    program("qpdf pdftk pdftotext pdfinfo pdftoppm pdfimages", "pdf-password", &[
        pass("-upw_ -opw_ --password --user-password --owner-password"),
        row("", Behind("input_pw", 1), Whole, Password),
        row("", Behind("user_pw", 1), Whole, Password),
        row("", Behind("owner_pw", 1), Whole, Password),
    ]),
    program("cryptsetup cryptsetup-reencrypt veracrypt truecrypt", "disk-password", &[pass("-p_ --password"), row("", Input(""), Whole, Password)]),
    program("hdiutil", "disk-password", &[row("", Input("-stdinpass"), Whole, Password)]),
    program("mkpasswd", "password", &[row("", Argument(0), Whole, Password), row("", Input("-s|--stdin"), Whole, Password)])
        .valued("-m --method -S --salt -R --rounds -P --password-fd"),
    // Keys and certificates
    program("openssl", "openssl-password", &[
        row("", Opt("-passin_ -passout_ -pass_ -password_ -passwd_ -srppass_"), Prefixed("pass:"), Password),
        row("", Opt("-passin= -passout= -pass="), Prefixed("pass:"), Password),
        row("enc|aes-256-cbc|aes-128-cbc|aes-192-cbc|aes256|aes128|des3|des-ede3-cbc|bf|camellia256|chacha20|aria-256-cbc", Opt("-k_"), Whole, Password),
        row("enc|aes-256-cbc|aes-128-cbc|aes-192-cbc|aes256|aes128|des3|des-ede3-cbc|bf|camellia256|chacha20|aria-256-cbc", Opt("-K_"), Whole, Key),
        row("dgst|mac|sha256|sha1|sha512|md5", Opt("-hmac_"), Whole, Password),
        row("", Opt("-macopt_ -pkeyopt_ -kdfopt_"), Prefixed("key:|hexkey:|pass:|hexpass:|secret:|hexsecret:"), Password),
        row("passwd", Argument(0), Whole, Password),
        row("ca", Opt("-key_"), Whole, Password),
        row("", Input("stdin"), Whole, Password),
        row("passwd", Input("-stdin"), Whole, Password),
        row("base64|enc", Input("base64|-base64|-a"), After(':'), Password),
    ])
    .valued("-salt -in -out -table"),
    program("gpg gpg2 gpgsm gpg-preset-passphrase symcryptrun", "gpg-passphrase", &[pass("--passphrase"), row("", Input("--passphrase-fd"), Whole, Password)]),
    program("gpg-preset-passphrase", "gpg-passphrase", &[pass("-P --passphrase"), row("", Input("--preset"), Whole, Password)]),
    program("borg borgmatic", "backup-password", &[row("init|rinit|list|info|mount|check|extract|key", Input(""), Whole, Password)]),
    program("ssh-keygen", "ssh-keygen-passphrase", &[pass("-N -P")]).bundle("qlpy"),
    program("ssh-add", "ssh-key", &[row("", Input("-"), Whole, Key)]),
    program("dropbearkey puttygen", "ssh-keygen-passphrase", &[pass("--new-passphrase_ --old-passphrase_")]),
    program(
        "keytool jarsigner kse",
        "keytool-password",
        &[pass("-storepass_ -keypass_ -srcstorepass_ -deststorepass_ -srckeypass_ -destkeypass_ -new_ -storepasswd -tsakeypass_ -storepass= -keypass=")],
    ),
    program("apksigner bundletool", "apksigner-password", &[row("", Opt("--ks-pass --key-pass --next-ks-pass --next-key-pass --pass"), Prefixed("pass:"), Password)]),
    program("zipalign signtool osslsigncode azuresigntool smctl jsign", "signing-password", &[pass("/p_ -p_ /p: -pass_ --storepass --keypass -kvs_ --azure-key-vault-client-secret")]),
    program("security", "keychain-password", &[
        row("unlock-keychain|create-keychain|set-keychain-password", Opt("-p_ -o_"), Whole, Password),
        row("add-generic-password|add-internet-password", Opt("-w_ -p_ -X_"), Whole, Password),
        row("set-key-partition-list|set-generic-password-partition-list", Opt("-k_"), Whole, Password),
        row("import|export", Opt("-P_"), Whole, Password),
    ])
    .word(),
    program("altool", "apple-password", &[pass("-p_ --password")]),
    program("step", "step-password", &[pass("--password"), token("--token")]).word(),
    program("wg awg", "wireguard-key", &[row("pubkey", Input(""), Whole, Key), row("set", Input("/dev/stdin"), Whole, Key)]).word(),
    program("ansible-vault", "ansible-vault", &[
        row("encrypt_string", Argument(0), Whole, Password),
        row("encrypt_string", Input("--stdin-name|--stdin"), Whole, Password),
    ])
    .valued("--vault-password-file --vault-id --name -n --stdin-name --encrypt-vault-id --output"),
    // Users
    // `-b`: the password stands behind the user, who stands behind the file unless `-n` is given.
    program("htpasswd htpasswd2", "htpasswd", &[
        row("-b|-bc|-cb|-bB|-Bb|-bcB|-bBc|-Bbc|-Bcb|-cbB|-cBb|-bm|-mb|-bs|-sb|-bcm|-bcs|-bd|-bp|-b5|-b2", Argument(2), Whole, Password),
        row("-bBC|-BbC|-bBcC|-cbBC|-bcBC|-BbcC|-BcbC|-cBbC", Last, Whole, Password),
        row("-nb|-bn|-nbB|-nBb|-bnB|-bnBC|-nbBC|-nbm|-nbs|-Bbn|-Bnb|-bBn|-nbd|-bnm", Argument(1), Whole, Password),
        row("", Input("-i"), Whole, Password),
    ])
    .valued("-C -r -nbBC -bnBC -bBC -BbC -bBcC -cbBC -bcBC -BbcC -BcbC -cBbC"),
    program("useradd usermod groupadd groupmod adduser", "user-password", &[pass("-p_ --password")]),
    program("chpasswd chgpasswd", "user-password", &[row("", Input(""), After(':'), Password)]),
    program("passwd", "user-password", &[row("", Input(""), Whole, Password)]).word(),
    program("smbpasswd pdbedit", "user-password", &[row("", Input("-s|-t"), Whole, Password)]),
    program("dscl", "user-password", &[row("", Behind("-passwd", 2), Whole, Password), row("", Behind("passwd", 2), Whole, Password), row("", Behind("-passwd", 3), Whole, Password), row("", Behind("passwd", 3), Whole, Password)]),
    program("sysadminctl", "user-password", &[pass("-password -adminPassword -newPassword -oldPassword")]),
    program("createuser createdb", "user-password", &[pass("--password="), row("", Input("-P|--pwprompt"), Whole, Password)]),
    program("sudo doas", "sudo-password", &[row("", Input("-S|--stdin|-kS|-Sk|-SE|-ES|-Sp|-nS|-Sv|-Sl"), Whole, Password)]),
    program("su", "sudo-password", &[row("", Input(""), Whole, Password)]).word(),
    // Containers
    program(
        "docker podman nerdctl buildah skopeo crane oras helm img finch cosign regctl notation",
        "registry-password",
        &[
            row("login|registry login|auth login|repo add|repository add", Opt("-p --password --identity-token"), Whole, Password),
            row("", Opt("--creds --src-creds --dest-creds --registry-creds"), After(':'), Password),
            row("login|registry login|auth login", Input("--password-stdin|--get-login"), Whole, Password),
            row("secret create", Input("-"), Whole, Password),
            row("repo add", Opt("--password"), Whole, Password),
            row("", Opt("--registry-password --src-registry-token --dest-registry-token --src-password --dest-password --from-password --to-password"), Whole, Password),
        ],
    ),
    program("kubectl oc kubeseal kubecolor", "kubernetes-secret", &[
        row("create secret generic|create secret", Opt("--from-literal"), Pair, Password),
        row("create secret docker-registry|create secret", Opt("--docker-password"), Whole, Password),
        row("login", Opt("-p --password"), Whole, Password),
        row("", Opt("--token"), Whole, Token),
        row("create secret", Input("/dev/stdin"), Whole, Password),
        row("", Input("--raw"), Whole, Password),
    ]),
    program("kubeadm argocd k3s k3sup talosctl", "cluster-token", &[
        pass("--password --current-password --new-password"),
        key("--token --auth-token --certificate-key"),
    ]),
    // Clouds
    program("aws awslocal aws-vault saml2aws", "aws-secret", &[
        row("configure", Input(""), Chosen, Key),
        row("configure set", Named, Whole, Key),
        row("configure set", Behind("aws_secret_access_key", 1), Whole, Key),
        row("configure set", Behind("aws_session_token", 1), Whole, Key),
        row("secretsmanager", Opt("--secret-string --secret-binary"), Whole, Password),
        row("ssm put-parameter", Opt("--value"), Whole, Token),
        row("", Opt("--password --master-user-password --new-password --old-password --proposed-password --previous-password --temporary-password --user-password --admin-user-password --auth-token --private-key --client-secret"), Whole, Password),
        row("kms encrypt|kms", Opt("--plaintext"), Whole, Password),
    ]),
    program("az", "azure-secret", &[
        row("login|acr login", Opt("-p --password --federated-token --service-principal-password"), Whole, Password),
        row("keyvault secret set", Opt("--value"), Whole, Password),
            row("sql server create|sql mi create|postgres server create|mysql server create|postgres flexible-server create|mysql flexible-server create|synapse workspace create", Opt("-p"), Whole, Password),
        row("appconfig kv set", Opt("--value"), Whole, Token),
        row("", Opt("--password --admin-password --administrator-login-password --docker-registry-server-password --registry-password --client-secret --secret --new-password --certificate-password"), Whole, Password),
        row("", Opt("--account-key --sas-token --connection-string --sas --storage-key --source-account-key"), Whole, Key),
        row("login|acr login", Input("--password-stdin"), Whole, Password),
        row("keyvault secret set", Input("/dev/stdin"), Whole, Password),
    ])
    .word(),
    program("azcopy", "azure-secret", &[pass("--service-principal-password")]),
    program("gcloud gsutil bq", "gcloud-secret", &[
        pass("--password --root-password --shared-secret --admin-password"),
            row("auth activate-refresh-token", Argument(1), Whole, Key),
        row("sql connect", Input(""), Whole, Password),
        row("secrets create|secrets versions add", Input("--data-file=-|--data-file|-"), Whole, Password),
        // `--data-file=<(echo X)`: what is printed there.
        row("secrets create|secrets versions add", Opt("--data-file"), Prefixed("\0"), Password),
    ]),
    program("firebase", "firebase-token", &[key("--token")]).word(),
    program("heroku", "heroku-config", &[row("config:set|config:add", Arguments(0), Pair, Token)]).valued("-a --app -r --remote"),
    program("fly flyctl", "fly-secret", &[
        row("secrets set|secret set", Arguments(0), Pair, Password),
        row("secrets import", Input(""), Pair, Password),
        key("--access-token"),
        token("-t_"),
    ])
    .valued("-a --app -c --config -t --access-token"),
    program("vercel vc", "vercel-token", &[key("--token -t_"), row("env add", Input(""), Whole, Password), row("secrets add", Argument(1), Whole, Password)]),
    program("netlify ntl", "netlify-token", &[key("--auth -a_"), row("env:set", Argument(1), Whole, Token)]).valued("--context --scope -s --site"),
    program("wrangler", "wrangler-secret", &[row("secret put|secret bulk|pages secret put|secret:put|versions secret put", Input(""), Whole, Password)]),
    program("railway render koyeb northflank", "deploy-token", &[token("--token -t_"), row("variables|variables set|variable set", Opt("--set"), Pair, Token)]).word(),
    program("doctl", "digitalocean-token", &[key("-t_ --access-token")]),
    program("linode-cli hcloud vultr-cli scw exo civo upcloudctl ovhcloud oci ibmcloud", "cloud-token", &[key("--token --api-key --apikey --access-token"), row("login", Opt("-p_"), Whole, Password)]),
    program("cloudflared", "cloudflare-token", &[row("tunnel run|tunnel", Opt("--token"), Whole, Key), row("service install", Argument(0), Whole, Key)]),
    program("ngrok", "ngrok-token", &[
        row("authtoken|config add-authtoken|config add-api-key", Argument(0), Whole, Key),
        key("--authtoken -authtoken --api-key"),
    ]),
    program("tailscale headscale", "tailscale-key", &[key("--authkey --auth-key --client-secret")]),
    program("netbird", "netbird-key", &[key("--setup-key -k_")]),
    program("nmcli", "wifi-password", &[
        row("", Behind("password", 1), Whole, Password),
        row("", Behind("wifi-sec.psk", 1), Whole, Password),
        row("", Behind("802-11-wireless-security.psk", 1), Whole, Password),
        row("", Behind("wifi-sec.wep-key", 1), Whole, Password),
        row("", Behind("802-1x.password", 1), Whole, Password),
        row("", Behind("vpn.secrets", 1), After('='), Password),
    ]),
    program("wpa_passphrase", "wifi-password", &[row("", Argument(1), Whole, Password), row("", Input(""), Whole, Password)]),
    program("wpa_cli iw", "wifi-password", &[row("", Behind("psk", 1), Whole, Password), row("", Behind("key", 1), Prefixed("0:|1:|2:|3:|d:0:"), Password)]),
    program("iwctl", "wifi-password", &[pass("--passphrase -P")]),
    program("networksetup", "wifi-password", &[row("", Behind("-setairportnetwork", 3), Whole, Password)]),
    program("openconnect openfortivpn", "vpn-password", &[pass("-p_ --password"), key("--cookie"), row("", Input("--passwd-on-stdin|--cookie-on-stdin"), Whole, Password)]),
    // Secrets and infrastructure
    program("vault bao openbao", "vault-token", &[
        row("login", Argument(0), Whole, Token),
        row("operator unseal|unseal|operator generate-root", Argument(0), Whole, Token),
        row("kv put|kv patch|write|secrets put", Arguments(0), Pair, Token),
        row("unwrap|token lookup|token revoke|token renew|token capabilities", Argument(0), Whole, Token),
        key("-token --token"),
        row("login", Input("-"), Whole, Key),
        row("kv put|kv patch|write", Input(""), Whole, Password),
    ])
    .valued("-accessor -address -namespace -method -path -mount -ns -format -field -wrap-ttl"),
    program("consul nomad boundary waypoint", "hashicorp-token", &[key("-token --token -http-token -encrypt -gossip-key"), row("acl set-agent-token", Argument(1), Whole, Key), row("keyring|operator gossip keyring install", Opt("-install -use"), Whole, Key)]).word(),
    program("terraform tofu terragrunt packer tflocal", "terraform-variable", &[key("-token")]),
    program("pulumi", "pulumi-secret", &[
        row("config set", Argument(1), Whole, Token),
        row("config set", With("--secret", 1), Whole, Password),
        row("config set", Input("--secret"), Whole, Password),
    ])
    .valued("-s --stack -C --cwd --path"),
    program("lpass keepassxc-cli pass gopass", "password-manager", &[
        row("unlock", Argument(0), Whole, Password),
        row("login", Argument(1), Whole, Password),
        row("unlock|login", Input(""), Whole, Password),
        row("insert|add|edit|generate", Input(""), Whole, Password),
        pass("--master-password"),
    ])
    .valued("--method --code --passwordenv --passwordfile")
    .word(),
    program("bw", "password-manager", &[
        row("unlock", Argument(0), Whole, Password),
        row("login", Argument(1), Whole, Password),
        row("unlock|login", Input(""), Whole, Password),
        key("--session"),
    ])
    .valued("--method --code --passwordenv --passwordfile"),
    program("op", "password-manager", &[row("item create|item edit", Arguments(0), Pair, Token), key("--session")]).word(),
    program("doppler infisical akeyless conjur phase", "secret-manager", &[
        key("--token -t_ --client-secret --access-key --service-token"),
        row("secrets set|secret set", Arguments(0), Pair, Password),
        row("configure set token", Argument(0), Whole, Key),
    ])
    .word(),
    program("chamber", "secret-manager", &[row("write", Argument(2), Whole, Password), row("write", Input("-"), Whole, Password)]).word(),
    program("kopia", "backup-password", &[pass("-p_ --password --secret-access-key --server-password")]),
    // Code hosts, packages and builds
    program("gh", "github-secret", &[
        row("secret set", Opt("-b --body"), Whole, Password),
        row("auth login", Input("--with-token"), Whole, Key),
        row("secret set", Input(""), Whole, Password),
    ]),
    program("glab tea", "gitlab-token", &[
        row("auth login|login add", Opt("-t --token"), Whole, Key),
        row("auth login", Input("--stdin"), Whole, Key),
        row("variable set", Argument(1), Whole, Token),
        row("variable set", Opt("-v --value"), Whole, Token),
        row("variable set", Input(""), Whole, Password),
    ]),
    program("git", "git-header", &[row("", Opt("-c_ --config"), Header, Key), row("config", Behind("http.", 1), Header, Key), row("credential approve|credential-store store", Input(""), Pair, Token)]),
    program("svn svnadmin svnsync", "svn-password", &[pass("--password --source-password --sync-password")]),
    program("p4", "perforce-password", &[pass("-P"), row("login", Input(""), Whole, Password)]).valued("-u -p -c"),
    program("flux", "gitlab-token", &[row("bootstrap", Input("--token-auth|gitlab|github|gitea"), Whole, Key)]).word(),
    program("mysql_config_editor", "mysql-password", &[row("set", Input("-p|--password"), Whole, Password)]),
    program("npm pnpm yarn bun npx", "npm-token", &[
        row("config set|c set|set", Behind("//", 1), Whole, Key),
        row("config set|set", Named, Whole, Key),
            row("config set|set", Arguments(0), Pair, Token),
        row("config set|set", Behind("_auth", 1), Whole, Key),
        pass("--otp"),
        row("login|adduser", Input(""), Chosen, Password),
    ]),
    program(
        "pip pip3 twine flit hatch pdm maturin keyring",
        "pypi-password",
        &[row("upload|publish", Opt("-p --password -a_ --auth"), Whole, Password), row("set", Input(""), Whole, Password), row("config set", Named, Whole, Password)],
    ),
    program("poetry uv", "pypi-password", &[
        row("publish", Opt("-p --password -t --token"), Whole, Password),
        row("config", Behind("pypi-token.", 1), Whole, Key),
        row("config", Behind("http-basic.", 2), Whole, Password),
        row("auth login", Opt("--password --token"), Whole, Password),
    ]),
    program("cargo", "cargo-token", &[row("login", Argument(0), Whole, Token), row("publish|yank|owner|login", Opt("--token"), Whole, Token), row("login", Input(""), Whole, Key)])
        .valued("--registry"),
    program("gem bundle bundler", "rubygems-password", &[
        row("push|yank|owner", Opt("-k --key"), Whole, Token),
        row("config set|config", Argument(1), After(':'), Password),
        pass("--otp"),
        row("push|yank|owner", Opt("--otp"), Whole, Password),
    ]),
    program("composer", "composer-token", &[
        row("config", Behind("http-basic.", 2), Whole, Password),
        row("config", Behind("github-oauth.", 1), Whole, Key),
        row("config", Behind("gitlab-token.", 1), Whole, Key),
        row("config", Behind("gitlab-oauth.", 1), Whole, Key),
        row("config", Behind("bearer.", 1), Whole, Key),
        row("config", Behind("bitbucket-oauth.", 2), Whole, Key),
    ]),
    program("nuget dotnet paket choco", "nuget-key", &[
        row("nuget push|push|nuget delete|delete", Opt("-k --api-key -ApiKey -apikey"), Whole, Key),
        row("setapikey|setApiKey|apikey", Argument(0), Whole, Key),
        row("nuget push|push", Argument(1), Whole, Token),
        row("sources|nuget add source|nuget update source|source|add source", Opt("-p --password -Password"), Whole, Password),
        row("apikey", Opt("-k --key"), Whole, Key),
        row("user-secrets set", Argument(1), Whole, Password),
    ]),
    program("lein sbt leiningen", "build-password", &[pass("--password")]).word(),
    program("sonar-scanner sonar sonar-scanner-cli dotnet-sonarscanner", "sonar-token", &[key("/d:sonar.token= /d:sonar.login= -Dsonar.login= -Dsonar.token= /d:sonar.password=")]),
    program("stripe", "stripe-key", &[key("--api-key")]).word(),
    program("sentry-cli", "sentry-token", &[key("--auth-token --api-key")]),
    program("codecov codecov.sh codecovcli", "codecov-token", &[key("-t --token")]),
    program("snyk", "snyk-token", &[row("config set", Arguments(0), Prefixed("api="), Key), row("auth", Argument(0), Whole, Key)]),
    program("newman postman", "postman-key", &[key("--postman-api-key --with-api-key")]).word(),
    program("datadog-ci dd-agent datadog-agent", "datadog-key", &[key("--api-key --app-key")]),
    program("circleci buildkite-agent bk travis drone", "ci-token", &[key("--token --access-token --github-token"), row("setup", Opt("--token"), Whole, Key), row("encrypt", Argument(0), After('='), Password)]).word(),
    program("gitlab-runner gitlab-ci-multi-runner act_runner config.sh run.sh", "runner-token", &[key("--registration-token --token"), token("-r_ -t_")]),
    program("jenkins-cli jenkins-cli.jar jcli", "jenkins-auth", &[user("-auth_")]),
    program("java", "java-password", &[user("-auth_")]).word(),
    program("jf jfrog", "artifactory-token", &[pass("--password"), key("--apikey --access-token"), row("", Input("--password-stdin"), Whole, Password)]),
    program("ansible ansible-playbook ansible-console ansible-pull", "ansible-variable", &[pass("--ssh-pass")]),
    program("swaks", "smtp-password", &[pass("-ap_ --auth-password -apt_")]),
    program("sendemail sendEmail", "smtp-password", &[pass("-xp_")]),
    program("mailx s-nail msmtp mutt neomutt", "smtp-password", &[row("", Opt("--passwordeval"), Prefixed("echo "), Password), pass("--password")]).word(),
    program("wp", "wordpress-password", &[pass("--user_pass --admin_password --dbpass")]).word(),
    program("drush", "drupal-password", &[pass("--account-pass --db-su-pw --password"), row("user:password|user-password|upwd", Argument(1), Whole, Password)]),
    program("bitcoin-cli bitcoind litecoin-cli dogecoin-cli zcash-cli elements-cli lightning-cli lncli monero-wallet-cli", "rpc-password", &[
        pass("-rpcpassword --rpcpassword --password"),
        row("walletpassphrase|encryptwallet", Argument(0), Whole, Password),
        row("importprivkey", Argument(0), Whole, Key),
    ])
    .valued("-rpcuser -rpcconnect -datadir -conf"),
    program("cast forge anvil", "wallet-key", &[key("--private-key --private-keys"), pass("--mnemonic --password")]),
    program("kafka-configs kafka-configs.sh kcat kafkacat kafka-console-consumer kafka-console-producer", "kafka-password", &[row("", Opt("-X_"), Prefixed("sasl.password=|ssl.key.password="), Password)]),
    program("newrelic", "newrelic-key", &[key("--apiKey --licenseKey --api-key --license-key")]),
    program("huggingface-cli hf", "huggingface-token", &[key("--token"), row("login", Argument(0), Whole, Token)]),
    program("wandb comet neptune mlflow", "wandb-key", &[row("login", Argument(0), Whole, Token)]).valued("--host --project"),
    program("openai anthropic llm", "ai-key", &[key("-k_ --api-key --key"), row("keys set", Opt("--value"), Whole, Key), row("keys set", Input(""), Whole, Key)]).word(),
    program("claude codex gemini cursor-agent opencode", "mcp-header", &[row("mcp add|mcp add-json", Opt("-H --header"), Header, Key)]).word(),
    program("cf cf7 cf8", "cloud-password", &[row("login", Opt("-p --password"), Whole, Password), row("auth", Argument(1), Whole, Password)]).word(),
    program("supabase turso planetscale pscale neonctl neon xata", "database-token", &[
        key("--token --api-key --service-token"),
        pass("-p_ --password --db-password"),
        row("login", Opt("--token"), Whole, Key),
        row("secrets set", Arguments(0), Pair, Password),
    ])
    .word(),
    program("mosquitto_pub mosquitto_sub mosquitto_rr mqttx mqtt", "mqtt-password", &[pass("-P -pw_ --pw --password")]),
    program("jmeter jmeter.sh", "proxy-password", &[pass("-a_ --password")]),
    program("mount_smbfs mount_afp mount.davfs smbutil", "smb-password", &[row("", Arguments(0), Login(':'), Password), row("", Input(""), Whole, Password)]),
    program("mount", "smb-password", &[row("", Input("davfs|davfs2"), Whole, Password)]).word(),
    program("sshfs", "sshfs-password", &[row("", Input("password_stdin"), Whole, Password)]),
    program("elasticsearch-keystore opensearch-keystore kibana-keystore logstash-keystore filebeat metricbeat auditbeat packetbeat apm-server", "elastic-password", &[row("add|keystore add", Input(""), Whole, Password)]),
    program("mosquitto_passwd", "mqtt-password", &[row("", Argument(2), Whole, Password)]),
    program("onesixtyone", "snmp-password", &[row("", Argument(1), Whole, Password)]).valued("-c -i -o -w"),
    program("convertto-securestring", "powershell-secret", &[row("", Argument(0), Whole, Password), pass("-String_ -string_")]),
    program("ecryptfs-wrap-passphrase ecryptfs-add-passphrase ecryptfs-unwrap-passphrase", "disk-password", &[row("", Input(""), Whole, Password)]),
    program("caddy", "password", &[row("hash-password", Opt("-p --plaintext"), Whole, Password), row("hash-password", Input(""), Whole, Password)]).word(),
    program("grafana-cli grafana", "grafana-password", &[row("admin reset-admin-password", Argument(0), Whole, Password)]),
    program("gitea forgejo", "gitea-password", &[row("admin user create|admin user change-password", Opt("-p --password"), Whole, Password)]).word(),
    program("set", "secret-variable", &[row("-x|-gx|-xg|-Ux|-xU|-gxU|-lx|-xl|--export", Named, Whole, Token)]).word(),
    program("setx setenv", "secret-variable", &[row("", Named, Whole, Token)]).word(),
    // Others that take a password in a way of their own
    program("db2", "db2-password", &[row("connect|attach", Behind("using", 1), Whole, Password), row("connect|attach", Behind("USING", 1), Whole, Password)]),
    program("beeline sqoop sqoop-import impala-shell presto trino", "hive-password", &[pass("-p_ --password"), row("", Input("--password"), Whole, Password)]),
    program("confluent ccloud", "confluent-secret", &[row("api-key store", Argument(1), Whole, Key), key("--api-secret")]).word(),
    program("stomp activemq", "broker-password", &[pass("-W --password")]).word(),
    program("samba-tool", "samba-password", &[row("user create|user add", Argument(1), Whole, Password), pass("--newpassword --adminpass --password")]),
    program("nssm", "windows-password", &[row("set", Behind("ObjectName", 2), Whole, Password)]),
    program("certutil", "certificate-password", &[pass("-p_ -P_")]),
    program("ccrypt ccencrypt ccdecrypt", "ccrypt-key", &[pass("-K --key")]),
    program("warp-cli", "warp-license", &[row("registration license|set-license", Argument(0), Whole, Token)]),
    program("knife", "knife-password", &[pass("-P_ --ssh-password --winrm-password --connection-password")]),
    program("salt salt-call", "salt-password", &[row("", Behind("mysql.user_create", 3), Whole, Password), row("", Behind("shadow.set_password", 2), Whole, Password)]),
    program("swift", "swift-key", &[pass("-K --key --os-password")]).word(),
    program("b2 backblaze-b2", "backblaze-key", &[row("authorize-account|account authorize|authorize_account", Argument(1), Whole, Key)]),
    program("conan", "conan-password", &[row("user|remote login|remote auth", Opt("-p_ --password"), Whole, Password)]),
    program("mix", "hex-key", &[row("hex.organization auth|hex.user auth|hex.publish", Opt("--key"), Whole, Key)]),
    program("nikto", "nikto-password", &[user("-id_")]),
    program("shodan", "shodan-key", &[row("init", Argument(0), Whole, Key)]),
    program("odoo odoo-bin", "odoo-password", &[pass("-w --db_password")]),
    program("ttyd gotty", "terminal-password", &[user("-c_ --credential")]),
    program("filebrowser", "filebrowser-password", &[row("users add", Argument(1), Whole, Password), pass("--password -p_")]),
    program("frpc frps", "frp-token", &[key("-t_ --token")]),
    program("ss-local ss-server ss-redir ss-tunnel sslocal ssserver", "shadowsocks-password", &[pass("-k_")]),
    program("steamcmd", "steam-password", &[row("", Behind("+login", 2), Whole, Password)]),
    program("airflow", "airflow-secret", &[row("variables set", Named, Whole, Token), pass("--conn-password --password -p_")]),
    program("keepassxc-cli", "password-manager", &[row("", Input(""), Whole, Password)]),
    program("op", "password-manager", &[row("signin", Input(""), Whole, Password)]),
    program("virsh", "libvirt-secret", &[row("secret-set-value", Argument(1), Whole, Token)]),
    program("credstash", "secret-manager", &[row("put", Argument(1), Whole, Password)]),
    program("elasticsearch-reset-password elasticsearch-users", "elastic-password", &[row("", Input(""), Whole, Password), row("useradd|passwd", Opt("-p_"), Whole, Password)]),
    program("hcloud", "cloud-token", &[row("context create", Input(""), Whole, Key)]),
    program("age rage", "age-key", &[row("", Input("-p|--passphrase"), Whole, Password)]).word(),
    program("security:hash-password", "password", &[row("", Argument(0), Whole, Password)]),
    program("php artisan console", "password", &[row("bin/console security:hash-password|security:hash-password", Argument(0), Whole, Password)]).word(),
    program("base64", "basic-auth", &[row("", Input(""), After(':'), Password)]),
    program("base64 md5sum sha1sum sha256sum sha512sum shasum b2sum", "password", &[row("", Input(""), Chosen, Password)]),
    // Directories, mail and monitoring
    program("ipa", "kerberos-password", &[row("user-add|user-mod|passwd", Input(""), Whole, Password)]).word(),
    program("ipa-client-install ipa-replica-install", "kerberos-password", &[pass("-w --password")]),
    program("ipa-server-install", "kerberos-password", &[pass("-a_ -p_ --admin-password --ds-password")]),
    program("realm adcli", "kerberos-password", &[row("join|leave", Input(""), Whole, Password)]).word(),
    program("dsconf dsctl dsidm dscreate", "ldap-password", &[pass("-w")]),
    program("zmprov", "user-password", &[
        row("sp|setPassword|ca|createAccount", Argument(1), Whole, Password),
    ]),
    program("doveadm", "user-password", &[
        row("pw", Opt("-p_"), Whole, Password),
        row("auth test|auth login", Argument(1), Whole, Password),
    ]),
    program("saslpasswd2 fetchmail", "user-password", &[row("", Input(""), Whole, Password)]),
    program("ssmtp", "smtp-password", &[pass("-ap_")]),
    program("radtest", "radius-secret", &[
        row("", Argument(1), Whole, Password),
        row("", Argument(4), Whole, Password),
    ])
    .valued("-t -d"),
    program("radclient", "radius-secret", &[row("", Argument(2), Whole, Password)]).valued("-f -d -n -p -r -t -c"),
    program("eapol_test", "radius-secret", &[pass("-s_")]),
    program("emqx_ctl emqx", "mqtt-password", &[
        row("admins add|ctl admins add|admins passwd|ctl admins passwd", Argument(1), Whole, Password),
    ]),
    program("check_http check_curl check_tcp", "basic-auth", &[user("-a --authorization -b --proxy-authorization")]),
    program("icinga2", "icinga-ticket", &[key("--ticket")]),
    program("cortextool mimirtool", "grafana-token", &[key("--key")]),
    // What is printed by `<(echo X)`.
    program("openvpn", "vpn-password", &[row("", Opt("--askpass --auth-user-pass"), Prefixed("\0"), Password)]),
    program("wg awg", "wireguard-key", &[row("set", Behind("preshared-key", 1), Prefixed("\0"), Key)]).word(),
    program("varnishadm", "varnish-secret", &[row("", Opt("-S_"), Prefixed("\0"), Password)]),
    // Certificates and Windows
    program("pk12util", "certificate-password", &[pass("-W -K")]),
    program("pvk2pfx", "certificate-password", &[pass("-po_ -pi_")]),
    program("winrs winrm", "windows-password", &[pass("-p: -password: /p: /password:")]),
    program("bitsadmin", "windows-password", &[row("", Behind("/setcredentials", 5), Whole, Password)]),
    program("manage-bde", "disk-password", &[pass("-RecoveryPassword_ -rp_ -Password_ -pw_")]),
    program("expo ionic", "expo-password", &[
        row("login", Opt("-p --password"), Whole, Password),
        row("login", Argument(1), Whole, Password),
    ])
    .valued("-u --username"),
    // Registrations and keyrings
    program("subscription-manager rhc insights-client", "subscription-key", &[
        row("register|connect", Opt("-p_ --password --activationkey --activation-key"), Whole, Password),
    ])
    .word(),
    program("suseconnect registercloudguest", "subscription-key", &[key("-r_ --regcode")]),
    program("pro ua ubuntu-advantage", "subscription-key", &[row("attach", Argument(0), Whole, Token)]).word(),
    program("keyctl", "kernel-key", &[row("add user", Argument(1), Whole, Password), row("padd user", Input(""), Whole, Password)]),
    program("secret-tool", "keyring-password", &[row("store", Input(""), Whole, Password)]),
    program("kwallet-query", "keyring-password", &[row("", Input("-w"), Whole, Password)]),
    program("systemd-creds", "systemd-secret", &[row("encrypt", Input(""), Whole, Password)]),
    program("dart flutter pub", "pub-token", &[row("pub token add|token add", Input(""), Whole, Key)]).word(),
    program("npm", "npm-token", &[row("token create|profile set", Input(""), Whole, Password)]),
    program("steghide outguess", "archive-password", &[pass("-p_ --passphrase -k_")]),
    program("zfs", "disk-passphrase", &[row("create|load-key|change-key", Input(""), Whole, Password)]).word(),
    program("elasticsearch-keystore opensearch-keystore logstash-keystore kibana-keystore", "keystore-secret", &[row("add|add-string", Input(""), Whole, Password)]),
];
