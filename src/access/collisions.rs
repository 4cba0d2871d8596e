//! Roles that exclude each other and are held together: by a living exception, or because one is over.
//!
//! Rule: a position is a held role like any other. Calls `settings`, `positions`, `grants`, `exceptions`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::exclusion::Exclusions;
use super::store::grants as store;
use super::{grants, positions, settings};
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::exceptions::{self, ExceptionKind, lists};
use crate::ids::AccountId;

/// How many exceptions that are over are looked at, and how many violations of new rules are listed.
const MOST: i64 = 200;

/// Roles that exclude each other, or of which there are too many, held by one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The key of the exclusion.
    pub key: String,
    /// The roles.
    pub roles: Vec<String>,
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
    let mut found: Vec<Collision> = Vec::new();
    for role in &held {
        for breach in exclusions.broken(role, held.iter().map(String::as_str)) {
            let mut roles: Vec<String> = breach.with.iter().map(|other| (*other).to_owned()).collect();
            roles.push(role.clone());
            roles.sort_unstable();
            // Each of the roles finds the same.
            if found.iter().any(|known| known.key == breach.key && known.roles == roles) {
                continue;
            }
            found.push(Collision {
                key: breach.key.to_owned(),
                roles,
                reason: breach.reason.to_owned(),
                allowed: exceptions::holds(reader, ExceptionKind::Exclusion, breach.key, account)?,
            });
        }
    }
    Ok(found)
}

/// Roles that one account holds together against a rule that came into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The rule's key.
    pub rule: String,
    /// Whose.
    pub account: AccountId,
    /// The roles, `application/role`.
    pub roles: Vec<String>,
}

/// Everybody who holds together what these rules forbid as they come into force; two hundred at most. What a living
/// exception allows is left out.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn violations(reader: &mut Reader<'_>, rules: &Exclusions) -> Result<Vec<Violation>> {
    let keys: BTreeSet<&str> = rules.rules().map(|(key, _)| key).collect();
    let pairs = rules.list.iter().flat_map(|rule| rule.with.iter().chain([&rule.role]));
    let roles: BTreeSet<&String> = pairs.chain(rules.at_most.iter().flat_map(|rule| &rule.roles)).collect();
    let mut accounts = BTreeSet::new();
    for role in roles {
        let held = store::active_of_role(reader, role)?;
        accounts.extend(held.into_iter().map(|grant| grant.account));
    }
    let mut found = Vec::new();
    for account in accounts {
        for collision in of(reader, &account)? {
            if found.len() == MOST as usize {
                return Ok(found);
            }
            if !collision.allowed && keys.contains(collision.key.as_str()) {
                let (rule, roles) = (collision.key, collision.roles);
                found.push(Violation { rule, account: account.clone(), roles });
            }
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
