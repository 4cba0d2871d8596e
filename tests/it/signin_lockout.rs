//! Lockout: after three, for a while, for every name alike, and whatever comes at the same moment.

use bailiwick::app::App;
use bailiwick::error::Error;
use bailiwick::ids::AccountId;
use bailiwick::log::event::Change;
use bailiwick::log::store::{Filter, list};
use bailiwick::signin::Visitor;
use bailiwick::signin::hasher::Secret;
use bailiwick::signin::links::{self, Purpose};
use bailiwick::signin::lockout::{self, Counter, Kind, Outcome, Rules};
use chrono::Duration;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::json;

use crate::support::{Browser, House, PASSWORD};

fn signed(username: &str, password: &str) -> serde_json::Value {
    json!({ "username": username, "password": password })
}

#[actix_web::test]
async fn three_wrong_ones_lock_and_the_right_one_is_refused_until_the_time_is_over() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut gate = browser.other();
    for _ in 0..3 {
        gate.post("/api/v1/signin", signed("pnaka", "wrong")).await.expect(401);
    }
    let hashed = house.app.hashers().hashed();
    // In another spelling it is the same counter; locked, nothing is hashed.
    gate.post("/api/v1/signin", signed("  PNAKA ", PASSWORD)).await.expect(401);
    assert_eq!(house.app.hashers().hashed(), hashed);
    house.advance(Duration::minutes(15) - Duration::seconds(1));
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(401);
    house.advance(Duration::seconds(1));
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
}

/// However slowly somebody guesses: three a day never make the lock that holds, and a hundred in a row do.
#[actix_web::test]
async fn the_hundredth_wrong_one_in_a_row_locks_until_a_person_opens_it() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut gate = browser.other().from_address("192.0.2.9");
    guess_slowly(&house, &mut gate, 60).await;
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    guess_slowly(&house, &mut gate, 99).await;
    let hashed = house.app.hashers().hashed();
    guess_slowly(&house, &mut gate, 1).await;
    assert_eq!(house.app.hashers().hashed() - hashed, 1, "the hundredth is evaluated");
    house.advance(Duration::days(2));
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(401);
    assert_eq!(house.app.hashers().hashed() - hashed, 1, "and none after it");

    let filter = Filter { kind: Some("password_locked".to_owned()), after: Some(0), ..Filter::default() };
    let events = house.app.read(move |reader| list(reader, &filter, 100)).await.expect("the log is read");
    let held = |(event, _): &&(bailiwick::log::event::Event, _)| {
        matches!(event.change, Change::PasswordLocked { until: None, .. })
    };
    assert_eq!(events.iter().filter(held).count(), 1);
    let desk = bailiwick::caller::Caller::shell(0);
    house.app.write(&desk, move |tx| bailiwick::signin::unlock(tx, &person.account)).await.expect("unlocked");
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
}

/// Three wrong ones a day, and what the house does at night.
async fn guess_slowly(house: &House, gate: &mut Browser, count: usize) {
    for number in 1..=count {
        gate.post("/api/v1/signin", signed("pnaka", "wrong")).await.expect(401);
        if number % 3 == 0 {
            house.advance(Duration::hours(25));
        }
        if number % 30 == 0 {
            house.run_jobs().await;
        }
    }
}

#[actix_web::test]
async fn a_success_forgets_the_failures_before_it() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    for _ in 0..3 {
        for _ in 0..2 {
            browser.post("/api/v1/signin", signed("pnaka", "wrong")).await.expect(401);
        }
        browser.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    }
}

#[actix_web::test]
async fn unknown_wrong_and_locked_are_the_same_to_the_last_byte_and_cost_the_same() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    house.invite("invited", &[]).await;
    let mut gate = browser.other();
    let mut bodies = Vec::new();
    let mut hashes = Vec::new();
    for _ in 0..5 {
        for username in ["pnaka", "nobody.at.all", "invited"] {
            let before = house.app.hashers().hashed();
            let reply = gate.post("/api/v1/signin", signed(username, "wrong")).await.expect(401);
            hashes.push(house.app.hashers().hashed() - before);
            bodies.push((reply.body.clone(), reply.header("www-authenticate").to_owned()));
        }
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(hashes, [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    assert!(gate.cookies.is_empty());
}

#[actix_web::test]
async fn a_lock_is_an_event_without_the_name_that_was_typed() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut gate = browser.other();
    for username in ["pnaka", "canary-of-a-mistyped-name"] {
        for _ in 0..4 {
            gate.post("/api/v1/signin", signed(username, "wrong")).await.expect(401);
        }
    }
    let filter = Filter { kind: Some("password_locked".to_owned()), after: Some(0), ..Filter::default() };
    let events = house.app.read(move |reader| list(reader, &filter, 10)).await.expect("the log is read");
    let accounts: Vec<_> = events.iter().map(|(event, _)| event.subject.clone()).collect();
    assert_eq!(accounts, [Some(person.account), None]);
    for (event, _) in &events {
        let text = event.text().expect("an event is JSON");
        assert!(!text.contains("canary") && !text.contains("pnaka"), "{text}");
        let Change::PasswordLocked { until, .. } = &event.change else { panic!("{text}") };
        assert_eq!(*until, Some(event.at.plus(Duration::minutes(15))));
    }
}

#[actix_web::test]
async fn of_two_hundred_at_once_three_are_evaluated() {
    let house = House::new();
    let mut browser = house.browser().await;
    house.enrolled(&mut browser, "pnaka", &[]).await;
    for username in ["pnaka", "nobody.at.all"] {
        let before = house.app.hashers().hashed();
        let app = house.app.clone();
        let outcomes = guess_from_threads(&app, username);
        let let_in = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        let refused =
            outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Unauthenticated))).count();
        assert_eq!((let_in, refused), (0, 200), "{username}");
        let evaluated = house.app.hashers().hashed() - before;
        assert_eq!(evaluated, 3, "{username}");
    }
    browser.other().post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(401);
}

/// 200 wrong guesses on real threads, all begun before the first is answered.
fn guess_from_threads(app: &App, username: &str) -> Vec<Result<(), Error>> {
    std::thread::scope(|scope| {
        let guess = |number: usize| {
            let (app, username) = (app.clone(), username.to_owned());
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let guess = Secret::new(format!("guess {number}"));
                let outcome = bailiwick::signin::sign_in(&app, username, guess, Visitor::default());
                runtime.expect("a runtime").block_on(outcome).map(drop)
            })
        };
        let threads: Vec<_> = (0..200).map(guess).collect();
        threads.into_iter().map(|thread| thread.join().expect("a guess ends")).collect()
    })
}

#[actix_web::test]
async fn the_service_desk_opens_a_lock() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut gate = browser.other();
    for _ in 0..3 {
        gate.post("/api/v1/signin", signed("pnaka", "wrong")).await.expect(401);
    }
    let path = format!("/api/v1/accounts/{}/unlock", person.account);
    gate.post(&path, json!({})).await.expect(401);
    let id = person.account.clone();
    let desk = bailiwick::caller::Caller::shell(0);
    house.app.write(&desk, move |tx| bailiwick::signin::unlock(tx, &id)).await.expect("unlocked");
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
}

#[actix_web::test]
async fn codes_have_a_counter_of_their_own() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut gate = browser.other();
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    let right = house.next_code(&person.secret);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..3 {
        gate.post("/api/v1/signin/totp", json!({ "code": wrong })).await.expect(401);
    }
    gate.post("/api/v1/signin/totp", json!({ "code": right })).await.expect(401);
    // The password still opens its own door.
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    house.advance(Duration::minutes(15));
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    let code = house.next_code(&person.secret);
    gate.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(200);
}

#[actix_web::test]
async fn a_mailbox_opens_the_password_and_never_the_codes() {
    let house = House::new();
    let mut browser = house.browser().await;
    let person = house.enrolled(&mut browser, "pnaka", &[]).await;
    let mut gate = browser.other();
    gate.post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    for _ in 0..3 {
        gate.post("/api/v1/signin/totp", json!({ "code": "12" })).await.expect(401);
    }
    wrong_passwords(&mut browser.other()).await;
    let id = person.account.clone();
    let link = house.done(move |tx| links::make(tx, Purpose::Unlock, Some(&id))).await;
    browser.other().submit(&format!("/unlock/{}", link.token), &[]).await.expect(200);
    browser.other().post("/api/v1/signin", signed("pnaka", PASSWORD)).await.expect(200);
    let code = house.next_code(&person.secret);
    gate.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(401);
    // The service desk, who sees the person, opens both.
    let (id, desk) = (person.account.clone(), bailiwick::caller::Caller::shell(0));
    house.app.write(&desk, move |tx| bailiwick::signin::unlock(tx, &id)).await.expect("unlocked");
    let code = house.next_code(&person.secret);
    gate.post("/api/v1/signin/totp", json!({ "code": code })).await.expect(200);
}

async fn wrong_passwords(gate: &mut Browser) {
    for _ in 0..3 {
        gate.post("/api/v1/signin", signed("pnaka", "wrong")).await.expect(401);
    }
}

/// What may happen to a counter.
#[derive(Debug, Clone, Copy)]
enum Step {
    Reserve,
    Settle(Outcome),
    /// Whoever has a reservation is gone and settles nothing; it comes free after a minute.
    Crash,
    /// Seconds pass while nothing is in flight.
    Wait(i64),
    Unlock,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => Just(Step::Reserve),
        3 => Just(Step::Settle(Outcome::Wrong)),
        1 => Just(Step::Settle(Outcome::Right)),
        1 => Just(Step::Settle(Outcome::Unjudged)),
        1 => Just(Step::Crash),
        2 => prop_oneof![Just(1), Just(59), Just(899), Just(900), Just(86_401)].prop_map(Step::Wait),
        1 => Just(Step::Unlock),
    ]
}

const RULES: Rules = Rules { failures: 3, duration: Duration::minutes(15) };

/// A counter beside what the policy says about it.
struct Watched<'a> {
    house: &'a House,
    id: AccountId,
    counter: Counter,
    wrong: u32,
    in_flight: u32,
}

impl<'a> Watched<'a> {
    fn new(house: &'a House) -> Self {
        let context = house.app.context();
        let id = AccountId::new(context.clock.now(), context.entropy.as_ref());
        let counter = Counter::of_account(&context.vault, &id, Kind::Password);
        Self { house, id, counter, wrong: 0, in_flight: 0 }
    }

    fn is_locked(&self) -> bool {
        let until = self.house.app.database().alone(|reader| lockout::lock_of(reader, &self.id));
        until.expect("the counter answers").is_some()
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Reserve => self.reserve()?,
            Step::Settle(outcome) if self.in_flight > 0 => self.settle(outcome),
            Step::Crash if self.in_flight > 0 => {
                self.in_flight = 0;
                self.house.advance(Duration::seconds(61));
            }
            Step::Wait(seconds) if self.in_flight == 0 => self.wait(seconds),
            Step::Unlock if self.in_flight == 0 => self.unlock(),
            _ => {}
        }
        prop_assert_eq!(self.is_locked(), self.wrong >= RULES.failures);
        Ok(())
    }

    fn reserve(&mut self) -> Result<(), TestCaseError> {
        let free = self.wrong + self.in_flight < RULES.failures;
        let reserved =
            self.house.app.database().alone(|reader| lockout::reserve(reader, &self.counter, RULES));
        prop_assert_eq!(reserved.expect("the counter answers"), free);
        self.in_flight += u32::from(free);
        Ok(())
    }

    fn settle(&mut self, outcome: Outcome) {
        lockout::settle(&self.house.app, &self.counter, RULES, outcome).expect("the counter settles");
        self.in_flight -= 1;
        match outcome {
            Outcome::Wrong => self.wrong += 1,
            Outcome::Right => self.wrong = 0,
            Outcome::Unjudged => {}
        }
    }

    fn wait(&mut self, seconds: i64) {
        let was_locked = self.is_locked();
        self.house.advance(Duration::seconds(seconds));
        // A lock that holds outlasts every wait.
        if !self.is_locked() && (was_locked || seconds > 86_400) {
            self.wrong = 0;
        }
    }

    fn unlock(&mut self) {
        let desk = bailiwick::caller::Caller::shell(0);
        let unlocked =
            self.house.app.write_now(&desk, |tx| lockout::unlock(tx, &self.id, &lockout::EVERYTHING));
        let was_anything = unlocked.expect("unlocked").value;
        assert!(was_anything || self.wrong == 0);
        self.wrong = 0;
    }
}

#[test]
fn whatever_happens_no_more_than_three_wrong_ones_are_evaluated_in_a_row() {
    let house = House::new();
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    runner
        .run(&proptest::collection::vec(step(), 1..60), |steps| {
            let mut watched = Watched::new(&house);
            steps.into_iter().try_for_each(|step| watched.take(step))
        })
        .expect("the property holds");
}
