//! The same question over HTTPS: this house, and a bare server that parses the same JSON and answers a constant.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::{App as Service, HttpResponse, HttpServer, web};
use bailiwick::access::apply::{self, PolicyFile};
use bailiwick::access::grants::{self, NewGrant, Source};
use bailiwick::access::keys::{self, NewKey};
use bailiwick::accounts::{self, NewPerson};
use bailiwick::app::App;
use bailiwick::caller::Caller;
use bailiwick::clock::SystemClock;
use bailiwick::config::{Config, Overrides};
use bailiwick::db::Tx;
use bailiwick::decision::authzen::Asked;
use bailiwick::entropy::OsEntropy;
use bailiwick::error::Result;
use bailiwick::http::{server, tls};
use bailiwick::ids::AccountId;
use bailiwick::log::access::{Access, Books};
use bailiwick::log::event::Change;
use serde_json::json;

use crate::client::{Connection, trusting};
use crate::town::quantiles;

const PEOPLE: usize = 1_000;
const CONNECTIONS: usize = 16;
pub const ASK: &str = "/access/v1/evaluation";

const DESK: &str = r#"
key = "desk"
owner = "grace"
environment = "production"
[[feature]]
key = "address"
class = "pii"
actions = ["read"]
[[feature]]
key = "order"
actions = ["read"]
[[role]]
key = "reader"
access_role = true
approval = ["manager", "owner"]
max_duration = "90d"
[[role.allow]]
feature = "address"
actions = ["read"]
purposes = ["shipping"]
[[role]]
key = "clerk"
[[role.allow]]
feature = "order"
actions = ["read"]
"#;

/// One line of the table.
pub struct Line {
    pub name: &'static str,
    pub per_second: f64,
    pub median: Duration,
    pub high: Duration,
    /// How many were permitted, and how many of them are recorded; and how many were denied because they could not be.
    pub recorded: Option<(u64, u64, u64)>,
}

/// Measures every kind for so long.
pub fn measure(span: Duration) -> Vec<Line> {
    [
        ("bare actix", "bare", "order"),
        ("other data", "ours", "order"),
        ("personal data", "ours", "address"),
        ("personal data, strict", "strict", "address"),
    ]
    .into_iter()
    .map(|(name, kind, feature)| line(name, kind, feature, span))
    .collect()
}

fn line(name: &'static str, kind: &str, feature: &str, span: Duration) -> Line {
    let directory =
        std::env::temp_dir().join(format!("bailiwick-https-{}-{kind}-{feature}", std::process::id()));
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["serve", kind, &port.to_string()])
        .arg(&directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a server");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let key = lines.next().expect("it starts").expect("a line");
    let (times, denied, elapsed) = load(port, &directory, &key, feature, span);
    end(child);
    let answered = times.len() as u64;
    let recorded = (feature == "address").then(|| (answered - denied, permits(&directory), denied));
    let _ = std::fs::remove_dir_all(&directory);
    let mut times = times;
    let (median, high) = quantiles(&mut times);
    Line { name, per_second: answered as f64 / elapsed.as_secs_f64(), median, high, recorded }
}

/// Asks over connections that stay open, each as soon as it has its answer: how long every answer took, and how many of
/// them were denials.
fn load(
    port: u16,
    directory: &Path,
    key: &str,
    feature: &str,
    span: Duration,
) -> (Vec<Duration>, u64, Duration) {
    let trusts = trusting(&directory.join("certificate.pem"));
    let (stop, asked, denied) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let begun = Instant::now();
    let times = thread::scope(|scope| {
        let callers: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = Connection::open(port, &trusts, key).expect("a connection");
                    let mut times = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let number = asked.fetch_add(1, Ordering::Relaxed);
                        let body = question(number as usize, feature);
                        let begun = Instant::now();
                        let (status, answer) = connection.call("POST", ASK, &body).expect("an answer");
                        times.push(begun.elapsed());
                        assert_eq!(status, 200, "{answer}");
                        let permit = answer == r#"{"decision":true}"#;
                        denied.fetch_add(u64::from(!permit), Ordering::Relaxed);
                    }
                    times
                })
            })
            .collect();
        while begun.elapsed() < span {
            thread::park_timeout(span.saturating_sub(begun.elapsed()));
        }
        stop.store(true, Ordering::Relaxed);
        callers.into_iter().flat_map(|caller| caller.join().expect("it ends")).collect()
    });
    (times, denied.into_inner(), begun.elapsed())
}

pub fn question(number: usize, feature: &str) -> String {
    json!({
        "subject": { "type": "user", "id": format!("person-{}", number % PEOPLE) },
        "action": { "name": "read" },
        "resource": { "type": feature, "id": format!("order-{number}") },
        "context": { "purpose": "shipping" },
    })
    .to_string()
}

/// Ends a server as an operator does, so that it writes what waits.
pub fn end(mut child: Child) {
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    child.wait().expect("it ends");
}

/// How many permits of personal data stand in the log.
fn permits(directory: &Path) -> u64 {
    let config = config(directory, 0);
    let books = Books::new(&config.database, directory);
    let mut count = 0;
    for day in books.days().expect("the days") {
        let mut after = 0;
        loop {
            let page = books.records(day, after, 10_000).expect("records");
            let Some(last) = page.last() else { break };
            after = last.number;
            let permit = |access: &Access| matches!(access, Access::Permit { .. });
            count += page.iter().filter(|record| permit(&record.access)).count() as u64;
        }
    }
    count
}

pub fn config(directory: &Path, port: u16) -> Config {
    let listen = ([127, 0, 0, 1], port).into();
    let overrides =
        Overrides { data: Some(PathBuf::from(directory)), listen: Some(listen), ..Overrides::default() };
    Config::load(overrides).expect("settings")
}

/// A server of that kind, until it is told to end. The first line that it prints is the key to ask with.
pub fn serve(kind: &str, port: u16, directory: &Path) {
    let config = config(directory, port);
    if kind == "bare" {
        std::fs::create_dir_all(directory.join("keys")).expect("a directory");
        actix_web::rt::System::new().block_on(bare(&config)).expect("it serves");
        return;
    }
    let app = App::open(config, Arc::new(SystemClock::default()), Arc::new(OsEntropy)).expect("a house");
    let key = app.write_now(&Caller::shell(0), furnish).expect("its people").value;
    if kind == "ours" {
        app.context().profiles.choose("e2e-solutions").expect("a profile that is not strict");
    }
    server::run(app, |_| {
        println!("{key}");
        Ok(())
    })
    .expect("it serves");
}

/// Reads the question as this house does, and knows the answer.
async fn constant(body: web::Bytes) -> HttpResponse {
    match Asked::parse(&body) {
        Ok(_) => HttpResponse::Ok().content_type("application/json").body(r#"{"decision":true}"#),
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}

async fn bare(config: &Config) -> std::io::Result<()> {
    let tls = tls::server_config(config).expect("a certificate");
    let service = || Service::new().route(ASK, web::post().to(constant));
    let server = HttpServer::new(service).bind_rustls_0_23(config.listen, tls)?.run();
    println!("no key");
    server.await
}

/// The desk's catalogue, its people and its key.
pub fn furnish(tx: &mut Tx<'_>) -> Result<String> {
    let owner = person(tx, "grace")?;
    apply::apply(tx, &[PolicyFile { name: "desk.toml".to_owned(), text: DESK.to_owned() }])?;
    for number in 0..PEOPLE {
        let account = person(tx, &format!("person-{number}"))?;
        for role in ["desk/reader", "desk/clerk"] {
            let wanted = NewGrant {
                account: account.clone(),
                role: role.to_owned(),
                scope: None,
                reason: "Works at the desk".to_owned(),
                source: Source::Direct,
                approvers: Vec::new(),
                request: None,
                valid_from: None,
                expires_at: Some(tx.now.plus(chrono::Duration::days(30))),
            };
            grants::grant(tx, &wanted)?;
        }
    }
    let key = NewKey {
        name: "desk".to_owned(),
        owner,
        allow: vec!["bailiwick/evaluation:ask".to_owned()],
        application: Some("desk".to_owned()),
        expires_at: tx.now.plus(chrono::Duration::days(30)),
        asserts: None,
        networks: Vec::new(),
    };
    Ok(keys::issue(tx, &key)?.token)
}

fn person(tx: &mut Tx<'_>, username: &str) -> Result<AccountId> {
    let new = NewPerson { username: Some(username.to_owned()), ..NewPerson::default() };
    let account = accounts::create_person(tx, new)?.id;
    accounts::enrol(tx, &account)?;
    let row = accounts::set_strong_factor(tx, &account, true)?;
    let change = Change::FactorEnrolled { account: account.clone(), factor: "totp".to_owned() };
    tx.record_rows(change, vec![row]);
    Ok(account)
}
