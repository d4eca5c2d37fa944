//! Text that means something else to HTML, SQL, C, terminals and templates, in every field there is.

use reqwest::Method;
use serde_json::json;

use super::{
    spelling::percent,
    stage::{Groups, Stage, together},
};
use crate::{
    html,
    observation::{AuthRole, AuthRow, Seen},
    probe::{
        http::{Answer, Exchange},
        photo,
        visitor::{Filled, Visitor},
    },
};

/// The groups of the checks.
pub(super) const PAGES: &str = "hostile.pages";
pub(super) const API: &str = "hostile.api";

/// Each under a name.
fn texts() -> Vec<(&'static str, String)> {
    vec![
        ("HTML", "\"'><script>hostile()</script><img src=hostile onerror=hostile()>".into()),
        ("an attribute", "\" autofocus onfocus=hostile() x=\"".into()),
        ("SQL", "' OR '1'='1'; DROP TABLE users; --".into()),
        ("a null byte", "nul\0byte".into()),
        ("right-to-left marks", "\u{202e}\u{2066}gpj.exe\u{200b}\u{feff}".into()),
        ("a template", "{{7*7}}${7*7}<%= 7*7 %>#{7*7}%s%n".into()),
        ("line breaks", "a\r\nSet-Cookie: hostile=1\r\n\r\n<script>hostile()</script>".into()),
        ("a path", "../../../../etc/passwd".into()),
        ("1 MB", "x".repeat(1_000_000)),
    ]
}

/// Writes them into every field of web's forms.
pub(super) async fn pages(stage: &Stage<'_>) -> Seen<Groups> {
    let client = stage.client(19).await?;
    let hans = stage.person(&client, "hans").await?;
    let mut signed_in = stage.visitor(&client, "hans").await?;
    let mut stranger = Visitor::new(&client, &stage.origin);
    let log_in = stranger.form("/log-in", "log-in-form").await?;
    let sign_up = stranger.form("/sign-up", "sign-up-form").await?;
    let password = signed_in.form("/account", "password-form").await?;
    let upload = signed_in.form("/gallery", "upload-form").await?;
    let filled =
        |form: Filled| form.with("email", stage.email("hans")).with("password", "a long enough password");
    let mut trials: Vec<(String, &Visitor, Filled)> = Vec::new();
    for (name, text) in texts() {
        for (form, field) in
            [(&log_in, "email"), (&log_in, "password"), (&log_in, "next"), (&sign_up, "email")]
        {
            let told = format!("{}, field {field}, {name}", form.action);
            trials.push((told, &stranger, filled(form.clone()).with(field, text.clone())));
        }
        // A password may be any text: it is somebody's, so that this one has no account.
        let form = filled(sign_up.clone()).with("email", "no address").with("password", text.clone());
        trials.push((format!("/sign-up, field password, {name}"), &stranger, form));
        for field in ["current_password", "new_password"] {
            let form =
                password.clone().with("current_password", "wrong").with("new_password", "a long enough one");
            trials.push((
                format!("/account/password, field {field}, {name}"),
                &signed_in,
                form.with(field, text.clone()),
            ));
        }
        let blank = Filled { fields: Vec::new(), ..upload.clone() };
        let fields =
            ["csrf", "nonce"].into_iter().filter_map(|name| Some((name, upload.value(name)?.to_owned())));
        let form = fields.fold(blank, |form, (name, value)| form.with(name, value));
        let form = form.with("effect", "duotone").with("ttl_seconds", "60").with_file("a.jpg", b"no picture");
        for field in ["effect", "ttl_seconds", "nonce"] {
            trials.push((
                format!("/gallery, field {field}, {name}"),
                &signed_in,
                form.clone().with(field, text.clone()),
            ));
        }
        let named = form.clone().with_file(&text, photo::PORTRAIT.get(..64).unwrap_or_default());
        trials.push((format!("/gallery, the file's name, {name}"), &signed_in, named));
    }
    let own = [("origin", stage.origin.clone()), ("sec-fetch-site", "same-origin".to_owned())];
    let own = &own;
    let tried = trials
        .into_iter()
        .map(|(told, visitor, form)| async move { (told, visitor.submit_as(PAGES, &form, own).await) });
    let mut groups = Groups::default();
    for (told, exchange) in together(tried).await {
        groups.row(PAGES, row(told, exchange));
    }
    // What was taken as text is shown as text.
    for path in ["/gallery", "/account"] {
        groups.row(PAGES, row(format!("GET {path} afterwards"), signed_in.get(PAGES, path).await));
    }
    groups.kept(PAGES, "somebody's account afterwards", hans.get(PAGES, "/api/v1/images").await);
    Ok(groups)
}

/// Writes them into the api's fields.
pub(super) async fn api(stage: &Stage<'_>) -> Seen<Groups> {
    let client = stage.client(19).await?;
    let hugo = stage.person(&client, "hugo").await?;
    let hugo = &hugo;
    let tried = texts().into_iter().flat_map(|(name, text)| {
        let password = "a long enough password";
        let bodies = [
            ("/api/v1/users", "email", json!({ "email": text, "password": password })),
            ("/api/v1/users", "password", json!({ "email": "no address", "password": text })),
            ("/api/v1/sessions", "email", json!({ "email": text, "password": password })),
            ("/api/v1/sessions", "password", json!({ "email": "no address", "password": text })),
            (
                "/api/v1/sessions",
                "ttl_seconds",
                json!({ "email": "a@b", "password": "x", "ttl_seconds": text }),
            ),
        ];
        bodies.map(|(path, field, body)| (format!("{path}, field {field}, {name}"), path, body))
    });
    let tried = tried.map(|(told, path, body)| async move { (told, hugo.json(API, path, &body).await) });
    let mut groups = Groups::default();
    for (told, exchange) in together(tried).await {
        groups.row(API, row(told, exchange));
    }
    for (name, text) in texts() {
        let uploaded = hugo.upload(API, b"no picture", &text, Some("60")).await;
        groups.row(API, row(format!("/api/v1/images, field effect, {name}"), uploaded));
        let encoded = percent(&text.as_bytes()[..text.len().min(200)]);
        for path in ["/api/v1/images/", "/api/v1/jobs/", "/images/"] {
            let exchange =
                hugo.request(API, Method::GET, &format!("{path}{encoded}"), |request| request).await;
            groups.row(API, row(format!("{path}…, {name}"), exchange));
        }
    }
    groups.kept(API, "somebody's account afterwards", hugo.get(API, "/api/v1/images").await);
    Ok(groups)
}

fn row(tried: String, exchange: Exchange) -> AuthRow {
    let shown = exchange.answer.iter().flat_map(unescaped).collect();
    AuthRow { role: AuthRole::Trial, tried, answer: exchange.answer, shown }
}

/// What of a text became part of a page, or of its headers. Our pages have no scripts and styles in them.
fn unescaped(answer: &Answer) -> Vec<String> {
    let is_page = answer.header("content-type").is_some_and(|kind| kind.contains("html"));
    let page =
        if is_page { html::read(&String::from_utf8_lossy(&answer.body)) } else { html::Html::default() };
    let fetched =
        page.references.into_iter().map(|reference| reference.url).filter(|url| url.contains("hostile"));
    let fetched = fetched.map(|_| "a picture that its client put there".to_owned());
    let split =
        answer.headers.iter().any(|(name, value)| name == "set-cookie" && value.starts_with("hostile"));
    let split = split.then(|| "a header that its client wrote".to_owned());
    page.inline.into_iter().chain(fetched).chain(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_told_from_what_a_page_runs() {
        let page = |body: &str| Answer {
            headers: vec![("content-type".into(), "text/html".into())],
            body: format!("<input value=\"{body}\">").into(),
            ..Answer::default()
        };
        for (_, text) in texts().into_iter().take(2) {
            let escaped = text.replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;");
            assert_eq!(unescaped(&page(&escaped)), Vec::<String>::new());
            assert!(!unescaped(&page(&text)).is_empty(), "{text}");
        }
    }
}
