//! The log `access`: evaluations and refused calls. A tree of its own for every day, in a file of its own (SQLite,
//! `access/2026-11-30.db` in the data directory) or a table of its own (PostgreSQL, `access_20261130`).
//!
//! Rules: a record belongs to the day on which it is written, so that a day that is over never changes; numbers are
//! dense within a day; the size and root of each day that is over become an event of the log `changes`; nothing that a
//! caller made up stands here but as keyed hash. May call: `db`, `vault`.

mod store;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::tree::{Frontier, leaf_hash};
use crate::clock::Timestamp;
use crate::db::{AnyConnection, Location};
use crate::error::{Error, Result};
use crate::ids::{AccountId, GrantId};

/// The version of a record's form; part of what is hashed.
const VERSION: u32 = 1;
/// How many records are read at a time.
const PAGE: i64 = 2_000;

/// What somebody was allowed or denied, or how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are ids, words and keyed hashes that name themselves")]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Access {
    /// Personal data was permitted: who asked, for what, about which record (keyed hash), how many records.
    Permit {
        asker: String,
        permission: String,
        record: String,
        purpose: Option<String>,
        scope: Vec<Limit>,
        grants: Vec<GrantId>,
        revision: u64,
        records: Option<u64>,
    },
    /// Something was denied. A name that catalogue or directory do not know is a keyed hash, marked "hmac:".
    Denial { asker: String, name: Option<String>, permission: String, reason: String, revision: u64 },
    /// So many permits of other classes in a minute.
    Permits { asker: String, permission: String, count: u64, first: Timestamp, last: Timestamp },
    /// So many denials in a minute beyond those that stand one by one.
    Denials { asker: String, reason: String, count: u64, first: Timestamp, last: Timestamp },
    /// So many records were retrieved under a permit, told afterwards by whoever had asked.
    Usage { asker: String, permission: String, record: String, permitted_at: Timestamp, records: u64 },
    /// A call to this house itself was refused: route as the table has it, problem type.
    Refusal { caller: String, route: String, problem: String },
    /// So many refused calls in a minute beyond those that stand one by one.
    Refusals { caller: String, problem: String, count: u64, first: Timestamp, last: Timestamp },
    /// So many denials and permits of other classes found no room and were not looked at; no permit of personal data
    /// was among them.
    Overflow { count: u64 },
}

/// One property to whose values the grants that gave a permission were limited.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Limit {
    /// The property of the resource.
    pub property: String,
    /// Its values.
    pub values: Vec<String>,
}

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// When it happened.
    pub at: Timestamp,
    /// The account it is about, if it is about one.
    pub subject: Option<AccountId>,
    /// What happened.
    pub access: Access,
}

/// A record as it is kept and hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of this form.
    pub version: u32,
    /// Its number within its day, from 1, without gaps.
    pub number: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The account it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<AccountId>,
    /// What happened.
    #[serde(flatten)]
    pub access: Access,
}

impl Record {
    fn text(&self) -> Result<String> {
        serde_json_canonicalizer::to_string(self).map_err(|cause| Error::internal("writing a record", cause))
    }
}

/// The tree of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Which day, in UTC.
    pub date: NaiveDate,
    /// How many records it has.
    pub size: u64,
    /// The root of its tree, as hex.
    pub root: String,
}

/// The books of all days, for one reader or writer.
pub struct Books {
    location: Location,
    directory: PathBuf,
    open: Option<(NaiveDate, AnyConnection)>,
}

impl Books {
    /// The books of the house with this database and data directory.
    pub fn new(location: &Location, data: &Path) -> Self {
        Self { location: location.clone(), directory: data.join("access"), open: None }
    }

    /// Writes records into a day, all or none. They are durable when this returns.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`] if they could not be written.
    pub fn append(&mut self, date: NaiveDate, drafts: &[Draft]) -> Result<()> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != date) {
            let mut connection = self.place(date).connect()?;
            store::create(&mut connection, date)?;
            self.open = Some((date, connection));
        }
        let Some((_, connection)) = &mut self.open else { return Ok(()) };
        let outcome = store::write(connection, |connection| {
            let mut tree = store::head(connection, date)?;
            let rows: Vec<_> = drafts.iter().map(|draft| row(&mut tree, draft)).collect::<Result<_>>()?;
            store::insert(connection, date, &rows)?;
            store::set_head(connection, date, &tree)
        });
        if outcome.is_err() {
            self.open = None;
        }
        outcome
    }

    /// The records of a day after `after`, oldest first; none for a day without records.
    ///
    /// # Errors
    /// [`Error::Internal`] for a record that cannot be read.
    pub fn records(&self, date: NaiveDate, after: u64, limit: i64) -> Result<Vec<Record>> {
        let Some(mut connection) = self.existing(date)? else { return Ok(Vec::new()) };
        let rows = store::rows_after(&mut connection, date, after, limit)?;
        rows.iter()
            .map(|row| {
                serde_json::from_str(&row.body)
                    .map_err(|cause| Error::internal(&format!("reading record {}", row.number), cause))
            })
            .collect()
    }

    /// The days that have records, oldest first.
    ///
    /// # Errors
    /// [`Error::Internal`] if they cannot be listed.
    pub fn days(&self) -> Result<Vec<NaiveDate>> {
        let mut days = if self.location.is_postgresql() {
            store::days(&mut self.location.connect()?)?
        } else {
            let failed = |cause| Error::internal("listing the days of the log access", cause);
            let entries = std::fs::read_dir(&self.directory).map_err(failed)?;
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            names.filter_map(|name| name.strip_suffix(".db")?.parse().ok()).collect()
        };
        days.sort_unstable();
        Ok(days)
    }

    /// Reads a whole day and computes its tree again: its size and root, and what is not as it should be, in words.
    ///
    /// # Errors
    /// A fault of the database.
    pub fn verify(&self, date: NaiveDate) -> Result<(Day, Vec<String>)> {
        let (mut tree, mut differences) = (Frontier::default(), Vec::new());
        let Some(mut connection) = self.existing(date)? else {
            return Ok((day(date, &tree), vec![format!("access {date}: the day is gone")]));
        };
        loop {
            let rows = store::rows_after(&mut connection, date, tree.size(), PAGE)?;
            for row in &rows {
                let leaf = leaf_hash(row.body.as_bytes());
                tree.append(leaf);
                if row.number.unsigned_abs() != tree.size() {
                    differences.push(format!("access {date}: record {} is missing", tree.size()));
                    return Ok((day(date, &tree), differences));
                }
                if leaf[..] != row.leaf[..] {
                    let number = row.number;
                    differences.push(format!("access {date}: record {number} does not match its leaf"));
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        if store::head(&mut connection, date)? != tree {
            differences.push(format!("access {date}: the head is not the one of the records"));
        }
        Ok((day(date, &tree), differences))
    }

    fn place(&self, date: NaiveDate) -> Location {
        if self.location.is_postgresql() {
            self.location.clone()
        } else {
            self.location.beside(&self.directory.join(format!("{date}.db")))
        }
    }

    fn existing(&self, date: NaiveDate) -> Result<Option<AnyConnection>> {
        if self.days()?.contains(&date) { self.place(date).connect().map(Some) } else { Ok(None) }
    }
}

fn row(tree: &mut Frontier, draft: &Draft) -> Result<store::NewRow> {
    let record = Record {
        version: VERSION,
        number: tree.size() + 1,
        at: draft.at,
        subject: draft.subject.clone(),
        access: draft.access.clone(),
    };
    let body = record.text()?;
    let leaf = leaf_hash(body.as_bytes());
    tree.append(leaf);
    Ok(store::NewRow::new(&record, body, leaf))
}

fn day(date: NaiveDate, tree: &Frontier) -> Day {
    Day { date, size: tree.size(), root: hex::encode(tree.root()) }
}
