//! Positions: who is a manager because somebody names them so, and who owns an application.
//!
//! Rules: a position lasts as long as what makes it; it gives the roles that the catalogue marks with it, and these let
//! one decide, never use (DESIGN §4). Calls `store`.

use super::catalogue::Position;
use super::store::{catalogue as catalogue_store, people as store};
use crate::db::Reader;
use crate::error::Result;
use crate::ids::AccountId;

/// The positions of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions {
    /// Whether somebody who is not gone names the account as manager.
    pub manager: bool,
    /// Whether an application in force names it as owner.
    pub owner: bool,
    roles: Vec<String>,
}

impl Positions {
    /// The roles that these positions give, `application/role`.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(String::as_str)
    }
}

/// The positions of an account.
///
/// # Errors
/// [`crate::error::Error::Internal`] for a fault of the database.
pub fn of(reader: &mut Reader<'_>, account: &AccountId) -> Result<Positions> {
    let manager = store::has_reports(reader, account)?;
    let owner = store::owns_application(reader, account)?;
    let mut roles = Vec::new();
    if manager || owner {
        let given = |position: Option<Position>| match position {
            Some(Position::Manager) => manager,
            Some(Position::Owner) => owner,
            None => false,
        };
        let all = catalogue_store::roles(reader, None)?;
        let held =
            all.into_iter().filter(|role| role.retired_at.is_none() && given(role.specification.position));
        roles.extend(held.map(|role| role.id));
    }
    Ok(Positions { manager, owner, roles })
}
