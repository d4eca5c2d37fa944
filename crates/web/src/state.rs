//! What every handler may reach.

use std::sync::Arc;

use service::Readiness;

use crate::config::WebConfig;

/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct WebState {
    pub(crate) config: Arc<WebConfig>,
    client: reqwest::Client,
}

impl WebState {
    /// Opens no connection yet.
    pub(crate) fn new(config: WebConfig) -> reqwest::Result<Self> {
        Ok(Self { config: Arc::new(config), client: reqwest::Client::builder().no_proxy().build()? })
    }

    /// The probe behind `/ready`: the api alone, and of it only that it lives.
    pub(crate) fn readiness(&self) -> Readiness {
        let this = self.clone();
        Readiness::new().with("api", move || {
            let asked = this.client.get(format!("{}/health", this.config.api_url)).send();
            async move {
                match asked.await {
                    Ok(answer) if answer.status().is_success() => Ok(()),
                    Ok(answer) => Err(format!("/health answered {}", answer.status().as_u16())),
                    Err(error) => Err(service::error_chain(&error.without_url())),
                }
            }
        })
    }
}
