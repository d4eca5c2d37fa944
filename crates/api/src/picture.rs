//! What kind of picture some bytes claim to be, by their first few. Whether they keep the promise is the
//! worker's to find out.

/// The kinds that the worker decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PictureKind {
    Jpeg,
    Png,
    WebP,
}

impl PictureKind {
    /// Looks at the bytes only: what a client says of a file is not evidence.
    pub(crate) fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::PictureKind;

    #[rstest]
    #[case::jpeg(b"\xff\xd8\xff\xe0\x00\x10JFIF", Some(PictureKind::Jpeg))]
    #[case::png(b"\x89PNG\r\n\x1a\n\x00\x00", Some(PictureKind::Png))]
    #[case::webp(b"RIFF\x24\x00\x00\x00WEBPVP8 ", Some(PictureKind::WebP))]
    #[case::wave(b"RIFF\x24\x00\x00\x00WAVEfmt ", None)]
    #[case::gif(b"GIF89a", None)]
    #[case::svg(b"<svg xmlns='http://www.w3.org/2000/svg'>", None)]
    #[case::text(b"just some text", None)]
    #[case::cut_short(b"\x89PNG", None)]
    #[case::empty(b"", None)]
    fn kind_is_told_by_the_first_bytes(#[case] bytes: &[u8], #[case] kind: Option<PictureKind>) {
        assert_eq!(PictureKind::sniff(bytes), kind);
    }
}
