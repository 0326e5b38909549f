//! Edge: a terminal in tmux, inside the lab, driven from outside by tmux's socket.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::lab::{Finished, Lab, Running};
use crate::support::wait::SOON;

/// What a shell says when it waits for a command.
const PROMPT: &str = "READY> ";

/// What runs in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    Bash,
    Dash,
    Fish,
    Zsh,
}

impl Shell {
    /// As it is found on the path.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Dash => "dash",
            Self::Fish => "fish",
            Self::Zsh => "zsh",
        }
    }

    /// How the status of the last command is written.
    pub(crate) fn status(self) -> &'static str {
        if self == Self::Fish { "$status" } else { "$?" }
    }

    /// A command for `sh` that starts it, with nothing of anybody's own.
    fn command(self, lab: &Lab) -> String {
        match self {
            Self::Bash => {
                let bashrc = lab.file("bashrc", format!("PS1='{PROMPT}'\n"));
                format!("bash --rcfile {} -i", bashrc.display())
            }
            Self::Dash => format!("PS1='{PROMPT}' dash -i"),
            Self::Zsh => format!("PS1='{PROMPT}' zsh -f -i"),
            Self::Fish => {
                let functions = [
                    format!("function fish_prompt; printf '%s' '{PROMPT}'; end"),
                    "function fish_greeting; end".to_owned(),
                    "set -g fish_autosuggestion_enabled 0\n".to_owned(),
                ];
                let functions = lab.file("functions.fish", functions.join("\n"));
                format!("fish --no-config -i -C 'source {}'", functions.display())
            }
        }
    }
}

/// A shell in a window of 80 by 24.
pub(crate) struct Tmux<'a> {
    lab: &'a Lab,
    running: Option<Running<'a>>,
}

impl<'a> Tmux<'a> {
    /// Opens the window, with bash in it. Claude has been used before: it asks neither for a theme nor for trust nor
    /// for a key.
    pub(crate) fn start(lab: &'a Lab) -> Self {
        Self::start_in(lab, Shell::Bash)
    }

    /// The same with another shell.
    pub(crate) fn start_in(lab: &'a Lab, shell: Shell) -> Self {
        lab.has_been_used();
        let shell = shell.command(lab);
        let socket = lab.at("tmux.sock");
        let command = ["tmux", "-u", "-f", "/dev/null", "-S", socket.to_str().unwrap()];
        let command = command.into_iter().chain(["new-session", "-d", "-x", "80", "-y", "24", &shell]);
        // The server of tmux is left behind at once.
        let running = lab.start_and_settle(command.map(Into::into), 120);
        let tmux = Self { lab, running: Some(running) };
        tmux.wait_for(PROMPT);
        tmux
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.arg("-u").arg("-S").arg(self.lab.at("tmux.sock")).args(arguments);
        command.env("LANG", "C.UTF-8").env_remove("TMUX").output().unwrap()
    }

    /// Presses a key, by tmux's name for it: `C-z`, `Escape`.
    pub(crate) fn press(&self, key: &str) -> &Self {
        self.tmux(&["send-keys", key]);
        self
    }

    /// Answers a question with a key, and again where that was not heard: one that has just appeared does not listen
    /// yet.
    #[track_caller]
    pub(crate) fn answer(&self, key: &str, what: &str, asks: impl Fn(&str) -> bool) -> &Self {
        self.wait_until(what, &asks);
        let mut pressed: Option<Instant> = None;
        self.wait_until(&format!("the end of {what}"), |screen| {
            let asks = asks(screen);
            if asks && pressed.is_none_or(|at| at.elapsed() > Duration::from_secs(3)) {
                self.press(key);
                pressed = Some(Instant::now());
            }
            !asks
        })
    }

    /// Types a line, looks whether it is there, and enters it.
    #[track_caller]
    pub(crate) fn enter(&self, line: &str) -> &Self {
        self.tmux(&["send-keys", "-l", line]);
        let end = line.char_indices().rev().nth(15).map_or(line, |(at, _)| &line[at..]);
        // zsh breaks a line itself where the window ends.
        self.wait_until(&format!("{end:?}"), |screen| screen.replace('\n', "").contains(end)).press("Enter")
    }

    /// Makes the window this large.
    pub(crate) fn resize(&self, columns: u16, rows: u16) -> &Self {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
        self
    }

    /// What stands there now; a line that was wrapped is one.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p", "-J"]).stdout).into_owned()
    }

    /// Waits until this stands there.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> &Self {
        self.wait_until(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, mut is: impl FnMut(&str) -> bool) -> &Self {
        let deadline = Instant::now() + SOON;
        loop {
            let screen = self.screen();
            if is(&screen) {
                return self;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}; on the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the shell asks for the next command: its prompt is the last thing on the screen.
    #[track_caller]
    pub(crate) fn wait_for_prompt(&self) -> &Self {
        self.wait_until("the prompt", |screen| screen.trim_end().ends_with(PROMPT.trim_end()))
    }

    /// Leaves the shell, and waits for the end of everything.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Finished {
        self.tmux(&["send-keys", "-l", "exit"]);
        self.press("Enter");
        self.running.take().unwrap().finish()
    }
}
