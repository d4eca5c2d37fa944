//! What is not for the outside stays inside, however it is asked for.

use super::{Check, Finding, Subject, each, with_proxy};
use crate::{
    observation::{Proxy, Row},
    platform::RunnerKind,
    probe::http::Answer,
};

/// Each name, and what would come out if the door were open.
const CLOSED: [(&str, &str, &[&str]); 4] = [
    ("metrics", "what operators count", &["# TYPE ", "# HELP ", "build_info"]),
    ("ready", "what a service depends on", &["\"dependencies\""]),
    ("health", "what health checks are told of the pages' server", &["\"status\":\"ok\""]),
    ("admin", "the proxy's own administration", &["\"apps\"", "\"listen\"", "cmdline", "profile?debug"]),
];

pub(super) fn checks() -> Vec<Check> {
    CLOSED.iter().map(|&(name, what, tells)| closed(name, what, tells)).collect()
}

fn closed(name: &'static str, what: &str, tells: &'static [&'static str]) -> Check {
    let claim = format!("{what} is closed to the outside, however it is asked for");
    let id = format!("proxy.closed.{name}");
    let expected = "refused in every spelling, by every method, under every name";
    Check::new(id, Subject::Proxy, claim, expected, move |seen| {
        with_proxy(seen, |proxy| {
            let rows = match proxy.closed.get(name) {
                Some(Ok(rows)) => rows,
                Some(Err(why)) => return Finding::Unknown(why.clone()),
                None => return Finding::Unknown("it was not looked at".into()),
            };
            let asked = each(rows, |_: &Row, answer| refused(answer, tells));
            match (&asked, name) {
                // On this machine's loopback that port may be somebody else's.
                (Finding::Pass(told), "admin") if seen.runner == RunnerKind::Containers => {
                    admin_port(proxy, told)
                }
                _ => asked,
            }
        })
    })
}

/// Neither a success nor anything that only insiders are told. A redirect leads to another row.
fn refused(answer: &Answer, tells: &[&str]) -> Result<(), String> {
    let body = String::from_utf8_lossy(&answer.body);
    if let Some(told) = tells.iter().find(|told| body.contains(**told)) {
        return Err(format!("{} that tells `{}`", answer.status, told.trim()));
    }
    match answer.status {
        300..=499 | 501 | 505 => Ok(()),
        status => Err(status.to_string()),
    }
}

fn admin_port(proxy: &Proxy, told: &str) -> Finding {
    match &proxy.admin {
        Ok(admin) if admin.open => Finding::Fail(
            "port 2019 takes connections from the stack's network".into(),
            Some(
                "Caddy's admin API listens on every address: whoever gets into one container owns the proxy"
                    .into(),
            ),
        ),
        Ok(admin) if !admin.control => {
            Finding::Unknown(format!("the proxy's own port did not answer at {} either", admin.address))
        }
        Ok(_) => Finding::Pass(format!("{told}, and no admin port")),
        Err(why) => Finding::Unknown(why.clone()),
    }
}
