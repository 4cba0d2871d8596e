//! What a change would bring about: it is made, looked at and undone.
//!
//! Rules: the change is the use case itself, so that what is foreseen is what happens; nothing of it stays, no event
//! and no row; who has to approve it is not asked here. Calls `access`, `live`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::live::policy_rows;
use super::{Differences, Live, Snapshot};
use crate::access::apply::{self, Applied, PolicyFile};
use crate::access::grants::{self, NewGrant, Source};
use crate::access::scope::Scope;
use crate::app::App;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId};

/// The most grants that one simulation may give or revoke.
pub const MAX_GRANTS: usize = 100;
/// What stands in place of a reason that nobody has given yet.
const REASON: &str = "simulation";

/// A role that would be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SimulatedGrant)]
pub struct Given {
    /// To whom.
    pub account: AccountId,
    /// `app/role`.
    #[schema(max_length = 200)]
    pub role: String,
    /// What it would be limited to.
    #[serde(default)]
    #[schema(value_type = Option<Object>, required = false)]
    pub scope: Option<Scope>,
    /// From when; now if left out.
    #[serde(default)]
    #[schema(required = false)]
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What would be done, in this order: catalogues applied, grants revoked, roles given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Catalogues, as `apply` takes them.
    pub files: Vec<PolicyFile>,
    /// Grants that would be revoked.
    pub revoked: Vec<GrantId>,
    /// Roles that would be given.
    pub given: Vec<Given>,
}

/// The states before and after, and what applying the catalogues would do.
pub struct Foreseen {
    /// What would become of each application.
    pub applied: Applied,
    before: Snapshot,
    after: Snapshot,
    now: Timestamp,
}

impl Foreseen {
    /// Who would gain and who would lose what: about `limit` entries, from behind the account `behind`.
    pub fn differences(&self, behind: Option<&AccountId>, limit: usize) -> Differences {
        self.before.differences(&self.after, self.now, behind, limit)
    }

    /// The number of the last change before the one that is tried.
    pub fn revision(&self) -> u64 {
        self.before.revision()
    }
}

/// Tries a change and undoes it.
///
/// # Errors
/// Whatever keeps the change from being made, but for a second person's missing word; [`Error::Invalid`] if nothing
/// or too much is wanted.
pub fn foresee(app: &App, caller: &Caller, wanted: &Wanted) -> Result<Foreseen> {
    if wanted.given.len() + wanted.revoked.len() > MAX_GRANTS {
        return Err(Error::field("given", format!("at most {MAX_GRANTS} grants can be tried at once")));
    }
    if *wanted == Wanted::default() {
        return Err(Error::field("files", "name catalogues, grants or both that are to be tried"));
    }
    Ok(app.write_now(caller, |tx| tried(tx, app.live_decisions(), wanted))?.value)
}

fn tried(tx: &mut Tx<'_>, live: &Live, wanted: &Wanted) -> Result<Foreseen> {
    let before = live.as_of(tx)?;
    let mut found = None;
    let undone = tx.savepoint(|tx| -> Result<()> {
        let applied = make(tx, wanted)?;
        if !wanted.files.is_empty() {
            let compiled = Snapshot::default().with_policy(&policy_rows(tx)?);
            compiled.map(drop).or_else(|refused| apply::refused(refused.0))?;
        }
        let changes: Vec<_> = tx.pending.iter().map(|pending| pending.change.clone()).collect();
        let after = live.foresee(before.clone(), tx, &changes)?;
        found = Some((applied, after));
        // Nothing went wrong; an error is how a savepoint is told to undo.
        Err(Error::Stale)
    });
    match (found, undone) {
        (Some((applied, after)), _) => Ok(Foreseen { applied, before, after, now: tx.now }),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(Error::internal("trying a change", "no outcome")),
    }
}

fn make(tx: &mut Tx<'_>, wanted: &Wanted) -> Result<Applied> {
    let applied = match wanted.files.as_slice() {
        [] => Applied::default(),
        files => apply::apply_as_if_approved(tx, files)?,
    };
    for id in &wanted.revoked {
        grants::revoke(tx, id, REASON, None)?;
    }
    for given in &wanted.given {
        let Given { account, role, scope, valid_from, expires_at } = given.clone();
        let grant = NewGrant {
            account,
            role,
            scope,
            reason: REASON.to_owned(),
            source: Source::Direct,
            approvers: Vec::new(),
            request: None,
            valid_from,
            expires_at: Some(expires_at),
        };
        grants::grant(tx, &grant)?;
    }
    Ok(applied)
}
