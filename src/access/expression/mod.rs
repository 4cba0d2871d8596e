//! Conditions in the Common Expression Language: read once with the catalogue, then judged question by question.
//!
//! Rules: what does not parse, names what is not there, or cannot come to true or false is refused when it is read; a
//! judgement takes so many steps and no more, whatever the question brings along; missing data, a fault and anything
//! but true deny. Only the parser is a library's (`cel`, in a thread of its own, so that whatever a text does to it is
//! a refusal); the judging is done here, over what was asked as it lies in memory, because the library's can neither
//! be bounded nor spared the copying (`docs/decisions/0013-conditions-are-compiled-here.md`). Pure; calls `profile`
//! for its suggestions.

mod arithmetic;
mod functions;
mod judge;
mod macros;
mod read;
mod shape;
mod value;

use std::fmt;
use std::sync::Arc;
use std::thread;

use cel::parser::Parser;

pub use value::{May, Properties, Seen};

use functions::Function;

/// The longest text, in characters.
pub const MAX_LENGTH: usize = 2_000;
/// How deep an expression may be nested.
pub const MAX_DEPTH: usize = 32;
/// How deep the loops in it (`all`, `exists`, `exists_one`, `map`, `filter`) may be nested.
pub const MAX_LOOPS: usize = 2;
/// The most steps that one judgement takes.
pub const MAX_STEPS: u32 = 10_000;

/// Room for the parser, which takes some of it for each link of a chain such as `a.b.c`.
const STACK: usize = 64 * 1024 * 1024;

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, as one clause without a full stop.
    pub what: String,
    /// What to do about it, as one imperative without a full stop.
    pub remedy: String,
}

impl Fault {
    fn of(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

/// Why a judgement came to neither true nor false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Something it reads is not there.
    Missing,
    /// Something is of another kind than what is done with it.
    Kind,
    /// It divides by zero, or a number does not fit.
    Arithmetic,
    /// It takes too many steps.
    Steps,
}

impl Stop {
    /// The same as a clause for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "something it reads is missing",
            Self::Kind => "something is of another kind than the condition expects",
            Self::Arithmetic => "it divides by zero, or a number does not fit",
            Self::Steps => "it takes too many steps",
        }
    }
}

/// What an expression can begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// `subject.id`: the account's id.
    SubjectId,
    /// `subject.username`.
    Username,
    /// `subject.department`.
    Department,
    /// `subject.attributes`: what Bailiwick knows of the account.
    Attributes,
    /// `subject.properties`: what the caller says of it.
    SubjectProperties,
    /// `action.name`.
    ActionName,
    /// `action.properties`.
    ActionProperties,
    /// `resource.type`: the feature.
    ResourceType,
    /// `resource.id`: the record.
    ResourceId,
    /// `resource.properties`: those of a registered record, else what the caller says.
    ResourceProperties,
    /// `context`.
    Context,
}

impl Root {
    /// Whether only Bailiwick knows it.
    pub fn is_of_the_house(self) -> bool {
        matches!(self, Self::Username | Self::Department | Self::Attributes)
    }

    /// The same as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::SubjectId => "subject.id",
            Self::Username => "subject.username",
            Self::Department => "subject.department",
            Self::Attributes => "subject.attributes",
            Self::SubjectProperties => "subject.properties",
            Self::ActionName => "action.name",
            Self::ActionProperties => "action.properties",
            Self::ResourceType => "resource.type",
            Self::ResourceId => "resource.id",
            Self::ResourceProperties => "resource.properties",
            Self::Context => "context",
        }
    }

    fn is_an_object(self) -> bool {
        matches!(
            self,
            Self::Attributes
                | Self::SubjectProperties
                | Self::ActionProperties
                | Self::ResourceProperties
                | Self::Context
        )
    }
}

/// A condition, ready to be judged.
pub struct Expression {
    text: Box<str>,
    node: Node,
    reads: Box<[(Root, Option<Box<str>>)]>,
}

impl PartialEq for Expression {
    /// The same text is the same condition.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl fmt::Debug for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Expression({})", self.text)
    }
}

impl Expression {
    /// Reads a condition.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(text: &str) -> Result<Arc<Self>, Fault> {
        if text.chars().count() > MAX_LENGTH {
            let what = format!("the condition is longer than {MAX_LENGTH} characters");
            return Err(Fault::of(what, "say it in several roles, or shorten it"));
        }
        if text.contains('\0') {
            return Err(Fault::of("the condition has a control character", "write it without"));
        }
        let reading = || -> Result<Self, Fault> {
            let parser = Parser::new().max_recursion_depth(2 * MAX_DEPTH as u16);
            let (tree, places) =
                parser.parse_with_source_info(text).map_err(|errors| read::not_parsed(text, &errors))?;
            let (node, reads) = read::node_of(&tree, &places)?;
            Ok(Self { text: text.into(), node, reads })
        };
        let outcome = thread::scope(|scope| {
            let builder = thread::Builder::new().name("condition".to_owned()).stack_size(STACK);
            let thread = builder.spawn_scoped(scope, reading).ok()?;
            thread.join().ok()
        });
        let unreadable = || Fault::of("the condition cannot be read", "write it in another way, or shorter");
        outcome.ok_or_else(unreadable)?.map(Arc::new)
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it reads by name; without a name where it may read all of it.
    pub fn reads(&self) -> impl Iterator<Item = (Root, Option<&str>)> {
        self.reads.iter().map(|(root, name)| (*root, name.as_deref()))
    }

    /// Whether it holds for what is seen.
    ///
    /// # Errors
    /// Why it comes to neither true nor false, which denies.
    pub fn holds(&self, seen: &Seen<'_>) -> Result<bool, Stop> {
        judge::holds(&self.node, seen).0
    }

    /// The same, and how many steps it took.
    #[cfg(test)]
    fn holds_in(&self, seen: &Seen<'_>) -> (Result<bool, Stop>, u32) {
        judge::holds(&self.node, seen)
    }
}

/// Two things compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Two things calculated with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calculation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// What a loop asks of the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loop {
    All,
    Exists,
    ExistsOne,
    /// Makes a list, of those elements that pass if it has a condition.
    List,
}

/// Something that stands in the text itself.
#[derive(Debug)]
enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Box<str>),
}

/// An expression as it is judged.
#[derive(Debug)]
enum Node {
    Literal(Literal),
    Root(Root),
    /// The variable of the loop that is so many loops from the outermost.
    Variable(usize),
    Field(Box<Node>, Box<str>),
    /// Whether there is such a field.
    Has(Box<Node>, Box<str>),
    /// Whether that is known at all.
    HasRoot(Root),
    Index(Box<[Node; 2]>),
    List(Box<[Node]>),
    Map(Box<[(Node, Node)]>),
    Not(Box<Node>),
    Negative(Box<Node>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    If(Box<[Node; 3]>),
    Compare(Comparison, Box<[Node; 2]>),
    Calculate(Calculation, Box<[Node; 2]>),
    In(Box<[Node; 2]>),
    Call(Function, Box<Node>, Option<Box<Node>>),
    /// Over what, the condition or what to make of an element, and the further condition of `map`.
    Loop(Loop, Box<[Node; 2]>, Option<Box<Node>>),
}

#[cfg(test)]
mod referee;
#[cfg(test)]
mod tests;
