//! Certificate authorities that may speak for one host and nothing else, and the certificates that they issue.
//!
//! A gate makes one per run, so that its clients trust the entrance by a real chain and nobody else ever will.
//! `shakedown init` makes one per machine, which people may have their browser trust without fear.

use std::{net::IpAddr, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData,
};
use rustls::{
    ClientConfig, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Clocks differ: what is valid only from now on is refused by whoever is a little behind.
const VALID_SINCE: Duration = Duration::hours(1);
/// A run is over long before; nothing that it issued is of use to anybody afterwards.
const LIFE_OF_A_RUN: Duration = Duration::days(1);

/// The name of every authority begins with this.
const OURS: &str = "Shakedown";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The host cannot stand in a certificate, or a PEM file is none.
    #[error("{act}: {found}")]
    Refused {
        /// What was tried.
        act: String,
        /// What was found.
        found: String,
    },
}

fn refused<E: std::fmt::Display>(act: impl Into<String>) -> impl FnOnce(E) -> AuthorityError {
    let act = act.into();
    move |error| AuthorityError::Refused { act, found: error.to_string() }
}

/// The authority of one run as the world sees it: its certificate and that of the entrance. It keeps no key.
#[derive(Clone, Debug)]
pub struct Authority {
    certificate_pem: String,
    spki_sha256: [u8; 32],
    client: Arc<ClientConfig>,
}

impl Authority {
    /// A fresh authority for `host`, and the certificate that the entrance is to show for it.
    pub fn of_a_run(host: &str) -> Result<(Self, Certified), AuthorityError> {
        let issuing = IssuingAuthority::new("one run", host, LIFE_OF_A_RUN)?;
        let entrance = issuing.issue(host, LIFE_OF_A_RUN)?;
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(refused("choosing versions of TLS"))?;
        let mut client = client.with_root_certificates(issuing.root()?).with_no_client_auth();
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let authority = Self {
            certificate_pem: issuing.certificate_pem,
            spki_sha256: entrance.spki_sha256,
            client: Arc::new(client),
        };
        Ok((authority, entrance))
    }

    /// The authority's own certificate in PEM: what a client has to trust.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The SHA-256 of the public key (`SubjectPublicKeyInfo`) of the entrance's certificate, in base64: what Chromium
    /// takes as `--ignore-certificate-errors-spki-list`.
    pub fn spki_sha256_base64(&self) -> String {
        BASE64_STANDARD.encode(self.spki_sha256)
    }

    /// How a client speaks TLS that trusts this authority and no other: 1.2 or 1.3, and HTTP/2 where the server does.
    pub fn client_config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client)
    }
}

/// A certificate authority that can issue.
pub struct IssuingAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
}

impl IssuingAuthority {
    /// A new one, of what `whose` says, for `host` (a DNS name and all below it, or one IP address), valid for `life`.
    pub fn new(whose: &str, host: &str, life: Duration) -> Result<Self, AuthorityError> {
        let act = || format!("making a certificate authority for `{host}`");
        // What is no name at all would be written into the certificate, or panic there.
        ServerName::try_from(host).map_err(refused(act()))?;
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, format!("{OURS}, {whose}"));
        let mut params = CertificateParams::default();
        params.distinguished_name = subject;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.name_constraints = Some(only(host));
        (params.not_before, params.not_after) = validity(life);
        let key = KeyPair::generate().map_err(refused(act()))?;
        let certificate_pem = params.self_signed(&key).map_err(refused(act()))?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate_pem })
    }

    /// One that was made earlier, by its certificate and its key in PEM.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(key_pem).map_err(refused("reading the authority's key"))?;
        let issuer = Issuer::from_ca_cert_pem(certificate_pem, key)
            .map_err(refused("reading the authority's certificate"))?;
        Ok(Self { issuer, certificate_pem: certificate_pem.into() })
    }

    /// The authority's own certificate in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The authority's private key in PEM.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A certificate of a server at `host`, with a key of its own, valid for `life`.
    pub fn issue(&self, host: &str, life: Duration) -> Result<Certified, AuthorityError> {
        let act = || format!("issuing a certificate for `{host}`");
        ServerName::try_from(host).map_err(refused(act()))?;
        let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(refused(act()))?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, host);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = validity(life);
        let key = KeyPair::generate().map_err(refused(act()))?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(refused(act()))?;
        Ok(Certified {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            spki_sha256: Sha256::digest(key.subject_public_key_info()).into(),
        })
    }

    /// Whether a server at `host` that shows `certificate_pem` would be believed at a `moment` by who trusts this
    /// authority alone. The error says why not.
    pub fn vouches_for(
        &self,
        certificate_pem: &str,
        host: &str,
        moment: OffsetDateTime,
    ) -> Result<(), AuthorityError> {
        let act = || format!("taking the certificate for that of `{host}` at {moment}");
        let shown = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(refused(act()))?;
        let name = ServerName::try_from(host).map_err(refused(act()))?;
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(self.root()?), provider).build();
        let seconds = u64::try_from(moment.unix_timestamp()).unwrap_or(0);
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let verifier = verifier.map_err(refused(act()))?;
        let shown = verifier.verify_server_cert(&shown, &[], &name, &[], at);
        shown.map(drop).map_err(refused(act()))
    }

    fn root(&self) -> Result<RootCertStore, AuthorityError> {
        let root = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes())
            .map_err(refused("reading the authority's certificate"))?;
        let mut roots = RootCertStore::empty();
        roots.add(root).map_err(refused("trusting the authority's certificate"))?;
        Ok(roots)
    }
}

/// A server's certificate and its private key, both in PEM.
pub struct Certified {
    /// The certificate. Public.
    pub certificate_pem: String,
    /// The key. Secret.
    pub key_pem: String,
    spki_sha256: [u8; 32],
}

/// When a certificate in PEM ends.
pub fn end_of(certificate_pem: &str) -> Result<OffsetDateTime, AuthorityError> {
    read(certificate_pem, |certificate| certificate.validity().not_after.to_datetime())
}

/// Whether a certificate in PEM was issued by an authority that this module made, of whatever run or machine.
pub fn is_of_shakedown(certificate_pem: &str) -> bool {
    let issued = read(certificate_pem, |certificate| {
        let names = certificate.issuer().iter_common_name();
        names.filter_map(|name| name.as_str().ok()).any(|name| name.starts_with(OURS))
    });
    issued.unwrap_or(false)
}

/// Whether a private key is that of a certificate, both in PEM.
pub fn belong_together(certificate_pem: &str, key_pem: &str) -> bool {
    let shown = read(certificate_pem, |certificate| certificate.public_key().raw.to_vec());
    let key = KeyPair::from_pem(key_pem).map(|key| key.subject_public_key_info());
    matches!((shown, key), (Ok(shown), Ok(key)) if shown == key)
}

fn read<T>(certificate_pem: &str, what: impl Fn(&X509Certificate<'_>) -> T) -> Result<T, AuthorityError> {
    let act = "reading a certificate";
    let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(refused(act))?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(refused(act))?;
    Ok(what(&certificate))
}

fn validity(life: Duration) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now - VALID_SINCE, now + life)
}

/// Names that an authority for `host` may vouch for. A constraint of one kind of names leaves the other kinds open, so
/// those are closed by name.
fn only(host: &str) -> NameConstraints {
    let everything = [CidrSubnet::from_v4_prefix([0; 4], 0), CidrSubnet::from_v6_prefix([0; 16], 0)];
    match host.parse::<IpAddr>() {
        Ok(address) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(
                    address, bits,
                ))],
                excluded_subtrees: vec![GeneralSubtree::DnsName(String::new())],
            }
        }
        Err(_) => NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(host.to_owned())],
            excluded_subtrees: everything.map(GeneralSubtree::IpAddress).to_vec(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "shakedown.localhost";

    fn issuing() -> IssuingAuthority {
        IssuingAuthority::new("test", HOST, Duration::days(1)).unwrap()
    }

    #[test]
    fn an_authority_vouches_for_its_host_while_the_certificate_lasts() {
        let (authority, now) = (issuing(), OffsetDateTime::now_utc());
        let certified = authority.issue(HOST, Duration::hours(1)).unwrap();
        let at = |moment| authority.vouches_for(&certified.certificate_pem, HOST, moment);
        at(now).unwrap();
        at(now - Duration::minutes(59)).unwrap();
        at(now - Duration::minutes(61)).unwrap_err();
        at(now + Duration::minutes(61)).unwrap_err();
    }

    #[test]
    fn an_authority_vouches_for_no_other_host_even_when_it_signed_for_it() {
        let (authority, now) = (issuing(), OffsetDateTime::now_utc());
        for other in ["example.org", "localhost", "127.0.0.1", "::1"] {
            let certified = authority.issue(other, Duration::hours(1)).unwrap();
            let refused = authority.vouches_for(&certified.certificate_pem, other, now).unwrap_err();
            assert!(refused.to_string().contains("NameConstraint"), "{other}: {refused}");
        }
        let certified = authority.issue(HOST, Duration::hours(1)).unwrap();
        authority.vouches_for(&certified.certificate_pem, "other.localhost", now).unwrap_err();
    }

    #[test]
    fn an_authority_for_localhost_vouches_for_all_below_it() {
        let authority = IssuingAuthority::new("test", "localhost", Duration::days(1)).unwrap();
        for host in ["localhost", HOST] {
            let certified = authority.issue(host, Duration::hours(1)).unwrap();
            authority.vouches_for(&certified.certificate_pem, host, OffsetDateTime::now_utc()).unwrap();
        }
    }

    #[test]
    fn an_authority_for_an_address_vouches_for_it_and_for_no_name() {
        let (address, now) = ("127.0.0.1", OffsetDateTime::now_utc());
        let authority = IssuingAuthority::new("test", address, Duration::days(1)).unwrap();
        let of = |host| authority.issue(host, Duration::hours(1)).unwrap().certificate_pem;
        authority.vouches_for(&of(address), address, now).unwrap();
        authority.vouches_for(&of("127.0.0.2"), "127.0.0.2", now).unwrap_err();
        authority.vouches_for(&of(HOST), HOST, now).unwrap_err();
    }

    #[test]
    fn an_authority_that_was_kept_issues_as_before_and_another_does_not_vouch_for_it() {
        let (first, now) = (issuing(), OffsetDateTime::now_utc());
        let kept = IssuingAuthority::from_pem(first.certificate_pem(), &first.key_pem()).unwrap();
        let certified = kept.issue(HOST, Duration::hours(1)).unwrap();
        first.vouches_for(&certified.certificate_pem, HOST, now).unwrap();
        issuing().vouches_for(&certified.certificate_pem, HOST, now).unwrap_err();
    }

    #[test]
    fn certificates_of_others_are_known_as_such() {
        let certified = issuing().issue(HOST, Duration::hours(1)).unwrap();
        assert!(is_of_shakedown(&certified.certificate_pem));
        let key = KeyPair::generate().unwrap();
        let others = CertificateParams::new(vec![HOST.to_owned()]).unwrap().self_signed(&key).unwrap().pem();
        assert!(!is_of_shakedown(&others) && !is_of_shakedown("nonsense"));
        assert!(belong_together(&others, &key.serialize_pem()));
        assert!(!belong_together(&others, &certified.key_pem));
    }

    #[test]
    fn a_run_tells_the_hash_of_the_entrances_key() {
        let (authority, entrance) = Authority::of_a_run(HOST).unwrap();
        let key = KeyPair::from_pem(&entrance.key_pem).unwrap();
        let expected = BASE64_STANDARD.encode(Sha256::digest(key.subject_public_key_info()));
        assert_eq!(authority.spki_sha256_base64(), expected);
        assert!(!format!("{authority:?}").contains("PRIVATE"));
    }

    #[test]
    fn a_host_that_cannot_stand_in_a_certificate_is_refused_by_name() {
        let refused = Authority::of_a_run("ümlaut").err().unwrap().to_string();
        assert!(refused.contains("`ümlaut`"), "{refused}");
    }
}
