//! From the parser's tree to what is judged, with everything refused on the way that can be known to be wrong.
//!
//! Rules: a name is one of the roots or of a loop around it; a field of a root is one that there is; what two things
//! are combined with must be able to combine them, wherever their shapes are known. Pure.

use std::collections::BTreeSet;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapExpr, SelectExpr,
    SourceInfo, operators,
};
use cel::parser::ParseErrors;

use super::functions::Function;
use super::macros::taken_apart;
use super::shape::{Operator, Shape, calculated, compared, operator};
use super::{Fault, Literal, Loop, MAX_DEPTH, MAX_LOOPS, Node, Root};
use crate::profile::refusal::did_you_mean;

type Reads = Box<[(Root, Option<Box<str>>)]>;
type Found = Result<(Node, Shape), Fault>;

/// The fields that a root has; `context` is one by itself.
const FIELDS: [(&str, &[(&str, Root)]); 3] = [
    (
        "subject",
        &[
            ("id", Root::SubjectId),
            ("username", Root::Username),
            ("department", Root::Department),
            ("attributes", Root::Attributes),
            ("properties", Root::SubjectProperties),
        ],
    ),
    ("action", &[("name", Root::ActionName), ("properties", Root::ActionProperties)]),
    (
        "resource",
        &[("type", Root::ResourceType), ("id", Root::ResourceId), ("properties", Root::ResourceProperties)],
    ),
];

/// The first thing that the parser complains about, in few words and with its place.
pub(super) fn not_parsed(text: &str, errors: &ParseErrors) -> Fault {
    let (line, column) = errors.errors.first().map_or((1, 1), |error| error.pos);
    let own = text.lines().nth(usize::try_from(line).unwrap_or(1).saturating_sub(1)).unwrap_or("");
    let from = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let near: String = own.chars().skip(from).take(12).collect();
    let at = if near.is_empty() { "at its end".to_owned() } else { format!("near `{near}`") };
    let place = if text.contains('\n') { format!("line {line}, ") } else { String::new() };
    let what = format!("the condition does not parse: {place}character {}, {at}", from + 1);
    Fault::of(what, "correct it there; texts stand in quotes, \"and\" is &&, \"or\" is ||")
}

/// What is judged, and what it reads.
pub(super) fn node_of(tree: &IdedExpr, places: &SourceInfo) -> Result<(Node, Reads), Fault> {
    let mut reader = Reader { places, variables: Vec::new(), reads: BTreeSet::new() };
    let (node, shape) = reader.node(tree, 0)?;
    if !shape.may_be(Shape::Bool) {
        let what = format!("the condition is {}, not true or false", shape.words());
        return Err(Fault::of(what, "compare it with something"));
    }
    Ok((node, reader.reads.into_iter().collect()))
}

struct Reader<'a> {
    places: &'a SourceInfo,
    /// Of the loops around, from the outermost.
    variables: Vec<&'a str>,
    reads: BTreeSet<(Root, Option<Box<str>>)>,
}

impl<'a> Reader<'a> {
    fn fault(&self, at: &IdedExpr, what: impl AsRef<str>, remedy: impl Into<String>) -> Fault {
        let what = what.as_ref();
        match self.places.offset_for(at.id) {
            Some((offset, _)) => Fault::of(format!("{what}, at character {}", offset + 1), remedy),
            None => Fault::of(what, remedy),
        }
    }

    fn node(&mut self, at: &'a IdedExpr, depth: usize) -> Found {
        if depth >= MAX_DEPTH {
            let what = format!("the condition is nested deeper than {MAX_DEPTH}");
            return Err(Fault::of(what, "say it in several roles, or without so many brackets"));
        }
        let depth = depth + 1;
        match &at.expr {
            Expr::Literal(literal) => self.literal(at, literal),
            Expr::Ident(name) => self.name(at, name),
            Expr::Select(select) => self.select(at, select, depth),
            Expr::List(list) => self.list(list, depth),
            Expr::Map(map) => self.map(at, map, depth),
            Expr::Call(call) => self.call(at, call, depth),
            Expr::Comprehension(all) => self.repeated(at, all, depth),
            Expr::Struct(_) | Expr::Unspecified => {
                Err(self.fault(at, "messages cannot be made here", "compare fields one by one"))
            }
        }
    }

    fn literal(&self, at: &IdedExpr, literal: &LiteralValue) -> Found {
        let (value, shape) = match literal {
            LiteralValue::Boolean(truth) => (Literal::Bool(*truth.inner()), Shape::Bool),
            LiteralValue::Int(number) => (Literal::Int(*number.inner()), Shape::Int),
            LiteralValue::UInt(number) => (Literal::Uint(*number.inner()), Shape::Uint),
            LiteralValue::Double(number) => (Literal::Double(*number.inner()), Shape::Double),
            LiteralValue::String(text) => (Literal::Text(text.inner().into()), Shape::Text),
            LiteralValue::Null => (Literal::Null, Shape::Null),
            LiteralValue::Bytes(_) => {
                return Err(self.fault(at, "bytes are nothing that a question has", "leave out the b"));
            }
        };
        Ok((Node::Literal(value), shape))
    }

    /// What a tree means, if it is one of the roots.
    fn root(&self, at: &IdedExpr) -> Option<Root> {
        match &at.expr {
            Expr::Ident(name) if name == "context" && !self.is_variable(name) => Some(Root::Context),
            Expr::Select(select) if !select.test => self.field_of_root(select),
            _ => None,
        }
    }

    fn field_of_root(&self, select: &SelectExpr) -> Option<Root> {
        let Expr::Ident(name) = &select.operand.expr else { return None };
        let fields = FIELDS.iter().find(|(root, _)| root == name && !self.is_variable(name))?.1;
        fields.iter().find(|(field, _)| *field == select.field).map(|(_, root)| *root)
    }

    fn is_variable(&self, name: &str) -> bool {
        self.variables.contains(&name)
    }

    /// All of a root is read.
    fn whole(&mut self, root: Root) -> (Node, Shape) {
        self.reads.insert((root, None));
        (Node::Root(root), if root.is_an_object() { Shape::Map } else { Shape::Text })
    }

    fn name(&mut self, at: &IdedExpr, name: &str) -> Found {
        if let Some(place) = self.variables.iter().rposition(|known| *known == name) {
            return Ok((Node::Variable(place), Shape::Any));
        }
        if let Some(root) = self.root(at) {
            return Ok(self.whole(root));
        }
        let fields = FIELDS.iter().find(|(root, _)| *root == name).map(|(_, fields)| fields);
        if let Some(fields) = fields {
            let names: Vec<String> = fields.iter().map(|(field, _)| format!("{name}.{field}")).collect();
            let what = format!("\"{name}\" is nothing by itself");
            return Err(self.fault(at, what, format!("use one of: {}", names.join(", "))));
        }
        let known =
            FIELDS.iter().map(|(root, _)| *root).chain(["context"]).chain(self.variables.iter().copied());
        Err(self.fault(at, format!("there is no \"{name}\""), did_you_mean(name, known)))
    }

    fn select(&mut self, at: &'a IdedExpr, select: &'a SelectExpr, depth: usize) -> Found {
        if let Some(root) = self.field_of_root(select) {
            if select.test {
                self.reads.insert((root, None));
                return Ok((Node::HasRoot(root), Shape::Bool));
            }
            return Ok(self.whole(root));
        }
        let field: Box<str> = select.field.as_str().into();
        let inner = match self.root(&select.operand) {
            Some(root) if root.is_an_object() => {
                self.reads.insert((root, Some(field.clone())));
                Node::Root(root)
            }
            _ => {
                self.known_field(at, select)?;
                let (inner, shape) = self.node(&select.operand, depth)?;
                if !shape.may_be(Shape::Map) {
                    let what = format!("{} has no field \"{field}\"", shape.words());
                    return Err(self.fault(at, what, "read a field of something that has fields"));
                }
                inner
            }
        };
        let inner = Box::new(inner);
        let has = select.test;
        Ok(if has { (Node::Has(inner, field), Shape::Bool) } else { (Node::Field(inner, field), Shape::Any) })
    }

    /// Refuses `subject.name` and the like.
    fn known_field(&self, at: &IdedExpr, select: &SelectExpr) -> Result<(), Fault> {
        let Expr::Ident(name) = &select.operand.expr else { return Ok(()) };
        let fields = FIELDS.iter().find(|(root, _)| root == name && !self.is_variable(name));
        let Some((_, fields)) = fields else { return Ok(()) };
        let what = format!("\"{name}\" has no field \"{}\"", select.field);
        let known = fields.iter().map(|(field, _)| *field);
        Err(self.fault(at, what, did_you_mean(&select.field, known)))
    }

    fn list(&mut self, list: &'a ListExpr, depth: usize) -> Found {
        let items: Result<Box<[Node]>, Fault> =
            list.elements.iter().map(|item| self.node(item, depth).map(|(node, _)| node)).collect();
        Ok((Node::List(items?), Shape::List))
    }

    fn map(&mut self, at: &IdedExpr, map: &'a MapExpr, depth: usize) -> Found {
        let mut entries = Vec::new();
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else {
                return Err(self.fault(at, "messages cannot be made here", "compare fields one by one"));
            };
            let (key, shape) = self.node(&entry.key, depth)?;
            if !(shape.may_be(Shape::Text) || shape == Shape::Bool || shape.is_number()) {
                let what = format!("{} is no key of a map", shape.words());
                return Err(self.fault(&entry.key, what, "use a text"));
            }
            entries.push((key, self.node(&entry.value, depth)?.0));
        }
        Ok((Node::Map(entries.into()), Shape::Map))
    }

    fn call(&mut self, at: &'a IdedExpr, call: &'a CallExpr, depth: usize) -> Found {
        match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            (operators::LOGICAL_AND, None, [left, right]) => {
                Ok((Node::And(self.truths([left, right], "&&", depth)?.into()), Shape::Bool))
            }
            (operators::LOGICAL_OR, None, [left, right]) => {
                Ok((Node::Or(self.truths([left, right], "||", depth)?.into()), Shape::Bool))
            }
            (operators::LOGICAL_NOT, None, [inner]) => {
                let [inner] = self.truths([inner], "!", depth)?;
                Ok((Node::Not(Box::new(inner)), Shape::Bool))
            }
            (operators::CONDITIONAL, None, [asked, yes, no]) => {
                let [asked] = self.truths([asked], "?", depth)?;
                let ((yes, one), (no, other)) = (self.node(yes, depth)?, self.node(no, depth)?);
                Ok((Node::If(Box::new([asked, yes, no])), one.or(other)))
            }
            (operators::NEGATE, None, [inner]) => {
                let (inner, shape) = self.node(inner, depth)?;
                let fits = matches!(shape, Shape::Any | Shape::Int | Shape::Double | Shape::Span);
                let refused = || self.fault(at, format!("{} has no negative", shape.words()), "use a number");
                if fits { Ok((Node::Negative(Box::new(inner)), shape)) } else { Err(refused()) }
            }
            (operators::INDEX, None, [of, index]) => self.index(at, of, index, depth),
            (operators::IN, None, [item, within]) => self.within(at, item, within, depth),
            (name, None, [left, right]) if operator(name).is_some() => {
                self.operation(at, name, left, right, depth)
            }
            (name, target, arguments) => self.function(at, name, target, arguments, depth),
        }
    }

    fn truths<const N: usize>(
        &mut self,
        parts: [&'a IdedExpr; N],
        operator: &str,
        depth: usize,
    ) -> Result<[Node; N], Fault> {
        let mut nodes = Vec::with_capacity(N);
        for part in parts {
            let (node, shape) = self.node(part, depth)?;
            if !shape.may_be(Shape::Bool) {
                let what = format!("\"{operator}\" asks for true or false and gets {}", shape.words());
                return Err(self.fault(part, what, "compare it with something"));
            }
            nodes.push(node);
        }
        nodes.try_into().map_err(|_| Fault::of("the condition cannot be read", "write it in another way"))
    }

    fn index(&mut self, at: &IdedExpr, of: &'a IdedExpr, index: &'a IdedExpr, depth: usize) -> Found {
        let inner = match (self.root(of), &index.expr) {
            (Some(root), Expr::Literal(LiteralValue::String(name))) if root.is_an_object() => {
                self.reads.insert((root, Some(name.inner().into())));
                (Node::Root(root), Shape::Map)
            }
            _ => self.node(of, depth)?,
        };
        let (key, shape) = self.node(index, depth)?;
        let fits = match inner.1 {
            Shape::Any | Shape::Map => true,
            Shape::List => shape == Shape::Any || shape.is_number(),
            _ => false,
        };
        if !fits {
            let what = format!("{} cannot be asked for {} in it", inner.1.words(), shape.words());
            return Err(self.fault(at, what, "ask a list by a number and a map by a key"));
        }
        Ok((Node::Index(Box::new([inner.0, key])), Shape::Any))
    }

    fn within(&mut self, at: &IdedExpr, item: &'a IdedExpr, within: &'a IdedExpr, depth: usize) -> Found {
        let ((item, _), (within, shape)) = (self.node(item, depth)?, self.node(within, depth)?);
        if !shape.may_be(Shape::List) && shape != Shape::Map {
            let what = format!("\"in\" looks into a list or a map and gets {}", shape.words());
            return Err(self.fault(
                at,
                what,
                "write a list such as [\"a\", \"b\"], or use contains for texts",
            ));
        }
        Ok((Node::In(Box::new([item, within])), Shape::Bool))
    }

    fn operation(
        &mut self,
        at: &IdedExpr,
        name: &str,
        left: &'a IdedExpr,
        right: &'a IdedExpr,
        depth: usize,
    ) -> Found {
        let ((left, one), (right, other)) = (self.node(left, depth)?, self.node(right, depth)?);
        let both = Box::new([left, right]);
        let operator = operator(name);
        let (node, shape) = match operator {
            Some(Operator::Compare(how)) => (Node::Compare(how, both), compared(how, one, other)),
            Some(Operator::Calculate(how)) => (Node::Calculate(how, both), calculated(how, one, other)),
            None => (Node::In(both), None),
        };
        let sign = name.trim_matches('_');
        let refused = || {
            let what = format!("\"{sign}\" does not go with {} and {}", one.words(), other.words());
            let remedy = match (one.is_number(), other.is_number()) {
                (true, true) => "make both of one kind, with int(), uint() or double()",
                _ => "use two things of one kind",
            };
            self.fault(at, what, remedy)
        };
        shape.map(|shape| (node, shape)).ok_or_else(refused)
    }

    fn function(
        &mut self,
        at: &'a IdedExpr,
        name: &str,
        target: Option<&'a IdedExpr>,
        arguments: &'a [IdedExpr],
        depth: usize,
    ) -> Found {
        let Some(function) = Function::named(name) else {
            let remedy = match name {
                "matches" => "use startsWith, endsWith, contains or a list: there are no regular expressions"
                    .to_owned(),
                _ => did_you_mean(name, Function::ALL.iter().map(|(known, _)| *known)),
            };
            return Err(self.fault(at, format!("there is no function \"{name}\""), remedy));
        };
        let all: Vec<&IdedExpr> = target.into_iter().chain(arguments).collect();
        let dotted = target.is_some();
        let two = function.is_about_two_texts();
        let (first, second) = match (all.as_slice(), two) {
            ([first], false) if !dotted || function.may_stand_behind_a_dot() => (*first, None),
            ([first, second], true) if dotted => (*first, Some(*second)),
            _ => {
                let remedy = match (two, function.may_stand_behind_a_dot()) {
                    (true, _) => format!("write TEXT.{name}(TEXT)"),
                    (false, _) => format!("write {name}(VALUE)"),
                };
                return Err(self.fault(at, format!("\"{name}\" is not called like that"), remedy));
            }
        };
        let (value, shape) = self.node(first, depth)?;
        let unfit = |reader: &Self, shape: Shape| {
            let what = format!("\"{name}\" does not take {}", shape.words());
            Err(reader.fault(at, what, "give it something of another kind"))
        };
        let Some(result) = function.of(shape) else { return unfit(self, shape) };
        let other = match second {
            Some(second) => {
                let (node, shape) = self.node(second, depth)?;
                if !shape.may_be(Shape::Text) {
                    return unfit(self, shape);
                }
                Some(Box::new(node))
            }
            None => None,
        };
        Ok((Node::Call(function, Box::new(value), other), result))
    }

    /// A loop, which the parser has taken apart already.
    fn repeated(&mut self, at: &'a IdedExpr, all: &'a ComprehensionExpr, depth: usize) -> Found {
        if self.variables.len() >= MAX_LOOPS {
            let what = format!("loops are nested deeper than {MAX_LOOPS}");
            return Err(self.fault(at, what, "look for it in one list, or let the caller send it"));
        }
        let strange =
            || self.fault(at, "the loop cannot be read", "use all, exists, exists_one, map or filter");
        let (kind, body, filter) = taken_apart(all).ok_or_else(strange)?;
        let (over, shape) = self.node(&all.iter_range, depth)?;
        if !shape.may_be(Shape::List) && shape != Shape::Map {
            let what = format!("a loop goes over a list or a map and gets {}", shape.words());
            return Err(self.fault(at, what, "write it behind a list"));
        }
        self.variables.push(&all.iter_var);
        let inner = self.inside(kind, body, filter, depth);
        self.variables.pop();
        let (body, filter) = inner?;
        let shape = if kind == Loop::List { Shape::List } else { Shape::Bool };
        Ok((Node::Loop(kind, Box::new([over, body]), filter.map(Box::new)), shape))
    }

    fn inside(
        &mut self,
        kind: Loop,
        body: &'a IdedExpr,
        filter: Option<&'a IdedExpr>,
        depth: usize,
    ) -> Result<(Node, Option<Node>), Fault> {
        let filter = match filter {
            Some(filter) => {
                let [filter] = self.truths([filter], "filter", depth)?;
                Some(filter)
            }
            None => None,
        };
        if kind == Loop::List {
            return Ok((self.node(body, depth)?.0, filter));
        }
        let [body] = self.truths([body], "the loop", depth)?;
        Ok((body, filter))
    }
}
