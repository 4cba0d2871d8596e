//! The last way back in for an administrator: a command on the host, whatever the decision point says.
//!
//! Rules: only who is here and administers is recovered; where nobody can administer any more, the command gives the
//! role too. Everything that was a way in before is gone: sessions, links, password and second factor. It is recorded
//! with the host's user, and alarms everybody who watches. May call: `access`, `accounts`, `alarms`.

use super::leaving;
use super::links::{self, Made, Purpose};
use super::lockout;
use crate::access::floor::{self, ADMINISTRATOR};
use crate::access::grants::{self, GrantState, NewGrant, Source};
use crate::access::{limits, roles};
use crate::accounts::{self, Account, Kind, Standing, State};
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::db::Tx;
use crate::error::{Error, Result};

/// What a recovery brought about.
pub struct Recovered {
    /// The administrator.
    pub account: Account,
    /// The link to a new password and a new second factor; its token is nowhere else.
    pub link: Made,
    /// How many sessions ended.
    pub sessions: usize,
}

/// Makes a new way in for an administrator, and takes away every one that there was.
///
/// # Errors
/// [`Error::Invalid`] for a name that is no person's; [`Error::Conflict`] `not-in-use` for somebody who has left;
/// [`Error::Forbidden`] `not-yours-to-give` for somebody who does not administer, while others do.
pub fn recover_administrator(tx: &mut Tx<'_>, username: &str) -> Result<Recovered> {
    let unknown = || Error::field("username", "is nobody who is known here");
    let account = accounts::find_by_name(tx, username)?
        .filter(|account| account.kind == Kind::Person)
        .ok_or_else(unknown)?;
    if account.standing(tx.now) == Standing::Over {
        let advice = "The person has left. Invite somebody else with --role bailiwick/administrator.";
        return Err(Error::conflict("not-in-use", advice));
    }
    if account.status_at(tx.now).state == State::Suspended {
        accounts::reinstate(tx, &account.id, None)?;
    }
    administer_again(tx, &account)?;
    let sessions = leaving::close(tx, &account.id, "recovered")?;
    lockout::begin_anew(tx, &account.id, &lockout::EVERYTHING)?;
    alarms::release(tx, &account.id)?;
    let seen = Sighting::of(Rule::AdministratorRecovered, Severity::Critical)
        .account(Some(&account.id))
        .samples([tx.caller.label()]);
    alarms::raise(tx, seen)?;
    let link = links::make(tx, Purpose::Enrolment, Some(&account.id))?;
    Ok(Recovered { account: accounts::find(tx, &account.id)?, link, sessions })
}

/// Lets the person's administrator grant count, or gives one where nobody can administer any more.
fn administer_again(tx: &mut Tx<'_>, account: &Account) -> Result<()> {
    let held = grants::living(tx, &account.id)?.into_iter().find(|grant| grant.role == ADMINISTRATOR);
    match held {
        Some(grant) if grant.state == GrantState::Suspended => {
            grants::resume(tx, &grant.id, "recovered").map(drop)
        }
        Some(_) => Ok(()),
        None if floor::administrators(tx)?.is_empty() => {
            let role = roles::role(tx, ADMINISTRATOR)?;
            let wanted = NewGrant {
                account: account.id.clone(),
                role: ADMINISTRATOR.to_owned(),
                scope: None,
                reason: "Recovered on the host: nobody could administer".to_owned(),
                source: Source::Recovery,
                approvers: Vec::new(),
                request: None,
                valid_from: None,
                expires_at: Some(limits::latest_end(tx, &role, tx.now)?),
            };
            grants::grant(tx, &wanted).map(drop)
        }
        None => {
            let advice = "The person does not administer; somebody who does gives them the role.";
            Err(Error::forbidden("not-yours-to-give", advice))
        }
    }
}
