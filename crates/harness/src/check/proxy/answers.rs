//! What every answer says besides itself: redirects, headers, policies, how long it may be kept.

use super::{Check, Finding, each, of, once, values};
use crate::{
    html,
    observation::{Kind, Look},
    probe::http::Answer,
};

/// A year, in seconds: what browsers want before they take a host for one that is only spoken to over TLS.
const HSTS_SECONDS: u64 = 31_536_000;
/// Directives that do not fall back to `default-src`, and so must be there.
const NEEDED: [&str; 4] = ["default-src", "base-uri", "form-action", "frame-ancestors"];

pub(super) fn checks() -> Vec<Check> {
    vec![
        redirect(),
        hsts(),
        header("nosniff", "no browser guesses what an answer is", "x-content-type-options", &["nosniff"]),
        header("frame", "no other page shows ours in a frame", "x-frame-options", &["DENY"]),
        header(
            "referrer",
            "no other site is told where people come from",
            "referrer-policy",
            &["same-origin", "no-referrer"],
        ),
        header("permissions", "no page may use camera, microphone or place", "permissions-policy", &[]),
        software(),
        policy(),
        inline(),
        uncached(),
    ]
}

fn redirect() -> Check {
    let claim = "whoever comes by plain HTTP is sent to the public origin, and told nothing else";
    let expected = "308 to the same path and query there, an empty body, no cookie";
    of(
        "proxy.redirect",
        claim,
        expected,
        |proxy| &proxy.redirects,
        |proxy, redirects| {
            each(redirects, |redirected, answer| {
                let expected = format!("{}{}", proxy.public_origin, redirected.target);
                match (answer.status, answer.header("location")) {
                    (308, Some(location)) if location == expected => {}
                    (308, Some(location)) => return Err(format!("308 to {}", without_query(location))),
                    (status, _) => return Err(status.to_string()),
                }
                if !values(answer, "set-cookie").is_empty() {
                    return Err("sets a cookie".into());
                }
                if !answer.body.is_empty() {
                    return Err(format!("has a body of {} bytes", answer.body.len()));
                }
                Ok(())
            })
        },
    )
}

fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

fn hsts() -> Check {
    let claim = "browsers are told to come by TLS from now on, on every answer over TLS and only there";
    let expected = "one Strict-Transport-Security of a year or more over TLS, none over plain HTTP";
    of(
        "proxy.hsts",
        claim,
        expected,
        |proxy| &proxy.looks,
        |proxy, looks| {
            let over_tls = each(looks, |_, answer| {
                let value = once(answer, "strict-transport-security")?;
                let seconds = value.split(';').find_map(|part| part.trim().strip_prefix("max-age="));
                match seconds.and_then(|seconds| seconds.trim_matches('"').parse::<u64>().ok()) {
                    Some(seconds) if seconds >= HSTS_SECONDS => Ok(()),
                    _ => Err(format!("says `{value}`")),
                }
            });
            match (&over_tls, &proxy.redirects) {
                (Finding::Pass(told), Ok(redirects)) => {
                    // RFC 6797, 7.2.
                    let plain =
                        each(redirects, |_, answer| match answer.header("strict-transport-security") {
                            Some(_) => Err("says so over plain HTTP".into()),
                            None => Ok(()),
                        });
                    if let Finding::Pass(_) = plain { Finding::Pass(told.clone()) } else { plain }
                }
                (Finding::Pass(_), Err(why)) => Finding::Unknown(why.clone()),
                _ => over_tls,
            }
        },
    )
}

/// A header that is on every answer, once, with one of these values (any, where none is given).
fn header(name: &str, claim: &str, header: &'static str, right: &'static [&'static str]) -> Check {
    let expected = match right {
        [] => format!("one {header} on every answer"),
        right => format!("one {header} on every answer: {}", right.join(" or ")),
    };
    of(
        &format!("proxy.headers.{name}"),
        claim,
        &expected,
        |proxy| &proxy.looks,
        move |_, looks| {
            each(looks, |_, answer| {
                let value = once(answer, header)?.trim();
                let holds = match right {
                    [] => !value.is_empty(),
                    right => right.iter().any(|right| right.eq_ignore_ascii_case(value)),
                };
                if holds { Ok(()) } else { Err(format!("says `{value}`")) }
            })
        },
    )
}

fn software() -> Check {
    let claim = "no answer tells which software made it";
    let expected = "neither Server nor Via nor X-Powered-By";
    of(
        "proxy.headers.software",
        claim,
        expected,
        |proxy| &proxy.looks,
        |proxy, looks| {
            let rule = |answer: &Answer| {
                let telling = ["server", "via", "x-powered-by", "x-aspnet-version", "x-generator"];
                let told = telling.iter().find_map(|name| Some((name, answer.header(name)?)));
                told.map_or(Ok(()), |(name, value)| Err(format!("says {name}: {value}")))
            };
            let over_tls = each(looks, |_, answer| rule(answer));
            match (&over_tls, &proxy.redirects) {
                (Finding::Pass(_), Ok(redirects)) => match each(redirects, |_, answer| rule(answer)) {
                    Finding::Pass(_) => over_tls,
                    plain => plain,
                },
                _ => over_tls,
            }
        },
    )
}

fn is_page(look: &Look) -> bool {
    let html =
        |answer: &Answer| answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    look.kind == Kind::Page && look.row.answer.as_ref().is_ok_and(html)
}

fn policy() -> Check {
    let claim = "a page runs nothing but its own files, whatever somebody gets written into it";
    let expected =
        "one Content-Security-Policy on every page, without unsafe-inline, unsafe-eval or wildcards";
    of(
        "proxy.csp.policy",
        claim,
        expected,
        |proxy| &proxy.looks,
        |_, looks| {
            each(looks.iter().filter(|look| is_page(look)), |_, answer| {
                strict(once(answer, "content-security-policy")?)
            })
        },
    )
}

/// Whether a policy keeps foreign and inline code out.
fn strict(policy: &str) -> Result<(), String> {
    let directives: Vec<(String, Vec<&str>)> = policy
        .split(';')
        .filter_map(|directive| {
            let mut words = directive.split_ascii_whitespace();
            Some((words.next()?.to_ascii_lowercase(), words.collect()))
        })
        .collect();
    if let Some(missing) = NEEDED.iter().find(|name| !directives.iter().any(|(found, _)| found == *name)) {
        return Err(format!("says nothing of {missing}"));
    }
    for (name, sources) in &directives {
        if let Some(source) = sources.iter().find(|source| is_loose(name, source)) {
            return Err(format!("says {name} {source}"));
        }
    }
    Ok(())
}

fn is_loose(directive: &str, source: &str) -> bool {
    let source = source.to_ascii_lowercase();
    let code = ["default-src", "script-src", "script-src-elem", "style-src", "style-src-elem", "base-uri"];
    source.starts_with("'unsafe-")
        || source.contains('*')
        || matches!(source.as_str(), "http:" | "https:" | "ws:" | "wss:")
        || code.contains(&directive) && matches!(source.as_str(), "data:" | "blob:" | "filesystem:")
        || directive == "frame-ancestors" && source != "'none'"
}

fn inline() -> Check {
    let claim =
        "no page has a script, a style or a handler of events in itself, which its policy would refuse";
    let expected = "only files are referred to";
    of(
        "proxy.csp.inline",
        claim,
        expected,
        |proxy| &proxy.looks,
        |_, looks| {
            each(looks.iter().filter(|look| is_page(look)), |_, answer| {
                let inline = html::read(&String::from_utf8_lossy(&answer.body)).inline;
                inline.first().map_or(Ok(()), |first| Err(format!("has {first}")))
            })
        },
    )
}

fn uncached() -> Check {
    let claim = "what is one person's alone is kept by nobody on the way";
    let expected = "no-store or private on every such answer, and never public";
    of(
        "proxy.uncached",
        claim,
        expected,
        |proxy| &proxy.looks,
        |_, looks| {
            each(looks.iter().filter(|look| look.personal), |_, answer| {
                let value = values(answer, "cache-control").join(", ").to_ascii_lowercase();
                let has = |word: &str| value.split(',').any(|part| part.trim() == word);
                match (has("no-store") || has("private")) && !has("public") {
                    true => Ok(()),
                    false if value.is_empty() => Err("says nothing of caches".into()),
                    false => Err(format!("says `{value}`")),
                }
            })
        },
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const OURS: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
                        connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    #[test]
    fn a_policy_that_names_what_it_allows_is_strict() {
        assert_eq!(strict(OURS), Ok(()));
    }

    #[rstest]
    #[case::inline("script-src 'self'", "script-src 'self' 'unsafe-inline'")]
    #[case::eval("script-src 'self'", "script-src 'self' 'Unsafe-Eval'")]
    #[case::any_host("script-src 'self'", "script-src *")]
    #[case::any_subdomain("img-src 'self'", "img-src *.example.org")]
    #[case::any_tls("connect-src 'self'", "connect-src https:")]
    #[case::code_from_data("script-src 'self'", "script-src data:")]
    #[case::framed("frame-ancestors 'none'", "frame-ancestors 'self'")]
    #[case::no_base("base-uri 'none'; ", "")]
    #[case::no_default("default-src 'none'; ", "")]
    fn a_policy_with_a_hole_is_not(#[case] part: &str, #[case] hole: &str) {
        assert!(OURS.contains(part));
        assert!(strict(&OURS.replace(part, hole)).is_err(), "{hole}");
    }
}
