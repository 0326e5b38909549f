//! Edge: `main`: parse, run, exit code.
//!
//! It is the C runtime's `main` and not Rust's: that one would ignore `SIGPIPE` and open `/dev/null` in place of closed
//! descriptors before anybody could see how they were, and claude must get them as they were.
#![no_main]

use std::ffi::{c_char, c_int};
use std::panic::AssertUnwindSafe;

use cc_observe::cli;
use cc_observe::process::{self, Inherited};

#[expect(unsafe_code, reason = "the C runtime looks the symbol up by this name, and nothing else defines it")]
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let inherited = Inherited::record();
    // SAFETY: argc and argv are what the C runtime gave to main.
    let args = unsafe { process::arguments(argc, argv) };
    // Nothing may unwind into the C runtime. The panic itself has been told on stderr.
    let code = std::panic::catch_unwind(AssertUnwindSafe(|| cli::run(&args, &inherited)));
    c_int::from(code.unwrap_or(cli::COULD_NOT))
}
