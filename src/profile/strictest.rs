//! Profiles made from sources: each alone with its gaps filled, and the strictest of all.
//!
//! Rules: the project's choices fill gaps and never override a source; where a rule says that conditions add up, they
//! join; the strictest is computed parameter by parameter and stands in no file. Pure; calls the rooms of `profile`.

use std::collections::{BTreeMap, BTreeSet};

use super::Parameter;
use super::clauses::ClauseId;
use super::order::Order;
use super::parameters::{self, Specification};
use super::source::{Source, Statement, Strength};
use super::value::Value;

/// The key of the computed profile, which is the default.
pub const STRICTEST: &str = "strictest";

/// The parameters of one source alone, its gaps filled with the project's choices.
pub(super) fn alone(source: &Source, choices: &Source) -> BTreeMap<&'static str, Parameter> {
    let build = |specification: &'static Specification| {
        let stated = source.statements.get(specification.name);
        let choice = choices.statements.get(specification.name);
        let own: Vec<_> = stated.map(|stated| (source.key.as_str(), stated)).into_iter().collect();
        let value = stated.and_then(|stated| stated.value.clone());
        let mut parameter = complete(specification, value, &own, choice, false)?;
        // A gap that belongs to the clauses of another source is filled all the same, but not in their name.
        parameter.clauses.retain(|clause| source.clauses_of.holds(clause));
        Some((specification.name, parameter))
    };
    parameters::ALL.iter().filter_map(build).collect()
}

/// The strictest parameters of all sources, the gaps of all of them filled with the project's choices.
pub(super) fn strictest(sources: &[Source], choices: &Source) -> BTreeMap<&'static str, Parameter> {
    let build = |specification: &'static Specification| {
        let stated = |source| stated_by(source, specification.name);
        let stated: Vec<_> = sources.iter().filter_map(stated).collect();
        let mut values = stated.iter().filter_map(|(_, statement)| statement.value.clone());
        let first = values.next();
        let joined = values.try_fold(first, |joined, next| match joined {
            Some(joined) => specification.order.stricter(&joined, &next).map(Some),
            None => Some(Some(next)),
        });
        let settled = matches!(specification.order, Order::OneList);
        let value = if settled { None } else { joined.flatten() };
        let parameter =
            complete(specification, value, &stated, choices.statements.get(specification.name), true)?;
        Some((specification.name, parameter))
    };
    parameters::ALL.iter().filter_map(build).collect()
}

fn stated_by<'a>(source: &'a Source, name: &str) -> Option<(&'a str, &'a Statement)> {
    source.statements.get(name).map(|statement| (source.key.as_str(), statement))
}

/// A parameter from the joined value of the sources that state it and the project's choice; `None` if neither speaks.
fn complete(
    specification: &'static Specification,
    value: Option<Value>,
    stated: &[(&str, &Statement)],
    choice: Option<&Statement>,
    conditions_add_up: bool,
) -> Option<Parameter> {
    if stated.is_empty() && choice.is_none() {
        return None;
    }
    let chosen = choice.and_then(|choice| choice.value.as_ref());
    let filled = match (value.clone(), chosen) {
        (Some(value), Some(chosen))
            if conditions_add_up && matches!(specification.order, Order::Conditions(_)) =>
        {
            specification.order.stricter(&value, chosen)
        }
        (Some(value), chosen) => Some(Order::filled(value, chosen)),
        (None, chosen) => chosen.cloned(),
    };
    let from_choice = filled != value;
    let used: Vec<&Statement> =
        stated.iter().map(|(_, statement)| *statement).chain(choice.filter(|_| from_choice)).collect();
    let clauses: BTreeSet<ClauseId> =
        used.iter().flat_map(|statement| statement.clauses.iter().cloned()).collect();
    let strength = match value {
        None => Strength::Project,
        Some(_) => strength_of(stated, &specification.order, value.as_ref()),
    };
    Some(Parameter {
        name: specification.name,
        value: filled,
        clauses: clauses.into_iter().collect(),
        effective: used.iter().filter_map(|statement| statement.effective).max(),
        strength,
        stated_by: stated.iter().map(|(key, _)| (*key).to_owned()).collect(),
        notes: used.iter().filter_map(|statement| statement.note.clone()).collect(),
    })
}

/// The best source that demands the value by itself; if several only do together, the weakest of them.
fn strength_of(stated: &[(&str, &Statement)], order: &Order, value: Option<&Value>) -> Strength {
    let with_value = || stated.iter().filter(|(_, statement)| statement.value.is_some());
    let alone = with_value().filter(|(_, statement)| match (&statement.value, value) {
        (Some(own), Some(value)) => order.at_least(own, value),
        _ => false,
    });
    alone
        .map(|(_, statement)| statement.strength)
        .max()
        .or_else(|| with_value().map(|(_, statement)| statement.strength).min())
        .unwrap_or(Strength::Project)
}
