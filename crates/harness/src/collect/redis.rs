//! What Redis holds once every job has ended. Its files are read with those of all other instances.

use super::searched;
use crate::{
    canary::Search,
    observation::{Seen, Surface},
    probe::keyspace,
    running::RunningStack,
};

/// Reads names and values of all keys, among them one with the marker, and what Redis remembers of slow commands.
pub(super) async fn read(running: &RunningStack, search: &Search) -> Vec<Surface> {
    let (keys, slow) = match look(running).await {
        Ok((keys, slow)) => (Ok(keys), Ok(slow)),
        Err(why) => (Err(why.clone()), Err(why)),
    };
    let keys = searched("inputs.redis".into(), "keyspace", keys, search);
    // There need not be any slow command, so the marker in the keyspace, read by the same connection, stands for both.
    let slow =
        Surface { marker: keys.marker, ..searched("inputs.redis".into(), "slow commands", slow, search) };
    vec![keys, slow]
}

async fn look(running: &RunningStack) -> Seen<(Vec<u8>, Vec<u8>)> {
    let mut connection = keyspace::connect(running).await?;
    keyspace::keep(&mut connection, &running.plan().run.marker).await?;
    let keys = keyspace::read(&mut connection).await?;
    let bytes = keys.iter().flat_map(|key| [key.name.as_slice(), b"\n", &key.value, b"\n"].concat());
    let slow = keyspace::slow_commands(&mut connection).await?;
    Ok((bytes.collect(), slow))
}
