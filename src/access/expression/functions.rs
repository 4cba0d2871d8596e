//! The functions that a condition may call. Each takes its first argument before a dot as well.
//!
//! Rules: no regular expressions, which could be made to take for ever; a text is looked through once. Pure.

use super::Stop;
use super::judge::Judge;
use super::shape::Shape;
use super::value::Value;
use crate::clock::Timestamp;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    StartsWith,
    EndsWith,
    Contains,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Timestamp,
    Duration,
}

impl Function {
    pub(super) const ALL: [(&'static str, Self); 11] = [
        ("size", Self::Size),
        ("startsWith", Self::StartsWith),
        ("endsWith", Self::EndsWith),
        ("contains", Self::Contains),
        ("bool", Self::Bool),
        ("int", Self::Int),
        ("uint", Self::Uint),
        ("double", Self::Double),
        ("string", Self::String),
        ("timestamp", Self::Timestamp),
        ("duration", Self::Duration),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }

    /// Whether it is written behind a text and a dot, and takes a second one.
    pub(super) fn is_about_two_texts(self) -> bool {
        matches!(self, Self::StartsWith | Self::EndsWith | Self::Contains)
    }

    /// Whether it can be written behind a dot.
    pub(super) fn may_stand_behind_a_dot(self) -> bool {
        self.is_about_two_texts() || self == Self::Size
    }

    /// Whether it takes something of this shape, and of what shape the result is.
    pub(super) fn of(self, shape: Shape) -> Option<Shape> {
        let (takes, gives): (&[Shape], Shape) = match self {
            Self::Size => (&[Shape::Text, Shape::List, Shape::Map], Shape::Int),
            Self::StartsWith | Self::EndsWith | Self::Contains => (&[Shape::Text], Shape::Bool),
            Self::Bool => (&[Shape::Bool, Shape::Text], Shape::Bool),
            Self::Int => (&[Shape::Int, Shape::Uint, Shape::Double, Shape::Text, Shape::Instant], Shape::Int),
            Self::Uint => (&[Shape::Int, Shape::Uint, Shape::Double, Shape::Text], Shape::Uint),
            Self::Double => (&[Shape::Int, Shape::Uint, Shape::Double, Shape::Text], Shape::Double),
            Self::String => (&[Shape::Text, Shape::Bool, Shape::Int, Shape::Uint], Shape::Text),
            Self::Timestamp => (&[Shape::Text, Shape::Instant], Shape::Instant),
            Self::Duration => (&[Shape::Text, Shape::Span], Shape::Span),
        };
        (shape == Shape::Any || takes.contains(&shape)).then_some(gives)
    }

    /// Carries it out.
    pub(super) fn call<'v>(
        self,
        judge: &mut Judge<'v>,
        value: Value<'v>,
        other: Option<Value<'v>>,
    ) -> Result<Value<'v>, Stop> {
        if let Value::Text(text) = &value {
            judge.pay_for(text.len())?;
        }
        match self {
            Self::Size => size(judge, &value),
            Self::StartsWith | Self::EndsWith | Self::Contains => {
                let (Value::Text(text), Some(Value::Text(part))) = (&value, &other) else {
                    return Err(Stop::Kind);
                };
                judge.pay_for(part.len())?;
                Ok(Value::Bool(match self {
                    Self::StartsWith => text.starts_with(&**part),
                    Self::EndsWith => text.ends_with(&**part),
                    _ => text.contains(&**part),
                }))
            }
            Self::Bool => match &value {
                Value::Bool(truth) => Ok(Value::Bool(*truth)),
                Value::Text(text) => text.parse().map(Value::Bool).map_err(|_| Stop::Kind),
                _ => Err(Stop::Kind),
            },
            Self::Int => int(&value),
            Self::Uint => uint(&value),
            Self::Double => double(&value),
            Self::String => string(judge, value),
            Self::Timestamp => match &value {
                Value::Instant(at) => Ok(Value::Instant(*at)),
                Value::Text(text) => {
                    Timestamp::parse(text).map(|at| Value::Instant(at.micros())).ok_or(Stop::Kind)
                }
                _ => Err(Stop::Kind),
            },
            Self::Duration => match &value {
                Value::Span(span) => Ok(Value::Span(*span)),
                Value::Text(text) => span(text).map(Value::Span).ok_or(Stop::Kind),
                _ => Err(Stop::Kind),
            },
        }
    }
}

fn size<'v>(judge: &mut Judge<'v>, value: &Value<'v>) -> Result<Value<'v>, Stop> {
    let count = match value {
        Value::Text(text) => text.chars().count(),
        Value::Object(object) => judge.names_of(object)?.len(),
        Value::Map(entries) => entries.len(),
        _ => value.length().ok_or(Stop::Kind)?,
    };
    i64::try_from(count).map(Value::Int).map_err(|_| Stop::Arithmetic)
}

fn int(value: &Value<'_>) -> Result<Value<'static>, Stop> {
    match value {
        Value::Int(number) => Ok(Value::Int(*number)),
        Value::Uint(number) => i64::try_from(*number).map(Value::Int).map_err(|_| Stop::Arithmetic),
        // The ends of the range are no numbers that a double can be exactly, so that they are left out.
        Value::Double(number) if number.abs() < i64::MAX as f64 => Ok(Value::Int(*number as i64)),
        Value::Double(_) => Err(Stop::Arithmetic),
        Value::Text(text) => text.parse().map(Value::Int).map_err(|_| Stop::Kind),
        Value::Instant(at) => Ok(Value::Int(at.div_euclid(1_000_000))),
        _ => Err(Stop::Kind),
    }
}

fn uint(value: &Value<'_>) -> Result<Value<'static>, Stop> {
    match value {
        Value::Uint(number) => Ok(Value::Uint(*number)),
        Value::Int(number) => u64::try_from(*number).map(Value::Uint).map_err(|_| Stop::Arithmetic),
        Value::Double(number) if *number >= 0.0 && *number < u64::MAX as f64 => {
            Ok(Value::Uint(*number as u64))
        }
        Value::Double(_) => Err(Stop::Arithmetic),
        Value::Text(text) => text.parse().map(Value::Uint).map_err(|_| Stop::Kind),
        _ => Err(Stop::Kind),
    }
}

fn double(value: &Value<'_>) -> Result<Value<'static>, Stop> {
    match value {
        Value::Double(number) => Ok(Value::Double(*number)),
        Value::Int(number) => Ok(Value::Double(*number as f64)),
        Value::Uint(number) => Ok(Value::Double(*number as f64)),
        Value::Text(text) => text.parse().map(Value::Double).map_err(|_| Stop::Kind),
        _ => Err(Stop::Kind),
    }
}

fn string<'v>(judge: &mut Judge<'v>, value: Value<'v>) -> Result<Value<'v>, Stop> {
    judge.pay_for(20)?;
    match value {
        Value::Text(text) => Ok(Value::Text(text)),
        Value::Bool(truth) => Ok(Value::text(if truth { "true" } else { "false" })),
        Value::Int(number) => Ok(Value::made(number.to_string())),
        Value::Uint(number) => Ok(Value::made(number.to_string())),
        _ => Err(Stop::Kind),
    }
}

/// A span such as `1h30m`, `-1.5s` or `250ms`, in microseconds.
fn span(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0_f64;
    while !rest.is_empty() && rest != "0" {
        let behind = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit_and_rest) = rest.split_at(behind);
        let until = unit_and_rest.find(|c: char| c.is_ascii_digit()).unwrap_or(unit_and_rest.len());
        let (unit, more) = unit_and_rest.split_at(until);
        let micros = match unit {
            "h" => 3_600e6,
            "m" => 60e6,
            "s" => 1e6,
            "ms" => 1e3,
            "us" | "µs" => 1.0,
            "ns" => 1e-3,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * micros;
        rest = more;
    }
    // A hundred years are far more than any condition asks for, and exact in a double.
    let fits = total <= 3.2e15;
    fits.then_some(if negative { -(total as i64) } else { total as i64 })
}
