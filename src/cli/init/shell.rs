//! Edge: the lines in a shell's start-up file that put cc-observe in front of claude.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::config::files;
use crate::launch::Given;

const BEGIN: &str = "# >>> cc-observe >>>";
const END: &str = "# <<< cc-observe <<<";

/// The largest start-up file that is changed, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// A shell whose start-up file we know.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(in crate::cli) enum Shell {
    /// `~/.bashrc`
    Bash,
    /// `.zshrc` in `$ZDOTDIR`, or in the home directory
    Zsh,
    /// A file of its own in `conf.d`
    Fish,
}

impl Shell {
    /// The person's own, by `$SHELL`.
    pub(in crate::cli) fn of(given: Given<'_>) -> Option<Self> {
        let shell = given.own("SHELL")?;
        match Path::new(shell).file_name()?.to_str()? {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            _ => None,
        }
    }

    /// As `--shell` takes it.
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }

    /// Where its lines stand.
    pub(in crate::cli) fn file(self, given: Given<'_>) -> Option<PathBuf> {
        Some(match self {
            Self::Bash => given.home()?.join(".bashrc"),
            Self::Zsh => given.directory("ZDOTDIR").or_else(|| given.home())?.join(".zshrc"),
            Self::Fish => {
                let base = given.directory("XDG_CONFIG_HOME").or_else(|| Some(given.home()?.join(".config")))?;
                base.join("fish/conf.d/cc-observe.fish")
            }
        })
    }

    /// The line that does it, for a program of this path.
    pub(in crate::cli) fn line(self, program: &str) -> String {
        let program = if program.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte)) {
            program.to_owned()
        } else {
            format!("\"{}\"", program.replace(['\\', '"', '$', '`', '\''], ""))
        };
        match self {
            Self::Bash | Self::Zsh => format!("alias claude='{program} claude'"),
            Self::Fish => format!("alias claude '{program} claude'"),
        }
    }
}

/// A text with our lines at its end, in the place of earlier ones.
pub(super) fn with_block(text: &str, line: &str) -> String {
    let mut text = without_block(text);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    format!("{text}{BEGIN}\n# `cc-observe init --remove` takes these lines out again.\n{line}\n{END}\n")
}

/// A text without our lines. One whose end was taken away is not taken out: who knows where it ends.
pub(super) fn without_block(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some(start) = find_line(rest, BEGIN) {
        let Some(inside) = rest.get(start..) else { break };
        let Some(end) = find_line(inside, END) else { break };
        kept.push_str(rest.get(..start).unwrap_or_default());
        let behind = inside.get(end + END.len()..).unwrap_or_default();
        rest = behind.strip_prefix('\n').unwrap_or(behind);
    }
    kept + rest
}

/// Where a line begins that says nothing else.
fn find_line(text: &str, line: &str) -> Option<usize> {
    text.match_indices(line).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).is_none_or(|before| before.is_empty() || before.ends_with('\n'));
        let behind = text.get(at + line.len()..).is_none_or(|behind| behind.is_empty() || behind.starts_with('\n'));
        before && behind
    })
}

/// What a start-up file says; nothing, where there is none.
pub(in crate::cli) fn read(path: &Path) -> io::Result<String> {
    match files::read_small(path, MAX_BYTES) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Whether it puts us in front of claude.
pub(in crate::cli) fn is_ours(text: &str) -> bool {
    without_block(text) != text
}

/// The program of the last line that makes claude an alias of it, whoever wrote that: `cc-observe`, or its path.
pub(in crate::cli) fn aliased(text: &str) -> Option<String> {
    let program = |line: &str| {
        let rest = line.trim().strip_prefix("alias claude")?;
        let value = rest.strip_prefix(['=', ' '])?.trim_start();
        let quote = value.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
        let command = value.strip_prefix(quote)?.split_once(quote).map(|(command, _)| command.trim())?;
        let program = command.strip_suffix(" claude")?.trim().trim_matches('"');
        let is_ours = Path::new(program).file_name().is_some_and(|name| name == "cc-observe");
        is_ours.then(|| program.to_owned())
    };
    text.lines().rev().find_map(program)
}

/// Writes a start-up file beside itself and renames it, behind all links, with the mode that it had.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let directory = real.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(directory)?;
    let mode = fs::metadata(&real).map_or(0o644, |found| found.permissions().mode() & 0o777);
    let beside = directory.join(format!(".cc-observe-{}.tmp", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::set_permissions(&beside, fs::Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&beside, &real));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_lines_are_put_in_once_and_taken_out_whole() {
        let line = Shell::Bash.line("cc-observe");
        let with = with_block("export A=1", &line);
        assert_eq!(
            with,
            "export A=1\n# >>> cc-observe >>>\n# `cc-observe init --remove` takes these lines out again.\n\
             alias claude='cc-observe claude'\n# <<< cc-observe <<<\n"
        );
        assert_eq!(with_block(&with, &line), with);
        assert_eq!(without_block(&format!("{with}export B=2\n")), "export A=1\nexport B=2\n");
        let cut = with.replace(END, "");
        assert_eq!(without_block(&cut), cut);
        assert!(is_ours(&with) && !is_ours("export A=1"));
        assert_eq!(aliased(&with).as_deref(), Some("cc-observe"));
    }

    #[test]
    fn a_program_with_a_blank_in_its_path_is_quoted() {
        assert_eq!(Shell::Fish.line("/opt/a b/cc-observe"), "alias claude '\"/opt/a b/cc-observe\" claude'");
        assert_eq!(Shell::Zsh.line("/opt/x/cc-observe"), "alias claude='/opt/x/cc-observe claude'");
    }

    proptest! {
        #[test]
        fn what_was_there_stays(text in "([a-z#>< ]{0,12}\n){0,6}[a-z]{0,4}") {
            let line = Shell::Bash.line("cc-observe");
            let with = with_block(&text, &line);
            let ending = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            prop_assert_eq!(without_block(&with), format!("{text}{ending}"));
        }
    }

    #[test]
    fn what_an_alias_of_claude_leads_to_is_read_whoever_wrote_it() {
        for (text, program) in [
            ("alias claude='cc-observe claude'", Some("cc-observe")),
            ("  alias claude=\"/opt/bin/cc-observe claude\" # mine", Some("/opt/bin/cc-observe")),
            ("alias claude '\"/opt/a b/cc-observe\" claude'", Some("/opt/a b/cc-observe")),
            ("alias claude='/a/cc-observe claude'\nalias claude='/b/cc-observe claude'", Some("/b/cc-observe")),
            ("# alias claude='cc-observe claude'", None),
            ("alias claude='claude --verbose'", None),
            ("alias claude-x='cc-observe claude'", None),
            ("alias claude=", None),
        ] {
            assert_eq!(aliased(text).as_deref(), program, "{text}");
        }
        for shell in [Shell::Bash, Shell::Fish] {
            assert_eq!(aliased(&shell.line("/opt/a b/cc-observe")).as_deref(), Some("/opt/a b/cc-observe"));
        }
    }
}
