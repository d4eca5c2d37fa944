//! What a server shows to prove itself, and what a client that trusts one authority makes of it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{
    engine::innermost,
    observation::{Certificate, Distrust, Seen},
};

/// A certificate that ends sooner than this is about to be forgotten. A run's lives for a day.
const A_WHILE: Duration = Duration::from_hours(1);
/// A handshake is done within this, or something is wrong.
const DONE_WITHIN: Duration = Duration::from_secs(5);

/// Looks at the certificate that `address` shows to a client that wants `host`, and judges it as one would that trusts
/// `authority` (PEM) alone.
pub async fn look(address: SocketAddr, host: &str, authority: &str) -> Seen<Certificate> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| format!("`{host}`: {error}"))?;
    let provider = Arc::new(ring::default_provider());
    let witness = Arc::new(Witness { provider: Arc::clone(&provider), shown: Mutex::default() });
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::clone(&witness) as Arc<_>);
    let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let handshake = tokio::time::timeout(DONE_WITHIN, connector.connect(name.clone(), stream)).await;
    let handshake = handshake.map_err(|_| format!("no handshake within {} s", DONE_WITHIN.as_secs()))?;
    let handshake = handshake.map(drop).map_err(|error| innermost(&error));
    let shown = std::mem::take(&mut *witness.shown.lock().unwrap_or_else(PoisonError::into_inner));
    let Some((leaf, intermediates)) = shown.split_first() else {
        return Err(format!("no certificate was shown: {}", handshake.err().unwrap_or_default()));
    };
    let judge = Judge::of(authority)?;
    let now = UnixTime::now();
    let later = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + A_WHILE);
    Ok(Certificate {
        holds_key: handshake,
        now: judge.judge(leaf, intermediates, &name, now),
        for_a_while: judge.judge(leaf, intermediates, &name, later),
    })
}

/// A client's judgement, made with the same library that real clients use.
struct Judge(Arc<WebPkiServerVerifier>);

impl Judge {
    fn of(authority: &str) -> Result<Self, String> {
        let root = CertificateDer::from_pem_slice(authority.as_bytes()).map_err(|error| error.to_string())?;
        let mut roots = RootCertStore::empty();
        roots.add(root).map_err(|error| error.to_string())?;
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Ok(Self(verifier.map_err(|error| error.to_string())?))
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        at: UnixTime,
    ) -> Result<(), Distrust> {
        match self.0.verify_server_cert(leaf, intermediates, name, &[], at) {
            Ok(_) => Ok(()),
            Err(Error::InvalidCertificate(error)) => Err(match error {
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Distrust::WrongName(error.to_string())
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Distrust::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Distrust::NotValidYet
                }
                // Someone else of the same name signs with another key.
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Distrust::UnknownIssuer,
                other => Distrust::Other(other.to_string()),
            }),
            Err(error) => Err(Distrust::Other(error.to_string())),
        }
    }
}

/// Believes every certificate, and remembers it. It still wants proof that the server holds the key.
#[derive(Debug)]
struct Witness {
    provider: Arc<CryptoProvider>,
    shown: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = [leaf].into_iter().chain(intermediates).map(|certificate| certificate.clone().into_owned());
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = all.collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::{ServerConfig, pki_types::PrivateKeyDer};
    use time::OffsetDateTime;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const HOST: &str = "shakedown.localhost";
    const MINUTE: time::Duration = time::Duration::MINUTE;

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// What is seen of a server whose certificate names `name` and is valid from and to these minutes from now.
    async fn seen(
        name: &str,
        minutes: (i32, i32),
        issuer: &CertifiedIssuer<'static, KeyPair>,
        trusted: &str,
    ) -> Certificate {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = OffsetDateTime::now_utc() + MINUTE * minutes.0;
        params.not_after = OffsetDateTime::now_utc() + MINUTE * minutes.1;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            TlsAcceptor::from(Arc::new(config)).accept(stream).await.map(drop)
        });
        let certificate = look(address, HOST, trusted).await.unwrap();
        let _ = served.await.unwrap();
        certificate
    }

    #[tokio::test]
    async fn a_sound_certificate_is_trusted() {
        let ours = authority();
        let sound = seen(HOST, (-60, 1440), &ours, &ours.pem()).await;
        assert_eq!(sound, Certificate { holds_key: Ok(()), now: Ok(()), for_a_while: Ok(()) });
    }

    #[tokio::test]
    async fn each_kind_of_distrust_is_told_apart() {
        let (ours, others) = (authority(), authority());
        let trusted = ours.pem();
        let wrong = seen("elsewhere.localhost", (-60, 1440), &ours, &trusted).await;
        assert!(matches!(wrong.now, Err(Distrust::WrongName(_))), "{wrong:?}");
        assert_eq!(seen(HOST, (-1440, -60), &ours, &trusted).await.now, Err(Distrust::Expired));
        assert_eq!(seen(HOST, (60, 1440), &ours, &trusted).await.now, Err(Distrust::NotValidYet));
        assert_eq!(seen(HOST, (-60, 1440), &others, &trusted).await.now, Err(Distrust::UnknownIssuer));
    }

    #[tokio::test]
    async fn a_certificate_that_ends_soon_is_told_before_it_does() {
        let ours = authority();
        let ends = seen(HOST, (-60, 30), &ours, &ours.pem()).await;
        assert_eq!((ends.now, ends.for_a_while), (Ok(()), Err(Distrust::Expired)));
    }
}
