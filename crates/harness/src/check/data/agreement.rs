//! Rows and objects agree.

use super::{Check, Finding, Subject, with};
use crate::observation::Agreement;

pub(super) fn check() -> Check {
    let claim = "after all that happened, every output that lives has its object, and every object its row";
    let expected = "none without its other half, 45 s after everything else at the latest";
    Check::new("data.agree", Subject::Data, claim, expected, |seen| with(seen, |data| &data.agreement, judge))
}

pub(super) fn judge(seen: &Agreement) -> Finding {
    let told = |what: &str, ids: &[String]| (!ids.is_empty()).then(|| format!("{what}: {}", ids.join(", ")));
    let wrong: Vec<String> = [
        told("rows without an object", &seen.without_object),
        told("objects without a row", &seen.without_row),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !wrong.is_empty() {
        let seen = format!("{}, after {:.0} s", wrong.join("; "), seen.within.as_secs_f64());
        return Finding::Fail(
            seen,
            Some("what does the worker's log say of orphans and missing objects?".into()),
        );
    }
    if seen.rows == 0 || seen.objects == 0 {
        // Nothing agrees with nothing.
        return Finding::Unknown(format!(
            "{} outputs lived, and there were {} objects",
            seen.rows, seen.objects
        ));
    }
    Finding::Pass(format!(
        "{} outputs that live, {} objects, after {:.1} s",
        seen.rows,
        seen.objects,
        seen.within.as_secs_f64()
    ))
}
