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
mod reader;
mod rows;
mod wrappers;

use std::ops::Range;

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

/// What a text must hold, one of them at least, to be worth reading. Lower case: to be searched for without regard to case.
pub(super) fn anchors() -> impl Iterator<Item = &'static str> {
    /// Options, assignments and syntax.
    const OTHERS: [&str; 37] = [
        " -u ", "--user", "-stdin", "<<<", "<(", "bash -", "sh -c", "zsh -", "eval ", "--pass", "-pass", "-token",
        "-secret", "-key", "-auth", "-pwd", "-psw", "-cred", "--apikey", "-apikey", "$env:", "tee ", "> ", ">~", ">/",
        ">>", "$'", "su -c", "ssh ", "-bearer", "-sas", "-jwt", "-pin", "/p:", "/pass", "/pwd:", "send ",
    ];
    let names = PROGRAMS.iter().flat_map(|program| program.names.split(' ')).filter(|name| name.len() > 3);
    OTHERS.into_iter().chain(SHORT.split(',')).chain(names)
}

/// Programs of three letters and less, with what makes them rare in other text; separated by commas.
const SHORT: &str = "db2 ,b2 auth,b2 acc,7z ,7za ,7zz ,7zr ,zip ,rar ,gpg ,ab -,xh ,xhs ,mc alias,mc config,mc admin,cbq ,chc ,net u,net rpc,net ads,nxc ,cme ,wg set,wg pubkey,aws ,az ,fly ,vc ,scw ,exo ,oci ,pip ,svn ,gh auth,gh secret,git ,npm ,gem ,hub ,jf ,wp ,hf ,llm ,oc login,bcp ,bw unlock,bw login,op item,exp ,imp ,dse ,rke ,k3s ,ntl ,snx ,uv pub,bao ,p4 ,hg ,bk ,sbt ,set -,setx,su -c,su - ";

/// The rules of programs: id, and the names of the programs.
pub(super) fn programs() -> impl Iterator<Item = (&'static str, &'static str)> {
    PROGRAMS.iter().map(|program| (program.rule, program.names))
}

/// Finds the secrets that only the knowledge of programs tells, and the texts inside that are to be searched on their own.
pub(super) fn read(text: &str, found: &mut Vec<Found>) {
    if u32::try_from(text.len()).is_err() {
        return;
    }
    let script = lexer::lex(text);
    Reader { text, script: &script, found, asked: None }.script();
}

#[cfg(test)]
mod tests;
