//! One test per check.
fn main() {}
