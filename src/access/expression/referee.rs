//! The library's own interpreter as referee: what is accepted here comes out as it has it, faults included. Left out is
//! what it has otherwise than the language: it adds a map to a list.

use std::collections::HashMap;
use std::sync::Arc;

use cel::{Context, Program};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

use super::{Expression, Properties, Seen};

/// What a drawn expression mostly is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Number,
    Truth,
    Text,
    List,
    Any,
}

fn leaf(kind: Kind) -> BoxedStrategy<String> {
    let names = match kind {
        Kind::Number => vec!["-2", "0", "1", "2", "3", "context.one", "context.two", "context.map.a"],
        Kind::Truth => vec!["true", "false", "context.yes", "context.no"],
        Kind::Text => vec!["'a'", "'b'", "''", "context.text"],
        Kind::List => vec!["[]", "[1, 2]", "['a']", "context.list", "context.texts"],
        Kind::Any => vec![
            "null",
            "0.5",
            "1.0",
            "3u",
            "context.half",
            "context.nothing",
            "context.missing",
            "context.texts",
        ],
    };
    select(names).prop_map(str::to_owned).boxed()
}

/// An expression of that kind, now and then of another.
fn term(kind: Kind, depth: u32) -> BoxedStrategy<String> {
    let Some(below) = depth.checked_sub(1) else { return leaf(kind) };
    let of = |kind: Kind| prop_oneof![12 => term(kind, below), 1 => term(Kind::Any, below)];
    let two = |one: Kind, other: Kind, signs: &[&'static str]| {
        (of(one), of(other), select(signs.to_vec()))
            .prop_map(|(left, right, sign)| format!("({left} {sign} {right})"))
    };
    let chosen = |kind: Kind| {
        (of(Kind::Truth), of(kind), of(kind)).prop_map(|(asked, yes, no)| format!("({asked} ? {yes} : {no})"))
    };
    let made = match kind {
        Kind::Number => prop_oneof![
            4 => two(Kind::Number, Kind::Number, &["+", "-", "*", "/", "%"]),
            1 => of(Kind::Number).prop_map(|inner| format!("-({inner})")),
            1 => of(Kind::List).prop_map(|inner| format!("size({inner})")),
            1 => of(Kind::Text).prop_map(|inner| format!("size({inner})")),
            1 => (of(Kind::List), of(Kind::Number)).prop_map(|(list, place)| format!("({list})[{place}]")),
            1 => chosen(Kind::Number),
        ]
        .boxed(),
        Kind::Truth => prop_oneof![
            4 => two(Kind::Number, Kind::Number, &["==", "!=", "<", "<=", ">", ">="]),
            2 => two(Kind::Any, Kind::Any, &["==", "!="]),
            4 => two(Kind::Truth, Kind::Truth, &["&&", "||"]),
            1 => two(Kind::Text, Kind::Text, &["==", "<", ">="]),
            2 => two(Kind::Any, Kind::List, &["in"]),
            1 => of(Kind::Truth).prop_map(|inner| format!("!({inner})")),
            3 => (of(Kind::List), of(Kind::Any), select(vec!["all", "exists", "exists_one"]))
                .prop_map(|(list, body, name)| format!("({list}).{name}(x, x == {body})")),
            1 => (of(Kind::Text), of(Kind::Text)).prop_map(|(one, other)| format!("({one}).contains({other})")),
        ]
        .boxed(),
        Kind::Text => prop_oneof![2 => two(Kind::Text, Kind::Text, &["+"]), 1 => chosen(Kind::Text)].boxed(),
        Kind::List => prop_oneof![
            2 => (of(Kind::Any), of(Kind::Any)).prop_map(|(one, other)| format!("[{one}, {other}]")),
            1 => two(Kind::List, Kind::List, &["+"]),
            1 => (of(Kind::List), of(Kind::Any)).prop_map(|(list, body)| format!("({list}).map(x, x == {body})")),
            1 => (of(Kind::List), of(Kind::Any)).prop_map(|(list, body)| format!("({list}).filter(x, x != {body})")),
        ]
        .boxed(),
        Kind::Any => prop_oneof![
            term(Kind::Number, below),
            term(Kind::Truth, below),
            term(Kind::Text, below),
            term(Kind::List, below),
        ]
        .boxed(),
    };
    // In brackets and taken out again, nothing is known of it beforehand, and so nothing refused beforehand.
    prop_oneof![1 => leaf(kind), 3 => made.prop_map(|made| format!("[{made}][0]"))].boxed()
}

fn their_value(json: &Json) -> cel::Value {
    match json {
        Json::Null => cel::Value::Null,
        Json::Bool(truth) => cel::Value::Bool(*truth),
        Json::Number(number) => match number.as_i64() {
            Some(number) => cel::Value::Int(number),
            None => cel::Value::Float(number.as_f64().unwrap()),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => cel::Value::List(Arc::new(items.iter().map(their_value).collect())),
        Json::Object(object) => {
            let entries = object.iter().map(|(name, value)| (name.as_str(), their_value(value)));
            entries.collect::<HashMap<_, _>>().into()
        }
    }
}

/// More of it with the environment variable `BAILIWICK_CASES`.
#[test]
fn judged_as_the_library_judges() {
    let ours = json!({
        "one": 1, "two": 2, "half": 0.5, "text": "a", "yes": true, "no": false, "nothing": null,
        "list": [1, 2, 3], "texts": ["a", "b"], "map": { "a": 1 },
    });
    let mut theirs = Context::default();
    theirs.add_variable_from_value("context", their_value(&ours));
    let context = Properties { own: ours.as_object(), ..Properties::default() };
    let asked = std::env::var("BAILIWICK_CASES").ok().and_then(|text| text.parse().ok());
    let asked: usize = asked.unwrap_or(600);
    let drawn = term(Kind::Truth, 3);
    let mut runner = TestRunner::deterministic();
    let mut outcomes: HashMap<Option<bool>, usize> = HashMap::new();
    let mut differing: Vec<String> = Vec::new();
    for _ in 0..asked {
        let text = drawn.new_tree(&mut runner).unwrap().current();
        let Ok(expression) = Expression::read(&text) else { continue };
        let judged = expression.holds(&Seen { context, ..Seen::default() });
        let expected = match Program::compile(&text).unwrap().execute(&theirs) {
            Ok(cel::Value::Bool(truth)) => Some(truth),
            _ => None,
        };
        if judged.ok() != expected {
            differing.push(format!("{text}: {judged:?}, {expected:?}"));
        }
        *outcomes.entry(expected).or_default() += 1;
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    for outcome in [Some(true), Some(false), None] {
        let often = outcomes.get(&outcome).copied().unwrap_or(0);
        assert!(often > asked / 20, "{outcome:?} only {often} times: {outcomes:?}");
    }
}
