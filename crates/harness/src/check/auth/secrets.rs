//! What log-in gives away about who has an account, and how passwords are stored.

use super::{Check, Finding, Subject, part, with};
use crate::observation::{Difference, Measured, StoredHash, Told, Twins, difference};

/// The least memory in KiB, and the least memory times passes, of Argon2id: the weakest of the settings that OWASP's
/// Password Storage Cheat Sheet takes for equally strong has 7 MiB and 5 passes.
const LEAST_MEMORY: u64 = 7 * 1024;
const LEAST_WORK: u64 = 35 * 1024;

pub(super) fn checks() -> Vec<Check> {
    let answer = |door: &'static str, name: &str| {
        let claim = format!("Log-in answers an unknown user as it answers a wrong password, {name}");
        let id = format!("auth.enumeration.answer.{door}");
        Check::new(id, Subject::Auth, claim, "the same status, headers and body", move |seen| {
            with(seen, |auth| part(auth.answers.get(door), same))
        })
    };
    let time = |door: &'static str, name: &str| {
        let claim = format!("Log-in takes as long for an unknown user as for a wrong password, {name}");
        let id = format!("auth.enumeration.time.{door}");
        Check::new(id, Subject::Auth, claim, "medians that differ by less than a third", move |seen| {
            with(seen, |auth| part(auth.times.get(door), |pairs| judged(difference(pairs), pairs.len())))
        })
    };
    vec![
        answer("api", "in the api"),
        answer("web", "in web's form"),
        time("api", "in the api"),
        time("web", "in web's form"),
        Check::new(
            "auth.password.hash",
            Subject::Auth,
            "A stored password is worth nothing to who reads it: hashed slowly, each with a salt of its own",
            "argon2id with at least 7 MiB, and 35 MiB times passes",
            |seen| with(seen, |auth| part(auth.hashes.as_ref(), |hashes| stored(hashes))),
        ),
    ]
}

fn same(twins: &Twins) -> Finding {
    let (unknown, wrong) = (&twins.unknown_user, &twins.wrong_password);
    if (200..400).contains(&wrong.status) {
        return Finding::Unknown(format!("a wrong password was answered {}, no refusal", wrong.status));
    }
    match differs(unknown, wrong) {
        None => Finding::Pass(format!("{} both times", wrong.status)),
        Some(what) => Finding::Fail(what, None),
    }
}

fn differs(unknown: &Told, wrong: &Told) -> Option<String> {
    if unknown.status != wrong.status {
        return Some(format!("{} to an unknown user, {} to a wrong password", unknown.status, wrong.status));
    }
    let odd = unknown.headers.iter().find(|header| !wrong.headers.contains(header));
    let odd = odd.or_else(|| wrong.headers.iter().find(|header| !unknown.headers.contains(header)));
    if let Some((name, _)) = odd {
        return Some(format!("both are answered {}, with different `{name}`", wrong.status));
    }
    let both = unknown.body.chars().zip(wrong.body.chars());
    let at = both.take_while(|(one, other)| one == other).count();
    (unknown.body != wrong.body).then(|| {
        let rest = |told: &Told| told.body.chars().skip(at.saturating_sub(10)).take(40).collect::<String>();
        format!(
            "the bodies differ: `{}` to an unknown user, `{}` to a wrong password",
            rest(unknown),
            rest(wrong)
        )
    })
}

fn judged(difference: Difference, pairs: usize) -> Finding {
    let told = |measured: &Measured| {
        format!(
            "a wrong password takes {:.0} ms, {:+.1} ms ± {:.1} ms against an unknown user, over {pairs} pairs",
            measured.usual_ms, measured.difference_ms, measured.give_or_take_ms
        )
    };
    match difference {
        Difference::None(measured) => Finding::Pass(told(&measured)),
        Difference::Some(measured) => Finding::Fail(told(&measured), None),
        Difference::Unclear(measured) => {
            Finding::Unknown(format!("the times spread too widely: {}", told(&measured)))
        }
    }
}

fn stored(hashes: &[StoredHash]) -> Finding {
    if hashes.is_empty() {
        return Finding::Unknown("no account of the run is in the database".into());
    }
    for hash in hashes {
        let told = hash.parts.join(" $ ");
        if hash.holds_password {
            return Finding::Fail("a password is stored as it is".into(), None);
        }
        if hash.shared {
            return Finding::Fail(format!("two accounts with one password have the same hash: {told}"), None);
        }
        if !is_strong(&hash.parts) {
            return Finding::Fail(told, None);
        }
    }
    Finding::Pass(format!("{} hashes such as {}", hashes.len(), hashes[0].parts.join(" $ ")))
}

/// `argon2id`, `v=19`, `m=19456,t=2,p=1`.
fn is_strong(parts: &[String]) -> bool {
    let parameter = |name: &str| -> Option<u64> {
        let value = parts.last()?.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        value?.parse().ok()
    };
    let (memory, passes) = (parameter("m").unwrap_or(0), parameter("t").unwrap_or(0));
    parts.first().map(String::as_str) == Some("argon2id")
        && memory >= LEAST_MEMORY
        && memory.saturating_mul(passes) >= LEAST_WORK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_argon2id_with_enough_work_is_strong() {
        let parts = |text: &str| text.split('$').map(str::to_owned).collect::<Vec<_>>();
        for strong in
            ["argon2id$v=19$m=19456,t=2,p=1", "argon2id$v=19$m=7168,t=5,p=1", "argon2id$v=19$m=65536,t=1,p=4"]
        {
            assert!(is_strong(&parts(strong)), "{strong}");
        }
        for weak in [
            "argon2i$v=19$m=19456,t=2,p=1",
            "argon2id$v=19$m=64,t=900,p=1",
            "argon2id$v=19$m=8192,t=1,p=1",
            "2b$10",
        ] {
            assert!(!is_strong(&parts(weak)), "{weak}");
        }
    }
}
