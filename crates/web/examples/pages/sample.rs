//! Every page in every state, filled with sample data; for looking at, and for tests.

use time::OffsetDateTime;
use web::page::{
    Account, Card, Description, ErrorPage, FieldError, FormError, Gallery, Image, Job, JobState, Landing,
    LogIn, Shell, SignUp, UploadForm, render,
};

const HOUR: u64 = 3600;

/// The images that the pages show, and the asset that stands in for the picture of each.
pub(crate) const PICTURES: [(&str, &str); 6] = [
    ("0192a1f0-0000-7000-8000-000000000001", "sample-halftone"),
    ("0192a1f0-0000-7000-8000-000000000002", "sample-duotone"),
    ("0192a1f0-0000-7000-8000-000000000003", "sample-halftone"),
    ("0192a1f0-0000-7000-8000-000000000004", "sample-duotone"),
    ("0192a1f0-0000-7000-8000-000000000005", "sample-duotone"),
    ("0192a1f0-0000-7000-8000-000000000006", "sample-halftone"),
];

/// Names of states, and the page in that state.
pub(crate) fn pages() -> Vec<(&'static str, String)> {
    pages_with("ada@example.org")
}

/// The same with this text wherever somebody else's text can be: addresses, failures, reasons, notices.
#[expect(clippy::too_many_lines, reason = "a list of pages")]
pub(crate) fn pages_with(text: &str) -> Vec<(&'static str, String)> {
    let refused = |summary: &str, fields: &[(&str, &str)]| {
        let fields = fields
            .iter()
            .map(|(field, detail)| FieldError { field: (*field).to_owned(), detail: (*detail).to_owned() })
            .collect();
        Some(FormError { summary: summary.to_owned(), fields })
    };
    let hostile = text.contains('<');
    let said = |usual: &str| if hostile { text.to_owned() } else { usual.to_owned() };
    vec![
        ("landing", render(&Landing { shell: visitor(None), longest_seconds: HOUR })),
        ("sign-up", render(&SignUp { shell: visitor(None), email: String::new(), error: None })),
        (
            "sign-up-refused",
            render(&SignUp {
                shell: visitor(None),
                email: text.to_owned(),
                error: refused(
                    &said("That did not work yet."),
                    &[
                        ("email", &said("has an account already")),
                        ("password", &said("must have 8 to 128 characters")),
                    ],
                ),
            }),
        ),
        ("log-in", render(&LogIn { shell: visitor(None), email: String::new(), next: None, error: None })),
        (
            "log-in-session-over",
            render(&LogIn {
                shell: visitor(Some(&said(
                    "Your session is over. Please log in again; the photo was not kept.",
                ))),
                email: String::new(),
                next: Some(said("/gallery")),
                error: None,
            }),
        ),
        (
            "log-in-refused",
            render(&LogIn {
                shell: visitor(None),
                email: text.to_owned(),
                next: Some("/account".to_owned()),
                error: Some(FormError::new(said("No account has this address and password."))),
            }),
        ),
        (
            "gallery-empty",
            render(&Gallery {
                shell: person(None),
                upload: upload(),
                cards: Vec::new(),
                newer_page: None,
                older_page: None,
            }),
        ),
        (
            "gallery",
            render(&Gallery {
                shell: person(None),
                upload: upload(),
                cards: cards(text),
                newer_page: Some(1),
                older_page: Some(3),
            }),
        ),
        (
            "gallery-refused",
            render(&Gallery {
                shell: person(Some(&said("The portrait was deleted."))),
                upload: UploadForm {
                    nonce: said("n"),
                    effect: Some("duotone".to_owned()),
                    ttl_seconds: Some(300),
                    error: refused(
                        &said("The photo was not accepted."),
                        &[
                            ("image", &said("is not a JPEG, PNG or WebP picture")),
                            ("effect", &said("must be halftone or duotone")),
                            ("ttl_seconds", &said("must be a whole number from 1 to 3600")),
                        ],
                    ),
                    ..upload()
                },
                cards: cards(text)[..2].to_vec(),
                newer_page: None,
                older_page: None,
            }),
        ),
        ("job-queued", render(&job(JobState::Queued, None))),
        ("job-running", render(&job(JobState::Running, None))),
        (
            "job-failed",
            render(&job(
                JobState::Failed,
                Some(said("The picture is damaged or incomplete and could not be read.")),
            )),
        ),
        ("image", render(&image(0, "halftone", 3541))),
        ("image-short", render(&image(1, "duotone", 12))),
        (
            "image-hostile",
            render(&Image { link: said("https://shakedown.localhost:8443/"), ..image(2, text, 61) }),
        ),
        (
            "account",
            render(&Account {
                shell: person(None),
                email: text.to_owned(),
                created_at: OffsetDateTime::UNIX_EPOCH,
                error: None,
            }),
        ),
        (
            "account-refused",
            render(&Account {
                shell: person(None),
                email: text.to_owned(),
                created_at: OffsetDateTime::UNIX_EPOCH,
                error: refused(
                    &said("The password was not changed."),
                    &[("current_password", &said("is not right")), ("new_password", &said("is too short"))],
                ),
            }),
        ),
        (
            "error-410",
            render(&error(
                410,
                "This portrait is gone",
                &said("Its time was up, or it was deleted. Nothing of it is left here."),
                None,
            )),
        ),
        (
            "error-429",
            render(&error(
                429,
                "Too much at once",
                &said("There were more requests than we can take from one place."),
                Some(42),
            )),
        ),
        (
            "error-503",
            render(&ErrorPage {
                shell: visitor(None),
                ..error(
                    503,
                    &said("Out of order"),
                    &said("A part of the service does not answer. Your portraits are not lost."),
                    Some(5),
                )
            }),
        ),
    ]
}

fn visitor(notice: Option<&str>) -> Shell {
    Shell { signed_in: false, csrf: "csrf-of-a-visitor".to_owned(), notice: notice.map(str::to_owned) }
}

fn person(notice: Option<&str>) -> Shell {
    Shell { signed_in: true, csrf: "csrf-of-a-person".to_owned(), notice: notice.map(str::to_owned) }
}

fn upload() -> UploadForm {
    UploadForm {
        nonce: "nonce-of-this-form".to_owned(),
        max_bytes: 10_000_000,
        longest_seconds: HOUR,
        ..UploadForm::default()
    }
}

fn cards(text: &str) -> Vec<Card> {
    let times = [(3541, HOUR), (2100, HOUR), (48, 60), (700, 1800), (250, HOUR), (6, 300)];
    PICTURES
        .iter()
        .zip(times)
        .map(|((id, picture), (seconds_left, lifetime_seconds))| {
            let effect = picture.trim_start_matches("sample-");
            let mut description = description(effect);
            if text.contains('<') {
                description.palette = vec![text.to_owned(), "#f05f57".to_owned()];
            }
            Card {
                id: (*id).to_owned(),
                effect: effect.to_owned(),
                seconds_left,
                lifetime_seconds,
                description,
            }
        })
        .collect()
}

fn image(picture: usize, effect: &str, seconds_left: u64) -> Image {
    let id = PICTURES[picture].0;
    let mut description = description(effect);
    if effect.contains('<') {
        effect.clone_into(&mut description.perceptual_hash);
        effect.clone_into(&mut description.blurhash);
    }
    Image {
        shell: person(None),
        id: id.to_owned(),
        effect: effect.to_owned(),
        seconds_left,
        lifetime_seconds: HOUR,
        description,
        link: format!(
            "https://shakedown.localhost:8443/images/{id}?expires=1795261200&signature=bm90IGEgc2lnbmF0dXJlLCBqdXN0IGEgc2FtcGxl"
        ),
        link_seconds_left: Some(300),
    }
}

fn job(state: JobState, failure: Option<String>) -> Job {
    Job {
        shell: person(None),
        id: "0192a1f0-0000-7000-8000-0000000000aa".to_owned(),
        effect: "halftone".to_owned(),
        state,
        failure,
        refresh_seconds: 2,
    }
}

fn error(status: u16, title: &str, detail: &str, retry_after_seconds: Option<u64>) -> ErrorPage {
    ErrorPage {
        shell: person(None),
        status,
        title: title.to_owned(),
        detail: detail.to_owned(),
        request_id: "01JD6ZC3Q5W7J8K9M0N1P2R3S4".to_owned(),
        retry_after_seconds,
    }
}

fn description(effect: &str) -> Description {
    let palette = match effect {
        "halftone" => ["#cbaf9f", "#a19592", "#f2dbc6", "#937166", "#6b3b29"],
        _ => ["#3a1a6b", "#a12b7c", "#f05f57", "#ffb984", "#120e38"],
    };
    Description {
        width: 864,
        height: 1080,
        size_bytes: 412_345,
        palette: palette.map(str::to_owned).to_vec(),
        perceptual_hash: "8db2f228d28eb9c9".to_owned(),
        blurhash: "TNMP];juFf}?WBt7X.of%0nOjZkD".to_owned(),
    }
}
