//! The api, as web talks to it: on behalf of somebody, within bounds, with every failure as a type.

mod calls;
mod failure;
mod photo;
mod views;

use std::time::Duration;

use axum::http::Method;
use reqwest::{Client, RequestBuilder, redirect};
use serde::de::DeserializeOwned;
use service::http::client_address;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

pub(crate) use failure::ApiError;
pub(crate) use photo::{Photo, PhotoSender};
pub(crate) use views::{Image, Job, JobState, Session};

use crate::visitor::{Caller, SignedIn};

/// The api is next door: who has not picked up by then is away.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// For a whole answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// For a photo, which comes as fast as the browser's line is; as long as the api itself waits.
const UPLOAD_WITHIN: Duration = Duration::from_secs(90);

/// Talks to the api. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    url: std::sync::Arc<str>,
}

/// An answer, and when it was given by the clock that gave it: times in it are compared with that one alone.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) body: T,
    at: OffsetDateTime,
}

impl Api {
    /// Opens no connection yet.
    pub(crate) fn new(url: &str) -> reqwest::Result<Self> {
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .build()?;
        Ok(Self { client, url: url.into() })
    }

    /// Whether the api lives; for `/ready`. An error is a few words for an operator.
    pub(crate) async fn probe(&self) -> Result<(), String> {
        let answer = self.client.get(format!("{}/health", self.url)).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("/health answered {}", answer.status().as_u16())),
            Err(error) => Err(failure::reason(&error)),
        }
    }

    /// A request that says for whom it is made. The header replaces whatever the browser sent: the api trusts
    /// exactly this entry.
    fn request(&self, method: Method, path: &str, caller: &Caller) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.url))
            .header(client_address::HEADER, caller.address.ip().to_string())
            .header("x-request-id", caller.request_id.as_str())
    }

    /// The same, with the session of who is signed in. The client marks the token as sensitive, and nothing logs
    /// headers.
    fn signed_in(&self, method: Method, path: &str, user: &SignedIn) -> RequestBuilder {
        self.request(method, path, &user.caller).bearer_auth(user.token.expose())
    }

    /// Reads something; a connection that breaks (a replica that was stopped) gets a second chance.
    async fn get<T: DeserializeOwned>(&self, path: &str, user: &SignedIn) -> Result<Answer<T>, ApiError> {
        let request = self.signed_in(Method::GET, path, user);
        let again = request.try_clone();
        let answer = match (request.send().await, again) {
            (Err(error), Some(again)) if error.is_connect() || error.is_request() && !error.is_timeout() => {
                again.send().await
            }
            (answer, _) => answer,
        };
        read(accepted(answer).await?).await
    }
}

/// The answer, if the api did what it was asked.
async fn accepted(answer: reqwest::Result<reqwest::Response>) -> Result<reqwest::Response, ApiError> {
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(answer),
        Ok(answer) => Err(ApiError::answered(answer).await),
        Err(error) => Err(ApiError::from(error)),
    }
}

async fn read<T: DeserializeOwned>(answer: reqwest::Response) -> Result<Answer<T>, ApiError> {
    let at = date(answer.headers()).unwrap_or_else(OffsetDateTime::now_utc);
    Ok(Answer { body: answer.json().await?, at })
}

/// When the answer says that it was given, to the second.
fn date(headers: &axum::http::HeaderMap) -> Option<OffsetDateTime> {
    let text = headers.get(axum::http::header::DATE)?.to_str().ok()?;
    OffsetDateTime::parse(text, &Rfc2822).ok()
}

impl<T> Answer<T> {
    /// How long it was, when the answer was given, until this moment of the same clock; zero when it is over.
    pub(crate) fn until(&self, moment: OffsetDateTime) -> Duration {
        Duration::try_from(moment - self.at).unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::{HeaderMap, HeaderValue};
    use rstest::rstest;
    use time::OffsetDateTime;

    use super::{Answer, date};

    #[test]
    fn time_left_is_counted_by_the_clock_of_who_answered() {
        let mut headers = HeaderMap::new();
        headers.insert("date", HeaderValue::from_static("Sat, 21 Nov 2026 11:23:24 GMT"));
        let at = date(&headers).unwrap();
        assert_eq!(at.unix_timestamp(), 1_795_260_204);
        let answer = Answer { body: (), at };
        assert_eq!(answer.until(at + Duration::from_secs(90)), Duration::from_secs(90));
        assert_eq!(answer.until(at - Duration::from_secs(1)), Duration::ZERO);
        assert_eq!(answer.until(OffsetDateTime::UNIX_EPOCH), Duration::ZERO);
    }

    #[rstest]
    #[case("yesterday")]
    #[case("")]
    fn date_that_is_none_is_not_believed(#[case] text: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("date", HeaderValue::from_str(text).unwrap());
        assert_eq!(date(&headers), None);
    }
}
