//! Passwords: hashed with Argon2id, a few at a time, for each takes 19 MiB and a whole core.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// More at once would only take each other's core, and the container's memory.
const AT_ONCE: usize = 2;

/// Shortest and longest password, in characters.
pub(crate) const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// Hashes and verifies.
#[derive(Clone)]
pub(crate) struct Passwords {
    seats: Arc<Semaphore>,
    /// The hash of nobody's password, so that an unknown user costs as much time as a known one.
    decoy: Arc<str>,
}

/// The library refused; there is no input that makes it.
#[derive(Debug, thiserror::Error)]
#[error("could not hash a password")]
pub(crate) struct HashError;

impl Passwords {
    pub(crate) fn new() -> Result<Self, HashError> {
        let nobody: [u8; 32] = rand::random();
        Ok(Self {
            seats: Arc::new(Semaphore::new(AT_ONCE)),
            decoy: hash(&nobody)?.into(),
        })
    }

    /// A hash in the PHC form, with parameters and a fresh salt in it.
    pub(crate) async fn hash(&self, password: String) -> Result<String, HashError> {
        self.work(move || hash(password.as_bytes())).await?
    }

    /// Whether the password is the stored hash's. Without a hash it is not, after the same work.
    pub(crate) async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, HashError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.to_string());
        let matches = self.work(move || verify(password.as_bytes(), &stored)).await?;
        Ok(matches && known)
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let seat = Arc::clone(&self.seats)
            .acquire_owned()
            .await
            .map_err(|_| HashError)?;
        // The seat goes with the work: a client that hangs up does not make room for a third.
        tokio::task::spawn_blocking(move || {
            let done = job();
            drop(seat);
            done
        })
        .await
        .map_err(|_| HashError)
    }
}

fn hash(password: &[u8]) -> Result<String, HashError> {
    Ok(Argon2::default()
        .hash_password(password)
        .map_err(|_| HashError)?
        .to_string())
}

fn verify(password: &[u8], stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|stored| Argon2::default().verify_password(password, &stored).is_ok())
}

#[cfg(test)]
mod tests {
    use super::Passwords;

    #[tokio::test]
    async fn password_is_verified_by_its_hash_and_no_other() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("correct horse\0battery".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$") && !stored.contains("horse"));
        assert!(
            passwords
                .verify("correct horse\0battery".into(), Some(stored.clone()))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify("correct horse".into(), Some(stored))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn unknown_user_never_matches() {
        let passwords = Passwords::new().unwrap();
        assert!(!passwords.verify("whatever".into(), None).await.unwrap());
        assert!(
            !passwords
                .verify("whatever".into(), Some("not a hash".into()))
                .await
                .unwrap()
        );
    }
}
