//! In which order services start, who waits for whom, and the stack as JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::Stack;

impl Stack {
    /// Services in levels: each depends only on services of levels before its own. Within a level, in the order of
    /// the definition.
    ///
    /// A stack that was read has no circles; of one made by hand, the services of a circle are left out.
    pub fn start_order(&self) -> Vec<Vec<&str>> {
        let mut levels = Vec::new();
        let mut started: BTreeSet<&str> = BTreeSet::new();
        loop {
            let level: Vec<&str> = self
                .services
                .iter()
                .filter(|(name, _)| !started.contains(name.as_str()))
                .filter(|(_, service)| service.depends_on.keys().all(|name| started.contains(name.as_str())))
                .map(|(name, _)| name.as_str())
                .collect();
            if level.is_empty() {
                return levels;
            }
            started.extend(&level);
            levels.push(level);
        }
    }

    /// Services that name this one in `depends_on`, in the order of the definition.
    pub fn dependents_of(&self, name: &str) -> Vec<&str> {
        self.services
            .iter()
            .filter(|(_, service)| service.depends_on.contains_key(name))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// The stack as JSON, durations in milliseconds (`*_ms`). Values of `planted_environment` are secrets and are
    /// not shown.
    pub fn to_json(&self) -> Value {
        let mut value =
            serde_json::to_value(self).unwrap_or_else(|error| json!({ "error": error.to_string() }));
        for planted in &self.options.planted_environment {
            let Some((service, variable)) = planted.split_once('.') else {
                continue;
            };
            let pointer = |part: &str| part.replace('~', "~0").replace('/', "~1");
            let path = format!("/services/{}/environment/{}", pointer(service), pointer(variable));
            if let Some(shown) = value.pointer_mut(&path) {
                *shown = json!("(planted, not shown)");
            }
        }
        value
    }
}
