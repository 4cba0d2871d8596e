//! Who acts: the account, session or key, shell user or job behind a use case. Opaque ids only, never names.
//!
//! Rule: how old a proof may be for what wants a fresh one is said here and nowhere else. May call: `ids`, `clock`,
//! `error`.

use chrono::Duration;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, PROOF_REQUIRED, Result};
use crate::ids::{AccountId, KeyId, SessionId};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "as")]
pub enum Actor {
    /// Somebody who is not signed in (a sign-in attempt, an enrolment link).
    Nobody,
    /// A person in a session.
    Person {
        /// The person's account.
        account: AccountId,
        /// The session it was done in.
        session: SessionId,
    },
    /// A service with its API key.
    Service {
        /// The service's account.
        account: AccountId,
        /// The key it showed.
        key: KeyId,
    },
    /// The operating system's user at the host's shell, by number.
    Shell {
        /// The user id of the process.
        user: u32,
    },
    /// The house itself: a job or a follow-up, by name.
    House {
        /// The job's name, such as "reviews.open".
        job: String,
    },
}

/// The call that is to take effect once (`db::once`): its key, and the attempt that carries it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The keyed hash of account and key.
    pub digest: String,
    /// This attempt.
    pub holder: String,
}

/// For so long a proof of who one is counts as fresh (DESIGN §5).
pub const PROOF: Duration = Duration::minutes(15);

/// Who acts, and how well they have proved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who acts.
    pub actor: Actor,
    /// When the caller last proved who they are with a second factor; `None` for whoever cannot.
    pub proved_at: Option<Timestamp>,
    /// The call's `Idempotency-Key`, if it has one: marked in the transaction of the effect.
    pub once: Option<Once>,
}

impl Caller {
    /// Somebody who is not signed in.
    pub fn nobody() -> Self {
        Self { actor: Actor::Nobody, proved_at: None, once: None }
    }

    /// The house itself, in the job of that name.
    pub fn house(job: &str) -> Self {
        Self { actor: Actor::House { job: job.to_owned() }, ..Self::nobody() }
    }

    /// The user at the host's shell.
    pub fn shell(user: u32) -> Self {
        Self { actor: Actor::Shell { user }, ..Self::nobody() }
    }

    /// The account that acts, if an account does.
    pub fn account(&self) -> Option<&AccountId> {
        match &self.actor {
            Actor::Person { account, .. } | Actor::Service { account, .. } => Some(account),
            Actor::Nobody | Actor::Shell { .. } | Actor::House { .. } => None,
        }
    }

    /// Whether the caller proved with a strong factor who they are, less than a quarter of an hour ago.
    pub fn has_fresh_proof(&self, now: Timestamp) -> bool {
        self.proved_at.is_some_and(|at| now.since(at) < PROOF)
    }

    /// Refuses a caller without a fresh proof.
    ///
    /// # Errors
    /// [`Error::Forbidden`] `proof-required`.
    pub fn check_proof(&self, now: Timestamp) -> Result<()> {
        if self.has_fresh_proof(now) {
            return Ok(());
        }
        let advice = "This needs a proof of who you are that is not older than 15 minutes. Show your passkey, or your \
                      password and a code, at /prove; then do it again.";
        Err(Error::forbidden(PROOF_REQUIRED, advice))
    }

    /// The actor in one word for an event's column: an account id, "shell:1000", "house:reviews.open" or "nobody".
    pub fn label(&self) -> String {
        match &self.actor {
            Actor::Person { account, .. } | Actor::Service { account, .. } => account.to_string(),
            Actor::Shell { user } => format!("shell:{user}"),
            Actor::House { job } => format!("house:{job}"),
            Actor::Nobody => "nobody".to_owned(),
        }
    }
}
