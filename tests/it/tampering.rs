//! What somebody can do who owns the database but not the key, and what `bailiwick log verify` says of it.
//!
//! Every case is a real house that was changed past the program; what is asserted is what the command prints.

use bailiwick::access::grants::{self, NewGrant, Source};
use bailiwick::access::kill_switches;
use bailiwick::accounts;
use bailiwick::caller::Caller;
use bailiwick::log::event::Change;
use bailiwick::log::store;
use bailiwick::log::tree::{Frontier, leaf_hash};
use serde_json::Value;

use crate::support::Program;

const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/apps");

/// A house with people, the shipped catalogues, a grant and a pulled kill switch; its log is signed.
struct Victim {
    program: Program,
    account: String,
    grant: String,
    kill_switch: String,
}

impl Victim {
    fn new() -> Self {
        let program = Program::new();
        program.run(&["invite", "ada", "--role", "bailiwick/administrator"]).done();
        program.run(&["invite", "grace"]).done();
        program.run(&["invite", "tomasz.wisniewski"]).done();
        program.run(&["apply", POLICIES]).done();
        let app = program.open();
        let grace = app.read_now(|reader| accounts::find_by_name(reader, "grace"));
        let grace = grace.expect("names can be resolved").expect("she is there").id;
        let wanted = NewGrant {
            account: grace.clone(),
            role: "warehouse/picker".to_owned(),
            scope: None,
            reason: "helps out at the dock".to_owned(),
            source: Source::Direct,
            approvers: Vec::new(),
            request: None,
            valid_from: None,
            expires_at: Some(app.context().clock.now().plus(chrono::Duration::days(30))),
        };
        let made = app.write_now(&Caller::shell(0), |tx| {
            let switch = kill_switches::pull(tx, "warehouse/stock", "stocktaking")?;
            Ok((grants::grant(tx, &wanted)?.id.to_string(), switch.id.to_string()))
        });
        let (grant, kill_switch) = made.expect("both are made").value;
        drop(app);
        program.run(&["log", "checkpoint"]).done();
        Self { program, account: grace.to_string(), grant, kill_switch }
    }

    /// What the command names.
    #[track_caller]
    fn named(&self, arguments: &[&str], code: i32) -> Vec<String> {
        let all: Vec<&str> = ["log", "verify", "--json"].iter().chain(arguments).copied().collect();
        let report = self.program.run(&all).with(code).json();
        let differences = report["differences"].as_array().expect("a list");
        differences.iter().map(|one| one["text"].as_str().expect("a text").to_owned()).collect()
    }

    /// The number of the newest event that names a governed row.
    fn event_of(&self, table: &str, id: &str) -> u64 {
        let lines = self.program.run(&["log", "export"]).done().out;
        let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event"));
        let named = |event: &Value| {
            let rows = event["rows"].as_array().cloned().unwrap_or_default();
            rows.iter().any(|row| row["table"] == table && row["id"] == id)
        };
        let numbers = events.filter(named).map(|event| event["number"].as_u64().expect("a number"));
        numbers.max().expect("an event names the row")
    }
}

#[test]
fn every_row_that_decides_is_named_when_it_was_changed_with_sql() {
    let victim = Victim::new();
    let Victim { account, grant, kill_switch, .. } = &victim;
    let role = "warehouse/picker";
    let left = |table: &str, id: &str| (format!("{table} {id}"), victim.event_of(table, id));
    let cases = [
        (
            format!("UPDATE accounts SET state = 'active' WHERE id = '{account}'"),
            format!("UPDATE accounts SET state = 'invited' WHERE id = '{account}'"),
            left("accounts", account),
            "is not as",
        ),
        // One bit: a word that this program never writes, which keeps the house from starting too.
        (
            format!("UPDATE accounts SET state = 'invitee' WHERE id = '{account}'"),
            format!("UPDATE accounts SET state = 'invited' WHERE id = '{account}'"),
            left("accounts", account),
            "cannot be read",
        ),
        (
            format!("UPDATE grants SET expires_at = NULL WHERE id = '{grant}'"),
            format!(
                "UPDATE grants SET expires_at = (SELECT expires_at FROM kept_grants) WHERE id = '{grant}'"
            ),
            left("grants", grant),
            "is not as",
        ),
        (
            format!("UPDATE roles SET spec = replace(spec, 'confirm', 'destroy') WHERE id = '{role}'"),
            format!("UPDATE roles SET spec = replace(spec, 'destroy', 'confirm') WHERE id = '{role}'"),
            left("roles", role),
            "is not as",
        ),
        (
            format!("UPDATE kill_switches SET lifted_at = pulled_at WHERE id = '{kill_switch}'"),
            format!("UPDATE kill_switches SET lifted_at = NULL WHERE id = '{kill_switch}'"),
            left("kill_switches", kill_switch),
            "is not as",
        ),
        (
            format!("DELETE FROM kill_switches WHERE id = '{kill_switch}'"),
            "INSERT INTO kill_switches SELECT * FROM kept_switches".to_owned(),
            left("kill_switches", kill_switch),
            "is gone",
        ),
    ];
    victim.program.place().sql(
        "CREATE TABLE kept_switches AS SELECT * FROM kill_switches; \
         CREATE TABLE kept_grants AS SELECT * FROM grants WHERE role = 'warehouse/picker'",
    );
    for (tampering, mending, (row, event), what) in cases {
        assert_eq!(victim.named(&[], 0), [""; 0], "before {tampering}");
        victim.program.place().sql(&tampering);
        let expected = match what {
            "is not as" => format!("{row}: the row is not as event {event} left it"),
            "cannot be read" => format!("{row}: the row that event {event} left cannot be read any more"),
            _ => format!("{row}: the row that event {event} left is gone"),
        };
        assert_eq!(victim.named(&[], 1), [expected], "{tampering}");
        victim.program.place().sql(&mending);
    }
    assert_eq!(victim.named(&[], 0), [""; 0], "everything was mended");
}

#[test]
fn a_grant_that_nobody_gave_is_named_and_the_server_that_runs_names_it_too() {
    let victim = Victim::new();
    let forged = "00000000-0000-7000-8000-000000000001";
    victim.program.place().sql(&format!(
        "CREATE TABLE forged AS SELECT * FROM grants WHERE id = '{}'; \
         UPDATE forged SET id = '{forged}', role = 'orders/address-reader'; \
         INSERT INTO grants SELECT * FROM forged",
        victim.grant
    ));
    let expected = format!("grants {forged}: the row stands in no event");
    assert_eq!(victim.named(&[], 1), std::slice::from_ref(&expected));
    let told = victim.program.run(&["log", "verify"]).with(1).out;
    assert!(
        told.contains("outcome    DIFFERENCES") && told.ends_with(&format!("  - {expected}\n")),
        "{told}"
    );
    let server = victim.program.serve();
    assert_eq!(victim.named(&[], 1), [expected]);
    drop(server);
}

#[test]
fn two_events_that_changed_places_are_named() {
    let victim = Victim::new();
    let (one, other) =
        (victim.event_of("kill_switches", &victim.kill_switch), victim.event_of("accounts", &victim.account));
    let renumber = |from: u64, to: u64| {
        let statement = format!("UPDATE change_events SET number = {to} WHERE number = {from}");
        victim.program.place().sql(&statement);
    };
    let swap = || [(one, 1_000_000), (other, one), (1_000_000, other)].map(|(from, to)| renumber(from, to));
    swap();
    let named = victim.named(&[], 1);
    let (first, second) = (one.min(other), one.max(other));
    let text = |number| format!("event {number}: the column \"number\" is not what its text says");
    assert_eq!(named[..2], [text(first), text(second)], "{named:?}");
    swap();
    assert_eq!(victim.named(&[], 0), [""; 0]);
}

#[test]
fn events_that_changed_places_with_texts_and_leaves_rewritten_break_the_signature() {
    let victim = Victim::new();
    let one = victim.event_of("kill_switches", &victim.kill_switch);
    let app = victim.program.open();
    let (first, second) = app
        .read_now(|reader| {
            let mut events = store::events_after(reader, one - 1, 2)?;
            let (mut first, mut second) = (events.remove(0), events.remove(0));
            std::mem::swap(&mut first.number, &mut second.number);
            Ok((second, first))
        })
        .expect("two events");
    drop(app);
    for event in [first, second] {
        let body = event.text().expect("a text");
        let (number, kind) = (event.number, event.kind());
        let subject = event.subject.map_or_else(|| "NULL".to_owned(), |subject| format!("'{subject}'"));
        let leaf = bytes(&victim.program, &leaf_hash(body.as_bytes()));
        victim.program.place().sql(&format!(
            "UPDATE change_events SET body = '{body}', leaf = {leaf}, kind = '{kind}', subject = {subject} \
             WHERE number = {number}"
        ));
    }
    let named = victim.named(&[], 1);
    assert!(named[0].contains("one was changed together with its leaf"), "{named:?}");
}

fn bytes(program: &Program, bytes: &[u8]) -> String {
    let hex = hex::encode(bytes);
    if program.on_postgresql() { format!("decode('{hex}', 'hex')") } else { format!("x'{hex}'") }
}

/// Cuts the log off after `size` events and sets everything back that goes with it, as somebody would who knows how
/// it is made: head, roots of blocks, checkpoints.
fn cut_off(program: &Program, size: u64) {
    let app = program.open();
    let mut tree = Frontier::default();
    let events = app.read_now(|reader| store::events_after(reader, 0, size.cast_signed()));
    for event in events.expect("the events that stay") {
        tree.append(leaf_hash(event.text().expect("a text").as_bytes()));
    }
    drop(app);
    assert_eq!(tree.size(), size);
    let frontier = bytes(program, &tree.bytes());
    program.place().sql(&format!(
        "DELETE FROM change_events WHERE number > {size}; DELETE FROM checkpoints WHERE size > {size}; \
         DELETE FROM log_roots WHERE level = 1 AND position >= {} OR level = 2; \
         UPDATE log_head SET size = {size}, frontier = {frontier}",
        size / 256
    ));
}

/// Keeps a checkpoint elsewhere; its file, and how many events it signed.
fn keep_checkpoint(program: &Program) -> (String, u64) {
    let note = program.run(&["log", "checkpoint"]).done().out;
    let size = note.lines().nth(1).and_then(|line| line.parse().ok()).expect("its size");
    let file = program.data().join("kept-checkpoint");
    std::fs::write(&file, note).expect("a file");
    (file.to_string_lossy().into_owned(), size)
}

/// Appends events that touch no governed row.
fn append(program: &Program, count: usize) {
    let app = program.open();
    let appended = app.write_now(&Caller::shell(0), |tx| {
        for number in 0..count {
            tx.record(Change::HouseStarted { version: number.to_string() });
        }
        Ok(())
    });
    appended.expect("they are appended");
}

#[test]
fn the_last_ten_events_cut_off_are_missed_by_whoever_kept_a_checkpoint() {
    let victim = Victim::new();
    let program = &victim.program;
    // Enough for a complete block, so that a stored root has to go too.
    append(program, 260);
    program.run(&["log", "checkpoint"]).done();
    append(program, 10);
    let (file, size) = keep_checkpoint(program);
    let against = ["--against", file.as_str()];
    assert_eq!(victim.named(&against, 0), [""; 0]);
    cut_off(program, size - 10);
    assert_eq!(victim.named(&[], 0), [""; 0], "nothing that is left can tell");
    let left = size - 10;
    let expected = format!(
        "the checkpoint given is of {size} events, the log has only {left}: its tail was cut off, or it was replaced"
    );
    assert_eq!(victim.named(&against, 1), [expected]);

    // The house lives on, and its own server signs what comes instead.
    append(program, 20);
    let expected = format!(
        "the checkpoint given signed another tree of {size} events: the log was replaced, or changed at or before \
         that event"
    );
    assert_eq!(victim.named(&against, 1), [expected]);
}

#[test]
fn yesterdays_database_in_the_place_of_todays_is_found_against_a_kept_checkpoint() {
    let victim = Victim::new();
    let program = &victim.program;
    program.place().copy_aside();
    // Today grace loses what she had; with yesterday's database she would have it again.
    let app = program.open();
    let id = bailiwick::ids::GrantId::parse(&victim.grant).expect("an id");
    app.write_now(&Caller::shell(0), |tx| grants::revoke(tx, &id, "not-needed", None)).expect("revoked");
    drop(app);
    let (file, size) = keep_checkpoint(program);
    program.place().put_copy_back();
    assert_eq!(victim.named(&[], 0), [""; 0], "yesterday's database was sound");
    let named = victim.named(&["--against", &file], 1);
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].starts_with(&format!("the checkpoint given is of {size} events, the log has only ")));
    let told = program.run(&["log", "verify", "--against", &file]).with(1).out;
    assert!(told.contains("its tail was cut off, or it was replaced"), "{told}");
}
