//! What every handler may reach.

use std::sync::Arc;

use service::Readiness;

use crate::api::Api;
use crate::config::WebConfig;

/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct WebState {
    pub(crate) config: Arc<WebConfig>,
    pub(crate) api: Api,
}

impl WebState {
    /// Opens no connection: web starts while the api is down, and is not ready.
    pub(crate) fn new(config: WebConfig) -> reqwest::Result<Self> {
        Ok(Self { api: Api::new(config.api_url.as_str())?, config: Arc::new(config) })
    }

    /// The probe behind `/ready`: the api alone, and of it only that it lives.
    pub(crate) fn readiness(&self) -> Readiness {
        let api = self.api.clone();
        Readiness::new().with("api", move || {
            let api = api.clone();
            async move { api.probe().await }
        })
    }
}
