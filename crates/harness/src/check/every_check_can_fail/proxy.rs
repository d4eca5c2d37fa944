//! `proxy.*` on a sound stack, and the defects that each check is there for.

use stack::Stack;

use super::Defect;
use crate::observation::Proxy;

pub(super) fn green(_stack: &Stack) -> Proxy {
    Proxy::default()
}

pub(super) fn defects(_stack: &Stack) -> Vec<(String, Defect)> {
    Vec::new()
}
