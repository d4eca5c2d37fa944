//! What is in a JPEG beside its pixels. Everything that a decoder does not need is told by name.

use super::photo::{INPUT, MarkedPhoto, PARTS};
use crate::{canary::Search, observation::Delivered};

const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;

/// What a delivered picture holds, searched for every marker.
pub(super) fn delivered(output: &[u8], photo: &MarkedPhoto, search: &Search) -> Result<Delivered, String> {
    let own = beside_pixels(&photo.bytes).unwrap_or_default();
    let found = search.findings(&photo.bytes);
    // The file's name is not in the file.
    let seen = PARTS[1..].iter().all(|part| {
        found
            .iter()
            .any(|finding| finding.canary.starts_with(INPUT) && finding.canary.ends_with(&format!(".{part}")))
    });
    let control = seen && own == ["APP1 (Exif)", "APP1 (http:)", "bytes behind its end"];
    let markers = search.findings(output).into_iter().filter(|finding| finding.canary.starts_with(INPUT));
    let beside_pixels = beside_pixels(output).ok_or("what was delivered is no whole JPEG")?;
    Ok(Delivered { bytes: output.len(), markers: markers.collect(), beside_pixels, control })
}

/// Segments beside those that a decoder needs, and what stands behind the end. None: it is no whole JPEG.
fn beside_pixels(jpeg: &[u8]) -> Option<Vec<String>> {
    let mut rest = jpeg.strip_prefix(&[0xFF, 0xD8])?;
    let mut beside = Vec::new();
    loop {
        let [0xFF, marker, after @ ..] = rest else { return None };
        match *marker {
            0xFF => rest = rest.get(1..)?,
            END => {
                if !after.is_empty() {
                    beside.push("bytes behind its end".into());
                }
                return Some(beside);
            }
            // A restart has no length.
            0xD0..=0xD7 | 0x01 => rest = after,
            marker => {
                let length = usize::from(u16::from_be_bytes([*after.first()?, *after.get(1)?]));
                let content = after.get(2..length)?;
                beside.extend(name_of(marker, content));
                rest = after.get(length..)?;
                if marker == SCAN {
                    rest = rest.get(coded(rest)..)?;
                }
            }
        }
    }
}

/// How many bytes of coded pixels there are: up to a marker that is neither a byte of theirs nor a restart.
fn coded(bytes: &[u8]) -> usize {
    let ends = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7);
    bytes.windows(2).position(ends).unwrap_or(bytes.len())
}

/// What a segment is called, where a decoder does without it. JFIF tells nothing but a resolution, unless it has a
/// thumbnail.
fn name_of(marker: u8, content: &[u8]) -> Option<String> {
    let first: String = content
        .iter()
        .take(5)
        .take_while(|byte| byte.is_ascii_graphic())
        .map(|byte| char::from(*byte))
        .collect();
    match marker {
        0xE0 if first == "JFIF" && content.len() == 14 => None,
        0xE0..=0xEF => Some(format!("APP{} ({first})", marker - 0xE0)),
        0xFE => Some("a comment".into()),
        // Tables, frames, scans, the interval of restarts.
        0xC0..=0xCF | 0xDA..=0xDD => None,
        other => Some(format!("segment {other:02X}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Vec<u8> {
        let mut file = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(40, 40).write_to(&mut file, image::ImageFormat::Jpeg).unwrap();
        file.into_inner()
    }

    #[test]
    fn a_picture_of_nothing_but_pixels_has_nothing_beside_them() {
        assert_eq!(beside_pixels(&plain()), Some(vec![]));
    }

    #[test]
    fn a_comment_and_a_colour_profile_are_told() {
        let plain = plain();
        let (start, rest) = plain.split_at(2);
        let comment = [start, b"\xFF\xFE\0\x04hi", rest].concat();
        assert_eq!(beside_pixels(&comment), Some(vec!["a comment".to_owned()]));
        let profile = [start, b"\xFF\xE2\0\x0DICC_PROFILE", rest].concat();
        assert!(beside_pixels(&profile).is_none_or(|beside| beside == ["APP2 (ICC_P)"]));
    }

    #[test]
    fn a_marked_photo_proves_that_it_is_read() {
        let photo = MarkedPhoto::for_road("api").unwrap();
        let search = Search::new(&photo.markers, "marker-1");
        let sound = delivered(&plain(), &photo, &search).unwrap();
        assert!(sound.control && sound.markers.is_empty() && sound.beside_pixels.is_empty(), "{sound:?}");
        let kept = delivered(&photo.bytes, &photo, &search).unwrap();
        assert_eq!((kept.markers.len(), kept.beside_pixels.len()), (5, 3));
    }

    #[test]
    fn a_cut_picture_is_none() {
        let plain = plain();
        assert_eq!(beside_pixels(&plain[..plain.len() - 2]), None);
        assert_eq!(beside_pixels(b"<html>"), None);
    }
}
