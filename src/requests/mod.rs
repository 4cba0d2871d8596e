//! Requests for access: asked with a reason, approved by those whom the role's catalogue names, kept for ever (E6).
//!
//! Rules:
//! - An access role reaches an account by approval alone: of somebody with authority over it who is neither the
//!   subject, nor the owner of the subject service, nor the asker. Everything else is another way of asking.
//! - Every stage of the role's chain needs one approval; one person who stands in several stages answers for all.
//! - What a grant may not be is refused when it is asked for and again when it is given.
//! - Where nobody else is left, the person decides about themselves: with a fresh proof and a reason, after a day in
//!   which anybody may object.
//! - A duration counts from the approval. A request that finds no answer lapses; nothing is deleted.
//!
//! May call `access`, `exceptions`, `accounts` and the rooms below all slices.

mod answering;
mod asking;
mod chain;
pub mod http;
pub mod lists;
mod store;

use crate::access::scope::Scope;
use crate::clock::Timestamp;
use crate::ids::{AccountId, GrantId, RequestId, TextId};
use crate::text_enum;

pub use answering::{approve, lapse, lapse_all, refuse, take_back, withdraw};
pub use asking::{Ask, Asked, Until, ask, ask_for, give};

text_enum! {
    /// Where a request stands.
    pub enum RequestState {
        /// It waits for an answer.
        Pending = "pending",
        /// It was approved and the role given.
        Approved = "approved",
        /// It was refused.
        Refused = "refused",
        /// It was taken back by who asked, or by who was to get the role.
        Withdrawn = "withdrawn",
        /// It found no answer in its time.
        Lapsed = "lapsed",
    }
}

text_enum! {
    /// By what authority somebody may answer.
    pub enum Authority {
        /// Above the subject.
        Manager = "manager",
        /// Owner of the application.
        Owner = "owner",
        /// Able to administer, where nobody else can be found.
        Fallback = "fallback",
        /// Nobody but the subject, the owner of the subject service, or the administrator who asked can be found.
        Subject = "subject",
    }
}

text_enum! {
    /// An answer to a request.
    pub enum Reply {
        /// Yes.
        Approved = "approved",
        /// No.
        Refused = "refused",
    }
}

/// A request as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which request.
    pub id: RequestId,
    /// Who is to get the role.
    pub account: AccountId,
    /// The role, `application/role`.
    pub role: String,
    /// Who asked: an account, or the house.
    pub asked_by: String,
    /// Where it stands.
    pub state: RequestState,
    /// What the grant is to be limited to.
    pub scope: Option<Scope>,
    /// Why, sealed.
    pub reason: TextId,
    /// How long, counted from the approval, in seconds; or `expires_at`.
    pub duration_seconds: Option<i64>,
    /// From when; from the approval if left out.
    pub valid_from: Option<Timestamp>,
    /// Until when; or `duration_seconds`.
    pub expires_at: Option<Timestamp>,
    /// The chain in words, one entry a stage.
    pub stages: Vec<String>,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it lapses without an answer.
    pub lapses_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// The grant it became.
    pub grant: Option<GrantId>,
    /// The revision of its last change.
    pub revision: u64,
}

/// Somebody who may answer one stage of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// Which stage, from 0.
    pub stage: i32,
    /// Who.
    pub account: AccountId,
    /// By what authority.
    pub authority: Authority,
    /// What they answered.
    pub reply: Option<Reply>,
    /// What they said to it, sealed.
    pub note: Option<TextId>,
    /// When.
    pub answered_at: Option<Timestamp>,
}
