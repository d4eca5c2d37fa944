//! Published ports: `[HOST_ADDRESS:][HOST_PORT:]CONTAINER_PORT[/PROTOCOL]` to the long spelling.

use super::long as mapping;
use crate::yaml::{Entry, Node};

/// Rewrites one port. The numbers are looked at later.
pub(crate) fn long(node: &mut Node) {
    let Some(text) = node.as_text() else { return };
    let (ports, protocol) = match text.rsplit_once('/') {
        Some((ports, protocol)) => (ports, protocol),
        None => (text, "tcp"),
    };
    let (front, target) = match ports.rsplit_once(':') {
        Some((front, target)) => (Some(front), target),
        None => (None, ports),
    };
    let (host, published) = match front.and_then(|front| front.rsplit_once(':')) {
        Some((host, published)) => (Some(host), Some(published)),
        None => (None, front),
    };
    let host = host.map(|host| host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host));
    let mut port = mapping(node.place, [("target", node.part(target)), ("protocol", node.part(protocol))]);
    if let Some(entries) = port.as_mapping_mut() {
        let optional = [("published", published), ("host_ip", host)];
        for (key, value) in optional.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            if !(key == "published" && value.is_empty()) {
                entries.insert(key.to_owned(), Entry { key: node.place, node: node.part(value) });
            }
        }
    }
    node.value = port.value;
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::source::Place;

    #[rstest]
    #[case::container("80", [None, None, Some("80"), Some("tcp")])]
    #[case::both("8080:80", [None, Some("8080"), Some("80"), Some("tcp")])]
    #[case::address("127.0.0.1:8080:80/udp", [Some("127.0.0.1"), Some("8080"), Some("80"), Some("udp")])]
    #[case::any_host_port("127.0.0.1::80", [Some("127.0.0.1"), None, Some("80"), Some("tcp")])]
    #[case::address_of_version_6("[::1]:8080:80", [Some("::1"), Some("8080"), Some("80"), Some("tcp")])]
    #[case::range("8000-8001:80-81", [None, Some("8000-8001"), Some("80-81"), Some("tcp")])]
    fn a_port_is_taken_apart(#[case] text: &str, #[case] expected: [Option<&str>; 4]) {
        let mut node = Node::text(Place { file: 0, line: 1, column: 1, width: 1 }, text);
        long(&mut node);
        let found =
            ["host_ip", "published", "target", "protocol"].map(|key| node.get(key).and_then(Node::as_text));
        assert_eq!(found, expected);
    }
}
