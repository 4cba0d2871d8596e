//! The dearest conditions that there may be: each runs out of steps over what a question brings along.

use std::time::{Duration, Instant};

use bailiwick::access::expression::{Expression, May, Properties, Seen};
use serde_json::{Value, json};

use crate::town::quantiles;

const TIMES: usize = 200;
const DEAR: [&str; 5] = [
    "context.list.all(n, n >= 0)",
    "context.list.filter(n, n > 5).size() > 1",
    "context.few.map(a, context.list.map(b, b)).size() > 1",
    "context.list + context.list != []",
    "context.text.contains('y')",
];

/// The dearest of them: its median and its p99.
pub fn dearest() -> (&'static str, Duration, Duration) {
    let context = json!({
        "list": (0..20_000).collect::<Vec<_>>(), "few": [1, 2, 3], "text": "x".repeat(1 << 20),
    });
    let judged = DEAR.map(|text| {
        let (median, high) = judged(text, &context);
        (text, median, high)
    });
    judged.into_iter().max_by_key(|(_, median, _)| *median).expect("there are some")
}

fn judged(text: &'static str, context: &Value) -> (Duration, Duration) {
    let asserted = Properties { asserted: context.as_object(), may: May::Everything, own: None };
    let seen =
        Seen { subject: "ada", action: "read", feature: "order", context: asserted, ..Seen::default() };
    let expression = Expression::read(text).expect("a condition");
    let once = |_| {
        let begun = Instant::now();
        assert!(std::hint::black_box(expression.holds(&seen)).is_err(), "{text} runs out of steps");
        begun.elapsed()
    };
    let mut times: Vec<Duration> = (0..TIMES).map(once).collect();
    quantiles(&mut times)
}
