//! Every HTTP body and header that any client of the run received, error pages included.

use reqwest::Method;

use super::searched;
use crate::{canary::Search, observation::Surface, running::RunningStack};

/// Searches bodies and headers, one surface each. The marker came back in a body, because people signed up with it, and
/// in a header, because the api hands back a request's id.
pub(super) async fn read(running: &RunningStack, search: &Search) -> Vec<Surface> {
    if let Ok(api) = running.client_of("api").await {
        let marker = running.plan().run.marker.clone();
        api.send("marker", Method::GET, "/health", |request| request.header("x-request-id", marker)).await;
    }
    let exchanges = running.recorder().exchanges();
    let answers = || exchanges.iter().filter_map(|exchange| Some((exchange, exchange.answer.as_ref().ok()?)));
    let mut surfaces = Vec::new();
    for (check, part) in [("secrets.http.bodies", true), ("secrets.http.headers", false)] {
        let (mut read, mut marker, mut count) = (0, false, 0);
        let mut found = Vec::new();
        for (exchange, answer) in answers() {
            let bytes = if part {
                answer.body.to_vec()
            } else {
                let lines = answer.headers.iter().map(|(name, value)| format!("{name}: {value}"));
                lines.collect::<Vec<_>>().join("\n").into_bytes()
            };
            let told = format!("{} ({})", exchange.request, exchange.step);
            let surface = searched(check.into(), &told, Ok(bytes), search);
            read += surface.bytes.as_ref().unwrap_or(&0);
            marker |= surface.marker;
            count += 1;
            if !surface.findings.is_empty() {
                found.push(surface);
            }
        }
        // One answer need not have the marker; what reads them all has seen it.
        surfaces.extend(found.into_iter().map(|surface| Surface { marker, ..surface }));
        let part = format!("{count} answers");
        surfaces.push(Surface { check: check.into(), part, bytes: Ok(read), marker, findings: Vec::new() });
    }
    surfaces
}
