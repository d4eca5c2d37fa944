//! Links: nobody makes or alters one, and none outlives its time.

use super::{fact, living, status, with_expiry};
use crate::{
    check::{Check, Finding, Subject, smoke::judge_step},
    observation::Expiry,
    probe::expiry::REPLAYS,
};

/// Alterations that are refused, each with what it is.
const TAMPERED: [(&str, &str); 8] = [
    ("expiry", "a link whose expiry was altered is refused"),
    ("signature", "a link with another signature is refused"),
    ("image", "a link that was turned to another image is refused"),
    ("moved", "a link whose parameters changed places is refused"),
    ("doubled", "a link with a parameter twice is refused"),
    ("added", "a link with one more parameter is refused"),
    ("case", "a link with its image's id in capitals is refused"),
    ("encoded", "a link with a part of it percent-encoded is refused"),
];

pub(super) fn checks() -> Vec<Check> {
    let tampered =
        |(part, claim)| status(&format!("ttl.tampered.{part}"), &format!("tampered.{part}"), &[403], claim);
    let mut all: Vec<Check> = TAMPERED.map(tampered).into();
    all.extend([
        status(
            "ttl.tampered.unsigned",
            "tampered.unsigned",
            &[400, 403],
            "a link without a signature is refused",
        ),
        status("ttl.outlived.link", "link.outlived", &[410], "a link that was outlived is dead"),
        status("ttl.outlived.image", "link.image_lives_on", &[200], "an image outlives its link"),
        fact("ttl.ceiling", "link.ceiling", "no link lives longer than the ceiling"),
        fact("ttl.link.within", "link.within", "no link lives longer than its image"),
        replay(),
        refused(),
    ]);
    all.extend(living::checks());
    all
}

fn replay() -> Check {
    let claim = "a dead link is dead too for whoever has a copy, wants a part or asks only for the head";
    Check::new("ttl.link.replay", Subject::Expiry, claim, "410, never 206 or 304", |seen| {
        with_expiry(seen, |expiry| {
            let ends = ["link.outlived", "after.link"];
            let steps = ends.iter().flat_map(|end| REPLAYS.map(|way| format!("{end}.{way}")));
            each(expiry, steps, |status, _| status == 410)
        })
    })
}

fn refused() -> Check {
    let claim = "no cache keeps it that a link was refused";
    Check::new("ttl.link.refused", Subject::Expiry, claim, "Cache-Control: no-store", |seen| {
        with_expiry(seen, |expiry| {
            let tampered = TAMPERED.iter().map(|(part, _)| format!("tampered.{part}"));
            let dead = ["link.outlived", "after.link"].map(str::to_owned);
            each(expiry, tampered.chain(dead), |_, cache_control| cache_control == "no-store")
        })
    })
}

/// Judges every one of these steps by its status and `Cache-Control`: the first that is not right decides.
fn each(
    expiry: &Expiry,
    steps: impl IntoIterator<Item = String>,
    right: impl Fn(u16, &str) -> bool,
) -> Finding {
    let mut looked = 0;
    for step in steps {
        let finding = judge_step(&expiry.story, &step, |exchange, answer| {
            let cache_control = answer.header("cache-control").unwrap_or("no Cache-Control");
            let told =
                format!("{} ({step}) answered {} with {cache_control}", exchange.request, answer.status);
            Finding::judged(right(answer.status, cache_control), told)
        });
        match finding {
            Finding::Pass(_) => looked += 1,
            other => return other,
        }
    }
    Finding::Pass(format!("all {looked} answers"))
}
