//! The interop scenarios of the AuthZEN working group and its certification, against the program, over HTTPS: the
//! catalogues of `policies/interop`, people made by calls, and every answer as exact as their harnesses compare it.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Program, Server};

const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/interop");
/// The scenario's own questions, where somebody has put them beside the checkout.
const TODO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/authzen/todo-1.0-02.json");

const ONE: &str = "/access/v1/evaluation";
const MANY: &str = "/access/v1/evaluations";

/// A server with the catalogues, and the key by which people are made.
struct Desk {
    program: Program,
    server: Server,
    office: String,
}

/// Somebody, before there is an account.
#[derive(Default)]
struct Somebody<'a> {
    username: &'a str,
    external_id: Option<&'a str>,
    email: Option<&'a str>,
    department: Option<&'a str>,
    attributes: Value,
    roles: &'a [&'a str],
}

impl Desk {
    fn new() -> Self {
        let program = Program::new();
        program.run(&["invite", "ada", "--role", "bailiwick/administrator"]).done();
        program.run(&["invite", "grace"]).done();
        program.run(&["apply", POLICIES]).done();
        let allow = ["--allow", "bailiwick/accounts:write", "bailiwick/grants:give"];
        let issued =
            program.run(&[&["key", "issue", "office", "--owner", "ada"][..], &allow].concat()).done();
        let office = issued.last_line().to_owned();
        let server = program.serve();
        Self { program, server, office }
    }

    /// The key of an application's own program.
    fn asker(&self, application: &str) -> String {
        let name = format!("{application}-asker");
        let allow = ["--allow", "bailiwick/evaluation:ask", "bailiwick/evaluation:search"];
        let issue = ["key", "issue", &name, "--owner", "grace", "--app", application];
        self.program.run(&[&issue[..], &allow].concat()).done().last_line().to_owned()
    }

    /// What a search finds, in order; a bare answer with nothing but results.
    #[track_caller]
    fn found(&self, key: &str, sought: &str, question: &Value) -> Vec<String> {
        let answer = self.call(key, &format!("/access/v1/search/{sought}"), question);
        let answer: Value = serde_json::from_str(&answer).expect("an answer as JSON");
        assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1), "{answer}");
        let kind = question.pointer(&format!("/{sought}/type"));
        let name = |one: &Value| match kind {
            Some(kind) => {
                assert_eq!(
                    (&one["type"], one.as_object().map(serde_json::Map::len)),
                    (kind, Some(2)),
                    "{one}"
                );
                one["id"].as_str().expect("an id").to_owned()
            }
            None => one["name"].as_str().expect("a name").to_owned(),
        };
        let mut found: Vec<String> =
            answer["results"].as_array().expect("results").iter().map(name).collect();
        found.sort();
        found
    }

    /// What comes back to a question, as text.
    #[track_caller]
    fn call(&self, key: &str, path: &str, body: &Value) -> String {
        let (body, header) = (body.to_string(), format!("Authorization: Bearer {key}"));
        let ended = self.server.curl(path, &["--json", &body, "--header", &header, "--fail-with-body"]);
        ended.done().out
    }

    #[track_caller]
    fn decision(&self, key: &str, question: &Value) -> bool {
        match self.call(key, ONE, question).as_str() {
            r#"{"decision":true}"# => true,
            r#"{"decision":false}"# => false,
            other => panic!("{question}: {other}"),
        }
    }

    /// Makes an account with its roles, by calls as a program makes them.
    #[track_caller]
    fn person(&self, somebody: &Somebody<'_>) {
        let Somebody { username, external_id, email, department, attributes, roles } = somebody;
        let account = json!({
            "kind": "person", "username": username, "given_name": username, "family_name": "Example",
            "external_id": external_id, "email": email, "department": department,
            "attributes": attributes.as_object().cloned().unwrap_or_default(),
        });
        let made = self.call(&self.office, "/api/v1/accounts", &account);
        let made: Value = serde_json::from_str(&made).expect("the account as JSON");
        for role in *roles {
            let ends = (chrono::DateTime::UNIX_EPOCH + std::time::UNIX_EPOCH.elapsed().expect("a time"))
                + chrono::Duration::days(30);
            let grant = json!({
                "account": made["id"], "role": role, "reason": "the scenario",
                "expires_at": ends.format("%Y-%m-%dT00:00:00Z").to_string(),
            });
            self.call(&self.office, "/api/v1/grants", &grant);
        }
    }
}

/// Who keeps the Todo list: username, the middle of the id, e-mail address, the entry that is theirs.
const CAST: [(&str, &str, &str, u8); 5] = [
    ("rick", "A2", "rick@the-citadel.com", 2),
    ("morty", "E2", "morty@the-citadel.com", 1),
    ("summer", "I2", "summer@the-smiths.com", 3),
    ("beth", "M2", "beth@the-smiths.com", 4),
    ("jerry", "Q2", "jerry@the-smiths.com", 5),
];

fn id_of(username: &str) -> String {
    let (_, middle, _, _) = CAST.into_iter().find(|(name, ..)| *name == username).expect("one of them");
    format!("CiRmZD{middle}MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs")
}

fn may_write(username: &str) -> bool {
    matches!(username, "rick" | "morty" | "summer")
}

fn entry(of: &str) -> Value {
    let (_, _, email, number) = CAST.into_iter().find(|(name, ..)| *name == of).expect("one of them");
    let id = format!("7240d0db-8ff0-41ec-98b2-34a096273b9{number}");
    json!({ "type": "todo", "id": id, "properties": { "ownerID": email } })
}

/// The scenario as a table of our own: the same questions with the same answers.
fn scenario() -> Value {
    let mut evaluation = Vec::new();
    for (username, _, email, _) in CAST {
        let subject = json!({ "type": "user", "id": id_of(username) });
        let mut ask = |action: &str, resource: Value, expected: bool| {
            let request = json!({ "subject": subject, "action": { "name": action }, "resource": resource });
            evaluation.push(json!({ "request": request, "expected": expected }));
        };
        for of in ["beth@the-smiths.com", email] {
            ask("can_read_user", json!({ "type": "user", "id": of }), true);
        }
        let list = || json!({ "type": "todo", "id": "todo-1" });
        ask("can_read_todos", list(), true);
        ask("can_create_todo", list(), may_write(username));
        let entries = if username == "rick" { ["rick", "morty"] } else { ["rick", username] };
        for action in ["can_update_todo", "can_delete_todo"] {
            for of in entries {
                ask(action, entry(of), username == "rick" || (may_write(username) && of == username));
            }
        }
    }
    let batch = |username: &str, entries: [&str; 2], expected: [bool; 2]| {
        let questions = entries.map(|of| json!({ "resource": entry(of) }));
        let subject = json!({ "type": "user", "id": id_of(username) });
        let request =
            json!({ "subject": subject, "action": { "name": "can_update_todo" }, "evaluations": questions });
        json!({ "request": request, "expected": expected.map(|decision| json!({ "decision": decision })) })
    };
    let evaluations = [
        batch("rick", ["rick", "jerry"], [true, true]),
        batch("morty", ["rick", "morty"], [false, true]),
        batch("jerry", ["rick", "jerry"], [false, false]),
    ];
    json!({ "evaluation": evaluation, "evaluations": evaluations })
}

/// The five people, with their roles in the list and at the gateway in front of it.
fn cast(desk: &Desk) {
    for (username, _, email, _) in CAST {
        let roles: &[&str] = match username {
            "rick" => &["todo/admin", "todo/evil_genius", "gateway/editor"],
            "morty" | "summer" => &["todo/editor", "gateway/editor"],
            _ => &["todo/viewer", "gateway/viewer"],
        };
        // Summer has her address as accounts have it, the others as an attribute.
        let summer = username == "summer";
        desk.person(&Somebody {
            username,
            external_id: Some(&id_of(username)),
            email: summer.then_some(email),
            attributes: if summer { Value::Null } else { json!({ "email": email }) },
            roles,
            ..Somebody::default()
        });
    }
}

#[test]
fn the_todo_list_and_the_gateway_before_it_are_decided_exactly() {
    let desk = Desk::new();
    cast(&desk);
    let own = scenario();
    let questions = match std::fs::read_to_string(Path::new(TODO)) {
        Ok(text) => serde_json::from_str(&text).expect("the scenario's file is JSON"),
        Err(_) => own.clone(),
    };
    assert_eq!(questions, own, "our table is the scenario");
    let list = |name: &str| questions[name].as_array().expect("a list").clone();
    assert_eq!((list("evaluation").len(), list("evaluations").len()), (40, 3));
    let key = desk.asker("todo");
    for one in list("evaluation") {
        let expected = json!({ "decision": one["expected"] }).to_string();
        assert_eq!(desk.call(&key, ONE, &one["request"]), expected, "{}", one["request"]);
    }
    for one in list("evaluations") {
        let expected = json!({ "evaluations": one["expected"] }).to_string();
        assert_eq!(desk.call(&key, MANY, &one["request"]), expected, "{}", one["request"]);
    }
    gateway(&desk);
}

/// The gateway calls people identities, and asks by method and route.
fn gateway(desk: &Desk) {
    let key = desk.asker("gateway");
    for (username, ..) in CAST {
        for (method, route, expected) in [
            ("GET", "/users/{userId}", true),
            ("GET", "/todos", true),
            ("POST", "/todos", may_write(username)),
            ("PUT", "/todos/{todoId}", may_write(username)),
            ("DELETE", "/todos/{todoId}", may_write(username)),
            ("POST", "/users/{userId}", false),
            ("PATCH", "/todos", false),
            ("get", "/todos", false),
        ] {
            let question = json!({
                "subject": { "type": "identity", "id": id_of(username) },
                "action": { "name": method },
                "resource": { "type": "route", "id": route },
            });
            assert_eq!(desk.decision(&key, &question), expected, "{question}");
        }
    }
}

#[test]
fn the_certification_s_decisions_are_as_it_wants_them() {
    let desk = Desk::new();
    let writer = Somebody { username: "alice", roles: &["certification/writer"], ..Somebody::default() };
    desk.person(&writer);
    let attributes = json!({ "role": "admin" });
    let roles = &["certification/archivist"];
    desk.person(&Somebody { username: "bob", attributes, roles, ..Somebody::default() });
    let key = desk.asker("certification");
    let nothing = || json!({});
    let (admin, archived) = (|| json!({ "role": "admin" }), || json!({ "status": "archived" }));
    let soft = |soft: bool| json!({ "soft": soft });
    for (subject, of_subject, action, of_action, record, of_record, expected) in [
        ("alice", nothing(), "read", nothing(), "record-1", nothing(), true),
        ("alice", nothing(), "write", nothing(), "record-1", nothing(), true),
        ("bob", nothing(), "read", nothing(), "record-1", nothing(), true),
        ("bob", nothing(), "write", nothing(), "record-1", nothing(), false),
        ("alice", nothing(), "write", nothing(), "record-2", archived(), false),
        ("alice", nothing(), "write", nothing(), "record-1", archived(), false),
        ("bob", admin(), "write", nothing(), "record-2", archived(), true),
        ("alice", admin(), "write", nothing(), "record-2", archived(), true),
        ("alice", admin(), "write", nothing(), "record-1", archived(), true),
        ("alice", nothing(), "delete", soft(true), "record-1", nothing(), true),
        ("alice", nothing(), "delete", soft(false), "record-1", nothing(), false),
        ("alice", nothing(), "delete", nothing(), "record-1", nothing(), false),
        // What is registered needs no caller to say it, and no caller can unsay it.
        ("alice", nothing(), "write", nothing(), "record-2", nothing(), false),
        ("alice", nothing(), "write", nothing(), "record-2", json!({ "status": "active" }), false),
        ("bob", nothing(), "write", nothing(), "record-2", nothing(), true),
        ("eve", admin(), "read", nothing(), "record-1", nothing(), false),
        (
            "alice",
            json!({ "department": "Sales" }),
            "read",
            json!({ "method": "GET" }),
            "record-1",
            json!({ "owner": "bob" }),
            true,
        ),
    ] {
        let question = json!({
            "subject": { "type": "user", "id": subject, "properties": of_subject },
            "action": { "name": action, "properties": of_action },
            "resource": { "type": "record", "id": record, "properties": of_record },
        });
        assert_eq!(desk.decision(&key, &question), expected, "{question}");
    }
}

#[test]
fn the_certification_s_searches_find_who_with_what_may_do_what() {
    let desk = Desk::new();
    let writer = Somebody { username: "alice", roles: &["certification/writer"], ..Somebody::default() };
    desk.person(&writer);
    let attributes = json!({ "role": "admin" });
    let roles = &["certification/archivist"];
    desk.person(&Somebody { username: "bob", attributes, roles, ..Somebody::default() });
    let key = desk.asker("certification");
    let who = |action: &str, record: &str, properties: Value| {
        let resource = json!({ "type": "record", "id": record, "properties": properties });
        let question =
            json!({ "subject": { "type": "user" }, "action": { "name": action }, "resource": resource });
        desk.found(&key, "subject", &question)
    };
    assert_eq!(who("read", "record-1", json!({})), ["alice", "bob"]);
    assert_eq!(who("write", "record-1", json!({})), ["alice"]);
    assert_eq!(who("write", "record-2", json!({ "status": "archived" })), ["bob"]);
    assert!(who("burn", "record-1", json!({})).is_empty());
    let subject = |id: &str, properties: Value| json!({ "type": "user", "id": id, "properties": properties });
    let which = |subject: Value, action: &str| {
        let question =
            json!({ "subject": subject, "action": { "name": action }, "resource": { "type": "record" } });
        desk.found(&key, "resource", &question)
    };
    let admin = || json!({ "role": "admin" });
    assert_eq!(which(subject("alice", json!({})), "read"), ["record-1", "record-2"]);
    assert_eq!(which(subject("alice", json!({})), "write"), ["record-1"]);
    assert_eq!(which(subject("bob", admin()), "write"), ["record-2"]);
    assert!(which(subject("eve", admin()), "read").is_empty());
    let what = |subject: Value, record: &str, properties: Value| {
        let resource = json!({ "type": "record", "id": record, "properties": properties });
        desk.found(&key, "action", &json!({ "subject": subject, "resource": resource }))
    };
    assert_eq!(what(subject("alice", json!({})), "record-1", json!({})), ["read", "write"]);
    assert_eq!(what(subject("bob", admin()), "record-2", json!({ "status": "archived" })), ["read", "write"]);
    assert_eq!(what(subject("bob", json!({})), "record-1", json!({})), ["read"]);
}

/// Six readers with department and role, and the departments of records 101 to 120, which they own in turn.
const READERS: [(&str, &str, &str); 6] = [
    ("alice", "manager", "Sales"),
    ("bob", "employee", "Legal"),
    ("carol", "contractor", "Legal"),
    ("dan", "manager", "Finance"),
    ("erin", "employee", "Finance"),
    ("felix", "contractor", "Accounting"),
];
const DEPARTMENTS: &str = "Legal Legal Legal Accounting Legal Accounting Sales Legal Accounting Sales Accounting Legal \
    Sales Accounting Finance Legal Legal Accounting Legal Accounting";

const ACTIONS: [&str; 3] = ["delete", "edit", "view"];

/// The scenario's own rules, over its own tables.
fn may(name: &str, action: &str, number: usize) -> bool {
    let (_, role, own) = READERS.into_iter().find(|(reader, ..)| *reader == name).expect("a reader");
    let department = DEPARTMENTS.split_whitespace().nth(number).expect("a record");
    let (owns, manages) = (READERS[number % 6].0 == name, role == "manager");
    match action {
        "view" => owns || own == department || manages,
        "edit" => owns || (own == department && manages),
        _ => owns,
    }
}

/// Each of the three searches, over everything it can be asked about.
fn library_searched(desk: &Desk, key: &str) {
    let record = |number: usize| (101 + number).to_string();
    for action in ACTIONS {
        for number in 0..20 {
            let resource = json!({ "type": "record", "id": record(number) });
            let question =
                json!({ "subject": { "type": "user" }, "action": { "name": action }, "resource": resource });
            let all = READERS.into_iter().map(|(name, ..)| name);
            let expected: Vec<&str> = all.filter(|name| may(name, action, number)).collect();
            assert_eq!(desk.found(key, "subject", &question), expected, "{question}");
        }
        for (name, ..) in READERS {
            let subject = json!({ "type": "user", "id": name });
            let question =
                json!({ "subject": subject, "action": { "name": action }, "resource": { "type": "record" } });
            let all = (0..20).filter(|number| may(name, action, *number));
            assert_eq!(
                desk.found(key, "resource", &question),
                all.map(record).collect::<Vec<_>>(),
                "{question}"
            );
        }
    }
    for (number, (name, ..)) in (0..20).flat_map(|number| READERS.map(|reader| (number, reader))) {
        let resource = json!({ "type": "record", "id": record(number) });
        let question = json!({ "subject": { "type": "user", "id": name }, "resource": resource });
        let expected: Vec<&str> = ACTIONS.into_iter().filter(|action| may(name, action, number)).collect();
        assert_eq!(desk.found(key, "action", &question), expected, "{question}");
    }
}

/// Nobody sends what the search scenario decides by: it is known of people and of records.
#[test]
fn the_search_scenario_s_questions_are_decided_by_what_is_known_here() {
    let desk = Desk::new();
    for (username, role, department) in READERS {
        desk.person(&Somebody {
            username,
            department: Some(department),
            attributes: json!({ "role": role }),
            roles: &["library/member", "idp/member"],
            ..Somebody::default()
        });
    }
    let key = desk.asker("library");
    let mut questions = Vec::new();
    let mut expected = Vec::new();
    for number in 0..20 {
        for (name, ..) in READERS {
            for action in ACTIONS {
                questions.push(json!({
                    "subject": { "type": "user", "id": name },
                    "action": { "name": action },
                    "resource": { "type": "record", "id": (101 + number).to_string() },
                }));
                expected.push(json!({ "decision": may(name, action, number) }));
            }
        }
    }
    let answer = desk.call(&key, MANY, &json!({ "evaluations": questions }));
    assert_eq!(answer, json!({ "evaluations": expected }).to_string());
    library_searched(&desk, &key);
    identity_provider(&desk);
}

/// Everything that the identity provider decides by is sent.
fn identity_provider(desk: &Desk) {
    let key = desk.asker("idp");
    for (role, balance, expected) in [
        ("manager", json!(110), true),
        ("editor", json!(60), true),
        ("contractor", json!(0), false),
        ("contractor", json!(100), false),
        ("editor", json!(50), false),
        ("editor", json!("60"), false),
        ("editor", json!(50.5), true),
    ] {
        let question = json!({
            "subject": { "type": "user", "id": "alice", "properties": { "role": role, "balance": balance } },
            "resource": { "type": "application", "id": "DemoApp" },
            "action": { "name": "issue" },
        });
        assert_eq!(desk.decision(&key, &question), expected, "{question}");
    }
}
