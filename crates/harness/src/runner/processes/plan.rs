//! From a stack to how each of its instances is started here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use stack::{MountSource, Service, Stack};
use tokio::net::TcpListener;

use super::{
    User, because, owned,
    placement::{Placement, Ports},
    program::{Health, LimitOnCores, Start},
};
use crate::{
    images::{ContainerImage, Images},
    runner::{HostPorts, Plan, RunnerError, instances, ports_of},
};

/// Ports that are tried for services, below those that Linux hands out to clients by itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// So many taken ones in a row are not chance.
const TRIES: usize = 200;

/// A stack laid out on this machine.
pub(super) struct LaidOut {
    pub(super) starts: Vec<(String, Start)>,
    pub(super) ports: Ports,
    /// Where several replicas are reached, and where each of them is.
    pub(super) fronts: Vec<(TcpListener, Vec<SocketAddr>)>,
    pub(super) volumes: BTreeMap<String, PathBuf>,
}

/// The file with the output of an instance.
pub(in crate::runner) fn log_of(folder: &Path, instance: &str) -> PathBuf {
    logs_in(folder).join(format!("{instance}.log"))
}

/// The folder that an instance may call its own.
pub(super) fn folder_of(folder: &Path, instance: &str) -> PathBuf {
    folder.join("instances").join(instance)
}

pub(super) fn logs_in(folder: &Path) -> PathBuf {
    folder.join("logs")
}

/// Finds addresses, makes folders, and rewrites what every instance is told.
pub(super) async fn lay_out(
    images: &Images,
    stack: &Stack,
    plan: &Plan,
    user: User,
) -> Result<LaidOut, RunnerError> {
    let folder = &plan.run.folder;
    let make = |path: PathBuf| {
        made(&path, user).map(|()| path.clone()).map_err(because(&path.display().to_string()))
    };
    make(logs_in(folder))?;
    let mut volumes = BTreeMap::new();
    let all = owned::volumes_in(folder);
    if let Some(data) = &plan.data {
        // Whose programs those are that work in there is still to be told by the run's folder.
        let linked = fs::create_dir_all(data).and_then(|()| symlink(data, &all));
        linked.map_err(because(&format!("linking {} to {}", all.display(), data.display())))?;
    }
    for name in stack.volumes.keys() {
        volumes.insert(name.clone(), make(all.join(name))?);
    }
    // Each is there: it was looked for before.
    let of_services = stack
        .services
        .iter()
        .filter_map(|(name, service)| Some((name.as_str(), images.by_reference(&service.image)?)));
    let of_services: BTreeMap<_, _> = of_services.collect();
    let (ports, fronts) = addresses(stack, plan, &of_services).await?;
    let shell = images.get("toolbox").map(|image| image.root.join("bin/bash")).unwrap_or_default();
    let mut starts = Vec::new();
    for (name, service) in &stack.services {
        let image = of_services[name.as_str()];
        for instance in instances(name, service) {
            let own = make(folder_of(folder, &instance))?;
            let paths = paths(plan, service, &volumes, &own, user)
                .map_err(because(&format!("laying out `{instance}`")))?;
            let placement =
                Placement { instance: &instance, ports: &ports, paths: &paths, root: &image.root };
            let start = start(service, image, &placement, own, log_of(folder, &instance), &shell)?;
            starts.push((instance, start));
        }
    }
    Ok(LaidOut { starts, ports, fronts, volumes })
}

fn made(path: &Path, user: User) -> io::Result<()> {
    fs::create_dir_all(path)?;
    user.give(path)
}

/// An address for every port of every instance, and one for each service with several of them.
async fn addresses(
    stack: &Stack,
    plan: &Plan,
    images: &BTreeMap<&str, &ContainerImage>,
) -> Result<(Ports, Vec<(TcpListener, Vec<SocketAddr>)>), RunnerError> {
    let mut ports = Ports::default();
    let (mut fronts, mut held) = (Vec::new(), Vec::new());
    for (name, service) in &stack.services {
        let aliases = service.networks.values().flat_map(|network| &network.aliases);
        let names: Vec<&String> = std::iter::once(name).chain(aliases).collect();
        for port in wanted_ports(service, images[name.as_str()]) {
            let wanted = (plan.ports == HostPorts::AsDefined).then(|| published(service, port)).flatten();
            let all = instances(name, service);
            let mut addresses = Vec::new();
            for instance in &all {
                let listener = match wanted.filter(|_| all.len() == 1) {
                    Some(address) => bound(address).await?,
                    None => free().await?,
                };
                let address = listener.local_addr().map_err(because("finding a free port"))?;
                ports.instances.insert((instance.clone(), port), address);
                addresses.push(address);
                // Held until every port is found, or one would be found twice.
                held.push(listener);
            }
            let reached = if let [one] = addresses.as_slice() {
                *one
            } else {
                let front = free().await?;
                let address = front.local_addr().map_err(because("finding a free port"))?;
                fronts.push((front, addresses));
                address
            };
            for name in &names {
                ports.services.insert(((*name).clone(), port), reached);
            }
        }
    }
    Ok((ports, fronts))
}

/// Every port that something may want of a service.
fn wanted_ports(service: &Service, image: &ContainerImage) -> BTreeSet<u16> {
    let exposed = image.exposed_ports.iter().filter_map(|port| port.split('/').next()?.parse().ok());
    ports_of(service).chain(exposed).collect()
}

fn published(service: &Service, port: u16) -> Option<SocketAddr> {
    let port = service.ports.iter().find(|published| published.container_port == port)?.host_port?;
    Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

async fn bound(address: SocketAddr) -> Result<TcpListener, RunnerError> {
    TcpListener::bind(address).await.map_err(because(&format!("listening at {address}")))
}

async fn free() -> Result<TcpListener, RunnerError> {
    for _ in 0..TRIES {
        let port = rand::random_range(PORTS);
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            return Ok(listener);
        }
    }
    Err(because("finding a free port")(format!(
        "{TRIES} of 127.0.0.1, from {} to {}, are taken",
        PORTS.start, PORTS.end
    )))
}

/// A copy for whoever runs the programs, who may not be let into the folders of whoever wrote the file. The run's folder,
/// which it lies in, is closed to all others.
fn copied(file: &Path, copy: PathBuf, user: User) -> io::Result<PathBuf> {
    fs::copy(file, &copy)?;
    user.give(&copy)?;
    Ok(copy)
}

/// Where the paths of an instance's container are here.
fn paths(
    plan: &Plan,
    service: &Service,
    volumes: &BTreeMap<String, PathBuf>,
    own: &Path,
    user: User,
) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut paths = BTreeMap::new();
    for (number, mount) in service.mounts.iter().enumerate() {
        let place = match &mount.source {
            MountSource::Bind(path) if mount.read_only && path.is_file() => {
                copied(path, own.join(format!("mount-{number}")), user)?
            }
            MountSource::Bind(path) => path.clone(),
            MountSource::Volume(name) => volumes.get(name).cloned().unwrap_or_else(|| own.join("volume")),
        };
        paths.insert(mount.target.clone(), place);
    }
    for mount in &service.secrets {
        if let Some(placed) = plan.secrets.get(&mount.secret) {
            let copy = copied(&placed.file, own.join(format!("secret-{}", mount.secret)), user)?;
            paths.insert(mount.target.clone(), copy);
        }
    }
    for (number, memory) in service.tmpfs.iter().enumerate() {
        let place = own.join(format!("tmpfs-{number}"));
        made(&place, user)?;
        paths.insert(memory.target.clone(), place);
    }
    Ok(paths)
}

/// As an engine puts definition and image together.
fn start(
    service: &Service,
    image: &ContainerImage,
    placement: &Placement<'_>,
    own: PathBuf,
    log: PathBuf,
    shell: &Path,
) -> Result<Start, RunnerError> {
    let told = image.env.iter().filter_map(|variable| variable.split_once('='));
    let mut variables: BTreeMap<String, String> =
        told.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    variables.extend(service.environment.clone());
    let environment = placement.environment(&variables);
    let search = environment.get("PATH").cloned().unwrap_or_default();

    let nothing = Vec::new();
    let entrypoint = service.entrypoint.as_ref().unwrap_or(&image.entrypoint);
    // An image's command is meant for its own entrypoint.
    let of_image = if service.entrypoint.is_none() { &image.cmd } else { &nothing };
    let command = service.command.as_ref().unwrap_or(of_image);
    let (program, arguments) = placed(entrypoint.iter().chain(command), placement, &search);

    let health = service.healthcheck.as_ref().and_then(|check| {
        let (program, arguments) = match check.test.split_first()? {
            (kind, test) if kind == "CMD" => placed(test.iter(), placement, &search),
            (_, test) => {
                let shell = ["sh".to_owned(), "-c".to_owned()];
                placed(shell.iter().chain(test), placement, &search)
            }
        };
        Some(Health::of(check, program, arguments))
    });
    let stop_signal = match service.stop_signal.as_ref().or(image.stop_signal.as_ref()) {
        None => Signal::TERM,
        Some(name) => signal_named(name).ok_or_else(|| {
            because(&format!("laying out `{}`", placement.instance))(format!(
                "its stop signal `{name}` is none that is known"
            ))
        })?,
    };
    Ok(Start {
        program,
        arguments,
        environment,
        folder: own,
        log,
        stop_signal,
        grace: service.stop_grace_period,
        restart: service.restart,
        health,
        core_limit: service
            .ulimits
            .get("core")
            .map(|bytes| LimitOnCores { shell: shell.to_owned(), bytes: *bytes }),
    })
}

fn placed<'a>(
    mut words: impl Iterator<Item = &'a String>,
    placement: &Placement<'_>,
    search: &str,
) -> (PathBuf, Vec<String>) {
    let program = words.next().map(|word| placement.program(word, search)).unwrap_or_default();
    (program, words.map(|word| placement.text(word)).collect())
}

fn signal_named(name: &str) -> Option<Signal> {
    let all = [
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("QUIT", Signal::QUIT),
        ("KILL", Signal::KILL),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
        ("TERM", Signal::TERM),
    ];
    let short = name.strip_prefix("SIG").unwrap_or(name);
    all.into_iter().find(|(known, _)| *known == short).map(|(_, signal)| signal)
}
