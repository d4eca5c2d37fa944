//! Rows and objects, held against each other at the end of all that happened.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use super::{outputs, rows};
use crate::{
    observation::{Agreement, Seen},
    poll::{self, Attempt},
    running::RunningStack,
};

/// They agree within this: what has just expired is swept, and whoever puts things right comes by once what a dead worker
/// left is older than any job may take.
const AGREE_WITHIN: Duration = Duration::from_secs(45);
/// Between looks: each reads every object.
const INTERVAL: Duration = Duration::from_millis(500);

/// Looks until they agree, or time is up.
pub(super) async fn observe(running: &RunningStack) -> Seen<Agreement> {
    let since = Instant::now();
    let last = RefCell::new(Err("nobody looked".to_owned()));
    let agreed = poll::until_every(INTERVAL, AGREE_WITHIN, || async {
        let seen = look(running).await;
        let attempt = match &seen {
            Ok(seen) if seen.without_object.is_empty() && seen.without_row.is_empty() => Attempt::Ready(()),
            Ok(seen) => Attempt::NotYet(format!("{seen:?}")),
            Err(why) => Attempt::NotYet(why.clone()),
        };
        drop(last.replace(seen));
        attempt
    });
    // Whether they came to agree is for the check to say.
    drop(agreed.await);
    let seen = last.into_inner()?;
    Ok(Agreement { within: since.elapsed(), ..seen })
}

async fn look(running: &RunningStack) -> Seen<Agreement> {
    // The rows on both sides of the objects: what came or went meanwhile counts on no side.
    let before = rows::outputs(running).await?;
    let objects = outputs(running).await?;
    let after = rows::outputs(running).await?;
    let alive: Vec<&String> = before.iter().filter(|(_, alive)| **alive).map(|(id, _)| id).collect();
    let has_object = |id: &str| objects.iter().any(|object| object.is_of(id));
    let has_row = |name: &str| before.contains_key(name) || after.contains_key(name);
    Ok(Agreement {
        rows: alive.len(),
        without_object: alive
            .iter()
            .filter(|id| !has_object(id) && after.contains_key(**id))
            .map(|id| (*id).clone())
            .collect(),
        objects: objects.len(),
        without_row: objects
            .iter()
            .filter(|object| !has_row(&object.name))
            .map(|object| object.name.clone())
            .collect(),
        within: Duration::ZERO,
    })
}
