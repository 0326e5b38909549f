//! Everything that can go wrong between claude and the organization, by seed, with an oracle that is shown to see.
//!
//! A trial is a session of numbered records, each with a planted secret, through the real binary: something fails, heals, and
//! what is left is flushed. Then [`oracle::judge`] compares what was acknowledged with what arrived.
//!
//! ```text
//! CC_OBSERVE_CHAOS="seeds=20" cargo test --test it -- chaos --include-ignored
//! CC_OBSERVE_CHAOS="first=17 seeds=1 only=cut" cargo test --test it -- chaos::upstream
//! ```
//!
//! `seeds` and `first` say which seeds, `kills` how many, `only` which faults, by a part of their name.

#[cfg(target_os = "linux")]
mod disk;
mod endpoint;
mod kills;
mod oracle;
mod story;
mod trial;
mod upstream;

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use nix::unistd::geteuid;

/// How many trials run at once: each waits most of its time.
const AT_ONCE: usize = 6;

/// Splitmix64: the same numbers for the same seed, everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(name: &str, seed: u64) -> Self {
        // FNV-1a: each fault has numbers of its own.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    /// Once in so many times.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.next() % from.len() as u64).unwrap()]
    }
}

/// What the environment asks for.
struct Asked {
    seeds: u64,
    first: u64,
    kills: u64,
    only: String,
}

impl Asked {
    /// With so many seeds and kills where nothing else is said.
    fn or(seeds: u64, kills: u64) -> Self {
        let mut asked = Self { seeds, first: 1, kills, only: String::new() };
        for word in std::env::var("CC_OBSERVE_CHAOS").unwrap_or_default().split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let number = || value.parse().unwrap_or_else(|_| panic!("CC_OBSERVE_CHAOS: {name} is a number"));
            match name {
                "seeds" => asked.seeds = number(),
                "first" => asked.first = number(),
                "kills" => asked.kills = number(),
                "only" => value.clone_into(&mut asked.only),
                _ => panic!("CC_OBSERVE_CHAOS: no {name:?}; there are seeds, first, kills, only"),
            }
        }
        asked
    }

    fn seeds(&self) -> impl Iterator<Item = u64> + Clone {
        self.first..self.first + self.seeds
    }
}

/// What is wrong after a trial. None: it shows nothing, and is to be tried again.
type Judged = Option<Vec<String>>;

/// Runs a trial for every name and seed, several at once, and fails with all that was violated.
#[track_caller]
fn for_all<T: Copy + Sync + Debug>(
    what: &str,
    faults: &[(&str, T)],
    asked: &Asked,
    trial: impl Fn(T, Dice) -> Judged + Sync,
) {
    if !geteuid().is_root() {
        eprintln!("skipped: only root can tell which relay belongs to which run, and end it");
        return;
    }
    let faults = faults.iter().filter(|(name, _)| name.contains(&asked.only));
    let all: Vec<_> = faults.flat_map(|fault| asked.seeds().map(move |seed| (fault, seed))).collect();
    assert!(!all.is_empty(), "there is no fault like {:?}", asked.only);
    let (next, violations) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let note = |violation: String| violations.lock().unwrap_or_else(PoisonError::into_inner).push(violation);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(((name, fault), seed)) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let judged = (0..5).find_map(|_| {
                        let trial = || trial(*fault, Dice::new(name, *seed));
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(trial))
                            .unwrap_or_else(|_| Some(vec!["the trial did not come to its end (see above)".into()]))
                    });
                    let judged = judged.unwrap_or_else(|| {
                        vec!["it showed nothing, five times: the machine is too busy, or it never does".into()]
                    });
                    for violation in judged {
                        note(format!("{what} {name}, seed {seed}: {violation}"));
                    }
                }
            });
        }
    });
    let violations = violations.into_inner().unwrap();
    assert!(violations.is_empty(), "{} of {} trials:\n{}", violations.len(), all.len(), violations.join("\n"));
    eprintln!("{what}: {} trials, nothing lost, leaked or doubled", all.len());
}
