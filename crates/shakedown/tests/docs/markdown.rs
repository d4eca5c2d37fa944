//! Just enough Markdown to hold documents against code: what is code in them, their tables, links and headings.

use std::path::{Path, PathBuf};

/// A Markdown file of the repository.
pub(crate) struct Document {
    /// Relative to the repository.
    pub(crate) path: PathBuf,
    text: String,
}

impl Document {
    pub(crate) fn read(repository: &Path, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let text = std::fs::read_to_string(repository.join(&path))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, text }
    }

    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Lines, each with whether it stands in a fenced block.
    fn lines(&self) -> impl Iterator<Item = (bool, &str)> {
        let mut fenced = false;
        self.text.lines().filter_map(move |line| {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
                return None;
            }
            Some((fenced, line))
        })
    }

    /// What a person might type: code spans, and lines of fenced blocks without their prompt and comment.
    pub(crate) fn code(&self) -> Vec<String> {
        let mut code = Vec::new();
        for (fenced, line) in self.lines() {
            if fenced {
                let line = line.trim_start().trim_start_matches("$ ");
                code.push(line.split(" #").next().unwrap_or_default().trim_end().to_owned());
            } else {
                code.extend(spans(line));
            }
        }
        code
    }

    /// The rows of the table below a heading, cell by cell, without the two rows at its top.
    pub(crate) fn table(&self, heading: &str) -> Vec<Vec<String>> {
        let below = self
            .lines()
            .skip_while(|(fenced, line)| *fenced || line.trim_start_matches('#').trim() != heading)
            .skip(1)
            .take_while(|(fenced, line)| *fenced || !line.starts_with('#'));
        let rows = below.filter(|(fenced, line)| !fenced && line.starts_with('|'));
        rows.skip(2)
            .map(|(_, line)| {
                let inside = line.trim().trim_matches('|');
                inside.split('|').map(|cell| cell.trim().to_owned()).collect()
            })
            .collect()
    }

    /// The targets of links to this repository's own files and headings.
    pub(crate) fn links(&self) -> Vec<String> {
        let mut links = Vec::new();
        for (_, line) in self.lines().filter(|(fenced, _)| !fenced) {
            let targets = line.split("](").skip(1);
            links.extend(targets.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())));
        }
        links.retain(|link| !link.contains("://") && !link.starts_with("mailto:"));
        links
    }

    /// Whether it has a heading that `#anchor` leads to.
    pub(crate) fn has_anchor(&self, anchor: &str) -> bool {
        self.lines()
            .filter(|(fenced, line)| !fenced && line.starts_with('#'))
            .any(|(_, line)| slug(line.trim_start_matches('#').trim()) == anchor)
    }
}

/// The code spans of a line.
pub(crate) fn spans(line: &str) -> impl Iterator<Item = String> {
    line.split('`').skip(1).step_by(2).map(str::to_owned)
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Every Markdown file at the top of the repository and below `docs/`.
pub(crate) fn documents(repository: &Path) -> Vec<Document> {
    let mut paths = Vec::new();
    below(repository, Path::new(""), false, &mut paths);
    below(repository, Path::new("docs"), true, &mut paths);
    paths.sort();
    paths.into_iter().map(|path| Document::read(repository, path)).collect()
}

fn below(repository: &Path, folder: &Path, deep: bool, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(repository.join(folder)).unwrap().flatten() {
        let path = folder.join(entry.file_name());
        if entry.path().is_dir() {
            if deep {
                below(repository, &path, deep, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}
