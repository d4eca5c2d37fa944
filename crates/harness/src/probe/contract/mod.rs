//! Holding documents beside what they describe: the settings beside the services, the `OpenAPI` document beside the api.

pub(crate) mod environment;
mod fuzz;
pub(crate) mod tour;

use crate::{
    observation::{Contract, Seen},
    running::RunningStack,
};

/// Reads the settings, asks every documented operation at least once, and has a fuzzer ask many more.
pub async fn observe(running: &RunningStack) -> Seen<Contract> {
    let environment = environment::observe(running).await;
    let document = match tour::document(running).await {
        Ok(document) => document,
        Err(why) => {
            return Ok(Contract {
                environment,
                document: Err(why.clone()),
                made_up: [].into(),
                fuzz: Err(why),
            });
        }
    };
    let (made_up, fuzz) = tokio::join!(tour::tell(running, &document), fuzz::observe(running, &document));
    Ok(Contract { environment, document: Ok(document), made_up, fuzz })
}
