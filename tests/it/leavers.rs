//! Leavers: access ends at the instant, the rest is proof.

use bailiwick::accounts::{self, Changes, State};
use bailiwick::error::{Error, Result};
use bailiwick::ids::{AccountId, CaseId};
use bailiwick::leavers::lists::{self, Viewer};
use bailiwick::leavers::{self, Case, CaseState, NewLeaver, Step, StepKind, StepState};
use chrono::Duration;

use crate::support::House;
use crate::support::company::{Company, as_person, assert_sound, give, may, may_at, read, write};

const READ: &str = "orders/buyer-address:read";

fn case(house: &House, company: &Company, id: &CaseId) -> (Case, Vec<Step>) {
    let viewer = Viewer { account: company.ada.clone(), handles: true, everybody: true };
    read(house, |reader| lists::find(reader, id, &viewer))
}

fn report(house: &House, company: &Company, hours: i64) -> Result<Case> {
    let effective_at = house.app.context().clock.now().plus(Duration::hours(hours));
    let new = NewLeaver {
        account: company.cleo.clone(),
        effective_at,
        reason: "end of contract".to_owned(),
        confidential: false,
    };
    house
        .app
        .write_now(&as_person(house, &company.ada), |tx| leavers::report(tx, &new))
        .map(|done| done.value)
}

fn run(house: &House) {
    bailiwick::jobs::run_now(&house.app, "leavers.run").expect("the job runs");
}

#[test]
fn access_ends_at_the_instant_without_any_job() {
    let house = House::new();
    let company = Company::found(&house);
    give(&house, &company.cleo, "orders/address-reader", 30);
    let case = report(&house, &company, 5).expect("it is reported");
    let end = case.effective_at;
    assert!(may(&house, &company.cleo, READ));
    assert!(may_at(&house, &company.cleo, READ, end.minus(Duration::microseconds(1))));
    assert!(!may_at(&house, &company.cleo, READ, end));
}

#[test]
fn those_who_are_coming_stand_in_the_order_of_their_last_days() {
    let house = House::new();
    let company = Company::found(&house);
    let now = house.now();
    let leave = |account: &AccountId, hours: i64| {
        let effective_at = now.plus(Duration::hours(hours));
        let reason = "end of contract".to_owned();
        let new = NewLeaver { account: account.clone(), effective_at, reason, confidential: false };
        let done = house.app.write_now(&as_person(&house, &company.ada), |tx| leavers::report(tx, &new));
        done.expect("it is reported").value.id
    };
    let expected = [leave(&company.mara, 20), leave(&company.cleo, 30), leave(&company.pia, 31)];
    let first = leave(&company.otto, 10);
    let viewer = Viewer { account: company.ada.clone(), handles: true, everybody: true };
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let (page, next) =
            read(&house, |reader| lists::list(reader, Some("coming"), &viewer, cursor.as_deref(), 1));
        found.extend(page.into_iter().map(|case| case.id));
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, [&[first][..], &expected].concat());
}

#[test]
fn from_the_instant_on_the_case_goes_to_its_proof_and_closes() {
    let house = House::new();
    let company = Company::found(&house);
    give(&house, &company.cleo, "orders/address-reader", 30);
    give(&house, &company.cleo, "orders/clerk", 30);
    let opened = report(&house, &company, 5).expect("it is reported");
    run(&house);
    assert_eq!(
        case(&house, &company, &opened.id).0.state,
        CaseState::Reported,
        "before the instant nothing happens"
    );
    house.advance(Duration::hours(5));
    run(&house);
    let (closed, steps) = case(&house, &company, &opened.id);
    assert_eq!(closed.state, CaseState::Closed);
    assert_eq!(read(&house, |reader| accounts::find(reader, &company.cleo)).status.state, State::Left);
    let proof = steps.iter().find(|step| step.kind == StepKind::Verification).expect("it was verified");
    let evidence = proof.evidence.as_ref().expect("with evidence");
    let asked = evidence["permissions"].as_array().expect("permissions");
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked.iter().all(|one| one["permitted"] == false), "{asked:?}");
    assert_eq!(evidence["sessions"], 0);
    assert!(steps.iter().all(|step| matches!(step.state, StepState::Applied | StepState::Verified)));
    assert_sound(&house);
}

#[test]
fn an_end_in_the_people_file_opens_the_case_and_follows_it() {
    let house = House::new();
    let company = Company::found(&house);
    let now = house.app.context().clock.now();
    let ends = |at| Changes { ends_at: Some(at), ..Changes::default() };
    write(&house, |tx| accounts::change(tx, &company.pia, &ends(Some(now.plus(Duration::days(9))))));
    run(&house);
    let coming = list(&house, &company, "coming");
    assert_eq!(coming.len(), 1);
    assert_eq!(coming[0].effective_at, now.plus(Duration::days(9)));
    write(&house, |tx| accounts::change(tx, &company.pia, &ends(Some(now.plus(Duration::days(3))))));
    run(&house);
    assert_eq!(list(&house, &company, "coming")[0].effective_at, now.plus(Duration::days(3)));
    write(&house, |tx| accounts::change(tx, &company.pia, &ends(None)));
    run(&house);
    assert_eq!(list(&house, &company, "coming").len(), 0, "she stays");
    assert_eq!(list(&house, &company, "closed")[0].state, CaseState::Withdrawn);
}

fn list(house: &House, company: &Company, part: &str) -> Vec<Case> {
    let viewer = Viewer { account: company.ada.clone(), handles: true, everybody: true };
    read(house, |reader| lists::list(reader, Some(part), &viewer, None, 50)).0
}

#[test]
fn late_news_is_breached_on_arrival_and_acts_at_once() {
    let house = House::new();
    let company = Company::found(&house);
    give(&house, &company.cleo, "orders/clerk", 30);
    let opened = report(&house, &company, -30).expect("it is reported");
    assert!(opened.breached_on_arrival);
    assert!(!may(&house, &company.cleo, "orders/order:read"));
    run(&house);
    assert_eq!(case(&house, &company, &opened.id).0.state, CaseState::Closed);
}

#[test]
fn the_last_administrator_and_oneself_cannot_be_reported() {
    let house = House::new();
    let company = Company::found(&house);
    let now = house.app.context().clock.now();
    let new = NewLeaver {
        account: company.ada.clone(),
        effective_at: now,
        reason: "goes".to_owned(),
        confidential: false,
    };
    let by = |who| house.app.write_now(&as_person(&house, who), |tx| leavers::report(tx, &new)).map(drop);
    assert!(matches!(by(&company.otto), Err(Error::Conflict("floor", _))));
    assert!(matches!(by(&company.ada), Err(Error::Forbidden("own-leaving", _))));
    assert!(matches!(
        report(&house, &company, 5).and(report(&house, &company, 9)),
        Err(Error::Conflict("case-open", _))
    ));
}

#[test]
fn a_confidential_case_is_invisible_until_the_minute() {
    let house = House::new();
    let company = Company::found(&house);
    let effective_at = house.app.context().clock.now().plus(Duration::hours(1));
    let new = NewLeaver {
        account: company.cleo.clone(),
        effective_at,
        reason: "quietly".to_owned(),
        confidential: true,
    };
    let opened = house
        .app
        .write_now(&as_person(&house, &company.ada), |tx| leavers::report(tx, &new))
        .expect("reported")
        .value;
    let mara = Viewer { account: company.mara.clone(), handles: false, everybody: false };
    let seen = |viewer: &Viewer| house.app.read_now(|reader| lists::find(reader, &opened.id, viewer)).is_ok();
    assert!(!seen(&mara));
    house.advance(Duration::hours(1));
    assert!(seen(&mara), "her manager sees it from the minute on");
    let pia = Viewer { account: company.pia.clone(), handles: false, everybody: false };
    assert!(!seen(&pia), "a colleague never does");
}

#[test]
fn a_case_can_be_withdrawn_before_its_instant_only() {
    let house = House::new();
    let company = Company::found(&house);
    give(&house, &company.cleo, "orders/clerk", 30);
    let opened = report(&house, &company, 5).expect("it is reported");
    write(&house, |tx| leavers::withdraw(tx, &opened.id));
    house.advance(Duration::hours(6));
    run(&house);
    assert!(may(&house, &company.cleo, "orders/order:read"));
    let again = report(&house, &company, 0).expect("it is reported");
    let late = house.app.write_now(&as_person(&house, &company.ada), |tx| leavers::withdraw(tx, &again.id));
    assert!(matches!(late, Err(Error::Conflict("in-effect", _))));
}
