//! Applications and roles as the database holds them: what a catalogue said, with owner, state and revision.
//!
//! Rules: an application's stored specification names neither its owner (a username is personal) nor its roles, which
//! are rows of their own; both come back when it is exported. Calls `catalogue` and the rooms below all slices.

use serde::{Deserialize, Serialize};

use super::catalogue::{Application, Class, Role};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::AccountId;
use crate::log::event::Row;

/// One application in force or retired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationRecord {
    /// Its key.
    pub key: String,
    /// Who owns it; `None` only for `bailiwick` until the first run is done.
    pub owner: Option<AccountId>,
    /// What its catalogue says, without owner and roles.
    pub specification: Application,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// When it went out of use, if it did.
    pub retired_at: Option<Timestamp>,
    /// The revision of its last change.
    pub revision: u64,
}

/// One role in force or retired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRecord {
    /// `application/role`.
    pub id: String,
    /// The key of its application.
    pub application: String,
    /// The most sensitive class that it reaches.
    pub class: Class,
    /// Whether it is an access role: it guards PII and is never given without approval.
    pub access_role: bool,
    /// The service for which alone it was made with an API key.
    pub private_to: Option<AccountId>,
    /// What its catalogue says.
    pub specification: Role,
    /// Its place in the catalogue, from 0.
    pub place: u32,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// When it went out of use, if it did.
    pub retired_at: Option<Timestamp>,
    /// The revision of its last change.
    pub revision: u64,
}

/// A role's specification as its column holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredRole {
    pub(super) place: u32,
    pub(super) role: Role,
}

impl ApplicationRecord {
    /// The digest of what governs: everything but times and revision.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written as JSON.
    pub fn governed(&self) -> Result<Row> {
        let retired = self.retired_at.is_some();
        Row::of("applications", &self.key, &(&self.owner, &self.specification, retired))
    }
}

impl RoleRecord {
    /// The digest of what governs: everything but times and revision.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written as JSON.
    pub fn governed(&self) -> Result<Row> {
        let retired = self.retired_at.is_some();
        let decides = (self.class, self.access_role, &self.private_to, &self.specification, retired);
        Row::of("roles", &self.id, &decides)
    }

    /// Whether nobody can be given this role: it comes by itself, with employment or with a position.
    pub fn comes_by_itself(&self) -> bool {
        self.specification.birthright || self.specification.position.is_some()
    }
}

/// The application part and the role part of a role's id.
///
/// # Errors
/// [`Error::Invalid`] if it is not `application/role`.
pub fn split_role(id: &str) -> Result<(&str, &str)> {
    id.split_once('/')
        .filter(|(application, role)| super::names::is_key(application) && super::names::is_key(role))
        .ok_or_else(|| Error::field("role", "must be APPLICATION/ROLE, such as orders/address-reader"))
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|cause| Error::internal("writing a column", cause))
}

pub(super) fn from_json<'a, T: Deserialize<'a>>(text: &'a str, doing: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|cause| Error::internal(doing, cause))
}
