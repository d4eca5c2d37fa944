//! What people have survives that every service is stopped and started.

use super::{Check, Finding, Subject, found_again, with};
use crate::observation::Redeployed;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "data.redeploy.accounts",
            Subject::Data,
            "after every service was stopped and started, people log in as before",
            "201",
            |seen| with(seen, |data| &data.redeployed, accounts),
        ),
        Check::new(
            "data.redeploy.outputs",
            Subject::Data,
            "after every service was stopped and started, people find the same outputs, byte for byte by a new link",
            "every output that is still to live, and no other",
            |seen| with(seen, |data| &data.redeployed, |seen| found_again::same(&seen.outputs)),
        ),
        Check::new(
            "data.redeploy.expired",
            Subject::Data,
            "an output whose life ended while every service was stopped and started is gone: told, not listed, swept",
            "410, not listed, and its object gone within the grace",
            |seen| with(seen, |data| &data.redeployed, expired),
        ),
    ]
}

fn accounts(seen: &Redeployed) -> Finding {
    match &seen.login {
        Ok(status) => {
            Finding::judged(*status == 201, format!("{status}, after {} instances", seen.instances))
        }
        Err(why) => Finding::Unknown(why.clone()),
    }
}

fn expired(seen: &Redeployed) -> Finding {
    if !seen.ended_while_away {
        // That sweepers sweep is for others to say.
        return Finding::Unknown("its life was over before all was stopped: this machine is too slow".into());
    }
    found_again::ended_is_gone(&seen.outputs)
}
