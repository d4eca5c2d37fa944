//! Which bytes of an image a request wants (RFC 9110, section 14): one range, or the whole.
//!
//! Whatever else a client asks for, several ranges, another unit, no range at all by the grammar, is answered with the
//! whole: a server may always do that.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    /// At least one byte, and none that the image does not have.
    Part(Range<u64>),
    /// A range that none of the image's bytes is in.
    Beyond,
}

/// What `Range` asks for of an image of `size_bytes`, and `If-Range` agrees to: the tag of the copy that the client has
/// the rest of.
pub(super) fn wanted(headers: &HeaderMap, tag: &str, size_bytes: u64) -> Wanted {
    let mut ranges = headers.get_all(header::RANGE).into_iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Wanted::Whole };
    // A date is no tag of ours, and a weak tag is not enough.
    if headers.get(header::IF_RANGE).is_some_and(|copy| copy.as_bytes() != tag.as_bytes()) {
        return Wanted::Whole;
    }
    range.to_str().ok().and_then(|range| read(range, size_bytes)).unwrap_or(Wanted::Whole)
}

/// None where it is not one range of bytes.
fn read(range: &str, size_bytes: u64) -> Option<Wanted> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let part = match (first, last) {
        ("", suffix) => size_bytes.saturating_sub(number(suffix)?)..size_bytes,
        (first, "") => number(first)?..size_bytes,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size_bytes)
        }
    };
    Some(if part.start < part.end { Wanted::Part(part) } else { Wanted::Beyond })
}

/// Digits alone. What is larger than any number here is as good as the largest.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};
    use proptest::prelude::*;
    use rstest::rstest;

    use super::{Wanted, wanted};

    const TAG: &str = "\"a\"";

    fn of(range: &[&str], if_range: Option<&str>, size_bytes: u64) -> Wanted {
        let mut headers = HeaderMap::new();
        for range in range {
            headers.append(header::RANGE, HeaderValue::from_bytes(range.as_bytes()).unwrap());
        }
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, tag.parse().unwrap());
        }
        wanted(&headers, TAG, size_bytes)
    }

    #[rstest]
    #[case::first_byte("bytes=0-0", 0, 1)]
    #[case::from_to("bytes=2-5", 2, 6)]
    #[case::up_to_the_last("bytes=2-9", 2, 10)]
    #[case::beyond_the_last("bytes=2-10", 2, 10)]
    #[case::to_a_number_that_nobody_can_hold("bytes=2-99999999999999999999999", 2, 10)]
    #[case::to_the_largest_number("bytes=2-18446744073709551615", 2, 10)]
    #[case::from("bytes=9-", 9, 10)]
    #[case::all("bytes=0-", 0, 10)]
    #[case::last("bytes=-1", 9, 10)]
    #[case::more_than_all("bytes=-11", 0, 10)]
    #[case::unit_in_capitals("Bytes=2-5", 2, 6)]
    #[case::leading_zero("bytes=02-005", 2, 6)]
    fn range_is_what_the_image_has_of_it(#[case] range: &str, #[case] start: u64, #[case] end: u64) {
        assert_eq!(of(&[range], None, 10), Wanted::Part(start..end));
    }

    #[rstest]
    #[case::behind_the_last("bytes=10-", 10)]
    #[case::far_behind("bytes=100-200", 10)]
    #[case::from_a_number_that_nobody_can_hold("bytes=99999999999999999999999-", 10)]
    #[case::the_last_none("bytes=-0", 10)]
    #[case::of_nothing("bytes=0-", 0)]
    #[case::last_of_nothing("bytes=-1", 0)]
    fn range_of_none_of_the_bytes_is_beyond(#[case] range: &str, #[case] size_bytes: u64) {
        assert_eq!(of(&[range], None, size_bytes), Wanted::Beyond);
    }

    #[rstest]
    #[case::nothing_asked(&[])]
    #[case::several(&["bytes=0-1,3-4"])]
    #[case::several_lines(&["bytes=0-1", "bytes=3-4"])]
    #[case::other_unit(&["pixels=0-1"])]
    #[case::backwards(&["bytes=5-2"])]
    #[case::no_range(&["bytes=-"])]
    #[case::no_numbers(&["bytes=a-b"])]
    #[case::signed(&["bytes=+1-2"])]
    #[case::negative(&["bytes=1--2"])]
    #[case::fraction(&["bytes=1.5-2"])]
    #[case::space(&["bytes= 1-2"])]
    #[case::no_unit(&["1-2"])]
    #[case::empty(&[""])]
    #[case::not_ascii(&["bytes=١-٢"])]
    fn whole_is_sent_where_no_one_range_is_asked_for(#[case] range: &[&str]) {
        assert_eq!(of(range, None, 10), Wanted::Whole);
    }

    #[rstest]
    #[case::the_tag(TAG, Wanted::Part(2..6))]
    #[case::another("\"b\"", Wanted::Whole)]
    #[case::a_weak_one("W/\"a\"", Wanted::Whole)]
    #[case::a_date("Sun, 06 Nov 1994 08:49:37 GMT", Wanted::Whole)]
    fn range_of_another_copy_gets_the_whole(#[case] if_range: &str, #[case] expected: Wanted) {
        assert_eq!(of(&["bytes=2-5"], Some(if_range), 10), expected);
    }

    proptest! {
        #[test]
        fn nothing_that_is_asked_for_is_out_of_bounds(
            range in prop_oneof!["bytes=[0-9]{0,24}-[0-9]{0,24}", "bytes=[0-9,= -]{0,16}", "[ -~]{0,40}", "\\PC{0,20}"],
            size_bytes: u64,
        ) {
            prop_assume!(HeaderValue::from_bytes(range.as_bytes()).is_ok());
            for size_bytes in [size_bytes, size_bytes % 16, 0] {
                if let Wanted::Part(part) = of(&[&range], None, size_bytes) {
                    prop_assert!(part.start < part.end && part.end <= size_bytes, "{part:?} of {size_bytes}");
                }
            }
        }

        #[test]
        fn part_is_the_same_as_of_a_slice(first in 0..20_usize, last in 0..20_usize, size in 0..20_usize) {
            let whole: Vec<usize> = (0..size).collect();
            let part = whole.get(first..size.min(last + 1)).filter(|part| !part.is_empty());
            let expected = match part {
                _ if last < first => Wanted::Whole,
                Some(part) => Wanted::Part(part[0] as u64..part[part.len() - 1] as u64 + 1),
                None => Wanted::Beyond,
            };
            prop_assert_eq!(of(&[&format!("bytes={first}-{last}")], None, size as u64), expected);
        }
    }
}
