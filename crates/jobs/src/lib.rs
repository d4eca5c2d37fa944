//! The contract between api and worker: the job row, the queue, and the key an input waits in.
