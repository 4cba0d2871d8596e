//! The population of a campaign: living grants, with what a reviewer must see of them.

use diesel::prelude::*;

use super::{word, word_of};
use crate::access::catalogue::{Class, Integration};
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::db::schema::{accounts, applications, grant_usage, grants, roles};
use crate::error::Result;
use crate::ids::{AccountId, GrantId};
use crate::provisioning::holdings::LastUse;
use crate::reviews::CampaignScope;

/// A living grant with what a reviewer must see of it.
pub(in crate::reviews) struct Subject {
    pub(in crate::reviews) grant: GrantId,
    pub(in crate::reviews) account: AccountId,
    pub(in crate::reviews) role: String,
    pub(in crate::reviews) application: String,
    pub(in crate::reviews) class: Class,
    pub(in crate::reviews) integration: Integration,
    pub(in crate::reviews) scope: Option<String>,
    pub(in crate::reviews) created_at: Timestamp,
    pub(in crate::reviews) used_at: Option<Timestamp>,
    /// What its system says about its use.
    pub(in crate::reviews) said: Option<LastUse>,
    pub(in crate::reviews) revision: u64,
}

#[derive(Queryable)]
struct SubjectRow {
    grant: GrantId,
    account: AccountId,
    role: String,
    application: String,
    class: String,
    integration: String,
    scope: Option<String>,
    created_at: Timestamp,
    used_at: Option<Timestamp>,
    revision: i64,
}

/// The living grants in scope after `after` by id. `departments` are the blind indexes of the scope's
/// department.
pub(in crate::reviews) fn population(
    reader: &mut Reader<'_>,
    scope: &CampaignScope,
    departments: Option<&[String]>,
    after: &str,
    limit: i64,
) -> Result<Vec<Subject>> {
    let now = reader.now;
    let living = grants::expires_at.is_null().or(grants::expires_at.gt(now));
    let mut query = grants::table
        .inner_join(roles::table)
        .inner_join(accounts::table)
        .inner_join(applications::table.on(applications::key.eq(roles::application)))
        .left_join(grant_usage::table.on(grant_usage::grant_id.eq(grants::id)))
        .filter(grants::state.eq_any(["active", "suspended"]))
        .filter(living)
        .filter(grants::id.gt(after.to_owned()))
        .select((
            grants::id,
            grants::account,
            grants::role,
            roles::application,
            roles::class,
            applications::integration,
            grants::scope,
            grants::created_at,
            grant_usage::used_at.nullable(),
            grants::revision,
        ))
        .order(grants::id)
        .limit(limit)
        .into_boxed();
    if let Some(app) = &scope.app {
        query = query.filter(roles::application.eq(app.clone()));
    }
    if let Some(class) = scope.class {
        query = query.filter(roles::class.eq(word_of(class)?));
    }
    if let Some(role) = &scope.role {
        query = query.filter(grants::role.eq(role.clone()));
    }
    if let Some(departments) = departments {
        query = query.filter(accounts::department_digest.eq_any(departments.to_vec()));
    }
    let rows: Vec<SubjectRow> = query.load(reader.connection)?;
    rows.into_iter().map(read_subject).collect()
}

fn read_subject(row: SubjectRow) -> Result<Subject> {
    Ok(Subject {
        class: word(&row.class)?,
        integration: word(&row.integration)?,
        grant: row.grant,
        account: row.account,
        role: row.role,
        application: row.application,
        scope: row.scope,
        created_at: row.created_at,
        used_at: row.used_at,
        said: None,
        revision: row.revision.unsigned_abs(),
    })
}
