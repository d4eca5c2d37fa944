//! Passwords: hashed with Argon2id, on threads of their own, for each hash takes 19 MiB and a whole core.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{self, PasswordVerifier};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;

/// More at once would only take each other's core, and the container's memory.
const THREADS: usize = 2;

/// Shortest and longest password, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// A password that somebody may choose.
pub(crate) fn acceptable(password: String) -> Result<String, &'static str> {
    let long_enough = LENGTH.contains(&password.chars().count());
    long_enough.then_some(password).ok_or("must be 8 to 128 characters long")
}

/// A password that may be right: a longer one is nobody's.
pub(crate) fn not_too_long(password: String) -> Result<String, &'static str> {
    let short_enough = password.chars().count() <= *LENGTH.end();
    short_enough.then_some(password).ok_or("must be at most 128 characters long")
}

type Job = Box<dyn FnOnce(&mut Hasher) + Send>;

/// Hashes and verifies. The threads end with the last clone.
#[derive(Clone)]
pub(crate) struct Passwords {
    jobs: mpsc::Sender<Job>,
    /// The hash of nobody's password, so that an unknown user costs as much time as a known one.
    decoy: Arc<str>,
}

/// The library or the system refused; there is no input that makes it.
#[derive(Debug, thiserror::Error)]
#[error("could not hash a password")]
pub(crate) struct HashError;

impl Passwords {
    pub(crate) fn new() -> Result<Self, HashError> {
        let nobody: [u8; 32] = rand::random();
        Ok(Self { jobs: start_threads().map_err(|_| HashError)?, decoy: Hasher::new().hash(&nobody)?.into() })
    }

    /// A hash in the PHC form, with parameters and a fresh salt in it.
    pub(crate) async fn hash(&self, password: String) -> Result<String, HashError> {
        self.work(move |hasher| hasher.hash(password.as_bytes())).await?
    }

    /// Whether the password is the stored hash's. Without a hash it is not, after the same work.
    pub(crate) async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, HashError> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.to_string());
        let matches = self.work(move |hasher| hasher.verify(password.as_bytes(), &stored)).await?;
        Ok(matches && known)
    }

    async fn work<T: Send + 'static>(
        &self,
        compute: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move |hasher: &mut Hasher| {
            // A client that hung up while it waited needs no answer.
            if !answer.is_closed() {
                let _ = answer.send(compute(hasher));
            }
        });
        self.jobs.send(job).map_err(|_| HashError)?;
        answered.await.map_err(|_| HashError)
    }
}

fn start_threads() -> std::io::Result<mpsc::Sender<Job>> {
    let (sender, receiver) = mpsc::channel::<Job>();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..THREADS {
        let receiver = Arc::clone(&receiver);
        std::thread::Builder::new().name("password".into()).spawn(move || {
            let mut hasher = Hasher::new();
            loop {
                let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(job) = next else { return };
                // The panic hook logs it, and whoever waits gets an error; the thread stays for the next.
                let _ = catch_unwind(AssertUnwindSafe(|| job(&mut hasher)));
            }
        })?;
    }
    Ok(sender)
}

/// Argon2id with the library's parameters, and the memory it works in, allocated once: taken anew for each hash,
/// pieces of that size end up as holes that the allocator neither uses again nor gives back.
struct Hasher {
    argon2: Argon2<'static>,
    memory: Vec<Block>,
}

impl Hasher {
    fn new() -> Self {
        let argon2 = Argon2::default();
        Self { memory: vec![Block::new(); argon2.params().block_count()], argon2 }
    }

    fn hash(&mut self, password: &[u8]) -> Result<String, HashError> {
        self.hash_salted(password, &rand::random::<[u8; 16]>())
            .map(|hash| hash.to_string())
            .map_err(|_| HashError)
    }

    fn verify(&mut self, password: &[u8], stored: &str) -> bool {
        let Ok(stored) = PasswordHash::new(stored) else {
            return false;
        };
        let Some(salt) = &stored.salt else { return false };
        match self.hash_salted(password, salt.as_ref()) {
            // The outputs are compared in constant time.
            Ok(computed) if computed.params == stored.params && computed.version == stored.version => {
                computed.algorithm == stored.algorithm && computed.hash == stored.hash
            }
            // From a time with other parameters.
            _ => self.argon2.verify_password(password, &stored).is_ok(),
        }
    }

    fn hash_salted(&mut self, password: &[u8], salt: &[u8]) -> password_hash::Result<PasswordHash> {
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        self.argon2.hash_password_into_with_memory(password, salt, &mut output, &mut self.memory)?;
        Ok(PasswordHash {
            algorithm: Algorithm::default().ident(),
            version: Some(Version::default().into()),
            params: ParamsString::try_from(self.argon2.params())?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&output)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher, PasswordVerifier};
    use argon2::{Argon2, Params};

    use super::{Hasher, Passwords, THREADS};

    #[tokio::test]
    async fn password_is_verified_by_its_hash_and_no_other() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("correct horse\0battery".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$") && !stored.contains("horse"));
        assert!(passwords.verify("correct horse\0battery".into(), Some(stored.clone())).await.unwrap());
        assert!(!passwords.verify("correct horse".into(), Some(stored)).await.unwrap());
    }

    #[test]
    fn hash_is_the_one_that_the_library_makes() {
        let ours = Hasher::new().hash(b"correct horse").unwrap();
        let theirs = Argon2::default().hash_password(b"correct horse").unwrap().to_string();
        assert!(Hasher::new().verify(b"correct horse", &theirs));
        assert!(Argon2::default().verify_password(b"correct horse", ours.as_str()).is_ok());
        assert!(!Hasher::new().verify(b"wrong horse", &theirs));
    }

    #[test]
    fn hash_with_other_parameters_still_verifies() {
        let other = Argon2::from(Params::new(64, 1, 1, None).unwrap());
        let stored = other.hash_password(b"correct horse").unwrap().to_string();
        assert!(Hasher::new().verify(b"correct horse", &stored));
        assert!(!Hasher::new().verify(b"wrong horse", &stored));
    }

    #[tokio::test]
    async fn panic_costs_an_answer_and_not_a_thread() {
        let passwords = Passwords::new().unwrap();
        for _ in 0..2 * THREADS {
            let answer: Result<(), _> = passwords.work(|_| panic!("in a test")).await;
            assert!(answer.is_err());
        }
        assert!(passwords.hash("correct horse".into()).await.is_ok());
    }

    #[tokio::test]
    async fn unknown_user_never_matches() {
        let passwords = Passwords::new().unwrap();
        assert!(!passwords.verify("whatever".into(), None).await.unwrap());
        assert!(!passwords.verify("whatever".into(), Some("not a hash".into())).await.unwrap());
    }
}
