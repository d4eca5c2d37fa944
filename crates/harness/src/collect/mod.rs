//! Collectors: each reads one kind of surface, whole, searches it for every canary, and proves by the control marker
//! that it read.

mod containers;
mod http;
mod logs;
mod processes;

pub use processes::watch;

use crate::{
    canary::Search,
    event::Events,
    observation::{Seen, Surface},
    running::RunningStack,
};

/// Reads every surface of the running stack. To be called last: it sees what was left by all that happened before.
pub async fn observe(running: &RunningStack, events: &Events) -> Seen<Vec<Surface>> {
    let (search, behind) = (running.search(), running.search_behind_the_entrance());
    let (logs, containers, processes) = tokio::join!(
        logs::read(running, &behind),
        containers::read(running, &behind),
        processes::read(running, &behind)
    );
    let mut surfaces = logs;
    surfaces.extend(containers);
    surfaces.extend(processes);
    surfaces.extend(http::read(running, &search).await);
    let bytes: usize = surfaces.iter().filter_map(|surface| surface.bytes.as_ref().ok()).sum();
    events.send(crate::event::Event::Note(format!("searched {} surfaces, {bytes} bytes", surfaces.len())));
    Ok(surfaces)
}

/// What a search of one surface's bytes gives.
fn searched(check: String, part: &str, bytes: Seen<Vec<u8>>, search: &Search) -> Surface {
    let (marker, findings) = match &bytes {
        Ok(bytes) => (search.sees_marker(bytes), search.findings(bytes)),
        Err(_) => (false, Vec::new()),
    };
    Surface { check, part: part.into(), bytes: bytes.map(|bytes| bytes.len()), marker, findings }
}
