//! Brings a stack up, looks at it, judges it, reports.
//!
//! Data flows one way: definition → runner → running stack → observations → checks → verdicts → report. What is only
//! defined ([`stack::Stack`]) and what runs ([`running::RunningStack`]) are different types; a check sees neither, only
//! plain [`observation`]s.

pub mod authority;
pub mod browser;
pub mod canary;
pub mod cause;
pub mod check;
pub mod collect;
pub mod definition;
pub mod dependencies;
pub mod engine;
pub mod event;
pub mod fault;
pub mod gate;
pub mod html;
pub mod images;
pub mod load;
pub mod observation;
pub mod observe;
pub mod platform;
pub mod poll;
pub mod probe;
pub mod reaper;
pub mod report;
pub mod run;
pub mod runner;
pub mod running;
pub mod screenshots;
pub mod verdict;
