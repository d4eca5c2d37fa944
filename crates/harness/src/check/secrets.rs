//! `secrets.*`: no planted secret shows anywhere, and every place was really looked at.

use stack::Stack;

use super::{Check, Finding, Subject, health::not_reached};
use crate::observation::Observations;

/// More findings than these tell nothing more.
const TOLD: usize = 8;

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    let logs = stack.services.keys().map(|name| {
        let claim = format!("no planted secret is in the log of `{name}`, in any form");
        surface(format!("secrets.logs.{name}"), claim)
    });
    let of = |id: &str, claim: &str| surface(id.into(), claim.into());
    let rest = [
        of("secrets.inspect", "no planted secret is in what the engine tells of any container, in any form")
            .only_in_containers("no engine tells anything of a process"),
        of(
            "secrets.processes",
            "no planted secret was among the arguments of any process when it was looked, in any form",
        ),
        of("secrets.http.bodies", "no planted secret is in any HTTP body, error pages included, in any form"),
        of("secrets.http.headers", "no planted secret is in any HTTP header, in any form"),
    ];
    logs.chain(rest).collect()
}

fn surface(id: String, claim: String) -> Check {
    let expected = "no finding, and the control marker found";
    Check::new(id.clone(), Subject::Surfaces, claim, expected, move |seen| judge(seen, &id))
}

pub(super) fn judge(seen: &Observations, id: &str) -> Finding {
    let surfaces = match &seen.surfaces.seen {
        Ok(surfaces) => surfaces,
        Err(why) => {
            let failed = seen.bring_up.failure.is_some();
            return Finding::Unknown(if failed { not_reached(seen) } else { why.clone() });
        }
    };
    let mine: Vec<_> = surfaces.iter().filter(|surface| surface.check == id).collect();
    let found: Vec<String> = mine
        .iter()
        .flat_map(|surface| {
            surface.findings.iter().map(|finding| {
                let (canary, form, offset) = (&finding.canary, finding.form, finding.offset);
                format!("{canary} as {form} in {} at byte {offset}", surface.part)
            })
        })
        .collect();
    if !found.is_empty() {
        let more = found.len().saturating_sub(TOLD);
        let told = found.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join("; ");
        return Finding::Fail(if more > 0 { format!("{told}; and {more} more") } else { told }, None);
    }
    for surface in &mine {
        if let Err(why) = &surface.bytes {
            return Finding::Unknown(format!("{} could not be read: {why}", surface.part));
        }
        if !surface.marker {
            return Finding::Unknown(format!("the control marker was not found in {}", surface.part));
        }
    }
    let bytes: usize = mine.iter().filter_map(|surface| surface.bytes.as_ref().ok()).sum();
    if mine.is_empty() {
        return Finding::Unknown("no surface was read for it".into());
    }
    Finding::Pass(format!("nothing in {bytes} bytes"))
}
