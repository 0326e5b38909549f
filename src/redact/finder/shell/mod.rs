//! Secrets in commands: what a program takes as a password says no pattern, only the knowledge of the program.
//!
//! Pure: a text that may hold commands in, places of secrets out. What a quoted word, a here-document or an escaped string
//! means is handed back as a text of its own, to be searched by everything, this module included.

mod arguments;
mod generic;
mod input;
mod lexer;
mod list;
mod literal;
mod lookup;
mod naming;
mod programs;
mod prompt;
mod reader;
mod rows;
mod wrappers;

use std::ops::Range;
use std::sync::LazyLock;

pub(super) use list::list;
use programs::PROGRAMS;
use reader::Reader;

/// What was found in a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Found {
    /// Bytes of the given text, as written, that are a secret.
    Secret {
        /// Where it stands.
        span: Range<usize>,
        /// What recognized it.
        rule: &'static str,
        /// Whether somebody could find it by trying.
        guessable: bool,
    },
    /// A text inside that has to be searched on its own, unquoted.
    Nested {
        /// What it means.
        text: String,
        /// Where each of its bytes is written in the given text: from, to.
        written: Vec<(u32, u32)>,
    },
}

/// The rule of what is secret because of where the variable is used that it is assigned to. It is one wherever it stands.
pub(super) const ASSIGNED: &str = "assigned-secret";

/// Options and syntax that make a text worth reading; separated by commas.
const OPTIONS: &str = " -u ,--user,-stdin,<<<,bash -,sh -c,zsh -,eval ,--pass,-pass,-token,-secret,-key,-auth,-pwd,-psw,-cred,-apikey,$env:,\
    -bearer,-sas,-jwt,-pin,/p:,/pass,/pwd:,send \",tee ,> ~,> .,> /,>~/,>>~,>>.,>>/,su -c,ssh ,-literal,--set,-var,-config=,-user,-p ,\
    securestring,-mnemonic,-hash";

/// Programs whose names stand in much other text too, with what makes them worth reading; separated by commas.
const PHRASES: &str = "7z ,7za ,7zz ,7zr ,zip ,rar ,gpg ,ab -,xh -,xhs -,http -,https -, -a ,mc alias,mc config,mc admin,cbq ,chc ,\
    net u,net rpc,net ads,nxc ,cme ,wg set,wg pubkey,configure set,put-parameter,--plaintext,az login,az acr,az keyvault,\
    az sql,fly secrets,fly -,vc -,scw ,pip config,svn ,gh auth,gh secret,extraheader,git credential,_auth,cargo login,bundle config,\
    hub ,jf ,wp ,hf ,llm ,oc login,bcp ,bw unlock,bw login,op item,exp ,imp ,dse ,k3s ,ntl ,bao ,sbt ,set -,setx,su - ,\
    docker login,docker secret,ftp -,bundle_,siege -,sed -i, login , auth , -t ,aws configure,--value,ipa user,ipa passwd,ionic ,pro attach,'\"'\"','\\'',rhc connect,token add,token create,\
    set-item ,new-item ,--session,read -r,read -s,| nc,expo login,realm join,realm leave,open -u,words=(,ecrets=(,okens=(,creds=(,keys=(,pass=(,send -- ,docker build,sudo -,data-file,refresh-token,| base64,pass insert,pass add,security ,cf login,cf auth,\
    secrets set,secret set,config:set,user-secrets,step ,sh -t,isql ,curl,wget,rclone,pulumi config,claude mcp,mcp add,composer config,| passwd,sudo passwd,\
    http-basic,pypi-token,config set,create secret,echo ,printf ,.password ,db2 ,p4 -,b2 auth,b2 acc";

/// Names that are covered by the phrases.
const COMMON: &str = "http https docker git npm pnpm yarn bun npx cargo pip3 bundle bundler helm kubectl sudo doas java pass mount psql \
    pgcli base64 security gcloud gsutil step render neon comet phase chamber telnet expect export passwd send claude codex gemini \
    composer pulumi heroku dotnet boundary caddy argo evans siege railway twine flit hatch maturin keyring conjur mlflow \
    ncat open realm dart flutter expo neptune httpx katana forge cast lein poetry ansible";

static ANCHORS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut anchors: Vec<String> = OPTIONS.split(',').chain(PHRASES.split(',')).map(str::to_owned).collect();
    for program in PROGRAMS {
        for name in program.names.split(' ').filter(|name| name.len() > 3) {
            if !COMMON.split_ascii_whitespace().any(|common| common == name) {
                // What is a word of English too is a command only with arguments.
                anchors.push(if program.word { format!("{name} ") } else { name.to_ascii_lowercase() });
            }
        }
    }
    // In a list of strings a name ends with its quote.
    for name in COMMON.split_ascii_whitespace() {
        anchors.extend(['"', '\''].map(|quote| format!("{name}{quote}")));
    }
    anchors.sort_unstable();
    anchors.dedup();
    anchors
});

/// What a text must hold, one of them at least, to be worth reading. Lower case: to be searched for without regard to case.
pub(super) fn anchors() -> impl Iterator<Item = &'static str> {
    ANCHORS.iter().map(String::as_str)
}

/// Whether an anchor at this place may have to do with a secret: no option that another one follows.
pub(super) fn counts(text: &str, anchor: Range<usize>) -> bool {
    let behind = text.as_bytes().get(anchor.end..).unwrap_or_default();
    let option = text.get(anchor).is_some_and(|anchor| anchor.ends_with(' ') && anchor.trim_start().starts_with('-'));
    !option
        || !matches!(behind, [b'-', b'a'..=b'z' | b'A'..=b'Z', b' ' | b'\n', ..] | [b'-', b'a'..=b'z' | b'A'..=b'Z'])
}

/// Whether the variable that stands behind a name or a scheme that ends here is assigned in the same text:
/// `PGPASSWORD=$P`, `postgres://app:$P@db`. None: there is no variable.
pub(super) fn takes_variable(text: &str, at: usize, scheme: bool) -> Option<bool> {
    let near = super::context::window(text, at, 160);
    let variable = if scheme {
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '@' | '/');
        let near = near.get(..near.find(ends).unwrap_or(near.len()))?;
        near.get(near.as_bytes().windows(2).position(|pair| pair == b":$")? + 2..)?
    } else {
        let rest = near.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').strip_prefix('=')?;
        rest.trim_start_matches(['"', '\\']).strip_prefix('$')?
    };
    let variable = variable.trim_start_matches('{');
    let end = variable.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(variable.len());
    let name = variable.get(..end).filter(|name| !name.is_empty())?;
    Some(memchr::memmem::find(text.as_bytes(), format!("{name}=").as_bytes()).is_some())
}

/// The rules of programs: id, and the names of the programs.
pub(super) fn programs() -> impl Iterator<Item = (&'static str, &'static str)> {
    PROGRAMS.iter().map(|program| (program.rule, program.names))
}

/// Finds the secrets that only the knowledge of programs tells, and the texts inside that are to be searched on their own.
///
/// `places` are those of all anchors, in their order: a pipeline is read if there is one in it. None: all are read.
pub(super) fn read(text: &str, places: Option<&[usize]>, found: &mut Vec<Found>) {
    if u32::try_from(text.len()).is_err() {
        return;
    }
    let script = lexer::lex(text, places);
    Reader { text, script: &script, places, found, asked: None, variables: None, asked_for: 0, array_end: 0 }.script();
}

#[cfg(test)]
mod tests;
