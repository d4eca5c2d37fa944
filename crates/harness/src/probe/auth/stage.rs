//! Where the trials of `auth.*` take place: who is there, by which door, and what was written down.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::json;

use crate::{
    observation::{AuthRole, AuthRow, Seen},
    probe::{
        http::{Answer, Client, Exchange},
        person::Person,
        visitor::Visitor,
    },
    running::RunningStack,
};

/// Requests under way at a time, of one group.
const TOGETHER: usize = 8;

/// The address that session cookies are about.
pub(super) const SESSION: &str = "__Host-session";

/// The address of a person's own account.
pub(super) const ME: &str = "/api/v1/users/me";

/// What all trials of a run share.
pub(super) struct Stage<'a> {
    pub running: &'a RunningStack,
    pub origin: String,
    pub marker: String,
}

impl<'a> Stage<'a> {
    pub(super) fn new(running: &'a RunningStack) -> Seen<Self> {
        let marker = running.plan().run.marker.clone();
        Ok(Self { running, origin: running.public_origin()?, marker })
    }

    /// Somebody's e-mail address in this run.
    pub(super) fn email(&self, name: &str) -> String {
        format!("{name}-auth-{}@example.org", self.marker)
    }

    /// Everybody's password, which is a planted secret.
    pub(super) fn password(&self) -> &str {
        self.running.password().reveal()
    }

    /// A client at an address of its own, so that trials do not use up each other's limits.
    pub(super) async fn client(&self, relay: u8) -> Seen<Client> {
        self.running.another_client(relay).await
    }

    /// Somebody who signed up and logged in by the api.
    pub(super) async fn person(&self, client: &Client, name: &str) -> Seen<Person> {
        let mut person = Person::new(client, &self.email(name), self.password());
        need(&person.sign_up(name).await, 201)?;
        need(&person.log_in(name, None).await, 201)?;
        Ok(person)
    }

    /// Another session of somebody, with what else there is to say about it, such as `idle_seconds`.
    pub(super) async fn session(&self, person: &Person, name: &str, more: &[(&str, u64)]) -> Seen<Person> {
        let mut body = json!({ "email": self.email(name), "password": self.password() });
        for (key, value) in more {
            body[*key] = (*value).into();
        }
        let opened = person.with_token(None).json(name, "/api/v1/sessions", &body).await;
        need(&opened, 201)?;
        let token = opened.answer.ok().and_then(|answer| answer.text("/token"));
        Ok(person.with_token(Some(&token.ok_or("log-in gave no token")?)))
    }

    /// Somebody with an account who logged in by web's form.
    pub(super) async fn visitor(&self, client: &Client, name: &str) -> Seen<Visitor> {
        let mut visitor = Visitor::new(client, &self.origin);
        self.log_in(&mut visitor, name, self.password()).await?;
        Ok(visitor)
    }

    /// Logs a visitor in by web's form.
    pub(super) async fn log_in(&self, visitor: &mut Visitor, name: &str, password: &str) -> Seen<Exchange> {
        let form = visitor.form("/log-in", "log-in-form").await?;
        let form = form.with("email", self.email(name)).with("password", password);
        let exchange = visitor.submit("log-in", &form).await;
        let came_in = exchange.answer.as_ref().is_ok_and(|answer| answer.status == 303);
        if came_in && visitor.cookie(SESSION).is_some() {
            return Ok(exchange);
        }
        Err(format!("web's log-in answered {} and gave no session", exchange.outcome()))
    }
}

/// An exchange that must have gone a certain way for the story to go on.
pub(super) fn need(exchange: &Exchange, status: u16) -> Seen<()> {
    match exchange.status() {
        Some(found) if found == status => Ok(()),
        _ => Err(format!("{} ({}) answered {}", exchange.request, exchange.step, exchange.outcome())),
    }
}

/// Rows, by group.
#[derive(Debug, Default)]
pub(super) struct Groups(pub BTreeMap<String, Vec<AuthRow>>);

impl Groups {
    fn push(&mut self, group: &str, role: AuthRole, tried: impl Into<String>, exchange: Exchange) {
        let row = AuthRow { role, tried: tried.into(), answer: exchange.answer, shown: Vec::new() };
        self.row(group, row);
    }

    /// Keeps a row.
    pub(super) fn row(&mut self, group: &str, row: AuthRow) {
        self.0.entry(group.into()).or_default().push(row);
    }

    /// Keeps what the check is about.
    pub(super) fn trial(&mut self, group: &str, tried: impl Into<String>, exchange: Exchange) {
        self.push(group, AuthRole::Trial, tried, exchange);
    }

    /// Keeps what must go through, or nothing can be told.
    pub(super) fn control(&mut self, group: &str, tried: impl Into<String>, exchange: Exchange) {
        self.push(group, AuthRole::Control, tried, exchange);
    }

    /// Keeps what must go through in spite of the trials.
    pub(super) fn kept(&mut self, group: &str, tried: impl Into<String>, exchange: Exchange) {
        self.push(group, AuthRole::Kept, tried, exchange);
    }

    /// Takes over the rows of others.
    pub(super) fn extend(&mut self, others: Self) {
        for (group, rows) in others.0 {
            self.0.entry(group).or_default().extend(rows);
        }
    }
}

/// Makes trials, some at a time, and keeps them in order.
pub(super) async fn together<T>(trials: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(trials).buffered(TOGETHER).collect().await
}

/// What gives somebody away in an answer, each under a name that may be told.
#[derive(Clone, Debug, Default)]
pub(super) struct Needles(pub Vec<(&'static str, String)>);

impl Needles {
    /// What is shown of it, beyond what was said in the request itself.
    pub(super) fn shown(&self, answer: &Result<Answer, String>, sent: &str) -> Vec<String> {
        let Ok(answer) = answer else { return Vec::new() };
        let lines = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
        let text = lines.collect::<String>() + String::from_utf8_lossy(&answer.body).as_ref();
        let said = sent.to_ascii_lowercase();
        let needles = self.0.iter().filter(|(_, needle)| !said.contains(&needle.to_ascii_lowercase()));
        let found = needles.filter(|(_, needle)| text.contains(needle.as_str()));
        let mut shown: Vec<String> = found.map(|(name, _)| (*name).to_owned()).collect();
        if [&b"\xff\xd8\xff"[..], b"\x89PNG", b"RIFF"].iter().any(|magic| answer.body.starts_with(magic)) {
            shown.push("a picture".into());
        }
        shown
    }

    /// The row of an exchange, with what it shows.
    pub(super) fn row(&self, role: AuthRole, tried: String, exchange: Exchange, sent: &str) -> AuthRow {
        let shown = self.shown(&exchange.answer, sent);
        AuthRow { role, tried, answer: exchange.answer, shown }
    }
}

/// All methods that are tried.
pub(super) const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_in_the_request_gives_nobody_away() {
        let needles = Needles(vec![("the image's id", "0190-ab".into()), ("the address", "a@b".into())]);
        let answer = Ok(Answer { body: "no 0190-ab of a@b here".into(), ..Answer::default() });
        assert_eq!(needles.shown(&answer, "GET /images/0190-AB"), ["the address"]);
        assert_eq!(needles.shown(&answer, "GET /images"), ["the image's id", "the address"]);
        let picture = Ok(Answer { body: (&b"\xff\xd8\xff\xe0"[..]).into(), ..Answer::default() });
        assert_eq!(needles.shown(&picture, ""), ["a picture"]);
    }
}
