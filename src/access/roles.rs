//! Looking up applications and roles.
//!
//! Calls `store`, `records`, `apply`.

use super::catalogue::Application;
pub use super::records::{ApplicationRecord, RoleRecord};
use super::store::catalogue as store;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Row;

/// All applications in force, by key.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn applications(reader: &mut Reader<'_>) -> Result<Vec<ApplicationRecord>> {
    let mut all = store::applications(reader)?;
    all.retain(|application| application.retired_at.is_none());
    Ok(all)
}

/// The application of that key, if it is in force.
///
/// # Errors
/// [`Error::NotFound`] otherwise.
pub fn application(reader: &mut Reader<'_>, key: &str) -> Result<ApplicationRecord> {
    let found = store::find_application(reader, key)?;
    found.filter(|application| application.retired_at.is_none()).ok_or(Error::NotFound("application"))
}

/// The catalogue of an application as it was applied, without its owner.
///
/// # Errors
/// [`Error::NotFound`] if it is not in force.
pub fn catalogue(reader: &mut Reader<'_>, key: &str) -> Result<Application> {
    let record = application(reader, key)?;
    super::apply::whole(reader, &record)
}

/// Roles in force, by id; of one application if a key is given. Private roles of services are among them.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn roles(reader: &mut Reader<'_>, application: Option<&str>) -> Result<Vec<RoleRecord>> {
    let mut all = store::roles(reader, application)?;
    all.retain(|role| role.retired_at.is_none());
    Ok(all)
}

/// The role of that id, in force or retired.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub fn role(reader: &mut Reader<'_>, id: &str) -> Result<RoleRecord> {
    store::find_role(reader, id)?.ok_or(Error::NotFound("role"))
}

/// The keys of the applications in force that an account owns.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn owned_by(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<String>> {
    store::owned_by(reader, account)
}

/// The digests of applications after `after` by key, for the log's replay.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn governed_applications(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Row>> {
    store::applications_after(reader, after, limit)?.iter().map(ApplicationRecord::governed).collect()
}

/// The digests of roles after `after` by id, for the log's replay.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn governed_roles(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Row>> {
    store::roles_after(reader, after, limit)?.iter().map(RoleRecord::governed).collect()
}
