//! Schemathesis: a fuzzer that reads the `OpenAPI` document and looks for answers that it does not allow.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::process::Command;

use crate::{
    observation::{Fuzz, Seen, Tried},
    probe::person::Person,
    running::RunningStack,
};

/// Any number; always the same one, so that every run asks the same.
const SEED: u64 = 20_261_121;
/// Requests that it thinks of for each operation, besides those that follow from the document alone.
const EXAMPLES: u32 = 8;
/// It is done long before, even on a machine that has much else to do.
const WITHIN: Duration = Duration::from_mins(1);
/// Nobody has this address (RFC 5737): its requests count to no other client's limit.
const ADDRESS: &str = "192.0.2.50";
/// The variable in which it finds the token: arguments can be seen by everybody on the machine.
const TOKEN: &str = "SHAKEDOWN_FUZZ_TOKEN";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance";

/// Lets it ask one replica of the api, as a person of its own.
pub(super) async fn observe(running: &RunningStack, document: &Value) -> Seen<Tried> {
    let Some(program) = program() else {
        return Ok(Tried::Without("schemathesis is not installed; `make bootstrap` installs it".into()));
    };
    let service = running.service("api")?;
    let ready = service.ready.as_ref().ok_or("service `api` has no `ready`")?;
    let address = running.endpoint("api", crate::runner::port_of(ready)).await?;
    let token = token(running).await?;
    let folder = running.plan().run.folder.join("schemathesis");
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    let config =
        format!("headers = {{ Authorization = \"Bearer ${{{TOKEN}}}\", X-Forwarded-For = \"{ADDRESS}\" }}\n");
    fs::write(folder.join("schemathesis.toml"), config).map_err(failed)?;
    fs::write(folder.join("openapi.json"), without_servers(document).to_string()).map_err(failed)?;
    let mut command = Command::new(program);
    command
        .current_dir(&folder)
        .env(TOKEN, token)
        .args(["--config-file", "schemathesis.toml", "run", "openapi.json", "--no-color"])
        .args(["--url", &format!("http://{address}")])
        .args(["--phases", "examples,coverage,fuzzing", "--checks", CHECKS])
        .args(["--seed", &SEED.to_string(), "--max-examples", &EXAMPLES.to_string()])
        .args(["--generation-database", "none", "--report", "json", "--report-json-path", "report.json"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for ends_its_session in operations(document, "delete", "/v1/sessions") {
        command.args(["--exclude-operation-id", &ends_its_session]);
    }
    let ended = tokio::time::timeout(WITHIN, command.output()).await;
    let ended = ended.map_err(|_| format!("schemathesis was not done within {} s", WITHIN.as_secs()))?;
    let told = String::from_utf8_lossy(&ended.map_err(|error| format!("schemathesis: {error}"))?.stdout)
        .into_owned();
    let report = fs::read(folder.join("report.json")).map_err(|_| {
        let last: Vec<&str> = told.lines().filter(|line| !line.trim().is_empty()).collect();
        format!("schemathesis left no report; it said: {}", last[last.len().saturating_sub(3)..].join(" / "))
    })?;
    let report =
        serde_json::from_slice(&report).map_err(|error| format!("the report of schemathesis: {error}"))?;
    summary(&report, &told).map(Tried::Fuzzed)
}

/// Where `make bootstrap` puts it, or anywhere on `PATH`.
fn program() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    let own = cache.map(|cache| cache.join("shakedown/schemathesis/bin"));
    let folders = env::var_os("PATH").unwrap_or_default();
    let found = own.into_iter().chain(env::split_paths(&folders)).map(|folder| folder.join("schemathesis"));
    found.into_iter().find(|file: &PathBuf| Path::is_file(file))
}

async fn token(running: &RunningStack) -> Seen<String> {
    let email = format!("fuzz-{}@example.org", running.plan().run.marker);
    let mut person = Person::new(&running.entrance().await?, &email, running.password().reveal());
    person.sign_up("contract.fuzz.sign_up").await;
    let logged_in = person.log_in("contract.fuzz.login", None).await;
    let told = || format!("the fuzzer has no session: logging in answered {}", logged_in.outcome());
    person.token().map(str::to_owned).ok_or_else(told)
}

/// Operations of a method below a path, by their ids.
fn operations(document: &Value, method: &str, below: &str) -> Vec<String> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    let found = paths.filter(|(path, _)| path.starts_with(below));
    found.filter_map(|(_, item)| Some(item.get(method)?.get("operationId")?.as_str()?.to_owned())).collect()
}

/// The document without the addresses that people use: the replica is asked directly.
fn without_servers(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(document) = document.as_object_mut() {
        document.remove("servers");
    }
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(|paths| paths.values_mut()).filter_map(Value::as_object_mut) {
        item.remove("servers");
    }
    document
}

/// What matters of its report, and the commands that it told.
fn summary(report: &Value, told: &str) -> Seen<Fuzz> {
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
    if report.get("complete").and_then(Value::as_bool) != Some(true) {
        let why = report.get("stop_reason").and_then(Value::as_str).unwrap_or("for no reason that it told");
        return Err(format!("schemathesis did not come to its end: {why}"));
    }
    let list = |name: &str| report.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
    let mut found = Vec::new();
    for failure in list("failures") {
        let operations = failure.get("operations").and_then(Value::as_array).into_iter().flatten();
        let operations: Vec<&str> = operations.filter_map(Value::as_str).collect();
        found.push(format!("{} ({})", text(&failure, "title"), operations.join(", ")));
    }
    if let Some(error) = list("errors").first() {
        return Err(format!("schemathesis could not work: {}", text(error, "title")));
    }
    let again = told.lines().map(str::trim).filter(|line| line.starts_with("curl "));
    Ok(Fuzz {
        seed: number("/seed"),
        cases: number("/test_cases/generated"),
        tried: (number("/operations/tested"), number("/operations/selected")),
        found,
        again: again.map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(failures: &Value) -> Value {
        json!({
            "seed": 7, "complete": true, "errors": [], "failures": failures,
            "operations": { "tested": 2, "selected": 2 }, "test_cases": { "generated": 40 },
        })
    }

    #[test]
    fn a_report_is_told_with_what_shows_it_again() {
        let failures = json!([{ "title": "Server error", "operations": ["GET /v1/a"] }]);
        let told =
            "Reproduce with:\n\n    curl -X GET -H 'Authorization: [Filtered]' http://127.0.0.1/v1/a\n";
        let fuzz = summary(&report(&failures), told).unwrap();
        assert_eq!(fuzz.found, ["Server error (GET /v1/a)"]);
        assert_eq!(fuzz.again, ["curl -X GET -H 'Authorization: [Filtered]' http://127.0.0.1/v1/a"]);
        assert_eq!((fuzz.seed, fuzz.cases, fuzz.tried), (7, 40, (2, 2)));
    }

    #[test]
    fn a_run_that_was_cut_short_or_could_not_work_tells_nothing() {
        assert!(
            summary(&json!({ "complete": false, "stop_reason": "interrupted" }), "")
                .unwrap_err()
                .contains("interrupted")
        );
        let mut broken = report(&json!([]));
        broken["errors"] = json!([{ "title": "Connection failed" }]);
        assert!(summary(&broken, "").unwrap_err().contains("Connection failed"));
    }

    #[test]
    fn what_ends_its_own_session_and_where_people_go_is_left_out() {
        let document = json!({
            "servers": [1], "paths": {
                "/v1/sessions": { "delete": { "operationId": "logOutEverywhere" }, "post": { "operationId": "logIn" } },
                "/images/{id}": { "servers": [1], "get": {} },
            },
        });
        assert_eq!(operations(&document, "delete", "/v1/sessions"), ["logOutEverywhere"]);
        assert!(!without_servers(&document).to_string().contains("servers"));
    }
}
