//! How an account looks: as JSON, and in words on pages.

use serde_json::{Value, json};

use super::super::{Account, Named, Standing, State, Suspension};
use crate::clock::Timestamp;

/// An account as callers get it. The state is the one that counts now.
pub(super) fn account(named: &Named, now: Timestamp) -> Value {
    let Named { account, details } = named;
    let status = account.status_at(now);
    json!({
        "id": account.id,
        "kind": account.kind,
        "state": status.state,
        "suspended_for": status.suspended_for,
        "suspended_until": status.suspended_until,
        "standing": account.standing(now),
        "username": details.username,
        "given_name": details.given_name,
        "family_name": details.family_name,
        "display_name": details.display_name(),
        "email": details.email,
        "employee_id": details.employee_id,
        "external_id": details.external_id,
        "manager": account.manager,
        "owner": account.owner,
        "department": details.department,
        "job_title": details.job_title,
        "location": details.location,
        "sponsor": details.sponsor,
        "worker_type": account.worker_type,
        "purpose": details.purpose,
        "attributes": details.attributes,
        "time_zone": account.time_zone,
        "starts_at": account.starts_at,
        "ends_at": account.ends_at,
        "source": account.source,
        "strong_factor": account.strong_factor,
        "created_at": account.created_at,
        "changed_at": account.changed_at,
        "revision": account.revision,
    })
}

/// Where an account stands, in words, tone and symbol.
pub(super) fn standing(account: &Account, now: Timestamp) -> Value {
    let status = account.status_at(now);
    let (words, tone, icon) = match (account.standing(now), status.state, status.suspended_for) {
        (Standing::Over, State::Left, _) => ("Left", "over", Some("leaver")),
        (Standing::Over, State::Erased, _) => ("Erased", "over", None),
        (Standing::Over, ..) => ("Access has ended", "over", Some("leaver")),
        (Standing::Suspended, _, Some(Suspension::Leave)) => ("On leave", "due", Some("clock")),
        (Standing::Suspended, _, Some(Suspension::Review)) => ("Suspended by a review", "due", Some("clock")),
        (Standing::Suspended, _, Some(Suspension::Prerequisite)) => {
            ("Suspended until a duty is done", "due", Some("clock"))
        }
        (Standing::Suspended, ..) => ("Suspended", "breach", Some("warning")),
        (Standing::NotYet, ..) => ("Starts later", "", Some("clock")),
        (Standing::Active, State::Invited, _) => ("Invited", "", None),
        (Standing::Active, ..) => ("Active", "", None),
    };
    json!({ "words": words, "tone": tone, "icon": icon })
}

/// A person's name as registers have it: family name first.
pub(super) fn register_name(named: &Named) -> String {
    match (&named.details.family_name, &named.details.given_name) {
        (Some(family), Some(given)) => format!("{family}, {given}"),
        _ => named.details.display_name(),
    }
}
