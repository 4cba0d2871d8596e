//! What follows when the log does not verify: an alarm, and whoever gains by the difference is denied (DESIGN §7).
//!
//! Rules: a difference about an account, or about a grant of it, denies that account everything until a person has
//! closed the alarm with a finding; whatever else differs alarms. Calls `alarms`, `grants`, `accounts`.

use std::collections::BTreeMap;

use super::grants;
use crate::accounts;
use crate::alarms::{self, Rule, Severity, Sighting};
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId};
use crate::log::verify::{Difference, Report};

/// Raises what a verification found: one alarm for each account that it is about, one for the rest.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn found(tx: &mut Tx<'_>, report: &Report) -> Result<()> {
    let mut all: BTreeMap<Option<AccountId>, Vec<String>> = BTreeMap::new();
    for difference in &report.differences {
        let account = account_of(tx, difference)?;
        all.entry(account).or_default().push(place(difference));
    }
    for (account, places) in all {
        let count = places.len() as u64;
        let seen = Sighting::of(Rule::LogVerification, Severity::Critical)
            .account(account.as_ref())
            .counted(count, 1, None)
            .samples(places);
        let seen = if account.is_some() { seen.denying() } else { seen };
        alarms::raise(tx, seen)?;
    }
    Ok(())
}

/// Where it differs: a table and an id, or an event; never what stands there.
fn place(difference: &Difference) -> String {
    match (&difference.table, &difference.row, difference.event) {
        (Some(table), Some(row), _) => format!("{table} {row}"),
        (_, _, Some(event)) => format!("event {event}"),
        _ => "the log".to_owned(),
    }
}

/// The account that a difference is about, if it is here.
fn account_of(reader: &mut Reader<'_>, difference: &Difference) -> Result<Option<AccountId>> {
    let Some(row) = &difference.row else { return Ok(None) };
    let account = match difference.table.as_deref() {
        Some("accounts") => AccountId::parse(row),
        Some("grants") => match GrantId::parse(row).map(|id| grants::find(reader, &id)) {
            Some(Ok(grant)) => Some(grant.account),
            None | Some(Err(Error::NotFound(_))) => None,
            Some(Err(error)) => return Err(error),
        },
        _ => None,
    };
    let Some(account) = account else { return Ok(None) };
    match accounts::find(reader, &account) {
        Ok(found) => Ok(Some(found.id)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
