//! JSON, as it is and in strings of JSON: what was valid stays valid, with the same keys in the same places.

#![no_main]

mod oracle;

use libfuzzer_sys::fuzz_target;
use oracle::planting::{json, nested};
use serde_json::Value;

/// How much stands where, without what it is.
fn shape(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(shape).collect::<Vec<_>>().join(",")),
        Value::Object(values) => format!("{{{}}}", values.values().map(shape).collect::<Vec<_>>().join(",")),
        _ => String::new(),
    }
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    // What is no JSON becomes values of it, line by line.
    let document = if serde_json::from_str::<Value>(&text).is_ok_and(|value| value.is_object() || value.is_array()) {
        text.into_owned()
    } else {
        const KEYS: [&str; 8] = ["command", "password", "api_key", "name", "value", "data", "token", "kind"];
        let pairs = text.lines().zip(KEYS).map(|(line, key)| match line.parse::<i64>() {
            Ok(number) => format!("\"{key}\":{number}"),
            Err(_) => format!("\"{key}\":{}", json(line)),
        });
        format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
    };
    for depth in 0..3 {
        let before = nested(&document, depth);
        let after = oracle::check(&before);
        // Two keys that are secrets may become one.
        let before: Value = serde_json::from_str(&before).expect("what was nested is JSON");
        let after: Value = serde_json::from_str(&after).expect("what was valid stays valid");
        assert!(shape(&before) == shape(&after) || shape(&after).len() < shape(&before).len());
        oracle::plant(data, depth + 1);
    }
});
