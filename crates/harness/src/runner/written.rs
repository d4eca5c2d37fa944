//! What containers have written beside volumes: the writable layer of the root, which the engine tells, and memory file
//! systems, which only somebody sees who looks out of one of the container's own processes.

use aho_corasick::AhoCorasick;
use bollard::{models::ChangeType, query_parameters::DownloadFromContainerOptionsBuilder};
use futures::StreamExt;

use super::{Containers, RunnerError, containers::failed};

/// For each process, a boundary; then the memory file systems that it sees, but for those that mask a file of the kernel's,
/// as an archive. A file that changes meanwhile is read all the same, and told by 1.
const READ_MEMORY: &str = r#"
set -o pipefail
for process in "$@"; do
  printf %s "$0"
  while read -r _ at kind _; do
    case "$kind $at" in
      "tmpfs /proc/"* | "tmpfs /sys/"*) ;;
      "tmpfs "*) printf '.%s\0' "$at" ;;
    esac
  done <"/proc/$process/mounts" |
    tar --create --sparse --hole-detection=raw --one-file-system --directory "/proc/$process/root" \
      --null --files-from=- 2>/dev/null
  [ $? -le 1 ] || exit 2
done
"#;

impl Containers {
    /// Every file that was added to or changed in the root of an instance.
    pub(super) async fn layer_of(&self, instance: &str) -> Result<Vec<u8>, RunnerError> {
        let name = self.container_name(instance);
        let changes = self.docker.container_changes(&name).await;
        let changes = changes.map_err(failed(|| format!("asking what `{instance}` has written")))?;
        let there = changes.unwrap_or_default().into_iter().filter(|change| change.kind != ChangeType::_2);
        let mounts = self.inspected(instance).await?.mounts.unwrap_or_default();
        let mounted: Vec<String> = mounts.into_iter().filter_map(|mount| mount.destination).collect();
        let mut archive = Vec::new();
        for path in last_of(there.map(|change| change.path).collect(), &mounted) {
            let options = DownloadFromContainerOptionsBuilder::new().path(&path).build();
            let mut stream = Box::pin(self.docker.download_from_container(&name, Some(options)));
            while let Some(bytes) = stream.next().await {
                let bytes = bytes.map_err(failed(|| format!("reading {path} of `{instance}`")))?;
                archive.extend_from_slice(&bytes);
            }
        }
        Ok(archive)
    }

    /// Every file in the memory file systems of each instance. Of one that has ended, nothing is left. One container looks
    /// into all of them, because starting one takes longer than reading: it sees the processes of the engine's machine.
    pub(super) async fn memory_of(&self, instances: &[String]) -> Result<Vec<Vec<u8>>, RunnerError> {
        let mut processes = Vec::new();
        for instance in instances {
            let state = self.inspected(instance).await?.state.unwrap_or_default();
            let runs = state.running.unwrap_or_default();
            processes.push(state.pid.filter(|_| runs).map(|process| process.to_string()));
        }
        let boundary = hex::encode(rand::random::<[u8; 16]>());
        let running = processes.iter().flatten().map(String::as_str);
        let command: Vec<&str> = ["bash", "-c", READ_MEMORY, &boundary].into_iter().chain(running).collect();
        let mut body = self.toolbox_body(&command, Vec::new());
        if let Some(host) = &mut body.host_config {
            host.pid_mode = Some("host".into());
            host.cap_add.get_or_insert_default().push("SYS_PTRACE".into());
        }
        let read = self.run_to_end("reading memory file systems", body).await?;
        let mut parts = parts(&read, &boundary).into_iter().skip(1);
        let of = |runs: Option<String>| match runs {
            None => Ok(Vec::new()),
            Some(process) => parts.next().map(<[u8]>::to_vec).ok_or_else(|| RunnerError {
                act: "reading memory file systems".into(),
                found: format!("nothing was told of process {process}"),
            }),
        };
        processes.into_iter().map(of).collect()
    }
}

/// What stands before, between and behind the boundaries.
pub(crate) fn parts<'a>(bytes: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let Ok(boundaries) = AhoCorasick::new([boundary]) else { return vec![bytes] };
    let mut parts = Vec::new();
    let mut begin = 0;
    for found in boundaries.find_iter(bytes) {
        parts.push(&bytes[begin..found.start()]);
        begin = found.end();
    }
    parts.push(&bytes[begin..]);
    parts
}

/// The paths that none of the others lies below, but for those where something is mounted: that is no part of the layer.
fn last_of(mut paths: Vec<String>, mounted: &[String]) -> Vec<String> {
    let below =
        |path: &str, folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    paths.sort();
    let all = paths.clone();
    paths.retain(|path| {
        !all.iter().any(|other| below(other, path))
            && !mounted.iter().any(|place| path == place || below(path, place) || below(place, path))
    });
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_programs_said_is_told_apart() {
        assert_eq!(parts(b"--one--two", "--"), [&b""[..], b"one", b"two"]);
        assert_eq!(parts(b"one", "--"), [b"one"]);
    }

    #[test]
    fn of_what_has_changed_only_the_last_of_each_path_is_read_and_nothing_that_is_mounted() {
        let paths =
            ["/etc", "/etc/caddy", "/run", "/run/secrets", "/var", "/var/log", "/var/log/a", "/varnish"];
        let mounted = ["/etc/caddy/Caddyfile".to_owned(), "/run/secrets".to_owned()];
        let last = last_of(paths.map(str::to_owned).to_vec(), &mounted);
        assert_eq!(last, ["/var/log/a", "/varnish"]);
    }
}
