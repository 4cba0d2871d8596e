//! Joiners: a new person, a new service, and what is checked before either exists.
//!
//! Rules: a person has one account (employee id and e-mail are unique); a username is given or made by rule and was
//! never another's; a service has an owner who is a person and counts.

use serde::Deserialize;

use super::details::{self, Attributes, Details, LONGEST_NAME, LONGEST_TEXT};
use super::names::{self, NameKind, NameRow, Space};
use super::state::{Kind, Standing, Status};
use super::store::{self, Draft};
use super::{Account, Source, WorkerType, find, managers, usernames};
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::append;
use crate::log::event::Change;
use crate::organisation::parse_zone;

/// What is known of a person who joins. Everything is optional, but a username or a name must be there.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct NewPerson {
    /// What they sign in with; made by rule if absent.
    pub username: Option<String>,
    /// Given name, 1 to 100 characters.
    pub given_name: Option<String>,
    /// Family name, 1 to 100 characters.
    pub family_name: Option<String>,
    /// E-mail address, at most 254 characters.
    pub email: Option<String>,
    /// The personnel office's number.
    pub employee_id: Option<String>,
    /// Another system's name for the person.
    pub external_id: Option<String>,
    /// Whom they report to.
    pub manager: Option<AccountId>,
    /// Department.
    pub department: Option<String>,
    /// Job.
    pub job_title: Option<String>,
    /// Place of work.
    pub location: Option<String>,
    /// Who answers for somebody who is not employed here.
    pub sponsor: Option<String>,
    /// How they work here; employed if absent.
    pub worker_type: Option<WorkerType>,
    /// The zone in which their days begin and end.
    pub time_zone: Option<String>,
    /// The first instant at which they count.
    pub starts_at: Option<Timestamp>,
    /// The first instant at which they do not count any more.
    pub ends_at: Option<Timestamp>,
    /// What other systems say about them.
    pub attributes: Attributes,
}

/// What is known of a new service.
#[derive(Debug, Clone, PartialEq)]
pub struct NewService {
    /// What it is asked by.
    pub username: String,
    /// The person who answers for it.
    pub owner: AccountId,
    /// What it is for.
    pub purpose: Option<String>,
    /// Another system's name for it.
    pub external_id: Option<String>,
    /// What other systems say about it.
    pub attributes: Attributes,
}

/// Creates a person, invited, and records it.
///
/// # Errors
/// [`Error::Invalid`] for a field that does not make sense; [`Error::Conflict`] if a name is taken.
pub fn create_person(tx: &mut Tx<'_>, new: NewPerson) -> Result<Account> {
    create_person_from(tx, new, Source::Manual)
}

/// As [`create_person`], for somebody of whom the house knows from that source.
///
/// # Errors
/// As [`create_person`].
pub fn create_person_from(tx: &mut Tx<'_>, new: NewPerson, source: Source) -> Result<Account> {
    let mut details = checked_details(&new)?;
    let account = new_person(tx, &new, source)?;
    if let Some(manager) = &account.manager {
        managers::check_works_here(tx, manager)?;
        managers::check(tx, &account.id, manager)?;
    }
    if details.username.is_empty() {
        details.username = free_username(tx, &base_of(&details))?;
    }
    create(tx, account, details)
}

/// Creates a service, in use, and records it.
///
/// # Errors
/// [`Error::Invalid`] for a field that does not make sense or an owner who is none; [`Error::Conflict`] if a name is
/// taken.
pub fn create_service(tx: &mut Tx<'_>, new: NewService) -> Result<Account> {
    let details = Details {
        username: usernames::checked(Kind::Service, &new.username)?,
        external_id: details::text("external_id", new.external_id.as_deref(), LONGEST_TEXT)?,
        purpose: details::text("purpose", new.purpose.as_deref(), LONGEST_TEXT)?,
        attributes: details::attributes(new.attributes)?,
        ..Details::default()
    };
    check_owner(tx, &new.owner)?;
    let mut account = blank(tx, Kind::Service, Source::Manual);
    account.owner = Some(new.owner);
    create(tx, account, details)
}

/// Refuses an owner who is not a person that counts.
pub(super) fn check_owner(reader: &mut Reader<'_>, owner: &AccountId) -> Result<()> {
    let found = match find(reader, owner) {
        Err(Error::NotFound(_)) => None,
        other => Some(other?),
    };
    let fit = found.is_some_and(|found| {
        found.kind == Kind::Person && !matches!(found.standing(reader.now), Standing::Over)
    });
    if fit { Ok(()) } else { Err(Error::field_by_clause("owner", "must be a person who works here", "E5.2")) }
}

/// The personal part of a person who joins, each field within its limits; the username stays empty if none was given.
pub(super) fn checked_details(new: &NewPerson) -> Result<Details> {
    let short = |field, value: &Option<String>| details::text(field, value.as_deref(), LONGEST_TEXT);
    let name = |field, value: &Option<String>| details::text(field, value.as_deref(), LONGEST_NAME);
    let username = match new.username.as_deref().map(str::trim).filter(|username| !username.is_empty()) {
        Some(username) => usernames::checked(Kind::Person, username)?,
        None => String::new(),
    };
    let checked = Details {
        username,
        given_name: name("given_name", &new.given_name)?,
        family_name: name("family_name", &new.family_name)?,
        email: details::email(new.email.as_deref())?,
        employee_id: short("employee_id", &new.employee_id)?,
        external_id: short("external_id", &new.external_id)?,
        department: short("department", &new.department)?,
        job_title: short("job_title", &new.job_title)?,
        location: short("location", &new.location)?,
        sponsor: short("sponsor", &new.sponsor)?,
        purpose: None,
        attributes: details::attributes(new.attributes.clone())?,
        end_of_file: None,
    };
    if checked.username.is_empty() && checked.given_name.is_none() && checked.family_name.is_none() {
        return Err(Error::field_by_clause(
            "family_name",
            "must be there: an account names one person",
            "E5.2",
        ));
    }
    Ok(checked)
}

/// The impersonal part of a person who joins.
pub(super) fn new_person(reader: &Reader<'_>, new: &NewPerson, source: Source) -> Result<Account> {
    let zone = new.time_zone.as_deref().filter(|zone| !zone.trim().is_empty());
    let time_zone = zone.map(|zone| parse_zone("time_zone", zone)).transpose()?;
    check_dates(new.starts_at, new.ends_at)?;
    let mut account = blank(reader, Kind::Person, source);
    account.manager.clone_from(&new.manager);
    account.worker_type = Some(new.worker_type.unwrap_or(WorkerType::Employee));
    account.time_zone = time_zone.map(|zone| zone.name().to_owned());
    account.starts_at = new.starts_at;
    account.ends_at = new.ends_at;
    Ok(account)
}

/// Refuses an end that does not lie after the start.
pub(super) fn check_dates(starts_at: Option<Timestamp>, ends_at: Option<Timestamp>) -> Result<()> {
    match (starts_at, ends_at) {
        (Some(start), Some(end)) if end <= start => Err(Error::field("end_date", "must lie after the start")),
        _ => Ok(()),
    }
}

/// The base of the username by rule.
pub(super) fn base_of(details: &Details) -> String {
    usernames::by_rule(
        details.given_name.as_deref(),
        details.family_name.as_deref(),
        details.employee_id.as_deref(),
    )
}

/// The first free username of this base: "jdoe", "jdoe2" …; asked for in growing handfuls.
fn free_username(reader: &mut Reader<'_>, base: &str) -> Result<String> {
    let (mut first, mut handful) = (1, 4);
    loop {
        let candidates: Vec<String> =
            (first..first + handful).map(|number| usernames::numbered(base, number)).collect();
        let asked = candidates.iter().map(|name| (Space::Subject, name.as_str()));
        let held = names::holders(reader, asked)?;
        let free = candidates.into_iter().find(|name| held.of(Space::Subject, name).is_none());
        if let Some(free) = free {
            return Ok(free);
        }
        first += handful;
        handful = (handful * 4).min(1_024);
    }
}

fn blank(reader: &Reader<'_>, kind: Kind, source: Source) -> Account {
    Account {
        id: AccountId::new(reader.now, reader.entropy()),
        kind,
        status: Status::new(kind),
        manager: None,
        owner: None,
        worker_type: None,
        time_zone: None,
        starts_at: None,
        ends_at: None,
        source,
        strong_factor: false,
        created_at: reader.now,
        changed_at: reader.now,
        revision: 0,
    }
}

/// Every name of an account with what sort it is.
pub(super) fn names_of(details: &Details) -> Vec<(NameKind, &str)> {
    let optional = [
        (NameKind::ExternalId, &details.external_id),
        (NameKind::EmployeeId, &details.employee_id),
        (NameKind::Email, &details.email),
    ];
    let present = optional.into_iter().filter_map(|(kind, name)| name.as_deref().map(|name| (kind, name)));
    [(NameKind::Username, details.username.as_str())].into_iter().chain(present).collect()
}

fn create(tx: &mut Tx<'_>, account: Account, details: Details) -> Result<Account> {
    let wanted = names_of(&details);
    let held = names::holders(tx, wanted.iter().map(|(kind, name)| (kind.space(), *name)))?;
    if let Some((kind, _)) = wanted.iter().find(|(kind, name)| held.of(kind.space(), name).is_some()) {
        return Err(names::taken(*kind));
    }
    let draft = draft(tx, account, details)?;
    let mut entered = enter(tx, vec![draft])?;
    entered.pop().ok_or_else(|| Error::internal("creating an account", "it did not come back"))
}

/// A new account with its names' rows. The caller has seen that the names are free.
pub(super) fn draft(reader: &Reader<'_>, account: Account, details: Details) -> Result<Draft> {
    let mut wanted = names_of(&details);
    wanted.push((NameKind::Id, account.id.as_str()));
    let mut rows: Vec<NameRow> = Vec::with_capacity(wanted.len());
    for (kind, name) in wanted {
        let row = names::row(reader.vault(), reader.entropy(), reader.now, &account.id, (kind, name))?;
        // An external id that equals the username is one name of one account.
        if !rows.iter().any(|other| other.is_same_name(&row)) {
            rows.push(row);
        }
    }
    Ok(Draft { account, details, names: rows })
}

/// Writes new accounts with one event each; at most 200.
pub(super) fn enter(tx: &mut Tx<'_>, mut drafts: Vec<Draft>) -> Result<Vec<Account>> {
    let first = append::next_revision(tx)?;
    for (revision, draft) in (first..).zip(&mut drafts) {
        draft.account.revision = revision;
        let change = Change::AccountCreated {
            account: draft.account.id.clone(),
            account_kind: draft.account.kind.as_str().to_owned(),
            source: draft.account.source.as_str().to_owned(),
        };
        let row = draft.account.row()?;
        tx.record_rows(change, vec![row]);
    }
    store::insert(tx, &drafts)?;
    Ok(drafts.into_iter().map(|draft| draft.account).collect())
}
