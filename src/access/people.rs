//! What access must know of the people and services that hold roles.
//!
//! Rule: judged at the instant of the use case, never kept. Calls `accounts`.

use crate::accounts::{self, Kind, State};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::AccountId;

/// How an account stands at the instant of the use case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which account.
    pub account: AccountId,
    /// Whether it is a person; else it is a service.
    pub person: bool,
    /// Whether it has left, or its last day is over.
    pub gone: bool,
    /// Whether it is in use: enrolled, begun, neither suspended nor gone.
    pub in_use: bool,
    /// A person's manager.
    pub manager: Option<AccountId>,
    /// A service's owner.
    pub owner: Option<AccountId>,
}

/// How an account stands.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub fn standing(reader: &mut Reader<'_>, account: &AccountId) -> Result<Standing> {
    let found = accounts::find(reader, account)?;
    let judged = found.standing(reader.now);
    let gone = judged == accounts::Standing::Over;
    let enrolled = found.status_at(reader.now).state == State::Active;
    Ok(Standing {
        person: found.kind == Kind::Person,
        gone,
        in_use: judged == accounts::Standing::Active && enrolled,
        account: found.id,
        manager: found.manager,
        owner: found.owner,
    })
}

/// The account that a name means: its id, a username, an external id or an employee id.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn find(reader: &mut Reader<'_>, name: &str) -> Result<Option<AccountId>> {
    match accounts::find_by_any(reader, name) {
        Ok(account) => Ok(Some(account.id)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
