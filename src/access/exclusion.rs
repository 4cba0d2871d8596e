//! Separation of duties: roles that nobody may hold together, as `policies/sod.toml` says.
//!
//! Rules: an exclusion holds in both directions; of some roles nobody holds more than so many; a role that is named must
//! exist. Pure; calls `catalogue` and `profile`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::catalogue::Application;
use super::names;
use crate::profile::refusal::did_you_mean;
use crate::profile::{Document, Refusal};

/// The most rules of one kind, and the most roles of one rule.
const MAX_RULES: usize = 1_000;

/// All exclusions of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusions {
    /// The exclusions in the order of the file.
    #[serde(default, rename = "exclusion", skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<Exclusion>,
    /// The bounds on how many of some roles one account may hold, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_most: Vec<AtMost>,
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

/// Some roles of which nobody may hold more than so many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtMost {
    /// The unique key, by which an exception names it.
    pub key: String,
    /// The roles, `app/role` each.
    pub roles: Vec<String>,
    /// How many of them one account may hold.
    pub count: u32,
    /// Why, as shown to who is refused.
    pub reason: String,
}

/// A rule that a role would break beside those held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach<'a> {
    /// The rule's key, by which an exception names it.
    pub key: &'a str,
    /// Why the rule is.
    pub reason: &'a str,
    /// The roles held that it collides with.
    pub with: Vec<&'a str>,
    /// How many of the roles may be held, if the rule counts.
    pub at_most: Option<u32>,
}

impl Breach<'_> {
    /// What is not allowed, in words that begin a sentence.
    pub fn in_words(&self) -> String {
        let with = self.with.join(", ");
        match self.at_most {
            None => format!("It may not be held together with {with}"),
            Some(count) => format!("Of such roles {count} may be held at most, and {with} already is"),
        }
    }
}

impl Exclusions {
    /// Whether nothing is excluded.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.at_most.is_empty()
    }

    /// Every rule by its key, with why it is.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.list.iter().map(|rule| (rule.key.as_str(), rule.reason.as_str()));
        pairs.chain(self.at_most.iter().map(|rule| (rule.key.as_str(), rule.reason.as_str())))
    }

    /// Whether a rule is about this role.
    pub fn name(&self, role: &str) -> bool {
        let pairs = self.list.iter().any(|rule| rule.role == role || rule.with.iter().any(|one| one == role));
        pairs || self.at_most.iter().any(|rule| rule.roles.iter().any(|one| one == role))
    }

    /// The rules that a wanted role would break beside those held.
    pub fn broken<'a>(&'a self, wanted: &'a str, held: impl IntoIterator<Item = &'a str>) -> Vec<Breach<'a>> {
        let held: BTreeSet<&str> = held.into_iter().filter(|role| *role != wanted).collect();
        let pairs = self.against(wanted, held.iter().copied());
        let mut found: Vec<Breach<'a>> = pairs
            .into_iter()
            .map(|(rule, other)| Breach {
                key: &rule.key,
                reason: &rule.reason,
                with: vec![other],
                at_most: None,
            })
            .collect();
        for rule in self.at_most.iter().filter(|rule| rule.roles.iter().any(|role| role == wanted)) {
            let with: Vec<&str> =
                held.iter().copied().filter(|role| rule.roles.iter().any(|one| one == role)).collect();
            if with.len() >= rule.count as usize {
                found.push(Breach { key: &rule.key, reason: &rule.reason, with, at_most: Some(rule.count) });
            }
        }
        found
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
    for (table, length) in
        [("exclusion", document.value.list.len()), ("at_most", document.value.at_most.len())]
    {
        if length > MAX_RULES {
            let what = format!("there are more than {MAX_RULES} rules");
            found.push(document.refuse(table, what, "keep those that somebody can still read"));
        }
    }
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
    for (index, bound) in document.value.at_most.iter().enumerate() {
        found.extend(check_bound(document, index, bound, &known, &mut keys));
    }
    found
}

/// Everything wrong with one bound on how many roles may be held.
fn check_bound<'a>(
    document: &'a Document<Exclusions>,
    index: usize,
    bound: &'a AtMost,
    known: &BTreeSet<String>,
    keys: &mut BTreeSet<&'a String>,
) -> Vec<Refusal> {
    let path = format!("at_most.{index}");
    let mut found = Vec::new();
    if let Some((what, remedy)) = names::fault_of_key(&bound.key) {
        found.push(document.refuse(&format!("{path}.key"), what, remedy));
    }
    if !keys.insert(&bound.key) {
        let what = format!("the rule \"{}\" is named twice", bound.key);
        found.push(document.refuse(&format!("{path}.key"), what, "rename one of the two"));
    }
    if let Some((what, remedy)) = names::fault_of_text(&bound.reason) {
        found.push(document.refuse(&format!("{path}.reason"), what, remedy));
    }
    let mut seen = BTreeSet::new();
    for (number, role) in bound.roles.iter().enumerate() {
        let place = format!("{path}.roles.{number}");
        if !known.contains(role) {
            let what = format!("there is no role \"{}\"", role.escape_debug());
            found.push(document.refuse(&place, what, did_you_mean(role, known.iter().map(String::as_str))));
        } else if !seen.insert(role) {
            let what = format!("the role \"{role}\" is named twice");
            found.push(document.refuse(&place, what, "name each role once"));
        }
    }
    if bound.roles.len() > MAX_RULES {
        let what = format!("a list has more than {MAX_RULES} entries");
        found.push(document.refuse(&format!("{path}.roles"), what, "split the rule"));
    }
    if bound.count == 0 || bound.count as usize >= bound.roles.len() {
        let what = format!("the rule \"{}\" bounds nothing, or forbids every one of its roles", bound.key);
        let remedy = "write a count of at least 1 that is smaller than the number of roles";
        found.push(document.refuse(&format!("{path}.count"), what, remedy));
    }
    found
}
