//! The private roles of services when the catalogue they stand in changes.
//!
//! Rule: a private role never names what its application no longer has, and never opens PII without being an access
//! role; what is left of it stays in force, for the service it belongs to is still there. Calls `apply`, `store`.

use std::collections::BTreeSet;

use super::apply::{AppliedApplication, retire};
use super::catalogue::{Allow, Application, Class, Role};
use super::records::RoleRecord;
use super::store::catalogue as store;
use crate::db::Tx;
use crate::error::Result;
use crate::log::append::next_revision;
use crate::log::event::Change;
use crate::profile::{Document, Refusal};

/// Fits the private roles of an application to what it has now.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub(super) fn fit(
    tx: &mut Tx<'_>,
    application: &Application,
    known: &[RoleRecord],
    done: &mut AppliedApplication,
) -> Result<()> {
    for role in known.iter().filter(|role| role.retired_at.is_none() && role.private_to.is_some()) {
        let left = what_is_left(application, &role.specification);
        let opens_pii = !role.access_role && application.class_of(&left) == Class::Pii;
        if opens_pii || left.allows.is_empty() {
            let (retired, ended) = retire(tx, role)?;
            done.roles_retired.push(retired);
            done.grants_ended += ended;
        } else if left != role.specification {
            redefine(tx, application, role, left)?;
            done.roles_defined.push(role.id.clone());
        }
    }
    Ok(())
}

/// A role without the permissions that the application does not have.
fn what_is_left(application: &Application, role: &Role) -> Role {
    let left = |allow: &Allow| {
        let feature = application.feature(&allow.feature)?;
        let actions = allow.actions.iter().filter(|action| feature.actions.contains(action));
        let actions: Vec<String> = actions.cloned().collect();
        (!actions.is_empty()).then(|| Allow { actions, ..allow.clone() })
    };
    Role { allows: role.allows.iter().filter_map(left).collect(), ..role.clone() }
}

fn redefine(tx: &mut Tx<'_>, application: &Application, role: &RoleRecord, left: Role) -> Result<()> {
    let record = RoleRecord {
        class: application.class_of(&left),
        specification: left,
        changed_at: tx.now,
        revision: next_revision(tx)?,
        ..role.clone()
    };
    store::write_role(tx, &record)?;
    let row = record.governed()?;
    tx.record_rows(Change::RoleDefined { role: record.id }, vec![row]);
    Ok(())
}

/// Roles of a file whose id a key's private role has already.
pub(super) fn clashes(tx: &mut Tx<'_>, document: &Document<Application>) -> Result<Vec<Refusal>> {
    let taken: BTreeSet<String> = store::roles(tx, Some(&document.value.key))?
        .into_iter()
        .filter(|role| role.private_to.is_some())
        .map(|role| role.specification.key)
        .collect();
    let clashes = document.value.roles.iter().enumerate().filter(|(_, role)| taken.contains(&role.key));
    let refuse = |(index, role): (usize, &Role)| {
        let what = format!("\"{}\" is the private role of an API key", role.key);
        document.refuse(&format!("role.{index}.key"), what, "choose another key")
    };
    Ok(clashes.map(refuse).collect())
}
