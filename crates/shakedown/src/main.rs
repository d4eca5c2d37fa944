//! The command: gate, up, down, logs, config, doctor.
fn main() {}
