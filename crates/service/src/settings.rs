//! The settings reader: environment variables in, typed values out, errors that name the variable and never
//! its value.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;

use crate::Secret;

/// A secret's file larger than this is not a secret but a mistake.
const SECRET_MAX_BYTES: u64 = 64 * 1024;

/// Why a setting cannot be used. The message names the variable and what was expected, never what it held.
#[derive(Debug, Error)]
pub enum SettingError {
    /// A required variable is absent.
    #[error("{name} is not set; expected {expected}")]
    Missing {
        /// The variable.
        name: String,
        /// What it should hold.
        expected: String,
    },
    /// The variable is there and holds nothing.
    #[error("{name} is empty; expected {expected}")]
    Empty {
        /// The variable.
        name: String,
        /// What it should hold.
        expected: String,
    },
    /// The variable holds something else than expected.
    #[error("{name} is not valid; expected {expected}")]
    Invalid {
        /// The variable.
        name: String,
        /// What it should hold.
        expected: String,
    },
    /// Both spellings of a secret are there.
    #[error("{name} and {name}_FILE are both set; keep one of them")]
    GivenTwice {
        /// The variable, without `_FILE`.
        name: String,
    },
    /// The file of a secret cannot be read.
    #[error("{name} names a file that cannot be read ({reason}); expected the path of a small text file")]
    File {
        /// The variable, with `_FILE`.
        name: String,
        /// What the operating system said.
        reason: std::io::ErrorKind,
    },
}

impl SettingError {
    /// The variable that the error is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name, .. }
            | Self::Empty { name, .. }
            | Self::Invalid { name, .. }
            | Self::GivenTwice { name }
            | Self::File { name, .. } => name,
        }
    }

    /// For a check that only the caller can make.
    pub fn invalid(name: &str, expected: impl Into<String>) -> Self {
        Self::Invalid { name: name.to_owned(), expected: expected.into() }
    }
}

/// The environment as it was when the service started, and which of its names were asked for.
pub struct Settings {
    variables: HashMap<String, OsString>,
    asked: Mutex<BTreeSet<String>>,
}

impl Settings {
    /// Takes this process's environment.
    pub fn from_env() -> Self {
        Self::from_pairs(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))),
        )
    }

    /// Takes the given variables and nothing else; for tests.
    pub fn from_pairs<N: Into<String>, V: Into<OsString>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, asked: Mutex::default() }
    }

    /// The names that were asked for so far, set or not, sorted. Of a secret both spellings are asked for.
    pub fn names_asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The text of `name` if it is set; empty text is an error.
    pub fn optional(&self, name: &str, expected: &str) -> Result<Option<String>, SettingError> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        let Some(value) = self.variables.get(name) else {
            return Ok(None);
        };
        let text = value
            .to_str()
            .ok_or_else(|| SettingError::invalid(name, format!("{expected}, as UTF-8 text")))?;
        if text.trim().is_empty() {
            return Err(SettingError::Empty { name: name.to_owned(), expected: expected.to_owned() });
        }
        Ok(Some(text.to_owned()))
    }

    /// The text of `name`, which must be set.
    pub fn required(&self, name: &str, expected: &str) -> Result<String, SettingError> {
        self.optional(name, expected)?
            .ok_or_else(|| SettingError::Missing { name: name.to_owned(), expected: expected.to_owned() })
    }

    /// The text of `name`, or `default`.
    pub fn text(&self, name: &str, default: &str) -> Result<String, SettingError> {
        Ok(self.optional(name, "some text")?.unwrap_or_else(|| default.to_owned()))
    }

    /// A whole number within `range`, or `default`.
    pub fn number(&self, name: &str, default: u64, range: RangeInclusive<u64>) -> Result<u64, SettingError> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        match self.optional(name, &expected)? {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| range.contains(number))
                .ok_or_else(|| SettingError::invalid(name, expected)),
        }
    }

    /// A length of time in whole seconds within `range`, or `default` (in seconds too).
    pub fn seconds(
        &self,
        name: &str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<Duration, SettingError> {
        let expected = format!("a whole number of seconds from {} to {}", range.start(), range.end());
        match self.number(name, default, range) {
            Ok(seconds) => Ok(Duration::from_secs(seconds)),
            Err(SettingError::Invalid { name, .. }) => Err(SettingError::Invalid { name, expected }),
            Err(error) => Err(error),
        }
    }

    /// A value of any type that reads itself from text, or `default` when there is one.
    pub fn parsed<T: FromStr>(
        &self,
        name: &str,
        default: Option<&str>,
        expected: &str,
    ) -> Result<T, SettingError> {
        let text = match (self.optional(name, expected)?, default) {
            (Some(text), _) => text,
            (None, Some(default)) => default.to_owned(),
            (None, None) => self.required(name, expected)?,
        };
        text.parse().map_err(|_| SettingError::invalid(name, expected))
    }

    /// The address a service listens on, such as `0.0.0.0:8000`.
    pub fn listen(&self, name: &str, default: &str) -> Result<SocketAddr, SettingError> {
        self.parsed(name, Some(default), "an IP address and a port, such as 0.0.0.0:8000")
    }

    /// The absolute path of a folder, or `default`.
    pub fn folder(&self, name: &str, default: &str) -> Result<PathBuf, SettingError> {
        let expected = "the absolute path of a folder";
        let path = PathBuf::from(self.optional(name, expected)?.unwrap_or_else(|| default.to_owned()));
        if path.is_absolute() { Ok(path) } else { Err(SettingError::invalid(name, expected)) }
    }

    /// A required secret of at least `min_bytes`, from `NAME` or from the file that `NAME_FILE` names (one
    /// trailing newline is trimmed). The file's path is not repeated in errors either: people paste the
    /// secret itself there.
    pub fn secret(&self, name: &str, min_bytes: usize) -> Result<Secret, SettingError> {
        let file_name = format!("{name}_FILE");
        let expected = if min_bytes > 1 {
            format!("a secret of at least {min_bytes} bytes, here or in the file named by {file_name}")
        } else {
            format!("a secret, here or in the file named by {file_name}")
        };
        let direct = self.optional(name, &expected)?;
        let file = self.optional(&file_name, "the path of a file that holds the secret")?;
        let (source, text) = match (direct, file) {
            (Some(_), Some(_)) => {
                return Err(SettingError::GivenTwice { name: name.to_owned() });
            }
            (Some(text), None) => (name, text),
            (None, Some(path)) => (file_name.as_str(), read_secret(&file_name, &path)?),
            (None, None) => {
                return Err(SettingError::Missing { name: name.to_owned(), expected });
            }
        };
        if text.is_empty() {
            return Err(SettingError::Empty { name: source.to_owned(), expected });
        }
        if text.len() < min_bytes || text.contains('\0') {
            return Err(SettingError::invalid(source, expected));
        }
        Ok(Secret::new(text))
    }
}

fn read_secret(name: &str, path: &str) -> Result<String, SettingError> {
    use std::io::Read;
    let failed = |error: std::io::Error| SettingError::File { name: name.to_owned(), reason: error.kind() };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(SECRET_MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    let trimmed =
        text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use rstest::rstest;

    use super::{SettingError, Settings};

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::from_pairs(pairs.iter().copied())
    }

    #[rstest]
    #[case::zero("0")]
    #[case::negative("-1")]
    #[case::huge("99999999999999999999999")]
    #[case::above("3601")]
    #[case::fraction("1.5")]
    #[case::words("soon")]
    #[case::padded(" 5 ")]
    fn seconds_out_of_range_are_refused_by_name_and_never_shown(#[case] value: &str) {
        let error =
            settings(&[("LINK_TTL_SECONDS", value)]).seconds("LINK_TTL_SECONDS", 300, 1..=3600).unwrap_err();
        assert_eq!(
            error.to_string(),
            "LINK_TTL_SECONDS is not valid; expected a whole number of seconds from 1 to 3600"
        );
    }

    #[test]
    fn seconds_have_a_default_and_accept_their_bounds() {
        let read = |pairs: &[(&str, &str)]| settings(pairs).seconds("T", 300, 1..=3600).unwrap();
        assert_eq!(read(&[]), Duration::from_mins(5));
        assert_eq!(read(&[("T", "1")]), Duration::from_secs(1));
        assert_eq!(read(&[("T", "3600")]), Duration::from_hours(1));
    }

    #[test]
    fn names_that_were_asked_for_are_remembered_without_their_values() {
        let settings = settings(&[("KEY", "hunter2"), ("NOT_OURS", "x")]);
        settings.seconds("T", 300, 1..=3600).unwrap();
        settings.secret("KEY", 1).unwrap();
        assert_eq!(settings.names_asked(), ["KEY", "KEY_FILE", "T"]);
    }

    #[test]
    fn empty_is_not_the_same_as_absent() {
        let error = settings(&[("T", "")]).seconds("T", 300, 1..=3600).unwrap_err();
        assert!(matches!(error, SettingError::Empty { .. }), "{error}");
    }

    #[test]
    fn secret_is_read_from_its_file_without_the_trailing_newline() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"  s3cret with spaces \n").unwrap();
        let read = settings(&[("KEY_FILE", file.path().to_str().unwrap())]).secret("KEY", 1).unwrap();
        assert_eq!(read.expose(), "  s3cret with spaces ");
    }

    #[test]
    fn secret_given_twice_is_refused() {
        let error = settings(&[("KEY", "a"), ("KEY_FILE", "/b")]).secret("KEY", 1).unwrap_err();
        assert_eq!(error.to_string(), "KEY and KEY_FILE are both set; keep one of them");
    }

    #[test]
    fn secret_that_is_too_short_is_refused_without_its_bytes() {
        let error = settings(&[("KEY", "hunter2")]).secret("KEY", 32).unwrap_err().to_string();
        assert!(error.contains("at least 32 bytes") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn secret_pasted_in_place_of_its_path_is_not_shown() {
        let error = settings(&[("KEY_FILE", "hunter2-hunter2")]).secret("KEY", 1).unwrap_err().to_string();
        assert!(error.contains("KEY_FILE") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn secret_file_that_is_empty_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = settings(&[("KEY_FILE", file.path().to_str().unwrap())]).secret("KEY", 1).unwrap_err();
        assert!(matches!(error, SettingError::Empty { .. }), "{error}");
    }

    #[test]
    fn missing_secret_is_named_with_both_of_its_spellings() {
        let error = settings(&[]).secret("KEY", 1).unwrap_err().to_string();
        assert_eq!(error, "KEY is not set; expected a secret, here or in the file named by KEY_FILE");
    }
}
