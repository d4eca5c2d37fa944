//! The files that were read, kept so that an error can show its line; and places in them.

use std::path::{Component, Path, PathBuf};

use crate::model::Location;

/// Where something stands, small enough to copy onto every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// Index of the file in [`Sources`].
    pub(crate) file: usize,
    /// From 1; 0 means the file as a whole.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
    /// Characters to underline, at least 1.
    pub(crate) width: usize,
}

/// A file as it was read.
#[derive(Debug)]
pub(crate) struct Source {
    /// As it was named by the caller.
    pub(crate) path: PathBuf,
    /// Its text, without a byte order mark.
    pub(crate) text: String,
}

/// Every file that was read.
#[derive(Debug, Default)]
pub(crate) struct Sources(Vec<Source>);

impl Sources {
    /// Keeps a file and gives its index.
    pub(crate) fn add(&mut self, path: &Path, text: String) -> usize {
        self.0.push(Source { path: path.to_path_buf(), text });
        self.0.len() - 1
    }

    /// A file's text, to be taken out and put back.
    pub(crate) fn text_mut(&mut self, file: usize) -> &mut String {
        &mut self.0[file].text
    }

    /// The place in the form that callers see.
    pub(crate) fn location(&self, place: Place) -> Location {
        Location { file: self.0[place.file].path.clone(), line: place.line, column: place.column }
    }

    /// The text of the line that a place is on.
    pub(crate) fn line(&self, place: Place) -> Option<&str> {
        self.0[place.file].text.lines().nth(place.line.checked_sub(1)?)
    }

    /// Moves a place to `fragment` where that stands on the same line at or after it.
    pub(crate) fn narrow(&self, place: Place, fragment: &str) -> Place {
        let found = self.line(place).and_then(|line| {
            let start = line.char_indices().nth(place.column - 1).map(|(index, _)| index)?;
            let offset = line[start..].find(fragment)?;
            Some(line[start..start + offset].chars().count())
        });
        match found {
            Some(offset) => {
                Place { column: place.column + offset, width: fragment.chars().count().max(1), ..place }
            }
            None => place,
        }
    }
}

/// The path without `.` and with `..` resolved by its text alone, as Compose does it.
pub(crate) fn tidy(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                tidied.pop();
            }
            other => tidied.push(other),
        }
    }
    tidied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_tidied_by_its_text() {
        assert_eq!(tidy(Path::new("/a/./b/../c")), Path::new("/a/c"));
        assert_eq!(tidy(Path::new("/../a")), Path::new("/a"));
    }

    #[test]
    fn a_place_narrows_to_a_fragment_counted_in_characters() {
        let mut sources = Sources::default();
        let file = sources.add(Path::new("f"), "k: ä ${X}\n".to_owned());
        let place = Place { file, line: 1, column: 4, width: 1 };
        assert_eq!(sources.narrow(place, "${X}"), Place { column: 6, width: 4, ..place });
        assert_eq!(sources.narrow(place, "${Y}"), place);
    }
}
