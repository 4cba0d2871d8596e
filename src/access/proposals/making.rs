//! Bringing catalogues into force: at once where one person may, else as a proposal.

use chrono::Duration;

use super::changes::{Before, Changes};
use super::{Content, Proposal, ProposalState};
use crate::access::apply::{self, Applied, Basis, EXCLUSIONS_FILE, PolicyFile, Read};
use crate::access::catalogue::Application;
use crate::access::named_networks::{self, NETWORKS_FILE};
use crate::access::store::{catalogue, proposals as store};
use crate::access::{export, settings};
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::ids::ProposalId;
use crate::log::append::next_revision;
use crate::log::event::{Change, Row};
use crate::profile::Document;
use crate::vault;

/// How long a proposal waits before it lapses *(ours)*.
const PATIENCE: Duration = Duration::days(14);
/// How many may wait at a time.
const WAITING: i64 = 50;
/// The most that the files of one proposal may hold together, in bytes.
const LARGEST: usize = 2 * 1024 * 1024;

/// What came of files that somebody wanted in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brought {
    /// They are in force.
    Applied(Applied),
    /// They touch personal data and wait for a second person.
    Proposed(Box<Proposal>, Changes),
}

/// Applies the files of a policy directory, or proposes them if that needs a second person. The same files against the
/// same catalogue are proposed once.
///
/// # Errors
/// [`Error::Invalid`] as [`apply::apply`]; [`Error::Conflict`] `too-many-requests` while fifty wait.
pub fn bring(tx: &mut Tx<'_>, files: &[PolicyFile]) -> Result<Brought> {
    match tx.savepoint(|tx| apply::apply(tx, files)) {
        Ok(applied) => Ok(Brought::Applied(applied)),
        Err(Error::Conflict("second-person", _)) => propose(tx, files),
        Err(error) => Err(error),
    }
}

/// What [`bring`] would bring about, and whether it needs a second person; changes nothing.
///
/// # Errors
/// As [`bring`].
pub fn tried(tx: &mut Tx<'_>, files: &[PolicyFile]) -> Result<(Applied, bool)> {
    match apply::preview(tx, files) {
        Ok(applied) => Ok((applied, false)),
        Err(Error::Conflict("second-person", _)) => {
            let applied = apply::tried(tx, |tx| apply::apply_on(tx, files, Basis::SecondPerson))?;
            Ok((applied, true))
        }
        Err(error) => Err(error),
    }
}

fn propose(tx: &mut Tx<'_>, files: &[PolicyFile]) -> Result<Brought> {
    if files.iter().map(|file| file.name.len() + file.text.len()).sum::<usize>() > LARGEST {
        let advice = "what waits for a second person may hold 2 MiB in all; apply fewer files at once";
        return Err(Error::field("files", advice));
    }
    let (digest, basis) = (Row::of("proposals", "files", &files)?.digest, basis_of(tx, files)?);
    if let Some(known) = store::same(tx, &digest, &basis)? {
        let content = super::lists::content(tx, &known)?;
        return Ok(Brought::Proposed(Box::new(known), content.changes));
    }
    if store::count_waiting(tx)? >= WAITING {
        let advice = "Fifty proposals wait already; decide or withdraw some first.";
        return Err(Error::conflict("too-many-requests", advice));
    }
    let Read { documents, networks, .. } = apply::read(files)?;
    let changes = what_changes(tx, files, &documents)?;
    let mut applications: Vec<String> =
        changes.applications.iter().map(|one| one.application.clone()).collect();
    if changes.exclusions_changed {
        applications.push(EXCLUSIONS_FILE.to_owned());
    }
    let in_use = named_networks::in_force(tx)?;
    if networks.is_some_and(|wanted| wanted.value != in_use) {
        applications.push(NETWORKS_FILE.to_owned());
    }
    let content = Content {
        files: files.to_vec(),
        before: in_force(tx, &applications)?,
        after: written(&documents, files, &applications)?,
        changes,
    };
    let text =
        serde_json::to_string(&content).map_err(|cause| Error::internal("keeping a proposal", cause))?;
    let proposal = Proposal {
        id: ProposalId::new(tx.now, tx.entropy()),
        state: ProposalState::Proposed,
        applications,
        content: vault::keep(tx, &text)?,
        digest,
        basis,
        proposed_by: tx.caller.label(),
        proposed_at: tx.now,
        lapses_at: tx.now.plus(PATIENCE),
        decided: None,
        note: None,
        revision: next_revision(tx)?,
    };
    store::insert(tx, &proposal)?;
    record(tx, &proposal);
    Ok(Brought::Proposed(Box::new(proposal), content.changes))
}

pub(super) fn record(tx: &mut Tx<'_>, proposal: &Proposal) {
    tx.record(Change::ProposalChanged {
        proposal: proposal.id.clone(),
        applications: proposal.applications.clone(),
        state: proposal.state.to_string(),
        digest: proposal.digest.clone(),
        note: proposal.note.clone(),
    });
}

/// Tries the change and takes it back, to say what it is.
fn what_changes(
    tx: &mut Tx<'_>,
    files: &[PolicyFile],
    documents: &[Document<Application>],
) -> Result<Changes> {
    let keys: Vec<&str> = documents.iter().map(|document| document.value.key.as_str()).collect();
    let before = Before::of(tx, &keys)?;
    apply::tried(tx, |tx| {
        let applied = apply::apply_on(tx, files, Basis::SecondPerson)?;
        before.changes(tx, &applied)
    })
}

/// The files in force of what a proposal changes.
fn in_force(reader: &mut Reader<'_>, keys: &[String]) -> Result<Vec<PolicyFile>> {
    let mut files = Vec::new();
    for key in keys {
        if key == EXCLUSIONS_FILE {
            let text = export::exclusions_text(&settings::organisation_exclusions(reader)?)?;
            files.push(PolicyFile { name: key.clone(), text });
        } else if key == NETWORKS_FILE {
            let text = export::networks_text(&named_networks::in_force(reader)?)?;
            files.push(PolicyFile { name: key.clone(), text });
        } else if let Some(record) = catalogue::find_application(reader, key)? {
            files.push(PolicyFile { name: format!("{key}.toml"), text: export::text(reader, &record)? });
        }
    }
    Ok(files)
}

/// The proposed files of what changes, written as [`in_force`] writes it.
fn written(
    documents: &[Document<Application>],
    files: &[PolicyFile],
    keys: &[String],
) -> Result<Vec<PolicyFile>> {
    let mut all = Vec::new();
    for document in documents.iter().filter(|document| keys.contains(&document.value.key)) {
        let text = document.value.to_toml();
        let text = text.map_err(|refusal| Error::internal("writing a catalogue as TOML", refusal))?;
        all.push(PolicyFile { name: format!("{}.toml", document.value.key), text });
    }
    let others = files.iter().filter(|file| [EXCLUSIONS_FILE, NETWORKS_FILE].contains(&file.name.as_str()));
    all.extend(others.filter(|file| keys.contains(&file.name)).cloned());
    Ok(all)
}

/// The digest of what is in force of everything that the files name. Private roles of keys are not in it: issuing a
/// key overtakes no proposal.
pub(super) fn basis_of(reader: &mut Reader<'_>, files: &[PolicyFile]) -> Result<String> {
    let Read { documents, exclusions, networks } = apply::read(files)?;
    let mut rows = Vec::new();
    for document in &documents {
        let key = &document.value.key;
        if let Some(record) = catalogue::find_application(reader, key)? {
            rows.push(record.governed()?.digest);
        }
        for role in catalogue::roles(reader, Some(key))?.iter().filter(|role| role.private_to.is_none()) {
            rows.push(role.governed()?.digest);
        }
    }
    let exclusions = match exclusions {
        Some(_) => Some(settings::organisation_exclusions(reader)?),
        None => None,
    };
    let networks = match networks {
        Some(_) => Some(named_networks::in_force(reader)?),
        None => None,
    };
    Ok(Row::of("proposals", "basis", &(rows, exclusions, networks))?.digest)
}
