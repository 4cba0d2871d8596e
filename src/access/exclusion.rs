//! Separation of duties: roles that nobody may hold together, as `policies/sod.toml` says.
//!
//! Rules: an exclusion holds in both directions; a role it names must exist. Pure; calls `catalogue` and `profile`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::catalogue::Application;
use super::names;
use crate::profile::refusal::did_you_mean;
use crate::profile::{Document, Refusal};

/// All exclusions of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusions {
    /// The exclusions in the order of the file.
    #[serde(default, rename = "exclusion", skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<Exclusion>,
}

/// One role and the roles that its holder must not have beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// The unique key, by which an exception names it.
    pub key: String,
    /// A role, `app/role`.
    pub role: String,
    /// The roles it excludes, `app/role` each; at least one.
    pub with: Vec<String>,
    /// Why, as shown to who is refused.
    pub reason: String,
}

impl Exclusions {
    /// Whether nothing is excluded.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The exclusions that hold between a wanted role and one already held, each with the role it collides with.
    pub fn against<'a>(
        &'a self,
        wanted: &'a str,
        held: impl IntoIterator<Item = &'a str>,
    ) -> Vec<(&'a Exclusion, &'a str)> {
        let held: Vec<&str> = held.into_iter().collect();
        let collides = |exclusion: &Exclusion, other: &str| {
            (exclusion.role == wanted && exclusion.with.iter().any(|role| role == other))
                || (exclusion.role == other && exclusion.with.iter().any(|role| role == wanted))
        };
        let pairs = self.list.iter().flat_map(|exclusion| held.iter().map(move |other| (exclusion, *other)));
        pairs.filter(|(exclusion, other)| collides(exclusion, other)).collect()
    }
}

/// Reads one file of exclusions.
///
/// # Errors
/// A refusal with line and remedy when the text is not TOML or has unknown keys.
pub fn parse(file: &str, text: &str) -> Result<Document<Exclusions>, Refusal> {
    Document::parse(file, text)
}

/// Everything wrong with the exclusions, given all applications there are.
pub fn check(document: &Document<Exclusions>, applications: &[&Application]) -> Vec<Refusal> {
    let known: BTreeSet<String> = applications
        .iter()
        .flat_map(|application| {
            application.roles.iter().map(|role| format!("{}/{}", application.key, role.key))
        })
        .collect();
    let mut found = Vec::new();
    let mut keys = BTreeSet::new();
    for (index, exclusion) in document.value.list.iter().enumerate() {
        let path = format!("exclusion.{index}");
        if let Some((what, remedy)) = names::fault_of_key(&exclusion.key) {
            found.push(document.refuse(&format!("{path}.key"), what, remedy));
        }
        if !keys.insert(&exclusion.key) {
            let what = format!("the exclusion \"{}\" is named twice", exclusion.key);
            found.push(document.refuse(&format!("{path}.key"), what, "rename one of the two"));
        }
        if let Some((what, remedy)) = names::fault_of_text(&exclusion.reason) {
            found.push(document.refuse(&format!("{path}.reason"), what, remedy));
        }
        if exclusion.with.is_empty() || exclusion.with.contains(&exclusion.role) {
            let what = format!("the exclusion \"{}\" excludes nothing, or a role from itself", exclusion.key);
            found.push(document.refuse(&format!("{path}.with"), what, "name the other roles, at least one"));
        }
        let places =
            exclusion.with.iter().enumerate().map(|(number, role)| (format!("{path}.with.{number}"), role));
        let places = places.chain([(format!("{path}.role"), &exclusion.role)]);
        for (place, role) in places.filter(|(_, role)| !known.contains(*role)) {
            let what = format!("there is no role \"{}\"", role.escape_debug());
            found.push(document.refuse(&place, what, did_you_mean(role, known.iter().map(String::as_str))));
        }
    }
    found
}
