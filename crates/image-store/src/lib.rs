//! The store for processed outputs: a small trait, a backend per place.
