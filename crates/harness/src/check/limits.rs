//! `limits.*`: what is refused when somebody asks for too much.

use stack::Stack;

use super::Check;

pub(super) fn checks(_stack: &Stack) -> Vec<Check> {
    Vec::new()
}
