//! Exclusions in force: those that come with the house, and those of the organisation.
//!
//! Rule: the organisation's can only be added to the house's; nobody edits those away. Calls `exclusion`, `store`.

use super::exclusion::{self, Exclusions};
use super::records::{from_json, to_json};
use super::store::settings as store;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::log::event::Change;

const EXCLUSIONS: &str = "access.exclusions";
const OWN_EXCLUSIONS: &str = include_str!("../../policies/sod.toml");

/// The exclusions that come with the house.
///
/// # Errors
/// [`Error::Internal`] if the shipped file is not sound, which a test rules out.
pub fn own_exclusions() -> Result<Exclusions> {
    exclusion::parse("sod.toml", OWN_EXCLUSIONS)
        .map(|document| document.value)
        .map_err(|refusal| Error::internal("reading the house's own exclusions", refusal))
}

/// The organisation's own exclusions.
///
/// # Errors
/// [`Error::Internal`] if they cannot be read back.
pub fn organisation_exclusions(reader: &mut Reader<'_>) -> Result<Exclusions> {
    match store::get(reader, EXCLUSIONS)? {
        Some(text) => from_json(&text, "reading the organisation's exclusions"),
        None => Ok(Exclusions::default()),
    }
}

/// All exclusions in force, the house's first.
///
/// # Errors
/// [`Error::Internal`] if they cannot be read back.
pub fn exclusions(reader: &mut Reader<'_>) -> Result<Exclusions> {
    let mut all = own_exclusions()?;
    let more = organisation_exclusions(reader)?;
    all.list.extend(more.list);
    all.at_most.extend(more.at_most);
    Ok(all)
}

/// Sets the organisation's own exclusions; entries that the house has already are left out. `false` if nothing changed.
///
/// # Errors
/// [`Error::Internal`] for a fault of the database.
pub(super) fn set_exclusions(tx: &mut Tx<'_>, wanted: &Exclusions) -> Result<bool> {
    let own = own_exclusions()?;
    let list = wanted.list.iter().filter(|entry| !own.list.contains(entry)).cloned().collect();
    let at_most = wanted.at_most.iter().filter(|entry| !own.at_most.contains(entry)).cloned().collect();
    let wanted = Exclusions { list, at_most };
    if organisation_exclusions(tx)? == wanted {
        return Ok(false);
    }
    store::put(tx, EXCLUSIONS, &to_json(&wanted)?)?;
    tx.record(Change::SettingChanged { name: EXCLUSIONS.to_owned(), value: None });
    Ok(true)
}
