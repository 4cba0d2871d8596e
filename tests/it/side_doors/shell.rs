//! What one person tries at the host's shell: every command of the program.

use std::collections::{BTreeMap, BTreeSet};

use super::{COURIER, readers};
use crate::support::{Program, wider};

/// Commands that can give nobody anything, each with why.
const HARMLESS: &[(&str, &str)] = &[
    ("serve", "opens the door to those who may come in"),
    ("demo", "a house of its own, thrown away"),
    ("config check", "only looks"),
    ("version", "only looks"),
    ("doctor", "only looks"),
    ("export", "only looks"),
    ("log verify", "only looks"),
    ("log checkpoint", "signs the log"),
    ("log export", "only looks"),
    ("policy test", "only looks"),
    ("policy diff", "only tries, and undoes"),
];

/// Every command that the program names in its own help, such as `kill-switch lift`.
fn commands(program: &Program, path: &[&str]) -> BTreeSet<String> {
    let arguments: Vec<&str> = path.iter().copied().chain(["--help"]).collect();
    let help = program.run(&arguments).done().out;
    let mut found = BTreeSet::new();
    let Some((_, list)) = help.split_once("Commands:\n") else {
        found.insert(path.join(" "));
        return found;
    };
    let lines = list.lines().take_while(|line| !line.trim().is_empty());
    for name in lines.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next()) {
        let below: Vec<&str> = path.iter().copied().chain([name]).collect();
        found.extend(commands(program, &below));
    }
    found
}

/// The first policy of a house needs nobody's second word.
fn first_policy(program: &Program) {
    let first = program.data().join("first");
    std::fs::create_dir(&first).expect("a directory");
    std::fs::write(first.join("courier.toml"), COURIER).expect("a file");
    std::fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/policies/apps/orders.toml"),
        first.join("orders.toml"),
    )
    .expect("a file");
    program.run(&["apply", &first.to_string_lossy()]).done();
}

/// Who must never come to read anything.
const SUBJECTS: [(&str, &str); 5] = [
    ("user", "priya.raman"),
    ("user", "ben"),
    ("user", "puppet"),
    ("service", "robot"),
    ("service", "robot-two"),
];

/// A kill switch on the application that somebody wants to read.
fn pulled_switch(program: &Program) -> String {
    let by = bailiwick::caller::Caller::shell(1000);
    let app = program.open();
    let pulled = app.write_now(&by, |tx| bailiwick::access::kill_switches::pull(tx, "courier", "a drill"));
    pulled.expect("pulled").value.id.to_string()
}

/// What a command is tried with.
type Tried<'a> = BTreeMap<&'a str, Vec<Vec<&'a str>>>;

/// Every command that the program itself names is tried, or harmless for a reason.
#[track_caller]
fn assert_every_command_is_known(program: &Program, tried: &Tried<'_>) {
    let named = commands(program, &[]);
    assert!(named.len() >= 15, "the commands are found: {named:?}");
    let known =
        |command: &str| tried.contains_key(command) || HARMLESS.iter().any(|(listed, _)| *listed == command);
    let unknown: Vec<_> = named.iter().filter(|command| !known(command)).collect();
    assert!(
        unknown.is_empty(),
        "neither tried nor harmless; try them in tests/it/side_doors/shell.rs: {unknown:?}"
    );
    let stale: Vec<_> = HARMLESS.iter().filter(|(command, _)| !named.contains(*command)).collect();
    assert!(stale.is_empty(), "no commands any more: {stale:?}");
}

#[test]
fn alone_at_the_shell_nobody_opens_personal_data() {
    let program = Program::new();
    program.run(&["invite", "priya.raman", "--role", "bailiwick/administrator"]).done();
    for username in ["grace", "tomasz.wisniewski", "ben"] {
        program.run(&["invite", username]).done();
    }
    let directory = program.data().join("files");
    std::fs::create_dir(&directory).expect("a directory");
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_string_lossy().into_owned()
    };
    first_policy(&program);
    let more = program.data().join("more");
    std::fs::create_dir(&more).expect("a directory");
    std::fs::write(more.join("orders.toml"), wider("customs").text).expect("a file");
    let more = more.to_string_lossy().into_owned();
    let grants = "system,external_login,employee_id,email,role,granted_at,last_used\n\
                  courier,p.raman,E-1,,label-reader,,\n";
    let head =
        "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,end_date";
    let people = format!("{head}\nE-1,priya.raman,P,R,,,Order desk,Order clerk,2026-01-01,\n");
    let (people, grants) = (write("people.csv", &people), write("grants.csv", grants));
    let switch = pulled_switch(&program);

    let allow = ["--allow", "courier/label:read", "orders/buyer-address:read"];
    let issue = |name: &'static str| [&["key", "issue", name, "--owner", "priya.raman"][..], &allow].concat();
    let mut tried = Tried::new();
    tried.insert(
        "invite",
        vec![
            vec!["invite", "puppet", "--role", "courier/label-reader"],
            vec!["invite", "priya.raman", "--role", "courier/label-reader"],
            vec!["invite", "robot"],
        ],
    );
    tried
        .insert("apply", vec![vec!["apply", &more], vec!["apply", &more, "--dry-run"], vec!["apply", &more]]);
    tried.insert("key issue", vec![issue("robot"), issue("robot-two")]);
    tried.insert("import people", vec![vec!["import", "people", &people]]);
    tried.insert("import grants", vec![vec!["import", "grants", &grants], vec!["import", "grants", &grants]]);
    tried.insert("recover administrator", vec![vec!["recover", "administrator", "priya.raman"]]);
    tried.insert("kill-switch list", vec![vec!["kill-switch", "list"]]);
    tried.insert("kill-switch lift", vec![vec!["kill-switch", "lift", &switch]]);

    let both: &[&str] = &["courier", "orders"];
    let subjects = SUBJECTS.map(|(kind, name)| (kind, name.to_owned(), both));
    for calls in tried.values() {
        for call in calls {
            let ended = program.run(call);
            assert!(matches!(ended.code, Some(0 | 1 | 3)), "{call:?}: {ended:?}");
            let app = program.open();
            assert_eq!(readers(&app, &subjects), [""; 0], "{call:?}");
        }
    }
    assert_every_command_is_known(&program, &tried);
    program.run(&["log", "verify"]).done();
}
