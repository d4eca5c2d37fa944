//! Nothing of a picture can be read by whoever has the volume.

use super::{Check, Finding, Subject};
use crate::observation::{AtRest, Observations};

pub(super) fn check() -> Check {
    Check::new(
        "data.encrypted",
        Subject::Expiry,
        "while an output lives, the raw volume holds its object, and no file there has anything of a picture to read",
        "its object, and in no file the signature of a picture or 31 bytes of what was delivered",
        judge,
    )
}

fn judge(seen: &Observations) -> Finding {
    let expiry = match &seen.expiry.seen {
        Ok(expiry) => expiry,
        Err(why) => return Finding::Unknown(why.clone()),
    };
    match &expiry.at_rest {
        Some(Ok(at_rest)) => of_volume(at_rest),
        Some(Err(why)) => Finding::Unknown(why.clone()),
        None => {
            let never = || "the volume was not looked at".to_owned();
            Finding::Unknown(expiry.story.broken.clone().unwrap_or_else(never))
        }
    }
}

fn of_volume(at_rest: &AtRest) -> Finding {
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::no_object(AtRest { delivered_bytes: 10, object_bytes: None, files: 3, readable: vec![] })]
    #[case::nothing_delivered(AtRest { delivered_bytes: 0, object_bytes: Some(72), files: 3, readable: vec![] })]
    #[case::shorter_object(AtRest { delivered_bytes: 10, object_bytes: Some(9), files: 3, readable: vec![] })]
    fn volume_that_may_not_have_been_read_is_unknown(#[case] at_rest: AtRest) {
        assert!(matches!(of_volume(&at_rest), Finding::Unknown(_)));
    }
}
