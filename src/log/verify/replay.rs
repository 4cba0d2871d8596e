//! The replay of the log against the tables: each governed row must be as the last event that names it left it.
//!
//! Memory is about a hundred bytes a row: ids are kept as half a SHA-256, and read again from the log where a
//! difference has to be named.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};

use super::body::{Body, RowDigest};
use super::{Findings, Source};
use crate::db::Reader;
use crate::error::Result;
use crate::log::store;
use crate::log::tree::Hash;

const PAGE: i64 = 2_000;
const SEEN: u64 = 1 << 63;

struct Known {
    digest: Hash,
    /// The event that left it so; the highest bit is set when the row was met in its table.
    event: u64,
}

type Rows = HashMap<u128, Known, foldhash::fast::RandomState>;

/// What the events say of every governed row.
pub(super) struct Replay<'a> {
    tables: Vec<(&'a Source, Rows)>,
    unknown: Vec<String>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(sources: &'a [Source]) -> Self {
        Self { tables: sources.iter().map(|source| (source, Rows::default())).collect(), unknown: Vec::new() }
    }

    /// How many rows are known.
    pub(super) fn len(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| rows.len() as u64).sum()
    }

    /// Takes in one row of one event.
    pub(super) fn take(&mut self, event: u64, row: &RowDigest<'_>, findings: &mut Findings) {
        let Some((_, rows)) = self.tables.iter_mut().find(|(source, _)| source.table == row.table) else {
            if !self.unknown.iter().any(|table| *table == row.table) {
                self.unknown.push(row.table.to_string());
                findings
                    .event(event, format!("it speaks of the table {}, which cannot be checked", row.table));
            }
            return;
        };
        let mut digest = [0; 32];
        if hex::decode_to_slice(row.digest.as_bytes(), &mut digest).is_err() {
            findings.event(event, "it carries a row's digest that is not one".to_owned());
            return;
        }
        rows.insert(key(&row.id), Known { digest, event });
    }

    /// Compares with the tables as they stand in the reader's snapshot.
    pub(super) fn compare(&mut self, reader: &mut Reader<'_>, findings: &mut Findings) -> Result<()> {
        for (source, rows) in &mut self.tables {
            compare_table(reader, source, rows, findings)?;
            let mut gone: Vec<_> = rows.iter().filter(|(_, known)| known.event & SEEN == 0).collect();
            gone.sort_by_key(|(_, known)| known.event);
            for (key, known) in gone {
                if findings.full() {
                    findings.more();
                    continue;
                }
                let id = id_in_event(reader, known.event, source.table, *key)?;
                findings.row(source.table, &id, format!("the row that event {} left is gone", known.event));
            }
        }
        Ok(())
    }
}

fn compare_table(
    reader: &mut Reader<'_>,
    source: &Source,
    rows: &mut Rows,
    findings: &mut Findings,
) -> Result<()> {
    let mut after = String::new();
    loop {
        let page = match (source.rows)(reader, &after, PAGE) {
            Ok(page) => page.into_iter().map(|row| (row.id, Some(row.digest))).collect(),
            Err(_) => one_by_one(reader, source, &after)?,
        };
        for (id, digest) in &page {
            compare_row(source.table, id, digest.as_deref(), rows, findings);
        }
        match page.into_iter().last() {
            Some((last, _)) if last != after => after = last,
            _ => return Ok(()),
        }
    }
}

fn compare_row(table: &str, id: &str, digest: Option<&str>, rows: &mut Rows, findings: &mut Findings) {
    let Some(known) = rows.get_mut(&key(id)) else {
        findings.row(table, id, "the row stands in no event".to_owned());
        return;
    };
    let event = known.event & !SEEN;
    match digest {
        None => findings.row(table, id, format!("the row that event {event} left cannot be read any more")),
        Some(digest) if hex::encode(known.digest) != digest => {
            findings.row(table, id, format!("the row is not as event {event} left it"));
        }
        Some(_) => {}
    }
    known.event |= SEEN;
}

/// The rows of a page that cannot be read as a whole, each with its digest; the one that holds what this program never
/// writes has none.
fn one_by_one(
    reader: &mut Reader<'_>,
    source: &Source,
    after: &str,
) -> Result<Vec<(String, Option<String>)>> {
    let mut before = after.to_owned();
    let mut found = Vec::new();
    for id in store::ids_after(reader, source, after, PAGE)? {
        let row = (source.rows)(reader, &before, 1).ok().and_then(|mut rows| rows.pop());
        found.push((id.clone(), row.filter(|row| row.id == id).map(|row| row.digest)));
        before = id;
    }
    Ok(found)
}

fn key(id: &str) -> u128 {
    let hash = digest(&SHA256, id.as_bytes());
    hash.as_ref().iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
}

/// The id behind a key: the event that named the row still has it.
fn id_in_event(reader: &mut Reader<'_>, event: u64, table: &str, wanted: u128) -> Result<String> {
    let rows = store::rows_after(reader, event - 1, 1)?;
    let body = rows.first().and_then(|row| Body::read(&row.body));
    let found =
        body.iter().flat_map(|body| &body.rows).find(|row| row.table == table && key(&row.id) == wanted);
    Ok(found.map_or_else(|| "of an unknown id".to_owned(), |row| row.id.to_string()))
}
