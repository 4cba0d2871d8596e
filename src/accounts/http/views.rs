//! How an account looks: as JSON, and in words on pages.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::details::{Attributes, attributes_schema};
use super::super::{Account, Kind, Named, Source, Standing, State, Suspension, WorkerType};
use crate::clock::Timestamp;
use crate::ids::AccountId;

/// An account as callers get it. The state is the one that counts now.
#[derive(Serialize, ToSchema)]
pub struct AccountDetail {
    id: AccountId,
    kind: Kind,
    state: State,
    #[schema(required)]
    suspended_for: Option<Suspension>,
    #[schema(required)]
    suspended_until: Option<Timestamp>,
    standing: Standing,
    username: String,
    #[schema(required)]
    given_name: Option<String>,
    #[schema(required)]
    family_name: Option<String>,
    display_name: String,
    #[schema(required)]
    email: Option<String>,
    #[schema(required)]
    employee_id: Option<String>,
    #[schema(required)]
    external_id: Option<String>,
    #[schema(required)]
    manager: Option<AccountId>,
    #[schema(required)]
    owner: Option<AccountId>,
    #[schema(required)]
    department: Option<String>,
    #[schema(required)]
    job_title: Option<String>,
    #[schema(required)]
    location: Option<String>,
    #[schema(required)]
    sponsor: Option<String>,
    #[schema(required)]
    worker_type: Option<WorkerType>,
    #[schema(required)]
    purpose: Option<String>,
    #[schema(schema_with = attributes_schema)]
    attributes: Attributes,
    #[schema(required)]
    time_zone: Option<String>,
    #[schema(required)]
    starts_at: Option<Timestamp>,
    #[schema(required)]
    ends_at: Option<Timestamp>,
    source: Source,
    strong_factor: bool,
    created_at: Timestamp,
    changed_at: Timestamp,
    revision: u64,
}

/// An account as callers get it at `now`.
pub(super) fn account(named: &Named, now: Timestamp) -> AccountDetail {
    let Named { account, details } = named;
    let status = account.status_at(now);
    AccountDetail {
        id: account.id.clone(),
        kind: account.kind,
        state: status.state,
        suspended_for: status.suspended_for,
        suspended_until: status.suspended_until,
        standing: account.standing(now),
        username: details.username.clone(),
        given_name: details.given_name.clone(),
        family_name: details.family_name.clone(),
        display_name: details.display_name(),
        email: details.email.clone(),
        employee_id: details.employee_id.clone(),
        external_id: details.external_id.clone(),
        manager: account.manager.clone(),
        owner: account.owner.clone(),
        department: details.department.clone(),
        job_title: details.job_title.clone(),
        location: details.location.clone(),
        sponsor: details.sponsor.clone(),
        worker_type: account.worker_type,
        purpose: details.purpose.clone(),
        attributes: details.attributes.clone(),
        time_zone: account.time_zone.clone(),
        starts_at: account.starts_at,
        ends_at: account.ends_at,
        source: account.source,
        strong_factor: account.strong_factor,
        created_at: account.created_at,
        changed_at: account.changed_at,
        revision: account.revision,
    }
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
