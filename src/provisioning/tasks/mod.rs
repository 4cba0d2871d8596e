//! Tasks by hand: what ended here and has to be taken away in a system that does not ask here.
//!
//! Rules:
//! - A task has one named person: the system's owner, or who stands in; never the one whose access it is.
//! - `open → done` by that person with a proof in words; `done → verified` by a second person who looks, or by the
//!   system's next list, which does not have it any more. Nobody verifies their own work; only people do this work.
//! - A list that still has it opens the task again.
//! - Whoever cannot do it says so, or hands it over, with a reason.
//!
//! The deadline is that of a leaver's way out (`leaver.within`), counted from the end here.

pub mod following;
pub mod lists;
pub mod opening;
pub mod reconciling;
mod working;

pub use working::{complete, hand_over, refuse, reopen, verify};

use crate::clock::Timestamp;
use crate::ids::{AccountId, CampaignId, CaseId, GrantId, HoldingId, TaskId, TextId};
use crate::text_enum;

text_enum! {
    /// Where a task stands.
    pub enum TaskState {
        /// Somebody has to do it.
        Open = "open",
        /// Somebody says that it is done.
        Done = "done",
        /// It was seen to be done.
        Verified = "verified",
        /// There is nothing left to take away.
        Withdrawn = "withdrawn",
    }
}

impl TaskState {
    /// Whether it still waits for somebody.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Open | Self::Done)
    }
}

/// Why there is something to take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A reviewer decided so, or nobody answered.
    Review(CampaignId),
    /// Somebody left.
    Leaver(CaseId),
    /// A grant was revoked or ran out.
    Grant,
    /// It is nobody's.
    Orphan,
}

impl Origin {
    /// The word that the database and callers have for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Review(_) => "review",
            Self::Leaver(_) => "leaver",
            Self::Grant => "grant",
            Self::Orphan => "orphan",
        }
    }

    /// The id of the campaign or case.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Review(id) => Some(id.as_str()),
            Self::Leaver(id) => Some(id.as_str()),
            Self::Grant | Self::Orphan => None,
        }
    }

    pub(in crate::provisioning) fn read(word: &str, id: Option<&str>) -> Option<Self> {
        match (word, id) {
            ("review", Some(id)) => CampaignId::parse(id).map(Self::Review),
            ("leaver", Some(id)) => CaseId::parse(id).map(Self::Leaver),
            ("grant", None) => Some(Self::Grant),
            ("orphan", None) => Some(Self::Orphan),
            _ => None,
        }
    }
}

/// A task as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Which task.
    pub id: TaskId,
    /// The system in which something has to be taken away.
    pub system: String,
    /// What: the role, `system/role`.
    pub role: String,
    /// From whom, if that is known.
    pub account: Option<AccountId>,
    /// The login there, if the system's list named it.
    pub holding: Option<HoldingId>,
    /// The grant that ended.
    pub grant: Option<GrantId>,
    /// Why.
    pub origin: Origin,
    /// Who is to do it.
    pub assignee: AccountId,
    /// Where it stands.
    pub state: TaskState,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Until when it must be done.
    pub due_at: Timestamp,
    /// Why it was handed over, refused or opened again, sealed.
    pub note: Option<TextId>,
    /// How somebody knows that it is done, sealed.
    pub proof: Option<TextId>,
    /// Who said so, and when.
    pub done: Option<(AccountId, Timestamp)>,
    /// Who saw it (an account id, or `list`), when, and at which revision.
    pub verified: Option<(String, Timestamp, u64)>,
    /// The revision of its last change.
    pub revision: u64,
}

impl Task {
    /// Whether its time is over and it is not verified.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.state.is_unfinished() && now >= self.due_at
    }
}
