//! The people file: the fate of every row, and that the same file again changes nothing.

use bailiwick::accounts::import::{Fate, Progress, Report, RowReport, import_people};
use bailiwick::accounts::{self, Changes, Filter, NewPerson, Standing, State, names};
use bailiwick::caller::Caller;
use bailiwick::db::Reader;
use bailiwick::error::{Error, Result};
use bailiwick::ids::AccountId;
use bailiwick::log::event::{Change, Event};
use bailiwick::organisation;
use chrono::Duration;

use crate::support::House;

const HEAD: &str =
    "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,end_date";

fn import(house: &House, csv: &str) -> Report {
    import_people(&house.app, &Caller::shell(1000), csv.as_bytes(), false, &mut |_| ()).expect("it is read")
}

fn rows(house: &House, rows: &[&str]) -> Report {
    import(house, &format!("{HEAD}\n{}\n", rows.join("\n")))
}

fn read<T>(house: &House, f: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> T {
    house.app.read_now(f).expect("the house can be read")
}

fn events(house: &House) -> Vec<Event> {
    let mut events = read(house, |reader| bailiwick::log::store::events_after(reader, 0, 100_000));
    // What the house records of itself when it is opened is no matter of an import.
    events.retain(|event| !matches!(event.actor, bailiwick::caller::Actor::House { .. }));
    events
}

fn person(house: &House, employee_id: &str) -> accounts::Named {
    let account = read(house, |reader| accounts::find_by_employee_id(reader, employee_id)).expect("imported");
    read(house, |reader| accounts::find_named(reader, &account.id))
}

fn fates(report: &Report) -> Vec<Fate> {
    report.rows.iter().map(|row| row.fate).collect()
}

fn row<'r>(report: &'r Report, employee_id: &str) -> &'r RowReport {
    report.rows.iter().find(|row| row.employee_id == employee_id).expect("the row is reported")
}

fn change(house: &House, id: &AccountId, changes: &Changes) {
    house.app.write_now(&Caller::shell(1000), |tx| accounts::change(tx, id, changes)).expect("it changes");
}

#[test]
fn the_example_company_comes_in_whole_and_once() {
    let house = House::new();
    let csv = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/policies/examples/people.csv"))
        .expect("the example file");
    let mut seen = Vec::new();
    let mut progress = |at: Progress| seen.push((at.done, at.total));
    let first = import_people(&house.app, &Caller::shell(1000), csv.as_bytes(), false, &mut progress)
        .expect("it is read");
    let refused: Vec<_> = first.rows.iter().filter(|row| row.fate == Fate::Refused).collect();
    assert_eq!((first.added, first.refused), (281, 0), "{refused:?}");
    assert_eq!((seen.first(), seen.last()), (Some(&(0, 281)), Some(&(281, 281))));
    assert_eq!(first.unknown_columns, [""; 0]);
    let gone = Filter { state: Some(State::Left), ..Filter::default() };
    assert_eq!(read(&house, |reader| accounts::list(reader, &gone, None, 200)).len(), 9, "recorded as past");
    assert_eq!(read(&house, |reader| accounts::ended(reader, 10)), [], "and no case is due for them");

    let grace = read(&house, |reader| accounts::find_by_name(reader, "grace"));
    assert!(grace.is_some_and(|grace| grace.status.state == State::Invited));
    let warned = |words: &str| {
        first.rows.iter().filter(|row| row.warnings.iter().any(|warning| warning.contains(words))).count()
    };
    assert_eq!((warned("somebody else's"), warned("not known here"), warned("has left")), (2, 2, 2));
    assert_eq!(first.warned, 6);

    let before = events(&house);
    assert_eq!(before.len(), 282, "one event a person, and one for the file");
    let second = import(&house, &csv);
    assert_eq!((second.unchanged, second.warned), (281, 6));
    let after = events(&house);
    assert_eq!(after.len(), before.len() + 1);
    assert!(matches!(
        after.last().map(|event| &event.change),
        Some(Change::PeopleImported { unchanged: 281, .. })
    ));
    let rows: Vec<_> = before.iter().flat_map(|event| event.rows.clone()).collect();
    let mut governed = read(&house, |reader| accounts::governed(reader, "", 1_000));
    governed.sort_by_key(|row| rows.iter().position(|other| other.id == row.id));
    assert_eq!(governed, rows, "the table says what the log says");
}

#[test]
fn every_row_has_a_fate_of_its_own() {
    let house = House::new();
    let report = rows(
        &house,
        &[
            "1,ann,Ann,Lee,ann@example.com,,Care,Agent,2020-01-01,",
            "2,admin,Bob,Lee,,,,,,",
            "1,cyd,Cyd,Lee,,,,,,",
            "4,ann,Dan,Lee,,,,,,",
            ",eve,Eve,Lee,,,,,,",
            "6,,Fay,Lee,ANN@example.com,77,,,,",
            "7,gil,Gil,Lee,nonsense,,,,,",
            "8,hal,Hal,Lee,,8,,,2026-12-31,2026-12-01",
            "9,ida,Ida",
            "10,=cmd,=1+1,Lee,,,,,,",
            "11,,=1+1,Lee,,,,,,",
        ],
    );
    use Fate::{Added as A, Refused as R};
    assert_eq!(fates(&report), [A, R, R, R, R, A, R, R, R, R, A], "{report:#?}");
    assert!(report.rows.iter().all(|row| (row.fate == R) != row.reasons.is_empty()), "{report:#?}");
    assert_eq!(person(&house, "6").details.email, None, "mail never reaches another person");
    assert_eq!(row(&report, "6").warnings.len(), 2);
    assert_eq!(person(&house, "6").details.username, "flee");
    assert_eq!(person(&house, "11").details.given_name.as_deref(), Some("=1+1"), "a formula is data");
    assert_eq!(row(&report, "11").name, "'=1+1 Lee", "and is shown as data");
    assert_eq!((report.added, report.refused, events(&house).len()), (3, 8, 4));
}

#[test]
fn a_file_that_cannot_be_read_imports_nothing() {
    let house = House::new();
    let good = format!("{HEAD}\n1,ann,Ann,Lee,,,,,,\n");
    let latin = [good.as_bytes(), b"2,,Zo\xEB,X,,,,,,\n"].concat();
    for bytes in [latin.as_slice(), good.replace("end_date", "end").as_bytes(), b""] {
        match import_people(&house.app, &Caller::shell(1000), bytes, false, &mut |_| ()) {
            Err(Error::Invalid(fields)) => assert_eq!(fields.len(), 1),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(events(&house).len(), 0);
    assert_eq!(import(&house, &good).added, 1);
}

#[test]
fn trying_a_file_writes_nothing_and_foretells_everything() {
    let house = House::new();
    rows(&house, &["1,ann,Ann,Lee,,,Care,,,", "2,bob,Bob,Lee,,1,Care,,,"]);
    let before = events(&house).len();
    let next = format!(
        "{HEAD}\n1,ann,Ann,Lee,,,Sales,,,\n2,bob,Bob,Lee,,1,Care,,,\n3,,Cyd,Lee,,2,,,,\n4,,Cyd,Lee,,3,,,,\n5,bob,Eve,Lee,,,,,,\n"
    );
    let tried =
        import_people(&house.app, &Caller::shell(1000), next.as_bytes(), true, &mut |_| ()).expect("tried");
    assert_eq!(events(&house).len(), before);
    let done = import(&house, &next);
    assert_eq!(fates(&tried), fates(&done));
    assert_eq!((done.changed, done.unchanged, done.added, done.refused), (1, 1, 2, 1));
    let usernames = |report: &Report| report.rows.iter().map(|row| row.username.clone()).collect::<Vec<_>>();
    assert_eq!(usernames(&tried), usernames(&done));
    assert!(tried.dry_run && !done.dry_run);
}

#[test]
fn managers_are_found_wherever_they_stand_and_circles_are_opened() {
    let house = House::new();
    let report = rows(
        &house,
        &[
            "1,,Ann,Lee,,2,,,,",
            "2,,Bob,Lee,,3,,,,",
            "3,,Cyd,Lee,,3,,,,",
            "4,,Dan,Lee,,5,,,,",
            "5,,Eve,Lee,,4,,,,",
        ],
    );
    assert_eq!((report.added, report.warned), (5, 2));
    let manager = |id: &str| person(&house, id).account.manager;
    let id = |id: &str| Some(person(&house, id).account.id);
    assert_eq!([manager("1"), manager("2"), manager("3")], [id("2"), id("3"), None]);
    assert_eq!([manager("4"), manager("5")], [id("5"), None]);
    let again = rows(&house, &["1,,Ann,Lee,,3,,,,", "2,,Bob,Lee,,nobody,,,,", "3,,Cyd,Lee,,1,,,,"]);
    assert_eq!(fates(&again), [Fate::Changed, Fate::Unchanged, Fate::Unchanged], "{again:#?}");
    assert_eq!([manager("1"), manager("2"), manager("3")], [id("3"), id("3"), None]);
    let cleared = rows(&house, &["2,,Bob,Lee,,,,,,", "3,,Cyd,Lee,,2,,,,"]);
    assert_eq!(cleared.changed, 2);
    assert_eq!([manager("1"), manager("2"), manager("3")], [id("3"), None, id("2")]);
    let circle = rows(&house, &["2,,Bob,Lee,,1,,,,"]);
    assert_eq!(fates(&circle), [Fate::Refused], "a circle with people outside the file is refused");
}

#[test]
fn days_of_work_end_in_the_zone_of_the_person() {
    let house = House::new();
    let zone = organisation::Wishes { time_zone: Some("Europe/Warsaw".to_owned()), ..Default::default() };
    house.app.write_now(&Caller::shell(1000), |tx| organisation::set(tx, &zone)).expect("set");
    let csv = format!(
        "{HEAD},time_zone\n1,,Ann,Lee,,,,,2026-12-01,2026-12-31,\n2,,Bob,Lee,,,,,,2026-12-31,Asia/Kolkata\n3,,Cyd,Lee,,,,,,2026-12-31T12:00:00Z,\n4,,Dan,Lee,,,,,,2026-11-22,\n"
    );
    import(&house, &csv);
    let instants = |id: &str| {
        let account = person(&house, id).account;
        (account.starts_at.map(|at| at.to_string()), account.ends_at.map(|at| at.to_string()))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(instants("1"), (some("2026-11-30T23:00:00Z"), some("2026-12-31T23:00:00Z")));
    assert_eq!(instants("2"), (None, some("2026-12-31T18:30:00Z")));
    assert_eq!(instants("3"), (None, some("2026-12-31T12:00:00Z")));
    assert_eq!(person(&house, "4").account.status.state, State::Left);
    let standing = |id: &str| read(&house, |reader| Ok(person(&house, id).account.standing(reader.now)));
    assert_eq!(standing("1"), Standing::NotYet);
    house.advance(Duration::hours(38 * 24 + 10));
    assert_eq!((standing("1"), standing("2")), (Standing::Active, Standing::Over));
    assert_eq!(read(&house, |reader| accounts::ended(reader, 10)).len(), 2);
    assert_eq!(import(&house, &csv).unchanged, 4, "the same file says the same later too");
}

#[test]
fn nobody_who_left_comes_back_by_a_file_and_an_earlier_end_stays() {
    let house = House::new();
    rows(&house, &["1,,Ann,Lee,,,,,,2027-06-30", "2,,Bob,Lee,,,,,,2027-06-30", "3,,Cyd,Lee,,,,,,"]);
    let (ann, cyd) = (person(&house, "1").account.id, person(&house, "3").account.id);
    let sooner = house.app.context().clock.now().plus(Duration::days(2));
    change(&house, &ann, &Changes { ends_at: Some(Some(sooner)), ..Changes::default() });
    change(&house, &cyd, &Changes { ends_at: Some(Some(sooner)), ..Changes::default() });
    let later = rows(&house, &["1,,Ann,Lee,,,,,,2027-12-31", "2,,Bob,Lee,,,,,,", "3,,Cyd,Lee,,,,,,"]);
    assert_eq!(row(&later, "1").warnings, ["an earlier end was set here; it stays"]);
    assert_eq!(person(&house, "1").account.ends_at, Some(sooner));
    assert_eq!(person(&house, "2").account.ends_at, None, "a file takes back what a file gave");
    assert_eq!(person(&house, "3").account.ends_at, Some(sooner), "and nothing else");
    house.advance(Duration::days(3));
    let back = rows(&house, &["1,,Ann,Lee,,,Care,,,", "3,,Cyd,Lee,,,,,,"]);
    assert_eq!(fates(&back), [Fate::Unchanged, Fate::Unchanged]);
    assert_eq!(back.warned, 2);
    assert_eq!(person(&house, "1").account.standing(house.app.context().clock.now()), Standing::Over);
}

#[test]
fn the_file_renames_and_moves_and_says_which_fields() {
    let house = House::new();
    rows(&house, &["1,ann,Ann,Lee,ann@example.com,,Care,Agent,,", "2,bob,Bob,Lee,,,,,,"]);
    let id = person(&house, "1").account.id;
    let report = rows(&house, &["1,ann.roe,Ann,Roe,ann@example.com,2,Care,Lead,,", "2,ann,Bob,Lee,,,,,,"]);
    assert_eq!(fates(&report), [Fate::Changed, Fate::Refused], "a former username is nobody else's");
    let named = person(&house, "1");
    assert_eq!((&named.account.id, named.details.username.as_str()), (&id, "ann.roe"));
    assert_eq!(read(&house, |reader| names::resolve(reader, names::Space::Subject, "ann")), Some(id));
    let fields = events(&house).into_iter().find_map(|event| match event.change {
        Change::AccountChanged { fields, .. } => Some(fields),
        _ => None,
    });
    assert_eq!(fields.expect("an event"), ["username", "family_name", "job_title", "manager"]);
}

#[test]
fn an_address_goes_to_who_has_it_and_is_free_when_given_up() {
    let house = House::new();
    rows(&house, &["2,,Bob,Lee,desk@example.com,,,,,"]);
    let both = ["1,,Ann,Lee,desk@example.com,,,,,", "2,,Bob,Lee,desk@example.com,,,,,"];
    let report = rows(&house, &both);
    assert_eq!(fates(&report), [Fate::Added, Fate::Unchanged], "who has it keeps it");
    assert_eq!(rows(&house, &both).unchanged, 2);
    rows(&house, &["1,,Ann,Lee,desk@example.com,,,,,", "2,,Bob,Lee,,,,,,"]);
    rows(&house, &["1,,Ann,Lee,desk@example.com,,,,,", "2,,Bob,Lee,,,,,,"]);
    assert_eq!(person(&house, "1").details.email.as_deref(), Some("desk@example.com"));
    assert_eq!(person(&house, "2").details.email, None);
}

#[test]
fn an_account_made_by_hand_is_taken_over_not_doubled() {
    let house = House::new();
    let make = |username: &str, given: &str, email: Option<&str>| {
        let new = NewPerson {
            username: Some(username.to_owned()),
            given_name: Some(given.to_owned()),
            family_name: Some("Lee".to_owned()),
            email: email.map(str::to_owned),
            ..NewPerson::default()
        };
        let done = house.app.write_now(&Caller::shell(1000), |tx| accounts::create_person(tx, new));
        done.expect("made").value.id
    };
    let (ann, bob) = (make("ann", "Ann", None), make("bobby", "Bob", Some("bob@example.com")));
    let csv = ["1,ann,Ann,Lee,,,,,,", "2,,Bob,Lee,bob@example.com,,,,,", "3,,Eve,Lee,bob@example.com,,,,,"];
    let report = rows(&house, &csv);
    assert_eq!(fates(&report), [Fate::Changed, Fate::Changed, Fate::Added]);
    assert_eq!((person(&house, "1").account.id, person(&house, "2").account.id), (ann, bob));
    assert_eq!(person(&house, "2").details.username, "bobby");
    assert_eq!(rows(&house, &csv).unchanged, 3);
}

#[test]
fn hundreds_of_equal_names_and_several_chunks_come_in_once() {
    let house = House::new();
    let lines: Vec<String> =
        (0..450).map(|number| format!("E{number},,Ann,Lee,,E{},,,,", number / 7)).collect();
    let csv = format!("{HEAD}\n{}\n", lines.join("\n"));
    let first = import(&house, &csv);
    assert_eq!((first.added, first.warned), (450, 1), "only the first is their own manager");
    let mut usernames: Vec<_> = first.rows.iter().map(|row| row.username.clone()).collect();
    usernames.sort();
    usernames.dedup();
    assert_eq!(usernames.len(), 450);
    assert_eq!(import(&house, &csv).unchanged, 450);
    assert_eq!(house.app.directory().count(|_, _| true), 450);
}
