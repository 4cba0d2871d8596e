//! The demonstration as a visitor meets it: one command, six people to be, and no list with nothing in it.

use std::path::Path;
use std::process::{Command, Stdio};

use bailiwick::clock::{Clock, SystemClock};
use rustix::process::Signal;
use serde_json::json;

use crate::support::{Ended, Server, code_at, free_port};

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bailiwick"));
    command.arg("demo").args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BAILIWICK_"))
    {
        command.env_remove(name);
    }
    command
}

/// Which pages each visitor opens.
const PAGES: &[(&str, &[&str])] = &[
    (
        "administrator",
        &["/", "/people", "/applications", "/reviews", "/leavers", "/requests?view=all", "/log", "/settings"],
    ),
    ("manager", &["/", "/people", "/applications", "/reviews", "/leavers", "/requests"]),
    ("application owner", &["/", "/people", "/applications", "/reviews", "/requests"]),
    ("employee", &["/", "/requests"]),
    ("auditor", &["/", "/people", "/applications", "/reviews", "/leavers", "/requests?view=all", "/log"]),
    ("security officer", &["/", "/people", "/log"]),
];

/// Signs a visitor in by one line of what the program printed.
#[track_caller]
fn sign_in(server: &Server, cookies: &Path, line: &str) {
    let [.., username, password, secret] = line.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("not a visitor: {line}");
    };
    let typed = json!({ "username": username, "password": password });
    let first = server.api(cookies, "/api/v1/signin", Some(&typed)).expect("an answer");
    assert_eq!((first.0, &first.1["state"]), (200, &json!("totp_required")), "{line}");
    let code = json!({ "code": code_at(secret, SystemClock::default().now()) });
    let second = server.api(cookies, "/api/v1/signin/totp", Some(&code)).expect("an answer");
    assert_eq!((second.0, &second.1["state"]), (200, &json!("signed_in")), "{line}");
}

#[test]
fn every_visitor_finds_every_page_alive() {
    let port = free_port();
    let mut server = Server::of(demo(&["--listen", &format!("127.0.0.1:{port}")]), port, |said| {
        let (_, rest) = said.split_once("It lies in ").expect("it says where");
        rest.split_once(" and is removed").expect("it says how long").0.into()
    });
    let mut lines = vec![server.line()];
    while !lines.last().is_some_and(|line| line.starts_with("security officer")) {
        lines.push(server.line());
    }
    let house = server.directory().to_owned();
    let mut faults = Vec::new();
    for (part, pages) in PAGES {
        let line =
            lines.iter().find(|line| line.starts_with(part)).unwrap_or_else(|| panic!("{part}: {lines:?}"));
        let jar = house.join(format!("jar-{}", part.replace(' ', "-")));
        sign_in(&server, &jar, line);
        for page in *pages {
            let jar = jar.to_string_lossy();
            let body = server.curl(page, &["--fail", "--cookie", &jar]).done().out;
            assert!(body.contains("Heron Parcel (demonstration)"), "{part} {page} says what it is");
            if body.contains("class=\"empty\"") {
                faults.push(format!("{part} finds nothing at {page}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");

    let verified: Ended = Command::new(env!("CARGO_BIN_EXE_bailiwick"))
        .args(["log", "verify", "--data"])
        .arg(&house)
        .env_remove("BAILIWICK_DATABASE")
        .output()
        .expect("the program runs")
        .into();
    assert!(verified.done().out.ends_with("everything is as the log says\n"));
    assert_eq!(server.end(Signal::TERM).0, Some(0));
    assert!(!house.exists(), "the house is gone with its visitors");
}

#[test]
fn a_house_that_is_there_is_left_alone_and_nobody_else_is_let_in() {
    let directory = std::env::temp_dir().join(format!("bailiwick-lived-in-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    std::fs::write(directory.join("bailiwick.db"), "somebody's").expect("a file");
    let named = directory.to_string_lossy();
    for (arguments, complaint) in [
        (&["--data", &*named][..], "is not empty"),
        (&["--listen", "0.0.0.0:8443"], "must be an address of this machine"),
        (&["--listen", "[::]:8443"], "must be an address of this machine"),
        (&["--database", "postgres://localhost/house"], "database: does not go with demo"),
        (&["--config", "/nowhere.toml"], "config: does not go with demo"),
    ] {
        let refused: Ended = demo(arguments).output().expect("it runs").into();
        assert!(refused.with(1).err.contains(complaint), "{arguments:?}");
    }
    assert_eq!(std::fs::read(directory.join("bailiwick.db")).expect("the file"), b"somebody's");
    std::fs::remove_dir_all(&directory).expect("removed");
}
