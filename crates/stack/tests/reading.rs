//! What is read, where no snapshot says it better.
#![allow(clippy::unwrap_used, reason = "a test that fails by unwrap says where")]

use std::{fs, time::Duration};

use stack::{Condition, EntranceTls, Kind, Readiness, Stack};

/// Reads one file with these profiles and a `.env`.
fn read_with(text: &str, dotenv: &str, profiles: &[&str]) -> Stack {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yaml");
    fs::write(&file, text).unwrap();
    fs::write(folder.path().join(".env"), dotenv).unwrap();
    let profiles: Vec<String> = profiles.iter().map(|profile| (*profile).to_owned()).collect();
    let environment = |name: &str| match name {
        "SET" => Some("from the shell".to_owned()),
        "TOKEN" => Some("hunter2".to_owned()),
        _ => None,
    };
    stack::read(&[file], &environment, &profiles).unwrap_or_else(|error| panic!("{}", error.excerpts()))
}

fn read(text: &str) -> Stack {
    read_with(text, "", &[])
}

#[test]
fn the_shell_wins_over_dotenv() {
    let text = "services: {a: {image: \"${SET} ${ONLY}\"}}";
    let stack = read_with(text, "SET=from the file\nONLY=from the file\n", &[]);
    assert_eq!(stack.services["a"].image, "from the shell from the file");
}

#[test]
fn a_variable_that_is_not_set_is_warned_about_once_with_its_place() {
    let stack = read("services:\n  a:\n    image: x${UNSET}\n    user: 1${UNSET}\n");
    assert_eq!(stack.services["a"].image, "x");
    let [warning] = stack.warnings.as_slice() else { panic!("{:?}", stack.warnings) };
    assert_eq!((warning.at.line, warning.at.column), (3, 13));
    assert_eq!(warning.message, "variable UNSET is not set; an empty text stands in for it");
}

#[test]
fn services_of_a_profile_are_in_when_it_is_enabled() {
    let text = "services: {a: {image: x}, b: {image: x, profiles: [p, q]}, c: {image: x, profiles: [r]}}";
    let names =
        |profiles: &[&str]| read_with(text, "", profiles).services.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&[]), ["a"]);
    assert_eq!(names(&["q"]), ["a", "b"]);
    assert_eq!(names(&["*"]), ["a", "b", "c"]);
}

#[test]
fn problems_of_a_service_that_is_left_out_matter_to_nobody() {
    let text = "services: {a: {image: x}, b: {image: x, profiles: [p], volumes: [\"nowhere:/x\"], depends_on: [none]}}";
    assert_eq!(read(text).services.len(), 1);
}

#[test]
fn a_project_is_named_by_its_file_and_else_by_its_folder() {
    assert_eq!(read("name: mine\nservices: {a: {image: x}}").name, "mine");
    assert_eq!(
        read_with("name: mine\nservices: {a: {image: x}}", "COMPOSE_PROJECT_NAME=other", &[]).name,
        "other"
    );
    let unnamed = read("services: {a: {image: \"${COMPOSE_PROJECT_NAME}\"}}");
    assert!(!unnamed.name.is_empty());
    assert_eq!(unnamed.services["a"].image, unnamed.name);
}

#[test]
fn our_extensions_are_read() {
    let stack = read(
        "
services:
  db:
    image: x
    x-shakedown:
      restarts: 2
      ready: {postgres: {port: 5432, user: u, database: d, password_secret: s}}
  queue:
    image: x
    x-shakedown: {ready: {redis: {port: 6379}}}
  migrate:
    image: x
    depends_on: {db: {condition: service_healthy}}
    x-shakedown: {kind: oneshot}
  web:
    image: x
    environment: {TOKEN: }
    depends_on: {migrate: {condition: service_completed_successfully}}
    x-shakedown: {ready: {http: {port: 80, path: /ready, body: ok}}}
secrets: {s: {file: ./s}, c: {file: ./c}, k: {file: ./k}, unused: {file: ./u}}
x-other: {anything: [goes]}
x-shakedown:
  entrance: {service: web, port: 443, plain_port: 80, tls: {certificate: c, key: k}}
  ttl: 1m30s
  ttl_grace: 500ms
  planted_environment: [web.TOKEN]
  gate_environment: {LINK_TTL_SECONDS: 5}
",
    );
    assert_eq!(stack.services["migrate"].kind, Kind::Oneshot);
    assert_eq!(stack.services["db"].restart_budget, 2);
    assert_eq!(
        stack.services["web"].depends_on["migrate"].condition,
        Condition::ServiceCompletedSuccessfully
    );
    assert_eq!(stack.services["queue"].ready, Some(Readiness::Redis { port: 6379, password_secret: None }));
    let Some(Readiness::Postgres { query, .. }) = &stack.services["db"].ready else { panic!() };
    assert_eq!(query, "SELECT 1");
    let body = Some("ok".to_owned());
    let http = Readiness::Http { port: 80, path: "/ready".to_owned(), status: 200, body };
    assert_eq!(stack.services["web"].ready, Some(http));
    assert_eq!(stack.options.ttl, Duration::from_secs(90));
    assert_eq!(stack.options.ttl_grace, Duration::from_millis(500));
    assert_eq!(stack.options.gate_environment["LINK_TTL_SECONDS"], "5");
    assert_eq!(stack.options.settle, Duration::from_secs(3));
    let entrance = stack.options.entrance.as_ref().unwrap();
    assert_eq!((entrance.service.as_str(), entrance.port, entrance.plain_port), ("web", 443, Some(80)));
    assert_eq!(entrance.tls, Some(EntranceTls { certificate: "c".into(), key: "k".into() }));
    let secrets: Vec<&str> = stack.secrets.keys().map(String::as_str).collect();
    assert_eq!(secrets, ["c", "k", "s"], "a secret that only a probe or the entrance uses stays");
    assert_eq!(stack.start_order(), [vec!["db", "queue"], vec!["migrate"], vec!["web"]]);
    assert_eq!(stack.dependents_of("db"), ["migrate"]);

    assert_eq!(stack.services["web"].environment["TOKEN"], "hunter2");
    let json = stack.to_json().to_string();
    assert!(!json.contains("hunter2") && json.contains("(planted, not shown)"), "{json}");
    assert!(json.contains("\"ttl_ms\":90000"), "{json}");
}

#[test]
fn relative_paths_of_an_overlay_count_from_the_first_files_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (base, overlay) = (folder.path().join("base/compose.yaml"), folder.path().join("else/overlay.yaml"));
    fs::create_dir_all(base.parent().unwrap()).unwrap();
    fs::create_dir_all(overlay.parent().unwrap()).unwrap();
    fs::write(&base, "services: {a: {image: x}}").unwrap();
    fs::write(&overlay, "services: {a: {volumes: [\"./f:/f\"]}}").unwrap();
    let stack = stack::read(&[base.clone(), overlay], &|_| None, &[]).unwrap();
    let expected = stack::MountSource::Bind(base.parent().unwrap().join("f"));
    assert_eq!(stack.services["a"].mounts[0].source, expected);
}
