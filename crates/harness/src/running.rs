//! The running stack: what probes and faults are handed. It knows what runs where, what was heard and seen of it, and how
//! to take it down.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use sqlx::{Connection, PgConnection};
use stack::{Entrance, MountSource, Readiness, Service, Stack};

use crate::{
    authority::Authority,
    canary::{Canary, Search},
    dependencies,
    engine::innermost,
    images::Images,
    platform::Platform,
    probe::{
        http::{Client, Recorder, host_of},
        readiness,
    },
    reaper::Lease,
    runner::{BringUp, Plan, Runner, RunnerError, all_instances},
};

/// A stack that was started. Owns all that it started.
pub struct RunningStack {
    stack: Stack,
    runner: Box<dyn Runner>,
    plan: Plan,
    recorder: Recorder,
    processes: ProcessLog,
    password: Canary,
    signature: Canary,
    marked: Mutex<Vec<Canary>>,
    lease: Option<Lease>,
}

impl RunningStack {
    /// Takes over what a runner started.
    pub fn new(stack: Stack, runner: Box<dyn Runner>, plan: Plan, lease: Option<Lease>) -> Self {
        let (password, signature) = (Canary::plant("person_password"), Canary::plant("link_signature"));
        let recorder = Recorder::default();
        Self {
            stack,
            runner,
            plan,
            recorder,
            processes: ProcessLog::default(),
            password,
            signature,
            marked: Mutex::default(),
            lease,
        }
    }

    /// The definition it was started from.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// What drives it.
    pub fn runner(&self) -> &dyn Runner {
        self.runner.as_ref()
    }

    /// The run it belongs to.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Every exchange that its clients had so far.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The arguments of processes that were seen so far.
    pub fn processes(&self) -> &ProcessLog {
        &self.processes
    }

    /// The password that people of this run log in with.
    pub fn password(&self) -> &Canary {
        &self.password
    }

    /// A signature that people of this run show with a link. It is no valid one, and a secret like one that is.
    pub fn signature(&self) -> &Canary {
        &self.signature
    }

    /// A search for everything that was planted in it.
    pub fn search(&self) -> Search {
        let marked = self.marked();
        Search::new(self.canaries().chain(&marked), &self.plan.run.marker)
    }

    /// The same for places where nobody is told anything: sessions and links that people were given are secrets there.
    pub fn search_behind_the_entrance(&self) -> Search {
        let told = self.recorder.secrets_told();
        let told: Vec<Canary> = told.map(|(name, value)| Canary::known(name, &value)).collect();
        let marked = self.marked();
        Search::new(self.canaries().chain(&told).chain(&marked), &self.plan.run.marker)
    }

    /// Has these searched for from now on, besides what was planted before anything started.
    pub fn plant(&self, canaries: &[Canary]) {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(canaries);
    }

    fn marked(&self) -> Vec<Canary> {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn canaries(&self) -> impl Iterator<Item = &Canary> {
        let planted = self.plan.secrets.values().filter_map(|placed| placed.canary.as_ref());
        planted.chain([&self.password, &self.signature])
    }

    /// Instances of daemons and oneshots alike.
    pub fn instances(&self) -> Vec<String> {
        all_instances(&self.stack)
    }

    /// A service of the definition; the error says that it has none of this name.
    pub fn service(&self, name: &str) -> Result<&Service, String> {
        self.stack.services.get(name).ok_or_else(|| format!("the definition has no service `{name}`"))
    }

    /// The planted value of a secret.
    pub fn secret(&self, name: &str) -> Result<&Canary, String> {
        let placed = self.plan.secrets.get(name);
        let placed = placed.ok_or_else(|| format!("the definition has no secret `{name}`"))?;
        placed.canary.as_ref().ok_or_else(|| format!("`{name}` is no secret, but for everybody to see"))
    }

    /// Every planted value, by secret.
    pub fn secrets(&self) -> BTreeMap<String, Canary> {
        self.plan.canaries()
    }

    /// Where a service's container port is now.
    pub async fn endpoint(&self, instance: &str, container_port: u16) -> Result<SocketAddr, String> {
        self.runner.endpoint(instance, container_port).await.map_err(|error| error.to_string())
    }

    /// A client that comes in where people do, under the public origin's name. Where the entrance has TLS, it trusts
    /// the authority of this run and nobody else.
    pub async fn entrance(&self) -> Result<Client, String> {
        self.client_at(self.entrance_address().await?)
    }

    /// The same from another client address, as the entrance sees it: that of relay `relay`, which is started when it is
    /// asked for first, and stays.
    pub async fn another_client(&self, relay: u8) -> Result<Client, String> {
        let Entrance { service, port, .. } = self.defined_entrance()?;
        let address = self.runner.relay(service, *port, relay).await.map_err(|error| error.to_string())?;
        self.client_at(address)
    }

    /// A client that comes in by plain HTTP, at the entrance's `plain_port`.
    pub async fn plain_entrance(&self) -> Result<Client, String> {
        let Entrance { service, plain_port, .. } = self.defined_entrance()?;
        let port = plain_port.ok_or("the definition's entrance names no `plain_port`")?;
        let address = self.endpoint(service, port).await?;
        let published =
            self.service(service)?.ports.iter().find(|published| published.container_port == port);
        let shown = published.and_then(|published| published.host_port).unwrap_or(port);
        let authority = format!("{}:{shown}", public_host(&self.stack)?);
        Ok(Client::plain(address, Some(&authority), &self.recorder))
    }

    /// Where the entrance is now.
    pub async fn entrance_address(&self) -> Result<SocketAddr, String> {
        let Entrance { service, port, .. } = self.defined_entrance()?;
        self.endpoint(service, *port).await
    }

    /// The origin under which people know the stack, such as `https://shakedown.localhost:8443`.
    pub fn public_origin(&self) -> Result<String, String> {
        public_origin(&self.stack).map(str::to_owned)
    }

    /// Who vouches for the entrance in this run.
    pub fn authority(&self) -> Result<&Authority, String> {
        self.plan.authority.as_ref().ok_or_else(|| "this run has no certificate authority of its own".into())
    }

    fn defined_entrance(&self) -> Result<&Entrance, String> {
        let entrance = self.stack.options.entrance.as_ref();
        entrance.ok_or_else(|| "the definition names no `x-shakedown: entrance`".into())
    }

    fn client_at(&self, address: SocketAddr) -> Result<Client, String> {
        let origin = public_origin(&self.stack);
        let authority = origin.as_ref().ok().and_then(|origin| authority_of(origin));
        if self.defined_entrance()?.tls.is_none() {
            return Ok(Client::plain(address, authority, &self.recorder));
        }
        let authority = authority.ok_or("no service has a PUBLIC_ORIGIN to ask the entrance for")?;
        Client::tls(address, authority, self.authority()?, &self.recorder)
    }

    /// A client of one service itself, at the container port of its readiness probe.
    pub async fn client_of(&self, instance: &str) -> Result<Client, String> {
        let service = self.service(crate::runner::service_of(instance))?;
        let Some(Readiness::Http { port, .. }) = &service.ready else {
            return Err(format!("service `{instance}` has no `ready: http`"));
        };
        Ok(Client::plain(self.endpoint(instance, *port).await?, None, &self.recorder))
    }

    /// The volume of the stack that holds the outputs: the one that the api has at its `IMAGE_STORE_PATH`, or that of the
    /// service which its `S3_ENDPOINT` leads to.
    pub fn image_volume(&self) -> Result<&str, String> {
        let of_store = || {
            let store = self.service(dependencies::s3_store(&self.stack, "api")?).ok()?;
            store.mounts.iter().find_map(|mount| match &mount.source {
                MountSource::Volume(name) => Some(name.as_str()),
                MountSource::Bind(_) => None,
            })
        };
        dependencies::image_volume(self.service("api")?).or_else(of_store).ok_or_else(|| {
            "api has no volume at its IMAGE_STORE_PATH, and no service with one at its S3_ENDPOINT".into()
        })
    }

    /// A connection to the database as its owner, as the definition's `ready: postgres` says.
    pub async fn database(&self) -> Result<PgConnection, String> {
        let found = self.stack.services.iter().find_map(|(name, service)| match &service.ready {
            Some(Readiness::Postgres { port, user, database, password_secret, .. }) => {
                Some((name, *port, user, database, password_secret))
            }
            _ => None,
        });
        let (name, port, user, database, secret) = found.ok_or("no service has `ready: postgres`")?;
        let address = self.endpoint(name, port).await?;
        let role = readiness::role(address, user, database, self.secret(secret)?.reveal());
        PgConnection::connect_with(&role).await.map_err(|error| innermost(&error))
    }

    /// Lets the stack go on running after this process: its reaper is released, nothing is removed.
    pub fn keep(mut self) {
        if let Some(lease) = self.lease.take() {
            lease.release();
        }
    }

    /// Removes everything that was started, and the run's folder. Nothing is left when this returns `Ok`.
    pub async fn teardown(mut self) -> Result<(), RunnerError> {
        self.runner.teardown().await?;
        let folder = &self.plan.run.folder;
        crate::run::remove_folder(folder).map_err(|error| RunnerError {
            act: format!("removing {}", folder.display()),
            found: error.to_string(),
        })?;
        if let Some(lease) = self.lease.take() {
            lease.release();
        }
        Ok(())
    }
}

/// The origin under which people know a stack: the `PUBLIC_ORIGIN` of its entrance, or that of the first service that
/// has one.
pub fn public_origin(stack: &Stack) -> Result<&str, String> {
    let entrance = stack.options.entrance.as_ref().and_then(|entrance| stack.services.get(&entrance.service));
    let given = entrance.into_iter().chain(stack.services.values());
    let mut origins = given.filter_map(|service| service.environment.get("PUBLIC_ORIGIN"));
    let origin = origins.find(|origin| !origin.is_empty()).map(String::as_str);
    origin.ok_or_else(|| "no service of the definition has a PUBLIC_ORIGIN".into())
}

/// The host of the public origin, which the entrance has to prove itself as.
pub fn public_host(stack: &Stack) -> Result<&str, String> {
    let origin = public_origin(stack)?;
    let authority = authority_of(origin).map(host_of).filter(|host| !host.is_empty());
    authority.ok_or_else(|| format!("PUBLIC_ORIGIN is `{origin}`; expected such as https://example.org:8443"))
}

fn authority_of(origin: &str) -> Option<&str> {
    origin.split_once("://")?.1.split('/').next()
}

/// A stack that was brought up, or was tried to be.
pub struct Brought {
    /// What runs, whole or in part.
    pub running: RunningStack,
    /// How it went.
    pub bring_up: BringUp,
    /// The container images it was made of.
    pub images: Images,
    /// What it runs on.
    pub platform: Platform,
}

/// Every line of arguments that was seen so far, by instance, and how often was looked.
#[derive(Debug, Default)]
pub struct ProcessLog {
    lines: Mutex<BTreeMap<String, (u32, BTreeSet<String>)>>,
}

impl ProcessLog {
    /// Keeps what one look at an instance showed.
    pub fn keep(&self, instance: &str, lines: Vec<String>) {
        let mut all = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let (looks, seen) = all.entry(instance.into()).or_default();
        *looks += 1;
        seen.extend(lines);
    }

    /// How often an instance was looked at, and every line that was seen.
    pub fn of(&self, instance: &str) -> (u32, String) {
        let all = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(instance).map_or((0, String::new()), |(looks, seen)| {
            (*looks, seen.iter().map(String::as_str).collect::<Vec<_>>().join("\n"))
        })
    }
}
