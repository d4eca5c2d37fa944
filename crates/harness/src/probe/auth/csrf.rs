//! Forms that somebody is made to send: without their token, with a wrong one, with another person's, from another site.

use super::{
    operations,
    owner::Owner,
    stage::{Groups, SESSION, Stage},
};
use crate::{
    observation::Seen,
    probe::{
        person::Person,
        photo,
        visitor::{Filled, Visitor},
    },
};

/// What the checks' groups are called.
pub(super) const GROUPS: &[&str] = &["csrf.token", "csrf.origin", "csrf.login", "csrf.cross_account"];

/// Groups of forms of somebody who is signed in.
const SIGNED_IN: &[&str] = &["csrf.token", "csrf.origin", "csrf.cross_account"];

/// The field that holds the token.
const TOKEN: &str = "csrf";

/// The forms that a page has for who is signed in, and the least of them that there must be.
const KNOWN: &[&str] = &["/gallery", "/log-out", "/account/password", "/account/log-out-everywhere"];

/// Tries it all.
pub(super) async fn observe(stage: &Stage<'_>) -> Seen<Groups> {
    let client = stage.client(17).await?;
    let mut groups = signed_in(stage, &client).await?;
    groups.extend(before_log_in(stage, &client).await?);
    Ok(groups)
}

async fn signed_in(stage: &Stage<'_>, client: &crate::probe::http::Client) -> Seen<Groups> {
    let mut groups = Groups::default();
    let mut cleo = Owner::new(stage, client, "cleo").await?;
    let mut dan = stage.visitor_of_new(client, "dan").await?;
    let starts = ["/gallery".to_owned(), "/account".to_owned(), format!("/gallery/{}", cleo.image)];
    let forms = operations::of_the_pages(&mut cleo.visitor, &stage.origin, &starts).await?.forms;
    let forms: Vec<Filled> = forms.into_values().map(|form| complete(stage, form)).collect();
    let delete = format!("/gallery/{}/delete", cleo.image);
    let known = KNOWN.iter().map(|known| (*known).to_owned()).chain([delete]);
    for known in known {
        if !forms.iter().any(|form| form.action == known) {
            return Err(format!("no page has the form that goes to {}", cleo.told(&known)));
        }
    }
    let own = vec![("origin", stage.origin.clone()), ("sec-fetch-site", "same-origin".to_owned())];
    let of_dan = dan.form("/account", "log-out-form").await?;
    let of_dan = of_dan.value(TOKEN).unwrap_or_default().to_owned();
    let images = listed(&cleo.person).await?;
    for form in &forms {
        let name = cleo.told(&form.action);
        for (told, form) in without_right_token(form) {
            let exchange = cleo.visitor.submit_as("csrf.token", &form, &own).await;
            groups.trial("csrf.token", format!("{name} {told}"), exchange);
        }
        for (told, headers) in from_elsewhere() {
            let exchange = cleo.visitor.submit_as("csrf.origin", form, &headers).await;
            groups.trial("csrf.origin", format!("{name} {told}"), exchange);
        }
        let form = form.clone().with(TOKEN, of_dan.as_str());
        let exchange = cleo.visitor.submit_as("csrf.cross_account", &form, &own).await;
        groups.trial("csrf.cross_account", format!("{name} with another person's token"), exchange);
    }
    let now = listed(&cleo.person).await;
    for (tried, exchange, mut changed) in cleo.looks().await {
        if tried.ends_with("/images") && now.as_ref() != Ok(&images) {
            changed.push(format!("not the {images} image(s) that there were"));
        }
        for group in SIGNED_IN {
            let row = crate::observation::AuthRow {
                role: crate::observation::AuthRole::Kept,
                tried: format!("afterwards, {tried}"),
                answer: exchange.answer.clone(),
                shown: changed.clone(),
            };
            groups.row(group, row);
        }
    }
    let mut again = Person::new(client, &stage.email("cleo"), stage.password());
    let old_password = again.log_in("csrf", None).await;
    // The same forms with all that belongs to them: else nobody knows what the others were refused for.
    let upload = forms.iter().find(|form| form.action == "/gallery").ok_or("no upload form")?;
    let uploaded = cleo.visitor.submit("csrf", upload).await;
    let delete = forms.iter().find(|form| form.action.ends_with("/delete")).ok_or("no delete form")?;
    let deleted = cleo.visitor.submit("csrf", delete).await;
    for group in SIGNED_IN {
        groups.kept(group, "afterwards, the old password", old_password.clone());
        groups.control(group, "the upload form with its own token", uploaded.clone());
        groups.control(group, "the delete form with its own token", deleted.clone());
    }
    Ok(groups)
}

async fn before_log_in(stage: &Stage<'_>, client: &crate::probe::http::Client) -> Seen<Groups> {
    let group = "csrf.login";
    let mut groups = Groups::default();
    let own = vec![("origin", stage.origin.clone()), ("sec-fetch-site", "same-origin".to_owned())];
    let mut signing_up = 0;
    for (page, id, name) in [("/log-in", "log-in-form", "cleo"), ("/sign-up", "sign-up-form", "nell")] {
        let mut visitor = Visitor::new(client, &stage.origin);
        let form = visitor.form(page, id).await?;
        let others = Visitor::new(client, &stage.origin).form(page, id).await?;
        let others = others.value(TOKEN).unwrap_or_default().to_owned();
        let form = form.with("email", stage.email(name)).with("password", stage.password());
        let mut wrong = without_right_token(&form);
        wrong.push(("with another visitor's token", form.clone().with(TOKEN, others)));
        for (told, form) in wrong {
            groups.trial(group, format!("{page} {told}"), visitor.submit_as(group, &form, &own).await);
        }
        for (told, headers) in from_elsewhere() {
            groups.trial(group, format!("{page} {told}"), visitor.submit_as(group, &form, &headers).await);
        }
        // A form that is sent without the cookie it was made for.
        let bare = Visitor::new(client, &stage.origin);
        groups.trial(
            group,
            format!("{page} without the page's cookie"),
            bare.submit_as(group, &form, &own).await,
        );
        let exchange = visitor.submit(group, &form).await;
        let came_in = visitor.cookie(SESSION).is_some();
        signing_up += usize::from(came_in);
        // A sign-up that answers that there is an account already was made by one of the trials.
        groups.kept(group, format!("{page} with its own token"), exchange);
    }
    if signing_up == 0 {
        return Err("neither log-in nor sign-up gave a session, with all that belongs to them".into());
    }
    Ok(groups)
}

/// A form filled in so that it would do something.
fn complete(stage: &Stage<'_>, form: Filled) -> Filled {
    match form.action.as_str() {
        "/gallery" => Filled {
            fields: ["csrf", "nonce"]
                .iter()
                .map(|name| ((*name).to_owned(), form.value(name).unwrap_or_default().to_owned()))
                .chain([
                    ("effect".to_owned(), "duotone".to_owned()),
                    ("ttl_seconds".to_owned(), "600".to_owned()),
                ])
                .collect(),
            ..form
        }
        .with_file("portrait.jpg", photo::PORTRAIT),
        "/account/password" => form
            .with("current_password", stage.password())
            .with("new_password", "a password that somebody else chose"),
        _ => form,
    }
}

fn without_right_token(form: &Filled) -> Vec<(&'static str, Filled)> {
    let token = form.value(TOKEN).unwrap_or_default();
    let mut altered: Vec<char> = token.chars().collect();
    if let Some(last) = altered.len().checked_sub(2).and_then(|at| altered.get_mut(at)) {
        *last = if *last == 'A' { 'B' } else { 'A' };
    }
    let half: String = token.chars().take(token.len() / 2).collect();
    vec![
        ("without a token", form.clone().without(TOKEN)),
        ("with an empty token", form.clone().with(TOKEN, "")),
        ("with a token of nobody's", form.clone().with(TOKEN, "A".repeat(token.len().max(1)))),
        ("with an altered token", form.clone().with(TOKEN, altered.into_iter().collect::<String>())),
        ("with half a token", form.clone().with(TOKEN, half)),
    ]
}

fn from_elsewhere() -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let from =
        |origin: &str, site: &str| vec![("origin", origin.to_owned()), ("sec-fetch-site", site.to_owned())];
    vec![
        ("from another origin", from("https://elsewhere.example", "cross-site")),
        ("from another origin, by an old browser", vec![("origin", "https://elsewhere.example".into())]),
        ("from no origin", vec![("origin", "null".into())]),
        (
            "from an origin that begins like ours",
            vec![("origin", "https://shakedown.localhost:8443.elsewhere.example".into())],
        ),
        ("from another site, without an origin", vec![("sec-fetch-site", "cross-site".into())]),
    ]
}

async fn listed(person: &Person) -> Seen<usize> {
    let exchange = person.get("csrf", "/api/v1/images").await;
    let json = exchange.answer.map(|answer| answer.json())?;
    let images = json.get("images").and_then(serde_json::Value::as_array);
    images.map(Vec::len).ok_or_else(|| "no list of images was to be had".into())
}
