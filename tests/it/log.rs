//! The log as a record that nobody can edit quietly: what is appended is numbered and provable, what is changed
//! behind its back is named.

use std::collections::BTreeSet;

use bailiwick::app::App;
use bailiwick::caller::Caller;
use bailiwick::db::{Reader, Tx};
use bailiwick::log::event::{Change, Row};
use bailiwick::log::verify::{self, Report, Source};
use bailiwick::log::{checkpoint, command, proof, store};
use chrono::Duration;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::support::House;

/// A governed table of the tests' own, over the house's `applications`: no slice is needed to fill it.
const SOURCES: &[Source] = &[Source { table: "applications", key: "key", rows: applications }];

type Columns = (String, String, String);

fn applications(reader: &mut Reader<'_>, after: &str, limit: i64) -> bailiwick::error::Result<Vec<Row>> {
    use bailiwick::db::schema::applications::dsl;
    let rows: Vec<Columns> = dsl::applications
        .filter(dsl::key.gt(after))
        .order(dsl::key)
        .limit(limit)
        .select((dsl::key, dsl::environment, dsl::spec))
        .load(reader.connection)?;
    rows.iter().map(digest).collect()
}

fn digest(columns: &Columns) -> bailiwick::error::Result<Row> {
    Row::of("applications", &columns.0, columns)
}

/// Writes an application that the decision point can read, as it follows this log too.
fn put(tx: &mut Tx<'_>, key: &str, name: &str) -> bailiwick::error::Result<()> {
    let spec = serde_json::json!({ "key": key, "name": name }).to_string();
    let columns = (key.to_owned(), "test".to_owned(), spec.clone());
    diesel::sql_query("DELETE FROM applications WHERE key = $1")
        .bind::<Text, _>(key)
        .execute(tx.connection)?;
    diesel::sql_query(
        "INSERT INTO applications (key, environment, integration, spec, changed_at, revision) \
         VALUES ($1, 'test', 'manual', $2, '2026-11-23 09:00:00', 1)",
    )
    .bind::<Text, _>(key)
    .bind::<Text, _>(spec)
    .execute(tx.connection)?;
    let row = digest(&columns)?;
    tx.record_rows(Change::ApplicationRetired { application: key.to_owned() }, vec![row]);
    Ok(())
}

fn append(app: &App, count: usize) {
    for start in (0..count).step_by(500) {
        app.write_now(&Caller::house("test"), |tx| {
            for n in start..count.min(start + 500) {
                tx.record(Change::SettingChanged {
                    name: format!("name-{n}"),
                    value: Some("å \" \\ €".to_owned()),
                });
            }
            Ok(())
        })
        .expect("events are appended");
    }
}

fn house_with(events: usize) -> House {
    let house = House::bare();
    append(&house.app, events);
    house
}

fn verified(house: &House, against: Option<&str>) -> Report {
    let app = &house.app;
    verify::all(app.database().location(), app.context(), SOURCES, against).expect("the log can be read")
}

fn texts(report: &Report) -> Vec<&str> {
    report.differences.iter().map(|difference| difference.text.as_str()).collect()
}

fn sql(house: &House, statement: &str) {
    house
        .app
        .database()
        .alone(|reader| reader.connection.batch_execute(statement).map_err(Into::into))
        .expect("the statement runs");
}

fn sign(house: &House) -> String {
    checkpoint::sign(house.app.database()).expect("signed").expect("a checkpoint").note
}

#[test]
fn eight_threads_append_and_the_numbers_are_dense_and_the_tree_right() {
    let house = House::bare();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let app = &house.app;
            scope.spawn(move || {
                for n in 0..40 {
                    app.write_now(&Caller::shell(thread), |tx| {
                        tx.record(Change::SettingChanged { name: format!("{thread}-{n}"), value: None });
                        tx.record(Change::HouseStarted { version: n.to_string() });
                        Ok(())
                    })
                    .expect("appended");
                }
            });
        }
    });
    let events = house.app.read_now(|reader| store::events_after(reader, 0, 1_000)).expect("events");
    assert_eq!(events.iter().map(|event| event.number).collect::<Vec<_>>(), (1..=640).collect::<Vec<_>>());
    let pairs: BTreeSet<_> =
        events.chunks(2).map(|pair| serde_json::to_string(&pair[0].change).expect("text")).collect();
    assert_eq!(pairs.len(), 320, "events of one transaction stand together");
    let report = verified(&house, None);
    assert_eq!(texts(&report), Vec::<&str>::new());
    assert_eq!((report.size, report.events, report.complete), (640, 640, true));
}

#[test]
fn an_event_whose_transaction_failed_is_nowhere() {
    let house = house_with(3);
    let outcome = house.app.write_now(&Caller::house("test"), |tx| {
        put(tx, "orders", "{}")?;
        Err::<(), _>(bailiwick::error::Error::Stale)
    });
    assert!(outcome.is_err());
    let report = verified(&house, None);
    assert_eq!((report.size, report.rows, report.is_sound()), (3, 0, true));
}

#[test]
fn an_untouched_log_verifies_with_all_its_checkpoints_and_rows() {
    let house = House::bare();
    for round in 0..5 {
        append(&house.app, 300);
        house
            .app
            .write_now(&Caller::nobody(), |tx| put(tx, &format!("app-{round}"), &"x".repeat(round)))
            .expect("a row");
        house.app.write_now(&Caller::nobody(), |tx| put(tx, "app-0", &format!("{round}"))).expect("a row");
        sign(&house);
    }
    let report = verified(&house, Some(&sign(&house)));
    assert_eq!(texts(&report), Vec::<&str>::new());
    assert_eq!((report.size, report.checkpoints, report.rows), (1_510, 5, 5));
}

#[test]
fn a_changed_event_is_named() {
    for (change, expected) in [
        (
            "body = replace(body, 'name-183', 'name-18x')",
            "event 184: the stored text does not match its leaf",
        ),
        (
            "leaf = (SELECT leaf FROM change_events WHERE number = 3)",
            "event 184: the stored text does not match its leaf",
        ),
        ("kind = 'house_started'", "event 184: the column \"kind\" is not what its text says"),
        ("actor = 'shell:0'", "event 184: the column \"actor\" is not what its text says"),
        ("subject = 'x'", "event 184: the column \"subject\" is not what its text says"),
        ("at = '2026-11-23 09:00:01'", "event 184: the column \"at\" is not what its text says"),
    ] {
        let house = house_with(600);
        sign(&house);
        append(&house.app, 20);
        sql(&house, &format!("UPDATE change_events SET {change} WHERE number = 184"));
        assert_eq!(texts(&verified(&house, None)), [expected], "{change}");
    }
}

#[test]
fn a_text_rewritten_together_with_its_leaf_is_placed_between_checkpoints() {
    let house = house_with(100);
    sign(&house);
    append(&house.app, 100);
    sign(&house);
    append(&house.app, 100);
    let body = house
        .app
        .read_now(|reader| store::events_after(reader, 149, 1)?.remove(0).text())
        .expect("event 150")
        .replace("name-49", "name-50");
    let leaf = hex::encode(bailiwick::log::tree::leaf_hash(body.as_bytes()));
    let bytes = if house.on_postgresql() { format!("decode('{leaf}', 'hex')") } else { format!("x'{leaf}'") };
    sql(&house, &format!("UPDATE change_events SET body = '{body}', leaf = {bytes} WHERE number = 150"));
    let expected = "the checkpoint of 200 events does not fit: among the events 101 to 200 one was changed together \
                    with its leaf";
    assert_eq!(texts(&verified(&house, None)), [expected]);
}

#[test]
fn swapped_and_removed_events_are_named() {
    let house = house_with(20);
    for (from, to) in [(7, 100), (8, 7), (100, 8)] {
        sql(&house, &format!("UPDATE change_events SET number = {to} WHERE number = {from}"));
    }
    let report = verified(&house, None);
    assert_eq!(report.first(), Some("event 7: the column \"number\" is not what its text says"));
    assert_eq!(report.differences.len(), 3, "{:?}", texts(&report));

    let house = house_with(20);
    sql(&house, "DELETE FROM change_events WHERE number IN (7, 8)");
    assert_eq!(verified(&house, None).first(), Some("events 7 to 8 are missing"));
}

#[test]
fn a_row_that_no_event_left_so_is_named() {
    let prepared = || {
        let house = house_with(10);
        for key in ["orders", "warehouse"] {
            house.app.write_now(&Caller::nobody(), |tx| put(tx, key, "{}")).expect("a row");
        }
        house
    };
    for (statement, expected) in [
        (
            "UPDATE applications SET environment = 'production' WHERE key = 'orders'",
            "applications orders: the row is not as event 11 left it",
        ),
        (
            "DELETE FROM applications WHERE key = 'warehouse'",
            "applications warehouse: the row that event 12 left is gone",
        ),
        (
            "UPDATE applications SET key = 'archive' WHERE key = 'orders'",
            "applications archive: the row stands in no event",
        ),
    ] {
        let house = prepared();
        assert!(verified(&house, None).is_sound());
        sql(&house, statement);
        let report = verified(&house, None);
        assert_eq!(report.first(), Some(expected), "{statement}");
        assert_eq!(report.differences[0].table.as_deref(), Some("applications"));
    }
}

#[test]
fn damaged_heads_blocks_and_checkpoints_are_named() {
    for (statement, expected) in [
        ("UPDATE log_head SET size = 599, frontier = frontier", "reading the log's head"),
        (
            "DELETE FROM log_roots WHERE position = 1",
            "the stored root of the events 257 to 512 is not the one of their tree",
        ),
        (
            "UPDATE checkpoints SET note = replace(note, '600', '601')",
            "the checkpoint of 600 events: checkpoint: its signature is not by this house's key",
        ),
        ("UPDATE checkpoints SET size = 599", "the checkpoint of 599 events is of another size"),
        (
            "DELETE FROM change_events WHERE number = 600",
            "the head says that there are 600 events, there are 599",
        ),
    ] {
        let house = house_with(600);
        sign(&house);
        sql(&house, statement);
        let app = &house.app;
        let outcome = verify::all(app.database().location(), app.context(), SOURCES, None);
        let said = outcome.map_or_else(|error| error.to_string(), |report| texts(&report).join("\n"));
        assert!(said.contains(expected), "{statement}: {said}");
    }
}

/// The state of head and events, as whoever owns the database could put it back.
fn cut_off(house: &House, size: u64) {
    let frontier = house
        .app
        .read_now(|reader| {
            let mut tree = bailiwick::log::tree::Frontier::default();
            for event in store::events_after(reader, 0, size.cast_signed())? {
                tree.append(bailiwick::log::tree::leaf_hash(event.text()?.as_bytes()));
            }
            Ok(hex::encode(tree.bytes()))
        })
        .expect("a frontier");
    let bytes =
        if house.on_postgresql() { format!("decode('{frontier}', 'hex')") } else { format!("x'{frontier}'") };
    sql(house, &format!("DELETE FROM change_events WHERE number > {size}"));
    sql(house, &format!("DELETE FROM checkpoints WHERE size > {size}"));
    sql(house, &format!("UPDATE log_head SET size = {size}, frontier = {bytes}"));
}

#[test]
fn a_tail_that_was_cut_off_is_found_against_an_old_checkpoint() {
    let house = house_with(50);
    let before = sign(&house);
    append(&house.app, 10);
    let old = sign(&house);
    cut_off(&house, 50);
    assert!(verified(&house, None).is_sound(), "nothing inside the database can tell");
    assert!(verified(&house, Some(&before)).is_sound());
    let expected =
        "the checkpoint given is of 60 events, the log has only 50: its tail was cut off, or it was replaced";
    assert_eq!(texts(&verified(&house, Some(&old))), [expected]);

    // The log goes on with other events: the same size again, another tree.
    house.advance(Duration::minutes(1));
    append(&house.app, 20);
    let expected = "the checkpoint given signed another tree of 60 events: the log was replaced, or changed at or \
                    before that event";
    assert_eq!(texts(&verified(&house, Some(&old))), [expected]);
}

#[test]
fn a_checkpoint_of_a_cut_tail_that_stayed_is_enough() {
    let house = house_with(60);
    let note = sign(&house);
    cut_off(&house, 50);
    sql(
        &house,
        &format!("INSERT INTO checkpoints (size, at, note) VALUES (60, '2026-11-23 09:00:00', '{note}')"),
    );
    assert_eq!(
        texts(&verified(&house, None)),
        ["a checkpoint of 60 events was signed, the log has only 50: its tail was cut off"]
    );
}

#[test]
fn a_forged_checkpoint_and_plain_text_are_refused() {
    let house = house_with(5);
    let five = sign(&house);
    append(&house.app, 1);
    let six = sign(&house);
    let (text, _) = five.split_once("\n\n").expect("a note");
    let (_, signature) = six.split_once("\n\n").expect("a note");
    for (note, expected) in [
        (format!("{text}\n\n{signature}"), "its signature is not by this house's key"),
        (five.replace("bailiwick/", "elsewhere/"), "its signature is not by this house's key"),
        ("hello\n".to_owned(), "it is not a signed checkpoint"),
    ] {
        let report = verified(&house, Some(&note));
        assert!(report.first().is_some_and(|text| text.contains(expected)), "{note}: {report}");
    }
}

#[test]
fn every_proof_holds_before_an_independent_judge() {
    for size in [1usize, 2, 3, 255, 256, 257, 700] {
        let house = house_with(size);
        let note = sign(&house);
        append(&house.app, 1);
        let signed = checkpoint::read(&note).expect("a checkpoint");
        assert_eq!(signed.size, size as u64);
        for number in [1, 2, size / 2, 256, 257, 512, size].into_iter().filter(|n| (1..=size).contains(n)) {
            let found = house.app.read_now(|reader| proof::of_event(reader, number as u64)).expect("a proof");
            let found = found.expect("it is covered");
            let hash = |text: &str| tlog_tiles::Hash::parse_hash(text).expect("a hash");
            let path: Vec<_> = found.audit_path.iter().map(|text| hash(text)).collect();
            let root = tlog_tiles::Hash(signed.root);
            tlog_tiles::check_record(&path, signed.size, root, found.leaf_index, hash(&found.leaf_hash))
                .unwrap_or_else(|cause| panic!("event {number} of {size}: {cause}"));
        }
        let ahead = house.app.read_now(|reader| proof::of_event(reader, size as u64 + 1)).expect("known");
        assert!(ahead.is_none(), "no checkpoint covers it yet");
        assert!(house.app.read_now(|reader| proof::of_event(reader, size as u64 + 2)).is_err());
    }
}

#[test]
fn a_checkpoint_is_signed_once_a_size_and_opens_with_the_printed_key() {
    let house = house_with(4);
    let first = sign(&house);
    house.advance(Duration::seconds(5));
    assert_eq!(sign(&house), first);
    let (epoch, _) = house.app.read_now(store::find_head).expect("a head").expect("begun");
    let key = checkpoint::Key::new(&house.app.context().vault, &epoch).expect("a key");
    let verifier = signed_note::StandardVerifier::new(&key.verifier_key()).expect("a verifier key");
    let note = signed_note::Note::from_bytes(first.as_bytes()).expect("a note");
    note.verify(&signed_note::VerifierList::new(vec![Box::new(verifier)])).expect("it verifies");
    assert!(first.starts_with(&format!("bailiwick/{epoch}\n4\n")), "{first}");
}

#[test]
fn a_recent_check_begins_at_the_last_verified_checkpoint() {
    let house = house_with(300);
    sign(&house);
    let complete = verified(&house, None);
    house
        .app
        .write_now(&Caller::house("log.verify"), |tx| {
            tx.record(complete.change());
            Ok(())
        })
        .expect("recorded");
    append(&house.app, 40);
    let app = &house.app;
    let recent = || verify::recent(app.database().location(), app.context()).expect("checked");
    let report = recent();
    assert_eq!((report.events, report.complete, report.is_sound()), (41, false, true), "{report}");
    sql(&house, "UPDATE change_events SET body = replace(body, 'name-5', 'name-6') WHERE number = 307");
    assert_eq!(recent().first(), Some("event 307: the stored text does not match its leaf"));
}

#[test]
fn the_nightly_proof_records_its_outcome() {
    let house = house_with(20);
    let ran =
        bailiwick::jobs::run_now(&house.app, "log.verify").expect("it runs").expect("nobody else runs it");
    assert_eq!(ran, "20 events, 0 rows: as the log says");
    sql(&house, "UPDATE change_events SET kind = 'x' WHERE number = 9");
    let ran =
        bailiwick::jobs::run_now(&house.app, "log.verify").expect("it runs").expect("nobody else runs it");
    assert_eq!(ran, "1 difference, the first: event 9: the column \"kind\" is not what its text says");
    let events = house.app.read_now(|reader| store::events_after(reader, 20, 9)).expect("events");
    let outcomes: Vec<_> = events.iter().map(|event| event.change.clone()).collect();
    assert_eq!(
        outcomes[..2],
        [
            Change::LogVerified { size: 20, complete: true, differences: 0, against: None },
            Change::LogVerified { size: 21, complete: true, differences: 1, against: None }
        ]
    );
    let alarm =
        |change: &Change| matches!(change, Change::AlarmRaised { rule, .. } if rule == "log-verification");
    assert!(outcomes.len() == 3 && alarm(&outcomes[2]), "the difference alarms: {outcomes:?}");
}

#[test]
fn an_export_is_every_text_on_a_line_and_hashes_to_the_leaves() {
    let house = house_with(2_300);
    let mut lines = Vec::new();
    let count = command::export(house.app.database(), 0, &mut lines).expect("exported");
    let text = String::from_utf8(lines).expect("text");
    assert_eq!((count, text.lines().count()), (2_300, 2_300));
    let mut tree = bailiwick::log::tree::Frontier::default();
    for line in text.lines() {
        tree.append(bailiwick::log::tree::leaf_hash(line.as_bytes()));
    }
    let (note, key) = command::checkpoint(house.app.database()).expect("a checkpoint");
    assert_eq!(checkpoint::read(&note).expect("readable").root, tree.root());
    assert!(key.starts_with("bailiwick/") && key.contains('+'), "{key}");
}
