//! The metadata a camera would add, with strings that must never reach an output.

/// Exif for "turn me right by a quarter", with make, model, date and the person's name.
pub(crate) fn of_a_camera_held_sideways() -> Vec<u8> {
    const ASCII: u16 = 2;
    const SHORT: u16 = 3;
    let texts: [(u16, &str); 5] = [
        (0x010F, "Shakedown Optics"),
        (0x0110, "Testcam 7 SN-4815162342"),
        (0x0131, "make_portrait"),
        (0x0132, "2026:02:03 04:05:06"),
        (0x013B, "Nobody in Particular"),
    ];
    let orientation: (u16, u16) = (0x0112, 6);

    let entries = texts.len() + 1;
    let mut after_directory = 8 + 2 + entries * 12 + 4;
    let mut directory = Vec::new();
    let mut values = Vec::new();
    let mut rows: Vec<(u16, Option<&str>)> = texts.iter().map(|(tag, text)| (*tag, Some(*text))).collect();
    rows.push((orientation.0, None));
    rows.sort_unstable(); // tags ascend, says TIFF
    for (tag, text) in rows {
        directory.extend(tag.to_le_bytes());
        if let Some(text) = text {
            directory.extend(ASCII.to_le_bytes());
            directory.extend((text.len() as u32 + 1).to_le_bytes());
            directory.extend((after_directory as u32).to_le_bytes());
            values.extend(text.bytes().chain([0]));
            after_directory += text.len() + 1;
        } else {
            directory.extend(SHORT.to_le_bytes());
            directory.extend(1_u32.to_le_bytes());
            directory.extend(u32::from(orientation.1).to_le_bytes());
        }
    }
    let mut exif = b"II*\0\x08\0\0\0".to_vec();
    exif.extend((entries as u16).to_le_bytes());
    exif.extend(directory);
    exif.extend(0_u32.to_le_bytes()); // no further directory
    exif.extend(values);
    exif
}
