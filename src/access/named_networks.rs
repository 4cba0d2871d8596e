//! Networks by name, as `networks.toml` registers them, so that catalogues can say "office".
//!
//! Rules: a name means the same in every catalogue; one that a catalogue uses cannot be taken away. Calls `store`,
//! `catalogue`, `networks`, and `profile` for refusals.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::catalogue::Application;
use super::names;
use super::networks::Network;
use super::records::{from_json, to_json};
use super::store::settings as store;
use crate::db::{Reader, Tx};
use crate::error::{Error, Result};
use crate::log::event::Change;
use crate::profile::{Document, Refusal};

/// The name of the file that registers networks.
pub const NETWORKS_FILE: &str = "networks.toml";

const NETWORKS: &str = "access.networks";
/// The most names, and the most networks under one name.
const MOST: usize = 100;

/// All networks of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedNetworks {
    /// In the order of the file.
    #[serde(default, rename = "network", skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<NamedNetwork>,
}

/// One name with what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedNetwork {
    /// The name.
    pub name: String,
    /// Addresses and prefixes; at least one.
    pub ranges: Vec<String>,
}

impl NamedNetworks {
    /// What each name means. What cannot be read means nothing, which a check rules out.
    pub fn by_name(&self) -> BTreeMap<String, Vec<Network>> {
        let parsed = |ranges: &[String]| ranges.iter().filter_map(|range| range.parse().ok()).collect();
        self.list.iter().map(|one| (one.name.clone(), parsed(&one.ranges))).collect()
    }

    /// The names.
    pub fn names(&self) -> BTreeSet<String> {
        self.list.iter().map(|one| one.name.clone()).collect()
    }
}

/// Reads the file.
///
/// # Errors
/// A refusal with line and remedy when the text is not TOML or has unknown keys.
pub fn parse(file: &str, text: &str) -> std::result::Result<Document<NamedNetworks>, Refusal> {
    Document::parse(file, text)
}

/// Everything wrong with the file, given all applications there will be.
pub fn check(document: &Document<NamedNetworks>, applications: &[Application]) -> Vec<Refusal> {
    let mut found = Vec::new();
    let list = &document.value.list;
    let mut seen = BTreeSet::new();
    if list.len() > MOST {
        found.push(document.refuse(
            "network",
            format!("more than {MOST} names"),
            "leave out what nothing uses",
        ));
    }
    for (index, network) in list.iter().enumerate() {
        let path = format!("network.{index}");
        if let Some((what, remedy)) = names::fault_of_key(&network.name) {
            found.push(document.refuse(&format!("{path}.name"), what, remedy));
        }
        if !seen.insert(&network.name) {
            let what = format!("the network \"{}\" is named twice", network.name);
            found.push(document.refuse(&format!("{path}.name"), what, "merge the two"));
        }
        if network.ranges.is_empty() || network.ranges.len() > MOST {
            let what = format!("the network \"{}\" has no range, or more than {MOST}", network.name);
            found.push(document.refuse(
                &format!("{path}.ranges"),
                what,
                "write some, such as [\"10.1.0.0/16\"]",
            ));
        }
        for (number, range) in network.ranges.iter().enumerate() {
            if range.parse::<Network>().is_err() {
                let what = format!("\"{}\" is no network", range.escape_debug());
                let remedy = "write an address or a prefix such as 10.1.0.0/16";
                found.push(document.refuse(&format!("{path}.ranges.{number}"), what, remedy));
            }
        }
    }
    for name in used(applications).difference(&document.value.names()) {
        let what = format!("the network \"{name}\" is used by a catalogue and is missing here");
        found.push(document.refuse("network", what, "register it, or take it out of the catalogue first"));
    }
    found
}

/// The names that catalogues use.
fn used(applications: &[Application]) -> BTreeSet<String> {
    let roles = applications.iter().flat_map(|application| &application.roles);
    let networks = roles.flat_map(|role| &role.allows).flat_map(|allow| &allow.networks);
    networks.filter(|name| name.parse::<Network>().is_err()).cloned().collect()
}

/// Whether access roles depend on something that differs between the two.
fn opens_pii(before: &NamedNetworks, after: &NamedNetworks, applications: &[Application]) -> bool {
    let (before, after) = (before.by_name(), after.by_name());
    let roles = applications.iter().flat_map(|application| &application.roles);
    let mut networks =
        roles.filter(|role| role.access_role).flat_map(|role| &role.allows).flat_map(|allow| &allow.networks);
    networks.any(|name| before.get(name) != after.get(name))
}

/// The networks in force.
///
/// # Errors
/// [`Error::Internal`] if they cannot be read back.
pub fn in_force(reader: &mut Reader<'_>) -> Result<NamedNetworks> {
    match store::get(reader, NETWORKS)? {
        Some(text) => from_json(&text, "reading the networks"),
        None => Ok(NamedNetworks::default()),
    }
}

/// The name of the network that an address lies in, the first in the order of the file; `None` outside all of them.
///
/// # Errors
/// [`Error::Internal`] if the networks cannot be read back.
pub fn of_address(reader: &mut Reader<'_>, address: IpAddr) -> Result<Option<String>> {
    let holds = |ranges: &[String]| {
        ranges.iter().filter_map(|range| range.parse::<Network>().ok()).any(|range| range.contains(address))
    };
    Ok(in_force(reader)?.list.into_iter().find(|one| holds(&one.ranges)).map(|one| one.name))
}

/// Puts others in their place, which needs a second person where it changes what access roles depend on. `false` if
/// nothing changed.
///
/// # Errors
/// [`Error::Conflict`] `second-person` if that person is missing.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    wanted: &NamedNetworks,
    applications: &[Application],
    approved: bool,
) -> Result<bool> {
    let before = in_force(tx)?;
    if before == *wanted {
        return Ok(false);
    }
    if !approved && opens_pii(&before, wanted, applications) {
        let what = "The networks change what opens personal data; that needs a second person's approval.";
        return Err(Error::conflict("second-person", what));
    }
    store::put(tx, NETWORKS, &to_json(wanted)?)?;
    tx.record(Change::SettingChanged { name: NETWORKS.to_owned(), value: None });
    Ok(true)
}
