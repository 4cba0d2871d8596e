//! Texts that are committed beside the tests and compared with what the house says today.

use std::fs;
use std::path::Path;

/// Compares a text with the committed `tests/fixtures/NAME`. With `BAILIWICK_WRITE_FIXTURES=1` the file is written
/// anew instead; the difference is then read, and committed, by a person.
#[track_caller]
pub fn same_as_committed(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    if std::env::var_os("BAILIWICK_WRITE_FIXTURES").is_some() {
        fs::write(&path, text).expect("the fixture is written");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let (committed_lines, lines): (Vec<_>, Vec<_>) = (committed.lines().collect(), text.lines().collect());
    let gone = committed_lines.iter().filter(|line| !lines.contains(line)).map(|line| format!("- {line}"));
    let new = lines.iter().filter(|line| !committed_lines.contains(line)).map(|line| format!("+ {line}"));
    let changed: Vec<_> = gone.chain(new).collect();
    assert!(
        committed == text,
        "tests/fixtures/{name} says otherwise; if this is meant, run the test with BAILIWICK_WRITE_FIXTURES=1\n{}",
        changed.join("\n")
    );
}
