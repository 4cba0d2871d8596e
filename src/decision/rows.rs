//! What the index is built from: rows as a store reads them, in the domain's words.
//!
//! Rules: rows carry no personal data but the names a subject can be asked by; what a row cannot say is not decided
//! here. Pure; calls `access::catalogue` for the words of a catalogue.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use crate::access::catalogue::{Application, Role};
use crate::access::networks::Network;
use crate::clock::Timestamp;
use crate::ids::{AccountId, GrantId, KillSwitchId};

/// Whether a subject is a person or a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// A person; asked for with `subject.type` `user`.
    Person,
    /// A service; asked for with `subject.type` `service`.
    Service,
}

impl SubjectKind {
    /// The word of `subject.type` that means this kind.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Person => "user",
            Self::Service => "service",
        }
    }
}

/// Where an account stands, as far as it matters for decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectState {
    /// Lacks only a credential; for decisions it is as good as active.
    Invited,
    /// May act.
    Active,
    /// May not act before `until`; without one, until somebody says so.
    Suspended {
        /// The first instant at which the account may act again.
        until: Option<Timestamp>,
    },
    /// Gone.
    Left,
    /// Gone, and its data too.
    Erased,
}

/// Whether a grant counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantState {
    /// It counts, within its bounds.
    Active,
    /// It counts, within bounds that a prerequisite makes narrower: it ends where the attestation does.
    Bound,
    /// It rests until somebody decides.
    Suspended,
    /// It is over.
    Ended,
}

/// A role given to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRow {
    /// Which grant.
    pub id: GrantId,
    /// The role as `app/role`. A role that is not in force gives nothing.
    pub role: String,
    /// Whether it counts.
    pub state: GrantState,
    /// The first instant at which it counts.
    pub valid_from: Timestamp,
    /// The first instant at which it counts no more; `None` for no end.
    pub expires_at: Option<Timestamp>,
    /// Limits it to these values of these properties of the resource, all of which must be given.
    pub scope: Option<BTreeMap<String, Vec<String>>>,
}

/// An account with everything that decides what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRow {
    /// Which account.
    pub account: AccountId,
    /// Person or service.
    pub kind: SubjectKind,
    /// Every name it can be asked by: its id, its usernames, its external ids.
    pub names: Vec<String>,
    /// Where it stands.
    pub state: SubjectState,
    /// The first instant at which it may act; `None` for no beginning.
    pub valid_from: Option<Timestamp>,
    /// The first instant at which it may act no more; `None` for no end.
    pub valid_until: Option<Timestamp>,
    /// Whether it can prove itself strongly: a second factor, or for a service a certificate or bound networks.
    pub strong_factor: bool,
    /// Whether somebody names this person as manager.
    pub is_manager: bool,
    /// Whether an application names this person as owner.
    pub is_owner: bool,
    /// Its grants, those that rest or are over included or not.
    pub grants: Vec<GrantRow>,
}

/// A role in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    /// The key of its application.
    pub application: String,
    /// What it gives.
    pub role: Role,
}

impl RoleRow {
    /// The role's name in grants: `app/role`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.application, self.role.key)
    }
}

/// The catalogue in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyRows {
    /// The applications with their features and records. Their own lists of roles are not read.
    pub applications: Vec<Application>,
    /// Every role in force: those of the catalogues, and the private roles of services.
    pub roles: Vec<RoleRow>,
    /// The parameters of the profile in force that are counted in days, which a `within` may name.
    pub day_parameters: BTreeMap<String, u32>,
    /// The networks that have names.
    pub networks: BTreeMap<String, Vec<Network>>,
    /// The organisation's zone; UTC if there is none.
    pub zone: Option<Tz>,
}

impl PolicyRows {
    /// Catalogues with exactly the roles they list.
    pub fn of_catalogues(applications: Vec<Application>, day_parameters: BTreeMap<String, u32>) -> Self {
        let roles = applications.iter().flat_map(|application| {
            let row = |role: &Role| RoleRow { application: application.key.clone(), role: role.clone() };
            application.roles.iter().map(row)
        });
        Self { roles: roles.collect(), applications, day_parameters, ..Self::default() }
    }
}

/// A kill switch that is pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillSwitchRow {
    /// Which kill switch.
    pub id: KillSwitchId,
    /// What it stops: `*`, an application, `app/feature`, or an account's id.
    pub target: String,
}

/// Something that is denied until a person clears it, because two ways of judging it differed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinRow {
    /// Whose access.
    pub account: AccountId,
    /// The permission as `app/feature:action`; `None` for everything.
    pub permission: Option<String>,
}
