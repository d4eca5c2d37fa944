//! The gate: definition → runner → running stack → observations → checks → verdicts → report.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

use stack::{SecretSource, Stack};
use time::OffsetDateTime;

use crate::{
    authority::Authority,
    canary::{Canary, Search},
    check::{self, Check},
    engine::{EngineError, innermost},
    event::{Event, Events},
    images::{ContainerImage, Images, ImagesError},
    observe::{self, MadeOf},
    platform::{Platform, RunnerKind},
    reaper::{self, Lease, Owned, Volumes},
    report::Report,
    run::{Fate, Run},
    runner::{Containers, HostPorts, Pace, PlacedSecret, Plan, Processes, Runner, RunnerError, bring_up},
    running::{Brought, RunningStack, public_host},
    verdict::FEWEST_PASSED,
};

/// A gate that could not be run at all: nothing was judged.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// No engine that fits.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No images that fit.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// A service's image cannot be had.
    #[error("{at}: service `{service}` needs image {image}: {found}")]
    Image {
        /// Where the definition names it.
        at: stack::Location,
        /// The service.
        service: String,
        /// The reference.
        image: String,
        /// What was found instead.
        found: String,
    },
    /// Something that the run would not own.
    #[error(
        "{kind} `{name}` is `external`: a run owns everything that it uses, so that nothing is left of it and nothing \
         of others is touched; take `external` out in an overlay"
    )]
    External {
        /// Volume or network.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The run's folder or its reaper could not be made.
    #[error("the run could not begin: {0}")]
    Begin(String),
    /// The engine refused something before any service was started.
    #[error(transparent)]
    Runner(#[from] RunnerError),
}

/// Finds what to run on and the images, checks that they fit, and loads what an engine lacks.
pub async fn prepare(
    folder: &Path,
    repository: &Path,
    wanted: Option<RunnerKind>,
    events: &Events,
) -> Result<(Platform, Images), GateError> {
    let images = Images::open(folder)?;
    images.refuse_stale(repository)?;
    let platform = Platform::find(wanted, events).await?;
    let removed = reaper::remove_orphans(&platform).await.map_err(GateError::Begin)?;
    for (run, swept) in removed {
        events.send(Event::Note(match swept {
            Ok(()) => format!("removed what dead run {run} had left behind"),
            Err(why) => format!("could not remove all that dead run {run} had left behind: {why}"),
        }));
    }
    if let Platform::Engine(engine) = &platform {
        let loaded = events.step("load images", images.load(&engine.docker)).await?;
        if !loaded.is_empty() {
            events.send(Event::Note(format!("loaded {}", loaded.join(", "))));
        }
    }
    Ok((platform, images))
}

/// Refuses what cannot work before anything is started: things that others own, and images that are not there or are made
/// for another architecture.
async fn preflight(platform: &Platform, images: &Images, stack: &Stack) -> Result<(), GateError> {
    let volumes =
        stack.volumes.iter().filter(|(_, volume)| volume.external).map(|(name, _)| ("volume", name));
    let networks =
        stack.networks.iter().filter(|(_, network)| network.external).map(|(name, _)| ("network", name));
    if let Some((kind, name)) = volumes.chain(networks).next() {
        return Err(GateError::External { kind, name: name.clone() });
    }
    for (name, service) in &stack.services {
        let known = images.by_reference(&service.image);
        let found = match known.map(|image| image.architecture.as_str()) {
            Some(built) if built != platform.architecture() => Err(platform.refusal(built)),
            _ => available(platform, known, &service.image).await,
        };
        found.map_err(|found| GateError::Image {
            at: service.image_at.clone(),
            service: name.clone(),
            image: service.image.clone(),
            found,
        })?;
    }
    Ok(())
}

/// Whether an image can be started, or why not.
async fn available(
    platform: &Platform,
    known: Option<&ContainerImage>,
    reference: &str,
) -> Result<(), String> {
    let Platform::Engine(engine) = platform else {
        return match known {
            None => Err("it is none of the images that were built, and only those run as processes".into()),
            Some(image) if !image.root.is_dir() => Err(format!(
                "its programs at {} are no longer in the Nix store; run `make images` (or `nix build .#images`)",
                image.root.display()
            )),
            Some(_) => Ok(()),
        };
    };
    match engine.docker.inspect_image(reference).await {
        Ok(found) => {
            let built = found.architecture.unwrap_or_default();
            if built.is_empty() || built == engine.architecture {
                Ok(())
            } else {
                Err(platform.refusal(&built))
            }
        }
        Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => {
            Err("the engine does not have it, and images are never pulled; run `make images` \
                 (or `nix build .#images`), or name one that is there"
                .into())
        }
        Err(error) => Err(format!("the engine was asked for it: {}", innermost(&error))),
    }
}

/// Plants a fresh value for every secret, and for every variable that the definition says is one, and writes each to a
/// file of the run. Where the entrance has TLS, its secrets get a certificate and a key of the run's own authority.
fn plant(
    run: &Run,
    stack: &mut Stack,
) -> Result<(BTreeMap<String, PlacedSecret>, Option<Authority>), GateError> {
    let begin = |why: &dyn std::fmt::Display| GateError::Begin(why.to_string());
    let mut planted = BTreeMap::new();
    let mut authority = None;
    if let Some(tls) = stack.options.entrance.as_ref().and_then(|entrance| entrance.tls.as_ref()) {
        let host = public_host(stack).map_err(|why| begin(&why))?;
        let (of_run, certified) = Authority::of_a_run(host).map_err(|why| begin(&why))?;
        let key = Canary::private_key(&tls.key, &certified.key_pem);
        planted.insert(tls.certificate.clone(), (certified.certificate_pem, None));
        planted.insert(tls.key.clone(), (certified.key_pem, Some(key)));
        authority = Some(of_run);
    }
    let variables = &stack.options.planted_environment;
    for name in stack.secrets.keys().chain(variables) {
        planted.entry(name.clone()).or_insert_with(|| {
            let canary = Canary::plant(name);
            (canary.reveal().to_owned(), Some(canary))
        });
    }
    for variable in variables {
        let Some((service, name)) = variable.split_once('.') else { continue };
        if let (Some(service), Some((value, _))) = (stack.services.get_mut(service), planted.get(variable)) {
            service.environment.insert(name.into(), value.clone());
        }
    }
    let place = |(name, (value, canary)): (String, (String, Option<Canary>))| {
        let file = run.write(&format!("secret-{name}"), value.as_bytes())?;
        Ok((name, PlacedSecret { canary, file }))
    };
    let placed = planted.into_iter().map(place).collect::<std::io::Result<_>>();
    Ok((placed.map_err(|why| begin(&why))?, authority))
}

/// Takes the real local secrets for a stack that people use.
pub fn local_secrets(stack: &Stack) -> Result<BTreeMap<String, PlacedSecret>, String> {
    let place = |(name, secret): (&String, &stack::Secret)| {
        let file = match &secret.source {
            SecretSource::File(file) => file.clone(),
            SecretSource::Environment(variable) => {
                return Err(format!("{}: a secret from variable {variable} cannot be mounted", secret.at));
            }
        };
        let value = std::fs::read_to_string(&file).map_err(|error| {
            format!("{}: secret `{name}` ({}): {error}; run `make init`", secret.at, file.display())
        })?;
        if value.trim_end().is_empty() {
            return Err(format!(
                "{}: secret `{name}` ({}) is empty; remove it and run `make init`",
                secret.at,
                file.display()
            ));
        }
        let tls = stack.options.entrance.as_ref().and_then(|entrance| entrance.tls.as_ref());
        let canary = match tls {
            Some(tls) if tls.certificate == *name => None,
            Some(tls) if tls.key == *name => Some(Canary::private_key(name, &value)),
            _ => Some(Canary::known(name, value.trim_end())),
        };
        Ok((name.clone(), PlacedSecret { canary, file }))
    };
    stack.secrets.iter().map(place).collect()
}

/// Brings a stack up in a fresh run of its own, with planted secrets and random host ports.
pub async fn begin(
    mut stack: Stack,
    platform: Platform,
    images: Images,
    fate: Fate,
    pace: Pace,
    events: &Events,
) -> Result<Brought, GateError> {
    let begin = |error: std::io::Error| GateError::Begin(error.to_string());
    let run = Run::begin(fate).map_err(begin)?;
    show_marker(&mut stack, &run.marker);
    let lease =
        Lease::take(&run, Volumes::Remove).inspect_err(|_| drop(crate::run::remove_folder(&run.folder)));
    let lease = lease.map_err(begin)?;
    let (secrets, authority) = plant(&run, &mut stack)?;
    let plan = Plan { run, secrets, authority, ports: HostPorts::Random, pace, data: None };
    start(stack, plan, platform, images, Some(lease), events).await
}

/// Starts a stack by a plan.
pub async fn start(
    stack: Stack,
    plan: Plan,
    platform: Platform,
    images: Images,
    lease: Option<Lease>,
    events: &Events,
) -> Result<Brought, GateError> {
    let events = &events.redacted(Search::new(plan.canaries().values(), &plan.run.marker));
    let prepared = async {
        preflight(&platform, &images, &stack).await?;
        let runner: Box<dyn Runner> = match &platform {
            Platform::Engine(engine) => Box::new(Containers::prepare(engine, &images, &stack, &plan).await?),
            Platform::Machine => Box::new(Processes::prepare(&images, &stack, &plan).await?),
        };
        Ok::<_, GateError>(runner)
    };
    let step = format!("create {}", platform.runner().name());
    let runner = match events.step(&step, prepared).await {
        Ok(runner) => runner,
        Err(error) => {
            // What was created before the error goes now. Where that fails, the reaper goes on trying.
            let volumes = lease.as_ref().map_or(Volumes::Keep, Lease::volumes);
            let owned = Owned::by(&plan.run.id, &plan.run.marker);
            let swept = reaper::remove(&platform, &owned, volumes, &plan.run.folder).await;
            if let (Some(lease), Ok(())) = (lease, swept) {
                let _ = crate::run::remove_folder(&plan.run.folder);
                lease.release();
            }
            return Err(error);
        }
    };
    let outcome = events.step("bring up", bring_up(runner.as_ref(), &stack, &plan, events)).await;
    let running = RunningStack::new(stack, runner, plan, lease);
    Ok(Brought { running, bring_up: outcome, images, platform })
}

/// Our own programs log the name of their deployment first thing: it carries the run's control marker.
fn show_marker(stack: &mut Stack, marker: &str) {
    for service in stack.services.values_mut() {
        if let Some(environment) = service.environment.get_mut("DEPLOYMENT_ENVIRONMENT") {
            *environment = marker.into();
        }
    }
}

/// What a whole gate needs to know.
#[derive(Clone, Debug)]
pub struct GateOptions {
    /// Where the container images are.
    pub images: PathBuf,
    /// The repository that they were built from.
    pub repository: PathBuf,
    /// What to run the stack as; where nobody insists, containers if an engine answers.
    pub runner: Option<RunnerKind>,
    /// Leave the stack running.
    pub keep: bool,
}

/// A gate that was run to its end.
pub struct Gated {
    /// What was found.
    pub report: Report,
    /// What could not be removed afterwards, where something could not.
    pub leftovers: Option<RunnerError>,
    /// Where the entrance is, of a stack that was left running.
    pub kept: Option<KeptEntrance>,
    /// A stack that was left running and ends with this process, because it is one of processes.
    pub held: Option<RunningStack>,
}

/// Where people come in to a stack that was left running.
#[derive(Clone, Debug)]
pub struct KeptEntrance {
    /// The origin that it believes to have.
    pub origin: String,
    /// Host and port of the origin.
    pub authority: String,
    /// Where it really is.
    pub address: std::net::SocketAddr,
    /// The file with the certificate of the run's authority, and the hash of the entrance's key, where it has TLS; see
    /// [`Authority::spki_sha256_base64`].
    pub trusted: Option<(PathBuf, String)>,
}

impl KeptEntrance {
    async fn of(running: &RunningStack) -> Option<Self> {
        let origin = running.public_origin().ok()?;
        let authority = origin.split_once("://")?.1.to_owned();
        let address = running.entrance_address().await.ok()?;
        let trusted = match running.authority() {
            Ok(vouching) => {
                let file =
                    running.plan().run.write("authority.pem", vouching.certificate_pem().as_bytes()).ok()?;
                Some((file, vouching.spki_sha256_base64()))
            }
            Err(_) => None,
        };
        Some(Self { origin, authority, address, trusted })
    }
}

/// Runs the gate over `stack` and takes everything down again.
pub async fn gate(
    stack: Stack,
    options: &GateOptions,
    checks: &[Check],
    events: &Events,
) -> Result<Gated, GateError> {
    let start = Instant::now();
    let started_at = OffsetDateTime::now_utc();
    let (platform, images) = prepare(&options.images, &options.repository, options.runner, events).await?;
    let fate = if options.keep { Fate::Kept } else { Fate::Removed };
    let brought = begin(stack, platform, images, fate, Pace::Together, events).await?;
    let (report, running) = Box::pin(judge(brought, checks, start, started_at, events)).await;
    if options.keep {
        let kept = KeptEntrance::of(&running).await;
        let held = if running.runner().kind() == RunnerKind::Processes {
            Some(running)
        } else {
            running.keep();
            None
        };
        return Ok(Gated { report, leftovers: None, kept, held });
    }
    let leftovers = events.step("take down", running.teardown()).await.err();
    Ok(Gated { report, leftovers, kept: None, held: None })
}

/// Observes and judges a stack that was brought up.
pub async fn judge(
    brought: Brought,
    checks: &[Check],
    start: Instant,
    started_at: OffsetDateTime,
    events: &Events,
) -> (Report, RunningStack) {
    let made_of = MadeOf { images: &brought.images, architecture: brought.platform.architecture() };
    let seen =
        Box::pin(observe::observe(&brought.running, brought.bring_up.clone(), made_of, checks, events)).await;
    let mut report = Report::of_bring_up(&brought, started_at, start.elapsed());
    report.verdicts = checks.iter().map(|check| check.judge(&seen)).collect();
    report.not_asked_for = check::checks(brought.running.stack()).len().saturating_sub(checks.len());
    let fewest_passed = if report.not_asked_for == 0 { FEWEST_PASSED } else { 1 };
    let report = report.sealed(&brought.running.search(), fewest_passed);
    for verdict in &report.verdicts {
        events.send(Event::Judged(verdict.clone()));
    }
    (report, brought.running)
}
