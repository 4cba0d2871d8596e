//! The past: what the decision point answered then is what histories say now.

use std::collections::BTreeMap;

use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::access::grants;
use bailiwick::accounts::{self, Changes, Suspension};
use bailiwick::clock::Timestamp;
use bailiwick::decision::as_of::AsOf;
use bailiwick::decision::{Held, HeldPage};
use bailiwick::error::Error;
use bailiwick::ids::AccountId;
use bailiwick::log::event::Row;
use bailiwick::log::history;
use bailiwick::log::store::events_after;
use chrono::Duration;

use crate::support::House;
use crate::support::company::{Company, ORDERS, assert_sound, give, person, read, write};

const PERMISSIONS: &[&str] = &[
    "orders/buyer-address:read",
    "orders/buyer-address:export",
    "orders/order:read",
    "orders/order:write",
    "bailiwick/requests:decide",
    "bailiwick/sign-in:use",
    "bailiwick/accounts:write",
];

type Answers = BTreeMap<String, Vec<(AccountId, Vec<Held>)>>;

/// What the index that decides says now.
fn now(house: &House) -> Answers {
    let state = house.app.decisions().snapshot();
    let holders = |permission: &&str| state.holders(house.now(), permission, None, 1_000).items;
    PERMISSIONS.iter().map(|permission| ((*permission).to_owned(), holders(permission))).collect()
}

/// What histories say of an instant, in parts of two.
fn then(house: &House, at: Timestamp) -> Answers {
    let past = read(house, |reader| AsOf::load(reader, at));
    let mut answers = Answers::new();
    for permission in PERMISSIONS {
        let mut items = Vec::new();
        let mut after: Option<AccountId> = None;
        loop {
            let page = read(house, |reader| past.holders(reader, permission, after.as_ref(), 2));
            let HeldPage { items: found, next } = page;
            assert!(found.len() <= 2);
            items.extend(found);
            after = next;
            if after.is_none() {
                break;
            }
        }
        answers.insert((*permission).to_owned(), items);
    }
    answers
}

/// Things that happen, one after the other; after each of them what was answered, and when.
fn lived(house: &House, company: &Company) -> Vec<(Timestamp, Answers)> {
    let mut answered = Vec::new();
    let mut note = |house: &House| {
        answered.push((house.now(), now(house)));
        house.advance(Duration::minutes(7));
    };
    note(house);
    let address = give(house, &company.cleo, "orders/address-reader", 30);
    note(house);
    give(house, &company.pia, "orders/clerk", 2);
    note(house);
    write(house, |tx| grants::suspend(tx, &address.id, "review"));
    note(house);
    write(house, |tx| grants::resume(tx, &address.id, "review"));
    let ned = person(house, "ned", Some(&company.pia));
    note(house);
    let changed = ORDERS.to_owned() + "[[role.deny]]\nfeature = \"order\"\nactions = [\"write\"]\n";
    let file = PolicyFile { name: "orders.toml".to_owned(), text: changed };
    write(house, |tx| apply::apply(tx, &[file]));
    note(house);
    write(house, |tx| {
        accounts::suspend(tx, &company.cleo, (Suspension::Security, None), Some("looked into"))
    });
    note(house);
    write(house, |tx| accounts::reinstate(tx, &company.cleo, Some("nothing found")));
    note(house);
    let moved = Changes { manager: Some(Some(company.mara.clone())), ..Changes::default() };
    write(house, |tx| accounts::change(tx, &ned, &moved));
    note(house);
    house.advance(Duration::days(3));
    note(house);
    write(house, |tx| grants::revoke(tx, &address.id, "direct", Some("no longer needed")));
    write(house, |tx| accounts::mark_left(tx, &ned, "leaver"));
    note(house);
    answered
}

#[test]
fn the_past_is_answered_as_it_was_answered_then() {
    let house = House::new();
    let company = Company::found(&house);
    let answered = lived(&house, &company);
    for (at, answers) in &answered {
        assert_eq!(then(&house, *at), *answers, "at {at}");
    }
    let different: std::collections::BTreeSet<String> =
        answered.iter().map(|(_, answers)| format!("{answers:?}")).collect();
    assert!(different.len() > 7, "the answers did change: {}", different.len());
    let before = then_or_refused(&house, house.now().plus(Duration::seconds(1)));
    assert!(matches!(before, Err(Error::Invalid(_))), "the future is not the past");
    assert_sound(&house);
}

fn then_or_refused(house: &House, at: Timestamp) -> bailiwick::error::Result<u64> {
    house.app.read_now(|reader| AsOf::load(reader, at).map(|past| past.revision()))
}

#[test]
fn what_somebody_held_is_what_those_who_held_it_say() {
    let house = House::new();
    let company = Company::found(&house);
    for (at, answers) in lived(&house, &company) {
        let past = read(&house, |reader| AsOf::load(reader, at));
        for account in [&company.ada, &company.mara, &company.otto, &company.cleo, &company.pia] {
            let held = read(&house, |reader| past.holdings(reader, account, None, 1_000)).items;
            let held: BTreeMap<String, Vec<Held>> = held.into_iter().collect();
            for (permission, holders) in &answers {
                let expected = holders.iter().find(|(holder, _)| holder == account).map(|(_, ways)| ways);
                assert_eq!(held.get(permission), expected, "{permission} at {at}");
            }
        }
    }
}

#[test]
fn a_replay_of_the_log_ends_at_every_row_of_the_histories() {
    let house = House::new();
    let company = Company::found(&house);
    lived(&house, &company);
    let events = read(&house, |reader| events_after(reader, 0, 100_000));
    let rows = |event: &bailiwick::log::event::Event| {
        let number = event.number;
        event
            .rows
            .iter()
            .map(move |row| (row.table.clone(), row.id.clone(), number, row.digest.clone()))
            .collect::<Vec<_>>()
    };
    let named: Vec<_> = events.iter().flat_map(rows).collect();
    assert!(named.len() > 40, "{}", named.len());
    for (table, id, number, digest) in named {
        let past = read(&house, |reader| history::of_rows(reader, &table, number, std::slice::from_ref(&id)));
        let [past] = past.as_slice() else { panic!("{table} {id} at {number}: {past:?}") };
        assert_eq!(
            (past.number.cast_unsigned(), Row::digest_of(&past.body)),
            (number, digest),
            "{table} {id}"
        );
    }
}

#[test]
fn a_house_older_than_histories_says_since_when_it_knows() {
    let house = House::new();
    let company = Company::found(&house);
    let long_ago = house.now();
    house.advance(Duration::days(1));
    give(&house, &company.cleo, "orders/address-reader", 30);
    house.advance(Duration::days(1));
    write(&house, |tx| {
        use diesel::RunQueryDsl;
        Ok(diesel::sql_query("DELETE FROM row_history").execute(tx.connection)?)
    });
    drop(house.started_again());
    assert!(matches!(then_or_refused(&house, long_ago), Err(Error::Invalid(_))), "it does not say nobody");
    house.advance(Duration::minutes(1));
    let answers = now(&house);
    assert_eq!(then(&house, house.now()), answers);
    assert_eq!(answers["orders/buyer-address:read"].len(), 1);
}
