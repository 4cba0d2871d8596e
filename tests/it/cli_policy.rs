//! Policies, keys and kill switches from the shell, with and without a server.

use bailiwick::access::kill_switches;
use bailiwick::caller::Caller;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Program, Server};

const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/apps");

/// A house that is set up, with the people whom the shipped catalogues name as owners.
fn program() -> Program {
    let program = Program::new();
    program.run(&["invite", "ada", "--role", "bailiwick/administrator"]).done();
    program.run(&["invite", "grace"]).done();
    program.run(&["invite", "tomasz.wisniewski"]).done();
    program
}

fn changed(report: &Value) -> Vec<&str> {
    let all = report["applications"].as_array().expect("applications");
    let changed = all.iter().filter(|one| one["changed"] == true);
    changed.map(|one| one["key"].as_str().expect("a key")).collect()
}

fn evaluation(server: &Server, key: &str) -> Option<Value> {
    let body = json!({
        "subject": { "type": "user", "id": "grace" },
        "resource": { "type": "buyer-address", "id": "order-4711" },
        "action": { "name": "read" },
        "context": { "purpose": "shipping" },
    });
    let call = ["--json", &body.to_string(), "--header", &format!("Authorization: Bearer {key}"), "--fail"];
    let ended = server.curl("/access/v1/evaluation", &call);
    (ended.code == Some(0)).then(|| ended.json())
}

#[test]
fn what_is_applied_is_exported_without_loss() {
    let program = program();
    let tried = program.json(&["apply", POLICIES, "--dry-run"]);
    assert_eq!(changed(&tried), ["orders", "warehouse"]);
    let done = program.json(&["apply", POLICIES]);
    assert_eq!(changed(&done), ["orders", "warehouse"], "the try changed nothing");
    assert_eq!(changed(&program.json(&["apply", POLICIES])), [""; 0]);

    let server = program.serve();
    let out = program.data().join("exported");
    let out = out.to_string_lossy();
    let written = program.json(&["export", &out])["files"].as_array().expect("files").len();
    assert_eq!(written, 3);
    assert_eq!(changed(&program.json(&["apply", &out])), [""; 0]);

    let file = format!("{out}/orders.toml");
    let text = std::fs::read_to_string(&file).expect("the file");
    std::fs::write(&file, text.replace("owner = \"grace\"", "owner = \"nobody.at.all\"")).expect("written");
    let refused = program.run(&["apply", &out]).with(1);
    assert!(refused.err.starts_with("bailiwick: orders.toml:"), "file and line are named: {}", refused.err);
    let missing = program.run(&["apply", "/nowhere/policies"]).with(1);
    assert!(missing.err.contains("/nowhere/policies"), "{}", missing.err);
    drop(server);
    program.run(&["log", "verify"]).done();
}

#[test]
fn keys_open_the_door_of_the_server_that_runs_and_of_the_next() {
    let program = program();
    program.run(&["apply", POLICIES]).done();
    let issue = ["--owner", "grace", "--allow", "bailiwick/evaluation:ask", "--app", "orders"];
    let alone = program.run(&[&["key", "issue", "order-desk"][..], &issue].concat()).done();
    let server = program.serve();
    assert_eq!(evaluation(&server, alone.last_line()), Some(json!({ "decision": false })));

    let served = program.json(&[&["key", "issue", "other-desk", "--expires", "30d"][..], &issue].concat());
    let key = served["key"].as_str().expect("a key");
    assert_eq!(evaluation(&server, key), Some(json!({ "decision": false })));
    assert_eq!(evaluation(&server, &format!("{key}x")), None);

    let exported = program.run(&["log", "export"]).done().out;
    assert!(!exported.contains(key) && !exported.contains(alone.last_line()));
    server.end(Signal::TERM);
    program.run(&["log", "verify"]).done();
}

#[test]
fn a_key_is_refused_what_does_not_exist_and_asks_for_what_opens_personal_data() {
    let program = program();
    program.run(&["apply", POLICIES]).done();
    for (arguments, complaint) in [
        (&["--owner", "nobody.at.all", "--allow", "bailiwick/evaluation:ask"][..], "owner: "),
        (&["--owner", "grace", "--allow", "bailiwick/evaluation:aks"], "allow: "),
        (&["--owner", "grace", "--allow", "bailiwick/evaluation:ask", "--expires", "3650d"], "expires: "),
        (&["--owner", "grace", "--allow", "bailiwick/evaluation:ask", "--app", "nowhere"], "app: "),
    ] {
        let refused = program.run(&[&["key", "issue", "order-desk"][..], arguments].concat()).with(1);
        assert!(refused.err.starts_with(&format!("bailiwick: {complaint}")), "{}", refused.err);
    }
    for wrong in [&["--expires", "soon"][..], &["--network", "10.0.0.0/64"]] {
        let issue = ["key", "issue", "x", "--owner", "grace", "--allow", "bailiwick/evaluation:ask"];
        program.run(&[&issue[..], wrong].concat()).with(2);
    }
    let allow = ["--allow", "orders/buyer-address:read", "--network", "127.0.0.1"];
    let issued = program.json(&[&["key", "issue", "address-robot", "--owner", "ada"][..], &allow].concat());
    assert_eq!(issued["requests"][0]["role"], "orders/key-address-robot-pii");
    assert!(issued["requests"][0]["request"].is_string(), "{issued}");
    assert_eq!(issued["roles"], json!([]), "nothing that opens personal data is given");
    let own = program.json(&[&["key", "issue", "other-robot", "--owner", "grace"][..], &allow].concat());
    assert!(own["requests"][0]["request"].is_string(), "grace owns the application too, and waits: {own}");
    assert_eq!(own["roles"], json!([]));
    let broad = ["--allow", "bailiwick/*:*"];
    program.run(&[&["key", "issue", "set-up", "--owner", "grace"][..], &broad].concat()).done();
    let log = program.run(&["log", "export"]).done().out;
    assert_eq!(log.matches("\"rule\":\"broad-key\"").count(), 1, "a key that may do everything alarms");
}

#[test]
fn kill_switches_are_lifted_from_the_host() {
    let program = program();
    let pull = |target: &str| {
        let app = program.open();
        let pulled = app.write_now(&Caller::shell(1000), |tx| kill_switches::pull(tx, target, "a drill"));
        pulled.expect("it is pulled").value.id.to_string()
    };
    let (everything, own) = (pull("*"), pull("bailiwick"));
    let server = program.serve();
    let listed = program.json(&["kill-switch", "list"]);
    let targets: Vec<_> =
        listed["items"].as_array().expect("items").iter().map(|one| &one["target"]).collect();
    assert_eq!(targets, ["*", "bailiwick"]);

    program.run(&["kill-switch", "lift", "not-an-id"]).with(1);
    let lifted = program.json(&["kill-switch", "lift", &everything]);
    assert!(lifted["lifted_by"].as_str().is_some_and(|who| who.starts_with("shell:")), "{lifted}");
    drop(server);
    program.run(&["kill-switch", "lift", &own]).done();
    let log = program.run(&["log", "export"]).done().out;
    assert_eq!(log.matches("\"rule\":\"kill-switch-lifted\"").count(), 2, "each alarms");
    let none = program.run(&["kill-switch", "list"]).done();
    assert_eq!((none.out.as_str(), none.err.trim()), ("", "no kill switch is pulled"));
    program.run(&["log", "verify"]).done();
}

const POLICY_DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/policies");

/// A policy directory of its own with the shipped catalogue and tests of orders, changed in one place.
fn changed_policy(program: &Program, from: &str, to: &str) -> String {
    let directory = program.data().join("changed");
    for part in ["apps", "tests"] {
        std::fs::create_dir_all(directory.join(part)).expect("made");
        let text =
            std::fs::read_to_string(format!("{POLICY_DIRECTORY}/{part}/orders.toml")).expect("the file");
        std::fs::write(directory.join(part).join("orders.toml"), text.replace(from, to)).expect("written");
    }
    directory.to_string_lossy().into_owned()
}

#[test]
fn the_shipped_policy_passes_its_tests_without_a_house() {
    let program = Program::new();
    let report = program.json(&["policy", "test", POLICY_DIRECTORY]);
    assert_eq!(report["failed"], 0, "{report}");
    assert!(report["questions"].as_u64().is_some_and(|count| count > 40), "{report}");
    assert!(!program.data().join("bailiwick.db").exists(), "no house was made");
}

#[test]
fn a_policy_that_says_something_else_fails_its_tests() {
    let program = Program::new();
    for (from, to, complaint) in [
        (
            "purposes = [\"shipping\", \"returns\"]",
            "purposes = [\"marketing\"]",
            "should be permitted, is purpose",
        ),
        ("days = \"profile:pii.retention\"", "days = 60", "should be denied, is permitted"),
        (
            "[[role.deny]]\nfeature = \"refund\"\nactions = [\"release\"]\n",
            "",
            "should be denied, is permitted",
        ),
    ] {
        let path = changed_policy(&program, from, to);
        let failed = program.run(&["policy", "test", &path]).with(1);
        assert!(failed.out.contains(complaint), "{failed:?}");
        assert!(failed.out.contains("FAILED orders.toml:"), "file and line are named: {}", failed.out);
    }
    for (from, to, complaint) in [
        (
            "role = \"orders/phone-reader\"",
            "role = \"orders/phone-raeder\"",
            "did you mean \"orders/phone-reader\"",
        ),
        (
            "subjects = [\"refund clerk\", \"both",
            "subjects = [\"refund clark\", \"both",
            "there is no subject of the test",
        ),
        ("now = \"2026-03-03", "nwo = \"2026-03-03", "orders.toml:4"),
    ] {
        let path = changed_policy(&program, from, to);
        let refused = program.run(&["policy", "test", &path]).with(1);
        assert!(refused.err.contains(complaint), "{complaint}: {}", refused.err);
    }
}

#[test]
fn a_difference_names_who_gains_and_who_loses_and_changes_nothing() {
    let program = program();
    program.run(&["apply", POLICIES]).done();
    let before = program.run(&["log", "export"]).done().out;
    let same = program.json(&["policy", "diff", POLICY_DIRECTORY]);
    assert_eq!(same["differences"], json!([]));

    let issue = ["--owner", "grace", "--allow", "orders/order:read", "orders/refund:read"];
    program.run(&[&["key", "issue", "reporting"][..], &issue].concat()).done();
    let path = changed_policy(&program, "\"read\", \"prepare\", \"release\"", "\"prepare\", \"release\"");
    let file = format!("{path}/apps/orders.toml");
    let text = std::fs::read_to_string(&file).expect("the file");
    let text = text.replace("[\"read\", \"release\"]", "[\"release\"]");
    let text = text.replace(
        "feature = \"refund\"\nactions = [\"read\"]",
        "feature = \"refund\"\nactions = [\"prepare\"]",
    );
    std::fs::write(&file, text).expect("written");
    for _ in 0..2 {
        let found = program.json(&["policy", "diff", &path]);
        let all = found["differences"].as_array().expect("differences");
        let lost: Vec<_> = all.iter().map(|one| (&one["permission"], &one["effect"])).collect();
        assert_eq!(lost, [(&json!("orders/refund:read"), &json!("loses"))], "{found}");
    }
    let told = program.run(&["policy", "diff", &path]).done();
    assert!(told.out.contains("- reporting orders/refund:read"), "{}", told.out);
    let after = program.run(&["log", "export"]).done().out;
    assert_eq!(after.matches("catalogue_applied").count(), before.matches("catalogue_applied").count());
    program.run(&["log", "verify"]).done();
}
