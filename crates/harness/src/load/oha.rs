//! oha, the program that makes the load: what it is told to offer, and what it says came of it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::Deserialize;
use tokio::process::Command;

/// What is still under way when the time is up gets this long: longer than any service lets a request take.
const TO_END: Duration = Duration::from_mins(2);

/// Where requests go.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Scheme and authority, such as `https://shakedown.localhost:8443`.
    pub(super) origin: String,
    /// Where that really is.
    pub(super) address: SocketAddr,
    /// The file with the certificate of the one authority that is trusted, where there is TLS.
    pub(super) trusted: Option<PathBuf>,
}

/// Requests that are all alike.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// In a few words, for people.
    pub(super) what: String,
    pub(super) target: Target,
    /// Path, and query where there is one.
    pub(super) path: String,
    /// Headers such as `authorization: Bearer …`.
    pub(super) headers: Vec<String>,
    /// What is posted: a file and its content type.
    pub(super) body: Option<(PathBuf, String)>,
}

/// How often something is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Connections, each with one request at a time, kept alive.
    pub(super) connections: u32,
    /// Requests a second; as many as are answered where there is none.
    pub(super) per_second: Option<f64>,
    pub(super) lasts: Duration,
}

/// What came of requests that were all alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answers {
    /// Answers a second, whatever they said.
    pub(super) per_second: f64,
    /// Until the whole answer was there.
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// How often each status was answered.
    pub(super) statuses: BTreeMap<u16, u64>,
    /// How often there was no answer, by reason.
    pub(super) silent: BTreeMap<String, u64>,
}

impl Answers {
    /// How many answers there were.
    pub(super) fn count(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Answers of the 2xx kind.
    pub(super) fn fine(&self) -> u64 {
        self.of(|status| (200..300).contains(&status))
    }

    /// Refusals as an overloaded service makes them: 429 and 503.
    pub(super) fn refused(&self) -> u64 {
        self.of(|status| matches!(status, 429 | 503))
    }

    /// Requests that failed: no answer, or one that is neither 2xx nor such a refusal.
    pub(super) fn failed(&self) -> u64 {
        self.count() - self.fine() - self.refused() + self.silent.values().sum::<u64>()
    }

    /// Statuses and reasons with their numbers, for people: `200 × 41, 429 × 7`.
    pub(super) fn told(&self) -> String {
        let statuses = self.statuses.iter().map(|(status, times)| format!("{status} × {times}"));
        let silent = self.silent.iter().map(|(why, times)| format!("no answer ({why}) × {times}"));
        statuses.chain(silent).collect::<Vec<_>>().join(", ")
    }

    fn of(&self, kind: impl Fn(u16) -> bool) -> u64 {
        self.statuses.iter().filter(|(status, _)| kind(**status)).map(|(_, times)| times).sum()
    }
}

/// Runs oha, and returns what it says came of it.
pub(super) async fn offer(oha: &Path, ask: &Ask, pace: Pace) -> Result<Answers, String> {
    let mut command = Command::new(oha);
    command.args(arguments(ask, pace)?).stdin(Stdio::null()).kill_on_drop(true);
    if let Some(file) = &ask.target.trusted {
        // In place of everybody whom this machine trusts.
        command.env("SSL_CERT_FILE", file);
    }
    let told = |why: String| format!("{} under load, by {}: {why}", ask.what, oha.display());
    let ended = tokio::time::timeout(pace.lasts + TO_END, command.output()).await;
    let output = ended.map_err(|_| told(format!("no end {TO_END:?} after its time")))?;
    let output = output.map_err(|error| told(error.to_string()))?;
    if !output.status.success() {
        let last = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
        return Err(told(format!("{}: {last}", output.status)));
    }
    read(&output.stdout).map_err(told)
}

fn arguments(ask: &Ask, pace: Pace) -> Result<Vec<String>, String> {
    let Target { origin, address, trusted } = &ask.target;
    let mut arguments: Vec<String> =
        ["--no-tui", "--output-format", "json", "--redirect", "0", "-w"].map(str::to_owned).into();
    let mut give = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    give("-z", format!("{}ms", pace.lasts.as_millis()));
    give("-c", pace.connections.to_string());
    if let Some(per_second) = pace.per_second {
        // oha takes whole numbers above zero.
        give("-q", format!("{:.0}", per_second.max(1.0)));
    }
    if let Some(trusted) = trusted {
        give("--cacert", trusted.display().to_string());
        let (_, authority) = origin.split_once("://").ok_or_else(|| format!("`{origin}` is no origin"))?;
        let authority =
            if authority.contains(':') { authority.to_owned() } else { format!("{authority}:443") };
        give("--connect-to", format!("{authority}:{address}"));
    }
    for header in &ask.headers {
        give("-H", header.clone());
    }
    if let Some((file, content_type)) = &ask.body {
        give("-m", "POST".into());
        give("-T", content_type.clone());
        give("-D", file.display().to_string());
    }
    arguments.push(format!("{origin}{}", ask.path));
    Ok(arguments)
}

/// What oha prints as JSON, as far as it is of use here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    summary: Summary,
    latency_percentiles: BTreeMap<String, Option<f64>>,
    status_code_distribution: BTreeMap<u16, u64>,
    error_distribution: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Summary {
    /// Seconds.
    total: f64,
}

fn read(printed: &[u8]) -> Result<Answers, String> {
    let printed: Printed = serde_json::from_slice(printed)
        .map_err(|error| format!("what it printed was not understood: {error}"))?;
    let percentile = |name: &str| {
        let seconds = printed.latency_percentiles.get(name).copied().flatten();
        seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
    };
    let mut answers = Answers { p50: percentile("p50"), p99: percentile("p99"), ..Answers::default() };
    answers.statuses = printed.status_code_distribution;
    answers.silent = printed.error_distribution;
    answers.per_second = super::number(answers.count()) / printed.summary.total;
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = r#"{
        "summary": { "successRate": 1.0, "total": 2.0, "requestsPerSec": 500.0 },
        "latencyPercentiles": { "p10": 0.001, "p50": 0.0025, "p99": 0.04, "p99.9": null },
        "statusCodeDistribution": { "200": 41, "302": 1, "429": 7, "503": 3 },
        "errorDistribution": { "connection closed before message completed": 2 }
    }"#;

    #[test]
    fn what_oha_prints_is_understood() {
        let answers = read(PRINTED.as_bytes()).unwrap();
        assert_eq!(answers.p50, Duration::from_micros(2500));
        assert_eq!(answers.p99, Duration::from_millis(40));
        assert!((answers.per_second - 26.0).abs() < 1e-9, "{}", answers.per_second);
        assert_eq!((answers.count(), answers.fine(), answers.refused()), (52, 41, 10));
        assert!(read(b"{}").is_err());
    }

    #[test]
    fn a_request_fails_that_is_neither_answered_nor_refused() {
        let answers = read(PRINTED.as_bytes()).unwrap();
        assert_eq!(answers.failed(), 3, "{}", answers.told());
        let told = "200 × 41, 302 × 1, 429 × 7, 503 × 3, \
                    no answer (connection closed before message completed) × 2";
        assert_eq!(answers.told(), told);
    }

    #[test]
    fn the_entrance_is_asked_for_by_its_name_and_reached_where_it_is() {
        let target = Target {
            origin: "https://example.org".into(),
            address: ([127, 0, 0, 1], 4711).into(),
            trusted: Some("/run/authority.pem".into()),
        };
        let headers = vec!["authorization: Bearer x".into()];
        let ask = Ask { what: "list".into(), target, path: "/api/v1/images".into(), headers, body: None };
        let pace = Pace { connections: 8, per_second: Some(20.4), lasts: Duration::from_secs(5) };
        let arguments = arguments(&ask, pace).unwrap().join(" ");
        let expected = "--no-tui --output-format json --redirect 0 -w -z 5000ms -c 8 -q 20 \
                        --cacert /run/authority.pem --connect-to example.org:443:127.0.0.1:4711 \
                        -H authorization: Bearer x https://example.org/api/v1/images";
        assert_eq!(arguments, expected);
    }
}
