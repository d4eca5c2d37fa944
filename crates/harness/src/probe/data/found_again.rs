//! Outputs that are looked for again, after something befell the whole stack: most live on, the life of one has ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use time::OffsetDateTime;

use super::{listed, moment_of, output, outputs, picture};
use crate::{
    observation::{FoundAgain, Seen},
    poll::{self, Attempt},
    probe::person::Person,
    running::RunningStack,
};

/// Outputs of one person, as they were before.
pub(super) struct Before {
    /// The bytes of those that are to live on.
    bytes: BTreeMap<String, Vec<u8>>,
    /// Another, whose life ends meanwhile.
    brief: String,
    /// When that is.
    pub(super) ends: OffsetDateTime,
}

impl Before {
    /// Makes an output with a brief life, and reads the others, which are there already.
    pub(super) async fn of(person: &Person, lasting: BTreeSet<String>, brief_ttl: &str) -> Seen<Self> {
        let mut bytes = BTreeMap::new();
        for image in lasting {
            let picture = picture(person, &image).await?;
            bytes.insert(image, picture);
        }
        // The last one, so that its life ends when nobody is there to see it.
        let (_, brief) = output(person, brief_ttl).await?;
        let ends = moment_of(person, &brief).await?;
        Ok(Self { bytes, brief, ends })
    }

    /// Looks for all of them, once the brief one has ended and everybody is back.
    pub(super) async fn found_again(self, running: &RunningStack, person: &Person) -> Seen<FoundAgain> {
        let Self { bytes, brief, .. } = self;
        let back = Instant::now();
        let after = listed(person).await?;
        let mut same = BTreeSet::new();
        for (image, bytes) in &bytes {
            if picture(person, image).await.is_ok_and(|now| now == *bytes) {
                same.insert(image.clone());
            }
        }
        let asked = person.get("data.ended", &format!("/api/v1/images/{brief}")).await;
        let gone = poll::until(running.stack().options.ttl_grace, || async {
            match outputs(running).await {
                Ok(objects) if objects.iter().any(|object| object.is_of(&brief)) => {
                    Attempt::NotYet("its object is there".into())
                }
                Ok(_) => Attempt::Ready(back.elapsed()),
                Err(why) => Attempt::NotYet(why),
            }
        });
        let ended_gone_after = gone.await.ok();
        Ok(FoundAgain {
            before: bytes.into_keys().collect(),
            after,
            same,
            ended: brief,
            ended_answer: asked.answer.map(|answer| answer.status),
            ended_gone_after,
        })
    }
}
