//! What was acknowledged is on the disk: the order of system calls of the real program on SQLite, and on PostgreSQL
//! what every session says about its commits.

use bailiwick::db::{Location, durability};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Place, Program, Server};

/// A system call that came to its end, in order of the ends.
struct Call {
    process: String,
    text: String,
}

/// Calls as `strace -f` writes them: one that others interrupted stands in two lines and is put together.
fn calls(trace: &str) -> Vec<Call> {
    let mut begun: Vec<(String, String)> = Vec::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (process, text) = line.split_once(' ').unwrap_or((line, ""));
        let text = text.trim_start();
        if let Some(start) = text.strip_suffix(" <unfinished ...>") {
            begun.push((process.to_owned(), start.to_owned()));
            continue;
        }
        let mut text = text.to_owned();
        if text.starts_with("<... ")
            && let Some(place) = begun.iter().position(|(earlier, _)| earlier == process)
        {
            let (_, start) = begun.remove(place);
            text = format!("{start}{}", text.split_once("resumed>").map_or("", |(_, rest)| rest));
        }
        calls.push(Call { process: process.to_owned(), text });
    }
    calls
}

impl Call {
    fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.text.strip_prefix(name).is_some_and(|rest| rest.starts_with('(')))
    }

    fn writes_to_the_journal(&self, what: &str) -> bool {
        self.is_one_of(&["pwrite64"]) && self.text.contains("bailiwick.db-wal>") && self.text.contains(what)
    }

    fn syncs_the_journal(&self) -> bool {
        self.is_one_of(&["fsync", "fdatasync"])
            && self.text.contains("bailiwick.db-wal>")
            && self.text.ends_with("= 0")
    }

    fn answers(&self, port: u16) -> bool {
        self.is_one_of(&["write", "writev", "sendto", "sendmsg"])
            && self.text.contains(&format!("->127.0.0.1:{port}]>"))
    }
}

/// Sends one write; what it made, and the port it was sent from.
#[track_caller]
fn made(server: &Server, key: &str, path: &str, body: &Value) -> (String, u16) {
    let (body, key) = (body.to_string(), format!("Authorization: Bearer {key}"));
    let arguments = ["--fail-with-body", "--json", &body, "--header", &key, "--write-out", "\n%{local_port}"];
    let answer = server.curl(path, &arguments).done().out;
    let (body, port) = answer.rsplit_once('\n').expect("a body and a port");
    let made: Value = serde_json::from_str(body).expect("JSON");
    assert!(made["revision"].is_u64(), "{made}");
    (made["id"].as_str().expect("an id").to_owned(), port.parse().expect("a port"))
}

#[test]
fn what_is_acknowledged_was_synced_first() {
    let program = Program::new();
    if program.on_postgresql() {
        return every_session_waits_for_the_disk();
    }
    program.run(&["invite", "ada", "--role", "bailiwick/administrator"]).done();
    let allow = ["--allow", "bailiwick/accounts:write", "bailiwick/kill-switches:use"];
    let key = program.run(&[&["key", "issue", "desk", "--owner", "ada"][..], &allow].concat()).done();
    let trace = program.data().join("trace");
    let server = program.serve_traced(&trace);
    let mut writes = Vec::new();
    for number in 0..6 {
        let person = json!({
            "kind": "person", "username": format!("nadia.n{number}"), "given_name": "Nadia", "family_name": "Rahman",
        });
        writes.push(made(&server, key.last_line(), "/api/v1/accounts", &person));
    }
    let stop = json!({ "target": "bailiwick/events", "reason": "a drill" });
    writes.push(made(&server, key.last_line(), "/api/v1/kill-switches", &stop));
    // The tracer holds the server's standard output open: when that has ended, everything is written.
    assert_eq!(server.end(Signal::TERM).0, Some(0));

    let calls = calls(&std::fs::read_to_string(&trace).expect("the trace"));
    for (id, port) in writes {
        let place = |from: usize, fits: &dyn Fn(&Call) -> bool| {
            let found = calls[from..].iter().position(fits).map(|place| from + place);
            found.unwrap_or_else(|| panic!("{id} from port {port}: a call is missing after {from}"))
        };
        let written = place(0, &|call| call.writes_to_the_journal(&id));
        let writer = &calls[written].process;
        let synced = place(written, &|call| call.process == *writer && call.syncs_the_journal());
        let answered = place(written, &|call| call.answers(port));
        assert!(written < synced && synced < answered, "{id}: {written}, {synced}, {answered}");
    }
}

/// Whatever the server's default: `off` is not taken from it, what waits for more than the own disk is left alone.
fn every_session_waits_for_the_disk() {
    for (default, held) in [("off", "on"), ("on", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
    {
        let place = Place::empty();
        place.sql(&format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = {default}', \
             current_database()); END $$"
        ));
        let location = Location::parse(&place.database().expect("a URL")).expect("a location");
        let found = durability::of(&mut location.connect().expect("connected")).expect("settings");
        let said = found.settings.iter().find(|(name, _)| name == "synchronous_commit");
        assert_eq!(said.map(|(_, value)| value.as_str()), Some(held), "{default}");
        assert!(found.loses.iter().all(|setting| !setting.starts_with("synchronous_commit")), "{found:?}");
    }
    let house = crate::support::House::new();
    let pooled = house.app.database().alone(|reader| durability::of(reader.connection)).expect("settings");
    assert!(pooled.settings.contains(&("synchronous_commit".to_owned(), "on".to_owned())), "{pooled:?}");
}
