//! The permission matrix: which of the house's own roles may do what, as a text that a reviewer reads at a glance.

use std::collections::BTreeSet;

use bailiwick::access::catalogue::{Application, Role};
use bailiwick::access::roles;
use bailiwick::http::routes::{Needs, TABLE};

use crate::support::{House, same_as_committed};

/// Few permissions for everybody but those who run or audit the whole.
const MOST: usize = 15;
const BROAD: &[&str] = &["administrator", "auditor"];

/// The house's own catalogue as it is in force in a fresh house.
fn own(house: &House) -> Application {
    house.app.read_now(|reader| roles::catalogue(reader, "bailiwick")).expect("it came with the house")
}

fn permissions<'a>(own: &'a Application, role: &'a Role) -> BTreeSet<String> {
    own.permissions_of(role).iter().map(|(feature, action)| format!("{feature}:{action}")).collect()
}

/// One line for each permission, one column for each role.
fn matrix(own: &Application) -> String {
    let all = own.features.iter().flat_map(|feature| {
        feature.actions.iter().map(move |action| (feature.class(), format!("{}:{action}", feature.key)))
    });
    let held: Vec<(&str, BTreeSet<String>)> =
        own.roles.iter().map(|role| (role.key.as_str(), permissions(own, role))).collect();
    let heads: Vec<&str> = held.iter().map(|(role, _)| *role).collect();
    let mut text = format!("{:<24} {:<10} {}\n", "permission", "class", heads.join(" "));
    for (class, permission) in all {
        let marks: Vec<String> = held
            .iter()
            .map(|(role, all)| {
                let mark = if all.contains(&permission) { "x" } else { "." };
                format!("{mark:<width$}", width = role.len())
            })
            .collect();
        text.push_str(format!("{permission:<24} {:<10} {}", class.to_string(), marks.join(" ")).trim_end());
        text.push('\n');
    }
    let counts: Vec<String> =
        held.iter().map(|(role, all)| format!("{:<width$}", all.len(), width = role.len())).collect();
    text.push_str(format!("{:<24} {:<10} {}", "count", "", counts.join(" ")).trim_end());
    text.push('\n');
    text
}

#[test]
fn who_may_do_what_is_as_committed() {
    let house = House::new();
    same_as_committed("permissions.txt", &matrix(&own(&house)));
}

#[test]
fn no_role_is_too_broad_and_none_means_everything() {
    let house = House::new();
    let own = own(&house);
    assert!(own.roles.len() >= 9, "the own roles are there");
    for role in &own.roles {
        let count = permissions(&own, role).len();
        assert!(count > 0, "{} permits nothing", role.key);
        assert!(count <= MOST || BROAD.contains(&role.key.as_str()), "{}: {count} permissions", role.key);
        for allow in &role.allows {
            assert_ne!(allow.feature, "*", "{} allows every feature", role.key);
            assert!(!allow.actions.iter().any(|action| action == "*"), "{} allows every action", role.key);
        }
    }
}

#[test]
fn the_route_table_asks_for_permissions_that_somebody_can_hold() {
    let house = House::new();
    let own = own(&house);
    let known: BTreeSet<String> = own.roles.iter().flat_map(|role| permissions(&own, role)).collect();
    let service_only = ["evaluation:ask", "events:read"];
    for row in TABLE {
        let Needs::Permission(feature, action) = row.needs else { continue };
        let asked = format!("{feature}:{action}");
        let actions = own.feature(feature).map(|feature| feature.actions.as_slice()).unwrap_or_default();
        assert!(
            actions.iter().any(|own| own == action),
            "{} {} asks for the unknown {asked}",
            row.method,
            row.path
        );
        assert!(
            known.contains(&asked) || service_only.contains(&asked.as_str()),
            "{} {}: nobody can hold {asked}",
            row.method,
            row.path
        );
    }
}
