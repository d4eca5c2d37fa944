//! Every HTTP body and header that any client of the run received, error pages included.

use super::searched;
use crate::{canary::Search, observation::Surface, running::RunningStack};

/// Searches bodies and headers, one surface each: the marker came back somewhere, because people signed up with it.
pub(super) fn read(running: &RunningStack, search: &Search) -> Vec<Surface> {
    let exchanges = running.recorder().exchanges();
    let answers = || {
        exchanges
            .iter()
            .filter_map(|exchange| Some((exchange, exchange.answer.as_ref().ok()?)))
    };
    let mut surfaces = Vec::new();
    for (check, part) in [("secrets.http.bodies", true), ("secrets.http.headers", false)] {
        let mut all = Vec::new();
        for (exchange, answer) in answers() {
            let bytes = if part {
                answer.body.to_vec()
            } else {
                let lines = answer
                    .headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}"));
                lines.collect::<Vec<_>>().join("\n").into_bytes()
            };
            let findings = search.findings(&bytes);
            if !findings.is_empty() {
                let part = format!("{} ({})", exchange.request, exchange.step);
                surfaces.push(Surface {
                    check: check.into(),
                    part,
                    bytes: Ok(bytes.len()),
                    marker: true,
                    findings,
                });
            }
            all.extend(bytes);
            all.push(b'\n');
        }
        let part = format!("{} answers", answers().count());
        surfaces.push(searched(check.into(), &part, Ok(all), search));
    }
    surfaces
}

/// Bearer tokens that were told to people in this run, by the step that told them.
pub fn secrets_told_to_people(running: &RunningStack) -> Vec<String> {
    let exchanges = running.recorder().exchanges();
    exchanges
        .iter()
        .filter_map(|exchange| exchange.answer.as_ref().ok()?.text("/token"))
        .collect()
}
