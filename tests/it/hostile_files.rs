//! Files as other programs write them, with the fate of every row as a text that a reviewer reads at a glance.
//!
//! `tests/fixtures/import/*.csv` hold circles of managers, CRLF and a byte order mark, bytes of Latin-1, formulas, line
//! ends inside quotes, long names, columns too many and too few; `*.txt` say what becomes of them.

use std::path::Path;

use bailiwick::accounts::import::import_people;
use bailiwick::caller::Caller;
use bailiwick::provisioning::import::import_grants;

use crate::support::company::{assert_sound, read};
use crate::support::estate::company;
use crate::support::{House, same_as_committed};

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import").join(name);
    std::fs::read(path).expect("a file of the fixtures")
}

/// One line a row: where, what, and why.
fn line(text: &mut String, number: u64, what: &str, fate: &str, said: &[String]) {
    let shown: String = what.chars().take(48).collect();
    text.push_str(format!("{number:>3}  {fate:<9} {shown:<48} {}", said.join("; ")).trim_end());
    text.push('\n');
}

#[test]
fn the_fate_of_every_row_of_a_hostile_people_file() {
    let house = House::new();
    let bytes = file("people.csv");
    assert!(bytes.starts_with(b"\xEF\xBB\xBF") && bytes.windows(2).any(|pair| pair == b"\r\n"));
    let shell = Caller::shell(1000);
    let report = import_people(&house.app, &shell, &bytes, false, &mut |_| ()).expect("it is read");
    let mut text = format!("columns not read: {}\n", report.unknown_columns.join(", "));
    for row in &report.rows {
        let said: Vec<String> = row.reasons.iter().chain(&row.warnings).cloned().collect();
        line(&mut text, row.line, &format!("{} {}", row.username, row.name), row.fate.as_str(), &said);
    }
    same_as_committed("import/people.txt", &text);
    let again = import_people(&house.app, &shell, &bytes, false, &mut |_| ()).expect("it is read again");
    assert_eq!((again.added, again.changed), (0, 0), "the same file again changes nothing");
    assert_sound(&house);
}

#[test]
fn the_fate_of_every_row_of_a_hostile_file_of_grants() {
    let house = House::new();
    let _company = company(&house);
    let shell = Caller::shell(1000);
    let bytes = file("grants.csv");
    let report = import_grants(&house.app, &shell, &bytes, false, &mut |_| ()).expect("it is read");
    let mut text = format!("columns not read: {}\n", report.unknown_columns.join(", "));
    for row in &report.rows {
        let said: Vec<String> = row.reasons.iter().chain(&row.warnings).cloned().collect();
        line(&mut text, row.line, &format!("{} {}", row.external_login, row.role), row.fate.as_str(), &said);
    }
    same_as_committed("import/grants.txt", &text);
    let again = import_grants(&house.app, &shell, &bytes, false, &mut |_| ()).expect("it is read again");
    assert_eq!((again.matched, again.known, again.orphans, again.drift), (0, 0, 0, 0));
    assert_eq!(again.missing.len(), 0);
    assert_sound(&house);
}

#[test]
fn a_file_that_cannot_be_read_is_refused_with_one_message_and_nothing_of_it_is_imported() {
    let house = House::new();
    let _company = company(&house);
    let shell = Caller::shell(1000);
    let before = house.app.applied();
    let mut text = String::new();
    for name in ["people-latin-1.csv", "people-missing-column.csv"] {
        let refused =
            import_people(&house.app, &shell, &file(name), false, &mut |_| ()).expect_err("refused");
        text.push_str(&format!("{name}: {refused}\n"));
    }
    for name in ["grants-latin-1.csv", "grants-missing-column.csv"] {
        let refused =
            import_grants(&house.app, &shell, &file(name), false, &mut |_| ()).expect_err("refused");
        text.push_str(&format!("{name}: {refused}\n"));
    }
    same_as_committed("import/refused.txt", &text);
    assert_eq!(house.app.applied(), before, "nothing was written");
    let events = read(&house, |reader| bailiwick::log::store::events_after(reader, before, 10));
    assert_eq!(events.len(), 0);
}
