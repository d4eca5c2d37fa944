//! Collectors: each reads one kind of surface, whole, searches it for every canary, and proves by the control marker
//! that it read.

mod archive;
mod containers;
mod http;
mod layers;
mod logs;
mod postgres;
mod processes;
mod redis;
mod volumes;

pub use processes::watch;

use std::sync::Arc;

use crate::{
    canary::Search,
    event::Events,
    observation::{Seen, Surface},
    probe::inputs::INPUT,
    running::RunningStack,
};

/// Reads every surface of the running stack. To be called last: it sees what was left by all that happened before.
pub async fn observe(running: &RunningStack, events: &Events) -> Seen<Vec<Surface>> {
    let (search, behind) = (running.search(), Arc::new(running.search_behind_the_entrance()));
    let control = processes::start_control(running, &behind).await;
    let (logs, containers, processes, layers, volumes, postgres, redis) = tokio::join!(
        logs::read(running, &behind),
        containers::read(running, &behind),
        processes::read(running, &behind, &control),
        layers::read(running, &behind, &control),
        volumes::read(running, &behind),
        postgres::read(running, &behind),
        redis::read(running, &behind),
    );
    let mut surfaces = [logs, containers, processes, layers, volumes, postgres, redis].concat();
    surfaces.extend(http::read(running, &search).await);
    let bytes: usize = surfaces.iter().filter_map(|surface| surface.bytes.as_ref().ok()).sum();
    events.send(crate::event::Event::Note(format!("searched {} surfaces, {bytes} bytes", surfaces.len())));
    Ok(surfaces.into_iter().flat_map(divided).collect())
}

/// What a search of one surface's bytes gives.
fn searched(check: String, part: &str, bytes: Seen<Vec<u8>>, search: &Search) -> Surface {
    let (marker, findings) = match &bytes {
        Ok(bytes) => (search.sees_marker(bytes), search.findings(bytes)),
        Err(_) => (false, Vec::new()),
    };
    Surface { check, part: part.into(), bytes: bytes.map(|bytes| bytes.len()), marker, findings }
}

/// A surface is read once. What it holds of photos is judged by `inputs.*`, all else by `secrets.*`.
fn divided(surface: Surface) -> Vec<Surface> {
    let (inputs, secrets): (Vec<_>, Vec<_>) =
        surface.findings.iter().cloned().partition(|finding| finding.canary.starts_with(INPUT));
    if surface.check.starts_with("inputs.") {
        return vec![Surface { findings: inputs, ..surface }];
    }
    let of_inputs = match surface.check.split('.').nth(1) {
        Some("logs") => Some("inputs.logs"),
        Some("http") => Some("inputs.http"),
        Some("processes") => Some("inputs.processes"),
        _ => None,
    };
    let of_inputs =
        of_inputs.map(|check| Surface { check: check.into(), findings: inputs, ..surface.clone() });
    [Surface { findings: secrets, ..surface }].into_iter().chain(of_inputs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::{Finding, Form};

    #[test]
    fn photos_and_secrets_in_the_same_place_are_told_apart() {
        let finding = |canary: &str| Finding { canary: canary.into(), form: Form::Plain, offset: 1 };
        let findings = vec![finding("input.web.exif"), finding("redis_password")];
        let told = |check: &str| {
            let surface = Surface {
                check: check.into(),
                part: "api".into(),
                bytes: Ok(10),
                marker: true,
                findings: findings.clone(),
            };
            let told = divided(surface).into_iter().map(|surface| {
                let names: Vec<String> = surface.findings.into_iter().map(|found| found.canary).collect();
                (surface.check, names.join(" "))
            });
            told.collect::<Vec<_>>()
        };
        let pair = |check: &str, canary: &str| (check.to_owned(), canary.to_owned());
        let of_log = [pair("secrets.logs.api", "redis_password"), pair("inputs.logs", "input.web.exif")];
        assert_eq!(told("secrets.logs.api"), of_log);
        assert_eq!(told("inputs.volumes"), [pair("inputs.volumes", "input.web.exif")]);
        assert_eq!(told("secrets.inspect"), [pair("secrets.inspect", "redis_password")]);
    }
}
