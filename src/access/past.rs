//! Applications, roles and grants as they stood in the past, read back from their histories.
//!
//! Rules: what is read back is what was digested, in its order (see `governed` of each). Calls `log::history`.

use super::catalogue::{Application, Class, Role};
use super::grants::{GrantState, Source};
use super::scope::Scope;
use super::store::grants as store;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::{AccountId, GrantId, RequestId};
use crate::log::history;

/// How many rows are read at a time.
const PAGE: i64 = 1_000;

/// A grant as it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastGrant {
    /// Which grant.
    pub id: GrantId,
    /// Whose.
    pub account: AccountId,
    /// The role, `application/role`.
    pub role: String,
    /// Where it stood.
    pub state: GrantState,
    /// What it was limited to.
    pub scope: Option<Scope>,
    /// How it had come about.
    pub source: Source,
    /// Who had said yes.
    pub approvers: Vec<AccountId>,
    /// The request it came from.
    pub request: Option<RequestId>,
    /// The first instant at which it counted.
    pub valid_from: Timestamp,
    /// The first instant at which it counted no more.
    pub expires_at: Option<Timestamp>,
}

type WhoseGrant = (AccountId, String, GrantState, Option<Scope>);
type WhyGrant = (Source, Vec<AccountId>, Option<RequestId>);
type GrantBounds = (Timestamp, Option<Timestamp>, Timestamp);

/// The grants of these accounts as event `number` or an earlier one left them, those that were over included.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database, or a row that cannot be read back.
pub fn grants_of(reader: &mut Reader<'_>, number: u64, accounts: &[AccountId]) -> Result<Vec<PastGrant>> {
    let ids = store::ids_of_accounts(reader, accounts)?;
    grants(reader, number, &ids)
}

/// These grants as event `number` or an earlier one left them.
///
/// # Errors
/// As [`grants_of`].
pub fn grants(reader: &mut Reader<'_>, number: u64, ids: &[String]) -> Result<Vec<PastGrant>> {
    let mut found = Vec::new();
    for past in history::of_rows(reader, "grants", number, ids)? {
        let Some(id) = GrantId::parse(&past.row_id) else { continue };
        let (whose, why, bounds): (WhoseGrant, WhyGrant, GrantBounds) = past.read()?;
        let (account, role, state, scope) = whose;
        let (source, approvers, request) = why;
        let (valid_from, expires_at, _) = bounds;
        found.push(PastGrant {
            id,
            account,
            role,
            state,
            scope,
            source,
            approvers,
            request,
            valid_from,
            expires_at,
        });
    }
    Ok(found)
}

/// Applications, each with its owner.
pub type OwnedApplications = Vec<(Application, Option<AccountId>)>;
/// Roles, each with the key of its application.
pub type RolesByApplication = Vec<(String, Role)>;

/// The applications in force after event `number`, with their owners, and the roles in force, each with the key of its
/// application.
///
/// # Errors
/// As [`grants_of`].
pub fn catalogue(reader: &mut Reader<'_>, number: u64) -> Result<(OwnedApplications, RolesByApplication)> {
    let mut applications = Vec::new();
    each(reader, "applications", number, |_, past| {
        let (owner, application, retired): (Option<AccountId>, Application, bool) = past.read()?;
        if !retired {
            applications.push((application, owner));
        }
        Ok(())
    })?;
    let mut roles = Vec::new();
    each(reader, "roles", number, |id, past| {
        let (_, _, _, role, retired): (Class, bool, Option<AccountId>, Role, bool) = past.read()?;
        if let Some((application, _)) = id.split_once('/').filter(|_| !retired) {
            roles.push((application.to_owned(), role));
        }
        Ok(())
    })?;
    Ok((applications, roles))
}

fn each(
    reader: &mut Reader<'_>,
    table: &str,
    number: u64,
    mut take: impl FnMut(&str, &history::Past) -> Result<()>,
) -> Result<()> {
    let mut after = String::new();
    loop {
        let page = history::page(reader, table, number, &after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.row_id);
        for past in &page {
            take(&past.row_id, past)?;
        }
    }
}
