//! The upload form: a picture, an effect, maybe a time to live. Read field by field, so that nothing larger
//! than allowed is ever held, and held in memory only.

use std::time::Duration;

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::StatusCode;
use jobs::Effect;
use service::Problem;
use service::http::problem::FieldProblem;

use crate::error::ApiError;
use crate::picture::PictureKind;

/// No text field of the form has a longer value.
const TEXT_MAX_BYTES: usize = 64;

/// Boundaries, part headers and text fields around the picture itself.
pub(crate) const FORM_OVERHEAD_BYTES: usize = 64 * 1024;

/// What a user asks for, checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) picture: Vec<u8>,
    pub(crate) effect: Effect,
    pub(crate) ttl: Duration,
}

/// Bounds of what may be asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UploadLimits {
    pub(crate) picture_bytes: usize,
    /// Ceiling of the time to live, and what it is when nothing was asked.
    pub(crate) ttl: Duration,
}

impl Upload {
    /// Reads the form, whose size the client announced (when it did not, the most there may be). All missing or
    /// refused text fields are reported together.
    pub(crate) async fn read(
        mut form: Multipart,
        announced_bytes: usize,
        limits: UploadLimits,
    ) -> Result<Self, ApiError> {
        // Room for the whole picture from the start: growing step by step would hold it twice.
        let room = announced_bytes.min(limits.picture_bytes);
        let (mut picture, mut effect, mut ttl) = (None, None, None);
        while let Some(field) = form.next_field().await.map_err(|error| broken_form(&error))? {
            let taken = match field.name() {
                Some("image") => {
                    picture.replace(read_picture(field, room, limits.picture_bytes).await?).is_some()
                }
                Some("effect") => effect.replace(read_text("effect", field).await?).is_some(),
                Some("ttl_seconds") => ttl.replace(read_text("ttl_seconds", field).await?).is_some(),
                _ => return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, UNKNOWN_FIELD)),
            };
            if taken {
                return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, "A field of the form is given twice."));
            }
        }
        Self::check(picture, effect.as_deref(), ttl.as_deref(), limits)
    }

    fn check(
        picture: Option<Vec<u8>>,
        effect: Option<&str>,
        ttl: Option<&str>,
        limits: UploadLimits,
    ) -> Result<Self, ApiError> {
        let effect = effect.map(str::parse::<Effect>);
        let ttl = ttl.map_or(Some(limits.ttl), |text| parse_ttl(text, limits.ttl));
        let mut errors = Vec::new();
        let mut refuse = |field, detail: String| errors.push(FieldProblem { field, detail });
        match &picture {
            None => refuse("image", "is missing; send the picture as a file".into()),
            Some(bytes) if bytes.is_empty() => refuse("image", "is empty (0 bytes)".into()),
            Some(_) => {}
        }
        match effect {
            None => refuse("effect", format!("is missing; it must be {}", effects())),
            Some(Err(_)) => refuse("effect", format!("must be {}", effects())),
            Some(Ok(_)) => {}
        }
        if ttl.is_none() {
            refuse("ttl_seconds", format!("must be a whole number from 1 to {}", limits.ttl.as_secs()));
        }
        match (picture, effect, ttl) {
            (Some(picture), Some(Ok(effect)), Some(ttl)) if errors.is_empty() => {
                if PictureKind::sniff(&picture).is_none() {
                    return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, NOT_A_PICTURE));
                }
                Ok(Self { picture, effect, ttl })
            }
            _ => Err(Problem::fields(errors).into()),
        }
    }
}

const UNKNOWN_FIELD: &str = "The form has a field other than image, effect and ttl_seconds.";
const NOT_A_PICTURE: &str = "The file is not a JPEG, PNG or WebP picture.";

fn effects() -> String {
    Effect::ALL.map(Effect::as_str).join(" or ")
}

fn parse_ttl(text: &str, ceiling: Duration) -> Option<Duration> {
    // Digits alone: `parse` would take a plus sign.
    let seconds = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()?;
    (1..=ceiling.as_secs()).contains(&seconds).then(|| Duration::from_secs(seconds))
}

async fn read_picture(mut field: Field<'_>, room: usize, limit: usize) -> Result<Vec<u8>, ApiError> {
    let mut picture = Vec::with_capacity(room);
    while let Some(chunk) = field.chunk().await.map_err(|error| broken_form(&error))? {
        if picture.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        picture.extend_from_slice(&chunk);
    }
    Ok(picture)
}

async fn read_text(name: &'static str, mut field: Field<'_>) -> Result<String, ApiError> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| broken_form(&error))? {
        if text.len() + chunk.len() > TEXT_MAX_BYTES {
            return Err(Problem::field(name, format!("must be at most {TEXT_MAX_BYTES} bytes long")).into());
        }
        text.extend_from_slice(&chunk);
    }
    String::from_utf8(text).map_err(|_| Problem::field(name, "must be UTF-8 text").into())
}

/// 413, with the limit.
pub(crate) fn too_large(limit: usize) -> ApiError {
    refused(StatusCode::PAYLOAD_TOO_LARGE, &format!("The picture is larger than {limit} bytes."))
}

/// The form's framing is wrong, it is too large as a whole, or the client stopped sending.
fn broken_form(error: &MultipartError) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE).into(),
        _ => refused(StatusCode::BAD_REQUEST, "The multipart form is malformed or was cut off."),
    }
}

fn refused(status: StatusCode, detail: &str) -> ApiError {
    Problem::new(status, detail).into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::extract::{FromRequest, Multipart, Request};
    use jobs::Effect;
    use rstest::rstest;
    use service::Problem;

    use super::{Upload, UploadLimits};
    use crate::error::ApiError;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";
    const LIMITS: UploadLimits = UploadLimits { picture_bytes: 100, ttl: Duration::from_hours(1) };

    async fn read(fields: &[(&str, &[u8])]) -> Result<Upload, Problem> {
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend_from_slice(
                format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(value);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--b--\r\n");
        read_raw(body).await
    }

    async fn read_raw(body: Vec<u8>) -> Result<Upload, Problem> {
        let request = Request::post("/").header("content-type", "multipart/form-data; boundary=b");
        let form = Multipart::from_request(request.body(Body::from(body)).unwrap(), &()).await.unwrap();
        Upload::read(form, 0, LIMITS).await.map_err(|error| match error {
            ApiError::Refused(problem) => problem,
            other => panic!("{other:?}"),
        })
    }

    #[tokio::test]
    async fn form_without_a_time_to_live_gets_the_longest() {
        let upload = read(&[("image", PNG), ("effect", b"duotone")]).await.unwrap();
        assert_eq!(upload, Upload { picture: PNG.to_vec(), effect: Effect::Duotone, ttl: LIMITS.ttl });
    }

    #[tokio::test]
    async fn form_may_ask_for_a_shorter_time_to_live() {
        let upload = read(&[("ttl_seconds", b"3"), ("image", PNG), ("effect", b"halftone")]).await.unwrap();
        assert_eq!(upload.ttl, Duration::from_secs(3));
    }

    #[rstest]
    #[case::no_image(&[("effect", &b"duotone"[..])], 422)]
    #[case::no_effect(&[("image", PNG)], 422)]
    #[case::nothing(&[], 422)]
    #[case::empty_image(&[("image", &b""[..]), ("effect", b"duotone")], 422)]
    #[case::unknown_effect(&[("image", PNG), ("effect", b"'; drop table jobs; --")], 422)]
    #[case::html_effect(&[("image", PNG), ("effect", b"<script>alert(1)</script>")], 422)]
    #[case::nul_effect(&[("image", PNG), ("effect", b"duotone\0")], 422)]
    #[case::not_utf8(&[("image", PNG), ("effect", b"\xff\xfe")], 422)]
    #[case::long_effect(&[("image", PNG), ("effect", &[b'a'; 65])], 422)]
    #[case::ttl_zero(&[("image", PNG), ("effect", b"duotone"), ("ttl_seconds", b"0")], 422)]
    #[case::ttl_negative(&[("image", PNG), ("effect", b"duotone"), ("ttl_seconds", b"-1")], 422)]
    #[case::ttl_plus(&[("image", PNG), ("effect", b"duotone"), ("ttl_seconds", b"+5")], 422)]
    #[case::ttl_empty(&[("image", PNG), ("effect", b"duotone"), ("ttl_seconds", b"")], 422)]
    #[case::ttl_fraction(&[("image", PNG), ("effect", b"duotone"), ("ttl_seconds", b"1.5")], 422)]
    #[case::ttl_unit(&[("image", PNG), ("effect", b"duotone"), ("ttl_seconds", b"1h")], 422)]
    #[case::ttl_above(&[("image", PNG), ("effect", b"duotone"), ("ttl_seconds", b"3601")], 422)]
    #[case::ttl_huge(&[("image", PNG), ("effect", b"duotone"), ("ttl_seconds", b"99999999999999999999")], 422)]
    #[case::twice(&[("image", PNG), ("effect", b"duotone"), ("effect", b"duotone")], 422)]
    #[case::unknown_field(&[("image", PNG), ("effect", b"duotone"), ("<b>", b"x")], 422)]
    #[case::text(&[("image", &b"no picture at all"[..]), ("effect", b"duotone")], 415)]
    #[case::too_large(&[("image", &[0xff; 101][..]), ("effect", b"duotone")], 413)]
    #[tokio::test]
    async fn form_is_refused_without_repeating_it(#[case] fields: &[(&str, &[u8])], #[case] status: u16) {
        let problem = read(fields).await.unwrap_err();
        assert_eq!(problem.status().as_u16(), status);
        let document = problem.to_json("r-1");
        assert!(!document.contains('<') && !document.contains("drop table"), "{document}");
    }

    #[tokio::test]
    async fn every_missing_field_is_named_at_once() {
        insta::assert_snapshot!(
            read(&[("ttl_seconds", b"soon")]).await.unwrap_err().to_json("r-1"),
            @r#"{"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"One or more fields are missing or not valid.","errors":[{"field":"image","detail":"is missing; send the picture as a file"},{"field":"effect","detail":"is missing; it must be halftone or duotone"},{"field":"ttl_seconds","detail":"must be a whole number from 1 to 3600"}],"request_id":"r-1"}"#
        );
    }

    #[tokio::test]
    async fn form_that_was_cut_off_is_refused() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n\x89PNG".to_vec();
        assert_eq!(read_raw(body).await.unwrap_err().status().as_u16(), 400);
    }
}
