//! `auth.*`: who may do what, and what gives it away.

mod cookies;
mod rules;
mod secrets;

use stack::Stack;

use super::{Check, Finding, Subject};
use crate::observation::{Auth, AuthRole, AuthRow, Observations, Seen};

use rules::Rule;

/// At most so many rows are told of; the number of all of them is.
const TOLD: usize = 3;

/// A check over a group of rows: each trial must keep the rule.
struct Claim {
    /// The check's id without `auth.`, and the group's name.
    group: &'static str,
    /// What is claimed, as a sentence.
    told: &'static str,
    expected: &'static str,
    rule: Rule,
}

const fn claim(group: &'static str, told: &'static str, expected: &'static str, rule: Rule) -> Claim {
    Claim { group, told, expected, rule }
}

/// One line per claim. The groups are filled by the probe; a claim without its group is unknown.
const CLAIMS: &[Claim] = &[
    claim(
        "matrix.owner",
        "The owner gets through to each object, in the api and in the pages",
        "2xx, or a redirect that is not to the log-in",
        rules::open,
    ),
    claim(
        "matrix.anonymous.api",
        "Nobody without a session gets anything of a person from the api, by no method and no spelling of the path",
        "3xx or 4xx that show nothing",
        rules::closed,
    ),
    claim(
        "matrix.anonymous.web",
        "Nobody without a session gets anything of a person from the pages, by no method and no spelling of the path",
        "3xx or 4xx that show nothing",
        rules::closed,
    ),
    claim(
        "matrix.other.api",
        "Another person gets nothing of somebody's from the api, by no method and no spelling of the path",
        "3xx or 4xx that show nothing",
        rules::closed,
    ),
    claim(
        "matrix.other.web",
        "Another person gets nothing of somebody's from the pages, by no method and no spelling of the path",
        "3xx or 4xx that show nothing",
        rules::closed,
    ),
    claim(
        "matrix.others_own",
        "Another person's own lists and pages show nothing of somebody else",
        "nothing of the other",
        rules::shows_nothing,
    ),
    claim(
        "matrix.unharmed",
        "After all that was tried, the owner's objects and sessions are as they were",
        "the same answers as before",
        rules::open,
    ),
    claim(
        "status.anonymous",
        "Without a session, every operation that needs one says so by its status",
        "401 with WWW-Authenticate: Bearer from the api, a redirect to the log-in from web",
        rules::needs_session,
    ),
    claim("status.other", "What is another person's looks as if it were not there", "404", rules::absent),
    claim(
        "token.forged",
        "A token that nobody gave out is refused",
        "401 with WWW-Authenticate: Bearer",
        rules::unauthorised,
    ),
    claim(
        "token.altered",
        "A token of which one character was changed is refused",
        "401 with WWW-Authenticate: Bearer",
        rules::unauthorised,
    ),
    claim(
        "token.truncated",
        "A part of a token is refused",
        "401 with WWW-Authenticate: Bearer",
        rules::unauthorised,
    ),
    claim(
        "token.oversized",
        "A token with more behind it is refused",
        "401 with WWW-Authenticate: Bearer",
        rules::unauthorised,
    ),
    claim(
        "token.other_scheme",
        "A token under another scheme than Bearer is refused",
        "401 with WWW-Authenticate: Bearer",
        rules::unauthorised,
    ),
    claim(
        "token.in_query",
        "A token in a query, where logs and histories keep it, is refused",
        "401 with WWW-Authenticate: Bearer",
        rules::unauthorised,
    ),
    claim(
        "token.in_cookie",
        "The api takes no token from a cookie, which browsers send unasked",
        "401 with WWW-Authenticate: Bearer",
        rules::unauthorised,
    ),
    claim(
        "token.case",
        "A token in other letters' case is refused",
        "401 with WWW-Authenticate: Bearer",
        rules::unauthorised,
    ),
    claim(
        "token.empty",
        "An empty token is refused",
        "401 with WWW-Authenticate: Bearer",
        rules::unauthorised,
    ),
    claim(
        "token.duplicated",
        "Two tokens at once are refused, for each reader might take another one",
        "400, or 401 with WWW-Authenticate: Bearer",
        rules::ambiguous,
    ),
    claim(
        "headers.anonymous",
        "No header stands for a session: not who somebody is said to be, nor where a request is said to go",
        "401 with WWW-Authenticate: Bearer from the api, a redirect to the log-in from web",
        rules::needs_session,
    ),
    claim(
        "headers.other",
        "No header makes another person, method, path or host of a request",
        "200 that shows nothing of the other",
        rules::own,
    ),
    claim(
        "session.revoked",
        "A session is over once somebody has logged out of it, for the api and for the pages",
        "401 from the api, a redirect to the log-in from web",
        rules::needs_session,
    ),
    claim(
        "session.expired",
        "A session is over when its time is up, however much it is used",
        "401 with WWW-Authenticate: Bearer",
        rules::unauthorised,
    ),
    claim(
        "session.idle",
        "A session lives while it is used, and is over when it was not for its idle time",
        "200 while used, 401 afterwards",
        rules::unauthorised,
    ),
    claim(
        "session.everywhere",
        "Logging out everywhere ends every session of the person",
        "401 from the api, a redirect to the log-in from web",
        rules::needs_session,
    ),
    claim(
        "session.password_change",
        "A new password ends all other sessions and the old password, and keeps the session it was made in",
        "401 from the api, a redirect to the log-in from web; 200 for the session itself",
        rules::needs_session,
    ),
    claim(
        "session.fixation",
        "Logging in gives a session that nobody can have known before",
        "another cookie than there was, and the one there was opens nothing",
        rules::needs_session,
    ),
    claim(
        "csrf.token",
        "No form is taken without its token, or with a changed one, and nothing happens",
        "403",
        rules::forbidden,
    ),
    claim(
        "csrf.origin",
        "No form is taken that another site sent, even with its token, and nothing happens",
        "403",
        rules::forbidden,
    ),
    claim(
        "csrf.login",
        "Nobody is logged in or signed up by a form that was not shown to them",
        "403, and no session",
        rules::forbidden_without_session,
    ),
    claim(
        "csrf.cross_account",
        "No form is taken with another person's token, and nothing happens",
        "403",
        rules::forbidden,
    ),
    claim(
        "next",
        "After logging in, nobody is sent to where a link's maker wants them",
        "a redirect within our own origin",
        rules::stays,
    ),
    claim(
        "hostile.pages",
        "Whatever is written into a form is refused or taken as text, and never becomes part of a page",
        "below 500, and nothing unescaped",
        rules::text,
    ),
    claim(
        "hostile.api",
        "Whatever is written into the api's fields is refused or taken as text",
        "below 500, and JSON",
        rules::text,
    ),
    claim(
        "back.no_store",
        "No cache keeps a page of somebody's, so that the back button shows nothing after logging out",
        "Cache-Control: no-store",
        rules::not_stored,
    ),
    claim(
        "back.log_out",
        "After logging out, a repeat of any request shows nothing of the person",
        "a redirect to the log-in",
        rules::needs_session,
    ),
];

pub(super) fn checks(stack: &Stack) -> Vec<Check> {
    let origin = stack.services.values().find_map(|service| service.environment.get("PUBLIC_ORIGIN"));
    let origin = origin.cloned().unwrap_or_default();
    let of_rows = CLAIMS.iter().map(|claim| {
        let (group, rule, origin) = (claim.group, claim.rule, origin.clone());
        Check::new(format!("auth.{group}"), Subject::Auth, claim.told, claim.expected, move |seen| {
            with(seen, |auth| match auth.groups.get(group) {
                Some(Ok(rows)) => judge(rows, |row| rule(row, &origin)),
                Some(Err(why)) => Finding::Unknown(why.clone()),
                None => Finding::Unknown("it was not tried".into()),
            })
        })
    });
    of_rows.chain(cookies::checks()).chain(secrets::checks()).collect()
}

/// The names of the groups that the checks are about.
#[cfg(test)]
pub(super) fn groups() -> impl Iterator<Item = &'static str> {
    CLAIMS.iter().map(|claim| claim.group)
}

fn with(seen: &Observations, judge: impl FnOnce(&Auth) -> Finding) -> Finding {
    match &seen.auth.seen {
        Ok(auth) => judge(auth),
        Err(why) => Finding::Unknown(why.clone()),
    }
}

fn part<T>(seen: Option<&Seen<T>>, judge: impl FnOnce(&T) -> Finding) -> Finding {
    match seen {
        Some(Ok(part)) => judge(part),
        Some(Err(why)) => Finding::Unknown(why.clone()),
        None => Finding::Unknown("it was not tried".into()),
    }
}

/// Holds every trial against the rule, if the controls went through.
fn judge(rows: &[AuthRow], rule: impl Fn(&AuthRow) -> Result<(), String>) -> Finding {
    let (mut wrong, mut untold, mut trials) = (Vec::new(), Vec::new(), 0);
    for row in rows {
        trials += usize::from(row.role != AuthRole::Control);
        let told = |what: &str| format!("{}: {what}", row.tried);
        match (rules::answered(row), row.role) {
            (Err(why), _) => untold.push(told(&why)),
            (Ok(_), AuthRole::Control) => {
                untold.extend(
                    rules::open(row, "").err().map(|why| told(&format!("{why}, and must go through"))),
                );
            }
            (Ok(_), AuthRole::Kept) => wrong.extend(rules::open(row, "").err().map(|why| told(&why))),
            (Ok(_), AuthRole::Trial) => wrong.extend(rule(row).err().map(|why| told(&why))),
        }
    }
    if !wrong.is_empty() {
        return Finding::Fail(shortened(&wrong, trials), None);
    }
    if !untold.is_empty() {
        return Finding::Unknown(shortened(&untold, rows.len()));
    }
    if trials == 0 {
        return Finding::Unknown("nothing was tried".into());
    }
    Finding::Pass(format!("all of {trials} trials"))
}

fn shortened(told: &[String], of: usize) -> String {
    let more = if told.len() > TOLD { "; …" } else { "" };
    format!("{} of {of}: {}{more}", told.len(), told[..told.len().min(TOLD)].join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::http::Answer;

    fn row(role: AuthRole, status: u16) -> AuthRow {
        let answer = Answer { status, ..Answer::default() };
        AuthRow { role, tried: "GET /x".into(), answer: Ok(answer), shown: Vec::new() }
    }

    fn judged(rows: &[AuthRow]) -> Finding {
        judge(rows, |row| rules::absent(row, ""))
    }

    #[test]
    fn trials_tell_nothing_when_the_control_does_not_go_through() {
        let rows = [row(AuthRole::Control, 500), row(AuthRole::Trial, 404)];
        assert!(matches!(judged(&rows), Finding::Unknown(_)));
    }

    #[test]
    fn a_limit_that_was_hit_is_no_refusal() {
        assert!(matches!(judged(&[row(AuthRole::Trial, 429)]), Finding::Unknown(_)));
        assert!(matches!(judged(&[row(AuthRole::Trial, 503)]), Finding::Unknown(_)));
    }

    #[test]
    fn what_was_not_tried_does_not_pass() {
        assert!(matches!(judged(&[]), Finding::Unknown(_)));
        assert!(matches!(judged(&[row(AuthRole::Control, 200)]), Finding::Unknown(_)));
    }

    #[test]
    fn a_failure_names_the_row_and_what_it_answered() {
        let Finding::Fail(seen, _) = judged(&[row(AuthRole::Trial, 404), row(AuthRole::Trial, 200)]) else {
            panic!("passed");
        };
        assert_eq!(seen, "1 of 2: GET /x: answered 200");
    }

    #[test]
    fn what_must_be_kept_and_is_lost_is_a_failure() {
        let rows = [row(AuthRole::Kept, 401), row(AuthRole::Trial, 404)];
        assert!(matches!(judged(&rows), Finding::Fail(..)));
    }
}
