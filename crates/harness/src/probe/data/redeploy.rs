//! Every service is stopped and started, as when each of them gets a new version.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{link_of, output, outputs, sign_in, somebody};
use crate::{
    event::Events,
    observation::{Redeployed, Seen},
    poll::{self, Attempt},
    probe::{http::Exchange, person::Person},
    runner::bring_up,
    running::RunningStack,
};

/// Somebody with outputs, from before.
const WHO: &str = "dora";
/// So many live on.
const LASTING: usize = 2;

/// By itself, because all is away for a while.
pub(super) async fn observe(running: &RunningStack, events: &Events) -> Seen<Redeployed> {
    let dora = sign_in(running, WHO).await?;
    for _ in 0..LASTING {
        output(&dora, super::TTL).await?;
    }
    let before = listed(&dora).await?;
    let mut bytes = BTreeMap::new();
    for image in &before {
        bytes.insert(image.clone(), picture(&dora, image).await?);
    }
    // The last one, so that its life ends while nobody is there to see it.
    let ttl = running.stack().options.ttl;
    let (_, ended) = output(&dora, &ttl.as_secs().to_string()).await?;
    let described = dora.get("redeploy.brief", &format!("/api/v1/images/{ended}")).await;
    let moment = described.answer?.text("/expires_at").ok_or("an output without its end")?;
    let moment = OffsetDateTime::parse(&moment, &Rfc3339).map_err(|error| format!("expires_at: {error}"))?;

    let (runner, stack) = (running.runner(), running.stack());
    let instances = running.instances();
    let stops = instances.iter().map(|instance| runner.stop(instance));
    futures::future::try_join_all(stops).await.map_err(|error| error.to_string())?;
    let up = bring_up(runner, stack, running.plan(), events).await;
    if let Some(failure) = up.failure {
        return Err(format!("after it was stopped and started, `{}` {}", failure.service, failure.last_seen));
    }

    let mut dora = somebody(running, WHO).await?;
    let login = dora.log_in("redeploy.login", None).await;
    let login = login.answer.map(|answer| answer.status);
    let mut seen = Redeployed {
        instances: instances.len(),
        login,
        before,
        after: BTreeSet::new(),
        same: BTreeSet::new(),
        ended: ended.clone(),
        ended_answer: Err("nobody could ask for it".into()),
        ended_gone_after: None,
    };
    if dora.token().is_none() {
        return Ok(seen);
    }
    let since = |moment: OffsetDateTime| Duration::try_from(OffsetDateTime::now_utc() - moment).ok();
    if let Ok(left) = Duration::try_from(moment - OffsetDateTime::now_utc()) {
        tokio::time::sleep(left).await;
    }
    seen.after = listed(&dora).await?;
    for (image, bytes) in &bytes {
        if picture(&dora, image).await.is_ok_and(|now| now == *bytes) {
            seen.same.insert(image.clone());
        }
    }
    let asked = dora.get("redeploy.ended", &format!("/api/v1/images/{ended}")).await;
    seen.ended_answer = asked.answer.map(|answer| answer.status);
    let gone = poll::until(stack.options.ttl_grace, || async {
        match outputs(running).await {
            Ok(objects) if objects.iter().any(|object| object.is_of(&ended)) => {
                Attempt::NotYet("its object is there".into())
            }
            Ok(_) => Attempt::Ready(since(moment)),
            Err(why) => Attempt::NotYet(why),
        }
    });
    seen.ended_gone_after = gone.await.ok().flatten();
    Ok(seen)
}

/// The outputs that somebody is shown.
async fn listed(person: &Person) -> Seen<BTreeSet<String>> {
    let exchange = person.get("redeploy.list", "/api/v1/images").await;
    let images =
        exchange.answer.as_ref().ok().filter(|answer| answer.status == 200).map(|answer| answer.json());
    let images = images.as_ref().and_then(|json| json.get("images")?.as_array());
    let images = images.ok_or_else(|| answered(&exchange))?;
    Ok(images.iter().filter_map(|image| Some(image.get("id")?.as_str()?.to_owned())).collect())
}

/// The bytes of an output, by a new link.
async fn picture(person: &Person, image: &str) -> Seen<Vec<u8>> {
    let link = link_of(person, image).await?;
    let exchange = person.with_token(None).get("redeploy.link", &link).await;
    match &exchange.answer {
        Ok(answer) if answer.status == 200 => Ok(answer.body.to_vec()),
        _ => Err(format!("the link of image {image} answered {}", exchange.outcome())),
    }
}

fn answered(exchange: &Exchange) -> String {
    format!("{} answered {}", exchange.request, exchange.outcome())
}
