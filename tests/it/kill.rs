//! A server that is killed in the middle of its work: whatever it acknowledged is there when it starts again, nothing
//! is there by half, and the log is sound.
//!
//! The kills are real: SIGKILL to a server in a process of its own. Each round kills at another moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::access::grants::{self, GrantState, NewGrant, Source};
use bailiwick::accounts::{self, Filter, NewPerson, State};
use bailiwick::app::App;
use bailiwick::caller::Caller;
use bailiwick::clock::{Clock, ManualClock, SystemClock};
use bailiwick::ids::AccountId;
use serde_json::{Value, json};

use crate::support::company::ORDERS;
use crate::support::{Client, PASSWORD, Program, Server, code_at};

const ROUNDS: u32 = 10;

/// Waits until so many messages have come and for a moment more, which differs from round to round; what came then.
fn until<T>(messages: &Receiver<T>, count: usize, round: u32) -> Vec<T> {
    let mut seen: Vec<T> = messages.iter().take(count).collect();
    let moment = Duration::from_micros(u64::from(round) * 2_300);
    while let Ok(message) = messages.recv_timeout(moment) {
        seen.push(message);
    }
    seen
}

#[track_caller]
fn assert_sound(program: &Program) {
    let report = program.json(&["log", "verify"]);
    assert_eq!(report["differences"], json!([]), "{report}");
    assert_eq!(report["complete"], true);
}

// ---- an import --------------------------------------------------------------------------------------------------

const ROWS: usize = 500;

/// People who report to the first of them; every round has its own.
fn people(round: u32) -> String {
    let mut csv =
        "employee_id,username,given_name,family_name,email,manager,department,job_title,start_date,end_date\n"
            .to_owned();
    for row in 0..ROWS {
        let manager = if row == 0 { String::new() } else { format!("R{round}-0") };
        let _ = writeln!(
            csv,
            "R{round}-{row},nadia.r{round}n{row},Nadia,Rahman {row},n{row}@r{round}.example,{manager},Dock {round},\
             Packer,2026-01-05,"
        );
    }
    csv
}

/// Imports the file through the server; the numbers of rows that it acknowledges arrive one after the other.
fn importing(program: &Program, file: &Path) -> Receiver<usize> {
    let mut shell = program
        .command(&["import", "people", &file.to_string_lossy()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let (sender, receiver) = channel();
    let said = BufReader::new(shell.stderr.take().expect("its standard error"));
    std::thread::spawn(move || {
        for line in said.lines().map_while(Result::ok) {
            if let Some(rows) = line.split(" of ").next().and_then(|rows| rows.parse().ok()) {
                let _ = sender.send(rows);
            }
        }
        let _ = shell.wait();
    });
    receiver
}

#[test]
fn what_an_import_acknowledged_outlives_a_kill() {
    let program = Program::new();
    let mut server = program.serve();
    let mut all_in = 0;
    let mut cut_short = 0;
    for round in 1..=ROUNDS {
        let file = program.data().join("people.csv");
        std::fs::write(&file, people(round)).expect("a file");
        let progress = importing(&program, &file);
        let mut acknowledged = until(&progress, 1 + round as usize % 3, round);
        server.kill();
        acknowledged.extend(progress);
        let acknowledged = acknowledged.into_iter().max().unwrap_or_default();

        server = program.serve();
        let report = program.json(&["import", "people", &file.to_string_lossy(), "--dry-run"]);
        let (there, missing) = (count(&report, "unchanged"), count(&report, "added"));
        assert!(there >= acknowledged, "round {round}: {acknowledged} acknowledged, {there} there");
        assert_eq!(
            (there + missing, count(&report, "changed")),
            (ROWS, 0),
            "round {round}: none is there by half"
        );
        assert_sound(&program);
        all_in += there;
        cut_short += usize::from(missing > 0);
    }
    assert!(cut_short > 0, "no round was killed before its import was done");
    server.kill();
    every_account_is_whole(&program.open(), all_in);
}

fn count(report: &Value, fate: &str) -> usize {
    usize::try_from(report[fate].as_u64().expect("a sum")).expect("a small one")
}

/// Every account has its names: it is found by each of them, and its personal part opens.
fn every_account_is_whole(app: &App, expected: usize) {
    let mut seen = 0;
    let mut after: Option<AccountId> = None;
    loop {
        let page = app
            .read_now(|reader| accounts::list(reader, &Filter::default(), after.as_ref(), 200))
            .expect("the accounts can be read");
        let Some(last) = page.last() else { break };
        after = Some(last.account.id.clone());
        seen += page.len();
        for named in page {
            let employee_id = named.details.employee_id.clone().expect("an employee id");
            let found = app.read_now(|reader| {
                let by_name = accounts::find_by_name(reader, &named.details.username)?;
                Ok((by_name, accounts::find_by_employee_id(reader, &employee_id)?))
            });
            let (by_name, by_employee_id) = found.expect("names can be resolved");
            assert_eq!(by_name.map(|found| found.id), Some(named.account.id.clone()));
            assert_eq!(by_employee_id.map(|found| found.id), Some(named.account.id));
            assert_eq!(named.account.status.state, State::Invited);
        }
    }
    assert_eq!(seen, expected);
}

// ---- a review's sign-off ----------------------------------------------------------------------------------------

const TEAM: usize = 80;

/// Ada administers and manages a team that works on orders. Returns her link's token.
fn found(program: &Program) -> String {
    let invited = program.json(&["invite", "ada", "--role", "bailiwick/administrator"]);
    program.run(&["invite", "otto"]).done();
    let app = program.open();
    let ada = AccountId::parse(invited["account"].as_str().expect("an id")).expect("an id");
    let files = [PolicyFile { name: "orders.toml".to_owned(), text: ORDERS.to_owned() }];
    app.write_now(&Caller::shell(0), |tx| apply::apply(tx, &files)).expect("the catalogue is applied");
    for member in 0..TEAM {
        let person = NewPerson {
            username: Some(format!("nadia.n{member}")),
            manager: Some(ada.clone()),
            ..NewPerson::default()
        };
        let given = app.write_now(&Caller::shell(0), |tx| {
            let account = accounts::create_person(tx, person)?.id;
            let expires_at = Some(tx.now.plus(chrono::Duration::days(30)));
            let wanted = NewGrant {
                account,
                role: "orders/clerk".to_owned(),
                scope: None,
                reason: "works on orders".to_owned(),
                source: Source::Direct,
                approvers: Vec::new(),
                request: None,
                valid_from: None,
                expires_at,
            };
            grants::grant(tx, &wanted)
        });
        given.expect("the role is given");
    }
    invited["link"].as_str().and_then(|link| link.rsplit('/').next()).expect("a token").to_owned()
}

/// Whoever enrolled, by their cookies.
struct Ada {
    cookies: PathBuf,
}

impl Ada {
    fn enrol(server: &Server, cookies: PathBuf, token: &str) -> Self {
        let ada = Self { cookies };
        ada.post(server, "/api/v1/enrolment", &json!({ "token": token, "password": PASSWORD }));
        let factor = ada.post(server, "/api/v1/enrolment/totp", &json!({}));
        let code = code_at(factor["secret"].as_str().expect("a secret"), SystemClock::default().now());
        let signed_in = ada.post(server, "/api/v1/enrolment/totp/confirmation", &json!({ "code": code }));
        assert_eq!(signed_in["state"], "signed_in");
        ada
    }

    #[track_caller]
    fn post(&self, server: &Server, path: &str, body: &Value) -> Value {
        let (status, answer) = server.api(&self.cookies, path, Some(body)).expect("an answer");
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// Every row of a list.
    #[track_caller]
    fn list(&self, server: &Server, path: &str) -> Vec<Value> {
        let (status, answer) = server.api(&self.cookies, path, None).expect("an answer");
        assert_eq!((status, &answer["next"]), (200, &Value::Null), "{path}: {answer}");
        answer["items"].as_array().expect("items").clone()
    }
}

/// The server's clock is the machine's.
fn in_a_week() -> String {
    SystemClock::default().now().plus(chrono::Duration::days(7)).to_string()
}

fn ids(rows: &[Value], state: &str, id: &str) -> BTreeSet<String> {
    let rows = rows.iter().filter(|row| row["state"] == state);
    rows.map(|row| row.pointer(id).and_then(Value::as_str).expect("an id").to_owned()).collect()
}

/// Signs drafts off, three at a time, until the server is gone; the items of every answer arrive one after the other.
fn signing(client: Client, ada: &Ada, review: &str, drafted: Vec<String>) -> Receiver<Vec<String>> {
    let (sender, receiver) = channel();
    let (cookies, path) = (ada.cookies.clone(), format!("/api/v1/reviews/{review}/sign-off"));
    std::thread::spawn(move || {
        for few in drafted.chunks(3) {
            let Some((200, done)) = client.api(&cookies, &path, Some(&json!({ "items": few }))) else {
                break;
            };
            assert_eq!(done["applied"], few.len(), "{done}");
            assert!(done["revision"].is_u64(), "{done}");
            let _ = sender.send(few.to_vec());
        }
    });
    receiver
}

#[test]
fn what_a_sign_off_acknowledged_outlives_a_kill() {
    let program = Program::new();
    let token = found(&program);
    let mut server = program.serve();
    let cookies = program.data().join("cookies");
    let ada = Ada::enrol(&server, cookies, &token);
    let wanted = json!({ "name": "November", "scope": { "app": "orders" }, "due_at": in_a_week() });
    let review = ada.post(&server, "/api/v1/reviews", &wanted)["id"].as_str().expect("an id").to_owned();
    let (items, grants) =
        (format!("/api/v1/reviews/{review}/items?limit=200"), "/api/v1/grants?role=orders/clerk&limit=200");
    let all = ada.list(&server, &items);
    assert_eq!(all.len(), TEAM);
    let drafts: Vec<Value> =
        all.iter().map(|item| json!({ "item": item["id"], "decision": "revoke" })).collect();
    ada.post(&server, &format!("/api/v1/reviews/{review}/decisions"), &json!(drafts));

    let mut signed: BTreeSet<String> = BTreeSet::new();
    for round in 1..=ROUNDS {
        let open = ids(&ada.list(&server, &items), "pending", "/id").into_iter().collect();
        let answers = signing(Client::clone(&server), &ada, &review, open);
        let mut acknowledged = until(&answers, 1 + round as usize % 2, round);
        server.kill();
        acknowledged.extend(answers);
        signed.extend(acknowledged.into_iter().flatten());

        server = program.serve();
        let rows = ada.list(&server, &items);
        let revoked = ids(&rows, "revoke", "/id");
        assert!(signed.is_subset(&revoked), "round {round}: an acknowledged decision is missing");
        let left: BTreeSet<String> = ids(&ada.list(&server, grants), "active", "/account/id");
        let pending = ids(&rows, "pending", "/account/id");
        assert_eq!(left, pending, "round {round}: a decision and its grant always go together");
        assert_sound(&program);
    }
    assert!(!signed.is_empty());
}

// ---- leavers ----------------------------------------------------------------------------------------------------

/// The states of a case in their order.
const STATES: [&str; 7] =
    ["reported", "blocked", "sessions_ended", "grants_revoked", "targets", "verified", "closed"];

/// Who a case is about, and how far it has come.
type Cases = BTreeMap<String, usize>;

#[track_caller]
fn case_of(case: &Value) -> (String, usize) {
    let account = case["account"].as_str().expect("an account").to_owned();
    let state = STATES.iter().position(|state| case["state"] == *state);
    (account, state.unwrap_or_else(|| panic!("no state: {case}")))
}

/// Reports people as gone since just now, until the server is gone; every answer arrives one after the other.
fn reporting(client: Client, ada: &Ada, leaving: Vec<String>) -> Receiver<(String, usize)> {
    let (sender, receiver) = channel();
    let cookies = ada.cookies.clone();
    std::thread::spawn(move || {
        for account in leaving {
            let now = SystemClock::default().now().to_string();
            let body = json!({ "account": account, "effective_at": now, "reason": "went to sea" });
            let Some((201, case)) = client.api(&cookies, "/api/v1/leavers", Some(&body)) else { break };
            let _ = sender.send(case_of(&case));
        }
    });
    receiver
}

#[test]
fn what_a_leaver_was_acknowledged_outlives_a_kill() {
    let program = Program::new();
    let token = found(&program);
    let mut server = program.serve();
    let ada = Ada::enrol(&server, program.data().join("cookies"), &token);
    let grants = "/api/v1/grants?role=orders/clerk&limit=200";
    let mut staying: BTreeSet<String> = ids(&ada.list(&server, grants), "active", "/account/id");
    let everybody = staying.clone();
    assert_eq!(everybody.len(), TEAM);

    let mut acknowledged = Cases::new();
    for round in 1..=ROUNDS {
        let answers =
            reporting(Client::clone(&server), &ada, staying.iter().take(TEAM / 10).cloned().collect());
        let mut answered = until(&answers, 1 + round as usize % 2, round);
        server.kill();
        answered.extend(answers);
        acknowledged.extend(answered);

        server = program.serve();
        let active = ids(&ada.list(&server, grants), "active", "/account/id");
        let cases: Cases = ada.list(&server, "/api/v1/leavers?limit=200").iter().map(case_of).collect();
        for (account, state) in &acknowledged {
            let now = cases.get(account).unwrap_or_else(|| panic!("round {round}: {account} has no case"));
            assert!(now >= state, "round {round}: {account} fell back from {state} to {now}");
        }
        // Cases were read after the grants and never go back: whoever has lost theirs has a case that says so.
        let gone: Vec<&String> = staying.iter().filter(|account| !active.contains(*account)).collect();
        assert!(gone.iter().all(|account| cases.get(*account).is_some_and(|state| *state >= 2)), "{cases:?}");
        let still = ids(&ada.list(&server, grants), "active", "/account/id");
        assert!(cases.iter().all(|(account, state)| *state < 3 || !still.contains(account)), "{cases:?}");
        staying.retain(|account| !cases.contains_key(account));
        assert_sound(&program);
    }
    server.kill();
    every_case_goes_on(&program, &everybody, &staying);
}

/// What the kills interrupted is taken up again by the job, and nobody else has lost anything.
fn every_case_goes_on(program: &Program, everybody: &BTreeSet<String>, staying: &BTreeSet<String>) {
    // Whoever was killed at work on the job holds it for five minutes more.
    let later = SystemClock::default().now().plus(chrono::Duration::minutes(6));
    let app = program.open_at(Arc::new(ManualClock::at(later)));
    bailiwick::jobs::run_now(&app, "leavers.run").expect("it runs").expect("nobody else runs it");
    let filter = grants::Filter { role: Some("orders/clerk".to_owned()), ..grants::Filter::default() };
    let rows = app.read_now(|reader| grants::list(reader, &filter, None, 200)).expect("the grants");
    assert!(rows.iter().all(|grant| grant.state == GrantState::Active), "{rows:?}");
    let held: BTreeSet<String> = rows.iter().map(|grant| grant.account.to_string()).collect();
    assert_eq!(held, *staying);
    for id in everybody {
        let id = AccountId::parse(id).expect("an id");
        let account = app.read_now(|reader| accounts::find(reader, &id)).expect("an account");
        assert_eq!(account.status.state == State::Left, !staying.contains(id.as_str()), "{id}");
    }
}
