//! Conditions that a request puts on the image it gets (RFC 9110, section 13). An image has an entity tag and no date:
//! the tag tells all there is to tell.

use axum::http::{HeaderMap, HeaderName, header};

/// What comes of the conditions of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// None stands against answering.
    Holds,
    /// `If-None-Match` names the image: the client has it.
    NotModified,
    /// `If-Match` does not name it.
    Fails,
}

pub(super) fn of(headers: &HeaderMap, tag: &str) -> Condition {
    let names = |name, read| headers.contains_key(&name).then(|| any(headers, name, read, tag));
    if names(header::IF_MATCH, strong) == Some(false) {
        Condition::Fails
    } else if names(header::IF_NONE_MATCH, weak) == Some(true) {
        Condition::NotModified
    } else {
        Condition::Holds
    }
}

/// Whether a list of entity tags names this one, or says `*`, which is any. A tag holds no quote, so a comma inside of
/// another one takes nothing apart that could be taken for this one.
fn any(headers: &HeaderMap, name: HeaderName, read: fn(&str) -> &str, tag: &str) -> bool {
    let lists = headers.get_all(name).into_iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|listed| listed == "*" || read(listed) == tag)
}

/// What is called weak says no more than that two are as good as each other, which is not enough.
fn strong(listed: &str) -> &str {
    listed
}

fn weak(listed: &str) -> &str {
    listed.strip_prefix("W/").unwrap_or(listed)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use rstest::rstest;

    use super::{Condition, of};

    #[rstest]
    #[case::nothing_asked(&[], Condition::Holds)]
    #[case::has_it(&[("if-none-match", "\"a\"")], Condition::NotModified)]
    #[case::has_it_called_weak(&[("if-none-match", "W/\"a\"")], Condition::NotModified)]
    #[case::has_it_among_others(&[("if-none-match", "\"b\", W/\"c\" ,\"a\"")], Condition::NotModified)]
    #[case::has_it_in_a_second_line(&[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")], Condition::NotModified)]
    #[case::has_any(&[("if-none-match", "*")], Condition::NotModified)]
    #[case::has_another(&[("if-none-match", "\"b\"")], Condition::Holds)]
    #[case::has_one_that_begins_alike(&[("if-none-match", "\"aa\"")], Condition::Holds)]
    #[case::without_quotes(&[("if-none-match", "a")], Condition::Holds)]
    #[case::nothing_listed(&[("if-none-match", "")], Condition::Holds)]
    #[case::wants_it(&[("if-match", "\"b\",\"a\"")], Condition::Holds)]
    #[case::wants_any(&[("if-match", "*")], Condition::Holds)]
    #[case::wants_another(&[("if-match", "\"b\"")], Condition::Fails)]
    #[case::wants_a_weak_one(&[("if-match", "W/\"a\"")], Condition::Fails)]
    #[case::wants_another_and_has_it(&[("if-match", "\"b\""), ("if-none-match", "\"a\"")], Condition::Fails)]
    fn tags_are_compared_as_their_header_wants_it(
        #[case] asked: &[(&'static str, &str)],
        #[case] expected: Condition,
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in asked {
            headers.append(*name, value.parse().unwrap());
        }
        assert_eq!(of(&headers, "\"a\""), expected);
    }
}
