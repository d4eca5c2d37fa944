//! Archives of files, searched as they are. Where something is found, the file is named that holds it.

use std::sync::Arc;

use super::searched;
use crate::{
    canary::Search,
    observation::{Seen, Surface},
};

/// One surface for the whole, or, where something is found, one for each finding. There may be a whole database of it, so
/// it is searched beside whatever else goes on.
pub(super) async fn surfaces(
    check: &'static str,
    part: String,
    bytes: Seen<Vec<u8>>,
    search: &Arc<Search>,
) -> Vec<Surface> {
    let (search, told) = (Arc::clone(search), part.clone());
    let found = tokio::task::spawn_blocking(move || searched_by_file(check, &part, bytes, &search)).await;
    found.unwrap_or_else(|error| {
        let (part, bytes) = (told, Err(format!("the search of it broke off: {error}")));
        vec![Surface { check: check.into(), part, bytes, marker: false, findings: Vec::new() }]
    })
}

fn searched_by_file(check: &str, part: &str, bytes: Seen<Vec<u8>>, search: &Search) -> Vec<Surface> {
    let files = bytes.as_ref().map(|bytes| files(bytes)).unwrap_or_default();
    let whole = searched(check.into(), part, bytes, search);
    if whole.findings.is_empty() {
        return vec![whole];
    }
    let findings = whole.findings.iter().map(|finding| {
        let holds = |(begin, _): &&(usize, String)| *begin <= finding.offset;
        let file = files.iter().rev().find(holds).map_or("", |(_, name)| name.as_str());
        Surface { part: format!("{part}: {file}"), findings: vec![finding.clone()], ..whole.clone() }
    });
    findings.collect()
}

/// Where each file begins, its name included, in the order of the archive. What cannot be read as an archive has none.
fn files(bytes: &[u8]) -> Vec<(usize, String)> {
    let mut archive = tar::Archive::new(bytes);
    archive.set_ignore_zeros(true);
    let Ok(entries) = archive.entries() else { return Vec::new() };
    let told = entries.map_while(Result::ok).map(|entry| {
        let begin = usize::try_from(entry.raw_header_position()).unwrap_or(usize::MAX);
        (begin, String::from_utf8_lossy(&entry.path_bytes()).into_owned())
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::Canary;

    fn archive(name: &str, content: &[u8]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, content).unwrap();
        archive.into_inner().unwrap()
    }

    #[test]
    fn a_finding_names_the_file_that_holds_it_in_whichever_archive() {
        let canary = Canary::plant("input.web.exif");
        let search = Search::new([&canary], "marker-1");
        let both = [archive("a/first", b"nothing"), archive("b/second", canary.reveal().as_bytes())].concat();
        let found = searched_by_file("inputs.layers", "api", Ok(both), &search);
        assert_eq!(found.iter().map(|surface| surface.part.as_str()).collect::<Vec<_>>(), ["api: b/second"]);
        assert_eq!(searched_by_file("inputs.layers", "api", Ok(archive("a", b"marker-1")), &search).len(), 1);
    }
}
