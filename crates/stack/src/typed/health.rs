//! The container engine's health check.

use super::values;
use crate::{keys, model::Healthcheck, reading::Reading, yaml::Node};

/// `healthcheck`. None: there is none in the file.
pub(crate) fn healthcheck(reading: &mut Reading<'_>, node: &Node, path: &str) -> Option<Healthcheck> {
    let node = node.get("healthcheck")?;
    let path = &format!("{path}.healthcheck");
    keys::mapping(reading, node, path, &keys::HEALTHCHECK)?;
    let disabled = reading.flag(node, path, "disable");
    let mut test = reading.texts_under(node, path, "test");
    match test.first().map(String::as_str) {
        Some("NONE") => test.clear(),
        Some("CMD" | "CMD-SHELL") if test.len() > 1 => {}
        Some("CMD" | "CMD-SHELL") => {
            reading.problem(node.place, format!("`{path}.test` has no command behind `{}`", test[0]));
        }
        Some(_) => {
            let place = node.get("test").map_or(node.place, |test| test.place);
            let message =
                format!("`{path}.test` does not begin with `CMD`, `CMD-SHELL` or `NONE`, as a list has to");
            reading.problem(place, message);
        }
        None => {}
    }
    if disabled {
        test.clear();
    }
    let retries = reading.number_under(node, path, "retries", values::WHOLE);
    Some(Healthcheck {
        at: reading.location(node.place),
        test,
        interval: reading.duration_under(node, path, "interval"),
        timeout: reading.duration_under(node, path, "timeout"),
        retries,
        start_period: reading.duration_under(node, path, "start_period"),
    })
}
