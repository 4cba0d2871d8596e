//! The program as an operator meets it: a process, its exit code, what it prints and what lies on the disk.
//!
//! Servers are called with `curl`: it is another implementation of TLS and of certificates than the one that serves.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rustix::process::Signal;

use crate::support::{Program, free_port};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn the_first_start_makes_what_is_missing_and_a_signal_ends_it_well() {
    let program = Program::new();
    std::fs::set_permissions(program.data(), PermissionsExt::from_mode(0o755)).expect("its mode");
    for signal in [Signal::TERM, Signal::INT] {
        let server = program.serve();
        let answer = server.curl("/health/ready", &["--fail"]).done();
        assert_eq!(answer.json()["state"], "ready");
        assert_eq!(server.end(signal).0, Some(0));
    }
    let data = program.data();
    assert_eq!(mode(data), 0o700);
    for file in ["keys/master.key", "keys/tls.key", "lock", "control.sock"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    let kinds = program.run(&["log", "export"]).done().out;
    assert_eq!(kinds.matches("\"kind\":\"house_started\"").count(), 2, "each start is in the log");
}

#[test]
fn every_start_of_a_house_that_is_not_set_up_prints_a_new_link() {
    let program = Program::new();
    let file = program.data().join("set-up-link");
    let mut links: Vec<String> = Vec::new();
    for _ in 0..2 {
        let mut server = program.serve();
        let line = server.line();
        let link =
            line.strip_prefix("Set up this house within an hour: ").expect("the line says so").to_owned();
        let path = link.strip_prefix(&format!("https://localhost:{}", server.port)).expect("its own address");
        assert_eq!(path.strip_prefix("/set-up/").expect("a set-up link").len(), 43);
        assert_eq!(
            (std::fs::read_to_string(&file).expect("the file").trim_end(), mode(&file)),
            (&*link, 0o600)
        );
        let page = server.curl(path, &["--fail"]).done().out;
        assert!(page.contains("<form"), "{page}");
        if let Some(before) = links.last() {
            server.curl(before, &["--fail"]).with(22);
        }
        links.push(path.to_owned());
    }
    assert_ne!(links[0], links[1]);

    program.run(&["invite", "ada", "--role", "bailiwick/administrator"]).done();
    let (code, rest) = program.serve().end(Signal::TERM);
    assert_eq!((code, rest), (Some(0), vec![]), "the house is set up");
    assert!(!file.exists());
}

#[test]
fn the_certificate_is_for_localhost_and_nothing_is_said_in_plain_text() {
    let program = Program::new();
    let server = program.serve();
    for host in ["localhost", "127.0.0.1"] {
        let reached = server.call(host, "/health/live", &["--fail"]).output().expect("curl runs");
        assert!(reached.status.success(), "{host}: {}", String::from_utf8_lossy(&reached.stderr));
    }
    let elsewhere = format!("elsewhere.example:{}:127.0.0.1", server.port);
    let refused = server.call("elsewhere.example", "/health/live", &["--resolve", &elsewhere]).output();
    assert_eq!(refused.expect("curl runs").status.code(), Some(60), "no certificate for other names");

    let mut plain = TcpStream::connect(("127.0.0.1", server.port)).expect("the port is open");
    plain.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is sent");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    assert!(!text.contains("HTTP/") && !text.contains("live"), "{text}");
}

#[test]
fn one_server_works_on_a_data_directory() {
    let program = Program::new();
    let server = program.serve();
    let second = program.run(&["serve", "--listen", &format!("127.0.0.1:{}", free_port())]).with(1);
    assert!(second.err.contains("already works on"), "{}", second.err);
    server.curl("/health/live", &["--fail"]).done();

    // One that was killed leaves its socket behind, and keeps nobody out.
    server.kill();
    assert!(program.data().join("control.sock").exists());
    program.run(&["log", "verify"]).done();
    assert_eq!(program.serve().end(Signal::TERM).0, Some(0));
}

#[test]
fn a_master_key_that_others_can_read_is_refused() {
    let program = Program::new();
    program.run(&["log", "verify"]).done();
    let key = program.data().join("keys/master.key");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).expect("its mode");
    for arguments in [&["serve"][..], &["log", "verify"], &["config", "check"], &["doctor"]] {
        let refused = program.run(arguments).with(1);
        assert!(refused.err.contains("chmod 600"), "{arguments:?}: {}", refused.err);
    }
}

#[test]
fn settings_that_are_not_known_are_refused_with_advice() {
    let program = Program::new();
    let file = program.data().join("bailiwick.toml");
    std::fs::write(&file, "listn = \"127.0.0.1:9443\"\n").expect("a file");
    let file = file.to_string_lossy();
    for command in [&["config", "check"][..], &["serve"], &["doctor"]] {
        let arguments: Vec<&str> = command.iter().copied().chain(["--config", &file]).collect();
        let refused = program.run(&arguments).with(1);
        assert!(refused.err.contains("did you mean \"listen\"?"), "{}", refused.err);
    }
    std::fs::write(&*file, "listen = \"127.0.0.1:9443\"\n").expect("a file");
    let shown = program.run(&["config", "check", "--json", "--config", &file]).done().json();
    assert_eq!(shown["public_url"], "https://localhost:9443");
}

#[test]
fn wrong_usage_has_a_code_of_its_own() {
    let program = Program::new();
    for arguments in
        [&[][..], &["serv"], &["log", "verify", "--agianst", "x"], &["serve", "--listen", "here"]]
    {
        program.run(arguments).with(2);
    }
    assert_eq!(program.run(&["version"]).done().last_line(), env!("CARGO_PKG_VERSION"));
    assert_eq!(program.json(&["version"])["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_log_is_proved_with_and_without_a_server() {
    let program = Program::new();
    program.serve().end(Signal::TERM);
    let kept = program.data().join("kept.txt");
    std::fs::write(&kept, program.run(&["log", "checkpoint"]).done().out).expect("a file");
    let against = ["log", "verify", "--against", &kept.to_string_lossy()];

    let server = program.serve();
    program.run(&against).done();
    let here = program.json(&["log", "verify"]);
    assert_eq!(here["complete"], true);
    let exported = program.run(&["log", "export"]).done().out;
    assert_eq!(exported.lines().count() as u64, here["size"].as_u64().expect("a size"));
    assert_eq!(exported.matches("\"against\":").count(), 1, "that it fits is recorded");
    server.end(Signal::TERM);
    program.run(&against).done();

    std::fs::write(&kept, "something else\n").expect("a file");
    program.run(&against).with(1);
    let missing = program.run(&["log", "verify", "--against", "/nowhere/kept.txt"]).with(1);
    assert!(missing.err.contains("/nowhere/kept.txt: cannot be read"), "{}", missing.err);
}

#[test]
fn the_doctor_looks_at_the_running_server_too() {
    let program = Program::new();
    let examine = || {
        let ended = program.run(&["doctor", "--json"]);
        // The throw-away PostgreSQL does without syncing, which the doctor is right to object to.
        assert!(ended.code == Some(0) || program.on_postgresql(), "{ended:?}");
        serde_json::from_str::<serde_json::Value>(&ended.out).expect("findings as JSON")
    };
    let alone = examine();
    let find = |report: &serde_json::Value, what: &str| {
        let all = report["findings"].as_array().expect("findings").clone();
        all.into_iter().find(|finding| finding["what"] == what).expect("it is looked at")
    };
    if !program.on_postgresql() {
        assert_eq!(find(&alone, "database")["how"], "well");
    }
    let server = program.serve();
    let served = examine();
    let listener = find(&served, "listener")["detail"].to_string();
    assert!(listener.contains(&server.port.to_string()), "{listener}");
    assert_eq!(find(&served, "certificate")["how"], "well");

    let key = program.data().join("keys/tls.key");
    std::fs::set_permissions(key, PermissionsExt::from_mode(0o640)).expect("its mode");
    let found = program.run(&["doctor"]).with(1);
    assert!(found.out.contains("WRONG") && found.out.contains("tls.key"), "{}", found.out);
}

#[test]
fn a_data_directory_may_lie_deep() {
    let program = Program::new();
    let deep = program.data().join("a-directory-with-a-long-name".repeat(2)).join("deeper".repeat(12));
    let deep = deep.to_string_lossy().into_owned();
    let listen = format!("127.0.0.1:{}", free_port());
    let mut server = program
        .command(&["serve", "--listen", &listen, "--data", &deep])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    // The command waits for the server, whichever of them takes the directory first.
    program.run(&["log", "verify", "--data", &deep]).done();
    let ended = server.try_wait().expect("it can be asked");
    server.kill().expect("it is killed");
    server.wait().expect("it has ended");
    assert!(ended.is_none(), "the server runs on");
    program.run(&["log", "verify", "--data", &deep]).done();
}
