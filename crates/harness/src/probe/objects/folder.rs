//! The objects in a folder: the files of the volume that holds the outputs.

use std::collections::BTreeMap;

use super::Object;
use crate::running::RunningStack;

/// A file is swept in the middle of one look now and then, and not of so many in a row.
const LOOKS: u32 = 5;
/// How `find` begins a path that it found where it is: where the volume lies differs by runner, its names do not.
const HERE: &str = "./";
/// Between the hashes and the sizes; no line of either looks like it.
const SIZES: &str = "sizes";

/// SHA-256 and size of every file.
pub(super) async fn list(running: &RunningStack) -> Result<Vec<Object>, String> {
    let script = format!(
        r"cd /volume && find . -type f -exec sha256sum {{}} + && echo {SIZES} && find . -type f -printf '%s  %p\n'"
    );
    let command = ["bash", "-c", &script];
    let mut told = running.runner().toolbox(running.image_volume()?, &command).await;
    for _ in 1..LOOKS {
        // What is swept between being found and being read is gone, and the others are to be read all the same.
        if !told.as_ref().is_err_and(|error| error.found.contains("No such file")) {
            break;
        }
        told = running.runner().toolbox(running.image_volume()?, &command).await;
    }
    let told = told.map_err(|error| error.to_string())?;
    objects(&String::from_utf8_lossy(&told))
}

/// Removes the files with this in their names.
pub(super) async fn remove(running: &RunningStack, image: &str) -> Result<(), String> {
    let named = format!("*{image}*");
    let command = ["find", "/volume", "-type", "f", "-name", &named, "-print", "-delete"];
    let told = running.runner().toolbox(running.image_volume()?, &command).await;
    let told = told.map_err(|error| error.to_string())?;
    if told.is_empty() { Err("there is none".into()) } else { Ok(()) }
}

/// What is in both halves; a file that was in the first alone is swept.
fn objects(told: &str) -> Result<Vec<Object>, String> {
    let separated = told.split_once(&format!("{SIZES}\n"));
    let (hashes, sizes) = separated.ok_or_else(|| format!("no sizes were told: `{}`", told.trim()))?;
    let sizes: BTreeMap<&str, u64> =
        pairs(sizes).filter_map(|(size, path)| Some((path, size.parse().ok()?))).collect();
    let kept = pairs(hashes).filter_map(|(hash, path)| {
        let size_bytes = *sizes.get(path)?;
        let name = path.strip_prefix(HERE).unwrap_or(path).to_owned();
        Some(Object { name, sha256: hash.to_owned(), size_bytes })
    });
    Ok(kept.collect())
}

fn pairs(lines: &str) -> impl Iterator<Item = (&str, &str)> {
    lines.lines().filter_map(|line| line.split_once("  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_as_they_were_told() {
        let told = "ab12  ./0190\ncd34  ./.part/a  b\nee56  ./swept\nsizes\n\
            7  ./0190\n0  ./.part/a  b\n9  ./new\n";
        let found = objects(told).unwrap();
        let object = |name: &str, sha256: &str, size_bytes| Object {
            name: name.into(),
            sha256: sha256.into(),
            size_bytes,
        };
        assert_eq!(found, [object("0190", "ab12", 7), object(".part/a  b", "cd34", 0)]);
        assert!(found[0].is_of("0190") && !found[1].is_of("0190"));
        assert_eq!(objects("sizes\n").unwrap(), []);
    }

    #[test]
    fn half_an_answer_is_no_answer() {
        assert!(objects("ab12  ./0190\n").is_err());
    }
}
