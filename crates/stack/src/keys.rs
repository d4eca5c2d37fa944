//! Which keys are read, which are known to Compose and refused by name, and what an unknown one may have meant.

use crate::{
    near::closest,
    reading::Reading,
    yaml::{Mapping, Node},
};

/// The keys of one kind of mapping, each list parted by spaces.
pub(crate) struct Keys {
    /// Read into the model.
    pub(crate) read: &'static str,
    /// Valid in Compose, and not supported here.
    pub(crate) refused: &'static str,
}

impl Keys {
    fn reads(&self, key: &str) -> bool {
        self.read.split(' ').any(|read| read == key)
    }

    fn refuses(&self, key: &str) -> bool {
        self.refused.split(' ').any(|refused| refused == key)
    }

    /// Whether a key of this mapping is most likely a misspelling of a known one.
    pub(crate) fn means(&self, node: &Node, known: &str) -> bool {
        let keys = node.as_mapping().into_iter().flat_map(Mapping::keys);
        keys.filter(|key| !self.reads(key) && !self.refuses(key)).any(|key| self.meant(key) == Some(known))
    }

    /// The known key that an unknown one was most likely meant to be. `x-` keys are only meant for `x-` keys.
    fn meant(&self, key: &str) -> Option<&'static str> {
        let ours = |known: &&str| known.starts_with("x-") == key.starts_with("x-");
        closest(key, self.read.split(' ').chain(self.refused.split(' ')).filter(ours))
    }
}

/// The top of a file.
pub(crate) const TOP: Keys = Keys {
    read: "name services volumes networks secrets version x-shakedown",
    refused: "configs include models",
};

/// A service.
pub(crate) const SERVICE: Keys = Keys {
    read: "cap_add cap_drop command cpus depends_on deploy entrypoint environment expose extra_hosts \
           healthcheck hostname image init labels mem_limit networks pids_limit ports profiles \
           pull_policy read_only restart scale secrets security_opt shm_size stop_grace_period \
           stop_signal tmpfs ulimits user volumes working_dir x-shakedown",
    refused: "annotations attach blkio_config build cgroup cgroup_parent configs container_name cpu_count \
           cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpuset \
           credential_spec develop device_cgroup_rules devices dns dns_opt dns_search domainname \
           env_file extends external_links gpus group_add ipc isolation label_file links logging \
           mac_address mem_reservation mem_swappiness memswap_limit models network_mode \
           oom_kill_disable oom_score_adj pid platform post_start pre_stop privileged provider runtime \
           stdin_open storage_opt sysctls tty use_api_socket userns_mode uts volumes_from",
};

/// `deploy`.
pub(crate) const DEPLOY: Keys = Keys {
    read: "replicas resources",
    refused: "endpoint_mode labels mode placement restart_policy rollback_config update_config",
};

/// `deploy.resources`.
pub(crate) const RESOURCES: Keys = Keys { read: "limits", refused: "reservations" };

/// `deploy.resources.limits`.
pub(crate) const LIMITS: Keys = Keys { read: "cpus memory pids", refused: "devices" };

/// `healthcheck`.
pub(crate) const HEALTHCHECK: Keys =
    Keys { read: "disable interval retries start_period test timeout", refused: "start_interval" };

/// One of `ports`, spelled long.
pub(crate) const PORT: Keys =
    Keys { read: "host_ip mode protocol published target", refused: "app_protocol name" };

/// One of a service's `volumes`, spelled long.
pub(crate) const MOUNT: Keys =
    Keys { read: "bind read_only source target type", refused: "consistency image tmpfs volume" };

/// `bind` of a mount. `create_host_path` is what the short spelling says, and a missing source is an error to us.
pub(crate) const BIND: Keys = Keys { read: "create_host_path", refused: "propagation recursive selinux" };

/// One of a service's `secrets`, spelled long.
pub(crate) const SECRET_MOUNT: Keys = Keys { read: "source target", refused: "gid mode uid" };

/// One of `depends_on`, spelled long.
pub(crate) const DEPENDENCY: Keys = Keys { read: "condition required", refused: "restart" };

/// A service's place on a network.
pub(crate) const ATTACHMENT: Keys = Keys {
    read: "aliases",
    refused: "driver_opts gw_priority interface_name ipv4_address ipv6_address link_local_ips mac_address \
           priority",
};

/// One of `ulimits`.
pub(crate) const ULIMIT: Keys = Keys { read: "hard soft", refused: "" };

/// A named volume.
pub(crate) const VOLUME: Keys = Keys { read: "driver external name", refused: "driver_opts labels" };

/// A network.
pub(crate) const NETWORK: Keys = Keys {
    read: "driver external internal name",
    refused: "attachable driver_opts enable_ipv4 enable_ipv6 ipam labels",
};

/// A secret.
pub(crate) const SECRET: Keys = Keys {
    read: "environment file",
    refused: "content driver driver_opts external labels name template_driver",
};

/// `x-shakedown` at the top.
pub(crate) const STACK_OPTIONS: Keys = Keys {
    read: "entrance gate_environment planted_environment ready_within seed settle ttl ttl_grace",
    refused: "",
};

/// `entrance`.
pub(crate) const ENTRANCE: Keys = Keys { read: "plain_port port service tls", refused: "" };

/// `entrance: tls`.
pub(crate) const ENTRANCE_TLS: Keys = Keys { read: "certificate key", refused: "" };

/// `x-shakedown` of a service.
pub(crate) const SERVICE_OPTIONS: Keys = Keys { read: "kind ready restarts", refused: "" };

/// `ready`.
pub(crate) const READY: Keys = Keys { read: "http postgres redis", refused: "" };

/// `ready: http`.
pub(crate) const READY_HTTP: Keys = Keys { read: "body path port status", refused: "" };

/// `ready: postgres`.
pub(crate) const READY_POSTGRES: Keys =
    Keys { read: "database password_secret port query user", refused: "" };

/// `ready: redis`.
pub(crate) const READY_REDIS: Keys = Keys { read: "password_secret port", refused: "" };

/// The mapping of a node whose keys are all good; none (recorded) when it is no mapping. Wrong keys are recorded.
pub(crate) fn mapping<'n>(
    reading: &mut Reading<'_>,
    node: &'n Node,
    path: &str,
    keys: &Keys,
) -> Option<&'n Mapping> {
    let Some(mapping) = node.as_mapping() else {
        reading.unexpected(
            node,
            path,
            &format!("a mapping with keys such as `{}`", keys.read.split(' ').next().unwrap_or("")),
        );
        return None;
    };
    for (key, entry) in mapping {
        let name = key.as_str();
        if keys.reads(name) {
            continue;
        }
        let whole = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let message = if keys.refuses(name) {
            match instead(path, name) {
                "" => format!("`{whole}` is not supported by Shakedown; take the key out"),
                advice => format!("`{whole}` is not supported by Shakedown; {advice}"),
            }
        } else {
            let inside =
                if path.is_empty() { "at the top of the file".to_owned() } else { format!("in `{path}`") };
            match keys.meant(name) {
                Some(likely) => format!("unknown key `{key}` {inside}; did you mean `{likely}`?"),
                None if name.starts_with("x-") && name != "x-shakedown" => continue,
                None => format!("unknown key `{key}` {inside}; known are {}", listed(keys.read)),
            }
        };
        reading.problem(entry.key, message);
    }
    Some(mapping)
}

/// What to do instead of using a refused key.
fn instead(path: &str, key: &str) -> &'static str {
    match key {
        "build" => "container images come from Nix (`make images`): name one under `image`",
        "container_name" => {
            "two runs side by side would clash: other services reach it by its service's name"
        }
        "include" => "name the other file with another --file or --overlay",
        "extends" => "share keys by an anchor and `<<`",
        "env_file" => "write the variables under `environment`",
        "configs" => "mount the file under `volumes`",
        "network_mode" | "links" | "external_links" => {
            "services on one network in `networks` reach each other"
        }
        "mem_reservation" | "reservations" => "give a limit under `mem_limit` or `deploy.resources.limits`",
        "content" => "put the value in a file that git ignores, and name it under `file`",
        "external" if path.starts_with("secrets.") => {
            "put the value in a file that git ignores, under `file`"
        }
        "tmpfs" => "write it under the service's `tmpfs`",
        "start_interval" => "Docker engines before 25 do not know it: use `interval` and `start_period`",
        "uid" | "gid" | "mode" => "Compose ignores it for secrets from files",
        _ => "",
    }
}

fn listed(keys: &str) -> String {
    let all: Vec<String> = keys.split(' ').map(|key| format!("`{key}`")).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::swapped("imgae", Some("image"))]
    #[case::lost("enviroment", Some("environment"))]
    #[case::added("portss", Some("ports"))]
    #[case::hyphen("depends-on", Some("depends_on"))]
    #[case::case("Image", Some("image"))]
    #[case::refused_ones_are_named_too("devises", Some("devices"))]
    #[case::far("banana", None)]
    #[case::short("if", None)]
    #[case::ours("x-shakdown", Some("x-shakedown"))]
    #[case::extension("x-secrets", None)]
    fn an_unknown_key_is_guessed(#[case] found: &str, #[case] expected: Option<&str>) {
        assert_eq!(SERVICE.meant(found), expected);
    }

    #[test]
    fn no_key_is_both_read_and_refused() {
        for keys in [&TOP, &SERVICE, &DEPLOY, &MOUNT, &VOLUME, &NETWORK, &SECRET, &ATTACHMENT] {
            assert!(keys.read.split(' ').all(|key| !key.is_empty() && !keys.refuses(key)));
        }
    }
}
