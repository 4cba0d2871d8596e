//! Tests of the decision point. Shared here: a small company with an order desk, and short ways to say rows.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::rows::{GrantRow, GrantState, KillSwitchRow, PolicyRows, SubjectKind, SubjectRow, SubjectState};
use super::{Decision, Freshness, Question, Reason, Snapshot};
use crate::access::catalogue::Application;
use crate::clock::Timestamp;
use crate::ids::{AccountId, GrantId, Id, KillSwitchId};

mod differential;
mod further;
mod lists;
mod nightly;
mod questions;
mod refusals;
mod ways;
mod worlds;

/// Noon on a day in spring, to which all tests refer.
pub(super) fn noon() -> Timestamp {
    at("2026-04-01T12:00:00Z")
}

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// The instant so many microseconds from noon.
pub(super) fn noon_and(micros: i64) -> Timestamp {
    Timestamp::from_micros(noon().micros() + micros)
}

/// An identifier that is the same for the same number.
pub(super) fn id<I: Id>(number: u128) -> I {
    I::parse(&Uuid::from_u128(number).to_string()).unwrap()
}

pub(super) fn application(text: &str) -> Application {
    toml::from_str(text).unwrap()
}

/// The order desk and Bailiwick itself, in small.
#[expect(clippy::too_many_lines, reason = "one catalogue, read as a whole")]
pub(super) fn policy() -> PolicyRows {
    let orders = r#"
        key = "orders"
        owner = "grace"
        [[feature]]
        key = "buyer-address"
        class = "pii"
        actions = ["read", "export"]
        scopes = ["marketplace"]
        [[feature]]
        key = "order"
        actions = ["read", "ship"]
        [[feature]]
        key = "listing"
        class = "regulated"
        actions = ["read"]
        [[role]]
        key = "address-reader"
        access_role = true
        approval = ["manager", "owner"]
        max_duration = "90d"
        [[role.allow]]
        feature = "buyer-address"
        actions = ["read", "export"]
        purposes = ["shipping", "returns"]
        within = { of = "shipped_at", days = "profile:pii.retention" }
        [[role]]
        key = "picker"
        [[role.allow]]
        feature = "order"
        actions = ["read", "ship"]
        [[role.allow]]
        feature = "listing"
        actions = ["read"]
        [[role]]
        key = "lead"
        inherits = ["picker"]
        [[role]]
        key = "trainee"
        [[role.deny]]
        feature = "order"
        actions = ["ship"]
        [[record]]
        feature = "buyer-address"
        id = "canary-1"
        canary = true
        [[record]]
        feature = "order"
        id = "order-1"
    "#;
    let own = r#"
        key = "bailiwick"
        [[feature]]
        key = "sign-in"
        actions = ["use"]
        [[feature]]
        key = "requests"
        class = "regulated"
        actions = ["ask", "decide", "read"]
        [[feature]]
        key = "apps"
        actions = ["read", "write"]
        [[role]]
        key = "employee"
        birthright = true
        [[role.allow]]
        feature = "sign-in"
        actions = ["use"]
        [[role.allow]]
        feature = "requests"
        actions = ["ask"]
        [[role]]
        key = "manager"
        position = "manager"
        [[role.allow]]
        feature = "requests"
        actions = ["decide"]
        [[role]]
        key = "owner"
        position = "owner"
        [[role.allow]]
        feature = "apps"
        actions = ["read"]
    "#;
    let days = BTreeMap::from([("pii.retention".to_owned(), 30)]);
    PolicyRows::of_catalogues(vec![application(orders), application(own)], days)
}

/// An active person, with a strong factor, who can also be asked by this name.
pub(super) fn person(number: u128, name: &str, grants: Vec<GrantRow>) -> SubjectRow {
    let account: AccountId = id(number);
    SubjectRow {
        names: vec![account.to_string(), name.to_owned()],
        account,
        kind: SubjectKind::Person,
        state: SubjectState::Active,
        valid_from: None,
        valid_until: None,
        strong_factor: true,
        is_manager: false,
        is_owner: false,
        grants,
    }
}

/// An active grant from the day before noon to the day after it.
pub(super) fn grant(number: u128, role: &str) -> GrantRow {
    GrantRow {
        id: id::<GrantId>(number),
        role: role.to_owned(),
        state: GrantState::Active,
        valid_from: at("2026-03-31T12:00:00Z"),
        expires_at: Some(at("2026-04-02T12:00:00Z")),
        scope: None,
    }
}

pub(super) fn kill_switch(target: &str) -> KillSwitchRow {
    KillSwitchRow { id: id::<KillSwitchId>(1), target: target.to_owned() }
}

/// The small company with one subject.
pub(super) fn snapshot(subject: &SubjectRow) -> Snapshot {
    Snapshot::default().with_policy(&policy()).unwrap().with_subject(subject).with_revision(7)
}

/// May the person `ada` do this, as the order desk's key asks it or one of wider scope?
pub(super) fn question<'a>(resource_type: &'a str, action: &'a str) -> Question<'a> {
    Question {
        subject_type: "user",
        subject: "ada",
        application: None,
        resource_type,
        resource: "1",
        action,
        ..Question::default()
    }
}

pub(super) fn ask(snapshot: &Snapshot, resource_type: &str, action: &str) -> Decision {
    snapshot.evaluate(noon(), Freshness::Fresh, &question(resource_type, action))
}

pub(super) fn reason(snapshot: &Snapshot, resource_type: &str, action: &str) -> Reason {
    ask(snapshot, resource_type, action).reason
}

/// The same about a buyer's address, with what the caller says about it.
pub(super) fn about_address(snapshot: &Snapshot, properties: &Value, context: &Value) -> Reason {
    let question = Question {
        properties: Some(properties),
        context: Some(context),
        ..question("orders/buyer-address", "read")
    };
    snapshot.evaluate(noon(), Freshness::Fresh, &question).reason
}
