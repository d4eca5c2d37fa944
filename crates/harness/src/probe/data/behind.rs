//! Half of an output is removed behind the services' back: its object, or its row.

use super::{link_of, output, outputs, rows, sign_in};
use crate::{
    observation::{Behind, Seen},
    probe::{http::Exchange, objects, person::Person},
    running::RunningStack,
};

/// Removes the object of one output and the row of another, and asks for both.
pub(super) async fn observe(running: &RunningStack) -> Seen<Behind> {
    let bela = sign_in(running, "bela").await?;
    let (one, other) = tokio::join!(output(&bela, super::TTL), output(&bela, super::TTL));
    let ((_, without_object), (job, without_row)) = (one?, other?);
    let links = [link_of(&bela, &without_object).await?, link_of(&bela, &without_row).await?];
    let orphan_was_there = outputs(running).await?.iter().any(|object| object.is_of(&without_row));
    objects::remove(running, &without_object).await?;
    rows::remove(running, &without_row).await?;
    Ok(Behind {
        object: about(&bela, "object", &without_object, &links[0], None).await,
        row: about(&bela, "row", &without_row, &links[1], Some(&job)).await,
        orphan: without_row,
        orphan_was_there,
    })
}

/// Everything that people may ask of an output; its deletion last.
async fn about(bela: &Person, half: &str, image: &str, link: &str, job: Option<&str>) -> Vec<Exchange> {
    let step = |request: &str| format!("behind.{half}.{request}");
    let path = format!("/api/v1/images/{image}");
    let mut asked = vec![
        bela.with_token(None).get(&step("link"), link).await,
        bela.get(&step("described"), &path).await,
        bela.get(&step("list"), "/api/v1/images").await,
    ];
    if let Some(job) = job {
        asked.push(bela.get(&step("job"), &format!("/api/v1/jobs/{job}")).await);
    }
    asked.push(bela.delete(&step("deletion"), &path).await);
    asked
}
