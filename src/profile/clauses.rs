//! The register of duties: every clause of the two source policies, from `policies/clauses.toml`.
//!
//! Rules: ids are unique; where a clause has several rows the bare number means all of them; `same_as` goes both ways;
//! a parameter that a row names exists. Pure; calls `document`, `parameters` and `refusal`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::document::Document;
use super::parameters;
use super::refusal::{Refusal, did_you_mean};

/// The id of a clause, such as `O13.2`, `E36` or, of Amazon's own text, `DPP 1.4`. Ordered as in the sources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClauseId {
    source: Source,
    number: u16,
    part: Option<u16>,
    /// The section as written, for Amazon's text alone: spans such as `2.3-2.5` occur there.
    section: Option<String>,
}

/// The text that a clause stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// E2E Solutions.
    E,
    /// One Connection.
    O,
    /// Definitions in One Connection's text, which decide scope and oblige nobody.
    D,
    /// Amazon's Data Protection Policy, which the register does not hold.
    Dpp,
}

impl ClauseId {
    /// The text that the clause stands in.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Whether this is the bare number of a clause that `other` is a row of, or `other` itself.
    fn covers(&self, other: &Self) -> bool {
        self == other
            || (self.part.is_none()
                && self.section.is_none()
                && (self.source, self.number) == (other.source, other.number))
    }
}

impl fmt::Display for ClauseId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(section) = &self.section {
            return write!(out, "DPP {section}");
        }
        let letter = match self.source {
            Source::E => "E",
            Source::O => "O",
            Source::D => "D",
            Source::Dpp => "DPP ",
        };
        write!(out, "{letter}{}", self.number)?;
        self.part.map_or(Ok(()), |part| write!(out, ".{part}"))
    }
}

impl From<ClauseId> for String {
    fn from(id: ClauseId) -> Self {
        id.to_string()
    }
}

impl From<&ClauseId> for String {
    fn from(id: &ClauseId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for ClauseId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for ClauseId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("\"{}\" is not a clause such as \"O13.2\", \"E36\" or \"DPP 1.4\"", text.escape_debug())
        };
        let number = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true => digits.parse::<u16>().map_err(|_| wrong()),
            false => Err(wrong()),
        };
        if let Some(section) = text.strip_prefix("DPP ") {
            let (chapter, rest) = section.split_once('.').ok_or_else(wrong)?;
            let fits = |byte: u8| byte.is_ascii_digit() || byte == b'.' || byte == b'-';
            if rest.is_empty() || !rest.bytes().all(fits) {
                return Err(wrong());
            }
            let section = Some(section.to_owned());
            return Ok(Self { source: Source::Dpp, number: number(chapter)?, part: None, section });
        }
        let source = match text.get(..1) {
            Some("E") => Source::E,
            Some("O") => Source::O,
            Some("D") => Source::D,
            _ => return Err(wrong()),
        };
        let rest = text.get(1..).ok_or_else(wrong)?;
        let (whole, part) = match rest.split_once('.') {
            Some((whole, part)) => (whole, Some(number(part)?)),
            None => (rest, None),
        };
        Ok(Self { source, number: number(whole)?, part, section: None })
    }
}

/// How far the software itself can see to a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The server makes it so, for itself and for systems that ask it.
    Enforced,
    /// It makes it so for itself; other systems need attestation.
    Both,
    /// It keeps register, clock and proof.
    Evidence,
}

/// One row of the register: one duty, or one definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// The id, unique.
    pub id: ClauseId,
    /// The heading in the source under which it stands.
    pub section: String,
    /// What somebody must do, in our own words.
    pub says: String,
    /// How far the software itself sees to it.
    pub mode: Mode,
    /// The profile parameters that carry its numbers and rules.
    pub parameters: Vec<String>,
    /// What the software does about it.
    pub capability: String,
    /// Rows with really the same duty.
    pub same_as: Vec<ClauseId>,
    /// The folder that owns it.
    pub slice: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    clause: Vec<Clause>,
}

/// All clauses, in the order of the file.
#[derive(Debug, Clone)]
pub struct Register {
    rows: Vec<Clause>,
    places: BTreeMap<ClauseId, usize>,
}

impl Register {
    /// Reads the register.
    ///
    /// # Errors
    /// Every refusal of the file, with line and remedy.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Refusal>> {
        let document: Document<File> = Document::parse(file, text).map_err(|refusal| vec![refusal])?;
        let refusals = check(&document);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let rows = document.value.clause;
        let places = rows.iter().enumerate().map(|(place, row)| (row.id.clone(), place)).collect();
        Ok(Self { rows, places })
    }

    /// The row with exactly this id.
    pub fn get(&self, id: &ClauseId) -> Option<&Clause> {
        self.places.get(id).and_then(|place| self.rows.get(*place))
    }

    /// The row with this id, or for the bare number of a clause in several rows all of them; empty if unknown.
    pub fn find(&self, id: &ClauseId) -> Vec<&Clause> {
        self.rows.iter().filter(|row| id.covers(&row.id)).collect()
    }

    /// All rows that oblige somebody.
    pub fn duties(&self) -> impl Iterator<Item = &Clause> {
        self.rows.iter().filter(|row| row.id.source != Source::D)
    }

    /// The definitions that decide scope.
    pub fn definitions(&self) -> impl Iterator<Item = &Clause> {
        self.rows.iter().filter(|row| row.id.source == Source::D)
    }

    /// How many numbered clauses the duties stand in.
    pub fn clause_count(&self) -> usize {
        self.duties().map(|row| (row.id.source, row.id.number)).collect::<BTreeSet<_>>().len()
    }
}

fn check(document: &Document<File>) -> Vec<Refusal> {
    let rows = &document.value.clause;
    let mut found = Vec::new();
    let mut by_id: BTreeMap<&ClauseId, &Clause> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        if by_id.insert(&row.id, row).is_some() {
            let what = format!("the clause {} is named twice", row.id);
            found.push(document.refuse(
                &format!("clause.{index}.id"),
                what,
                "give each row an id of its own",
            ));
        }
    }
    for (index, row) in rows.iter().enumerate() {
        let bare_too =
            row.id.part.is_some() && by_id.contains_key(&ClauseId { part: None, ..row.id.clone() });
        if bare_too || row.id.source == Source::Dpp {
            let what = format!("{} cannot be a row: its number alone is one, or it is Amazon's", row.id);
            found.push(document.refuse(&format!("clause.{index}.id"), what, "number all rows of a clause"));
        }
        for (number, name) in
            row.parameters.iter().enumerate().filter(|(_, name)| parameters::find(name).is_none())
        {
            let what = format!("there is no parameter \"{}\"", name.escape_debug());
            let place = format!("clause.{index}.parameters.{number}");
            found.push(document.refuse(&place, what, did_you_mean(name, parameters::names())));
        }
        let mutual = |other: &ClauseId| by_id.get(other).is_some_and(|twin| twin.same_as.contains(&row.id));
        for (number, other) in row.same_as.iter().enumerate().filter(|(_, other)| !mutual(other)) {
            let what = format!("{other} does not say that it is the same as {}", row.id);
            let place = format!("clause.{index}.same_as.{number}");
            found.push(document.refuse(&place, what, "name each in the other, or neither"));
        }
    }
    found
}
