//! How passwords are stored, as the database says.

use sqlx::Row;

use super::stage::{Stage, need};
use crate::{
    engine::innermost,
    observation::{Seen, StoredHash},
    probe::person::Person,
};

/// Reads the hashes of two people with one password. Salts and hashes stay here.
pub(super) async fn observe(stage: &Stage<'_>) -> Seen<Vec<StoredHash>> {
    let client = stage.client(19).await?;
    let names = ["paul", "pia"];
    for name in names {
        // Signed up is enough: nobody need come in by that password for it to be stored.
        let person = Person::new(&client, &stage.email(name), stage.password());
        need(&person.sign_up("password").await, 201)?;
    }
    let told = |error: sqlx::Error| format!("reading the stored passwords: {}", innermost(&error));
    let mut database = stage.running.database().await?;
    let mut stored: Vec<String> = Vec::new();
    for name in names {
        let query = sqlx::query("SELECT password_hash FROM users WHERE email = $1").bind(stage.email(name));
        stored.push(
            query.fetch_one(&mut database).await.map_err(told)?.try_get("password_hash").map_err(told)?,
        );
    }
    Ok(stored
        .iter()
        .map(|hash| read(hash, stage.password(), stored.iter().filter(|other| *other == hash).count() > 1))
        .collect())
}

/// The parts of a hash in the PHC form that are no secret: all but the last two, salt and hash.
fn read(hash: &str, password: &str, shared: bool) -> StoredHash {
    let parts: Vec<&str> = hash.trim_start_matches('$').split('$').collect();
    let open = if hash.starts_with('$') { parts.len().saturating_sub(2) } else { 0 };
    let parts = match open {
        0 => vec!["something that does not say what it is".to_owned()],
        open => parts[..open].iter().map(|part| (*part).to_owned()).collect(),
    };
    StoredHash { parts, holds_password: hash.contains(password), shared }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_salt_nor_hash_is_kept() {
        let seen = read("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "secret", false);
        assert_eq!(seen.parts, ["argon2id", "v=19", "m=19456,t=2,p=1"]);
        assert!(!seen.holds_password);
        let plain = read("secret", "secret", true);
        assert!(plain.holds_password && plain.shared && !plain.parts.join("").contains("secret"));
    }
}
