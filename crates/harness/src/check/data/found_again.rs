//! Outputs that were there before something befell the whole stack, and are to be there after it; and one that is not.

use std::collections::btree_set::Difference;

use super::Finding;
use crate::observation::{FoundAgain, Seen};

/// The same outputs as before, byte for byte, and no other.
pub(super) fn same(seen: &Seen<FoundAgain>) -> Finding {
    let seen = match seen {
        Ok(seen) if !seen.before.is_empty() => seen,
        Ok(_) => return Finding::Unknown("there was no output before".into()),
        Err(why) => return Finding::Unknown(why.clone()),
    };
    let told = |(what, ids): (&str, Difference<'_, String>)| {
        let ids: Vec<&str> = ids.filter(|id| **id != seen.ended).map(String::as_str).collect();
        (!ids.is_empty()).then(|| format!("{what}: {}", ids.join(", ")))
    };
    let wrong = [
        ("missing", seen.before.difference(&seen.after)),
        ("not the same bytes", seen.before.difference(&seen.same)),
        ("not of then", seen.after.difference(&seen.before)),
    ];
    let wrong: Vec<String> = wrong.into_iter().filter_map(told).collect();
    if wrong.is_empty() {
        return Finding::Pass(format!("{} outputs", seen.before.len()));
    }
    Finding::Fail(wrong.join("; "), None)
}

/// An output whose life ended meanwhile is gone: told, not listed, swept.
pub(super) fn ended_is_gone(seen: &Seen<FoundAgain>) -> Finding {
    let (seen, answer) = match seen {
        Ok(FoundAgain { ended_answer: Err(why), .. }) | Err(why) => return Finding::Unknown(why.clone()),
        Ok(seen @ FoundAgain { ended_answer: Ok(answer), .. }) => (seen, *answer),
    };
    let is_listed = seen.after.contains(&seen.ended);
    let listed = if is_listed { "listed" } else { "not listed" };
    let gone = match seen.ended_gone_after {
        Some(after) => format!("its object gone {} ms after everybody was back", after.as_millis()),
        None => "its object still there when the grace was over".into(),
    };
    let holds = answer == 410 && !is_listed && seen.ended_gone_after.is_some();
    Finding::judged(holds, format!("{answer}, {listed}, {gone}"))
}
