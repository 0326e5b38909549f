//! What cc-observe adds to a start and an exit, as ratios to plain claude in one run.

fn main() {}
