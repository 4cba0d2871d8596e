//! Numbers of three kinds compared with each other and calculated with, none of which may overflow unnoticed.
//!
//! Rule: numbers of different kinds are compared by what they are worth, and not added. Pure.

use std::cmp::Ordering;

use super::value::Value;
use super::{Calculation, Stop};

/// Which of two numbers is greater; `None` if one is none, or not a number at all.
pub(super) fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Double(left), right) => against(whole(right)?, *left).map(Ordering::reverse),
        (left, Value::Double(right)) => against(whole(left)?, *right),
        _ => Some(whole(left)?.cmp(&whole(right)?)),
    }
}

fn whole(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::Uint(number) => Some(i128::from(*number)),
        _ => None,
    }
}

fn against(whole: i128, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    // What is too large for the type becomes its end, which is beyond every number compared here.
    let truncated = double.trunc() as i128;
    Some(whole.cmp(&truncated).then_with(|| 0.0_f64.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal)))
}

/// Calculates with two numbers of one kind.
pub(super) fn calculate(
    how: Calculation,
    left: &Value<'_>,
    right: &Value<'_>,
) -> Result<Value<'static>, Stop> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => {
            let done = match how {
                Calculation::Add => left.checked_add(*right),
                Calculation::Subtract => left.checked_sub(*right),
                Calculation::Multiply => left.checked_mul(*right),
                Calculation::Divide => left.checked_div(*right),
                Calculation::Remainder => left.checked_rem(*right),
            };
            done.map(Value::Int).ok_or(Stop::Arithmetic)
        }
        (Value::Uint(left), Value::Uint(right)) => {
            let done = match how {
                Calculation::Add => left.checked_add(*right),
                Calculation::Subtract => left.checked_sub(*right),
                Calculation::Multiply => left.checked_mul(*right),
                Calculation::Divide => left.checked_div(*right),
                Calculation::Remainder => left.checked_rem(*right),
            };
            done.map(Value::Uint).ok_or(Stop::Arithmetic)
        }
        (Value::Double(left), Value::Double(right)) => match how {
            Calculation::Add => Ok(Value::Double(left + right)),
            Calculation::Subtract => Ok(Value::Double(left - right)),
            Calculation::Multiply => Ok(Value::Double(left * right)),
            Calculation::Divide if *right == 0.0 => Err(Stop::Arithmetic),
            Calculation::Divide => Ok(Value::Double(left / right)),
            Calculation::Remainder => Err(Stop::Kind),
        },
        _ => times(how, left, right),
    }
}

/// Instants and the spans between them.
fn times(how: Calculation, left: &Value<'_>, right: &Value<'_>) -> Result<Value<'static>, Stop> {
    let fits = |done: Option<i64>| done.ok_or(Stop::Arithmetic);
    match (how, left, right) {
        (Calculation::Add, Value::Instant(one), Value::Span(two))
        | (Calculation::Add, Value::Span(one), Value::Instant(two)) => {
            fits(one.checked_add(*two)).map(Value::Instant)
        }
        (Calculation::Add, Value::Span(one), Value::Span(two)) => {
            fits(one.checked_add(*two)).map(Value::Span)
        }
        (Calculation::Subtract, Value::Instant(one), Value::Instant(two))
        | (Calculation::Subtract, Value::Span(one), Value::Span(two)) => {
            fits(one.checked_sub(*two)).map(Value::Span)
        }
        (Calculation::Subtract, Value::Instant(one), Value::Span(two)) => {
            fits(one.checked_sub(*two)).map(Value::Instant)
        }
        _ => Err(Stop::Kind),
    }
}

/// The number with the other sign.
pub(super) fn negative(value: &Value<'_>) -> Result<Value<'static>, Stop> {
    match value {
        Value::Int(number) => number.checked_neg().map(Value::Int).ok_or(Stop::Arithmetic),
        Value::Double(number) => Ok(Value::Double(-number)),
        Value::Span(span) => span.checked_neg().map(Value::Span).ok_or(Stop::Arithmetic),
        _ => Err(Stop::Kind),
    }
}
