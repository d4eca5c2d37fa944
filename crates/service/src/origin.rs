//! An origin as browsers spell it: scheme, host and maybe a port, and nothing else.

use crate::{SettingError, Settings};
use axum::http::{HeaderValue, Uri};

const EXPECTED: &str = "http:// or https://, a host in lower case and maybe a port that is not the scheme's own, \
                        and no path, such as https://shakedown.localhost:8443";

/// Compared byte by byte with what a browser sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    header: HeaderValue,
}

impl Origin {
    /// None unless it is spelled as a browser would.
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme_str()?;
        let own_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.host().is_empty() || authority.port_u16() == Some(own_port) {
            return None;
        }
        let host = match authority.port() {
            Some(port) => format!("{}:{}", authority.host(), port.as_u16()),
            None => authority.host().to_owned(),
        };
        // Spelled together again, there is no user, path, query, fragment, `*`, or upper case left.
        let spelled = format!("{scheme}://{}", host.to_ascii_lowercase());
        let header = HeaderValue::from_str(text).ok()?;
        (spelled == text && !text.contains('*')).then(|| Self { text: spelled, header })
    }

    /// Reads the setting `name`, which must be there.
    pub fn read(settings: &Settings, name: &str) -> Result<Self, SettingError> {
        let text = settings.required(name, EXPECTED)?;
        Self::parse(&text).ok_or_else(|| SettingError::invalid(name, EXPECTED))
    }

    /// Reads `PUBLIC_ORIGIN`.
    pub fn read_public(settings: &Settings) -> Result<Self, SettingError> {
        Self::read(settings, "PUBLIC_ORIGIN")
    }

    /// Reads `ALLOWED_ORIGIN`, several with commas between them; by default the public origin alone.
    pub fn read_allowed(settings: &Settings, public: &Self) -> Result<Vec<Self>, SettingError> {
        let expected = format!("origins with commas between them, each {EXPECTED}");
        let Some(text) = settings.optional("ALLOWED_ORIGIN", &expected)? else {
            return Ok(vec![public.clone()]);
        };
        let origins: Option<_> = text.split(',').map(|origin| Self::parse(origin.trim())).collect();
        origins.ok_or_else(|| SettingError::invalid("ALLOWED_ORIGIN", expected))
    }

    /// Its text, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same for a header.
    pub fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;
    use crate::{SettingError, Settings};
    use rstest::rstest;

    #[rstest]
    #[case("https://shakedown.localhost:8443")]
    #[case("http://localhost:8080")]
    #[case("https://example.org")]
    #[case("http://192.0.2.7:81")]
    #[case("http://[2001:db8::7]:8080")]
    fn origin_is_taken_as_a_browser_spells_it(#[case] text: &str) {
        assert_eq!(Origin::parse(text).unwrap().as_str(), text);
    }

    #[rstest]
    #[case::no_scheme("localhost:8080")]
    #[case::slash("http://localhost:8080/")]
    #[case::path("http://localhost:8080/api")]
    #[case::user("http://user@localhost")]
    #[case::query("http://localhost?x")]
    #[case::fragment("http://localhost#x")]
    #[case::other_scheme("ftp://localhost")]
    #[case::upper_case("https://Example.org")]
    #[case::own_port("https://example.org:443")]
    #[case::own_port_http("http://example.org:80")]
    #[case::padded_port("https://example.org:08443")]
    #[case::null("null")]
    #[case::everybody("*")]
    #[case::every_host("https://*.example.org")]
    #[case::empty("")]
    #[case::no_host("https://")]
    fn what_no_browser_would_send_is_refused(#[case] text: &str) {
        assert_eq!(Origin::parse(text), None);
    }

    #[rstest]
    #[case(&[], Ok(vec!["https://a.example"]))]
    #[case(&[("ALLOWED_ORIGIN", "https://b.example, https://c.example:8443")], Ok(vec!["https://b.example", "https://c.example:8443"]))]
    #[case(&[("ALLOWED_ORIGIN", "https://b.example,*")], Err("ALLOWED_ORIGIN"))]
    #[case(&[("ALLOWED_ORIGIN", "https://b.example,")], Err("ALLOWED_ORIGIN"))]
    #[case(&[("ALLOWED_ORIGIN", "null")], Err("ALLOWED_ORIGIN"))]
    fn allowed_origins_are_a_list_and_by_default_our_own(
        #[case] pairs: &[(&str, &str)],
        #[case] expected: Result<Vec<&str>, &str>,
    ) {
        let public = Origin::parse("https://a.example").unwrap();
        let read = Origin::read_allowed(&Settings::from_pairs(pairs.iter().copied()), &public);
        let read = read.as_ref().map(|origins| origins.iter().map(Origin::as_str).collect::<Vec<_>>());
        assert_eq!(read.map_err(SettingError::name), expected);
    }
}
