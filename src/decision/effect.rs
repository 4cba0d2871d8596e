//! Whether a change has its effect: the decision point is asked what its rows still give, whatever purpose, place or
//! condition a question would have to meet besides. A denial for want of those would prove nothing.
//!
//! Reviews and leavers close on these answers, not on the assumption that what was written is what is answered.
//! May call `access` for the permissions of a role.

use serde::{Deserialize, Serialize};

use crate::access::roles;
use crate::app::App;
use crate::db::Reader;
use crate::error::Result;
use crate::ids::{AccountId, GrantId};

/// What was asked about one permission, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// `app/feature:action`.
    pub permission: String,
    /// Whether it would be permitted now to a question that meets all conditions.
    pub permitted: bool,
}

/// Answers of one state of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The number of the last change that was known when answering.
    pub revision: u64,
    /// Each permission once, in order.
    pub answers: Vec<Asked>,
}

/// Asks for every permission that the roles hold, for one account.
///
/// # Errors
/// Whatever the database returns.
pub fn ask_all(app: &App, account: &AccountId, roles: &[String]) -> Result<Answers> {
    let mut permissions = app.read_now(|reader| {
        let mut all = Vec::new();
        for role in roles {
            all.extend(permissions_of(reader, role)?);
        }
        Ok(all)
    })?;
    permissions.sort_unstable();
    permissions.dedup();
    let snapshot = app.decisions().snapshot();
    let now = app.context().clock.now();
    let answers = permissions
        .into_iter()
        .map(|(application, feature, action)| Asked {
            permitted: snapshot.rows_give(now, account, (&application, &feature, &action)).is_some(),
            permission: format!("{application}/{feature}:{action}"),
        })
        .collect();
    Ok(Answers { revision: snapshot.revision(), answers })
}

/// The revision at which no permission of the role is given by this grant any more; none if one still is.
///
/// # Errors
/// Whatever the database returns.
pub fn gone(app: &App, account: &AccountId, role: &str, grant: &GrantId) -> Result<Option<u64>> {
    let permissions = app.read_now(|reader| permissions_of(reader, role))?;
    let snapshot = app.decisions().snapshot();
    let now = app.context().clock.now();
    let given = permissions.iter().any(|(application, feature, action)| {
        let given = snapshot.rows_give(now, account, (application, feature, action));
        given.is_some_and(|given| given.grants().any(|by| by == *grant))
    });
    Ok((!given).then(|| snapshot.revision()))
}

/// The permissions of a role, inherited ones included, as (application, feature, action).
fn permissions_of(reader: &mut Reader<'_>, role: &str) -> Result<Vec<(String, String, String)>> {
    let record = roles::role(reader, role)?;
    // What went out of use with its application gives nothing any more.
    let Ok(mut application) = roles::catalogue(reader, &record.application) else { return Ok(Vec::new()) };
    let key = record.specification.key.clone();
    if application.role(&key).is_none() {
        application.roles.push(record.specification);
    }
    let Some(role) = application.role(&key) else { return Ok(Vec::new()) };
    Ok(application
        .permissions_of(role)
        .into_iter()
        .map(|(feature, action)| (application.key.clone(), feature.to_owned(), action.to_owned()))
        .collect())
}
