//! What can go wrong between us and an S3 store, said so that a person knows what to change.
//!
//! No message holds a URL of a request (it is signed), a body that was answered, or a secret: what is quoted of an answer is
//! its status and its error code.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

/// An operation on an S3 store that failed: where, what was tried, what was found, what to do.
#[derive(Debug, thiserror::Error)]
#[error("image store at {place}: could not {operation}: {trouble}")]
pub struct S3Error {
    pub(super) place: Arc<Place>,
    pub(super) operation: &'static str,
    pub(super) trouble: Box<Trouble>,
}

/// Which store: shown as endpoint and bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) endpoint: String,
    pub(super) bucket: String,
    pub(super) region: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, bucket `{}`", self.endpoint, self.bucket)
    }
}

/// Kinds of failure, as far as they ask for different remedies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("no connection ({reason}); see that it runs and that S3_ENDPOINT is its address")]
    Unreachable { reason: String },
    #[error("no TLS there ({reason}); where it speaks plain HTTP, S3_ENDPOINT begins with http://")]
    NoTls { reason: String },
    #[error(
        "its certificate is not trusted ({reason}); name the file of its authority's certificate in SSL_CERT_FILE"
    )]
    Untrusted { reason: String },
    #[error(
        "what answers does not speak HTTP ({reason}); where it speaks TLS, S3_ENDPOINT begins with https://"
    )]
    NoHttp { reason: String },
    #[error("no answer within {} s; see whether it is overloaded", waited.as_secs_f64())]
    Slow { waited: Duration },
    #[error("the connection broke off ({reason}); it may have been restarted, so try again")]
    BrokenOff { reason: String },
    #[error(
        "it refuses the access key ({status} {code}); check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, and that this key may read and write the bucket"
    )]
    KeyRefused { status: u16, code: String },
    #[error("it has no such bucket; make it, or set S3_BUCKET")]
    NoBucket,
    #[error("it does not take `{configured}` for its region{}; set S3_REGION", expected(wanted.as_deref()))]
    WrongRegion { configured: String, wanted: Option<String> },
    #[error("the request was too old when it came; its clock says {its}, ours {ours}: set them right")]
    ClocksDiffer { its: String, ours: String },
    #[error("it is full or the bucket's quota is used up ({status} {code}); make room there")]
    Full { status: u16, code: String },
    #[error("it answered {status} {code}; its log tells more")]
    Answered { status: u16, code: String },
    #[error("its answer makes no sense: {found}; see that S3_ENDPOINT is an S3 store")]
    Unintelligible { found: &'static str },
}

fn expected(region: Option<&str>) -> String {
    region.map(|region| format!(" (it is `{region}`)")).unwrap_or_default()
}

/// What an answer says of failure, its head and the document in its body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal<'a> {
    pub(super) status: StatusCode,
    /// The header `Date`.
    pub(super) date: Option<&'a str>,
    /// Empty where there is none, as in an answer to HEAD.
    pub(super) document: &'a str,
}

impl Refusal<'_> {
    /// What it means. `region` is the one that the request was signed for.
    pub(super) fn trouble(self, region: &str, ours: impl fmt::Display) -> Trouble {
        let status = self.status.as_u16();
        let code = element(self.document, "Code").filter(|code| is_code(code)).unwrap_or_default().to_owned();
        let message = element(self.document, "Message").unwrap_or_default();
        // Garage has no codes of their own for these.
        let too_old = message.contains("Date is too old") || message.contains("Request has expired");
        let quota = message.contains("quota is reached");
        match (status, code.as_str()) {
            (_, "NoSuchBucket") => Trouble::NoBucket,
            (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") => Trouble::WrongRegion {
                configured: region.to_owned(),
                wanted: element(self.document, "Region").filter(|region| is_code(region)).map(str::to_owned),
            },
            (_, "RequestTimeTooSkewed" | "RequestExpired") => self.clocks_differ(ours),
            _ if too_old => self.clocks_differ(ours),
            (507, _) | (_, "QuotaExceeded" | "InsufficientStorage" | "XMinioStorageFull") => {
                Trouble::Full { status, code }
            }
            _ if quota => Trouble::Full { status, code },
            (401 | 403, _) => Trouble::KeyRefused { status, code },
            _ => Trouble::Answered { status, code },
        }
    }

    fn clocks_differ(self, ours: impl fmt::Display) -> Trouble {
        Trouble::ClocksDiffer { its: self.date.unwrap_or("nothing").to_owned(), ours: ours.to_string() }
    }
}

/// The text of the first element of that name. Error documents are flat, and not every server gives them a namespace.
fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// Whether it can be quoted: a word, and nothing that somebody else put there.
fn is_code(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl S3Error {
    /// The object is not there. That the bucket is not there is something else.
    pub(super) fn is_no_such_key(&self) -> bool {
        matches!(&*self.trouble, Trouble::Answered { status: 404, code } if code == "NoSuchKey")
    }

    /// The upload is not there any more: it was completed or aborted.
    pub(super) fn is_no_such_upload(&self) -> bool {
        matches!(&*self.trouble, Trouble::Answered { status: 404, code } if code == "NoSuchUpload")
    }

    /// The object has none of the bytes that were asked for.
    pub(super) fn is_out_of_range(&self) -> bool {
        matches!(*self.trouble, Trouble::Answered { status: 416, .. })
    }

    /// The server answered and said no. To HEAD it cannot say why.
    pub(super) fn is_answer(&self) -> bool {
        matches!(*self.trouble, Trouble::Answered { .. } | Trouble::KeyRefused { .. })
    }

    /// The connection ended before the answer did.
    pub(super) fn is_broken_off(&self) -> bool {
        matches!(*self.trouble, Trouble::BrokenOff { .. })
    }

    /// It may well work in a moment, and the request did nothing or can be repeated.
    pub(super) fn is_passing(&self) -> bool {
        match *self.trouble {
            Trouble::BrokenOff { .. } => true,
            Trouble::Answered { status, .. } => matches!(status, 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// There is no room left at the store.
    pub(crate) fn is_full(&self) -> bool {
        matches!(*self.trouble, Trouble::Full { .. })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn said(status: u16, code: &str, message: &str) -> String {
        let document = format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message><Region>garage</Region></Error>"
        );
        let refusal = Refusal {
            status: StatusCode::from_u16(status).unwrap(),
            date: Some("Sat, 21 Nov 2026 20:00:00 GMT"),
            document: &document,
        };
        let place = Place {
            endpoint: "http://image-store:3900".to_owned(),
            bucket: "images".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        let trouble = refusal.trouble(&place.region, "20:30:00");
        S3Error { place: Arc::new(place), operation: "read an image", trouble: Box::new(trouble) }.to_string()
    }

    #[rstest]
    #[case::unknown_key(403, "InvalidAccessKeyId", "4815162342", "S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY")]
    #[case::wrong_secret(
        403,
        "SignatureDoesNotMatch",
        "signed 4815162342",
        "refuses the access key (403 SignatureDoesNotMatch)"
    )]
    #[case::wrong_key_at_garage(403, "AccessDenied", "Forbidden: 4815162342", "refuses the access key")]
    #[case::bucket_missing(404, "NoSuchBucket", "Bucket not found: 4815162342", "no such bucket; make it")]
    #[case::wrong_region(
        400,
        "AuthorizationHeaderMalformed",
        "4815162342",
        "does not take `eu-west-1` for its region (it is `garage`); set S3_REGION"
    )]
    #[case::clock(
        403,
        "RequestTimeTooSkewed",
        "4815162342",
        "its clock says Sat, 21 Nov 2026 20:00:00 GMT, ours 20:30:00"
    )]
    #[case::clock_at_garage(400, "InvalidRequest", "Bad request: Date is too old", "its clock says")]
    #[case::disk_full(507, "", "4815162342", "is full or the bucket's quota is used up")]
    #[case::quota(400, "QuotaExceeded", "4815162342", "quota is used up (400 QuotaExceeded); make room")]
    #[case::quota_at_garage(
        403,
        "AccessDenied",
        "Forbidden: Bucket size quota is reached, maximum total size for this bucket: 1",
        "quota is used up"
    )]
    #[case::trouble_of_its_own(500, "InternalError", "4815162342", "it answered 500 InternalError")]
    #[case::code_that_is_none(500, "x y 4815162342", "", "it answered 500 ;")]
    fn refusal_becomes_a_message_that_names_place_and_remedy_and_quotes_no_more_than_a_code(
        #[case] status: u16,
        #[case] code: &str,
        #[case] message: &str,
        #[case] expected: &str,
    ) {
        let said = said(status, code, message);
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("http://image-store:3900, bucket `images`: could not read an image"), "{said}");
        assert!(!said.contains("4815162342"), "{said}");
    }
}
