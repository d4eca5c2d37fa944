//! The JSON API: accounts, sessions, uploads, jobs, images; and the migration.
fn main() {}
