//! What looked wrong once and is put right only where it still does a while later.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

/// Bounds memory. What finds no room is suspected later, once those before it are put right.
const AT_MOST: usize = 16_384;

/// Ids that looked wrong in every round since they first did. Time is counted by this process alone: the clocks of
/// machine, store and database may say what they like.
pub(super) struct Suspects {
    age: Duration,
    round: u64,
    seen: HashMap<Uuid, Seen>,
}

struct Seen {
    since: Instant,
    first: u64,
    last: u64,
}

impl Suspects {
    /// What looks wrong is believed after `age`, and never in the round in which it was first seen.
    pub(super) fn new(age: Duration) -> Self {
        Self { age, round: 0, seen: HashMap::new() }
    }

    /// It looks wrong now. Whether it is to be believed.
    pub(super) fn suspect(&mut self, id: Uuid) -> bool {
        if self.seen.len() >= AT_MOST && !self.seen.contains_key(&id) {
            return false;
        }
        let (age, round) = (self.age, self.round);
        let seen = self.seen.entry(id).or_insert(Seen { since: Instant::now(), first: round, last: round });
        seen.last = round;
        seen.first < round && seen.since.elapsed() >= age
    }

    /// It was put right.
    pub(super) fn settled(&mut self, id: Uuid) {
        self.seen.remove(&id);
    }

    /// Everything was looked at once: what did not look wrong this time is no suspect any more.
    pub(super) fn end_round(&mut self) {
        let round = self.round;
        self.seen.retain(|_, seen| seen.last == round);
        self.round += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn suspect_is_believed_after_its_time_and_never_in_its_first_round() {
        let (mut suspects, id) = (Suspects::new(Duration::from_secs(25)), Uuid::new_v4());
        assert!(!suspects.suspect(id));
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(!suspects.suspect(id), "the first round is not over");
        suspects.end_round();
        assert!(suspects.suspect(id));
    }

    #[tokio::test(start_paused = true)]
    async fn suspect_that_looked_right_in_between_begins_anew() {
        let (mut suspects, id) = (Suspects::new(Duration::from_secs(25)), Uuid::new_v4());
        suspects.suspect(id);
        suspects.end_round();
        suspects.end_round();
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(!suspects.suspect(id));
    }

    #[test]
    fn suspects_are_bounded() {
        let mut suspects = Suspects::new(Duration::ZERO);
        for _ in 0..2 * AT_MOST {
            suspects.suspect(Uuid::new_v4());
        }
        assert_eq!(suspects.seen.len(), AT_MOST);
    }
}
