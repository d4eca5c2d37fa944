//! The toolbox: a container image of ours with the tools to look at volumes with, run beside the stack.

use bollard::{
    models::{ContainerCreateBody, HostConfig, Mount as EngineMount},
    query_parameters::{RemoveContainerOptionsBuilder, WaitContainerOptions},
};
use futures::StreamExt;

use super::{Containers, ENGINE_ACT, Runner, RunnerError, containers::failed};

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
        self.docker.start_container(&name, None).await.map_err(failed(act))?;
        let mut waiting = Box::pin(self.docker.wait_container(&name, None::<WaitContainerOptions>));
        let ended = tokio::time::timeout(ENGINE_ACT, waiting.next()).await;
        let output = self.logs(&instance, None).await?;
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
