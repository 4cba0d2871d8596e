//! Roles that exclude each other and are held together: by a living exception, or because one is over.
//!
//! Rule: a position is a held role like any other. Calls `settings`, `positions`, `grants`, `exceptions`.

use super::{grants, positions, settings};
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::exceptions::{self, ExceptionKind, lists};
use crate::ids::AccountId;

/// How many exceptions that are over are looked at.
const MOST: i64 = 200;

/// Two roles that exclude each other, held by one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The key of the exclusion.
    pub key: String,
    /// The two roles.
    pub roles: (String, String),
    /// Why they exclude each other.
    pub reason: String,
    /// Whether a living exception allows it.
    pub allowed: bool,
}

/// What of an account's roles excludes each other.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn of(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<Collision>> {
    let mut held: Vec<String> =
        grants::living(reader, account)?.into_iter().map(|grant| grant.role).collect();
    held.extend(positions::of(reader, account)?.roles().map(str::to_owned));
    held.sort_unstable();
    held.dedup();
    let exclusions = settings::exclusions(reader)?;
    let mut found = Vec::new();
    for (place, role) in held.iter().enumerate() {
        for (exclusion, other) in exclusions.against(role, held[place + 1..].iter().map(String::as_str)) {
            found.push(Collision {
                key: exclusion.key.clone(),
                roles: (role.clone(), other.to_owned()),
                reason: exclusion.reason.clone(),
                allowed: exceptions::holds(reader, ExceptionKind::Exclusion, &exclusion.key, account)?,
            });
        }
    }
    Ok(found)
}

/// Raises an alarm, once, for each exception that is over and whose roles are still held together.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn watch(tx: &mut Tx<'_>) -> Result<usize> {
    let mut raised = 0;
    for exception in lists::list(tx, Some("past"), None, MOST)?.0 {
        let about = exception.id.as_str();
        let held = exception.approved.is_some()
            && of(tx, &exception.account)?.iter().any(|one| one.key == exception.what && !one.allowed);
        if !held || alarms::highest(tx, Rule::ExclusionCollides, about)? > 0 {
            continue;
        }
        let seen = Sighting::of(Rule::ExclusionCollides, Severity::Warning)
            .account(Some(&exception.account))
            .about(about)
            .samples([exception.what.clone()]);
        alarms::raise(tx, seen)?;
        raised += 1;
    }
    Ok(raised)
}
