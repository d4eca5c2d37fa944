//! Why a service did not come up: what is known of it, and what that most likely means.

use serde::Serialize;
use stack::{Location, Service};

use crate::{
    canary::Search,
    runner::{Phase, State},
};

/// How many lines of a log a failure shows.
pub const LOG_LINES: usize = 40;

/// A service that did not come up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The instance.
    pub service: String,
    /// Where the definition has it.
    pub defined_at: Location,
    /// What was last seen of it.
    pub last_seen: String,
    /// Its state in words.
    pub state: String,
    /// Its exit code, where it has ended.
    pub exit_code: Option<i64>,
    /// The last lines of its log.
    pub log: Vec<String>,
    /// What this most likely means, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likely_cause: Option<String>,
}

impl Failure {
    /// Puts together what is known.
    pub fn of(
        instance: &str,
        service: &Service,
        last_seen: String,
        state: Option<State>,
        log: &[u8],
    ) -> Self {
        let text = String::from_utf8_lossy(log);
        let lines: Vec<&str> = text.lines().collect();
        let log: Vec<String> =
            lines[lines.len().saturating_sub(LOG_LINES)..].iter().map(ToString::to_string).collect();
        let likely_cause = likely_cause(service, &last_seen, state.as_ref(), &log);
        Self {
            service: instance.into(),
            defined_at: service.at.clone(),
            last_seen,
            exit_code: state.as_ref().and_then(|state| state.exit_code),
            state: state.map_or_else(|| "unknown".into(), |state| state.describe()),
            log,
            likely_cause,
        }
    }

    /// The same with every planted secret taken out, fit to be shown.
    #[must_use]
    pub fn redacted(mut self, search: &Search) -> Self {
        self.last_seen = search.redact(&self.last_seen);
        self.log = self.log.iter().map(|line| search.redact(line)).collect();
        self.likely_cause = self.likely_cause.map(|cause| search.redact(&cause));
        self
    }
}

/// What experience says. Each rule is tied to something that was seen, never to a mere absence.
fn likely_cause(service: &Service, last_seen: &str, state: Option<&State>, log: &[String]) -> Option<String> {
    let exit_code = state.filter(|state| state.phase == Phase::Exited).and_then(|state| state.exit_code);
    let said = |words: &str| log.iter().rev().find(|line| line.contains(words));
    if last_seen.contains("port is already allocated") || last_seen.contains("address already in use") {
        let taken = |port: &&stack::PublishedPort| {
            port.host_port.is_some_and(|host_port| last_seen.contains(&format!(":{host_port}")))
        };
        let port = service.ports.iter().find(taken).and_then(|port| Some((port.host_port?, &port.at)));
        return Some(match port {
            Some((host_port, at)) => format!(
                "host port {host_port} ({at}) is taken by another program; stop it, or choose another port"
            ),
            None => "a host port is taken by another program; stop it, or choose another port".into(),
        });
    }
    if last_seen.contains("exec format error") || said("exec format error").is_some() {
        return Some("the container image is built for another architecture than this machine's".into());
    }
    // 127 is what an init process or a shell ends with when it finds no program of that name.
    let not_found = ["executable file not found", "no such file or directory"];
    if exit_code == Some(127) || not_found.iter().any(|words| last_seen.contains(words)) {
        return Some(format!(
            "image {} has no such program: is it the right image for this service ({})?",
            service.image, service.image_at
        ));
    }
    if state.is_some_and(|state| state.oom_killed) {
        return Some("its memory limit (`mem_limit`) is too low for what it does at start".into());
    }
    if exit_code == Some(137) {
        return Some(
            "it was killed by signal 9 from outside: by a person, by the system for want of memory, or by a Nix \
             build that ended and shares its user id"
                .into(),
        );
    }
    if let Some(down) = dependency_down(last_seen) {
        return Some(format!("its dependency {down}"));
    }
    if let Some(line) = said("refusing to start") {
        return Some(format!("a setting is wrong: {}", message_of(line)));
    }
    if exit_code.is_some_and(|code| code != 0) {
        return log.last().map(|line| format!("its last words were: {}", message_of(line)));
    }
    None
}

/// Which dependency a `/ready` body says is down, such as `redis is down: connection refused`.
fn dependency_down(last_seen: &str) -> Option<String> {
    let body = &last_seen[last_seen.find('{')?..=last_seen.rfind('}')?];
    let json: serde_json::Value = serde_json::from_str(body).ok()?;
    json.get("dependencies")?.as_object()?.iter().find_map(|(name, entry)| {
        let down = entry.get("status")?.as_str()? == "down";
        let error = entry.get("error").and_then(|error| error.as_str()).unwrap_or("no reason given");
        down.then(|| format!("{name} is down as seen from there: {error}"))
    })
}

/// The message of a JSON log line, or the line itself.
fn message_of(line: &str) -> String {
    let json: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let field = |json: &serde_json::Value, name: &str| {
        json.get(name).or_else(|| json.get("fields")?.get(name))?.as_str().map(str::to_owned)
    };
    json.and_then(|json| {
        let message = field(&json, "message")?;
        Some(field(&json, "error").map_or(message.clone(), |error| format!("{message}: {error}")))
    })
    .unwrap_or_else(|| line.trim().to_owned())
}
