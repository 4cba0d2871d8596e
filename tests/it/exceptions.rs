//! Exceptions: approved by somebody else, judged by their end, and what follows when they are over.

use bailiwick::access::{collisions, floor};
use bailiwick::alarms::lists::{self as alarm_lists, Narrowing};
use bailiwick::alarms::{Alarm, Rule};
use bailiwick::caller::Caller;
use bailiwick::db::Tx;
use bailiwick::error::{Error, Result};
use bailiwick::exceptions::{self, Ask, Exception, ExceptionKind, ExceptionState, lists, own};
use bailiwick::ids::AccountId;
use bailiwick::requests::{self, Until};
use bailiwick::signin::inviting::{Invitation, invite};
use chrono::Duration;

use crate::support::company::{Company, as_person, give, read};
use crate::support::{House, wanted};

const KEY: &str = "giving-and-watching";

fn asked(house: &House, account: &AccountId, days: i64) -> Ask {
    Ask {
        kind: ExceptionKind::Exclusion,
        what: KEY.to_owned(),
        account: account.clone(),
        reason: "We are too few".to_owned(),
        control: "Mara reads the log each Monday".to_owned(),
        ends_at: house.in_days(days),
    }
}

fn as_caller<T>(house: &House, caller: &Caller, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
    house.app.write_now(caller, f).map(|done| done.value)
}

fn all(house: &House, rule: Rule) -> Vec<Alarm> {
    let narrowing = Narrowing { rule: Some(rule), ..Narrowing::default() };
    read(house, |reader| alarm_lists::list(reader, &narrowing, None, 100)).0
}

fn state(house: &House, exception: &Exception) -> ExceptionState {
    read(house, |reader| {
        let exception = lists::find(reader, &exception.id)?;
        Ok(lists::state_now(&exception, reader))
    })
}

fn run(house: &House, job: &str) {
    bailiwick::jobs::run_now(&house.app, job).expect("the job runs").expect("here");
}

fn gets(house: &House, account: &AccountId, role: &str) -> Result<()> {
    let wanted = wanted(account, role, Some(house.in_days(80)));
    let given = house
        .app
        .write_now(&Caller::shell(1000), |tx| bailiwick::access::grants::grant(tx, &wanted).map(drop));
    given.map(drop)
}

#[test]
fn an_exception_allows_what_excludes_each_other_until_its_end() {
    let house = House::new();
    let company = Company::found(&house);
    give(&house, &company.cleo, "bailiwick/access-admin", 80);
    let refused = gets(&house, &company.cleo, "bailiwick/security-officer");
    assert!(
        matches!(&refused, Err(Error::Conflict("excluded-role", why)) if why.contains(KEY)),
        "{refused:?}"
    );

    let (mara, otto) = (as_person(&house, &company.mara), as_person(&house, &company.otto));
    let wish = asked(&house, &company.cleo, 30);
    let made = as_caller(&house, &mara, |tx| exceptions::ask(tx, &wish)).expect("she may ask");
    assert!(
        gets(&house, &company.cleo, "bailiwick/security-officer").is_err(),
        "asking alone allows nothing"
    );
    let twice = as_caller(&house, &mara, |tx| exceptions::ask(tx, &wish));
    assert!(matches!(twice, Err(Error::Conflict("already-asked", _))), "{twice:?}");
    for own in [&mara, &as_person(&house, &company.cleo)] {
        let refused = as_caller(&house, own, |tx| exceptions::approve(tx, &made.id, true));
        assert!(matches!(refused, Err(Error::Forbidden("self-approval", _))), "{refused:?}");
    }
    as_caller(&house, &otto, |tx| exceptions::approve(tx, &made.id, true)).expect("somebody else may");
    assert_eq!(state(&house, &made), ExceptionState::Approved);
    gets(&house, &company.cleo, "bailiwick/security-officer").expect("the exception allows it");
    assert!(
        gets(&house, &company.pia, "bailiwick/access-admin").is_ok(),
        "of Pia nothing was said, nor needed"
    );
    assert!(
        gets(&house, &company.pia, "bailiwick/security-officer").is_err(),
        "the exception is Cleo's alone"
    );
    let held = read(&house, |reader| collisions::of(reader, &company.cleo));
    assert_eq!((held.len(), held[0].allowed), (1, true), "{held:?}");

    house.advance(Duration::days(23) + Duration::hours(1));
    run(&house, "exceptions.tend");
    run(&house, "exceptions.tend");
    let warned = all(&house, Rule::ExceptionEnds);
    assert_eq!((warned.len(), warned[0].sightings), (1, 1), "warned a week ahead, once");
    house.advance(Duration::days(7));
    assert!(!read(&house, |reader| collisions::of(reader, &company.cleo))[0].allowed, "judged by the clock");
    assert_eq!(state(&house, &made), ExceptionState::Expired, "before any job ran");
    run(&house, "exceptions.tend");
    run(&house, "access.expire");
    run(&house, "access.expire");
    let alarms = all(&house, Rule::ExclusionCollides);
    assert_eq!((alarms.len(), alarms[0].sightings), (1, 1));
    assert_eq!(alarms[0].account.as_ref(), Some(&company.cleo));
}

#[test]
fn an_invitation_gives_no_two_roles_that_exclude_each_other() {
    let house = House::new();
    let both = |first: &str, second: &str| Invitation {
        username: "nadia.rahman".to_owned(),
        roles: vec![format!("bailiwick/{first}"), format!("bailiwick/{second}")],
        ..Invitation::default()
    };
    for (first, second) in
        [("access-admin", "service-desk"), ("auditor", "operator"), ("security-officer", "access-admin")]
    {
        let refused = house.app.write_now(&Caller::shell(0), |tx| invite(tx, both(first, second)).map(drop));
        assert!(
            matches!(refused, Err(Error::Conflict("excluded-role", _))),
            "{first} and {second}: {refused:?}"
        );
    }
    let there = read(&house, |reader| bailiwick::accounts::find_by_name(reader, "nadia.rahman"));
    assert_eq!(there, None, "and nobody is made by it");
}

#[test]
fn an_exception_is_ended_early_and_refused_when_it_does_not_make_sense() {
    let house = House::new();
    let company = Company::found(&house);
    let (mara, otto) = (as_person(&house, &company.mara), as_person(&house, &company.otto));
    for wrong in [
        Ask { ends_at: house.now(), ..asked(&house, &company.cleo, 1) },
        asked(&house, &company.cleo, 367),
        Ask { reason: " x ".to_owned(), ..asked(&house, &company.cleo, 30) },
        Ask { control: "y".repeat(1_001), ..asked(&house, &company.cleo, 30) },
    ] {
        let refused = as_caller(&house, &mara, |tx| exceptions::ask(tx, &wrong));
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    let made = as_caller(&house, &mara, |tx| exceptions::ask(tx, &asked(&house, &company.cleo, 30)));
    let made = made.expect("it is asked for");
    as_caller(&house, &otto, |tx| exceptions::approve(tx, &made.id, true)).expect("approved");
    as_caller(&house, &otto, |tx| exceptions::end(tx, &made.id)).expect("ended");
    let again = as_caller(&house, &otto, |tx| exceptions::end(tx, &made.id));
    assert!(matches!(again, Err(Error::Conflict("decided", _))), "{again:?}");
    give(&house, &company.cleo, "bailiwick/access-admin", 80);
    assert!(gets(&house, &company.cleo, "bailiwick/security-officer").is_err());
    as_caller(&house, &mara, |tx| exceptions::ask(tx, &asked(&house, &company.cleo, 30))).expect("a new one");
}

#[test]
fn where_nobody_else_can_approve_it_waits_a_day_for_objections() {
    let house = House::new();
    let company = Company::found(&house);
    let ada = as_person(&house, &company.ada);
    let made = as_caller(&house, &ada, |tx| exceptions::ask(tx, &asked(&house, &company.ada, 30)));
    let made = made.expect("asked");
    let mut stale = ada.clone();
    stale.proved_at = Some(house.now().minus(Duration::minutes(16)));
    let refused = as_caller(&house, &stale, |tx| exceptions::approve(tx, &made.id, false));
    assert!(matches!(refused, Err(Error::Forbidden("proof-required", _))), "{refused:?}");
    as_caller(&house, &ada, |tx| exceptions::approve(tx, &made.id, false)).expect("it is on its way");
    assert_eq!(state(&house, &made), ExceptionState::Proposed);
    let window = read(&house, |reader| own::waiting(reader, own::Matter::Exception, made.id.as_str()));
    let window = window.expect("a window");
    let pia = as_person(&house, &company.pia);
    as_caller(&house, &pia, |tx| own::object(tx, &window.id, "She should ask Mara")).expect("anybody may");
    house.advance(Duration::hours(25));
    run(&house, "exceptions.tend");
    assert_eq!(state(&house, &made), ExceptionState::Proposed, "an objection stops it");

    let ada = as_person(&house, &company.ada);
    as_caller(&house, &ada, |tx| exceptions::approve(tx, &made.id, false)).expect("once more");
    house.advance(Duration::hours(24));
    let late = read(&house, |reader| own::waiting(reader, own::Matter::Exception, made.id.as_str()));
    let late = as_caller(&house, &pia, |tx| own::object(tx, &late.expect("still there").id, "Too late"));
    assert!(matches!(late, Err(Error::Conflict("decided", _))), "{late:?}");
    run(&house, "exceptions.tend");
    assert_eq!(state(&house, &made), ExceptionState::Approved);
    let kept = read(&house, |reader| lists::find(reader, &made.id));
    assert_eq!(kept.approved.expect("by whom").0, company.ada.to_string(), "and it says who approved it");
}

#[test]
fn who_administers_alone_and_asks_for_somebody_else_waits_for_objections_too() {
    let house = House::new();
    let company = Company::found(&house);
    let ada = as_person(&house, &company.ada);
    let role = "bailiwick/administrator";
    let wanted = requests::Ask {
        account: Some(company.cleo.clone()),
        role: role.to_owned(),
        reason: "There should be two of us".to_owned(),
        scope: None,
        valid_from: None,
        until: Until::At(house.in_days(90)),
    };
    let asked = as_caller(&house, &ada, |tx| requests::ask(tx, &wanted)).expect("she may ask");
    let cleo = as_person(&house, &company.cleo);
    let other = as_caller(&house, &cleo, |tx| requests::approve(tx, &asked.id, Some("Thank you")));
    assert!(matches!(other, Err(Error::Forbidden("self-approval", _))), "{other:?}");
    let silent = as_caller(&house, &ada, |tx| requests::approve(tx, &asked.id, None));
    assert!(matches!(silent, Err(Error::Invalid(_))), "{silent:?}");
    as_caller(&house, &ada, |tx| requests::approve(tx, &asked.id, Some("I go on holiday")))
        .expect("it waits");
    run(&house, "requests.lapse");
    assert_eq!(read(&house, floor::administrators).as_slice(), std::slice::from_ref(&company.ada));
    house.advance(Duration::hours(24));
    run(&house, "requests.lapse");
    assert!(read(&house, floor::administrators).contains(&company.cleo));
    let own = read(&house, |reader| lists::own_decisions(reader, false, None, 10)).0;
    assert_eq!((own.len(), own[0].state), (1, own::Window::Effective));
}
