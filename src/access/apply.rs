//! Applying catalogues: files become applications and roles in force.
//!
//! Rules: all files are judged before any is applied, and all of them are applied or none; files that are absent
//! change nothing; applying the same again records nothing. A role that a file no longer has is retired, and its
//! grants end. What touches PII needs a second person, but for the first apply while no application but
//! `bailiwick` exists (E6: all access is management's). The house's own catalogue comes with the house alone.
//! Calls `catalogue`, `lint`, `exclusion`, `grants`, `accounts`.

use serde::{Deserialize, Serialize};

use super::catalogue::{Application, Role};
use super::collisions::Violation;
use super::exclusion::{self, Exclusions};
use super::lint::{self, OWN_APPLICATION};
use super::named_networks::{self, NETWORKS_FILE, NamedNetworks};
use super::records::{ApplicationRecord, RoleRecord};
use super::second_person::touches_pii;
use super::store::catalogue as store;
use super::{catalogue, collisions, grants, limits, people, private_roles, routes, second_person, settings};
use crate::db::Tx;
use crate::error::{Error, FieldError, Result};
use crate::ids::AccountId;
use crate::log::append::next_revision;
use crate::log::event::{Change, Row};
use crate::profile::{Document, Refusal};

/// The most files that one apply may carry.
pub const MAX_FILES: usize = 200;
/// The name of the file that holds exclusions instead of an application.
pub const EXCLUSIONS_FILE: &str = "sod.toml";

const OWN_CATALOGUE: &str = include_str!("../../policies/apps/bailiwick.toml");

/// One file of a policy directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PolicyFile {
    /// Its name, for complaints.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What an apply brought about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// One entry for each application, in the order of the files.
    pub applications: Vec<AppliedApplication>,
    /// Whether the organisation's exclusions changed.
    pub exclusions_changed: bool,
    /// Whether the networks that have names changed.
    pub networks_changed: bool,
    /// Who holds together already what the new rules forbid: two hundred at most. It stays until somebody decides.
    pub violations: Vec<Violation>,
}

/// What became of one application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AppliedApplication {
    /// Its key.
    pub key: String,
    /// Whether anything changed.
    pub changed: bool,
    /// Roles defined or changed, as `application/role`.
    pub roles_defined: Vec<String>,
    /// Roles that went out of use.
    pub roles_retired: Vec<String>,
    /// How many grants ended with them.
    pub grants_ended: usize,
}

/// Why a catalogue may be applied; kept in its event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// It came with the house.
    House,
    /// The first apply while no application but `bailiwick` exists.
    First,
    /// It touches no PII.
    NoPii,
    /// A second person approved it.
    SecondPerson,
    /// Nobody but one could decide, and for a day nobody objected.
    Unopposed,
}

impl Basis {
    fn as_str(self) -> &'static str {
        match self {
            Self::House => "house",
            Self::First => "first-apply",
            Self::NoPii => "no-pii",
            Self::SecondPerson => "second-person",
            Self::Unopposed => "unopposed",
        }
    }
}

/// Applies the house's own catalogue, at the first start and after an upgrade.
///
/// # Errors
/// [`Error::Internal`] if the shipped catalogue is not sound, which a test rules out.
pub fn apply_own(tx: &mut Tx<'_>) -> Result<AppliedApplication> {
    let owner = store::find_application(tx, OWN_APPLICATION)?.and_then(|record| record.owner);
    apply_application(tx, &shipped()?.value, owner, Basis::House)
}

/// Applies the house's own catalogue and names who answers for it: at the first run.
///
/// # Errors
/// As [`apply_own`].
pub fn apply_own_of(tx: &mut Tx<'_>, owner: AccountId) -> Result<AppliedApplication> {
    apply_application(tx, &shipped()?.value, Some(owner), Basis::House)
}

fn shipped() -> Result<Document<Application>> {
    catalogue::parse("bailiwick.toml", OWN_CATALOGUE)
        .map_err(|refusal| Error::internal("reading the house's own catalogue", refusal))
}

/// Applies the files of a policy directory. What needs a second person is proposed with [`super::proposals::bring`].
///
/// # Errors
/// [`Error::Invalid`] with an entry for each refusal, the field being `file:line`; [`Error::Conflict`]
/// `second-person` if it touches PII and is not the first apply.
pub fn apply(tx: &mut Tx<'_>, files: &[PolicyFile]) -> Result<Applied> {
    let first = store::applications(tx)?.iter().all(|known| known.key == OWN_APPLICATION);
    apply_on(tx, files, if first { Basis::First } else { Basis::NoPii })
}

/// Applies them as if the second person had said yes: for a change that is only tried.
///
/// # Errors
/// As [`apply`], but for the second person.
pub fn apply_as_if_approved(tx: &mut Tx<'_>, files: &[PolicyFile]) -> Result<Applied> {
    apply_on(tx, files, Basis::SecondPerson)
}

/// Applies the files on a basis that was seen to hold.
pub(super) fn apply_on(tx: &mut Tx<'_>, files: &[PolicyFile], basis: Basis) -> Result<Applied> {
    let read = read(files)?;
    let owners = judge(tx, &read)?;
    let Read { documents, exclusions, networks } = read;
    let mut applied = Applied::default();
    if let Some(document) = networks {
        let known = known_with(tx, &[])?;
        applied.networks_changed = named_networks::apply(tx, &document.value, &known, basis != Basis::NoPii)?;
    }
    for (document, owner) in documents.iter().zip(owners) {
        let done = if document.value.key == OWN_APPLICATION {
            apply_own_owner(tx, document, owner)?
        } else {
            apply_application(tx, &document.value, owner, basis)?
        };
        applied.applications.push(done);
    }
    if let Some(document) = exclusions {
        if basis == Basis::NoPii {
            let known = settings::organisation_exclusions(tx)?;
            let roles = store::roles(tx, None)?;
            second_person::check_exclusions(&known, &document.value, &roles)?;
        }
        applied.exclusions_changed = settings::set_exclusions(tx, &document.value)?;
        applied.violations = collisions::violations(tx, &document.value)?;
    }
    Ok(applied)
}

/// What [`apply`] would bring about; changes nothing.
///
/// # Errors
/// As [`apply`].
pub fn preview(tx: &mut Tx<'_>, files: &[PolicyFile]) -> Result<Applied> {
    tried(tx, |tx| apply(tx, files))
}

/// What a change would bring about; it is undone again.
pub(super) fn tried<T>(tx: &mut Tx<'_>, change: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    let mut outcome = None;
    // The error makes the savepoint undo what was tried.
    let undone = tx.savepoint(|tx| -> Result<()> {
        outcome = Some(change(tx)?);
        Err(Error::Stale)
    });
    match (outcome, undone) {
        (Some(applied), _) => Ok(applied),
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(Error::internal("trying an apply", "no outcome")),
    }
}

/// Everything that was handed in.
#[derive(Default)]
pub(super) struct Read {
    pub(super) documents: Vec<Document<Application>>,
    pub(super) exclusions: Option<Document<Exclusions>>,
    pub(super) networks: Option<Document<NamedNetworks>>,
}

/// The catalogues and networks of a policy directory by themselves, judged without anything that is in force.
///
/// # Errors
/// [`Error::Invalid`] with an entry for each refusal.
pub fn catalogues(files: &[PolicyFile], rules: &lint::Rules) -> Result<(Vec<Application>, NamedNetworks)> {
    let read = read(files)?;
    let networks = read.networks.map(|document| document.value).unwrap_or_default();
    refused(lint::check_all(&read.documents, &lint::Rules { networks: networks.names(), ..rules.clone() }))?;
    Ok((read.documents.into_iter().map(|document| document.value).collect(), networks))
}

pub(super) fn read(files: &[PolicyFile]) -> Result<Read> {
    if files.len() > MAX_FILES {
        return Err(Error::field("files", format!("at most {MAX_FILES} files can be applied at once")));
    }
    let (mut read, mut refusals) = (Read::default(), Vec::new());
    for PolicyFile { name, text } in files {
        let outcome = match name.as_str() {
            EXCLUSIONS_FILE => exclusion::parse(name, text).map(|found| read.exclusions = Some(found)),
            NETWORKS_FILE => named_networks::parse(name, text).map(|found| read.networks = Some(found)),
            _ => catalogue::parse(name, text).map(|found| read.documents.push(found)),
        };
        refusals.extend(outcome.err());
    }
    refused(refusals).map(|()| read)
}

/// Everything that is wrong with the files, all at once; else the owners in the order of the documents.
fn judge(tx: &mut Tx<'_>, read: &Read) -> Result<Vec<Option<AccountId>>> {
    let documents = &read.documents;
    let mut rules = limits::rules(tx)?;
    if let Some(networks) = &read.networks {
        rules.networks = networks.value.names();
    }
    let mut refusals = lint::check_all(documents, &rules);
    for document in documents {
        refusals.extend(private_roles::clashes(tx, document)?);
    }
    let known = known_with(tx, documents)?;
    refusals.extend(routes::check_hosts(documents, &known));
    if let Some(document) = &read.exclusions {
        refusals.extend(exclusion::check(document, &known.iter().collect::<Vec<_>>()));
    }
    if let Some(document) = &read.networks {
        refusals.extend(named_networks::check(document, &known));
    }
    let mut owners = Vec::with_capacity(documents.len());
    for document in documents {
        let owner = match document.value.owner.as_deref() {
            Some(name) => people::find(tx, name)?,
            None => None,
        };
        if owner.is_none() && document.value.owner.is_some() {
            let remedy = "create or import that person first, and name them by username or employee id";
            refusals.push(document.refuse("owner", "the owner is nobody who is known here", remedy));
        }
        owners.push(owner);
    }
    refused(refusals).map(|()| owners)
}

/// All applications with their roles as they will stand after the apply.
fn known_with(tx: &mut Tx<'_>, documents: &[Document<Application>]) -> Result<Vec<Application>> {
    let mut known: Vec<Application> = documents.iter().map(|document| document.value.clone()).collect();
    for record in store::applications(tx)? {
        if !known.iter().any(|application| application.key == record.key) {
            known.push(whole(tx, &record)?);
        }
    }
    Ok(known)
}

/// An application with the roles of its catalogue that are in force, in their order, still without owner.
pub(super) fn whole(reader: &mut crate::db::Reader<'_>, record: &ApplicationRecord) -> Result<Application> {
    let mut roles: Vec<RoleRecord> = store::roles(reader, Some(&record.key))?
        .into_iter()
        .filter(|role| role.retired_at.is_none() && role.private_to.is_none())
        .collect();
    roles.sort_by_key(|role| role.place);
    let roles = roles.into_iter().map(|role| role.specification).collect();
    Ok(Application { roles, ..record.specification.clone() })
}

/// Refusals as an error, each at its file and line; none is none.
///
/// # Errors
/// [`Error::Invalid`] with an entry for each refusal.
pub fn refused(refusals: Vec<Refusal>) -> Result<()> {
    if refusals.is_empty() {
        return Ok(());
    }
    let entry = |refusal: Refusal| FieldError {
        field: match refusal.line {
            Some(line) => format!("{}:{line}", refusal.file),
            None => refusal.file,
        },
        detail: format!("{}; {}", refusal.what, refusal.remedy),
        clause: None,
    };
    Err(Error::Invalid(refusals.into_iter().map(entry).collect()))
}

/// Of the house's own catalogue a file may only name the owner.
fn apply_own_owner(
    tx: &mut Tx<'_>,
    document: &Document<Application>,
    owner: Option<AccountId>,
) -> Result<AppliedApplication> {
    let shipped = shipped()?;
    if (Application { owner: None, ..document.value.clone() }) != shipped.value {
        let what = "the house's own features and roles come with the house and cannot be edited";
        return refused(vec![document.refuse("key", what, "leave this file out, or change the owner alone")])
            .map(|()| AppliedApplication::default());
    }
    let known = store::find_application(tx, OWN_APPLICATION)?.and_then(|record| record.owner);
    apply_application(tx, &shipped.value, owner.or(known), Basis::House)
}

fn apply_application(
    tx: &mut Tx<'_>,
    application: &Application,
    owner: Option<AccountId>,
    basis: Basis,
) -> Result<AppliedApplication> {
    let before = store::find_application(tx, &application.key)?;
    let known = store::roles(tx, Some(&application.key))?;
    if basis == Basis::NoPii && touches_pii(before.as_ref(), &known, application, owner.as_ref()) {
        return Err(Error::conflict(
            "second-person",
            format!(
                "\"{}\" changes what opens personal data; that needs a second person's approval.",
                application.key
            ),
        ));
    }
    let mut done = AppliedApplication { key: application.key.clone(), ..AppliedApplication::default() };
    let specification = Application { owner: None, roles: Vec::new(), ..application.clone() };
    let same = before.as_ref().is_some_and(|known| {
        known.specification == specification && known.owner == owner && known.retired_at.is_none()
    });
    if !same {
        let record = ApplicationRecord {
            key: application.key.clone(),
            owner,
            specification,
            changed_at: tx.now,
            retired_at: None,
            revision: next_revision(tx)?,
        };
        store::write_application(tx, &record)?;
        let row = record.governed()?;
        let change = Change::CatalogueApplied {
            application: record.key.clone(),
            digest: row.digest.clone(),
            basis: basis.as_str().to_owned(),
        };
        tx.record_rows(change, vec![row]);
        done.changed = true;
    }
    for (place, role) in application.roles.iter().enumerate() {
        define(tx, application, role, place, &known, &mut done)?;
    }
    retire_absent(tx, application, &known, &mut done)?;
    done.changed |= !done.roles_defined.is_empty() || !done.roles_retired.is_empty();
    Ok(done)
}

fn define(
    tx: &mut Tx<'_>,
    application: &Application,
    role: &Role,
    place: usize,
    known: &[RoleRecord],
    done: &mut AppliedApplication,
) -> Result<()> {
    let id = format!("{}/{}", application.key, role.key);
    let before = known.iter().find(|known| known.id == id);
    let record = RoleRecord {
        id,
        application: application.key.clone(),
        class: application.class_of(role),
        access_role: role.access_role,
        private_to: None,
        specification: role.clone(),
        place: u32::try_from(place).unwrap_or(u32::MAX),
        changed_at: tx.now,
        retired_at: None,
        revision: next_revision(tx)?,
    };
    let same = before.is_some_and(|before| {
        before.retired_at.is_none()
            && before.specification == record.specification
            && (before.class, before.place) == (record.class, record.place)
    });
    if same {
        return Ok(());
    }
    store::write_role(tx, &record)?;
    let row = record.governed()?;
    tx.record_rows(Change::RoleDefined { role: record.id.clone() }, vec![row]);
    // Who held it as an ordinary role was never approved for what it opens now.
    if record.access_role && before.is_some_and(|before| !before.access_role) {
        done.grants_ended += grants::revoke_role(tx, &record.id, "became-access-role")?;
    }
    done.roles_defined.push(record.id);
    Ok(())
}

/// Retires the roles that the catalogue no longer has.
fn retire_absent(
    tx: &mut Tx<'_>,
    application: &Application,
    known: &[RoleRecord],
    done: &mut AppliedApplication,
) -> Result<()> {
    let in_force = known.iter().filter(|role| role.retired_at.is_none() && role.private_to.is_none());
    for role in in_force.filter(|role| application.role(&role.specification.key).is_none()) {
        let (retired, ended) = retire(tx, role)?;
        done.roles_retired.push(retired);
        done.grants_ended += ended;
    }
    private_roles::fit(tx, application, known, done)
}

/// Takes a role out of use and ends its grants; returns its id and how many.
pub(super) fn retire(tx: &mut Tx<'_>, role: &RoleRecord) -> Result<(String, usize)> {
    let ended = grants::revoke_role(tx, &role.id, "role-retired")?;
    let record = RoleRecord {
        changed_at: tx.now,
        retired_at: Some(tx.now),
        revision: next_revision(tx)?,
        ..role.clone()
    };
    store::write_role(tx, &record)?;
    let row: Row = record.governed()?;
    tx.record_rows(Change::RoleRetired { role: record.id.clone() }, vec![row]);
    Ok((record.id, ended))
}
