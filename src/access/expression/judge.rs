//! Judging a condition, step by step.
//!
//! Rules: every step is paid for, and so is every piece of a text or list that is looked at, so that nothing a caller
//! sends makes a judgement long; `&&`, `||`, `all` and `exists` are settled by the part that settles them, whatever is
//! wrong with the others; running out of steps settles everything. Pure.

use std::cmp::Ordering;
use std::rc::Rc;

use super::value::{Properties, Seen, Value};
use super::{Calculation, Comparison, Literal, Loop, MAX_STEPS, Node, Root, Stop, arithmetic};

/// So many bytes are looked at in one step.
const BYTES: usize = 64;

type Judged<'v> = Result<Value<'v>, Stop>;

/// Whether it holds, and how many steps that took.
pub(super) fn holds(node: &Node, seen: &Seen<'_>) -> (Result<bool, Stop>, u32) {
    let mut judge = Judge { seen, left: MAX_STEPS, variables: Vec::new() };
    let outcome = judge.truth(node);
    (outcome, MAX_STEPS - judge.left)
}

/// One judgement.
pub(super) struct Judge<'v> {
    seen: &'v Seen<'v>,
    left: u32,
    variables: Vec<Value<'v>>,
}

impl<'v> Judge<'v> {
    fn pay(&mut self, steps: usize) -> Result<(), Stop> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(Stop::Steps)
            }
        }
    }

    /// Pays for looking at a text.
    pub(super) fn pay_for(&mut self, bytes: usize) -> Result<(), Stop> {
        self.pay(bytes / BYTES)
    }

    /// The names of properties, each looked at and paid for.
    pub(super) fn names_of(&mut self, object: &Properties<'v>) -> Result<Vec<&'v str>, Stop> {
        let mut names = Vec::new();
        for name in object.names() {
            self.pay(1)?;
            names.extend(name);
        }
        Ok(names)
    }

    fn truth(&mut self, node: &'v Node) -> Result<bool, Stop> {
        match self.value(node)? {
            Value::Bool(truth) => Ok(truth),
            _ => Err(Stop::Kind),
        }
    }

    fn value(&mut self, node: &'v Node) -> Judged<'v> {
        self.pay(1)?;
        match node {
            Node::Literal(literal) => Ok(value_of(literal)),
            Node::Root(root) => self.root(*root),
            Node::Variable(place) => self.variables.get(*place).cloned().ok_or(Stop::Missing),
            Node::Field(inner, name) => {
                let inner = self.value(inner)?;
                self.field(&inner, name)?.ok_or(Stop::Missing)
            }
            Node::Has(inner, name) => {
                let inner = self.value(inner)?;
                Ok(Value::Bool(self.field(&inner, name)?.is_some()))
            }
            Node::HasRoot(root) => Ok(Value::Bool(self.root(*root).is_ok())),
            Node::Index(both) => self.index(both),
            Node::List(items) => {
                let items: Result<Rc<[Value<'v>]>, Stop> =
                    items.iter().map(|item| self.value(item)).collect();
                items.map(Value::List)
            }
            Node::Map(entries) => self.map(entries),
            Node::Not(inner) => self.truth(inner).map(|truth| Value::Bool(!truth)),
            Node::Negative(inner) => arithmetic::negative(&self.value(inner)?),
            Node::And(both) => self.settled(both, false),
            Node::Or(both) => self.settled(both, true),
            Node::If(parts) => {
                let [asked, yes, no] = &**parts;
                if self.truth(asked)? { self.value(yes) } else { self.value(no) }
            }
            Node::Compare(how, both) => self.compare(*how, both),
            Node::Calculate(how, both) => self.calculate(*how, both),
            Node::In(both) => self.within(both),
            Node::Call(function, value, other) => {
                let value = self.value(value)?;
                let other = other.as_deref().map(|other| self.value(other)).transpose()?;
                function.call(self, value, other)
            }
            Node::Loop(kind, both, filter) => self.repeat(*kind, both, filter.as_deref()),
        }
    }

    fn root(&self, root: Root) -> Judged<'v> {
        let seen = self.seen;
        let known = |text: Option<&'v str>| text.map(Value::text).ok_or(Stop::Missing);
        match root {
            Root::SubjectId => known(Some(seen.subject)),
            Root::Username => known(seen.username),
            Root::Department => known(seen.department),
            Root::Attributes => {
                let own = seen.attributes.ok_or(Stop::Missing)?;
                Ok(Value::Object(Properties { own: Some(own), ..Properties::default() }))
            }
            Root::SubjectProperties => Ok(Value::Object(seen.subject_properties)),
            Root::ActionName => known(Some(seen.action)),
            Root::ActionProperties => Ok(Value::Object(seen.action_properties)),
            Root::ResourceType => known(Some(seen.feature)),
            Root::ResourceId => known(Some(seen.record)),
            Root::ResourceProperties => Ok(Value::Object(seen.record_properties)),
            Root::Context => Ok(Value::Object(seen.context)),
        }
    }

    /// `None` if it has no such field, a fault if it has none at all.
    fn field(&mut self, of: &Value<'v>, name: &'v str) -> Result<Option<Value<'v>>, Stop> {
        match of {
            Value::Object(object) => Ok(object.get(name).map(Value::from)),
            Value::Map(_) => self.entry(of, &Value::text(name)),
            _ => Err(Stop::Kind),
        }
    }

    fn entry(&mut self, of: &Value<'v>, key: &Value<'v>) -> Result<Option<Value<'v>>, Stop> {
        match (of, key) {
            (Value::Object(object), Value::Text(name)) => Ok(object.get(name).map(Value::from)),
            (Value::Object(_), _) => Ok(None),
            (Value::Map(entries), key) => {
                for (own, value) in entries.iter() {
                    if self.equal(own, key)? {
                        return Ok(Some(value.clone()));
                    }
                }
                Ok(None)
            }
            _ => Err(Stop::Kind),
        }
    }

    fn index(&mut self, [of, key]: &'v [Node; 2]) -> Judged<'v> {
        let (of, key) = (self.value(of)?, self.value(key)?);
        if of.length().is_none() {
            return self.entry(&of, &key)?.ok_or(Stop::Missing);
        }
        let place = match key {
            Value::Int(place) => usize::try_from(place).ok(),
            Value::Uint(place) => usize::try_from(place).ok(),
            _ => return Err(Stop::Kind),
        };
        place.and_then(|place| of.element(place)).ok_or(Stop::Missing)
    }

    fn map(&mut self, entries: &'v [(Node, Node)]) -> Judged<'v> {
        let mut made: Vec<(Value<'v>, Value<'v>)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let (key, value) = (self.value(key)?, self.value(value)?);
            for (own, _) in &made {
                if self.equal(own, &key)? {
                    return Err(Stop::Kind);
                }
            }
            made.push((key, value));
        }
        Ok(Value::Map(made.into()))
    }

    /// `&&` is settled by false, `||` by true, on whichever side.
    fn settled(&mut self, [left, right]: &'v [Node; 2], by: bool) -> Judged<'v> {
        let left = match self.truth(left) {
            Ok(truth) if truth == by => return Ok(Value::Bool(by)),
            Err(Stop::Steps) => return Err(Stop::Steps),
            other => other,
        };
        let right = self.truth(right);
        match (left, right) {
            (_, Ok(truth)) if truth == by => Ok(Value::Bool(by)),
            (_, Err(Stop::Steps)) => Err(Stop::Steps),
            (Err(stop), _) | (_, Err(stop)) => Err(stop),
            (Ok(_), Ok(_)) => Ok(Value::Bool(!by)),
        }
    }

    fn compare(&mut self, how: Comparison, [left, right]: &'v [Node; 2]) -> Judged<'v> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        let truth = match how {
            Comparison::Equal => self.equal(&left, &right)?,
            Comparison::Unequal => !self.equal(&left, &right)?,
            Comparison::Less => self.order(&left, &right)?.is_some_and(Ordering::is_lt),
            Comparison::LessOrEqual => self.order(&left, &right)?.is_some_and(Ordering::is_le),
            Comparison::Greater => self.order(&left, &right)?.is_some_and(Ordering::is_gt),
            Comparison::GreaterOrEqual => self.order(&left, &right)?.is_some_and(Ordering::is_ge),
        };
        Ok(Value::Bool(truth))
    }

    /// `None` where one of them is not a number.
    fn order(&mut self, left: &Value<'v>, right: &Value<'v>) -> Result<Option<Ordering>, Stop> {
        match (left, right) {
            (Value::Text(left), Value::Text(right)) => {
                self.pay_for(left.len().min(right.len()))?;
                Ok(Some((**left).cmp(&**right)))
            }
            (Value::Bool(left), Value::Bool(right)) => Ok(Some(left.cmp(right))),
            (Value::Instant(left), Value::Instant(right)) | (Value::Span(left), Value::Span(right)) => {
                Ok(Some(left.cmp(right)))
            }
            _ if is_number(left) && is_number(right) => Ok(arithmetic::order(left, right)),
            _ => Err(Stop::Kind),
        }
    }

    /// Things of different kinds are not equal.
    fn equal(&mut self, left: &Value<'v>, right: &Value<'v>) -> Result<bool, Stop> {
        self.pay(1)?;
        match (left, right) {
            (Value::Null, Value::Null) => Ok(true),
            (Value::Text(left), Value::Text(right)) => {
                if left.len() == right.len() {
                    self.pay_for(left.len())?;
                }
                Ok(**left == **right)
            }
            (Value::Object(_) | Value::Map(_), Value::Object(_) | Value::Map(_)) => {
                let (left, right) = (self.entries(left)?, self.entries(right)?);
                self.same_entries(&left, &right)
            }
            (Value::Bool(_), Value::Bool(_))
            | (Value::Instant(_), Value::Instant(_))
            | (Value::Span(_), Value::Span(_)) => Ok(self.order(left, right)? == Some(Ordering::Equal)),
            _ if is_number(left) && is_number(right) => {
                Ok(arithmetic::order(left, right) == Some(Ordering::Equal))
            }
            _ => match (left.length(), right.length()) {
                (Some(one), Some(other)) if one == other => {
                    for place in 0..one {
                        let both = left.element(place).zip(right.element(place));
                        let Some((left, right)) = both else { return Ok(false) };
                        if !self.equal(&left, &right)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                _ => Ok(false),
            },
        }
    }

    fn entries(&mut self, of: &Value<'v>) -> Result<Vec<(Value<'v>, Value<'v>)>, Stop> {
        let mut entries = Vec::new();
        match of {
            Value::Object(object) => {
                for name in self.names_of(object)? {
                    if let Some(value) = object.get(name) {
                        entries.push((Value::text(name), Value::from(value)));
                    }
                }
            }
            Value::Map(own) => entries.extend(own.iter().cloned()),
            _ => {}
        }
        Ok(entries)
    }

    fn same_entries(
        &mut self,
        left: &[(Value<'v>, Value<'v>)],
        right: &[(Value<'v>, Value<'v>)],
    ) -> Result<bool, Stop> {
        if left.len() != right.len() {
            return Ok(false);
        }
        for (key, value) in left {
            let mut found = false;
            for (other, own) in right {
                if self.equal(key, other)? {
                    found = self.equal(value, own)?;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn calculate(&mut self, how: Calculation, [left, right]: &'v [Node; 2]) -> Judged<'v> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        match (how, &left, &right) {
            (Calculation::Add, Value::Text(left), Value::Text(right)) => {
                self.pay_for(left.len() + right.len())?;
                Ok(Value::made([&**left, &**right].concat()))
            }
            (Calculation::Add, _, _) if left.length().is_some() && right.length().is_some() => {
                let (one, other) = (left.length().unwrap_or(0), right.length().unwrap_or(0));
                self.pay(one + other)?;
                let first = (0..one).filter_map(|place| left.element(place));
                Ok(Value::List(first.chain((0..other).filter_map(|place| right.element(place))).collect()))
            }
            _ => arithmetic::calculate(how, &left, &right),
        }
    }

    fn within(&mut self, [item, within]: &'v [Node; 2]) -> Judged<'v> {
        let (item, within) = (self.value(item)?, self.value(within)?);
        let Some(length) = within.length() else {
            return self.entry(&within, &item).map(|found| Value::Bool(found.is_some()));
        };
        for place in 0..length {
            let Some(element) = within.element(place) else { break };
            if self.equal(&item, &element)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }

    fn repeat(&mut self, kind: Loop, [over, body]: &'v [Node; 2], filter: Option<&'v Node>) -> Judged<'v> {
        let over = self.value(over)?;
        match &over {
            Value::Object(object) => {
                let names = self.names_of(object)?;
                self.each(kind, names.into_iter().map(Value::text), body, filter)
            }
            Value::Map(entries) => {
                let entries = Rc::clone(entries);
                self.each(kind, entries.iter().map(|(key, _)| key.clone()), body, filter)
            }
            _ => {
                let length = over.length().ok_or(Stop::Kind)?;
                self.each(kind, (0..length).filter_map(|place| over.element(place)), body, filter)
            }
        }
    }

    fn each(
        &mut self,
        kind: Loop,
        elements: impl Iterator<Item = Value<'v>>,
        body: &'v Node,
        filter: Option<&'v Node>,
    ) -> Judged<'v> {
        let (mut list, mut count, mut wrong) = (Vec::new(), 0_u32, None);
        for element in elements {
            self.variables.push(element);
            let outcome = self.once(kind, body, filter, &mut list);
            self.variables.pop();
            match (kind, outcome) {
                (_, Err(Stop::Steps)) => return Err(Stop::Steps),
                (Loop::All, Ok(false)) => return Ok(Value::Bool(false)),
                (Loop::Exists, Ok(true)) => return Ok(Value::Bool(true)),
                (Loop::All | Loop::Exists, Err(stop)) => wrong = wrong.or(Some(stop)),
                (_, Err(stop)) => return Err(stop),
                (_, Ok(truth)) => count += u32::from(truth),
            }
        }
        match (kind, wrong) {
            (_, Some(stop)) => Err(stop),
            (Loop::All, None) => Ok(Value::Bool(true)),
            (Loop::Exists, None) => Ok(Value::Bool(false)),
            (Loop::ExistsOne, None) => Ok(Value::Bool(count == 1)),
            (Loop::List, None) => Ok(Value::List(list.into())),
        }
    }

    /// What one element comes to; a list gets what is made of it.
    fn once(
        &mut self,
        kind: Loop,
        body: &'v Node,
        filter: Option<&'v Node>,
        list: &mut Vec<Value<'v>>,
    ) -> Result<bool, Stop> {
        if kind != Loop::List {
            return self.truth(body);
        }
        let passes = filter.map_or(Ok(true), |filter| self.truth(filter))?;
        if passes {
            list.push(self.value(body)?);
        }
        Ok(passes)
    }
}

fn is_number(value: &Value<'_>) -> bool {
    matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_))
}

fn value_of(literal: &Literal) -> Value<'_> {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(truth) => Value::Bool(*truth),
        Literal::Int(number) => Value::Int(*number),
        Literal::Uint(number) => Value::Uint(*number),
        Literal::Double(number) => Value::Double(*number),
        Literal::Text(text) => Value::text(text),
    }
}
