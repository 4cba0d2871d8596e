//! The index against casbin on more than a million questions, on every core: `make nightly`. Each world has a seed of its
//! own, so that what failed can be looked at again: `BAILIWICK_SEED=… BAILIWICK_WORLDS=1 scripts/nightly`.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::differential::{compare, compiled, links, steps, walk};
use super::worlds::{World, circled, world};

/// How many worlds, unless the environment says otherwise. Each fifth of them is a sequence of changes too, and has a
/// neighbour with a circle.
const WORLDS: usize = 10_000;
const QUESTIONS: usize = 1_000_000;

fn said(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// How many questions a world answers as casbin does.
fn judged(world: &World) -> Result<usize, String> {
    match compiled(world) {
        Some(snapshot) => compare(&snapshot, world),
        None if links(&world.policy) > 9 => Ok(0),
        None => Err("it was refused".to_owned()),
    }
}

/// The smallest world near this one that fails as well.
fn smallest(mut tree: impl ValueTree<Value = World>) -> World {
    let mut failing = tree.current();
    let mut goes_on = tree.simplify();
    while goes_on {
        let current = tree.current();
        if judged(&current).is_err() {
            failing = current;
            goes_on = tree.simplify();
        } else {
            goes_on = tree.complicate();
        }
    }
    failing
}

/// All that is asked about one seed.
fn round(seed: u64) -> usize {
    let mut runner = runner(seed);
    let tree = world().new_tree(&mut runner).unwrap();
    let mut questions = judged(&tree.current()).unwrap_or_else(|difference| {
        panic!("BAILIWICK_SEED={seed} BAILIWICK_WORLDS=1: {difference}\n{:#?}", smallest(tree))
    });
    if seed.is_multiple_of(5) {
        let changes = steps().new_tree(&mut runner).unwrap().current();
        questions += walk(changes.clone()).unwrap_or_else(|difference| {
            panic!("BAILIWICK_SEED={seed} BAILIWICK_WORLDS=1: {difference}\n{changes:#?}")
        });
        let circle = circled().new_tree(&mut runner).unwrap().current();
        assert!(compiled(&circle).is_none(), "BAILIWICK_SEED={seed}: a circle was compiled\n{circle:#?}");
    }
    questions
}

#[test]
#[ignore = "takes minutes: make nightly"]
fn a_million_questions_over_ten_thousand_policies() {
    let seed = said("BAILIWICK_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) >> 16);
    let worlds = said("BAILIWICK_WORLDS").map_or(WORLDS, |worlds| worlds as usize);
    println!("seeds {seed} to {}", seed + worlds as u64 - 1);
    let (begun, questions, next) = (Instant::now(), AtomicUsize::new(0), AtomicU64::new(seed));
    let end = seed + worlds as u64;
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let mine = next.fetch_add(1, Ordering::Relaxed);
                    if mine >= end {
                        return;
                    }
                    questions.fetch_add(round(mine), Ordering::Relaxed);
                }
            });
        }
    });
    let (questions, time) = (questions.into_inner(), begun.elapsed().as_secs());
    println!("{questions} questions over {worlds} policies: as casbin answers, in {time} s");
    assert!(worlds < WORLDS || questions >= QUESTIONS, "{questions} questions are too few");
}
