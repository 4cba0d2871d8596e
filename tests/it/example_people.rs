//! The example company: what its file of people promises to those who import it.

use std::collections::{BTreeMap, BTreeSet};

type Person = BTreeMap<String, String>;

/// The day around which the example plays; dates without a time are compared as text.
const TODAY: &str = "2026-11-23";

fn people() -> Vec<Person> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/examples/people.csv");
    let mut reader = csv::Reader::from_path(path).expect("the file opens");
    reader.deserialize().map(|row| row.expect("a row with all columns")).collect()
}

fn count(people: &[Person], fits: impl Fn(&Person) -> bool) -> usize {
    people.iter().filter(|person| fits(person)).count()
}

fn repeated(people: &[Person], key: impl Fn(&Person) -> String) -> usize {
    let mut seen = BTreeMap::<String, usize>::new();
    people.iter().for_each(|person| *seen.entry(key(person)).or_default() += 1);
    seen.iter().filter(|(key, count)| !key.trim().is_empty() && **count > 1).count()
}

#[test]
fn the_columns_are_those_of_an_import() {
    let wanted = "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,\
                  end_date,worker_type,sponsor,time_zone,location,external_id";
    let text = include_str!("../../policies/examples/people.csv");
    assert_eq!(text.lines().next(), Some(wanted));
}

#[test]
fn everybody_is_somebody_else() {
    let people = people();
    assert_eq!(people.len(), 281);
    for column in ["employee_id", "username", "external_id"] {
        assert_eq!(repeated(&people, |person| person[column].clone()), 0, "{column}");
    }
    let plain =
        |username: &str| username.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.');
    assert!(people.iter().all(|person| plain(&person["username"]) && !person["given_name"].is_empty()));
    assert!(people.iter().all(|person| person["email"].is_empty() || person["email"].ends_with(".example")));
    for owner in ["grace", "tomasz.wisniewski"] {
        assert_eq!(
            count(&people, |person| person["username"] == owner && person["end_date"].is_empty()),
            1,
            "{owner}"
        );
    }
}

#[test]
fn managers_form_a_tree_at_least_four_deep() {
    let people = people();
    let manager: BTreeMap<&str, &str> =
        people.iter().map(|person| (person["employee_id"].as_str(), person["manager"].as_str())).collect();
    let above = |id: &str| {
        let mut chain = BTreeSet::new();
        let mut at = manager.get(id).copied().unwrap_or_default();
        while manager.contains_key(at) {
            assert!(at != id && chain.insert(at), "{id} is its own manager in the end");
            at = manager[at];
        }
        chain.len()
    };
    assert!(manager.keys().map(|id| above(id)).max() >= Some(4));
    let missing = |id: &&&str| !id.is_empty() && !manager.contains_key(**id);
    assert_eq!(manager.values().filter(missing).count(), 2, "managers who are in no row");
    assert!(manager.values().filter(|id| id.is_empty()).count() > 3, "people without a manager");
}

#[test]
fn what_real_exports_hold_is_there() {
    let people = people();
    let script = |from: char, to: char| {
        count(&people, |person| person["given_name"].chars().any(|c| (from..=to).contains(&c)))
    };
    assert!(
        script('А', 'я') >= 5 && script('Α', 'ω') >= 5 && script('ا', 'ي') >= 5 && script('一', '龥') >= 5
    );
    assert!(count(&people, |person| person["family_name"].chars().any(|c| "łśżźąęćń".contains(c))) >= 10);
    let short = |person: &Person| {
        person["given_name"].chars().count() == 2 && person["family_name"].chars().count() == 2
    };
    assert!(count(&people, short) >= 5);
    assert!(repeated(&people, |person| format!("{} {}", person["given_name"], person["family_name"])) >= 2);
    assert_eq!(repeated(&people, |person| person["email"].to_lowercase()), 2);
    assert_eq!(repeated(&people, |person| person["email"].clone()), 1, "the other pair differs in case");
    assert!(count(&people, |person| person["email"].is_empty()) > 100);
    assert!(count(&people, |person| !person["time_zone"].is_empty()) > 30);
    assert!(count(&people, |person| person["location"].contains(',')) > 50);
    assert!(count(&people, |person| person["job_title"].contains('"')) > 0);
}

#[test]
fn people_left_leave_join_and_come_from_outside() {
    let people = people();
    let employee = |person: &Person| person["worker_type"] == "employee";
    let end = |person: &Person| person["end_date"].clone();
    assert_eq!(count(&people, |person| !end(person).is_empty() && end(person).as_str() < TODAY), 9);
    assert_eq!(count(&people, |person| employee(person) && end(person).as_str() > TODAY), 6);
    assert_eq!(count(&people, |person| end(person) == "2026-12-18"), 1);
    assert!(count(&people, |person| end(person).contains('T')) >= 4, "some ends are times");
    assert_eq!(count(&people, |person| person["start_date"].as_str() > TODAY), 5);
    assert!(people.iter().all(|person| end(person).is_empty() || person["start_date"] < end(person)));
    let ids: BTreeSet<&String> = people.iter().map(|person| &person["employee_id"]).collect();
    let external: Vec<_> = people.iter().filter(|person| person["worker_type"] == "external").collect();
    assert_eq!(external.len(), 8);
    assert!(external.iter().all(|person| ids.contains(&person["sponsor"]) && !person["end_date"].is_empty()));
}
