//! `shakedown checks`.

use std::{collections::BTreeMap, fmt::Write};

use harness::{
    check::{self, Check, Subject},
    verdict::exit,
};

use super::{Failure, repository};
use crate::{args, progress::say};

pub(crate) fn run(asked: &args::Checks) -> Result<u8, Failure> {
    let stack = asked.definition.definition(&repository()?).read(&BTreeMap::new())?;
    let checks = check::checks(&stack);
    if asked.markdown {
        say(page(&checks).trim_end());
    } else {
        for check in checks {
            say(&format!("{:<32} {}", check.id, check.claim));
        }
    }
    Ok(exit::PASS)
}

/// The page docs/checks.md: a table for each kind, in the order of the report.
fn page(checks: &[Check]) -> String {
    let mut page = format!(
        "# Checks\n\n\
         Every check that the gate makes of `compose/compose.yaml`, {} in all. Written by `shakedown checks --markdown`; \
         do not edit it by hand.\n\n\
         The second column says what the harness has to look at before the check can be judged. Those \
         [at the end](#only-in-containers) are skipped where the stack runs as processes.\n",
        checks.len()
    );
    let mut kind = "";
    for check in checks {
        let this = check.id.split('.').next().unwrap_or_default();
        if this != kind {
            kind = this;
            let _ = write!(
                page,
                "\n## {kind}\n\n| check | looks at | claim | expected |\n| --- | --- | --- | --- |\n"
            );
        }
        let (claim, expected) = (cell(&check.claim), cell(&check.expected));
        let _ = writeln!(page, "| `{}` | {} | {claim} | {expected} |", check.id, looks_at(check.subject));
    }
    page.push_str("\n## Only in containers\n\n| check | skipped for processes, because |\n| --- | --- |\n");
    for check in checks {
        if let Some(why) = check.only_in_containers {
            let _ = writeln!(page, "| `{}` | {} |", check.id, cell(why));
        }
    }
    page
}

/// What has to be looked at, in words.
fn looks_at(subject: Subject) -> &'static str {
    match subject {
        Subject::Images => "container images",
        Subject::Hardening => "limits that bite",
        Subject::BringUp => "bring-up",
        Subject::Settle => "settle window",
        Subject::Schema => "schema",
        Subject::Smoke => "smoke story",
        Subject::Expiry => "expiry story",
        Subject::Inputs => "photos by every road",
        Subject::Data => "rows and objects",
        Subject::Backup => "backup and restore",
        Subject::Proxy => "proxy",
        Subject::Cors => "other origins",
        Subject::Auth => "accounts",
        Subject::Limits => "limits",
        Subject::Contract => "documents",
        Subject::Browser => "browser",
        Subject::Sweeping => "worker away over ends",
        Subject::Replicas => "replicas",
        Subject::Outage => "outage",
        Subject::Late => "late dependencies",
        Subject::Surfaces => "surfaces",
    }
}

/// Text that stays in its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
