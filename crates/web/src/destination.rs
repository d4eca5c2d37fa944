//! Where somebody goes on to after logging in: one of our own pages, and nothing else that a link could name.

use std::fmt;

use uuid::Uuid;

/// A page that needs a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Gallery,
    Image(Uuid),
    Job(Uuid),
    Account,
}

impl Destination {
    /// What `next=` names; none when it is no path of ours. The text itself is never used again.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        match path {
            "/gallery" => Some(Self::Gallery),
            "/account" => Some(Self::Account),
            _ => match path.strip_prefix("/gallery/") {
                Some(id) => parse_id(id).map(Self::Image),
                None => path.strip_prefix("/jobs/").and_then(parse_id).map(Self::Job),
            },
        }
    }

    /// The page that somebody was at who asked for this path: the path itself, or the page whose form it answers.
    pub(crate) fn behind(path: &str) -> Option<Self> {
        Self::parse(path).or_else(|| Self::parse(path.rsplit_once('/')?.0))
    }
}

/// As we write ids, so that each page has one address.
fn parse_id(text: &str) -> Option<Uuid> {
    text.parse().ok().filter(|id: &Uuid| id.to_string() == text)
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gallery => formatter.write_str("/gallery"),
            Self::Image(id) => write!(formatter, "/gallery/{id}"),
            Self::Job(id) => write!(formatter, "/jobs/{id}"),
            Self::Account => formatter.write_str("/account"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Destination;

    const ID: &str = "3f2b8c1e-5d7a-4c9b-8e6f-0a1b2c3d4e5f";

    #[rstest]
    #[case("/gallery")]
    #[case("/account")]
    #[case(&format!("/gallery/{ID}"))]
    #[case(&format!("/jobs/{ID}"))]
    fn page_of_ours_is_gone_on_to(#[case] path: &str) {
        assert_eq!(Destination::parse(path).unwrap().to_string(), path);
    }

    #[rstest]
    #[case("")]
    #[case("/")]
    #[case("//evil.example")]
    #[case("/\\evil.example")]
    #[case("https://evil.example/gallery")]
    #[case("/gallery/")]
    #[case("/gallery//evil.example")]
    #[case("/gallery/../../evil")]
    #[case("/gallery?page=2")]
    #[case("/gallery\r\nSet-Cookie: a=b")]
    #[case("/log-out")]
    #[case("javascript:alert(1)")]
    #[case("gallery")]
    #[case(&format!("/gallery/{}", ID.to_uppercase()))]
    #[case(&format!("/gallery/{}", ID.replace('-', "")))]
    #[case(&format!("/gallery/{ID}/delete"))]
    #[case(&format!("/jobs/{ID}/state"))]
    fn anything_else_is_not(#[case] path: &str) {
        assert_eq!(Destination::parse(path), None);
    }

    #[rstest]
    #[case("/gallery", Some("/gallery"))]
    #[case(&format!("/gallery/{ID}/delete"), Some(&*format!("/gallery/{ID}")))]
    #[case(&format!("/gallery/{ID}/picture"), Some(&*format!("/gallery/{ID}")))]
    #[case(&format!("/jobs/{ID}/state"), Some(&*format!("/jobs/{ID}")))]
    #[case("/account/password", Some("/account"))]
    #[case("/log-out", None)]
    #[case("/", None)]
    fn form_leads_back_to_the_page_it_stood_on(#[case] path: &str, #[case] page: Option<&str>) {
        assert_eq!(Destination::behind(path).map(|page| page.to_string()).as_deref(), page);
    }
}
