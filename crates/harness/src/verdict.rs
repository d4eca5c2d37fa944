//! Verdicts: what was found about a claim, and what all of them together mean for the exit code.

use serde::Serialize;

/// The answer to a claim. "Could not tell" is an answer of its own, and never a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The claim was tested and holds.
    Pass,
    /// Not applicable here, for a reason.
    Skipped,
    /// Could not tell.
    Unknown,
    /// The claim was tested and is false.
    Fail,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The check's dotted id.
    pub check: String,
    /// The answer.
    pub verdict: Outcome,
    /// What the check claims of the stack.
    pub claim: String,
    /// What was expected.
    pub expected: String,
    /// What was found instead, or found as expected.
    pub actual: String,
    /// Why it could not be told, why it was skipped, or what a failure likely means.
    pub reason: Option<String>,
    /// How long the observation took that the verdict rests on. Checks that rest on one observation share it.
    pub duration_ms: u64,
}

/// Exit codes of the command; an interface, documented in the README.
pub mod exit {
    /// Every expected check passed or was skipped by name, and at least one passed.
    pub const PASS: u8 = 0;
    /// At least one claim is false.
    pub const FAIL: u8 = 1;
    /// Bad usage, or the definition is wrong.
    pub const USAGE: u8 = 2;
    /// At least one claim could not be tested, and none is false.
    pub const UNKNOWN: u8 = 3;
    /// The stack never came up, or the machine is not fit for it.
    pub const NOT_UP: u8 = 4;
    /// Interrupted by the person.
    pub const INTERRUPTED: u8 = 130;
}

/// A whole gate passes with no fewer passed checks than this, whatever its definition leaves to check: a gate that has
/// lost its checks must not be green.
pub const FEWEST_PASSED: usize = 35;

/// The exit code that a set of verdicts amounts to. No fewer than `fewest_passed` must have passed for a pass.
pub fn exit_code(verdicts: &[Verdict], fewest_passed: usize) -> u8 {
    let count = |outcome| verdicts.iter().filter(|verdict| verdict.verdict == outcome).count();
    let has = |outcome| count(outcome) > 0;
    let passed = count(Outcome::Pass);
    if has(Outcome::Fail) {
        exit::FAIL
    } else if has(Outcome::Unknown) || passed < fewest_passed.max(1) {
        exit::UNKNOWN
    } else {
        exit::PASS
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn verdict(outcome: Outcome) -> Verdict {
        Verdict {
            check: "health.ready.api".into(),
            verdict: outcome,
            claim: String::new(),
            expected: String::new(),
            actual: String::new(),
            reason: None,
            duration_ms: 0,
        }
    }

    #[rstest]
    #[case::all_pass(&[Outcome::Pass, Outcome::Pass], exit::PASS)]
    #[case::skipped_by_name_beside_a_pass(&[Outcome::Pass, Outcome::Skipped], exit::PASS)]
    #[case::unknown_is_no_pass(&[Outcome::Pass, Outcome::Unknown], exit::UNKNOWN)]
    #[case::fail_outweighs_unknown(&[Outcome::Fail, Outcome::Unknown, Outcome::Pass], exit::FAIL)]
    #[case::nothing_judged_proves_nothing(&[], exit::UNKNOWN)]
    #[case::all_skipped_proves_nothing(&[Outcome::Skipped], exit::UNKNOWN)]
    fn exit_code_follows_the_worst_verdict(#[case] outcomes: &[Outcome], #[case] code: u8) {
        let verdicts: Vec<_> = outcomes.iter().copied().map(verdict).collect();
        assert_eq!(exit_code(&verdicts, 1), code);
    }

    #[test]
    fn a_gate_that_lost_its_checks_is_not_green() {
        let few = vec![verdict(Outcome::Pass); FEWEST_PASSED - 1];
        assert_eq!(exit_code(&few, FEWEST_PASSED), exit::UNKNOWN);
        let enough = vec![verdict(Outcome::Pass); FEWEST_PASSED];
        assert_eq!(exit_code(&enough, FEWEST_PASSED), exit::PASS);
    }
}
