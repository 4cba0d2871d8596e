//! The days of the log `access` that are over: each must still be as the event says that closed it.

use std::path::Path;

use chrono::NaiveDate;

use super::Difference;
use crate::db::Database;
use crate::error::Result;
use crate::log::access::Books;
use crate::log::event::Change;
use crate::log::store::{self, Filter};

const PAGE: i64 = 500;

/// Reads every closed day again and compares it with its event.
///
/// # Errors
/// A fault of the database.
pub fn days(database: &Database, data: &Path) -> Result<Vec<Difference>> {
    let books = Books::new(database.location(), data);
    let mut differences = Vec::new();
    for (event, day, size, root) in closed(database, i64::MAX)? {
        let Ok(date) = day.parse::<NaiveDate>() else { continue };
        let (found, faults) = books.verify(date)?;
        let mut texts = faults;
        if texts.is_empty() && (found.size, &found.root) != (size, &root) {
            texts.push(format!("access {date}: the day is not as event {event} closed it"));
        }
        differences.extend(texts.into_iter().map(|text| Difference {
            event: None,
            table: None,
            row: None,
            text,
        }));
    }
    Ok(differences)
}

/// The day closed last.
///
/// # Errors
/// A fault of the database.
pub fn last_closed(database: &Database) -> Result<Option<NaiveDate>> {
    Ok(closed(database, 1)?.pop().and_then(|(_, day, _, _)| day.parse().ok()))
}

/// Closed days, the newest first, at most `limit`: event, day, size and root.
fn closed(database: &Database, limit: i64) -> Result<Vec<(u64, String, u64, String)>> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let kind = Some("access_day_closed".to_owned());
        let filter = Filter { kind, before, ..Filter::default() };
        let page = database.read(|reader| store::list(reader, &filter, PAGE.min(limit)))?;
        before = page.last().map(|(event, _)| event.number);
        let last = (page.len() as i64) < PAGE;
        for (event, _) in page {
            if let Change::AccessDayClosed { day, size, root } = event.change {
                all.push((event.number, day, size, root));
            }
        }
        if last || all.len() as i64 >= limit {
            return Ok(all);
        }
    }
}
