//! Compose's side: how it is asked, and its answer in the form that both sides are compared in.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Map, Value, json};

/// The command that answers as Compose 2, as words; or why there is none.
pub(crate) fn find() -> Result<Vec<String>, String> {
    let words: Vec<String> = match std::env::var("DOCKER_COMPOSE") {
        Ok(command) => command.split_whitespace().map(str::to_owned).collect(),
        Err(_) => vec!["docker".to_owned(), "compose".to_owned()],
    };
    let shown = words.join(" ");
    let output = Command::new(&words[0])
        .args(&words[1..])
        .args(["version", "--short"])
        .output()
        .map_err(|error| format!("`{shown}` could not be run: {error}"))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned();
    match version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major >= 2 => Ok(words),
        _ => Err(format!("`{shown}` does not answer as Compose 2")),
    }
}

/// `config --format json`.
pub(crate) fn config(
    authority: &[String],
    files: &[PathBuf],
    profiles: &[String],
    environment: &[(&str, &str)],
) -> Result<Value, String> {
    let mut command = Command::new(&authority[0]);
    command.args(&authority[1..]).env_clear().envs(environment.iter().copied());
    // Where the CLI and its plugins are.
    for name in ["PATH", "DOCKER_CONFIG"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    for file in files {
        command.arg("--file").arg(file);
    }
    for profile in profiles {
        command.args(["--profile", profile]);
    }
    let output = command.args(["config", "--format", "json"]).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("Compose refuses it: {}", String::from_utf8_lossy(&output.stderr)));
    }
    // Dollar signs are written so that the answer could be read as a Compose file again.
    let text = String::from_utf8_lossy(&output.stdout).replace("$$", "$");
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// The answer, reduced to what is compared.
pub(crate) fn shown(config: &Value) -> Value {
    let section = |key: &str, show: &dyn Fn(&str, &Value) -> Value| -> Value {
        let entries = config[key].as_object().cloned().unwrap_or_default();
        entries.iter().map(|(name, value)| (name.clone(), show(name, value))).collect::<Map<_, _>>().into()
    };
    let project = config["name"].as_str().unwrap_or_default().to_owned();
    let named = |key: &str| -> Value {
        let entries = config[key].as_object().cloned().unwrap_or_default();
        let show = |(name, value): (&String, &Value)| {
            let own = value["name"].as_str().filter(|own| *own != format!("{project}_{name}"));
            let external = value["external"] == true;
            // An external resource is known by its key when it has no name of its own.
            let own = own.filter(|own| !(external && own == name));
            let internal = value["internal"] == true;
            (name.clone(), json!({ "name": own, "external": external, "internal": internal }))
        };
        entries.iter().map(show).collect::<Map<_, _>>().into()
    };
    let secret =
        |_: &str, value: &Value| json!({ "file": value["file"], "environment": value["environment"] });
    json!({
        "name": project,
        "services": section("services", &|_, value| service(value, &config["services"])),
        "volumes": named("volumes"),
        "networks": named("networks"),
        "secrets": section("secrets", &secret),
    })
}

/// The values under a key, each shown.
fn each(value: &Value, key: &str, show: impl Fn(&Value) -> Value) -> Vec<Value> {
    value[key].as_array().into_iter().flatten().map(show).collect()
}

/// The entries under a key, each shown.
fn entries(value: &Value, key: &str, show: impl Fn(&Value) -> Value) -> Map<String, Value> {
    value[key].as_object().into_iter().flatten().map(|(name, value)| (name.clone(), show(value))).collect()
}

fn service(value: &Value, services: &Value) -> Value {
    let limits = &value["deploy"]["resources"]["limits"];
    let either = |one: &Value, other: &Value| if one.is_null() { other.clone() } else { one.clone() };
    let mut environment = entries(value, "environment", Value::clone);
    environment.retain(|_, value| !value.is_null());
    let mut depends_on = entries(value, "depends_on", |to| json!([to["condition"], to["required"]]));
    // Compose keeps what is not required and not there, and passes over it when it starts.
    depends_on.retain(|name, _| !services[name].is_null());
    let grace = &value["stop_grace_period"];
    let cpus = either(&value["cpus"], &limits["cpus"]);
    json!({
        "image": value["image"],
        "pull_policy": value["pull_policy"],
        "entrypoint": value["entrypoint"],
        "command": value["command"],
        "environment": environment,
        "labels": entries(value, "labels", Value::clone),
        "user": value["user"],
        "working_dir": value["working_dir"],
        "hostname": value["hostname"],
        "expose": each(value, "expose", |port| json!(text(port))),
        "ports": each(value, "ports", |port| json!([port["host_ip"], port["published"], text(&port["target"])])),
        "mounts": each(value, "volumes", |mount| {
            json!([mount["type"], source(mount), mount["target"], mount["read_only"] == true])
        }),
        "tmpfs": each(value, "tmpfs", Value::clone),
        "secrets": each(value, "secrets", secret),
        "depends_on": depends_on,
        "healthcheck": healthcheck(&value["healthcheck"]),
        "restart": value["restart"].as_str().unwrap_or("no"),
        "replicas": either(&either(&value["deploy"]["replicas"], &value["scale"]), &json!(1)),
        "read_only": value["read_only"] == true,
        "init": value["init"] == true,
        "cap_add": each(value, "cap_add", Value::clone),
        "cap_drop": each(value, "cap_drop", Value::clone),
        "security_opt": each(value, "security_opt", Value::clone),
        "memory": text(&either(&value["mem_limit"], &limits["memory"])),
        "shm_size": text(&value["shm_size"]),
        "pids": either(&value["pids_limit"], &limits["pids"]),
        "cpus": cpus.as_f64().or_else(|| cpus.as_str()?.parse().ok()),
        "stop_grace_period": if grace.is_null() { json!(10_000.0) } else { milliseconds(grace) },
        "stop_signal": value["stop_signal"],
        "networks": entries(value, "networks", |network| json!(each(network, "aliases", Value::clone))),
        "profiles": each(value, "profiles", Value::clone),
        "ulimits": entries(value, "ulimits", ulimit),
        "extra_hosts": each(value, "extra_hosts", |host| json!(text(host).replacen('=', ":", 1))),
    })
}

fn healthcheck(check: &Value) -> Value {
    if check.is_null() {
        return Value::Null;
    }
    let disabled = check["disable"] == true || check["test"][0] == "NONE";
    json!({
        "test": if disabled { json!([]) } else { check["test"].clone() },
        "interval": milliseconds(&check["interval"]),
        "timeout": milliseconds(&check["timeout"]),
        "start_period": milliseconds(&check["start_period"]),
        "retries": check["retries"],
    })
}

/// A text, or a number as text; empty when there is none.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The name of a volume, or a path; an absolute path is not tidied by Compose.
fn source(mount: &Value) -> Value {
    let text = text(&mount["source"]);
    let tidy: PathBuf = Path::new(&text).components().collect();
    json!(tidy)
}

fn ulimit(limit: &Value) -> Value {
    match limit {
        Value::Object(both) => json!([both["soft"], both["hard"]]),
        one => json!([one, one]),
    }
}

fn secret(mount: &Value) -> Value {
    let target = match mount["target"].as_str() {
        None => format!("/run/secrets/{}", text(&mount["source"])),
        Some(target) if target.starts_with('/') => target.to_owned(),
        Some(target) => format!("/run/secrets/{target}"),
    };
    json!([mount["source"], target])
}

/// `1h30m15.5s` as milliseconds.
fn milliseconds(value: &Value) -> Value {
    let Some(text) = value.as_str() else {
        return Value::Null;
    };
    let text = text.replace("ms", "M");
    let mut total = 0.0;
    let mut number = String::new();
    for character in text.chars() {
        let factor = match character {
            'h' => 3_600_000.0,
            'm' => 60_000.0,
            's' => 1_000.0,
            'M' => 1.0,
            other => {
                number.push(other);
                continue;
            }
        };
        total += number.parse::<f64>().unwrap() * factor;
        number.clear();
    }
    json!(total)
}
