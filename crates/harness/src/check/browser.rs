//! `smoke.browser.*`: the story as a browser sees it.

use stack::Stack;

use super::Check;

pub(super) fn checks(_stack: &Stack) -> Vec<Check> {
    Vec::new()
}
