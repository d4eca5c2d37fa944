//! Photos that nobody has seen before. Whatever of them may be kept somewhere carries a marker of its own: the name of the
//! file, a text of its EXIF, its thumbnail, its XMP, its pixels, what stands behind its end.

use image::{ImageError, RgbImage};
use rand::Rng;

use crate::canary::Canary;

/// How markers of photos begin, which tells them from secrets.
pub(crate) const INPUT: &str = "input.";
/// The parts of a file that carry a marker. The first is not in its bytes.
pub(crate) const PARTS: [&str; 6] = ["file_name", "exif", "thumbnail", "xmp", "pixels", "trailing"];

/// Width and height, in pixels, and those of the thumbnail. All of it is noise, which no encoder makes smaller.
const SIZE: (u32, u32) = (320, 240);
const THUMBNAIL: (u32, u32) = (48, 36);
/// A piece of coded pixels that is searched for: long enough that nothing holds it by chance, and short enough that what
/// stores bytes in blocks, or puts something between every 32 of them as LZF does, leaves some pieces whole.
const RUN: usize = 16;
/// So many of them, from all over the picture: half a file has half of them.
const RUNS: usize = 8;
/// They begin so many bytes after a multiple of 32, and then twice, three times, four times as many.
const STAGGER: usize = 8;

/// The tag of a picture's description, the way its thumbnail is coded, where that begins, and its length.
const DESCRIPTION: u16 = 0x010E;
const COMPRESSION: u16 = 0x0103;
const THUMBNAIL_AT: u16 = 0x0201;
const THUMBNAIL_BYTES: u16 = 0x0202;

/// A photo for one road into the stack.
#[derive(Clone, Debug)]
pub(super) struct MarkedPhoto {
    /// The name of its file.
    pub(super) name: String,
    /// A JPEG.
    pub(super) bytes: Vec<u8>,
    /// `input.ROAD.PART`, for each of [`PARTS`].
    pub(super) markers: Vec<Canary>,
}

impl MarkedPhoto {
    /// A fresh one.
    pub(super) fn for_road(road: &str) -> Result<Self, ImageError> {
        let text = |part: &str| Canary::plant(&format!("{INPUT}{road}.{part}"));
        let (name, exif, xmp, trailing) = (text("file_name"), text("exif"), text("xmp"), text("trailing"));
        let (picture, small) = (noise(SIZE)?, noise(THUMBNAIL)?);
        let coded = |part: &str, jpeg: &[u8]| Canary::of_bytes(&format!("{INPUT}{road}.{part}"), runs(jpeg));
        let (pixels, thumbnail) = (coded("pixels", &picture), coded("thumbnail", &small));
        let (start, rest) = picture.split_at(2.min(picture.len()));
        let packet = format!(
            "http://ns.adobe.com/xap/1.0/\0<?xpacket begin=''?><x:xmpmeta xmlns:x='adobe:ns:meta/'>{}</x:xmpmeta>\
             <?xpacket end='w'?>",
            xmp.reveal()
        );
        let first = segment(&exif_of(exif.reveal(), &small));
        let bytes = [start, &first, &segment(packet.as_bytes()), rest, trailing.reveal().as_bytes()].concat();
        let name_of_file = format!("{}.jpg", name.reveal());
        Ok(Self { name: name_of_file, bytes, markers: vec![name, exif, thumbnail, xmp, pixels, trailing] })
    }

    /// The same, cut in the middle of its pixels.
    pub(super) fn first_half(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() / 2]
    }

    /// The same, with more behind its end than an upload may have; the marker comes last, too.
    pub(super) fn longer_than(&self, limit: usize) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes.resize(limit + 1024 * 1024, 0);
        let trailing = self.markers.last().map(Canary::reveal).unwrap_or_default();
        [bytes.as_slice(), trailing.as_bytes()].concat()
    }
}

/// A JPEG of random colours.
fn noise((width, height): (u32, u32)) -> Result<Vec<u8>, ImageError> {
    let mut picture = RgbImage::new(width, height);
    rand::rng().fill_bytes(&mut picture);
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, image::ImageFormat::Jpeg)?;
    Ok(file.into_inner())
}

/// Pieces of the coded pixels of a JPEG, evenly spread.
fn runs(jpeg: &[u8]) -> Vec<Vec<u8>> {
    let scan = jpeg.windows(2).position(|marker| marker == [0xFF, 0xDA]).unwrap_or(0);
    // Behind the header of the scan, which is short, and far enough from both ends.
    let coded = jpeg.get(scan + 64..jpeg.len().saturating_sub(RUN)).unwrap_or_default();
    let step = (coded.len() / RUNS).saturating_sub(STAGGER) / 32 * 32 + STAGGER;
    coded.windows(RUN).step_by(step).take(RUNS).map(<[u8]>::to_vec).collect()
}

/// A segment for applications, APP1.
fn segment(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap_or(u16::MAX);
    [&[0xFF, 0xE1], length.to_be_bytes().as_slice(), content].concat()
}

/// EXIF with a description, and a second directory with a thumbnail.
fn exif_of(description: &str, thumbnail: &[u8]) -> Vec<u8> {
    const HEADER: usize = 8;
    const ENTRY: usize = 12;
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    let entry = |tag: u16, kind: u16, count: usize, value: usize| {
        [tag.to_le_bytes(), kind.to_le_bytes()].concat().into_iter().chain(number(count)).chain(number(value))
    };
    let (ascii, short, long) = (2, 3, 4);
    let text_at = HEADER + 2 + ENTRY + 4;
    let second_at = text_at + description.len() + 1;
    let thumbnail_at = second_at + 2 + 3 * ENTRY + 4;
    let mut exif = b"Exif\0\0II*\0".to_vec();
    exif.extend(number(HEADER));
    exif.extend(1_u16.to_le_bytes());
    exif.extend(entry(DESCRIPTION, ascii, description.len() + 1, text_at));
    exif.extend(number(second_at));
    exif.extend(description.bytes().chain([0]));
    exif.extend(3_u16.to_le_bytes());
    exif.extend(entry(COMPRESSION, short, 1, 6));
    exif.extend(entry(THUMBNAIL_AT, long, 1, thumbnail_at));
    exif.extend(entry(THUMBNAIL_BYTES, long, 1, thumbnail.len()));
    exif.extend(number(0));
    exif.extend(thumbnail);
    exif
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use image::{ImageDecoder, ImageReader};

    use super::*;
    use crate::canary::Search;

    fn found(photo: &MarkedPhoto, bytes: &[u8]) -> BTreeSet<String> {
        let search = Search::new(&photo.markers, "marker-1");
        search.findings(bytes).into_iter().map(|finding| finding.canary).collect()
    }

    #[test]
    fn a_marked_photo_is_a_photo_whose_metadata_is_read_by_others() {
        let photo = MarkedPhoto::for_road("api").unwrap();
        let reader = ImageReader::new(std::io::Cursor::new(&photo.bytes)).with_guessed_format().unwrap();
        let mut decoder = reader.into_decoder().unwrap();
        assert_eq!(decoder.dimensions(), SIZE);
        let exif = decoder.exif_metadata().unwrap().unwrap();
        assert!(exif.starts_with(b"II*\0"));
        assert!(image::load_from_memory(&photo.bytes).is_ok());
    }

    #[test]
    fn every_part_of_a_file_has_a_marker_that_is_found_in_it() {
        let photo = MarkedPhoto::for_road("api").unwrap();
        let form = [photo.name.as_bytes(), &photo.bytes].concat();
        let all: BTreeSet<String> = PARTS.iter().map(|part| format!("input.api.{part}")).collect();
        assert_eq!(found(&photo, &form), all);
        assert_eq!(found(&photo, hex::encode(&form).as_bytes()), all);
    }

    #[test]
    fn half_a_photo_still_has_its_pixels_and_not_what_stands_behind_its_end() {
        let photo = MarkedPhoto::for_road("api").unwrap();
        let half: Vec<String> = found(&photo, photo.first_half()).into_iter().collect();
        assert_eq!(half, ["input.api.exif", "input.api.pixels", "input.api.thumbnail", "input.api.xmp"]);
    }

    #[test]
    fn no_photo_shows_the_markers_of_another() {
        let (one, other) = (MarkedPhoto::for_road("api").unwrap(), MarkedPhoto::for_road("api").unwrap());
        assert_eq!(found(&one, &other.bytes), BTreeSet::new());
    }

    #[test]
    fn pixels_are_found_even_where_something_stands_between_every_32_bytes() {
        let photo = MarkedPhoto::for_road("api").unwrap();
        // As LZF writes what it cannot make smaller, which is how Redis writes to a disk.
        let stored = photo.bytes.chunks(32).flat_map(|chunk| [&[31], chunk].concat());
        assert!(found(&photo, &stored.collect::<Vec<u8>>()).contains("input.api.pixels"));
    }
}
