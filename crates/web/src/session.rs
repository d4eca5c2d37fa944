//! The session's cookie, seen from outside the handlers: it is cleared when it is worth nothing, and whoever needs
//! one is led to the log-in page and back.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use service::Problem;
use service::http::RequestId;

use crate::cookie::{self, Sent};
use crate::destination::Destination;
use crate::error::{NotSignedIn, to_json, wants_json};
use crate::notice::Notice;

/// The middleware.
pub(crate) async fn lead_to_log_in(request: Request, next: Next) -> Response {
    let sent = cookie::sent(request.headers(), cookie::SESSION);
    let asked = Asked {
        had_session: sent != Sent::Nothing,
        is_post: request.method() == Method::POST,
        wants_json: wants_json(request.headers()),
        path: request.uri().path().to_owned(),
        request_id: request.extensions().get::<RequestId>().cloned(),
    };
    let mut response = next.run(request).await;
    let refused = response.extensions_mut().remove::<NotSignedIn>().is_some();
    if refused {
        response = asked.answer();
    }
    if (refused && asked.had_session || sent == Sent::Garbage) && !sets_session(&response) {
        response.headers_mut().append(header::SET_COOKIE, cookie::no_session());
    }
    response
}

/// What decides where somebody is led who is not signed in.
struct Asked {
    had_session: bool,
    is_post: bool,
    wants_json: bool,
    path: String,
    request_id: Option<RequestId>,
}

impl Asked {
    fn answer(&self) -> Response {
        let (address, notice) = (self.log_in_address(), self.notice());
        if self.wants_json {
            let problem = Problem::new(StatusCode::UNAUTHORIZED, notice.text());
            let mut document = to_json(&problem, self.request_id.as_ref().map_or("", RequestId::as_str));
            document["next"] = address.into();
            return (StatusCode::UNAUTHORIZED, Json(document)).into_response();
        }
        Redirect::to(&address).into_response()
    }

    fn notice(&self) -> Notice {
        match (self.is_post, self.path.as_str()) {
            (true, "/gallery") => Notice::PhotoNotKept,
            // The cookie ends with the session, so a form without one was opened in a session that is over.
            (true, _) => Notice::SessionOver,
            (false, _) if self.had_session => Notice::SessionOver,
            (false, _) => Notice::LogInFirst,
        }
    }

    fn log_in_address(&self) -> String {
        let notice = self.notice().word();
        match Destination::behind(&self.path) {
            Some(destination) => format!("/log-in?next={destination}&notice={notice}"),
            None => format!("/log-in?notice={notice}"),
        }
    }
}

fn sets_session(response: &Response) -> bool {
    let is_session = |value: &HeaderValue| value.as_bytes().starts_with(b"__Host-session=");
    response.headers().get_all(header::SET_COOKIE).into_iter().any(is_session)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Asked;

    #[rstest]
    #[case::opened_a_link(false, false, "/gallery", "/log-in?next=/gallery&notice=log-in-first")]
    #[case::came_back_later(true, false, "/account", "/log-in?next=/account&notice=session-over")]
    #[case::sent_a_photo(true, true, "/gallery", "/log-in?next=/gallery&notice=photo-not-kept")]
    #[case::browser_forgot_the_cookie(false, true, "/gallery", "/log-in?next=/gallery&notice=photo-not-kept")]
    #[case::sent_a_form(true, true, "/account/password", "/log-in?next=/account&notice=session-over")]
    #[case::logged_out_twice(false, true, "/log-out", "/log-in?notice=session-over")]
    #[case::hostile_path(false, false, "//evil.example/gallery", "/log-in?notice=log-in-first")]
    fn whoever_is_not_signed_in_is_led_to_the_log_in_page_and_back(
        #[case] had_session: bool,
        #[case] is_post: bool,
        #[case] path: &str,
        #[case] address: &str,
    ) {
        let path = path.to_owned();
        let asked = Asked { had_session, is_post, wants_json: false, path, request_id: None };
        assert_eq!(asked.log_in_address(), address);
    }
}
