//! The town that the benchmarks ask about: a policy of so many rows, its people, and distinct questions of which half are
//! permitted. Always the same ones. And a house whose recorder takes the decisions in.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bailiwick::access::catalogue::Application;
use bailiwick::app::App;
use bailiwick::clock::{SystemClock, Timestamp};
use bailiwick::config::{Config, Overrides};
use bailiwick::decision::referee::Referee;
use bailiwick::decision::rows::{GrantRow, GrantState, PolicyRows, SubjectKind, SubjectRow, SubjectState};
use bailiwick::decision::{Freshness, Index, Question, Snapshot};
use bailiwick::entropy::OsEntropy;
use bailiwick::ids::{AccountId, GrantId};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub const QUESTIONS: usize = 200_000;
pub const GRANTS_PER_PERSON: usize = 10;
/// So many questions are asked before the recorder is waited for, outside of what is timed: its ring has room then, as
/// it has at any rate that HTTPS can reach.
pub const BURST: usize = 1_000;
const ROLES_PER_APPLICATION: usize = 10;
const FEATURES: usize = 20;
const ACTIONS: [&str; 4] = ["read", "write", "export", "delete"];

/// A house in a directory of its own, for its recorder: a real thread that writes into real files.
pub struct House {
    pub app: App,
    directory: PathBuf,
}

impl House {
    /// An empty one.
    pub fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("bailiwick-bench-{}", std::process::id()));
        let overrides = Overrides { data: Some(directory.clone()), ..Overrides::default() };
        let mut config = Config::load(overrides).expect("settings");
        config.referee_sample = 0;
        let app = App::open_as_found(config, Arc::new(SystemClock::default()), Arc::new(OsEntropy));
        Self { app: app.expect("the house opens"), directory }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.app.close();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// How long each question took, its record pushed, and what was answered.
pub fn timed(index: &Index, house: &House, questions: &[Asked]) -> (Vec<Duration>, Vec<bool>) {
    let (recorder, asker) = (house.app.recorder(), Arc::from(uuid(1).as_str()));
    let (mut times, mut answers) = (Vec::with_capacity(questions.len()), Vec::with_capacity(questions.len()));
    let mut spoken = Asked::default();
    for burst in questions.chunks(BURST) {
        assert!(recorder.flush(), "the recorder writes");
        for asked in burst {
            spoken.copy(asked);
            let question = std::hint::black_box(spoken.question());
            let begun = Instant::now();
            let snapshot = index.snapshot();
            let answer = snapshot.evaluate(now(), Freshness::Fresh, &question);
            let recorded = recorder.record(now(), &asker, &question, &snapshot, &answer);
            let permit = answer.permit();
            std::hint::black_box(recorded);
            drop((answer, snapshot));
            times.push(begun.elapsed());
            answers.push(permit);
        }
    }
    (times, answers)
}

/// A policy and its people, always the same ones.
pub struct Town {
    pub policy: PolicyRows,
    pub applications: usize,
    pub people: usize,
}

impl Town {
    pub fn snapshot(&self) -> Snapshot {
        let empty = Snapshot::default().with_policy(&self.policy).expect("the policy compiles");
        (0..self.people).fold(empty, |snapshot, person| snapshot.with_subject(&self.subject(person)))
    }

    /// A person with ten grants in three applications; a few of the grants are over or rest.
    pub fn subject(&self, person: usize) -> SubjectRow {
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
    pub fn questions(&self, index: &Index) -> Vec<Asked> {
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
    pub fn casbin(&self, questions: &[Asked], answers: &[bool]) -> Duration {
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

    pub fn policy_rows(&self) -> usize {
        self.applications * 100
    }
}

/// The text of a question.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Asked {
    pub subject: String,
    pub resource_type: String,
    pub action: String,
    pub resource: String,
}

impl Asked {
    pub fn question(&self) -> Question<'_> {
        Question {
            subject_type: "user",
            subject: &self.subject,
            subject_properties: None,
            application: None,
            resource_type: &self.resource_type,
            resource: &self.resource,
            action: &self.action,
            action_properties: None,
            properties: None,
            context: None,
            asserts: None,
        }
    }

    pub fn copy(&mut self, other: &Self) {
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
pub fn policy(rows: usize) -> PolicyRows {
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

pub fn now() -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000)
}

pub fn username(person: usize) -> String {
    format!("person-{person:06}@example")
}

pub fn uuid(number: usize) -> String {
    // Spread over the whole range, as ids of version 7 would be over theirs.
    uuid::Uuid::from_u128((number as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
        .to_string()
}

pub fn pick(chance: &mut ChaCha8Rng, below: usize) -> usize {
    (chance.next_u64() % below as u64) as usize
}

pub fn quantiles(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

pub fn clock_cost() -> Duration {
    let mut times: Vec<Duration> = (0..10_000).map(|_| Instant::now()).map(|begun| begun.elapsed()).collect();
    quantiles(&mut times).0
}

pub fn nanos(time: Duration) -> String {
    match time.as_nanos() {
        nanos @ 0..10_000 => format!("{nanos} ns"),
        nanos @ 10_000..10_000_000 => format!("{:.1} µs", nanos as f64 / 1e3),
        nanos => format!("{:.1} ms", nanos as f64 / 1e6),
    }
}

/// Resident memory in kilobytes, where the system tells.
pub fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
