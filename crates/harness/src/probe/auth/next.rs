//! Where log-in sends people afterwards, when a link says where.

use super::stage::{Groups, Stage};
use crate::{
    observation::Seen,
    probe::visitor::{Visitor, encoded},
};

/// The group of the check.
pub(super) const GROUP: &str = "next";

/// Places that are not ours, as browsers read them.
const ELSEWHERE: &[&str] = &[
    "//elsewhere.example",
    "///elsewhere.example",
    "https://elsewhere.example/",
    "https:elsewhere.example",
    "/\\elsewhere.example",
    "\\\\elsewhere.example",
    "/\t/elsewhere.example",
    "/%2felsewhere.example",
    "%2f%2felsewhere.example",
    "/%5celsewhere.example",
    "/gallery/..//elsewhere.example",
    "/.//elsewhere.example",
    "//shakedown.localhost:8443@elsewhere.example",
    "javascript:alert(1)",
    "/gallery\r\nLocation: https://elsewhere.example",
];

/// Logs somebody in by each of them, from the page's address and by the form's field.
pub(super) async fn observe(stage: &Stage<'_>) -> Seen<Groups> {
    let client = stage.client(19).await?;
    stage.person(&client, "nora").await?;
    let mut groups = Groups::default();
    for next in ["/account"].iter().chain(ELSEWHERE) {
        let mut visitor = Visitor::new(&client, &stage.origin);
        let query = encoded(&[("next".to_owned(), (*next).to_owned())]);
        let form = visitor.form(&format!("/log-in?{query}"), "log-in-form").await?;
        let form = form.with("email", stage.email("nora")).with("password", stage.password());
        // The page may have left out what it did not like; whoever writes the form does not.
        let form = form.with("next", *next);
        let exchange = visitor.submit(GROUP, &form).await;
        let tried = format!("next={}", next.escape_default());
        if *next == "/account" {
            groups.control(GROUP, tried, exchange);
        } else {
            groups.trial(GROUP, tried, exchange);
        }
    }
    Ok(groups)
}
