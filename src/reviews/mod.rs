//! Access reviews: every grant is decided again by somebody who may, each period, and the proof is kept (E8.1, O9).
//!
//! Rules:
//! - A campaign's population is read in one snapshot; it becomes active only when grants − items = 0.
//! - Reviewers are people of the company (E8.3) and never the subject; where nobody else can be found an item is
//!   `conflicted` and its own person may decide with a fresh proof and a reason, after a day in which anybody may
//!   object, printed as an exception.
//! - A draft changes nothing. Signing applies at once what still stands as it was drafted on.
//! - Silence is an answer: at the due date items go to the next authority and drafted revocations suspend; at the
//!   last day what nobody decided is suspended, inside the period (E8.2).
//! - A campaign closes when every revocation is seen to have its effect on every node, and in systems that do not ask
//!   here when its task is verified; what hangs past its deadline is an exception and carried on. Nothing is deleted.
//!
//! May call `provisioning`, `requests`, `access`, `exceptions`, `accounts`, `decision` and the rooms below all slices.

mod advice;
pub mod calendar;
pub mod closing;
pub mod deciding;
pub mod http;
mod ladder;
pub mod lists;
pub mod opening;
pub mod report;
mod reviewers;
mod store;

use serde::{Deserialize, Serialize};

pub use ladder::{open_due, tend};

use crate::access::catalogue::Class;
use crate::access::scope::Scope;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::{AccountId, CampaignId, GrantId, ItemId, TextId};
use crate::text_enum;

text_enum! {
    /// Where a campaign stands.
    pub enum CampaignState {
        /// Its items are being written.
        Opening = "opening",
        /// Reviewers decide.
        Active = "active",
        /// Everything is decided; what was revoked takes effect.
        Remediating = "remediating",
        /// What was revoked is being seen to be gone.
        Verifying = "verifying",
        /// Done.
        Closed = "closed",
        /// Done, with decisions that an auditor wants to look at.
        ClosedWithExceptions = "closed_with_exceptions",
    }
}

impl CampaignState {
    /// Whether nothing can change in it any more.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::ClosedWithExceptions)
    }
}

text_enum! {
    /// How a campaign came about.
    pub enum Origin {
        /// The calendar opened it.
        Cadence = "cadence",
        /// Somebody opened it by hand.
        Hand = "hand",
    }
}

text_enum! {
    /// Where an item stands.
    pub enum ItemState {
        /// Nobody has decided.
        Pending = "pending",
        /// Nobody but the subject can decide.
        Conflicted = "conflicted",
        /// The grant stays.
        Keep = "keep",
        /// The grant stays until a day.
        KeepUntil = "keep_until",
        /// The grant was revoked.
        Revoke = "revoke",
        /// Nobody answered; the grant was suspended.
        NoResponse = "no_response",
        /// The grant ended meanwhile; there was nothing left to decide.
        Superseded = "superseded",
    }
}

impl ItemState {
    /// Whether somebody still has to decide.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Conflicted)
    }
}

text_enum! {
    /// An answer.
    pub enum Decision {
        /// The grant stays as it is.
        Keep = "keep",
        /// The grant stays until a day.
        KeepUntil = "keep_until",
        /// The grant goes.
        Revoke = "revoke",
    }
}

text_enum! {
    /// What the house would do, from what it knows.
    pub enum Recommendation {
        /// It is used, or has just been given.
        Keep = "keep",
        /// It has not been used for long.
        Revoke = "revoke",
        /// Use cannot be seen.
        None = "none",
    }
}

text_enum! {
    /// What is known of a grant's last use: never, unknown and a date are three different things.
    pub enum Used {
        /// It was used; the date stands beside it.
        On = "on",
        /// It was not used since it was given.
        Never = "never",
        /// The system does not ask here, so use cannot be seen.
        Unknown = "unknown",
    }
}

text_enum! {
    /// By what authority a reviewer decides.
    pub enum Authority {
        /// The subject's manager, or one further up.
        Manager = "manager",
        /// The owner of the application.
        Owner = "owner",
        /// A person named to step in: a security officer or administrator.
        Fallback = "fallback",
        /// Nobody but the subject could be found.
        Subject = "subject",
    }
}

/// What a campaign looks at; empty means every grant of every class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CampaignScope {
    /// Only grants in this application.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub app: Option<String>,
    /// Only grants of roles of this class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// Only grants of this role, `application/role`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub role: Option<String>,
    /// Only grants of people of this department. As it is kept, this is the id of the sealed text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub department: Option<String>,
}

/// A campaign as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Which campaign.
    pub id: CampaignId,
    /// Its name, sealed.
    pub name: TextId,
    /// How it came about.
    pub origin: Origin,
    /// The period it stands for, such as "2026-11"; none for one opened by hand.
    pub period: Option<String>,
    /// What it looks at.
    pub scope: CampaignScope,
    /// Where it stands.
    pub state: CampaignState,
    /// The revision at which its population was read.
    pub population_revision: u64,
    /// How many grants were in scope at that revision.
    pub population: u64,
    /// When it opened.
    pub opened_at: Timestamp,
    /// When every reviewer is to have decided.
    pub due_at: Timestamp,
    /// When what nobody decided is suspended.
    pub suspends_at: Timestamp,
    /// When it closed.
    pub closed_at: Option<Timestamp>,
    /// Who opened it: an account id or the house's job.
    pub opened_by: String,
    /// The summary of its report, as it was signed at the close.
    pub report: Option<String>,
    /// The revision of its last change.
    pub revision: u64,
}

/// An item: one grant to be decided by one reviewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Which item.
    pub id: ItemId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// The grant it is about.
    pub grant: GrantId,
    /// Whose grant it is.
    pub account: AccountId,
    /// The role, `application/role`.
    pub role: String,
    /// The application.
    pub application: String,
    /// The class of the role.
    pub class: Class,
    /// Its place in the list: smaller is riskier.
    pub risk: i32,
    /// What the grant is limited to.
    pub scope: Option<Scope>,
    /// Who decides.
    pub reviewer: Option<AccountId>,
    /// By what authority.
    pub authority: Authority,
    /// Where it stands.
    pub state: ItemState,
    /// What the house would do.
    pub recommendation: Recommendation,
    /// What is known of its last use.
    pub used: Used,
    /// When it was used last, if it was.
    pub used_at: Option<Timestamp>,
    /// The grant's revision that the reviewer sees; signing refuses another.
    pub grant_revision: u64,
    /// The answer in pencil.
    pub draft: Option<Draft>,
    /// The answer in ink.
    pub decided: Option<Decided>,
    /// The log's size once the decision was applied.
    pub applied_revision: Option<u64>,
    /// When and at which revision its effect was seen.
    pub verified: Option<(Timestamp, u64)>,
    /// The revision of its last change.
    pub revision: u64,
}

/// An answer in pencil.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The answer.
    pub decision: Decision,
    /// Who drafted it.
    pub by: AccountId,
    /// Why, sealed.
    pub reason: Option<TextId>,
    /// Until when the grant is to stay.
    pub until: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
}

/// An answer in ink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Who decided: an account id, or the house when nobody answered.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, sealed.
    pub reason: Option<TextId>,
    /// Until when the grant stays.
    pub until: Option<Timestamp>,
}

/// Checks a name that a person typed for a campaign.
///
/// # Errors
/// [`Error::Invalid`] unless it has 3 to 120 characters.
pub fn checked_name(name: &str) -> Result<&str> {
    let name = name.trim();
    match name.chars().count() {
        3..=120 => Ok(name),
        _ => Err(Error::field("name", "must have from 3 to 120 characters")),
    }
}
