//! Links as they are made, and what becomes of any that is not.

use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Links, SigningKeys, Tampered, ValidLink, parts};
use crate::config::LinkConfig;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const NEXT_KEY: &str = "another key, just as long as it is";

fn links(keys: &str) -> Links {
    Links::new(&LinkConfig {
        public_origin: service::Origin::parse("http://localhost:8080").unwrap(),
        signing_keys: SigningKeys::parse(keys).unwrap(),
        ttl: Duration::from_mins(5),
    })
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

fn verify(links: &Links, link: &str) -> Result<ValidLink, Tampered> {
    let uri = link.parse().map_err(|_| Tampered)?;
    let (id, query) = parts(&uri);
    links.verify(id, query)
}

#[test]
fn link_is_accepted_as_it_was_made() {
    let links = links(KEY);
    let id = Uuid::new_v4();
    let link = links.make(id, at(1_000), at(100_000));
    let valid = verify(&links, &link).unwrap();
    assert_eq!((valid.image_id, valid.expires), (id, 1_300));
}

#[test]
fn link_never_outlives_its_image_and_is_rounded_down() {
    let links = links(KEY);
    let link = links.make(Uuid::new_v4(), at(1_000), at(1_002) + time::Duration::milliseconds(999));
    assert_eq!(verify(&links, &link).unwrap().expires, 1_002);
}

#[test]
fn link_never_outlives_the_ceiling_and_is_rounded_down() {
    let links = links(KEY);
    let now = at(1_000) + time::Duration::milliseconds(999);
    let link = links.make(Uuid::new_v4(), now, at(100_000));
    assert_eq!(verify(&links, &link).unwrap().expires, 1_300);
}

#[test]
fn link_is_refused_under_another_key() {
    let link = links(KEY).make(Uuid::new_v4(), at(1_000), at(2_000));
    assert_eq!(verify(&links(NEXT_KEY), &link), Err(Tampered));
}

#[test]
fn links_of_every_key_are_good_while_keys_change_and_those_of_a_removed_one_are_not() {
    let (old, new) = (links(KEY), links(NEXT_KEY));
    let both = [format!("{KEY}\n{NEXT_KEY}"), format!("{NEXT_KEY}\n{KEY}\n")].map(|keys| links(&keys));
    for made_by in [&old, &new, &both[0], &both[1]] {
        let link = made_by.make(Uuid::new_v4(), at(1_000), at(2_000));
        assert!(both.iter().all(|links| verify(links, &link).is_ok()), "{link}");
    }
    let (id, now, end) = (Uuid::new_v4(), at(1_000), at(2_000));
    // The first line signs.
    assert_eq!(both[0].make(id, now, end), old.make(id, now, end));
    assert_eq!(both[1].make(id, now, end), new.make(id, now, end));
    assert_eq!(verify(&new, &both[0].make(id, now, end)), Err(Tampered));
}

#[test]
fn debug_shows_nothing_of_the_keys() {
    let keys = SigningKeys::parse(&format!("{KEY}\n{NEXT_KEY}")).unwrap();
    assert_eq!(format!("{keys:?}"), "SigningKeys(2)");
}

#[rstest]
#[case::later("expires=1300", "expires=1301")]
#[case::leading_zero("expires=1300", "expires=01300")]
#[case::plus("expires=1300", "expires=+1300")]
#[case::negative("expires=1300", "expires=-1300")]
#[case::overflowing("expires=1300", "expires=9223372036854775808")]
#[case::very_long("expires=1300", "expires=13000000000000000000000000000000000000000000")]
#[case::fraction("expires=1300", "expires=1300.0")]
#[case::not_there("expires=1300&", "")]
#[case::empty("expires=1300", "expires=")]
#[case::percent_encoded_digit("expires=1300", "expires=%31300")]
#[case::percent_encoded_name("expires=1300", "%65xpires=1300")]
#[case::percent_encoded_and("1300&", "1300%26")]
#[case::name_in_capitals("expires=1300", "EXPIRES=1300")]
#[case::space_before("expires=1300", "expires=%201300")]
#[case::plus_for_a_space_behind("expires=1300&", "expires=1300+&")]
#[case::twice("expires=1300", "expires=1300&expires=9999")]
#[case::twice_the_same("expires=1300", "expires=1300&expires=1300")]
#[case::something_before("expires=1300", "page=1&expires=1300")]
#[case::something_between("expires=1300", "expires=1300&page=1")]
#[case::something_empty_between("expires=1300", "expires=1300&")]
#[case::semicolon("1300&", "1300;")]
#[case::second_question_mark("?expires", "??expires")]
#[case::slash_behind_the_id("?expires", "/?expires")]
fn link_is_refused_when_it_is_spelled_otherwise(#[case] from: &str, #[case] to: &str) {
    let links = links(KEY);
    let link = links.make(Uuid::new_v4(), at(1_000), at(100_000));
    let changed = link.replacen(from, to, 1);
    assert_ne!(changed, link);
    assert_eq!(verify(&links, &changed), Err(Tampered), "{changed}");
}

#[rstest]
#[case::something_behind("&page=1")]
#[case::something_empty_behind("&")]
#[case::signature_twice("&signature=AAAA")]
#[case::padding("=")]
#[case::percent_encoded_padding("%3D")]
#[case::space_behind("%20")]
#[case::new_line_behind("%0A")]
fn link_is_refused_with_more_behind_it(#[case] more: &str) {
    let links = links(KEY);
    let link = links.make(Uuid::new_v4(), at(1_000), at(2_000));
    assert_eq!(verify(&links, &format!("{link}{more}")), Err(Tampered));
}

#[test]
fn link_is_refused_when_its_parameters_change_places() {
    let links = links(KEY);
    let link = links.make(Uuid::new_v4(), at(1_000), at(2_000));
    let (before, query) = link.split_once('?').unwrap();
    let (expires, signature) = query.split_once('&').unwrap();
    assert_eq!(verify(&links, &format!("{before}?{signature}&{expires}")), Err(Tampered));
}

#[test]
fn link_is_refused_when_its_id_is_spelled_otherwise() {
    let links = links(KEY);
    let id = Uuid::from_u128(0xabcd_ef00_0000_0000_0000_0000_0000_0001);
    let link = links.make(id, at(1_000), at(2_000));
    assert!(verify(&links, &link).is_ok());
    let id = id.to_string();
    let others = [
        id.to_uppercase(),
        id.replace('-', ""),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        id.replace('a', "%61"),
        format!("{id}%20"),
        format!("%20{id}"),
    ];
    for other in others {
        assert_eq!(verify(&links, &link.replace(&id, &other)), Err(Tampered), "{other}");
    }
}

proptest! {
    /// Any one character of path or query, replaced by any other, makes it another link than the one that was signed.
    #[test]
    fn link_is_refused_when_any_of_its_characters_was_changed(
        id: u128, now in 0..4_000_000_000_i64, left in 1..100_000_i64, place: prop::sample::Index, other in "[ -~]",
    ) {
        let links = links(KEY);
        let link = links.make(Uuid::from_u128(id), at(now), at(now + left));
        let signed = link.find("/images/").unwrap() + "/images/".len();
        let place = signed + place.index(link.len() - signed);
        prop_assume!(link[place..=place] != other);
        let changed = format!("{}{other}{}", &link[..place], &link[place + 1..]);
        prop_assert_eq!(verify(&links, &changed), Err(Tampered));
    }

    /// So does any text that is put in anywhere, but for a fragment, which no client sends.
    #[test]
    fn link_is_refused_when_anything_was_put_into_it(
        id: u128, place: prop::sample::Index, more in "[ -\"$-~]{1,8}",
    ) {
        let links = links(KEY);
        let link = links.make(Uuid::from_u128(id), at(1_000), at(2_000));
        let signed = link.find("/images/").unwrap() + "/images/".len();
        let place = signed + place.index(link.len() - signed + 1);
        // The id is the last part of the path, so what is put before it with a slash is another address, not a link.
        prop_assume!(!(place < link.find('?').unwrap() && more.contains('/')));
        let changed = format!("{}{more}{}", &link[..place], &link[place..]);
        prop_assert_eq!(verify(&links, &changed), Err(Tampered));
    }

    #[test]
    fn link_is_refused_with_any_other_signature(signature in "[A-Za-z0-9_-]{0,64}") {
        let links = links(KEY);
        let query = format!("expires=1300&signature={signature}");
        prop_assert_eq!(links.verify(&Uuid::nil().to_string(), &query), Err(Tampered));
    }

    #[test]
    fn nothing_that_comes_for_a_link_is_more_than_refused(id in any::<String>(), query in any::<String>()) {
        prop_assert_eq!(links(KEY).verify(&id, &query), Err(Tampered));
    }

    /// A link dies with its image or at the ceiling, whichever is first, and less than a second early.
    #[test]
    fn link_lives_as_long_as_it_may(now_ms in 0..4_000_000_000_000_i64, left_ms in 1..1_000_000_i64) {
        let links = links(KEY);
        let now = at(0) + time::Duration::milliseconds(now_ms);
        let image_expires_at = now + time::Duration::milliseconds(left_ms);
        let end = image_expires_at.min(now + time::Duration::minutes(5));
        let expires = at(verify(&links, &links.make(Uuid::nil(), now, image_expires_at)).unwrap().expires);
        prop_assert!(expires <= end && end - expires < time::Duration::SECOND, "{expires} for {end}");
    }
}
