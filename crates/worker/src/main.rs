//! Takes jobs from the queue, makes outputs, sweeps what has expired.
fn main() {}
