//! Tests only; see `gate.rs`.
