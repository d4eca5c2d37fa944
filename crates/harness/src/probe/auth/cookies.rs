//! The cookies that somebody gets who signs up, logs out and logs in by web's forms.

use super::stage::Stage;
use crate::{
    observation::{Seen, SetCookie},
    probe::{
        http::Exchange,
        visitor::{Visitor, set_cookies},
    },
};

/// Goes as far as it can: a story that breaks off because of a cookie has seen the cookie.
pub(super) async fn observe(stage: &Stage<'_>) -> Seen<Vec<SetCookie>> {
    let client = stage.client(17).await?;
    let mut cookies = Vec::new();
    let mut visitor = Visitor::new(&client, &stage.origin);
    let told = tell(stage, &mut visitor, &mut cookies).await;
    // Without any there is only the reason to tell.
    if cookies.is_empty() { told.and(Err("nobody was given a cookie".into())) } else { Ok(cookies) }
}

async fn tell(stage: &Stage<'_>, visitor: &mut Visitor, cookies: &mut Vec<SetCookie>) -> Seen<()> {
    let mut keep = |step: &str, exchange: &Exchange| {
        let all = exchange.answer.iter().flat_map(set_cookies);
        cookies.extend(all.map(|(cookie, _)| SetCookie { step: step.into(), ..cookie }));
    };
    keep("the sign-up page", &visitor.get("sign-up", "/sign-up").await);
    let form = visitor.form("/sign-up", "sign-up-form").await?;
    let form = form.with("email", stage.email("cora")).with("password", stage.password());
    keep("sign-up", &visitor.submit("sign-up", &form).await);
    let mut again = Visitor::new(visitor.client(), &stage.origin);
    keep("the log-in page", &again.get("log-in", "/log-in").await);
    let form = again.form("/log-in", "log-in-form").await?;
    let form = form.with("email", stage.email("cora")).with("password", stage.password());
    keep("log-in", &again.submit("log-in", &form).await);
    let form = again.form("/account", "log-out-form").await?;
    keep("log-out", &again.submit("log-out", &form).await);
    Ok(())
}
