//! Which of two values is stricter, and how periods are counted.

use bailiwick::profile::order::Order;
use bailiwick::profile::value::{Range, Recurring, Threshold};
use bailiwick::profile::{Period, PeriodUnit, Value, parameters};
use chrono::{DateTime, Utc};
use proptest::prelude::*;

#[test]
fn a_month_of_the_calendar_is_stricter_than_ninety_days_and_a_quarter_is_not() {
    let period = |count, unit| Value::Period(Period { count, unit });
    let month = period(1, PeriodUnit::CalendarMonths);
    let quarter = period(3, PeriodUnit::CalendarMonths);
    let ninety = period(90, PeriodUnit::Days);
    assert!(Order::Shorter.at_least(&month, &ninety) && !Order::Shorter.at_least(&ninety, &month));
    assert!(Order::Shorter.at_least(&ninety, &quarter) && !Order::Shorter.at_least(&quarter, &ninety));
    assert!(Order::Longer.at_least(&period(12, PeriodUnit::Months), &period(365, PeriodUnit::Days)));
    assert!(!Order::Longer.at_least(&period(12, PeriodUnit::Months), &period(366, PeriodUnit::Days)));
    assert!(Order::Shorter.at_least(&period(366, PeriodUnit::Days), &period(12, PeriodUnit::Months)));
}

#[test]
fn periods_are_read_written_and_counted_exactly() {
    for text in ["15min", "24h", "90d", "12mo", "1calmo"] {
        assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
    }
    for wrong in ["", "d", "90", "90 d", "-1d", "9w", "99999999999d", "１d"] {
        assert!(wrong.parse::<Period>().is_err(), "{wrong:?}");
    }
    let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let start = instant("2026-01-31T10:00:00Z");
    let after = |text: &str| text.parse::<Period>().unwrap().after(start).unwrap();
    assert_eq!(after("90d"), instant("2026-05-01T10:00:00Z"));
    assert_eq!(after("1mo"), instant("2026-02-28T10:00:00Z"));
    assert_eq!(after("24h"), instant("2026-02-01T10:00:00Z"));
    assert_eq!("2mo".parse::<Period>().unwrap().before(start), Some(instant("2025-11-30T10:00:00Z")));
    assert_eq!(Period { count: u32::MAX, unit: PeriodUnit::Days }.after(start), None);
}

fn words(known: &'static [&'static str]) -> BoxedStrategy<Value> {
    proptest::sample::subsequence(known, 0..=known.len())
        .prop_map(|chosen| Value::Set(chosen.into_iter().map(str::to_owned).collect()))
        .boxed()
}

fn word(known: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(known).prop_map(str::to_owned)
}

fn any_period() -> impl Strategy<Value = Period> {
    let units = vec![PeriodUnit::Hours, PeriodUnit::Days, PeriodUnit::Months, PeriodUnit::CalendarMonths];
    (1..500_u32, proptest::sample::select(units)).prop_map(|(count, unit)| Period { count, unit })
}

/// Values that a parameter with this order may have.
fn value(order: Order) -> BoxedStrategy<Value> {
    let hour = |count| Period { count, unit: PeriodUnit::Hours };
    match order {
        Order::On => any::<bool>().prop_map(Value::Switch).boxed(),
        Order::LowerThreshold => {
            let limit = proptest::option::of((1..9_u32, any_period()));
            let on = limit.prop_map(|limit| Value::Threshold(Threshold { on: true, limit }));
            prop_oneof![on, Just(Value::Threshold(Threshold { on: false, limit: None }))].boxed()
        }
        Order::Fewer | Order::More | Order::MoreBits(_) => any::<u32>().prop_map(Value::Count).boxed(),
        Order::Shorter | Order::Longer => any_period().prop_map(Value::Period).boxed(),
        Order::ShorterEach(kinds) => {
            proptest::collection::btree_map(word(kinds), any_period(), 0..3).prop_map(Value::Periods).boxed()
        }
        Order::WrittenEach(kinds, known) => {
            proptest::collection::btree_map(word(kinds), word(known), 0..3).prop_map(Value::Choices).boxed()
        }
        Order::MoreOften => (any_period(), any::<bool>())
            .prop_map(|(every, after_change)| Value::Recurring(Recurring { every, after_change }))
            .boxed(),
        // All ranges have their fifteenth hour in common, as two that may both hold must.
        Order::Bounded => (1..15_u32, 15..40_u32)
            .prop_map(move |(least, most)| {
                Value::Range(Range { default: hour(15), least: hour(least), most: hour(most) })
            })
            .boxed(),
        Order::Written(known) => word(known).prop_map(Value::Choice).boxed(),
        Order::Union(known)
        | Order::Conditions(known)
        | Order::Intersection(known)
        | Order::Earliest(known) => words(known),
        Order::OneList => words(&["a@example.com", "b@example.com"]),
    }
}

fn order_and_values() -> impl Strategy<Value = (Order, Value, Value)> {
    let orders: Vec<Order> = parameters::ALL.iter().map(|specification| specification.order).collect();
    proptest::sample::select(orders).prop_flat_map(|order| (Just(order), value(order), value(order)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_stricter_of_two_is_at_least_as_strict_as_each((order, left, right) in order_and_values()) {
        match order.stricter(&left, &right) {
            Some(stricter) => {
                prop_assert!(order.at_least(&stricter, &left), "{stricter} against {left} by {order:?}");
                prop_assert!(order.at_least(&stricter, &right), "{stricter} against {right} by {order:?}");
                let again = order.stricter(&stricter, &right);
                prop_assert!(again.is_some_and(|again| order.at_least(&stricter, &again)), "{order:?} goes on");
            }
            None => prop_assert!(order == Order::OneList && left != right),
        }
        prop_assert!(order.at_least(&left, &left), "{left} by {order:?}");
    }
}
