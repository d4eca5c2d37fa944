//! `GET /gallery`: the form for a photo, and all that live.

use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;
use web::page::{Card, FormError, Gallery, UploadForm};

use super::{image, page as render};
use crate::error::PageError;
use crate::notice::{Notice, NoticeQuery};
use crate::state::WebState;
use crate::upload::Asked;
use crate::visitor::{SignedIn, random};

/// Images on a page: three or four to a row.
const PER_PAGE: usize = 24;

/// Which page; 1 is the newest.
#[derive(Deserialize)]
pub(super) struct PageQuery {
    page: Option<String>,
}

pub(super) async fn page(
    State(state): State<WebState>,
    user: SignedIn,
    Query(query): Query<PageQuery>,
    Query(notice): Query<NoticeQuery>,
) -> Result<Html<String>, PageError> {
    let number = query.page.and_then(|number| number.parse().ok()).unwrap_or(1);
    show(&state, &user, number, notice.notice(), Asked::default(), None).await
}

/// The page; after a refused upload with its error, and what was asked for still chosen.
pub(super) async fn show(
    state: &WebState,
    user: &SignedIn,
    number: usize,
    notice: Option<Notice>,
    asked: Asked,
    error: Option<FormError>,
) -> Result<Html<String>, PageError> {
    let answer = state.api.images(user).await?;
    let images = &answer.body.images;
    let pages = Pages::of(images.len(), number);
    let cards = images[pages.range.clone()].iter().map(|image| Card {
        id: image.id.to_string(),
        effect: image.effect.clone(),
        seconds_left: answer.until(image.expires_at).as_secs(),
        lifetime_seconds: image::lifetime_seconds(image),
        description: image::description(image),
    });
    Ok(render(&Gallery {
        shell: user.shell(notice),
        upload: UploadForm {
            nonce: random().expose().to_owned(),
            max_bytes: state.config.upload_bytes as u64,
            longest_seconds: state.config.output_ttl.as_secs(),
            effect: Some(asked.effect).filter(|effect| !effect.is_empty()),
            ttl_seconds: asked.ttl_seconds.parse().ok(),
            error,
        },
        cards: cards.collect(),
        newer_page: pages.newer,
        older_page: pages.older,
    }))
}

/// Which images are on a page, and what is beside it.
#[derive(Debug, PartialEq, Eq)]
struct Pages {
    range: std::ops::Range<usize>,
    newer: Option<usize>,
    older: Option<usize>,
}

impl Pages {
    /// Of `count` images the page `number`, or the nearest that there is.
    fn of(count: usize, number: usize) -> Self {
        let last = count.div_ceil(PER_PAGE).max(1);
        let number = number.clamp(1, last);
        let start = (number - 1) * PER_PAGE;
        Self {
            range: start..count.min(start + PER_PAGE),
            newer: (number > 1).then(|| number - 1),
            older: (number < last).then_some(number + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Pages;

    #[rstest]
    #[case::nothing(0, 1, 0..0, None, None)]
    #[case::one_page(24, 1, 0..24, None, None)]
    #[case::first_of_two(25, 1, 0..24, None, Some(2))]
    #[case::last(25, 2, 24..25, Some(1), None)]
    #[case::middle(60, 2, 24..48, Some(1), Some(3))]
    #[case::beyond(25, 9, 24..25, Some(1), None)]
    #[case::before(25, 0, 0..24, None, Some(2))]
    #[case::far_beyond(25, usize::MAX, 24..25, Some(1), None)]
    fn every_image_is_on_one_page(
        #[case] count: usize,
        #[case] number: usize,
        #[case] range: std::ops::Range<usize>,
        #[case] newer: Option<usize>,
        #[case] older: Option<usize>,
    ) {
        assert_eq!(Pages::of(count, number), Pages { range, newer, older });
    }
}
