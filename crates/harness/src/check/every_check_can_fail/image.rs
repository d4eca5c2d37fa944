//! Sound images of the real definition's services, and what each `image.*` check is there to notice.

use std::collections::BTreeMap;

use stack::{MountSource, Stack};

use super::{Defect, definition, outcomes};
use crate::{
    observation::{BillOfMaterials, ContainerImages, Entry, EntryKind, ImageArchive, Program, Seen},
    runner::ports_of,
    verdict::Outcome,
};

const LOADER: &str = "/nix/store/37gba7da8kdksjipis9rfw8dmps02yvc-glibc/lib/ld.so";

fn entry(path: &str, kind: EntryKind, mode: u32) -> Entry {
    Entry {
        path: path.into(),
        kind,
        mode,
        uid: 0,
        gid: 0,
        size_bytes: 1,
        modified: 1,
        program: None,
        of_its_build: Vec::new(),
    }
}

fn elf(path: &str, loader: Option<&str>) -> Entry {
    let program = Some(Program::Elf { machine: 62, loader: loader.map(str::to_owned) });
    Entry { program, ..entry(path, EntryKind::File, 0o555) }
}

fn folder(path: &str, owner: (u64, u64), mode: u32) -> Entry {
    Entry { uid: owner.0, gid: owner.1, ..entry(path, EntryKind::Folder, mode) }
}

fn script(path: &str, interpreter: &str) -> Entry {
    let program = Some(Program::Script { interpreter: interpreter.into() });
    Entry { program, ..entry(path, EntryKind::File, 0o555) }
}

/// The short name of an image of the definition: `api` of `shakedown/api:dev`.
fn short(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap();
    name.split(':').next().unwrap().to_owned()
}

pub(super) fn green(stack: &Stack) -> ContainerImages {
    let mut archives: BTreeMap<String, ImageArchive> = BTreeMap::new();
    for service in stack.services.values() {
        let name = short(&service.image);
        let image = archives.entry(name.clone()).or_insert_with(|| ImageArchive {
            architecture: "amd64".into(),
            created: vec!["1970-01-01T00:00:01Z".into()],
            user: "10010:10020".into(),
            entrypoint: vec![format!("/bin/{name}")],
            environment: vec!["PATH=/bin".into()],
            size_bytes: 1000,
            entries: vec![elf(LOADER, None), elf(&format!("/bin/{name}"), Some(LOADER))],
            ..ImageArchive::default()
        });
        let test = service.healthcheck.as_ref().and_then(|check| check.test.get(1));
        image.entries.extend(test.map(|program| elf(&format!("/bin/{program}"), Some(LOADER))));
        image.ports.extend(ports_of(service).map(|port| format!("{port}/tcp")));
        for mount in &service.mounts {
            let of_host = matches!(mount.source, MountSource::Bind(_));
            let owner = if of_host { (0, 0) } else { (10_011, 10_020) };
            let mut path = String::new();
            for part in mount.target.split('/').skip(1) {
                path = format!("{path}/{part}");
                image.entries.push(folder(&path, owner, 0o2770));
            }
        }
    }
    let bill = || BillOfMaterials {
        store_paths: [Entry::store_path(&elf(LOADER, None)).unwrap().to_owned()].into(),
        applications: ["api".to_owned()].into(),
    };
    let of_services = stack.services.iter();
    ContainerImages {
        machine: "amd64".into(),
        bills: archives.keys().map(|name| (name.clone(), Ok(bill()))).collect(),
        archives: archives.into_iter().map(|(name, image)| (name, Ok(image))).collect(),
        of_services: of_services.map(|(name, service)| (name.clone(), Ok(short(&service.image)))).collect(),
    }
}

fn in_image(name: &'static str, change: impl Fn(&mut ImageArchive) + 'static) -> Defect {
    Box::new(move |seen| {
        let images = seen.images.seen.as_mut().unwrap();
        change(images.archives.get_mut(name).unwrap().as_mut().unwrap());
    })
}

fn in_bills(change: impl Fn(&mut BTreeMap<String, Seen<BillOfMaterials>>) + 'static) -> Defect {
    Box::new(move |seen| change(&mut seen.images.seen.as_mut().unwrap().bills))
}

/// In the image that comes last, after all else that is in it.
fn with(entry: Entry) -> Defect {
    in_image("worker", move |image| image.entries.push(entry.clone()))
}

fn without(name: &'static str, path: &'static str) -> Defect {
    in_image(name, move |image| image.entries.retain(|entry| entry.path != path))
}

fn file(path: &str, mode: u32) -> Entry {
    entry(path, EntryKind::File, mode)
}

pub(super) fn defects() -> Vec<(String, Defect)> {
    let gcc = "/nix/store/37gba7da8kdksjipis9rfw8dmps02yvc-gcc-12/bin/gcc";
    let named = Entry { of_its_build: vec!["/build/vendor/a/src/lib.rs".into()], ..elf("/bin/other", None) };
    let linked = entry("/bin/apk", EntryKind::Link("/sbin/apk".into()), 0o777);
    let all: Vec<(&str, Defect)> = vec![
        ("user", in_image("worker", |image| image.user = "0:0".into())),
        ("user", in_image("worker", |image| image.user = "10001".into())),
        ("user", in_image("worker", |image| image.user = "worker".into())),
        ("user", in_image("worker", |image| image.user = "10001:100".into())),
        ("ports", in_image("web", |image| image.ports.clear())),
        ("ports", in_image("web", |image| image.ports.extend(["9/tcp".into()]))),
        ("volumes", without("worker", "/var/lib/images")),
        ("volumes", with(folder("/var/lib/images", (10_011, 10_020), 0o750))),
        ("volumes", with(folder("/var/lib/images", (0, 0), 0o755))),
        ("volumes", with(file("/var/lib/images", 0o777))),
        ("volumes", without("proxy", "/etc/caddy/Caddyfile")),
        ("volumes", in_image("worker", |image| image.volumes.push("/data".into()))),
        ("entrypoint", without("worker", "/bin/worker")),
        ("entrypoint", without("worker", "/bin/healthcheck")),
        ("entrypoint", without("worker", LOADER)),
        ("entrypoint", with(file("/bin/worker", 0o555))),
        ("entrypoint", with(Entry { mode: 0o544, ..elf("/bin/worker", None) })),
        ("entrypoint", with(script("/bin/worker", "/bin/sh"))),
        ("entrypoint", with(script("/bin/worker", "/bin/worker"))),
        ("entrypoint", in_image("worker", |image| image.entrypoint.clear())),
        ("shell", with(elf("/bin/sh", None))),
        ("shell", with(linked)),
        ("setuid", with(file("/bin/su", 0o4755))),
        ("setuid", with(file("/bin/su", 0o2755))),
        ("world_writable", with(file("/etc/hosts", 0o646))),
        ("world_writable", with(folder("/tmp", (0, 0), 0o1777))),
        ("created", with(Entry { modified: 1_700_000_000, ..file("/etc/hosts", 0o444) })),
        ("created", in_image("worker", |image| image.created.push("2026-01-01T00:00:00Z".into()))),
        ("architecture", in_image("worker", |image| image.architecture = "arm64".into())),
        (
            "architecture",
            with(Entry {
                program: Some(Program::Elf { machine: 183, loader: None }),
                ..elf("/bin/other", None)
            }),
        ),
        ("size", in_image("worker", |image| image.size_bytes = 60_000_001)),
        ("build_paths", with(file(gcc, 0o555))),
        ("build_paths", with(named)),
        ("sbom", with(file("/nix/store/37gba7da8kdksjipis9rfw8dmps02yvc-curl-8/bin/curl", 0o555))),
        ("sbom", in_bills(|bills| bills.retain(|name, _| name != "worker"))),
        (
            "sbom",
            in_bills(|bills| *bills.get_mut("worker").unwrap() = Err("worker.cdx.json: not there".into())),
        ),
        ("sbom", in_bills(|bills| bills.get_mut("worker").unwrap().as_mut().unwrap().applications.clear())),
    ];
    all.into_iter().map(|(name, defect)| (format!("image.{name}"), defect)).collect()
}

#[test]
fn a_shell_is_right_where_what_is_started_needs_one_and_a_package_manager_nowhere() {
    let stack = definition();
    let shell = |change: &dyn Fn(&mut ImageArchive)| {
        let mut seen = super::green(&stack);
        let archives = &mut seen.images.seen.as_mut().unwrap().archives;
        let image = archives.get_mut("redis").unwrap().as_mut().unwrap();
        image.entries.push(elf("/bin/bash", None));
        change(image);
        let verdicts = outcomes(&stack, &seen).into_iter();
        verdicts
            .filter(|verdict| verdict.check == "image.shell")
            .map(|verdict| verdict.verdict)
            .next()
            .unwrap()
    };
    assert_eq!(shell(&|_| ()), Outcome::Fail);
    assert_eq!(shell(&|image| image.entries.push(script("/bin/redis", "/bin/bash"))), Outcome::Pass);
    assert_eq!(shell(&|image| image.entrypoint = vec!["/bin/bash".into()]), Outcome::Pass);
    let with_apt = |image: &mut ImageArchive| {
        image.entrypoint = vec!["/bin/bash".into()];
        image.entries.push(elf("/bin/apt", None));
    };
    assert_eq!(shell(&with_apt), Outcome::Fail);
}

#[test]
fn an_image_over_its_budget_blames_its_largest_store_paths() {
    let stack = definition();
    let mut seen = super::green(&stack);
    in_image("web", |image| {
        image.size_bytes = 70_000_000;
        let large = |path: &str, size_bytes| Entry { size_bytes, ..file(path, 0o444) };
        image.entries.push(large("/nix/store/37gba7da8kdksjipis9rfw8dmps02yvc-icu/lib/a", 30_000_000));
        image.entries.push(large("/nix/store/37gba7da8kdksjipis9rfw8dmps02yvc-icu/lib/b", 20_000_000));
        image.entries.push(large("/bin/other", 10_000_000));
    })(&mut seen);
    let verdicts = outcomes(&stack, &seen).into_iter();
    let told = verdicts.filter(|verdict| verdict.check == "image.size").map(|verdict| verdict.actual);
    let icu = "/nix/store/37gba7da8kdksjipis9rfw8dmps02yvc-icu 50000000 bytes, /bin/other 10000000 bytes";
    assert!(
        told.clone().all(|told| told.starts_with("web: 70000000 bytes of 60000000") && told.contains(icu))
    );
}

#[test]
fn an_image_that_could_not_be_read_is_unknown() {
    let stack = definition();
    let mut seen = super::green(&stack);
    seen.images.seen.as_mut().unwrap().archives.insert("web".into(), Err("no such file".into()));
    let of_images = outcomes(&stack, &seen).into_iter().filter(|verdict| verdict.check.starts_with("image."));
    let outcomes: Vec<Outcome> = of_images.map(|verdict| verdict.verdict).collect();
    assert_eq!(outcomes, vec![Outcome::Unknown; outcomes.len()]);
}
