//! Edge: what the sessions of this machine's user have cost, by day: a small file in the state directory that relays add to.
//!
//! It stands beside the history, since a budget counts where there is none.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Zoned;
use jiff::civil::Date;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::pipeline::Pipeline;
use crate::config::{Budget, files};
use crate::event::NanoUsd;
use crate::report::{Note, Period};

/// Below the state directory.
const FILE: &str = "spending.json";

/// Far more than [`DAYS`] need.
const MAX_BYTES: u64 = 64 << 10;

/// The most days that are kept: more than two months.
const DAYS: usize = 100;

/// How long what was counted may be unwritten: writing it together is cheaper.
const GATHER: Duration = Duration::from_secs(2);

/// How often, and after which pause, somebody else is waited for.
const TRIES: u32 = 40;
const TRY_AGAIN: Duration = Duration::from_millis(10);

/// How long the disk may take at the end of a run.
const DISK_LIMIT: Duration = Duration::from_millis(500);

/// What was spent on a day, and in its month, that day included.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Spent {
    /// On the day.
    pub day: NanoUsd,
    /// In the month.
    pub month: NanoUsd,
}

/// The file: days of the local calendar, amounts in billionths of a US dollar.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Spending {
    days: BTreeMap<Date, NanoUsd>,
}

impl Spending {
    fn of(&self, today: Date) -> Spent {
        let in_month = self.days.iter().filter(|(day, _)| day.first_of_month() == today.first_of_month());
        Spent {
            day: self.days.get(&today).copied().unwrap_or_default(),
            month: in_month.map(|(_, amount)| *amount).sum(),
        }
    }
}

/// Today, on the local calendar.
pub fn today() -> Date {
    Zoned::now().date()
}

/// What was spent so far, as far as it was written down. Where nothing was, nothing was spent.
pub fn read(state: &Path, today: Date) -> io::Result<Spent> {
    match files::read_small(&state.join(FILE), MAX_BYTES) {
        Ok(text) => Ok(serde_json::from_str::<Spending>(&text)?.of(today)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Spent::default()),
        Err(error) => Err(error),
    }
}

/// Adds to what was spent on a day, and tells what that makes. Waits a little for others who do.
pub fn add(state: &Path, today: Date, amount: NanoUsd) -> io::Result<Spent> {
    let private = |path: PathBuf, truncate: bool| {
        OpenOptions::new().write(true).create(true).truncate(truncate).mode(0o600).open(path)
    };
    let _lock = turn(private(state.join("spending.lock"), false)?)?;
    let path = state.join(FILE);
    let mut spending: Spending = match files::read_small(&path, MAX_BYTES) {
        Ok(text) => serde_json::from_str(&text).or_else(|error| {
            tracing::warn!(%error, "what was spent cannot be read, and is counted anew");
            fs::rename(&path, state.join("spending.json.unreadable")).map(|()| Spending::default())
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Spending::default(),
        Err(error) => return Err(error),
    };
    *spending.days.entry(today).or_default() += amount;
    while spending.days.len() > DAYS {
        spending.days.pop_first();
    }
    let new = state.join("spending.json.new");
    let mut file = private(new.clone(), true)?;
    file.write_all(serde_json::to_string(&spending)?.as_bytes())?;
    fs::rename(new, path)?;
    Ok(spending.of(today))
}

/// Waits for the lock, but not for somebody who has been stopped while he had it.
fn turn(mut file: File) -> io::Result<Flock<File>> {
    for _ in 0..TRIES {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((file, Errno::EWOULDBLOCK)) => file,
            Err((_, errno)) => return Err(errno.into()),
        };
        std::thread::sleep(TRY_AGAIN);
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "somebody else writes it down and does not come to an end"))
}

/// The notes of what is passed.
pub fn passed(budget: &Budget, session: NanoUsd, spent: Spent) -> Vec<Note> {
    let each = [
        (Period::Session, budget.session, session),
        (Period::Day, budget.day, spent.day),
        (Period::Month, budget.month, spent.month),
    ];
    let passed = each.into_iter().filter_map(|(period, budget, spent)| Some((period, budget?, spent)));
    let passed = passed.filter(|(_, budget, spent)| spent >= budget);
    passed.map(|(period, budget, spent)| Note::BudgetPassed { period, budget, spent }).collect()
}

/// What one relay adds.
pub(super) struct Account {
    state: PathBuf,
    budget: Budget,
    written: Mutex<Written>,
    /// Who writes has it, so that nothing is added twice.
    writing: Mutex<()>,
}

/// How far it has come.
#[derive(Clone, Copy, Default)]
struct Written {
    /// Of what this relay counted.
    own: NanoUsd,
    /// By everybody, when it was last looked at.
    all: Spent,
}

impl Account {
    /// Of a relay that has counted nothing yet.
    pub fn new(state: PathBuf, budget: Budget) -> Arc<Self> {
        Arc::new(Self { state, budget, written: Mutex::default(), writing: Mutex::default() })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        // A copy in, a copy out.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is passed, now that the session has cost so much.
    pub fn passed(&self, session: NanoUsd) -> Vec<Note> {
        let Written { own, all } = *self.written();
        let more = session.saturating_sub(own);
        passed(&self.budget, session, Spent { day: all.day + more, month: all.month + more })
    }

    /// Whether what others spend counts.
    pub fn is_shared(&self) -> bool {
        self.budget.day.is_some() || self.budget.month.is_some()
    }

    /// Writes down what is new, and looks at what the others have written.
    fn write(&self, session: NanoUsd) -> io::Result<()> {
        let own = self.written().own;
        let more = session.saturating_sub(own);
        let all = if more == NanoUsd::ZERO { read(&self.state, today())? } else { add(&self.state, today(), more)? };
        *self.written() = Written { own: own + more, all };
        Ok(())
    }

    /// Writes down what the session costs, soon after it has cost something.
    pub async fn keep(self: Arc<Self>, pipeline: Arc<Pipeline>) {
        let mut work = pipeline.work();
        loop {
            let (this, of) = (Arc::clone(&self), Arc::clone(&pipeline));
            in_time(move || {
                // One that a disk has kept waiting still waits.
                let Ok(_writing) = this.writing.try_lock() else { return Ok(()) };
                this.write(cost(&of))
            })
            .await;
            if work.changed().await.is_err() {
                return;
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Writes down all there is, unless the disk takes too long.
    pub async fn settle(self: &Arc<Self>, pipeline: &Arc<Pipeline>) {
        let (this, of) = (Arc::clone(self), Arc::clone(pipeline));
        in_time(move || {
            let _writing = this.writing.lock().unwrap_or_else(PoisonError::into_inner);
            this.write(cost(&of))
        })
        .await;
    }
}

async fn in_time(write: impl FnOnce() -> io::Result<()> + Send + 'static) {
    match tokio::time::timeout(DISK_LIMIT, tokio::task::spawn_blocking(write)).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::warn!(%error, "what was spent cannot be written down"),
        Ok(Err(_)) | Err(_) => tracing::warn!("what was spent could not be written down in time"),
    }
}

fn cost(pipeline: &Pipeline) -> NanoUsd {
    pipeline.counted().ledger.totals().cost
}
