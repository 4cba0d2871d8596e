//! Exporting catalogues: what is in force becomes the files that bring it about again.
//!
//! Rule: nothing is lost and nothing is added: applying what was exported changes nothing. Owners are written by
//! username, so only who may read those may export. Calls `accounts`, `catalogue`, `settings`.

use super::apply::{EXCLUSIONS_FILE, PolicyFile};
use super::exclusion::Exclusions;
use super::named_networks::{self, NETWORKS_FILE, NamedNetworks};
use super::records::ApplicationRecord;
use super::{roles, settings};
use crate::accounts;
use crate::db::Reader;
use crate::error::{Error, Result};

/// The files of everything in force: one for each application, and one each for the organisation's exclusions and for
/// its networks if it has any.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub fn export(reader: &mut Reader<'_>) -> Result<Vec<PolicyFile>> {
    let mut files = Vec::new();
    for record in roles::applications(reader)? {
        if record.retired_at.is_none() {
            files.push(PolicyFile { name: format!("{}.toml", record.key), text: text(reader, &record)? });
        }
    }
    let exclusions = settings::organisation_exclusions(reader)?;
    if !exclusions.is_empty() {
        files.push(PolicyFile { name: EXCLUSIONS_FILE.to_owned(), text: exclusions_text(&exclusions)? });
    }
    let networks = named_networks::in_force(reader)?;
    if !networks.list.is_empty() {
        files.push(PolicyFile { name: NETWORKS_FILE.to_owned(), text: networks_text(&networks)? });
    }
    Ok(files)
}

/// The file of these exclusions.
///
/// # Errors
/// [`Error::Internal`] if they cannot be written.
pub(super) fn exclusions_text(exclusions: &Exclusions) -> Result<String> {
    toml::to_string(exclusions).map_err(|cause| Error::internal("writing the exclusions as TOML", cause))
}

/// The file of one application in force.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn text(reader: &mut Reader<'_>, record: &ApplicationRecord) -> Result<String> {
    let mut application = roles::catalogue(reader, &record.key)?;
    application.owner = match &record.owner {
        Some(owner) => Some(accounts::find_named(reader, owner)?.details.username),
        None => None,
    };
    application.to_toml().map_err(|refusal| Error::internal("writing a catalogue as TOML", refusal))
}

/// The file of these networks.
///
/// # Errors
/// [`Error::Internal`] if they cannot be written.
pub(super) fn networks_text(networks: &NamedNetworks) -> Result<String> {
    toml::to_string(networks).map_err(|cause| Error::internal("writing the networks as TOML", cause))
}
