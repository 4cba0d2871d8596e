//! How long a decision takes, against casbin-rs in the same run, and how long it takes to learn of a change.
//!
//! Run with `cargo bench --bench decision`. Made to be hard to please: questions are distinct, in random order, half of
//! them permitted; each is timed on its own, the clock's own cost included; their text is copied into place before, as
//! a parser would leave it, but nothing else is warm except by chance. Answers are compared with casbin's.
#![expect(clippy::expect_used, reason = "a measurement that cannot go on says why")]

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bailiwick::access::catalogue::Application;
use bailiwick::clock::Timestamp;
use bailiwick::decision::referee::Referee;
use bailiwick::decision::rows::{GrantRow, GrantState, PolicyRows, SubjectKind, SubjectRow, SubjectState};
use bailiwick::decision::{Freshness, Index, Question, Snapshot};
use bailiwick::ids::{AccountId, GrantId};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const QUESTIONS: usize = 200_000;
const GRANTS_PER_PERSON: usize = 10;
const ROLES_PER_APPLICATION: usize = 10;
const FEATURES: usize = 20;
const ACTIONS: [&str; 4] = ["read", "write", "export", "delete"];
const CHANGES: usize = 5_000;

fn main() {
    let table =
        [(100, 1_000), (1_000, 1_000), (10_000, 1_000), (100, 100_000), (1_000, 100_000), (10_000, 100_000)];
    println!(
        "decision in process: each of {QUESTIONS} distinct questions timed alone, half of them permitted"
    );
    println!("(reading the clock costs {} of it; the recorder is not part of it yet)\n", nanos(clock_cost()));
    println!(
        "{:>7} {:>8}  {:>10} {:>10} {:>9} {:>9}  {:>12} {:>11} {:>11}",
        "rows", "people", "median", "goal", "p99", "goal", "casbin", "ratio", "goal"
    );
    for (rows, people) in table {
        decisions(rows, people);
    }
    changes();
}

/// One line of the table.
fn decisions(rows: usize, people: usize) {
    let town = Town { policy: policy(rows), applications: rows / 100, people };
    let index = Index::default();
    index.publish(town.snapshot());
    assert_eq!(index.snapshot().policy_row_count(), rows);
    let questions = town.questions(&index);
    let (mut times, mut answers) = (Vec::with_capacity(questions.len()), Vec::with_capacity(questions.len()));
    let mut spoken = Asked::default();
    for asked in &questions {
        spoken.copy(asked);
        let question = spoken.question();
        let begun = Instant::now();
        let answer = black_box(index.evaluate(now(), Freshness::Fresh, black_box(&question)));
        times.push(begun.elapsed());
        answers.push(answer.permit());
    }
    let permitted = answers.iter().filter(|permit| **permit).count();
    assert_eq!(permitted, questions.len() / 2, "half of the questions are permitted");
    let (median, high) = quantiles(&mut times);
    let casbin = town.casbin(&questions, &answers);
    let ratio = casbin.as_secs_f64() / median.as_secs_f64();
    let goals = match (rows, people) {
        (10_000, 100_000) => ["≤ 400 ns", "≤ 1.5 µs", "≥ 10000×"],
        (10_000, _) => ["≤ 150 ns", "-", "≥ 10000×"],
        _ => ["-", "-", "-"],
    };
    println!(
        "{rows:>7} {people:>8}  {:>10} {:>10} {:>9} {:>9}  {:>12} {:>10.0}× {:>11}",
        nanos(median),
        goals[0],
        nanos(high),
        goals[1],
        nanos(casbin),
        ratio,
        goals[2]
    );
}

/// How long it takes until a change of one grant among a million is judged by.
fn changes() {
    let town = Town { policy: policy(10_000), applications: 100, people: 100_000 };
    let before = resident();
    let index = Index::default();
    let begun = Instant::now();
    let rows: Vec<SubjectRow> = (0..town.people).map(|person| town.subject(person)).collect();
    let generated = begun.elapsed();
    drop(rows);
    let begun = Instant::now();
    index.publish(town.snapshot());
    let built = begun.elapsed().saturating_sub(generated);
    let after = resident();
    let mut chance = ChaCha8Rng::seed_from_u64(7);
    let mut times = Vec::with_capacity(CHANGES);
    for _ in 0..CHANGES {
        let mut row = town.subject(pick(&mut chance, town.people));
        let grant = pick(&mut chance, row.grants.len());
        row.grants[grant].state = GrantState::Suspended;
        let begun = Instant::now();
        index.publish((*index.snapshot()).clone().with_subject(&row));
        times.push(begun.elapsed());
    }
    let (median, high) = quantiles(&mut times);
    println!("\none grant changed among {}, until the index judges by it", town.people * GRANTS_PER_PERSON);
    println!("  median {} (goal ≤ 100 µs), p99 {}", nanos(median), nanos(high));
    println!(
        "index of {} grants: built in {:.1} s, {} MB",
        town.people * GRANTS_PER_PERSON,
        built.as_secs_f64(),
        after.saturating_sub(before) / 1024
    );
}

/// A policy and its people, always the same ones.
struct Town {
    policy: PolicyRows,
    applications: usize,
    people: usize,
}

impl Town {
    fn snapshot(&self) -> Snapshot {
        let empty = Snapshot::default().with_policy(&self.policy).expect("the policy compiles");
        (0..self.people).fold(empty, |snapshot, person| snapshot.with_subject(&self.subject(person)))
    }

    /// A person with ten grants in three applications; a few of the grants are over or rest.
    fn subject(&self, person: usize) -> SubjectRow {
        let mut chance = ChaCha8Rng::seed_from_u64(person as u64);
        let own: Vec<usize> = (0..3).map(|_| pick(&mut chance, self.applications)).collect();
        let grants = (0..GRANTS_PER_PERSON).map(|number| GrantRow {
            id: GrantId::parse(&uuid(person * GRANTS_PER_PERSON + number)).expect("an id"),
            role: format!(
                "app-{}/role-{}",
                own[pick(&mut chance, 3)],
                pick(&mut chance, ROLES_PER_APPLICATION)
            ),
            state: if pick(&mut chance, 50) == 0 { GrantState::Suspended } else { GrantState::Active },
            valid_from: Timestamp::from_micros(0),
            expires_at: Some(Timestamp::from_micros(
                now().micros() + if pick(&mut chance, 50) == 0 { -1 } else { 1 },
            )),
            scope: None,
        });
        let account = AccountId::parse(&uuid(usize::MAX / 2 + person)).expect("an id");
        SubjectRow {
            kind: SubjectKind::Person,
            names: vec![account.to_string(), username(person), format!("E{person:07}")],
            state: SubjectState::Active,
            valid_from: None,
            valid_until: None,
            strong_factor: true,
            is_manager: person.is_multiple_of(10),
            is_owner: false,
            grants: grants.collect(),
            account,
        }
    }

    /// Distinct questions in random order, half of them permitted. Where fewer people and permissions exist, the same
    /// pair is asked of several records.
    fn questions(&self, index: &Index) -> Vec<Asked> {
        let mut chance = ChaCha8Rng::seed_from_u64(42);
        let (mut seen, mut kept) = (HashSet::new(), Vec::new());
        let mut wanted = [QUESTIONS / 2, QUESTIONS / 2];
        while wanted != [0, 0] {
            let person = pick(&mut chance, self.people);
            let row = self.subject(person);
            for _ in 0..8 {
                // The applications of the person's own roles, so that what is denied is denied for a near miss.
                let role = &row.grants[pick(&mut chance, row.grants.len())].role;
                let application = role.split('/').next().expect("an application");
                let asked = Asked {
                    subject: username(person),
                    resource_type: format!("{application}/feature-{}", pick(&mut chance, FEATURES)),
                    action: ACTIONS[pick(&mut chance, ACTIONS.len())].to_owned(),
                    resource: format!("record-{}", pick(&mut chance, 1_000)),
                };
                let permit = index.evaluate(now(), Freshness::Fresh, &asked.question()).permit();
                if wanted[usize::from(permit)] > 0 && seen.insert(asked.clone()) {
                    wanted[usize::from(permit)] -= 1;
                    kept.push(asked);
                }
            }
        }
        for last in (1..kept.len()).rev() {
            kept.swap(last, pick(&mut chance, last + 1));
        }
        kept
    }

    /// The median of casbin on some of the questions. It knows only the people of that sample, to its advantage.
    fn casbin(&self, questions: &[Asked], answers: &[bool]) -> Duration {
        let sample = (200_000 / self.policy_rows()).clamp(40, 1_000);
        let step = questions.len() / sample;
        let sample: Vec<(&Asked, bool)> =
            questions.iter().zip(answers.iter().copied()).step_by(step).take(sample).collect();
        let numbers: BTreeMap<String, usize> =
            (0..self.people).map(|person| (username(person), person)).collect();
        let people: Vec<SubjectRow> =
            sample.iter().map(|(asked, _)| self.subject(numbers[&asked.subject])).collect();
        let referee = Referee::of(&self.policy, None, &people, now()).expect("casbin takes the rows");
        let time = |((asked, permit), person): (&(&Asked, bool), &SubjectRow)| {
            let (application, feature) = asked.resource_type.split_once('/').expect("both");
            let begun = Instant::now();
            let answer = referee.permits(&person.account, (application, feature, &asked.action));
            let time = begun.elapsed();
            assert_eq!(answer.expect("casbin answers"), *permit, "casbin and the index agree");
            time
        };
        let mut times: Vec<Duration> = sample.iter().zip(&people).map(time).collect();
        quantiles(&mut times).0
    }

    fn policy_rows(&self) -> usize {
        self.applications * 100
    }
}

/// The text of a question.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Asked {
    subject: String,
    resource_type: String,
    action: String,
    resource: String,
}

impl Asked {
    fn question(&self) -> Question<'_> {
        Question {
            subject_type: "user",
            subject: &self.subject,
            application: None,
            resource_type: &self.resource_type,
            resource: &self.resource,
            action: &self.action,
            ..Question::default()
        }
    }

    fn copy(&mut self, other: &Self) {
        let pairs = [
            (&mut self.subject, &other.subject),
            (&mut self.resource_type, &other.resource_type),
            (&mut self.action, &other.action),
            (&mut self.resource, &other.resource),
        ];
        for (own, other) in pairs {
            own.clear();
            own.push_str(other);
        }
    }
}

/// A policy of exactly so many rows: applications of twenty features with four actions, ten roles of ten rows each,
/// of which one row in a hundred denies; every third role inherits from the one before it.
fn policy(rows: usize) -> PolicyRows {
    let applications = (0..rows / 100).map(|application| {
        let mut chance = ChaCha8Rng::seed_from_u64(application as u64);
        let mut text = format!("key = \"app-{application}\"\nowner = \"grace\"\n");
        for feature in 0..FEATURES {
            text += &format!("[[feature]]\nkey = \"feature-{feature}\"\nactions = {ACTIONS:?}\n");
        }
        for role in 0..ROLES_PER_APPLICATION {
            text += &format!("[[role]]\nkey = \"role-{role}\"\n");
            if role % 3 == 2 {
                text += &format!("inherits = [\"role-{}\"]\n", role - 1);
            }
            for rule in 0..5 {
                let denies = role == 0 && rule == 0;
                let (feature, action) = (pick(&mut chance, FEATURES), pick(&mut chance, ACTIONS.len()));
                let (one, other) = (ACTIONS[action], ACTIONS[(action + 1) % ACTIONS.len()]);
                let mut rule = |kind: &str, actions: &[&str]| {
                    text +=
                        &format!("[[role.{kind}]]\nfeature = \"feature-{feature}\"\nactions = {actions:?}\n");
                };
                match denies {
                    true => {
                        rule("deny", &[one]);
                        rule("allow", &[other]);
                    }
                    false => rule("allow", &[one, other]),
                }
            }
        }
        toml::from_str::<Application>(&text).expect("a catalogue")
    });
    PolicyRows::of_catalogues(applications.collect(), BTreeMap::new())
}

fn now() -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000)
}

fn username(person: usize) -> String {
    format!("person-{person:06}@example")
}

fn uuid(number: usize) -> String {
    // Spread over the whole range, as ids of version 7 would be over theirs.
    uuid::Uuid::from_u128((number as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
        .to_string()
}

fn pick(chance: &mut ChaCha8Rng, below: usize) -> usize {
    (chance.next_u64() % below as u64) as usize
}

fn quantiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

fn clock_cost() -> Duration {
    let mut times: Vec<Duration> = (0..10_000).map(|_| Instant::now()).map(|begun| begun.elapsed()).collect();
    quantiles(&mut times).0
}

fn nanos(time: Duration) -> String {
    match time.as_nanos() {
        nanos @ 0..10_000 => format!("{nanos} ns"),
        nanos @ 10_000..10_000_000 => format!("{:.1} µs", nanos as f64 / 1e3),
        nanos => format!("{:.1} ms", nanos as f64 / 1e6),
    }
}

/// Resident memory in kilobytes, where the system tells.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
