//! Every file that pages refer to is there, is what it is used as, and may be kept for ever because its name says so.

use sha2::{Digest, Sha256};

use super::{Check, Finding, of};
use crate::{
    html::UsedAs,
    observation::{Asset, Crawl},
    probe::http::Answer,
};

/// Hex digits of a hash that make a name unlike any other version's.
const HASH_DIGITS: usize = 8;
/// A year, in seconds.
const FOR_EVER_SECONDS: u64 = 31_536_000;

pub(super) fn check() -> Check {
    let claim =
        "every file that a page refers to is there, is what it is used as, and is named by its content";
    let expected = "200, the right type, immutable, the beginning of its SHA-256 in its name; pictures of people: 200, the right type";
    of("smoke.assets", claim, expected, |proxy| &proxy.crawl, |_, crawl| judge(crawl))
}

fn judge(crawl: &Crawl) -> Finding {
    let unanswered = crawl
        .pages
        .iter()
        .filter_map(|page| Some(format!("{}: {}", page.asked, page.answer.as_ref().err()?)));
    // Of the pages that are asked for, one is meant not to be there.
    let broken = crawl.pages.iter().filter_map(|page| {
        let status = page.answer.as_ref().ok()?.status;
        let meant = page.asked.contains("/nothing-here");
        (meant != (status == 404) || status >= 500).then(|| format!("{}: {status}", page.asked))
    });
    let mut wrong: Vec<String> = unanswered.chain(broken).collect();
    wrong.extend(crawl.assets.iter().filter_map(|asset| {
        let told = sound(asset).err()?;
        Some(format!("{} (on {}): {told}", asset.path, asset.on))
    }));
    if !wrong.is_empty() {
        return Finding::Fail(wrong.join("; "), None);
    }
    let (pictures, files) = crawl.assets.iter().partition::<Vec<_>, _>(|asset| asset.personal);
    let used_as = |used_as| files.iter().any(|file| file.used_as == used_as);
    if !used_as(UsedAs::Style) {
        return Finding::Unknown(format!("{} pages refer to no style sheet", crawl.pages.len()));
    }
    let (files, pictures) = (files.len(), pictures.len());
    Finding::Pass(format!("{files} files and {pictures} people's pictures on {} pages", crawl.pages.len()))
}

fn sound(asset: &Asset) -> Result<(), String> {
    let answer = match &asset.answer {
        None => return Err("is of a foreign origin".into()),
        Some(Err(why)) => return Err(format!("no answer ({why})")),
        Some(Ok(answer)) => answer,
    };
    if answer.status != 200 {
        return Err(answer.status.to_string());
    }
    let kind = answer.header("content-type").unwrap_or_default();
    if !fits(asset.used_as, kind) {
        return Err(format!("`{kind}` is no {:?}", asset.used_as).to_lowercase());
    }
    if asset.personal { Ok(()) } else { kept_for_ever(asset, answer) }
}

fn fits(used_as: UsedAs, content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    match used_as {
        UsedAs::Style => kind == "text/css",
        UsedAs::Script => kind == "text/javascript" || kind == "application/javascript",
        UsedAs::Picture => kind.starts_with("image/"),
        UsedAs::Font => kind.starts_with("font/"),
        UsedAs::Manifest => kind == "application/manifest+json",
        UsedAs::Other => !kind.is_empty(),
    }
}

fn kept_for_ever(asset: &Asset, answer: &Answer) -> Result<(), String> {
    let cache = answer.header("cache-control").unwrap_or_default();
    let says = |word: &str| cache.split(',').any(|part| part.trim() == word);
    let seconds = cache.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse::<u64>().ok());
    if !says("immutable") || seconds.is_none_or(|seconds| seconds < FOR_EVER_SECONDS) {
        return Err(format!("may not be kept for ever: `{cache}`"));
    }
    let hash = hex::encode(Sha256::digest(&answer.body));
    let name = asset.path.rsplit('/').next().unwrap_or_default();
    let named = name.split('.').any(|part| part.len() >= HASH_DIGITS && hash.starts_with(part));
    if named {
        Ok(())
    } else {
        Err(format!("its name has no hash of its content, which begins with {}", &hash[..HASH_DIGITS]))
    }
}
