//! Log-in for somebody without an account and for somebody with another password, one after the other: the answers and the
//! times.

use std::collections::BTreeMap;

use serde_json::json;

use super::stage::{Stage, need};
use crate::{
    html,
    observation::{Difference, Pair, Seen, Told, Twins, difference},
    probe::{
        http::{Answer, Exchange},
        person::Person,
        visitor::{Filled, Visitor},
    },
};

/// At least so many pairs, then more until they tell, up to the most that the limit on log-ins leaves room for.
const FEWEST: usize = 10;
const MOST: usize = 48;

/// Who has an account: several by each door, because attempts for one address are counted together.
const KNOWN: [(&str, [&str; 2]); 2] = [("api", ["tom", "tina"]), ("web", ["tess", "theo"])];

const WRONG: &str = "not the password of anybody";

/// What both doors answered, and how long they took.
pub(super) type Both = (BTreeMap<String, Seen<Twins>>, BTreeMap<String, Seen<Vec<Pair>>>);

/// Tries both doors, one after the other: they share the threads that hash. No session is needed for it.
pub(super) async fn observe(stage: &Stage<'_>) -> Seen<Both> {
    let (mut answers, mut times) = Both::default();
    for (name, known) in KNOWN {
        let (twins, pairs) = match ask(stage, name, known).await {
            Ok((twins, pairs)) => (Ok(twins), Ok(pairs)),
            Err(why) => (Err(why.clone()), Err(why)),
        };
        answers.insert(name.into(), twins);
        times.insert(name.into(), pairs);
    }
    Ok((answers, times))
}

enum Door {
    Api(Person),
    Web(Visitor, Filled),
}

impl Door {
    async fn log_in(&self, stage: &Stage<'_>, email: &str) -> Exchange {
        let step = "enumeration";
        match self {
            Self::Api(person) => {
                person.json(step, "/api/v1/sessions", &json!({ "email": email, "password": WRONG })).await
            }
            Self::Web(visitor, form) => {
                let form = form.clone().with("email", email).with("password", WRONG);
                let own = [("origin", stage.origin.clone()), ("sec-fetch-site", "same-origin".into())];
                visitor.submit_as(step, &form, &own).await
            }
        }
    }
}

async fn ask(stage: &Stage<'_>, door: &str, known: [&str; 2]) -> Seen<(Twins, Vec<Pair>)> {
    // Each door has a client address of its own: attempts of one are counted together, whoever they are for.
    let client = stage.client(if door == "api" { 18 } else { 13 }).await?;
    for name in known {
        let person = Person::new(&client, &stage.email(name), stage.password());
        need(&person.sign_up("enumeration").await, 201)?;
    }
    let door = if door == "api" {
        Door::Api(Person::new(&client, "", ""))
    } else {
        let mut visitor = Visitor::new(&client, &stage.origin);
        let form = visitor.form("/log-in", "log-in-form").await?;
        Door::Web(visitor, form)
    };
    let (mut twins, mut pairs) = (None, Vec::new());
    // The first pair is for the connection and whatever else is made when it is used first.
    for round in 0..=MOST {
        let known = stage.email(known[round % known.len()]);
        let unknown = stage.email(&format!("nobody{round}"));
        // Who comes second may find something warm; so each comes first every other time.
        let (first, second) = if round / 2 % 2 == 0 { (&unknown, &known) } else { (&known, &unknown) };
        let first = door.log_in(stage, first).await;
        let second = door.log_in(stage, second).await;
        let (of_unknown, of_wrong) = if round / 2 % 2 == 0 { (first, second) } else { (second, first) };
        let pair = Pair { unknown_user: of_unknown.duration, wrong_password: of_wrong.duration };
        let (unknown_answer, wrong_answer) = (of_unknown.answer?, of_wrong.answer?);
        if [&unknown_answer, &wrong_answer].iter().any(|answer| matches!(answer.status, 429 | 503)) {
            return Err("log-in answered 429 or 503, which tells nothing".into());
        }
        twins.get_or_insert_with(|| Twins {
            unknown_user: told(&unknown_answer, &unknown),
            wrong_password: told(&wrong_answer, &known),
        });
        if round > 0 {
            pairs.push(pair);
        }
        if pairs.len() >= FEWEST && !matches!(difference(&pairs), Difference::Unclear(_)) {
            break;
        }
    }
    Ok((twins.ok_or("nobody was asked")?, pairs))
}

/// What an answer tells beyond what is told anew each time: dates, ids, tokens, lengths, and the address that was typed.
fn told(answer: &Answer, email: &str) -> Told {
    /// Said anew for each request, or following from what is.
    const ANEW: &[&str] = &["date", "x-request-id", "content-length", "etag"];
    let mut body = String::from_utf8_lossy(&answer.body).into_owned();
    let mut anew = vec![email.to_owned()];
    anew.extend(answer.header("x-request-id").map(str::to_owned));
    let forms = html::read(&body).forms.into_iter();
    let hidden = forms.flat_map(|form| form.fields).filter(|(name, _)| name == "csrf" || name == "nonce");
    anew.extend(hidden.map(|(_, value)| value));
    for value in anew.into_iter().filter(|value| !value.is_empty()) {
        body = body.replace(&value, "…");
    }
    let headers = answer.headers.iter().filter(|(name, _)| !ANEW.contains(&name.as_str()));
    let without_value = |(name, value): &(String, String)| match name.as_str() {
        // Which cookie it is, not its value.
        "set-cookie" => (name.clone(), value.split('=').next().unwrap_or_default().to_owned()),
        _ => (name.clone(), value.clone()),
    };
    let mut headers: Vec<_> = headers.map(without_value).collect();
    headers.sort();
    Told { status: answer.status, headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_anew_each_time_makes_no_difference() {
        let page = |id: &str, token: &str, email: &str| Answer {
            status: 401,
            headers: vec![("x-request-id".into(), id.into()), ("content-type".into(), "text/html".into())],
            body: format!(
                "<p>{id}</p><form><input name=csrf value={token}><input name=email value={email}></form>"
            )
            .into(),
        };
        let one = told(&page("id-0001", "token-1", "tom@example.org"), "tom@example.org");
        let other = told(&page("id-0002", "token-2", "nobody@example.org"), "nobody@example.org");
        assert_eq!(one, other);
        let mut otherwise = page("id-0003", "token-3", "nobody@example.org");
        otherwise.body = "<p>no such user</p>".into();
        assert_ne!(told(&otherwise, "nobody@example.org"), one);
    }
}
