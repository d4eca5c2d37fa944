//! The first message of a TLS handshake, written by hand, and the first record of the answer (RFC 8446 and its elders).

use crate::observation::HelloAnswer;

const SSL_3: u16 = 0x0300;
const TLS_1_2: u16 = 0x0303;
const TLS_1_3: u16 = 0x0304;

/// Record types (RFC 8446, 5.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// Handshake messages (RFC 8446, 4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// Extensions (RFC 8446, 4.2; RFC 8422, 5.1.2 for the point formats).
const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_EXCHANGE_MODES: u16 = 45;
const KEY_SHARE: u16 = 51;

/// Named groups: X25519 and P-256.
const GROUPS: [u16; 2] = [29, 23];
/// Signatures by ECDSA, RSA-PSS and RSA, with SHA-1 at the end for servers that know no better.
const SIGNATURES: [u16; 9] = [0x0403, 0x0503, 0x0804, 0x0805, 0x0401, 0x0501, 0x0807, 0x0203, 0x0201];

/// Cipher suites of TLS 1.3, all of them sound.
const SUITES_1_3: [u16; 3] = [0x1301, 0x1302, 0x1303];
/// Cipher suites of TLS 1.2 with forward secrecy and authenticated encryption: ECDHE with AES-GCM or `ChaCha20`.
const SUITES_1_2: [u16; 6] = [0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA9, 0xCCA8];
/// Cipher suites that no server of today may agree to: CBC, RC4, 3DES, no encryption, no forward secrecy, no
/// authentication, export strength. ECDHE stands first, so that a key of whatever kind does for one of them.
const WEAK_SUITES: [u16; 29] = [
    0xC009, 0xC00A, 0xC013, 0xC014, 0xC023, 0xC024, 0xC027, 0xC028, 0xC007, 0xC011, 0xC008, 0xC012, 0xC006,
    0xC010, 0x002F, 0x0035, 0x003C, 0x003D, 0x009C, 0x009D, 0x000A, 0x0005, 0x0004, 0x0001, 0x0002, 0x003B,
    0xC018, 0x0034, 0x0003,
];

/// What a client offers in its first message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// For people: `TLS 1.0`.
    pub name: &'static str,
    /// The newest version offered, and the only one wherever the protocol can say so.
    pub version: u16,
    /// The cipher suites offered.
    pub suites: &'static [u16],
}

impl Hello {
    /// One hello for each version there ever was in earnest.
    pub const VERSIONS: [Self; 5] = [
        Self { name: "SSL 3.0", version: SSL_3, suites: &WEAK_SUITES },
        Self { name: "TLS 1.0", version: 0x0301, suites: &WEAK_SUITES },
        Self { name: "TLS 1.1", version: 0x0302, suites: &WEAK_SUITES },
        Self { name: "TLS 1.2", version: TLS_1_2, suites: &SUITES_1_2 },
        Self { name: "TLS 1.3", version: TLS_1_3, suites: &SUITES_1_3 },
    ];

    /// A version of today with cipher suites of the day before.
    pub const WEAK: Self = Self { name: "TLS 1.2, weak suites only", version: TLS_1_2, suites: &WEAK_SUITES };
}

/// The record that a client begins with.
pub fn first_hello(hello: &Hello, host: &str) -> Vec<u8> {
    let mut body = Vec::new();
    // Since TLS 1.3 this field says 1.2, and an extension says the truth.
    body.extend(hello.version.min(TLS_1_2).to_be_bytes());
    body.extend(rand::random::<[u8; 32]>());
    // A session id is what middleboxes want to see of TLS 1.3.
    let session: &[u8] = if hello.version == TLS_1_3 { &rand::random::<[u8; 32]>() } else { &[] };
    with_length_8(&mut body, session);
    with_length_16(&mut body, &numbers(hello.suites));
    with_length_8(&mut body, &[0]);
    if hello.version > SSL_3 {
        with_length_16(&mut body, &extensions(hello, host));
    }
    let mut message = vec![CLIENT_HELLO, 0];
    with_length_16(&mut message, &body);
    let mut record = vec![HANDSHAKE];
    record.extend(hello.version.min(0x0301).to_be_bytes());
    with_length_16(&mut record, &message);
    record
}

fn extensions(hello: &Hello, host: &str) -> Vec<u8> {
    let mut all = Vec::new();
    let mut name = vec![0];
    with_length_16(&mut name, host.as_bytes());
    extension(&mut all, SERVER_NAME, |content| with_length_16(content, &name));
    extension(&mut all, SUPPORTED_GROUPS, |content| with_length_16(content, &numbers(&GROUPS)));
    extension(&mut all, POINT_FORMATS, |content| with_length_8(content, &[0]));
    if hello.version >= TLS_1_2 {
        extension(&mut all, SIGNATURE_ALGORITHMS, |content| with_length_16(content, &numbers(&SIGNATURES)));
    }
    if hello.version == TLS_1_3 {
        extension(&mut all, SUPPORTED_VERSIONS, |content| with_length_8(content, &TLS_1_3.to_be_bytes()));
        extension(&mut all, KEY_EXCHANGE_MODES, |content| with_length_8(content, &[1]));
        // Every 32 bytes are a point of X25519. Nobody has its key, for nobody goes on from here.
        let mut share = GROUPS[0].to_be_bytes().to_vec();
        with_length_16(&mut share, &rand::random::<[u8; 32]>());
        extension(&mut all, KEY_SHARE, |content| with_length_16(content, &share));
    }
    all
}

fn extension(all: &mut Vec<u8>, kind: u16, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::new();
    fill(&mut content);
    all.extend(kind.to_be_bytes());
    with_length_16(all, &content);
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// Everything here is far below 255 (or 65,535) bytes long.
fn with_length_8(to: &mut Vec<u8>, bytes: &[u8]) {
    to.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    to.extend(bytes);
}

fn with_length_16(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    to.extend(bytes);
}

/// What the first record of an answer means.
pub fn read_answer(record: &[u8]) -> HelloAnswer {
    match record {
        [] => HelloAnswer::Refused("the connection was closed".into()),
        [ALERT, _, _, _, _, _, description, ..] => HelloAnswer::Refused(alert(*description)),
        [HANDSHAKE, _, _, _, _, SERVER_HELLO, rest @ ..] => match server_hello(rest) {
            Some((version, suite)) => HelloAnswer::Agreed { version, suite },
            None => HelloAnswer::Unclear("a server hello that is cut short".into()),
        },
        _ => HelloAnswer::Unclear(format!("no TLS: it begins with {:02x?}", &record[..record.len().min(6)])),
    }
}

/// Version and cipher suite of a server hello, from behind its type.
fn server_hello(rest: &[u8]) -> Option<(u16, u16)> {
    let number = |at: usize| Some(u16::from_be_bytes([*rest.get(at)?, *rest.get(at + 1)?]));
    // Length, then the version; behind 32 random bytes the session's id, the suite, the compression, the extensions.
    let claimed = number(3)?;
    let session = usize::from(*rest.get(37)?);
    let suite = number(38 + session)?;
    let mut at = 38 + session + 5;
    while let (Some(kind), Some(length)) = (number(at), number(at + 2)) {
        if kind == SUPPORTED_VERSIONS {
            return Some((number(at + 4)?, suite));
        }
        at += 4 + usize::from(length);
    }
    Some((claimed, suite))
}

/// An alert's name (RFC 8446, 6), where it is one that a refusal uses.
fn alert(description: u8) -> String {
    match description {
        40 => "alert handshake_failure".into(),
        47 => "alert illegal_parameter".into(),
        70 => "alert protocol_version".into(),
        71 => "alert insufficient_security".into(),
        80 => "alert internal_error".into(),
        112 => "alert unrecognized_name".into(),
        other => format!("alert {other}"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A server hello of this version and suite, as a record.
    fn answered(legacy: u16, suite: u16, extensions: &[u8]) -> Vec<u8> {
        let mut body = legacy.to_be_bytes().to_vec();
        body.extend([7; 32]);
        with_length_8(&mut body, &[9; 32]);
        body.extend(suite.to_be_bytes());
        body.push(0);
        with_length_16(&mut body, extensions);
        let mut message = vec![SERVER_HELLO, 0];
        with_length_16(&mut message, &body);
        let mut record = vec![HANDSHAKE, 3, 3];
        with_length_16(&mut record, &message);
        record
    }

    #[test]
    fn an_old_version_is_read_from_the_hello_itself() {
        let renegotiation = [0xff, 0x01, 0, 1, 0];
        let answer = read_answer(&answered(0x0301, 0xC009, &renegotiation));
        assert_eq!(answer, HelloAnswer::Agreed { version: 0x0301, suite: 0xC009 });
    }

    #[test]
    fn tls_1_3_is_read_from_its_extension() {
        let extensions = [0xff, 0x01, 0, 1, 0, 0, 43, 0, 2, 3, 4];
        let answer = read_answer(&answered(TLS_1_2, 0x1301, &extensions));
        assert_eq!(answer, HelloAnswer::Agreed { version: TLS_1_3, suite: 0x1301 });
    }

    #[rstest]
    #[case::alert(&[21, 3, 1, 0, 2, 2, 70], "alert protocol_version")]
    #[case::closed(&[], "the connection was closed")]
    fn a_refusal_is_told_by_its_alert(#[case] record: &[u8], #[case] told: &str) {
        assert_eq!(read_answer(record), HelloAnswer::Refused(told.into()));
    }

    #[rstest]
    #[case::http(b"HTTP/1.1 400 Bad Request")]
    #[case::cut_short(&[22, 3, 3, 0, 40, 2, 0, 0, 38, 3, 3])]
    #[case::one_byte(&[22])]
    fn what_is_no_answer_is_unclear(#[case] record: &[u8]) {
        assert!(matches!(read_answer(record), HelloAnswer::Unclear(_)));
    }

    #[test]
    fn a_hello_says_its_lengths_and_its_version() {
        for hello in Hello::VERSIONS {
            let record = first_hello(&hello, "shakedown.localhost");
            let length = |at: usize| usize::from(u16::from_be_bytes([record[at], record[at + 1]]));
            assert_eq!(length(3) + 5, record.len(), "{}", hello.name);
            assert_eq!(length(7) + 9, record.len(), "{}", hello.name);
            assert_eq!(length(9), usize::from(hello.version.min(TLS_1_2)), "{}", hello.name);
            let says_1_3 = record.windows(7).any(|part| part == [0, 43, 0, 3, 2, 3, 4]);
            assert_eq!(says_1_3, hello.version == TLS_1_3, "{}", hello.name);
        }
    }

    /// The sound library reads what was written by hand, and so would a server.
    #[test]
    fn a_server_understands_the_hellos_of_today() {
        for hello in &Hello::VERSIONS[3..] {
            let mut acceptor = rustls::server::Acceptor::default();
            acceptor.read_tls(&mut first_hello(hello, "shakedown.localhost").as_slice()).unwrap();
            let accepted = acceptor.accept().map_err(|(error, _)| error).unwrap().unwrap();
            assert_eq!(accepted.client_hello().server_name(), Some("shakedown.localhost"));
            assert_eq!(accepted.client_hello().cipher_suites().len(), hello.suites.len());
        }
    }
}
