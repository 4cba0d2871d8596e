//! Values of parameters: what a number, a choice or a set is, and how each is read from TOML.
//!
//! Rule: a value fits its parameter's order or is refused; nothing is converted silently. Pure; calls `order`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::order::Order;
use super::period::{Period, PeriodUnit};
use super::refusal::did_you_mean;

/// What a parameter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// On or off.
    Switch(bool),
    /// From which number on an alarm is raised.
    Threshold(Threshold),
    /// A plain number: characters, attempts, bits.
    Count(u32),
    /// A period of time.
    Period(Period),
    /// A period for each kind of thing.
    Periods(BTreeMap<String, Period>),
    /// A default with bounds within which an organisation may choose.
    Range(Range),
    /// How often something is done, and whether also after a change.
    Recurring(Recurring),
    /// One of several words.
    Choice(String),
    /// One of several words for each kind of thing.
    Choices(BTreeMap<String, String>),
    /// Several words.
    Set(BTreeSet<String>),
}

/// When an alarm is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// Whether it is raised at all.
    pub on: bool,
    /// How many, and within which time; `None` where a source leaves it open.
    pub limit: Option<(u32, Period)>,
}

/// A period with bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// What holds unless the organisation chooses.
    pub default: Period,
    /// The least it may choose.
    pub least: Period,
    /// The most it may choose.
    pub most: Period,
}

/// A duty that comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recurring {
    /// The longest time between two.
    pub every: Period,
    /// Whether also after each change.
    pub after_change: bool,
}

impl Value {
    /// Reads a value for a parameter with this order and unit.
    ///
    /// # Errors
    /// What is wrong and what to do about it.
    pub fn read(order: &Order, unit: &str, raw: &toml::Value) -> Result<Self, (String, String)> {
        let read = Reader { unit, raw };
        match order {
            Order::On => read.switch(raw).map(Self::Switch),
            Order::LowerThreshold => read.threshold(),
            Order::MoreBits(allowed) => read.count(raw).and_then(|bits| match allowed.contains(&bits) {
                true => Ok(Self::Count(bits)),
                false => Err(read.wrong("one of the key lengths of AES")),
            }),
            Order::Fewer | Order::More => read.count(raw).map(Self::Count),
            Order::Shorter | Order::Longer => read.period(raw).map(Self::Period),
            Order::ShorterEach(kinds) => read.each(kinds, |raw| read.period(raw)).map(Self::Periods),
            Order::Bounded => read.range(),
            Order::MoreOften => read.recurring(),
            Order::Written(words) => read.word(raw, words).map(Self::Choice),
            Order::WrittenEach(kinds, words) => {
                read.each(kinds, |raw| read.word(raw, words)).map(Self::Choices)
            }
            Order::Union(words)
            | Order::Conditions(words)
            | Order::Intersection(words)
            | Order::Earliest(words) => read.words(|raw| read.word(raw, words)).map(Self::Set),
            Order::OneList => read.words(|raw| read.address(raw)).map(Self::Set),
        }
    }
}

type Read<T> = Result<T, (String, String)>;

struct Reader<'a> {
    unit: &'a str,
    raw: &'a toml::Value,
}

impl Reader<'_> {
    fn wrong(&self, wanted: &str) -> (String, String) {
        (
            format!("the value is not {wanted}"),
            format!("write {wanted}, as the unit \"{}\" wants it", self.unit),
        )
    }

    fn switch(&self, raw: &toml::Value) -> Read<bool> {
        raw.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    fn count(&self, raw: &toml::Value) -> Read<u32> {
        raw.as_integer()
            .and_then(|number| u32::try_from(number).ok())
            .ok_or_else(|| self.wrong("a whole number"))
    }

    fn period(&self, raw: &toml::Value) -> Read<Period> {
        // "days by severity" counts days as well.
        let unit = self.unit.strip_suffix(" by severity").unwrap_or(self.unit);
        let unit = PeriodUnit::named(unit).ok_or_else(|| self.wrong("a period of time"))?;
        match self.count(raw)? {
            0 => Err(self.wrong("more than zero")),
            count => Ok(Period { count, unit }),
        }
    }

    fn word(&self, raw: &toml::Value, words: &[&str]) -> Read<String> {
        let word = raw.as_str().ok_or_else(|| self.wrong("a word in quotes"))?;
        match words.contains(&word) {
            true => Ok(word.to_owned()),
            false => Err((
                format!("\"{}\" is none of the words it may be", word.escape_debug()),
                did_you_mean(word, words.iter().copied()),
            )),
        }
    }

    fn address(&self, raw: &toml::Value) -> Read<String> {
        let address = raw.as_str().filter(|text| text.contains('@') && !text.contains(char::is_whitespace));
        address.map(str::to_owned).ok_or_else(|| self.wrong("a list of e-mail addresses"))
    }

    fn words(&self, read: impl Fn(&toml::Value) -> Read<String>) -> Read<BTreeSet<String>> {
        let list = self.raw.as_array().ok_or_else(|| self.wrong("a list"))?;
        list.iter().map(read).collect()
    }

    fn table(&self, allowed: &[&str]) -> Read<&toml::Table> {
        let table = self.raw.as_table().ok_or_else(|| self.wrong("a table in braces"))?;
        match table.keys().find(|key| !allowed.contains(&key.as_str())) {
            Some(key) => {
                let what = format!("unknown key \"{}\"", key.escape_debug());
                Err((what, did_you_mean(key, allowed.iter().copied())))
            }
            None => Ok(table),
        }
    }

    fn part<'a>(&self, table: &'a toml::Table, key: &str) -> Read<&'a toml::Value> {
        table
            .get(key)
            .ok_or_else(|| (format!("missing key \"{key}\""), format!("add \"{key} = …\" to the value")))
    }

    fn each<T>(&self, kinds: &[&str], read: impl Fn(&toml::Value) -> Read<T>) -> Read<BTreeMap<String, T>> {
        let table = self.table(kinds)?;
        table.iter().map(|(kind, raw)| Ok((kind.clone(), read(raw)?))).collect()
    }

    fn threshold(&self) -> Read<Value> {
        if let Some(on) = self.raw.as_bool() {
            return Ok(Value::Threshold(Threshold { on, limit: None }));
        }
        let table = self.table(&["count", "minutes"])?;
        let count = self.count(self.part(table, "count")?)?;
        let minutes = self.count(self.part(table, "minutes")?)?;
        let within = Period { count: minutes, unit: PeriodUnit::Minutes };
        Ok(Value::Threshold(Threshold { on: true, limit: Some((count, within)) }))
    }

    fn range(&self) -> Read<Value> {
        let table = self.table(&["default", "least", "most"])?;
        let period = |key| self.period(self.part(table, key)?);
        let range = Range { default: period("default")?, least: period("least")?, most: period("most")? };
        let inside = range.least.longest_minutes() <= range.default.longest_minutes()
            && range.default.longest_minutes() <= range.most.longest_minutes();
        if inside { Ok(Value::Range(range)) } else { Err(self.wrong("a default between least and most")) }
    }

    fn recurring(&self) -> Read<Value> {
        let table = self.table(&["every", "after_change"])?;
        let every = self.period(self.part(table, "every")?)?;
        let after_change = self.switch(self.part(table, "after_change")?)?;
        Ok(Value::Recurring(Recurring { every, after_change }))
    }
}

impl fmt::Display for Value {
    /// As people read it: `90 days`, `on`, `fulfilment, tax`, `critical: 7 days, high: 30 days`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |on: bool| if on { "on" } else { "off" };
        let each = |parts: Vec<String>| parts.join(", ");
        match self {
            Self::Switch(value) => out.write_str(on(*value)),
            Self::Threshold(Threshold { on: true, limit: Some((count, within)) }) => {
                write!(out, "{count} in {}", within.in_words())
            }
            Self::Threshold(value) => out.write_str(on(value.on)),
            Self::Count(count) => write!(out, "{count}"),
            Self::Period(period) => out.write_str(&period.in_words()),
            Self::Periods(kinds) => out.write_str(&each(
                kinds.iter().map(|(kind, one)| format!("{kind}: {}", one.in_words())).collect(),
            )),
            Self::Range(range) => {
                let (least, most) = (range.least.in_words(), range.most.in_words());
                write!(out, "{} (between {least} and {most})", range.default.in_words())
            }
            Self::Recurring(duty) => {
                write!(
                    out,
                    "{}{}",
                    duty.every.in_words(),
                    if duty.after_change { ", and after change" } else { "" }
                )
            }
            Self::Choice(word) => out.write_str(word),
            Self::Choices(kinds) => {
                out.write_str(&each(kinds.iter().map(|(kind, word)| format!("{kind}: {word}")).collect()))
            }
            Self::Set(words) if words.is_empty() => out.write_str("none"),
            Self::Set(words) => out.write_str(&each(words.iter().cloned().collect())),
        }
    }
}
