//! What is left of somebody's pages after logging out: nothing in a cache, nothing behind a repeated request.

use reqwest::Method;

use super::{
    operations,
    owner::Owner,
    stage::{Groups, Stage, together},
};
use crate::observation::{AuthRole, Seen};

/// What the checks' groups are called.
pub(super) const GROUPS: &[&str] = &["back.no_store", "back.log_out"];

/// Looks at every page of the owner's in a session of its own, logs out, and looks again with the same cookies.
pub(super) async fn observe(stage: &Stage<'_>, owner: &Owner) -> Seen<Groups> {
    let client = stage.client(17).await?;
    let mut visitor = stage.visitor(&client, "ada").await?;
    let starts = [
        "/gallery".to_owned(),
        "/account".to_owned(),
        format!("/gallery/{}", owner.image),
        format!("/jobs/{}", owner.job),
    ];
    let pages = operations::of_the_pages(&mut visitor, &stage.origin, &starts).await?.links;
    let mut groups = Groups::default();
    let looks = |cookies: crate::probe::visitor::Visitor| {
        let pages = pages.clone();
        async move {
            let cookies = &cookies;
            together(pages.into_iter().map(|path| async move {
                let exchange = cookies.peek("back", Method::GET, &path, |request| request).await;
                (path, exchange)
            }))
            .await
        }
    };
    for (path, exchange) in looks(visitor.clone()).await {
        let tried = format!("GET {}", owner.told(&path));
        groups.control("back.log_out", format!("{tried} before"), exchange.clone());
        // A way on to a signed link is no page: it ends when the link does.
        if exchange.answer.as_ref().is_ok_and(|answer| answer.status == 200) {
            groups.trial("back.no_store", tried, exchange);
        }
    }
    let before = visitor.clone();
    let form = visitor.form("/account", "log-out-form").await?;
    let logged_out = visitor.submit("log-out", &form).await;
    if logged_out.status() != Some(303) {
        return Err(format!("web's log-out answered {}", logged_out.outcome()));
    }
    for (path, exchange) in looks(before).await {
        let tried = format!("GET {} after logging out", owner.told(&path));
        groups.row("back.log_out", owner.needles.row(AuthRole::Trial, tried, exchange, &path));
    }
    Ok(groups)
}
