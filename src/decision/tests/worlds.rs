//! Small worlds of rows, drawn at random: several applications that use the same words, diamonds of roles, chains at
//! the edge of what casbin follows, names in any script, and bounds that lie a microsecond around the questions.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{at, id, noon_and};
use crate::access::catalogue::{Application, Role};
use crate::clock::Timestamp;
use crate::decision::rows::{
    GrantRow, GrantState, PolicyRows, RoleRow, SubjectKind, SubjectRow, SubjectState,
};

pub(super) const APPLICATIONS: [&str; 3] = ["orders", "warehouse", "büro"];
pub(super) const FEATURES: [&str; 2] = ["order", "住所"];
pub(super) const ACTIONS: [&str; 2] = ["read", "écrire"];
const ROLES: [&str; 11] = ["a", "b", "c", "d", "роль", "f", "g", "h", "i", "j", "k"];

/// Everything that can be known.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) policy: PolicyRows,
    pub(super) subjects: Vec<SubjectRow>,
}

/// The instants that are asked about: before, on and after every bound that is drawn.
pub(super) fn instants() -> [Timestamp; 4] {
    [noon_and(-2), noon_and(-1), noon_and(0), noon_and(1)]
}

/// Every permission there could be, declared or not.
pub(super) fn permissions() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let triples = APPLICATIONS
        .into_iter()
        .flat_map(|application| FEATURES.into_iter().map(move |feature| (application, feature)));
    triples.flat_map(|(application, feature)| {
        ACTIONS.into_iter().map(move |action| (application, feature, action))
    })
}

/// Worlds of every shape.
pub(super) fn world() -> impl Strategy<Value = World> {
    prop_oneof![4 => mixed(), 1 => chained()]
}

/// Catalogues as they may replace each other.
pub(super) fn policy() -> impl Strategy<Value = PolicyRows> {
    vec(vec(role(), 1..=6), 1..=3).prop_map(|applications| {
        let mut rows = PolicyRows::default();
        for (key, roles) in APPLICATIONS.into_iter().zip(applications) {
            rows.applications.push(application(key));
            let known = &ROLES[..roles.len()];
            let roles = roles.iter().enumerate().map(|(place, role)| role.at(place, known));
            rows.roles.extend(roles.map(|role| RoleRow { application: key.to_owned(), role }));
        }
        rows
    })
}

fn mixed() -> impl Strategy<Value = World> {
    let subjects = vec(subject(), 1..=4).prop_map(|subjects| {
        subjects.into_iter().enumerate().map(|(place, subject)| placed(subject, place)).collect()
    });
    (policy(), subjects).prop_map(|(policy, subjects)| World { policy, subjects })
}

/// One chain of roles, of which only the last says anything, held from its top; sometimes with a short cut.
fn chained() -> impl Strategy<Value = World> {
    (7..=11usize, option::weighted(0.3, 0..6usize), any::<bool>()).prop_map(|(length, short_cut, denies)| {
        let roles = (0..length).map(|position| {
            let mut inherits: Vec<&str> = ROLES[position + 1..length].iter().take(1).copied().collect();
            if short_cut == Some(position) {
                inherits.push(ROLES[length - 1]);
            }
            let rules = json!([{ "feature": FEATURES[0], "actions": [ACTIONS[0]] }]);
            let last = position + 1 == length;
            let allow = if last || (denies && position == 0) { rules.clone() } else { json!([]) };
            let deny = if last && denies { rules } else { json!([]) };
            let role = json!({ "key": ROLES[position], "inherits": inherits, "allow": allow, "deny": deny });
            RoleRow { application: "orders".to_owned(), role: serde_json::from_value(role).unwrap() }
        });
        let policy = PolicyRows {
            applications: vec![application("orders")],
            roles: roles.collect(),
            ..PolicyRows::default()
        };
        let grant = super::grant(11, &format!("orders/{}", ROLES[0]));
        World { policy, subjects: vec![super::person(1, "ada", vec![grant])] }
    })
}

/// Roles that inherit from each other in a circle, beside some that do not.
pub(super) fn circled() -> impl Strategy<Value = World> {
    (world(), 1..=5usize, 0..5usize).prop_map(|(mut world, length, back)| {
        let first = world.policy.roles.first().map_or("orders", |row| row.application.as_str()).to_owned();
        let key = |position: usize| format!("circle-{position}");
        for position in 0..length {
            let next = if position + 1 < length { position + 1 } else { back % length };
            let role = json!({ "key": key(position), "inherits": [key(next)] });
            let role = serde_json::from_value(role).unwrap();
            world.policy.roles.push(RoleRow { application: first.clone(), role });
        }
        world
    })
}

fn application(key: &str) -> Application {
    let features: Vec<_> = FEATURES.map(|key| json!({ "key": key, "actions": ACTIONS })).into();
    serde_json::from_value(json!({ "key": key, "owner": "grace", "feature": features })).unwrap()
}

/// A role before it has a place among the others.
#[derive(Debug, Clone)]
struct Drawn {
    allows: Vec<(usize, Vec<usize>)>,
    denies: Vec<(usize, Vec<usize>)>,
    /// How far behind its own place the roles stand from which it inherits.
    steps: Vec<usize>,
    birth: u8,
}

impl Drawn {
    /// The role at a place. It inherits only from roles behind it, so that there is no circle.
    fn at(&self, place: usize, roles: &[&str]) -> Role {
        let rules = |rules: &[(usize, Vec<usize>)]| -> Vec<Value> {
            let actions =
                |drawn: &[usize]| -> Vec<&str> { drawn.iter().map(|&number| ACTIONS[number]).collect() };
            rules
                .iter()
                .map(|(feature, drawn)| json!({ "feature": FEATURES[*feature], "actions": actions(drawn) }))
                .collect()
        };
        let inherits: Vec<&str> =
            self.steps.iter().filter_map(|step| roles.get(place + step)).copied().collect();
        let mut role = json!({
            "key": roles[place],
            "allow": rules(&self.allows),
            "deny": rules(&self.denies),
            "inherits": inherits,
        });
        match self.birth {
            1 => role["birthright"] = json!(true),
            2 => role["position"] = json!("manager"),
            3 => role["position"] = json!("owner"),
            _ => {}
        }
        serde_json::from_value(role).unwrap()
    }
}

fn role() -> impl Strategy<Value = Drawn> {
    let rule = || (0..FEATURES.len(), vec(0..ACTIONS.len(), 1..=3));
    let birth = prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(2), 1 => Just(3)];
    (vec(rule(), 0..=3), vec(rule(), 0..=1), vec(1..5usize, 0..=3), birth)
        .prop_map(|(allows, denies, steps, birth)| Drawn { allows, denies, steps, birth })
}

/// An instant near noon, or far from it.
fn bound() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        4 => (-2..=2i64).prop_map(noon_and),
        1 => Just(at("2026-01-01T00:00:00Z")),
        1 => Just(at("2026-12-31T00:00:00Z")),
    ]
}

fn grant() -> impl Strategy<Value = GrantRow> {
    let state = prop_oneof![6 => Just(GrantState::Active), 1 => Just(GrantState::Bound), 1 => Just(GrantState::Suspended), 1 => Just(GrantState::Ended)];
    let role = (0..APPLICATIONS.len(), 0..7usize);
    (1..1_000u128, role, state, bound(), option::weighted(0.7, bound())).prop_map(
        |(number, (application, role), state, valid_from, expires_at)| GrantRow {
            id: id(number),
            role: format!("{}/{}", APPLICATIONS[application], ROLES[role]),
            state,
            valid_from,
            expires_at,
            scope: None,
        },
    )
}

fn state() -> impl Strategy<Value = SubjectState> {
    prop_oneof![
        8 => Just(SubjectState::Active),
        1 => Just(SubjectState::Invited),
        1 => option::of(bound()).prop_map(|until| SubjectState::Suspended { until }),
        1 => Just(SubjectState::Left),
        1 => Just(SubjectState::Erased),
    ]
}

/// A subject that has no place yet. Some of its names may be those of others.
pub(super) fn subject() -> impl Strategy<Value = SubjectRow> {
    let bounds = (option::weighted(0.2, bound()), option::weighted(0.2, bound()));
    let kind = prop_oneof![4 => Just(SubjectKind::Person), 1 => Just(SubjectKind::Service)];
    let names =
        vec(prop_oneof!["[a-zа-я山川 ]{1,6}", Just(String::new()), Just("DEFAULT".to_owned())], 0..=3);
    let positions = (any::<bool>(), any::<bool>());
    (kind, names, state(), bounds, positions, vec(grant(), 0..=5)).prop_map(
        |(kind, names, state, (valid_from, valid_until), (is_manager, is_owner), grants)| {
            let nobody = super::person(0, "nobody", grants);
            SubjectRow { kind, names, state, valid_from, valid_until, is_manager, is_owner, ..nobody }
        },
    )
}

/// The subject at a place among the others, with its id as a further name.
pub(super) fn placed(mut subject: SubjectRow, place: usize) -> SubjectRow {
    subject.account = id(place as u128 + 1);
    subject.names.push(subject.account.to_string());
    subject
}
