//! Which of two values of a parameter is stricter.
//!
//! Rules: the stricter of two values is at least as strict as each; where a parameter has no natural order the rule that
//! the table of parameters states is written here beside it. Pure; calls `value` and `period`.

use std::collections::{BTreeMap, BTreeSet};

use super::period::Period;
use super::value::{Range, Recurring, Threshold, Value};

/// How values of a parameter are ordered. Lists of words stand strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// On is stricter than off.
    On,
    /// Rule 1: on is stricter than off, of two numbers the lower; a number is stricter than none.
    LowerThreshold,
    /// The smaller number.
    Fewer,
    /// The larger number.
    More,
    /// The longer key, of those the cipher has.
    MoreBits(&'static [u32]),
    /// The shorter period. Rule 9 too: a calendar month never lasts longer than 31 days, a quarter may last 92.
    Shorter,
    /// The longer period, measured at its shortest. Rule 11 for a minimum age: it does not bind after a compromise.
    Longer,
    /// The shorter period for each kind.
    ShorterEach(&'static [&'static str]),
    /// The shorter period, and after change rather than not.
    MoreOften,
    /// Rule 5: no order. A range within another is at least as strict; a default stays inside its range.
    Bounded,
    /// The earlier in the list. Rules 7 and 10: law above a profile is an exception, not a value; a channel that
    /// cannot speak HTTPS is a recorded reading, not a value.
    Written(&'static [&'static str]),
    /// The earlier in the list, for each kind.
    WrittenEach(&'static [&'static str], &'static [&'static str]),
    /// All that either requires or forbids.
    Union(&'static [&'static str]),
    /// Rule 6: conditions add up, the project's own included.
    Conditions(&'static [&'static str]),
    /// Only what both allow.
    Intersection(&'static [&'static str]),
    /// Rules 2, 4 and 8: the one event that comes first.
    Earliest(&'static [&'static str]),
    /// Rule 3: no order. One list is in force, and the organisation sets it where sources differ.
    OneList,
}

impl Order {
    /// The strictest that both values demand together; `None` where only the organisation can say (rule 3).
    pub fn stricter(&self, left: &Value, right: &Value) -> Option<Value> {
        match (self, left, right) {
            (Self::Union(_) | Self::Conditions(_), Value::Set(left), Value::Set(right)) => {
                Some(Value::Set(left | right))
            }
            (Self::Intersection(_), Value::Set(left), Value::Set(right)) => Some(Value::Set(left & right)),
            (Self::Earliest(events), Value::Set(left), Value::Set(right)) => {
                Some(Value::Set(earliest(events, left | right)))
            }
            (Self::ShorterEach(_), Value::Periods(left), Value::Periods(right)) => Some(Value::Periods(
                merge(left, right, |left, right| if shorter(*left, *right) { *left } else { *right }),
            )),
            (Self::WrittenEach(_, words), Value::Choices(left), Value::Choices(right)) => {
                let pick = |left: &String, right: &String| {
                    if rank(words, left) <= rank(words, right) { left.clone() } else { right.clone() }
                };
                Some(Value::Choices(merge(left, right, pick)))
            }
            (Self::MoreOften, Value::Recurring(left), Value::Recurring(right)) => {
                let every = if shorter(left.every, right.every) { left.every } else { right.every };
                let after_change = left.after_change || right.after_change;
                Some(Value::Recurring(Recurring { every, after_change }))
            }
            (Self::Bounded, Value::Range(left), Value::Range(right)) => {
                Some(Value::Range(narrower(left, right)))
            }
            (Self::OneList, left, right) => (left == right).then(|| left.clone()),
            _ if self.at_least(left, right) => Some(left.clone()),
            _ => Some(right.clone()),
        }
    }

    /// Whether `left` is at least as strict as `right`. Values of different shapes are not.
    pub fn at_least(&self, left: &Value, right: &Value) -> bool {
        match (self, left, right) {
            (Self::On, Value::Switch(left), Value::Switch(right)) => left >= right,
            (Self::LowerThreshold, Value::Threshold(left), Value::Threshold(right)) => lower(left, right),
            (Self::Fewer, Value::Count(left), Value::Count(right)) => left <= right,
            (Self::More | Self::MoreBits(_), Value::Count(left), Value::Count(right)) => left >= right,
            (Self::Shorter, Value::Period(left), Value::Period(right)) => shorter(*left, *right),
            (Self::Longer, Value::Period(left), Value::Period(right)) => {
                left.shortest_minutes() >= right.shortest_minutes()
            }
            (Self::ShorterEach(_), Value::Periods(left), Value::Periods(right)) => {
                covers(left, right, |left, right| shorter(*left, *right))
            }
            (Self::MoreOften, Value::Recurring(left), Value::Recurring(right)) => {
                shorter(left.every, right.every) && left.after_change >= right.after_change
            }
            (Self::Bounded, Value::Range(left), Value::Range(right)) => {
                shorter(right.least, left.least) && shorter(left.most, right.most)
            }
            (Self::Written(words), Value::Choice(left), Value::Choice(right)) => {
                rank(words, left) <= rank(words, right)
            }
            (Self::WrittenEach(_, words), Value::Choices(left), Value::Choices(right)) => {
                covers(left, right, |left, right| rank(words, left) <= rank(words, right))
            }
            (Self::Union(_) | Self::Conditions(_), Value::Set(left), Value::Set(right)) => {
                left.is_superset(right)
            }
            (Self::Intersection(_), Value::Set(left), Value::Set(right)) => left.is_subset(right),
            (Self::Earliest(events), Value::Set(left), Value::Set(right)) => {
                first(events, left) <= first(events, right)
            }
            (Self::OneList, left, right) => left == right,
            _ => false,
        }
    }

    /// A value with its gaps filled: kinds that it does not name, numbers that it leaves open.
    pub fn filled(value: Value, default: Option<&Value>) -> Value {
        match (value, default) {
            (Value::Periods(own), Some(Value::Periods(others))) => {
                Value::Periods(merge(&own, others, |own, _| *own))
            }
            (Value::Choices(own), Some(Value::Choices(others))) => {
                Value::Choices(merge(&own, others, |own, _| own.clone()))
            }
            (Value::Threshold(own), Some(Value::Threshold(other))) if own.on && own.limit.is_none() => {
                Value::Threshold(Threshold { limit: other.limit, ..own })
            }
            (value, _) => value,
        }
    }
}

fn shorter(left: Period, right: Period) -> bool {
    left.longest_minutes() <= right.longest_minutes()
}

fn lower(left: &Threshold, right: &Threshold) -> bool {
    match (left.limit, right.limit) {
        _ if left.on != right.on => left.on,
        (Some((few, long)), Some((many, short))) => {
            few < many || (few == many && long.shortest_minutes() >= short.shortest_minutes())
        }
        (left, right) => left.is_some() || right.is_none(),
    }
}

fn narrower(left: &Range, right: &Range) -> Range {
    let least = if shorter(left.least, right.least) { right.least } else { left.least };
    let most = if shorter(left.most, right.most) { left.most } else { right.most };
    if !shorter(least, most) {
        // Two ranges without anything in common cannot both be kept; the first stays, and a person must settle it.
        return *left;
    }
    let default = if !shorter(least, left.default) {
        least
    } else if !shorter(left.default, most) {
        most
    } else {
        left.default
    };
    Range { default, least, most }
}

fn rank(words: &[&str], word: &str) -> usize {
    words.iter().position(|known| *known == word).unwrap_or(words.len())
}

fn first(events: &[&str], named: &BTreeSet<String>) -> usize {
    named.iter().map(|event| rank(events, event)).min().unwrap_or(events.len())
}

fn earliest(events: &[&str], named: BTreeSet<String>) -> BTreeSet<String> {
    let first = first(events, &named);
    named.into_iter().filter(|event| rank(events, event) == first).collect()
}

fn merge<T: Clone>(
    left: &BTreeMap<String, T>,
    right: &BTreeMap<String, T>,
    pick: impl Fn(&T, &T) -> T,
) -> BTreeMap<String, T> {
    let mut merged = left.clone();
    for (kind, other) in right {
        let chosen = left.get(kind).map_or_else(|| other.clone(), |own| pick(own, other));
        merged.insert(kind.clone(), chosen);
    }
    merged
}

fn covers<T>(left: &BTreeMap<String, T>, right: &BTreeMap<String, T>, fits: impl Fn(&T, &T) -> bool) -> bool {
    right.iter().all(|(kind, other)| left.get(kind).is_some_and(|own| fits(own, other)))
}
