//! The table of situations: how to launch, what to wait for, what to show.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a run in CI, or as the first process of a container, waits for its telemetry to be delivered.
pub const CI_DRAIN: Duration = Duration::from_secs(10);

/// What the person asked for with `--summary`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum SummaryOption {
    /// As the situation says.
    #[default]
    Auto,
    /// The whole picture.
    Full,
    /// One line.
    Line,
    /// The JSON document.
    Json,
    /// Nothing.
    Off,
}

/// What is printed on stderr at the end.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Shown {
    /// The whole picture.
    Full,
    /// One line.
    Line,
    /// The JSON document.
    Json,
    /// Nothing.
    Nothing,
}

/// How claude is started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// The launcher stays its parent.
    Wait,
    /// The launcher becomes it.
    Exec,
}

/// What is known before claude starts.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an observed fact, and all eight combinations of any three occur"
)]
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Whether a session starts here, and not in the background.
    pub session: bool,
    /// `-p`.
    pub print: bool,
    /// Whether stderr is a terminal.
    pub stderr_is_terminal: bool,
    /// Whether `CI` is set.
    pub ci: bool,
    /// Whether this is the first process of a container.
    pub first_process: bool,
    /// `--summary`.
    pub summary: SummaryOption,
    /// Whether `--summary-file` was given.
    pub summary_file: bool,
}

/// What follows from it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plan {
    /// How claude is started.
    pub way: Way,
    /// How long delivery is waited for at the end, and that nothing is left running then.
    pub drain: Option<Duration>,
    /// What is shown.
    pub shown: Shown,
    /// Whether `$GITHUB_STEP_SUMMARY` is written.
    pub markdown: bool,
}

impl Plan {
    /// There is nothing to show.
    pub const EXEC: Self = Self { way: Way::Exec, drain: None, shown: Shown::Nothing, markdown: false };
}

impl Situation {
    /// One row of the table.
    pub fn plan(self) -> Plan {
        if !self.session {
            return Plan::EXEC;
        }
        let drained = self.ci || self.first_process;
        let asked = self.summary != SummaryOption::Auto || self.summary_file;
        let by_a_program = !self.stderr_is_terminal;
        if by_a_program && !drained && !asked {
            return Plan::EXEC;
        }
        let shown = match self.summary {
            SummaryOption::Full => Shown::Full,
            SummaryOption::Line => Shown::Line,
            SummaryOption::Json => Shown::Json,
            SummaryOption::Off => Shown::Nothing,
            SummaryOption::Auto if drained => Shown::Line,
            SummaryOption::Auto if !self.stderr_is_terminal => Shown::Nothing,
            SummaryOption::Auto if self.print => Shown::Line,
            SummaryOption::Auto => Shown::Full,
        };
        Plan { way: Way::Wait, drain: drained.then_some(CI_DRAIN), shown, markdown: drained }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Situation = Situation {
        session: true,
        print: false,
        stderr_is_terminal: true,
        ci: false,
        first_process: false,
        summary: SummaryOption::Auto,
        summary_file: false,
    };
    const PIPE: Situation = Situation { stderr_is_terminal: false, ..TERMINAL };

    fn wait(shown: Shown) -> Plan {
        Plan { way: Way::Wait, drain: None, shown, markdown: false }
    }

    fn drained(shown: Shown) -> Plan {
        Plan { way: Way::Wait, drain: Some(CI_DRAIN), shown, markdown: true }
    }

    #[test]
    fn each_row_of_the_table_of_situations_holds() {
        use SummaryOption::{Full, Json, Line, Off};
        for (row, situation, plan) in [
            ("a terminal, interactive", TERMINAL, wait(Shown::Full)),
            ("a terminal, -p", Situation { print: true, ..TERMINAL }, wait(Shown::Line)),
            ("CI", Situation { ci: true, ..PIPE }, drained(Shown::Line)),
            ("CI with a terminal", Situation { ci: true, ..TERMINAL }, drained(Shown::Line)),
            ("pid 1", Situation { first_process: true, ..PIPE }, drained(Shown::Line)),
            ("a pipe, an SDK, an IDE, a symlink called by a program", PIPE, Plan::EXEC),
            ("a subcommand", Situation { session: false, ci: true, ..TERMINAL }, Plan::EXEC),
            ("--summary-file in a pipe", Situation { summary_file: true, ..PIPE }, wait(Shown::Nothing)),
            ("--summary-file on a terminal", Situation { summary_file: true, ..TERMINAL }, wait(Shown::Full)),
            ("--summary full in a pipe", Situation { summary: Full, ..PIPE }, wait(Shown::Full)),
            ("--summary line in a pipe", Situation { summary: Line, ..PIPE }, wait(Shown::Line)),
            ("--summary json, CI", Situation { summary: Json, ci: true, ..PIPE }, drained(Shown::Json)),
            ("--summary off", Situation { summary: Off, ..TERMINAL }, wait(Shown::Nothing)),
        ] {
            assert_eq!(situation.plan(), plan, "{row}");
        }
    }
}
