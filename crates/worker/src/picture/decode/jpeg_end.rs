//! Whether a JPEG goes on to its end marker, by walking its segments.

const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;

/// True when every segment is whole and the end-of-image marker follows the last scan.
///
/// A thumbnail inside the EXIF segment has an end marker too: hence the walk rather than a search.
pub(super) fn is_reached(input: &[u8]) -> bool {
    walk(input).is_some()
}

fn walk(input: &[u8]) -> Option<()> {
    let mut at = 2; // after the start-of-image marker
    loop {
        // Bytes between segments are skipped, as decoders do; a marker may be preceded by fill bytes.
        while *input.get(at)? != 0xFF {
            at += 1;
        }
        while *input.get(at)? == 0xFF {
            at += 1;
        }
        let marker = *input.get(at)?;
        at += 1;
        match marker {
            END => return Some(()),
            // Stuffed byte, temporary, restart: no payload.
            0x00 | 0x01 | 0xD0..=0xD8 => {}
            _ => {
                let length = u16::from_be_bytes([*input.get(at)?, *input.get(at + 1)?]);
                at += usize::from(length);
                if at > input.len() {
                    return None;
                }
                if marker == SCAN {
                    at = after_entropy(input, at)?;
                }
            }
        }
    }
}

/// The place of the first marker after entropy-coded data which is neither stuffing nor a restart.
fn after_entropy(input: &[u8], mut at: usize) -> Option<usize> {
    loop {
        if *input.get(at)? == 0xFF && !matches!(*input.get(at + 1)?, 0x00 | 0xFF | 0xD0..=0xD7) {
            return Some(at);
        }
        at += 1;
    }
}
