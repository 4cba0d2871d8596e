//! People and services: joining, changing, moving, managers, the directory and the organisation.

use bailiwick::accounts::{
    self, Account, Changes, Filter, Kind, NewPerson, NewService, Standing, State, Suspension,
    details::Attributes,
};
use bailiwick::caller::Caller;
use bailiwick::db::{Reader, Tx};
use bailiwick::error::{Error, Result};
use bailiwick::ids::AccountId;
use bailiwick::log::event::{Change, Event};
use bailiwick::organisation;
use chrono::Duration;

use crate::support::House;

fn write<T>(house: &House, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    house.app.write_now(&Caller::shell(1000), f).map(|done| done.value)
}

fn read<T>(house: &House, f: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> T {
    house.app.read_now(f).expect("the house can be read")
}

fn events(house: &House) -> Vec<Event> {
    read(house, |reader| bailiwick::log::store::events_after(reader, 0, 10_000))
}

fn person(username: &str, given: &str, family: &str) -> NewPerson {
    NewPerson {
        username: Some(username.to_owned()).filter(|name| !name.is_empty()),
        given_name: Some(given.to_owned()),
        family_name: Some(family.to_owned()),
        ..NewPerson::default()
    }
}

fn join(house: &House, new: NewPerson) -> Result<Account> {
    write(house, |tx| accounts::create_person(tx, new))
}

fn username(house: &House, id: &AccountId) -> String {
    read(house, |reader| accounts::find_named(reader, id)).details.username
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T>, slug: &str) {
    match outcome {
        Err(Error::Conflict(found, _)) => assert_eq!(found, slug),
        Err(Error::Invalid(fields)) => assert!(fields.iter().any(|field| field.field == slug), "{fields:?}"),
        other => panic!("expected {slug}, got {other:?}"),
    }
}

#[test]
fn a_person_is_found_by_every_name_and_by_no_other() {
    let house = House::bare();
    let new = NewPerson {
        email: Some("Grace@Example.com".to_owned()),
        employee_id: Some("E-17".to_owned()),
        external_id: Some("scim-17".to_owned()),
        department: Some("Returns".to_owned()),
        ..person("grace", "Grace", "Hopper")
    };
    let grace = join(&house, new).expect("grace joins");
    assert_eq!((grace.kind, grace.status.state), (Kind::Person, State::Invited));
    for name in ["grace", "GRACE", "ｇｒａｃｅ", "scim-17", grace.id.as_str()] {
        let found = read(&house, |reader| accounts::find_by_name(reader, name));
        assert_eq!(found.as_ref(), Some(&grace), "{name}");
    }
    for name in ["E-17", "grace@example.com", "hopper", "", &"x".repeat(5_000)] {
        assert_eq!(read(&house, |reader| accounts::find_by_name(reader, name)), None, "{name}");
    }
    assert_eq!(read(&house, |reader| accounts::find_by_employee_id(reader, "e-17")), Some(grace.clone()));
    let named = read(&house, |reader| accounts::find_named(reader, &grace.id));
    assert_eq!(named.details.email.as_deref(), Some("Grace@Example.com"));
    assert_eq!(named.details.display_name(), "Grace Hopper");
    let filter = Filter { department: Some("RETURNS".to_owned()), ..Filter::default() };
    assert_eq!(read(&house, |reader| accounts::list(reader, &filter, None, 10)).len(), 1);
}

#[test]
fn creating_an_account_is_one_event_with_the_row_as_it_stands() {
    let house = House::bare();
    let grace = join(&house, person("grace", "Grace", "Hopper")).expect("grace joins");
    let events = events(&house);
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert!(matches!(&event.change, Change::AccountCreated { account, .. } if *account == grace.id));
    assert_eq!(event.number, grace.revision);
    assert_eq!(event.rows, [grace.row().expect("a digest")]);
    let governed = read(&house, |reader| accounts::governed(reader, "", 10));
    assert_eq!(governed, event.rows, "the table says what the log says");
    let text = event.text().expect("the event's text");
    assert!(!text.to_lowercase().contains("grace") && !text.contains("Hopper"), "{text}");
}

#[test]
fn nothing_personal_stands_unsealed_in_the_database() {
    let house = House::bare();
    if house.on_postgresql() {
        return; // The same columns; here the whole file can be searched.
    }
    let canary = "zqcanary";
    let new = NewPerson {
        username: Some(format!("{canary}user")),
        given_name: Some(format!("{canary}given")),
        family_name: Some(format!("{canary}family")),
        email: Some(format!("{canary}@example.com")),
        employee_id: Some(format!("{canary}employee")),
        external_id: Some(format!("{canary}external")),
        department: Some(format!("{canary}department")),
        job_title: Some(format!("{canary}job")),
        location: Some(format!("{canary}location")),
        sponsor: Some(format!("{canary}sponsor")),
        attributes: Attributes::from([(format!("{canary}key"), format!("{canary}value").into())]),
        ..NewPerson::default()
    };
    let id = join(&house, new).expect("the canary joins").id;
    let reason = format!("{canary} went on leave");
    write(&house, |tx| accounts::suspend(tx, &id, (Suspension::Leave, None), Some(&reason)))
        .expect("suspended");
    for entry in std::fs::read_dir(house.data()).expect("the directory") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("a file");
            let found =
                bytes.windows(canary.len()).any(|window| window.eq_ignore_ascii_case(canary.as_bytes()));
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn usernames_are_made_by_rule_and_numbered() {
    let house = House::bare();
    let made: Vec<String> = (0..12)
        .map(|_| join(&house, person("", "Søren", "Ångström")).expect("he joins").id)
        .map(|id| username(&house, &id))
        .collect();
    assert_eq!(made[..3], ["sangstrom", "sangstrom2", "sangstrom3"]);
    assert_eq!(made[11], "sangstrom12");
}

#[test]
fn generic_and_taken_names_are_refused() {
    let house = House::bare();
    let new = NewPerson {
        email: Some("ada@example.com".to_owned()),
        employee_id: Some("1".to_owned()),
        external_id: Some("x1".to_owned()),
        ..person("ada", "Ada", "Lovelace")
    };
    join(&house, new).expect("ada joins");
    let with = |change: fn(&mut NewPerson)| {
        let mut new = person("bob", "Bob", "Boole");
        change(&mut new);
        join(&house, new)
    };
    refused(with(|new| new.username = Some("Admin".to_owned())), "username");
    refused(with(|new| new.username = Some("ADA".to_owned())), "name-taken");
    refused(with(|new| new.username = Some("X1".to_owned())), "name-taken");
    refused(with(|new| new.external_id = Some("ada".to_owned())), "name-taken");
    refused(with(|new| new.email = Some("ADA@example.com".to_owned())), "name-taken");
    refused(with(|new| new.employee_id = Some("1".to_owned())), "name-taken");
    refused(with(|new| new.given_name = Some("x".repeat(101))), "given_name");
    refused(with(|new| new.email = Some("nobody".to_owned())), "email");
    refused(with(|new| new.time_zone = Some("Nowhere".to_owned())), "time_zone");
    assert_eq!(events(&house).len(), 1, "what was refused left nothing behind");
    assert!(with(|new| new.external_id = Some("bob".to_owned())).is_ok(), "one's own name twice is one name");
}

#[test]
fn a_username_given_up_resolves_for_90_days_and_is_nobody_elses_for_ever() {
    let house = House::bare();
    let ada = join(&house, person("ada", "Ada", "Byron")).expect("ada joins").id;
    let bob = join(&house, person("bob", "Bob", "Boole")).expect("bob joins").id;
    let rename = |id: &AccountId, to: &str, reason: Option<&str>| {
        let changes = Changes {
            username: Some(to.to_owned()),
            reason: reason.map(str::to_owned),
            ..Changes::default()
        };
        write(&house, |tx| accounts::change(tx, id, &changes))
    };
    let who = |name: &str| read(&house, |reader| accounts::find_by_name(reader, name)).map(|found| found.id);
    refused(rename(&ada, "lovelace", None), "reason");
    rename(&ada, "lovelace", Some("married")).expect("ada is renamed");
    assert_eq!((who("ada"), who("lovelace")), (Some(ada.clone()), Some(ada.clone())));
    refused(rename(&bob, "Ada", Some("likes it")), "name-taken");
    house.advance(Duration::days(90));
    assert_eq!(who("ada"), None);
    refused(rename(&bob, "ada", Some("likes it")), "name-taken");
    refused(join(&house, person("ada", "Ada", "Other")), "name-taken");
    rename(&ada, "ada", Some("divorced")).expect("it comes back to its own person");
    assert_eq!((who("ada"), who("lovelace")), (Some(ada.clone()), Some(ada)));
}

#[test]
fn a_change_names_its_fields_once_and_no_change_names_none() {
    let house = House::bare();
    let ada = join(&house, person("ada", "Ada", "Byron")).expect("ada joins").id;
    let bob = join(&house, person("bob", "Bob", "Boole")).expect("bob joins").id;
    let changes = Changes {
        family_name: Some(Some("Lovelace".to_owned())),
        email: Some(Some("ada@example.com".to_owned())),
        manager: Some(Some(bob.clone())),
        ..Changes::default()
    };
    let changed = write(&house, |tx| accounts::change(tx, &ada, &changes)).expect("it changes");
    let again = write(&house, |tx| accounts::change(tx, &ada, &changes)).expect("it stays");
    assert_eq!(changed, again);
    let all = events(&house);
    let last = all.last().expect("an event");
    let Change::AccountChanged { fields, manager_before, manager_after, .. } = &last.change else {
        panic!("{last:?}");
    };
    assert_eq!(fields, &["family_name", "email", "manager"]);
    assert_eq!((manager_before, manager_after), (&None, &Some(bob.clone())));
    assert_eq!((all.len(), last.number), (3, changed.revision));
    let clear = Changes { email: Some(None), ..Changes::default() };
    write(&house, |tx| accounts::change(tx, &ada, &clear)).expect("the address goes");
    let take = Changes { email: Some(Some("ada@example.com".to_owned())), ..Changes::default() };
    write(&house, |tx| accounts::change(tx, &bob, &take)).expect("and is free again");
}

#[test]
fn states_follow_the_machine_and_the_clock() {
    let house = House::bare();
    let ada = join(&house, person("ada", "Ada", "Byron")).expect("ada joins").id;
    let standing = || read(&house, |reader| Ok(accounts::find(reader, &ada)?.standing(reader.now)));
    write(&house, |tx| accounts::enrol(tx, &ada)).expect("enrolled");
    let until = house.app.context().clock.now().plus(Duration::hours(1));
    write(&house, |tx| accounts::suspend(tx, &ada, (Suspension::Leave, Some(until)), None))
        .expect("suspended");
    assert_eq!(standing(), Standing::Suspended);
    house.advance(Duration::hours(1));
    assert_eq!(standing(), Standing::Active, "it ends by the clock, not by a job");
    refused(write(&house, |tx| accounts::reinstate(tx, &ada, None)), "account-state");
    write(&house, |tx| accounts::suspend(tx, &ada, (Suspension::Security, None), Some("odd calls")))
        .expect("suspended");
    refused(
        write(&house, |tx| accounts::suspend(tx, &ada, (Suspension::Leave, None), None)),
        "account-state",
    );
    let back = write(&house, |tx| accounts::reinstate(tx, &ada, None)).expect("reinstated");
    assert_eq!(back.status.state, State::Active);
    write(&house, |tx| accounts::mark_left(tx, &ada, "leaver")).expect("gone");
    assert_eq!(standing(), Standing::Over);
    refused(write(&house, |tx| accounts::enrol(tx, &ada)), "account-state");
    let back = write(&house, |tx| accounts::rehire(tx, &ada, None)).expect("back");
    assert_eq!((back.status.state, back.status.enrolled_at), (State::Invited, None));
    let last = events(&house).pop().expect("an event");
    assert_eq!(last.rows, read(&house, |reader| accounts::governed(reader, "", 10)));
}

#[test]
fn services_have_an_owner_who_works_here() {
    let house = House::bare();
    let ada = join(&house, person("ada", "Ada", "Byron")).expect("ada joins").id;
    let service = |name: &str, owner: &AccountId| {
        let new = NewService {
            username: name.to_owned(),
            owner: owner.clone(),
            purpose: None,
            external_id: None,
            attributes: Attributes::new(),
        };
        write(&house, |tx| accounts::create_service(tx, new))
    };
    let orders = service("orders", &ada).expect("the service begins");
    assert_eq!(
        (orders.kind, orders.status.state, &orders.owner),
        (Kind::Service, State::Active, &Some(ada.clone()))
    );
    refused(service("robot", &orders.id), "owner");
    write(&house, |tx| accounts::mark_left(tx, &ada, "leaver")).expect("gone");
    refused(service("robot", &ada), "owner");
    let manager = Changes { manager: Some(Some(ada)), ..Changes::default() };
    refused(write(&house, |tx| accounts::change(tx, &orders.id, &manager)), "manager");
}

#[test]
fn managers_stand_above_others_and_never_above_themselves() {
    let house = House::bare();
    let mut ids: Vec<AccountId> = Vec::new();
    for name in ["ada", "bob", "cyd", "dan"] {
        let new = NewPerson { manager: ids.last().cloned(), ..person(name, name, "Smith") };
        ids.push(join(&house, new).expect("they join").id);
    }
    let above: Vec<AccountId> = ids[..3].iter().rev().cloned().collect();
    assert_eq!(read(&house, |reader| accounts::chain(reader, &ids[3])), above);
    let below = |all: Vec<Account>| all.into_iter().map(|account| account.id).collect::<Vec<_>>();
    assert_eq!(below(read(&house, |reader| accounts::reports(reader, &ids[0]))), [ids[1].clone()]);
    assert_eq!(below(read(&house, |reader| accounts::team(reader, &ids[0]))), ids[1..]);
    for under in [&ids[0], &ids[3]] {
        let changes = Changes { manager: Some(Some(under.clone())), ..Changes::default() };
        refused(write(&house, |tx| accounts::change(tx, &ids[0], &changes)), "manager");
    }
}

#[test]
fn the_directory_follows_every_change_before_the_answer() {
    let house = House::bare();
    let search = |text: &str| house.app.directory().search(text, 10, |_, _| true);
    let zoe = join(&house, person("", "Zoë", "Ångström")).expect("zoe joins").id;
    let ann = join(&house, person("", "Ann", "Zoet")).expect("ann joins").id;
    let bob = join(&house, person("", "Bob", "Razor")).expect("bob joins").id;
    assert_eq!(search("ZO"), [zoe.clone(), ann.clone(), bob.clone()], "beginnings first, in order of names");
    assert_eq!(search("angstrom zoe"), std::slice::from_ref(&zoe));
    assert_eq!(search("  "), []);
    assert_eq!(house.app.directory().page(None, 2, |_, _| true), [zoe.clone(), bob.clone()]);
    assert_eq!(house.app.directory().page(Some(&bob), 2, |_, _| true), std::slice::from_ref(&ann));
    let married = Changes { family_name: Some(Some("Quick".to_owned())), ..Changes::default() };
    write(&house, |tx| accounts::change(tx, &zoe, &married)).expect("renamed");
    assert_eq!(house.app.directory().display_name(&zoe), "Zoë Quick");
    assert_eq!(search("angstrom"), std::slice::from_ref(&zoe), "the username still has it");
    let other = house.second_node();
    assert_eq!(other.directory().page(None, 9, |_, _| true), [zoe, bob, ann], "loaded as it was followed");
}

#[test]
fn the_organisation_is_kept_and_followed() {
    let house = House::bare();
    let in_force = || house.app.context().profiles.current().key.clone();
    assert_eq!((house.app.organisation().profile.as_str(), in_force().as_str()), ("strictest", "strictest"));
    let wishes = organisation::Wishes {
        name: Some("Corriden Parcels".to_owned()),
        time_zone: Some("Europe/London".to_owned()),
        ..organisation::Wishes::default()
    };
    write(&house, |tx| organisation::set(tx, &wishes)).expect("set");
    write(&house, |tx| organisation::set(tx, &wishes)).expect("set again");
    write(&house, organisation::complete_set_up).expect("complete");
    write(&house, organisation::complete_set_up).expect("complete already");
    assert_eq!(events(&house).len(), 3, "what stays as it is, is no event");
    let organisation = house.app.organisation();
    assert_eq!(
        (organisation.name.as_str(), organisation.time_zone.name()),
        ("Corriden Parcels", "Europe/London")
    );
    assert!(organisation.is_set_up());
    let wrong =
        organisation::Wishes { time_zone: Some("London".to_owned()), ..organisation::Wishes::default() };
    refused(write(&house, |tx| organisation::set(tx, &wrong)), "time_zone");
}
