//! People from the shell, with and without a server.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Program};

const PEOPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/examples/people.csv");

#[test]
fn people_are_invited_with_and_without_a_server() {
    let program = Program::new();
    let first =
        program.run(&["invite", "ada", "--given-name", "Ada", "--role", "bailiwick/administrator"]).done();
    assert!(first.last_line().starts_with("https://localhost:8443/enrol/"), "{first:?}");
    let again = program.run(&["invite", "ada", "--family-name", "Byron"]).done();
    assert_ne!(again.last_line(), first.last_line());
    assert!(again.err.contains("here already"), "{}", again.err);
    let refused = program.run(&["invite", "admin"]).with(1);
    assert!(refused.err.starts_with("bailiwick: username: "), "{}", refused.err);

    let server = program.serve();
    let invited = program.json(&["invite", "grace", "--given-name", "Grace", "--family-name", "Hopper"]);
    assert_eq!(invited["created"], true);
    let link = invited["link"].as_str().expect("a link").to_owned();
    let token = link.strip_prefix(&format!("https://localhost:{}/enrol/", server.port)).expect("its address");
    let body = json!({ "token": token, "password": PASSWORD }).to_string();
    let call = ["--fail", "--json", &body, "--header", &format!("Origin: https://localhost:{}", server.port)];
    assert_eq!(server.curl("/api/v1/enrolment", &call).done().json()["state"], "totp_required");
    program.run(&["log", "verify"]).done();
}

fn sums(report: &Value) -> [u64; 4] {
    ["added", "changed", "unchanged", "refused"].map(|fate| report[fate].as_u64().expect("a sum"))
}

#[test]
fn the_people_file_is_imported_with_and_without_a_server() {
    let program = Program::new();
    assert_eq!(sums(&program.json(&["import", "people", PEOPLE, "--dry-run"])), [281, 0, 0, 0]);
    let alone = program.run(&["import", "people", PEOPLE]).done();
    assert_eq!(alone.last_line(), "281 added, 0 changed, 0 unchanged, 0 refused", "the try changed nothing");
    assert!(alone.err.lines().any(|line| line == "281 of 281 rows"), "{}", alone.err);

    let server = program.serve();
    assert_eq!(sums(&program.json(&["import", "people", PEOPLE])), [0, 0, 281, 0]);
    let file = program.data().join("more.csv");
    let rows = "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,end_date\n\
                N-1,nadia.rahman,Nadia,Rahman,,,,,2026-01-05,\n\
                N-2,admin,Ad,Min,,,,,2026-01-05,\n";
    std::fs::write(&file, rows).expect("a file");
    let mixed = program.run(&["import", "people", &file.to_string_lossy()]).with(1);
    assert_eq!(mixed.last_line(), "1 added, 0 changed, 0 unchanged, 1 refused", "{mixed:?}");
    assert!(mixed.out.contains("line 3 (N-2) refused: "), "{}", mixed.out);
    assert_eq!(program.json(&["invite", "nadia.rahman"])["created"], false);

    std::fs::write(&file, "name;email\n").expect("a file");
    let unread = program.run(&["import", "people", &file.to_string_lossy()]).with(1);
    assert!(unread.err.contains("commas"), "{}", unread.err);
    program.run(&["import", "people", "/nowhere/people.csv"]).with(1);
    let exported = program.run(&["log", "export"]).done().out;
    assert!(!exported.contains("nadia"), "names never enter the log");
    server.end(Signal::TERM);
    program.run(&["log", "verify"]).done();
}
