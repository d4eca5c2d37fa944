//! The ways to spell a path that some reader on the way might take for the same.

use std::collections::BTreeSet;

/// A path as it is, and as it might be spelt; the last of its segments is what it is about.
pub(super) fn spellings(path: &str) -> Vec<(&'static str, String)> {
    let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
    let first_letter = |segment: &str| match segment.as_bytes().first() {
        Some(byte) => format!("%{byte:02x}{}", &segment[1..]),
        None => String::new(),
    };
    let encoded = percent(last.as_bytes());
    let letters: Vec<String> = path.split('/').map(first_letter).collect();
    let first_segment = path[1..].split('/').next().unwrap_or_default();
    let rest = &path[1 + first_segment.len()..];
    let all = vec![
        ("as it is", path.to_owned()),
        ("trailing slash", format!("{path}/")),
        ("double slashes", path.replace('/', "//")),
        ("double slash at the end", format!("{parent}//{last}")),
        ("upper case", path.to_ascii_uppercase()),
        ("upper-case first segment", format!("/{}{rest}", first_segment.to_ascii_uppercase())),
        ("percent-encoded letters", letters.join("/")),
        ("percent-encoded end", format!("{parent}/{encoded}")),
        ("doubly encoded end", format!("{parent}/{}", encoded.replace('%', "%25"))),
        ("percent-encoded slash", format!("{parent}%2f{last}")),
        ("dot segments", format!("{parent}/./x/../{last}")),
        ("percent-encoded dot segments", format!("{parent}/%2e/x/%2e%2e/{last}")),
        ("dot segments from elsewhere", format!("/assets/..{path}")),
        ("semicolon", format!("{path};x=1")),
        ("semicolon before the end", format!("{parent};x/{last}")),
        ("backslash", format!("{parent}%5c{last}")),
        ("null byte", format!("{path}%00")),
        ("extension", format!("{path}.json")),
        ("space", format!("{path}%20")),
    ];
    // At the root, some come out the same, or as no path at all.
    let mut known = BTreeSet::new();
    all.into_iter().filter(|(_, spelt)| spelt.starts_with('/') && known.insert(spelt.clone())).collect()
}

/// Every byte as `%41`.
pub(super) fn percent(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |encoded, byte| encoded + format!("%{byte:02X}").as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_another_one_and_begins_at_the_root() {
        for path in ["/gallery", "/api/v1/images/0190abcd-0000"] {
            let all: Vec<String> = spellings(path).into_iter().map(|(_, spelt)| spelt).collect();
            assert!(all.len() > 12 && all.iter().all(|spelt| spelt.starts_with('/')), "{all:?}");
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
        }
    }

    #[test]
    fn spellings_are_as_their_names_say() {
        let all: std::collections::BTreeMap<_, _> = spellings("/api/v1/x").into_iter().collect();
        assert_eq!(all["percent-encoded letters"], "/%61pi/%761/%78");
        assert_eq!(all["percent-encoded end"], "/api/v1/%78");
        assert_eq!(all["upper-case first segment"], "/API/v1/x");
        assert_eq!(all["double slashes"], "//api//v1//x");
    }
}
