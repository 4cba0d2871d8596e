//! One profile file as its source has it: what it states, in which unit, by which clause, how surely.
//!
//! Rules: an unknown parameter, a wrong unit, a clause that does not exist or is missing is refused with its line; a
//! source states each parameter that its own clauses name, if only as unstated. Pure; calls the rooms of `profile`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::Deserialize;
use toml::value::Datetime;

use super::clauses::{self, ClauseId, Register};
use super::document::Document;
use super::parameters::{self, Specification};
use super::refusal::{Refusal, did_you_mean};
use super::value::Value;

/// How well the origin of a value is known. Ordered: the weakest is least.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// A choice of this project, which no source states.
    Project,
    /// A copy, a questionnaire, somebody's reading.
    Secondary,
    /// The source's own text.
    #[default]
    Primary,
}

/// The clauses that a file may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ClausesOf {
    /// Those of E2E Solutions.
    E,
    /// Those of One Connection.
    O,
    /// Amazon's sections.
    #[serde(rename = "DPP")]
    Dpp,
    /// All: the project's own choices fill gaps of every source, and need not name a clause.
    #[serde(rename = "any")]
    Any,
}

impl ClausesOf {
    /// Whether a clause is one of these.
    pub fn holds(self, clause: &ClauseId) -> bool {
        match self {
            Self::E => clause.source() == clauses::Source::E,
            Self::O => clause.source() == clauses::Source::O,
            Self::Dpp => clause.source() == clauses::Source::Dpp,
            Self::Any => true,
        }
    }
}

/// What one source says about one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The value; `None` where the duty is there and its number is not.
    pub value: Option<Value>,
    /// The clauses it comes from.
    pub clauses: Vec<ClauseId>,
    /// Since when it holds; `None` for a source without a date.
    pub effective: Option<NaiveDate>,
    /// How well its origin is known.
    pub strength: Strength,
    /// What else the source says about it.
    pub note: Option<String>,
}

/// One source of a profile.
#[derive(Debug, Clone)]
pub struct Source {
    /// The key, by which it is chosen.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The text it is taken from.
    pub source: String,
    /// Whose clauses it names.
    pub clauses_of: ClausesOf,
    /// What it states, by name of parameter.
    pub statements: BTreeMap<&'static str, Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key: String,
    name: String,
    source: String,
    clauses_of: ClausesOf,
    effective: Option<Datetime>,
    #[serde(default)]
    parameter: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    value: Option<toml::Value>,
    #[serde(default)]
    unstated: bool,
    unit: String,
    clauses: Vec<ClauseId>,
    effective: Option<Datetime>,
    strength: Option<Strength>,
    note: Option<String>,
}

impl Source {
    /// Reads one profile file against the register of clauses.
    ///
    /// # Errors
    /// Every refusal of the file, with line and remedy.
    pub fn parse(file: &str, text: &str, register: &Register) -> Result<Self, Vec<Refusal>> {
        let document: Document<File> = Document::parse(file, text).map_err(|refusal| vec![refusal])?;
        let mut reading = Reading { document: &document, register, refusals: Vec::new() };
        let statements = reading.statements();
        reading.missing(&statements);
        let refusals = reading.refusals;
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let File { key, name, source, clauses_of, .. } = document.value;
        Ok(Self { key, name, source, clauses_of, statements })
    }
}

struct Reading<'a> {
    document: &'a Document<File>,
    register: &'a Register,
    refusals: Vec<Refusal>,
}

impl Reading<'_> {
    fn refuse(&mut self, path: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.refusals.push(self.document.refuse(path, what, remedy));
    }

    fn statements(&mut self) -> BTreeMap<&'static str, Statement> {
        let mut statements = BTreeMap::new();
        let document = self.document;
        let dated = self.date("effective", document.value.effective);
        for (index, entry) in document.value.parameter.iter().enumerate() {
            let path = format!("parameter.{index}");
            let Some(specification) = parameters::find(&entry.name) else {
                let what = format!("there is no parameter \"{}\"", entry.name.escape_debug());
                self.refuse(&format!("{path}.name"), what, did_you_mean(&entry.name, parameters::names()));
                continue;
            };
            let ours = document.value.clauses_of == ClausesOf::Any;
            let statement = Statement {
                value: self.value(&path, entry, specification),
                clauses: self.clauses(&path, entry),
                effective: self.date(&format!("{path}.effective"), entry.effective).or(dated),
                strength: entry.strength.unwrap_or(if ours { Strength::Project } else { Strength::Primary }),
                note: entry.note.clone(),
            };
            if statements.insert(specification.name, statement).is_some() {
                let what = format!("the parameter \"{}\" is stated twice", entry.name);
                self.refuse(&format!("{path}.name"), what, "keep one of the two");
            }
        }
        statements
    }

    fn value(&mut self, path: &str, entry: &Entry, specification: &Specification) -> Option<Value> {
        if !specification.units.contains(&entry.unit.as_str()) {
            let what = format!("\"{}\" is no unit of {}", entry.unit.escape_debug(), entry.name);
            let remedy = format!("use one of: {}", specification.units.join(", "));
            self.refuse(&format!("{path}.unit"), what, remedy);
            return None;
        }
        match (&entry.value, entry.unstated) {
            (None, true) => None,
            (Some(raw), false) => match Value::read(&specification.order, &entry.unit, raw) {
                Ok(value) => Some(value),
                Err((what, remedy)) => {
                    self.refuse(&format!("{path}.value"), format!("{}: {what}", entry.name), remedy);
                    None
                }
            },
            _ => {
                let what = format!("{} has no value, or is said to be unstated beside one", entry.name);
                self.refuse(path, what, "write either \"value = …\" or \"unstated = true\"");
                None
            }
        }
    }

    fn clauses(&mut self, path: &str, entry: &Entry) -> Vec<ClauseId> {
        let clauses_of = self.document.value.clauses_of;
        if entry.clauses.is_empty() && clauses_of != ClausesOf::Any {
            let what = format!("{} names no clause", entry.name);
            self.refuse(&format!("{path}.clauses"), what, "name the clause that the value comes from");
        }
        let mut rows = Vec::new();
        for (number, clause) in entry.clauses.iter().enumerate() {
            let place = format!("{path}.clauses.{number}");
            if !clauses_of.holds(clause) {
                let what = format!("{clause} is not a clause of this source");
                self.refuse(&place, what, "name the source's own clause, or correct clauses_of");
            } else if clause.source() == clauses::Source::Dpp {
                rows.push(clause.clone());
            } else {
                let found: Vec<_> =
                    self.register.find(clause).into_iter().map(|row| row.id.clone()).collect();
                if found.is_empty() {
                    let what = format!("there is no clause {clause}");
                    self.refuse(&place, what, "name one that stands in clauses.toml");
                }
                rows.extend(found);
            }
        }
        rows
    }

    /// Clauses of this source that name a parameter which the file does not trace back to them.
    fn missing(&mut self, statements: &BTreeMap<&'static str, Statement>) {
        let clauses_of = self.document.value.clauses_of;
        if clauses_of == ClausesOf::Any {
            return;
        }
        let rows: Vec<_> = self.register.duties().filter(|row| clauses_of.holds(&row.id)).collect();
        let mut missing = BTreeSet::new();
        for row in rows {
            for name in &row.parameters {
                let stated = statements.get(name.as_str()).is_some_and(|one| one.clauses.contains(&row.id));
                if !stated {
                    missing.insert((name, &row.id));
                }
            }
        }
        for (name, clause) in missing {
            let place = self.document.value.parameter.iter().position(|entry| entry.name == *name);
            let place = place.map_or_else(String::new, |index| format!("parameter.{index}.clauses"));
            let what = format!("{clause} names {name}, which is not traced back to it here");
            self.refuse(&place, what, format!("state {name} with the clause {clause}, if only as unstated"));
        }
    }

    fn date(&mut self, path: &str, written: Option<Datetime>) -> Option<NaiveDate> {
        let written = written?;
        let date = written.date.filter(|_| written.time.is_none());
        let date = date.and_then(|date| {
            NaiveDate::from_ymd_opt(i32::from(date.year), date.month.into(), date.day.into())
        });
        if date.is_none() {
            self.refuse(path, "the date of effect is not a date", "write it as 2026-01-31");
        }
        date
    }
}
