//! A photo on its way through: what comes in from the browser goes out to the api, piece by piece.
//!
//! The way ends only when the sender says so. Whatever else ends it (the browser went away, the form is wrong,
//! a handler was dropped) is an error for the api, which must never take half a photo for a whole one.

use bytes::Bytes;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt, stream};
use thiserror::Error;

/// The end that pieces are put in.
pub(crate) struct PhotoSender(mpsc::Sender<Piece>);

/// The end that the api reads.
pub(crate) struct Photo(mpsc::Receiver<Piece>);

enum Piece {
    Bytes(Bytes),
    End,
}

#[derive(Debug, Error)]
#[error("the photo was cut off")]
struct CutOff;

impl Photo {
    /// Both ends. Hardly anything waits in between: the browser is read no faster than the api reads.
    pub(crate) fn channel() -> (PhotoSender, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (PhotoSender(sender), Self(receiver))
    }

    /// The body of a request.
    pub(crate) fn into_body(self) -> reqwest::Body {
        reqwest::Body::wrap_stream(stream::unfold(Some(self.0), |pieces| async move {
            let mut pieces = pieces?;
            match pieces.next().await {
                Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(pieces))),
                Some(Piece::End) => None,
                None => Some((Err(CutOff), None)),
            }
        }))
    }
}

impl PhotoSender {
    /// Hands one piece on; `false` when nobody reads any more.
    pub(crate) async fn send(&mut self, bytes: Bytes) -> bool {
        self.0.send(Piece::Bytes(bytes)).await.is_ok()
    }

    /// Says that this was the whole photo.
    pub(crate) async fn finish(mut self) {
        // Nobody there to hear it: then the answer is there already.
        let _ = self.0.send(Piece::End).await;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Photo;

    async fn collected(photo: Photo) -> Result<Vec<u8>, String> {
        use http_body_util::BodyExt;
        let body = photo.into_body().collect().await;
        body.map(|body| body.to_bytes().to_vec()).map_err(|error| service::error_chain(&error))
    }

    #[tokio::test]
    async fn photo_arrives_whole_when_its_sender_finishes() {
        let (mut sender, photo) = Photo::channel();
        let sending = async {
            assert!(sender.send(Bytes::from_static(b"one ")).await);
            assert!(sender.send(Bytes::from_static(b"two")).await);
            sender.finish().await;
        };
        let ((), arrived) = futures::future::join(sending, collected(photo)).await;
        assert_eq!(arrived.unwrap(), b"one two");
    }

    #[tokio::test]
    async fn photo_that_was_cut_off_is_an_error_and_never_a_shorter_photo() {
        let (mut sender, photo) = Photo::channel();
        let sending = async {
            assert!(sender.send(Bytes::from_static(b"half")).await);
            drop(sender);
        };
        let ((), arrived) = futures::future::join(sending, collected(photo)).await;
        assert!(arrived.unwrap_err().contains("the photo was cut off"));
    }

    #[tokio::test]
    async fn sender_learns_that_nobody_reads() {
        let (mut sender, photo) = Photo::channel();
        drop(photo);
        assert!(!sender.send(Bytes::from_static(b"x")).await);
    }
}
