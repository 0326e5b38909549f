//! What each program is given that is secret, in every form that people write, and what only looks like it.

use std::ops::Range;

use proptest::prelude::*;

use super::*;

mod naming_options;
mod reading;

/// A made-up password, long enough to be no part of anything else.
const PASSWORD: &str = concat!("Fake", "Passw0rd", "9");
/// A made-up token.
const TOKEN: &str = concat!("FAKE", "0123456789", "abcdef", "ABCDEFGHIJ");

/// Programs: commands with `{P}` for a password and `{T}` for a token, and commands in which nothing is secret.
const PROGRAM_TABLE: &[(&str, &[&str], &[&str])] = &[
    (
        "curl",
        &[
            "curl -u admin:{P} https://example.com",
            "curl -uadmin:{P} https://example.com",
            "curl -sku admin:{P} https://example.com/x",
            "curl --user admin:{P} https://example.com",
            "curl --user=admin:{P} https://example.com",
            "curl -fsSL -U proxy:{P} https://example.com",
            "curl --proxy-user proxy:{P} https://example.com",
            "curl --oauth2-bearer {T} https://example.com",
            "curl -u {T}: https://api.example.com/v1/charges",
            "curl --aws-sigv4 aws:amz:eu-west-1:s3 -u keyid:{P} https://example.com",
            "curl -b session={T} https://example.com",
            "curl -H X-Api-Key:{T} https://example.com",
            "curl --cert client.pem:{P} https://example.com",
            "/usr/bin/curl -u admin:{P} https://example.com",
            r"C:\Windows\System32\curl.exe -u admin:{P} https://example.com",
        ],
        &[
            "curl -u \"$USER:$PASS\" https://example.com",
            "curl -u admin https://example.com",
            "curl -u $CREDENTIALS https://example.com",
            "curl -b cookies.txt https://example.com",
            "curl -H \"Authorization: Bearer $TOKEN\" https://example.com",
            "curl -fsSL https://example.com/install.sh | bash",
            "curl -o out.json -w '%{http_code}' https://example.com:8443/x",
            "sort -u names.txt",
            "grep -u pattern file:name",
            "git push -u origin main:main",
        ],
    ),
    (
        "wget",
        &["wget --user=root --password={P} https://example.com/x", "wget --http-password {P} https://example.com/x"],
        &["wget --ask-password --user=root https://example.com/x", "wget -P downloads https://example.com/x"],
    ),
    (
        "httpie",
        &[
            "http -a admin:{P} GET https://example.com/x",
            "https --auth=admin:{P} example.com",
            "xh -a admin:{P} :8080/x",
            "http -A bearer -a {T} example.com",
            "xh --auth-type=bearer --auth {T} :8080/x",
        ],
        &["http GET :8080/api/tokens", "http --print=Hh example.com"],
    ),
    (
        "mysql",
        &[
            "mysql -u root -p{P} app",
            "mysql --password={P} -e 'select 1'",
            "mysqldump -h db -uroot -p{P} app > dump.sql",
            "mariadb -p{P}",
            "/usr/local/mysql/bin/mysqladmin -u root -p{P} status",
            "mysqladmin -u root password {P}",
            "mydumper -u root -p {P} -B app",
        ],
        &[
            "mysql -h 127.0.0.1 -u root -p -e 'show databases'",
            "mysql -u root -p app",
            "mysql --password app",
            "mkdir -p some/dir",
            "cp -p a b",
            "ps -p 1234",
            "tar -xpf x.tar",
            "ssh -p 2222 host uptime",
            "nmap -p 80,443 host",
        ],
    ),
    (
        "psql",
        &["PGPASSWORD={P} psql -h db -U app", "psql 'host=db user=app password={P} dbname=x'", "pgcli --password={P}"],
        &["psql -U app -d db", "psql -p 5432 -h db app", "PGPASSWORD=\"$DB_PASS\" pg_dump app", "psql -W -U app"],
    ),
    (
        "redis",
        &[
            "redis-cli -a {P} ping",
            "redis-cli --pass {P} ping",
            "redis-cli -h db -p 6379 auth {P}",
            "redis-cli CONFIG SET requirepass {P}",
            "redis-server --requirepass {P}",
        ],
        &[
            "redis-cli -p 6379 -h db INFO",
            "redis-cli -u redis://localhost:6379/0 ping",
            "redis-cli config get requirepass",
        ],
    ),
    (
        "mongo",
        &[
            "mongosh -u admin -p {P} --authenticationDatabase admin",
            "mongodump --username u --password={P} --db app",
            "mongo -u x -p{P} db",
        ],
        &["mongosh --port 27017 -p --host db", "mongosh mongodb://localhost/app"],
    ),
    (
        "oracle",
        &[
            "sqlplus system/{P}@//db:1521/XE",
            "sqlplus -S scott/{P}@orcl @script.sql",
            "expdp userid=system/{P} full=y",
            "sqlplus app/{P}",
        ],
        &["sqlplus /nolog", "sqlplus / as sysdba", "imp file.dmp"],
    ),
    (
        "sqlserver",
        &[
            "sqlcmd -S db -U sa -P {P} -Q 'select 1'",
            "bcp t out f -S db -U sa -P{P}",
            "sqlpackage /Action:Publish /p:{P}",
            "isql dsn sa {P}",
        ],
        &["sqlcmd -S db -E -Q 'select 1'"],
    ),
    (
        "databases",
        &[
            "clickhouse-client --user u --password {P}",
            "snowsql -a acc -u u --password {P}",
            "influx -username admin -password {P}",
            "influx query --token {T}",
            "cqlsh -u cassandra -p {P} host",
            "nodetool -u x -pw {P} status",
            "cypher-shell -u neo4j -p {P}",
            "neo4j-admin dbms set-initial-password {P}",
            "etcdctl --user root:{P} get /",
            "rabbitmqctl add_user bob {P}",
            "rabbitmqctl change_password bob {P}",
            "rabbitmqadmin -u guest -p {P} list queues",
            "couchbase-cli server-list -u a -p {P}",
        ],
        &["influx -host db -port 8086", "rabbitmqctl list_users", "etcdctl get / --prefix --keys-only", "cqlsh --help"],
    ),
    (
        "ldap",
        &[
            "ldapsearch -x -D cn=admin -w {P} -b dc=example",
            "ldapadd -xw {P} -f a.ldif",
            "ldappasswd -s {P} uid=bob",
            "slappasswd -s {P}",
        ],
        &["ldapsearch -x -W -D cn=admin", "ldapsearch -x -y /etc/pw -b dc=example"],
    ),
    (
        "smb",
        &[
            "smbclient //srv/share -U bob%{P}",
            "smbclient //srv/share {P} -U bob",
            "rpcclient -U bob%{P} srv",
            "net rpc info -U admin%{P}",
            "mount -t cifs //srv/share /mnt -o username=bob,password={P}",
            "winexe -U dom/bob%{P} //srv cmd",
            "evil-winrm -i 10.0.0.1 -u bob -p {P}",
            "nxc smb 10.0.0.1 -u bob -p {P}",
            "impacket-psexec corp/bob:{P}@10.0.0.1",
            "secretsdump.py corp/bob:{P}@10.0.0.1",
        ],
        &[
            "smbclient -L //srv -N",
            "smbclient //srv/share -U bob",
            "mount -o ro,noexec /dev/sda1 /mnt",
            "net ads join -U admin",
        ],
    ),
    (
        "remote",
        &[
            "xfreerdp /v:host /u:bob /p:{P}",
            "rdesktop -u bob -p {P} host",
            "sshpass -p {P} ssh -p 22 bob@host uptime",
            "sshpass -p{P} scp -P 22 a bob@host:",
            "plink -pw {P} bob@host",
            "lftp -u bob,{P} sftp://host",
            "cmdkey /add:srv /user:bob /pass:{P}",
            "net user bob {P} /add",
            "x11vnc -passwd {P}",
            "ipmitool -I lanplus -H bmc -U ADMIN -P {P} power status",
            "snmpwalk -v3 -u u -A {P} host",
            "snmpwalk -v2c -c {P} host",
        ],
        &[
            "sshpass -e ssh bob@host uptime",
            "sshpass -f pw.txt ssh bob@host",
            "net user",
            "net start service",
            "ssh bob@host ls -p",
        ],
    ),
    (
        "archives",
        &[
            "unzip -P {P} a.zip",
            "zip -r -P {P} a.zip dir",
            "zip -rP {P} a.zip dir",
            "7z a -p{P} a.7z dir",
            "7z x a.7z -p{P} -oout",
            "unrar x -p{P} a.rar",
            "rar a -hp{P} a.rar dir",
            "qpdf --password={P} --decrypt in.pdf out.pdf",
        ],
        &["unzip -p a.zip file", "7z x a.7z -oout", "unrar x -p- a.rar", "zip -r a.zip dir -x '*.git*'"],
    ),
    (
        "openssl",
        &[
            "openssl rsa -in key.pem -passin pass:{P} -out k.pem",
            "openssl enc -aes-256-cbc -k {P} -in a -out b",
            "openssl enc -d -aes-256-cbc -pass pass:{P} -in a",
            "openssl dgst -sha256 -hmac {P} file",
            "openssl pkcs12 -export -passout pass:{P} -in c",
            "openssl dgst -mac HMAC -macopt key:{P} f",
        ],
        &[
            "openssl rsa -in key.pem -passin env:KEYPASS",
            "openssl rsa -in key.pem -passin file:pw.txt",
            "openssl rand -base64 24",
            "openssl x509 -in cert.pem -noout -fingerprint -sha256",
            "openssl passwd -6 -stdin < pw.txt",
            "openssl req -newkey rsa:2048 -keyout k.pem -nodes",
        ],
    ),
    (
        "keys",
        &[
            "gpg --batch --passphrase {P} -d a.gpg",
            "ssh-keygen -t ed25519 -N {P} -f id",
            "ssh-keygen -p -P {P} -N '' -f id",
            "keytool -list -keystore ks.jks -storepass {P}",
            "keytool -importkeystore -srcstorepass {P} -deststorepass {P}",
            "jarsigner -storepass {P} -keypass {P} a.jar alias",
            "apksigner sign --ks k.jks --ks-pass pass:{P} a.apk",
            "signtool sign /f cert.pfx /p {P} a.exe",
            "security unlock-keychain -p {P} build.keychain",
            "security add-generic-password -a me -s svc -w {P}",
            "security import cert.p12 -k build.keychain -P {P}",
            "security set-key-partition-list -S apple-tool: -k {P} build.keychain",
        ],
        &[
            "gpg --passphrase-file pw.txt -d a.gpg",
            "gpg --list-secret-keys --keyid-format=long",
            "ssh-keygen -t ed25519 -N '' -f id",
            "ssh-keygen -p -f id",
            "keytool -list -keystore ks.jks -storepass:env KS_PASS",
            "apksigner sign --ks k.jks --ks-pass env:KS_PASS a.apk",
            "security find-generic-password -s svc -w",
            "security find-identity -p codesigning",
        ],
    ),
    (
        "users",
        &[
            "htpasswd -bc .htpasswd bob {P}",
            "htpasswd -nb bob {P}",
            "useradd -m -p {P} bob",
            "echo bob:{P} | chpasswd",
            "echo {P} | passwd --stdin bob",
            "dscl . -passwd /Users/bob {P}",
        ],
        &["htpasswd -c .htpasswd bob", "usermod -aG docker bob", "passwd -l bob"],
    ),
    (
        "docker",
        &[
            "docker login -u bob -p {P} registry.example.com",
            "docker login --username bob --password={P}",
            "echo {P} | docker login -u bob --password-stdin",
            "printf '%s' {P} | sudo docker login -u bob --password-stdin",
            "docker login -u bob --password-stdin <<< {P}",
            "helm registry login example.com -u bob -p {P}",
            "skopeo copy --src-creds bob:{P} docker://a docker://b",
            "buildah push --creds bob:{P} image",
            "docker run -e DB_PASSWORD={P} -p 80:80 image",
            "docker build --build-arg NPM_TOKEN={T} .",
            "echo {P} | docker secret create db -",
        ],
        &[
            "docker run -p 80:80 nginx",
            "docker run --rm -it -p 8080:80 -v \"$PWD\":/work image login",
            "docker login --password-stdin < token.txt",
            "docker run -e GITHUB_PERSONAL_ACCESS_TOKEN=$GITHUB_TOKEN image",
            "docker run -e API_TOKEN image",
            "docker build --secret id=npmrc,src=.npmrc .",
            "cat token.txt | docker login -u bob --password-stdin",
        ],
    ),
    (
        "kubernetes",
        &[
            "kubectl create secret generic db --from-literal=password={P}",
            "kubectl create secret docker-registry r --docker-username=bob --docker-password={P}",
            "kubectl config set-credentials bob --token={T}",
            "oc login -u bob -p {P} https://api.example.com",
            "oc login --token={T} --server=https://api.example.com",
            "helm upgrade app ./chart --set auth.password={P}",
            "helm upgrade app ./chart --set image.tag=1,auth.password={P},replicas=3",
            "argocd login host --username admin --password {P}",
        ],
        &[
            "kubectl create secret generic db --from-file=password=./password.txt",
            "kubectl get secret db -o yaml",
            "kubectl auth can-i create secrets --as=system:serviceaccount:ci:deployer",
            "helm upgrade db bitnami/postgresql --set auth.existingSecret=db-credentials",
            "helm upgrade api ./chart --set image.tag=22eae24 --set replicas=3",
            "kubectl port-forward svc/db 5432:5432 -n prod",
        ],
    ),
    (
        "clouds",
        &[
            "aws configure set aws_secret_access_key {T}",
            "aws secretsmanager create-secret --name db --secret-string {P}",
            "aws ssm put-parameter --name /x --type SecureString --value {T}",
            "aws rds create-db-instance --master-username a --master-user-password {P}",
            "az login --service-principal -u app -p {P} --tenant t",
            "az keyvault secret set --vault-name v --name n --value {P}",
            "az storage blob list --account-name a --account-key {T}",
            "gcloud sql users set-password bob --instance=i --password={P}",
            "firebase deploy --token {T}",
            "heroku config:set API_KEY={T} -a app",
            "fly secrets set DB_PIN={P}",
            "vercel --token {T} deploy",
            "doctl auth init -t {T}",
            "cloudflared tunnel run --token {T}",
            "ngrok config add-authtoken {T}",
            "tailscale up --authkey {T}",
            "netlify deploy --auth {T}",
        ],
        &[
            "aws secretsmanager get-secret-value --secret-id prod/db-password",
            "aws ssm get-parameter --name /prod/api/token --with-decryption",
            "aws kms encrypt --key-id alias/x --plaintext fileb://in.bin",
            "aws lambda update-function-code --function-name auth-token-rotator --s3-key a.zip",
            "gcloud secrets versions access latest --secret=db-password",
            "az keyvault secret show --vault-name v --name db-password --query value -o tsv",
            "fly secrets list -a app",
            "wrangler secret put API_SECRET",
            "vercel env add API_SECRET production",
            "az group list -o table",
        ],
    ),
    (
        "networks",
        &[
            "wg set wg0 private-key <(echo {T})",
            "nmcli dev wifi connect home password {P}",
            "wpa_passphrase home {P}",
            "iwctl --passphrase {P} station wlan0 connect home",
        ],
        &[
            "wg genkey | tee privatekey | wg pubkey > publickey",
            "nmcli dev wifi list",
            "diff <(sort a.txt) <(sort b.txt)",
        ],
    ),
    (
        "vault",
        &[
            "vault login {T}",
            "vault kv put secret/app password={P}",
            "vault write auth/userpass/users/bob password={P}",
            "vault operator unseal {T}",
            "vault kv get -token={T} secret/app",
            "echo {T} | vault login -",
            "consul members -token={T}",
        ],
        &[
            "vault login -method=oidc role=dev",
            "vault status -format=json",
            "vault kv get secret/app/password",
            "vault kv put secret/app @data.json",
        ],
    ),
    (
        "infrastructure",
        &[
            "terraform apply -var db_password={P}",
            "terraform apply -var 'db_password={P}'",
            "terraform init -backend-config=secret_key={T}",
            "ansible-playbook site.yml -e db_password={P}",
            "ansible-playbook site.yml --extra-vars 'ansible_password={P} x=1'",
            "ansible-vault encrypt_string {P} --name db",
            "pulumi config set --secret dbKey {T}",
            "rclone obscure {P}",
            "rclone config create s3 s3 access_key_id AKID secret_access_key {T} region x",
            "mc alias set prod https://s3.example.com minio {P}",
        ],
        &[
            "terraform apply -auto-approve -var \"db_password=$TF_DB_PASSWORD\"",
            "ansible-playbook site.yml --ask-become-pass --vault-password-file ~/.vault_pass",
            "ansible-playbook site.yml -e @secrets.yml",
            "pulumi config set aws:region eu-west-1",
            "make test TOKEN_FILE=/run/secrets/token",
        ],
    ),
    (
        "code hosts",
        &[
            "echo {T} | gh auth login --with-token",
            "gh secret set NPM_TOKEN --body {T}",
            "gh secret set NPM_TOKEN -b{T}",
            "glab auth login --token {T}",
            "git -c http.extraHeader='Authorization: Bearer {T}' clone https://example.com/x",
            "git config --global http.extraHeader 'Authorization: Basic {T}'",
            "svn co --username bob --password {P} https://example.com/svn",
        ],
        &[
            "gh auth token | wc -c",
            "gh secret set NPM_TOKEN < npm_token.txt",
            "gh pr create --title 'Add token bucket' --body 'Implements #482'",
            "git commit -m 'feat(auth): add --password option'",
            "git log -S 'API_KEY' --oneline",
            "git checkout -b feature/reset-password-flow",
        ],
    ),
    (
        "packages",
        &[
            "npm config set //registry.npmjs.org/:_authToken {T}",
            "npm config set //registry.npmjs.org/:_authToken={T}",
            "twine upload -u __token__ -p {P} dist/*",
            "poetry config pypi-token.pypi {T}",
            "poetry config http-basic.corp bob {P}",
            "poetry publish -u bob -p {P}",
            "uv publish --token {T}",
            "cargo login {T}",
            "cargo publish --token {T}",
            "bundle config set gems.example.com bob:{P}",
            "bundle config gems.example.com bob:{P}",
            "composer config --global github-oauth.github.com {T}",
            "composer config http-basic.example.com bob {P}",
            "dotnet nuget push a.nupkg -k {T} -s https://example.com",
            "nuget setapikey {T} -source x",
            "mvn deploy -Dnexus.password={P}",
            "gradle publish -PossrhPassword={P}",
        ],
        &[
            "npm token list",
            "npm publish --access public",
            "yarn workspace @acme/token-service build",
            "cargo test password:: -- --nocapture",
            "cargo publish -p crate-name",
            "pip install -r requirements.txt",
            "npx tsc --noEmit -p tsconfig.build.json",
            "sonar-scanner -Dsonar.projectKey=acme_api -Dsonar.sources=src",
        ],
    ),
    (
        "services",
        &[
            "stripe listen --api-key {T}",
            "sentry-cli --auth-token {T} releases list",
            "codecov -t {T}",
            "snyk auth {T}",
            "sonar-scanner -Dsonar.token={T}",
            "java -jar jenkins-cli.jar -s https://ci -auth bob:{T} list-jobs",
            "jf rt ping --url=https://x --access-token={T}",
            "swaks --to a@b --auth-user u --auth-password {P}",
            "swaks --to a@b -ap {P}",
            "wp user create bob bob@example.com --user_pass={P}",
            "drush site:install --account-pass={P}",
            "bitcoin-cli -rpcuser=rpc -rpcpassword={P} getblockcount",
            "cast send 0x00 --private-key {T}",
            "huggingface-cli login --token {T}",
            "wandb login {T}",
            "bw unlock {P}",
            "bw login bob@example.com {P}",
            "openai api -k {T} models.list",
            "claude mcp add x https://example.com --header 'Authorization: Bearer {T}'",
            "claude mcp add github -e GITHUB_TOKEN={T} -- npx server",
            "mosquitto_pub -h host -u bob -P {P} -t x -m y",
            "kcat -b host -X sasl.password={P} -L",
            "grpcurl -H 'authorization: Bearer {T}' host:443 list",
        ],
        &[
            "stripe listen --forward-to localhost:3000/webhook",
            "claude mcp add github -e A=$B -- npx -y server",
            "wandb login",
            "bw unlock --passwordenv BW_PASSWORD",
            "codecov -f coverage.xml -C aee03b55e58a00b0ffc9c1f174185df27b4dec81",
            "grpcurl -plaintext localhost:50051 acme.token.v1.TokenService/List",
        ],
    ),
    (
        "any program",
        &[
            "./deploy.sh --password {P}",
            "tool --password={P} --host x",
            "tool --api-key {T}",
            "tool --apikey={T}",
            "tool --client-secret {T}",
            "tool --access-token={T}",
            "tool -password {P}",
            "tool.ps1 -ApiKey {T}",
            "Connect-Thing -Password {P}",
            "make deploy TOKEN={T}",
            "export API_TOKEN={T}",
            "env DB_PASSWORD={P} ./run",
            "setx API_TOKEN {T}",
            "set -gx API_TOKEN {T}",
            "ConvertTo-SecureString {P} -AsPlainText -Force",
            "echo {P} > .vault_pass",
            "echo {T} | sudo tee /run/secrets/api_token",
            "echo host:5432:db:bob:{P} >> ~/.pgpass",
            "sudo -S ls <<< {P}",
            "echo {P} | sudo -S ls",
        ],
        &[
            "tool --password-file /run/pw --token-type bearer",
            "tool --password \"$PASSWORD\"",
            "tool --password $(pass show x)",
            "tool --password `cat x`",
            "tool --token <token>",
            "tool --token {{ token }}",
            "tool --password ***",
            "tool --password [REDACTED:x]",
            "tool --api-key YOUR_API_KEY",
            "tool --token=%TOKEN%",
            "tool -Token $env:TOKEN",
            "export TOKEN=$(gh auth token)",
            "export TOKEN_URL=https://auth.example.com/oauth2/token",
            "export SECRET_KEY_FILE=/run/secrets/secret_key",
            "PASSWORD_MIN_LENGTH=12 ./manage check",
            "cmake -DENABLE_PASSWORD_AUTH=ON .",
            "rg --password src",
            "grep -rn 'password=' src",
            "echo 'hello world' > notes.txt",
            "cat token.txt",
            "echo done | tee log.txt",
        ],
    ),
];

/// Where secrets stand, in what is nested too.
fn places(text: &str) -> Vec<Range<usize>> {
    fn search(text: &str, root: Option<&[(u32, u32)]>, depth: u8, places: &mut Vec<Range<usize>>) {
        let mut found = Vec::new();
        read(text, None, &mut found);
        for found in found {
            match found {
                Found::Secret { span, .. } => {
                    assert!(text.get(span.clone()).is_some_and(|secret| !secret.is_empty()), "{text:?} {span:?}");
                    places.push(match root {
                        None => span,
                        Some(root) => root[span.start].0 as usize..root[span.end - 1].1 as usize,
                    });
                }
                Found::Nested { text: inner, written } => {
                    assert_eq!(inner.len(), written.len());
                    let written: Vec<_> = written
                        .iter()
                        .map(|(from, to)| {
                            assert!(from < to && *to as usize <= text.len());
                            match root {
                                None => (*from, *to),
                                Some(root) => (root[*from as usize].0, root[*to as usize - 1].1),
                            }
                        })
                        .collect();
                    if depth < 8 {
                        search(&inner, Some(&written), depth + 1, places);
                    }
                }
            }
        }
    }
    let mut places = Vec::new();
    search(text, None, 0, &mut places);
    places.sort_by_key(|place| (place.start, place.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for place in places {
        match merged.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => merged.push(place),
        }
    }
    merged
}

/// The text with `#` in the place of each secret.
fn masked(text: &str) -> String {
    let mut masked = text.to_owned();
    for place in places(text).into_iter().rev() {
        masked.replace_range(place, "#");
    }
    masked
}

/// A command with the secrets in their places, and as it should look.
fn filled(template: &str, password: &str, token: &str) -> (String, String) {
    (template.replace("{P}", password).replace("{T}", token), template.replace("{P}", "#").replace("{T}", "#"))
}

/// Checks all commands of the table in one form; tells all that fail.
fn check_hits(form: impl Fn(&str) -> Option<(String, String)>) {
    let mut wrong = Vec::new();
    for (_, hits, _) in PROGRAM_TABLE {
        for (text, wanted) in hits.iter().filter_map(|template| form(template)) {
            let masked = masked(&text);
            if masked != wanted {
                wrong.push(format!("{text}\n   is {masked}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}

fn in_quotes(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[test]
fn each_program_gives_away_nothing() {
    check_hits(|template| Some(filled(template, PASSWORD, TOKEN)));
}

#[test]
fn quotes_do_not_hide_a_secret() {
    for quote in ["'", "\""] {
        check_hits(|template| {
            let plain = !template.contains(['\'', '"']);
            let quoted = |secret: &str| format!("{quote}{secret}{quote}");
            let (text, _) = filled(template, &quoted(PASSWORD), &quoted(TOKEN));
            let hole = quoted("#");
            plain.then(|| (text, template.replace("{P}", &hole).replace("{T}", &hole)))
        });
    }
}

#[test]
fn wrappers_do_not_hide_a_secret() {
    for (before, behind) in [
        ("cd /srv/app && ", ""),
        ("sudo ", ""),
        ("sudo -u bob env A=B ", ""),
        ("sudo -E -H ", " | head -1"),
        ("timeout 30 ", ""),
        ("nohup time nice -n 5 ", " &"),
        ("if true; then ", "; fi"),
        ("x=$(", ")"),
        ("for i in 1 2; do ", "; done"),
        ("", " 2>&1 | tee out.log"),
        ("", " \\\n  --verbose"),
        ("# ", ""),
        ("set -e\r\n", "\r\necho done\r\n"),
    ] {
        check_hits(|template| {
            // What is piped belongs to its first command, and some already end in a redirection.
            let alone =
                !template.contains(['|', '<', '>', '=']) || before.is_empty() || !before.starts_with(['s', 't', 'n']);
            let (text, wanted) = filled(template, PASSWORD, TOKEN);
            let tail = behind.is_empty() || !template.contains(['>', ':']);
            (alone && tail).then(|| (format!("{before}{text}{behind}"), format!("{before}{wanted}{behind}")))
        });
    }
}

#[test]
fn a_script_in_a_string_is_read() {
    for before in ["bash -c ", "sh -lc ", "ssh host ", "docker exec db sh -c ", "su - app -c ", "eval "] {
        check_hits(|template| {
            let (text, wanted) = filled(template, PASSWORD, TOKEN);
            Some((format!("{before}{}", in_quotes(&text)), format!("{before}{}", in_quotes(&wanted))))
        });
    }
}

#[test]
fn prose_does_not_hide_a_command() {
    for (before, behind) in [
        ("Don't forget to run `", "`, it's needed."),
        ("run this:\n```bash\n", "\n```\n"),
        ("error: Command failed: ", "\nexit 1"),
    ] {
        check_hits(|template| {
            let plain = !template.contains('`');
            let (text, wanted) = filled(template, PASSWORD, TOKEN);
            // In a sentence a program counts only if its name is nothing else.
            let certain = !before.starts_with("error");
            let named = ["curl", "mysql", "sshpass", "unzip", "docker"].iter().any(|name| template.starts_with(name));
            (plain && (certain || named && !template.contains('<')))
                .then(|| (format!("{before}{text}{behind}"), format!("{before}{wanted}{behind}")))
        });
    }
}

#[test]
fn a_cut_secret_is_masked_to_the_end() {
    check_hits(|template| {
        let ends = template.ends_with("{P}") || template.ends_with("{T}");
        let template = template.strip_suffix("{P}").or(template.strip_suffix("{T}"))?;
        let (text, wanted) = filled(template, PASSWORD, TOKEN);
        (ends && !template.contains(['\'', '"']))
            .then(|| (format!("{text}'Fake0Passw0rd-cut of"), format!("{wanted}'#")))
    });
}

/// Commands as people type them, one a line, with `{P}` and `{T}` for what is secret.
const SECRET: &str = include_str!("tests/secret.txt");
/// Commands and sentences in which nothing is secret, one a line.
const ORDINARY: &str = include_str!("tests/ordinary.txt");

/// Forms of shell text, each with its secrets in place.
const FORMS: &[&str] = &[
    // Quotes and escapes
    "mysql -u root -\"p{P}\" app",
    "mysql -u root '-p{P}' app",
    "mysql -u root \"-p{P}\" app",
    "curl -u 'admin':'{P}' https://example.com",
    "curl -u \"admin:{P}\" https://example.com",
    "curl -u $'admin:{P}' https://example.com",
    "curl -u $\"admin:{P}\" https://example.com",
    "curl -u admin:\"{P}\" https://example.com",
    "curl -u \"$USER:{P}\" https://example.com",
    "curl -u \"${USER}\":{P} https://example.com",
    "\"curl\" -u admin:{P} https://example.com",
    "curl \\\n  -X POST \\\n  -u admin:{P} \\\n  https://example.com",
    "curl \\\r\n  -u admin:{P} \\\r\n  https://example.com\r\n",
    "curl https://example.com \\\n  --user \\\n  admin:{P}",
    // Where commands stand
    "ls;mysql -p{P};ls",
    "ls&&mysql -p{P}||ls",
    "ls|mysql -p{P}|ls",
    "(mysql -p{P})",
    "{ mysql -p{P}; }",
    "! mysql -p{P}",
    "if mysql -p{P}; then echo; fi",
    "while ! mysqladmin ping -p{P} --silent; do sleep 1; done",
    "case $1 in\n  a) mysql -p{P} ;;\n  b|c) mysql -p{P} -e x;;\nesac",
    "f() {\n  mysql -p{P}\n}",
    "x=\"$(mysql -p{P} -Nse 'select 1')\"",
    "x=`mysql -p{P} -e 1`",
    "echo \"rows: $(mysql -p{P} -Nse \"select 1\")\"",
    "diff <(mysqldump -p{P} a) <(mysqldump -p{P} b)",
    "export A=1; mysql -p{P}",
    "A=1 B='x y' mysql -p{P}",
    "# mysql -p{P}",
    "ls # then mysql -p{P}",
    "$ mysql -p{P}",
    "bob@host:~$ mysql -p{P}",
    "echo a > b 2>&1; mysql -p{P} < dump.sql 2>/dev/null",
    "mysql -p{P} <<SQL\nselect 1;\nSQL",
    "ftp -n host <<END\nuser bob {P}\nput x\nEND",
    "chpasswd <<EOF\nbob:{P}\nalice:{P}\nEOF",
    "fly secrets import <<EOF\nA_PASSWORD={P}\nB='{P}'\nEOF",
    "pass insert -m x <<EOF\n{P}\nuser: bob\nEOF",
    "sqlplus /nolog <<EOF\nconnect bob/{P}@orcl\nEOF",
    "curl -K - https://x <<EOF\nuser = \"bob:{P}\"\nEOF",
    "zkCli.sh <<EOF\naddauth digest bob:{P}\nls /\nEOF",
    "IFS= read -r DB_PASS <<EOF\n{P}\nEOF",
    "cat <<'EOF' > run.sh\nmysql -p{P}\nEOF\nls",
    "cat <<-EOF\n\tmysql -p{P} app\n\tEOF\nmysql -p{P}",
    "bash <<EOF\nmysql -p{P}\nEOF",
    "echo $((1 << 2)); mysql -p{P}",
    "cat <<A <<B\na\nA\nmysql -p{P}\nB\nmysql -p{P}",
    // Wrappers
    "sudo -u bob -E MYSQL=1 mysql -p{P}",
    "docker exec -it -e A=b db mysql -uroot -p{P}",
    "docker compose exec -T db mysql -uroot -p{P}",
    "kubectl exec -it deploy/db -n prod -- mysql -uroot -p{P}",
    "ssh -p 22 -i key bob@host mysql -uroot -p{P}",
    "ssh bob@host \"mysql -uroot -p{P} -e \\\"select 1\\\"\"",
    "ssh bob@host 'sudo bash -c \"mysql -uroot -p{P}\"'",
    "find . -name '*.sql' -exec mysql -p{P} -e {} \\;",
    "ls | xargs -I{} -n 1 mysql -p{P} -e {}",
    "parallel -j2 mysql -p{P} -e ::: a b",
    "watch -n 5 'mysql -p{P} -e status'",
    "timeout -k 5 30s mysql -p{P}",
    "npx some-cli --password {P}",
    "op run -- mysql -p{P}",
    "aws-vault exec prod -- mysql -p{P}",
    "cmd /c mysql.exe -p{P}",
    "sshpass -p {P} ssh host mysql -p{P}",
    "sshpass -p {P} rsync -e 'ssh -p 22' -a a b",
    "nohup sh -c 'unzip -P {P} a.zip && rm a.zip' > /dev/null 2>&1 &",
    // What is fed
    "echo -n {P} | docker login -u bob --password-stdin registry.example.com",
    "printf '%s\\n' '{P}' | docker login -u bob --password-stdin",
    "printf {P} | docker login -u bob --password-stdin",
    "echo \"{P}\" | tr -d '\\n' | docker login -u bob --password-stdin",
    "docker login -u bob --password-stdin <<< '{P}'",
    "docker login -u bob --password-stdin <<EOF\n{P}\nEOF",
    "docker login -u bob --password-stdin < <(echo {P})",
    "cat <<EOF | docker login -u bob --password-stdin\n{P}\nEOF",
    "echo 'root:{P}' | sudo chpasswd",
    "echo -e '{P}\\n{P}' | sudo passwd bob",
    "(echo {P}; echo {P}) | smbpasswd -s -a bob",
    "{ echo {P}; echo {P}; } | smbpasswd -s -a bob",
    "echo -n 'bob:{P}' | base64",
    "curl -H \"Authorization: Basic $(echo -n bob:{P} | base64)\" https://example.com",
    "echo {P} | gpg --batch --passphrase-fd 0 -d a.gpg",
    "echo {P} | openssl enc -aes-256-cbc -pass stdin -in a",
    "echo {P} | kinit bob@EXAMPLE.COM",
    "echo {P} | wrangler secret put API_SECRET",
    "echo {P} | gh secret set NAME",
    "echo {P} | vercel env add NAME production",
    "echo {P} | ssh host 'sudo -S systemctl restart x'",
    "echo {P} | cryptsetup luksOpen /dev/sda1 x -",
    "echo {P} | gcloud secrets create db --data-file=-",
    "echo {P} | kubectl create secret generic x --from-file=password=/dev/stdin",
    "wg set wg0 peer x preshared-key <(printf %s {T})",
    // What is written
    "printf '%s' '{P}' > ~/.vault_pass",
    "cat > /run/secrets/db_password <<EOF\n{P}\nEOF",
    "tee .vault_pass <<< {P}",
    "printf 'API_TOKEN=%s\\n' {T} >> .env",
    "echo bob:{P} > .htpasswd",
    // Names
    "DB_PASSWORD='{P}' TOKEN={T} ./run",
    "export DB_PASSWORD=\"{P}\"",
    "export DB_PASSWORD=$'{P}'",
    "docker run -e 'DB_PASSWORD={P}' -e TOKEN={T} image",
    "docker run --env=DB_PASSWORD={P} image",
    "${DB_PASSWORD:-{P}}",
    "PASSWORD=${1:-x} DB_PASSWORD=${DB_PASSWORD:={P}} ./run",
    "$env:DB_PASSWORD = '{P}'",
    "$password = \"{P}\"; Connect-Thing -Credential $c",
    "helm install a b --set-string 'x.y=1,db.password={P},z=2'",
    "mvn -q -Dspring.datasource.password='{P}' test",
    "tool -var=db_password={P}",
    "New-Object PSCredential('bob', (ConvertTo-SecureString '{P}' -AsPlainText -Force))",
    "ConvertTo-SecureString -String \"{P}\" -AsPlainText -Force",
    "git credential approve <<EOF\nprotocol=https\npassword={P}\nEOF",
];

#[test]
fn what_is_escaped_is_masked_as_it_is_written() {
    assert_eq!(masked(r"mysql -pFake\$Pass\ word app"), "mysql -p# app");
    assert_eq!(masked(r"mysql -p'Fake'\''Pass' app"), "mysql -p'#' app");
    assert_eq!(masked("mysql -p$'Fake\\x41Pass\\'word' app"), "mysql -p$'#' app");
    assert_eq!(masked("curl -u \"bob:Fake\\\"Pass\" x"), "curl -u \"bob:#\" x");
    assert_eq!(masked("curl -u bob:Fäke🔑Pass x"), "curl -u bob:# x");
}

#[test]
fn no_form_of_shell_text_hides_a_secret() {
    let mut wrong = Vec::new();
    for template in FORMS.iter().copied().chain(SECRET.lines()) {
        let (text, wanted) = filled(template, PASSWORD, TOKEN);
        let masked = masked(&text);
        if masked != wanted {
            wrong.push(format!("{text}\n   is {masked}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}

#[test]
fn what_was_masked_is_not_masked_again() {
    let mut wrong = Vec::new();
    let hits = PROGRAM_TABLE.iter().flat_map(|(_, hits, _)| *hits).copied();
    for template in hits.chain(FORMS.iter().copied()).chain(SECRET.lines()) {
        for marker in ["[REDACTED:rule]", "[REDACTED:some-rule:0123abcd]"] {
            let (text, _) = filled(template, marker, marker);
            let masked = masked(&text);
            if masked != text {
                wrong.push(format!("{text}\n   is {masked}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}

#[test]
fn a_pair_ends_where_the_next_begins() {
    assert_eq!(masked("curl -d 'password=FakePass&user=bob' x"), "curl -d 'password=#&user=bob' x");
    assert_eq!(masked("x=1,db.password=FakePass,y=2"), "x=1,db.password=#,y=2");
    assert_eq!(masked("tool 'Server=x;Password=FakePass;Encrypt=yes'"), "tool 'Server=x;Password=#;Encrypt=yes'");
    assert_eq!(masked("tool --password='Fake,Pass;W&rd'"), "tool --password='#'");
}

#[test]
fn an_ordinary_command_is_not_changed() {
    let mut wrong = Vec::new();
    let misses = PROGRAM_TABLE.iter().flat_map(|(_, _, misses)| *misses).copied();
    {
        for text in misses.chain(ORDINARY.lines()) {
            for text in [text.to_owned(), format!("cd x && {text}"), format!("bash -c {}", in_quotes(text))] {
                let masked = masked(&text);
                if masked != text {
                    wrong.push(format!("{text}\n   is {masked}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}

#[test]
fn what_is_read_holds_an_anchor() {
    let anchors: Vec<_> = anchors().collect();
    let hits = PROGRAM_TABLE.iter().flat_map(|(_, hits, _)| *hits).copied();
    let without: Vec<_> = hits
        .chain(FORMS.iter().copied())
        .chain(SECRET.lines())
        // Assignments are searched for as such too.
        .filter(|template| {
            !["={", "='{", "=\"{", "={T", "=\"'{", "=$'{", "word = ", ":-{"].iter().any(|pair| template.contains(pair))
        })
        .filter(|template| {
            let lower = template.to_ascii_lowercase();
            !anchors.iter().any(|anchor| lower.contains(anchor))
        })
        .collect();
    assert_eq!(without, [""; 0]);
}

proptest! {
    #[test]
    fn nothing_panics_and_every_place_is_in_the_text(text in "\\PC{0,200}") {
        places(&text);
    }

    #[test]
    fn nothing_panics_on_what_looks_like_shell(parts in prop::collection::vec(prop::sample::select(vec![
        "'", "\"", "`", "$(", ")", "${", "}", "$'", "\\", "\n", "\r\n", "<<EOF", "<<-'E'", "EOF", "E", "<<<", "<(", ">", "|", "&&", ";", "#",
        " ", "=", "-p", "--password", "curl", "-u", "a:b", "mysql", "echo", "x", "é", "🔑", "case", "esac", "in", "\\x41", "sudo", "-S",
        "docker", "login", "--password-stdin", "$X", "$((", "))", ":-", "{", "%", "@", "/",
    ]), 0..60)) {
        places(&parts.concat());
    }
}
