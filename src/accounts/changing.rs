//! Changes of what is known about an account: names, e-mail, manager, job, dates.
//!
//! Rules: one event names the fields that changed, and none is recorded if nothing did; another username needs a
//! reason, and the old one stays with its person; a name that was given up otherwise is free again.

use super::details::{self, Attributes, Details, LONGEST_NAME, LONGEST_TEXT};
use super::joining::{check_dates, check_owner};
use super::names::{self, NameKind};
use super::state::{Kind, State};
use super::{Account, Named, WorkerType, emails, find_named, managers, moving, store, usernames};
use crate::clock::Timestamp;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Change;
use crate::organisation::parse_zone;
use crate::vault::fold;

/// A new value: absent (`None`) leaves the old one, `Some(None)` clears it.
pub type Patch<T> = Option<Option<T>>;

/// What is to change about an account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Another username.
    pub username: Option<String>,
    /// Why, if somebody gave a reason: 3 to 1,000 characters. Needed for another username.
    pub reason: Option<String>,
    /// Given name.
    pub given_name: Patch<String>,
    /// Family name.
    pub family_name: Patch<String>,
    /// E-mail address.
    pub email: Patch<String>,
    /// The personnel office's number.
    pub employee_id: Patch<String>,
    /// Another system's name.
    pub external_id: Patch<String>,
    /// Department.
    pub department: Patch<String>,
    /// Job.
    pub job_title: Patch<String>,
    /// Place of work.
    pub location: Patch<String>,
    /// Who answers for somebody who is not employed here.
    pub sponsor: Patch<String>,
    /// What a service is for.
    pub purpose: Patch<String>,
    /// All further attributes.
    pub attributes: Option<Attributes>,
    /// Whom the person reports to.
    pub manager: Patch<AccountId>,
    /// Who answers for the service.
    pub owner: Option<AccountId>,
    /// How the person works here.
    pub worker_type: Option<WorkerType>,
    /// Zone of the person's days.
    pub time_zone: Patch<String>,
    /// First instant.
    pub starts_at: Patch<Timestamp>,
    /// First instant after the last.
    pub ends_at: Patch<Timestamp>,
    /// The end that the people file gave last.
    pub end_of_file: Patch<Timestamp>,
}

/// Changes an account and records which fields changed.
///
/// # Errors
/// [`Error::Invalid`] for a field that does not make sense; [`Error::Conflict`] if a name is taken or the account is
/// erased.
pub fn change(tx: &mut Tx<'_>, id: &AccountId, changes: &Changes) -> Result<Account> {
    let before = find_named(tx, id)?;
    let renamed = changes.username.as_ref().is_some_and(|name| fold(name) != fold(&before.details.username));
    if renamed && changes.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Error::field("reason", "must say why the username changes, in 3 to 1,000 characters"));
    }
    let moved = changes.manager.as_ref().filter(|manager| **manager != before.account.manager);
    if let Some(Some(manager)) = moved {
        managers::check_works_here(tx, manager)?;
    }
    change_from(tx, before, changes).map(|(account, _)| account)
}

/// Changes an account that was just read; whether anything changed stands beside it.
pub(super) fn change_from(tx: &mut Tx<'_>, before: Named, changes: &Changes) -> Result<(Account, bool)> {
    if before.account.status.state == State::Erased {
        return Err(Error::conflict("account-state", "the account is erased; nothing about it can change"));
    }
    let details = new_details(before.account.kind, &before.details, changes)?;
    let mut account = new_account(tx, &before.account, changes)?;
    let fields = differences(&before, &account, &details);
    if fields.is_empty() && details == before.details {
        return Ok((before.account, false));
    }
    // Which end a file gave is a note of ours, not a change of the account.
    if fields.is_empty() {
        store::update_details(tx, &account.id, &details)?;
        return Ok((before.account, false));
    }
    change_names(tx, &account.id, &before.details, &details)?;
    if details.email != before.details.email {
        emails::note(tx, &account.id, before.details.email.as_deref())?;
    }
    let reason = moving::keep_reason(tx, changes.reason.as_deref())?;
    let written = Some(&details).filter(|details| **details != before.details);
    moving::write(tx, &mut account, written)?;
    let moved = account.manager != before.account.manager;
    let change = Change::AccountChanged {
        account: account.id.clone(),
        fields: fields.into_iter().map(str::to_owned).collect(),
        manager_before: before.account.manager.filter(|_| moved),
        manager_after: account.manager.clone().filter(|_| moved),
        reason,
    };
    let row = account.row()?;
    tx.record_rows(change, vec![row]);
    Ok((account, true))
}

fn new_details(kind: Kind, before: &Details, changes: &Changes) -> Result<Details> {
    let mut details = before.clone();
    if let Some(username) = &changes.username {
        details.username = usernames::checked(kind, username)?;
    }
    let texts = [
        ("given_name", LONGEST_NAME, &changes.given_name, &mut details.given_name),
        ("family_name", LONGEST_NAME, &changes.family_name, &mut details.family_name),
        ("employee_id", LONGEST_TEXT, &changes.employee_id, &mut details.employee_id),
        ("external_id", LONGEST_TEXT, &changes.external_id, &mut details.external_id),
        ("department", LONGEST_TEXT, &changes.department, &mut details.department),
        ("job_title", LONGEST_TEXT, &changes.job_title, &mut details.job_title),
        ("location", LONGEST_TEXT, &changes.location, &mut details.location),
        ("sponsor", LONGEST_TEXT, &changes.sponsor, &mut details.sponsor),
        ("purpose", LONGEST_TEXT, &changes.purpose, &mut details.purpose),
    ];
    for (field, longest, patch, place) in texts {
        if let Some(value) = patch {
            *place = details::text(field, value.as_deref(), longest)?;
        }
    }
    if let Some(email) = &changes.email {
        details.email = details::email(email.as_deref())?;
    }
    if let Some(attributes) = &changes.attributes {
        details.attributes = details::attributes(attributes.clone())?;
    }
    if let Some(end) = changes.end_of_file {
        details.end_of_file = end;
    }
    Ok(details)
}

fn new_account(tx: &mut Tx<'_>, before: &Account, changes: &Changes) -> Result<Account> {
    let mut account = before.clone();
    if let Some(zone) = &changes.time_zone {
        let zone = zone.as_deref().map(|zone| parse_zone("time_zone", zone)).transpose()?;
        account.time_zone = zone.map(|zone| zone.name().to_owned());
    }
    if let (Kind::Person, Some(worker_type)) = (account.kind, changes.worker_type) {
        account.worker_type = Some(worker_type);
    }
    account.starts_at = changes.starts_at.unwrap_or(account.starts_at);
    account.ends_at = changes.ends_at.unwrap_or(account.ends_at);
    check_dates(account.starts_at, account.ends_at)?;
    if let Some(manager) = changes.manager.as_ref().filter(|manager| **manager != account.manager) {
        if let Some(manager) = manager {
            let person = account.kind == Kind::Person;
            let check = if person { managers::check(tx, &account.id, manager) } else { Err(no_manager()) };
            check?;
        }
        account.manager.clone_from(manager);
    }
    if let Some(owner) = changes.owner.as_ref().filter(|owner| account.owner.as_ref() != Some(owner)) {
        if account.kind == Kind::Person {
            return Err(Error::field("owner", "a person has a manager, not an owner"));
        }
        check_owner(tx, owner)?;
        account.owner = Some(owner.clone());
    }
    Ok(account)
}

fn no_manager() -> Error {
    Error::field("manager", "a service has an owner, not a manager")
}

/// The fields that differ, by the names that the API gives them.
fn differences(before: &Named, account: &Account, details: &Details) -> Vec<&'static str> {
    let (old, known) = (&before.account, &before.details);
    let differs = [
        ("username", known.username != details.username),
        ("given_name", known.given_name != details.given_name),
        ("family_name", known.family_name != details.family_name),
        ("email", known.email != details.email),
        ("employee_id", known.employee_id != details.employee_id),
        ("external_id", known.external_id != details.external_id),
        ("department", known.department != details.department),
        ("job_title", known.job_title != details.job_title),
        ("location", known.location != details.location),
        ("sponsor", known.sponsor != details.sponsor),
        ("purpose", known.purpose != details.purpose),
        ("attributes", known.attributes != details.attributes),
        ("manager", old.manager != account.manager),
        ("owner", old.owner != account.owner),
        ("worker_type", old.worker_type != account.worker_type),
        ("time_zone", old.time_zone != account.time_zone),
        ("starts_at", old.starts_at != account.starts_at),
        ("ends_at", old.ends_at != account.ends_at),
    ];
    differs.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect()
}

/// Takes the new names first, so that nothing is given up for a name that cannot be had.
fn change_names(tx: &mut Tx<'_>, id: &AccountId, before: &Details, after: &Details) -> Result<()> {
    let before = [
        (NameKind::Username, Some(before.username.as_str())),
        (NameKind::ExternalId, before.external_id.as_deref()),
        (NameKind::EmployeeId, before.employee_id.as_deref()),
        (NameKind::Email, before.email.as_deref()),
    ];
    let after = [
        Some(after.username.as_str()),
        after.external_id.as_deref(),
        after.employee_id.as_deref(),
        after.email.as_deref(),
    ];
    for ((kind, old), new) in before.into_iter().zip(after) {
        if let Some(new) = new.filter(|new| old != Some(*new)) {
            names::take(tx, id, kind, new)?;
        }
        // A username that is also the external id stays in use as long as either is.
        let same_space =
            if kind == NameKind::ExternalId || kind == NameKind::Username { &after[..2] } else { &[new] };
        let kept = |old: &str| same_space.iter().flatten().any(|new| fold(new) == fold(old));
        if let Some(old) = old.filter(|old| !kept(old)) {
            names::give_up(tx, id, kind, old)?;
        }
    }
    Ok(())
}
