//! Scalars in their types: texts, truth values, numbers, durations, sizes.

use std::{str::FromStr, time::Duration};

use crate::{
    reading::Reading,
    yaml::{Node, ScalarKind, Value},
};

/// For `expected` in errors.
const DURATION: &str = "a duration such as 500ms, 10s or 1m30s";
const SIZE: &str = "a size in bytes such as 64m or 1g";
pub(crate) const WHOLE: &str = "a whole number";

impl Reading<'_> {
    /// A scalar as text. None: recorded.
    pub(crate) fn text(&mut self, node: &Node, path: &str) -> Option<String> {
        self.parsed(node, path, "a text", |text| Some(text.to_owned()))
    }

    /// A scalar as text that is not empty. None: recorded.
    pub(crate) fn filled(&mut self, node: &Node, path: &str, expected: &str) -> Option<String> {
        self.parsed(node, path, expected, |text| Some(text.to_owned()).filter(|text| !text.trim().is_empty()))
    }

    /// The text under a key, if the key is there.
    pub(crate) fn text_under(&mut self, node: &Node, path: &str, key: &str) -> Option<String> {
        let found = node.get(key)?;
        self.filled(found, &format!("{path}.{key}"), "a text that is not empty")
    }

    /// The truth value under a key; false if the key is missing.
    pub(crate) fn flag(&mut self, node: &Node, path: &str, key: &str) -> bool {
        self.flag_or(node, path, key, false)
    }

    /// The truth value under a key, or what it is when the key is missing.
    pub(crate) fn flag_or(&mut self, node: &Node, path: &str, key: &str, missing: bool) -> bool {
        let Some(found) = node.get(key) else {
            return missing;
        };
        let truth = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "on" | "1" => Some(true),
            "false" | "no" | "n" | "off" | "0" => Some(false),
            _ => None,
        };
        self.parsed(found, &format!("{path}.{key}"), "true or false", truth).unwrap_or(missing)
    }

    /// A whole number. None: recorded.
    pub(crate) fn number<N: FromStr>(&mut self, node: &Node, path: &str, expected: &str) -> Option<N> {
        self.parsed(node, path, expected, |text| text.trim().parse().ok())
    }

    /// The whole number under a key, if the key is there.
    pub(crate) fn number_under<N: FromStr>(
        &mut self,
        node: &Node,
        path: &str,
        key: &str,
        expected: &str,
    ) -> Option<N> {
        let found = node.get(key)?;
        self.number(found, &format!("{path}.{key}"), expected)
    }

    /// A container port. None: recorded.
    pub(crate) fn port(&mut self, node: &Node, path: &str) -> Option<u16> {
        let port = |text: &str| text.parse().ok().filter(|port| *port != 0);
        self.parsed(node, path, "a port from 1 to 65535", port)
    }

    /// The duration under a key, if the key is there.
    pub(crate) fn duration_under(&mut self, node: &Node, path: &str, key: &str) -> Option<Duration> {
        let found = node.get(key)?;
        self.parsed(found, &format!("{path}.{key}"), DURATION, duration)
    }

    /// The size in bytes under a key, if the key is there.
    pub(crate) fn size_under(&mut self, node: &Node, path: &str, key: &str) -> Option<u64> {
        let found = node.get(key)?;
        self.parsed(found, &format!("{path}.{key}"), SIZE, size)
    }

    /// The processors under a key, if the key is there.
    pub(crate) fn processors_under(&mut self, node: &Node, path: &str, key: &str) -> Option<f64> {
        let found = node.get(key)?;
        let processors =
            |text: &str| text.parse().ok().filter(|count: &f64| count.is_finite() && *count >= 0.0);
        self.parsed(found, &format!("{path}.{key}"), "a number of processors such as 0.5 or 2", processors)
    }

    /// The list under a key; empty if the key is missing.
    pub(crate) fn list_under<'n>(&mut self, node: &'n Node, path: &str, key: &str) -> &'n [Node] {
        match node.get(key) {
            None => &[],
            Some(Node { value: Value::Sequence(items), .. }) => items,
            Some(other) => {
                self.unexpected(other, &format!("{path}.{key}"), "a list");
                &[]
            }
        }
    }

    /// The list of texts under a key; empty if the key is missing.
    pub(crate) fn texts_under(&mut self, node: &Node, path: &str, key: &str) -> Vec<String> {
        let path = format!("{path}.{key}");
        let items = match node.get(key) {
            Some(Node { value: Value::Sequence(items), .. }) => items.as_slice(),
            Some(other) => {
                self.unexpected(other, &path, "a list of texts");
                &[]
            }
            None => &[],
        };
        items.iter().filter_map(|item| self.text(item, &path)).collect()
    }

    /// A scalar by a parser of its text. None: recorded.
    pub(crate) fn parsed<T>(
        &mut self,
        node: &Node,
        path: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = match &node.value {
            Value::Scalar(scalar) if scalar.kind != ScalarKind::Null => parse(&scalar.text),
            _ => None,
        };
        if value.is_none() {
            self.unexpected(node, path, expected);
        }
        value
    }
}

/// A duration as Go and Compose write it: numbers with units, one after the other.
fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let seconds = match &rest[..unit] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = &rest[unit..];
    }
    // A century: what is longer was not meant, and Go cannot hold three of them.
    (!text.is_empty() && total.as_secs() <= 100 * 366 * 86_400).then_some(total)
}

/// A size as Docker writes it: a number and a unit of powers of 1024, bytes if there is none.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let unit = text[digits..].trim_start().to_ascii_lowercase();
    let power = match unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(&unit) {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    let factor = 1024_u64.pow(power);
    if let Ok(whole) = text[..digits].parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let (whole, fraction) = text[..digits].split_once('.')?;
    let fraction: String = fraction.chars().take(9).collect();
    let tenths = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(factor) / tenths;
    whole.checked_mul(factor)?.checked_add(u64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::seconds("10s", Some(10_000))]
    #[case::mixed("1m30s", Some(90_000))]
    #[case::fraction("1.5h", Some(5_400_000))]
    #[case::milliseconds("250ms", Some(250))]
    #[case::days("1d12h", Some(129_600_000))]
    #[case::zero("0", Some(0))]
    #[case::no_unit("10", None)]
    #[case::no_number("s", None)]
    #[case::empty("", None)]
    #[case::negative("-1s", None)]
    #[case::word("soon", None)]
    #[case::ages("99999999999999h", None)]
    fn a_duration_is_read(#[case] text: &str, #[case] milliseconds: Option<u64>) {
        assert_eq!(duration(text), milliseconds.map(Duration::from_millis));
    }

    #[rstest]
    #[case::bytes("1024", Some(1024))]
    #[case::mebibytes("64m", Some(64 << 20))]
    #[case::upper_case("64M", Some(64 << 20))]
    #[case::with_byte("64mb", Some(64 << 20))]
    #[case::binary("1GiB", Some(1 << 30))]
    #[case::fraction("1.5g", Some(3 << 29))]
    #[case::byte("10b", Some(10))]
    #[case::blank("64 m", Some(64 << 20))]
    #[case::unit_alone("m", None)]
    #[case::unknown("64q", None)]
    #[case::negative("-1", None)]
    #[case::huge("99999999999g", None)]
    fn a_size_is_read(#[case] text: &str, #[case] bytes: Option<u64>) {
        assert_eq!(size(text), bytes);
    }
}
