//! Loops, which the parser has taken apart into steps already.
//!
//! Rule: only those that it makes of `all`, `exists`, `exists_one`, `map` and `filter` are recognised. Pure.

use cel::common::ast::{ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

use super::Loop;

/// Which loop it was before the parser took it apart, what it asks of each element, and under which condition.
pub(super) fn taken_apart(all: &ComprehensionExpr) -> Option<(Loop, &IdedExpr, Option<&IdedExpr>)> {
    let Expr::Call(step) = &all.loop_step.expr else { return None };
    match (&all.accu_init.expr, step.func_name.as_str(), step.args.as_slice()) {
        (Expr::Literal(LiteralValue::Boolean(_)), operators::LOGICAL_AND, [_, body]) => {
            Some((Loop::All, body, None))
        }
        (Expr::Literal(LiteralValue::Boolean(_)), operators::LOGICAL_OR, [_, body]) => {
            Some((Loop::Exists, body, None))
        }
        (Expr::Literal(LiteralValue::Int(_)), operators::CONDITIONAL, [body, _, _]) => {
            Some((Loop::ExistsOne, body, None))
        }
        (Expr::List(_), operators::ADD, [_, item]) => Some((Loop::List, only_item(item)?, None)),
        (Expr::List(_), operators::CONDITIONAL, [filter, longer, _]) => {
            let Expr::Call(longer) = &longer.expr else { return None };
            Some((Loop::List, only_item(longer.args.get(1)?)?, Some(filter)))
        }
        _ => None,
    }
}

fn only_item(list: &IdedExpr) -> Option<&IdedExpr> {
    match &list.expr {
        Expr::List(list) => list.elements.first(),
        _ => None,
    }
}
