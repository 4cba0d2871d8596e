//! Exceptions: where a rule does not hold for a while, who answers for it, and what is done instead.
//!
//! Rules:
//! - There is one table for the whole product. An exception has an owner, a reason, a compensating control and an end;
//!   it counts once somebody else has approved it, and its end is judged at the instant of each decision.
//! - Approver is never the owner nor who asked, where another person can approve. Where nobody else can decide, the
//!   person decides about themselves ([`own`]): with a fresh proof and a reason, after a day in which anybody of the
//!   organisation may object. Never a silent self-approval, never a dead end.
//! - Nothing is deleted.
//!
//! May call `accounts`, `alarms` and the rooms below all slices.

mod granting;
pub mod http;
mod jobs;
pub mod lists;
pub mod own;
mod store;
mod waiting;

pub use granting::{Ask, approve, ask, end, holds};
pub use jobs::tend;
pub use waiting::Waiting;

use crate::clock::Timestamp;
use crate::ids::{AccountId, ExceptionId, TextId};
use crate::text_enum;

text_enum! {
    /// What an exception is from.
    pub enum ExceptionKind {
        /// An exclusion of `policies/sod.toml`, by its key, for one person.
        Exclusion = "exclusion",
    }
}

text_enum! {
    /// Where an exception stands.
    pub enum ExceptionState {
        /// It waits for somebody's approval, and counts for nothing.
        Proposed = "proposed",
        /// It counts until its end.
        Approved = "approved",
        /// Its time is over.
        Expired = "expired",
        /// Somebody ended it before its time, or did not want it.
        Ended = "ended",
    }
}

/// An exception as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Which one.
    pub id: ExceptionId,
    /// What it is from.
    pub kind: ExceptionKind,
    /// The rule's key.
    pub what: String,
    /// For whom, who also answers for it.
    pub account: AccountId,
    /// Where it stands.
    pub state: ExceptionState,
    /// Why, sealed.
    pub reason: TextId,
    /// What is done instead, sealed.
    pub control: TextId,
    /// Who asked for it, as the log names them.
    pub asked_by: String,
    /// Who approved it, and when.
    pub approved: Option<(String, Timestamp)>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// The first instant at which it counts no more.
    pub ends_at: Timestamp,
    /// Who ended it, and when.
    pub ended: Option<(String, Timestamp)>,
    /// The revision of its last change.
    pub revision: u64,
}

impl Exception {
    /// Whether it counts at `now`.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.state == ExceptionState::Approved && now < self.ends_at
    }
}
