//! What of a picture can be read on the volume of the outputs, by whoever has the volume and no key.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base64::prelude::{BASE64_STANDARD, Engine};

use super::objects;
use crate::{
    observation::{AtRest, Seen},
    running::RunningStack,
};

/// A run of the delivered bytes is known by a block of so many bytes, so every run of twice as many less one is found.
/// 128 bits are nowhere by chance.
const BLOCK: usize = 16;

/// How files of pictures begin, at more length than the first bytes alone: these may be anywhere in a file.
const SIGNATURES: [(&str, &[u8]); 4] = [
    ("a PNG signature", b"\x89PNG\r\n\x1a\n"),
    ("a JFIF signature", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"),
    ("an Exif signature", b"Exif\x00\x00"),
    ("a WebP signature", b"WEBPVP8"),
];
/// Too short to be searched for anywhere but at the beginning (ITU-T T.81, B.1.1.3).
const JPEG_BEGINS: &[u8] = b"\xff\xd8\xff";

/// An object is known by so many of its first bytes: 32 random ones are among them.
const BEGINS: usize = 64;

/// Begins the line with a file's path: no line of base64 has a space in it.
const PATH_LINE: &str = "= ";

/// Reads every file of the volume and holds it against what was delivered of the output `image`.
pub(super) async fn observe(running: &RunningStack, image: &str, delivered: &[u8]) -> Seen<AtRest> {
    // A file that is swept meanwhile is not there to be read. As text, because an engine's logs are.
    let script = r#"find /volume -type f -printf '= %p\n' -exec base64 {} ";" 2>/dev/null"#;
    let told = running.runner().toolbox(running.image_volume()?, &["bash", "-c", script]).await;
    let told = told.map_err(|error| format!("reading the volume: {error}"))?;
    let files = files(&String::from_utf8_lossy(&told))?;
    let object = objects::read_through(running, image).await?;
    held_against(&files, image, object.as_deref(), delivered)
}

/// Path and bytes of each file.
fn files(told: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut texts: Vec<(String, String)> = Vec::new();
    for line in told.lines() {
        match (line.strip_prefix(PATH_LINE), texts.last_mut()) {
            (Some(path), _) => texts.push((path.to_owned(), String::new())),
            (None, Some((_, text))) => text.push_str(line.trim()),
            (None, None) => return Err(format!("reading the volume: `{line}` before any path")),
        }
    }
    let decoded = texts.into_iter().map(|(path, text)| match BASE64_STANDARD.decode(text) {
        Ok(bytes) => Ok((path, bytes)),
        Err(error) => Err(format!("reading {path} on the volume: {error}")),
    });
    decoded.collect()
}

/// `object`: the object's bytes, where its file is known by them and not by its name.
fn held_against(
    files: &[(String, Vec<u8>)],
    image: &str,
    object: Option<&[u8]>,
    delivered: &[u8],
) -> Seen<AtRest> {
    let searched = |error| format!("making a search of what was delivered: {error}");
    let signatures = AhoCorasick::new(SIGNATURES.map(|(_, signature)| signature)).map_err(searched)?;
    let blocks = AhoCorasick::new(delivered.chunks_exact(BLOCK)).map_err(searched)?;
    let mut readable = Vec::new();
    for (path, bytes) in files {
        let held: BTreeSet<_> =
            signatures.find_overlapping_iter(bytes).map(|found| found.pattern()).collect();
        readable.extend(held.into_iter().map(|at| format!("{} in {path}", SIGNATURES[at].0)));
        if bytes.starts_with(JPEG_BEGINS) {
            readable.push(format!("the beginning of a JPEG in {path}"));
        }
        if let Some(found) = blocks.find(bytes) {
            readable.push(format!("delivered bytes in {path} from byte {}", found.start()));
        }
    }
    let object_bytes = match object {
        Some(object) => {
            let begins = AhoCorasick::new(object.chunks(BEGINS).take(1)).map_err(searched)?;
            files.iter().any(|(_, bytes)| begins.is_match(bytes)).then_some(object.len())
        }
        None => files.iter().find(|(path, _)| path.contains(image)).map(|(_, bytes)| bytes.len()),
    };
    Ok(AtRest { delivered_bytes: delivered.len(), object_bytes, files: files.len(), readable })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Vec<u8> {
        let body = (0_u32..1000).flat_map(|word| word.wrapping_mul(2_654_435_761).to_le_bytes());
        b"\x89PNG\r\n\x1a\n".iter().copied().chain(body).collect()
    }

    fn held(object: Vec<u8>) -> AtRest {
        held_against(&[("/volume/0190".into(), object)], "0190", None, &picture()).unwrap()
    }

    #[test]
    fn picture_in_plain_is_found_by_its_signature_and_by_its_bytes() {
        let seen = held([b"any header".to_vec(), picture()].concat());
        assert_eq!(seen.readable.len(), 2, "{:?}", seen.readable);
        assert_eq!(seen.object_bytes, Some(picture().len() + 10));
    }

    #[test]
    fn run_of_a_picture_is_found_wherever_it_lies() {
        for at in 100..100 + BLOCK {
            let seen = held([vec![0; 33], picture()[at..at + 2 * BLOCK - 1].to_vec()].concat());
            assert_eq!(seen.readable.len(), 1, "from byte {at}");
        }
    }

    #[test]
    fn picture_under_another_name_is_found_too() {
        let files = [("/volume/0190".to_owned(), vec![1; 9000]), ("/volume/.old".to_owned(), picture())];
        let seen = held_against(&files, "0190", None, &picture()).unwrap();
        assert!(seen.readable.iter().all(|told| told.contains("/volume/.old")), "{:?}", seen.readable);
        assert_eq!((seen.readable.len(), seen.files), (2, 2));
    }

    #[test]
    fn object_behind_a_store_is_known_by_its_first_bytes() {
        let object: Vec<u8> = (0..9000_u32).map(|at| at.wrapping_mul(31).to_le_bytes()[1]).collect();
        let files = |block: &[u8]| [("/volume/data/5f".to_owned(), [b"rest".as_slice(), block].concat())];
        let seen =
            |block| held_against(&files(block), "0190", Some(&object), &picture()).unwrap().object_bytes;
        assert_eq!((seen(&object[..4096]), seen(&object[..32])), (Some(9000), None));
    }

    #[test]
    fn empty_object_is_known_by_nothing() {
        let files = [("/volume/data/5f".to_owned(), vec![1; 9000])];
        assert_eq!(held_against(&files, "0190", Some(&[]), &picture()).unwrap().object_bytes, None);
    }

    #[test]
    fn bytes_that_are_nothing_of_a_picture_are_not_found() {
        let seen = held(picture().iter().map(|byte| byte ^ 0x5a).collect());
        assert_eq!(seen.readable, Vec::<String>::new());
    }

    #[test]
    fn files_are_read_as_they_were_told() {
        let told = "= /volume/a b\nAAEC\nAwQF\n= /volume/empty\n= /volume/c\n/w==\n";
        let expected =
            [("/volume/a b", vec![0, 1, 2, 3, 4, 5]), ("/volume/empty", vec![]), ("/volume/c", vec![255])];
        assert_eq!(files(told).unwrap(), expected.map(|(path, bytes)| (path.to_owned(), bytes)));
        assert!(files("bash: find: command not found").is_err());
        assert!(files("= /volume/a\nbase64: no\n").is_err());
    }
}
