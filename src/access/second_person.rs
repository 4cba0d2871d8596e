//! Which changes of a catalogue need a second person: those of what opens personal data.
//!
//! Rule: what only takes away needs nobody. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::catalogue::{Application, Class, Feature, Role};
use super::exclusion::Exclusions;
use super::records::{ApplicationRecord, RoleRecord};
use crate::error::{Error, Result};
use crate::ids::AccountId;

/// Whether an apply changes what opens PII: PII features, access roles, what keys may assert, which requests mean
/// which permission, or whose word counts.
/// What only takes away is no such change.
pub(super) fn touches_pii(
    before: Option<&ApplicationRecord>,
    roles: &[RoleRecord],
    after: &Application,
    owner: Option<&AccountId>,
) -> bool {
    let pii_after = after.features.iter().any(|feature| feature.class() == Class::Pii);
    let Some(before) = before else { return pii_after };
    let specification = &before.specification;
    let pii_before = specification.features.iter().filter(|feature| feature.class() == Class::Pii);
    let feature_changed = pii_before.clone().any(|feature| {
        after.feature(&feature.key).is_some_and(|now| {
            let unnamed = |feature: &Feature| Feature { name: None, ..feature.clone() };
            unnamed(now) != unnamed(feature)
        })
    });
    let known =
        |key: &str| roles.iter().find(|role| role.specification.key == key && role.retired_at.is_none());
    let unnamed = |role: &Role| Role { name: None, ..role.clone() };
    let role_changed = after
        .roles
        .iter()
        .filter(|role| role.access_role)
        .any(|role| known(&role.key).is_none_or(|known| unnamed(&known.specification) != unnamed(role)));
    let feature_added = after.features.iter().any(|feature| {
        feature.class() == Class::Pii && pii_before.clone().all(|known| known.key != feature.key)
    });
    let trust_changed = pii_after
        && (specification.asserts != after.asserts
            || specification.routes != after.routes
            || specification.subject_types != after.subject_types
            || known_of_records(specification) != known_of_records(after)
            || before.owner.as_ref() != owner
            || specification.environment != after.environment);
    feature_changed || role_changed || feature_added || trust_changed
}

/// What conditions on personal data take for granted about records.
fn known_of_records(application: &Application) -> Vec<(&str, &str, &Map<String, Value>)> {
    let pii: BTreeSet<&str> = application
        .features
        .iter()
        .filter(|feature| feature.class() == Class::Pii)
        .map(|feature| feature.key.as_str())
        .collect();
    let records = application.records.iter();
    let known =
        records.filter(|record| pii.contains(record.feature.as_str()) && !record.properties.is_empty());
    let mut known: Vec<_> =
        known.map(|record| (record.feature.as_str(), record.id.as_str(), &record.properties)).collect();
    known.sort_by_key(|(feature, id, _)| (*feature, *id));
    known
}

/// Refuses to one alone what lifts or changes a rule about who may hold access roles in force together.
pub(super) fn check_exclusions(known: &Exclusions, wanted: &Exclusions, roles: &[RoleRecord]) -> Result<()> {
    let list = known.list.iter().filter(|rule| !wanted.list.contains(rule)).cloned().collect();
    let at_most = known.at_most.iter().filter(|rule| !wanted.at_most.contains(rule)).cloned().collect();
    let gone = Exclusions { list, at_most };
    let guarded = |role: &RoleRecord| role.access_role && role.retired_at.is_none() && gone.name(&role.id);
    if gone.is_empty() || !roles.iter().any(guarded) {
        return Ok(());
    }
    let advice =
        "It lifts a rule about who may hold access roles together; that needs a second person's approval.";
    Err(Error::conflict("second-person", advice))
}
