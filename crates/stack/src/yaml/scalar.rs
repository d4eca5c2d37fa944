//! Plain scalars, resolved as Compose's YAML library does it, so that `0o17` in an environment reads `15` here too.

/// A scalar and what it was taken for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scalar {
    /// The value as text; a number or truth value in the canonical form that Compose hands on.
    pub(crate) text: String,
    pub(crate) kind: ScalarKind,
    /// The variables whose values went into the text.
    pub(crate) variables: Vec<String>,
}

/// What a scalar was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarKind {
    Null,
    Boolean,
    Number,
    Text,
}

impl Scalar {
    pub(crate) fn text(text: String) -> Self {
        Self { text, kind: ScalarKind::Text, variables: Vec::new() }
    }

    /// Resolves what was written without quotes.
    pub(crate) fn plain(written: &str) -> Self {
        let (kind, text) = match written {
            "" | "~" | "null" | "Null" | "NULL" => (ScalarKind::Null, String::new()),
            "true" | "True" | "TRUE" => (ScalarKind::Boolean, "true".to_owned()),
            "false" | "False" | "FALSE" => (ScalarKind::Boolean, "false".to_owned()),
            _ => match number(written) {
                Some(canonical) => (ScalarKind::Number, canonical),
                None => (ScalarKind::Text, written.to_owned()),
            },
        };
        Self { text, kind, variables: Vec::new() }
    }

    /// What was found, for an error.
    pub(crate) fn found(&self) -> String {
        match (self.kind, self.variables.as_slice()) {
            (ScalarKind::Null, _) => "empty".to_owned(),
            (_, []) if self.text.is_empty() => "an empty text".to_owned(),
            (_, []) => format!("`{}`", shortened(&self.text)),
            (_, [one]) => format!("not right with the value of variable {one}"),
            (_, more) => format!("not right with the values of variables {}", more.join(", ")),
        }
    }
}

/// At most 60 characters on one line.
fn shortened(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The canonical text of a number, or none when it is not one.
fn number(written: &str) -> Option<String> {
    if !written.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    let plain = written.replace('_', "");
    integer(&plain).or_else(|| float(&plain))
}

fn integer(plain: &str) -> Option<String> {
    let (sign, digits) = match plain.as_bytes().first()? {
        b'-' => ("-", &plain[1..]),
        b'+' => ("", &plain[1..]),
        _ => ("", plain),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if sign == "-" && value > 1 << 63 {
        return None;
    }
    Some(if value == 0 { "0".to_owned() } else { format!("{sign}{value}") })
}

fn float(plain: &str) -> Option<String> {
    let unsigned = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    let digit = unsigned.strip_prefix('.').unwrap_or(unsigned).starts_with(|c: char| c.is_ascii_digit());
    let shaped =
        digit && unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if !shaped {
        return None;
    }
    let value: f64 = plain.parse().ok().filter(|value: &f64| value.is_finite())?;
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        let (mantissa, exponent) =
            format!("{value:e}").split_once('e').map(|(m, e)| (m.to_owned(), e.to_owned()))?;
        let exponent: i32 = exponent.parse().ok()?;
        let sign = if exponent < 0 { '-' } else { '+' };
        return Some(format!("{mantissa}e{sign}{:02}", exponent.abs()));
    }
    Some(value.to_string())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::null("~", ScalarKind::Null, "")]
    #[case::truth("True", ScalarKind::Boolean, "true")]
    #[case::yes_is_text("yes", ScalarKind::Text, "yes")]
    #[case::decimal("15", ScalarKind::Number, "15")]
    #[case::octal("0o17", ScalarKind::Number, "15")]
    #[case::old_octal("0777", ScalarKind::Number, "511")]
    #[case::hexadecimal("0x1F", ScalarKind::Number, "31")]
    #[case::grouped("1_000", ScalarKind::Number, "1000")]
    #[case::fraction("1.50", ScalarKind::Number, "1.5")]
    #[case::whole_fraction("1.0", ScalarKind::Number, "1")]
    #[case::exponent("1e3", ScalarKind::Number, "1000")]
    #[case::tiny("1e-7", ScalarKind::Number, "1e-07")]
    #[case::address("127.0.0.1", ScalarKind::Text, "127.0.0.1")]
    #[case::version("1.2.3", ScalarKind::Text, "1.2.3")]
    #[case::size("64m", ScalarKind::Text, "64m")]
    #[case::dash("-", ScalarKind::Text, "-")]
    fn a_plain_scalar_resolves(#[case] written: &str, #[case] kind: ScalarKind, #[case] text: &str) {
        let scalar = Scalar::plain(written);
        assert_eq!((scalar.kind, scalar.text.as_str()), (kind, text));
    }
}
