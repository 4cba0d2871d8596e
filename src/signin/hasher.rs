//! Password hashing (argon2id) on threads of its own: below other work in priority, memory allocated once, a bounded
//! queue and a refusal beyond it.
//!
//! Rules: nobody hashes without a [`Slot`] or a place in the queue; a parallel guesser therefore costs its turn, not
//! the house. Secrets are wiped when they go out of scope and have no `Debug`. May call: `config`, `entropy`.

mod phc;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Version};
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use zeroize::Zeroizing;

use phc::{Cost, OUTPUT, Stored};

use crate::config::Hash as Settings;
use crate::entropy::{Entropy, random};
use crate::error::{Error, Result};

/// How far below other work hashing stands; other requests then keep their pace while every core hashes.
const NICENESS: i32 = 10;
/// Turns at once for each thread: one is hashed while the next asks the database for its reservation.
const TURNS_PER_THREAD: usize = 2;
/// How long a turn may be waited for.
const PATIENCE: Duration = Duration::from_secs(5);
const BUSY: Error = Error::Unavailable("sign-in is busy", 2);
const SALT: usize = 16;

/// Something typed that nobody may read again: a password or a code. Wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the one who has to look at it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl utoipa::PartialSchema for Secret {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("A secret: it is never stored as it is and never comes back."))
            .max_length(Some(256))
            .into()
    }
}

impl utoipa::ToSchema for Secret {}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// What comparing a secret with a stored hash showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the one. `outdated` says that the hash was made more cheaply than is asked for today.
    Match {
        /// Whether the hash should be made anew while the secret is at hand.
        outdated: bool,
    },
    /// It is another.
    Mismatch,
}

impl Verdict {
    /// Whether the secret was the one.
    pub fn is_match(self) -> bool {
        matches!(self, Self::Match { .. })
    }
}

/// One piece of work for a hashing thread: a secret and everything that is hashed with it.
struct Work {
    secret: Secret,
    cost: Cost,
    salt: Vec<u8>,
    answer: oneshot::Sender<Result<[u8; OUTPUT]>>,
}

/// The hashing threads; cloning shares them. They end when the last handle goes.
#[derive(Clone)]
pub struct Hashers(Arc<Inner>);

struct Inner {
    work: SyncSender<Work>,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    cost: Cost,
    entropy: Arc<dyn Entropy>,
    decoy: String,
    hashed: AtomicU64,
}

impl Hashers {
    /// Starts the threads and gives each its memory.
    ///
    /// # Errors
    /// [`Error::Invalid`] for costs that argon2 refuses; [`Error::Internal`] if a thread cannot be started.
    pub fn start(settings: &Settings, entropy: Arc<dyn Entropy>) -> Result<Self> {
        let cost =
            Cost { memory_kib: settings.memory_kib, passes: settings.passes, lanes: settings.lanes.max(1) };
        let blocks = cost.params()?.block_count();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = if settings.threads == 0 { cores } else { settings.threads };
        let turns = threads * TURNS_PER_THREAD;
        let (work, queue) = sync_channel(turns + settings.queue);
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..threads {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new()
                .name(format!("hasher-{number}"))
                .spawn(move || work_through(&queue, blocks))
                .map_err(|cause| Error::internal("starting a hashing thread", cause))?;
        }
        // What names without a password are compared with: made like every other hash, of a secret nobody knows.
        let decoy = Stored {
            cost,
            salt: random::<SALT>(entropy.as_ref()).to_vec(),
            output: random::<OUTPUT>(entropy.as_ref()).to_vec(),
        };
        Ok(Self(Arc::new(Inner {
            work,
            turns: Arc::new(Semaphore::new(turns)),
            waiting: AtomicUsize::new(0),
            queue: settings.queue,
            cost,
            entropy,
            decoy: decoy.text(),
            hashed: AtomicU64::new(0),
        })))
    }

    /// Waits for a turn, in order of arrival.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if too many wait already, or none came free in five seconds.
    pub async fn slot(&self) -> Result<Slot> {
        if let Ok(turn) = Arc::clone(&self.0.turns).try_acquire_owned() {
            return Ok(Slot { hashers: self.clone(), _turn: turn });
        }
        let _place = Waiting::join(&self.0)?;
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.0.turns).acquire_owned()).await {
            Ok(Ok(turn)) => Ok(Slot { hashers: self.clone(), _turn: turn }),
            _ => Err(BUSY),
        }
    }

    /// The hash of a secret under today's cost and a new salt, in the PHC form.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no turn was to be had.
    pub async fn hash(&self, secret: &Secret) -> Result<String> {
        let _slot = self.slot().await?;
        let salt = random::<SALT>(self.0.entropy.as_ref()).to_vec();
        let output = self.send(secret, self.0.cost, salt.clone())?.await.map_err(gone)??;
        Ok(Stored { cost: self.0.cost, salt, output: output.to_vec() }.text())
    }

    /// Compares a secret with a hash.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if no turn was to be had; [`Error::Internal`] for a damaged hash.
    pub async fn verify(&self, secret: &Secret, phc: &str) -> Result<Verdict> {
        let _slot = self.slot().await?;
        let stored = Stored::parse(phc)?;
        let output = self.send(secret, stored.cost, stored.salt.clone())?.await.map_err(gone)??;
        Ok(self.verdict(&stored, &output))
    }

    /// The hash of a secret, on this blocking thread: for the command line.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the queue is full.
    pub fn hash_now(&self, secret: &Secret) -> Result<String> {
        let salt = random::<SALT>(self.0.entropy.as_ref()).to_vec();
        let output = self.send(secret, self.0.cost, salt.clone())?.blocking_recv().map_err(gone)??;
        Ok(Stored { cost: self.0.cost, salt, output: output.to_vec() }.text())
    }

    /// Compares a secret with a hash, on this blocking thread.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the queue is full; [`Error::Internal`] for a damaged hash.
    pub fn verify_now(&self, secret: &Secret, phc: &str) -> Result<Verdict> {
        let stored = Stored::parse(phc)?;
        let output = self.send(secret, stored.cost, stored.salt.clone())?.blocking_recv().map_err(gone)??;
        Ok(self.verdict(&stored, &output))
    }

    /// A hash that no secret matches, to be compared with where there is none: it costs what a real one costs.
    pub fn decoy(&self) -> &str {
        &self.0.decoy
    }

    /// How many hashes were computed since the start.
    pub fn hashed(&self) -> u64 {
        self.0.hashed.load(Ordering::Relaxed)
    }

    fn send(
        &self,
        secret: &Secret,
        cost: Cost,
        salt: Vec<u8>,
    ) -> Result<oneshot::Receiver<Result<[u8; OUTPUT]>>> {
        let (answer, answered) = oneshot::channel();
        let work = Work { secret: secret.clone(), cost, salt, answer };
        self.0.work.try_send(work).map_err(|_| BUSY)?;
        self.0.hashed.fetch_add(1, Ordering::Relaxed);
        Ok(answered)
    }

    fn verdict(&self, stored: &Stored, output: &[u8; OUTPUT]) -> Verdict {
        if bool::from(stored.output.as_slice().ct_eq(output)) {
            let (was, is) = (stored.cost, self.0.cost);
            let outdated = was.memory_kib < is.memory_kib || was.passes < is.passes || was.lanes != is.lanes;
            Verdict::Match { outdated }
        } else {
            Verdict::Mismatch
        }
    }
}

/// One's turn at the hashing threads; whoever holds it may hash at once.
pub struct Slot {
    hashers: Hashers,
    _turn: OwnedSemaphorePermit,
}

impl Slot {
    /// Compares a secret with a hash, or with the decoy if there is none, on this blocking thread.
    ///
    /// # Errors
    /// [`Error::Internal`] for a damaged hash.
    pub fn verify_now(&self, secret: &Secret, phc: Option<&str>) -> Result<Verdict> {
        self.hashers.verify_now(secret, phc.unwrap_or_else(|| self.hashers.decoy()))
    }

    /// The hash of a secret, on this blocking thread.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the threads are gone.
    pub fn hash_now(&self, secret: &Secret) -> Result<String> {
        self.hashers.hash_now(secret)
    }
}

/// A place in the queue for a turn; given back when whoever waits has its turn or has gone.
struct Waiting<'a>(&'a Inner);

impl<'a> Waiting<'a> {
    fn join(inner: &'a Inner) -> Result<Self> {
        let place = inner.waiting.fetch_add(1, Ordering::AcqRel);
        let waiting = Self(inner);
        if place < inner.queue { Ok(waiting) } else { Err(BUSY) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

fn gone(_: oneshot::error::RecvError) -> Error {
    Error::internal("hashing", "a hashing thread has ended")
}

/// What a hashing thread does until the last handle is gone.
fn work_through(queue: &Mutex<Receiver<Work>>, blocks: usize) {
    // On Linux niceness belongs to the thread.
    if let Err(cause) = rustix::process::nice(NICENESS) {
        tracing::warn!(%cause, "a hashing thread keeps the priority of other work");
    }
    let mut memory = vec![Block::new(); blocks];
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        if work.answer.is_closed() {
            continue;
        }
        let output = hash(&work, &mut memory);
        // Whoever asked may have gone; then nobody wants the answer.
        let _ = work.answer.send(output);
    }
}

fn hash(work: &Work, memory: &mut Vec<Block>) -> Result<[u8; OUTPUT]> {
    let params = work.cost.params()?;
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    let mut output = [0; OUTPUT];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            work.secret.expose().as_bytes(),
            &work.salt,
            &mut output,
            &mut memory[..blocks],
        )
        .map_err(|cause| Error::internal("hashing", cause))?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    fn cheap(memory_kib: u32, threads: usize, queue: usize) -> Hashers {
        let settings = Settings { memory_kib, passes: 1, lanes: 1, threads, queue };
        Hashers::start(&settings, Arc::new(OsEntropy)).unwrap()
    }

    #[test]
    fn a_secret_matches_its_own_hash_only() {
        let hashers = cheap(8, 1, 4);
        let phc = hashers.hash_now(&Secret::new("one")).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{phc}");
        assert_eq!(
            hashers.verify_now(&Secret::new("one"), &phc).unwrap(),
            Verdict::Match { outdated: false }
        );
        assert_eq!(hashers.verify_now(&Secret::new("two"), &phc).unwrap(), Verdict::Mismatch);
        assert_ne!(phc, hashers.hash_now(&Secret::new("one")).unwrap(), "each hash has its own salt");
        assert!(!hashers.verify_now(&Secret::new("one"), hashers.decoy()).unwrap().is_match());
    }

    #[test]
    fn a_hash_of_the_reference_implementation_is_understood() {
        // Argon2's own test vectors: argon2id, v=19, m=256, t=2, p=1, "password", "somesalt".
        let phc = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let hashers = cheap(256, 1, 4);
        assert!(hashers.verify_now(&Secret::new("password"), phc).unwrap().is_match());
        assert!(!hashers.verify_now(&Secret::new("passwore"), phc).unwrap().is_match());
    }

    #[test]
    fn a_hash_made_more_cheaply_is_outdated_and_still_matches() {
        let phc = cheap(8, 1, 4).hash_now(&Secret::new("one")).unwrap();
        let dearer = cheap(16, 1, 4);
        assert_eq!(dearer.verify_now(&Secret::new("one"), &phc).unwrap(), Verdict::Match { outdated: true });
        let dear = dearer.hash_now(&Secret::new("one")).unwrap();
        assert_eq!(
            cheap(8, 1, 4).verify_now(&Secret::new("one"), &dear).unwrap(),
            Verdict::Match { outdated: false }
        );
    }

    #[test]
    fn damaged_hashes_are_faults_and_not_mismatches() {
        let hashers = cheap(8, 1, 4);
        for phc in ["", "$argon2id$v=19$m=8,t=1$YWJjZGVmZ2g$", "$argon2i$v=19$m=8,t=1,p=1$YWJj$YWJj", "plain"]
        {
            assert!(matches!(hashers.verify_now(&Secret::new("x"), phc), Err(Error::Internal(_))), "{phc}");
        }
    }

    #[tokio::test]
    async fn beyond_the_queue_it_is_busy_and_a_turn_given_back_is_taken() {
        let hashers = cheap(8, 1, 1);
        let first = hashers.slot().await.unwrap();
        let _second = hashers.slot().await.unwrap();
        let waits = hashers.slot();
        tokio::pin!(waits);
        let pending =
            std::future::poll_fn(|context| std::task::Poll::Ready(waits.as_mut().poll(context).is_pending()));
        assert!(pending.await, "the third waits");
        assert!(matches!(hashers.slot().await, Err(Error::Unavailable("sign-in is busy", 2))));
        drop(first);
        assert!(waits.await.is_ok());
        assert_eq!(hashers.0.waiting.load(Ordering::Relaxed), 0);
        assert_eq!(hashers.hashed(), 0);
    }
}
