//! The index against casbin: the same worlds, the same questions, the same answers; and against itself built afresh.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::worlds::{World, circled, instants, permissions, placed, policy, subject, world};
use super::*;
use crate::decision::fault::{self, Fault};
use crate::decision::referee::{Referee, says};
use crate::decision::snapshot::Found;

/// How many worlds a test looks at; more with the environment variable `BAILIWICK_CASES`.
pub(super) fn cases(usual: u32) -> Config {
    let asked = std::env::var("BAILIWICK_CASES").ok().and_then(|text| text.parse().ok());
    Config { failure_persistence: None, ..Config::with_cases(asked.unwrap_or(usual)) }
}

/// Builds the index of a world, or `None` if its policy is refused.
pub(super) fn compiled(world: &World) -> Option<Snapshot> {
    let empty = Snapshot::default().with_policy(&world.policy).ok()?;
    Some(world.subjects.iter().fold(empty, Snapshot::with_subject))
}

/// The first question that index and casbin answer differently.
pub(super) fn difference(snapshot: &Snapshot, world: &World) -> Option<String> {
    compare(snapshot, world).err()
}

/// Asks index and casbin every question of a world, and of somebody and something that it does not have; says how
/// many they were.
///
/// # Errors
/// The first that they answer differently.
pub(super) fn compare(snapshot: &Snapshot, world: &World) -> Result<usize, String> {
    let nobody: AccountId = id(9_999);
    // Without any row casbin permits what has empty names: a deviation that is decided.
    let strange = world.policy.roles.iter().any(|row| !row.role.allows.is_empty());
    let strange: &[_] =
        if strange { &[("", "", ""), ("orders", "order", ""), ("orders", "", "read")] } else { &[] };
    let mut questions = 0;
    for now in instants() {
        let referee = Referee::of(&world.policy, None, &world.subjects, now).unwrap();
        let mut ask = |account: &AccountId, name: &str, permission| {
            questions += 1;
            let expected = referee.permits(account, permission).unwrap();
            if snapshot.rows_permit(now, name, permission) == expected {
                Ok(())
            } else {
                Err(format!("{name:?} {permission:?} at {now}: casbin says {expected}"))
            }
        };
        for permission in permissions().chain(strange.iter().copied()) {
            ask(&nobody, nobody.as_str(), permission)?;
            for subject in &world.subjects {
                for name in subject.names.iter().filter(|name| is_unique(world, name)) {
                    ask(&subject.account, name, permission)?;
                }
            }
        }
    }
    Ok(questions)
}

/// Whether exactly one subject of the world can be asked by this name.
fn is_unique(world: &World, name: &str) -> bool {
    let bearers = world.subjects.iter().filter(|subject| subject.names.iter().any(|own| own == name));
    !name.is_empty() && name != "DEFAULT" && bearers.count() == 1
}

/// The number of links from a grant to the deepest role, found by walking every path. There are no circles.
pub(super) fn links(policy: &PolicyRows) -> usize {
    fn below(policy: &PolicyRows, application: &str, key: &str) -> usize {
        let role = policy.roles.iter().find(|row| row.application == application && row.role.key == key);
        let parents = role.into_iter().flat_map(|row| &row.role.inherits);
        1 + parents.map(|parent| below(policy, application, parent)).max().unwrap_or(0)
    }
    policy.roles.iter().map(|row| below(policy, &row.application, &row.role.key)).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn the_index_answers_as_casbin_does(world in world()) {
        match compiled(&world) {
            Some(snapshot) => prop_assert_eq!(difference(&snapshot, &world), None),
            None => prop_assert!(links(&world.policy) > 9),
        }
    }

    #[test]
    fn what_casbin_does_not_follow_is_refused(world in world()) {
        prop_assert_eq!(compiled(&world).is_none(), links(&world.policy) > 9);
    }

    #[test]
    fn circles_are_refused(world in circled()) {
        prop_assert!(compiled(&world).is_none());
    }
}

/// What may happen to an index.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Policy(PolicyRows),
    Put(SubjectRow),
    Remove(usize),
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => policy().prop_map(Step::Policy),
        4 => (0..4usize, subject()).prop_map(|(place, subject)| Step::Put(placed(subject, place))),
        1 => (0..4usize).prop_map(Step::Remove),
    ];
    vec(step, 1..12)
}

/// Everything a snapshot says, in words that do not depend on how it came to be.
fn portrait(snapshot: &Snapshot, world: &World) -> Vec<String> {
    let role = |number: u32| snapshot.roles.name_of(number).to_owned();
    let mut lines: Vec<String> = snapshot
        .policy
        .permissions_behind(None)
        .flat_map(|permission| {
            let reaches =
                permission.reaches().iter().chain(permission.births().iter().map(|(_, reach)| reach));
            reaches.map(move |reach| {
                let rows: Vec<_> =
                    permission.rows_of(reach).map(|row| (role(row.role), row.allows, row.strong)).collect();
                format!("{} {} {:?} {}", permission.name(), role(reach.role), rows, reach.plain)
            })
        })
        .collect();
    lines.sort();
    for (account, place) in &snapshot.places {
        let subject = snapshot.subjects.get(*place as usize).cloned().flatten().unwrap();
        let roles: Vec<String> = subject.roles().map(role).collect();
        let grants = (0..roles.len()).filter_map(|position| subject.grant(position)).map(|grant| {
            let limits: Vec<(&str, Vec<&str>)> =
                grant.limits().map(|(property, values)| (property, values.collect())).collect();
            format!("{} {:?} {:?} {limits:?}", grant.id(), grant.bounds(), grant.counts(noon().micros()))
        });
        lines.push(format!("{account} {roles:?} {:?} {:?}", grants.collect::<Vec<_>>(), subject.kind()));
    }
    for name in world.subjects.iter().flat_map(|subject| &subject.names) {
        lines.push(match snapshot.find(name) {
            Found::Nobody => format!("{name}: nobody"),
            Found::One(subject) => format!("{name}: {}", subject.account()),
            Found::Several => format!("{name}: several"),
        });
    }
    lines
}

/// Takes the steps one after the other, and after each compares with an index built afresh and with casbin over the rows
/// as they are then. Says how many questions that were.
///
/// # Errors
/// The first difference.
pub(super) fn walk(steps: Vec<Step>) -> Result<usize, String> {
    let mut world = World { policy: PolicyRows::default(), subjects: Vec::new() };
    let mut everybody = world.clone();
    let (mut snapshot, mut questions) = (Snapshot::default(), 0);
    for step in steps {
        match step {
            Step::Policy(policy) => {
                snapshot = snapshot.with_policy(&policy).unwrap();
                world.policy = policy;
            }
            Step::Put(subject) => {
                snapshot = snapshot.with_subject(&subject);
                world.subjects.retain(|other| other.account != subject.account);
                world.subjects.push(subject.clone());
                everybody.subjects.push(subject);
            }
            Step::Remove(place) => {
                let account: AccountId = id(place as u128 + 1);
                snapshot = snapshot.without_subject(&account);
                world.subjects.retain(|other| other.account != account);
            }
        }
        let fresh = compiled(&world).unwrap();
        let (one, other) = (portrait(&snapshot, &everybody), portrait(&fresh, &everybody));
        if one != other {
            return Err(format!("not as if built afresh: {one:#?} {other:#?}"));
        }
        questions += compare(&snapshot, &world)?;
    }
    Ok(questions)
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn after_every_change_the_index_is_as_if_built_afresh(steps in steps()) {
        prop_assert!(walk(steps).is_ok_and(|questions| questions > 0));
    }
}

#[test]
fn an_earlier_state_stays_as_it_was() {
    let before = snapshot(&person(1, "ada", vec![grant(11, "orders/picker")]));
    let after = before.clone().with_subject(&person(1, "ada", vec![])).without_subject(&id(2));
    let gone = after.clone().without_subject(&id(1));
    assert_eq!(reason(&before, "orders/order", "read"), Reason::Permitted);
    assert_eq!(reason(&after, "orders/order", "read"), Reason::NoGrant);
    assert_eq!(reason(&gone, "orders/order", "read"), Reason::UnknownSubject);
}

/// Each deliberate mistake must be noticed within so many worlds. `scripts/faults` shows the table.
#[test]
fn every_broken_compiler_is_caught() {
    const WORLDS: usize = 300;
    println!("{:<20} {:>24}", "what goes wrong", "noticed in world number");
    let mut unnoticed = Vec::new();
    for fault in Fault::ALL {
        let mut runner = TestRunner::deterministic();
        let caught = (1..=WORLDS).find(|_| {
            let world = world().new_tree(&mut runner).unwrap().current();
            let broken = fault::with(fault, || compiled(&world));
            broken.is_some_and(|snapshot| difference(&snapshot, &world).is_some())
        });
        let number = caught.map_or_else(|| "never".to_owned(), |number| number.to_string());
        println!("{:<20} {number:>24}", format!("{fault:?}"));
        unnoticed.extend(caught.is_none().then_some(fault));
    }
    assert_eq!(unnoticed, [], "went unnoticed in {WORLDS} worlds");
}

#[test]
fn one_sample_is_judged_by_a_referee_of_its_own() {
    let (rows, subject) = (&super::policy(), person(1, "ada", vec![grant(11, "orders/lead")]));
    let state = snapshot(&subject);
    for permission in
        [("orders", "order", "ship"), ("orders", "listing", "burn"), ("bailiwick", "apps", "read")]
    {
        let compiled = state.rows_permit(noon(), subject.account.as_str(), permission);
        assert_eq!(says(rows, &subject, noon(), permission).unwrap(), compiled, "{permission:?}");
    }
    // The index does not know yet that the grant rests.
    let resting = GrantRow { state: GrantState::Suspended, ..grant(11, "orders/lead") };
    let resting = person(1, "ada", vec![resting]);
    assert!(!says(rows, &resting, noon(), ("orders", "order", "ship")).unwrap());
    assert!(state.rows_permit(noon(), resting.account.as_str(), ("orders", "order", "ship")));
}
