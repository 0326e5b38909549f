//! Any text, and the pieces of one: nothing panics, once is enough, and what is planted is found.

#![no_main]

mod oracle;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    oracle::check(&text);
    // As an attribute whose name says something.
    let (name, value) = text.split_once('\n').unwrap_or(("password", &text));
    oracle::REDACTOR.value(name, value);
    oracle::plant(data, 0);
});
