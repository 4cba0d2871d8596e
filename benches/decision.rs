//! How long a decision takes, its record included, against casbin-rs in the same run, and how long it takes to learn of a
//! change. `make bench` prints more, and compares with more.
//!
//! Run with `cargo bench --bench decision`. Made to be hard to please: questions are distinct, in random order, half of
//! them permitted; each is timed on its own, the clock's own cost included; their text is copied into place before, as
//! a parser would leave it, but nothing else is warm except by chance. Answers are compared with casbin's.
#![expect(clippy::expect_used, reason = "a measurement that cannot go on says why")]

mod town;

use std::time::Instant;

use bailiwick::decision::Index;
use bailiwick::decision::rows::{GrantState, SubjectRow};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use town::{GRANTS_PER_PERSON, House, QUESTIONS, Town, clock_cost, nanos, pick, policy, quantiles, resident};

const CHANGES: usize = 5_000;

fn main() {
    let table =
        [(100, 1_000), (1_000, 1_000), (10_000, 1_000), (100, 100_000), (1_000, 100_000), (10_000, 100_000)];
    println!(
        "decision in process, its record pushed: each of {QUESTIONS} distinct questions timed alone, half of them permitted"
    );
    println!("(reading the clock costs {} of it)\n", nanos(clock_cost()));
    println!(
        "{:>7} {:>8}  {:>10} {:>10} {:>9} {:>9}  {:>12} {:>11} {:>11}",
        "rows", "people", "median", "goal", "p99", "goal", "casbin", "ratio", "goal"
    );
    let house = House::new();
    for (rows, people) in table {
        decisions(&house, rows, people);
    }
    changes();
}

/// One line of the table.
fn decisions(house: &House, rows: usize, people: usize) {
    let town = Town { policy: policy(rows), applications: rows / 100, people };
    let index = Index::default();
    index.publish(town.snapshot());
    assert_eq!(index.snapshot().policy_row_count(), rows);
    let questions = town.questions(&index);
    let (mut times, answers) = town::timed(&index, house, &questions);
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
