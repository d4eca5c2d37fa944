//! A person who uses the product through the proxy: signs up, logs in, uploads, looks, deletes.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, multipart::Form, multipart::Part};
use serde_json::{Value, json};

use super::http::{Client, Exchange};
use crate::{
    observation::Story,
    poll::{self, Attempt},
};

/// A job is done within this, or something is wrong.
const JOB_WITHIN: Duration = Duration::from_secs(30);
/// Between looks at a job: three jobs that never end stay within what an account may ask in a minute.
const JOB_INTERVAL: Duration = Duration::from_millis(250);

/// Someone at the entrance, perhaps with a session.
#[derive(Clone, Debug)]
pub struct Person {
    client: Client,
    email: String,
    password: String,
    token: Option<String>,
}

impl Person {
    /// Someone with an e-mail address and a password, and no account yet.
    pub fn new(client: &Client, email: &str, password: &str) -> Self {
        Self { client: client.clone(), email: email.into(), password: password.into(), token: None }
    }

    /// The same person with this bearer token instead.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// The session's token, once logged in.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Creates the account.
    pub async fn sign_up(&self, step: &str) -> Exchange {
        self.json(step, "/api/v1/users", &self.credentials(None)).await
    }

    /// Opens a session and keeps its token; `ttl` shortens it.
    pub async fn log_in(&mut self, step: &str, ttl: Option<u64>) -> Exchange {
        let exchange = self.json(step, "/api/v1/sessions", &self.credentials(ttl)).await;
        self.token = exchange.answer.as_ref().ok().and_then(|answer| answer.text("/token"));
        exchange
    }

    /// Uploads a file.
    pub async fn upload(
        &self,
        step: &str,
        photo: &[u8],
        effect: &str,
        ttl_seconds: Option<&str>,
    ) -> Exchange {
        self.upload_named(step, "portrait.jpg", photo, effect, ttl_seconds).await
    }

    /// Uploads a file that has this name.
    pub async fn upload_named(
        &self,
        step: &str,
        name: &str,
        photo: &[u8],
        effect: &str,
        ttl_seconds: Option<&str>,
    ) -> Exchange {
        let mut form = Form::new().text("effect", effect.to_owned());
        if let Some(ttl) = ttl_seconds {
            form = form.text("ttl_seconds", ttl.to_owned());
        }
        let part = Part::bytes(photo.to_vec()).file_name(name.to_owned());
        let part = part.mime_str("image/jpeg").unwrap_or_else(|_| Part::bytes(photo.to_vec()));
        let form = form.part("image", part);
        self.request(step, Method::POST, "/api/v1/images", |request| request.multipart(form)).await
    }

    /// Posts JSON.
    pub async fn json(&self, step: &str, path: &str, body: &Value) -> Exchange {
        self.request(step, Method::POST, path, |request| request.json(body)).await
    }

    /// Gets a path.
    pub async fn get(&self, step: &str, path: &str) -> Exchange {
        self.request(step, Method::GET, path, |request| request).await
    }

    /// Deletes a path.
    pub async fn delete(&self, step: &str, path: &str) -> Exchange {
        self.request(step, Method::DELETE, path, |request| request).await
    }

    /// Any request, with the session's token where there is one.
    pub async fn request(
        &self,
        step: &str,
        method: Method,
        path: &str,
        shape: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Exchange {
        let token = self.token.clone();
        let with_token = |request: RequestBuilder| match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        self.client.send(step, method, path, |request| shape(with_token(request))).await
    }

    /// Waits until a job is done or failed, and returns the exchange that said so, or the last one when time was up.
    pub async fn job_ended(&self, step: &str, job: &str) -> Exchange {
        let path = format!("/api/v1/jobs/{job}");
        let ended = poll::until_every(JOB_INTERVAL, JOB_WITHIN, || async {
            let exchange = self.get(step, &path).await;
            let state = exchange.answer.as_ref().ok().and_then(|answer| answer.text("/state"));
            match state.as_deref() {
                Some("done" | "failed") => Attempt::Ready(exchange),
                Some(other) => Attempt::NotYet(format!("job is {other}")),
                None => Attempt::NotYet(format!("{} answered {}", exchange.request, exchange.outcome())),
            }
        });
        match ended.await {
            Ok(exchange) => exchange,
            Err(_) => self.get(step, &path).await,
        }
    }

    fn credentials(&self, ttl: Option<u64>) -> Value {
        let mut body = json!({ "email": self.email, "password": self.password });
        if let Some(ttl) = ttl {
            body["ttl_seconds"] = ttl.into();
        }
        body
    }
}

impl Story {
    /// Keeps a step and hands it on.
    pub fn keep(&mut self, exchange: Exchange) -> Exchange {
        self.steps.insert(exchange.step.clone(), exchange.clone());
        exchange
    }

    /// A text field of a step's answer; the story cannot go on without it.
    pub fn need(&self, step: &str, pointer: &str) -> Result<String, String> {
        let exchange = self.steps.get(step).ok_or_else(|| format!("step `{step}` was not reached"))?;
        let found = exchange.answer.as_ref().ok().and_then(|answer| answer.text(pointer));
        found.ok_or_else(|| format!("step `{step}` answered {} without {pointer}", exchange.outcome()))
    }

    /// Leaves a step or a fact out, with the reason.
    pub fn leave_out(&mut self, name: &str, why: &str) {
        self.left_out.insert(name.into(), why.into());
    }

    /// Keeps a fact with what was seen.
    pub fn fact(&mut self, name: &str, holds: bool, seen: impl Into<String>) {
        self.facts.insert(name.into(), (holds, seen.into()));
    }

    /// Takes in all of a part that was told for itself. Of several that broke off, the first is told.
    pub fn take_in(&mut self, part: Self) {
        self.steps.extend(part.steps);
        self.facts.extend(part.facts);
        self.left_out.extend(part.left_out);
        self.broken = self.broken.take().or(part.broken);
    }
}
