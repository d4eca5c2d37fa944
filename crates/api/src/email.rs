//! An e-mail address, checked and in lower case.

/// The longest address that a mail server takes (RFC 5321).
pub(crate) const MAX_BYTES: usize = 254;

/// What [`Email::parse`] takes, for the document.
pub(crate) const PATTERN: &str = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$";

/// An address in the one form in which it is stored and looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Email(String);

impl Email {
    /// Takes what mail servers take in practice: no quotes, no brackets, no control characters, ASCII.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_BYTES {
            return Err("must be at most 254 bytes long");
        }
        let (local, domain) =
            text.split_once('@').ok_or("must be an e-mail address, such as ada@example.org")?;
        let local_ok = (1..=64).contains(&local.len())
            && local
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte));
        let domain_ok = domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
        if local_ok && domain_ok {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("must be an e-mail address, such as ada@example.org")
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::Email;

    #[rstest]
    #[case("ada@example.org")]
    #[case("Ada.O'Brien+photos@Mail.Example.org")]
    #[case("a@localhost")]
    fn address_is_taken_in_lower_case(#[case] text: &str) {
        assert_eq!(Email::parse(text).unwrap().as_str(), text.to_lowercase());
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_at("ada")]
    #[case::no_local("@example.org")]
    #[case::no_domain("ada@")]
    #[case::two_ats("ada@b@example.org")]
    #[case::html("<script>alert(1)</script>@example.org")]
    #[case::sql("ada@example.org'; drop table users; --")]
    #[case::nul("ada\0@example.org")]
    #[case::newline("ada@example.org\nBcc: all@example.org")]
    #[case::space("ada b@example.org")]
    #[case::empty_label("ada@example..org")]
    fn what_is_no_address_is_refused(#[case] text: &str) {
        assert!(Email::parse(text).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_harmless_in_html_sql_and_logs(text in "\\PC{0,20}@[ -~]{0,20}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert!(!email.as_str().contains(['<', '>', '"', ';', ' ', '\0', '\n', '\\', '(']));
            }
        }
    }
}
