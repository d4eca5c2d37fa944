//! Files that people upload: one real photo, and several that are none.

/// A real photo: 800 by 1000 pixels, with EXIF.
pub const PORTRAIT: &[u8] = include_bytes!("../../../../tests/e2e/photos/portrait.jpg");

/// The most an upload may have, as the definition's default says.
pub const UPLOAD_MAX_BYTES: usize = 10 * 1024 * 1024;

/// The middle of the portrait with a patch of random colour: no other upload gives the same output. Small, because what
/// takes long to encode keeps whatever is observed at the same time waiting.
pub fn unique() -> Result<Vec<u8>, image::ImageError> {
    const SIDE: u32 = 320;
    const PATCH: u32 = 96;
    let portrait = image::load_from_memory(PORTRAIT)?;
    let (left, top) = ((portrait.width() - SIDE) / 2, (portrait.height() - SIDE) / 2);
    let mut picture = portrait.crop_imm(left, top, SIDE, SIDE).to_rgb8();
    let colour = image::Rgb(rand::random::<[u8; 3]>());
    for x in 0..PATCH {
        for y in 0..PATCH {
            picture.put_pixel(x, y, colour);
        }
    }
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, image::ImageFormat::Jpeg)?;
    Ok(file.into_inner())
}

/// A sound picture that is made and painted in no time: 64 by 64 pixels.
pub fn tiny() -> Result<Vec<u8>, image::ImageError> {
    let picture = image::RgbImage::from_fn(64, 64, |x, y| {
        let shade = |value: u32| u8::try_from(value * 4).unwrap_or(u8::MAX);
        image::Rgb([shade(x), shade(y), 128])
    });
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, image::ImageFormat::Png)?;
    Ok(file.into_inner())
}

/// A JPEG that ends in the middle.
pub fn truncated() -> Vec<u8> {
    PORTRAIT[..PORTRAIT.len() / 3].to_vec()
}

/// A PNG of a few bytes that claims 50,000 by 50,000 pixels: 10 GB if anybody believed it.
pub fn decompression_bomb() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = b"IHDR".to_vec();
    header.extend(50_000u32.to_be_bytes());
    header.extend(50_000u32.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    chunk(&mut png, &header);
    // A valid, empty zlib stream.
    chunk(&mut png, b"IDAT\x78\x9c\x03\x00\x00\x00\x00\x01");
    chunk(&mut png, b"IEND");
    png
}

/// Appends a PNG chunk: length of its data, type and data, checksum over both.
fn chunk(png: &mut Vec<u8>, kind_and_data: &[u8]) {
    let length = u32::try_from(kind_and_data.len() - 4).unwrap_or(0);
    png.extend(length.to_be_bytes());
    png.extend(kind_and_data);
    png.extend(crc32(kind_and_data).to_be_bytes());
}

/// CRC-32 as PNG uses it (ISO 3309, polynomial 0xEDB88320).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// One megabyte more than an upload may have.
pub fn oversized() -> Vec<u8> {
    let mut photo = PORTRAIT.to_vec();
    photo.resize(UPLOAD_MAX_BYTES + 1024 * 1024, 0);
    photo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_the_one_that_png_asks_for() {
        assert_eq!(crc32(b"IEND"), 0xAE42_6082);
    }

    #[test]
    fn the_bomb_is_small_and_claims_to_be_huge() {
        let bomb = decompression_bomb();
        assert!(bomb.len() < 100);
        assert_eq!(bomb[16..20], 50_000u32.to_be_bytes());
    }
}
