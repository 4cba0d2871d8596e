//! Sign-ins beside bare argon2 with the same parameters on as many threads; and how long others wait while far more
//! people come to the door than can be hashed.
//!
//! Whoever signs in comes from an address of their own, as a proxy says it, and is one of [`PEOPLE`]: the throttles and
//! the counter of wrong passwords do their work and are in nobody's way.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::rt::System;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use bailiwick::app::App;
use bailiwick::caller::Caller;
use bailiwick::clock::SystemClock;
use bailiwick::config::Config;
use bailiwick::db::Tx;
use bailiwick::entropy::OsEntropy;
use bailiwick::error::Result;
use bailiwick::http::server;
use bailiwick::signin::hasher::Secret;
use bailiwick::signin::inviting::{Invitation, invite};
use bailiwick::signin::sessions::{self, Session};
use bailiwick::signin::{self, Progress, Visitor};
use rustls::ClientConfig;
use serde_json::json;
use totp_rs::Builder;

use crate::client::{Connection, trusting};
use crate::https::{self, ASK};
use crate::town::quantiles;

const PEOPLE: u64 = 300;
const PASSWORD: &str = "Bridge 7 over the lake!";
/// So many sign in at once where nobody has to be sent away, nor comes too often from one address.
const QUEUE: u64 = 16;
/// And so many where most have to be.
pub const STORM: u64 = 200;
/// How long somebody who was sent away stays away; less than was asked for.
const IMPATIENCE: Duration = Duration::from_millis(500);
/// Probes come at an even pace, so many a second.
const PROBES: u32 = 200;

/// What was found.
pub struct Found {
    /// Hashes a second, with nothing around them.
    pub bare: f64,
    /// Sign-ins a second.
    pub sign_ins: f64,
    /// What became of those who came in the storm.
    pub storm: Came,
    /// What was asked for meanwhile, its p99 idle and in the storm, and how much more that may be.
    pub meanwhile: [(&'static str, Duration, Duration, Option<f64>); 2],
}

/// What became of those who came to the door.
#[derive(Default)]
pub struct Came {
    pub signed_in: u64,
    pub sent_away: u64,
    pub otherwise: u64,
}

/// Measures everything, each part for so long.
pub fn measure(span: Duration) -> Found {
    let bare = bare(span);
    let door = Door::open();
    let idle = door.meanwhile(span, || ());
    let stop = AtomicBool::new(false);
    let (queue, elapsed) = thread::scope(|scope| {
        let coming = scope.spawn(|| door.come(QUEUE, &stop));
        let begun = Instant::now();
        wait_until(begun + span);
        stop.store(true, Ordering::Relaxed);
        (coming.join().expect("they end"), begun.elapsed())
    });
    assert_eq!((queue.sent_away, queue.otherwise), (0, 0), "nobody is sent away from a short queue");
    let (storm, in_storm) = door.storm(span);
    let [alive, decision] = [0, 1].map(|probe| (idle[probe], in_storm[probe]));
    door.close();
    Found {
        bare,
        sign_ins: queue.signed_in as f64 / elapsed.as_secs_f64(),
        storm,
        meanwhile: [
            ("/health/live", alive.0, alive.1, None),
            ("a decision", decision.0, decision.1, Some(3.0)),
        ],
    }
}

/// Hashes a second on as many threads as the house takes, with its parameters.
fn bare(span: Duration) -> f64 {
    let cost = bailiwick::config::Hash::default();
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None).expect("parameters");
    let count = AtomicU64::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
                let mut memory = vec![Block::new(); params.block_count()];
                let mut output = [0; 32];
                while begun.elapsed() < span {
                    hasher
                        .hash_password_into_with_memory(
                            PASSWORD.as_bytes(),
                            &[7; 16],
                            &mut output,
                            &mut memory,
                        )
                        .expect("a hash");
                    std::hint::black_box(output);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    count.into_inner() as f64 / begun.elapsed().as_secs_f64()
}

fn wait_until(end: Instant) {
    while Instant::now() < end {
        thread::park_timeout(end.saturating_duration_since(Instant::now()));
    }
}

/// A house to which people come.
struct Door {
    port: u16,
    trusts: Arc<ClientConfig>,
    key: String,
    directory: PathBuf,
    server: Child,
    came: AtomicU64,
}

impl Door {
    fn open() -> Self {
        let directory = std::env::temp_dir().join(format!("bailiwick-door-{}", std::process::id()));
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let mut server = Command::new(std::env::current_exe().expect("this program"))
            .args(["serve", "door", &port.to_string()])
            .arg(&directory)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        let mut lines = BufReader::new(server.stdout.take().expect("its output")).lines();
        let key = lines.next().expect("it starts").expect("a line");
        let trusts = trusting(&directory.join("certificate.pem"));
        Self { port, trusts, key, directory, server, came: AtomicU64::new(0) }
    }

    fn close(self) {
        https::end(self.server);
        let _ = std::fs::remove_dir_all(&self.directory);
    }

    /// So many come to the door over and over until it is enough.
    fn come(&self, at_once: u64, stop: &AtomicBool) -> Came {
        thread::scope(|scope| {
            let callers: Vec<_> =
                (0..at_once).map(|number| scope.spawn(move || self.one_comes(number, stop))).collect();
            callers.into_iter().fold(Came::default(), |all, caller| {
                let came = caller.join().expect("it ends");
                Came {
                    signed_in: all.signed_in + came.signed_in,
                    sent_away: all.sent_away + came.sent_away,
                    otherwise: all.otherwise + came.otherwise,
                }
            })
        })
    }

    fn one_comes(&self, number: u64, stop: &AtomicBool) -> Came {
        let header = format!("x-forwarded-for: 10.{}.{}.1", number / 250, number % 250);
        let mut connection = Connection::with_header(self.port, &self.trusts, header).expect("a connection");
        let mut came = Came::default();
        while !stop.load(Ordering::Relaxed) {
            let person = self.came.fetch_add(1, Ordering::Relaxed) % PEOPLE;
            let body = json!({ "username": format!("picker-{person}"), "password": PASSWORD }).to_string();
            match connection.call("POST", "/api/v1/signin", &body).expect("an answer").0 {
                200 => came.signed_in += 1,
                503 => {
                    came.sent_away += 1;
                    wait_until(Instant::now() + IMPATIENCE);
                }
                _ => came.otherwise += 1,
            }
        }
        came
    }

    /// The p99 of both probes for so long, once `begin` has come back.
    fn meanwhile(&self, span: Duration, begin: impl FnOnce()) -> [Duration; 2] {
        begin();
        let question = https::question(1, "order");
        thread::scope(|scope| {
            [("GET", "/health/live", String::new()), ("POST", ASK, question)]
                .map(|(method, path, body)| scope.spawn(move || self.probe(span, method, path, &body)))
                .map(|probe| probe.join().expect("it ends"))
        })
    }

    fn probe(&self, span: Duration, method: &str, path: &str, body: &str) -> Duration {
        let mut connection = Connection::open(self.port, &self.trusts, &self.key).expect("a connection");
        let (begun, pause) = (Instant::now(), Duration::from_secs(1) / PROBES);
        let mut times = Vec::new();
        while begun.elapsed() < span {
            let asked = Instant::now();
            let (status, answer) = connection.call(method, path, body).expect("an answer");
            times.push(asked.elapsed());
            assert_eq!(status, 200, "{answer}");
            wait_until(asked + pause);
        }
        quantiles(&mut times).1
    }

    /// What became of a storm, and the p99 of both probes in the midst of it.
    fn storm(&self, span: Duration) -> (Came, [Duration; 2]) {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let coming = scope.spawn(|| self.come(STORM, &stop));
            let probes = self.meanwhile(span, || wait_until(Instant::now() + span / 5));
            stop.store(true, Ordering::Relaxed);
            (coming.join().expect("they end"), probes)
        })
    }
}

/// A house with people who have a password, until it is told to end. The first line that it prints is the key to ask
/// with.
pub fn serve(port: u16, directory: &Path) {
    let mut config: Config = https::config(directory, port);
    config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    let app = App::open(config, Arc::new(SystemClock::default()), Arc::new(OsEntropy)).expect("a house");
    let key = app.write_now(&Caller::shell(0), https::furnish).expect("its people").value;
    app.context().profiles.choose("e2e-solutions").expect("a profile that is not strict");
    System::new().block_on(async {
        for number in 0..PEOPLE {
            enrol(&app, number).await.expect("somebody who may sign in");
        }
    });
    server::run(app, |_| {
        println!("{key}");
        Ok(())
    })
    .expect("it serves");
}

/// Somebody follows an invitation: a password and an authenticator.
async fn enrol(app: &App, number: u64) -> Result<()> {
    let wanted = Invitation { username: format!("picker-{number}"), ..Invitation::default() };
    let invited = app.write(&Caller::shell(0), |tx: &mut Tx<'_>| invite(tx, wanted)).await?.value;
    let chosen =
        signin::set_password(app, invited.link.token, Secret::new(PASSWORD), signin::Visitor::default())
            .await?;
    let session = session(app, chosen).await?;
    let factor = signin::begin_factor(app, session.clone()).await?;
    let secret = totp_rs::Secret::try_from_base32(&factor.secret).expect("its secret");
    let authenticator = Builder::new().with_secret(secret).build().expect("an authenticator");
    let now = app.context().clock.now().seconds().unsigned_abs();
    let code = Secret::new(authenticator.generate(now).to_string());
    signin::confirm_factor(app, session, code, Visitor::default()).await?;
    Ok(())
}

async fn session(app: &App, progress: Progress) -> Result<Session> {
    let issued = progress.issued.expect("a session");
    Ok(sessions::identify(app, &issued.token, None).await?.expect("it goes on"))
}
