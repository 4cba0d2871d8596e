//! What callers send about accounts, and what it means for the use cases.

use chrono_tz::Tz;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::super::changing::Patch;
use super::super::dates::Day;
use super::super::details::Attributes;
use super::super::{
    Account, Changes, Kind, NewPerson, NewService, Suspension, WorkerType, create_person, create_service,
    find, find_by_any,
};
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::organisation::parse_zone;

/// A new account. Managers and owners are given by id, username or employee id.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewAccount {
    kind: Option<Kind>,
    username: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    email: Option<String>,
    employee_id: Option<String>,
    external_id: Option<String>,
    manager: Option<String>,
    owner: Option<String>,
    department: Option<String>,
    job_title: Option<String>,
    location: Option<String>,
    sponsor: Option<String>,
    worker_type: Option<WorkerType>,
    purpose: Option<String>,
    time_zone: Option<String>,
    #[serde(alias = "starts_at")]
    start_date: Option<Day>,
    #[serde(alias = "ends_at")]
    end_date: Option<Day>,
    attributes: Option<Attributes>,
}

impl NewAccount {
    /// Creates the account; bare dates are days in the person's zone, else in `zone`.
    pub(super) fn create(self, tx: &mut Tx<'_>, zone: Tz) -> Result<Account> {
        match self.kind.unwrap_or(Kind::Person) {
            Kind::Person => self.person(tx, zone),
            Kind::Service => self.service(tx),
        }
    }

    fn person(self, tx: &mut Tx<'_>, zone: Tz) -> Result<Account> {
        if self.owner.is_some() || self.purpose.is_some() {
            return Err(Error::field(
                "owner",
                "a person has a manager; owner and purpose belong to services",
            ));
        }
        let blank = |name: &Option<String>| name.as_deref().is_none_or(|name| name.trim().is_empty());
        if blank(&self.given_name) && blank(&self.family_name) {
            let detail = "must be there: an account names one person";
            return Err(Error::field_by_clause("family_name", detail, "E5.2"));
        }
        let zone = zone_of(self.time_zone.as_deref(), zone)?;
        let new = NewPerson {
            username: self.username,
            given_name: self.given_name,
            family_name: self.family_name,
            email: self.email,
            employee_id: self.employee_id,
            external_id: self.external_id,
            manager: self.manager.map(|name| means(tx, "manager", &name)).transpose()?,
            department: self.department,
            job_title: self.job_title,
            location: self.location,
            sponsor: self.sponsor,
            worker_type: self.worker_type,
            time_zone: self.time_zone,
            starts_at: self.start_date.map(|day| day.begins(zone)),
            ends_at: self.end_date.map(|day| day.ends(zone)),
            attributes: self.attributes.unwrap_or_default(),
        };
        create_person(tx, new)
    }

    fn service(self, tx: &mut Tx<'_>) -> Result<Account> {
        let owner = self.owner.ok_or_else(|| {
            Error::field_by_clause("owner", "must be there: somebody answers for every service", "E5.2")
        })?;
        if self.manager.is_some() {
            return Err(Error::field("manager", "a service has an owner, not a manager"));
        }
        let new = NewService {
            username: self.username.ok_or_else(|| Error::field("username", "must be there for a service"))?,
            owner: means(tx, "owner", &owner)?,
            purpose: self.purpose,
            external_id: self.external_id,
            attributes: self.attributes.unwrap_or_default(),
        };
        create_service(tx, new)
    }
}

/// The account that a name means, typed into this field.
pub(super) fn means(reader: &mut Reader<'_>, field: &'static str, name: &str) -> Result<AccountId> {
    match find_by_any(reader, name.trim()) {
        Ok(account) => Ok(account.id),
        Err(Error::NotFound(_)) => Err(Error::field(field, "means nobody here")),
        Err(error) => Err(error),
    }
}

fn zone_of(own: Option<&str>, organisation: Tz) -> Result<Tz> {
    own.filter(|zone| !zone.trim().is_empty()).map_or(Ok(organisation), |zone| parse_zone("time_zone", zone))
}

/// What is to change: absent fields stay, `null` clears.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountPatch {
    username: Option<String>,
    reason: Option<String>,
    #[serde(deserialize_with = "given")]
    given_name: Patch<String>,
    #[serde(deserialize_with = "given")]
    family_name: Patch<String>,
    #[serde(deserialize_with = "given")]
    email: Patch<String>,
    #[serde(deserialize_with = "given")]
    employee_id: Patch<String>,
    #[serde(deserialize_with = "given")]
    external_id: Patch<String>,
    #[serde(deserialize_with = "given")]
    manager: Patch<String>,
    owner: Option<String>,
    #[serde(deserialize_with = "given")]
    department: Patch<String>,
    #[serde(deserialize_with = "given")]
    job_title: Patch<String>,
    #[serde(deserialize_with = "given")]
    location: Patch<String>,
    #[serde(deserialize_with = "given")]
    sponsor: Patch<String>,
    worker_type: Option<WorkerType>,
    #[serde(deserialize_with = "given")]
    purpose: Patch<String>,
    #[serde(deserialize_with = "given")]
    time_zone: Patch<String>,
    #[serde(deserialize_with = "given", alias = "starts_at")]
    start_date: Patch<Day>,
    #[serde(deserialize_with = "given", alias = "ends_at")]
    end_date: Patch<Day>,
    attributes: Option<Attributes>,
}

/// Reads a field that is there: `null` clears it.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Patch<T>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

impl AccountPatch {
    /// Refuses that somebody chooses who decides for them, or when they leave.
    pub(super) fn check_own(&self, caller: &Caller, id: &AccountId) -> Result<()> {
        let decisive = self.manager.is_some() || self.start_date.is_some() || self.end_date.is_some();
        if decisive && caller.account() == Some(id) {
            let help =
                "Nobody changes their own manager, start or end; ask somebody else who looks after people.";
            return Err(Error::forbidden("own-account", help));
        }
        Ok(())
    }

    /// What it means for this account; bare dates are days in the person's zone, else in `zone`.
    pub(super) fn changes(self, reader: &mut Reader<'_>, id: &AccountId, zone: Tz) -> Result<Changes> {
        let account = find(reader, id)?;
        let own = self.time_zone.clone().unwrap_or(account.time_zone);
        let zone = zone_of(own.as_deref(), zone)?;
        let manager = match self.manager {
            Some(Some(name)) => Some(Some(means(reader, "manager", &name)?)),
            Some(None) => Some(None),
            None => None,
        };
        Ok(Changes {
            username: self.username,
            reason: self.reason,
            given_name: self.given_name,
            family_name: self.family_name,
            email: self.email,
            employee_id: self.employee_id,
            external_id: self.external_id,
            department: self.department,
            job_title: self.job_title,
            location: self.location,
            sponsor: self.sponsor,
            purpose: self.purpose,
            attributes: self.attributes,
            manager,
            owner: self.owner.map(|name| means(reader, "owner", &name)).transpose()?,
            worker_type: self.worker_type,
            time_zone: self.time_zone,
            starts_at: self.start_date.map(|day| day.map(|day| day.begins(zone))),
            ends_at: self.end_date.map(|day| day.map(|day| day.ends(zone))),
            end_of_file: None,
        })
    }
}

/// Why somebody is to rest, and until when.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Suspended {
    /// Why, by kind.
    #[serde(alias = "for", alias = "suspended_for")]
    pub(super) cause: Suspension,
    /// When it ends by itself.
    #[serde(alias = "suspended_until")]
    pub(super) until: Option<Timestamp>,
    /// Why, in words.
    pub(super) reason: Option<String>,
}

impl Default for Suspended {
    fn default() -> Self {
        Self { cause: Suspension::Security, until: None, reason: None }
    }
}

/// Why somebody is back.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reinstatement {
    /// Why, in words.
    pub(super) reason: Option<String>,
}

/// A JSON body that may be left out.
///
/// # Errors
/// [`Error::Invalid`] for anything else; the parser's words are not repeated, they could quote what was sent.
pub(super) fn optional<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    serde_json::from_slice(body)
        .map_err(|_| Error::field("body", "must be JSON with the fields that this call takes, or nothing"))
}
