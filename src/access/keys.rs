//! API keys: how a service proves who it is, and the private roles that say what it may do.
//!
//! Rules: a key belongs to a service, which has an owner; it ends, at the latest after the profile's `api_key.max_age`;
//! its token is shown once and kept as a digest; what it may do stands in private roles of its service, one for each
//! application, whose grants end with it and are reviewed like any other. A permission of class `pii` goes into an
//! access role, which this does not grant: it is asked for, and approved by somebody else (DESIGN §4, no side doors).
//! Calls `accounts`, `grants`, `permissions`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};

use super::catalogue::{Allow, Application, ApprovalStep, Class, Role};
use super::grants::{self, Grant, NewGrant, Source};
use super::lint::OWN_APPLICATION;
use super::names::is_key;
use super::networks::Network;
use super::permissions::{Permissions, Wish};
use super::records::RoleRecord;
use super::store::{catalogue as catalogue_store, keys as store};
use super::{apply, roles};
use crate::accounts::{self, NewService};
use crate::caller::Actor;
use crate::clock::Timestamp;
use crate::db::{Reader, Tx};
use crate::entropy::token;
use crate::error::{Error, Result};
use crate::ids::{AccountId, KeyId};
use crate::log::append::next_revision;
use crate::log::event::Change;

/// What every token begins with, so that a leaked one is recognised.
pub const PREFIX: &str = "bwk_";
/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 100;
/// The most names in `asserts` or `networks`.
const MAX_NAMES: usize = 50;

/// A key that is wanted.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What the service is called: a key of the catalogue's kind.
    pub name: String,
    /// The person who answers for it.
    pub owner: AccountId,
    /// What it may do, `application/feature:action` each.
    pub allow: Vec<String>,
    /// The application whose features it asks about by their short names.
    pub application: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What it may assert in properties and context; `None` for what is usual for the feature.
    pub asserts: Option<Vec<String>>,
    /// Where it may call from; anywhere if empty.
    pub networks: Vec<Network>,
}

/// A key that was issued.
#[derive(Debug)]
pub struct Issued {
    /// The service's account.
    pub account: AccountId,
    /// The key.
    pub key: KeyId,
    /// The token. It is nowhere else.
    pub token: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The grants of its ordinary private roles.
    pub grants: Vec<Grant>,
    /// Its private access roles, `application/role`, which are asked for and not granted here.
    pub awaiting: Vec<String>,
}

/// A key as it is kept, without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCaller {
    /// The service's account.
    pub account: AccountId,
    /// The key.
    pub key: KeyId,
    /// The application whose features it asks about by their short names.
    pub application: Option<String>,
    /// What it may assert; `None` for what is usual for the feature.
    pub asserts: Option<Vec<String>>,
    /// Where it may call from; anywhere if empty.
    pub networks: Vec<Network>,
    /// Whether it may have decisions about personal data explained: only if that was allowed by name.
    pub explains_pii: bool,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl KeyCaller {
    /// Whether the key opens the door at `now` for a call from `peer`.
    pub fn counts(&self, now: Timestamp, peer: Option<IpAddr>) -> bool {
        let from_here = self.networks.is_empty()
            || peer.is_some_and(|peer| self.networks.iter().any(|network| network.contains(peer)));
        self.revoked_at.is_none() && now < self.expires_at && from_here
    }
}

/// The digest under which a token is kept; `None` for what cannot be one.
pub fn digest_of(token: &str) -> Option<String> {
    let fits = token.len() <= LONGEST_TOKEN && token.starts_with(PREFIX);
    fits.then(|| hex::encode(digest(&SHA256, token.as_bytes())))
}

/// Makes a service with a key, its private roles, and grants of those that open no personal data.
///
/// # Errors
/// [`Error::Invalid`] for permissions that do not exist, an end that is too late, or an owner who is none;
/// [`Error::Conflict`] if the name is taken.
pub fn issue(tx: &mut Tx<'_>, wanted: &NewKey) -> Result<Issued> {
    check(tx, wanted)?;
    let permissions = wished(tx, wanted)?;
    let service = NewService {
        username: wanted.name.clone(),
        owner: wanted.owner.clone(),
        purpose: None,
        external_id: None,
        attributes: Default::default(),
    };
    let account = accounts::create_service(tx, service)?.id;
    let (mut given, mut awaiting) = (Vec::new(), Vec::new());
    for role in private_roles(tx, wanted, &account, &permissions)? {
        if role.access_role {
            awaiting.push(role.id);
        } else {
            given.push(grants::grant(tx, &first_grant(wanted, &account, &role.id))?);
        }
    }
    let token = format!("{PREFIX}{}", token(tx.entropy()));
    let key = KeyCaller {
        account: account.clone(),
        key: KeyId::new(tx.now, tx.entropy()),
        application: wanted.application.clone(),
        asserts: wanted.asserts.clone(),
        networks: wanted.networks.clone(),
        explains_pii: permissions.names(OWN_APPLICATION, "evaluation", "explain"),
        expires_at: wanted.expires_at,
        revoked_at: None,
    };
    store::insert(tx, &key, &digest_of(&token).unwrap_or_default())?;
    // A key bound to networks is a service's strong factor, which access roles presume.
    let rows = match wanted.networks.is_empty() {
        true => Vec::new(),
        false => vec![accounts::set_strong_factor(tx, &account, true)?],
    };
    let change =
        Change::KeyIssued { account: account.clone(), key: key.key.clone(), expires_at: key.expires_at };
    tx.record_rows(change, rows);
    Ok(Issued { account, key: key.key, token, expires_at: key.expires_at, grants: given, awaiting })
}

fn check(tx: &mut Tx<'_>, wanted: &NewKey) -> Result<()> {
    if !is_key(&format!("key-{}-pii", wanted.name)) {
        let shape =
            "must begin with a letter a to z and go on with a to z, 0 to 9, \"-\" and \"_\", 50 at most";
        return Err(Error::field("name", shape));
    }
    let latest = tx.profile().api_key().max_age.after(tx.now.utc()).map(Timestamp::from);
    if wanted.expires_at <= tx.now || latest.is_none_or(|latest| wanted.expires_at > latest) {
        let clauses = tx.profile().clauses("api_key.max_age").first().map(ToString::to_string);
        let advice = "must lie ahead, no further than the profile's api_key.max_age";
        return Err(match clauses {
            Some(clause) => Error::field_by_clause("expires", advice, clause),
            None => Error::field("expires", advice),
        });
    }
    if let Some(application) = &wanted.application {
        roles::application(tx, application)
            .map_err(|_| Error::field("app", "there is no such application"))?;
    }
    let names = wanted.asserts.iter().flatten();
    if names.clone().count() > MAX_NAMES || wanted.networks.len() > MAX_NAMES {
        return Err(Error::field("asserts", format!("at most {MAX_NAMES} names and networks")));
    }
    for name in names {
        if let Some((what, _)) = super::names::fault_of_text(name) {
            return Err(Error::field("asserts", what));
        }
    }
    Ok(())
}

/// What is wished for, held against the catalogues. Everything at once is for the host's shell alone.
fn wished(tx: &mut Tx<'_>, wanted: &NewKey) -> Result<Permissions> {
    let mut permissions = Permissions::default();
    for text in &wanted.allow {
        match text.parse::<Wish>().map_err(|advice| Error::field("allow", advice))? {
            Wish::Everything if matches!(tx.caller.actor, Actor::Shell { .. }) => {
                permissions.add_everything(&roles::catalogue(tx, OWN_APPLICATION)?);
            }
            Wish::Everything => {
                return Err(Error::field(
                    "allow",
                    "name each permission; all at once is for the host's shell",
                ));
            }
            Wish::One { application, feature, action } => {
                let known = roles::catalogue(tx, &application).map_err(|_| {
                    Error::field("allow", format!("there is no application \"{application}\""))
                })?;
                permissions.add(&known, &feature, &action)?;
            }
        }
    }
    Ok(permissions)
}

/// The private roles, written: for each application one that opens no personal data, and one that does.
fn private_roles(
    tx: &mut Tx<'_>,
    wanted: &NewKey,
    account: &AccountId,
    permissions: &Permissions,
) -> Result<Vec<RoleRecord>> {
    let mut made = Vec::new();
    for key in permissions.applications() {
        let application = roles::catalogue(tx, &key)?;
        for (pii, suffix) in [(false, ""), (true, "-pii")] {
            let allows: Vec<Allow> = permissions.allows(&application, pii);
            if !allows.is_empty() {
                let name = format!("key-{}{suffix}", wanted.name);
                made.push(private_role(tx, account, &application, name, allows)?);
            }
        }
    }
    Ok(made)
}

fn private_role(
    tx: &mut Tx<'_>,
    account: &AccountId,
    application: &Application,
    key: String,
    allows: Vec<Allow>,
) -> Result<RoleRecord> {
    let mut role = Role { key, allows, ..Role::default() };
    let class = application.class_of(&role);
    role.access_role = class == Class::Pii;
    if role.access_role {
        role.approval = vec![ApprovalStep::by_owner()];
    }
    let record = RoleRecord {
        id: format!("{}/{}", application.key, role.key),
        application: application.key.clone(),
        class,
        access_role: role.access_role,
        private_to: Some(account.clone()),
        specification: role,
        place: u32::MAX,
        changed_at: tx.now,
        retired_at: None,
        revision: next_revision(tx)?,
    };
    catalogue_store::write_role(tx, &record)?;
    let row = record.governed()?;
    tx.record_rows(Change::RoleDefined { role: record.id.clone() }, vec![row]);
    Ok(record)
}

fn first_grant(wanted: &NewKey, account: &AccountId, role: &str) -> NewGrant {
    NewGrant {
        account: account.clone(),
        role: role.to_owned(),
        scope: None,
        reason: "Made together with its API key.".to_owned(),
        source: Source::Key,
        approvers: Vec::new(),
        request: None,
        valid_from: None,
        expires_at: Some(wanted.expires_at),
    }
}

/// The key of that id.
///
/// # Errors
/// [`Error::NotFound`] if there is none.
pub fn find(reader: &mut Reader<'_>, id: &KeyId) -> Result<KeyCaller> {
    store::find(reader, id)?.map(|(key, _)| key).ok_or(Error::NotFound("key"))
}

/// The keys of a service, the newest last, ended ones included.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn of_account(reader: &mut Reader<'_>, account: &AccountId) -> Result<Vec<KeyCaller>> {
    store::of_account(reader, account)
}

/// Ends a key. With a service's last key its private roles end as well. One that is revoked stays as it is.
///
/// # Errors
/// [`Error::NotFound`].
pub fn revoke(tx: &mut Tx<'_>, id: &KeyId, cause: &str) -> Result<KeyCaller> {
    let known = find(tx, id)?;
    if known.revoked_at.is_some() {
        return Ok(known);
    }
    let ended = KeyCaller { revoked_at: Some(tx.now), ..known };
    store::revoke(tx, &ended)?;
    tx.record(Change::KeyRevoked {
        account: ended.account.clone(),
        key: ended.key.clone(),
        cause: cause.to_owned(),
    });
    let now = tx.now;
    let others = of_account(tx, &ended.account)?;
    if !others.iter().any(|other| other.revoked_at.is_none() && now < other.expires_at) {
        retire_private_roles(tx, &ended.account)?;
    }
    Ok(ended)
}

fn retire_private_roles(tx: &mut Tx<'_>, account: &AccountId) -> Result<()> {
    let held: BTreeSet<String> = catalogue_store::private_roles(tx, account)?;
    for id in held {
        let role = roles::role(tx, &id)?;
        apply::retire(tx, &role)?;
    }
    Ok(())
}
