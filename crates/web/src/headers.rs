//! Headers of every answer, and of every form: what a browser may do with our pages, and whose forms we take.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service::Problem;

use crate::state::WebState;

/// Nothing from elsewhere, nothing inline, no frame around us; a photo that was chosen is shown from memory
/// (`blob:`).
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The middleware around everything. The proxy adds what is its business (HSTS and what holds for all services).
pub(crate) async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Pages show what is somebody's own, and a token; after logging out, the back button must not show them.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The middleware before every form: refuses what a browser says that another site has sent. The forms' tokens
/// would too; this does not depend on them.
pub(crate) async fn refuse_foreign_forms(
    State(state): State<WebState>,
    request: Request,
    next: Next,
) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe && is_foreign(request.headers(), state.config.public_origin.as_str()) {
        let detail = "This form was sent by another site. Nothing was done.";
        return Problem::new(StatusCode::FORBIDDEN, detail).into_response();
    }
    next.run(request).await
}

/// Programs that are no browsers send neither header; old browsers at least the first.
fn is_foreign(headers: &HeaderMap, public_origin: &str) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).into_iter();
    let mut sites = headers.get_all("sec-fetch-site").into_iter();
    origins.any(|origin| origin.as_bytes() != public_origin.as_bytes())
        || sites.any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};
    use rstest::rstest;

    use super::is_foreign;

    #[rstest]
    #[case::no_browser(&[], false)]
    #[case::our_page(&[("origin", "https://ours.example:8443"), ("sec-fetch-site", "same-origin")], false)]
    #[case::typed_by_the_person(&[("sec-fetch-site", "none")], false)]
    #[case::other_site(&[("origin", "https://evil.example")], true)]
    #[case::other_port(&[("origin", "https://ours.example")], true)]
    #[case::other_scheme(&[("origin", "http://ours.example:8443")], true)]
    #[case::longer_name(&[("origin", "https://ours.example:8443.evil.example")], true)]
    #[case::sandboxed_frame(&[("origin", "null")], true)]
    #[case::two_origins(&[("origin", "https://ours.example:8443"), ("origin", "https://evil.example")], true)]
    #[case::no_origin_but_cross_site(&[("sec-fetch-site", "cross-site")], true)]
    #[case::neighbour(&[("sec-fetch-site", "same-site")], true)]
    fn form_of_another_site_is_told_from_ours(#[case] headers: &[(&str, &str)], #[case] foreign: bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(is_foreign(&map, "https://ours.example:8443"), foreign);
    }
}
