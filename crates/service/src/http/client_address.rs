//! Whose request it is, behind proxies: the client's address, counted from the near end of `X-Forwarded-For`.
//!
//! Every proxy appends the address it was spoken to from. What stands left of our own proxies' entries was
//! written by the client, who writes what it likes; so exactly as many entries count, from the right, as
//! there are proxies of ours in front ([`TrustedHops`]).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;

use crate::{SettingError, Settings};

/// The header in which proxies hand addresses on.
pub const HEADER: &str = "x-forwarded-for";

/// An IPv6 customer is given a /64 at least, and may use every address of it.
const IPV6_NETWORK_BITS: u32 = 64;

/// How many proxies of ours a request passes before it reaches this service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedHops(usize);

impl TrustedHops {
    /// That many; 0 says that clients speak to this service directly.
    pub fn new(hops: usize) -> Self {
        Self(hops)
    }

    /// Reads `TRUSTED_HOPS` (0 to 8, by default 0: nobody is believed).
    pub fn read(settings: &Settings) -> Result<Self, SettingError> {
        let hops = settings.number("TRUSTED_HOPS", 0, 0..=8)?;
        Ok(Self(usize::try_from(hops).unwrap_or_default()))
    }
}

/// The other end of the connection; [`crate::serve`] puts it into every request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// The client's address. Handlers take it as `Extension<ClientAddress>`, below [`find_client`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// Walks from the connection's other end towards the client, one entry per trusted hop. Stops at what is no
    /// address, and where the entries end: what was found last is what a proxy of ours has seen itself.
    pub fn of(peer: IpAddr, headers: &HeaderMap, hops: TrustedHops) -> Self {
        let entries = headers.get_all(HEADER).iter().rev().flat_map(|value| {
            // A header that is no text is one entry that is no address.
            value.to_str().unwrap_or("?").rsplit(',')
        });
        let attested = entries.take(hops.0).map_while(parse).last();
        Self(attested.unwrap_or(peer).to_canonical())
    }

    /// The address itself; an IPv4 address is never spelled as IPv6.
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// What a limit is counted by: the address, and of an IPv6 address the /64 it belongs to, such as
    /// `192.0.2.7` and `2001:db8::/64`.
    pub fn network(self) -> String {
        match self.0 {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let kept = address.to_bits() & (u128::MAX << (128 - IPV6_NETWORK_BITS));
                format!("{}/{IPV6_NETWORK_BITS}", Ipv6Addr::from_bits(kept))
            }
        }
    }
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim_matches([' ', '\t']);
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// The middleware: puts [`ClientAddress`] into the request's extensions. A request without a connection (in
/// tests) comes from `0.0.0.0`.
pub async fn find_client(State(hops): State<TrustedHops>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<PeerAddress>().map(|peer| peer.0.ip());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let client = ClientAddress::of(peer, request.headers(), hops);
    request.extensions_mut().insert(client);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;
    use rstest::rstest;

    use super::{ClientAddress, HEADER, TrustedHops};
    use crate::Settings;

    const PEER: &str = "172.18.0.5";

    fn client(forwarded: &[&[u8]], hops: usize) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        ClientAddress::of(PEER.parse().unwrap(), &headers, TrustedHops::new(hops)).ip().to_string()
    }

    #[rstest]
    #[case::nobody_is_trusted(&["203.0.113.9"], 0, PEER)]
    #[case::one_proxy(&["203.0.113.9"], 1, "203.0.113.9")]
    #[case::spoofed_entry_on_the_left(&["6.6.6.6, 203.0.113.9"], 1, "203.0.113.9")]
    #[case::spoofed_header_before(&["6.6.6.6", "203.0.113.9"], 1, "203.0.113.9")]
    #[case::two_proxies(&["6.6.6.6, 203.0.113.9, 10.0.0.2"], 2, "203.0.113.9")]
    #[case::two_proxies_in_two_headers(&["6.6.6.6,203.0.113.9", "10.0.0.2"], 2, "203.0.113.9")]
    #[case::no_header(&[], 1, PEER)]
    #[case::empty_header(&[""], 1, PEER)]
    #[case::fewer_entries_than_proxies(&["203.0.113.9"], 3, "203.0.113.9")]
    #[case::garbage(&["<script>"], 1, PEER)]
    #[case::garbage_on_the_way(&["6.6.6.6, unknown, 10.0.0.2"], 3, "10.0.0.2")]
    #[case::port(&["203.0.113.9:4711"], 1, "203.0.113.9")]
    #[case::ipv6(&["2001:db8::7"], 1, "2001:db8::7")]
    #[case::ipv6_in_brackets(&["[2001:db8::7]"], 1, "2001:db8::7")]
    #[case::ipv6_with_port(&["[2001:db8::7]:443"], 1, "2001:db8::7")]
    #[case::ipv4_spelled_as_ipv6(&["::ffff:203.0.113.9"], 1, "203.0.113.9")]
    fn client_is_the_entry_that_our_outermost_proxy_wrote(
        #[case] forwarded: &[&str],
        #[case] hops: usize,
        #[case] expected: &str,
    ) {
        let forwarded: Vec<&[u8]> = forwarded.iter().map(|value| value.as_bytes()).collect();
        assert_eq!(client(&forwarded, hops), expected);
    }

    #[test]
    fn header_that_is_no_text_is_no_address() {
        assert_eq!(client(&[b"6.6.6.6", b"\xff\xfe"], 1), PEER);
    }

    #[rstest]
    #[case("192.0.2.7", "192.0.2.7")]
    #[case("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    fn ipv6_counts_by_its_network(#[case] address: &str, #[case] network: &str) {
        assert_eq!(ClientAddress(address.parse().unwrap()).network(), network);
    }

    #[test]
    fn nobody_is_trusted_by_default_and_nine_proxies_are_a_mistake() {
        let read = |pairs: &[(&str, &str)]| TrustedHops::read(&Settings::from_pairs(pairs.iter().copied()));
        assert_eq!(read(&[]).unwrap(), TrustedHops::new(0));
        assert_eq!(read(&[("TRUSTED_HOPS", "1")]).unwrap(), TrustedHops::new(1));
        assert_eq!(read(&[("TRUSTED_HOPS", "9")]).unwrap_err().name(), "TRUSTED_HOPS");
    }

    fn header_value() -> impl Strategy<Value = HeaderValue> {
        prop_oneof![
            "[0-9a-f.:, \\[\\]]{0,60}".prop_map(|text| HeaderValue::from_str(&text).unwrap()),
            prop::collection::vec(128..=255_u8, 0..20)
                .prop_map(|bytes| HeaderValue::from_bytes(&bytes).unwrap()),
            any::<IpAddr>().prop_map(|address| HeaderValue::from_str(&address.to_string()).unwrap()),
        ]
    }

    proptest! {
        /// Whatever a client sends in however many headers, what our proxies append decides.
        #[test]
        fn spoofed_entries_change_nothing(
            spoofed in prop::collection::vec(header_value(), 0..5),
            ours in prop::collection::vec(any::<IpAddr>(), 1..4),
            in_one_header: bool,
        ) {
            let mut headers = HeaderMap::new();
            for value in spoofed {
                headers.append(HEADER, value);
            }
            let ours: Vec<String> = ours.iter().map(ToString::to_string).collect();
            if in_one_header {
                headers.append(HEADER, HeaderValue::from_str(&ours.join(", ")).unwrap());
            } else {
                for entry in &ours {
                    headers.append(HEADER, HeaderValue::from_str(entry).unwrap());
                }
            }
            let found = ClientAddress::of(PEER.parse().unwrap(), &headers, TrustedHops::new(ours.len()));
            prop_assert_eq!(found.ip(), ours[0].parse::<IpAddr>().unwrap().to_canonical());
        }

        #[test]
        fn nobody_is_believed_without_trusted_hops(values in prop::collection::vec(header_value(), 0..5)) {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, value);
            }
            let found = ClientAddress::of(PEER.parse().unwrap(), &headers, TrustedHops::new(0));
            prop_assert_eq!(found.ip().to_string(), PEER);
        }
    }
}
