//! Links lead somewhere, and the index leads to every page.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{
    markdown::{Document, documents},
    none, repository,
};

#[test]
fn every_relative_link_resolves() {
    let repository = repository();
    let mut complaints = Vec::new();
    for document in documents(&repository) {
        for link in document.links() {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = document.path.parent().unwrap_or(Path::new(""));
            let target = if path.is_empty() { document.path.clone() } else { folder.join(path) };
            let resolves = repository.join(&target).exists()
                && (anchor.is_empty() || Document::read(&repository, &target).has_anchor(anchor));
            if !resolves {
                complaints.push(format!("{}: the link `{link}` leads nowhere; edit it", document.name()));
            }
        }
    }
    none(&complaints);
}

#[test]
fn every_page_of_the_documentation_is_in_its_index() {
    let index = Document::read(&repository(), "docs/README.md");
    let linked: BTreeSet<PathBuf> = index.links().iter().map(|link| Path::new("docs").join(link)).collect();
    let pages = documents(&repository()).into_iter().map(|document| document.path);
    let missing =
        pages.filter(|path| path.starts_with("docs") && *path != index.path && !linked.contains(path));
    none(
        &missing
            .map(|path| format!("docs/README.md does not link to {}; add it", path.display()))
            .collect::<Vec<_>>(),
    );
}
