//! The licences that deny.toml allows are those that Cargo.lock needs.

use std::{collections::BTreeSet, process::Command};

use crate::{read, repository};

/// Every licence expression of a package that the lock names.
fn expressions() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {output:?}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let licence = package["license"].as_str();
            licence.unwrap_or_else(|| panic!("{} names no licence", package["name"])).to_owned()
        })
        .collect()
}

/// The words between the quotes of `allow = [...]`.
fn allowed() -> BTreeSet<String> {
    let deny = read("deny.toml");
    let list = deny.split("\nallow = [").nth(1).unwrap().split(']').next().unwrap();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether an SPDX expression is met. Older crates write `/` for `OR`. No expression here nests an `AND` below an `OR`
/// without parentheses around the `OR`.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let either = expression.replace('/', " OR ");
    either.split(" AND ").all(|part| {
        let part = part.trim().trim_start_matches('(').trim_end_matches(')');
        part.split(" OR ").any(|licence| allowed.contains(licence.trim()))
    })
}

#[test]
fn every_licence_in_use_is_allowed_and_every_allowed_one_is_in_use() {
    let (expressions, allowed) = (expressions(), allowed());
    let unmet: Vec<_> = expressions.iter().filter(|expression| !is_met(expression, &allowed)).collect();
    assert!(unmet.is_empty(), "deny.toml allows none of {unmet:?}; add a licence, or do without the crate");
    for licence in &allowed {
        let mut without = allowed.clone();
        without.remove(licence);
        assert!(
            expressions.iter().any(|expression| !is_met(expression, &without)),
            "deny.toml allows {licence}, and nothing needs it; take it out"
        );
    }
}
