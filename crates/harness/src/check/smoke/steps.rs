//! The smoke story's claims as data: which step of it decides which check, and how.

/// One step of the story and the statuses that are right for it.
pub(super) struct Step {
    pub(super) id: &'static str,
    pub(super) claim: &'static str,
    pub(super) at: &'static str,
    pub(super) right: &'static [u16],
}

const fn step(id: &'static str, at: &'static str, right: &'static [u16], claim: &'static str) -> Step {
    Step { id, claim, at, right }
}

/// Claims that a status alone decides. A refusal must be a problem document besides.
pub(super) const STEPS: &[Step] = &[
    step("smoke.sign_up", "sign_up", &[201], "a person can sign up"),
    step("smoke.sign_up.twice", "sign_up.again", &[409], "an e-mail address has one account"),
    step("smoke.login", "login", &[201], "a person can log in"),
    step("smoke.upload.halftone", "upload.halftone", &[202], "a photo is taken for the halftone effect"),
    step("smoke.upload.duotone", "upload.duotone", &[202], "a photo is taken for the duotone effect"),
    step("smoke.link", "link", &[200], "the signed link gives the picture without a session"),
    step("smoke.delete", "delete", &[204], "a person can delete a picture"),
    step("smoke.delete.gone", "delete.gone", &[410], "a deleted picture is gone at once"),
    step("smoke.delete.link", "delete.link_gone", &[410], "a deleted picture's link is dead at once"),
    step("smoke.logout", "logout", &[204], "a person can log out"),
    step("smoke.logout.revoked", "logout.revoked", &[401], "a session is revoked at once by logging out"),
    step("smoke.login.wrong_password", "login.wrong_password", &[401], "a wrong password is refused"),
    step("smoke.session.forged", "forged_session", &[401], "a forged token is refused"),
    step("smoke.session.alive", "session.alive", &[200], "a session of one second lives at first"),
    step("smoke.session.expired", "session.expired", &[401], "an expired session is refused"),
    step("smoke.anonymous.list", "anonymous.list", &[401], "nobody lists pictures without a session"),
    step("smoke.anonymous.upload", "anonymous.upload", &[401], "nobody uploads without a session"),
    step("smoke.anonymous.job", "anonymous.job", &[401], "nobody sees a job without a session"),
    step("smoke.anonymous.image", "anonymous.image", &[401], "nobody sees a picture without a session"),
    step("smoke.anonymous.delete", "anonymous.delete", &[401], "nobody deletes without a session"),
    step("smoke.anonymous.link", "anonymous.unsigned_link", &[400, 403], "no picture without a signature"),
    step("smoke.other.job", "other.job", &[404], "another person's job is not to be seen"),
    step("smoke.other.image", "other.image", &[404], "another person's picture is not to be seen"),
    step("smoke.other.delete", "other.delete", &[404], "another person's picture is not to be deleted"),
    step("smoke.other.kept", "other.left_it_there", &[200], "a picture outlives another's try to delete it"),
    step(
        "smoke.wrong.not_a_picture",
        "wrong.not_a_picture",
        &[415],
        "an upload that is no picture is refused",
    ),
    step("smoke.wrong.empty", "wrong.empty", &[400, 415, 422], "an upload of 0 bytes is refused"),
    step("smoke.wrong.too_large", "wrong.too_large", &[413], "an upload of 11 MB is refused"),
    step("smoke.wrong.effect", "wrong.effect", &[400, 422], "an effect that does not exist is refused"),
    step("smoke.wrong.ttl_zero", "wrong.ttl_zero", &[400, 422], "a time to live of 0 is refused"),
    step("smoke.wrong.ttl_negative", "wrong.ttl_negative", &[400, 422], "a negative time to live is refused"),
    step(
        "smoke.wrong.ttl_huge",
        "wrong.ttl_huge",
        &[400, 422],
        "a time to live above the ceiling is refused",
    ),
    step("smoke.wrong.ttl_unit", "wrong.ttl_unit", &[400, 422], "a time to live with a unit is refused"),
    step("smoke.wrong.malformed_json", "wrong.malformed_json", &[400], "malformed JSON is refused"),
    step(
        "smoke.wrong.content_type",
        "wrong.content_type",
        &[415],
        "another content type than JSON is refused",
    ),
    step("smoke.wrong.long_email", "wrong.long_email", &[413, 422], "an over-long e-mail address is refused"),
    step("smoke.wrong.long_password", "wrong.long_password", &[413, 422], "an over-long password is refused"),
    step("smoke.wrong.hostile_email", "wrong.hostile_email", &[422], "SQL and HTML are no e-mail address"),
    step("smoke.wrong.null_byte", "wrong.null_byte", &[422], "a null byte in a field is refused"),
    step("smoke.wrong.unknown_route", "wrong.unknown_route", &[404], "an unknown route says so"),
    step("smoke.wrong.method", "wrong.method", &[405], "a wrong method says so"),
    step("smoke.wrong.id", "wrong.id", &[400, 404, 422], "an id that is none is refused"),
    step(
        "smoke.hostile.password",
        "hostile.password.login",
        &[201],
        "SQL and HTML in a password are only text",
    ),
];

/// Claims that were worked out while the story was told.
pub(super) const FACTS: &[(&str, &str, &str, &str)] = &[
    (
        "smoke.upload.location",
        "upload.location",
        "an upload's Location leads to its job",
        "200 and the job of that id",
    ),
    (
        "smoke.link.byte_exact",
        "link.byte_exact",
        "the picture is the same through the proxy as at the api, byte for byte, and as long as described",
        "equal bytes",
    ),
    (
        "smoke.link.picture",
        "link.is_the_picture",
        "the link's bytes are a picture of the size that its description tells",
        "a picture of the described size",
    ),
    (
        "smoke.request_id.followed",
        "request_id.followed",
        "an upload's request id is in the logs of proxy, api and worker",
        "in all three logs",
    ),
    (
        "smoke.link.no_metadata",
        "link.no_metadata",
        "the output carries none of the photo's metadata",
        "neither EXIF nor XMP",
    ),
];

/// Steps and a status that is right for each, for tests.
#[cfg(test)]
pub(in crate::check) fn steps() -> impl Iterator<Item = (&'static str, u16)> {
    STEPS.iter().map(|step| (step.at, step.right[0]))
}

/// Checks that a step decides, each with its step, for tests.
#[cfg(test)]
pub(in crate::check) fn ids() -> impl Iterator<Item = (&'static str, &'static str)> {
    STEPS.iter().map(|step| (step.id, step.at))
}

/// Checks that a fact decides, each with its fact, for tests.
#[cfg(test)]
pub(in crate::check) fn facts() -> impl Iterator<Item = (&'static str, &'static str)> {
    FACTS.iter().map(|&(id, fact, ..)| (id, fact))
}
