//! What a default must not look like. It sees no secret of ours, so it goes by the name and by the shape.

/// Parts of names that stand for secrets.
const NAMES: [&str; 6] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "CREDENTIAL", "KEY"];
/// How tokens of well-known kinds begin.
const BEGINNINGS: [&str; 14] = [
    "-----BEGIN",
    "AKIA",
    "ASIA",
    "eyJ",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "sk_live_",
    "sk-",
    "xoxb-",
    "xoxp-",
    "AIza",
];
/// Shorter text is hardly a secret, and a word of it may well be random.
const MIN_LENGTH: usize = 20;
/// Bits per character from which on text of that length is no language: hexadecimal digits at random have 4 at most and
/// about 3.4 in a short text, words have less than 3.2 without their separators.
const MIN_ENTROPY: f64 = 3.3;

/// Why a default looks like a secret, without repeating it.
pub(super) fn why(name: &str, default: &str) -> Option<&'static str> {
    if default.is_empty() {
        return None;
    }
    let part = |part: &str| NAMES.contains(&part);
    // A file's path, or what an access key is called: what is secret about either is elsewhere.
    let names_one = name.ends_with("_FILE") || name.ends_with("_KEY_ID");
    if !names_one && name.to_ascii_uppercase().split('_').any(part) {
        return Some("is not empty, and its name is that of a secret");
    }
    if BEGINNINGS.iter().any(|begin| default.starts_with(begin) && default.len() > begin.len() + 8) {
        return Some("begins like a token or a key");
    }
    if has_credentials(default) {
        return Some("is a URL with a password in it");
    }
    default.split(|c: char| !c.is_ascii_alphanumeric()).any(is_random).then_some("looks random")
}

/// `scheme://user:password@host`.
fn has_credentials(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, password)| !password.is_empty()))
}

/// Long, of letters and digits both, and with as many different ones as chance would give.
fn is_random(run: &str) -> bool {
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    run.len() >= MIN_LENGTH && digits > 0 && digits < run.len() && entropy(run) >= MIN_ENTROPY
}

/// Shannon's, in bits per character.
#[expect(clippy::cast_precision_loss, reason = "lengths of defaults")]
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = text.len() as f64;
    let share = |count: u32| f64::from(count) / length;
    counts.into_iter().filter(|count| *count > 0).map(|count| -share(count) * share(count).log2()).sum()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::why;

    #[rstest]
    #[case::name("REDIS_PASSWORD", "changeme", true)]
    #[case::key("LINK_SIGNING_KEY", "x", true)]
    #[case::empty("REDIS_PASSWORD", "", false)]
    #[case::file("REDIS_PASSWORD_FILE", "/run/secrets/redis_password", false)]
    #[case::name_of_a_key("S3_ACCESS_KEY_ID", "GK111111111111111111111111", false)]
    #[case::key_in_its_place("S3_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", true)]
    #[case::random_name_of_a_key("S3_ACCESS_KEY_ID", "GK5a8e1d0c7b3f49620d1e8fa4", true)]
    #[case::no_part_of_the_name("MONKEY", "banana", false)]
    #[case::url("DATABASE_URL", "postgres://app:hunter2@db:5432/app", true)]
    #[case::url_without("REDIS_URL", "redis://redis:6379/0", false)]
    #[case::origin("PUBLIC_ORIGIN", "https://shakedown.localhost:8443", false)]
    #[case::hexadecimal("BUILD", "9f86d081884c7d659a2feaa0c55ad015", true)]
    #[case::mixed("ANYTHING", "tK9sLq2vXz7Bn4Rw8Yc1", true)]
    #[case::token("ANYTHING", "ghp_0123456789abcdef", true)]
    #[case::words("LOG_LEVEL", "warn,api=debug,image_store=trace", false)]
    #[case::number("UPLOAD_MAX_BYTES", "10485760", false)]
    #[case::path("IMAGE_STORE_PATH", "/var/lib/images", false)]
    fn a_default_is_judged_by_its_name_and_its_shape(
        #[case] name: &str,
        #[case] default: &str,
        #[case] looks: bool,
    ) {
        assert_eq!(why(name, default).is_some(), looks);
    }
}
