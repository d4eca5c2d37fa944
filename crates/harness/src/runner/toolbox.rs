//! The toolbox: a container image of ours with the tools to look at volumes with, run beside the stack.

use std::{net::SocketAddr, time::Duration};

use bollard::{
    container::LogOutput,
    models::{ContainerCreateBody, HostConfig, Mount as EngineMount, PortBinding},
    query_parameters::{AttachContainerOptionsBuilder, RemoveContainerOptionsBuilder, WaitContainerOptions},
};
use futures::{Stream, StreamExt};

use super::{Containers, ENGINE_ACT, Runner, RunnerError, containers::failed, create};
use crate::poll::{self, Attempt};

/// The container port that a relay listens at.
const RELAY_PORT: u16 = 8000;
/// User and group of a program that needs nothing.
const NOBODY: &str = "65534:65534";
/// A relay listens within this, or its program is missing.
const LISTENS_WITHIN: Duration = Duration::from_secs(10);

impl Containers {
    /// Runs a container of the toolbox to its end and returns its output.
    pub(super) async fn run_to_end(
        &self,
        what: &str,
        body: ContainerCreateBody,
    ) -> Result<Vec<u8>, RunnerError> {
        let instance = format!("toolbox-{}", hex::encode(rand::random::<[u8; 4]>()));
        let name = self.container_name(&instance);
        self.create_container(&instance, body).await?;
        let act = || what.to_owned();
        // Not from its log, which is text: bytes that are none would be replaced there.
        let options = AttachContainerOptionsBuilder::new().stdout(true).stderr(true).stream(true).build();
        let attached = self.docker.attach_container(&name, Some(options)).await.map_err(failed(act))?;
        self.docker.start_container(&name, None).await.map_err(failed(act))?;
        let mut waiting = Box::pin(self.docker.wait_container(&name, None::<WaitContainerOptions>));
        let both = async { tokio::join!(all_of(attached.output), waiting.next()) };
        let (output, ended) = match tokio::time::timeout(ENGINE_ACT, both).await {
            Ok((output, ended)) => (output.map_err(failed(act))?, Ok(ended)),
            Err(elapsed) => (Vec::new(), Err(elapsed)),
        };
        let options = RemoveContainerOptionsBuilder::new().force(true).build();
        self.docker.remove_container(&name, Some(options)).await.map_err(failed(act))?;
        match ended {
            Ok(Some(Ok(_))) => Ok(output),
            Ok(Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. }))) => {
                Err(RunnerError {
                    act: what.into(),
                    found: format!("exit code {code}: {}", String::from_utf8_lossy(&output).trim()),
                })
            }
            Ok(Some(Err(error))) => Err(failed(act)(error)),
            Ok(None) => Err(RunnerError { act: what.into(), found: "the engine told no exit code".into() }),
            Err(_) => Err(RunnerError { act: what.into(), found: format!("no end within {ENGINE_ACT:?}") }),
        }
    }

    /// Starts a relay and waits until it listens. It looks the target up for each connection, so that the target may be
    /// started anew meanwhile.
    pub(super) async fn start_relay(
        &self,
        target: &str,
        container_port: u16,
        relay: u8,
    ) -> Result<SocketAddr, RunnerError> {
        let act = || format!("starting relay {relay} to container port {container_port} of `{target}`");
        let network = self.networks.get(target).ok_or_else(|| RunnerError {
            act: act(),
            found: format!("the stack has no service `{target}`, or it is on no network"),
        })?;
        // With `nodelay`: a small rest that waits for an acknowledgement adds 40 ms to some answers, by their length.
        let listen = format!("TCP-LISTEN:{RELAY_PORT},fork,reuseaddr,nodelay");
        let forward = format!("TCP:{target}:{container_port},nodelay");
        let mut body = self.toolbox_body(&["socat", "-d", "-d", &listen, &forward], Vec::new());
        body.user = Some(NOBODY.into());
        let door = PortBinding { host_ip: Some("127.0.0.1".into()), host_port: Some(String::new()) };
        let ports = create::bindings(&[(RELAY_PORT, door)]);
        body.exposed_ports = Some(ports.keys().cloned().collect());
        if let Some(host) = &mut body.host_config {
            host.network_mode = Some(network.clone());
            host.cap_add = None;
            host.port_bindings = Some(ports);
        }
        let instance = format!("toolbox-relay-{target}-{container_port}-{relay}");
        self.create_container(&instance, body).await?;
        let started = self.docker.start_container(&self.container_name(&instance), None).await;
        started.map_err(failed(act))?;
        // The engine itself accepts connections before the relay does.
        let listening = poll::until(LISTENS_WITHIN, || async {
            match self.logs(&instance, None).await {
                Ok(log) if String::from_utf8_lossy(&log).contains("listening on") => Attempt::Ready(()),
                Ok(log) => Attempt::NotYet(format!("log: {}", String::from_utf8_lossy(&log).trim())),
                Err(error) => Attempt::NotYet(error.to_string()),
            }
        });
        listening.await.map_err(|not| RunnerError { act: act(), found: not.to_string() })?;
        self.endpoint(&instance, RELAY_PORT).await
    }

    pub(super) fn toolbox_body(&self, entrypoint: &[&str], mounts: Vec<EngineMount>) -> ContainerCreateBody {
        ContainerCreateBody {
            image: Some(self.toolbox.clone()),
            user: Some("0:0".into()),
            entrypoint: Some(entrypoint.iter().map(ToString::to_string).collect()),
            cmd: Some(Vec::new()),
            labels: Some(self.run.labels()),
            host_config: Some(HostConfig {
                network_mode: Some("none".into()),
                mounts: Some(mounts),
                cap_drop: Some(vec!["ALL".into()]),
                // To read and restore what other users own; without FSETID, chmod would drop a folder's setgid bit.
                cap_add: Some(["DAC_OVERRIDE", "FOWNER", "FSETID"].map(Into::into).to_vec()),
                readonly_rootfs: Some(true),
                ..Default::default()
            }),
            ..Default::default()
        }
    }
}

/// All that a program says, in the order of arrival.
async fn all_of(
    mut output: impl Stream<Item = Result<LogOutput, bollard::errors::Error>> + Unpin,
) -> Result<Vec<u8>, bollard::errors::Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = output.next().await {
        bytes.extend_from_slice(frame?.as_ref());
    }
    Ok(bytes)
}
