//! Pages for people. The server is the program (`main.rs`); what it shows is here.

pub mod page;
