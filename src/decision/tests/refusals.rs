//! Catalogues that cannot be compiled, and those that ship.

use super::*;
use crate::decision::MAX_LINKS;

/// What is refused about an order desk with these lines more.
fn refusals(lines: &str) -> Vec<String> {
    let base = r#"
        key = "orders"
        owner = "grace"
        [[feature]]
        key = "order"
        actions = ["read"]
    "#;
    let rows = PolicyRows::of_catalogues(vec![application(&format!("{base}{lines}"))], BTreeMap::new());
    let refused = Snapshot::default().with_policy(&rows).err();
    refused.into_iter().flat_map(|refused| refused.0).map(|refusal| refusal.to_string()).collect()
}

fn role(key: &str, lines: &str) -> String {
    format!("[[role]]\nkey = \"{key}\"\n{lines}\n")
}

#[test]
fn what_cannot_be_judged_is_refused_with_application_and_role() {
    let allow = "[[role.allow]]\nfeature = \"order\"\nactions = [\"read\"]";
    let cases = [
        (role("one", "[[role.allow]]\nfeature = \"ordre\"\nactions = [\"read\"]"), "\"ordre:read\""),
        (role("one", "[[role.deny]]\nfeature = \"order\"\nactions = [\"burn\"]"), "\"order:burn\""),
        (role("one", "inherits = [\"two\"]"), "\"two\", which is not there"),
        (role("one", "inherits = [\"one\"]"), "inherits from itself"),
        (
            [role("one", "inherits = [\"two\"]"), role("two", "inherits = [\"one\"]")].concat(),
            "inherits from itself",
        ),
        ([role("one", ""), role("one", "")].concat(), "is there twice"),
        (role("DEFAULT", ""), "cannot be called"),
        (role("", ""), "cannot be called"),
        (
            role("one", &format!("{allow}\nwhen = \"tru\"")),
            "\"when\" of the role \"one\": there is no \"tru\"",
        ),
        (role("one", &format!("{allow}\nnetworks = [\"office\"]")), "\"networks\" of the role \"one\""),
        (role("one", &format!("{allow}\nhours = \"9-17\"")), "\"hours\" of the role \"one\""),
        (
            role("one", &format!("{allow}\nwithin = {{ of = \"at\", days = \"profile:nothing\" }}")),
            "no parameter",
        ),
        (role("one", "access_role = true\nbirthright = true"), "unasked"),
        (role("one", "access_role = true\nposition = \"owner\""), "unasked"),
        ("[[feature]]\nkey = \"order\"\nactions = [\"read\"]\n".to_owned(), "is there twice"),
    ];
    for (lines, expected) in cases {
        let found = refusals(&lines);
        assert!(found.iter().any(|refusal| refusal.contains(expected)), "{lines}: {found:?}");
        assert!(found.iter().all(|refusal| refusal.starts_with("orders: ")), "{found:?}");
    }
    assert_eq!(refusals(&role("one", allow)), Vec::<String>::new());
}

#[test]
fn everything_wrong_is_said_at_once() {
    let lines = [role("one", "inherits = [\"nobody\"]"), role("two", "inherits = [\"nothing\"]")];
    assert_eq!(refusals(&lines.concat()).len(), 2);
}

#[test]
fn chains_end_where_casbin_does() {
    let chain = |length: usize| -> String {
        let link = |number: usize| match number + 1 < length {
            true => role(&format!("role-{number}"), &format!("inherits = [\"role-{}\"]", number + 1)),
            false => role(&format!("role-{number}"), ""),
        };
        (0..length).map(link).collect()
    };
    assert_eq!(refusals(&chain(MAX_LINKS)), Vec::<String>::new());
    assert_eq!(refusals(&chain(MAX_LINKS + 1)).len(), 1);
}

#[test]
fn applications_are_refused_twice_unnamed_or_missing() {
    let named = |key: &str| application(&format!("key = \"{key}\""));
    let refused = |rows: &PolicyRows| Snapshot::default().with_policy(rows).is_err();
    assert!(refused(&PolicyRows::of_catalogues(vec![named("orders"), named("orders")], BTreeMap::new())));
    assert!(refused(&PolicyRows::of_catalogues(vec![named("DEFAULT")], BTreeMap::new())));
    assert!(refused(&PolicyRows::of_catalogues(vec![named("a/b")], BTreeMap::new())));
    let mut orphaned = policy();
    orphaned.applications.pop();
    assert!(refused(&orphaned));
    assert!(!refused(&PolicyRows::default()));
}

#[test]
fn a_refused_catalogue_leaves_the_state_before_it() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/picker")]));
    let broken = PolicyRows::of_catalogues(vec![application("key = \"DEFAULT\"")], BTreeMap::new());
    assert!(state.clone().with_policy(&broken).is_err());
    assert_eq!(reason(&state, "orders/order", "read"), Reason::Permitted);
}

#[test]
fn the_shipped_catalogues_compile() {
    let shipped = [
        include_str!("../../../policies/apps/bailiwick.toml"),
        include_str!("../../../policies/apps/orders.toml"),
        include_str!("../../../policies/apps/warehouse.toml"),
    ];
    let days = BTreeMap::from([("pii.retention".to_owned(), 30)]);
    let rows = PolicyRows::of_catalogues(shipped.map(application).into(), days);
    let state = Snapshot::default().with_policy(&rows).unwrap();
    assert!(state.policy_row_count() > 50);
}
