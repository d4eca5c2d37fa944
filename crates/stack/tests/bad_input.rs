//! Bad input of every kind: each is refused with a message that a person can act on. The messages are snapshots.
#![allow(clippy::unwrap_used, reason = "a test that fails by unwrap says where")]

use std::path::PathBuf;

/// What the reader says of these files, the folder left out.
fn refusal(files: &[&[u8]], dotenv: Option<&str>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let names = ["compose.yaml", "overlay.yaml", "second-overlay.yaml"];
    let paths: Vec<PathBuf> = names.iter().take(files.len()).map(|name| folder.path().join(name)).collect();
    for (path, text) in paths.iter().zip(files) {
        std::fs::write(path, text).unwrap();
    }
    if let Some(text) = dotenv {
        std::fs::write(folder.path().join(".env"), text).unwrap();
    }
    let environment = |name: &str| match name {
        "PASSWORD" | "PORT" => Some("hunter2-from-the-environment".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let error = stack::read(&paths, &environment, &[]).expect_err("the reader takes what it should refuse");
    let shown = error.excerpts();
    assert!(!shown.contains("hunter2"), "a variable's value is shown: {shown}");
    shown.replace(&format!("{}/", folder.path().display()), "")
}

/// A test per case: its name, a sentence; the file; overlays, if any.
macro_rules! refused {
    ($($name:ident: $($file:expr),+;)+) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), refusal(&[$($file.as_ref()),+], None));
        }
    )+};
}

/// A file with one service `api` that has these keys too.
fn service(keys: &str) -> String {
    format!("services:\n  api:\n    image: shakedown/api:dev\n{}\n", indented(keys, "    "))
}

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}")).collect::<Vec<_>>().join("\n")
}

// The file as a whole.
refused! {
    an_empty_file_is_refused: "";
    a_file_of_comments_is_refused: "# nothing\n";
    a_list_is_not_a_compose_file: "- services\n";
    a_second_document_is_refused: "services: {a: {image: x}}\n---\nservices: {}\n";
    a_syntax_error_has_its_place: "services:\n  api:\n    image: [a, b\n  worker: {}\n";
    a_tab_is_a_syntax_error: "services:\n\tapi:\n\t\timage: x\n";
    what_is_not_utf_8_is_refused: b"services:\n  api:\n    image: \xff\xfe\n";
    a_duplicate_key_names_both_lines: "services:\n  api: {image: x}\n  web: {image: y}\n  api: {image: z}\n";
    a_list_as_key_is_refused: "? [a, b]\n: c\n";
    an_unknown_tag_is_refused: "services:\n  api:\n    image: !secret x\n";
    deep_nesting_is_refused: "[".repeat(200) + &"]".repeat(200);
    an_alias_bomb_is_refused: bomb();
    an_alias_inside_of_its_anchor_is_refused: "services: &a\n  api: *a\n";
    an_unknown_alias_is_refused: "services:\n  api: *nothing\n";
    a_merge_of_a_scalar_is_refused: "services:\n  api:\n    <<: text\n    image: x\n";
    no_service_is_refused: "name: x\nservices: {}\n";
    a_date_without_quotes_is_refused: service("environment:\n  RELEASED: 2026-01-31");
    crlf_keeps_places: "services:\r\n  api:\r\n    imgae: x\r\n";
    a_byte_order_mark_keeps_places: "\u{feff}servces: {}\n";
}

// Keys.
refused! {
    an_unknown_key_gets_a_guess: "services:\n  api:\n    imgae: shakedown/api:dev\n";
    an_unknown_key_without_a_guess_lists_the_known: service("healthcheck:\n  flavour: mint");
    an_unknown_key_at_the_top_gets_a_guess: "service:\n  api: {image: x}\n";
    a_key_that_is_not_supported_is_refused_by_name: service("devices: [/dev/kvm]\nprivileged: true");
    build_says_where_images_come_from: "services:\n  api:\n    build: .\n";
    a_service_without_image_says_where_images_come_from: "services:\n  api:\n    command: [serve]\n";
    extends_and_include_are_refused_by_name: "include: [other.yaml]\nservices:\n  api:\n    extends: base\n    image: x\n";
    a_misspelt_extension_of_ours_gets_a_guess: service("x-shakdown: {kind: oneshot}");
    our_extension_in_the_wrong_place_is_refused: service("healthcheck: {test: [CMD, a], x-shakedown: {kind: oneshot}}");
    all_problems_are_told_at_once: service("devices: []\nrestart: sometimes\nmem_limit: much\nenviroment: {}");
}

// Values.
refused! {
    a_bad_port_is_refused: service("ports: [\"127.0.0.1:8080:http\", \"70000:80\", \"0\"]");
    a_port_range_is_refused: service("ports: [\"8000-8001:80-81\"]");
    a_udp_port_is_refused: service("ports: [\"53:53/udp\"]");
    a_bad_host_address_is_refused: service("ports: [\"localhost:80:80\"]");
    a_bad_duration_is_refused: service("stop_grace_period: 10");
    a_bad_size_is_refused: service("mem_limit: 12 parsecs");
    a_bad_number_is_refused: service("pids_limit: many\ncpus: several");
    a_bad_truth_value_is_refused: service("read_only: perhaps");
    a_bad_restart_policy_is_refused: service("restart: sometimes");
    a_bad_condition_is_refused: service("depends_on:\n  api: {condition: service_happy}");
    a_bad_health_test_is_refused: service("healthcheck: {test: [curl, localhost]}");
    a_command_that_needs_a_shell_is_refused: service("command: serve | tee log");
    an_anonymous_volume_is_refused: service("volumes: [/data]");
    an_unknown_mount_mode_is_refused: service("volumes: [\"./a:/a:ro,z\"]");
    a_mapping_where_a_list_belongs_is_refused: service("cap_drop: {ALL: true}");
    limits_that_differ_are_refused: service("mem_limit: 64m\ndeploy: {resources: {limits: {memory: 65m}}}");
    a_bad_project_name_is_refused: "name: My Project\nservices: {a: {image: x}}\n";
    a_secret_with_its_value_inside_is_refused: "services: {a: {image: x}}\nsecrets:\n  key: {content: \"${KEY}\"}\n  other: {external: true}\n";
}

// Variables.
refused! {
    a_required_variable_that_is_not_set_is_refused: "services:\n  api:\n    image: ${API_IMAGE:?run `make images` first}\n";
    a_required_variable_that_is_empty_is_refused: "services:\n  api:\n    image: \"x${EMPTY:?}\"\n";
    a_lonely_dollar_is_refused: service("command: [\"echo\", \"cost: 5$\"]");
    a_variable_without_end_is_refused: service("command: [\"echo\", \"${HOME\"]");
    a_bad_value_from_a_variable_is_not_shown: service("ports: [\"${PORT}:80\"]\nstop_grace_period: ${PASSWORD}");
    a_bad_default_is_shown: service("ports: [\"${UNSET:-http}:80\"]");
}

// Between the parts.
refused! {
    a_circle_of_dependencies_is_named_as_a_path: "services:
  api: {image: x, depends_on: [worker]}
  worker: {image: x, depends_on: [queue]}
  queue: {image: x, depends_on: [api]}
";
    a_service_that_depends_on_itself_is_refused: service("depends_on: [api]");
    an_undefined_dependency_gets_a_guess: "services:\n  api: {image: x, depends_on: [postgers]}\n  postgres: {image: x}\n";
    an_undefined_volume_is_refused: service("volumes: [\"data:/data\"]");
    an_undefined_network_is_refused: service("networks: [back]");
    an_undefined_secret_gets_a_guess: service("secrets: [pasword]") + "secrets:\n  password: {file: ./p}\n";
    a_dependency_of_a_profile_that_is_not_enabled_is_refused:
        "services:\n  api: {image: x, depends_on: [debug]}\n  debug: {image: x, profiles: [tools]}\n";
    waiting_for_a_daemon_to_complete_is_refused:
        "services:\n  api: {image: x, depends_on: {db: {condition: service_completed_successfully}}}\n  db: {image: x}\n";
    waiting_for_health_that_nothing_tells_is_refused:
        "services:\n  api: {image: x, depends_on: {db: {condition: service_healthy}}}\n  db: {image: x}\n";
}

// `x-shakedown`.
refused! {
    an_entrance_at_an_undefined_service_is_refused: service("") + "x-shakedown:\n  entrance: {service: poxy, port: 80}\n";
    an_entrance_without_port_is_refused: service("") + "x-shakedown:\n  entrance: {service: api}\n";
    a_plain_port_that_is_no_other_is_refused: service("") + "x-shakedown:\n  entrance: {service: api, port: 80, plain_port: 80}\n";
    a_plain_port_that_is_no_port_is_refused: service("") + "x-shakedown:\n  entrance: {service: api, port: 443, plain_port: http}\n";
    an_entrance_with_an_undefined_certificate_is_refused: service("") + "x-shakedown:\n  entrance: {service: api, port: 443, tls: {certificate: cretificate, key: key}}\nsecrets: {certificate: {file: ./c}, key: {file: ./k}}\n";
    an_entrance_without_its_key_is_refused: service("") + "x-shakedown:\n  entrance: {service: api, port: 443, tls: {certificate: certificate}}\nsecrets: {certificate: {file: ./c}}\n";
    an_entrance_with_one_secret_for_certificate_and_key_is_refused: service("") + "x-shakedown:\n  entrance: {service: api, port: 443, tls: {certificate: key, key: key}}\nsecrets: {key: {file: ./k}}\n";
    an_entrance_with_an_unknown_key_gets_a_guess: service("") + "x-shakedown:\n  entrance: {service: api, port: 443, tls: {certifcate: c, key: k}}\nsecrets: {c: {file: ./c}, k: {file: ./k}}\n";
    an_undefined_password_secret_is_refused: service("x-shakedown: {ready: {redis: {port: 6379, password_secret: nope}}}");
    a_readiness_path_without_slash_is_refused: service("x-shakedown: {ready: {http: {port: 80, path: ready}}}");
    a_readiness_status_out_of_range_is_refused: service("x-shakedown: {ready: {http: {port: 80, path: /, status: 42}}}");
    two_readiness_probes_are_refused: service("x-shakedown: {ready: {http: {port: 80, path: /}, redis: {port: 1}}}");
    readiness_of_a_oneshot_is_refused: service("x-shakedown: {kind: oneshot, ready: {http: {port: 80, path: /}}}");
    an_unknown_kind_is_refused: service("x-shakedown: {kind: deamon}");
    a_planted_variable_that_is_not_there_is_refused: service("environment: {A: b}") + "x-shakedown: {planted_environment: [api.B, apii.A, A]}\n";
}

// Overlays.
refused! {
    spellings_that_do_not_merge_are_refused: service("healthcheck: {test: [CMD, a]}"), "services:\n  api:\n    healthcheck: none\n";
    a_problem_in_an_overlay_has_its_place_there: service(""), "services:\n  api:\n    imgae: x\n";
    a_new_service_of_an_overlay_needs_an_image: service(""), "services:\n  apii:\n    environment: {A: b}\n";
}

#[test]
fn a_missing_file_is_refused() {
    let error = stack::read(&["/nowhere/compose.yaml".into()], &|_| None, &[]).unwrap_err();
    insta::assert_snapshot!("a_missing_file_is_refused", error);
}

#[test]
fn no_file_is_refused() {
    let error = stack::read(&[], &|_| None, &[]).unwrap_err();
    insta::assert_snapshot!("no_file_is_refused", error);
}

#[test]
fn a_wrong_line_in_dotenv_is_refused_without_its_value() {
    let shown = refusal(&[service("").as_bytes()], Some("A=b\nSECRET=\"hunter2\nnever closed\n"));
    insta::assert_snapshot!("a_wrong_line_in_dotenv_is_refused_without_its_value", shown);
}

/// Nine levels of ten aliases each.
fn bomb() -> String {
    let level = |(below, letter): (char, char)| {
        let aliases = vec![format!("*{below}"); 10].join(", ");
        format!("x-{letter}: &{letter} [{aliases}]\n")
    };
    let levels: String = ('a'..='h').zip('b'..='i').map(level).collect();
    let first = "x-a: &a [b, b, b, b, b, b, b, b, b, b]\n";
    format!("{first}{levels}services: {{api: {{image: x}}}}\n")
}
