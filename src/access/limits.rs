//! How long access may last, and what else of the profile the catalogue depends on.
//!
//! Rule: role and profile both bound a grant; the shorter holds. Calls `profile`.

use std::collections::{BTreeMap, BTreeSet};

use super::lint::Rules;
use super::named_networks;
use super::records::RoleRecord;
use crate::clock::Timestamp;
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::profile::Period;

/// The latest end of a grant of `role` that begins at `from`.
///
/// # Errors
/// [`Error::Invalid`] if that lies beyond the calendar.
pub fn latest_end(reader: &Reader<'_>, role: &RoleRecord, from: Timestamp) -> Result<Timestamp> {
    let profile = profile_limit(reader, role.access_role);
    let periods = role.specification.max_duration.into_iter().chain([profile]);
    let ends: Option<Vec<Timestamp>> =
        periods.map(|period| period.after(from.utc()).map(Timestamp::from)).collect();
    ends.and_then(|ends| ends.into_iter().min())
        .ok_or_else(|| Error::field("valid_from", "lies beyond the calendar"))
}

/// The longest that the profile lets a grant last (`grant.max_duration`).
pub fn profile_limit(reader: &Reader<'_>, access_role: bool) -> Period {
    reader.profile().grant().max_duration(access_role)
}

/// The profile's parameters counted in days that a `within` may name.
pub fn day_parameters(reader: &Reader<'_>) -> BTreeMap<String, u32> {
    let profile = reader.profile();
    let days = |name: &'static str| profile.days(name).map(|days| (name.to_owned(), days));
    profile.parameters().filter_map(|parameter| days(parameter.name)).collect()
}

/// What profile and settings contribute to the judgement of a catalogue.
///
/// # Errors
/// [`Error::Internal`] if the networks cannot be read back.
pub fn rules(reader: &mut Reader<'_>) -> Result<Rules> {
    let networks = named_networks::in_force(reader)?.names();
    let day_parameters: BTreeSet<String> = day_parameters(reader).into_keys().collect();
    Ok(Rules { day_parameters, networks, access_role_end: Some(profile_limit(reader, true)) })
}
