//! The contract between api and worker: the job row, the image row, the queue, and the key an input waits in.
//!
//! The api [`create`]s a row and [`Publisher::publish`]es it; a worker takes it from its [`Consumer`],
//! [`start`]s it, and ends it with [`finish`] or [`fail`]. The rows are the truth; the queue only says that
//! there is something to do.

mod consumer;
mod create;
mod image_row;
mod job_row;
mod publisher;

pub use consumer::{Consumer, Delivery};
pub use create::{Held, NewJob, create, held};
pub use image_row::{
    Ends, ImageCounts, ImageRow, Place, count, ends, existing, expired, living, remove, remove_all,
};
pub use job_row::{
    Effect, Finished, JobRow, JobState, Output, discard, fail, fail_abandoned, find, finish, start, waiting,
};
pub use publisher::Publisher;

use uuid::Uuid;

/// The stream of jobs; an entry holds `job_id` and `request_id`, never the input.
pub const STREAM: &str = "jobs";

/// The stream of jobs that were given up, with the reason.
pub const DEAD_LETTERS: &str = "jobs:dead";

/// The consumer group of all workers.
pub const GROUP: &str = "workers";

/// The key in which a job's input waits, with an expiry, apart from the stream: a stream entry outlives its
/// acknowledgement.
pub fn input_key(job_id: Uuid) -> String {
    format!("input:{job_id}")
}
