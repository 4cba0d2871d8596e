//! Lists: they name exactly what single questions permit, on however many pages.

use proptest::prelude::*;

use super::differential::{cases, compiled};
use super::worlds::{APPLICATIONS, FEATURES, instants, permissions, world};
use super::*;
use crate::decision::Page;
use crate::decision::authzen::Asker;
use crate::decision::page_token::Place;
use crate::decision::searched::{Found, Search, Sought};

/// All pages of a list, each of at most two entries.
fn all<T: Clone>(mut page: impl FnMut(Option<&T>) -> Page<T>) -> Vec<T> {
    let mut items: Vec<T> = Vec::new();
    let mut after: Option<T> = None;
    loop {
        let mut found = page(after.as_ref());
        assert!(found.items.len() <= 2);
        items.append(&mut found.items);
        after = found.next;
        if after.is_none() {
            return items;
        }
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn lists_name_exactly_what_single_questions_permit(world in world(), now in 0..4usize) {
        let Some(state) = compiled(&world) else { return Ok(()) };
        let now = instants()[now];
        let permits = |question: &Question<'_>| state.evaluate(now, Freshness::Fresh, question).permit();
        let asked = |subject| Question { subject, ..question("", "") };
        for (application, feature, action) in permissions() {
            let asked = Question { application: Some(application), resource_type: feature, action, ..asked("") };
            let listed = all(|after| state.search_subjects(now, Freshness::Fresh, &asked, after, 2));
            let mut expected: Vec<AccountId> = world.subjects.iter().map(|row| row.account.clone())
                .filter(|account| permits(&Question { subject: account.as_str(), ..asked }))
                .collect();
            expected.sort();
            prop_assert_eq!(listed, expected);
        }
        for account in world.subjects.iter().map(|row| &row.account) {
            let given = all(|after: Option<&String>| {
                state.permissions_of(now, account, after.map(String::as_str), 2)
            });
            let mut expected: Vec<_> = permissions()
                .filter(|permission| state.rows_permit(now, account.as_str(), *permission))
                .collect();
            expected.sort_unstable();
            let expected: Vec<String> =
                expected.into_iter().map(|(one, two, three)| format!("{one}/{two}:{three}")).collect();
            prop_assert_eq!(given, expected);
            for (application, feature) in APPLICATIONS.into_iter().flat_map(|one| FEATURES.map(|two| (one, two))) {
                let asked = Question { application: Some(application), resource_type: feature, ..asked(account.as_str()) };
                let actions = all(|after: Option<&String>| {
                    state.search_actions(now, Freshness::Fresh, &asked, after.map(String::as_str), 2)
                });
                let mut expected: Vec<&str> = permissions()
                    .filter(|permission| (permission.0, permission.1) == (application, feature))
                    .map(|permission| permission.2)
                    .filter(|action| permits(&Question { action, ..asked }))
                    .collect();
                expected.sort_unstable();
                prop_assert_eq!(actions, expected);
            }
        }
    }
}

#[test]
fn records_are_listed_in_order_and_canaries_never() {
    let mut rows = policy();
    let orders = &mut rows.applications[0];
    let record = orders.records.iter().find(|record| !record.canary).unwrap().clone();
    orders.records.extend(["order-3", "order-2"].map(|id| {
        let mut record = record.clone();
        record.id = id.to_owned();
        record
    }));
    let ada = person(1, "ada", vec![grant(11, "orders/picker"), grant(12, "orders/address-reader")]);
    let state = Snapshot::default().with_policy(&rows).unwrap().with_subject(&ada);
    let listed = |resource_type: &str, action: &str| {
        let asked = question(resource_type, action);
        all(|after: Option<&String>| {
            state.search_resources(noon(), Freshness::Fresh, &asked, after.map(String::as_str), 2)
        })
    };
    assert_eq!(listed("orders/order", "read"), ["order-1", "order-2", "order-3"]);
    assert!(listed("orders/order", "burn").is_empty());
    assert!(listed("orders/nothing", "read").is_empty());
    assert!(listed("orders/buyer-address", "read").is_empty());
}

#[test]
fn what_is_stopped_is_not_listed() {
    let state = snapshot(&person(1, "ada", vec![grant(11, "orders/picker")]));
    let asked = question("orders/order", "read");
    let listed = |state: &Snapshot| state.search_subjects(noon(), Freshness::Fresh, &asked, None, 10).items;
    assert_eq!(listed(&state), [id::<AccountId>(1)]);
    assert!(listed(&state.clone().with_kill_switches(&[kill_switch("orders")])).is_empty());
    let unknown = question("orders/order", "burn");
    assert!(state.search_subjects(noon(), Freshness::Fresh, &unknown, None, 10).items.is_empty());
    assert_eq!(state.names_of(&id(1)), [id::<AccountId>(1).to_string(), "ada".to_owned()]);
    assert!(state.names_of(&id(2)).is_empty());
}

#[test]
fn a_list_of_people_follows_every_change_of_their_grants() {
    let asked = question("orders/order", "read");
    let listed = |state: &Snapshot| state.search_subjects(noon(), Freshness::Fresh, &asked, None, 10).items;
    let [ada, ben, cleo] = [1, 2, 3].map(id::<AccountId>);
    let before = snapshot(&person(1, "ada", vec![grant(11, "orders/picker")]))
        .with_subject(&person(3, "cleo", vec![grant(13, "orders/lead"), grant(14, "orders/picker")]))
        .with_subject(&person(2, "ben", Vec::new()));
    assert_eq!(listed(&before), [ada.clone(), cleo.clone()], "each once, however many roles reach it");
    let given = before.clone().with_subject(&person(2, "ben", vec![grant(12, "orders/lead")]));
    assert_eq!(listed(&given), [ada.clone(), ben.clone(), cleo.clone()]);
    let taken = given.clone().with_subject(&person(1, "ada", vec![grant(15, "orders/trainee")]));
    assert_eq!(listed(&taken), [ben.clone(), cleo.clone()]);
    let gone = taken.clone().without_subject(&cleo).without_subject(&cleo);
    assert_eq!(listed(&gone), [ben]);
    let back = gone.with_subject(&person(3, "cleo", vec![grant(13, "orders/lead")]));
    assert_eq!(listed(&back).last(), Some(&cleo));
    assert_eq!(listed(&before), [ada, cleo], "the states before stay as they were");
}

#[test]
fn a_search_that_is_late_goes_on_where_it_stopped() {
    let mut state = snapshot(&person(1, "ada", Vec::new()));
    for number in 2..=1_250 {
        let over = GrantRow { expires_at: Some(noon()), ..grant(number, "orders/picker") };
        let own = if number % 400 == 0 { grant(number, "orders/picker") } else { over };
        state = state.with_subject(&person(number, &format!("person{number}"), vec![own]));
    }
    let body = br#"{"subject":{"type":"user"},"action":{"name":"read"},"resource":{"type":"orders/order","id":"1"}}"#;
    let search = Search::parse(Sought::Subject, body).unwrap();
    let run = |after: &str, is_late: bool| {
        let place = Place { after: after.to_owned(), limit: 10 };
        let now = (&state, noon(), Freshness::Fresh);
        match search.run(now, Asker::default(), &place, || is_late).unwrap() {
            Found::Subjects(page) => page,
            Found::Names(_) => panic!("a search for subjects"),
        }
    };
    let mut pages = vec![run("", true)];
    while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
        pages.push(run(next.as_str(), true));
    }
    let found: Vec<usize> = pages.iter().map(|page| page.items.len()).collect();
    assert_eq!(found, [1, 1, 1], "each looked at five hundred");
    let all = run("", false);
    assert_eq!((all.items.len(), all.next), (3, None), "in good time there is one page");
}
