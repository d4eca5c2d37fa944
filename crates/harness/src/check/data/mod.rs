//! `data.*`: what lies on the disks of the stack, and whether it is what the rows say, whatever goes wrong.
//!
//! No setting turns encryption off, so an overlay can only put readable pictures beside the objects; that an object
//! itself is readable is a defect of the unit test alone.

mod agreement;
mod backup;
mod behind;
mod found_again;
mod once;
mod redeploy;

use stack::Stack;

use super::{Check, Finding, Subject};
use crate::observation::{Data, Observations, Seen};

pub(crate) use backup::{BACKUP, RESTORE};

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    let mut all = vec![super::at_rest::encrypted(), agreement::check()];
    all.extend(behind::checks());
    all.extend(once::checks());
    all.extend(redeploy::checks());
    all.extend(backup::checks(stack));
    all
}

/// Judges one part of what was seen.
fn with<T>(
    seen: &Observations,
    part: impl FnOnce(&Data) -> &Option<Seen<T>>,
    judge: impl FnOnce(&T) -> Finding,
) -> Finding {
    match &seen.data.seen {
        Err(why) => Finding::Unknown(why.clone()),
        Ok(data) => match part(data) {
            None => Finding::Unknown("nobody came to look at it".into()),
            Some(Err(why)) => Finding::Unknown(why.clone()),
            Some(Ok(seen)) => judge(seen),
        },
    }
}
