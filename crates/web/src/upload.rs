//! The upload form, read in the order in which our page sends it: the short fields first, so that a photo is
//! passed on while it comes in, and nothing of it is kept here.

use std::time::Duration;

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::StatusCode;
use bytes::Bytes;
use service::Problem;

use crate::api::PhotoSender;
use crate::csrf::Csrf;
use crate::form::not_from_our_page;

/// Boundaries, part headers and short fields around the photo.
pub(crate) const FORM_OVERHEAD_BYTES: usize = 64 * 1024;

/// No short field has a longer value.
const TEXT_MAX_BYTES: usize = 256;

/// A few hundred bytes take no longer, on any line. Until then nobody has said that the session is one: whoever made
/// its cookie up may not hold a place among the uploads for as long as a photo takes.
const BEGINNING_WITHIN: Duration = Duration::from_secs(10);

/// What the person asks for besides the photo. The api judges it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The same form sent twice is one upload.
    pub(crate) nonce: String,
    pub(crate) effect: String,
    /// Empty for the longest.
    pub(crate) ttl_seconds: String,
}

/// Reads everything before the photo, and returns the photo's own field. What was read stays in `asked` when the form
/// is refused, for showing it again.
pub(crate) async fn begin<'a>(
    form: &'a mut Multipart,
    csrf: &Csrf,
    asked: &mut Asked,
) -> Result<Field<'a>, Problem> {
    let begun = tokio::time::timeout(BEGINNING_WITHIN, async {
        read_asked(form, csrf, asked).await?;
        next(form, "image").await
    });
    begun.await.map_err(|_| Problem::of_status(StatusCode::REQUEST_TIMEOUT))?
}

async fn read_asked(form: &mut Multipart, csrf: &Csrf, asked: &mut Asked) -> Result<(), Problem> {
    if !csrf.accepts(&text(form, "csrf").await?) {
        return Err(not_from_our_page());
    }
    let nonce = text(form, "nonce").await?;
    if !is_nonce(&nonce) {
        return Err(malformed("The form is not as our page sends it. Please load the page again."));
    }
    asked.nonce = nonce;
    asked.effect = text(form, "effect").await?;
    asked.ttl_seconds = text(form, "ttl_seconds").await?;
    Ok(())
}

/// As the api takes idempotency keys.
fn is_nonce(nonce: &str) -> bool {
    (8..=64).contains(&nonce.len())
        && nonce.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Passes the photo on until it ends, or until nobody takes it any more: then there is an answer already.
pub(crate) async fn pass_on(
    mut photo: Field<'_>,
    mut sender: PhotoSender,
    max_bytes: usize,
) -> Result<PhotoSender, Problem> {
    let mut seen = 0;
    while let Some(bytes) = chunk(&mut photo).await? {
        seen += bytes.len();
        if seen > max_bytes {
            return Err(too_large(max_bytes));
        }
        if !sender.send(bytes).await {
            return Ok(sender);
        }
    }
    if seen == 0 {
        return Err(Problem::field("image", "is empty; please choose a photo"));
    }
    Ok(sender)
}

/// Makes sure that nothing comes after the photo; only then is it whole.
pub(crate) async fn end(form: &mut Multipart, sender: PhotoSender) -> Result<(), Problem> {
    match form.next_field().await {
        Ok(None) => {
            sender.finish().await;
            Ok(())
        }
        Ok(Some(_)) => Err(malformed("The form has something after the photo. Please load the page again.")),
        Err(error) => Err(broken(&error)),
    }
}

async fn next<'a>(form: &'a mut Multipart, name: &'static str) -> Result<Field<'a>, Problem> {
    match form.next_field().await.map_err(|error| broken(&error))? {
        Some(field) if field.name() == Some(name) => Ok(field),
        // Without its token it is no form of ours, whatever else is wrong with it.
        _ if name == "csrf" => Err(not_from_our_page()),
        _ => Err(Problem::field(name, "is missing or not in its place; please load the page again")),
    }
}

async fn text(form: &mut Multipart, name: &'static str) -> Result<String, Problem> {
    let mut field = next(form, name).await?;
    let mut text = Vec::new();
    while let Some(bytes) = chunk(&mut field).await? {
        if text.len() + bytes.len() > TEXT_MAX_BYTES {
            return Err(Problem::field(name, "is too long"));
        }
        text.extend_from_slice(&bytes);
    }
    String::from_utf8(text).map_err(|_| Problem::field(name, "must be text"))
}

async fn chunk(field: &mut Field<'_>) -> Result<Option<Bytes>, Problem> {
    field.chunk().await.map_err(|error| broken(&error))
}

/// 413, with the limit.
pub(crate) fn too_large(max_bytes: usize) -> Problem {
    let detail = format!("The photo is larger than {} MB, which is the most we take.", megabytes(max_bytes));
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Tenths of a megabyte (1,000,000 bytes), rounded down, so that a photo of that size passes.
fn megabytes(bytes: usize) -> String {
    let tenths = bytes / 100_000;
    if tenths.is_multiple_of(10) {
        (tenths / 10).to_string()
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

/// The form's framing is wrong, it is too large as a whole, or the browser stopped sending.
fn broken(error: &MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE),
        _ => malformed("The photo did not arrive whole. Please send it again."),
    }
}

fn malformed(detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::extract::{FromRequest, Multipart, Request};
    use futures::StreamExt;
    use rstest::rstest;
    use service::{Problem, Secret};

    use super::{Asked, begin, end, megabytes, pass_on};
    use crate::api::Photo;
    use crate::csrf::Csrf;

    const NONCE: &str = "nonce-0123456789";
    const MAX_BYTES: usize = 100;

    fn body(fields: &[(&str, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, value) in fields {
            let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend([head.as_bytes(), value, b"\r\n"].concat());
        }
        body.extend_from_slice(b"--b--\r\n");
        body
    }

    async fn form(body: Vec<u8>) -> Multipart {
        let request = Request::post("/").header("content-type", "multipart/form-data; boundary=b");
        Multipart::from_request(request.body(Body::from(body)).unwrap(), &()).await.unwrap()
    }

    fn csrf() -> Csrf {
        Csrf::of(&Secret::new("the cookie of the one who sends it"))
    }

    /// Takes the whole form as the handler does, with nobody behind; returns what was asked and passed on.
    async fn take(body: Vec<u8>) -> Result<(Asked, usize), Problem> {
        use http_body_util::BodyExt;
        let mut form = form(body).await;
        let mut asked = Asked::default();
        let field = begin(&mut form, &csrf(), &mut asked).await?;
        let (sender, receiver) = Photo::channel();
        let arrived = tokio::spawn(receiver.into_body().collect());
        let sender = pass_on(field, sender, MAX_BYTES).await?;
        end(&mut form, sender).await?;
        Ok((asked, arrived.await.unwrap().unwrap().to_bytes().len()))
    }

    #[tokio::test]
    async fn form_in_its_order_is_passed_on_whole() {
        let token = csrf().token();
        let fields: [(&str, &[u8]); 5] = [
            ("csrf", token.as_bytes()),
            ("nonce", NONCE.as_bytes()),
            ("effect", b"duotone"),
            ("ttl_seconds", b"60"),
            ("image", &[7; MAX_BYTES]),
        ];
        let (asked, passed_on) = take(body(&fields)).await.unwrap();
        let expected = Asked { nonce: NONCE.into(), effect: "duotone".into(), ttl_seconds: "60".into() };
        assert_eq!((asked, passed_on), (expected, MAX_BYTES));
    }

    #[rstest]
    #[case::nothing(&[], 403)]
    #[case::no_token(&["nonce", "effect", "ttl_seconds", "image"], 403)]
    #[case::photo_first(&["image", "csrf", "nonce", "effect", "ttl_seconds"], 403)]
    #[case::photo_before_effect(&["csrf", "nonce", "image", "effect", "ttl_seconds"], 422)]
    #[case::effect_before_nonce(&["csrf", "effect", "nonce", "ttl_seconds", "image"], 422)]
    #[case::no_photo(&["csrf", "nonce", "effect", "ttl_seconds"], 422)]
    #[case::two_photos(&["csrf", "nonce", "effect", "ttl_seconds", "image", "image"], 422)]
    #[case::token_twice(&["csrf", "csrf", "nonce", "effect", "ttl_seconds", "image"], 422)]
    #[case::something_after_the_photo(&["csrf", "nonce", "effect", "ttl_seconds", "image", "<b>"], 422)]
    #[tokio::test]
    async fn form_in_another_order_is_refused(#[case] names: &[&str], #[case] status: u16) {
        let token = csrf().token();
        let value = |name| match name {
            "csrf" => token.as_bytes(),
            "nonce" => NONCE.as_bytes(),
            _ => b"x",
        };
        let fields: Vec<_> = names.iter().map(|name| (*name, value(*name))).collect();
        let problem = take(body(&fields)).await.unwrap_err();
        assert_eq!(problem.status().as_u16(), status, "{problem:?}");
        assert!(!problem.to_json("r").contains("<b>"));
    }

    #[rstest]
    #[case::other_token("csrf", b"AAAA", 403)]
    #[case::long_token("csrf", &[b'A'; 1000], 422)]
    #[case::short_nonce("nonce", b"short", 422)]
    #[case::hostile_nonce("nonce", b"a\r\nAuthorization: x", 422)]
    #[case::long_effect("effect", &[b'x'; 257], 422)]
    #[case::effect_is_no_text("effect", b"\xff\xfe", 422)]
    #[case::no_photo_chosen("image", b"", 422)]
    #[case::too_large("image", &[7; MAX_BYTES + 1], 413)]
    #[tokio::test]
    async fn field_that_is_wrong_is_refused(#[case] wrong: &str, #[case] value: &[u8], #[case] status: u16) {
        let token = csrf().token();
        let mut fields: [(&str, &[u8]); 5] = [
            ("csrf", token.as_bytes()),
            ("nonce", NONCE.as_bytes()),
            ("effect", b"duotone"),
            ("ttl_seconds", b""),
            ("image", b"photo"),
        ];
        for field in &mut fields {
            if field.0 == wrong {
                field.1 = value;
            }
        }
        assert_eq!(take(body(&fields)).await.unwrap_err().status().as_u16(), status);
    }

    #[tokio::test]
    async fn photo_that_stops_half_way_is_refused() {
        let token = csrf().token();
        let mut body = body(&[
            ("csrf", token.as_bytes()),
            ("nonce", NONCE.as_bytes()),
            ("effect", b"duotone"),
            ("ttl_seconds", b""),
            ("image", b"half of a photo"),
        ]);
        body.truncate(body.len() - 12);
        assert_eq!(take(body).await.unwrap_err().status().as_u16(), 422);
    }

    #[tokio::test(start_paused = true)]
    async fn form_whose_beginning_does_not_arrive_is_given_up() {
        let token = csrf().token();
        let begun = body(&[("csrf", token.as_bytes()), ("nonce", NONCE.as_bytes())]);
        let silence = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let slow = futures::stream::iter([Ok(begun[..begun.len() - 8].to_vec())]).chain(silence);
        let request = Request::post("/").header("content-type", "multipart/form-data; boundary=b");
        let request = request.body(Body::from_stream(slow)).unwrap();
        let mut form = Multipart::from_request(request, &()).await.unwrap();
        let (csrf, mut asked) = (csrf(), Asked::default());
        let begun = begin(&mut form, &csrf, &mut asked);
        let given_up = tokio::time::timeout(Duration::from_mins(1), begun).await;
        assert_eq!(given_up.expect("it is not waited for").unwrap_err().status().as_u16(), 408);
    }

    #[rstest]
    #[case(10_485_760, "10.4")]
    #[case(10_000_000, "10")]
    #[case(1_024, "0")]
    fn limit_is_told_in_megabytes(#[case] bytes: usize, #[case] text: &str) {
        assert_eq!(megabytes(bytes), text);
    }
}
