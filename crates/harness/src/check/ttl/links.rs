//! Links: nobody makes or alters one, and none outlives its time.

use super::{fact, status};
use crate::check::Check;

pub(super) fn checks() -> Vec<Check> {
    vec![
        status(
            "ttl.tampered.expiry",
            "tampered.expiry",
            &[403],
            "a link whose expiry was altered is refused",
        ),
        status(
            "ttl.tampered.signature",
            "tampered.signature",
            &[403],
            "a link with another signature is refused",
        ),
        status(
            "ttl.tampered.image",
            "tampered.image",
            &[403],
            "a link that was turned to another image is refused",
        ),
        status(
            "ttl.tampered.unsigned",
            "tampered.unsigned",
            &[400, 403],
            "a link without a signature is refused",
        ),
        status("ttl.outlived.link", "link.outlived", &[410], "a link that was outlived is dead"),
        status("ttl.outlived.image", "link.image_lives_on", &[200], "an image outlives its link"),
        fact("ttl.ceiling", "link.ceiling", "no link lives longer than the ceiling"),
    ]
}
