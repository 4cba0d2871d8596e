//! What callers send about accounts, and what it means for the use cases.

use chrono_tz::Tz;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::super::changing::Patch;
use super::super::dates::Day;
use super::super::details::{Attributes, attributes_schema};
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
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewAccount {
    kind: Option<Kind>,
    #[schema(max_length = 100)]
    username: Option<String>,
    #[schema(max_length = 100)]
    given_name: Option<String>,
    #[schema(max_length = 100)]
    family_name: Option<String>,
    #[schema(max_length = 254)]
    email: Option<String>,
    #[schema(max_length = 200)]
    employee_id: Option<String>,
    #[schema(max_length = 200)]
    external_id: Option<String>,
    #[schema(max_length = 200)]
    manager: Option<String>,
    #[schema(max_length = 200)]
    owner: Option<String>,
    #[schema(max_length = 200)]
    department: Option<String>,
    #[schema(max_length = 200)]
    job_title: Option<String>,
    #[schema(max_length = 200)]
    location: Option<String>,
    #[schema(max_length = 200)]
    sponsor: Option<String>,
    worker_type: Option<WorkerType>,
    #[schema(max_length = 200)]
    purpose: Option<String>,
    #[schema(max_length = 100)]
    time_zone: Option<String>,
    #[serde(alias = "starts_at")]
    start_date: Option<Day>,
    #[serde(alias = "ends_at")]
    end_date: Option<Day>,
    #[schema(schema_with = attributes_schema)]
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
        let of_people = [
            ("given_name", self.given_name.is_some()),
            ("family_name", self.family_name.is_some()),
            ("email", self.email.is_some()),
            ("employee_id", self.employee_id.is_some()),
            ("department", self.department.is_some()),
            ("job_title", self.job_title.is_some()),
            ("location", self.location.is_some()),
            ("sponsor", self.sponsor.is_some()),
            ("worker_type", self.worker_type.is_some()),
            ("time_zone", self.time_zone.is_some()),
            ("start_date", self.start_date.is_some()),
            ("end_date", self.end_date.is_some()),
        ];
        if let Some((field, _)) = of_people.into_iter().find(|(_, given)| *given) {
            return Err(Error::field(field, "belongs to people; leave it out for a service"));
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
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountPatch {
    #[schema(max_length = 100)]
    username: Option<String>,
    #[schema(max_length = 1000)]
    reason: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 100, value_type = Option<String>)]
    given_name: Patch<String>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 100, value_type = Option<String>)]
    family_name: Patch<String>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 254, value_type = Option<String>)]
    email: Patch<String>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 200, value_type = Option<String>)]
    employee_id: Patch<String>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 200, value_type = Option<String>)]
    external_id: Patch<String>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 200, value_type = Option<String>)]
    manager: Patch<String>,
    #[schema(max_length = 200)]
    owner: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 200, value_type = Option<String>)]
    department: Patch<String>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 200, value_type = Option<String>)]
    job_title: Patch<String>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 200, value_type = Option<String>)]
    location: Patch<String>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 200, value_type = Option<String>)]
    sponsor: Patch<String>,
    worker_type: Option<WorkerType>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 200, value_type = Option<String>)]
    purpose: Patch<String>,
    #[serde(deserialize_with = "given")]
    #[schema(max_length = 100, value_type = Option<String>)]
    time_zone: Patch<String>,
    #[serde(deserialize_with = "given", alias = "starts_at")]
    #[schema(value_type = Option<Day>)]
    start_date: Patch<Day>,
    #[serde(deserialize_with = "given", alias = "ends_at")]
    #[schema(value_type = Option<Day>)]
    end_date: Patch<Day>,
    #[schema(schema_with = attributes_schema)]
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
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Suspended {
    /// Why, by kind.
    #[serde(alias = "for", alias = "suspended_for")]
    pub(super) cause: Suspension,
    /// When it ends by itself.
    #[serde(alias = "suspended_until")]
    pub(super) until: Option<Timestamp>,
    /// Why, in words.
    #[schema(max_length = 1000)]
    pub(super) reason: Option<String>,
}

impl Default for Suspended {
    fn default() -> Self {
        Self { cause: Suspension::Security, until: None, reason: None }
    }
}

/// Why somebody is back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reinstatement {
    /// Why, in words.
    #[schema(max_length = 1000)]
    pub(super) reason: Option<String>,
}
