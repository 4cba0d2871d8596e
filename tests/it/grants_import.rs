//! Existing access: a system's list becomes grants and orphans; the list read again is held against what is known.

use bailiwick::access::grants::{self, GrantState, Source};
use bailiwick::access::roles;
use bailiwick::accounts;
use bailiwick::caller::Caller;
use bailiwick::error::Error;
use bailiwick::log::event::Change;
use bailiwick::provisioning::holdings::{self, Part};
use bailiwick::provisioning::import::{Fate, Progress, import_grants};
use bailiwick::provisioning::tasks::{self, TaskState};
use bailiwick::provisioning::{Doubt, GoneHow, Holding, HoldingState, orphans};
use chrono::Duration;

use crate::support::House;
use crate::support::company::{Company, as_person, assert_sound, give, may, read, write};
use crate::support::estate::{HEAD, company, import, keeper, owner, row, waiting};

fn holdings_of(house: &House, company: &Company, part: Part) -> Vec<Holding> {
    let mut found =
        read(house, |reader| holdings::list(reader, part, None, &keeper(&company.ada), None, 200)).0;
    found.sort_by(|a, b| a.named.login.cmp(&b.named.login));
    found
}

fn fates(report: &bailiwick::provisioning::import::Report) -> Vec<Fate> {
    report.rows.iter().map(|row| row.fate).collect()
}

#[test]
fn rows_match_people_by_employee_id_then_by_address_and_never_by_a_guess() {
    let house = House::new();
    let company = company(&house);
    let report = import(
        &house,
        &[
            "ledger,cleo.c,e1,,clerk,2025-02-01,2026-11-20",
            "ledger,pia,,E2@CORRIDEN.example,ledger/clerk,,never",
            "ledger,both,E1,e3@corriden.example,clerk,,",
            "ledger,ghost,E99,ghost@corriden.example,clerk,,",
            "ledger,nameless,,,clerk,,",
        ],
    );
    use Fate::{Matched as M, Orphan as O};
    assert_eq!(fates(&report), [M, M, O, O, O], "{report:#?}");
    assert_eq!(row(&report, "cleo.c").account.as_ref(), Some(&company.cleo));
    assert_eq!(row(&report, "pia").account.as_ref(), Some(&company.pia));
    assert_eq!(
        row(&report, "both").warnings,
        ["employee_id and email belong to two people; nobody was guessed"]
    );
    assert_eq!((report.matched, report.orphans, report.drift), (2, 3, 0), "a first list is no drift");

    let orphans = holdings_of(&house, &company, Part::Orphans);
    let doubts: Vec<_> = orphans.iter().map(|one| (one.named.login.as_str(), one.doubt)).collect();
    assert_eq!(
        doubts,
        [("both", Some(Doubt::TwoPeople)), ("ghost", Some(Doubt::Nobody)), ("nameless", Some(Doubt::Nobody))]
    );
    let grant = read(&house, |reader| grants::living(reader, &company.cleo)).pop().expect("her grant");
    assert_eq!((grant.source, grant.state, grant.approvers.len()), (Source::Imported, GrantState::Active, 0));
    let cadence = read(&house, |reader| Ok(reader.profile().review().cadence.after(reader.now.utc())));
    assert_eq!(grant.expires_at.map(|end| end.utc()), cadence, "it ends after one cadence");
    assert_sound(&house);
}

#[test]
fn the_same_list_again_changes_nothing() {
    let house = House::new();
    let company = company(&house);
    let rows = ["ledger,cleo.c,E1,,clerk,,2026-11-20", "ledger,ghost,,,clerk,,"];
    import(&house, &rows);
    let before = (holdings_of(&house, &company, Part::All).len(), house.app.applied());
    let again = import(&house, &rows);
    assert_eq!(fates(&again), [Fate::Unchanged, Fate::Unchanged]);
    assert_eq!((again.drift, again.missing.len()), (0, 0));
    let after = (holdings_of(&house, &company, Part::All).len(), house.app.applied());
    assert_eq!(after, (before.0, before.1 + 1), "but that the list was read is recorded");
    let last = read(&house, |reader| bailiwick::log::store::events_after(reader, before.1, 10));
    assert!(matches!(&last[0].change, Change::GrantsImported { unchanged: 2, matched: 0, .. }), "{last:?}");
}

#[test]
fn an_imported_access_role_rests_and_an_ordinary_one_counts_at_once() {
    let house = House::new();
    let company = company(&house);
    import(
        &house,
        &["orders,cleo,E1,,address-reader,,", "orders,cleo,E1,,clerk,,", "ledger,cleo,E1,,customer-reader,,"],
    );
    assert!(!may(&house, &company.cleo, "orders/buyer-address:read"));
    assert!(!may(&house, &company.cleo, "ledger/customer:read"));
    assert!(may(&house, &company.cleo, "orders/order:read"));
    let states: Vec<_> = read(&house, |reader| grants::living(reader, &company.cleo))
        .into_iter()
        .map(|grant| (grant.role, grant.state))
        .collect();
    let state_of = |role: &str| states.iter().find(|(own, _)| own == role).map(|(_, state)| *state);
    assert_eq!(state_of("orders/address-reader"), Some(GrantState::Suspended));
    assert_eq!(state_of("ledger/customer-reader"), Some(GrantState::Suspended));
    assert_eq!(state_of("orders/clerk"), Some(GrantState::Active));
}

#[test]
fn a_file_gives_no_role_of_the_house_and_none_that_it_does_not_know() {
    let house = House::new();
    let company = company(&house);
    let report = import(
        &house,
        &[
            "bailiwick,cleo,E1,,administrator,,",
            "bailiwick,cleo,E1,,employee,,",
            "nowhere,cleo,E1,,clerk,,",
            "ledger,cleo,E1,,emperor,,",
            "ledger,cleo,E1,,orders/clerk,,",
            "ledger,,E1,,clerk,,",
        ],
    );
    assert_eq!(report.refused, 6, "{report:#?}");
    assert!(report.rows.iter().all(|row| row.reasons.len() == 1), "{report:#?}");
    assert_eq!(read(&house, |reader| grants::living(reader, &company.cleo)).len(), 0);
    assert!(!may(&house, &company.cleo, "bailiwick/accounts:write"));
}

#[test]
fn whoever_holds_the_role_already_keeps_the_grant_there_is_and_two_logins_share_one() {
    let house = House::new();
    let company = company(&house);
    let known = give(&house, &company.cleo, "ledger/clerk", 100);
    let report = import(
        &house,
        &["ledger,cleo.c,E1,,clerk,,", "ledger,cleo.batch,E1,,clerk,,", "ledger,pia,E2,,clerk,,"],
    );
    use Fate::{Known as K, Matched as M};
    assert_eq!(fates(&report), [K, K, M]);
    let own = read(&house, |reader| grants::living(reader, &company.cleo));
    assert_eq!((own.len(), &own[0].id, own[0].source), (1, &known.id, Source::Direct));
    let tried = import_grants(
        &house.app,
        &Caller::shell(1000),
        format!("{HEAD}\norders,a,E1,,clerk,,\norders,b,E1,,clerk,,\n").as_bytes(),
        true,
        &mut |_| (),
    )
    .expect("it is tried");
    assert_eq!((fates(&tried), tried.dry_run), (vec![M, K], true));
    assert_eq!(read(&house, |reader| grants::living(reader, &company.cleo)).len(), 1, "a try writes nothing");
}

#[test]
fn a_later_list_shows_drift_and_what_went_away_elsewhere() {
    let house = House::new();
    let company = company(&house);
    import(&house, &["ledger,cleo.c,E1,,clerk,,", "ledger,pia,E2,,clerk,,", "orders,pia,E2,,clerk,,"]);
    house.advance(Duration::days(1));
    let report =
        import(&house, &["ledger,cleo.c,E1,,clerk,,", "ledger,mara,E3,,clerk,,", "ledger,new,,,clerk,,"]);
    assert!(row(&report, "mara").drift && row(&report, "new").drift && !row(&report, "cleo.c").drift);
    assert_eq!((report.drift, report.missing.len()), (2, 1), "the other system's list was not read");
    let missing = &report.missing[0];
    assert_eq!((missing.account.as_ref(), missing.how), (Some(&company.pia), GoneHow::Elsewhere));
    let grant = missing.grant.clone().expect("it had one");
    assert_eq!(read(&house, |reader| grants::find(reader, &grant)).state, GrantState::Revoked);
    assert!(may(&house, &company.pia, "orders/order:read"));
    bailiwick::jobs::run_now(&house.app, "provisioning.follow").expect("the job runs");
    assert_eq!(waiting(&house, &company).len(), 0, "nothing is left to take away");
    let drift = holdings_of(&house, &company, Part::Drift);
    assert_eq!(drift.len(), 2);

    let back = import(
        &house,
        &[
            "ledger,cleo.c,E1,,clerk,,",
            "ledger,mara,E3,,clerk,,",
            "ledger,new,,,clerk,,",
            "ledger,pia,E2,,clerk,,",
        ],
    );
    assert!(row(&back, "pia").drift, "what comes back is new");
    assert_eq!(row(&back, "pia").fate, Fate::Matched);
    assert_sound(&house);
}

#[test]
fn a_list_that_cannot_be_whole_takes_nothing_away() {
    let house = House::new();
    let company = company(&house);
    let many: Vec<String> = (0..30).map(|number| format!("ledger,login{number},,,clerk,,")).collect();
    let all: Vec<&str> = many.iter().map(String::as_str).chain(["ledger,cleo.c,E1,,clerk,,"]).collect();
    import(&house, &all);
    let short = import(&house, &["ledger,login1,,,clerk,,"]);
    assert!(short.systems[0].not_whole.as_ref().is_some_and(|why| why.contains("is this the whole list?")));
    let refused: Vec<&str> = all[1..].iter().copied().chain(["ledger,x,,,clerk,yesterday,"]).collect();
    let partly = import(&house, &refused);
    assert!(
        partly.systems[0].not_whole.as_ref().is_some_and(|why| why.contains("1 of its rows were refused"))
    );
    assert_eq!((short.missing.len(), partly.missing.len()), (0, 0));
    assert_eq!(read(&house, |reader| grants::living(reader, &company.cleo)).len(), 1);
    let whole = import(&house, &all[1..]);
    assert_eq!(whole.missing.len(), 1, "one less is believed");
}

#[test]
fn the_owner_claims_declares_or_removes_an_orphan_and_nobody_claims_for_themselves() {
    let house = House::new();
    let company = company(&house);
    import(
        &house,
        &["ledger,a,,,customer-reader,,", "ledger,b,,,clerk,,", "ledger,c,,,clerk,,", "ledger,d,,,clerk,,"],
    );
    let all = holdings_of(&house, &company, Part::Orphans);
    let otto = as_person(&house, &company.otto);
    let by = |who, viewer: bailiwick::provisioning::Viewer, index: usize, person| {
        let caller = as_person(&house, who);
        house
            .app
            .write_now(&caller, |tx| orphans::claim(tx, &all[index].id, person, &viewer))
            .map(|done| done.value)
    };
    assert!(matches!(by(&company.cleo, owner(&company.cleo), 0, &company.pia), Err(Error::NotFound(_))));
    let own = by(&company.otto, owner(&company.otto), 0, &company.otto);
    assert!(matches!(own, Err(Error::Forbidden("self-approval", _))), "{own:?}");
    let claimed = by(&company.otto, owner(&company.otto), 0, &company.cleo).expect("the owner may");
    assert_eq!((claimed.state, claimed.account.as_ref()), (HoldingState::Held, Some(&company.cleo)));
    assert!(!may(&house, &company.cleo, "ledger/customer:read"), "an access role rests until it is kept");
    let twice = by(&company.otto, owner(&company.otto), 0, &company.pia);
    assert!(matches!(twice, Err(Error::Conflict("decided", _))));

    let viewer = owner(&company.otto);
    let declared = house
        .app
        .write_now(&otto, |tx| orphans::declare(tx, &all[1].id, "ledger-export", &viewer))
        .expect("it is a service")
        .value;
    let service = read(&house, |reader| accounts::find_by_name(reader, "ledger-export")).expect("it is here");
    assert_eq!((declared.account, service.owner), (Some(service.id), Some(company.otto.clone())));
    let task =
        house.app.write_now(&otto, |tx| orphans::remove(tx, &all[2].id, &viewer)).expect("removed").value;
    assert_eq!((task.assignee, task.account, task.state), (company.otto.clone(), None, TaskState::Open));

    let next =
        import(&house, &["ledger,a,,,customer-reader,,", "ledger,b,,,clerk,,", "ledger,d,E2,,clerk,,"]);
    assert_eq!((next.systems[0].confirmed, next.systems[0].gone), (1, 0));
    assert_eq!(row(&next, "a").account.as_ref(), Some(&company.cleo), "a claim is remembered");
    assert_eq!(row(&next, "d").fate, Fate::Matched, "an orphan that the list names now");
    let task = read(&house, |reader| tasks::lists::find(reader, &task.id, &keeper(&company.ada)));
    assert_eq!(task.verified.map(|(by, ..)| by).as_deref(), Some("list"));
    assert_eq!(holdings_of(&house, &company, Part::Orphans).len(), 0);
    assert_sound(&house);
}

#[test]
fn who_has_left_is_an_orphan_that_says_so() {
    let house = House::new();
    let company = company(&house);
    write(&house, |tx| accounts::mark_left(tx, &company.cleo, "leaver"));
    let report = import(&house, &["ledger,cleo.c,E1,,clerk,,"]);
    assert_eq!(fates(&report), [Fate::Orphan]);
    let orphan = holdings_of(&house, &company, Part::Orphans).remove(0);
    assert_eq!((orphan.doubt, orphan.account.as_ref()), (Some(Doubt::Left), Some(&company.cleo)));
    let claimed = house.app.write_now(&as_person(&house, &company.otto), |tx| {
        orphans::claim(tx, &orphan.id, &company.cleo, &owner(&company.otto))
    });
    assert!(matches!(claimed, Err(Error::Conflict("account-gone", _))));
}

#[test]
fn a_login_is_sealed_and_stands_in_no_event() {
    let house = House::new();
    let company = company(&house);
    import(
        &house,
        &[
            "ledger,canary-login-77,E1,,clerk,,",
            "ledger,canary-ghost-77,X-canary-77,canary77@corriden.example,clerk,,",
        ],
    );
    let texts = read(&house, |reader| bailiwick::log::store::events_after(reader, 0, 10_000))
        .iter()
        .map(|event| event.text().expect("an event is text"))
        .collect::<String>();
    assert!(texts.contains("holding_found") && !texts.contains("canary"), "{texts}");
    assert_eq!(holdings_of(&house, &company, Part::All)[1].named.login, "canary-login-77");
    if !house.on_postgresql() {
        for file in ["bailiwick.db", "bailiwick.db-wal"] {
            let bytes = std::fs::read(house.data().join(file)).unwrap_or_default();
            assert!(!bytes.windows(6).any(|window| window == b"canary"), "{file}");
        }
    }
}

#[test]
fn ten_thousand_rows_go_in_short_transactions_with_progress() {
    let house = House::new();
    let company = company(&house);
    let mut csv = format!("{HEAD}\n");
    for number in 0..10_000 {
        let person = ["E1", "E2", "E3", ""][number % 4];
        csv.push_str(&format!(
            "ledger,login{number},{person},,clerk,2025-01-01,2026-11-0{}\n",
            1 + number % 9
        ));
    }
    let mut seen = Vec::new();
    let mut progress = |at: Progress| seen.push(at.done);
    let report = import_grants(&house.app, &Caller::shell(1000), csv.as_bytes(), false, &mut progress)
        .expect("it is read");
    assert_eq!((report.matched, report.known, report.orphans, report.refused), (3, 7_497, 2_500, 0));
    assert_eq!((seen.len(), seen.last()), (101, Some(&10_000)), "a hundred rows a transaction");
    let role = read(&house, |reader| roles::role(reader, "ledger/clerk"));
    assert_eq!(read(&house, |reader| grants::count(reader, Some(&role.application), None)), 3);
    let again =
        import_grants(&house.app, &Caller::shell(1000), csv.as_bytes(), false, &mut |_| ()).expect("again");
    assert_eq!((again.unchanged, again.drift, again.missing.len()), (10_000, 0, 0));
    assert_eq!(holdings_of(&house, &company, Part::Orphans).len(), 200, "a page of them");
}
