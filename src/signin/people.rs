//! What signing in has to know of a person: standing, names that may not stand in the password, what is enrolled.
//!
//! May call: `accounts`, `access` for the networks that have names.

use super::lockout::{Counter, Counters, Kind, Rules};
use super::password::{self, Person};
use super::store::credentials as store;
use super::throttle::Source;
use super::{Visitor, factors, known_devices, vouched};
use crate::access::named_networks;
use crate::accounts::{self, Account, Details, Standing, State};
use crate::clock::Timestamp;
use crate::config::IdentityProvider;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::ids::AccountId;

/// Longer than every name, in bytes: what is longer is not looked up.
const LONGEST_NAME: usize = 512;

/// Somebody who tries to sign in, as far as the house knows them.
pub(super) struct Known {
    pub account: AccountId,
    pub hash: Option<String>,
    pub history: Vec<String>,
    /// Whether the password has ended or must be changed.
    pub ended: bool,
    /// Whether the account counts now, has a second factor and may sign in here at all: without all three there is no
    /// signing in.
    pub may_sign_in: bool,
}

/// An attempt before it is evaluated: what it counts on, and whom it is about, if anybody.
pub(super) struct Attempt {
    pub counters: Counters,
    pub rules: Rules,
    pub known: Option<Known>,
    /// Where it comes from.
    pub source: Source,
}

/// Whom a typed name means, in every spelling and also by a former username.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn meet(
    reader: &mut Reader<'_>,
    providers: &[IdentityProvider],
    name: &str,
    visitor: &Visitor,
) -> Result<Attempt> {
    let rules = Rules::of(&reader.profile());
    let source = source(reader, visitor)?;
    let found = match name.len() {
        1..=LONGEST_NAME => accounts::find_by_name(reader, name)?,
        _ => None,
    };
    let Some(account) = found.filter(|account| account.kind == accounts::Kind::Person) else {
        let name: String = name.chars().take(LONGEST_NAME).collect();
        let name = Counter::of_name(reader.vault(), &name);
        return Ok(Attempt { counters: Counters { name, device: None }, rules, known: None, source });
    };
    let name = Counter::of_account(reader.vault(), &account.id, Kind::Password);
    let shown = known_devices::shown(reader, &account.id, visitor)?;
    let device = shown.map(|digest| Counter::of_device(reader.vault(), &account.id, &digest));
    let age = password_age(reader, &account.id)?;
    let may_sign_in = is_active(&account, reader.now)
        && factors::has_any(reader, &account.id)?
        && !vouched::elsewhere(reader, providers, &account.id)?;
    let row = store::password(reader, &account.id)?;
    let known = Known {
        account: account.id,
        history: row.as_ref().map(|row| history(&row.history)).transpose()?.unwrap_or_default(),
        hash: row.map(|row| row.hash),
        ended: age.is_some_and(|age| age.ended),
        may_sign_in,
    };
    Ok(Attempt { counters: Counters { name, device }, rules, known: Some(known), source })
}

/// Where somebody comes from, as the throttles count it.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn source(reader: &mut Reader<'_>, visitor: &Visitor) -> Result<Source> {
    let registered = match visitor.address {
        Some(address) => named_networks::of_address(reader, address)?,
        None => None,
    };
    Ok(Source::of(visitor.address, registered))
}

/// Whether the account counts at `now` and is past its invitation.
pub(super) fn is_active(account: &Account, now: Timestamp) -> bool {
    account.standing(now) == Standing::Active && account.status_at(now).state == State::Active
}

/// How old a password is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Age {
    pub set_at: Timestamp,
    /// Whether it has ended, or must be changed for another reason.
    pub ended: bool,
    /// When it ended or will end by its age.
    pub ends_at: Option<Timestamp>,
}

/// How old the password of an account is; `None` if there is none.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn password_age(reader: &mut Reader<'_>, account: &AccountId) -> Result<Option<Age>> {
    let profile = reader.profile();
    let row = store::password(reader, account)?;
    Ok(row.map(|row| Age {
        set_at: row.set_at,
        ended: row.must_change || password::has_ended(&profile, row.set_at, reader.now),
        ends_at: password::ends_at(&profile, row.set_at),
    }))
}

/// Accounts whose password ends by its age between now and `until`, and when; by id, from the one after `after`.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn passwords_that_end(
    reader: &mut Reader<'_>,
    until: Timestamp,
    after: Option<&AccountId>,
    limit: i64,
) -> Result<Vec<(AccountId, Timestamp)>> {
    let profile = reader.profile();
    let mut after = after.cloned();
    loop {
        let rows = store::passwords_after(reader, after.as_ref(), limit)?;
        let Some((last, _)) = rows.last() else { return Ok(Vec::new()) };
        after = Some(last.clone());
        let now = reader.now;
        let ending: Vec<(AccountId, Timestamp)> = rows
            .into_iter()
            .filter_map(|(account, set_at)| Some((account, password::ends_at(&profile, set_at)?)))
            .filter(|(_, ends_at)| now < *ends_at && *ends_at <= until)
            .collect();
        if !ending.is_empty() {
            return Ok(ending);
        }
    }
}

/// The former hashes of an account, the present one first.
///
/// # Errors
/// [`Error::Internal`] if they cannot be read: then no password may pass for new.
pub(super) fn history(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text).map_err(|cause| Error::internal("reading former passwords", cause))
}

/// The names of a person that may not stand in their password.
pub(super) fn person(details: &Details) -> Person<'_> {
    let names = [details.given_name.as_deref(), details.family_name.as_deref()];
    Person {
        username: &details.username,
        names: names.into_iter().flatten().collect(),
        email: details.email.as_deref(),
    }
}
