//! A backup brings back what was there when it was made, and nothing that has expired since. Checks of definitions that say
//! how a backup is made: `compose/backup.yaml`.

use stack::{Kind, Stack};

use super::{Check, Finding, Subject, found_again};
use crate::observation::{Observations, Restored};

/// The oneshot that makes a backup.
pub(crate) const BACKUP: &str = "backup";
/// The oneshot that restores the last one.
pub(crate) const RESTORE: &str = "restore";

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    let is_oneshot = |name| stack.services.get(name).is_some_and(|service| service.kind == Kind::Oneshot);
    if !(is_oneshot(BACKUP) && is_oneshot(RESTORE)) {
        return Vec::new();
    }
    let check = |id: &str, claim: &str, expected: &str, judge: fn(&Restored) -> Finding| {
        Check::new(id, Subject::Backup, claim, expected, move |seen| with(seen, judge))
    };
    vec![
        check(
            "data.backup.accounts",
            "after a restore, whoever had an account when the backup was made logs in, and nobody who came after",
            "201, and 401",
            accounts,
        ),
        check(
            "data.backup.outputs",
            "a restore brings the outputs back that were there, byte for byte, and none that came after",
            "every output that is still to live, one that was deleted meanwhile too, and another can be made",
            outputs,
        ),
        check(
            "data.backup.expired",
            "a restore brings back no output whose life has ended since the backup was made",
            "410, not listed, no object",
            |seen| found_again::ended_is_gone(&seen.outputs),
        ),
        check(
            "data.backup.agree",
            "after a restore, every output that lives has its object, and every object its row",
            "none without its other half, 45 s later at the latest",
            |seen| super::agreement::judge(&seen.agreement),
        ),
    ]
}

fn with(seen: &Observations, judge: fn(&Restored) -> Finding) -> Finding {
    match &seen.restored.seen {
        Ok(restored) => judge(restored),
        Err(why) => Finding::Unknown(why.clone()),
    }
}

fn accounts(seen: &Restored) -> Finding {
    match (&seen.login, &seen.later_login) {
        (Ok(login), Ok(later)) => {
            Finding::judged((*login, *later) == (201, 401), format!("{login}, and {later}"))
        }
        (Err(why), _) | (_, Err(why)) => Finding::Unknown(why.clone()),
    }
}

fn outputs(seen: &Restored) -> Finding {
    match (&seen.outputs, &seen.works) {
        (Ok(_), Err(why)) => Finding::Fail(format!("no further output can be made: {why}"), None),
        (outputs, _) => found_again::same(outputs),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;
    use crate::observation::{Agreement, FoundAgain};

    fn green() -> Restored {
        let both = || ["0196", "0197"].map(str::to_owned).into();
        Restored {
            login: Ok(201),
            later_login: Ok(401),
            outputs: Ok(FoundAgain {
                before: both(),
                after: both(),
                same: both(),
                ended: "0198".into(),
                ended_answer: Ok(410),
                ended_gone_after: Some(Duration::from_millis(70)),
            }),
            works: Ok(()),
            agreement: Agreement { rows: 3, objects: 3, ..Agreement::default() },
        }
    }

    /// What is seen of a restore that lost the account: nobody is there to look for outputs.
    fn account_lost() -> Restored {
        let nobody = || "nobody could log in to look".to_owned();
        Restored { login: Ok(401), outputs: Err(nobody()), works: Err(nobody()), ..green() }
    }

    fn found(seen: &mut Restored) -> &mut FoundAgain {
        seen.outputs.as_mut().unwrap()
    }

    fn expired(seen: &Restored) -> Finding {
        found_again::ended_is_gone(&seen.outputs)
    }

    #[test]
    fn a_backup_that_brought_back_what_was_there_passes() {
        for judge in [accounts, outputs, expired] {
            assert!(matches!(judge(&green()), Finding::Pass(_)), "{:?}", judge(&green()));
        }
    }

    #[rstest]
    #[case::account_lost(accounts, |seen: &mut Restored| *seen = account_lost())]
    #[case::later_account_kept(accounts, |seen: &mut Restored| seen.later_login = Ok(201))]
    #[case::output_lost(outputs, |seen: &mut Restored| { found(seen).after.remove("0196"); })]
    #[case::other_bytes(outputs, |seen: &mut Restored| { found(seen).same.remove("0196"); })]
    #[case::later_output_kept(outputs, |seen: &mut Restored| { found(seen).after.insert("0199".into()); })]
    #[case::broken_afterwards(outputs, |seen: &mut Restored| seen.works = Err("500".into()))]
    #[case::expired_served(expired, |seen: &mut Restored| found(seen).ended_answer = Ok(200))]
    #[case::expired_listed(expired, |seen: &mut Restored| { found(seen).after.insert("0198".into()); })]
    #[case::expired_object(expired, |seen: &mut Restored| found(seen).ended_gone_after = None)]
    fn what_a_backup_does_wrong_fails(
        #[case] judge: fn(&Restored) -> Finding,
        #[case] wrong: fn(&mut Restored),
    ) {
        let mut seen = green();
        wrong(&mut seen);
        assert!(matches!(judge(&seen), Finding::Fail(..)), "{:?}", judge(&seen));
    }

    #[test]
    fn outputs_that_nobody_could_look_for_are_unknown() {
        for judge in [outputs, expired] {
            let finding = judge(&account_lost());
            assert!(matches!(finding, Finding::Unknown(_)), "{finding:?}");
        }
    }
}
