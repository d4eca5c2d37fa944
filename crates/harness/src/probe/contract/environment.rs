//! Settings: in the files of the definition, in `.env.example`, in git's index, and in the services' own logs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use stack::{SecretSource, Service, Stack};
use tokio::process::Command;

use crate::{
    definition,
    observation::{Environment, GivenAndRead, Seen, Setting},
    running::RunningStack,
};

/// Our own programs are told the name of their deployment, and tell their settings.
const OURS: &str = "DEPLOYMENT_ENVIRONMENT";

/// Reads all of it.
pub(super) async fn observe(running: &RunningStack) -> Seen<Environment> {
    let stack = running.stack();
    let first = stack.files.first().ok_or("the definition was read from no file")?;
    let folder = std::path::absolute(first).map_err(|error| format!("{}: {error}", first.display()))?;
    let repository = definition::repository(&folder).ok_or("the definition lies in no repository")?;
    let mut seen = read(&repository, &stack.files)?;
    for (name, service) in &stack.services {
        seen.services.insert(name.clone(), given_and_read(running, name, service).await);
    }
    seen.tracked = tracked(&repository, stack).await;
    Ok(seen)
}

/// What stands in files.
pub(crate) fn read(repository: &Path, files: &[PathBuf]) -> Seen<Environment> {
    let text = |file: &Path| fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()));
    let mut taken = Vec::new();
    for file in files {
        taken.extend(interpolated(&name_of(file), &text(file)?));
    }
    let example = example(&text(&repository.join(".env.example"))?);
    let defaults: BTreeMap<&str, &str> =
        taken.iter().map(|setting| (setting.name.as_str(), setting.default.as_str())).collect();
    let untouched = |name: &str| defaults.get(name).map(ToString::to_string);
    let stack = stack::read(files, &untouched, &[]).map_err(|error| error.to_string())?;
    let variables = stack.services.iter().flat_map(|(service, defined)| {
        defined.environment.iter().map(move |(name, value)| Setting {
            name: name.clone(),
            default: value.clone(),
            place: format!("{}: service `{service}`", name_of(&defined.at.file)),
            explained: true,
        })
    });
    Ok(Environment { taken, example, by_default: variables.collect(), ..Environment::default() })
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

/// Every `${NAME:-default}` of a Compose file, comments and container images aside, each pair once.
fn interpolated(file: &str, text: &str) -> Vec<Setting> {
    let mut found: Vec<Setting> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#')) {
        for inside in line.replace("$$", "").split("${").skip(1) {
            let inside = inside.split('}').next().unwrap_or_default();
            let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
            let known = found.iter().any(|setting| setting.name == name && setting.default == default);
            if name.ends_with("_IMAGE") || known {
                continue;
            }
            let place = format!("{file}:{}", index + 1);
            found.push(Setting { name: name.into(), default: default.into(), place, explained: true });
        }
    }
    found
}

/// `# text` explains, `#NAME=default` is a variable that may be set, `NAME=value` one that is.
fn example(text: &str) -> Vec<Setting> {
    let mut before = "";
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let variable = line.strip_prefix('#').unwrap_or(line);
        if let Some((name, default)) = variable.split_once('=').filter(|_| !variable.starts_with(' ')) {
            let place = format!(".env.example:{}", index + 1);
            let explained = before.starts_with("# ");
            found.push(Setting { name: name.into(), default: default.into(), place, explained });
        }
        before = line;
    }
    found
}

/// None: the service is not ours.
async fn given_and_read(running: &RunningStack, name: &str, service: &Service) -> Option<Seen<GivenAndRead>> {
    let log = running.runner().logs(name, None).await;
    let log = log.map(|log| String::from_utf8_lossy(&log).into_owned()).map_err(|error| error.to_string());
    let read = match log.map(|log| settings_in(&log)) {
        Ok(Some(read)) => Ok(read),
        _ if !service.environment.contains_key(OURS) => return None,
        Ok(None) => Err(format!("the log of `{name}` has no line `starting` with its settings")),
        Err(why) => Err(why),
    };
    let given = service.environment.keys().cloned().collect();
    Some(read.map(|read| GivenAndRead { given, read }))
}

/// The field `settings` of the first JSON line that says `starting`.
fn settings_in(log: &str) -> Option<BTreeSet<String>> {
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let starting = lines.find(|line| line.get("message").and_then(Value::as_str) == Some("starting"))?;
    let settings = starting.get("settings")?.as_str()?;
    Some(settings.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// None: there is no git, or no index, to look into.
async fn tracked(repository: &Path, stack: &Stack) -> Option<Seen<Vec<String>>> {
    if !repository.join(".git").exists() {
        return None;
    }
    let listed = Command::new("git").arg("-C").arg(repository).args(["ls-files", "-z"]).output().await;
    let listed = match listed {
        Ok(listed) if listed.status.success() => listed.stdout,
        Ok(listed) => return Some(Err(format!("`git ls-files` ended with {}", listed.status))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Err(format!("`git ls-files`: {error}"))),
    };
    let secrets: Vec<PathBuf> = stack
        .secrets
        .values()
        .filter_map(|secret| match &secret.source {
            SecretSource::File(file) => Some(file.strip_prefix(repository).unwrap_or(file).to_path_buf()),
            SecretSource::Environment(_) => None,
        })
        .collect();
    let listed = String::from_utf8_lossy(&listed);
    let holds = |file: &&str| secrets.iter().any(|secret| secret == Path::new(file)) || looks_secret(file);
    Some(Ok(listed.split('\0').filter(holds).map(str::to_owned).collect()))
}

/// Names under which people keep secrets.
fn looks_secret(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    let is_env = name == ".env" || name.starts_with(".env.") && name != ".env.example";
    is_env
        || [".pem", ".key", ".p12", ".pfx"].iter().any(|end| name.ends_with(end))
        || ["id_rsa", "id_ed25519", ".netrc", ".pgpass"].contains(&name)
        || file.starts_with("compose/secrets/") && name != ".gitignore"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(settings: Vec<Setting>) -> Vec<(String, String, bool)> {
        settings.into_iter().map(|setting| (setting.name, setting.default, setting.explained)).collect()
    }

    #[test]
    fn variables_of_a_definition_are_found_with_their_defaults_and_no_images() {
        let text = "a: ${A:-1}\n# ${NOT}\nb: \"${A:-1} ${B}\"\nimage: ${X_IMAGE:-x}\nc: $${C}\nd: ${A:-2}\n";
        let found = interpolated("compose.yaml", text);
        assert_eq!(found[1].place, "compose.yaml:3");
        let found: Vec<_> = pairs(found).into_iter().map(|(name, default, _)| (name, default)).collect();
        let expected = [("A", "1"), ("B", ""), ("A", "2")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(found, expected);
    }

    #[test]
    fn an_example_explains_each_variable_in_the_line_above() {
        let found = pairs(example("# Says what A is = good\n#A=1\n\n#B=2\nC=3\n"));
        let expected = [("A", "1", true), ("B", "2", false), ("C", "3", false)];
        assert_eq!(found, expected.map(|(name, value, explained)| (name.into(), value.into(), explained)));
    }

    #[test]
    fn settings_are_read_from_the_line_that_says_starting() {
        let log =
            "plain text\n{\"message\":\"starting\",\"settings\":\"A,B_FILE\"}\n{\"message\":\"starting\"}\n";
        assert_eq!(settings_in(log), Some(["A".to_owned(), "B_FILE".to_owned()].into()));
        assert_eq!(settings_in("{\"message\":\"starting\"}"), None);
        assert_eq!(settings_in(""), None);
    }

    #[test]
    fn files_that_hold_secrets_are_known_by_their_names() {
        for file in [".env", "compose/.env", ".env.local", "tls/server.pem", "compose/secrets/redis_password"]
        {
            assert!(looks_secret(file), "{file}");
        }
        for file in [".env.example", "compose/secrets/.gitignore", "src/keys.rs", "environment.rs"] {
            assert!(!looks_secret(file), "{file}");
        }
    }
}
