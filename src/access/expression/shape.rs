//! What is known of a value before there is one, and what can be done with it then.
//!
//! Rule: what comes with the question may be anything, and is judged when it is there. Pure.

use cel::common::ast::operators;

use super::{Calculation, Comparison};

/// What is known about a value before there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing: it comes with the question.
    Any,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Instant,
    Span,
    List,
    Map,
}

impl Shape {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Any => "something",
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Uint => "a whole number without sign",
            Self::Double => "a number with a fraction",
            Self::Text => "a text",
            Self::Instant => "an instant",
            Self::Span => "a duration",
            Self::List => "a list",
            Self::Map => "a map",
        }
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// Whether a value of this shape may be one of the other.
    pub(super) fn may_be(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }

    pub(super) fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Any }
    }
}

/// What stands between two values.
pub(super) enum Operator {
    Compare(Comparison),
    Calculate(Calculation),
}

pub(super) fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        operators::EQUALS => Operator::Compare(Comparison::Equal),
        operators::NOT_EQUALS => Operator::Compare(Comparison::Unequal),
        operators::LESS => Operator::Compare(Comparison::Less),
        operators::LESS_EQUALS => Operator::Compare(Comparison::LessOrEqual),
        operators::GREATER => Operator::Compare(Comparison::Greater),
        operators::GREATER_EQUALS => Operator::Compare(Comparison::GreaterOrEqual),
        operators::ADD => Operator::Calculate(Calculation::Add),
        operators::SUBSTRACT => Operator::Calculate(Calculation::Subtract),
        operators::MULTIPLY => Operator::Calculate(Calculation::Multiply),
        operators::DIVIDE => Operator::Calculate(Calculation::Divide),
        operators::MODULO => Operator::Calculate(Calculation::Remainder),
        _ => return None,
    })
}

/// Whether two shapes can be compared.
pub(super) fn compared(how: Comparison, one: Shape, other: Shape) -> Option<Shape> {
    let alike = one.may_be(other) || (one.is_number() && other.is_number());
    let ordered = |shape| !matches!(shape, Shape::Null | Shape::List | Shape::Map);
    let fits = match how {
        Comparison::Equal | Comparison::Unequal => alike,
        _ => alike && ordered(one) && ordered(other),
    };
    fits.then_some(Shape::Bool)
}

/// What comes out of two shapes, if anything does.
pub(super) fn calculated(how: Calculation, one: Shape, other: Shape) -> Option<Shape> {
    use Calculation::{Add, Remainder, Subtract};
    use Shape::{Any, Double, Instant, Int, List, Span, Text, Uint};
    match (how, one, other) {
        (Remainder, Double, _) | (Remainder, _, Double) => None,
        (_, Int, Int) => Some(Int),
        (_, Uint, Uint) => Some(Uint),
        (_, Double, Double) => Some(Double),
        (Add, Text, Text) => Some(Text),
        (Add, List, List) => Some(List),
        (Add, Instant, Span) | (Add, Span, Instant) | (Subtract, Instant, Span) => Some(Instant),
        (Add | Subtract, Span, Span) | (Subtract, Instant, Instant) => Some(Span),
        (_, Any, Any) => Some(Any),
        (_, Any, known) | (_, known, Any) => {
            let with_times = matches!(how, Add | Subtract) && matches!(known, Instant | Span);
            let joined = how == Add && matches!(known, Text | List);
            match known {
                Int | Uint | Double => Some(known),
                _ if joined => Some(known),
                _ if with_times => Some(Any),
                _ => None,
            }
        }
        _ => None,
    }
}
