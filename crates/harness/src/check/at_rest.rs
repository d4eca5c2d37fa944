//! Nothing of a picture can be read by whoever has the volume, neither while its output lives nor once it is gone.

use super::{Check, Finding, Subject, ttl::with_expiry};
use crate::observation::{AtRest, Expiry, Seen};

/// While the output lives.
pub(super) fn encrypted() -> Check {
    Check::new(
        "data.encrypted",
        Subject::Expiry,
        "while an output lives, the raw volume holds its object, and no file there has anything of a picture to read",
        "its object, and in no file the signature of a picture or 31 bytes of what was delivered",
        |seen| with_expiry(seen, |expiry| of_volume(expiry, expiry.at_rest.as_ref(), while_it_lives)),
    )
}

/// Once it is gone. A store may keep the blocks of what was deleted: then nobody can read them.
pub(super) fn raw() -> Check {
    Check::new(
        "ttl.raw",
        Subject::Expiry,
        "once an output is gone, nothing of it can be read on the raw volume, whatever the store keeps there",
        "in no file the signature of a picture or 31 bytes of what was delivered",
        |seen| with_expiry(seen, |expiry| of_volume(expiry, expiry.at_rest_after.as_ref(), once_it_is_gone)),
    )
}

fn of_volume(
    expiry: &Expiry,
    looked: Option<&Seen<AtRest>>,
    judge: impl FnOnce(&AtRest) -> Finding,
) -> Finding {
    match looked {
        Some(Ok(at_rest)) => judge(at_rest),
        Some(Err(why)) => Finding::Unknown(why.clone()),
        None => {
            let never = || "the volume was not looked at".to_owned();
            Finding::Unknown(expiry.story.broken.clone().unwrap_or_else(never))
        }
    }
}

fn while_it_lives(at_rest: &AtRest) -> Finding {
    if !at_rest.readable.is_empty() {
        let why = "pictures are stored in plain: does whatever writes there go through the encrypted store?";
        return Finding::Fail(at_rest.readable.join("; "), Some(why.into()));
    }
    match at_rest.object_bytes {
        // A volume that nobody read has nothing readable either.
        None => Finding::Unknown(format!("none of {} files on the volume is its object", at_rest.files)),
        Some(bytes) if at_rest.delivered_bytes == 0 || bytes < at_rest.delivered_bytes => Finding::Unknown(
            format!("its object has {bytes} bytes, and {} were delivered", at_rest.delivered_bytes),
        ),
        Some(bytes) => Finding::Pass(format!(
            "its object of {bytes} bytes; nothing to read of {} delivered bytes in {} files",
            at_rest.delivered_bytes, at_rest.files
        )),
    }
}

fn once_it_is_gone(at_rest: &AtRest) -> Finding {
    if !at_rest.readable.is_empty() {
        let why = "something keeps pictures in plain beside the store";
        return Finding::Fail(at_rest.readable.join("; "), Some(why.into()));
    }
    if at_rest.delivered_bytes == 0 {
        return Finding::Unknown("nothing was delivered that could be looked for".into());
    }
    match at_rest.object_bytes {
        // A volume that nobody read has nothing readable either.
        None => Finding::Unknown(format!("none of {} files is the object of what lives", at_rest.files)),
        Some(_) => Finding::Pass(format!(
            "nothing to read of {} delivered bytes in {} files",
            at_rest.delivered_bytes, at_rest.files
        )),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NO_OBJECT: AtRest = AtRest { delivered_bytes: 10, object_bytes: None, files: 3, readable: vec![] };
    const NOTHING_DELIVERED: AtRest =
        AtRest { delivered_bytes: 0, object_bytes: Some(72), files: 3, readable: vec![] };
    const SHORTER_OBJECT: AtRest =
        AtRest { delivered_bytes: 10, object_bytes: Some(9), files: 3, readable: vec![] };

    #[rstest]
    #[case::no_object(while_it_lives(&NO_OBJECT))]
    #[case::nothing_delivered(while_it_lives(&NOTHING_DELIVERED))]
    #[case::shorter_object(while_it_lives(&SHORTER_OBJECT))]
    #[case::no_object_after(once_it_is_gone(&NO_OBJECT))]
    #[case::nothing_delivered_after(once_it_is_gone(&NOTHING_DELIVERED))]
    fn volume_that_may_not_have_been_read_is_unknown(#[case] finding: Finding) {
        assert!(matches!(finding, Finding::Unknown(_)), "{finding:?}");
    }
}
