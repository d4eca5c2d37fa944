//! What was found wrong, where, and how it is shown.

use std::{fmt, fmt::Write as _};

use crate::model::Location;

/// One thing that is wrong: what was found, what was expected, what to do.
///
/// Never holds the value of an environment variable: those are named, not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands; none when it has no place, such as "no file was given".
    pub at: Option<Location>,
    /// What is wrong, in one line.
    pub message: String,
    /// The line it stands on, as written in the file.
    source_line: Option<String>,
    /// Characters to underline.
    width: usize,
}

impl Problem {
    pub(crate) fn new(
        at: Option<Location>,
        message: String,
        source_line: Option<&str>,
        width: usize,
    ) -> Self {
        Self { at, message, source_line: source_line.map(str::to_owned), width }
    }

    /// The message, then the source line with carets under the place. No newline at the end.
    pub fn excerpt(&self) -> String {
        let mut shown = self.to_string();
        let (Some(at), Some(line)) = (&self.at, &self.source_line) else {
            return shown;
        };
        let number = at.line.to_string();
        let gutter = " ".repeat(number.len());
        let (start, text) = window(line.trim_end(), at.column);
        let before = at.column.saturating_sub(1).saturating_sub(start);
        let indent: String =
            text.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect::<String>();
        let left = text.chars().count().saturating_sub(before).max(1);
        let carets = "^".repeat(self.width.clamp(1, left));
        let text: String =
            text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
        let _ = write!(shown, "\n {gutter} |\n {number} | {text}\n {gutter} | {indent}{carets}");
        shown
    }
}

/// The part of a long line around a column: how many characters were cut off in front, and the part.
fn window(line: &str, column: usize) -> (usize, String) {
    const WIDEST: usize = 160;
    let start = if column > WIDEST - 40 { column - 40 } else { 0 };
    (start, line.chars().skip(start).take(WIDEST).collect())
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) if at.line > 0 => write!(f, "{at}: {}", self.message),
            Some(at) => write!(f, "{}: {}", at.file.display(), self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Why the files are not a stack: every problem found, in the order of the files and their lines.
///
/// `Display` is one line per problem; [`ReadError::excerpts`] shows the source lines too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    problems: Vec<Problem>,
}

impl ReadError {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// The problems, at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Every problem with its source line and carets, parted by empty lines.
    pub fn excerpts(&self) -> String {
        self.problems.iter().map(Problem::excerpt).collect::<Vec<_>>().join("\n\n")
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ReadError {}
