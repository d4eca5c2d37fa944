//! A link that is not quite the one that was given out.

use super::{end_of, parameter};

/// Every step in which an altered link is followed. None of them may be answered with the picture.
pub(super) fn all(link: &str, image: &str) -> Result<Vec<(&'static str, String)>, String> {
    let expires = parameter(link, "expires").ok_or("the link has no `expires`")?;
    let signature = parameter(link, "signature").ok_or("the link has no `signature`")?;
    let later = end_of(link)? + 3600;
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let other_signature = format!("{first}{}", signature.get(1..).unwrap_or_default());
    let other_image = uuid::Uuid::new_v4().to_string();
    let (of_expiry, of_signature) = (format!("expires={expires}"), format!("signature={signature}"));
    let (start, rest) = expires.split_at(1);
    let digit = start.bytes().next().unwrap_or_default();
    Ok(vec![
        ("tampered.expiry", link.replace(&of_expiry, &format!("expires={later}"))),
        ("tampered.signature", link.replace(signature, &other_signature)),
        ("tampered.image", link.replace(image, &other_image)),
        ("tampered.unsigned", link.replace(&format!("&{of_signature}"), "")),
        (
            "tampered.moved",
            link.replace(&format!("{of_expiry}&{of_signature}"), &format!("{of_signature}&{of_expiry}")),
        ),
        ("tampered.doubled", link.replace(&of_expiry, &format!("{of_expiry}&{of_expiry}"))),
        ("tampered.added", format!("{link}&source=mail")),
        ("tampered.case", link.replace(image, &image.to_uppercase())),
        ("tampered.encoded", link.replace(&of_expiry, &format!("expires=%{digit:02X}{rest}"))),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;

    #[test]
    fn every_altered_link_differs_from_the_true_one_and_from_the_others() {
        let image = "0190abcd-ef00-7000-8000-000000000000";
        let link = format!("/images/{image}?expires=1700000000&signature=AbC");
        let altered = all(&link, image).unwrap();
        assert!(altered.iter().all(|(_, changed)| *changed != link), "{altered:?}");
        let different: BTreeSet<&String> = altered.iter().map(|(_, changed)| changed).collect();
        assert_eq!(different.len(), altered.len(), "{altered:?}");
        let encoded = altered.iter().find(|(step, _)| *step == "tampered.encoded").unwrap();
        assert!(encoded.1.contains("expires=%31700000000&"), "{encoded:?}");
    }
}
