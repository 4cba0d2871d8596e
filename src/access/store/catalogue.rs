//! Rows of the catalogue: applications and their roles.

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::access::catalogue::{Application, Class, Environment, Integration};
use crate::access::records::{ApplicationRecord, RoleRecord, StoredRole, from_json, to_json};
use crate::clock::Timestamp;
use crate::db::schema::{applications, roles};
use crate::db::{Reader, Tx};
use crate::error::Result;
use crate::ids::AccountId;

type ApplicationRow = (String, Option<AccountId>, String, Timestamp, Option<Timestamp>, i64);
type RoleRow = (String, String, Class, bool, Option<AccountId>, String, Timestamp, Option<Timestamp>, i64);

const APPLICATION: (
    applications::key,
    applications::owner,
    applications::spec,
    applications::changed_at,
    applications::retired_at,
    applications::revision,
) = (
    applications::key,
    applications::owner,
    applications::spec,
    applications::changed_at,
    applications::retired_at,
    applications::revision,
);

const ROLE: (
    roles::id,
    roles::application,
    roles::class,
    roles::access_role,
    roles::private_to,
    roles::spec,
    roles::changed_at,
    roles::retired_at,
    roles::revision,
) = (
    roles::id,
    roles::application,
    roles::class,
    roles::access_role,
    roles::private_to,
    roles::spec,
    roles::changed_at,
    roles::retired_at,
    roles::revision,
);

fn application(row: ApplicationRow) -> Result<ApplicationRecord> {
    let (key, owner, spec, changed_at, retired_at, revision) = row;
    let specification: Application = from_json(&spec, "reading an application")?;
    Ok(ApplicationRecord {
        key,
        owner,
        specification,
        changed_at,
        retired_at,
        revision: revision.unsigned_abs(),
    })
}

fn role(row: RoleRow) -> Result<RoleRecord> {
    let (id, application, class, access_role, private_to, spec, changed_at, retired_at, revision) = row;
    let StoredRole { place, role } = from_json(&spec, "reading a role")?;
    Ok(RoleRecord {
        id,
        application,
        class,
        access_role,
        private_to,
        specification: role,
        place,
        changed_at,
        retired_at,
        revision: revision.unsigned_abs(),
    })
}

/// All applications by key, retired ones too.
pub(crate) fn applications(reader: &mut Reader<'_>) -> Result<Vec<ApplicationRecord>> {
    let rows: Vec<ApplicationRow> =
        applications::table.select(APPLICATION).order(applications::key).load(reader.connection)?;
    rows.into_iter().map(application).collect()
}

/// The application of that key.
pub(crate) fn find_application(reader: &mut Reader<'_>, key: &str) -> Result<Option<ApplicationRecord>> {
    let row: Option<ApplicationRow> =
        applications::table.find(key).select(APPLICATION).first(reader.connection).optional()?;
    row.map(application).transpose()
}

/// The keys of the applications in force that an account owns.
pub(crate) fn owned_by(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<String>> {
    Ok(applications::table
        .filter(applications::owner.eq(account))
        .filter(applications::retired_at.is_null())
        .order(applications::key)
        .select(applications::key)
        .load(reader.connection)?)
}

/// Roles by id, retired ones too; of one application if a key is given.
pub(crate) fn roles(reader: &mut Reader<'_>, application: Option<&str>) -> Result<Vec<RoleRecord>> {
    let mut query = roles::table.select(ROLE).order(roles::id).into_boxed();
    if let Some(key) = application {
        query = query.filter(roles::application.eq(key));
    }
    let rows: Vec<RoleRow> = query.load(reader.connection)?;
    rows.into_iter().map(role).collect()
}

/// The role of that id.
pub(crate) fn find_role(reader: &mut Reader<'_>, id: &str) -> Result<Option<RoleRecord>> {
    let row: Option<RoleRow> = roles::table.find(id).select(ROLE).first(reader.connection).optional()?;
    row.map(role).transpose()
}

/// The ids of a service's private roles in force.
pub(crate) fn private_roles(reader: &mut Reader<'_>, account: &AccountId) -> Result<BTreeSet<String>> {
    let ids: Vec<String> = roles::table
        .filter(roles::private_to.eq(account))
        .filter(roles::retired_at.is_null())
        .select(roles::id)
        .load(reader.connection)?;
    Ok(ids.into_iter().collect())
}

/// Applications after `after` by key, for the replay.
pub(crate) fn applications_after(
    reader: &mut Reader<'_>,
    after: &str,
    limit: i64,
) -> Result<Vec<ApplicationRecord>> {
    let rows: Vec<ApplicationRow> = applications::table
        .filter(applications::key.gt(after))
        .order(applications::key)
        .limit(limit)
        .select(APPLICATION)
        .load(reader.connection)?;
    rows.into_iter().map(application).collect()
}

/// Roles after `after` by id, for the replay.
pub(crate) fn roles_after(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<RoleRecord>> {
    let rows: Vec<RoleRow> = roles::table
        .filter(roles::id.gt(after))
        .order(roles::id)
        .limit(limit)
        .select(ROLE)
        .load(reader.connection)?;
    rows.into_iter().map(role).collect()
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = applications, treat_none_as_null = true)]
struct ApplicationValues<'a> {
    key: &'a str,
    owner: Option<&'a AccountId>,
    environment: Environment,
    integration: Integration,
    spec: String,
    changed_at: Timestamp,
    retired_at: Option<Timestamp>,
    revision: i64,
}

/// Writes an application, new or changed.
pub(crate) fn write_application(tx: &mut Tx<'_>, record: &ApplicationRecord) -> Result<()> {
    let values = ApplicationValues {
        key: &record.key,
        owner: record.owner.as_ref(),
        environment: record.specification.environment,
        integration: record.specification.integration,
        spec: to_json(&record.specification)?,
        changed_at: record.changed_at,
        retired_at: record.retired_at,
        revision: record.revision.cast_signed(),
    };
    let changed =
        diesel::update(applications::table.find(&record.key)).set(&values).execute(tx.connection)?;
    if changed == 0 {
        diesel::insert_into(applications::table).values(&values).execute(tx.connection)?;
    }
    Ok(())
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = roles, treat_none_as_null = true)]
struct RoleValues<'a> {
    id: &'a str,
    application: &'a str,
    class: Class,
    access_role: bool,
    private_to: Option<&'a AccountId>,
    spec: String,
    changed_at: Timestamp,
    retired_at: Option<Timestamp>,
    revision: i64,
}

/// Writes a role, new or changed.
pub(crate) fn write_role(tx: &mut Tx<'_>, record: &RoleRecord) -> Result<()> {
    let values = RoleValues {
        id: &record.id,
        application: &record.application,
        class: record.class,
        access_role: record.access_role,
        private_to: record.private_to.as_ref(),
        spec: to_json(&StoredRole { place: record.place, role: record.specification.clone() })?,
        changed_at: record.changed_at,
        retired_at: record.retired_at,
        revision: record.revision.cast_signed(),
    };
    let changed = diesel::update(roles::table.find(&record.id)).set(&values).execute(tx.connection)?;
    if changed == 0 {
        diesel::insert_into(roles::table).values(&values).execute(tx.connection)?;
    }
    Ok(())
}
