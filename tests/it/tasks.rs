//! Tasks by hand: who does them, who looks, what a list says, and what follows from a grant's end.

use bailiwick::access::grants;
use bailiwick::caller::Caller;
use bailiwick::error::{Error, Result};
use bailiwick::ids::{AccountId, TaskId};
use bailiwick::provisioning::Viewer;
use bailiwick::provisioning::tasks::lists::{self, Part};
use bailiwick::provisioning::tasks::{self, Origin, Task, TaskState};
use chrono::Duration;

use crate::support::House;
use crate::support::company::{Company, as_person, assert_sound, give, read, write};
use crate::support::estate::{company, import, keeper, owner, waiting};

fn follow(house: &House) {
    bailiwick::jobs::run_now(&house.app, "provisioning.follow").expect("the job runs");
}

/// A role in the ledger that is revoked, and the task that follows.
fn revoked(house: &House, company: &Company) -> Task {
    let grant = give(house, &company.cleo, "ledger/clerk", 30);
    write(house, |tx| grants::revoke(tx, &grant.id, "by hand", None));
    follow(house);
    waiting(house, company).pop().expect("a task")
}

type Boxed = Box<dyn Fn(&mut bailiwick::db::Tx<'_>, &TaskId, &Viewer) -> Result<Task>>;
type Act<'a> = &'a dyn Fn(&mut bailiwick::db::Tx<'_>, &TaskId, &Viewer) -> Result<Task>;

fn as_who(house: &House, who: &AccountId, viewer: &Viewer, task: &TaskId, act: Act<'_>) -> Result<Task> {
    house.app.write_now(&as_person(house, who), |tx| act(tx, task, viewer)).map(|done| done.value)
}

const DONE: Act<'_> = &|tx, id, viewer| tasks::complete(tx, id, "The login is refused, ticket 4711", viewer);
const LOOKED: Act<'_> = &|tx, id, viewer| tasks::verify(tx, id, viewer);

#[test]
fn a_grant_that_ends_where_nobody_asks_becomes_a_task_of_the_systems_owner() {
    let house = House::new();
    let company = company(&house);
    let here = give(&house, &company.cleo, "orders/clerk", 30);
    write(&house, |tx| grants::revoke(tx, &here.id, "by hand", None));
    let task = revoked(&house, &company);
    assert_eq!(waiting(&house, &company).len(), 1, "the order desk asks here and needs none");
    assert_eq!((&task.assignee, task.account.as_ref()), (&company.otto, Some(&company.cleo)));
    assert_eq!(task.origin, Origin::Grant);
    assert_eq!(task.due_at.since(task.opened_at), Duration::hours(24), "the profile's time");
    follow(&house);
    assert_eq!(waiting(&house, &company).len(), 1, "following again opens nothing more");

    let short = give(&house, &company.pia, "ledger/clerk", 1);
    house.advance(Duration::days(2));
    bailiwick::jobs::run_now(&house.app, "access.expire").expect("the job runs");
    follow(&house);
    let ran_out = waiting(&house, &company).into_iter().find(|task| task.grant.as_ref() == Some(&short.id));
    assert!(ran_out.is_some(), "what ran out is taken away too");
    let overdue =
        read(&house, |reader| lists::list(reader, Part::Overdue, &keeper(&company.ada), None, 50)).0;
    assert_eq!(overdue.len(), 1);
    assert!(overdue[0].is_overdue(house.app.context().clock.now()));
}

#[test]
fn done_by_one_and_seen_by_another() {
    let house = House::new();
    let company = company(&house);
    let task = revoked(&house, &company);
    let by = |who: &AccountId, viewer: &Viewer, act| as_who(&house, who, viewer, &task.id, act);
    assert!(matches!(by(&company.pia, &owner(&company.pia), DONE), Err(Error::NotFound(_))));
    assert!(matches!(
        by(&company.otto, &owner(&company.otto), LOOKED),
        Err(Error::Conflict("not-waiting", _))
    ));
    let unproved: Act<'_> = &|tx, id, viewer| tasks::complete(tx, id, " x ", viewer);
    assert!(matches!(by(&company.otto, &owner(&company.otto), unproved), Err(Error::Invalid(_))));
    let done = by(&company.otto, &owner(&company.otto), DONE).expect("it is his");
    assert_eq!((done.state, done.done.map(|(by, _)| by)), (TaskState::Done, Some(company.otto.clone())));
    let himself = by(&company.otto, &keeper(&company.otto), LOOKED);
    assert!(matches!(himself, Err(Error::Forbidden("second-person", _))), "{himself:?}");
    let subject = by(&company.cleo, &keeper(&company.cleo), LOOKED);
    assert!(matches!(subject, Err(Error::Forbidden("second-person", _))), "{subject:?}");
    let key =
        house.app.write_now(&Caller::shell(1000), |tx| tasks::verify(tx, &task.id, &keeper(&company.ada)));
    assert!(matches!(key, Err(Error::Forbidden("not-yours", _))), "no shell and no key");
    let seen = by(&company.ada, &keeper(&company.ada), LOOKED).expect("she looks");
    let (who, _, revision) = seen.verified.expect("it is verified");
    assert_eq!((who, seen.state), (company.ada.to_string(), TaskState::Verified));
    assert!(revision > 0 && revision <= house.app.applied());
    assert!(matches!(
        by(&company.ada, &keeper(&company.ada), LOOKED),
        Err(Error::Conflict("not-waiting", _))
    ));
    assert_sound(&house);
}

#[test]
fn a_second_look_or_the_next_list_opens_it_again() {
    let house = House::new();
    let company = company(&house);
    import(&house, &["ledger,cleo.c,E1,,clerk,,", "ledger,pia,E2,,clerk,,"]);
    let grant = read(&house, |reader| grants::living(reader, &company.cleo)).remove(0);
    write(&house, |tx| grants::revoke(tx, &grant.id, "by hand", None));
    follow(&house);
    let task = waiting(&house, &company).remove(0);
    let login = read(&house, |reader| lists::login(reader, &task));
    assert_eq!(login.as_deref(), Some("cleo.c"));
    let state =
        |house: &House| read(house, |reader| lists::find(reader, &task.id, &keeper(&company.ada))).state;
    as_who(&house, &company.otto, &owner(&company.otto), &task.id, DONE).expect("done");
    let still: Act<'_> = &|tx, id, viewer| tasks::reopen(tx, id, "The login still works", viewer);
    as_who(&house, &company.ada, &keeper(&company.ada), &task.id, still).expect("she looked");
    assert_eq!(state(&house), TaskState::Open);
    as_who(&house, &company.otto, &owner(&company.otto), &task.id, DONE).expect("done again");
    let report = import(&house, &["ledger,cleo.c,E1,,clerk,,", "ledger,pia,E2,,clerk,,"]);
    assert!(report.rows[0].warnings[0].starts_with("still there, though"), "{report:#?}");
    assert_eq!(state(&house), TaskState::Open, "the list says otherwise");
    let report = import(&house, &["ledger,pia,E2,,clerk,,"]);
    assert_eq!(report.systems[0].confirmed, 1);
    assert_eq!(state(&house), TaskState::Verified, "and at last it agrees");
}

#[test]
fn a_task_is_handed_over_refused_and_replaced_but_never_to_the_one_it_is_about() {
    let house = House::new();
    let company = company(&house);
    let task = revoked(&house, &company);
    let to = |person: AccountId| -> Boxed {
        Box::new(move |tx, id, viewer| tasks::hand_over(tx, id, &person, "She knows the ledger", viewer))
    };
    let otto = owner(&company.otto);
    let subject = as_who(&house, &company.otto, &otto, &task.id, &to(company.cleo.clone()));
    assert!(matches!(subject, Err(Error::Invalid(_))), "{subject:?}");
    let stranger = as_who(&house, &company.pia, &owner(&company.pia), &task.id, &to(company.pia.clone()));
    assert!(matches!(stranger, Err(Error::NotFound(_))));
    let moved =
        as_who(&house, &company.otto, &otto, &task.id, &to(company.pia.clone())).expect("handed over");
    assert_eq!(moved.assignee, company.pia);
    let mine = read(&house, |reader| lists::list(reader, Part::Mine, &owner(&company.pia), None, 50)).0;
    assert_eq!(mine.len(), 1);
    let cannot: Act<'_> = &|tx, id, viewer| tasks::refuse(tx, id, "I have no login there", viewer);
    let back = as_who(&house, &company.pia, &owner(&company.pia), &task.id, cannot).expect("refused");
    assert_eq!(back.assignee, company.otto, "the owner first");
    let again = as_who(&house, &company.otto, &otto, &task.id, cannot).expect("refused");
    assert_eq!(again.assignee, company.ada, "then who stands above, or an administrator");
    as_who(&house, &company.ada, &keeper(&company.ada), &task.id, &to(company.pia.clone()))
        .expect("handed over");
    write(&house, |tx| bailiwick::accounts::mark_left(tx, &company.pia, "leaver"));
    follow(&house);
    let found = read(&house, |reader| lists::find(reader, &task.id, &keeper(&company.ada)));
    assert_eq!(found.assignee, company.otto, "whose person is gone goes to whoever stands in");
}

#[test]
fn the_owner_never_takes_away_the_own_access_and_what_counts_again_needs_no_task() {
    let house = House::new();
    let company = company(&house);
    let grant = give(&house, &company.otto, "ledger/clerk", 30);
    write(&house, |tx| grants::suspend(tx, &grant.id, "by hand"));
    follow(&house);
    let task = waiting(&house, &company).remove(0);
    assert_eq!(task.assignee, company.ada, "not Otto, whose access it is");
    let own = as_who(&house, &company.otto, &keeper(&company.otto), &task.id, DONE);
    assert!(matches!(own, Err(Error::Forbidden("self-approval", _))), "{own:?}");
    write(&house, |tx| grants::resume(tx, &grant.id, "by hand"));
    follow(&house);
    assert_eq!(waiting(&house, &company).len(), 0);
}
