//! Commands, alone and in the input of a tool: nothing panics, once is enough, and what is planted is found.

#![no_main]

mod oracle;

use libfuzzer_sys::fuzz_target;
use oracle::planting::nested;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    oracle::check(&text);
    oracle::check(&nested(&text, 1));
    // Behind what makes a text worth reading as a command.
    oracle::check(&format!("sudo bash -c 'curl -u a:{}'", text.replace('\'', "'\\''")));
    oracle::check(&format!("mysql -u root -p{text} <<EOF\n{text}\nEOF"));
    oracle::plant(data, usize::from(data.first().is_some_and(|byte| byte % 2 == 1)));
});
