//! Grants: a role given to an account, with reason, source, approvers, scope, beginning and end.
//!
//! Rules: every grant ends, and its end is judged at decision time; a grant that is over never comes back. Giving
//! stands in `giving`, ending and keeping in `ending`; both are offered here. Calls `scope`, `store`.

use super::catalogue::Allow;
pub use super::ending::{expire, keep, resume, revoke, revoke_role, suspend};
pub use super::giving::{Fit, MAX_REASON, MIN_REASON, NewGrant, checked_reason, fits, grant};
use super::lint::OWN_APPLICATION;
use super::own::Reach;
use super::roles;
use super::scope::Scope;
use super::store::grants as store;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId, RequestId, TextId};
use crate::log::event::Row;

crate::text_enum! {
    /// Where a grant stands. A grant whose end has passed counts no more, whatever stands here.
    pub enum GrantState {
        /// It counts within its bounds.
        Active = "active",
        /// It rests until somebody decides.
        Suspended = "suspended",
        /// It was ended before its time.
        Revoked = "revoked",
        /// It ran out, and was tidied away.
        Expired = "expired",
    }
}

crate::text_enum! {
    /// How a grant came about.
    pub enum Source {
        /// Given by somebody who may give it.
        Direct = "direct",
        /// Asked for and approved.
        Request = "request",
        /// Given with an invitation.
        Invitation = "invitation",
        /// Made at the first run.
        FirstRun = "first_run",
        /// Made together with an API key.
        Key = "key",
        /// Given on the host, when nobody could administer any more.
        Recovery = "recovery",
        /// Found in another system.
        Imported = "imported",
        /// Brought by a group at an identity provider, and gone with it.
        Upstream = "upstream",
    }
}

/// A grant as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Which grant.
    pub id: GrantId,
    /// Whose.
    pub account: AccountId,
    /// The role, `application/role`.
    pub role: String,
    /// Where it stands.
    pub state: GrantState,
    /// What it is limited to.
    pub scope: Option<Scope>,
    /// Why, sealed.
    pub reason: Option<TextId>,
    /// How it came about.
    pub source: Source,
    /// Who said yes.
    pub approvers: Vec<AccountId>,
    /// The request it came from.
    pub request: Option<RequestId>,
    /// The first instant at which it counts.
    pub valid_from: Timestamp,
    /// The first instant at which it counts no more.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody last decided that it stays.
    pub confirmed_at: Timestamp,
    /// When it ended before its time or was tidied away.
    pub ended_at: Option<Timestamp>,
    /// The revision of its last change.
    pub revision: u64,
}

impl Grant {
    /// The digest of everything about it that decides.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written as JSON.
    pub fn governed(&self) -> Result<Row> {
        let whose = (&self.account, &self.role, self.state, &self.scope);
        let why = (self.source, &self.approvers, &self.request);
        let bounds = (self.valid_from, self.expires_at, self.confirmed_at);
        Row::of("grants", self.id.as_str(), &(whose, why, bounds))
    }

    /// Whether it still is one at `now`: neither ended nor past its end. It may rest or lie ahead.
    pub fn lives(&self, now: Timestamp) -> bool {
        matches!(self.state, GrantState::Active | GrantState::Suspended)
            && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The grant of that id.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub fn find(reader: &mut Reader<'_>, id: &GrantId) -> Result<Grant> {
    store::find(reader, id)?.ok_or(Error::NotFound("grant"))
}

/// The living grants of an account: neither ended nor past their end, those that rest or lie ahead included.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn living(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Grant>> {
    let now = reader.now;
    let mut grants = store::open_of(reader, account)?;
    grants.retain(|grant| grant.lives(now));
    Ok(grants)
}

/// Every grant of an account that is not ended, those that ran out and were not tidied away yet included: what a
/// leaver's case has to revoke.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn of_account(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Grant>> {
    store::open_of(reader, account)
}

/// What a list of grants may be narrowed by.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this account.
    pub account: Option<AccountId>,
    /// Only of this role, `application/role`.
    pub role: Option<String>,
    /// Only of this application.
    pub app: Option<String>,
    /// Only in this state; those not ended if left out.
    pub state: Option<GrantState>,
    /// Only within this reach.
    pub reach: Option<Reach>,
}

/// Grants in order of their ids, after `after`, at most `limit`.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn list(reader: &mut Reader<'_>, filter: &Filter, after: Option<&str>, limit: i64) -> Result<Vec<Grant>> {
    store::list(reader, filter, after, limit)
}

/// Whether an API key that may ask for decisions was ever used.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn used_by_a_key(reader: &mut Reader<'_>) -> Result<bool> {
    for role in store::used_private_roles(reader, OWN_APPLICATION)? {
        let allows = roles::role(reader, &role)?.specification.allows;
        let asks =
            |allow: &Allow| allow.feature == "evaluation" && allow.actions.iter().any(|one| one == "ask");
        if allows.iter().any(asks) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many grants are not ended: of an application, of a role, or all.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn count(reader: &mut Reader<'_>, application: Option<&str>, role: Option<&str>) -> Result<u64> {
    store::count(reader, application, role)
}

/// The digests of grants after `after` by id, for the log's replay.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn governed(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Row>> {
    store::all_after(reader, after, limit)?.iter().map(Grant::governed).collect()
}
