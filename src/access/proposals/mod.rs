//! Proposals: a change of catalogues that touches personal data waits for a second person (E6: all access is
//! management's).
//!
//! Rules:
//! - The files of one apply are one unit. Touches any of them what opens personal data, all of them wait together.
//! - A person decides who may write catalogues by a grant, or who owns every application that it changes; never who
//!   proposed it, never who would gain by it while somebody else is left, never a program. It needs a fresh proof.
//! - Where one person alone could decide, their word waits a day for objections ([`crate::exceptions::own`]).
//! - An approval applies the files by every rule as of then. Has the catalogue changed since, it is proposed again.
//! - The host's shell is nobody in particular, so that somebody else decides what it proposed.
//! - One that finds no answer lapses; nothing is deleted. What people typed is kept sealed.

pub mod changes;
mod deciding;
pub mod diff;
pub mod lists;
mod making;
mod waiting;

use serde::{Deserialize, Serialize};

pub use changes::Changes;
pub use deciding::{Deciders, Word, approve, refuse, tend, withdraw};
pub use making::{Brought, bring, tried};
pub use waiting::Waiting;

use super::apply::PolicyFile;
use crate::clock::Timestamp;
use crate::ids::{AccountId, ProposalId, TextId};
use crate::text_enum;

text_enum! {
    /// Where a proposal stands.
    pub enum ProposalState {
        /// It waits for a second person.
        Proposed = "proposed",
        /// It was approved and its files applied.
        Approved = "approved",
        /// It was refused.
        Refused = "refused",
        /// It was taken back.
        Withdrawn = "withdrawn",
        /// It found no answer in its time, or another change overtook it.
        Lapsed = "lapsed",
    }
}

/// A proposal as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Which one.
    pub id: ProposalId,
    /// Where it stands.
    pub state: ProposalState,
    /// The keys of the applications that it changes, `sod.toml` if it changes the exclusions, and
    /// `networks.toml` if it changes the networks.
    pub applications: Vec<String>,
    /// Its files, what they replace and what they would change: [`Content`], sealed.
    pub content: TextId,
    /// The digest of its files.
    pub digest: String,
    /// The digest of the catalogue that it was proposed against.
    pub basis: String,
    /// Who proposed it, as the log names them.
    pub proposed_by: String,
    /// When.
    pub proposed_at: Timestamp,
    /// When it lapses without an answer.
    pub lapses_at: Timestamp,
    /// Who decided it or took it back, and when.
    pub decided: Option<(String, Timestamp)>,
    /// What they said to it, sealed.
    pub note: Option<TextId>,
    /// The revision of its last change.
    pub revision: u64,
}

impl Proposal {
    /// Whether it waits at `now`.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.state == ProposalState::Proposed && now < self.lapses_at
    }

    /// The person or service that proposed it; none for the host's shell.
    pub fn proposer(&self) -> Option<AccountId> {
        AccountId::parse(&self.proposed_by)
    }
}

/// What stands in a proposal, sealed as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The files as they were handed over.
    pub files: Vec<PolicyFile>,
    /// What is in force of the same applications, as files; an application that is new has none.
    pub before: Vec<PolicyFile>,
    /// The files in the form in which what is in force is written, to be held against it.
    pub after: Vec<PolicyFile>,
    /// What they would change.
    pub changes: Changes,
}
