//! Why a picture could not be made, in words for the person who uploaded it.

use image::ImageError;

use super::inspect::{MAX_BYTES, MAX_PIXELS};

/// What is wrong with an upload. Its text is shown to the person, as the failure of the job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Nothing in it.
    #[error("The file is empty.")]
    Empty,
    /// More bytes than we take.
    #[error("The file is larger than {} MB.", MAX_BYTES / 1_000_000)]
    TooManyBytes,
    /// Not one of the three formats, whatever its name says.
    #[error("The file is not a JPEG, PNG or WebP picture.")]
    NotAPicture,
    /// More pixels than we decode.
    #[error("The picture has {width} × {height} pixels; at most {} megapixels are accepted.", MAX_PIXELS / 1_000_000)]
    TooManyPixels {
        /// Pixels across, as its header claims.
        width: u32,
        /// Pixels down, as its header claims.
        height: u32,
    },
    /// It begins like a picture and does not go on like one. The reason is for the log.
    #[error("The picture is damaged or incomplete and could not be read.")]
    Damaged {
        /// What the decoder said.
        reason: String,
    },
    /// Ours, not theirs.
    #[error("The picture could not be drawn. This is our mistake; please try another one.")]
    NotDrawn {
        /// What the encoder said.
        reason: String,
    },
}

impl PictureError {
    pub(super) fn from_decoder(error: &ImageError, width: u32, height: u32) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooManyPixels { width, height },
            _ => Self::Damaged { reason: error.to_string() },
        }
    }

    pub(super) fn damaged(reason: &str) -> Self {
        Self::Damaged { reason: reason.to_owned() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
    pub(super) fn unreadable_output(error: ImageError) -> Self {
        Self::NotDrawn { reason: error.to_string() }
    }
}
