//! The way out of somebody who leaves: access ends at the instant, and within the profile's hours it is proved (O10).
//!
//! Rules:
//! - The clock is the *effective* instant, never the time the news came; both are kept. A case whose news came later
//!   than its whole time is "breached on arrival".
//! - Access ends by judgement of the account's end at decision, session and key use; no job has to run for that. What
//!   a case does is bookkeeping and proof, in short transactions that can be repeated.
//! - `reported → blocked → sessions_ended → grants_revoked → targets → verified → closed`, never backwards. A case
//!   that has not come into effect can be withdrawn, and follows the end that the people file says.
//! - *Verified* means: each permission once held was asked of the decision point and answered no, at a stated
//!   revision, on every living node; and no session is left.
//! - Old access never comes back: somebody who returns starts with nothing.
//!
//! May call every slice below: `reviews`, `provisioning`, `requests`, `signin`, `decision`, `access`, `accounts`.

mod clock;
pub mod http;
pub mod lists;
mod processing;
mod reporting;
mod store;

use serde::Serialize;

pub use processing::{confirm_target, process, run_due};
pub use reporting::{NewLeaver, follow_ends, report, withdraw};

use crate::clock::Timestamp;
use crate::ids::{AccountId, CaseId, TextId};
use crate::text_enum;

text_enum! {
    /// Where a case stands.
    pub enum CaseState {
        /// The end is known; it lies ahead or has just come.
        Reported = "reported",
        /// The account is denied everything.
        Blocked = "blocked",
        /// Its sessions, links and keys are gone.
        SessionsEnded = "sessions_ended",
        /// Its grants are revoked.
        GrantsRevoked = "grants_revoked",
        /// Systems that do not ask here are waited for.
        Targets = "targets",
        /// Everything was asked once more and answered no.
        Verified = "verified",
        /// Done.
        Closed = "closed",
        /// The person stays after all; said before the instant came.
        Withdrawn = "withdrawn",
    }
}

impl CaseState {
    /// Whether nothing more happens in it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Withdrawn)
    }
}

text_enum! {
    /// How the news came.
    pub enum Source {
        /// Somebody reported it.
        Reported = "reported",
        /// The account has an end: from the people file or entered with the person.
        EndDate = "end-date",
    }
}

text_enum! {
    /// What a step does.
    pub enum StepKind {
        /// The account's state.
        Block = "block",
        /// Sessions.
        Sessions = "sessions",
        /// Services that the person owned.
        Services = "services",
        /// Grants.
        Grants = "grants",
        /// One system in which the person held a role.
        Target = "target",
        /// The proof.
        Verification = "verification",
    }
}

text_enum! {
    /// Where a step stands.
    pub enum StepState {
        /// It has not begun.
        Queued = "queued",
        /// It is done here.
        Applied = "applied",
        /// Somebody has to do it by hand and say so.
        Manual = "manual",
        /// It was seen to be so.
        Verified = "verified",
    }
}

/// A case as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Which case.
    pub id: CaseId,
    /// Who leaves.
    pub account: AccountId,
    /// Where it stands.
    pub state: CaseState,
    /// How the news came.
    pub source: Source,
    /// Why, sealed.
    pub reason: Option<TextId>,
    /// Whether nobody but those who handle it sees it before the instant.
    pub confidential: bool,
    /// When access ends: the first instant at which it is over.
    pub effective_at: Timestamp,
    /// When the news came.
    pub known_at: Timestamp,
    /// When everything must be proved.
    pub deadline: Timestamp,
    /// Whether the news came after the deadline.
    pub breached_on_arrival: bool,
    /// Who opened it.
    pub opened_by: String,
    /// When it closed.
    pub closed_at: Option<Timestamp>,
    /// The revision of its last change.
    pub revision: u64,
}

/// One step of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = LeaverStep)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// To what: an application's key for a target, else empty.
    pub target: String,
    /// Where it stands.
    pub state: StepState,
    /// When it got there.
    #[schema(required)]
    pub at: Option<Timestamp>,
    /// The revision after which it holds.
    #[schema(required)]
    pub applied_revision: Option<u64>,
    /// What shows it: counts, permissions with their answers, the id of a sealed proof.
    #[schema(required, value_type = Option<Object>)]
    pub evidence: Option<serde_json::Value>,
}
