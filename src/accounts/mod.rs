//! People and services: who they are, their names, how they join, move and rest, and the import of the people file.
//!
//! Rules: one account for one person, its id for ever (O7.1); every account names a person or, for a service, has an
//! owner who is one (E5.2); what is personal stands in sealed columns only; whether an account counts is judged
//! against the clock ([`Account::standing`]), never by a job. May call `organisation` and the rooms below all slices;
//! it is the lowest slice and calls no other.

mod changing;
pub mod dates;
pub mod details;
pub mod directory;
pub mod emails;
pub mod http;
pub mod import;
mod joining;
mod managers;
mod moving;
pub mod names;
pub mod past;
pub mod state;
mod store;
pub mod usernames;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use changing::{Changes, change};
pub use details::Details;
pub use directory::Directory;
pub use joining::{NewPerson, NewService, create_person, create_person_from, create_service};
pub use managers::{chain, reports, team};
pub use moving::{enrol, mark_left, rehire, reinstate, set_strong_factor, suspend};
pub use state::{Kind, Standing, State, Status, Suspension};

use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Row;
use crate::text_enum;
use crate::vault::{Vault, fold};
use names::Space;

text_enum! {
    /// How a person works here.
    pub enum WorkerType {
        /// Employed.
        Employee = "employee",
        /// Under a contract of their own.
        Contractor = "contractor",
        /// Sent by an agency.
        Agency = "agency",
        /// From another firm.
        External = "external",
        /// Learning.
        Intern = "intern",
        /// Anything else.
        Other = "other",
    }
}

text_enum! {
    /// Where an account came from.
    pub enum Source {
        /// Somebody made it by hand.
        Manual = "manual",
        /// The people file.
        File = "people-file",
        /// The company's identity provider, when they first signed in.
        IdentityProvider = "identity-provider",
    }
}

/// One digital identity, without its personal part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id, for ever.
    pub id: AccountId,
    /// A person or a service.
    pub kind: Kind,
    /// Where it stands, as its row has it; [`Account::standing`] judges it.
    pub status: Status,
    /// The person's manager.
    pub manager: Option<AccountId>,
    /// The service's owner.
    pub owner: Option<AccountId>,
    /// How the person works here; `None` for a service.
    pub worker_type: Option<WorkerType>,
    /// The zone in which the person's days begin and end, if it is not the organisation's.
    pub time_zone: Option<String>,
    /// The first instant at which it counts.
    pub starts_at: Option<Timestamp>,
    /// The first instant at which it does not count any more.
    pub ends_at: Option<Timestamp>,
    /// Where it came from.
    pub source: Source,
    /// Whether a strong factor is enrolled.
    pub strong_factor: bool,
    /// When it began.
    pub created_at: Timestamp,
    /// When it changed last.
    pub changed_at: Timestamp,
    /// The number of the event that changed it last.
    pub revision: u64,
}

/// An account with its personal part: only for callers who may read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The account.
    pub account: Account,
    /// Its personal part.
    pub details: Details,
}

/// What decides about an account: the columns whose digest the log keeps.
#[derive(Serialize)]
struct Governed<'a> {
    kind: Kind,
    status: &'a Status,
    manager: &'a Option<AccountId>,
    owner: &'a Option<AccountId>,
    worker_type: Option<WorkerType>,
    time_zone: &'a Option<String>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    strong_factor: bool,
}

impl Account {
    /// Whether it counts at `now`.
    pub fn standing(&self, now: Timestamp) -> Standing {
        self.status.standing(self.starts_at, self.ends_at, now)
    }

    /// The status as it counts at `now`: a suspension that has run out is over.
    pub fn status_at(&self, now: Timestamp) -> Status {
        self.status.at(self.kind, now)
    }

    /// The digest of the row, for the event that changed it.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written as JSON.
    pub fn row(&self) -> Result<Row> {
        let governed = Governed {
            kind: self.kind,
            status: &self.status,
            manager: &self.manager,
            owner: &self.owner,
            worker_type: self.worker_type,
            time_zone: &self.time_zone,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            strong_factor: self.strong_factor,
        };
        Row::of("accounts", self.id.as_str(), &governed)
    }
}

/// What a list of accounts may be narrowed by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Only accounts of this kind.
    pub kind: Option<Kind>,
    /// Only accounts whose row has this state.
    pub state: Option<State>,
    /// Only the account that this username means.
    pub username: Option<String>,
    /// Only the person with this employee id.
    pub employee_id: Option<String>,
    /// Only people of this department, in whatever spelling.
    pub department: Option<String>,
    /// Only people who report to this account.
    pub manager: Option<AccountId>,
    /// Only services that this account owns.
    pub owner: Option<AccountId>,
}

/// The account of that id.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub fn find(reader: &mut Reader<'_>, id: &AccountId) -> Result<Account> {
    find_many(reader, std::slice::from_ref(id))?.pop().ok_or(Error::NotFound("account"))
}

/// The accounts of these ids, in no particular order; ids that mean nothing are left out. At most 1,000 a call.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn find_many(reader: &mut Reader<'_>, ids: &[AccountId]) -> Result<Vec<Account>> {
    store::by_ids(reader, ids)
}

/// The account that any of its names means at this moment: id, username (also one given up less than 90 days ago),
/// external id, or `issuer|subject`.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn find_by_name(reader: &mut Reader<'_>, name: &str) -> Result<Option<Account>> {
    find_in(reader, Space::Subject, name)
}

/// The person with that employee id.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn find_by_employee_id(reader: &mut Reader<'_>, employee_id: &str) -> Result<Option<Account>> {
    find_in(reader, Space::EmployeeId, employee_id)
}

/// The person with that e-mail address.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn find_by_email(reader: &mut Reader<'_>, email: &str) -> Result<Option<Account>> {
    find_in(reader, Space::Email, email)
}

/// Lets an account be asked by `issuer|subject` too, as an identity provider names it.
///
/// # Errors
/// [`Error::Conflict`] `name-taken` if that means, or ever meant, another account.
pub fn add_federated_name(tx: &mut Tx<'_>, id: &AccountId, name: &str) -> Result<()> {
    names::take(tx, id, names::NameKind::Federated, name)
}

/// Lets an account be asked by such a name no more; the name is free again.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn remove_federated_name(tx: &mut Tx<'_>, id: &AccountId, name: &str) -> Result<()> {
    names::give_up(tx, id, names::NameKind::Federated, name)
}

/// The account that a person means who types a username, an account id, an external id or an employee id.
///
/// # Errors
/// [`Error::NotFound`] if it means nobody.
pub fn find_by_any(reader: &mut Reader<'_>, text: &str) -> Result<Account> {
    if let Some(account) = find_by_name(reader, text)? {
        return Ok(account);
    }
    find_by_employee_id(reader, text)?.ok_or(Error::NotFound("account"))
}

fn find_in(reader: &mut Reader<'_>, space: Space, text: &str) -> Result<Option<Account>> {
    // Longer than every name: not worth a question, and not a way to make the house work.
    if text.len() > 4 * details::LONGEST_TEXT {
        return Ok(None);
    }
    match names::resolve(reader, space, text)? {
        Some(id) => find(reader, &id).map(Some),
        None => Ok(None),
    }
}

/// The account of that id with its personal part.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub fn find_named(reader: &mut Reader<'_>, id: &AccountId) -> Result<Named> {
    named(reader, std::slice::from_ref(id))?.pop().ok_or(Error::NotFound("account"))
}

/// The accounts of these ids with their personal part, in no particular order. At most 1,000 a call.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database or details that do not open.
pub fn named(reader: &mut Reader<'_>, ids: &[AccountId]) -> Result<Vec<Named>> {
    store::named_by_ids(reader, ids)
}

/// Accounts that match, ordered by id, from the one after `after`; at most `limit`.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn list(
    reader: &mut Reader<'_>,
    filter: &Filter,
    after: Option<&AccountId>,
    limit: u32,
) -> Result<Vec<Named>> {
    match exactly(reader, filter)? {
        None => Ok(Vec::new()),
        Some(exact) => store::list(reader, filter, exact.as_deref(), after, limit),
    }
}

/// As [`list`], but only accounts among these.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn list_among(
    reader: &mut Reader<'_>,
    filter: &Filter,
    among: &BTreeSet<AccountId>,
    after: Option<&AccountId>,
    limit: u32,
) -> Result<Vec<Named>> {
    let Some(exact) = exactly(reader, filter)? else { return Ok(Vec::new()) };
    let eligible = |id: &&AccountId| {
        after.is_none_or(|after| *id > after) && exact.as_ref().is_none_or(|exact| exact.contains(id))
    };
    let eligible: Vec<AccountId> = among.iter().filter(eligible).cloned().collect();
    let mut found = Vec::new();
    for ids in eligible.chunks(500) {
        let room = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(limit));
        if room == 0 {
            break;
        }
        found.extend(store::list(reader, filter, Some(ids), None, room)?);
    }
    Ok(found)
}

/// The one account that the filter names, in a list of its own; an inner `None` if it names none in particular, an
/// outer one if what it names is not there.
fn exactly(reader: &mut Reader<'_>, filter: &Filter) -> Result<Option<Option<Vec<AccountId>>>> {
    let mut exact: Option<AccountId> = None;
    for (space, name) in [(Space::Subject, &filter.username), (Space::EmployeeId, &filter.employee_id)] {
        let Some(name) = name else { continue };
        let Some(found) = find_in(reader, space, name)? else { return Ok(None) };
        if exact.is_some_and(|other| other != found.id) {
            return Ok(None);
        }
        exact = Some(found.id);
    }
    Ok(Some(exact.map(|id| vec![id])))
}

/// The departments there are: the blind index that lists are narrowed by in an address, and the name as somebody has
/// it, in order of names.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database or details that do not open.
pub fn departments(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for (digest, id) in store::departments(reader)? {
        let named = find_named(reader, &id)?;
        found.extend(named.details.department.map(|department| (digest, department)));
    }
    found.sort_by_cached_key(|(_, department)| fold(department));
    Ok(found)
}

/// The accounts of the department with that blind index.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn in_department(reader: &mut Reader<'_>, digest: &str) -> Result<Vec<AccountId>> {
    store::in_department(reader, digest)
}

/// The blind indexes of a department's name, in whatever spelling: what to ask `accounts.department_digest` for.
pub fn department_indexes(vault: &Vault, department: &str) -> Vec<String> {
    vault.blind_indexes(store::DEPARTMENT, department)
}

/// The ids of the services that an account owns and that are not retired, at most 1,000.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn owned_services(reader: &mut Reader<'_>, owner: &AccountId) -> Result<Vec<AccountId>> {
    store::owned_services(reader, owner)
}

/// How many accounts there are of each kind and state.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn counts(reader: &mut Reader<'_>) -> Result<Vec<(Kind, State, u64)>> {
    store::counts(reader)
}

/// How many people who are in have no manager; who has left is not counted.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn without_manager(reader: &mut Reader<'_>) -> Result<u64> {
    store::without_manager(reader)
}

/// The ids of the people whose end has passed and who have not left yet, oldest end first: whom a leaver's case is
/// due for.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn ended(reader: &mut Reader<'_>, limit: u32) -> Result<Vec<AccountId>> {
    store::ended(reader, limit)
}

/// The governed rows of `accounts` after `after` in order of id, for the log's comparison with the table.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn governed(reader: &mut Reader<'_>, after: &str, limit: i64) -> Result<Vec<Row>> {
    store::page(reader, after, limit)?.iter().map(Account::row).collect()
}
