//! What the plain port answers, to every path and method.

use super::{Raw, Written, ask_all, authority_of};
use crate::{
    observation::{Redirected, Seen},
    running::RunningStack,
};

const PATHS: [&str; 11] = [
    "/",
    "/log-in",
    "/gallery?page=2&next=%2Faccount%3Fx%3D1",
    "/api/v1/images",
    "/images/018f0000-0000-7000-8000-000000000000?expires=1&part=a%26b",
    "//elsewhere.example/",
    "/a/../b",
    "/%2e%2e/%2Fb",
    "/metrics",
    "/proxy/healthy",
    "/caf%C3%A9;x=1?",
];

/// Asks the plain port.
pub(super) async fn observe(running: &RunningStack, origin: &str) -> Seen<Vec<Redirected>> {
    let entrance = running.stack().options.entrance.as_ref();
    let entrance = entrance.ok_or("the definition names no `x-shakedown: entrance`")?;
    let port = entrance.plain_port.ok_or("the definition's entrance names no `plain_port`")?;
    let raw = Raw {
        address: running.endpoint(&entrance.service, port).await?,
        authority: authority_of(origin).into(),
        tls: None,
        recorder: running.recorder().clone(),
    };
    let mut all: Vec<Written> = PATHS.into_iter().map(Written::get).collect();
    all.extend(
        ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
            .map(|method| Written::get("/api/v1/images?x=1").by(method)),
    );
    all.extend(
        ["elsewhere.example", "localhost:1", "169.254.169.254"]
            .map(|host| Written::get("/log-in?x=1").with("host", host)),
    );
    all.push(Written::get("/log-in?x=1").with("x-forwarded-host", "elsewhere.example"));
    all.push(Written::get("/log-in?x=1").with("x-forwarded-proto", "https"));
    all.push(Written::get("/log-in?x=1").with("cookie", "__Host-session=none-of-anybody"));
    let targets: Vec<String> = all.iter().map(|written| written.target.clone()).collect();
    let rows = ask_all(&raw, "redirect", all.into_iter().map(|written| (written.to_string(), written))).await;
    Ok(rows.into_iter().zip(targets).map(|(row, target)| Redirected { row, target }).collect())
}
