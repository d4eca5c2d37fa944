//! "Did you mean": the known word that is few typing mistakes away.

/// The candidate that is few enough typing mistakes away, if any.
pub(crate) fn closest<'c>(found: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let bound = match found.chars().count() {
        0..=2 => return None,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    candidates
        .map(|candidate| {
            (mistakes(&found.to_lowercase().replace('-', "_"), &candidate.replace('-', "_")), candidate)
        })
        .filter(|(count, _)| *count <= bound)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Typing mistakes between two words: letters added, lost, changed, or two swapped.
fn mistakes(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().take(64).collect(), right.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let mut least = (rows[i][j] + usize::from(l != r)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::same("word", "word", 0)]
    #[case::swapped("wrod", "word", 1)]
    #[case::lost("wrd", "word", 1)]
    #[case::added("woord", "word", 1)]
    #[case::changed("ward", "word", 1)]
    #[case::empty("", "word", 4)]
    fn mistakes_are_counted(#[case] left: &str, #[case] right: &str, #[case] expected: usize) {
        assert_eq!(mistakes(left, right), expected);
    }
}
