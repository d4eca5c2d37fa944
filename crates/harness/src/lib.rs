//! Brings a stack up, looks at it, judges it, reports.
