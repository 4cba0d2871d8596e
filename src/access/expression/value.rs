//! What a condition sees and calculates with: JSON as it lies in memory, and the few things made from it.
//!
//! Rules: nothing of a question is copied to be looked at; a property that the caller may not assert is not there; what
//! the house knows of a record wins over what a caller says of it. Pure.

use std::ops::Deref;
use std::rc::Rc;

use serde_json::{Map, Number};

type Json = serde_json::Value;

/// Which names a caller may assert.
#[derive(Debug, Clone, Copy, Default)]
pub enum May<'v> {
    /// All.
    Everything,
    /// Those in its key's list.
    Listed(&'v [String]),
    /// Those that are usual.
    Usual(&'v [Box<str>]),
    /// This one.
    Only(&'static str),
    /// None.
    #[default]
    Nothing,
}

impl May<'_> {
    /// Whether the caller may assert this.
    pub fn assert(self, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Listed(names) => names.iter().any(|own| own == name),
            Self::Usual(names) => names.iter().any(|own| **own == *name),
            Self::Only(own) => own == name,
            Self::Nothing => false,
        }
    }
}

/// Properties by their names: the house's own, and behind them what the caller asserts and may.
#[derive(Debug, Clone, Copy, Default)]
pub struct Properties<'v> {
    /// Bailiwick's own.
    pub own: Option<&'v Map<String, Json>>,
    /// The caller's.
    pub asserted: Option<&'v Map<String, Json>>,
    /// What of that counts.
    pub may: May<'v>,
}

impl<'v> Properties<'v> {
    fn inner(object: &'v Map<String, Json>) -> Self {
        Self { own: Some(object), asserted: None, may: May::Nothing }
    }

    /// The property of this name, if it is there.
    pub fn get(&self, name: &str) -> Option<&'v Json> {
        let asserted = || self.asserted?.get(name).filter(|_| self.may.assert(name));
        self.own.and_then(|own| own.get(name)).or_else(asserted)
    }

    /// All names, each once; `None` for each that the caller may not assert, because looking at it costs as much.
    pub(super) fn names(&self) -> impl Iterator<Item = Option<&'v str>> {
        let (own, may) = (self.own, self.may);
        let asserted = self.asserted.into_iter().flat_map(Map::keys).map(move |name| {
            let counts = may.assert(name) && own.is_none_or(|own| !own.contains_key(name.as_str()));
            counts.then_some(name.as_str())
        });
        own.into_iter().flat_map(Map::keys).map(|name| Some(name.as_str())).chain(asserted)
    }
}

/// Everything that a condition sees of one question.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen<'v> {
    /// The account's id.
    pub subject: &'v str,
    /// What it signs in with; `None` if it is not known here.
    pub username: Option<&'v str>,
    /// Its department, if it has one.
    pub department: Option<&'v str>,
    /// What is known of it besides; `None` if that is not known here.
    pub attributes: Option<&'v Map<String, Json>>,
    /// What the caller says of it.
    pub subject_properties: Properties<'v>,
    /// The action.
    pub action: &'v str,
    /// What the caller says of it.
    pub action_properties: Properties<'v>,
    /// The feature.
    pub feature: &'v str,
    /// The record.
    pub record: &'v str,
    /// What is known of it, and what the caller says.
    pub record_properties: Properties<'v>,
    /// What else the caller says.
    pub context: Properties<'v>,
}

/// A text as it came, or one that was made: copying either costs nothing.
#[derive(Debug, Clone)]
pub(super) enum Text<'v> {
    Given(&'v str),
    Made(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Given(text) => text,
            Self::Made(text) => text,
        }
    }
}

/// Something to calculate with. Times and spans are microseconds.
#[derive(Debug, Clone)]
pub(super) enum Value<'v> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Text<'v>),
    Instant(i64),
    Span(i64),
    Array(&'v [Json]),
    List(Rc<[Value<'v>]>),
    Object(Properties<'v>),
    Map(Rc<[(Value<'v>, Value<'v>)]>),
}

impl<'v> From<&'v Json> for Value<'v> {
    fn from(json: &'v Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(number) => number_of(number),
            Json::String(text) => Self::text(text),
            Json::Array(items) => Self::Array(items),
            Json::Object(object) => Self::Object(Properties::inner(object)),
        }
    }
}

fn number_of(number: &Number) -> Value<'static> {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(number), _, _) => Value::Int(number),
        (_, Some(number), _) => Value::Uint(number),
        (_, _, Some(number)) => Value::Double(number),
        _ => Value::Null,
    }
}

impl<'v> Value<'v> {
    pub(super) fn text(text: &'v str) -> Self {
        Self::Text(Text::Given(text))
    }

    pub(super) fn made(text: String) -> Self {
        Self::Text(Text::Made(text.into()))
    }

    /// How many elements a list has.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::Array(items) => Some(items.len()),
            Self::List(items) => Some(items.len()),
            _ => None,
        }
    }

    /// An element of a list.
    pub(super) fn element(&self, place: usize) -> Option<Value<'v>> {
        match self {
            Self::Array(items) => items.get(place).map(Value::from),
            Self::List(items) => items.get(place).cloned(),
            _ => None,
        }
    }
}
