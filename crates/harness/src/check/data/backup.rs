//! A backup brings back what was there when it was made, and nothing that has expired since. Checks of definitions that say
//! how a backup is made: `compose/backup.yaml`.

use stack::{Kind, Stack};

use super::{Check, Finding, Subject};
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
            expired,
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
    if let Err(why) = &seen.works {
        return Finding::Fail(format!("no further output can be made: {why}"), None);
    }
    let wrong = [
        ("missing", seen.before.difference(&seen.after)),
        ("not the same bytes", seen.before.difference(&seen.same)),
        ("not of then", seen.after.difference(&seen.before)),
    ];
    let told = |(what, ids): (&str, std::collections::btree_set::Difference<'_, String>)| {
        let ids: Vec<&str> = ids.filter(|id| **id != seen.brief).map(String::as_str).collect();
        (!ids.is_empty()).then(|| format!("{what}: {}", ids.join(", ")))
    };
    let wrong: Vec<String> = wrong.into_iter().filter_map(told).collect();
    if wrong.is_empty() {
        return Finding::judged(!seen.before.is_empty(), format!("{} outputs", seen.before.len()));
    }
    Finding::Fail(wrong.join("; "), None)
}

fn expired(seen: &Restored) -> Finding {
    let answer = match &seen.brief_answer {
        Ok(answer) => *answer,
        Err(why) => return Finding::Unknown(why.clone()),
    };
    let is_listed = seen.after.contains(&seen.brief);
    let listed = if is_listed { "listed" } else { "not listed" };
    let object = if seen.brief_swept { "no object" } else { "its object is there" };
    Finding::judged(answer == 410 && !is_listed && seen.brief_swept, format!("{answer}, {listed}, {object}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::observation::Agreement;

    fn green() -> Restored {
        let both = || ["0196", "0197"].map(str::to_owned).into();
        Restored {
            login: Ok(201),
            later_login: Ok(401),
            before: both(),
            after: both(),
            same: both(),
            brief: "0198".into(),
            brief_answer: Ok(410),
            brief_swept: true,
            new: "0199".into(),
            works: Ok(()),
            agreement: Agreement { rows: 3, objects: 3, ..Agreement::default() },
        }
    }

    #[test]
    fn a_backup_that_brought_back_what_was_there_passes() {
        for judge in [accounts, outputs, expired] {
            assert!(matches!(judge(&green()), Finding::Pass(_)), "{:?}", judge(&green()));
        }
    }

    #[rstest]
    #[case::account_lost(accounts, |seen: &mut Restored| seen.login = Ok(401))]
    #[case::later_account_kept(accounts, |seen: &mut Restored| seen.later_login = Ok(201))]
    #[case::output_lost(outputs, |seen: &mut Restored| { seen.after.remove("0196"); })]
    #[case::other_bytes(outputs, |seen: &mut Restored| { seen.same.remove("0196"); })]
    #[case::later_output_kept(outputs, |seen: &mut Restored| { seen.after.insert("0199".into()); })]
    #[case::broken_afterwards(outputs, |seen: &mut Restored| seen.works = Err("500".into()))]
    #[case::expired_served(expired, |seen: &mut Restored| seen.brief_answer = Ok(200))]
    #[case::expired_listed(expired, |seen: &mut Restored| { seen.after.insert("0198".into()); })]
    #[case::expired_object(expired, |seen: &mut Restored| seen.brief_swept = false)]
    fn what_a_backup_does_wrong_fails(
        #[case] judge: fn(&Restored) -> Finding,
        #[case] wrong: fn(&mut Restored),
    ) {
        let mut seen = green();
        wrong(&mut seen);
        assert!(matches!(judge(&seen), Finding::Fail(..)), "{:?}", judge(&seen));
    }
}
