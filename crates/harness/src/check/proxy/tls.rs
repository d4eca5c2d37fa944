//! What the entrance speaks, and what it proves itself with.

use super::{Check, Finding, of};
use crate::observation::{Distrust, HelloAnswer};

/// TLS 1.2: older versions are deprecated (RFC 8996).
const OLDEST: u16 = 0x0303;

pub(super) fn checks() -> Vec<Check> {
    vec![versions(), ciphers(), certificate()]
}

fn versions() -> Check {
    let claim = "the entrance speaks TLS 1.2 and 1.3, and nothing older";
    let expected = "1.2 and 1.3 agreed to; SSL 3.0, TLS 1.0 and 1.1 refused";
    of(
        "proxy.tls.versions",
        claim,
        expected,
        |proxy| &proxy.versions,
        |_, greeted| {
            let (mut wrong, mut unclear, mut told) = (Vec::new(), Vec::new(), Vec::new());
            for greeted in greeted {
                let name = &greeted.name;
                match &greeted.answer {
                    HelloAnswer::Agreed { version, .. } if *version < OLDEST => {
                        wrong.push(format!("{name} is spoken"));
                    }
                    HelloAnswer::Agreed { version, .. } if *version == greeted.version => {
                        told.push(format!("{name} spoken"));
                    }
                    HelloAnswer::Agreed { version, .. } if greeted.version < OLDEST => {
                        wrong.push(format!("{name} is answered with version {version:#06x}"));
                    }
                    HelloAnswer::Agreed { version, .. } => {
                        wrong.push(format!("{name} is not spoken: version {version:#06x} was agreed to"));
                    }
                    HelloAnswer::Refused(_) if greeted.version < OLDEST => {
                        told.push(format!("{name} refused"));
                    }
                    HelloAnswer::Refused(how) => wrong.push(format!("{name} is refused ({how})")),
                    HelloAnswer::Unclear(what) => unclear.push(format!("{name}: {what}")),
                }
            }
            match (wrong.is_empty(), unclear.is_empty()) {
                (false, _) => Finding::Fail(wrong.join("; "), None),
                (true, false) => Finding::Unknown(unclear.join("; ")),
                (true, true) if told.is_empty() => Finding::Unknown("nobody said hello".into()),
                (true, true) => Finding::Pass(told.join(", ")),
            }
        },
    )
}

fn ciphers() -> Check {
    let claim = "no cipher suite is agreed to that lacks forward secrecy or authenticated encryption";
    let expected = "a client that has only such suites is refused";
    of(
        "proxy.tls.ciphers",
        claim,
        expected,
        |proxy| &proxy.weak_suites,
        |_, answer| match answer {
            HelloAnswer::Refused(how) => Finding::Pass(format!("refused ({how})")),
            HelloAnswer::Agreed { suite, .. } => {
                Finding::Fail(format!("cipher suite {suite:#06x} was agreed to"), None)
            }
            HelloAnswer::Unclear(what) => Finding::Unknown(what.clone()),
        },
    )
}

fn certificate() -> Check {
    let claim = "the entrance proves itself as the public origin's host, by a certificate that lasts";
    let expected =
        "signed by the run's authority, for the right name, valid now and in an hour, its key held";
    of(
        "proxy.tls.certificate",
        claim,
        expected,
        |proxy| &proxy.certificate,
        |proxy, seen| {
            if let Err(why) = &seen.holds_key {
                let told = format!("no proof that the server holds the certificate's key: {why}");
                return Finding::Fail(told, Some("certificate and key do not belong together".into()));
            }
            match (&seen.now, &seen.for_a_while) {
                (Err(distrust), _) => Finding::Fail(told(distrust), None),
                (Ok(()), Err(Distrust::Expired)) => {
                    Finding::Fail("it expires within the hour".into(), Some("nothing renews it".into()))
                }
                (Ok(()), Err(distrust)) => Finding::Fail(format!("in an hour: {}", told(distrust)), None),
                (Ok(()), Ok(())) => Finding::Pass(format!("believed for {}", proxy.public_origin)),
            }
        },
    )
}

fn told(distrust: &Distrust) -> String {
    match distrust {
        Distrust::WrongName(names) => format!("it is for another name: {names}"),
        Distrust::Expired => "it has expired".into(),
        Distrust::NotValidYet => "it is not valid yet".into(),
        Distrust::UnknownIssuer => "an authority has signed it that nobody was told of".into(),
        Distrust::Other(why) => why.clone(),
    }
}
